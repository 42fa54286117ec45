// States that change inside of a scan: each becomes one more carry. In a turn it reads as the turn before left it, and what the
// last turn leaves is what the state is after the loop.
//
// Which ones change is known when the block has been evaluated, so every state that is met in it gets a placeholder; one that turns
// out to stay as it was gets its value from outside in the placeholder's stead. In a scan within a scan a state is a carry of both.
#include "elab/scan.h"
#include <string.h>

// Outside of training nothing changes. A frozen layer does not train, but may stand beside another call of what does.
static bool may_change(const NcElab *e, const NcVar *v) {
  bool learns = e->training || (e->iteration && e->iteration->graph == e->graph);
  return learns && strcmp(v->pub.kind, "param") != 0 && e->scan && e->scan->turn->graph == e->graph;
}

static NcScanState *find(NcScan *s, const NcVar *v) {
  for (int i = 0; i < s->state.n; i++)
    if (s->state.at[i].var == v) return &s->state.at[i];
  return NULL;
}

// From the outermost scan to s: what is the latest value of one is the first of the next.
static void enter(NcElab *e, NcScan *s, NcVar *v) {
  if (!s || s->turn->graph != e->graph || find(s, v)) return;
  enter(e, s->up, v);
  NcNode *latest = v->next ? v->next : v->now;
  const char *name = nc_sprintf(e->arena, "state %s", v->pub.path);
  NcTensor *first = nc_t(e, s->x->at, latest, v->pub.type.shape.rank, v->dim);
  NcTensor *carry = nc_scan_placeholder(e, s, s->x->at, name, v->pub.type.dtype, first->rank, v->dim);
  *NC_PUSH(e->arena, s->state) = (NcScanState){.var = v, .before = v->next, .first = first, .carry = carry};
  v->next = carry->node;
}

void nc_scan_state(NcElab *e, NcVar *v) {
  if (may_change(e, v)) enter(e, e->scan, v);
}

NcTensor *nc_scan_state_read(NcElab *e, const NcLocal *l) {
  if (l->scan == e->scan || !may_change(e, l->var)) return l->value.t;
  enter(e, e->scan, l->var);
  return find(e->scan, l->var)->carry;
}

// ---- after the block

static NcTensor **more(NcElab *e, const NcScan *s, NcTensor *const *old) {
  NcTensor **t = NC_NEW_N(e->arena, NcTensor *, s->ncarry + s->state.n + 1);
  for (int i = 0; i < s->ncarry; i++) t[i] = old[i];
  return t;
}

static void carry(NcElab *e, NcScan *s) {
  s->first = more(e, s, s->first);
  s->carry = more(e, s, s->carry);
  s->next = more(e, s, s->next);
  for (int i = 0; i < s->state.n; i++) {
    NcScanState *k = &s->state.at[i];
    k->changes = k->var->next != k->carry->node;
    if (!k->changes) continue;
    k->number = s->ncarry;
    s->first[s->ncarry] = k->first;
    s->carry[s->ncarry] = k->carry;
    s->next[s->ncarry++] = nc_t_as(e, s->x->at, k->var->next, k->carry);
  }
}

// What the block gives, made once more with the states that stayed as they were in place of what stood for them.
static bool replace(NcElab *e, NcScan *s) {
  NC_VEC(NcNode *) from = {0};
  NC_VEC(NcTensor **) root = {0};
  NC_VEC(NcNode *) node = {0};
  for (int i = 0; i < s->state.n; i++)
    if (!s->state.at[i].changes) *NC_PUSH(e->arena, from) = s->state.at[i].carry->node;
  if (!from.n) return true;
  for (int i = 0; i < s->ncarry; i++) *NC_PUSH(e->arena, root) = &s->next[i];
  for (int i = 0; i < s->nemit; i++) *NC_PUSH(e->arena, root) = &s->emitted[i];
  for (int i = 0; i < root.n; i++) *NC_PUSH(e->arena, node) = (*root.at[i])->node;
  NcPart part = nc_graph_between(e->graph, e->arena, from.n, from.at, node.n, node.at);
  for (int i = 0; i < part.n; i++) e->scan_macs += nc_node_macs(part.node[i]);
  NcNode **map = NC_NEW_N(e->arena, NcNode *, part.ids + 1);
  for (int i = 0; i < s->state.n; i++)
    if (!s->state.at[i].changes) map[s->state.at[i].carry->node->id] = s->state.at[i].first->node;
  if (!nc_graph_again(e->graph, &part, map)) return false;
  for (int i = 0; i < root.n; i++)
    if (map[node.at[i]->id]) *root.at[i] = nc_t_as(e, s->x->at, map[node.at[i]->id], *root.at[i]);
  return true;
}

bool nc_scan_states_carry(NcElab *e, NcScan *s) {
  if (!s->state.n) return true;
  carry(e, s);
  return replace(e, s);
}

void nc_scan_states_leave(NcScan *s, NcTensor *const *last) {
  for (int i = 0; i < s->state.n; i++) {
    const NcScanState *k = &s->state.at[i];
    k->var->next = last && k->changes ? last[k->number]->node : k->before;
  }
}
