// A regression: what was predicted against what is true. Both are found in the graph of the evaluation, where a loss subtracts
// one from the other, so they are in the units of the data whatever the recipe does with what the model gives.
#include <math.h>
#include <string.h>
#include "ops/op.h"
#include "show/report.h"

enum { MOST = 4000 };

typedef struct { const char *target; const NcGraph *graph; } Found;

static const NcNode *unmoved(const NcNode *n) {
  while ((n->op->kind == NC_MOVEMENT && n->nin == 1 && strcmp(n->op->name, "slice") && strcmp(n->op->name, "pad")) || strcmp(n->op->name, "cast") == 0)
    n = n->in[0];
  return n;
}

static bool *from(const NcGraph *g, NcArena *a, const char *op) {
  bool *b = NC_NEW_N(a, bool, g->node.n + 1);
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    b[i] = strcmp(n->op->name, op) == 0 && (strcmp(op, "var") || strcmp(nc_attr_str(n, "kind"), "param") == 0);
    for (int k = 0; k < n->nin; k++) b[i] = b[i] || b[n->in[k]->id];
  }
  return b;
}

// A difference of what follows from parameters and a float field of the data: the first one that leads to the loss.
static NcNode *difference(const NcGraph *g, NcArena *a, int *truth) {
  NcNode *loss = nc_graph_find_output(g, "loss");
  const bool *learned = from(g, a, "var");
  bool *leads = NC_NEW_N(a, bool, g->node.n + 1);
  if (!loss) return NULL;
  leads[loss->id] = true;
  for (int i = loss->id; i >= 0; i--)
    for (int k = 0; leads[i] && k < g->node.at[i]->nin; k++) leads[g->node.at[i]->in[k]->id] = true;
  for (int i = 0; i < g->node.n; i++) {
    NcNode *n = g->node.at[i];
    if (!leads[i] || strcmp(n->op->name, "sub") != 0) continue;
    for (int side = 0; side < 2; side++) {
      const NcNode *t = unmoved(n->in[side]);
      if (strcmp(t->op->name, "input") != 0 || t->type.dtype != NC_F32 || learned[n->in[side]->id] || !learned[n->in[1 - side]->id]) continue;
      if (nc_count(t->type.shape) != nc_count(n->type.shape)) continue;
      *truth = side;
      return n;
    }
  }
  return NULL;
}

// A graph of the two, one number or row for each example.
static const NcGraph *pairs_graph(NcReport *r, const NcProgram *p, void *ctx) {
  Found *f = ctx;
  int truth = 0;
  if (!p->eval) return NULL;
  NcGraph *g = nc_graph_rewrite(p->eval, r->m->arena, NULL, NULL, NULL);
  NcNode *n = g ? difference(g, r->m->arena, &truth) : NULL;
  if (!n) return NULL;
  f->target = nc_attr_str(unmoved(n->in[truth]), "name");
  const NcShape shape = unmoved(n->in[truth])->type.shape;
  NcNode *said = nc_reshape(g, n->at, n->in[1 - truth], shape), *true_ = nc_reshape(g, n->at, n->in[truth], shape);
  g->output.n = g->effect.n = 0;
  nc_graph_output(g, "said", said);
  nc_graph_output(g, "true", true_);
  return nc_graph_prune(g);
}

typedef struct { const NcArrayOf *said, *truth; const double *off; } Worst;

static void put_off(NcReport *r, void *ctx, int64_t i) {
  const Worst *w = ctx;
  nc_putf(r->b, "<td>%.5g</td><td>%.5g</td><td>%.3g</td>", (double)w->truth->v[i * w->said->per], (double)w->said->v[i * w->said->per], w->off[i]);
}

static void worst(NcReport *r, const NcArrayOf *said, const NcArrayOf *truth) {
  NcArena *a = r->m->arena;
  NcMiss *list = NC_NEW_N(a, NcMiss, said->n + 1);
  double *off = NC_NEW_N(a, double, said->n + 1);
  for (int64_t i = 0; i < said->n; i++) {
    for (int64_t k = i * said->per; k < (i + 1) * said->per; k++) off[i] = fmax(off[i], fabs((double)said->v[k] - (double)truth->v[k]));
    list[i] = (NcMiss){i, off[i]};
  }
  nc_report_worst_first(list, said->n);
  nc_put(r->b, "<h3>Worst mistakes</h3>\n");
  nc_report_rows(r, &(NcReportRows){"<th>true</th><th>predicted</th><th>off by</th>", put_off, &(Worst){said, truth, off}}, list, said->n);
}

bool nc_report_regression(NcReport *r) {
  Found f = {0};
  NcArrayOf *out;
  int n, truth;
  NacreModel *m = r->m;
  const NcGraph *g = m->program->eval;
  if (!r->part || r->part->n == 0 || !g || !difference(g, m->arena, &truth)) return true;
  if (nc_report_image(r) >= 0 && m->program->predict && nc_count(m->program->predict->output.at[0].node->type.shape) / m->program->batch > 64)
    return true;                                                   // pictures that are made again: the samples show them
  if (!nc_report_run(r, &(NcShowRun){.make = pairs_graph, .ctx = &f, .part = r->part, .most = MOST}, &n, &out)) return false;
  int64_t count = out[0].n * out[0].per;
  double *said = NC_NEW_N(m->arena, double, count + 1), *true_ = NC_NEW_N(m->arena, double, count + 1), *at = NC_NEW_N(m->arena, double, count + 1);
  double square = 0, mean = 0, spread = 0;
  for (int64_t i = 0; i < count; i++) {
    said[i] = out[0].v[i];
    true_[i] = out[1].v[i];
    at[i] = (double)i;
    square += (said[i] - true_[i]) * (said[i] - true_[i]) / (double)count;
    mean += true_[i] / (double)count;
  }
  for (int64_t i = 0; i < count; i++) spread += (true_[i] - mean) * (true_[i] - mean) / (double)count;
  NcSeries points = {.n = (int)count, .x = true_, .y = said, .points = true};
  NcSeries course[] = {{.name = "true", .n = (int)out[0].n, .x = at, .y = true_, .colour = 1},
                       {.name = "predicted", .n = (int)out[0].n, .x = at, .y = said, .colour = 0}};
  nc_put(r->b, "<div class=\"charts\">\n");
  nc_chart(r->b, &(NcChart){.title = f.target, .x = "true", .y = "predicted", .n = 1, .series = &points, .diagonal = true, .square = true});
  if (m->data->windows.span && out[0].per == 1)
    nc_chart(r->b, &(NcChart){.title = nc_sprintf(m->arena, "%s over time", f.target), .x = "window", .n = 2, .series = course});
  nc_put(r->b, "</div>\n");
  nc_putf(r->b, "<p>%lld examples; root of the mean square error <b>%.4g</b>", (long long)out[0].n, sqrt(square));
  if (spread > 0) nc_putf(r->b, ", R² <b>%.4f</b>", 1 - square / spread);
  nc_put(r->b, ".</p>\n");
  worst(r, &out[0], &out[1]);
  return true;
}
