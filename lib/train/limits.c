// What the machine can do: memory by a map over buffers that no cache holds, arithmetic by a large product.
#include <stdlib.h>
#include <string.h>
#include "ops/op.h"
#include "train/work.h"

static const NcRange nowhere;

// The quickest of a few runs of a plan whose inputs are ones; 0 after an error.
static double quickest(NacreModel *m, NcArena *a, const NcGraph *g) {
  enum { RUNS = 8, LEAST_RUNS = 3 };     // the first of them meets memory that nobody has touched
  const double most = 0.25;              // seconds in all, for those beyond the least
  NcPlan *p = nc_compile(a, m->diag, g, nc_device_target(m->device), &(NcCompileOptions){.name = "limit"});
  NcExec *x = p ? nc_exec_new(a, m->diag, m->device) : NULL;
  NcLoaded *l = x ? nc_exec_load(x, m->diag, p) : NULL;
  bool good = l != NULL;
  for (int i = 0; good && i < p->buf.n; i++) {
    if (p->buf.at[i].kind != NC_BUF_INPUT) continue;
    size_t n = p->buf.at[i].bytes / sizeof(float);
    float *one = malloc(n * sizeof *one);
    for (size_t k = 0; one && k < n; k++) one[k] = 1;
    good = one && nc_exec_write(l, m->diag, i, one, n * sizeof *one) && nc_exec_finish(x, m->diag);
    if (!one) nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory");
    free(one);
  }
  double best = 0, start = nc_now();
  NcProfile *prof = good ? nc_profile_new(a, p) : NULL;
  for (int r = 0; good && r < RUNS && (r < LEAST_RUNS || nc_now() - start < most); r++) {
    double s;
    good = nc_exec_run_timed(l, m->diag, prof, &s);
    if (good && s > 0 && (best <= 0 || s < best)) best = s;
  }
  nc_exec_free(x);
  return good ? best : 0;
}

static double better(double old, double work, double seconds) { return seconds > 0 && work / seconds > old ? work / seconds : old; }

// The product of two n × n matrices, in seconds.
static double product(NacreModel *m, NcArena *a, int64_t n) {
  NcGraph *g = nc_graph_new(a, m->diag, "product");
  NcType square = {NC_F32, NC_SHAPE(n, n)};
  nc_graph_output(g, "out", nc_matmul(g, nowhere, nc_input(g, nowhere, "a", square), nc_input(g, nowhere, "b", square)));
  return quickest(m, a, g);
}

static double copy(NacreModel *m, NcArena *a, int64_t floats) {
  NcGraph *g = nc_graph_new(a, m->diag, "copy");
  nc_graph_output(g, "out", nc_op1(g, nowhere, "neg", nc_input(g, nowhere, "x", (NcType){NC_F32, NC_SHAPE(floats)})));
  return quickest(m, a, g);
}

// The product is made larger until it takes long enough for its start to be nothing beside it.
static bool measure(NacreModel *m, NcArena *a, NcLimits *out) {
  const double long_enough = 0.004;
  const NcDeviceInfo *device = nc_device_info(m->device);
  bool cpu = strcmp(device->kind, "cpu") == 0;
  int64_t most = cpu ? 1024 : 4096, n = out->n ? out->n : 512, floats = (cpu ? 16 : 64) * (int64_t)1048576;
  while (floats > 1 << 20 && (size_t)floats * 16 > device->target.memory) floats /= 2;
  double seconds = copy(m, a, floats);
  if (seconds <= 0) return false;
  out->bytes = (size_t)floats * sizeof(float);
  out->copy = better(out->copy, 2 * (double)out->bytes, seconds);
  bool first = !out->n;
  while ((seconds = product(m, a, n)) > 0 && seconds < long_enough && first && n < most) n *= 2;
  out->n = n;
  out->product = better(out->product, 2 * (double)n * (double)n * (double)n, seconds);
  return seconds > 0;
}

bool nc_limits_measure(NacreModel *m, NcLimits *out) {
  NcArena *a = nc_arena_new();
  if (!a) return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory"), false;
  if (NC_ON_OOM(a)) return nc_arena_free(a), nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory"), false;
  bool good = measure(m, a, out);
  nc_arena_free(a);
  return good;
}

double nc_limit_seconds(const NcLimits *l, double flops, double bytes) {
  double arithmetic = flops / l->product, memory = bytes / l->copy;
  return arithmetic > memory ? arithmetic : memory;
}
