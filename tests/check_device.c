// Which devices there are, which is chosen, what is found out about one, and programs that are kept.
#include <glob.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "device_run.h"

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
  NcDevice *other = nc_device_open(
      all, diag, &(NcDeviceOptions){.choice = getenv("NACRE_TEST_DEVICE"), .cls = "gpu", .no_cache = no_cache});
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
  ck_assert(!nc_run_in_child(arena, diag, 1, any_device, NULL, &out));
  expect(NC_E0502, "does not survive a fork");
}
END_TEST

int main(void) {
  Suite *s = suite_create("device");
  if (device_there()) {
    TCase *c = suite_case(s, "with", setup, teardown);
    tcase_add_test(c, listing);
    tcase_add_test(c, choosing);
    tcase_add_test(c, forced_class);
    tcase_add_test(c, probing);
    tcase_add_test(c, kept_programs);
    tcase_add_test(c, after_fork);
  }
  return suite_run(s, CK_FORK_GETENV);
}
