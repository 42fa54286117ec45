// Schedule: an order of regions in which little memory is live at once. Of the regions that can run, the one
// that adds least to what is live goes next: it frees what it is the last to read, and needs what it writes. Ties go to
// the earlier region, so that equal graphs give equal plans.
//
// That looks one region ahead: what is computed of variables alone, like weights turned round for a gradient, is small beside a
// layer's result and would come early, to be kept for long. So afterwards regions sink to where they are first needed, if
// what they write is more than what they would keep alive.
#include "passes/passes.h"

typedef struct {
  NcRegions *r;
  NcRegionList *before;
  int *waits;              // by region id: regions that must still come before it
  int *left;               // by node id: regions that still read it
} Sched;

// What is computed again for gradients waits until nothing else can be done, and the stretch behind it goes first.
static int late(const NcRegion *g) {
  int again = 0;
  for (int i = 0; i < g->core.n; i++) {
    if (!g->core.at[i]->again) return 0;
    if (g->core.at[i]->again > again) again = g->core.at[i]->again;
  }
  return again;
}

static bool is_temp(const Sched *s, const NcNode *n) { return s->r->producer[n->id] != NULL; }

static void each_input(NcRegion *g, void (*f)(Sched *, NcNode *, int64_t *), Sched *s, int64_t *sum) {
  for (int p = 0; p < (g->parts ? g->parts : 1); p++)
    for (int k = 0; k < g->input.n; k++) {
      NcNode *n = g->parts ? g->part_input[p][k] : g->input.at[k];
      if (p && n == g->part_input[0][k]) continue;   // shared by the parts
      f(s, n, sum);
    }
}

static void count(Sched *s, NcNode *n, int64_t *sum) {
  (void)sum;
  s->left[n->id]++;
}

static void freed(Sched *s, NcNode *n, int64_t *sum) {
  if (s->left[n->id] == 1 && is_temp(s, n)) *sum -= (int64_t)nc_type_bytes(n->type);
}

static void done(Sched *s, NcNode *n, int64_t *sum) {
  (void)sum;
  s->left[n->id]--;
}

static int64_t cost(Sched *s, NcRegion *g) {
  int64_t sum = 0;
  for (int i = 0; i < g->output.n; i++)
    if (!g->assign.at[i]) sum += (int64_t)nc_type_bytes(g->output.at[i]->type);
  each_input(g, freed, s, &sum);
  return sum;
}

typedef struct {
  NcRegions *r;
  NcRegion **order;
  NcRegionList *after;     // by region id: those that must come later
  NcRegion **last;         // by node id: its last reader, of the regions behind the present one
} Sink;

static void each_temp(Sink *s, NcRegion *g, void (*f)(Sink *, NcNode *, NcRegion *, int64_t *), NcRegion *arg, int64_t *sum) {
  for (int p = 0; p < (g->parts ? g->parts : 1); p++)
    for (int k = 0; k < g->input.n; k++) {
      NcNode *n = g->parts ? g->part_input[p][k] : g->input.at[k];
      if (s->r->producer[n->id] && !(p && n == g->part_input[0][k])) f(s, n, arg, sum);
    }
}

static void read_here(Sink *s, NcNode *n, NcRegion *g, int64_t *sum) {
  (void)sum;
  if (!s->last[n->id] || s->last[n->id]->order < g->order) s->last[n->id] = g;
}

static void kept_until(Sink *s, NcNode *n, NcRegion *reader, int64_t *sum) {
  if (!s->last[n->id] || s->last[n->id]->order < reader->order) *sum += (int64_t)nc_type_bytes(n->type);
}

// The first region that needs g, if g should run just before it.
static NcRegion *wanted_before(Sink *s, NcRegion *g) {
  NcRegionList *l = &s->after[g->id];
  NcRegion *first = NULL;
  for (int i = 0; i < l->at.n; i++)
    if (!first || l->at.at[i]->order < first->order) first = l->at.at[i];
  int64_t written = 0, kept = 0;
  for (int i = 0; i < g->output.n; i++) {
    if (g->assign.at[i]) return NULL;
    written += (int64_t)nc_type_bytes(g->output.at[i]->type);
  }
  if (!first || first->order == g->order + 1) return NULL;
  each_temp(s, g, kept_until, first, &kept);
  return written > kept ? first : NULL;
}

static void sink(Sink *s, int n) {
  for (int i = n - 1; i >= 0; i--) {
    NcRegion *g = s->order[i], *reader = wanted_before(s, g);
    for (int to = i; reader && s->order[to + 1] != reader; to++) {
      s->order[to] = s->order[to + 1];
      s->order[to]->order = to;
      s->order[to + 1] = g;
      g->order = to + 1;
    }
    each_temp(s, g, read_here, g, NULL);
  }
}

bool nc_schedule(NcState *st) {
  NcRegions *r = st->regions;
  Sched s = {r, nc_regions_depends(r), NC_NEW_N(r->arena, int, r->ids + 1),
             NC_NEW_N(r->arena, int, r->graph->node.n + 1)};
  NcRegionList *after = NC_NEW_N(r->arena, NcRegionList, r->ids + 1), ready = {0}, order = {0};
  for (int i = 0; i < r->region.n; i++) {
    NcRegion *g = r->region.at[i];
    NcRegionList *b = &s.before[g->id];
    s.waits[g->id] = b->at.n;
    for (int k = 0; k < b->at.n; k++) *NC_PUSH(r->arena, after[b->at.at[k]->id].at) = g;
    each_input(g, count, &s, NULL);
    if (!b->at.n) *NC_PUSH(r->arena, ready.at) = g;
  }
  for (int i = 0; i < r->graph->output.n; i++) s.left[nc_base(r->graph->output.at[i].node)->id]++;   // never freed
  while (ready.at.n) {
    int best = 0, soon = INT32_MAX;
    int64_t least = INT64_MAX;
    for (int i = 0; i < ready.at.n; i++) {
      const int when = late(ready.at.at[i]);
      int64_t c = when <= soon ? cost(&s, ready.at.at[i]) : 0;
      if (when > soon || (when == soon && (c > least || (c == least && ready.at.at[i]->id > ready.at.at[best]->id)))) continue;
      soon = when;
      least = c;
      best = i;
    }
    NcRegion *g = ready.at.at[best];
    ready.at.at[best] = ready.at.at[--ready.at.n];
    each_input(g, done, &s, NULL);
    g->order = order.at.n;
    *NC_PUSH(r->arena, order.at) = g;
    for (int k = 0; k < after[g->id].at.n; k++)
      if (--s.waits[after[g->id].at.at[k]->id] == 0) *NC_PUSH(r->arena, ready.at) = after[g->id].at.at[k];
  }
  if (order.at.n != r->region.n) {
    nc_error(st->diag, NC_E0901, NC_NOWHERE, "regions wait for each other");
    return false;
  }
  sink(&(Sink){r, order.at.at, after, NC_NEW_N(r->arena, NcRegion *, r->graph->node.n + 1)}, order.at.n);
  for (int i = 0; i < order.at.n; i++) r->region.at[i] = order.at.at[i];
  return true;
}
