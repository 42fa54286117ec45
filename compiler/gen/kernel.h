// From emitted text to kernels and plan steps: signatures, equal kernels shared, arguments, labels, estimates.
#ifndef NC_KERNEL_H
#define NC_KERNEL_H
#include "gen/emit.h"
#include "gen/templates.h"

typedef struct {
  NcPlacement *p;
  NcDiag *d;
  const NcCompileOptions *o;
  NcArena *arena;
  NcBuf program;
  NcMap kernel;          // text without the name → name
  NcMap form;            // name of a kernel → its NcKernelForm, at an address
  NcMap ahead;           // name of a kernel that wants B packed ahead → how many floats, at an address
  const char *prefix;    // of kernels' names; not empty: they are functions in the text of another one
  int kernels;
  int anchor;            // see nc_gen_after; -1: none
} NcGen;

// Adds a step that runs what was emitted. stem: "map", "row" …; names of the region's operations are added.
// items: work-items needed; groups of `local`, the last one filled up (the text guards what is beyond). The text finds the
// work-item's number in `item_`.
void nc_gen_kernel(NcGen *g, NcEmit *e, const char *stem, size_t items, size_t local);
NcStep *nc_gen_step(NcGen *g, const NcRegion *r, NcStepKind kind);   // with label, place and estimates
// Says in the text which kernel was made just above: templates put names together by macros, and whoever cuts the text into
// programs (lib/device/banks.c) cuts here.
void nc_gen_made(NcGen *g, const char *kernel, NcKernelForm form);
// The name of the kernel with this text ($ stands for the name), which is added to the program if it is new.
const char *nc_gen_share(NcGen *g, const NcRegion *r, const char *stem, const char *text, NcKernelForm form);
const char *nc_gen_kernel_name(NcGen *g, const NcRegion *r, const char *stem);
bool nc_gen_allowed(const NcGen *g, const char *form);               // not named by the option no_fast
double nc_gen_flops(const NcRegion *r);

// The forms, one file each. False when the form does not apply; then nothing was added.
bool nc_gen_map(NcGen *g, const NcRegion *r);          // also UPDATE, and anything else element by element
// Calls body for each element of the space, with its linear index, in the way that the body's loads make best.
typedef void NcWalkBody(NcEmit *e, NcIx *flat, int64_t count);
void nc_gen_walk(NcGen *g, const NcRegion *r, const char *stem, NcShape space, NcWalkBody *body);
bool nc_gen_row(NcGen *g, const NcRegion *r);
bool nc_gen_reduce(NcGen *g, const NcRegion *r);
bool nc_gen_template(NcGen *g, const NcRegion *r);     // dot, conv, conv_weight, pool, pool_grad
bool nc_template_by_planes(const NcGen *g, const NcRegion *r);   // a pool whose planes fit the scratch of a cpu template
bool nc_gen_blast(NcGen *g, const NcRegion *r);        // large dots, by CLBlast
size_t nc_blast_room(const NcRegion *r, const NcTarget *t);
bool nc_gen_pool(NcGen *g, const NcRegion *r);
bool nc_gen_pool_grad(NcGen *g, const NcRegion *r);
bool nc_gen_loop(NcGen *g, const NcRegion *r);
NcGen nc_gen_begin(NcPlacement *p, NcDiag *d, const NcCompileOptions *o, NcArena *a);
bool nc_gen_regions(NcGen *g);                         // all of g->p, in schedule order
bool nc_gen_scan(NcGen *g, const NcRegion *r);
bool nc_gen_scatter(NcGen *g, const NcRegion *r);
const char *nc_gen_extra(NcEmit *e);                          // further arguments as declarations, each after a comma
void nc_gen_attention(NcGen *g, const NcRegion *r);
void nc_gen_sort(NcGen *g, const NcRegion *r);
size_t nc_sort_workspace(const NcRegion *r, const NcTarget *t);
size_t nc_scatter_workspace(const NcRegion *r);
// What comes after the anchor, as a map of its own: the anchor's value was left in `buffer` (of f32 for small floats).
void nc_gen_after(NcGen *g, const NcRegion *r, int buffer);
size_t nc_template_workspace(NcArena *outer, const NcRegion *r, const NcTarget *t);
size_t nc_reduce_workspace(const NcRegion *r, const NcTarget *t);

const char *nc_gen_index_type(const NcGen *g, const NcRegion *r);    // int, or long where a buffer needs it

// Those outputs of the region that have `count` elements, at a linear index. All are evaluated before the first is stored,
// because a store may be in place of what another reads.
typedef struct { int n; NcVal *val; } NcOutVals;
NcOutVals nc_gen_values(NcEmit *e, NcIx *flat, int64_t count);
void nc_gen_store(NcEmit *e, int level, NcIx *flat, NcOutVals v);
void nc_gen_outputs(NcEmit *e, NcIx *flat, int64_t count);           // both, at the current scope
#endif
