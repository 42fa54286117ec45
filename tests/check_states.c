// States that change inside of a scan: every turn finds what the turn before left. The oracle is the same network with the calls
// written one after the other, by `repeat`: losses, weights and states after some steps of training are the same numbers.
#include <math.h>
#include "elab_run.h"
#include "ops/loop.h"
#include "ops/op.h"
#include "suite.h"

#define LAYERS \
  "nn 1\n" \
  "layer counter()(x: f32[S...]) -> f32[S...] {\n  state n: i32[] = zeros\n  update n = n + 1\n  x * 0.9 + 0.01 * f32(n)\n}\n" \
  "layer follow(rate: float)(x: f32[B, D], h: f32[B, D]) -> f32[B, D] {\n" /* a gradient passes through its state */ \
  "  state s: f32[D] = ones\n  state idle: f32[D] = fill[D](0.7)\n  update s = rate * s + mean(tanh(x * h), axis = 0)\n" \
  "  tanh((x |> dense(D) as in) * s) + h * idle\n}\n" \
  "layer normed(units: int)(x: f32[B, D], h: f32[B, U]) -> f32[B, units] {\n" \
  "  (x |> dense(units)) + (h |> dense(units, bias = false) as back) |> batch_norm |> tanh\n}\n" \
  "data points { source = spiral(n = 64); split = (train = 0.5, valid = 0.5) }\n"
#define MODEL(body) "model net(x: f32[B, 2]) -> f32[B, 2] {\n  " body "\n}\n"
#define TRAIN(more) "train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.3); batch = 4; steps = 9" more " }\n"

static NcProgram *good(const char *text) {
  NcProgramOptions o = {.name = "file.nn", .text = text, .size = strlen(text), .hooks = {.describe = describe_some}};
  NcProgram *p = nc_program(arena, diag, &o);
  ck_assert_msg(p != NULL, "%s", messages(diag));
  return p;
}

static int changes(const NcGraph *g, const char *path) {
  int n = 0;
  for (int i = 0; i < g->effect.n; i++) n += strcmp(nc_attr_str(g->effect.at[i]->in[0], "name"), path) == 0;
  return n;
}

// Nothing that stood for a value while the scan was evaluated is left in a graph, or in the body of a loop.
static void is_whole(const NcGraph *g) {
  NcLoop l;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    ck_assert_msg(strcmp(n->op->name, "input") != 0 || strncmp(nc_attr_str(n, "name"), "scan ", 5) != 0, "%s reads %s", g->name,
                  nc_attr_str(n, "name"));
    if (nc_loop_of(n, &l)) is_whole(l.body);
  }
}

// Carries of the first loop; 0 where there is none.
static int carries(const NcGraph *g) {
  NcLoop l;
  for (int i = 0; i < g->node.n; i++)
    if (nc_loop_of(g->node.at[i], &l)) return l.ncarry;
  return 0;
}

static Binds start(const NcProgram *p) {
  Binds b = {0};
  ck_assert(bind_outputs(arena, diag, p->init, &b));
  double *x = NC_NEW_N(arena, double, 8), *label = NC_NEW_N(arena, double, 4);
  for (int i = 0; i < 8; i++) x[i] = sin(1.3 * i + 0.4);
  for (int i = 0; i < 4; i++) label[i] = i % 2;
  bind_value(arena, &b, "x", x);
  bind_value(arena, &b, "label", label);
  return b;
}

static double step(const NcGraph *g, Binds *b, int i) {
  double loss = run_step(arena, diag, g, b, i);
  ck_assert_msg(!diag->errors, "%s", messages(diag));
  return loss;
}

// ---- a scan, and its turns one after the other

typedef struct { const char *scan, *calls; } Row;
static const Row rows[] = {
  {MODEL("let c = normed(2)\n  scan k in range(6) with h = x { next c(x * (1 + 0.3 * f32(k)), h) }"),
   MODEL("let c = normed(2)\n  repeat k < 6 with h = x { c(x * (1 + 0.3 * k), h) }")},
  {MODEL("let c = normed(2)\n  scan k in range(3) with h = x { next c(x * (1 + 0.3 * f32(k)), h) }"),
   MODEL("let c = normed(2)\n  repeat k < 3 with h = x { c(x * (1 + 0.3 * k), h) }")},
  {MODEL("let c = follow(0.5)\n  scan k in range(6) with h = x { next c(x * (1 + 0.3 * f32(k)), h) }"),
   MODEL("let c = follow(0.5)\n  repeat k < 6 with h = x { c(x * (1 + 0.3 * k), h) }")},
  {MODEL("let c = follow(0.5)\n  mean(scan k in range(6) reverse true with h = x { let y = c(x * (1 + 0.3 * f32(k)), "
      "h); next y emit y + f32(k) }, axis = 0)"),
   MODEL("let c = follow(0.5)\n  let (h, s) = repeat k < 6 with h = x, s = 0 * x { let y = c(x * (1 + 0.3 * (5 - k)), "
       "h); (y, s + y + (5 - k)) }\n  s / 6")},
  // a loop within a loop, of few turns and of many; the inner one's state and the outer one's
  {MODEL("let c = follow(0.5)\n  let n = counter()\n  scan k in range(5) with h = x { next n(scan j in range(6) with "
      "g = h { next c(x + 0.1 * f32(j), g) }) }"),
   MODEL("let c = follow(0.5)\n  let n = counter()\n  repeat k < 5 with h = x { n(repeat j < 6 with g = h { c(x + 0.1 * j, g) }) }")},
  {MODEL("let n = counter()\n  scan k in range(7) with h = x { next n(scan j in range(2) with g = h { next n(g) + 0.1 "
      "* f32(j) }) |> dense(2) as out }"),
   MODEL("let n = counter()\n  let out = dense(2)\n  repeat k < 7 with h = x { out(n(repeat j < 2 with g = h { n(g) + 0.1 * j })) }")},
  // twice in a turn; before, in and behind a loop; two loops
  {MODEL("let c = normed(2)\n  scan k in range(6) with h = x { let y = c(x, h + 0.1 * f32(k)); next c(y, h) }"),
   MODEL("let c = normed(2)\n  repeat k < 6 with h = x { let y = c(x, h + 0.1 * k); c(y, h) }")},
  {MODEL("let c = follow(0.9)\n  let y = c(x, x)\n  let z = scan k in range(6) with h = y { next c(x, h) }\n  c(x, z)"),
   MODEL("let c = follow(0.9)\n  let y = c(x, x)\n  let z = repeat k < 6 with h = y { c(x, h) }\n  c(x, z)")},
  {MODEL("let c = follow(0.9)\n  let y = scan k in range(6) with h = x { next c(x, h) }\n  scan k in range(5) with h = y { next c(h, h) }"),
   MODEL("let c = follow(0.9)\n  let y = repeat k < 6 with h = x { c(x, h) }\n  repeat k < 5 with h = y { c(h, h) }")},
  // layers of their own in the turns of a `repeat`
  {MODEL("repeat i < 2 with h = x { scan k in range(6) with g = h { next normed(2)(x, g) } }"),
   MODEL("repeat i < 2 with h = x { let normed = normed(2)\n repeat k < 6 with g = h { normed(x, g) } }")},
  // a gradient inside of the turn
  {MODEL("let c = follow(0.5)\n  scan k in range(6) with h = tanh(x) { let y = c(x, h); next grad(sum(cos(y)), h) + y }"),
   MODEL("let c = follow(0.5)\n  repeat k < 6 with h = tanh(x) { let y = c(x, h); grad(sum(cos(y)), h) + y }")},
};

static Binds trained(const char *model, NcProgram **p, double *loss) {
  *p = good(nc_sprintf(arena, "%s%s%s", LAYERS, model, TRAIN("")));
  is_whole((*p)->step);
  Binds b = start(*p);
  for (int i = 0; i < 3; i++) loss[i] = step((*p)->step, &b, i);
  return b;
}

START_TEST(turns_are_calls_one_after_the_other) {
  NcProgram *p, *q;
  double got[3], want[3];
  Binds a = trained(rows[_i].scan, &p, got), b = trained(rows[_i].calls, &q, want);
  for (int i = 0; i < 3; i++) ck_assert_double_eq_tol(got[i], want[i], 1e-12);
  ck_assert_int_eq(p->variable.n, q->variable.n);
  for (int i = 0; i < p->variable.n; i++) {
    const NcVariable *v = &p->variable.at[i];
    const double *x = value_named(&a, v->path), *y = value_named(&b, v->path);
    ck_assert_msg(x && y, "%s is missing", v->path);
    for (int64_t k = 0; k < nc_count(v->type.shape); k++) ck_assert_double_eq_tol(x[k], y[k], 1e-9);
    ck_assert_int_eq(changes(p->step, v->path), changes(q->step, v->path));
  }
}
END_TEST

// ---- a state of the layer that holds the loop

#define COUNTS MODEL("state n: i32[] = zeros\n  let y = scan k in range(%d) with h = 0.0 {\n    update n = n + 1\n    next h + f32(n)\n" \
                     "  }\n  (x |> dense(2)) * 0 + y + 1000 * f32(n)")
#define SUM "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); batch = 4; steps = 9%s }\n"

// Behind its `update` it reads as when the turn began, and behind the loop as before the loop.
START_TEST(a_turn_reads_what_the_one_before_left) {
  static const int turns[] = {3, 6};
  int n = turns[_i];
  NcProgram *p = good(nc_sprintf(arena, LAYERS COUNTS SUM, n, ""));
  Binds b = start(p);
  ck_assert_double_eq(step(p->step, &b, 0), n * (n - 1) / 2.0);
  ck_assert_double_eq(*value_named(&b, "net.n"), n);
  ck_assert_double_eq(step(p->step, &b, 1), 1000 * n + n * n + n * (n - 1) / 2.0);
  ck_assert_double_eq(*value_named(&b, "net.n"), 2 * n);
  ck_assert_double_eq(*output_of(arena, diag, p->eval, &b, "loss"), 2000 * n + 2.0 * n * n);
}
END_TEST

START_TEST(inner_and_outer_turns_count) {
  NcProgram *p = good(nc_sprintf(arena, LAYERS MODEL("state n: i32[] = zeros\n  let y = scan k in range(5) with h = 0.0 {\n"
    "    let g = scan j in range(6) with g = 0.0 { update n = n + 10; next g + f32(n) }\n    update n = n + 1\n    next h + g\n  }\n"
    "  (x |> dense(2)) * 0 + y") SUM, ""));
  Binds b = start(p);
  // `update n = n + 1` reads n as the outer turn began, so that the inner loop's additions are left behind
  double want = 0;
  for (int k = 0; k < 5; k++)
    for (int j = 0; j < 6; j++) want += k + 10 * j;
  ck_assert_double_eq(step(p->step, &b, 0), want);
  ck_assert_double_eq(*value_named(&b, "net.n"), 5);
}
END_TEST

// ---- where nothing changes

#define CELL MODEL("let c = follow(0.5)\n  scan k in range(6) with h = x { next c(x, h) }")

START_TEST(only_training_changes_it) {
  NcProgram *p = good(LAYERS CELL TRAIN(""));
  ck_assert_int_eq(changes(p->step, "net.c.s"), 1);
  ck_assert_int_eq(changes(p->step, "net.c.idle"), 0);
  ck_assert_int_eq(carries(p->step), 2);          // h and s: what stays as it was is closed over
  const NcGraph *others[] = {p->eval, p->predict};
  for (int i = 0; i < 2; i++) {
    is_whole(others[i]);
    ck_assert_int_eq(others[i]->effect.n, 0);
    ck_assert_int_eq(carries(others[i]), 1);
  }
}
END_TEST

START_TEST(what_is_frozen_stays) {
  NcProgram *p = good(LAYERS MODEL("scan k in range(6) with h = x { next follow(0.5)(x |> dense(2), h) as c frozen }") TRAIN(""));
  is_whole(p->step);
  ck_assert_int_eq(changes(p->step, "net.c.s"), 0);
  ck_assert_int_eq(changes(p->step, "net.dense.weight"), 1);
  ck_assert_int_eq(carries(p->step), 1);
}
END_TEST

START_TEST(each_small_batch_changes_it) {
  NcProgram *p = good(nc_sprintf(arena, LAYERS COUNTS SUM, 6, "; accumulate = 2"));
  ck_assert_int_eq(changes(p->update.at[0].gather, "net.n"), 1);
  ck_assert_int_eq(changes(p->step, "net.n"), 1);
}
END_TEST

START_TEST(averages_read_it) {
  NcProgram *p = good(LAYERS CELL "train net on points { loss = cross_entropy(net(x) + net.ema(x), label); optimizer = sgd(0.1); "
                      "batch = 4; steps = 9; ema = 0.9 }\n");
  is_whole(p->step);
  is_whole(p->eval);
  ck_assert_int_eq(changes(p->step, "net.c.s"), 1);
}
END_TEST

// What is computed of what stays as it was is computed once, before the loop.
START_TEST(what_stays_is_outside_of_the_loop) {
  NcProgram *p = good(LAYERS "layer table()(x: f32[B, D]) -> f32[B, D] {\n  state t: f32[D, D] = ones\n  x @ exp(t)\n}\n"
                      MODEL("scan k in range(6) with h = x |> dense(2) { next counter()(table()(h)) }") TRAIN(""));
  NcLoop l = {0};
  for (int i = 0; i < p->step->node.n && !l.body; i++) nc_loop_of(p->step->node.at[i], &l);
  ck_assert(l.body != NULL);
  for (int i = 0; i < l.body->node.n; i++) ck_assert_str_ne(l.body->node.at[i]->op->name, "exp");
}
END_TEST

int main(void) {
  Suite *s = suite_create("states");
  TCase *t = suite_case(s, "states", suite_open, suite_close);
  tcase_add_loop_test(t, turns_are_calls_one_after_the_other, 0, LENGTH(rows));
  tcase_add_loop_test(t, a_turn_reads_what_the_one_before_left, 0, 2);
  tcase_add_test(t, inner_and_outer_turns_count);
  tcase_add_test(t, only_training_changes_it);
  tcase_add_test(t, what_is_frozen_stays);
  tcase_add_test(t, each_small_batch_changes_it);
  tcase_add_test(t, averages_read_it);
  tcase_add_test(t, what_stays_is_outside_of_the_loop);
  return suite_run(s, CK_FORK_GETENV);
}
