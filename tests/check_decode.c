// decode: a model taken apart into one position at a time says the same as the model on the whole sequence.
#include <math.h>
#include <string.h>
#include "compile.h"
#include "elab_run.h"
#include "suite.h"
#include "train/decode.h"

#define DATA "data d { source = text(window = 17) }\n"
#define TRAIN(call) \
  "train m" call " on d { loss = cross_entropy(m(tok[:, 0..16]), tok[:, 1..17])\n optimizer = sgd(0.1); steps = 1; batch = 2 }\n" \
  "task go(n: int = 12)(prompt: i32[B, P]) -> i32[B, P + n] { decode(m, prompt, n) }\n"
#define V "layer head(x: f32[B, T, D]) -> f32[B, T, 7] { x |> dense(7) }\n"

static NcProgram *program(const char *text) {
  NcTaskInput in = {"prompt", {NC_I32, NC_SHAPE(3, strstr(text, "context: int = 4") ? 3 : 5)}};
  NcTaskCall call = {"go", 1, &in};
  NcProgramOptions o = {.name = "t.nn", .text = text, .size = strlen(text), .hooks.describe = describe_some, .task = &call};
  return nc_program(arena, diag, &o);
}

// A text, the model's scores of all of it, and what is bound: weights, caches.
typedef struct { const NcDecode *d; Binds b; double *tokens; const double *full; } Text;

static Text text_of(const NcProgram *p, const NcDecode *d) {
  Text x = {.d = d, .tokens = NC_NEW_N(arena, double, d->batch * d->window)};
  ck_assert(bind_outputs(arena, diag, p->init, &x.b));
  for (int64_t i = 0; i < d->batch * d->window; i++) x.tokens[i] = (double)((i * i + 3 * i) % 7);
  bind_value(arena, &x.b, "tokens", x.tokens);
  x.full = output_of(arena, diag, d->full, &x.b, "output");
  ck_assert_msg(x.full != NULL, "%s", messages(diag));
  return x;
}

static void soil(Text *x) {              // what an earlier run left in the caches: anything finite
  for (int i = 0; i < x->d->step->effect.n; i++) {
    const NcNode *var = x->d->step->effect.at[i]->in[0];
    int64_t n = nc_count(var->type.shape);
    double *v = NC_NEW_N(arena, double, n);
    for (int64_t k = 0; k < n; k++) v[k] = var->type.dtype == NC_I32 ? 3 : 50 + (double)(k % 7);
    bind_value(arena, &x->b, nc_attr_str(var, "name"), v);
  }
}

// Runs a graph that fills caches.
static double **run(Text *x, const NcGraph *g, const double *tokens, const char *number, int64_t at) {
  double **value = NC_NEW_N(arena, double *, g->node.n + 1), *n = NC_NEW(arena, double);
  *n = (double)at;
  bind_value(arena, &x->b, "tokens", tokens);
  bind_value(arena, &x->b, number, n);
  ck_assert(nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .nbind = x->b.bind.n, .bind = x->b.bind.at}, value));
  for (int i = 0; i < g->effect.n; i++)
    bind_value(arena, &x->b, nc_attr_str(g->effect.at[i]->in[0], "name"), value[g->effect.at[i]->id]);
  return value;
}

// The largest difference between the model on all tokens and the model token by token, from token `from` on.
static double difference(Text *x, int64_t from) {
  const NcDecode *d = x->d;
  double worst = 0;
  for (int64_t t = from; t < d->window; t++) {
    double *one = NC_NEW_N(arena, double, d->batch);
    for (int64_t r = 0; r < d->batch; r++) one[r] = x->tokens[r * d->window + t];
    const double *y = run(x, d->step, one, "position", t)[nc_graph_find_output(d->step, "output")->id];
    for (int64_t r = 0; r < d->batch; r++)
      for (int64_t k = 0; k < d->vocabulary; k++)
        worst = fmax(worst, fabs(y[r * d->vocabulary + k] - x->full[(r * d->window + t) * d->vocabulary + k]));
  }
  return worst;
}

// The caches as `count` steps leave them, from zeros, against one pass; what stands behind these tokens does not matter.
static double difference_filled(Text *x, int64_t count) {
  const NcDecode *d = x->d;
  Binds steps = {0};
  double worst = 0, *other = nc_memdup(arena, x->tokens, sizeof(double) * (size_t)(d->batch * d->window));
  for (int i = 0; i < d->step->effect.n; i++) {
    const NcNode *var = d->step->effect.at[i]->in[0];
    bind_value(arena, &x->b, nc_attr_str(var, "name"), NC_NEW_N(arena, double, nc_count(var->type.shape)));
  }
  for (int64_t t = 0; t < count; t++) {
    double *one = NC_NEW_N(arena, double, d->batch);
    for (int64_t r = 0; r < d->batch; r++) one[r] = x->tokens[r * d->window + t];
    run(x, d->step, one, "position", t);
  }
  for (int i = 0; i < x->b.bind.n; i++) bind_value(arena, &steps, x->b.bind.at[i].name, x->b.bind.at[i].value);
  soil(x);
  for (int64_t i = 0; i < d->batch * d->window; i++)
    if (i % d->window >= count) other[i] = (double)(i % 3);
  run(x, d->fill, other, "count", count);
  for (int i = 0; i < d->step->effect.n; i++) {
    const NcNode *var = d->step->effect.at[i]->in[0];
    const double *a = value_named(&steps, nc_attr_str(var, "name")), *b = value_named(&x->b, nc_attr_str(var, "name"));
    for (int64_t k = 0; k < nc_count(var->type.shape); k++) worst = fmax(worst, fabs(a[k] - b[k]));
  }
  return worst;
}

typedef struct { const char *name, *text; int caches; } Net;

static const Net nets[] = {
  {"a table", DATA "model m(tok: i32[B, T]) -> f32[B, T, 7] { tok |> embedding(7, 7) }\n" TRAIN(""), 0},
  {"gpt", DATA V
   "layer block(heads: int)(x: f32[B, T, D]) -> f32[B, T, D] {\n"
   "  let h = x + (x |> layer_norm |> self_attention(heads, causal = true) as attn)\n"
   "  h + (h |> layer_norm |> dense(2 * D) |> gelu |> dense(D))\n}\n"
   "model m(D: int = 8, context: int = 20)(tok: i32[B, T]) -> f32[B, T, 7] {\n"
   "  assert T <= context, \"a sequence of {T} is longer than the context {context}\"\n"
   "  param wte: f32[7, D] = normal(0.5)\n  param wpe: f32[context, D] = normal(0.5)\n"
   "  let y = repeat 2 with h = wte[tok] + wpe[0..T] { h |> block(2) }\n"
   "  layer_norm()(y) @ transpose(wte)\n}\n" TRAIN(""), 4},
  {"a mask that is added, before the scale", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6)\n"
   "  let mask = where(tril(T), 0.0, -1e9)\n"
   "  let s = (einsum[b t e, b u e -> b t u](x |> dense(6), x |> dense(6)) + mask) / 2.0\n"
   "  einsum[b t u, b u e -> b t e](softmax(s), x) |> head\n}\n" TRAIN(""), 2},
  {"linear attention, a mask that multiplies", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6)\n"
   "  let s = einsum[b t e, b u e -> b t u](x |> dense(6), x |> dense(6)) * where(tril(T), 1.0, 0.0)\n"
   "  einsum[b t u, b u e -> b t e](s, x) |> head\n}\n" TRAIN(""), 2},
  {"a learnt mixing of positions, masked", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6)\n"
   "  param mix: f32[64, 64] = normal(0.5)\n"
   "  einsum[t u, b u e -> b t e](where(tril(T), mix[0..T, 0..T], 0), x) |> head\n}\n" TRAIN(""), 1},
  {"a window of three by padding, and running sums", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6)\n"
   "  let before = concat([zeros[B, 1, 6], x[:, 0..T - 1]], axis = 1)\n"
   "  (before + cumsum(x, axis = 1)) |> tanh |> head\n}\n" TRAIN(""), 2},
  {"convolutions that look back", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = rearrange[b t c -> b c t](tok |> embedding(7, 6))\n"
   "  let y = concat([zeros[B, 6, 4], x], axis = 2) |> conv(5, 3, dilation = 2) |> tanh\n"
   "  rearrange[b c t -> b t c](y) |> head\n}\n" TRAIN(""), 1},
  {"places picked in each position", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6)\n"
   "  let y = gather(x, where(x > 0.0, 1, 5))\n  (x + cumsum(y, axis = 1)) |> head\n}\n" TRAIN(""), 1},
  {"llama", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n"
   "  let x = tok |> embedding(7, 16)\n"
   "  let y = repeat 2 with h = x {\n    let a = h + (h |> rms_norm |> grouped_query_attention(4, 2))\n"
   "    a + (a |> rms_norm |> swiglu(12))\n  }\n  y |> rms_norm |> head\n}\n" TRAIN(""), 4},
  {"attention with a mask of its own", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6) |> split_heads(2)\n"
   "  let near = range(T)[:, new] - range(T)[new, :]\n"
   "  attention(mask = near >= 0 and near < 4)(x, x, x) |> join_heads |> head\n}\n" TRAIN(""), 1},
  {"recurrent layers", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n"
   "  tok |> embedding(7, 6) |> lstm(5) |> gru(4) |> rnn(3) |> head\n}\n" TRAIN(""), 4},
  {"a loop of few turns", DATA V
   "model m(context: int = 4)(tok: i32[B, T]) -> f32[B, T, 7] { tok |> embedding(7, 6) |> gru(4) |> head }\n" TRAIN(""), 1},
  {"the first position, seen by all", DATA V
   "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 6)\n"
   "  x[:, 0][:, new, :] * x |> head\n}\n" TRAIN(""), 1},
};

START_TEST(token_by_token_is_the_same) {
  const Net *n = &nets[_i];
  NcProgram *p = program(nc_sprintf(arena, "nn 1\n%s", n->text));
  ck_assert_msg(p && p->task.n == 1 && p->task.at[0].decode.n == 1, "%s: %s", n->name, messages(diag));
  const NcDecode *d = &p->task.at[0].decode.at[0];
  ck_assert_int_eq(d->window, strstr(n->text, "context: int = 20") ? 20 : strstr(n->text, "context: int = 4") ? 4 : 64);
  ck_assert_int_eq(d->vocabulary, 7);
  ck_assert_msg(d->step->effect.n == n->caches, "%s: %d caches", n->name, d->step->effect.n);
  Text x = text_of(p, d);
  soil(&x);
  double worst = difference(&x, 0);
  ck_assert_msg(worst < 1e-9, "%s: differs by %g", n->name, worst);
  ck_assert((d->fill != NULL) == (n->caches > 0 && !strstr(n->text, "gru(")));
  if (!d->fill) return;
  ck_assert_int_eq(d->fill->effect.n, n->caches);
  const int64_t count[] = {1, d->window / 2, d->window};
  for (int i = 0; i < LENGTH(count); i++) {
    worst = difference_filled(&x, count[i]);
    ck_assert_msg(worst < 1e-9, "%s: %d tokens in one pass differ by %g", n->name, (int)count[i], worst);
    worst = difference(&x, count[i]);
    ck_assert_msg(worst < 1e-9, "%s: after %d tokens in one pass it differs by %g", n->name, (int)count[i], worst);
  }
}
END_TEST

// What looks ahead is refused, with the place.
static const Net refused[] = {
  {"a causal mask missing", "model m(tok: i32[B, T]) -> f32[B, T, 7] { tok |> embedding(7, 8) |> self_attention(2) |> dense(7) }\n", 0},
  {"still to come", "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 7)\n"
   "  x - mean(x, axis = 1, keep = true)\n}\n", 0},
  {"still to come", "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 7)\n"
   "  let s = einsum[b t e, b u e -> b t u](x, x)\n"
   "  einsum[b t u, b u e -> b t e](softmax(where(triu(T), s, -inf)), x)\n}\n", 0},
  {"from the first to the last", "model m(tok: i32[B, T]) -> f32[B, T, 7] { tok |> embedding(7, 6) |> lstm(7, backward = true) }\n", 0},
  {"other positions", "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n  let x = tok |> embedding(7, 7)\n"
   "  concat([x[:, 1..], zeros[B, 1, 7]], axis = 1)\n}\n", 0},
};

START_TEST(what_looks_ahead_is_refused) {
  const Net *n = &refused[_i];
  ck_assert_ptr_null(program(nc_sprintf(arena, "nn 1\n" DATA "%s" TRAIN(""), n->text)));
  const NcMessage *m = diag->messages.at[0];
  ck_assert_msg(m->code == NC_E0213 && strstr(m->text, n->name), "%s", messages(diag));
  ck_assert_msg(m->at.file != 0, "no place: %s", messages(diag));
}
END_TEST

// More operations one after the other than a stack holds: an error, and no crash.
START_TEST(what_is_too_deep_is_refused) {
  ck_assert_ptr_null(program("nn 1\n" DATA "model m(tok: i32[B, T]) -> f32[B, T, 7] {\n"
                             "  let x = tok |> embedding(7, 2)\n  let y = repeat 3000 with h = x { h |> sin |> cos }\n"
                             "  y |> dense(7)\n}\n" TRAIN("")));
  expect_error(NC_E0106, "one position at a time");
}
END_TEST

START_TEST(wrong_arguments) {
  static const struct { const char *call; NcCode code; const char *part; } bad[] = {
    {"decode(d, prompt, 3)", NC_E0205, "`model` of `decode` must be a model"},
    {"decode(m, prompt, 0)", NC_E0205, "1 or more"},
    {"decode(m, 1.0, 3)", NC_E0205, "i32[B, P]"},
    {"decode(m, prompt, 3, temperature = -1.0)", NC_E0205, "`temperature`"},
    {"decode(m, prompt, 3, top_p = 0.0)", NC_E0205, "`top_p`"},
    {"decode(m, prompt, 3, top_k = -1)", NC_E0205, "`top_k`"},
    {"decode(m, prompt, 3, context = 4)", NC_E0203, "the prompt has 5 tokens, more than the context 4 of `m`"},
    {"decode(m, prompt, 3, topk = 4)", NC_E0303, "no argument `topk`"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    diag->messages.n = diag->errors = 0;
    program(nc_sprintf(arena, "nn 1\n" DATA "model m(tok: i32[B, T]) -> f32[B, T, 7] { tok |> embedding(7, 7) }\n"
      "train m on d { loss = cross_entropy(m(tok[:, 0..16]), tok[:, 1..17]); optimizer = sgd(0.1); steps = 1; batch = 2 }\n"
      "task go(prompt: i32[B, P]) -> i32[B, P + 3] { %s }\n", bad[i].call));
    ck_assert_msg(diag->messages.n && diag->messages.at[0]->code == bad[i].code, "%s: %s", bad[i].call, messages(diag));
    ck_assert_msg(strstr(diag->messages.at[0]->text, bad[i].part), "%s: %s", bad[i].call, messages(diag));
  }
}
END_TEST

// Each further token costs the same, but for attention over what is kept: the plan for one position of a window twice as
// long differs by the cache alone.
START_TEST(a_token_costs_one_position) {
  double flops[2];
  for (int k = 0; k < 2; k++) {
    NcProgram *p = program(nc_sprintf(arena, "nn 1\n%s", nets[1].text));
    ck_assert_msg(p != NULL, "%s", messages(diag));
    const NcDecode *d = &p->task.at[0].decode.at[0];
    NcTarget t = nc_target_default(NC_CLASS_CPU);
    NcPlan *step = nc_compile(arena, diag, d->step, &t, &(NcCompileOptions){.name = "step", .verify = true});
    NcPlan *full = nc_compile(arena, diag, d->full, &t, &(NcCompileOptions){.name = "full"});
    ck_assert_msg(step && full, "%s", messages(diag));
    double sum[2] = {0};
    for (int i = 0; i < step->step.n; i++) sum[0] += (double)step->step.at[i].flops;
    for (int i = 0; i < full->step.n; i++) sum[1] += (double)full->step.at[i].flops;
    flops[k] = sum[0];
    ck_assert_msg(sum[0] * 8 < sum[1], "one position takes %g, all %g", sum[0], sum[1]);
  }
  ck_assert(flops[0] == flops[1]);
}
END_TEST

// ---- drawing a token

static unsigned drawn(double temperature, double top_p, int64_t top_k, const float *score, int n) {
  NcScored room[4];
  NcDraw how = {temperature, top_p, top_k};
  unsigned all = 0;
  for (uint64_t k = 0; k < 64; k++) {
    int64_t token = nc_draw(&how, score, n, 5, k, room);
    all |= token < 0 ? 1u << 31 : 1u << token;
  }
  return all;                              // a bit for each token that came; the highest: none could be drawn
}

START_TEST(what_may_be_drawn) {
  static const float equal[] = {0, 0, 0, 0}, some[] = {1, 3, 2, 3}, nan_[] = {0, NAN, 1}, inf[] = {0, INFINITY, 1};
  ck_assert_uint_eq(drawn(1, 1, 0, equal, 4), 15);
  ck_assert_uint_eq(drawn(0, 1, 0, some, 4), 1 << 1);            // the first of the best
  ck_assert_uint_eq(drawn(1, 1, 1, some, 4), 1 << 1);
  ck_assert_uint_eq(drawn(1, 1, 2, some, 4), 1 << 1 | 1 << 3);
  ck_assert_uint_eq(drawn(1, 1, 3, some, 4), 1 << 1 | 1 << 2 | 1 << 3);
  ck_assert_uint_eq(drawn(1, 1, 2, equal, 4), 3);                // of equals the first
  ck_assert_uint_eq(drawn(1, 0.5, 0, equal, 4), 3);              // a half is two of four, and no more
  ck_assert_uint_eq(drawn(1, 0.51, 0, equal, 4), 7);
  ck_assert_uint_eq(drawn(1, 1, 0, nan_, 3), 1u << 31);
  ck_assert_uint_eq(drawn(1, 1, 0, inf, 3), 1u << 31);
}
END_TEST

int main(void) {
  Suite *s = suite_create("decode");
  TCase *t = suite_case(s, "decode", suite_open, suite_close);
  tcase_add_loop_test(t, token_by_token_is_the_same, 0, (int)(sizeof nets / sizeof *nets));
  tcase_add_loop_test(t, what_looks_ahead_is_refused, 0, (int)(sizeof refused / sizeof *refused));
  tcase_add_test(t, what_is_too_deep_is_refused);
  tcase_add_test(t, wrong_arguments);
  tcase_add_test(t, a_token_costs_one_position);
  tcase_add_test(t, what_may_be_drawn);
  return suite_run(s, CK_FORK_GETENV);
}
