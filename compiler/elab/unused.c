// Functions, layers and models that nothing in the file calls, and data and weights that nothing uses. The first are elaborated
// with sizes that are made up, several times over: what is wrong each time, whatever was tried, is an error; what only some
// sizes bring about is none, since a caller might give others. What an assertion refuses is not tried.
#include "elab/recipe.h"
#include <string.h>

static const NcTrial trials[] = {
  {.size = 64, .step = 32, .whole = 2, .truth = false, .axes = 1},
  {.size = 96, .step = 0, .whole = 4, .truth = true, .axes = 2},
  {.size = 224, .step = 224, .whole = 1, .truth = false, .axes = 3},
  {.size = 7, .step = 6, .whole = 3, .truth = true, .axes = 1},
  {.size = 4, .step = 4, .whole = 64, .truth = false, .axes = 2},
};
enum { TRIALS = sizeof trials / sizeof *trials };

typedef NC_VEC(NcMessage *) Messages;

// A value for a hyperparameter without a default, by its kind. False where there is no telling.
static bool made_up(const NcFormal *h, const NcTrial *t, NcValue *out) {
  if (!h->kind.s) return false;
  if (strcmp(h->kind.s, "int") == 0) *out = nc_v_int(NC_NOWHERE, nc_size(t->whole));
  else if (strcmp(h->kind.s, "float") == 0) *out = nc_v_float(NC_NOWHERE, 0.5);
  else if (strcmp(h->kind.s, "bool") == 0) *out = nc_v_bool(NC_NOWHERE, t->truth);
  else return false;
  return true;
}

static bool can_be_tried(const NcInfo *info) {
  const NcDecl *d = info->decl;
  NcValue v;
  for (int i = 0; i < d->hyper.n; i++)
    if (!d->hyper.at[i].value && !info->set[i] && !made_up(&d->hyper.at[i], trials, &v)) return false;
  for (int i = 0; i < d->tensor.n; i++)
    if (!d->tensor.at[i].type) return false;
  return d->body != NULL;
}

static NcValue bound(NcElab *e, NcInfo *info) {
  const NcDecl *d = info->decl;
  NcActual *arg = NC_NEW_N(e->arena, NcActual, d->hyper.n + 1);
  int n = 0;
  for (int i = 0; i < d->hyper.n; i++) {
    if (d->hyper.at[i].value || info->set[i]) continue;
    arg[n] = (NcActual){.name = d->hyper.at[i].name.s, .name_at = d->hyper.at[i].name.at};
    made_up(&d->hyper.at[i], e->trial, &arg[n++].v);
  }
  return nc_bind_hyper(e, info, d->name.at, n, arg);
}

static void called(NcElab *e, NcInfo *info) {
  const NcDecl *d = info->decl;
  NcValue f = bound(e, info);
  NcActual *arg = NC_NEW_N(e->arena, NcActual, d->tensor.n + 1);
  if (f.kind != NC_V_FN || !nc_symbolic_arguments(e, info, f.fn, NULL, arg)) return;
  if (d->kind == NC_D_FN) {
    nc_inline(e, e->root, f.fn, d->name.at, d->tensor.n, arg);
    return;
  }
  NcInstance *inst = nc_instance(e, f.fn, info, NULL, d->name.at);
  if (inst) nc_call_instance(e, inst, d->name.at, d->tensor.n, arg);
}

// What is there in training, in an optimizer and in a task is there for it.
static void attempt(NcElab *e, NcInfo *info, NcTrial *t) {
  int used = 0;
  NcTask task = {.name = info->decl->name.s};
  int64_t total = e->total_steps;
  nc_forget(e, "unused");
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .inst = e->root, .randoms = &used};
  e->frame = &f;
  e->trial = t;
  e->training = e->models = true;
  e->task = &task;
  e->total_steps = total ? total : 1000;
  e->iteration = nc_counter(e, "step");
  e->grad_norm = nc_to_tensor(e, nc_v_float(NC_NOWHERE, 1), NC_NOWHERE, NULL);
  called(e, info);
  e->total_steps = total;
  e->iteration = e->grad_norm = NULL;
  e->task = NULL;
  e->training = e->models = false;
  e->trial = NULL;
  e->frame = f.up;
}

// Takes back what was reported since, and gives the errors in it.
static Messages taken_back(NcElab *e, int messages, int errors) {
  Messages m = {0};
  for (int i = messages; i < e->diag->messages.n; i++)
    if (e->diag->messages.at[i]->severity == NC_ERROR) *NC_PUSH(e->arena, m) = e->diag->messages.at[i];
  nc_diag_forget(e->diag, messages, errors);
  return m;
}

static Messages in_both(NcElab *e, Messages a, Messages b) {
  Messages both = {0};
  for (int i = 0; i < a.n; i++)
    for (int k = 0; k < b.n; k++)
      if (a.at[i]->code == b.at[k]->code && nc_same_place(a.at[i]->at, b.at[k]->at)) {
        *NC_PUSH(e->arena, both) = a.at[i];
        break;
      }
  return both;
}

// `known`: that nothing calls it. Where the training could not be built, it might have.
static void check(NcElab *e, NcInfo *info, bool known) {
  Messages found = {0};
  int tried = 0;
  bool dead = e->dead;
  for (int i = 0; i < TRIALS && (!tried || found.n) && !e->dead; i++) {
    NcTrial t = trials[i];
    int messages = e->diag->messages.n, errors = e->diag->errors;
    attempt(e, info, &t);
    Messages m = taken_back(e, messages, errors);
    if (t.refused) continue;
    found = tried++ ? in_both(e, found, m) : m;
  }
  for (int i = 0; i < found.n; i++) {
    *NC_PUSH(e->arena, e->diag->messages) = found.at[i];
    e->diag->errors++;
    bool of_names = found.at[i]->code == NC_E0301 || found.at[i]->code == NC_E0303;
    if (of_names) continue;
    nc_note(e->diag, found.at[i], known ? "nothing calls `%s`: it was tried with several sizes" : "`%s` was tried with several sizes",
            info->decl->name.s);
  }
  e->dead = dead;   // what goes too deep here hides no other's errors
}

static void check_callables(NcElab *e, bool known) {
  for (int i = 0; i < e->user->file->decl.n && !e->dead; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    if ((d->kind != NC_D_FN && d->kind != NC_D_LAYER && d->kind != NC_D_MODEL) || !d->name.s) continue;
    NcInfo *info = nc_map_get(&e->user->decl, d->name.s);
    if (info && info->decl == d && !info->called && can_be_tried(info)) check(e, info, known);
  }
}

static void check_data(NcElab *e, const NcDecl *d) {
  if (!d->body || !e->opt->hooks.describe || nc_map_has(&e->datasets, d->name.s)) return;
  nc_forget(e, "unused");
  NcDataset *ds = nc_dataset(e, nc_map_get(&e->user->decl, nc_sprintf(e->arena, "data %s", d->name.s)), d->at);
  bool ok = ds && nc_dataset_bind(e, ds, nc_scope(e, NULL));
  if (ok && ds->where) nc_dataset_where(e, ds);
}

// Where nothing uses them, it is nobody's trouble that their files (errors 04xx) are not there, or not as they should be.
static void check_sources(NcElab *e) {
  for (int i = 0; i < e->user->file->decl.n && !e->dead; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    int messages = e->diag->messages.n, errors = e->diag->errors;
    if (d->name.s && d->kind == NC_D_DATA) check_data(e, d);
    if (d->name.s && d->kind == NC_D_WEIGHTS) nc_weights(e, &d->name);
    Messages m = taken_back(e, messages, errors);
    for (int k = 0; k < m.n; k++)
      if (nc_code_name(m.at[k]->code)[2] != '4') {
        *NC_PUSH(e->arena, e->diag->messages) = m.at[k];
        e->diag->errors++;
      }
  }
}

void nc_check_unused(NcElab *e, bool built) {
  check_callables(e, built);
  check_sources(e);
}
