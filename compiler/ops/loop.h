// Loops, as the graph has them. loop.c tells what the body's inputs and outputs are.
#ifndef NC_LOOP_H
#define NC_LOOP_H
#include "graph/graph.h"

typedef struct {
  int ncarry, nscanned, nclosed;     // operands, in this order
  int nemit;                         // results: the carries, then these
  int64_t trips;
  bool reverse;                      // the elements are taken, and what is emitted is laid down, from the last to the first
  const NcGraph *body;
} NcLoop;

bool nc_loop_of(const NcNode *n, NcLoop *out);                               // false when n is no loop
NcNode *nc_loop(NcGraph *g, NcRange at, const NcLoop *l, NcNode *const *in);
NcNode *nc_loop_out(NcGraph *g, NcNode *loop, int index);
NcType nc_loop_type(const NcLoop *l, int index);                             // of a result

// The body's inputs and outputs by role and number. NULL when it has none of that name.
const char *nc_loop_name(NcArena *a, char role, int i);                      // "c0"
NcNode *nc_loop_input(const NcGraph *body, char role, int i);                // role c, x, w, t
NcNode *nc_loop_output(const NcGraph *body, char role, int i);               // role c, y

// loop_inline.c: the body's nodes in g, with what stands for its inputs: find(ctx, role, number). map has room for the
// body's nodes. False after an error.
typedef NcNode *NcLoopFind(void *ctx, char role, int i);
bool nc_loop_place(NcGraph *g, const NcGraph *body, NcLoopFind *find, void *ctx, NcNode **map);
// All turns one after the other: out[i], the loop's results.
bool nc_loop_unroll(NcGraph *g, NcRange at, const NcLoop *l, NcNode *const *in, NcNode **out);

// loop_grad.c: from the gradients toward the results (NULL where nothing flows) those toward the operands that are
// wanted. False after an error.
bool nc_loop_vjp(NcGraph *g, NcNode *loop, NcNode *const *dout, const bool *wanted, NcNode **din);
#endif
