// `nacre profile`: where the time of a step goes, by line of the source, by layer and by kernel.
//
// Times are the device's own, of each launch, over several steps. They are means over the quicker half of the steps, taken as
// wholes: so that what is lost to others on the machine counts little, and all tables add up to the same sum.
#include <stdlib.h>
#include <string.h>
#include "train/work.h"

typedef struct {
  const char *key, *about;   // what the row is; what stands there
  double seconds, least;     // least: what the machine's limits leave
  double flops, bytes, launches, memory;   // memory: of `least`, the part of launches that memory holds back
} Row;
typedef NC_VEC(Row) Rows;

typedef struct {
  NacreModel *m;
  const NacreProfileOptions *o;
  NacreWrite *write;
  void *ctx;
  NcWork w;
  NcLimits limits;
  int runs, kept;
  double *wall, *kernels;    // [runs] of each measured step, and what of it launches took
  double **ns;               // [runs][launches of all plans, one after the other]
  double step, sum;          // means over the quicker half
  double plain;              // median of steps that nobody watches
  Row total;
  Rows line, layer, kernel;
} Profile;

// ---- measuring

static int places(const NcWork *w) {
  int n = 0;
  for (int i = 0; i < w->plans; i++) n += w->plan[i]->plan->step.n;
  return n;
}

// One step, timed launch by launch.
static bool watched(Profile *p, int run) {
  NcWork *w = &p->w;
  NacreModel *m = p->m;
  for (int i = 0; i < w->plans; i++) w->plan[i]->profile = nc_profile_new(m->arena, w->plan[i]->plan);
  double start = nc_now();
  bool good = nc_work_once(w);
  p->wall[run] = nc_now() - start;
  int at = 0;
  for (int i = 0; i < w->plans; i++) {
    const NcProfile *one = w->plan[i]->profile;
    for (int k = 0; k < one->n; k++) p->kernels[run] += (p->ns[run][at++] = one->step[k].ns) * 1e-9;
    w->plan[i]->profile = NULL;
  }
  return good;
}

static bool measure(Profile *p) {
  enum { WARM = 2, SECONDS = 60 };
  int n = p->o->steps > 0 && p->o->steps < 10000 ? (int)p->o->steps : 20;
  NcArena *a = p->m->arena;
  double *plain = NC_NEW_N(a, double, n), until = nc_now() + SECONDS;
  p->wall = NC_NEW_N(a, double, n);
  p->kernels = NC_NEW_N(a, double, n);
  p->ns = NC_NEW_N(a, double *, n);
  for (int i = 0; i < WARM; i++)
    if (!nc_work_once(&p->w)) return false;
  if (!nc_limits_measure(p->m, &p->limits)) return false;
  for (; p->runs < n && (p->runs < 2 || nc_now() < until); p->runs++) {
    double start = nc_now();
    if (!nc_work_once(&p->w)) return false;
    plain[p->runs] = nc_now() - start;
    p->ns[p->runs] = NC_NEW_N(a, double, places(&p->w) + 1);
    if (!watched(p, p->runs)) return false;
  }
  p->plain = nc_median(plain, p->runs);
  return nc_limits_measure(p->m, &p->limits);
}

// Means over the steps that took no longer than the median.
static double *settle(Profile *p) {
  int n = places(&p->w);
  double *mean = NC_NEW_N(p->m->arena, double, n + 1), *sorted = nc_memdup(p->m->arena, p->wall, (size_t)p->runs * sizeof(double));
  nc_median(sorted, p->runs);
  double most = sorted[(p->runs - 1) / 2];
  for (int r = 0; r < p->runs; r++) {
    if (p->wall[r] > most) continue;
    p->kept++;
    p->step += p->wall[r];
    for (int i = 0; i < n; i++) mean[i] += p->ns[r][i] * 1e-9;
  }
  for (int i = 0; i < n; i++) p->sum += mean[i] /= p->kept;
  p->step /= p->kept;
  return mean;
}

// ---- rows

static void sum_up(Row *to, const Row *r) {
  to->seconds += r->seconds, to->least += r->least, to->memory += r->memory;
  to->flops += r->flops, to->bytes += r->bytes, to->launches += r->launches;
}

static void add(Profile *p, Rows *rows, const char *key, const char *about, const Row *r) {
  Row *to = NULL;
  for (int i = 0; i < rows->n && !to; i++)
    if (strcmp(rows->at[i].key, key) == 0) to = &rows->at[i];
  if (!to) *(to = NC_PUSH(p->m->arena, *rows)) = (Row){.key = key, .about = about};
  sum_up(to, r);
}

// "net.nn:14:9" → "net.nn:14"
static const char *line_of(NcArena *a, const char *at) {
  const char *colon = at ? strrchr(at, ':') : NULL;
  return colon ? nc_strndup(a, at, (size_t)(colon - at)) : "";
}

// What stands in that line, without what is blank around it.
static const char *text_of(NacreModel *m, const char *line) {
  const char *colon = strrchr(line, ':');
  for (int i = 0; colon && i < m->diag->sources.n; i++) {
    const NcSource *s = &m->diag->sources.at[i];
    int n = atoi(colon + 1);
    if (strlen(s->name) != (size_t)(colon - line) || strncmp(s->name, line, (size_t)(colon - line)) != 0 || n < 1 || n > s->lines) continue;
    const char *text = s->text + s->line[n - 1];
    text += strspn(text, " \t");
    size_t k = strcspn(text, "\n");
    while (k && strchr(" \t\r", text[k - 1])) k--;
    return nc_strndup(m->arena, text, k);
  }
  return "";
}

static const char *kernel_of(const NcStep *s) {
  return s->kind == NC_STEP_KERNEL ? s->kernel : s->kind == NC_STEP_GEMM ? "CLBlast" : s->kind == NC_STEP_COPY ? "(copy)" : "(fill)";
}

static void rows_of_plan(Profile *p, const NcCompiled *c, const double *seconds) {
  NacreModel *m = p->m;
  double *turns = nc_work_turns(&p->w, c, m->arena);
  for (int i = 0; i < c->plan->step.n; i++) {
    const NcStep *s = &c->plan->step.at[i];
    double n = turns[i], flops = n * s->flops, bytes = n * s->bytes;
    if (n <= 0) continue;
    Row r = {.seconds = seconds[i], .least = nc_limit_seconds(&p->limits, flops, bytes), .flops = flops, .bytes = bytes, .launches = n};
    r.memory = bytes / p->limits.copy > flops / p->limits.product ? r.least : 0;
    const char *line = line_of(m->arena, s->at), *layer = s->layer && *s->layer ? s->layer : "";
    add(p, &p->line, line, text_of(m, line), &r);
    add(p, &p->layer, layer, "", &r);
    add(p, &p->kernel, kernel_of(s), s->label ? s->label : "", &r);
    sum_up(&p->total, &r);
  }
}

static int slower(const void *a, const void *b) {
  const double x = ((const Row *)a)->seconds, y = ((const Row *)b)->seconds;
  return (x < y) - (x > y);
}

static void gather_rows(Profile *p) {
  double *mean = settle(p);
  for (int i = 0; i < p->w.plans; i++) {
    rows_of_plan(p, p->w.plan[i], mean);
    mean += p->w.plan[i]->plan->step.n;
  }
  Rows *all[] = {&p->line, &p->layer, &p->kernel};
  for (int i = 0; i < 3; i++)
    if (all[i]->n) qsort(all[i]->at, (size_t)all[i]->n, sizeof(Row), slower);
}

// ---- as JSON

static void json_rows(NcBuf *b, const char *name, const char *key, const char *about, const Rows *rows) {
  nc_putf(b, ",\"%s\":[", name);
  for (int i = 0; i < rows->n; i++) {
    const Row *r = &rows->at[i];
    nc_putf(b, "%s{\"%s\":", i ? "," : "", key);
    nc_put_json(b, r->key);
    if (about) {
      nc_putf(b, ",\"%s\":", about);
      nc_put_json(b, r->about);
    }
    nc_putf(b, ",\"ms\":%.6g,\"launches\":%.0f,\"bytes\":%.0f,\"flops\":%.0f,\"limit_ms\":%.6g}", r->seconds * 1e3, r->launches, r->bytes,
            r->flops, r->least * 1e3);
  }
  nc_putc(b, ']');
}

static void json(Profile *p, NcBuf *b) {
  const NcDeviceInfo *i = nc_device_info(p->m->device);
  nc_put(b, "{\"file\":");
  nc_put_json(b, p->m->name);
  nc_putf(b, ",\"purpose\":\"%s\",\"batch\":%lld,\"device\":", p->w.train ? "step" : "predict", (long long)p->w.batch);
  nc_put_json(b, i->name);
  nc_putf(b, ",\"class\":\"%s\",\"steps\":%d,\"step_ms\":%.6g,\"unwatched_ms\":%.6g,\"kernels_ms\":%.6g,\"outside_ms\":%.6g,"
             "\"launches\":%.0f,\"bytes\":%.0f,\"flops\":%.0f,\"limit_ms\":%.6g,\"copy_gbs\":%.6g,\"product_gflops\":%.6g",
          i->target.cls == NC_CLASS_GPU ? "gpu" : "cpu", p->runs, p->step * 1e3, p->plain * 1e3, p->sum * 1e3,
          (p->step - p->sum) * 1e3, p->total.launches, p->total.bytes, p->total.flops, p->total.least * 1e3, p->limits.copy * 1e-9,
          p->limits.product * 1e-9);
  json_rows(b, "lines", "at", "text", &p->line);
  json_rows(b, "layers", "layer", NULL, &p->layer);
  json_rows(b, "kernels", "kernel", "computes", &p->kernel);
  nc_put(b, "}\n");
}

// ---- as tables

static void table_row(NcBuf *b, const Row *r, double sum, const char *name, const char *about) {
  nc_putf(b, "%10.3f %5.1f %8.0f %9.2f %9.3f", r->seconds * 1e3, sum > 0 ? 100 * r->seconds / sum : 0, r->launches, r->bytes * 1e-6,
          r->flops * 1e-9);
  if (r->seconds > 0) {
    double share = 100 * r->least / r->seconds;
    nc_putf(b, " %7.1f %8.1f %5.0f %s", r->bytes * 1e-9 / r->seconds, r->flops * 1e-9 / r->seconds, share,
            r->memory * 2 > r->least ? "memory " : "product");
  } else nc_putf(b, " %7s %8s %5s %7s", "", "", "", "");
  nc_putf(b, "  %s%s%s\n", name, *about ? "  " : "", about);
}

static const char *cut(NcArena *a, const char *s) {
  enum { MOST = 60 };
  size_t n = strlen(s);
  if (n <= MOST) return s;
  n = MOST - 3;
  while (n && ((unsigned char)s[n] & 0xc0) == 0x80) n--;     // not within a character
  return nc_sprintf(a, "%.*s…", (int)n, s);
}

static void table(Profile *p, NcBuf *b, const char *title, const char *nobody, const Rows *rows) {
  int shown = p->o->top > 0 && p->o->top < rows->n ? (int)p->o->top : rows->n;
  Row rest = {0};
  nc_putf(b, "\n%10s %5s %8s %9s %9s %7s %8s %5s %-7s  %s\n", "ms", "%", "launches", "MB", "GFLOP", "GB/s", "GFLOP/s", "limit", "%", title);
  for (int i = 0; i < shown; i++) {
    const Row *r = &rows->at[i];
    table_row(b, r, p->sum, *r->key ? r->key : nobody, cut(p->m->arena, r->about));
  }
  for (int i = shown; i < rows->n; i++) sum_up(&rest, &rows->at[i]);
  if (shown < rows->n) table_row(b, &rest, p->sum, nc_sprintf(p->m->arena, "%d others", rows->n - shown), "");
  table_row(b, &p->total, p->sum, "all kernels", "");
}

static void text(Profile *p, NcBuf *b) {
  const NcDeviceInfo *i = nc_device_info(p->m->device);
  double outside = p->step - p->sum;
  nc_putf(b, "%s, %s of %lld examples, on %s (%s class)\n", p->m->name, p->w.train ? "a training step" : "a prediction",
          (long long)p->w.batch, i->name, i->target.cls == NC_CLASS_GPU ? "gpu" : "cpu");
  nc_putf(b, "a step takes %.3f ms (%.3f ms while its launches are timed): kernels %.3f ms, outside of kernels %.3f ms, %.0f %%; "
             "%.0f launches\n",
          p->plain * 1e3, p->step * 1e3, p->sum * 1e3, outside * 1e3, p->step > 0 ? 100 * outside / p->step : 0, p->total.launches);
  nc_putf(b, "means over the quicker half of %d steps; this machine, measured now: copies %.1f GB/s (%.0f MB), products %.1f GFLOP/s "
             "(%lld³)\n",
          p->runs, p->limits.copy * 1e-9, (double)p->limits.bytes * 1e-6, p->limits.product * 1e-9, (long long)p->limits.n);
  table(p, b, "line", "(no line)", &p->line);
  table(p, b, "layer", "(outside of layers)", &p->layer);
  table(p, b, "kernel", "", &p->kernel);
  nc_put(b, "\nlimit %: the least time that memory or arithmetic of this machine leaves, of the time taken; above 100, a cache held the "
            "data\n");
}

static bool profile(NacreModel *m, void *arg) {
  Profile *p = arg;
  p->m = m;
  if (!nc_work_open(m, p->o->purpose, &p->w) || !measure(p)) return false;
  gather_rows(p);
  NcBuf b = NC_BUF(m->arena);
  (m->o.json ? json : text)(p, &b);
  p->write(p->ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_profile(NacreModel *m, const NacreProfileOptions *o, NacreWrite *write, void *ctx) {
  static const NacreProfileOptions usual;
  return nc_guard_given(m, write, profile, &(Profile){.o = o ? o : &usual, .write = write, .ctx = ctx});
}
