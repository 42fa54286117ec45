// Whether a step costs what its arithmetic says: a training step of bench/growth.nn against batch, width, depth and length. The
// points of an axis are open together and take turns, so that a busy moment of the machine meets all alike.
//   bench/growth FILE.nn OUT     prints a table for each axis, writes OUT/growth-AXIS.svg, and puts all into OUT/results.json
//
// Beside the time stand the operations of the plan and the least time that the measured copy and product leave for them, launch by
// launch. An exponent is the slope of a line through the logarithms of all points; `last` is that between the last two.
// Environment: ROUNDS (9), AXES ("batch width depth length"; which), SMALL (1: two points of each less), NACRE_BENCH_DEVICE, NACRE_BENCH_CLASS.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "results.h"
#include "show/html.h"
#include "train/work.h"

enum { MOST_POINTS = 6, MOST_ROUNDS = 100, MOST_SETS = 3 };
static const double long_enough = 0.05;      // seconds between two looks at the clock

// `setting` takes the value, NULL: the batch; `with` are the others of this axis.
typedef struct {
  const char *name, *setting;
  const char *with[2];
  int64_t batch;
  int values[MOST_POINTS];
} Axis;

static const Axis axes[] = {
  {"batch", NULL, {"T=64"}, 0, {1, 2, 4, 8, 16, 32}},
  {"width", "net.D", {"T=64"}, 4, {32, 64, 128, 256, 512}},
  {"depth", "net.L", {"T=64"}, 4, {1, 2, 4, 8, 16}},
  {"length", "T", {"net.D=32"}, 2, {32, 64, 128, 256, 512, 1024}},
};

typedef struct {
  double value, flops, bytes, least, planned, launches;      // of a step
  double ms, cpu_ms;
  NacreModel *m;
  NcWork w;
  int repeat, n;
  double wall[MOST_ROUNDS], cpu[MOST_ROUNDS];
} Point;

typedef struct {
  NcArena *a;
  NcDiag *d;
  const char *file, *out;
  int rounds, fewer;
  NcLimits limits;
} Growth;

static double processor_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// ---- points

typedef struct { Growth *q; Point *p; } Make;

static bool make(NacreModel *m, void *arg) {
  Make *q = arg;
  Point *p = q->p;
  NcWork *w = &p->w;
  if (!nc_work_open(m, "step", w) || !nc_work_once(w)) return false;      // which compiles
  if (q->q->limits.product <= 0 && !nc_limits_measure(m, &q->q->limits)) return false;
  for (int i = 0; i < w->plans; i++) {
    const NcPlan *plan = w->plan[i]->plan;
    const double *turns = nc_work_turns(w, w->plan[i], m->arena);
    for (int k = 0; k < plan->step.n; k++) {
      p->flops += turns[k] * plan->step.at[k].flops;
      p->bytes += turns[k] * plan->step.at[k].bytes;
    }
  }
  p->least = 1e3 * nc_work_least(w, &q->q->limits);
  p->planned = (double)nc_work_bytes(w);
  p->launches = (double)nc_work_launches(w);
  return true;
}

static bool told(Point *p, NacreStatus s) {
  if (s != NACRE_OK && p->m) fputs(nacre_message(p->m), stderr);
  return s == NACRE_OK;
}

static bool open_point(Growth *q, const Axis *x, int i, Point *p) {
  const char *set[MOST_SETS];
  NacreOptions o = {.set = set, .batch = x->batch, .device = getenv("NACRE_BENCH_DEVICE"), .device_class = getenv("NACRE_BENCH_CLASS")};
  for (int k = 0; k < 2 && x->with[k]; k++) set[o.sets++] = x->with[k];
  if (x->setting) set[o.sets++] = nc_sprintf(q->a, "%s=%d", x->setting, x->values[i]);
  else o.batch = x->values[i];
  p->value = x->values[i];
  NacreStatus s = nacre_open(q->file, &o, &p->m);
  if (s == NACRE_OK) s = nc_guard(p->m, make, &(Make){q, p});
  return told(p, s);
}

static bool once(NacreModel *m, void *arg) {
  Point *p = arg;
  (void)m;
  double start = nc_now(), used = processor_time();
  for (int i = 0; i < p->repeat; i++)
    if (!nc_work_once(&p->w)) return false;
  p->wall[p->n] = 1e3 * (nc_now() - start) / p->repeat;
  p->cpu[p->n] = 1e3 * (processor_time() - used) / p->repeat;
  return true;
}

static bool measure(const Growth *q, int n, Point *p) {
  for (int i = 0; i < n; i++) {
    p[i].repeat = 1;
    if (!told(&p[i], nc_guard(p[i].m, once, &p[i]))) return false;
    p[i].repeat = 1 + (int)(1e3 * long_enough / p[i].wall[0]);
  }
  for (int r = 0; r < q->rounds; r++)
    for (int i = 0; i < n; i++) {
      p[i].n = r;
      if (!told(&p[i], nc_guard(p[i].m, once, &p[i]))) return false;
    }
  for (int i = 0; i < n; i++) {
    p[i].ms = nc_median(p[i].wall, q->rounds);
    nc_median(p[i].cpu, q->rounds);
    p[i].cpu_ms = p[i].cpu[0];
  }
  return true;
}

// ---- what came of it

typedef struct { const char *name; size_t at; const char *format; double unit; } Column;
#define COLUMN(name, field, format, unit) {name, offsetof(Point, field), format, unit}
static const Column columns[] = {
  COLUMN("ms", ms, "%12.3f", 1), COLUMN("processor ms", cpu_ms, "%12.3f", 1), COLUMN("least ms", least, "%12.3f", 1),
  COLUMN("GFLOP", flops, "%12.4f", 1e-9), COLUMN("moved MB", bytes, "%12.3f", 1e-6), COLUMN("planned MB", planned, "%12.3f", 1e-6),
  COLUMN("launches", launches, "%12.0f", 1)};
enum { COLUMNS = sizeof columns / sizeof *columns };

static double of(const Point *p, const Column *c) { return *(const double *)((const char *)p + c->at); }

// The slope of the line through log(value), log(column) that is nearest to all points.
static double exponent(int n, const Point *p, const Column *c) {
  double x = 0, y = 0, xx = 0, xy = 0;
  for (int i = 0; i < n; i++) x += log(p[i].value) / n, y += log(of(&p[i], c)) / n;
  for (int i = 0; i < n; i++) xx += pow(log(p[i].value) - x, 2), xy += (log(p[i].value) - x) * (log(of(&p[i], c)) - y);
  return xx > 0 ? xy / xx : NAN;
}

static json_t *table(const Axis *x, int n, const Point *p) {
  json_t *points = json_array(), *all = json_object(), *last = json_object();
  printf("\n%-8s", x->name);
  for (int c = 0; c < COLUMNS; c++) printf(" %12s", columns[c].name);
  for (int i = 0; i < n; i++) {
    json_t *one = json_pack("{s:f}", "value", p[i].value);
    printf("\n%8.0f", p[i].value);
    for (int c = 0; c < COLUMNS; c++) {
      putchar(' ');
      printf(columns[c].format, of(&p[i], &columns[c]) * columns[c].unit);
      json_object_set_new(one, columns[c].name, results_number(of(&p[i], &columns[c]) * columns[c].unit));
    }
    json_array_append_new(points, one);
  }
  for (int k = 0; k < 2; k++) {
    int from = k ? n - 2 : 0;
    printf("\n%-8s", k ? "last" : "exponent");
    for (int c = 0; c < COLUMNS; c++) {
      double e = exponent(n - from, p + from, &columns[c]);
      printf(" %12.2f", e);
      json_object_set_new(k ? last : all, columns[c].name, results_number(e));
    }
  }
  putchar('\n');
  return json_pack("{s:o, s:o, s:o}", "points", points, "exponent", all, "last", last);
}

// The chart of a report, made a file of its own. Both axes are logarithms of 2: a power is a straight line.
static bool plot(Growth *q, const Axis *x, int n, const Point *p) {
  static const char style[] =
    "<style>text{font:11px sans-serif;fill:#444}.name{font-size:13px;font-weight:600}.grid{stroke:#ddd}.line{fill:none;stroke-width:1.8}"
    ".c0{stroke:#2563c9}.dot.c0{fill:#2563c9}.c1{stroke:#c2571a}.dot.c1{fill:#c2571a}.c2{stroke:#3a8a4d}.dot.c2{fill:#3a8a4d}</style>"
    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>";
  double at[MOST_POINTS], ms[MOST_POINTS], least[MOST_POINTS], bytes[MOST_POINTS];
  for (int i = 0; i < n; i++) {
    at[i] = log2(p[i].value), ms[i] = log2(p[i].ms);
    least[i] = log2(p[i].least * p[n - 1].ms / p[n - 1].least);      // all are one at the end
    bytes[i] = log2(p[i].planned * p[n - 1].ms / p[n - 1].planned);
  }
  const NcSeries series[] = {{"time", n, at, ms, false, 0}, {"arithmetic", n, at, least, false, 1}, {"bytes", n, at, bytes, false, 2}};
  NcBuf chart = NC_BUF(q->a), b = NC_BUF(q->a);
  nc_chart(&chart, &(NcChart){.title = nc_sprintf(q->a, "Against %s", x->name), .x = nc_sprintf(q->a, "%s, log 2", x->name),
                              .y = "ms, log 2", .n = 3, .series = series});
  const char *svg = nc_buf_str(&chart), *body = strchr(svg, '>');
  nc_putf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"880\" height=\"520\"%.*s>%s%s", (int)(body - svg) - 4, svg + 4, style, body + 1);
  return nc_write_file(q->d, nc_sprintf(q->a, "%s/growth-%s.svg", q->out, x->name), b.at, b.n);
}

static bool axis(Growth *q, const Axis *x, json_t *results) {
  Point *p = NC_NEW_N(q->a, Point, MOST_POINTS);
  int n = 0;
  bool good = true;
  while (n < MOST_POINTS && x->values[n]) n++;
  n -= q->fewer;
  for (int i = 0; good && i < n; i++) good = open_point(q, x, i, &p[i]);
  good = good && measure(q, n, p);
  if (good) json_object_set_new(results, x->name, table(x, n, p));
  fflush(stdout);
  for (int i = 0; i < n; i++) nacre_close(p[i].m);
  return good && plot(q, x, n, p);
}

static bool growth(Growth *q) {
  const char *which = getenv("AXES");
  json_t *results = json_object();
  bool good = true;
  for (size_t i = 0; good && i < sizeof axes / sizeof *axes; i++)
    if (!which || !*which || strstr(which, axes[i].name)) good = axis(q, &axes[i], results);
  if (good) return results_put(q->a, q->d, nc_sprintf(q->a, "%s/results.json", q->out), "growth", results);
  json_decref(results);
  return false;
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: %s FILE.nn OUT\n", argv[0]), 2;
  const char *rounds = getenv("ROUNDS"), *small = getenv("SMALL");
  Growth q = {.a = nc_arena_new(), .file = argv[1], .out = argv[2], .rounds = rounds ? atoi(rounds) : 9, .fewer = small && *small == '1' ? 2 : 0};
  if (!q.a || NC_ON_OOM(q.a)) return fputs("out of memory\n", stderr), 1;
  q.rounds = q.rounds < 1 ? 1 : q.rounds > MOST_ROUNDS ? MOST_ROUNDS : q.rounds;
  q.d = nc_diag_new(q.a);
  bool good = growth(&q);
  for (int i = 0; i < q.d->messages.n; i++) fprintf(stderr, "%s\n", q.d->messages.at[i]->text);
  nc_arena_free(q.a);
  return !good;
}
