// Fusion: every core node begins as a cluster of its own, and clusters are merged along the values that flow between
// them, until nothing more is both legal and worth it.
//
// Legal (legal.c) asks what the kernels of region.h can compute, and that no cycle arises. Worth it (here) is
// nearly always yes: a merge saves a launch and the writing and reading of a value. The exceptions are written out.
#include "passes/cluster.h"
#include <stdlib.h>
#include <string.h>

static const struct { NcOpKind op; const char *name; NcRegionKind kind; } templates[] = {
  {NC_DOT, "dot", NC_REGION_DOT}, {NC_CONV, "conv", NC_REGION_CONV}, {NC_CONV, "conv_weight", NC_REGION_CONV_WEIGHT},
  {NC_POOL, "pool", NC_REGION_POOL}, {NC_POOL, "pool_grad", NC_REGION_POOL_GRAD},
  {NC_CONTROL, "loop", NC_REGION_LOOP}, {NC_CONTROL, "loop_out", NC_REGION_LOOP},
  {NC_INDEX, "scatter_add", NC_REGION_SCATTER}, {NC_CUMULATIVE, "cumulative", NC_REGION_CUMULATIVE}, {NC_SORT, "argsort", NC_REGION_SORT},
  {NC_ATTENTION, "attention", NC_REGION_ATTENTION}, {NC_ATTENTION, "attention_grad", NC_REGION_ATTENTION},
};

// Are the reduced axes the last ones? Sizes of 1 do not count.
static bool reduces_rows(const NcNode *n) {
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  NcShape s = n->in[0]->type.shape;
  bool kept_after = false;
  for (int i = s.rank - 1; i >= 0; i--) {
    bool reduced = false;
    for (int k = 0; k < count; k++) reduced |= axes[k] == i;
    if (s.dim[i] == 1) continue;
    if (reduced && kept_after) return false;
    kept_after |= !reduced;
  }
  return true;
}

// A row is one work-item's or one group's work: few and long rows are better split over many, as REDUCE does.
static bool rows_suit(int64_t rows, int64_t len) { return len <= 16384 || rows >= 64; }

static NcRegionKind kind_of(const NcNode *n) {
  if (n->op->kind == NC_REDUCE) {
    int64_t rows = nc_count(n->type.shape), len = nc_count(n->in[0]->type.shape) / rows;
    return reduces_rows(n) && len > 1 && rows_suit(rows, len) ? NC_REGION_ROW : NC_REGION_REDUCE;
  }
  for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
    if (n->op->kind == templates[i].op && strcmp(n->op->name, templates[i].name) == 0) return templates[i].kind;
  return NC_REGION_MAP;
}

// Values that only ever go into variables through pointwise work: the optimizer. They stay apart from what computes
// gradients, so that one launch can update all parameters (update.c).
// Single numbers that they share (a learning rate, a correction) may be computed anywhere.
static bool *find_updates(const NcFlow *f, const NcUsers *users) {
  const NcGraph *g = f->graph;
  bool *only = NC_NEW_N(f->arena, bool, g->node.n + 1), *output = NC_NEW_N(f->arena, bool, g->node.n + 1);
  for (int i = 0; i < g->output.n; i++) output[g->output.at[i].node->id] = true;
  for (int i = g->node.n - 1; i >= 0; i--) {
    const NcNode *n = g->node.at[i];
    if (n->op->kind == NC_EFFECT) only[i] = true;
    if (output[i] || !users->n[i] || (n->op->kind != NC_POINTWISE && !nc_is_free(n))) continue;
    only[i] = true;
    for (int k = 0; k < users->n[i]; k++) only[i] &= only[users->user[i][k]->id];
  }
  return only;
}

// What joins two gradients, or scales one by a vector, belongs to the gradients: the update then reads one value, like
// the others, and can go along with them.
static void leave_gradients(const NcFlow *f, bool *only) {
  const NcGraph *g = f->graph;
  bool *assigned = NC_NEW_N(f->arena, bool, g->node.n + 1);
  for (int i = 0; i < g->effect.n; i++) assigned[g->effect.at[i]->in[0]->id] = true;
  for (int i = 0; i < g->node.n; i++) {
    if (!only[i] || !f->core[i] || f->required[i]) continue;
    const NcReads *r = &f->reads[i];
    int values = 0;
    for (int k = 0; k < r->at.n; k++) {
      const NcNode *from = r->at.at[k].from;
      if (only[from->id] || assigned[from->id]) values = INT32_MIN;
      else values += nc_count(from->type.shape) > 1;
    }
    only[i] = values < 2;
  }
}

// What a loop gives stays with it.
static void result_of_loop(NcClusters *c, NcNode *n) {
  NcCluster *k = c->of[n->in[0]->id];
  *NC_PUSH(c->arena, k->node) = n;
  c->of[n->id] = k;
}

static NcCluster *begin(NcClusters *c, NcNode *n, bool update) {
  NcCluster *k = NC_NEW(c->arena, NcCluster);
  k->id = c->count++;
  k->kind = kind_of(n);
  k->again = n->again;
  k->result = nc_count(n->type.shape);
  k->full = n->op->kind == NC_REDUCE ? nc_count(n->in[0]->type.shape) : k->result;
  if (k->kind != NC_REGION_MAP) k->anchor = n;
  k->closed = (k->kind == NC_REGION_REDUCE && k->full == k->result) || k->kind == NC_REGION_LOOP;
  k->update = update;
  *NC_PUSH(c->arena, k->node) = n;
  *NC_PUSH(c->arena, c->all) = k;
  c->of[n->id] = k;
  return k;
}

static void merge(NcClusters *c, NcCluster *into, NcCluster *from) {
  nc_cluster_reorder(c, into, from);
  if (into->kind == NC_REGION_MAP && from->kind != NC_REGION_MAP) {
    into->kind = from->kind;
    into->anchor = from->anchor;
    into->result = from->result;
    into->full = from->full;
  }
  if (from->again > into->again) into->again = from->again;
  if (into->anchor && from->anchor && from->anchor->id < into->anchor->id) into->anchor = from->anchor;
  for (int i = 0; i < from->node.n; i++) {
    *NC_PUSH(c->arena, into->node) = from->node.at[i];
    c->of[from->node.at[i]->id] = into;
  }
  from->node.n = 0;
}

static bool try(NcClusters *c, NcCluster *a, NcCluster *b) {
  if (a == b || !nc_cluster_legal(c, a, b)) return false;
  merge(c, a, b);
  return true;
}

// Along values: for each node in order, with what it reads, the latest first: that one's cluster holds the
// template whose result is still in registers, and what was read earlier lies in memory anyway.
static bool along_values(NcClusters *c) {
  bool any = false;
  for (int i = 0; i < c->flow->graph->node.n; i++) {
    if (!c->flow->core[i]) continue;
    const NcReads *r = &c->flow->reads[i];
    int before = INT32_MAX;
    for (int k = 0; k < r->at.n; k++) {
      int best = -1;
      for (int j = 0; j < r->at.n; j++) {
        int id = r->at.at[j].from->id;
        if (id < before && id > best && c->flow->core[id]) best = id;
      }
      if (best < 0) break;
      any |= try(c, c->of[best], c->of[i]);
      before = best;
    }
  }
  return any;
}

// Side by side: no value flows between them, but their spaces are equal. Worth it when they read a value in common, or
// when both are so small that the launch costs more than the work.
enum { SMALL = 1 << 14, NEAR = 64 };

static bool reads_in_common(const NcClusters *c, const NcCluster *a, const NcCluster *b) {
  for (int i = 0; i < a->node.n; i++) {
    const NcReads *x = &c->flow->reads[a->node.at[i]->id];
    for (int k = 0; k < x->at.n; k++) {
      if (nc_count(x->at.at[k].from->type.shape) * 2 < a->full) continue;
      const NcNodes *others = &c->flow->readers[x->at.at[k].from->id];
      for (int j = 0; j < others->at.n; j++)
        if (c->of[others->at.at[j]->id] == b) return true;
    }
  }
  return false;
}

// An update of variables has its own way of joining others (update.c).
static bool writes_vars(const NcClusters *c, const NcCluster *k) {
  for (int i = 0; k->update && i < k->node.n; i++)
    if (c->flow->required[k->node.at[i]->id]) return true;
  return false;
}

// The same spaces; or little pointwise work with as many results as there are rows, which goes along with them.
static bool alike(const NcCluster *a, const NcCluster *b) {
  if (a->kind == b->kind) return a->full == b->full && a->result == b->result;
  if (a->kind != NC_REGION_MAP) {
    const NcCluster *swap = a;
    a = b;
    b = swap;
  }
  return a->kind == NC_REGION_MAP && b->kind == NC_REGION_ROW && a->full == b->result && b->full <= SMALL;
}

static bool side_by_side(NcClusters *c) {
  bool any = false;
  for (int i = 0; i < c->all.n; i++) {
    NcCluster *a = c->all.at[i];
    bool suits = (a->kind == NC_REGION_MAP || a->kind == NC_REGION_ROW || a->kind == NC_REGION_REDUCE) &&
                 !writes_vars(c, a);
    for (int k = i + 1, tried = 0; suits && a->node.n && k < c->all.n && tried < NEAR; k++) {
      NcCluster *b = c->all.at[k];
      if (!b->node.n || !alike(a, b) || writes_vars(c, b)) continue;
      tried++;
      if (a->full > SMALL && !reads_in_common(c, a, b)) continue;
      any |= try(c, a, b);
    }
  }
  return any;
}

// Before all that: what only a reduction reads is computed there, not at the end of whatever came before, when all that
// it is made of lies in memory anyway. Reductions that come to read the same then become one.
static bool lies_there(const NcClusters *c, const NcNode *n, const NcCluster *reader, const NcNode *but) {
  if (!c->flow->core[n->id] || c->flow->required[n->id]) return true;
  const NcNodes *readers = &c->flow->readers[n->id];
  for (int i = 0; i < readers->at.n; i++)
    if (readers->at.at[i] != but && c->of[readers->at.at[i]->id] != reader) return true;
  return false;
}

static bool for_reduction_only(const NcClusters *c, const NcNode *n, const NcCluster *k) {
  const NcReads *r = &c->flow->reads[n->id];
  if (c->flow->required[n->id] || c->of[n->id]->kind != NC_REGION_MAP || c->of[n->id]->node.n > 1) return false;
  const NcNodes *readers = &c->flow->readers[n->id];
  for (int i = 0; i < readers->at.n; i++)
    if (c->of[readers->at.at[i]->id] != k) return false;
  for (int i = 0; i < r->at.n; i++) {
    const NcNode *from = r->at.at[i].from;
    bool pointwise = c->flow->core[from->id] && c->of[from->id]->kind == NC_REGION_MAP;
    if (!pointwise && nc_count(from->type.shape) == k->full && !lies_there(c, from, k, n)) return false;
  }
  return true;
}

static void pull(NcClusters *c, NcCluster *k) {
  for (int i = 0; i < k->node.n; i++) {
    const NcReads *r = &c->flow->reads[k->node.at[i]->id];
    for (int j = 0; j < r->at.n; j++) {
      NcNode *n = r->at.at[j].from;
      if (c->flow->core[n->id] && c->of[n->id] != k && for_reduction_only(c, n, k)) try(c, k, c->of[n->id]);
    }
  }
}

static void into_reductions(NcClusters *c) {
  for (int i = 0; i < c->all.n; i++)
    if (c->all.at[i]->kind == NC_REGION_REDUCE) pull(c, c->all.at[i]);
  for (int i = 0; i < c->all.n; i++)
    for (int k = i + 1; k < c->all.n; k++) {
      NcCluster *a = c->all.at[i], *b = c->all.at[k];
      bool both = a->node.n && b->node.n && a->kind == NC_REGION_REDUCE && b->kind == NC_REGION_REDUCE;
      if (both && alike(a, b) && reads_in_common(c, a, b)) try(c, a, b);
    }
  for (int i = 0; i < c->all.n; i++)
    if (c->all.at[i]->kind == NC_REGION_REDUCE) pull(c, c->all.at[i]);
}

// Attention's value and its stat are one kernel's work, and so are its gradients toward keys and values.
static void attention_pairs(NcClusters *c) {
  for (int i = 0; i < c->all.n; i++)
    for (int k = i + 1; k < c->all.n && c->all.at[i]->kind == NC_REGION_ATTENTION; k++)
      if (c->all.at[k]->kind == NC_REGION_ATTENTION && c->all.at[k]->node.n && c->all.at[i]->node.n)
        try(c, c->all.at[i], c->all.at[k]);
}

static int by_id(const void *x, const void *y) { return (*(NcNode *const *)x)->id - (*(NcNode *const *)y)->id; }

static void to_region(NcRegions *r, NcClusters *c, NcCluster *k) {
  NcRegion *g = NC_NEW(r->arena, NcRegion);
  g->id = r->ids++;
  g->kind = k->kind;
  g->anchor = k->anchor;
  qsort(k->node.at, (size_t)k->node.n, sizeof *k->node.at, by_id);
  for (int i = 0; i < k->node.n; i++) {
    NcNode *n = k->node.at[i];
    *NC_PUSH(r->arena, g->core) = n;
    if (nc_cluster_in_memory(c, n)) r->producer[n->id] = g;
  }
  if (k->kind == NC_REGION_ROW) {
    g->space = NC_SHAPE(k->result, k->full / k->result);
    nc_attr_ints(k->anchor, "axes", &g->row_axes);
  }
  *NC_PUSH(r->arena, r->region) = g;
}

static NcClusters *clusters_new(NcState *s, NcFlow *f) {
  NcClusters *c = NC_NEW(s->arena, NcClusters);
  NcUsers users = nc_graph_users(s->graph, s->arena);
  bool *updates = s->loop ? NC_NEW_N(s->arena, bool, s->graph->node.n + 1) : find_updates(f, &users);
  if (!s->loop) leave_gradients(f, updates);   // in a body, carries are variables, but no optimizer's
  *c = (NcClusters){.arena = s->arena, .flow = f, .of = NC_NEW_N(s->arena, NcCluster *, s->graph->node.n + 1),
                    .seen = NC_NEW_N(s->arena, int, s->graph->node.n + 1)};
  for (int i = 0; i < s->graph->node.n; i++)
    if (f->core[i] && strcmp(s->graph->node.at[i]->op->name, "loop_out") == 0) result_of_loop(c, s->graph->node.at[i]);
    else if (f->core[i])
      begin(c, s->graph->node.at[i], updates[i] && (f->required[i] || nc_count(s->graph->node.at[i]->type.shape) > 1));
  c->order = NC_NEW_N(s->arena, NcCluster *, 2 * c->count + 1);
  c->stack = NC_NEW_N(s->arena, NcCluster *, c->count + 1);
  for (int i = 0; i < c->count; i++) {
    c->order[i] = c->all.at[i];
    c->order[i]->rank = i;
  }
  return c;
}

bool nc_fuse(NcState *s) {
  NcFlow *f = nc_flow_new(s->arena, s->graph);
  NcClusters *c = clusters_new(s, f);
  if (!s->options->no_fuse) {
    attention_pairs(c);
    into_reductions(c);
    while (along_values(c)) {}
    if (side_by_side(c))
      while (along_values(c)) {}
  }
  NcRegions *r = NC_NEW(s->arena, NcRegions);
  int n = s->graph->node.n;
  *r = (NcRegions){.arena = s->arena, .graph = s->graph, .flow = f, .loop = s->loop, .alias = NC_NEW_N(s->arena, int, n + 1),
                   .producer = NC_NEW_N(s->arena, NcRegion *, n + 1)};
  for (int i = 0; i < c->all.n; i++)
    if (c->all.at[i]->node.n) to_region(r, c, c->all.at[i]);
  nc_regions_settle(r);
  s->regions = r;
  return true;
}
