// Pools and their gradients. A gradient of windows that do not overlap is made window by window: each element
// belongs to one, so a walk over the windows reads x, y and dy once, and writes all of dx.
#include <string.h>
#include "gen/kernel.h"

bool nc_gen_pool(NcGen *g, const NcRegion *r) {
  bool cpu = g->p->target->cls == NC_CLASS_CPU;
  return cpu && !nc_template_by_planes(g, r) ? nc_gen_map(g, r) : nc_gen_template(g, r);
}

enum { MOST_PLACES = 16 };

static bool tiles(const NcNode *n, const NcPool *p) {
  int64_t places = 1;
  NcShape s = n->type.shape;
  for (int i = 0; i < p->spatial; i++) {
    if (p->stride[i] != p->window[i] || p->lo[i] || p->hi[i] || s.dim[s.rank - p->spatial + i] % p->window[i]) return false;
    places *= p->window[i];
  }
  return places <= MOST_PLACES;
}

static const char *mask_type(NcEmit *e, bool vec) { return nc_emit_type(e, NC_BOOL, vec); }

// What place k of the window gets. found: name of the mask of windows whose maximum was met before.
static NcVal part(NcEmit *e, NcNode *n, NcIx *const *at, NcVal y, NcVal dy, const char **found, int64_t places) {
  if (n->nin == 1) {
    if (strcmp(nc_attr_str(n, "op"), "sum") == 0) return dy;
    return nc_emit_temp(e, e->depth, dy.t, dy.vec, nc_sprintf(e->arena, "%s * %s", dy.s, nc_emit_zero(e, dy.t, 1.0 / (double)places)));
  }
  NcVal x = nc_emit(e, n->in[0], at);
  const char *hit = nc_emit_name(e, "h"), *m = mask_type(e, x.vec), *all = *found ? *found : "0";
  const char *same = nc_sprintf(e->arena, "((%s == %s) | ((%s != %s) & (%s != %s)))", x.s, y.s, x.s, x.s, y.s, y.s);
  nc_emit_line(e, e->depth, "const %s %s = select((%s)(0), (%s)(-1), %s) & ~(%s)(%s);", m, hit, m, m, same, m, all);
  const char *now = nc_emit_name(e, "h");
  nc_emit_line(e, e->depth, "const %s %s = %s | %s;", m, now, *found ? *found : hit, hit);
  *found = now;
  return nc_emit_temp(e, e->depth, dy.t, x.vec, nc_sprintf(e->arena, "select((%s)(0), %s, %s)", nc_emit_type(e, dy.t, x.vec), dy.s, hit));
}

static void window(NcEmit *e, NcIx *flat, int64_t count) {
  (void)count;
  NcNode *n = e->region->anchor;
  NcShape s = n->type.shape, ys = n->in[n->nin - 1]->type.shape, ws = {0};
  NcPool p;
  nc_pool_grad_of(n, &p);
  NcIx *at[NC_MAX_RANK], *k[3], *lin[MOST_PLACES];
  NcOutVals v[MOST_PLACES];
  nc_ix_split(&e->ix, ys, flat, at);
  NcVal dy = nc_emit(e, n->in[n->nin - 1], at), y = n->nin == 3 ? nc_emit(e, n->in[1], at) : dy;
  ws = nc_shape(p.spatial, p.window);
  int64_t places = nc_count(ws);
  int first = s.rank - p.spatial;
  const char *found = NULL;
  for (int64_t i = 0; i < places; i++) {
    NcIx *to[NC_MAX_RANK];
    nc_ix_split(&e->ix, ws, nc_ix_const(&e->ix, i), k);
    for (int a = 0; a < s.rank; a++)
      to[a] = a < first ? at[a] : nc_ix_add(&e->ix, nc_ix_scale(&e->ix, at[a], p.stride[a - first]), k[a - first]);
    NcVal dx = part(e, n, to, y, dy, &found, places);
    lin[i] = nc_ix_linear(&e->ix, s, to);
    NcIx *coord[NC_MAX_RANK];
    nc_ix_split(&e->ix, s, lin[i], coord);
    nc_emit_bind(e, e->depth, n, coord, dx);
    v[i] = nc_gen_values(e, lin[i], nc_count(s));
  }
  for (int64_t i = 0; i < places; i++) nc_gen_store(e, e->depth, lin[i], v[i]);
}

bool nc_gen_pool_grad(NcGen *g, const NcRegion *r) {
  NcPool p;
  nc_pool_grad_of(r->anchor, &p);
  if (nc_template_by_planes(g, r)) return nc_gen_template(g, r);
  if (tiles(r->anchor, &p)) {
    nc_gen_walk(g, r, "pool_grad", r->anchor->in[r->anchor->nin - 1]->type.shape, window);
    return true;
  }
  return g->p->target->cls == NC_CLASS_CPU ? nc_gen_map(g, r) : nc_gen_template(g, r);
}
