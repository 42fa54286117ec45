// Memory: every value in memory gets a buffer of the plan. Temps share arenas (lives.c, offsets.c), the variables of
// an update lie in packs (packs.c), and a value that replaces a variable's old one lies in the variable.
#include <stdlib.h>
#include <string.h>
#include "gen/gen.h"
#include "passes/place.h"

static int push(NcMemory *m, NcPlanBuf b) {
  NcPlan *p = m->p->plan;
  if (!b.bytes) b.bytes = nc_type_bytes(b.type);
  *NC_PUSH(p->arena, p->buf) = b;
  return p->buf.n - 1;
}

static NcType raw(size_t bytes) { return (NcType){NC_U8, {1, {(int64_t)bytes}}}; }

static int root(NcMemory *m, NcBufKind kind, const char *name, const char *role, size_t bytes) {
  return push(m, (NcPlanBuf){.kind = kind, .name = name, .role = role, .type = raw(bytes), .bytes = bytes,
      .parent = -1});
}

// ---- leaves

static const void *table_bytes(NcMemory *m, const NcNode *n) {
  int count;
  const double *v = nc_attr_floats(n, "values", &count);
  size_t size = nc_dtype_bytes(n->type.dtype);
  char *out = nc_alloc(m->p->plan->arena, (size_t)count * size);
  for (int i = 0; i < count; i++) nc_pack_bytes(n->type.dtype, v[i], out + (size_t)i * size);
  return out;
}

static void var_at(NcMemory *m, const NcNode *n, int parent, size_t offset) {
  m->p->place[n->id].buffer = push(m, (NcPlanBuf){.kind = NC_BUF_VAR, .name = nc_attr_str(n, "name"), .type = n->type,
                                                  .parent = parent, .offset = offset, .role = nc_attr_str(n, "kind")});
}

// The pack of the variables leaf(p), p < parts: a root of its own, made once.
static int var_pack(NcMemory *m, const NcRegion *g, int index, bool assigned, const int64_t *start) {
  NcNode *first = assigned ? g->part_assign[0][index] : g->part_input[0][index];
  int made = m->p->place[first->id].buffer;
  if (made >= 0) return m->p->plan->buf.at[made].parent;
  const char *name = nc_sprintf(m->p->plan->arena, "pack of %s", nc_attr_str(first, "name"));
  size_t size = nc_dtype_bytes(first->type.dtype);
  int b = root(m, NC_BUF_ROOT_VAR, name, nc_attr_str(first, "kind"), (size_t)g->pack_count * size);
  for (int p = 0; p < g->parts; p++)
    var_at(m, assigned ? g->part_assign[p][index] : g->part_input[p][index], b, (size_t)start[p] * size);
  return b;
}

static void var_packs(NcMemory *m, NcRegion *g) {
  int64_t *start = nc_pack_starts(g, m->mem, m->p->plan->align, &g->pack_count);
  g->pack_input = NC_NEW_N(m->r->arena, int, g->input.n + 1);
  g->pack_assign = NC_NEW_N(m->r->arena, int, g->output.n + 1);
  for (int k = 0; k < g->input.n; k++)
    g->pack_input[k] = !nc_pack_shared(g, k) && nc_is_leaf(g->part_input[0][k]) ? var_pack(m, g, k, false, start) : -1;
  for (int k = 0; k < g->output.n; k++) g->pack_assign[k] = var_pack(m, g, k, true, start);
}

static void leaf(NcMemory *m, const NcNode *n) {
  if (!nc_is_leaf(n) || m->p->place[n->id].buffer >= 0) return;
  if (strcmp(n->op->name, "var") == 0) {
    var_at(m, n, -1, 0);
    return;
  }
  bool input = strcmp(n->op->name, "input") == 0;
  m->p->place[n->id].buffer = push(m, (NcPlanBuf){
    .kind = input ? NC_BUF_INPUT : NC_BUF_CONST, .name = input ? nc_attr_str(n, "name") : "table", .type = n->type,
    .parent = -1, .data = input ? NULL : table_bytes(m, n)});
}

static void leaves(NcMemory *m) {
  for (int i = 0; i < m->r->region.n; i++)
    if (m->r->region.at[i]->parts) var_packs(m, m->r->region.at[i]);
  for (int i = 0; i < m->r->graph->node.n; i++) leaf(m, m->r->graph->node.at[i]);
}

// ---- temps

static int temp(NcMemory *m, int block, size_t within, const char *name, NcType t, int first_arena) {
  NcBlock *b = &m->block.at[block];
  return push(m, (NcPlanBuf){.kind = NC_BUF_TEMP, .name = name, .type = t, .parent = first_arena + b->arena,
                             .offset = b->offset + within});
}

// Where the value of a buffer comes from.
static int from(NcMemory *m, int buffer, const NcNode *n) {
  NcPlanBuf *b = &m->p->plan->buf.at[buffer];
  b->at = nc_place(m->state->diag, m->p->plan->arena, n->at);
  b->range = n->at;
  return buffer;
}

static const char *temp_name(NcMemory *m, const NcNode *n) {
  return nc_sprintf(m->p->plan->arena, "%s_%d", n->op->name, n->id);
}

static void region_temps(NcMemory *m, NcRegion *g, int arena) {
  if (m->workspace[g->id] >= 0)
    m->p->workspace[g->id] = temp(m, m->workspace[g->id], 0, nc_sprintf(m->p->plan->arena, "workspace_%d", g->id),
                                  raw(m->block.at[m->workspace[g->id]].bytes), arena);
  for (int k = 0; k < g->output.n && g->kind != NC_REGION_COPY; k++) {
    NcNode *n = g->output.at[k];
    if (!g->assign.at[k])
      m->p->place[n->id].buffer = from(m, temp(m, m->of[n->id], m->within[n->id], temp_name(m, n), n->type, arena), n);
    else if (!g->parts && m->p->place[n->id].buffer < 0) m->p->place[n->id] = m->p->place[g->assign.at[k]->id];
    for (int p = 0; p < g->parts; p++) m->p->place[g->part_output[p][k]->id] = m->p->place[g->part_assign[p][k]->id];
  }
  for (int k = 0; k < g->input.n && g->parts; k++) {
    NcNode *n = g->part_input[0][k];
    if (g->pack_input[k] >= 0) continue;
    if (nc_pack_shared(g, k)) g->pack_input[k] = m->p->place[n->id].buffer;
    else g->pack_input[k] = temp(m, m->of[n->id], 0, nc_sprintf(m->p->plan->arena, "pack of %s", temp_name(m, n)),
                                 (NcType){n->type.dtype, {1, {g->pack_count}}}, arena);
  }
}

static void temps(NcMemory *m) {
  int arena = m->p->plan->buf.n;
  for (int i = 0; i < m->arena.n; i++)
    root(m, NC_BUF_ROOT_ARENA, i ? nc_sprintf(m->p->plan->arena, "arena %d", i) : "arena", NULL, m->arena.at[i]);
  for (int i = 0; i < m->r->region.n; i++) region_temps(m, m->r->region.at[i], arena);
  for (int i = 0; i < m->r->graph->node.n; i++)
    if (m->r->alias[i] >= 0) m->p->place[i] = m->p->place[m->r->alias[i]];
}

// An output that is a reshape of a temp is that temp seen in another shape.
static void outputs(NcMemory *m) {
  NcPlan *p = m->p->plan;
  for (int i = 0; i < m->r->graph->output.n; i++) {
    const NcOutput *o = &m->r->graph->output.at[i];
    int b = m->p->place[o->node->id].buffer;
    NcPlanBuf seen = p->buf.at[b];
    seen.name = nc_strdup(p->arena, o->name);
    if (seen.kind == NC_BUF_TEMP && !nc_shape_eq(seen.type.shape, o->node->type.shape)) {
      seen.type = o->node->type;
      b = push(m, seen);
    }
    *NC_PUSH(p->arena, p->output) = (NcPlanOutput){nc_strdup(p->arena, o->name), b};
  }
}

// ---- too much

static int by_bytes(const void *x, const void *y) {
  size_t a = nc_type_bytes((*(NcNode *const *)x)->type), b = nc_type_bytes((*(NcNode *const *)y)->type);
  if (a != b) return a > b ? -1 : 1;
  return (*(NcNode *const *)x)->id - (*(NcNode *const *)y)->id;
}

// Says what is needed and which values are the largest, where they come from.
static bool too_much(NcMemory *m, size_t need, size_t have, const char *what) {
  enum { SHOWN = 5 };
  NcDiag *d = m->state->diag;
  NcMessage *msg = nc_error(d, NC_E0504, NC_NOWHERE, "%s needs %s and the device has %s", what, nc_bytes_str(d->arena, need),
                            nc_bytes_str(d->arena, have));
  NC_VEC(NcNode *) big = {0};
  for (int i = 0; i < m->r->graph->node.n; i++)
    if (m->of[i] >= 0 || (nc_is_leaf(m->r->graph->node.at[i]) && m->r->graph->node.at[i]->op->kind == NC_LEAF))
      *NC_PUSH(m->mem, big) = m->r->graph->node.at[i];
  if (big.n) qsort(big.at, (size_t)big.n, sizeof *big.at, by_bytes);
  for (int i = 0; i < big.n && i < SHOWN; i++) {
    NcNode *n = big.at[i];
    const NcAttr *name = nc_attr(n, "name");
    const char *size = nc_bytes_str(d->arena, nc_type_bytes(n->type)), *label = name ? name->s : n->op->name;
    if (n->at.file) nc_label(d, msg, n->at, "`%s` %s: %s", label, nc_type_str(d->arena, n->type), size);
    else nc_note(d, msg, "`%s` %s: %s", label, nc_type_str(d->arena, n->type), size);
  }
  nc_help(d, msg, "use a smaller batch, a smaller model, or a device with more memory");
  return false;
}

static bool fits(NcMemory *m) {
  const NcTarget *t = m->state->target;
  size_t largest = 0, all = nc_plan_bytes(m->p->plan);
  for (int i = 0; i < m->p->plan->buf.n; i++)
    if (m->p->plan->buf.at[i].bytes > largest) largest = m->p->plan->buf.at[i].bytes;
  if (largest > t->max_alloc) return too_much(m, largest, t->max_alloc, "the largest buffer");
  return all <= t->memory || too_much(m, all, t->memory, "the plan");
}

static int *minus_ones(NcArena *a, int n) {
  int *at = NC_NEW_N(a, int, n + 1);
  for (int i = 0; i <= n; i++) at[i] = -1;
  return at;
}

bool nc_memory(NcState *s) {
  NcRegions *r = s->regions;
  int nodes = r->graph->node.n;
  NcPlacement *p = NC_NEW(s->arena, NcPlacement);
  *p = (NcPlacement){r, nc_plan_new(s->arena, s->target->cls, s->target->align), s->target,
                     NC_NEW_N(s->arena, NcPlace, nodes + 1), minus_ones(s->arena, r->ids)};
  for (int i = 0; i < nodes; i++) p->place[i].buffer = -1;
  NcMemory m = {.mem = s->arena, .state = s, .r = r, .p = p, .of = minus_ones(s->arena, nodes),
                .within = NC_NEW_N(s->arena, size_t, nodes + 1), .last_read = minus_ones(s->arena, nodes),
                .workspace = minus_ones(s->arena, r->ids)};
  nc_memory_lives(&m);
  size_t largest = 0;
  for (int i = 0; i < m.block.n; i++)
    if (m.block.at[i].bytes > largest) largest = m.block.at[i].bytes;
  if (!nc_memory_offsets(&m)) return too_much(&m, largest, s->target->max_alloc, "the largest value");
  leaves(&m);
  temps(&m);
  outputs(&m);
  s->placement = p;
  return fits(&m);
}
