// attention and attention_grad: softmax(scale q kᵀ + bias) v for each head, and its gradients, without the T×U matrix in
// memory: the gradients are made again from the rows' logarithms of sums ("stat").
//
//   attention       q [B,H,T,E], k [B,G,U,E], v [B,G,U,F], perhaps bias [B,H,T,U]
//                   what="value": [B,H,T,F];  what="stat": [B,H,T], the logarithm of the sum of exp of a row's scores
//   attention_grad  q, k, v, dy [B,H,T,F], stat [B,H,T], delta [B,H,T], perhaps bias; toward="q", "k" or "v":
//                   p = exp(s - stat), ds = p (dy vᵀ - delta): dq = scale ds k, dk = scale dsᵀ q, dv = pᵀ dy
//
// Head h reads the keys and values of head h / (H / G). A bias of f32 is added to the scores, one of bool leaves those
// where it is false out. causal: query t sees the keys up to t + U - T, the last query all of them. A row that sees nothing
// has the value 0 and the stat 0.
#include <math.h>
#include <string.h>
#include "ops/attention.h"

bool nc_attention_of(const NcNode *n, NcAttention *a) {
  bool grad = strcmp(n->op->name, "attention_grad") == 0;
  if (!grad && strcmp(n->op->name, "attention") != 0) return false;
  NcShape q = n->in[0]->type.shape, k = n->in[1]->type.shape, v = n->in[2]->type.shape;
  *a = (NcAttention){.batch = q.dim[0], .heads = q.dim[1], .groups = k.dim[1], .queries = q.dim[2], .keys = k.dim[2],
                     .width = q.dim[3], .values = v.dim[3], .causal = nc_attr_int(n, "causal"),
                     .scale = nc_attr_float(n, "scale"), .bias = n->nin > (grad ? 6 : 3) ? n->in[n->nin - 1] : NULL};
  return true;
}

// ---- rules

static bool shape_is(NcDiag *d, const NcNode *n, int operand, NcShape s) {
  NcType t = n->in[operand]->type;
  if (nc_shape_eq(t.shape, s)) return true;
  return nc_refuse(d, NC_E0203, n, "operand %d is %s and does not fit %s and %s", operand, nc_show(d, n->in[operand]),
                   nc_show(d, n->in[0]), nc_show(d, n->in[1]));
}

static bool operands_fit(NcDiag *d, const NcNode *n, int least) {
  if (n->nin != least && n->nin != least + 1) return nc_refuse(d, NC_E0901, n, "takes %d operands, or a bias too", least);
  for (int i = 0; i < least; i++)
    if (n->in[i]->type.dtype != NC_F32) return nc_refuse(d, NC_E0204, n, "needs f32, not %s", nc_show(d, n->in[i]));
  for (int i = 0; i < 3; i++)
    if (n->in[i]->type.shape.rank != 4)
      return nc_refuse(d, NC_E0202, n, "needs [batch, heads, length, width], not %s", nc_show(d, n->in[i]));
  NcAttention a;
  nc_attention_of(n, &a);
  if (nc_attr_int(n, "causal") != 0 && nc_attr_int(n, "causal") != 1)
    return nc_refuse(d, NC_E0209, n, "causal must be 0 or 1");
  if (!isfinite((float)nc_attr_float(n, "scale"))) return nc_refuse(d, NC_E0209, n, "the scale must be finite");
  if (!shape_is(d, n, 1, NC_SHAPE(a.batch, a.groups, a.keys, a.width)) ||
      !shape_is(d, n, 2, NC_SHAPE(a.batch, a.groups, a.keys, a.values)))
    return false;
  if (a.heads % a.groups) return nc_refuse(d, NC_E0203, n, "%lld heads cannot share %lld", (long long)a.heads,
                                           (long long)a.groups);
  if (a.causal && a.keys < a.queries) return nc_refuse(d, NC_E0203, n, "causal needs as many keys as queries");
  if (!a.bias) return true;
  if (a.bias->type.dtype != NC_F32 && a.bias->type.dtype != NC_BOOL)
    return nc_refuse(d, NC_E0204, n, "the bias must be f32 or bool, not %s", nc_show(d, a.bias));
  return shape_is(d, n, n->nin - 1, NC_SHAPE(a.batch, a.heads, a.queries, a.keys));
}

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  static const char *const words[] = {"value", "stat"};
  if (!nc_need_word(d, n, "what", words, 2) || !operands_fit(d, n, 3)) return false;
  NcAttention a;
  nc_attention_of(n, &a);
  bool stat = strcmp(nc_attr_str(n, "what"), "stat") == 0;
  *out = (NcType){NC_F32, NC_SHAPE(a.batch, a.heads, a.queries, a.values)};
  if (stat) out->shape.rank = 3;
  return true;
}

static bool infer_grad(NcDiag *d, const NcNode *n, NcType *out) {
  static const char *const words[] = {"q", "k", "v"};
  if (!nc_need_word(d, n, "toward", words, 3) || !operands_fit(d, n, 6)) return false;
  NcAttention a;
  nc_attention_of(n, &a);
  NcShape rows = NC_SHAPE(a.batch, a.heads, a.queries);
  if (!shape_is(d, n, 3, NC_SHAPE(a.batch, a.heads, a.queries, a.values)) || !shape_is(d, n, 4, rows) ||
      !shape_is(d, n, 5, rows))
    return false;
  *out = n->in[*nc_attr_str(n, "toward") == 'q' ? 0 : *nc_attr_str(n, "toward") == 'k' ? 1 : 2]->type;
  return true;
}

// ---- evaluation: one query's scores at a time

typedef struct { NcAttention a; const double *q, *k, *v, *bias; double *s; } Eval;

static Eval operands(const NcEval *e) {
  Eval x = {.q = e->in[0], .k = e->in[1], .v = e->in[2]};
  nc_attention_of(e->node, &x.a);
  x.bias = x.a.bias ? e->in[e->node->nin - 1] : NULL;
  x.s = NC_NEW_N(e->scratch, double, x.a.keys + 1);
  return x;
}

static double product(const double *a, const double *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static int64_t group_of(const Eval *x, int64_t row) {        // of q's row [b][h][t]: [b][g]
  int64_t h = row / x->a.queries;
  return h / x->a.heads * x->a.groups + h % x->a.heads / (x->a.heads / x->a.groups);
}

// Scores of a query row; -inf where it does not see the key.
static void scores(const Eval *x, int64_t row) {
  const NcAttention *a = &x->a;
  const double *k = x->k + group_of(x, row) * a->keys * a->width;
  int64_t seen = a->causal ? row % a->queries + a->keys - a->queries + 1 : a->keys;
  for (int64_t u = 0; u < a->keys; u++) {
    double b = x->bias ? x->bias[row * a->keys + u] : 0;
    if (x->bias && a->bias->type.dtype == NC_BOOL) b = b != 0 ? 0 : -INFINITY;
    x->s[u] = u < seen ? a->scale * product(x->q + row * a->width, k + u * a->width, a->width) + b : -INFINITY;
  }
}

static void eval(const NcEval *e) {
  Eval x = operands(e);
  const NcAttention *a = &x.a;
  bool stat = strcmp(nc_attr_str(e->node, "what"), "stat") == 0;
  for (int64_t row = 0; row < a->batch * a->heads * a->queries; row++) {
    scores(&x, row);
    double top = -3e38, sum = 0, *out = e->out + row * a->values;
    const double *v = x.v + group_of(&x, row) * a->keys * a->values;
    for (int64_t u = 0; u < a->keys; u++) top = x.s[u] > top || x.s[u] != x.s[u] ? x.s[u] : top;
    for (int64_t u = 0; u < a->keys; u++) sum += x.s[u] = exp(x.s[u] - top);
    if (stat) {
      e->out[row] = sum == 0 ? 0 : top + log(sum);
      continue;
    }
    for (int64_t f = 0; f < a->values; f++) out[f] = 0;
    for (int64_t u = 0; u < a->keys && sum != 0; u++)
      for (int64_t f = 0; f < a->values; f++) out[f] += x.s[u] / sum * v[u * a->values + f];
  }
}

static void eval_grad(const NcEval *e) {
  Eval x = operands(e);
  const NcAttention *a = &x.a;
  const double *dy = e->in[3], *stat = e->in[4], *delta = e->in[5];
  char toward = *nc_attr_str(e->node, "toward");
  memset(e->out, 0, (size_t)nc_count(e->node->type.shape) * sizeof *e->out);
  for (int64_t row = 0; row < a->batch * a->heads * a->queries; row++) {
    scores(&x, row);
    int64_t key = group_of(&x, row) * a->keys;
    for (int64_t u = 0; u < a->keys; u++) {
      double p = exp(x.s[u] - stat[row]), ds = a->scale * p * (product(dy + row * a->values, x.v + (key + u) * a->values,
                                                                       a->values) - delta[row]);
      if (p == 0) continue;
      if (toward == 'v')
        for (int64_t f = 0; f < a->values; f++) e->out[(key + u) * a->values + f] += p * dy[row * a->values + f];
      else
        for (int64_t i = 0; i < a->width; i++) {
          if (toward == 'q') e->out[row * a->width + i] += ds * x.k[(key + u) * a->width + i];
          else e->out[(key + u) * a->width + i] += ds * x.q[row * a->width + i];
        }
    }
  }
}

static const NcAttrSpec attrs[] = {{"what", NC_ATTR_STR}, {"causal", NC_ATTR_INT}, {"scale", NC_ATTR_FLOAT}, {0}};
static const NcAttrSpec grad_attrs[] = {{"toward", NC_ATTR_STR}, {"causal", NC_ATTR_INT}, {"scale", NC_ATTR_FLOAT}, {0}};
const NcOp nc_row_attention = {.name = "attention", .kind = NC_ATTENTION, .arity = -1, .attrs = attrs, .pure = true,
                               .infer = infer, .vjp = nc_vjp_attention, .eval = eval,
                               .doc = "softmax(scale q kᵀ + bias) v of each head, or the logarithms of its sums"};
const NcOp nc_row_attention_grad = {.name = "attention_grad", .kind = NC_ATTENTION, .arity = -1, .attrs = grad_attrs,
                                    .pure = true, .infer = infer_grad, .vjp = nc_vjp_attention_grad, .eval = eval_grad,
                                    .doc = "the gradient of attention toward q, k or v"};
