// What a stage of the training runs: its plans, how the data reaches them, where its metrics come from, and which place
// in the data each step has.
//
// A stage has a session of its own, whose packs of variables follow its optimizer; variables pass from one to the next
// through the checkpoint that is written between them, so that a resume there takes the very same path.
#include <string.h>
#include "train/walk.h"

// ---- positions: everything follows from the number of the step

static int64_t stage_steps(const NcWalk *l, int i) {
  const NcStage *s = &l->recipe->stage.at[i];
  return s->steps ? s->steps : s->epochs * l->per_epoch;
}

// Where a step stands. A stage begins a new epoch of the data; the end of the last one is told as its last position.
void nc_walk_place(const NcWalk *l, int64_t step, int *stage, int64_t *epoch, int64_t *batch) {
  int64_t first = 0, begun = 0;
  int i = 0;
  for (; i + 1 < l->recipe->stage.n && step >= first + stage_steps(l, i); i++) {
    first += stage_steps(l, i);
    begun += (stage_steps(l, i) + l->per_epoch - 1) / l->per_epoch;
  }
  *stage = i;
  *epoch = begun + (step - first) / l->per_epoch;
  *batch = (step - first) % l->per_epoch;
}

static int64_t first_step(const NcWalk *l, int stage) {
  int64_t first = 0;
  for (int i = 0; i < stage; i++) first += stage_steps(l, i);
  return first;
}

static void enter(NcWalk *l, int stage) {
  l->stage = stage;
  l->first_epoch = 0;
  for (int i = 0; i < stage; i++) l->first_epoch += (stage_steps(l, i) + l->per_epoch - 1) / l->per_epoch;
  l->first_step = first_step(l, stage);
  l->end_step = l->first_step + stage_steps(l, stage);
}

// ---- patience: a stage that ends before its time leaves out the steps it still had, so that positions stay what they are

// At its first step a stage has not waited yet: what is counted there is of the one before.
static bool has_waited(const NcWalk *l, const NcPosition *at, int stage) {
  int64_t patience = l->recipe->stage.at[stage].patience;
  return patience && at->waiting.bad >= patience && at->step > first_step(l, stage);
}

bool nc_walk_waited(const NcWalk *l) { return has_waited(l, &l->at, l->stage); }

void nc_walk_leap(const NcWalk *l, NcPosition *at) {
  int stage;
  int64_t epoch, batch;
  nc_walk_place(l, at->step, &stage, &epoch, &batch);
  if (stage + 1 == l->recipe->stage.n || !has_waited(l, at, stage)) return;
  int64_t next = first_step(l, stage + 1);
  at->skipped += next - at->step;
  at->step = next;
  nc_walk_place(l, next, &stage, &at->epoch, &at->batch);
}

bool nc_walk_ended(const NcWalk *l) {
  return l->at.step >= l->total || (l->stage + 1 == l->recipe->stage.n && nc_walk_waited(l));
}

// ---- plans

static int field_slot(NcWalk *l, int field) {
  for (int i = 0; i < l->fields; i++)
    if (l->field[i] == field) return i;
  l->field[l->fields] = field;
  return l->fields++;
}

static bool feed(NcWalk *l, const char *purpose, NcFed *out) {
  out->c = nc_engine_get(l->m, purpose, 0);
  if (!out->c || !nc_feed_map(l->m, out->c, &out->map)) return false;
  for (int i = 0; i < out->map.n; i++) out->map.slot[i] = field_slot(l, out->map.field[i]);
  return true;
}

static bool load_turns(NcWalk *l) {
  NacreModel *m = l->m;
  const NcStage *s = &l->recipe->stage.at[l->stage];
  l->turns = s->parts;
  l->turn = NC_NEW_N(m->arena, NcTurn, s->parts);
  l->fields = 0;
  l->field = NC_NEW_N(m->arena, int, m->data->fields + 1);
  const NcUpdate *all = &m->program->update.at[s->first];
  for (int i = 0; i < s->parts && (s->parts > 1 || all->gather); i++)
    if ((all[i].gather && !nc_engine_reserve(m, all[i].gather_purpose)) || !nc_engine_reserve(m, all[i].purpose)) return false;
  for (int i = 0; i < s->parts; i++) {
    const NcUpdate *u = &all[i];
    if (!feed(l, u->purpose, &l->turn[i].update) || (u->gather && !feed(l, u->gather_purpose, &l->turn[i].gather))) return false;
  }
  return true;
}

// Which plan tells a metric: the first that has it as an output.
static bool find_metric(NcWalk *l, int k) {
  const char *name = nc_score_name(l->m, k);
  l->from[k].turn = -1;
  for (int t = 0; t < l->turns && l->from[k].turn < 0; t++) {
    int update = nc_plan_output(l->turn[t].update.c->plan, name);
    if (update < 0) continue;
    l->from[k].turn = t;
    l->from[k].update = update;
    l->from[k].gather = l->turn[t].gather.c ? nc_plan_output(l->turn[t].gather.c->plan, name) : -1;
  }
  bool sum = k == 0 && l->turns > 1;
  if (sum || l->from[k].turn >= 0) return true;
  return nc_error(l->m->diag, NC_E0901, NC_NOWHERE, "the plan has no `%s`", name), false;
}

static bool open_loader(NcWalk *l) {
  NacreModel *m = l->m;
  nc_loader_free(m->loader);
  int balance = l->recipe->balance ? nc_field_find(m->data, l->recipe->balance) : -1;
  m->loader = nc_loader_new(m->diag, &(NcLoaderOptions){
    .data = m->data, .index = l->train->index, .n = l->train->n, .field = l->field, .fields = l->fields,
    .batch = m->program->batch * l->recipe->accumulate, .seed = l->recipe->seed, .train = true, .stride = l->train->stride,
    .last = l->train->last, .label = balance < 0 ? NULL : m->data->data[balance],
    .classes = balance < 0 ? 0 : m->data->field[balance].classes, .keep = RING + 1});
  return m->loader != NULL;
}

bool nc_walk_stage(NcWalk *l, int stage) {
  NacreModel *m = l->m;
  bool later = stage != l->stage;
  enter(l, stage);
  if (l->at.step == l->first_step) {   // its schedule begins, and its patience
    memset(l->at.plateau, 0, sizeof l->at.plateau);
    l->at.waiting = (NcPlateauNow){0};
  }
  m->stage = l->at.step > l->first_step ? stage + 1 : 0;
  nc_engine_restart(m, later || l->recipe->stage.n > 1);
  if (!load_turns(l) || !open_loader(l)) return false;
  for (int k = 0; k < l->metrics; k++)
    if (!find_metric(l, k)) return false;
  nc_loader_seek(m->loader, l->at.epoch, l->at.batch);
  return true;
}

// ---- the beginning

// How many steps an epoch has, before any plan says which fields are needed.
static bool count_batches(NcWalk *l) {
  int none = 0;
  l->field = &none;
  if (!open_loader(l)) return false;
  l->per_epoch = nc_loader_batches(l->m->loader);
  nc_loader_free(l->m->loader);
  l->m->loader = NULL;
  for (int i = 0; i < l->recipe->stage.n; i++) l->total += stage_steps(l, i);
  return true;
}

// A run goes on only where its steps still mean the same examples, and where there are steps left.
static bool can_go_on(NcWalk *l) {
  NacreModel *m = l->m;
  const char *dir = l->o->resume;
  if (!nc_checkpoint_position(m, m->weights, &l->at)) return false;
  int64_t epoch, batch;
  nc_walk_place(l, l->at.step, &l->stage, &epoch, &batch);
  if (l->at.epoch != epoch || l->at.batch != batch) {
    nc_help(m->diag, nc_error(m->diag, NC_E0408, NC_NOWHERE, "`%s` was trained with another batch size or other data", dir),
            "leave out what changes them, or start a new run");
    return false;
  }
  nc_walk_leap(l, &l->at);
  nc_walk_place(l, l->at.step, &l->stage, &epoch, &batch);
  if (!nc_walk_ended(l) || !nc_run_finished(m, dir)) return true;   // killed after its last step: what is left is the record
  long long done = nc_walk_done(&l->at);
  if (l->at.step < l->total) {
    nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` is finished: its patience ended it after %lld steps", dir, done),
            "--set train.patience=N with a larger number waits longer");
    return false;
  }
  nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` is finished: all its %lld steps are done", dir, done),
          l->recipe->stage.n > 1 ? "--set train.%s.%s=N trains longer" : "--set train.%.0s%s=N trains longer",
          l->recipe->stage.at[l->stage].name ? l->recipe->stage.at[l->stage].name : "",
          l->recipe->stage.at[l->stage].steps ? "steps" : "epochs");
  return false;
}

static const NcSplit *part(const NacreModel *m, const char *name) {
  for (int i = 0; i < m->splits; i++)
    if (strcmp(m->split[i].name, name) == 0) return &m->split[i];
  return NULL;
}

static const NcSplit *training_part(NacreModel *m) {
  const NcSplit *train = part(m, "train");
  const NcRecipe *r = m->program->recipe;
  if (train) return train;
  if (m->splits)
    nc_help(m->diag, nc_error(m->diag, NC_E0310, r->split.at[0].at, "`split` has no part `train`, and nothing else is trained on"),
            "for example `split = (train = 0.8, %s = 0.2)`", m->split[0].name);
  else
    nc_help(m->diag, nc_error(m->diag, NC_E0310, r->source->at, "the data has no `split`, so there is no part `train` to train on"),
            "add `split = (train = 0.8, valid = 0.2)` beside the source");
  return NULL;
}

// What depends on how many batches an update takes.
static bool begin(NcWalk *l) {
  NacreModel *m = l->m;
  int64_t k = l->recipe->accumulate;
  l->micro = NC_NEW_N(m->arena, int32_t, k);
  for (int64_t i = 0; i < k; i++) l->micro[i] = (int32_t)i;
  for (int i = 0; i < RING; i++) l->slot[i].value = NC_NEW_N(m->arena, float, k * l->metrics);
  l->total = 0;
  if (!count_batches(l) || (l->o->resume && !can_go_on(l))) return false;
  l->at.sums = l->metrics;
  l->at.plateaus = l->recipe->plateau.n;
  for (int i = 0; i < l->recipe->stage.n; i++) l->at.waits = l->at.waits || l->recipe->stage.at[i].patience;
  return nc_walk_stage(l, l->stage);
}

bool nc_walk_prepare(NcWalk *l) {
  NacreModel *m = l->m;
  m->resuming = l->o->resume != NULL;
  if (l->o->resume && !m->o.memory) m->o.memory = nc_run_memory(m, l->o->resume);   // its batches are divided as they were
  if (l->o->resume && !nc_run_lock(m, l->o->resume)) return false;
  if (!nc_feed_data(m) || !(l->train = training_part(m))) return false;
  l->valid = part(m, "valid");
  l->metrics = nc_score_count(m);
  if (l->metrics > MAX_METRICS)
    return nc_error(m->diag, NC_E0312, NC_NOWHERE, "at most %d metrics", MAX_METRICS - 1), false;
  l->seed = l->recipe->seed;
  const int messages = m->diag->messages.n, errors = m->diag->errors;
  return begin(l) || (nc_walk_divide(l, messages, errors) && begin(l));
}

// ---- a step

static bool run_one(NcWalk *l, const NcFed *f, const NcBatch *b, const NcUnderWay *s, int64_t part, NcGlass *glass) {
  NacreModel *m = l->m;
  NcFeedNow now = {.step = &s->step, .iteration = &s->iteration, .micro = &l->micro[part], .falls = s->falls, .seed = &l->seed, .part = part};
  if (!nc_feed_batch_write(m, f->c, &f->map, b->field, &now)) return false;
  if (!glass && f->c->profile) return nc_exec_run_profiled(f->c->loaded, m->diag, f->c->profile);
  if (!glass) return nc_exec_run(f->c->loaded, m->diag);
  if (!nc_exec_find_nan(f->c->loaded, m->diag, glass->bad) || !nc_exec_finish(m->exec, m->diag)) return false;
  if (glass->bad->found) *glass->seen = *f;
  return true;
}

static bool read_metrics(NcWalk *l, int turn, NcFed *f, bool gather, int64_t part, NcUnderWay *s) {
  for (int k = 0; k < l->metrics; k++) {
    if (l->from[k].turn != turn) continue;
    float *to = &s->value[k * l->recipe->accumulate + part];
    if (!nc_exec_read(f->c->loaded, l->m->diag, gather ? l->from[k].gather : l->from[k].update, to, sizeof *to, false))
      return false;
  }
  return true;
}

bool nc_walk_step(NcWalk *l, const NcBatch *b, NcUnderWay *s, NcGlass *glass) {
  const NcTurn *turn = glass ? glass->turn : l->turn;
  int64_t many = l->recipe->accumulate;
  s->iteration = (int32_t)(s->step - l->first_step);
  for (int i = 0; i < l->at.plateaus; i++) s->falls[i] = l->at.plateau[i].falls;
  for (int t = 0; t < l->turns; t++)
    for (int64_t i = 0; i < many; i++) {
      bool gather = i + 1 < many;
      NcFed f = gather ? turn[t].gather : turn[t].update;
      if (!run_one(l, &f, b, s, i, glass)) return false;
      if (glass && glass->bad->found) return true;
      if (!glass && !read_metrics(l, t, &f, gather, i, s)) return false;
    }
  return true;
}
