// How near Nacre's kernels come to what the machine can do: each model of bench/limits.nn beside the peak of multiply-adds in
// registers and the best copy, which are measured in the same rounds, in turn, so that a busy moment meets all alike.
//   bench/limits FILE.nn [RESULTS.json]     prints a table, and puts it into the file under "limits"
// Shares are of medians on the wall; `processor` are shares of the least processor time, which say what a kernel can do where
// others use the machine. Products and convolutions count the direct way's multiply-adds: Winograd's way may exceed the peak.
// Environment: ROUNDS (15), NACRE_BENCH_DEVICE, NACRE_BENCH_CLASS.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "plan/tuned.h"
#include "results.h"
#include "train/run.h"
#include "train/work.h"

enum { MOST_ROUNDS = 200, LEAST_ROUNDS = 3, CHAINS = 12 };
static const double long_enough = 0.01;       // seconds between two looks at the clock
static const double arithmetic_share = 0.85, memory_share = 0.8;

typedef struct {
  const char *name;
  bool arithmetic, limit;      // bound by multiply-adds, else by memory; itself what others are measured by
  double work;                 // operations or bytes
  NacreModel *m;
  NcExec *x;
  NcLoaded *l;
  int repeat, n;
  double wall[MOST_ROUNDS], cpu[MOST_ROUNDS];
} Row;

typedef struct {
  NcArena *a;
  NcDiag *d;                   // of what is no model's
  const char *file;
  NC_VEC(Row *) row;
} Limits;

static double processor_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static Row *add(Limits *q, const char *name, bool arithmetic, bool limit) {
  Row *r = *NC_PUSH(q->a, q->row) = NC_NEW(q->a, Row);
  *r = (Row){.name = name, .arithmetic = arithmetic, .limit = limit};
  return r;
}

// ---- the machine, by kernels of our own

// Independent sums hide the latency of an addition; what is copied is past every cache. A copy may go around the caches.
static const char program[] =
  "#define V(n, w) V_(n, w)\n#define V_(n, w) n##w\n"
  "__kernel void peak(__global const float *x, __global float *y) {\n"
  "  V(float, W) s[CHAINS], b = x[CHAINS], c = x[CHAINS + 1];\n"
  "  for (int k = 0; k < CHAINS; k++) s[k] = x[k];\n"
  "  for (int i = 0; i < TURNS; i++) {\n"
  "    _Pragma(\"unroll\") for (int k = 0; k < CHAINS; k++) s[k] = fma(s[k], b, c);\n"
  "  }\n"
  "  for (int k = 1; k < CHAINS; k++) s[0] += s[k];\n"
  "  V(vstore, W)(s[0], get_global_id(0), y);\n"
  "}\n"
  "__kernel void copy_plain(__global const float *x, __global float *y) {\n"
  "  for (int i = FIRST; i < LAST; i += STEP) V(vstore, W)(V(vload, W)(i, x), i, y);\n"
  "}\n"
  "#ifndef __has_builtin\n#define __has_builtin(x) 0\n#endif\n"
  "__kernel void copy_around(__global const float *x, __global float *y) {\n"
  "#if __has_builtin(__builtin_nontemporal_store)\n"
  "  __global V(float, W) *to = (__global V(float, W) *)y;\n"
  "  for (int i = FIRST; i < LAST; i += STEP) __builtin_nontemporal_store(V(vload, W)(i, x), to + i);\n"
  "#else\n"
  "  for (int i = FIRST; i < LAST; i += STEP) V(vstore, W)(V(vload, W)(i, x), i, y);\n"
  "#endif\n"
  "}\n";

// A cpu's item takes a run of its own; a gpu's neighbours take what lies side by side.
static NcPlan *own_plan(Limits *q, const NcTarget *t, const char *kernel, int64_t floats, int turns, int64_t per_item) {
  bool gpu = t->cls == NC_CLASS_GPU;
  int w = gpu ? 4 : t->vector;
  int64_t items = turns ? (gpu ? 2048 : 4) * (int64_t)t->compute_units : floats / per_item, vectors = per_item / w;
  int64_t out = turns ? items * w : floats;
  const char *defines = nc_sprintf(q->a, "#define W %d\n#define CHAINS %d\n#define TURNS %d\n", w, CHAINS, turns);
  const char *walk = gpu ? nc_sprintf(q->a, "#define FIRST (int)get_global_id(0)\n#define STEP %lld\n#define LAST %lld\n", (long long)items,
                                      (long long)(floats / w))
                         : nc_sprintf(q->a, "#define FIRST (int)get_global_id(0) * %lld\n#define STEP 1\n#define LAST FIRST + %lld\n",
                                      (long long)vectors, (long long)vectors);
  const char *cl = nc_sprintf(q->a, "%s%s%s", defines, walk, program);
  const char *text = nc_sprintf(q->a,
    "nacre-plan 1\nclass %s\nalign %zu\noptions \"-cl-mad-enable\"\nbuffer 0 input \"x\" f32[%lld]\nbuffer 1 root arena \"arena\" bytes %lld\n"
    "buffer 2 temp \"y\" f32[%lld] in 1 offset 0\nstep 0 kernel \"%s\" global %lld 1 1 local %d 1 1 args b0 b2\noutput \"y\" b2\nprogram %zu\n%s",
    gpu ? "gpu" : "cpu", t->align, (long long)floats, (long long)out * 4, (long long)out, kernel, (long long)items, gpu ? 64 : 1, strlen(cl), cl);
  return nc_plan_read(q->a, q->d, kernel, text, strlen(text));
}

static bool fill(NcExec *x, NcLoaded *l, NcDiag *d, const NcPlan *p) {
  bool good = true;
  for (int i = 0; good && i < p->buf.n; i++) {
    if (p->buf.at[i].kind != NC_BUF_INPUT) continue;
    size_t n = p->buf.at[i].bytes / sizeof(float);
    float *v = malloc(p->buf.at[i].bytes);
    for (size_t k = 0; v && k < n; k++) v[k] = (float)((k * 2654435761u) >> 7 & 15) / 16;     // what is multiplied again and again stays small
    good = v && nc_exec_write(l, d, i, v, p->buf.at[i].bytes) && nc_exec_finish(x, d);
    free(v);
  }
  return good;
}

static bool own_row(Limits *q, NacreModel *m, const char *name, bool arithmetic, int64_t floats, int turns, int64_t per_item) {
  Row *r = add(q, name, arithmetic, true);
  const NcTarget *t = nc_device_target(m->device);
  NcPlan *p = own_plan(q, t, name, floats, turns, per_item);
  r->x = p ? nc_exec_new(q->a, q->d, m->device) : NULL;
  r->l = r->x ? nc_exec_load(r->x, q->d, p) : NULL;
  if (!r->l || !fill(r->x, r->l, q->d, p)) return false;
  r->work = turns ? 2.0 * CHAINS * turns * (double)(p->buf.at[2].bytes / sizeof(float)) : 8.0 * (double)floats;
  return true;
}

// ---- Nacre's own

// What must be read and written at least: inputs, variables and outputs once.
static double least_bytes(const NcPlan *p) {
  double sum = 0;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_INPUT || p->buf.at[i].kind == NC_BUF_VAR) sum += (double)p->buf.at[i].bytes;
  for (int i = 0; i < p->output.n; i++) sum += (double)p->buf.at[p->output.at[i].buffer].bytes;
  return sum;
}

typedef struct { Row *r; bool direct; } Make;

// The direct way of convolutions is had by a table of choices that takes it for the sizes which are asked for.
static NcPlan *plan_of(NacreModel *m, bool direct) {
  NcTarget t = *nc_device_target(m->device);
  NcCompileOptions o = {.name = "predict"};
  if (direct) {
    t.tuned = nc_tuned_new(m->arena, "");
    t.tuned->ask = true;
    if (!nc_compile(m->arena, m->diag, m->program->predict, &t, &o)) return NULL;
    for (int i = 0; i < t.tuned->asked.n; i++) {
      NcTuning k = t.tuned->asked.at[i];
      if (strcmp(k.kind, "conv_way") != 0) continue;
      k.choice[0] = 0;
      nc_tuned_set(t.tuned, &k);
    }
  }
  return nc_compile(m->arena, m->diag, m->program->predict, &t, &o);
}

static bool make(NacreModel *m, void *arg) {
  Make *q = arg;
  Row *r = q->r;
  if (!m->program->predict) return nc_error(m->diag, NC_E0310, NC_NOWHERE, "`%s` cannot be run by itself", r->name), false;
  if (!nc_engine_device(m)) return false;
  NcPlan *p = plan_of(m, q->direct);
  r->x = m->exec;
  r->l = p ? nc_exec_load(m->exec, m->diag, p) : NULL;
  if (!r->l || !fill(r->x, r->l, m->diag, p) || !nc_engine_fill(m)) return false;
  for (int i = 0; i < p->step.n; i++) r->work += p->step.at[i].flops;
  if (!r->arithmetic) r->work = least_bytes(p);
  return true;
}

static bool model_row(Limits *q, const char *model, const char *suffix, bool direct) {
  const char *kind = strchr(model, '_');
  Row *r = add(q, nc_sprintf(q->a, "%s%s", kind ? kind + 1 : model, suffix), strncmp(model, "arithmetic_", 11) == 0, false);
  NacreOptions o = {.model = model, .device = getenv("NACRE_BENCH_DEVICE"), .device_class = getenv("NACRE_BENCH_CLASS")};
  NacreStatus s = nacre_open(q->file, &o, &r->m);
  if (s == NACRE_OK) s = nc_guard(r->m, make, &(Make){r, direct});
  if (s != NACRE_OK && r->m) fputs(nacre_message(r->m), stderr);
  return s == NACRE_OK;
}

static bool model_rows(Limits *q) {
  size_t size;
  const char *text = nc_read_file(q->a, q->d, NC_E0601, NC_NOWHERE, q->file, &size);
  if (!text) return false;
  for (const char *s = text; (s = strstr(s, "\nmodel ")); ) {
    s += strlen("\nmodel ");
    const char *model = nc_strndup(q->a, s, strcspn(s, "( "));
    bool conv = strstr(model, "_conv_");
    if (!model_row(q, model, "", false) || (conv && !model_row(q, model, " direct", true))) return false;
  }
  return q->row.n > 0;
}

// ---- measuring

static NcDiag *diag_of(Limits *q, const Row *r) { return r->m ? r->m->diag : q->d; }

static bool once(Limits *q, Row *r, double *wall, double *cpu) {
  double start = nc_now(), used = processor_time();
  for (int i = 0; i < r->repeat; i++)
    if (!nc_exec_run(r->l, diag_of(q, r))) return false;
  if (!nc_exec_finish(r->x, diag_of(q, r))) return false;
  *wall = (nc_now() - start) / r->repeat;
  *cpu = (processor_time() - used) / r->repeat;
  return true;
}

static bool measure(Limits *q, int rounds) {
  for (int k = 0; k < q->row.n; k++) {      // the first run compiles, the second says how long one takes
    Row *r = q->row.at[k];
    double wall, cpu;
    r->repeat = 1;
    if (!once(q, r, &wall, &cpu) || !once(q, r, &wall, &cpu)) return false;
    r->repeat = wall >= long_enough ? 1 : 1 + (int)(long_enough / wall);
  }
  for (int i = 0; i < rounds; i++)
    for (int k = 0; k < q->row.n; k++) {
      Row *r = q->row.at[k];
      if (!once(q, r, &r->wall[r->n], &r->cpu[r->n])) return false;
      r->n++;
    }
  return true;
}

// ---- what came of it

typedef struct { double median, best, cpu; } Rate;      // operations or bytes a second; of processor time a core's

static Rate rate(const Row *r) {
  double wall[MOST_ROUNDS], cpu[MOST_ROUNDS];
  memcpy(wall, r->wall, sizeof wall);
  memcpy(cpu, r->cpu, sizeof cpu);
  double middle = nc_median(wall, r->n);
  nc_median(cpu, r->n);
  return (Rate){r->work / middle, r->work / wall[0], r->work / cpu[0]};
}

// The machine's: of several copies the best.
static Rate most(const Limits *q, bool arithmetic) {
  Rate all = {0};
  for (int i = 0; i < q->row.n; i++) {
    const Row *r = q->row.at[i];
    Rate one = rate(r);
    if (!r->limit || r->arithmetic != arithmetic) continue;
    all.median = one.median > all.median ? one.median : all.median;
    all.best = one.best > all.best ? one.best : all.best;
    all.cpu = one.cpu > all.cpu ? one.cpu : all.cpu;
  }
  return all;
}

static json_t *report(const Limits *q) {
  Rate peak = most(q, true), copy = most(q, false);
  json_t *rows = json_array();
  printf("%-18s %10s %10s %10s %9s %9s %10s\n", "", "ms", "median", "best", "", "share", "processor");
  for (int i = 0; i < q->row.n; i++) {
    const Row *r = q->row.at[i];
    Rate v = rate(r), of = r->arithmetic ? peak : copy;
    double share = v.median / of.median, least = r->arithmetic ? arithmetic_share : memory_share;
    printf("%-18s %10.3f %10.1f %10.1f %9s %8.0f%% %9.0f%%%s\n", r->name, 1e3 * r->work / v.median, v.median * 1e-9, v.best * 1e-9,
           r->arithmetic ? "GFLOP/s" : "GB/s", 100 * share, 100 * v.cpu / of.cpu, r->limit ? "  (the machine)" : share < least ? "  below" : "");
    json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "name", r->name, "unit",
      r->arithmetic ? "GFLOP/s" : "GB/s", "machine", r->limit, "ms", results_number(1e3 * r->work / v.median), "rate",
      results_number(v.median * 1e-9), "best", results_number(v.best * 1e-9), "share", results_number(share), "share_cpu",
      results_number(v.cpu / of.cpu)));
  }
  return json_pack("{s:o, s:o, s:o}", "peak_gflops", results_number(peak.median * 1e-9), "copy_gbs", results_number(copy.median * 1e-9),
                   "rows", rows);
}

static bool limits(Limits *q, const char *results) {
  enum { FLOATS = 1 << 24, RUN = 1 << 15, TURNS = 1 << 18 };
  int rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 15;
  rounds = rounds < LEAST_ROUNDS ? LEAST_ROUNDS : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
  if (!model_rows(q)) return false;
  NacreModel *m = q->row.at[0]->m;
  int gpu = nc_device_target(m->device)->cls == NC_CLASS_GPU, run = gpu ? 4 : RUN;
  if (!own_row(q, m, "peak", true, 64, TURNS, 1) || !own_row(q, m, "copy_plain", false, FLOATS, 0, run) ||
      !own_row(q, m, "copy_around", false, FLOATS, 0, run) || !measure(q, rounds))
    return false;
  printf("%s, %d rounds\n", nc_device_info(m->device)->name, rounds);
  json_t *all = report(q);
  if (results) return results_put(q->a, q->d, results, "limits", all);
  json_decref(all);
  return true;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: %s FILE.nn [RESULTS.json]\n", argv[0]), 2;
  Limits q = {.a = nc_arena_new(), .file = argv[1]};
  if (!q.a || NC_ON_OOM(q.a)) return fputs("out of memory\n", stderr), 1;
  q.d = nc_diag_new(q.a);
  bool good = limits(&q, argc > 2 ? argv[2] : NULL);
  for (int i = 0; i < q.d->messages.n; i++) fprintf(stderr, "%s\n", q.d->messages.at[i]->text);
  for (int i = 0; i < q.row.n; i++) {
    if (!q.row.at[i]->m) nc_exec_free(q.row.at[i]->x);
  }
  for (int i = 0; i < q.row.n; i++) nacre_close(q.row.at[i]->m);
  nc_arena_free(q.a);
  return !good;
}
