// `nacre doctor`: every kernel family (families.c) on every device, made by both code generators, against the reference
// evaluator. A driver that crashes or hangs costs one family its verdict, and nothing else.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train/families.h"
#include "train/plain.h"

static const char *const classes[] = {"cpu", "gpu"};
enum { CLASSES = 2 };

typedef struct {
  NcArena *a;
  NcDiag *d;
  const NacreOptions *o;
  NcSink *sink;
} Doctor;

static void give(const Doctor *q, NcBuf *b) { q->sink->write(q->sink->ctx, nc_buf_str(b), b->n); }

static bool is_bad(const NcVerdict *v) { return v->kind != NC_VERDICT_RIGHT && v->kind != NC_VERDICT_SKIPPED; }

static const char *why(Doctor *q, const NcVerdict *v) {
  const NcCompared *c = &v->compared;
  if (v->kind != NC_VERDICT_WRONG) return v->message;
  return nc_sprintf(q->a, "%zu values differ; [%zu] is %.9g, the reference says %.9g", c->wrong, c->index, c->got, c->want);
}

static const char *remedy(Doctor *q, const NcVerdict *v, const NcDeviceInfo *i) {
  switch (v->kind) {
    case NC_VERDICT_WRONG:
      return nc_sprintf(q->a, "update the driver (%s is here); if other devices are right, it is the driver's compiler", i->driver);
    case NC_VERDICT_CRASHED: return nc_sprintf(q->a, "update the driver (%s is here), or use another device", i->driver);
    case NC_VERDICT_LATE: return "close what else uses the device; update its driver";
    case NC_VERDICT_FAILED: return *v->help ? v->help : "update the driver, or use another device";
    default: return "";
  }
}

static void json_line(Doctor *q, NcBuf *b, const NcDeviceInfo *i, const char *cls, const NcVerdict *v) {
  nc_putf(b, "{\"device\":%d,\"name\":", i->number);
  nc_put_json(b, i->name);
  nc_putf(b, ",\"class\":\"%s\",\"family\":", cls);
  nc_put_json(b, v->name);
  nc_putf(b, ",\"verdict\":\"%s\",\"ms\":%.1f,\"code\":\"%s\",\"why\":", nc_verdict_word(v->kind), v->ms, v->code);
  nc_put_json(b, why(q, v));
  nc_put(b, ",\"remedy\":");
  nc_put_json(b, remedy(q, v, i));
  nc_put(b, "}\n");
}

static void text_line(Doctor *q, NcBuf *b, const NcDeviceInfo *i, const NcVerdict *v) {
  nc_putf(b, "   %-8s %-26s", nc_verdict_word(v->kind), v->name);
  if (v->kind != NC_VERDICT_SKIPPED) nc_putf(b, "%7.0f ms", v->ms);
  nc_putc(b, '\n');
  if (!is_bad(v)) return;
  nc_putf(b, "            %s%s%s\n", v->code, *v->code ? ": " : "", why(q, v));
  nc_putf(b, "            remedy: %s\n", remedy(q, v, i));
}

// What is wrong on one device, as one error. `other`: all families are right with the other class.
static void accuse(Doctor *q, const NcDeviceInfo *i, const char *cls, const NcVerdict *v, const char *other) {
  NcBuf b = NC_BUF(q->a);
  int bad = 0;
  for (int f = 0; f < nc_families(); f++)
    if (is_bad(&v[f])) nc_putf(&b, "%s%s (%s)", bad++ ? ", " : "", nc_family_name(f), nc_verdict_word(v[f].kind));
  NcMessage *m = nc_error(q->d, NC_E0505, NC_NOWHERE, "on %s, %d of %d kernel families of the %s class are not right",
                          i->name, bad, nc_families(), cls);
  nc_note(q->d, m, "%s", nc_buf_str(&b));
  if (other) nc_help(q->d, m, "use --class %s on this device, which is right, or another device with --device", other);
  else nc_help(q->d, m, "update the driver (%s is here), or use another device with --device", i->driver);
}

// Seconds that a family may take: a driver that interprets kernels, or a machine that is busy, may want more.
static int patience(void) {
  const char *s = getenv("NACRE_DOCTOR_SECONDS");
  const int n = s ? atoi(s) : 0;
  return n > 0 && n < 86400 ? n : 60;
}

// False when the device cannot be opened; else `bad` counts.
static bool check(Doctor *q, const NcDeviceInfo *i, const char *cls, NcVerdict *v, int *bad) {
  NcBuf b = NC_BUF(q->a);
  NcDeviceOptions o = {.choice = nc_sprintf(q->a, "%d", i->number), .cls = cls};
  if (!q->o->json) nc_putf(&b, "%d %s (%s), %s class\n", i->number, i->name, i->platform, cls);
  give(q, &b);
  b.n = 0;
  bool opened = nc_doctor_check(q->a, q->d, &o, nc_families(), nc_family_case, NULL, patience(), v);
  if (!opened && !q->o->json) nc_put(&b, "   cannot be opened\n");
  for (int f = 0; opened && f < nc_families(); f++) {
    *bad += is_bad(&v[f]);
    if (!*v[f].name) v[f].name = nc_family_name(f);
    if (q->o->json) json_line(q, &b, i, cls, &v[f]);
    else text_line(q, &b, i, &v[f]);
  }
  give(q, &b);
  return opened;
}

static bool look_at(Doctor *q, const NcDeviceInfo *i) {
  NcVerdict *v[CLASSES];
  bool checked[CLASSES] = {false}, good = true;
  int bad[CLASSES] = {0};
  for (int k = 0; k < CLASSES; k++) {
    if (q->o->device_class && strcmp(q->o->device_class, classes[k]) != 0) continue;
    v[k] = NC_NEW_N(q->a, NcVerdict, nc_families());
    checked[k] = check(q, i, classes[k], v[k], &bad[k]);
    good = good && checked[k] && !bad[k];
  }
  for (int k = 0; k < CLASSES; k++)
    if (checked[k] && bad[k]) accuse(q, i, classes[k], v[k], checked[1 - k] && !bad[1 - k] ? classes[1 - k] : NULL);
  return good;
}

// A choice is made as everywhere, which needs OpenCL: so in a child.
static bool choose(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  NcDevices *all = nc_devices_open(a, d);
  int number = all ? nc_devices_choose(all, d, user) : -1;
  nc_devices_close(all);
  nc_putn(out, (const char *)&number, sizeof number);
  return number >= 0;
}

static bool doctor(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Doctor q = {a, d, o, arg};
  int n = 0, only = -1;
  NcDeviceInfo *info = nc_doctor_devices(a, d, &n);
  if (!info) return false;
  if (o->device_class && strcmp(o->device_class, "cpu") && strcmp(o->device_class, "gpu"))
    return nc_error(d, NC_E0702, NC_NOWHERE, "the class is `cpu` or `gpu`, not `%s`", o->device_class), false;
  if (o->device) {
    NcBuf b = NC_BUF(a);
    if (!nc_run_in_child(a, d, 60, choose, (void *)o->device, &b)) return false;
    memcpy(&only, b.at, sizeof only);
  }
  bool good = true;
  for (int i = 0; i < n; i++)
    if (only >= 0 ? i == only : info[i].usable) good = look_at(&q, &info[i]) && good;
  NcBuf b = NC_BUF(a);
  if (!o->json && good) nc_put(&b, "Every kernel family agrees with the reference.\n");
  give(&q, &b);
  return good;
}

NacreStatus nacre_doctor(const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, write, doctor, &(NcSink){write, ctx}, error);
}
