// run.json: what a run was made of and what came of it. docs/run-directory.md describes it.
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "base/sha256.h"
#include "train/run.h"

const char *nc_run_time(NcArena *a, int64_t seconds) {
  time_t t = (time_t)seconds;
  struct tm u;
  gmtime_r(&t, &u);
  return nc_sprintf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", u.tm_year + 1900, u.tm_mon + 1, u.tm_mday, u.tm_hour, u.tm_min, u.tm_sec);
}

// A path as the file gives it: a relative one begins at the folder that `directory` names.
static const char *as_named(const NacreModel *m, const char *path) {
  size_t n = m->data_dir ? strlen(m->data_dir) : 0;
  return n && strncmp(path, m->data_dir, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

// The check sums of the data's files, each once. A file that is gone by now has none.
static void sum_files(NacreModel *m, NcRun *r) {
  r->file = NC_NEW_N(m->arena, NcFileSum, m->data->fields + 1);
  for (int i = 0; i < m->data->fields; i++) {
    const char *path = m->data->origin ? m->data->origin[i] : NULL, *name = path ? as_named(m, path) : NULL;
    char sum[NC_SHA256_TEXT];
    int64_t bytes;
    bool known = path == NULL;
    for (int k = 0; k < r->files; k++) known = known || strcmp(r->file[k].path, name) == 0;
    if (!known && nc_sha256_file(path, sum, &bytes)) r->file[r->files++] = (NcFileSum){name, nc_strdup(m->arena, sum), bytes};
  }
}

static const char *sum_text(NacreModel *m, const char *text, size_t size) {
  char sum[NC_SHA256_TEXT];
  NcSha256 s;
  nc_sha256_begin(&s);
  nc_sha256_add(&s, text, size);
  nc_sha256_end(&s, sum);
  return nc_strdup(m->arena, sum);
}

static json_t *sources(NacreModel *m) {
  json_t *list = json_array();
  json_array_append_new(list, json_pack("{s:s, s:s}", "path", "model.nn", "sha256", sum_text(m, m->text, m->size)));
  for (int i = 0; i < m->imported.n; i++) {
    const NcImported *f = &m->imported.at[i];
    json_array_append_new(list, json_pack("{s:s, s:s}", "path", f->path, "sha256", sum_text(m, f->text, f->size)));
  }
  return list;
}

static json_t *data(NacreModel *m, const NcRun *r) {
  json_t *list = json_array();
  for (int i = 0; i < r->files; i++)
    json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "path", r->file[i].path, "bytes", (json_int_t)r->file[i].bytes,
                                          "sha256", r->file[i].sha256));
  char hash[32];
  snprintf(hash, sizeof hash, "%016llx", (unsigned long long)nc_data_hash(m->data));
  return json_pack("{s:s, s:I, s:s, s:o}", "kind", m->program->recipe->source->kind, "examples", (json_int_t)m->data->n,
                   "hash", hash, "files", list);
}

// What the call was given; `set` holds the settings of the calls before it too.
static json_t *options(const NacreModel *m) {
  json_t *j = json_object();
  if (m->o.device) json_object_set_new(j, "device", json_string(m->o.device));
  if (m->o.device_class) json_object_set_new(j, "class", json_string(m->o.device_class));
  if (m->o.model) json_object_set_new(j, "model", json_string(m->o.model));
  if (m->o.batch) json_object_set_new(j, "batch", json_integer(m->o.batch));
  return j;
}

static json_t *device(const NacreModel *m) {
  const NcDeviceInfo *d = nc_device_info(m->device);
  return json_pack("{s:s, s:s, s:s, s:s}", "name", d->name, "platform", d->platform, "driver", d->driver, "class",
                   d->target.cls == NC_CLASS_GPU ? "gpu" : "cpu");
}

static void add_progress(json_t *j, const NcRun *r, const NacreProgress *p) {
  json_object_set_new(j, "steps", json_integer(p->step));
  json_object_set_new(j, "total_steps", json_integer(p->steps));
  json_object_set_new(j, "epoch", json_integer(p->epoch));
  if (p->early) json_object_set_new(j, "early", json_true());
  if (p->stage) json_object_set_new(j, "stage", json_string(p->stage));
  json_object_set_new(j, "seconds", json_real(r->before + nc_now() - r->started));
  json_object_set_new(j, "split", json_string(p->phase));
  json_t *metrics = json_object();
  for (int i = 0; i < p->metrics; i++)
    json_object_set_new(metrics, p->metric[i].name, isfinite(p->metric[i].value) ? json_real(p->metric[i].value) : json_null());
  json_object_set_new(j, "metrics", metrics);
}

static json_t *describe(NacreModel *m, NcRun *r, const char *state, const NacreProgress *p, size_t device_bytes) {
  const NcRecipe *c = m->program->recipe;
  int64_t params = 0;
  for (int i = 0; i < m->program->variable.n; i++)
    if (strcmp(m->program->variable.at[i].kind, "param") == 0) params += nc_count(m->program->variable.at[i].type.shape);
  json_t *set = json_array();
  for (int i = 0; i < m->o.sets; i++) json_array_append_new(set, json_string(m->o.set[i]));
  char cwd[4096];
  struct utsname u;
  const char *system = uname(&u) == 0 ? nc_sprintf(m->arena, "%s %s %s", u.sysname, u.release, u.machine) : NULL;
  json_t *j = json_pack(
    "{s:i, s:s, s:s, s:s, s:s*, s:s, s:o, s:o, s:o, s:I, s:I, s:s*, s:s*, s:o, s:I, s:o, s:I, s:i}",
    "nacre_run", 1, "state", state, "created", r->created, "version", nacre_version(), "system", system, "model", c->name,
    "source", sources(m), "set", set, "options", options(m), "batch", (json_int_t)(m->program->batch * (m->parts ? m->parts : 1)), "seed", (json_int_t)c->seed,
    "keep", c->keep, "directory", m->data_dir ? m->data_dir : getcwd(cwd, sizeof cwd), "data", data(m, r),
    "parameters", (json_int_t)params, "device", device(m), "device_bytes", (json_int_t)device_bytes, "resumed", r->resumed);
  if (j && m->o.memory) json_object_set_new(j, "memory", json_integer(m->o.memory));
  if (j && m->parts) json_object_set_new(j, "parts", json_integer(m->parts));
  if (j && m->recomputes) json_object_set_new(j, "recompute", json_integer(m->program->recipe->recompute));
  if (j && m->o.model) json_object_set_new(j, "chosen_model", json_string(m->o.model));
  if (j && p) {
    json_object_set_new(j, "ended", json_string(nc_run_time(m->arena, (int64_t)time(NULL))));
    add_progress(j, r, p);
  }
  return j;
}

bool nc_run_record(NacreModel *m, NcRun *r, const char *state, const NacreProgress *p, size_t device_bytes) {
  if (!r->created) r->created = nc_run_time(m->arena, (int64_t)time(NULL));
  if (!r->file) sum_files(m, r);
  json_t *j = describe(m, r, state, p, device_bytes);
  char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
  json_decref(j);
  if (!text) return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for run.json"), false;
  bool good = nc_write_file(m->diag, nc_run_path(m, r, "run.json"), text, strlen(text));
  free(text);
  return good;
}

void nc_run_remember(NacreModel *m, NcRun *r) {
  json_error_t e;
  json_t *j = json_load_file(nc_run_path(m, r, "run.json"), 0, &e);
  const char *created = json_string_value(json_object_get(j, "created"));
  if (created) r->created = nc_strdup(m->arena, created);
  r->before = json_number_value(json_object_get(j, "seconds"));
  json_int_t resumed = json_integer_value(json_object_get(j, "resumed"));      // whatever a damaged file says
  r->resumed = resumed < 0 ? 1 : resumed < INT_MAX ? (int)resumed + 1 : INT_MAX;
  json_decref(j);
}
