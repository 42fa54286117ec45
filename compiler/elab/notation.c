// for i < M, j < N { … } and its reducers: sum prod max min mean any all.
#include "elab/notation.h"
#include <string.h>

static const char *const reducers[] = {"sum", "prod", "max", "min", "mean", "any", "all"};
enum { REDUCERS = sizeof reducers / sizeof *reducers };

// ---- what depends on an index

static bool mentions_block(const NcElab *e, const NcBlock *b) {
  for (int i = 0; b && i < b->stmt.n; i++)
    if (nc_mentions(e, b->stmt.at[i]->e)) return true;
  return false;
}

bool nc_mentions(const NcElab *e, const NcExpr *x) {
  if (!x) return false;
  if (x->kind == NC_X_NAME || x->kind == NC_X_GRAD) {
    const NcLocal *b = nc_lookup_local(e->frame->scope, x->name.s);
    if (b && b->each) return true;
  }
  if (x->kind == NC_X_REARRANGE || x->kind == NC_X_EINSUM || x->kind == NC_X_AXES) return false;
  if (nc_mentions(e, x->a) || nc_mentions(e, x->b) || nc_mentions(e, x->c)) return true;
  for (int i = 0; i < x->list.n; i++)
    if (nc_mentions(e, x->list.at[i].e)) return true;
  return mentions_block(e, x->body) || mentions_block(e, x->other);
}

// ---- layout

NcSize nc_each_dim(const NcTensor *x, int place) {
  return place > x->rank ? nc_size(1) : x->dim[x->rank - place];
}

NcTensor *nc_each_lay(NcElab *e, NcRange at, NcTensor *x, const int *place) {
  if (!x) return NULL;
  int64_t perm[NC_MAX_RANK];
  NcSize dim[NC_MAX_RANK];
  int highest = 0;
  for (int i = 0; i < x->rank; i++) {
    perm[i] = i;
    if (place[i] > highest) highest = place[i];
  }
  for (int i = 1; i < x->rank; i++)   // by place, the highest first
    for (int k = i; k > 0 && place[perm[k]] > place[perm[k - 1]]; k--) {
      int64_t t = perm[k];
      perm[k] = perm[k - 1];
      perm[k - 1] = t;
    }
  for (int i = 0; i < highest; i++) dim[i] = nc_size(1);
  for (int i = 0; i < x->rank; i++) dim[highest - place[i]] = x->dim[i];
  return nc_t_reshape(e, at, nc_t_permute(e, at, x, perm), highest, dim);
}

static NcTensor *iota(NcElab *e, const NcIndex *i) {
  NcSize dim[NC_MAX_RANK];
  for (int k = 0; k < i->place; k++) dim[k] = k ? nc_size(1) : i->n;
  return nc_t_iota(e, i->at, NC_I32, i->place, dim, 0);
}

// To full size at the places [first, last].
static NcTensor *fill(NcElab *e, NcRange at, const NcNest *nest, NcTensor *x, int first, int last) {
  if (!x) return NULL;
  NcSize dim[NC_MAX_RANK];
  int rank = x->rank > last ? x->rank : last;
  for (int p = 1; p <= rank; p++) dim[rank - p] = p >= first && p <= last ? nest->index[p]->n : nc_each_dim(x, p);
  return nc_t_expand(e, at, x, rank, dim);
}

// ---- values

static NcTensor *no_number(NcElab *e, NcRange at, const NcValue *v) {
  NcMessage *m = nc_elab_error(e, v->kind == NC_V_TENSOR ? NC_E0202 : NC_E0205, at,
                               "inside of `for` every value is one number, but this is %s", nc_v_describe(e, v));
  if (v->kind == NC_V_TENSOR) nc_help(e->diag, m, "index it along all of its axes");
  return NULL;
}

// What does not mention an index: a number, or a tensor without axes.
static NcTensor *same_for_all(NcElab *e, const NcExpr *x, NcValue *plain) {
  *plain = nc_expr(e, x);
  if (plain->kind == NC_V_POISON) return NULL;
  if (plain->kind == NC_V_INT || plain->kind == NC_V_FLOAT || plain->kind == NC_V_BOOL)
    return nc_to_tensor(e, *plain, x->at, NULL);
  return plain->kind == NC_V_TENSOR && plain->t->rank == 0 ? plain->t : no_number(e, x->at, plain);
}

// As an operand: numbers stay numbers, so that they take the other side's type.
NcValue nc_each_value(NcElab *e, const NcNest *nest, const NcExpr *x) {
  NcValue v;
  if (nc_mentions(e, x)) return nc_v_tensor(x->at, nc_each(e, nest, x));
  return same_for_all(e, x, &v) ? v : nc_v_poison();
}

static NcTensor *as_tensor(NcElab *e, NcValue v, NcRange at) {
  return v.kind == NC_V_POISON ? NULL : nc_to_tensor(e, v, at, NULL);
}

NcTensor *nc_each_tensor(NcElab *e, const NcNest *nest, const NcExpr *x) {
  return as_tensor(e, nc_each_value(e, nest, x), x->at);
}

static NcTensor *arithmetic(NcElab *e, const NcNest *nest, const NcExpr *x) {
  if (x->op == NC_B_MATMUL) {
    nc_help(e->diag, nc_elab_error(e, NC_E0306, x->at, "`@` multiplies matrices; inside of `for` every value is one number"),
            "write `sum for k < K { a[i, k] * b[k, j] }`");
    return NULL;
  }
  NcValue a = nc_each_value(e, nest, x->a);
  if (x->kind == NC_X_UNARY) return as_tensor(e, nc_unary(e, x->at, x->op, a), x->at);
  return as_tensor(e, nc_binary(e, x->at, x->op, a, nc_each_value(e, nest, x->b)), x->at);
}

// Whether n comes from the arguments by work on single numbers alone. known[id]: 0 not looked at, 1 it does not depend on
// them, 2 it does in another way, 3 it does.
static bool single(const NcNode *n, int args, NcNode *const *arg, char *known, const NcNode **bad, bool *depends) {
  bool older = true;   // than all arguments: it cannot depend on them
  *depends = false;
  for (int i = 0; i < args; i++) {
    older = older && n->id < arg[i]->id;
    if (arg[i] == n) { *depends = true; return true; }
  }
  if (older) return true;
  if (known[n->id]) { *depends = known[n->id] == 3; return known[n->id] != 2; }
  bool good = true;
  for (int k = 0; good && k < n->nin; k++) {
    bool d;
    good = single(n->in[k], args, arg, known, bad, &d);
    *depends = *depends || d;
  }
  bool one = n->op->kind == NC_POINTWISE;
  if (strcmp(n->op->name, "broadcast") == 0) {   // along axes that are matched from the last, as everywhere
    int count;
    const int64_t *axes = nc_attr_ints(n, "axes", &count);
    one = true;
    for (int i = 0; i < count; i++) one = one && axes[i] == n->type.shape.rank - count + i;
  }
  if (good && *depends && !one) {
    *bad = n;
    good = false;
  }
  known[n->id] = !good ? 2 : *depends ? 3 : 1;
  return good;
}

static NcTensor *called(NcElab *e, NcRange at, NcValue f, int n, const NcActual *arg) {
  NcNode **in = NC_NEW_N(e->arena, NcNode *, n + 1);
  int args = 0;
  for (int i = 0; i < n; i++) {
    if (arg[i].v.kind == NC_V_POISON) return NULL;
    if (arg[i].v.kind == NC_V_TENSOR && arg[i].v.t->rank) in[args++] = arg[i].v.t->node;
  }
  e->site = NULL;
  NcValue v = nc_call(e, f, at, n, arg);
  if (v.kind == NC_V_POISON) return NULL;
  NcTensor *t = v.kind == NC_V_TENSOR ? v.t : NULL;
  if (!t) return no_number(e, at, &v);
  const NcNode *bad = NULL;
  bool depends;
  if (single(t->node, args, in, NC_NEW_N(e->arena, char, e->graph->node.n + 1), &bad, &depends)) return t;
  NcMessage *m = nc_elab_error(e, NC_E0306, at, "this works on whole tensors; inside of `for` every value is one number");
  nc_help(e->diag, m, "do it outside, and index its result here; or reduce: `sum for k < K { … }`");
  return NULL;
}

// f(a[i], 0.1), leaky_relu(0.1)(a[i]): hyperparameters do not mention an index.
static NcTensor *call(NcElab *e, const NcNest *nest, const NcExpr *x, const NcExpr *piped) {
  if (nc_mentions(e, x->a)) {
    nc_elab_error(e, NC_E0306, x->a->at, "what is called cannot depend on an index");
    return NULL;
  }
  NcValue f = nc_expr(e, x->a);
  NcActual *arg = NC_NEW_N(e->arena, NcActual, x->list.n + 1);
  int n = 0;
  if (piped) arg[n++].v = nc_each_value(e, nest, piped);
  for (int i = 0; i < x->list.n; i++) {
    const NcArg *a = &x->list.at[i];
    arg[n++] = (NcActual){a->name.s, a->name.at, nc_mentions(e, a->e) ? nc_each_value(e, nest, a->e) : nc_expr(e, a->e)};
  }
  return called(e, x->at, f, n, arg);
}

static NcTensor *pipe(NcElab *e, const NcNest *nest, const NcExpr *x) {
  if (x->b->kind == NC_X_CALL && nc_mentions(e, x->b)) return call(e, nest, x->b, x->a);
  NcActual arg = {.v = nc_each_value(e, nest, x->a)};
  NcValue f = nc_expr(e, x->b);
  if (f.kind == NC_V_FN && !f.fn->bound) f = nc_bind_hyper(e, f.fn->info, x->b->at, 0, NULL);
  return called(e, x->b->at, f, 1, &arg);
}

static NcTensor *block(NcElab *e, const NcNest *nest, const NcBlock *b);

static NcTensor *choice(NcElab *e, const NcNest *nest, const NcExpr *x) {
  bool yes;
  if (nc_mentions(e, x->a)) {
    nc_help(e->diag, nc_elab_error(e, NC_E0212, x->a->at, "`if` is decided once, but this differs from index to index"),
            "choose number by number: `where(condition, a, b)`");
    return NULL;
  }
  if (!nc_truth(e, nc_expr(e, x->a), x->a->at, &yes)) return NULL;
  return block(e, nest, yes ? x->body : x->other);
}

// ---- blocks and loops

static void bind(NcElab *e, const NcName *name, NcTensor *t, const void *each) {
  if (!nc_scope_bind(e, e->frame->scope, name->s, name->at, t ? nc_v_tensor(name->at, t) : nc_v_poison())) return;
  nc_lookup_local(e->frame->scope, name->s)->each = each;
}

// Statements before the last; the last expression in *last.
static bool statements(NcElab *e, const NcNest *nest, const NcBlock *b, const NcExpr **last) {
  *last = NULL;
  for (int i = 0; i < b->stmt.n; i++) {
    const NcStmt *s = b->stmt.at[i];
    if (s->kind == NC_S_LET && !s->tuple && nc_mentions(e, s->e)) {
      NcTensor *t = nc_each(e, nest, s->e);
      if (!t) return false;
      bind(e, &s->names.at[0], t, nest);
    } else if (s->kind == NC_S_LET && !nc_mentions(e, s->e)) {
      if (!nc_let(e, s)) return false;
    } else if (s->kind == NC_S_EXPR) *last = s->e;
    else if (s->kind != NC_S_BAD) {
      nc_elab_error(e, NC_E0306, s->at, s->kind == NC_S_LET ? "a pattern is not allowed inside of `for`"
                                                            : "`%s` is not allowed inside of `for`", nc_stmt_word(s->kind));
      return false;
    }
  }
  if (*last) return true;
  nc_help(e->diag, nc_elab_error(e, NC_E0205, b->at, "this block has no value"), "let its last expression be the number");
  return false;
}

static NcTensor *block(NcElab *e, const NcNest *nest, const NcBlock *b) {
  NcScope *outer = e->frame->scope;
  const NcExpr *last;
  e->frame->scope = nc_scope(e, outer);
  NcTensor *t = statements(e, nest, b, &last) ? nc_each_tensor(e, nest, last) : NULL;
  e->frame->scope = outer;
  return t;
}

// The indices of a `for`, before those of the nest it stands in.
static bool indices(NcElab *e, const NcExpr *x, NcNest *nest) {
  int n = x->list.n, outer = nest->n;
  if (outer + n > NC_MAX_RANK) {
    nc_elab_error(e, NC_E0202, x->at, "more than %d indices at once", NC_MAX_RANK);
    return false;
  }
  for (int i = 0; i < n; i++) {
    const NcArg *a = &x->list.at[i];
    NcIndex *index = NC_NEW(e->arena, NcIndex);
    *index = (NcIndex){.name = a->name.s, .at = a->name.at, .place = outer + n - i};
    if (nc_mentions(e, a->e)) {
      nc_elab_error(e, NC_E0212, a->e->at, "how far `%s` counts cannot depend on another index", a->name.s);
      return false;
    }
    if (!nc_expr_int(e, a->e, &index->n)) return false;
    if (index->n.value <= 0) {
      nc_elab_error(e, NC_E0208, a->e->at, "`%s` would count to %s", a->name.s, nc_size_describe(e, index->n));
      return false;
    }
    nest->index[index->place] = index;
    NcTensor *t = iota(e, index);
    if (!t) return false;
    bind(e, &a->name, t, index);
  }
  nest->n = outer + n;
  return true;
}

// Over the first axes of x, by the function of that name, so that its types are those known from elsewhere.
static NcTensor *reduce(NcElab *e, const NcExpr *x, NcTensor *t) {
  NcValue *axis = NC_NEW_N(e->arena, NcValue, x->list.n);
  for (int i = 0; i < x->list.n; i++) axis[i] = nc_v_int(x->at, nc_size(i));
  NcBound bound = {.builtin = nc_builtin(e, x->name.s), .nshape = -1};
  NcActual arg[2] = {{.v = nc_v_tensor(x->at, t)}, {.name = nc_name(e, "axis"), .v = nc_v_items(e, NC_V_TUPLE, x->at,
                                                                                                 x->list.n, axis)}};
  return t ? as_tensor(e, nc_call_builtin(e, &bound, x->at, 2, arg), x->at) : NULL;
}

static bool known_reducer(NcElab *e, const NcExpr *x) {
  if (!x->name.s) return true;
  for (int i = 0; i < REDUCERS; i++)
    if (strcmp(reducers[i], x->name.s) == 0) return true;
  NcMessage *m = nc_elab_error(e, NC_E0301, x->name.at, "`%s` does not reduce", x->name.s);
  const char *near = nc_nearest(x->name.s, reducers, REDUCERS);
  if (near) nc_help(e->diag, m, "did you mean `%s`?", near);
  else nc_help(e->diag, m, "it can be sum, prod, max, min, mean, any or all, or nothing to keep all values");
  return false;
}

// A `for` that stands in `outer`, with a reducer; or the outermost one.
static NcTensor *loop(NcElab *e, const NcNest *outer, const NcExpr *x) {
  NcNest nest = *outer;
  NcScope *scope = e->frame->scope;
  NcTensor *t = NULL;
  const NcExpr *last;
  e->frame->scope = nc_scope(e, scope);
  bool done = false, ok = known_reducer(e, x) && indices(e, x, &nest);
  e->frame->scope = nc_scope(e, e->frame->scope);   // the block may hide an index
  if (ok && statements(e, &nest, x->body, &last)) {
    if (x->name.s && strcmp(x->name.s, "sum") == 0) t = nc_each_product(e, &nest, outer->n + 1, last, &done);
    if (!done) t = nc_each_tensor(e, &nest, last);
    if (!done) t = fill(e, x->at, &nest, t, outer->n + 1, nest.n);
    if (!done && x->name.s) t = reduce(e, x, t);
  }
  e->frame->scope = scope;
  return t;
}

NcTensor *nc_each(NcElab *e, const NcNest *nest, const NcExpr *x) {
  switch (x->kind) {
    case NC_X_NAME: {
      NcValue v = nc_lookup(e, &x->name);
      return v.kind == NC_V_TENSOR ? v.t : NULL;
    }
    case NC_X_UNARY:
    case NC_X_BINARY: return arithmetic(e, nest, x);
    case NC_X_INDEX: return nc_each_read(e, nest, x);
    case NC_X_CALL: return call(e, nest, x, NULL);
    case NC_X_PIPE: return pipe(e, nest, x);
    case NC_X_IF: return choice(e, nest, x);
    case NC_X_FOR:
      if (x->name.s) return loop(e, nest, x);
      nc_help(e->diag, nc_elab_error(e, NC_E0306, x->at, "this `for` gives a tensor; inside of another every value is one number"),
              "say how it becomes one, as in `sum for …`, or put all indices into the outer `for`");
      return NULL;
    default:
      nc_elab_error(e, NC_E0306, x->at, "`%s` is not allowed with an index inside of `for`", nc_expr_word(x->kind));
      return NULL;
  }
}

NcValue nc_for(NcElab *e, const NcExpr *x) {
  NcNest none = {0};
  NcTensor *t = loop(e, &none, x);
  return nc_v_tensor(x->at, t);
}
