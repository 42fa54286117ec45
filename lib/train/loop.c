// Training: a walk over batches that never waits for the step it has just queued.
//
// Steps are queued a few ahead of the host (RING). Reports are taken in order, so sums and logs do not depend on timing.
// A step is one batch: every step of the recipe takes its turn on it, and with `accumulate` it is cut into small ones.
#include <math.h>
#include <string.h>
#include "train/walk.h"

// ---- progress

NacreProgress nc_walk_progress(NcWalk *l, const char *phase) {
  double now = nc_now(), run = now - l->began;
  int64_t done = nc_walk_done(&l->at) - l->began_step, batch = l->m->program->batch * l->recipe->accumulate;
  double rate = run > 0 && done > 0 ? (double)done / run : 0;
  const NcStage *s = &l->recipe->stage.at[l->stage];
  return (NacreProgress){
    .phase = phase, .stage = s->name, .epoch = l->at.epoch - l->first_epoch + (l->at.batch > 0),
    .epochs = s->steps ? 0 : s->epochs, .falls = -1,
    .step = nc_walk_done(&l->at), .steps = l->total - l->at.skipped, .metrics = l->metrics, .metric = l->metric,
    .examples_per_second = rate * (double)batch, .seconds_left = rate > 0 ? (double)(l->total - l->at.step) / rate : 0,
    .seconds = now - l->run.started, .device_bytes = nc_exec_bytes(l->m->exec), .directory = l->run.dir,
  };
}

void nc_walk_tell(NcWalk *l, const NacreProgress *p) {
  if (l->o->progress) l->o->progress(l->o->ctx, p);
}

static void means(NcWalk *l) {
  for (int k = 0; k < l->metrics; k++)
    l->metric[k] = (NacreMetric){nc_score_name(l->m, k), l->at.counted ? l->at.sum[k] / (double)l->at.counted : 0};
}

// ---- the run directory

// Made when the first step is through: what ends before leaves nothing behind. `stop` is asked first, so that the caller
// knows that from now on a training is there to be saved.
static bool begin_run(NcWalk *l) {
  NacreModel *m = l->m;
  if (l->run.dir) return true;
  if (l->o->stop) l->o->stop(l->o->ctx);
  NcRun run;
  bool good = l->o->resume ? nc_run_resume(m, l->o->resume, l->began_step, &run)
                           : nc_run_create(m, l->o->out, l->o->force, &run);
  run.started = l->run.started;
  if (good) l->run = run;
  good = good && nc_run_begin(m, &l->run, nc_exec_bytes(m->exec));
  if (!good) nc_exec_finish(m->exec, m->diag);   // the steps that are queued write where this call has its numbers
  return good;
}

// ---- steps

static bool queue_step(NcWalk *l) {
  NcUnderWay *s = &l->slot[l->queued % RING];
  NcBatch b;
  nc_loader_next(l->m->loader, &b);
  s->step = (int32_t)l->queued;
  if (!nc_walk_step(l, &b, s, NULL)) return false;
  s->mark = nc_exec_mark(l->m->exec, l->m->diag);
  l->queued++;
  return s->mark != 0;
}

// What a step reported: means over its small batches, and as the loss of steps in turn the sum of theirs.
double nc_walk_reported(const NcWalk *l, const NcUnderWay *s, int k) {
  int64_t many = l->recipe->accumulate;
  double sum = 0;
  if (l->from[k].turn < 0) {
    for (int t = 1; t <= l->turns; t++) sum += nc_walk_reported(l, s, t);
    return sum;
  }
  for (int64_t i = 0; i < many; i++) sum += (double)s->value[k * many + i];
  return sum / (double)many;
}

// Takes the report of the oldest queued step.
static bool take_step(NcWalk *l) {
  NcUnderWay *s = &l->slot[l->at.step % RING];
  if (!nc_exec_wait(l->m->exec, l->m->diag, s->mark)) return false;
  s->mark = 0;
  if (!isfinite(nc_walk_reported(l, s, 0))) { l->broken = true; return false; }
  if (!begin_run(l)) return false;
  if (!l->at.step) nc_guard_loss(l, nc_walk_reported(l, s, 0));
  for (int k = 0; k < l->metrics; k++) l->at.sum[k] += nc_walk_reported(l, s, k);
  l->at.step++;
  l->at.batch++;
  l->at.counted++;
  means(l);
  NacreProgress p = nc_walk_progress(l, "train");
  nc_walk_tell(l, &p);
  return true;
}

static bool drain(NcWalk *l) {
  while (l->at.step < l->queued)
    if (!take_step(l)) return false;
  return true;
}

// ---- ends of epochs

static bool better(const NcWalk *l, double v) {
  return isfinite(v) && (!l->at.has_best || (l->recipe->keep_max ? v > l->at.best : v < l->at.best));
}

// What the last update spoiled would show in the next step's loss, and must not take the place of a good checkpoint before.
static bool save(NcWalk *l, const char *file, bool all) {
  if (nc_checkpoint_save(l->m, nc_run_path(l->m, &l->run, file), all ? &l->at : NULL, all, &l->spoiled)) return true;
  if (!l->spoiled) return false;
  l->broken = true;
  l->at.step--;
  int stage;
  nc_walk_place(l, l->at.step, &stage, &l->at.epoch, &l->at.batch);
  return false;
}

// Of the rates of this stage that follow the validation, how often they have fallen; -1 where there are none.
static int64_t falls(const NcWalk *l) {
  int64_t sum = -1;
  for (int i = 0; i < l->at.plateaus; i++)
    for (int t = 0; t < l->turns; t++) {
      if (l->turn[t].update.map.plateau[i] < 0) continue;
      sum = (sum < 0 ? 0 : sum) + l->at.plateau[i].falls;
      break;
    }
  return sum;
}

static bool validate(NcWalk *l, int64_t epoch) {
  double score[MAX_METRICS];
  if (!nc_score(l->m, l->valid, score)) return false;
  int kept = -1;
  for (int k = 0; k < l->metrics; k++) {
    l->metric[k].value = score[k];
    if (l->recipe->keep && strcmp(l->recipe->keep, nc_score_name(l->m, k)) == 0) kept = k;
  }
  static const NcPlateau counts = {.patience = INT64_MAX};
  if (kept >= 0 && l->recipe->stage.at[l->stage].patience) nc_plateau_step(&counts, &l->at.waiting, score[kept], l->recipe->keep_max);
  int64_t before = falls(l);
  for (int i = 0; kept >= 0 && i < l->at.plateaus; i++)
    nc_plateau_step(&l->recipe->plateau.at[i], &l->at.plateau[i], score[kept], l->recipe->keep_max);
  NacreProgress p = nc_walk_progress(l, "valid");
  p.epoch = epoch;
  p.falls = falls(l);
  p.fell = p.falls > before;
  p.best = kept >= 0 && better(l, score[kept]);
  p.early = nc_walk_waited(l);
  if (p.best) {
    l->at.has_best = true;
    l->at.best = score[kept];
  }
  return nc_run_log(l->m, &l->run, &p) && (!p.best || save(l, "best.safetensors", false)) && (nc_walk_tell(l, &p), true);
}

// A signal that asks to stop ends the driver's compiler too: Ctrl-C reaches the processes that it starts, and LLVM removes
// the files it works on. What failed by that is no error.
static bool was_signal(NacreModel *m, const NacreTrainOptions *o) {
  if (nc_diag_exit(m->diag) != NACRE_DEVICE || !o->stop || !o->stop(o->ctx)) return false;
  nc_diag_forget(m->diag, 0, 0);
  return true;
}

// A report, a validation and a checkpoint: at the ends of epochs and stages, and where the recipe asks for one.
static bool account(NcWalk *l) {
  means(l);
  NacreProgress p = nc_walk_progress(l, "train");
  if (!nc_run_log(l->m, &l->run, &p)) return false;
  int stage;
  nc_walk_place(l, l->at.step, &stage, &l->at.epoch, &l->at.batch);
  l->at.counted = 0;
  for (int k = 0; k < l->metrics; k++) l->at.sum[k] = 0;
  return (!l->valid || validate(l, p.epoch) || (was_signal(l->m, l->o) && validate(l, p.epoch))) &&
         save(l, "last.safetensors", true);
}

// ---- the loop

typedef enum { TO_THE_END, AT_LIMIT, ASKED_TO } Stopped;

static bool may_go_on(const NcWalk *l, Stopped *stopped) {
  if (l->queued >= l->end_step || nc_walk_waited(l)) return false;
  if (l->o->max_steps && l->queued - l->at.skipped - l->began_step >= l->o->max_steps) *stopped = AT_LIMIT;
  else if (l->run.dir && l->o->stop && l->o->stop(l->o->ctx)) *stopped = ASKED_TO;
  return *stopped == TO_THE_END;
}

static bool is_account(const NcWalk *l) {
  int64_t done = l->queued - l->first_step;
  return done % l->per_epoch == 0 || l->queued == l->end_step || (l->recipe->every && done % l->recipe->every == 0);
}

static bool walk_stage(NcWalk *l, Stopped *stopped) {
  while (may_go_on(l, stopped)) {
    if (l->queued - l->at.step == RING && !take_step(l)) return false;
    if (!queue_step(l)) return false;
    if (is_account(l) && (!drain(l) || !account(l))) return false;
  }
  if (!drain(l)) return false;
  return *stopped == TO_THE_END || (begin_run(l) && save(l, "last.safetensors", true));
}

static bool walk(NcWalk *l, Stopped *stopped) {
  for (;;) {
    if (!walk_stage(l, stopped)) return false;
    if (*stopped != TO_THE_END || l->stage + 1 == l->recipe->stage.n) return true;
    nc_walk_leap(l, &l->at);
    l->queued = l->at.step;
    l->m->weights = nc_run_path(l->m, &l->run, "last.safetensors");
    l->m->resuming = true;
    int next = l->stage + 1;
    if (!nc_walk_stage(l, next) && !(was_signal(l->m, l->o) && nc_walk_stage(l, next))) return false;
  }
}

static bool prepare(NcWalk *l) {
  if (!l->o->resume && !nc_run_may_create(l->m, l->o->out, l->o->force)) return false;
  if (!nc_walk_prepare(l) || !nc_guard_data(l)) return false;
  l->run.started = nc_now();
  l->queued = l->at.step;
  l->began_step = nc_walk_done(&l->at);
  if (!nc_walk_ended(l)) return true;
  if (!begin_run(l)) return false;   // only the record is missing
  nc_run_last(l->m, &l->run, l->metrics, l->metric);
  return true;
}

typedef struct { const NacreTrainOptions *o; Stopped stopped; } Train;

static bool train(NacreModel *m, void *arg) {
  Train *t = arg;
  NcWalk *l = NC_NEW(m->arena, NcWalk);
  l->m = m;
  l->o = t->o;
  l->recipe = m->program->recipe;
  if (t->o->overfit && t->o->resume)
    return nc_error(m->diag, NC_E0704, NC_NOWHERE, "`overfit` tries a network on one batch and writes nothing: it does not go on with a run"), false;
  bool good = l->recipe ? prepare(l) : nc_feed_data(m);   // which says that there is none
  if (good && t->o->overfit) {
    bool asked = false;
    good = nc_walk_overfit(l, &asked);
    if (asked) t->stopped = ASKED_TO;
    nc_loader_free(m->loader);
    m->loader = NULL;
    return good;
  }
  if (!good && was_signal(m, t->o)) {
    t->stopped = ASKED_TO;
    nc_loader_free(m->loader);
    m->loader = NULL;
    return true;
  }
  if (good) {
    l->began = nc_now();
    good = walk(l, &t->stopped) || (l->broken && nc_walk_find_broken(l));
  }
  if (l->broken && l->run.dir) {
    NacreProgress p = nc_walk_progress(l, "train");
    nc_run_record(m, &l->run, "failed", &p, p.device_bytes);
  }
  if (good) {
    m->run = l->run.dir;
    NacreProgress p = nc_walk_progress(l, t->stopped || !l->valid ? "train" : "valid");
    p.early = !t->stopped && l->at.step < l->total;
    good = nc_run_end(m, &l->run, t->stopped ? "stopped" : "finished", &p);
    p.phase = "done";
    if (good) nc_walk_tell(l, &p);
  }
  nc_run_unlock(m);
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
