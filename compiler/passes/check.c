// Checks of the passes' own work: what region.h promises, and that no two values in use share memory.
#include <string.h>
#include "passes/passes.h"
#include "passes/place.h"

typedef struct { const NcRegions *r; NcDiag *d; const char *after; bool ok; } Check;

__attribute__((format(printf, 3, 4))) static void fault(Check *c, const NcRegion *g, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const char *text = nc_vsprintf(c->d->arena, fmt, ap);
  va_end(ap);
  NcMessage *m = nc_error(c->d, NC_E0901, g && g->output.n ? g->output.at[0]->at : NC_NOWHERE,
                          "after %s, region %d (%s): %s",
                          c->after, g ? g->id : -1, g ? nc_region_name(g->kind) : "none", text);
  nc_help(c->d, m, "this is a fault of the compiler; please report it with the model");
  c->ok = false;
}

static bool among(int n, NcNode *const *at, const NcNode *x) {
  for (int i = 0; i < n; i++)
    if (at[i] == x) return true;
  return false;
}

// Every operand of a member is a member or an input; inputs lie in memory; outputs are members that live here.
static void closed(Check *c, const NcRegion *g) {
  for (int i = 0; i < g->node.n; i++)
    for (int k = 0; k < g->node.at[i]->nin; k++) {
      NcNode *in = g->node.at[i]->in[k];
      if (!nc_has_member(g, in) && !among(g->input.n, g->input.at, in))
        fault(c, g, "%%%d reads %%%d, which is neither member nor input", g->node.at[i]->id, in->id);
    }
  for (int i = 0; i < g->input.n; i++) {
    if (!nc_materialised(c->r, g->input.at[i])) fault(c, g, "its input %%%d lies nowhere", g->input.at[i]->id);
    if (nc_has_member(g, g->input.at[i])) fault(c, g, "%%%d is input and member", g->input.at[i]->id);
  }
  for (int i = 0; i < g->output.n; i++) {
    NcNode *o = g->output.at[i];
    if (g->kind == NC_REGION_COPY) continue;
    if (!nc_has_member(g, o)) fault(c, g, "its output %%%d is no member", o->id);
    if (c->r->producer[o->id] != g) fault(c, g, "its output %%%d lives elsewhere", o->id);
  }
  if (!g->output.n) fault(c, g, "it has no output");
}

static void counts(Check *c, const NcRegion *g) {
  if (g->kind == NC_REGION_LOOP) return;   // its results are of many shapes
  int64_t n = nc_count(g->kind == NC_REGION_ROW || !g->anchor ? g->space : g->anchor->type.shape);
  for (int i = 0; i < g->output.n; i++) {
    int64_t o = nc_count(g->output.at[i]->type.shape);
    if (o != n && g->kind != NC_REGION_ATTENTION && !(g->kind == NC_REGION_ROW && o == g->space.dim[0]))
      fault(c, g, "its output %%%d has %lld elements in a space of %lld", g->output.at[i]->id, (long long)o,
          (long long)n);
  }
}

static void order(Check *c) {
  NcRegionList *before = nc_regions_depends(c->r);
  bool *ran = NC_NEW_N(c->r->arena, bool, c->r->ids + 1);
  for (int i = 0; i < c->r->region.n; i++) {
    const NcRegion *g = c->r->region.at[i];
    if (g->order != i) fault(c, g, "its order is %d at place %d", g->order, i);
    for (int k = 0; k < before[g->id].at.n; k++)
      if (!ran[before[g->id].at.at[k]->id]) fault(c, g, "it runs before region %d", before[g->id].at.at[k]->id);
    ran[g->id] = true;
  }
}

bool nc_regions_verify(const NcRegions *r, NcDiag *d, const char *after, bool ordered) {
  Check c = {r, d, after, true};
  for (int i = 0; i < r->region.n; i++) {
    closed(&c, r->region.at[i]);
    counts(&c, r->region.at[i]);
  }
  for (int i = 0; i < r->graph->output.n; i++)
    if (!nc_alias(r, r->graph->output.at[i].node))
      fault(&c, NULL, "output \"%s\" lies nowhere", r->graph->output.at[i].name);
  if (c.ok && ordered) order(&c);
  return c.ok;
}

// ---- places: the schedule is walked, and for every byte range in use it is known whose value lies there.

typedef struct { const NcNode *value; int buffer; } Live;
typedef struct { Check c; const NcPlacement *p; NC_VEC(Live) live; } Places;

static bool overlap(const NcPlan *p, int x, int y) {
  const NcPlanBuf *a = &p->buf.at[x], *b = &p->buf.at[y];
  if (x == y) return true;
  if (a->parent != b->parent || a->parent < 0) return false;
  return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

// g writes `value` into buffer b: what else lies there is lost, which must be fine.
static void write(Places *s, const NcRegion *g, const NcNode *value, int b) {
  int kept = 0;
  for (int i = 0; i < s->live.n; i++)
    if (!overlap(s->p->plan, s->live.at[i].buffer, b)) s->live.at[kept++] = s->live.at[i];
    else if (among(g->input.n, g->input.at, s->live.at[i].value) && !g->parts && g->kind != NC_REGION_COPY &&
             !nc_reads_in_step(s->c.r, g, s->live.at[i].value, value))
      fault(&s->c, g, "it overwrites its input %%%d with %%%d", s->live.at[i].value->id, value->id);
  s->live.n = kept;
  *NC_PUSH(s->c.d->arena, s->live) = (Live){value, b};
}

static void read(Places *s, const NcRegion *g, const NcNode *n) {
  for (int i = 0; i < s->live.n; i++)
    if (s->live.at[i].value == n && overlap(s->p->plan, s->live.at[i].buffer, s->p->place[n->id].buffer)) return;
  fault(&s->c, g, "its input %%%d no longer lies in memory", n->id);
}

// A workspace destroys what lies there; the region's own inputs and outputs must not.
static void scratch(Places *s, const NcRegion *g) {
  int w = s->p->workspace[g->id], kept = 0;
  if (w < 0) return;
  for (int i = 0; i < s->live.n; i++) {
    if (!overlap(s->p->plan, s->live.at[i].buffer, w)) s->live.at[kept++] = s->live.at[i];
    else if (among(g->input.n, g->input.at, s->live.at[i].value))
      fault(&s->c, g, "its workspace overlaps its input %%%d", s->live.at[i].value->id);
  }
  s->live.n = kept;
  for (int k = 0; k < g->output.n; k++)
    if (overlap(s->p->plan, s->p->place[g->output.at[k]->id].buffer, w))
      fault(&s->c, g, "its workspace overlaps its output %%%d", g->output.at[k]->id);
}

// What the parts of an update read and write lies where its kernel, which runs over the packs, looks for it.
static void segments(Places *s, const NcRegion *g) {
  int64_t count, *start = nc_pack_starts(g, s->c.d->arena, s->p->plan->align, &count);
  const NcPlan *plan = s->p->plan;
  for (int k = 0; k < g->input.n + g->output.n; k++) {
    bool in = k < g->input.n;
    if (in && nc_pack_shared(g, k)) {
      if (nc_count(g->part_input[0][k]->type.shape) != 1) fault(&s->c, g, "its parts share %%%d", g->part_input[0][k]->id);
      continue;
    }
    const NcPlanBuf *pack = &plan->buf.at[in ? g->pack_input[k] : g->pack_assign[k - g->input.n]];
    for (int p = 0; p < g->parts; p++) {
      const NcNode *n = in ? g->part_input[p][k] : g->part_assign[p][k - g->input.n];
      const NcPlanBuf *b = &plan->buf.at[s->p->place[n->id].buffer];
      size_t want = (size_t)start[p] * nc_dtype_bytes(n->type.dtype) + (pack->parent < 0 ? 0 : pack->offset);
      if (b->offset != want) fault(&s->c, g, "%%%d lies at %zu, and its place in the pack is %zu", n->id, b->offset, want);
    }
  }
}

static void run(Places *s, const NcRegion *g) {
  if (g->parts) segments(s, g);
  int parts = g->parts ? g->parts : 1;
  for (int p = 0; p < parts; p++)
    for (int k = 0; k < g->input.n; k++) read(s, g, g->parts ? g->part_input[p][k] : g->input.at[k]);
  scratch(s, g);
  for (int p = 0; p < parts; p++)
    for (int k = 0; k < g->output.n; k++) {
      const NcNode *var = g->parts ? g->part_assign[p][k] : g->assign.at[k];
      const NcNode *o = g->parts ? g->part_output[p][k] : g->output.at[k];
      write(s, g, o, g->kind == NC_REGION_COPY && var ? s->p->place[var->id].buffer : s->p->place[o->id].buffer);
    }
}

bool nc_placement_verify(const NcPlacement *p, NcDiag *d) {
  Places s = {.c = {p->regions, d, "memory", true}, .p = p};
  const NcRegions *r = p->regions;
  for (int i = 0; i < r->graph->node.n; i++)
    if (nc_is_leaf(r->graph->node.at[i]) && p->place[i].buffer >= 0)
      *NC_PUSH(d->arena, s.live) = (Live){r->graph->node.at[i], p->place[i].buffer};
  for (int i = 0; i < r->region.n && s.c.ok; i++) run(&s, r->region.at[i]);
  for (int i = 0; i < r->graph->output.n && s.c.ok; i++) read(&s, NULL, nc_base(r->graph->output.at[i].node));
  return s.c.ok;
}
