// `nacre test`: the file's own test blocks. What a test expects is computed by the reference evaluator and on the
// device; gradients are compared with central differences of the reference.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "device/check.h"
#include "eval/eval.h"
#include "ops/op.h"
#include "train/model.h"

typedef struct {
  NacreModel *m;
  const NcTest *test;
  NcArena *a;
  NcBuf why;                 // the first thing that does not hold; empty while all is well
} Run;

// The variables' starting values as bindings.
static bool starting(Run *r, NcBinding **bind, int *n) {
  const NcGraph *g = r->test->init;
  *n = 0;
  if (!g) return true;
  double **value = NC_NEW_N(r->a, double *, g->node.n + 1);
  if (!nc_eval(g, r->m->diag, &(NcEvalOptions){.arena = r->a, .seed = 1, .round = true}, value)) return false;
  *bind = NC_NEW_N(r->a, NcBinding, g->output.n + 1);
  for (int i = 0; i < g->output.n; i++) (*bind)[(*n)++] = (NcBinding){g->output.at[i].name, value[g->output.at[i].node->id]};
  return true;
}

static bool all_true(const double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (v[i] == 0) return false;
  return true;
}

static bool reference(Run *r, const NcBinding *bind, int n) {
  const NcGraph *g = r->test->graph;
  if (!g) return true;
  double **value = NC_NEW_N(r->a, double *, g->node.n + 1);
  if (!nc_eval(g, r->m->diag, &(NcEvalOptions){.arena = r->a, .nbind = n, .bind = bind, .seed = 1}, value)) return false;
  for (int i = 0; i < g->output.n && !r->why.n; i++) {
    NcNode *x = g->output.at[i].node;
    if (!all_true(value[x->id], nc_count(x->type.shape)))
      nc_putf(&r->why, "%s: the expectation does not hold (reference)", nc_place(r->m->diag, r->a, r->test->expect.at[i]));
  }
  return true;
}

static bool on_device(Run *r, const NcBinding *bind, int nbind) {
  NacreModel *m = r->m;
  const NcGraph *g = r->test->graph;
  if (!g || !g->output.n || r->why.n) return true;
  if (!nc_engine_device(m)) return false;
  NcPlan *p = nc_compile(r->a, m->diag, g, nc_device_target(m->device), &(NcCompileOptions){.name = "test", .verify = m->o.verify});
  if (!p) return false;
  NcFeed *feed = NC_NEW_N(r->a, NcFeed, nbind + 1);
  NcFetch *fetch = NC_NEW_N(r->a, NcFetch, g->output.n);
  int feeds = 0;
  for (int i = 0; i < nbind; i++) {
    int b = nc_plan_find(p, NC_BUF_VAR, bind[i].name);
    if (b < 0 || p->buf.at[b].type.dtype != NC_F32) continue;
    int64_t n = nc_count(p->buf.at[b].type.shape);
    float *v = NC_NEW_N(r->a, float, n);
    for (int64_t k = 0; k < n; k++) v[k] = (float)bind[i].value[k];
    feed[feeds++] = (NcFeed){bind[i].name, v, (size_t)n * sizeof *v};
  }
  for (int i = 0; i < g->output.n; i++) {
    size_t n = (size_t)nc_count(g->output.at[i].node->type.shape);
    fetch[i] = (NcFetch){g->output.at[i].name, nc_alloc(r->a, n), n};
  }
  if (!nc_exec_once(m->device, m->diag, p, feed, feeds, fetch, g->output.n, NULL)) return false;
  for (int i = 0; i < g->output.n && !r->why.n; i++)
    for (size_t k = 0; k < fetch[i].bytes && !r->why.n; k++)
      if (!((const uint8_t *)fetch[i].data)[k])
        nc_putf(&r->why, "%s: the expectation does not hold (on %s)", nc_place(m->diag, r->a, r->test->expect.at[i]),
                nc_device_info(m->device)->name);
  return true;
}

// ---- gradients

static bool loss_of(Run *r, const NcGraph *g, const NcBinding *bind, int n, double *loss, double **value) {
  if (!nc_eval(g, r->m->diag, &(NcEvalOptions){.arena = r->a, .nbind = n, .bind = bind, .seed = 1}, value)) return false;
  *loss = value[nc_graph_find_output(g, "loss")->id][0];
  return true;
}

// Inputs of the graph that nothing binds get values from a fixed rule, away from kinks at round numbers, and each others than the one
// before: a distance between two that are equal has a kink. Whole numbers, which may be labels of two classes, are 0 and 1.
static int bind_inputs(Run *r, const NcGraph *g, NcBinding *bind, int n) {
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *x = g->node.at[i];
    if (strcmp(x->op->name, "input") != 0) continue;
    int64_t count = nc_count(x->type.shape);
    double *v = NC_NEW_N(r->a, double, count);
    for (int64_t k = 0; k < count; k++) v[k] = nc_dtype_float(x->type.dtype) ? 0.13 + 1.7 * sin(1.3 * (double)(k + 1) + i) : (double)((7 * k + i) % 2);
    bind[n++] = (NcBinding){nc_attr_str(x, "name"), v};
  }
  return n;
}

static bool gradcheck(Run *r, const NcGraph *g, const NcBinding *vars, int nvars) {
  NcBinding *bind = NC_NEW_N(r->a, NcBinding, nvars + g->node.n + 1);
  if (nvars) memcpy(bind, vars, (size_t)nvars * sizeof *bind);
  int n = bind_inputs(r, g, bind, nvars);
  double **value = NC_NEW_N(r->a, double *, g->node.n + 1), **probe = NC_NEW_N(r->a, double *, g->node.n + 1), loss;
  if (!loss_of(r, g, bind, n, &loss, value)) return false;
  for (int i = 0; i < g->output.n && !r->why.n; i++) {
    const NcOutput *o = &g->output.at[i];
    int b = -1;
    for (int k = 0; k < n; k++)
      if (strcmp(bind[k].name, o->name) == 0) b = k;
    if (b < 0) continue;   // the loss itself
    int64_t count = nc_count(o->node->type.shape), stride = count > 64 ? count / 64 : 1;
    double *gradient = nc_memdup(r->a, value[o->node->id], (size_t)count * sizeof(double));
    double *x = nc_memdup(r->a, bind[b].value, (size_t)count * sizeof(double));
    bind[b].value = x;
    for (int64_t k = 0; k < count && !r->why.n; k += stride) {
      double old = x[k], h = 1e-5 * fmax(1, fabs(old)), up, down;
      x[k] = old + h;
      if (!loss_of(r, g, bind, n, &up, probe)) return false;
      x[k] = old - h;
      if (!loss_of(r, g, bind, n, &down, probe)) return false;
      x[k] = old;
      double want = (up - down) / (2 * h);
      if (!(fabs(want - gradient[k]) <= 1e-6 + 1e-5 * fabs(want)))
        nc_putf(&r->why, "gradient toward `%s`[%lld] is %.9g, differences give %.9g", o->name, (long long)k, gradient[k], want);
    }
  }
  return true;
}

static bool run_test(NacreModel *m, const NcTest *t, NcArena *a, NcBuf *out) {
  Run r = {.m = m, .test = t, .a = a, .why = NC_BUF(a)};
  NcBinding *bind = NULL;
  int n = 0;
  bool good = starting(&r, &bind, &n) && reference(&r, bind, n) && on_device(&r, bind, n);
  for (int i = 0; good && i < t->gradcheck.n && !r.why.n; i++) good = gradcheck(&r, t->gradcheck.at[i], bind, n);
  if (!good) return false;
  if (r.why.n) nc_help(m->diag, nc_error(m->diag, NC_E0605, t->at, "test `%s` failed: %s", t->name, nc_buf_str(&r.why)),
                       "the first expectation that fails is told; the others were not looked at");
  if (m->o.json) {
    nc_put(out, "{\"test\":");
    nc_put_json(out, t->name);
    nc_putf(out, ",\"passed\":%s}\n", r.why.n ? "false" : "true");
  } else {
    nc_putf(out, "%s  %s\n", r.why.n ? "FAILED" : "passed", t->name);
  }
  return true;
}

typedef struct { NacreWrite *write; void *ctx; } Sink;

static bool test(NacreModel *m, void *arg) {
  Sink *q = arg;
  NcTests tests = {0};
  NcProgramOptions o = {.name = m->name, .text = m->text, .size = m->size, .nset = m->o.sets, .set = m->set, .batch = m->o.batch,
                        .hooks = m->hooks, .model = m->o.model};
  if (!nc_program_tests(m->arena, m->diag, &o, &tests)) return false;
  int failed = 0;
  for (int i = 0; i < tests.test.n; i++) {
    NcBuf b = NC_BUF(m->arena);
    int before = m->diag->errors;
    if (!run_test(m, &tests.test.at[i], m->arena, &b)) return false;
    failed += m->diag->errors > before;
    q->write(q->ctx, nc_buf_str(&b), b.n);
  }
  if (!m->o.json) {
    char line[80];
    int n = snprintf(line, sizeof line, "%d passed, %d failed\n", tests.test.n - failed, failed);
    q->write(q->ctx, line, (size_t)n);
  }
  return failed == 0;
}

NacreStatus nacre_test(NacreModel *m, NacreWrite *write, void *ctx) { return nc_guard_given(m, write, test, &(Sink){write, ctx}); }
