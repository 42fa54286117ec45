// The caches of a step filled for many positions by one pass over the whole sequence; see advance.h.
#include "ops/advance.h"

// The rows of `count` positions, and zeros.
static NcNode *rows(NcGraph *g, NcNode *x, int axis, NcNode *count) {
  NcShape s = x->type.shape;
  NcNode *there = nc_op2(g, x->at, "lt", nc_iota(g, x->at, (NcType){NC_I32, s}, axis), nc_broadcast(g, x->at, count, s, NULL));
  return nc_op3(g, x->at, "select", there, x, nc_like(g, x, 0));
}

NcGraph *nc_advance_fill(NcArena *a, const NcGraph *g, const NcAdvance *step) {
  for (int i = 0; i < step->cache.n; i++)
    if (!step->cache.at[i].node) return NULL;
  if (!step->cache.n) return NULL;
  NcGraph view = *g;                                   // nothing but what is kept
  view.name = "fill";
  view.effect.n = view.output.n = view.output.cap = 0;
  for (int i = 0; i < step->cache.n; i++)
    nc_graph_output(&view, step->cache.at[i].name, (NcNode *)step->cache.at[i].node);
  NcNode **map = NC_NEW_N(a, NcNode *, g->node.n + 1);
  NcGraph *to = nc_graph_rewrite(&view, a, NULL, NULL, map);
  if (!to) return NULL;
  to->output.n = 0;
  NcNode *count = nc_input(to, step->cache.at[0].node->at, "count", (NcType){.dtype = NC_I32});
  for (int i = 0; i < step->cache.n; i++) {
    const NcKept *k = &step->cache.at[i];
    NcNode *n = map[k->node->id], *all = rows(to, n, k->axis, count);
    if (!all) return NULL;
    nc_assign(to, n->at, nc_var(to, n->at, k->name, "cache", all->type), all);
  }
  return nc_graph_prune(to);
}
