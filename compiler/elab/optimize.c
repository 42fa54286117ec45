// Gradients of the loss, and the optimizer: a layer of weight and gradient, applied to every parameter that is trained.
//
// With `accumulate = k` an update takes k small batches: k - 1 runs of a graph that only adds up gradients (as variables
// beside the parameters), and one that adds the last ones and goes on with the mean. The first of them overwrites what an
// earlier update left, so nothing has to be cleared.
#include "elab/recipe.h"
#include <string.h>

typedef NC_VEC(NcVar *) Vars;

static Vars trainable(NcElab *e) {
  Vars v = {0};
  for (int i = 0; i < e->var.n; i++)
    if (nc_is_trained(e, e->var.at[i])) *NC_PUSH(e->arena, v) = e->var.at[i];
  return v;
}

// The square root of the sum of all squared gradients, for clipping.
static NcTensor *norm(NcElab *e, NcRange at, int n, NcTensor *const *g) {
  NcTensor *sum = NULL;
  for (int i = 0; i < n; i++) {
    int64_t axis[NC_MAX_RANK];
    for (int k = 0; k < g[i]->rank; k++) axis[k] = k;
    NcTensor *s = nc_t_reduce(e, at, "sum", nc_arith(e, at, "mul", g[i], g[i]), g[i]->rank, axis, false);
    sum = sum ? nc_arith(e, at, "add", sum, s) : s;
  }
  return sum ? nc_t_op(e, at, "sqrt", 1, &sum) : NULL;
}

static const NcFn *optimizer(NcElab *e, const NcExpr *x) {
  NcValue v = nc_expr(e, x);
  if (v.kind == NC_V_POISON) return NULL;
  if (v.kind == NC_V_FN && !v.fn->bound) v = nc_bind_hyper(e, v.fn->info, x->at, 0, NULL);
  if (v.kind == NC_V_FN && v.fn->info->decl->kind == NC_D_LAYER && v.fn->info->decl->tensor.n == 2) return v.fn;
  if (v.kind != NC_V_POISON)
    nc_help(e->diag,
            nc_elab_error(e, NC_E0312, x->at, "an optimizer is a layer of weight and gradient, not %s",
                          nc_v_describe(e, &v)),
            "for example `adam(1e-3)`");
  return NULL;
}

// Its states lie at adam.m.PATH, and those of a step or stage at adam.STEP.m.PATH: each has its own.
static bool apply(NcElab *e, const NcFn *fn, const char *part, NcRange at, NcVar *v, NcTensor *g) {
  const char *name = fn->info->decl->name.s;
  NcInstance *inst = NC_NEW(e->arena, NcInstance);
  *inst = (NcInstance){.fn = fn, .up = e->root, .name = name, .path = part ? nc_sprintf(e->arena, "%s.%s", name, part) : name,
                       .suffix = nc_sprintf(e->arena, ".%s", v->pub.path), .layer = at.layer};
  NcActual arg[2] = {{.v = nc_v_tensor(at, nc_t(e, at, v->now, v->pub.type.shape.rank, v->dim))},
                      {.v = nc_v_tensor(at, g)}};
  NcValue w = nc_inline(e, inst, fn, at, 2, arg);
  if (w.kind == NC_V_POISON) return false;
  if (w.kind != NC_V_TENSOR || !nc_type_eq(w.t->node->type, v->pub.type)) {
    nc_elab_error(e, NC_E0312, at, "the optimizer `%s` gives %s for %s", name, nc_v_describe(e, &w),
                  nc_type_str(e->arena, v->pub.type));
    return false;
  }
  v->next = w.t->node;
  return true;
}

static NcTensor *whole(NcElab *e, NcRange at, const NcVar *v, NcNode *n) {
  return nc_t(e, at, n, v->pub.type.shape.rank, v->dim);
}

// At the part's first update (`first`) one value, later another, in v's shape.
static NcTensor *at_first(NcElab *e, NcRange at, const NcVar *v, NcTensor *count, NcTensor *first, NcTensor *later) {
  NcTensor *is = nc_arith(e, at, "eq", count, nc_t_const(e, at, NC_I32, 0));
  NcTensor *pick[3] = {is ? nc_t_fill(e, at, is, v->pub.type.shape.rank, v->dim) : NULL, first, later};
  return pick[0] && first && later ? nc_t_op(e, at, "select", 3, pick) : NULL;
}

// The mean's share of a small batch, added to what the ones before left; in the graph that gathers, kept.
static NcTensor *gathered(NcElab *e, NcRange at, const NcOptimize *o, NcVar *v, NcTensor *g) {
  NcVar *sum = nc_side_var(e, v, "sum");
  NcTensor *share = nc_arith(e, at, "mul", g, nc_t_const(e, at, NC_F32, 1.0 / (double)o->accumulate));
  NcTensor *total = nc_arith(e, at, "add", whole(e, at, v, sum->now), share);
  if (!o->gather || !total) return total;
  NcTensor *kept = at_first(e, at, v, e->micro, share, total);
  if (kept) sum->next = kept->node;
  return kept;
}

// The average follows the new weight: a ← a + (1 - decay) (w - a), and is the weight itself after the first update.
static bool average(NcElab *e, NcRange at, const NcOptimize *o, NcVar *v) {
  bool fresh = !v->average || !v->averaging;
  if (!v->average) v->average = nc_side_var(e, v, "ema");
  NcVar *a = nc_side_var(e, v, "ema");
  NcTensor *w = whole(e, at, v, v->next), *old = whole(e, at, v, a->now);
  NcTensor *step = nc_arith(e, at, "mul", nc_arith(e, at, "sub", w, old), nc_t_const(e, at, NC_F32, 1 - o->ema));
  NcTensor *next = nc_arith(e, at, "add", old, step);
  if (next && fresh) next = at_first(e, at, v, e->iteration, w, next);
  if (next) a->next = next->node;
  return next != NULL;
}

static bool update(NcElab *e, const NcOptimize *o, const NcFn *fn, Vars v, NcTensor **g) {
  NcRange at = o->part->optimizer->at;
  at.layer = nc_diag_layer(e->diag, fn->info->decl->name.s);
  bool ok = true;
  if (o->accumulate > 1)
    for (int i = 0; ok && i < v.n; i++) ok = (g[i] = gathered(e, at, o, v.at[i], g[i])) != NULL;
  if (!ok || o->gather) return ok;
  e->grad_norm = norm(e, at, v.n, g);
  for (int i = 0; ok && i < v.n; i++) ok = apply(e, fn, o->part->name, at, v.at[i], g[i]);
  e->grad_norm = NULL;
  for (int i = 0; ok && o->ema > 0 && i < v.n; i++) ok = average(e, at, o, v.at[i]);
  return ok;
}

// What the loss depends on, and what by floats alone: one walk back for all parameters.
static void walk_back(const NcElab *e, const NcNode *loss, bool *any, bool *smooth) {
  any[loss->id] = smooth[loss->id] = true;
  for (int i = loss->id; i >= 0; i--) {
    const NcNode *n = e->graph->node.at[i];
    for (int k = 0; any[i] && k < n->nin; k++) {
      any[n->in[k]->id] = true;
      smooth[n->in[k]->id] = smooth[n->in[k]->id] || (smooth[i] && nc_dtype_float(n->in[k]->type.dtype));
    }
  }
}

// A parameter that the loss depends on, but through an index or a comparison alone, would keep its first value for ever.
static bool all_reached(NcElab *e, const NcOptimize *o, Vars v, const NcNode *loss) {
  bool *any = NC_NEW_N(e->arena, bool, loss->id + 1), *smooth = NC_NEW_N(e->arena, bool, loss->id + 1);
  const NcVar *first = NULL;
  int cut = 0;
  walk_back(e, loss, any, smooth);
  for (int i = 0; i < v.n; i++) {
    const NcNode *n = v.at[i]->now;
    if (n->id > loss->id || !any[n->id] || smooth[n->id]) continue;
    if (cut++ == 0) first = v.at[i];
  }
  if (!first) return true;
  NcMessage *m = nc_elab_error(e, NC_E0210, o->part->loss->at, "no gradient passes from `%s`%s to this loss", first->pub.path,
                               cut > 1 ? nc_sprintf(e->arena, " (and %d more)", cut - 1) : "");
  nc_label_stop(e, m, nc_path(e, first->now, loss).stop);
  nc_help(e->diag, m, "use something smooth in its place; a layer that is to stay as it is can be `frozen`");
  return false;
}

bool nc_optimize(NcElab *e, const NcOptimize *o, NcTensor *loss) {
  const NcExpr *x = o->part->optimizer;
  const NcFn *fn = optimizer(e, x);
  if (!fn || !loss || !nc_only_found(e)) return false;
  Vars v = trainable(e);
  if (v.n == 0) return true;
  if (!all_reached(e, o, v, loss->node)) return false;
  NcNode **wrt = NC_NEW_N(e->arena, NcNode *, v.n), **grad = NC_NEW_N(e->arena, NcNode *, v.n);
  NcTensor **g = NC_NEW_N(e->arena, NcTensor *, v.n);
  for (int i = 0; i < v.n; i++) wrt[i] = v.at[i]->now;
  if (!nc_grad(e->graph, loss->node, v.n, wrt, grad)) return false;
  for (int i = 0; i < v.n; i++)
    if (!(g[i] = whole(e, x->at, v.at[i], grad[i]))) return false;
  return update(e, o, fn, v, g);
}
