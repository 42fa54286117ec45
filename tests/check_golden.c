// The prelude and whole networks against PyTorch: outputs, gradients and losses of the first steps, by the reference
// evaluator and on a device by both classes of code. tests/golden/golden.py says how a case is written.
//
// NACRE_TEST_ONLY=CASE runs that case alone; NACRE_TEST_PRINT tells what each family costs.
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "eval/eval.h"
#include "golden.h"
#include "golden_device.h"
#include "golden_set.h"
#include "suite.h"

// Every FAMILY.safetensors of tests/golden, in order.
static const char *families[32];
static int nfamilies;

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void find_families(NcArena *a) {
  DIR *dir = opendir(in_source(a, "tests/golden"));
  for (struct dirent *f; dir && (f = readdir(dir));) {
    const char *dot = strrchr(f->d_name, '.');
    if (!dot || strcmp(dot, ".safetensors") != 0 || nfamilies == sizeof families / sizeof *families) continue;
    families[nfamilies++] = nc_sprintf(a, "%.*s", (int)(dot - f->d_name), f->d_name);
  }
  if (dir) closedir(dir);
  qsort(families, (size_t)nfamilies, sizeof *families, by_name);
}

// Relative to the largest element of the tensor, for sums cancel.
static void compare(const GoldenSet *s, const char *on, const char *name, int step, const double *got, double part) {
  const GoldenTensor *t = golden_find(s, name);
  size_t n = strlen(name);
  bool each = (n > 5 && strcmp(name + n - 5, "/loss") == 0) || strstr(name, "/state/");   // one after the other, by step
  if (each ? step >= t->type.shape.dim[0] : step > 0) return;
  int64_t count = nc_count(t->type.shape) / (each ? t->type.shape.dim[0] : 1);
  const double *want = t->value + (each ? count * step : 0);
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(want[i]));
  for (int64_t i = 0; i < count; i++)
    ck_assert_msg(fabs(got[i] - want[i]) <= part * most + part / 100, "%s, %s, step %d, element %lld: %.9g, but PyTorch %.9g",
                  on, name, step, (long long)i, got[i], want[i]);
}

// ---- the reference evaluator

static double *value_of(GoldenSet *s, const char *name) {
  const GoldenTensor *t = golden_find(s, name);
  return t ? t->value : NULL;
}

static void evaluate(GoldenSet *s) {
  NC_VEC(NcBinding) bind = {0};
  double *now = NC_NEW(s->arena, double);
  const NcGraph *g = s->graph;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (strcmp(n->op->name, "input") != 0 && strcmp(n->op->name, "var") != 0) continue;
    const char *name = nc_attr_str(n, "name");
    *NC_PUSH(s->arena, bind) = (NcBinding){name, strcmp(name, "step") == 0 ? now : value_of(s, name)};
  }
  for (int step = 0; step < (s->steps ? s->steps : 1); step++) {
    double **value = NC_NEW_N(s->arena, double *, g->node.n + 1);
    *now = step;
    NcEvalOptions o = {.arena = s->arena, .nbind = bind.n, .bind = bind.at, .seed = 1};
    ck_assert_msg(nc_eval(g, s->diag, &o, value), "%s", messages(s->diag));
    for (int i = 0; i < g->output.n; i++)
      compare(s, "reference", g->output.at[i].name, step, value[g->output.at[i].node->id], 1e-6);
    for (int i = 0; i < g->effect.n; i++)
      for (int k = 0; k < bind.n; k++)
        if (strcmp(bind.at[k].name, nc_attr_str(g->effect.at[i]->in[0], "name")) == 0)
          bind.at[k].value = value[g->effect.at[i]->id];
  }
}

START_TEST(reference) {
  NcArena *a = nc_arena_new();
  GoldenSet *s = golden_load(a, families[_i], getenv("NACRE_TEST_ONLY"), false);
  evaluate(s);
  nc_arena_free(a);
}
END_TEST

// ---- devices

static GenDevice device;
static void open_device(void) { gen_need(&device, "only the reference was checked"); }
static void close_device(void) { gen_close(&device); }

typedef struct { GoldenSet *s; const NcPlan *plan; NcExec *x; NcLoaded *l; } Run;

static const void *stored(Run *r, const NcNode *n, size_t *bytes) {
  *bytes = nc_type_bytes(n->type);
  void *raw = nc_alloc(r->s->arena, *bytes);
  gen_pack(raw, n->type.dtype, nc_count(n->type.shape), value_of(r->s, nc_attr_str(n, "name")));
  return raw;
}

static void write_leaves(Run *r) {
  const NcGraph *g = r->s->graph;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    const char *name = strcmp(n->op->name, "input") == 0 || strcmp(n->op->name, "var") == 0 ? nc_attr_str(n, "name") : NULL;
    if (!name || strcmp(name, "step") == 0) continue;
    size_t bytes;
    const void *raw = stored(r, n, &bytes);
    int at = strcmp(n->op->name, "var") == 0 ? nc_exec_find_var(r->x, name) : nc_plan_find(r->plan, NC_BUF_INPUT, name);
    if (at < 0) continue;
    bool good = strcmp(n->op->name, "var") == 0 ? nc_exec_var_write(r->x, r->s->diag, at, raw, bytes)
                                                : nc_exec_write(r->l, r->s->diag, at, raw, bytes);
    ck_assert_msg(good, "%s", messages(r->s->diag));
  }
}

static void run_step(Run *r, const char *on, int step) {
  NcDiag *d = r->s->diag;
  int32_t now = step;
  int at = nc_plan_find(r->plan, NC_BUF_INPUT, "step");
  ck_assert_msg(at < 0 || nc_exec_write(r->l, d, at, &now, sizeof now), "%s", messages(r->s->diag));
  ck_assert_msg(nc_exec_run(r->l, d) && nc_exec_finish(r->x, d), "%s", messages(r->s->diag));
  for (int i = 0; i < r->s->graph->output.n; i++) {
    const NcOutput *o = &r->s->graph->output.at[i];
    size_t bytes = nc_type_bytes(o->node->type);
    int64_t n = nc_count(o->node->type.shape);
    void *raw = nc_alloc(r->s->arena, bytes);
    double *got = NC_NEW_N(r->s->arena, double, n + 1);
    int b = nc_plan_output(r->plan, o->name);
    ck_assert_msg(b >= 0 && nc_exec_read(r->l, d, b, raw, bytes, true), "%s: %s", o->name, messages(r->s->diag));
    gen_unpack(got, o->node->type.dtype, n, raw);
    compare(r->s, on, o->name, step, got, 1e-4);
  }
}

static void run(GoldenSet *s, NcClass cls, const char *on) {
  Run r = {.s = s, .plan = golden_plan(&device, s->arena, s->diag, s->graph, cls, false)};
  ck_assert_msg(r.plan != NULL, "%s", messages(s->diag));
  r.x = nc_exec_new(s->arena, s->diag, device.dev[cls]);
  ck_assert_msg(r.x && (r.l = nc_exec_load(r.x, s->diag, r.plan)), "%s", messages(s->diag));
  write_leaves(&r);
  for (int step = 0; step < (s->steps ? s->steps : 1); step++) run_step(&r, on, step);
  nc_exec_free(r.x);
  if (getenv("NACRE_TEST_PRINT"))
    fprintf(stderr, "%s, %s: %d kernels, %.1f s of CPU so far\n", s->name, on, r.plan->step.n,
            (double)clock() / CLOCKS_PER_SEC);
}

START_TEST(on_device) {
  static const NcClass classes[] = {NC_CLASS_CPU, NC_CLASS_GPU};
  static const char *const names[] = {"cpu class", "gpu class"};
  NcArena *a = nc_arena_new();
  run(golden_load(a, families[_i / 2], getenv("NACRE_TEST_ONLY"), true), classes[_i % 2], names[_i % 2]);
  nc_arena_free(a);
}
END_TEST

int main(void) {
  suite_open();
  find_families(arena);
  if (!nfamilies) return fprintf(stderr, "tests/golden holds nothing\n"), EXIT_FAILURE;
  Suite *s = suite_create("golden");
  TCase *t[2] = {suite_case(s, "reference", NULL, NULL), suite_case(s, "device", NULL, NULL)};
  tcase_add_unchecked_fixture(t[1], open_device, close_device);
  tcase_add_loop_test(t[0], reference, 0, nfamilies);
  tcase_add_loop_test(t[1], on_device, 0, nfamilies * 2);
  int failed = suite_run(s, CK_NOFORK);
  suite_close();
  return failed;
}
