// Train and data blocks: the graphs of training, evaluation and prediction, optimizers, settings from outside.
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "data/data.h"
#include "elab_run.h"
#include "golden.h"
#include "ops/op.h"
#include "suite.h"

static const char *import_example(void *ctx, NcDiag *d, NcRange at, const char *path, const char *from, size_t *size) {
  (void)ctx, (void)d, (void)at, (void)from;
  return golden_read(arena, in_source(arena, nc_sprintf(arena, "examples/%s", path)), size);
}

static bool describe_really(void *ctx, NcDiag *d, const NcSourceSpec *s, NcFields *out) {
  (void)ctx;
  return nc_source_describe(arena, d, s, out);
}

static NcProgramOptions options(const char *text) {
  return (NcProgramOptions){.name = "file.nn", .text = text, .size = strlen(text),
                            .hooks = {.describe = describe_some, .import = import_example}};
}

static NcProgram *build(NcProgramOptions o) {
  NcDiag *d = nc_diag_new(arena);
  NcProgram *p = nc_program(arena, d, &o);
  ck_assert_msg(p != NULL, "%s", messages(d));
  return p;
}

static NcProgram *good(const char *text) { return build(options(text)); }

// The first error must have this code, and say this.
static void refuse(NcProgramOptions o, NcCode code, const char *text) {
  NcDiag *d = nc_diag_new(arena);
  ck_assert(nc_program(arena, d, &o) == NULL);
  ck_assert_msg(d->messages.n > 0 && d->messages.at[0]->code == code && strstr(messages(d), text), "%s", messages(d));
}

static int count_ops(const NcGraph *g, const char *op) {
  int n = 0;
  for (int i = 0; i < g->node.n; i++) n += strcmp(g->node.at[i]->op->name, op) == 0;
  return n;
}

static const NcNode *leaf(const NcGraph *g, const char *name) {
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (n->op->kind == NC_LEAF && nc_attr(n, "name") && strcmp(nc_attr_str(n, "name"), name) == 0) return n;
  }
  return NULL;
}

static int effects_on(const NcGraph *g, const char *path) {
  int n = 0;
  for (int i = 0; i < g->effect.n; i++) n += strcmp(nc_attr_str(g->effect.at[i]->in[0], "name"), path) == 0;
  return n;
}

#define POINTS "data points(n: int = 2000) { source = spiral(n = n); split = (train = 0.5, test = 0.5) }\n"

// ---- whole examples

START_TEST(examples_elaborate) {
  DIR *dir = opendir(in_source(arena, "examples"));
  ck_assert(dir != NULL);
  int seen = 0;
  for (struct dirent *f; (f = readdir(dir));) {
    const char *dot = strrchr(f->d_name, '.');
    if (!dot || strcmp(dot, ".nn") != 0) continue;
    size_t size;
    const char *text = golden_read(arena, in_source(arena, nc_sprintf(arena, "examples/%s", f->d_name)), &size);
    clock_t start = clock();
    NcProgramOptions o = options(text);
    o.hooks.describe = describe_really;
    NcProgram *p = build(o);
    double ms = (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC;
    ck_assert_msg(ms < 1000, "%s takes %.0f ms", f->d_name, ms);
    NcDiag *d = nc_diag_new(arena);
    const NcGraph *g[] = {p->step, p->eval, p->predict, p->init};
    for (int i = 0; i < 4; i++)   // steps in turn may train several models, and none of them is the one that predicts
      ck_assert_msg(i == 2 && !g[2] ? p->update.n > 1 : g[i] && nc_graph_verify(g[i], d, "elaboration"), "%s: %s", f->d_name, messages(d));
    ck_assert_int_eq(p->eval->effect.n, 0);
    ck_assert_int_gt(p->step->effect.n, 0);
    ck_assert(nc_graph_find_output(p->step, p->update.at[0].name ? p->update.at[0].name : "loss") ||
              nc_graph_find_output(p->step, "loss"));
    ck_assert(nc_graph_find_output(p->eval, "loss"));
    bool told = strcmp(f->d_name, "diffusion.nn") == 0;   // which digit to draw is an input of its network
    ck_assert_msg(!p->predict || told || !leaf(p->predict, "label"), "%s predicts from the label", f->d_name);
    seen++;
  }
  closedir(dir);
  ck_assert_int_ge(seen, 8);
}
END_TEST

// ---- optimizers and schedules beside PyTorch's numbers (tests/golden/make_optimizers.py)

#define LINE \
  "nn 1\n" \
  "layer line(x: f32[B, I]) -> f32[B, 1] {\n  param w: f32[1, I] = normal(1)\n  param b: f32[1] = zeros\n" \
  "  x @ transpose(w) + b\n}\n" \
  "model m(x: f32[B, 2]) -> f32[B, 1] { x |> line }\n" \
  "data points { source = pairs() }\n" \
  "layer probe(lr)(w: f32[S...], g: f32[S...]) -> f32[S...] { 0 * g + rate(lr)() }\n" \
  "train m on points { loss = mse(m(x), y); optimizer = %s; batch = 4; steps = %d }\n"

static void bind_line(Binds *b) {
  static const double x[] = {0.5, -1.0, 1.5, 0.25, -0.75, 2.0, 1.0, 1.0}, y[] = {1, 0, -1, 2}, w[] = {0.3, -0.2},
                      bias[] = {0.1};
  bind_value(arena, b, "m.line.w", w);
  bind_value(arena, b, "m.line.b", bias);
  bind_value(arena, b, "x", x);
  bind_value(arena, b, "y", y);
}

// Calls f with each line's expression and numbers.
static void each_golden(const char *file, void (*f)(const char *expression, const char *numbers)) {
  const char *text = golden_read(arena, in_source(arena, nc_sprintf(arena, "tests/golden/%s", file)), NULL);
  ck_assert_msg(text != NULL, "%s is missing", file);
  int lines = 0;
  for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
    const char *bar = strstr(text, " | ");
    if (*text == '#' || !bar || bar > end) continue;
    f(nc_strndup(arena, text, (size_t)(bar - text)), nc_strndup(arena, bar + 3, (size_t)(end - bar - 3)));
    lines++;
  }
  ck_assert_int_gt(lines, 10);
}

static NcProgram *line_with(const char *optimizer, int steps, Binds *b) {
  NcProgram *p = good(nc_sprintf(arena, LINE, optimizer, steps));
  ck_assert(bind_outputs(arena, nc_diag_new(arena), p->init, b));
  bind_line(b);
  return p;
}

static void same_weights(const char *optimizer, const char *numbers) {
  Binds b = {0};
  NcProgram *p = line_with(optimizer, 100, &b);
  int step = 0;
  for (char *s = (char *)numbers; *s; step++) {
    run_step(arena, nc_diag_new(arena), p->step, &b, step);
    const double *w = value_named(&b, "m.line.w"), got[3] = {w[0], w[1], value_named(&b, "m.line.b")[0]};
    for (int i = 0; i < 3; i++) {
      double want = strtod(s, &s);
      ck_assert_msg(fabs(got[i] - want) < 1e-8, "%s, step %d: %.12g instead of %.12g", optimizer, step, got[i], want);
    }
  }
  ck_assert_int_eq(step, 6);
}

static void same_rates(const char *schedule, const char *numbers) {
  Binds b = {0};
  NcProgram *p = line_with(nc_sprintf(arena, "probe(%s)", schedule), 20, &b);
  int step = 0;
  for (char *s = (char *)numbers; *s; step++) {
    run_step(arena, nc_diag_new(arena), p->step, &b, step);
    double want = strtod(s, &s), got = value_named(&b, "m.line.b")[0];
    ck_assert_msg(fabs(got - want) < 1e-9 + 1e-8 * want, "%s, update %d: %.12g instead of %.12g", schedule, step, got,
                  want);
  }
  ck_assert_int_eq(step, 20);
}

START_TEST(optimizers_agree_with_pytorch) { each_golden("optimizers.txt", same_weights); }
END_TEST
START_TEST(schedules_agree_with_pytorch) { each_golden("schedules.txt", same_rates); }
END_TEST

// ---- structure

#define DIGITS_MODEL \
  "model net(hidden: int = 8)(x: f32[B, 28, 28]) -> f32[B, 10] {\n" \
  "  x |> flatten |> dense(hidden) |> batch_norm |> relu |> dropout(0.2) |> dense(10)\n}\n" \
  "data digits(dir: str = \"data\", n: int = 5) {\n" \
  "  source = idx(image = \"{dir}/x\", label = \"{dir}/y\", n = n)\n  x = image / 255\n" \
  "  split = (train = 0.9, valid = 0.1)\n}\n"
#define DIGITS \
  "nn 1\nconst width = 8\n" DIGITS_MODEL \
  "train net(hidden = width) on digits {\n" \
  "  loss = cross_entropy(net(x), label)\n  metrics = [accuracy(net(x), label)]\n" \
  "  optimizer = adam(1e-3)\n  batch = 16; epochs = 3; seed = 9\n}\n"

START_TEST(a_model_is_one_instance) {
  NcProgram *p = good(DIGITS);
  // loss and metric call the same model: one dropout, one update of each running mean
  ck_assert_int_eq(count_ops(p->step, "random"), 1);
  ck_assert_int_eq(effects_on(p->step, "net.batch_norm.mean"), 1);
  ck_assert_int_eq(effects_on(p->step, "net.dense.weight"), 1);
  ck_assert_int_eq(effects_on(p->step, "adam.m.net.dense.weight"), 1);
  ck_assert_int_eq(p->step->effect.n, p->variable.n);
  // inference: no randomness, running statistics are read
  ck_assert_int_eq(count_ops(p->eval, "random"), 0);
  ck_assert(leaf(p->eval, "net.batch_norm.mean") != NULL);
  ck_assert_int_eq(count_ops(p->predict, "input"), 1);
  ck_assert(leaf(p->predict, "image") != NULL);
  ck_assert(nc_type_eq(leaf(p->predict, "image")->type, (NcType){NC_U8, NC_SHAPE(16, 28, 28)}));
}
END_TEST

START_TEST(the_recipe_is_evaluated) {
  NcProgram *p = good(DIGITS);
  ck_assert_str_eq(p->recipe->name, "net");
  ck_assert_str_eq(p->recipe->data, "digits");
  ck_assert_int_eq(p->recipe->batch, 16);
  ck_assert_int_eq(p->recipe->epochs, 3);
  ck_assert_int_eq((int)p->recipe->seed, 9);
  ck_assert_int_eq(p->recipe->metrics.n, 1);
  ck_assert_str_eq(p->recipe->metrics.at[0], "accuracy");
  ck_assert_str_eq(p->recipe->keep, "loss");
  ck_assert(!p->recipe->keep_max);
  ck_assert_str_eq(p->recipe->source->kind, "idx");
  ck_assert_int_eq(p->recipe->source->settings, 3);
  ck_assert_str_eq(p->recipe->source->setting[1].name, "label");
  ck_assert_str_eq(p->recipe->source->setting[1].s, "data/y");
  ck_assert_int_eq(p->recipe->split.n, 2);
  ck_assert_int_eq(p->batch, 16);
}
END_TEST

START_TEST(another_batch_keeps_paths) {
  NcProgramOptions o = options(DIGITS);
  NcProgram *p = build(o);
  o.batch = 7;
  NcProgram *q = build(o);
  ck_assert_int_eq(q->batch, 7);
  ck_assert_int_eq(q->recipe->batch, 16);
  ck_assert_int_eq(p->variable.n, q->variable.n);
  for (int i = 0; i < p->variable.n; i++) {
    ck_assert_str_eq(p->variable.at[i].path, q->variable.at[i].path);
    ck_assert(nc_type_eq(p->variable.at[i].type, q->variable.at[i].type));
  }
  ck_assert_int_eq((int)leaf(q->eval, "image")->type.shape.dim[0], 7);
  o.batch = 1;   // the symbol B with the value 1 is not the number 1
  build(o);
}
END_TEST

START_TEST(training_lowers_the_loss) {
  NcProgram *p =
      good("nn 1\n"
           "model m(hidden: int = 8)(x: f32[B, 2]) -> f32[B, 2] { x |> dense(hidden) |> tanh |> dense(2) }\n" POINTS
           "train m on points { loss = cross_entropy(m(x), label); optimizer = adam(0.05); batch = 16; epochs = 1 }\n");
  NcDiag *d = nc_diag_new(arena);
  Binds b = {0};
  ck_assert(bind_outputs(arena, d, p->init, &b));
  double x[32], label[16];
  for (int i = 0; i < 16; i++) {
    x[2 * i] = cos(i * 0.7) * (1 + i % 2);
    x[2 * i + 1] = sin(i * 0.7) * (1 + i % 2);
    label[i] = i % 2;
  }
  bind_value(arena, &b, "x", x);
  bind_value(arena, &b, "label", label);
  double first = run_step(arena, d, p->step, &b, 0), last = first;
  for (int i = 1; i < 120; i++) last = run_step(arena, d, p->step, &b, i);
  ck_assert_msg(first < 1.5 && last < 0.1 * first, "from %g to %g", first, last);
  ck_assert(fabs(*output_of(arena, d, p->eval, &b, "loss") - last) < 0.1 * first);
}
END_TEST

// ---- settings from outside

static NcProgramOptions with(const char *text, const NcSet *set, int n) {
  NcProgramOptions o = options(text);
  o.set = set;
  o.nset = n;
  return o;
}

START_TEST(set_overrides) {
  NcSet hidden[] = {{"net.hidden", "3", NC_NOWHERE},
                    {"train.batch", "2 * 4", NC_NOWHERE},
                    {"digits.dir", "/a b/{c}", NC_NOWHERE},
                    {"train.optimizer", "sgd(0.5)", NC_NOWHERE}};
  NcProgram *p = build(with(DIGITS, hidden, 4));
  ck_assert(nc_type_eq(p->variable.at[0].type, (NcType){NC_F32, NC_SHAPE(3, 784)}));
  ck_assert_int_eq(p->recipe->batch, 8);
  ck_assert_str_eq(p->recipe->source->setting[0].s, "/a b/{c}/x");
  ck_assert(leaf(p->step, "adam.m.net.dense.weight") == NULL);
  NcSet width[] = {{"width", "5", NC_NOWHERE}, {"width", "6", NC_NOWHERE}};   // the last one holds
  p = build(with(DIGITS, width, 2));
  ck_assert(nc_type_eq(p->variable.at[0].type, (NcType){NC_F32, NC_SHAPE(6, 784)}));
}
END_TEST

START_TEST(set_refuses) {
  NcSet wrong[] = {{"net.hiden", "3", NC_NOWHERE}};
  refuse(with(DIGITS, wrong, 1), NC_E0703, "did you mean `--set net.hidden=3`");
  NcSet kind[] = {{"net.hidden", "\"x\"", NC_NOWHERE}};
  refuse(with(DIGITS, kind, 1), NC_E0205, "must be an integer");
  NcSet syntax[] = {{"train.batch", "3 +", NC_NOWHERE}};
  refuse(with(DIGITS, syntax, 1), NC_E0102, "");
}
END_TEST

// ---- sharing, freezing, several calls

#define TRAIN(loss) POINTS "train m on points { loss = " loss "; optimizer = sgd(0.1); epochs = 1 }\n"

START_TEST(let_shares_and_two_layers_do_not) {
  NcProgram *p =
      good("nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] {\n  let e = dense(2)\n  e(x) + e(x * 2) + dense(2)(x)\n}\n" TRAIN(
          "cross_entropy(m(x), label)"));
  ck_assert_int_eq(p->variable.n, 4);
  ck_assert_str_eq(p->variable.at[0].path, "m.e.weight");
  ck_assert_str_eq(p->variable.at[2].path, "m.dense.weight");
  ck_assert_int_eq(count_ops(p->predict, "dot"), 3);
}
END_TEST

START_TEST(several_layers_of_one_let_share_too) {
  NcProgram *p = good("nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] {\n  let (e, d) = (dense(2), dense(2) as own)\n  let kind = dense\n"
                      "  let (k, l) = (kind, [dense(2)])\n  d(e(x) + e(x * 2)) + e(x * 3) + k(2)(x) + k(2)(x) + l[0](x)\n}\n" TRAIN(
                          "cross_entropy(m(x), label)"));
  static const char *const want[] = {"m.e.weight", "m.own.weight", "m.dense.weight", "m.dense_2.weight", "m.dense_3.weight"};
  ck_assert_int_eq(p->variable.n, 2 * LENGTH(want));
  for (int i = 0; i < LENGTH(want); i++) ck_assert_str_eq(p->variable.at[2 * i].path, want[i]);
  ck_assert_int_eq(count_ops(p->predict, "dot"), 7);
}
END_TEST

START_TEST(frozen_is_not_trained) {
  NcProgram *p = good("nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] {\n  x |> batch_norm as n frozen |> dense(2) as d "
                      "frozen |> dense(2)\n}\n" TRAIN("cross_entropy(m(x), label)"));
  ck_assert_int_eq(effects_on(p->step, "m.d.weight"), 0);
  ck_assert_int_eq(effects_on(p->step, "m.n.mean"), 0);
  ck_assert_int_eq(effects_on(p->step, "m.dense.weight"), 1);
}
END_TEST

START_TEST(two_calls_are_two_sites_and_one_state) {
  NcProgram *p = good("nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] { x |> batch_norm |> dropout(0.5) |> dense(2) }\n"
                      TRAIN("cross_entropy(m(x), label) + cross_entropy(m(x * 2), label)"));
  ck_assert_int_eq(count_ops(p->step, "random"), 2);
  ck_assert_int_eq(effects_on(p->step, "m.batch_norm.mean"), 1);
  ck_assert_int_eq(p->variable.n, 6);
}
END_TEST

START_TEST(repeat_makes_fresh_layers) {
  NcProgram *p = good("nn 1\nmodel m(n: int = 3)(x: f32[B, 2]) -> f32[B, 2] {\n  repeat i < n with h = x { h |> "
                      "dense(2 + i) } |> dense(2)\n}\n");
  ck_assert_int_eq(p->variable.n, 8);
  ck_assert_str_eq(p->variable.at[4].path, "m.dense_3.weight");
  ck_assert(nc_type_eq(p->variable.at[4].type, (NcType){NC_F32, NC_SHAPE(4, 3)}));
}
END_TEST

// ---- memory runs out at every possible place: the jump comes back, nothing else happens

START_TEST(running_out_of_memory) {
  for (volatile long n = 1; n < 40000; n = n * 5 / 4 + 1) {
    NcArena *a = nc_arena_new();
    if (!NC_ON_OOM(a)) {
      NcDiag *d = nc_diag_new(a);
      nc_arena_fail_after(a, n);
      NcProgramOptions o = options(DIGITS);
      nc_program(a, d, &o);
    }
    nc_arena_free(a);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("recipe");
  TCase *t = suite_case(s, "recipe", suite_open, suite_close);
  tcase_add_test(t, examples_elaborate);
  tcase_add_test(t, optimizers_agree_with_pytorch);
  tcase_add_test(t, schedules_agree_with_pytorch);
  tcase_add_test(t, a_model_is_one_instance);
  tcase_add_test(t, the_recipe_is_evaluated);
  tcase_add_test(t, another_batch_keeps_paths);
  tcase_add_test(t, training_lowers_the_loss);
  tcase_add_test(t, set_overrides);
  tcase_add_test(t, set_refuses);
  tcase_add_test(t, let_shares_and_two_layers_do_not);
  tcase_add_test(t, several_layers_of_one_let_share_too);
  tcase_add_test(t, frozen_is_not_trained);
  tcase_add_test(t, two_calls_are_two_sites_and_one_state);
  tcase_add_test(t, repeat_makes_fresh_layers);
  tcase_add_test(t, running_out_of_memory);
  return suite_run(s, CK_FORK_GETENV);
}
