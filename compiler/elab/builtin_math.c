// Arithmetic by name: pointwise functions, reductions, conversions.
#include "elab/builtin.h"
#include <math.h>
#include <string.h>

static NcValue given(NcArgsOf *c, NcTensor *t) { return nc_v_tensor(c->at, t); }

// ---- pointwise ----

static double sign(double x) { return (x > 0) - (x < 0); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return log1p(exp(-fabs(x))) + fmax(x, 0); }
static double reciprocal(double x) { return 1 / x; }
static double rsqrt(double x) { return 1 / sqrt(x); }

// The functions that numbers known at compile time can go through.
static const struct { const char *name; double (*f)(double); bool whole; } on_numbers[] = {
  {"sqrt", sqrt}, {"exp", exp}, {"log", log}, {"sin", sin}, {"cos", cos}, {"tan", tan}, {"tanh", tanh}, {"erf", erf},
  {"expm1", expm1}, {"log1p", log1p}, {"abs", fabs}, {"sign", sign}, {"sigmoid", sigmoid}, {"softplus", softplus},
  {"reciprocal", reciprocal}, {"rsqrt", rsqrt}, {"floor", floor, true}, {"ceil", ceil, true}, {"round", rint, true},
};

static NcValue number_through(NcArgsOf *c, double x) {
  for (size_t i = 0; i < sizeof on_numbers / sizeof *on_numbers; i++) {
    if (strcmp(on_numbers[i].name, c->op) != 0) continue;
    double y = on_numbers[i].f(x);
    bool keeps = c->v[0].kind == NC_V_INT && (strcmp(c->op, "abs") == 0 || strcmp(c->op, "sign") == 0);
    if ((on_numbers[i].whole || keeps) && fabs(y) < 9e15) return nc_v_int(c->at, nc_size((int64_t)y));
    return nc_v_float(c->at, y);
  }
  return nc_arg_bad(c, 0, "a tensor");
}

NcValue nc_pointwise(NcArgsOf *c) {
  double number;
  if (nc_v_number(&c->v[0], &number)) return number_through(c, number);
  NcTensor *x = nc_arg_t(c, 0);
  if (!x) return nc_v_poison();
  NcDtype t = x->node->type.dtype;
  bool whole = (t == NC_I32 || t == NC_I64) && (strcmp(c->op, "abs") == 0 || strcmp(c->op, "sign") == 0);
  if (!whole) x = nc_to_float(c->e, c->at, x);
  return given(c, x ? nc_t_op(c->e, c->at, c->op, 1, &x) : NULL);
}

// Two operands of one element type and shape; compile-time numbers stay numbers.
static NcValue two(NcArgsOf *c, int i, int k) {
  double a, b;
  if (nc_v_number(&c->v[i], &a) && nc_v_number(&c->v[k], &b) &&
      (strcmp(c->op, "max") == 0 || strcmp(c->op, "min") == 0))
    return (strcmp(c->op, "max") == 0 ? a >= b : a <= b) ? c->v[i] : c->v[k];
  const NcTensor *like = c->v[i].kind == NC_V_TENSOR ? c->v[i].t : c->v[k].kind == NC_V_TENSOR ? c->v[k].t : NULL;
  NcTensor *x[2] = {nc_to_tensor(c->e, c->v[i], c->at, like), nc_to_tensor(c->e, c->v[k], c->at, like)};
  for (int j = 0; j < 2; j++) {
    if (!x[j]) return nc_v_poison();
    NcDtype t = x[j]->node->type.dtype;
    if (t == NC_U8 || t == NC_BOOL || (strcmp(c->op, "atan2") == 0)) x[j] = nc_to_float(c->e, c->at, x[j]);
  }
  return given(c, nc_arith(c->e, c->at, c->op, x[0], x[1]));
}

static NcValue binary(NcArgsOf *c) { return two(c, 0, 1); }

static NcValue where(NcArgsOf *c) {
  if (c->v[0].kind == NC_V_BOOL) return c->v[0].b ? c->v[1] : c->v[2];
  const NcTensor *like = c->v[1].kind == NC_V_TENSOR ? c->v[1].t : c->v[2].kind == NC_V_TENSOR ? c->v[2].t : NULL;
  NcElab *e = c->e;
  NcTensor *x[3] = {nc_arg_t(c, 0), nc_to_tensor(e, c->v[1], c->at, like), nc_to_tensor(e, c->v[2], c->at, like)};
  if (!x[0] || !x[1] || !x[2]) return nc_v_poison();
  if (x[0]->node->type.dtype != NC_BOOL) {
    NcMessage *m = nc_elab_error(e, NC_E0204, c->at, "the condition of `where` must be bool, but this is %s",
                                 nc_t_describe(e, x[0]));
    nc_help(e->diag, m, "compare it: `x > 0`");
    return nc_v_poison();
  }
  NcDtype a = x[1]->node->type.dtype, b = x[2]->node->type.dtype;
  if (a != b) {   // as in arithmetic: floats win
    NcDtype t = nc_dtype_float(a) ? a : nc_dtype_float(b) ? b : NC_I32;
    x[1] = nc_t_cast(e, c->at, x[1], t);
    x[2] = nc_t_cast(e, c->at, x[2], t);
  }
  return given(c, nc_meet(e, c->at, "where", x, 3) ? nc_t_op(e, c->at, "select", 3, x) : NULL);
}

static NcValue clamp(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  if (!x) return nc_v_poison();
  NcTensor *lo = nc_to_tensor(c->e, c->v[1], c->at, x), *hi = nc_to_tensor(c->e, c->v[2], c->at, x);
  return given(c, nc_arith(c->e, c->at, "min", nc_arith(c->e, c->at, "max", x, lo), hi));
}

// ---- conversions ----

static NcValue convert(NcArgsOf *c) {
  NcDtype t = NC_F32;
  bool plain = !nc_dtype_find(c->op, &t);
  double number;
  if (plain && nc_v_number(&c->v[0], &number)) {
    if (strcmp(c->op, "float") == 0) return nc_v_float(c->at, number);
    if (c->v[0].kind == NC_V_INT) return c->v[0];
    if (!(fabs(number) < 9e15)) return nc_arg_bad(c, 0, "a number that fits");
    return nc_v_int(c->at, nc_size((int64_t)number));
  }
  if (plain) t = strcmp(c->op, "int") == 0 ? NC_I32 : NC_F32;
  NcTensor *x = nc_v_number(&c->v[0], &number) ? nc_t_const(c->e, c->at, t, number) : nc_arg_t(c, 0);
  return given(c, nc_t_cast(c->e, c->at, x, t));
}

// ---- reductions ----

static NcTensor *countable(NcArgsOf *c, NcTensor *x) {   // what can be added up
  NcDtype t = x->node->type.dtype;
  return t == NC_BOOL ? nc_t_cast(c->e, c->at, x, NC_I32) : t == NC_U8 ? nc_t_cast(c->e, c->at, x, NC_F32) : x;
}

static NcTensor *mean_over(NcElab *e, NcRange at, NcTensor *x, int n, const int64_t *axis, bool keep) {
  x = nc_to_float(e, at, x);
  if (!x || n == 0) return x;
  double count = 1;
  for (int i = 0; i < n; i++) count *= (double)x->dim[axis[i]].value;
  NcTensor *s = nc_t_reduce(e, at, "sum", x, n, axis, keep);
  return nc_arith(e, at, "mul", s, s ? nc_t_const(e, at, s->node->type.dtype, 1 / count) : NULL);
}

static NcValue reduce(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int n;
  int64_t axis[NC_MAX_RANK];
  bool keep;
  if (!x || !nc_arg_axes(c, 1, x, &n, axis) || !nc_arg_bool(c, 2, false, &keep)) return nc_v_poison();
  if (strcmp(c->op, "mean") == 0) return given(c, mean_over(c->e, c->at, x, n, axis, keep));
  bool logic = strcmp(c->op, "any") == 0 || strcmp(c->op, "all") == 0;
  if (logic && x->node->type.dtype != NC_BOOL) {
    nc_elab_error(c->e, NC_E0204, c->at, "`%s` needs truth values, not %s", c->op, nc_t_describe(c->e, x));
    return nc_v_poison();
  }
  return given(c, nc_t_reduce(c->e, c->at, c->op, logic ? x : countable(c, x), n, axis, keep));
}

// max(x, y): the larger one of each pair; max(x), max(x, axis = 1): the largest.
static NcValue extreme(NcArgsOf *c) {
  if (c->has[1]) return two(c, 0, 1);
  c->has[1] = c->has[2];
  c->v[1] = c->v[2];
  c->has[2] = c->has[3];
  c->v[2] = c->v[3];
  return reduce(c);
}

static NcValue extreme_place(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  if (!x || !nc_arg_axis(c, 1, x, -1, &axis)) return nc_v_poison();
  return given(c, nc_t_reduce(c->e, c->at, c->op, countable(c, x), 1, &(int64_t){axis}, false));
}

static NcTensor *spread_over(NcElab *e, NcRange at, NcTensor *x, int n, const int64_t *axis, bool keep,
                             NcTensor *mean) {
  NcTensor *d = nc_arith(e, at, "sub", x, mean);
  return mean_over(e, at, nc_arith(e, at, "mul", d, d), n, axis, keep);
}

static NcValue variance(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int n;
  int64_t axis[NC_MAX_RANK];
  bool keep;
  if (!x || !nc_arg_axes(c, 1, x, &n, axis) || !nc_arg_bool(c, 2, false, &keep)) return nc_v_poison();
  x = nc_to_float(c->e, c->at, x);
  return given(c, spread_over(c->e, c->at, x, n, axis, keep, mean_over(c->e, c->at, x, n, axis, true)));
}

// Mean and variance (divided by n) over all axes but `keep`.
static NcValue moments(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int nkept, n = 0;
  int64_t kept[NC_MAX_RANK], axis[NC_MAX_RANK];
  if (!x || !nc_arg_axes(c, 1, x, &nkept, kept)) return nc_v_poison();
  for (int i = 0; i < x->rank; i++) {
    bool stays = false;
    for (int k = 0; k < nkept; k++) stays = stays || kept[k] == i;
    if (!stays) axis[n++] = i;
  }
  x = nc_to_float(c->e, c->at, x);
  NcTensor *m = mean_over(c->e, c->at, x, n, axis, true), *v = spread_over(c->e, c->at, x, n, axis, false, m);
  if (!m || !v) return nc_v_poison();
  NcValue pair[2] = {given(c, nc_t_reshape(c->e, c->at, m, v->rank, v->dim)), given(c, v)};
  return nc_v_items(c->e, NC_V_TUPLE, c->at, 2, pair);
}

static NcValue cumulative(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  bool reverse;
  if (!x || !nc_arg_axis(c, 1, x, -1, &axis) || !nc_arg_bool(c, 2, false, &reverse)) return nc_v_poison();
  x = countable(c, x);
  return given(
      c, nc_t_as(c->e, c->at, nc_cumulative(c->e->graph, nc_here(c->e, c->at), c->op, x->node, axis, reverse), x));
}

const NcBuiltin nc_builtins_math[] = {
  {"max", "x y? axis? keep?", "the larger one of two, or the largest along axes (all)", extreme, .op = "max"},
  {"min", "x y? axis? keep?", "the smaller one of two, or the smallest along axes (all)", extreme, .op = "min"},
  {"atan2", "y x", "the angle of the point (x, y)", binary, .op = "atan2"},
  {"where", "condition a b", "a where the condition holds, b elsewhere", where},
  {"clamp", "x lo hi", "x, but at least lo and at most hi", clamp},
  {"sum", "x axis? keep?", "the sum along axes (all); keep = true leaves them with size 1", reduce, .op = "sum"},
  {"mean", "x axis? keep?", "the mean along axes (all)", reduce, .op = "mean"},
  {"prod", "x axis? keep?", "the product along axes (all)", reduce, .op = "prod"},
  {"any", "x axis? keep?", "whether any is true along axes (all)", reduce, .op = "any"},
  {"all", "x axis? keep?", "whether all are true along axes (all)", reduce, .op = "all"},
  {"argmax", "x axis?", "the place of the largest along an axis (the last) as i32; the first one wins",
   extreme_place, .op = "argmax"},
  {"argmin", "x axis?", "the place of the smallest along an axis (the last) as i32; the first one wins",
   extreme_place, .op = "argmin"},
  {"variance", "x axis? keep?", "the mean of the squared distances from the mean along axes (all)", variance},
  {"overall", "x", "in a metric, the mean of x over all batches of an evaluation, where x is a mean over the batch: "
   "sqrt(overall(mse(x, y))); in training the batch's own", nc_overall},
  {"moments", "x keep", "(mean, variance) over all axes but `keep`", moments},
  {"cumsum", "x axis? reverse?", "running sums along an axis (the last)", cumulative, .op = "sum"},
  {"cumprod", "x axis? reverse?", "running products along an axis (the last)", cumulative, .op = "prod"},
  {"f32", "x", "x as f32", convert, .op = "f32"},
  {"f16", "x", "x as f16", convert, .op = "f16"},
  {"bf16", "x", "x as bf16", convert, .op = "bf16"},
  {"i32", "x", "x as i32, towards zero", convert, .op = "i32"},
  {"i64", "x", "x as i64, towards zero", convert, .op = "i64"},
  {"u8", "x", "x as u8", convert, .op = "u8"},
  {"bool", "x", "whether x is not 0", convert, .op = "bool"},
  {"int", "x", "a number without its fraction; a tensor as i32", convert, .op = "int"},
  {"float", "x", "an integer as a number; a tensor as f32", convert, .op = "float"},
  {0},
};
