// Graphs through the passes, and whether what comes out means what went in, by the evaluator.
#ifndef NC_TEST_PASSES_RUN_H
#define NC_TEST_PASSES_RUN_H
#include <math.h>
#include <stdlib.h>
#include "gen/gen.h"
#include "interpret.h"
#include "nets.h"
#include "random_graph.h"
#include "suite.h"

static const char *graph_text(const NcGraph *g) {
  NcBuf b = NC_BUF(arena);
  nc_graph_print(g, &b);
  return nc_buf_str(&b);
}

// ---- comparing values

static inline bool near(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return a == b || fabs(a - b) <= 1e-4 * (1 + fabs(a) + fabs(b));
}

static inline void same_values(const char *what, int64_t n, const double *want, const double *got, const NcGraph *g,
    uint32_t seed) {
  for (int64_t i = 0; i < n; i++)
    ck_assert_msg(near(want[i], got[i]), "seed %u: %s[%lld] is %g instead of %g\n%s", seed, what, (long long)i,
                  got[i], want[i],
                  graph_text(g));
}

static inline double **evaluate(const NcGraph *g, const NcEvalOptions *o) {
  double **v = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert_msg(nc_eval(g, diag, o, v), "%s", messages(diag));
  return v;
}

// Every variable that is assigned, and every output.
static inline void same_graphs(const NcGraph *g, const NcGraph *h, const NcEvalOptions *o, uint32_t seed) {
  double **a = evaluate(g, o), **b = evaluate(h, o);
  ck_assert_int_eq(g->output.n, h->output.n);
  ck_assert_int_eq(g->effect.n, h->effect.n);
  for (int i = 0; i < g->output.n; i++) {
    ck_assert(nc_type_eq(g->output.at[i].node->type, h->output.at[i].node->type));
    same_values(g->output.at[i].name, nc_count(g->output.at[i].node->type.shape), a[g->output.at[i].node->id],
                b[h->output.at[i].node->id], g, seed);
  }
  for (int i = 0; i < g->effect.n; i++)
    same_values("variable", nc_count(g->effect.at[i]->type.shape), a[g->effect.at[i]->id], b[h->effect.at[i]->id],
        g, seed);
}

static inline NcState compile(NcGraph *g, const char *last, bool no_fuse, const NcTarget *t) {
  static NcTarget cpu;
  cpu = nc_target_default(NC_CLASS_CPU);
  NcCompileOptions *o = NC_NEW(arena, NcCompileOptions);
  *o = (NcCompileOptions){.name = "test", .verify = true, .no_fuse = no_fuse};
  NcState s = {.arena = arena, .diag = diag, .target = t ? t : &cpu, .options = o, .graph = g};
  ck_assert_msg(nc_run_passes(&s, last), "%s\n%s", messages(diag), graph_text(g));
  ck_assert_msg(!diag->errors, "%s\n%s", messages(diag), graph_text(g));
  return s;
}

static inline void same_results(const NcGraph *g, const NcState *s, double **want, Interpret *it, uint32_t seed) {
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
    same_values(name, nc_count(g->effect.at[i]->type.shape), want[g->effect.at[i]->id], interpret_buffer(it, b), g,
        seed);
  }
}

static inline void same_run(const NcGraph *g, const NcState *s, const NcEvalOptions *o, uint32_t seed) {
  Interpret *it = interpret_new(arena, s->placement, o);
  interpret_run(it);
  same_results(g, s, evaluate(g, o), it, seed);
}

// The bindings of the next step: variables have their new values.
static inline NcEvalOptions next(const NcGraph *g, const NcEvalOptions *o, double **value) {
  NcEvalOptions n = *o;
  NcBinding *bind = nc_memdup(arena, o->bind, (size_t)o->nbind * sizeof *bind);
  for (int i = 0; i < g->effect.n; i++)
    for (int k = 0; k < o->nbind; k++)
      if (strcmp(bind[k].name, nc_attr_str(g->effect.at[i]->in[0], "name")) == 0)
        bind[k].value = value[g->effect.at[i]->id];
  n.bind = bind;
  return n;
}

// Several steps: what one leaves in memory, the next one finds.
static inline void same_runs(const NcGraph *g, const NcState *s, const NcEvalOptions *o, int steps) {
  Interpret *it = interpret_new(arena, s->placement, o);
  NcEvalOptions here = *o;
  for (int i = 0; i < steps; i++) {
    double **want = evaluate(g, &here);
    interpret_run(it);
    same_results(g, s, want, it, (uint32_t)i);
    here = next(g, &here, want);
  }
}

static inline int count_kind(const NcRegions *r, NcRegionKind k) {
  int n = 0;
  for (int i = 0; i < r->region.n; i++) n += r->region.at[i]->kind == k;
  return n;
}

static inline NcGraph *make_mlp(int64_t batch) { return net_mlp(arena, diag, batch, true); }
static inline NcGraph *make_mlp_eval(int64_t batch) { return net_mlp(arena, diag, batch, false); }
static inline NcGraph *make_cnn(int64_t batch) { return net_cnn(arena, diag, batch, true); }
static inline NcGraph *make_cnn_eval(int64_t batch) { return net_cnn(arena, diag, batch, false); }
static inline NcGraph *make_gpt(int64_t batch) { return net_gpt_block(arena, diag, batch, 4, 8, 2, true); }
static inline NcGraph *make_resnet(int64_t batch) { return net_resnet_block(arena, diag, batch, 3, 4, true); }

// Launches of a training or inference step, and of those: products, rows, updates. -1: not looked at.
static const struct { const char *name; NcGraph *(*make)(int64_t); int launches, dots, rows, updates; } nets[] = {
  {"mlp", make_mlp, 11, 5, 2, 1}, {"mlp inference", make_mlp_eval, 5, 2, 2, 0},
  {"cnn", make_cnn, 24, 6, 2, 1}, {"cnn inference", make_cnn_eval, 9, 2, 2, 0},
  {"gpt", make_gpt, 46, -1, -1, 1}, {"resnet", make_resnet, 36, -1, -1, 2},
};

#endif
