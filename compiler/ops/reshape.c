// reshape: the same elements in the same order, other sizes.
#include <string.h>
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  int rank;
  const int64_t *dim = nc_attr_ints(n, "shape", &rank);
  if (rank > NC_MAX_RANK) return nc_refuse(d, NC_E0202, n, "%d axes are more than %d", rank, NC_MAX_RANK);
  NcType t = {n->in[0]->type.dtype, nc_shape(rank, dim)};
  int64_t count = nc_count(n->in[0]->type.shape), left = count;
  bool fits = true;
  for (int i = 0; i < rank; i++) {
    fits = fits && dim[i] > 0 && left % dim[i] == 0;
    if (fits) left /= dim[i];
  }
  if (!fits || left != 1)
    return nc_refuse(d, NC_E0207, n, "%s has %lld elements, which do not fill %s", nc_show(d, n->in[0]),
                     (long long)count, nc_type_str(d->arena, t));
  *out = t;
  return true;
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  return (dx[0] = nc_reshape(g, n->at, dy, n->in[0]->type.shape));
}

static void eval(const NcEval *e) {
  memcpy(e->out, e->in[0], (size_t)nc_count(e->node->type.shape) * sizeof(double));
}

static const NcAttrSpec attrs[] = {{"shape", NC_ATTR_INTS}, {0}};
const NcOp nc_row_reshape = {.name = "reshape", .kind = NC_MOVEMENT, .arity = 1, .attrs = attrs, .pure = true,
                             .infer = infer, .vjp = vjp, .eval = eval,
                             .doc = "the same elements in the same order as `shape`"};
