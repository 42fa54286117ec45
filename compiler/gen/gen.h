// Code generation: scheduled and placed regions in, plan steps and one OpenCL program out.
#ifndef NC_GEN_H
#define NC_GEN_H
#include "compile.h"
#include "passes/region.h"

// Writes p->plan: `step` in schedule order, `program`, `options`. False after an error.
bool nc_generate(NcPlacement *p, NcDiag *d, const NcCompileOptions *o);

// Whether the regions of a loop's body can run one after the other in one work-item, turn after turn (loop_parts.c); how many
// launches and how much arithmetic a turn is, and the bytes of weights that would be packed ahead.
typedef struct { int launches; double flops; size_t ahead; } NcTurnCost;
bool nc_loop_in_one(NcPlacement *p, const NcCompileOptions *o, NcTurnCost *cost);

// Bytes of scratch memory that the region's kernels need while they run; 0 for none. Asked before memory is planned;
// the answer lies at NcPlacement.workspace[region id]. `a` is who learns of it when memory runs out.
size_t nc_region_workspace(NcArena *a, const NcRegion *r, const NcTarget *t);
#endif
