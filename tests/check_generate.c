// Generation on a device: with what was kept of earlier positions, and without, the same tokens come out.
#include <string.h>
#include "nacre.h"
#include "golden.h"
#include "tempdir.h"
#include "train/model.h"

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

// Runs that a text of `given` and MORE tokens takes: a pass for the prompt but its last token and for each refill, then a step
// for each token that has a successor.
static void took(const NacreModel *m, int given, int context, int more, bool passes) {
  int refills = 0, again = 0;
  for (int t = given - 1, begin = 0; t < given + more - 1; t++)
    if (t - begin == context) begin = t - context / 2, refills++, again += context / 2;
  ck_assert_int_gt(refills, 1);
  ck_assert_int_eq(m->decoded.passes, passes ? 1 + refills : 0);
  ck_assert_int_eq(m->decoded.steps, more + (passes ? 0 : given - 1 + again));
}

START_TEST(the_same_tokens) {
  NacreModel *m;
  const NacreArgument arg[] = {{"prompt", "Anna "}};
  const NacreRun r = {.args = 1, .arg = arg, .text = tell};
  const NacreOutput *out;
  int n, at = 5, begin = 0, different = 0;
  ck_assert_msg(nacre_open_text("m.nn", source, strlen(source), NULL, &m) == NACRE_OK, "%s", nacre_message(m));
  m->passes = _i ? NC_PASSES_ALWAYS : NC_PASSES_NEVER;
  ck_assert_msg(nacre_run_task(m, "go", &r, &n, &out) == NACRE_OK, "%s", nacre_message(m));
  ck_assert_int_eq(n, 1);
  took(m, at, CONTEXT, MORE, _i);
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

// The networks of examples/, made small: one token at a time, and many at once.
static const struct { const char *file, *set[3]; } nets[] = {
  {"gpt.nn", {"gpt.D=16", "gpt.L=2", "gpt.heads=2"}},
  {"llama.nn", {"llama.D=16", "llama.L=2", "llama.heads=4"}},
};

START_TEST(many_tokens_at_once) {
  const char *file = nets[_i].file, *path = in_source(arena, nc_sprintf(arena, "examples/%s", file));
  const NacreOptions o = {.set = nets[_i].set, .sets = 3};
  const NacreArgument arg[] = {{"prompt", "Anna said that"}, {"n", "100"}};
  const NacreRun r = {.args = 2, .arg = arg};
  int32_t tok[2][114];
  NacreModel *m;
  const NacreOutput *out;
  int n, different = 0;
  ck_assert_msg(nacre_open(path, &o, &m) == NACRE_OK, "%s", nacre_message(m));
  for (int k = 0; k < 2; k++) {
    m->passes = k ? NC_PASSES_ALWAYS : NC_PASSES_NEVER;
    ck_assert_msg(nacre_run_task(m, "generate", &r, &n, &out) == NACRE_OK, "%s", nacre_message(m));
    ck_assert_int_eq(out->tensor.dim[1], 114);
    took(m, 14, 64, 100, k);
    memcpy(tok[k], out->data, sizeof tok[k]);
  }
  for (int t = 0; t < 114; t++) {
    ck_assert_msg(tok[0][t] == tok[1][t], "%s: token %d differs", file, t);
    different += t && tok[0][t] != tok[0][t - 1];
  }
  ck_assert_int_gt(different, 20);
  m->passes = NC_PASSES_WORTH;                 // so little text is worth no plan of its own
  ck_assert_msg(nacre_run_task(m, "generate", &r, &n, &out) == NACRE_OK, "%s", nacre_message(m));
  took(m, 14, 64, 100, false);
  nacre_close(m);
}
END_TEST

// What a person may give as a prompt that is none: each refused, saying what and why.
static const struct { const char *name, *value, *code, *part; } wrong[] = {
  {"prompt", "", "E0702", "the text is empty"},
  {"prompt", "Anna \xff", "E0409", "the text is no UTF-8 text: byte 5 is ff"},
  {"prompt", "Anna \xc3\xa9", "E0409", "the text has the character `\xc3\xa9` at byte 5"},
  {"prompt", "Anna Anna", "E0203", "9 tokens, more than the context 8"},
  {"prompt", "1,2,1000", "E0409", "token 2 of the prompt is 1000"},
  {"prompt", "1,-2", "E0409", "token 1 of the prompt is -2"},
  {"prompt", "1,2.5", "E0404", "2.5 (number 1) is no i32"},
  {"prompt", "none.txt", "E0401", "none.txt"},
  {"prompt", "empty.txt", "E0702", "empty.txt` is empty"},
  {"prompt", "bytes.txt", "E0409", "bytes.txt` is no UTF-8 text: byte 2 is fe"},
  {"n", "0", "E0205", "1 or more"},
  {NULL, NULL, "E0704", "give a text, --prompt"},
};

START_TEST(wrong_prompts) {
  NacreModel *m;
  int n;
  const NacreOutput *out;
  temp_write("empty.txt", "", 0);
  temp_write("bytes.txt", "An\xfe", 3);
  ck_assert_int_eq(nacre_open_text("m.nn", source, strlen(source), NULL, &m), NACRE_OK);
  for (int i = 0; i < LENGTH(wrong); i++) {
    const char *value = wrong[i].value;
    if (value && strstr(value, ".txt")) value = temp_path(value);
    const NacreArgument arg[] = {{wrong[i].name, value}, {"prompt", "Anna "}};
    const NacreRun r = {.args = !value ? 0 : strcmp(wrong[i].name, "n") ? 1 : 2, .arg = arg};
    ck_assert_int_ne(nacre_run_task(m, "go", &r, &n, &out), NACRE_OK);
    const char *text = nacre_message(m);
    ck_assert_msg(strstr(text, wrong[i].code) && strstr(text, wrong[i].part), "%d: %s", i, text);
  }
  nacre_close(m);
}
END_TEST

int main(void) {
  Suite *s = suite_create("generate");
  TCase *t = suite_case(s, "generate", temp_open, temp_close);
  tcase_add_loop_test(t, the_same_tokens, 0, 2);
  tcase_add_loop_test(t, many_tokens_at_once, 0, LENGTH(nets));
  tcase_add_test(t, wrong_prompts);
  return suite_run(s, CK_FORK_GETENV);
}
