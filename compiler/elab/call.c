// Calls: arguments to hyperparameters and tensors; functions are inlined.
#include "elab/elab.h"
#include <string.h>

enum { DEEPEST_CALL = 100 };

static const char *kind_of(const NcDecl *d) { return d->kind == NC_D_FN ? "function" : nc_decl_word(d->kind); }

// ---- hyperparameters ----

typedef struct { const char *name; NcValueKind kind; const char *word; } KindRow;
static const KindRow kinds[] = {
  {"int", NC_V_INT, "an integer"}, {"float", NC_V_FLOAT, "a number"}, {"bool", NC_V_BOOL, "true or false"},
  {"str", NC_V_STR, "a text"},
};

static bool fit_kind(NcElab *e, const NcFormal *h, const char *of, NcValue *v, NcRange at) {
  if (v->kind == NC_V_INT) {
    NcOrigin *o = NC_NEW(e->arena, NcOrigin);
    *o = (NcOrigin){.name = h->name.s, .at = at};
    if (!v->size.from) v->size.from = o;
  }
  for (size_t i = 0; h->kind.s && i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, h->kind.s) != 0) continue;
    if (v->kind == NC_V_INT && kinds[i].kind == NC_V_FLOAT) *v = nc_v_float(v->at, (double)v->size.value);
    if (v->kind == kinds[i].kind) return true;
    if (v->kind != NC_V_POISON)
      nc_elab_error(e, v->kind == NC_V_TENSOR ? NC_E0212 : NC_E0205, at, "`%s` of `%s` must be %s, not %s", h->name.s,
                    of, kinds[i].word, nc_v_describe(e, v));
    return false;
  }
  return v->kind != NC_V_POISON;
}

static int find_hyper(const NcDecl *d, const char *name) {
  for (int i = 0; i < d->hyper.n; i++)
    if (d->hyper.at[i].name.s == name) return i;
  return -1;
}

static void unknown_argument(NcElab *e, const NcDecl *d, const NcActual *a) {
  NcMessage *m =
      nc_elab_error(e, NC_E0303, a->name_at, "the %s `%s` has no argument `%s`", kind_of(d), d->name.s, a->name);
  NC_VEC(const char *) names = {0};
  for (int i = 0; i < d->hyper.n; i++) *NC_PUSH(e->arena, names) = d->hyper.at[i].name.s;
  for (int i = 0; i < d->tensor.n; i++) *NC_PUSH(e->arena, names) = d->tensor.at[i].name.s;
  nc_suggest(e, m, a->name, names.at, names.n);
}

// For calls that elaboration does not come across: whether an argument's name is one of the declaration's.
void nc_argument_must_exist(NcElab *e, const NcDecl *d, const NcName *n) {
  for (int i = 0; i < d->tensor.n; i++)
    if (d->tensor.at[i].name.s == n->s) return;
  if (find_hyper(d, n->s) < 0) unknown_argument(e, d, &(NcActual){.name = n->s, .name_at = n->at});
}

// Puts actual arguments beside formal ones. `given[i]` stays NULL where nothing was given.
static bool match(NcElab *e, const NcDecl *d, NcRange at, int n, const NcActual *arg, const NcActual **given) {
  int next = 0;
  for (int i = 0; i < n; i++) {
    int k = arg[i].name ? find_hyper(d, arg[i].name) : next++;
    if (arg[i].name && k < 0) { unknown_argument(e, d, &arg[i]); return false; }
    if (k >= d->hyper.n) {
      NcMessage *m = nc_elab_error(e, NC_E0305, at, "the %s `%s` takes %d hyperparameter%s", kind_of(d), d->name.s,
                                   d->hyper.n, d->hyper.n == 1 ? "" : "s");
      if (d->tensor.n) nc_help(e->diag, m, "tensors come in a second pair of parentheses: `%s(…)(x)`", d->name.s);
      return false;
    }
    if (given[k]) {
      nc_elab_error(e, NC_E0305, arg[i].v.at, "`%s` is given twice", d->hyper.at[k].name.s);
      return false;
    }
    given[k] = &arg[i];
  }
  return true;
}

static bool missing(NcElab *e, const NcDecl *d, NcRange at, int i) {
  const NcFormal *h = &d->hyper.at[i];
  NcMessage *m = nc_elab_error(e, NC_E0304, at, "the %s `%s` needs `%s`", kind_of(d), d->name.s, h->name.s);
  nc_help(e->diag, m, "give it: `%s(%s = …)`", d->name.s, h->name.s);
  return false;
}

// Fills value[] in a scope of its own, since a default may use the hyperparameters before it.
static bool fill(NcElab *e, const NcInfo *info, NcRange at, const NcActual **given, NcValue *value) {
  const NcDecl *d = info->decl;
  bool ok = true;
  int used = 0;
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .pure = true, .call = at,
               .randoms = &used, .inst = e->frame->inst};
  for (int i = 0; i < d->hyper.n; i++) {
    const NcFormal *h = &d->hyper.at[i];
    const NcExpr *set = info->set[i];
    if (!set && !given[i] && !h->value) { ok = missing(e, d, at, i); continue; }
    if (!set && given[i]) value[i] = given[i]->v;
    else {
      e->frame = &f;
      value[i] = nc_expr(e, set ? set : h->value);
      e->frame = f.up;
    }
    ok = fit_kind(e, h, d->name.s, &value[i], value[i].at.file ? value[i].at : at) && ok;
    nc_scope_bind(e, f.scope, h->name.s, h->name.at, value[i]);
  }
  return ok;
}

NcValue nc_bind_hyper(NcElab *e, NcInfo *info, NcRange at, int n, const NcActual *arg) {
  const NcDecl *d = info->decl;
  const NcActual **given = NC_NEW_N(e->arena, const NcActual *, d->hyper.n + 1);
  NcValue *value = NC_NEW_N(e->arena, NcValue, d->hyper.n + 1);
  if (!match(e, d, at, n, arg, given) || !fill(e, info, at, given, value)) return nc_v_poison();
  NcFn *fn = NC_NEW(e->arena, NcFn);
  *fn = (NcFn){.info = info, .bound = true, .hyper = value, .at = at};
  return (NcValue){.kind = NC_V_FN, .at = at, .fn = fn};
}

// ---- tensors ----

static bool match_tensors(NcElab *e, const NcDecl *d, NcRange at, int n, const NcActual *arg, NcValue *value) {
  bool given[64] = {0};
  int next = 0, want = d->tensor.n < 64 ? d->tensor.n : 64;
  for (int i = 0; i < n; i++) {
    int k = next;
    if (!arg[i].name) next++;
    else {
      for (k = 0; k < want && d->tensor.at[k].name.s != arg[i].name; k++) {}
      if (k == want) { unknown_argument(e, d, &arg[i]); return false; }
    }
    if (k >= want || given[k]) {
      nc_elab_error(e, NC_E0305, at, "the %s `%s` takes %d tensor%s, but %d are given", kind_of(d), d->name.s, want,
                    want == 1 ? "" : "s", n);
      return false;
    }
    given[k] = true;
    value[k] = arg[i].v;
  }
  for (int k = 0; k < want; k++)
    if (!given[k]) {
      NcMessage *m = nc_elab_error(e, NC_E0304, at, "the %s `%s` needs the tensor `%s`", kind_of(d), d->name.s,
                                   d->tensor.at[k].name.s);
      if (d->has_hyper && n == 0) nc_help(e->diag, m, "apply it: `x |> %s(…)`", d->name.s);
      else if (d->kind == NC_D_LAYER && n == 0)
        nc_help(e->diag, m, "to make one before it is called, declare it with a pair of parentheses more: `layer %s()(…)`", d->name.s);
      return false;
    }
  return true;
}

// Evaluates the body of a function or layer where its arguments are bound. `inst` owns its parameters.
NcValue nc_inline(NcElab *e, NcInstance *inst, const NcFn *fn, NcRange at, int n, const NcActual *arg) {
  const NcInfo *info = fn->info;
  const NcDecl *d = info->decl;
  if (e->dead) return nc_v_poison();
  if (e->frame->depth >= DEEPEST_CALL) {
    nc_elab_error(e, NC_E0307, at, "`%s` uses itself, or calls are nested more than %d deep", d->name.s, DEEPEST_CALL);
    e->dead = true;
    return nc_v_poison();
  }
  NcValue *value = NC_NEW_N(e->arena, NcValue, d->tensor.n + 1);
  if (!match_tensors(e, d, at, n, arg, value)) return nc_v_poison();
  bool pure = d->kind == NC_D_FN || d->kind == NC_D_TASK;
  fn->info->called = true;
  NcFrame f = {.up = e->frame,
               .module = info->module,
               .scope = nc_scope(e, NULL),
               .info = info,
               .inst = inst,
               .pure = pure,
               .call = at,
               .turn = pure ? e->frame->turn : 0,
               .site = e->frame->site,
               .randoms = e->frame->randoms,
               .depth = e->frame->depth + 1};
  for (int i = 0; i < d->hyper.n; i++)
    if (fn->bound && fn->hyper) nc_scope_bind(e, f.scope, d->hyper.at[i].name.s, d->hyper.at[i].name.at, fn->hyper[i]);
  const char *as = e->as;
  e->as = NULL;
  e->frame = &f;
  bool ok = true;
  int call = nc_call_begins(e, inst, info);
  for (int i = 0; i < d->tensor.n; i++) {
    NcValue v = nc_check_type(e, d->tensor.at[i].type, value[i], d->tensor.at[i].name.s, d->name.s);
    ok = ok && v.kind != NC_V_POISON;
    nc_scope_bind(e, f.scope, d->tensor.at[i].name.s, d->tensor.at[i].name.at, v);
  }
  NcValue r = ok ? nc_block(e, d->body) : nc_v_poison();
  if (r.kind != NC_V_POISON && d->result) r = nc_check_type(e, d->result, r, NULL, d->name.s);
  nc_call_ends(e, call, &r);
  e->frame = f.up;
  e->as = as;
  return r;
}

// ---- calls ----

static bool tensor_like(const NcValue *v) {
  if (v->kind == NC_V_TENSOR) return true;
  for (int i = 0; (v->kind == NC_V_TUPLE || v->kind == NC_V_LIST) && i < v->list.n; i++)
    if (tensor_like(&v->list.item[i])) return true;
  return false;
}

// f(x, smoothing = 0.1): with a tensor among the arguments without names, those go to the tensors and names may be of
// both.
static NcValue call_directly(NcElab *e, const NcFn *fn, NcRange at, int n, const NcActual *arg) {
  const NcDecl *d = fn->info->decl;
  NcActual *hyper = NC_NEW_N(e->arena, NcActual, n + 1), *tensor = NC_NEW_N(e->arena, NcActual, n + 1);
  int nh = 0, nt = 0;
  for (int i = 0; i < n; i++) {
    if (arg[i].name && find_hyper(d, arg[i].name) >= 0) hyper[nh++] = arg[i];
    else tensor[nt++] = arg[i];
  }
  const void *site = e->site;
  NcValue f = nc_bind_hyper(e, fn->info, at, nh, hyper);
  e->site = site;
  return f.kind == NC_V_POISON ? f : nc_call(e, f, at, nt, tensor);
}

// A function without tensors, such as a schedule that each weight's update asks for, is the same wherever it is called, unless
// it draws random numbers.
static NcValue call_constant(NcElab *e, const NcFn *fn, NcRange at) {
  NcInfo *info = fn->info;
  int n = info->decl->hyper.n, drawn = e->frame->randoms ? *e->frame->randoms : 0;
  for (int i = 0; i < info->memo.n; i++) {
    const NcMemo *m = &info->memo.at[i];
    bool same = nc_memo_holds(e, m);
    for (int k = 0; same && k < n; k++) same = nc_same_value(&m->arg[k], &fn->hyper[k]);
    if (same) return m->result;
  }
  NcValue v = nc_inline(e, e->frame->inst, fn, at, 0, NULL);
  bool fixed = !e->frame->randoms || *e->frame->randoms == drawn;
  if (fixed && v.kind != NC_V_POISON)
    *NC_PUSH(e->arena, info->memo) = nc_memo(e, n, fn->hyper, v);
  return v;
}

static NcValue call_fn(NcElab *e, NcValue f, NcRange at, int n, const NcActual *arg) {
  const NcDecl *d = f.fn->info->decl;
  if (!f.fn->bound) {
    bool direct = n == 0 ? false : !d->has_hyper;
    for (int i = 0; i < n; i++) direct = direct || (!arg[i].name && tensor_like(&arg[i].v));
    return direct ? call_directly(e, f.fn, at, n, arg) : nc_bind_hyper(e, f.fn->info, at, n, arg);
  }
  if (d->kind == NC_D_FN && d->tensor.n == 0 && n == 0) return call_constant(e, f.fn, at);
  if (d->kind == NC_D_FN) return nc_inline(e, e->frame->inst, f.fn, at, n, arg);
  NcInstance *i = nc_instance(e, f.fn, e->site, NULL, at);
  return i ? nc_call_instance(e, i, at, n, arg) : nc_v_poison();
}

NcValue nc_call(NcElab *e, NcValue f, NcRange at, int n, const NcActual *arg) {
  if (f.kind == NC_V_POISON) return f;
  for (int i = 0; i < n; i++)
    if (arg[i].v.kind == NC_V_POISON) return nc_v_poison();
  switch (f.kind) {
    case NC_V_FN: return call_fn(e, f, at, n, arg);
    case NC_V_INSTANCE: return nc_call_instance(e, f.inst, at, n, arg);
    case NC_V_BUILTIN: return nc_call_builtin(e, f.bound, at, n, arg);
    case NC_V_PATTERN: {
      NcValue v[8];
      for (int i = 0; i < n && i < 8; i++) v[i] = arg[i].v;
      if (f.pattern->kind == NC_X_REARRANGE && n == 1) return nc_rearrange(e, f.pattern, at, v[0]);
      if (f.pattern->kind == NC_X_EINSUM && n == f.pattern->list.n && n <= 8) return nc_einsum(e, f.pattern, at, n, v);
      nc_elab_error(e, n < f.pattern->list.n ? NC_E0304 : NC_E0305, at, "this `%s` takes %d tensor%s, not %d",
                    nc_expr_word(f.pattern->kind), f.pattern->list.n, f.pattern->list.n == 1 ? "" : "s", n);
      return nc_v_poison();
    }
    default:
      nc_elab_error(e, NC_E0205, at, "%s cannot be called", nc_v_describe(e, &f));
      return nc_v_poison();
  }
}

NcValue nc_call1(NcElab *e, NcValue f, NcRange at, NcValue x) {
  if (f.kind == NC_V_FN && !f.fn->bound) {   // x |> layer_norm: with its defaults
    const void *site = e->site;
    f = nc_bind_hyper(e, f.fn->info, at, 0, NULL);
    e->site = site;
  }
  NcActual a = {.v = x};
  return nc_call(e, f, at, 1, &a);
}
