// lib/base: arena, text, maps, types, files.
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

// A link stays one, and who may read a file does not change. What is no file is written into: root would lose /dev/null otherwise.
START_TEST(files_of_other_kinds) {
  const char *path = nc_strdup(arena, temp_path("kept")), *link = nc_strdup(arena, temp_path("link")), *pipe = nc_strdup(arena, temp_path("pipe"));
  struct stat st;
  char got[8] = "";
  size_t n;
  ck_assert(nc_write_file(diag, path, "one", 3));
  ck_assert_int_eq(chmod(path, 0640), 0);
  ck_assert_int_eq(symlink("kept", link), 0);
  ck_assert(nc_write_file(diag, link, "other", 5));
  ck_assert(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
  ck_assert_str_eq(nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n), "other");
  ck_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
  ck_assert_int_eq(mkfifo(pipe, 0600), 0);
  int fd = open(pipe, O_RDONLY | O_NONBLOCK);
  ck_assert(nc_write_file(diag, pipe, "piped", 5));
  ck_assert_int_eq(read(fd, got, sizeof got - 1), 5);
  close(fd);
  ck_assert_str_eq(got, "piped");
  ck_assert(lstat(pipe, &st) == 0 && S_ISFIFO(st.st_mode));
  ck_assert_int_eq(files_in(temp_dir), 3);
  ck_assert(!nc_write_file(diag, temp_dir, "x", 1));
  ck_assert_int_eq(diag->errors, 1);
}
END_TEST

START_TEST(files_that_cannot_be) {
  ck_assert_ptr_null(nc_read_file(arena, diag, NC_E0401, NC_NOWHERE, temp_path("none"), NULL));
  ck_assert_ptr_null(nc_read_file(arena, diag, NC_E0401, NC_NOWHERE, temp_dir, NULL));
  ck_assert(!nc_write_file(diag, temp_path("none/x"), "x", 1));
  ck_assert_int_eq(diag->errors, 3);
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0401);
  ck_assert_int_eq(diag->messages.at[2]->code, NC_E0602);
  ck_assert_ptr_nonnull(strstr(diag->messages.at[2]->help, "make the folder first"));
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

int main(void) {
  Suite *s = suite_create("base");
  TCase *c = suite_case(s, "base", temp_open, temp_close);
  tcase_add_test(c, arena_is_zeroed_and_aligned);
  tcase_add_test(c, arena_jumps_when_memory_runs_out);
  tcase_add_test(c, vectors_grow);
  tcase_add_test(c, buffers_hold_text);
  tcase_add_test(c, doubles_read_back);
  tcase_add_test(c, json_strings_read_back);
  tcase_add_test(c, maps_find_what_was_set);
  tcase_add_test(c, interned_strings_are_one);
  tcase_add_test(c, nearest_word);
  tcase_add_test(c, types_know_their_sizes);
  tcase_add_test(c, philox_known_answers);
  tcase_add_test(c, files_are_written_whole);
  tcase_add_test(c, files_of_other_kinds);
  tcase_add_test(c, files_that_cannot_be);
  return suite_run(s, CK_FORK_GETENV);
}
