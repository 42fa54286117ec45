// Clusters: regions while they grow. Private to fusion.
#ifndef NC_CLUSTER_H
#define NC_CLUSTER_H
#include "passes/passes.h"

typedef struct {
  int id;
  NcRegionKind kind;
  NcNode *anchor;
  int64_t result, full;      // elements of results; of what is reduced (ROW, REDUCE), else the same
  bool closed;               // merges with nothing
  int again;                 // the largest of its nodes (NcNode.again)
  bool update;               // flows into variables only
  NC_VEC(NcNode *) node;     // empty: merged into another
  int rank;                  // its place among NcClusters.order
  int mark;                  // of the last search that came by
} NcCluster;

typedef struct {
  NcArena *arena;
  NcFlow *flow;
  NcCluster **of;            // by node id of core nodes
  NC_VEC(NcCluster *) all;
  int count, search;
  // All clusters so that values flow forward only; those that were merged into another are holes. A path between
  // two clusters stays between their ranks, which keeps the search for cycles short.
  NcCluster **order;
  NcCluster **stack;         // of the search for a cycle: as many as there are clusters
  int reached;               // the last such search: what it marked lies behind the earlier of the two
  int *seen;                 // by node id: the last search that counted it
} NcClusters;

bool nc_cluster_legal(NcClusters *c, NcCluster *a, NcCluster *b);     // may the two become one region?
// after nc_cluster_legal: `from` becomes a hole
void nc_cluster_reorder(NcClusters *c, NcCluster *into, NcCluster *from);
bool nc_cluster_in_memory(const NcClusters *c, const NcNode *n);      // read by others, or required
#endif
