// Memory: what lies where, that nothing is overwritten before its time, and how little is enough.
#include <string.h>
#include "passes_run.h"

// The largest sum of bytes that is live at one place of the schedule: no plan needs less.
static size_t most_live(const NcState *s) {
  const NcRegions *r = s->regions;
  int n = r->region.n;
  int *first = NC_NEW_N(arena, int, r->graph->node.n + 1), *last = NC_NEW_N(arena, int, r->graph->node.n + 1);
  size_t most = 0;
  for (int i = 0; i < r->graph->node.n; i++) first[i] = last[i] = -1;
  for (int i = 0; i < n; i++) {
    const NcRegion *g = r->region.at[i];
    for (int p = 0; p < (g->parts ? g->parts : 1); p++)
      for (int k = 0; k < g->input.n; k++) last[(g->parts ? g->part_input[p][k] : g->input.at[k])->id] = i;
    for (int k = 0; k < g->output.n; k++)
      if (!g->assign.at[k] && g->kind != NC_REGION_COPY) first[g->output.at[k]->id] = i;
  }
  for (int i = 0; i < n; i++) {   // a pack is there from its first value on
    const NcRegion *g = r->region.at[i];
    for (int k = 0; g->parts && k < g->input.n; k++) {
      int begin = n;
      for (int p = 0; p < g->parts; p++)
        if (first[g->part_input[p][k]->id] < begin) begin = first[g->part_input[p][k]->id];
      for (int p = 0; p < g->parts && begin >= 0; p++) first[g->part_input[p][k]->id] = begin;
    }
  }
  for (int i = 0; i < r->graph->output.n; i++) last[nc_base(r->graph->output.at[i].node)->id] = n;
  for (int i = 0; i < n; i++) {
    size_t live = 0;
    for (int k = 0; k < r->graph->node.n; k++)
      if (first[k] >= 0 && first[k] <= i && last[k] > i) live += nc_type_bytes(r->graph->node.at[k]->type);
    if (live > most) most = live;
  }
  return most;
}

// Places that are easy to get wrong: each graph by hand, its values against the evaluator's.
static const char *const corners[] = {
  "%0 = const(){value=3} : f32[]\noutput \"y\" = %0",
  "%0 = iota(){axis=1} : i32[2,3]\noutput \"y\" = %0",
  "%0 = const(){values=[1,2,3]} : f32[3]\noutput \"y\" = %0",
  "%0 = input(){name=\"x\"} : f32[4]\noutput \"y\" = %0\noutput \"z\" = %0",
  "%0 = input(){name=\"x\"} : f32[4]\n%1 = reshape(%0){shape=[2,2]} : f32[2,2]\noutput \"y\" = %1",
  "%0 = input(){name=\"x\"} : f32[4]\n%1 = neg(%0) : f32[4]\n%2 = reshape(%1){shape=[2,2]} : f32[2,2]\n"
  "output \"y\" = %1\noutput \"z\" = %2",
  // a variable as it was, beside its new value
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = neg(%0) : f32[4]\n%2 = assign(%0, %1) : f32[4]\n"
  "output \"y\" = %0\neffect %2",
  // two variables change places
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = var(){name=\"w\", kind=\"state\"} : f32[4]\n"
  "%2 = assign(%0, %1) : f32[4]\n%3 = assign(%1, %0) : f32[4]\neffect %2\neffect %3",
  // one value for two variables, and an output of another shape
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = var(){name=\"w\", kind=\"state\"} : f32[2,2]\n"
  "%2 = neg(%0) : f32[4]\n"
  "%3 = reshape(%2){shape=[2,2]} : f32[2,2]\n%4 = assign(%0, %2) : f32[4]\n%5 = assign(%1, %3) : f32[2,2]\n"
  "output \"y\" = %3\neffect %4\neffect %5",
  // turned around in its own place: every element is read before it is written
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = slice(%0){start=[3], size=[4], step=[-1]} : f32[4]\n"
  "%2 = neg(%1) : f32[4]\n"
  "%3 = assign(%0, %2) : f32[4]\neffect %3",
  // a variable that a product reads and a product replaces
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[2,2]\n"
  "%1 = dot(%0, %0){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[2,2]\n"
  "%2 = assign(%0, %1) : f32[2,2]\neffect %2",
  // a constant for a variable
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[3]\n%1 = const(){values=[1,2,3]} : f32[3]\n"
  "%2 = assign(%0, %1) : f32[3]\neffect %2",
};

START_TEST(corner) {
  NcGraph *g = nc_graph_read(arena, diag, "test", nc_sprintf(arena, "graph g {\n%s\n}\n", corners[_i]));
  ck_assert_msg(g != NULL, "%s", messages(diag));
  NcEvalOptions o;
  random_bindings(arena, g, (uint32_t)_i, &o);
  for (int apart = 0; apart < 2; apart++) {
    NcState s = compile(g, "memory", apart, NULL);
    same_runs(g, &s, &o, 2);
  }
}
END_TEST

START_TEST(arena_is_tight) {
  NcState s = compile(nets[_i].make(32), "memory", false, NULL);
  size_t arena_bytes = 0, least = most_live(&s);
  for (int i = 0; i < s.placement->plan->buf.n; i++)
    if (s.placement->plan->buf.at[i].kind == NC_BUF_ROOT_ARENA) arena_bytes += s.placement->plan->buf.at[i].bytes;
  ck_assert_uint_ge(arena_bytes, least);
  // Alignment and what does not fit together may cost something.
  ck_assert_msg(arena_bytes <= least + least / 4 + 16384, "%zu bytes, %zu live", arena_bytes, least);
}
END_TEST

START_TEST(several_arenas) {
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  NcGraph *g = net_mlp(arena, diag, 32, true);
  NcState whole = compile(g, "memory", false, &t);
  t.max_alloc = 500 << 10;   // the largest value, a weight's gradient in its pack, just fits
  NcState s = compile(g, "memory", false, &t);
  int arenas = 0;
  for (int i = 0; i < s.placement->plan->buf.n; i++) arenas += s.placement->plan->buf.at[i].kind == NC_BUF_ROOT_ARENA;
  ck_assert_int_ge(arenas, 2);
  NcEvalOptions o;
  random_bindings(arena, g, 5, &o);
  same_run(g, &s, &o, 0);
  ck_assert_uint_ge(nc_plan_bytes(s.placement->plan), nc_plan_bytes(whole.placement->plan));
}
END_TEST

START_TEST(too_large) {
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  if (_i) t.memory = 1 << 20;
  else t.max_alloc = 100 << 10;
  NcCompileOptions o = {.name = "test"};
  ck_assert_ptr_null(nc_compile(arena, diag, net_mlp(arena, diag, 32, true), &t, &o));
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0504);
  ck_assert_ptr_nonnull(strstr(messages(diag), "dense1.weight"));
  ck_assert_ptr_nonnull(strstr(messages(diag), "smaller batch"));
}
END_TEST

// The optimizer in place and over packs: one launch, and every segment where a kernel that runs over all of them looks.
START_TEST(update_packs) {
  NcState s = compile(net_mlp(arena, diag, 8, true), "memory", false, NULL);
  const NcPlan *p = s.placement->plan;
  for (int i = 0; i < s.regions->region.n; i++) {
    const NcRegion *g = s.regions->region.at[i];
    if (g->kind != NC_REGION_UPDATE) continue;
    ck_assert_int_eq(g->parts, 4);
    ck_assert_int_eq(g->output.n, 3);
    ck_assert_int_eq(g->pack_count % 32, 0);
    for (int k = 0; k < g->output.n; k++) {
      ck_assert_int_eq(p->buf.at[g->pack_assign[k]].kind, NC_BUF_ROOT_VAR);
      ck_assert_uint_eq(p->buf.at[g->pack_assign[k]].bytes, (size_t)g->pack_count * 4);
    }
    return;
  }
  ck_abort_msg("no update region");
}
END_TEST

// Two variables with equal gradients: one value cannot lie at two places of a pack.
START_TEST(update_of_equal_gradients) {
  NcGraph *g = nc_graph_new(arena, diag, "step");
  NcType t = {NC_F32, NC_SHAPE(5, 5)};
  NcNode *x = nc_input(g, NC_NOWHERE, "x", t);
  for (int i = 0; i < 4; i++) {
    NcNode *w = nc_var(g, NC_NOWHERE, nc_sprintf(arena, "w%d", i), "param", t);
    NcNode *d = i < 2 ? nc_matmul(g, NC_NOWHERE, x, x) : nc_matmul(g, NC_NOWHERE, x, nc_input(g, NC_NOWHERE, i < 3 ? "y" : "z", t));
    nc_assign(g, NC_NOWHERE, w, nc_op2(g, NC_NOWHERE, "sub", w, d));
  }
  NcState s = compile(g, "memory", false, NULL);
  ck_assert_int_eq(count_kind(s.regions, NC_REGION_UPDATE), 1);   // that they do not overlap is verified on the way
}
END_TEST

int main(void) {
  Suite *s = suite_create("arena");
  TCase *c = suite_case(s, "memory", suite_open, suite_close);
  tcase_add_loop_test(c, corner, 0, LENGTH(corners));
  tcase_add_loop_test(c, arena_is_tight, 0, LENGTH(nets));
  tcase_add_test(c, several_arenas);
  tcase_add_loop_test(c, too_large, 0, 2);
  tcase_add_test(c, update_packs);
  tcase_add_test(c, update_of_equal_gradients);
  return suite_run(s, CK_FORK_GETENV);
}
