// Passes against the evaluator: random graphs and whole nets mean the same after every pass, whatever was fused, reordered
// and placed; and what was fused is counted.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gen/gen.h"
#include "interpret.h"
#include "nets.h"
#include "passes/rules.h"
#include "random_graph.h"

static NcArena *arena;
static NcDiag *diag;

static void setup(void) {
  arena = nc_arena_new();
  diag = nc_diag_new(arena);
}
static void teardown(void) { nc_arena_free(arena); }

static const char *shown(void) {
  NcBuf b = NC_BUF(arena);
  nc_diag_render(diag, &b, false);
  return nc_buf_str(&b);
}

static const char *graph_text(const NcGraph *g) {
  NcBuf b = NC_BUF(arena);
  nc_graph_print(g, &b);
  return nc_buf_str(&b);
}

// ---- comparing values

static bool near(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return a == b || fabs(a - b) <= 1e-4 * (1 + fabs(a) + fabs(b));
}

static void same_values(const char *what, int64_t n, const double *want, const double *got, const NcGraph *g, uint32_t seed) {
  for (int64_t i = 0; i < n; i++)
    ck_assert_msg(near(want[i], got[i]), "seed %u: %s[%lld] is %g instead of %g\n%s", seed, what, (long long)i, got[i], want[i],
                  graph_text(g));
}

static double **evaluate(const NcGraph *g, const NcEvalOptions *o) {
  double **v = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert_msg(nc_eval(g, diag, o, v), "%s", shown());
  return v;
}

// Every variable that is assigned, and every output.
static void same_graphs(const NcGraph *g, const NcGraph *h, const NcEvalOptions *o, uint32_t seed) {
  double **a = evaluate(g, o), **b = evaluate(h, o);
  ck_assert_int_eq(g->output.n, h->output.n);
  ck_assert_int_eq(g->effect.n, h->effect.n);
  for (int i = 0; i < g->output.n; i++) {
    ck_assert(nc_type_eq(g->output.at[i].node->type, h->output.at[i].node->type));
    same_values(g->output.at[i].name, nc_count(g->output.at[i].node->type.shape), a[g->output.at[i].node->id],
                b[h->output.at[i].node->id], g, seed);
  }
  for (int i = 0; i < g->effect.n; i++)
    same_values("variable", nc_count(g->effect.at[i]->type.shape), a[g->effect.at[i]->id], b[h->effect.at[i]->id], g, seed);
}

static NcState compile(NcGraph *g, const char *last, bool no_fuse, const NcTarget *t) {
  static NcTarget cpu;
  cpu = nc_target_default(NC_CLASS_CPU);
  NcCompileOptions *o = NC_NEW(arena, NcCompileOptions);
  *o = (NcCompileOptions){.name = "test", .verify = true, .no_fuse = no_fuse};
  NcState s = {.arena = arena, .diag = diag, .target = t ? t : &cpu, .options = o, .graph = g};
  ck_assert_msg(nc_run_passes(&s, last), "%s\n%s", shown(), graph_text(g));
  ck_assert_msg(!diag->errors, "%s\n%s", shown(), graph_text(g));
  return s;
}

static void same_run(const NcGraph *g, const NcState *s, const NcEvalOptions *o, uint32_t seed) {
  double **want = evaluate(g, o);
  Interpret *it = interpret_new(arena, s->placement, o);
  interpret_run(it);
  const NcPlan *p = s->placement->plan;
  for (int i = 0; i < g->output.n; i++) {
    int b = nc_plan_output(p, g->output.at[i].name);
    ck_assert_msg(b >= 0 && nc_type_eq(p->buf.at[b].type, g->output.at[i].node->type), "%s", graph_text(g));
    same_values(g->output.at[i].name, nc_count(g->output.at[i].node->type.shape), want[g->output.at[i].node->id],
                interpret_buffer(it, b), g, seed);
  }
  for (int i = 0; i < g->effect.n; i++) {
    const char *name = nc_attr_str(g->effect.at[i]->in[0], "name");
    int b = nc_plan_find(p, NC_BUF_VAR, name);
    ck_assert_msg(b >= 0, "%s", name);
    same_values(name, nc_count(g->effect.at[i]->type.shape), want[g->effect.at[i]->id], interpret_buffer(it, b), g, seed);
  }
}

enum { PER_TEST = 50 };

START_TEST(random_simplified) {
  for (int i = 0; i < PER_TEST; i++) {
    uint32_t seed = (uint32_t)(_i * PER_TEST + i);
    setup();
    NcGraph *g = random_graph(arena, diag, seed);
    ck_assert_msg(!diag->errors, "seed %u: %s", seed, shown());
    NcEvalOptions o;
    random_bindings(arena, g, seed, &o);
    NcGraph *h = nc_simplify_graph(arena, g, NULL);
    ck_assert_msg(h && nc_graph_verify(h, diag, "simplify"), "seed %u: %s", seed, shown());
    same_graphs(g, h, &o, seed);
    teardown();
  }
}
END_TEST

START_TEST(random_placed) {
  for (int i = 0; i < PER_TEST; i++) {
    uint32_t seed = (uint32_t)(_i * PER_TEST + i);
    setup();
    NcGraph *g = random_graph(arena, diag, seed);
    NcEvalOptions o;
    random_bindings(arena, g, seed, &o);
    NcState fused = compile(g, "memory", false, NULL), apart = compile(g, "memory", true, NULL);
    same_run(g, &fused, &o, seed);
    same_run(g, &apart, &o, seed);
    ck_assert_int_le(fused.regions->region.n, apart.regions->region.n);
    teardown();
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("passes");
  TCase *c = tcase_create("random");
  tcase_set_timeout(c, 60);
  tcase_add_loop_test(c, random_simplified, 0, 20);
  tcase_add_loop_test(c, random_placed, 0, 20);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

__attribute__((weak)) bool nc_generate(NcPlacement *p, NcDiag *d, const NcCompileOptions *o) { (void)p, (void)d, (void)o; return true; }
__attribute__((weak)) size_t nc_region_workspace(const NcRegion *r, const NcTarget *t) { (void)r, (void)t; return 0; }
