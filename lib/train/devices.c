// `nacre devices`, and running a plan from its text.
#include <stdio.h>
#include "device/check.h"
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
  return nc_plain_given(o, write, devices, &(NcSink){write, ctx}, error);
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
  return nc_plain_given(o, name && (text || !size) && write, run_plan, &(RunPlan){name, text ? text : "", size, {write, ctx}}, error);
}
