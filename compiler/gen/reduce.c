// Large reductions: results few, what is reduced long. The reduced elements are cut into slices when there are fewer
// results than the device has use for; then each slice leaves a partial result in the workspace and a second kernel
// folds these, in order, and finishes. No atomics: the same sums in the same order each time.
//
// The operand is seen as kept × reduced. Where its last axis is reduced (a), lanes (or the items of a group) walk along
// it and are merged at the end; where it is kept (b), each lane (or item) has a result of its own.
//
//   cpu a: item = some results × slice      cpu b: item = block of columns × slice, up to 4 W columns at once
//   gpu a: group = result × slice           gpu b: item = result × slice
#include <string.h>
#include "gen/fold.h"
#include "gen/kernel.h"

typedef struct {
  bool inner_kept;
  int64_t kept, reduced;     // elements
  int64_t inner, outer;      // of what the last axes belong to: reduced (a) or kept (b)
  int64_t slices, slice;     // number; length in outer steps (a, by_outer), elements (a) or reduced elements (b)
  bool by_outer;
  int64_t block;             // results of an item: cpu a, any; cpu b, columns of the inner axis
} Cut;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static bool is_reduced(const NcNode *n, int axis) {
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  for (int i = 0; i < count; i++)
    if (axes[i] == axis) return true;
  return false;
}

static Cut cut(const NcRegion *r, const NcTarget *t) {
  NcShape s = r->anchor->in[0]->type.shape;
  Cut c = {.kept = nc_count(r->anchor->type.shape), .inner = 1};
  c.reduced = nc_count(s) / c.kept;
  int axis = s.rank - 1;
  while (axis > 0 && s.dim[axis] == 1) axis--;
  c.inner_kept = !is_reduced(r->anchor, axis);
  for (; axis >= 0 && (s.dim[axis] == 1 || is_reduced(r->anchor, axis) != c.inner_kept); axis--) c.inner *= s.dim[axis];
  c.outer = (c.inner_kept ? c.kept : c.reduced) / c.inner;
  bool cpu = t->cls == NC_CLASS_CPU;
  int64_t units = at_least(t->compute_units, 1) * (cpu ? 8 : c.inner_kept ? 1024 : 16), items = c.kept;
  c.block = 1;
  if (cpu && c.inner_kept) {
    c.block = at_most(c.inner, 16 * t->vector);
    items = c.outer * ceil_div(c.inner, c.block);
  } else if (cpu) {
    c.block = at_least(1, at_most(ceil_div(c.kept, units), 4096 / at_least(c.reduced, 1)));
    items = ceil_div(c.kept, c.block);
  }
  // Of a slice: what is worth a second launch (5 µs or more) and the partial results' way through memory.
  int64_t least = cpu ? at_least(1, 32768 / (c.inner_kept ? c.block : 1)) : c.inner_kept ? 256 : 4096;
  c.slices = at_least(1, at_most(ceil_div(units, items), c.reduced / least));
  c.by_outer = cpu && !c.inner_kept && c.outer >= c.slices * 4;
  int64_t whole = c.by_outer ? c.outer : cpu && !c.inner_kept ? c.inner : c.reduced;
  c.slice = ceil_div(whole, c.slices);
  if (cpu && !c.inner_kept && !c.by_outer) c.slice = ceil_div(c.slice, 64) * 64;
  c.slices = ceil_div(whole, c.slice);
  return c;
}

typedef struct {
  NcGen *g;
  const NcRegion *r;
  NcEmit *e;
  Cut c;
  int n;                     // reductions
  NcNode **red;
  NcFold *fold, *rest;       // of the result at hand
  int level;                 // scope of the result at hand
} Red;

// ---- Partial results in the workspace

static NcDtype partial_type(NcDtype t) { return nc_dtype_float(t) ? NC_F32 : t == NC_I64 ? NC_I64 : NC_I32; }
static bool is_arg(const NcNode *n) { return nc_fold_arg(nc_fold_kind(nc_attr_str(n, "op"))); }

static bool alike(const NcRegion *r, const NcNode *n) {
  int a, b;
  if (n->op->kind != NC_REDUCE || !nc_shape_eq(n->in[0]->type.shape, r->anchor->in[0]->type.shape)) return false;
  const int64_t *x = nc_attr_ints(n, "axes", &a), *y = nc_attr_ints(r->anchor, "axes", &b);
  return a == b && memcmp(x, y, (size_t)a * sizeof *x) == 0;
}

static size_t table_bytes(const Cut *c, NcDtype t) { return ((size_t)(c->slices * c->kept) * nc_dtype_bytes(t) + 63) / 64 * 64; }

size_t nc_reduce_workspace(const NcRegion *r, const NcTarget *t) {
  Cut c = cut(r, t);
  size_t bytes = 0;
  if (c.slices == 1) return 0;
  for (int i = 0; i < r->node.n; i++) {
    const NcNode *n = r->node.at[i];
    if (!alike(r, n)) continue;
    bytes += table_bytes(&c, partial_type(n->in[0]->type.dtype)) + (is_arg(n) ? table_bytes(&c, NC_I32) : 0);
  }
  return bytes;
}

// Index of the partial result of reduction i (or of its arg part) in the workspace seen as elements of type t.
static NcIx *partial_at(Red *w, int i, bool arg, NcDtype t, NcIx *slice, NcIx *kept) {
  size_t bytes = 0;
  for (int k = 0; k <= i; k++) {
    size_t value = table_bytes(&w->c, partial_type(w->red[k]->in[0]->type.dtype));
    bytes += k < i ? value + (is_arg(w->red[k]) ? table_bytes(&w->c, NC_I32) : 0) : arg ? value : 0;
  }
  NcIxs *x = &w->e->ix;
  return nc_ix_addc(x, nc_ix_add(x, nc_ix_scale(x, slice, w->c.kept), kept), (int64_t)(bytes / nc_dtype_bytes(t)));
}

// ---- Folding

// Takes in the elements with the given flat indices on both sides.
static void take(Red *w, NcFold *folds, NcIx *kept, NcIx *reduced, bool declare) {
  NcEmit *e = w->e;
  NcShape s = w->r->anchor->in[0]->type.shape, ks = {0}, rs = {0};
  for (int i = 0; i < s.rank; i++) {
    NcShape *to = is_reduced(w->r->anchor, i) ? &rs : &ks;
    to->dim[to->rank++] = s.dim[i];
  }
  NcIx *k[NC_MAX_RANK], *n[NC_MAX_RANK], *at[NC_MAX_RANK];
  nc_ix_split(&e->ix, ks, kept, k);
  nc_ix_split(&e->ix, rs, reduced, n);
  for (int i = 0, a = 0, b = 0; i < s.rank; i++) at[i] = is_reduced(w->r->anchor, i) ? n[a++] : k[b++];
  for (int i = 0; i < w->n; i++) {
    NcFold *f = &folds[i];
    if (declare) {
      *f = nc_fold_new(e, nc_fold_kind(nc_attr_str(w->red[i], "op")), w->red[i]->in[0]->type.dtype);
      f->vec = e->lanes > 1;
      nc_fold_declare(e, w->level, f);
    }
    NcVal x = nc_emit(e, w->red[i]->in[0], at);
    nc_fold_update(e, e->depth, f, nc_emit_wide(e, x, f->vec), f->at ? nc_fold_index(e, f, reduced) : NULL);
  }
}

// The results at `kept` are folded (of this slice): stores the partial ones, or finishes.
static void conclude(Red *w, NcFold *f, NcIx *kept) {
  NcEmit *e = w->e;
  int level = e->depth;
  if (w->c.slices > 1) {
    NcIx *slice = nc_ix_var(&e->ix, "slice", NULL, false, 0, w->c.slices - 1, 0);
    int ws = e->p->workspace[w->r->id];
    for (int i = 0; i < w->n; i++) {
      NcDtype t = partial_type(f[i].t);
      nc_emit_store(e, level, ws, t, partial_at(w, i, false, t, slice, kept), (NcVal){f[i].acc, t, f[i].vec, level});
      if (f[i].at) nc_emit_store(e, level, ws, NC_I32, partial_at(w, i, true, NC_I32, slice, kept), (NcVal){f[i].at, NC_I32, f[i].vec, level});
    }
    return;
  }
  for (int i = 0; i < w->n; i++) {
    NcIx *coord[NC_MAX_RANK];
    nc_ix_split(&e->ix, w->red[i]->type.shape, kept, coord);
    nc_emit_bind(e, level, w->red[i], coord, nc_fold_value(&f[i], w->red[i]->type.dtype, level));
  }
  nc_gen_outputs(e, kept, w->c.kept);
}

static Red start(NcGen *g, const NcRegion *r) {
  Red w = {.g = g, .r = r, .e = nc_emit_new(g->p, r, g->arena), .c = cut(r, g->p->target)};
  w.e->idx = nc_gen_index_type(g, r);
  w.red = NC_NEW_N(g->arena, NcNode *, r->node.n);
  for (int i = 0; i < r->node.n; i++)
    if (alike(r, r->node.at[i])) w.red[w.n++] = r->node.at[i];
  w.fold = NC_NEW_N(g->arena, NcFold, w.n);
  w.rest = NC_NEW_N(g->arena, NcFold, w.n);
  return w;
}

// "for (int v = FROM; v < TO; v += STEP)"
static const char *count_up(NcEmit *e, const char *v, const char *from, const char *to, int64_t step) {
  return step > 1 ? nc_sprintf(e->arena, "for (%s %s = %s; %s + %lld <= %s; %s += %lld)", e->idx, v, from, v, (long long)step, to, v, (long long)step)
                  : nc_sprintf(e->arena, "for (%s %s = %s; %s < %s; %s++)", e->idx, v, from, v, to, v);
}

// `first` and `last` of this work-item's slice of `whole`.
static void put_slice(Red *w, int64_t whole) {
  nc_emit_line(w->e, 0, "const %s first = slice * %lld, last = min(first + %lld, (%s)%lld);", w->e->idx, (long long)w->c.slice,
               (long long)w->c.slice, w->e->idx, (long long)whole);
}

// ---- cpu a

static void along(Red *w, NcIx *kept, NcIx *outer, int lanes, const char *var, const char *from, const char *to, NcFold *folds) {
  NcEmit *e = w->e;
  e->lanes = lanes;
  nc_emit_open(e, false);
  NcIx *i = nc_emit_var(e, var, w->c.inner, true);
  take(w, folds, kept, nc_ix_add(&e->ix, nc_ix_scale(&e->ix, outer, w->c.inner), i), true);
  nc_emit_close(e, count_up(e, var, from, to, lanes));
  e->lanes = 1;
}

static void cpu_a(NcGen *g, const NcRegion *r) {
  Red w = start(g, r);
  NcEmit *e = w.e;
  const Cut *c = &w.c;
  int width = g->p->target->vector, lanes = c->inner >= width ? width : 1;
  nc_emit_line(e, 0, "const %s g = item_, slice = g %% %lld, begin = g / %lld * %lld;", e->idx, (long long)c->slices,
               (long long)c->slices, (long long)c->block);
  put_slice(&w, c->by_outer ? c->outer : c->inner);
  nc_emit_open(e, false);
  NcIx *kept = nc_emit_var(e, "k", c->kept, false), *outer = nc_ix_const(&e->ix, 0);
  w.level = e->depth;
  if (c->outer > 1) {
    nc_emit_open(e, false);
    outer = nc_emit_var(e, "o", c->outer, false);
  }
  const char *from = c->by_outer ? "0" : "first", *to = c->by_outer ? nc_sprintf(e->arena, "%lld", (long long)c->inner) : "last";
  bool rest = lanes > 1 && c->inner % lanes;
  along(&w, kept, outer, lanes, "i", from, to, w.fold);
  if (rest) along(&w, kept, outer, 1, "j", nc_sprintf(e->arena, "%s + (%s - %s) / %d * %d", from, to, from, lanes, lanes), to, w.rest);
  if (c->outer > 1) {
    const char *all = nc_sprintf(e->arena, "%lld", (long long)c->outer);
    nc_emit_close(e, count_up(e, "o", c->by_outer ? "first" : "0", c->by_outer ? "last" : all, 1));
  }
  for (int i = 0; i < w.n; i++) {
    e->lanes = lanes;
    w.fold[i] = nc_fold_lanes(e, e->depth, &w.fold[i]);
    e->lanes = 1;
    if (rest) nc_fold_merge(e, e->depth, &w.fold[i], &w.rest[i]);
  }
  conclude(&w, w.fold, kept);
  nc_emit_close(e, count_up(e, "k", "begin", nc_sprintf(e->arena, "min(begin + %lld, (%s)%lld)", (long long)c->block, e->idx, (long long)c->kept), 1));
  nc_gen_kernel(g, e, "reduce", (size_t)(ceil_div(c->kept, c->block) * c->slices), 1);
}

// ---- cpu b

// `vectors` neighbouring vectors of columns from `var` on, over the slice.
static void columns(Red *w, NcIx *outer, int lanes, int vectors, const char *var, const char *from, const char *to) {
  NcEmit *e = w->e;
  e->lanes = lanes;
  nc_emit_open(e, false);
  w->level = e->depth;
  NcIx *kept[4];
  NcFold *fold[4];
  for (int u = 0; u < vectors; u++) {
    const char *name = nc_sprintf(e->arena, "%s%d", var, u);
    nc_emit_line(e, e->depth, "const %s %s = %s + %d;", e->idx, name, var, u * lanes);
    kept[u] = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, outer, w->c.inner), nc_emit_var(e, name, w->c.inner, true));
    fold[u] = NC_NEW_N(e->arena, NcFold, w->n);
  }
  nc_emit_open(e, false);
  const char *n = nc_sprintf(e->arena, "n%s", var);
  NcIx *reduced = nc_emit_var(e, n, w->c.reduced, false);
  for (int u = 0; u < vectors; u++) take(w, fold[u], kept[u], reduced, true);
  nc_emit_close(e, count_up(e, n, "first", "last", 1));
  for (int u = 0; u < vectors; u++) conclude(w, fold[u], kept[u]);
  nc_emit_close(e, count_up(e, var, from, to, (int64_t)lanes * vectors));
  e->lanes = 1;
}

static void cpu_b(NcGen *g, const NcRegion *r) {
  Red w = start(g, r);
  NcEmit *e = w.e;
  const Cut *c = &w.c;
  int width = g->p->target->vector;
  int64_t blocks = ceil_div(c->inner, c->block);
  nc_emit_line(e, 0, "const %s g = item_, slice = g %% %lld, block = g / %lld;", e->idx, (long long)c->slices, (long long)c->slices);
  put_slice(&w, c->reduced);
  nc_emit_line(e, 0, "const %s o = block / %lld, begin = block %% %lld * %lld, end = min(begin + %lld, (%s)%lld);", e->idx, (long long)blocks,
               (long long)blocks, (long long)c->block, (long long)c->block, e->idx, (long long)c->inner);
  NcIx *outer = nc_emit_var(e, "o", c->outer, false);
  static const char *const names[] = {"ka", "kb", "kc"};    // with a number behind: no stem of nc_emit_name
  const int64_t step[] = {4 * width, width, 1};
  const char *from = "begin";
  for (int i = 0; i < 3; i++) {       // as many columns at once as there are: each loop takes what the one before left
    int64_t before = i ? step[i - 1] : INT64_MAX;
    if (c->block < step[i] || (c->block % before == 0 && c->inner % before == 0)) continue;
    columns(&w, outer, i < 2 ? width : 1, i ? 1 : 4, names[i], from, "end");
    from = nc_sprintf(e->arena, "begin + (end - begin) / %lld * %lld", (long long)step[i], (long long)step[i]);
  }
  nc_gen_kernel(g, e, "reduce", (size_t)(c->outer * blocks * c->slices), 1);
}

// ---- gpu

static void gpu_a(NcGen *g, const NcRegion *r) {
  Red w = start(g, r);
  NcEmit *e = w.e;
  int64_t local = 64;
  while (local * 2 <= g->p->target->max_group && local < 256 && local * 4 < w.c.slice) local *= 2;
  while (local > g->p->target->max_group) local /= 2;
  nc_emit_line(e, 0, "const int lid = get_local_id(0);");
  nc_emit_line(e, 0, "const %s g = get_group_id(0), slice = g %% %lld, k = g / %lld;", e->idx, (long long)w.c.slices, (long long)w.c.slices);
  put_slice(&w, w.c.reduced);
  NcIx *kept = nc_emit_var(e, "k", w.c.kept, false);
  nc_emit_open(e, false);
  take(&w, w.fold, kept, nc_emit_var(e, "n", w.c.reduced, false), true);
  nc_emit_close(e, nc_sprintf(e->arena, "for (%s n = first + lid; n < last; n += %lld)", e->idx, (long long)local));
  for (int i = 0; i < w.n; i++) nc_fold_group(e, 0, &w.fold[i], local);
  nc_emit_open(e, true);
  conclude(&w, w.fold, kept);
  nc_emit_close(e, "if (lid == 0)");
  nc_gen_kernel(g, e, "reduce", (size_t)(w.c.kept * w.c.slices * local), (size_t)local);
}

static void gpu_b(NcGen *g, const NcRegion *r) {
  Red w = start(g, r);
  NcEmit *e = w.e;
  int64_t items = w.c.kept * w.c.slices, local = at_most(64, g->p->target->max_group);
  nc_emit_line(e, 0, "const %s g = item_, slice = g / %lld, k = g %% %lld;", e->idx, (long long)w.c.kept, (long long)w.c.kept);
  put_slice(&w, w.c.reduced);
  nc_emit_open(e, true);
  w.level = e->depth;
  NcIx *kept = nc_ix_var(&e->ix, "k", NULL, true, 0, w.c.kept - 1, 0);
  nc_emit_open(e, false);
  take(&w, w.fold, kept, nc_emit_var(e, "n", w.c.reduced, false), true);
  nc_emit_close(e, count_up(e, "n", "first", "last", 1));
  conclude(&w, w.fold, kept);
  nc_emit_close(e, nc_sprintf(e->arena, "if (g < %lld)", (long long)items));
  nc_gen_kernel(g, e, "reduce", (size_t)items, (size_t)local);
}

// ---- The second kernel

static void merge(Red *w, NcIx *kept) {
  NcEmit *e = w->e;
  int ws = e->p->workspace[w->r->id];
  w->level = e->depth;
  nc_emit_open(e, false);
  NcIx *s = nc_emit_var(e, "s", w->c.slices, false);
  for (int i = 0; i < w->n; i++) {
    NcFold *f = &w->fold[i], from;
    *f = nc_fold_new(e, nc_fold_kind(nc_attr_str(w->red[i], "op")), w->red[i]->in[0]->type.dtype);
    f->vec = e->lanes > 1;
    nc_fold_declare(e, w->level, f);
    from = *f;
    NcDtype t = partial_type(f->t);
    from.acc = nc_emit_wide(e, nc_emit_load(e, ws, t, partial_at(w, i, false, t, s, kept)), f->vec);
    if (f->at) from.at = nc_emit_wide(e, nc_emit_load(e, ws, NC_I32, partial_at(w, i, true, NC_I32, s, kept)), f->vec);
    nc_fold_merge(e, e->depth, f, &from);
  }
  nc_emit_close(e, count_up(e, "s", "0", nc_sprintf(e->arena, "%lld", (long long)w->c.slices), 1));
  int64_t slices = w->c.slices;
  w->c.slices = 1;                   // nothing is left to be folded
  conclude(w, w->fold, kept);
  w->c.slices = slices;
}

static void second(NcGen *g, const NcRegion *r) {
  Red w = start(g, r);
  NcEmit *e = w.e;
  bool cpu = g->p->target->cls == NC_CLASS_CPU;
  int lanes = cpu && w.c.kept >= g->p->target->vector ? g->p->target->vector : 1;
  int64_t local = cpu ? 1 : at_most(64, g->p->target->max_group);
  nc_emit_line(e, 0, "const %s k = item_ * %d;", e->idx, lanes);
  if (lanes > 1) {
    e->lanes = lanes;
    nc_emit_open(e, w.c.kept % lanes != 0);
    merge(&w, nc_emit_var(e, "k", w.c.kept, true));
    nc_emit_close(e, nc_sprintf(e->arena, "if (k + %d <= %lld)", lanes, (long long)w.c.kept));
    e->lanes = 1;
  }
  if (w.c.kept % lanes || lanes == 1) {
    nc_emit_open(e, true);
    NcIx *kept = nc_emit_var(e, "i", w.c.kept, false);
    merge(&w, kept);
    nc_emit_close(e, lanes == 1 ? nc_sprintf(e->arena, "for (%s i = k; i < min(k + 1, (%s)%lld); i++)", e->idx, e->idx, (long long)w.c.kept)
                                : nc_sprintf(e->arena, "if (k + %d > %lld) for (%s i = k; i < %lld; i++)", lanes, (long long)w.c.kept, e->idx, (long long)w.c.kept));
  }
  nc_gen_kernel(g, e, "merge", (size_t)ceil_div(w.c.kept, lanes), (size_t)local);
}

bool nc_gen_reduce(NcGen *g, const NcRegion *r) {
  Cut c = cut(r, g->p->target);
  bool cpu = g->p->target->cls == NC_CLASS_CPU;
  if (cpu) (c.inner_kept ? cpu_b : cpu_a)(g, r);
  else (c.inner_kept || c.reduced < 64 ? gpu_b : gpu_a)(g, r);
  if (c.slices > 1) second(g, r);
  return true;
}
