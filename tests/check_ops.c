// Every operation: its values against ones worked out elsewhere, its gradient and the gradient of its gradient
// against finite differences of the evaluator, its refusals. No row can be without a case.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "op_cases.h"
#include "ops/rows.h"
#include "suite.h"

// ---- running a case

typedef struct {
  const OpCase *c;
  NcGraph *g;
  NcNode *in[CASE_OPERANDS], *out;
  double *value[7];
  NcBinding bind[16];
  int nbind;
} Bench;

static void bind(Bench *b, const char *name, const double *v) { b->bind[b->nbind++] = (NcBinding){name, v}; }

static void prepare(Bench *b, const OpCase *c) {
  memset(b, 0, sizeof *b);
  b->c = c;
  b->g = nc_graph_new(arena, diag, "case");
  b->out = case_build(b->g, c, b->in);
  ck_assert_msg(b->out, "%s: %s", case_name(arena, c), messages(diag));
  for (int k = 0; k < c->nin; k++) {
    b->value[k] = case_values(arena, c, k);
    bind(b, nc_sprintf(arena, "in%d", k), b->value[k]);
  }
  static const double leaf_value[] = {1.5, -2.5};
  if (!c->nin) bind(b, "in0", leaf_value);
}

static const double *run_node(Bench *b, NcNode *n, bool round) {
  NcEvalOptions o = {.arena = arena, .nbind = b->nbind, .bind = b->bind, .seed = CASE_SEED, .round = round};
  double **value = NC_NEW_N(arena, double *, b->g->node.n);
  nc_graph_output(b->g, "it", n);
  ck_assert_msg(nc_eval(b->g, diag, &o, value), "%s: %s", case_name(arena, b->c), messages(diag));
  return value[n->id];
}

static bool near(double a, double b, double tolerance) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  if (isinf(a) || isinf(b)) return a == b;
  return fabs(a - b) <= tolerance * fmax(1, fmax(fabs(a), fabs(b)));
}

START_TEST(values) {
  const OpCase *c = &op_cases[_i];
  Bench b;
  prepare(&b, c);
  if (!c->expect) return;
  ck_assert_msg(nc_count(b.out->type.shape) == c->nexpect, "%s: %s where %d values are expected", case_name(arena, c),
                nc_type_str(arena, b.out->type), c->nexpect);
  const double *v = run_node(&b, b.out, false);
  for (int i = 0; i < c->nexpect; i++)
    ck_assert_msg(near(v[i], c->expect[i], 1e-13), "%s: element %d is %.17g and not %.17g", case_name(arena, c), i,
                  v[i], c->expect[i]);
}
END_TEST

// ---- gradients

// The sum of x times fixed numbers, which makes a loss of anything.
static NcNode *weighed(Bench *b, NcNode *x, const char *name) {
  int64_t count = nc_count(x->type.shape), axes[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  double *w = NC_NEW_N(arena, double, count);
  for (int64_t i = 0; i < count; i++) w[i] = 0.3 + (double)(i * 7 % 11) / 11;
  bind(b, name, w);
  NcNode *weight = nc_input(b->g, NC_NOWHERE, name, x->type);
  return nc_reduce(b->g, NC_NOWHERE, "sum", nc_op2(b->g, NC_NOWHERE, "mul", x, weight), x->type.shape.rank, axes);
}

static bool differentiable(const Bench *b, int k) {
  return nc_dtype_float(b->in[k]->type.dtype) && !(b->c->skip >> k & 1);
}

static int gradients(Bench *b, NcNode *loss, NcNode **dx) {
  NcNode *wrt[7], *out[7];
  int n = 0, at = 0;
  for (int k = 0; k < b->c->nin; k++)
    if (differentiable(b, k)) wrt[n++] = b->in[k];
  ck_assert_msg(nc_grad(b->g, loss, n, wrt, out), "%s: %s", case_name(arena, b->c), messages(diag));
  for (int k = 0; k < b->c->nin; k++) dx[k] = differentiable(b, k) ? out[at++] : NULL;
  return n;
}

// d loss / d in[k], by central differences of the evaluator.
static void compare(Bench *b, NcNode *loss, int k, NcNode *dx, const char *what, double tolerance) {
  ck_assert(nc_type_eq(dx->type, b->in[k]->type));
  int64_t count = nc_count(b->in[k]->type.shape);
  const double *analytic = nc_memdup(arena, run_node(b, dx, false), (size_t)count * sizeof(double));
  double *x = b->value[k];
  for (int64_t i = 0; i < count; i++) {
    double at = x[i], h = 1e-5;
    x[i] = at + h;
    double up = *run_node(b, loss, false);
    x[i] = at - h;
    double down = *run_node(b, loss, false);
    x[i] = at;
    double numeric = (up - down) / (2 * h);
    ck_assert_msg(near(analytic[i], numeric, tolerance),
                  "%s: %s toward operand %d, element %lld: %.12g, by differences %.12g",
                  case_name(arena, b->c), what, k, (long long)i, analytic[i], numeric);
  }
}

START_TEST(gradient) {
  const OpCase *c = &op_cases[_i];
  if (c->no_grad) return;
  Bench b;
  NcNode *dx[7];
  prepare(&b, c);
  NcNode *loss = weighed(&b, b.out, "w0");
  ck_assert_msg(gradients(&b, loss, dx) > 0, "%s: nothing to differentiate", case_name(arena, c));
  for (int k = 0; k < c->nin; k++)
    if (dx[k]) compare(&b, loss, k, dx[k], "gradient", 1e-6);
  ck_assert_msg(nc_graph_verify(b.g, diag, "grad"), "%s: %s", case_name(arena, c), messages(diag));
}
END_TEST

START_TEST(gradient_of_gradient) {
  const OpCase *c = &op_cases[_i];
  if (c->no_grad) return;
  Bench b;
  NcNode *dx[7], *ddx[7], *loss2 = NULL;
  prepare(&b, c);
  gradients(&b, weighed(&b, b.out, "w0"), dx);
  for (int k = 0; k < c->nin; k++) {
    if (!dx[k]) continue;
    NcNode *part = weighed(&b, dx[k], nc_sprintf(arena, "w%d", k + 1));
    loss2 = loss2 ? nc_op2(b.g, NC_NOWHERE, "add", loss2, part) : part;
  }
  gradients(&b, loss2, ddx);
  for (int k = 0; k < c->nin; k++)
    if (ddx[k]) compare(&b, loss2, k, ddx[k], "second gradient", 1e-6);
}
END_TEST

// ---- completeness

START_TEST(every_operation_has_a_case) {
  for (int i = 0; nc_op_at(i); i++) {
    const NcOp *op = nc_op_at(i);
    bool expect = false, grad = false;
    if (op->kind == NC_CONTROL) continue;      // tests/check_loop.c has its cases
    for (int k = 0; k < op_case_count; k++) {
      if (strcmp(op_cases[k].op, op->name) != 0) continue;
      expect = expect || op_cases[k].expect;
      grad = grad || !op_cases[k].no_grad;
    }
    bool bound = op->kind == NC_LEAF && !op->eval;
    ck_assert_msg(expect || bound, "`%s` has no case with an expected result in tests/op_cases*.def", op->name);
    bool flows = op->vjp && op->vjp != nc_vjp_none;
    ck_assert_msg(grad || !flows, "`%s` has no case for its gradient in tests/op_cases*.def", op->name);
  }
  for (int k = 0; k < op_case_count; k++) ck_assert_msg(nc_op(op_cases[k].op), "no operation `%s`", op_cases[k].op);
}
END_TEST

START_TEST(rows_are_complete) {
  for (int i = 0; nc_op_at(i); i++) {
    const NcOp *op = nc_op_at(i);
    ck_assert_ptr_eq(nc_op(op->name), op);   // names are unique
    ck_assert(op->infer && op->doc && *op->doc);
    if (op->kind == NC_POINTWISE) ck_assert(op->opencl && op->eval && op->vjp && op->pure && op->flops > 0);
  }
  ck_assert_ptr_null(nc_op("no such"));
  ck_assert_ptr_null(nc_op_at(-1));
}
END_TEST

int main(void) {
  Suite *s = suite_create("ops");
  TCase *t = suite_case(s, "cases", suite_open, suite_close);
  tcase_add_loop_test(t, values, 0, op_case_count);
  tcase_add_loop_test(t, gradient, 0, op_case_count);
  tcase_add_loop_test(t, gradient_of_gradient, 0, op_case_count);
  t = suite_case(s, "registry", suite_open, suite_close);
  tcase_add_test(t, every_operation_has_a_case);
  tcase_add_test(t, rows_are_complete);
  return suite_run(s, CK_FORK_GETENV);
}
