// slice: along each axis, `size` elements from `start`, `step` apart; a negative step runs backwards.
#include <stdlib.h>
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  int rank = x.shape.rank;
  if (!nc_need_ints(d, n, "start", rank) || !nc_need_ints(d, n, "size", rank) || !nc_need_ints(d, n, "step", rank))
    return false;
  const int64_t *start = nc_attr_ints(n, "start", NULL), *size = nc_attr_ints(n, "size", NULL);
  const int64_t *step = nc_attr_ints(n, "step", NULL);
  *out = x;
  for (int i = 0; i < rank; i++) {
    int64_t last = start[i] + (size[i] - 1) * step[i];
    if (step[i] == 0) return nc_refuse(d, NC_E0209, n, "the step along axis %d is 0", i);
    if (size[i] < 1) return nc_refuse(d, NC_E0208, n, "nothing is left of axis %d of %s", i, nc_show(d, n->in[0]));
    if (start[i] < 0 || start[i] >= x.shape.dim[i] || last < 0 || last >= x.shape.dim[i])
      return nc_refuse(d, NC_E0209, n, "elements %lld to %lld of axis %d are not all in %s", (long long)start[i],
                       (long long)last, i, nc_show(d, n->in[0]));
    out->shape.dim[i] = size[i];
  }
  return true;
}

// Puts step - 1 zeros after each element along an axis: [.., n, ..] to [.., n step, ..].
static NcNode *spread(NcGraph *g, NcRange at, NcNode *x, int axis, int64_t step) {
  if (step == 1) return x;
  NcShape s = x->type.shape, wide = s;
  int64_t before = 1, after = 1;
  for (int i = 0; i < axis; i++) before *= s.dim[i];
  for (int i = axis + 1; i < s.rank; i++) after *= s.dim[i];
  NcNode *y = nc_reshape(g, at, x, NC_SHAPE(before, s.dim[axis], 1, after));
  y = nc_pad(g, at, y, (int64_t[]){0, 0, 0, 0}, (int64_t[]){0, 0, step - 1, 0}, 0);
  wide.dim[axis] *= step;
  return nc_reshape(g, at, y, wide);
}

// Zeros, with dy at the places that were read: turned to ascending order, spread, and padded.
static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  NcShape x = n->in[0]->type.shape, y = n->type.shape;
  const int64_t *start = nc_attr_ints(n, "start", NULL), *step = nc_attr_ints(n, "step", NULL);
  int64_t from[NC_MAX_RANK], turn[NC_MAX_RANK], lo[NC_MAX_RANK], hi[NC_MAX_RANK];
  for (int i = 0; i < x.rank; i++) {
    bool back = step[i] < 0;
    int64_t wide = y.dim[i] == 1 ? 1 : y.dim[i] * llabs(step[i]);
    turn[i] = back ? -1 : 1;
    from[i] = back ? y.dim[i] - 1 : 0;
    lo[i] = back ? start[i] + (y.dim[i] - 1) * step[i] : start[i];
    hi[i] = x.dim[i] - lo[i] - wide;
  }
  NcNode *v = nc_slice(g, n->at, dy, from, y.dim, turn);
  for (int i = 0; v && i < x.rank; i++)
    if (y.dim[i] > 1) v = spread(g, n->at, v, i, llabs(step[i]));
  return (dx[0] = nc_pad(g, n->at, v, lo, hi, 0));
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  const int64_t *start = nc_attr_ints(n, "start", NULL), *step = nc_attr_ints(n, "step", NULL);
  int64_t from[NC_MAX_RANK], istride[NC_MAX_RANK], ostride[NC_MAX_RANK], first = 0;
  nc_strides(n->in[0]->type.shape, from);
  nc_strides(n->type.shape, ostride);
  for (int i = 0; i < n->type.shape.rank; i++) {
    first += start[i] * from[i];
    istride[i] = step[i] * from[i];
  }
  nc_strided_copy(n->type.shape, e->out, ostride, e->in[0] + first, istride);
}

static const NcAttrSpec attrs[] = {{"start", NC_ATTR_INTS}, {"size", NC_ATTR_INTS}, {"step", NC_ATTR_INTS}, {0}};
const NcOp nc_row_slice = {.name = "slice", .kind = NC_MOVEMENT, .arity = 1, .attrs = attrs, .pure = true,
                           .infer = infer, .vjp = vjp, .eval = eval,
                           .doc = "along each axis `size` elements from `start`, `step` apart; negative steps reverse"};
