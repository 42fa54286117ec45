// Rules of reductions, products and convolutions.
#include <string.h>
#include "passes/rules.h"

static bool has(const int64_t *axes, int n, int64_t axis) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) return true;
  return false;
}

// The shape without the given axes.
static NcShape without(NcShape s, int n, const int64_t *axes) {
  NcShape r = {0};
  for (int i = 0; i < s.rank; i++)
    if (!has(axes, n, i)) r.dim[r.rank++] = s.dim[i];
  return r;
}

static bool is_arg(const char *op) { return strncmp(op, "arg", 3) == 0; }

NcNode *nc_rule_reduce_unit(NcSimplify *s, NcNode *n) {
  int count, left = 0, units = 0;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  const char *op = nc_attr_str(n, "op");
  NcShape in = n->in[0]->type.shape;
  int64_t unit[NC_MAX_RANK], rest[NC_MAX_RANK];
  for (int i = 0; i < count; i++)
    if (in.dim[axes[i]] == 1) unit[units++] = axes[i];
    else rest[left++] = axes[i] - units;   // axes ascend: so many before it vanish
  if (!units) return NULL;
  if (is_arg(op)) return nc_filled(s, n, 0);
  return nc_reduce(s->g, n->at, op, nc_reshape(s->g, n->at, n->in[0], without(in, units, unit)), left, rest);
}

// x as the sum over `axes` sees it, when it is the same along them: broadcast to the sum's shape. NULL: it is not.
static NcNode *along(NcSimplify *s, const NcNode *n, NcNode *x) {
  double v;
  if (nc_constant(x, &v)) return nc_filled(s, n, v);
  int count, rank;
  const int64_t *axes = nc_attr_ints(n, "axes", &count), *from;
  int64_t to[NC_MAX_RANK];
  if (!nc_is_op(x, "broadcast")) return NULL;
  from = nc_attr_ints(x, "axes", &rank);
  for (int i = 0; i < rank; i++) {
    if (has(axes, count, from[i])) return NULL;
    to[i] = from[i];
    for (int k = 0; k < count; k++) to[i] -= axes[k] < from[i];
  }
  return nc_broadcast(s->g, n->at, x->in[0], n->type.shape, to);
}

// What is left of a product without such factors; they are multiplied into *factor.
static NcNode *stripped(NcSimplify *s, const NcNode *n, NcNode *x, NcNode **factor) {
  for (int k = 0; nc_is_op(x, "mul") && k < 2; k++) {
    NcNode *f = along(s, n, x->in[k]);
    if (!f) continue;
    *factor = *factor ? nc_op2(s->g, n->at, "mul", *factor, f) : f;
    return stripped(s, n, x->in[1 - k], factor);
  }
  return x;
}

// Only where it saves work: nobody else wants the product, or what it is made of is wanted elsewhere too and will be
// in memory anyway. sum(dy a b) and sum(dy a) then read one dy.
NcNode *nc_rule_reduce_factor(NcSimplify *s, NcNode *n) {
  NcNode *x = n->in[0], *factor = NULL, *rest;
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  if (strcmp(nc_attr_str(n, "op"), "sum") != 0 || n->type.dtype != NC_F32) return NULL;
  if (nc_is_op(x, "neg") && (nc_single(s, x) || !nc_single(s, x->in[0])))
    return nc_op1(s->g, n->at, "neg", nc_reduce(s->g, n->at, "sum", x->in[0], count, axes));
  if (!nc_is_op(x, "mul")) return NULL;
  rest = stripped(s, n, x, &factor);
  if (!factor && nc_is_op(x, "mul"))   // (a f) b = (a b) f
    for (int k = 0; !factor && k < 2; k++) {
      NcNode *inner = stripped(s, n, x->in[k], &factor);
      if (!factor) continue;
      if (!nc_single(s, x) || (!nc_single(s, x->in[k]) && nc_single(s, inner))) return NULL;
      rest = nc_op2(s->g, n->at, "mul", inner, x->in[1 - k]);
    }
  if (!factor || (!nc_single(s, x) && nc_single(s, rest))) return NULL;
  return nc_op2(s->g, n->at, "mul", nc_reduce(s->g, n->at, "sum", rest, count, axes), factor);
}

// Not where the inner one sums rows: that is one kernel with what makes the rows, and leaves little for the outer one.
NcNode *nc_rule_reduce_reduce(NcSimplify *s, NcNode *n) {
  NcNode *x = n->in[0];
  const char *op = nc_attr_str(n, "op");
  if (!nc_is_op(x, "reduce") || strcmp(op, nc_attr_str(x, "op")) != 0 || is_arg(op) || !nc_single(s, x)) return NULL;
  int no, ni, k = 0, kept = 0;
  const int64_t *outer = nc_attr_ints(n, "axes", &no), *inner = nc_attr_ints(x, "axes", &ni);
  if (has(inner, ni, x->in[0]->type.shape.rank - 1)) return NULL;
  int64_t axes[NC_MAX_RANK];
  for (int i = 0; i < x->in[0]->type.shape.rank; i++) {
    bool gone = has(inner, ni, i);
    if (gone || has(outer, no, kept)) axes[k++] = i;
    kept += !gone;
  }
  return nc_reduce(s->g, n->at, op, x->in[0], k, axes);
}

NcNode *nc_rule_reduce_broadcast(NcSimplify *s, NcNode *n) {
  NcNode *b = n->in[0];
  const char *op = nc_attr_str(n, "op");
  bool sum = strcmp(op, "sum") == 0;
  if (!nc_is_op(b, "broadcast") || is_arg(op) || strcmp(op, "prod") == 0) return NULL;
  int count, rank, repeated = 0, left = 0;
  const int64_t *axes = nc_attr_ints(n, "axes", &count), *from = nc_attr_ints(b, "axes", &rank);
  int64_t gone[NC_MAX_RANK], rest[NC_MAX_RANK], to[NC_MAX_RANK];
  double times = 1;
  for (int i = 0; i < count; i++) {
    if (has(from, rank, axes[i])) {
      rest[left++] = axes[i] - repeated;
    } else {
      gone[repeated++] = axes[i];
      times *= (double)b->type.shape.dim[axes[i]];
    }
  }
  if (!repeated || (sum && !nc_dtype_float(n->type.dtype) && times > 0x1p31)) return NULL;
  for (int i = 0; i < rank; i++) {
    to[i] = from[i];
    for (int k = 0; k < repeated; k++) to[i] -= gone[k] < from[i];
  }
  NcNode *y = nc_broadcast(s->g, n->at, b->in[0], without(b->type.shape, repeated, gone), to);
  y = nc_reduce(s->g, n->at, op, y, left, rest);
  return sum && y ? nc_op2(s->g, n->at, "mul", y, nc_filled(s, y, times)) : y;
}

NcNode *nc_rule_reduce_permute(NcSimplify *s, NcNode *n) {
  NcNode *p = n->in[0];
  if (!nc_is_op(p, "permute")) return NULL;
  int count, rank, kept = 0;
  const int64_t *axes = nc_attr_ints(n, "axes", &count), *perm = nc_attr_ints(p, "perm", &rank);
  int64_t fresh[NC_MAX_RANK], order[NC_MAX_RANK];
  for (int i = 0; i < count; i++) fresh[i] = perm[axes[i]];
  for (int i = 0; i < rank; i++) {
    if (has(axes, count, i)) continue;
    order[kept] = 0;                       // how many of the kept axes come before this one in the operand
    for (int k = 0; k < perm[i]; k++) order[kept] += !has(fresh, count, k);
    kept++;
  }
  NcNode *y = nc_reduce(s->g, n->at, nc_attr_str(n, "op"), p->in[0], count, fresh);
  return nc_permute(s->g, n->at, y, order);
}

NcNode *nc_rule_reduce_reshape(NcSimplify *s, NcNode *n) {
  NcNode *x = n->in[0];
  if (!nc_is_op(x, "reshape") || n->type.shape.rank || is_arg(nc_attr_str(n, "op"))) return NULL;
  for (int i = 0; i < x->in[0]->type.shape.rank; i++)
    if (x->in[0]->type.shape.dim[i] == 1) return NULL;   // reduce_unit made this reshape
  int64_t all[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  return nc_reduce(s->g, n->at, nc_attr_str(n, "op"), x->in[0], x->in[0]->type.shape.rank, all);
}

// ---- products

typedef struct { int batch, con; const int64_t *b[2], *c[2]; } Dot;

static Dot dot_of(const NcNode *n) {
  Dot d;
  d.b[0] = nc_attr_ints(n, "abatch", &d.batch);
  d.b[1] = nc_attr_ints(n, "bbatch", NULL);
  d.c[0] = nc_attr_ints(n, "acon", &d.con);
  d.c[1] = nc_attr_ints(n, "bcon", NULL);
  return d;
}

static NcNode *make_dot(NcSimplify *s, const NcNode *n, const Dot *d, NcNode *a, NcNode *b) {
  return nc_dot(s->g, n->at, a, b, d->batch, d->b[0], d->b[1], d->con, d->c[0], d->c[1]);
}

// One operand read through its permutation; NULL when the result's axes would come in another order.
static NcNode *through(NcSimplify *s, const NcNode *n, int k) {
  NcNode *p = n->in[k];
  if (!nc_is_op(p, "permute")) return NULL;
  Dot d = dot_of(n);
  int rank;
  const int64_t *perm = nc_attr_ints(p, "perm", &rank);
  int64_t batch[NC_MAX_RANK], con[NC_MAX_RANK], last = -1;
  for (int i = 0; i < rank; i++) {
    if (has(d.b[k], d.batch, i) || has(d.c[k], d.con, i)) continue;
    if (perm[i] < last) return NULL;
    last = perm[i];
  }
  for (int i = 0; i < d.batch; i++) batch[i] = perm[d.b[k][i]];
  for (int i = 0; i < d.con; i++) con[i] = perm[d.c[k][i]];
  d.b[k] = batch;
  d.c[k] = con;
  NcNode *y = make_dot(s, n, &d, k ? n->in[0] : p->in[0], k ? p->in[0] : n->in[1]);
  NcDotForm form;
  return y && nc_dot_form(y, &form) ? y : NULL;
}

NcNode *nc_rule_dot_permute(NcSimplify *s, NcNode *n) {
  NcNode *y = through(s, n, 0);
  return y ? y : through(s, n, 1);
}

NcNode *nc_rule_dot_order(NcSimplify *s, NcNode *n) {
  Dot d = dot_of(n);
  int64_t a[NC_MAX_RANK], b[NC_MAX_RANK];
  bool moved = false;
  for (int i = 0; i < d.con; i++) {
    int k = i;
    for (; k > 0 && a[k - 1] > d.c[0][i]; k--) {
      a[k] = a[k - 1];
      b[k] = b[k - 1];
      moved = true;
    }
    a[k] = d.c[0][i];
    b[k] = d.c[1][i];
  }
  d.c[0] = a;
  d.c[1] = b;
  return moved ? make_dot(s, n, &d, n->in[0], n->in[1]) : NULL;
}

// The operand's axes as batch, free, contracted.
static NcNode *ordered(NcSimplify *s, const NcNode *n, int k, int *nfree) {
  Dot d = dot_of(n);
  int64_t perm[NC_MAX_RANK];
  int at = 0, rank = n->in[k]->type.shape.rank;
  for (int i = 0; i < d.batch; i++) perm[at++] = d.b[k][i];
  for (int i = 0; i < rank; i++)
    if (!has(d.b[k], d.batch, i) && !has(d.c[k], d.con, i)) perm[at++] = i;
  *nfree = at - d.batch;
  for (int i = 0; i < d.con; i++) perm[at++] = d.c[k][i];
  return nc_permute(s->g, n->at, n->in[k], perm);
}

NcNode *nc_rule_dot_outer(NcSimplify *s, NcNode *n) {
  Dot d = dot_of(n);
  int nfree[2];
  for (int i = 0; i < d.con; i++)
    if (n->in[0]->type.shape.dim[d.c[0][i]] != 1) return NULL;
  NcNode *part[2];
  for (int k = 0; k < 2; k++) {
    part[k] = ordered(s, n, k, &nfree[k]);
    if (!part[k]) return NULL;
    NcShape shape = nc_shape(d.batch + nfree[k], part[k]->type.shape.dim);
    int64_t axes[NC_MAX_RANK];
    for (int i = 0; i < shape.rank; i++) axes[i] = i < d.batch || !k ? i : i + nfree[0];
    part[k] = nc_broadcast(s->g, n->at, nc_reshape(s->g, n->at, part[k], shape), n->type.shape, axes);
  }
  return nc_op2(s->g, n->at, "mul", part[0], part[1]);
}

NcNode *nc_rule_dot_layout(NcSimplify *s, NcNode *n) {
  NcDotForm form;
  if (nc_dot_form(n, &form)) return NULL;
  Dot d = dot_of(n);
  int nfree[2];
  NcNode *in[2] = {n->in[0], n->in[1]};
  int64_t batch[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7}, con[2][NC_MAX_RANK];
  for (int k = 0; k < 2; k++) {   // the left one, and if that is not enough the right one too
    in[k] = ordered(s, n, k, &nfree[k]);
    for (int i = 0; i < d.con; i++) con[k][i] = d.batch + nfree[k] + i;
    d.b[k] = batch;
    d.c[k] = con[k];
    NcNode *y = make_dot(s, n, &d, in[0], in[1]);
    if (!y || nc_dot_form(y, &form)) return y;
  }
  return NULL;
}
