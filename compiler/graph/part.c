// A part of a graph: what lies between some nodes and others that depend on them.
#include "graph/graph.h"

NcPart nc_graph_between(const NcGraph *g, NcArena *a, int nfrom, NcNode *const *from, int nroot, NcNode *const *root) {
  int count = g->node.n;
  bool *live = NC_NEW_N(a, bool, count + 1), *after = NC_NEW_N(a, bool, count + 1);
  for (int i = 0; i < nroot; i++) live[root[i]->id] = true;
  for (int i = count - 1; i >= 0; i--)
    for (int k = 0; live[i] && k < g->node.at[i]->nin; k++) live[g->node.at[i]->in[k]->id] = true;
  for (int i = 0; i < nfrom; i++) after[from[i]->id] = true;
  NC_VEC(NcNode *) found = {0};
  for (int i = 0; i < count; i++) {
    if (!live[i] || after[i]) continue;
    for (int k = 0; !after[i] && k < g->node.at[i]->nin; k++) after[i] = after[g->node.at[i]->in[k]->id];
    if (after[i]) *NC_PUSH(a, found) = g->node.at[i];
  }
  return (NcPart){found.n, found.at, count};
}

bool nc_graph_again(NcGraph *g, const NcPart *p, NcNode **map) {
  NC_VEC(NcNode *) in = {0};
  for (int i = 0; i < p->n; i++) {
    const NcNode *n = p->node[i];
    in.n = 0;
    for (int k = 0; k < n->nin; k++) *NC_PUSH(g->arena, in) = map[n->in[k]->id] ? map[n->in[k]->id] : n->in[k];
    map[n->id] = nc_copy_node(g, n, in.at);
    if (!map[n->id]) return false;
  }
  return true;
}
