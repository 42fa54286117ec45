// test blocks: each becomes graphs whose outputs must hold. Sizes are numbers here; every test has its own variables.
#include "elab/recipe.h"
#include <string.h>

void nc_forget(NcElab *e, const char *name) {
  e->root = NC_NEW(e->arena, NcInstance);
  e->root->path = e->root->name = e->root->suffix = "";
  e->by_path = NC_MAP(e->arena);
  memset(&e->var, 0, sizeof e->var);
  e->init = nc_graph_new(e->arena, e->diag, "init");
  e->graph = nc_graph_new(e->arena, e->diag, name);
  e->training = false;
  e->iteration = NULL;
  e->guess = NULL;
}

static bool expectation(NcElab *e, const NcStmt *s, NcTest *t) {
  NcValue v = nc_expr(e, s->e);
  NcTensor *x = v.kind == NC_V_POISON ? NULL : nc_to_tensor(e, v, s->e->at, NULL);
  if (!x) return false;
  if (x->node->type.dtype != NC_BOOL) {
    nc_elab_error(e, NC_E0204, s->e->at, "`expect` needs truth values, not %s", nc_t_describe(e, x));
    return false;
  }
  nc_graph_output(e->graph, nc_sprintf(e->arena, "expect %d", t->expect.n), x->node);
  *NC_PUSH(e->arena, t->expect) = s->at;
  return true;
}

// ---- gradcheck ----

static NcTensor *weighted_sum(NcElab *e, NcRange at,
                              NcValue v) {   // one number that every output moves, each by its own weight
  if (v.kind == NC_V_TUPLE || v.kind == NC_V_LIST) {
    NcTensor *sum = NULL;
    int floats = 0;
    for (int i = 0; i < v.list.n; i++) {   // beside floats a layer may give indices and truth values
      const NcValue *x = &v.list.item[i];
      if (x->kind == NC_V_TENSOR && !nc_dtype_float(x->t->node->type.dtype)) continue;
      floats++;
      NcTensor *s = weighted_sum(e, at, *x);
      sum = sum && s ? nc_arith(e, at, "add", sum, s) : s;
    }
    if (!floats) nc_elab_error(e, NC_E0210, at, "nothing here is of floats: there is no gradient");
    return sum;
  }
  NcTensor *x = nc_to_tensor(e, v, at, NULL);
  if (!x) return NULL;
  if (!nc_dtype_float(x->node->type.dtype)) {
    nc_elab_error(e, NC_E0210, at, "%s has no gradient", nc_t_describe(e, x));
    return NULL;
  }
  int64_t axis[NC_MAX_RANK];
  for (int i = 0; i < x->rank; i++) axis[i] = i;
  NcTensor *w = nc_t_random(e, at, "uniform", x->rank, x->dim);
  return nc_t_reduce(e, at, "sum", nc_arith(e, at, "mul", x, w), x->rank, axis, false);
}

typedef NC_VEC(NcTensor *) Inputs;

static bool input(NcElab *e, const NcTypeExpr *t, Inputs *in) {
  if (t->tuple) {
    for (int i = 0; i < t->field.n; i++)
      if (!input(e, t->field.at[i].type, in)) return false;
    return true;
  }
  NcType type;
  int rank;
  NcSize dim[NC_MAX_RANK];
  if (!nc_eval_type(e, t, &type.dtype, &rank, dim) || !nc_t_shape(e, t->at, rank, dim, &type.shape)) return false;
  const char *name = in->n ? nc_sprintf(e->arena, "x%d", in->n + 1) : "x";
  *NC_PUSH(e->arena, *in) = nc_t(e, t->at, nc_input(e->graph, t->at, name, type), rank, dim);
  return true;
}

static bool gradients(NcElab *e, NcTensor *loss, const Inputs *in) {
  NC_VEC(NcNode *) wrt = {0};
  NC_VEC(const char *) name = {0};
  for (int i = 0; i < in->n; i++)
    if (nc_dtype_float(in->at[i]->node->type.dtype)) {
      *NC_PUSH(e->arena, wrt) = in->at[i]->node;
      *NC_PUSH(e->arena, name) = nc_attr_str(in->at[i]->node, "name");
    }
  for (int i = 0; i < e->var.n; i++) {
    const NcVar *v = e->var.at[i];
    if (v->graph != e->graph || strcmp(v->pub.kind, "param") != 0) continue;
    *NC_PUSH(e->arena, wrt) = v->now;
    *NC_PUSH(e->arena, name) = v->pub.path;
  }
  NcNode **grad = NC_NEW_N(e->arena, NcNode *, wrt.n + 1);
  nc_graph_output(e->graph, "loss", loss->node);
  if (!nc_grad(e->graph, loss->node, wrt.n, wrt.at, grad)) return false;
  for (int i = 0; i < wrt.n; i++) nc_graph_output(e->graph, name.at[i], grad[i]);
  return true;
}

static bool gradcheck(NcElab *e, const NcStmt *s, NcTest *t) {
  NcGraph *outer = e->graph;
  e->graph = nc_graph_new(e->arena, e->diag, "gradcheck");
  e->training = true;
  Inputs in = {0};
  NcValue f = nc_expr(e, s->e);
  bool ok = f.kind != NC_V_POISON && input(e, s->type, &in);
  NcActual *arg = NC_NEW_N(e->arena, NcActual, in.n + 1);
  for (int i = 0; i < in.n; i++) {
    arg[i].v = nc_v_tensor(s->type->at, in.at[i]);
    ok = ok && in.at[i];
  }
  e->site = s;
  NcValue y = !ok ? nc_v_poison() : in.n == 1 ? nc_call1(e, f, s->e->at, arg[0].v) : nc_call(e, f, s->e->at, in.n, arg);
  NcTensor *loss = y.kind == NC_V_POISON ? NULL : weighted_sum(e, s->e->at, y);
  ok = loss && gradients(e, loss, &in);
  if (ok) *NC_PUSH(e->arena, t->gradcheck) = nc_graph_prune(e->graph);
  e->graph = outer;
  e->training = false;
  return ok;
}

// ---- blocks ----

static void test(NcElab *e, const NcDecl *d, NcTests *out) {
  nc_forget(e, nc_sprintf(e->arena, "test %s", d->path));
  int used = 0;
  NcTest t = {.name = d->path, .at = d->path_at};
  NcFrame f = {.up = e->frame, .module = e->user, .scope = nc_scope(e, NULL), .inst = e->root, .randoms = &used};
  e->frame = &f;
  e->models = true;
  for (int i = 0; i < d->body->stmt.n; i++) {
    const NcStmt *s = d->body->stmt.at[i];
    NcBlock one = {.at = s->at, .stmt = {.at = &d->body->stmt.at[i], .n = 1, .cap = 1}};
    if (s->kind == NC_S_EXPECT) expectation(e, s, &t);
    else if (s->kind == NC_S_GRADCHECK) gradcheck(e, s, &t);
    else nc_block_here(e, &one);
  }
  e->models = false;
  e->frame = f.up;
  t.graph = nc_graph_prune(e->graph);
  t.init = e->init;
  *NC_PUSH(e->arena, out->test) = t;
}

bool nc_elab_tests(NcElab *e, NcTests *out) {
  int errors = e->diag->errors;
  for (int i = 0; i < e->user->file->decl.n; i++)
    if (e->user->file->decl.at[i]->kind == NC_D_TEST && e->user->file->decl.at[i]->body)
      test(e, e->user->file->decl.at[i], out);
  return e->diag->errors == errors;
}

bool nc_program_tests(NcArena *a, NcDiag *d, const NcProgramOptions *o, NcTests *out) {
  int errors = d->errors;
  NcFrame top;
  memset(out, 0, sizeof *out);
  NcElab *e = nc_elab_open(a, d, o, &top);
  if (!e || d->errors > errors) return false;
  if (!e->batch) e->batch = 32;
  return nc_elab_tests(e, out);
}
