#include "train/checkpoint.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/safetensors.h"

static bool is_optimizer(const char *role) { return role && strcmp(role, "opt") == 0; }
static bool is_passing(const char *role) { return role && (strcmp(role, "sum") == 0 || strcmp(role, "cache") == 0); }
static bool is_average(const char *role) { return role && strcmp(role, "ema") == 0; }
static bool stays(const char *role) { return !is_optimizer(role) && !is_passing(role); }

// Falls, validations without progress, ones that do not count, and the best value if there is one.
static void put_plateau(NcBuf *b, const NcPlateauNow *now) {
  nc_putf(b, "%ld %lld %lld ", (long)now->falls, (long long)now->bad, (long long)now->wait);
  if (now->begun) nc_putf(b, "%a", now->best);
  else nc_put(b, "none");
}

static const char *read_plateau(const char *s, NcPlateauNow *now) {
  char *end;
  now->falls = (int32_t)strtol(s, &end, 10);
  now->bad = strtoll(end, &end, 10);
  now->wait = strtoll(end, &end, 10);
  end += strspn(end, " ");
  now->begun = *end && *end != 'n';
  if (now->begun) now->best = strtod(end, &end);
  return end;
}

static const char *plateaus_text(NcArena *a, const NcPosition *p) {
  NcBuf b = NC_BUF(a);
  for (int i = 0; i < p->plateaus; i++) {
    if (i) nc_put(&b, "; ");
    put_plateau(&b, &p->plateau[i]);
  }
  return nc_buf_str(&b);
}

static void read_plateaus(const char *s, NcPosition *out) {
  for (out->plateaus = 0; s && *s && out->plateaus < NC_MAX_PLATEAUS; out->plateaus++) {
    s = strchr(read_plateau(s, &out->plateau[out->plateaus]), ';');
    s = s ? s + 1 : NULL;
  }
}

static const char *waiting_text(NcArena *a, const NcPosition *p) {
  NcBuf b = NC_BUF(a);
  put_plateau(&b, &p->waiting);
  return nc_buf_str(&b);
}

// The metadata of a position. Doubles are written in hexadecimal: exact.
static int position_meta(NcArena *a, const NcPosition *p, NcMeta *meta) {
  int n = 0;
  meta[n++] = (NcMeta){"format", "nacre 1"};
  if (!p) return n;
  meta[n++] = (NcMeta){"step", nc_sprintf(a, "%lld", (long long)p->step)};
  meta[n++] = (NcMeta){"epoch", nc_sprintf(a, "%lld", (long long)p->epoch)};
  meta[n++] = (NcMeta){"batch", nc_sprintf(a, "%lld", (long long)p->batch)};
  if (p->has_best) meta[n++] = (NcMeta){"best", nc_sprintf(a, "%a", p->best)};
  NcBuf b = NC_BUF(a);
  for (int i = 0; i < p->sums; i++) nc_putf(&b, "%s%a", i ? " " : "", p->sum[i]);
  meta[n++] = (NcMeta){"sums", nc_buf_str(&b)};
  meta[n++] = (NcMeta){"counted", nc_sprintf(a, "%lld", (long long)p->counted)};
  if (p->plateaus) meta[n++] = (NcMeta){"plateaus", plateaus_text(a, p)};
  if (p->waits) meta[n++] = (NcMeta){"patience", waiting_text(a, p)};
  if (p->skipped) meta[n++] = (NcMeta){"skipped", nc_sprintf(a, "%lld", (long long)p->skipped)};
  return n;
}

// Variables that only other stages use are not in this session; they stay as the checkpoint before has them.
static bool carry_over(NacreModel *m, NcArena *scratch, NcTensor *tensor, int *kept) {
  NcTensors before = {0};
  for (int i = 0; i < m->program->variable.n; i++) {
    const NcVariable *v = &m->program->variable.at[i];
    if (!stays(v->kind) || nc_exec_find_var(m->exec, v->path) >= 0) continue;
    if (!before.tensor && !nc_safetensors_read(scratch, m->diag, NC_NOWHERE, m->weights, &before)) return false;
    const NcTensor *t = nc_tensor_find(&before, v->path);
    if (t) tensor[(*kept)++] = *t;
  }
  return true;
}

static bool all_finite(const NcVarInfo *v, const void *bytes) {
  const float *x = bytes;
  int64_t n = v->type.dtype == NC_F32 ? nc_count(v->type.shape) : 0, i = 0;
  while (i < n && isfinite(x[i])) i++;
  return i == n;
}

static bool save(NacreModel *m, NcArena *scratch, const char *path, const NcPosition *p, bool all, const char **spoiled) {
  int n = nc_exec_vars(m->exec), kept = 0;
  NcTensor *tensor = NC_NEW_N(scratch, NcTensor, n + m->program->variable.n + 1);
  for (int i = 0; i < n; i++) {
    const NcVarInfo *v = nc_exec_var(m->exec, i);
    if (is_passing(v->role) || (!all && is_optimizer(v->role))) continue;
    void *bytes = nc_alloc(scratch, v->bytes);
    if (!nc_exec_var_read(m->exec, m->diag, i, bytes, v->bytes)) return false;
    bool checked = spoiled && v->role && strcmp(v->role, "param") == 0;
    if (checked && !all_finite(v, bytes)) return *spoiled = v->name, false;
    tensor[kept++] = (NcTensor){v->name, v->type, bytes};
  }
  bool stages = m->program->recipe && m->program->recipe->stage.n > 1;
  if (stages && m->weights && !carry_over(m, scratch, tensor, &kept)) return false;
  NcMeta meta[16];
  int metas = position_meta(scratch, p, meta);
  return nc_safetensors_write(scratch, m->diag, path, tensor, kept, meta, metas);
}

bool nc_checkpoint_save(NacreModel *m, const char *path, const NcPosition *p, bool all, const char **spoiled) {
  NcArena *scratch = nc_arena_new();
  bool good = false;
  if (!scratch || NC_ON_OOM(scratch))
    nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory while saving `%s`", path);
  else
    good = save(m, scratch, path, p, all, spoiled);
  nc_arena_free(scratch);
  return good;
}

static const NcVariable *variable(const NcProgram *p, const char *path) {
  for (int i = 0; i < p->variable.n; i++)
    if (strcmp(p->variable.at[i].path, path) == 0) return &p->variable.at[i];
  return NULL;
}

// What the optimizer keeps may be missing, unless the training is to go on with the same bits: then only what belongs to
// stages that have not begun, or are over. An average that is missing is the weight itself.
static bool may_miss(const NacreModel *m, const NcVariable *v) {
  if (is_passing(v->kind) || is_average(v->kind)) return true;
  return is_optimizer(v->kind) && (!m->resuming || (v->stage && v->stage != m->stage));
}

// One report that lists every tensor that is missing, unknown or of another shape.
static bool fits(NacreModel *m, const char *path, const NcTensors *t) {
  NcMessage *e = NULL;
#define MISFIT(...) \
  (e = e ? e : nc_error(m->diag, NC_E0408, NC_NOWHERE, "checkpoint `%s` does not fit this model", path), \
   nc_note(m->diag, e, __VA_ARGS__))
  for (int i = 0; i < m->program->variable.n; i++) {
    const NcVariable *v = &m->program->variable.at[i];
    const NcTensor *x = nc_tensor_find(t, v->path);
    if (!x && may_miss(m, v)) continue;
    if (!x) MISFIT("missing: `%s` %s", v->path, nc_type_str(m->arena, v->type));
    else if (!nc_type_eq(x->type, v->type))
      MISFIT("`%s` is %s there and %s here", v->path, nc_type_str(m->arena, x->type), nc_type_str(m->arena, v->type));
  }
  for (int i = 0; i < t->n; i++)
    if (!variable(m->program, t->tensor[i].name)) MISFIT("not in this model: `%s`", t->tensor[i].name);
#undef MISFIT
  if (e) nc_help(m->diag, e, "open it with the file and the settings that it was trained with");
  return !e;
}

static bool read_fitting(NacreModel *m, const char *path, NcTensors *t) {
  return nc_safetensors_read(m->arena, m->diag, NC_NOWHERE, path, t) && fits(m, path, t);
}

bool nc_checkpoint_fill(NacreModel *m, const char *path, int from, int to, bool *given) {
  NcTensors t;
  if (!read_fitting(m, path, &t)) return false;
  for (int i = from; i < to; i++) {
    const NcVarInfo *v = nc_exec_var(m->exec, i);
    const NcTensor *x = nc_tensor_find(&t, v->name);
    if (!x && is_average(v->role)) x = nc_tensor_find(&t, v->name + strlen("ema."));
    if (!x) continue;
    if (!nc_exec_var_write(m->exec, m->diag, i, x->data, v->bytes)) return false;
    given[i - from] = true;
  }
  return true;
}

static bool whole(const NcTensors *t, const char *key, int64_t *out) {
  const char *s = nc_meta_find(t, key);
  char *end;
  if (!s) return false;
  *out = strtoll(s, &end, 10);
  return end != s && !*end && *out >= 0;
}

bool nc_checkpoint_position(NacreModel *m, const char *path, NcPosition *out) {
  NcTensors t;
  *out = (NcPosition){0};
  if (!nc_safetensors_read(m->arena, m->diag, NC_NOWHERE, path, &t)) return false;
  const char *best = nc_meta_find(&t, "best"), *sums = nc_meta_find(&t, "sums");
  if (!whole(&t, "step", &out->step) || !whole(&t, "epoch", &out->epoch) || !whole(&t, "batch", &out->batch) || !sums) {
    nc_help(m->diag, nc_error(m->diag, NC_E0408, NC_NOWHERE, "`%s` does not say where its training stood", path),
            "only `last.safetensors` of a run directory can be resumed");
    return false;
  }
  if (!whole(&t, "counted", &out->counted)) out->counted = out->batch;
  read_plateaus(nc_meta_find(&t, "plateaus"), out);
  const char *waiting = nc_meta_find(&t, "patience");
  if (waiting) read_plateau(waiting, &out->waiting);
  if (!whole(&t, "skipped", &out->skipped)) out->skipped = 0;
  if (best) { out->has_best = true; out->best = strtod(best, NULL); }
  for (char *end; out->sums < 16; sums = end) {
    out->sum[out->sums] = strtod(sums, &end);
    if (end == sums) break;
    out->sums++;
  }
  return true;
}

typedef struct { const char *path; } Path;
static bool save_weights(NacreModel *m, void *arg) {
  if ((!m->exec || !nc_exec_vars(m->exec)) && !nc_engine_get(m, "predict", 0)) return false;
  return nc_checkpoint_save(m, ((Path *)arg)->path, NULL, false, NULL);
}

// Read now, so that what does not fit is told now; given to variables when plans bring them.
static bool load_weights(NacreModel *m, void *arg) {
  NcTensors t;
  const char *path = nc_strdup(m->arena, ((Path *)arg)->path);
  if (!read_fitting(m, path, &t)) return false;
  m->weights = path;
  m->filled = 0;
  return !m->exec || nc_engine_fill(m);
}

NacreStatus nacre_save(NacreModel *m, const char *path) { return nc_guard_given(m, path, save_weights, &(Path){path}); }
NacreStatus nacre_load(NacreModel *m, const char *path) { return nc_guard_given(m, path, load_weights, &(Path){path}); }
