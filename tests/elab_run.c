#include "elab_run.h"
#include <math.h>
#include <string.h>
#include "ops/op.h"

void bind_value(NcArena *a, Binds *b, const char *name, const double *v) {
  for (int i = 0; i < b->bind.n; i++)
    if (strcmp(b->bind.at[i].name, name) == 0) {
      b->bind.at[i].value = v;
      return;
    }
  *NC_PUSH(a, b->bind) = (NcBinding){name, v};
}

double *value_named(const Binds *b, const char *name) {
  for (int i = 0; i < b->bind.n; i++)
    if (strcmp(b->bind.at[i].name, name) == 0) return (double *)(uintptr_t)b->bind.at[i].value;
  return NULL;
}

static double **evaluate(NcArena *a, NcDiag *d, const NcGraph *g, const Binds *b, uint64_t seed) {
  double **value = NC_NEW_N(a, double *, g->node.n + 1);
  NcEvalOptions o = {.arena = a, .nbind = b ? b->bind.n : 0, .bind = b ? b->bind.at : NULL, .seed = seed};
  return nc_eval(g, d, &o, value) ? value : NULL;
}

bool bind_outputs(NcArena *a, NcDiag *d, const NcGraph *init, Binds *b) {
  double **v = evaluate(a, d, init, NULL, 1);
  for (int i = 0; v && i < init->output.n; i++) {   // equal values are one node, but each variable is changed by itself
    const NcNode *n = init->output.at[i].node;
    bind_value(a, b, init->output.at[i].name, nc_memdup(a, v[n->id], (size_t)nc_count(n->type.shape) * sizeof(double)));
  }
  return v != NULL;
}

double **outputs_of(NcArena *a, NcDiag *d, const NcGraph *g, const Binds *b, uint64_t seed) {
  double **v = evaluate(a, d, g, b, seed), **out = NC_NEW_N(a, double *, g->output.n + 1);
  for (int i = 0; v && i < g->output.n; i++) out[i] = v[g->output.at[i].node->id];
  return v ? out : NULL;
}

double *output_of(NcArena *a, NcDiag *d, const NcGraph *g, const Binds *b, const char *name) {
  double **v = evaluate(a, d, g, b, 1);
  NcNode *n = nc_graph_find_output(g, name);
  return v && n ? v[n->id] : NULL;
}

double run_step(NcArena *a, NcDiag *d, const NcGraph *step, Binds *b, int iteration) {
  double *now = NC_NEW(a, double);
  *now = iteration;
  bind_value(a, b, "step", now);
  double **v = evaluate(a, d, step, b, 1);
  if (!v) return NAN;
  for (int i = 0; i < step->effect.n; i++) {
    const NcNode *n = step->effect.at[i];
    bind_value(a, b, nc_attr_str(n->in[0], "name"),
               nc_memdup(a, v[n->id], (size_t)nc_count(n->type.shape) * sizeof(double)));
  }
  return v[nc_graph_find_output(step, "loss")->id][0];
}

bool describe_some(void *ctx, NcDiag *d, const NcSourceSpec *s, NcFields *out) {
  (void)ctx;
  NcField *f = NC_NEW_N(d->arena, NcField, 2);
  bool image = strcmp(s->kind, "digits") == 0 || strcmp(s->kind, "idx") == 0, table = strcmp(s->kind, "csv") == 0;
  f[0] = (NcField){.name = image ? "image" : "x", .dtype = image ? NC_U8 : NC_F32, .shape = image ? NC_SHAPE(28,
                   28) : NC_SHAPE(table ? 4 : 2)};
  f[1] = (NcField){.name = "label", .dtype = NC_I32, .shape = NC_SCALAR, .classes = image ? 10 : table ? 3 : 2};
  if (strcmp(s->kind, "pairs") == 0) f[1] = (NcField){.name = "y", .dtype = NC_F32, .shape = NC_SHAPE(1)};
  bool text = strcmp(s->kind, "text") == 0;
  if (text) f[0] = (NcField){.name = "tok", .dtype = NC_I32, .shape = NC_SHAPE(17), .classes = 65};
  *out = (NcFields){.at = f, .n = text ? 1 : 2, .examples = 2000};
  return true;
}
