// Leaves: values that are given, not computed. Their type is declared; the rules check it.
#include <string.h>
#include "ops/rows.h"

// ---- const: a scalar `value`, or a small table `values` of any shape

static bool holds(NcDtype t, double v) { return nc_dtype_float(t) || nc_round_to(t, v) == v; }

static bool const_infer(NcDiag *d, const NcNode *n, NcType *out) {
  const NcAttr *one = nc_attr(n, "value"), *table = nc_attr(n, "values");
  if (!one == !table) return nc_refuse(d, NC_E0205, n, "needs either value or values");
  int64_t count = nc_count(out->shape);
  if (one && out->shape.rank) return nc_refuse(d, NC_E0202, n, "one value fills a scalar only; broadcast it");
  if (table && table->n != count)
    return nc_refuse(d, NC_E0207, n, "%d values for %s", table->n, nc_type_str(d->arena, *out));
  const double *v = one ? &one->f : table->floats;
  for (int64_t i = 0; i < count; i++)
    if (!holds(out->dtype, v[i])) return nc_refuse(d, NC_E0209, n, "%g is no %s", v[i], nc_dtype_name(out->dtype));
  return true;
}

static void const_eval(const NcEval *e) {
  const NcAttr *one = nc_attr(e->node, "value"), *table = nc_attr(e->node, "values");
  if (one) e->out[0] = one->f;
  else memcpy(e->out, table->floats, (size_t)table->n * sizeof(double));
}

static const NcAttrSpec const_attrs[] = {{"value", NC_ATTR_FLOAT, true}, {"values", NC_ATTR_FLOATS, true}, {0}};
const NcOp nc_row_const = {.name = "const", .kind = NC_LEAF, .attrs = const_attrs, .pure = true, .infer = const_infer,
                           .vjp = nc_vjp_none, .eval = const_eval, .doc = "a number, or a small table of numbers"};

// ---- iota: the index along an axis

static bool iota_infer(NcDiag *d, const NcNode *n, NcType *out) {
  if (out->dtype == NC_BOOL) return nc_refuse(d, NC_E0204, n, "counts in numbers, not in bool");
  int64_t axis = nc_attr_int(n, "axis");
  if (axis < 0 || axis >= out->shape.rank)
    return nc_refuse(d, NC_E0206, n, "axis %lld does not exist in %s", (long long)axis, nc_type_str(d->arena, *out));
  return true;
}

static void iota_eval(const NcEval *e) {
  NcShape s = e->node->type.shape;
  int64_t stride[NC_MAX_RANK], axis = nc_attr_int(e->node, "axis"), count = nc_count(s);
  nc_strides(s, stride);
  for (int64_t i = 0; i < count; i++) e->out[i] = (double)(i / stride[axis] % s.dim[axis]);
}

static const NcAttrSpec iota_attrs[] = {{"axis", NC_ATTR_INT}, {0}};
const NcOp nc_row_iota = {.name = "iota", .kind = NC_LEAF, .attrs = iota_attrs, .pure = true, .infer = iota_infer,
                          .vjp = nc_vjp_none, .eval = iota_eval, .doc = "the index along `axis`: 0, 1, 2 …"};

// ---- input, var: bound from outside by name (the evaluator binds them; they have no evaluator of their own)

static bool input_infer(NcDiag *d, const NcNode *n, NcType *out) {
  (void)out;
  return *nc_attr_str(n, "name") || nc_refuse(d, NC_E0205, n, "needs a name");
}

static bool var_infer(NcDiag *d, const NcNode *n, NcType *out) {
  static const char *const kinds[] = {"param", "state", "opt", "ema", "sum", "cache"};
  return input_infer(d, n, out) && nc_need_word(d, n, "kind", kinds, 6);
}

static const NcAttrSpec input_attrs[] = {{"name", NC_ATTR_STR}, {0}};
const NcOp nc_row_input = {.name = "input", .kind = NC_LEAF, .attrs = input_attrs, .pure = true, .infer = input_infer,
                           .vjp = nc_vjp_none, .doc = "a field of the data, or another value given at each run"};

static const NcAttrSpec var_attrs[] = {{"name", NC_ATTR_STR}, {"kind", NC_ATTR_STR}, {0}};
const NcOp nc_row_var = {.name = "var", .kind = NC_LEAF, .attrs = var_attrs, .pure = true, .infer = var_infer,
                         .vjp = nc_vjp_none,
                         .doc = "what is kept between runs: a parameter, a state, an optimizer's value, an average, a sum of gradients"};
