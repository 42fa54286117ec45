// Simplify: rewrites the graph by rules (rules.def) until none applies; what is no longer reached is gone, and what
// is equal is one (hash-consing does that).
#include <string.h>
#include "passes/rules.h"

static const NcRuleRow rules[] = {
#define NC_RULE(name, op, doc) {#name, #op, doc, nc_rule_##name},
#include "passes/rules.def"
#undef NC_RULE
};
enum { COUNT = sizeof rules / sizeof *rules };

const NcRuleRow *nc_rule_at(int i) { return i >= 0 && i < COUNT ? &rules[i] : NULL; }

bool nc_is_op(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

bool nc_constant(const NcNode *n, double *v) {
  if (nc_is_op(n, "broadcast")) n = n->in[0];
  if (!nc_is_literal(n)) return false;
  *v = nc_attr_float(n, "value");
  return true;
}

NcNode *nc_filled(NcSimplify *s, const NcNode *like, double v) {
  return nc_broadcast(s->g, like->at, nc_const(s->g, like->at, like->type.dtype, v), like->type.shape, NULL);
}

bool nc_single(const NcSimplify *s, const NcNode *n) { return n->id >= s->uses_cap || s->uses[n->id] <= 1; }

static void note_uses(NcSimplify *s, const NcNode *n, int uses) {
  if (n->id >= s->uses_cap) {
    int cap = (n->id + 1) * 2;
    int *fresh = NC_NEW_N(s->arena, int, cap);
    if (s->uses_cap) memcpy(fresh, s->uses, (size_t)s->uses_cap * sizeof *fresh);
    s->uses = fresh;
    s->uses_cap = cap;
  }
  s->uses[n->id] += uses;
}

static NcNode *apply(NcSimplify *s, NcNode *n) {
  for (int i = 0; i < COUNT; i++) {
    if (rules[i].op[0] != '*' && !nc_is_op(n, rules[i].op)) continue;
    NcNode *r = rules[i].rule(s, n);
    if (!r || r == n) continue;
    s->fired[i]++;
    return r;
  }
  return NULL;
}

enum { STEPS = 32, ROUNDS = 12 };   // per node and of the whole graph; rules do not run in circles, but who knows

static NcNode *rewrite(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  NcSimplify *s = ctx;
  s->g = to;
  NcNode *n = nc_copy_node(to, old, in);
  if (n && old->op->kind == NC_EFFECT) return n;
  for (int i = 0; n && i < STEPS; i++) {
    NcNode *r = apply(s, n);
    if (!r) break;
    n = r;
  }
  if (n) note_uses(s, n, s->users->n[old->id]);
  return n;
}

NcGraph *nc_simplify_graph(NcArena *a, const NcGraph *g, int *fired) {
  int total[COUNT] = {0};
  for (int round = 0, before = -1; round < ROUNDS; round++) {
    NcUsers users = nc_graph_users(g, a);
    for (int i = 0; i < g->output.n; i++) users.n[g->output.at[i].node->id]++;
    NcSimplify s = {.arena = a, .users = &users, .fired = total};
    g = nc_graph_rewrite(g, a, rewrite, &s, NULL);
    if (!g) return NULL;
    int sum = 0;
    for (int i = 0; i < COUNT; i++) sum += total[i];
    if (sum == before || (before < 0 && sum == 0)) break;
    before = sum;
  }
  if (fired) memcpy(fired, total, sizeof total);
  return nc_graph_rewrite(g, a, NULL, NULL, NULL);   // drops what the rules left behind
}

bool nc_simplify(NcState *s) {
  for (int i = 0; i < 2 && s->graph; i++) {   // twice: what a loop no longer needs sets others free
    NcGraph *tidy = nc_loops_tidy(s->arena, nc_simplify_graph(s->arena, s->graph, NULL));
    bool any = false;
    for (int k = 0; tidy && k < tidy->node.n; k++) any |= tidy->node.at[k]->op->kind == NC_CONTROL;
    s->graph = tidy;
    if (!any) break;
  }
  return s->graph && !s->diag->errors;
}
