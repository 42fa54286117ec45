#include "passes/region.h"
#include <stdlib.h>
#include <string.h>
#include "passes/flow.h"

const char *nc_region_name(NcRegionKind k) {
  static const char *const names[] = {
#define X(id, name, doc) name,
    NC_REGION_KINDS(X)
#undef X
  };
  return names[k];
}

bool nc_materialised(const NcRegions *r, const NcNode *n) { return r->alias[n->id] == n->id; }

NcNode *nc_alias(const NcRegions *r, const NcNode *n) {
  int id = r->alias[n->id];
  return id < 0 ? NULL : r->graph->node.at[id];
}

bool nc_has_member(const NcRegion *r, const NcNode *n) {
  int lo = 0, hi = r->node.n;
  while (lo < hi) {
    int mid = (lo + hi) / 2;
    if (r->node.at[mid]->id < n->id) lo = mid + 1;
    else hi = mid;
  }
  return lo < r->node.n && r->node.at[lo] == n;
}

static bool role(const NcRegions *r, const NcNode *leaf, const char *op, char role) {
  return r->loop && strcmp(leaf->op->name, op) == 0 && nc_attr_str(leaf, "name")[0] == role;
}
bool nc_turns_with(const NcRegions *r, const NcNode *leaf) {
  return role(r, leaf, "input", 'x') || role(r, leaf, "var", 'y');
}
bool nc_is_turn(const NcRegions *r, const NcNode *leaf) {
  return role(r, leaf, "input", 't') && !nc_attr_str(leaf, "name")[1];
}

// The whole of a turn: the regions may be those of a slice.
int64_t nc_turn_stride(const NcRegions *r, const NcNode *leaf) {
  if (!nc_turns_with(r, leaf)) return 0;
  const char *name = nc_attr_str(leaf, "name");
  const NcNode *n = *name == 'x' ? nc_loop_input(r->loop->body, 'x', atoi(name + 1)) : nc_loop_output(r->loop->body, 'y', atoi(name + 1));
  return nc_count(n->type.shape);
}

static void list(NcBuf *out, const char *word, int n, NcNode *const *at) {
  if (n) nc_putf(out, " %s", word);
  for (int i = 0; i < n; i++) nc_putf(out, " %%%d", at[i]->id);
}

void nc_regions_print(const NcRegions *r, NcBuf *out) {
  for (int i = 0; i < r->region.n; i++) {
    const NcRegion *g = r->region.at[i];
    nc_putf(out, "region %d %s ", g->id, nc_region_name(g->kind));
    nc_put_shape(out, g->space);
    if (g->anchor) nc_putf(out, " anchor %%%d", g->anchor->id);
    if (g->parts) nc_putf(out, " parts %d", g->parts);
    list(out, "reads", g->input.n, g->input.at);
    list(out, "writes", g->output.n, g->output.at);
    nc_putc(out, '\n');
    for (int k = 0; k < g->output.n; k++)
      if (g->assign.at[k]) nc_putf(out, "  assign %%%d to %%%d\n", g->output.at[k]->id, g->assign.at[k]->id);
    for (int k = 0; k < g->node.n; k++) {
      nc_put(out, "  ");
      nc_node_print(g->node.at[k], out);
      nc_putc(out, '\n');
    }
    if (!g->body) continue;
    nc_putf(out, "turns %lld", (long long)g->body->l.trips);
    if (g->body->parts) nc_putf(out, " in slices %lld", (long long)g->body->parts);
    nc_put(out, " of {\n");
    nc_regions_print(g->body->placement->regions, out);
    nc_put(out, "}\n");
  }
}
