// Processes that compile parts of a program beside this one (lib/device/aides.h): what they compile is found, and whatever
// becomes of them, results are right, and nobody is left.
#include <glob.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include "device/aides.h"
#include "device_run.h"
#include "tempdir.h"

enum { PARTS = 4, ITEMS = 8 };

// One aide at most: threads of the device are what counts as cores.
static void aide_of_this_build(void) {
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 40);
  self[n < 0 ? 0 : n] = 0;
  if (n <= 0) return;
  *strrchr(self, '/') = 0;
  if (strcmp(strrchr(self, '/'), "/.libs") == 0) *strrchr(self, '/') = 0;
  *strrchr(self, '/') = 0;
  setenv("NACRE_COMPILE", strcat(self, "/nacre-compile"), 1);
  setenv("POCL_MAX_PTHREAD_COUNT", "2", 1);
}

// A device whose driver's cache is empty; the driver asks for its place when it is loaded.
static void setup_cold(void) {
  temp_make();
  setenv("POCL_CACHE_DIR", temp_path("pocl"), 1);
  setup();
}
static void teardown_cold(void) {
  teardown();
  temp_remove();
}

// Four kernels one after the other, each of which triples and adds one, with enough text around them for four parts.
static NcPlan *four(void) {
  NcBuf lines = NC_BUF(arena), text = NC_BUF(arena);
  nc_putf(&lines, "buffer 0 input \"x\" f32[%d]\n", ITEMS);
  nc_put(&text, NC_PLAN_KERNELS "\n");
  for (int i = 0; i < PARTS; i++) {
    nc_putf(&lines, "step %d kernel \"k%d\" global %d 1 1 local 1 1 1 args b0 i%d\n", i, i, ITEMS, ITEMS);
    nc_put(&text, "// ");
    nc_put_repeat(&text, '-', NC_PART_BYTES + 999);
    nc_putf(&text, "\nvoid k%d_item(size_t i, __global float *x, int n) { if ((int)i < n) x[i] = 3 * x[i] + 1; }\n"
            NC_PLAN_MADE "k%d item\n", i, i);
  }
  nc_put(&lines, "output \"x\" b0\n");
  return plan(nc_buf_str(&lines), nc_buf_str(&text));
}

static NcParts *cut(const NcPlan *p) {
  NcParts *x = nc_parts_cut(arena, p, PARTS, true);
  ck_assert_int_eq(x->parts, PARTS);
  for (int i = 0; i < PARTS; i++) ck_assert(x->bank[i]);
  return x;
}

static int machine_code(void) {
  glob_t found;
  int n = glob(temp_path("pocl/*/*/*/*/*.so"), 0, NULL, &found) ? 0 : (int)found.gl_pathc;
  if (n) globfree(&found);
  return n;
}

static void run_right(const NcPlan *p) {
  NcExec *x = session();
  NcLoaded *l = load(x, p);
  float in[ITEMS], out[ITEMS];
  for (int i = 0; i < ITEMS; i++) in[i] = (float)i;
  OK(nc_exec_write(l, diag, 0, in, sizeof in) && nc_exec_run(l, diag) && nc_exec_read(l, diag, 0, out, sizeof out, true));
  for (int i = 0; i < ITEMS; i++) ck_assert(out[i] == (float)(81 * i + 40));
  nc_exec_free(x);
  ck_assert_int_eq(diag->errors, 0);
}

static void nobody_left(void) { ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); }

// All but the first part offered, and none of them done here.
static NcAides *offered(const NcPlan *p) {
  NcAides *h = nc_aides_new(dev);
  NcBuf message = NC_BUF(arena);
  ck_assert_ptr_nonnull(h);
  nc_aides_tell(&message, dev, cut(p), p->options);
  nc_aides_offer(h, &message, PARTS);
  ck_assert_int_ge(nc_aides_count(h), 1);
  return h;
}

START_TEST(what_aides_compile_is_found) {
  NcPlan *p = four();
  NcAides *h = offered(p);
  ck_assert_int_eq(nc_aides_collect(h, PARTS - 1, 100), PARTS - 1);
  ck_assert_int_eq(nc_aides_claim(h), 0);
  ck_assert_int_eq(machine_code(), PARTS - 1);
  nc_aides_end(h);
  nobody_left();
  setenv("NACRE_COMPILE", "", 1);
  run_right(p);
  ck_assert_int_eq(machine_code(), PARTS);      // the first; nothing was compiled twice, or in another way
  ck_assert_int_eq(dev->helped, 0);
}
END_TEST

START_TEST(a_load_shares_with_aides) {
  NcPlan *p = four();
  run_right(p);
  ck_assert_int_eq(dev->built, PARTS);
  ck_assert_int_eq(machine_code(), PARTS);
  ck_assert_ptr_nonnull(dev->aides);
  nobody_left();                                // though the device is still open
  run_right(p);                                 // all cached: nobody is called
  ck_assert_int_eq(nc_aides_count(dev->aides), 0);
}
END_TEST

START_TEST(what_is_claimed_here_is_not_theirs) {
  NcPlan *p = four();
  setenv("NACRE_COMPILE", "/bin/cat", 1);       // listens, and does nothing
  NcAides *h = offered(p);
  for (int i = 1; i < PARTS; i++) ck_assert_int_eq(nc_aides_claim(h), i);
  ck_assert_int_eq(nc_aides_claim(h), 0);
  ck_assert_int_eq(nc_aides_collect(h, 0, 100), 0);     // nothing is waited for
  ck_assert_int_eq(nc_aides_count(h), 0);     // given up
  nobody_left();
}
END_TEST

// Nobody took these numbers; they are not taken for those of the next parts.
START_TEST(numbers_do_not_stay) {
  setenv("NACRE_COMPILE", "/bin/true", 1);
  NcAides *h = nc_aides_new(dev);
  NcBuf message = NC_BUF(arena);
  nc_put(&message, "nothing");
  for (int parts = PARTS; parts > 1; parts--) {
    nc_aides_offer(h, &message, parts);
    ck_assert_int_eq(nc_aides_collect(h, parts - 1, 60), 0);
    ck_assert_int_eq(nc_aides_count(h), 0);
  }
  ck_assert_int_eq(nc_aides_claim(h), 1);
  ck_assert_int_eq(nc_aides_claim(h), 0);
  nc_aides_end(h);
}
END_TEST

static pid_t child(void) {
  FILE *f = fopen(nc_sprintf(arena, "/proc/self/task/%d/children", (int)getpid()), "r");
  int pid = 0;
  ck_assert_ptr_nonnull(f);
  ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
  fclose(f);
  return pid;
}

// Killed at work; stopped.
START_TEST(a_lost_aide_costs_nothing_but_time) {
  NcPlan *p = four();
  NcAides *h = offered(p);
  pid_t pid = child();
  ck_assert_int_gt(pid, 0);
  if (_i == 0) nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  ck_assert_int_eq(kill(pid, _i ? SIGSTOP : SIGKILL), 0);
  ck_assert_int_lt(nc_aides_collect(h, PARTS - 1, _i ? 0.2 : 60), PARTS);
  ck_assert_int_eq(nc_aides_count(h), 0);
  nobody_left();
  if (_i == 0) run_right(p);
  nc_aides_end(h);
}
END_TEST

static int threads(void) {
  glob_t found;
  int n = glob("/proc/self/task/*", 0, NULL, &found) ? 0 : (int)found.gl_pathc;
  if (n) globfree(&found);
  return n;
}

// What watches the first part knows the stack of who builds it.
START_TEST(no_memory_leaves_no_watcher) {
  cl_program program[PARTS] = {0};
  NcArena *small = nc_arena_new();
  NcDiag *d = nc_diag_new(small);
  NcPlan *p = four();
  NcParts *x = cut(p);
  const int before = threads();
  nc_arena_fail_after(small, 1);
  if (!NC_ON_OOM(small)) {
    nc_parts_build(dev, NULL, d, x, p->options, program);
    ck_abort_msg("there was memory");
  }
  ck_assert_int_eq(threads(), before);
  nc_arena_free(small);
}
END_TEST

// One that ends at once, and one that listens and does nothing.
START_TEST(other_programs_in_its_place) {
  setenv("NACRE_COMPILE", _i ? "/bin/cat" : "/bin/true", 1);
  run_right(four());
  ck_assert_int_eq(dev->helped, 0);
  nobody_left();
}
END_TEST

START_TEST(none_where_there_is_no_program_or_no_use) {
  setenv("POCL_KERNEL_CACHE", "0", 1);
  ck_assert_ptr_null(nc_aides_new(dev));
  unsetenv("POCL_KERNEL_CACHE");
  ck_assert_ptr_nonnull(nc_aides_new(dev));
  dev->info.target.compute_units = 1;
  ck_assert_ptr_null(nc_aides_new(dev));
  dev->info.target.compute_units = 2;
  setenv("NACRE_COMPILE", "/nowhere/nacre-compile", 1);
  ck_assert_ptr_null(nc_aides_new(dev));
  setenv("NACRE_COMPILE", "", 1);
  ck_assert_ptr_null(nc_aides_new(dev));
}
END_TEST

// Whatever is cut off or spoiled, the aide goes, and says nothing.
START_TEST(spoiled_messages) {
  NcPlan *p = four();
  NcBuf message = NC_BUF(arena), spoiled;
  nc_aides_tell(&message, dev, cut(p), p->options);
  for (int i = 0; i < 8; i++) {
    spoiled = NC_BUF(arena);
    nc_putn(&spoiled, message.at, i ? message.n * (size_t)i / 9 : 3);
    if (i == 7) memset(spoiled.at + 40, 'x', 40);
    NcAides *h = nc_aides_new(dev);
    nc_aides_offer(h, &spoiled, PARTS);
    ck_assert_int_eq(nc_aides_collect(h, PARTS - 1, 60), 0);
    ck_assert_int_eq(nc_aides_count(h), 0);
  }
  nobody_left();
  ck_assert_int_eq(machine_code(), 0);
}
END_TEST

// The aide of a process that dies goes too. It then is this one's child, which is told of its end.
START_TEST(goes_with_its_process) {
  int fd[2];
  ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  ck_assert_int_eq(pipe(fd), 0);
  pid_t pid = fork(), aide = 0;
  if (pid == 0) {
    offered(four());
    aide = child();
    _exit(write(fd[1], &aide, sizeof aide) != sizeof aide);
  }
  ck_assert_int_eq(read(fd[0], &aide, sizeof aide), sizeof aide);
  ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
  ck_assert_int_eq(waitpid(aide, NULL, 0), aide);
  nobody_left();
  close(fd[0]);
  close(fd[1]);
}
END_TEST

static bool possible(void *unused, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)unused, (void)out;
  NcDevices *list = nc_devices_open(a, d);
  NcDevice *one = list ? nc_device_open(list, d, &(NcDeviceOptions){.choice = getenv("NACRE_TEST_DEVICE"), .no_probes = true}) : NULL;
  bool is = one && nc_device_banks(one) && nc_aides_new(one);
  nc_device_close(one);
  nc_devices_close(list);
  return is;
}

int main(void) {
  Suite *s = suite_create("aides");
  aide_of_this_build();
  suite_open();
  bool there = nc_run_in_child(arena, diag, 60, possible, NULL, &NC_BUF(arena));
  suite_close();
  if (!there) return printf("no PoCL here, or a single core: there are no aides\n"), 77;
  TCase *c = suite_case(s, "with", setup_cold, teardown_cold);
  tcase_add_test(c, what_aides_compile_is_found);
  tcase_add_test(c, a_load_shares_with_aides);
  tcase_add_test(c, no_memory_leaves_no_watcher);
  tcase_add_test(c, what_is_claimed_here_is_not_theirs);
  tcase_add_test(c, numbers_do_not_stay);
  tcase_add_loop_test(c, a_lost_aide_costs_nothing_but_time, 0, 2);
  tcase_add_loop_test(c, other_programs_in_its_place, 0, 2);
  tcase_add_test(c, none_where_there_is_no_program_or_no_use);
  tcase_add_test(c, spoiled_messages);
  tcase_add_test(c, goes_with_its_process);
  return suite_run(s, CK_FORK);
}
