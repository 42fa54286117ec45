// Walks over an index space, each element on its own; and maps, which make the region's outputs on such a walk: also the
// optimizer's update over packs, and the way in which any region can run when no faster form applies.
//
//   cpu: a work-item walks a run of elements, W at a time. The elements are seen as [outer][inner]; inner is
//        as many trailing axes as can be walked with neighbouring loads.
//   gpu: a work-item has one element, or four neighbouring ones.
#include "gen/kernel.h"

typedef struct {
  int64_t outer, inner;
  int lanes;
  double cost;           // per element, in loads and operations
} Walk;

typedef struct {
  NcGen *g;
  const NcRegion *r;
  const char *stem;
  NcShape space;
  NcWalkBody *body;
} Job;

static NcEmit *emitter(const Job *j) {
  NcGen *g = j->g;
  const NcRegion *r = j->r;
  NcEmit *e = nc_emit_new(g->p, r, g->arena);
  e->idx = nc_gen_index_type(g, r);
  e->anchor = g->anchor;
  return e;
}

// The innermost loop over [from, to), at e->lanes lanes; `o` is the outer index.
static void run(const Job *j, NcEmit *e, const Walk *w, NcIx *o, const char *var, const char *from, const char *to) {
  nc_emit_open(e, false);
  NcIx *i = nc_emit_var(e, var, w->inner, true);
  NcIx *flat = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, o, w->inner), i);
  j->body(e, flat, w->outer * w->inner);
  nc_emit_close(e, e->lanes > 1 ? nc_sprintf(e->arena, "for (%s %s = %s; %s + %d <= %s; %s += %d)", e->idx, var, from, var, e->lanes, to, var, e->lanes)
                                : nc_sprintf(e->arena, "for (%s %s = %s; %s < %s; %s++)", e->idx, var, from, var, to, var));
}

static void price(const Job *j, Walk *w) {
  NcEmit *e = emitter(j);
  e->lanes = w->lanes;
  nc_emit_open(e, false);
  NcIx *o = nc_emit_var(e, "o", w->outer, false);
  run(j, e, w, o, "i", "0", "0");
  const NcTally *t = &e->tally;
  double vector = t->ops + t->unit + t->same * 0.5 + t->gather * 1.5 * w->lanes, scalar = t->ops + t->unit + t->same + t->gather;
  int64_t whole = w->lanes > 1 ? w->inner / w->lanes : 0, rest = w->inner - whole * w->lanes;
  w->cost = ((double)whole * vector + (double)rest * scalar + (w->outer > 1 ? 10 : 0)) / (double)w->inner;
}

static void consider(const Job *j, Walk w, Walk *best) {
  if (w.lanes > w.inner) return;
  price(j, &w);
  if (!best->inner || w.cost < best->cost * 0.97 || (w.cost <= best->cost && w.inner > best->inner)) *best = w;
}

// The best of all splits of the axes into outer and inner, vectorised and not.
static Walk choose(const Job *j) {
  Walk best = {0};
  NcShape space = j->space;
  int64_t count = nc_count(space), inner = 1;
  for (int axis = space.rank - 1; axis >= 0; axis--) {
    inner *= space.dim[axis];
    if (space.dim[axis] == 1) continue;
    consider(j, (Walk){count / inner, inner, j->g->p->target->vector, 0}, &best);
    consider(j, (Walk){count / inner, inner, 1, 0}, &best);
  }
  if (!best.inner) best = (Walk){1, count, 1, 8};
  return best;
}

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void cpu(const Job *j) {
  NcGen *g = j->g;
  Walk w = choose(j);
  int64_t count = w.outer * w.inner, units = g->p->target->compute_units > 0 ? g->p->target->compute_units : 1;
  // Enough pieces to share out evenly, each long enough to be worth a work-item.
  int64_t least = (int64_t)(4096 / (w.cost > 1 ? w.cost : 1)), piece = ceil_div(count, units * 8);
  if (least < 64) least = 64;
  if (piece < least) piece = least;
  NcEmit *e = emitter(j);
  e->aligned = true;
  bool split = w.inner > piece && (w.outer == 1 || w.inner >= 2 * piece);
  piece = split ? ceil_div(piece, 64) * 64 : w.inner;
  int64_t pieces = ceil_div(w.inner, piece), rows = split ? 1 : ceil_div(ceil_div(count, units * 8) > least ? ceil_div(count, units * 8) : least, w.inner);
  int64_t items = ceil_div(w.outer, rows) * pieces;
  nc_emit_line(e, 0, "const %s g = item_;", e->idx);
  const char *to = nc_sprintf(e->arena, "%lld", (long long)w.inner), *from = "0";
  if (pieces > 1) {
    nc_emit_line(e, 0, "const %s begin = g %% %lld * %lld, end = min(begin + %lld, (%s)%lld);", e->idx, (long long)pieces,
                 (long long)piece, (long long)piece, e->idx, (long long)w.inner);
    from = "begin";
    to = "end";
  }
  NcIx *o = nc_ix_const(&e->ix, 0);
  bool loop = rows > 1 && w.outer > 1;
  if (loop) {
    nc_emit_open(e, false);
    o = nc_emit_var(e, "o", w.outer, false);
  } else if (w.outer > 1) {
    nc_emit_line(e, 0, "const %s o = g / %lld;", e->idx, (long long)pieces);
    o = nc_emit_var(e, "o", w.outer, false);
  }
  e->lanes = w.lanes;
  if (w.lanes > 1) run(j, e, &w, o, "i", from, to);
  if (w.lanes == 1 || w.inner % w.lanes) {
    e->lanes = 1;
    const char *rest = w.lanes == 1 ? from : nc_sprintf(e->arena, "%s + (%s - %s) / %d * %d", from, to, from, w.lanes, w.lanes);
    run(j, e, &w, o, w.lanes == 1 ? "i" : "k", rest, to);
  }
  if (loop)
    nc_emit_close(e, nc_sprintf(e->arena, "for (%s o = g * %lld; o < min((g + 1) * %lld, (%s)%lld); o++)", e->idx,
                                (long long)rows, (long long)rows, e->idx, (long long)w.outer));
  nc_gen_kernel(g, e, j->stem, (size_t)items, 1);
}

static void gpu(const Job *j) {
  NcGen *g = j->g;
  int64_t count = nc_count(j->space);
  Walk w = {1, count, 4, 0};
  NcEmit *e = emitter(j);
  e->lanes = 4;
  run(j, e, &w, nc_ix_const(&e->ix, 0), "i", "0", "0");
  w.lanes = count % 4 == 0 && !e->tally.gather && !e->inlined ? 4 : 1;
  e = emitter(j);
  e->lanes = w.lanes;
  int64_t items = count / w.lanes, local = items >= 4096 ? 256 : 64;
  if (local > g->p->target->max_group) local = g->p->target->max_group;
  nc_emit_line(e, 0, "const %s i = item_%s;", e->idx, w.lanes > 1 ? " * 4" : "");
  nc_emit_open(e, true);
  NcIx *i = nc_emit_var(e, "i", count, true);
  j->body(e, i, count);
  nc_emit_close(e, nc_sprintf(e->arena, "if (i < %lld)", (long long)count));
  nc_gen_kernel(g, e, j->stem, (size_t)items, (size_t)local);
}

void nc_gen_walk(NcGen *g, const NcRegion *r, const char *stem, NcShape space, NcWalkBody *body) {
  Job j = {g, r, stem, space, body};
  if (g->p->target->cls == NC_CLASS_CPU) cpu(&j);
  else gpu(&j);
}

bool nc_gen_map(NcGen *g, const NcRegion *r) {
  if (r->kind == NC_REGION_UPDATE) {
    nc_gen_walk(g, r, "update", NC_SHAPE(r->pack_count), nc_gen_outputs);
    return true;
  }
  for (int i = 0; i < r->output.n; i++) {      // one kernel for each number of elements among the outputs
    NcShape s = r->output.at[i]->type.shape;
    bool seen = false;
    for (int k = 0; k < i; k++) seen |= nc_count(r->output.at[k]->type.shape) == nc_count(s);
    if (!seen) nc_gen_walk(g, r, "map", nc_count(r->space) == nc_count(s) && r->space.rank ? r->space : s, nc_gen_outputs);
  }
  return true;
}

void nc_gen_after(NcGen *g, const NcRegion *r, int buffer) {
  g->anchor = buffer;
  nc_gen_map(g, r);
  g->anchor = -1;
}
