// What goes wrong in a training, and with the folder that it leaves: nothing is lost, and everything is told.
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "io/npy.h"
#include "train_run.h"

START_TEST(what_is_not_finite_names_its_line) {
  static const char text[] =
    "nn 1\n"
    "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
    "data points { source = gauss(n = 64); split = (train = 1.0) }\n"
    "train net on points {\n"
    "  loss = mean(log(net(x) - 1000))\n"
    "  optimizer = sgd(0.1); batch = 32; epochs = 1; seed = 1\n"
    "}\n";
  NacreModel *m;
  expect_status(m, nacre_open_text("broken.nn", text, sizeof text - 1, NULL, &m), NACRE_OK);
  NacreTrainOptions t = {.out = temp_path("broken")};
  NacreStatus s = nacre_train(m, &t);
  expect_status(m, s, NACRE_RUN);
  const char *message = nacre_message(m);
  ck_assert_msg(strstr(message, "E0603") && strstr(message, "broken.nn:5:15") && strstr(message, "`log`"), "%s", message);
  nacre_close(m);
}
END_TEST

typedef struct { int epochs; char *before; size_t size; } Disk;

// From the second epoch's end on no file may grow: the checkpoint of the first is what must remain.
static void fill_disk(void *ctx, const NacreProgress *p) {
  Disk *k = ctx;
  if (strcmp(p->phase, "valid") || ++k->epochs != 2) return;
  k->before = slurp(temp_path("full/last.safetensors"), &k->size);
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){600, RLIM_INFINITY});
}

START_TEST(a_full_disk_leaves_the_checkpoint_before) {
  NacreModel *m;
  Disk k = {0};
  expect_status(m, nacre_open_text("small.nn", small, sizeof small - 1, NULL, &m), NACRE_OK);
  NacreTrainOptions t = {.out = temp_path("full"), .progress = fill_disk, .ctx = &k};
  NacreStatus s = nacre_train(m, &t);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
  expect_status(m, s, NACRE_RUN);
  ck_assert_msg(strstr(nacre_message(m), "E0602"), "%s", nacre_message(m));
  nacre_close(m);
  ck_assert_ptr_nonnull(k.before);
  size_t n;
  char *now = slurp(temp_path("full/last.safetensors"), &n);
  ck_assert(n == k.size && memcmp(now, k.before, n) == 0);
  free(now);
  free(k.before);
  DIR *d = opendir(temp_path("full"));
  for (struct dirent *e; (e = readdir(d));) ck_assert_msg(!strstr(e->d_name, ".tmp"), "%s was left", e->d_name);
  closedir(d);
}
END_TEST

// Some drivers tell only of a built kernel how large its groups may be.
START_TEST(kernels_with_smaller_groups) {
  NacreModel *m;
  NacreOptions o = {.device_class = "gpu"};
  expect_status(m, nacre_open_text("small.nn", small, sizeof small - 1, &o, &m), NACRE_OK);
  ck_assert(nc_engine_device(m));
  ck_assert_int_gt(nc_device_target(m->device)->max_group, 16);
  nc_devices_small_groups(m->devices, 16);
  NacreTrainOptions t = {.out = temp_path("groups"), .max_steps = 2};
  expect_status(m, nacre_train(m, &t), NACRE_OK);
  ck_assert_int_eq(nc_device_target(m->device)->max_group, 16);
  nacre_close(m);
}
END_TEST

START_TEST(a_run_is_not_overwritten) {
  NacreModel *m;
  expect_status(m, run(temp_path("once"), 1, NULL, 0, &m), NACRE_OK);
  nacre_close(m);
  expect_status(m, run(temp_path("once"), 1, NULL, 0, &m), NACRE_RUN);
  ck_assert_ptr_nonnull(strstr(nacre_message(m), "E0602"));
  nacre_close(m);
}
END_TEST

START_TEST(a_checkpoint_of_another_model_tells_all_misfits) {
  NacreModel *m;
  expect_status(m, run(temp_path("eight"), 1, NULL, 0, &m), NACRE_OK);
  nacre_close(m);
  const char *set[] = {"net.hidden=9"};
  NacreOptions o = {.set = set, .sets = 1};
  expect_status(m, nacre_open_run(temp_path("eight"), "last", &o, &m), NACRE_OK);
  NacreScores s;
  expect_status(m, nacre_eval(m, "valid", &s), NACRE_DATA);
  const char *message = nacre_message(m);
  ck_assert_msg(strstr(message, "E0408") && strstr(message, "f32[8,2]") && strstr(message, "f32[2,8]"), "%s", message);
  nacre_close(m);
}
END_TEST

START_TEST(tokens_beyond_their_table_are_told) {
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  int32_t tok[8 * 4] = {0}, label[8] = {0, 1, 0, 1, 0, 1, 0, 1};
  tok[18] = 5;
  ck_assert(nc_npy_write(d, temp_path("tok.npy"), (NcType){NC_I32, NC_SHAPE(8, 4)}, tok));
  ck_assert(nc_npy_write(d, temp_path("tok_label.npy"), (NcType){NC_I32, NC_SHAPE(8)}, label));
  const char *text = nc_sprintf(a,
    "nn 1\nmodel net(tok: i32[B, T]) -> f32[B, 2] { tok |> embedding(5, 3) |> mean(axis = 1) |> dense(2) }\n"
    "data d { source = npy(tok = \"%s\", label = \"%s\") }\n"
    "train net on d { loss = cross_entropy(net(tok[:, 1..4]), label); optimizer = sgd(0.1); batch = 8; steps = 1 }\n",
    temp_path("tok.npy"), temp_path("tok_label.npy"));
  NacreModel *m;
  expect_status(m, nacre_open_text("tokens.nn", text, strlen(text), NULL, &m), NACRE_OK);
  expect_status(m, nacre_train(m, &(NacreTrainOptions){.out = temp_path("tokens")}), NACRE_DATA);
  const char *message = nacre_message(m);
  ck_assert_msg(strstr(message, "E0403") && strstr(message, "`tok` holds 5") && strstr(message, "embedding(5, 3)"), "%s",
                message);
  nacre_close(m);
  nc_arena_free(a);
}
END_TEST

START_TEST(torn_and_foreign_runs_are_refused) {
  NacreModel *m;
  expect_status(m, nacre_open_run(temp_path("nowhere"), NULL, NULL, &m), NACRE_RUN);
  nacre_close(m);
  expect_status(m, run(temp_path("torn"), 2, NULL, 0, &m), NACRE_OK);
  nacre_close(m);
  ck_assert_int_eq(truncate(temp_path("torn/last.safetensors"), 100), 0);
  expect_status(m, nacre_open_run(temp_path("torn"), "last", NULL, &m), NACRE_OK);
  NacreScores s;
  expect_status(m, nacre_eval(m, "valid", &s), NACRE_DATA);
  nacre_close(m);
  ck_assert_int_eq(truncate(temp_path("torn/run.json"), 20), 0);
  expect_status(m, nacre_open_run(temp_path("torn"), "last", NULL, &m), NACRE_RUN);
  nacre_close(m);
}
END_TEST

// A text with its end cut off, a byte changed, or a row of nines within.
static size_t damage(unsigned *r, char *p, size_t n) {
  *r = *r * 1664525u + 1013904223u;
  size_t at = (*r >> 8) % n, kind = *r >> 30;
  if (kind == 0) return at;
  if (kind == 1) memset(p + at, '9', n - at < 12 ? n - at : 12);
  else p[at] = "0-.e\"[]{},: x\xff"[(*r >> 4) % 14];
  return n;
}

// What a run says of itself and of its data may be damaged anyhow: it is opened or refused, never worse.
START_TEST(damaged_records_do_no_harm) {
  static const char *const files[] = {"records/data.json", "records/run.json"};
  NacreModel *m;
  expect_status(m, run(temp_path("records"), 1, NULL, 0, &m), NACRE_OK);
  nacre_close(m);
  unsigned r = 7;
  for (int k = 0; k < LENGTH(files); k++) {
    size_t n;
    char *whole = slurp(temp_path(files[k]), &n), *bad = malloc(n + 1);
    for (int i = 0; i < 150; i++) {
      memcpy(bad, whole, n + 1);
      temp_write(files[k], bad, damage(&r, bad, n));
      int inputs;
      const NacreTensor *in;
      NacreStatus s = nacre_open_run(temp_path("records"), "last", NULL, &m);
      ck_assert_msg((s == NACRE_OK) == (*nacre_message(m) == 0), "%s, round %d: %d: %s", files[k], i, s, nacre_message(m));
      if (s == NACRE_OK) nacre_inputs(m, &inputs, &in);
      nacre_close(m);
    }
    temp_write(files[k], whole, n);
    free(whole);
    free(bad);
  }
}

int main(void) {
  Suite *s = suite_create("runs");
  TCase *c = suite_case(s, "runs", temp_open, temp_close);
  tcase_add_test(c, what_is_not_finite_names_its_line);
  tcase_add_test(c, a_full_disk_leaves_the_checkpoint_before);
  tcase_add_test(c, kernels_with_smaller_groups);
  tcase_add_test(c, a_run_is_not_overwritten);
  tcase_add_test(c, a_checkpoint_of_another_model_tells_all_misfits);
  tcase_add_test(c, tokens_beyond_their_table_are_told);
  tcase_add_test(c, torn_and_foreign_runs_are_refused);
  c = suite_case(s, "records", temp_open, temp_close);
  tcase_add_test(c, damaged_records_do_no_harm);
  return suite_run(s, CK_FORK_GETENV);
}
