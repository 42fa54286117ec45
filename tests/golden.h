// Golden files: a test's whole output lies beside its input. NACRE_RENEW=1 writes them anew, to be read in review.
#ifndef NC_TEST_GOLDEN_H
#define NC_TEST_GOLDEN_H
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/diag.h"
#include "base/file.h"

// A path in the source tree.
static inline const char *in_source(NcArena *a, const char *path) {
  const char *srcdir = getenv("srcdir");
  return nc_sprintf(a, "%s/%s", srcdir && *srcdir ? srcdir : ".", path);
}

// The file's text, or NULL when there is none.
static inline const char *golden_read(NcArena *a, const char *path, size_t *n) {
  return nc_read_file(a, nc_diag_new(a), NC_E0601, NC_NOWHERE, path, n);
}

static inline void golden_check(NcArena *a, const char *path, const char *got) {
  if (getenv("NACRE_RENEW")) {
    ck_assert(nc_write_file(nc_diag_new(a), path, got, strlen(got)));
    return;
  }
  const char *want = golden_read(a, path, NULL);
  ck_assert_msg(want != NULL, "%s is missing; NACRE_RENEW=1 writes it", path);
  if (strcmp(want, got) == 0) return;
  int line = 1;
  const char *w = want, *g = got;
  for (; *w && *w == *g; w++, g++) line += *w == '\n';
  while (w > want && w[-1] != '\n') w--, g--;
  ck_abort_msg("%s:%d differs (NACRE_RENEW=1 writes it anew)\n  want: %.*s\n  got:  %.*s", path, line,
               (int)strcspn(w, "\n"), w,
               (int)strcspn(g, "\n"), g);
}
#endif
