// scatter_add: rows of dy [before][picks][after] summed at the places that the index names, in the order of the index and
// without atomics, so that the sums are always the same.
//
// A work-item owns some places × columns of the result: it clears them, goes through the whole index once, and adds
// the rows that belong to its places. dy and the result are read once; the index by every item, which is little where
// rows are long. cpu: columns in vectors. gpu: a column per item.
#include "gen/kernel.h"

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

typedef struct {
  NcEmit *e;
  NcNode *n;
  int64_t before, size, after, picks;
  int64_t blocks, rows, chunks, width;     // of places; places in one; of columns; columns in one
  bool apart;                              // each of `before` has picks of its own
  int to;                                  // buffer of the sums
  NcDtype sum;                             // their type
} Scatter;

static NcDtype sum_type(const NcNode *n) { return nc_dtype_float(n->type.dtype) ? NC_F32 : n->type.dtype; }

static Scatter sizes(NcGen *g, const NcRegion *r) {
  NcNode *n = r->anchor;
  const NcTarget *t = g->p->target;
  int64_t axis = nc_attr_int(n, "axis"), units = at_least(t->compute_units, 1) * (t->cls == NC_CLASS_CPU ? 8 : 1024);
  NcShape s = n->type.shape;
  Scatter c = {.n = n, .before = 1, .size = s.dim[axis], .after = 1, .picks = nc_count(n->in[1]->type.shape), .sum = sum_type(n)};
  c.apart = nc_attr(n, "batch") != NULL;
  for (int i = 0; i < axis; i++) c.before *= s.dim[i];
  for (int i = (int)axis + 1; i < s.rank; i++) c.after *= s.dim[i];
  if (c.apart) c.picks /= c.before;
  c.width = t->cls == NC_CLASS_CPU ? at_least(64, ceil_div(ceil_div(c.after * c.before, units), 64) * 64) : 1;
  c.width = at_most(c.width, c.after);
  c.chunks = ceil_div(c.after, c.width);
  c.rows = ceil_div(c.size, at_most(c.size, ceil_div(units, c.before * c.chunks)));
  c.blocks = ceil_div(c.size, c.rows);
  return c;
}

// One of the two sweeps over this item's columns: clears place `x` (pick NULL) or adds pick `pick` to it.
static void columns(Scatter *c, int lanes, NcIx *before, NcIx *x, NcIx *pick) {
  NcEmit *e = c->e;
  e->lanes = lanes;
  nc_emit_open(e, false);
  const char *name = nc_emit_name(e, "c");
  NcIx *col = nc_emit_var(e, name, c->after, true);
  NcIxs *s = &e->ix;
  NcIx *to = nc_ix_add(s, nc_ix_scale(s, nc_ix_add(s, nc_ix_scale(s, before, c->size), x), c->after), col);
  NcVal v = {nc_emit_zero(e, c->sum, 0), c->sum, false, 0};
  if (pick) {
    NcIx *from = nc_ix_add(s, nc_ix_scale(s, nc_ix_add(s, nc_ix_scale(s, before, c->picks), pick), c->after), col);
    NcVal a = nc_emit_load(e, c->to, c->sum, to), b = nc_emit_load(e, nc_emit_buffer(e, c->n->in[0]), c->n->in[0]->type.dtype, from);
    v = nc_emit_temp(e, e->depth, c->sum, lanes > 1, nc_sprintf(e->arena, "%s + %s", a.s, b.s));
  }
  nc_emit_store(e, e->depth, c->to, c->sum, to, v);
  const int w = e->p->target->vector;
  const char *from = c->width >= w ? nc_sprintf(e->arena, "left + (right - left) / %d * %d", w, w) : "left";
  const char *wide = nc_sprintf(e->arena, "for (%s %s = left; %s + %d <= right; %s += %d)", e->idx, name, name, lanes, name, lanes);
  nc_emit_close(e, lanes > 1 ? wide : nc_sprintf(e->arena, "for (%s %s = %s; %s < right; %s++)", e->idx, name, from, name, name));
  e->lanes = 1;
}

static void both(Scatter *c, NcIx *before, NcIx *x, NcIx *pick) {
  int w = c->e->p->target->vector;
  if (c->width >= w) columns(c, w, before, x, pick);
  if (c->width < w || c->after % w) columns(c, 1, before, x, pick);
}

static void sums(NcGen *g, const NcRegion *r, int to) {
  Scatter c = sizes(g, r);
  NcEmit *e = c.e = nc_emit_new(g->p, r, g->arena);
  bool cpu = g->p->target->cls == NC_CLASS_CPU;
  size_t items = (size_t)(c.before * c.blocks * c.chunks), local = cpu ? 1 : (size_t)at_most(64, g->p->target->max_group);
  e->idx = nc_gen_index_type(g, r);
  c.to = to;
  nc_emit_line(e, 0, "const %s g = item_;", e->idx);
  nc_emit_open(e, true);
  nc_emit_line(e, 1, "const %s left = g %% %lld * %lld, right = min(left + %lld, (%s)%lld);", e->idx, (long long)c.chunks,
               (long long)c.width, (long long)c.width, e->idx, (long long)c.after);
  nc_emit_line(e, 1, "const %s from = g / %lld %% %lld * %lld, to = min(from + %lld, (%s)%lld);", e->idx, (long long)c.chunks,
               (long long)c.blocks, (long long)c.rows, (long long)c.rows, e->idx, (long long)c.size);
  nc_emit_line(e, 1, "const %s p = g / %lld;", e->idx, (long long)(c.chunks * c.blocks));
  NcIx *before = nc_emit_var(e, "p", c.before, false);
  nc_emit_open(e, false);
  both(&c, before, nc_emit_var(e, "x", c.size, false), NULL);
  nc_emit_close(e, nc_sprintf(e->arena, "for (%s x = from; x < to; x++)", e->idx));
  nc_emit_open(e, true);
  NcIx *pick = nc_emit_var(e, "i", c.picks, false);
  NcIx *own = c.apart ? nc_ix_add(&e->ix, nc_ix_scale(&e->ix, before, c.picks), pick) : pick;
  NcVal at = nc_emit_load(e, nc_emit_buffer(e, c.n->in[1]), NC_I32, own);
  nc_emit_line(e, e->depth, "if (%s < from || %s >= to) continue;", at.s, at.s);
  both(&c, before, nc_emit_var(e, at.s, c.size, false), pick);
  nc_emit_close(e, nc_sprintf(e->arena, "for (%s i = 0; i < %lld; i++)", e->idx, (long long)c.picks));
  nc_emit_close(e, nc_sprintf(e->arena, "if (g < %lld)", (long long)items));
  nc_gen_kernel(g, e, "scatter", items, local);
}

static bool direct(const NcRegion *r) {
  return r->node.n == 1 && r->output.n == 1 && r->output.at[0] == r->anchor && sum_type(r->anchor) == r->anchor->type.dtype;
}

bool nc_gen_scatter(NcGen *g, const NcRegion *r) {
  if (direct(r)) {
    sums(g, r, g->p->place[(r->assign.at[0] ? r->assign.at[0] : r->anchor)->id].buffer);
    return true;
  }
  int work = g->p->workspace[r->id];
  sums(g, r, work);
  nc_gen_after(g, r, work);
  return true;
}

size_t nc_scatter_workspace(const NcRegion *r) {
  return direct(r) ? 0 : (size_t)nc_count(r->anchor->type.shape) * nc_dtype_bytes(sum_type(r->anchor));
}
