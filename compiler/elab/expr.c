// Expressions: one function per kind of the tree, in one table.
#include "elab/tensor.h"
#include <string.h>

enum { DEEPEST = 1500, MOST_WORK = 20000000, MOST_TURNS = 100000 };

static NcValue misplaced(NcElab *e, const NcExpr *x) {
  nc_elab_error(e, NC_E0306, x->at, "`%s` is only allowed inside [ ]",
                x->kind == NC_X_SLICE    ? ".."
                : x->kind == NC_X_SPREAD ? "..."
                                         : nc_expr_word(x->kind));
  return nc_v_poison();
}

static NcValue bad(NcElab *e, const NcExpr *x) { (void)e; (void)x; return nc_v_poison(); }
static NcValue integer(NcElab *e, const NcExpr *x) { (void)e; return nc_v_int(x->at, nc_size(x->i)); }
static NcValue number(NcElab *e, const NcExpr *x) { (void)e; return nc_v_float(x->at, x->f); }
static NcValue truth(NcElab *e, const NcExpr *x) { (void)e; return nc_v_bool(x->at, x->i != 0); }
static NcValue string(NcElab *e, const NcExpr *x) { (void)e; return nc_v_str(x->at, x->s); }
static NcValue pattern(NcElab *e, const NcExpr *x) {
  (void)e;
  return (NcValue){.kind = NC_V_PATTERN, .at = x->at, .pattern = x};
}

static bool put_value(NcElab *e, NcBuf *b, const NcValue *v, NcRange at) {
  switch (v->kind) {
    case NC_V_INT: nc_putf(b, "%lld", (long long)v->size.value); return true;
    case NC_V_FLOAT: nc_put_double(b, v->f); return true;
    case NC_V_BOOL: nc_put(b, v->b ? "true" : "false"); return true;
    case NC_V_STR: nc_put(b, v->s); return true;
    case NC_V_POISON: return false;
    default: nc_elab_error(e, NC_E0205, at, "%s cannot stand in a text", nc_v_describe(e, v)); return false;
  }
}

static NcValue text(NcElab *e, const NcExpr *x) {
  NcBuf b = NC_BUF(e->arena);
  for (int i = 0; i < x->list.n; i++) {
    NcValue v = nc_expr(e, x->list.at[i].e);
    if (!put_value(e, &b, &v, x->list.at[i].at)) return nc_v_poison();
  }
  return nc_v_str(x->at, nc_buf_str(&b));
}

static NcValue name(NcElab *e, const NcExpr *x) {
  NcValue v = nc_lookup(e, &x->name);
  if (v.kind != NC_V_TENSOR) v.at = x->at;
  return v;
}

static NcValue unary(NcElab *e, const NcExpr *x) { return nc_unary(e, x->at, x->op, nc_expr(e, x->a)); }

// 1 / 255 is 0, which nobody who writes it wants.
static void mind_literals(NcElab *e, const NcExpr *x) {
  const NcExpr *a = x->a, *b = x->b;
  if (x->op != NC_B_DIV || !a || !b || a->kind != NC_X_INT || b->kind != NC_X_INT || b->i == 0 || a->i % b->i == 0)
    return;
  for (int i = 0; i < e->diag->messages.n; i++) {   // once, though elaborated more often
    const NcMessage *old = e->diag->messages.at[i];
    if (old->severity == NC_WARNING && nc_same_place(old->at, x->at)) return;
  }
  NcMessage *m =
      nc_warn(e->diag, NC_E0205, x->at, "this is a division of integers, rounded down: %lld", (long long)(a->i / b->i));
  nc_help(e->diag, m, "for the number, write `%s.0 / %s`", a->text, b->text);
}

static NcValue binary(NcElab *e, const NcExpr *x) {
  mind_literals(e, x);
  NcValue a = nc_expr(e, x->a);
  bool decided = (x->op == NC_B_AND || x->op == NC_B_OR) && a.kind == NC_V_BOOL;
  if (decided && a.b == (x->op == NC_B_OR)) return a;   // the other side is not looked at
  return nc_binary(e, x->at, x->op, a, nc_expr(e, x->b));
}

// ---- calls ----

static NcActual *actuals(NcElab *e, const NcExpr *x, int extra) {
  NcActual *arg = NC_NEW_N(e->arena, NcActual, x->list.n + extra);
  const char *as = e->as;
  e->as = NULL;   // `as` names the layer that is called, not those in its arguments
  for (int i = 0; i < x->list.n; i++) {
    const NcArg *a = &x->list.at[i];
    arg[i + extra] = (NcActual){a->name.s, a->name.at, nc_expr(e, a->e)};
  }
  e->as = as;
  return arg;
}

static NcValue callee(NcElab *e, const NcExpr *x) {
  const char *as = e->as;
  bool outer = e->as_layer;
  e->as = NULL;
  e->as_layer = as != NULL;
  NcValue f = nc_expr(e, x);
  e->as = as;
  e->as_layer = outer;
  return f;
}

static NcValue call(NcElab *e, const NcExpr *x) {
  NcValue f = callee(e, x->a);
  NcActual *arg = actuals(e, x, 0);
  e->site = x;
  return nc_call(e, f, x->at, x->list.n, arg);
}

// `x as name`: the layer that x calls or is gets this name.
static NcValue named(NcElab *e, const NcExpr *x, NcValue (*inner)(NcElab *, const NcExpr *, const NcValue *),
                     const NcValue *piped) {
  const char *outer = e->as;
  bool outer_frozen = e->as_frozen;
  const NcWeights *outer_from = e->as_from, *from = x->source.s ? nc_weights(e, &x->source) : NULL;
  if (x->source.s && !from) return nc_v_poison();
  e->as_from = from;
  e->as_from_at = x->source.at;
  e->as = x->name.s;
  e->as_frozen = x->frozen;
  NcValue v = inner(e, x->a, piped);
  if (e->as && v.kind == NC_V_FN && v.fn->info->decl->kind != NC_D_FN) {
    NcInstance *i = nc_instance(e, v.fn, x, NULL, x->at);
    v = i ? (NcValue){.kind = NC_V_INSTANCE, .at = x->at, .inst = i} : nc_v_poison();
  }
  if (e->as && v.kind != NC_V_POISON)
    nc_help(e->diag, nc_elab_error(e, NC_E0306, x->at, "`as` names a layer, but this is %s", nc_v_describe(e, &v)),
            "write `let %s = …`", x->name.s);
  e->as = outer;
  e->as_frozen = outer_frozen;
  e->as_from = outer_from;
  return v;
}

static NcValue plain(NcElab *e, const NcExpr *x, const NcValue *piped) { (void)piped; return nc_expr(e, x); }
static NcValue as(NcElab *e, const NcExpr *x) { return named(e, x, plain, NULL); }

static bool holds_tensor(const NcValue *v) {
  if (v->kind == NC_V_TUPLE || v->kind == NC_V_LIST)
    for (int i = 0; i < v->list.n; i++)
      if (holds_tensor(&v->list.item[i])) return true;
  return v->kind == NC_V_TENSOR;
}

// x |> f(a): f(a)(x) where f takes hyperparameters, else f(x, a).
static NcValue pipe_into(NcElab *e, const NcExpr *x, const NcValue *v) {
  if (x->kind == NC_X_AS) return named(e, x, pipe_into, v);
  if (x->kind != NC_X_CALL) {
    NcValue f = callee(e, x);
    e->site = x;
    return nc_call1(e, f, x->at, *v);
  }
  NcValue f = callee(e, x->a);
  NcActual *arg = actuals(e, x, 1);
  bool curried = f.kind == NC_V_FN && !f.fn->bound && f.fn->info->decl->has_hyper;
  for (int i = 0; i < x->list.n; i++) {
    if (arg[i + 1].v.kind == NC_V_POISON || f.kind == NC_V_POISON) return nc_v_poison();
    if (!arg[i + 1].name && holds_tensor(&arg[i + 1].v)) curried = false;
  }
  if (curried) f = nc_bind_hyper(e, f.fn->info, x->at, x->list.n, arg + 1);
  e->site = x;
  if (curried) return nc_call1(e, f, x->at, *v);
  arg[0] = (NcActual){.v = *v};
  return nc_call(e, f, x->at, x->list.n + 1, arg);
}

static NcValue pipe(NcElab *e, const NcExpr *x) {
  const char *outer = e->as;
  e->as = NULL;
  NcValue v = nc_expr(e, x->a);
  e->as = outer;
  if (v.kind == NC_V_POISON) return v;
  if (v.kind == NC_V_TENSOR && v.t->at.file != x->at.file) v.at = x->a->at;
  NcValue r = pipe_into(e, x->b, &v);
  if (r.kind == NC_V_TENSOR && (v.kind != NC_V_TENSOR || r.t != v.t)) {
    NcTensor *t = nc_t_copy(e, r.t);
    t->at = x->b->at;
    t->before = v.kind == NC_V_TENSOR ? v.t : NULL;
    r.t = t;
    r.at = x->b->at;
  }
  return r;
}

// ---- parts ----

static NcValue indexed(NcElab *e, const NcExpr *x) { return nc_index(e, x, callee(e, x->a)); }

static NcValue data_field(NcElab *e, const NcExpr *x, NcInfo *info) {
  NcValue v;
  if (nc_data_member(e, info, x->name.s, x->at, &v)) return v;
  nc_elab_error(e, NC_E0301, x->name.at, "the data `%s` has no `%s`", info->decl->name.s, x->name.s);
  return nc_v_poison();
}

// net.ema: the same layer with the averages of its weights.
static NcValue averages(NcElab *e, const NcExpr *x, NcInstance *inst) {
  if (e->ema > 0) return (NcValue){.kind = NC_V_INSTANCE, .at = x->at, .inst = nc_averaged(e, inst)};
  nc_help(e->diag, nc_elab_error(e, NC_E0301, x->name.at, "no averages are kept of the weights of `%s`", inst->path),
          "let `train` keep them: `ema = 0.999`");
  return nc_v_poison();
}

static NcValue instance_field(NcElab *e, const NcExpr *x, NcInstance *inst) {
  const NcDecl *d = inst->fn ? inst->fn->info->decl : NULL;
  for (int i = 0; d && inst->fn->bound && i < d->hyper.n; i++)
    if (d->hyper.at[i].name.s == x->name.s) return inst->fn->hyper[i];
  NcInstance *twin = inst;
  if (inst->average_of) inst = inst->average_of;
  if (d) nc_meet_model(e, inst);
  for (int i = 0; i < inst->child.n; i++) {
    if (strcmp(inst->child.at[i].inst->name, x->name.s) != 0) continue;
    NcInstance *found = inst->child.at[i].inst;
    return (NcValue){.kind = NC_V_INSTANCE, .at = x->at, .inst = twin->average_of ? nc_averaged(e, found) : found};
  }
  if (strcmp(x->name.s, "ema") == 0) return averages(e, x, twin);
  NcMessage *m =
      nc_elab_error(e, NC_E0301, x->name.at, "`%s` has no hyperparameter or layer `%s`", inst->path, x->name.s);
  NC_VEC(const char *) names = {0};
  for (int i = 0; d && i < d->hyper.n; i++) *NC_PUSH(e->arena, names) = d->hyper.at[i].name.s;
  for (int i = 0; i < inst->child.n; i++) *NC_PUSH(e->arena, names) = inst->child.at[i].inst->name;
  nc_suggest(e, m, x->name.s, names.at, names.n);
  return nc_v_poison();
}

static NcValue field(NcElab *e, const NcExpr *x) {
  NcValue a = callee(e, x->a);
  switch (a.kind) {
    case NC_V_POISON: return a;
    case NC_V_TUPLE:
      for (int i = 0; a.list.name && i < a.list.n; i++)
        if (a.list.name[i] && strcmp(a.list.name[i], x->name.s) == 0) return a.list.item[i];
      break;
    case NC_V_INSTANCE: return instance_field(e, x, a.inst);
    case NC_V_DATA: return data_field(e, x, a.info);
    case NC_V_MODULE: return nc_module_member(e, a.module, &x->name);
    default: break;
  }
  NcMessage *m = nc_elab_error(e, NC_E0301, x->name.at, "%s has no field `%s`", nc_v_describe(e, &a), x->name.s);
  NC_VEC(const char *) names = {0};
  for (int i = 0; a.kind == NC_V_TUPLE && a.list.name && i < a.list.n; i++)
    if (a.list.name[i]) *NC_PUSH(e->arena, names) = a.list.name[i];
  nc_suggest(e, m, x->name.s, names.at, names.n);
  return nc_v_poison();
}

static NcValue items(NcElab *e, const NcExpr *x, NcValueKind kind) {
  NcValue *v = NC_NEW_N(e->arena, NcValue, x->list.n + 1);
  const char **names = NC_NEW_N(e->arena, const char *, x->list.n + 1);
  bool any = false;
  for (int i = 0; i < x->list.n; i++) {
    v[i] = nc_expr(e, x->list.at[i].e);
    names[i] = x->list.at[i].name.s;
    any = any || names[i];
    for (int k = 0; names[i] && k < i; k++)
      if (names[k] == names[i]) {
        nc_elab_error(e, NC_E0302, x->list.at[i].name.at, "`%s` stands here twice", names[i]);
        return nc_v_poison();
      }
  }
  NcValue r = nc_v_items(e, kind, x->at, x->list.n, v);
  if (any && r.kind != NC_V_POISON) r.list.name = names;
  return r;
}

static NcValue tuple(NcElab *e, const NcExpr *x) { return items(e, x, NC_V_TUPLE); }
static NcValue list(NcElab *e, const NcExpr *x) { return items(e, x, NC_V_LIST); }

// ---- control, all of it at compile time ----

bool nc_truth(NcElab *e, NcValue v, NcRange at, bool *out) {
  if (v.kind == NC_V_BOOL) *out = v.b;
  else if (v.kind == NC_V_TENSOR)
    nc_help(e->diag, nc_elab_error(e, NC_E0212, at, "this is only known at run time: %s", nc_v_describe(e, &v)),
            "choose element by element: `where(condition, a, b)`");
  else if (v.kind != NC_V_POISON)
    nc_elab_error(e, NC_E0205, at, "a truth value is needed here, not %s", nc_v_describe(e, &v));
  return v.kind == NC_V_BOOL;
}

static NcValue condition(NcElab *e, const NcExpr *x) {
  bool yes;
  if (!nc_truth(e, nc_expr(e, x->a), x->a->at, &yes)) return nc_v_poison();
  if (yes) return nc_block(e, x->body);
  return x->other ? nc_block(e, x->other) : nc_v_items(e, NC_V_TUPLE, x->at, 0, NULL);
}

static bool carry(NcElab *e, const NcExpr *x, NcValue v, NcValue *state) {
  int n = x->list.n;
  if (v.kind == NC_V_POISON) return false;
  if (n == 1) { state[0] = v; return true; }
  if (v.kind != NC_V_TUPLE || v.list.n != n) {
    nc_elab_error(e, NC_E0205, x->body->at, "`repeat` carries %d values, but its block gives %s", n,
                  nc_v_describe(e, &v));
    return false;
  }
  for (int i = 0; i < n; i++) state[i] = v.list.item[i];
  return true;
}

static NcValue repeat(NcElab *e, const NcExpr *x) {
  NcSize turns;
  if (!nc_expr_int(e, x->a, &turns)) return nc_v_poison();
  if (turns.value < 0 || turns.value > MOST_TURNS) {
    nc_elab_error(e, NC_E0208, x->a->at, "`repeat` takes 0 to %d turns, not %s", MOST_TURNS,
                  nc_size_describe(e, turns));
    return nc_v_poison();
  }
  int n = x->list.n;
  NcValue *state = NC_NEW_N(e->arena, NcValue, n + 1);
  for (int i = 0; i < n; i++) {
    state[i] = nc_expr(e, x->list.at[i].e);
    if (state[i].kind == NC_V_POISON) return state[i];
  }
  NcScope *outer = e->frame->scope;
  uint64_t turn = e->frame->turn;
  bool ok = true;
  for (int64_t t = 0; ok && t < turns.value; t++) {
    struct { uint64_t outer; int64_t t; } key = {turn, t};
    e->frame->turn = nc_hash64(1, &key, sizeof key);
    e->frame->scope = nc_scope(e, outer);
    if (x->name.s) nc_scope_bind(e, e->frame->scope, x->name.s, x->name.at, nc_v_int(x->name.at, nc_size(t)));
    for (int i = 0; i < n; i++) nc_scope_bind(e, e->frame->scope, x->list.at[i].name.s, x->list.at[i].at, state[i]);
    ok = carry(e, x, nc_block(e, x->body), state);
  }
  e->frame->scope = outer;
  e->frame->turn = turn;
  if (!ok) return nc_v_poison();
  return n == 1 ? state[0] : nc_v_items(e, NC_V_TUPLE, x->at, n, state);
}

static NcValue (*const rules[NC_X_COUNT])(NcElab *, const NcExpr *) = {
    [NC_X_BAD] = bad,          [NC_X_INT] = integer,    [NC_X_FLOAT] = number,    [NC_X_BOOL] = truth,
    [NC_X_STR] = string,       [NC_X_TEXT] = text,      [NC_X_NAME] = name,       [NC_X_UNARY] = unary,
    [NC_X_BINARY] = binary,    [NC_X_PIPE] = pipe,      [NC_X_CALL] = call,       [NC_X_INDEX] = indexed,
    [NC_X_FIELD] = field,      [NC_X_AS] = as,          [NC_X_SLICE] = misplaced, [NC_X_NEW] = misplaced,
    [NC_X_SPREAD] = misplaced, [NC_X_TUPLE] = tuple,    [NC_X_LIST] = list,       [NC_X_IF] = condition,
    [NC_X_REPEAT] = repeat,    [NC_X_SCAN] = nc_scan,   [NC_X_FOR] = nc_for,     [NC_X_REARRANGE] = pattern,
    [NC_X_EINSUM] = pattern,   [NC_X_AXES] = misplaced, [NC_X_GRAD] = nc_derive,
};

NcValue nc_expr(NcElab *e, const NcExpr *x) {
  if (!x || e->dead) return nc_v_poison();
  if (e->depth > DEEPEST || ++e->work > MOST_WORK) {
    nc_elab_error(e, NC_E0106, x->at,
                  e->depth > DEEPEST ? "calls and expressions are nested too deeply here"
                                     : "this file takes too much work to elaborate");
    e->dead = true;
    return nc_v_poison();
  }
  e->depth++;
  NcValue v = rules[x->kind](e, x);
  e->depth--;
  return v;
}

bool nc_expr_int(NcElab *e, const NcExpr *x, NcSize *out) {
  NcValue v = nc_expr(e, x);
  if (v.kind == NC_V_INT) { *out = v.size; return true; }
  if (v.kind == NC_V_TENSOR)
    nc_elab_error(e, NC_E0212, x->at, "an integer known at compile time is needed here, not %s", nc_v_describe(e, &v));
  else if (v.kind != NC_V_POISON)
    nc_elab_error(e, NC_E0205, x->at, "an integer is needed here, not %s", nc_v_describe(e, &v));
  return false;
}

bool nc_expr_text(NcElab *e, const NcExpr *x, const char **out) {
  NcValue v = nc_expr(e, x);
  if (v.kind == NC_V_STR) { *out = v.s; return true; }
  if (v.kind != NC_V_POISON) nc_elab_error(e, NC_E0205, x->at, "a text is needed here, not %s", nc_v_describe(e, &v));
  return false;
}
