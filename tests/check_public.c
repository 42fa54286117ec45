// nacre.h where it is used wrongly: every function with no model, with a model that could not be opened, with NULL where
// something must be given, and with words that it does not know. Nothing crashes, each says what is wrong, and a model that
// was misused can be used on. No device is opened. (What the functions do is in the suites of their own, and in the scripts.)
#include <locale.h>
#include <stdlib.h>
#include "nacre.h"
#include "tempdir.h"

static const char source[] =
  "nn 1\n"
  "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
  "data points { source = spiral(n = 40); split = (train = 0.5, valid = 0.5) }\n"
  "train net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.1); epochs = 1 }\n"
  "task twice(x: f32[2]) -> f32[2] { x * 2 }\n";

typedef struct { size_t n; char text[4096]; } Kept;
static void keep(void *ctx, const char *text, size_t size) {
  Kept *k = ctx;
  size_t room = sizeof k->text - 1 - k->n;
  if (size > room) size = room;
  memcpy(k->text + k->n, text, size);
  k->text[k->n += size] = 0;
}

static NacreModel *open_text(const char *text, NacreStatus want) {
  NacreModel *m;
  ck_assert_int_eq(nacre_open_text("net.nn", text, strlen(text), NULL, &m), want);
  ck_assert_ptr_nonnull(m);
  return m;
}

// ---- every function that takes a model: how it is called, with something or NULL in one place

enum { NONE, RIGHT };                     // what its arguments are: NULL, or of use
typedef NacreStatus Call(NacreModel *m, int how);

static const NacreTensor *tensors;
static const NacreOutput *outputs;
static const float *numbers;
static int count;
static NacreScores scores;
static NacrePicture picture;
static const float point[2] = {1, 2};
static const void *const points[] = {point};
static const NacreEmit graph_of_step = {.what = "graph"};
static const NacreDraw draw;
static const char *const image[] = {"absent.png"};
static const NacreArgument x_given[] = {{"x", "1,2"}};
static const NacreRun run_given = {.args = 1, .arg = x_given}, run_torn = {.args = 1};
static const int64_t two_batches[] = {2, 4};
static const NacreBenchOptions bench_given = {.batches = 2, .batch = two_batches}, bench_torn = {.batches = 2};
static const NacreOutput one_output = {{"y", "f32", 1, {2}}, point};
static Kept kept;

#define OR_NULL(x) (how == RIGHT ? (x) : NULL)
static NacreStatus call_eval(NacreModel *m, int how) { return nacre_eval(m, "nothing", OR_NULL(&scores)); }
static NacreStatus call_inputs(NacreModel *m, int how) { return nacre_inputs(m, OR_NULL(&count), &tensors); }
static NacreStatus call_predict(NacreModel *m, int how) { return nacre_predict(m, 0, OR_NULL(points), &tensors, &numbers); }
static NacreStatus call_predict_out(NacreModel *m, int how) { return nacre_predict(m, 0, points, &tensors, OR_NULL(&numbers)); }
static NacreStatus call_predict_all(NacreModel *m, int how) { return nacre_predict_all(m, 0, OR_NULL(points), &count, &outputs); }
static NacreStatus call_predict_all_out(NacreModel *m, int how) { return nacre_predict_all(m, 0, points, OR_NULL(&count), &outputs); }
static NacreStatus call_images(NacreModel *m, int how) { return nacre_predict_images(m, 0, OR_NULL(image), "csv", NULL, keep, &kept); }
static NacreStatus call_images_write(NacreModel *m, int how) {
  return nacre_predict_images(m, 0, image, "csv", NULL, OR_NULL(keep), &kept);
}
static NacreStatus call_file(NacreModel *m, int how) {
  return nacre_predict_file(m, NULL, "nothing", "csv", NULL, OR_NULL(keep), &kept);
}
static NacreStatus call_file_form(NacreModel *m, int how) {
  return nacre_predict_file(m, NULL, "nothing", OR_NULL("csv"), NULL, keep, &kept);
}
static NacreStatus call_task(NacreModel *m, int how) { return nacre_run_task(m, OR_NULL("no_such"), &run_given, &count, &outputs); }
static NacreStatus call_task_args(NacreModel *m, int how) {
  return nacre_run_task(m, "no_such", how == RIGHT ? &run_given : &run_torn, &count, &outputs);
}
static NacreStatus call_write(NacreModel *m, int how) { return nacre_write_outputs(m, "y", 1, OR_NULL(&one_output), NULL, keep, &kept); }
static NacreStatus call_path(NacreModel *m, int how) { return nacre_output_path(m, OR_NULL("y.npy")); }
static NacreStatus call_save(NacreModel *m, int how) { return (void)how, nacre_save(m, NULL); }
static NacreStatus call_load(NacreModel *m, int how) { return nacre_load(m, OR_NULL("absent.safetensors")); }
static NacreStatus call_summary(NacreModel *m, int how) { return nacre_summary(m, OR_NULL(keep), &kept); }
static NacreStatus call_emit(NacreModel *m, int how) { return nacre_emit(m, OR_NULL(&graph_of_step), keep, &kept); }
static NacreStatus call_emit_write(NacreModel *m, int how) { return nacre_emit(m, &graph_of_step, OR_NULL(keep), &kept); }
static NacreStatus call_draw(NacreModel *m, int how) { return nacre_draw(m, OR_NULL(&draw), &picture); }
static NacreStatus call_draw_out(NacreModel *m, int how) { return nacre_draw(m, &draw, OR_NULL(&picture)); }
static NacreStatus call_report(NacreModel *m, int how) { return nacre_report(m, OR_NULL(keep), &kept); }
static NacreStatus call_test(NacreModel *m, int how) { return nacre_test(m, OR_NULL(keep), &kept); }
static NacreStatus call_profile(NacreModel *m, int how) {
  return nacre_profile(m, &(NacreProfileOptions){.purpose = "nothing"}, OR_NULL(keep), &kept);
}
static NacreStatus call_bench(NacreModel *m, int how) { return (void)how, nacre_bench(m, &bench_given, NULL, NULL); }
static NacreStatus call_bench_batch(NacreModel *m, int how) { return (void)how, nacre_bench(m, &bench_torn, keep, &kept); }
static NacreStatus call_tune(NacreModel *m, int how) { return (void)how, nacre_tune(m, NULL, NULL, NULL); }
static NacreStatus call_train(NacreModel *m, int how) { return (void)how, nacre_train(m, NULL); }

// What the right call gives with the model above; no device is needed to find that out. WRONG: it would be, and is not made
// here. FINE: NULL is allowed.
enum { WRONG = -1, FINE = -2 };
static const struct { const char *name; Call *call; int right; } calls[] = {
  {"nacre_eval", call_eval, NACRE_USAGE},
  {"nacre_inputs", call_inputs, NACRE_OK},
  {"nacre_predict, data", call_predict, NACRE_DATA},
  {"nacre_predict, out", call_predict_out, NACRE_DATA},
  {"nacre_predict_all, data", call_predict_all, NACRE_DATA},
  {"nacre_predict_all, outputs", call_predict_all_out, NACRE_DATA},
  {"nacre_predict_images, path", call_images, NACRE_DATA},
  {"nacre_predict_images, write", call_images_write, NACRE_DATA},
  {"nacre_predict_file, write", call_file, NACRE_USAGE},
  {"nacre_predict_file, format", call_file_form, NACRE_USAGE},
  {"nacre_run_task, task", call_task, NACRE_USAGE},
  {"nacre_run_task, arguments", call_task_args, NACRE_USAGE},
  {"nacre_write_outputs", call_write, NACRE_OK},
  {"nacre_output_path", call_path, NACRE_OK},
  {"nacre_save", call_save, WRONG},
  {"nacre_load", call_load, NACRE_DATA},
  {"nacre_summary", call_summary, NACRE_OK},
  {"nacre_emit", call_emit, NACRE_OK},
  {"nacre_emit, write", call_emit_write, NACRE_OK},
  {"nacre_draw", call_draw, NACRE_OK},
  {"nacre_draw, out", call_draw_out, NACRE_OK},
  {"nacre_report", call_report, NACRE_RUN},
  {"nacre_test", call_test, NACRE_OK},
  {"nacre_profile", call_profile, NACRE_USAGE},
  {"nacre_bench", call_bench, WRONG},
  {"nacre_bench, batch", call_bench_batch, WRONG},
  {"nacre_tune", call_tune, WRONG},
  {"nacre_train", call_train, FINE},
};

START_TEST(no_model) {
  ck_assert_int_eq(calls[_i].call(NULL, NONE), NACRE_USAGE);
  ck_assert_int_eq(calls[_i].call(NULL, RIGHT), NACRE_USAGE);
}
END_TEST

START_TEST(a_model_that_could_not_be_opened) {
  NacreModel *m = open_text("nn 1\nmodel m(x: f32[B]) -> f32[B] { y }\n", NACRE_MODEL);
  ck_assert_ptr_nonnull(strstr(nacre_message(m), "E0301"));
  for (int how = NONE; how <= RIGHT; how++) {
    NacreStatus s = calls[_i].call(m, how);
    ck_assert_msg(s == NACRE_USAGE && strstr(nacre_message(m), "E0704"), "status %d: %s", s, nacre_message(m));
  }
  nacre_close(m);
}
END_TEST

START_TEST(nothing_where_something_must_be_given) {
  if (calls[_i].right == FINE) return;
  NacreModel *m = open_text(source, NACRE_OK);
  NacreStatus s = calls[_i].call(m, NONE);
  const char *said = nacre_message(m);
  ck_assert_msg(s == NACRE_USAGE && strstr(said, "E0704") && strstr(said, "must not be NULL"), "status %d: %s", s, said);
  if (calls[_i].right != WRONG) {                         // it can be used on
    s = calls[_i].call(m, RIGHT);
    ck_assert_msg((int)s == calls[_i].right && !strstr(nacre_message(m), "E0704"), "status %d: %s", s, nacre_message(m));
  }
  nacre_close(m);
}
END_TEST

// ---- opening

START_TEST(opening) {
  NacreModel *m;
  ck_assert_int_eq(nacre_open("x.nn", NULL, NULL), NACRE_USAGE);
  static const char *const torn[] = {"train.batch=2", NULL};
  const NacreOptions no_pairs = {.sets = 2}, less = {.sets = -1}, one_pair = {.sets = 2, .set = torn};
  const NacreOptions wrong_class = {.device_class = "fpga"}, small = {.batch = -1};
  const struct { const NacreOptions *o; const char *said; } wrong[] = {
    {&no_pairs, "E0704"}, {&less, "E0704"}, {&one_pair, "E0704"}, {&wrong_class, "E0702"}, {&small, "E0702"}};
  for (int i = 0; i < LENGTH(wrong); i++) {
    ck_assert_int_eq(nacre_open_text("net.nn", source, sizeof source - 1, wrong[i].o, &m), NACRE_USAGE);
    ck_assert_msg(strstr(nacre_message(m), wrong[i].said) != NULL, "%d: %s", i, nacre_message(m));
    nacre_close(m);
  }
#define OPENED(call, want, said) \
  do { \
    NacreStatus got_ = (call); \
    ck_assert_msg(got_ == (want) && m && strstr(nacre_message(m), said), "%s: %d, %s", #call, got_, nacre_message(m)); \
    nacre_close(m); \
  } while (0)
  OPENED(nacre_open(NULL, NULL, &m), NACRE_USAGE, "E0704");
  OPENED(nacre_open("absent.nn", NULL, &m), NACRE_RUN, "E0601");
  OPENED(nacre_open_text(NULL, source, sizeof source - 1, NULL, &m), NACRE_USAGE, "E0704");
  OPENED(nacre_open_text("none.nn", NULL, 0, NULL, &m), NACRE_MODEL, "E0104");
  OPENED(nacre_open_text("none.nn", NULL, 9, NULL, &m), NACRE_MODEL, "E0104");
  OPENED(nacre_open_run(NULL, NULL, NULL, &m), NACRE_USAGE, "E0704");
  OPENED(nacre_open_run("absent", NULL, NULL, &m), NACRE_RUN, "E0604");
  ck_assert_ptr_nonnull(strstr(nacre_message(NULL), "E0606"));
  ck_assert_ptr_null(nacre_class_name(NULL, 0));
  nacre_close(NULL);
  nacre_free(NULL);
}
END_TEST

// ---- words that are not known, and numbers beyond what there is

START_TEST(unknown_words) {
  NacreModel *m = open_text(source, NACRE_OK);
#define TOLD(call, part) ck_assert_msg((call) == NACRE_USAGE && strstr(nacre_message(m), part), "%s: %s", #call, nacre_message(m))
  TOLD(nacre_emit(m, &(NacreEmit){.what = "grpah"}, keep, &kept), "not `grpah`");
  TOLD(nacre_emit(m, &(NacreEmit){.what = "graph", .purpose = "stpe"}, keep, &kept), "no compilation `stpe`");
  TOLD(nacre_emit(m, &(NacreEmit){.what = "graph", .after = "fuze"}, keep, &kept), "did you mean `fuse`");
  TOLD(nacre_predict_file(m, NULL, "valid", "yaml", NULL, keep, &kept), "not `yaml`");
  TOLD(nacre_predict_file(m, NULL, "valdi", "csv", NULL, keep, &kept), "it has `train`, `valid`");
  TOLD(nacre_predict_file(m, NULL, "valid", NULL, "x.doc", keep, &kept), "x.doc");
  TOLD(nacre_output_path(m, "x.doc"), "x.doc");
  TOLD(nacre_output_path(m, ""), "E0702");
  TOLD(nacre_run_task(m, "twise", NULL, &count, &outputs), "did you mean `twice`");
  TOLD(nacre_draw(m, &(NacreDraw){.path = "x.gif"}, &picture), "x.gif");
  TOLD(nacre_draw(m, &(NacreDraw){.kernels = true, .purpose = "stpe"}, &picture), "no compilation `stpe`");
  TOLD(nacre_profile(m, &(NacreProfileOptions){.purpose = "eval"}, keep, &kept), "not `eval`");
  ck_assert_int_eq(nacre_predict(m, -1, points, &tensors, &numbers), NACRE_DATA);
  ck_assert_ptr_null(nacre_class_name(m, -1));
  ck_assert_ptr_null(nacre_class_name(m, INT64_MAX));
  ck_assert_int_eq(nacre_emit(m, &(NacreEmit){.purpose = "predict"}, keep, memset(&kept, 0, sizeof kept)), NACRE_OK);
  ck_assert_ptr_eq(strstr(kept.text, "nacre-plan 1"), kept.text);     // what NULL is
  nacre_close(m);
}
END_TEST

// ---- without a model

#define PLAIN(call, want, part) \
  do { \
    char *error = (char *)"not set"; \
    NacreStatus got_ = (call); \
    ck_assert_msg(got_ == (want) && (*(part) ? error && strstr(error, part) : !error), "%s: %d, %s", #call, got_, error ? error : "(none)"); \
    nacre_free(error); \
  } while (0)

START_TEST(without_a_model) {
  PLAIN(nacre_format("a.nn", "nn 1\n", 5, true, NULL, NULL, NULL, &error), NACRE_OK, "");
  PLAIN(nacre_format("a.nn", "nn 1\n", 5, false, NULL, NULL, NULL, &error), NACRE_USAGE, "must not be NULL");
  PLAIN(nacre_format(NULL, "nn 1\n", 5, true, NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_format("a.nn", NULL, 5, true, NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_format("a.nn", NULL, 0, true, NULL, NULL, NULL, &error), NACRE_MODEL, "E0104");
  PLAIN(nacre_format("a.nn", "nn  1\n", 6, true, NULL, NULL, NULL, &error), NACRE_RUN, "");
  PLAIN(nacre_format("a.nn", "nn 1\nconst", 10, false, NULL, keep, &kept, &error), NACRE_MODEL, "a.nn:2:");
  PLAIN(nacre_explain("dense", NULL, keep, memset(&kept, 0, sizeof kept), &error), NACRE_OK, "");
  ck_assert_ptr_nonnull(strstr(kept.text, "units"));
  PLAIN(nacre_explain("densse", NULL, keep, &kept, &error), NACRE_USAGE, "dense");
  PLAIN(nacre_explain("dense", NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_explain("densse", &(NacreOptions){.json = true}, keep, &kept, &error), NACRE_USAGE, "{\"severity\":\"error\"");
  PLAIN(nacre_syntax("emacs", NULL, keep, &kept, &error), NACRE_USAGE, "E0702");
  PLAIN(nacre_syntax(NULL, NULL, keep, &kept, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_write_file("absent/x", "x", 1, NULL, &error), NACRE_RUN, "E0602");
  PLAIN(nacre_write_file(NULL, "x", 1, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_write_file("x", NULL, 1, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_runs("absent", NULL, keep, &kept, &error), NACRE_RUN, "E0601");
  PLAIN(nacre_runs("absent", NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_diff("absent", "gone", NULL, keep, &kept, &error), NACRE_RUN, "E0604");
  PLAIN(nacre_diff("absent", NULL, NULL, keep, &kept, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_new(NULL, NULL, NULL, keep, &kept, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_new("absent.csv", NULL, NULL, keep, &kept, &error), NACRE_DATA, "E0401");
  PLAIN(nacre_run_plan("a.plan", "nacre-plan 1\nclass", 18, NULL, keep, &kept, &error), NACRE_DEVICE, "E0802");
  PLAIN(nacre_run_plan("a.plan", NULL, 0, NULL, keep, &kept, &error), NACRE_DEVICE, "E0802");
  PLAIN(nacre_run_plan(NULL, "", 0, NULL, keep, &kept, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_reference(NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_devices(NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_doctor(NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_train_seeds(NULL, 2, NULL, NULL, keep, &kept, &error), NACRE_USAGE, "E0704");
  PLAIN(nacre_train_seeds("absent.nn", 2, NULL, NULL, keep, &kept, &error), NACRE_RUN, "E0601");
  PLAIN(nacre_train_seeds("absent.nn", 0, NULL, NULL, keep, &kept, &error), NACRE_USAGE, "E0702");
  PLAIN(nacre_train_seeds("absent.nn", -1, NULL, NULL, keep, &kept, &error), NACRE_USAGE, "E0702");
  PLAIN(nacre_train_seeds("absent.nn", 2, NULL, NULL, NULL, NULL, &error), NACRE_USAGE, "E0704");
  // Who wants no text of an error asks for none.
  ck_assert_int_eq(nacre_explain("densse", NULL, keep, &kept, NULL), NACRE_USAGE);
  ck_assert_int_eq(nacre_train_seeds("absent.nn", 2, NULL, NULL, keep, &kept, NULL), NACRE_RUN);
  nacre_passes(NULL, NULL);
  ck_assert_str_eq(nacre_version(), "0.1.0");
}
END_TEST

// ---- in a program whose numbers have a comma

static char *emitted(const char *what) {
  static const char text[] = "nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] { x * 0.3 |> leaky_relu(0.07) |> dense(2) }\n";
  NacreModel *m = open_text(text, NACRE_OK);
  memset(&kept, 0, sizeof kept);
  ck_assert_msg(nacre_emit(m, &(NacreEmit){.what = what}, keep, &kept) == NACRE_OK, "%s", nacre_message(m));
  nacre_close(m);
  return strdup(kept.text);
}

START_TEST(a_decimal_comma) {
  static const char *const what[] = {"graph", "plan", "opencl"};
  char command[800], *one[LENGTH(what)], number[16];
  for (int i = 0; i < LENGTH(what); i++) one[i] = emitted(what[i]);
  snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s >/dev/null 2>&1", temp_path("de_DE.UTF-8"));
  if (system(command) == 0) setenv("LOCPATH", temp_dir, 1);
  bool found = setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8");
  unsetenv("LOCPATH");                                    // with which glibc's newlocale() loses a few bytes
  if (!found) fputs("no locale with a decimal comma can be had here: not tried\n", stderr);
  for (int i = 0; i < LENGTH(what); i++) {
    char *two = emitted(what[i]);
    ck_assert_str_eq(one[i], two);
    free(two);
    free(one[i]);
  }
  snprintf(number, sizeof number, "%g", 1.5);
  ck_assert_str_eq(number, found ? "1,5" : "1.5");        // and the program's own numbers are as before
}
END_TEST

int main(void) {
  Suite *s = suite_create("public");
  TCase *t = suite_case(s, "misuse", NULL, NULL);
  tcase_add_loop_test(t, no_model, 0, LENGTH(calls));
  tcase_add_loop_test(t, a_model_that_could_not_be_opened, 0, LENGTH(calls));
  tcase_add_loop_test(t, nothing_where_something_must_be_given, 0, LENGTH(calls));
  tcase_add_test(t, opening);
  tcase_add_test(t, unknown_words);
  tcase_add_test(t, without_a_model);
  t = suite_case(s, "locale", temp_open, temp_close);
  tcase_add_test(t, a_decimal_comma);
  return suite_run(s, CK_FORK_GETENV);
}
