// Slices of a loop's body: what they compute is that slice of what the body computes; bodies whose rows have to do with each other
// have none. And the plans that come of it: one launch for all turns, or marks around a turn's.
#include <math.h>
#include <stdlib.h>
#include "compile.h"
#include "elab_run.h"
#include "eval/eval.h"
#include "loops.h"
#include "passes/passes.h"
#include "random_graph.h"
#include "suite.h"

// ---- A slice by the evaluator

static int case_named(const char *name) {
  for (int i = 0; loop_cases[i]; i++)
    if (strcmp(loop_cases[i], name) == 0) return i;
  ck_abort_msg("no case is called %s", name);
}

// The first loop of a case, or with gradients the last. Toward what all rows share it would sum over them in a turn.
static NcLoop loop_of(const char *name, bool gradient) {
  LoopCase c = {.g = nc_graph_new(arena, diag, "g")};
  NcNode *d[8], *toward[8];
  NcLoop l = {0}, found;
  int n = 0;
  loop_build(&c, case_named(name));
  for (int i = 0; i < c.ninput; i++)
    if (strcmp(nc_attr_str(c.input[i], "name"), "all") != 0) toward[n++] = c.input[i];
  if (gradient) ck_assert_msg(nc_grad(c.g, loop_loss(&c), n, toward, d), "%s", messages(diag));
  for (int i = 0; i < c.g->node.n; i++)
    if (nc_loop_of(c.g->node.at[i], &found) && (gradient || !l.body)) l = found;
  ck_assert(l.body != NULL);
  return l;
}

static double **values(const NcGraph *g, int nbind, const NcBinding *bind) {
  NcEvalOptions o = {.arena = arena, .nbind = nbind, .bind = bind};
  double **v = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert_msg(nc_eval(g, diag, &o, v), "%s", messages(diag));
  return v;
}

// That many of `all`, from where slice `part` begins; all of them where the slice is the whole.
static const double *cut(const double *all, int64_t count, int64_t slice, int64_t part) {
  return slice == count ? all : all + part * slice;
}

static void same_as_slices(const NcLoop *l, int64_t parts) {
  NcGraph *one = nc_loop_slice(arena, l, parts);
  ck_assert_msg(one != NULL, "no slices of %lld", (long long)parts);
  ck_assert_msg(nc_graph_verify(one, diag, "slicing"), "%s", messages(diag));
  NC_VEC(NcBinding) bind = {0};
  for (int i = 0; i < l->body->node.n; i++)
    if (strcmp(l->body->node.at[i]->op->name, "input") == 0)
      *NC_PUSH(arena, bind) = (NcBinding){nc_attr_str(l->body->node.at[i], "name"), loop_values(arena, l->body->node.at[i])};
  double **whole = values(l->body, bind.n, bind.at);
  for (int64_t p = 0; p < parts; p++) {
    NC_VEC(NcBinding) some = {0};
    for (int i = 0; i < one->node.n; i++) {
      const NcNode *n = one->node.at[i];
      if (strcmp(n->op->name, "input") != 0) continue;
      const char *name = nc_attr_str(n, "name");
      const NcNode *all = nc_loop_input(l->body, *name, *name == 't' ? 0 : atoi(name + 1));
      for (int k = 0; k < bind.n; k++)
        if (strcmp(bind.at[k].name, name) == 0)
          *NC_PUSH(arena, some) = (NcBinding){name, cut(bind.at[k].value, nc_count(all->type.shape), nc_count(n->type.shape), p)};
    }
    double **got = values(one, some.n, some.at);
    ck_assert_int_eq(one->output.n, l->body->output.n);
    for (int i = 0; i < one->output.n; i++) {
      const NcNode *n = one->output.at[i].node, *all = nc_graph_find_output(l->body, one->output.at[i].name);
      int64_t count = nc_count(n->type.shape);
      ck_assert_int_eq(count * parts, nc_count(all->type.shape));
      for (int64_t k = 0; k < count; k++)
        ck_assert_msg(fabs(got[n->id][k] - whole[all->id][p * count + k]) < 1e-12, "%s of slice %lld, element %lld: %.12g and %.12g",
                      one->output.at[i].name, (long long)p, (long long)k, got[n->id][k], whole[all->id][p * count + k]);
    }
  }
}

static const struct { const char *name; bool gradient; int64_t parts; } sliced[] = {
  {"recurrent", false, 2}, {"recurrent, backward", true, 2}, {"lstm", false, 2}, {"lstm", true, 2}, {"two products", false, 4}, {"two products", true, 2},
  {"rows apart", false, 2}, {"rows apart", false, 3}, {"rows apart", false, 6}, {"rows apart", false, 12}, {"rows apart", true, 4}};

START_TEST(a_slice_computes_its_part) {
  NcLoop l = loop_of(sliced[_i].name, sliced[_i].gradient);
  same_as_slices(&l, sliced[_i].parts);
}
END_TEST

// Leaves become what a loop closes over: "v3" is "w3".
static NcNode *closed_over(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  (void)ctx, (void)in;
  if (strcmp(old->op->name, "var") != 0 && strcmp(old->op->name, "input") != 0) return NULL;
  return nc_input(to, old->at, nc_sprintf(to->arena, "w%s", nc_attr_str(old, "name") + 1), old->type);
}

// Each value of a random graph as what a body emits: in two and three slices, where there are any.
START_TEST(slices_of_random_bodies) {
  enum { SEEDS = 60 };
  int found = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    NcGraph *g = random_graph(arena, diag, seed + 1000 * (uint32_t)_i);
    g->effect.n = 0;
    for (int k = 0; k < g->output.n; k++) {
      NcGraph *all = nc_graph_rewrite(g, arena, closed_over, NULL, NULL);
      ck_assert(all != NULL);
      NcNode *value = nc_graph_find_output(all, g->output.at[k].name);
      all->output.n = 0;
      nc_graph_output(all, "y0", value);
      NcLoop l = {.nemit = 1, .trips = 1, .body = nc_graph_prune(all)};
      for (int64_t parts = 2; parts <= 3; parts++) {
        if (!nc_loop_slice(arena, &l, parts)) continue;
        same_as_slices(&l, parts);
        found++;
      }
    }
  }
  ck_assert_msg(found >= 20, "only %d random bodies have slices", found);
}
END_TEST

static const struct { const char *name; int64_t parts; } refused[] = {
  {"rows apart", 5}, {"rows apart", 24}, {"recurrent", 3}, {"counting", 2}, {"random", 2}, {"nested", 2}, {"gather and conv", 2},
  {"rows mixed by a product", 2}, {"rows mixed by a sum", 2}};

START_TEST(what_has_no_slices) {
  NcLoop l = loop_of(refused[_i].name, false);
  ck_assert_msg(nc_loop_slice(arena, &l, refused[_i].parts) == NULL, "%s", refused[_i].name);
  ck_assert_int_eq(diag->errors, 0);
}
END_TEST

// ---- Plans

static NcPlan *plan_of(const char *layer, NcClass cls, NcCompileOptions o, int units) {
  const char *text = nc_sprintf(arena, "nn 1\ndata points { source = spiral(n = 64); split = (train = 1.0) }\n"
    "model net(x: f32[B, 2]) -> f32[B, 2] {\n  let p = flatten(x)\n  let q = concat(p, 2 * p, 3 * p, 4 * p, "
        "axis = 1)\n  let s = concat(q, q - 1, axis = 1) |> reshape[B, 8, 2]\n"
    "  s |> %s |> dense(2)\n}\ntrain net on points { loss = cross_entropy(net(x), label); optimizer = sgd(0.3); "
        "batch = 12; steps = 9 }\n", layer);
  NcProgramOptions program = {.name = "file.nn", .text = text, .size = strlen(text), .hooks = {.describe = describe_some}};
  NcProgram *p = nc_program(arena, diag, &program);
  ck_assert_msg(p != NULL, "%s", messages(diag));
  NcTarget t = nc_target_default(cls);
  t.compute_units = units;
  o.name = "step";
  o.verify = true;
  NcPlan *plan = nc_compile(arena, diag, p->step, &t, &o);
  ck_assert_msg(plan != NULL && nc_plan_verify(plan, diag), "%s", messages(diag));
  return plan;
}

static int loops_in(const NcPlan *p) {
  int n = 0;
  for (int i = 0; i < p->step.n; i++) n += p->step.at[i].kind == NC_STEP_LOOP;
  return n;
}

// Launches of a step, forward and backward loop in one launch each; the same however many turns there are.
static const struct { const char *layer; int most; } nets[] = {
  {"lstm(8, last = true)", 24}, {"gru(8, last = true)", 24}, {"rnn(8, last = true)", 24}};

START_TEST(all_turns_are_one_launch) {
  NcPlan *one = plan_of(nets[_i].layer, NC_CLASS_CPU, (NcCompileOptions){0}, 2);
  NcPlan *apart = plan_of(nets[_i].layer, NC_CLASS_CPU, (NcCompileOptions){.no_fast = "loop_parts"}, 2);
  ck_assert_int_eq(loops_in(one), 0);
  ck_assert_int_eq(loops_in(apart), 2);
  ck_assert_msg(nc_plan_launches(one) <= nets[_i].most, "%s: %lld launches", nets[_i].layer, (long long)nc_plan_launches(one));
  ck_assert_int_lt(nc_plan_launches(one), nc_plan_launches(apart));
  int slices = 0;
  for (int i = 0; i < one->step.n; i++)
    if (strncmp(one->step.at[i].kernel ? one->step.at[i].kernel : "", "turns_of", 8) == 0) {
      slices++;
      ck_assert_int_eq(one->step.at[i].global[0], 2);
    }
  ck_assert_int_eq(slices, 2);
  ck_assert_ptr_nonnull(strstr(one->program, "_ahead(scratch_"));       // no turn packs the weights again
  ck_assert_ptr_null(strstr(apart->program, "_ahead(scratch_"));
}
END_TEST

// As many slices as there are cores; none on the other class, nor where each value of each turn is wanted.
START_TEST(as_many_slices_as_cores) {
  static const struct { int units; size_t slices; } want[] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}};
  for (int i = 0; i < LENGTH(want); i++) {
    NcPlan *p = plan_of("lstm(8, last = true)", NC_CLASS_CPU, (NcCompileOptions){0}, want[i].units);
    for (int k = 0; k < p->step.n; k++)
      if (strncmp(p->step.at[k].kernel ? p->step.at[k].kernel : "", "turns_of", 8) == 0)
        ck_assert_int_eq(p->step.at[k].global[0], want[i].slices);
  }
  ck_assert_int_eq(loops_in(plan_of("lstm(8, last = true)", NC_CLASS_GPU, (NcCompileOptions){0}, 2)), 2);
  ck_assert_int_eq(loops_in(plan_of("lstm(8, last = true)", NC_CLASS_CPU, (NcCompileOptions){.no_fuse = true}, 2)), 2);
}
END_TEST

int main(void) {
  Suite *s = suite_create("slices");
  TCase *t = suite_case(s, "slices", suite_open, suite_close);
  tcase_add_loop_test(t, a_slice_computes_its_part, 0, LENGTH(sliced));
  tcase_add_loop_test(t, slices_of_random_bodies, 0, 4);
  tcase_add_loop_test(t, what_has_no_slices, 0, LENGTH(refused));
  tcase_add_loop_test(t, all_turns_are_one_launch, 0, LENGTH(nets));
  tcase_add_test(t, as_many_slices_as_cores);
  return suite_run(s, CK_FORK_GETENV);
}
