#include "interpret.h"
#include <math.h>
#include <string.h>
#include "ops/rows.h"

// Memory holds one double for every byte of a root; an element lies at its first byte's double.
struct Interpret {
  NcArena *arena;
  const NcPlacement *p;
  const NcEvalOptions *o;
  double **root;           // by buffer number, of those without parent
};

static double *cell(Interpret *it, int buffer) {
  const NcPlanBuf *b = &it->p->plan->buf.at[buffer];
  return it->root[b->parent >= 0 ? b->parent : buffer] + (b->parent >= 0 ? b->offset : 0);
}

static void store(Interpret *it, int buffer, NcType t, const double *v) {
  double *at = cell(it, buffer);
  int64_t n = nc_count(t.shape);
  size_t size = nc_dtype_bytes(t.dtype);
  for (int64_t i = 0; i < n; i++) at[(size_t)i * size] = v[i];
}

static double *load(Interpret *it, int buffer, NcType t) {
  double *at = cell(it, buffer), *v = NC_NEW_N(it->arena, double, nc_count(t.shape));
  int64_t n = nc_count(t.shape);
  size_t size = nc_dtype_bytes(t.dtype);
  for (int64_t i = 0; i < n; i++) v[i] = at[(size_t)i * size];
  return v;
}

const double *interpret_buffer(Interpret *it, int buffer) { return load(it, buffer, it->p->plan->buf.at[buffer].type); }

static const double *bound(const NcEvalOptions *o, const char *name) {
  for (int i = 0; i < o->nbind; i++)
    if (strcmp(o->bind[i].name, name) == 0) return o->bind[i].value;
  return NULL;
}

Interpret *interpret_new(NcArena *a, const NcPlacement *p, const NcEvalOptions *o) {
  Interpret *it = NC_NEW(a, Interpret);
  int n = p->plan->buf.n;
  *it = (Interpret){a, p, o, NC_NEW_N(a, double *, n + 1)};
  for (int i = 0; i < n; i++) {
    const NcPlanBuf *b = &p->plan->buf.at[i];
    if (b->parent >= 0) continue;
    it->root[i] = NC_NEW_N(a, double, b->bytes);
    for (size_t k = 0; k < b->bytes; k++) it->root[i][k] = NAN;
  }
  for (int i = 0; i < p->regions->graph->node.n; i++) {
    const NcNode *leaf = p->regions->graph->node.at[i];
    if (!nc_is_leaf(leaf) || p->place[i].buffer < 0) continue;
    const NcAttr *name = nc_attr(leaf, "name");
    store(it, p->place[i].buffer, leaf->type, name ? bound(o, name->s) : nc_attr_floats(leaf, "values", NULL));
  }
  return it;
}

// The member as part p of an update sees it: the same operation over as many elements as that part has.
static NcNode resized(const NcNode *n, int64_t first, int64_t here) {
  NcNode r = *n;
  if (nc_count(n->type.shape) == first) r.type.shape = NC_SHAPE(here);
  return r;
}

static void part(Interpret *it, const NcRegion *g, int p) {
  const NcRegions *r = it->p->regions;
  double **value = NC_NEW_N(it->arena, double *, r->graph->node.n + 1);
  int64_t first = g->parts ? nc_count(g->output.at[0]->type.shape) : 0;
  int64_t here = g->parts ? nc_count(g->part_output[p][0]->type.shape) : 0;
  for (int i = 0; i < g->input.n; i++) {
    NcNode *n = g->parts ? g->part_input[p][i] : g->input.at[i];
    value[g->input.at[i]->id] = load(it, it->p->place[n->id].buffer, n->type);
  }
  for (int i = 0; i < g->node.n; i++) {
    NcNode n = g->parts ? resized(g->node.at[i], first, here) : *g->node.at[i];
    const double **in = NC_NEW_N(it->arena, const double *, n.nin);
    int64_t count = nc_count(n.type.shape);
    double *out = value[n.id] = NC_NEW_N(it->arena, double, n.op->room ? n.op->room(&n) : count);
    for (int k = 0; k < n.nin; k++) in[k] = value[n.in[k]->id];
    n.op->eval(&(NcEval){.node = &n, .in = in, .out = out, .scratch = it->arena, .seed = it->o->seed});
    for (int64_t k = 0; k < count && !nc_dtype_float(n.type.dtype); k++) out[k] = nc_round_to(n.type.dtype, out[k]);
  }
  for (int i = 0; i < g->output.n; i++) {
    NcNode *o = g->parts ? g->part_output[p][i] : g->output.at[i], *var = g->parts ? g->part_assign[p][i]
        : g->assign.at[i];
    store(it, it->p->place[var ? var->id : o->id].buffer, o->type, value[g->output.at[i]->id]);
  }
}

// A pack is what the kernel sees: each part's own place must be the part's segment of it.
static void check_pack(Interpret *it, const NcRegion *g, int p, NcNode *leaf, int pack) {
  const NcPlanBuf *b = &it->p->plan->buf.at[pack];
  double *begin = cell(it, pack), *at = cell(it, it->p->place[leaf->id].buffer);
  if (b->type.shape.rank == 0) return;
  int64_t start = 0;
  for (int k = 0; k < p; k++) {
    size_t bytes = (size_t)nc_count(g->part_output[k][0]->type.shape) * 4, align = it->p->plan->align;
    start += (int64_t)((bytes + align - 1) / align * align);
  }
  if (at - begin != start) *at = NAN;   // the comparison will find it
}

void interpret_run(Interpret *it) {
  const NcRegions *r = it->p->regions;
  for (int i = 0; i < r->region.n; i++) {
    const NcRegion *g = r->region.at[i];
    for (int p = 0; p < g->parts; p++) {
      for (int k = 0; k < g->input.n; k++)
        if (g->part_input[p][k] != g->part_input[1][k] || g->part_input[0][k] != g->part_input[1][k])
          check_pack(it, g, p, g->part_input[p][k], g->pack_input[k]);
      for (int k = 0; k < g->output.n; k++) check_pack(it, g, p, g->part_assign[p][k], g->pack_assign[k]);
    }
    if (g->kind == NC_REGION_COPY) {
      NcNode *from = g->input.at[0], *to = g->assign.at[0];
      store(it, it->p->place[to->id].buffer, from->type, load(it, it->p->place[from->id].buffer, from->type));
      continue;
    }
    for (int p = 0; p < (g->parts ? g->parts : 1); p++) part(it, g, p);
  }
}
