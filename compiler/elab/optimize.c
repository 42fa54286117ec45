// Gradients of the loss, and the optimizer: a layer of weight and gradient, applied to every parameter.
#include "elab/recipe.h"
#include <string.h>

typedef NC_VEC(NcVar *) Vars;

static Vars trainable(NcElab *e) {
  Vars v = {0};
  for (int i = 0; i < e->var.n; i++) {
    NcVar *x = e->var.at[i];
    if (strcmp(x->pub.kind, "param") == 0 && !x->frozen && x->graph == e->graph) *NC_PUSH(e->arena, v) = x;
  }
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

static bool apply(NcElab *e, const NcFn *fn, NcRange at, NcVar *v, NcTensor *g) {
  const char *name = fn->info->decl->name.s;
  NcInstance *inst = NC_NEW(e->arena, NcInstance);
  *inst = (NcInstance){.fn = fn, .up = e->root, .name = name, .path = name, .suffix = nc_sprintf(e->arena, ".%s",
                       v->pub.path)};
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

bool nc_optimize(NcElab *e, const NcExpr *x, NcTensor *loss) {
  const NcFn *fn = optimizer(e, x);
  Vars v = trainable(e);
  if (!fn || !loss || v.n == 0) return fn != NULL;
  NcNode **wrt = NC_NEW_N(e->arena, NcNode *, v.n), **grad = NC_NEW_N(e->arena, NcNode *, v.n);
  NcTensor **g = NC_NEW_N(e->arena, NcTensor *, v.n);
  for (int i = 0; i < v.n; i++) wrt[i] = v.at[i]->now;
  if (!nc_grad(e->graph, loss->node, v.n, wrt, grad)) return false;
  for (int i = 0; i < v.n; i++)
    if (!(g[i] = nc_t(e, x->at, grad[i], v.at[i]->pub.type.shape.rank, v.at[i]->dim))) return false;
  e->grad_norm = norm(e, x->at, v.n, g);
  bool ok = true;
  for (int i = 0; ok && i < v.n; i++) ok = apply(e, fn, x->at, v.at[i], g[i]);
  e->grad_norm = NULL;
  return ok;
}
