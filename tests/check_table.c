// Tables: CSV files, their columns, what is missing or wrong in them.
#include <stdint.h>
#include "base/file.h"
#include "data/split.h"
#include "io/date.h"
#include "sources.h"

static const char *message(void) { return diag->messages.n ? diag->messages.at[diag->messages.n - 1]->text : "(none)"; }

static const float *floats(const NcDataset *set, const char *field) { return set->data[nc_field_find(set, field)]; }
static const int32_t *ints(const NcDataset *set, const char *field) { return set->data[nc_field_find(set, field)]; }

// ---- csv ----
static const char *csv(const char *text) { return temp_write("t.csv", text, strlen(text)); }

START_TEST(test_csv) {
  const char *path = csv("a,kind,b,species\n1,red,0.5,setosa\n2,blue,-1,ada\n3,red,2e1,setosa\n4,red,0,zoe\n");
  NcDataset *s = open_good(SPEC("csv", STR(NULL, path), STR("label", "species")));
  static const char *const columns[] = {"a", "kind=blue", "kind=red", "b"};
  static const float want[16] = {1, 0, 1, 0.5f, 2, 1, 0, -1, 3, 0, 1, 20, 4, 0, 1, 0};
  static const char *const names[] = {"ada", "setosa", "zoe"};
  static const int32_t labels[] = {1, 0, 1, 2};
  ck_assert_int_eq(s->n, 4);
  ck_assert_int_eq(s->field[0].shape.dim[0], 4);
  for (int i = 0; i < 4; i++) ck_assert_str_eq(s->field[0].column[i], columns[i]);
  ck_assert_mem_eq(s->data[0], want, sizeof want);
  ck_assert_int_eq(s->field[1].classes, 3);
  for (int i = 0; i < 3; i++) ck_assert_str_eq(s->field[1].class_name[i], names[i]);
  ck_assert_mem_eq(s->data[1], labels, sizeof labels);
  s = open_good(SPEC("csv", STR(NULL, path), STR("label", "species"), STR("target", "b"), STRS("features", "a")));
  ck_assert_int_eq(s->fields, 3);
  ck_assert_int_eq(s->field[0].shape.dim[0], 1);
  ck_assert_float_eq(floats(s, "target")[2], 20);
  s = open_good(SPEC("csv", STR(NULL, path)));
  ck_assert_int_eq(s->fields, 1);
  ck_assert_int_eq(s->field[0].shape.dim[0], 7);
  s = open_good(SPEC("csv", STR(NULL, csv("1;2;7\n3;4;9\n5;6;7\n")), STR("label", "column3"), BOOL("header", false),
                     STR("delimiter", ";")));
  ck_assert_int_eq(s->n, 3);
  ck_assert_str_eq(s->field[1].class_name[1], "9");    // numbers as classes: different values in their order
  ck_assert_int_eq(ints(s, "label")[1], 1);
}
END_TEST

START_TEST(test_dates) {
  static const struct { const char *text; double days; } good[] = {
    {"2000-01-01", 0}, {"2026-11-21", 9821}, {"2026/11/21", 9821}, {"21.11.2026", 9821}, {"1.3.1900", -36465}, {"1970-1-1", -10957},
    {"2000-02-29", 59}, {"9999-12-31", 2921939}, {"0001-01-01", -730119}, {"2026-11", 9801}, {"2000-01-02 12:00", 1.5},
    {"2000-01-01T06:00:00", 0.25}, {"2000-01-01 00:00:43.2", 0.0005}, {"2000-01-01T01:00+01:00", 0}, {"2000-01-01T22:30-0130", 1},
    {"2000-01-01T12:00Z", 0.5}};
  static const char *const bad[] = {"", "2026", "2026-13-01", "2026-02-29", "1900-02-29", "2026-11-31", "0000-01-01", "26-11-21",
    "2026-11-21x", "2026-11-21 ", "2026-11-21 24:00", "2026-11-21 1:5", "2026-11/21", "21.11.26", "2026/11", "12:30", "2026-11-21 12",
    "2026-11-21 12:30.", "2026-11-21T12:00+99:00", "99999999999999-1-1", "-2026-11-21", "1.2"};
  double days;
  for (int i = 0; i < LENGTH(good); i++) {
    ck_assert_msg(nc_date(good[i].text, &days), "%s", good[i].text);
    ck_assert_double_eq_tol(days, good[i].days, 1e-9);
  }
  for (int i = 0; i < LENGTH(bad); i++) ck_assert_msg(!nc_date(bad[i], &days), "%s", bad[i]);
}
END_TEST

START_TEST(test_csv_dates) {
  const char *path = csv("when,a,y\n2000-01-01,1,5\n2001-01-01,2,6\n1.7.2000,3,7\n");
  NcSourceSpec spec = SPEC("csv", STR(NULL, path), STR("target", "y"), STRS("dates", "when"), STR("time", "when"));
  NcDataset *s = open_good(spec);
  static const char *const names[] = {"when@year", "when@year sin", "when@year cos", "when@week sin", "when@week cos", "a"};
  ck_assert_int_eq(s->field[0].shape.dim[0], 6);
  for (int i = 0; i < 6; i++) ck_assert_str_eq(s->field[0].column[i], names[i]);
  const float *x = s->data[0], *time = floats(s, "time");
  ck_assert_float_eq_tol(x[6], 366 / 365.2425f, 1e-6f);
  ck_assert_float_eq_tol(x[1], 0, 1e-6f);
  ck_assert_float_eq_tol(x[2], 1, 1e-6f);
  ck_assert(x[14] < -0.99f);                           // the middle of the year
  ck_assert(time[0] == 0 && time[1] == 366 && time[2] == 182);
  ck_assert_float_eq(floats(s, "target")[2], 7);
  int64_t rows;                                        // another file, as a network that knows the names is given it
  float *more = nc_csv_features(arena, diag, &spec, csv("a,when\n9,2001-01-01\n"), &s->field[0], &rows);
  ck_assert_msg(more != NULL, "%s", messages(diag));
  ck_assert_mem_eq(more, x + 6, 5 * sizeof *x);
  ck_assert_float_eq(more[5], 9);
  ck_assert_ptr_null(nc_csv_features(arena, diag, &spec, csv("a,when\n9,soon\n"), &s->field[0], &rows));
  expect_error(NC_E0404, "`soon` is not a date");
  s = open_good(SPEC("csv", STR(NULL, csv("when,a\n2000-01-01 06:00,1\n2000-01-02,2\n")), STRS("dates", "when")));
  ck_assert_int_eq(s->field[0].shape.dim[0], 8);       // and where it lies in the day
  ck_assert_float_eq_tol(floats(s, "x")[5], 1, 1e-6f);
  s = open_good(SPEC("csv", STR(NULL, csv("n,a\n30,1\n20,2\n")), STR("time", "n")));
  ck_assert_int_eq(s->field[0].shape.dim[0], 1);       // what is only a time is no feature
  ck_assert_float_eq(floats(s, "time")[1], 20);
  NcFields f;
  NcSourceSpec wrong = SPEC("csv", STR(NULL, csv("when,a\n2000-01-01,1\n2000-13-01,2\n")), STRS("dates", "when"));
  ck_assert(!nc_source_describe(arena, diag, &wrong, &f));
  expect_error(NC_E0404, "`2000-13-01` is not a date");
  wrong = SPEC("csv", STR(NULL, path), STRS("dates", "wen"));
  ck_assert(!nc_source_describe(arena, diag, &wrong, &f));
  expect_error(NC_E0407, "did you mean `when`?");
  wrong = SPEC("csv", STR(NULL, csv("when,a\n2000-01-01,1\n,2\n")), STR("time", "when"));
  ck_assert(!nc_source_describe(arena, diag, &wrong, &f));
  expect_error(NC_E0404, "the value is missing");
}
END_TEST

// Seconds since 1970, and times of a day long after 2000, differ by less than a float holds.
START_TEST(test_csv_order_of_time) {
  static const char *const texts[] = {"t,a\n1700000003,1\n1700000001,2\n1700000004,3\n1700000002,4\n",
                                      "t,a\n2026-11-21 10:00:03,1\n2026-11-21 10:00:01,2\n2026-11-21 10:00:04,3\n2026-11-21 10:00:02,4\n"};
  for (int k = 0; k < LENGTH(texts); k++) {
    NcDataset *s = open_good(SPEC("csv", STR(NULL, csv(texts[k])), STR("time", "t")));
    NcSplit out[2];
    NcSplitPart part[2] = {{"train", 0.5, {0}}, {"test", 0.5, {0}}};
    ck_assert(nc_split_by(arena, diag, s, "time", 1, NC_NOWHERE, part, 2, out));
    ck_assert_mem_eq(out[0].index, ((int64_t[]){1, 3, 0, 2}), 4 * sizeof(int64_t));
  }
}
END_TEST

START_TEST(test_csv_numbered) {
  const char *path = csv("x,y\n1,10\n2,9\n3,2\n4,10.0\n");
  NcDataset *s = open_good(SPEC("csv", STR(NULL, path), STR("label", "y")));
  ck_assert_int_eq(s->field[1].classes, 3);            // 2, 9, 10: by value, and 10.0 is 10
  ck_assert_int_eq(ints(s, "label")[0], 2);
  ck_assert_int_eq(ints(s, "label")[3], 2);
  s = open_good(SPEC("csv", STR(NULL, path), STR("label", "y"), INT("classes", 12)));
  ck_assert_int_eq(s->field[1].classes, 12);
  ck_assert_int_eq(ints(s, "label")[0], 10);
}
END_TEST

START_TEST(test_csv_missing) {
  const char *path = csv("a,c,y\n1,u,p\n,u,q\n5,NA,p\n6,v,?\n");
  NcSourceSpec spec = SPEC("csv", STR(NULL, path), STR("label", "y"));
  ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
  expect_error(NC_E0404, "line 3, column 1 (`a`): the value is missing");
  NcDataset *s = open_good(SPEC("csv", STR(NULL, path), STR("label", "y"), STR("missing", "drop")));
  ck_assert_int_eq(s->n, 1);
  spec = SPEC("csv", STR(NULL, path), STR("label", "y"), STR("missing", "mean"));
  ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
  expect_error(NC_E0404, "line 5, column 5 (`y`): the value is missing (`?`)");
  s = open_good(SPEC("csv", STR(NULL, path), STRS("features", "a", "c"), STR("missing", "mean")));
  static const float want[12] = {1, 1, 0, 4, 1, 0, 5, 0, 0, 6, 0, 1};
  ck_assert_int_eq(s->n, 4);
  ck_assert_mem_eq(s->data[0], want, sizeof want);
}
END_TEST

// The mean is of training's rows: of 1, 2 and 6, 3. Of dates each part has its own; of b, which is nowhere there in `train`, that of all.
START_TEST(test_holes) {
  const char *path = csv("a,b,d\n1,,2001-01-01\n2,,\n,,2003-01-01\n6,,2005-01-01\n100,7,2100-01-01\n,9,2200-01-01\n");
  NcSourceSpec spec = SPEC("csv", STR(NULL, path), STRS("dates", "d"), STR("missing", "mean"));
  NcDataset *s = open_good(spec);
  int64_t of[] = {0, 1, 2, 3}, width = s->field[0].shape.dim[0], date = 2;
  const float *x = s->data[0];
  uint64_t hash = nc_data_hash(s);
  ck_assert_float_eq(x[2 * width], 109.0f / 4);
  nc_fill_holes(arena, s, &(NcSplit){.name = "train", .index = of, .n = 4});
  ck_assert_float_eq(x[2 * width], 3);
  ck_assert_float_eq(x[5 * width], 3);
  ck_assert_float_eq(x[0 * width + 1], 8);
  ck_assert_float_eq(x[4 * width], 100);
  ck_assert_float_eq_tol(x[1 * width + date], (x[0 * width + date] + x[2 * width + date] + x[3 * width + date]) / 3, 1e-5);
  ck_assert(nc_data_hash(s) == hash);
  NcFields trained = {NC_NEW_N(arena, NcField, 1), 1, 6};       // the holes go with their columns
  trained.at[0] = s->field[0];
  NcDataset *t = open_good(SPEC("csv", STR(NULL, csv("d,b,a\n,1,2\n2001-01-01,2,\n2001-01-01,3,5\n")),
      STRS("dates", "d"), STR("missing", "mean")));
  ck_assert(nc_data_align(arena, diag, t, &trained));
  nc_fill_holes(arena, t, &(NcSplit){.name = "train", .index = (int64_t[]){2}, .n = 1});
  ck_assert_float_eq(((const float *)t->data[0])[1 * width], 5);
}
END_TEST

START_TEST(test_csv_bad) {
  const NcSetting label[] = {STR(NULL, "t.csv"), STR("label", "y")},
                  nope[] = {STR(NULL, "t.csv"), STR("label", "yeild")},
                  both[] = {STR(NULL, "t.csv"), STR("label", "y"), STRS("features", "a", "y")},
                  twice[] = {STR(NULL, "t.csv"), STRS("features", "a", "a")},
                  three[] = {STR(NULL, "t.csv"), STR("label", "y"), INT("classes", 3)},
                  target[] = {STR(NULL, "t.csv"), STR("target", "y")},
                  drop[] = {STR(NULL, "t.csv"), STR("missing", "drop")};
  const struct { const char *text; const NcSetting *s; int n; NcCode code; const char *part;
  } bad[] = {
    {"a,yield\n1,2\n", nope, 2, NC_E0407, "did you mean `yield`?"},
    {"a,y\n1,2\n", both, 3, NC_E0312, "`y` is to be predicted"},
    {"a,y\n1,2\n", twice, 2, NC_E0312, "`a` is given twice"},
    {"a,y\n1,2.5\n", label, 2, NC_E0404, "write `target = \"y\"`"},
    {"a,y\n1,3\n", three, 3, NC_E0403, "the label `3` is none of 0 to 2"},
    {"a,y\n1,u\n", three, 3, NC_E0403, "it has 1 different values, but `classes` says 3"},
    {"a,y\n1,2\nx,3\n2,2\n", target, 2, NC_E0404, "line 3, column 1 (`a`): `x` is not a number"},
    {"a,y\n1,u\n", target, 2, NC_E0404, "`u` is not a number"},
    {"y\n1\n2\n", label, 2, NC_E0406, "no column left"},
    {"a,y\nNA,1\n2,?\n", drop, 2, NC_E0406, "no row without missing values"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    csv(bad[i].text);
    NcSourceSpec s = {.kind = "csv", .setting = bad[i].s, .settings = bad[i].n, .dir = temp_dir};
    ck_assert_ptr_null(nc_source_open(arena, diag, &s));
    expect_error(bad[i].code, bad[i].part);
  }
  NcBuf b = NC_BUF(arena);
  nc_put(&b, "name,y\n");
  for (int i = 0; i < 300; i++) nc_putf(&b, "n%d,1\n", i);
  NcSourceSpec s = SPEC("csv", STR(NULL, csv(b.at)), STR("target", "y"));
  ck_assert_ptr_null(nc_source_open(arena, diag, &s));
  expect_error(NC_E0404, "column `name`: it has more than 256 different texts");
}
END_TEST

// With features and classes stated, a model can be checked where the file is not.
START_TEST(test_csv_absent) {
  NcFields f;
  NcSourceSpec s =
    SPEC("csv", STR(NULL, temp_path("no.csv")), STR("label", "y"), INT("classes", 3), STRS("features", "a", "b"));
  ck_assert(nc_source_describe(arena, diag, &s, &f));
  ck_assert_int_eq(f.n, 2);
  ck_assert_int_eq(f.at[0].shape.dim[0], 2);
  ck_assert_int_eq(f.at[1].classes, 3);
  ck_assert_int_eq(f.examples, -1);
  ck_assert_ptr_null(nc_source_open(arena, diag, &s));
  expect_error(NC_E0401, "No such file");
  s = SPEC("csv", STR(NULL, temp_path("no.csv")), STR("label", "y"), STRS("features", "a", "b"));
  ck_assert(!nc_source_describe(arena, diag, &s, &f));
  expect_error(NC_E0401, "No such file");
}
END_TEST

START_TEST(test_csv_features) {
  NcDataset *s = open_good(SPEC("csv", STR(NULL, csv("a,k\n1,u\n2,v=w\n")), STR("missing", "mean")));
  int64_t rows;
  NcSourceSpec like = SPEC("csv", STR(NULL, "gone.csv"));
  const char *path = temp_write("new.csv", "k,z,a\nv=w,9,5\nu,9,6\n", 19);
  float *x = nc_csv_features(arena, diag, &like, path, &s->field[0], &rows);
  static const float want[6] = {5, 0, 1, 6, 1, 0};
  ck_assert_int_eq(rows, 2);
  ck_assert_mem_eq(x, want, sizeof want);
  ck_assert_ptr_null(nc_csv_features(arena, diag, &like, csv("k,a\nnew,1\n"), &s->field[0], &rows));
  expect_error(NC_E0404, "`new` is none of the texts");
  ck_assert_ptr_null(nc_csv_features(arena, diag, &like, csv("k,a\nu,\n"), &s->field[0], &rows));
  expect_error(NC_E0404, "the value is missing");
  ck_assert_ptr_null(nc_csv_features(arena, diag, &like, csv("k,b\nu,1\n"), &s->field[0], &rows));
  expect_error(NC_E0407, "no column for the feature `a`");
  like = SPEC("csv", STR(NULL, "gone.csv"), STR("delimiter", ";"));
  x = nc_csv_features(arena, diag, &like, csv("k;a\nu;7\n"), &s->field[0], &rows);
  ck_assert_int_eq(rows, 1);
  ck_assert_float_eq(x[0], 7);
}
END_TEST

START_TEST(test_align) {
  NcDataset *s = open_good(SPEC("csv", STR(NULL, csv("a,k,y\n1,u,p\n2,v,q\n3,w,r\n")), STR("label", "y")));
  NcFields trained = {s->field, s->fields, s->n};
  NcDataset *t = open_good(SPEC("csv", STR(NULL, csv("y,z,k,a\nr,5,v,8\nq,6,v,9\n")), STR("label", "y")));
  ck_assert(nc_data_align(arena, diag, t, &trained));
  static const float want[8] = {8, 0, 1, 0, 9, 0, 1, 0};
  ck_assert_int_eq(t->field[0].shape.dim[0], 4);
  ck_assert_mem_eq(t->data[0], want, sizeof want);
  ck_assert_int_eq(ints(t, "label")[0], 2);
  ck_assert_int_eq(ints(t, "label")[1], 1);
  ck_assert_int_eq(t->field[1].classes, 3);
  ck_assert(nc_data_check(diag, t));
  static const struct { const char *text; NcCode code; const char *part; } bad[] = {
    {"a,k,y\n1,u,pp\n", NC_E0403, "the class `pp`, which training did not know"}, {"a,k,y\n1,t,p\n", NC_E0404, "`k=t`"},
    {"k,y\nu,p\n", NC_E0407, "no column for the feature `a`"}, {"a,y\n1,p\n", NC_E0407, "no column for the feature `k=u`"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    t = open_good(SPEC("csv", STR(NULL, csv(bad[i].text)), STR("label", "y")));
    ck_assert(!nc_data_align(arena, diag, t, &trained));
    expect_error(bad[i].code, bad[i].part);
  }
  t = open_good(SPEC("csv", STR(NULL, csv("a,k,y\n1,u,p\n"))));
  ck_assert(!nc_data_align(arena, diag, t, &trained));
  expect_error(NC_E0405, "training had a field `label` of type i32[], but here there is none");
}
END_TEST

// ---- tables of any cells; too little memory ----
static uint32_t next(uint32_t *s) { return *s = *s * 1664525 + 1013904223, *s >> 8; }

START_TEST(test_csv_any) {
  static const char *const cells[] = {
    "1", "2.5", "x", "y", "NA", "", "\"q\"\"\"", "1e400", "-0", "3", "7", "\"two\nlines\"", "?", " 4 "};
  static const char *const policies[] = {"error", "drop", "mean"};
  uint32_t r = 77;
  int opened = 0, rounds = 3000;
  for (int k = 0; k < rounds; k++) {
    nc_arena_free(arena);
    arena = nc_arena_new();
    diag = nc_diag_new(arena);
    NcBuf b = NC_BUF(arena);
    int columns = 2 + (int)(next(&r) % 3), rows = 1 + (int)(next(&r) % 6), some = 2 + (int)(next(&r) % 12);
    nc_put(&b, &"c1,c2,c3,c4"[(4 - columns) * 3]);
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < columns; j++) nc_putf(&b, "%s%s", j ? "," : "\n", cells[next(&r) % (uint32_t)some]);
    const char *which = next(&r) % 2 ? "label" : "target", *policy = policies[next(&r) % 3];
    NcSourceSpec spec = SPEC("csv", STR(NULL, csv(b.at)), STR(which, "c4"), STR("missing", policy));
    NcDataset *s = nc_source_open(arena, diag, &spec);
    ck_assert_msg((s != NULL) == (diag->errors == 0), "%s\n%s", b.at, message());
    if (!s) continue;
    opened++;
    ck_assert_int_le(s->n, rows);
    if (which[0] == 'l') ck_assert(nc_data_check_labels(diag, s, 1, s->field[1].classes, 0, NULL));
    int64_t width = s->field[0].shape.dim[0];
    for (int64_t i = 0; i < s->n * width; i++) {
      const char *eq = strchr(s->field[0].column[i % width], '=');
      float v = floats(s, "x")[i];
      ck_assert(!isnan(v) && (!eq || v == 0 || v == 1));
    }
  }
  ck_assert_int_gt(opened, rounds / 10);
  ck_assert_int_lt(opened, rounds);
}
END_TEST

// The n-th allocation fails, for every n until all goes well: a jump out, nothing lost (a sanitizer would tell).

// ---- the pages of the errors: the file shown as wrong has its error, the mended one has none ----
static const char *fenced(const char *page, const char *heading) {
  const char *p = strstr(page, heading), *end;
  p = p ? strstr(p, "```csv\n") : NULL;
  end = p ? strstr(p + 7, "```") : NULL;
  return end ? nc_strndup(arena, p + 7, (size_t)(end - p - 7)) : NULL;
}

START_TEST(test_pages) {
  static const char *const pages[] = {"E0402", "E0404", "E0406", "E0407"};
  const char *root = getenv("srcdir");
  for (int i = 0; i < 4; i++) {
    const char *path = nc_sprintf(arena, "%s/docs/errors/%s.md", root && *root ? root : ".", pages[i]);
    char *page = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, NULL);
    ck_assert_msg(page != NULL, "%s", message());
    const char *wrong = fenced(page, "## Wrong"), *mended = fenced(page, "## Mended");
    ck_assert_ptr_nonnull(wrong);
    ck_assert_ptr_nonnull(mended);
    NcCode code;
    ck_assert(nc_code_find(pages[i], &code));
    ck_assert_int_eq(strncmp(page + 9, nc_code_title(code), strlen(nc_code_title(code))), 0);
    NcSourceSpec spec = SPEC("csv", STR(NULL, csv(wrong)), STR("label", "species"));
    ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
    expect_error(code, "");
    csv(mended);
    open_good(spec);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("table");
  TCase *c = suite_case(s, "table", temp_open, temp_close);
  tcase_add_test(c, test_csv);
  tcase_add_test(c, test_dates);
  tcase_add_test(c, test_csv_dates);
  tcase_add_test(c, test_csv_order_of_time);
  tcase_add_test(c, test_csv_numbered);
  tcase_add_test(c, test_csv_missing);
  tcase_add_test(c, test_holes);
  tcase_add_test(c, test_csv_bad);
  tcase_add_test(c, test_csv_absent);
  tcase_add_test(c, test_csv_features);
  tcase_add_test(c, test_align);
  tcase_add_test(c, test_csv_any);
  tcase_add_test(c, test_pages);
  return suite_run(s, CK_FORK_GETENV);
}
