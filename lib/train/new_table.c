// Models for tables: which column is to be predicted, which others are of use for it, and what the missing cells ask for.
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/map.h"
#include "io/date.h"
#include "train/new.h"

enum { MANY = 100 };         // more different values than this are no classes

typedef struct {
  bool text, whole;          // most cells are texts; all numbers are whole and not negative
  bool date;                 // a text, and all cells are dates
  int64_t missing, different; // cells; different values, counted up to the number of rows
  bool counts, rises;        // each row's number is the one before and one; each value is above the one before
  double least, most, mean, std;
  const char *unfit;         // why it is of no use, or NULL
} Column;

typedef struct {
  NcNew *w;
  NcCsv csv;
  char delimiter;
  bool header;
  Column *column;
  int target;
  bool classes;              // of the target: else a quantity
} Table;

static bool named(const char *name, const char *const *list, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strcasecmp(name, list[i]) == 0) return true;
  return false;
}
#define NAMED(name, list) named(name, list, sizeof(list) / sizeof *(list))

static char delimiter_of(const char *text, size_t n) {
  int64_t count[3] = {0};
  static const char mark[] = ",;\t";
  for (size_t i = 0; i < n && text[i] != '\n'; i++)
    for (int k = 0; k < 3; k++) count[k] += text[i] == mark[k];
  int best = 0;
  for (int k = 1; k < 3; k++)
    if (count[k] > count[best]) best = k;
  return mark[best];
}

// A first row of nothing but numbers names no columns.
static bool read_table(Table *t) {
  NcNew *w = t->w;
  NcBytes b;
  NcCsv plain;
  if (!nc_bytes_read(w->a, w->d, NC_NOWHERE, w->path, 0, &b)) return false;
  t->delimiter = delimiter_of((const char *)b.data, b.n);
  if (!nc_csv_parse(w->a, w->d, &b, t->delimiter, false, &plain)) return false;
  t->header = false;
  for (int c = 0; c < plain.columns && plain.rows; c++) {
    double v;
    const char *s = nc_csv_cell(&plain, 0, c);
    if (!nc_csv_missing(s) && !nc_csv_number(s, &v)) t->header = true;
  }
  if (!t->header) return t->csv = plain, true;
  return nc_csv_parse(w->a, w->d, &b, t->delimiter, true, &t->csv);
}

static void look_number(Column *c, double v, int64_t n, double before) {
  double old = c->mean;
  c->whole = c->whole && v >= 0 && v == floor(v);
  c->counts = c->counts && (n == 1 || v == before + 1);
  c->rises = c->rises && (n == 1 || v > before);
  if (n == 1 || v < c->least) c->least = v;
  if (n == 1 || v > c->most) c->most = v;
  c->mean += (v - old) / (double)n;                   // Welford's running mean and sum of squares
  c->std += (v - old) * (v - c->mean);
}

static void look(const Table *t, int at) {
  Column *c = &t->column[at];
  NcMap seen = NC_MAP(t->w->a);
  int64_t numbers = 0, texts = 0, dates = 0;
  double before = 0, v, day = -INFINITY;
  const char *last = NULL;
  bool above = true, later = true;
  *c = (Column){.whole = true, .counts = true, .rises = true};
  for (int64_t r = 0; r < t->csv.rows; r++) {
    const char *s = nc_csv_cell(&t->csv, r, at);
    if (nc_csv_missing(s)) {
      c->missing++;
      continue;
    }
    if (!nc_map_has(&seen, s)) nc_map_set(&seen, s, (void *)(uintptr_t)s), c->different++;
    above = above && (!last || strcmp(s, last) > 0);
    last = s;
    if (nc_date(s, &v)) dates++, later = later && v > day, day = v;
    if (!nc_csv_number(s, &v)) texts++;
    else look_number(c, v, ++numbers, before), before = v;
  }
  c->text = texts > numbers;
  c->date = c->text && dates == texts + numbers;
  c->std = numbers > 1 ? sqrt(c->std / (double)numbers) : 0;
  if (c->text) c->whole = c->counts = false, c->rises = c->date ? later : above;
  int64_t there = t->csv.rows - c->missing;
  if (!there) c->unfit = "is empty";
  else if (c->different == 1) c->unfit = "has one value only";
  else if (c->text && !c->date && (c->different > 256 || (c->different > 20 && c->different > there / 2))) c->unfit = "is different in nearly every row";
  else if (c->counts && there > 2) c->unfit = "numbers the rows";
  else if (c->missing * 2 > t->csv.rows) c->unfit = "is missing in most rows";
}

// Texts or small whole numbers that come again and again.
static bool are_classes(const Table *t, int at) {
  const Column *c = &t->column[at];
  int64_t there = t->csv.rows - c->missing;
  if (c->different < 2 || c->different > MANY || c->different * 4 > there) return false;
  return c->text || (c->whole && c->different <= 20);
}

static bool predictable(const Table *t, int at) {
  return !t->column[at].date && (are_classes(t, at) || (!t->column[at].text && t->column[at].std > 0));
}

static bool choose(Table *t) {
  static const char *const usual[] = {"label", "class", "target", "species", "category", "outcome", "diagnosis", "y", "kind", "survived"};
  NcNew *w = t->w;
  t->target = -1;
  if (w->target && (t->target = nc_csv_column(&t->csv, w->target)) < 0) {
    NcMessage *m = nc_error(w->d, NC_E0407, NC_NOWHERE, "`%s` has no column `%s`", w->path, w->target);
    const char *near = nc_nearest(w->target, t->csv.name, t->csv.columns);
    if (near) nc_help(w->d, m, "did you mean `%s`?", near);
    return false;
  }
  for (int c = 0; c < t->csv.columns && t->target < 0; c++)
    if (NAMED(t->csv.name[c], usual) && !t->column[c].unfit) t->target = c;
  for (int c = t->csv.columns - 1; c >= 0 && t->target < 0; c--)        // by custom the last
    if (!t->column[c].unfit && predictable(t, c)) t->target = c;
  if (t->target < 0) t->target = t->csv.columns - 1;
  t->classes = are_classes(t, t->target);
  if (predictable(t, t->target)) return true;
  nc_help(w->d, nc_error(w->d, NC_E0404, NC_NOWHERE, "the column `%s` of `%s` is neither a class nor a quantity that could be predicted",
                         t->csv.name[t->target], w->path),
          "name the column: `--target NAME`");
  return false;
}

// The column of time and the only numbers beside it: a series.
static bool is_series(const Table *t, int *time, int *value) {
  static const char *const clock[] = {"date", "month", "time", "year", "day", "week", "hour", "timestamp", "datetime"};
  int numbers = 0;
  *time = *value = -1;
  if (t->w->target) return false;
  for (int c = 0; c < t->csv.columns; c++) {
    const Column *k = &t->column[c];
    bool when = k->rises && !k->missing && k->different == t->csv.rows && (k->text || NAMED(t->csv.name[c], clock));
    if (when && *time < 0) *time = c;
    else if (k->text) return false;
    else numbers++, *value = c;
  }
  return numbers == 1 && !t->column[*value].missing && t->column[*value].std > 0;
}

// ---- text ----

// Columns that the model is told, and of them those that are dates.
static bool used(const Table *t, int c) { return c != t->target && !t->column[c].unfit; }
static bool used_date(const Table *t, int c) { return used(t, c) && t->column[c].date; }

static int64_t rows_with_holes(const Table *t) {
  int64_t holes = 0;
  for (int64_t r = 0; r < t->csv.rows; r++) {
    bool hole = false;
    for (int c = 0; c < t->csv.columns; c++) hole = hole || ((c == t->target || used(t, c)) && nc_csv_missing(nc_csv_cell(&t->csv, r, c)));
    holes += hole;
  }
  return holes;
}

// Rows are left out where few have empty cells, or what is to be predicted is missing.
static bool drops(const Table *t) { return t->column[t->target].missing || rows_with_holes(t) * 10 <= t->csv.rows; }

// Names of the columns that are chosen, in quotes and with commas between.
static void list(NcBuf *b, const Table *t, bool (*chosen)(const Table *t, int c)) {
  for (int c = 0, n = 0; c < t->csv.columns; c++) {
    if (!chosen(t, c)) continue;
    nc_put(b, n++ ? ", " : "");
    nc_print_text(b, t->csv.name[c]);
  }
}

// The column that says when: the first of dates in all rows that stay. When somebody was born says nothing of when the row was written.
static int time_of(const Table *t) {
  static const char *const other[] = {"birth", "born"};
  bool some = drops(t);
  for (int c = 0; c < t->csv.columns; c++) {
    bool when = used_date(t, c) && (some || !t->column[c].missing);
    for (size_t k = 0; k < sizeof other / sizeof *other; k++)
      for (const char *s = t->csv.name[c]; *s && when; s++) when = strncasecmp(s, other[k], strlen(other[k])) != 0;
    if (when) return c;
  }
  return -1;
}

// Where there are dates: which columns they are; the one in whose order the data is split.
static int dates(const Table *t) {
  NcBuf *b = &t->w->out;
  int any = 0, time = time_of(t);
  for (int c = 0; c < t->csv.columns; c++) any += used_date(t, c);
  if (!any) return -1;
  nc_put(b, "dates = [");
  list(b, t, used_date);
  nc_put(b, "],  # the year, and the place in the year, in the week and in the day\n");
  if (time < 0) return -1;
  nc_put(b, "time = ");
  nc_print_text(b, t->csv.name[time]);
  nc_put(b, ",\n");
  return time;
}

// What `csv` is to do about missing cells.
static void missing(const Table *t) {
  int64_t holes = rows_with_holes(t);
  if (holes)
    nc_putf(&t->w->out, "missing = \"%s\",  # rows with empty cells (%lld): %s\n", drops(t) ? "drop" : "mean", (long long)holes,
            drops(t) ? "left out" : "the column's mean over the rows of training stands there");
}

static bool source(const Table *t) {
  NcNew *w = t->w;
  NcBuf *b = &w->out;
  int features = 0;
  for (int c = 0; c < t->csv.columns; c++) features += used(t, c);
  if (!features) {
    nc_error(w->d, NC_E0406, NC_NOWHERE, "`%s` has no column from which `%s` could be told", w->path, t->csv.name[t->target]);
    return false;
  }
  nc_putf(b, "data %s_data(path: str = ", w->name);
  nc_print_text(b, w->path);
  nc_putf(b, ") {\nsource = csv(\npath,\n%s = ", t->classes ? "label" : "target");
  nc_print_text(b, t->csv.name[t->target]);
  nc_put(b, ",\n");
  int time = dates(t);
  missing(t);
  if (t->delimiter != ',') nc_putf(b, "delimiter = \"%s\",\n", t->delimiter == '\t' ? "\\t" : ";");
  if (!t->header) nc_put(b, "header = false,\n");
  for (int c = 0; c < t->csv.columns; c++)
    if (c != t->target && t->column[c].unfit) {
      nc_put(b, "# left out: ");
      nc_new_remark(b, t->csv.name[c]);
      nc_putf(b, " %s\n", t->column[c].unfit);
    }
  nc_put(b, "features = [");
  list(b, t, used);
  nc_put(b, "]\n)\n");
  if (time >= 0) nc_put(b, "split_by = time  # the test is on what came last, as it will be when the model is used\n");
  nc_put(b, "split = (train = 0.7, valid = 0.1, test = 0.2)\n}\n\n");
  return true;
}

static void model(const Table *t) {
  NcNew *w = t->w;
  NcBuf *b = &w->out;
  const Column *c = &t->column[t->target];
  int64_t n = t->csv.rows * 7 / 10, batch = nc_new_batch(n, 128);
  const char *m = w->name;
  nc_put(b, "# Texts come as a 0 or 1 for each of their values. batch_norm learns the mean and the spread of each input, so\n"
            "# nothing need be scaled by hand.\n");
  const NcNewTarget target = {.classes = t->classes, .numbers = 1, .mean = c->mean, .std = c->std};
  if (t->classes)
    nc_putf(b, "model %s_net(classes: int, hidden: int = 32)(x: f32[B, F]) -> f32[B, classes] {\n", m);
  else nc_new_begin(w, &target, "(hidden: int = 32)", "F");
  nc_putf(b, "x |> batch_norm |> dense(hidden) |> relu |> dense(hidden) |> relu |> dense(%s)", t->classes ? "classes" : "1");
  nc_new_end(w, &target);
  if (t->classes) nc_putf(b, "train %s_net(classes = %s_data.classes) on %s_data {\n", m, m, m);
  else nc_putf(b, "train %s_net on %s_data {\n", m, m);
  nc_new_loss(w, &target);
  nc_putf(b, "optimizer = adamw(cosine(5e-3))\nbatch = %lld\nepochs = %lld\nseed = 1\n}\n", (long long)batch,
          (long long)nc_new_epochs(n, batch, 2000));
}

bool nc_new_table(NcNew *w) {
  Table t = {.w = w};
  int time, value;
  if (!read_table(&t) || !nc_new_enough(w, t.csv.rows)) return false;
  t.column = NC_NEW_N(w->a, Column, t.csv.columns);
  for (int c = 0; c < t.csv.columns; c++) look(&t, c);
  if (is_series(&t, &time, &value)) return nc_new_series(w, &t.csv, t.delimiter, t.header, time, value);
  if (!choose(&t)) return false;
  nc_new_head(w, nc_sprintf(w->a, t.classes ? "rows, to tell which `%s` a row has" : "rows, to tell how much `%s` a row has", t.csv.name[t.target]), t.csv.rows);
  if (!source(&t)) return false;
  model(&t);
  return true;
}
