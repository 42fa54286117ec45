// Operations. A pointwise operation is one row of pointwise.def; every other one, or a pair that belongs together, is one
// file of this folder with the skeleton rule, gradient, evaluator, row. Nothing outside this folder switches over
// operations: it asks the row.
//
// To add a pointwise operation: a row in pointwise.def, its nc_vjp_NAME in grad_pointwise.c (or `none`), its cases in
// tests/op_cases.def (the tests name what is missing). A structural one: its file, its name in NC_STRUCTURAL (rows.h),
// a constructor in build.c, cases and refusals (tests/check_rules.c), and what compiler/gen makes of it.
#ifndef NC_OP_H
#define NC_OP_H
#include "graph/graph.h"

typedef enum {
  NC_LEAF,         // const iota input var random
  NC_POINTWISE,    // same shape in and out
  NC_MOVEMENT,     // reshape permute broadcast slice pad concat
  NC_REDUCE,       // sum max min prod any argmax argmin
  NC_CUMULATIVE,   // cumsum cumprod
  NC_SORT,         // argsort
  NC_ATTENTION,    // attention and its gradient
  NC_DOT,          // general contraction
  NC_CONV,         // conv and the forms its gradients need
  NC_POOL,         // window max and average, and their gradients
  NC_INDEX,        // gather scatter_add
  NC_EFFECT,       // assign
  NC_CONTROL,      // loop, and what takes its results
  NC_INIT          // orthogonal: for starting values, known to the evaluator only
} NcOpKind;

typedef struct { const char *key; NcAttrKind kind; bool optional; } NcAttrSpec;

// The arrays of one evaluation: doubles whatever the element type; integers are exact up to 2^53.
typedef struct {
  const NcNode *node;
  const double **in;     // one array per operand
  double *out;
  NcArena *scratch;      // for tables of offsets and the like
  uint64_t seed;         // of random; `step` is an operand of it
  bool round;            // floats, too, are rounded to their type after each operation
} NcEval;

struct NcOp {
  const char *name;
  NcOpKind kind;
  int arity;                     // -1: any number
  const NcAttrSpec *attrs;       // ended by key NULL; NULL for none
  bool pure;                     // equal nodes may be one

  // The result's type from operands and attributes; reports and returns false when they do not fit.
  // A leaf finds its given type in *out and checks it.
  bool (*infer)(NcDiag *d, const NcNode *n, NcType *out);
  // Vector-Jacobian product: given dy = d loss / d node, set dx[i] = d loss / d in[i], or leave it NULL where
  // nothing flows.
  // NULL pointer: no gradient passes; reaching it on a path to a differentiated node is E0210.
  bool (*vjp)(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx);
  void (*eval)(const NcEval *e);

  // Pointwise only: OpenCL C, the same for scalars and vectors. $0 $1 $2 are operands, which may occur more
  // than once: they should be names. At the number of lanes in use, $T is the register type of the last operand
  // (float8), $I the int type (int8: masks are this), $K the integer type as wide as $T (int8, or long8 for i64),
  // $F float, $U uchar, $L long. Comparisons and logic yield masks: 0 or -1. Not to be read directly: nc_opencl()
  // expands it.
  const char *opencl;
  const char *opencl_int;        // for integer operands where it differs, else NULL
  int flops;                     // arithmetic per element, for estimates
  bool commutative;
  const char *doc;               // a sentence with the formula
  int64_t (*room)(const NcNode *n);    // elements of its array in an evaluation, where they are not those of its type
};

const NcOp *nc_op(const char *name);          // NULL when unknown
const NcOp *nc_op_at(int i);                  // all rows in order; NULL past the end

// The OpenCL C expression of a pointwise node on registers named by arg[], at 1, 2, 4, 8 or 16 lanes. In parentheses.
// It may call the helpers of kernels/math.cl.
void nc_opencl(NcBuf *out, const NcNode *n, const char *const *arg, int lanes);

// build.c: short constructors, used by gradients, passes and elaboration. All accept and pass on NULL.
// Pointwise constructors do not broadcast: shapes must be equal (nc_like broadcasts a scalar constant).
NcNode *nc_op1(NcGraph *g, NcRange at, const char *op, NcNode *a);
NcNode *nc_op2(NcGraph *g, NcRange at, const char *op, NcNode *a, NcNode *b);
NcNode *nc_op3(NcGraph *g, NcRange at, const char *op, NcNode *a, NcNode *b, NcNode *c);
NcNode *nc_const(NcGraph *g, NcRange at, NcDtype t, double v);                  // scalar
NcNode *nc_like(NcGraph *g, NcNode *x, double v);                               // v broadcast to x's type
NcNode *nc_table(NcGraph *g, NcRange at, NcType t, const double *v);            // const with `values`, small tables
NcNode *nc_iota(NcGraph *g, NcRange at, NcType t, int axis);                    // index along axis
NcNode *nc_input(NcGraph *g, NcRange at, const char *name, NcType t);
NcNode *nc_var(NcGraph *g, NcRange at, const char *name, const char *kind, NcType t);   // kind: param, state, opt, cache
// dist: uniform in the open (0,1), or normal (mean 0, variance 1). step: i32 scalar, NULL for the constant 0. Sites
// count from 0. turn: i32 scalar, which turn of the loops around it this is; NULL outside of loops.
NcNode *nc_random(NcGraph *g, NcRange at, const char *dist, NcType t, int64_t site, NcNode *step, NcNode *turn);
// Whole numbers from 0 to below - 1 as i32. As a node: random{dist="below", site, below}.
NcNode *nc_random_below(NcGraph *g, NcRange at, int64_t below, NcShape s, int64_t site, NcNode *step, NcNode *turn);
NcNode *nc_orthogonal(NcGraph *g, NcRange at, NcNode *normal);                  // [R,C] to orthonormal rows or columns
NcNode *nc_cast(NcGraph *g, NcRange at, NcNode *x, NcDtype to);
NcNode *nc_reshape(NcGraph *g, NcRange at, NcNode *x, NcShape s);
NcNode *nc_permute(NcGraph *g, NcRange at, NcNode *x, const int64_t *perm);     // out axis i is in axis perm[i]
NcNode *nc_transpose(NcGraph *g, NcRange at, NcNode *x);                        // the last two axes
// Axis i of x goes to axis axes[i] of the result (ascending); size-1 axes of x stretch. All other result axes are new.
NcNode *nc_broadcast(NcGraph *g, NcRange at, NcNode *x, NcShape s, const int64_t *axes);
NcNode *nc_slice(NcGraph *g, NcRange at, NcNode *x, const int64_t *start, const int64_t *size, const int64_t *step);
NcNode *nc_pad(NcGraph *g, NcRange at, NcNode *x, const int64_t *lo, const int64_t *hi, double value); // negative crops
NcNode *nc_concat(NcGraph *g, NcRange at, int n, NcNode *const *x, int axis);
// op: sum max min prod any all argmax argmin (i32, one axis, the first one wins). Reduced axes vanish (keep them by a
// reshape). As a node: reduce{op, axes}. max and min pass NaN on.
NcNode *nc_reduce(NcGraph *g, NcRange at, const char *op, NcNode *x, int naxes, const int64_t *axes);
// op: sum prod. As a node: cumulative{op, axis, reverse}.
NcNode *nc_cumulative(NcGraph *g, NcRange at, const char *op, NcNode *x, int axis, bool reverse);
// dot: batch axes pairwise, contracted axes pairwise; result axes: batch, free of a, free of b.
NcNode *nc_dot(NcGraph *g, NcRange at, NcNode *a, NcNode *b, int nbatch, const int64_t *abatch, const int64_t *bbatch,
               int ncon, const int64_t *acon, const int64_t *bcon);
NcNode *nc_matmul(NcGraph *g, NcRange at, NcNode *a, NcNode *b);                // [..., M, K] @ [K, N] or batched alike

// conv: x [B, Cin, D...], w [Cout, Cin/groups, K...] → [B, Cout, O...], rank 1 to 3 spatial axes.
// O = floor(((D - 1) * dilate_x + 1 + lo + hi - ((K - 1) * dilation + 1)) / stride) + 1; lo and hi may be negative.
// dilate_x spreads the input with zeros: it makes the operation closed under its own gradients.
typedef struct {
  int spatial, groups;
  int64_t stride[3], lo[3], hi[3], dilation[3], dilate_x[3];
} NcConv;
NcNode *nc_conv(NcGraph *g, NcRange at, NcNode *x, NcNode *w, const NcConv *c);
bool nc_conv_of(const NcNode *n, NcConv *out);                            // false when n is no conv or conv_weight
// conv_weight: the gradient toward w: x [B, Cin, D...], dy [B, Cout, O...], attributes as conv plus `kernel` sizes.
NcNode *nc_conv_weight(NcGraph *g, NcRange at, NcNode *x, NcNode *dy, const NcConv *c, const int64_t *kernel);

// pool: windows over the last `spatial` axes; kind max (padding counts as -inf), sum, avg (divides by the window
// without padding). lo and hi are not negative, and every window holds at least one element of x.
// As a node: pool{op, window, stride, lo, hi}.
typedef struct { int spatial; int64_t window[3], stride[3], lo[3], hi[3]; } NcPool;
NcNode *nc_pool(NcGraph *g, NcRange at, const char *kind, NcNode *x, const NcPool *p);
bool nc_pool_of(const NcNode *n, NcPool *out);
// Gather form; the first maximum wins. As a node: pool_grad{op, size, window, stride, lo, hi} with operands x, y, dy
// for max, only dy for sum and avg; size: that of the spatial axes of x.
NcNode *nc_pool_grad(NcGraph *g, NcRange at, const char *kind, NcNode *x, NcNode *y, NcNode *dy, const NcPool *p);
bool nc_pool_grad_of(const NcNode *n, NcPool *out);

// gather: picks along `axis`: x [P..., N, S...], index i32 [I...] → [P..., I..., S...]. An index outside 0..N-1 gives
// zeros.
NcNode *nc_gather(NcGraph *g, NcRange at, NcNode *x, NcNode *index, int axis);
// scatter_add: the gradient of gather toward x: zeros of `to` plus dy at the indices; out-of-range indices add nothing.
NcNode *nc_scatter_add(NcGraph *g, NcRange at, NcNode *dy, NcNode *index, NcShape to, int axis);
// The same with places of their own for each index of the axes before `axis`: x [P..., N, S...], index [P..., I...].
// As nodes: with the attribute batch = axis.
NcNode *nc_gather_along(NcGraph *g, NcRange at, NcNode *x, NcNode *index, int axis);
NcNode *nc_scatter_along(NcGraph *g, NcRange at, NcNode *dy, NcNode *index, int64_t size, int axis);
// argsort: the places, i32, that put `axis` of x (f32, i32 or i64) in order; the first `count` of them. Equal elements
// stay in their order; NaN counts as larger than any number. As a node: argsort{axis, descending, count}.
NcNode *nc_argsort(NcGraph *g, NcRange at, NcNode *x, int axis, bool descending, int64_t count);
// attention: q [B,H,T,E], k [B,G,U,E], v [B,G,U,F] to [B,H,T,F]; bias [B,H,T,U], f32 or bool, may be NULL
// (ops/attention.c). As a node: attention{what="value", causal, scale}.
NcNode *nc_attention(NcGraph *g, NcRange at, NcNode *q, NcNode *k, NcNode *v, NcNode *bias, bool causal, double scale);
NcNode *nc_assign(NcGraph *g, NcRange at, NcNode *var, NcNode *value);           // also registers the effect

// grad.c: d loss / d wrt[i] into out[i] (zeros where it does not depend). loss is a float scalar. False after E0210.
// nc_vjp: from the gradients dy[i] toward y[i] those toward wrt[i], NULL where nothing flows.
bool nc_vjp(NcGraph *g, int ny, NcNode *const *y, NcNode *const *dy, int n, NcNode *const *wrt, NcNode **out);
bool nc_grad(NcGraph *g, NcNode *loss, int n, NcNode *const *wrt, NcNode **out);
#endif
