// The graph: the one intermediate representation between the language and the kernels.
//
// SSA nodes with concrete types, hash-consed (structurally equal pure nodes are one node), each
// with the source range it came from. Node ids rise from operands to users, so that walking
// `node` in order is a topological walk. A graph prints as text and reads back (text.c):
//
//   graph step {
//     %0 = input(){name="image"} : u8[128,28,28]
//     %1 = var(){name="mlp.dense.weight", kind="param"} : f32[128,784] @1:120-131
//     %2 = cast(%0){to="f32"} : f32[128,28,28]
//     ...
//     output "loss" = %41
//     effect %57
//   }
#ifndef NC_GRAPH_H
#define NC_GRAPH_H
#include "base/arena.h"
#include "base/diag.h"
#include "base/map.h"
#include "base/type.h"

typedef struct NcGraph NcGraph;
typedef struct NcNode NcNode;
typedef struct NcOp NcOp;      // compiler/ops/op.h: one row per operation

// An attribute: an integer, a list of integers, a float, a list of floats, a string, or a graph (the body of a loop,
// which is not changed any more). Keys are fixed by the
// operation's row; a node stores them in the row's order, so that equal attributes compare in order.
// Integers lie in the range of int32, sizes too (and a type has at most 2^40 elements): sums and products of two
// stay in int64.
typedef enum { NC_ATTR_INT, NC_ATTR_INTS, NC_ATTR_FLOAT, NC_ATTR_FLOATS, NC_ATTR_STR, NC_ATTR_GRAPH } NcAttrKind;
typedef struct {
  const char *key;
  NcAttrKind kind;
  int n;                 // of ints or floats
  union {                // lists and graphs lie in the graph's arena
    int64_t i;
    const int64_t *ints;
    double f;
    const double *floats;
    const NcGraph *g;
  };
  const char *s;         // interned in the graph; of a graph: its text without places, or NULL until it is in a node
} NcAttr;

struct NcNode {
  int id;                // its place in NcGraph.node
  const NcOp *op;
  NcType type;
  int nin;
  NcNode **in;
  int nattr;
  NcAttr *attr;
  NcRange at;
  int again;             // above 0: computed again, with all of that number (passes/remake.c); not part of what makes nodes equal
  uint64_t hash;
  NcNode *same_hash;     // chain of the consing table
};

typedef struct { const char *name; NcNode *node; } NcOutput;

struct NcGraph {
  NcArena *arena;
  NcDiag *diag;          // where construction errors go
  const char *name;
  NC_VEC(NcNode *) node;
  NC_VEC(NcOutput) output;       // by name: loss, metrics, predictions
  NC_VEC(NcNode *) effect;       // assign nodes, in program order
  NcMap strings;                 // interned attribute strings
  NcNode **table;                // hash-consing
  int table_size, table_used;
  int stretches;                 // above 1: how the back half saves memory for it (passes/remake.c); not part of its text
};

NcGraph *nc_graph_new(NcArena *a, NcDiag *d, const char *name);

// Builds (or finds) a node. Infers its type; when the operands or attributes are wrong, reports an error at `at`
// and returns NULL. Operands that are NULL give NULL silently (their error is already reported), so calls nest.
NcNode *nc_node(NcGraph *g, const NcOp *op, NcRange at, int nin, NcNode *const *in, int nattr, const NcAttr *attr);
// The same for a leaf (const iota input var random orthogonal), whose type is given, not inferred.
NcNode *nc_leaf(NcGraph *g, const NcOp *op, NcRange at, NcType type, int nin, NcNode *const *in, int nattr,
                const NcAttr *attr);
// A node of any graph again in g, with operands of g. Does not register effects.
NcNode *nc_copy_node(NcGraph *g, const NcNode *n, NcNode *const *in);

void nc_graph_output(NcGraph *g, const char *name, NcNode *n);   // a second call with the name replaces
void nc_graph_effect(NcGraph *g, NcNode *assign);
NcNode *nc_graph_find_output(const NcGraph *g, const char *name);

#define NC_AINT(k, v) ((NcAttr){.key = (k), .kind = NC_ATTR_INT, .i = (v)})
#define NC_AINTS(k, p, count) ((NcAttr){.key = (k), .kind = NC_ATTR_INTS, .ints = (p), .n = (count)})
#define NC_AFLOAT(k, v) ((NcAttr){.key = (k), .kind = NC_ATTR_FLOAT, .f = (v)})
#define NC_AFLOATS(k, p, count) ((NcAttr){.key = (k), .kind = NC_ATTR_FLOATS, .floats = (p), .n = (count)})
#define NC_AGRAPH(k, v) ((NcAttr){.key = (k), .kind = NC_ATTR_GRAPH, .g = (v)})
#define NC_ASTR(k, v) ((NcAttr){.key = (k), .kind = NC_ATTR_STR, .s = (v)})

const NcAttr *nc_attr(const NcNode *n, const char *key);          // NULL when the node has none
int64_t nc_attr_int(const NcNode *n, const char *key);            // the attribute must exist
const int64_t *nc_attr_ints(const NcNode *n, const char *key, int *count);
const double *nc_attr_floats(const NcNode *n, const char *key, int *count);
double nc_attr_float(const NcNode *n, const char *key);
const char *nc_attr_str(const NcNode *n, const char *key);
const NcGraph *nc_attr_graph(const NcNode *n, const char *key);
// Of nodes with the same operation, of one graph or two. Floats by their bits: -0 and 0 stay apart and NaN equals itself.
bool nc_attr_equal(const NcAttr *a, const NcAttr *b);

// text.c. A node's text id is its place; equal pure nodes of a text become one node, so ids may fall on reading.
void nc_node_print(const NcNode *n, NcBuf *out);      // "%2 = cast(%0){to="f32"} : f32[128,28,28]", without line end
void nc_graph_print(const NcGraph *g, NcBuf *out);
const char *nc_graph_identity(const NcGraph *g, NcArena *a);   // its text without places and name: equal for equal graphs
// `name` is that of the text, for messages. NULL after E0801.
NcGraph *nc_graph_read(NcArena *a, NcDiag *d, const char *name, const char *text);

// verify.c: every node against its operation's rule, ids against order, outputs and effects. False after E0901.
bool nc_graph_verify(const NcGraph *g, NcDiag *d, const char *after);

// users.c: who reads a node. Lists are in id order; a node that reads another twice is listed once.
typedef struct { int *n; NcNode ***user; } NcUsers;
NcUsers nc_graph_users(const NcGraph *g, NcArena *a);

// Drops from g what its outputs and effects do not reach. Its nodes get new ids, and what was dropped must not be used again.
NcGraph *nc_graph_prune(NcGraph *g);   // g

// copy.c: what outputs and effects reach, by id.
bool *nc_graph_reached(const NcGraph *g, NcArena *a);
// Rebuilds a graph keeping what its roots (outputs and effects) reach; map[old id] gives the new node
// (NULL when not reached; `map` has room for g->node.n and may itself be NULL).
// The rewriter may replace a node while it is copied: it receives the old node and its operands in the new graph and
// returns the new node (NULL: copy as it is). An effect for which it returns something other than
// an assign is dropped. f NULL only drops what is dead. Returns NULL after an error. The base of simplify, constant
// folding, and dead code elimination.
typedef NcNode *NcRewrite(void *ctx, NcGraph *to, const NcNode *old, NcNode **in);
NcGraph *nc_graph_rewrite(const NcGraph *g, NcArena *a, NcRewrite *f, void *ctx, NcNode **map);

// part.c: the nodes that depend on one of `from` and that one of `root` depends on, in id order, without `from`.
typedef struct { int n; NcNode **node; int ids; } NcPart;    // ids: of the graph when it was taken
NcPart nc_graph_between(const NcGraph *g, NcArena *a, int nfrom, NcNode *const *from, int nroot, NcNode *const *root);
// Makes the part once more in its graph. map[id] is what replaces a node, NULL where nothing does; it has room for
// p->ids, and the copies are entered there.
bool nc_graph_again(NcGraph *g, const NcPart *p, NcNode **map);
#endif
