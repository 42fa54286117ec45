// Lifetimes: which values need memory from when to when, and which may lie where an earlier one ends.
#include "gen/gen.h"
#include "passes/place.h"

static int new_block(NcMemory *m, size_t bytes, int first, int last) {
  *NC_PUSH(m->mem, m->block) = (NcBlock){.bytes = nc_round_up(bytes, m->p->plan->align), .first = first, .last = last};
  return m->block.n - 1;
}

static void reads(NcMemory *m) {
  NcRegions *r = m->r;
  for (int i = 0; i < r->region.n; i++) {
    NcRegion *g = r->region.at[i];
    for (int p = 0; p < (g->parts ? g->parts : 1); p++)
      for (int k = 0; k < g->input.n; k++) m->last_read[(g->parts ? g->part_input[p][k] : g->input.at[k])->id] = i;
  }
  for (int i = 0; i < r->graph->output.n; i++)
    m->last_read[nc_base(r->graph->output.at[i].node)->id] = r->region.n;
}

// The temps that an update reads lie one after the other, in one block that lives until then.
static void packs(NcMemory *m) {
  NcRegions *r = m->r;
  for (int i = 0; i < r->region.n; i++) {
    NcRegion *g = r->region.at[i];
    int64_t count = 0;
    int64_t *start = g->parts ? nc_pack_starts(g, m->mem, m->p->plan->align, &count) : NULL;
    for (int k = 0; g->parts && k < g->input.n; k++) {
      if (nc_pack_shared(g, k) || nc_is_leaf(g->part_input[0][k])) continue;
      size_t bytes = nc_dtype_bytes(g->part_input[0][k]->type.dtype);
      int b = new_block(m, (size_t)count * bytes, i, i);
      for (int p = 0; p < g->parts; p++) {
        int id = g->part_input[p][k]->id, from = r->producer[id]->order;
        m->of[id] = b;
        m->within[id] = (size_t)start[p] * bytes;
        if (from < m->block.at[b].first) m->block.at[b].first = from;
        if (m->last_read[id] > m->block.at[b].last) m->block.at[b].last = m->last_read[id];
      }
    }
  }
}

// An input of g that ends here and whose place the output may take over; -1: none.
static int reusable(NcMemory *m, const NcRegion *g, const NcNode *value, int at) {
  for (int i = 0; i < g->input.n; i++) {
    NcNode *n = g->input.at[i];
    int b = m->of[n->id];
    if (b < 0 || m->block.at[b].last != at || m->last_read[n->id] != at || m->within[n->id]) continue;
    if (m->block.at[b].bytes != nc_round_up(nc_type_bytes(value->type), m->p->plan->align)) continue;
    if (nc_reads_in_step(m->r, g, n, value)) return b;
  }
  return -1;
}

static void temps(NcMemory *m) {
  for (int i = 0; i < m->r->region.n; i++) {
    NcRegion *g = m->r->region.at[i];
    size_t work = nc_region_workspace(m->mem, g, m->state->target);
    m->workspace[g->id] = work ? new_block(m, work, i, i) : -1;
    for (int k = 0; k < g->output.n; k++) {
      NcNode *n = g->output.at[k];
      if (g->assign.at[k] || g->kind == NC_REGION_COPY || m->of[n->id] >= 0) continue;
      int last = m->last_read[n->id] > i ? m->last_read[n->id] : i;
      int b = last > i ? reusable(m, g, n, i) : -1;
      if (b >= 0) m->block.at[b].last = last;
      else b = new_block(m, nc_type_bytes(n->type), i, last);
      m->of[n->id] = b;
    }
  }
}

void nc_memory_lives(NcMemory *m) {
  reads(m);
  packs(m);
  temps(m);
}
