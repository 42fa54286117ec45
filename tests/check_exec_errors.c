// Plans that a device cannot run: programs that do not build, wrong arguments, too little memory, calls that fail.
#include <string.h>
#include "base/file.h"
#include "device_run.h"

START_TEST(bad_programs) {
  static const struct { const char *step, *program, *part; } bad[] = {
    {"args", "kernel void k(void) { this is no OpenCL C; }", "does not compile"},
    {"args", "kernel void other(void) {} void k(void) {}", "no kernel called `k`"},
    {"args i1", "kernel void k(global int *x, int y) { x[0] = y; }", "takes 2 arguments and the plan gives 1"},
  };
  NcExec *x = session();
  const char *lines = nc_sprintf(
      arena, "step 0 kernel \"k\" global 1 1 1 local 1 1 1 %s label \"dense\" at \"model.nn:2:3\"\n", bad[_i].step);
  ck_assert(nc_exec_load(x, diag, plan(lines, bad[_i].program)) == NULL);
  expect(NC_E0503, bad[_i].part);
  if (_i > 0) ck_assert(strstr(messages(diag), "`dense` at model.nn:2:3") != NULL);
  ck_assert_uint_eq(nc_exec_bytes(x), 0);
  nc_exec_free(x);
}
END_TEST

START_TEST(too_large) {
  NcExec *x = session();
  const NcTarget *t = nc_device_target(dev);
  NcPlan *p = plan(nc_sprintf(arena, "buffer 0 root arena \"huge\" bytes %zu\n", t->max_alloc + 512), "");
  ck_assert(nc_exec_load(x, diag, p) == NULL);
  expect(NC_E0504, "allocates at most");
  clear();
  NcBuf lines = NC_BUF(arena);
  for (int i = 0; i < (int)(t->memory / t->max_alloc) + 1; i++)
    nc_putf(&lines, "buffer %d root arena \"arena%d\" bytes %zu\n", i, i, t->max_alloc / 128 * 128);
  ck_assert(nc_exec_load(x, diag, plan(nc_buf_str(&lines), "")) == NULL);
  expect(NC_E0504, "the plan needs");
  clear();
  p = plan(nc_sprintf(arena, "step 0 kernel \"group_sum\" global %d 1 1 local %d 1 1 args i1 i1 l4\n", t->max_group * 2,
                      t->max_group * 2),
           SCALE_PROGRAM);
  if (t->max_group * 2 <= 1 << 16) {
    ck_assert(nc_exec_load(x, diag, p) == NULL);
    expect(NC_E0504, "a work-group of");
  }
  nc_exec_free(x);
}
END_TEST

// Arguments of another kind than the kernel's are refused when they are set.
START_TEST(wrong_arguments) {
  static const char *const args[] = {"i1 b1 i40 f2", "b0 b1 b0 f2", "b0 b1 i40 b0", "b0 l16 i40 f2", "b0 b1 l4 f2"};
  NcExec *x = session();
  const char *lines = nc_sprintf(arena, "buffer 0 input \"x\" f32[40]\nbuffer 1 var \"y\" f32[40]\n"
                                 "step 0 kernel \"scale\" global 1 1 1 local 1 1 1 args %s\n", args[_i]);
  ck_assert(nc_exec_load(x, diag, plan(lines, SCALE_PROGRAM)) == NULL);
  expect(NC_E0502, "clSetKernelArg");
  nc_exec_free(x);
}
END_TEST

// Each of these calls fails once: an error with its name, and the session goes on as if nothing had happened.
static const char *const failing[] = {
  "clCreateBuffer", "clCreateSubBuffer", "clCreateProgramWithSource", "clBuildProgram", "clCreateKernel",
  "clSetKernelArg", "clGetKernelWorkGroupInfo", "clEnqueueNDRangeKernel", "clEnqueueWriteBuffer", "clEnqueueReadBuffer",
  "clFlush",
};

static bool whole_run(NcExec *x, NcLoaded **l, NcPlan *p, float *y) {
  float in[40] = {5};
  return (*l = nc_exec_load(x, diag, p)) && nc_exec_write(*l, diag, 1, in, sizeof in) && nc_exec_run(*l, diag) &&
         nc_exec_read(*l, diag, 3, y, 160, true);
}

START_TEST(failing_calls) {
  NcExec *x = session();
  float y[40];
  for (int n = 1; n <= 2; n++) {
    NcLoaded *l;
    nc_devices_fail_call(all, failing[_i], n);
    bool ok = whole_run(x, &l, plan(SCALE_LINES, SCALE_PROGRAM), y);
    if (ok && n > 1) {                      // it is called only once
      nc_devices_fail_call(all, NULL, 0);
      nc_exec_unload(l);
      break;
    }
    ck_assert(!ok);
    expect(NC_E0502, failing[_i]);
    ck_assert(strstr(messages(diag), "CL_OUT_OF_RESOURCES (-5)") != NULL);
    clear();
    nc_exec_unload(l);
  }
  NcLoaded *l;
  OK(whole_run(x, &l, plan(SCALE_LINES, SCALE_PROGRAM), y));
  ck_assert(y[0] == -5);
  nc_exec_free(x);
  ck_assert_uint_eq(nc_exec_bytes(x), 0);
}
END_TEST

static bool load_until(NcExec *x, NcArena *small, const NcPlan *p, long n) {
  if (NC_ON_OOM(small)) return false;
  nc_arena_fail_after(small, n);
  NcLoaded *l = nc_exec_load(x, diag, p);
  nc_arena_fail_after(small, 0);
  return l != NULL;
}

// Host memory runs out at every allocation of a load in turn: everything that the device holds is given back all the
// same.
START_TEST(out_of_memory) {
  NcArena *small = nc_arena_new();
  NcPlan *p = plan(TRAIN_LINES, SCALE_PROGRAM);
  bool done = false;
  for (long n = 1; !done; n++) {
    NcExec *x = nc_exec_new(small, diag, dev);
    ck_assert(x != NULL);
    p->arena = small;
    done = load_until(x, small, p, n);
    ck_assert_int_eq(diag->errors, 0);
    nc_exec_free(x);
    ck_assert_uint_eq(nc_exec_bytes(x), 0);
    ck_assert_int_lt(n, 1000);
  }
  nc_arena_free(small);
}
END_TEST

START_TEST(failing_setup) {
  nc_devices_fail_call(all, "clCreateCommandQueue", 1);
  ck_assert(nc_exec_new(arena, diag, dev) == NULL);
  expect(NC_E0502, "clCreateCommandQueue");
  clear();
  nc_devices_fail_call(all, "clCreateContext", 1);
  ck_assert(nc_device_open(all, diag, NULL) == NULL);
  expect(NC_E0502, "clCreateContext");
}
END_TEST

int main(void) {
  Suite *s = suite_create("exec errors");
  if (device_there()) {
    TCase *c = suite_case(s, "with", setup, teardown);
    tcase_add_loop_test(c, bad_programs, 0, 3);
    tcase_add_test(c, too_large);
    tcase_add_loop_test(c, wrong_arguments, 0, 5);
    tcase_add_loop_test(c, failing_calls, 0, sizeof failing / sizeof *failing);
    tcase_add_test(c, out_of_memory);
    tcase_add_test(c, failing_setup);
  }
  return suite_run(s, CK_FORK_GETENV);
}
