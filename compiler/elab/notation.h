// Index notation, `[reducer] for i < M, j < N { … }`, while it is elaborated.
//
// Inside of it every value is one number for each index. It is held as a tensor over the indices: the last axis belongs to
// the last index of the outermost `for`, further indices stand before, and those of an inner `for` before all of these. So
// an index has one place, counted from the last axis, wherever it is used; a value that does not depend on an index has
// size 1 there or ends before it; and arithmetic broadcasts as everywhere. Only what mentions an index goes
// through here; all else in the block is evaluated as outside of it.
#ifndef NC_NOTATION_H
#define NC_NOTATION_H
#include "elab/tensor.h"

typedef struct NcIndex {
  const char *name;
  NcRange at;
  NcSize n;                  // it counts from 0 to n - 1
  int place;                 // 1: the last axis
} NcIndex;

typedef struct {
  int n;                     // places in use
  const NcIndex *index[NC_MAX_RANK + 1];   // by place; [0] is not used
} NcNest;

bool nc_mentions(const NcElab *e, const NcExpr *x);                  // any index, or a name whose value depends on one
NcTensor *nc_each(NcElab *e, const NcNest *nest, const NcExpr *x);   // the value of x; NULL after an error
// The same for what may not mention an index, too: a number, or a tensor without axes.
NcValue nc_each_value(NcElab *e, const NcNest *nest, const NcExpr *x);           // numbers stay numbers
NcTensor *nc_each_tensor(NcElab *e, const NcNest *nest, const NcExpr *x);
NcTensor *nc_each_read(NcElab *e, const NcNest *nest, const NcExpr *x);          // a[i + r, j]
// sum for the indices from place `first` on, of a product: one contraction where two factors or more depend on them.
// *done is false where it is no such product.
NcTensor *nc_each_product(NcElab *e, const NcNest *nest, int first, const NcExpr *x, bool *done);
// Axes of x by place: the size, 1 where it does not depend on that index.
NcSize nc_each_dim(const NcTensor *x, int place);
// From one axis for each place of `place` (in any order) to the layout above.
NcTensor *nc_each_lay(NcElab *e, NcRange at, NcTensor *x, const int *place);
#endif
