// Gradients of attention: its own operation for the first; the second ones, and that toward a bias, by the composed form,
// whose T×U matrices do lie in memory.
#include <math.h>
#include "ops/attention.h"

static NcNode *op2(NcGraph *g, NcNode *n, const char *op, NcNode *a, NcNode *b) { return nc_op2(g, n->at, op, a, b); }

// [B,G,U,X] as [B,H,U,X]: each for all the heads that read it.
static NcNode *for_heads(NcGraph *g, NcNode *n, const NcAttention *a, NcNode *x) {
  if (!x || a->heads == a->groups) return x;
  int64_t u = x->type.shape.dim[2], w = x->type.shape.dim[3], each = a->heads / a->groups;
  x = nc_broadcast(g, n->at, x, NC_SHAPE(a->batch, a->groups, each, u, w), (int64_t[]){0, 1, 3, 4});
  return nc_reshape(g, n->at, x, NC_SHAPE(a->batch, a->heads, u, w));
}

static NcNode *back_to_groups(NcGraph *g, NcNode *n, const NcAttention *a, NcNode *x) {
  if (!x || a->heads == a->groups) return x;
  int64_t u = x->type.shape.dim[2], w = x->type.shape.dim[3];
  x = nc_reshape(g, n->at, x, NC_SHAPE(a->batch, a->groups, a->heads / a->groups, u, w));
  return nc_reduce(g, n->at, "sum", x, 1, (int64_t[]){2});
}

static NcNode *product(NcGraph *g, NcNode *n, NcNode *a, NcNode *b, int64_t acon, int64_t bcon) {
  const int64_t heads[] = {0, 1};
  return nc_dot(g, n->at, a, b, 2, heads, heads, 1, &acon, &bcon);
}

static NcNode *over_keys(NcGraph *g, NcNode *n, NcNode *row, NcShape s) {
  return nc_broadcast(g, n->at, row, s, (int64_t[]){0, 1, 2});
}

// exp(s - stat), 0 where a query does not see the key.
static NcNode *weights(NcGraph *g, NcNode *n, const NcAttention *a, NcNode *q, NcNode *k, NcNode *stat, NcNode *bias) {
  NcNode *s = product(g, n, q, for_heads(g, n, a, k), 3, 3), *seen = NULL;
  if (!s || !stat) return NULL;
  NcType count = {NC_I32, s->type.shape};
  s = op2(g, n, "mul", s, nc_like(g, s, a->scale));
  if (bias && bias->type.dtype == NC_F32) {
    s = op2(g, n, "add", s, bias);
    seen = op2(g, n, "gt", bias, nc_like(g, bias, -INFINITY));
  } else if (bias) {
    seen = bias;
  }
  if (a->causal) {
    NcNode *u = nc_iota(g, n->at, count, 3), *t = nc_iota(g, n->at, count, 2);
    NcNode *past = op2(g, n, "le", u, op2(g, n, "add", t, nc_like(g, t, (double)(a->keys - a->queries))));
    seen = seen ? op2(g, n, "and", seen, past) : past;
  }
  s = op2(g, n, "sub", s, over_keys(g, n, stat, count.shape));
  if (seen) s = nc_op3(g, n->at, "select", seen, s, nc_like(g, s, -INFINITY));
  return nc_op1(g, n->at, "exp", s);
}

// p (dy vᵀ - delta): the gradient toward the scores.
static NcNode *slopes(NcGraph *g, NcNode *n, const NcAttention *a, NcNode *p, NcNode *v, NcNode *dy, NcNode *delta) {
  NcNode *dp = product(g, n, dy, for_heads(g, n, a, v), 3, 3);
  if (!dp || !delta) return NULL;
  return op2(g, n, "mul", p, op2(g, n, "sub", dp, over_keys(g, n, delta, dp->type.shape)));
}

static NcNode *toward(NcGraph *g, NcNode *n, const char *which, NcNode *const *in, NcNode *dy, NcNode *stat, NcNode *delta,
                      NcNode *bias) {
  NcNode *all[] = {in[0], in[1], in[2], dy, stat, delta, bias};
  NcAttr attr[] = {NC_ASTR("toward", which), NC_AINT("causal", nc_attr_int(n, "causal")),
                   NC_AFLOAT("scale", nc_attr_float(n, "scale"))};
  return nc_node(g, &nc_row_attention_grad, n->at, bias ? 7 : 6, all, 3, attr);
}

static NcNode *stat_of(NcGraph *g, NcNode *n) {
  NcAttr attr[] = {NC_ASTR("what", "stat"), NC_AINT("causal", nc_attr_int(n, "causal")),
                   NC_AFLOAT("scale", nc_attr_float(n, "scale"))};
  return nc_node(g, &nc_row_attention, n->at, n->nin, n->in, 3, attr);
}

// Toward the value: delta = sum of dy value along a row. Toward the stat: ds = p dstat, which is dy = 0, delta = -dstat.
bool nc_vjp_attention(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  NcAttention a;
  nc_attention_of(n, &a);
  NcNode *stat, *delta;
  if (n->type.shape.rank == 4) {
    stat = stat_of(g, n);
    delta = nc_reduce(g, n->at, "sum", op2(g, n, "mul", dy, n), 1, (int64_t[]){3});
  } else {
    stat = n;
    delta = nc_op1(g, n->at, "neg", dy);
    NcNode *zero = nc_const(g, n->at, NC_F32, 0);
    dy = nc_broadcast(g, n->at, zero, NC_SHAPE(a.batch, a.heads, a.queries, a.values), NULL);
  }
  static const char *const names[] = {"q", "k", "v"};
  for (int i = 0; i < 3; i++)
    if (!(dx[i] = toward(g, n, names[i], n->in, dy, stat, delta, a.bias))) return false;
  if (!a.bias || a.bias->type.dtype != NC_F32) return true;
  NcNode *p = weights(g, n, &a, n->in[0], n->in[1], stat, a.bias);
  return (dx[3] = slopes(g, n, &a, p, n->in[2], dy, delta)) != NULL;
}

// The same as the operation attention_grad, in operations that have gradients of their own.
static NcNode *composed(NcGraph *g, NcNode *n, NcNode *const *in) {
  NcAttention a;
  nc_attention_of(n, &a);
  NcNode *p = weights(g, n, &a, in[0], in[1], in[4], a.bias ? in[6] : NULL), *dx;
  char to = *nc_attr_str(n, "toward");
  if (to == 'v') return back_to_groups(g, n, &a, product(g, n, p, in[3], 2, 2));
  NcNode *ds = slopes(g, n, &a, p, in[2], in[3], in[5]);
  if (to == 'q') dx = product(g, n, ds, for_heads(g, n, &a, in[1]), 3, 2);
  else dx = back_to_groups(g, n, &a, product(g, n, ds, in[0], 2, 2));
  return dx ? op2(g, n, "mul", dx, nc_like(g, dx, a.scale)) : NULL;
}

// The composed form is differentiated in a graph by itself, where the operands are leaves: how they hang together
// (stat comes of q and k) is no matter here. Then it is copied, with the operands in the leaves' places.
bool nc_vjp_attention_grad(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  NcGraph *apart = nc_graph_new(g->arena, g->diag, "attention");
  NcNode *leaf[8], *wrt[7], *slope[7];
  int floats = 0;
  for (int i = 0; i <= n->nin; i++)
    leaf[i] = nc_input(apart, n->at, nc_sprintf(g->arena, "%d", i), i < n->nin ? n->in[i]->type : dy->type);
  for (int i = 0; i < n->nin; i++)
    if (nc_dtype_float(n->in[i]->type.dtype)) wrt[floats++] = leaf[i];
  NcNode *c = composed(apart, n, leaf);
  const int64_t all[] = {0, 1, 2, 3};
  NcNode *loss = c ? nc_reduce(apart, n->at, "sum", op2(apart, n, "mul", c, leaf[n->nin]), 4, all) : NULL;
  if (!loss || !nc_grad(apart, loss, floats, wrt, slope)) return false;
  NcNode **map = NC_NEW_N(g->arena, NcNode *, apart->node.n + 1);
  for (int i = 0; i < n->nin; i++) map[leaf[i]->id] = n->in[i];
  map[leaf[n->nin]->id] = dy;
  for (int i = 0; i < apart->node.n; i++) {
    NcNode *x = apart->node.at[i], *in[8];
    if (map[i]) continue;
    for (int k = 0; k < x->nin; k++) in[k] = map[x->in[k]->id];
    if (!(map[i] = nc_copy_node(g, x, in))) return false;
  }
  floats = 0;
  for (int i = 0; i < n->nin; i++)
    if (nc_dtype_float(n->in[i]->type.dtype)) dx[i] = map[slope[floats++]->id];
  return true;
}
