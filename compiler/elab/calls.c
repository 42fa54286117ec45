// Which call of a layer or function made which node, for pictures. It is collected where the rows of `nacre summary` are.
#include "elab/elab.h"
#include <string.h>

struct NcCalls {
  const NcGraph *graph;      // whose nodes these are; a later graph replaces it
  NC_VEC(NcCall) call;
  NC_VEC(int) owner;         // [node id] the innermost call that made it; -1: none
  int now;                   // the call that is being evaluated; -1: none
};

// Nodes without an owner up to now are of `call`.
static void own(NcElab *e, int call) {
  struct NcCalls *c = e->calls;
  while (c->owner.n < c->graph->node.n) *NC_PUSH(e->arena, c->owner) = call;
}

static bool collects(NcElab *e) {
  if (!e->rows || !e->graph || e->graph == e->init) return false;      // starting values are no part of the network
  if (!e->calls) e->calls = NC_NEW(e->arena, struct NcCalls);
  if (e->calls->graph == e->graph) return true;
  *e->calls = (struct NcCalls){.graph = e->graph, .now = -1};
  own(e, -1);
  return true;
}

// The prelude's sources are called by their folder and file: "prelude/norm.nn" → "norm".
static const char *family(const NcElab *e, const NcInfo *info) {
  if (!info->module || !info->module->prelude) return NULL;
  const char *slash = strrchr(info->module->name, '/'), *name = slash ? slash + 1 : info->module->name;
  return nc_strndup(e->arena, name, strcspn(name, "."));
}

int nc_call_begins(NcElab *e, const NcInstance *inst, const NcInfo *info) {
  if (!info->decl->tensor.n || !collects(e)) return -1;
  struct NcCalls *c = e->calls;
  bool layer = info->decl->kind == NC_D_LAYER || info->decl->kind == NC_D_MODEL;
  own(e, c->now);
  *NC_PUSH(e->arena, c->call) = (NcCall){.up = c->now, .decl = info->decl, .path = layer ? inst->path : NULL, .family = family(e, info)};
  return c->now = c->call.n - 1;
}

void nc_call_ends(NcElab *e, int call, const NcValue *result) {
  struct NcCalls *c = e->calls;
  if (call < 0 || c->graph != e->graph || call >= c->call.n) return;
  const NcTensor *t = nc_first_tensor(result);
  if (t) c->call.at[call].type = t->node->type;
  own(e, call);
  c->now = c->call.at[call].up;
}

void nc_calls_keep(NcElab *e) {
  struct NcCalls *c = e->calls;
  if (!c || c->graph != e->graph) return;
  own(e, -1);
  for (int i = 0; i < c->graph->node.n; i++)
    if (c->owner.at[i] >= 0) *NC_PUSH(e->arena, c->call.at[c->owner.at[i]].node) = c->graph->node.at[i];
}

void nc_calls_give(NcElab *e, NcProgram *p) {
  if (!e->calls) return;
  p->drawn = e->calls->graph;
  for (int i = 0; i < e->calls->call.n; i++) *NC_PUSH(e->arena, p->call) = e->calls->call.at[i];
}
