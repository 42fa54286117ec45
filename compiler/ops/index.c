// gather and its gradient scatter_add: rows picked by an index that is known at run time only.
//
//   gather       x [P..., N, S...], index i32 [I...] -> [P..., I..., S...]; an index outside 0..N-1 gives zeros
//   scatter_add  dy [P..., I..., S...], index i32 [I...] -> [P..., size, S...]: sums; other indices add nothing
//
// With the attribute batch, which is then equal to axis, the index is [P..., I...]: each of P has places of its own.
#include <string.h>
#include "ops/rows.h"

static bool index_fits(NcDiag *d, const NcNode *n) {
  if (n->in[1]->type.dtype == NC_I32) return true;
  return nc_refuse(d, NC_E0204, n, "the index must be i32 and is %s", nc_show(d, n->in[1]));
}

// The shape in which axis `axis`, of `width` axes, is replaced by the given sizes.
static NcShape replace(NcShape s, int64_t axis, int width, int count, const int64_t *dim) {
  NcShape r = {.rank = s.rank - width + count};
  for (int i = 0; i < axis; i++) r.dim[i] = s.dim[i];
  for (int i = 0; i < count; i++) r.dim[axis + i] = dim[i];
  for (int i = (int)axis + width; i < s.rank; i++) r.dim[i - width + count] = s.dim[i];
  return r;
}

static int batch_of(const NcNode *n) { return nc_attr(n, "batch") ? (int)nc_attr_int(n, "batch") : 0; }

// The index's own axes: those after the ones that it shares with x.
static NcShape picks_of(const NcNode *n) {
  NcShape s = n->in[1]->type.shape;
  int batch = batch_of(n);
  return nc_shape(s.rank - batch, s.dim + batch);
}

static bool batch_fits(NcDiag *d, const NcNode *n) {
  NcShape x = n->in[0]->type.shape, index = n->in[1]->type.shape;
  int batch = batch_of(n);
  bool fits = batch == 0 || (batch == nc_attr_int(n, "axis") && batch <= index.rank);
  for (int i = 0; fits && i < batch; i++) fits = x.dim[i] == index.dim[i];
  if (fits) return true;
  return nc_refuse(d, NC_E0203, n, "%s and %s do not share the first %d axes", nc_show(d, n->in[0]),
                   nc_show(d, n->in[1]), batch);
}

static bool infer_gather(NcDiag *d, const NcNode *n, NcType *out) {
  NcType x = n->in[0]->type;
  if (!index_fits(d, n) || !nc_need_axis(d, n, "axis", x.shape.rank) || !batch_fits(d, n)) return false;
  NcShape index = picks_of(n);
  if (x.shape.rank - 1 + index.rank > NC_MAX_RANK)
    return nc_refuse(d, NC_E0202, n, "%s at %s would have more than %d axes", nc_show(d, n->in[0]),
                     nc_show(d, n->in[1]), NC_MAX_RANK);
  *out = (NcType){x.dtype, replace(x.shape, nc_attr_int(n, "axis"), 1, index.rank, index.dim)};
  return true;
}

static bool infer_scatter(NcDiag *d, const NcNode *n, NcType *out) {
  NcType dy = n->in[0]->type;
  int64_t axis = nc_attr_int(n, "axis"), size = nc_attr_int(n, "size");
  if (!index_fits(d, n) || !batch_fits(d, n)) return false;
  NcShape index = picks_of(n);
  if (dy.dtype == NC_BOOL || dy.dtype == NC_U8)
    return nc_refuse(d, NC_E0204, n, "does not add %s", nc_show(d, n->in[0]));
  bool fits = axis >= 0 && axis + index.rank <= dy.shape.rank;
  for (int i = 0; fits && i < index.rank; i++) fits = dy.shape.dim[axis + i] == index.dim[i];
  if (!fits)
    return nc_refuse(d, NC_E0203, n, "%s does not hold %s from axis %lld on", nc_show(d, n->in[0]),
                     nc_show(d, n->in[1]), (long long)axis);
  if (dy.shape.rank - index.rank + 1 > NC_MAX_RANK)
    return nc_refuse(d, NC_E0202, n, "the result would have more than %d axes", NC_MAX_RANK);
  if (size < 1) return nc_refuse(d, NC_E0208, n, "the size must be positive");
  *out = (NcType){dy.dtype, replace(dy.shape, axis, index.rank, 1, &size)};
  return true;
}

static bool vjp_gather(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  NcType x = n->in[0]->type;
  if (!nc_dtype_float(x.dtype)) return true;
  int axis = (int)nc_attr_int(n, "axis");
  return (dx[0] = batch_of(n) ? nc_scatter_along(g, n->at, dy, n->in[1], x.shape.dim[axis], axis)
                              : nc_scatter_add(g, n->at, dy, n->in[1], x.shape, axis));
}

static bool vjp_scatter(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  int axis = (int)nc_attr_int(n, "axis");
  return (dx[0] = batch_of(n) ? nc_gather_along(g, n->at, dy, n->in[1], axis)
                              : nc_gather(g, n->at, dy, n->in[1], axis));
}

// [P, N, S] against [P, I, S], with the axes of each group taken as one.
typedef struct { int64_t before, size, after, picks, apart; } Loop;   // apart: from one of P's picks to the next

static Loop loop_of(const NcNode *n, NcShape table) {
  int64_t axis = nc_attr_int(n, "axis");
  Loop l = {1, table.dim[axis], 1, nc_count(picks_of(n)), 0};
  if (batch_of(n)) l.apart = l.picks;
  for (int i = 0; i < axis; i++) l.before *= table.dim[i];
  for (int i = (int)axis + 1; i < table.rank; i++) l.after *= table.dim[i];
  return l;
}

static void eval_gather(const NcEval *e) {
  Loop l = loop_of(e->node, e->node->in[0]->type.shape);
  for (int64_t p = 0; p < l.before; p++)
    for (int64_t i = 0; i < l.picks; i++) {
      double at = e->in[1][p * l.apart + i], *to = e->out + (p * l.picks + i) * l.after;
      bool here = at >= 0 && at < (double)l.size;
      const double *from = here ? e->in[0] + (p * l.size + (int64_t)at) * l.after : NULL;
      for (int64_t s = 0; s < l.after; s++) to[s] = here ? from[s] : 0;
    }
}

static void eval_scatter(const NcEval *e) {
  Loop l = loop_of(e->node, e->node->type.shape);
  memset(e->out, 0, (size_t)nc_count(e->node->type.shape) * sizeof(double));
  for (int64_t p = 0; p < l.before; p++)
    for (int64_t i = 0; i < l.picks; i++) {
      double at = e->in[1][p * l.apart + i];
      if (!(at >= 0 && at < (double)l.size)) continue;
      const double *from = e->in[0] + (p * l.picks + i) * l.after;
      double *to = e->out + (p * l.size + (int64_t)at) * l.after;
      for (int64_t s = 0; s < l.after; s++) to[s] += from[s];
    }
}

static const NcAttrSpec gather_attrs[] = {{"axis", NC_ATTR_INT}, {"batch", NC_ATTR_INT, true}, {0}};
static const NcAttrSpec scatter_attrs[] = {
  {"axis", NC_ATTR_INT}, {"size", NC_ATTR_INT}, {"batch", NC_ATTR_INT, true}, {0}};

const NcOp nc_row_gather = {.name = "gather", .kind = NC_INDEX, .arity = 2, .attrs = gather_attrs, .pure = true,
                            .infer = infer_gather, .vjp = vjp_gather, .eval = eval_gather,
                            .doc = "the elements of `axis` that the index names; zeros where it is out of range"};
const NcOp nc_row_scatter_add = {.name = "scatter_add", .kind = NC_INDEX, .arity = 2, .attrs = scatter_attrs,
                                 .pure = true, .infer = infer_scatter, .vjp = vjp_scatter, .eval = eval_scatter,
                                 .doc = "sums into the places of `axis` that the index names; the gradient of gather"};
