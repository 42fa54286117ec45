#include "train/run.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "io/events.h"
#include "train/described.h"
#include "train/resolved.h"

double nc_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double clock_seconds(void) {      // since 1970
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *nc_run_path(NacreModel *m, const NcRun *r, const char *file) { return nc_sprintf(m->arena, "%s/%s", r->dir, file); }

static bool exists(const char *path) { return access(path, F_OK) == 0; }

// A run that is opened stays where it is: --out is of those that begin.
static bool unwritable(NacreModel *m, const char *path) {
  NcMessage *e = nc_error(m->diag, NC_E0602, NC_NOWHERE, "cannot write the run directory `%s`: %s", path, strerror(errno));
  if (m->run && strcmp(m->run, path) == 0) nc_help(m->diag, e, "make it one that you may write, or go on with a copy: `cp -r %s COPY`", path);
  else nc_help(m->diag, e, "choose another with --out");
  return false;
}

// mkdir -p
static bool make_path(NacreModel *m, const char *path) {
  char *p = nc_strdup(m->arena, path);
  for (char *s = p + 1; *s; s++) {
    if (*s != '/') continue;
    *s = 0;
    if (mkdir(p, 0777) != 0 && errno != EEXIST) return unwritable(m, path);
    *s = '/';
  }
  if (mkdir(p, 0777) != 0 && errno != EEXIST) return unwritable(m, path);
  struct stat st;
  if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return errno = ENOTDIR, unwritable(m, path);
  if (access(path, W_OK | X_OK) != 0) return unwritable(m, path);
  return true;
}

// runs/MODEL-2026-11-21-1, the first number that is free: mkdir decides, so two trainings never share one.
static bool fresh(NacreModel *m, const char **dir) {
  time_t now = time(NULL);
  struct tm day;
  localtime_r(&now, &day);
  if (!make_path(m, "runs")) return false;
  for (int i = 1; i < 100000; i++) {
    *dir = nc_sprintf(m->arena, "runs/%s-%04d-%02d-%02d-%d", m->program->recipe->name, day.tm_year + 1900,
                        day.tm_mon + 1, day.tm_mday, i);
    if (mkdir(*dir, 0777) == 0) return true;
    if (errno != EEXIST) return unwritable(m, *dir);
  }
  return unwritable(m, *dir);
}

// In the order in which they are removed: while there is a run.json the folder is a run's, and what is left of it is removed too.
static const char *const files[] = {"last.safetensors", "best.safetensors", "metrics.jsonl", "README.md", "model.nn", "data.json",
                                    "tokenizer.json", "report.html", "resolved.nn", NC_RUN_EVENTS, "run.json"};

// One training at a time: the folder is locked for as long as the process lives, so that a kill leaves no lock behind.
bool nc_run_lock(NacreModel *m, const char *dir) {
  nc_run_unlock(m);
  int fd = access(dir, W_OK | X_OK) == 0 ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd < 0) return unwritable(m, dir);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(fd);
    nc_help(m->diag, nc_error(m->diag, NC_E0602, NC_NOWHERE, "another process trains `%s` now", dir), "wait for it, or stop it by Ctrl-C");
    return false;
  }
  m->lock = fd + 1;
  return true;
}

void nc_run_unlock(NacreModel *m) {
  if (m->lock) close(m->lock - 1);
  m->lock = 0;
}

// Imports are frozen beside the source, under the path by which it names them. Those that it names by an absolute path, or
// above its own folder, stay where they are.
static bool frozen(const NcImported *f) {
  return f->path[0] != '/' && strncmp(f->path, "..", 2) != 0 && !strstr(f->path, "/..");
}

// What a process that was killed was writing.
static void sweep(NacreModel *m, const NcRun *r) {
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) nc_remove_torn(nc_run_path(m, r, files[i]));
  for (int i = 0; i < m->imported.n; i++)
    if (frozen(&m->imported.at[i])) nc_remove_torn(nc_run_path(m, r, m->imported.at[i].path));
}

bool nc_run_folder(NacreModel *m, const char *out, const char **dir) {
  *dir = out ? nc_strdup(m->arena, out) : NULL;
  return (out ? make_path(m, out) : fresh(m, dir)) && nc_run_lock(m, *dir);
}

bool nc_run_may_create(NacreModel *m, const char *out, bool force) {
  if (!out || force || !exists(nc_sprintf(m->arena, "%s/run.json", out))) return true;
  nc_help(m->diag, nc_error(m->diag, NC_E0602, NC_NOWHERE, "`%s` holds an earlier run", out),
          "go on with it by --resume %s, replace it by --force, or choose another --out", out);
  return false;
}

bool nc_run_create(NacreModel *m, const char *out, bool force, NcRun *r) {
  *r = (NcRun){.log = NC_BUF(m->arena), .started = nc_now()};
  if (!nc_run_folder(m, out, &r->dir) || !nc_run_may_create(m, out, force)) return false;
  if (out && exists(nc_run_path(m, r, "run.json")))
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(nc_run_path(m, r, files[i]));
  if (out) sweep(m, r);
  return true;
}

// Keeps the log's lines up to the checkpoint's step; what was logged after it will be logged again.
bool nc_run_resume(NacreModel *m, const char *dir, int64_t step, NcRun *r) {
  *r = (NcRun){.dir = nc_strdup(m->arena, dir), .log = NC_BUF(m->arena), .started = nc_now(), .step = step};
  sweep(m, r);
  nc_run_remember(m, r);
  const char *path = nc_run_path(m, r, "metrics.jsonl");
  if (!exists(path)) return true;
  const char *s = nc_read_file(m->arena, m->diag, NC_E0601, NC_NOWHERE, path, NULL);
  if (!s) return false;
  for (const char *end; (end = strchr(s, '\n')); s = end + 1) {
    json_t *line = json_loadb(s, (size_t)(end - s), 0, NULL);
    bool kept = json_is_object(line) && json_integer_value(json_object_get(line, "step")) <= step;
    json_decref(line);
    if (kept) nc_putn(&r->log, s, (size_t)(end - s) + 1);
  }
  return true;
}

// ---- what a run begins with

void nc_run_keep_import(NacreModel *m, const char *path, const char *text, size_t size) {
  for (int i = 0; i < m->imported.n; i++)
    if (strcmp(m->imported.at[i].path, path) == 0) return;
  *NC_PUSH(m->arena, m->imported) = (NcImported){nc_strdup(m->arena, path), text, size};
}

static bool write_imports(NacreModel *m, const NcRun *r) {
  for (int i = 0; i < m->imported.n; i++) {
    const NcImported *f = &m->imported.at[i];
    if (!frozen(f)) continue;
    const char *to = nc_run_path(m, r, f->path), *slash = strrchr(f->path, '/');
    if (slash && !make_path(m, nc_sprintf(m->arena, "%s/%.*s", r->dir, (int)(slash - f->path), f->path))) return false;
    if (!nc_write_file(m->diag, to, f->text, f->size)) return false;
  }
  return true;
}

bool nc_run_begin(NacreModel *m, NcRun *r, size_t device_bytes) {
  const char *source = nc_run_path(m, r, "model.nn");
  if (strcmp(source, m->name) != 0 && (!nc_write_file(m->diag, source, m->text, m->size) || !write_imports(m, r))) return false;
  return nc_resolved_write(m, nc_run_path(m, r, "resolved.nn")) && nc_described_save(m, r) && nc_events_begin(m->arena, m->diag, nc_run_path(m, r, NC_RUN_EVENTS), clock_seconds(), r->step) &&
         nc_run_record(m, r, "running", NULL, device_bytes);
}

// The same line for TensorBoard: "train/loss", "valid/accuracy".
static bool log_events(NacreModel *m, const NcRun *r, const NacreProgress *p) {
  NcArena *scratch = nc_arena_new();
  bool good = false;
  if (!scratch || NC_ON_OOM(scratch))
    nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for `%s`", NC_RUN_EVENTS);
  else {
    NcEventValue *v = NC_NEW_N(scratch, NcEventValue, p->metrics + 1);
    for (int i = 0; i < p->metrics; i++)
      v[i] = (NcEventValue){nc_sprintf(scratch, "%s/%s", p->phase, p->metric[i].name), p->metric[i].value};
    good = nc_events_put(scratch, m->diag, nc_sprintf(scratch, "%s/%s", r->dir, NC_RUN_EVENTS), clock_seconds(), p->step, p->metrics, v);
  }
  nc_arena_free(scratch);
  return good;
}

bool nc_run_log(NacreModel *m, NcRun *r, const NacreProgress *p) {
  nc_putf(&r->log, "{\"phase\":\"%s\"", p->phase);
  if (p->stage) {
    nc_put(&r->log, ",\"stage\":");
    nc_put_json(&r->log, p->stage);
  }
  nc_putf(&r->log, ",\"epoch\":%lld,\"step\":%lld", (long long)p->epoch, (long long)p->step);
  for (int i = 0; i < p->metrics; i++) {
    nc_putc(&r->log, ',');
    nc_put_json(&r->log, p->metric[i].name);
    if (isfinite(p->metric[i].value)) nc_putf(&r->log, ":%.9g", p->metric[i].value);
    else nc_put(&r->log, ":null");
  }
  if (p->falls >= 0) nc_putf(&r->log, ",\"falls\":%lld", (long long)p->falls);
  nc_putf(&r->log, ",\"seconds\":%.3f}\n", p->seconds);
  return nc_write_file(m->diag, nc_run_path(m, r, "metrics.jsonl"), nc_buf_str(&r->log), r->log.n) && log_events(m, r, p);
}

void nc_run_last(NacreModel *m, const NcRun *r, int metrics, NacreMetric *metric) {
  const char *s = r->log.n ? r->log.at : "", *end = s + r->log.n;
  if (end > s) end--;                                 // the last line's own end
  while (end > s && end[-1] != '\n') end--;
  json_t *line = json_loads(end, JSON_DISABLE_EOF_CHECK, NULL);
  for (int i = 0; i < metrics; i++) {
    const char *name = nc_score_name(m, i);
    const json_t *v = json_object_get(line, name);
    metric[i] = (NacreMetric){name, json_is_number(v) ? json_number_value(v) : NAN};
  }
  json_decref(line);
}

bool nc_run_end(NacreModel *m, NcRun *r, const char *state, const NacreProgress *last) {
  return nc_run_card(m, r, last) && nc_run_record(m, r, state, last, last->device_bytes);
}

// ---- opening a run

json_t *nc_run_read(NcArena *a, NcDiag *d, const char *dir) {
  const char *path = nc_sprintf(a, "%s/run.json", dir);
  if (!exists(path)) {
    nc_help(d, nc_error(d, NC_E0604, NC_NOWHERE, "`%s` is not a run directory: it has no run.json", dir),
            "`nacre train FILE --out DIR` makes one");
    return NULL;
  }
  json_error_t e;
  json_t *j = json_load_file(path, 0, &e);
  if (j && json_integer_value(json_object_get(j, "nacre_run")) == 1) return j;
  if (j) nc_error(d, NC_E0604, NC_NOWHERE, "`%s` is of an unknown version", path);
  else nc_error(d, NC_E0604, NC_NOWHERE, "`%s` line %d: %s", path, e.line, e.text);
  json_decref(j);
  return NULL;
}

bool nc_run_finished(NacreModel *m, const char *dir) {
  json_error_t e;
  json_t *j = json_load_file(nc_sprintf(m->arena, "%s/run.json", dir), 0, &e);
  const char *state = json_string_value(json_object_get(j, "state"));
  bool finished = state && strcmp(state, "finished") == 0;
  json_decref(j);
  return finished;
}

int64_t nc_run_memory(NacreModel *m, const char *dir) {
  json_error_t e;
  json_t *j = json_load_file(nc_sprintf(m->arena, "%s/run.json", dir), 0, &e);
  json_int_t memory = json_integer_value(json_object_get(j, "memory"));
  json_decref(j);
  return memory > 0 ? memory : 0;
}

bool nc_run_options(NacreModel *m, const char *dir, const NacreOptions *given, NacreOptions *out) {
  *out = given ? *given : (NacreOptions){0};
  json_t *j = nc_run_read(m->arena, m->diag, dir);
  if (!j) return false;
  json_t *set = json_object_get(j, "set");
  size_t n = json_array_size(set);
  const char **all = NC_NEW_N(m->arena, const char *, n + (size_t)out->sets + 1);
  for (size_t i = 0; i < n; i++) {
    const char *s = json_string_value(json_array_get(set, i));
    all[i] = nc_strdup(m->arena, s ? s : "");
  }
  for (int i = 0; i < out->sets; i++) all[n + (size_t)i] = out->set[i];
  out->set = all;
  out->sets += (int)n;
  const char *dir_of_data = json_string_value(json_object_get(j, "directory"));
  const char *model = json_string_value(json_object_get(j, "chosen_model"));
  if (dir_of_data) m->data_dir = nc_strdup(m->arena, dir_of_data);
  if (model && !out->model) out->model = nc_strdup(m->arena, model);
  json_int_t batch = json_integer_value(json_object_get(j, "batch"));
  if (batch > 0 && !out->batch) out->batch = batch;
  m->run = nc_strdup(m->arena, dir);
  json_decref(j);
  return true;
}

bool nc_run_weights(NacreModel *m, const char *dir, const char *checkpoint) {
  if (checkpoint && strcmp(checkpoint, "best") && strcmp(checkpoint, "last"))
    return nc_error(m->diag, NC_E0702, NC_NOWHERE, "a checkpoint is `best` or `last`, not `%s`", checkpoint), false;
  const char *best = nc_sprintf(m->arena, "%s/best.safetensors", dir), *last = nc_sprintf(m->arena, "%s/last.safetensors", dir);
  m->weights = checkpoint ? (*checkpoint == 'b' ? best : last) : exists(best) ? best : last;
  if (exists(m->weights)) return true;
  nc_help(m->diag, nc_error(m->diag, NC_E0604, NC_NOWHERE, "`%s` has no checkpoint `%s`: it was stopped before the first one",
                            dir, strrchr(m->weights, '/') + 1),
          "train it anew: `nacre train %s/model.nn --out %s --force`", dir, dir);
  return false;
}
