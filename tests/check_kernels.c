// Every template over a table of shapes against a plain reference in double precision, on the first OpenCL device.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clrun.h"
#include "kernels_ref.h"

static ClRun run;
static const NcClass classes[] = {NC_CLASS_CPU};
static const int nclasses = sizeof classes / sizeof *classes;

// ---- dot ----
typedef struct { int z, m, n, k; bool ta, tb; } DotShape;

static const DotShape dots[] = {
  {1, 1, 1, 1, 0, 0}, {1, 1, 1, 7, 0, 1}, {1, 1, 17, 5, 0, 0}, {1, 13, 1, 3, 0, 0}, {1, 5, 15, 9, 0, 0},
  {1, 6, 16, 8, 0, 1}, {1, 7, 17, 9, 1, 0}, {1, 12, 31, 16, 1, 1}, {1, 13, 33, 31, 0, 1}, {1, 11, 64, 37, 1, 0},
  {1, 128, 10, 128, 0, 1}, {1, 10, 128, 128, 1, 0}, {1, 128, 128, 10, 0, 0}, {1, 128, 128, 784, 0, 1},
  {1, 128, 100, 131, 1, 0}, {1, 17, 19, 1031, 0, 1}, {1, 2, 3, 5000, 0, 0}, {1, 200, 48, 1100, 0, 1},
  {3, 5, 7, 11, 0, 1}, {4, 16, 16, 64, 0, 0}, {6, 33, 20, 65, 1, 1}, {1, 1, 257, 300, 0, 1}, {1, 300, 1, 257, 0, 0}};

static size_t furthest(int n, const int64_t *size, const int64_t *stride) {
  int64_t last = 0;
  for (int i = 0; i < n; i++) last += (size[i] - 1) * stride[i];
  return (size_t)last + 1;
}

START_TEST(test_dot) {
  const DotShape s = dots[_i];
  const Variant v = (Variant)(_i % VARIANTS);
  const int z0 = s.z > 2 ? 2 : 1, z1 = s.z / z0;   // a batch of 4 is 2 × 2
  NcArena *arena = nc_arena_new();
  NcGemm g = {.name = "dot_0", .batch = {z0, z1}, .m = s.m, .n = s.n, .k = s.k,
              .a_batch = {(int64_t)z1 * s.m * s.k, s.m * s.k}, .a_m = s.ta ? 1 : s.k, .a_k = s.ta ? s.m : 1,
              .b_batch = {(int64_t)z1 * s.n * s.k, s.n * s.k}, .b_k = s.tb ? 1 : s.n, .b_n = s.tb ? s.k : 1,
              .text = case_text(v, run.target.vector)};
  Case c;
  case_fill(&c, furthest(4, (int64_t[]){z0, z1, s.m, s.k}, (int64_t[]){g.a_batch[0], g.a_batch[1], g.a_m, g.a_k}),
            furthest(4, (int64_t[]){z0, z1, s.n, s.k}, (int64_t[]){g.b_batch[0], g.b_batch[1], g.b_n, g.b_k}), 0,
            (size_t)z0 * (size_t)z1 * (size_t)s.m * (size_t)s.n, (size_t)s.n, 1, v, (unsigned)_i);
  ref_dot(&g, &c);
  for (int class = 0; class < nclasses; class++) {
    NcBuf program = NC_BUF(arena);
    NcTemplateUse use;
    NcTarget target = run.target;
    target.cls = classes[class];
    ck_assert(nc_template_gemm(&program, &target, &g, &use));
    ck_assert_msg(case_run(&run, nc_buf_str(&program), &use, &c, v, s.k), "dot %d: %d×%d×%d%s%s, variant %d, class %d",
                  s.z, s.m, s.n, s.k, s.ta ? " A'" : "", s.tb ? " B'" : "", v, class);
  }
  case_free(&c);
  nc_arena_free(arena);
}
END_TEST

int main(void) {
  if (!cl_run_open(&run)) {
    puts("no OpenCL device on this machine: the kernels are not tested");
    return 77;
  }
  Suite *suite = suite_create("kernels");
  TCase *dot = tcase_create("dot");
  tcase_set_timeout(dot, 300);
  tcase_add_loop_test(dot, test_dot, 0, (int)(sizeof dots / sizeof *dots));
  suite_add_tcase(suite, dot);
  SRunner *runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK);   // OpenCL does not survive a fork
  srunner_run_all(runner, CK_NORMAL);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  cl_run_close(&run);
  return failed > 0;
}
