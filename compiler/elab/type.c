// Declared types against values. Names in a type that nothing binds are size variables: the argument binds them.
#include "elab/tensor.h"
#include <string.h>

// A size by name: of this call, or a constant of the file. False: not bound.
static bool bound_size(NcElab *e, const char *name, NcValue *out) {
  NcLocal *b = nc_lookup_local(e->frame->scope, name);
  if (b) { *out = b->value; return true; }
  NcInfo *info = e->frame->module ? nc_map_get(&e->frame->module->decl, name) : NULL;
  if (!info || info->decl->kind != NC_D_CONST) return false;
  *out = nc_const_value(e, info, info->decl->at);
  return true;
}

static const NcExpr *spread_of(const NcTypeExpr *t, int *at) {
  for (int i = 0; i < t->axis.n; i++)
    if (t->axis.at[i]->kind == NC_X_SPREAD) { *at = i; return t->axis.at[i]; }
  *at = t->axis.n;
  return NULL;
}

static const char *declared(NcElab *e, const NcTypeExpr *t) {
  const NcSource *s = nc_diag_file(e->diag, t->at.file);
  if (!s || t->at.end > s->size || t->at.begin >= t->at.end) return "its type";
  return nc_strndup(e->arena, s->text + t->at.begin, t->at.end - t->at.begin);
}

typedef struct {
  NcElab *e;
  const NcTypeExpr *t;
  const NcTensor *x;
  const char *what, *of;   // the argument (NULL: the result), and the function as the user knows it
  NcRange at;
  bool inner;              // it is called inside the prelude: its own declaration says nothing to the user
} Check;

static const char *subject(const Check *c) {
  return c->what ? nc_sprintf(c->e->arena, "`%s` of `%s`", c->what, c->of)
                 : nc_sprintf(c->e->arena, "the result of `%s`", c->of);
}

static void declared_at(const Check *c, NcMessage *m) {
  if (c->inner) return;
  const char *place = nc_place(c->e->diag, c->e->arena, c->t->at);
  nc_note(c->e->diag, m, "%s is declared as %s at %s", subject(c), declared(c->e, c->t), place);
  if (c->what) nc_label_history(c->e, m, c->x);
}

static bool wrong_rank(const Check *c) {
  NcMessage *m = nc_elab_error(c->e, NC_E0202, c->at, "%s is declared as %s, but this is %s", subject(c),
                               declared(c->e, c->t), nc_t_describe(c->e, c->x));
  int at, fixed = c->t->axis.n - (spread_of(c->t, &at) != NULL);
  if (c->what) nc_label_history(c->e, m, c->x);
  if (c->x->rank > fixed && fixed == 2) nc_help(c->e->diag, m, "make two axes of it: `|> flatten`");
  else nc_note(c->e->diag, m, "it has %d ax%s instead of %d", c->x->rank, c->x->rank == 1 ? "is" : "es", fixed);
  return false;
}

static bool wrong_size(const Check *c, int axis, NcSize want, const NcExpr *by) {
  NcElab *e = c->e;
  NcSize have = c->x->dim[axis];
  const char *shape = nc_t_describe(e, c->x), *n = nc_size_describe(e, have), *need = nc_size_describe(e, want);
  NcMessage *m = c->what ? nc_elab_error(e, NC_E0203, c->at, "`%s` needs %s on axis %d, but this %s has %s", c->of,
                                         need, axis, shape, n)
                         : nc_elab_error(e, NC_E0203, c->at, "%s is %s: axis %d should be %s, not %s", subject(c),
                                         shape, axis, need, n);
  nc_note_origin(e, m, have);
  if (by->kind == NC_X_NAME && want.from && want.from->name != by->name.s) nc_note_origin(e, m, want);
  declared_at(c, m);
  if (c->what && by->kind == NC_X_INT) nc_help(e->diag, m, "change what flows in, or declare `%s: %s`", c->what, shape);
  if (!c->what) nc_help(e->diag, m, "declare the result as %s, or change the last expression", shape);
  if (have.value == want.value)
    nc_note(e->diag, m, "the values agree only by chance: sizes must be equal whatever the batch is");
  return false;
}

// (H - 1) / 2 cannot tell H: names in an expression over sizes must be bound. False after E0301.
bool nc_sizes_bound(NcElab *e, const NcModule *m, NcScope *scope, const NcExpr *x) {
  if (!x) return true;
  if (x->kind != NC_X_NAME) {
    bool arithmetic = x->kind == NC_X_BINARY || x->kind == NC_X_UNARY;
    return !arithmetic || (nc_sizes_bound(e, m, scope, x->a) && nc_sizes_bound(e, m, scope, x->b));
  }
  if (nc_lookup_local(scope, x->name.s) || nc_find_decl(e, m, x->name.s)) return true;
  nc_help(e->diag, nc_elab_error(e, NC_E0301, x->name.at, "unknown name `%s`", x->name.s),
          "a size is told by an axis that is its name alone: let a tensor with the axis `%s` stand before this one", x->name.s);
  return false;
}

static bool check_axis(const Check *c, int axis, const NcExpr *by) {
  NcElab *e = c->e;
  NcSize have = c->x->dim[axis], want;
  if (by->kind == NC_X_NAME) {
    NcValue v;
    if (!bound_size(e, by->name.s, &v))
      return nc_scope_bind(e, e->frame->scope, by->name.s, by->at, nc_v_int(by->at, have));
    if (v.kind == NC_V_POISON) return false;
    if (v.kind != NC_V_INT) {
      nc_elab_error(e, NC_E0205, by->at, "`%s` is not a size but %s", by->name.s, nc_v_describe(e, &v));
      return false;
    }
    want = v.size;
  } else if (!nc_sizes_bound(e, e->frame->module, e->frame->scope, by) || !nc_expr_int(e, by, &want)) return false;
  return nc_size_eq(have, want) || wrong_size(c, axis, want, by);
}

static bool check_spread(const Check *c, const NcExpr *s, int first, int n) {
  NcElab *e = c->e;
  NcLocal *b = nc_lookup_local(e->frame->scope, s->name.s);
  if (!b) {
    NcValue *item = NC_NEW_N(e->arena, NcValue, n + 1);
    for (int i = 0; i < n; i++) item[i] = nc_v_int(s->at, c->x->dim[first + i]);
    return nc_scope_bind(e, e->frame->scope, s->name.s, s->at, nc_v_items(e, NC_V_LIST, s->at, n, item));
  }
  if (b->value.kind != NC_V_LIST) {
    nc_elab_error(e, NC_E0205, s->at, "`%s...` stands for axes, but it is %s", s->name.s, nc_v_describe(e, &b->value));
    return false;
  }
  if (b->value.list.n != n) return wrong_rank(c);
  for (int i = 0; i < n; i++)
    if (!nc_size_eq(c->x->dim[first + i], b->value.list.item[i].size))
      return wrong_size(c, first + i, b->value.list.item[i].size, s);
  return true;
}

static bool wrong_dtype(const Check *c) {
  NcElab *e = c->e;
  NcDtype have = c->x->node->type.dtype, want = c->t->dtype;
  NcMessage *m = nc_elab_error(e, NC_E0204, c->at, "%s must be %s, but this is %s", subject(c), nc_dtype_name(want),
                               nc_t_describe(e, c->x));
  if (have == NC_U8 && want == NC_F32) nc_help(e->diag, m, "scale it: `x / 255`, or convert it: `f32(x)`");
  else nc_help(e->diag, m, "convert it: `%s(…)`", nc_dtype_name(want));
  nc_label_history(e, m, c->x);
  return false;
}

// Names first, then expressions over them: f32[2 * N, N] works in any order.
static bool check_axes(const Check *c) {
  int at, n = c->t->axis.n, rank = c->x->rank;
  const NcExpr *s = spread_of(c->t, &at);
  int taken = rank - (n - 1);   // by the spread
  if (s ? taken < 0 : rank != n) return wrong_rank(c);
  bool ok = true;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < n; i++) {
      const NcExpr *by = c->t->axis.at[i];
      int axis = s && i > at ? i + taken - 1 : i;
      if ((by->kind == NC_X_NAME || by->kind == NC_X_SPREAD) != (pass == 0)) continue;
      if (by->kind == NC_X_SPREAD) ok = check_spread(c, by, at, taken) && ok;
      else ok = check_axis(c, axis, by) && ok;
    }
  return ok;
}

// (mu = b, recon = a) for (recon: …, mu: …): what has names is matched by them.
static bool by_name(NcElab *e, const NcTypeExpr *t, NcValue v, const NcValue **item) {
  for (int i = 0; i < t->field.n; i++) {
    const char *want = t->field.at[i].name.s, *names[64];
    item[i] = NULL;
    for (int k = 0; want && k < v.list.n; k++)
      if (v.list.name[k] && strcmp(v.list.name[k], want) == 0) item[i] = &v.list.item[k];
    if (item[i]) continue;
    int n = 0;
    for (int k = 0; k < v.list.n && n < 64; k++)
      if (v.list.name[k]) names[n++] = v.list.name[k];
    nc_suggest(e, nc_elab_error(e, NC_E0304, v.at, "nothing here is called `%s`, which the type at %s asks for", want,
                                nc_place(e->diag, e->arena, t->at)),
               want, names, n);
    return false;
  }
  return true;
}

static bool all_named(const NcTypeExpr *t, const NcValue *v) {
  for (int i = 0; i < t->field.n; i++)
    if (!t->field.at[i].name.s || !v->list.name || !v->list.name[i]) return false;
  return true;
}

static NcValue check_tuple(NcElab *e, const NcTypeExpr *t, NcValue v, const char *what, const char *of) {
  if (v.kind != NC_V_TUPLE || v.list.n != t->field.n) {
    nc_elab_error(e, NC_E0205, v.at, "%d values %s, but this is %s", t->field.n,
                  what ? "are needed" : "are declared as the result", nc_v_describe(e, &v));
    return nc_v_poison();
  }
  NcValue *item = NC_NEW_N(e->arena, NcValue, v.list.n + 1);
  const char **names = NC_NEW_N(e->arena, const char *, v.list.n + 1);
  const NcValue **from = NC_NEW_N(e->arena, const NcValue *, v.list.n + 1);
  bool any = false, named = all_named(t, &v);
  if (named && !by_name(e, t, v, from)) return nc_v_poison();
  for (int i = 0; i < v.list.n; i++) {
    item[i] = nc_check_type(e, t->field.at[i].type, named ? *from[i] : v.list.item[i], what, of);
    names[i] = t->field.at[i].name.s ? t->field.at[i].name.s : v.list.name ? v.list.name[i] : NULL;
    any = any || names[i];
  }
  NcValue r = nc_v_items(e, NC_V_TUPLE, v.at, v.list.n, item);
  if (any && r.kind == NC_V_TUPLE) r.list.name = names;
  return r;
}

NcValue nc_check_type(NcElab *e, const NcTypeExpr *t, NcValue v, const char *what, const char *of) {
  if (v.kind == NC_V_POISON) return v;
  if (t->tuple) return check_tuple(e, t, v, what, of);
  if (v.kind != NC_V_TENSOR) {
    double number;
    NcDtype dtype = t->any ? NC_F32 : t->dtype;
    if (v.kind == NC_V_BOOL && dtype == NC_BOOL) v = nc_v_tensor(v.at, nc_t_const(e, v.at, NC_BOOL, v.b));
    else if (nc_v_number(&v, &number) && (v.kind == NC_V_INT || nc_dtype_float(dtype)))
      v = nc_v_tensor(v.at, nc_t_const(e, v.at, dtype, number));
    else {
      nc_elab_error(e, NC_E0205, v.at, "%s needs %s, not %s", of, declared(e, t), nc_v_describe(e, &v));
      return nc_v_poison();
    }
    if (v.kind == NC_V_POISON) return v;
  }
  NcRange at = what && e->frame->call.file ? e->frame->call : v.at;
  const char *user = nc_user_function(e);
  Check c = {e, t, v.t, what, user ? user : of, at, user && strcmp(user, of) != 0};
  if (!t->any && v.t->node->type.dtype != t->dtype) { wrong_dtype(&c); return nc_v_poison(); }
  return check_axes(&c) ? v : nc_v_poison();
}

bool nc_eval_type(NcElab *e, const NcTypeExpr *t, NcDtype *dtype, int *rank, NcSize *dim) {
  if (t->tuple) {
    nc_elab_error(e, NC_E0205, t->at, "the type of one tensor is needed here, not of a tuple");
    return false;
  }
  if (t->any) {
    nc_elab_error(e, NC_E0204, t->at, "the element type must be said here, as in f32[…]");
    return false;
  }
  *dtype = t->dtype;
  return nc_axes(e, t->axis.n, t->axis.at, t->at, rank, dim);
}

bool nc_axes(NcElab *e, int n, NcExpr *const *axis, NcRange at, int *rank, NcSize *dim) {
  *rank = 0;
  for (int i = 0; i < n; i++) {
    const NcExpr *x = axis[i];
    NcValue v;
    if (x->kind == NC_X_SPREAD) v = nc_lookup(e, &x->name);
    else {
      NcSize s;
      if (!nc_expr_int(e, x, &s)) return false;
      v = nc_v_int(x->at, s);
    }
    if (v.kind == NC_V_POISON) return false;
    int count = v.kind == NC_V_LIST ? v.list.n : 1;
    const NcValue *item = v.kind == NC_V_LIST ? v.list.item : &v;
    for (int k = 0; k < count; k++) {
      if (item[k].kind != NC_V_INT) {
        nc_elab_error(e, NC_E0205, x->at, "a size is needed here, not %s", nc_v_describe(e, &item[k]));
        return false;
      }
      if (*rank == NC_MAX_RANK) {
        nc_elab_error(e, NC_E0202, at, "a tensor has at most %d axes", NC_MAX_RANK);
        return false;
      }
      dim[(*rank)++] = item[k].size;
    }
  }
  NcShape s;
  return nc_t_shape(e, at, *rank, dim, &s);
}

static NcSize next_size(NcTrial *t) {
  NcSize s = nc_size(t->size);
  t->size += t->step;
  return s;
}

// Sizes for an axis of a declaration that nothing calls: plain numbers, as most callers would give.
static void make_up(NcElab *e, const NcExpr *x) {
  NcTrial *t = e->trial;
  NcValue v;
  if (x->kind == NC_X_NAME && !bound_size(e, x->name.s, &v))
    nc_scope_bind(e, e->frame->scope, x->name.s, x->at, nc_v_int(x->at, next_size(t)));
  if (x->kind != NC_X_SPREAD || nc_lookup_local(e->frame->scope, x->name.s)) return;
  NcValue *item = NC_NEW_N(e->arena, NcValue, t->axes);
  for (int i = 0; i < t->axes; i++) item[i] = nc_v_int(x->at, next_size(t));
  nc_scope_bind(e, e->frame->scope, x->name.s, x->at, nc_v_items(e, NC_V_LIST, x->at, t->axes, item));
}

// For a model without data: an input of the declared type; free names become symbols. B has the batch's value, others
// 16.
NcValue nc_symbolic(NcElab *e, const NcTypeExpr *t, const char *input) {
  enum { OTHER = 16 };
  for (int i = 0; i < t->axis.n; i++) {
    const NcExpr *x = t->axis.at[i];
    NcValue v;
    if (x->kind != NC_X_NAME && x->kind != NC_X_SPREAD && !nc_sizes_bound(e, e->frame->module, e->frame->scope, x))
      return nc_v_poison();
    bool batch = x->kind == NC_X_NAME && strcmp(x->name.s, "B") == 0;
    if (e->trial && !batch) make_up(e, x);
    if (x->kind == NC_X_NAME && !bound_size(e, x->name.s, &v)) {
      int64_t size = batch ? e->batch : e->assumed ? e->assumed : OTHER;
      if (!batch && !e->guess) e->guess = x->name.s;
      nc_scope_bind(e, e->frame->scope, x->name.s, x->at, nc_v_int(x->at, nc_size_symbol(&e->sizes, x->name.s, size)));
    }
    if (x->kind == NC_X_SPREAD && !nc_lookup_local(e->frame->scope, x->name.s)) {
      nc_elab_error(e, NC_E0208, x->at, "what comes from outside needs a known number of axes");
      return nc_v_poison();
    }
  }
  NcType type;
  int rank;
  NcSize dim[NC_MAX_RANK];
  NcTypeExpr plain = *t;
  if (e->trial && t->any) plain.any = false, plain.dtype = NC_F32;
  if (!nc_eval_type(e, &plain, &type.dtype, &rank, dim) || !nc_t_shape(e, t->at, rank, dim, &type.shape))
    return nc_v_poison();
  return nc_v_tensor(t->at, nc_t(e, t->at, nc_input(e->graph, t->at, input, type), rank, dim));
}
