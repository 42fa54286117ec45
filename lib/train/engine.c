// The engine: a device, and the program's graphs compiled for it, by purpose and batch size.
#include <string.h>
#include "train/checkpoint.h"
#include "train/initial.h"
#include "train/model.h"
#include "train/run.h"
#include "train/weights.h"

bool nc_engine_device(NacreModel *m) {
  if (m->exec) return true;
  if (!m->devices) m->devices = nc_devices_open(m->arena, m->diag);
  if (!m->devices) return false;
  NcDeviceOptions o = {.choice = m->o.device, .cls = m->o.device_class};
  if (!m->device) m->device = nc_device_open(m->devices, m->diag, &o);
  if (!m->device) return false;
  if (m->o.memory) nc_device_keep_memory(m->device, (size_t)m->o.memory);
  m->exec = nc_exec_new(m->arena, m->diag, m->device);
  return m->exec != NULL;
}

bool nc_engine_target(NacreModel *m, NcTarget *out) {
  if (m->o.device_class && !m->o.device) {
    *out = nc_target_default(strcmp(m->o.device_class, "gpu") == 0 ? NC_CLASS_GPU : NC_CLASS_CPU);
    return true;
  }
  if (!nc_engine_device(m)) return false;
  *out = *nc_device_target(m->device);
  return true;
}

const NcGraph *nc_engine_graph(const NcProgram *p, const char *purpose) {
  if (strcmp(purpose, "step") == 0) return p->step;
  for (int i = 0; i < p->update.n; i++) {
    if (strcmp(purpose, p->update.at[i].purpose) == 0) return p->update.at[i].graph;
    if (strcmp(purpose, p->update.at[i].gather_purpose) == 0) return p->update.at[i].gather;
  }
  if (strcmp(purpose, "eval") == 0) return p->eval;
  if (strcmp(purpose, "predict") == 0) return p->predict;
  if (strcmp(purpose, "init") == 0) return p->init;
  for (int i = 0; i < p->task.n; i++)
    if (strcmp(purpose, p->task.at[i].name) == 0) return p->task.at[i].graph;
  return NULL;
}

static NcCompiled *find(NacreModel *m, const char *purpose, int64_t batch) {
  for (NcCompiled *c = m->compiled; c; c = c->next)
    if (c->batch == batch && strcmp(c->purpose, purpose) == 0) return c;
  return NULL;
}

// Whether a plan for that batch fits the device, found by compiling it: nothing is allocated there.
static bool fits(NacreModel *m, const char *purpose, int64_t batch) {
  NcDiag *loud = m->diag;
  m->diag = nc_diag_new(m->arena);
  NcProgram *p = nc_engine_program(m, batch);
  const NcGraph *g = p ? nc_engine_graph(p, purpose) : NULL;
  bool good = g && nc_compile(m->arena, m->diag, g, nc_device_target(m->device), &(NcCompileOptions){.name = purpose});
  m->diag = loud;
  return good;
}

// To the refusal of a plan that is too large: which batch would do. Halving ends soon, and a time is set all the same.
static void help_batch(NacreModel *m, const char *purpose, int64_t batch) {
  enum { SECONDS = 10 };
  NcMessage *e = m->diag->messages.n ? m->diag->messages.at[m->diag->messages.n - 1] : NULL;
  if (!e || e->code != NC_E0504 || batch <= 1) return;
  if (strncmp(purpose, "step", 4) == 0 || strncmp(purpose, "gather", 6) == 0) return;    // divide.c has better
  if (!fits(m, purpose, 1)) {
    nc_help(m->diag, e, "even a batch of 1 does not fit: use a smaller model, or a device with more memory");
    return;
  }
  double until = nc_now() + SECONDS;
  int64_t b = 1;
  while (b <= (batch - 1) / 2) b *= 2;
  while (b > 1 && !fits(m, purpose, b) && nc_now() < until) b /= 2;
  if (nc_now() < until) nc_help(m->diag, e, "a batch of %lld fits this device (--batch %lld)", (long long)b, (long long)b);
}

// Compiles, where that is not done, and loads. Once more where a kernel turns out to have smaller groups than the device
// promised, and where variables lie otherwise than the plan's packs would have them: then without packs.
static bool make(NacreModel *m, NcCompiled *c, const NcGraph *g) {
  NcCompileOptions o = {.name = c->purpose, .verify = m->o.verify};
  for (;;) {
    const int messages = m->diag->messages.n, errors = m->diag->errors;
    if (!c->plan) c->plan = nc_compile(m->arena, m->diag, g, nc_device_target(m->device), &o);
    c->loaded = c->plan ? nc_exec_load(m->exec, m->diag, c->plan) : NULL;
    if (c->loaded || !c->plan) return c->loaded;
    bool elsewhere = !o.apart && m->diag->messages.n > messages && m->diag->messages.at[messages]->code == NC_E0506;
    o.apart = o.apart || elsewhere;
    if (!elsewhere && !nc_device_keep_groups(m->device, nc_exec_group_limit(m->exec))) return false;
    nc_diag_forget(m->diag, messages, errors);
    c->plan = NULL;
  }
}

void nc_engine_lacks(NacreModel *m) {
  NcMessage *e = nc_error(m->diag, NC_E0310, NC_NOWHERE, m->program->recipe ? "`train %s` names no model" :
                          "`%s` has no train declaration", m->program->recipe ? m->program->recipe->name : m->name);
  if (m->program->recipe) nc_help(m->diag, e, "`nacre run` runs a task, which can call any of its models");
}

static NcCompiled *begin(NacreModel *m, const char *purpose, int64_t batch, const NcGraph **g) {
  NcCompiled *c = NC_NEW(m->arena, NcCompiled);
  *c = (NcCompiled){.purpose = purpose, .batch = batch, .program = nc_engine_program(m, batch)};
  if (!c->program) return NULL;
  *g = nc_engine_graph(c->program, purpose);
  if (*g) return c;
  nc_engine_lacks(m);
  return NULL;
}

bool nc_engine_reserve(NacreModel *m, const char *purpose) {
  const NcGraph *g;
  if (!nc_engine_device(m)) return false;
  if (find(m, purpose, m->program->batch)) return true;
  NcCompiled *c = begin(m, purpose, m->program->batch, &g);
  if (!c) return false;
  c->plan = nc_compile(m->arena, m->diag, g, nc_device_target(m->device), &(NcCompileOptions){.name = purpose, .verify = m->o.verify});
  c->next = m->compiled;
  m->compiled = c;
  return c->plan && nc_exec_reserve(m->exec, m->diag, c->plan);
}

static NcCompiled *get(NacreModel *m, const char *purpose, int64_t batch, bool help) {
  if (!nc_engine_device(m)) return NULL;
  if (batch == 0) batch = m->program->batch;
  NcCompiled *c = find(m, purpose, batch);
  if (c && c->loaded) return c;
  bool reserved = c != NULL;
  const NcGraph *g = reserved ? nc_engine_graph(c->program, purpose) : NULL;
  if (!reserved && !(c = begin(m, purpose, batch, &g))) return NULL;
  if (!make(m, c, g)) {
    if (help) help_batch(m, purpose, batch);
    return NULL;
  }
  if (!reserved) {
    c->next = m->compiled;
    m->compiled = c;
  }
  return nc_engine_fill(m) ? c : NULL;
}

NcCompiled *nc_engine_get(NacreModel *m, const char *purpose, int64_t batch) { return get(m, purpose, batch, true); }

static bool refused(const NacreModel *m, const char *purpose, int64_t batch) {
  for (int i = 0; i < m->refused.n; i++)
    if (m->refused.at[i].batch == batch && strcmp(m->refused.at[i].purpose, purpose) == 0) return true;
  return false;
}

// A validation asks again after each epoch: that a batch is too large is found once.
int64_t nc_engine_batch(NacreModel *m, const char *purpose, int64_t n) {
  int64_t usual = m->program->batch, batch = nc_feed_batch(n, usual);
  const int messages = m->diag->messages.n, errors = m->diag->errors;
  if (batch <= usual) return batch;
  if (!refused(m, purpose, batch)) {
    if (get(m, purpose, batch, false)) return batch;
    if (m->diag->messages.n > messages && m->diag->messages.at[m->diag->messages.n - 1]->code == NC_E0504) {
      nc_diag_forget(m->diag, messages, errors);
      *NC_PUSH(m->arena, m->refused) = (NcRefused){purpose, batch};
    }
  }
  return usual < n ? usual : n;
}

// The training plan decides where variables lie, so it comes first: what was loaded before it is dropped.
// Evaluating changes no variable, so nothing is lost.
void nc_engine_restart(NacreModel *m, bool other) {
  for (NcCompiled *c = m->compiled; c && !other; c = c->next)
    if (strncmp(c->purpose, "step", 4) == 0) return;
  nc_exec_free(m->exec);
  m->exec = NULL;
  m->compiled = NULL;
  m->refused.n = 0;
  m->filled = m->touched = 0;
}

// What a checkpoint or a file of weights holds is read; the rest is drawn.
bool nc_engine_fill(NacreModel *m) {
  int from = m->filled, to = nc_exec_vars(m->exec);
  if (from == to) return true;
  bool *given = NC_NEW_N(m->arena, bool, to - from);
  bool good = (m->weights ? nc_checkpoint_fill(m, m->weights, from, to, given) : nc_weights_fill(m, from, to, given)) &&
              nc_initial_fill(m, from, to, given);
  if (to > m->touched) m->touched = to;
  if (good) m->filled = to;
  return good;
}
