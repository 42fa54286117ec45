// conv and conv_weight: cross-correlation with 1 to 3 spatial axes, closed under its own gradients.
//
//   conv         x [B, Cin, D...], w [Cout, Cin/groups, K...] -> y [B, Cout, O...]
//     y[b,o,p] = sum over c, k of x'[b, c, p stride + k dilation - lo] w[o,c,k]
//   conv_weight  x, dy [B, Cout, O...] -> w-shaped
//     dw[o,c,k] = sum over b, p of x'[b, c, p stride + k dilation - lo] dy[b,o,p]
//
// x' is x with dilate_x - 1 zeros between its elements, and zeros outside. The gradient toward x is a conv of dy:
// what stride was is dilate_x now and the other way round, the weights are reversed and their channels swapped.
#include <string.h>
#include "ops/rows.h"

bool nc_conv_of(const NcNode *n, NcConv *c) {
  if (n->op != &nc_row_conv && n->op != &nc_row_conv_weight) return false;
  memset(c, 0, sizeof *c);
  c->spatial = n->in[0]->type.shape.rank - 2;
  c->groups = (int)nc_attr_int(n, "groups");
  for (int i = 0; i < c->spatial; i++) {
    c->stride[i] = nc_attr_ints(n, "stride", NULL)[i];
    c->lo[i] = nc_attr_ints(n, "lo", NULL)[i];
    c->hi[i] = nc_attr_ints(n, "hi", NULL)[i];
    c->dilation[i] = nc_attr_ints(n, "dilation", NULL)[i];
    c->dilate_x[i] = nc_attr_ints(n, "dilate_x", NULL)[i];
  }
  return true;
}

static bool lists_fit(NcDiag *d, const NcNode *n, int spatial) {
  static const char *const keys[] = {"stride", "lo", "hi", "dilation", "dilate_x"};
  for (int k = 0; k < 5; k++) {
    int count;
    const int64_t *v = nc_attr_ints(n, keys[k], &count);
    if (count != spatial)
      return nc_refuse(d, NC_E0202, n, "`%s` has %d numbers for %d spatial axes", keys[k], count, spatial);
    for (int i = 0; i < spatial; i++)
      if (v[i] < 1 && k != 1 && k != 2) return nc_refuse(d, NC_E0209, n, "`%s` must be positive", keys[k]);
  }
  return true;
}

// What both forms need of x [B, Cin, D...] and of a second operand with the same number of axes.
static bool operands_fit(NcDiag *d, const NcNode *n) {
  NcShape x = n->in[0]->type.shape, y = n->in[1]->type.shape;
  if (!nc_need_dtype(d, n, 0, 1) || !nc_need_float(d, n, 0)) return false;
  if (x.rank < 3 || x.rank > 5)
    return nc_refuse(d, NC_E0202, n, "needs [batch, channels, 1 to 3 sizes] and got %s", nc_show(d, n->in[0]));
  if (y.rank != x.rank)
    return nc_refuse(d, NC_E0202, n, "%s and %s must have equally many axes", nc_show(d, n->in[0]),
                     nc_show(d, n->in[1]));
  if (!lists_fit(d, n, x.rank - 2)) return false;
  int64_t groups = nc_attr_int(n, "groups");
  if (groups < 1 || x.dim[1] % groups)
    return nc_refuse(d, NC_E0203, n, "%lld channels of %s do not split into %lld groups", (long long)x.dim[1],
                     nc_show(d, n->in[0]), (long long)groups);
  return true;
}

// The result's size along spatial axis i for a kernel of k, or 0 when the kernel does not fit.
static int64_t result_size(const NcConv *c, int i, int64_t size, int64_t k) {
  int64_t room = (size - 1) * c->dilate_x[i] + 1 + c->lo[i] + c->hi[i] - ((k - 1) * c->dilation[i] + 1);
  return room < 0 ? 0 : room / c->stride[i] + 1;
}

static bool infer_conv(NcDiag *d, const NcNode *n, NcType *out) {
  if (!operands_fit(d, n)) return false;
  NcShape x = n->in[0]->type.shape, w = n->in[1]->type.shape;
  NcConv c;
  nc_conv_of(n, &c);
  if (w.dim[1] != x.dim[1] / c.groups)
    return nc_refuse(d, NC_E0203, n, "the weights %s take %lld channels in each of %d groups, but %s has %lld channels",
                     nc_show(d, n->in[1]), (long long)w.dim[1], c.groups, nc_show(d, n->in[0]), (long long)x.dim[1]);
  if (w.dim[0] % c.groups)
    return nc_refuse(d, NC_E0203, n, "%lld result channels do not split into %d groups", (long long)w.dim[0], c.groups);
  *out = n->in[0]->type;
  out->shape.dim[1] = w.dim[0];
  for (int i = 0; i < c.spatial; i++) {
    out->shape.dim[2 + i] = result_size(&c, i, x.dim[2 + i], w.dim[2 + i]);
    if (out->shape.dim[2 + i] < 1)
      return nc_refuse(d, NC_E0203, n, "the kernel of %s does not fit into %s with its padding along spatial axis %d",
                       nc_show(d, n->in[1]), nc_show(d, n->in[0]), i);
  }
  return true;
}

static bool infer_weight(NcDiag *d, const NcNode *n, NcType *out) {
  if (!operands_fit(d, n)) return false;
  NcShape x = n->in[0]->type.shape, y = n->in[1]->type.shape;
  NcConv c;
  nc_conv_of(n, &c);
  int count;
  const int64_t *kernel = nc_attr_ints(n, "kernel", &count);
  if (count != c.spatial)
    return nc_refuse(d, NC_E0202, n, "`kernel` has %d numbers for %d spatial axes", count, c.spatial);
  if (y.dim[0] != x.dim[0] || y.dim[1] % c.groups)
    return nc_refuse(d, NC_E0203, n, "%s and %s do not belong together", nc_show(d, n->in[0]), nc_show(d, n->in[1]));
  *out = n->in[0]->type;
  out->shape.dim[0] = y.dim[1];
  out->shape.dim[1] = x.dim[1] / c.groups;
  for (int i = 0; i < c.spatial; i++) {
    if (kernel[i] < 1 || result_size(&c, i, x.dim[2 + i], kernel[i]) != y.dim[2 + i])
      return nc_refuse(d, NC_E0203, n, "a kernel of %lld over %s does not give %s along spatial axis %d",
                       (long long)kernel[i], nc_show(d, n->in[0]), nc_show(d, n->in[1]), i);
    out->shape.dim[2 + i] = kernel[i];
  }
  return true;
}

// [Cout, Cin/g, K...] -> [Cin, Cout/g, K...], reversed along K.
static NcNode *turned_weights(NcGraph *g, NcRange at, NcNode *w, int groups) {
  NcShape s = w->type.shape, split = {.rank = s.rank + 1}, swapped = s;
  int64_t perm[NC_MAX_RANK] = {0, 2, 1}, start[NC_MAX_RANK] = {0}, step[NC_MAX_RANK] = {1, 1};
  split.dim[0] = groups;
  split.dim[1] = s.dim[0] / groups;
  split.dim[2] = s.dim[1];
  for (int i = 2; i < s.rank; i++) {
    split.dim[i + 1] = s.dim[i];
    perm[i + 1] = i + 1;
    start[i] = s.dim[i] - 1;
    step[i] = -1;
  }
  swapped.dim[0] = s.dim[1] * groups;
  swapped.dim[1] = s.dim[0] / groups;
  NcNode *v = nc_permute(g, at, nc_reshape(g, at, w, split), perm);
  return nc_slice(g, at, nc_reshape(g, at, v, swapped), start, swapped.dim, step);
}

NcNode *nc_conv_input_grad(NcGraph *g, NcRange at, NcNode *dy, NcNode *w, NcShape x, const NcConv *c) {
  NcConv t = *c;
  for (int i = 0; i < c->spatial; i++) {
    int64_t reach = (w->type.shape.dim[2 + i] - 1) * c->dilation[i], out = dy->type.shape.dim[2 + i];
    t.stride[i] = c->dilate_x[i];
    t.dilate_x[i] = c->stride[i];
    t.lo[i] = reach - c->lo[i];
    t.hi[i] = (x.dim[2 + i] - 1) * c->dilate_x[i] - (out - 1) * c->stride[i] + c->lo[i];
  }
  return nc_conv(g, at, dy, turned_weights(g, at, w, c->groups), &t);
}

static bool vjp_conv(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  NcConv c;
  nc_conv_of(n, &c);
  dx[0] = nc_conv_input_grad(g, n->at, dy, n->in[1], n->in[0]->type.shape, &c);
  return (dx[1] = nc_conv_weight(g, n->at, n->in[0], dy, &c, n->in[1]->type.shape.dim + 2));
}

static bool vjp_weight(NcGraph *g, NcNode *n, NcNode *dw, NcNode **dx) {
  NcConv c;
  nc_conv_of(n, &c);
  dx[0] = nc_conv_input_grad(g, n->at, n->in[1], dw, n->in[0]->type.shape, &c);
  return (dx[1] = nc_conv(g, n->at, n->in[0], dw, &c));
}

// ---- evaluation

// Sizes as three spatial axes, missing ones being 1, so that one loop nest serves all.
typedef struct {
  int64_t batch, cin, cout, ci, co;       // ci, co: channels within a group
  int64_t x[3], k[3], o[3], stride[3], lo[3], dilation[3], dilate_x[3];
} Loop;

static Loop loop_of(const NcNode *n, NcShape x, NcShape w, NcShape y) {
  NcConv c;
  nc_conv_of(n, &c);
  Loop l = {x.dim[0], x.dim[1], w.dim[0], w.dim[1], w.dim[0] / c.groups};
  for (int i = 0; i < 3; i++) {
    int from = i - (3 - c.spatial);       // the last axes are the real ones
    bool real = from >= 0;
    l.x[i] = real ? x.dim[2 + from] : 1;
    l.k[i] = real ? w.dim[2 + from] : 1;
    l.o[i] = real ? y.dim[2 + from] : 1;
    l.stride[i] = real ? c.stride[from] : 1;
    l.lo[i] = real ? c.lo[from] : 0;
    l.dilation[i] = real ? c.dilation[from] : 1;
    l.dilate_x[i] = real ? c.dilate_x[from] : 1;
  }
  return l;
}

// Where tap k of result p reads x along axis i, or -1 for a zero.
static int64_t tap(const Loop *l, int i, int64_t p, int64_t k) {
  int64_t q = p * l->stride[i] + k * l->dilation[i] - l->lo[i];
  if (q < 0 || q % l->dilate_x[i]) return -1;
  q /= l->dilate_x[i];
  return q < l->x[i] ? q : -1;
}

// One row of one (channel in, channel out, kernel element): y += x w, or *w += x y.
static void row(const Loop *l, const double *x, double *y, int64_t k, const double *w, double *dw) {
  double sum = 0;
  for (int64_t p = 0; p < l->o[2]; p++) {
    int64_t q = tap(l, 2, p, k);
    if (q < 0) continue;
    if (dw) sum += x[q] * y[p];
    else y[p] += x[q] * *w;
  }
  if (dw) *dw += sum;
}

// All rows of one (channel in, channel out) plane; w or dw points at its kernel.
static void plane(const Loop *l, const double *x, double *y, const double *w, double *dw) {
  for (int64_t a = 0; a < l->k[0] * l->k[1] * l->k[2]; a++) {
    int64_t k2 = a % l->k[2], k1 = a / l->k[2] % l->k[1], k0 = a / l->k[2] / l->k[1];
    for (int64_t p0 = 0; p0 < l->o[0]; p0++)
      for (int64_t p1 = 0; p1 < l->o[1]; p1++) {
        int64_t q0 = tap(l, 0, p0, k0), q1 = tap(l, 1, p1, k1);
        if (q0 < 0 || q1 < 0) continue;
        const double *from = x + (q0 * l->x[1] + q1) * l->x[2];
        row(l, from, y + (p0 * l->o[1] + p1) * l->o[2], k2, w ? w + a : NULL, dw ? dw + a : NULL);
      }
  }
}

// Exactly one of w and dw is given. y is written in the first case, read in the second.
static void planes(const Loop *l, const double *x, double *y, const double *w, double *dw) {
  int64_t xs = l->x[0] * l->x[1] * l->x[2], ks = l->k[0] * l->k[1] * l->k[2], ys = l->o[0] * l->o[1] * l->o[2];
  for (int64_t b = 0; b < l->batch; b++)
    for (int64_t o = 0; o < l->cout; o++)
      for (int64_t c = 0; c < l->ci; c++) {
        const double *from = x + (b * l->cin + o / l->co * l->ci + c) * xs;
        int64_t kernel = (o * l->ci + c) * ks;
        plane(l, from, y + (b * l->cout + o) * ys, w ? w + kernel : NULL, dw ? dw + kernel : NULL);
      }
}

static void eval_conv(const NcEval *e) {
  const NcNode *n = e->node;
  Loop l = loop_of(n, n->in[0]->type.shape, n->in[1]->type.shape, n->type.shape);
  memset(e->out, 0, (size_t)nc_count(n->type.shape) * sizeof(double));
  planes(&l, e->in[0], e->out, e->in[1], NULL);
}

static void eval_weight(const NcEval *e) {
  const NcNode *n = e->node;
  Loop l = loop_of(n, n->in[0]->type.shape, n->type.shape, n->in[1]->type.shape);
  memset(e->out, 0, (size_t)nc_count(n->type.shape) * sizeof(double));
  planes(&l, e->in[0], (double *)e->in[1], NULL, e->out);
}

#define CONV_ATTRS \
  {"groups", NC_ATTR_INT}, {"stride", NC_ATTR_INTS}, {"lo", NC_ATTR_INTS}, {"hi", NC_ATTR_INTS}, \
  {"dilation", NC_ATTR_INTS}, {"dilate_x", NC_ATTR_INTS}
static const NcAttrSpec conv_attrs[] = {CONV_ATTRS, {0}};
static const NcAttrSpec weight_attrs[] = {CONV_ATTRS, {"kernel", NC_ATTR_INTS}, {0}};

const NcOp nc_row_conv = {.name = "conv", .kind = NC_CONV, .arity = 2, .attrs = conv_attrs, .pure = true,
                          .infer = infer_conv, .vjp = vjp_conv, .eval = eval_conv,
                          .doc = "cross-correlation over 1 to 3 axes: x [B, Cin, D...], w [Cout, Cin/groups, K...]"};
const NcOp nc_row_conv_weight = {.name = "conv_weight", .kind = NC_CONV, .arity = 2, .attrs = weight_attrs,
                                 .pure = true, .infer = infer_weight, .vjp = vjp_weight, .eval = eval_weight,
                                 .doc = "the gradient of conv toward w: x, dy -> [Cout, Cin/groups, kernel...]"};
