// What is computed again for gradients (compiler/passes/remake.c): the same numbers from less memory, as late as can be.
#include "elab_run.h"
#include "passes_run.h"

#define TRAIN(net, call, loss) \
  "nn 1\n" net "train m on d { let y = m(" call "); loss = " loss "; optimizer = sgd(1e-3); batch = 48; epochs = 1%s }\n"
#define SPIRAL "data d { source = spiral(n = 100); split = (train = 1.0) }\n"
#define DIGITS "data d { source = digits(n = 100); split = (train = 1.0) }\n"
#define TEXT "data d { source = text(\"t.txt\", window = 17); split = (train = 1.0) }\n"

// share: of the bytes of temporaries with all kept, what the best of a few numbers of stretches takes at most.
static const struct { const char *name, *text; double share; } cases[] = {
  {"a plain stack", TRAIN(SPIRAL "model m(x: f32[B, 2]) { let y = repeat 12 with h = dense(8)(x) { h |> dense(8) |> tanh }; dense(2)(y) }\n",
   "x", "cross_entropy(y, label)"), 1.05},
  {"residual, norm, dropout", TRAIN(SPIRAL "layer part(x: f32[B, D]) -> f32[B, D] { x + (x |> layer_norm |> dense(64) |> gelu |> dropout(0.3) |> dense(16)) }\n"
   "model m(x: f32[B, 2]) { let y = repeat 9 with h = dense(16)(x) { part(h) }; dense(2)(y) }\n", "x", "cross_entropy(y, label)"), 0.8},
  {"statistics of the batch", TRAIN(DIGITS "layer part(x: f32[B, C, H, W]) -> f32[B, C, H, W] { x + (x |> conv(4, 3, pad = 1) |> batch_norm |> relu) }\n"
   "model m(x: f32[B, 28, 28]) { let y = repeat 6 with h = (x[:, new] |> conv(4, 3, pad = 1, stride = 4)) { part(h) }; y |> global_avg_pool |> dense(10) }\n",
   "image / 255", "cross_entropy(y, label)"), 0.55},
  {"attention", TRAIN(TEXT "layer part(x: f32[B, T, D]) -> f32[B, T, D] { x + (x |> layer_norm |> self_attention(2, causal = true)) }\n"
   "model m(x: i32[B, T]) { let y = repeat 6 with h = embedding(65, 8)(x) { part(h) }; dense(65)(y) }\n", "tok[:, 0..16]",
   "cross_entropy(y, tok[:, 1..17])"), 0.6},
  {"loops", TRAIN(TEXT "model m(x: i32[B, T]) { x |> embedding(65, 8) |> lstm(6) |> gru(5) |> lstm(6) |> dense(5) |> dense(65) }\n", "tok[:, 0..16]",
   "cross_entropy(y, tok[:, 1..17])"), 0.65},
};

static NcProgram *elaborated(const char *text, const char *more) {
  char *whole = nc_sprintf(arena, text, more);
  NcProgramOptions o = {.name = "file.nn", .text = whole, .size = strlen(whole), .hooks = {.describe = describe_some}};
  NcDiag *d = nc_diag_new(arena);
  NcProgram *p = nc_program(arena, d, &o);
  ck_assert_msg(p != NULL, "%s", messages(d));
  return p;
}

static NcState compiled(const NcGraph *g, int stretches, const char *last) {
  static NcTarget cpu;
  cpu = nc_target_default(NC_CLASS_CPU);
  NcCompileOptions *o = NC_NEW(arena, NcCompileOptions);
  *o = (NcCompileOptions){.name = "test", .verify = true};
  NcState s = {.arena = arena, .diag = diag, .target = &cpu, .options = o, .graph = (NcGraph *)(uintptr_t)g, .stretches = stretches};
  ck_assert_msg(nc_run_passes(&s, last), "%s", messages(diag));
  return s;
}

static double *filled(int64_t n, double (*f)(int64_t)) {
  double *v = NC_NEW_N(arena, double, n);
  for (int64_t i = 0; i < n; i++) v[i] = f(i);
  return v;
}

static double wave(int64_t i) { return sin(1.3 * (double)i); }
static double byte(int64_t i) { return (double)(i * 37 % 256); }
static double bit(int64_t i) { return (double)(i % 2); }
static double token(int64_t i) { return (double)(i * 11 % 65); }

static NcEvalOptions bound(const NcProgram *p) {
  Binds *b = NC_NEW(arena, Binds);
  const int64_t batch = p->batch;
  ck_assert(bind_outputs(arena, diag, p->init, b));
  bind_value(arena, b, "x", filled(batch * 2, wave));
  bind_value(arena, b, "image", filled(batch * 28 * 28, byte));
  bind_value(arena, b, "label", filled(batch, bit));
  bind_value(arena, b, "tok", filled(batch * 17, token));
  bind_value(arena, b, "step", NC_NEW(arena, double));
  return (NcEvalOptions){.arena = arena, .nbind = b->bind.n, .bind = b->bind.at, .seed = 1};
}

static const int counts[] = {2, 3, 4, 6, 1000};

// The graph that the pass makes gives the same bits, and the plan that comes of it the same numbers.
START_TEST(the_same_numbers) {
  NcProgram *p = elaborated(cases[_i].text, "");
  NcEvalOptions o = bound(p);
  NcGraph *all = compiled(p->step, 1, "copies").graph;
  double **want = evaluate(all, &o);
  for (size_t k = 0; k < LENGTH(counts); k++) {
    NcGraph *g = compiled(p->step, counts[k], "remake").graph;
    ck_assert_int_gt(g->node.n, all->node.n);
    double **got = evaluate(g, &o);
    ck_assert_int_eq(g->effect.n, all->effect.n);
    for (int i = 0; i < g->effect.n; i++) {
      const NcNode *a = all->effect.at[i], *b = g->effect.at[i];
      for (int64_t e = 0; e < nc_count(a->type.shape); e++)
        ck_assert_msg(want[a->id][e] == got[b->id][e], "%s, %d stretches: %s", cases[_i].name, counts[k], nc_attr_str(a->in[0], "name"));
    }
  }
  NcState s = compiled(p->step, 4, NULL);
  same_run(p->step, &s, &o, 1);
}
END_TEST

static size_t least(const NcGraph *g) {
  size_t best = SIZE_MAX;
  for (size_t k = 0; k < LENGTH(counts); k++) {
    const size_t bytes = nc_plan_bytes(compiled(g, counts[k], NULL).placement->plan);
    if (bytes < best) best = bytes;
  }
  return best;
}

START_TEST(less_memory) {
  NcProgram *p = elaborated(cases[_i].text, "");
  const double all = (double)nc_plan_bytes(compiled(p->step, 0, NULL).placement->plan), some = (double)least(p->step);
  ck_assert_msg(some <= cases[_i].share * all, "%s: %g of %g bytes", cases[_i].name, some, all);
}
END_TEST

// What is computed again comes after the loss.
START_TEST(late) {
  NcProgram *p = elaborated(cases[_i].text, "");
  NcState s = compiled(p->step, 4, "schedule");
  const NcRegion *loss = s.regions->producer[nc_base(nc_graph_find_output(s.graph, "loss"))->id];
  int seen = 0, stretch = 0;
  for (int i = 0; i < s.regions->region.n; i++) {
    const NcRegion *g = s.regions->region.at[i];
    int again = g->core.n ? INT32_MAX : 0;
    for (int k = 0; k < g->core.n; k++)
      if (g->core.at[k]->again < again) again = g->core.at[k]->again;
    if (!again) continue;
    seen++;
    ck_assert_msg(g->order > loss->order, "%s: region %d of stretch %d comes before the loss", cases[_i].name, g->id, again);
    if (again > stretch) stretch = again;
  }
  ck_assert_int_ge(stretch, 2);
  ck_assert_int_ge(seen, 4);
}
END_TEST

// The setting is the graph's; what reads variables alone is not computed twice; and a graph without gradients has nothing to do.
START_TEST(setting) {
  NcProgram *p = elaborated(cases[1].text, "; recompute = 3; accumulate = 2");
  ck_assert_int_eq(p->step->stretches, 3);
  ck_assert_int_eq(p->update.at[0].gather->stretches, 3);
  ck_assert_int_eq(p->eval->stretches, 0);
  const NcGraph *g = compiled(p->eval, 5, "copies").graph, *h = compiled(p->eval, 5, "remake").graph;
  ck_assert_str_eq(nc_graph_identity(g, arena), nc_graph_identity(h, arena));
}
END_TEST

int main(void) {
  Suite *s = suite_create("remake");
  TCase *t = suite_case(s, "remake", suite_open, suite_close);
  tcase_add_loop_test(t, the_same_numbers, 0, LENGTH(cases));
  tcase_add_loop_test(t, less_memory, 0, LENGTH(cases));
  tcase_add_loop_test(t, late, 0, LENGTH(cases));
  tcase_add_test(t, setting);
  return suite_run(s, CK_FORK_GETENV);
}
