// Candidates measured in a child process: made one after the other, their results compared, then timed in turn.
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "device/check.h"
#include "device/exec.h"
#include "train/run.h"
#include "train/tune.h"
#include "train/work.h"

enum { ROUNDS = NC_TRY_ROUNDS, SECONDS = 120 };

typedef struct {
  const NcTuneDevice *device;
  const NcTuning *k;
  NcTry *shared;
  int n;
  // in the child
  NcArena *a;
  NcDiag *d;
  NcDevice *dev;
  NcExec *x;
  float *in[2];
  size_t elements;           // of the result
  float *first;              // the usual candidate's result
  NcLoaded **loaded;
  NcProfile **prof;
} Trial;

// Numbers of few bits: their products and sums are exact, so that only ways that round otherwise differ.
static void draw(float *x, size_t n, uint64_t seed) {
  for (size_t i = 0; i < n; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    x[i] = (float)((int)(seed >> 33) % 9 - 4) / 4;
  }
}

static double tolerance(const Trial *q) { return 2e-5 * (1 + sqrt((double)nc_tune_terms(q->k))); }

// The usual candidate against the definition: some elements, the first and the last among them.
static bool right(const Trial *q, const float *got) {
  const double most = 2e7, terms = (double)nc_tune_terms(q->k);
  size_t n = terms * 512 < most ? 512 : terms * 16 > most ? 16 : (size_t)(most / terms);
  for (size_t i = 0; i < n; i++) {
    size_t at = i == 0 ? 0 : i == 1 ? q->elements - 1 : (i * 2654435761u) % q->elements;
    double want = nc_tune_element(q->k, q->in[0], q->in[1], (int64_t)at);
    if (!(fabs((double)got[at] - want) <= tolerance(q))) return false;
  }
  return true;
}

static bool same(const Trial *q, const float *got) {
  for (size_t i = 0; i < q->elements; i++)
    if (!(fabs((double)got[i] - (double)q->first[i]) <= 2 * tolerance(q))) return false;
  return true;
}

static bool write_inputs(Trial *q, const NcPlan *p, NcLoaded *l) {
  static const char *const name[] = {"a", "b"};
  for (int i = 0; i < 2; i++) {
    int buffer = nc_plan_find(p, NC_BUF_INPUT, name[i]);
    if (buffer < 0) return false;
    size_t bytes = p->buf.at[buffer].bytes;
    if (!q->in[i]) draw(q->in[i] = nc_alloc(q->a, bytes), bytes / sizeof(float), (uint64_t)i + 1);
    if (!nc_exec_write(l, q->d, buffer, q->in[i], bytes)) return false;
  }
  return true;
}

// What became of the choice that was asked for: the template makes it fit, and two may end as the same.
static NcTryState settle(const Trial *q, int i, const NcTuned *tuned) {
  const NcTuning *took = NULL;
  for (int k = 0; k < tuned->asked.n && !took; k++) {
    const NcTuning *one = &tuned->asked.at[k];
    if (strcmp(one->kind, q->k->kind) == 0 && memcmp(one->size, q->k->size, sizeof one->size) == 0) took = one;
  }
  if (!took) return NC_TRY_FAILED;
  memcpy(q->shared[i].choice, took->choice, sizeof took->choice);
  for (int k = 0; k < i; k++)
    if (q->shared[k].state != NC_TRY_FAILED && memcmp(q->shared[k].choice, took->choice, sizeof took->choice) == 0) return NC_TRY_SAME;
  return NC_TRY_MADE;
}

// Test seams: from which candidate on they end their process, or come out wrong.
static bool seam(const char *name, int i) {
  const char *s = getenv(name);
  return s && *s && i >= atoi(s);
}

static NcTryState make(Trial *q, int i) {
  NcTarget t = *nc_device_target(q->dev);
  NcTuning forced = *q->k;
  t.tuned = nc_tuned_new(q->a, "");
  t.tuned->ask = true;
  memcpy(forced.choice, q->shared[i].choice, sizeof forced.choice);
  if (!q->shared[i].usual) nc_tuned_set(t.tuned, &forced);
  NcGraph *g = nc_tune_graph(q->a, q->d, q->k);
  NcPlan *p = g ? nc_compile(q->a, q->d, g, &t, &(NcCompileOptions){.name = "tune"}) : NULL;
  NcTryState state = p ? settle(q, i, t.tuned) : NC_TRY_FAILED;
  if (state != NC_TRY_MADE) return state;
  if (seam("NACRE_TEST_TUNE_CRASH", i)) raise(SIGKILL);
  NcLoaded *l = q->loaded[i] = nc_exec_load(q->x, q->d, p);
  int out = nc_plan_output(p, "out");
  size_t bytes = p->buf.at[out].bytes;
  float *got = nc_alloc(q->a, bytes);
  q->elements = bytes / sizeof(float);
  if (!l || !write_inputs(q, p, l) || !nc_exec_run(l, q->d) || !nc_exec_read(l, q->d, out, got, bytes, true)) return NC_TRY_FAILED;
  if (seam("NACRE_TEST_TUNE_WRONG", i)) got[0] += 1;
  q->prof[i] = nc_profile_new(q->a, p);
  if (q->first) return same(q, got) ? NC_TRY_MADE : NC_TRY_WRONG;
  q->first = got;
  return right(q, got) ? NC_TRY_MADE : NC_TRY_WRONG;
}

// The quickest of some runs, of as many as take a few milliseconds; 0 after an error.
static double quickest(Trial *q, int i) {
  enum { MOST = 20 };
  const double enough = 0.003;
  double best = 0, sum = 0;
  for (int r = 0; r < MOST && (r == 0 || sum < enough); r++) {
    double s;
    if (!nc_exec_run_timed(q->loaded[i], q->d, q->prof[i], &s)) return 0;
    sum += s;
    if (s > 0 && (best <= 0 || s < best)) best = s;
  }
  return best;
}

// In turn, so that a busy moment of the machine meets all alike. What takes three times as long as another is left out.
static void time_them(Trial *q) {
  double *v = NC_NEW_N(q->a, double, q->n * ROUNDS), best = INFINITY;
  for (int r = 0; r < ROUNDS; r++)
    for (int i = 0; i < q->n; i++) {
      NcTry *c = &q->shared[i];
      if (c->state != NC_TRY_MADE || (r && v[i * ROUNDS] > 3 * best)) continue;
      c->state = NC_TRY_UNDER_WAY;
      v[i * ROUNDS + r] = quickest(q, i);
      c->state = v[i * ROUNDS + r] > 0 ? NC_TRY_MADE : NC_TRY_FAILED;
      if (r == 0 && c->state == NC_TRY_MADE && v[i * ROUNDS] < best) best = v[i * ROUNDS];
    }
  for (int i = 0; i < q->n; i++) {
    if (q->shared[i].state != NC_TRY_MADE) continue;
    bool dropped = v[i * ROUNDS] > 3 * best;
    memcpy(q->shared[i].round, &v[i * ROUNDS], sizeof q->shared[i].round);
    q->shared[i].seconds = dropped ? v[i * ROUNDS] : nc_median(&v[i * ROUNDS], ROUNDS);
    q->shared[i].state = NC_TRY_TIMED;
  }
}

static bool in_child(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  Trial *q = user;
  (void)out;
  q->a = a, q->d = d;
  NcDevices *all = nc_devices_open(a, d);
  q->dev = all ? nc_device_open(all, d, &(NcDeviceOptions){.choice = q->device->choice, .cls = q->device->cls}) : NULL;
  if (!q->dev || !(q->x = nc_exec_new(a, d, q->dev))) return false;
  q->loaded = NC_NEW_N(a, NcLoaded *, q->n);
  q->prof = NC_NEW_N(a, NcProfile *, q->n);
  for (int i = 0; i < q->n; i++) {
    NcTry *c = &q->shared[i];
    if (c->state == NC_TRY_CRASHED) continue;
    c->state = NC_TRY_UNDER_WAY;
    c->state = make(q, i);
    nc_diag_forget(d, 0, 0);          // a candidate that does not compile is one less
    if (i == 0 && c->state != NC_TRY_MADE) return true;
  }
  time_them(q);
  nc_diag_forget(d, 0, 0);
  return true;
}

bool nc_tune_try(NcArena *a, NcDiag *d, const NcTuneDevice *device, const NcTuning *k, NcTry *shared, int n) {
  for (int again = 0; again <= n; again++) {
    Trial q = {.device = device, .k = k, .shared = shared, .n = n};
    NcBuf out = NC_BUF(a);
    int messages = d->messages.n, errors = d->errors, guilty = -1;
    if (nc_run_in_child(a, d, SECONDS, in_child, &q, &out)) return true;
    for (int i = 0; i < n; i++) {
      if (shared[i].state == NC_TRY_UNDER_WAY) guilty = i;
      else if (shared[i].state != NC_TRY_CRASHED) shared[i].state = NC_TRY_WAITING;
    }
    if (guilty < 0) return false;
    nc_diag_forget(d, messages, errors);
    shared[guilty].state = NC_TRY_CRASHED;
    if (guilty == 0) return true;      // without the usual one nothing can be compared
  }
  return true;
}
