// A batch in parts: what is proven to give the same result and what is refused (compiler/ops/examples.h), and a training that
// does not fit the device.
#include <math.h>
#include "elab_run.h"
#include "ops/examples.h"
#include "ops/op.h"
#include "train_run.h"

static NcProgram *elaborated(const char *text, int64_t batch, const char *accumulate) {
  const NcSet set = {.path = "train.accumulate", .value = accumulate};
  NcProgramOptions o = {.name = "file.nn", .text = text, .size = strlen(text), .hooks = {.describe = describe_some}, .batch = batch,
                        .nset = 1, .set = &set};
  NcDiag *d = nc_diag_new(arena);
  NcProgram *p = nc_program(arena, d, &o);
  ck_assert_msg(p != NULL, "%s", messages(d));
  return p;
}

// A file with this network over d.x, and this loss, of `y` and the fields.
static const char *file(const char *kind, const char *net, const char *loss) {
  const bool text = strcmp(kind, "text") == 0;
  return nc_sprintf(arena,
    "nn 1\ndata d { source = %s%s; split = (train = 1.0) }\n"
    "model m(x: %s) { %s }\n"
    "train m on d { let y = m(%s); loss = %s; optimizer = adam(1e-3, clip = 1.0); batch = 12; epochs = 1 }\n",
    kind, text ? "(\"t.txt\", window = 17)" : "(n = 100)",
    text ? "i32[B, T]" : strcmp(kind, "digits") == 0 ? "f32[B, 28, 28]" : "f32[B, 2]", net,
    text ? "tok[:, 0..16]" : strcmp(kind, "digits") == 0 ? "image / 255" : "x", loss);
}

// why NULL: proven; else what the refusal says. draws: random numbers for examples are among what is computed.
static const struct { const char *kind, *net, *loss, *why; bool draws; } cases[] = {
  {"spiral", "x |> dense(8) |> relu |> dense(2)", "cross_entropy(y, label)", NULL, false},
  {"spiral", "x |> dense(8) |> layer_norm |> gelu |> dropout(0.2) |> dense(2)", "cross_entropy(y, label)", NULL, true},
  {"spiral", "x |> dense(8) |> relu |> dense(2)", "cross_entropy(y, label) + 0.5 * mean(abs(x - y))", NULL, false},
  {"digits", "x[:, new] |> conv(4, 3, pad = 1) |> group_norm(2) |> relu |> max_pool(2) |> flatten |> dense(10)",
      "cross_entropy(y, label)", NULL, false},
  {"text", "x |> embedding(65, 8) |> self_attention(2, causal = true) |> dense(65)", "cross_entropy(y, tok[:, 1..17])", NULL, false},
  {"text", "x |> embedding(65, 8) |> lstm(6) |> dense(65)", "cross_entropy(y, tok[:, 1..17])", NULL, false},
  {"spiral", "x |> dense(8) |> batch_norm |> dense(2)", "cross_entropy(y, label)", "whole batch", false},
  {"spiral", "x |> dense(8) |> dense(2)", "sum(abs(y - x))", "no mean over the examples", false},
  {"spiral", "x |> dense(8) |> dense(2)", "sqrt(mean(abs(y - x)))", "whole batch", false},
  {"spiral", "x |> dense(8) |> dense(2)", "mean(abs(y - concat(x[1..], x[..1], axis = 0)))", "compares", false},
  {"spiral", "x |> dense(8) |> dense(2)", "mean(abs(y @ transpose(y)))", "compares", false},
  {"spiral", "x |> dense(8) |> dense(2)", "max(y)", "whole batch", false},
  // As many numbers of a table as there are examples, from its start or filled up with zeros: each part would take the first.
  {"spiral", "x |> dense(2)", "mean(abs(y - 0.01 * f32(range(24)[..B])[:, new]))", "whole batch", false},
  {"spiral", "x |> dense(2)", "mean(abs(y - 0.01 * f32(pad(range(3), 0, B - 3))[:, new]))", "another operation", false},
  // A table that both read from another place, the same by its shape alone.
  {"spiral", "x |> dense(2)", "mean(abs(y - f32(range(24)[B..B + 2])))", "another operation", false},
  {"spiral", "x |> dense(2)", "mean(abs(y - f32(pad(range(2), B, 0)[B - 1..B + 1])))", "another operation", false},
  // Rows of what is turned round and then reshaped go over several examples.
  {"spiral", "x |> dense(8)", "mean(max(reshape[B, 8](transpose(y)), axis = 1))", "whole batch", false},
  {"spiral", "x |> dense(2)", "mean(y) / B", "no mean over the examples", false},
  {"spiral", "x |> dense(2)", "mean(abs(y)) * B", "no mean over the examples", false},
};

START_TEST(proof) {
  const char *text = file(cases[_i].kind, cases[_i].net, cases[_i].loss);
  NcProgram *whole = elaborated(text, 12, "1");
  for (int parts = 2; parts <= 4; parts += 2) {
    NcProgram *part = elaborated(text, 12 / parts, parts == 2 ? "2" : "4");
    NcExamples why;
    const bool same = nc_mean_of_examples(arena, whole->step, part->step, parts, "loss", &why);
    ck_assert_msg(same == !cases[_i].why, "%s\n%s: %s", text, why.at ? why.at->op->name : "proven", why.why ? why.why : "");
    if (same) ck_assert_int_eq(why.draws, cases[_i].draws);
    else ck_assert_msg(why.at && strstr(why.why, cases[_i].why), "%s: %s", cases[_i].why, why.why);
  }
}
END_TEST

// ---- a training

static const char *const trained =
  "nn 1\ndata d { source = digits(n = 128); split = (train = 0.5, valid = 0.5) }\n"
  "model m(x: f32[B, 28, 28]) -> f32[B, 10] { x[:, new] |> conv(4, 3, pad = 1) %s |> relu |> global_avg_pool |> dense(10) }\n"
  "train m on d { loss = cross_entropy(m(image / 255), label); optimizer = sgd(0.1); batch = 16; epochs = 1; seed = 3 }\n";

typedef struct { int steps; double loss[8]; size_t bytes; char warned[512]; } Seen;

static void see(void *ctx, const NacreProgress *p) {
  Seen *s = ctx;
  if (strcmp(p->phase, "warning") == 0 && strstr(p->text, "E0504")) snprintf(s->warned, sizeof s->warned, "%s", p->text);
  if (strcmp(p->phase, "train") != 0 || s->steps == 8) return;
  s->loss[s->steps++] = p->metric[0].value;
  s->bytes = p->device_bytes;
}

static NacreStatus train(const char *between, int64_t memory, const char *out, Seen *s, char *said, size_t room) {
  NacreModel *m;
  const char *text = nc_sprintf(arena, trained, between);
  NacreOptions o = {.memory = memory};
  expect_status(m, nacre_open_text("m.nn", text, strlen(text), &o, &m), NACRE_OK);
  *s = (Seen){0};
  NacreStatus status = nacre_train(m, &(NacreTrainOptions){.out = temp_path(out), .progress = see, .ctx = s});
  snprintf(said, room, "%s", nacre_message(m));
  nacre_close(m);
  return status;
}

START_TEST(a_training_in_parts_has_the_same_losses) {
  char said[4096];
  Seen whole, parts;
  ck_assert_msg(train("", 0, "whole", &whole, said, sizeof said) == NACRE_OK, "%s", said);
  ck_assert_str_eq(whole.warned, "");
  ck_assert_int_eq(whole.steps, 4);
  const int64_t limit = (int64_t)(whole.bytes * 7 / 10);
  ck_assert_msg(train("", limit, "parts", &parts, said, sizeof said) == NACRE_OK, "%s", said);
  ck_assert_msg(strstr(parts.warned, "2 × 8, with the same result"), "%s", parts.warned);
  ck_assert_uint_le(parts.bytes, (size_t)limit);
  ck_assert_int_eq(parts.steps, 4);
  for (int i = 0; i < 4; i++) ck_assert_double_eq_tol(parts.loss[i], whole.loss[i], 2e-5);
  NacreModel *m;                           // what was resolved trains in the same parts, without the limit
  expect_status(m, nacre_open(temp_path("parts/resolved.nn"), NULL, &m), NACRE_OK);
  Seen again = {0};
  expect_status(m, nacre_train(m, &(NacreTrainOptions){.out = temp_path("again"), .progress = see, .ctx = &again}), NACRE_OK);
  nacre_close(m);
  for (int i = 0; i < 4; i++) ck_assert(again.loss[i] == parts.loss[i]);
}
END_TEST

// A larger batch for evaluating that does not fit is compiled once: asked again, not a byte is needed.
START_TEST(what_is_too_large_is_remembered) {
  NacreModel *m;
  const char *text = nc_sprintf(arena, trained, "");
  expect_status(m, nacre_open_text("m.nn", text, strlen(text), NULL, &m), NACRE_OK);
  NcCompiled *c = nc_engine_get(m, "eval", 64);
  ck_assert_msg(c != NULL, "%s", nacre_message(m));
  NacreOptions less = {.memory = (int64_t)(nc_plan_bytes(c->plan) * 3 / 4)};
  nacre_close(m);
  expect_status(m, nacre_open_text("m.nn", text, strlen(text), &less, &m), NACRE_OK);
  ck_assert_int_eq(nc_engine_batch(m, "eval", 64), 16);
  ck_assert_int_eq(m->diag->messages.n, 0);
  if (NC_ON_OOM(m->arena)) ck_abort_msg("it was tried again");
  nc_arena_fail_after(m->arena, 1);
  ck_assert_int_eq(nc_engine_batch(m, "eval", 64), 16);
  nc_arena_fail_after(m->arena, 0);
  nacre_close(m);
}
END_TEST

// Where the batch cannot be divided, less is kept; what was resolved says so, and trains to the same bits without the limit.
START_TEST(batch_statistics_are_computed_again) {
  static const char layers[] = "|> batch_norm |> relu |> conv(4, 3, pad = 1) |> batch_norm |> relu |> conv(4, 3, pad = 1) |> batch_norm";
  char said[4096];
  Seen whole, less;
  ck_assert_msg(train(layers, 0, "whole", &whole, said, sizeof said) == NACRE_OK, "%s", said);
  const int64_t limit = (int64_t)(whole.bytes * 9 / 10);
  ck_assert_msg(train(layers, limit, "less", &less, said, sizeof said) == NACRE_OK, "%s", said);
  ck_assert_msg(strstr(less.warned, "computed again for the gradients, as by `recompute = "), "%s", less.warned);
  ck_assert_uint_le(less.bytes, (size_t)limit);
  for (int i = 0; i < 4; i++) ck_assert_double_eq_tol(less.loss[i], whole.loss[i], 1e-6);
  size_t n;
  char *record = slurp(temp_path("less/run.json"), &n);
  ck_assert(strstr(record, "\"recompute\": ") != NULL);
  free(record);
  NacreModel *m;
  expect_status(m, nacre_open(temp_path("less/resolved.nn"), NULL, &m), NACRE_OK);
  Seen again = {0};
  expect_status(m, nacre_train(m, &(NacreTrainOptions){.out = temp_path("again"), .progress = see, .ctx = &again}), NACRE_OK);
  nacre_close(m);
  for (int i = 0; i < 4; i++) ck_assert(again.loss[i] == less.loss[i]);
}
END_TEST

START_TEST(batch_statistics_are_refused) {
  char said[4096];
  Seen whole, parts;
  ck_assert_msg(train("|> batch_norm", 0, "whole", &whole, said, sizeof said) == NACRE_OK, "%s", said);
  ck_assert_int_eq(train("|> batch_norm", (int64_t)(whole.bytes * 5 / 10), "parts", &parts, said, sizeof said), NACRE_DEVICE);
  ck_assert_msg(strstr(said, "of m.batch_norm is computed over the whole batch"), "%s", said);
  ck_assert_msg(strstr(said, "--set train.accumulate="), "%s", said);
  ck_assert_int_eq(parts.steps, 0);
}
END_TEST

START_TEST(nothing_fits) {
  char said[4096];
  Seen s;
  ck_assert_int_eq(train("", 4096, "none", &s, said, sizeof said), NACRE_DEVICE);
  ck_assert_msg(strstr(said, "nor does a part of the batch"), "%s", said);
}
END_TEST

int main(void) {
  Suite *s = suite_create("divide");
  TCase *t = suite_case(s, "proof", suite_open, suite_close);
  tcase_add_loop_test(t, proof, 0, LENGTH(cases));
  t = suite_case(s, "training", suite_open, suite_close);
  tcase_add_checked_fixture(t, temp_make, temp_remove);
  tcase_add_test(t, a_training_in_parts_has_the_same_losses);
  tcase_add_test(t, what_is_too_large_is_remembered);
  tcase_add_test(t, batch_statistics_are_computed_again);
  tcase_add_test(t, batch_statistics_are_refused);
  tcase_add_test(t, nothing_fits);
  return suite_run(s, CK_FORK_GETENV);
}
