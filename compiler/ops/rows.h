// What the operations' files share: the list of structural rows, and helpers for their rules.
#ifndef NC_ROWS_H
#define NC_ROWS_H
#include "ops/op.h"

// Structural operations in the order of the registry; each is `const NcOp nc_row_NAME` in one of this folder's files.
#define NC_STRUCTURAL(X) \
  X(const) X(iota) X(input) X(var) X(random) \
  X(reshape) X(permute) X(broadcast) X(slice) X(pad) X(concat) \
  X(reduce) X(cumulative) X(dot) X(conv) X(conv_weight) X(pool) X(pool_grad) \
  X(gather) X(scatter_add) X(argsort) X(attention) X(attention_grad) X(assign) X(orthogonal) X(loop) X(loop_out)
#define X(name) extern const NcOp nc_row_##name;
NC_STRUCTURAL(X)
#undef X

extern const NcOp nc_pointwise_rows[];
extern const int nc_pointwise_count;

// Vector-Jacobian products of the pointwise rows (grad_pointwise.c).
#define NC_PW(name, arity, rule, commutative, flops, opencl, opencl_int, expr, vjp, doc) \
  bool nc_vjp_##vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx);
#include "ops/pointwise.def"
#undef NC_PW

// ---- rules (rules.c). All report at n->at and return false.
__attribute__((format(printf, 4, 5))) bool nc_refuse(NcDiag *d, NcCode code, const NcNode *n, const char *fmt, ...);
const char *nc_show(NcDiag *d, const NcNode *operand);                              // its type as text
bool nc_need_ints(NcDiag *d, const NcNode *n, const char *key, int count);          // the list has that many numbers
bool nc_need_axes(NcDiag *d, const NcNode *n, const char *key, int rank);           // axes exist, each once
bool nc_need_axis(NcDiag *d, const NcNode *n, const char *key, int rank);
bool nc_need_dtype(NcDiag *d, const NcNode *n, int a, int b);                       // operands a and b have the same
bool nc_need_float(NcDiag *d, const NcNode *n, int a);
bool nc_need_word(NcDiag *d, const NcNode *n, const char *key, const char *const *words, int count);

// ---- evaluation (strided.c)
// For every index of s: out[sum index*ostride] = in[sum index*istride].
void nc_strided_copy(NcShape s, double *out, const int64_t *ostride, const double *in, const int64_t *istride);
// The offsets, in elements, of all index tuples over the given axes of x, in row-major order of the list.
int64_t *nc_offsets(NcArena *a, NcShape x, int naxes, const int64_t *axes, int64_t *count);
double nc_round_to(NcDtype t, double v);      // the nearest value of the type; integers wrap, bools become 0 or 1

// ---- gradients
bool nc_vjp_none(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx);       // nothing flows; dx stays NULL
bool nc_has_axis(const int64_t *axes, int n, int64_t axis);
// The axes not in the list, ascending; returns how many.
int nc_other_axes(int rank, int n, const int64_t *axes, int64_t *out);
NcNode *nc_conv_input_grad(NcGraph *g, NcRange at, NcNode *dy, NcNode *w, NcShape x, const NcConv *c);
#endif
