// Training as a whole, on a device: PyTorch's losses, equal bits, stopping and going on.
#include <math.h>
#include <unistd.h>
#include "base/file.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "train_run.h"

static const char *source_dir;

// ---- PyTorch's losses from the same start (tests/golden/make_golden.py has the formulas)

enum { N = 32, STEPS = 20 };

static void write_golden_data(NcArena *a, NcDiag *d) {
  uint8_t *image = nc_alloc(a, N * 784);
  int32_t *label = NC_NEW_N(a, int32_t, N);
  for (int64_t i = 0; i < N * 784; i++) {
    int64_t v = i * 7919 % 251;
    image[i] = (uint8_t)(i % 784 / 28 / 2 == i / 784 % 10 ? v : v / 10);
  }
  for (int i = 0; i < N; i++) label[i] = i % 10;
  ck_assert(nc_npy_write(d, temp_path("image.npy"), (NcType){NC_U8, NC_SHAPE(N, 28, 28)}, image));
  ck_assert(nc_npy_write(d, temp_path("label.npy"), (NcType){NC_I32, NC_SHAPE(N)}, label));
}

static void write_golden_weights(NcArena *a, NcDiag *d, const NacreModel *m) {
  NcTensor *t = NC_NEW_N(a, NcTensor, m->program->variable.n);
  int n = 0;
  for (int i = 0; i < m->program->variable.n; i++) {
    const NcVariable *v = &m->program->variable.at[i];
    if (strcmp(v->kind, "param") != 0) continue;
    int64_t count = nc_count(v->type.shape);
    double scale = v->type.shape.rank > 1 ? 1 / sqrt((double)(count / v->type.shape.dim[0])) : 0.01;
    float *w = NC_NEW_N(a, float, count);
    for (int64_t k = 0; k < count; k++) w[k] = (float)(scale * sin(12.9898 * (double)k + n));
    t[n++] = (NcTensor){v->path, v->type, w};
  }
  ck_assert(nc_safetensors_write(a, d, temp_path("start.safetensors"), t, n, NULL, 0));
}

typedef struct { double loss[STEPS]; int64_t steps; } Losses;
static void keep_loss(void *ctx, const NacreProgress *p) {
  Losses *l = ctx;
  if (strcmp(p->phase, "train") != 0) return;
  ck_assert_int_le(p->step, STEPS);
  l->loss[p->step - 1] = p->metric[0].value;
  l->steps = p->step;
}

static const struct { const char *net, *cls; } goldens[] = {{"mlp", "cpu"}, {"cnn", "cpu"}, {"mlp", "gpu"}, {"cnn", "gpu"}};

START_TEST(losses_equal_pytorch) {
  const char *net = goldens[_i].net;
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  ck_assert(!NC_ON_OOM(a));
  write_golden_data(a, d);
  const char *set[] = {nc_sprintf(a, "digits.images=%s", temp_path("image.npy")),
      nc_sprintf(a, "digits.labels=%s", temp_path("label.npy"))};
  unsetenv("NACRE_DEBUG");            // optimized, as they run for users
  NacreOptions o = {.set = set, .sets = 2, .device_class = goldens[_i].cls, .verify = true};
  NacreModel *m;
  expect_status(m, nacre_open(nc_sprintf(a, "%s/golden/%s.nn", source_dir, net), &o, &m), NACRE_OK);
  write_golden_weights(a, d, m);
  expect_status(m, nacre_load(m, temp_path("start.safetensors")), NACRE_OK);
  Losses got = {0};
  NacreTrainOptions t = {.out = temp_path("golden"), .force = true, .progress = keep_loss, .ctx = &got};
  expect_status(m, nacre_train(m, &t), NACRE_OK);
  ck_assert_int_eq(got.steps, STEPS);
  size_t n;
  char *text = slurp(nc_sprintf(a, "%s/golden/%s.losses", source_dir, net), &n), *s = strchr(text, '\n');
  for (int i = 0; i < STEPS; i++) {
    double want = strtod(s, &s);
    ck_assert_msg(fabs(got.loss[i] - want) <= 1e-4 * want, "%s, %s class: step %d: loss %.9g, PyTorch %.9g", net,
                  goldens[_i].cls, i, got.loss[i], want);
  }
  free(text);
  nacre_close(m);
  nc_arena_free(a);
}
END_TEST

// ---- the same bits

START_TEST(equal_seeds_give_equal_bytes) {
  NacreModel *m;
  for (int i = 0; i < 2; i++) {
    expect_status(m, run(temp_path(i ? "b" : "a"), 0, NULL, 0, &m), NACRE_OK);
    nacre_close(m);
  }
  same_bytes(temp_path("a/last.safetensors"), temp_path("b/last.safetensors"));
  same_bytes(temp_path("a/best.safetensors"), temp_path("b/best.safetensors"));
}
END_TEST

// Stopped within an epoch, at an epoch's end, after the first step, before the last.
static const int64_t stops[] = {1, 3, 5, 7, 10, 19};
START_TEST(a_resume_goes_on_with_the_same_bits) {
  NacreModel *m;
  char whole[64], part[64];   // each turn of a loop test is a process of its own in one folder
  snprintf(whole, sizeof whole, "whole%d", _i);
  snprintf(part, sizeof part, "part%d", _i);
  expect_status(m, run(temp_path(whole), 0, NULL, 0, &m), NACRE_OK);
  nacre_close(m);
  const char *out = strdup(temp_path(part));
  expect_status(m, run(out, stops[_i], NULL, 0, &m), NACRE_OK);
  nacre_close(m);
  expect_status(m, nacre_open_run(out, "last", NULL, &m), NACRE_OK);
  NacreTrainOptions t = {.resume = out};
  expect_status(m, nacre_train(m, &t), NACRE_OK);
  nacre_close(m);
  static const char *const files[] = {"last.safetensors", "best.safetensors"};
  for (int k = 0; k < 2; k++) {
    char first[400], second[400];
    snprintf(first, sizeof first, "%s/%s", temp_path(whole), files[k]);
    snprintf(second, sizeof second, "%s/%s", out, files[k]);
    same_bytes(first, second);
  }
  free((char *)out);
}
END_TEST

// ---- data drawn at random

static const char drawn[] =
  "nn 1\n"
  "data points { source = plane(n = 640); x = rand[B, 2]; split = (train = 0.5, valid = 0.25, test = 0.25) }\n"
  "model net(x: f32[B, 2]) -> f32[B, 1] { x |> dense(1) }\n"
  "fn middle(x: f32[S...]) -> f32[] { mean(x) }\n"
  "fn square(x: f32[S...]) -> f32[] { middle(x) * middle(x) }\n"
  "train net on points {\n"
  "  loss = mean(net(x) * net(x))\n"
  "  metrics = [middle(x), square(x)]\n"
  "  optimizer = sgd(0.01)\n"
  "  batch = 20; epochs = 2\n"
  "}\n";

typedef struct { double middle[2][16 * 2]; int64_t told[2]; } Drawn;   // of the steps, of the validations
static void keep_drawn(void *ctx, const NacreProgress *p) {
  Drawn *d = ctx;
  int valid = strcmp(p->phase, "valid") == 0;
  if (!valid && strcmp(p->phase, "train") != 0) return;
  ck_assert_int_lt(d->told[valid], 32);
  d->middle[valid][d->told[valid]++] = p->metric[1].value;
}

// Every part draws its own numbers, every batch of it too, and the same ones whenever it is asked.
START_TEST(parts_draw_their_own_numbers) {
  NacreModel *m;
  Drawn d = {0};
  expect_status(m, nacre_open_text("drawn.nn", drawn, sizeof drawn - 1, NULL, &m), NACRE_OK);
  NacreTrainOptions t = {.out = temp_path("drawn"), .progress = keep_drawn, .ctx = &d};
  expect_status(m, nacre_train(m, &t), NACRE_OK);
  nacre_close(m);
  ck_assert_int_eq(d.told[0], 32);
  ck_assert_msg(d.middle[0][15] != d.middle[0][31], "two epochs with the same numbers");   // means over an epoch
  ck_assert_int_eq(d.told[1], 2);
  ck_assert(d.middle[1][0] == d.middle[1][1]);
  static const char *const parts[] = {"valid", "valid", "test", "train"};
  double middle[4];
  expect_status(m, nacre_open_run(temp_path("drawn"), "last", NULL, &m), NACRE_OK);
  for (int i = 0; i < 4; i++) {
    NacreScores s;
    expect_status(m, nacre_eval(m, parts[i], &s), NACRE_OK);
    middle[i] = s.metric[1].value;
    ck_assert_msg(s.metric[2].value - middle[i] * middle[i] > 1e-7, "the batches of `%s` have the same numbers", parts[i]);
  }
  nacre_close(m);
  ck_assert(middle[0] == d.middle[1][1]);
  ck_assert(middle[0] == middle[1]);
  for (int i = 1; i < 4; i++)
    for (int k = 1; k < i; k++) ck_assert_msg(middle[i] != middle[k], "`%s` draws what `%s` does", parts[i], parts[k]);
}
END_TEST

static bool at_once(void *ctx) { return ++*(int *)ctx > 4; }

START_TEST(a_stop_saves) {
  NacreModel *m;
  int asked = 0;
  NacreOptions o = {0};
  expect_status(m, nacre_open_text("small.nn", small, sizeof small - 1, &o, &m), NACRE_OK);
  NacreTrainOptions t = {.out = temp_path("stopped"), .stop = at_once, .ctx = &asked};
  expect_status(m, nacre_train(m, &t), NACRE_INTERRUPTED);
  nacre_close(m);
  expect_status(m, nacre_open_run(temp_path("stopped"), "last", NULL, &m), NACRE_OK);
  NacreScores s;
  expect_status(m, nacre_eval(m, "valid", &s), NACRE_OK);
  ck_assert_int_eq(s.examples, 40);
  ck_assert_str_eq(s.metric[1].name, "accuracy");
  nacre_close(m);
}
END_TEST

static bool always(void *ctx) { return ctx == NULL; }

// Ctrl-C while the driver compiles ends its compiler too.
START_TEST(a_stop_of_the_compiler_is_no_error) {
  NacreModel *m;
  expect_status(m, nacre_open_text("small.nn", small, sizeof small - 1, NULL, &m), NACRE_OK);
  ck_assert(nc_engine_device(m));
  for (int i = 0; i < 2; i++) {
    nc_devices_fail_call(m->devices, "clBuildProgram", 1);
    NacreTrainOptions t = {.out = temp_path("not begun"), .stop = i ? always : NULL};
    expect_status(m, nacre_train(m, &t), i ? NACRE_INTERRUPTED : NACRE_DEVICE);
    ck_assert_int_ne(access(temp_path("not begun"), F_OK), 0);
  }
  nacre_close(m);
}
END_TEST

START_TEST(one_batch_is_no_way_to_go_on) {
  NacreModel *m;
  expect_status(m, nacre_open_text("small.nn", small, sizeof small - 1, NULL, &m), NACRE_OK);
  expect_status(m, nacre_train(m, &(NacreTrainOptions){.overfit = true, .resume = temp_path("none")}), NACRE_USAGE);
  ck_assert_ptr_nonnull(strstr(nacre_message(m), "E0704"));
  nacre_close(m);
}
END_TEST

static void nothing(void *ctx, const char *text, size_t size) { (void)ctx, (void)text, (void)size; }

// The folder of a bench's caches goes with it, where memory runs out on the way too.
START_TEST(a_bench_leaves_nothing) {
  NacreModel *m;
  expect_status(m, nacre_open_text("small.nn", small, sizeof small - 1, NULL, &m), NACRE_OK);
  setenv("TMPDIR", temp_dir, 1);
  for (int n = 1; n <= 4; n++) {
    nc_arena_fail_after(m->arena, n);
    expect_status(m, nacre_bench(m, &(NacreBenchOptions){.runs = 1}, nothing, NULL), NACRE_RUN);
    nc_arena_fail_after(m->arena, 0);
    ck_assert_msg(rmdir(temp_dir) == 0 && mkdir(temp_dir, 0700) == 0, "something is left when allocation %d fails", n);
  }
  nacre_close(m);
}
END_TEST

START_TEST(predictions_follow_the_weights) {
  NacreModel *m;
  expect_status(m, run(temp_path("predict"), 0, NULL, 0, &m), NACRE_OK);
  int n;
  const NacreTensor *in, *shape;
  expect_status(m, nacre_inputs(m, &n, &in), NACRE_OK);
  ck_assert_int_eq(n, 1);
  ck_assert_str_eq(in->name, "x");
  ck_assert_int_eq(in->rank, 1);
  static float x[37][2];
  for (int i = 0; i < 37; i++) x[i][0] = (float)i / 37, x[i][1] = -x[i][0];
  const void *data[] = {x};
  const float *y;
  expect_status(m, nacre_predict(m, 37, data, &shape, &y), NACRE_OK);
  float all[37][2];
  memcpy(all, y, sizeof all);
  for (int i = 0; i < 37; i += 12) {   // one by one, the same scores
    data[0] = x[i];
    expect_status(m, nacre_predict(m, 1, data, &shape, &y), NACRE_OK);
    for (int k = 0; k < 2; k++) ck_assert_msg(fabsf(y[k] - all[i][k]) <= 1e-5f, "%d: %g, not %g", i, y[k], all[i][k]);
  }
  nacre_close(m);
}
END_TEST

int main(void) {
  char folder[512];
  snprintf(folder, sizeof folder, "%s/tests", getenv("srcdir") ? getenv("srcdir") : ".");
  source_dir = folder;
  Suite *s = suite_create("train");
  TCase *c = suite_case(s, "train", temp_open, temp_close);
  tcase_add_loop_test(c, losses_equal_pytorch, 0, sizeof goldens / sizeof *goldens);
  tcase_add_test(c, equal_seeds_give_equal_bytes);
  tcase_add_loop_test(c, a_resume_goes_on_with_the_same_bits, 0, sizeof stops / sizeof *stops);
  tcase_add_test(c, parts_draw_their_own_numbers);
  tcase_add_test(c, predictions_follow_the_weights);
  c = suite_case(s, "stops", temp_open, temp_close);
  tcase_add_test(c, a_stop_saves);
  tcase_add_test(c, one_batch_is_no_way_to_go_on);
  tcase_add_test(c, a_bench_leaves_nothing);
  tcase_add_test(c, a_stop_of_the_compiler_is_no_error);
  return suite_run(s, CK_FORK_GETENV);
}
