// The child writes each verdict into memory that it shares with its parent, so nothing is lost when it dies; the
// parent then gives the case that was under way its verdict and starts another child at the next one.
#include "device/doctor.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char *const words[] = {
#define X(id, word) word,
  NC_VERDICTS(X)
#undef X
};
const char *nc_verdict_word(NcVerdictKind k) { return words[k]; }

// --- listing ---

// Everything of an info but its texts travels as it is; the texts follow it, each with its zero byte.
static bool send_infos(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)user;
  NcDevices *all = nc_devices_open(a, d);
  for (int i = 0; all && i < nc_devices_count(all); i++) {
    const NcDeviceInfo *info = nc_devices_info(all, i);
    nc_putn(out, (const char *)info, sizeof *info);
    const char *text[] = {info->name,    info->platform,   info->vendor, info->driver,
                          info->version, info->extensions, info->kind,   info->why_not ? info->why_not : ""};
    for (size_t k = 0; k < sizeof text / sizeof *text; k++) nc_putn(out, text[k], strlen(text[k]) + 1);
  }
  nc_devices_close(all);
  return all != NULL;
}

NcDeviceInfo *nc_doctor_devices(NcArena *a, NcDiag *d, int *n) {
  NcBuf out = NC_BUF(a);
  NC_VEC(NcDeviceInfo) infos = {0};
  if (!nc_run_in_child(a, d, 60, send_infos, NULL, &out)) return NULL;
  for (size_t at = 0; at + sizeof(NcDeviceInfo) <= out.n;) {
    NcDeviceInfo *i = NC_PUSH(a, infos);
    memcpy(i, out.at + at, sizeof *i);
    at += sizeof *i;
    const char **text[] = {&i->name,    &i->platform,   &i->vendor, &i->driver,
                           &i->version, &i->extensions, &i->kind,   &i->why_not};
    for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
      *text[k] = out.at + at;
      at += strlen(out.at + at) + 1;
    }
    if (i->usable) i->why_not = NULL;
  }
  *n = infos.n;
  return infos.at;
}

// --- checking ---

typedef struct {
  bool done;
  NcVerdictKind kind;
  NcCompared compared;
  double ms;
  char name[64], code[8], message[400], help[300];
} Record;

typedef struct {
  int at;                    // the case under way; -1 while the device is being opened
  double since;              // when it began
  Record record[];
} Shared;

typedef struct {
  const NcDeviceOptions *options;
  NcMakeCase make;
  void *user;
  int cases, from;
  double seconds;
  Shared *shared;
} Job;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static NcVerdictKind judge(NcDevice *dev, NcArena *a, NcDiag *d, const NcCase *c, NcCompared *compared) {
  void *got = nc_alloc_array(a, c->n, nc_dtype_bytes(c->dtype));
  NcFetch fetch = {c->output, got, c->n * nc_dtype_bytes(c->dtype)};
  if (!nc_exec_once(dev, d, c->plan, c->feed, c->feeds, &fetch, 1, &(NcOnceOptions){.guard = c->guard}))
    return NC_VERDICT_FAILED;
  *compared = nc_compare(c->dtype, got, c->want, c->n, c->absolute, c->relative);
  return compared->same ? NC_VERDICT_RIGHT : NC_VERDICT_WRONG;
}

static void first_error(const NcDiag *d, Record *r) {
  for (int i = 0; i < d->messages.n; i++) {
    const NcMessage *m = d->messages.at[i];
    if (m->severity != NC_ERROR) continue;
    snprintf(r->code, sizeof r->code, "%s", nc_code_name(m->code));
    snprintf(r->message, sizeof r->message, "%s%s%s", m->text, m->notes.n ? "; " : "",
             m->notes.n ? m->notes.at[0] : "");
    snprintf(r->help, sizeof r->help, "%s", m->help ? m->help : "");
    return;
  }
}

static void one_case(const Job *j, NcDevice *dev, int i) {
  Record *r = &j->shared->record[i];
  NcArena *a = nc_arena_new();
  if (!a || NC_ON_OOM(a)) {
    snprintf(r->message, sizeof r->message, "out of memory");
    r->kind = NC_VERDICT_FAILED;
    nc_arena_free(a);
    return;
  }
  NcDiag *d = nc_diag_new(a);
  NcCase c = {.name = ""};
  bool made = j->make(j->user, a, d, nc_device_target(dev), i, &c);
  snprintf(r->name, sizeof r->name, "%s", c.name);
  r->kind = made ? judge(dev, a, d, &c, &r->compared) : d->errors ? NC_VERDICT_FAILED : NC_VERDICT_SKIPPED;
  first_error(d, r);
  nc_arena_free(a);
}

static bool work(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)out;
  const Job *j = user;
  alarm((unsigned)j->seconds + 1);
  NcDevices *all = nc_devices_open(a, d);
  NcDevice *dev = all ? nc_device_open(all, d, j->options) : NULL;
  for (int i = j->from; dev && i < j->cases; i++) {
    alarm((unsigned)j->seconds + 1);       // by default it ends the process
    j->shared->since = now();
    j->shared->at = i;
    one_case(j, dev, i);
    j->shared->record[i].ms = (now() - j->shared->since) * 1e3;
    j->shared->record[i].done = true;
  }
  alarm(0);
  if (dev) j->shared->at = j->cases;
  nc_device_close(dev);
  nc_devices_close(all);
  return dev != NULL;
}

static void bury(Job *j, NcDiag *scratch) {
  Record *r = &j->shared->record[j->shared->at];
  r->kind = now() - j->shared->since >= j->seconds ? NC_VERDICT_LATE : NC_VERDICT_CRASHED;
  r->ms = (now() - j->shared->since) * 1e3;
  first_error(scratch, r);
  r->done = true;
}

// Child after child until every case has its verdict. Each buries at least one case, so this ends.
static bool run_all(NcArena *a, NcDiag *d, Job *j) {
  while (j->from < j->cases) {
    NcDiag *scratch = nc_diag_new(a);
    NcBuf out = NC_BUF(a);
    j->shared->at = -1;
    if (nc_run_in_child(a, scratch, 0, work, j, &out) || j->shared->at == j->cases) return true;
    if (j->shared->at < 0) {               // not even opened: what the child said is the caller's to tell
      for (int i = 0; i < scratch->messages.n; i++) *NC_PUSH(d->arena, d->messages) = scratch->messages.at[i];
      d->errors += scratch->errors;
      return false;
    }
    bury(j, scratch);
    j->from = j->shared->at + 1;
  }
  return true;
}

bool nc_doctor_check(NcArena *a, NcDiag *d, const NcDeviceOptions *o, int cases, NcMakeCase make, void *user,
                     double seconds, NcVerdict *out) {
  size_t bytes = sizeof(Shared) + (size_t)cases * sizeof(Record);
  void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    nc_error(d, NC_E0606, NC_NOWHERE, "no memory to share with a child process, %zu bytes", bytes);
    return false;
  }
  Job j = {o, make, user, cases, 0, seconds > 0 ? seconds : 60, shared};
  bool ok = run_all(a, d, &j);
  for (int i = 0; ok && i < cases; i++) {
    const Record *r = &j.shared->record[i];
    NcVerdictKind kind = r->done ? r->kind : NC_VERDICT_CRASHED;
    out[i] = (NcVerdict){kind, nc_strdup(a, r->name), r->compared, r->ms,
                         nc_strdup(a, r->code), nc_strdup(a, r->message), nc_strdup(a, r->help)};
  }
  munmap(shared, bytes);
  return ok;
}
