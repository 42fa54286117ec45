// Opening a model: its source, its settings, what the compiler asks for, messages, and closing.
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/point.h"
#include "train/described.h"
#include "train/model.h"
#include "train/run.h"
#include "train/weights.h"

static NacreStatus guarded(NacreModel *m, bool (*f)(NacreModel *m, void *arg), void *arg) {
  m->diag->messages.n = 0;
  m->diag->errors = 0;
  m->out_of_memory = false;
  if (NC_ON_OOM(m->arena)) {
    m->out_of_memory = true;
    return NACRE_RUN;
  }
  if (m->opened && !m->program) return nc_error(m->diag, NC_E0704, NC_NOWHERE, "there is no model: it could not be opened"), NACRE_USAGE;
  bool good = f(m, arg);
  if (good && !m->diag->errors) return NACRE_OK;
  int status = nc_diag_exit(m->diag);
  return status ? (NacreStatus)status : NACRE_RUN;
}

NacreStatus nc_guard(NacreModel *m, bool (*f)(NacreModel *m, void *arg), void *arg) {
  if (!m || !m->diag) return m ? NACRE_RUN : NACRE_USAGE;
  locale_t before = nc_point_begin();
  NacreStatus s = guarded(m, f, arg);
  nc_point_end(before);
  return s;
}

static bool misused(NacreModel *m, void *arg) { return nc_misused(m->diag, arg); }
NacreStatus nc_guard_misused(NacreModel *m, const char *given) { return nc_guard(m, misused, (void *)given); }

bool nc_misused(NcDiag *d, const char *given) {
  nc_help(d, nc_error(d, NC_E0704, NC_NOWHERE, "an argument of this call must not be NULL"), "it needs: %s", given);
  return false;
}

bool nc_guard_child(NacreModel *m, NcDiag *d, bool (*f)(NacreModel *m, void *arg), void *arg) {
  bool good = nc_guard(m, f, arg) == NACRE_OK;
  if (m->out_of_memory) return nc_error(d, NC_E0606, NC_NOWHERE, "out of memory"), false;
  for (int i = 0; i < m->diag->messages.n; i++) *NC_PUSH(d->arena, d->messages) = m->diag->messages.at[i];
  d->errors += m->diag->errors;
  return good;
}

// ---- hooks: files that the compiler may need

static bool describe(void *ctx, NcDiag *d, const NcSourceSpec *spec, NcFields *out) {
  return nc_describe(ctx, d, spec, out);
}

// An import is found beside the file that imports it.
static const char *import(void *ctx, NcDiag *d, NcRange at, const char *path, const char *from, size_t *size) {
  NacreModel *m = ctx;
  const char *slash = from ? strrchr(from, '/') : NULL;
  const char *as_written = path;
  if (slash && path[0] != '/') path = nc_sprintf(m->arena, "%.*s/%s", (int)(slash - from), from, path);
  const char *text = nc_read_file(m->arena, d, NC_E0308, at, path, size);
  if (text && from && strcmp(from, m->name) == 0) nc_run_keep_import(m, as_written, text, *size);
  return text;
}

NcProgram *nc_engine_divided(NacreModel *m, int64_t batch, const NcSet *set, int sets) {
  NcProgramOptions o = {
    .name = m->name, .text = m->text, .size = m->size, .nset = sets, .set = set,
    .hooks = m->hooks, .batch = batch, .model = m->o.model,
  };
  return nc_program(m->arena, m->diag, &o);
}

static NcProgram *elaborate(NacreModel *m, int64_t batch) { return nc_engine_divided(m, batch, m->set, m->o.sets); }

NcProgram *nc_engine_task(NacreModel *m, const NcTaskCall *call, const NcSet *set, int sets) {
  NcProgramOptions o = {
    .name = m->name, .text = m->text, .size = m->size, .nset = sets, .set = set, .hooks = m->hooks,
    .batch = m->program->batch, .model = m->o.model, .task = call,
  };
  return nc_program(m->arena, m->diag, &o);
}

NcProgram *nc_engine_program(NacreModel *m, int64_t batch) {
  return batch == 0 || batch == m->program->batch ? m->program : elaborate(m, batch);
}

// ---- opening

static const char *copy(NcArena *a, const char *s) { return s ? nc_strdup(a, s) : NULL; }

static bool take_options(NacreModel *m, const NacreOptions *o) {
  if (o) m->o = *o;
  m->o.device = copy(m->arena, m->o.device);
  m->o.device_class = copy(m->arena, m->o.device_class);
  m->o.model = copy(m->arena, m->o.model);
  if (m->o.device_class && strcmp(m->o.device_class, "cpu") && strcmp(m->o.device_class, "gpu"))
    return nc_error(m->diag, NC_E0702, NC_NOWHERE, "the class is `cpu` or `gpu`, not `%s`", m->o.device_class), false;
  if (m->o.sets < 0 || (m->o.sets && !m->o.set)) return nc_misused(m->diag, "set, with `sets` pairs");
  if (m->o.batch < 0) return nc_error(m->diag, NC_E0702, NC_NOWHERE, "the batch size must be positive"), false;
  const char **set = NC_NEW_N(m->arena, const char *, m->o.sets + 1);
  m->set = NC_NEW_N(m->arena, NcSet, m->o.sets + 1);
  for (int i = 0; i < m->o.sets; i++) {
    if (!m->o.set[i]) return nc_misused(m->diag, "each pair of set");
    set[i] = nc_strdup(m->arena, m->o.set[i]);
    const char *eq = strchr(set[i], '=');
    if (!eq || eq == set[i])
      return nc_error(m->diag, NC_E0702, NC_NOWHERE, "`--set %s` needs the form PATH=VALUE", set[i]), false;
    m->set[i] = (NcSet){.path = nc_strndup(m->arena, set[i], (size_t)(eq - set[i])), .value = eq + 1};
  }
  m->o.set = set;
  return true;
}

typedef struct {
  const char *name, *text, *checkpoint;
  size_t size;
  const NacreOptions *o;
  bool run, untrained;
} Open;

static bool open_source(NacreModel *m, void *arg) {
  Open *q = arg;
  if (!q->name) return nc_misused(m->diag, q->run ? "directory" : q->text ? "name" : "file");
  if (q->o) m->o.json = q->o->json, m->o.color = q->o->color;      // messages are told so from the first one on
  if (q->run) {
    NacreOptions merged;
    if (!nc_run_options(m, q->name, q->o, &merged) || !take_options(m, &merged)) return false;
    if (!q->untrained && !nc_run_weights(m, q->name, q->checkpoint)) return false;
    nc_described_load(m, q->name);
    m->name = nc_sprintf(m->arena, "%s/model.nn", q->name);
  } else {
    if (!take_options(m, q->o)) return false;
    m->name = nc_strdup(m->arena, q->name);
  }
  if (q->text) {
    m->text = nc_strndup(m->arena, q->text, q->size);
    m->size = q->size;
  } else {
    m->text = nc_read_file(m->arena, m->diag, q->run ? NC_E0604 : NC_E0601, NC_NOWHERE, m->name, &m->size);
    if (!m->text) return false;
  }
  m->program = elaborate(m, m->o.batch);
  return m->program != NULL;
}

static NacreStatus open_model(Open q, NacreModel **out) {
  if (!out) return NACRE_USAGE;
  *out = NULL;
  NacreModel *m = calloc(1, sizeof *m);
  if (!m) return NACRE_RUN;
  m->arena = nc_arena_new();
  if (!m->arena) { free(m); return NACRE_RUN; }
  *out = m;
  if (NC_ON_OOM(m->arena)) { m->out_of_memory = true; return NACRE_RUN; }
  m->diag = nc_diag_new(m->arena);
  m->hooks = (NcHooks){.ctx = m, .describe = describe, .import = import, .weights = nc_weights_list};
  NacreStatus s = nc_guard(m, open_source, &q);
  m->opened = true;
  return s;
}

NacreStatus nacre_open(const char *file, const NacreOptions *o, NacreModel **out) {
  return open_model((Open){.name = file, .o = o}, out);
}

NacreStatus nacre_open_text(const char *name, const char *text, size_t size, const NacreOptions *o, NacreModel **out) {
  return open_model((Open){.name = name, .text = text ? text : "", .size = text ? size : 0, .o = o}, out);
}

NacreStatus nacre_open_run(const char *directory, const char *checkpoint, const NacreOptions *o, NacreModel **out) {
  return open_model((Open){.name = directory, .checkpoint = checkpoint, .o = o, .run = true}, out);
}

NacreStatus nc_open_again(const char *directory, const NacreOptions *o, NacreModel **out) {
  return open_model((Open){.name = directory, .o = o, .run = true, .untrained = true}, out);
}

const char *nacre_message(NacreModel *m) {
  if (!m) return "error[E0606]: out of memory\n";      // why nacre_open gave none
  free(m->message);
  m->message = NULL;
  if (m->out_of_memory || !m->diag || NC_ON_OOM(m->arena)) return "error[E0606]: out of memory\n";
  NcBuf b = NC_BUF(m->arena);
  if (m->o.json) nc_diag_json(m->diag, &b);
  else nc_diag_render(m->diag, &b, m->o.color);
  m->message = strdup(nc_buf_str(&b));
  return m->message ? m->message : "error[E0606]: out of memory\n";
}

void nacre_close(NacreModel *m) {
  if (!m) return;
  nc_run_unlock(m);
  nc_loader_free(m->loader);
  nc_exec_free(m->exec);
  nc_device_close(m->device);
  nc_devices_close(m->devices);
  nc_arena_free(m->handed);
  nc_arena_free(m->arena);
  free(m->message);
  free(m);
}
