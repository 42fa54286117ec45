#include "device/check.h"
#include "device/exec.h"
#include <math.h>
#include <string.h>

static bool unknown(NcDiag *d, const NcPlan *p, const char *name) {
  NcMessage *m = nc_error(d, NC_E0901, NC_NOWHERE, "the plan has nothing called \"%s\" here", name);
  for (int i = 0; i < p->output.n; i++) nc_note(d, m, "it has the output \"%s\"", p->output.at[i].name);
  return false;
}

static int find(const NcPlan *p, const char *name, bool fetch) {
  int b = fetch ? nc_plan_output(p, name) : nc_plan_find(p, NC_BUF_INPUT, name);
  return b >= 0 ? b : nc_plan_find(p, NC_BUF_VAR, name);
}

static bool once(NcExec *x, NcDiag *d, const NcPlan *p, const NcFeed *feed, int feeds, const NcFetch *fetch,
                 int fetches, int runs) {
  NcLoaded *l = nc_exec_load(x, d, p);
  if (!l) return false;
  for (int i = 0; i < feeds; i++) {
    int b = find(p, feed[i].name, false);
    if (b < 0) return unknown(d, p, feed[i].name);
    if (!nc_exec_write(l, d, b, feed[i].data, feed[i].bytes)) return false;
  }
  for (int i = 0; i < runs; i++)
    if (!nc_exec_run(l, d)) return false;
  for (int i = 0; i < fetches; i++) {
    int b = find(p, fetch[i].name, true);
    if (b < 0) return unknown(d, p, fetch[i].name);
    if (!nc_exec_read(l, d, b, fetch[i].data, fetch[i].bytes, true)) return false;
  }
  return nc_exec_finish(x, d);
}

bool nc_exec_once(NcDevice *dev, NcDiag *d, const NcPlan *p, const NcFeed *feed, int feeds, const NcFetch *fetch,
                  int fetches, const NcOnceOptions *o) {
  static const NcOnceOptions defaults;
  if (!o) o = &defaults;
  NcExec *x = nc_exec_new(p->arena, d, dev);
  if (!x) return false;
  nc_exec_seams(x, (NcExecSeams){.poison = !o->no_poison, .guard = o->guard});
  bool ok = once(x, d, p, feed, feeds, fetch, fetches, o->runs < 1 ? 1 : o->runs);
  nc_exec_free(x);
  return ok;
}

static double half(uint16_t v) {
  int exponent = v >> 10 & 31, fraction = v & 1023;
  double m = exponent == 31 ? (fraction ? NAN : INFINITY)
           : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
  return v & 0x8000 ? -m : m;
}

static double bfloat(uint16_t v) {
  uint32_t wide = (uint32_t)v << 16;
  float f;
  memcpy(&f, &wide, sizeof f);
  return f;
}

static double element(NcDtype t, const void *p, size_t i) {
  switch (t) {
    case NC_F32: return ((const float *)p)[i];
    case NC_F16: return half(((const uint16_t *)p)[i]);
    case NC_BF16: return bfloat(((const uint16_t *)p)[i]);
    case NC_I32: return ((const int32_t *)p)[i];
    case NC_I64: return (double)((const int64_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
  }
}

static bool near(double got, double want, double absolute, double relative) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
  if (isinf(want) || isinf(got)) return want == got;
  return fabs(got - want) <= absolute + relative * fabs(want);
}

NcCompared nc_compare(NcDtype dtype, const void *got, const double *want, size_t n, double absolute, double relative) {
  NcCompared r = {.same = true};
  for (size_t i = 0; i < n; i++) {
    double g = element(dtype, got, i), w = want[i], off = fabs(g - w);
    bool bad = !near(g, w, absolute, relative);
    if (bad) r.wrong++;
    // An error that is not finite outweighs every other; among the rest the largest counts.
    bool worse = bad && (r.same || off > r.worst || (!isfinite(off) && isfinite(r.worst)));
    if (worse || (!bad && r.same && isfinite(off) && off > r.worst)) {
      r.index = i;
      r.got = g;
      r.want = w;
      r.worst = isnan(off) ? INFINITY : off;
    }
    if (bad) r.same = false;
  }
  return r;
}
