// Generation on a device: with what was kept of earlier positions, and without, the same tokens come out.
#include <stdlib.h>
#include <string.h>
#include "nacre.h"
#include "suite.h"

enum { CONTEXT = 8, MORE = 18 };

static const char source[] =
  "nn 1\n"
  "model m(V: int, context: int = 8)(tok: i32[B, T]) -> f32[B, T, V] {\n"
  "  param wpe: f32[context, 8] = normal(1.0)\n"
  "  let x = (tok |> embedding(V, 8) |> dense(8)) * 20 + wpe[0..T]\n"
  "  x + (x |> layer_norm |> self_attention(2, causal = true)) |> dense(V) as head\n"
  "}\n"
  "data d { source = text(window = 9); split = (train = 0.9, valid = 0.1) }\n"
  "train m(V = d.vocabulary) on d {\n"
  "  loss = cross_entropy(m(tok[:, 0..8]), tok[:, 1..9])\n  optimizer = sgd(0.1); steps = 1; batch = 1; seed = 5\n}\n"
  "task go(n: int = 18)(prompt: i32[1, P]) -> i32[1, P + n] { decode(m, prompt, n, greedy = true) }\n";

static char told[256];
static void tell(void *ctx, const char *text, size_t size) {
  (void)ctx;
  if (strlen(told) + size < sizeof told) strncat(told, text, size);
}

// The best successor of the last of n tokens, by the whole model.
static int32_t next(NacreModel *m, const int32_t *tok, int n) {
  int32_t window[CONTEXT + 1] = {0};
  const void *data[] = {window};
  const NacreTensor *shape;
  const float *y;
  memcpy(window, tok, (size_t)n * sizeof *tok);
  ck_assert_msg(nacre_predict(m, 1, data, &shape, &y) == NACRE_OK, "%s", nacre_message(m));
  int32_t best = 0;
  y += (n - 1) * shape->dim[1];
  for (int32_t k = 1; k < shape->dim[1]; k++)
    if (y[k] > y[best]) best = k;
  return best;
}

START_TEST(the_same_tokens) {
  NacreModel *m;
  const NacreArgument arg[] = {{"prompt", "Anna "}};
  const NacreRun r = {.args = 1, .arg = arg, .text = tell};
  const NacreOutput *out;
  int n, at = 5, begin = 0, different = 0;
  ck_assert_msg(nacre_open_text("m.nn", source, strlen(source), NULL, &m) == NACRE_OK, "%s", nacre_message(m));
  ck_assert_msg(nacre_run_task(m, "go", &r, &n, &out) == NACRE_OK, "%s", nacre_message(m));
  ck_assert_int_eq(n, 1);
  ck_assert_int_eq(out->tensor.dim[1], at + MORE);
  ck_assert_int_eq(strncmp(told, "Anna ", 5), 0);
  ck_assert_uint_eq(strlen(told), at + MORE);
  int32_t tok[5 + MORE];
  memcpy(tok, out->data, sizeof tok);
  for (int t = at - 1; t + 1 < at + MORE; t++) {
    if (t - begin == CONTEXT) begin = t - CONTEXT / 2;
    ck_assert_msg(next(m, tok + begin, t + 1 - begin) == tok[t + 1], "token %d differs", t + 1);
    different += tok[t + 1] != tok[t];
  }
  ck_assert_int_gt(different, 2);
  nacre_close(m);
}
END_TEST

int main(void) {
  Suite *s = suite_create("generate");
  TCase *t = suite_case(s, "generate", NULL, NULL);
  tcase_add_test(t, the_same_tokens);
  return suite_run(s, CK_FORK_GETENV);
}
