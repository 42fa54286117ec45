// Where an axis of an operand lies in an operation's result, and the other way round; so, which axes are time. See advance.h.
#include <string.h>
#include "ops/advance_internal.h"
#include "ops/rows.h"

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

int nc_axis_reshaped(NcShape from, NcShape to, int axis) {
  int64_t before = 1, sum = 1;
  for (int i = 0; i < axis; i++) before *= from.dim[i];
  for (int k = 0; k < to.rank; k++) {
    if (sum == before && to.dim[k] == from.dim[axis]) return k;
    sum *= to.dim[k];
  }
  return -1;
}

int nc_axis_of_result(const NcNode *n, int i, int k, bool *found) {
  const NcShape *x = &n->in[i]->type.shape;
  int count;
  *found = true;
  if (n->op->kind == NC_POINTWISE || n->op->kind == NC_CUMULATIVE || is(n, "slice") || is(n, "pad") || is(n, "concat")) return k;
  if (is(n, "permute")) {
    const int64_t *perm = nc_attr_ints(n, "perm", &count);
    for (int o = 0; o < count; o++)
      if (perm[o] == k) return o;
  }
  if (is(n, "broadcast")) return (int)nc_attr_ints(n, "axes", NULL)[k];
  if (is(n, "reshape")) {
    int o = nc_axis_reshaped(*x, n->type.shape, k);
    *found = o >= 0;
    return o;
  }
  if (n->op->kind == NC_REDUCE) {
    int64_t rest[NC_MAX_RANK];
    const int64_t *axes = nc_attr_ints(n, "axes", &count);
    int kept = nc_other_axes(x->rank, count, axes, rest);
    for (int o = 0; o < kept; o++)
      if (rest[o] == k) return o;
    return -1;
  }
  if (n->op->kind == NC_DOT) {
    int batch, con;
    const int64_t *b[2] = {nc_attr_ints(n, "abatch", &batch), nc_attr_ints(n, "bbatch", NULL)};
    const int64_t *c[2] = {nc_attr_ints(n, "acon", &con), nc_attr_ints(n, "bcon", NULL)};
    int at = batch;
    for (int o = 0; o < batch; o++)
      if (b[i][o] == k) return o;
    if (nc_has_axis(c[i], con, k)) return -1;
    if (i) at += n->in[0]->type.shape.rank - batch - con;
    for (int o = 0; o < k; o++) at += !nc_has_axis(b[i], batch, o) && !nc_has_axis(c[i], con, o);
    return at;
  }
  if (is(n, "gather")) {                       // with axes in common, those come first in both operands
    int axis = (int)nc_attr_int(n, "axis"), common = nc_attr(n, "batch") ? (int)nc_attr_int(n, "batch") : 0;
    int places = n->in[1]->type.shape.rank - common;
    if (i) return k < common ? k : axis + k - common;
    *found = k != axis;
    return k < axis ? k : k + places - 1;
  }
  if (is(n, "attention") && k < 3) {           // keys and their values are summed over
    bool shared = i != 1 && i != 2;
    *found = shared || k != 1 || n->in[i]->type.shape.dim[1] == n->type.shape.dim[1];
    return shared || k < 2 ? k : -1;
  }
  if (is(n, "attention")) return i == 2 ? 3 : -1;
  if (is(n, "conv") && i == 0 && x->rank == 3 && k != 1) return k;
  *found = false;
  return -1;
}

unsigned nc_time_of(const NcWalk *w, const NcNode *n) {
  if (is(n, "loop") || is(n, "loop_out")) return nc_time_loop(w, n);
  unsigned out = 0;
  for (int i = 0; i < n->nin; i++) {
    unsigned in = w->time[n->in[i]->id];
    out |= in & NC_LOST;
    for (int k = 0; k < n->in[i]->type.shape.rank; k++) {
      bool found;
      if (!(in & 1u << k)) continue;
      int o = nc_axis_of_result(n, i, k, &found);
      out |= !found ? NC_LOST : o >= 0 ? 1u << o : 0;
    }
  }
  return out;
}

int nc_axis_of_operand(const NcNode *n, int i, int axis) {
  for (int k = 0; k < n->in[i]->type.shape.rank; k++) {
    bool found;
    if (nc_axis_of_result(n, i, k, &found) == axis && found) return k;
  }
  return -1;
}
