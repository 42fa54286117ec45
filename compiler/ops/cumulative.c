// cumulative: running sum or product along an axis, the element itself included; `reverse` runs from the end.
#include <string.h>
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  static const char *const kinds[] = {"sum", "prod"};
  *out = n->in[0]->type;
  if (out->dtype == NC_BOOL || out->dtype == NC_U8)
    return nc_refuse(d, NC_E0204, n, "does not calculate with %s: cast it first", nc_show(d, n->in[0]));
  int64_t reverse = nc_attr_int(n, "reverse");
  if (reverse != 0 && reverse != 1) return nc_refuse(d, NC_E0209, n, "reverse must be 0 or 1");
  return nc_need_word(d, n, "op", kinds, 2) && nc_need_axis(d, n, "axis", out->shape.rank);
}

// d y_i / d x_j is the product of the others up to i: (product before j) (product from j + 1 to i). Made as a table
// over (j, i) so that zeros are right: n² elements for an axis of n.
static NcNode *prod_vjp(NcGraph *g, NcNode *n, NcNode *dy) {
  NcNode *x = n->in[0];
  NcShape s = x->type.shape;
  int axis = (int)nc_attr_int(n, "axis");
  bool reverse = nc_attr_int(n, "reverse");
  int64_t before = 1, after = 1, len = s.dim[axis], here = reverse ? -1 : 1;
  for (int i = 0; i < axis; i++) before *= s.dim[i];
  for (int i = axis + 1; i < s.rank; i++) after *= s.dim[i];
  NcShape flat = NC_SHAPE(before, len, after), table = NC_SHAPE(before, len, len, after);   // table: [.., j, i, ..]
  NcType count = {NC_I32, table};
  NcNode *j = nc_iota(g, n->at, count, 1), *i = nc_iota(g, n->at, count, 2);
  NcNode *late = nc_op2(g, n->at, reverse ? "lt" : "gt", i, j), *from_j = nc_op2(g, n->at, reverse ? "le" : "ge", i, j);
  NcNode *xi = nc_broadcast(g, n->at, nc_reshape(g, n->at, x, flat), table, (int64_t[]){0, 2, 3});
  if (!xi) return NULL;
  NcNode *tail = nc_op3(g, n->at, "select", late, xi, nc_like(g, xi, 1));
  tail = nc_cumulative(g, n->at, "prod", tail, 2, reverse);
  NcNode *dyi = nc_broadcast(g, n->at, nc_reshape(g, n->at, dy, flat), table, (int64_t[]){0, 2, 3});
  NcNode *terms = nc_op3(g, n->at, "select", from_j, nc_op2(g, n->at, "mul", tail, dyi), nc_like(g, xi, 0));
  NcNode *sum = nc_reduce(g, n->at, "sum", terms, 1, (int64_t[]){2});
  NcNode *head = nc_pad(g, n->at, nc_reshape(g, n->at, n, flat), (int64_t[]){0, here, 0}, (int64_t[]){0, -here, 0}, 1);
  return nc_reshape(g, n->at, nc_op2(g, n->at, "mul", head, sum), s);
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  if (strcmp(nc_attr_str(n, "op"), "prod") == 0) return (dx[0] = prod_vjp(g, n, dy));
  return (dx[0] = nc_cumulative(g, n->at, "sum", dy, (int)nc_attr_int(n, "axis"), !nc_attr_int(n, "reverse")));
}

static void eval(const NcEval *e) {
  const NcNode *n = e->node;
  int64_t axis = nc_attr_int(n, "axis"), stride[NC_MAX_RANK], length = n->type.shape.dim[axis];
  bool prod = strcmp(nc_attr_str(n, "op"), "prod") == 0, reverse = nc_attr_int(n, "reverse");
  nc_strides(n->type.shape, stride);
  int64_t inner = stride[axis], outer = nc_count(n->type.shape) / (inner * length);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      int64_t at = o * length * inner + i + (reverse ? (length - 1) * inner : 0), step = reverse ? -inner : inner;
      double v = prod;
      for (int64_t k = 0; k < length; k++, at += step) {
        v = prod ? v * e->in[0][at] : v + e->in[0][at];
        e->out[at] = v;
      }
    }
}

static const NcAttrSpec attrs[] = {{"op", NC_ATTR_STR}, {"axis", NC_ATTR_INT}, {"reverse", NC_ATTR_INT}, {0}};
const NcOp nc_row_cumulative = {.name = "cumulative", .kind = NC_CUMULATIVE, .arity = 1, .attrs = attrs, .pure = true,
                                .infer = infer, .vjp = vjp, .eval = eval,
                                .doc = "running sum or product along `axis`, the element itself included"};
