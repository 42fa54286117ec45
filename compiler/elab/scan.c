// scan id in expr [axis expr] [reverse expr] with carry { … next a, b emit e }: a loop at run time.
//
// Parameters inside are shared by all turns. Each carry has one type, that of its first value. The value is what was
// emitted, stacked along the scanned axis, where there is an `emit`; else the last carries.
#include "elab/scan.h"
#include <string.h>

// ---- the pieces

NcTensor *nc_scan_placeholder(NcElab *e, const NcScan *s, NcRange at, const char *what, NcDtype t, int rank, const NcSize *dim) {
  NcType type = {.dtype = t};
  if (!nc_t_shape(e, at, rank, dim, &type.shape)) return NULL;
  const char *name = nc_sprintf(e->arena, "scan %d %s", s->number, what);
  return nc_t(e, at, nc_input(e->graph, nc_here(e, at), name, type), rank, dim);
}

// One tensor of those that are scanned: its axis, and a placeholder for its element.
static bool scan_tensor(NcElab *e, NcScan *s, NcValue v, int64_t axis, int i) {
  if (v.kind != NC_V_TENSOR) {
    if (v.kind == NC_V_POISON) return false;
    NcMessage *m = nc_elab_error(e, NC_E0205, s->x->a->at, "`scan` goes along an axis of a tensor, not %s",
                                 nc_v_describe(e, &v));
    if (v.kind == NC_V_INT) nc_help(e->diag, m, "for that many turns: `scan %s in range(%lld)`", s->x->name.s,
                                    (long long)v.size.value);
    else nc_help(e->diag, m, "`repeat` takes what is known at compile time");
    return false;
  }
  NcTensor *t = v.t;
  if (t->rank == 0) {
    nc_elab_error(e, NC_E0202, s->x->a->at, "`scan` needs an axis to go along, but %s has none", nc_t_describe(e, t));
    return false;
  }
  if (!nc_t_axis(e, s->x->b ? s->x->b->at : s->x->a->at, t, axis, &s->axis)) return false;
  NcSize n = t->dim[s->axis], dim[NC_MAX_RANK];
  if (i && !nc_size_eq(n, s->turns)) {
    nc_elab_error(e, NC_E0203, s->x->a->at, "tensors that are scanned together need one size there: %s and %s",
                  nc_size_describe(e, s->turns), nc_size_describe(e, n));
    return false;
  }
  s->turns = n;
  int rank = 0;
  for (int k = 0; k < t->rank; k++)
    if (k != s->axis) dim[rank++] = t->dim[k];
  s->scanned[i] = t;
  s->element[i] = nc_scan_placeholder(e, s, s->x->name.at, nc_sprintf(e->arena, "x%d", i), t->node->type.dtype, rank, dim);
  return s->element[i];
}

static bool scanned(NcElab *e, NcScan *s) {
  NcSize axis = nc_size(0);
  s->from = nc_expr(e, s->x->a);
  if (s->x->b && !nc_expr_int(e, s->x->b, &axis)) return false;
  if (s->x->c && !nc_truth(e, nc_expr(e, s->x->c), s->x->c->at, &s->reverse)) return false;
  s->nscanned = s->from.kind == NC_V_TUPLE ? s->from.list.n : 1;
  if (s->nscanned == 0 || s->nscanned > NC_MAX_SCANNED) {
    nc_elab_error(e, NC_E0205, s->x->a->at, "`scan` goes along 1 to %d tensors", NC_MAX_SCANNED);
    return false;
  }
  for (int i = 0; i < s->nscanned; i++)
    if (!scan_tensor(e, s, s->from.kind == NC_V_TUPLE ? s->from.list.item[i] : s->from, axis.value, i)) return false;
  return true;
}

static bool carries(NcElab *e, NcScan *s) {
  int n = s->ncarry = s->x->list.n;
  s->first = NC_NEW_N(e->arena, NcTensor *, n + 1);
  s->carry = NC_NEW_N(e->arena, NcTensor *, n + 1);
  s->next = NC_NEW_N(e->arena, NcTensor *, n + 1);
  for (int i = 0; i < n; i++) {
    const NcArg *a = &s->x->list.at[i];
    NcTensor *t = s->first[i] = nc_to_tensor(e, nc_expr(e, a->e), a->e->at, NULL);
    if (!t) return false;
    s->carry[i] = nc_scan_placeholder(e, s, a->at, nc_sprintf(e->arena, "carry %s", a->name.s), t->node->type.dtype, t->rank,
                                      t->dim);
    if (!s->carry[i]) return false;
  }
  return true;
}

// ---- next

static void suggest(NcElab *e, NcMessage *m, const NcTensor *carry, const NcTensor *t, const char *name) {
  bool type = carry->node->type.dtype != t->node->type.dtype;
  NcBuf b = NC_BUF(e->arena);
  for (int i = 0; i < t->rank; i++) {
    if (i) nc_put(&b, ", ");
    nc_put_size(&b, &e->sizes, t->dim[i]);
  }
  if (type && t->rank == 0 && carry->rank == 0 && nc_dtype_float(t->node->type.dtype))
    nc_help(e->diag, m, "start it as a number with a fraction: `%s = 0.0`", name);
  else if (type) nc_help(e->diag, m, "convert it: `%s(…)`", nc_dtype_name(carry->node->type.dtype));
  else if (carry->rank == 0) nc_help(e->diag, m, "start it with that shape: `%s = zeros[%s]`", name, nc_buf_str(&b));
  else nc_help(e->diag, m, "a carry of `scan` keeps its shape; one of `repeat` may change it");
}

static bool next_of(NcElab *e, NcScan *s, int i, const NcArg *a) {
  NcTensor *carry = s->carry[i];
  NcValue v = nc_expr(e, a->e);
  if (v.kind == NC_V_POISON) return false;
  NcTensor *t = nc_to_tensor(e, v, a->at, carry);
  if (t && v.kind != NC_V_TENSOR) t = nc_t_fill(e, a->at, t, carry->rank, carry->dim);
  if (!t) return false;
  bool same = t->rank == carry->rank && t->node->type.dtype == carry->node->type.dtype;
  for (int k = 0; same && k < t->rank; k++) same = nc_size_eq(t->dim[k], carry->dim[k]);
  s->next[i] = t;
  if (same) return true;
  const char *name = s->x->list.at[i].name.s;
  NcMessage *m = nc_elab_error(e, t->node->type.dtype == carry->node->type.dtype ? NC_E0203 : NC_E0204, a->at,
                               "the carry `%s` is %s, but the next one would be %s", name, nc_t_describe(e, carry),
                               nc_t_describe(e, t));
  nc_elab_label(e, m, s->x->list.at[i].at, nc_sprintf(e->arena, "it starts as %s", nc_t_describe(e, carry)));
  suggest(e, m, carry, t, name);
  return false;
}

static bool emit_of(NcElab *e, NcScan *s, const NcExpr *x) {
  NcValue v = nc_expr(e, x);
  if (v.kind == NC_V_POISON) return false;
  bool tuple = v.kind == NC_V_TUPLE;
  s->emit = v;
  s->nemit = tuple ? v.list.n : 1;
  if (s->nemit == 0 || s->nemit > NC_MAX_SCANNED) {
    nc_elab_error(e, NC_E0205, x->at, "`emit` takes 1 to %d tensors", NC_MAX_SCANNED);
    return false;
  }
  for (int i = 0; i < s->nemit; i++) {
    NcTensor *t = s->emitted[i] = nc_to_tensor(e, tuple ? v.list.item[i] : v, x->at, NULL);
    if (!t) return false;
    if (s->axis <= t->rank) continue;
    NcMessage *m = nc_elab_error(e, NC_E0206, x->at, "%s cannot be stacked along axis %d, as it has only %d axes",
                                 nc_t_describe(e, t), s->axis, t->rank);
    nc_help(e->diag, m, "emit a tensor with at least %d axes, or bring the scanned axis to the front first", s->axis);
    return false;
  }
  return true;
}

bool nc_scan_next(NcElab *e, const NcBlock *b, const NcStmt *n, bool last) {
  NcScan *s = e->scan;
  if (!s || s->x->body != b) {
    nc_elab_error(e, NC_E0306, n->at,
                  s ? "`next` stands at the end of the block of `scan`, not in a block inside of it"
                    : "`next` belongs to `scan`; the value of a `repeat` block is its last expression");
    return false;
  }
  if (!last) {
    nc_help(e->diag, nc_elab_error(e, NC_E0306, n->at, "nothing may follow `next`"), "put it at the end of the block");
    return false;
  }
  s->has_next = true;
  if (n->list.n != s->ncarry) {
    NcMessage *m = nc_elab_error(e, n->list.n < s->ncarry ? NC_E0304 : NC_E0305, n->at,
                                 "this `scan` carries %d value%s, but `next` gives %d", s->ncarry,
                                 s->ncarry == 1 ? "" : "s", n->list.n);
    nc_help(e->diag, m, "give one for each carry, in their order");
    return false;
  }
  bool ok = true;
  for (int i = 0; i < s->ncarry; i++) ok = next_of(e, s, i, &n->list.at[i]) && ok;
  return (!n->e || emit_of(e, s, n->e)) && ok;
}

// ---- the block, once

static void site(NcElab *e, NcScan *s) {
  int used = e->frame->randoms ? (*e->frame->randoms)++ : 0;
  struct { uint64_t up, frame, turn; int64_t begin, used; } key = {
    s->up ? s->up->site : 0, e->frame->site, e->frame->turn, s->x->at.begin, used};
  s->site = nc_hash64(23, &key, sizeof key);
}

// Turns are counted over all scans around, so that random numbers differ in each.
static NcTensor *counted(NcElab *e, NcScan *s) {
  if (!e->turn || e->turn->graph != e->graph) return s->turn;
  NcRange at = s->x->at;
  NcTensor *t = nc_arith(e, at, "mul", e->turn, nc_t_const(e, at, NC_I32, (double)s->turns.value));
  return nc_arith(e, at, "add", t, s->turn);
}

static void bind_all(NcElab *e, NcScan *s) {
  NcValue *v = NC_NEW_N(e->arena, NcValue, s->nscanned);
  for (int i = 0; i < s->nscanned; i++) v[i] = nc_v_tensor(s->x->name.at, s->element[i]);
  NcValue element = v[0];
  if (s->from.kind == NC_V_TUPLE) {
    element = nc_v_items(e, NC_V_TUPLE, s->x->name.at, s->nscanned, v);
    element.list.name = s->from.list.name;
  }
  nc_scope_bind(e, e->frame->scope, s->x->name.s, s->x->name.at, element);
  for (int i = 0; i < s->ncarry; i++)
    nc_scope_bind(e, e->frame->scope, s->x->list.at[i].name.s, s->x->list.at[i].at,
                  nc_v_tensor(s->x->list.at[i].at, s->carry[i]));
}

static bool block(NcElab *e, NcScan *s) {
  NcScope *outer = e->frame->scope;
  NcTensor *turn = e->turn;
  s->turn = nc_scan_placeholder(e, s, s->x->at, "turn", NC_I32, 0, NULL);
  e->turn = counted(e, s);
  e->scan = s;
  e->frame->scope = nc_scope(e, outer);
  bind_all(e, s);
  int errors = e->diag->errors;
  bool ok = nc_block(e, s->x->body).kind != NC_V_POISON;
  if (e->diag->errors == errors && !s->has_next) {
    NcMessage *m = nc_elab_error(e, NC_E0304, s->x->body->at, "this `scan` has no `next`");
    nc_help(e->diag, m, "end its block with `next` and a new value for each carry: `next %s`",
            s->ncarry ? s->x->list.at[0].name.s : "h");
    ok = false;
  }
  e->frame->scope = outer;
  e->scan = s->up;
  e->turn = turn;
  return ok;
}

// The block, and the loop made of it. last: one for each carry, those of the states behind the others.
static bool loop(NcElab *e, NcScan *s, NcTensor ***last, NcTensor **stacked) {
  bool ok = block(e, s) && nc_scan_states_carry(e, s);
  *last = NC_NEW_N(e->arena, NcTensor *, s->ncarry + 1);
  ok = ok && nc_scan_loop(e, s, *last, stacked);
  nc_scan_states_leave(s, ok ? *last : NULL);
  return ok;
}

NcValue nc_scan(NcElab *e, const NcExpr *x) {
  NcScan *s = NC_NEW(e->arena, NcScan);   // calls are remembered by it (NcMemo)
  *s = (NcScan){.up = e->scan, .x = x, .number = e->scans++};
  if (!scanned(e, s) || !carries(e, s)) return nc_v_poison();
  site(e, s);
  NcTensor **last, *stacked[NC_MAX_SCANNED];
  if (!loop(e, s, &last, stacked)) return nc_v_poison();
  int n = s->nemit ? s->nemit : x->list.n;
  NcValue *v = NC_NEW_N(e->arena, NcValue, n + 1);
  for (int i = 0; i < n; i++) v[i] = nc_v_tensor(x->at, s->nemit ? stacked[i] : last[i]);
  if (n == 1 && s->emit.kind != NC_V_TUPLE) return v[0];
  NcValue r = nc_v_items(e, NC_V_TUPLE, x->at, n, v);
  if (s->emit.kind == NC_V_TUPLE && r.kind == NC_V_TUPLE) r.list.name = s->emit.list.name;
  return r;
}
