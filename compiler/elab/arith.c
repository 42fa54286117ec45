// Operators: on numbers at compile time, on tensors as graph nodes; how element types and shapes meet.
//
// Element types in arithmetic: a number takes the tensor's type (a fraction makes integers f32); u8 counts as f32,
// bool as the other side's type; integers with floats become floats. `/` and `^` of integer tensors are f32. Shapes:
// scalars, axes of size 1 and provably equal trailing axes meet; nothing else does.
#include "elab/tensor.h"
#include <math.h>
#include <string.h>

typedef struct { const char *op; bool compare, real; } OpRow;
static const OpRow op_rows[NC_B_COUNT] = {
  [NC_B_OR] = {"or"}, [NC_B_AND] = {"and"}, [NC_B_NOT] = {"not"},
  [NC_B_EQ] = {"eq", .compare = true}, [NC_B_NE] = {"ne", .compare = true},
  [NC_B_LT] = {"lt", .compare = true}, [NC_B_LE] = {"le", .compare = true},
  [NC_B_GT] = {"gt", .compare = true}, [NC_B_GE] = {"ge", .compare = true},
  [NC_B_ADD] = {"add"}, [NC_B_SUB] = {"sub"}, [NC_B_MUL] = {"mul"}, [NC_B_DIV] = {"div", .real = true},
  [NC_B_MOD] = {"mod"}, [NC_B_POW] = {"pow", .real = true}, [NC_B_NEG] = {"neg"},
};

static NcValue bad_kinds(NcElab *e, NcRange at, NcOperator op, const NcValue *a, const NcValue *b) {
  nc_elab_error(e, NC_E0205, at, "`%s` does not work on %s and %s", nc_operator_word(op), nc_v_describe(e, a),
                nc_v_describe(e, b));
  return nc_v_poison();
}

// ---- numbers ----

static bool size_power(NcElab *e, NcSize a, NcSize b, NcSize *out) {
  NcSize p = nc_size(1);
  if (b.value < 0 || b.value > 62) return false;
  for (int64_t i = 0; i < b.value; i++)
    if (!nc_size_mul(&e->sizes, p, a, &p)) return false;
  *out = p;
  return true;
}

static NcValue compared(NcRange at, NcOperator op, double a, double b) {
  bool r = op == NC_B_EQ   ? a == b
           : op == NC_B_NE ? a != b
           : op == NC_B_LT ? a < b
           : op == NC_B_LE ? a <= b
           : op == NC_B_GT ? a > b
                           : a >= b;
  return nc_v_bool(at, r);
}

static NcValue int_binary(NcElab *e, NcRange at, NcOperator op, NcSize a, NcSize b) {
  NcSize r = nc_size(0);
  bool ok = true;
  if (op_rows[op].compare) {   // exact, where doubles might not be
    int order = a.value < b.value ? -1 : a.value > b.value;
    return compared(at, op, order, 0);
  }
  if (op == NC_B_POW && b.value < 0) return nc_v_float(at, pow((double)a.value, (double)b.value));
  switch (op) {
    case NC_B_ADD: ok = nc_size_add(&e->sizes, a, b, &r); break;
    case NC_B_SUB: ok = nc_size_sub(&e->sizes, a, b, &r); break;
    case NC_B_MUL: ok = nc_size_mul(&e->sizes, a, b, &r); break;
    case NC_B_DIV: ok = nc_size_div(&e->sizes, a, b, &r); break;
    case NC_B_MOD: ok = nc_size_mod(&e->sizes, a, b, &r); break;
    case NC_B_POW: ok = size_power(e, a, b, &r); break;
    default: ok = false;
  }
  if (ok) return nc_v_int(at, r);
  if (b.value == 0) nc_elab_error(e, NC_E0208, at, "division of the integer %lld by 0", (long long)a.value);
  else
    nc_elab_error(e, NC_E0208, at, "the result of `%s` on %lld and %lld is no integer of 64 bits", nc_operator_word(op),
                  (long long)a.value, (long long)b.value);
  return nc_v_poison();
}

static NcValue float_binary(NcElab *e, NcRange at, NcOperator op, double a, double b) {
  if (op_rows[op].compare) return compared(at, op, a, b);
  switch (op) {
    case NC_B_ADD: return nc_v_float(at, a + b);
    case NC_B_SUB: return nc_v_float(at, a - b);
    case NC_B_MUL: return nc_v_float(at, a * b);
    case NC_B_DIV: return nc_v_float(at, a / b);
    case NC_B_MOD: return nc_v_float(at, a - b * floor(a / b));
    case NC_B_POW: return nc_v_float(at, pow(a, b));
    default: break;
  }
  NcValue x = nc_v_float(at, a), y = nc_v_float(at, b);
  return bad_kinds(e, at, op, &x, &y);
}

// ---- element types ----

static NcDtype met(NcDtype a, NcDtype b) {
  static const int rank[NC_DTYPE_COUNT] = {
      [NC_BOOL] = 0, [NC_U8] = 1, [NC_I32] = 2, [NC_I64] = 3, [NC_F16] = 4, [NC_BF16] = 5, [NC_F32] = 6};
  if (a == b) return a;
  if ((a == NC_F16 && b == NC_BF16) || (a == NC_BF16 && b == NC_F16)) return NC_F32;
  return rank[a] > rank[b] ? a : b;
}

static NcDtype counted(NcDtype t, bool compare) {   // what a type that cannot be added becomes
  if (t == NC_U8) return compare ? NC_I32 : NC_F32;
  return t == NC_BOOL ? NC_I32 : t;
}

NcTensor *nc_to_tensor(NcElab *e, NcValue v, NcRange at, const NcTensor *like) {
  NcDtype t = like ? like->node->type.dtype : NC_F32;
  switch (v.kind) {
    case NC_V_TENSOR: return v.t;
    case NC_V_INT:
      if (!like || t == NC_BOOL || t == NC_U8) t = NC_I32;
      return nc_t_const(e, at, t, (double)v.size.value);
    case NC_V_FLOAT: return nc_t_const(e, at, nc_dtype_float(t) ? t : NC_F32, v.f);
    case NC_V_BOOL: return nc_t_const(e, at, NC_BOOL, v.b);
    case NC_V_POISON: return NULL;
    default:
      nc_elab_error(e, NC_E0205, at, "a tensor or a number is needed here, not %s", nc_v_describe(e, &v));
      return NULL;
  }
}

NcTensor *nc_to_float(NcElab *e, NcRange at, NcTensor *t) {
  return !t || nc_dtype_float(t->node->type.dtype) ? t : nc_t_cast(e, at, t, NC_F32);
}

// ---- shapes ----

// along(axis, x) becomes [1, …, C, …, 1] of the rank that it meets.
static NcTensor *unalong(NcElab *e, NcRange at, NcTensor *x, int rank) {
  if (x->along < 0) return x;
  if (x->along >= rank) {
    nc_elab_error(e, NC_E0206, at, "along(%d, …) meets a tensor with %d axes", x->along, rank);
    return NULL;
  }
  NcSize dim[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) dim[i] = i == x->along ? x->dim[0] : nc_size(1);
  return nc_t_reshape(e, at, x, rank, dim);
}

static void suggest_axes(NcElab *e, NcMessage *m, const NcTensor *a, const NcTensor *b) {
  const NcTensor *big = a->rank >= b->rank ? a : b, *small = a->rank >= b->rank ? b : a;
  if (small->rank == big->rank || small->rank == 0) return;
  for (int i = 0; i < small->rank; i++)
    if (!nc_size_eq(small->dim[i], big->dim[i])) return;
  NcBuf s = NC_BUF(e->arena);
  for (int i = 0; i < big->rank; i++) nc_putf(&s, "%s%s", i ? ", " : "", i < small->rank ? ":" : "new");
  nc_help(e->diag, m, "axes are matched from the last one; give the smaller one new axes: `[%s]`", nc_buf_str(&s));
}

static const char *spelling(const char *op) {   // add is written +
  for (int i = 0; i < NC_B_COUNT; i++)
    if (op_rows[i].op && strcmp(op_rows[i].op, op) == 0) return nc_operator_word((NcOperator)i);
  return op;
}

static bool no_meeting(NcElab *e, NcRange at, const char *op, const NcTensor *a, const NcTensor *b, NcSize x,
                       NcSize y) {
  NcMessage *m = nc_elab_error(e, NC_E0201, at, "`%s` of %s and %s: %s is not %s", spelling(op), nc_t_describe(e, a),
                               nc_t_describe(e, b), nc_size_describe(e, x), nc_size_describe(e, y));
  if (x.value == y.value)
    nc_note(e->diag, m, "they have the same value only by chance: sizes must be equal whatever the batch is");
  nc_note_origin(e, m, x);
  nc_note_origin(e, m, y);
  nc_elab_label(e, m, a->at, nc_t_describe(e, a));
  nc_elab_label(e, m, b->at, nc_t_describe(e, b));
  suggest_axes(e, m, a, b);
  return false;
}

bool nc_meet(NcElab *e, NcRange at, const char *op, NcTensor **x, int n) {
  int rank = 0, along = -1;
  for (int i = 0; i < n; i++) {
    if (!x[i]) return false;
    if (x[i]->along < 0 && x[i]->rank > rank) rank = x[i]->rank;
  }
  for (int i = 0; i < n; i++)
    if (x[i]->along >= 0) {
      if (rank > 0 || (along >= 0 && along != x[i]->along)) x[i] = unalong(e, at, x[i], rank);
      else along = x[i]->along;
      if (!x[i]) return false;
      if (x[i]->along >= 0 && rank == 0) along = x[i]->along;
    }
  for (int i = 0; i < n; i++)
    if (x[i]->rank > rank) rank = x[i]->rank;
  NcSize dim[NC_MAX_RANK];
  const NcTensor *owner[NC_MAX_RANK] = {0};
  for (int i = 0; i < rank; i++) dim[i] = nc_size(1);
  for (int k = 0; k < n; k++)
    for (int i = 0; i < x[k]->rank; i++) {
      int j = rank - x[k]->rank + i;
      if (nc_size_is(x[k]->dim[i], 1)) continue;
      if (nc_size_is(dim[j], 1)) {
        dim[j] = x[k]->dim[i];
        owner[j] = x[k];
      } else if (!nc_size_eq(dim[j], x[k]->dim[i]))
        return no_meeting(e, at, op, owner[j], x[k], dim[j], x[k]->dim[i]);
    }
  for (int k = 0; k < n; k++) {
    NcTensor *t = nc_t_expand(e, at, x[k], rank, dim);
    if (!t) return false;
    x[k] = t;
  }
  return true;
}

NcTensor *nc_arith(NcElab *e, NcRange at, const char *op, NcTensor *a, NcTensor *b) {
  if (!a || !b) return NULL;
  NcTensor *x[2] = {a, b};
  int along = a->along >= 0 && (b->along == a->along || (b->along < 0 && b->rank == 0)) ? a->along
              : a->rank == 0 && a->along < 0                                            ? b->along
                                                                                        : -1;
  NcDtype t = met(a->node->type.dtype, b->node->type.dtype);
  for (int i = 0; i < 2; i++) x[i] = nc_t_cast(e, at, x[i], t);
  if (!nc_meet(e, at, op, x, 2)) return NULL;
  NcTensor *r = nc_t_op(e, at, op, 2, x);
  if (r) r->along = along;
  return r;
}

// x ^ n for small whole n is multiplication: cheaper, and exact where pow may not be.
static NcTensor *whole_power(NcElab *e, NcRange at, NcTensor *x, double n) {
  if (n == 2) return nc_arith(e, at, "mul", x, x);
  if (n == 3) return nc_arith(e, at, "mul", nc_arith(e, at, "mul", x, x), x);
  if (n == 4) return whole_power(e, at, whole_power(e, at, x, 2), 2);
  if (n == 0.5) return nc_t_op(e, at, "sqrt", 1, &x);
  if (n == -1) return nc_t_op(e, at, "reciprocal", 1, &x);
  return n == 1 ? x : NULL;
}

static NcValue tensor_binary(NcElab *e, NcRange at, NcOperator op, NcValue a, NcValue b) {
  const OpRow *row = &op_rows[op];
  const NcTensor *like = a.kind == NC_V_TENSOR ? a.t : b.t;
  NcTensor *x[2] = {nc_to_tensor(e, a, at, like), nc_to_tensor(e, b, at, like)};
  if (!x[0] || !x[1]) return nc_v_poison();
  if (op == NC_B_MATMUL) {
    for (int i = 0; i < 2; i++) x[i] = nc_to_float(e, at, x[i]);
    return nc_v_tensor(at, nc_t_matmul(e, at, x[0], x[1]));
  }
  bool logic = op == NC_B_AND || op == NC_B_OR;
  for (int i = 0; i < 2; i++) {
    NcDtype t = x[i]->node->type.dtype;
    if (logic) {
      if (t != NC_BOOL) {
        nc_elab_error(e, NC_E0204, at, "`%s` needs truth values, not %s", nc_operator_word(op), nc_t_describe(e, x[i]));
        return nc_v_poison();
      }
      continue;
    }
    bool bools = row->compare && x[0]->node->type.dtype == NC_BOOL && x[1]->node->type.dtype == NC_BOOL;
    if (!bools) t = counted(t, row->compare);
    if (row->real && !nc_dtype_float(t)) t = NC_F32;
    if (!bools) x[i] = nc_t_cast(e, at, x[i], t);
  }
  double n;
  if (op == NC_B_POW && nc_v_number(&b, &n)) {
    NcTensor *p = whole_power(e, at, x[0], n);
    if (p) return nc_v_tensor(at, p);
  }
  return nc_v_tensor(at, nc_arith(e, at, row->op, x[0], x[1]));
}

NcValue nc_binary(NcElab *e, NcRange at, NcOperator op, NcValue a, NcValue b) {
  if (a.kind == NC_V_POISON || b.kind == NC_V_POISON) return nc_v_poison();
  if (a.kind == NC_V_TENSOR || b.kind == NC_V_TENSOR) return tensor_binary(e, at, op, a, b);
  double x, y;
  bool plain = op != NC_B_MATMUL && op != NC_B_AND && op != NC_B_OR;
  if (plain && a.kind == NC_V_INT && b.kind == NC_V_INT) return int_binary(e, at, op, a.size, b.size);
  if (plain && nc_v_number(&a, &x) && nc_v_number(&b, &y)) return float_binary(e, at, op, x, y);
  if (a.kind == NC_V_STR && b.kind == NC_V_STR) {
    if (op == NC_B_ADD) return nc_v_str(at, nc_sprintf(e->arena, "%s%s", a.s, b.s));
    int order = strcmp(a.s, b.s);
    if (op == NC_B_EQ || op == NC_B_NE) return nc_v_bool(at, (order == 0) == (op == NC_B_EQ));
  }
  if (a.kind == NC_V_BOOL && b.kind == NC_V_BOOL) {
    if (op == NC_B_EQ || op == NC_B_NE) return nc_v_bool(at, (a.b == b.b) == (op == NC_B_EQ));
    if (op == NC_B_AND || op == NC_B_OR) return nc_v_bool(at, op == NC_B_AND ? a.b && b.b : a.b || b.b);
  }
  if ((op == NC_B_EQ || op == NC_B_NE) && (a.kind == NC_V_STR || b.kind == NC_V_STR))
    return nc_v_bool(at, op == NC_B_NE);
  return bad_kinds(e, at, op, &a, &b);
}

NcValue nc_unary(NcElab *e, NcRange at, NcOperator op, NcValue a) {
  if (a.kind == NC_V_POISON) return a;
  if (op == NC_B_NOT && a.kind == NC_V_BOOL) return nc_v_bool(at, !a.b);
  if (op == NC_B_NEG && a.kind == NC_V_FLOAT) return nc_v_float(at, -a.f);
  if (op == NC_B_NEG && a.kind == NC_V_INT) return int_binary(e, at, NC_B_SUB, nc_size(0), a.size);
  if (a.kind == NC_V_TENSOR) {
    NcTensor *t = a.t;
    if (op == NC_B_NEG) t = nc_t_cast(e, at, t, counted(t->node->type.dtype, false));
    else if (t->node->type.dtype != NC_BOOL) {
      nc_elab_error(e, NC_E0204, at, "`not` needs truth values, not %s", nc_t_describe(e, t));
      return nc_v_poison();
    }
    return nc_v_tensor(at, nc_t_op(e, at, op_rows[op].op, 1, &t));
  }
  nc_elab_error(e, NC_E0205, at, "`%s` does not work on %s", nc_operator_word(op), nc_v_describe(e, &a));
  return nc_v_poison();
}
