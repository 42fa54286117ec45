// Rules of arithmetic and logic.
#include <math.h>
#include <string.h>
#include "passes/rules.h"

static bool is_fill(const NcNode *n, double v) {
  double x;
  return nc_constant(n, &x) && x == v;
}

static NcNode *op1(NcSimplify *s, const NcNode *like, const char *op, NcNode *a) {
  return nc_op1(s->g, like->at, op, a);
}
static NcNode *op2(NcSimplify *s, const NcNode *like, const char *op, NcNode *a, NcNode *b) {
  return nc_op2(s->g, like->at, op, a, b);
}

// Of a commutative operation: the operand beside a constant v; NULL when there is none.
static NcNode *beside(const NcNode *n, double v) {
  return is_fill(n->in[1], v) ? n->in[0] : is_fill(n->in[0], v) ? n->in[1] : NULL;
}

NcNode *nc_rule_add_zero(NcSimplify *s, NcNode *n) { return (void)s, beside(n, 0); }

NcNode *nc_rule_add_same(NcSimplify *s, NcNode *n) {
  return n->in[0] == n->in[1] ? op2(s, n, "mul", n->in[0], nc_filled(s, n, 2)) : NULL;
}

NcNode *nc_rule_add_neg(NcSimplify *s, NcNode *n) {
  if (nc_is_op(n->in[1], "neg")) return op2(s, n, "sub", n->in[0], n->in[1]->in[0]);
  if (nc_is_op(n->in[0], "neg")) return op2(s, n, "sub", n->in[1], n->in[0]->in[0]);
  return NULL;
}

// The one axis along which a pad with zeros adds something; -1: none, or several, or it crops.
static int padded_axis(const NcNode *n) {
  if (!nc_is_op(n, "pad") || nc_attr_float(n, "value") != 0) return -1;
  int rank, axis = -1;
  const int64_t *lo = nc_attr_ints(n, "lo", &rank), *hi = nc_attr_ints(n, "hi", NULL);
  for (int i = 0; i < rank; i++) {
    if (lo[i] < 0 || hi[i] < 0) return -1;
    if (!lo[i] && !hi[i]) continue;
    if (axis >= 0) return -1;
    axis = i;
  }
  return axis;
}

// What split's gradient is: 0 0 b b + a a 0 0 = a a b b.
NcNode *nc_rule_add_pads(NcSimplify *s, NcNode *n) {
  int axis = padded_axis(n->in[0]);
  if (axis < 0 || padded_axis(n->in[1]) != axis) return NULL;
  NcNode *a = n->in[0], *b = n->in[1];
  if (nc_attr_ints(a, "lo", NULL)[axis] > nc_attr_ints(b, "lo", NULL)[axis]) {
    a = n->in[1];
    b = n->in[0];
  }
  int64_t end = nc_attr_ints(a, "lo", NULL)[axis] + a->in[0]->type.shape.dim[axis];
  if (end != nc_attr_ints(b, "lo", NULL)[axis]) return NULL;
  NcNode *both = nc_concat(s->g, n->at, 2, (NcNode *[]){a->in[0], b->in[0]}, axis);
  return nc_pad(s->g, n->at, both, nc_attr_ints(a, "lo", NULL), nc_attr_ints(b, "hi", NULL), 0);
}

NcNode *nc_rule_sub_zero(NcSimplify *s, NcNode *n) {
  if (is_fill(n->in[1], 0)) return n->in[0];
  return is_fill(n->in[0], 0) ? op1(s, n, "neg", n->in[1]) : NULL;
}

NcNode *nc_rule_sub_neg(NcSimplify *s, NcNode *n) {
  return nc_is_op(n->in[1], "neg") ? op2(s, n, "add", n->in[0], n->in[1]->in[0]) : NULL;
}

NcNode *nc_rule_mul_const(NcSimplify *s, NcNode *n) {
  NcNode *x = beside(n, 1);
  if (x) return x;
  if ((x = beside(n, -1))) return op1(s, n, "neg", x);
  return !nc_dtype_float(n->type.dtype) && beside(n, 0) ? nc_filled(s, n, 0) : NULL;
}

// Exact: the reciprocal of a power of two is one, and the product leaves the range only where the quotient would.
static bool power_of_two(double v) {
  int e;
  return v != 0 && isfinite(v) && fabs(frexp(v, &e)) == 0.5 && e > -120 && e < 120;
}

NcNode *nc_rule_div_const(NcSimplify *s, NcNode *n) {
  double v;
  if (is_fill(n->in[0], 1)) return op1(s, n, "reciprocal", n->in[1]);
  if (!nc_constant(n->in[1], &v)) return NULL;
  if (v == 1) return n->in[0];
  return power_of_two(v) && n->type.dtype == NC_F32 ? op2(s, n, "mul", n->in[0], nc_filled(s, n, 1 / v)) : NULL;
}

NcNode *nc_rule_pow_const(NcSimplify *s, NcNode *n) {
  NcNode *x = n->in[0];
  double v;
  if (!nc_constant(n->in[1], &v)) return NULL;
  if (v == 0) return nc_filled(s, n, 1);
  if (v == 1) return x;
  if (v == -1) return op1(s, n, "reciprocal", x);
  if (v == 0.5) return op1(s, n, "sqrt", x);
  if (v == -0.5) return op1(s, n, "rsqrt", x);
  if (v != 2 && v != 3 && v != 4 && v != -2) return NULL;
  NcNode *square = op2(s, n, "mul", x, x);
  if (v == 3) return op2(s, n, "mul", square, x);
  if (v == 4) return op2(s, n, "mul", square, square);
  return v == -2 ? op1(s, n, "reciprocal", square) : square;
}

static NcNode *twice(const NcNode *n) { return nc_is_op(n->in[0], n->op->name) ? n->in[0]->in[0] : NULL; }
NcNode *nc_rule_neg_neg(NcSimplify *s, NcNode *n) { return (void)s, twice(n); }
NcNode *nc_rule_not_not(NcSimplify *s, NcNode *n) { return (void)s, twice(n); }

NcNode *nc_rule_reciprocal_root(NcSimplify *s, NcNode *n) {
  return nc_is_op(n->in[0], "sqrt") ? op1(s, n, "rsqrt", n->in[0]->in[0]) : NULL;
}

static NcNode *same(const NcNode *n) { return n->in[0] == n->in[1] ? n->in[0] : NULL; }
NcNode *nc_rule_max_same(NcSimplify *s, NcNode *n) { return (void)s, same(n); }
NcNode *nc_rule_min_same(NcSimplify *s, NcNode *n) { return (void)s, same(n); }

// unit: the constant that leaves the other operand as it is; the other constant wins.
static NcNode *logic(NcSimplify *s, NcNode *n, double unit) {
  NcNode *x = beside(n, unit);
  if (x) return x;
  return beside(n, 1 - unit) ? nc_filled(s, n, 1 - unit) : same(n);
}
NcNode *nc_rule_and_const(NcSimplify *s, NcNode *n) { return logic(s, n, 1); }
NcNode *nc_rule_or_const(NcSimplify *s, NcNode *n) { return logic(s, n, 0); }

NcNode *nc_rule_select_const(NcSimplify *s, NcNode *n) {
  (void)s;
  double c;
  if (nc_constant(n->in[0], &c)) return n->in[c != 0 ? 1 : 2];
  return n->in[1] == n->in[2] ? n->in[1] : NULL;
}

NcNode *nc_rule_select_nested(NcSimplify *s, NcNode *n) {
  NcNode *c = n->in[0], *yes = n->in[1], *no = n->in[2];
  if (nc_is_op(yes, "select") && yes->in[0] == c) yes = yes->in[1];
  if (nc_is_op(no, "select") && no->in[0] == c) no = no->in[2];
  return yes == n->in[1] && no == n->in[2] ? NULL : nc_op3(s->g, n->at, "select", c, yes, no);
}

// Does `by` hold every value of `t`?
static bool holds(NcDtype by, NcDtype t) {
  if (by == t || t == NC_BOOL) return true;
  switch (t) {
  case NC_U8: return by != NC_BOOL;
  case NC_I32: return by == NC_I64;
  case NC_F16: case NC_BF16: return by == NC_F32;
  default: return false;
  }
}

NcNode *nc_rule_cast_cast(NcSimplify *s, NcNode *n) {
  NcNode *x = n->in[0];
  if (x->type.dtype == n->type.dtype) return x;
  if (!nc_is_op(x, "cast") || !holds(x->type.dtype, x->in[0]->type.dtype)) return NULL;
  return nc_cast(s->g, n->at, x->in[0], n->type.dtype);
}
