// The device layer: small plans written by hand, run on the best device here (or the one that NACRE_TEST_DEVICE
// chooses). Without any OpenCL device only the tests that need none are run.
#include <glob.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "device/check.h"
#include "device/doctor.h"
#include "device/exec.h"
#include "suite.h"

static NcDevices *all;
static NcDevice *dev;

static void setup(void) {
  suite_open();
  all = nc_devices_open(arena, diag);
  ck_assert_msg(all != NULL, "%s", messages(diag));
  dev = nc_device_open(all, diag,
                       &(NcDeviceOptions){.choice = getenv("NACRE_TEST_DEVICE"), .no_probes = true, .no_cache = true});
  ck_assert_msg(dev != NULL, "%s", messages(diag));
}
static void teardown(void) {
  nc_device_close(dev);
  nc_devices_close(all);
  suite_close();
}

// The plan whose lines are given, with the program's length filled in.
static NcPlan *plan(const char *lines, const char *program) {
  const char *text = nc_sprintf(arena, "nacre-plan 1\nclass cpu\nalign 512\noptions \"\"\n%sprogram %zu\n%s", lines,
                                strlen(program), program);
  NcPlan *p = nc_plan_read(arena, diag, "test.plan", text, strlen(text));
  ck_assert_msg(p != NULL, "%s", messages(diag));
  return p;
}

static NcExec *session(void) {
  NcExec *x = nc_exec_new(arena, diag, dev);
  ck_assert_msg(x != NULL, "%s", messages(diag));
  return x;
}

static NcLoaded *load(NcExec *x, const NcPlan *p) {
  NcLoaded *l = nc_exec_load(x, diag, p);
  ck_assert_msg(l != NULL, "%s", messages(diag));
  return l;
}

// Asserts that exactly one error was reported, of that code, with `part` in the whole message as a person sees it.
static void expect(NcCode code, const char *part) {
  ck_assert_msg(diag->messages.n == 1, "not one message:\n%s", messages(diag));
  ck_assert_msg(diag->messages.at[0]->code == code, "another code:\n%s", messages(diag));
  ck_assert_msg(strstr(messages(diag), part) != NULL, "no `%s` in:\n%s", part, messages(diag));
  ck_assert_msg(diag->messages.at[0]->help != NULL || code == NC_E0901, "no mend:\n%s", messages(diag));
}

static void clear(void) { diag = nc_diag_new(arena); }

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

// --- without a device ---

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

// --- listing and choosing ---

START_TEST(listing) {
  ck_assert_int_ge(nc_devices_count(all), 1);
  int best = nc_devices_best(all);
  for (int i = 0; i < nc_devices_count(all); i++) {
    const NcDeviceInfo *info = nc_devices_info(all, i);
    ck_assert_int_eq(info->number, i);
    ck_assert(*info->name && *info->platform && *info->version);
    ck_assert_int_eq(info->usable, info->why_not == NULL);
    if (info->usable) ck_assert(info->score <= nc_devices_info(all, best)->score);
    ck_assert(info->target.vector == 4 || info->target.vector == 8 || info->target.vector == 16);
    ck_assert(info->target.align >= 128 && info->target.max_alloc > 0 && info->target.memory >= info->target.max_alloc);
    ck_assert(info->target.compute_units >= 1 && info->target.max_group >= 1);
  }
  ck_assert(nc_devices_info(all, -1) == NULL && nc_devices_info(all, nc_devices_count(all)) == NULL);
}
END_TEST

START_TEST(choosing) {
  const NcDeviceInfo *info = nc_device_info(dev);
  ck_assert_int_eq(nc_devices_choose(all, diag, NULL), nc_devices_best(all));
  ck_assert_int_eq(nc_devices_choose(all, diag, ""), nc_devices_best(all));
  ck_assert_int_eq(nc_devices_choose(all, diag, nc_sprintf(arena, "%d", info->number)), info->number);
  ck_assert_int_ge(nc_devices_choose(all, diag, info->kind), 0);
  char *shout = nc_strdup(arena, info->name);
  for (char *s = shout; *s; s++) *s = (char)(*s >= 'a' && *s <= 'z' ? *s - 32 : *s);
  ck_assert_int_ge(nc_devices_choose(all, diag, shout), 0);
  ck_assert_int_eq(diag->errors, 0);
  ck_assert_int_eq(nc_devices_choose(all, diag, "no such device"), -1);
  expect(NC_E0501, info->name);
  clear();
  ck_assert_int_eq(nc_devices_choose(all, diag, "999"), -1);
  expect(NC_E0501, "there is no device 999");
  clear();
  ck_assert_int_eq(nc_devices_choose(all, diag, "99999999999999999999"), -1);
  expect(NC_E0501, "there is no device");
}
END_TEST

START_TEST(forced_class) {
  for (int i = 0; i < 2; i++) {
    NcDevice *other = nc_device_open(
        all, diag,
        &(NcDeviceOptions){.choice = getenv("NACRE_TEST_DEVICE"), .cls = i ? "gpu" : "cpu", .no_probes = true});
    ck_assert(other != NULL);
    ck_assert_int_eq(nc_device_target(other)->cls, i ? NC_CLASS_GPU : NC_CLASS_CPU);
    nc_device_close(other);
  }
  ck_assert(nc_device_open(all, diag, &(NcDeviceOptions){.cls = "tpu"}) == NULL);
  expect(NC_E0702, "tpu");
}
END_TEST

static NcTarget opened(bool no_cache) {
  NcDevice *other =
      nc_device_open(all, diag, &(NcDeviceOptions){.choice = getenv("NACRE_TEST_DEVICE"), .no_cache = no_cache});
  ck_assert_msg(other != NULL, "%s", messages(diag));
  NcTarget t = *nc_device_target(other);
  nc_device_close(other);
  return t;
}

START_TEST(probing) {
  char folder[] = "/tmp/nacre-check-XXXXXX";
  ck_assert(mkdtemp(folder) != NULL);
  setenv("XDG_CACHE_HOME", folder, 1);
  NcTarget t = opened(false);
  ck_assert(t.half_ok);        // core OpenCL: true wherever it was tried
  glob_t found;
  ck_assert_int_eq(glob(nc_sprintf(arena, "%s/nacre/probes-*", folder), 0, NULL, &found), 0);
  ck_assert_uint_eq(found.gl_pathc, 1);
  const char *path = found.gl_pathv[0];
  size_t size;
  char *text = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &size), *line = strstr(text, "half 1");
  ck_assert(line != NULL);
  line[5] = '0';               // an answer that only the file can have given
  ck_assert(nc_write_file(diag, path, text, size));
  ck_assert(!opened(false).half_ok);
  ck_assert(opened(true).half_ok);
  for (size_t n = 0; n < size; n += 7) {        // whatever is cut off, the answer is right again, or still the file's
    ck_assert(nc_write_file(diag, path, text, n));
    ck_assert(opened(false).half_ok);
  }
  ck_assert(nc_write_file(diag, path, "half 0\nsubgroups 0\nclblast 0\n", 30));    // of another device
  ck_assert(opened(false).half_ok);
  remove(path);
  globfree(&found);
  remove(nc_sprintf(arena, "%s/nacre", folder));
  remove(folder);
  setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
  ck_assert(opened(false).half_ok);
  ck_assert_int_eq(diag->errors, 0);
}
END_TEST

static float one_scale(const NcDeviceOptions *o) {
  NcDevice *mine = nc_device_open(all, diag, o);
  ck_assert_msg(mine != NULL, "%s", messages(diag));
  NcPlan *p = plan("buffer 0 const \"x\" f32[1] data 0000803f\nbuffer 1 var \"y\" f32[1]\n"
                   "step 0 kernel \"scale\" global 1 1 1 local 1 1 1 args b0 b1 i1 f3\n", SCALE_PROGRAM);
  float y = 0;
  OK(nc_exec_once(mine, diag, p, NULL, 0, &(NcFetch){"y", &y, 4}, 1, NULL));
  nc_device_close(mine);
  return y;
}

// The second process finds the first one's program; a spoiled file is not believed.
START_TEST(kept_programs) {
  char folder[] = "/tmp/nacre-check-XXXXXX";
  ck_assert(mkdtemp(folder) != NULL);
  setenv("XDG_CACHE_HOME", folder, 1);
  NcDeviceOptions o = {.choice = getenv("NACRE_TEST_DEVICE"), .no_probes = true, .keep_programs = true};
  ck_assert(one_scale(&o) == 3);
  glob_t found;
  ck_assert_int_eq(glob(nc_sprintf(arena, "%s/nacre/program-*", folder), 0, NULL, &found), 0);
  ck_assert_uint_eq(found.gl_pathc, 1);
  const char *path = found.gl_pathv[0];
  nc_devices_fail_call(all, "clCreateProgramWithSource", 1);      // so it must be the kept one
  ck_assert(one_scale(&o) == 3);
  nc_devices_fail_call(all, "clCreateProgramWithBinary", 1);      // when that fails, the source does
  ck_assert(one_scale(&o) == 3);
  size_t size;
  char *text = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &size);
  for (size_t n = 0; n < size; n += size / 7) {
    ck_assert(nc_write_file(diag, path, text, n));
    ck_assert(one_scale(&o) == 3);
    char *spoiled = nc_memdup(arena, text, size);
    spoiled[n] ^= 0x11;
    ck_assert(nc_write_file(diag, path, spoiled, size));
    ck_assert(one_scale(&o) == 3);
  }
  remove(path);
  globfree(&found);
  remove(nc_sprintf(arena, "%s/nacre", folder));
  remove(folder);
}
END_TEST

START_TEST(after_fork) {
  pid_t pid = fork();
  if (pid == 0) _exit(nc_device_open(all, diag, NULL) || nc_exec_new(arena, diag, dev) || diag->errors != 2);
  int status = -1;
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert_int_eq(status, 0);
  NcBuf out = NC_BUF(arena);
  int v[2] = {0, 0};
  ck_assert(!nc_run_in_child(arena, diag, 1, child_adds, v, &out));
  expect(NC_E0502, "does not survive a fork");
}
END_TEST

// --- running ---

#define SCALE_LINES \
  "buffer 0 root arena \"arena\" bytes 2048\n" \
  "buffer 1 input \"x\" f32[40]\n" \
  "buffer 2 temp \"t\" f32[40] in 0 offset 0\n" \
  "buffer 3 temp \"y\" f32[40] in 0 offset 1024\n" \
  "step 0 kernel \"scale\" global 64 1 1 local 16 1 1 args b1 b2 i40 f2 label \"double\" at \"model.nn:3:1\"\n" \
  "step 1 kernel \"scale\" global 64 1 1 local 16 1 1 args b2 b3 i40 f-0.5 label \"neg\" at \"model.nn:4:1\"\n" \
  "output \"y\" b3\n"

START_TEST(once) {
  NcPlan *p = plan(SCALE_LINES, SCALE_PROGRAM);
  float x[40], y[40];
  double want[40];
  for (int i = 0; i < 40; i++) want[i] = -(double)(x[i] = (float)i + 0.25f);
  for (int guard = 0; guard < 2; guard++) {
    memset(y, 0, sizeof y);
    OK(nc_exec_once(dev, diag, p, &(NcFeed){"x", x, sizeof x}, 1, &(NcFetch){"y", y, sizeof y}, 1,
                    &(NcOnceOptions){.guard = guard}));
    NcCompared c = nc_compare(NC_F32, y, want, 40, 0, 0);
    ck_assert_msg(c.same, "element %zu: %g instead of %g", c.index, c.got, c.want);
  }
  ck_assert(!nc_exec_once(dev, diag, p, &(NcFeed){"z", x, sizeof x}, 1, NULL, 0, NULL));
  expect(NC_E0901, "\"z\"");
  clear();
  ck_assert(!nc_exec_once(dev, diag, p, NULL, 0, &(NcFetch){"y", y, sizeof y + 1}, 1, NULL));
  expect(NC_E0901, "161 bytes are more than buffer 3");
}
END_TEST

START_TEST(local_memory) {
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 512\n"
                   "buffer 1 const \"x\" f32[8] data 0000803f0000803f0000803f0000803f00000040000000400000004000000040\n"
                   "buffer 2 temp \"y\" f32[2] in 0 offset 0\n"
                   "step 0 kernel \"group_sum\" global 8 1 1 local 4 1 1 args b1 b2 l16\n"
                   "output \"y\" b2\n", SCALE_PROGRAM);
  float y[2];
  OK(nc_exec_once(dev, diag, p, NULL, 0, &(NcFetch){"y", y, sizeof y}, 1, NULL));
  ck_assert(y[0] == 4 && y[1] == 8);
}
END_TEST

START_TEST(fill_and_copy) {
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 1536\n"
                   "buffer 1 input \"x\" u8[7]\n"
                   "buffer 2 temp \"a\" u8[7] in 0 offset 0\n"
                   "buffer 3 temp \"b\" f32[8] in 0 offset 512\n"
                   "buffer 4 temp \"c\" u8[9] in 0 offset 1024\n"
                   "step 0 copy b1 b2 bytes 7\n"
                   "step 1 fill b3 bytes 32\n"
                   "step 2 fill b4 bytes 5\n"
                   "output \"a\" b2\noutput \"b\" b3\noutput \"c\" b4\n", SCALE_PROGRAM);
  unsigned char x[7] = "nacre!", a[7], c[9];
  float b[8];
  NcFetch fetch[] = {{"a", a, sizeof a}, {"b", b, sizeof b}, {"c", c, sizeof c}};
  OK(nc_exec_once(dev, diag, p, &(NcFeed){"x", x, sizeof x}, 1, fetch, 3, &(NcOnceOptions){.guard = true}));
  ck_assert_int_eq(memcmp(a, x, 7), 0);
  for (int i = 0; i < 8; i++) ck_assert(b[i] == 0);
  for (int i = 0; i < 9; i++) ck_assert_int_eq(c[i], i < 5 ? 0 : 0xFF);   // 0xFF: the poison
}
END_TEST

START_TEST(many_runs) {
  NcExec *x = session();
  NcLoaded *l = load(x, plan(SCALE_LINES, SCALE_PROGRAM));
  float in[2][40], out[200][40];
  uint64_t mark[2] = {0, 0};
  for (int i = 0; i < 200; i++) {
    float *from = in[i & 1];      // two host buffers, each written again only when its write is done
    OK(nc_exec_wait(x, diag, mark[i & 1]));
    for (int k = 0; k < 40; k++) from[k] = (float)(i * 40 + k);
    OK(nc_exec_write(l, diag, 1, from, sizeof in[0]));
    OK(mark[i & 1] = nc_exec_mark(x, diag));
    OK(nc_exec_run(l, diag));
    OK(nc_exec_read(l, diag, 3, out[i], sizeof out[i], false));
  }
  OK(nc_exec_finish(x, diag));
  for (int i = 0; i < 200; i++)
    for (int k = 0; k < 40; k++) ck_assert(out[i][k] == -(float)(i * 40 + k));
  ck_assert(nc_exec_wait(x, diag, 1));
  nc_exec_free(x);
  nc_exec_free(NULL);
}
END_TEST

// --- variables ---

#define TRAIN_LINES \
  "buffer 0 root var \"params\" bytes 1024\n" \
  "buffer 1 var \"w\" f32[8] in 0 offset 0 role \"param\"\n" \
  "buffer 2 var \"b\" f32[4] in 0 offset 512 role \"param\"\n" \
  "buffer 3 var \"count\" f32[1] role \"state\"\n" \
  "buffer 4 input \"g\" f32[256]\n" \
  "step 0 kernel \"add_to\" global 256 1 1 local 8 1 1 args b0 b4 i256\n" \
  "step 1 kernel \"add_to\" global 1 1 1 local 1 1 1 args b3 b4 i1\n" \
  "output \"w\" b1\n"

START_TEST(variables) {
  NcExec *x = session();
  NcLoaded *train = load(x, plan(TRAIN_LINES, SCALE_PROGRAM));
  ck_assert_int_eq(nc_exec_vars(x), 3);
  ck_assert_str_eq(nc_exec_var(x, 1)->name, "b");
  ck_assert_str_eq(nc_exec_var(x, 2)->role, "state");
  ck_assert_uint_eq(nc_exec_var(x, 0)->bytes, 32);
  ck_assert(nc_exec_var(x, 3) == NULL);
  ck_assert_int_eq(nc_exec_find_var(x, "count"), 2);
  ck_assert_int_eq(nc_exec_find_var(x, "nothing"), -1);
  float v[8], g[256], b[4] = {10, 20, 30, 40};
  OK(nc_exec_var_read(x, diag, 0, v, sizeof v));
  for (int i = 0; i < 8; i++) ck_assert(v[i] == 0);
  OK(nc_exec_var_write(x, diag, 1, b, sizeof b));
  for (int i = 0; i < 256; i++) g[i] = (float)i + 1;
  OK(nc_exec_write(train, diag, 4, g, sizeof g));
  OK(nc_exec_run(train, diag) && nc_exec_run(train, diag));

  // Another plan sees the same variables, whatever layout it had in mind, and may bring its own.
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 512\n"
                   "buffer 1 root var \"others\" bytes 512\n"
                   "buffer 2 var \"b\" f32[4] in 1 offset 0 role \"param\"\n"
                   "buffer 3 var \"w\" f32[8] role \"param\"\n"
                   "buffer 4 var \"fresh\" f32[4] role \"state\"\n"
                   "buffer 5 temp \"y\" f32[4] in 0 offset 0\n"
                   "step 0 kernel \"scale\" global 4 1 1 local 1 1 1 args b2 b5 i4 f1\n"
                   "step 1 kernel \"add_to\" global 8 1 1 local 1 1 1 args b4 b3 i4\n"
                   "output \"y\" b5\n", SCALE_PROGRAM);
  size_t before = nc_exec_bytes(x);
  NcLoaded *eval = load(x, p);
  ck_assert_uint_eq(nc_exec_bytes(x) - before, 512 + 16);     // the arena and "fresh"; no second place for w and b
  ck_assert_int_eq(nc_exec_vars(x), 4);
  float y[4];
  OK(nc_exec_run(eval, diag));
  OK(nc_exec_read(eval, diag, 5, y, sizeof y, true));
  for (int i = 0; i < 4; i++) ck_assert_msg(y[i] == b[i] + 2 * (float)(129 + i), "%g", y[i]);
  OK(nc_exec_var_read(x, diag, 3, y, sizeof y));
  for (int i = 0; i < 4; i++) ck_assert(y[i] == 2 * (float)(i + 1));
  OK(nc_exec_var_read(x, diag, 2, y, 4));
  ck_assert(y[0] == 2);

  // The first plan goes on where it was; a copy of it binds to the same root.
  nc_exec_unload(eval);
  NcLoaded *again = load(x, plan(TRAIN_LINES, SCALE_PROGRAM));
  OK(nc_exec_write(again, diag, 4, g, sizeof g));
  OK(nc_exec_run(again, diag) && nc_exec_read(train, diag, 1, v, sizeof v, true));
  for (int i = 0; i < 8; i++) ck_assert(v[i] == 3 * (float)(i + 1));
  nc_exec_free(x);
}
END_TEST

// Plans that do not fit the variables that TRAIN_LINES made, each with a word of the complaint.
static const struct { const char *lines, *part; } misfits[] = {
  {"buffer 0 var \"w\" f32[9] role \"param\"\n", "another type or size"},
  {"buffer 0 var \"w\" i32[8] role \"param\"\n", "here it is f32[8] in 32 bytes, in the plan i32[8]"},
  {"buffer 0 var \"w\" f32[8] bytes 64 role \"param\"\n", "in the plan f32[8] in 64 bytes"},
  {"buffer 0 root var \"params\" bytes 1024\n"
   "buffer 1 var \"b\" f32[4] in 0 offset 0 role \"param\"\n"
   "step 0 fill b0 bytes 16\n", "lie elsewhere"},
  {"buffer 0 root var \"params\" bytes 2048\n"
   "buffer 1 var \"new\" f32[4] in 0 offset 1024 role \"param\"\n"
   "step 0 fill b0 bytes 16\n", "lie elsewhere"},
  {"buffer 0 root var \"pack\" bytes 512\n"
   "buffer 1 var \"b\" f32[4] in 0 offset 0 role \"param\"\n"
   "step 0 copy b0 b1 bytes 16\n", "lie elsewhere"},
  {"buffer 0 var \"fine\" f32[9] role \"param\"\n"
   "buffer 1 var \"w\" f32[9] role \"param\"\n", "another type or size"},
};

START_TEST(variables_misfit) {
  NcExec *x = session();
  NcLoaded *train = load(x, plan(TRAIN_LINES, SCALE_PROGRAM));
  size_t before = nc_exec_bytes(x);
  ck_assert(nc_exec_load(x, diag, plan(misfits[_i].lines, SCALE_PROGRAM)) == NULL);
  expect(NC_E0506, misfits[_i].part);
  ck_assert_int_eq(nc_exec_vars(x), 3);           // nothing is left of the failed plan
  ck_assert_uint_eq(nc_exec_bytes(x), before);
  ck_assert_int_eq(nc_exec_find_var(x, "fine"), -1);
  clear();
  OK(nc_exec_run(train, diag) && nc_exec_finish(x, diag));
  nc_exec_free(x);
}
END_TEST

START_TEST(arenas_shared) {
  NcExec *x = session();
  NcLoaded *small = load(x, plan(SCALE_LINES, SCALE_PROGRAM));
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 32768\n"
                   "buffer 1 input \"x\" f32[8]\n"
                   "buffer 2 temp \"y\" f32[8] in 0 offset 32256\n"
                   "step 0 kernel \"scale\" global 8 1 1 local 1 1 1 args b1 b2 i8 f3\n"
                   "output \"y\" b2\n", SCALE_PROGRAM);
  size_t before = nc_exec_bytes(x);
  NcLoaded *large = load(x, p);
  ck_assert_uint_eq(nc_exec_bytes(x) - before, 32768 - 2048 + 32);
  float in[40], y[40];
  for (int i = 0; i < 40; i++) in[i] = (float)i;
  for (int round = 0; round < 3; round++) {
    OK(nc_exec_write(small, diag, 1, in, sizeof in) && nc_exec_run(small, diag) &&
       nc_exec_read(small, diag, 3, y, sizeof y, true));
    for (int i = 0; i < 40; i++) ck_assert(y[i] == -in[i]);
    OK(nc_exec_write(large, diag, 1, in, 32) && nc_exec_run(large, diag) && nc_exec_read(large, diag, 2, y, 32, true));
    for (int i = 0; i < 8; i++) ck_assert(y[i] == 3 * in[i]);
  }
  nc_exec_unload(large);
  nc_exec_unload(NULL);
  OK(nc_exec_run(small, diag));
  nc_exec_free(x);
  ck_assert_uint_eq(nc_exec_bytes(x), 0);
}
END_TEST

// --- matrix products ---

typedef struct { int m, n, k, ta, tb, batch; float beta; } Gemm;
static const Gemm gemms[] = {
    {1, 1, 1, 0, 0, 1, 0}, {5, 7, 3, 0, 0, 1, 0},    {5, 7, 3, 1, 0, 1, 0},    {5, 7, 3, 0, 1, 1, 0},
    {5, 7, 3, 1, 1, 1, 0}, {64, 64, 64, 0, 0, 1, 0}, {65, 31, 17, 0, 1, 1, 1}, {128, 96, 40, 1, 0, 1, 0.5f},
    {6, 5, 4, 0, 0, 3, 0}, {33, 8, 9, 0, 1, 4, 1},
};

static void one_gemm(Gemm g) {
  int na = g.m * g.k * g.batch, nb = g.k * g.n * g.batch, nc = g.m * g.n * g.batch;
  NcPlan *p = plan(nc_sprintf(arena,
                              "buffer 0 input \"a\" f32[%d]\nbuffer 1 input \"b\" f32[%d]\nbuffer 2 var \"c\" f32[%d] "
                              "role \"state\"\n"
                              "step 0 gemm a b0 b b1 c b2 ta %d tb %d m %d n %d k %d lda %d ldb %d ldc %d batch %d "
                              "stride_a %d stride_b %d stride_c %d beta %g\n"
                              "output \"c\" b2\n",
                              na, nb, nc, g.ta, g.tb, g.m, g.n, g.k, g.ta ? g.m : g.k, g.tb ? g.k : g.n, g.n, g.batch,
                              g.m * g.k, g.k * g.n, g.m * g.n, g.beta),
                   SCALE_PROGRAM);
  float *a = NC_NEW_N(arena, float, na), *b = NC_NEW_N(arena, float, nb), *c = NC_NEW_N(arena, float, nc),
        *got = NC_NEW_N(arena, float, nc);
  double *want = NC_NEW_N(arena, double, nc);
  for (int i = 0; i < na; i++) a[i] = (float)(i * 7 % 11) - 5;
  for (int i = 0; i < nb; i++) b[i] = (float)(i * 5 % 13) - 6;
  for (int i = 0; i < nc; i++) c[i] = (float)(i % 3);
  for (int s = 0; s < g.batch; s++)
    for (int i = 0; i < g.m; i++)
      for (int j = 0; j < g.n; j++) {
        double sum = g.beta * c[(s * g.m + i) * g.n + j];
        for (int k = 0; k < g.k; k++)
          sum += a[s * g.m * g.k + (g.ta ? k * g.m + i : i * g.k + k)] *
                 b[s * g.k * g.n + (g.tb ? j * g.k + k : k * g.n + j)];
        want[(s * g.m + i) * g.n + j] = sum;
      }
  NcFeed feed[] = {{"a", a, 4 * (size_t)na}, {"b", b, 4 * (size_t)nb}, {"c", c, 4 * (size_t)nc}};
  OK(nc_exec_once(dev, diag, p, feed, 3, &(NcFetch){"c", got, 4 * (size_t)nc}, 1, &(NcOnceOptions){.guard = true}));
  NcCompared r = nc_compare(NC_F32, got, want, (size_t)nc, 0, 1e-6);
  ck_assert_msg(r.same, "m %d n %d k %d: element %zu: %g instead of %g, %zu wrong", g.m, g.n, g.k, r.index, r.got,
                r.want, r.wrong);
}

// All in one process, and with GPU code's parameters: CLBlast compiles for seconds. Probed, because some devices cannot
// have work-groups as large as its own choice for them.
START_TEST(gemm) {
  NcDevice *cpu = dev;
  NcDeviceOptions o = {.choice = getenv("NACRE_TEST_DEVICE"), .cls = "gpu", .no_cache = true};
  dev = nc_device_open(all, diag, &o);
  ck_assert_msg(dev != NULL, "%s", messages(diag));
  for (size_t i = 0; nc_device_target(dev)->clblast && i < sizeof gemms / sizeof *gemms; i++) one_gemm(gemms[i]);
  nc_device_close(dev);
  dev = cpu;
}
END_TEST

// --- looking at a run ---

START_TEST(guarding) {
  // Inside its own buffer nothing is wrong; one element past it is in the gap, further on another's buffer, further
  // still behind the arena.
  static const struct { int at; const char *part; } spills[] = {
    {3, NULL}, {4, "byte 16 of"}, {128, "\"other\" lies there"}, {256, "behind its end"}, {270, "behind its end"},
  };
  const int at = spills[_i].at;
  NcPlan *p = plan(
      nc_sprintf(arena,
                 "buffer 0 root arena \"arena\" bytes 1024\n"
                 "buffer 1 temp \"y\" f32[4] in 0 offset 0\n"
                 "buffer 2 temp \"other\" f32[4] in 0 offset 512\n"
                 "step 0 fill b2 bytes 16\n"
                 "step 1 kernel \"spill\" global 1 1 1 local 1 1 1 args b1 i%d label \"bad\" at \"model.nn:9:2\"\n",
                 at),
      SCALE_PROGRAM);
  bool ok = nc_exec_once(dev, diag, p, NULL, 0, NULL, 0, &(NcOnceOptions){.guard = true});
  ck_assert_int_eq(ok, spills[_i].part == NULL);
  if (ok) return;
  expect(NC_E0505, spills[_i].part);
  ck_assert(strstr(messages(diag), "`bad` at model.nn:9:2") != NULL);
}
END_TEST

START_TEST(profiling) {
  NcExec *x = session();
  NcPlan *p = plan(SCALE_LINES, SCALE_PROGRAM);
  NcLoaded *l = load(x, p);
  NcProfile *prof = nc_profile_new(arena, p);
  float in[40] = {1, 2, 3}, y[40];
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  for (int i = 0; i < 3; i++) OK(nc_exec_run_profiled(l, diag, prof));
  OK(nc_exec_read(l, diag, 3, y, sizeof y, true));
  ck_assert(y[0] == -1 && y[2] == -3);
  ck_assert_int_eq(prof->runs, 3);
  ck_assert_int_eq(prof->n, 2);
  double sum = 0;
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(prof->step[i].count, 3);
    ck_assert(prof->step[i].ns > 0);
    ck_assert(prof->step[i].cpu_ns == 0);
    sum += prof->step[i].ns;
  }
  ck_assert(sum <= prof->total_ns);
  prof->apart = true;
  OK(nc_exec_run_profiled(l, diag, prof));
  for (int i = 0; i < 2; i++) ck_assert(prof->step[i].cpu_ns > 0 && prof->step[i].count == 4);
  nc_exec_free(x);
}
END_TEST

START_TEST(hunting) {
  NcExec *x = session();
  NcPlan *p = plan(
      "buffer 0 root arena \"arena\" bytes 2048\n"
      "buffer 1 input \"x\" f32[40]\n"
      "buffer 2 temp \"t\" f32[40] in 0 offset 0 at \"model.nn:3:1\"\n"
      "buffer 3 temp \"y\" f32[40] in 0 offset 1024\n"
      "step 0 kernel \"scale\" global 64 1 1 local 16 1 1 args b1 b2 i40 f1e38 label \"grow\" at \"model.nn:3:1\"\n"
      "step 1 kernel \"scale\" global 64 1 1 local 16 1 1 args b2 b3 i40 f0 label \"vanish\" at \"model.nn:4:1\"\n"
      "output \"y\" b3\n",
      SCALE_PROGRAM);
  NcLoaded *l = load(x, p);
  NcBad bad;
  float in[40] = {0};
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(!bad.found && bad.inf_buffer == -1);
  ck_assert(nc_exec_report_bad(l, diag, &bad) == NULL);
  in[17] = 1000;                  // 1e41 is infinite, and infinity times zero is NaN
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(bad.found && bad.step == 1 && bad.buffer == 3 && bad.index == 17 && bad.inf_step == 0 &&
            bad.inf_buffer == 2);
  nc_exec_report_bad(l, diag, &bad);
  expect(NC_E0603, "`vanish` at model.nn:4:1");
  ck_assert(strstr(messages(diag), "`grow` at model.nn:3:1") != NULL);
  clear();
  in[3] = NAN;
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(bad.found && bad.step == -1 && bad.buffer == 1 && bad.index == 3);
  nc_exec_report_bad(l, diag, &bad);
  expect(NC_E0603, "the input \"x\"");
  nc_exec_free(x);
}
END_TEST

#define LOOP_PROGRAM SCALE_PROGRAM \
  "kernel void down(global float *y, int t) { y[0] = sqrt(3.5f - 2 * t); }\n"

START_TEST(looping) {
  NcExec *x = session();
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 2048\n"
                   "buffer 1 temp \"y\" f32[8] in 0 offset 0\n"
                   "buffer 2 input \"x\" f32[4]\n"
                   "buffer 3 temp \"sum\" f32[4] in 0 offset 512\n"
                   "buffer 4 temp \"root\" f32[1] in 0 offset 1024\n"
                   "step 0 fill b1 bytes 32\nstep 1 fill b3 bytes 16\n"
                   "step 2 loop turns 3\n"
                   "step 3 loop turns 2\n"
                   "step 4 kernel \"add_to\" global 4 1 1 local 1 1 1 args b3 b2 i4\n"
                   "step 5 end\n"
                   "step 6 kernel \"spill\" global 1 1 1 local 1 1 1 args b1 t\n"
                   "step 7 kernel \"down\" global 1 1 1 local 1 1 1 args b4 t label \"root\" at \"model.nn:7:1\"\n"
                   "step 8 end\n"
                   "output \"y\" b1\noutput \"sum\" b3\n", LOOP_PROGRAM);
  NcLoaded *l = load(x, p);
  float in[4] = {1, 2, 3, 4}, y[8], sum[4];
  OK(nc_exec_write(l, diag, 2, in, sizeof in));
  NcProfile *prof = nc_profile_new(arena, p);
  for (int way = 0; way < 3; way++) {
    nc_exec_seams(x, (NcExecSeams){.poison = true, .guard = way == 1});
    OK(way == 2 ? nc_exec_run_profiled(l, diag, prof) : nc_exec_run(l, diag));
    OK(nc_exec_read(l, diag, 1, y, sizeof y, true));
    OK(nc_exec_read(l, diag, 3, sum, sizeof sum, true));
    for (int i = 0; i < 8; i++) ck_assert(y[i] == (i < 3));
    for (int i = 0; i < 4; i++) ck_assert(sum[i] == 6 * in[i]);
  }
  ck_assert(prof->step[4].count == 6 && prof->step[6].count == 3 && prof->step[2].count == 0);
  NcBad bad;
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(bad.found && bad.step == 7 && bad.turn == 2 && bad.buffer == 4);
  nc_exec_report_bad(l, diag, &bad);
  expect(NC_E0603, "in turn 2 of its loop");
  nc_exec_free(x);
}
END_TEST

// --- errors ---

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
  OK(nc_doctor_check(arena, diag, &o, DOCTORED, make_case, (void *)case_names, 2, v));
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

static bool any_device(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)user, (void)d, (void)out;
  NcDevices *some = nc_devices_open(a, NULL);
  return some && nc_devices_best(some) >= 0;
}

int main(void) {
  Suite *s = suite_create("device");
  TCase *c = suite_case(s, "without", suite_open, suite_close);
  tcase_add_test(c, child_answers);
  tcase_add_test(c, child_dies);
  tcase_add_test(c, no_library);
  tcase_add_test(c, no_driver);
  tcase_add_test(c, comparing);
  suite_open();
  NcBuf out = NC_BUF(arena);
  bool have = nc_run_in_child(arena, diag, 60, any_device, NULL, &out);
  suite_close();
  if (have) {
    c = suite_case(s, "with", setup, teardown);
    tcase_add_test(c, listing);
    tcase_add_test(c, choosing);
    tcase_add_test(c, forced_class);
    tcase_add_test(c, probing);
    tcase_add_test(c, kept_programs);
    tcase_add_test(c, after_fork);
    tcase_add_test(c, once);
    tcase_add_test(c, local_memory);
    tcase_add_test(c, fill_and_copy);
    tcase_add_test(c, many_runs);
    tcase_add_test(c, variables);
    tcase_add_loop_test(c, variables_misfit, 0, sizeof misfits / sizeof *misfits);
    tcase_add_test(c, arenas_shared);
    tcase_add_test(c, gemm);
    tcase_add_loop_test(c, guarding, 0, 5);
    tcase_add_test(c, profiling);
    tcase_add_test(c, hunting);
    tcase_add_test(c, looping);
    tcase_add_loop_test(c, bad_programs, 0, 3);
    tcase_add_loop_test(c, wrong_arguments, 0, 5);
    tcase_add_test(c, too_large);
    tcase_add_loop_test(c, failing_calls, 0, sizeof failing / sizeof *failing);
    tcase_add_test(c, out_of_memory);
    tcase_add_test(c, failing_setup);
    c = suite_case(s, "doctor", suite_open, suite_close);
    tcase_add_test(c, doctoring);
    tcase_add_test(c, doctor_lists);
  } else {
    printf("no OpenCL device here: only the tests that need none\n");
  }
  return suite_run(s, CK_FORK_GETENV);
}
