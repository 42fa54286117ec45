// Passes: what turns a graph into a plan, one step each. compile.c holds the table and runs it.
#ifndef NC_PASSES_H
#define NC_PASSES_H
#include "compile.h"
#include "passes/flow.h"

// What is being compiled: every pass reads some of it and writes some.
typedef struct {
  NcArena *arena;
  NcDiag *diag;
  const NcTarget *target;
  const NcCompileOptions *options;
  NcGraph *graph;
  NcRegions *regions;
  NcPlacement *placement;
  int stretches;             // of the graph as it was given
  const NcLoop *loop;        // whose body this is; NULL for a whole graph
} NcState;

// Facts about the state. A pass needs some, and leaves some: those it keeps and those it makes.
enum {
  NC_GRAPH = 1,        // a verified graph
  NC_SIMPLE = 2,       // nothing dead in it, no rule of simplify applies
  NC_SPLIT = 4,        // regions, one home for every value in memory
  NC_ORDERED = 8,      // regions in an order that respects data and variables
  NC_PLACED = 16,      // every value in memory has a buffer
  NC_DONE = 32         // steps and program
};

typedef struct {
  NcPassInfo info;             // name and what it does
  bool (*run)(NcState *s);     // false after an error
  unsigned needs, leaves;
} NcPass;

// compile.c: all passes in order, up to and including the one called `last` (NULL: all). False after an error.
bool nc_run_passes(NcState *s, const char *last);

bool nc_simplify(NcState *s);      // simplify.c
// fired: how often each rule applied; may be NULL
NcGraph *nc_simplify_graph(NcArena *a, const NcGraph *g, int *fired);
bool nc_copies(NcState *s);        // copies.c
bool nc_remake(NcState *s);        // remake.c
bool nc_fuse(NcState *s);          // fuse.c
bool nc_recompute(NcState *s);     // recompute.c
bool nc_merge_updates(NcState *s); // update.c
bool nc_schedule(NcState *s);      // schedule.c
bool nc_loops(NcState *s);         // loops.c
bool nc_memory(NcState *s);        // memory.c
// tidy.c: loops that run alike become one, what they emit in vain is left out, and bodies are simplified.
NcGraph *nc_loops_tidy(NcArena *a, NcGraph *g);
// slices.c: the body for one of so many equal slices of the carries, of what is emitted and of the operands that go with them.
// NULL where slices have to do with each other, or cannot be equal.
NcGraph *nc_loop_slice(NcArena *a, const NcLoop *l, int64_t parts);

// check.c: E0901 and false when the regions, their order or their places break what region.h promises.
bool nc_regions_verify(const NcRegions *r, NcDiag *d, const char *after, bool ordered);
bool nc_placement_verify(const NcPlacement *p, NcDiag *d);

// settle.c: members, inputs, outputs and assigns of all regions from their core members; again after those change.
void nc_regions_settle(NcRegions *r);
void nc_region_prune(const NcRegions *r, NcRegion *g);   // drops core members that no result needs
void nc_regions_assign(NcRegions *r);      // assign.c: the last part of it
// depends.c: which regions must run before a region: those that compute what it reads, and those that read the
// variables that it writes.
typedef struct { NC_VEC(NcRegion *) at; } NcRegionList;
NcRegionList *nc_regions_depends(const NcRegions *r);     // by region id; without repeats
// Does the region read element e of `leaf` (an input of it) only to compute element e of its outputs, before it is
// written? Then an output may lie where the leaf lies. `value`: that output.
bool nc_reads_in_step(const NcRegions *r, const NcRegion *g, const NcNode *leaf, const NcNode *value);
#endif
