// Variables: declared by `param` and `state`, started in the init graph, changed by `update`.
#include "elab/recipe.h"
#include <string.h>

// Evaluates an initial value for the path in the init graph and makes it that graph's output.
bool nc_initial(NcElab *e, const char *path, NcDtype dtype, int rank, const NcSize *dim, const NcExpr *x, NcRange at) {
  int used = 0;
  NcGraph *graph = e->graph;
  NcFrame f = *e->frame;
  NcTensor *iteration = e->iteration;
  f.site = nc_hash64(11, path, strlen(path));
  f.randoms = &used;
  f.up = e->frame->up;
  NcFrame *outer = e->frame;
  e->frame = &f;
  e->graph = e->init;
  e->iteration = NULL;
  NcTensor *zeros = nc_t_fill(e, at, nc_t_const(e, at, dtype, 0), rank, dim), *t = NULL;
  NcValue v = nc_expr(e, x);
  if (nc_v_callable(&v) && zeros) v = nc_call1(e, v, at, nc_v_tensor(at, zeros));
  if (v.kind != NC_V_POISON) t = nc_to_tensor(e, v, x->at, zeros);
  if (t) t = nc_t_cast(e, at, t, dtype);
  if (t && t->rank == 0) t = nc_t_fill(e, at, t, rank, dim);
  if (t && !nc_type_eq(t->node->type, zeros->node->type)) {
    nc_elab_error(e, NC_E0203, x->at, "the initial value is %s, but %s is needed", nc_t_describe(e, t),
                  nc_dims_describe(e, dtype, rank, dim));
    t = NULL;
  }
  if (t) nc_graph_output(e->init, path, t->node);
  e->frame = outer;
  e->graph = graph;
  e->iteration = iteration;
  return t != NULL;
}

static bool same_again(NcElab *e, const NcVar *v, NcType type, int rank, const NcSize *dim, NcRange at) {
  if (nc_type_eq(v->pub.type, type)) return true;
  NcMessage *m = nc_elab_error(e, NC_E0203, at, "`%s` is %s from its first use, but %s is needed here", v->pub.path,
                               nc_dims_describe(e, v->pub.type.dtype, v->pub.type.shape.rank, v->dim),
                               nc_dims_describe(e, type.dtype, rank, dim));
  nc_help(e->diag, m, "one instance has one set of weights; write the layer twice to have two");
  return false;
}

// What stands for a variable in the current graph: itself, or its average.
static const NcVar *shown_for(NcElab *e, NcVar *v) {
  bool wanted = e->averaged && strcmp(v->pub.kind, "param") == 0;
  bool learns = e->iteration && e->iteration->graph == e->graph;
  if (wanted && !v->average && learns && e->ema > 0 && !v->frozen && !nc_is_frozen(e, v->owner))
    v->average = nc_side_var(e, v, "ema");
  if (wanted && v->average) v = v->average;
  if (v->graph != e->graph) {
    v->graph = e->graph;
    v->now = nc_var(e->graph, v->pub.at, v->pub.path, v->pub.kind, v->pub.type);
    v->next = NULL;
  }
  return v;
}

bool nc_declare(NcElab *e, const NcStmt *s) {
  NcInstance *inst = e->frame->inst;
  if (e->frame->pure || !inst || !inst->fn) {
    nc_help(e->diag, nc_elab_error(e, NC_E0306, s->at, "a `%s` belongs to a layer or a model", nc_stmt_word(s->kind)),
            "declare it with `layer` instead of `fn`");
    return false;
  }
  NcType type;
  int rank;
  NcSize dim[NC_MAX_RANK];
  if (!nc_eval_type(e, s->type, &type.dtype, &rank, dim) || !nc_t_shape(e, s->type->at, rank, dim, &type.shape))
    return false;
  if (s->kind == NC_S_PARAM && !nc_dtype_float(type.dtype)) {
    nc_elab_error(e, NC_E0204, s->type->at, "a parameter must be of floats, not %s", nc_dtype_name(type.dtype));
    return false;
  }
  const char *path = nc_sprintf(e->arena, "%s.%s%s", inst->path, s->name.s, inst->suffix);
  NcVar *v = nc_map_get(&e->by_path, path);
  if (v && v->declared != s) {
    nc_elab_error(e, NC_E0302, s->at, "`%s` already has something called `%s`", inst->path, s->name.s);
    return false;
  }
  if (!v) {
    v = NC_NEW(e->arena, NcVar);
    v->declared = s;
    v->pub = (NcVariable){.path = path, .kind = *inst->suffix ? "opt" : s->kind == NC_S_PARAM ? "param" : "state",
                          .type = type, .at = nc_here(e, s->at)};
    memcpy(v->dim, dim, sizeof dim);
    v->frozen = s->frozen;
    v->owner = inst;
    nc_map_set(&e->by_path, path, v);
    *NC_PUSH(e->arena, e->var) = v;
    *NC_PUSH(e->arena, inst->var) = v;
    if (!nc_initial(e, path, type.dtype, rank, dim, s->e, s->at)) v->failed = true;
  } else if (!same_again(e, v, type, rank, dim, s->at)) return false;
  if (v->failed) return false;
  const NcVar *shown = shown_for(e, v);
  nc_scan_state(e, v);
  // Where a layer is called again in one graph, its state is what the call before left.
  NcNode *node = shown->next ? shown->next : shown->now;
  if (!nc_scope_bind(e, e->frame->scope, s->name.s, s->name.at, nc_v_tensor(s->at, nc_t(e, s->at, node, rank, dim))))
    return false;
  NcLocal *local = nc_lookup_local(e->frame->scope, s->name.s);
  local->var = v;
  local->scan = e->scan;
  return true;
}

bool nc_update(NcElab *e, const NcStmt *s) {
  NcLocal *b = nc_lookup_local(e->frame->scope, s->name.s);
  NcVar *v = b ? b->var : NULL;
  if (!v || strcmp(v->pub.kind, "param") == 0) {
    NcMessage *m = nc_elab_error(e, b ? NC_E0306 : NC_E0301, s->name.at,
                                 b ? "`update` changes a `state`, and `%s` is none" : "unknown name `%s`", s->name.s);
    if (!b) nc_help(e->diag, m, "declare it: `state %s: f32[…] = zeros`", s->name.s);
    return false;
  }
  NcValue x = nc_expr(e, s->e);
  if (x.kind == NC_V_POISON) return false;
  NcTensor *t = nc_to_tensor(e, x, s->e->at, b->value.t);
  if (t) t = nc_t_cast(e, s->at, t, v->pub.type.dtype);
  if (t && t->rank == 0) t = nc_t_fill(e, s->at, t, v->pub.type.shape.rank, v->dim);
  if (!t) return false;
  if (!nc_type_eq(t->node->type, v->pub.type)) {
    nc_elab_error(e, NC_E0203, s->at, "the new value of `%s` is %s, but it is %s", s->name.s, nc_t_describe(e, t),
                  nc_dims_describe(e, v->pub.type.dtype, v->pub.type.shape.rank, v->dim));
    return false;
  }
  if (!e->training) return true;
  nc_scan_state(e, v);
  v->next = t->node;
  return true;
}

// At the end of a graph: one assignment for each variable that changes in it.
void nc_assign_all(NcElab *e) {
  for (int i = 0; i < e->var.n; i++) {
    NcVar *v = e->var.at[i];
    if (v->graph == e->graph && v->next && v->next != v->now) nc_assign(e->graph, v->next->at, v->now, v->next);
  }
}
