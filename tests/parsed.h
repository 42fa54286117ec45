// A file's text parsed, with the messages that came of it.
#ifndef NC_TEST_PARSED_H
#define NC_TEST_PARSED_H
#include "front/parse.h"
#include "suite.h"

typedef struct { NcDiag *d; NcFile *f; } Parsed;

static inline Parsed parse(NcArena *a, NcMap *names, const char *name, const char *text, size_t n) {
  Parsed p = {.d = nc_diag_new(a)};
  p.d->limit = 100;
  p.f = nc_parse(a, p.d, names, nc_diag_source(p.d, name, text, n));
  return p;
}

// Comments that are not the doc of a declaration.
static inline int remarks(const NcFile *f) {
  int n = 0;
  for (int i = 0; i < f->comment.n; i++) n += !f->comment.at[i].doc;
  return n;
}

// Printing loses nothing, and printing what was printed changes nothing.
static inline void round_trip(NcArena *a, NcMap *names, Parsed p, const char *name) {
  NcBuf once = NC_BUF(a), twice = NC_BUF(a);
  nc_print_file(&once, p.d, p.f);
  Parsed q = parse(a, names, name, nc_buf_str(&once), once.n);
  ck_assert_msg(q.d->errors == 0, "printed, %s has errors:\n%s\n%s", name, messages(q.d), nc_buf_str(&once));
  ck_assert_msg(nc_file_eq(p.f, q.f), "printed, %s is another program:\n%s", name, nc_buf_str(&once));
  ck_assert_msg(remarks(p.f) == remarks(q.f), "printed, %s has %d comments, not %d:\n%s", name, remarks(q.f), remarks(p.f),
                nc_buf_str(&once));
  nc_print_file(&twice, q.d, q.f);
  ck_assert_msg(strcmp(nc_buf_str(&once), nc_buf_str(&twice)) == 0, "printed twice, %s changes:\n%s\n----\n%s", name,
                nc_buf_str(&once), nc_buf_str(&twice));
}

#endif
