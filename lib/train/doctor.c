// `nacre devices`, `nacre doctor`, and running a plan from its text.
//
// The doctor compiles one small graph per kernel family, for each device and both code generators, and compares what the
// device makes of it with the reference evaluator. Each device is looked at in a child process, so that a driver
// that crashes costs its own verdict only.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "device/check.h"
#include "eval/eval.h"
#include "ops/op.h"
#include "train/plain.h"

static void give(const NcSink *s, NcBuf *b) { s->write(s->ctx, nc_buf_str(b), b->n); }

// ---- devices

static void device_json(NcBuf *b, const NcDeviceInfo *i, bool best) {
  nc_putf(b, "{\"number\":%d,\"name\":", i->number);
  nc_put_json(b, i->name);
  nc_put(b, ",\"platform\":");
  nc_put_json(b, i->platform);
  nc_put(b, ",\"driver\":");
  nc_put_json(b, i->driver);
  nc_putf(b, ",\"kind\":\"%s\",\"class\":\"%s\",\"compute_units\":%d,\"vector\":%d,\"memory\":%zu,\"largest_buffer\":%zu,"
             "\"usable\":%s,\"default\":%s}\n", i->kind, i->target.cls == NC_CLASS_GPU ? "gpu" : "cpu", i->target.compute_units,
          i->target.vector, i->target.memory, i->target.max_alloc, i->usable ? "true" : "false", best ? "true" : "false");
}

static void device_text(NcBuf *b, const NcDeviceInfo *i, bool best) {
  nc_putf(b, "%d%s %s\n", i->number, best ? "*" : " ", i->name);
  nc_putf(b, "   %s, driver %s\n", i->platform, i->driver);
  if (!i->usable) nc_putf(b, "   cannot be used: %s\n", i->why_not);
  nc_putf(b, "   a %s, code for the %s class; %d compute units, vectors of %d floats, %.1f GiB of memory (largest buffer %.1f GiB)\n",
          i->kind, i->target.cls == NC_CLASS_GPU ? "gpu" : "cpu", i->target.compute_units, i->target.vector,
          (double)i->target.memory / 0x1p30, (double)i->target.max_alloc / 0x1p30);
}

static bool devices(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  NcSink *sink = arg;
  NcDevices *all = nc_devices_open(a, d);
  if (!all) return false;
  NcBuf b = NC_BUF(a);
  int best = nc_devices_best(all);
  for (int i = 0; i < nc_devices_count(all); i++)
    (o->json ? device_json : device_text)(&b, nc_devices_info(all, i), i == best);
  if (!o->json) nc_put(&b, "\n* is the default; --device takes a number, `cpu`, `gpu`, or part of a name\n");
  nc_devices_close(all);
  give(sink, &b);
  return true;
}

NacreStatus nacre_devices(const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain(o, devices, &(NcSink){write, ctx}, error);
}

// ---- doctor: the families. Each builds a graph of inputs x, y (f32, shapes as asked for) and one output.

typedef NcNode *Build(NcGraph *g, NcNode *x, NcNode *y);
static const NcRange at;

static NcNode *b_map(NcGraph *g, NcNode *x, NcNode *y) { return nc_op1(g, at, "tanh", nc_op2(g, at, "add", x, nc_op2(g, at, "mul", x, y))); }
static NcNode *b_reduce(NcGraph *g, NcNode *x, NcNode *y) {
  return nc_reduce(g, at, "sum", nc_op2(g, at, "mul", x, y), 1, (int64_t[]){0});
}
static NcNode *spread(NcGraph *g, NcNode *r, NcNode *like) { return nc_broadcast(g, at, r, like->type.shape, (int64_t[]){0}); }
static NcNode *b_row(NcGraph *g, NcNode *x, NcNode *y) {
  (void)y;
  int64_t last[] = {1};
  NcNode *e = nc_op1(g, at, "exp", nc_op2(g, at, "sub", x, spread(g, nc_reduce(g, at, "max", x, 1, last), x)));
  return nc_op2(g, at, "div", e, spread(g, nc_reduce(g, at, "sum", e, 1, last), x));
}
static NcNode *b_dot(NcGraph *g, NcNode *x, NcNode *y) { return nc_matmul(g, at, x, y); }
static NcNode *b_dot_t(NcGraph *g, NcNode *x, NcNode *y) { return nc_matmul(g, at, nc_transpose(g, at, x), y); }
static const NcConv conv = {.spatial = 2, .groups = 1, .stride = {1, 1}, .lo = {1, 1}, .hi = {1, 1}, .dilation = {1, 1}, .dilate_x = {1, 1}};
static NcNode *b_conv(NcGraph *g, NcNode *x, NcNode *y) { return nc_conv(g, at, x, y, &conv); }
static NcNode *b_conv_weight(NcGraph *g, NcNode *x, NcNode *y) { return nc_conv_weight(g, at, x, y, &conv, (int64_t[]){3, 3}); }
static const NcPool pool = {.spatial = 2, .window = {2, 2}, .stride = {2, 2}};
static NcNode *b_pool(NcGraph *g, NcNode *x, NcNode *y) { (void)y; return nc_pool(g, at, "max", x, &pool); }
static NcNode *b_pool_grad(NcGraph *g, NcNode *x, NcNode *y) { return nc_pool_grad(g, at, "max", x, nc_pool(g, at, "max", x, &pool), y, &pool); }
static NcNode *indices(NcGraph *g, int64_t n) { return nc_iota(g, at, (NcType){NC_I32, NC_SHAPE(n)}, 0); }
static NcNode *b_gather(NcGraph *g, NcNode *x, NcNode *y) { (void)y; return nc_gather(g, at, x, indices(g, 5), 0); }
static NcNode *b_scatter(NcGraph *g, NcNode *x, NcNode *y) {
  (void)y;
  return nc_scatter_add(g, at, x, indices(g, x->type.shape.dim[0]), NC_SHAPE(x->type.shape.dim[0] + 3, x->type.shape.dim[1]), 0);
}
static NcNode *b_cumulative(NcGraph *g, NcNode *x, NcNode *y) { (void)y; return nc_cumulative(g, at, "cumsum", x, 1, false); }
static NcNode *b_random(NcGraph *g, NcNode *x, NcNode *y) {
  (void)y;
  return nc_op2(g, at, "add", x, nc_random(g, at, "normal", x->type, 7, nc_const(g, at, NC_I32, 3)));
}

static const struct { const char *name; Build *build; int xr; int64_t x[4]; int yr; int64_t y[4]; double terms; } families[] = {
  {"map", b_map, 2, {37, 129}, 2, {37, 129}, 4},
  {"reduce", b_reduce, 2, {131, 67}, 2, {131, 67}, 131},
  {"row (softmax)", b_row, 2, {33, 101}, 1, {1}, 101},
  {"product", b_dot, 2, {65, 130}, 2, {130, 47}, 130},
  {"product, transposed", b_dot_t, 2, {130, 65}, 2, {130, 47}, 130},
  {"convolution", b_conv, 4, {3, 5, 13, 11}, 4, {7, 5, 3, 3}, 45},
  {"convolution, weights", b_conv_weight, 4, {3, 5, 13, 11}, 4, {3, 7, 13, 11}, 429},
  {"pool", b_pool, 4, {3, 5, 12, 10}, 1, {1}, 1},
  {"pool, gradient", b_pool_grad, 4, {3, 5, 12, 10}, 4, {3, 5, 6, 5}, 4},
  {"gather", b_gather, 2, {9, 17}, 1, {1}, 1},
  {"scatter", b_scatter, 2, {9, 17}, 1, {1}, 1},
  {"cumulative", b_cumulative, 2, {9, 117}, 1, {1}, 117},
  {"random", b_random, 2, {19, 33}, 1, {1}, 8},
};
enum { FAMILIES = sizeof families / sizeof *families };

// Values between -2 and 2 from a fixed rule; no two neighbours are equal, so that maxima are unique.
static double *values(NcArena *a, int64_t n, double phase) {
  double *v = NC_NEW_N(a, double, n);
  for (int64_t i = 0; i < n; i++) v[i] = (double)(float)(2 * sin(12.9898 * (double)i + phase));
  return v;
}

static NcFeed feed_of(NcArena *a, const char *name, const double *v, int64_t n) {
  float *f = NC_NEW_N(a, float, n);
  for (int64_t i = 0; i < n; i++) f[i] = (float)v[i];
  return (NcFeed){name, f, (size_t)n * sizeof *f};
}

// One family on one device: "" when the device agrees with the reference, else what is wrong.
static const char *verdict(NcArena *a, NcDevice *dev, int f) {
  NcDiag *d = nc_diag_new(a);
  NcGraph *g = nc_graph_new(a, d, families[f].name);
  NcType tx = {NC_F32, nc_shape(families[f].xr, families[f].x)}, ty = {NC_F32, nc_shape(families[f].yr, families[f].y)};
  int64_t nx = nc_count(tx.shape), ny = nc_count(ty.shape);
  NcNode *out = families[f].build(g, nc_input(g, at, "x", tx), nc_input(g, at, "y", ty));
  if (!out) return "the graph cannot be built";
  nc_graph_output(g, "out", out);
  double *x = values(a, nx, 0.1), *y = values(a, ny, 0.7);
  NcBinding bind[] = {{"x", x}, {"y", y}};
  double **value = NC_NEW_N(a, double *, g->node.n + 1);
  int64_t n = nc_count(out->type.shape);
  float *got = NC_NEW_N(a, float, n);
  NcFeed feed[2];
  int feeds = 0;
  NcPlan *p = NULL;
  bool good = nc_eval(g, d, &(NcEvalOptions){.arena = a, .nbind = 2, .bind = bind}, value) &&
              (p = nc_compile(a, d, g, nc_device_target(dev), &(NcCompileOptions){.name = "doctor"}));
  if (good && nc_plan_find(p, NC_BUF_INPUT, "x") >= 0) feed[feeds++] = feed_of(a, "x", x, nx);
  if (good && nc_plan_find(p, NC_BUF_INPUT, "y") >= 0) feed[feeds++] = feed_of(a, "y", y, ny);
  static const uint32_t seed[2];
  NcFeed all[3] = {feeds > 0 ? feed[0] : (NcFeed){0}, feeds > 1 ? feed[1] : (NcFeed){0}};
  if (good && nc_plan_find(p, NC_BUF_INPUT, "seed") >= 0) all[feeds++] = (NcFeed){"seed", seed, sizeof seed};
  good = good && nc_exec_once(dev, d, p, all, feeds, &(NcFetch){"out", got, (size_t)n * sizeof *got}, 1, &(NcOnceOptions){.guard = true});
  if (!good) return d->messages.n ? d->messages.at[0]->text : "it failed";
  // Rounding of a sum of t terms of size up to 4: a few units in the last place of the largest partial sum.
  double absolute = 4 * families[f].terms * 0x1p-23, relative = 0x1p-20;
  NcCompared c = nc_compare(NC_F32, got, value[out->id], (size_t)n, absolute, relative);
  if (c.same) return "";
  return nc_sprintf(a, "%zu of %lld values differ; [%zu] is %.9g, the reference says %.9g", c.wrong, (long long)n, c.index, c.got, c.want);
}

// ---- doctor: devices, each in a child

typedef struct { int number; const char *cls; bool list; bool json; } Visit;

static bool visit(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  Visit *v = user;
  NcDevices *all = nc_devices_open(a, d);
  if (!all) return false;
  if (v->list) {
    int first = v->cls ? nc_devices_choose(all, d, v->cls) : 0, last = v->cls ? first : nc_devices_count(all) - 1;
    for (int i = first; i >= 0 && i <= last; i++)
      nc_putf(out, "%d %d %s (%s)\n", i, nc_devices_info(all, i)->usable, nc_devices_info(all, i)->name, nc_devices_info(all, i)->platform);
    nc_devices_close(all);
    return first >= 0;
  }
  NcDeviceOptions o = {.choice = nc_sprintf(a, "%d", v->number), .cls = v->cls};
  NcDevice *dev = nc_device_open(all, d, &o);
  for (int f = 0; dev && f < FAMILIES; f++) {
    const char *wrong = verdict(a, dev, f);
    if (v->json) {
      nc_putf(out, "{\"device\":%d,\"class\":\"%s\",\"family\":\"%s\",\"good\":%s,\"why\":", v->number, v->cls, families[f].name,
              *wrong ? "false" : "true");
      nc_put_json(out, wrong);
      nc_put(out, "}\n");
    } else {
      nc_putf(out, "   %s  %-22s %s\n", *wrong ? "WRONG" : "good ", families[f].name, wrong);
    }
    if (*wrong) nc_error(d, NC_E0505, NC_NOWHERE, "%s, %s class: %s: %s", nc_device_info(dev)->name, v->cls, families[f].name, wrong);
  }
  nc_device_close(dev);
  nc_devices_close(all);
  return dev != NULL;
}

static bool look_at(NcArena *a, NcDiag *d, const NacreOptions *o, NcSink *sink, int number, const char *name) {
  static const char *const classes[] = {"cpu", "gpu"};
  int before = d->errors;
  for (int k = 0; k < 2; k++) {
    if (o->device_class && strcmp(o->device_class, classes[k]) != 0) continue;
    Visit v = {.number = number, .cls = classes[k], .json = o->json};
    NcBuf b = NC_BUF(a);
    if (!o->json) nc_putf(&b, "%d %s, %s class\n", number, name, classes[k]);
    bool good = nc_run_in_child(a, d, 300, visit, &v, &b);
    if (!good && !o->json) nc_put(&b, "   WRONG  it could not be examined\n");
    give(sink, &b);
  }
  return d->errors == before;
}

static bool doctor(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  NcSink *sink = arg;
  NcBuf list = NC_BUF(a);
  if (!nc_run_in_child(a, d, 60, visit, &(Visit){.list = true, .cls = o->device}, &list)) return false;
  bool good = true;
  for (const char *s = nc_buf_str(&list), *end; (end = strchr(s, '\n')); s = end + 1) {
    char *rest;
    int number = (int)strtol(s, &rest, 10), usable = (int)strtol(rest, &rest, 10);
    const char *name = nc_strndup(a, rest + 1, (size_t)(end - rest) - 1);
    if (usable) good = look_at(a, d, o, sink, number, name) && good;
  }
  if (!o->json) {
    const char *last = good ? "Every kernel family agrees with the reference.\n"
                            : "Something is wrong: update the driver, or choose another device with --device.\n";
    sink->write(sink->ctx, last, strlen(last));
  }
  return good;
}

NacreStatus nacre_doctor(const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain(o, doctor, &(NcSink){write, ctx}, error);
}

// ---- a plan from its text

typedef struct { const char *name, *text; size_t size; NcSink sink; } RunPlan;

static void put_values(NcBuf *b, NcDtype t, const void *p, size_t n) {
  for (size_t i = 0; i < n && i < 64; i++) {
    if (i) nc_putc(b, ' ');
    if (t == NC_F32) nc_putf(b, "%.9g", (double)((const float *)p)[i]);
    else if (t == NC_I32) nc_putf(b, "%d", ((const int32_t *)p)[i]);
    else if (t == NC_I64) nc_putf(b, "%lld", (long long)((const int64_t *)p)[i]);
    else nc_putf(b, "%u", ((const uint8_t *)p)[i]);
  }
  if (n > 64) nc_put(b, " …");
}

static bool run_plan(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  RunPlan *q = arg;
  NcPlan *p = nc_plan_read(a, d, q->name, q->text, q->size);
  NcDevices *all = p ? nc_devices_open(a, d) : NULL;
  if (!all) return false;
  NcDevice *dev = nc_device_open(all, d, &(NcDeviceOptions){.choice = o->device, .cls = o->device_class});
  int n = p->output.n;
  NcFetch *fetch = NC_NEW_N(a, NcFetch, n + 1);
  NcFeed *feed = NC_NEW_N(a, NcFeed, p->buf.n + 1);
  int feeds = 0;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_INPUT)
      feed[feeds++] = (NcFeed){p->buf.at[i].name, nc_alloc(a, p->buf.at[i].bytes), p->buf.at[i].bytes};
  for (int i = 0; i < n; i++) {
    size_t bytes = p->buf.at[p->output.at[i].buffer].bytes;
    fetch[i] = (NcFetch){p->output.at[i].name, nc_alloc(a, bytes), bytes};
  }
  bool good = dev && nc_exec_once(dev, d, p, feed, feeds, fetch, n, NULL);
  NcBuf b = NC_BUF(a);
  for (int i = 0; good && i < n; i++) {
    NcType t = p->buf.at[p->output.at[i].buffer].type;
    nc_putf(&b, "%s %s: ", fetch[i].name, nc_type_str(a, t));
    put_values(&b, t.dtype, fetch[i].data, (size_t)nc_count(t.shape));
    nc_putc(&b, '\n');
  }
  give(&q->sink, &b);
  nc_device_close(dev);
  nc_devices_close(all);
  return good;
}

NacreStatus nacre_run_plan(const char *name, const char *text, size_t size, const NacreOptions *o,
                           NacreWrite *write, void *ctx, char **error) {
  return nc_plain(o, run_plan, &(RunPlan){name, text, size, {write, ctx}}, error);
}
