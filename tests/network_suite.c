#include "network_suite.h"
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "golden.h"
#include "golden_device.h"
#include "golden_network.h"
#include "suite.h"

static NC_VEC(const char *) names;     // "vision/lenet"

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void find_networks(NcArena *a, const char *table) {
  DIR *dir = opendir(in_source(a, nc_sprintf(a, "tests/golden/networks/%s", table)));
  const char *only = getenv("NACRE_TEST_ONLY");
  for (struct dirent *f; dir && (f = readdir(dir));) {
    const char *dot = strrchr(f->d_name, '.');
    if (!dot || strcmp(dot, ".safetensors") != 0) continue;
    const char *name = nc_sprintf(a, "%.*s", (int)(dot - f->d_name), f->d_name);
    if (!only || strcmp(only, name) == 0) *NC_PUSH(a, names) = nc_sprintf(a, "%s/%s", table, name);
  }
  if (dir) closedir(dir);
}

// ---- the reference evaluator

typedef struct { Network *n; NC_VEC(NcBinding) bind; double **value; } Reference;

static const double **bound(Reference *r, const char *name) {
  for (int i = 0; i < r->bind.n; i++)
    if (strcmp(r->bind.at[i].name, name) == 0) return &r->bind.at[i].value;
  *NC_PUSH(r->n->arena, r->bind) = (NcBinding){.name = name};
  return &r->bind.at[r->bind.n - 1].value;
}

static void evaluate(void *ctx, int graph, const NetworkTurn *t) {
  Reference *r = ctx;
  const NcGraph *g = r->n->graph.at[graph].graph;
  for (int i = 0; i < g->node.n; i++)
    if (strcmp(g->node.at[i]->op->name, "input") == 0) {
      const char *name = nc_attr_str(g->node.at[i], "name");
      *bound(r, name) = network_input(r->n, t, name)->value;
    }
  r->value = NC_NEW_N(r->n->arena, double *, g->node.n + 1);
  NcEvalOptions o = {.arena = r->n->arena, .nbind = r->bind.n, .bind = r->bind.at, .seed = 1};
  ck_assert_msg(nc_eval(g, r->n->diag, &o, r->value), "%s", messages(r->n->diag));
  for (int i = 0; i < g->effect.n; i++) {
    const NcNode *e = g->effect.at[i];
    *bound(r, nc_attr_str(e->in[0], "name")) = nc_memdup(r->n->arena, r->value[e->id], (size_t)nc_count(e->type.shape) * sizeof(double));
  }
}

static const double *evaluated(void *ctx, const NcOutput *o) { return ((Reference *)ctx)->value[o->node->id]; }
static const double *variable(void *ctx, const NcVariable *v) { return *bound(ctx, v->path); }

START_TEST(reference) {
  NcArena *a = nc_arena_new();
  Reference r = {.n = network_load(a, names.at[_i])};
  for (int i = 0; i < r.n->leaf.n; i++) *bound(&r, r.n->leaf.at[i].name) = r.n->leaf.at[i].value;
  network_check(r.n, &(NetworkMachine){&r, "reference", 1e-6, evaluate, evaluated, variable});
  nc_arena_free(a);
}
END_TEST

// ---- devices

static GenDevice device;
static void open_device(void) { gen_need(&device, "only the reference was checked"); }
static void close_device(void) { gen_close(&device); }

typedef struct {
  Network *n;
  NcExec *x;
  struct { NcPlan *plan; NcLoaded *l; } graph[8];
  int last, kernels;         // which ran last
} Device;

static void good(const Device *d, bool ok) { ck_assert_msg(ok, "%s: %s", d->n->name, messages(d->n->diag)); }

static const void *packed(const Device *d, const char *name, const GoldenTensor *t, size_t *bytes) {
  ck_assert_msg(t != NULL, "%s: %s has no value", d->n->name, name);
  *bytes = nc_type_bytes(t->type);
  void *raw = nc_alloc(d->n->arena, *bytes);
  gen_pack(raw, t->type.dtype, nc_count(t->type.shape), t->value);
  return raw;
}

// Plans that change variables first, so that these lie as the packs want them.
static void load(Device *d, NcClass cls) {
  Network *n = d->n;
  ck_assert_int_le(n->graph.n, (int)(sizeof d->graph / sizeof *d->graph));
  d->x = nc_exec_new(n->arena, n->diag, device.dev[cls]);
  good(d, d->x != NULL);
  bool predicts = strcmp(n->graph.at[0].purpose, "predict") == 0;
  for (int i = predicts; i < n->graph.n; i++) {
    d->graph[i].plan = golden_plan(&device, n->arena, n->diag, n->graph.at[i].graph, cls, false);
    good(d, d->graph[i].plan && nc_exec_reserve(d->x, n->diag, d->graph[i].plan));
  }
  for (int k = 1; k <= n->graph.n; k++) {
    int i = k % n->graph.n;
    if (!d->graph[i].plan) d->graph[i].plan = golden_plan(&device, n->arena, n->diag, n->graph.at[i].graph, cls, true);
    good(d, d->graph[i].plan);
    int said = n->diag->messages.n, errors = n->diag->errors;
    d->graph[i].l = nc_exec_load(d->x, n->diag, d->graph[i].plan);
    if (!d->graph[i].l && n->diag->messages.at[said]->code == NC_E0506) {      // another plan's packs came first
      nc_diag_forget(n->diag, said, errors);
      d->graph[i].plan = golden_plan(&device, n->arena, n->diag, n->graph.at[i].graph, cls, true);
      d->graph[i].l = nc_exec_load(d->x, n->diag, d->graph[i].plan);
    }
    good(d, d->graph[i].l);
    d->kernels += d->graph[i].plan->step.n;
  }
}

static void write_variables(Device *d) {
  size_t bytes;
  for (int i = 0; i < nc_exec_vars(d->x); i++) {
    const char *name = nc_exec_var(d->x, i)->name;
    const void *raw = packed(d, name, network_leaf(d->n, name), &bytes);
    good(d, nc_exec_var_write(d->x, d->n->diag, i, raw, bytes));
  }
}

static void run(void *ctx, int graph, const NetworkTurn *t) {
  Device *d = ctx;
  d->last = graph;
  for (int i = 0; i < d->graph[graph].plan->buf.n; i++) {
    const NcPlanBuf *b = &d->graph[graph].plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT) continue;
    size_t bytes;
    const void *raw = packed(d, b->name, network_input(d->n, t, b->name), &bytes);
    good(d, nc_exec_write(d->graph[graph].l, d->n->diag, i, raw, bytes));
  }
  good(d, nc_exec_run(d->graph[graph].l, d->n->diag) && nc_exec_finish(d->x, d->n->diag));
}

static const double *unpacked(const Device *d, NcType t, const void *raw) {
  double *v = NC_NEW_N(d->n->arena, double, nc_count(t.shape) + 1);
  gen_unpack(v, t.dtype, nc_count(t.shape), raw);
  return v;
}

static const double *read_output(void *ctx, const NcOutput *o) {
  Device *d = ctx;
  size_t bytes = nc_type_bytes(o->node->type);
  void *raw = nc_alloc(d->n->arena, bytes);
  good(d, nc_exec_read(d->graph[d->last].l, d->n->diag, nc_plan_output(d->graph[d->last].plan, o->name), raw, bytes, true));
  return unpacked(d, o->node->type, raw);
}

static const double *read_variable(void *ctx, const NcVariable *v) {
  Device *d = ctx;
  size_t bytes = nc_type_bytes(v->type);
  void *raw = nc_alloc(d->n->arena, bytes);
  good(d, nc_exec_var_read(d->x, d->n->diag, nc_exec_find_var(d->x, v->path), raw, bytes));
  return unpacked(d, v->type, raw);
}

START_TEST(on_device) {
  static const char *const classes[] = {"cpu class", "gpu class"};
  const char *name = names.at[_i / 2];
  NcArena *a = nc_arena_new();
  Device d = {.n = network_load(a, name)};
  load(&d, _i % 2 ? NC_CLASS_GPU : NC_CLASS_CPU);
  write_variables(&d);
  double worst = network_check(d.n, &(NetworkMachine){&d, classes[_i % 2], 1e-4, run, read_output, read_variable});
  nc_exec_free(d.x);
  if (getenv("NACRE_TEST_PRINT"))
    fprintf(stderr, "%s, %s: off by %.1e, %d launches, %.1f s of CPU so far\n", name, classes[_i % 2], worst, d.kernels,
            (double)clock() / CLOCKS_PER_SEC);
  nc_arena_free(a);
}
END_TEST

int network_suite(const char *title, const char *const *table, void (*more)(TCase *)) {
  suite_open();
  for (; *table; table++) find_networks(arena, *table);
  if (!names.n) return fprintf(stderr, "tests/golden/networks holds nothing that was asked for\n"), EXIT_FAILURE;
  qsort(names.at, (size_t)names.n, sizeof *names.at, by_name);
  Suite *s = suite_create(title);
  TCase *t[2] = {suite_case(s, "reference", NULL, NULL), suite_case(s, "device", NULL, NULL)};
  tcase_add_unchecked_fixture(t[1], open_device, close_device);
  if (more) more(t[0]);
  tcase_add_loop_test(t[0], reference, 0, names.n);
  tcase_add_loop_test(t[1], on_device, 0, names.n * 2);
  int failed = suite_run(s, CK_NOFORK);
  suite_close();
  return failed;
}
