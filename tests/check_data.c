// Data sources, splits and the loader.
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include "base/file.h"
#include "base/map.h"
#include "data/loader.h"
#include "data/split.h"
#include "io/npy.h"
#include "sources.h"

static const char *message(void) { return diag->messages.n ? diag->messages.at[diag->messages.n - 1]->text : "(none)"; }

static const float *floats(const NcDataset *set, const char *field) { return set->data[nc_field_find(set, field)]; }
static const int32_t *ints(const NcDataset *set, const char *field) { return set->data[nc_field_find(set, field)]; }

START_TEST(test_table) {
  for (int i = 0; i < nc_source_count(); i++) {
    const NcSourceInfo *s = nc_source_info(i);
    ck_assert_ptr_eq(nc_source_find(s->name), s);
    NcBuf b = NC_BUF(arena);
    nc_source_explain(&b, s);
    for (int k = 0; k < s->settings; k++) {
      ck_assert_ptr_nonnull(strstr(nc_buf_str(&b), s->setting[k].name));
      ck_assert_int_gt(strlen(s->setting[k].doc), 0);
      for (int j = 0; j < k; j++) ck_assert_str_ne(s->setting[j].name, s->setting[k].name);
    }
  }
  ck_assert_ptr_null(nc_source_find("nothing"));
}
END_TEST

START_TEST(test_settings) {
  NcFields f;
  const NcSetting typo[] = {INT("clases", 3)}, far[] = {INT("zzzzzz", 3)}, kind[] = {STR("n", "3")},
                  real[] = {FLOAT("n", 3.5)}, low[] = {INT("n", 0)}, nan_[] = {FLOAT("noise", NAN)},
                  twice[] = {INT("n", 3), INT("n", 4)}, many[] = {INT(NULL, 3)},
                  choice[] = {STR("path", "x"), STR("missing", "maybe")}, field[] = {INT("image", 3)},
                  again[] = {STR("a", "x"), STR("a", "y")},
                  names[] = {STR("label", "x"), INT("classes", 3), STRS("class_names", "a", "b")},
                  sep[] = {STR("path", "x"), STR("delimiter", ",,")}, good[] = {INT("noise", 0), INT("n", 7)};
  const struct { const char *source; const NcSetting *s; int n; NcCode code; const char *part;
  } bad[] = {
    {"spirall", NULL, 0, NC_E0301, "did you mean `spiral`?"},
    {"tfrecord", NULL, 0, NC_E0301, "there is no source `tfrecord`"},
    {"spiral", typo, 1, NC_E0311, "did you mean `classes`?"},
    {"spiral", far, 1, NC_E0311, "it has: n, noise, classes, turns, seed"},
    {"spiral", kind, 1, NC_E0312, "`n` must be a whole number"},
    {"spiral", real, 1, NC_E0312, "`n` must be a whole number"},
    {"spiral", low, 1, NC_E0312, "`n` must lie between 1 and"},
    {"spiral", nan_, 1, NC_E0312, "`noise` must lie between"},
    {"spiral", twice, 2, NC_E0302, "`n` is given twice"},
    {"spiral", many, 1, NC_E0305, "by name"},
    {"csv", NULL, 0, NC_E0310, "needs the setting `path`"},
    {"csv", choice, 2, NC_E0312, "it is one of: error drop mean"},
    {"csv", sep, 2, NC_E0312, "one character"},
    {"idx", NULL, 0, NC_E0310, "names no field"},
    {"idx", field, 1, NC_E0312, "`image` must be a text"},
    {"npy", again, 2, NC_E0302, "`a` is given twice"},
    {"idx", names, 3, NC_E0312, "`class_names` has 2 names, but `classes` says 3"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    NcSourceSpec s = {.kind = bad[i].source, .setting = bad[i].s, .settings = bad[i].n};
    ck_assert(!nc_source_describe(arena, diag, &s, &f));
    expect_error(bad[i].code, bad[i].part);
    ck_assert_ptr_null(nc_source_open(arena, diag, &s));
    expect_error(bad[i].code, bad[i].part);
  }
  NcSourceSpec s = {.kind = "spiral", .setting = good, .settings = 2};       // a whole number serves as a number
  ck_assert(nc_source_describe(arena, diag, &s, &f));
  ck_assert_int_eq(f.examples, 7);
}
END_TEST

// ---- generated ----
static const char *const generated[] = {"spiral", "circle", "xor", "gauss", "moons", "plane", "digits"};

START_TEST(test_generated) {
  const char *kind = generated[_i];
  NcDataset *a = open_good(SPEC(kind, INT("n", 400))), *b = open_good(SPEC(kind, INT("n", 400))),
            *c = open_good(SPEC(kind, INT("n", 400), INT("seed", 1))), *more = open_good(SPEC(kind, INT("n", 500)));
  ck_assert_int_eq(a->n, 400);
  ck_assert(nc_data_hash(a) == nc_data_hash(b));
  ck_assert(nc_data_hash(a) != nc_data_hash(c));
  ck_assert_mem_eq(a->data[0], more->data[0], 400 * nc_field_bytes(&a->field[0]));   // an example does not depend on n
  ck_assert(nc_data_check(diag, a));
  nc_data_warn(diag, a);
  ck_assert_int_eq(diag->messages.n, 0);
  if (nc_field_find(a, "label") < 0) return;
  int64_t classes = a->field[1].classes;
  int count[100] = {0};
  for (int i = 0; i < 400; i++) count[ints(a, "label")[i]]++;
  for (int k = 0; k < classes; k++) ck_assert_int_eq(count[k], 400 / classes);
}
END_TEST

START_TEST(test_shapes) {
  NcDataset *s = open_good(SPEC("plane", INT("noise", 0), INT("n", 100)));
  const float *x = floats(s, "x");
  for (int i = 0; i < 100; i++)
    ck_assert_float_eq_tol(floats(s, "target")[i], 0.5f * x[2 * i] - 0.25f * x[2 * i + 1] + 0.1f, 1e-6f);
  s = open_good(SPEC("xor", INT("noise", 0), INT("n", 100)));
  x = floats(s, "x");
  for (int i = 0; i < 100; i++) ck_assert_int_eq(ints(s, "label")[i], (x[2 * i] > 0) != (x[2 * i + 1] > 0));
  s = open_good(SPEC("circle", INT("noise", 0), INT("n", 300), INT("classes", 3)));
  x = floats(s, "x");
  for (int i = 0; i < 300; i++) {
    double r = hypot(x[2 * i], x[2 * i + 1]) / 0.6;
    ck_assert_int_eq(ints(s, "label")[i], (int)(r / 2));
    ck_assert_double_le(fmod(r, 2), 1 + 1e-6);
  }
  s = open_good(SPEC("spiral", INT("noise", 0), INT("n", 300), INT("classes", 3), FLOAT("turns", 1.5)));
  x = floats(s, "x");
  for (int i = 0; i < 300; i++) {
    double t = (hypot(x[2 * i], x[2 * i + 1]) - 0.2) / 2.8, angle = atan2(x[2 * i + 1], x[2 * i]) / 6.283185307179586;
    double arm = (angle - 1.5 * t) * 3 + 30;
    ck_assert_double_eq_tol(fmod(arm + 1e-3, 3), ints(s, "label")[i], 2e-3);
  }
}
END_TEST

// Drawn digits can be told apart by their nearest neighbour in another sample, and are not the same picture over again.
START_TEST(test_digits) {
  NcDataset *known = open_good(SPEC("digits", INT("n", 1500))),
            *asked = open_good(SPEC("digits", INT("n", 200), INT("seed", 5)));
  ck_assert_str_eq(nc_type_str(arena, (NcType){known->field[0].dtype, known->field[0].shape}), "u8[28,28]");
  const unsigned char *a = known->data[0], *b = asked->data[0];
  int hits = 0;
  for (int i = 0; i < 200; i++) {
    long best = LONG_MAX, at = 0;
    for (int k = 0; k < 1500; k++) {
      int d = 0;
      for (int p = 0; p < 784; p++) d += (a[k * 784 + p] - b[i * 784 + p]) * (a[k * 784 + p] - b[i * 784 + p]);
      if (d < best) { best = d; at = k; }
    }
    ck_assert_int_gt(best, 100000);
    hits += ints(known, "label")[at] == ints(asked, "label")[i];
  }
  ck_assert_int_gt(hits, 170);
  int ink = 0;
  for (int i = 0; i < 200 * 784; i++) ink += b[i] > 128;
  ck_assert_int_gt(ink, 200 * 784 / 20);
  ck_assert_int_lt(ink, 200 * 784 / 4);
}
END_TEST

// ---- idx and npy ----
static const char *idx_file(const char *name, int n, int side, int shift) {
  unsigned char b[5000] = {0, 0, 8, (unsigned char)(side ? 3 : 1), 0, 0, 0, (unsigned char)n,
                           0, 0, 0, (unsigned char)side,           0, 0, 0, (unsigned char)side};
  int head = side ? 16 : 8, each = side ? side * side : 1;
  if (!side) memset(b + 8, 0, 8);
  for (int i = 0; i < n * each; i++) b[head + i] = (unsigned char)(i / each + shift);
  return temp_write(name, b, (size_t)(head + n * each));
}

START_TEST(test_idx) {
  const char *image = idx_file("image", 5, 3, 10), *label = idx_file("label", 5, 0, 2),
             *other = idx_file("other", 4, 0, 0);
  NcDataset *s = open_good(SPEC("idx", STR("image", image), STR("label", label)));
  ck_assert_int_eq(s->field[0].dtype, NC_U8);
  ck_assert_int_eq(s->field[1].dtype, NC_I32);
  ck_assert_int_eq(s->field[1].classes, 7);
  for (int i = 0; i < 5; i++) {
    ck_assert_int_eq(((const unsigned char *)nc_field_at(s, 0, i))[8], i + 10);
    ck_assert_int_eq(ints(s, "label")[i], i + 2);
  }
  s = open_good(SPEC("idx", STR("label", label), INT("classes", 10)));
  ck_assert_int_eq(s->field[0].classes, 10);
  ck_assert(nc_data_check(diag, s));
  s = open_good(SPEC("idx", STR("label", label), STRS("class_names", "a", "b", "c")));
  ck_assert_int_eq(s->field[0].classes, 3);
  ck_assert_str_eq(s->field[0].class_name[2], "c");
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0403, "`label` of example 1 is 3, but there are 3 classes, 0 to 2");
  NcFields f;
  NcSourceSpec spec = SPEC("idx", STR("image", image), STR("label", other));
  ck_assert(!nc_source_describe(arena, diag, &spec, &f));
  expect_error(NC_E0405, "`label` has 4 examples, but `image` has 5");
  spec = SPEC("idx", STR("image", "image"), STR("label", "label"));
  spec.dir = temp_dir;
  ck_assert_int_eq(open_good(spec)->n, 5);
}
END_TEST

START_TEST(test_npy) {
  float x[6] = {1, 2, 3, 4, 5, 6};
  int64_t y[3] = {0, 2, 1}, wide[2] = {1, (int64_t)1 << 40}, tokens[6] = {5, 4, 3, 2, 1, 0};
  ck_assert(nc_npy_write(diag, temp_path("x"), (NcType){NC_F32, {2, {3, 2}}}, x));
  ck_assert(nc_npy_write(diag, temp_path("y"), (NcType){NC_I64, {1, {3}}}, y));
  ck_assert(nc_npy_write(diag, temp_path("t"), (NcType){NC_I64, {2, {3, 2}}}, tokens));
  ck_assert(nc_npy_write(diag, temp_path("w"), (NcType){NC_I64, {1, {2}}}, wide));
  ck_assert(nc_npy_write(diag, temp_path("s"), (NcType){NC_F32, {0, {0}}}, x));
  ck_assert(nc_npy_write(diag, temp_path("none"), (NcType){NC_F32, {2, {0, 4}}}, x));
  NcDataset *s =
    open_good(SPEC("npy", STR("x", temp_path("x")), STR("label", temp_path("y")), STR("tok", temp_path("t"))));
  ck_assert_int_eq(s->n, 3);
  ck_assert_mem_eq(s->data[0], x, sizeof x);
  ck_assert_int_eq(s->field[1].classes, 3);
  ck_assert_int_eq(ints(s, "label")[1], 2);
  ck_assert_int_eq(s->field[2].dtype, NC_I32);
  ck_assert_int_eq(s->field[2].classes, 0);
  ck_assert_int_eq(ints(s, "tok")[5], 0);
  static const struct { const char *name; NcCode code; const char *part;
  } bad[] = {
    {"w", NC_E0404, "holds 1099511627776 (element 1)"},
    {"s", NC_E0402, "holds a single number"},
    {"none", NC_E0406, "has no examples"},
  };
  for (int i = 0; i < 3; i++) {
    NcSourceSpec spec = SPEC("npy", STR("f", temp_path(bad[i].name)));
    ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
    expect_error(bad[i].code, bad[i].part);
  }
}
END_TEST

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

// ---- text ----
START_TEST(test_text) {
  const char *path = temp_write("t", "b\xc3\xa4\xe2\x82\xac" "a\nab", 10);     // b ä € a newline a b
  NcDataset *s = open_good(SPEC("text", STR(NULL, path), INT("window", 3)));
  static const int32_t want[7] = {2, 3, 4, 1, 0, 1, 2};
  ck_assert_int_eq(s->n, 3);
  ck_assert_int_eq(s->windows.stride, 2);
  ck_assert_int_eq(nc_field_values(s, 0), 7);
  ck_assert_int_eq(s->field[0].classes, 5);
  ck_assert_str_eq(s->field[0].class_name[4], "\xe2\x82\xac");
  ck_assert_str_eq(s->field[0].class_name[0], "\n");
  ck_assert_mem_eq(s->data[0], want, sizeof want);
  ck_assert(nc_data_check(diag, s));
  s = open_good(SPEC("text", STR(NULL, path), INT("window", 2), INT("stride", 5)));
  ck_assert_int_eq(s->n, 2);
  ck_assert_mem_eq(nc_field_at(s, 0, 5), want + 5, 8);
  s = open_good(SPEC("text", STR(NULL, path), INT("window", 10), STR("tokens", "bytes")));
  ck_assert_int_eq(s->field[0].classes, 256);
  ck_assert_int_eq(ints(s, "tok")[1], 0xc3);
  NcSourceSpec spec = SPEC("text", STR(NULL, path), INT("window", 8));
  ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
  expect_error(NC_E0406, "has 7 tokens, fewer than one window of 8");
  static const char *const broken[] = {"ab\xff",         "ab\xc3", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xf4\x90\x80\x80",
                                       "ab\xe0\x80\x80", "ab\x80"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    spec = SPEC("text", STR(NULL, temp_write("t", broken[i], strlen(broken[i]))), INT("window", 2));
    ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
    expect_error(NC_E0402, "is no UTF-8 text: byte 2 is");
  }
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
START_TEST(test_memory) {
  const char *table = csv("a,k,y\n1,u,p\n2,v,q\n"), *label = idx_file("label", 5, 0, 2);
  const NcSetting of_csv[] = {STR(NULL, table), STR("label", "y")}, of_idx[] = {STR("label", label)},
    of_text[] = {STR(NULL, table), INT("window", 4)}, of_none[] = {STR(NULL, "labl")};
  const struct { const char *kind; const NcSetting *s; int n; } source[] = {
    {"csv", of_csv, 2}, {"idx", of_idx, 1}, {"text", of_text, 2}, {"digits", NULL, 0}, {"csv", of_none, 1}};
  for (int k = 0; k < 5; k++) {
    volatile int failed = 0;
    volatile bool done = false;
    while (!done) {
      nc_arena_free(arena);
      arena = nc_arena_new();
      if (NC_ON_OOM(arena)) {
        failed++;
        continue;
      }
      diag = nc_diag_new(arena);
      NcSourceSpec spec = {
        .kind = source[k].kind, .setting = source[k].s, .settings = source[k].n, .dir = k == 4 ? temp_dir : NULL};
      nc_arena_fail_after(arena, failed + 1);
      NcDataset *s = nc_source_open(arena, diag, &spec);
      nc_arena_fail_after(arena, 0);
      ck_assert_int_eq(s != NULL, k < 4);
      done = true;
    }
    ck_assert_int_gt(failed, 5);
  }
}
END_TEST

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

// ---- checks ----
static NcDataset *by_hand(float *x, int32_t *y, int64_t n, int64_t classes) {
  NcDataset *s = NC_NEW(arena, NcDataset);
  static const char *const column[] = {"p", "q"};
  s->n = n;
  s->fields = 2;
  s->field = NC_NEW_N(arena, NcField, 2);
  s->field[0] = (NcField){.name = "x", .dtype = NC_F32, .shape = NC_SHAPE(2), .column = column};
  s->field[1] = (NcField){.name = "label", .dtype = NC_I32, .classes = classes};
  s->data = NC_NEW_N(arena, void *, 2);
  s->data[0] = x;
  s->data[1] = y;
  s->origin = NC_NEW_N(arena, const char *, 2);
  return s;
}

START_TEST(test_check) {
  float x[6] = {1, 2, 3, NAN, 5, 6};
  int32_t y[3] = {0, 1, 2};
  NcDataset *s = by_hand(x, y, 3, 3);
  uint64_t before = nc_data_hash(s);
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0404, "`x` of example 1, column `q`, is not a number (NaN)");
  x[3] = INFINITY;
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0404, "is infinite");
  x[3] = 4;
  ck_assert(nc_data_hash(s) != before);
  ck_assert(nc_data_check(diag, s));
  y[1] = 3;
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0403, "labels start at 0");
  y[1] = -1;
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0403, "`label` of example 1 is -1");
  y[1] = 1;
  ck_assert(nc_data_check_labels(diag, s, 1, 3, 0, NULL));
  ck_assert(nc_data_check_labels(diag, s, 1, 2, 1, (double[]){2}));
  ck_assert(!nc_data_check_labels(diag, s, 1, 2, 1, (double[]){-1}));
  expect_error(NC_E0403, "`label` of example 2 is 2, but there are 2 classes");
  x[2] = x[4] = x[0];
  s->field[1].classes = 5;
  nc_data_warn(diag, s);
  ck_assert_int_eq(diag->messages.n, 2);
  ck_assert_int_eq(diag->errors, 0);
  ck_assert_str_eq(diag->messages.at[0]->text, "the column `p` has the same value in all examples");
  ck_assert_str_eq(diag->messages.at[1]->text, "2 of the 5 classes of `label` have no example, the first is 3");
}
END_TEST

// ---- split ----
START_TEST(test_split) {
  static const NcSplitPart part[] = {{"train", 0.8, {0}}, {"valid", 0.1, {0}}, {"test", 0.1, {0}}};
  static const int64_t size[][4] = {
    {10000, 8000, 1000, 1000}, {150, 120, 15, 15}, {333, 266, 34, 33}, {10, 8, 1, 1}, {5, 4, 1, 0}};
  NcSplit out[3], again[3];
  for (int k = 0; k < 5; k++) {
    int64_t n = size[k][0];
    bool good = nc_split(arena, diag, n, 42, NC_NOWHERE, part, 3, out);
    ck_assert_int_eq(good, size[k][3] > 0);
    if (!good) {
      expect_error(NC_E0406, "`test` gets no example: 0.1 of 5");
      continue;
    }
    char *seen = nc_alloc(arena, (size_t)n);
    for (int i = 0; i < 3; i++) {
      ck_assert_int_eq(out[i].n, size[k][i + 1]);
      for (int64_t j = 0; j < out[i].n; j++) ck_assert_int_eq(seen[out[i].index[j]]++, 0);
    }
    ck_assert(nc_split(arena, diag, n, 42, NC_NOWHERE, part, 3, again));
    ck_assert_mem_eq(out[0].index, again[0].index, (size_t)out[0].n * sizeof(int64_t));
    ck_assert(nc_split(arena, diag, n, 43, NC_NOWHERE, part, 3, again));
    ck_assert_mem_ne(out[0].index, again[0].index, (size_t)out[0].n * sizeof(int64_t));
  }
  static const NcSplitPart some[] = {{"a", 0.3, {0}}, {"b", 0.3, {0}}}, over[] = {{"a", 0.7, {0}}, {"b", 0.4, {0}}},
    zero[] = {{"a", 0, {0}}}, nan_[] = {{"a", NAN, {0}}}, twice[] = {{"a", 0.5, {0}}, {"a", 0.5, {0}}};
  ck_assert(nc_split(arena, diag, 10, 1, NC_NOWHERE, some, 2, out));
  ck_assert_int_eq(out[0].n + out[1].n, 6);
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, over, 2, out));
  expect_error(NC_E0312, "add up to 1.1");
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, zero, 1, out));
  expect_error(NC_E0312, "`a` is 0 of the examples");
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, nan_, 1, out));
  expect_error(NC_E0312, "`a` is nan");
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, twice, 2, out));
  expect_error(NC_E0302, "two parts named `a`");
}
END_TEST

// Every element comes to every place equally often: 36 cells of 1000 expected, chi-squared with 25 degrees of freedom.
START_TEST(test_shuffle) {
  int count[6][6] = {{0}};
  for (uint64_t s = 0; s < 6000; s++) {
    int64_t order[6] = {0, 1, 2, 3, 4, 5};
    nc_shuffle(order, 6, 9, s);
    for (int i = 0; i < 6; i++) count[i][order[i]]++;
  }
  double chi = 0;
  for (int i = 0; i < 36; i++) chi += (count[i / 6][i % 6] - 1000.0) * (count[i / 6][i % 6] - 1000.0) / 1000;
  ck_assert_double_lt(chi, 52.6);                      // passed by 999 of 1000 fair ones; ours is fixed
  ck_assert_double_gt(chi, 8.6);
}
END_TEST

// ---- loader ----
static NcDataset *numbered(int64_t n) {
  float *x = NC_NEW_N(arena, float, 2 * n);
  int32_t *y = NC_NEW_N(arena, int32_t, n);
  for (int64_t i = 0; i < n; i++) {
    x[2 * i] = (float)i;
    x[2 * i + 1] = -(float)i;
    y[i] = (int32_t)i;
  }
  return by_hand(x, y, n, n);
}

static void true_batch(const NcBatch *b, int64_t size) {
  for (int64_t i = 0; i < size; i++) {
    ck_assert_float_eq(((float *)b->field[0])[2 * i], (float)b->index[i]);
    ck_assert_float_eq(((float *)b->field[0])[2 * i + 1], -(float)b->index[i]);
    ck_assert_int_eq(((int32_t *)b->field[1])[i], b->index[i]);
  }
}

static const int thread_counts[] = {-1, 0, 1, 2, 5};

START_TEST(test_loader_train) {
  enum { N = 103, BATCH = 10, EPOCHS = 4 };
  NcDataset *s = numbered(N);
  NcLoaderOptions o = {.data = s, .batch = BATCH, .seed = 3, .train = true, .threads = thread_counts[_i]};
  NcLoader *l = nc_loader_new(diag, &o);
  ck_assert_ptr_nonnull(l);
  ck_assert_int_eq(nc_loader_batches(l), 10);
  int64_t order[EPOCHS][N];
  NcBatch b;
  for (int e = 0; e < EPOCHS; e++) {
    char seen[N] = {0};
    for (int k = 0; k < 10; k++) {
      nc_loader_next(l, &b);
      ck_assert_int_eq(b.epoch, e);
      ck_assert_int_eq(b.number, k);
      ck_assert_int_eq(b.count, BATCH);
      true_batch(&b, BATCH);
      for (int i = 0; i < BATCH; i++) {
        order[e][k * BATCH + i] = b.index[i];
        ck_assert_int_eq(seen[b.index[i]]++, 0);
      }
    }
    for (int f = 0; f < e; f++) ck_assert_mem_ne(order[e], order[f], 100 * sizeof(int64_t));
  }
  for (int e = EPOCHS - 1; e >= 0; e--) {              // any place can be sought, and gives the same again
    int k = (e * 7 + 3) % 10;
    nc_loader_seek(l, e, k);
    nc_loader_next(l, &b);
    ck_assert_int_eq(b.epoch, e);
    ck_assert_int_eq(b.number, k);
    ck_assert_mem_eq(b.index, order[e] + k * BATCH, BATCH * sizeof(int64_t));
    true_batch(&b, BATCH);
  }
  nc_loader_free(l);
}
END_TEST

START_TEST(test_loader_eval) {
  NcDataset *s = numbered(50);
  int64_t index[23];
  for (int i = 0; i < 23; i++) index[i] = 49 - 2 * i;
  NcLoaderOptions o = {.data = s, .index = index, .n = 23, .batch = 10, .threads = thread_counts[_i]};
  NcLoader *l = nc_loader_new(diag, &o);
  ck_assert_int_eq(nc_loader_batches(l), 3);
  for (int k = 0; k < 7; k++) {
    NcBatch b;
    nc_loader_next(l, &b);
    ck_assert_int_eq(b.epoch, k / 3);
    ck_assert_int_eq(b.count, k % 3 == 2 ? 3 : 10);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(b.index[i], index[k % 3 * 10 + (i < b.count ? i : (int)b.count - 1)]);
    true_batch(&b, 10);
  }
  nc_loader_free(l);
}
END_TEST

// A batch stays as it is until the keep-th further call, however far the threads run ahead.
START_TEST(test_loader_keep) {
  NcDataset *s = numbered(64);
  for (int keep = 1; keep <= 3; keep++) {
    NcLoaderOptions o = {
      .data = s, .batch = 4, .seed = 1, .train = true, .threads = thread_counts[_i], .keep = keep, .ahead = 3};
    NcLoader *l = nc_loader_new(diag, &o);
    NcBatch b[400];
    int64_t index[400][4];
    for (int k = 0; k < 400; k++) {
      nc_loader_next(l, &b[k]);
      memcpy(index[k], b[k].index, sizeof index[k]);
      if (k % 37 == 0) usleep(200);
      for (int j = k - keep + 1; j <= k; j++) {
        if (j < k / 100 * 100) continue;               // a seek makes earlier ones invalid
        ck_assert_mem_eq(b[j].index, index[j], sizeof index[j]);
        true_batch(&b[j], 4);
      }
      if (k % 100 == 99) nc_loader_seek(l, k, 0);      // with the threads in full run
    }
    nc_loader_free(l);
  }
}
END_TEST

START_TEST(test_loader_fields) {
  NcDataset *s = numbered(20);
  int field[] = {1};
  NcLoaderOptions o = {.data = s, .batch = 5, .field = field, .fields = 1, .train = true};
  NcLoader *l = nc_loader_new(diag, &o);
  NcBatch b;
  nc_loader_next(l, &b);
  ck_assert_uint_eq((uintptr_t)b.field[0] % 64, 0);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(((int32_t *)b.field[0])[i], b.index[i]);
  nc_loader_free(l);
  for (int k = 0; k < 20; k++) nc_loader_free(nc_loader_new(diag, &o));    // freed while its threads begin
  nc_loader_free(NULL);
  o.batch = 21;
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0406, "`batch = 20` would work");
  o.train = false;
  l = nc_loader_new(diag, &o);
  ck_assert_int_eq(nc_loader_batches(l), 1);
  nc_loader_free(l);
  o.batch = 0;
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0312, "at least one example");
  o.batch = INT64_MAX / 16;
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0312, "more than a data set can have");
  int64_t none[1];
  o = (NcLoaderOptions){.data = s, .index = none, .n = 0, .batch = 1};
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0406, "there are 0 examples");
}
END_TEST

int main(void) {
  Suite *s = suite_create("data");
  TCase *c = suite_case(s, "data", temp_open, temp_close);
  tcase_add_test(c, test_table);
  tcase_add_test(c, test_settings);
  tcase_add_loop_test(c, test_generated, 0, sizeof generated / sizeof *generated);
  tcase_add_test(c, test_shapes);
  tcase_add_test(c, test_digits);
  tcase_add_test(c, test_idx);
  tcase_add_test(c, test_npy);
  tcase_add_test(c, test_csv);
  tcase_add_test(c, test_csv_numbered);
  tcase_add_test(c, test_csv_missing);
  tcase_add_test(c, test_csv_bad);
  tcase_add_test(c, test_csv_absent);
  tcase_add_test(c, test_csv_features);
  tcase_add_test(c, test_align);
  tcase_add_test(c, test_text);
  tcase_add_test(c, test_csv_any);
  tcase_add_test(c, test_memory);
  tcase_add_test(c, test_pages);
  tcase_add_test(c, test_check);
  tcase_add_test(c, test_split);
  tcase_add_test(c, test_shuffle);
  tcase_add_loop_test(c, test_loader_train, 0, 5);
  tcase_add_loop_test(c, test_loader_eval, 0, 5);
  tcase_add_loop_test(c, test_loader_keep, 0, 5);
  tcase_add_test(c, test_loader_fields);
  return suite_run(s, CK_FORK_GETENV);
}
