// CSV files as data: feature columns become one vector `x`, a label column classes, a target column a number.
//
// Text features are one-hot: a column `island` of three texts gives x the three columns "island=Biscoe", …, in sorted
// order. A column of dates gives its parts: "when@year", "when@year sin", …. These names say all that is needed to encode
// further files in the same way (nc_csv_features).
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/map.h"
#include "data/source.h"
#include "data/split.h"
#include "io/csv.h"
#include "io/date.h"

enum { MOST_CATEGORIES = 256, MOST_NUMBERED = 1000, MOST_CLASSES = 65536 };

static const NcSettingInfo settings[] = {
  {"path", NC_SET_STR, NULL, "the file", .positional = true},
  {"label", NC_SET_STR, "", "the column to predict as a class; its different values, sorted, are the classes"},
  {"target", NC_SET_STR, "", "the column to predict as a number"},
  {"features", NC_SET_STRS, "", "the columns that make up `x`; else all but label, target and time"},
  {"dates", NC_SET_STRS, "", "columns of dates, such as 2026-11-21 or 21.11.2026, with a time of day (14:30) or without: each "
   "gives `x` the year, its place in the year and in the week, and where there are times, in the day"},
  {"time", NC_SET_STR, "", "the column, of dates or numbers, that becomes the field `time`, for `split_by = time`"},
  {"classes", NC_SET_INT, "", "how many classes there are; a column of numbers is then taken as 0 to classes - 1",
   .least = 1, .most = MOST_CLASSES},
  {"header", NC_SET_BOOL, "true", "whether the first row names the columns; else they are column1, column2, …"},
  {"missing", NC_SET_STR, "\"error\"",
   "what becomes of empty cells, NA, NaN and ?: \"error\" refuses them, \"drop\" leaves "
   "their rows out, \"mean\" puts the column's mean over the rows of training there (no category at all for text)",
   .choices = "error drop mean"},
  {"delimiter", NC_SET_STR, "\",\"", "the character between cells, such as \";\" or \"\\t\""},
};

typedef struct {
  int at;                      // column in the file
  bool text;
  int parts;                   // of a date; 0: it is none
  const char **category;       // text: the different values, sorted
  int categories;
} Column;

typedef struct {
  const NcArgs *g;
  NcCsv csv;
  int label, target, time;     // columns, or -1
  bool *date;                  // [columns]
  Column *feature;
  int features;
  int64_t *row, rows;          // the rows that are used
} Table;

static int column(Table *t, const char *name, NcRange at) {
  int c = nc_csv_column(&t->csv, name);
  if (c >= 0) return c;
  NcBuf all = NC_BUF(t->g->a);
  for (int i = 0; i < t->csv.columns && i < 30; i++) nc_putf(&all, "%s`%s`", i ? ", " : "", t->csv.name[i]);
  if (t->csv.columns > 30) nc_putf(&all, " and %d more", t->csv.columns - 30);
  NcMessage *m = nc_error(t->g->d, NC_E0407, at, "`%s` has no column `%s`", t->csv.path, name);
  nc_note(t->g->d, m, "its columns are %s", nc_buf_str(&all));
  const char *near = nc_nearest(name, t->csv.name, t->csv.columns);
  if (near) nc_help(t->g->d, m, "did you mean `%s`?", near);
  return -1;
}

static bool one_column(Table *t, const char *setting, int *out) {
  const NcSetting *s = nc_arg(t->g, setting);
  *out = -1;
  if (nc_arg_given(t->g, setting)) *out = column(t, s->s, s->at);
  return *out >= 0 || !nc_arg_given(t->g, setting);
}

static bool choose(Table *t) {
  const NcArgs *g = t->g;
  const NcSetting *list = nc_arg(g, "features");
  if (!one_column(t, "label", &t->label) || !one_column(t, "target", &t->target) || !one_column(t, "time", &t->time)) return false;
  const NcSetting *dates = nc_arg(g, "dates");
  t->date = NC_NEW_N(g->a, bool, t->csv.columns);
  for (int i = 0; i < dates->n && nc_arg_given(g, "dates"); i++) {
    int c = column(t, dates->strs[i], dates->at);
    if (c < 0) return false;
    t->date[c] = true;
  }
  bool all = !nc_arg_given(g, "features");
  int n = all ? t->csv.columns : list->n;
  t->feature = NC_NEW_N(g->a, Column, n);
  bool *used = NC_NEW_N(g->a, bool, t->csv.columns);
  for (int i = 0; i < n; i++) {
    int c = all ? i : column(t, list->strs[i], list->at);
    if (c < 0) return false;
    bool wanted = c == t->label || c == t->target;
    if (!all && (wanted || used[c])) {
      nc_error(g->d, NC_E0312, list->at, "`%s` is %s", t->csv.name[c],
               wanted ? "to be predicted, so it cannot be a feature" : "given twice as a feature");
      return false;
    }
    used[c] = true;
    if (!wanted && !(all && c == t->time && !t->date[c])) t->feature[t->features++].at = c;
  }
  if (t->features) return true;
  nc_error(g->d, NC_E0406, g->spec->at, "`%s` has no column left that could be a feature", t->csv.path);
  return false;
}

static void missing_help(Table *t, NcMessage *m, bool wanted) {
  if (wanted) nc_help(t->g->d, m, "`missing = \"drop\"` leaves such rows out");
  else nc_help(t->g->d, m, "`missing = \"drop\"` leaves such rows out, `missing = \"mean\"` fills them in");
}

// The rows that are used, by the policy for missing cells.
static bool choose_rows(Table *t) {
  const char *policy = nc_arg(t->g, "missing")->s;
  bool drop = policy[0] == 'd', error = policy[0] == 'e';
  t->row = NC_NEW_N(t->g->a, int64_t, t->csv.rows);
  for (int64_t r = 0; r < t->csv.rows; r++) {
    int hole = -1;
    for (int i = 0; i < t->features && (drop || error) && hole < 0; i++)
      if (nc_csv_missing(nc_csv_cell(&t->csv, r, t->feature[i].at))) hole = t->feature[i].at;
    bool wanted = false;
    for (int k = 0; k < 3 && hole < 0; k++) {
      int c = k > 1 ? t->time : k ? t->target : t->label;
      if (c >= 0 && nc_csv_missing(nc_csv_cell(&t->csv, r, c))) {
        hole = c;
        wanted = true;
      }
    }
    if (hole >= 0 && !drop) {
      const char *cell = nc_csv_cell(&t->csv, r, hole);
      NcMessage *m = *cell ? nc_csv_error(t->g->d, NC_E0404, &t->csv, r, hole, "the value is missing (`%s`)", cell)
                           : nc_csv_error(t->g->d, NC_E0404, &t->csv, r, hole, "the value is missing");
      missing_help(t, m, wanted);
      return false;
    }
    if (hole < 0) t->row[t->rows++] = r;
  }
  if (t->rows) return true;
  nc_error(t->g->d, NC_E0406, t->g->spec->at, "`%s` has no row without missing values", t->csv.path);
  return false;
}

static const char *cell(const Table *t, int64_t i, int c) { return nc_csv_cell(&t->csv, t->row[i], c); }

// Numbers, if most of what is there is numbers: then a stray text is a mistake, not a category.
static bool is_text(const Table *t, int c) {
  int64_t numbers = 0, texts = 0;
  double v;
  for (int64_t i = 0; i < t->rows; i++)
    if (!nc_csv_missing(cell(t, i, c))) *(nc_csv_number(cell(t, i, c), &v) ? &numbers : &texts) += 1;
  return texts > numbers;
}

static bool number(const Table *t, int64_t i, int c, double *out) {
  if (nc_csv_number(cell(t, i, c), out)) return true;
  NcMessage *m = nc_csv_error(t->g->d, NC_E0404, &t->csv, t->row[i], c,
                              "`%s` is not a number, as the column's others are", cell(t, i, c));
  nc_help(t->g->d, m, "mend the cell, or write NA there and say what `missing` shall do");
  return false;
}

static bool date(const Table *t, int64_t i, int c, double *out) {
  if (nc_date(cell(t, i, c), out)) return true;
  NcMessage *m = nc_csv_error(t->g->d, NC_E0404, &t->csv, t->row[i], c, "`%s` is not a date", cell(t, i, c));
  nc_help(t->g->d, m, "dates are written 2026-11-21, 2026/11/21 or 21.11.2026, and a time behind them 14:30 or 14:30:05");
  return false;
}

static int by_text(const void *x, const void *y) { return strcmp(*(const char *const *)x, *(const char *const *)y); }

static int by_value(const void *x, const void *y) {
  double a = 0, b = 0;
  nc_csv_number(*(const char *const *)x, &a);
  nc_csv_number(*(const char *const *)y, &b);
  return (a > b) - (a < b);
}

// The different values of a column, sorted; stops beyond `most` of them.
static int different(const Table *t, int c, int most, int (*order)(const void *, const void *), const char ***out) {
  NcArena *a = t->g->a;
  NcMap seen = NC_MAP(a);
  NC_VEC(const char *) v = {0};
  for (int64_t i = 0; i < t->rows && v.n <= most; i++) {
    const char *s = cell(t, i, c);
    if (nc_csv_missing(s) || nc_map_has(&seen, s)) continue;
    nc_map_set(&seen, s, (void *)(uintptr_t)s);
    *NC_PUSH(a, v) = s;
  }
  if (v.n) qsort(v.at, (size_t)v.n, sizeof *v.at, order);
  int n = 0;                   // 1 and 1.0 are one value
  for (int i = 0; i < v.n; i++)
    if (!n || order(&v.at[n - 1], &v.at[i]) != 0) v.at[n++] = v.at[i];
  *out = v.at;
  return n;
}

static bool feature(Table *t, Column *f) {
  f->parts = t->date[f->at] ? NC_DATE_PARTS_OF_DAYS : 0;
  f->text = !f->parts && is_text(t, f->at);
  if (f->text) {
    f->categories = different(t, f->at, MOST_CATEGORIES, by_text, &f->category);
    // A name or a date that nearly every row has for itself says nothing about the next row.
    bool apart = f->categories > 20 && f->categories > t->rows / 2;
    if (f->categories <= MOST_CATEGORIES && !apart) return true;
    NcMessage *m = nc_csv_error(t->g->d, NC_E0404, &t->csv, -1, f->at, "it has %s%d different texts in %lld rows",
                                f->categories > MOST_CATEGORIES ? "more than " : "",
                                f->categories > MOST_CATEGORIES ? MOST_CATEGORIES : f->categories, (long long)t->rows);
    nc_help(t->g->d, m, "leave it out: name the columns to use in `features = [...]`");
    return false;
  }
  double v;
  int64_t n = 0;
  for (int64_t i = 0; i < t->rows; i++) {
    if (nc_csv_missing(cell(t, i, f->at))) continue;
    if (f->parts ? !date(t, i, f->at, &v) : !number(t, i, f->at, &v)) return false;
    if (f->parts && v != floor(v)) f->parts = NC_DATE_PARTS;
    n++;
  }
  if (n) return true;
  nc_csv_error(t->g->d, NC_E0404, &t->csv, -1, f->at, "it has no value at all");
  return false;
}

static int width_of(const Column *f) { return f->text ? f->categories : f->parts ? f->parts : 1; }

// A hole is marked in every column that it leaves without a number.
static void put_x(const Table *t, const NcField *field, float *x, bool *hole) {
  int width = (int)field->shape.dim[0], at = 0;
  for (int k = 0; k < t->features; k++) {
    const Column *f = &t->feature[k];
    for (int64_t i = 0; i < t->rows; i++) {
      const char *s = cell(t, i, f->at);
      int64_t first = i * width + at;
      bool missing = nc_csv_missing(s);
      double v = 0;
      if (f->text) {
        const char **hit = missing ? NULL : bsearch(&s, f->category, (size_t)f->categories, sizeof *f->category, by_text);
        if (hit) x[first + (hit - f->category)] = 1;
        continue;
      }
      if (!missing) (void)(f->parts ? nc_date(s, &v) : nc_csv_number(s, &v));
      for (int j = 0; j < width_of(f); j++) {
        x[first + j] = (float)(f->parts ? nc_date_part(v, j) : v);
        if (missing) hole[first + j] = true;
      }
    }
    at += width_of(f);
  }
}

static NcField field_x(const Table *t) {
  int width = 0, at = 0;
  for (int k = 0; k < t->features; k++) width += width_of(&t->feature[k]);
  const char **name = NC_NEW_N(t->g->a, const char *, width);
  for (int k = 0; k < t->features; k++) {
    const Column *f = &t->feature[k];
    for (int j = 0; j < f->parts; j++) name[at++] = nc_sprintf(t->g->a, "%s@%s", t->csv.name[f->at], nc_date_part_name(j));
    if (!f->text && !f->parts) name[at++] = t->csv.name[f->at];
    for (int j = 0; j < f->categories; j++)
      name[at++] = nc_sprintf(t->g->a, "%s=%s", t->csv.name[f->at], f->category[j]);
  }
  return (NcField){.name = "x", .dtype = NC_F32, .shape = NC_SHAPE(width), .column = name};
}

// A label column of numbers: whole, and not so many that they must be a quantity.
static bool numbered(Table *t, int n, const char **value) {
  for (int i = 0; i < n && n <= MOST_NUMBERED; i++) {
    double v = 0;
    nc_csv_number(value[i], &v);
    if (v == floor(v) && fabs(v) < 1e9) continue;
    n = MOST_NUMBERED + 1;
  }
  if (n <= MOST_NUMBERED) return true;
  NcMessage *m = nc_csv_error(t->g->d, NC_E0404, &t->csv, -1, t->label, "its numbers are no classes");
  nc_help(t->g->d, m, "to predict a number, write `target = \"%s\"` in place of `label`", t->csv.name[t->label]);
  return false;
}

static bool codes(Table *t, int64_t classes, int32_t *out) {
  for (int64_t i = 0; i < t->rows; i++) {
    double v;
    if (!number(t, i, t->label, &v)) return false;
    if (v >= 0 && v < (double)classes && v == floor(v)) {
      out[i] = (int32_t)v;
      continue;
    }
    NcMessage *m = nc_csv_error(t->g->d, NC_E0403, &t->csv, t->row[i], t->label, "the label `%s` is none of 0 to %lld",
                                cell(t, i, t->label), (long long)classes - 1);
    nc_help(t->g->d, m, "leave out `classes`: the different labels, sorted, are then the classes");
    return false;
  }
  return true;
}

// Fills in the labels and the field's classes.
static bool label(Table *t, NcField *f, int32_t **out) {
  int64_t stated = nc_arg_given(t->g, "classes") ? nc_arg(t->g, "classes")->i : 0;
  bool text = is_text(t, t->label);
  int (*order)(const void *, const void *) = text ? by_text : by_value;
  *out = NC_NEW_N(t->g->a, int32_t, t->rows);
  *f = (NcField){.name = "label", .dtype = NC_I32, .shape = NC_SCALAR, .classes = stated};
  if (stated && !text) return codes(t, stated, *out);
  double v;
  for (int64_t i = 0; i < t->rows && !text; i++)
    if (!number(t, i, t->label, &v)) return false;
  const char **value;
  int n = different(t, t->label, MOST_CLASSES, order, &value);
  if (!text && !numbered(t, n, value)) return false;
  if (n > MOST_CLASSES || (stated && stated != n)) {
    nc_csv_error(t->g->d, NC_E0403, &t->csv, -1, t->label, "it has %s%d different values, but %s %lld",
                 n > MOST_CLASSES ? "more than " : "", n > MOST_CLASSES ? MOST_CLASSES : n,
                 stated ? "`classes` says" : "the most classes are", (long long)(stated ? stated : MOST_CLASSES));
    return false;
  }
  for (int64_t i = 0; i < t->rows; i++) {
    const char *s = cell(t, i, t->label);
    const char **hit = bsearch(&s, value, (size_t)n, sizeof *value, order);
    (*out)[i] = (int32_t)(hit - value);
  }
  f->classes = n;
  f->class_name = value;
  return true;
}

static bool target(Table *t, float *out) {
  for (int64_t i = 0; i < t->rows; i++) {
    double v;
    if (!number(t, i, t->target, &v)) return false;
    out[i] = (float)v;
  }
  return true;
}

// Of dates the days since 2000, where the column's texts are dates. The order is taken from doubles: seconds since 1970 are more
// than a float can tell apart.
static bool times(Table *t, double *exact, float *out) {
  double v;
  bool dates = nc_date(cell(t, 0, t->time), &v);
  for (int64_t i = 0; i < t->rows; i++) {
    if (dates ? !date(t, i, t->time, &v) : !number(t, i, t->time, &v)) return false;
    exact[i] = v;
    out[i] = (float)v;
  }
  return true;
}

bool nc_csv_layout(const NcArgs *g, char *delimiter, bool *header) {
  const NcSetting *s = nc_arg(g, "delimiter");
  *delimiter = s->s[0];
  *header = nc_arg(g, "header")->b;
  if (strlen(s->s) == 1 && !strchr("\"\r\n.", s->s[0])) return true;
  nc_error(g->d, NC_E0312, s->at, "`delimiter` must be one character, and no quote, dot or line end");
  return false;
}

static NcDataset *csv_open(const NcArgs *g) {
  Table t = {.g = g};
  char delimiter;
  bool header;
  const NcSetting *path = nc_arg(g, "path");
  if (!nc_csv_layout(g, &delimiter, &header) ||
      !nc_csv_read(g->a, g->d, path->at, nc_arg_path(g, path), delimiter, header, &t.csv) ||
      !choose(&t) || !choose_rows(&t)) return NULL;
  for (int i = 0; i < t.features; i++)
    if (!feature(&t, &t.feature[i])) return NULL;
  NcFields f = {NC_NEW_N(g->a, NcField, 4), 0, t.rows};
  int32_t *labels = NULL;
  f.at[f.n++] = field_x(&t);
  if (t.label >= 0 && !label(&t, &f.at[f.n++], &labels)) return NULL;
  if (t.target >= 0) f.at[f.n++] = (NcField){.name = "target", .dtype = NC_F32, .shape = NC_SCALAR};
  int number_at = f.n - 1;
  if (t.time >= 0) f.at[f.n++] = (NcField){.name = "time", .dtype = NC_F32, .shape = NC_SCALAR};
  NcDataset *set = nc_dataset_new(g, &f, t.rows);
  for (int i = 0; i < f.n; i++) set->origin[i] = t.csv.path;
  if (nc_arg(g, "missing")->s[0] == 'm') set->hole = NC_NEW_N(g->a, bool, t.rows * f.at[0].shape.dim[0]);
  put_x(&t, &f.at[0], set->data[0], set->hole);
  nc_fill_holes(g->a, set, NULL);
  if (t.label >= 0) set->data[1] = labels;
  if (t.target >= 0 && !target(&t, set->data[number_at])) return NULL;
  if (t.time >= 0) set->time = NC_NEW_N(g->a, double, t.rows);
  if (t.time >= 0 && !times(&t, set->time, set->data[f.n - 1])) return NULL;
  return set;
}

// Without the file, as far as the specification goes: features, and classes for a label. So a model can be checked on a
// machine that does not have the data. Features are taken to be numbers then.
static bool csv_describe(const NcArgs *g, NcFields *out) {
  const NcSetting *list = nc_arg(g, "features");
  bool plain = !nc_arg_given(g, "dates") && !nc_arg_given(g, "time"), label_known = !nc_arg_given(g, "label") || nc_arg_given(g, "classes");
  if (access(nc_arg_path(g, nc_arg(g, "path")), F_OK) != 0 && nc_arg_given(g, "features") && list->n && label_known && plain) {
    *out = (NcFields){NC_NEW_N(g->a, NcField, 3), 0, -1};
    out->at[out->n++] = (NcField){.name = "x", .dtype = NC_F32, .shape = NC_SHAPE(list->n), .column = list->strs};
    if (nc_arg_given(g, "label"))
      out->at[out->n++] = (NcField){.name = "label", .dtype = NC_I32, .classes = nc_arg(g, "classes")->i};
    if (nc_arg_given(g, "target")) out->at[out->n++] = (NcField){.name = "target", .dtype = NC_F32};
    return true;
  }
  NcDataset *set = csv_open(g);
  if (set) *out = (NcFields){set->field, set->fields, set->n};
  return set != NULL;
}

const NcSourceKind nc_csv_kind = {
  {"csv", "a table in a CSV file",
   "x: f32[F], one number for each column of numbers, and one (0 or 1) for each different text of a column of texts; "
   "label: i32, where `label` is given; target: f32, where `target` is given; time: f32, where `time` is, of dates the days since 2000",
   "csv(\"iris.csv\", label = \"species\")", NC_SETTINGS(settings)},
  csv_describe, csv_open,
};
