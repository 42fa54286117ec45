// reduce: sum max min prod any all argmax argmin over axes, which vanish. The first of equals is the place of the extreme;
// where there is a NaN, the first one is.
#include <math.h>
#include <string.h>
#include "ops/rows.h"

typedef enum { SUM, MAX, MIN, PROD, ANY, ALL, ARGMAX, ARGMIN, KINDS } Kind;
static const char *const names[KINDS] = {"sum", "max", "min", "prod", "any", "all", "argmax", "argmin"};

static Kind kind_of(const NcNode *n) {
  int k = 0;
  while (strcmp(names[k], nc_attr_str(n, "op")) != 0) k++;
  return (Kind)k;
}

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  if (!nc_need_word(d, n, "op", names, KINDS) || !nc_need_axes(d, n, "axes", x.shape.rank)) return false;
  Kind k = kind_of(n);
  bool logic = k == ANY || k == ALL, arg = k == ARGMAX || k == ARGMIN;
  if (count < 1) return nc_refuse(d, NC_E0206, n, "needs an axis");
  if (arg && count != 1) return nc_refuse(d, NC_E0206, n, "%s needs one axis, not %d", names[k], count);
  for (int i = 1; i < count; i++)
    if (axes[i] < axes[i - 1]) return nc_refuse(d, NC_E0206, n, "the axes must ascend");
  if (logic != (x.dtype == NC_BOOL) || ((k == SUM || k == PROD) && x.dtype == NC_U8))
    return nc_refuse(d, NC_E0204, n, "%s does not apply to %s", names[k], nc_show(d, n->in[0]));
  if (arg && x.shape.dim[axes[0]] > INT32_MAX) return nc_refuse(d, NC_E0209, n, "the axis is too long for an i32");
  int64_t kept[NC_MAX_RANK];
  out->dtype = arg ? NC_I32 : x.dtype;
  out->shape.rank = nc_other_axes(x.shape.rank, count, axes, kept);
  for (int i = 0; i < out->shape.rank; i++) out->shape.dim[i] = x.shape.dim[kept[i]];
  return true;
}

// t, which has the result's shape, stretched over the operand's.
static NcNode *over(NcGraph *g, NcNode *n, NcNode *t) {
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  int64_t kept[NC_MAX_RANK];
  nc_other_axes(n->in[0]->type.shape.rank, count, axes, kept);
  return nc_broadcast(g, n->at, t, n->in[0]->type.shape, kept);
}

// The elements that are the extreme share the gradient equally.
static NcNode *extreme_vjp(NcGraph *g, NcNode *n, NcNode *dy) {
  NcNode *x = n->in[0];
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  NcNode *hit = nc_op2(g, n->at, "eq", x, over(g, n, n)), *zero = nc_like(g, x, 0);
  NcNode *hits = nc_reduce(g, n->at, "sum", nc_op3(g, n->at, "select", hit, nc_like(g, x, 1), zero), count, axes);
  return nc_op3(g, n->at, "select", hit, over(g, n, nc_op2(g, n->at, "div", dy, hits)), zero);
}

// Each element's factor is the product of all others, taken as the product before it times the product after it:
// right also where elements are 0. v is [rows, n]; reverse: the product after.
static NcNode *product_beside(NcGraph *g, NcRange at, NcNode *v, bool reverse) {
  NcNode *p = nc_cumulative(g, at, "prod", v, 1, reverse);
  int64_t here = reverse ? -1 : 1;
  return nc_pad(g, at, p, (int64_t[]){0, here}, (int64_t[]){0, -here}, 1);
}

static NcNode *prod_vjp(NcGraph *g, NcNode *n, NcNode *dy) {
  NcNode *x = n->in[0];
  NcShape s = x->type.shape;
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  int64_t perm[NC_MAX_RANK], back[NC_MAX_RANK], rows = nc_count(n->type.shape), length = nc_count(s) / rows;
  int kept = nc_other_axes(s.rank, count, axes, perm);
  for (int i = 0; i < count; i++) perm[kept + i] = axes[i];
  for (int i = 0; i < s.rank; i++) back[perm[i]] = i;
  NcNode *turned = nc_permute(g, n->at, x, perm);
  NcNode *v = nc_reshape(g, n->at, turned, NC_SHAPE(rows, length));
  NcNode *others = nc_op2(g, n->at, "mul", product_beside(g, n->at, v, false), product_beside(g, n->at, v, true));
  if (!others) return NULL;
  others = nc_permute(g, n->at, nc_reshape(g, n->at, others, turned->type.shape), back);
  return nc_op2(g, n->at, "mul", over(g, n, dy), others);
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  switch (kind_of(n)) {
  case SUM: return (dx[0] = over(g, n, dy));
  case MAX:
  case MIN: return (dx[0] = extreme_vjp(g, n, dy));
  case PROD: return (dx[0] = prod_vjp(g, n, dy));
  default: return true;   // bools and indices carry none
  }
}

static double fold(Kind k, const double *x, const int64_t *at, int64_t n) {
  double v = x[at[0]];
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++) {
    double w = x[at[i]];
    switch (k) {
    case SUM: v += w; break;
    case PROD: v *= w; break;
    case MAX: v = v < w || w != w ? w : v; break;
    case MIN: v = v > w || w != w ? w : v; break;
    case ANY: v = v != 0 || w != 0; break;
    case ALL: v = v != 0 && w != 0; break;
    case ARGMAX: if (w > v || (w != w && v == v)) v = w, best = i; break;
    default: if (w < v || (w != w && v == v)) v = w, best = i; break;
    }
  }
  return k == ARGMAX || k == ARGMIN ? (double)best : v;
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  NcShape x = n->in[0]->type.shape;
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  int64_t kept[NC_MAX_RANK], outer, inner;
  int others = nc_other_axes(x.rank, count, axes, kept);
  int64_t *row = nc_offsets(e->scratch, x, others, kept, &outer), *at = nc_offsets(e->scratch, x, count, axes, &inner);
  Kind k = kind_of(n);
  for (int64_t i = 0; i < outer; i++) e->out[i] = fold(k, e->in[0] + row[i], at, inner);
}

static const NcAttrSpec attrs[] = {{"op", NC_ATTR_STR}, {"axes", NC_ATTR_INTS}, {0}};
const NcOp nc_row_reduce = {.name = "reduce", .kind = NC_REDUCE, .arity = 1, .attrs = attrs, .pure = true,
                            .infer = infer, .vjp = vjp, .eval = eval,
                            .doc = "sum max min prod any all argmax argmin over `axes`, which vanish"};
