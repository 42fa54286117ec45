// A folder for the files that a test makes; gone with them at the end.
#ifndef NC_TEST_TEMPDIR_H
#define NC_TEST_TEMPDIR_H
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "suite.h"

static char temp_dir[256];

static inline void temp_make(void) {
  const char *base = getenv("TMPDIR");
  snprintf(temp_dir, sizeof temp_dir, "%s/nacre-XXXXXX", base && *base && strlen(base) < 200 ? base : "/tmp");
  ck_assert_ptr_nonnull(mkdtemp(temp_dir));
}

// The path of a file in it; the last eight answers stay valid.
static inline const char *temp_path(const char *name) {
  static char path[8][512];
  static int at;
  char *p = path[at++ % 8];
  snprintf(p, sizeof path[0], "%s/%s", temp_dir, name);
  return p;
}

static inline const char *temp_write(const char *name, const void *bytes, size_t n) {
  const char *path = temp_path(name);
  FILE *f = fopen(path, "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
  ck_assert_int_eq(fclose(f), 0);
  return path;
}

static inline int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at) {
  (void)s, (void)kind, (void)at;
  return remove(path);
}
static inline void temp_remove(void) { nftw(temp_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

// What a case with files of its own has around each test.
static inline void temp_open(void) {
  suite_open();
  temp_make();
}
static inline void temp_close(void) {
  temp_remove();
  suite_close();
}
#endif
