// Loss and metrics over a part of the data.
#include <string.h>
#include "train/model.h"

int nc_score_count(const NacreModel *m) { return 1 + m->program->recipe->metrics.n; }
const char *nc_score_name(const NacreModel *m, int i) { return i ? m->program->recipe->metrics.at[i - 1] : "loss"; }

// Adds `weight` times each score of one batch size's batches [from, to) of the loader's order.
static bool run_batches(NacreModel *m, const int64_t *index, int64_t n, int64_t batch, double *sum) {
  NcCompiled *c = nc_engine_get(m, "eval", batch);
  NcFeedMap map;
  if (!c || !nc_feed_map(m, c, &map)) return false;
  int metrics = nc_score_count(m), *output = NC_NEW_N(m->arena, int, metrics);
  for (int k = 0; k < metrics; k++) {
    output[k] = nc_plan_output(c->plan, nc_score_name(m, k));
    if (output[k] < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the eval plan has no `%s`", nc_score_name(m, k)), false;
  }
  NcLoader *l = nc_loader_new(m->diag, &(NcLoaderOptions){.data = m->data, .index = index, .n = n, .field = map.field,
                                                         .fields = map.n, .batch = batch});
  if (!l) return false;
  int32_t step = 0;
  uint32_t seed[2] = {0};
  bool good = true;
  for (int64_t i = 0; good && i < n / batch; i++) {
    NcBatch b;
    nc_loader_next(l, &b);
    good = nc_feed_batch_write(m, c, &map, b.field, &(NcFeedNow){.step = &step, .seed = seed}) && nc_exec_run(c->loaded, m->diag);
    for (int k = 0; good && k < metrics; k++) {
      float v;
      good = nc_exec_read(c->loaded, m->diag, output[k], &v, sizeof v, true);
      if (good) sum[k] += (double)v * (double)batch;
    }
  }
  nc_loader_free(l);
  return good;
}

bool nc_score(NacreModel *m, const int64_t *index, int64_t n, double *scores) {
  int64_t batch = nc_feed_batch(n, m->program->batch), whole = n / batch * batch;
  int metrics = nc_score_count(m);
  for (int k = 0; k < metrics; k++) scores[k] = 0;
  if (!run_batches(m, index, whole, batch, scores)) return false;
  if (n > whole && !run_batches(m, index + whole, n - whole, n - whole, scores)) return false;
  for (int k = 0; k < metrics; k++) scores[k] /= (double)n;
  return true;
}

typedef struct { const char *split; NacreScores *out; } Eval;

static bool eval(NacreModel *m, void *arg) {
  Eval *e = arg;
  const NcSplit *s = nc_feed_split(m, e->split);
  if (!s) return false;
  int n = nc_score_count(m);
  double *scores = NC_NEW_N(m->arena, double, n);
  if (!nc_score(m, s->index, s->n, scores)) return false;
  m->scores = NC_NEW_N(m->arena, NacreMetric, n);
  for (int k = 0; k < n; k++) m->scores[k] = (NacreMetric){nc_score_name(m, k), scores[k]};
  *e->out = (NacreScores){.examples = s->n, .metrics = n, .metric = m->scores};
  return true;
}

NacreStatus nacre_eval(NacreModel *m, const char *split, NacreScores *out) {
  return nc_guard(m, eval, &(Eval){split, out});
}
