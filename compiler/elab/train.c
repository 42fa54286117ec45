// train blocks: the recipe, and the graphs of training, evaluation and prediction.
#include "elab/recipe.h"
#include <string.h>

// ---- keys ----

typedef struct { const char *name; size_t at; } KeyRow;
#define KEY(k) {#k, offsetof(NcTrainKeys, k)}
static const KeyRow key_rows[] = {
  KEY(loss), KEY(metrics), KEY(log), KEY(optimizer), KEY(keep), KEY(batch), KEY(epochs), KEY(steps), KEY(seed),
};
enum { KEYS = sizeof key_rows / sizeof *key_rows };
static const char *const later[] = {"accumulate", "ema", "checkpoint", "only", "patience", "precision"};

// Settings that people look for in `train` although they belong elsewhere. set: for --set, what stands before the value.
static const struct { const char *name, *help, *set; } elsewhere[] = {
  {"learning_rate", "it belongs to the optimizer: `optimizer = adam(1e-3)`", "adam("},
  {"lr", "it belongs to the optimizer: `optimizer = adam(1e-3)`", "adam("},
  {"momentum", "it belongs to the optimizer: `optimizer = sgd(0.1, momentum = 0.9)`", "sgd(0.1, momentum = "},
  {"weight_decay", "it belongs to the optimizer: `optimizer = adamw(1e-3, weight_decay = 0.01)`",
   "adamw(1e-3, weight_decay = "},
  {"betas", "they belong to the optimizer: `optimizer = adam(1e-3, betas = (0.9, 0.999))`", "adam(1e-3, betas = "},
  {"clip", "it belongs to the optimizer: `optimizer = adam(1e-3, clip = 1.0)`", "adam(1e-3, clip = "},
  {"split", "it belongs to `data`: `split = (train = 0.9, valid = 0.1)`", NULL},
  {"source", "it belongs to `data`", NULL},
  {"metric", "did you mean `metrics = […]`?", NULL},
};

const char *nc_train_set_help(NcElab *e, const NcSet *s) {
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (elsewhere[i].set && strncmp(s->path, "train.", 6) == 0 && strcmp(s->path + 6, elsewhere[i].name) == 0)
      return nc_sprintf(e->arena, "it belongs to the optimizer: `--set 'train.optimizer=%s%s)'`", elsewhere[i].set, s->value);
  return NULL;
}

static bool unknown_key(NcElab *e, const NcStmt *s) {
  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    if (strcmp(later[i], s->name.s) == 0) {
      nc_elab_error(e, NC_E0110, s->name.at, "the setting `%s` is not supported yet", s->name.s);
      return false;
    }
  NcMessage *m = nc_elab_error(e, NC_E0311, s->name.at, "`train` has no setting `%s`", s->name.s);
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (strcmp(elsewhere[i].name, s->name.s) == 0) {
      nc_help(e->diag, m, "%s", elsewhere[i].help);
      return false;
    }
  const char *names[KEYS];
  for (int i = 0; i < KEYS; i++) names[i] = key_rows[i].name;
  nc_suggest(e, m, s->name.s, names, KEYS);
  return false;
}

static const NcExpr **slot(NcTrainKeys *k, const char *name) {
  for (int i = 0; i < KEYS; i++)
    if (strcmp(key_rows[i].name, name) == 0) return (const NcExpr **)((char *)k + key_rows[i].at);
  return NULL;
}

bool nc_train_keys(NcElab *e, const NcDecl *d, NcTrainKeys *out) {
  *out = (NcTrainKeys){.decl = d};
  bool ok = true;
  for (int i = 0; i < d->body->stmt.n; i++) {
    const NcStmt *s = d->body->stmt.at[i];
    if (s->kind == NC_S_LET) continue;
    if (s->kind != NC_S_KEY) {
      if (s->kind != NC_S_BAD)
        nc_elab_error(e, NC_E0110, s->at, "`%s` in `train` is not supported yet", nc_stmt_word(s->kind));
      ok = false;
      continue;
    }
    const NcExpr **p = slot(out, s->name.s);
    if (!p) ok = unknown_key(e, s);
    else if (*p) ok = nc_elab_error(e, NC_E0302, s->name.at, "`%s` is set twice", s->name.s) == NULL;
    else *p = s->e;
  }
  for (int i = 0; i < KEYS; i++) {
    const char *path = nc_sprintf(e->arena, "train.%s", key_rows[i].name);
    *NC_PUSH(e->arena, e->set_known) = path;
    const NcExpr *set = nc_set_for(e, path, strcmp(key_rows[i].name, "keep") == 0);
    if (set) *slot(out, key_rows[i].name) = set;
  }
  if (!out->loss) {
    nc_help(e->diag, nc_elab_error(e, NC_E0310, d->at, "`train %s` has no loss", d->name.s),
            "for example `loss = cross_entropy(%s(x), label)`", d->name.s);
    ok = false;
  }
  if (!out->optimizer) {
    nc_help(e->diag, nc_elab_error(e, NC_E0310, d->at, "`train %s` has no optimizer", d->name.s),
            "for example `optimizer = adam(1e-3)`");
    ok = false;
  }
  if (!out->epochs && !out->steps) {
    nc_help(e->diag, nc_elab_error(e, NC_E0310, d->at, "`train %s` does not say how long", d->name.s),
            "for example `epochs = 10`, or `steps = 5000`");
    ok = false;
  }
  return ok;
}

// ---- recipe ----

static void whole(NcElab *e, const NcExpr *x, const char *key, int64_t least, int64_t fallback, int64_t *out) {
  *out = fallback;
  NcSize s;
  if (!x || !nc_expr_int(e, x, &s)) return;
  if (s.value >= least && s.value <= (int64_t)1 << 40) *out = s.value;
  else
    nc_elab_error(e, NC_E0312, x->at, "`%s` must be %lld or more, not %lld", key, (long long)least, (long long)s.value);
}

static const NcInfo *find_data(NcElab *e, const NcDecl *d) {
  const NcInfo *info = nc_map_get(&e->user->decl, nc_sprintf(e->arena, "data %s", d->source.s));
  if (info) return info;
  NC_VEC(const char *) names = {0};
  for (int i = 0; i < e->user->file->decl.n; i++)
    if (e->user->file->decl.at[i]->kind == NC_D_DATA && e->user->file->decl.at[i]->name.s)
      *NC_PUSH(e->arena, names) = e->user->file->decl.at[i]->name.s;
  nc_suggest(e, nc_elab_error(e, NC_E0301, d->source.at, "there is no `data %s`", d->source.s), d->source.s, names.at,
             names.n);
  return NULL;
}

NcRecipe *nc_recipe(NcElab *e, const NcTrainKeys *k, NcDataset **data) {
  NcRecipe *r = NC_NEW(e->arena, NcRecipe);
  const NcInfo *info = find_data(e, k->decl);
  *data = info ? nc_dataset(e, info, k->decl->source.at) : NULL;
  int64_t seed;
  whole(e, k->batch, "batch", 1, 32, &r->batch);   // what is wrong with a number hides no other error
  whole(e, k->epochs, "epochs", 1, 0, &r->epochs);
  whole(e, k->steps, "steps", 1, 0, &r->steps);
  whole(e, k->seed, "seed", 0, 1, &seed);
  if (!*data) return NULL;
  r->name = k->decl->name.s;
  r->data = k->decl->source.s;
  r->seed = (uint64_t)seed;
  r->source = (*data)->spec;
  r->fields = (*data)->fields;
  for (int i = 0; i < (*data)->split.n; i++) *NC_PUSH(e->arena, r->split) = (*data)->split.at[i];
  e->total_steps = r->steps;
  if (!r->steps && __builtin_mul_overflow(r->epochs, nc_dataset_train_examples(*data) / r->batch, &e->total_steps))
    e->total_steps = 0;
  return r;
}

NcInstance *nc_train_model(NcElab *e, const NcTrainKeys *k) {
  NcInfo *info = nc_map_get(&e->user->decl, k->decl->name.s);
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

// keep = accuracy, or keep = "accuracy"; losses and errors are better when small, the rest when large.
bool nc_recipe_keep(NcElab *e, const NcTrainKeys *k, NcRecipe *r) {
  static const char *const small[] = {"loss", "mse", "mae", "rmse", "perplexity", "cross_entropy", "bce_logits",
                                      "kl", "nll", "huber", "hinge"};
  r->keep = "loss";
  if (k->keep && k->keep->kind == NC_X_NAME) r->keep = k->keep->name.s;
  else if (k->keep && !nc_expr_text(e, k->keep, &r->keep)) return false;
  bool known = strcmp(r->keep, "loss") == 0;
  for (int i = 0; i < r->metrics.n; i++) known = known || strcmp(r->metrics.at[i], r->keep) == 0;
  if (!known) {
    nc_suggest(e,
               nc_elab_error(e, NC_E0312, k->keep->at, "`keep` must be `loss` or a metric, and `%s` is none", r->keep),
               r->keep, r->metrics.at, r->metrics.n);
    return false;
  }
  r->keep_max = true;
  for (size_t i = 0; i < sizeof small / sizeof *small; i++)
    if (strcmp(small[i], r->keep) == 0) r->keep_max = false;
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

static bool metrics(NcElab *e, const NcExpr *x, NcRecipe *r, bool first) {
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
    for (int k = 2; nc_graph_find_output(e->graph, name); k++) name = nc_sprintf(e->arena, "%s_%d", base, k);
    ok = v.kind != NC_V_POISON && scalar_output(e, name, v, a->e->at) && ok;
    if (first) *NC_PUSH(e->arena, r->metrics) = name;
  }
  return ok;
}

void nc_output_value(NcElab *e, const char *name, NcValue v) {
  if (v.kind == NC_V_TENSOR) nc_graph_output(e->graph, name, v.t->node);
  for (int i = 0; (v.kind == NC_V_TUPLE || v.kind == NC_V_LIST) && i < v.list.n; i++)
    nc_output_value(e, v.list.name && v.list.name[i] ? v.list.name[i] : nc_sprintf(e->arena, "%s_%d", name, i),
                    v.list.item[i]);
}

NcGraph *nc_pruned(NcElab *e, NcGraph *g) { return g ? nc_graph_rewrite(g, e->arena, NULL, NULL, NULL) : NULL; }

static void begin_graph(NcElab *e, const char *name, bool training) {
  e->graph = nc_graph_new(e->arena, e->diag, name);
  e->training = training;
  e->iteration = NULL;
  if (training) e->iteration = nc_t(e, NC_NOWHERE, nc_input(e->graph, NC_NOWHERE, "step", (NcType){.dtype = NC_I32}),
                                                                                                   0, NULL);
}

NcGraph *nc_train_graph(NcElab *e, const char *name, const NcTrainKeys *k, NcDataset *ds, NcRecipe *r, bool training,
                        NcInstance *watch) {
  int used = 0, errors = e->diag->errors;
  begin_graph(e, name, training);
  NcScope *fields = nc_scope(e, NULL);
  if (!nc_dataset_bind(e, ds, fields)) return NULL;
  NcFrame f = {.up = e->frame, .module = e->user, .scope = nc_scope(e, fields), .inst = e->root, .site = nc_hash64(5,
               "train", 5), .randoms = &used};
  e->frame = &f;
  e->models = true;
  e->watch = watch;
  e->watched = nc_v_poison();
  for (int i = 0; i < k->decl->body->stmt.n; i++)
    if (k->decl->body->stmt.at[i]->kind == NC_S_LET) nc_let(e, k->decl->body->stmt.at[i]);
  NcValue loss = nc_expr(e, k->loss);
  NcTensor *t = loss.kind == NC_V_POISON ? NULL : nc_to_tensor(e, loss, k->loss->at, NULL);
  if (watch) {
    if (t && e->watched.kind == NC_V_POISON)
      nc_elab_error(e, NC_E0310, k->loss->at, "the loss does not use the model `%s`", watch->name);
    nc_output_value(e, "output", e->watched);
  } else {
    bool ok = t && scalar_output(e, "loss", loss, k->loss->at);
    ok = metrics(e, k->metrics, r, training) && ok;
    ok = metrics(e, k->log, r, training) && ok;
    if (training) nc_optimize(e, k->optimizer, ok ? t : NULL);
    if (ok) nc_assign_all(e);
  }
  e->watch = NULL;
  e->models = false;
  e->frame = f.up;
  return e->diag->errors == errors ? nc_pruned(e, e->graph) : NULL;
}
