// What a report wants to know of a model is found in the graph of its evaluation, on the way to the loss: whatever the recipe
// does with what the model gives, there the prediction meets the truth.
#include <string.h>
#include "ops/op.h"
#include "show/report.h"

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

static NcNode *unmoved(NcNode *n) {
  while ((n->op->kind == NC_MOVEMENT && n->nin == 1 && !is(n, "slice") && !is(n, "pad")) || is(n, "cast")) n = n->in[0];
  return n;
}

// What follows from parameters, and what from the data.
typedef struct { bool *learned, *data, *leads; } Ways;

static bool ways(const NcGraph *g, NcArena *a, Ways *w) {
  const NcNode *loss = g ? nc_graph_find_output(g, "loss") : NULL;
  if (!loss) return false;
  *w = (Ways){NC_NEW_N(a, bool, g->node.n + 1), NC_NEW_N(a, bool, g->node.n + 1), NC_NEW_N(a, bool, g->node.n + 1)};
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    w->learned[i] = is(n, "var") && strcmp(nc_attr_str(n, "kind"), "param") == 0;
    w->data[i] = is(n, "input");
    for (int k = 0; k < n->nin; k++) {
      w->learned[i] = w->learned[i] || w->learned[n->in[k]->id];
      w->data[i] = w->data[i] || w->data[n->in[k]->id];
    }
  }
  w->leads[loss->id] = true;
  for (int i = loss->id; i >= 0; i--)
    for (int k = 0; w->leads[i] && k < g->node.at[i]->nin; k++) w->leads[g->node.at[i]->in[k]->id] = true;
  return true;
}

// ---- a number against a number

// A difference of what follows from parameters and a float field of the data: the first one that leads to the loss.
static NcNode *difference(const NcGraph *g, NcArena *a, int *truth) {
  Ways w;
  if (!ways(g, a, &w)) return NULL;
  for (int i = 0; i < g->node.n; i++) {
    NcNode *n = g->node.at[i];
    if (!w.leads[i] || !is(n, "sub")) continue;
    for (int side = 0; side < 2; side++) {
      const NcNode *t = unmoved(n->in[side]);
      if (!is(t, "input") || t->type.dtype != NC_F32 || w.learned[n->in[side]->id] || !w.learned[n->in[1 - side]->id]) continue;
      if (nc_count(t->type.shape) != nc_count(n->type.shape)) continue;
      *truth = side;
      return n;
    }
  }
  return NULL;
}

const char *nc_report_pairs_target(const NcReport *r) {
  int truth;
  const NcNode *n = difference(r->m->program->eval, r->m->arena, &truth);
  return n ? nc_attr_str(unmoved(n->in[truth]), "name") : NULL;
}

const NcGraph *nc_report_pairs(NcReport *r, const NcProgram *p, void *ctx) {
  (void)ctx;
  int truth = 0;
  NcGraph *g = p->eval ? nc_graph_rewrite(p->eval, r->m->arena, NULL, NULL, NULL) : NULL;
  NcNode *n = difference(g, r->m->arena, &truth);
  if (!n) return NULL;
  const NcShape shape = unmoved(n->in[truth])->type.shape;
  NcNode *said = nc_reshape(g, n->at, n->in[1 - truth], shape), *true_ = nc_reshape(g, n->at, n->in[truth], shape);
  g->output.n = g->effect.n = 0;
  nc_graph_output(g, "said", said);
  nc_graph_output(g, "true", true_);
  return nc_graph_prune(g);
}

// ---- yes or no

// What the last sigmoid or softplus before the loss is taken of, if it is one number for each example: the logit. The loss of
// a yes is softplus of its negative, that of a no softplus of itself.
static NcNode *logit(const NcGraph *g, NcArena *a, int64_t batch, const NcNode **truth) {
  Ways w;
  NcNode *found = NULL;
  if (!ways(g, a, &w)) return NULL;
  for (int i = g->node.n - 1; i >= 0 && !found; i--) {
    const NcNode *n = g->node.at[i];
    if (!w.leads[i] || (!is(n, "sigmoid") && !is(n, "softplus")) || nc_count(n->type.shape) != batch) continue;
    NcNode *x = unmoved(n->in[0]);
    if (is(n, "softplus") && is(x, "neg")) x = unmoved(x->in[0]);
    if (w.learned[x->id] && w.data[x->id]) found = x;
  }
  if (!found) return NULL;
  bool *before = NC_NEW_N(a, bool, g->node.n + 1);
  before[found->id] = true;
  for (int i = found->id; i >= 0; i--)
    for (int k = 0; before[i] && k < g->node.at[i]->nin; k++) before[g->node.at[i]->in[k]->id] = true;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (!is(n, "input") || !w.leads[i] || before[i] || nc_count(n->type.shape) != batch) continue;
    *truth = n;
    return found;
  }
  return NULL;
}

const char *nc_report_logit_target(const NcReport *r) {
  const NcNode *truth, *n = logit(r->m->program->eval, r->m->arena, r->m->program->batch, &truth);
  return n ? nc_attr_str(truth, "name") : NULL;
}

const NcGraph *nc_report_logit(NcReport *r, const NcProgram *p, void *ctx) {
  (void)ctx;
  const NcNode *truth;
  NcGraph *g = p->eval ? nc_graph_rewrite(p->eval, r->m->arena, NULL, NULL, NULL) : NULL;
  NcNode *n = logit(g, r->m->arena, p->batch, &truth), *slope = NULL;
  if (!n || !nc_grad(g, nc_graph_find_output(g, "loss"), 1, &n, &slope) || !slope) return NULL;
  g->output.n = g->effect.n = 0;
  nc_graph_output(g, "logit", nc_reshape(g, n->at, n, NC_SHAPE(p->batch)));
  nc_graph_output(g, "slope", nc_reshape(g, n->at, slope, NC_SHAPE(p->batch)));
  return nc_graph_prune(g);
}
