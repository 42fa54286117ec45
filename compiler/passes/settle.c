// From what each region computes (core) and where each value lives (producer) follow its members, inputs, outputs and
// assigns. Fusion and recomputation change the former two and call this.
#include <stdlib.h>
#include "passes/passes.h"

typedef struct {
  NcRegions *r;
  NcRegion *g;
  bool *seen;              // by node id
  bool *core;              // by node id
} Walk;

static void add_input(Walk *w, NcNode *n) { *NC_PUSH(w->r->arena, w->g->input) = n; }

// Back through movement to members and inputs.
static void reach(Walk *w, NcNode *n) {
  if (w->seen[n->id]) return;
  w->seen[n->id] = true;
  if (w->core[n->id]) return;
  if (nc_is_leaf(n) || w->r->producer[n->id]) {
    add_input(w, n);
    return;
  }
  *NC_PUSH(w->r->arena, w->g->node) = n;
  for (int k = 0; k < n->nin; k++) reach(w, n->in[k]);
}

static int by_id(const void *x, const void *y) { return (*(NcNode *const *)x)->id - (*(NcNode *const *)y)->id; }

static void members(NcRegions *r, NcRegion *g, bool *seen, bool *core) {
  Walk w = {r, g, seen, core};
  for (int i = 0; i < r->graph->node.n; i++) seen[i] = core[i] = false;
  g->node.n = g->input.n = g->output.n = g->assign.n = 0;
  for (int i = 0; i < g->core.n; i++) core[g->core.at[i]->id] = true;
  for (int i = 0; i < g->core.n; i++) {
    NcNode *n = g->core.at[i];
    *NC_PUSH(r->arena, g->node) = n;
    for (int k = 0; k < n->nin; k++) reach(&w, n->in[k]);
    if (r->producer[n->id] != g) continue;
    *NC_PUSH(r->arena, g->output) = n;
    *NC_PUSH(r->arena, g->assign) = NULL;
  }
  if (g->node.n) qsort(g->node.at, (size_t)g->node.n, sizeof *g->node.at, by_id);
  if (g->input.n) qsort(g->input.at, (size_t)g->input.n, sizeof *g->input.at, by_id);
  if (g->kind != NC_REGION_ROW && g->output.n) g->space = g->output.at[0]->type.shape;
}

// Keeps of the core what the region's results need.
void nc_region_prune(const NcRegions *r, NcRegion *g) {
  bool *needed = NC_NEW_N(r->arena, bool, r->graph->node.n + 1);
  int kept = g->core.n, n = 0;
  for (int i = g->core.n - 1; i >= 0; i--) {
    NcNode *c = g->core.at[i];
    if (!needed[c->id] && r->producer[c->id] != g) continue;
    const NcReads *reads = &r->flow->reads[c->id];
    for (int k = 0; k < reads->at.n; k++) needed[reads->at.at[k].from->id] = true;
    g->core.at[--kept] = c;
  }
  for (int i = kept; i < g->core.n; i++) g->core.at[n++] = g->core.at[i];
  g->core.n = n;
}

static void aliases(NcRegions *r) {
  for (int i = 0; i < r->graph->node.n; i++) {
    NcNode *b = nc_base(r->graph->node.at[i]);
    r->alias[i] = nc_is_leaf(b) || r->producer[b->id] ? b->id : -1;
  }
}

void nc_regions_settle(NcRegions *r) {
  bool *seen = NC_NEW_N(r->arena, bool, r->graph->node.n + 1), *core = NC_NEW_N(r->arena, bool, r->graph->node.n + 1);
  aliases(r);
  int kept = 0;
  for (int i = 0; i < r->region.n; i++) {
    NcRegion *g = r->region.at[i];
    if (g->kind == NC_REGION_COPY) continue;   // made anew below
    members(r, g, seen, core);
    if (g->output.n) r->region.at[kept++] = g;
  }
  r->region.n = kept;
  nc_regions_assign(r);
}
