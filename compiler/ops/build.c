// Short constructors for every operation. Operands that are NULL give NULL: the error is already reported.
#include <string.h>
#include "ops/op.h"
#include "ops/rows.h"

#define IN(...) (int)(sizeof((NcNode *[]){__VA_ARGS__}) / sizeof(NcNode *)), (NcNode *[]){__VA_ARGS__}
#define ATTRS(...) (int)(sizeof((NcAttr[]){__VA_ARGS__}) / sizeof(NcAttr)), (NcAttr[]){__VA_ARGS__}
#define NO_ATTRS 0, NULL

// ---- pointwise

static NcNode *pointwise(NcGraph *g, NcRange at, const char *name, int nin, NcNode *const *in) {
  const NcOp *op = nc_op(name);
  if (!op || op->kind != NC_POINTWISE) {
    nc_error(g->diag, NC_E0901, at, "there is no pointwise operation `%s`", name);
    return NULL;
  }
  return nc_node(g, op, at, nin, in, NO_ATTRS);
}

NcNode *nc_op1(NcGraph *g, NcRange at, const char *op, NcNode *a) { return pointwise(g, at, op, IN(a)); }
NcNode *nc_op2(NcGraph *g, NcRange at, const char *op, NcNode *a, NcNode *b) { return pointwise(g, at, op, IN(a, b)); }
NcNode *nc_op3(NcGraph *g, NcRange at, const char *op, NcNode *a, NcNode *b, NcNode *c) {
  return pointwise(g, at, op, IN(a, b, c));
}

NcNode *nc_cast(NcGraph *g, NcRange at, NcNode *x, NcDtype to) {
  if (!x || x->type.dtype == to) return x;
  return nc_node(g, nc_op("cast"), at, IN(x), ATTRS(NC_ASTR("to", nc_dtype_name(to))));
}

// ---- leaves

NcNode *nc_const(NcGraph *g, NcRange at, NcDtype t, double v) {
  return nc_leaf(g, &nc_row_const, at, (NcType){t, NC_SCALAR}, 0, NULL, ATTRS(NC_AFLOAT("value", v)));
}

NcNode *nc_like(NcGraph *g, NcNode *x, double v) {
  return x ? nc_broadcast(g, x->at, nc_const(g, x->at, x->type.dtype, v), x->type.shape, NULL) : NULL;
}

NcNode *nc_table(NcGraph *g, NcRange at, NcType t, const double *v) {
  if (t.shape.rank == 0) return nc_const(g, at, t.dtype, *v);
  return nc_leaf(g, &nc_row_const, at, t, 0, NULL, ATTRS(NC_AFLOATS("values", v, (int)nc_count(t.shape))));
}

NcNode *nc_iota(NcGraph *g, NcRange at, NcType t, int axis) {
  return nc_leaf(g, &nc_row_iota, at, t, 0, NULL, ATTRS(NC_AINT("axis", axis)));
}

NcNode *nc_input(NcGraph *g, NcRange at, const char *name, NcType t) {
  return nc_leaf(g, &nc_row_input, at, t, 0, NULL, ATTRS(NC_ASTR("name", name)));
}

NcNode *nc_var(NcGraph *g, NcRange at, const char *name, const char *kind, NcType t) {
  return nc_leaf(g, &nc_row_var, at, t, 0, NULL, ATTRS(NC_ASTR("name", name), NC_ASTR("kind", kind)));
}

NcNode *nc_random(NcGraph *g, NcRange at, const char *dist, NcType t, int64_t site, NcNode *step,
                  NcNode *turn) {
  NcNode *in[2] = {step ? step : nc_const(g, at, NC_I32, 0), turn};
  return nc_leaf(g, &nc_row_random, at, t, turn ? 2 : 1, in, ATTRS(NC_ASTR("dist", dist), NC_AINT("site", site)));
}

NcNode *nc_orthogonal(NcGraph *g, NcRange at, NcNode *normal) {
  return nc_node(g, &nc_row_orthogonal, at, IN(normal), NO_ATTRS);
}

// ---- movement

NcNode *nc_reshape(NcGraph *g, NcRange at, NcNode *x, NcShape s) {
  if (!x || nc_shape_eq(x->type.shape, s)) return x;
  return nc_node(g, &nc_row_reshape, at, IN(x), ATTRS(NC_AINTS("shape", s.dim, s.rank)));
}

NcNode *nc_permute(NcGraph *g, NcRange at, NcNode *x, const int64_t *perm) {
  if (!x) return NULL;
  int rank = x->type.shape.rank;
  bool same = true;
  for (int i = 0; i < rank; i++) same = same && perm[i] == i;
  return same ? x : nc_node(g, &nc_row_permute, at, IN(x), ATTRS(NC_AINTS("perm", perm, rank)));
}

NcNode *nc_transpose(NcGraph *g, NcRange at, NcNode *x) {
  if (!x) return NULL;
  int rank = x->type.shape.rank;
  if (rank < 2) {
    nc_error(g->diag, NC_E0202, at, "`transpose` needs two axes and got %s", nc_type_str(g->diag->arena, x->type));
    return NULL;
  }
  int64_t perm[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
  return nc_permute(g, at, x, perm);
}

NcNode *nc_broadcast(NcGraph *g, NcRange at, NcNode *x, NcShape s, const int64_t *axes) {
  if (!x || (nc_shape_eq(x->type.shape, s) && s.rank == 0)) return x;
  bool same = nc_shape_eq(x->type.shape, s);
  for (int i = 0; same && i < s.rank; i++) same = axes[i] == i;
  if (same) return x;
  return nc_node(g, &nc_row_broadcast, at, IN(x),
               ATTRS(NC_AINTS("shape", s.dim, s.rank), NC_AINTS("axes", axes, x->type.shape.rank)));
}

NcNode *nc_slice(NcGraph *g, NcRange at, NcNode *x, const int64_t *start, const int64_t *size, const int64_t *step) {
  if (!x) return NULL;
  int rank = x->type.shape.rank;
  bool same = true;
  for (int i = 0; i < rank; i++) same = same && start[i] == 0 && size[i] == x->type.shape.dim[i] && step[i] == 1;
  if (same) return x;
  return nc_node(g, &nc_row_slice, at, IN(x),
               ATTRS(NC_AINTS("start", start, rank), NC_AINTS("size", size, rank), NC_AINTS("step", step, rank)));
}

NcNode *nc_pad(NcGraph *g, NcRange at, NcNode *x, const int64_t *lo, const int64_t *hi, double value) {
  if (!x) return NULL;
  int rank = x->type.shape.rank;
  bool same = true;
  for (int i = 0; i < rank; i++) same = same && lo[i] == 0 && hi[i] == 0;
  if (same) return x;
  return nc_node(g, &nc_row_pad, at, IN(x),
               ATTRS(NC_AINTS("lo", lo, rank), NC_AINTS("hi", hi, rank), NC_AFLOAT("value", value)));
}

NcNode *nc_concat(NcGraph *g, NcRange at, int n, NcNode *const *x, int axis) {
  if (n == 1) return x[0];
  return nc_node(g, &nc_row_concat, at, n, x, ATTRS(NC_AINT("axis", axis)));
}

// ---- reductions

static void sort(int n, const int64_t *in, int64_t *out) {
  for (int i = 0; i < n; i++) {
    int k = i;
    for (; k > 0 && out[k - 1] > in[i]; k--) out[k] = out[k - 1];
    out[k] = in[i];
  }
}

NcNode *nc_reduce(NcGraph *g, NcRange at, const char *op, NcNode *x, int naxes, const int64_t *axes) {
  if (!x || naxes == 0) return x;
  int64_t sorted[NC_MAX_RANK + 1];
  if (naxes > NC_MAX_RANK) naxes = NC_MAX_RANK + 1;   // too many: the rule says so
  sort(naxes, axes, sorted);
  return nc_node(g, &nc_row_reduce, at, IN(x), ATTRS(NC_ASTR("op", op), NC_AINTS("axes", sorted, naxes)));
}

NcNode *nc_cumulative(NcGraph *g, NcRange at, const char *op, NcNode *x, int axis, bool reverse) {
  return nc_node(g, &nc_row_cumulative, at, IN(x),
               ATTRS(NC_ASTR("op", op), NC_AINT("axis", axis), NC_AINT("reverse", reverse)));
}

// ---- contractions

NcNode *nc_dot(NcGraph *g, NcRange at, NcNode *a, NcNode *b, int nbatch, const int64_t *abatch, const int64_t *bbatch,
               int ncon, const int64_t *acon, const int64_t *bcon) {
  return nc_node(g, &nc_row_dot, at, IN(a, b),
               ATTRS(NC_AINTS("abatch", abatch, nbatch), NC_AINTS("bbatch", bbatch, nbatch),
                     NC_AINTS("acon", acon, ncon), NC_AINTS("bcon", bcon, ncon)));
}

NcNode *nc_matmul(NcGraph *g, NcRange at, NcNode *a, NcNode *b) {
  if (!a || !b) return NULL;
  int ra = a->type.shape.rank, rb = b->type.shape.rank, nbatch = rb > 2 ? rb - 2 : 0;
  if (ra < 1 || rb < 2 || (nbatch && ra != rb)) {
    NcArena *t = g->diag->arena;
    NcMessage *m = nc_error(g->diag, NC_E0202, at, "`@` does not multiply %s and %s", nc_type_str(t, a->type),
                            nc_type_str(t, b->type));
    nc_help(g->diag, m, "the right side is a matrix [K, N], or both have the same leading axes");
    return NULL;
  }
  int64_t batch[NC_MAX_RANK], acon = ra - 1, bcon = rb - 2;
  for (int i = 0; i < nbatch; i++) batch[i] = i;
  return nc_dot(g, at, a, b, nbatch, batch, batch, 1, &acon, &bcon);
}

NcNode *nc_conv(NcGraph *g, NcRange at, NcNode *x, NcNode *w, const NcConv *c) {
  int s = c->spatial;
  return nc_node(g, &nc_row_conv, at, IN(x, w),
               ATTRS(NC_AINT("groups", c->groups), NC_AINTS("stride", c->stride, s), NC_AINTS("lo", c->lo, s),
                     NC_AINTS("hi", c->hi, s), NC_AINTS("dilation", c->dilation, s),
                     NC_AINTS("dilate_x", c->dilate_x, s)));
}

NcNode *nc_conv_weight(NcGraph *g, NcRange at, NcNode *x, NcNode *dy, const NcConv *c, const int64_t *kernel) {
  int s = c->spatial;
  return nc_node(g, &nc_row_conv_weight, at, IN(x, dy),
               ATTRS(NC_AINT("groups", c->groups), NC_AINTS("stride", c->stride, s), NC_AINTS("lo", c->lo, s),
                     NC_AINTS("hi", c->hi, s), NC_AINTS("dilation", c->dilation, s),
                     NC_AINTS("dilate_x", c->dilate_x, s), NC_AINTS("kernel", kernel, s)));
}

NcNode *nc_pool(NcGraph *g, NcRange at, const char *kind, NcNode *x, const NcPool *p) {
  int s = p->spatial;
  return nc_node(g, &nc_row_pool, at, IN(x),
               ATTRS(NC_ASTR("op", kind), NC_AINTS("window", p->window, s), NC_AINTS("stride", p->stride, s),
                     NC_AINTS("lo", p->lo, s), NC_AINTS("hi", p->hi, s)));
}

NcNode *nc_pool_grad(NcGraph *g, NcRange at, const char *kind, NcNode *x, NcNode *y, NcNode *dy, const NcPool *p) {
  if (!x) return NULL;
  int s = p->spatial, max = strcmp(kind, "max") == 0;
  NcNode *in[] = {max ? x : dy, y, dy};
  return nc_node(g, &nc_row_pool_grad, at, max ? 3 : 1, in,
               ATTRS(NC_ASTR("op", kind), NC_AINTS("size", x->type.shape.dim + x->type.shape.rank - s, s),
                     NC_AINTS("window", p->window, s), NC_AINTS("stride", p->stride, s), NC_AINTS("lo", p->lo, s),
                     NC_AINTS("hi", p->hi, s)));
}

// ---- indexing and effects

NcNode *nc_gather(NcGraph *g, NcRange at, NcNode *x, NcNode *index, int axis) {
  return nc_node(g, &nc_row_gather, at, IN(x, index), ATTRS(NC_AINT("axis", axis)));
}

NcNode *nc_scatter_add(NcGraph *g, NcRange at, NcNode *dy, NcNode *index, NcShape to, int axis) {
  int64_t size = axis >= 0 && axis < to.rank ? to.dim[axis] : 0;
  return nc_node(g, &nc_row_scatter_add, at, IN(dy, index), ATTRS(NC_AINT("axis", axis), NC_AINT("size", size)));
}

NcNode *nc_gather_along(NcGraph *g, NcRange at, NcNode *x, NcNode *index, int axis) {
  if (axis == 0) return nc_gather(g, at, x, index, 0);
  return nc_node(g, &nc_row_gather, at, IN(x, index), ATTRS(NC_AINT("axis", axis), NC_AINT("batch", axis)));
}

NcNode *nc_scatter_along(NcGraph *g, NcRange at, NcNode *dy, NcNode *index, int64_t size, int axis) {
  if (axis == 0)
    return nc_node(g, &nc_row_scatter_add, at, IN(dy, index), ATTRS(NC_AINT("axis", 0), NC_AINT("size", size)));
  return nc_node(g, &nc_row_scatter_add, at, IN(dy, index),
                 ATTRS(NC_AINT("axis", axis), NC_AINT("size", size), NC_AINT("batch", axis)));
}

NcNode *nc_argsort(NcGraph *g, NcRange at, NcNode *x, int axis, bool descending, int64_t count) {
  return nc_node(g, &nc_row_argsort, at, IN(x),
                 ATTRS(NC_AINT("axis", axis), NC_AINT("descending", descending), NC_AINT("count", count)));
}

NcNode *nc_random_below(NcGraph *g, NcRange at, int64_t below, NcShape s, int64_t site, NcNode *step, NcNode *turn) {
  NcNode *in[2] = {step ? step : nc_const(g, at, NC_I32, 0), turn};
  return nc_leaf(g, &nc_row_random, at, (NcType){NC_I32, s}, turn ? 2 : 1, in,
                 ATTRS(NC_ASTR("dist", "below"), NC_AINT("site", site), NC_AINT("below", below)));
}

NcNode *nc_attention(NcGraph *g, NcRange at, NcNode *q, NcNode *k, NcNode *v, NcNode *bias, bool causal, double scale) {
  NcNode *in[] = {q, k, v, bias};
  return nc_node(g, &nc_row_attention, at, bias ? 4 : 3, in,
                 ATTRS(NC_ASTR("what", "value"), NC_AINT("causal", causal), NC_AFLOAT("scale", scale)));
}

NcNode *nc_assign(NcGraph *g, NcRange at, NcNode *var, NcNode *value) {
  NcNode *n = nc_node(g, &nc_row_assign, at, IN(var, value), NO_ATTRS);
  nc_graph_effect(g, n);
  return n;
}
