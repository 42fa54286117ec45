// lib/base: arena, text, maps, types, files, diagnostics.
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/diag.h"
#include "base/file.h"
#include "base/map.h"
#include "base/philox.h"
#include "base/type.h"
#include "tempdir.h"

// ---- arena

START_TEST(arena_is_zeroed_and_aligned) {
  for (size_t n = 0; n < 40000; n = n * 2 + 1) {
    unsigned char *p = nc_alloc(arena, n);
    ck_assert_uint_eq((uintptr_t)p % 16, 0);
    for (size_t i = 0; i < n; i++) ck_assert_uint_eq(p[i], 0);
    if (n) memset(p, 0xff, n);   // a later allocation must not see this
  }
  nc_arena_free(NULL);
}
END_TEST

// volatile: set between setjmp and longjmp
START_TEST(arena_jumps_when_memory_runs_out) {
  NcArena *b = nc_arena_new();
  volatile int jumps = 0;
  if (NC_ON_OOM(b)) jumps = jumps + 1;
  if (jumps == 0) {
    nc_arena_fail_after(b, 3);
    nc_alloc(b, 1);
    nc_alloc(b, 1);
    nc_alloc(b, 1);
    ck_abort_msg("the third allocation did not fail");
  }
  if (jumps == 1) nc_alloc_array(b, SIZE_MAX / 4, 8);   // the product overflows
  if (jumps == 2) nc_alloc(b, SIZE_MAX - 5);            // rounding up would overflow
  ck_assert_int_eq(jumps, 3);
  ck_assert_ptr_nonnull(nc_alloc(b, 100));              // the arena is still good
  nc_arena_free(b);
}
END_TEST

START_TEST(vectors_grow) {
  NC_VEC(int) v = {0};
  for (int i = 0; i < 1000; i++) *NC_PUSH(arena, v) = i * 3;
  ck_assert_int_eq(v.n, 1000);
  for (int i = 0; i < v.n; i++) ck_assert_int_eq(v.at[i], i * 3);
}
END_TEST

// ---- text

START_TEST(buffers_hold_text) {
  NcBuf b = NC_BUF(arena);
  ck_assert_str_eq(nc_buf_str(&b), "");
  nc_put(&b, "a");
  nc_putn(&b, "bcd", 2);
  nc_putc(&b, '-');
  nc_put_repeat(&b, '=', 3);
  nc_putf(&b, "%d%s", 42, "x");
  ck_assert_str_eq(nc_buf_str(&b), "abc-===42x");
  ck_assert_uint_eq(b.n, 10);
  for (int i = 0; i < 10000; i++) nc_putc(&b, 'y');
  ck_assert_uint_eq(strlen(nc_buf_str(&b)), 10010);
}
END_TEST

START_TEST(doubles_read_back) {
  static const double v[] = {0, 1, -1, 0.1, 1e-5, 1.0 / 3, 1e300, 5e-324, 123456789012345680.0, 0.30000000000000004,
                             100, 1e21};
  for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
    NcBuf b = NC_BUF(arena);
    nc_put_double(&b, v[i]);
    ck_assert(strtod(nc_buf_str(&b), NULL) == v[i]);
  }
  static const struct { double v; const char *text; } exact[] = {{0.1, "0.1"}, {INFINITY, "inf"}, {-INFINITY, "-inf"},
                                                                 {NAN, "nan"}};
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
    NcBuf b = NC_BUF(arena);
    nc_put_double(&b, exact[i].v);
    ck_assert_str_eq(nc_buf_str(&b), exact[i].text);
  }
}
END_TEST

START_TEST(json_strings_read_back) {
  static const char *const v[] = {"", "plain", "quote \" back \\ slash", "line\nbreak\ttab\r", "\x01\x1f",
                                  "héllo → 世界 🙂"};
  for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
    NcBuf b = NC_BUF(arena);
    nc_put_json(&b, v[i]);
    json_t *j = json_loads(nc_buf_str(&b), JSON_DECODE_ANY, NULL);
    ck_assert_msg(j != NULL, "not JSON: %s", nc_buf_str(&b));
    ck_assert_str_eq(json_string_value(j), v[i]);
    json_decref(j);
  }
  NcBuf b = NC_BUF(arena);
  nc_put_json(&b, "bad \xff\xc3( \xed\xa0\x80 end");   // stray bytes, a cut sequence, a surrogate
  json_t *j = json_loads(nc_buf_str(&b), JSON_DECODE_ANY, NULL);
  ck_assert_msg(j != NULL, "not JSON: %s", nc_buf_str(&b));
  ck_assert_ptr_nonnull(strstr(json_string_value(j), "\xef\xbf\xbd"));
  json_decref(j);
}
END_TEST

// ---- maps

START_TEST(maps_find_what_was_set) {
  NcMap m = NC_MAP(arena);
  int values[500];
  ck_assert_ptr_null(nc_map_get(&m, "k0"));
  ck_assert(!nc_map_has(&m, ""));
  for (int i = 0; i < 500; i++) nc_map_set(&m, nc_sprintf(arena, "k%d", i), &values[i]);
  for (int i = 0; i < 500; i++) ck_assert_ptr_eq(nc_map_get(&m, nc_sprintf(arena, "k%d", i)), &values[i]);
  ck_assert_int_eq(m.n, 500);
  ck_assert(!nc_map_has(&m, "k500"));
  nc_map_set(&m, "k7", &values[8]);
  ck_assert_int_eq(m.n, 500);
  ck_assert_ptr_eq(nc_map_get(&m, "k7"), &values[8]);
  nc_map_set(&m, "null", NULL);
  ck_assert(nc_map_has(&m, "null"));
}
END_TEST

START_TEST(interned_strings_are_one) {
  NcMap m = NC_MAP(arena);
  const char *x = nc_intern(&m, "weights", 6), *y = nc_intern(&m, "weight", 6);
  ck_assert_ptr_eq(x, y);
  ck_assert_str_eq(x, "weight");
  ck_assert_ptr_ne(x, nc_intern(&m, "weights", 7));
  for (int i = 0; i < 300; i++) nc_intern(&m, nc_sprintf(arena, "n%d", i), strlen(nc_sprintf(arena, "n%d", i)));
  ck_assert_ptr_eq(x, nc_intern(&m, "weight", 6));   // growing moves nothing
}
END_TEST

START_TEST(nearest_word) {
  static const char *const known[] = {"dense", "dropout", "relu", "leaky_relu", "conv", "batch_norm", "xor"};
  static const struct { const char *word, *near; } t[] = {
    {"desne", "dense"}, {"Dense", "dense"}, {"droput", "dropout"}, {"rellu", "relu"}, {"batchnorm", "batch_norm"},
    {"convolution", NULL}, {"zzz", NULL}, {"foo", NULL}, {"conw", "conv"}, {"", NULL},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    const char *near = nc_nearest(t[i].word, known, 7);
    ck_assert_msg((near && t[i].near && !strcmp(near, t[i].near)) || near == t[i].near, "%s: %s", t[i].word,
                  near ? near : "(none)");
  }
  ck_assert_ptr_null(nc_nearest("x", NULL, 0));
}
END_TEST

// ---- types

START_TEST(types_know_their_sizes) {
  NcType t = {NC_F16, NC_SHAPE(2, 3, 4)}, s = {NC_I64, NC_SCALAR};
  int64_t stride[NC_MAX_RANK];
  ck_assert_int_eq(nc_count(t.shape), 24);
  ck_assert_uint_eq(nc_type_bytes(t), 48);
  ck_assert_int_eq(nc_count(s.shape), 1);
  nc_strides(t.shape, stride);
  ck_assert(stride[0] == 12 && stride[1] == 4 && stride[2] == 1);
  ck_assert_str_eq(nc_type_str(arena, t), "f16[2,3,4]");
  ck_assert_str_eq(nc_type_str(arena, s), "i64[]");
  ck_assert(nc_type_eq(t, t) && !nc_type_eq(t, s));
  ck_assert(!nc_shape_eq(NC_SHAPE(2, 3), NC_SHAPE(3, 2)) && !nc_shape_eq(NC_SHAPE(1), NC_SCALAR));
  for (int i = 0; i < NC_DTYPE_COUNT; i++) {
    NcDtype found;
    ck_assert(nc_dtype_find(nc_dtype_name((NcDtype)i), &found) && found == (NcDtype)i);
  }
  NcDtype none;
  ck_assert(!nc_dtype_find("float", &none));
}
END_TEST

// Known answers of Random123's kat_vectors for philox4x32-10.
START_TEST(philox_known_answers) {
  static const struct { uint32_t ctr[4], key[2], out[4]; } t[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) ck_assert_mem_eq(nc_philox(t[i].ctr, t[i].key).v, t[i].out, 16);
  ck_assert(nc_unit(0) > 0 && nc_unit(UINT32_MAX) < 1);
}
END_TEST

// ---- files

static int files_in(const char *dir) {
  DIR *x = opendir(dir);
  int n = 0;
  for (struct dirent *e; (e = readdir(x));) n += e->d_name[0] != '.';
  closedir(x);
  return n;
}

START_TEST(files_are_written_whole) {
  const char *path = temp_path("x");
  size_t n;
  ck_assert(nc_write_file(diag, path, "one\0two", 7));
  char *text = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n);
  ck_assert(n == 7 && memcmp(text, "one\0two", 8) == 0);
  NcOut *o = nc_out_open(diag, path);
  ck_assert(nc_out_write(o, "half", 4));
  nc_out_abandon(o);
  text = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n);
  ck_assert(n == 7);                    // the old content is untouched
  ck_assert_int_eq(files_in(temp_dir), 1);   // and nothing lies beside it
  o = nc_out_open(diag, path);
  for (int i = 0; i < 1000; i++) nc_out_write(o, "0123456789", 10);
  ck_assert(nc_out_commit(o, diag));
  nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n);
  ck_assert_uint_eq(n, 10000);
  ck_assert_int_eq(diag->errors, 0);
}
END_TEST

START_TEST(files_that_cannot_be) {
  ck_assert_ptr_null(nc_read_file(arena, diag, NC_E0401, NC_NOWHERE, temp_path("none"), NULL));
  ck_assert_ptr_null(nc_read_file(arena, diag, NC_E0401, NC_NOWHERE, temp_dir, NULL));
  ck_assert(!nc_write_file(diag, temp_path("none/x"), "x", 1));
  ck_assert_int_eq(diag->errors, 3);
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0401);
  ck_assert_int_eq(diag->messages.at[2]->code, NC_E0602);
  // A full disk: the old file stays and the error says why.
  if (access("/dev/full", W_OK) == 0) {
    const char *path = temp_path("full");
    ck_assert_int_eq(symlink("/dev/full", nc_sprintf(arena, "%s.tmp-%ld", path, (long)getpid())), 0);
    ck_assert(!nc_write_file(diag, path, "x", 1));
    ck_assert_ptr_nonnull(strstr(diag->messages.at[3]->text, "No space"));
    ck_assert_int_ne(access(path, F_OK), 0);
  }
}
END_TEST

// ---- diagnostics

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
  Suite *s = suite_create("base");
  TCase *t = suite_case(s, "base", temp_open, temp_close);
  tcase_add_test(t, arena_is_zeroed_and_aligned);
  tcase_add_test(t, arena_jumps_when_memory_runs_out);
  tcase_add_test(t, vectors_grow);
  tcase_add_test(t, buffers_hold_text);
  tcase_add_test(t, doubles_read_back);
  tcase_add_test(t, json_strings_read_back);
  tcase_add_test(t, maps_find_what_was_set);
  tcase_add_test(t, interned_strings_are_one);
  tcase_add_test(t, nearest_word);
  tcase_add_test(t, types_know_their_sizes);
  tcase_add_test(t, philox_known_answers);
  tcase_add_test(t, files_are_written_whole);
  tcase_add_test(t, files_that_cannot_be);
  tcase_add_test(t, renders_as_the_language_page_shows);
  tcase_add_test(t, renders_without_a_place_and_counts);
  tcase_add_test(t, errors_over_the_limit_are_counted);
  tcase_add_test(t, renders_marks_that_overlap);
  tcase_add_test(t, renders_wide_characters_and_tabs);
  tcase_add_test(t, renders_ends_of_lines_and_files);
  tcase_add_test(t, renders_two_files_and_gaps);
  tcase_add_test(t, renders_long_lines_in_part);
  tcase_add_test(t, colours_only_when_asked);
  tcase_add_test(t, json_lines);
  tcase_add_test(t, codes_and_places);
  return suite_run(s, CK_FORK_GETENV);
}
