// Graph nodes with symbolic axes: each function builds nodes in the current graph and says what its axes measure.
// Operands that are NULL give NULL silently: their error is already reported.
#ifndef NC_TENSOR_H
#define NC_TENSOR_H
#include "elab/elab.h"

NcTensor *nc_t(NcElab *e, NcRange at, NcNode *n, int rank, const NcSize *dim);    // NULL when n is
NcTensor *nc_t_copy(NcElab *e, const NcTensor *t);                                  // to be changed
NcTensor *nc_t_as(NcElab *e, NcRange at, NcNode *n, const NcTensor *like);        // axes as those of `like`
bool nc_t_shape(NcElab *e, NcRange at, int rank, const NcSize *dim, NcShape *out);   // E0208 unless all are positive
bool nc_t_fold(NcElab *e, NcRange at, int n, const NcSize *dim, NcSize *out);     // product, with its factors

NcTensor *nc_t_op(NcElab *e, NcRange at, const char *op, int n, NcTensor *const *x);   // pointwise, equal axes
NcTensor *nc_t_const(NcElab *e, NcRange at, NcDtype t, double v);                 // scalar
NcTensor *nc_t_cast(NcElab *e, NcRange at, NcTensor *x, NcDtype to);
NcTensor *nc_t_reshape(NcElab *e, NcRange at, NcTensor *x, int rank,
                       const NcSize *dim);   // E0207 where the counts differ
NcTensor *nc_t_permute(NcElab *e, NcRange at, NcTensor *x, const int64_t *perm);
NcTensor *nc_t_expand(NcElab *e, NcRange at, NcTensor *x, int rank,
                      const NcSize *dim);   // trailing axes; size 1 stretches
NcTensor *nc_t_reduce(NcElab *e, NcRange at, const char *op, NcTensor *x, int n, const int64_t *axis, bool keep);
NcTensor *nc_t_slice(NcElab *e, NcRange at, NcTensor *x, const int64_t *start, const NcSize *size, const int64_t *step);
// Along one axis: `n` from `from` on, each `by` further than the one before.
NcTensor *nc_t_cut(NcElab *e, NcRange at, NcTensor *x, int axis, int64_t from, NcSize n, int64_t by);
NcTensor *nc_t_iota(NcElab *e, NcRange at, NcDtype t, int rank, const NcSize *dim, int axis);
NcTensor *nc_t_fill(NcElab *e, NcRange at, NcTensor *scalar, int rank, const NcSize *dim);
NcTensor *nc_t_dot(NcElab *e, NcRange at, NcTensor *a, NcTensor *b, int nbatch, const int64_t *abatch,
                   const int64_t *bbatch, int ncon, const int64_t *acon, const int64_t *bcon);
NcTensor *nc_t_matmul(NcElab *e, NcRange at, NcTensor *a, NcTensor *b);           // a @ b: E0202, E0203
NcTensor *nc_t_random(NcElab *e, NcRange at, const char *dist, int rank, const NcSize *dim);
NcTensor *nc_t_random_below(NcElab *e, NcRange at, int64_t below, int rank, const NcSize *dim);   // i32
bool nc_t_axis(NcElab *e, NcRange at, const NcTensor *x, int64_t axis, int *out); // negative counts from the end; E0206
NcSize nc_t_total(NcElab *e, const NcTensor *x);                                  // number of elements
#endif
