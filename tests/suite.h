// What every suite shares: memory and messages of the test that runs, how its cases are made, and how they are run.
#ifndef NC_TEST_SUITE_H
#define NC_TEST_SUITE_H
#include <check.h>
#include <string.h>
#include "base/diag.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static NcArena *arena;          // both anew for each test
static NcDiag *diag;

static inline void suite_open(void) {
  arena = nc_arena_new();
  diag = nc_diag_new(arena);
}
static inline void suite_close(void) { nc_arena_free(arena); }

// All messages, as a person sees them.
static inline const char *messages(const NcDiag *d) {
  NcBuf b = NC_BUF(arena);
  nc_diag_render(d, &b, false);
  return nc_buf_str(&b);
}

// The last message has this code and says `part` (empty: anything), in itself or in its help; then all are forgotten.
static inline void expect_error(NcCode code, const char *part) {
  ck_assert_msg(diag->errors > 0, "no error, but `%s` was expected", part);
  const NcMessage *m = diag->messages.at[diag->messages.n - 1];
  ck_assert_msg(m->code == code, "%s: %s", nc_code_name(m->code), m->text);
  const bool said = !*part || strstr(m->text, part) || (m->help && strstr(m->help, part));
  ck_assert_msg(said, "`%s` is neither in: %s\nnor in: %s", part, m->text, m->help ? m->help : "(no help)");
  diag->errors = diag->messages.n = 0;
}

// `body` with the n-th allocation failing, for every n until all goes well; each time in an arena of its own, and a sanitizer
// would tell what is lost. Returns how often it failed.
static inline int suite_without_memory(void (*body)(const void *), const void *ctx) {
  volatile int failed = 0;
  for (;;) {
    nc_arena_free(arena);
    arena = nc_arena_new();
    if (NC_ON_OOM(arena)) {
      failed++;
      continue;
    }
    diag = nc_diag_new(arena);
    nc_arena_fail_after(arena, failed + 1);
    body(ctx);
    nc_arena_fail_after(arena, 0);
    return failed;
  }
}

// A case whose tests run between setup and teardown (NULL: without). Devices may be busy: time is no test of anything.
static inline TCase *suite_case(Suite *s, const char *name, void (*setup)(void), void (*teardown)(void)) {
  TCase *t = tcase_create(name);
  tcase_set_timeout(t, 300);
  if (setup || teardown) tcase_add_checked_fixture(t, setup, teardown);
  suite_add_tcase(s, t);
  return t;
}

// What main returns. CK_NOFORK for tests that share a device: OpenCL does not survive fork().
static inline int suite_run(Suite *s, enum fork_status how) {
  SRunner *r = srunner_create(s);
  if (how != CK_FORK_GETENV) srunner_set_fork_status(r, how);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed != 0;
}
#endif
