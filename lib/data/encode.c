// Further data, encoded as those that training saw.
#include <string.h>
#include "base/map.h"
#include "data/source.h"
#include "io/csv.h"
#include "io/date.h"

// Which column of the file, and which of its texts or which part of its dates, a feature's name means. -1: there is none.
static int feature_source(NcArena *a, const NcCsv *t, const char *name, const char **category, int *part) {
  *category = NULL;
  *part = -1;
  int c = nc_csv_column(t, name);
  const char *at = strrchr(name, '@');
  for (int k = 0; c < 0 && at && k < NC_DATE_PARTS; k++) {
    if (strcmp(at + 1, nc_date_part_name(k)) != 0) continue;
    c = nc_csv_column(t, nc_strndup(a, name, (size_t)(at - name)));
    if (c >= 0) *part = k;
  }
  for (const char *eq = strchr(name, '='); c < 0 && eq; eq = strchr(eq + 1, '=')) {
    c = nc_csv_column(t, nc_strndup(a, name, (size_t)(eq - name)));
    *category = eq + 1;
  }
  return c;
}

// `a`, `b`, `c`: the columns that a file must have, each once (of texts b=…, of dates b@…). `of`: the texts of that column.
static const char *columns_told(NcArena *a, const NcField *x, const char *of) {
  NcBuf b = NC_BUF(a);
  const char *last = "";
  for (int64_t j = 0; j < x->shape.dim[0]; j++) {
    const char *name = x->column[j], *eq = strchr(name, '='), *end = eq ? eq : strrchr(name, '@');
    if (of && (!eq || strncmp(name, of, (size_t)(eq - name)) || of[eq - name])) continue;
    const char *said = of ? eq + 1 : end ? nc_strndup(a, name, (size_t)(end - name)) : name;
    if (strcmp(said, last) != 0) nc_putf(&b, "%s`%s`", b.n ? ", " : "", said);
    last = said;
  }
  return nc_buf_str(&b);
}

// A text must be one that training saw: each column's categories stand side by side in x.
static bool seen_category(NcArena *a, NcDiag *d, const NcCsv *t, const NcField *like, const float *x, int64_t row, int c,
                          const int *from) {
  int width = (int)like->shape.dim[0];
  for (int j = 0; j < width; j++)
    if (from[j] == c && x[row * width + j] != 0) return true;
  NcMessage *m = nc_csv_error(d, NC_E0404, t, row, c, "`%s` is none of the texts that the network was trained with",
                              nc_csv_cell(t, row, c));
  nc_help(d, m, "it knows %s", columns_told(a, like, t->name[c]));
  return false;
}

float *nc_csv_features(NcArena *a, NcDiag *d, const NcSourceSpec *like, const char *path, const NcField *x,
                       int64_t *rows) {
  NcCsv t;
  NcArgs g;
  char delimiter = ',';
  bool header = true;
  const NcSourceKind *kind = nc_source_bind(a, d, like, &g);
  if (!kind || (kind == &nc_csv_kind && !nc_csv_layout(&g, &delimiter, &header))) return NULL;
  if (!x->column) {
    nc_error(d, NC_E0405, like->at, "`%s` was trained without names for its columns, so a CSV file cannot fill it",
             x->name);
    return NULL;
  }
  if (!nc_csv_read(a, d, NC_NOWHERE, path, delimiter, header, &t)) return NULL;
  int width = (int)x->shape.dim[0];
  int *from = NC_NEW_N(a, int, width);
  int *part = NC_NEW_N(a, int, width);
  const char **category = NC_NEW_N(a, const char *, width);
  for (int j = 0; j < width; j++)
    if ((from[j] = feature_source(a, &t, x->column[j], &category[j], &part[j])) < 0) {
      NcMessage *m = nc_error(d, NC_E0407, t.at, "`%s` has no column for the feature `%s`", t.path, x->column[j]);
      nc_help(d, m, header ? "its first row should name %s" : "the columns wanted are %s", columns_told(a, x, NULL));
      return NULL;
    }
  float *out = nc_alloc_array(a, (size_t)t.rows, (size_t)width * sizeof(float));
  for (int64_t i = 0; i < t.rows; i++) {
    for (int j = 0; j < width; j++) {
      const char *s = nc_csv_cell(&t, i, from[j]);
      double v = 0;
      if (category[j]) v = !strcmp(s, category[j]);
      else if (part[j] >= 0 ? !nc_date(s, &v) : !nc_csv_number(s, &v)) {
        NcMessage *m = nc_csv_error(d, NC_E0404, &t, i, from[j], !*s ? "the value is missing%s" : part[j] >= 0 ? "`%s` is not a date" : "`%s` is not a number", s);
        if (!*s) nc_help(d, m, "a prediction needs every value: fill it in, or leave the row out");
        return NULL;
      }
      if (part[j] >= 0) v = nc_date_part(v, part[j]);
      out[i * width + j] = (float)v;
    }
    for (int j = 0; j < width; j++)
      if (category[j] && (!j || from[j] != from[j - 1]) && !seen_category(a, d, &t, x, out, i, from[j], from))
        return NULL;
  }
  *rows = t.rows;
  return out;
}

// ---- a whole data set in training's terms ----

static int find(const char *const *list, int64_t n, const char *word) {
  for (int64_t i = 0; i < n; i++)
    if (!strcmp(list[i], word)) return (int)i;
  return -1;
}

// Whether the list has another category of the column that `name`, "island=Dream", is one of.
static bool has_column(const char *const *list, int64_t n, const char *name) {
  const char *eq = strchr(name, '=');
  for (int64_t i = 0; eq && i < n; i++)
    if (!strncmp(list[i], name, (size_t)(eq - name) + 1)) return true;
  return false;
}

static bool align_columns(NcArena *a, NcDiag *d, NcDataset *set, int field, const NcField *want) {
  const NcField *have = &set->field[field];
  const char *origin = set->origin[field] ? set->origin[field] : "the data";
  int64_t n = want->shape.dim[0], m = have->shape.dim[0];
  int *from = NC_NEW_N(a, int, n);
  for (int64_t j = 0; j < n; j++) {
    from[j] = find(have->column, m, want->column[j]);
    if (from[j] >= 0 || has_column(have->column, m, want->column[j])) continue;
    nc_error(d, NC_E0407, set->at, "`%s` has no column for the feature `%s`", origin, want->column[j]);
    return false;
  }
  for (int64_t j = 0; j < m; j++) {
    const char *name = have->column[j];
    if (find(want->column, n, name) >= 0 || !has_column(want->column, n, name)) continue;
    nc_error(d, NC_E0404, set->at, "`%s` has a text that training did not see: `%s`", origin, name);
    return false;
  }
  const float *x = set->data[field];
  float *out = nc_alloc_array(a, (size_t)set->n, (size_t)n * sizeof(float));
  bool *was = field ? NULL : set->hole, *hole = was ? NC_NEW_N(a, bool, set->n * n) : NULL;
  for (int64_t i = 0; i < set->n; i++)
    for (int64_t j = 0; j < n; j++) {
      out[i * n + j] = from[j] < 0 ? 0 : x[i * m + from[j]];
      if (was) hole[i * n + j] = from[j] >= 0 && was[i * m + from[j]];
    }
  set->data[field] = out;
  if (was) set->hole = hole;
  return true;
}

static bool align_labels(NcArena *a, NcDiag *d, NcDataset *set, int field, const NcField *want) {
  const NcField *have = &set->field[field];
  int32_t *to = NC_NEW_N(a, int32_t, have->classes), *v = set->data[field];
  NcMap known = NC_MAP(a);     // of a class's name, its place + 1
  for (int64_t c = want->classes; c-- > 0;) nc_map_set(&known, want->class_name[c], (void *)(intptr_t)(c + 1));
  for (int64_t c = 0; c < have->classes; c++) {
    to[c] = (int32_t)(intptr_t)nc_map_get(&known, have->class_name[c]) - 1;
    if (to[c] >= 0) continue;
    NcMessage *m = nc_error(d, NC_E0403, set->at, "`%s` has the %s `%s`, which training did not know", have->name,
                            have->tokens ? "token" : "class", have->class_name[c]);
    const char *near = nc_nearest(have->class_name[c], want->class_name, (int)want->classes);
    if (near) nc_help(d, m, "training knew `%s`", near);
    return false;
  }
  int64_t n = nc_field_values(set, field);
  for (int64_t i = 0; i < n; i++)
    if (v[i] >= 0 && v[i] < have->classes) v[i] = to[v[i]];
  return true;
}

bool nc_data_align(NcArena *a, NcDiag *d, NcDataset *set, const NcFields *trained) {
  for (int i = 0; i < trained->n; i++) {
    const NcField *want = &trained->at[i];
    int f = nc_field_find(set, want->name);
    NcField *have = f < 0 ? NULL : &set->field[f];
    bool columns = have && have->column && want->column && have->dtype == NC_F32;
    if (!have || have->dtype != want->dtype || (!columns && !nc_shape_eq(have->shape, want->shape))) {
      const char *type = nc_type_str(a, (NcType){want->dtype, want->shape});
      nc_error(d, NC_E0405, set->at, "training had a field `%s` of type %s, but here %s", want->name, type,
               have ? nc_sprintf(a, "it is %s", nc_type_str(a, (NcType){have->dtype, have->shape})) : "there is none");
      return false;
    }
    if (have->tokenizer && want->tokenizer && strcmp(have->tokenizer, want->tokenizer) != 0) {
      nc_error(d, NC_E0405, set->at, "`%s` was trained with another tokenizer than the one given here", want->name);
      return false;
    }
    if (columns && !align_columns(a, d, set, f, want)) return false;
    if (have->class_name && want->class_name && !align_labels(a, d, set, f, want)) return false;
    *have = *want;
  }
  return true;
}
