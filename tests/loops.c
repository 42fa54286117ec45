#include "loops.h"
#include <string.h>

#define AT NC_NOWHERE
#define S(...) ((NcShape){sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}})

typedef struct { NcLoop l; NcGraph *body; NC_VEC(NcNode *) in; } Make;

static NcNode *input(LoopCase *c, const char *name, NcDtype t, NcShape s) {
  if (c->prefix) name = nc_sprintf(c->g->arena, "%s%s", c->prefix, name);
  NcNode *n = nc_input(c->g, AT, name, (NcType){t, s});
  if (nc_dtype_float(t)) c->input[c->ninput++] = n;
  return n;
}

static Make begin(LoopCase *c, int64_t trips, bool reverse) {
  return (Make){.l = {.trips = trips, .reverse = reverse}, .body = nc_graph_new(c->g->arena, c->g->diag, "body")};
}

static NcNode *leaf(Make *m, char role, int i, NcType t) {
  return nc_input(m->body, AT, nc_loop_name(m->body->arena, role, i), t);
}
static NcNode *turn(Make *m) { return nc_input(m->body, AT, "t", (NcType){NC_I32, NC_SCALAR}); }

// Operands come in the order carries, scanned, closed over.
static NcNode *carry(LoopCase *c, Make *m, NcNode *first) {
  *NC_PUSH(c->g->arena, m->in) = first;
  return leaf(m, 'c', m->l.ncarry++, first->type);
}
static NcNode *scanned(LoopCase *c, Make *m, NcNode *x) {
  *NC_PUSH(c->g->arena, m->in) = x;
  NcType t = {x->type.dtype, {.rank = x->type.shape.rank - 1}};
  for (int i = 0; i < t.shape.rank; i++) t.shape.dim[i] = x->type.shape.dim[i + 1];
  return leaf(m, 'x', m->l.nscanned++, t);
}
static NcNode *closed(LoopCase *c, Make *m, NcNode *w) {
  *NC_PUSH(c->g->arena, m->in) = w;
  return leaf(m, 'w', m->l.nclosed++, w->type);
}
static void next(Make *m, int i, NcNode *n) { nc_graph_output(m->body, nc_loop_name(m->body->arena, 'c', i), n); }
static void emit(Make *m, NcNode *n) { nc_graph_output(m->body, nc_loop_name(m->body->arena, 'y', m->l.nemit++), n); }

// The results in out; the loop itself, or its turns.
static void end(LoopCase *c, Make *m, NcGraph *g, NcNode **out) {
  m->l.body = m->body;
  if (c->unrolled) {
    if (!nc_loop_unroll(g, AT, &m->l, m->in.at, out)) out[0] = NULL;
    return;
  }
  NcNode *loop = nc_loop(g, AT, &m->l, m->in.at);
  for (int i = 0; i < m->l.ncarry + m->l.nemit; i++) out[i] = nc_loop_out(g, loop, i);
}

static void results(LoopCase *c, Make *m) {
  end(c, m, c->g, c->result);
  c->nresult = m->l.ncarry + m->l.nemit;
}

static NcNode *op1(NcNode *a, const char *op, NcGraph *g) { return nc_op1(g, AT, op, a); }
#define OP1(op, a) op1(a, op, m.body)
#define OP2(op, a, b) nc_op2(m.body, AT, op, a, b)

static void recurrent(LoopCase *c, bool reverse) {
  Make m = begin(c, 5, reverse);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(2, 3))), *x = scanned(c, &m, input(c, "x", NC_F32, S(5, 2, 3)));
  NcNode *w = closed(c, &m, input(c, "w", NC_F32, S(3, 3)));
  NcNode *b = closed(c, &m, input(c, "b", NC_F32, S(3)));
  NcNode *sum = OP2("add", x, nc_matmul(m.body, AT, h, w));
  NcNode *h1 = OP1("tanh", OP2("add", sum, nc_broadcast(m.body, AT, b, sum->type.shape, (int64_t[]){1})));
  next(&m, 0, h1);
  emit(&m, h1);
  results(c, &m);
}
static void forth(LoopCase *c) { recurrent(c, false); }
static void back(LoopCase *c) { recurrent(c, true); }

static NcNode *part(NcGraph *g, NcNode *x, int64_t from, int64_t n) {
  return nc_slice(g, AT, x, (int64_t[]){0, from}, (int64_t[]){x->type.shape.dim[0], n}, (int64_t[]){1, 1});
}

static void lstm(LoopCase *c) {
  Make m = begin(c, 4, false);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(2, 3))), *s = carry(c, &m, input(c, "c", NC_F32, S(2, 3)));
  NcNode *x = scanned(c, &m, input(c, "x", NC_F32, S(4, 2, 12))), *w = closed(c, &m, input(c, "w", NC_F32, S(12, 3)));
  NcNode *z = OP2("add", x, nc_matmul(m.body, AT, h, nc_transpose(m.body, AT, w)));
  NcNode *i = OP1("sigmoid", part(m.body, z, 0, 3)), *f = OP1("sigmoid", part(m.body, z, 3, 3));
  NcNode *g = OP1("tanh", part(m.body, z, 6, 3)), *o = OP1("sigmoid", part(m.body, z, 9, 3));
  NcNode *s1 = OP2("add", OP2("mul", f, s), OP2("mul", i, g)), *h1 = OP2("mul", o, OP1("tanh", s1));
  next(&m, 0, h1);
  next(&m, 1, s1);
  emit(&m, h1);
  results(c, &m);
}

// Two layers, each with a product of its own: what is packed before the first turn lies at two places.
static void two_products(LoopCase *c) {
  Make m = begin(c, 4, false);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(4, 8))), *g = carry(c, &m, input(c, "g", NC_F32, S(4, 8)));
  NcNode *x = scanned(c, &m, input(c, "x", NC_F32, S(4, 4, 8)));
  NcNode *w = closed(c, &m, input(c, "w", NC_F32, S(8, 8))), *v = closed(c, &m, input(c, "v", NC_F32, S(8, 8)));
  NcNode *h1 = OP1("tanh", OP2("add", x, nc_matmul(m.body, AT, h, w)));
  NcNode *g1 = OP1("tanh", OP2("add", h1, nc_matmul(m.body, AT, g, v)));
  next(&m, 0, h1);
  next(&m, 1, g1);
  emit(&m, g1);
  results(c, &m);
}

// The turn, whole numbers, and values that trade places.
static void counting(LoopCase *c) {
  Make m = begin(c, 6, false);
  NcNode *n = carry(c, &m, input(c, "n", NC_I32, NC_SCALAR));
  NcNode *a = carry(c, &m, input(c, "a", NC_F32, S(4))), *b = carry(c, &m, input(c, "b", NC_F32, S(4)));
  NcNode *table = closed(c, &m, input(c, "table", NC_F32, S(6, 4)));
  NcNode *row = nc_gather(m.body, AT, table, turn(&m), 0), *t = nc_cast(m.body, AT, turn(&m), NC_F32);
  NcNode *t4 = nc_broadcast(m.body, AT, t, S(4), NULL);
  next(&m, 0, OP2("add", n, turn(&m)));
  next(&m, 1, b);
  next(&m, 2, OP2("add", OP2("mul", a, row), t4));
  emit(&m, row);
  emit(&m, n);
  results(c, &m);
}

static void random_numbers(LoopCase *c) {
  Make m = begin(c, 5, true);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(21)));      // vectors, and a rest
  NcNode *u = nc_random(m.body, AT, "normal", (NcType){NC_F32, S(21)}, 3, NULL, turn(&m));
  NcNode *h1 = OP2("mul", h, u);
  next(&m, 0, h1);
  emit(&m, u);
  emit(&m, nc_random(m.body, AT, "uniform", (NcType){NC_F32, S(40)}, 4, NULL, turn(&m)));      // whole blocks of four
  results(c, &m);
}

// Rows of a matrix; in each, the elements of the row.
static void nested(LoopCase *c) {
  Make m = begin(c, 3, false);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(2))), *row = scanned(c, &m, input(c, "x", NC_F32, S(3, 4, 2)));
  NcNode *w = closed(c, &m, input(c, "w", NC_F32, S(2, 2)));
  LoopCase inside = {.g = m.body, .unrolled = c->unrolled};
  Make k = begin(&inside, 4, true);
  NcNode *s = carry(&inside, &k, h), *e = scanned(&inside, &k, row), *v = closed(&inside, &k, w);
  NcNode *s2 = nc_reshape(k.body, AT, s, S(1, 2));
  s2 = nc_reshape(k.body, AT, nc_matmul(k.body, AT, s2, v), S(2));
  NcNode *next_s = nc_op1(k.body, AT, "tanh", nc_op2(k.body, AT, "add", s2, e)), *out[2];
  next(&k, 0, next_s);
  emit(&k, nc_op2(k.body, AT, "mul", next_s, e));
  end(&inside, &k, m.body, out);
  next(&m, 0, out[0]);
  emit(&m, out[1]);
  results(c, &m);
}

// Weights that are read by indices, and a convolution: sums over turns that are not products of matrices.
static void others(LoopCase *c) {
  Make m = begin(c, 3, false);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(2, 2, 5)));
  NcNode *i = scanned(c, &m, input(c, "i", NC_I32, S(3, 2)));
  NcNode *table = closed(c, &m, input(c, "table", NC_F32, S(4, 5))), *w = closed(c, &m, input(c, "w", NC_F32, S(2, 2, 3)));
  NcNode *scale = closed(c, &m, input(c, "scale", NC_F32, S(5)));
  NcConv conv = {.spatial = 1, .groups = 1, .stride = {1}, .lo = {1}, .hi = {1}, .dilation = {1}, .dilate_x = {1}};
  NcNode *y = nc_conv(m.body, AT, h, w, &conv), *picked = nc_gather(m.body, AT, table, i, 0);
  NcShape s = y->type.shape;
  y = OP2("add", y, nc_broadcast(m.body, AT, picked, s, (int64_t[]){0, 2}));
  y = OP1("tanh", OP2("mul", y, nc_broadcast(m.body, AT, scale, s, (int64_t[]){2})));
  next(&m, 0, y);
  results(c, &m);
}

// The running product, and one carry that stays, one that nothing reads.
static void products(LoopCase *c) {
  Make m = begin(c, 4, false);
  NcNode *p = carry(c, &m, input(c, "p", NC_F32, S(3))), *stays = carry(c, &m, input(c, "stays", NC_F32, S(3)));
  carry(c, &m, input(c, "unread", NC_F32, S(2)));
  NcNode *x = scanned(c, &m, input(c, "x", NC_F32, S(4, 3))), *y = scanned(c, &m, input(c, "y", NC_F32, S(4, 2)));
  next(&m, 0, OP2("mul", OP2("mul", p, x), stays));
  next(&m, 1, stays);
  next(&m, 2, y);
  emit(&m, p);
  results(c, &m);
}

// Rows that have nothing to do with each other: products, norms and sums of a row, a memory of each row's own, what all share.
static void rows(LoopCase *c) {
  enum { R = 12, D = 6 };
  Make m = begin(c, 5, true);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(R, D))), *n = carry(c, &m, input(c, "n", NC_F32, S(1, R)));
  NcNode *x = scanned(c, &m, input(c, "x", NC_F32, S(5, R, D))), *all = scanned(c, &m, input(c, "all", NC_F32, S(5, D)));
  NcNode *w = closed(c, &m, input(c, "w", NC_F32, S(D, D))), *own = closed(c, &m, input(c, "own", NC_F32, S(R, 2, D)));
  const NcShape s = S(R, D), pairs = S(R, 2, D / 2);
  NcNode *z = OP2("add", x, nc_matmul(m.body, AT, h, nc_transpose(m.body, AT, w)));
  NcNode *mean = OP2("mul", nc_reduce(m.body, AT, "sum", z, 1, (int64_t[]){1}),
      nc_like(m.body, nc_reduce(m.body, AT, "sum", z, 1, (int64_t[]){1}), 1.0 / D));
  z = OP2("sub", z, nc_broadcast(m.body, AT, mean, s, (int64_t[]){0}));
  NcNode *scores = nc_dot(m.body, AT, z, own, 1, (int64_t[]){0}, (int64_t[]){0}, 1, (int64_t[]){1}, (int64_t[]){2});
  NcNode *read = nc_dot(m.body, AT, OP1("sigmoid", scores), own, 1, (int64_t[]){0}, (int64_t[]){0}, 1, (int64_t[]){1}, (int64_t[]){1});
  NcNode *turned = nc_permute(m.body, AT, nc_reshape(m.body, AT, read, pairs), (int64_t[]){1, 0, 2});
  turned = nc_reshape(m.body, AT, nc_permute(m.body, AT, turned, (int64_t[]){1, 0, 2}), s);
  NcNode *halves[] = {part(m.body, z, 3, 3), nc_pad(m.body, AT, part(m.body, turned, 0, 2), (int64_t[]){0, 1}, (int64_t[]){0, 0}, 0.5)};
  NcNode *h1 = OP1("tanh", OP2("add", nc_concat(m.body, AT, 2, halves, 1), nc_broadcast(m.body, AT, all, s, (int64_t[]){1})));
  h1 = OP2("add", h1, OP2("mul", nc_like(m.body, h1, 0.01), nc_cast(m.body, AT, nc_iota(m.body, AT, (NcType){NC_I32, s}, 1), NC_F32)));
  next(&m, 0, h1);
  next(&m, 1, OP2("add", n, nc_reshape(m.body, AT, mean, S(1, R))));
  emit(&m, scores);
  emit(&m, nc_reshape(m.body, AT, h1, S(R * 2, D / 2)));
  results(c, &m);
}

// Rows that are summed over, and read one by another: no slice of them can go through the turns alone.
static void mixed(LoopCase *c, bool turned) {
  enum { R = 12 };
  Make m = begin(c, 3, false);
  NcNode *h = carry(c, &m, input(c, "h", NC_F32, S(R, 2))), *w = closed(c, &m, input(c, "w", NC_F32, S(R, R)));
  NcNode *to = turned ? nc_matmul(m.body, AT, w, h) : nc_broadcast(m.body, AT,
      nc_reduce(m.body, AT, "sum", h, 1, (int64_t[]){0}), S(R, 2), (int64_t[]){1});
  next(&m, 0, OP1("tanh", to));
  results(c, &m);
}
static void mixed_by_product(LoopCase *c) { mixed(c, true); }
static void mixed_by_sum(LoopCase *c) { mixed(c, false); }

static const struct { const char *name; void (*build)(LoopCase *c); } cases[] = {
  {"recurrent", forth}, {"recurrent, backward", back}, {"lstm", lstm}, {"counting", counting},
  {"random", random_numbers}, {"nested", nested}, {"gather and conv", others}, {"products", products},
  {"two products", two_products}, {"rows apart", rows}, {"rows mixed by a product", mixed_by_product}, {"rows mixed by a sum", mixed_by_sum}};
enum { CASES = sizeof cases / sizeof *cases };
const char *const loop_cases[] = {"recurrent", "recurrent, backward", "lstm", "counting", "random", "nested",
                                  "gather and conv", "products", "two products", "rows apart", "rows mixed by a product",
                                  "rows mixed by a sum", NULL};

void loop_build(LoopCase *c, int i) {
  c->ninput = c->nresult = 0;
  cases[i].build(c);
}

double *loop_values(NcArena *a, const NcNode *n) {
  const char *name = nc_attr_str(n, "name");
  int64_t count = nc_count(n->type.shape);
  double *v = NC_NEW_N(a, double, count);
  uint64_t state = nc_hash64(9, name, strlen(name));
  for (int64_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double unit = (double)(state >> 40) * 0x1p-24;
    v[i] = nc_dtype_float(n->type.dtype) ? (double)(float)(unit * 1.6 - 0.8) : (double)(int)(unit * 4);
  }
  return v;
}

NcNode *loop_loss(LoopCase *c) {
  NcNode *loss = NULL;
  for (int i = 0; i < c->nresult; i++) {
    NcNode *r = c->result[i];
    if (!nc_dtype_float(r->type.dtype)) continue;
    int64_t axes[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    NcNode *place = r->type.shape.rank ? nc_iota(c->g, AT, (NcType){NC_F32, r->type.shape}, r->type.shape.rank - 1) : NULL;
    NcNode *weighed = nc_op2(c->g, AT, "mul", r, nc_op1(c->g, AT, "cos", nc_op2(c->g, AT, "add", r, place ? place : r)));
    NcNode *sum = nc_reduce(c->g, AT, "sum", weighed, r->type.shape.rank, axes);
    loss = loss ? nc_op2(c->g, AT, "add", loss, sum) : sum;
  }
  return loss;
}
