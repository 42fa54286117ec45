// Layers with their own parameters: instances, their paths, their variables, and calls of them.
//
// A path is made of names: `as name`, else the name of the `let` that binds the layer, else the layer's own, numbered
// where it repeats in one parent (dense, dense_2, dense_3). What distinguishes instances is the place of the call in
// the source and the turns of the `repeat`s around it, so that training and inference find the same ones.
#include "elab/scan.h"
#include "ops/loop.h"
#include <string.h>

// ---- instances ----

static bool taken(const NcInstance *up, const char *name) {
  for (int i = 0; i < up->child.n; i++)
    if (strcmp(up->child.at[i].inst->name, name) == 0) return true;
  for (int i = 0; i < up->var.n; i++)
    if (strcmp(strrchr(up->var.at[i]->pub.path, '.') + 1, name) == 0) return true;
  return false;
}

// name, name_2, name_3 …: the first that is free. From the number that was given last, since none becomes free again.
static const char *numbered(NcElab *e, NcInstance *up, const char *name) {
  if (!taken(up, name)) return name;
  if (!up->last.arena) up->last = NC_MAP(e->arena);
  int *last = nc_map_get(&up->last, name);
  if (!last) {
    last = NC_NEW(e->arena, int);
    *last = 1;
    nc_map_set(&up->last, name, last);
  }
  const char *s;
  do s = nc_sprintf(e->arena, "%s_%d", name, ++*last);
  while (taken(up, s));
  return s;
}

NcInstance *nc_instance(NcElab *e, const NcFn *fn, const void *site, const char *name, NcRange at) {
  NcInstance *up = e->frame->inst;
  const char *as = e->as;
  bool frozen = e->as && e->as_frozen;
  const NcWeights *from = e->as ? e->as_from : NULL;
  e->as = NULL;
  if (e->frame->pure || !up) {
    bool task = e->frame->info && e->frame->info->decl->kind == NC_D_TASK;
    NcMessage *m = nc_elab_error(
        e, NC_E0306, at, "a layer cannot be made here: %s owns no parameters",
        e->frame->info ? nc_sprintf(e->arena, "the %s `%s`", task ? "task" : "function", e->frame->info->decl->name.s)
                       : "this place");
    if (task) nc_help(e->diag, m, "a task uses what a model is made of: `%s` inside a model, then `MODEL.%s(x)` here",
                      fn->info->decl->name.s, fn->info->decl->name.s);
    else nc_help(e->diag, m, "declare it with `layer` instead of `fn`, or hand the layer in as an argument");
    return NULL;
  }
  for (int i = 0; i < up->child.n; i++) {
    NcChild *c = &up->child.at[i];
    if (c->site != site || c->turn != e->frame->turn) continue;
    c->inst->fn = fn;
    return c->inst;
  }
  if (as && taken(up, as)) {
    nc_elab_error(e, NC_E0302, at, "`%s` already has a layer `%s`", up->path, as);
    return NULL;
  }
  NcInstance *inst = NC_NEW(e->arena, NcInstance);
  inst->fn = fn;
  inst->up = up;
  inst->name = numbered(e, up, as ? as : name ? name : fn->info->decl->name.s);
  inst->path = *up->path ? nc_sprintf(e->arena, "%s.%s", up->path, inst->name) : inst->name;
  inst->layer = nc_diag_layer(e->diag, inst->path);
  inst->frozen = frozen;
  inst->from = from;
  inst->from_at = e->as_from_at;
  inst->suffix = "";
  *NC_PUSH(e->arena, up->child) = (NcChild){site, e->frame->turn, inst};
  return inst;
}

// The one instance that a model's name means.
NcInstance *nc_model_instance(NcElab *e, NcInfo *info, NcRange at) {
  for (int i = 0; i < e->root->child.n; i++)
    if (e->root->child.at[i].site == info) return e->root->child.at[i].inst;
  NcValue f = nc_bind_hyper(e, info, at, 0, NULL);
  if (f.kind == NC_V_POISON) return NULL;
  NcFrame top = {.up = e->frame, .inst = e->root, .module = e->user, .call = at};
  e->frame = &top;
  NcInstance *i = nc_instance(e, f.fn, info, NULL, at);
  e->frame = top.up;
  return i;
}

// ---- calls ----

bool nc_same_value(const NcValue *a, const NcValue *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
    case NC_V_TENSOR: return a->t->node == b->t->node;
    case NC_V_INT: return nc_size_eq(a->size, b->size);
    case NC_V_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case NC_V_BOOL: return a->b == b->b;
    case NC_V_FN: return a->fn == b->fn;
    case NC_V_TUPLE:
    case NC_V_LIST:
      if (a->list.n != b->list.n) return false;
      for (int i = 0; i < a->list.n; i++)
        if (!nc_same_value(&a->list.item[i], &b->list.item[i])) return false;
      return true;
    default: return false;
  }
}

bool nc_memo_holds(const NcElab *e, const NcMemo *m) {   // each turn of a scan draws its own random numbers
  return m->averaged == e->averaged && m->training == e->training && m->graph == e->graph && m->scan == e->scan;
}

NcMemo nc_memo(const NcElab *e, int n, const NcValue *arg, NcValue result) {
  return (NcMemo){.graph = e->graph, .scan = e->scan, .averaged = e->averaged, .training = e->training, .n = n, .arg = arg,
                  .result = result};
}

static const NcValue *remembered(const NcElab *e, const NcInstance *inst, int n, const NcActual *arg, int *calls) {
  *calls = 0;
  for (int i = 0; i < inst->memo.n; i++) {
    const NcMemo *m = &inst->memo.at[i];
    if (!nc_memo_holds(e, m)) continue;
    ++*calls;
    bool same = m->n == n;
    for (int k = 0; same && k < n; k++) same = !arg[k].name && nc_same_value(&m->arg[k], &arg[k].v);
    if (same) return &m->result;
  }
  return NULL;
}

const NcTensor *nc_first_tensor(const NcValue *v) {
  if (v->kind == NC_V_TENSOR) return v->t;
  for (int i = 0; (v->kind == NC_V_TUPLE || v->kind == NC_V_LIST) && i < v->list.n; i++)
    if (nc_first_tensor(&v->list.item[i])) return nc_first_tensor(&v->list.item[i]);
  return NULL;
}

static int64_t owned(const NcInstance *inst) {
  int64_t n = 0;
  for (int i = 0; i < inst->var.n; i++)
    if (strcmp(inst->var.at[i]->pub.kind, "param") == 0) n += nc_count(inst->var.at[i]->pub.type.shape);
  for (int i = 0; i < inst->child.n; i++) n += owned(inst->child.at[i].inst);
  return n;
}

int64_t nc_node_macs(const NcNode *n) {   // multiply-adds of a contraction or a convolution, and of loops
  NcLoop l;
  if (nc_loop_of(n, &l)) {
    int64_t sum = 0;
    for (int i = 0; i < l.body->node.n; i++) sum += nc_node_macs(l.body->node.at[i]);
    return sum * l.trips;
  }
  int64_t out = nc_count(n->type.shape);
  if (n->op->kind == NC_DOT) {
    int ncon;
    const int64_t *con = nc_attr_ints(n, "acon", &ncon);
    for (int i = 0; i < ncon; i++) out *= n->in[0]->type.shape.dim[con[i]];
    return out;
  }
  NcConv c;
  if (n->op->kind == NC_ATTENTION) {      // each query with each key, and with its value
    NcShape q = n->in[0]->type.shape, v = n->in[2]->type.shape;
    return q.dim[0] * q.dim[1] * q.dim[2] * v.dim[2] * (q.dim[3] + v.dim[3]);
  }
  if (n->op->kind != NC_CONV || strcmp(n->op->name, "conv") != 0 || !nc_conv_of(n, &c)) return 0;
  out *= nc_count(n->in[1]->type.shape) / n->in[1]->type.shape.dim[0];
  for (int i = 0; i < c.spatial; i++) out /= c.dilate_x[i];   // the zeros between count for nothing
  return out;
}

static void finish_row(NcElab *e, int row, int first_node, const NcInstance *inst, const NcValue *r,
                       int64_t dead) {
  NcLayerRow *w = &e->row.at[row];
  const NcTensor *t = nc_first_tensor(r);
  if (t) w->type = t->node->type;
  w->params = owned(inst);
  for (int i = first_node; i < e->graph->node.n; i++) w->macs += nc_node_macs(e->graph->node.at[i]);
  w->macs -= dead;
  if (e->batch > 0) w->macs /= e->batch;
}

static bool has_row(const NcElab *e, const char *path) {
  for (int i = 0; i < e->row.n; i++)
    if (strcmp(e->row.at[i].path, path) == 0) return true;
  return false;
}

// With the averages of its weights, and as in inference.
static NcValue call_averaged(NcElab *e, NcInstance *inst, NcRange at, int n, const NcActual *arg) {
  bool averaged = e->averaged, training = e->training;
  e->averaged = true;
  e->training = false;
  NcValue v = nc_call_instance(e, inst, at, n, arg);
  e->averaged = averaged;
  e->training = training;
  return v;
}

NcValue nc_call_instance(NcElab *e, NcInstance *inst, NcRange at, int n, const NcActual *arg) {
  if (inst->average_of) return call_averaged(e, inst->average_of, at, n, arg);
  int calls;
  const NcValue *old = remembered(e, inst, n, arg, &calls);
  if (old) return *old;
  int row = -1, first_node = e->graph->node.n, used = 0;
  int64_t dead = e->scan_macs;
  bool rows = e->rows;
  if (rows && inst->up == e->root && has_row(e, inst->path)) e->rows = false;   // a model that several losses call
  if (e->rows) {
    row = e->row.n;
    *NC_PUSH(e->arena, e->row) = (NcLayerRow){.depth = e->row_depth++, .name = inst->fn->info->decl->name.s,
                                              .path = inst->path, .at = at};
  }
  uint64_t site = e->frame->site;
  int *randoms = e->frame->randoms;
  e->frame->site = nc_hash64((uint64_t)calls + (e->scan ? e->scan->site : 0), inst->path, strlen(inst->path));
  e->frame->randoms = &used;
  bool training = e->training;
  bool learns = e->iteration && e->iteration->graph == e->graph && !e->averaged;   // a part of a frozen layer may
  e->training = !nc_is_frozen(e, inst) && (training || learns);
  NcValue r = nc_inline(e, inst, inst->fn, at, n, arg);
  e->training = training;
  e->frame->site = site;
  e->frame->randoms = randoms;
  e->rows = rows;
  if (row >= 0) {
    e->row_depth--;
    finish_row(e, row, first_node, inst, &r, e->scan_macs - dead);
  }
  NcValue *copy = NC_NEW_N(e->arena, NcValue, n + 1);
  for (int i = 0; i < n; i++) copy[i] = arg[i].v;
  *NC_PUSH(e->arena, inst->memo) = nc_memo(e, n, copy, r);
  if (e->watch == inst && !e->watched.kind && !e->scan) e->watched = r;
  return r;
}
