// Regions: what will be one kernel (or one template with its helpers). Fusion (fuse.c) makes them from a
// graph, scheduling orders them, memory planning (memory.c) places their results, and compiler/gen turns
// each into OpenCL C and plan steps.
//
// A region computes `node`s (members; a cheap node may be a member of several regions: it is recomputed),
// reads `input`s from buffers and writes `output`s to buffers. Movement nodes inside a region
// are index arithmetic. A node whose value is materialised is the output of exactly one region, or a leaf
// (input, var, table), or an alias (a reshape of something materialised).
//
// What generation may rely on, by kind. "Equal linear index" means: element e of the one, counted row-major, belongs
// to element e of the other; shapes may differ by reshapes, counts may not.
//
//   every    Operands of a member are members or inputs. Constants of one value (attribute `value`) are members: write
//            them as literals. `input` never holds a reshape: that is a member, its operand the input; so look through
//            nc_alias for the buffer of a template's operand. A member behind movement members is evaluated at each
//            index that leads to it; fusion bounds how often.
//   MAP      All outputs have equal linear index; `space` is the shape of the first.
//   ROW      `space` = [rows, length]. Reduce members reduce the last `row_axes` axes of values of that linear index,
//            and are read (through reshapes and a broadcast along the leading axes) only at their own row. Outputs have
//            the linear index of `space` (count rows * length) or of the rows (count rows). `anchor` is the
//            first reduce.
//   REDUCE   `anchor` is the first of one or more reduce members over the same axes of operands of one shape; members
//            before them are the prologue, members after them the epilogue; outputs have the anchor's linear index.
//   DOT, CONV, CONV_WEIGHT, POOL, POOL_GRAD, SCATTER, CUMULATIVE
//            The anchor's operands are inputs or reshapes of them. Members after it are
//            the epilogue: they read the anchor through reshapes only, and every output has the anchor's linear
//            index. The anchor itself may be among the outputs.
//   ATTENTION  One or two core nodes of the same operands: attention's value and stat, or attention_grad toward k and v.
//            Operands are inputs or reshapes of them; the bias may be behind movement.
//   SORT     The anchor alone; its operand is an input or a reshape of one.
//   UPDATE   A MAP whose outputs are all assigns and whose movement members are broadcasts of scalars, over packs.
//   LOOP     Members are a loop, its anchor, and those of its results that are read; outputs are results. `body` has the
//            regions of a turn. There, carries are variables "c0" …, each assigned its next value; elements of scanned
//            tensors are inputs "x0" …, and what is emitted is assigned to variables "y0" …: these two lie at a place that
//            moves with the turn (nc_turns_with), so only emitted code reaches them, never a template's operand.
//   COPY     No members: input[0] is copied to output[0]'s place, or to var assign[0]. The same bytes.
#ifndef NC_REGION_H
#define NC_REGION_H
#include "graph/graph.h"
#include "ops/loop.h"
#include "ops/op.h"
#include "plan/plan.h"

// NC_REGION_KIND(id, name, what it is)
#define NC_REGION_KINDS(X) \
  X(MAP, "map", "pointwise work over one index space; several outputs of that space") \
  X(ROW, "row", "reductions over the last axes of rows and the pointwise work between and after them") \
  X(REDUCE, "reduce", "large reductions of pointwise expressions, any axes, two passes when there are few results") \
  X(DOT, "dot", "a contraction with a prologue on its operands and an epilogue on its result") \
  X(CONV, "conv", "a convolution with prologue and epilogue") \
  X(CONV_WEIGHT, "conv_weight", "the gradient of a convolution toward its weights") \
  X(POOL, "pool", "window reduction with an epilogue") \
  X(POOL_GRAD, "pool_grad", "its gradient in gather form, with an epilogue") \
  X(SCATTER, "scatter_add", "sums rows into the places an index names, in gather form or sorted") \
  X(CUMULATIVE, "cumulative", "running sum or product along an axis") \
  X(SORT, "argsort", "the places that put an axis in order") \
  X(ATTENTION, "attention", "attention, or its gradients, by online softmax over tiles") \
  X(UPDATE, "update", "one map repeated over many equal-shaped packs: the optimizer in one launch") \
  X(LOOP, "loop", "a loop: regions of its own, run turn after turn") \
  X(COPY, "copy", "the same bytes at another place")

typedef enum {
#define X(id, name, doc) NC_REGION_##id,
  NC_REGION_KINDS(X)
#undef X
  NC_REGION_COUNT
} NcRegionKind;
const char *nc_region_name(NcRegionKind k);

typedef struct {
  int id;                    // stable from fusion on; NcPlacement.workspace is indexed by it
  NcRegionKind kind;
  NcNode *anchor;            // the dot, conv, pool, reduce… node; NULL for MAP, UPDATE and COPY
  NC_VEC(NcNode *) core;     // what it computes, in id order, without index arithmetic; nothing if it only copies
  NC_VEC(NcNode *) node;     // members in id order: core, and the movement between them
  NC_VEC(NcNode *) input;    // values read from buffers (materialised elsewhere), without repeats; never aliases
  NC_VEC(NcNode *) output;   // values written to buffers
  // Assigns: output i (a value node) is stored into var assign[i] in place (NULL: an ordinary temp). Same index as
  // output.
  NC_VEC(NcNode *) assign;
  NcShape space;             // MAP: the shape all outputs share (after reshapes: equal counts);
                             // ROW: [rows, row length] of the reductions
  int row_axes;              // ROW: how many trailing axes are reduced
  // UPDATE: `node`, `input`, `output` describe the first of `parts` equal expressions; part p maps each of
  // them to its own leaf, and memory planning lays corresponding leaves out contiguously ("packs"): one launch runs
  // over pack_count elements and takes the packs' buffers as arguments. An input that all parts share has no pack.
  int parts;
  NcNode ***part_input;      // [part][input index]
  NcNode ***part_output;     // [part][output index]
  NcNode ***part_assign;     // [part][output index]
  int *pack_input;           // [input index] buffer number of the pack, or of the shared value (set by memory planning)
  int *pack_assign;          // [output index] buffer number of the pack of vars
  int64_t pack_count;        // elements of each pack, the padding between its segments included
  int order;                 // position in the schedule
  struct NcLoopBody *body;   // LOOP
} NcRegion;

typedef struct {
  NcArena *arena;
  NcGraph *graph;
  struct NcFlow *flow;              // which values reach which nodes (flow.h)
  int ids;                          // region ids are below this
  NC_VEC(NcRegion *) region;        // in schedule order once scheduled
  // alias[node id] = id of the materialised node whose buffer it shares (itself when own), -1: not materialised
  int *alias;
  NcRegion **producer;              // by node id: the region that writes it; NULL for leaves and unmaterialised
  const NcLoop *loop;               // whose body this is; NULL outside of loops
} NcRegions;

bool nc_materialised(const NcRegions *r, const NcNode *n);
NcNode *nc_alias(const NcRegions *r, const NcNode *n);   // the materialised node in whose buffer n lies; NULL: in none
bool nc_has_member(const NcRegion *r, const NcNode *n);

bool nc_turns_with(const NcRegions *r, const NcNode *leaf);   // lies at a place that moves with the turn of r's loop
bool nc_is_turn(const NcRegions *r, const NcNode *leaf);      // the turn itself: an argument of the kernel
int64_t nc_turn_stride(const NcRegions *r, const NcNode *leaf);   // elements from turn to turn; 0 for what does not move

void nc_regions_print(const NcRegions *r, NcBuf *out);   // one region per paragraph, for dumps and tests

// Where a value lies. Made by memory planning, used by gen to fill arguments.
typedef struct {
  int buffer;                // plan buffer number; -1: nowhere
} NcPlace;

typedef struct {
  NcRegions *regions;
  NcPlan *plan;
  const NcTarget *target;
  NcPlace *place;            // by node id of the materialised node (aliases too)
  int *workspace;            // by region id: a temp of nc_region_workspace bytes, or -1
} NcPlacement;

// A loop's body, compiled up to its places: a plan of its own, whose steps and buffers become part of the plan around it.
// Its arenas lie in the loop's workspace one after the other, behind them the results that nobody outside reads.
typedef struct NcLoopBody {
  NcLoop l;
  NcPlacement *placement;
  int64_t parts;             // above 0: one launch for all turns, a work-item for each slice of that many (slices.c), and
                             // the regions are those of a slice
  size_t arenas, work;       // bytes; arenas: of one slice, with
  size_t ahead;              // its weights packed ahead
  NcNode **result;           // by index: the loop_out that takes it, NULL: nobody does
  size_t *unread;            // by index: its offset in the workspace then
} NcLoopBody;
#endif
