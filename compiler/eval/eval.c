// The reference evaluator: each node's own evaluator over arrays of double, in id order.
//
// Arrays live in the caller's arena. Without `keep`, an array whose last reader is done goes to a list of free ones
// of its size class and is used again, so that the starting values of a large model need no more than its widest place.
// A reshape shares its operand's array.
#include "eval/eval.h"
#include <string.h>
#include "ops/op.h"
#include "ops/rows.h"

enum { CLASSES = 48 };

typedef struct Free { struct Free *next; } Free;
typedef struct { double *at; int refs, size_class; } Array;

typedef struct {
  const NcGraph *g;
  NcDiag *d;
  const NcEvalOptions *o;
  bool *live;
  int *readers;          // by node: readers that are still to come; roots count as one
  Array **array;         // by node
  Free *free[CLASSES];   // by size class: arrays of 16 << class doubles
} Run;

static Array *new_array(Run *r, int64_t count) {
  int c = 0;
  while (((int64_t)16 << c) < count) c++;
  Array *a = NC_NEW(r->o->arena, Array);
  *a = (Array){.refs = 1, .size_class = c};
  Free *f = r->free[c];
  if (f) r->free[c] = f->next;
  if (!r->o->keep) count = (int64_t)16 << c;   // what may be used again must do for every size of its class
  a->at = f ? (double *)f : NC_NEW_N(r->o->arena, double, count);
  return a;
}

static void release(Run *r, int id) {
  Array *a = r->array[id];
  if (--r->readers[id] > 0 || --a->refs > 0 || r->o->keep) return;
  Free *f = (Free *)a->at;
  f->next = r->free[a->size_class];
  r->free[a->size_class] = f;
}

static bool wanted(const Run *r, int output) { return !r->o->wants || r->o->wants(r->o->user, output); }

static void mark(Run *r) {
  const NcGraph *g = r->g;
  for (int i = 0; i < g->output.n; i++) r->readers[g->output.at[i].node->id] += wanted(r, i);
  for (int i = 0; i < g->effect.n; i++) r->readers[g->effect.at[i]->id]++;
  for (int i = g->node.n - 1; i >= 0; i--) {
    r->live[i] = r->readers[i] > 0;
    for (int k = 0; r->live[i] && k < g->node.at[i]->nin; k++) r->readers[g->node.at[i]->in[k]->id]++;
  }
}

static const double *bound(const Run *r, const NcNode *n) {
  const char *name = nc_attr_str(n, "name");
  for (int i = 0; i < r->o->nbind; i++)
    if (strcmp(r->o->bind[i].name, name) == 0) return r->o->bind[i].value;
  nc_error(r->d, NC_E0901, n->at, "%s \"%s\" was given no value", n->op->name, name);
  return NULL;
}

static void round_all(const NcNode *n, double *v, bool floats) {
  NcDtype t = n->type.dtype;
  int64_t count = nc_count(n->type.shape);
  if (nc_dtype_float(t) && !floats) return;
  if (t == NC_F32)   // the common case, as a loop that the host's compiler vectorises
    for (int64_t i = 0; i < count; i++) v[i] = (double)(float)v[i];
  else
    for (int64_t i = 0; i < count; i++) v[i] = nc_round_to(t, v[i]);
}

static bool compute(Run *r, const NcNode *n) {
  int64_t count = n->op->room ? n->op->room(n) : nc_count(n->type.shape);
  if (n->op == &nc_row_reshape) {
    r->array[n->id] = r->array[n->in[0]->id];
    r->array[n->id]->refs++;
    return true;
  }
  Array *to = new_array(r, count);
  r->array[n->id] = to;
  if (!n->op->eval) {
    const double *from = bound(r, n);
    if (!from) return false;
    memcpy(to->at, from, (size_t)count * sizeof(double));
  } else {
    const double **in = NC_NEW_N(r->o->arena, const double *, n->nin);
    for (int k = 0; k < n->nin; k++) in[k] = r->array[n->in[k]->id]->at;
    n->op->eval(&(NcEval){n, in, to->at, r->o->arena, r->o->seed, r->o->round});
  }
  bool moved = n->op->kind == NC_MOVEMENT && n->op != &nc_row_pad;      // of what is rounded already; padding is a number of its own
  if (!n->op->room && !moved) round_all(n, to->at, r->o->round);
  return true;
}

static bool hand_out(Run *r, int id) {
  const NcGraph *g = r->g;
  for (int i = 0; i < g->output.n; i++) {
    if (g->output.at[i].node->id != id || !wanted(r, i)) continue;
    if (!r->o->take(r->o->user, &g->output.at[i], r->array[id]->at)) return false;
    release(r, id);
  }
  return true;
}

bool nc_eval(const NcGraph *g, NcDiag *d, const NcEvalOptions *o, double **value) {
  int count = g->node.n;
  Run r = {.g = g, .d = d, .o = o};
  r.live = NC_NEW_N(o->arena, bool, count + 1);
  r.readers = NC_NEW_N(o->arena, int, count + 1);
  r.array = NC_NEW_N(o->arena, Array *, count + 1);
  mark(&r);
  for (int i = 0; i < count; i++) {
    value[i] = NULL;
    if (!r.live[i]) continue;
    const NcNode *n = g->node.at[i];
    if (!compute(&r, n)) return false;
    for (int k = 0; k < n->nin; k++) release(&r, n->in[k]->id);
    if (o->take && !hand_out(&r, i)) return false;
  }
  for (int i = 0; i < count; i++)
    if (r.live[i] && (o->keep || r.readers[i] > 0)) value[i] = r.array[i]->at;
  return true;
}
