// Messages: as a person sees them, in colour, and as JSON.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/diag.h"
#include "tempdir.h"

static const char *render(bool color) {
  NcBuf b = NC_BUF(arena);
  nc_diag_render(diag, &b, color);
  return nc_buf_str(&b);
}

static uint32_t source(const char *name, const char *text) { return nc_diag_source(diag, name, text, strlen(text)); }

// The range of the k-th (from 0) occurrence of a word.
static NcRange find(uint32_t file, const char *word, int k) {
  const NcSource *s = nc_diag_file(diag, file);
  const char *p = strstr(s->text, word);
  while (k-- > 0) p = strstr(p + 1, word);
  ck_assert_ptr_nonnull(p);
  uint32_t at = (uint32_t)(p - s->text);
  return (NcRange){file, at, at + (uint32_t)strlen(word)};
}

START_TEST(renders_as_the_language_page_shows) {
  uint32_t f = source("mnist.nn",
                      "nn 1\n\n\nW\n\n\n\n  x |> conv(32, 5) |> max_pool(2)\n    |> flatten |> linear(W)\n");
  NcMessage *m = nc_error(diag, NC_E0203, find(f, "linear(W)", 0),
                          "this tensor has 4608 features, but `linear(W)` needs 784");
  nc_label(diag, m, find(f, "conv(32, 5)", 0), "f32[B, 32, 24, 24]");
  nc_label(diag, m, find(f, "max_pool(2)", 0), "f32[B, 32, 12, 12]");
  nc_label(diag, m, find(f, "flatten", 0), "f32[B, 4608]");
  nc_label(diag, m, find(f, "linear(W)", 0), "4608 = 32 channels × 12 × 12");
  nc_note(diag, m, "784 comes from W: f32[10, 784] at line 4");
  nc_help(diag, m, "let the layer size itself: `dense(10)`");
  ck_assert_str_eq(render(false),
    "error[E0203]: this tensor has 4608 features, but `linear(W)` needs 784\n"
    " --> mnist.nn:9:19\n"
    "8 |   x |> conv(32, 5) |> max_pool(2)\n"
    "  |        ----------- f32[B, 32, 24, 24]\n"
    "  |                       ----------- f32[B, 32, 12, 12]\n"
    "9 |     |> flatten |> linear(W)\n"
    "  |        -------    ^^^^^^^^^\n"
    "  |        f32[B, 4608]    4608 = 32 channels × 12 × 12\n"
    "  = 784 comes from W: f32[10, 784] at line 4\n"
    "help: let the layer size itself: `dense(10)`\n");
}
END_TEST

START_TEST(renders_without_a_place_and_counts) {
  nc_help(diag, nc_error(diag, NC_E0311, NC_NOWHERE, "`train` has no setting `learning_rate`"), "try `adam(1e-3)`");
  nc_warn(diag, NC_E0401, NC_NOWHERE, "careful");
  nc_error(diag, NC_E0401, NC_NOWHERE, "second");
  ck_assert_str_eq(render(false),
    "error[E0311]: `train` has no setting `learning_rate`\nhelp: try `adam(1e-3)`\n\n"
    "warning[E0401]: careful\n\nerror[E0401]: second\n\n2 errors\n");
  ck_assert_int_eq(nc_diag_exit(diag), 3);   // of the first error
}
END_TEST

START_TEST(errors_over_the_limit_are_counted) {
  diag->limit = 2;
  for (int i = 0; i < 5; i++) nc_error(diag, NC_E0301, NC_NOWHERE, "e%d", i);
  ck_assert_int_eq(diag->errors, 5);
  ck_assert_str_eq(render(false), "error[E0301]: e0\n\nerror[E0301]: e1\n\n5 errors; the first 2 are shown\n");
}
END_TEST

START_TEST(renders_marks_that_overlap) {
  uint32_t f = source("a.nn", "f(g(x), h)\n");
  NcMessage *m = nc_error(diag, NC_E0101, find(f, "g(x)", 0), "bad");
  nc_label(diag, m, find(f, "x", 0), "inside");
  nc_label(diag, m, find(f, "f", 0), "a rather long text about f");
  nc_label(diag, m, find(f, "h", 0), "after");
  nc_label(diag, m, find(f, "g(x)", 0), "this");
  ck_assert_str_eq(render(false),
    "error[E0101]: bad\n"
    " --> a.nn:1:3\n"
    "1 | f(g(x), h)\n"
    "  | - ^^^^  -\n"
    "  | a rather long text about f\n"
    "  |   this  after\n"
    "  |     - inside\n");
}
END_TEST

START_TEST(renders_wide_characters_and_tabs) {
  uint32_t f = source("u.nn", "\té 世界 x\xff y\r\n");
  NcMessage *m = nc_error(diag, NC_E0101, find(f, "x", 0), "here");
  nc_label(diag, m, find(f, "世界", 0), "wide");
  ck_assert_str_eq(render(false),
    "error[E0101]: here\n"
    " --> u.nn:1:12\n"
    "1 |     é 世界 x\xef\xbf\xbd y\n"
    "  |       ---- ^\n"
    "  |       wide\n");
}
END_TEST

START_TEST(renders_ends_of_lines_and_files) {
  uint32_t f = source("e.nn", "ab\n\nlast");
  nc_error(diag, NC_E0101, (NcRange){f, 2, 2}, "end of a line");
  nc_error(diag, NC_E0101, (NcRange){f, 3, 3}, "an empty line");
  nc_error(diag, NC_E0101, (NcRange){f, 8, 8}, "end of the file");
  nc_error(diag, NC_E0101, (NcRange){f, 1, 7}, "over lines");
  nc_error(diag, NC_E0101, (NcRange){f, 900, 7}, "no such place");
  ck_assert_str_eq(render(false),
    "error[E0101]: end of a line\n --> e.nn:1:3\n1 | ab\n  |   ^\n\n"
    "error[E0101]: an empty line\n --> e.nn:2:1\n2 |\n  | ^\n\n"
    "error[E0101]: end of the file\n --> e.nn:3:5\n3 | last\n  |     ^\n\n"
    "error[E0101]: over lines\n --> e.nn:1:2\n1 | ab\n  |  ^\n\n"
    "error[E0101]: no such place\n --> e.nn:3:5\n3 | last\n  |     ^\n\n5 errors\n");
}
END_TEST

START_TEST(renders_two_files_and_gaps) {
  uint32_t f = source("one.nn", "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\n"), g = source("two.nn", "\n\nthere\n");
  NcMessage *m = nc_error(diag, NC_E0101, find(f, "l10", 0), "here");
  nc_label(diag, m, find(f, "l2", 0), "a");
  nc_label(diag, m, find(f, "l4", 0), "b");
  nc_label(diag, m, find(g, "there", 0), "c");
  ck_assert_str_eq(render(false),
    "error[E0101]: here\n"
    "  --> one.nn:10:1\n"
    " 2 | l2\n"
    "   | -- a\n"
    " 3 | l3\n"
    " 4 | l4\n"
    "   | -- b\n"
    "...\n"
    "10 | l10\n"
    "   | ^^^\n"
    "  ::: two.nn:3:1\n"
    " 3 | there\n"
    "   | ----- c\n");
}
END_TEST

START_TEST(renders_long_lines_in_part) {
  NcBuf b = NC_BUF(arena);
  nc_put_repeat(&b, 'a', 500);
  nc_put(&b, "HERE");
  nc_put_repeat(&b, 'b', 500);
  uint32_t f = source("long.nn", nc_buf_str(&b));
  nc_label(diag, nc_error(diag, NC_E0101, find(f, "HERE", 0), "x"), find(f, "HERE", 0), "label");
  const char *out = render(false);
  for (const char *p = out; *p;) {
    size_t n = strcspn(p, "\n");
    ck_assert_uint_lt(n, 180);
    p += n + 1;
  }
  const char *here = strstr(out, "HERE"), *mark = strstr(out, "^^^^ label");
  ck_assert(here && mark);
  // … is one column but three bytes, so the mark stands two bytes further left
  while (here > out && here[-1] != '\n') here--;
  while (mark > out && mark[-1] != '\n') mark--;
  ck_assert_int_eq(strstr(here, "HERE") - here - 2, strstr(mark, "^^^^") - mark);
}
END_TEST

START_TEST(colours_only_when_asked) {
  uint32_t f = source("c.nn", "x y\n");
  NcMessage *m = nc_error(diag, NC_E0101, find(f, "x", 0), "red");
  nc_label(diag, m, find(f, "y", 0), "blue");
  nc_help(diag, m, "green");
  ck_assert_ptr_null(strchr(render(false), '\033'));
  const char *s = render(true);
  NcBuf plain = NC_BUF(arena);
  for (; *s; s++) {
    if (*s == '\033') s = strchr(s, 'm');
    else nc_putc(&plain, *s);
  }
  ck_assert_str_eq(nc_buf_str(&plain), render(false));
}
END_TEST

START_TEST(json_lines) {
  uint32_t f = source("j\"n.nn", "ab\ncd \xff\n");
  NcMessage *m = nc_error(diag, NC_E0203, find(f, "b\nc", 0), "a \"message\" with \xfe");
  nc_label(diag, m, find(f, "d", 0), "label");
  nc_label(diag, m, NC_NOWHERE, "nowhere");
  nc_label(diag, m, m->at, "primary");
  nc_note(diag, m, "note 1");
  nc_note(diag, m, "note 2");
  nc_help(diag, m, "mend");
  nc_warn(diag, NC_E0401, NC_NOWHERE, "w");
  NcBuf b = NC_BUF(arena);
  nc_diag_json(diag, &b);
  char *line = nc_strdup(arena, nc_buf_str(&b)), *second = strchr(line, '\n') + 1;
  second[-1] = 0;
  json_error_t err;
  json_t *j = json_loads(line, 0, &err), *k = json_loads(second, 0, &err);
  ck_assert_msg(j && k, "%s: %s", err.text, line);
  ck_assert_str_eq(json_string_value(json_object_get(j, "severity")), "error");
  ck_assert_str_eq(json_string_value(json_object_get(j, "code")), "E0203");
  ck_assert_str_eq(json_string_value(json_object_get(j, "file")), "j\"n.nn");
  ck_assert_int_eq(json_integer_value(json_object_get(j, "line")), 1);
  ck_assert_int_eq(json_integer_value(json_object_get(j, "column")), 2);
  ck_assert_int_eq(json_integer_value(json_object_get(j, "end_line")), 2);
  ck_assert_int_eq(json_integer_value(json_object_get(j, "end_column")), 2);
  ck_assert_str_eq(json_string_value(json_object_get(j, "label")), "primary");
  ck_assert_uint_eq(json_array_size(json_object_get(j, "labels")), 2);
  json_t *label = json_array_get(json_object_get(j, "labels"), 0);
  ck_assert_int_eq(json_integer_value(json_object_get(label, "line")), 2);
  ck_assert_str_eq(json_string_value(json_object_get(label, "text")), "label");
  ck_assert_uint_eq(json_array_size(json_object_get(j, "notes")), 2);
  ck_assert_str_eq(json_string_value(json_object_get(j, "help")), "mend");
  ck_assert(json_is_null(json_object_get(k, "file")) && json_is_null(json_object_get(k, "help")));
  ck_assert_str_eq(json_string_value(json_object_get(k, "severity")), "warning");
  json_decref(j);
  json_decref(k);
}
END_TEST

START_TEST(the_same_again_is_told_once) {
  uint32_t f = source("t.nn", "one two\n");
  for (int i = 0; i < 2; i++) {
    nc_help(diag, nc_error(diag, NC_E0501, NC_NOWHERE, "no device"), "install one");
    nc_error(diag, NC_E0208, find(f, "one", 0), "too large");
    nc_warn(diag, NC_E0208, find(f, "one", 0), "too large");
    nc_error(diag, NC_E0208, find(f, "two", 0), "too large");
    nc_error(diag, NC_E0208, find(f, "two", 0), "too %s", i ? "small" : "wide");
  }
  const char *text = render(false);
  int seen = 0;
  for (const char *s = text; (s = strstr(s, "too large")); s++) seen++;
  ck_assert_msg(seen == 3 && strstr(text, "too small") && strstr(text, "too wide") && strstr(text, "\n5 errors\n"), "%s", text);
  ck_assert_ptr_null(strstr(strstr(text, "no device") + 1, "no device"));
  NcBuf b = NC_BUF(arena);
  nc_diag_json(diag, &b);
  int lines = 0;
  for (const char *s = nc_buf_str(&b); *s; s++) lines += *s == '\n';
  ck_assert_int_eq(lines, 6);
}
END_TEST

START_TEST(codes_and_places) {
  NcCode c;
  for (int i = 0; i < NC_ERROR_COUNT; i++) {
    ck_assert(nc_code_find(nc_code_name((NcCode)i), &c) && c == (NcCode)i);
    ck_assert(*nc_code_title(c) && nc_code_exit(c) > 0);
    ck_assert(i == 0 || strcmp(nc_code_name((NcCode)(i - 1)), nc_code_name(c)) < 0);
  }
  ck_assert(!nc_code_find("E9999", &c));
  uint32_t f = source("p.nn", "a\nbc");
  ck_assert_str_eq(nc_place(diag, arena, find(f, "c", 0)), "p.nn:2:2");
  ck_assert_str_eq(nc_place(diag, arena, NC_NOWHERE), "");
  ck_assert_ptr_null(nc_diag_file(diag, 0));
  ck_assert_ptr_null(nc_diag_file(diag, 9));
  NcRange x = nc_join(find(f, "a", 0), find(f, "c", 0));
  ck_assert(x.begin == 0 && x.end == 4);
  ck_assert(nc_join(NC_NOWHERE, x).end == 4 && nc_join(x, NC_NOWHERE).end == 4);
}
END_TEST

int main(void) {
  Suite *s = suite_create("diag");
  TCase *c = suite_case(s, "diag", temp_open, temp_close);
  tcase_add_test(c, renders_as_the_language_page_shows);
  tcase_add_test(c, renders_without_a_place_and_counts);
  tcase_add_test(c, errors_over_the_limit_are_counted);
  tcase_add_test(c, renders_marks_that_overlap);
  tcase_add_test(c, renders_wide_characters_and_tabs);
  tcase_add_test(c, renders_ends_of_lines_and_files);
  tcase_add_test(c, renders_two_files_and_gaps);
  tcase_add_test(c, renders_long_lines_in_part);
  tcase_add_test(c, colours_only_when_asked);
  tcase_add_test(c, json_lines);
  tcase_add_test(c, the_same_again_is_told_once);
  tcase_add_test(c, codes_and_places);
  return suite_run(s, CK_FORK_GETENV);
}
