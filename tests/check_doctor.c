// Work in a child process that may crash or hang, drivers that are absent, results compared, and the doctor that puts these together.
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "device/doctor.h"
#include "device_run.h"

static bool child_adds(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)a;
  const int *v = user;
  nc_help(d, nc_error(d, NC_E0505, NC_NOWHERE, "sum %d", v[0] + v[1]), "mend it");
  nc_note(d, d->messages.at[0], "a note");
  nc_putn(out, "a\0b", 3);
  return true;
}
static bool child_crashes(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)user, (void)a, (void)d, (void)out;
  for (;;) raise(SIGSEGV);     // the handler of a compiler inside a driver may swallow one
  return true;
}
static bool child_hangs(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)user, (void)a, (void)d, (void)out;
  for (;;) pause();
  return false;
}
static bool child_runs_out(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)user, (void)d, (void)out;
  nc_alloc(a, SIZE_MAX / 2 + 1);
  return true;
}

START_TEST(child_answers) {
  int v[2] = {2, 3};
  NcBuf out = NC_BUF(arena);
  ck_assert(nc_run_in_child(arena, diag, 20, child_adds, v, &out));
  ck_assert_uint_eq(out.n, 3);
  ck_assert_int_eq(memcmp(out.at, "a\0b", 3), 0);
  expect(NC_E0505, "sum 5");
  ck_assert_str_eq(diag->messages.at[0]->help, "mend it");
  ck_assert_str_eq(diag->messages.at[0]->notes.at[0], "a note");
}
END_TEST

START_TEST(child_dies) {
  NcBuf out = NC_BUF(arena);
  ck_assert(!nc_run_in_child(arena, diag, 20, child_crashes, NULL, &out));
  expect(NC_E0502, "Segmentation fault");
  clear();
  ck_assert(!nc_run_in_child(arena, diag, 0.2, child_hangs, NULL, &out));
  expect(NC_E0502, "did not answer within 0.2 seconds");
  clear();
  ck_assert(!nc_run_in_child(arena, diag, 0, child_runs_out, NULL, &out));
  expect(NC_E0502, "crashed");
}
END_TEST

// The child of a process that dies goes too, though it would never have answered. It then is this one's child, which is told of its end.
static bool child_tells(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  pid_t pid = getpid();
  return write(*(int *)user, &pid, sizeof pid) == sizeof pid && child_hangs(user, a, d, out);
}

START_TEST(child_of_a_process_that_dies) {
  int fd[2];
  pid_t child = 0, pid;
  ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  ck_assert_int_eq(pipe(fd), 0);
  if ((pid = fork()) == 0) {
    close(fd[0]);
    nc_run_in_child(arena, diag, 0, child_tells, &fd[1], &NC_BUF(arena));
    _exit(1);
  }
  ck_assert_int_eq(read(fd[0], &child, sizeof child), sizeof child);
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
  ck_assert_int_eq(waitpid(child, NULL, 0), child);
  close(fd[0]);
  close(fd[1]);
}
END_TEST

START_TEST(no_library) {
  setenv("NACRE_OPENCL", "/nowhere/libOpenCL.so", 1);
  ck_assert(nc_devices_open(arena, diag) == NULL);
  expect(NC_E0501, "apt install");
  ck_assert(nc_devices_open(arena, NULL) == NULL);
  clear();
  setenv("NACRE_OPENCL", "libm.so.6", 1);
  ck_assert(nc_devices_open(arena, diag) == NULL);
  expect(NC_E0501, "lacks clGetPlatformIDs");
}
END_TEST

START_TEST(no_driver) {
  unsetenv("NACRE_OPENCL");
  setenv("OCL_ICD_VENDORS", "/nowhere", 1);
  unsetenv("OCL_ICD_FILENAMES");
  ck_assert(nc_devices_open(arena, diag) == NULL);
  expect(NC_E0501, "pocl-opencl-icd");
}
END_TEST

START_TEST(comparing) {
  float f[4] = {1, 2.5f, NAN, INFINITY};
  double want[4] = {1, 2, NAN, INFINITY};
  NcCompared c = nc_compare(NC_F32, f, want, 4, 0.1, 0);
  ck_assert(!c.same && c.index == 1 && c.wrong == 1 && c.got == 2.5 && c.want == 2 && c.worst == 0.5);
  ck_assert(nc_compare(NC_F32, f, want, 4, 0, 0.25).same);
  want[2] = 0;
  c = nc_compare(NC_F32, f, want, 4, 0, 0.25);
  ck_assert(!c.same && c.index == 2 && c.wrong == 1 && isinf(c.worst));
  want[2] = NAN;
  want[3] = -INFINITY;
  ck_assert(!nc_compare(NC_F32, f, want, 4, 1e30, 1).same);
  uint16_t half[5] = {0x3C00, 0xC000, 0x0001, 0x7C00, 0x7BFF};
  double halves[5] = {1, -2, 0x1p-24, INFINITY, 65504};
  ck_assert(nc_compare(NC_F16, half, halves, 5, 0, 0).same);
  uint16_t bf[2] = {0x3F80, 0xC040};
  ck_assert(nc_compare(NC_BF16, bf, (double[]){1, -3}, 2, 0, 0).same);
  int64_t i64[1] = {-5};
  ck_assert(nc_compare(NC_I64, i64, (double[]){-5}, 1, 0, 0).same);
  ck_assert(!nc_compare(NC_U8, (uint8_t[]){7}, (double[]){8}, 1, 0, 0).same);
}
END_TEST

// --- the doctor ---

enum { DOCTORED = 8 };
static const char *const case_names[DOCTORED] = {"right", "wrong", "broken",   "crash",
                                                 "right", "hang",  "not here", "right"};
static const NcVerdictKind case_verdicts[DOCTORED] = {
    NC_VERDICT_RIGHT, NC_VERDICT_WRONG, NC_VERDICT_FAILED,  NC_VERDICT_CRASHED,
    NC_VERDICT_RIGHT, NC_VERDICT_LATE,  NC_VERDICT_SKIPPED, NC_VERDICT_RIGHT,
};

static bool make_case(void *user, NcArena *a, NcDiag *d, const NcTarget *t, int i, NcCase *out) {
  ck_assert(user == case_names && t->align >= 128);
  arena = a;
  diag = d;
  out->name = case_names[i];
  if (case_verdicts[i] == NC_VERDICT_SKIPPED) return false;
  float *x = NC_NEW_N(a, float, 40);
  double *want = NC_NEW_N(a, double, 40);
  for (int k = 0; k < 40; k++) want[k] = -(double)(x[k] = (float)k);
  if (case_verdicts[i] == NC_VERDICT_WRONG) want[7] = 8;
  if (case_verdicts[i] == NC_VERDICT_CRASHED) return child_crashes(NULL, a, d, NULL);
  if (case_verdicts[i] == NC_VERDICT_LATE) return child_hangs(NULL, a, d, NULL);
  NcFeed *feed = NC_NEW(a, NcFeed);
  *feed = (NcFeed){"x", x, 160};
  NcPlan *p = plan(SCALE_LINES, case_verdicts[i] == NC_VERDICT_FAILED ? "kernel void scale(" : SCALE_PROGRAM);
  *out = (NcCase){case_names[i], p, feed, 1, "y", NC_F32, want, 40, 0, 1e-6};
  return true;
}

START_TEST(doctoring) {
  NcVerdict v[DOCTORED];
  NcDeviceOptions o = {.choice = getenv("NACRE_TEST_DEVICE"), .no_probes = true, .no_cache = true};
  double seconds = 1;            // a machine that does much else needs more for a case that is right
  do OK(nc_doctor_check(arena, diag, &o, DOCTORED, make_case, (void *)case_names, seconds *= 2, v));
  while (v[0].kind == NC_VERDICT_LATE && seconds < 60);
  for (int i = 0; i < DOCTORED; i++) {
    ck_assert_msg(v[i].kind == case_verdicts[i], "case %d is %s: %s", i, nc_verdict_word(v[i].kind), v[i].message);
    ck_assert(case_verdicts[i] == NC_VERDICT_CRASHED || case_verdicts[i] == NC_VERDICT_LATE ||
              !strcmp(v[i].name, case_names[i]));
  }
  ck_assert(v[1].compared.index == 7 && v[1].compared.got == -7 && v[1].compared.want == 8 && v[1].compared.wrong == 1);
  ck_assert_str_eq(v[2].code, "E0503");
  ck_assert(strstr(v[3].message, "Segmentation fault") != NULL);
  ck_assert(v[5].ms >= 2000);
  o.choice = "no such device";
  ck_assert(!nc_doctor_check(arena, diag, &o, DOCTORED, make_case, (void *)case_names, 2, v));
  expect(NC_E0501, "no such device");
}
END_TEST

START_TEST(doctor_lists) {
  int n = 0;
  NcDeviceInfo *info = nc_doctor_devices(arena, diag, &n);
  ck_assert(info && n >= 1);
  all = nc_devices_open(arena, diag);
  ck_assert_int_eq(n, nc_devices_count(all));
  for (int i = 0; i < n; i++) {
    const NcDeviceInfo *same = nc_devices_info(all, i);
    ck_assert_str_eq(info[i].name, same->name);
    ck_assert_str_eq(info[i].extensions, same->extensions);
    ck_assert_str_eq(info[i].kind, same->kind);
    ck_assert_int_eq(info[i].usable, same->usable);
    ck_assert((info[i].why_not == NULL) == (same->why_not == NULL));
    ck_assert(info[i].score == same->score && info[i].target.memory == same->target.memory);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("doctor");
  TCase *c = suite_case(s, "without", suite_open, suite_close);
  tcase_add_test(c, child_answers);
  tcase_add_test(c, child_dies);
  tcase_add_test(c, child_of_a_process_that_dies);
  tcase_add_test(c, no_library);
  tcase_add_test(c, no_driver);
  tcase_add_test(c, comparing);
  if (device_there()) {
    c = suite_case(s, "doctor", suite_open, suite_close);
    tcase_add_test(c, doctoring);
    tcase_add_test(c, doctor_lists);
  }
  return suite_run(s, CK_FORK_GETENV);
}
