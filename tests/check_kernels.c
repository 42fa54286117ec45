// Every template over a table of shapes against a plain reference in double precision, on the first OpenCL device.
// The rows of a table are one program: a compiler's start costs more than most of these kernels.
//
// Under Oclgrind, which finds reads and writes out of bounds and races, only the small rows are bearable:
//   CK_RUN_CASE=conv NACRE_TEST_MOST=100000 oclgrind --local-mem-size 64000000 --data-races
//     --build-options "-O0 -cl-opt-disable -Drestrict=" tests/check_kernels
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clrun.h"
#include "kernels_ref.h"
#include "suite.h"

static ClRun run;

enum { MOST_ROWS = 32 };
// The device as it is, as a GPU, and as a CPU with little scratch, whose blocks are small and whose slabs may not fit.
// The first is optimized by the driver; the others too with NACRE_TEST_OPTIMIZED=1.
static const struct { NcClass class; size_t local_bytes; } devices[] = {
  {NC_CLASS_CPU, 0}, {NC_CLASS_GPU, 0}, {NC_CLASS_CPU, 24576}};
enum { DEVICES = sizeof devices / sizeof *devices };

typedef bool Make(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use);
typedef struct {
  const char *name;
  int rows;
  Make *make;
  cl_program program[DEVICES];
  NcTemplateUse use[DEVICES][MOST_ROWS];
} Table;

static void build(Table *t, int device) {
  NcBuf text = NC_BUF(arena);
  NcTarget target = run.target;
  target.cls = devices[device].class;
  if (devices[device].local_bytes) target.local_bytes = devices[device].local_bytes;
  ck_assert(t->rows <= MOST_ROWS);
  for (int row = 0; row < t->rows; row++)
    ck_assert_msg(t->make(row, &text, &target, &t->use[device][row]), "%s %d is refused", t->name, row);
  t->program[device] = cl_run_build(&run, nc_buf_str(&text), device == 0 || getenv("NACRE_TEST_OPTIMIZED"));
  ck_assert_msg(t->program[device] != NULL, "%s: the program does not build", t->name);
}

// `terms`: summands of each result. NACRE_TEST_MOST bounds how many a row may have in all.
static void check_row(Table *t, int row, const Case *c, Variant v, double terms) {
  const char *most = getenv("NACRE_TEST_MOST");
  if (most && terms * (double)c->n[3] > atof(most)) return;
  for (int device = 0; device < DEVICES; device++) {
    if (!t->program[device]) build(t, device);
    ck_assert_msg(case_run(&run, t->program[device], &t->use[device][row], c, v, terms),
                  "%s, row %d of the table, variant %d, device %d",
                  t->name, row, v, device);
  }
}

static Variant variant_of(int row) { return (Variant)(row % VARIANTS); }

// ---- dot ----
typedef struct { int z, m, n, k; bool ta, tb, panels; } DotShape;

static const DotShape dots[] = {
  {1, 1, 1, 1, 0, 0}, {1, 1, 1, 7, 0, 1}, {1, 1, 17, 5, 0, 0}, {1, 13, 1, 3, 0, 0}, {1, 5, 15, 9, 0, 0},
  {1, 6, 16, 8, 0, 1}, {1, 7, 17, 9, 1, 0}, {1, 12, 31, 16, 1, 1}, {1, 13, 33, 31, 0, 1}, {1, 11, 64, 37, 1, 0},
  {1, 128, 10, 128, 0, 1}, {1, 10, 128, 128, 1, 0}, {1, 128, 128, 10, 0, 0}, {1, 128, 128, 784, 0, 1},
  {1, 128, 100, 131, 1, 0}, {1, 17, 19, 1031, 0, 1}, {1, 2, 3, 5000, 0, 0}, {1, 200, 48, 1100, 0, 1},
  {2, 5, 7, 11, 0, 1}, {4, 16, 16, 64, 0, 0}, {6, 33, 20, 65, 1, 1}, {1, 1, 257, 300, 0, 1}, {1, 300, 1, 257, 0, 0},
  {8, 20, 40, 600, 0, 1},
  {1, 7, 17, 9, 0, 0, 1}, {1, 13, 33, 31, 0, 1, 1}, {1, 50, 70, 33, 1, 0, 1}, {4, 21, 40, 19, 1, 1, 1},
  {1, 23, 35, 1100, 0, 1, 1}, {1, 61, 150, 1031, 1, 0, 1}, {1, 3, 16, 1, 0, 0, 1}, {6, 100, 50, 64, 0, 0, 1}};

static NcGemm dot_of(int row) {
  const DotShape s = dots[row];
  const int z0 = s.z > 2 ? 2 : 1, z1 = s.z / z0;   // a batch of 4 is 2 × 2
  return (NcGemm){.name = nc_sprintf(arena, "dot_%d", row), .way = s.panels ? NC_GEMM_PANELS : NC_GEMM_BEST, .batch = {z0, z1}, .m = s.m, .n = s.n, .k = s.k,
                  .a_batch = {(int64_t)z1 * s.m * s.k, s.m * s.k}, .a_m = s.ta ? 1 : s.k, .a_k = s.ta ? s.m : 1,
                  .b_batch = {(int64_t)z1 * s.n * s.k, s.n * s.k}, .b_k = s.tb ? 1 : s.n, .b_n = s.tb ? s.k : 1,
                  .text = case_text(variant_of(row), run.target.vector)};
}

static bool make_dot(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcGemm g = dot_of(row);
  return nc_template_gemm(program, t, &g, use);
}

static Table dot_table = {"dot", LENGTH(dots), make_dot};

START_TEST(test_dot) {
  const NcGemm g = dot_of(_i);
  const size_t z = (size_t)(g.batch[0] * g.batch[1]), m = (size_t)g.m, n = (size_t)g.n, k = (size_t)g.k;
  Case c;
  case_fill(&c, z * m * k, z * k * n, 0, z * m * n, n, 1, variant_of(_i), (unsigned)_i);
  ref_dot(&g, &c);
  check_row(&dot_table, _i, &c, variant_of(_i), (double)k);
  case_free(&c);
}
END_TEST

// ---- conv and its gradient toward the weights ----
typedef struct {
  int b, i, o, g;
  int in[3], kernel[3], stride[3], lo[3], hi[3], dilation[3], dilate[3];
  bool flip;      // w is read transposed and reversed
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
  {1, 5, 5, 5, {1, 7, 7}, {1, 5, 5}, ONES, {0, 2, 2}, {0, 2, 2}, ONES, ONES, 0},
  {2, 3, 6, 3, {1, 11, 21}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {1, 4, 4, 4, {1, 13, 40}, {1, 5, 5}, {1, 2, 2}, {0, 2, 2}, {0, 2, 2}, ONES, ONES, 0},
  {2, 3, 3, 3, {1, 7, 7}, {1, 5, 5}, {1, 2, 2}, {0, 2, 2}, {0, 2, 2}, ONES, ONES, 1},
  {1, 2, 4, 2, {1, 9, 37}, {1, 3, 3}, {1, 2, 2}, {0, -1, -1}, {0, 1, 0}, {1, 1, 3}, ONES, 0},
  {1, 4, 4, 4, {2, 6, 11}, {2, 3, 3}, ONES, {0, 2, 2}, {0, 3, 3}, ONES, {1, 2, 2}, 1},
  {1, 3, 3, 3, {1, 90, 70}, {1, 3, 3}, ONES, {0, 2, 2}, {0, 2, 2}, {1, 2, 2}, ONES, 0},
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
  {2, 6, 14, 2, {1, 9, 21}, {1, 1, 1}, ONES, NONE, NONE, ONES, ONES, 1},
  {1, 5, 7, 1, {2, 5, 17}, {1, 1, 1}, ONES, NONE, NONE, ONES, ONES, 0},
  {1, 3, 9, 1, {1, 64, 70}, {1, 7, 7}, {1, 2, 2}, {0, 3, 3}, {0, 3, 3}, ONES, ONES, 0},
  {1, 40, 30, 1, {1, 3, 3}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0}};

// Made by Winograd's way wherever the sizes allow it: tiles over the edges, in part padding, fewer pixels or channels than a
// vector has lanes, several blocks of channels, outputs and tiles.
static const ConvShape winograds[] = {
  {1, 1, 1, 1, {1, 1, 1}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {2, 8, 16, 1, {1, 14, 14}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {2, 16, 8, 1, {1, 14, 14}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 1},
  {3, 13, 19, 1, {1, 5, 9}, {1, 3, 3}, ONES, {0, 2, 0}, {0, 0, 2}, ONES, ONES, 0},
  {1, 150, 40, 1, {1, 7, 7}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {2, 40, 70, 1, {1, 4, 11}, {1, 3, 3}, ONES, NONE, NONE, ONES, ONES, 1},
  {1, 9, 33, 1, {1, 61, 58}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {5, 16, 16, 1, {1, 3, 2}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0},
  {2, 16, 17, 1, {1, 9, 7}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 2, 2}, ONES, {1, 2, 2}, 1},
  {1, 11, 16, 1, {1, 5, 13}, {1, 3, 3}, ONES, {0, 2, 0}, {0, 0, 1}, ONES, {1, 3, 2}, 0}};

static NcConvTemplate conv_of(const ConvShape *s, int row, const char *name, Variant v) {
  NcConvTemplate c = {.name = nc_sprintf(arena, "%s_%d", name, row), .batch = s->b, .in_channels = s->i,
                      .out_channels = s->o, .groups = s->g, .text = case_text(v, run.target.vector)};
  int64_t taps = 1;
  for (int d = 2; d >= 0; d--) {
    c.in[d] = s->in[d], c.kernel[d] = s->kernel[d], c.stride[d] = s->stride[d], c.lo[d] = s->lo[d];
    c.dilation[d] = s->dilation[d], c.dilate_x[d] = s->dilate[d];
    const int64_t room = (c.in[d] - 1) * c.dilate_x[d] + c.lo[d] + s->hi[d] - (c.kernel[d] - 1) * c.dilation[d];
    c.out[d] = room / c.stride[d] + 1;
    c.w_k[d] = taps;
    taps *= c.kernel[d];
  }
  c.w_i = taps;
  c.w_o = s->i / s->g * taps;
  return c;
}

static size_t volume(const int64_t *d) { return (size_t)(d[0] * d[1] * d[2]); }

// w[i][o][reversed], as in the gradient toward the input; the offset is in the load.
static void flip(NcConvTemplate *c, Variant v) {
  const int64_t taps = (int64_t)volume(c->kernel);
  c->w_o = taps;
  c->w_i = c->out_channels * taps;
  for (int d = 0; d < 3; d++) c->w_k[d] = -c->w_k[d];
  c->text.b = (NcSplice){.load = nc_sprintf(arena, v == IN_PLACE ? "fabs(B[(i) + %d])" : "B[(i) + %d]", (int)taps - 1)};
}

static NcConvTemplate forward_of(const ConvShape *s, int row, NcConvWay way) {
  NcConvTemplate p = conv_of(s, row, way == NC_CONV_WINOGRAD ? "winograd" : "conv", variant_of(row));
  p.way = way;
  if (s->flip) flip(&p, variant_of(row));
  return p;
}

static bool make_conv(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcConvTemplate p = forward_of(&convs[row], row, NC_CONV_DIRECT);
  return nc_template_conv(program, t, &p, use);
}

// On the device as it is, the way that was asked for is the one that is taken.
static bool is_winograd(const NcTarget *t, const NcTemplateUse *use, const char *name) {
  if (t->cls == NC_CLASS_CPU && t->local_bytes == run.target.local_bytes)
    ck_assert_msg(strncmp(use->launch[0].kernel, "points_", 7) == 0, "%s is made another way", name);
  return true;
}

static bool make_winograd(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcConvTemplate p = forward_of(&winograds[row], row, NC_CONV_WINOGRAD);
  return nc_template_conv(program, t, &p, use) && is_winograd(t, use, p.name);
}

static NcConvTemplate weight_of(const ConvShape *s, int row, NcConvWay way) {
  NcConvTemplate p = conv_of(s, row, way == NC_CONV_WINOGRAD ? "winograd_weight" : "conv_weight", variant_of(row + 1));
  p.way = way;
  return p;
}

static bool make_conv_weight(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcConvTemplate p = weight_of(&convs[row], row, NC_CONV_DIRECT);
  return nc_template_conv_weight(program, t, &p, use);
}

static bool make_winograd_weight(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcConvTemplate p = weight_of(&winograds[row], row, NC_CONV_WINOGRAD);
  return nc_template_conv_weight(program, t, &p, use) && is_winograd(t, use, p.name);
}

static Table conv_table = {"conv", LENGTH(convs), make_conv};
static Table winograd_table = {"winograd", LENGTH(winograds), make_winograd};
static Table winograd_weight_table = {"winograd_weight", LENGTH(winograds), make_winograd_weight};
static Table conv_weight_table = {"conv_weight", LENGTH(convs), make_conv_weight};

static void check_forward(Table *t, const ConvShape *s, int row, NcConvWay way) {
  const NcConvTemplate p = forward_of(s, row, way);
  const size_t taps = volume(p.kernel), in = (size_t)p.in_channels, out = (size_t)p.out_channels;
  const size_t batch = (size_t)p.batch;
  Case c;
  case_fill(&c, batch * in * volume(p.in), in / (size_t)p.groups * out * taps, 0, batch * out * volume(p.out), out,
            volume(p.out), variant_of(row), (unsigned)row);
  float *w = c.x[1];
  if (s->flip) c.x[1] += taps - 1;
  ref_conv(&p, &c);
  c.x[1] = w;
  check_row(t, row, &c, variant_of(row), (double)(in * taps));
  case_free(&c);
}

START_TEST(test_conv) { check_forward(&conv_table, &convs[_i], _i, NC_CONV_DIRECT); }
END_TEST

START_TEST(test_winograd) { check_forward(&winograd_table, &winograds[_i], _i, NC_CONV_WINOGRAD); }
END_TEST

static void check_weight(Table *t, const ConvShape *s, int row, NcConvWay way) {
  const NcConvTemplate p = weight_of(s, row, way);
  const size_t in = (size_t)p.in_channels, out = (size_t)p.out_channels, batch = (size_t)p.batch;
  const size_t inner = in / (size_t)p.groups * volume(p.kernel);
  Case c;
  case_fill(&c, batch * in * volume(p.in), batch * out * volume(p.out), 0, out * inner, out, inner, variant_of(row + 1),
            (unsigned)row);
  ref_conv_weight(&p, &c);
  check_row(t, row, &c, variant_of(row + 1), (double)(batch * volume(p.out)));
  case_free(&c);
}

START_TEST(test_conv_weight) { check_weight(&conv_weight_table, &convs[_i], _i, NC_CONV_DIRECT); }
END_TEST

START_TEST(test_winograd_weight) { check_weight(&winograd_weight_table, &winograds[_i], _i, NC_CONV_WINOGRAD); }
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

// In a table of pools row r is shape r/2: with a maximum if r is even, else with a sum or an average.
static const char *kind_of(int row) { return row % 2 == 0 ? "max" : row / 2 % 2 == 0 ? "sum" : "avg"; }
// Of a gradient, y must stay the pool of x: no |y|.
static Variant pool_variant(int row, bool grad) { return grad ? (Variant)(row / 2 % 2) : variant_of(row / 2); }

static NcPoolTemplate pool_of(int row, bool grad) {
  const PoolShape *s = &pools[row / 2];
  NcPoolTemplate p = {.name = nc_sprintf(arena, "pool_%d", row), .kind = kind_of(row), .planes = s->planes,
                      .text = case_text(pool_variant(row, grad), run.target.vector)};
  for (int d = 0; d < 3; d++) {
    p.in[d] = s->in[d], p.window[d] = s->window[d], p.stride[d] = s->stride[d], p.lo[d] = s->lo[d];
    p.out[d] = (p.in[d] + s->lo[d] + s->hi[d] - p.window[d]) / p.stride[d] + 1;
  }
  return p;
}

static bool make_pool(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcPoolTemplate p = pool_of(row, false);
  return nc_template_pool(program, t, &p, use);
}

static bool make_pool_grad(int row, NcBuf *program, const NcTarget *t, NcTemplateUse *use) {
  const NcPoolTemplate p = pool_of(row, true);
  return nc_template_pool_grad(program, t, &p, use);
}

static Table pool_table = {"pool", 2 * LENGTH(pools), make_pool};
static Table pool_grad_table = {"pool_grad", 2 * LENGTH(pools), make_pool_grad};

START_TEST(test_pool) {
  const NcPoolTemplate p = pool_of(_i, false);
  const Variant v = pool_variant(_i, false);
  Case c;
  case_fill(&c, (size_t)p.planes * volume(p.in), 0, 0, (size_t)p.planes * volume(p.out), 1, 1, v, (unsigned)_i);
  ref_pool(&p, &c);
  check_row(&pool_table, _i, &c, v, 1);
  case_free(&c);
}
END_TEST

// Values have many equals, so that it matters that the first maximum of a window counts.
START_TEST(test_pool_grad) {
  const NcPoolTemplate p = pool_of(_i, true);
  const Variant v = pool_variant(_i, true);
  const size_t nx = (size_t)p.planes * volume(p.in), ny = (size_t)p.planes * volume(p.out);
  Case c, forward;
  case_fill(&forward, nx, 0, 0, ny, 1, 1, v, (unsigned)_i);
  ref_pool(&p, &forward);
  case_fill(&c, nx, ny, ny, nx, 1, 1, v, (unsigned)_i);
  for (size_t i = 0; i < ny; i++) c.x[1][i] = (float)forward.want[i];
  ref_pool_grad(&p, &c);
  check_row(&pool_grad_table, _i, &c, v, 1);
  case_free(&forward);
  case_free(&c);
}
END_TEST

// Points are 2.25 times as many as pixels: where an int counts the pixels but not them, the direct way is taken.
START_TEST(test_winograd_counts) {
  const ConvShape small = {1, 16, 16, 1, {1, 20000, 100}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0};
  const ConvShape large = {1, 16, 16, 1, {1, 1000000, 100}, {1, 3, 3}, ONES, {0, 1, 1}, {0, 1, 1}, ONES, ONES, 0};
  NcTarget t = run.target;
  t.cls = NC_CLASS_CPU;
  for (int weight = 0; weight < 2; weight++)
    for (int k = 0; k < 2; k++) {
      NcBuf program = NC_BUF(arena);
      NcTemplateUse use;
      NcConvTemplate p = conv_of(k ? &large : &small, k, "counts", PLAIN);
      p.way = NC_CONV_WINOGRAD;
      ck_assert((weight ? nc_template_conv_weight : nc_template_conv)(&program, &t, &p, &use));
      ck_assert_int_eq(strncmp(use.launch[0].kernel, "points_", 7) == 0, k == 0);
    }
}
END_TEST

static void release(Table *t) {
  for (int device = 0; device < DEVICES; device++)
    if (t->program[device]) clReleaseProgram(t->program[device]);
}

int main(void) {
  if (!cl_run_open(&run)) {
    puts("no OpenCL device on this machine: the kernels are not tested");
    return 77;
  }
  suite_open();
  Table *const tables[] = {&dot_table, &conv_table, &winograd_table, &conv_weight_table, &winograd_weight_table,
      &pool_table, &pool_grad_table};
  const TTest *const tests[] = {test_dot, test_conv, test_winograd, test_conv_weight, test_winograd_weight, test_pool, test_pool_grad};
  Suite *s = suite_create("kernels");
  for (int i = 0; i < LENGTH(tables); i++)
    tcase_add_loop_test(suite_case(s, tables[i]->name, NULL, NULL), tests[i], 0, tables[i]->rows);
  tcase_add_test(suite_case(s, "counts", NULL, NULL), test_winograd_counts);
  int failed = suite_run(s, CK_NOFORK);
  for (int i = 0; i < LENGTH(tables); i++) release(tables[i]);
  cl_run_close(&run);
  suite_close();
  return failed;
}
