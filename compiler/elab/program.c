// The front door: a file becomes a program, or its errors.
#include "elab/recipe.h"
#include <string.h>

static NcElab *begin(NcArena *a, NcDiag *d, const NcProgramOptions *o) {
  NcElab *e = NC_NEW(a, NcElab);
  e->arena = a;
  e->diag = d;
  e->opt = o;
  e->names = e->by_path = e->datasets = NC_MAP(a);
  e->sizes.arena = a;
  e->set_used = NC_NEW_N(a, bool, o->nset + 1);
  e->root = NC_NEW(a, NcInstance);
  e->root->path = e->root->name = "";
  e->root->suffix = "";
  e->init = nc_graph_new(a, d, "init");
  e->graph = nc_graph_new(a, d, "constants");
  e->batch = o->batch;
  nc_builtins_open(e);
  return e;
}

NcElab *nc_elab_open(NcArena *a, NcDiag *d, const NcProgramOptions *o, NcFrame *top) {
  NcElab *e = begin(a, d, o);
  *top = (NcFrame){.scope = nc_scope(e, NULL), .inst = e->root};
  e->frame = top;
  nc_load_prelude(e);
  e->user = nc_load(e, o->name, o->text, o->size);
  top->module = e->user;
  nc_load_imports(e, e->user, 0);
  return e;
}

static const NcDecl *train_decl(NcElab *e) {
  const NcDecl *found = NULL;
  for (int i = 0; i < e->user->file->decl.n; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    if (d->kind != NC_D_TRAIN || !d->name.s || !d->source.s || !d->body) continue;
    if (e->opt->model && strcmp(e->opt->model, d->name.s) != 0) continue;
    if (found) {
      NcMessage *m = nc_elab_error(e, NC_E0302, d->at, "this file has more than one `train`");
      nc_elab_label(e, m, found->at, "first here");
      return found;
    }
    found = d;
  }
  return found;
}

static NcInfo *model_decl(NcElab *e) {
  NcInfo *found = NULL;
  NC_VEC(const char *) names = {0};
  for (int i = 0; i < e->user->file->decl.n; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    if (d->kind != NC_D_MODEL || !d->name.s) continue;
    *NC_PUSH(e->arena, names) = d->name.s;
    if (!e->opt->model || strcmp(e->opt->model, d->name.s) == 0) found = nc_map_get(&e->user->decl, d->name.s);
  }
  if (!found && e->opt->model)
    nc_suggest(e, nc_elab_error(e, NC_E0301, NC_NOWHERE, "there is no `model %s`", e->opt->model), e->opt->model,
               names.at, names.n);
  return found;
}

// ---- with a train declaration ----

static bool trained(NcElab *e, NcProgram *p, const NcDecl *d) {
  NcTrainKeys keys;
  NcDataset *ds = NULL;
  bool ok = nc_train_keys(e, d, &keys);
  p->recipe = nc_recipe(e, &keys, &ds);
  bool named;
  NcInstance *model = nc_train_model(e, &keys, &named);
  for (int i = 0; i < keys.part.n; i++)
    if (!keys.part.at[i].loss || !keys.part.at[i].optimizer) return false;
  if (!p->recipe || (named && !model)) return false;
  if (!e->batch) e->batch = p->recipe->batch;
  return nc_train_graphs(e, p, &keys, ds, model) && ok && nc_recipe_keep(e, &keys, p->recipe);
}

// ---- a model alone ----

NcGraph *nc_model_graph(NcElab *e, NcInfo *info, bool training) {
  const NcDecl *d = info->decl;
  int used = 0, errors = e->diag->errors;
  e->graph = nc_graph_new(e->arena, e->diag, "predict");
  e->training = training;
  e->models = true;
  NcInstance *inst = nc_model_instance(e, info, d->name.at);
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .inst = e->root, .randoms = &used};
  e->frame = &f;
  NcActual *arg = NC_NEW_N(e->arena, NcActual, d->tensor.n + 1);
  bool ok = inst && nc_symbolic_arguments(e, info, inst->fn, NULL, arg);
  NcValue v = ok ? nc_call_instance(e, inst, d->name.at, d->tensor.n, arg) : nc_v_poison();
  nc_output_value(e, "output", v);
  e->frame = f.up;
  e->models = false;
  nc_calls_keep(e);
  return v.kind != NC_V_POISON && e->diag->errors == errors ? nc_graph_prune(e->graph) : NULL;
}

static bool untrained(NcElab *e, NcProgram *p, NcInfo *info) {
  if (!info) return e->opt->model == NULL;
  if (!e->batch) e->batch = 32;
  if (!nc_model_graph(e, info, true)) return false;
  e->rows = true;
  p->predict = nc_model_graph(e, info, false);
  e->rows = false;
  return p->predict != NULL;
}

// Models that are not trained are checked too, as far as they can be without data: each hyperparameter needs a default.
static void check_models(NcElab *e, const char *built) {
  for (int i = 0; i < e->user->file->decl.n; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    if (d->kind != NC_D_MODEL || !d->name.s || (built && strcmp(built, d->name.s) == 0)) continue;
    NcInfo *info = nc_map_get(&e->user->decl, d->name.s);
    bool alone_too = info && info->decl == d;
    for (int k = 0; k < d->hyper.n; k++) alone_too = alone_too && (d->hyper.at[k].value || info->set[k]);
    NcLeaves l = nc_leaves(e->arena, d);
    for (int k = 0; k < l.n; k++) {
      const NcTypeExpr *t = l.at[k].type;
      for (int j = 0; t && j < t->axis.n; j++)
        alone_too = alone_too && (t->axis.at[j]->kind == NC_X_INT || t->axis.at[j]->kind == NC_X_NAME);
      alone_too = alone_too && t && !t->any;
    }
    if (alone_too) nc_model_graph(e, info, true);
  }
}

// Constants are evaluated even where nothing uses them.
static void check_constants(NcElab *e) {
  for (int i = 0; i < e->user->file->decl.n; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    NcInfo *info = d->kind == NC_D_CONST && d->name.s ? nc_map_get(&e->user->decl, d->name.s) : NULL;
    if (info && info->decl == d) nc_const_value(e, info, d->name.at);
  }
}

static bool later(const NcMessage *a, const NcMessage *b) {
  return a->at.file > b->at.file || (a->at.file == b->at.file && a->at.begin > b->at.begin);
}

static void sort_messages(NcDiag *d, int first) {   // by place, for they come in the order of elaboration
  for (int i = first + 1; i < d->messages.n; i++)
    for (int k = i; k > first && later(d->messages.at[k - 1], d->messages.at[k]); k--) {
      NcMessage *m = d->messages.at[k];
      d->messages.at[k] = d->messages.at[k - 1];
      d->messages.at[k - 1] = m;
    }
}

NcProgram *nc_program(NcArena *a, NcDiag *d, const NcProgramOptions *o) {
  int errors = d->errors, first = d->messages.n;
  NcFrame top;
  NcElab *e = nc_elab_open(a, d, o, &top);
  if (!e || d->errors > errors) return NULL;
  NcProgram *p = NC_NEW(a, NcProgram);
  *p = (NcProgram){.arena = a, .diag = d, .file = e->user->file};
  check_constants(e);
  const NcDecl *train = train_decl(e);
  NcInfo *alone = train ? NULL : model_decl(e);
  bool ok = train ? trained(e, p, train) : untrained(e, p, alone);
  if (ok) nc_tasks(e, p);
  nc_weights_match(e);
  for (int i = 0; i < e->var.n; i++) *NC_PUSH(a, p->variable) = e->var.at[i]->pub;
  p->init = e->init;
  p->batch = e->batch;
  nc_set_finish(e);
  if (!o->task) {   // what was not built is checked, with variables of its own
    NcTests tests = {0};
    if (!e->batch) e->batch = 32;
    nc_forget(e, "check");
    check_models(e, e->recipe ? train->name.s : alone ? alone->decl->name.s : NULL);
    nc_elab_tests(e, &tests);       // before that: what a test calls is called
    nc_check_unused(e, ok);
  }
  nc_check_names(e);
  sort_messages(d, first);
  if (!ok || d->errors > errors) return NULL;
  for (int i = 0; i < e->row.n; i++) *NC_PUSH(a, p->row) = e->row.at[i];
  nc_calls_give(e, p);
  return p;
}
