// Structural operations as plain loops around their operands' expressions: right for every shape, attribute and
// fusion, on every device, and slow. What has a faster form elsewhere comes here only when that form does not apply.
#include <string.h>
#include "gen/emit.h"
#include "gen/fold.h"

// ---- Loop nests at a level of the caller's choosing

typedef struct {
  NcAside aside;
  int level, n;
  const char *head[NC_MAX_RANK * 2];
  NcIx *at[NC_MAX_RANK * 2];
} Nest;

static void nest_open(NcEmit *e, Nest *x, int level, int n, const int64_t *size) {
  static const int64_t once = 1;
  if (!n) n = 1, size = &once;
  x->level = level;
  x->n = n;
  nc_emit_aside(e, level, &x->aside);
  for (int i = 0; i < n; i++) {
    const char *v = nc_emit_name(e, "j");
    x->head[i] = size[i] == 1 ? "" : nc_sprintf(e->arena, "for (%s %s = 0; %s < %lld; %s++)", e->idx, v, v, (long long)size[i], v);
    nc_emit_open(e, false);
    x->at[i] = nc_emit_var(e, v, size[i], false);
  }
}

// Ends the loops; `f` is declared before the outermost.
static void nest_close(NcEmit *e, Nest *x, const NcFold *f) {
  for (int i = x->n - 1; i >= 0; i--) {
    if (i == 0) nc_fold_declare(e, x->level, f);
    nc_emit_close(e, x->head[i]);
  }
  nc_emit_restore(e, &x->aside);
}

// A condition under which what follows in the nest counts: opens a guard if there is any.
static NcIx *within(NcEmit *e, NcBuf *cond, NcBuf *mask, NcIx *at, int64_t n) {
  if (at->lo >= 0 && at->hi < n) return at;
  if (!at->lane) {
    nc_putf(cond, "%s%s >= 0 && %s < %lld", cond->n ? " && " : "", nc_ix_text(&e->ix, at, false),
            nc_ix_text(&e->ix, at, false), (long long)n);
    return at;
  }
  int level = nc_emit_level(e, at->level);
  const char *x = nc_emit_name(e, "i"), *c = nc_emit_name(e, "i");
  nc_emit_line(e, level, "const %s%d %s = %s;", e->idx, e->lanes, x, nc_ix_text(&e->ix, at, true));
  nc_emit_line(e, level, "const %s%d %s = clamp(%s, (%s%d)(0), (%s%d)(%lld));", e->idx, e->lanes, c, x, e->idx, e->lanes, e->idx,
               e->lanes, (long long)n - 1);
  nc_putf(mask, "%s(%s == %s)", mask->n ? " & " : "", x, c);
  return nc_ix_var(&e->ix, c, c, false, 0, n - 1, level);
}

// x where the mask holds, else `other`.
static NcVal keep(NcEmit *e, NcBuf *mask, NcVal x, const char *other) {
  if (!mask->n) return x;
  const char *k = nc_sprintf(e->arena, "%s%d", x.t == NC_I64 ? "long" : "int", e->lanes);
  return nc_emit_temp(e, e->depth, x.t, true,
                      nc_sprintf(e->arena, "select((%s)(%s), %s, convert_%s(%s))", nc_emit_type(e, x.t, true), other,
                                 nc_emit_wide(e, x, true), k, nc_buf_str(mask)));
}

static void update(NcEmit *e, NcFold *f, NcVal x, NcIx *index) {
  f->vec = x.vec;
  nc_fold_update(e, e->depth, f, x.s, index ? nc_fold_index(e, f, index) : NULL);
}

// ---- reduce

static NcVal reduce(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcShape s = n->in[0]->type.shape;
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  int64_t size[NC_MAX_RANK];
  for (int i = 0; i < count; i++) size[i] = s.dim[axes[i]];
  int level = nc_emit_coord_level(e, coord, n->type.shape.rank);
  Nest loop;
  nest_open(e, &loop, level, count, size);
  NcIx *from[NC_MAX_RANK];
  for (int i = 0, r = 0, k = 0; i < s.rank; i++) from[i] = r < count && axes[r] == i ? loop.at[r++] : coord[k++];
  NcFold f = nc_fold_new(e, nc_fold_kind(nc_attr_str(n, "op")), n->in[0]->type.dtype);
  update(e, &f, nc_emit(e, n->in[0], from), f.at ? loop.at[0] : NULL);
  nest_close(e, &loop, &f);
  return nc_fold_value(&f, n->type.dtype, level);
}

// ---- cumulative: all elements up to this one, again for each

static NcVal cumulative(NcEmit *e, NcNode *n, NcIx *const *coord) {
  int64_t axis = nc_attr_int(n, "axis"), size = n->type.shape.dim[axis];
  bool reverse = nc_attr_int(n, "reverse");
  int level = nc_emit_coord_level(e, coord, n->type.shape.rank);
  NcIx *from[NC_MAX_RANK];
  memcpy(from, coord, sizeof *from * (size_t)n->type.shape.rank);
  Nest loop;
  nest_open(e, &loop, level, 1, &size);
  from[axis] = loop.at[0];
  NcFold f = nc_fold_new(e, nc_fold_kind(nc_attr_str(n, "op")), n->type.dtype);
  NcVal x = nc_emit(e, n->in[0], from);
  bool vec = x.vec || coord[axis]->lane;
  const char *here = nc_ix_text(&e->ix, coord[axis], vec && coord[axis]->lane), *k = n->type.dtype == NC_I64 ? "long" : "int";
  const char *w = vec && e->lanes > 1 ? nc_sprintf(e->arena, "%d", e->lanes) : "";
  const char *cond = nc_sprintf(e->arena, "convert_%s%s((%s%s)(%s) %s (%s%s)(%s))", k, w, e->idx, w,
                                nc_ix_text(&e->ix, loop.at[0], false), reverse ? ">=" : "<=", e->idx, w, here);
  const char *other = nc_emit_zero(e, n->type.dtype, f.kind == NC_FOLD_PROD);
  x = nc_emit_temp(e, e->depth, n->type.dtype, vec,
                   nc_sprintf(e->arena, "select((%s)(%s), %s, %s)", nc_emit_type(e, x.t, vec), other, nc_emit_wide(e, x, vec), cond));
  update(e, &f, x, NULL);
  nest_close(e, &loop, &f);
  return nc_fold_value(&f, n->type.dtype, level);
}

// ---- products: dot, conv, conv_weight

static void multiply_add(NcEmit *e, NcFold *f, NcVal a, NcVal b) {
  f->vec = a.vec || b.vec;
  const char *x = nc_emit_wide(e, a, f->vec), *y = nc_emit_wide(e, b, f->vec);
  nc_emit_line(e, e->depth, nc_dtype_float(f->t) ? "%s = fma(%s, %s, %s);" : "%1$s = %2$s * %3$s + %1$s;", f->acc, x, y, f->acc);
}

static bool listed(const int64_t *axes, int n, int64_t axis, int *at) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) { *at = i; return true; }
  return false;
}

static NcVal dot(NcEmit *e, NcNode *n, NcIx *const *coord) {
  static const char *const keys[2][2] = {{"abatch", "acon"}, {"bbatch", "bcon"}};
  int nbatch, ncon;
  nc_attr_ints(n, "abatch", &nbatch);
  const int64_t *acon = nc_attr_ints(n, "acon", &ncon);
  int64_t size[NC_MAX_RANK];
  for (int i = 0; i < ncon; i++) size[i] = n->in[0]->type.shape.dim[acon[i]];
  int level = nc_emit_coord_level(e, coord, n->type.shape.rank), free = nbatch, at;
  Nest loop;
  nest_open(e, &loop, level, ncon, size);
  NcVal v[2];
  for (int k = 0; k < 2; k++) {
    const int64_t *batch = nc_attr_ints(n, keys[k][0], NULL), *con = nc_attr_ints(n, keys[k][1], NULL);
    NcIx *from[NC_MAX_RANK];
    for (int i = 0; i < n->in[k]->type.shape.rank; i++)
      from[i] = listed(batch, nbatch, i, &at) ? coord[at] : listed(con, ncon, i, &at) ? loop.at[at] : coord[free++];
    v[k] = nc_emit(e, n->in[k], from);
  }
  NcFold f = nc_fold_new(e, NC_FOLD_SUM, n->type.dtype);
  multiply_add(e, &f, v[0], v[1]);
  nest_close(e, &loop, &f);
  return nc_fold_value(&f, n->type.dtype, level);
}

// x at result place p and kernel place k along spatial axis i, if it is there.
static NcIx *tap(NcEmit *e, const NcConv *c, int i, NcIx *p, NcIx *k, int64_t n, NcBuf *cond, NcBuf *mask) {
  NcIx *q = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, p, c->stride[i]), nc_ix_scale(&e->ix, k, c->dilation[i]));
  q = nc_ix_addc(&e->ix, q, -c->lo[i]);
  int64_t d = c->dilate_x[i];
  if (d == 1) return within(e, cond, mask, q, n);
  // Between the elements of x there are zeros. Shifted by a multiple of d, the dividend is never negative.
  int64_t shift = q->lo < 0 ? (-q->lo + d - 1) / d : 0;
  NcIx *up = nc_ix_addc(&e->ix, q, shift * d), *left = nc_ix_mod(&e->ix, up, d);
  if (left->lane) nc_putf(mask, "%s((%s) == 0)", mask->n ? " & " : "", nc_ix_text(&e->ix, left, true));
  else if (!nc_ix_is_const(left, 0)) nc_putf(cond, "%s(%s) == 0", cond->n ? " && " : "", nc_ix_text(&e->ix, left, false));
  return within(e, cond, mask, nc_ix_addc(&e->ix, nc_ix_div(&e->ix, up, d), -shift), n);
}

// Multiplies x[xc] by y[yc] where `cond` holds; ends the nest.
static NcVal guarded_product(NcEmit *e, NcNode *n, Nest *loop, NcIx *const *xc, NcIx *const *yc, NcBuf *cond, NcBuf *mask) {
  NcFold f = nc_fold_new(e, NC_FOLD_SUM, n->type.dtype);
  nc_emit_open(e, cond->n > 0);
  NcVal x = keep(e, mask, nc_emit(e, n->in[0], xc), "0"), y = nc_emit(e, n->in[1], yc);
  multiply_add(e, &f, x, y);
  nc_emit_close(e, cond->n ? nc_sprintf(e->arena, "if (%s)", nc_buf_str(cond)) : "");
  int level = loop->level;
  nest_close(e, loop, &f);
  return nc_fold_value(&f, n->type.dtype, level);
}

static NcVal conv(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcConv c;
  nc_conv_of(n, &c);
  NcShape xs = n->in[0]->type.shape, ws = n->in[1]->type.shape;
  Nest loop;
  nest_open(e, &loop, nc_emit_coord_level(e, coord, n->type.shape.rank), ws.rank - 1, ws.dim + 1);
  NcBuf cond = NC_BUF(e->arena), mask = NC_BUF(e->arena);
  NcIx *xc[NC_MAX_RANK], *wc[NC_MAX_RANK];
  NcIx *group = nc_ix_div(&e->ix, coord[1], ws.dim[0] / c.groups);
  xc[0] = coord[0];
  xc[1] = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, group, ws.dim[1]), loop.at[0]);
  wc[0] = coord[1];
  wc[1] = loop.at[0];
  for (int i = 0; i < c.spatial; i++) {
    wc[2 + i] = loop.at[1 + i];
    xc[2 + i] = tap(e, &c, i, coord[2 + i], loop.at[1 + i], xs.dim[2 + i], &cond, &mask);
  }
  return guarded_product(e, n, &loop, xc, wc, &cond, &mask);
}

static NcVal conv_weight(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcConv c;
  nc_conv_of(n, &c);
  NcShape xs = n->in[0]->type.shape, ys = n->in[1]->type.shape, ws = n->type.shape;
  int64_t size[NC_MAX_RANK] = {xs.dim[0]};
  for (int i = 0; i < c.spatial; i++) size[1 + i] = ys.dim[2 + i];
  Nest loop;
  nest_open(e, &loop, nc_emit_coord_level(e, coord, ws.rank), 1 + c.spatial, size);
  NcBuf cond = NC_BUF(e->arena), mask = NC_BUF(e->arena);
  NcIx *xc[NC_MAX_RANK], *yc[NC_MAX_RANK];
  NcIx *group = nc_ix_div(&e->ix, coord[0], ws.dim[0] / c.groups);
  xc[0] = yc[0] = loop.at[0];
  yc[1] = coord[0];
  xc[1] = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, group, ws.dim[1]), coord[1]);
  for (int i = 0; i < c.spatial; i++) {
    yc[2 + i] = loop.at[1 + i];
    xc[2 + i] = tap(e, &c, i, loop.at[1 + i], coord[2 + i], xs.dim[2 + i], &cond, &mask);
  }
  return guarded_product(e, n, &loop, xc, yc, &cond, &mask);
}

// ---- windows: pool, pool_grad

// The number of elements of x in the window at coord: a literal unless windows hang over the edge.
static const char *window_count(NcEmit *e, const NcPool *p, const int64_t *size, NcIx *const *coord, bool *vec) {
  NcBuf b = NC_BUF(e->arena);
  int64_t fixed = 1;
  *vec = false;
  for (int i = 0; i < p->spatial; i++) {
    NcIx *begin = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, coord[i], p->stride[i]), -p->lo[i]);
    if (begin->lo >= 0 && begin->hi + p->window[i] <= size[i]) {
      fixed *= p->window[i];
      continue;
    }
    const char *at = nc_ix_text(&e->ix, begin, begin->lane);
    *vec |= begin->lane;
    // Both operands of one type: min(int4, int) is right, and wrong in Oclgrind.
    const char *t = begin->lane ? nc_sprintf(e->arena, "%s%d", e->idx, e->lanes) : e->idx;
    nc_putf(&b, " * (min(%s + %lld, (%s)(%lld)) - max(%s, (%s)(0)))", at, (long long)p->window[i], t, (long long)size[i],
            at, t);
  }
  if (!b.n) return nc_sprintf(e->arena, "%lld.0f", (long long)fixed);
  const char *lanes = *vec ? nc_sprintf(e->arena, "%d", e->lanes) : "";
  return nc_sprintf(e->arena, "convert_float%s(%lld%s)", lanes, (long long)fixed, nc_buf_str(&b));
}

static NcVal divided(NcEmit *e, int level, NcVal v, const char *by, bool vec) {
  NcVal d = {by, v.t, vec, level};
  vec |= v.vec;
  return nc_emit_temp(e, level, v.t, vec, nc_sprintf(e->arena, "%s / %s", nc_emit_wide(e, v, vec), nc_emit_wide(e, d, vec)));
}

static NcVal pool(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcPool p;
  nc_pool_of(n, &p);
  const char *op = nc_attr_str(n, "op");
  bool max = strcmp(op, "max") == 0;
  NcShape s = n->in[0]->type.shape;
  int first = s.rank - p.spatial, level = nc_emit_coord_level(e, coord, s.rank);
  Nest loop;
  nest_open(e, &loop, level, p.spatial, p.window);
  NcBuf cond = NC_BUF(e->arena), mask = NC_BUF(e->arena);
  NcIx *from[NC_MAX_RANK];
  memcpy(from, coord, sizeof *from * (size_t)s.rank);
  for (int i = 0; i < p.spatial; i++) {
    NcIx *at = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, coord[first + i], p.stride[i]), -p.lo[i]);
    from[first + i] = within(e, &cond, &mask, nc_ix_add(&e->ix, at, loop.at[i]), s.dim[first + i]);
  }
  NcFold f = nc_fold_new(e, max ? NC_FOLD_MAX : NC_FOLD_SUM, n->type.dtype);
  nc_emit_open(e, cond.n > 0);
  update(e, &f, keep(e, &mask, nc_emit(e, n->in[0], from), max ? "-INFINITY" : "0"), NULL);
  nc_emit_close(e, cond.n ? nc_sprintf(e->arena, "if (%s)", nc_buf_str(&cond)) : "");
  nest_close(e, &loop, &f);
  NcVal v = nc_fold_value(&f, n->type.dtype, level);
  if (strcmp(op, "avg") != 0) return v;
  bool vec;
  const char *count = window_count(e, &p, s.dim + first, coord + first, &vec);
  return divided(e, level, v, count, vec);
}

static const char *same(NcEmit *e, NcVal a, NcVal b, bool vec) {     // equal, or both NaN, as a condition
  const char *x = nc_emit_wide(e, a, vec), *y = nc_emit_wide(e, b, vec);
  return nc_sprintf(e->arena, "((%s == %s) | ((%s != %s) & (%s != %s)))", x, y, x, x, y, y);
}

// Whether an element before place k of the window of y (at yc) equals its maximum.
static NcVal met_before(NcEmit *e, NcNode *n, const NcPool *p, NcIx *const *yc, NcIx *const *k, NcVal y) {
  NcShape s = n->in[0]->type.shape, window = nc_shape(p->spatial, p->window);
  int first = s.rank - p->spatial;
  Nest loop;
  nest_open(e, &loop, e->depth, p->spatial, p->window);
  NcBuf cond = NC_BUF(e->arena), mask = NC_BUF(e->arena);
  nc_putf(&cond, "%s < %s", nc_ix_text(&e->ix, nc_ix_linear(&e->ix, window, loop.at), false),
          nc_ix_text(&e->ix, nc_ix_linear(&e->ix, window, k), false));
  NcIx *from[NC_MAX_RANK];
  memcpy(from, yc, sizeof *from * (size_t)s.rank);
  for (int i = 0; i < p->spatial; i++) {
    NcIx *at = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, yc[first + i], p->stride[i]), -p->lo[i]);
    from[first + i] = within(e, &cond, &mask, nc_ix_add(&e->ix, at, loop.at[i]), s.dim[first + i]);
  }
  nc_emit_open(e, true);
  NcVal x = keep(e, &mask, nc_emit(e, n->in[0], from), "-INFINITY");
  NcFold f = nc_fold_new(e, NC_FOLD_ANY, NC_BOOL);
  f.vec = x.vec || y.vec;
  nc_fold_update(e, e->depth, &f, same(e, x, y, f.vec), NULL);
  nc_emit_close(e, nc_sprintf(e->arena, "if (%s)", nc_buf_str(&cond)));
  nest_close(e, &loop, &f);
  return nc_fold_value(&f, NC_BOOL, e->depth);
}

// The share of dy (in window yc, whose place k is the element at coord) that goes to the element.
static NcVal share(NcEmit *e, NcNode *n, const NcPool *p, NcIx *const *coord, NcIx *const *yc, NcIx *const *k) {
  NcVal dy = nc_emit(e, n->in[n->nin - 1], yc);
  int first = n->type.shape.rank - p->spatial;
  if (strcmp(nc_attr_str(n, "op"), "avg") == 0) {
    bool vec;
    const char *count = window_count(e, p, n->type.shape.dim + first, yc + first, &vec);
    return divided(e, e->depth, dy, count, vec);
  }
  if (n->nin == 1) return dy;
  NcVal x = nc_emit(e, n->in[0], coord), y = nc_emit(e, n->in[1], yc), before = met_before(e, n, p, yc, k, y);
  bool vec = x.vec || y.vec || before.vec || dy.vec;
  NcVal zero = {nc_emit_zero(e, dy.t, 0), dy.t, false, 0};
  return nc_emit_temp(e, e->depth, dy.t, vec,
                      nc_sprintf(e->arena, "select(%s, %s, %s & (%s == 0))", nc_emit_wide(e, zero, vec), nc_emit_wide(e, dy, vec),
                                 same(e, x, y, vec), nc_emit_wide(e, before, vec)));
}

static NcVal pool_grad(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcPool p;
  nc_pool_grad_of(n, &p);
  NcShape s = n->type.shape, ys = n->in[n->nin - 1]->type.shape;
  int first = s.rank - p.spatial;
  Nest loop;
  nest_open(e, &loop, nc_emit_coord_level(e, coord, s.rank), p.spatial, p.window);
  NcBuf cond = NC_BUF(e->arena), mask = NC_BUF(e->arena);
  NcIx *yc[NC_MAX_RANK], *k[3];
  memcpy(yc, coord, sizeof *yc * (size_t)s.rank);
  for (int i = 0; i < p.spatial; i++) {      // the windows at (h + lo - k) / stride, k from the last: in ascending order
    k[i] = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, loop.at[i], -1), p.window[i] - 1);
    NcConv c = {.stride = {1}, .dilation = {1}, .lo = {p.window[i] - 1 - p.lo[i]}, .dilate_x = {p.stride[i]}};
    yc[first + i] = tap(e, &c, 0, coord[first + i], loop.at[i], ys.dim[first + i], &cond, &mask);
  }
  NcFold f = nc_fold_new(e, NC_FOLD_SUM, n->type.dtype);
  nc_emit_open(e, true);
  update(e, &f, keep(e, &mask, share(e, n, &p, coord, yc, k), "0"), NULL);
  nc_emit_close(e, cond.n ? nc_sprintf(e->arena, "if (%s)", nc_buf_str(&cond)) : "");
  int level = loop.level;
  nest_close(e, &loop, &f);
  return nc_fold_value(&f, n->type.dtype, level);
}

// ---- indexing: gather, scatter_add

// The index brought into 0 … size-1. Bounds are as wide as the index: not every driver takes scalars beside vectors.
static const char *clamped(NcEmit *e, NcVal i, bool vec, int64_t size) {
  const char *t = nc_emit_type(e, i.t, vec);
  return nc_sprintf(e->arena, "clamp(%s, (%s)(0), (%s)(%lld))", nc_emit_wide(e, i, vec), t, t, (long long)size - 1);
}

static int batch_of(const NcNode *n) { return nc_attr(n, "batch") ? (int)nc_attr_int(n, "batch") : 0; }

static NcVal gather(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcNode *x = n->in[0], *index = n->in[1];
  int64_t axis = nc_attr_int(n, "axis"), size = x->type.shape.dim[axis];
  int batch = batch_of(n), picks = index->type.shape.rank - batch;
  NcVal i = nc_emit(e, index, coord + axis - batch);
  const char *w = i.vec ? nc_sprintf(e->arena, "%d", e->lanes) : "", *at = nc_emit_name(e, "i");
  nc_emit_line(e, i.level, "const %s%s %s = convert_%s%s(%s);", e->idx, w, at, e->idx, w, clamped(e, i, i.vec, size));
  NcIx *from[NC_MAX_RANK];
  for (int k = 0; k < x->type.shape.rank; k++)
    if (k != axis) from[k] = k < axis ? coord[k] : coord[k + picks - 1];
  from[axis] = nc_ix_var(&e->ix, at, i.vec ? at : NULL, false, 0, size - 1, i.level);
  NcVal v = nc_emit(e, x, from);
  bool vec = v.vec || i.vec;
  int level = nc_emit_level(e, v.level > i.level ? v.level : i.level);
  NcVal zero = {nc_emit_zero(e, v.t, 0), v.t, false, 0};
  const char *k = nc_sprintf(e->arena, "%s%s", v.t == NC_I64 ? "long" : "int", vec ? nc_sprintf(e->arena, "%d", e->lanes) : "");
  const char *here = nc_sprintf(e->arena, "convert_%s(%s == %s)", k, nc_emit_wide(e, i, vec), clamped(e, i, vec, size));
  const char *either = nc_sprintf(e->arena, "select(%s, %s, %s)", nc_emit_wide(e, zero, vec), nc_emit_wide(e, v, vec), here);
  return nc_emit_temp(e, level, v.t, vec, either);
}

static NcVal scatter_add(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcNode *dy = n->in[0], *index = n->in[1];
  int64_t axis = nc_attr_int(n, "axis");
  int batch = batch_of(n), picks = index->type.shape.rank - batch;
  Nest loop;
  nest_open(e, &loop, nc_emit_coord_level(e, coord, n->type.shape.rank), picks, index->type.shape.dim + batch);
  NcIx *to = coord[axis], *from[NC_MAX_RANK], *pick[NC_MAX_RANK];
  for (int k = 0; k < batch; k++) pick[k] = coord[k];
  for (int k = 0; k < picks; k++) pick[batch + k] = loop.at[k];
  for (int k = 0; k < dy->type.shape.rank; k++)
    from[k] = k < axis ? coord[k] : k < axis + picks ? loop.at[k - axis] : coord[k - picks + 1];
  NcVal i = nc_emit(e, index, pick);
  NcBuf mask = NC_BUF(e->arena), cond = NC_BUF(e->arena);
  bool vec = to->lane || i.vec;
  nc_putf(vec ? &mask : &cond, "(convert_%s%s(%s) == %s)", e->idx, vec ? nc_sprintf(e->arena, "%d", e->lanes) : "",
          nc_emit_wide(e, i, vec), nc_ix_text(&e->ix, to, to->lane));
  NcFold f = nc_fold_new(e, NC_FOLD_SUM, n->type.dtype);
  nc_emit_open(e, cond.n > 0);
  update(e, &f, keep(e, &mask, nc_emit(e, dy, from), "0"), NULL);
  nc_emit_close(e, cond.n ? nc_sprintf(e->arena, "if (%s)", nc_buf_str(&cond)) : "");
  int level = loop.level;
  nest_close(e, &loop, &f);
  return nc_fold_value(&f, n->type.dtype, level);
}

static const struct { const char *op; NcVal (*emit)(NcEmit *, NcNode *, NcIx *const *); } forms[] = {
  {"reduce", reduce}, {"cumulative", cumulative}, {"dot", dot}, {"conv", conv}, {"conv_weight", conv_weight},
  {"pool", pool}, {"pool_grad", pool_grad}, {"gather", gather}, {"scatter_add", scatter_add}};

NcVal nc_emit_inline(NcEmit *e, NcNode *n, NcIx *const *coord) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (strcmp(n->op->name, forms[i].op) == 0) {
      e->inlined += n->op->kind != NC_INDEX;
      return forms[i].emit(e, n, coord);
    }
  e->unknown = n;
  return (NcVal){nc_emit_zero(e, n->type.dtype, 0), n->type.dtype, false, 0};
}
