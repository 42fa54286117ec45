// Every template over a table of shapes against a plain reference in double precision, on the first OpenCL device.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clrun.h"
#include "kernels_ref.h"

static ClRun run;
static const NcClass classes[] = {NC_CLASS_CPU, NC_CLASS_GPU};
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

// ---- conv and its gradient toward the weights ----
typedef struct {
  int b, i, o, g;
  int in[3], kernel[3], stride[3], lo[3], hi[3], dilation[3], dilate[3];
  bool flip;      // w is read transposed and reversed, as in the gradient toward the input
} ConvShape;

#define ONES {1, 1, 1}
#define NONE {0, 0, 0}
static const ConvShape convs[] = {
  {1, 1, 1, 1, ONES, ONES, ONES, NONE, NONE, ONES, ONES, 0},
  {2, 1, 8, 1, {1, 28, 28}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {2, 8, 16, 1, {1, 14, 14}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {2, 16, 8, 1, {1, 14, 14}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 1},
  {3, 4, 7, 1, {1, 13, 13}, {1, 3, 3}, ONES, NONE, NONE, ONES, ONES, 0},
  {1, 3, 10, 1, {1, 17, 19}, {1, 5, 3}, {1, 2, 2}, {0, 2, 1}, {0, 2, 1}, ONES, ONES, 0},
  {2, 5, 6, 1, {1, 9, 11}, {1, 3, 3}, {1, 2, 3}, {0, 1, 1}, {0, 0, 2}, ONES, ONES, 0},
  {1, 6, 12, 3, {1, 10, 12}, {1, 3, 3}, ONES, {0, 2, 2}, {0, 2, 2}, {1, 2, 2}, ONES, 0},
  {2, 8, 8, 8, {1, 12, 9}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {1, 4, 6, 2, {1, 5, 5}, {1, 3, 3}, ONES, {0, 2, 2}, {0, 3, 3}, ONES, {1, 2, 2}, 1},
  {2, 3, 5, 1, {1, 7, 6}, {1, 4, 4}, ONES, {0, 3, 3}, {0, 3, 4}, ONES, {1, 2, 3}, 0},
  {1, 3, 4, 1, {1, 10, 10}, {1, 3, 3}, ONES, {0, -2, -1}, {0, -1, -3}, ONES, ONES, 0},
  {1, 2, 3, 1, {1, 6, 6}, {1, 3, 3}, ONES, {0, -1, -1}, {0, 1, 1}, ONES, {1, 2, 2}, 0},
  {3, 5, 9, 1, {1, 1, 40}, {1, 1, 7}, {1, 1, 1}, {0, 0, 3}, {0, 0, 3}, ONES, ONES, 0},
  {2, 3, 5, 1, {1, 1, 64}, {1, 1, 5}, {1, 1, 4}, NONE, NONE, {1, 1, 2}, ONES, 0},
  {1, 2, 5, 1, {5, 6, 9}, {3, 3, 3}, ONES, {1, 1, 1}, {1, 1, 1}, ONES, ONES, 0},
  {1, 3, 4, 1, {6, 5, 8}, {2, 3, 2}, {2, 1, 2}, {0, 1, 0}, {1, 1, 1}, {2, 1, 1}, ONES, 0},
  {1, 2, 3, 1, {3, 4, 4}, {3, 2, 3}, ONES, {2, 1, 2}, {2, 1, 2}, ONES, {2, 2, 1}, 1},
  {2, 150, 20, 1, {1, 9, 9}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {1, 700, 13, 1, {1, 4, 4}, {1, 1, 1}, ONES, NONE, NONE, ONES, ONES, 0},
  {1, 3, 9, 1, {1, 64, 70}, {1, 7, 7}, {1, 2, 2}, {0, 3, 3}, {0, 3, 3}, ONES, ONES, 0},
  {1, 40, 30, 1, {1, 3, 3}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0}};

static NcConvTemplate conv_of(const ConvShape *s, NcArena *arena, Variant v) {
  NcConvTemplate c = {.name = "conv_0", .batch = s->b, .in_channels = s->i, .out_channels = s->o, .groups = s->g,
                      .text = case_text(v, run.target.vector)};
  int64_t taps = 1;
  for (int d = 2; d >= 0; d--) {
    c.in[d] = s->in[d], c.kernel[d] = s->kernel[d], c.stride[d] = s->stride[d], c.lo[d] = s->lo[d];
    c.dilation[d] = s->dilation[d], c.dilate_x[d] = s->dilate[d];
    c.out[d] = ((c.in[d] - 1) * c.dilate_x[d] + 1 + c.lo[d] + s->hi[d] - ((c.kernel[d] - 1) * c.dilation[d] + 1)) / c.stride[d] + 1;
    c.w_k[d] = taps;
    taps *= c.kernel[d];
  }
  c.w_i = taps;
  c.w_o = s->i / s->g * taps;
  if (!s->flip) return c;
  const int64_t last = taps - 1;   // w[i][o][reversed], with the offset in the load
  c.w_o = taps;
  c.w_i = s->o * taps;
  for (int d = 0; d < 3; d++) c.w_k[d] = -c.w_k[d];
  const char *load = v == IN_PLACE ? "fabs(B[(i) + %d])" : "B[(i) + %d]";
  c.text.b = (NcSplice){.load = nc_sprintf(arena, load, (int)last)};
  return c;
}

static size_t volume(const int64_t *d) { return (size_t)(d[0] * d[1] * d[2]); }

typedef bool ConvTemplate(NcBuf *, const NcTarget *, const NcConvTemplate *, NcTemplateUse *);

static void check_conv(int row, const char *what, ConvTemplate *make, const NcConvTemplate *p, const Case *c, Variant v,
                       double terms, NcArena *arena) {
  for (int class = 0; class < nclasses; class++) {
    NcBuf program = NC_BUF(arena);
    NcTemplateUse use;
    NcTarget target = run.target;
    target.cls = classes[class];
    ck_assert(make(&program, &target, p, &use));
    ck_assert_msg(case_run(&run, nc_buf_str(&program), &use, c, v, terms), "%s, row %d of the table, variant %d, class %d",
                  what, row, v, class);
  }
}

START_TEST(test_conv) {
  const ConvShape *s = &convs[_i];
  const Variant v = (Variant)(_i % VARIANTS);
  NcArena *arena = nc_arena_new();
  const NcConvTemplate p = conv_of(s, arena, v);
  // A flipped w spans [I/G][O] instead of [O][I/G]: as many elements, and groups read the same ones.
  const size_t nw = (size_t)(s->o * s->i / s->g) * volume(p.kernel);
  Case c;
  case_fill(&c, (size_t)(s->b * s->i) * volume(p.in), nw, 0, (size_t)(s->b * s->o) * volume(p.out), (size_t)s->o, volume(p.out),
            v, (unsigned)_i);
  float *w = c.x[1];
  if (s->flip) c.x[1] += volume(p.kernel) - 1;
  ref_conv(&p, &c);
  c.x[1] = w;
  check_conv(_i, "convolution", nc_template_conv, &p, &c, v, s->i * (double)volume(p.kernel), arena);
  case_free(&c);
  nc_arena_free(arena);
}
END_TEST

START_TEST(test_conv_weight) {
  ConvShape s = convs[_i];
  s.flip = false;
  const Variant v = (Variant)((_i + 1) % VARIANTS);
  NcArena *arena = nc_arena_new();
  const NcConvTemplate p = conv_of(&s, arena, v);
  const size_t inner = (size_t)(s.i / s.g) * volume(p.kernel);
  Case c;
  case_fill(&c, (size_t)(s.b * s.i) * volume(p.in), (size_t)(s.b * s.o) * volume(p.out), 0, (size_t)s.o * inner, (size_t)s.o,
            inner, v, (unsigned)_i);
  ref_conv_weight(&p, &c);
  check_conv(_i, "gradient toward weights", nc_template_conv_weight, &p, &c, v, s.b * (double)volume(p.out), arena);
  case_free(&c);
  nc_arena_free(arena);
}
END_TEST

// ---- pools ----
typedef struct { int planes, in[3], window[3], stride[3], lo[3], hi[3]; } PoolShape;

static const PoolShape pools[] = {
  {1, ONES, ONES, ONES, NONE, NONE},
  {6, {1, 28, 28}, {1, 2, 2}, {1, 2, 2}, NONE, NONE},
  {5, {1, 13, 11}, {1, 2, 2}, {1, 2, 2}, NONE, NONE},
  {3, {1, 14, 14}, {1, 2, 2}, {1, 2, 2}, {0, 0, 0}, {0, 1, 1}},
  {4, {1, 17, 20}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, {0, 1, 1}},
  {2, {1, 16, 33}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}},
  {2, {1, 9, 31}, {1, 3, 4}, {1, 3, 4}, {0, 0, 2}, {0, 2, 1}},
  {7, {1, 1, 29}, {1, 1, 3}, {1, 1, 2}, {0, 0, 1}, {0, 0, 1}},
  {2, {1, 7, 7}, {1, 7, 7}, ONES, NONE, NONE},
  {2, {5, 6, 18}, {2, 2, 2}, {2, 2, 2}, NONE, {1, 0, 0}},
  {1, {6, 9, 8}, {3, 3, 3}, {1, 2, 3}, {1, 1, 1}, {1, 1, 1}},
  {1, {1, 200, 90}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, {0, 1, 1}},
  {1, {1, 5, 12}, {1, 2, 2}, {1, 3, 3}, NONE, NONE}};

static NcPoolTemplate pool_of(const PoolShape *s, const char *kind, Variant v) {
  NcPoolTemplate p = {.name = "pool_0", .kind = kind, .planes = s->planes, .text = case_text(v, run.target.vector)};
  for (int d = 0; d < 3; d++) {
    p.in[d] = s->in[d], p.window[d] = s->window[d], p.stride[d] = s->stride[d], p.lo[d] = s->lo[d];
    p.out[d] = (p.in[d] + s->lo[d] + s->hi[d] - p.window[d]) / p.stride[d] + 1;
  }
  return p;
}

static const char *const pool_kinds[] = {"max", "sum", "avg"};

// Values of a max pool have many equals, so that the first one counts. Its gradient is given y by the reference.
static void check_pool(int row, const char *kind, Variant v, bool grad) {
  const PoolShape *s = &pools[row];
  NcArena *arena = nc_arena_new();
  NcPoolTemplate p = pool_of(s, kind, grad && v == IN_PLACE ? PLAIN : v);
  if (grad && v == IN_PLACE) v = PLAIN;   // |B| would not be the pool of A
  const size_t nx = (size_t)p.planes * volume(p.in), ny = (size_t)p.planes * volume(p.out);
  Case c, forward;
  case_fill(&c, nx, grad ? ny : 0, grad ? ny : 0, grad ? nx : ny, 1, 1, v, (unsigned)row);
  if (grad) {
    case_fill(&forward, nx, 0, 0, ny, 1, 1, v, (unsigned)row);
    ref_pool(&p, &forward);
    for (size_t i = 0; i < ny; i++) c.x[1][i] = (float)forward.want[i];
    case_free(&forward);
    ref_pool_grad(&p, &c);
  } else {
    ref_pool(&p, &c);
  }
  for (int class = 0; class < nclasses; class++) {
    NcBuf program = NC_BUF(arena);
    NcTemplateUse use;
    NcTarget target = run.target;
    target.cls = classes[class];
    ck_assert((grad ? nc_template_pool_grad : nc_template_pool)(&program, &target, &p, &use));
    ck_assert_msg(case_run(&run, nc_buf_str(&program), &use, &c, v, 1), "%s pool%s, row %d of the table, variant %d, class %d",
                  kind, grad ? " gradient" : "", row, v, class);
  }
  case_free(&c);
  nc_arena_free(arena);
}

START_TEST(test_pool) { check_pool(_i, pool_kinds[_i % 3], (Variant)(_i / 2 % VARIANTS), false); }
END_TEST
START_TEST(test_max_pool) { check_pool(_i, "max", (Variant)(_i % VARIANTS), false); }
END_TEST
START_TEST(test_pool_grad) { check_pool(_i, pool_kinds[1 + _i % 2], (Variant)(_i / 2 % VARIANTS), true); }
END_TEST
START_TEST(test_max_pool_grad) { check_pool(_i, "max", (Variant)(_i % VARIANTS), true); }
END_TEST

int main(void) {
  if (!cl_run_open(&run)) {
    puts("no OpenCL device on this machine: the kernels are not tested");
    return 77;
  }
  Suite *suite = suite_create("kernels");
#define ADD(test, table) \
  do { \
    TCase *t = tcase_create(#test); \
    tcase_set_timeout(t, 300); \
    tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table)); \
    suite_add_tcase(suite, t); \
  } while (0)
  ADD(test_dot, dots);
  ADD(test_conv, convs);
  ADD(test_conv_weight, convs);
  ADD(test_pool, pools);
  ADD(test_max_pool, pools);
  ADD(test_pool_grad, pools);
  ADD(test_max_pool_grad, pools);
  SRunner *runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK);   // OpenCL does not survive a fork
  srunner_run_all(runner, CK_NORMAL);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  cl_run_close(&run);
  return failed > 0;
}
