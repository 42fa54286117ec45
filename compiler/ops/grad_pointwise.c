// Vector-Jacobian products of the pointwise rows. y is the node itself, dy = d loss / d y, and dx[i] becomes
// d loss / d operand i. What is not asked for is dead code and vanishes.
#include <math.h>
#include "ops/rows.h"

#define VJP(name) bool nc_vjp_##name(NcGraph *g, NcNode *y, NcNode *dy, NcNode **dx)
#define A y->in[0]
#define B y->in[1]

// Graph arithmetic at the place of the forward node.
static NcNode *add(NcGraph *g, NcNode *y, NcNode *a, NcNode *b) { return nc_op2(g, y->at, "add", a, b); }
static NcNode *sub(NcGraph *g, NcNode *y, NcNode *a, NcNode *b) { return nc_op2(g, y->at, "sub", a, b); }
static NcNode *mul(NcGraph *g, NcNode *y, NcNode *a, NcNode *b) { return nc_op2(g, y->at, "mul", a, b); }
static NcNode *quo(NcGraph *g, NcNode *y, NcNode *a, NcNode *b) { return nc_op2(g, y->at, "div", a, b); }
static NcNode *op1(NcGraph *g, NcNode *y, const char *op, NcNode *a) { return nc_op1(g, y->at, op, a); }
static NcNode *op2(NcGraph *g, NcNode *y, const char *op, NcNode *a, NcNode *b) { return nc_op2(g, y->at, op, a, b); }
static NcNode *pick(NcGraph *g, NcNode *y, NcNode *m, NcNode *a, NcNode *b) {
  return nc_op3(g, y->at, "select", m, a, b);
}
static NcNode *num(NcGraph *g, NcNode *y, double v) { return nc_like(g, nc_dtype_float(y->type.dtype) ? y : A, v); }
static NcNode *scaled(NcGraph *g, NcNode *y, double k, NcNode *a) { return mul(g, y, num(g, y, k), a); }

VJP(add) {
  (void)g, (void)y;
  dx[0] = dx[1] = dy;
  return true;
}

VJP(sub) {
  dx[0] = dy;
  return (dx[1] = op1(g, y, "neg", dy));
}

VJP(mul) {
  dx[0] = mul(g, y, dy, B);
  return (dx[1] = mul(g, y, dy, A));
}

VJP(div) {   // -a/b² dy = -y (dy/b)
  dx[0] = quo(g, y, dy, B);
  return (dx[1] = op1(g, y, "neg", mul(g, y, y, dx[0])));
}

VJP(mod) {
  dx[0] = dy;
  if (!nc_dtype_float(y->type.dtype)) return true;
  return (dx[1] = op1(g, y, "neg", mul(g, y, dy, op1(g, y, "floor", quo(g, y, A, B)))));
}

// b a^(b-1), but 0 where b is 0; a^b ln a, but 0 where a is 0 and b is not negative.
VJP(pow) {
  NcNode *zero = num(g, y, 0);
  NcNode *da = mul(g, y, B, op2(g, y, "pow", A, sub(g, y, B, num(g, y, 1))));
  dx[0] = mul(g, y, dy, pick(g, y, op2(g, y, "eq", B, zero), zero, da));
  NcNode *flat = op2(g, y, "and", op2(g, y, "eq", A, zero), op2(g, y, "ge", B, zero));
  NcNode *safe = pick(g, y, flat, num(g, y, 1), A);   // so that no NaN arises on the way
  return (dx[1] = mul(g, y, dy, pick(g, y, flat, zero, mul(g, y, y, op1(g, y, "log", safe)))));
}

// All of dy to the operand that won, half to each at a tie.
static bool extreme(NcGraph *g, NcNode *y, NcNode *dy, NcNode **dx, const char *wins) {
  NcNode *tie = pick(g, y, op2(g, y, "eq", A, B), scaled(g, y, 0.5, dy), num(g, y, 0));
  dx[0] = pick(g, y, op2(g, y, wins, A, B), dy, tie);
  return (dx[1] = pick(g, y, op2(g, y, wins, B, A), dy, tie));
}
VJP(max) { return extreme(g, y, dy, dx, "gt"); }
VJP(min) { return extreme(g, y, dy, dx, "lt"); }

VJP(atan2) {
  NcNode *r = quo(g, y, dy, add(g, y, mul(g, y, A, A), mul(g, y, B, B)));
  dx[0] = mul(g, y, r, B);
  return (dx[1] = op1(g, y, "neg", mul(g, y, r, A)));
}

// One operand: dx = dy * f'(a).
#define VJP1(name, slope) VJP(name) { return (dx[0] = mul(g, y, dy, slope)); }
VJP(neg) { return (dx[0] = op1(g, y, "neg", dy)); }
VJP1(abs, op1(g, y, "sign", A))
VJP1(reciprocal, op1(g, y, "neg", mul(g, y, y, y)))
VJP(sqrt) { return (dx[0] = quo(g, y, scaled(g, y, 0.5, dy), y)); }
VJP1(rsqrt, scaled(g, y, -0.5, mul(g, y, y, mul(g, y, y, y))))
VJP1(exp, y)
VJP1(expm1, add(g, y, y, num(g, y, 1)))
VJP(log) { return (dx[0] = quo(g, y, dy, A)); }
VJP(log1p) { return (dx[0] = quo(g, y, dy, add(g, y, A, num(g, y, 1)))); }
VJP1(sin, op1(g, y, "cos", A))
VJP1(cos, op1(g, y, "neg", op1(g, y, "sin", A)))
VJP1(tan, add(g, y, num(g, y, 1), mul(g, y, y, y)))
VJP1(tanh, sub(g, y, num(g, y, 1), mul(g, y, y, y)))
VJP1(sigmoid, mul(g, y, y, sub(g, y, num(g, y, 1), y)))
VJP1(softplus, op1(g, y, "sigmoid", A))
VJP1(erf, scaled(g, y, M_2_SQRTPI, op1(g, y, "exp", op1(g, y, "neg", mul(g, y, A, A)))))
VJP1(erfinv, scaled(g, y, 1 / M_2_SQRTPI, op1(g, y, "exp", mul(g, y, y, y))))

VJP(select) {
  NcNode *zero = num(g, y, 0);
  dx[1] = pick(g, y, A, dy, zero);
  return (dx[2] = pick(g, y, A, zero, dy));
}

VJP(cast) {   // between floats; nothing flows through an integer
  if (!nc_dtype_float(A->type.dtype)) return true;
  return (dx[0] = nc_cast(g, y->at, dy, A->type.dtype));
}
