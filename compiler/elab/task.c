// task declarations: functions of the whole file, each a graph of its own, run with a model's weights.
//
// A task is elaborated where training and inference left off, so `vae.dec` finds the layer that the model's body
// made. It owns no parameters. When a file is checked, the sizes that its inputs leave open are assumed; when it is
// run, they are those of the inputs that were given.
#include "elab/recipe.h"
#include <string.h>

enum { ASSUMED = 4 };   // for a size that only a run will tell

// An item of a tuple that is handed in, as a tensor by itself.
static NcFormal leaf_of(NcArena *a, const NcFormal *f, int i) {
  const NcTypeField *x = &f->type->field.at[i];
  NcFormal one = {.type = x->type, .at = f->at, .name = {.at = f->name.at}};
  one.name.s = x->name.s ? nc_sprintf(a, "%s.%s", f->name.s, x->name.s) : nc_sprintf(a, "%s.%d", f->name.s, i);
  return one;
}

typedef NC_VEC(NcFormal) Formals;

static void put_leaves(NcArena *a, const NcFormal *f, Formals *out) {
  if (!f->type || !f->type->tuple) {
    *NC_PUSH(a, *out) = *f;
    return;
  }
  for (int i = 0; i < f->type->field.n; i++) {
    NcFormal one = leaf_of(a, f, i);
    put_leaves(a, &one, out);
  }
}

NcLeaves nc_leaves(NcArena *a, const NcDecl *d) {
  Formals f = {0};
  for (int i = 0; i < d->tensor.n; i++) put_leaves(a, &d->tensor.at[i], &f);
  return (NcLeaves){f.n, f.at};
}

static NcValue given_input(NcElab *e, const NcFormal *f, const NcTaskCall *call);

static NcValue given_tuple(NcElab *e, const NcFormal *f, const NcTaskCall *call) {
  int n = f->type->field.n;
  NcValue *item = NC_NEW_N(e->arena, NcValue, n + 1);
  const char **name = NC_NEW_N(e->arena, const char *, n + 1);
  bool ok = true, named = n > 0;
  for (int i = 0; i < n; i++) {
    NcFormal one = leaf_of(e->arena, f, i);
    item[i] = given_input(e, &one, call);
    ok = ok && item[i].kind != NC_V_POISON;
    name[i] = f->type->field.at[i].name.s;
    named = named && name[i];
  }
  if (!ok) return nc_v_poison();
  NcValue v = nc_v_items(e, NC_V_TUPLE, f->at, n, item);
  if (named) v.list.name = name;
  return v;
}

static NcValue given_input(NcElab *e, const NcFormal *f, const NcTaskCall *call) {
  NcSize dim[NC_MAX_RANK];
  if (f->type->tuple) return given_tuple(e, f, call);
  for (int i = 0; call && i < call->inputs; i++) {
    const NcTaskInput *in = &call->input[i];
    if (strcmp(in->name, f->name.s) != 0) continue;
    for (int k = 0; k < in->type.shape.rank; k++) dim[k] = nc_size(in->type.shape.dim[k]);
    return nc_v_tensor(f->at, nc_t(e, f->at, nc_input(e->graph, f->at, in->name, in->type), in->type.shape.rank, dim));
  }
  return nc_symbolic(e, f->type, f->name.s);
}

// Arguments of a declaration that is called from outside, in a frame where its hyperparameters are bound, since sizes
// may use them.
bool nc_symbolic_arguments(NcElab *e, const NcInfo *info, const NcFn *fn, const NcTaskCall *call, NcActual *arg) {
  const NcDecl *d = info->decl;
  int used = 0;
  e->guess = NULL;
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .inst = e->root, .pure = true,
               .randoms = &used};
  for (int i = 0; i < d->hyper.n; i++)
    nc_scope_bind(e, f.scope, d->hyper.at[i].name.s, d->hyper.at[i].name.at, fn->hyper[i]);
  e->frame = &f;
  bool ok = true;
  for (int i = 0; i < d->tensor.n; i++) {
    arg[i].v = given_input(e, &d->tensor.at[i], call);
    ok = ok && arg[i].v.kind != NC_V_POISON;
  }
  e->frame = f.up;
  return ok;
}

// A model that nothing has called yet has no layers: it is called once, for nothing but those.
void nc_meet_model(NcElab *e, NcInstance *inst) {
  const NcInfo *info = inst->fn->info;
  if (inst->up != e->root || inst->memo.n || info->decl->kind != NC_D_MODEL) return;
  NcGraph *graph = e->graph;
  NcTensor *iteration = e->iteration;
  int used = 0;
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .inst = e->root, .randoms = &used};
  NcActual *arg = NC_NEW_N(e->arena, NcActual, info->decl->tensor.n + 1);
  e->graph = nc_graph_new(e->arena, e->diag, "met");
  e->iteration = NULL;
  e->frame = &f;
  if (nc_symbolic_arguments(e, info, inst->fn, NULL, arg))
    nc_call_instance(e, inst, info->decl->name.at, info->decl->tensor.n, arg);
  e->frame = f.up;
  e->graph = graph;
  e->iteration = iteration;
}

// Results are tensors; halves are handed out as f32, which every reader of files knows.
static NcValue result(NcElab *e, const NcDecl *d, NcValue v) {
  if (v.kind == NC_V_TUPLE || v.kind == NC_V_LIST) {
    NcValue *item = NC_NEW_N(e->arena, NcValue, v.list.n + 1);
    for (int i = 0; i < v.list.n; i++) item[i] = result(e, d, v.list.item[i]);
    NcValue r = nc_v_items(e, v.kind, v.at, v.list.n, item);
    if (r.kind != NC_V_POISON) r.list.name = v.list.name;
    return r;
  }
  NcTensor *t = nc_to_tensor(e, v, d->body->at, NULL);
  bool half = t && (t->node->type.dtype == NC_F16 || t->node->type.dtype == NC_BF16);
  return nc_v_tensor(v.at, half ? nc_t_cast(e, v.at, t, NC_F32) : t);
}

static bool output(NcElab *e, const NcDecl *d, NcValue v) {
  v = v.kind == NC_V_POISON ? v : result(e, d, v);
  if (v.kind == NC_V_POISON) return false;
  nc_output_value(e, "output", v);
  if (e->graph->output.n) return true;
  nc_help(e->diag, nc_elab_error(e, NC_E0205, d->name.at, "the task `%s` has no result", d->name.s),
          "let its last expression be the tensor to give back");
  return false;
}

// What training made is all there is: a task that would start parameters of its own has forgotten `as` somewhere, or
// reaches a model that nothing trains.
static bool owns_nothing(NcElab *e, const NcDecl *d, int vars) {
  if (e->var.n == vars) return true;
  NcMessage *m = nc_elab_error(e, NC_E0306, d->name.at, "the task `%s` uses `%s`, which `train` does not make",
                               d->name.s, e->var.at[vars]->pub.path);
  nc_help(e->diag, m, "let a task call models, and the layers in them, as the training does");
  return false;
}

// Whether it can be built before anybody runs it: each hyperparameter needs a value.
static bool checkable(NcArena *a, const NcInfo *info) {
  const NcDecl *d = info->decl;
  for (int i = 0; i < d->hyper.n; i++)
    if (!d->hyper.at[i].value && !info->set[i]) return false;
  NcLeaves l = nc_leaves(a, d);
  for (int i = 0; i < l.n; i++) {
    const NcTypeExpr *t = l.at[i].type;
    if (!t || t->any) return false;
    for (int k = 0; k < t->axis.n; k++)
      if (t->axis.at[k]->kind == NC_X_SPREAD) return false;
  }
  return d->body != NULL;
}

static NcGraph *build(NcElab *e, NcInfo *info, const NcTaskCall *call, bool trained, NcTask *task) {
  const NcDecl *d = info->decl;
  int used = 0, errors = e->diag->errors, vars = e->var.n;
  e->graph = nc_graph_new(e->arena, e->diag, d->name.s);
  e->training = false;
  e->iteration = NULL;
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .inst = e->root, .pure = true,
               .site = nc_hash64(19, d->name.s, strlen(d->name.s)), .randoms = &used};
  e->frame = &f;
  e->models = true;
  e->assumed = ASSUMED;
  e->task = task;
  NcActual *arg = NC_NEW_N(e->arena, NcActual, d->tensor.n + 1);
  NcValue fn = nc_bind_hyper(e, info, d->name.at, 0, NULL), v = nc_v_poison();
  if (fn.kind == NC_V_FN && nc_symbolic_arguments(e, info, fn.fn, call, arg))
    v = nc_inline(e, e->root, fn.fn, d->name.at, d->tensor.n, arg);
  bool ok = output(e, d, v) && (!trained || owns_nothing(e, d, vars));
  e->assumed = 0;
  e->task = NULL;
  e->models = false;
  e->frame = f.up;
  return ok && e->diag->errors == errors ? nc_graph_prune(e->graph) : NULL;
}

void nc_tasks(NcElab *e, NcProgram *p) {
  const NcTaskCall *call = e->opt->task;
  for (int i = 0; i < e->user->file->decl.n; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    NcInfo *info = d->kind == NC_D_TASK && d->name.s ? nc_map_get(&e->user->decl, d->name.s) : NULL;
    if (!info || info->decl != d || !d->body) continue;
    NcTask t = {.name = d->name.s, .decl = d};
    if (call ? strcmp(call->name, d->name.s) == 0 : checkable(e->arena, info)) t.graph = build(e, info, call, p->recipe != NULL, &t);
    *NC_PUSH(e->arena, p->task) = t;
  }
}
