// Stages, steps in turn, small batches, averages and every optimizer on a device: the same bits after a stop, and the
// numbers of the reference evaluator on both classes.
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "elab_run.h"
#include "golden.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "tempdir.h"
#include "train/model.h"
#include "train/plateau.h"

#define expect_ok(m, call) \
  do { \
    NacreStatus got_ = (call); \
    ck_assert_msg(got_ == NACRE_OK, "status %d: %s", got_, m ? nacre_message(m) : "out of memory"); \
  } while (0)

static void same_bytes(const char *p, const char *q) {
  size_t n, k;
  const char *x = golden_read(arena, p, &n), *y = golden_read(arena, q, &k);
  ck_assert_msg(x && y && n == k && memcmp(x, y, n) == 0, "%s and %s differ", p, q);
}

static void train(const char *text, const char *out, int64_t max_steps) {
  NacreModel *m;
  expect_ok(m, nacre_open_text("parts.nn", text, strlen(text), NULL, &m));
  expect_ok(m, nacre_train(m, &(NacreTrainOptions){.out = out, .max_steps = max_steps}));
  nacre_close(m);
}

static void go_on(const char *out, int64_t max_steps) {
  NacreModel *m;
  expect_ok(m, nacre_open_run(out, "last", NULL, &m));
  expect_ok(m, nacre_train(m, &(NacreTrainOptions){.resume = out, .max_steps = max_steps}));
  nacre_close(m);
}

// ---- the same bits

static const char stages[] =
  "nn 1\n"
  "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(4) as body frozen |> dropout(0.1) |> dense(2) as head }\n"
  "data points { source = spiral(n = 50); split = (train = 0.8, valid = 0.2) }\n"
  "train net on points {\n"
  "  loss = cross_entropy(net(x), label)\n"
  "  stage warm { only = [head]; optimizer = adam(0.1, clip = 0.1); steps = 3 }\n"
  "  stage tune { only = [net, body]; optimizer = sgd(cosine(0.1), momentum = 0.9); epochs = 2 }\n"
  "  batch = 10; accumulate = 2; ema = 0.8; seed = 3; checkpoint = every(3)\n"
  "}\n";
static const char steps[] =
  "nn 1\n"
  "model maker(z: f32[B, 2]) -> f32[B, 2] { z |> dense(2) }\n"
  "model critic(x: f32[B, 2]) -> f32[B, 1] { x |> dense(1) }\n"
  "data points { source = spiral(n = 40) ; split = (train = 1.0) }\n"
  "train gan on points {\n"
  "  step critic { only = [critic]; loss = mean(softplus(-critic(x))) + mean(softplus(critic(maker(randn[B, 2])))) }\n"
  "  step maker { only = [maker]; loss = mean(softplus(-critic(maker(randn[B, 2])))) }\n"
  "  optimizer = adam(0.01, betas = (0.5, 0.999)); batch = 10; epochs = 2; seed = 3\n"
  "}\n";

static const char plateau[] =
  "nn 1\n"
  "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
  "data points { source = spiral(n = 20); split = (train = 0.5, valid = 0.5) }\n"
  "train net on points {\n"
  "  loss = cross_entropy(net(x), label); batch = 5; seed = 3\n"
  "  stage one { optimizer = sgd(plateau(0.1, factor = 0.5, patience = 0, threshold = 0.5, cooldown = 1)); epochs = 5 }\n"
  "  stage two { optimizer = sgd(plateau(0.1, factor = 0.5, patience = 1, threshold = 0.5)); epochs = 4 }\n"
  "}\n";

// A rate of 0 makes nothing better: one ends after 3 epochs, two is through, three ends after 2 (an epoch is 2 steps).
static const char patient[] =
  "nn 1\n"
  "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
  "data points { source = spiral(n = 20); split = (train = 0.5, valid = 0.5) }\n"
  "train net on points {\n"
  "  loss = cross_entropy(net(x), label); batch = 5; seed = 3; patience = 2\n"
  "  stage one { optimizer = sgd(0.0); epochs = 6 }\n"
  "  stage two { optimizer = sgd(0.1); epochs = 3 }\n"
  "  stage three { optimizer = sgd(0.0); epochs = 5; patience = 1 }\n"
  "}\n";

START_TEST(a_stop_changes_nothing) {
  static const struct { const char *text, *holds; bool best; int stop[6]; } runs[] = {
    {stages, "\"stage\":\"tune\"", true, {2, 3, 5, 0}}, {steps, "\"critic\":", false, {3, 4, 0}},
    {plateau, "\"stage\":\"two\"", true, {4, 7, 13, 0}}, {patient, "\"step\":16,", true, {4, 6, 7, 12, 14, 0}}};
  const char *whole = temp_path(nc_sprintf(arena, "whole%d", _i));
  train(runs[_i].text, whole, 0);
  for (int k = 0; runs[_i].stop[k]; k++) {
    const char *part = temp_path(nc_sprintf(arena, "part%d-%d", _i, k));
    train(runs[_i].text, part, runs[_i].stop[k]);
    go_on(part, 1);   // a step, and the rest
    go_on(part, 0);
    same_bytes(nc_sprintf(arena, "%s/last.safetensors", whole), nc_sprintf(arena, "%s/last.safetensors", part));
    if (runs[_i].best) same_bytes(nc_sprintf(arena, "%s/best.safetensors", whole), nc_sprintf(arena, "%s/best.safetensors", part));
  }
  const char *log = golden_read(arena, nc_sprintf(arena, "%s/metrics.jsonl", whole), NULL);
  ck_assert_msg(log && strstr(log, runs[_i].holds), "%s", log);
  if (runs[_i].text == plateau)   // what falls is told, and a stage begins anew
    ck_assert_msg(strstr(log, "\"falls\":1,") && strstr(strstr(log, "two"), "\"falls\":0,"), "%s", log);
  if (runs[_i].text != stages) return;
  NacreModel *m;   // evaluation takes the averages, and a run tells of them
  expect_ok(m, nacre_open_run(whole, "best", NULL, &m));
  NacreScores s;
  expect_ok(m, nacre_eval(m, "valid", &s));
  ck_assert_int_eq(s.examples, 10);
  ck_assert_int_ge(nc_exec_find_var(m->exec, "ema.net.body.weight"), 0);
  ck_assert_int_lt(nc_exec_find_var(m->exec, "net.body.weight"), 0);
  nacre_close(m);
}
END_TEST

// What it ended goes on with more of it, as if there had been more from the beginning.
START_TEST(patience_ends_a_stage) {
  const char *more = "train.three.patience=5", *ended = temp_path("ended"), *longer = temp_path("longer");
  NacreOptions o = {.set = &more, .sets = 1};
  NacreModel *m;
  train(patient, ended, 0);
  const char *log = golden_read(arena, nc_sprintf(arena, "%s/metrics.jsonl", ended), NULL);
  ck_assert_msg(log && !strstr(log, "\"step\":17") && strstr(log, "\"stage\":\"three\",\"epoch\":2,\"step\":16"), "%s", log);
  const char *record = golden_read(arena, nc_sprintf(arena, "%s/run.json", ended), NULL);
  ck_assert_msg(record && strstr(record, "\"early\": true") && strstr(record, "\"finished\""), "%s", record);
  expect_ok(m, nacre_open_run(ended, "last", NULL, &m));
  ck_assert_int_eq(nacre_train(m, &(NacreTrainOptions){.resume = ended}), NACRE_USAGE);
  ck_assert_msg(strstr(nacre_message(m), "its patience ended it after 16 steps"), "%s", nacre_message(m));
  nacre_close(m);
  expect_ok(m, nacre_open_run(ended, "last", &o, &m));
  expect_ok(m, nacre_train(m, &(NacreTrainOptions){.resume = ended}));
  nacre_close(m);
  expect_ok(m, nacre_open_text("longer.nn", patient, strlen(patient), &o, &m));
  expect_ok(m, nacre_train(m, &(NacreTrainOptions){.out = longer}));
  nacre_close(m);
  same_bytes(nc_sprintf(arena, "%s/last.safetensors", ended), nc_sprintf(arena, "%s/last.safetensors", longer));
  log = golden_read(arena, nc_sprintf(arena, "%s/metrics.jsonl", ended), NULL);
  ck_assert_msg(log && strstr(log, "\"step\":22,"), "%s", log);
}
END_TEST

// Which values of what is kept are better: as its name tells, or as the recipe says.
START_TEST(what_is_kept) {
  static const struct { const char *keep; bool max; } kept[] = {
    {"loss", false}, {"accuracy", true}, {"mistakes", true}, {"best(accuracy)", true}, {"best(loss)", false},
    {"min(mistakes)", false}, {"max(loss)", true}, {"\"accuracy\"", true}};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    const char *set = nc_sprintf(arena, "train.keep=%s", kept[i].keep);
    const char text[] =
      "nn 1\n"
      "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
      "data points { source = spiral(n = 20) }\n"
      "train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); epochs = 1\n"
      "  metrics = (accuracy = accuracy(net(x), label), mistakes = 1.0 - accuracy(net(x), label)) }\n";
    NacreModel *m;
    expect_ok(m, nacre_open_text("kept.nn", text, strlen(text), &(NacreOptions){.set = &set, .sets = 1}, &m));
    ck_assert_msg(m->program->recipe->keep_max == kept[i].max, "%s", set);
    nacre_close(m);
  }
}
END_TEST

// ---- schedules that follow the validation, beside PyTorch's

#define FOLLOWS \
  "nn 1\n" \
  "layer probe(lr)(w: f32[S...], g: f32[S...]) -> f32[S...] { 0 * g + rate(lr)() }\n" \
  "model m(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n" \
  "data points { source = spiral(n = 40); split = (train = 0.5, valid = 0.5) }\n" \
  "train m on points { loss = cross_entropy(m(x), label); optimizer = probe(%s); batch = 4; steps = 5 }\n"

// `settings` end with min or max; of each validation the metric and PyTorch's rate after it.
static void follows(const char *settings, const char *numbers) {
  const char *mode = strrchr(settings, ' ') + 1;
  const char *text = nc_sprintf(arena, FOLLOWS, nc_strndup(arena, settings, (size_t)(mode - settings)));
  NacreModel *m;
  expect_ok(m, nacre_open_text("follows.nn", text, strlen(text), NULL, &m));
  ck_assert_int_eq(m->program->recipe->plateau.n, 1);
  NcPlateauNow now = {0};
  Binds b = {0};
  double x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, label[4] = {0}, falls;
  ck_assert(bind_outputs(arena, nc_diag_new(arena), m->program->init, &b));
  bind_value(arena, &b, "x", x);
  bind_value(arena, &b, "label", label);
  for (char *s = (char *)numbers; *s;) {
    double v = strtod(s, &s), want = strtod(s, &s);
    nc_plateau_step(&m->program->recipe->plateau.at[0], &now, v, strcmp(mode, "max") == 0);
    falls = now.falls;
    bind_value(arena, &b, "plateau 0", &falls);
    run_step(arena, nc_diag_new(arena), m->program->step, &b, 0);
    double got = value_named(&b, "m.dense.b")[0];
    ck_assert_msg(fabs(got - want) < 1e-12 + 1e-9 * want, "%s: after %g the rate is %.12g, not %.12g", settings, v, got, want);
  }
  nacre_close(m);
}

START_TEST(plateaus_agree_with_pytorch) {
  const char *text = golden_read(arena, in_source(arena, "tests/golden/plateaus.txt"), NULL);
  int lines = 0;
  for (const char *end; text && (end = strchr(text, '\n')); text = end + 1) {
    const char *bar = strstr(text, " | ");
    if (*text == '#' || !bar || bar > end) continue;
    follows(nc_strndup(arena, text, (size_t)(bar - text)), nc_strndup(arena, bar + 3, (size_t)(end - bar - 3)));
    lines++;
  }
  ck_assert_int_eq(lines, 20);
}
END_TEST

// ---- every optimizer, on both classes, beside the reference

#define BANK_HEAD \
  "nn 1\n" \
  "layer trial(o)(g: f32[4]) -> f32[] {\n" \
  "  state w: f32[4] = linspace(-1.0, 0.7, 4)\n  let w1 = o(w, g + 0.3 * w)\n  update w = w1\n  sum(w1)\n}\n" \
  "data points { source = npy(x = \"%s\"); split = (train = 1.0) }\n" \
  "model bank(x: f32[B, 2]) -> f32[] {\n  param p: f32[] = 1.0\n  let g = concat(mean(x, axis = 0), mean(x ^ 2, axis = 0) - 0.5)\n" \
  "  let sums = if training { 0"
#define BANK_TAIL \
  " } else { 0 }\n  p ^ 2 + 0 * sums\n}\n" \
  "train bank on points { loss = bank(x); optimizer = sgd(0.1); batch = 8; steps = 5 }\n"

static const char *const bank[] = {
  "sgd(0.1)", "sgd(0.1, momentum = 0.9, nesterov = true, weight_decay = 0.1)", "sgd(0.1, clip_value = 0.2)",
  "adam(0.01)", "adam(0.1, betas = (0.5, 0.6), amsgrad = true)", "adamw(0.01)", "nadam(0.01)",
  "rmsprop(0.01, alpha = 0.9, momentum = 0.5)", "rmsprop(0.01, alpha = 0.9, centered = true)",
  "adagrad(0.1, lr_decay = 0.2, initial = 0.5)", "adadelta()", "lion(0.01, betas = (0.5, 0.6), weight_decay = 0.1)",
  "lamb(0.1, betas = (0.5, 0.6), weight_decay = 0.2)", "lars(2.0, momentum = 0.5, trust = 0.02, weight_decay = 0.1)",
  "sgd(cosine(0.1, warmup = 2))", "sgd(one_cycle(0.1))", "sgd(step_decay(0.1, every = 2))", "sgd(exponential(0.1))",
  "sgd(polynomial(0.1, power = 2.0))", "sgd(warmup(linear(0.1), steps = 3))", "sgd(piecewise([0.1, cosine(0.05)], at = [2]))",
};
enum { TRIALS = sizeof bank / sizeof *bank, EXAMPLES = 8, UPDATES = 5 };

static const char *bank_text(const char *data) {
  NcBuf b = NC_BUF(arena);
  nc_putf(&b, BANK_HEAD, data);
  for (int i = 0; i < TRIALS; i++) nc_putf(&b, " + (g |> trial(%s) as t%d)", bank[i], i);
  nc_put(&b, BANK_TAIL);
  return nc_buf_str(&b);
}

START_TEST(optimizers_on_both_classes) {
  NcDiag *d = nc_diag_new(arena);
  float x[EXAMPLES][2];
  double *wide = NC_NEW_N(arena, double, EXAMPLES * 2);
  for (int i = 0; i < EXAMPLES * 2; i++) wide[i] = x[i / 2][i % 2] = (float)sin(1.7 * i + 0.3);
  const char *file = temp_path("x.npy"), *text = bank_text(file);
  ck_assert(nc_npy_write(d, file, (NcType){NC_F32, NC_SHAPE(EXAMPLES, 2)}, x));
  NacreModel *m;
  NacreOptions o = {.device_class = _i ? "gpu" : "cpu", .verify = true};
  expect_ok(m, nacre_open_text("bank.nn", text, strlen(text), &o, &m));
  Binds b = {0};
  ck_assert(bind_outputs(arena, d, m->program->init, &b));
  bind_value(arena, &b, "x", wide);
  for (int i = 0; i < UPDATES; i++) run_step(arena, d, m->program->step, &b, i);
  const char *out = temp_path(nc_sprintf(arena, "bank%d", _i));
  expect_ok(m, nacre_train(m, &(NacreTrainOptions){.out = out}));
  NcTensors t;
  ck_assert(nc_safetensors_read(arena, d, NC_NOWHERE, nc_sprintf(arena, "%s/last.safetensors", out), &t));
  for (int i = 0; i < TRIALS; i++) {
    const char *path = nc_sprintf(arena, "bank.t%d.w", i);
    const NcTensor *got = nc_tensor_find(&t, path);
    const double *want = value_named(&b, path);
    ck_assert_msg(got && want, "%s", path);
    for (int k = 0; k < 4; k++) {
      double v = (double)((const float *)got->data)[k];
      ck_assert_msg(fabs(v - want[k]) <= 1e-6 + 1e-4 * fabs(want[k]), "%s on class %s: %.9g, not %.9g", bank[i],
                    o.device_class, v, want[k]);
    }
  }
  nacre_close(m);   // it owns the names that b knows
}
END_TEST

int main(void) {
  Suite *s = suite_create("stages");
  TCase *t = suite_case(s, "stages", temp_open, temp_close);
  tcase_add_loop_test(t, a_stop_changes_nothing, 0, 4);
  tcase_add_test(t, patience_ends_a_stage);
  tcase_add_test(t, what_is_kept);
  tcase_add_test(t, plateaus_agree_with_pytorch);
  tcase_add_loop_test(t, optimizers_on_both_classes, 0, 2);
  return suite_run(s, CK_FORK_GETENV);
}
