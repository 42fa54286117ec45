// Text and series as data: windows over time, and what a run remembers of them.
#include <math.h>
#include <stdint.h>
#include "data/loader.h"
#include "data/split.h"
#include "data/tokens.h"
#include "sources.h"

START_TEST(test_text_source) {
  const char *json = "{\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"model\": {\"type\": \"BPE\", \"merges\": [\"a b\"], \"vocab\": "
                     "{\"a\": 0, \"b\": 1, \"ab\": 2, \"\xc4\xa0\": 3}}}", *path = file(json);
  NcDataset *s = open_good(SPEC("text", STR(NULL, file("abab a")), INT("window", 2),
                                STR("tokens", nc_sprintf(arena, "bpe:%s", path))));
  ck_assert_int_eq(s->windows.positions, 4);
  ck_assert_int_eq(s->field[0].classes, 4);
  ck_assert_str_eq(s->field[0].tokens, "bpe");
  ck_assert_str_eq(s->field[0].tokenizer, json);
  ck_assert(nc_data_check(diag, s));
  NcDataset *made = open_good(SPEC("text", INT("window", 65))), *again = open_good(SPEC("text", INT("window", 65)));
  ck_assert_int_gt(made->windows.positions, 10000);
  ck_assert_int_lt(made->windows.positions, 30000);
  ck_assert_uint_eq(nc_data_hash(made), nc_data_hash(again));
  ck_assert_uint_ne(nc_data_hash(made), nc_data_hash(open_good(SPEC("text", INT("window", 65), INT("seed", 1)))));
  const struct { NcSourceSpec spec; NcCode code; const char *part; } bad[] = {
    {SPEC("text", STR(NULL, file("")), INT("window", 2)), NC_E0406, "is empty"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 4)), NC_E0406, "`window = 3` would work"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 2), STR("tokens", "syllables")), NC_E0312, "chars, words, bytes, bpe"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 2), STR("tokens", "bpe:")), NC_E0312, "chars, words, bytes, bpe"},
    {SPEC("text", STR(NULL, file("abc")), INT("window", 2), STR("tokens", "bpe:/none")), NC_E0401, "/none"},
    {SPEC("text", STR(NULL, "/none"), INT("window", 2)), NC_E0401, "/none"},
    {SPEC("text", STR(NULL, file_of("a\0b", 3)), INT("window", 2)), NC_E0402, "byte 1 is 00"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(nc_source_open(arena, diag, &bad[i].spec));
    expect_error(bad[i].code, bad[i].part);
  }
}
END_TEST

// ---- windows over time

START_TEST(test_split_of_time) {
  static const NcSplitPart part[] = {{.name = "train", .fraction = 0.7}, {.name = "valid", .fraction = 0.2},
                                     {.name = "test", .fraction = 0.1}};
  for (int64_t positions = 40; positions < 60; positions++) {
    for (int64_t stride = 1; stride < 6; stride++) {
      NcWindows w = {positions, 4, stride};
      NcSplit out[3];
      ck_assert(nc_split_windows(arena, diag, &w, NC_NOWHERE, part, 3, out));
      int64_t end = 0;
      for (int k = 0; k < 3; k++) {
        int64_t from = nc_cut(positions, (double[]){0, 0.7, 0.9}[k]), to = nc_cut(positions, (double[]){0.7, 0.9, 1}[k]);
        ck_assert_int_eq(from, end);
        ck_assert_int_eq(out[k].n, nc_windows_in(&w, to - from));
        ck_assert_int_eq(out[k].index[0], from);
        ck_assert_int_eq(out[k].last, to - 4);
        for (int64_t i = 0; i < out[k].n; i++) {       // no window reaches over the border of its part
          ck_assert_int_eq(out[k].index[i], from + i * stride);
          ck_assert_int_le(out[k].index[i] + w.span, to);
        }
        end = to;
      }
    }
  }
  NcSplit out[3];
  NcWindows w = {30, 4, 1};
  ck_assert(!nc_split_windows(arena, diag, &w, NC_NOWHERE, part, 3, out));
  expect_error(NC_E0406, "`test` has 3 of the 30 positions, fewer than one window of 4");
}
END_TEST

// Training meets every position once in an epoch, at another offset in the next one, and never leaves its part: the last window
// moves as far as there is room.
START_TEST(test_windows_loaded) {
  NcBuf b = NC_BUF(arena);
  for (int i = 0; i < 496; i++) nc_putc(&b, (char)('a' + i * 7 % 26));       // 397 for training: 48 windows, 4 and one of 9
  NcDataset *s = open_good(SPEC("text", STR(NULL, file(nc_buf_str(&b))), INT("window", 9), STR("tokens", "bytes")));
  static const NcSplitPart part[] = {{.name = "train", .fraction = 0.8}, {.name = "valid", .fraction = 0.2}};
  NcSplit out[2];
  ck_assert(nc_split_windows(arena, diag, &s->windows, NC_NOWHERE, part, 2, out));
  NcLoaderOptions o = {.data = s, .index = out[0].index, .n = out[0].n, .batch = 7, .seed = 3, .train = true,
                       .stride = out[0].stride, .last = out[0].last};
  NcLoader *l = nc_loader_new(diag, &o), *other = nc_loader_new(diag, &o);
  int64_t offset[4] = {0}, held = 0, batches = nc_loader_batches(l);
  for (int64_t k = 0; k < 4 * batches; k++) {
    NcBatch got;
    nc_loader_next(l, &got);
    offset[got.epoch] = got.index[got.index[0] == out[0].last] % 8;
    for (int i = 0; i < 7; i++) {
      ck_assert_int_le(got.index[i], out[0].last);
      ck_assert(got.index[i] % 8 == offset[got.epoch] || got.index[i] == out[0].last);
      held += got.index[i] == out[0].last && out[0].last % 8 != offset[got.epoch];
      for (int j = 0; j < 9; j++)
        ck_assert_int_eq(((int32_t *)got.field[0])[i * 9 + j], (unsigned char)b.at[got.index[i] + j]);
    }
  }
  ck_assert(offset[0] != offset[1] || offset[1] != offset[2] || offset[2] != offset[3]);
  ck_assert_int_gt(held, 0);
  NcBatch far, again;
  nc_loader_seek(l, 2, 3);
  nc_loader_next(l, &far);
  for (int64_t k = 0; k <= 2 * batches + 3; k++) nc_loader_next(other, &again);
  ck_assert_mem_eq(far.index, again.index, 7 * sizeof *far.index);
  nc_loader_free(l);
  nc_loader_free(other);
  o = (NcLoaderOptions){.data = s, .index = out[1].index, .n = out[1].n, .batch = 5};
  l = nc_loader_new(diag, &o);
  nc_loader_next(l, &far);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(far.index[i], 397 + 8 * i);
  nc_loader_free(l);
}
END_TEST

// ---- series

START_TEST(test_series) {
  const char *path = file("month,a,b\nx,1,10\ny,2,20\nz,3,30\nu,4,40\nv,50,500\n");
  NcSourceSpec spec = SPEC("series", STR(NULL, path), INT("window", 2), STR("target", "b"));
  spec.train[1] = 0.8;
  NcDataset *s = open_good(spec);
  ck_assert_int_eq(s->n, 3);
  ck_assert_int_eq(s->field[0].shape.dim[1], 2);       // `month` holds no numbers
  const float *x = nc_field_at(s, 0, 1), *y = nc_field_at(s, 1, 1);
  static const float want[4] = {2, 20, 3, 30};
  ck_assert_mem_eq(x, want, sizeof want);
  ck_assert(y[0] == 40);
  ck_assert_int_eq(nc_field_values(s, 0), 8);
  ck_assert_int_eq(nc_field_values(s, 1), 3);
  ck_assert(fabs(s->field[0].mean[1] - 25) < 1e-12 && fabs(s->field[0].std[0] - sqrt(1.25)) < 1e-12);   // without the last
  ck_assert(nc_data_check(diag, s));
  s = open_good(SPEC("series", STR(NULL, path), STR("columns", "a"), INT("window", 1), INT("horizon", 2), BOOL("log", true)));
  ck_assert_int_eq(s->n, 3);
  ck_assert_mem_eq(nc_field_at(s, 1, 0), ((float[]){logf(2), logf(3)}), 8);
  s = open_good(SPEC("series", INT("window", 12)));
  ck_assert_int_eq(s->n, 132);
  const struct { NcSourceSpec spec; NcCode code; const char *part; } bad[] = {
    {SPEC("series", STR(NULL, path), INT("window", 5)), NC_E0406, "has 5 rows, fewer than one window of 5 and 1 to predict"},
    {SPEC("series", STR(NULL, path), INT("window", 2), STR("columns", "c")), NC_E0407, "has no column `c`"},
    {SPEC("series", STR(NULL, path), INT("window", 2), STR("columns", "month")), NC_E0404, "`x` is not a number"},
    {SPEC("series", STR(NULL, file("a\n1\n\n\"\"\n")), INT("window", 1)), NC_E0404, "the value is missing"},
    {SPEC("series", STR(NULL, file("a\n1\n0\n3\n")), INT("window", 1), BOOL("log", true)), NC_E0404, "row 2: a value of x is 0"},
    {SPEC("series", STR(NULL, file("a,b\nx,y\n")), INT("window", 1)), NC_E0406, "no column of numbers"},
    {SPEC("series", STR(NULL, file("a,b\n1,2\n")), INT("window", 1), STR("delimiter", "")), NC_E0312, "one character"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_ptr_null(nc_source_open(arena, diag, &bad[i].spec));
    expect_error(bad[i].code, bad[i].part);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("text");
  TCase *c = suite_case(s, "text", temp_open, temp_close);
  tcase_add_test(c, test_text_source);
  tcase_add_test(c, test_split_of_time);
  tcase_add_test(c, test_windows_loaded);
  tcase_add_test(c, test_series);
  return suite_run(s, CK_FORK_GETENV);
}
