// orthogonal: a matrix of normal numbers [R, C] made orthonormal by rows (R <= C) or by columns, for starting values.
// Modified Gram-Schmidt, applied twice, is a QR decomposition whose R has a positive diagonal: the result is uniform
// over such matrices.
#include <math.h>
#include <string.h>
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  *out = n->in[0]->type;
  if (out->shape.rank != 2) return nc_refuse(d, NC_E0202, n, "needs a matrix and got %s", nc_show(d, n->in[0]));
  return nc_need_float(d, n, 0);
}

static double product(const double *a, const double *b, int64_t n, int64_t step) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += a[i * step] * b[i * step];
  return sum;
}

static void subtract(double *a, const double *b, double k, int64_t n, int64_t step) {
  for (int64_t i = 0; i < n; i++) a[i * step] -= k * b[i * step];
}

static void eval(const NcEval *e) {
  NcShape s = e->node->type.shape;
  bool rows = s.dim[0] <= s.dim[1];
  int64_t count = s.dim[rows ? 0 : 1], length = s.dim[rows ? 1 : 0];
  int64_t next = rows ? s.dim[1] : 1, step = rows ? 1 : s.dim[1];   // from vector to vector; within one
  memcpy(e->out, e->in[0], (size_t)nc_count(s) * sizeof(double));
  for (int64_t v = 0; v < count; v++) {
    double *a = e->out + v * next;
    for (int pass = 0; pass < 2; pass++)
      for (int64_t u = 0; u < v; u++) {
        const double *b = e->out + u * next;
        subtract(a, b, product(a, b, length, step), length, step);
      }
    double norm = sqrt(product(a, a, length, step));
    for (int64_t i = 0; i < length; i++) a[i * step] = norm > 0 ? a[i * step] / norm : i == v;
  }
}

const NcOp nc_row_orthogonal = {.name = "orthogonal", .kind = NC_INIT, .arity = 1, .pure = true, .infer = infer,
                                .eval = eval, .doc = "a normal matrix made orthonormal by its shorter side"};
