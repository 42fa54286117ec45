// Generated kernels on a device against the reference evaluator: every case of every operation, fused composites, whole
// training steps; both device classes, fused and not, with the fast forms and without. What the driver's optimizer makes
// of it is looked at for the cpu class, fused: it takes four to six times as long as everything else here.
// NACRE_TEST_OPTIMIZED=1: for all.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gen_run.h"
#include "nets.h"
#include "loops.h"
#include "op_cases.h"
#include "suite.h"

static GenDevice device;

static void open_device(void) { gen_need(&device, "nothing was checked"); }
static void close_device(void) { gen_close(&device); }

static const NcClass classes[] = {NC_CLASS_CPU, NC_CLASS_GPU};
static const char *const class_names[] = {"cpu", "gpu"};

// NACRE_TEST_ONLY=TEXT runs only the cases, composites and nets whose name holds the text.
static bool skipped(const char *name) {
  const char *only = getenv("NACRE_TEST_ONLY");
  return only && !strstr(name, only);
}

// ---- Every operation's cases, some together in one graph

enum { TOGETHER = 24 };

// Puts case number k into `to`, with names of its own; its operands' values into `bind`.
static int add_case(NcGraph *to, NcDiag *d, int k, NcBinding *bind) {
  NcArena *a = to->arena;
  const OpCase *c = &op_cases[k];
  NcGraph *g = nc_graph_new(a, d, "case");
  NcNode *in[CASE_OPERANDS], *n = case_build(g, c, in);
  ck_assert_msg(n != NULL, "%s cannot be built", case_name(a, c));
  if (n->op->kind == NC_INIT) return 0;           // for the evaluator alone
  NcNode **map = NC_NEW_N(a, NcNode *, g->node.n);
  for (int i = 0; i < g->node.n; i++) {
    NcNode *x = g->node.at[i], *ins[8];
    ck_assert_int_le(x->nin, 8);
    for (int j = 0; j < x->nin; j++) ins[j] = map[x->in[j]->id];
    bool input = strcmp(x->op->name, "input") == 0, var = strcmp(x->op->name, "var") == 0;
    const char *name = input || var ? nc_sprintf(a, "%s_%d", nc_attr_str(x, "name"), k) : NULL;
    map[i] = input ? nc_input(to, NC_NOWHERE, name, x->type)
             : var ? nc_var(to, NC_NOWHERE, name, "param", x->type) : nc_copy_node(to, x, ins);
  }
  if (n->op->kind == NC_EFFECT) nc_graph_effect(to, map[n->id]);
  else nc_graph_output(to, nc_sprintf(a, "%d: %s", k, case_name(a, c)), map[n->id]);
  for (int i = 0; i < c->nin; i++) bind[i] = (NcBinding){nc_sprintf(a, "in%d_%d", i, k), case_values(a, c, i)};
  return c->nin;
}

START_TEST(operations) {
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  NcGraph *g = nc_graph_new(a, d, "cases");
  NcBinding bind[TOGETHER * 7];
  int n = 0;
  for (int k = _i / 2 * TOGETHER; k < (_i / 2 + 1) * TOGETHER && k < op_case_count; k++)
    if (!skipped(case_name(a, &op_cases[k]))) n += add_case(g, d, k, bind + n);
  if (!g->node.n) return;
  const char *why = gen_compare(&device, a, g, n, bind, &(GenOptions){.cls = classes[_i % 2]});
  if (why) ck_abort_msg("%s: %.1500s", class_names[_i % 2], why);
  nc_arena_free(a);
}
END_TEST

// ---- Composites

typedef struct { NcArena *a; NcDiag *d; NcGraph *g; } Make;
typedef void Build(Make *m);

static NcNode *input(Make *m, const char *name, NcDtype t, NcShape s) { return nc_input(m->g, NC_NOWHERE, name, (NcType){t, s}); }
static NcNode *op1(Make *m, const char *op, NcNode *a) { return nc_op1(m->g, NC_NOWHERE, op, a); }
static NcNode *op2(Make *m, const char *op, NcNode *a, NcNode *b) { return nc_op2(m->g, NC_NOWHERE, op, a, b); }
static void output(Make *m, const char *name, NcNode *n) { nc_graph_output(m->g, name, n); }

static NcNode *over_last(Make *m, NcNode *row, NcShape s) {
  int64_t axes[NC_MAX_RANK];
  for (int i = 0; i < s.rank - 1; i++) axes[i] = i;
  return nc_broadcast(m->g, NC_NOWHERE, row, s, axes);
}
static NcNode *fold_last(Make *m, const char *op, NcNode *x) {
  return nc_reduce(m->g, NC_NOWHERE, op, x, 1, (int64_t[]){x->type.shape.rank - 1});
}

static void softmax_of(Make *m, NcShape s) {
  NcNode *x = input(m, "x", NC_F32, s);
  NcNode *e = op1(m, "exp", op2(m, "sub", x, over_last(m, fold_last(m, "max", x), s)));
  NcNode *y = op2(m, "div", e, over_last(m, fold_last(m, "sum", e), s));
  output(m, "y", y);
  output(m, "top", fold_last(m, "argmax", y));
  output(m, "low", fold_last(m, "argmin", x));
}
static void softmax_10(Make *m) { softmax_of(m, NC_SHAPE(37, 10)); }
static void softmax_64(Make *m) { softmax_of(m, NC_SHAPE(2, 3, 5, 64)); }
static void softmax_1000(Make *m) { softmax_of(m, NC_SHAPE(3, 1001)); }
static void softmax_1(Make *m) { softmax_of(m, NC_SHAPE(5, 1)); }

static void norm_of(Make *m, NcShape s) {
  NcNode *x = input(m, "x", NC_F32, s), *w = input(m, "w", NC_F32, NC_SHAPE(s.dim[s.rank - 1]));
  double n = (double)s.dim[s.rank - 1];
  NcNode *mean = fold_last(m, "sum", x);
  mean = op2(m, "mul", mean, nc_like(m->g, mean, 1 / n));
  NcNode *c = op2(m, "sub", x, over_last(m, mean, s)), *v = fold_last(m, "sum", op2(m, "mul", c, c));
  v = op1(m, "rsqrt", op2(m, "add", op2(m, "mul", v, nc_like(m->g, v, 1 / n)), nc_like(m->g, v, 1e-5)));
  NcNode *y = op2(m, "mul", op2(m, "mul", c, over_last(m, v, s)), nc_broadcast(m->g, NC_NOWHERE, w, s, (int64_t[]){s.rank - 1}));
  output(m, "y", y);
  NcNode *dx[2], *loss = nc_reduce(m->g, NC_NOWHERE, "sum", op2(m, "mul", y, op1(m, "sin", y)), s.rank,
      (int64_t[]){0, 1, 2, 3, 4, 5, 6, 7});
  ck_assert(nc_grad(m->g, loss, 2, (NcNode *[]){x, w}, dx));
  output(m, "dx", dx[0]);
  output(m, "dw", dx[1]);
  output(m, "loss", loss);
}
static void norm_96(Make *m) { norm_of(m, NC_SHAPE(4, 7, 96)); }
static void norm_7(Make *m) { norm_of(m, NC_SHAPE(33, 7)); }
static void norm_300(Make *m) { norm_of(m, NC_SHAPE(9, 300)); }

static void sums(Make *m) {          // every way in which axes can be reduced
  NcNode *x = input(m, "x", NC_F32, NC_SHAPE(3, 40, 5, 67));
  for (int mask = 1; mask < 16; mask++) {
    int64_t axes[4];
    int n = 0;
    for (int i = 0; i < 4; i++)
      if (mask & 1 << i) axes[n++] = i;
    static const char *const ops[] = {"sum", "max", "min"};
    output(m, nc_sprintf(m->a, "r%d", mask), nc_reduce(m->g, NC_NOWHERE, ops[mask % 3], op1(m, "sin", x), n, axes));
  }
}

static void large_sums(Make *m) {    // in two passes
  NcNode *x = input(m, "x", NC_F32, NC_SHAPE(1000, 131)), *v = input(m, "v", NC_F32, NC_SHAPE(100003));
  NcNode *c = input(m, "c", NC_F32, NC_SHAPE(40, 3, 47, 43));
  output(m, "rows", nc_reduce(m->g, NC_NOWHERE, "sum", op2(m, "mul", x, x), 1, (int64_t[]){0}));
  output(m, "top", nc_reduce(m->g, NC_NOWHERE, "argmax", x, 1, (int64_t[]){0}));
  NcNode *s = nc_reduce(m->g, NC_NOWHERE, "sum", v, 1, (int64_t[]){0});
  output(m, "all", op2(m, "mul", s, nc_like(m->g, s, 1.0 / 100003)));
  output(m, "low", nc_reduce(m->g, NC_NOWHERE, "argmin", v, 1, (int64_t[]){0}));
  NcNode *b = op2(m, "gt", v, nc_like(m->g, v, 0.999));
  output(m, "any", nc_reduce(m->g, NC_NOWHERE, "any", b, 1, (int64_t[]){0}));
  output(m, "channels", nc_reduce(m->g, NC_NOWHERE, "sum", c, 3, (int64_t[]){0, 2, 3}));
  output(m, "squares", nc_reduce(m->g, NC_NOWHERE, "sum", op2(m, "mul", c, c), 3, (int64_t[]){0, 2, 3}));
  output(m, "wide", nc_reduce(m->g, NC_NOWHERE, "sum", nc_cast(m->g, NC_NOWHERE, b, NC_I64), 1, (int64_t[]){0}));
}

// What is read three apart takes its places by a vector with a name, beside the names of the columns that are summed at once.
static void names_of_columns(Make *m) {
  NcNode *x = input(m, "x", NC_F32, NC_SHAPE(9, 3 * 136 + 4)), *sum = input(m, "y", NC_F32, NC_SHAPE(9, 136));
  for (int i = 0; i < 4; i++)
    sum = op2(m, "add", nc_slice(m->g, NC_NOWHERE, x, (int64_t[]){0, i}, (int64_t[]){9, 136}, (int64_t[]){1, 3}), sum);
  output(m, "sums", nc_reduce(m->g, NC_NOWHERE, "sum", sum, 1, (int64_t[]){0}));
}

static void views(Make *m) {         // movement of all kinds between pointwise work
  NcGraph *g = m->g;
  NcRange at = NC_NOWHERE;
  NcNode *x = input(m, "x", NC_F32, NC_SHAPE(6, 8, 10)), *b = input(m, "b", NC_F32, NC_SHAPE(10));
  NcNode *p = nc_permute(g, at, x, (int64_t[]){2, 0, 1});
  NcNode *r = nc_reshape(g, at, p, NC_SHAPE(20, 24));
  NcNode *s = nc_slice(g, at, op1(m, "exp", r), (int64_t[]){19, 2}, (int64_t[]){7, 6}, (int64_t[]){-3, 4});
  NcNode *q = nc_pad(g, at, s, (int64_t[]){1, -1}, (int64_t[]){2, 4}, 0.5);
  output(m, "q", op1(m, "neg", q));
  NcNode *c = nc_concat(g, at, 3, (NcNode *[]){q, op1(m, "sin", q),
      nc_slice(g, at, q, (int64_t[]){0, 0}, (int64_t[]){10, 5}, (int64_t[]){1, 1})}, 1);
  output(m, "c", op2(m, "mul", c, c));
  output(m, "d", nc_concat(g, at, 2, (NcNode *[]){op1(m, "exp", q), q}, 0));
  NcNode *y = op2(m, "add", x, nc_broadcast(g, at, b, x->type.shape, (int64_t[]){2}));
  output(m, "y", nc_reshape(g, at, op1(m, "tanh", y), NC_SHAPE(480)));
  NcNode *i = nc_iota(g, at, (NcType){NC_I32, NC_SHAPE(20, 24)}, 1), *j = nc_iota(g, at, (NcType){NC_I32, NC_SHAPE(20, 24)}, 0);
  output(m, "mask", nc_op3(g, at, "select", op2(m, "le", i, j), r, nc_like(g, r, -INFINITY)));
  output(m, "t", op1(m, "abs", nc_transpose(g, at, r)));
  NcNode *wide = nc_concat(g, at, 2, (NcNode *[]){nc_reshape(g, at, x, NC_SHAPE(30, 16)), nc_reshape(g, at, x, NC_SHAPE(30, 16))}, 1);
  output(m, "wide", op1(m, "neg", wide));
}

static void types(Make *m) {         // loads and stores of every element type, vectors and remainders
  for (int t = 0; t < NC_DTYPE_COUNT; t++)
    for (int n = 1; n < 40; n = n * 3 + 1) {
      NcNode *x = input(m, nc_sprintf(m->a, "%s_%d", nc_dtype_name((NcDtype)t), n), (NcDtype)t, NC_SHAPE(n));
      NcNode *f = nc_cast(m->g, NC_NOWHERE, x, NC_F32);
      f = op2(m, "mul", f, nc_like(m->g, f, 1.5));
      for (int o = 0; o < NC_DTYPE_COUNT; o++)
        output(m, nc_sprintf(m->a, "%s_%s_%d", nc_dtype_name((NcDtype)t), nc_dtype_name((NcDtype)o), n),
               nc_cast(m->g, NC_NOWHERE, o == NC_U8 ? op1(m, "abs", f) : f, (NcDtype)o));
    }
}

static void sizes(Make *m) {         // one element, primes, vectors and work-items and one more or less
  static const int64_t n[] = {1, 2, 7, 8, 9, 15, 17, 63, 64, 65, 257, 1021, 4095, 4096, 4097, 20011};
  for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
    NcNode *x = input(m, nc_sprintf(m->a, "x%zu", i), NC_F32, NC_SHAPE(n[i]));
    output(m, nc_sprintf(m->a, "y%zu", i), op2(m, "mul", x, op1(m, "abs", x)));
  }
  static const int64_t rc[][2] = {{1, 1}, {1, 9}, {9, 1}, {3, 7}, {129, 10}, {1000, 3}, {17, 64}, {33, 129}, {2, 9001}};
  for (size_t i = 0; i < sizeof rc / sizeof *rc; i++) {
    NcShape s = NC_SHAPE(rc[i][0], rc[i][1]);
    NcNode *x = input(m, nc_sprintf(m->a, "m%zu", i), NC_F32, s), *r = input(m, nc_sprintf(m->a, "r%zu", i), NC_F32, NC_SHAPE(s.dim[0]));
    NcNode *c = input(m, nc_sprintf(m->a, "c%zu", i), NC_F32, NC_SHAPE(s.dim[1]));
    x = op2(m, "add", op2(m, "mul", x, over_last(m, r, s)), nc_broadcast(m->g, NC_NOWHERE, c, s, (int64_t[]){1}));
    output(m, nc_sprintf(m->a, "b%zu", i), op1(m, "tanh", x));
    output(m, nc_sprintf(m->a, "t%zu", i), nc_transpose(m->g, NC_NOWHERE, x));
  }
}

static void picks(Make *m) {
  NcGraph *g = m->g;
  NcRange at = NC_NOWHERE;
  NcNode *x = input(m, "x", NC_F32, NC_SHAPE(4, 33)), *i = input(m, "i", NC_I32, NC_SHAPE(5, 3));
  NcNode *y = nc_gather(g, at, op1(m, "exp", x), i, 0), *dx[1];
  output(m, "y", op1(m, "sin", y));
  NcNode *loss = nc_reduce(g, at, "sum", op2(m, "mul", y, y), 3, (int64_t[]){0, 1, 2});
  ck_assert(nc_grad(g, loss, 1, &x, dx));
  output(m, "dx", dx[0]);
  output(m, "z", nc_gather(g, at, x, i, 1));
  output(m, "cum", nc_cumulative(g, at, "sum", x, 1, false));
  output(m, "back", nc_cumulative(g, at, "prod", x, 0, true));
  NcNode *wide = input(m, "wide", NC_F32, NC_SHAPE(3, 17, 40)), *many = input(m, "many", NC_I32, NC_SHAPE(300));
  output(m, "cum1", op1(m, "sin", nc_cumulative(g, at, "sum", wide, 1, true)));
  output(m, "cum2", op2(m, "add", nc_cumulative(g, at, "sum", wide, 2, false), wide));
  NcNode *dy = input(m, "dy", NC_F32, NC_SHAPE(300, 70)), *col = input(m, "col", NC_F32, NC_SHAPE(5, 300));
  NcNode *sum = nc_scatter_add(g, at, dy, many, NC_SHAPE(3, 70), 0);      // some indices are beyond
  output(m, "sum", op1(m, "neg", sum));
  output(m, "sum1", nc_scatter_add(g, at, col, many, NC_SHAPE(5, 4), 1));
  NcNode *half = input(m, "half", NC_F16, NC_SHAPE(300, 70));      // held exactly: only the sum is rounded, once
  output(m, "sum2", nc_scatter_add(g, at, half, many, NC_SHAPE(4, 70), 0));
}

static void randoms(Make *m) {
  NcNode *step = input(m, "step", NC_I32, NC_SCALAR), *turn = nc_const(m->g, NC_NOWHERE, NC_I32, 5);
  for (int k = 0; k < 3; k++) {
    NcShape s = k == 0 ? NC_SHAPE(64) : k == 1 ? NC_SHAPE(5, 13) : NC_SHAPE(3, 8, 4);
    NcNode *u = nc_random(m->g, NC_NOWHERE, k ? "normal" : "uniform", (NcType){NC_F32, s}, k + 3, step, k ? turn : NULL);
    output(m, nc_sprintf(m->a, "u%d", k), op2(m, "mul", u, u));
    if (k == 2) output(m, "p", op1(m, "neg", nc_permute(m->g, NC_NOWHERE, u, (int64_t[]){1, 2, 0})));
  }
}

static void dots(Make *m) {
  static const int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 2}, {7, 13, 17}, {64, 64, 64}, {65, 31, 130}, {128, 10, 128},
      {1, 200, 33}, {200, 1, 40}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int64_t M = sizes[i][0], N = sizes[i][1], K = sizes[i][2];
    for (int t = 0; t < 4; t++) {
      NcNode *a = input(m, nc_sprintf(m->a, "a%zu_%d", i, t & 1), NC_F32, t & 1 ? NC_SHAPE(K, M) : NC_SHAPE(M, K));
      NcNode *b = input(m, nc_sprintf(m->a, "b%zu_%d", i, t >> 1), NC_F32, t & 2 ? NC_SHAPE(N, K) : NC_SHAPE(K, N));
      NcNode *c = nc_dot(m->g, NC_NOWHERE, a, b, 0, NULL, NULL, 1, (int64_t[]){t & 1 ? 0 : 1}, (int64_t[]){t & 2 ? 1 : 0});
      NcNode *bias = input(m, nc_sprintf(m->a, "c%zu", i), NC_F32, NC_SHAPE(N));
      c = op2(m, "add", c, nc_broadcast(m->g, NC_NOWHERE, bias, c->type.shape, (int64_t[]){1}));
      output(m, nc_sprintf(m->a, "y%zu_%d", i, t), op2(m, "max", c, nc_like(m->g, c, 0)));
    }
  }
}

static void large_dot(Make *m) {     // through CLBlast where that is used
  NcNode *a = input(m, "a", NC_F32, NC_SHAPE(512, 500)), *b = input(m, "b", NC_F32, NC_SHAPE(530, 512)),
      *c = input(m, "c", NC_F32, NC_SHAPE(530));
  NcNode *y = nc_dot(m->g, NC_NOWHERE, a, b, 0, NULL, NULL, 1, (int64_t[]){0}, (int64_t[]){1});
  output(m, "product", nc_transpose(m->g, NC_NOWHERE, y));
  output(m, "y", op1(m, "sin", op2(m, "add", y, nc_broadcast(m->g, NC_NOWHERE, c, y->type.shape, (int64_t[]){1}))));
}

static void batched_dots(Make *m) {
  NcGraph *g = m->g;
  NcRange at = NC_NOWHERE;
  NcNode *q = input(m, "q", NC_F32, NC_SHAPE(2, 9, 3, 16)), *k = input(m, "k", NC_F32, NC_SHAPE(2, 11, 3, 16));   // [B, T, H, D]
  NcNode *s = nc_dot(g, at, q, k, 2, (int64_t[]){0, 2}, (int64_t[]){0, 2}, 1, (int64_t[]){3}, (int64_t[]){3});      // [B, H, T, U]
  output(m, "s", op2(m, "mul", s, nc_like(g, s, 0.25)));
  NcNode *o = nc_dot(g, at, s, k, 2, (int64_t[]){0, 1}, (int64_t[]){0, 2}, 1, (int64_t[]){3}, (int64_t[]){1});       // [B, H, T, D]
  output(m, "o", op1(m, "tanh", nc_permute(g, at, o, (int64_t[]){0, 2, 1, 3})));
  output(m, "two", nc_dot(g, at, q, k, 1, (int64_t[]){0}, (int64_t[]){0}, 2, (int64_t[]){2, 3}, (int64_t[]){2, 3}));
  NcNode *u = input(m, "u", NC_F32, NC_SHAPE(7)), *v = input(m, "v", NC_F32, NC_SHAPE(7));
  output(m, "outer", nc_dot(g, at, u, v, 0, NULL, NULL, 0, NULL, NULL));
  output(m, "inner", nc_dot(g, at, u, v, 0, NULL, NULL, 1, (int64_t[]){0}, (int64_t[]){0}));
  NcNode *i = input(m, "i", NC_I32, NC_SHAPE(5, 6)), *j = input(m, "j", NC_I32, NC_SHAPE(6, 9));
  output(m, "whole", nc_matmul(g, at, i, j));
  NcNode *h = input(m, "h", NC_F16, NC_SHAPE(12, 20)), *l = input(m, "l", NC_F16, NC_SHAPE(20, 24));
  output(m, "half", nc_matmul(g, at, h, l));
  NcNode *hb = input(m, "hb", NC_BF16, NC_SHAPE(12, 20)), *lb = input(m, "lb", NC_BF16, NC_SHAPE(20, 24));
  output(m, "brain", op1(m, "neg", nc_matmul(g, at, hb, lb)));
  // strides that do not merge
  NcNode *p = input(m, "p", NC_F32, NC_SHAPE(4, 5, 6, 7)), *r = input(m, "r", NC_F32, NC_SHAPE(5, 3, 7, 2));
  output(m, "odd", nc_dot(g, at, p, r, 0, NULL, NULL, 2, (int64_t[]){1, 3}, (int64_t[]){0, 2}));
  output(m, "odd2", op1(m, "exp", nc_dot(g, at, p, r, 1, (int64_t[]){1}, (int64_t[]){0}, 1, (int64_t[]){3}, (int64_t[]){2})));
  NcNode *bytes = input(m, "bytes", NC_U8, NC_SHAPE(12, 20)), *w = input(m, "w", NC_F32, NC_SHAPE(20, 24));
  output(m, "bytes", nc_matmul(g, at, nc_cast(g, at, bytes, NC_F32), w));
}

static void convolutions(Make *m) {
  static const struct { int64_t b, i, o, h, w, k, stride, lo, hi, dilation; int groups; } c[] = {
    {2, 3, 5, 9, 11, 3, 1, 1, 1, 1, 1}, {1, 4, 6, 8, 8, 3, 2, 1, 0, 1, 2}, {2, 8, 8, 7, 7, 3, 1, 1, 1, 1, 8},
    {1, 2, 3, 12, 13, 3, 1, 2, 2, 2, 1}, {2, 16, 32, 6, 6, 1, 1, 0, 0, 1, 1}, {1, 1, 1, 5, 5, 5, 1, 0, 0, 1, 1},
    {2, 3, 16, 17, 16, 7, 2, 3, 3, 1, 1}};
  for (size_t n = 0; n < sizeof c / sizeof *c; n++) {
    NcConv v = {.spatial = 2, .groups = c[n].groups};
    for (int i = 0; i < 2; i++) {
      v.stride[i] = c[n].stride, v.lo[i] = c[n].lo, v.hi[i] = c[n].hi, v.dilation[i] = c[n].dilation, v.dilate_x[i] = 1;
    }
    NcNode *x = input(m, nc_sprintf(m->a, "x%zu", n), NC_F32, NC_SHAPE(c[n].b, c[n].i, c[n].h, c[n].w));
    NcNode *w = input(m, nc_sprintf(m->a, "w%zu", n), NC_F32, NC_SHAPE(c[n].o, c[n].i / c[n].groups, c[n].k, c[n].k));
    NcNode *bias = input(m, nc_sprintf(m->a, "b%zu", n), NC_F32, NC_SHAPE(c[n].o));
    NcNode *y = nc_conv(m->g, NC_NOWHERE, x, w, &v), *d[3];
    ck_assert(y);
    y = op1(m, "tanh", op2(m, "add", y, nc_broadcast(m->g, NC_NOWHERE, bias, y->type.shape, (int64_t[]){1})));
    NcNode *loss = nc_reduce(m->g, NC_NOWHERE, "sum", op2(m, "mul", y, y), 4, (int64_t[]){0, 1, 2, 3});
    ck_assert(nc_grad(m->g, loss, 3, (NcNode *[]){x, w, bias}, d));
    output(m, nc_sprintf(m->a, "y%zu", n), y);
    for (int i = 0; i < 3; i++) output(m, nc_sprintf(m->a, "d%zu_%d", n, i), d[i]);
  }
}

static void pools(Make *m) {
  static const char *const kinds[] = {"max", "avg", "sum"};
  for (int k = 0; k < 6; k++) {
    NcPool p = {2, {k < 3 ? 2 : 3, k < 3 ? 2 : 3}, {2, k < 3 ? 2 : 1}, {0, k < 3 ? 0 : 1}, {0, k < 3 ? 0 : 1}};
    NcNode *x = input(m, nc_sprintf(m->a, "x%d", k), NC_F32, NC_SHAPE(2, 3, 9, 12)), *d;
    NcNode *y = nc_pool(m->g, NC_NOWHERE, kinds[k % 3], x, &p);
    ck_assert(y);
    y = op2(m, "mul", y, y);
    NcNode *loss = nc_reduce(m->g, NC_NOWHERE, "sum", y, 4, (int64_t[]){0, 1, 2, 3});
    ck_assert(nc_grad(m->g, loss, 1, &x, &d));
    output(m, nc_sprintf(m->a, "y%d", k), y);
    output(m, nc_sprintf(m->a, "d%d", k), d);
  }
}

static const struct { const char *name; Build *build; double loose; } composites[] = {
  {"softmax of rows of 10", softmax_10, 1}, {"softmax of rows of 64", softmax_64, 1}, {"softmax of rows of 1001", softmax_1000, 1},
  {"softmax of rows of 1", softmax_1, 1}, {"layer norm of 96", norm_96, 4}, {"layer norm of 7", norm_7, 8},
  {"layer norm of 300", norm_300, 4},
  {"reductions over all sets of axes", sums, 8}, {"large reductions", large_sums, 40},
  {"columns with names", names_of_columns, 8}, {"movement", views, 1}, {"element types", types, 1},
  {"sizes", sizes, 1}, {"gather and scans", picks, 10}, {"random numbers", randoms, 2}, {"dots", dots, 8},
  {"batched dots", batched_dots, 8}, {"a large product", large_dot, 40},
  {"convolutions", convolutions, 40}, {"pools", pools, 2}};
enum { COMPOSITES = sizeof composites / sizeof *composites };

static const struct { const char *name; bool no_fuse; const char *no_fast; } ways[] = {
  {"fused", false, NULL}, {"not fused", true, NULL},
  {"plain loops", false, "row,reduce,dot,conv,conv_weight,pool,pool_grad,scatter_add,cumulative"}};
enum { WAYS = sizeof ways / sizeof *ways };

START_TEST(composite) {
  int c = _i / (2 * WAYS), way = _i / 2 % WAYS;
  if (skipped(composites[c].name)) return;
  NcArena *a = nc_arena_new();
  Make m = {.a = a, .d = nc_diag_new(a)};
  m.g = nc_graph_new(a, m.d, "composite");
  composites[c].build(&m);
  ck_assert_int_eq(m.d->errors, 0);
  const char *why = gen_compare(&device, a, m.g, 0, NULL, &(GenOptions){.cls = classes[_i % 2], .no_fuse = ways[way].no_fuse,
                                .optimize = way == 0 && _i % 2 == 0, .no_fast = ways[way].no_fast, .loose = composites[c].loose});
  if (why) ck_abort_msg("%s, %s, %s: %.1500s", composites[c].name, class_names[_i % 2], ways[way].name, why);
  nc_arena_free(a);
}
END_TEST

// ---- Loops, with their gradients: all of them in one program

START_TEST(loops) {
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  NcGraph *g = nc_graph_new(a, d, "loops");
  const char *only = getenv("LOOP");
  for (int i = 0; loop_cases[i]; i++) {
    bool wanted = _i % 2 == 0 || i == 2;      // on the other generator an LSTM will do
    if (only ? !strstr(loop_cases[i], only) : !wanted) continue;
    LoopCase c = {.g = g, .prefix = nc_sprintf(a, "l%d_", i)};
    loop_build(&c, i);
    NcNode *dx[8];
    ck_assert(nc_grad(g, loop_loss(&c), c.ninput, c.input, dx));
    for (int k = 0; k < c.nresult; k++) nc_graph_output(g, nc_sprintf(a, "%s, result %d", loop_cases[i], k), c.result[k]);
    for (int k = 0; k < c.ninput; k++) nc_graph_output(g, nc_sprintf(a, "%s, gradient %d", loop_cases[i], k), dx[k]);
  }
  GenOptions o = {.cls = classes[_i % 2], .no_fuse = _i / 2, .loose = 30, .print = getenv("LOOP_PRINT") != NULL};
  const char *why = gen_compare(&device, a, g, 0, NULL, &o);
  if (why) ck_abort_msg("%s: %.1500s", class_names[_i % 2], why);
  nc_arena_free(a);
}
END_TEST

// ---- Whole training steps

static NcGraph *mlp(NcArena *a, NcDiag *d) { return net_mlp(a, d, 16, true); }
static NcGraph *mlp_predict(NcArena *a, NcDiag *d) { return net_mlp(a, d, 3, false); }
static NcGraph *cnn(NcArena *a, NcDiag *d) { return net_cnn(a, d, 2, true); }
static NcGraph *gpt(NcArena *a, NcDiag *d) { return net_gpt_block(a, d, 2, 12, 32, 4, true); }
static NcGraph *resnet(NcArena *a, NcDiag *d) { return net_resnet_block(a, d, 2, 8, 10, true); }
static const struct { const char *name; NcGraph *(*build)(NcArena *, NcDiag *); } nets[] = {
  {"mlp", mlp}, {"mlp, inference", mlp_predict}, {"cnn", cnn}, {"gpt block", gpt}, {"resnet block", resnet}};
enum { NETS = sizeof nets / sizeof *nets };

START_TEST(training_step) {
  int n = _i / 4;
  if (skipped(nets[n].name)) return;
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  NcGraph *g = nets[n].build(a, d);
  ck_assert(g && !d->errors);
  const char *why = gen_compare(&device, a, g, 0, NULL, &(GenOptions){.cls = classes[_i % 2], .no_fuse = _i / 2 % 2,
                                .optimize = _i % 4 == 0, .loose = 60});
  if (why) ck_abort_msg("%s, %s: %.1500s", nets[n].name, class_names[_i % 2], why);
  nc_arena_free(a);
}
END_TEST

int main(void) {
  unsetenv("NACRE_DEBUG");                   // what is optimized is said with each case
  Suite *s = suite_create("gen");
  static const char *const names[] = {"operations", "composites", "training", "loops"};
  TCase *t[LENGTH(names)];
  for (int i = 0; i < LENGTH(names); i++) {
    t[i] = suite_case(s, names[i], NULL, NULL);
    tcase_add_unchecked_fixture(t[i], open_device, close_device);
  }
  tcase_add_loop_test(t[0], operations, 0, (op_case_count + TOGETHER - 1) / TOGETHER * 2);
  tcase_add_loop_test(t[1], composite, 0, COMPOSITES * WAYS * 2);
  tcase_add_loop_test(t[2], training_step, 0, NETS * 4);
  tcase_add_loop_test(t[3], loops, 0, 2);
  return suite_run(s, CK_NOFORK);
}
