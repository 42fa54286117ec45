// Weights from files: what the compiler asks about them, and their values where variables start from them.
#include "train/weights.h"
#include <string.h>
#include <unistd.h>
#include "base/embed.h"
#include "base/file.h"
#include "io/names.h"
#include "train/run.h"

// A path as it is meant: relative ones start where data starts.
static const char *in_place(const NacreModel *m, const char *path) {
  return m->data_dir && *path != '/' ? nc_sprintf(m->arena, "%s/%s", m->data_dir, path) : path;
}

static const char *file_of(NacreModel *m, const NcWeightSpec *s) {
  const char *path = in_place(m, s->path);
  if (!s->run) return path;
  const char *best = nc_sprintf(m->arena, "%s/best.safetensors", path), *last = nc_sprintf(m->arena, "%s/last.safetensors", path);
  if (s->checkpoint) return *s->checkpoint == 'b' ? best : last;
  return access(best, F_OK) == 0 ? best : last;
}

static bool known_map(NacreModel *m, NcDiag *d, const NcWeightSpec *s, const NcEmbedded **out) {
  NC_VEC(const char *) names = {0};
  for (const NcEmbedded *f = nc_name_maps; f->name; f++) {
    size_t n = strlen(f->name) - strlen(".map");
    if (strlen(s->names) == n && memcmp(f->name, s->names, n) == 0) return *out = f, true;
    *NC_PUSH(m->arena, names) = nc_strndup(m->arena, f->name, n);
  }
  NcMessage *e = nc_error(d, NC_E0312, s->names_at, "there is no map of names `%s`", s->names);
  const char *near = nc_nearest(s->names, names.at, names.n);
  NcBuf b = NC_BUF(m->arena);
  for (int i = 0; i < names.n; i++) nc_putf(&b, "%s%s", i ? ", " : "", names.at[i]);
  if (near) nc_help(d, e, "did you mean \"%s\"?", near);
  else nc_help(d, e, "it is one of %s, or the path of a file that ends in .map", nc_buf_str(&b));
  return false;
}

// The map that a specification names: one of the library's own, or a file. *out is NULL where there is none.
static bool map_of(NacreModel *m, NcDiag *d, const NcWeightSpec *s, NcNameMap **out) {
  *out = NULL;
  if (!s->names) return true;
  size_t n = strlen(s->names), size;
  if (n > 4 && strcmp(s->names + n - 4, ".map") == 0) {
    const char *path = in_place(m, s->names), *text = nc_read_file(m->arena, d, NC_E0601, s->names_at, path, &size);
    return text && (*out = nc_names_parse(m->arena, d, path, text, size));
  }
  const NcEmbedded *f;
  return known_map(m, d, s, &f) && (*out = nc_names_parse(m->arena, d, f->name, f->text, f->size));
}

bool nc_weights_list(void *ctx, NcDiag *d, const NcWeightSpec *s, NcWeightList *out) {
  NacreModel *m = ctx;
  const char *file = file_of(m, s);
  NcNameMap *map;
  NcTensors t;
  NcNamedList l;
  *out = (NcWeightList){.absent = access(file, F_OK) != 0};
  if (!map_of(m, d, s, &map)) return false;
  if (out->absent) return true;
  if (!nc_safetensors_head(m->arena, d, s->path_at, file, &t) || !nc_names_apply(m->arena, d, s->path_at, map, &t, &l))
    return false;
  NcWeight *w = NC_NEW_N(m->arena, NcWeight, l.n + 1);
  for (int i = 0; i < l.n; i++) w[i] = (NcWeight){l.at[i].name, l.at[i].type};
  out->n = l.n;
  out->at = w;
  return true;
}

// ---- values

static const NcVariable *started_from(const NacreModel *m, const char *name) {
  for (int i = 0; i < m->program->variable.n; i++) {
    const NcVariable *v = &m->program->variable.at[i];
    if (v->from && (strcmp(v->path, name) == 0 || (strncmp(name, "ema.", 4) == 0 && strcmp(v->path, name + 4) == 0))) return v;
  }
  return NULL;
}

// All variables from..to-1 that start from the file of `s`, which is read for them.
static bool fill_from(NacreModel *m, NcArena *scratch, const NcWeightSpec *s, int from, int to, bool *given) {
  NcTensors t;
  NcNameMap *map;
  NcNamedList l;
  const char *file = file_of(m, s);
  if (!map_of(m, m->diag, s, &map) || !nc_safetensors_read(scratch, m->diag, s->path_at, file, &t) ||
      !nc_names_apply(scratch, m->diag, s->path_at, map, &t, &l))
    return false;
  for (int i = from; i < to; i++) {
    const NcVarInfo *info = nc_exec_var(m->exec, i);
    const NcVariable *v = started_from(m, info->name);
    if (!v || v->from != s) continue;
    const NcNamed *x = v->tensor ? nc_named_find(&l, v->tensor) : NULL;
    if (!x || !nc_type_eq(x->type, info->type)) {
      nc_help(m->diag, nc_error(m->diag, NC_E0411, s->path_at, "`%s` changed after it was looked at", file), "try again");
      return false;
    }
    if (!nc_exec_var_write(m->exec, m->diag, i, nc_named_data(scratch, x), info->bytes)) return false;
    given[i - from] = true;
  }
  return true;
}

static bool fill_guarded(NacreModel *m, const NcWeightSpec *s, int from, int to, bool *given) {
  NcArena *scratch = nc_arena_new();
  bool good = false;
  if (!scratch || NC_ON_OOM(scratch)) nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for `%s`", s->path);
  else good = fill_from(m, scratch, s, from, to, given);
  nc_arena_free(scratch);
  return good;
}

bool nc_weights_fill(NacreModel *m, int from, int to, bool *given) {
  NC_VEC(const NcWeightSpec *) done = {0};
  for (int i = from; i < to; i++) {
    const NcVariable *v = started_from(m, nc_exec_var(m->exec, i)->name);
    bool again = !v;
    for (int k = 0; v && k < done.n; k++) again = again || done.at[k] == v->from;
    if (again) continue;
    *NC_PUSH(m->arena, done) = v->from;
    if (!fill_guarded(m, v->from, from, to, given)) return false;
  }
  return true;
}
