// Rebuilding a graph from its roots, node by node, with a rewriter in between.
#include "graph/graph.h"
#include "ops/op.h"

bool *nc_graph_reached(const NcGraph *g, NcArena *a) {
  bool *live = NC_NEW_N(a, bool, g->node.n + 1);
  for (int i = 0; i < g->output.n; i++) live[g->output.at[i].node->id] = true;
  for (int i = 0; i < g->effect.n; i++) live[g->effect.at[i]->id] = true;
  for (int i = g->node.n - 1; i >= 0; i--)
    for (int k = 0; live[i] && k < g->node.at[i]->nin; k++) live[g->node.at[i]->in[k]->id] = true;
  return live;
}

NcGraph *nc_graph_rewrite(const NcGraph *g, NcArena *a, NcRewrite *f, void *ctx, NcNode **map) {
  NcGraph *to = nc_graph_new(a, g->diag, g->name);
  bool *live = nc_graph_reached(g, a);
  if (!map) map = NC_NEW_N(a, NcNode *, g->node.n + 1);
  NC_VEC(NcNode *) in = {0};
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *old = g->node.at[i];
    map[i] = NULL;
    if (!live[i]) continue;
    in.n = 0;
    for (int k = 0; k < old->nin; k++) *NC_PUSH(a, in) = map[old->in[k]->id];
    if (f) map[i] = f(ctx, to, old, in.at);
    if (!map[i]) map[i] = nc_copy_node(to, old, in.at);
    if (!map[i]) return NULL;
  }
  for (int i = 0; i < g->output.n; i++) nc_graph_output(to, g->output.at[i].name, map[g->output.at[i].node->id]);
  to->effect.n = 0;   // what the rewriter registered comes back here, in the old order
  for (int i = 0; i < g->effect.n; i++) {
    NcNode *n = map[g->effect.at[i]->id];
    if (n->op->kind == NC_EFFECT) nc_graph_effect(to, n);
  }
  return to;
}
