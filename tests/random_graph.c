#include "random_graph.h"
#include <string.h>
#include "ops/op.h"

#define AT NC_NOWHERE
enum { MOST = 300 };   // elements of a value

typedef struct {
  NcGraph *g;
  uint32_t r;
  NC_VEC(NcNode *) pool;   // f32
  int vars;
} Gen;

static int pick(Gen *x, int n) {
  x->r = x->r * 1664525u + 1013904223u;
  return (int)((x->r >> 8) % (uint32_t)n);
}

static NcNode *any(Gen *x) { return x->pool.at[pick(x, 3) ? x->pool.n - 1 - pick(x, x->pool.n < 4 ? x->pool.n
    : 4) : pick(x, x->pool.n)]; }

static void put(Gen *x, NcNode *n) {
  if (n && nc_count(n->type.shape) <= MOST) *NC_PUSH(x->g->arena, x->pool) = n;
}

static NcNode *leaf(Gen *x, NcShape s) {
  const char *name = nc_sprintf(x->g->arena, "v%d", x->vars++);
  NcType t = {NC_F32, s};
  return pick(x, 3) ? nc_var(x->g, AT, name, "param", t) : nc_input(x->g, AT, name, t);
}

static NcShape shape(Gen *x) {
  NcShape s = {.rank = 1 + pick(x, 3)};
  for (int i = 0; i < s.rank; i++) s.dim[i] = 1 + pick(x, 4);
  return s;
}

// Something of the same shape: another value, a leaf, a constant, a scalar stretched.
static NcNode *partner(Gen *x, NcNode *a) {
  static const double values[] = {0, 1, -1, 2, 0.5, 3, -4};
  for (int i = 0; i < 6; i++) {
    NcNode *b = any(x);
    if (nc_shape_eq(a->type.shape, b->type.shape) && pick(x, 4)) return b;
    if (b->type.shape.rank == 0) return nc_broadcast(x->g, AT, b, a->type.shape, NULL);
  }
  if (pick(x, 2)) return nc_like(x->g, a, values[pick(x, 7)]);
  if (a->type.shape.rank && pick(x, 2)) {
    int64_t axis = pick(x, a->type.shape.rank);
    return nc_broadcast(x->g, AT, leaf(x, NC_SHAPE(a->type.shape.dim[axis])), a->type.shape, &axis);
  }
  return leaf(x, a->type.shape);
}

static NcNode *unary(Gen *x, NcNode *a) {
  static const char *const ops[] = {"neg", "abs", "tanh", "sigmoid", "sin", "neg", "softplus"};
  return nc_op1(x->g, AT, ops[pick(x, 7)], a);
}

static NcNode *binary(Gen *x, NcNode *a) {
  static const char *const ops[] = {"add", "sub", "mul", "max", "min", "add", "mul"};
  NcNode *b = partner(x, a);
  if (!pick(x, 6)) return nc_op2(x->g, AT, "div", a, nc_like(x->g, a, pick(x, 2) ? 4 : 3));
  if (!pick(x, 8)) return nc_op2(x->g, AT, "pow", nc_op1(x->g, AT, "softplus", a), nc_like(x->g, a, pick(x, 5) - 1));
  return pick(x, 2) ? nc_op2(x->g, AT, ops[pick(x, 7)], a, b) : nc_op2(x->g, AT, ops[pick(x, 7)], b, a);
}

static NcNode *choose(Gen *x, NcNode *a) {
  NcNode *c = nc_op2(x->g, AT, pick(x, 2) ? "lt" : "ge", a, partner(x, a));
  if (!pick(x, 3)) c = nc_op1(x->g, AT, "not", c);
  if (!pick(x, 3)) return nc_cast(x->g, AT, nc_cast(x->g, AT, c, NC_I32), NC_F32);
  return nc_op3(x->g, AT, "select", c, a, partner(x, a));
}

static NcNode *reduce(Gen *x, NcNode *a) {
  static const char *const ops[] = {"sum", "max", "min", "sum"};
  int64_t axes[NC_MAX_RANK];
  int n = 0, rank = a->type.shape.rank;
  for (int i = 0; i < rank; i++)
    if (pick(x, 2)) axes[n++] = i;
  if (!rank) return NULL;
  if (!n) axes[n++] = rank - 1;
  if (!pick(x, 8)) return nc_cast(x->g, AT, nc_reduce(x->g, AT, "argmax", a, 1, axes), NC_F32);
  return nc_reduce(x->g, AT, ops[pick(x, 4)], a, n, axes);
}

static NcNode *softmax(Gen *x, NcNode *a) {
  int rank = a->type.shape.rank;
  if (!rank) return NULL;
  int64_t last = rank - 1, axes[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  NcNode *m = nc_broadcast(x->g, AT, nc_reduce(x->g, AT, "max", a, 1, &last), a->type.shape, axes);
  NcNode *e = nc_op1(x->g, AT, "exp", nc_op2(x->g, AT, "sub", a, m));
  return nc_op2(x->g, AT, "div", e, nc_broadcast(x->g, AT, nc_reduce(x->g, AT, "sum", e, 1, &last), a->type.shape,
      axes));
}

static NcNode *reshape(Gen *x, NcNode *a) {
  NcShape s = a->type.shape, t = {0};
  int64_t n = nc_count(s);
  switch (pick(x, 4)) {
  case 0: return nc_reshape(x->g, AT, a, NC_SHAPE(n));
  case 1: return n % 2 ? nc_reshape(x->g, AT, a, NC_SHAPE(1, n)) : nc_reshape(x->g, AT, a, NC_SHAPE(n / 2, 2));
  default:
    for (int i = 0; i < s.rank; i++) {   // a size of 1 in or out
      if (s.dim[i] != 1) t.dim[t.rank++] = s.dim[i];
      if (!pick(x, 3) && t.rank < 5) t.dim[t.rank++] = 1;
    }
    return nc_reshape(x->g, AT, a, t);
  }
}

static NcNode *permute(Gen *x, NcNode *a) {
  int rank = a->type.shape.rank;
  int64_t perm[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) perm[i] = i;
  for (int i = rank - 1; i > 0; i--) {
    int k = pick(x, i + 1);
    int64_t t = perm[i];
    perm[i] = perm[k];
    perm[k] = t;
  }
  return nc_permute(x->g, AT, a, perm);
}

static NcNode *broadcast(Gen *x, NcNode *a) {
  NcShape s = a->type.shape, t = {0};
  int64_t axes[NC_MAX_RANK];
  if (s.rank > 3) return NULL;
  int at = pick(x, s.rank + 1);
  for (int i = 0; i <= s.rank; i++) {
    if (i == at) t.dim[t.rank++] = 1 + pick(x, 3);
    if (i == s.rank) break;
    axes[i] = t.rank;
    t.dim[t.rank++] = s.dim[i] == 1 ? 1 + pick(x, 3) : s.dim[i];
  }
  return nc_broadcast(x->g, AT, a, t, axes);
}

static NcNode *slice(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  int64_t start[NC_MAX_RANK], size[NC_MAX_RANK], step[NC_MAX_RANK];
  for (int i = 0; i < s.rank; i++) {
    step[i] = pick(x, 4) ? 1 : pick(x, 2) ? 2 : -1;
    size[i] = 1 + pick(x, (int)((s.dim[i] - 1) / (step[i] < 0 ? 1 : step[i])) + 1);
    int64_t span = (size[i] - 1) * (step[i] < 0 ? 1 : step[i]);
    start[i] = pick(x, (int)(s.dim[i] - span)) + (step[i] < 0 ? span : 0);
  }
  return nc_slice(x->g, AT, a, start, size, step);
}

static NcNode *pad(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  int64_t lo[NC_MAX_RANK], hi[NC_MAX_RANK];
  for (int i = 0; i < s.rank; i++) {
    lo[i] = pick(x, 3) - (s.dim[i] > 2 ? 1 : 0);
    hi[i] = pick(x, 3) ? 0 : 1;
  }
  return nc_pad(x->g, AT, a, lo, hi, pick(x, 3) ? 0 : 0.5);
}

static NcNode *concat(Gen *x, NcNode *a) {
  if (!a->type.shape.rank) return NULL;
  return nc_concat(x->g, AT, 2, (NcNode *[]){a, partner(x, a)}, pick(x, a->type.shape.rank));
}

static NcNode *split_again(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (!s.rank || s.dim[0] < 2) return NULL;
  int64_t zero[NC_MAX_RANK] = {0}, one[NC_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1}, size[NC_MAX_RANK];
  memcpy(size, s.dim, sizeof size);
  size[0] = 1;
  NcNode *first = nc_slice(x->g, AT, a, zero, size, one);
  size[0] = s.dim[0] - 1;
  zero[0] = 1;
  return nc_concat(x->g, AT, 2, (NcNode *[]){first, nc_slice(x->g, AT, a, zero, size, one)}, 0);
}

// A product of a with itself or a leaf, over its last axis, with batch axes now and then.
static NcNode *dot(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (!s.rank) return NULL;
  int64_t con = s.rank - 1, one = 1, zero = 0;
  if (s.rank == 3 && pick(x, 2)) {
    NcNode *b = permute(x, a);
    if (nc_shape_eq(b->type.shape, s)) return nc_dot(x->g, AT, a, b, 1, &zero, &zero, 1, &con, &con);
  }
  if (s.rank == 2 && pick(x, 2)) return nc_dot(x->g, AT, nc_transpose(x->g, AT, a), a, 0, NULL, NULL, 1, &one, &zero);
  NcNode *w = leaf(x, NC_SHAPE(1 + pick(x, 4), s.dim[con]));
  NcNode *y = nc_matmul(x->g, AT, a, nc_transpose(x->g, AT, w));
  return pick(x, 2) || y->type.shape.rank < 2 ? y : nc_transpose(x->g, AT, y);
}

static NcNode *conv(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (s.rank != 3) return NULL;
  NcConv c = {.spatial = 1, .groups = 1, .stride = {1 + pick(x, 2)}, .lo = {1}, .hi = {pick(x, 2)},
      .dilation = {1}, .dilate_x = {1}};
  NcNode *in = pick(x, 2) ? nc_pad(x->g, AT, a, (int64_t[]){0, 0, 1}, (int64_t[]){0, 0, 1}, 0) : a;
  return nc_conv(x->g, AT, in, leaf(x, NC_SHAPE(2, s.dim[1], 2)), &c);
}

// Windows over one or two axes, with what they skip, spread and crop; now and then the gradient toward the weights.
static NcNode *windows(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (s.rank != 3 && s.rank != 4) return NULL;
  NcConv c = {.spatial = s.rank - 2, .groups = s.dim[1] % 2 || pick(x, 2) ? 1 : 2};
  NcShape w = {.rank = s.rank, .dim = {c.groups * (1 + pick(x, 2)), s.dim[1] / c.groups}};
  int64_t lo[NC_MAX_RANK] = {0}, hi[NC_MAX_RANK] = {0};
  for (int i = 2; i < s.rank; i++) {
    lo[i] = pick(x, 3) - (s.dim[i] > 1);
    hi[i] = pick(x, 2) + (lo[i] < 0);
  }
  NcNode *in = pick(x, 2) ? nc_pad(x->g, AT, a, lo, hi, 0) : a;
  for (int i = 0; i < c.spatial; i++) {
    w.dim[i + 2] = 1 + pick(x, 3);
    c.stride[i] = 1 + pick(x, 2);
    c.dilation[i] = 1 + pick(x, 2);
    c.dilate_x[i] = 1 + !pick(x, 3);
    c.lo[i] = pick(x, 3) - 1;
    int64_t has = (in->type.shape.dim[i + 2] - 1) * c.dilate_x[i] + 1 + c.lo[i];
    int64_t missing = (w.dim[i + 2] - 1) * c.dilation[i] + 1 - has;
    c.hi[i] = (missing > 0 ? missing : 0) + pick(x, 2);
  }
  NcNode *y = nc_conv(x->g, AT, in, leaf(x, w), &c);
  if (!y || pick(x, 3) || nc_count(y->type.shape) > MOST) return y;
  return nc_conv_weight(x->g, AT, in, unary(x, y), &c, w.dim + 2);
}

// A norm whose statistics are variables, and the layer around it.
static NcNode *frozen_norm(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (!s.rank) return NULL;
  int64_t axis = pick(x, s.rank);
  static const char *const ops[] = {"sub", "mul", "mul", "add", "sub"};
  for (int i = pick(x, 2); i < 5; i++) {
    NcNode *v = leaf(x, NC_SHAPE(s.dim[axis]));
    if (i == 1 && pick(x, 2)) v = nc_op1(x->g, AT, "rsqrt", nc_op1(x->g, AT, "softplus", v));
    a = nc_op2(x->g, AT, ops[i], a, nc_broadcast(x->g, AT, v, s, &axis));
  }
  return a;
}

// One image's channels weighed before a convolution.
static NcNode *weighed(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (s.rank != 3 || s.dim[0] != 1) return NULL;
  NcNode *scale = unary(x, leaf(x, NC_SHAPE(s.dim[1])));
  NcNode *y = nc_op2(x->g, AT, "mul", a, nc_broadcast(x->g, AT, scale, s, (int64_t[]){1}));
  NcConv c = {.spatial = 1, .groups = 1, .stride = {1}, .lo = {pick(x, 2)}, .dilation = {1}, .dilate_x = {1}};
  return nc_conv(x->g, AT, y, leaf(x, NC_SHAPE(1, s.dim[1], 1)), &c);
}

static NcNode *pool(Gen *x, NcNode *a) {
  static const char *const kinds[] = {"max", "sum", "avg"};
  NcShape s = a->type.shape;
  if (s.rank < 2) return NULL;
  const char *kind = kinds[pick(x, 3)];
  NcPool p = {.spatial = 1 + (s.rank > 2 && pick(x, 2))};
  for (int i = 0; i < p.spatial; i++) {
    int64_t size = s.dim[s.rank - p.spatial + i];
    p.window[i] = 1 + pick(x, (int)size);
    p.stride[i] = 1 + pick(x, 3);
    p.lo[i] = pick(x, (int)p.window[i]);
  }
  NcNode *y = nc_pool(x->g, AT, kind, a, &p);
  if (!y || pick(x, 2)) return y;
  return nc_pool_grad(x->g, AT, kind, a, y, unary(x, y), &p);
}

static NcNode *scatter(Gen *x, NcNode *a) {
  static const double index[] = {2, 0, 2, 7};
  NcShape to = a->type.shape;
  if (!to.rank || to.dim[0] > 4) return NULL;
  NcNode *i = nc_table(x->g, AT, (NcType){NC_I32, NC_SHAPE(to.dim[0])}, index);
  to.dim[0] = 1 + pick(x, 4);
  return nc_scatter_add(x->g, AT, a, i, to, 0);
}

static NcNode *sorted(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (!s.rank) return NULL;
  int axis = pick(x, s.rank);
  NcNode *i = nc_argsort(x->g, AT, a, axis, pick(x, 2), 1 + pick(x, (int)s.dim[axis]));
  return axis < s.rank - 1 || pick(x, 2) ? nc_cast(x->g, AT, i, NC_F32) : nc_gather_along(x->g, AT, a, i, axis);
}

// Reductions of other kinds and types.
static NcNode *tested(Gen *x, NcNode *a) {
  int rank = a->type.shape.rank;
  if (!rank) return NULL;
  int64_t axis = pick(x, rank);
  switch (pick(x, 4)) {
  case 0: return nc_reduce(x->g, AT, "prod", a, 1, &axis);
  case 1: return nc_cast(x->g, AT, nc_reduce(x->g, AT, "argmin", a, 1, &axis), NC_F32);
  default: {
    NcNode *is = nc_op2(x->g, AT, "lt", a, nc_like(x->g, a, pick(x, 3) - 1));
    return nc_cast(x->g, AT, nc_reduce(x->g, AT, pick(x, 2) ? "any" : "all", is, 1, &axis), NC_F32);
  }
  }
}

// Whole numbers: places, what they are divided by, and sums of them.
static NcNode *whole(Gen *x, NcNode *a) {
  static const char *const ops[] = {"add", "sub", "mul", "floordiv", "mod", "max", "min"};
  if (!a->type.shape.rank) return NULL;
  NcNode *i = nc_iota(x->g, AT, (NcType){NC_I32, a->type.shape}, pick(x, a->type.shape.rank));
  NcNode *k = pick(x, 2) ? nc_like(x->g, i, pick(x, 7) - 3) : nc_cast(x->g, AT, a, NC_I32);
  for (int n = 1 + pick(x, 2); n > 0; n--) i = nc_op2(x->g, AT, ops[pick(x, 7)], i, k);
  int64_t axis = pick(x, a->type.shape.rank);
  if (!pick(x, 3)) i = nc_reduce(x->g, AT, pick(x, 2) ? "sum" : "max", i, 1, &axis);
  return nc_cast(x->g, AT, i, NC_F32);
}

static NcNode *attend(Gen *x, NcNode *a) {
  NcShape s = a->type.shape;
  if (s.rank != 3) return NULL;
  NcNode *q = nc_reshape(x->g, AT, a, NC_SHAPE(1, s.dim[0], s.dim[1], s.dim[2]));
  NcNode *k = pick(x, 2) ? q : leaf(x, NC_SHAPE(1, pick(x, 2) ? s.dim[0] : 1, s.dim[1], s.dim[2]));
  return nc_attention(x->g, AT, q, k, k, NULL, pick(x, 2), 0.5);
}

static NcNode *gather(Gen *x, NcNode *a) {
  static const double index[] = {0, 2, 1, 5};
  if (!a->type.shape.rank) return NULL;
  NcNode *i = nc_table(x->g, AT, (NcType){NC_I32, NC_SHAPE(4)}, index);
  return nc_gather(x->g, AT, a, i, pick(x, a->type.shape.rank));
}

static NcNode *cumulative(Gen *x, NcNode *a) {
  return a->type.shape.rank ? nc_cumulative(x->g, AT, "sum", a, pick(x, a->type.shape.rank), pick(x, 2)) : NULL;
}

static NcNode *dropout(Gen *x, NcNode *a) {
  NcNode *u = nc_random(x->g, AT, "uniform", a->type, pick(x, 3),
                        nc_input(x->g, AT, "step", (NcType){NC_I32, NC_SCALAR}), NULL);
  return nc_op3(x->g, AT, "select", nc_op2(x->g, AT, "ge", u, nc_like(x->g, u, 0.5)), a, nc_like(x->g, a, 0));
}

static NcNode *table(Gen *x, NcNode *a) {
  double v[MOST];
  int64_t n = nc_count(a->type.shape);
  for (int64_t i = 0; i < n; i++) v[i] = pick(x, 9) * 0.25 - 1;
  NcNode *t = nc_table(x->g, AT, a->type, v);
  return nc_op2(x->g, AT, "mul", a, unary(x, t));
}

static NcNode *counted(Gen *x, NcNode *a) {
  if (!a->type.shape.rank) return NULL;
  NcNode *i = nc_iota(x->g, AT, (NcType){NC_I32, a->type.shape}, pick(x, a->type.shape.rank));
  return nc_op2(x->g, AT, "mul", a, nc_cast(x->g, AT, i, NC_F32));
}

typedef NcNode *Maker(Gen *x, NcNode *a);
static Maker *const makers[] = {unary, unary, binary, binary, binary, binary, choose, reduce, reduce, softmax,
    reshape, reshape, permute,
                                permute, broadcast, broadcast, slice, pad, concat, split_again, dot, dot, conv,
                                    gather, cumulative,
                                dropout, table, counted, windows, windows, frozen_norm, weighed, pool, scatter,
                                    sorted, tested, whole, attend};

// Parameters learn from the gradients of a loss, and a few variables get other values besides.
static void effects(Gen *x) {
  NcNode *y = any(x);
  int64_t all[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  NC_VEC(NcNode *) var = {0};
  for (int i = 0; i < x->g->node.n; i++)
    if (strcmp(x->g->node.at[i]->op->name, "var") == 0) *NC_PUSH(x->g->arena, var) = x->g->node.at[i];
  NcNode *loss = nc_reduce(x->g, AT, "sum", nc_op1(x->g, AT, "tanh", y), y->type.shape.rank, all);
  nc_graph_output(x->g, "loss", loss);
  NcNode **grad = NC_NEW_N(x->g->arena, NcNode *, var.n);
  if (!var.n || !nc_grad(x->g, loss, var.n, var.at, grad)) return;
  for (int i = 0; i < var.n; i++) {
    NcNode *v = var.at[i], *other = var.at[pick(x, var.n)];
    NcNode *m = nc_var(x->g, AT, nc_sprintf(x->g->arena, "%s.m", nc_attr_str(v, "name")), "opt", v->type);
    NcNode *m1 = nc_op2(x->g, AT, "add", nc_op2(x->g, AT, "mul", m, nc_like(x->g, m, 0.9)), grad[i]);
    if (pick(x, 5) == 0 && nc_type_eq(other->type, v->type)) {   // swaps, copies, cross-reads
      nc_assign(x->g, AT, v, pick(x, 2) ? other : nc_op2(x->g, AT, "add", other, grad[i]));
      continue;
    }
    nc_assign(x->g, AT, m, m1);
    nc_assign(x->g, AT, v, nc_op2(x->g, AT, "sub", v, nc_op2(x->g, AT, "mul", m1, nc_like(x->g, m, 0.125))));
  }
}

NcGraph *random_graph(NcArena *a, NcDiag *d, uint32_t seed) {
  Gen x = {.g = nc_graph_new(a, d, "random"), .r = seed * 2654435761u + 1};
  for (int i = 0; i < 3; i++) put(&x, leaf(&x, shape(&x)));
  for (int i = 8 + pick(&x, 16); i > 0; i--) put(&x, makers[pick(&x, sizeof makers / sizeof *makers)](&x, any(&x)));
  for (int i = 0; i < 3; i++) nc_graph_output(x.g, nc_sprintf(a, "out%d", i), any(&x));
  if (seed % 4) effects(&x);
  return x.g;
}

void random_bindings(NcArena *a, const NcGraph *g, uint32_t seed, NcEvalOptions *o) {
  NC_VEC(NcBinding) bind = {0};
  Gen x = {.r = seed + 77};
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    const NcAttr *name = nc_attr(n, "name");
    if (!name) continue;
    int64_t count = nc_count(n->type.shape);
    double *v = NC_NEW_N(a, double, count);
    for (int64_t k = 0; k < count; k++)
      v[k] = n->type.dtype == NC_F32 ? (pick(&x, 2001) - 1000) / 512.0 : pick(&x, n->type.dtype == NC_BOOL ? 2 : 10);
    *NC_PUSH(a, bind) = (NcBinding){name->s, v};
  }
  *o = (NcEvalOptions){.arena = a, .nbind = bind.n, .bind = bind.at, .seed = 3};
}
