// The pointwise rows: their type rules, their evaluators, their table.
#include <math.h>
#include "ops/rows.h"

// ---- type rules

typedef enum { NUM, ORD, FLOAT, INT, CMP, LOGIC, TEST, PICK, CAST } Rule;

static bool equal_shapes(NcDiag *d, const NcNode *n) {
  for (int i = 1; i < n->nin; i++)
    if (!nc_shape_eq(n->in[0]->type.shape, n->in[i]->type.shape))
      return nc_refuse(d, NC_E0201, n, "%s and %s have different shapes", nc_show(d, n->in[0]), nc_show(d, n->in[i]));
  return true;
}

static bool is_number(NcDtype t) { return t != NC_BOOL && t != NC_U8; }

// Operands from `first` on have one element type, and it is of the rule's kind.
static bool fits(NcDiag *d, const NcNode *n, Rule rule) {
  NcDtype t = n->in[rule == PICK]->type.dtype;
  for (int i = rule == PICK ? 2 : 1; i < n->nin; i++)
    if (!nc_need_dtype(d, n, rule == PICK, i)) return false;
  bool ok = true;
  const char *why = "", *mend = "";
  switch (rule) {
  case NUM: ok = is_number(t); why = "does not calculate with"; mend = ": cast it first"; break;
  case ORD: ok = t != NC_BOOL; why = "does not apply to"; break;
  case INT: ok = t == NC_I32 || t == NC_I64; why = "needs i32 or i64 and got"; break;
  case FLOAT:
  case TEST: return nc_need_float(d, n, 0);
  case LOGIC: ok = t == NC_BOOL; why = "needs bool and got"; break;
  case PICK: ok = n->in[0]->type.dtype == NC_BOOL; why = "the mask must be bool and is"; break;
  default: break;
  }
  return ok || nc_refuse(d, NC_E0204, n, "%s %s%s", why, nc_show(d, n->in[0]), mend);
}

static bool infer(NcDiag *d, const NcNode *n, NcType *out, Rule rule) {
  if (!fits(d, n, rule) || !equal_shapes(d, n)) return false;
  *out = n->in[rule == PICK]->type;
  if (rule == CMP || rule == LOGIC || rule == TEST) out->dtype = NC_BOOL;
  if (rule != CAST || nc_dtype_find(nc_attr_str(n, "to"), &out->dtype)) return true;
  return nc_refuse(d, NC_E0204, n, "\"%s\" is no element type", nc_attr_str(n, "to"));
}

#define RULE(rule) static bool infer_##rule(NcDiag *d, const NcNode *n, NcType *out) { return infer(d, n, out, rule); }
RULE(NUM) RULE(ORD) RULE(FLOAT) RULE(INT) RULE(CMP) RULE(LOGIC) RULE(TEST) RULE(PICK) RULE(CAST)
#undef RULE

// ---- evaluation

static inline double floor_mod(double a, double b) {
  double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static inline double sigmoid(double a) {
  double e = exp(-fabs(a));
  return a < 0 ? e / (1 + e) : 1 / (1 + e);
}

// Newton steps on erf(y) = a from Winitzki's closed approximation ("A handy approximation for the error function
// and its inverse", 2008). Where erf is flat the complement is what keeps its digits.
static double inverse_erf(double a) {
  if (!(fabs(a) < 1)) return fabs(a) == 1 ? copysign(INFINITY, a) : NAN;
  double m = fabs(a), l = log1p(-m * m), k = 2 / (M_PI * 0.147) + l / 2;
  double y = sqrt(sqrt(k * k - l / 0.147) - k);
  for (int i = 0; i < 4; i++) {
    double error = m < 0.5 ? erf(y) - m : (1 - m) - erfc(y);
    y -= error / (M_2_SQRTPI * exp(-y * y));
  }
  return copysign(y, a);
}

// A cast: floats to integers go towards zero and stop at the ends of the range. The rest is nc_round_to's.
static inline double convert(double v, const NcNode *n) {
  NcDtype to = n->type.dtype;
  if (to == NC_BOOL) return v != 0;
  if (nc_dtype_float(to) || !nc_dtype_float(n->in[0]->type.dtype)) return v;
  double lo = to == NC_I32 ? -0x1p31 : to == NC_I64 ? -0x1p63 : 0;
  double hi = to == NC_I32 ? 0x1p31 - 1 : to == NC_I64 ? 0x1p63 - 1024 : 255;
  return isnan(v) ? 0 : trunc(v < lo ? lo : v > hi ? hi : v);
}

#define NC_PW(name, arity, rule, commutative, flops, opencl, opencl_int, expr, vjp, doc) \
  static void eval_##name(const NcEval *e) { \
    const NcNode *n = e->node; \
    const double *x = e->in[0], *y = e->in[arity > 1 ? 1 : 0], *z = e->in[arity > 2 ? 2 : 0]; \
    int64_t count = nc_count(n->type.shape); \
    for (int64_t i = 0; i < count; i++) { \
      double a = x[i], b = y[i], c = z[i]; \
      e->out[i] = expr; \
      (void)a, (void)b, (void)c, (void)n; \
    } \
  }
#include "ops/pointwise.def"
#undef NC_PW

// ---- the table

// Only the cast has an attribute; every other row's list is empty.
static const NcAttrSpec no_attrs[] = {{0}}, cast_attrs[] = {{"to", NC_ATTR_STR}, {0}};

const NcOp nc_pointwise_rows[] = {
#define NC_PW(name, arity, rule, commutative, flops, opencl, opencl_int, expr, vjp, doc) \
  {#name, NC_POINTWISE, arity, rule == CAST ? cast_attrs : no_attrs, true, infer_##rule, nc_vjp_##vjp, eval_##name, \
   opencl, opencl_int, flops, commutative, doc},
#include "ops/pointwise.def"
#undef NC_PW
};
const int nc_pointwise_count = sizeof nc_pointwise_rows / sizeof *nc_pointwise_rows;
