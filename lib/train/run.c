#include "train/run.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "train/described.h"

double nc_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *nc_run_path(NacreModel *m, const NcRun *r, const char *file) { return nc_sprintf(m->arena, "%s/%s", r->dir, file); }

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static bool unwritable(NacreModel *m, const char *path) {
  nc_help(m->diag, nc_error(m->diag, NC_E0602, NC_NOWHERE, "cannot write the run directory `%s`: %s", path, strerror(errno)),
          "choose another with --out");
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
static bool fresh(NacreModel *m, NcRun *r) {
  time_t now = time(NULL);
  struct tm day;
  localtime_r(&now, &day);
  if (!make_path(m, "runs")) return false;
  for (int i = 1; i < 100000; i++) {
    r->dir = nc_sprintf(m->arena, "runs/%s-%04d-%02d-%02d-%d", m->program->recipe->name, day.tm_year + 1900,
                        day.tm_mon + 1, day.tm_mday, i);
    if (mkdir(r->dir, 0777) == 0) return true;
    if (errno != EEXIST) return unwritable(m, r->dir);
  }
  return unwritable(m, r->dir);
}

static const char *const files[] = {"run.json", "last.safetensors", "best.safetensors", "metrics.jsonl", "README.md", "model.nn", "data.json",
                                    "tokenizer.json"};

bool nc_run_create(NacreModel *m, const char *out, bool force, NcRun *r) {
  *r = (NcRun){.dir = out ? nc_strdup(m->arena, out) : NULL, .log = NC_BUF(m->arena), .started = nc_now()};
  if (!out) return fresh(m, r);
  if (!make_path(m, out)) return false;
  if (!exists(nc_run_path(m, r, "run.json"))) return true;
  if (!force) {
    nc_help(m->diag, nc_error(m->diag, NC_E0602, NC_NOWHERE, "`%s` holds an earlier run", out),
            "go on with it by --resume %s, replace it by --force, or choose another --out", out);
    return false;
  }
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(nc_run_path(m, r, files[i]));
  return true;
}

// Keeps the log's lines up to the checkpoint's step; what was logged after it will be logged again.
bool nc_run_resume(NacreModel *m, const char *dir, int64_t step, NcRun *r) {
  *r = (NcRun){.dir = nc_strdup(m->arena, dir), .log = NC_BUF(m->arena), .started = nc_now()};
  if (access(dir, W_OK) != 0) return unwritable(m, dir);
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

// ---- run.json

static json_t *describe(NacreModel *m, const NcRun *r, const char *state, const NacreProgress *p, size_t device_bytes) {
  const NcRecipe *c = m->program->recipe;
  const NcDeviceInfo *dev = nc_device_info(m->device);
  int64_t params = 0;
  for (int i = 0; i < m->program->variable.n; i++)
    if (strcmp(m->program->variable.at[i].kind, "param") == 0) params += nc_count(m->program->variable.at[i].type.shape);
  json_t *set = json_array();
  for (int i = 0; i < m->o.sets; i++) json_array_append_new(set, json_string(m->o.set[i]));
  char cwd[4096], hash[32];
  snprintf(hash, sizeof hash, "%016llx", (unsigned long long)nc_data_hash(m->data));
  json_t *j = json_pack(
    "{s:i, s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:s*, s:{s:s, s:I, s:s}, s:I, s:{s:s, s:s, s:s, s:s}, s:I}",
    "nacre_run", 1, "state", state, "version", nacre_version(), "model", c->name, "set", set,
    "batch", (json_int_t)m->program->batch, "seed", (json_int_t)c->seed, "keep", c->keep ? c->keep : "loss",
    "directory", m->data_dir ? m->data_dir : getcwd(cwd, sizeof cwd),
    "data", "kind", c->source->kind, "examples", (json_int_t)m->data->n, "hash", hash, "parameters", (json_int_t)params,
    "device", "name", dev->name, "platform", dev->platform, "driver", dev->driver, "class",
    dev->target.cls == NC_CLASS_GPU ? "gpu" : "cpu", "device_bytes", (json_int_t)device_bytes);
  if (j && m->o.model) json_object_set_new(j, "chosen_model", json_string(m->o.model));
  if (j && p) {
    json_object_set_new(j, "steps", json_integer(p->step));
    if (p->stage) json_object_set_new(j, "stage", json_string(p->stage));
    json_object_set_new(j, "seconds", json_real(nc_now() - r->started));
    json_t *metrics = json_object();
    for (int i = 0; i < p->metrics; i++)
      if (isfinite(p->metric[i].value)) json_object_set_new(metrics, p->metric[i].name, json_real(p->metric[i].value));
    json_object_set_new(j, "metrics", metrics);
  }
  return j;
}

static bool write_json(NacreModel *m, const NcRun *r, json_t *j) {
  char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
  json_decref(j);
  if (!text) return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for run.json"), false;
  bool good = nc_write_file(m->diag, nc_run_path(m, r, "run.json"), text, strlen(text));
  free(text);
  return good;
}

void nc_run_keep_import(NacreModel *m, const char *path, const char *text, size_t size) {
  for (int i = 0; i < m->imported.n; i++)
    if (strcmp(m->imported.at[i].path, path) == 0) return;
  *NC_PUSH(m->arena, m->imported) = (NcImported){nc_strdup(m->arena, path), text, size};
}

// Imports are frozen beside the source, under the path by which it names them. Those that it names by an absolute path, or
// above its own folder, stay where they are.
static bool write_imports(NacreModel *m, const NcRun *r) {
  for (int i = 0; i < m->imported.n; i++) {
    const NcImported *f = &m->imported.at[i];
    if (f->path[0] == '/' || strncmp(f->path, "..", 2) == 0 || strstr(f->path, "/..")) continue;
    const char *to = nc_run_path(m, r, f->path), *slash = strrchr(f->path, '/');
    if (slash && !make_path(m, nc_sprintf(m->arena, "%s/%.*s", r->dir, (int)(slash - f->path), f->path))) return false;
    if (!nc_write_file(m->diag, to, f->text, f->size)) return false;
  }
  return true;
}

bool nc_run_begin(NacreModel *m, NcRun *r, size_t device_bytes) {
  const char *source = nc_run_path(m, r, "model.nn");
  if (strcmp(source, m->name) != 0 && (!nc_write_file(m->diag, source, m->text, m->size) || !write_imports(m, r))) return false;
  return nc_described_save(m, r) && write_json(m, r, describe(m, r, "running", NULL, device_bytes));
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
  nc_putf(&r->log, ",\"seconds\":%.3f}\n", p->seconds);
  return nc_write_file(m->diag, nc_run_path(m, r, "metrics.jsonl"), nc_buf_str(&r->log), r->log.n);
}

// The model card: numbers filled in, judgement left to the reader.
static bool write_card(NacreModel *m, const NcRun *r, const NacreProgress *p) {
  const NcRecipe *c = m->program->recipe;
  NcBuf b = NC_BUF(m->arena);
  nc_putf(&b, "---\nlibrary_name: nacre\ntags:\n- nacre\n---\n\n# %s\n\nTrained by Nacre %s from `model.nn` on %lld examples of `%s` data, "
              "seed %llu, batch %lld, %lld steps.\n\n| metric (%s) | value |\n|---|---|\n", c->name, nacre_version(),
          (long long)m->data->n, c->source->kind, (unsigned long long)c->seed, (long long)m->program->batch,
          (long long)p->step, strcmp(p->phase, "train") == 0 ? "training" : "validation");
  for (int i = 0; i < p->metrics; i++) nc_putf(&b, "| %s | %.6g |\n", p->metric[i].name, p->metric[i].value);
  nc_put(&b, "\n## Intended use\n\nTODO: who should use this, and for what?\n\n## Limits\n\nTODO: on what data does it fail?\n");
  return nc_write_file(m->diag, nc_run_path(m, r, "README.md"), nc_buf_str(&b), b.n);
}

bool nc_run_end(NacreModel *m, NcRun *r, const char *state, const NacreProgress *last) {
  return write_card(m, r, last) && write_json(m, r, describe(m, r, state, last, last->device_bytes));
}

// ---- opening a run

static json_t *read_json(NacreModel *m, const char *dir) {
  const char *path = nc_sprintf(m->arena, "%s/run.json", dir);
  if (!exists(path)) {
    nc_help(m->diag, nc_error(m->diag, NC_E0604, NC_NOWHERE, "`%s` is not a run directory: it has no run.json", dir),
            "`nacre train FILE --out DIR` makes one");
    return NULL;
  }
  json_error_t e;
  json_t *j = json_load_file(path, 0, &e);
  if (j && json_integer_value(json_object_get(j, "nacre_run")) == 1) return j;
  if (j) nc_error(m->diag, NC_E0604, NC_NOWHERE, "`%s` is of an unknown version", path);
  else nc_error(m->diag, NC_E0604, NC_NOWHERE, "`%s` line %d: %s", path, e.line, e.text);
  json_decref(j);
  return NULL;
}

bool nc_run_options(NacreModel *m, const char *dir, const NacreOptions *given, NacreOptions *out) {
  *out = given ? *given : (NacreOptions){0};
  json_t *j = read_json(m, dir);
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
  nc_error(m->diag, NC_E0604, NC_NOWHERE, "`%s` has no checkpoint `%s`: it was stopped before the first one", dir,
           strrchr(m->weights, '/') + 1);
  return false;
}
