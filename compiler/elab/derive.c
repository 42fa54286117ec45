// grad(e, x): the gradient of the scalar e by the tensor that x names, as nodes of the same graph. It can be used like any
// other tensor: in a loss, which is then differentiated again, or in another grad.
//
// The gradient is by the value: wherever that value was used on the way to e, and `x` names it at this place.
#include "elab/tensor.h"

static bool floats(const NcNode *n) { return nc_dtype_float(n->type.dtype); }

NcPath nc_path(const NcElab *e, const NcNode *from, const NcNode *to) {
  const NcGraph *g = e->graph;
  bool *any = NC_NEW_N(e->arena, bool, to->id + 1), *smooth = NC_NEW_N(e->arena, bool, to->id + 1);
  bool *leads = NC_NEW_N(e->arena, bool, to->id + 1);
  NcPath p = {0};
  if (from->id > to->id) return p;
  any[from->id] = smooth[from->id] = true;
  for (int i = from->id + 1; i <= to->id; i++) {
    const NcNode *n = g->node.at[i];
    for (int k = 0; k < n->nin; k++) {
      any[i] = any[i] || any[n->in[k]->id];
      smooth[i] = smooth[i] || (smooth[n->in[k]->id] && floats(n));
    }
  }
  leads[to->id] = true;
  for (int i = to->id; i >= from->id; i--) {
    const NcNode *n = g->node.at[i];
    for (int k = 0; leads[i] && k < n->nin; k++) {
      leads[n->in[k]->id] = true;
      if (smooth[n->in[k]->id] && !smooth[i]) p.stop = n;
    }
  }
  p.any = any[to->id];
  p.smooth = smooth[to->id];
  return p;
}

// Where the gradient ends: `argmax` gives i32, `eq` gives bool.
void nc_label_stop(NcElab *e, NcMessage *m, const NcNode *stop) {
  const char *called = stop->op->kind == NC_REDUCE ? nc_attr_str(stop, "op") : stop->op->name;
  nc_elab_label(e, m, stop->at, nc_sprintf(e->arena, "`%s` gives %s: what follows has no gradient", called,
                                           nc_dtype_name(stop->type.dtype)));
}

static NcTensor *of_what(NcElab *e, const NcExpr *x) {
  NcValue v = nc_expr(e, x->a);
  NcTensor *y = v.kind == NC_V_POISON ? NULL : nc_to_tensor(e, v, x->a->at, NULL);
  if (!y) return NULL;
  if (y->rank) {
    NcMessage *m = nc_elab_error(e, NC_E0202, x->a->at, "`grad` differentiates one number, but this is %s",
                                 nc_t_describe(e, y));
    nc_label_history(e, m, y);
    nc_help(e->diag, m, "take its sum: `grad(sum(…), %s)`; where each example has values of its own, so has its gradient",
            x->name.s);
    return NULL;
  }
  if (floats(y->node)) return y;
  nc_elab_error(e, NC_E0210, x->a->at, "%s has no gradient", nc_t_describe(e, y));
  return NULL;
}

static NcTensor *by_what(NcElab *e, const NcExpr *x) {
  NcValue v = nc_lookup(e, &x->name);
  if (v.kind == NC_V_POISON) return NULL;
  if (v.kind == NC_V_TENSOR && floats(v.t->node)) return v.t;
  NcMessage *m = nc_elab_error(e, v.kind == NC_V_TENSOR ? NC_E0210 : NC_E0205, x->name.at,
                               "`grad` needs the name of a tensor of floats, but `%s` is %s", x->name.s, nc_v_describe(e, &v));
  if (v.kind == NC_V_INSTANCE)
    nc_help(e->diag, m, "a layer's parameters are differentiated by the optimizer, or by name inside the layer");
  else if (v.kind == NC_V_INT || v.kind == NC_V_FLOAT)
    nc_help(e->diag, m, "it is known at compile time; make a tensor of it first: `let %s_ = fill[1](%s)`", x->name.s, x->name.s);
  else if (v.kind == NC_V_TUPLE) nc_help(e->diag, m, "name one of its tensors first: `let (a, b) = %s`", x->name.s);
  return NULL;
}

NcValue nc_derive(NcElab *e, const NcExpr *x) {
  NcTensor *y = of_what(e, x), *by = by_what(e, x);
  if (!y || !by) return nc_v_poison();
  NcPath p = nc_path(e, by->node, y->node);
  if (!p.smooth) {
    NcMessage *m = nc_elab_error(e, NC_E0210, x->at, p.any ? "no gradient passes from `%s` to this" : "this does not depend on `%s`",
                                 x->name.s);
    if (p.any) {
      nc_label_stop(e, m, p.stop);
      nc_help(e->diag, m, "leave that out of what is differentiated, or use something smooth in its place");
    } else {
      nc_elab_label(e, m, by->at, nc_sprintf(e->arena, "`%s` is this", x->name.s));
      nc_help(e->diag, m, "`%s` must be what was computed with, under the name it had there", x->name.s);
    }
    return nc_v_poison();
  }
  NcNode *wrt = by->node, *g;
  if (!nc_grad(e->graph, y->node, 1, &wrt, &g)) {
    NcMessage *m = e->diag->messages.n ? e->diag->messages.at[e->diag->messages.n - 1] : NULL;
    if (m && m->code == NC_E0210) nc_elab_label(e, m, x->at, "this `grad` goes through it");
    return nc_v_poison();
  }
  return nc_v_tensor(x->at, nc_t_as(e, x->at, g, by));
}
