// Regions: what will be one kernel (or one template with its helpers). Fusion (fuse.c) makes them from a
// graph, scheduling orders them, memory planning (memory.c) places their results, and compiler/gen turns
// each into OpenCL C and plan steps.
//
// A region computes `node`s (members; a cheap node may be a member of several regions: it is recomputed),
// reads `input`s from buffers and writes `output`s to buffers. Movement nodes inside a region
// are index arithmetic. A node whose value is materialised is the output of exactly one region, or a leaf
// (input, var), or an alias (a reshape of something materialised).
#ifndef NC_REGION_H
#define NC_REGION_H
#include "graph/graph.h"
#include "ops/op.h"
#include "plan/plan.h"

// NC_REGION_KIND(id, name, what it is)
#define NC_REGION_KINDS(X) \
  X(MAP, "map", "pointwise work over one index space; several outputs of that space") \
  X(ROW, "row", "reductions over the last axes of rows and the pointwise work between and after them") \
  X(REDUCE, "reduce", "one large reduction of a pointwise expression, any axes, two passes when few results") \
  X(DOT, "dot", "a contraction with a prologue on its operands and an epilogue on its result") \
  X(CONV, "conv", "a convolution with prologue and epilogue") \
  X(CONV_WEIGHT, "conv_weight", "the gradient of a convolution toward its weights") \
  X(POOL, "pool", "window reduction with an epilogue") \
  X(POOL_GRAD, "pool_grad", "its gradient in gather form, with an epilogue") \
  X(SCATTER, "scatter_add", "sums rows into the places an index names, in gather form or sorted") \
  X(CUMULATIVE, "cumulative", "running sum or product along an axis") \
  X(UPDATE, "update", "one map repeated over many equal-shaped packs: the optimizer in one launch")

typedef enum {
#define X(id, name, doc) NC_REGION_##id,
  NC_REGION_KINDS(X)
#undef X
  NC_REGION_COUNT
} NcRegionKind;
const char *nc_region_name(NcRegionKind k);

typedef struct {
  int id;
  NcRegionKind kind;
  NcNode *anchor;            // the dot, conv, pool, reduce… node; NULL for MAP and UPDATE
  NC_VEC(NcNode *) node;     // members in id order, anchor included
  NC_VEC(NcNode *) input;    // values read from buffers (materialised elsewhere), without repeats
  NC_VEC(NcNode *) output;   // values written to buffers
  // Assigns: output i (a value node) is stored into var assign[i] in place (NULL: an ordinary temp). Same index as output.
  NC_VEC(NcNode *) assign;
  NcShape space;             // MAP: the shape all outputs share (after reshapes: equal counts);
                             // ROW: [rows, row length] of the reductions
  int row_axes;              // ROW: how many trailing axes are reduced
  // UPDATE: `node`, `input`, `output` describe the first of `parts` equal expressions; part p maps each of
  // them to its own leaf, and memory planning lays corresponding leaves out contiguously ("packs").
  int parts;
  NcNode ***part_input;      // [part][input index]
  NcNode ***part_output;     // [part][output index]
  NcNode ***part_assign;     // [part][output index]
  int order;                 // position in the schedule
} NcRegion;

typedef struct {
  NcArena *arena;
  NcGraph *graph;
  NC_VEC(NcRegion *) region;        // in schedule order once scheduled
  int *alias;                       // alias[node id] = id of the materialised node whose buffer it shares (itself when own), -1: not materialised
  NcRegion **producer;              // by node id: the region that writes it; NULL for leaves and unmaterialised
} NcRegions;

bool nc_materialised(const NcRegions *r, const NcNode *n);

// Where a value lies. Made by memory planning, used by gen to fill arguments.
typedef struct {
  int buffer;                // plan buffer number
} NcPlace;

typedef struct {
  NcRegions *regions;
  NcPlan *plan;
  const NcTarget *target;
  NcPlace *place;            // by node id of the materialised node
} NcPlacement;
#endif
