// A sum of products over an index is a contraction: sum for k < K { a[i, k] * b[k, j] } is one matrix product.
#include "elab/notation.h"

enum { MOST = 16 };
typedef struct { int n; const NcExpr *x[MOST]; bool under[MOST], negative; } Factors;   // under: it divides

static bool take(Factors *f, const NcExpr *x, bool under) {
  if (x->kind == NC_X_BINARY && (x->op == NC_B_MUL || (x->op == NC_B_DIV && !under)))
    return take(f, x->a, under) && take(f, x->b, under || x->op == NC_B_DIV);
  if (x->kind == NC_X_UNARY && x->op == NC_B_NEG) {
    f->negative = !f->negative;
    return take(f, x->a, under);
  }
  if (f->n == MOST) return false;
  f->under[f->n] = under;
  f->x[f->n++] = x;
  return true;
}

static bool depends(const NcTensor *x, int first) {
  for (int p = first; p <= x->rank; p++)
    if (!nc_size_is(nc_each_dim(x, p), 1)) return true;
  return false;
}

static bool within(const NcTensor *a, const NcTensor *b) {   // each index of a is one of b
  for (int p = 1; p <= a->rank; p++)
    if (!nc_size_is(nc_each_dim(a, p), 1) && nc_size_is(nc_each_dim(b, p), 1)) return false;
  return true;
}

// Factors whose indices another one has, too, are multiplied into that one.
static int merge(NcElab *e, NcRange at, NcTensor **t, int n) {
  for (bool again = true; again && n > 2;) {
    again = false;
    for (int i = 0; i < n && !again; i++)
      for (int k = 0; k < n && !again; k++) {
        if (i == k || !within(t[i], t[k])) continue;
        t[k] = nc_arith(e, at, "mul", t[i], t[k]);
        if (!t[k]) return 0;
        t[i] = t[--n];
        again = true;
      }
  }
  return n;
}

static NcExpr *axis_of(NcElab *e, int place) {
  NcExpr *x = NC_NEW(e->arena, NcExpr);
  x->kind = NC_X_NAME;
  x->name.s = nc_name(e, nc_sprintf(e->arena, "index %d", place));
  return x;
}

static NcExpr *axes(NcElab *e, const NcTensor *t, int least, NcTensor **squeezed, NcRange at) {
  NcExpr *x = NC_NEW(e->arena, NcExpr);
  NcSize dim[NC_MAX_RANK];
  int rank = 0;
  x->kind = NC_X_AXES;
  for (int p = t->rank; p >= least; p--) {
    if (nc_size_is(nc_each_dim(t, p), 1)) continue;
    *NC_PUSH(e->arena, x->list) = (NcArg){.e = axis_of(e, p)};
    dim[rank++] = nc_each_dim(t, p);
  }
  if (squeezed) *squeezed = nc_t_reshape(e, at, (NcTensor *)t, rank, dim);
  return x;
}

static NcTensor *contract(NcElab *e, NcRange at, int first, NcTensor **t, int n) {
  NcExpr pattern = {.kind = NC_X_EINSUM, .at = at}, result = {.kind = NC_X_AXES, .at = at};
  NcValue arg[MOST];
  int place[NC_MAX_RANK], rank = 0;
  for (int p = NC_MAX_RANK; p >= 1; p--)
    for (int i = 0; i < n && p < first; i++)
      if (!nc_size_is(nc_each_dim(t[i], p), 1)) {
        *NC_PUSH(e->arena, result.list) = (NcArg){.e = axis_of(e, p)};
        place[rank++] = p;
        break;
      }
  pattern.b = &result;
  for (int i = 0; i < n; i++) {
    NcTensor *s;
    *NC_PUSH(e->arena, pattern.list) = (NcArg){.e = axes(e, t[i], 1, &s, at)};
    if (!s) return NULL;
    arg[i] = nc_v_tensor(at, s);
  }
  NcValue v = nc_einsum(e, &pattern, at, n, arg);
  return v.kind == NC_V_TENSOR ? nc_each_lay(e, at, v.t, place) : NULL;
}

NcTensor *nc_each_product(NcElab *e, const NcNest *nest, int first, const NcExpr *x, bool *done) {
  Factors f = {0};
  *done = false;
  if (!take(&f, x, false)) return NULL;
  NcTensor *in[MOST], *out = NULL;
  NcValue plain[MOST];
  int n = 0, errors = e->diag->errors;
  NcDtype dtype = NC_F32;
  bool all_float = true, outside[MOST] = {0};
  for (int i = 0; i < f.n; i++) {   // factors without an index are looked at last: they cannot be two of a contraction
    if (!nc_mentions(e, f.x[i])) { outside[i] = true; continue; }
    NcTensor *t = nc_each(e, nest, f.x[i]);
    if (!t) { *done = e->diag->errors > errors; return NULL; }
    plain[i] = nc_v_tensor(f.x[i]->at, t);
    if (depends(t, first) && f.under[i]) return NULL;
    outside[i] = !depends(t, first);
    if (outside[i]) continue;
    all_float = all_float && nc_dtype_float(t->node->type.dtype) && (n == 0 || t->node->type.dtype == dtype);
    dtype = t->node->type.dtype;
    in[n++] = t;
  }
  if (n < 2 || !all_float) return NULL;
  *done = true;
  n = merge(e, x->at, in, n);
  out = n ? contract(e, x->at, first, in, n) : NULL;
  NcValue v = nc_v_tensor(x->at, out);
  for (int i = 0; i < f.n; i++) {
    if (!outside[i]) continue;
    NcValue factor = nc_mentions(e, f.x[i]) ? plain[i] : nc_each_value(e, nest, f.x[i]);
    v = nc_binary(e, x->at, f.under[i] ? NC_B_DIV : NC_B_MUL, v, factor);
  }
  for (int p = first; p <= nest->n; p++) {   // an index that no factor has counts each of them
    bool used = false;
    for (int i = 0; i < n; i++) used = used || !nc_size_is(nc_each_dim(in[i], p), 1);
    if (!used && !nc_size_is(nest->index[p]->n, 1))
      v = nc_binary(e, x->at, NC_B_MUL, v, nc_v_float(x->at, (double)nest->index[p]->n.value));
  }
  if (f.negative) v = nc_unary(e, x->at, NC_B_NEG, v);
  return v.kind == NC_V_TENSOR ? v.t : NULL;
}
