// data blocks: a source and its fields, and the tensors derived from them on the device.
#include "elab/recipe.h"
#include <string.h>

static NcFrame data_frame(NcElab *e, const NcInfo *info, NcScope *scope, int *used) {
  return (NcFrame){.up = e->frame, .module = info->module, .scope = scope, .pure = true, .inst = e->root,
                   .site = nc_hash64(17, info->decl->name.s, strlen(info->decl->name.s)), .randoms = used};
}

static void bind_hypers(NcElab *e, const NcDataset *ds, NcScope *scope) {
  const NcDecl *d = ds->info->decl;
  for (int i = 0; i < d->hyper.n; i++)
    nc_scope_bind(e, scope, d->hyper.at[i].name.s, d->hyper.at[i].name.at, ds->fn->hyper[i]);
}

// ---- source ----

// A bare word in a source's settings is a text: tokens = chars. So is a word with a text, bpe("tokenizer.json"): it
// becomes "bpe:tokenizer.json".
static NcValue setting_value(NcElab *e, const NcExpr *x) {
  if (x->kind == NC_X_CALL && x->a->kind == NC_X_NAME && !strcmp(x->a->name.s, "bpe") && x->list.n == 1 &&
      !nc_lookup_local(e->frame->scope, "bpe") && !nc_map_has(&e->frame->module->decl, "bpe")) {
    const char *s;
    return nc_expr_text(e, x->list.at[0].e, &s) ? nc_v_str(x->at, nc_sprintf(e->arena, "bpe:%s", s)) : nc_v_poison();
  }
  if (x->kind == NC_X_NAME && !nc_lookup_local(e->frame->scope, x->name.s)) {
    const NcInfo *i = nc_map_get(&e->frame->module->decl, x->name.s);
    if (!i || i->decl->kind != NC_D_CONST) return nc_v_str(x->at, x->name.s);
  }
  return nc_expr(e, x);
}

static bool fill_setting(NcElab *e, NcSetting *s, const NcValue *v) {
  switch (v->kind) {
    case NC_V_INT: s->kind = NC_SET_INT; s->i = v->size.value; return true;
    case NC_V_FLOAT: s->kind = NC_SET_FLOAT; s->f = v->f; return true;
    case NC_V_BOOL: s->kind = NC_SET_BOOL; s->b = v->b; return true;
    case NC_V_STR: s->kind = NC_SET_STR; s->s = v->s; return true;
    case NC_V_LIST: {
      const char **text = NC_NEW_N(e->arena, const char *, v->list.n + 1);
      bool all = true;
      for (int i = 0; i < v->list.n; i++) {
        all = all && v->list.item[i].kind == NC_V_STR;
        text[i] = all ? v->list.item[i].s : NULL;
      }
      s->kind = NC_SET_STRS;
      s->strs = text;
      s->n = v->list.n;
      if (all) return true;
    }  // fall through
    default:
      if (v->kind != NC_V_POISON)
        nc_elab_error(e, NC_E0312, s->at, "a source's setting cannot be %s", nc_v_describe(e, v));
      return false;
  }
}

static const NcExpr *chosen(NcElab *e, const NcExpr *x) {   // through `if`, decided now
  while (x && x->kind == NC_X_IF) {
    bool yes;
    if (!nc_truth(e, nc_expr(e, x->a), x->a->at, &yes)) return NULL;
    const NcBlock *b = yes ? x->body : x->other;
    const NcExpr *last = NULL;
    for (int i = 0; b && i < b->stmt.n; i++)
      if (b->stmt.at[i]->kind == NC_S_EXPR) last = b->stmt.at[i]->e;
    if (!last) {
      nc_elab_error(e, NC_E0312, x->at, "this branch names no source");
      return NULL;
    }
    x = last;
  }
  return x;
}

static NcSourceSpec *source(NcElab *e, const NcExpr *x) {
  x = chosen(e, x);
  if (!x || x->kind == NC_X_BAD) return NULL;
  if (x->kind != NC_X_CALL || x->a->kind != NC_X_NAME) {
    nc_help(e->diag, nc_elab_error(e, NC_E0312, x->at, "a source is written as a call"),
            "for example `csv(\"iris.csv\", label = \"species\")`");
    return NULL;
  }
  NcSetting *s = NC_NEW_N(e->arena, NcSetting, x->list.n + 1);
  bool ok = true;
  for (int i = 0; i < x->list.n; i++) {
    const NcArg *a = &x->list.at[i];
    s[i] = (NcSetting){.name = a->name.s, .name_at = a->name.at, .at = a->e->at};
    NcValue v = setting_value(e, a->e);
    ok = fill_setting(e, &s[i], &v) && ok;
  }
  NcSourceSpec *spec = NC_NEW(e->arena, NcSourceSpec);
  *spec = (NcSourceSpec){.kind = x->a->name.s, .at = x->at, .kind_at = x->a->at, .setting = s, .settings = x->list.n};
  return ok ? spec : NULL;
}

static bool split(NcElab *e, NcDataset *ds, const NcExpr *x) {
  NcValue v = nc_expr(e, x);
  if (v.kind == NC_V_POISON) return false;
  bool ok = v.kind == NC_V_TUPLE && v.list.name;
  double sum = 0;
  for (int i = 0; ok && i < v.list.n; i++) {
    NcSplitPart p = {.name = v.list.name[i], .at = x->list.n > i ? x->list.at[i].at : x->at};
    const NcValue *n = &v.list.item[i];
    ok = p.name && nc_v_number(n, &p.fraction) && p.fraction > 0;
    if (!ok) break;
    if (n->kind == NC_V_INT && n->size.value > 1) p.count = n->size.value, p.fraction = 0;   // a number of examples
    sum += p.fraction;
    if (strcmp(p.name, "train") && strcmp(p.name, "valid") && strcmp(p.name, "test")) {
      static const char *const names[] = {"train", "valid", "test"};
      nc_suggest(e,
                 nc_elab_error(e, NC_E0311, p.at, "a part of the data is `train`, `valid` or `test`, not `%s`", p.name),
                 p.name, names, 3);
      return false;
    }
    *NC_PUSH(e->arena, ds->split) = p;
  }
  if (ok && sum <= 1 + 1e-9) return true;
  NcMessage *m = ok ? nc_elab_error(e, NC_E0312, x->at, "the parts of the data add up to %g", sum)
                    : nc_elab_error(e, NC_E0312, x->at, "`split` names parts, and their fractions or numbers of examples");
  nc_help(e->diag, m, "for example `split = (train = 0.8, valid = 0.1, test = 0.1)`");
  return false;
}

// Where the training part lies among all examples, as fractions.
static void train_part(const NcDataset *ds, double part[2]) {
  part[0] = 0;
  part[1] = ds->split.n ? 0 : 1;
  for (int i = 0; i < ds->split.n; i++) {
    part[0] = part[1];
    part[1] += ds->split.at[i].fraction;
    if (strcmp(ds->split.at[i].name, "train") == 0) return;
  }
  if (ds->split.n) part[0] = part[1];
}

static bool is_reserved(const char *s) {
  static const char *const settings[] = {"source", "split", "where", "split_by", "balance"};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (strcmp(s, settings[i]) == 0) return true;
  return false;
}

// split_by = label, balance = label: a raw field with one value for each example, named; `order` is none but may be split by.
static bool by_field(NcElab *e, const NcDataset *ds, const NcExpr *x, const char *key, const char **out) {
  bool balance = strcmp(key, "balance") == 0;
  *out = NULL;
  if (!x) return true;
  if (x->kind == NC_X_NAME) *out = x->name.s;
  else if (!nc_expr_text(e, x, out)) return false;
  if (ds->fields.windows.span) {
    nc_elab_error(e, NC_E0312, x->at, "`%s` chooses among examples, but windows over time are cut from all of it, in their order", key);
    return false;
  }
  if (!balance && strcmp(*out, "order") == 0) return true;
  const char **name = NC_NEW_N(e->arena, const char *, ds->fields.n + 1);
  int n = 0;
  for (int i = 0; i < ds->fields.n; i++) {
    const NcField *f = &ds->fields.at[i];
    if (f->shape.rank || (balance && f->classes == 0)) continue;
    if (strcmp(f->name, *out) == 0) return true;
    name[n++] = f->name;
  }
  NcBuf all = NC_BUF(e->arena);
  for (int i = 0; i < n; i++) nc_putf(&all, ", `%s`", name[i]);
  NcMessage *m = nc_elab_error(e, NC_E0312, x->at, "`%s` is no field of %s of this source", *out,
                               balance ? "labels" : "one number or label");
  if (balance) nc_help(e->diag, m, n ? "it has %s" : "it has none%s", n ? nc_buf_str(&all) + 2 : "");
  else nc_help(e->diag, m, "it may be `order`, that of the source%s", nc_buf_str(&all));
  return false;
}

static bool open_data(NcElab *e, NcDataset *ds) {
  const NcDecl *d = ds->info->decl;
  NcValue f = nc_bind_hyper(e, ds->info, d->name.at, 0, NULL);
  if (f.kind == NC_V_POISON) return false;
  ds->fn = f.fn;
  int used = 0;
  NcFrame frame = data_frame(e, ds->info, nc_scope(e, NULL), &used);
  e->frame = &frame;
  bind_hypers(e, ds, frame.scope);
  const NcExpr *split_by = NULL, *balance = NULL;
  bool ok = true;
  for (int i = 0; i < d->body->stmt.n; i++) {
    const NcStmt *s = d->body->stmt.at[i];
    if (s->kind != NC_S_KEY) {
      if (s->kind == NC_S_STAGE || s->kind == NC_S_STEP)
        ok = nc_elab_error(e, NC_E0306, s->at, "`%s` belongs to `train`", nc_stmt_word(s->kind)) == NULL;
      continue;
    }
    if (strcmp(s->name.s, "source") == 0) ok = (ds->spec = source(e, s->e)) != NULL && ok;
    if (strcmp(s->name.s, "where") == 0) ds->where = s->e;
    if (strcmp(s->name.s, "split_by") == 0) split_by = s->e;
    if (strcmp(s->name.s, "balance") == 0) balance = s->e;
    if (strcmp(s->name.s, "split") == 0 && !split(e, ds, s->e)) ds->split.n = 0;   // an error there hides no other
  }
  e->frame = frame.up;
  if (ok && !ds->spec) {
    nc_help(e->diag, nc_elab_error(e, NC_E0310, d->at, "`data %s` has no source", d->name.s),
            "for example `source = csv(\"iris.csv\", label = \"species\")`");
    return false;
  }
  if (!ok) return false;
  if (!e->opt->hooks.describe) {
    nc_elab_error(e, NC_E0306, ds->spec->at, "data cannot be looked at here");
    return false;
  }
  train_part(ds, ds->spec->train);
  if (!e->opt->hooks.describe(e->opt->hooks.ctx, e->diag, ds->spec, &ds->fields)) return false;
  if (!by_field(e, ds, split_by, "split_by", &ds->split_by) || !by_field(e, ds, balance, "balance", &ds->balance)) return false;
  if (!ds->where) return true;
  ds->fields.examples = -1;   // how many are left shows when they are looked at
  if (!ds->fields.windows.span) return true;
  nc_elab_error(e, NC_E0312, ds->where->at, "`where` chooses examples, but windows over time are cut from all of it");
  return false;
}

NcDataset *nc_dataset(NcElab *e, NcInfo *info, NcRange at) {
  const char *name = info->decl->name.s;
  NcDataset *ds = nc_map_get(&e->datasets, name);
  (void)at;
  if (!ds) {
    ds = NC_NEW(e->arena, NcDataset);
    ds->info = info;
    nc_map_set(&e->datasets, name, ds);
    ds->failed = true;   // a source that uses its own data would come back here
    ds->failed = !open_data(e, ds);
  }
  return ds->failed ? NULL : ds;
}

int64_t nc_dataset_train_examples(const NcDataset *ds) {
  for (int i = 0; i < ds->split.n; i++)
    if (strcmp(ds->split.at[i].name, "train") == 0 && ds->split.at[i].count) return ds->split.at[i].count;
  if (ds->fields.examples <= 0) return 0;
  double part[2];
  train_part(ds, part);
  const NcWindows *w = &ds->fields.windows;
  int64_t n = w->span ? w->positions : ds->fields.examples, mine = nc_cut(n, part[1]) - nc_cut(n, part[0]);
  return w->span ? nc_windows_in(w, mine) : mine;
}

// ---- fields ----

static NcTensor *field_input(NcElab *e, const NcField *f, NcRange at) {
  NcType t = {.dtype = f->dtype};
  NcSize dim[NC_MAX_RANK] = {nc_size_symbol(&e->sizes, "B", e->batch)};
  if (f->shape.rank >= NC_MAX_RANK) return NULL;
  for (int i = 0; i < f->shape.rank; i++) dim[i + 1] = nc_size(f->shape.dim[i]);
  if (!nc_t_shape(e, at, f->shape.rank + 1, dim, &t.shape)) return NULL;
  return nc_t(e, at, nc_input(e->graph, at, f->name, t), f->shape.rank + 1, dim);
}

bool nc_dataset_bind(NcElab *e, NcDataset *ds, NcScope *scope) {
  const NcDecl *d = ds->info->decl;
  int used = 0;
  NcFrame frame = data_frame(e, ds->info, scope, &used);
  e->frame = &frame;
  bind_hypers(e, ds, scope);
  const char *batch = nc_name(e, "B");   // the size of a batch, for noise of its own: randn[B, 64]
  if (!nc_lookup_local(scope, batch))
    nc_scope_bind(e, scope, batch, d->at, nc_v_int(d->at, nc_size_symbol(&e->sizes, "B", e->batch)));
  for (int i = 0; i < ds->fields.n; i++) {
    const NcField *f = &ds->fields.at[i];
    nc_scope_bind(e, scope, nc_name(e, f->name), ds->spec->at,
                  nc_v_tensor(ds->spec->at, field_input(e, f, ds->spec->at)));
  }
  bool ok = true;
  for (int i = 0; i < d->body->stmt.n; i++) {
    const NcStmt *s = d->body->stmt.at[i];
    if (s->kind == NC_S_LET) ok = nc_let(e, s) && ok;
    if (s->kind != NC_S_KEY || is_reserved(s->name.s)) continue;
    NcValue v = nc_expr(e, s->e);
    NcLocal *old = nc_lookup_local(scope, s->name.s);
    ok = ok && v.kind != NC_V_POISON;
    if (old) old->value = v;   // x = x / 255 may take a raw field's name
    else nc_scope_bind(e, scope, s->name.s, s->name.at, v);
  }
  e->frame = frame.up;
  return ok;
}

// where = label < 5: a graph of raw fields that tells for each example of a batch whether it counts.
NcGraph *nc_dataset_where(NcElab *e, NcDataset *ds) {
  int used = 0, errors = e->diag->errors;
  e->graph = nc_graph_new(e->arena, e->diag, "where");
  e->training = false;
  e->iteration = NULL;
  NcScope *scope = nc_scope(e, NULL);
  if (!nc_dataset_bind(e, ds, scope)) return NULL;
  NcFrame frame = data_frame(e, ds->info, scope, &used);
  e->frame = &frame;
  NcValue v = nc_expr(e, ds->where);
  NcTensor *t = v.kind == NC_V_POISON ? NULL : nc_to_tensor(e, v, ds->where->at, NULL);
  if (t && (t->rank != 1 || t->node->type.dtype != NC_BOOL || t->node->type.shape.dim[0] != e->batch))
    nc_help(e->diag, nc_elab_error(e, NC_E0312, ds->where->at, "`where` must be bool[B], one truth value for each example, not %s",
                                   nc_t_describe(e, t)), "for example `where = label < 5`");
  else if (t) nc_graph_output(e->graph, "where", t->node);
  e->frame = frame.up;
  return e->diag->errors == errors ? nc_graph_prune(e->graph) : NULL;
}

// A series' mean or standard deviation: a number, or a vector where x has several columns.
static bool statistic(NcElab *e, const NcDataset *ds, const char *name, NcRange at, NcValue *out) {
  static const struct { const char *name, *field; bool std; } members[] = {
    {"mean", "x", false}, {"std", "x", true}, {"target_mean", "target", false}, {"target_std", "target", true}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    for (int k = 0; strcmp(name, members[i].name) == 0 && k < ds->fields.n; k++) {
      const NcField *f = &ds->fields.at[k];
      const double *v = members[i].std ? f->std : f->mean;
      if (strcmp(f->name, members[i].field) != 0 || !v) continue;
      NcSize columns = nc_size(f->columns);
      NcType t = {NC_F32, NC_SHAPE(f->columns)};
      *out = f->columns == 1 ? nc_v_float(at, v[0])
                             : nc_v_tensor(at, nc_t(e, at, nc_table(e->graph, at, t, v), 1, &columns));
      return true;
    }
  return false;
}

bool nc_data_member(NcElab *e, NcInfo *info, const char *name, NcRange at, NcValue *out) {
  NcDataset *ds = nc_dataset(e, info, at);
  *out = nc_v_poison();
  if (!ds) return true;
  const NcDecl *d = info->decl;
  for (int i = 0; i < d->hyper.n; i++)
    if (strcmp(d->hyper.at[i].name.s, name) == 0) { *out = ds->fn->hyper[i]; return true; }
  if (strcmp(name, "classes") == 0 || strcmp(name, "vocabulary") == 0)
    for (int i = 0; i < ds->fields.n; i++)
      if (ds->fields.at[i].classes > 0) { *out = nc_v_int(at, nc_size(ds->fields.at[i].classes)); return true; }
  if (strcmp(name, "examples") == 0 && ds->fields.examples > 0) {
    *out = nc_v_int(at, nc_size(ds->fields.examples));
    return true;
  }
  if (strcmp(name, "examples") == 0 && ds->where) {
    NcMessage *m = nc_elab_error(e, NC_E0212, at, "how many examples `where` leaves of `%s` is not known before they are read", d->name.s);
    nc_elab_label(e, m, ds->where->at, "they are chosen here");
    return true;
  }
  return statistic(e, ds, name, at, out);
}
