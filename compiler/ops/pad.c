// pad: `lo` elements of `value` before and `hi` after each axis; negative numbers crop.
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  int rank = x.shape.rank;
  if (!nc_need_ints(d, n, "lo", rank) || !nc_need_ints(d, n, "hi", rank)) return false;
  const int64_t *lo = nc_attr_ints(n, "lo", NULL), *hi = nc_attr_ints(n, "hi", NULL);
  double value = nc_attr_float(n, "value");
  if (!nc_dtype_float(x.dtype) && nc_round_to(x.dtype, value) != value)
    return nc_refuse(d, NC_E0209, n, "%g is no %s", value, nc_dtype_name(x.dtype));
  *out = x;
  for (int i = 0; i < rank; i++) {
    out->shape.dim[i] = x.shape.dim[i] + lo[i] + hi[i];
    if (out->shape.dim[i] < 1)
      return nc_refuse(d, NC_E0208, n, "cropping by %lld and %lld leaves nothing of axis %d of %s", (long long)-lo[i],
                       (long long)-hi[i], i, nc_show(d, n->in[0]));
  }
  return true;
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  int rank;
  const int64_t *lo = nc_attr_ints(n, "lo", &rank), *hi = nc_attr_ints(n, "hi", NULL);
  int64_t before[NC_MAX_RANK], after[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) before[i] = -lo[i], after[i] = -hi[i];
  return (dx[0] = nc_pad(g, n->at, dy, before, after, 0));
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  NcShape x = n->in[0]->type.shape, y = n->type.shape, both = y;
  const int64_t *lo = nc_attr_ints(n, "lo", NULL);
  double value = nc_attr_float(n, "value");
  int64_t count = nc_count(y), is[NC_MAX_RANK], os[NC_MAX_RANK], from = 0, to = 0;
  for (int64_t i = 0; i < count; i++) e->out[i] = value;
  nc_strides(x, is);
  nc_strides(y, os);
  for (int i = 0; i < y.rank; i++) {   // the part of the result that shows the operand
    int64_t begin = lo[i] > 0 ? lo[i] : 0, end = lo[i] + x.dim[i] < y.dim[i] ? lo[i] + x.dim[i] : y.dim[i];
    if (end <= begin) return;
    both.dim[i] = end - begin;
    from += (begin - lo[i]) * is[i];
    to += begin * os[i];
  }
  nc_strided_copy(both, e->out + to, os, e->in[0] + from, is);
}

static const NcAttrSpec attrs[] = {{"lo", NC_ATTR_INTS}, {"hi", NC_ATTR_INTS}, {"value", NC_ATTR_FLOAT}, {0}};
const NcOp nc_row_pad = {.name = "pad", .kind = NC_MOVEMENT, .arity = 1, .attrs = attrs, .pure = true, .infer = infer,
                         .vjp = vjp, .eval = eval,
                         .doc = "`lo` and `hi` elements of `value` around each axis; negative numbers crop"};
