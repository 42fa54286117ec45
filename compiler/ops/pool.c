// pool and pool_grad: maximum, sum or average over windows of the last `spatial` axes.
//
//   pool       x [.., D...] -> y [.., O...],  O = (D + lo + hi - window) / stride + 1
//   pool_grad  max: (x, y, dy) -> dx, where the first maximum of a window (in row-major order) takes all of its dy
//              sum, avg: (dy) -> dx
// Padding never wins a maximum and is not counted by an average. In gather form an element of x asks every
// window that covers it.
#include <math.h>
#include <string.h>
#include "ops/rows.h"

static const char *const kinds[] = {"max", "sum", "avg"};
static bool is_kind(const NcNode *n, const char *kind) { return strcmp(nc_attr_str(n, "op"), kind) == 0; }

static void read_attrs(const NcNode *n, NcPool *p) {
  memset(p, 0, sizeof *p);
  const int64_t *window = nc_attr_ints(n, "window", &p->spatial);
  for (int i = 0; i < p->spatial; i++) {
    p->window[i] = window[i];
    p->stride[i] = nc_attr_ints(n, "stride", NULL)[i];
    p->lo[i] = nc_attr_ints(n, "lo", NULL)[i];
    p->hi[i] = nc_attr_ints(n, "hi", NULL)[i];
  }
}

bool nc_pool_of(const NcNode *n, NcPool *out) {
  if (n->op != &nc_row_pool) return false;
  read_attrs(n, out);
  return true;
}

bool nc_pool_grad_of(const NcNode *n, NcPool *out) {
  if (n->op != &nc_row_pool_grad) return false;
  read_attrs(n, out);
  return true;
}

// ---- rules

// The pooled shape of x; false when attributes and x do not fit.
static bool pooled(NcDiag *d, const NcNode *n, NcShape x, NcShape *y) {
  int spatial;
  nc_attr_ints(n, "window", &spatial);
  if (spatial < 1 || spatial > 3 || spatial > x.rank)
    return nc_refuse(d, NC_E0202, n, "%d window sizes do not fit %s", spatial, nc_show(d, n->in[0]));
  static const char *const keys[] = {"stride", "lo", "hi"};
  for (int k = 0; k < 3; k++)
    if (!nc_need_ints(d, n, keys[k], spatial)) return false;
  NcPool p;
  read_attrs(n, &p);
  *y = x;
  for (int i = 0; i < spatial; i++) {
    int64_t size = x.dim[x.rank - spatial + i], room = size + p.lo[i] + p.hi[i] - p.window[i];
    if (p.window[i] < 1 || p.stride[i] < 1 || p.lo[i] < 0 || p.hi[i] < 0)
      return nc_refuse(d, NC_E0209, n, "window and stride must be positive, padding must not be negative");
    if (room < 0)
      return nc_refuse(d, NC_E0203, n, "a window of %lld does not fit %lld elements with their padding",
                       (long long)p.window[i], (long long)size);
    int64_t count = room / p.stride[i] + 1;
    if (p.lo[i] >= p.window[i] || (count - 1) * p.stride[i] - p.lo[i] >= size)
      return nc_refuse(d, NC_E0209, n, "a window of %lld lies wholly in the padding", (long long)p.window[i]);
    y->dim[x.rank - spatial + i] = count;
  }
  return true;
}

static bool infer_pool(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  if (!nc_need_word(d, n, "op", kinds, 3) || !nc_need_float(d, n, 0)) return false;
  out->dtype = x.dtype;
  return pooled(d, n, x.shape, &out->shape);
}

static bool infer_grad(NcDiag *d, const NcNode *n, NcType *out) {
  if (!nc_need_word(d, n, "op", kinds, 3)) return false;
  int need = is_kind(n, "max") ? 3 : 1, spatial;
  if (n->nin != need) return nc_refuse(d, NC_E0304, n, "takes %d operands and was given %d", need, n->nin);
  NcNode *dy = n->in[n->nin - 1];
  const int64_t *size = nc_attr_ints(n, "size", &spatial);
  NcType x = dy->type;
  NcShape y;
  if (spatial > x.shape.rank || spatial > 3 || !nc_need_ints(d, n, "window", spatial))
    return nc_refuse(d, NC_E0202, n, "`size` does not fit %s", nc_show(d, dy));
  for (int i = 0; i < spatial; i++) {
    if (size[i] < 1) return nc_refuse(d, NC_E0208, n, "`size` must be positive");
    x.shape.dim[x.shape.rank - spatial + i] = size[i];
  }
  if (!nc_need_float(d, n, n->nin - 1) || !pooled(d, n, x.shape, &y)) return false;
  if (!nc_shape_eq(y, dy->type.shape) ||
      (n->nin == 3 && (!nc_type_eq(x, n->in[0]->type) || !nc_type_eq(dy->type, n->in[1]->type))))
    return nc_refuse(d, NC_E0203, n, "%s and %s do not belong together", nc_show(d, n->in[0]), nc_show(d, dy));
  *out = x;
  return true;
}

// ---- gradients

static bool vjp_pool(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  NcPool p;
  read_attrs(n, &p);
  return (dx[0] = nc_pool_grad(g, n->at, nc_attr_str(n, "op"), n->in[0], n, dy, &p));
}

// The cotangent c of dx, read at the first maximum of each window: for each place in the window (in order), the strided
// slice of x and c that stands there; the first that equals y and was not preceded by another gives its c.
static NcNode *at_first_maximum(NcGraph *g, NcNode *n, NcNode *c) {
  NcPool p;
  read_attrs(n, &p);
  NcNode *x = n->in[0], *y = n->in[1], *dy = n->in[2];
  int rank = x->type.shape.rank, first = rank - p.spatial;
  int64_t lo[NC_MAX_RANK] = {0}, hi[NC_MAX_RANK] = {0}, start[NC_MAX_RANK] = {0}, step[NC_MAX_RANK], places = 1;
  for (int i = 0; i < rank; i++) step[i] = 1;
  for (int i = 0; i < p.spatial; i++) {
    lo[first + i] = p.lo[i];
    hi[first + i] = p.hi[i];
    step[first + i] = p.stride[i];
    places *= p.window[i];
  }
  x = nc_pad(g, n->at, x, lo, hi, -INFINITY);
  c = nc_pad(g, n->at, c, lo, hi, 0);
  NcNode *sum = nc_like(g, dy, 0), *zero = sum, *open = NULL;
  for (int64_t k = 0; k < places; k++) {
    for (int64_t i = p.spatial - 1, left = k; i >= 0; left /= p.window[i], i--) start[first + i] = left % p.window[i];
    NcNode *xk = nc_slice(g, n->at, x, start, y->type.shape.dim, step);
    NcNode *ck = nc_slice(g, n->at, c, start, y->type.shape.dim, step);
    NcNode *hit = nc_op2(g, n->at, "eq", xk, y), *miss = nc_op1(g, n->at, "not", hit);
    if (open) hit = nc_op2(g, n->at, "and", hit, open);
    open = open ? nc_op2(g, n->at, "and", open, miss) : miss;
    sum = nc_op2(g, n->at, "add", sum, nc_op3(g, n->at, "select", hit, ck, zero));
  }
  return sum;
}

static bool vjp_grad(NcGraph *g, NcNode *n, NcNode *c, NcNode **dx) {
  NcPool p;
  read_attrs(n, &p);
  if (n->nin == 3) return (dx[2] = at_first_maximum(g, n, c));
  return (dx[0] = nc_pool(g, n->at, nc_attr_str(n, "op"), c, &p));
}

// ---- evaluation

typedef struct {
  int64_t planes;
  int64_t x[3], y[3], window[3], stride[3], lo[3];
} Loop;

static Loop loop_of(const NcNode *n, NcShape x, NcShape y) {
  NcPool p;
  read_attrs(n, &p);
  Loop l = {.planes = 1};
  for (int i = 0; i < x.rank - p.spatial; i++) l.planes *= x.dim[i];
  for (int i = 0; i < 3; i++) {
    int from = i - (3 - p.spatial);       // the last axes are the real ones
    bool real = from >= 0;
    l.x[i] = real ? x.dim[x.rank - p.spatial + from] : 1;
    l.y[i] = real ? y.dim[x.rank - p.spatial + from] : 1;
    l.window[i] = real ? p.window[from] : 1;
    l.stride[i] = real ? p.stride[from] : 1;
    l.lo[i] = real ? p.lo[from] : 0;
  }
  return l;
}

// The part of window number o along axis i that lies in x: [begin, end).
static void span(const Loop *l, int i, int64_t o, int64_t *begin, int64_t *end) {
  *begin = o * l->stride[i] - l->lo[i];
  *end = *begin + l->window[i];
  if (*begin < 0) *begin = 0;
  if (*end > l->x[i]) *end = l->x[i];
}

// One window. Forward (dx NULL): returns its maximum, sum or average. Backward: spreads dy over dx instead.
static double window(const Loop *l, const int64_t o[3], const char *op, const double *x, double dy, double *dx) {
  int64_t a[3], b[3], best = -1;
  for (int i = 0; i < 3; i++) span(l, i, o[i], &a[i], &b[i]);
  double v = 0;
  if (strcmp(op, "avg") == 0) dy /= (double)((b[0] - a[0]) * (b[1] - a[1]) * (b[2] - a[2]));
  bool max = strcmp(op, "max") == 0;
  for (int64_t i = a[0]; i < b[0]; i++)
    for (int64_t j = a[1]; j < b[1]; j++)
      for (int64_t k = a[2]; k < b[2]; k++) {
        int64_t at = (i * l->x[1] + j) * l->x[2] + k;
        if (max && (best < 0 || x[at] > v || (x[at] != x[at] && v == v))) v = x[at], best = at;
        if (!max && dx) dx[at] += dy;
        if (!max && !dx) v += x[at] * dy;
      }
  if (max && dx) dx[best] += dy;
  return v;
}

// Forward: y from x. Backward: dx from x (for max) and dy, which then stands in y.
static void all_windows(const Loop *l, const char *op, const double *x, double *y, double *dx) {
  int64_t xs = l->x[0] * l->x[1] * l->x[2], o[3];
  for (int64_t p = 0; p < l->planes; p++)
    for (o[0] = 0; o[0] < l->y[0]; o[0]++)
      for (o[1] = 0; o[1] < l->y[1]; o[1]++)
        for (o[2] = 0; o[2] < l->y[2]; o[2]++, y++) {
          double v = window(l, o, op, x ? x + p * xs : NULL, dx ? *y : 1, dx ? dx + p * xs : NULL);
          if (!dx) *y = v;
        }
}

static void eval_pool(const NcEval *e) {
  Loop l = loop_of(e->node, e->node->in[0]->type.shape, e->node->type.shape);
  all_windows(&l, nc_attr_str(e->node, "op"), e->in[0], e->out, NULL);
}

static void eval_grad(const NcEval *e) {
  const NcNode *n = e->node, *dy = n->in[n->nin - 1];
  Loop l = loop_of(n, n->type.shape, dy->type.shape);
  memset(e->out, 0, (size_t)nc_count(n->type.shape) * sizeof(double));
  all_windows(&l, nc_attr_str(n, "op"), n->nin == 3 ? e->in[0] : NULL, (double *)e->in[n->nin - 1], e->out);
}

#define POOL_ATTRS {"window", NC_ATTR_INTS}, {"stride", NC_ATTR_INTS}, {"lo", NC_ATTR_INTS}, {"hi", NC_ATTR_INTS}
static const NcAttrSpec pool_attrs[] = {{"op", NC_ATTR_STR}, POOL_ATTRS, {0}};
static const NcAttrSpec grad_attrs[] = {{"op", NC_ATTR_STR}, {"size", NC_ATTR_INTS}, POOL_ATTRS, {0}};

const NcOp nc_row_pool = {.name = "pool", .kind = NC_POOL, .arity = 1, .attrs = pool_attrs, .pure = true,
                          .infer = infer_pool, .vjp = vjp_pool, .eval = eval_pool,
                          .doc = "max, sum or avg over windows of the last axes; padding neither wins nor counts"};
const NcOp nc_row_pool_grad = {.name = "pool_grad", .kind = NC_POOL, .arity = -1, .attrs = grad_attrs, .pure = true,
                               .infer = infer_grad, .vjp = vjp_grad, .eval = eval_grad,
                               .doc = "the gradient of pool toward x; the first maximum of a window takes all"};
