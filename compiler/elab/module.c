// Files and names: declarations of the prelude and of the user, scopes, constants, and settings from outside.
#include "elab/elab.h"
#include "front/parse.h"
#include <math.h>
#include <string.h>

const char *nc_name(NcElab *e, const char *s) { return nc_intern(&e->names, s, strlen(s)); }

// ---- scopes ----

NcScope *nc_scope(NcElab *e, NcScope *up) {
  NcScope *s = NC_NEW(e->arena, NcScope);
  s->up = up;
  return s;
}

bool nc_scope_bind(NcElab *e, NcScope *s, const char *name, NcRange at, NcValue v) {
  for (const NcLocal *b = s->last; b; b = b->before)
    if (b->name == name) {
      NcMessage *m = nc_elab_error(e, NC_E0302, at, "`%s` is declared twice", name);
      nc_elab_label(e, m, b->at, "first here");
      return false;
    }
  NcLocal *b = NC_NEW(e->arena, NcLocal);
  *b = (NcLocal){.before = s->last, .name = name, .value = v, .at = at};
  s->last = b;
  return true;
}

NcLocal *nc_lookup_local(NcScope *s, const char *name) {
  for (; s; s = s->up)
    for (NcLocal *b = s->last; b; b = b->before)
      if (b->name == name) return b;
  return NULL;
}

// ---- declarations ----

NcInfo *nc_find_decl(NcElab *e, const NcModule *m, const char *name) {
  NcInfo *i = m ? nc_map_get(&m->decl, name) : NULL;
  return i ? i : nc_prelude(e, name);
}

static void note_set_path(NcElab *e, const char *path) { *NC_PUSH(e->arena, e->set_known) = path; }

// Values from --set stand where the declaration's own would.
static void apply_sets(NcElab *e, NcInfo *info) {
  const NcDecl *d = info->decl;
  info->set = NC_NEW_N(e->arena, const NcExpr *, d->hyper.n + 1);
  if (d->kind == NC_D_CONST) {
    note_set_path(e, d->name.s);
    info->set[0] = nc_set_for(e, d->name.s, d->e && d->e->kind == NC_X_STR);
  }
  if (d->kind == NC_D_WEIGHTS) {
    note_set_path(e, d->name.s);
    info->set[0] = nc_set_for(e, d->name.s, true);
  }
  if (d->kind != NC_D_MODEL && d->kind != NC_D_DATA && d->kind != NC_D_TASK) return;
  for (int i = 0; i < d->hyper.n; i++) {
    const NcFormal *h = &d->hyper.at[i];
    const char *path = nc_sprintf(e->arena, "%s.%s", d->name.s, h->name.s);
    bool is_text =
        (h->kind.s && strcmp(h->kind.s, "str") == 0) || (!h->kind.s && h->value && h->value->kind == NC_X_STR);
    note_set_path(e, path);
    info->set[i] = nc_set_for(e, path, is_text);
  }
}

static void declare(NcElab *e, NcModule *m, const NcDecl *d) {
  if (!d->name.s || d->kind == NC_D_TRAIN || d->kind == NC_D_TEST || d->kind == NC_D_IMPORT) return;
  NcInfo *old = nc_map_get(&m->decl, d->name.s);
  // data and a model, or data and a layer, may share a name: data is looked for on its own
  const char *key = d->kind == NC_D_DATA ? nc_name(e, nc_sprintf(e->arena, "data %s", d->name.s)) : d->name.s;
  if (d->kind == NC_D_DATA) old = nc_map_get(&m->decl, key);
  if (old) {
    NcMessage *msg = nc_elab_error(e, NC_E0302, d->name.at, "`%s` is declared twice", d->name.s);
    nc_elab_label(e, msg, old->decl->name.at, "first here");
    return;
  }
  NcInfo *info = NC_NEW(e->arena, NcInfo);
  info->decl = d;
  info->module = m;
  apply_sets(e, info);
  nc_map_set(&m->decl, key, info);
}

NcModule *nc_load(NcElab *e, const char *name, const char *text, size_t size) {
  NcModule *m = NC_NEW(e->arena, NcModule);
  m->name = nc_strdup(e->arena, name);
  m->decl = m->import = NC_MAP(e->arena);
  int errors = e->diag->errors;
  m->file = nc_parse(e->arena, e->diag, &e->names, nc_diag_source(e->diag, name, text, size));
  m->broken = e->diag->errors > errors;
  *NC_PUSH(e->arena, e->modules) = m;
  for (int i = 0; i < m->file->decl.n; i++) declare(e, m, m->file->decl.at[i]);
  return m;
}

void nc_load_imports(NcElab *e, NcModule *m, int depth) {
  for (int i = 0; i < m->file->decl.n; i++) {
    const NcDecl *d = m->file->decl.at[i];
    if (d->kind != NC_D_IMPORT) continue;
    size_t size = 0;
    const char *text = NULL;
    if (depth > 16) nc_elab_error(e, NC_E0307, d->at, "imports are nested too deeply; does a file import itself?");
    else if (!e->opt->hooks.import) nc_elab_error(e, NC_E0308, d->path_at, "files cannot be imported here");
    else text = e->opt->hooks.import(e->opt->hooks.ctx, e->diag, d->path_at, d->path, m->name, &size);
    if (!text) continue;
    NcModule *other = nc_load(e, d->path, text, size);
    nc_map_set(&m->import, d->name.s, other);
    nc_load_imports(e, other, depth + 1);
  }
}

NcValue nc_const_value(NcElab *e, NcInfo *info, NcRange at) {
  if (info->graph == e->graph && info->graph) return info->value;
  if (info->busy) {
    nc_elab_error(e, NC_E0307, at, "the constant `%s` uses itself", info->decl->name.s);
    return nc_v_poison();
  }
  int used = 0;
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .pure = true, .call = at,
               .site = nc_hash64(7, info->decl->name.s, strlen(info->decl->name.s)), .randoms = &used, .inst = e->root};
  struct NcScan *scan = e->scan;
  NcTensor *turn = e->turn;
  info->busy = true;
  e->frame = &f;
  e->scan = NULL;   // it is the same in all turns
  e->turn = NULL;
  NcValue v = nc_expr(e, info->set[0] ? info->set[0] : info->decl->e);
  if (v.kind == NC_V_INT) {
    NcOrigin *o = NC_NEW(e->arena, NcOrigin);
    *o = (NcOrigin){.name = info->decl->name.s, .at = info->decl->at};
    v.size.from = o;
  }
  e->frame = f.up;
  e->scan = scan;
  e->turn = turn;
  info->busy = false;
  info->graph = e->graph;
  info->value = v;
  return v;
}

static NcValue decl_value(NcElab *e, NcInfo *info, NcRange at) {
  const NcDecl *d = info->decl;
  switch (d->kind) {
    case NC_D_CONST: return nc_const_value(e, info, at);
    case NC_D_MODEL:
      if (e->models && !e->as_layer && !info->module->prelude) {
        NcInstance *i = nc_model_instance(e, info, at);
        return i ? (NcValue){.kind = NC_V_INSTANCE, .at = at, .inst = i} : nc_v_poison();
      }  // fall through
    case NC_D_FN:
    case NC_D_LAYER: {
      NcFn *fn = NC_NEW(e->arena, NcFn);
      *fn = (NcFn){.info = info, .bound = d->hyper.n == 0 && !d->has_hyper, .at = at};
      return (NcValue){.kind = NC_V_FN, .at = at, .fn = fn};
    }
    case NC_D_TASK:
      nc_help(e->diag, nc_elab_error(e, NC_E0306, at, "`%s` is a task: it is run, not called", d->name.s),
              "what tasks share belongs into a `fn`");
      return nc_v_poison();
    default:
      nc_elab_error(e, NC_E0110, at, "`%s` is not supported yet", nc_decl_word(d->kind));
      return nc_v_poison();
  }
}

NcValue nc_module_member(NcElab *e, const NcModule *m, const NcName *n) {
  NcInfo *info = nc_map_get(&m->decl, n->s);
  if (info) return decl_value(e, info, n->at);
  NcMessage *msg = nc_elab_error(e, NC_E0301, n->at, "\"%s\" declares no `%s`", m->name, n->s);
  NC_VEC(const char *) names = {0};
  for (int i = 0; i < m->decl.cap; i++)
    if (m->decl.slot[i].key) *NC_PUSH(e->arena, names) = m->decl.slot[i].key;
  nc_suggest(e, msg, n->s, names.at, names.n);
  return nc_v_poison();
}

// ---- names ----

static bool given(NcElab *e, const char *name, NcRange at, NcValue *out) {   // values that the compiler provides
  if (strcmp(name, "training") == 0) *out = nc_v_bool(at, e->training);
  else if (strcmp(name, "inf") == 0) *out = nc_v_float(at, INFINITY);
  else if (strcmp(name, "nan") == 0) *out = nc_v_float(at, NAN);
  else if (strcmp(name, "pi") == 0) *out = nc_v_float(at, acos(-1));
  else if (strcmp(name, "iteration") == 0 && e->iteration) *out = nc_v_tensor(at, e->iteration);
  else if (strcmp(name, "gradient_norm") == 0 && e->grad_norm) *out = nc_v_tensor(at, e->grad_norm);
  else if (strcmp(name, "total_steps") == 0) {
    if (e->total_steps) *out = nc_v_int(at, nc_size(e->total_steps));
    else {
      nc_help(e->diag, nc_elab_error(e, NC_E0212, at, "the number of steps is not known at compile time"),
              "say it in `train`: `steps = 10000`");
      *out = nc_v_poison();
    }
  } else return false;
  return true;
}

static NcValue unknown(NcElab *e, const NcName *n) {
  NC_VEC(const char *) names = {0};
  for (NcScope *s = e->frame->scope; s; s = s->up)
    for (const NcLocal *b = s->last; b; b = b->before) *NC_PUSH(e->arena, names) = b->name;
  const NcMap *maps[2] = {e->frame->module ? &e->frame->module->decl : NULL, &e->prelude->decl};
  for (int k = 0; k < 2; k++)
    for (int i = 0; maps[k] && i < maps[k]->cap; i++)
      if (maps[k]->slot[i].key && !strchr(maps[k]->slot[i].key, ' ')) *NC_PUSH(e->arena, names) = maps[k]->slot[i].key;
  const char *b;
  for (int i = 0; (b = nc_builtin_at(i)); i++) *NC_PUSH(e->arena, names) = b;
  nc_suggest(e, nc_elab_error(e, NC_E0301, n->at, "unknown name `%s`", n->s), n->s, names.at, names.n);
  return nc_v_poison();
}

NcValue nc_lookup(NcElab *e, const NcName *n) {
  NcLocal *local = nc_lookup_local(e->frame->scope, n->s);
  if (local) {
    if (local->value.kind == NC_V_TENSOR && local->value.t->graph != e->graph) {
      nc_elab_error(e, NC_E0306, n->at, "`%s` is a tensor of the computation: an initial value cannot depend on it",
                    n->s);
      return nc_v_poison();
    }
    return local->var ? nc_v_tensor(local->value.at, nc_scan_state_read(e, local)) : local->value;
  }
  NcInfo *info = e->frame->module ? nc_map_get(&e->frame->module->decl, n->s) : NULL;
  if (info) return decl_value(e, info, n->at);
  NcModule *import = e->frame->module ? nc_map_get(&e->frame->module->import, n->s) : NULL;
  if (import) return (NcValue){.kind = NC_V_MODULE, .at = n->at, .module = import};
  NcValue v;
  if (given(e, n->s, n->at, &v)) return v;
  if ((info = nc_prelude(e, n->s))) return decl_value(e, info, n->at);
  const NcBuiltin *b = nc_builtin(e, n->s);
  if (b) {
    NcBound *bound = NC_NEW(e->arena, NcBound);
    *bound = (NcBound){.builtin = b, .nshape = -1};
    return (NcValue){.kind = NC_V_BUILTIN, .at = n->at, .bound = bound};
  }
  NcInfo *data = e->frame->module ? nc_map_get(&e->frame->module->decl, nc_sprintf(e->arena, "data %s", n->s)) : NULL;
  if (data) return (NcValue){.kind = NC_V_DATA, .at = n->at, .info = data};
  return unknown(e, n);
}

// Whether a name could mean anything, were it looked up in the user's file.
void nc_name_must_exist(NcElab *e, const NcName *n) {
  static const char *const given_later[] = {"training", "inf", "nan", "pi", "iteration", "gradient_norm",
                                            "total_steps"};
  const NcModule *m = e->user;
  bool known = nc_find_decl(e, m, n->s) || nc_map_has(&m->import, n->s) || nc_builtin(e, n->s) ||
               nc_map_has(&m->decl, nc_sprintf(e->arena, "data %s", n->s));
  for (size_t i = 0; i < sizeof given_later / sizeof *given_later; i++)
    known = known || strcmp(given_later[i], n->s) == 0;
  if (!known) unknown(e, n);
}

// ---- settings from outside ----

static const NcExpr *text_expr(NcElab *e, const NcSet *s) {
  NcExpr *x = NC_NEW(e->arena, NcExpr);
  x->kind = NC_X_STR;
  x->at = s->at;
  x->s = nc_strdup(e->arena, s->value);
  x->depth = 1;
  return x;
}

const NcExpr *nc_set_for(NcElab *e, const char *path, bool is_text) {
  const NcExpr *x = NULL;
  for (int i = 0; i < e->opt->nset; i++) {
    const NcSet *s = &e->opt->set[i];
    if (strcmp(s->path, path) != 0) continue;
    e->set_used[i] = true;
    if (is_text) x = text_expr(e, s);
    else
      x = nc_parse_expr(e->arena, e->diag, &e->names,
                        nc_diag_source(e->diag, s->shown ? s->shown : nc_sprintf(e->arena, "--set %s", path), s->value,
                                       strlen(s->value)));
  }
  return x;
}

void nc_set_finish(NcElab *e) {
  for (int i = 0; i < e->opt->nset; i++) {
    const NcSet *s = &e->opt->set[i];
    if (e->set_used[i]) continue;
    NcMessage *m = nc_elab_error(e, NC_E0703, s->at, "there is nothing called `%s` to set", s->path);
    const char *near = nc_nearest(s->path, e->set_known.at, e->set_known.n);
    const char *elsewhere = nc_train_set_help(e, s);
    if (elsewhere) nc_help(e->diag, m, "%s", elsewhere);
    else if (near) nc_help(e->diag, m, "did you mean `--set %s=%s`?", near, s->value);
    NcBuf b = NC_BUF(e->arena);
    for (int k = 0; k < e->set_known.n; k++) nc_putf(&b, "%s%s", k ? ", " : "", e->set_known.at[k]);
    if (e->set_known.n) nc_note(e->diag, m, "it can be one of: %s", nc_buf_str(&b));
  }
}
