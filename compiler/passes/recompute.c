// Recompute: a value that is cheap to compute is computed again wherever it is read, and no longer kept in memory:
// casts of inputs, masks, what a handful of operations make of values that are there anyway. All or nothing: a value
// that one reader still wants in memory stays there for all.
//
// Legal when the value follows from its inputs by pointwise work alone, and no reader needs it as a buffer. Worth it
// by an estimate of both ways in seconds.
#include <string.h>
#include "passes/passes.h"

// Per second, read per second, written per second (a CPU reads a line before it writes there), seconds.
typedef struct { double flops, bytes, written, launch; } Rates;
static const Rates rates[] = {[NC_CLASS_CPU] = {2e10, 1e10, 5e9, 4e-6}, [NC_CLASS_GPU] = {4e12, 4e11, 4e11, 6e-6}};
enum { RANDOM_FLOPS = 25, GATHER_FLOPS = 4, MOVE_FLOPS = 2, MOST_INPUTS = 40, MOST_NODES = 24, MOST_GUARDS = 16, MOST_RESHAPES = 4 };

typedef struct {
  NcState *s;
  NcRegions *r;
  NcFlow *flow;
  NcRegionList *holders;   // by node id of core nodes: the regions that compute it
  int *mark, search;       // by node id
  NcNodes closure, input;  // of the value under consideration
  int guards, reshapes;    // of the closure, as they could stand within each other: see NcChain
} Recompute;

static double work(const NcNode *n) {
  if (n->op->kind == NC_POINTWISE) return n->op->flops;
  if (strcmp(n->op->name, "random") == 0) return RANDOM_FLOPS;
  return n->op->kind == NC_INDEX ? GATHER_FLOPS : MOVE_FLOPS;
}

static bool is_pointwise(const NcNode *n) {
  return n->op->kind == NC_POINTWISE || strcmp(n->op->name, "random") == 0 || strcmp(n->op->name, "gather") == 0;
}

// The pointwise work behind n down to what lies in memory; false when something else is among it.
static bool collect(Recompute *x, NcNode *n, bool first) {
  if (x->mark[n->id] == x->search) return true;
  x->mark[n->id] = x->search;
  if (!first && (nc_is_leaf(n) || x->r->producer[n->id])) {
    *NC_PUSH(x->r->arena, x->input.at) = n;
    return true;
  }
  x->guards += x->flow->chain[n->id].guards + (n->op->kind == NC_INDEX);
  x->reshapes += x->flow->chain[n->id].reshapes;
  if (!is_pointwise(n) || x->closure.at.n >= MOST_NODES || x->guards > MOST_GUARDS || x->reshapes > MOST_RESHAPES) return false;
  *NC_PUSH(x->r->arena, x->closure.at) = n;
  const NcReads *reads = &x->flow->reads[n->id];
  for (int i = 0; i < reads->at.n; i++)
    if (!collect(x, reads->at.at[i].from, false)) return false;
  return true;
}

static void forget(Recompute *x) {
  x->closure.at.n = x->input.at.n = x->guards = x->reshapes = 0;
  x->search++;
}

static bool reads_input(const NcRegion *g, const NcNode *n) {
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i] == n) return true;
  return false;
}

// How often g would compute v: once for each element of whoever reads it there, per way of reading. -1: it may not.
static double evaluations(const Recompute *x, const NcRegion *g, const NcNode *v) {
  double sum = 0;
  for (int i = 0; i < g->core.n; i++) {
    const NcNode *n = g->core.at[i];
    const NcReads *reads = &x->flow->reads[n->id];
    for (int k = 0; k < reads->at.n; k++) {
      const NcRead *rd = &reads->at.at[k];
      if (rd->from != v) continue;
      if (rd->buffer) return -1;
      double times = (double)nc_count(n->op->kind == NC_REDUCE ? n->in[0]->type.shape : n->type.shape);
      // A row computes what belongs to it once. What is read in step by several nodes is computed once too.
      if (rd->path == NC_PATH_ROWS && g->kind == NC_REGION_ROW) times /= (double)rd->len;
      sum = rd->path == NC_PATH_MOVED ? sum + times : sum > times ? sum : times;
    }
  }
  return sum;
}

// Stays apart from what it is merged with later: an update takes scalars only.
static bool takes(const Recompute *x, const NcRegion *g, const NcNode *v) {
  if (g->kind == NC_REGION_COPY || g->kind == NC_REGION_LOOP || g->kind == NC_REGION_SCATTER ||
      g->kind == NC_REGION_CUMULATIVE || g->kind == NC_REGION_SORT || g->kind == NC_REGION_ATTENTION)
    return false;
  int fresh = 0;
  for (int i = 0; i < x->input.at.n; i++) fresh += !reads_input(g, x->input.at.at[i]);
  bool update = g->kind == NC_REGION_MAP && g->assign.n && g->assign.at[0];
  return g->input.n + fresh <= MOST_INPUTS && (!update || nc_count(v->type.shape) == 1);
}

// Seconds that g gains (or loses: below 0) when it computes v itself; *fits false when it cannot.
static double gain(Recompute *x, const NcRegion *g, const NcNode *v, bool *fits) {
  const Rates *t = &rates[x->s->target->cls];
  double times = evaluations(x, g, v), flops = 0, bytes = 0;
  *fits = times >= 0 && takes(x, g, v);
  for (int i = 0; i < x->closure.at.n; i++) flops += work(x->closure.at.at[i]);
  for (int i = 0; i < x->input.at.n; i++)
    if (!reads_input(g, x->input.at.at[i])) bytes += (double)nc_type_bytes(x->input.at.at[i]->type);
  return (double)nc_type_bytes(v->type) / t->bytes - bytes / t->bytes - times * flops / t->flops;
}

// Holders are never taken off the list; a region that was pruned no longer computes what it held.
static bool computes(const NcRegion *g, const NcNode *n) {
  for (int i = 0; i < g->core.n; i++)
    if (g->core.at[i] == n) return true;
  return false;
}

// Is v all that its region is there for?
static bool only_result(const Recompute *x, const NcRegion *g, const NcNode *v) {
  for (int i = 0; i < g->core.n; i++)
    if (g->core.at[i] != v && x->r->producer[g->core.at[i]->id] == g) return false;
  return true;
}

static bool worth(Recompute *x, NcNode *v, NcRegion *home) {
  const Rates *t = &rates[x->s->target->cls];
  double sum = (double)nc_type_bytes(v->type) / t->written;   // it need not be written
  if (only_result(x, home, v)) {
    sum += t->launch;
    for (int i = 0; i < x->input.at.n; i++) sum += (double)nc_type_bytes(x->input.at.at[i]->type) / t->bytes;
  }
  const NcNodes *readers = &x->flow->readers[v->id];
  NcRegionList seen = {0};
  for (int i = 0; i < readers->at.n; i++) {
    const NcRegionList *l = &x->holders[readers->at.at[i]->id];
    for (int k = 0; k < l->at.n; k++) {
      NcRegion *g = l->at.at[k];
      bool known = g == home || !computes(g, readers->at.at[i]), fits;
      for (int j = 0; j < seen.at.n; j++) known |= seen.at.at[j] == g;
      if (known) continue;
      *NC_PUSH(x->r->arena, seen.at) = g;
      sum += gain(x, g, v, &fits);
      if (!fits) return false;
    }
  }
  return sum > 0;
}

static void add_core(Recompute *x, NcRegion *g, NcNode *n) {
  int at = g->core.n;
  while (at > 0 && g->core.at[at - 1]->id > n->id) at--;
  if (at > 0 && g->core.at[at - 1] == n) return;
  *NC_PUSH(x->r->arena, g->core) = n;
  for (int i = g->core.n - 1; i > at; i--) g->core.at[i] = g->core.at[i - 1];
  g->core.at[at] = n;
  *NC_PUSH(x->r->arena, x->holders[n->id].at) = g;
}

static void give(Recompute *x, NcRegion *g) {
  for (int i = 0; i < x->closure.at.n; i++) add_core(x, g, x->closure.at.at[i]);
  for (int i = 0; i < x->input.at.n; i++)   // settled later; until then it counts
    if (!reads_input(g, x->input.at.at[i])) *NC_PUSH(x->r->arena, g->input) = x->input.at.at[i];
}

static void inline_everywhere(Recompute *x, NcNode *v, NcRegion *home) {
  const NcNodes *readers = &x->flow->readers[v->id];
  x->r->producer[v->id] = NULL;
  for (int i = 0; i < readers->at.n; i++) {
    const NcRegionList *l = &x->holders[readers->at.at[i]->id];
    for (int k = 0, n = l->at.n; k < n; k++)
      if (l->at.at[k] != home && computes(l->at.at[k], readers->at.at[i])) give(x, l->at.at[k]);
  }
  nc_region_prune(x->r, home);
}

static void consider(Recompute *x, NcNode *v) {
  NcRegion *home = x->r->producer[v->id];
  if (!home || x->flow->required[v->id] || !is_pointwise(v)) return;
  forget(x);
  if (collect(x, v, true) && worth(x, v, home)) inline_everywhere(x, v, home);
}

// ---- One value in the place of several: what an activation leaves for its gradient (for gelu erf, exp and more) follows
// from its operand. Where that is a value on the way, which nobody keeps, keeping it instead of them may be worth it.

typedef struct {
  NcRegion *home;
  NcNode *from;              // the value on the way
  NcNodes kept;              // what home keeps and what follows from it
  NcNodes closure, input;    // of all of them together
  NcRegionList reader;
} Source;

static bool in_list(const NcNodes *l, const NcNode *n) {
  for (int i = 0; i < l->at.n; i++)
    if (l->at.at[i] == n) return true;
  return false;
}

static void add_once(Recompute *x, NcNodes *to, const NcNodes *from) {
  for (int i = 0; i < from->at.n; i++)
    if (!in_list(to, from->at.at[i])) *NC_PUSH(x->r->arena, to->at) = from->at.at[i];
}

static bool may_go(const Recompute *x, const NcRegion *home, const NcNode *v) {
  return x->r->producer[v->id] == home && !x->flow->required[v->id] && is_pointwise(v);
}

// Which of home's values follow from n, as if it lay in memory; leaves *s empty where fewer than two do.
static void find_kept(Recompute *x, Source *s, NcRegion *home, NcNode *n) {
  *s = (Source){.home = home, .from = n};
  x->r->producer[n->id] = home;
  for (int i = 0; i < home->core.n; i++) {
    NcNode *v = home->core.at[i];
    if (v == n || !may_go(x, home, v) || nc_count(v->type.shape) != nc_count(n->type.shape)) continue;
    forget(x);
    if (!collect(x, v, true) || !in_list(&x->input, n)) continue;
    *NC_PUSH(x->r->arena, s->kept.at) = v;
    add_once(x, &s->closure, &x->closure);
    add_once(x, &s->input, &x->input);
  }
  x->r->producer[n->id] = NULL;
}

// What is saved less what it costs, in seconds; below 0 also where a reader cannot compute the values.
static double source_gain(Recompute *x, Source *s) {
  const Rates *t = &rates[x->s->target->cls];
  double one = (double)nc_type_bytes(s->from->type), sum = -one / t->written, flops = 0;
  for (int i = 0; i < s->closure.at.n; i++) flops += work(s->closure.at.at[i]);
  x->input = s->input;
  for (int i = 0; i < s->kept.at.n; i++) {
    const NcNode *v = s->kept.at.at[i];
    const NcNodes *readers = &x->flow->readers[v->id];
    sum += (double)nc_type_bytes(v->type) / t->written;
    for (int k = 0; k < readers->at.n; k++) {
      const NcRegionList *l = &x->holders[readers->at.at[k]->id];
      for (int j = 0; j < l->at.n; j++) {
        NcRegion *g = l->at.at[j];
        if (g == s->home || !computes(g, readers->at.at[k])) continue;
        double times = evaluations(x, g, v);
        if (times < 0 || times > (double)nc_count(v->type.shape) || !takes(x, g, v)) return -1;
        sum += one / t->bytes;
        bool known = false;
        for (int z = 0; z < s->reader.at.n; z++) known |= s->reader.at.at[z] == g;
        if (known) continue;
        *NC_PUSH(x->r->arena, s->reader.at) = g;
        sum -= times * flops / t->flops;
        for (int z = 0; z < s->input.at.n; z++)
          if (!reads_input(g, s->input.at.at[z])) sum -= (double)nc_type_bytes(s->input.at.at[z]->type) / t->bytes;
      }
    }
  }
  return sum;
}

static void one_for_several(Recompute *x, NcRegion *home) {
  bool keeps = home->kind == NC_REGION_MAP || home->kind == NC_REGION_ROW || home->kind == NC_REGION_DOT ||
               home->kind == NC_REGION_CONV || home->kind == NC_REGION_POOL;
  if (!keeps || home->parts) return;
  Source best = {0};
  double most = 0;
  int may = 0;
  for (int i = 0; i < home->core.n; i++) may += may_go(x, home, home->core.at[i]);
  for (int i = 0; i < home->core.n && may > 1; i++) {
    NcNode *n = home->core.at[i];
    Source s;
    if (x->r->producer[n->id] || n->op->kind == NC_REDUCE || !nc_dtype_float(n->type.dtype)) continue;
    find_kept(x, &s, home, n);
    double gained = s.kept.at.n > 1 ? source_gain(x, &s) : -1;
    if (gained <= most) continue;
    most = gained;
    best = s;
  }
  if (!best.from) return;
  x->r->producer[best.from->id] = home;
  for (int i = 0; i < best.kept.at.n; i++) {
    forget(x);
    if (collect(x, best.kept.at.at[i], true)) inline_everywhere(x, best.kept.at.at[i], home);
  }
}

bool nc_recompute(NcState *s) {
  NcRegions *r = s->regions;
  int n = r->graph->node.n;
  if (s->options->no_fuse) return true;
  Recompute x = {.s = s, .r = r, .flow = r->flow, .holders = NC_NEW_N(r->arena, NcRegionList, n + 1),
      .mark = NC_NEW_N(r->arena, int, n + 1)};
  for (int i = 0; i < r->region.n; i++)
    for (int k = 0; k < r->region.at[i]->core.n; k++)
      *NC_PUSH(r->arena, x.holders[r->region.at[i]->core.at[k]->id].at) = r->region.at[i];
  for (int i = 0; i < r->region.n; i++) one_for_several(&x, r->region.at[i]);
  for (int i = 0; i < n; i++) consider(&x, r->graph->node.at[i]);
  nc_regions_settle(r);
  return true;
}
