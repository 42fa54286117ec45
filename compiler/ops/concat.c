// concat: operands one after the other along an axis.
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  if (n->nin < 1) return nc_refuse(d, NC_E0304, n, "needs at least one operand");
  NcType x = n->in[0]->type;
  if (!nc_need_axis(d, n, "axis", x.shape.rank)) return false;
  int64_t axis = nc_attr_int(n, "axis");
  *out = x;
  for (int k = 1; k < n->nin; k++) {
    NcShape s = n->in[k]->type.shape;
    if (!nc_need_dtype(d, n, 0, k)) return false;
    out->shape.dim[axis] += s.rank == x.shape.rank ? s.dim[axis] : 0;
    if (s.rank == x.shape.rank) s.dim[axis] = x.shape.dim[axis];
    if (!nc_shape_eq(s, x.shape))
      return nc_refuse(d, NC_E0203, n, "%s and %s differ in more than axis %lld", nc_show(d, n->in[0]),
                       nc_show(d, n->in[k]), (long long)axis);
  }
  return true;
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  int64_t axis = nc_attr_int(n, "axis"), start[NC_MAX_RANK] = {0}, step[NC_MAX_RANK];
  for (int i = 0; i < n->type.shape.rank; i++) step[i] = 1;
  for (int k = 0; k < n->nin; k++) {
    NcShape s = n->in[k]->type.shape;
    if (!(dx[k] = nc_slice(g, n->at, dy, start, s.dim, step))) return false;
    start[axis] += s.dim[axis];
  }
  return true;
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  int64_t axis = nc_attr_int(n, "axis"), os[NC_MAX_RANK], is[NC_MAX_RANK], at = 0;
  nc_strides(n->type.shape, os);
  for (int k = 0; k < n->nin; k++) {
    NcShape s = n->in[k]->type.shape;
    nc_strides(s, is);
    nc_strided_copy(s, e->out + at, os, e->in[k], is);
    at += s.dim[axis] * os[axis];
  }
}

static const NcAttrSpec attrs[] = {{"axis", NC_ATTR_INT}, {0}};
const NcOp nc_row_concat = {.name = "concat", .kind = NC_MOVEMENT, .arity = -1, .attrs = attrs, .pure = true,
                            .infer = infer, .vjp = vjp, .eval = eval,
                            .doc = "the operands one after the other along `axis`"};
