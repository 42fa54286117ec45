// broadcast: axis i of the operand becomes axis axes[i] of the result (ascending); size-1 axes stretch, other axes of
// the result are new. Its gradient is the one place where un-broadcasting happens.
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  int rank;
  const int64_t *dim = nc_attr_ints(n, "shape", &rank);
  if (rank > NC_MAX_RANK) return nc_refuse(d, NC_E0202, n, "%d axes are more than %d", rank, NC_MAX_RANK);
  NcType t = {x.dtype, nc_shape(rank, dim)};
  if (!nc_need_ints(d, n, "axes", x.shape.rank) || !nc_need_axes(d, n, "axes", rank)) return false;
  const int64_t *axes = nc_attr_ints(n, "axes", NULL);
  for (int i = 0; i < x.shape.rank; i++) {
    if (i && axes[i] < axes[i - 1]) return nc_refuse(d, NC_E0206, n, "the axes must ascend; permute first");
    if (x.shape.dim[i] != 1 && x.shape.dim[i] != dim[axes[i]])
      return nc_refuse(d, NC_E0201, n, "%s does not broadcast to %s: axis %d has size %lld, axis %lld needs %lld",
                       nc_show(d, n->in[0]), nc_type_str(d->arena, t), i, (long long)x.shape.dim[i],
                       (long long)axes[i], (long long)dim[axes[i]]);
  }
  *out = t;
  return true;
}

static bool stretched(const NcNode *n, const int64_t *axes, int i) {
  return n->in[0]->type.shape.dim[i] == 1 && n->type.shape.dim[axes[i]] != 1;
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  int rank = n->in[0]->type.shape.rank, kept = 0, summed;
  const int64_t *axes = nc_attr_ints(n, "axes", NULL);
  int64_t keep[NC_MAX_RANK], sum[NC_MAX_RANK];
  for (int i = 0; i < rank; i++)
    if (!stretched(n, axes, i)) keep[kept++] = axes[i];
  summed = nc_other_axes(n->type.shape.rank, kept, keep, sum);
  NcNode *x = nc_reduce(g, n->at, "sum", dy, summed, sum);
  return (dx[0] = nc_reshape(g, n->at, x, n->in[0]->type.shape));
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  int rank = n->in[0]->type.shape.rank;
  const int64_t *axes = nc_attr_ints(n, "axes", NULL);
  int64_t from[NC_MAX_RANK], istride[NC_MAX_RANK] = {0}, ostride[NC_MAX_RANK];
  nc_strides(n->in[0]->type.shape, from);
  nc_strides(n->type.shape, ostride);
  for (int i = 0; i < rank; i++) istride[axes[i]] = stretched(n, axes, i) ? 0 : from[i];
  nc_strided_copy(n->type.shape, e->out, ostride, e->in[0], istride);
}

static const NcAttrSpec attrs[] = {{"shape", NC_ATTR_INTS}, {"axes", NC_ATTR_INTS}, {0}};
const NcOp nc_row_broadcast = {.name = "broadcast", .kind = NC_MOVEMENT, .arity = 1, .attrs = attrs, .pure = true,
                               .infer = infer, .vjp = vjp, .eval = eval,
                               .doc = "axis i becomes axis axes[i] of `shape`; size-1 axes stretch"};
