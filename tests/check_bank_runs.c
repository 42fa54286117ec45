// Many steps in one launch (kernels/bank.cl): each finds what the one before wrote, however many groups there are and however
// often it runs. Every step reads what other items wrote in the one before, so that one that begins too early is seen.
#include "device_run.h"
#include "device/exec_internal.h"

enum { N = 997, PAIRS = 40, TURNS = 7, GRID = 3 * 4 * 5 };

static const char program[] =
  NC_PLAN_KERNELS "\n"
  "void cross_item(size_t i, __global const int *x, __global int *y, int n) {\n"
  "  y[i] = (int)(3u * (uint)x[i] + (uint)x[n - 1 - (int)i] + (uint)i);\n"
  "}\n" NC_PLAN_MADE "cross item\n"
  "enum { mix_scratch = 64 };\n"
  "void mix_group(int x_, int y_, int z_, __local float *scratch, __global int *x) {\n"
  "  __local int *own = (__local int *)scratch;\n"
  "  const int at = (z_ * 4 + y_) * 3 + x_;\n"
  "  for (int i = 0; i < 64; i++) own[i] = x[at] + i;\n"
  "  x[at] = own[at];\n"
  "}\n" NC_PLAN_MADE "mix group\n"
  "void turn_item(size_t i, __global int *x, int turn) { x[i] = (int)(5u * (uint)x[i] + (uint)turn); }\n" NC_PLAN_MADE "turn item\n"
  "__kernel void apart(__global int *x) { x[get_global_id(0)] ^= 1; }\n" NC_PLAN_MADE "apart kernel\n";

static NcPlan *chain(void) {
  NcBuf b = NC_BUF(arena);
  int step = 0;
  nc_putf(&b, "buffer 0 root arena \"arena\" bytes 8192\nbuffer 1 input \"x\" i32[%d]\nbuffer 2 temp \"y\" i32[%d] in 0 offset 4096\n", N, N);
  for (int i = 0; i < PAIRS; i++) {
    nc_putf(&b, "step %d kernel \"cross\" global %d 1 1 local 1 1 1 args b1 b2 i%d\n", step, N, N);
    nc_putf(&b, "step %d kernel \"cross\" global %d 1 1 local 1 1 1 args b2 b1 i%d\n", step + 1, N, N);
    step += 2;
    if (i % 16 == 3) nc_putf(&b, "step %d kernel \"apart\" global %d 1 1 local 1 1 1 args b1\n", step++, N);
    if (i % 8 == 5) nc_putf(&b, "step %d kernel \"mix\" global 3 4 5 local 1 1 1 args b1\n", step++);
  }
  nc_putf(&b, "step %d loop turns %d\nstep %d kernel \"turn\" global %d 1 1 local 1 1 1 args b1 t\n", step, TURNS, step + 1, N);
  nc_putf(&b, "step %d kernel \"cross\" global %d 1 1 local 1 1 1 args b1 b2 i%d\n", step + 2, N, N);
  nc_putf(&b, "step %d kernel \"cross\" global %d 1 1 local 1 1 1 args b2 b1 i%d\nstep %d end\noutput \"y\" b1\n", step + 3, N, N, step + 4);
  return plan(nc_buf_str(&b), program);
}

static void cross(const uint32_t *x, uint32_t *y) {
  for (uint32_t i = 0; i < N; i++) y[i] = 3 * x[i] + x[N - 1 - i] + i;
}

static void expected(uint32_t *x) {
  uint32_t y[N];
  for (int i = 0; i < PAIRS; i++) {
    cross(x, y);
    cross(y, x);
    for (int k = 0; i % 16 == 3 && k < N; k++) x[k] ^= 1;
    for (uint32_t k = 0; i % 8 == 5 && k < GRID; k++) x[k] += k;
  }
  for (uint32_t turn = 0; turn < TURNS; turn++) {
    for (int k = 0; k < N; k++) x[k] = 5 * x[k] + turn;
    cross(x, y);
    cross(y, x);
  }
}

static void run_often(const char *threads, int times) {
  uint32_t want[N], got[N];
  setenv("POCL_MAX_PTHREAD_COUNT", threads, 1);
  setup();
  NcExec *x = session();
  NcLoaded *l = load(x, chain());
  for (uint32_t i = 0; i < N; i++) want[i] = 7919 * i;
  OK(nc_exec_write(l, diag, 1, want, sizeof want));
  for (int r = 0; r < times; r++) {
    OK(nc_exec_run(l, diag));
    expected(want);
    if (r % 10 && r != times - 1) continue;        // some follow each other without a wait
    OK(nc_exec_read(l, diag, 1, got, sizeof got, true));
    ck_assert_mem_eq(got, want, sizeof got);
  }
  nc_exec_free(x);
  teardown();
}

START_TEST(one_thread) { run_often("1", 4); } END_TEST
START_TEST(a_thread_for_each_core) { run_often("2", 100); } END_TEST
START_TEST(more_threads_than_cores) { run_often("7", 60); } END_TEST      // some sleep, some come when all is done

// The walk step by step, which profiles and the proof of bounds take, finds the same, and leaves the marks as they were.
START_TEST(step_by_step) {
  uint32_t want[N], got[N];
  setenv("POCL_MAX_PTHREAD_COUNT", "3", 1);
  setup();
  NcExec *x = session();
  nc_exec_seams(x, (NcExecSeams){.guard = true});
  NcLoaded *l = load(x, chain());
  for (uint32_t i = 0; i < N; i++) want[i] = i;
  OK(nc_exec_write(l, diag, 1, want, sizeof want));
  for (int r = 0; r < 3; r++) {
    nc_exec_seams(x, (NcExecSeams){.guard = r == 1});
    if (r == 2) OK(nc_exec_run_profiled(l, diag, nc_profile_new(arena, l->plan)));
    else OK(nc_exec_run(l, diag));
    expected(want);
  }
  OK(nc_exec_read(l, diag, 1, got, sizeof got, true));
  ck_assert_mem_eq(got, want, sizeof got);
  nc_exec_free(x);
  teardown();
}
END_TEST

int main(void) {
  Suite *s = suite_create("bank runs");
  if (!device_there()) return 0;
  TCase *t = suite_case(s, "steps", NULL, NULL);
  tcase_add_test(t, one_thread);
  tcase_add_test(t, a_thread_for_each_core);
  tcase_add_test(t, more_threads_than_cores);
  tcase_add_test(t, step_by_step);
  return suite_run(s, CK_FORK_GETENV);
}
