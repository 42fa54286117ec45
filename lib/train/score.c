// Loss and metrics over a part of the data.
#include <string.h>
#include "eval/eval.h"
#include "train/model.h"

int nc_score_count(const NacreModel *m) { return 1 + m->program->recipe->metrics.n; }
const char *nc_score_name(const NacreModel *m, int i) { return i ? m->program->recipe->metrics.at[i - 1] : "loss"; }

// The sum of an output of the eval graph over all examples: of a metric, or of what metrics follow from.
typedef struct { const char *name; int64_t n; double *sum; } Sum;
typedef struct { int n; Sum *at; int64_t largest; } Sums;

static Sums sums_of(const NacreModel *m) {
  const NcGraph *g = m->program->eval;
  Sums s = {.at = NC_NEW_N(m->arena, Sum, g->output.n + 1)};
  for (int i = 0; i < g->output.n; i++) {
    int64_t n = nc_count(g->output.at[i].node->type.shape);
    s.at[s.n++] = (Sum){g->output.at[i].name, n, NC_NEW_N(m->arena, double, n + 1)};
    if (n > s.largest) s.largest = n;
  }
  return s;
}

static Sum *find(const Sums *s, const char *name) {
  for (int i = 0; i < s->n; i++)
    if (strcmp(s->at[i].name, name) == 0) return &s->at[i];
  return NULL;
}

// Adds what the batches of one size give: the examples [from, from + n) of a part.
static bool run_batches(NacreModel *m, const NcSplit *part, int64_t from, int64_t n, int64_t batch, Sums *s) {
  NcCompiled *c = nc_engine_get(m, "eval", batch);
  NcFeedMap map;
  if (!c || !nc_feed_map(m, c, &map)) return false;
  int *output = NC_NEW_N(m->arena, int, s->n);
  float *v = NC_NEW_N(m->arena, float, s->largest + 1);
  for (int k = 0; k < s->n; k++) {
    output[k] = nc_plan_output(c->plan, s->at[k].name);
    if (output[k] < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the eval plan has no `%s`", s->at[k].name), false;
  }
  NcLoader *l = nc_loader_new(m->diag, &(NcLoaderOptions){.data = m->data, .index = part->index + from, .n = n, .field = map.field,
                                                         .fields = map.n, .batch = batch});
  if (!l) return false;
  int32_t step = 0;
  bool good = true;
  for (int64_t i = 0; good && i < n / batch; i++) {
    uint64_t seed = nc_feed_seed(m, part->name, from + i * batch);
    NcBatch b;
    nc_loader_next(l, &b);
    good = nc_feed_batch_write(m, c, &map, b.field, &(NcFeedNow){.step = &step, .seed = &seed}) && nc_exec_run(c->loaded, m->diag);
    for (int k = 0; good && k < s->n; k++) {
      good = nc_exec_read(c->loaded, m->diag, output[k], v, (size_t)s->at[k].n * sizeof *v, true);
      for (int64_t j = 0; good && j < s->at[k].n; j++) s->at[k].sum[j] += (double)v[j] * (double)batch;
    }
  }
  nc_loader_free(l);
  return good;
}

// What follows from the means over all batches.
static bool finish(NacreModel *m, const Sums *s, double **value) {
  const NcGraph *g = m->program->finish;
  NcBinding *bind = NC_NEW_N(m->arena, NcBinding, s->n + 1);
  for (int k = 0; k < s->n; k++) bind[k] = (NcBinding){s->at[k].name, s->at[k].sum};
  return nc_eval(g, m->diag, &(NcEvalOptions){.arena = m->arena, .nbind = s->n, .bind = bind}, value);
}

bool nc_score(NacreModel *m, const NcSplit *part, double *scores) {
  int64_t n = part->n, batch = nc_engine_batch(m, "eval", n), whole = n / batch * batch;
  Sums s = sums_of(m);
  if (!run_batches(m, part, 0, whole, batch, &s)) return false;
  if (n > whole && !run_batches(m, part, whole, n - whole, n - whole, &s)) return false;
  for (int k = 0; k < s.n; k++)
    for (int64_t j = 0; j < s.at[k].n; j++) s.at[k].sum[j] /= (double)n;
  const NcGraph *last = m->program->finish;
  double **value = last ? NC_NEW_N(m->arena, double *, last->node.n + 1) : NULL;
  if (last && !finish(m, &s, value)) return false;
  for (int k = 0; k < nc_score_count(m); k++) {
    const NcNode *late = last ? nc_graph_find_output(last, nc_score_name(m, k)) : NULL;
    const Sum *mean = late ? NULL : find(&s, nc_score_name(m, k));
    if (!late && !mean)
      return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the eval graph has no `%s`", nc_score_name(m, k)), false;
    scores[k] = late ? value[late->id][0] : mean->sum[0];
  }
  return true;
}

typedef struct { const char *split; NacreScores *out; } Eval;

static bool eval(NacreModel *m, void *arg) {
  Eval *e = arg;
  const NcSplit *s = nc_feed_split(m, e->split);
  if (!s) return false;
  int n = nc_score_count(m);
  double *scores = NC_NEW_N(m->arena, double, n);
  if (!nc_score(m, s, scores)) return false;
  m->scores = NC_NEW_N(m->arena, NacreMetric, n);
  for (int k = 0; k < n; k++) m->scores[k] = (NacreMetric){nc_score_name(m, k), scores[k]};
  *e->out = (NacreScores){.split = s->name, .examples = s->n, .metrics = n, .metric = m->scores};
  return true;
}

NacreStatus nacre_eval(NacreModel *m, const char *split, NacreScores *out) {
  return nc_guard_given(m, out, eval, &(Eval){split, out});
}
