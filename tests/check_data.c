// Data sources: their table and settings, what is generated, arrays from files, text.
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include "base/file.h"
#include "base/map.h"
#include "data/loader.h"
#include "data/split.h"
#include "io/npy.h"
#include "data/guard.h"
#include "sources.h"

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
  NcSplit all;
  nc_split_all(arena, a, &all);
  all.name = "train";
  ck_assert(nc_data_guard(diag, a, &all, 1, (NcUse[]){NC_USED, NC_LEARNED}, false));
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

typedef struct { NcSourceSpec spec; bool good; } Opening;
static void opening(const void *ctx) {
  const Opening *o = ctx;
  ck_assert_int_eq(nc_source_open(arena, diag, &o->spec) != NULL, o->good);
}

START_TEST(test_memory) {
  const char *table = temp_write("t.csv", "a,k,y\n1,u,p\n2,v,q\n", 18), *label = idx_file("label", 5, 0, 2);
  const NcSetting of_csv[] = {STR(NULL, table), STR("label", "y")}, of_idx[] = {STR("label", label)},
    of_text[] = {STR(NULL, table), INT("window", 4)}, of_none[] = {STR(NULL, "labl")};
  const struct { const char *kind; const NcSetting *s; int n; } source[] = {
    {"csv", of_csv, 2}, {"idx", of_idx, 1}, {"text", of_text, 2}, {"digits", NULL, 0}, {"csv", of_none, 1}};
  for (int k = 0; k < 5; k++) {
    const Opening o = {{.kind = source[k].kind, .setting = source[k].s, .settings = source[k].n, .dir = k == 4 ? temp_dir : NULL}, k < 4};
    ck_assert_int_gt(suite_without_memory(opening, &o), 5);
  }
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
  tcase_add_test(c, test_text);
  tcase_add_test(c, test_memory);
  return suite_run(s, CK_FORK_GETENV);
}
