// Initialisers: what weights start with, by the reference evaluator.
#include <math.h>
#include "elab_run.h"
#include "suite.h"

// What the model `text` gives its parameters.
static void initial(const char *text, Binds *b) {
  NcProgram *p = nc_program(arena, diag, &(NcProgramOptions){.name = "file.nn", .text = text, .size = strlen(text)});
  ck_assert_msg(p && bind_outputs(arena, diag, p->init, b), "%s", messages(diag));
}

// Mean, variance and the largest distance from the mean: of the whole numbers in PyTorch's and Keras's formulas; a normal
// distribution that is cut at two deviations keeps 0.8796 of its own.
#define CUT (2 / 0.87962566103423978)
static const struct { const char *init; bool conv; double mean, variance, reach; } starts[] = {
  {"glorot_uniform", false, 0, 2.0 / 500, 1.7320508},
  {"glorot_uniform", true, 0, 2.0 / (12 * 9 + 200 * 9), 1.7320508},
  {"glorot_normal", false, 0, 2.0 / 500, CUT},
  {"glorot_normal", true, 0, 2.0 / (12 * 9 + 200 * 9), CUT},
  {"he_uniform", true, 0, 2.0 / (12 * 9), 1.7320508},
  {"he_normal", false, 0, 2.0 / 300, CUT},
  {"he_normal", true, 0, 2.0 / (12 * 9), CUT},
  {"lecun_uniform", false, 0, 1.0 / 300, 1.7320508},
  {"lecun_uniform", true, 0, 1.0 / (12 * 9), 1.7320508},
  {"lecun_normal", false, 0, 1.0 / 300, CUT},
  {"truncated_normal(0.3, mean = 1)", false, 1, 0.09 * 0.7737413, 2 / 0.8796257},
  {"normal(0.3, mean = 1)", false, 1, 0.09, 6},
  {"uniform(-1, 3)", false, 1, 16.0 / 12, 1.7320508},
  {"constant(0.25)", true, 0.25, 0, 0},
  {"orthogonal", false, 0, 1.0 / 300, 7},
  {"orthogonal(gain = 2)", true, 0, 4.0 / 200, 7},
};

START_TEST(starting_values_have_their_spread) {
  static const char dense[] = "nn 1\nmodel m(x: f32[B, 300]) -> f32[B, 200] { x |> dense(200, init = %s) as a }\n";
  static const char conv[] = "nn 1\nmodel m(x: f32[B, 12, 3, 3]) -> f32[B, 200, 1, 1] { x |> conv(200, 3, init = %s) as a }\n";
  Binds b = {0};
  initial(nc_sprintf(arena, starts[_i].conv ? conv : dense, starts[_i].init), &b);
  const double *v = value_named(&b, "m.a.weight"), *zero = value_named(&b, "m.a.b");
  ck_assert_msg(v && zero, "%s", starts[_i].init);
  int n = starts[_i].conv ? 200 * 12 * 9 : 200 * 300;
  double mean = 0, variance = 0, reach = 0, want = starts[_i].variance, most = starts[_i].reach * sqrt(want);
  for (int k = 0; k < n; k++) mean += v[k] / n;
  for (int k = 0; k < n; k++) variance += (v[k] - mean) * (v[k] - mean) / n;
  for (int k = 0; k < n; k++) reach = fmax(reach, fabs(v[k] - starts[_i].mean));
  bool near = fabs(mean - starts[_i].mean) <= 4 * sqrt(want / n) + 1e-6 && fabs(variance - want) <= 0.05 * want + 1e-9;
  ck_assert_msg(near && reach <= most * 1.0001 + 1e-6 && (starts[_i].reach > 3 || reach >= 0.95 * most),
                "%s: mean %g, variance %g (not %g), up to %g (not %g)", starts[_i].init, mean, variance, want, reach, most);
  for (int k = 0; k < 200; k++) ck_assert_double_eq(zero[k], 0);
}
END_TEST

START_TEST(starting_values_that_are_known) {
  Binds b = {0};
  initial("nn 1\nmodel m(x: f32[B, 2, 4]) -> f32[B, 2, 3] { x |> dense(3, init = identity(2.0)) as a |> lstm(3) as b }\n", &b);
  const double *eye = value_named(&b, "m.a.weight"), *bias = value_named(&b, "m.b.b"), *turn = value_named(&b, "m.b.R");
  ck_assert(eye && bias && turn);
  for (int k = 0; k < 12; k++) ck_assert_double_eq(eye[k], k / 4 == k % 4 ? 2 : 0);
  for (int k = 0; k < 12; k++) ck_assert_double_eq(bias[k], k / 3 == 1);                  // the forget gates
  for (int i = 0; i < 3; i++)                                                             // columns [12, 3] of length 1
    for (int j = 0; j < 3; j++) {
      double dot = 0;
      for (int k = 0; k < 12; k++) dot += turn[3 * k + i] * turn[3 * k + j];
      ck_assert_double_eq_tol(dot, i == j, 1e-5);
    }
}
END_TEST

int main(void) {
  Suite *s = suite_create("starts");
  TCase *t = suite_case(s, "starts", suite_open, suite_close);
  tcase_add_loop_test(t, starting_values_have_their_spread, 0, LENGTH(starts));
  tcase_add_test(t, starting_values_that_are_known);
  return suite_run(s, CK_FORK_GETENV);
}
