// A table whose rows follow one another in time, as windows: what was, and what comes next.
#include <math.h>
#include <string.h>
#include "base/map.h"
#include "data/rand.h"
#include "data/source.h"
#include "io/csv.h"

static const NcSettingInfo settings[] = {
  {"path", NC_SET_STR, "\"\"",
   "the CSV file, its rows in the order of time; without one, a generated series of 144 months with a trend and seasons",
   .positional = true},
  {"columns", NC_SET_STRS, "", "the columns that make up `x`; else all that hold numbers in their first row"},
  {"target", NC_SET_STR, "", "the column to predict; else the first of `columns`"},
  {"window", NC_SET_INT, NULL, "how many rows are seen", .least = 1, .most = 1e7},
  {"horizon", NC_SET_INT, "1", "how many of the rows that follow are to be predicted", .least = 1, .most = 1e6},
  {"stride", NC_SET_INT, "1", "how many rows on the next example begins", .least = 1, .most = 1e9},
  {"log", NC_SET_BOOL, "false", "takes the logarithm of every value, for what grows by a factor"},
  {"header", NC_SET_BOOL, "true", "whether the first row names the columns; else they are column1, column2, …"},
  {"delimiter", NC_SET_STR, "\",\"", "the character between cells, such as \";\" or \"\\t\""},
  NC_SET_SEED,
};

typedef struct {
  const char *origin;          // NULL: generated
  int64_t rows;
  int columns;
  float *x, *target;           // [rows, columns], [rows]
} Series;

enum { MONTHS = 144 };

// Grows by about a tenth in a year, high in summer, with a little noise.
static void generate(const NcArgs *g, Series *s) {
  *s = (Series){.rows = MONTHS, .columns = 1, .x = NC_NEW_N(g->a, float, MONTHS)};
  for (int i = 0; i < MONTHS; i++) {
    NcRand r = nc_rand((uint64_t)nc_arg(g, "seed")->i, NC_RAND_SERIES, (uint64_t)i);
    double year = i / 12.0, season = 1 + 0.2 * sin(6.283185307179586 * (year - 0.25)) + 0.05 * cos(12.566370614359172 * year);
    s->x[i] = (float)floor(100 * exp(0.1 * year) * season * (1 + 0.02 * nc_rand_normal(&r)) + 0.5);
  }
  s->target = s->x;
}

static bool cell(const NcArgs *g, const NcCsv *t, int64_t row, int c, float *out) {
  const char *s = nc_csv_cell(t, row, c);
  double v;
  if (!nc_csv_number(s, &v)) {
    NcMessage *m = *s ? nc_csv_error(g->d, NC_E0404, t, row, c, "`%s` is not a number", s)
                      : nc_csv_error(g->d, NC_E0404, t, row, c, "the value is missing");
    nc_help(g->d, m, "a series needs every value: fill the gap, or choose other `columns`");
    return false;
  }
  *out = (float)v;
  return true;
}

static int column(const NcArgs *g, const NcCsv *t, const char *name, NcRange at) {
  int c = nc_csv_column(t, name);
  if (c >= 0) return c;
  NcMessage *m = nc_error(g->d, NC_E0407, at, "`%s` has no column `%s`", t->path, name);
  const char *near = nc_nearest(name, t->name, t->columns);
  if (near) nc_help(g->d, m, "did you mean `%s`?", near);
  return -1;
}

// The columns of x into `use`; how many, 0 after an error.
static int choose(const NcArgs *g, const NcCsv *t, int *use) {
  const NcSetting *list = nc_arg(g, "columns");
  int n = 0;
  double v;
  if (!nc_arg_given(g, "columns")) {
    for (int c = 0; t->rows && c < t->columns; c++)
      if (nc_csv_number(nc_csv_cell(t, 0, c), &v)) use[n++] = c;
    if (!n) nc_error(g->d, NC_E0406, g->spec->at, "`%s` has no column of numbers", t->path);
    return n;
  }
  for (int i = 0; i < list->n; i++) {
    int c = column(g, t, list->strs[i], list->at);
    if (c < 0) return 0;
    for (int k = 0; k < n; k++)
      if (use[k] == c) return nc_error(g->d, NC_E0312, list->at, "`%s` is given twice", t->name[c]), 0;
    use[n++] = c;
  }
  if (!n) nc_error(g->d, NC_E0312, list->at, "`columns` names no column");
  return n;
}

static bool layout(const NcArgs *g, char *delimiter) {
  const NcSetting *s = nc_arg(g, "delimiter");
  *delimiter = s->s[0];
  if (strlen(s->s) == 1 && !strchr("\"\r\n.", s->s[0])) return true;
  nc_error(g->d, NC_E0312, s->at, "`delimiter` must be one character, and no quote, dot or line end");
  return false;
}

static bool read_table(const NcArgs *g, Series *s) {
  NcCsv t;
  char delimiter;
  const NcSetting *path = nc_arg(g, "path"), *target = nc_arg(g, "target");
  if (!layout(g, &delimiter) ||
      !nc_csv_read(g->a, g->d, path->at, nc_arg_path(g, path), delimiter, nc_arg(g, "header")->b, &t)) return false;
  int *use = NC_NEW_N(g->a, int, t.columns + nc_arg(g, "columns")->n + 1);
  int n = choose(g, &t, use), aim = n ? use[0] : -1;
  if (n && nc_arg_given(g, "target")) aim = column(g, &t, target->s, target->at);
  if (aim < 0) return false;
  *s = (Series){t.path, t.rows, n, nc_alloc_array(g->a, (size_t)t.rows, (size_t)n * sizeof(float)),
                NC_NEW_N(g->a, float, t.rows)};
  for (int64_t i = 0; i < t.rows; i++) {
    for (int k = 0; k < n; k++)
      if (!cell(g, &t, i, use[k], &s->x[i * n + k])) return false;
    if (!cell(g, &t, i, aim, &s->target[i])) return false;
  }
  return true;
}

static bool logarithms(const NcArgs *g, const Series *s, float *v, int64_t n, const char *what) {
  for (int64_t i = 0; i < n; i++) {
    if (v[i] > 0) {
      v[i] = logf(v[i]);
      continue;
    }
    nc_error(g->d, NC_E0404, g->spec->at, "`%s` row %lld: %s is %g, which has no logarithm", s->origin ? s->origin : "series",
             (long long)(i / (n / s->rows)) + 1, what, (double)v[i]);
    return false;
  }
  return true;
}

// Mean and standard deviation of each of `columns` over the training part, in rows [from, to).
static void statistics(const NcArgs *g, const float *v, int columns, int64_t from, int64_t to, NcField *f) {
  double *mean = NC_NEW_N(g->a, double, columns), *std = NC_NEW_N(g->a, double, columns);
  double n = (double)(to - from);
  for (int c = 0; c < columns; c++) {
    double sum = 0, square = 0;
    for (int64_t i = from; i < to; i++) sum += (double)v[i * columns + c];
    mean[c] = n > 0 ? sum / n : 0;
    for (int64_t i = from; i < to; i++) {
      double d = (double)v[i * columns + c] - mean[c];
      square += d * d;
    }
    std[c] = n > 0 && square > 0 ? sqrt(square / n) : 1;
  }
  f->mean = mean;
  f->std = std;
  f->columns = columns;
}

static NcDataset *series_open(const NcArgs *g) {
  Series s = {0};
  const char *path = nc_arg(g, "path")->s;
  int64_t window = nc_arg(g, "window")->i, horizon = nc_arg(g, "horizon")->i;
  if (!path || !*path) generate(g, &s);
  else if (!read_table(g, &s)) return NULL;
  if (nc_arg(g, "log")->b) {
    bool apart = s.target != s.x;
    if (!logarithms(g, &s, s.x, s.rows * s.columns, "a value of x")) return NULL;
    if (apart && !logarithms(g, &s, s.target, s.rows, "the target")) return NULL;
  }
  NcWindows w = {s.rows, window + horizon, nc_arg(g, "stride")->i};
  if (s.rows < w.span) {
    NcMessage *m = nc_error(g->d, NC_E0406, g->spec->at, "%s%s%s has %lld rows, fewer than one window of %lld and %lld to predict",
                            s.origin ? "`" : "", s.origin ? s.origin : "the generated series", s.origin ? "`" : "",
                            (long long)s.rows, (long long)window, (long long)horizon);
    nc_help(g->d, m, "take a shorter `window`");
    return NULL;
  }
  const double *part = g->spec->train;
  int64_t from = part[1] > 0 ? nc_cut(s.rows, part[0]) : 0, to = part[1] > 0 ? nc_cut(s.rows, part[1]) : s.rows;
  NcFields f = {NC_NEW_N(g->a, NcField, 2), 2, nc_windows_in(&w, s.rows), w};
  f.at[0] = (NcField){.name = "x", .dtype = NC_F32, .shape = NC_SHAPE(window, s.columns)};
  f.at[1] = (NcField){.name = "target", .dtype = NC_F32, .shape = NC_SHAPE(horizon)};
  statistics(g, s.x, s.columns, from, to, &f.at[0]);
  statistics(g, s.target, 1, from, to, &f.at[1]);
  NcDataset *set = nc_dataset_windows(g, &f);
  set->origin[0] = set->origin[1] = s.origin;
  set->data[0] = s.x;
  set->data[1] = s.target + window;
  set->step[0] = (size_t)s.columns * sizeof(float);
  set->step[1] = sizeof(float);
  return set;
}

const NcSourceKind nc_series_kind = {
  {"series",
   "a CSV file whose rows follow one another in time, cut into windows. A `split` cuts the time: first what is trained "
   "on, then what is tested on. `NAME.mean` and `NAME.std` of the data are those of x over the training part (vectors, where "
   "it has several columns), `NAME.target_mean` and `NAME.target_std` those of the target",
   "x: f32[window, columns], what was; target: f32[horizon], what comes next",
   "series(\"passengers.csv\", columns = \"Passengers\", window = 12)", NC_SETTINGS(settings)},
  NULL, series_open,
};
