// What the data sources say of themselves, remembered: once for each model, and in the run directory (data.json), so
// that a trained network knows its vocabulary, its classes and its scales without the data that it learned from.
#include "train/described.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/map.h"

struct NcDescribed {
  NcDescribed *next;
  uint64_t what, where;        // of the settings but files; of those too
  bool of_run;                 // it is what the run was trained with
  NcFields fields;
};

// ---- which source: its settings but the paths of files, for a run's data may have moved

static uint64_t hash_text(uint64_t h, const char *s) { return s ? nc_hash64(h, s, strlen(s) + 1) : nc_hash64(h, "", 1); }

static uint64_t hash_setting(uint64_t h, const NcSetting *s) {
  h = nc_hash64(h, &s->kind, sizeof s->kind);
  switch (s->kind) {
    case NC_SET_INT: return nc_hash64(h, &s->i, sizeof s->i);
    case NC_SET_FLOAT: return nc_hash64(h, &s->f, sizeof s->f);
    case NC_SET_BOOL: return nc_hash64(h, &s->b, sizeof s->b);
    case NC_SET_STR: return hash_text(h, s->s);
    default:
      for (int i = 0; i < s->n; i++) h = hash_text(h, s->strs[i]);
      return h;
  }
}

static void hashes(const NacreModel *m, const NcSourceSpec *spec, uint64_t *what, uint64_t *where) {
  const NcSourceInfo *info = nc_source_find(spec->kind);
  uint64_t h = nc_hash64(hash_text(0, spec->kind), spec->train, sizeof spec->train);
  uint64_t w = hash_text(1, m->data_dir);
  for (int i = 0; i < spec->settings; i++) {
    const NcSetting *s = &spec->setting[i];
    bool file = s->kind == NC_SET_STR && (!s->name || !strcmp(s->name, "path") || (info && info->any_field));
    h = hash_text(h, s->name);
    if (file) w = hash_setting(w, s);
    else h = hash_setting(h, s);
  }
  *what = h;
  *where = nc_hash64(w, &h, sizeof h);
}

static NcDescribed *remember(NacreModel *m, NcDescribed d) {
  NcDescribed *x = NC_NEW(m->arena, NcDescribed);
  *x = d;
  x->next = m->described;
  return m->described = x;
}

bool nc_describe(NacreModel *m, NcDiag *d, const NcSourceSpec *spec, NcFields *out) {
  uint64_t what, where;
  hashes(m, spec, &what, &where);
  for (const NcDescribed *x = m->described; x; x = x->next)
    if (x->of_run ? x->what == what : x->where == where) { *out = x->fields; return true; }
  NcSourceSpec here = *spec;
  here.dir = m->data_dir;
  if (!nc_source_describe(m->arena, d, &here, out)) return false;
  remember(m, (NcDescribed){.what = what, .where = where, .fields = *out});
  return true;
}

bool nc_described_by_run(const NacreModel *m, const NcSourceSpec *spec) {
  uint64_t what, where;
  hashes(m, spec, &what, &where);
  for (const NcDescribed *x = m->described; x; x = x->next)
    if (x->of_run && x->what == what) return true;
  return false;
}

// ---- writing

static json_t *texts(const char *const *list, int64_t n) {
  json_t *j = list ? json_array() : NULL;
  for (int64_t i = 0; j && i < n; i++) json_array_append_new(j, json_string(list[i]));
  return j;
}

static json_t *numbers(const double *list, int n) {
  json_t *j = list ? json_array() : NULL;
  for (int i = 0; j && i < n; i++) json_array_append_new(j, json_real(list[i]));
  return j;
}

// A tokenizer's own file says its tokens' names.
static json_t *field_json(const NcField *f, const char *tokenizer) {
  json_t *shape = json_array();
  for (int i = 0; i < f->shape.rank; i++) json_array_append_new(shape, json_integer(f->shape.dim[i]));
  return json_pack("{s:s, s:s, s:o, s:I, s:o*, s:o*, s:s*, s:s*, s:o*, s:o*}", "name", f->name, "type",
                   nc_dtype_name(f->dtype), "shape", shape, "classes", (json_int_t)f->classes,
                   "class_names", tokenizer ? NULL : texts(f->class_name, f->classes),
                   "columns", texts(f->column, f->column ? f->shape.dim[0] : 0), "tokens", f->tokens,
                   "tokenizer", tokenizer, "mean", numbers(f->mean, f->columns), "std", numbers(f->std, f->columns));
}

static bool write_tokenizer(NacreModel *m, const NcRun *r, const NcField *f, int *count, const char **name) {
  *name = NULL;
  if (!f->tokenizer) return true;
  *name = (*count)++ ? nc_sprintf(m->arena, "tokenizer-%d.json", *count) : "tokenizer.json";
  return nc_write_file(m->diag, nc_run_path(m, r, *name), f->tokenizer, strlen(f->tokenizer));
}

static json_t *fields_json(NacreModel *m, const NcRun *r, const NcDescribed *x, int *tokenizers) {
  json_t *list = json_array();
  for (int i = 0; i < x->fields.n; i++) {
    const char *tokenizer;
    json_t *f = write_tokenizer(m, r, &x->fields.at[i], tokenizers, &tokenizer) ? field_json(&x->fields.at[i], tokenizer) : NULL;
    if (!f) { json_decref(list); return NULL; }
    json_array_append_new(list, f);
  }
  char what[32];
  snprintf(what, sizeof what, "%016llx", (unsigned long long)x->what);
  const NcWindows *w = &x->fields.windows;
  return json_pack("{s:s, s:I, s:[I,I,I], s:o}", "source", what, "examples", (json_int_t)x->fields.examples, "windows",
                   (json_int_t)w->positions, (json_int_t)w->span, (json_int_t)w->stride, "fields", list);
}

bool nc_described_save(NacreModel *m, const NcRun *r) {
  json_t *list = json_array();
  int tokenizers = 0;
  for (const NcDescribed *x = m->described; x; x = x->next) {
    json_t *j = fields_json(m, r, x, &tokenizers);
    if (j) json_array_append_new(list, j);
    else if (m->diag->errors) { json_decref(list); return false; }
  }
  json_t *j = json_pack("{s:i, s:o}", "nacre_data", 1, "sources", list);
  char *text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
  json_decref(j);
  if (!text) return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for data.json"), false;
  bool good = nc_write_file(m->diag, nc_run_path(m, r, "data.json"), text, strlen(text));
  free(text);
  return good;
}

// ---- reading; whatever does not fit is left out, and then the data itself is asked

#define MOST ((int64_t)1 << 40)   // of anything: numbers beyond are damage, and would not multiply

static const char **read_texts(NcArena *a, const json_t *j, int64_t n) {
  if (!json_is_array(j) || (int64_t)json_array_size(j) != n) return NULL;
  const char **list = NC_NEW_N(a, const char *, n + 1);
  for (int64_t i = 0; i < n; i++) {
    const char *s = json_string_value(json_array_get(j, (size_t)i));
    if (!s) return NULL;
    list[i] = nc_strdup(a, s);
  }
  return list;
}

static const double *read_numbers(NcArena *a, const json_t *j, int *n) {
  if (!json_is_array(j)) return NULL;
  *n = (int)json_array_size(j);
  double *list = NC_NEW_N(a, double, *n + 1);
  for (int i = 0; i < *n; i++) list[i] = json_number_value(json_array_get(j, (size_t)i));
  return list;
}

static bool read_tokenizer(NacreModel *m, const char *dir, const char *name, NcField *f) {
  if (!name || strchr(name, '/')) return false;
  NcDiag *quiet = nc_diag_new(m->arena);
  size_t size;
  f->tokenizer = nc_read_file(m->arena, quiet, NC_E0601, NC_NOWHERE, nc_sprintf(m->arena, "%s/%s", dir, name), &size);
  return f->tokenizer != NULL;
}

static bool read_field(NacreModel *m, const char *dir, const json_t *j, NcField *f) {
  const char *name = json_string_value(json_object_get(j, "name")), *type = json_string_value(json_object_get(j, "type"));
  const char *tokens = json_string_value(json_object_get(j, "tokens"));
  const json_t *shape = json_object_get(j, "shape");
  *f = (NcField){0};
  if (!name || !type || !nc_dtype_find(type, &f->dtype) || json_array_size(shape) > NC_MAX_RANK) return false;
  f->name = nc_strdup(m->arena, name);
  f->shape.rank = (int)json_array_size(shape);
  int64_t count = 1;
  for (int i = 0; i < f->shape.rank; i++) {
    f->shape.dim[i] = json_integer_value(json_array_get(shape, (size_t)i));
    if (f->shape.dim[i] < 1 || f->shape.dim[i] > MOST / count) return false;
    count *= f->shape.dim[i];
  }
  f->classes = json_integer_value(json_object_get(j, "classes"));
  if (f->classes < 0 || f->classes > MOST) return false;
  f->class_name = read_texts(m->arena, json_object_get(j, "class_names"), f->classes);
  if (f->shape.rank) f->column = read_texts(m->arena, json_object_get(j, "columns"), f->shape.dim[0]);
  int n = 0;
  f->mean = read_numbers(m->arena, json_object_get(j, "mean"), &f->columns);
  f->std = read_numbers(m->arena, json_object_get(j, "std"), &n);
  if ((f->mean || f->std) && n != f->columns) return false;
  f->tokens = tokens ? nc_strdup(m->arena, tokens) : NULL;
  return !tokens || strcmp(tokens, "bpe") || read_tokenizer(m, dir, json_string_value(json_object_get(j, "tokenizer")), f);
}

static bool read_fields(NacreModel *m, const char *dir, const json_t *j, NcDescribed *x) {
  const char *what = json_string_value(json_object_get(j, "source"));
  const json_t *list = json_object_get(j, "fields"), *w = json_object_get(j, "windows");
  *x = (NcDescribed){.of_run = true};
  if (!what || !json_is_array(list)) return false;
  x->what = strtoull(what, NULL, 16);
  x->fields.examples = json_integer_value(json_object_get(j, "examples"));
  int64_t *part[] = {&x->fields.windows.positions, &x->fields.windows.span, &x->fields.windows.stride};
  for (size_t i = 0; i < 3; i++) *part[i] = json_integer_value(json_array_get(w, i));
  for (size_t i = 0; i < 3; i++)
    if (*part[i] < 0 || *part[i] > MOST) return false;
  if (x->fields.examples < -1 || x->fields.examples > MOST) return false;
  if (x->fields.windows.span && x->fields.windows.stride < 1) return false;
  x->fields.n = (int)json_array_size(list);
  x->fields.at = NC_NEW_N(m->arena, NcField, x->fields.n + 1);
  for (int i = 0; i < x->fields.n; i++)
    if (!read_field(m, dir, json_array_get(list, (size_t)i), &x->fields.at[i])) return false;
  return true;
}

void nc_described_load(NacreModel *m, const char *dir) {
  json_error_t e;
  json_t *j = json_load_file(nc_sprintf(m->arena, "%s/data.json", dir), 0, &e);
  json_t *list = json_integer_value(json_object_get(j, "nacre_data")) == 1 ? json_object_get(j, "sources") : NULL;
  for (size_t i = 0; i < json_array_size(list); i++) {
    NcDescribed x;
    if (read_fields(m, dir, json_array_get(list, i), &x)) remember(m, x);
  }
  json_decref(j);
}
