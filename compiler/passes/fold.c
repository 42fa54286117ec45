// Constants: what can be known is computed here, by the operations' own evaluators, rounded to the element type.
#include <math.h>
#include <string.h>
#include "ops/rows.h"
#include "passes/rules.h"

// ---- hoist

// What is broadcast, when the operand is a broadcast of something that is not a constant.
static NcNode *spread_over(const NcNode *n) {
  return nc_is_op(n, "broadcast") && !nc_is_literal(n->in[0]) ? n->in[0] : NULL;
}

static bool same_axes(const NcNode *x, const NcNode *y) {
  int n;
  const int64_t *a = nc_attr_ints(x, "axes", &n), *b = nc_attr_ints(y, "axes", NULL);
  return nc_shape_eq(x->in[0]->type.shape, y->in[0]->type.shape) && memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

NcNode *nc_rule_hoist(NcSimplify *s, NcNode *n) {
  if (n->op->kind != NC_POINTWISE) return NULL;
  NcNode *first = NULL, *in[3];
  double v;
  for (int i = 0; i < n->nin; i++) {
    if (nc_constant(n->in[i], &v)) continue;
    if (!spread_over(n->in[i]) || (first && !same_axes(first, n->in[i]))) return NULL;
    if (!first) first = n->in[i];
  }
  if (!first) return NULL;
  for (int i = 0; i < n->nin; i++) {
    bool fill = nc_constant(n->in[i], &v);
    in[i] = !fill ? n->in[i]->in[0]
            : nc_broadcast(s->g, n->at, nc_const(s->g, n->at, n->in[i]->type.dtype, v), first->in[0]->type.shape, NULL);
  }
  NcNode *y = nc_node(s->g, n->op, n->at, n->nin, in, n->nattr, n->attr);
  return nc_broadcast(s->g, n->at, y, n->type.shape, nc_attr_ints(first, "axes", NULL));
}

// ---- one value everywhere

static bool rounded(const NcNode *n, double v, double *out) {
  *out = nc_dtype_float(n->type.dtype) && n->type.dtype == NC_F32 ? (double)(float)v : nc_round_to(n->type.dtype, v);
  return true;
}

static bool pointwise_value(NcSimplify *s, const NcNode *n, const double *v, double *out) {
  NcNode one = *n;
  one.type.shape = NC_SCALAR;
  const double *in[3] = {&v[0], &v[1], &v[2]};
  double r;
  n->op->eval(&(NcEval){.node = &one, .in = in, .out = &r, .scratch = s->arena});
  return rounded(n, r, out);
}

static bool reduced_value(const NcNode *n, double v, double *out) {
  const char *op = nc_attr_str(n, "op");
  double times = (double)(nc_count(n->in[0]->type.shape) / nc_count(n->type.shape));
  if (strncmp(op, "arg", 3) == 0) *out = 0;
  else if (strcmp(op, "prod") == 0) return false;
  else if (strcmp(op, "sum") == 0) return rounded(n, v * times, out);
  else *out = v;
  return true;
}

static bool value(NcSimplify *s, const NcNode *n, double *out) {
  double v[3] = {0};
  if (nc_is_op(n, "iota")) return *out = 0, n->type.shape.dim[nc_attr_int(n, "axis")] == 1;
  if (!n->nin || (n->op->kind != NC_MOVEMENT && n->nin > 3)) return false;
  for (int i = 0; i < n->nin; i++) {
    double x;
    if (!nc_constant(n->in[i], &x) || (i && n->op->kind == NC_MOVEMENT && x != v[0])) return false;
    v[n->op->kind == NC_MOVEMENT ? 0 : i] = x;
  }
  if (n->op->kind == NC_POINTWISE) return pointwise_value(s, n, v, out);
  if (n->op->kind == NC_REDUCE) return reduced_value(n, v[0], out);
  if (n->op->kind != NC_MOVEMENT) return false;
  *out = v[0];
  return !nc_is_op(n, "pad") || nc_attr_float(n, "value") == v[0];
}

NcNode *nc_rule_fold_fill(NcSimplify *s, NcNode *n) {
  double v;
  if (nc_constant(n, &v) || !value(s, n, &v)) return NULL;
  return nc_filled(s, n, v);
}

// ---- small tables

enum { TABLE = 4096 };

static bool is_table(const NcNode *n) { return nc_is_op(n, "const") && nc_attr(n, "values"); }

static const double *elements(NcSimplify *s, const NcNode *n) {
  double v;
  if (is_table(n)) return nc_attr_floats(n, "values", NULL);
  if (!nc_constant(n, &v)) return NULL;
  int64_t count = nc_count(n->type.shape);
  double *at = NC_NEW_N(s->arena, double, count);
  for (int64_t i = 0; i < count; i++) at[i] = v;
  return at;
}

static bool foldable(const NcNode *n) {
  NcOpKind k = n->op->kind;
  return k == NC_POINTWISE || k == NC_MOVEMENT || k == NC_REDUCE || k == NC_CUMULATIVE;
}

NcNode *nc_rule_fold_table(NcSimplify *s, NcNode *n) {
  bool table = false;
  int64_t count = nc_count(n->type.shape);
  if (!foldable(n) || count > TABLE) return NULL;
  const double **in = NC_NEW_N(s->arena, const double *, n->nin);
  for (int i = 0; i < n->nin; i++) {
    double v;
    if (!is_table(n->in[i]) && !nc_constant(n->in[i], &v)) return NULL;
    if (nc_count(n->in[i]->type.shape) > TABLE) return NULL;
    table |= is_table(n->in[i]);
  }
  // A broadcast of a table is index arithmetic: it is cheaper than a larger table.
  if (!table || nc_is_op(n, "broadcast")) return NULL;
  for (int i = 0; i < n->nin; i++) in[i] = elements(s, n->in[i]);
  double *out = NC_NEW_N(s->arena, double, count);
  n->op->eval(&(NcEval){.node = n, .in = in, .out = out, .scratch = s->arena});
  for (int64_t i = 0; i < count; i++) rounded(n, out[i], &out[i]);
  return nc_table(s->g, n->at, n->type, out);
}
