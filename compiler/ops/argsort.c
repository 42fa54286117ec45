// argsort: the places that put an axis in order: out[k] is the place of the k-th element. Equal elements keep their order,
// whichever the direction; NaN counts as larger than any number and equal to itself.
//
// Sorting is gathering along the result, so that gradients flow through the gather; none flows through the places.
#include <math.h>
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  if (!nc_need_axis(d, n, "axis", x.shape.rank)) return false;
  if (x.dtype != NC_F32 && x.dtype != NC_I32 && x.dtype != NC_I64)
    return nc_refuse(d, NC_E0204, n, "does not order %s: cast it first", nc_show(d, n->in[0]));
  int64_t axis = nc_attr_int(n, "axis"), count = nc_attr_int(n, "count"), descending = nc_attr_int(n, "descending");
  if (descending != 0 && descending != 1) return nc_refuse(d, NC_E0209, n, "descending must be 0 or 1");
  if (count < 1 || count > x.shape.dim[axis])
    return nc_refuse(d, NC_E0209, n, "the first %lld of %lld", (long long)count, (long long)x.shape.dim[axis]);
  *out = (NcType){NC_I32, x.shape};
  out->shape.dim[axis] = count;
  return true;
}

static bool before(double a, double b, bool descending) {
  return descending ? a > b || (a != a && b == b) : a < b || (b != b && a == a);
}

// The two ordered halves of v[0 … n) as one, in order.
static void merge(const double *x, int64_t step, bool descending, int64_t *v, int64_t half, int64_t n, int64_t *room) {
  int64_t i = 0, k = half, to = 0;
  while (i < half && k < n) room[to++] = before(x[v[k] * step], x[v[i] * step], descending) ? v[k++] : v[i++];
  while (i < half) room[to++] = v[i++];
  while (k < n) room[to++] = v[k++];
  for (i = 0; i < n; i++) v[i] = room[i];
}

static void sort(const double *x, int64_t step, bool descending, int64_t *v, int64_t n, int64_t *room) {
  if (n < 2) return;
  sort(x, step, descending, v, n / 2, room);
  sort(x, step, descending, v + n / 2, n - n / 2, room);
  merge(x, step, descending, v, n / 2, n, room);
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  NcShape s = n->in[0]->type.shape;
  int64_t axis = nc_attr_int(n, "axis"), length = s.dim[axis], count = nc_attr_int(n, "count"), stride[NC_MAX_RANK];
  nc_strides(s, stride);
  int64_t inner = stride[axis], outer = nc_count(s) / (inner * length);
  int64_t *v = NC_NEW_N(e->scratch, int64_t, 2 * length);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      for (int64_t k = 0; k < length; k++) v[k] = k;
      sort(e->in[0] + o * length * inner + i, inner, nc_attr_int(n, "descending"), v, length, v + length);
      for (int64_t k = 0; k < count; k++) e->out[(o * count + k) * inner + i] = (double)v[k];
    }
}

static const NcAttrSpec attrs[] = {{"axis", NC_ATTR_INT}, {"descending", NC_ATTR_INT}, {"count", NC_ATTR_INT}, {0}};
const NcOp nc_row_argsort = {.name = "argsort", .kind = NC_SORT, .arity = 1, .attrs = attrs, .pure = true,
                             .infer = infer, .vjp = nc_vjp_none, .eval = eval,
                             .doc = "the places that put `axis` in order, the first `count` of them; stable, NaN last"};
