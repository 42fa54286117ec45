// Assigns: a region stores the new value where the old one lay, when nobody can miss the old one; else the
// value gets a place of its own and a COPY region brings it over.
#include "passes/passes.h"

typedef struct { NC_VEC(NcRegion *) at; } List;
typedef struct {
  NcRegions *r;
  List *readers;           // by id of variables
  int *mark, search;       // by region id
  NcRegion **stack;        // of a search: as many as there are regions
} Assign;

// Whether `before` is `from`; if it is another region that was not met yet, it is looked at later.
static bool met(Assign *a, NcRegion *before, const NcRegion *from, int *n) {
  if (before == from) return true;
  if (!before || a->mark[before->id] == a->search) return false;
  a->mark[before->id] = a->search;
  a->stack[(*n)++] = before;
  return false;
}

// Must `to` run after `from`: because of values, or of variables that were already decided to be stored in place?
static bool after(Assign *a, NcRegion *to, const NcRegion *from) {
  int n = 0;
  a->search++;
  met(a, to, NULL, &n);
  while (n) {
    const NcRegion *g = a->stack[--n];
    for (int i = 0; i < g->input.n; i++)
      if (met(a, a->r->producer[g->input.at[i]->id], from, &n)) return true;
    for (int i = 0; i < g->assign.n; i++) {
      const List *l = g->assign.at[i] ? &a->readers[g->assign.at[i]->id] : NULL;
      for (int k = 0; l && k < l->at.n; k++)
        if (l->at.at[k] != g && met(a, l->at.at[k], from, &n)) return true;
    }
  }
  return false;
}

// An output is found under its own shape, so it cannot lie in a variable of another one.
static bool other_shape(const NcRegions *r, const NcNode *var, const NcNode *value) {
  for (int i = 0; i < r->graph->output.n; i++) {
    NcNode *o = r->graph->output.at[i].node;
    if (nc_base(o) == value && !nc_type_eq(o->type, var->type)) return true;
  }
  return false;
}

// Whoever reads the old value must be able to run before g; and g itself may read of it only what it then replaces.
static bool in_place(Assign *a, const NcRegion *g, const NcNode *var, const NcNode *value) {
  const List *l = &a->readers[var->id];
  for (int k = 0; k < l->at.n; k++)
    if (l->at.at[k] == g ? !nc_reads_in_step(a->r, g, var, value) : after(a, l->at.at[k], g)) return false;
  return true;
}

static NcRegion *copy(NcRegions *r, NcNode *value, NcNode *var) {
  NcRegion *g = NC_NEW(r->arena, NcRegion);
  g->id = r->ids++;
  g->kind = NC_REGION_COPY;
  g->space = value->type.shape;
  *NC_PUSH(r->arena, g->input) = value;
  *NC_PUSH(r->arena, g->output) = value;
  *NC_PUSH(r->arena, g->assign) = var;
  *NC_PUSH(r->arena, r->region) = g;
  return g;
}

// What is emitted lies at a place that moves with the turn: it is stored there beside the place where others read it.
static bool emitted(Assign *a, NcNode *var, NcNode *value, NcRegion *g, int o) {
  bool read = g->assign.at[o] != NULL;
  for (int i = 0; i < a->r->region.n && !read; i++)
    for (int k = 0; k < a->r->region.at[i]->input.n && !read; k++) read = a->r->region.at[i]->input.at[k] == value;
  for (int i = 0; i < a->r->graph->effect.n && !read; i++) {
    const NcNode *e = a->r->graph->effect.at[i];
    read = nc_base(e->in[1]) == value && e->in[0] != var;
  }
  if (!read) {
    g->assign.at[o] = var;
    return true;
  }
  *NC_PUSH(a->r->arena, g->output) = value;
  *NC_PUSH(a->r->arena, g->assign) = var;
  return true;
}

static int output_of(const NcRegion *g, const NcNode *value) {
  for (int i = 0; i < g->output.n; i++)
    if (g->output.at[i] == value) return i;
  return -1;
}

void nc_regions_assign(NcRegions *r) {
  Assign a = {.r = r, .readers = NC_NEW_N(r->arena, List, r->graph->node.n + 1),
              .mark = NC_NEW_N(r->arena, int, r->ids + 1), .stack = NC_NEW_N(r->arena, NcRegion *, r->ids + 1)};
  for (int i = 0; i < r->region.n; i++)
    for (int k = 0; k < r->region.at[i]->input.n; k++) {
      NcNode *n = r->region.at[i]->input.at[k];
      if (nc_is_leaf(n)) *NC_PUSH(r->arena, a.readers[n->id].at) = r->region.at[i];
    }
  for (int i = 0; i < r->graph->effect.n; i++) {
    NcNode *var = r->graph->effect.at[i]->in[0], *value = nc_base(r->graph->effect.at[i]->in[1]);
    NcRegion *g = r->producer[value->id];
    int o = g ? output_of(g, value) : -1;
    if (o >= 0 && nc_turns_with(r, var) && emitted(&a, var, value, g, o)) continue;
    if (o >= 0 && !g->assign.at[o] && !other_shape(r, var, value) && in_place(&a, g, var, value)) g->assign.at[o] = var;
    else copy(r, value, var);
  }
}
