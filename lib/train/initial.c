// Starting values: the program's `init` graph, evaluated on the host and written to the session's variables.
//
// One value at a time, each written before the next is drawn: all of them in double precision would be three times the model.
// Those of a large model are shared among threads, each with outputs that lie together: what they have in common (a bound,
// zeros) is mostly used by neighbours.
#include "train/initial.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/thread.h"
#include "eval/eval.h"
#include "ops/op.h"
#include "ops/rows.h"
#include "train/run.h"

enum { MOST_THREADS = 4, WORTH = 1 << 18 };      // elements that are drawn sooner than a thread begins

typedef struct {
  NacreModel *m;
  int from, to;
  bool *given;               // by variable from `from` on: it has its value
  pthread_mutex_t lock;      // of the session
} Fill;

// The outputs first … last - 1.
typedef struct { Fill *fill; int first, last; bool ok, locked; NcArena *arena; NcDiag *diag; void *bytes; } Share;

static void to_storage(NcDtype t, const double *from, void *to, int64_t n) {
#define AS(T, value) for (int64_t i = 0; i < n; i++) ((T *)to)[i] = (T)(value)
  if (t == NC_F32) AS(float, from[i]);
  else if (t == NC_I32) AS(int32_t, from[i]);
  else if (t == NC_I64) AS(int64_t, from[i]);
  else if (t == NC_U8) AS(uint8_t, from[i]);
  else if (t == NC_BOOL) AS(uint8_t, from[i] != 0);
#undef AS
  // f16 and bf16 variables do not exist yet: the elaborator refuses them
}

static bool is_zeros(const NcNode *n) {
  while (n->op == &nc_row_broadcast || n->op == &nc_row_reshape) n = n->in[0];
  return n->op == &nc_row_const && nc_attr(n, "value") && nc_attr_float(n, "value") == 0 && !signbit(nc_attr_float(n, "value"));
}

// The variable of an output, if it is one that still wants its value; else -1.
static int variable_of(const Fill *f, const NcOutput *output) {
  int i = nc_exec_find_var(f->m->exec, output->name);
  return i < f->from || i >= f->to || f->given[i - f->from] ? -1 : i;
}

static bool wants(void *user, int number) {
  const Share *s = user;
  return number >= s->first && number < s->last && variable_of(s->fill, &s->fill->m->program->init->output.at[number]) >= 0;
}

static bool locked_write(Share *s, int i, size_t bytes) {
  Fill *f = s->fill;
  pthread_mutex_lock(&f->lock);
  s->locked = true;
  bool good = nc_exec_var_write(f->m->exec, s->diag, i, s->bytes, bytes);
  s->locked = false;
  pthread_mutex_unlock(&f->lock);
  return good;
}

static bool write_value(void *user, const NcOutput *output, const double *value) {
  Share *s = user;
  Fill *f = s->fill;
  int i = variable_of(f, output);
  const NcVarInfo *v = nc_exec_var(f->m->exec, i);
  f->given[i - f->from] = true;
  to_storage(v->type.dtype, value, s->bytes, nc_count(v->type.shape));
  return locked_write(s, i, v->bytes);
}

static bool evaluate(Share *s) {
  const Fill *f = s->fill;
  const NcGraph *g = f->m->program->init;
  size_t most = 0;
  for (int i = f->from; i < f->to; i++) most = nc_exec_var(f->m->exec, i)->bytes > most ? nc_exec_var(f->m->exec, i)->bytes : most;
  s->bytes = nc_alloc(s->arena, most + 1);
  double **value = NC_NEW_N(s->arena, double *, g->node.n + 1);
  NcEvalOptions o = {.arena = s->arena, .seed = f->m->program->recipe ? f->m->program->recipe->seed : 0, .round = true, .take = write_value,
                     .wants = wants, .user = s};
  return nc_eval(g, s->diag, &o, value);
}

// In memory of its own, for the model's is one thread's. What it has to say is told when all are done.
static void *work(void *arg) {
  Share *s = arg;
  if (s->arena && !NC_ON_OOM(s->arena)) {
    s->diag = nc_diag_new(s->arena);
    s->ok = evaluate(s);
  } else {
    s->diag = NULL;
    if (s->locked) pthread_mutex_unlock(&s->fill->lock);
  }
  return NULL;
}

static int64_t elements(const Fill *f, int number) {
  const NcOutput *o = &f->m->program->init->output.at[number];
  return variable_of(f, o) < 0 ? 0 : nc_count(o->node->type.shape);
}

// Outputs for each thread, about as many elements each.
static int divide(Fill *f, Share *s) {
  int outputs = f->m->program->init->output.n, n = 0;
  int64_t all = 0, done = 0;
  for (int k = 0; k < outputs; k++) all += elements(f, k);
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  int threads = cores < 1 ? 1 : cores > MOST_THREADS ? MOST_THREADS : (int)cores;
  if (all / WORTH < threads) threads = all < 2 * WORTH ? 1 : (int)(all / WORTH);
  for (int k = 0; k < outputs; n++) {
    s[n] = (Share){.fill = f, .first = k, .arena = nc_arena_new()};
    do done += elements(f, k++);
    while (k < outputs && (n + 1 == threads || done < all / threads * (n + 1)));
    s[n].last = k;
  }
  return n;
}

static bool out_of_memory(NacreModel *m) { return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for initial values"), false; }

static bool told(NacreModel *m, const Share *s) {
  if (!s->diag) return out_of_memory(m);
  for (int i = 0; i < s->diag->messages.n; i++) {
    const NcMessage *e = s->diag->messages.at[i];
    NcMessage *copy = nc_error(m->diag, e->code, e->at, "%s", e->text);
    if (e->help) nc_help(m->diag, copy, "%s", e->help);
  }
  return s->ok;
}

// What an optimizer keeps mostly begins as zeros, and so does a variable's memory.
static void leave_zeros(Fill *f) {
  const NcGraph *g = f->m->program->init;
  for (int k = 0; k < g->output.n; k++) {
    int i = variable_of(f, &g->output.at[k]);
    if (i >= f->m->touched && is_zeros(g->output.at[k].node)) f->given[i - f->from] = true;
  }
}

static bool draw(Fill *f) {
  Share share[MOST_THREADS];
  pthread_t thread[MOST_THREADS];
  bool good = true;
  int n = divide(f, share), started = 0;
  while (started + 1 < n && nc_threads_start(&thread[started], 1, work, &share[started + 1])) started++;
  for (int i = 0; i < n; i++)
    if (i == 0 || i > started) work(&share[i]);
  for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i < n; i++) {
    good = told(f->m, &share[i]) && good;
    nc_arena_free(share[i].arena);
  }
  return good;
}

// The rest has no starting value in the program: what is filled before it is read, and holds zeros till then.
static bool write_others(Fill *f) {
  NacreModel *m = f->m;
  for (int i = f->from; i < f->to; i++) {
    const NcVarInfo *v = nc_exec_var(m->exec, i);
    bool cache = v->role && strcmp(v->role, "cache") == 0;
    if (f->given[i - f->from] || (cache && i >= m->touched)) continue;
    if (!cache) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "variable `%s` has no initial value", v->name), false;
    void *zeros = calloc(1, v->bytes + 1);
    bool good = zeros ? nc_exec_var_write(m->exec, m->diag, i, zeros, v->bytes) : out_of_memory(m);
    free(zeros);
    if (!good) return false;
  }
  return true;
}

bool nc_initial_fill(NacreModel *m, int from, int to, bool *given) {
  Fill f = {.m = m, .from = from, .to = to, .given = given};
  pthread_mutex_init(&f.lock, NULL);
  leave_zeros(&f);
  bool good = draw(&f);
  pthread_mutex_destroy(&f.lock);
  return good && write_others(&f);
}
