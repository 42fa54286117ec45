// Steps that are run to be measured.
#include "train/work.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_plan(NcWork *w, NcCompiled *c) {
  for (int i = 0; i < w->plans; i++)
    if (w->plan[i] == c) return;
  w->plan[w->plans++] = c;
}

static bool open_training(NacreModel *m, NcWork *w) {
  static const NacreTrainOptions none;
  w->walk = (NcWalk){.m = m, .o = &none, .recipe = m->program->recipe};
  if (!nc_walk_prepare(&w->walk)) return false;
  w->batch = m->program->batch * w->walk.recipe->accumulate;
  w->plan = NC_NEW_N(m->arena, NcCompiled *, 2 * w->walk.turns);
  for (int t = 0; t < w->walk.turns; t++) {
    if (w->walk.turn[t].gather.c) add_plan(w, w->walk.turn[t].gather.c);
    add_plan(w, w->walk.turn[t].update.c);
  }
  return true;
}

static bool open_predicting(NacreModel *m, NcWork *w) {
  if (!nc_feed_data(m)) return false;
  NcCompiled *c = w->fed.c = nc_engine_get(m, "predict", 0);
  if (!c || !nc_feed_map(m, c, &w->fed.map)) return false;
  const NcSplit *part = nc_feed_split(m, m->splits ? m->split[0].name : "all");
  if (!part) return false;
  nc_loader_free(m->loader);
  m->loader = nc_loader_new(m->diag, &(NcLoaderOptions){
    .data = m->data, .index = part->index, .n = part->n, .field = w->fed.map.field, .fields = w->fed.map.n,
    .batch = c->batch, .stride = part->stride, .last = part->last, .keep = 2});
  w->batch = c->batch;
  w->plan = NC_NEW_N(m->arena, NcCompiled *, 1);
  w->plan[w->plans++] = c;
  w->result = nc_alloc(m->arena, c->plan->buf.at[c->plan->output.at[0].buffer].bytes);
  return m->loader != NULL;
}

// Where the data are texts, an example is a window of tokens: the context and one more.
static int64_t tokens_of(const NcWork *w) {
  const NcRecipe *r = w->m->program->recipe;
  int64_t most = 0;
  if (!r || !r->source || strcmp(r->source->kind, "text") != 0) return 0;
  for (int i = 0; i < w->plan[0]->plan->buf.n; i++) {
    const NcPlanBuf *b = &w->plan[0]->plan->buf.at[i];
    if (b->kind == NC_BUF_INPUT && b->type.shape.rank == 2 && b->type.shape.dim[0] == w->plan[0]->batch && b->type.shape.dim[1] > most)
      most = b->type.shape.dim[1];
  }
  return most > 1 ? most - 1 : 0;
}

bool nc_work_open(NacreModel *m, const char *purpose, NcWork *w) {
  *w = (NcWork){.m = m};
  if (!purpose) purpose = m->program->step ? "step" : "predict";
  bool predict = strcmp(purpose, "predict") == 0;
  if (!predict && strcmp(purpose, "step") != 0)
    return nc_error(m->diag, NC_E0702, NC_NOWHERE, "`step` (training) or `predict` can be measured, not `%s`", purpose), false;
  if (!nc_engine_graph(m->program, purpose)) return nc_engine_lacks(m), false;
  w->train = !predict;
  if (!(predict ? open_predicting : open_training)(m, w)) return false;
  w->tokens = tokens_of(w);
  return true;
}

static bool predict_once(NcWork *w, const NcBatch *b) {
  static const uint64_t seed = 1;
  const NcFed *f = &w->fed;
  int out = f->c->plan->output.at[0].buffer;
  NcDiag *d = w->m->diag;
  if (!nc_feed_batch_write(w->m, f->c, &f->map, b->field, &(NcFeedNow){.step = &w->step, .seed = &seed})) return false;
  bool good = f->c->profile ? nc_exec_run_profiled(f->c->loaded, d, f->c->profile) : nc_exec_run(f->c->loaded, d);
  return good && nc_exec_read(f->c->loaded, d, out, w->result, f->c->plan->buf.at[out].bytes, true);
}

bool nc_work_once(NcWork *w) {
  NcBatch b;
  nc_loader_next(w->m->loader, &b);
  if (!w->train) return predict_once(w, &b);
  NcUnderWay *s = &w->walk.slot[0];
  s->step = w->step++;
  return nc_walk_step(&w->walk, &b, s, NULL) && nc_exec_finish(w->m->exec, w->m->diag);
}

size_t nc_work_bytes(const NcWork *w) {
  const NcPlan **p = NC_NEW_N(w->m->arena, const NcPlan *, w->plans);
  for (int i = 0; i < w->plans; i++) p[i] = w->plan[i]->plan;
  return nc_plans_bytes(w->plans, p);
}

// Small batches whose gradients are only added up run more than once.
static int64_t times(const NcWork *w, const NcCompiled *c) {
  return strncmp(c->purpose, "gather", 6) == 0 ? w->walk.recipe->accumulate - 1 : 1;
}

int64_t nc_work_launches(const NcWork *w) {
  int64_t n = 0;
  for (int i = 0; i < w->plans; i++) n += nc_plan_launches(w->plan[i]->plan) * times(w, w->plan[i]);
  return n;
}

double *nc_work_turns(const NcWork *w, const NcCompiled *c, NcArena *a) {
  double *n = NC_NEW_N(a, double, c->plan->step.n + 1);
  for (NcSteps s = {.plan = c->plan}; nc_steps_next(&s);) n[s.step] += (double)times(w, c);
  return n;
}

double nc_work_least(const NcWork *w, const NcLimits *l) {
  double sum = 0;
  for (int i = 0; i < w->plans; i++) {
    const NcPlan *p = w->plan[i]->plan;
    double *turns = nc_work_turns(w, w->plan[i], w->m->arena);
    for (int k = 0; k < p->step.n; k++) sum += nc_limit_seconds(l, turns[k] * p->step.at[k].flops, turns[k] * p->step.at[k].bytes);
  }
  return sum;
}

static int rising(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double nc_median(double *v, int n) {
  if (n) qsort(v, (size_t)n, sizeof *v, rising);
  return n ? (v[n / 2] + v[(n - 1) / 2]) / 2 : 0;
}

void nc_median_within(const double *v, int n, double *low, double *high) {
  double reach = 0.98 * sqrt(n);
  int from = (int)floor(n / 2.0 - reach), to = (int)ceil(n / 2.0 + reach);
  *low = n ? v[from < 0 ? 0 : from] : 0;
  *high = n ? v[to >= n ? n - 1 : to] : 0;
}
