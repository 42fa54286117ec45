// The families: each builds a graph whose inputs and variables get values by their name and type, and whose result
// the reference evaluator gives too. Sizes are odd, so that remainders are met, and few, so that all is soon done.
#include "train/families.h"
#include <string.h>
#include "base/map.h"
#include "compile.h"
#include "eval/eval.h"
#include "ops/op.h"

typedef void Build(NcGraph *g);
static const NcRange at;

static NcNode *in(NcGraph *g, const char *name, NcShape s) { return nc_input(g, at, name, (NcType){NC_F32, s}); }
static NcNode *of_type(NcGraph *g, const char *name, NcDtype t, NcShape s) {
  NcNode *x = nc_input(g, at, name, (NcType){t, s});
  return t == NC_F32 ? x : nc_cast(g, at, x, NC_F32);
}
static NcNode *index_of(NcGraph *g, NcShape s) { return nc_input(g, at, "i", (NcType){NC_I32, s}); }
static NcNode *add(NcGraph *g, NcNode *x, NcNode *y) { return nc_op2(g, at, "add", x, y); }
static NcNode *mul(NcGraph *g, NcNode *x, NcNode *y) { return nc_op2(g, at, "mul", x, y); }
static void out(NcGraph *g, NcNode *n) {
  if (n) nc_graph_output(g, "out", n);
}

// d sum(y * dy) / dx: an operation's gradient, with `dy` given.
static void gradient(NcGraph *g, NcNode *y, NcNode *x) {
  if (!y) return;
  NcNode *loss = mul(g, y, in(g, "dy", y->type.shape)), *dx;
  int64_t axes[NC_MAX_RANK];
  for (int i = 0; i < NC_MAX_RANK; i++) axes[i] = i;
  loss = nc_reduce(g, at, "sum", loss, y->type.shape.rank, axes);
  if (loss && nc_grad(g, loss, 1, &x, &dx)) out(g, dx);
}

static void map(NcGraph *g) {
  NcNode *x = in(g, "x", NC_SHAPE(37, 129));
  out(g, nc_op1(g, at, "tanh", add(g, x, mul(g, x, in(g, "y", x->type.shape)))));
}
static void types(NcGraph *g) {
  NcShape s = NC_SHAPE(301);
  NcNode *x = add(g, of_type(g, "half", NC_F16, s), of_type(g, "brain", NC_BF16, s));
  out(g, add(g, add(g, x, of_type(g, "byte", NC_U8, s)), of_type(g, "whole", NC_I32, s)));
}
static void movement(NcGraph *g) {
  NcNode *x = in(g, "x", NC_SHAPE(6, 8, 10));
  NcNode *r = nc_reshape(g, at, nc_permute(g, at, x, (int64_t[]){2, 0, 1}), NC_SHAPE(20, 24));
  NcNode *s = nc_slice(g, at, nc_op1(g, at, "exp", r), (int64_t[]){19, 2}, (int64_t[]){7, 6}, (int64_t[]){-3, 4});
  NcNode *p = nc_pad(g, at, s, (int64_t[]){1, -1}, (int64_t[]){2, 4}, 0.5);
  out(g, nc_op1(g, at, "neg", nc_concat(g, at, 2, (NcNode *[]){p, nc_op1(g, at, "sin", p)}, 1)));
}

static void reduce_of(NcGraph *g, NcShape s, const char *op, int64_t axis) {
  NcNode *x = in(g, "x", s);
  out(g, nc_reduce(g, at, op, mul(g, x, in(g, "y", s)), 1, &axis));
}
static void reduce(NcGraph *g) { reduce_of(g, NC_SHAPE(131, 67), "sum", 0); }
static void reduce_long(NcGraph *g) { reduce_of(g, NC_SHAPE(40013), "sum", 0); }
static void argmax(NcGraph *g) { reduce_of(g, NC_SHAPE(17, 101), "argmax", 1); }

static NcNode *spread(NcGraph *g, NcNode *r, NcNode *like) { return nc_broadcast(g, at, r, like->type.shape, (int64_t[]){0}); }
static void softmax(NcGraph *g) {
  NcNode *x = in(g, "x", NC_SHAPE(33, 101));
  int64_t last = 1;
  NcNode *e = nc_op1(g, at, "exp", nc_op2(g, at, "sub", x, spread(g, nc_reduce(g, at, "max", x, 1, &last), x)));
  out(g, nc_op2(g, at, "div", e, spread(g, nc_reduce(g, at, "sum", e, 1, &last), x)));
}

static void dot_of(NcGraph *g, int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  NcNode *x = in(g, "x", ta ? NC_SHAPE(k, m) : NC_SHAPE(m, k)), *y = in(g, "y", tb ? NC_SHAPE(n, k) : NC_SHAPE(k, n));
  NcNode *z = nc_dot(g, at, x, y, 0, NULL, NULL, 1, (int64_t[]){!ta}, (int64_t[]){tb});
  if (z) out(g, add(g, z, nc_broadcast(g, at, in(g, "b", NC_SHAPE(n)), z->type.shape, (int64_t[]){1})));
}
static void dot(NcGraph *g) { dot_of(g, 65, 47, 130, false, false); }
static void dot_ta(NcGraph *g) { dot_of(g, 65, 47, 130, true, false); }
static void dot_tb(NcGraph *g) { dot_of(g, 65, 47, 130, false, true); }
static void dot_tab(NcGraph *g) { dot_of(g, 65, 47, 130, true, true); }
static void dot_large(NcGraph *g) { dot_of(g, 512, 512, 512, false, true); }
static void dot_batch(NcGraph *g) {
  NcNode *x = in(g, "x", NC_SHAPE(2, 9, 3, 16)), *y = in(g, "y", NC_SHAPE(2, 11, 3, 16));
  out(g, nc_dot(g, at, x, y, 2, (int64_t[]){0, 2}, (int64_t[]){0, 2}, 1, (int64_t[]){3}, (int64_t[]){3}));
}

static const NcConv plain = {
  .spatial = 2, .groups = 1, .stride = {1, 1}, .lo = {1, 1}, .hi = {1, 1}, .dilation = {1, 1}, .dilate_x = {1, 1}};
static const NcConv strided = {
  .spatial = 2, .groups = 2, .stride = {2, 2}, .lo = {1, 1}, .hi = {0, 0}, .dilation = {1, 1}, .dilate_x = {1, 1}};
static NcNode *x_of_conv(NcGraph *g) { return in(g, "x", NC_SHAPE(3, 6, 13, 11)); }
static NcNode *w_of_conv(NcGraph *g, const NcConv *c) { return in(g, "w", NC_SHAPE(8, 6 / c->groups, 3, 3)); }
static void conv(NcGraph *g) { out(g, nc_conv(g, at, x_of_conv(g), w_of_conv(g, &plain), &plain)); }
static void conv_strided(NcGraph *g) { out(g, nc_conv(g, at, x_of_conv(g), w_of_conv(g, &strided), &strided)); }
static void conv_weights(NcGraph *g) {
  NcNode *w = w_of_conv(g, &plain);
  gradient(g, nc_conv(g, at, x_of_conv(g), w, &plain), w);
}
static void conv_input(NcGraph *g) {
  NcNode *x = x_of_conv(g);
  gradient(g, nc_conv(g, at, x, w_of_conv(g, &strided), &strided), x);
}

static const NcPool halves = {.spatial = 2, .window = {2, 2}, .stride = {2, 2}};
static const NcPool overlap = {.spatial = 2, .window = {3, 3}, .stride = {2, 1}, .lo = {1, 0}, .hi = {0, 1}};
static NcNode *x_of_pool(NcGraph *g) { return in(g, "x", NC_SHAPE(3, 5, 12, 10)); }
static void pool_max(NcGraph *g) { out(g, nc_pool(g, at, "max", x_of_pool(g), &halves)); }
static void pool_avg(NcGraph *g) { out(g, nc_pool(g, at, "avg", x_of_pool(g), &overlap)); }
static void pool_grad_of(NcGraph *g, const char *kind, const NcPool *p) {
  NcNode *x = x_of_pool(g);
  gradient(g, nc_pool(g, at, kind, x, p), x);
}
static void pool_grad(NcGraph *g) { pool_grad_of(g, "max", &halves); }
static void pool_grad_overlap(NcGraph *g) { pool_grad_of(g, "max", &overlap); }
static void pool_grad_avg(NcGraph *g) { pool_grad_of(g, "avg", &halves); }

static void gather(NcGraph *g) { out(g, nc_gather(g, at, in(g, "x", NC_SHAPE(9, 17)), index_of(g, NC_SHAPE(5, 3)), 0)); }
static void scatter(NcGraph *g) {      // many rows for each place
  out(g, nc_scatter_add(g, at, in(g, "x", NC_SHAPE(90, 17)), index_of(g, NC_SHAPE(90)), NC_SHAPE(11, 17), 0));
}
static void cumulative(NcGraph *g) { out(g, nc_cumulative(g, at, "sum", in(g, "x", NC_SHAPE(9, 117)), 1, false)); }
static void order(NcGraph *g) { out(g, nc_argsort(g, at, in(g, "x", NC_SHAPE(9, 117)), 1, true, 100)); }
static NcNode *attention_of(NcGraph *g, NcNode *q, NcNode *k) {
  return nc_attention(g, at, q, k, in(g, "v", NC_SHAPE(1, 2, 70, 12)), NULL, true, 0.25);
}
static NcNode *queries(NcGraph *g) { return in(g, "q", NC_SHAPE(1, 4, 37, 9)); }
static NcNode *keys(NcGraph *g) { return in(g, "k", NC_SHAPE(1, 2, 70, 9)); }
static void attention(NcGraph *g) { out(g, attention_of(g, queries(g), keys(g))); }
static void attention_q(NcGraph *g) {
  NcNode *q = queries(g);
  gradient(g, attention_of(g, q, keys(g)), q);
}
static void attention_kv(NcGraph *g) {
  NcNode *k = keys(g);
  gradient(g, attention_of(g, queries(g), k), k);
}
static void random_of(NcGraph *g, const char *dist) {
  out(g, nc_random(g, at, dist, (NcType){NC_F32, NC_SHAPE(19, 33)}, 7, nc_const(g, at, NC_I32, 3), NULL));
}
static void uniform(NcGraph *g) { random_of(g, "uniform"); }
static void normal(NcGraph *g) { random_of(g, "normal"); }

// Gradient descent with momentum over several parameters, which is one launch over packs. Each is a case: see `fetch`.
static void update(NcGraph *g) {
  static const int64_t sizes[] = {35, 1000, 3};
  static const char *const w[] = {"w0", "w1", "w2"}, *const m[] = {"m0", "m1", "m2"}, *const dw[] = {"d0", "d1", "d2"};
  for (int i = 0; i < 3; i++) {
    NcType t = {NC_F32, NC_SHAPE(sizes[i])};
    NcNode *p = nc_var(g, at, w[i], "param", t), *v = nc_var(g, at, m[i], "opt", t), *d = nc_input(g, at, dw[i], t);
    NcNode *next = add(g, mul(g, v, nc_like(g, v, 0.875)), d);
    nc_assign(g, at, v, next);
    nc_assign(g, at, p, nc_op2(g, at, "sub", p, mul(g, next, nc_like(g, next, 0.125))));
  }
}

// terms: how many products of numbers up to 4 a result may be the sum of. fetch: the variable to compare, else "out".
static const struct { const char *name; Build *build; double terms; const char *fetch; bool blast; } families[] = {
  {"map", map, 4}, {"map, element types", types, 4}, {"map, movement", movement, 4},
  {"reduce", reduce, 131}, {"reduce, long", reduce_long, 40013}, {"reduce, argmax", argmax, 1},
  {"row", softmax, 101},
  {"dot", dot, 130}, {"dot, a transposed", dot_ta, 130}, {"dot, b transposed", dot_tb, 130},
  {"dot, both transposed", dot_tab, 130}, {"dot, batched", dot_batch, 16}, {"dot, CLBlast", dot_large, 512, NULL, true},
  {"conv", conv, 54}, {"conv, strides and groups", conv_strided, 27}, {"conv, weights", conv_weights, 429},
  {"conv, input gradient", conv_input, 72},
  {"pool, max", pool_max, 1}, {"pool, average", pool_avg, 9},
  {"pool_grad", pool_grad, 4}, {"pool_grad, overlapping", pool_grad_overlap, 9}, {"pool_grad, average", pool_grad_avg, 4},
  {"gather", gather, 1}, {"scatter_add", scatter, 90}, {"cumulative", cumulative, 117},
  {"argsort", order, 1},
  {"attention", attention, 70}, {"attention, gradient of queries", attention_q, 140},
  {"attention, gradient of keys", attention_kv, 140},
  {"random, uniform", uniform, 1}, {"random, normal", normal, 8},
  {"update, first", update, 4, "w0"}, {"update, middle", update, 4, "w1"}, {"update, last", update, 4, "w2"},
  {"update, momentum", update, 4, "m1"},
};

int nc_families(void) { return (int)(sizeof families / sizeof *families); }
const char *nc_family_name(int i) { return families[i].name; }

// ---- values

// Floats between -2 and 2 without a pattern (so that maxima are unique and sums stay small), 16-bit floats from 0.5
// to 1, small whole numbers.
static void draw(const NcNode *n, double *v, void *raw) {
  const char *name = nc_attr_str(n, "name");
  uint64_t seed = nc_hash64(1, name, strlen(name));
  for (int64_t i = 0; i < nc_count(n->type.shape); i++) switch (n->type.dtype) {
    case NC_F32: v[i] = (double)(((float *)raw)[i] = (float)((double)(nc_hash64(seed, &i, sizeof i) >> 40) * 0x1p-22 - 2)); break;
    case NC_F16: v[i] = 0.5 + (double)(((uint16_t *)raw)[i] = (uint16_t)(0x3800 + i % 1024), i % 1024) / 2048; break;
    case NC_BF16: v[i] = 0.5 + (double)(((uint16_t *)raw)[i] = (uint16_t)(0x3f00 + i % 128), i % 128) / 256; break;
    case NC_I32: v[i] = ((int32_t *)raw)[i] = (int32_t)((i * 5 + i / 7 + 2) % 9); break;
    default: v[i] = ((uint8_t *)raw)[i] = (uint8_t)(i * 7 % 251); break;
  }
}

static bool has_step(const NcPlan *p, NcStepKind kind) {
  for (int i = 0; i < p->step.n; i++)
    if (p->step.at[i].kind == kind) return true;
  return false;
}

static bool has_buffer(const NcPlan *p, const char *name) {
  return nc_plan_find(p, NC_BUF_INPUT, name) >= 0 || nc_plan_find(p, NC_BUF_VAR, name) >= 0;
}

static const NcNode *wanted(const NcGraph *g, const char *fetch) {
  if (!fetch) return g->output.n ? g->output.at[0].node : NULL;
  for (int i = 0; i < g->effect.n; i++)
    if (strcmp(nc_attr_str(g->effect.at[i]->in[0], "name"), fetch) == 0) return g->effect.at[i];
  return NULL;
}

bool nc_family_case(void *user, NcArena *a, NcDiag *d, const NcTarget *t, int i, NcCase *c) {
  (void)user;
  c->name = families[i].name;
  NcGraph *g = nc_graph_new(a, d, families[i].name);
  families[i].build(g);
  const NcNode *want = wanted(g, families[i].fetch);
  if (!want) return nc_error(d, NC_E0901, NC_NOWHERE, "the graph of this family cannot be built"), false;
  NcFeed *feed = NC_NEW_N(a, NcFeed, g->node.n + 1);
  NcBinding *bind = NC_NEW_N(a, NcBinding, g->node.n + 1);
  int n = 0, feeds = 0;
  NcPlan *p = nc_compile(a, d, g, t, &(NcCompileOptions){.name = "doctor"});
  if (!p || (families[i].blast && !has_step(p, NC_STEP_GEMM))) return false;
  for (int k = 0; k < g->node.n; k++) {
    const NcNode *leaf = g->node.at[k];
    if (strcmp(leaf->op->name, "input") && strcmp(leaf->op->name, "var")) continue;
    double *v = NC_NEW_N(a, double, nc_count(leaf->type.shape));
    void *raw = nc_alloc(a, nc_type_bytes(leaf->type));
    draw(leaf, v, raw);
    bind[n++] = (NcBinding){nc_attr_str(leaf, "name"), v};
    if (has_buffer(p, bind[n - 1].name)) feed[feeds++] = (NcFeed){bind[n - 1].name, raw, nc_type_bytes(leaf->type)};
  }
  static const uint32_t seed[2];
  if (has_buffer(p, "seed")) feed[feeds++] = (NcFeed){"seed", seed, sizeof seed};
  double **value = NC_NEW_N(a, double *, g->node.n + 1);
  if (!nc_eval(g, d, &(NcEvalOptions){.arena = a, .nbind = n, .bind = bind}, value)) return false;
  // Rounding of a sum of that many terms: a few units in the last place of the largest partial sum.
  *c = (NcCase){families[i].name, p, feed, feeds, families[i].fetch ? families[i].fetch : "out", want->type.dtype,
                value[want->id], (size_t)nc_count(want->type.shape), 4 * families[i].terms * 0x1p-23, 0x1p-20, true};
  return true;
}
