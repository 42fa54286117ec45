// Running reductions in generated code: accumulators, their updates, and how partial ones are merged.
#ifndef NC_FOLD_H
#define NC_FOLD_H
#include "gen/emit.h"

typedef enum { NC_FOLD_SUM, NC_FOLD_PROD, NC_FOLD_MAX, NC_FOLD_MIN, NC_FOLD_ANY, NC_FOLD_ALL, NC_FOLD_ARGMAX, NC_FOLD_ARGMIN } NcFoldKind;

typedef struct {
  NcFoldKind kind;
  NcDtype t;             // of what is folded
  const char *acc;       // name of the accumulator
  const char *at;        // argmax, argmin: name of the index of the best so far, else NULL
  bool vec;
} NcFold;

NcFoldKind nc_fold_kind(const char *op);                        // "sum" …; the words of reduce and cumulative
bool nc_fold_arg(NcFoldKind k);
NcFold nc_fold_new(NcEmit *e, NcFoldKind k, NcDtype t);         // names only
void nc_fold_declare(NcEmit *e, int level, const NcFold *f);    // `float8 acc = 0;`
// Takes in x; `index` is its place along the reduced axes (argmax and argmin), an expression as wide as the fold.
void nc_fold_update(NcEmit *e, int level, const NcFold *f, const char *x, const char *index);
const char *nc_fold_index(NcEmit *e, const NcFold *f, const NcIx *at);   // `index` for update
void nc_fold_merge(NcEmit *e, int level, const NcFold *to, const NcFold *from);   // equally wide; the smaller index wins
NcFold nc_fold_lanes(NcEmit *e, int level, const NcFold *f);    // over the lanes, into a new scalar fold
// Over a work-group of `local` items (a power of two), each of which then has the result; uses `lid`. Only in uniform flow.
void nc_fold_group(NcEmit *e, int level, const NcFold *f, int64_t local);
NcVal nc_fold_value(const NcFold *f, NcDtype result, int level);
#endif
