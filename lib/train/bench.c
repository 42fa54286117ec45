// `nacre bench`: what a step takes. Every run is a process of its own, so that start and memory are those of a program; the
// first one finds all caches empty but for what `nacre tune` found, the others find what it left there.
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "device/check.h"
#include "train/work.h"

enum { MOST_STEPS = 100000, RUNS = 3, LEAST_STEPS = 5 };

// What a run tells; `steps` times follow.
typedef struct {
  char device[128];
  bool gpu;
  double first;              // seconds from the opened file to the end of the first step
  size_t planned, peak;
  int64_t batch, tokens, launches;
  NcLimits limits;
  double least;              // seconds, by the limits
  int steps;
} Told;

typedef struct {
  NacreModel *m;
  const char *purpose, *cache;
  int64_t batch;             // 0: the model's own
  double seconds;            // 0: the first step alone
  bool limits;
  NcBuf *out;
} Run;

typedef struct {
  NacreModel *m;
  const NacreBenchOptions *o;
  NacreWrite *write;
  void *ctx;
  bool headed;
  char cache[4096];          // a folder that is there now; "": none
} Bench;

// ---- in the child

// Settled: the median is known to a hundredth.
static bool settled(double *v, int n) {
  double low, high, middle = nc_median(v, n);
  nc_median_within(v, n, &low, &high);
  return n >= 4 * LEAST_STEPS && high - low < 0.01 * middle;
}

static bool steps(Run *q, NcWork *w, Told *t, double *v) {
  enum { WARM = 2, LOOK = 16 };
  for (int i = 0; i < WARM; i++)
    if (!nc_work_once(w)) return false;
  for (double until = nc_now() + q->seconds; t->steps < MOST_STEPS; t->steps++) {
    bool look = t->steps % LOOK == 0;
    if (t->steps >= LEAST_STEPS && (nc_now() > until || (look && settled(v, t->steps)))) break;
    double start = nc_now();
    if (!nc_work_once(w)) return false;
    v[t->steps] = nc_now() - start;
  }
  return true;
}

static bool run(NacreModel *m, void *arg) {
  Run *q = arg;
  NcWork w;
  Told t = {0};
  double start = nc_now();
  if (q->batch && !(m->program = nc_engine_program(m, q->batch))) return false;
  if (!nc_work_open(m, q->purpose, &w) || !nc_work_once(&w)) return false;
  t.first = nc_now() - start;
  double *v = NC_NEW_N(m->arena, double, MOST_STEPS);
  if (q->seconds > 0 && !steps(q, &w, &t, v)) return false;
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  t.peak = (size_t)used.ru_maxrss * 1024;
  if (q->limits && !nc_limits_measure(m, &t.limits)) return false;
  if (q->limits) t.least = nc_work_least(&w, &t.limits);
  const NcDeviceInfo *i = nc_device_info(m->device);
  strncpy(t.device, i->name, sizeof t.device - 1);
  t.gpu = i->target.cls == NC_CLASS_GPU;
  t.planned = nc_work_bytes(&w);
  t.batch = w.batch;
  t.tokens = w.tokens;
  t.launches = nc_work_launches(&w);
  nc_putn(q->out, (const char *)&t, sizeof t);
  nc_putn(q->out, (const char *)v, (size_t)t.steps * sizeof *v);
  return true;
}

static bool in_child(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  static const char *const folders[] = {"POCL_CACHE_DIR", "XDG_CACHE_HOME", "CUDA_CACHE_PATH", "MESA_SHADER_CACHE_DIR"};
  Run *q = user;
  (void)a;
  for (size_t i = 0; q->cache && i < sizeof folders / sizeof *folders; i++) setenv(folders[i], q->cache, 1);
  q->out = out;
  return nc_guard_child(q->m, d, run, q);
}

// ---- in the parent

static bool ask(Run *q, Told *t, double *v) {
  NcBuf b = NC_BUF(q->m->arena);
  if (!nc_run_in_child(q->m->arena, q->m->diag, 0, in_child, q, &b)) return false;
  if (b.n < sizeof *t) return nc_error(q->m->diag, NC_E0901, NC_NOWHERE, "a run told nothing"), false;
  memcpy(t, b.at, sizeof *t);
  if (v) memcpy(v, b.at + sizeof *t, b.n - sizeof *t);
  return true;
}

static int gone(const char *path, const struct stat *s, int kind, struct FTW *at) {
  (void)s, (void)kind, (void)at;
  return remove(path);
}

typedef struct { double cold, warm, *v; int n; size_t peak; Told told; } Sample;

// The runs for one batch size: the cold one, and those that are measured.
static bool sample(Bench *b, int64_t batch, Sample *s) {
  int runs = b->o->runs > 0 ? b->o->runs : RUNS;
  double *warm = NC_NEW_N(b->m->arena, double, runs);
  Run q = {.m = b->m, .purpose = b->o->purpose, .cache = b->cache, .batch = batch};
  if (!ask(&q, &s->told, NULL)) return false;
  s->cold = s->told.first;
  s->v = NC_NEW_N(b->m->arena, double, (size_t)runs * MOST_STEPS);
  q.seconds = (b->o->seconds > 0 ? b->o->seconds : 10) / runs;
  for (int r = 0; r < runs; r++) {
    q.limits = r == runs - 1;
    if (!ask(&q, &s->told, s->v + s->n)) return false;
    s->n += s->told.steps;
    s->peak = s->told.peak > s->peak ? s->told.peak : s->peak;
    warm[r] = s->told.first;
  }
  s->warm = nc_median(warm, runs);
  return true;
}

static void put_row(Bench *b, const Sample *s, NcBuf *out) {
  double low, high, ms = nc_median(s->v, s->n) * 1e3, rate = ms > 0 ? (double)s->told.batch * 1e3 / ms : 0;
  const Told *t = &s->told;
  const char *purpose = b->o->purpose ? b->o->purpose : b->m->program->step ? "step" : "predict";
  bool training = strcmp(purpose, "step") == 0;
  nc_median_within(s->v, s->n, &low, &high);
  if (b->m->o.json) {
    nc_put(out, "{\"file\":");
    nc_put_json(out, b->m->name);
    nc_putf(out, ",\"purpose\":\"%s\",\"device\":", purpose);
    nc_put_json(out, t->device);
    nc_putf(out, ",\"class\":\"%s\",\"batch\":%lld,\"steps\":%d,\"ms\":%.6g,\"low_ms\":%.6g,\"high_ms\":%.6g,\"examples_per_second\":%.6g",
            t->gpu ? "gpu" : "cpu", (long long)t->batch, s->n, ms, low * 1e3, high * 1e3, rate);
    if (t->tokens) nc_putf(out, ",\"tokens_per_second\":%.6g", rate * (double)t->tokens);
    nc_putf(out, ",\"launches\":%lld,\"planned_bytes\":%zu,\"peak_bytes\":%zu,\"cold_s\":%.4g,\"warm_s\":%.4g,\"limit_ms\":%.6g,"
                 "\"copy_gbs\":%.6g,\"product_gflops\":%.6g}\n", (long long)t->launches, t->planned, s->peak, s->cold, s->warm,
            t->least * 1e3, t->limits.copy * 1e-9, t->limits.product * 1e-9);
    return;
  }
  if (!b->headed)
    nc_putf(out, "%s, %s, on %s (%s class)\ncopies %.1f GB/s, products %.1f GFLOP/s, measured now\n\n%8s %10s %-21s %12s %12s %8s %8s %8s %8s %8s %6s\n",
            b->m->name, training ? "training steps" : "predictions", t->device, t->gpu ? "gpu" : "cpu", t->limits.copy * 1e-9,
            t->limits.product * 1e-9, "batch", "ms", "  95 %", "examples/s", t->tokens ? "tokens/s" : "", "launches", "plan MB",
            "peak MB", "cold s", "warm s", "limit%");
  b->headed = true;
  nc_putf(out, "%8lld %10.3f %-21s %12.1f %12s %8lld %8.1f %8.1f %8.2f %8.2f %6.0f\n", (long long)t->batch, ms,
          nc_sprintf(b->m->arena, "  %.3f to %.3f", low * 1e3, high * 1e3), rate,
          t->tokens ? nc_sprintf(b->m->arena, "%.0f", rate * (double)t->tokens) : "", (long long)t->launches, (double)t->planned * 1e-6,
          (double)s->peak * 1e-6, s->cold, s->warm, ms > 0 ? 1e5 * t->least / ms : 0);
}

// The caches of one batch size; they go with it, and where memory ran out on the way too.
static void drop_cache(Bench *b) {
  if (*b->cache) nftw(b->cache, gone, 16, FTW_DEPTH | FTW_PHYS);
  *b->cache = 0;
}

static bool make_cache(Bench *b) {
  const char *base = getenv("TMPDIR");
  int n = snprintf(b->cache, sizeof b->cache, "%s/nacre-bench-XXXXXX", base && base[0] == '/' ? base : "/tmp");
  if (n > 0 && (size_t)n < sizeof b->cache && mkdtemp(b->cache)) return nc_tuned_copy(b->m->arena, b->m->diag, b->cache);
  nc_error(b->m->diag, NC_E0602, NC_NOWHERE, "cannot make a folder `%s`: %s", b->cache, strerror(errno));
  *b->cache = 0;
  return false;
}

static bool one_batch(Bench *b, int64_t batch) {
  Sample s = {0};
  bool good = make_cache(b) && sample(b, batch, &s);
  drop_cache(b);
  if (!good) return false;
  NcBuf out = NC_BUF(b->m->arena);
  put_row(b, &s, &out);
  b->write(b->ctx, nc_buf_str(&out), out.n);
  return true;
}

static bool bench(NacreModel *m, void *arg) {
  Bench *b = arg;
  b->m = m;
  for (int i = 0; i < (b->o->batches ? b->o->batches : 1); i++)
    if (!one_batch(b, b->o->batches ? b->o->batch[i] : 0)) return false;
  return true;
}

NacreStatus nacre_bench(NacreModel *m, const NacreBenchOptions *o, NacreWrite *write, void *ctx) {
  static const NacreBenchOptions usual;
  Bench b = {.o = o ? o : &usual, .write = write, .ctx = ctx};
  NacreStatus s = nc_guard_given(m, write && (!o || !o->batches || o->batch), bench, &b);
  drop_cache(&b);
  return s;
}
