// Flow: which computed values reach which computing nodes, seen through index arithmetic.
//
// A node is `core` when some region has to compute it: every operation but movement, and those movements whose
// result must lie in memory. All other movement, iota and literals are free: a region that needs one repeats it. Core
// nodes therefore read core nodes and leaves; the reads say how the indices of the two relate, which decides what may
// be fused. Of free nodes one behind the other there are few: after some of them the next one is core.
#ifndef NC_PASSES_FLOW_H
#define NC_PASSES_FLOW_H
#include "passes/region.h"

typedef enum {
  NC_PATH_DIRECT,          // element e reads element e (counted row-major)
  NC_PATH_ROWS,            // element e reads element e / len: a value per row
  NC_PATH_MOVED            // anything else
} NcPathKind;

typedef struct {
  NcNode *from;            // a core node or a leaf
  NcPathKind path;
  int64_t len;             // of NC_PATH_ROWS
  bool buffer;             // read as a whole: `from` must be in memory whoever computes it
} NcRead;

typedef struct { NC_VEC(NcRead) at; } NcReads;
typedef struct { NC_VEC(NcNode *) at; } NcNodes;

// Free nodes one behind the other, up to core nodes and leaves: how many, of them pads and concatenations, which become
// conditions, and reshapes of what was moved before, which double index arithmetic or worse.
typedef struct { int all, guards, reshapes; } NcChain;

typedef struct NcFlow {
  NcArena *arena;
  NcGraph *graph;
  bool *core;              // by node id
  bool *required;          // by node id: must be in memory (outputs, assigned values, operands of templates)
  NcChain *chain;          // by node id
  NcReads *reads;          // by node id of core nodes
  NcNodes *readers;        // by node id: the core nodes that read it
} NcFlow;

NcFlow *nc_flow_new(NcArena *a, NcGraph *g);
bool nc_is_leaf(const NcNode *n);       // in memory before the run: inputs, vars, tables
bool nc_is_literal(const NcNode *n);    // a scalar constant, written into the kernel
bool nc_is_free(const NcNode *n);       // index arithmetic
NcNode *nc_base(NcNode *n);             // through reshapes: where the bytes lie
bool nc_reads_whole(const NcNode *n, int operand);   // that operand must be a buffer: templates, the table of a gather
#endif
