// What each operation becomes when one position of its result is wanted; see advance.h.
#include <math.h>
#include <string.h>
#include "ops/advance_internal.h"
#include "ops/rows.h"

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

static NcShape one(const NcNode *n, int axis) {        // its shape where that axis is a single position
  NcShape s = n->type.shape;
  s.dim[axis] = 1;
  return s;
}

// ---- what is ahead

// The result's piece where one operand has something ahead that the operation leaves there.
static NcPiece kept(const NcNode *n, int i, NcPiece x, NcNode *result) {
  bool found;
  NcPiece p = nc_piece(result);
  if (x.axis < 0) return p;
  p.axis = nc_axis_of_result(n, i, x.axis, &found);
  if (p.axis < 0 || !found) return nc_piece(result);
  p.ahead = x.ahead;
  p.value = x.value;
  return p;
}

bool nc_is_garbage(NcPiece x) { return x.axis >= 0 && x.ahead == NC_GARBAGE; }

static bool is_number(const NcNode *n, double *v) {      // a constant, the same everywhere
  while (is(n, "broadcast") || is(n, "reshape")) n = n->in[0];
  if (!is(n, "const") || !nc_attr(n, "value")) return false;
  *v = nc_attr_float(n, "value");
  if (*v <= -1e9) *v = -INFINITY;
  return true;
}

// What operand k holds ahead on axis u while axis t is the position.
static NcPiece ahead_of(NcWalk *w, const NcNode *n, int k, NcPiece x, int t, int u) {
  NcPiece p = {.axis = u, .ahead = NC_KNOWN};
  if (x.axis == u) return x;
  if (is_number(n->in[k], &p.value) || nc_fixed_ahead(w, n->in[k], t, u, &p.value)) return p;
  p.ahead = NC_SOUND;
  return p;
}

// The pointwise operation of what its operands hold ahead. A large negative score is -inf, whatever is added to it.
static NcPiece combined(const NcNode *n, const NcPiece *x) {
  NcPiece p = {.axis = x[0].axis, .ahead = NC_SOUND};
  bool all = true, any = false, zero = false;
  double low = 0;
  const char *op = n->op->name;
  for (int k = 0; k < n->nin; k++) {
    all = all && x[k].ahead == NC_KNOWN;
    any = any || x[k].ahead == NC_GARBAGE;
    zero = zero || (x[k].ahead == NC_KNOWN && x[k].value == 0);
    if (x[k].ahead == NC_KNOWN && isinf(x[k].value)) low = !strcmp(op, "sub") && k ? -x[k].value : x[k].value;
  }
  double a = x[0].value, b = n->nin > 1 ? x[1].value : 0;
  p.ahead = NC_KNOWN;
  if (!strcmp(op, "select") && x[0].ahead == NC_KNOWN) return x[a != 0 ? 1 : 2];
  if (!strcmp(op, "mul") && zero) return p;
  if (!strcmp(op, "div") && x[0].ahead == NC_KNOWN && a == 0 && x[1].ahead != NC_GARBAGE) return p;
  if ((!strcmp(op, "add") || !strcmp(op, "sub")) && low != 0) return p.value = low, p;
  if (all) {
    if (!strcmp(op, "exp")) return p.value = exp(a), p;
    if (!strcmp(op, "neg")) return p.value = -a, p;
    if (!strcmp(op, "stop_gradient") || !strcmp(op, "cast")) return p.value = a, p;
    if (!strcmp(op, "add")) return p.value = a + b, p;
    if (!strcmp(op, "sub")) return p.value = a - b, p;
    if (!strcmp(op, "mul")) return p.value = a * b, p;
    if (!strcmp(op, "div")) return p.value = a / b, p;
  }
  p.ahead = any ? NC_GARBAGE : NC_SOUND;
  return p;
}

// ---- the operations

static NcPiece row_pointwise(NcWalk *w, const NcNode *n, int axis) {
  NcPiece x[4] = {0}, all = {.axis = -1};
  NcNode *in[4] = {0};
  int u = -1;
  for (int k = 0; k < n->nin; k++) {
    x[k] = nc_row(w, n->in[k], axis);
    if (!(in[k] = x[k].node)) return x[k];
    if (x[k].axis < 0) continue;
    if (u >= 0 && u != x[k].axis && (nc_is_garbage(x[k]) || nc_is_garbage(all)))
      return nc_refused(w, n, "it mixes two orders of positions");
    u = x[k].axis;
    if (!nc_is_garbage(all)) all = x[k];
  }
  NcNode *r = nc_copy_node(w->to, n, in);
  const NcShape *s = &n->type.shape;
  for (int k = 0; k < s->rank && u < 0 && is(n, "select"); k++) {   // a mask that no garbage asked for: a known zero
    double v;
    if (k != axis && s->dim[k] == s->dim[axis] && nc_fixed_ahead(w, n->in[0], axis, k, &v)) u = k;
  }
  if (u < 0 || !r) return nc_piece(r);
  for (int k = 0; k < n->nin; k++) x[k] = ahead_of(w, n, k, x[k], axis, u);
  NcPiece p = combined(n, x);
  p.node = r;
  p.axis = p.ahead == NC_SOUND ? -1 : u;
  return p;
}

static NcPiece row_leaf(NcWalk *w, const NcNode *n, int axis) {
  NcShape s = one(n, axis);
  if (n == w->input)
    return axis == 1 ? nc_piece(nc_input(w->to, n->at, nc_attr_str(n, "name"), (NcType){n->type.dtype, s}))
                     : nc_refused(w, n, "it mixes the examples of a batch");
  if (!is(n, "iota")) return nc_piece(nc_at(w, n, nc_whole(w, n).node, axis, 0));
  int along = (int)nc_attr_int(n, "axis");
  NcNode *p = nc_cast(w->to, n->at, w->position, n->type.dtype);
  return nc_piece(along == axis ? nc_broadcast(w->to, n->at, p, s, NULL)
                                : nc_iota(w->to, n->at, (NcType){n->type.dtype, s}, along));
}

static NcPiece row_permute(NcWalk *w, const NcNode *n, int axis) {
  NcPiece x = nc_row(w, n->in[0], nc_axis_of_operand(n, 0, axis));
  return x.node ? kept(n, 0, x, nc_copy_node(w->to, n, &x.node)) : x;
}

static NcPiece looked_up(NcWalk *w, const NcNode *n, int axis) {     // of what no token reaches
  return nc_piece(nc_at(w, n, nc_whole(w, n).node, axis, 0));
}

static NcPiece row_reshape(NcWalk *w, const NcNode *n, int axis) {
  int k = nc_axis_reshaped(n->type.shape, n->in[0]->type.shape, axis);
  if (k < 0) return w->depends[n->id] ? nc_refused(w, n, "it mixes positions with other axes") : looked_up(w, n, axis);
  NcPiece x = nc_row(w, n->in[0], k);
  if (!x.node) return x;
  NcPiece p = kept(n, 0, x, nc_reshape(w->to, n->at, x.node, one(n, axis)));
  return nc_is_garbage(x) && p.axis < 0 ? nc_refused(w, n, "it mixes positions with other axes") : p;
}

static NcPiece row_broadcast(NcWalk *w, const NcNode *n, int axis) {
  int k = nc_axis_of_operand(n, 0, axis);
  bool along = k >= 0 && n->in[0]->type.shape.dim[k] != 1;
  NcPiece x = along ? nc_row(w, n->in[0], k) : nc_whole(w, n->in[0]);
  if (!x.node) return x;
  return kept(n, 0, x, nc_broadcast(w->to, n->at, x.node, one(n, axis), nc_attr_ints(n, "axes", NULL)));
}

static NcPiece row_slice(NcWalk *w, const NcNode *n, int axis) {
  int rank;
  const int64_t *start = nc_attr_ints(n, "start", &rank), *step = nc_attr_ints(n, "step", NULL);
  if (start[axis] != 0 || step[axis] != 1)
    return w->depends[n->id] ? nc_refused(w, n, "it takes other positions than its own") : looked_up(w, n, axis);
  NcPiece x = nc_row(w, n->in[0], axis);
  if (!x.node) return x;
  if (x.axis >= 0 && (start[x.axis] != 0 || step[x.axis] != 1)) {
    if (nc_is_garbage(x)) return nc_refused(w, n, "it takes other positions than its own");
    x.axis = -1;
  }
  return kept(n, 0, x, nc_slice(w->to, n->at, x.node, start, one(n, axis).dim, step));
}

// Shifted: the position is looked up among all, and what lies outside is the padding.
static NcPiece row_pad(NcWalk *w, const NcNode *n, int axis) {
  int rank;
  int64_t lo[NC_MAX_RANK], hi[NC_MAX_RANK], shift;
  memcpy(lo, nc_attr_ints(n, "lo", &rank), sizeof(int64_t) * (size_t)n->type.shape.rank);
  memcpy(hi, nc_attr_ints(n, "hi", NULL), sizeof(int64_t) * (size_t)n->type.shape.rank);
  shift = lo[axis];
  if (shift || hi[axis]) {
    if (!w->depends[n->id]) return looked_up(w, n, axis);
    if (shift < 0 || nc_attr_float(n, "value") != 0) return nc_refused(w, n, "it takes other positions than its own");
  }
  NcPiece x = shift || hi[axis] ? nc_whole(w, n->in[0]) : nc_row(w, n->in[0], axis);
  if (!x.node) return x;
  if (shift || hi[axis]) x.node = nc_at(w, n, x.node, axis, -shift);
  if (x.axis == axis) x.axis = -1;
  lo[axis] = hi[axis] = 0;
  if (x.axis >= 0 && (lo[x.axis] || hi[x.axis])) {
    if (nc_is_garbage(x)) return nc_refused(w, n, "it moves later positions");
    x.axis = -1;
  }
  return kept(n, 0, x, nc_pad(w->to, n->at, x.node, lo, hi, nc_attr_float(n, "value")));
}

static NcPiece row_concat(NcWalk *w, const NcNode *n, int axis) {
  int along = (int)nc_attr_int(n, "axis");
  NcNode **part = NC_NEW_N(w->arena, NcNode *, n->nin), *all = NULL;
  NcPiece out = nc_piece(NULL);
  int64_t offset = 0;
  for (int k = 0; k < n->nin; k++) {
    NcPiece x = along == axis ? nc_whole(w, n->in[k]) : nc_row(w, n->in[k], axis);
    if (!(part[k] = x.node)) return x;
    if (along == axis && x.axis == axis) x.axis = -1;             // parts begin later, so they are looked up earlier
    if (nc_is_garbage(x) && (x.axis == along || (out.axis >= 0 && out.axis != x.axis)))
      return nc_refused(w, n, "it joins later positions");
    if (nc_is_garbage(x)) out = x;
    if (along != axis) continue;
    NcNode *here = nc_at(w, n, part[k], axis, -offset);
    NcNode *from = nc_op2(w->to, n->at, "ge", w->position, nc_const(w->to, n->at, NC_I32, (double)offset));
    all = k ? nc_op3(w->to, n->at, "select", nc_broadcast(w->to, n->at, from, one(n, axis), NULL), here, all) : here;
    offset += n->in[k]->type.shape.dim[along];
  }
  out.node = along == axis ? all : nc_copy_node(w->to, n, part);
  return out;
}

static NcPiece row_reduce(NcWalk *w, const NcNode *n, int axis) {
  NcPiece x = nc_row(w, n->in[0], nc_axis_of_operand(n, 0, axis));
  bool found;
  if (!x.node) return x;
  bool over = x.axis >= 0 && nc_axis_of_result(n, 0, x.axis, &found) < 0;
  if (over && nc_is_garbage(x)) return nc_refused(w, n, "it takes in positions that are still to come; is a causal mask missing?");
  if (!nc_is_garbage(x)) x.axis = -1;
  return kept(n, 0, x, nc_copy_node(w->to, n, &x.node));
}

static NcPiece row_cumulative(NcWalk *w, const NcNode *n, int axis) {
  int along = (int)nc_attr_int(n, "axis");
  bool reverse = nc_attr_int(n, "reverse");
  if (along == axis && !w->depends[n->id]) return looked_up(w, n, axis);
  NcPiece x = along == axis ? nc_whole(w, n->in[0]) : nc_row(w, n->in[0], axis);
  if (!x.node) return x;
  if (reverse && (along == axis || (x.axis == along && nc_is_garbage(x))))
    return nc_refused(w, n, "it takes in positions that are still to come");
  if (along != axis) return x.node = nc_copy_node(w->to, n, &x.node), x;
  const char *op = nc_attr_str(n, "op");
  int64_t over = axis;
  NcNode *upto = nc_upto(w, n->at, n->type.shape, axis, "le");
  NcNode *y = nc_op3(w->to, n->at, "select", upto, x.node, nc_like(w->to, x.node, strcmp(op, "prod") == 0));
  y = nc_reduce(w->to, n->at, op, y, 1, &over);
  if (x.axis == axis) x.axis = -1;
  x.node = y ? nc_reshape(w->to, n->at, y, one(n, axis)) : NULL;
  return x;
}

// Operand i of what lies along `axis`: the row of it that this one is made of, or all of it.
static NcPiece operand(NcWalk *w, const NcNode *n, int i, int axis) {
  int k = nc_axis_of_operand(n, i, axis);
  return k >= 0 ? nc_row(w, n->in[i], k) : nc_whole(w, n->in[i]);
}

static NcPiece row_dot(NcWalk *w, const NcNode *n, int axis) {
  int con;
  const int64_t *c[2] = {nc_attr_ints(n, "acon", &con), nc_attr_ints(n, "bcon", NULL)};
  NcPiece x[2];
  NcNode *in[2];
  for (int i = 0; i < 2; i++) {
    x[i] = operand(w, n, i, axis);
    if (!(in[i] = x[i].node)) return x[i];
  }
  NcPiece out = nc_piece(nc_copy_node(w->to, n, in));
  for (int i = 0; i < 2; i++) {
    const NcPiece *me = &x[i], *other = &x[1 - i];
    if (!nc_is_garbage(*me)) continue;
    int pair = -1;
    for (int k = 0; k < con; k++)
      if (c[i][k] == me->axis) pair = k;
    bool zeros = pair >= 0 && other->axis == c[1 - i][pair] && other->ahead == NC_KNOWN && other->value == 0;
    if (pair >= 0 && !zeros) return nc_refused(w, n, "it takes in positions that are still to come; is a causal mask missing?");
    if (pair >= 0) continue;
    if (nc_is_garbage(out)) return nc_refused(w, n, "it mixes two orders of positions");
    out = kept(n, i, *me, out.node);
  }
  return out;
}

static NcPiece row_gather(NcWalk *w, const NcNode *n, int axis) {
  NcPiece x[2];
  NcNode *in[2];
  for (int i = 0; i < 2; i++) {
    x[i] = operand(w, n, i, axis);
    if (!(in[i] = x[i].node)) return x[i];
  }
  if (nc_is_garbage(x[0]) && (x[0].axis == nc_attr_int(n, "axis") || nc_is_garbage(x[1])))
    return nc_refused(w, n, "it may pick positions that are still to come");
  int which = nc_is_garbage(x[0]) ? 0 : 1;
  if (!nc_is_garbage(x[which])) x[which].axis = -1;
  return kept(n, which, x[which], nc_copy_node(w->to, n, in));
}

// Zeros that were put before the beginning of an axis, and what they were put before.
static const NcNode *unpadded(const NcNode *n, int axis, int64_t *before) {
  double v;
  if (is(n, "concat") && nc_attr_int(n, "axis") == axis && n->nin == 2 && is_number(n->in[0], &v) && v == 0) {
    *before += n->in[0]->type.shape.dim[axis];
    return n->in[1];
  }
  if (!is(n, "pad") || nc_attr_float(n, "value") != 0) return n;
  int rank;
  const int64_t *lo = nc_attr_ints(n, "lo", &rank), *hi = nc_attr_ints(n, "hi", NULL);
  for (int i = 0; i < rank; i++)
    if (hi[i] || lo[i] < 0 || (lo[i] && i != axis)) return n;
  *before += lo[axis];
  return n->in[0];
}

// A convolution over time that sees no later position: its window is looked up, with zeros before the beginning.
static NcPiece row_conv(NcWalk *w, const NcNode *n, int axis) {
  NcConv c;
  if (axis != 2 || n->type.shape.rank != 3 || !nc_conv_of(n, &c) || w->depends[n->in[1]->id])
    return w->depends[n->id] ? nc_refused(w, n, "it mixes positions with other axes") : looked_up(w, n, axis);
  int64_t k = n->in[1]->type.shape.dim[2];
  const NcNode *from = unpadded(n->in[0], 2, &c.lo[0]);
  if (c.stride[0] != 1 || c.dilate_x[0] != 1 || (k - 1) * c.dilation[0] > c.lo[0])
    return nc_refused(w, n, "its window takes in positions that are still to come; pad it at the beginning only");
  NcPiece x = nc_whole(w, from), weight = nc_whole(w, n->in[1]);
  if (!x.node || !weight.node) return nc_piece(NULL);
  if (nc_is_garbage(x) && x.axis != 2) return nc_refused(w, n, "it mixes two orders of positions");
  NcShape s = NC_SHAPE(k);
  NcNode *at = nc_iota(w->to, n->at, (NcType){NC_I32, s}, 0);
  at = nc_op2(w->to, n->at, "mul", at, nc_like(w->to, at, (double)c.dilation[0]));
  NcNode *begin = nc_op2(w->to, n->at, "sub", w->position, nc_const(w->to, n->at, NC_I32, (double)c.lo[0]));
  at = nc_op2(w->to, n->at, "add", at, nc_broadcast(w->to, n->at, begin, s, NULL));
  NcConv narrow = {.spatial = 1, .groups = c.groups, .stride = {1}, .dilation = {1}, .dilate_x = {1}};
  return nc_piece(nc_conv(w->to, n->at, nc_gather(w->to, n->at, x.node, at, 2), weight.node, &narrow));
}

// One query against all keys, where what is ahead is hidden: by causality, or by a mask that is known to.
static NcPiece row_attention(NcWalk *w, const NcNode *n, int axis) {
  if (!w->depends[n->id]) return looked_up(w, n, axis);
  if (axis != 2) return nc_refused(w, n, "it mixes positions with other axes");
  bool causal = nc_attr_int(n, "causal");
  const NcNode *bias = n->nin > 3 ? n->in[3] : NULL;
  NcPiece q = nc_row(w, n->in[0], 2), k = nc_whole(w, n->in[1]), v = nc_whole(w, n->in[2]), b = nc_piece(NULL);
  if (!q.node || !k.node || !v.node || (bias && !(b = nc_row(w, bias, 2)).node)) return nc_piece(NULL);
  int64_t keys = n->in[1]->type.shape.dim[2], before = keys - n->type.shape.dim[2];
  double ahead;
  bool masked = bias && nc_fixed_ahead(w, bias, 2, 3, &ahead) && ahead == (bias->type.dtype == NC_BOOL ? 0 : -INFINITY);
  if (nc_is_garbage(k) || nc_is_garbage(v)) {
    if ((nc_is_garbage(k) && k.axis != 2) || (nc_is_garbage(v) && v.axis != 2)) return nc_refused(w, n, "it mixes two orders of positions");
    if (!masked && (!causal || before))
      return nc_refused(w, n, "it takes in positions that are still to come; is a causal mask missing?");
  }
  if (nc_is_garbage(q) || nc_is_garbage(b)) return nc_refused(w, n, "it mixes two orders of positions");
  if (causal) {
    NcShape s = n->type.shape;
    s.dim[2] = 1;
    s.dim[3] = keys;
    NcNode *last = nc_op2(w->to, n->at, "add", w->position, nc_const(w->to, n->at, NC_I32, (double)before));
    NcNode *seen = nc_op2(w->to, n->at, "le", nc_iota(w->to, n->at, (NcType){NC_I32, s}, 3),
                          nc_broadcast(w->to, n->at, last, s, NULL));
    if (!bias) b.node = seen;
    else if (bias->type.dtype == NC_BOOL) b.node = nc_op2(w->to, n->at, "and", b.node, seen);
    else b.node = nc_op3(w->to, n->at, "select", seen, b.node, nc_like(w->to, b.node, -INFINITY));
  }
  return nc_piece(nc_attention(w->to, n->at, q.node, k.node, v.node, b.node, false, nc_attr_float(n, "scale")));
}

NcPiece nc_row_of(NcWalk *w, const NcNode *n, int axis) {
  static const struct { const char *op; NcPiece (*row)(NcWalk *, const NcNode *, int); } rules[] = {
    {"permute", row_permute}, {"reshape", row_reshape}, {"broadcast", row_broadcast}, {"slice", row_slice}, {"pad", row_pad},
    {"concat", row_concat}, {"reduce", row_reduce}, {"cumulative", row_cumulative}, {"dot", row_dot}, {"gather", row_gather},
    {"conv", row_conv}, {"attention", row_attention}, {"loop_out", nc_turn_row}};
  if (n->op->kind == NC_POINTWISE && n->nin <= 4) return row_pointwise(w, n, axis);
  if (n->op->kind == NC_LEAF) return row_leaf(w, n, axis);
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (is(n, rules[i].op)) return rules[i].row(w, n, axis);
  if (!w->depends[n->id]) return looked_up(w, n, axis);
  return nc_refused(w, n, nc_sprintf(w->arena, "there is no rule for `%s`", n->op->name));
}
