// Stages, steps in turn, `only`, `frozen`, `accumulate` and `ema`: what each graph trains, by the reference evaluator.
#include <math.h>
#include <string.h>
#include "elab_run.h"
#include "ops/op.h"
#include "suite.h"

static NcProgramOptions options(const char *text) {
  return (NcProgramOptions){.name = "file.nn", .text = text, .size = strlen(text), .hooks = {.describe = describe_some}};
}

static NcProgram *good(const char *text) {
  NcDiag *d = nc_diag_new(arena);
  NcProgramOptions o = options(text);
  NcProgram *p = nc_program(arena, d, &o);
  ck_assert_msg(p != NULL, "%s", messages(d));
  return p;
}

static void refuse(const char *text, NcCode code, const char *why) {
  NcDiag *d = nc_diag_new(arena);
  NcProgramOptions o = options(text);
  ck_assert_msg(nc_program(arena, d, &o) == NULL, "accepted: %s", text);
  ck_assert_msg(d->messages.at[0]->code == code && strstr(messages(d), why), "%s", messages(d));
}

static bool changes(const NcGraph *g, const char *path) {
  for (int i = 0; i < g->effect.n; i++)
    if (strcmp(nc_attr_str(g->effect.at[i]->in[0], "name"), path) == 0) return true;
  return false;
}

static int count_ops(const NcGraph *g, const char *op) {
  int n = 0;
  for (int i = 0; i < g->node.n; i++) n += strcmp(g->node.at[i]->op->name, op) == 0;
  return n;
}

static bool reads(const NcGraph *g, const char *leaf) {
  for (int i = 0; i < g->node.n; i++)
    if (nc_attr(g->node.at[i], "name") && strcmp(nc_attr_str(g->node.at[i], "name"), leaf) == 0) return true;
  return false;
}

static const NcVariable *variable(const NcProgram *p, const char *path) {
  for (int i = 0; i < p->variable.n; i++)
    if (strcmp(p->variable.at[i].path, path) == 0) return &p->variable.at[i];
  return NULL;
}

// Runs a graph once: `step`, `iteration` and `micro` as given, effects kept in b. Gives its first output.
static double run(const NcGraph *g, Binds *b, int step, int iteration, int micro) {
  const char *names[] = {"iteration", "micro"};
  int values[] = {iteration, micro};
  for (int i = 0; i < 2; i++) {
    double *v = NC_NEW(arena, double);
    *v = values[i];
    bind_value(arena, b, names[i], v);
  }
  NcDiag *d = nc_diag_new(arena);
  if (!nc_graph_find_output(g, "loss")) nc_graph_output((NcGraph *)(uintptr_t)g, "loss", g->output.at[0].node);
  double loss = run_step(arena, d, g, b, step);
  ck_assert_msg(!d->errors, "%s", messages(d));
  return loss;
}

static Binds start(const NcProgram *p) {
  Binds b = {0};
  ck_assert(bind_outputs(arena, nc_diag_new(arena), p->init, &b));
  return b;
}

static void give(Binds *b, int n, int from) {
  double *x = NC_NEW_N(arena, double, 2 * n), *y = NC_NEW_N(arena, double, n), *label = NC_NEW_N(arena, double, n);
  for (int i = 0; i < n; i++) {
    x[2 * i] = sin(1.3 * (from + i));
    x[2 * i + 1] = cos(0.7 * (from + i));
    y[i] = x[2 * i] - 0.5 * x[2 * i + 1];
    label[i] = (from + i) % 2;
  }
  bind_value(arena, b, "x", x);
  bind_value(arena, b, "y", y);
  bind_value(arena, b, "label", label);
}

static void same(const Binds *a, const Binds *b, const char *path, int n, double slack) {
  const double *x = value_named(a, path), *y = value_named(b, path);
  ck_assert_msg(x && y, "%s is missing", path);
  for (int i = 0; i < n; i++) ck_assert_msg(fabs(x[i] - y[i]) <= slack, "%s[%d]: %.12g and %.12g", path, i, x[i], y[i]);
}

#define NET \
  "nn 1\nmodel net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(3) as body |> tanh |> dense(2) as head }\n" \
  "data points { source = spiral(n = 64); split = (train = 0.5, valid = 0.5) }\n"

// ---- accumulate

START_TEST(small_batches_add_up_to_the_large_one) {
  static const char text[] = NET "train net on points { loss = cross_entropy(net(x), label); optimizer = %s; "
      "batch = %d; steps = 9; accumulate = %d }\n";
  static const char *const optimizers[] = {"sgd(0.1, momentum = 0.9)", "adam(0.1, clip = 0.1, weight_decay = 0.1)"};
  for (int k = 0; k < 2; k++) {
    NcProgram *whole = good(nc_sprintf(arena, text, optimizers[k], 12, 1));
    NcProgram *parts = good(nc_sprintf(arena, text, optimizers[k], 4, 3));
    ck_assert(!whole->update.at[0].gather && parts->update.at[0].gather);
    ck_assert_int_eq(parts->recipe->accumulate, 3);
    Binds a = start(whole), b = start(parts);
    for (int step = 0; step < 4; step++) {
      give(&a, 12, 12 * step);
      double loss = run(whole->step, &a, step, 0, 0), mean = 0;
      for (int i = 0; i < 3; i++) {
        give(&b, 4, 12 * step + 4 * i);
        mean += run(i < 2 ? parts->update.at[0].gather : parts->step, &b, step, 0, i) / 3;
      }
      ck_assert_double_eq_tol(loss, mean, 1e-12);
      same(&a, &b, "net.body.weight", 6, 1e-12);
      same(&a, &b, "net.head.b", 2, 1e-12);
    }
  }
}
END_TEST

START_TEST(small_batches_draw_different_numbers) {
  NcProgram *p = good(NET "train net on points { loss = mean(randn[B] + net(x)[:, 0] * 0); optimizer = sgd(0.1); "
      "batch = 4; steps = 9; accumulate = 2 }\n");
  Binds b = start(p);
  give(&b, 4, 0);
  double first = run(p->update.at[0].gather, &b, 0, 0, 0), second = run(p->step, &b, 0, 0, 1),
      next = run(p->update.at[0].gather, &b, 1, 0, 0);
  ck_assert(first != second && second != next && first != next);
}
END_TEST

// ---- ema

START_TEST(averages_follow_the_weights) {
  NcProgram *p = good(NET "train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.5); "
      "batch = 4; steps = 9; ema = 0.8 }\n");
  ck_assert_str_eq(variable(p, "ema.net.body.weight")->kind, "ema");
  ck_assert(reads(p->eval, "ema.net.body.weight") && !reads(p->eval, "net.body.weight"));
  ck_assert(reads(p->predict, "ema.net.head.b") && !reads(p->predict, "net.head.b"));
  ck_assert(reads(p->step, "net.head.weight"));
  Binds b = start(p);
  same(&b, &(Binds){.bind = {.at = &(NcBinding){"ema.net.head.weight", value_named(&b, "net.head.weight")}, .n = 1}},
       "ema.net.head.weight", 6, 0);   // an average starts at the weight
  double want[6];
  for (int step = 0; step < 5; step++) {
    give(&b, 4, 4 * step);
    run(p->step, &b, step, 0, 0);
    const double *w = value_named(&b, "net.head.weight"), *a = value_named(&b, "ema.net.head.weight");
    for (int i = 0; i < 6; i++) {
      want[i] = step ? 0.8 * want[i] + 0.2 * w[i] : w[i];
      ck_assert_double_eq_tol(a[i], want[i], 1e-12);
    }
  }
}
END_TEST

START_TEST(the_averaged_network_has_a_name) {
  NcProgram *p = good(NET "train net on points {\n  let teacher = net.ema(x)\n  loss = cross_entropy(net(x), "
      "label) + 0.1 * mse(net(x), teacher)\n"
                          "  optimizer = sgd(0.1); batch = 4; steps = 9; ema = 0.9\n}\n");
  ck_assert(reads(p->step, "ema.net.body.weight"));
  ck_assert_int_eq(count_ops(p->eval, "dot"), 2);   // both are the averaged one there
  refuse(NET "train net on points { loss = mean(net.ema(x)); optimizer = sgd(0.1); steps = 9 }\n", NC_E0301, "ema = 0.999");
  refuse(NET "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 9; ema = 1.5 }\n", NC_E0312, "between 0 and 1");
}
END_TEST

// ---- only and frozen

#define FROZEN "nn 1\nlayer features(x: f32[B, 2]) -> f32[B, 3] { x |> dense(3) as first |> batch_norm |> tanh |> dropout(0.5) |> dense(3) as last }\n" \
  "model net(x: f32[B, 2]) -> f32[B, 2] { x |> features as body frozen |> dense(2) as head }\n" \
  "data points { source = spiral(n = 64); split = (train = 0.5, valid = 0.5) }\n"

START_TEST(what_is_frozen_costs_nothing) {
  NcProgram *p = good(FROZEN "train net on points { loss = cross_entropy(net(x), label); optimizer = adam(0.1); steps = 9 }\n");
  ck_assert(changes(p->step, "net.head.weight") && !changes(p->step, "net.body.first.weight") &&
            !changes(p->step, "net.body.batch_norm.mean"));
  ck_assert_int_eq(count_ops(p->step, "random"), 0);
  ck_assert_int_eq(count_ops(p->step, "dot"), 3 + 1);   // forward, and the gradient of the head's weight alone
  ck_assert(variable(p, "adam.m.net.head.b") && !variable(p, "adam.m.net.body.last.b"));
}
END_TEST

START_TEST(only_thaws_what_it_names) {
  NcProgram *p = good(FROZEN "train net on points {\n  loss = cross_entropy(net(x), label)\n"
                             "  stage warm { only = [head]; optimizer = adam(0.1); epochs = 1 }\n"
                             "  stage tune { only = [head, body.last]; optimizer = adam(0.01); steps = 5 }\n"
                             "  stage all { only = [net]; optimizer = sgd(0.01); steps = 2 }\n"
                             "  stage norm { only = [body.batch_norm]; optimizer = sgd(0.01); steps = 2 }\n}\n");
  ck_assert_int_eq(p->recipe->stage.n, 4);
  ck_assert_str_eq(p->recipe->stage.at[1].name, "tune");
  ck_assert_int_eq(p->recipe->stage.at[1].steps, 5);
  const NcGraph *warm = p->update.at[0].graph, *tune = p->update.at[1].graph, *all = p->update.at[2].graph, *norm = p->update.at[3].graph;
  ck_assert(changes(warm, "net.head.weight") && !changes(warm, "net.body.last.weight"));
  ck_assert(changes(tune, "net.head.weight") && changes(tune, "net.body.last.weight") && !changes(tune, "net.body.first.weight"));
  ck_assert(!changes(tune, "net.body.batch_norm.mean"));
  ck_assert(changes(all, "net.head.weight") && !changes(all, "net.body.last.weight"));   // frozen: named itself, or not at all
  ck_assert(changes(norm, "net.body.batch_norm.scale") && changes(norm, "net.body.batch_norm.mean") && !changes(norm, "net.head.b"));
  ck_assert_int_eq(count_ops(norm, "random"), 0);
  ck_assert_int_eq(variable(p, "adam.warm.m.net.head.weight")->stage, 1);
  ck_assert_int_eq(variable(p, "adam.tune.m.net.head.weight")->stage, 2);
  ck_assert(!variable(p, "adam.warm.m.net.body.last.weight") && !variable(p, "adam.m.net.head.weight"));
  ck_assert_str_eq(p->update.at[1].purpose, "step.tune");
}
END_TEST

START_TEST(a_schedule_follows_its_stage) {
  NcProgram *p = good(NET "layer probe(lr)(w: f32[S...], g: f32[S...]) -> f32[S...] { 0 * g + rate(lr)() }\n"
                          "train net on points {\n  loss = cross_entropy(net(x), label)\n"
                          "  stage one { optimizer = probe(linear(1.0)); "
                              "steps = 10 }\n  stage two { optimizer = probe(linear(1.0)); steps = 4 }\n}\n");
  Binds b = start(p);
  give(&b, 32, 0);
  run(p->update.at[0].graph, &b, 5, 5, 0);
  ck_assert_double_eq_tol(value_named(&b, "net.head.b")[0], 0.5, 1e-12);
  run(p->update.at[1].graph, &b, 11, 1, 0);
  ck_assert_double_eq_tol(value_named(&b, "net.head.b")[0], 0.75, 1e-12);
}
END_TEST

// ---- what is known of a loss: the prelude's function, where nothing else is done

static const struct { const char *before, *loss, *plain; } losses[] = {
  {"", "cross_entropy(net(x), label)", "cross_entropy"}, {"", "mean(bce_logits(net(x), x))", "bce_logits"},
  {"", "mean(bce_logits(net(x), x, positive = 5.0))", NULL}, {"", "2 * cross_entropy(net(x), label)", NULL},
  {"", "cross_entropy(smoothing = 0.1)(net(x), label)", NULL},
  {"fn mean(x: f32[B, C]) -> f32[] { sum(x) }\n", "mean(bce_logits(net(x), x))", NULL},
  {"fn mse(x: f32[B, C], y: f32[B, C]) -> f32[] { sum(x - y) }\n", "mse(net(x), x)", NULL},
};

START_TEST(plain_losses) {
  NcProgram *p = good(nc_sprintf(arena, "nn 1\n%smodel net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
    "data points { source = spiral(n = 64) }\ntrain net on points { loss = %s; optimizer = sgd(0.1); epochs = 1 }\n",
    losses[_i].before, losses[_i].loss));
  ck_assert_pstr_eq(p->recipe->loss, losses[_i].plain);
}
END_TEST

// ---- steps in turn

#define GAN \
  "nn 1\nmodel generator(z: f32[B, 3]) -> f32[B, 2] { z |> dense(4) |> batch_norm |> relu |> dense(2) }\n" \
  "model critic(x: f32[B, 2]) -> f32[B, 1] { x |> dense(4) |> tanh |> dense(1) }\n" \
  "data points { source = spiral(n = 64) }\n"

START_TEST(steps_train_their_own) {
  NcProgram *p = good(GAN "train gan on points {\n"
    "  step critic { only = [critic]; optimizer = adam(2e-4, betas = (0.5, 0.999))\n"
    "    loss = mean(softplus(-critic(x))) + mean(softplus(critic(generator(randn[B, 3])))) }\n"
    "  step maker  { only = [generator]; optimizer = adam(2e-4, betas = (0.5, 0.999))\n"
    "    let fake = generator(randn[B, 3])\n    loss = mean(softplus(-critic(fake))) }\n"
    "  metrics = (m = mean(critic(x)), maker = mean(x))\n  batch = 16; epochs = 2\n}\n");
  ck_assert_int_eq(p->update.n, 2);
  ck_assert_int_eq(p->recipe->stage.n, 1);
  ck_assert_int_eq(p->recipe->stage.at[0].parts, 2);
  const NcGraph *critic = p->update.at[0].graph, *maker = p->update.at[1].graph;
  ck_assert(changes(critic, "critic.dense.weight") && !changes(critic, "generator.dense.weight"));
  ck_assert(changes(maker, "generator.dense.weight") && !changes(maker, "critic.dense.weight"));
  ck_assert(changes(critic, "generator.batch_norm.mean") && changes(maker, "generator.batch_norm.mean"));
  ck_assert(variable(p, "adam.critic.m.critic.dense.weight") && variable(p, "adam.maker.m.generator.dense.weight"));
  static const char *const names[] = {"critic", "maker", "m", "maker_2"};
  ck_assert_int_eq(p->recipe->metrics.n, 4);
  for (int i = 0; i < 4; i++) {
    ck_assert_str_eq(p->recipe->metrics.at[i], names[i]);
    ck_assert(nc_graph_find_output(p->eval, names[i]) != NULL);
  }
  ck_assert(nc_graph_find_output(critic, "m") && !nc_graph_find_output(maker, "m"));
  ck_assert(p->recipe->keep == NULL && p->predict == NULL);
  // two steps draw numbers of their own
  const NcNode *r[2] = {0};
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < p->update.at[k].graph->node.n; i++)
      if (strcmp(p->update.at[k].graph->node.at[i]->op->name, "random") == 0) r[k] = p->update.at[k].graph->node.at[i];
  ck_assert(r[0] && r[1] && nc_attr_int(r[0], "site") != nc_attr_int(r[1], "site"));
}
END_TEST

START_TEST(steps_share_what_train_says) {
  NcProgram *p = good(GAN "train critic on points {\n  optimizer = sgd(0.1); epochs = 1; keep = a\n"
                          "  step a { loss = mean(critic(x)) }\n  step b { loss = mean(critic(generator(randn[B, "
                              "3]))); only = [generator] }\n}\n");
  ck_assert(changes(p->update.at[0].graph, "critic.dense.weight") && p->predict && strcmp(p->recipe->keep, "a") == 0);
  ck_assert(!changes(p->update.at[1].graph, "critic.dense.weight"));
}
END_TEST

// ---- refused, with a place

START_TEST(combinations_are_refused) {
  refuse(NET "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2; only = [haed] }\n",
      NC_E0313, "did you mean `head`?");
  refuse(NET "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2; only = head }\n", NC_E0312,
      "list of layers' paths");
  refuse(NET "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2; only = [] }\n", NC_E0312,
      "list of layers' paths");
  refuse(FROZEN "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2; "
      "only = [body.first.bias] }\n", NC_E0313, "body.first.b");
  refuse(NET "train net on points { loss = mean(net(x)); stage a { optimizer = sgd(0.1); steps = 2 }; "
      "step b { optimizer = sgd(0.1) } }\n", NC_E0306,
         "stages or steps, not both");
  refuse(NET "train net on points { loss = mean(net(x)); epochs = 3; stage a { optimizer = sgd(0.1); steps = 2 } "
      "}\n", NC_E0306, "stands in each stage");
  refuse(NET "train net on points { loss = mean(net(x)); stage a { optimizer = sgd(0.1) } }\n", NC_E0310,
      "the stage `a` does not say how long");
  refuse(NET "train net on points { loss = mean(net(x)); stage a { steps = 3 } }\n", NC_E0310, "the stage `a` has no optimizer");
  refuse(NET "train net on points { steps = 3; step a { optimizer = sgd(0.1) } }\n", NC_E0310, "the step `a` has no loss");
  refuse(NET "train net on points { loss = mean(net(x)); stage a { optimizer = sgd(0.1); steps = 2 }; "
      "stage a { optimizer = sgd(0.1); steps = 2 } }\n",
         NC_E0302, "two called `a`");
  refuse(NET "train net on points { loss = mean(net(x)); stage a { optimizer = sgd(0.1); steps = 2; batch = 3 } }\n",
      NC_E0311, "stands in `train` itself");
  refuse(NET "train net on points { loss = mean(net(x)); steps = 1; step a { optimizer = sgd(0.1); epochs = 2 } }\n",
      NC_E0311, "stands in `train` itself");
  refuse(NET "train net on points { loss = mean(net(x)); stage a { let y = x; optimizer = sgd(0.1); steps = 2 } }\n",
      NC_E0306, "`let` stands in");
  refuse(NET "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2; accumulate = 0 }\n", NC_E0312, "1 or more");
  refuse(NET "train net on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2; checkpoint = 500 }\n", NC_E0312, "every(500)");
  refuse(NET "train nett on points { loss = mean(net(x)); optimizer = sgd(0.1); steps = 2 }\n", NC_E0301, "did you mean `net`?");
}
END_TEST

int main(void) {
  Suite *s = suite_create("parts");
  TCase *t = suite_case(s, "parts", suite_open, suite_close);
  tcase_add_test(t, small_batches_add_up_to_the_large_one);
  tcase_add_test(t, small_batches_draw_different_numbers);
  tcase_add_test(t, averages_follow_the_weights);
  tcase_add_test(t, the_averaged_network_has_a_name);
  tcase_add_test(t, what_is_frozen_costs_nothing);
  tcase_add_test(t, only_thaws_what_it_names);
  tcase_add_test(t, a_schedule_follows_its_stage);
  tcase_add_loop_test(t, plain_losses, 0, LENGTH(losses));
  tcase_add_test(t, steps_train_their_own);
  tcase_add_test(t, steps_share_what_train_says);
  tcase_add_test(t, combinations_are_refused);
  return suite_run(s, CK_FORK_GETENV);
}
