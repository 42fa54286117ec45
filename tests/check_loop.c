// Loops: the same as their turns one after the other, in values, gradients and gradients of gradients; as text; and
// what the rules refuse.
#include <math.h>
#include <string.h>
#include "eval/eval.h"
#include "loops.h"
#include "passes/passes.h"
#include "suite.h"

typedef struct { NC_VEC(NcBinding) at; } Binds;

static Binds bind_all(const NcGraph *g) {
  Binds b = {0};
  for (int i = 0; i < g->node.n; i++)
    if (strcmp(g->node.at[i]->op->name, "input") == 0)
      *NC_PUSH(arena, b.at) = (NcBinding){nc_attr_str(g->node.at[i], "name"), loop_values(arena, g->node.at[i])};
  return b;
}

static double **run(NcGraph *g, const Binds *b) {
  NcEvalOptions o = {.arena = arena, .nbind = b->at.n, .bind = b->at.at, .seed = 11};
  double **v = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert_msg(nc_eval(g, diag, &o, v), "%s", messages(diag));
  return v;
}

static void near_all(const char *what, const NcNode *n, const double *a, const double *b, double tolerance) {
  for (int64_t i = 0; i < nc_count(n->type.shape); i++)
    ck_assert_msg(fabs(a[i] - b[i]) <= tolerance * fmax(1, fabs(b[i])), "%s, element %lld: %.12g and %.12g", what,
                  (long long)i, a[i], b[i]);
}

static LoopCase build(int i, bool unrolled) {
  LoopCase c = {.g = nc_graph_new(arena, diag, "g"), .unrolled = unrolled};
  loop_build(&c, i);
  for (int k = 0; k < c.nresult; k++) {
    ck_assert_msg(c.result[k] != NULL, "%s: %s", loop_cases[i], messages(diag));
    nc_graph_output(c.g, nc_sprintf(arena, "r%d", k), c.result[k]);
  }
  return c;
}

// Adds the loss's gradients as outputs; `twice`: those of a sum of squares of them too.
static void differentiate(LoopCase *c, const char *name, bool twice) {
  NcNode *d[8], *dd[8], *loss = loop_loss(c), *sum = NULL;
  ck_assert_msg(nc_grad(c->g, loss, c->ninput, c->input, d), "%s: %s", name, messages(diag));
  for (int k = 0; k < c->ninput; k++) {
    nc_graph_output(c->g, nc_sprintf(arena, "d%d", k), d[k]);
    int64_t axes[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    NcNode *square = nc_op2(c->g, NC_NOWHERE, "mul", d[k], d[k]);
    square = nc_reduce(c->g, NC_NOWHERE, "sum", square, d[k]->type.shape.rank, axes);
    sum = sum ? nc_op2(c->g, NC_NOWHERE, "add", sum, square) : square;
  }
  nc_graph_output(c->g, "loss", loss);
  if (!twice) return;
  ck_assert_msg(nc_grad(c->g, sum, c->ninput, c->input, dd), "%s: %s", name, messages(diag));
  for (int k = 0; k < c->ninput; k++) nc_graph_output(c->g, nc_sprintf(arena, "dd%d", k), dd[k]);
}

static void verified(const NcGraph *g, const char *name) {
  ck_assert_msg(nc_graph_verify(g, diag, "building"), "%s: %s", name, messages(diag));
}

START_TEST(as_if_unrolled) {
  const char *name = loop_cases[_i];
  LoopCase a = build(_i, false), b = build(_i, true);
  differentiate(&a, name, true);
  differentiate(&b, name, true);
  verified(a.g, name);
  verified(b.g, name);
  Binds v = bind_all(a.g);
  double **x = run(a.g, &v), **y = run(b.g, &v);
  for (int k = 0; k < a.g->output.n; k++) {
    const NcNode *n = nc_graph_find_output(b.g, a.g->output.at[k].name);
    near_all(nc_sprintf(arena, "%s, %s", name, a.g->output.at[k].name), n, x[a.g->output.at[k].node->id], y[n->id], 1e-9);
  }
}
END_TEST

START_TEST(gradients_by_differences) {
  const char *name = loop_cases[_i];
  LoopCase c = build(_i, false);
  differentiate(&c, name, false);
  Binds v = bind_all(c.g);
  double **at = run(c.g, &v);
  NcNode *loss = nc_graph_find_output(c.g, "loss");
  for (int k = 0; k < c.ninput; k++) {
    NcNode *d = nc_graph_find_output(c.g, nc_sprintf(arena, "d%d", k));
    double *x = NULL;
    for (int i = 0; i < v.at.n; i++)
      if (strcmp(v.at.at[i].name, nc_attr_str(c.input[k], "name")) == 0) x = (double *)v.at.at[i].value;
    int64_t count = nc_count(d->type.shape);
    for (int64_t i = 0; i < count; i += 1 + count / 12) {
      double was = x[i], h = 1e-5;
      x[i] = was + h;
      double up = *run(c.g, &v)[loss->id];
      x[i] = was - h;
      double down = *run(c.g, &v)[loss->id];
      x[i] = was;
      double numeric = (up - down) / (2 * h);
      ck_assert_msg(fabs(numeric - at[d->id][i]) <= 1e-6 * fmax(1, fabs(numeric)), "%s, toward %s, element %lld: %.9g, by "
                    "differences %.9g", name, nc_attr_str(c.input[k], "name"), (long long)i, at[d->id][i], numeric);
    }
  }
}
END_TEST

START_TEST(text_reads_back) {
  LoopCase c = build(_i, false);
  differentiate(&c, loop_cases[_i], false);
  NcBuf one = NC_BUF(arena), two = NC_BUF(arena);
  nc_graph_print(c.g, &one);
  NcGraph *again = nc_graph_read(arena, diag, "again", nc_buf_str(&one));
  ck_assert_msg(again != NULL, "%s: %s\n%s", loop_cases[_i], messages(diag), nc_buf_str(&one));
  verified(again, loop_cases[_i]);
  nc_graph_print(again, &two);
  ck_assert_str_eq(nc_buf_str(&one), nc_buf_str(&two));
}
END_TEST

// The gradient toward weights is one product after the loop, not a sum that is carried.
START_TEST(weights_are_summed_afterwards) {
  LoopCase c = build(2, false);
  differentiate(&c, "lstm", false);
  for (int i = 0; i < c.g->node.n; i++) {
    NcLoop l;
    if (!nc_loop_of(c.g->node.at[i], &l)) continue;
    for (int k = 0; k < l.ncarry; k++) ck_assert_int_eq(nc_count(nc_loop_type(&l, k).shape), 6);
  }
}
END_TEST

// ---- loops put in order

// As before; how many loops are left.
static int tidied(NcGraph *g, const char *name) {
  NcGraph *h = nc_loops_tidy(arena, g);
  ck_assert_msg(h != NULL, "%s: %s", name, messages(diag));
  verified(h, name);
  Binds v = bind_all(g);
  double **x = run(g, &v), **y = run(h, &v);
  int loops = 0;
  for (int k = 0; k < g->output.n; k++) {
    const NcNode *was = g->output.at[k].node, *is = nc_graph_find_output(h, g->output.at[k].name);
    near_all(nc_sprintf(arena, "%s, %s", name, g->output.at[k].name), is, y[is->id], x[was->id], 1e-12);
  }
  for (int i = 0; i < h->node.n; i++) loops += strcmp(h->node.at[i]->op->name, "loop") == 0;
  return loops;
}

START_TEST(in_order_as_before) {
  LoopCase c = build(_i, false);
  differentiate(&c, loop_cases[_i], false);
  tidied(c.g, loop_cases[_i]);
}
END_TEST

// Two that emit different things are one; two that take the same operands in different directions stay two.
START_TEST(what_becomes_one_loop) {
  LoopCase both = build(0, false), again = {.g = both.g};
  loop_build(&again, 1);
  nc_graph_output(both.g, "back", again.result[1]);
  ck_assert_int_eq(tidied(both.g, "both directions"), 2);
  LoopCase lstm = build(2, false);
  differentiate(&lstm, "lstm", false);
  int before = 0;
  for (int i = 0; i < lstm.g->node.n; i++) before += strcmp(lstm.g->node.at[i]->op->name, "loop") == 0;
  ck_assert_int_eq(before, 3);             // forward, forward once more with what the gradient wants, backward
  ck_assert_int_eq(tidied(lstm.g, "lstm"), 2);
}
END_TEST

START_TEST(wrong_loops_are_refused) {
  static const struct { const char *text, *why; } bad[] = {
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=4, reverse=0, body=graph b { %0 = input(){name=\"c0\"} : f32[2] "
     "output \"c0\" = %0 }}", "scanned in 4 turns"},
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=3, reverse=0, body=graph b { %0 = input(){name=\"x0\"} : f32[3] "
     "output \"c0\" = %0 }}", "the body's \"x0\" is f32[3]"},
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=3, reverse=0, body=graph b { %0 = input(){name=\"w1\"} : f32[2] "
     "output \"c0\" = %0 }}", "does not give"},
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=3, reverse=0, body=graph b { %0 = input(){name=\"w0\"} : f32[2,2] "
     "output \"c0\" = %0 }}", "carry 0 is f32[2], but the next one is f32[2,2]"},
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=3, reverse=0, body=graph b { %0 = input(){name=\"c0\"} : f32[2] "
     "output \"y0\" = %0 }}", "no output c0"},
    {"loop(%0, %1, %2){carries=9, scanned=1, trips=3, reverse=0, body=graph b { %0 = input(){name=\"c0\"} : f32[2] "
     "output \"c0\" = %0 }}", "fewer operands"},
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=0, reverse=0, body=graph b { %0 = input(){name=\"c0\"} : f32[2] "
     "output \"c0\" = %0 }}", "runs 0 times"},
    {"loop(%0, %1, %2){carries=1, scanned=1, trips=3, reverse=0, body=graph b { %0 = var(){name=\"v\", kind=\"param\"} : "
     "f32[2] output \"c0\" = %0 }}", "no variables"},
    {"loop_out(%0){index=0}", "a result of a loop"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    NcDiag *d = nc_diag_new(arena);
    const char *text = nc_sprintf(arena, "graph g { %%0 = input(){name=\"h\"} : f32[2] %%1 = input(){name=\"x\"} : f32[3,2] "
                                         "%%2 = input(){name=\"w\"} : f32[2,2] %%3 = %s : f32[] }", bad[i].text);
    ck_assert(!nc_graph_read(arena, d, "bad", text));
    ck_assert_msg(strstr(d->messages.at[0]->text, bad[i].why) != NULL, "%zu: %s", i, d->messages.at[0]->text);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("loop");
  TCase *t = suite_case(s, "loop", suite_open, suite_close);
  int n = 0;
  while (loop_cases[n]) n++;
  tcase_add_loop_test(t, as_if_unrolled, 0, n);
  tcase_add_loop_test(t, gradients_by_differences, 0, n);
  tcase_add_loop_test(t, text_reads_back, 0, n);
  tcase_add_test(t, weights_are_summed_afterwards);
  tcase_add_loop_test(t, in_order_as_before, 0, n);
  tcase_add_test(t, what_becomes_one_loop);
  tcase_add_test(t, wrong_loops_are_refused);
  return suite_run(s, CK_FORK_GETENV);
}
