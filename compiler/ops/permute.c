// permute: axis i of the result is axis perm[i] of the operand.
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  if (!nc_need_ints(d, n, "perm", x.shape.rank) || !nc_need_axes(d, n, "perm", x.shape.rank)) return false;
  const int64_t *perm = nc_attr_ints(n, "perm", NULL);
  *out = x;
  for (int i = 0; i < x.shape.rank; i++) out->shape.dim[i] = x.shape.dim[perm[i]];
  return true;
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  int rank;
  const int64_t *perm = nc_attr_ints(n, "perm", &rank);
  int64_t back[NC_MAX_RANK];
  for (int i = 0; i < rank; i++) back[perm[i]] = i;
  return (dx[0] = nc_permute(g, n->at, dy, back));
}

static void eval(const NcEval *e) {
  int rank;
  const int64_t *perm = nc_attr_ints(e->node, "perm", &rank);
  int64_t from[NC_MAX_RANK], istride[NC_MAX_RANK], ostride[NC_MAX_RANK];
  nc_strides(e->node->in[0]->type.shape, from);
  nc_strides(e->node->type.shape, ostride);
  for (int i = 0; i < rank; i++) istride[i] = from[perm[i]];
  nc_strided_copy(e->node->type.shape, e->out, ostride, e->in[0], istride);
}

static const NcAttrSpec attrs[] = {{"perm", NC_ATTR_INTS}, {0}};
const NcOp nc_row_permute = {.name = "permute", .kind = NC_MOVEMENT, .arity = 1, .attrs = attrs, .pure = true,
                             .infer = infer, .vjp = vjp, .eval = eval,
                             .doc = "axis i of the result is axis perm[i] of the operand"};
