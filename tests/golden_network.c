#include "golden_network.h"
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "elab_run.h"
#include "golden.h"
#include "ops/op.h"

static const char *messages(const Network *n) {
  NcBuf b = NC_BUF(n->arena);
  nc_diag_render(n->diag, &b, false);
  return nc_buf_str(&b);
}

static const char *said(const Network *n, const char *key) {
  const char *text = nc_meta_find(&n->file, key);
  ck_assert_msg(text != NULL, "%s: the file does not say `%s`", n->name, key);
  return text;
}

const GoldenTensor *network_leaf(const Network *n, const char *name) {
  for (int i = 0; i < n->leaf.n; i++)
    if (strcmp(n->leaf.at[i].name, name) == 0) return &n->leaf.at[i];
  return NULL;
}

static const GoldenTensor *number(Network *n, const char *name, int32_t v) {
  double *value = NC_NEW(n->arena, double);
  *value = v;
  GoldenTensor *t = NC_NEW(n->arena, GoldenTensor);
  *t = (GoldenTensor){name, {NC_I32, NC_SCALAR}, value};
  return t;
}

// Each of the small batches of an update has examples of its own.
const GoldenTensor *network_input(Network *n, const NetworkTurn *t, const char *name) {
  if (strcmp(name, "step") == 0) return number(n, name, t->step);
  if (strcmp(name, "iteration") == 0) return number(n, name, t->iteration);
  if (strcmp(name, "micro") == 0) return number(n, name, t->micro);
  const char *field = nc_meta_find(&n->file, nc_sprintf(n->arena, "field %s", name));
  if (!field || !t->micro) return network_leaf(n, name);
  const char *own = nc_sprintf(n->arena, "%s %d", name, t->micro);
  if (!network_leaf(n, own)) *NC_PUSH(n->arena, n->leaf) = golden_formula(n->arena, own, field);
  return network_leaf(n, own);
}

// What the metadata says under keys "KIND NAME".
static const char *about(const Network *n, int i, const char *kind) {
  const char *key = n->file.meta[i].key;
  size_t k = strlen(kind);
  return strncmp(key, kind, k) == 0 && key[k] == ' ' ? key + k + 1 : NULL;
}

// ---- the program

static bool describe(void *ctx, NcDiag *d, const NcSourceSpec *spec, NcFields *out) {
  Network *n = ctx;
  NC_VEC(NcField) f = {0};
  (void)spec;
  for (int i = 0; i < n->file.metas; i++) {
    const char *name = about(n, i, "field");
    if (!name) continue;
    GoldenTensor t = golden_formula(n->arena, name, n->file.meta[i].value);
    *NC_PUSH(n->arena, n->leaf) = t;
    NcField one = {.name = name, .dtype = t.type.dtype, .shape = {.rank = t.type.shape.rank - 1}};
    memcpy(one.shape.dim, t.type.shape.dim + 1, (size_t)one.shape.rank * sizeof *one.shape.dim);
    const char *classes = strstr(n->file.meta[i].value, "below ");
    if (t.type.dtype == NC_I32 && classes) one.classes = strtoll(classes + 6, NULL, 10);
    if (nc_meta_find(&n->file, "mean")) {      // of a series
      double *v = NC_NEW_N(d->arena, double, 2);
      v[0] = strtod(said(n, "mean"), NULL), v[1] = strtod(said(n, "std"), NULL);
      one.mean = v, one.std = v + 1, one.columns = 1;
    }
    *NC_PUSH(d->arena, f) = one;
    out->examples = 1000;
  }
  out->at = f.at;
  out->n = f.n;
  return true;
}

static const char *import(void *ctx, NcDiag *d, NcRange at, const char *path, const char *from, size_t *size) {
  (void)ctx, (void)at, (void)from;
  const char *text = golden_read(d->arena, in_source(d->arena, nc_sprintf(d->arena, "examples/%s", path)), size);
  ck_assert_msg(text != NULL, "%s cannot be read", path);
  return text;
}

static bool weights(void *ctx, NcDiag *d, const NcWeightSpec *spec, NcWeightList *out) {
  (void)ctx, (void)d, (void)spec;
  *out = (NcWeightList){.absent = true};
  return true;
}

static void elaborate(Network *n) {
  NC_VEC(NcSet) set = {0};
  for (int i = 0; i < n->file.metas; i++)
    if (about(n, i, "set")) *NC_PUSH(n->arena, set) = (NcSet){.path = about(n, i, "set"), .value = n->file.meta[i].value};
  NcProgramOptions o = {.name = nc_sprintf(n->arena, "examples/%s", said(n, "file")), .nset = set.n, .set = set.at,
                        .hooks = {.ctx = n, .describe = describe, .import = import, .weights = weights}};
  o.text = golden_read(n->arena, in_source(n->arena, o.name), &o.size);
  ck_assert_msg(o.text != NULL, "%s cannot be read", o.name);
  n->program = nc_program(n->arena, n->diag, &o);
  ck_assert_msg(n->program && !n->diag->errors, "%s", messages(n));
}

// ---- what is random becomes an input: equal sites in all graphs one input, numbered as met

typedef struct { Network *n; NC_VEC(int64_t) site; } Noise;

static NcNode *given(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  Noise *z = ctx;
  Network *n = z->n;
  (void)in;
  if (strcmp(old->op->name, "random") != 0) return NULL;
  int k = 0;
  while (k < z->site.n && z->site.at[k] != nc_attr_int(old, "site")) k++;
  const char *name = nc_sprintf(n->arena, "noise %d", k), *text = nc_meta_find(&n->file, name);
  const char *want = nc_type_str(n->arena, old->type);
  ck_assert_msg(text != NULL, "%s: the file has no `%s`, which is %s, %s", n->name, name, nc_attr_str(old, "dist"), want);
  if (k == z->site.n) {
    *NC_PUSH(n->arena, z->site) = nc_attr_int(old, "site");
    *NC_PUSH(n->arena, n->leaf) = golden_formula(n->arena, name, text);
  }
  ck_assert_msg(nc_type_eq(network_leaf(n, name)->type, old->type), "%s: `%s` is %s, and the file has %s", n->name, name, want, text);
  return nc_input(to, old->at, name, old->type);
}

// Metrics go: they have cases of their own.
static void add_graph(Network *n, Noise *z, const char *purpose, const NcGraph *from, bool all) {
  if (!from) return;
  NcGraph g = *from;
  if (!all) g.output.n = 1;
  NcGraph *made = nc_graph_rewrite(&g, n->arena, given, z, NULL);
  ck_assert_msg(made != NULL, "%s", messages(n));
  *NC_PUSH(n->arena, n->graph) = (NetworkGraph){purpose, made, false};
}

// "step 0 0 0, step 1 1 0": purpose, step, iteration, micro.
static void read_turns(Network *n) {
  char purpose[64];
  int used;
  NetworkTurn t;
  for (const char *at = said(n, "turns"); *at; at += used + strspn(at + used, ", ")) {
    ck_assert_msg(sscanf(at, "%63s %d %d %d%n", purpose, &t.step, &t.iteration, &t.micro, &used) == 4, "%s: %s", n->name, at);
    t.graph = -1;
    for (int i = 0; i < n->graph.n; i++)
      if (strcmp(n->graph.at[i].purpose, purpose) == 0) t.graph = i;
    ck_assert_msg(t.graph >= 0, "%s has no `%s`", n->name, purpose);
    *NC_PUSH(n->arena, n->turn) = t;
  }
}

// Averages begin as what they are averages of.
static const char *stands_for(const NcVariable *v) {
  if (strcmp(v->kind, "ema") == 0) return v->path + strlen("ema.");
  return strcmp(v->kind, "param") == 0 || strcmp(v->kind, "state") == 0 ? v->path : NULL;
}

static void first_values(Network *n) {
  Binds b = {0};
  ck_assert_msg(bind_outputs(n->arena, n->diag, n->program->init, &b), "%s", messages(n));
  for (int i = 0; i < n->program->variable.n; i++) {
    const NcVariable *v = &n->program->variable.at[i];
    const char *path = stands_for(v);
    double *value = path ? golden_parameter(n->arena, path, v->type.shape) : value_named(&b, v->path);
    ck_assert_msg(value != NULL, "%s: %s has no starting value", n->name, v->path);
    *NC_PUSH(n->arena, n->leaf) = (GoldenTensor){v->path, v->type, value};
  }
}

Network *network_load(NcArena *a, const char *name) {
  Network *n = NC_NEW(a, Network);
  *n = (Network){.arena = a, .diag = nc_diag_new(a), .name = name};
  const char *path = in_source(a, nc_sprintf(a, "tests/golden/networks/%s.safetensors", name));
  ck_assert_msg(nc_safetensors_read(a, n->diag, NC_NOWHERE, path, &n->file), "%s", messages(n));
  elaborate(n);
  Noise z = {.n = n};
  add_graph(n, &z, "predict", n->program->predict, true);
  for (int i = 0; i < n->program->update.n; i++) {
    const NcUpdate *u = &n->program->update.at[i];
    add_graph(n, &z, u->gather_purpose, u->gather, false);
    add_graph(n, &z, u->purpose, u->graph, false);
  }
  for (int i = 0; i < n->file.metas; i++)
    ck_assert_msg(!about(n, i, "noise") || network_leaf(n, n->file.meta[i].key), "%s: nothing needs `%s`", name, n->file.meta[i].key);
  read_turns(n);
  first_values(n);
  return n;
}

// ---- comparing

typedef struct {
  Network *n;
  const NetworkMachine *m;
  const NcTensor *want;
  int64_t at;                // how much of it is compared
} Against;

static const double least = 0.01;      // numbers are compared relative to the largest of a tensor and to this

static Against against(Network *n, const NetworkMachine *m, const char *name) {
  Against g = {n, m, nc_tensor_find(&n->file, name), 0};
  ck_assert_msg(g.want != NULL, "%s: PyTorch has no `%s`", n->name, name);
  return g;
}

static void compare(Against *g, const char *what, int64_t n, const double *v) {
  double got[GOLDEN_FOLD], most = 0, part = g->m->part;
  int64_t k = golden_fold(n, v, got), all = nc_count(g->want->type.shape);
  ck_assert_msg(g->at + k <= all, "%s: `%s` has %lld numbers, and %s lies beyond them", g->n->name, g->want->name, (long long)all, what);
  const float *want = (const float *)g->want->data + g->at;
  for (int64_t i = 0; i < k; i++) most = fmax(most, fabs((double)want[i]));
  for (int64_t i = 0; i < k; i++) {
    double off = fabs(got[i] - (double)want[i]) / (most + least);
    ck_assert_msg(off <= part, "%s, %s, %s, %s, number %lld: %.9g, but PyTorch %.9g", g->n->name, g->m->name, g->want->name, what,
                  (long long)i, got[i], (double)want[i]);
    g->n->worst = fmax(g->n->worst, off);
  }
  g->at += k;
}

static void whole(const Against *g) {
  ck_assert_msg(g->at == nc_count(g->want->type.shape), "%s: of `%s` only %lld numbers were compared", g->n->name, g->want->name,
                (long long)g->at);
}

static void prediction(Network *n, const NetworkMachine *m, const char *when) {
  const NetworkTurn now = {0};
  if (strcmp(n->graph.at[0].purpose, "predict") != 0) return;
  m->run(m->ctx, 0, &now);
  const NcGraph *g = n->graph.at[0].graph;
  for (int i = 0; i < g->output.n; i++) {
    const NcOutput *o = &g->output.at[i];
    Against a = against(n, m, nc_sprintf(n->arena, "%s %s", o->name, when));
    compare(&a, "all", nc_count(o->node->type.shape), m->output(m->ctx, o));
    whole(&a);
  }
}

static int by_path(const void *a, const void *b) {
  const NcVariable *const *x = a, *const *y = b;
  return strcmp((*x)->path, (*y)->path);
}

// What an optimizer holds of the gradients after its first update, before which it held nothing.
static void gradients(Network *n, const NetworkMachine *m, const char *purpose) {
  const char *prefix = nc_meta_find(&n->file, nc_sprintf(n->arena, "held %s", purpose));
  NC_VEC(const NcVariable *) held = {0};
  if (!prefix) return;
  for (int i = 0; i < n->program->variable.n; i++)
    if (strncmp(n->program->variable.at[i].path, prefix, strlen(prefix)) == 0) *NC_PUSH(n->arena, held) = &n->program->variable.at[i];
  ck_assert_msg(held.n > 0, "%s has no variables %s…", n->name, prefix);
  qsort(held.at, (size_t)held.n, sizeof *held.at, by_path);
  Against g = against(n, m, nc_sprintf(n->arena, "held %s", purpose));
  for (int i = 0; i < held.n; i++)
    compare(&g, held.at[i]->path, nc_count(held.at[i]->type.shape), m->variable(m->ctx, held.at[i]));
  whole(&g);
}

double network_check(Network *n, const NetworkMachine *m) {
  prediction(n, m, "before");
  Against loss = against(n, m, "losses");
  for (int i = 0; i < n->turn.n; i++) {
    NetworkGraph *g = &n->graph.at[n->turn.at[i].graph];
    m->run(m->ctx, n->turn.at[i].graph, &n->turn.at[i]);
    compare(&loss, nc_sprintf(n->arena, "turn %d, %s", i, g->purpose), 1, m->output(m->ctx, &g->graph->output.at[0]));
    if (!g->ran) gradients(n, m, g->purpose);
    g->ran = true;
  }
  whole(&loss);
  prediction(n, m, "after");
  return n->worst;
}
