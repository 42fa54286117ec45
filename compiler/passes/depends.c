// How regions depend on each other, and within a region, how results depend on what is read.
#include "passes/passes.h"

static void add(NcRegions const *r, NcRegionList *l, NcRegion *g, const NcRegion *self) {
  if (!g || g == self) return;
  for (int i = 0; i < l->at.n; i++)
    if (l->at.at[i] == g) return;
  *NC_PUSH(r->arena, l->at) = g;
}

// Inputs and assigned variables of all parts.
static int parts(const NcRegion *g) { return g->parts ? g->parts : 1; }
static NcNode *input(const NcRegion *g, int part, int i) { return g->parts ? g->part_input[part][i] : g->input.at[i]; }
static NcNode *assigned(const NcRegion *g, int part, int i) {
  return g->parts ? g->part_assign[part][i] : g->assign.at[i];
}

NcRegionList *nc_regions_depends(const NcRegions *r) {
  NcRegionList *before = NC_NEW_N(r->arena, NcRegionList, r->ids + 1);
  NcRegionList *readers = NC_NEW_N(r->arena, NcRegionList, r->graph->node.n + 1);
  for (int i = 0; i < r->region.n; i++) {
    NcRegion *g = r->region.at[i];
    for (int p = 0; p < parts(g); p++)
      for (int k = 0; k < g->input.n; k++) {
        NcNode *n = input(g, p, k);
        add(r, &readers[n->id], g, NULL);
        add(r, &before[g->id], r->producer[n->id], g);
      }
  }
  for (int i = 0; i < r->region.n; i++) {
    NcRegion *g = r->region.at[i];
    for (int p = 0; p < parts(g); p++)
      for (int k = 0; k < g->assign.n; k++) {
        NcNode *var = assigned(g, p, k);
        for (int j = 0; var && j < readers[var->id].at.n; j++) add(r, &before[g->id], readers[var->id].at.at[j], g);
      }
  }
  return before;
}

// A member is out of step when its elements go into other elements of the results: moved, spread over rows, or reduced.
bool nc_reads_in_step(const NcRegions *r, const NcRegion *g, const NcNode *leaf, const NcNode *value) {
  if (g->kind == NC_REGION_ROW || g->kind == NC_REGION_COPY || g->kind == NC_REGION_LOOP) return false;   // read several times
  // Of one type: a compiler may take it that places of two types are not the same.
  if (leaf->type.dtype != value->type.dtype || nc_count(leaf->type.shape) != nc_count(value->type.shape)) return false;
  bool *out = NC_NEW_N(r->arena, bool, r->graph->node.n + 1);
  for (int i = g->core.n - 1; i >= 0; i--) {
    const NcNode *n = g->core.at[i];
    const NcReads *reads = &r->flow->reads[n->id];
    bool spread = out[n->id] || n->op->kind == NC_REDUCE;
    for (int k = 0; k < reads->at.n; k++) {
      const NcRead *rd = &reads->at.at[k];
      bool moved = spread || rd->buffer || rd->path != NC_PATH_DIRECT;
      if (moved && rd->from == leaf) return false;
      out[rd->from->id] |= moved;
    }
  }
  return true;
}
