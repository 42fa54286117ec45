// Choices that were measured: their text, which of them is near, and what their sizes mean.
#include "eval/eval.h"
#include "ops/op.h"
#include "plan/tuned.h"
#include "suite.h"
#include "train/tune.h"

static NcTuning of(const char *kind, int sizes, const int64_t *size, int choices, const int64_t *choice) {
  NcTuning k = {.kind = kind, .sizes = sizes, .choices = choices};
  memcpy(k.size, size, (size_t)sizes * sizeof *size);
  memcpy(k.choice, choice, (size_t)choices * sizeof *choice);
  return k;
}
static NcTuned *some(void) {
  NcTuned *t = nc_tuned_new(arena, "a \"device\" | x\\y | class cpu");
  NcTuning k = of("gemm_cpu", 6, (int64_t[]){1, 128, 10, 784, 0, 1}, 4, (int64_t[]){12, 16, 392, 2});
  nc_tuned_set(t, &k);
  k = of("conv_way", 3, (int64_t[]){3, 3, -1}, 1, (int64_t[]){1});
  nc_tuned_set(t, &k);
  return t;
}
static const char *text_of(const NcTuned *t) {
  NcBuf b = NC_BUF(arena);
  nc_tuned_print(t, &b);
  return nc_buf_str(&b);
}

START_TEST(text) {
  const char *s = text_of(some());
  NcTuned *t = nc_tuned_read(arena, s, strlen(s));
  ck_assert_ptr_nonnull(t);
  ck_assert_str_eq(text_of(t), s);
  ck_assert_str_eq(t->key, some()->key);
  for (size_t n = 0; n < strlen(s); n++) {       // cut anywhere: refused, or whole lines of it
    NcTuned *cut = nc_tuned_read(arena, s, n);
    for (int i = 0; cut && i < cut->known.n; i++) ck_assert_int_gt(cut->known.at[i].choices, 0);
  }
}
END_TEST

static const char *const bad[] = {
  "", "nacre-tuned 2\nfor \"x\"\n", "nacre-tuned 1\n", "nacre-tuned 1\nfor x\n", "nacre-tuned 1\nfor \"x\"\ngemm_cpu 1 2\n",
  "nacre-tuned 1\nfor \"x\"\ngemm_cpu = 1\n", "nacre-tuned 1\nfor \"x\"\ngemm_cpu 1 = \n", "nacre-tuned 1\nfor \"x\"\ngemm_cpu 1 = 1 x\n",
  "nacre-tuned 1\nfor \"x\"\ngemm_cpu 1 = 1 2 3 4 5\n", "nacre-tuned 1\nfor \"x\"\ngemm_cpu 99999999999 = 1\n",
  "nacre-tuned 1\nfor \"x\"\n 1 = 1\n", "nacre-tuned 1\nfor \"x\"\ng 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 = 1\n",
  "nacre-tuned 1\nfor \"x\\"};
START_TEST(damaged) {
  ck_assert_ptr_null(nc_tuned_read(arena, bad[_i], strlen(bad[_i])));
}
END_TEST

START_TEST(near) {
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  int64_t c[4], size[] = {1, 128, 10, 784, 0, 1};
  ck_assert(!nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c));
  t.tuned = some();
  ck_assert(nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c) && c[0] == 12 && c[3] == 2);
  ck_assert(!nc_tuned_choice(&t, "gemm_gpu", 6, size, 4, c));
  ck_assert(!nc_tuned_choice(&t, "gemm_cpu", 6, size, 3, c));
  size[1] = 250;
  ck_assert(nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c));
  size[3] = 392, size[2] = 15;
  ck_assert(!nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c));      // more than four in all
  size[1] = 300, size[3] = 784, size[2] = 10;
  ck_assert(!nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c));      // more than two
  size[1] = 128, size[5] = 0;
  ck_assert(!nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c));      // of another kind
  NcTuning nearer = of("gemm_cpu", 6, (int64_t[]){1, 128, 11, 784, 0, 1}, 4, (int64_t[]){1, 2, 3, 4});
  nc_tuned_set(t.tuned, &nearer);
  size[5] = 1, size[2] = 12;
  ck_assert(nc_tuned_choice(&t, "gemm_cpu", 6, size, 4, c) && c[0] == 1);
  t.tuned->ask = true;
  nc_tuned_took(&t, "gemm_cpu", 6, size, 4, c);
  nc_tuned_took(&t, "gemm_cpu", 6, size, 4, c);
  ck_assert_int_eq(t.tuned->asked.n, 1);
}
END_TEST

// sizes: batch, in, out, groups, then x, kernel, result, stride, lo, dilation, dilate_x, packed
static const struct { const char *kind; int sizes; int64_t size[NC_TUNED_SIZES]; } meanings[] = {
  {"gemm_cpu", 6, {1, 5, 4, 7, 0, 1}}, {"gemm_cpu", 6, {1, 5, 4, 7, 1, 1}}, {"gemm_gpu", 6, {3, 5, 4, 7, 0, 0}},
  {"clblast", 6, {2, 5, 4, 7, 1, 0}},
  {"conv_cpu", 26, {2, 3, 4, 1, 1, 5, 6, 1, 3, 3, 1, 5, 6, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0}},
  {"conv_gpu", 26, {2, 4, 6, 2, 1, 7, 9, 1, 3, 2, 1, 3, 4, 1, 2, 2, 0, 1, 0, 1, 2, 1, 1, 1, 1, 0}},
  {"conv_way", 26, {2, 4, 3, 1, 1, 4, 4, 1, 3, 3, 1, 7, 7, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 2, 2, 1}},
  {"conv_weight_cpu", 26, {2, 4, 6, 2, 1, 7, 5, 1, 3, 3, 1, 4, 3, 1, 2, 2, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0}},
  {"conv_weight_gpu", 26, {3, 2, 3, 1, 1, 6, 6, 1, 2, 2, 1, 5, 5, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0}}};

START_TEST(meaning) {
  NcTuning k = of(meanings[_i].kind, meanings[_i].sizes, meanings[_i].size, 1, (int64_t[]){1});
  NcGraph *g = nc_tune_graph(arena, diag, &k);
  ck_assert_msg(g != NULL, "%s", messages(diag));
  float *in[2];
  NcBinding bind[2];
  for (int i = 0; i < 2; i++) {
    const char *name = i ? "b" : "a";
    int64_t n = 0;
    for (int j = 0; j < g->node.n; j++)
      if (strcmp(g->node.at[j]->op->name, "input") == 0 && strcmp(nc_attr_str(g->node.at[j], "name"), name) == 0)
        n = nc_count(g->node.at[j]->type.shape);
    ck_assert_int_gt(n, 0);
    double *v = NC_NEW_N(arena, double, n);
    in[i] = NC_NEW_N(arena, float, n);
    for (int64_t j = 0; j < n; j++) v[j] = in[i][j] = (float)((j * 7 + i * 3) % 11 - 5) / 4;
    bind[i] = (NcBinding){name, v};
  }
  double **value = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert(nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .nbind = 2, .bind = bind}, value));
  const NcNode *out = nc_graph_find_output(g, "out");
  for (int64_t j = 0; j < nc_count(out->type.shape); j++)
    ck_assert_double_eq_tol(nc_tune_element(&k, in[0], in[1], j), value[out->id][j], 1e-9);
  ck_assert_double_eq(nc_tune_flops(&k), 2.0 * (double)nc_tune_terms(&k) * (double)nc_count(out->type.shape));
}
END_TEST

START_TEST(neighbours) {
  int64_t out[8][NC_TUNED_CHOICES];
  NcTuning k = of("gemm_cpu", 6, meanings[0].size, 4, (int64_t[]){12, 16, 1, 1});
  ck_assert_int_eq(nc_tune_neighbours(&k, out, 8), 6);
  ck_assert_int_eq(out[0][0], 6);
  ck_assert_int_eq(out[1][0], 24);
  ck_assert_int_eq(nc_tune_neighbours(&k, out, 3), 3);
  k = of("conv_way", 26, meanings[4].size, 1, (int64_t[]){1});
  ck_assert_int_eq(nc_tune_neighbours(&k, out, 8), 1);
  ck_assert_int_eq(out[0][0], 0);
}
END_TEST

int main(void) {
  Suite *s = suite_create("tuned");
  TCase *t = suite_case(s, "tuned", suite_open, suite_close);
  tcase_add_test(t, text);
  tcase_add_loop_test(t, damaged, 0, LENGTH(bad));
  tcase_add_test(t, near);
  tcase_add_loop_test(t, meaning, 0, LENGTH(meanings));
  tcase_add_test(t, neighbours);
  return suite_run(s, CK_FORK_GETENV);
}
