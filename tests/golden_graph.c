// From the models of a family to one graph: each is elaborated, differentiated, and put beside the others under the
// names of the golden tensors.
#include <check.h>
#include <math.h>
#include <string.h>
#include "elab/recipe.h"
#include "elab_run.h"
#include "golden.h"
#include "golden_set.h"

typedef struct {
  GoldenSet *s;
  const char *name;          // of the case
  int used;                  // golden tensors that the graph has
} Case;

static const char *key(Case *c, const char *prefix, const char *name) {
  return nc_sprintf(c->s->arena, "%s/%s%s", c->name, prefix, name);
}

static bool leaf(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

// The golden name of an input or var of the case's own graph.
static const char *golden_name(Case *c, const NcNode *n) {
  const char *name = nc_attr_str(n, "name"), *model = nc_sprintf(c->s->arena, "case_%s.", c->name);
  if (leaf(n, "input")) return strcmp(name, "step") == 0 ? name : strchr(name, '/') ? name : key(c, "", name);
  if (strncmp(name, model, strlen(model)) == 0) return key(c, "p/", name + strlen(model));
  return key(c, "o/", name);
}

// ---- gradients

static NcNode *weighted(Case *c, NcGraph *g, const char *name, NcNode *y) {    // sum of y times its cotangent
  NcArena *a = c->s->arena;
  int64_t n = nc_count(y->type.shape), axes[NC_MAX_RANK];
  double *v = NC_NEW_N(a, double, n + 1);
  for (int64_t i = 0; i < n; i++) v[i] = sin(1 + 1.3 * (double)i);
  for (int i = 0; i < y->type.shape.rank; i++) axes[i] = i;
  name = nc_sprintf(a, "cotangent of %s", name);
  *NC_PUSH(a, c->s->extra) = (GoldenTensor){name, y->type, v};
  NcNode *w = nc_op2(g, NC_NOWHERE, "mul", y, nc_input(g, NC_NOWHERE, name, y->type));
  return y->type.shape.rank ? nc_reduce(g, NC_NOWHERE, "sum", w, y->type.shape.rank, axes) : w;
}

static NcNode *wanted(Case *c, NcGraph *g, const char *name) {     // what CASE/d/x or CASE/dp/PATH is the gradient toward
  size_t skip = strlen(c->name) + 1;
  bool param = strncmp(name + skip, "dp/", 3) == 0;
  const char *of = param ? key(c, "p/", name + skip + 3) : key(c, "", name + skip + 2);
  for (int i = 0; i < g->node.n; i++)
    if ((leaf(g->node.at[i], "var") || leaf(g->node.at[i], "input")) && strcmp(golden_name(c, g->node.at[i]), of) == 0)
      return g->node.at[i];
  ck_abort_msg("%s: the graph has no %s", c->name, of);
}

static bool own(const Case *c, const char *name, const char *prefix) {
  size_t n = strlen(c->name);
  return strncmp(name, c->name, n) == 0 && name[n] == '/' && strncmp(name + n + 1, prefix, strlen(prefix)) == 0;
}

// Outputs under their golden names, and gradients where the file has them.
static void finish(Case *c, NcGraph *g, bool named) {
  NC_VEC(NcNode *) wrt = {0};
  NC_VEC(const char *) name = {0};
  NcArena *a = c->s->arena;
  NcNode *total = NULL;
  for (int i = 0; i < g->output.n; i++) {
    NcOutput *o = &g->output.at[i];
    o->name = named ? key(c, "y/", o->name) : key(c, "y", "");
    if (!nc_dtype_float(o->node->type.dtype)) continue;
    NcNode *s = weighted(c, g, o->name, o->node);
    total = total ? nc_op2(g, NC_NOWHERE, "add", total, s) : s;
  }
  for (int i = 0; i < c->s->n; i++)
    if (own(c, c->s->tensor[i].name, "d/") || own(c, c->s->tensor[i].name, "dp/")) {
      *NC_PUSH(a, name) = c->s->tensor[i].name;
      *NC_PUSH(a, wrt) = wanted(c, g, c->s->tensor[i].name);
    }
  NcNode **grad = NC_NEW_N(a, NcNode *, wrt.n + 1);
  if (!wrt.n || !nc_grad(g, total, wrt.n, wrt.at, grad)) return;
  for (int i = 0; i < wrt.n; i++) nc_graph_output(g, name.at[i], grad[i]);
}

// ---- joining

static NcNode *step_input(NcGraph *to, NcType t) {      // one for all
  for (int i = 0; i < to->node.n; i++)
    if (leaf(to->node.at[i], "input") && strcmp(nc_attr_str(to->node.at[i], "name"), "step") == 0) return to->node.at[i];
  return nc_input(to, NC_NOWHERE, "step", t);
}

// A var of the predict graph is again one in the step graph.
static NcNode *var(NcGraph *to, const char *name, const NcNode *like) {
  for (int i = 0; i < to->node.n; i++)
    if (leaf(to->node.at[i], "var") && strcmp(nc_attr_str(to->node.at[i], "name"), name) == 0) return to->node.at[i];
  return nc_var(to, NC_NOWHERE, name, nc_attr_str(like, "kind"), like->type);
}

static void must_hold(Case *c, const char *name, NcType t) {
  const GoldenTensor *w = golden_find(c->s, name);
  ck_assert_msg(w != NULL, "%s: %s has no value", c->s->name, name);
  ck_assert_msg(nc_shape_eq(w->type.shape, t.shape), "%s: %s is %s, and golden %s", c->s->name, name,
                nc_type_str(c->s->arena, t), nc_type_str(c->s->arena, w->type));
}

static NcNode *again(Case *c, NcGraph *to, const NcNode *old, NcNode **in) {
  bool input = leaf(old, "input"), is_var = leaf(old, "var");
  if (!input && !is_var) return nc_copy_node(to, old, in);
  const char *name = golden_name(c, old);
  if (strcmp(name, "step") == 0) return step_input(to, old->type);
  must_hold(c, name, old->type);
  return is_var ? var(to, name, old) : nc_input(to, NC_NOWHERE, name, old->type);
}

static void join(Case *c, const NcGraph *g) {
  NcArena *a = c->s->arena;
  NcGraph *to = c->s->graph;
  NcNode **map = NC_NEW_N(a, NcNode *, g->node.n + 1);
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *x = g->node.at[i];
    NcNode **in = NC_NEW_N(a, NcNode *, x->nin + 1);
    for (int j = 0; j < x->nin; j++) in[j] = map[x->in[j]->id];
    map[i] = again(c, to, x, in);
    ck_assert_msg(map[i] != NULL, "%s: %s", c->name, x->op->name);
  }
  for (int i = 0; i < g->output.n; i++) {
    if (!own(c, g->output.at[i].name, "")) continue;     // metrics
    nc_graph_output(to, g->output.at[i].name, map[g->output.at[i].node->id]);
    c->used++;
  }
  for (int i = 0; i < g->effect.n; i++) nc_graph_effect(to, map[g->effect.at[i]->id]);
}

// ---- cases

static bool describe(void *ctx, NcDiag *d, const NcSourceSpec *spec, NcFields *out) {
  GoldenSet *s = ctx;
  Case c = {.s = s, .name = spec->setting[0].s};
  NC_VEC(NcField) f = {0};
  for (int i = 0; i < s->n; i++) {
    const GoldenTensor *t = &s->tensor[i];
    const char *field = t->name + strlen(c.name) + 1;
    if (!own(&c, t->name, "") || strchr(field, '/') || strcmp(field, "y") == 0 || strcmp(field, "loss") == 0) continue;
    NcField one = {.name = field, .dtype = t->type.dtype, .shape = {.rank = t->type.shape.rank - 1}};
    memcpy(one.shape.dim, t->type.shape.dim + 1, (size_t)one.shape.rank * sizeof *one.shape.dim);
    *NC_PUSH(d->arena, f) = one;
    out->examples = t->type.shape.dim[0];
  }
  out->at = f.at;
  out->n = f.n;
  return true;
}

static void states_of_optimizers(Case *c, NcProgram *p) {
  Binds b = {0};
  ck_assert(bind_outputs(c->s->arena, c->s->diag, p->init, &b));
  for (int i = 0; i < p->variable.n; i++) {
    const NcVariable *v = &p->variable.at[i];
    if (strncmp(v->path, "case_", 5) == 0) continue;
    *NC_PUSH(c->s->arena, c->s->extra) = (GoldenTensor){key(c, "o/", v->path), v->type, value_named(&b, v->path)};
  }
}

// What a step makes of the states that the file has.
static void changed(Case *c, NcGraph *g) {
  for (int i = 0; i < g->effect.n; i++) {
    const NcNode *to = g->effect.at[i]->in[0];
    const char *name = golden_name(c, to), *p = strstr(name, "/p/");
    const char *state = p ? key(c, "state/", p + 3) : NULL;
    if (state && golden_find(c->s, state)) nc_graph_output(g, state, g->effect.at[i]->in[1]);
  }
}

static void net(Case *c) {
  GoldenSet *s = c->s;
  NcProgramOptions o = {.name = s->name, .text = s->text, .size = strlen(s->text), .hooks = {.ctx = s, .describe = describe},
                        .model = nc_sprintf(s->arena, "case_%s", c->name)};
  NcProgram *p = nc_program(s->arena, s->diag, &o);
  if (!p) return;
  finish(c, p->predict, p->predict->output.n > 1);
  join(c, p->predict);
  states_of_optimizers(c, p);
  for (int i = 0; i < p->step->output.n; i++)
    if (strcmp(p->step->output.at[i].name, "loss") == 0) p->step->output.at[i].name = key(c, "loss", "");
  changed(c, p->step);
  join(c, p->step);
}

static void model(Case *c, NcElab *e, NcInfo *info) {
  NcGraph *g = nc_model_graph(e, info, golden_training(c->s, c->name));
  if (!g) return;
  finish(c, g, g->output.n > 1);
  join(c, g);
}

// All that the file says of the case was looked at.
static void nothing_left(const Case *c) {
  int n = 0;
  for (int i = 0; i < c->s->n; i++) {
    const char *name = c->s->tensor[i].name;
    n += own(c, name, "d/") || own(c, name, "dp/") || own(c, name, "loss") || own(c, name, "state/") ||
         (own(c, name, "y") && strchr("/", name[strlen(c->name) + 2]));
  }
  ck_assert_msg(n == c->used, "%s: %d outputs, but the file has %d", c->name, c->used, n);
  ck_assert_msg(n > 0, "%s has no golden outputs", c->name);
}

void golden_build(GoldenSet *s, const char *only) {
  NcFrame top;
  NcProgramOptions *o = NC_NEW(s->arena, NcProgramOptions);
  *o = (NcProgramOptions){.name = s->name, .text = s->text, .size = strlen(s->text),
                            .hooks = {.ctx = s, .describe = describe}};
  NcElab *e = nc_elab_open(s->arena, s->diag, o, &top);
  s->graph = nc_graph_new(s->arena, s->diag, "golden");
  for (int i = 0; e && i < e->user->file->decl.n; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    if (d->kind != NC_D_MODEL || strncmp(d->name.s, "case_", 5) != 0) continue;
    Case c = {.s = s, .name = d->name.s + 5};
    if ((only && strcmp(only, c.name) != 0) || (s->device && golden_reference(s, c.name))) continue;
    if (golden_find(s, key(&c, "loss", ""))) net(&c);
    else model(&c, e, nc_map_get(&e->user->decl, d->name.s));
    if (s->diag->errors) return;
    nothing_left(&c);
  }
}
