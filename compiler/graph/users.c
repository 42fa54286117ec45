// Who reads a node.
#include "graph/graph.h"

NcUsers nc_graph_users(const NcGraph *g, NcArena *a) {
  int count = g->node.n;
  NcUsers u = {NC_NEW_N(a, int, count + 1), NC_NEW_N(a, NcNode **, count + 1)};
  for (int i = 0; i < count; i++)
    for (int k = 0; k < g->node.at[i]->nin; k++) u.n[g->node.at[i]->in[k]->id]++;   // an upper bound
  for (int i = 0; i < count; i++) {
    u.user[i] = NC_NEW_N(a, NcNode *, u.n[i]);
    u.n[i] = 0;
  }
  for (int i = 0; i < count; i++) {
    NcNode *n = g->node.at[i];
    for (int k = 0; k < n->nin; k++) {
      int from = n->in[k]->id;
      if (!u.n[from] || u.user[from][u.n[from] - 1] != n) u.user[from][u.n[from]++] = n;
    }
  }
  return u;
}
