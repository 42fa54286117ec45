// Training: a walk over batches that never waits for the step it has just queued.
//
// Steps are queued a few ahead of the host (RING): each has a slot with its scalars, which must not change before it
// is done, and room for what it reports. Reports are taken in order, so sums and logs do not depend on timing.
#include <math.h>
#include <string.h>
#include "train/checkpoint.h"
#include "train/model.h"
#include "train/run.h"

enum { RING = 3, MAX_METRICS = 16 };

typedef struct {
  int32_t step;
  float value[MAX_METRICS];
  uint64_t mark;             // 0: free
} Slot;

typedef struct {
  NacreModel *m;
  const NacreTrainOptions *o;
  const NcRecipe *recipe;
  NcCompiled *c;
  NcFeedMap map;
  NcRun run;
  NcPosition at;             // of what has been reported (all slots up to here are done)
  int64_t queued;            // steps queued so far
  int64_t total, per_epoch;
  int metrics, output[MAX_METRICS];
  NacreMetric metric[MAX_METRICS];
  const NcSplit *train, *valid;
  Slot slot[RING];
  uint32_t seed[2];
  double began;              // clock at this call's first step
  int64_t began_step;
  bool broken;               // a value that is not finite was reported
} Loop;

// ---- progress

static NacreProgress progress(Loop *l, const char *phase) {
  double now = nc_now(), run = now - l->began;
  int64_t done = l->at.step - l->began_step;
  double rate = run > 0 && done > 0 ? (double)done / run : 0;
  return (NacreProgress){
    .phase = phase, .epoch = l->at.epoch + (l->at.batch > 0), .epochs = l->recipe->steps ? 0 : l->recipe->epochs,
    .step = l->at.step, .steps = l->total, .metrics = l->metrics, .metric = l->metric,
    .examples_per_second = rate * (double)l->c->batch, .seconds_left = rate > 0 ? (double)(l->total - l->at.step) / rate : 0,
    .seconds = now - l->run.started, .device_bytes = nc_exec_bytes(l->m->exec), .directory = l->run.dir,
  };
}

static void tell(Loop *l, const NacreProgress *p) {
  if (l->o->progress) l->o->progress(l->o->ctx, p);
}

static void means(Loop *l, int64_t batches) {
  for (int k = 0; k < l->metrics; k++)
    l->metric[k] = (NacreMetric){nc_score_name(l->m, k), batches ? l->at.sum[k] / (double)batches : 0};
}

// ---- steps

static bool queue_step(Loop *l) {
  Slot *s = &l->slot[l->queued % RING];
  NcBatch b;
  nc_loader_next(l->m->loader, &b);
  s->step = (int32_t)l->queued;
  if (!nc_feed_batch_write(l->m, l->c, &l->map, b.field, &s->step, l->seed) || !nc_exec_run(l->c->loaded, l->m->diag)) return false;
  for (int k = 0; k < l->metrics; k++)
    if (!nc_exec_read(l->c->loaded, l->m->diag, l->output[k], &s->value[k], sizeof(float), false)) return false;
  s->mark = nc_exec_mark(l->m->exec, l->m->diag);
  l->queued++;
  return s->mark != 0;
}

// Takes the report of the oldest queued step.
static bool take_step(Loop *l) {
  Slot *s = &l->slot[l->at.step % RING];
  if (!nc_exec_wait(l->m->exec, l->m->diag, s->mark)) return false;
  s->mark = 0;
  if (!isfinite(s->value[0])) { l->broken = true; return false; }
  for (int k = 0; k < l->metrics; k++) l->at.sum[k] += (double)s->value[k];
  l->at.step++;
  l->at.batch++;
  means(l, l->at.batch);
  NacreProgress p = progress(l, "train");
  tell(l, &p);
  return true;
}

static bool drain(Loop *l) {
  while (l->at.step < l->queued)
    if (!take_step(l)) return false;
  return true;
}

// ---- what is not finite

// Where the same bits can be had again: the last checkpoint when it is from before the bad step, else the start.
static NcPosition before_broken(Loop *l) {
  NacreModel *m = l->m;
  NcPosition from = {0};
  const char *last = nc_run_path(m, &l->run, "last.safetensors");
  NcDiag *quiet = nc_diag_new(m->arena), *loud = m->diag;
  m->diag = quiet;   // that there is no checkpoint yet is no news
  bool saved = nc_checkpoint_position(m, last, &from) && from.step <= l->at.step;
  m->diag = loud;
  if (saved) m->weights = last;
  return saved ? from : (NcPosition){0};
}

// From there up to the step before, then the last steps under the glass, with the plan `c`.
static bool replay(Loop *l, NcPosition from, NcCompiled *c, NcBad *found) {
  NacreModel *m = l->m;
  NcFeedMap map;
  m->filled = 0;
  if (!nc_exec_finish(m->exec, m->diag) || !nc_engine_fill(m) || !nc_feed_map(m, c, &map)) return false;
  nc_loader_seek(m->loader, from.epoch, from.batch);
  for (int64_t step = from.step; step <= l->at.step && !found->found; step++) {
    bool glass = step + 1 >= l->at.step;   // what a step does to the parameters shows in the next one's loss
    NcCompiled *with = glass ? c : l->c;
    NcBatch b;
    nc_loader_next(m->loader, &b);
    int32_t number = (int32_t)step;
    if (!nc_feed_batch_write(m, with, glass ? &map : &l->map, b.field, &number, l->seed)) return false;
    if (glass ? !nc_exec_find_nan(with->loaded, m->diag, found) : !nc_exec_run(with->loaded, m->diag)) return false;
    if (!nc_exec_finish(m->exec, m->diag)) return false;
  }
  return true;
}

// The plan with every operation by itself, so that each value can be looked at; NULL when there is no room for it.
static NcCompiled *unfused(Loop *l) {
  NacreModel *m = l->m;
  int messages = m->diag->messages.n, errors = m->diag->errors;
  NcCompiled *c = NC_NEW(m->arena, NcCompiled);
  *c = *l->c;
  c->plan = nc_compile(m->arena, m->diag, nc_engine_graph(c->program, c->purpose), nc_device_target(m->device),
                       &(NcCompileOptions){.name = c->purpose, .no_fuse = true});
  c->loaded = c->plan ? nc_exec_load(m->exec, m->diag, c->plan) : NULL;
  m->diag->messages.n = messages;
  m->diag->errors = errors;
  return c->loaded ? c : NULL;
}

// The plan that was trained with hunts second: it gives the very same bits, but tells only of what leaves its kernels.
static bool find_broken(Loop *l) {
  NacreModel *m = l->m;
  NcPosition from = before_broken(l);
  NcCompiled *way[] = {unfused(l), l->c}, *seen = NULL;
  NcBad found = {.inf_buffer = -1};
  for (int i = 0; i < 2 && !found.found; i++) {
    if (!way[i]) continue;
    seen = way[i];
    if (!replay(l, from, seen, &found)) return false;
  }
  NcMessage *e = nc_exec_report_bad(seen->loaded, m->diag, &found);
  if (!e) e = nc_error(m->diag, NC_E0603, NC_NOWHERE, "the loss is not finite");
  nc_note(m->diag, e, "at step %lld, epoch %lld", (long long)l->at.step + 1, (long long)l->at.epoch + 1);
  if (from.step) nc_note(m->diag, e, "`%s` is from before it, step %lld", m->weights, (long long)from.step);
  if (!e->help) nc_help(m->diag, e, "a smaller learning rate is the usual mend");
  return false;
}

// ---- ends of epochs

static bool better(const Loop *l, double v) {
  return isfinite(v) && (!l->at.has_best || (l->recipe->keep_max ? v > l->at.best : v < l->at.best));
}

static bool save(Loop *l, const char *file, bool all) {
  return nc_checkpoint_save(l->m, nc_run_path(l->m, &l->run, file), all ? &l->at : NULL, all);
}

static bool validate(Loop *l) {
  double score[MAX_METRICS];
  if (!nc_score(l->m, l->valid->index, l->valid->n, score)) return false;
  int kept = 0;
  for (int k = 0; k < l->metrics; k++) {
    l->metric[k].value = score[k];
    if (l->recipe->keep && strcmp(l->recipe->keep, nc_score_name(l->m, k)) == 0) kept = k;
  }
  NacreProgress p = progress(l, "valid");
  p.epoch = l->at.epoch;
  p.best = better(l, score[kept]);
  if (p.best) {
    l->at.has_best = true;
    l->at.best = score[kept];
  }
  return nc_run_log(l->m, &l->run, &p) && (!p.best || save(l, "best.safetensors", false)) && (tell(l, &p), true);
}

static bool end_epoch(Loop *l) {
  means(l, l->at.batch);
  NacreProgress p = progress(l, "train");
  if (!nc_run_log(l->m, &l->run, &p)) return false;
  if (l->at.batch == l->per_epoch) {
    l->at.epoch++;
    l->at.batch = 0;
    for (int k = 0; k < l->metrics; k++) l->at.sum[k] = 0;
  }
  return (!l->valid || validate(l)) && save(l, "last.safetensors", true);
}

// ---- the loop

typedef enum { TO_THE_END, AT_LIMIT, ASKED_TO } Stopped;

static bool may_go_on(const Loop *l, Stopped *stopped) {
  if (l->queued >= l->total) return false;
  if (l->o->max_steps && l->queued - l->began_step >= l->o->max_steps) *stopped = AT_LIMIT;
  else if (l->o->stop && l->o->stop(l->o->ctx)) *stopped = ASKED_TO;
  return *stopped == TO_THE_END;
}

static bool walk(Loop *l, Stopped *stopped) {
  while (may_go_on(l, stopped)) {
    if (l->queued - l->at.step == RING && !take_step(l)) return false;
    if (!queue_step(l)) return false;
    if (l->queued % l->per_epoch == 0 || l->queued == l->total) {
      if (!drain(l) || !end_epoch(l)) return false;
    }
  }
  if (!drain(l)) return false;
  return *stopped == TO_THE_END || save(l, "last.safetensors", true);
}

static bool prepare_plan(Loop *l) {
  NacreModel *m = l->m;
  m->resuming = l->o->resume != NULL;
  nc_engine_restart(m);
  if (!nc_feed_data(m)) return false;
  l->train = nc_feed_split(m, "train");
  if (!l->train) return false;
  for (int i = 0; i < m->splits; i++)
    if (strcmp(m->split[i].name, "valid") == 0) l->valid = &m->split[i];
  l->c = nc_engine_get(m, "step", 0);
  if (!l->c || !nc_feed_map(m, l->c, &l->map)) return false;
  l->metrics = nc_score_count(m);
  if (l->metrics > MAX_METRICS)
    return nc_error(m->diag, NC_E0312, NC_NOWHERE, "at most %d metrics", MAX_METRICS - 1), false;
  l->at.sums = l->metrics;
  for (int k = 0; k < l->metrics; k++) {
    l->output[k] = nc_plan_output(l->c->plan, nc_score_name(m, k));
    if (l->output[k] < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the plan has no `%s`", nc_score_name(m, k)), false;
  }
  return true;
}

// A run goes on only where its steps still mean the same examples, and where there are steps left.
static bool can_go_on(Loop *l) {
  NacreModel *m = l->m;
  const char *dir = l->o->resume;
  if (!nc_checkpoint_position(m, m->weights, &l->at)) return false;
  if (l->at.step != l->at.epoch * l->per_epoch + l->at.batch) {
    nc_help(m->diag, nc_error(m->diag, NC_E0408, NC_NOWHERE, "`%s` was trained with another batch size or other data", dir),
            "leave out what changes them, or start a new run");
    return false;
  }
  if (l->at.step < l->total) return true;
  nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` is finished: all its %lld steps are done", dir, (long long)l->total),
          l->recipe->steps ? "--set train.steps=N trains longer" : "--set train.epochs=N trains longer");
  return false;
}

static bool prepare_run(Loop *l) {
  NacreModel *m = l->m;
  m->loader = nc_loader_new(m->diag, &(NcLoaderOptions){
    .data = m->data, .index = l->train->index, .n = l->train->n, .field = l->map.field, .fields = l->map.n,
    .batch = l->c->batch, .seed = l->recipe->seed, .train = true, .stride = l->train->stride, .last = l->train->last,
    .keep = RING + 1});
  if (!m->loader) return false;
  l->per_epoch = nc_loader_batches(m->loader);
  l->total = l->recipe->steps ? l->recipe->steps : l->recipe->epochs * l->per_epoch;
  l->seed[0] = (uint32_t)l->recipe->seed;
  l->seed[1] = (uint32_t)(l->recipe->seed >> 32);
  if (l->o->resume) {
    if (!can_go_on(l) || !nc_run_resume(m, l->o->resume, l->at.step, &l->run)) return false;
    l->at.sums = l->metrics;
  } else if (!nc_run_create(m, l->o->out, l->o->force, &l->run)) {
    return false;
  }
  nc_loader_seek(m->loader, l->at.epoch, l->at.batch);
  l->queued = l->began_step = l->at.step;
  return nc_run_begin(m, &l->run, nc_exec_bytes(m->exec));
}

typedef struct { const NacreTrainOptions *o; Stopped stopped; } Train;

static bool train(NacreModel *m, void *arg) {
  Train *t = arg;
  Loop *l = NC_NEW(m->arena, Loop);
  l->m = m;
  l->o = t->o;
  l->recipe = m->program->recipe;
  bool good = prepare_plan(l) && prepare_run(l);
  if (good) {
    l->began = nc_now();
    good = walk(l, &t->stopped) || (l->broken && find_broken(l));
  }
  if (good) {
    m->run = l->run.dir;
    NacreProgress p = progress(l, t->stopped || !l->valid ? "train" : "valid");
    good = nc_run_end(m, &l->run, t->stopped ? "stopped" : "finished", &p);
    p.phase = "done";
    if (good) tell(l, &p);
  }
  nc_loader_free(m->loader);
  m->loader = NULL;
  return good;
}

NacreStatus nacre_train(NacreModel *m, const NacreTrainOptions *o) {
  static const NacreTrainOptions defaults;
  Train t = {o ? o : &defaults, TO_THE_END};
  NacreStatus s = nc_guard(m, train, &t);
  return s == NACRE_OK && t.stopped == ASKED_TO ? NACRE_INTERRUPTED : s;
}
