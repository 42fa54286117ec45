// Times single templates at the sizes that decide the two training steps of docs/performance.md, and a few larger ones.
//
//   bench/kernels [ROUNDS [WORD]]     rows whose name contains WORD; every round runs all of them once, so that a busy
//                                     minute of the machine hits all rows alike; the median and the best are printed,
// and the least processor time, which says what the kernel can do while others use the machine
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/clrun.h"

typedef enum { DOT, CONV, CONV_WEIGHT, MAX_POOL, MAX_POOL_GRAD } Kind;
typedef struct {
  const char *name;
  Kind kind;
  int64_t m, n, k;                        // dot
  bool ta, tb;
  int64_t batch, in, out, size, kernel, pad, stride;   // conv, pool (in: channels)
  bool depthwise;                                      // conv: every channel by itself
  NcConvWay way;
  NcGemmWay product;
} Row;

static const Row rows[] = {
  {"mlp forward 784-128", DOT, 128, 128, 784, 0, 1},
  {"mlp forward 128-10", DOT, 128, 10, 128, 0, 1},
  {"mlp dx 128-10", DOT, 128, 128, 10, 0, 0},
  {"mlp dw 128-10", DOT, 10, 128, 128, 1, 0},
  {"mlp dw 784-128", DOT, 128, 784, 128, 1, 0},
  {"cnn forward 3136-128", DOT, 128, 128, 3136, 0, 1},
  {"cnn dx 3136-128", DOT, 128, 3136, 128, 0, 0},
  {"cnn dw 3136-128", DOT, 128, 3136, 128, 1, 0},
  {"gemm 512 NT", DOT, 512, 512, 512, 0, 1},
  {"gemm 1024 NN", DOT, 1024, 1024, 1024, 0, 0},
  {"gemm 1024 NN blocks", DOT, 1024, 1024, 1024, 0, 0, .product = NC_GEMM_BLOCKS},
  {"gemm 1024 NT", DOT, 1024, 1024, 1024, 0, 1},
  {"gemm 1024 NT blocks", DOT, 1024, 1024, 1024, 0, 1, .product = NC_GEMM_BLOCKS},
  {"gemm 1024 TN", DOT, 1024, 1024, 1024, 1, 0},
  {"gemm 1024 TN blocks", DOT, 1024, 1024, 1024, 1, 0, .product = NC_GEMM_BLOCKS},
  {"dense 2048 1024-1024", DOT, 2048, 1024, 1024, 0, 1},
  {"dense dw 1024 x 1024", DOT, 1024, 1024, 2048, 1, 0},
  {"encoder up 512-2048", DOT, 1024, 2048, 512, 0, 1},
  {"encoder down 2048-512", DOT, 1024, 512, 2048, 0, 1},
  {"encoder qkv 512-1536", DOT, 1024, 1536, 512, 0, 1},
  {"gpt up 128-512", DOT, 1024, 512, 128, 0, 1},
  {"gpt dw up 512 x 128", DOT, 512, 128, 1024, 1, 0},
  {"gpt dw down 128 x 512", DOT, 128, 512, 1024, 1, 0},
  {"gpt dw qkv 384 x 128", DOT, 384, 128, 1024, 1, 0},
  {"lstm dw 512 x 128", DOT, 512, 128, 1600, 1, 0},
  {"lstm dw 512 x 64", DOT, 512, 64, 1600, 1, 0},
  {"one row 784-128", DOT, 1, 128, 784, 0, 1},
  {"conv 1-32 28", CONV, .batch = 128, .in = 1, .out = 32, .size = 28, .kernel = 3, .pad = 1, .stride = 1},
  {"conv 32-64 14", CONV, .batch = 128, .in = 32, .out = 64, .size = 14, .kernel = 3, .pad = 1, .stride = 1},
  {"conv dx 64-32 14", CONV, .batch = 128, .in = 64, .out = 32, .size = 14, .kernel = 3, .pad = 1, .stride = 1},
  {"conv dw 1-32 28", CONV_WEIGHT, .batch = 128, .in = 1, .out = 32, .size = 28, .kernel = 3, .pad = 1, .stride = 1},
  {"conv dw 32-64 14", CONV_WEIGHT, .batch = 128, .in = 32, .out = 64, .size = 14, .kernel = 3, .pad = 1, .stride = 1},
  {"conv 64-64 56", CONV, .batch = 16, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1},
  {"conv 256-256 14", CONV, .batch = 16, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1},
  {"conv 64-128 56 stride 2", CONV, .batch = 16, .in = 64, .out = 128, .size = 56, .kernel = 3, .pad = 1, .stride = 2},
  {"conv 256-64 14 1x1", CONV, .batch = 16, .in = 256, .out = 64, .size = 14, .kernel = 1, .pad = 0, .stride = 1},
  {"conv 16-96 112 1x1", CONV, .batch = 1, .in = 16, .out = 96, .size = 112, .kernel = 1, .pad = 0, .stride = 1},
  {"conv 240-40 28 1x1", CONV, .batch = 1, .in = 240, .out = 40, .size = 28, .kernel = 1, .pad = 0, .stride = 1},
  {"conv 80-480 14 1x1", CONV, .batch = 1, .in = 80, .out = 480, .size = 14, .kernel = 1, .pad = 0, .stride = 1},
  {"conv 1152-192 7 1x1", CONV, .batch = 1, .in = 1152, .out = 192, .size = 7, .kernel = 1, .pad = 0, .stride = 1},
  {"depthwise 96 112 stride 2", CONV, .batch = 1, .in = 96, .out = 96, .size = 112, .kernel = 3, .pad = 1, .stride = 2, .depthwise = true},
  {"depthwise 672 14", CONV, .batch = 1, .in = 672, .out = 672, .size = 14, .kernel = 5, .pad = 2, .stride = 1, .depthwise = true},
  {"depthwise 1152 7", CONV, .batch = 1, .in = 1152, .out = 1152, .size = 7, .kernel = 5, .pad = 2, .stride = 1, .depthwise = true},
  {"resnet 8 64 56 direct", CONV, .batch = 8, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 8 64 56 winograd", CONV, .batch = 8, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 8 128 28 direct", CONV, .batch = 8, .in = 128, .out = 128, .size = 28, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 8 128 28 winograd", CONV, .batch = 8, .in = 128, .out = 128, .size = 28, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 8 256 14 direct", CONV, .batch = 8, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 8 256 14 winograd", CONV, .batch = 8, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 8 512 7 direct", CONV, .batch = 8, .in = 512, .out = 512, .size = 7, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 8 512 7 winograd", CONV, .batch = 8, .in = 512, .out = 512, .size = 7, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 1 64 56 direct", CONV, .batch = 1, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 1 64 56 winograd", CONV, .batch = 1, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 1 128 28 direct", CONV, .batch = 1, .in = 128, .out = 128, .size = 28, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 1 128 28 winograd", CONV, .batch = 1, .in = 128, .out = 128, .size = 28, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 1 256 14 direct", CONV, .batch = 1, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 1 256 14 winograd", CONV, .batch = 1, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet 1 512 7 direct", CONV, .batch = 1, .in = 512, .out = 512, .size = 7, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet 1 512 7 winograd", CONV, .batch = 1, .in = 512, .out = 512, .size = 7, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet dw 8 64 56 direct", CONV_WEIGHT, .batch = 8, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet dw 8 64 56 winograd", CONV_WEIGHT, .batch = 8, .in = 64, .out = 64, .size = 56, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet dw 8 128 28 direct", CONV_WEIGHT, .batch = 8, .in = 128, .out = 128, .size = 28, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet dw 8 128 28 winograd", CONV_WEIGHT, .batch = 8, .in = 128, .out = 128, .size = 28, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet dw 8 256 14 direct", CONV_WEIGHT, .batch = 8, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet dw 8 256 14 winograd", CONV_WEIGHT, .batch = 8, .in = 256, .out = 256, .size = 14, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"resnet dw 8 512 7 direct", CONV_WEIGHT, .batch = 8, .in = 512, .out = 512, .size = 7, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_DIRECT},
  {"resnet dw 8 512 7 winograd", CONV_WEIGHT, .batch = 8, .in = 512, .out = 512, .size = 7, .kernel = 3, .pad = 1, .stride = 1, .way = NC_CONV_WINOGRAD},
  {"max pool 32 28", MAX_POOL, .batch = 128, .in = 32, .size = 28, .kernel = 2, .stride = 2},
  {"max pool grad 32 28", MAX_POOL_GRAD, .batch = 128, .in = 32, .size = 28, .kernel = 2, .stride = 2}};
enum { ROWS = sizeof rows / sizeof *rows, MOST_ROUNDS = 1000 };

typedef struct {
  ClBound bound;
  cl_program program;
  cl_mem role[4];
  double work;             // flops, or bytes for pools
  int repeat;              // launches between two looks at the clock
  int n;
  double wall[MOST_ROUNDS], cpu[MOST_ROUNDS];
} Run;

static int64_t out_size(const Row *r) { return (r->size + 2 * r->pad - r->kernel) / r->stride + 1; }

static bool make(const Row *r, NcBuf *program, const NcTarget *t, NcTemplateUse *use, size_t n[4], double *work) {
  const int64_t y = r->kind == DOT ? 0 : out_size(r), taps = r->kernel * r->kernel;
  if (r->kind == DOT) {
    const NcGemm g = {.name = "row", .way = r->product, .batch = {1, 1}, .m = r->m, .n = r->n, .k = r->k,
                      .a_m = r->ta ? 1 : r->k, .a_k = r->ta ? r->m : 1,
                      .b_k = r->tb ? 1 : r->n, .b_n = r->tb ? r->k : 1};
    n[0] = (size_t)(r->m * r->k), n[1] = (size_t)(r->k * r->n), n[3] = (size_t)(r->m * r->n);
    *work = 2.0 * (double)r->m * (double)r->n * (double)r->k;
    return nc_template_gemm(program, t, &g, use);
  }
  if (r->kind >= MAX_POOL) {
    const NcPoolTemplate p = {.name = "row", .kind = "max", .planes = r->batch * r->in, .in = {1, r->size, r->size},
                              .out = {1, y, y}, .window = {1, r->kernel, r->kernel},
                              .stride = {1, r->stride, r->stride}, .lo = {0, r->pad, r->pad}};
    const size_t x = (size_t)(p.planes * r->size * r->size), small = (size_t)(p.planes * y * y);
    const bool grad = r->kind == MAX_POOL_GRAD;
    n[0] = x, n[1] = n[2] = grad ? small : 0, n[3] = grad ? x : small;
    *work = 4.0 * (double)(n[0] + n[1] + n[2] + n[3]);
    return (grad ? nc_template_pool_grad : nc_template_pool)(program, t, &p, use);
  }
  const int64_t groups = r->depthwise ? r->in : 1, sums = r->in / groups * taps;
  const NcConvTemplate c = {.name = "row", .way = r->way, .batch = r->batch, .in_channels = r->in, .out_channels = r->out, .groups = groups,
                            .in = {1, r->size, r->size}, .kernel = {1, r->kernel, r->kernel}, .out = {1, y, y},
                            .stride = {1, r->stride, r->stride}, .lo = {0, r->pad, r->pad}, .dilation = {1, 1, 1},
                            .dilate_x = {1, 1, 1}, .w_o = sums, .w_i = taps, .w_k = {taps, r->kernel, 1}};
  const size_t x = (size_t)(r->batch * r->in * r->size * r->size), w = (size_t)(r->out * sums);
  const size_t out = (size_t)(r->batch * r->out * y * y);
  const bool weight = r->kind == CONV_WEIGHT;
  n[0] = x, n[1] = weight ? out : w, n[3] = weight ? w : out;
  *work = 2.0 * (double)out * (double)sums;
  return (weight ? nc_template_conv_weight : nc_template_conv)(program, t, &c, use);
}

static cl_mem random_buffer(ClRun *r, size_t n) {
  float *x = malloc(n * sizeof *x);
  if (!x) return NULL;
  for (size_t i = 0; i < n; i++) x[i] = (float)(rand() % 17 - 8) / 8;
  cl_mem m = cl_run_buffer(r, n * sizeof *x, x);
  free(x);
  return m;
}

static bool prepare(ClRun *r, const Row *row, Run *run, NcArena *arena) {
  NcBuf program = NC_BUF(arena);
  NcTemplateUse use;
  size_t n[4] = {0};
  if (!make(row, &program, &r->target, &use, n, &run->work)) return false;
  for (int i = 0; i < 4; i++)
    if (n[i]) run->role[i] = random_buffer(r, n[i]);
  run->program = cl_run_build(r, nc_buf_str(&program), true);
  if (!run->program || !cl_run_bind(r, &run->bound, run->program, &use, run->role, 0, NULL)) return false;
  cl_run_enqueue(r, &run->bound);
  clFinish(r->queue);
  run->repeat = 1 + (int)(2e8 / run->work);
  if (run->repeat > 200) run->repeat = 200;
  return true;
}

static void measure(ClRun *r, Run *run) {
  const clock_t cpu = clock();
  const double wall = cl_run_seconds();
  for (int i = 0; i < run->repeat; i++) cl_run_enqueue(r, &run->bound);
  clFinish(r->queue);
  run->wall[run->n] = (cl_run_seconds() - wall) / run->repeat;
  run->cpu[run->n++] = (double)(clock() - cpu) / CLOCKS_PER_SEC / run->repeat;
}

static int rising(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(const ClRun *r, const Row *row, Run *run) {
  qsort(run->wall, (size_t)run->n, sizeof(double), rising);
  qsort(run->cpu, (size_t)run->n, sizeof(double), rising);
  const double mid = run->wall[run->n / 2], best = run->wall[0], cpu = run->cpu[0] / r->target.compute_units;
  printf("%-24s %9.1f us %9.1f best %7.1f %s   %9.1f us of every core %7.1f\n", row->name, mid * 1e6, best * 1e6,
         run->work / best * 1e-9, row->kind >= MAX_POOL ? "GB/s   " : "GFLOP/s", cpu * 1e6, run->work / cpu * 1e-9);
}

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 11;
  const char *word = argc > 2 ? argv[2] : "";
  static Run run[ROWS];
  ClRun r;
  if (rounds < 1 || rounds > MOST_ROUNDS) {
    fprintf(stderr, "rounds: 1 to %d\n", MOST_ROUNDS);
    return 2;
  }
  if (!cl_run_open(&r)) {
    fprintf(stderr, "no OpenCL device\n");
    return 5;
  }
  NcArena *arena = nc_arena_new();
  for (int i = 0; i < ROWS; i++)
    if (strstr(rows[i].name, word) && !prepare(&r, &rows[i], &run[i], arena)) return 1;
  for (int k = 0; k < rounds; k++)
    for (int i = 0; i < ROWS; i++)
      if (run[i].program) measure(&r, &run[i]);
  printf("%s, %d units, vectors of %d, %d rounds\n", r.name, r.target.compute_units, r.target.vector, rounds);
  for (int i = 0; i < ROWS; i++)
    if (run[i].program) report(&r, &rows[i], &run[i]);
  nc_arena_free(arena);
  return 0;
}
