// Times one workload of bench/workloads on one device, as lines of a word and a number, which bench/run.sh reads.
//   bench/step KIND FILE [batch=N] [PATH=VALUE …]      KIND: train, predict, or run:TASK
// A line `ms` for each round, after one that warms up. Environment: ROUNDS (3; 0: the first step alone), SECONDS of a round (1), NACRE_BENCH_CLASS,
// NACRE_BENCH_DEVICE; REST=N waits so many milliseconds before each of 100 steps instead and prints `least_ms`, by the clock: who has waited
// is given the cores at once, so that on a busy machine too some of them are undisturbed; NACRE_BENCH_PROFILE=1 also prints the least processor time of each launch over 10 runs, =wall the least time on
// the wall over 100.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "train/work.h"

typedef struct { const char *kind; int64_t rounds; double seconds, began; } Bench;

static double processor_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// The most memory that the process has had, which is what a peer can say of itself too.
static void print_peak(void) {
  FILE *f = fopen("/proc/self/status", "r");
  char line[256];
  long kb;
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "VmHWM: %ld", &kb) == 1) printf("peak_kb %ld\n", kb);
  if (f) fclose(f);
}

static void print_plan(const NcWork *w) {
  const NcCompiled *c = w->plan[0];
  int64_t parameters = 0;
  for (int i = 0; i < c->plan->buf.n; i++) {
    const NcPlanBuf *b = &c->plan->buf.at[i];
    if (b->kind == NC_BUF_VAR && b->role && strcmp(b->role, "param") == 0) parameters += nc_count(b->type.shape);
  }
  printf("parameters %lld\nlaunches %lld\nplanned_bytes %zu\n", (long long)parameters,
         (long long)nc_work_launches(w), nc_work_bytes(w));
}

// The least processor time of each launch: what else the machine does adds to the time on the wall. `wall`: the least time by the
// driver's clock, of launches that follow each other as in a step, over more runs: a launch is short, and finds its cores free
// now and then.
static void profile(NacreModel *m, const NcCompiled *c, bool wall) {
  int n = c->plan->step.n, runs = wall ? 100 : 10;
  NcProfile *p = nc_profile_new(m->arena, c->plan);
  double *least = NC_NEW_N(m->arena, double, n + 1), sum = 0;
  p->apart = !wall;
  for (int i = 0; i < runs; i++) {
    for (int k = 0; k < n; k++) p->step[k] = (NcStepTime){0};
    if (!nc_exec_run_profiled(c->loaded, m->diag, p)) return;
    for (int k = 0; k < n; k++) {
      double ns = wall ? p->step[k].ns : p->step[k].cpu_ns;
      least[k] = i && least[k] < ns ? least[k] : ns;
    }
  }
  for (int i = 0; i < n; i++) {
    const NcStep *s = &c->plan->step.at[i];
    double us = least[i] / 1e3, times = (double)p->step[i].count;
    sum += us;
    fprintf(stderr, "%9.1f us %4.0f times %7.1f GFLOP/s %7.1f GB/s  %-28s %s %s\n", us, times, times * s->flops / us / 1e3,
            times * s->bytes / us / 1e3, s->kernel ? s->kernel : "(copy, fill or gemm)", s->label ? s->label : "", s->at ? s->at : "");
  }
  fprintf(stderr, "%9.1f us in all\n", sum);
}

// What this machine could do the step in, if all of it went at the speed of a copy or of a large product.
static bool print_limits(NacreModel *m, const NcWork *w) {
  NcLimits l = {0};
  if (!nc_limits_measure(m, &l)) return false;
  printf("limit_ms %.4f\ncopy_gbs %.2f\nproduct_gflops %.2f\n", nc_work_least(w, &l) * 1e3, l.copy * 1e-9, l.product * 1e-9);
  return true;
}

static bool rested(NcWork *w, double ms) {
  enum { TIMES = 100 };
  const struct timespec rest = {(time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000};
  double least = 0;
  for (int i = 0; i < TIMES; i++) {
    nanosleep(&rest, NULL);
    double start = nc_now(), took;
    if (!nc_work_once(w)) return false;
    took = nc_now() - start;
    least = i && least < took ? least : took;
  }
  printf("least_ms %.4f\n", least * 1e3);
  return true;
}

static bool batches(NacreModel *m, void *arg) {
  const Bench *b = arg;
  NcWork w;
  if (!nc_work_open(m, strcmp(b->kind, "train") == 0 ? "step" : "predict", &w)) return false;
  print_plan(&w);
  if (!nc_work_once(&w)) return false;
  printf("first_s %.4f\n", nc_now() - b->began);
  if (getenv("REST")) return rested(&w, atof(getenv("REST")));
  for (int64_t r = 0; b->rounds && r <= b->rounds; r++) {
    double start = nc_now(), used = processor_time();
    int n = 0;
    for (; n < 2 || nc_now() - start < (r ? b->seconds : b->seconds / 2); n++)
      if (!nc_work_once(&w)) return false;
    if (r > 0) printf("ms %.4f\ncpu_ms %.4f\n", (nc_now() - start) * 1e3 / n, (processor_time() - used) * 1e3 / n);
    fflush(stdout);
  }
  printf("value %.6f\n", (double)(w.train ? w.walk.slot[0].value : w.result)[0]);
  print_peak();
  const char *profiled = getenv("NACRE_BENCH_PROFILE");
  if (profiled) profile(m, w.plan[0], strcmp(profiled, "wall") == 0);
  return !b->rounds || print_limits(m, &w);
}

// ---- generation: the time between the first new token and the last

typedef struct { int64_t told; double first, last, used_first, used_last; } Told;
enum { PROMPT = 1, TOKENS = 500 };

static void told(void *ctx, const char *text, size_t size) {
  (void)text, (void)size;
  Told *t = ctx;
  t->last = nc_now();
  t->used_last = processor_time();
  if (t->told++ == PROMPT) t->first = t->last, t->used_first = t->used_last;
}

static NacreStatus generate(NacreModel *m, const Bench *b, const char *task) {
  char n[16];
  snprintf(n, sizeof n, "%d", TOKENS);
  NacreArgument args[] = {{"prompt", "a"}, {"n", n}};
  for (int64_t r = 0; r <= b->rounds; r++) {
    Told t = {0};
    NacreRun run = {.args = 2, .arg = args, .text = told, .ctx = &t};
    int outs;
    const NacreOutput *out;
    NacreStatus s = nacre_run_task(m, task, &run, &outs, &out);
    if (s != NACRE_OK) return s;
    double tokens = (double)(t.told - PROMPT - 1);
    if (r == 0) printf("first_s %.4f\n", t.first - b->began);
    else printf("ms %.4f\ncpu_ms %.4f\n", (t.last - t.first) * 1e3 / tokens, (t.used_last - t.used_first) * 1e3 / tokens);
    fflush(stdout);
  }
  print_peak();
  return NACRE_OK;
}

static double setting(const char *name, double otherwise) { return getenv(name) ? atof(getenv(name)) : otherwise; }

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: %s train|predict|run:TASK FILE [batch=N] [PATH=VALUE …]\n", argv[0]), 2;
  Bench b = {argv[1], (int64_t)setting("ROUNDS", 3), setting("SECONDS", 1), nc_now()};
  NacreOptions o = {.set = (const char *const *)argv + 3, .sets = argc - 3, .device = getenv("NACRE_BENCH_DEVICE"),
                    .device_class = getenv("NACRE_BENCH_CLASS")};
  if (o.sets && strncmp(o.set[0], "batch=", 6) == 0) {
    o.batch = atoll(o.set[0] + 6);
    o.set++;
    o.sets--;
  }
  NacreModel *m;
  NacreStatus s = nacre_open(argv[2], &o, &m);
  if (s == NACRE_OK) s = strncmp(b.kind, "run:", 4) == 0 ? generate(m, &b, b.kind + 4) : nc_guard(m, batches, &b);
  if (m) fputs(nacre_message(m), stderr);
  nacre_close(m);
  return (int)s;
}
