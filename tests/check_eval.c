// The evaluator (reuse of arrays, bindings, rounding, random numbers) and the walk that makes gradients.
#include <math.h>
#include <string.h>
#include "eval/eval.h"
#include "ops/op.h"
#include "ops/rows.h"
#include "suite.h"

static NcGraph *g;

static void setup(void) {
  suite_open();
  g = nc_graph_new(arena, diag, "test");
}

#define HERE NC_NOWHERE
static NcType vec(int64_t n) { return (NcType){NC_F32, NC_SHAPE(n)}; }
static NcNode *input(const char *name, NcType t) { return nc_input(g, HERE, name, t); }
static NcNode *op1(const char *op, NcNode *a) { return nc_op1(g, HERE, op, a); }
static NcNode *op2(const char *op, NcNode *a, NcNode *b) { return nc_op2(g, HERE, op, a, b); }

static NcNode *total(NcNode *x) {
  const int64_t axes[] = {0, 1, 2, 3};
  return nc_reduce(g, HERE, "sum", x, x->type.shape.rank, axes);
}

static double **run(NcEvalOptions o) {
  double **value = NC_NEW_N(arena, double *, g->node.n);
  o.arena = arena;
  ck_assert(nc_eval(g, diag, &o, value));
  return value;
}

// ---- evaluation

START_TEST(only_roots_are_kept) {
  NcNode *x = input("x", vec(3)), *y = op1("exp", x), *z = op1("neg", y), *dead = op1("sin", x);
  NcNode *v = nc_var(g, HERE, "v", "state", vec(3)), *w = nc_assign(g, HERE, v, y);
  nc_graph_output(g, "z", z);
  const double xs[] = {0, 1, 2}, vs[] = {7, 8, 9};
  const NcBinding bind[] = {{"x", xs}, {"v", vs}};
  double **value = run((NcEvalOptions){.nbind = 2, .bind = bind});
  for (int i = 0; i < 3; i++) {
    ck_assert(value[z->id][i] == -exp(xs[i]));
    ck_assert(value[w->id][i] == exp(xs[i]));
  }
  ck_assert(!value[x->id] && !value[y->id] && !value[dead->id]);
  value = run((NcEvalOptions){.nbind = 2, .bind = bind, .keep = true});
  ck_assert(value[y->id] && value[v->id] && !value[dead->id]);
  ck_assert(value[v->id][0] == 7);   // what it held before
}
END_TEST

typedef struct { int calls, most; double sum; } Taken;

static bool take(void *user, const NcOutput *output, const double *value) {
  Taken *t = user;
  for (int i = 0; i < 3; i++) t->sum += value[i] * (output->name[0] == 'a' ? 1 : output->name[0] == 'b' ? 100 : 10000);
  return ++t->calls < t->most;
}

// Two names of one node, and one that is read again after it was handed out.
START_TEST(outputs_are_handed_out) {
  NcNode *x = input("x", vec(3)), *y = op1("neg", x), *z = op1("neg", nc_reshape(g, HERE, y, NC_SHAPE(3)));
  nc_graph_output(g, "a", y);
  nc_graph_output(g, "b", y);
  nc_graph_output(g, "c", z);
  const double xs[] = {1, 2, 4};
  const NcBinding bind[] = {{"x", xs}};
  Taken t = {.most = 9};
  double **value = run((NcEvalOptions){.nbind = 1, .bind = bind, .take = take, .user = &t});
  ck_assert_int_eq(t.calls, 3);
  ck_assert(t.sum == -7 - 700 + 70000);
  ck_assert(!value[y->id] && !value[z->id]);
  t = (Taken){.most = 2};
  ck_assert(!nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .nbind = 1, .bind = bind, .take = take, .user = &t}, value));
  ck_assert_int_eq(t.calls, 2);
}
END_TEST

// A long chain with sharing and reshapes: arrays are used again, and no value is overwritten while it is needed.
START_TEST(reuse_changes_nothing) {
  NcNode *x = input("x", (NcType){NC_F32, NC_SHAPE(20, 50)}), *a = x, *b = x;
  for (int i = 0; i < 40; i++) {
    NcNode *r = nc_reshape(g, HERE, nc_reshape(g, HERE, a, NC_SHAPE(1000)), NC_SHAPE(20, 50));
    NcNode *next = op2("add", op1("sin", r), op1("cos", nc_transpose(g, HERE, nc_transpose(g, HERE, b))));
    b = i % 3 ? a : op1("tanh", next);
    a = op2("sub", next, a);
    if (i % 10 == 0) nc_graph_output(g, nc_sprintf(arena, "%d", i), a);
  }
  nc_graph_output(g, "b", b);
  nc_graph_output(g, "flat", nc_reshape(g, HERE, a, NC_SHAPE(1000)));
  double xs[1000];
  for (int i = 0; i < 1000; i++) xs[i] = i * 0.01;
  const NcBinding bind = {"x", xs};
  double **kept = run((NcEvalOptions){.nbind = 1, .bind = &bind, .keep = true});
  double **reused = run((NcEvalOptions){.nbind = 1, .bind = &bind});
  for (int i = 0; i < g->output.n; i++) {
    int id = g->output.at[i].node->id;
    ck_assert(memcmp(kept[id], reused[id], 1000 * sizeof(double)) == 0);
  }
}
END_TEST

START_TEST(unbound) {
  nc_graph_output(g, "x", op1("exp", input("pixels", vec(3))));
  double *value[4];
  ck_assert(!nc_eval(g, diag, &(NcEvalOptions){.arena = arena}, value));
  ck_assert_ptr_nonnull(strstr(diag->messages.at[0]->text, "\"pixels\""));
}
END_TEST

START_TEST(rounds_to_types) {
  static const struct { NcDtype t; double v, r; } rows[] = {
    {NC_F32, 0.1, 0.1f}, {NC_F32, 1e39, INFINITY}, {NC_F32, -1e-50, -0.0},
    {NC_F16, 1 + 0x1p-11, 1}, {NC_F16, 1 + 3 * 0x1p-11, 1 + 0x1p-9}, {NC_F16, 65504, 65504}, {NC_F16, 65519, 65504},
    {NC_F16, 65520, INFINITY}, {NC_F16, -70000, -INFINITY}, {NC_F16, 0x1p-24, 0x1p-24}, {NC_F16, 0x1.8p-25, 0x1p-24},
    {NC_F16, 0x1p-25, 0}, {NC_F16, 0x1p-14 - 0x1p-25, 0x1p-14}, {NC_F16, 1000.3, 1000.5}, {NC_F16, NAN, NAN},
    {NC_BF16, 1 + 0x1p-8, 1}, {NC_BF16, 1 + 3 * 0x1p-8, 1 + 0x1p-6}, {NC_BF16, 0x1.fep127, 0x1.fep127},
    {NC_BF16, 0x1.ffp127, INFINITY}, {NC_BF16, 3.14159, 3.140625},
    {NC_I32, 2147483648.0, -2147483648.0}, {NC_I32, -2147483649.0, 2147483647.0}, {NC_I32, 4294967301.0, 5},
    {NC_I32, -1.7, -1},
    {NC_I32, NAN, 0}, {NC_I32, INFINITY, 0}, {NC_I64, 0x1p63, -0x1p63}, {NC_I64, 0x1p52 + 1, 0x1p52 + 1},
    {NC_U8, 256, 0}, {NC_U8, -1, 255}, {NC_U8, 300, 44}, {NC_BOOL, 0.5, 1}, {NC_BOOL, -0.0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double r = nc_round_to(rows[i].t, rows[i].v);
    ck_assert_msg(r == rows[i].r || (isnan(r) && isnan(rows[i].r)), "%s of %.17g: %.17g, not %.17g",
                  nc_dtype_name(rows[i].t), rows[i].v, r, rows[i].r);
    double again = nc_round_to(rows[i].t, r);
    ck_assert(again == r || isnan(r));
  }
}
END_TEST

START_TEST(rounding_each_node) {
  NcNode *x = input("x", vec(1)), *h = nc_cast(g, HERE, x, NC_F16), *y = op2("add", h, h);
  nc_graph_output(g, "y", y);
  nc_graph_output(g, "x", x);
  const double xs[] = {0.1};
  const NcBinding bind = {"x", xs};
  ck_assert(run((NcEvalOptions){.nbind = 1, .bind = &bind})[y->id][0] == 0.2);
  double **value = run((NcEvalOptions){.nbind = 1, .bind = &bind, .round = true});
  ck_assert(value[x->id][0] == (double)0.1f);
  ck_assert(value[y->id][0] == 2 * nc_round_to(NC_F16, 0.1));
}
END_TEST

START_TEST(random_numbers) {
  enum { N = 100000 };
  NcNode *step = input("step", (NcType){NC_I32, NC_SCALAR});
  NcNode *u = nc_random(g, HERE, "uniform", vec(N), 1, step, NULL), *z = nc_random(g, HERE, "normal", vec(N), 1, step, NULL);
  NcNode *other = nc_random(g, HERE, "normal", vec(N), 2, step, NULL);
  nc_graph_output(g, "u", u);
  nc_graph_output(g, "z", z);
  nc_graph_output(g, "other", other);
  ck_assert_ptr_eq(nc_random(g, HERE, "normal", vec(N), 1, step, NULL), z);   // the same numbers are one node
  const double one = 1, two = 2;
  const NcBinding first = {"step", &one}, second = {"step", &two};
  double **a = run((NcEvalOptions){.nbind = 1, .bind = &first, .seed = 5});
  double mean = 0, square = 0, same = 0, product = 0, sum = 0;
  for (int i = 0; i < N; i++) {
    ck_assert(a[u->id][i] > 0 && a[u->id][i] < 1);
    ck_assert((double)(float)a[u->id][i] == a[u->id][i]);
    sum += a[u->id][i] / N;
    mean += a[z->id][i] / N;
    square += a[z->id][i] * a[z->id][i] / N;
    product += a[z->id][i] * a[other->id][i] / N;
  }
  ck_assert(fabs(sum - 0.5) < 0.005 && fabs(mean) < 0.015 && fabs(square - 1) < 0.02 && fabs(product) < 0.015);
  double **b = run((NcEvalOptions){.nbind = 1, .bind = &second, .seed = 5});
  double **c = run((NcEvalOptions){.nbind = 1, .bind = &first, .seed = 5 + ((uint64_t)1 << 32)});
  double **d = run((NcEvalOptions){.nbind = 1, .bind = &first, .seed = 5});
  for (int i = 0; i < N; i++) same += (a[u->id][i] == b[u->id][i]) + (a[u->id][i] == c[u->id][i]);
  ck_assert(same < 10);   // another step, another seed: other numbers
  ck_assert(memcmp(a[u->id], d[u->id], N * sizeof(double)) == 0);
}
END_TEST

START_TEST(orthonormal) {
  static const int64_t sizes[][2] = {{1, 1}, {4, 4}, {3, 7}, {7, 3}, {30, 30}};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    int64_t r = sizes[k][0], c = sizes[k][1];
    NcType matrix = {NC_F32, NC_SHAPE(r, c)};
    NcNode *q = nc_orthogonal(g, HERE, nc_random(g, HERE, "normal", matrix, (int64_t)k, NULL, NULL));
    NcNode *t = nc_transpose(g, HERE, q), *unit = r <= c ? nc_matmul(g, HERE, q, t) : nc_matmul(g, HERE, t, q);
    nc_graph_output(g, "unit", unit);
    double **value = run((NcEvalOptions){.seed = 3});
    int64_t n = r < c ? r : c;
    for (int64_t i = 0; i < n * n; i++) ck_assert(fabs(value[unit->id][i] - (i % (n + 1) == 0)) < 1e-12);
  }
}
END_TEST

// ---- gradients: the walk

static double at(NcNode *n, const NcBinding *bind, int nbind, int i) {
  nc_graph_output(g, "it", n);
  return run((NcEvalOptions){.nbind = nbind, .bind = bind})[n->id][i];
}

START_TEST(a_value_used_often_sums_its_gradients) {   // x³ + x² + x by products
  NcNode *x = input("x", vec(1)), *xx = op2("mul", x, x), *dx;
  NcNode *y = total(op2("add", op2("add", op2("mul", xx, x), xx), x));
  ck_assert(nc_grad(g, y, 1, &x, &dx));
  const double two = 2;
  const NcBinding bind = {"x", &two};
  ck_assert(at(dx, &bind, 1, 0) == 3 * 4 + 2 * 2 + 1);
}
END_TEST

START_TEST(stopped_gradients) {   // x times a copy of itself that counts as a constant
  NcNode *x = input("x", vec(1)), *y = total(op2("mul", x, op1("stop_gradient", x))), *dx;
  ck_assert(nc_grad(g, y, 1, &x, &dx));
  const double three = 3;
  const NcBinding bind = {"x", &three};
  ck_assert(at(y, &bind, 1, 0) == 9 && at(dx, &bind, 1, 0) == 3);
}
END_TEST

START_TEST(higher_gradients) {   // d⁴/dx⁴ of x⁵
  NcNode *x = input("x", vec(1)), *five = nc_like(g, x, 5), *y = op2("pow", x, five);
  for (int i = 0; i < 4; i++) ck_assert(nc_grad(g, total(y), 1, &x, &y));
  const double v = 3;
  const NcBinding bind = {"x", &v};
  ck_assert(fabs(at(y, &bind, 1, 0) - 120 * 3.0) < 1e-9);
}
END_TEST

START_TEST(no_dependence_gives_zeros) {
  NcNode *x = input("x", vec(2)), *z = input("z", vec(3)), *loss = total(op1("exp", x));
  NcNode *later = input("later", vec(4));
  NcNode *through_int = nc_cast(g, HERE, nc_cast(g, HERE, z, NC_I32), NC_F32), *loss2;
  NcNode *wrt[] = {z, later}, *dx[2];
  ck_assert(nc_grad(g, loss, 2, wrt, dx));
  for (int k = 0; k < 2; k++) {
    ck_assert(nc_type_eq(dx[k]->type, wrt[k]->type));
    ck_assert(at(dx[k], NULL, 0, 0) == 0);
  }
  loss2 = op2("add", loss, total(through_int));
  ck_assert(nc_grad(g, loss2, 1, &z, dx));
  ck_assert(at(dx[0], NULL, 0, 2) == 0);
}
END_TEST

START_TEST(toward_inner_nodes) {   // both a node and what it is made of
  NcNode *x = input("x", vec(1)), *h = op1("exp", x), *y = total(op2("mul", h, h)), *wrt[] = {h, x, y}, *dx[3];
  ck_assert(nc_grad(g, y, 3, wrt, dx));
  const double half = 0.5;
  const NcBinding bind = {"x", &half};
  ck_assert(fabs(at(dx[0], &bind, 1, 0) - 2 * exp(0.5)) < 1e-14);
  ck_assert(fabs(at(dx[1], &bind, 1, 0) - 2 * exp(1)) < 1e-14);
  ck_assert(at(dx[2], NULL, 0, 0) == 1);
}
END_TEST

START_TEST(only_the_path_is_walked) {   // nothing is built for what the parameter does not reach
  NcNode *w = input("w", vec(3)), *x = input("x", vec(3)), *far = x;
  for (int i = 0; i < 50; i++) far = op1("tanh", far);
  NcNode *loss = total(op2("add", far, w)), *dw;
  int before = g->node.n;
  ck_assert(nc_grad(g, loss, 1, &w, &dw));
  ck_assert_int_le(g->node.n - before, 4);
}
END_TEST

START_TEST(gradients_keep_the_place) {
  NcNode *x = input("x", vec(3));
  NcRange range = {1, 14, 20};
  NcNode *loss = total(nc_op1(g, range, "tanh", x)), *dx;
  int before = g->node.n, placed = 0;
  ck_assert(nc_grad(g, loss, 1, &x, &dx));
  for (int i = before; i < g->node.n; i++) placed += g->node.at[i]->at.begin == 14;
  ck_assert_int_ge(placed, 3);
}
END_TEST

START_TEST(refusals) {
  NcNode *m = input("m", (NcType){NC_F32, NC_SHAPE(2, 2)}), *dx;
  ck_assert(!nc_grad(g, m, 1, &m, &dx));                                  // no scalar
  ck_assert(!nc_grad(g, total(nc_orthogonal(g, HERE, m)), 1, &m, &dx));   // no gradient
  NcNode *one = nc_const(g, HERE, NC_I32, 1);
  ck_assert(!nc_grad(g, one, 1, &m, &dx));                                // no float
  ck_assert_int_eq(diag->errors, 3);
  for (int i = 0; i < 3; i++) ck_assert_int_eq(diag->messages.at[i]->code, NC_E0210);
  ck_assert_ptr_nonnull(strstr(diag->messages.at[1]->text, "`orthogonal`"));
}
END_TEST

int main(void) {
  Suite *s = suite_create("eval");
  TCase *t = suite_case(s, "eval", setup, suite_close);
  tcase_add_test(t, only_roots_are_kept);
  tcase_add_test(t, outputs_are_handed_out);
  tcase_add_test(t, reuse_changes_nothing);
  tcase_add_test(t, unbound);
  tcase_add_test(t, rounds_to_types);
  tcase_add_test(t, rounding_each_node);
  tcase_add_test(t, random_numbers);
  tcase_add_test(t, orthonormal);
  t = suite_case(s, "grad", setup, suite_close);
  tcase_add_test(t, a_value_used_often_sums_its_gradients);
  tcase_add_test(t, stopped_gradients);
  tcase_add_test(t, higher_gradients);
  tcase_add_test(t, no_dependence_gives_zeros);
  tcase_add_test(t, toward_inner_nodes);
  tcase_add_test(t, only_the_path_is_walked);
  tcase_add_test(t, gradients_keep_the_place);
  tcase_add_test(t, refusals);
  return suite_run(s, CK_FORK_GETENV);
}
