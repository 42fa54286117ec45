// Tables: what is read, what is refused and in which words.
#include <locale.h>
#include <math.h>
#include "io/csv.h"
#include "readers.h"

static const char *dump(const NcCsv *t) {
  NcBuf b = NC_BUF(arena);
  for (int64_t i = -1; i < t->rows; i++)
    for (int j = 0; j < t->columns; j++)
      nc_putf(&b, "%s%c", i < 0 ? t->name[j] : nc_csv_cell(t, i, j), j + 1 < t->columns ? '|' : '/');
  return nc_buf_str(&b);
}

static const struct { const char *text; char delimiter; bool header; const char *want;
} csvs[] = {
  {"a,b\n1,2\n3,4\n", ',', true, "a|b/1|2/3|4/"},
  {"a,b\r\n1,2\r\n", ',', true, "a|b/1|2/"},
  {"a,b\r1,2\r", ',', true, "a|b/1|2/"},
  {"a,b\n1,2", ',', true, "a|b/1|2/"},
  {"\xef\xbb\xbf"
   "a,b\n1,2\n",
   ',', true, "a|b/1|2/"},
  {"1,2\n3,4\n", ',', false, "column1|column2/1|2/3|4/"},
  {"a,b\n\"1,5\",\"x \"\"y\"\"\"\n", ',', true, "a|b/1,5|x \"y\"/"},
  {"a,b\n\"two\nlines\",3\n", ',', true, "a|b/two\nlines|3/"},
  {"a,b\n,\n", ',', true, "a|b/|/"},
  {"a;b\n1,5;2\n", ';', true, "a|b/1,5|2/"},
  {"a\tb\n1\t\n\t2\n", '\t', true, "a|b/1|/|2/"},
  {" a , b \n 1 ,\t2\t\n", ',', true, "a|b/1|2/"},
  {"a,b\n\n1,2\n\n\n3,4\n\n", ',', true, "a|b/1|2/3|4/"},
  {"a,\n1,2\n", ',', true, "a|column2/1|2/"},
  {"a,b\n \"1\" , \"\"\n", ',', true, "a|b/1|/"},
  {"a\n1\n2\n", ',', true, "a/1/2/"},
  {"a,b\n5\" disk,2\n", ',', true, "a|b/5\" disk|2/"},
};

START_TEST(test_csv) {
  NcCsv t;
  NcBytes b = bytes(csvs[_i].text, strlen(csvs[_i].text));
  ck_assert_msg(nc_csv_parse(arena, diag, &b, csvs[_i].delimiter, csvs[_i].header, &t), "%s", message());
  ck_assert_str_eq(dump(&t), csvs[_i].want);
}
END_TEST

static const struct { const char *text; size_t n; NcCode code; const char *error;
} bad_csv[] = {
#define BADCSV(text, code, error) {text, sizeof(text) - 1, code, error}
  BADCSV("", NC_E0406, "has no rows"),
  BADCSV("a,b\n", NC_E0406, "no rows below its header"),
  BADCSV("\n\n\n", NC_E0406, "has no rows"),
  BADCSV("a,b\n1,2\n3\n", NC_E0402, "line 3, column 1: this row has 1 cell, the first one has 2"),
  BADCSV("a,b\n1,2,3\n", NC_E0402, "line 2, column 1: this row has 3 cells"),
  BADCSV("a,b\n1,\"2\n3,4\n", NC_E0402, "line 2, column 3: this quoted cell does not end"),
  BADCSV("a,b\n\"x\ny\",\"1\"2\n", NC_E0402, "line 3, column 7: text stands behind"),
  BADCSV("a,a\n1,2\n", NC_E0402, "two columns are named `a`"),
  BADCSV("a,b\n1,\0002\n", NC_E0402, "byte 6 is zero"),
  BADCSV("\xff\xfe"
         "a\0,\0",
         NC_E0402, "is not text"),
};

START_TEST(test_csv_bad) {
  NcCsv t;
  NcBytes b = bytes(bad_csv[_i].text, bad_csv[_i].n);
  ck_assert(!nc_csv_parse(arena, diag, &b, ',', true, &t));
  expect_error(bad_csv[_i].code, bad_csv[_i].error);
}
END_TEST

START_TEST(test_csv_place) {
  NcCsv t;
  NcBytes b = BYTES("name,value\n\n\"a\nb\",1\nccc,zzz\n");
  ck_assert(nc_csv_parse(arena, diag, &b, ',', true, &t));
  nc_csv_error(diag, NC_E0404, &t, 1, 1, "bad %d", 7);
  ck_assert_str_eq(message(), "`file` line 5, column 5 (`value`): bad 7");
  ck_assert_int_eq(nc_csv_column(&t, "value"), 1);
  ck_assert_int_eq(nc_csv_column(&t, "Value"), -1);
}
END_TEST

START_TEST(test_csv_number) {
  static const char *const not[] = {"",    "-",   "+",   ".",  "1.2.3", "1e", "1e+",  "0x10", "1,5",
                                    "1 2", "abc", "--1", "1f", "nan",   "e5", "inf1", "1_000"};
  double v = 7;
  for (size_t i = 0; i < sizeof not / sizeof *not; i++) ck_assert_msg(!nc_csv_number(not[i], &v), "`%s`", not[i]);
  ck_assert(nc_csv_number("-Inf", &v) && v == -INFINITY);
  ck_assert(nc_csv_number("1.", &v) && v == 1);
  ck_assert(nc_csv_number("-.5", &v) && v == -0.5);
  ck_assert(nc_csv_number("-0", &v) && v == 0 && signbit(v));
  ck_assert(nc_csv_number("1e999999999999999999", &v) && v == INFINITY);
  ck_assert(nc_csv_number("123456789012345678901234567890", &v) && v == 123456789012345678901234567890.0);
  setlocale(LC_ALL, "de_DE.UTF-8");                    // where installed: a decimal comma must not matter
  uint32_t r = 1;
  for (int i = 0; i < 5000; i++) {
    char s[64];
    r = r * 1664525 + 1013904223;
    int whole = (int)(r >> 8 & 0xffff), part = (int)(r >> 4 & 0xfff), power = (int)(r >> 20) % 60 - 30;
    if (i & 1) snprintf(s, sizeof s, "%d%d.%d%d", whole, part, part, whole);
    else snprintf(s, sizeof s, "-%d.%03de%d", whole, part, power);
    setlocale(LC_ALL, "C");
    double want = strtod(s, NULL);
    setlocale(LC_ALL, "de_DE.UTF-8");
    ck_assert(nc_csv_number(s, &v));
    ck_assert_msg(v == want, "%s: %.17g, not %.17g", s, v, want);
  }
}
END_TEST

START_TEST(test_csv_missing) {
  static const char *const yes[] = {"", "NA", "N/A", "nan", "NaN", "NAN", "?"}, *const no[] = {"0",    "na", "none",
                                                                                               "nano", "??", "N"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) ck_assert(nc_csv_missing(yes[i]));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) ck_assert(!nc_csv_missing(no[i]));
}
END_TEST

int main(void) {
  Suite *s = suite_create("csv");
  TCase *c = suite_case(s, "csv", temp_open, temp_close);
  tcase_add_loop_test(c, test_csv, 0, sizeof csvs / sizeof *csvs);
  tcase_add_loop_test(c, test_csv_bad, 0, sizeof bad_csv / sizeof *bad_csv);
  tcase_add_test(c, test_csv_place);
  tcase_add_test(c, test_csv_number);
  tcase_add_test(c, test_csv_missing);
  return suite_run(s, CK_FORK_GETENV);
}
