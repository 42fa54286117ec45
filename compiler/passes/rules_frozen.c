// Norms whose statistics are variables, as they are when a network predicts: (x - mean) · r · scale + shift is x · S + B, with S
// and B of the size of the broadcast vectors, which are computed apart (and once for many norms: fuse.c).
#include <string.h>
#include "passes/rules.h"

enum { DEEP = 12 };

// Made of variables alone. `deep` bounds the search, not the answer's use: what is deeper is no norm's vector.
static bool frozen(const NcNode *n, int deep) {
  if (!n->nin) return nc_is_op(n, "var") || nc_is_op(n, "const");
  if (!deep || (n->op->kind != NC_POINTWISE && n->op->kind != NC_MOVEMENT)) return false;
  for (int i = 0; i < n->nin; i++)
    if (!frozen(n->in[i], deep - 1)) return false;
  return true;
}

static bool is_vector(const NcNode *n) { return nc_is_op(n, "broadcast") && !nc_is_literal(n->in[0]) && frozen(n->in[0], DEEP); }

static bool alike(const NcNode *x, const NcNode *y) {
  int n, m;
  const int64_t *a = nc_attr_ints(x, "axes", &n), *b = nc_attr_ints(y, "axes", &m);
  return nc_shape_eq(x->in[0]->type.shape, y->in[0]->type.shape) && n == m && memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

// The vector that x is added to, or times which it is taken; *x: what that is done to. NULL: n is no such link.
static NcNode *link(const NcNode *n, NcNode **x) {
  const bool sub = nc_is_op(n, "sub");
  if (!sub && !nc_is_op(n, "add") && !nc_is_op(n, "mul")) return NULL;
  for (int i = 1; i >= sub; i--)
    if (is_vector(n->in[i]) && !is_vector(n->in[1 - i])) {
      *x = n->in[1 - i];
      return n->in[i];
    }
  return NULL;
}

static NcNode *op2(NcSimplify *s, NcNode *n, const char *op, NcNode *a, NcNode *b) { return nc_op2(s->g, n->at, op, a, b); }

// Applies a link with the vector v to x · S + B; NULL stands for 1 and 0.
static void apply(NcSimplify *s, NcNode *n, const NcNode *l, NcNode *v, NcNode **scale, NcNode **shift) {
  if (nc_is_op(l, "mul")) {
    *scale = *scale ? op2(s, n, "mul", *scale, v) : v;
    if (*shift) *shift = op2(s, n, "mul", *shift, v);
  } else if (nc_is_op(l, "sub")) {
    *shift = *shift ? op2(s, n, "sub", *shift, v) : nc_op1(s->g, n->at, "neg", v);
  } else {
    *shift = *shift ? op2(s, n, "add", *shift, v) : v;
  }
}

// Three links or more become two. Where one of the values between is read elsewhere, it would be computed twice.
static NcNode *affine(NcSimplify *s, NcNode *n) {
  enum { MOST = 8 };
  const NcNode *chain[MOST];
  NcNode *vector[MOST], *x = n, *below;
  int count = 0;
  bool times = false;
  for (; count < MOST && (!count || nc_single(s, x)); count++, x = below) {
    NcNode *v = link(x, &below);
    if (!v || (count && !alike(v, vector[0]))) break;
    chain[count] = x;
    vector[count] = v;
    times |= nc_is_op(x, "mul");
  }
  if (count < 3 || !times || !nc_dtype_float(n->type.dtype)) return NULL;
  NcNode *scale = NULL, *shift = NULL;
  for (int i = count - 1; i >= 0; i--) apply(s, n, chain[i], vector[i]->in[0], &scale, &shift);
  const int64_t *axes = nc_attr_ints(vector[0], "axes", NULL);
  x = op2(s, n, "mul", x, nc_broadcast(s->g, n->at, scale, n->type.shape, axes));
  return shift ? op2(s, n, "add", x, nc_broadcast(s->g, n->at, shift, n->type.shape, axes)) : x;
}

NcNode *nc_rule_add_frozen(NcSimplify *s, NcNode *n) { return affine(s, n); }
NcNode *nc_rule_sub_frozen(NcSimplify *s, NcNode *n) { return affine(s, n); }
NcNode *nc_rule_mul_frozen(NcSimplify *s, NcNode *n) { return affine(s, n); }
