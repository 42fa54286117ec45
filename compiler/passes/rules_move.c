// Rules of movement: chains of it become one step, so that index arithmetic stays short and fusion sees how indices
// relate.
#include <string.h>
#include "passes/rules.h"

NcNode *nc_rule_reshape_reshape(NcSimplify *s, NcNode *n) {
  NcNode *x = n->in[0];
  if (nc_is_op(x, "reshape")) return nc_reshape(s->g, n->at, x->in[0], n->type.shape);
  return nc_shape_eq(x->type.shape, n->type.shape) ? x : NULL;
}

// Sizes that are not 1, in order, with their axes.
static int real_axes(NcShape s, int *axis) {
  int n = 0;
  for (int i = 0; i < s.rank; i++)
    if (s.dim[i] != 1) axis[n++] = i;
  return n;
}

NcNode *nc_rule_reshape_broadcast(NcSimplify *s, NcNode *n) {
  NcNode *b = n->in[0];
  if (!nc_is_op(b, "broadcast")) return NULL;
  if (b->in[0]->type.shape.rank == 0) return nc_broadcast(s->g, n->at, b->in[0], n->type.shape, NULL);
  int from[NC_MAX_RANK], to[NC_MAX_RANK], k = real_axes(b->type.shape, from), rank;
  if (k != real_axes(n->type.shape, to)) return NULL;
  for (int i = 0; i < k; i++)
    if (b->type.shape.dim[from[i]] != n->type.shape.dim[to[i]]) return NULL;
  const int64_t *axes = nc_attr_ints(b, "axes", &rank);
  int64_t fresh[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    int at = 0;
    while (at < k && from[at] != axes[i]) at++;
    if (at == k) return NULL;   // an operand's size of 1: broadcast_unit comes first
    fresh[i] = to[at];
  }
  return nc_broadcast(s->g, n->at, b->in[0], n->type.shape, fresh);
}

NcNode *nc_rule_permute_permute(NcSimplify *s, NcNode *n) {
  if (!nc_is_op(n->in[0], "permute")) return NULL;
  int rank;
  const int64_t *outer = nc_attr_ints(n, "perm", &rank), *inner = nc_attr_ints(n->in[0], "perm", NULL);
  int64_t perm[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) perm[i] = inner[outer[i]];
  return nc_permute(s->g, n->at, n->in[0]->in[0], perm);
}

NcNode *nc_rule_permute_unit(NcSimplify *s, NcNode *n) {
  int rank;
  const int64_t *perm = nc_attr_ints(n, "perm", &rank);
  int64_t last = -1;
  for (int i = 0; i < rank; i++) {
    if (n->type.shape.dim[i] == 1) continue;
    if (perm[i] < last) return NULL;
    last = perm[i];
  }
  return nc_reshape(s->g, n->at, n->in[0], n->type.shape);
}

NcNode *nc_rule_permute_broadcast(NcSimplify *s, NcNode *n) {
  NcNode *b = n->in[0];
  if (!nc_is_op(b, "broadcast")) return NULL;
  int rank = n->type.shape.rank, inner = b->in[0]->type.shape.rank, k = 0;
  const int64_t *perm = nc_attr_ints(n, "perm", NULL), *axes = nc_attr_ints(b, "axes", NULL);
  int64_t order[NC_MAX_RANK], fresh[NC_MAX_RANK];
  for (int i = 0; i < rank; i++)        // the operand's axes in the order in which they appear in the result
    for (int j = 0; j < inner; j++)
      if (axes[j] == perm[i]) {
        order[k] = j;
        fresh[k++] = i;
      }
  return nc_broadcast(s->g, n->at, nc_permute(s->g, n->at, b->in[0], order), n->type.shape, fresh);
}

NcNode *nc_rule_permute_iota(NcSimplify *s, NcNode *n) {
  if (!nc_is_op(n->in[0], "iota")) return NULL;
  int rank;
  const int64_t *perm = nc_attr_ints(n, "perm", &rank);
  for (int i = 0; i < rank; i++)
    if (perm[i] == nc_attr_int(n->in[0], "axis")) return nc_iota(s->g, n->at, n->type, i);
  return NULL;
}

NcNode *nc_rule_permute_dot(NcSimplify *s, NcNode *n) {
  NcNode *d = n->in[0];
  if (!nc_is_op(d, "dot") || !nc_single(s, d)) return NULL;
  int batch, con, rank;
  const int64_t *ab = nc_attr_ints(d, "abatch", &batch), *bb = nc_attr_ints(d, "bbatch", NULL);
  const int64_t *ac = nc_attr_ints(d, "acon", &con), *bc = nc_attr_ints(d, "bcon", NULL);
  const int64_t *perm = nc_attr_ints(n, "perm", &rank);
  int afree = d->in[0]->type.shape.rank - batch - con, bfree = d->in[1]->type.shape.rank - batch - con;
  for (int i = 0; i < rank; i++) {
    int want = i < batch ? i : i < batch + bfree ? i + afree : i - bfree;
    if (perm[i] != want) return NULL;
  }
  return nc_dot(s->g, n->at, d->in[1], d->in[0], batch, bb, ab, con, bc, ac);
}

NcNode *nc_rule_broadcast_broadcast(NcSimplify *s, NcNode *n) {
  NcNode *b = n->in[0];
  if (!nc_is_op(b, "broadcast")) return NULL;
  int rank;
  const int64_t *inner = nc_attr_ints(b, "axes", &rank), *outer = nc_attr_ints(n, "axes", NULL);
  int64_t axes[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) axes[i] = outer[inner[i]];
  return nc_broadcast(s->g, n->at, b->in[0], n->type.shape, axes);
}

NcNode *nc_rule_broadcast_same(NcSimplify *s, NcNode *n) {
  if (nc_count(n->type.shape) != nc_count(n->in[0]->type.shape) || nc_is_literal(n->in[0])) return NULL;
  return nc_reshape(s->g, n->at, n->in[0], n->type.shape);
}

NcNode *nc_rule_broadcast_unit(NcSimplify *s, NcNode *n) {
  NcShape in = n->in[0]->type.shape, small = {0};
  const int64_t *axes = nc_attr_ints(n, "axes", NULL);
  int64_t fresh[NC_MAX_RANK];
  for (int i = 0; i < in.rank; i++) {
    if (in.dim[i] == 1) continue;
    fresh[small.rank] = axes[i];
    small.dim[small.rank++] = in.dim[i];
  }
  if (small.rank == in.rank) return NULL;
  return nc_broadcast(s->g, n->at, nc_reshape(s->g, n->at, n->in[0], small), n->type.shape, fresh);
}

NcNode *nc_rule_broadcast_iota(NcSimplify *s, NcNode *n) {
  NcNode *i = n->in[0];
  if (!nc_is_op(i, "iota")) return NULL;
  int64_t axis = nc_attr_int(i, "axis"), to = nc_attr_ints(n, "axes", NULL)[axis];
  if (i->type.shape.dim[axis] != n->type.shape.dim[to]) return NULL;   // stretched: it is 0 everywhere
  return nc_iota(s->g, n->at, n->type, (int)to);
}

typedef struct { int rank; const int64_t *start, *size, *step; } Slice;

static Slice slice_of(const NcNode *n) {
  Slice s;
  s.start = nc_attr_ints(n, "start", &s.rank);
  s.size = nc_attr_ints(n, "size", NULL);
  s.step = nc_attr_ints(n, "step", NULL);
  return s;
}

NcNode *nc_rule_slice_slice(NcSimplify *s, NcNode *n) {
  if (!nc_is_op(n->in[0], "slice")) return NULL;
  Slice o = slice_of(n), i = slice_of(n->in[0]);
  int64_t start[NC_MAX_RANK], step[NC_MAX_RANK];
  for (int k = 0; k < o.rank; k++) {
    start[k] = i.start[k] + o.start[k] * i.step[k];
    step[k] = o.size[k] == 1 ? 1 : o.step[k] * i.step[k];
  }
  return nc_slice(s->g, n->at, n->in[0]->in[0], start, o.size, step);
}

NcNode *nc_rule_slice_broadcast(NcSimplify *s, NcNode *n) {
  NcNode *b = n->in[0];
  if (!nc_is_op(b, "broadcast")) return NULL;
  Slice o = slice_of(n);
  int rank;
  const int64_t *axes = nc_attr_ints(b, "axes", &rank);
  int64_t start[NC_MAX_RANK], size[NC_MAX_RANK], step[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    bool stretched = b->in[0]->type.shape.dim[i] == 1;
    start[i] = stretched ? 0 : o.start[axes[i]];
    size[i] = stretched ? 1 : o.size[axes[i]];
    step[i] = stretched ? 1 : o.step[axes[i]];
  }
  return nc_broadcast(s->g, n->at, nc_slice(s->g, n->at, b->in[0], start, size, step), n->type.shape, axes);
}

NcNode *nc_rule_slice_concat(NcSimplify *s, NcNode *n) {
  NcNode *c = n->in[0];
  if (!nc_is_op(c, "concat")) return NULL;
  Slice o = slice_of(n);
  int64_t axis = nc_attr_int(c, "axis"), first = o.start[axis], last = first + (o.size[axis] - 1) * o.step[axis],
      at = 0;
  for (int i = 0; i < c->nin; i++) {
    int64_t end = at + c->in[i]->type.shape.dim[axis];
    if (first >= at && last >= at && first < end && last < end) {
      int64_t start[NC_MAX_RANK];
      memcpy(start, o.start, (size_t)o.rank * sizeof *start);
      start[axis] -= at;
      return nc_slice(s->g, n->at, c->in[i], start, o.size, o.step);
    }
    at = end;
  }
  return NULL;
}

NcNode *nc_rule_pad_crop(NcSimplify *s, NcNode *n) {
  int rank;
  const int64_t *lo = nc_attr_ints(n, "lo", &rank), *hi = nc_attr_ints(n, "hi", NULL);
  int64_t start[NC_MAX_RANK], one[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    if (lo[i] > 0 || hi[i] > 0) return NULL;
    start[i] = -lo[i];
    one[i] = 1;
  }
  return nc_slice(s->g, n->at, n->in[0], start, n->type.shape.dim, one);
}

NcNode *nc_rule_pad_pad(NcSimplify *s, NcNode *n) {
  NcNode *p = n->in[0];
  if (!nc_is_op(p, "pad") || nc_attr_float(p, "value") != nc_attr_float(n, "value")) return NULL;
  int rank;
  const int64_t *lo = nc_attr_ints(n, "lo", &rank), *hi = nc_attr_ints(n, "hi", NULL);
  const int64_t *ilo = nc_attr_ints(p, "lo", NULL), *ihi = nc_attr_ints(p, "hi", NULL);
  int64_t l[NC_MAX_RANK], h[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) {   // one that crops must not bring back what the other dropped
    if ((ilo[i] < 0 && lo[i] > 0) || (ihi[i] < 0 && hi[i] > 0)) return NULL;
    if ((lo[i] < 0 && -lo[i] > ilo[i]) || (hi[i] < 0 && -hi[i] > ihi[i])) return NULL;
    l[i] = lo[i] + ilo[i];
    h[i] = hi[i] + ihi[i];
  }
  return nc_pad(s->g, n->at, p->in[0], l, h, nc_attr_float(n, "value"));
}

NcNode *nc_rule_concat_concat(NcSimplify *s, NcNode *n) {
  int64_t axis = nc_attr_int(n, "axis");
  NC_VEC(NcNode *) in = {0};
  for (int i = 0; i < n->nin; i++) {
    NcNode *x = n->in[i];
    bool flat = nc_is_op(x, "concat") && nc_attr_int(x, "axis") == axis;
    for (int k = 0; k < (flat ? x->nin : 1); k++) *NC_PUSH(s->arena, in) = flat ? x->in[k] : x;
  }
  return in.n == n->nin ? NULL : nc_concat(s->g, n->at, in.n, in.at, (int)axis);
}

// Does slice b go on along the axis where slice a ends, alike along all others?
static bool follows(const NcNode *x, const NcNode *y, int64_t axis) {
  if (!nc_is_op(x, "slice") || !nc_is_op(y, "slice") || x->in[0] != y->in[0]) return false;
  Slice a = slice_of(x), b = slice_of(y);
  for (int i = 0; i < a.rank; i++) {
    if (i == axis) continue;
    if (a.start[i] != b.start[i] || a.size[i] != b.size[i] || a.step[i] != b.step[i]) return false;
  }
  bool one = (a.step[axis] == 1 || a.size[axis] == 1) && (b.step[axis] == 1 || b.size[axis] == 1);
  return one && a.start[axis] + a.size[axis] == b.start[axis];
}

NcNode *nc_rule_concat_slices(NcSimplify *s, NcNode *n) {
  int64_t axis = nc_attr_int(n, "axis");
  for (int i = 0; i + 1 < n->nin; i++) {
    if (!follows(n->in[i], n->in[i + 1], axis)) continue;
    Slice a = slice_of(n->in[i]), b = slice_of(n->in[i + 1]);
    int64_t size[NC_MAX_RANK], step[NC_MAX_RANK];
    for (int k = 0; k < a.rank; k++) {
      size[k] = a.size[k] + (k == axis ? b.size[k] : 0);
      step[k] = k == axis ? 1 : a.step[k];
    }
    NcNode **in = NC_NEW_N(s->arena, NcNode *, n->nin);
    for (int k = 0; k < n->nin - 1; k++) in[k] = n->in[k < i ? k : k + 1];
    in[i] = nc_slice(s->g, n->at, n->in[i]->in[0], a.start, size, step);
    return nc_concat(s->g, n->at, n->nin - 1, in, (int)axis);
  }
  return NULL;
}
