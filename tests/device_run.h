// Small plans written by hand, and the device on which suites of the device layer run them: the best here, or the one that
// NACRE_TEST_DEVICE chooses.
#ifndef NC_TEST_DEVICE_RUN_H
#define NC_TEST_DEVICE_RUN_H
#include <stdio.h>
#include <stdlib.h>
#include "device/check.h"
#include "device/exec.h"
#include "suite.h"

static NcDevices *all;
static NcDevice *dev;

static inline void setup(void) {
  suite_open();
  all = nc_devices_open(arena, diag);
  ck_assert_msg(all != NULL, "%s", messages(diag));
  dev = nc_device_open(all, diag,
                       &(NcDeviceOptions){.choice = getenv("NACRE_TEST_DEVICE"), .no_probes = true, .no_cache = true});
  ck_assert_msg(dev != NULL, "%s", messages(diag));
}
static inline void teardown(void) {
  nc_device_close(dev);
  nc_devices_close(all);
  suite_close();
}

// The plan whose lines are given, with the program's length filled in.
static inline NcPlan *plan(const char *lines, const char *program) {
  const char *text = nc_sprintf(arena, "nacre-plan 1\nclass cpu\nalign 512\noptions \"\"\n%sprogram %zu\n%s", lines,
                                strlen(program), program);
  NcPlan *p = nc_plan_read(arena, diag, "test.plan", text, strlen(text));
  ck_assert_msg(p != NULL, "%s", messages(diag));
  return p;
}

static inline NcExec *session(void) {
  NcExec *x = nc_exec_new(arena, diag, dev);
  ck_assert_msg(x != NULL, "%s", messages(diag));
  return x;
}

static inline NcLoaded *load(NcExec *x, const NcPlan *p) {
  NcLoaded *l = nc_exec_load(x, diag, p);
  ck_assert_msg(l != NULL, "%s", messages(diag));
  return l;
}

// Asserts that exactly one error was reported, of that code, with `part` in the whole message as a person sees it.
static inline void expect(NcCode code, const char *part) {
  ck_assert_msg(diag->messages.n == 1, "not one message:\n%s", messages(diag));
  ck_assert_msg(diag->messages.at[0]->code == code, "another code:\n%s", messages(diag));
  ck_assert_msg(strstr(messages(diag), part) != NULL, "no `%s` in:\n%s", part, messages(diag));
  ck_assert_msg(diag->messages.at[0]->help != NULL || code == NC_E0901, "no mend:\n%s", messages(diag));
}

static inline void clear(void) { diag = nc_diag_new(arena); }

#define OK(call) ck_assert_msg((call), "%s", messages(diag))

#define SCALE_PROGRAM \
  "kernel void scale(global const float *x, global float *y, int n, float by) {\n" \
  "  int i = get_global_id(0);\n" \
  "  if (i < n) y[i] = x[i] * by;\n" \
  "}\n" \
  "kernel void add_to(global float *w, global const float *x, int n) {\n" \
  "  int i = get_global_id(0);\n" \
  "  if (i < n) w[i] += x[i];\n" \
  "}\n" \
  "kernel void group_sum(global const float *x, global float *y, local float *t) {\n" \
  "  int i = get_local_id(0), n = get_local_size(0);\n" \
  "  t[i] = x[get_global_id(0)];\n" \
  "  barrier(CLK_LOCAL_MEM_FENCE);\n" \
  "  for (int k = n / 2; k > 0; k /= 2) {\n" \
  "    if (i < k) t[i] += t[i + k];\n" \
  "    barrier(CLK_LOCAL_MEM_FENCE);\n" \
  "  }\n" \
  "  if (i == 0) y[get_group_id(0)] = t[0];\n" \
  "}\n" \
  "kernel void spill(global float *y, int at) { y[at] = 1; }\n"

#define SCALE_LINES \
  "buffer 0 root arena \"arena\" bytes 2048\n" \
  "buffer 1 input \"x\" f32[40]\n" \
  "buffer 2 temp \"t\" f32[40] in 0 offset 0\n" \
  "buffer 3 temp \"y\" f32[40] in 0 offset 1024\n" \
  "step 0 kernel \"scale\" global 64 1 1 local 16 1 1 args b1 b2 i40 f2 label \"double\" at \"model.nn:3:1\"\n" \
  "step 1 kernel \"scale\" global 64 1 1 local 16 1 1 args b2 b3 i40 f-0.5 label \"neg\" at \"model.nn:4:1\"\n" \
  "output \"y\" b3\n"

#define TRAIN_LINES \
  "buffer 0 root var \"params\" bytes 1024\n" \
  "buffer 1 var \"w\" f32[8] in 0 offset 0 role \"param\"\n" \
  "buffer 2 var \"b\" f32[4] in 0 offset 512 role \"param\"\n" \
  "buffer 3 var \"count\" f32[1] role \"state\"\n" \
  "buffer 4 input \"g\" f32[256]\n" \
  "step 0 kernel \"add_to\" global 256 1 1 local 8 1 1 args b0 b4 i256\n" \
  "step 1 kernel \"add_to\" global 1 1 1 local 1 1 1 args b3 b4 i1\n" \
  "output \"w\" b1\n"

static inline bool any_device(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)user, (void)d, (void)out;
  NcDevices *some = nc_devices_open(a, NULL);
  return some && nc_devices_best(some) >= 0;
}

// A suite whose tests need a device: without any it says so, and passes.
static inline bool device_there(void) {
  suite_open();
  NcBuf out = NC_BUF(arena);
  const bool have = nc_run_in_child(arena, diag, 60, any_device, NULL, &out);
  suite_close();
  if (!have) printf("no OpenCL device here: only the tests that need none\n");
  return have;
}
#endif
