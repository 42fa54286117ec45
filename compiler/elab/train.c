// train blocks: the recipe, and the graphs of training, evaluation and prediction.
#include "elab/recipe.h"
#include <string.h>

// ---- recipe ----

static void whole(NcElab *e, const NcExpr *x, const char *key, int64_t least, int64_t fallback, int64_t *out) {
  *out = fallback;
  NcSize s;
  if (!x || !nc_expr_int(e, x, &s)) return;
  const int64_t most = (int64_t)1 << 40;
  if (s.value >= least && s.value <= most) *out = s.value;
  else
    nc_elab_error(e, NC_E0312, x->at, "`%s` must be %lld or more%s, not %lld", key, (long long)least,
                  s.value > most ? ", and at most 2^40" : "", (long long)s.value);
}

static NcInfo *find_data(NcElab *e, const NcDecl *d) {
  NcInfo *info = nc_map_get(&e->user->decl, nc_sprintf(e->arena, "data %s", d->source.s));
  if (info) return info;
  NC_VEC(const char *) names = {0};
  for (int i = 0; i < e->user->file->decl.n; i++)
    if (e->user->file->decl.at[i]->kind == NC_D_DATA && e->user->file->decl.at[i]->name.s)
      *NC_PUSH(e->arena, names) = e->user->file->decl.at[i]->name.s;
  nc_suggest(e, nc_elab_error(e, NC_E0301, d->source.at, "there is no `data %s`", d->source.s), d->source.s, names.at,
             names.n);
  return NULL;
}

// A number that is not whole, between two others.
static void between(NcElab *e, const NcExpr *x, const char *key, double least, double most, double *out) {
  *out = 0;
  if (!x) return;
  NcValue v = nc_expr(e, x);
  if (v.kind == NC_V_POISON) return;
  if (nc_v_number(&v, out) && *out > least && *out < most) return;
  nc_elab_error(e, NC_E0312, x->at, "`%s` must lie between %g and %g", key, least, most);
  *out = 0;
}

// checkpoint = every(500)
static void checkpoint(NcElab *e, const NcExpr *x, int64_t *out) {
  *out = 0;
  if (!x) return;
  if (x->kind == NC_X_CALL && x->a->kind == NC_X_NAME && strcmp(x->a->name.s, "every") == 0 && x->list.n == 1)
    whole(e, x->list.at[0].e, "every", 1, 0, out);
  else nc_help(e->diag, nc_elab_error(e, NC_E0312, x->at, "`checkpoint` says after how many steps"), "write `every(500)`");
}

// How many updates a stage has; 0 where the number of examples is not known yet.
static int64_t updates(const NcRecipe *r, const NcStage *s, const NcDataset *ds) {
  int64_t n;
  if (s->steps) return s->steps;
  return __builtin_mul_overflow(s->epochs, nc_dataset_train_examples(ds) / (r->batch * r->accumulate), &n) ? 0 : n;
}

static void stages(NcElab *e, const NcTrainKeys *k, NcRecipe *r) {
  for (int i = 0; i < (k->stages ? k->part.n : 1); i++) {
    const NcTrainPart *p = &k->part.at[i];
    NcStage s = {.name = k->stages ? p->name : NULL, .first = i, .parts = k->stages ? 1 : k->part.n};
    whole(e, p->epochs, "epochs", 1, 0, &s.epochs);
    whole(e, p->steps, "steps", 1, 0, &s.steps);
    whole(e, p->patience, "patience", 1, 0, &s.patience);
    *NC_PUSH(e->arena, r->stage) = s;
  }
  r->epochs = r->stage.at[0].epochs;
  r->steps = r->stage.at[0].steps;
}

NcRecipe *nc_recipe(NcElab *e, const NcTrainKeys *k, NcDataset **data) {
  NcRecipe *r = NC_NEW(e->arena, NcRecipe);
  NcInfo *info = find_data(e, k->decl);
  *data = info ? nc_dataset(e, info, k->decl->source.at) : NULL;
  int64_t seed;
  whole(e, k->batch, "batch", 1, 32, &r->batch);   // what is wrong with a number hides no other error
  whole(e, k->accumulate, "accumulate", 1, 1, &r->accumulate);
  whole(e, k->recompute, "recompute", 1, 1, &r->recompute);
  whole(e, k->seed, "seed", 0, 1, &seed);
  between(e, k->ema, "ema", 0, 1, &r->ema);
  checkpoint(e, k->checkpoint, &r->every);
  stages(e, k, r);
  if (r->accumulate > 1 && r->batch > ((int64_t)1 << 40) / r->accumulate)
    nc_elab_error(e, NC_E0312, k->accumulate->at, "`batch` times `accumulate` is too large");
  if (!*data) return NULL;
  r->name = k->decl->name.s;
  r->data = k->decl->source.s;
  r->seed = (uint64_t)seed;
  r->source = (*data)->spec;
  r->fields = (*data)->fields;
  r->split_by = (*data)->split_by;
  r->balance = (*data)->balance;
  for (int i = 0; i < (*data)->split.n; i++) *NC_PUSH(e->arena, r->split) = (*data)->split.at[i];
  for (int i = 0; i < r->stage.n; i++)
    if (r->stage.at[i].patience && !nc_is_validated(e, r, k->part.at[i].patience->at, "patience")) break;
  e->ema = r->ema;
  return r;
}

NcInstance *nc_train_model(NcElab *e, const NcTrainKeys *k, bool *named) {
  NcInfo *info = nc_map_get(&e->user->decl, k->decl->name.s);
  *named = info || !k->steps_in_turn || k->decl->list.n;   // else the name is just that of the steps together
  if (!*named) return NULL;
  if (!info || (info->decl->kind != NC_D_MODEL && info->decl->kind != NC_D_LAYER)) {
    NC_VEC(const char *) names = {0};
    for (int i = 0; i < e->user->file->decl.n; i++)
      if (e->user->file->decl.at[i]->kind == NC_D_MODEL) *NC_PUSH(e->arena, names) = e->user->file->decl.at[i]->name.s;
    nc_suggest(e, nc_elab_error(e, NC_E0301, k->decl->name.at, "there is no `model %s`", k->decl->name.s),
               k->decl->name.s, names.at, names.n);
    return NULL;
  }
  const NcDecl *d = k->decl;
  NcActual *arg = NC_NEW_N(e->arena, NcActual, d->list.n + 1);
  for (int i = 0; i < d->list.n; i++)
    arg[i] = (NcActual){d->list.at[i].name.s, d->list.at[i].name.at, nc_expr(e, d->list.at[i].e)};
  for (int i = 0; i < d->list.n; i++)
    if (arg[i].v.kind == NC_V_POISON) return NULL;
  NcValue f = nc_bind_hyper(e, info, d->name.at, d->list.n, arg);
  return f.kind == NC_V_POISON ? NULL : nc_instance(e, f.fn, info, NULL, d->name.at);
}

// What is told of validations in a row has to know which value of them: the first thing that asks for it.
static bool follows(const NcTrainKeys *k, const NcRecipe *r, const char **what, NcRange *at) {
  bool plateau = r->plateau.n > 0;
  *what = plateau ? "plateau" : "patience";
  if (plateau) *at = r->plateau.at[0].at;
  else if (k->patience) *at = k->patience->at;
  return plateau || k->patience;
}

// best(accuracy), max(accuracy), min(error): the metric, and which values of it are better. best: as its name tells.
static const NcExpr *kept(const NcExpr *x, int *direction) {
  static const struct { const char *name; int direction; } form[] = {{"best", 0}, {"max", 1}, {"min", -1}};
  *direction = 0;
  if (!x || x->kind != NC_X_CALL || x->a->kind != NC_X_NAME || x->list.n != 1 || x->list.at[0].name.s) return x;
  for (size_t i = 0; i < sizeof form / sizeof *form; i++)
    if (strcmp(x->a->name.s, form[i].name) == 0) {
      *direction = form[i].direction;
      return x->list.at[0].e;
    }
  return x;
}

// keep = accuracy, or keep = "accuracy"; losses and errors are better when small, the rest when large.
bool nc_recipe_keep(NcElab *e, const NcTrainKeys *k, NcRecipe *r) {
  static const char *const small[] = {"loss", "mse", "mae", "rmse", "perplexity", "cross_entropy", "bce_logits",
                                      "kl", "nll", "huber", "hinge"};
  r->keep = k->steps_in_turn ? NULL : "loss";   // losses that pull at each other tell of no best
  const char *what;
  NcRange at;
  int direction;
  const NcExpr *keep = kept(k->keep, &direction);
  if (!keep && !r->keep && follows(k, r, &what, &at)) {
    NcMessage *m = nc_elab_error(e, NC_E0312, at, "`%s` follows the metric that is kept, and there is none", what);
    nc_help(e->diag, m, "name one: `keep = accuracy`, or the loss of a step by the step's name");
    return false;
  }
  if (!keep && !r->keep) return true;
  if (keep && keep->kind == NC_X_NAME) r->keep = keep->name.s;
  else if (keep && !nc_expr_text(e, keep, &r->keep)) return false;
  bool known = strcmp(r->keep, "loss") == 0;
  for (int i = 0; i < r->metrics.n; i++) known = known || strcmp(r->metrics.at[i], r->keep) == 0;
  if (!known) {
    nc_suggest(e,
               nc_elab_error(e, NC_E0312, keep->at, "`keep` must be `loss` or a metric, and `%s` is none", r->keep),
               r->keep, r->metrics.at, r->metrics.n);
    return false;
  }
  r->keep_max = true;
  for (size_t i = 0; i < sizeof small / sizeof *small; i++)
    if (strcmp(small[i], r->keep) == 0) r->keep_max = false;
  if (direction) r->keep_max = direction > 0;
  return true;
}

// ---- graphs ----

static const char *called(const NcExpr *x) {   // what a metric is called: accuracy(…) is "accuracy"
  while (x)
    switch (x->kind) {
      case NC_X_CALL: x = x->a; break;
      case NC_X_PIPE: x = x->b; break;
      case NC_X_NAME: return x->name.s;
      case NC_X_FIELD: return x->name.s;
      default: return "metric";
    }
  return "metric";
}

static bool scalar_output(NcElab *e, const char *name, NcValue v, NcRange at) {
  NcTensor *t = nc_to_tensor(e, v, at, NULL);
  if (!t) return false;
  if (t->rank) {
    NcMessage *m = nc_elab_error(e, NC_E0202, at, "`%s` must be one number, but this is %s", name, nc_t_describe(e, t));
    nc_help(e->diag, m, "take its mean: `mean(…)`");
    return false;
  }
  t = nc_t_cast(e, at, t, NC_F32);
  if (t) nc_graph_output(e->graph, name, t->node);
  return t != NULL;
}

static bool is_taken(const NcElab *e, const NcTrainKeys *k, const char *name) {
  bool taken = nc_graph_find_output(e->graph, name) != NULL || strcmp(name, "loss") == 0;
  for (int i = 0; k->steps_in_turn && i < k->part.n; i++) taken = taken || strcmp(k->part.at[i].name, name) == 0;
  return taken;
}

static bool metrics(NcElab *e, const NcTrainKeys *k, const NcExpr *x, NcRecipe *r, bool first) {
  if (!x) return true;
  if (x->kind != NC_X_LIST && x->kind != NC_X_TUPLE) {
    nc_help(e->diag, nc_elab_error(e, NC_E0312, x->at, "metrics stand in a list"), "write `[…]` around them");
    return false;
  }
  bool ok = true;
  for (int i = 0; i < x->list.n; i++) {
    const NcArg *a = &x->list.at[i];
    const char *base = a->name.s ? a->name.s : called(a->e), *name = base;
    NcValue v = nc_expr(e, a->e);
    for (int n = 2; is_taken(e, k, name); n++) name = nc_sprintf(e->arena, "%s_%d", base, n);
    ok = v.kind != NC_V_POISON && scalar_output(e, name, v, a->e->at) && ok;
    if (first) *NC_PUSH(e->arena, r->metrics) = name;
  }
  return ok;
}

// The prelude's function that this calls with `n` arguments and nothing that changes what it computes; NULL: something else.
static const char *plain_call(const NcElab *e, const NcExpr *x, int n) {
  if (!x || x->kind != NC_X_CALL || x->a->kind != NC_X_NAME || x->list.n != n) return NULL;
  for (int i = 0; i < n; i++)
    if (x->list.at[i].name.s) return NULL;
  return nc_map_has(&e->user->decl, x->a->name.s) ? NULL : x->a->name.s;
}

// The loss that is nothing but a call of one of the prelude's, of outputs and what they should be, or its mean.
static const char *plain_loss(const NcElab *e, const NcTrainKeys *k) {
  const NcExpr *x = k->steps_in_turn ? NULL : k->part.at[0].loss;
  const char *mean = plain_call(e, x, 1);
  return plain_call(e, mean && strcmp(mean, "mean") == 0 ? x->list.at[0].e : x, 2);
}

void nc_output_value(NcElab *e, const char *name, NcValue v) {
  if (v.kind == NC_V_TENSOR) nc_graph_output(e->graph, name, v.t->node);
  for (int i = 0; (v.kind == NC_V_TUPLE || v.kind == NC_V_LIST) && i < v.list.n; i++)
    nc_output_value(e, v.list.name && v.list.name[i] ? v.list.name[i] : nc_sprintf(e->arena, "%s_%d", name, i),
                    v.list.item[i]);
}


// Inputs of a training graph beside the data: `step` counts all updates and moves random numbers; `iteration` counts
// those of a stage, for schedules; `micro` the small batches of an update.
NcTensor *nc_counter(NcElab *e, const char *name) {
  return nc_t(e, NC_NOWHERE, nc_input(e->graph, NC_NOWHERE, name, (NcType){.dtype = NC_I32}), 0, NULL);
}

static void begin_graph(NcElab *e, const char *name, const NcTrainKeys *k, const NcRecipe *r, bool training) {
  e->graph = nc_graph_new(e->arena, e->diag, name);
  e->training = training;
  e->averaged = !training && e->ema > 0;
  e->iteration = e->moment = e->micro = NULL;
  if (!training) return;
  NcTensor *step = nc_counter(e, "step");
  e->iteration = k->stages ? nc_counter(e, "iteration") : step;
  e->moment = k->stages ? step : NULL;
  if (r->accumulate == 1) return;
  e->micro = nc_counter(e, "micro");
  NcTensor *many = nc_t_const(e, NC_NOWHERE, NC_I32, (double)r->accumulate);
  e->moment = nc_arith(e, NC_NOWHERE, "add", nc_arith(e, NC_NOWHERE, "mul", step, many), e->micro);
}

typedef struct { NcElab *e; const NcTrainKeys *k; NcDataset *ds; NcRecipe *r; } Build;

// The loss of a part, in a scope of its own, with the part's `let`s. It is the output `name`.
static NcTensor *part_loss(Build *b, const NcTrainPart *p, const char *name) {
  NcElab *e = b->e;
  int used = 0;
  NcFrame f = *e->frame;
  f.scope = nc_scope(e, e->frame->scope);
  f.up = e->frame->up;
  if (p->at && b->k->steps_in_turn) {   // two steps draw different numbers
    f.site = nc_hash64(f.site, p->name, strlen(p->name));
    f.randoms = &used;
  }
  NcFrame *outer = e->frame;
  e->frame = &f;
  for (int i = 0; p->at && i < p->at->body->stmt.n; i++)
    if (p->at->body->stmt.at[i]->kind == NC_S_LET) nc_let(e, p->at->body->stmt.at[i]);
  NcValue v = p->loss ? nc_expr(e, p->loss) : nc_v_poison();
  NcTensor *t = v.kind == NC_V_POISON ? NULL : nc_to_tensor(e, v, p->loss->at, NULL);
  if (t && name && !scalar_output(e, name, v, p->loss->at)) t = NULL;
  e->frame = outer;
  return t;
}

// The losses of all steps, by their names, and their sum as the loss.
static bool all_losses(Build *b, bool output) {
  NcElab *e = b->e;
  if (!b->k->steps_in_turn) return part_loss(b, &b->k->part.at[0], output ? "loss" : NULL) != NULL;
  NcTensor *sum = NULL;
  bool ok = true;
  for (int i = 0; i < b->k->part.n; i++) {
    NcTensor *t = part_loss(b, &b->k->part.at[i], output ? b->k->part.at[i].name : NULL);
    ok = ok && t;
    sum = sum && t ? nc_arith(e, b->k->decl->at, "add", sum, t) : t;
  }
  return ok && (!output || scalar_output(e, "loss", nc_v_tensor(b->k->decl->at, sum), b->k->decl->at));
}

static bool all_metrics(Build *b, bool first) {
  bool ok = metrics(b->e, b->k, b->k->metrics, b->r, first);
  return metrics(b->e, b->k, b->k->log, b->r, first) && ok;
}

static bool predict_body(Build *b) {
  NcElab *e = b->e;
  bool ok = all_losses(b, false);
  if (ok && e->watched.kind == NC_V_POISON)
    nc_elab_error(e, NC_E0310, b->k->part.at[0].loss->at, "the loss does not use the model `%s`", e->watch->name);
  nc_output_value(e, "output", e->watched);
  return ok;
}

static bool train_body(Build *b, const NcOptimize *o) {
  const NcTrainPart *p = o->part;
  const char *name = b->k->steps_in_turn ? p->name : "loss";
  bool leads = p == b->k->part.at || b->k->stages;   // metrics are told once for a batch
  NcTensor *t = part_loss(b, p, name);
  bool ok = !leads || all_metrics(b, p == b->k->part.at && !o->gather);   // an error in the loss hides none in them
  ok = ok && t;
  nc_optimize(b->e, o, ok ? t : NULL);
  if (ok) nc_assign_all(b->e);
  return ok;
}

// One graph of the train block: a part's training (`o`), else prediction by the model that is watched, else evaluation.
static NcGraph *build(Build *b, const char *name, const NcOptimize *o, NcInstance *watch) {
  NcElab *e = b->e;
  int used = 0, errors = e->diag->errors;
  if (!nc_only(e, b->k, o ? o->part->only : NULL)) return NULL;
  begin_graph(e, name, b->k, b->r, o != NULL);
  NcScope *fields = nc_scope(e, NULL);
  if (!nc_dataset_bind(e, b->ds, fields)) return NULL;
  NcFrame f = {.up = e->frame, .module = e->user, .scope = nc_scope(e, fields), .inst = e->root, .site = nc_hash64(5,
               "train", 5), .randoms = &used};
  e->frame = &f;
  e->models = true;
  e->watch = watch;
  e->watched = nc_v_poison();
  for (int i = 0; i < b->k->decl->body->stmt.n; i++)
    if (b->k->decl->body->stmt.at[i]->kind == NC_S_LET) nc_let(e, b->k->decl->body->stmt.at[i]);
  if (o) train_body(b, o);
  else if (watch) predict_body(b);
  else if (all_losses(b, true)) all_metrics(b, false);
  e->watch = NULL;
  e->models = false;
  e->averaged = false;
  e->frame = f.up;
  nc_calls_keep(e);
  return e->diag->errors == errors ? nc_graph_prune(e->graph) : NULL;
}

static int stretches(const NcRecipe *r) { return r->recompute < INT32_MAX ? (int)r->recompute : INT32_MAX; }

// The graph of a part, and the one that gathers gradients for it.
static bool build_part(Build *b, const NcStage *s, int i, NcProgram *p) {
  NcElab *e = b->e;
  const NcTrainPart *part = &b->k->part.at[i];
  const char *dot = part->name ? "." : "", *name = part->name ? part->name : "";
  NcUpdate u = {.name = part->name, .purpose = nc_sprintf(e->arena, "step%s%s", dot, name),
                .gather_purpose = nc_sprintf(e->arena, "gather%s%s", dot, name)};
  NcOptimize o = {.part = part, .accumulate = b->r->accumulate, .ema = b->r->ema};
  e->total_steps = updates(b->r, s, b->ds);
  int vars = e->var.n;
  if (!(u.graph = build(b, u.purpose, &o, NULL))) return false;
  for (int k = 0; k < e->var.n; k++) {
    NcVar *v = e->var.at[k];
    v->averaging = v->averaging || (v->graph && v->average && nc_is_trained(e, v));
    if (k >= vars && b->k->stages && strcmp(v->pub.kind, "opt") == 0) v->pub.stage = i + 1;
  }
  o.gather = true;
  if (b->r->accumulate > 1 && !(u.gather = build(b, u.gather_purpose, &o, NULL))) return false;
  u.graph->stretches = stretches(b->r);
  if (u.gather) u.gather->stretches = u.graph->stretches;
  *NC_PUSH(e->arena, p->update) = u;
  return true;
}

bool nc_train_graphs(NcElab *e, NcProgram *p, const NcTrainKeys *k, NcDataset *ds, NcInstance *model) {
  Build b = {e, k, ds, p->recipe};
  e->recipe = p->recipe;
  p->recipe->loss = plain_loss(e, k);
  if (ds->where && !(p->recipe->where = nc_dataset_where(e, ds))) return false;
  for (int i = 0; k->steps_in_turn && i < k->part.n; i++) *NC_PUSH(e->arena, p->recipe->metrics) = k->part.at[i].name;
  for (int i = 0; i < p->recipe->stage.n; i++) {
    const NcStage *s = &p->recipe->stage.at[i];
    for (int n = 0; n < s->parts; n++)
      if (!build_part(&b, s, s->first + n, p)) return false;
  }
  p->step = p->update.at[0].graph;
  e->rows = !model;
  e->evaluation = true;
  p->eval = build(&b, "eval", NULL, NULL);
  e->evaluation = false;
  if (!p->eval || !nc_part_overall(e, &p->eval, &p->finish)) return false;
  e->rows = true;
  if (model) p->predict = build(&b, "predict", NULL, model);
  e->rows = false;
  return p->predict || !model;
}
