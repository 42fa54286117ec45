// Order and places: sorting, picking and adding at places, turning and repeating axes, windows, and the tables that
// resizing is made of.
#include "elab/builtin.h"
#include <math.h>
#include <string.h>

static NcValue given(NcArgsOf *c, NcTensor *t) { return nc_v_tensor(c->at, t); }

// The same elements with axis `from` at place `to`.
static NcTensor *moved(NcArgsOf *c, NcTensor *x, int from, int to) {
  int64_t perm[NC_MAX_RANK];
  int n = 0;
  if (!x) return NULL;
  for (int i = 0; i < x->rank; i++)
    if (i != from) perm[n++] = i;
  memmove(perm + to + 1, perm + to, (size_t)(x->rank - 1 - to) * sizeof *perm);
  perm[to] = from;
  return nc_t_permute(c->e, c->at, x, perm);
}

static NcValue move_axis(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int from, to;
  if (!x || !nc_arg_axis(c, 1, x, -1, &from) || !nc_arg_axis(c, 2, x, -1, &to)) return nc_v_poison();
  return given(c, moved(c, x, from, to));
}

// ---- picking and adding along an axis, each line by places of its own

static bool places_fit(NcArgsOf *c, const NcTensor *x, NcTensor **index, int axis) {
  NcDtype t = (*index)->node->type.dtype;
  if (nc_dtype_float(t) || t == NC_I64) {
    nc_elab_error(c->e, NC_E0204, c->at, "places must be i32, not %s", nc_t_describe(c->e, *index));
    return false;
  }
  *index = nc_t_cast(c->e, c->at, *index, NC_I32);
  bool fits = *index && (*index)->rank == x->rank;
  for (int i = 0; fits && i < x->rank; i++) fits = i == axis || nc_size_eq((*index)->dim[i], x->dim[i]);
  if (fits) return true;
  NcMessage *m = *index ? nc_elab_error(c->e, NC_E0203, c->at, "`%s` of %s at places %s: all axes but %d must be equal",
                                        c->row->name, nc_t_describe(c->e, x), nc_t_describe(c->e, *index), axis) : NULL;
  if (m) nc_help(c->e->diag, m, "to pick whole slices, index: `x[places]`, `x[:, places]`");
  return false;
}

static NcTensor *picked(NcArgsOf *c, NcTensor *x, NcTensor *index, int axis) {
  if (!x || !index) return NULL;
  int last = x->rank - 1;
  x = moved(c, x, axis, last);
  index = moved(c, index, axis, last);
  if (!x || !index) return NULL;
  NcNode *n = nc_gather_along(c->e->graph, nc_here(c->e, c->at), x->node, index->node, last);
  return moved(c, nc_t_as(c->e, c->at, n, index), last, axis);
}

static NcValue gather(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0), *index = nc_arg_t(c, 1);
  int axis;
  if (!x || !index || !nc_arg_axis(c, 2, x, -1, &axis) || !places_fit(c, x, &index, axis)) return nc_v_poison();
  return given(c, picked(c, x, index, axis));
}

static NcValue scatter_add(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0), *index = nc_arg_t(c, 1);
  NcSize size, dim[NC_MAX_RANK];
  int axis;
  if (!x || !index || !nc_arg_int(c, 2, nc_size(1), &size) || !nc_arg_axis(c, 3, x, -1, &axis)) return nc_v_poison();
  if (!places_fit(c, x, &index, axis)) return nc_v_poison();
  if (!nc_size_eq(index->dim[axis], x->dim[axis]) || size.value < 1) {
    nc_elab_error(c->e, NC_E0203, c->at, "`scatter_add` of %s needs a place for each element, but these are %s",
                  nc_t_describe(c->e, x), nc_t_describe(c->e, index));
    return nc_v_poison();
  }
  NcDtype t = x->node->type.dtype;
  if (t == NC_U8 || t == NC_BOOL) x = nc_t_cast(c->e, c->at, x, NC_I32);
  int last = x->rank - 1;
  x = moved(c, x, axis, last);
  index = moved(c, index, axis, last);
  if (!x || !index) return nc_v_poison();
  memcpy(dim, x->dim, sizeof dim);
  dim[last] = size;
  NcNode *n = nc_scatter_along(c->e->graph, nc_here(c->e, c->at), x->node, index->node, size.value, last);
  return given(c, moved(c, nc_t(c->e, c->at, n, x->rank, dim), last, axis));
}

// ---- order

// What can be ordered: halves by their f32, small integers by their i32.
static NcTensor *key(NcArgsOf *c, NcTensor *x) {
  NcDtype t = x->node->type.dtype;
  bool small = t == NC_U8 || t == NC_BOOL;
  return small ? nc_t_cast(c->e, c->at, x, NC_I32) : nc_dtype_float(t) ? nc_t_cast(c->e, c->at, x, NC_F32) : x;
}

static NcTensor *order(NcArgsOf *c, NcTensor *x, int axis, bool descending, NcSize count) {
  NcTensor *k = key(c, x);
  if (!k) return NULL;
  NcSize dim[NC_MAX_RANK];
  memcpy(dim, x->dim, sizeof dim);
  dim[axis] = count;
  NcNode *n = nc_argsort(c->e->graph, nc_here(c->e, c->at), k->node, axis, descending, count.value);
  return nc_t(c->e, c->at, n, x->rank, dim);
}

static NcValue sort(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  bool descending;
  if (!x || !nc_arg_axis(c, 1, x, -1, &axis) || !nc_arg_bool(c, 2, false, &descending)) return nc_v_poison();
  NcTensor *places = order(c, x, axis, descending, x->dim[axis]);
  return given(c, strcmp(c->op, "places") == 0 ? places : picked(c, x, places, axis));
}

static NcValue extremes(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  NcSize count;
  int axis;
  if (!x || !nc_arg_int(c, 1, nc_size(1), &count) || !nc_arg_axis(c, 2, x, -1, &axis)) return nc_v_poison();
  if (count.value < 1 || count.value > x->dim[axis].value)
    return nc_arg_bad(c, 1, nc_sprintf(c->e->arena, "from 1 to %s", nc_size_describe(c->e, x->dim[axis])));
  NcTensor *places = order(c, x, axis, strcmp(c->op, "down") == 0, count), *values = picked(c, x, places, axis);
  if (!values) return nc_v_poison();
  return nc_v_items(c->e, NC_V_TUPLE, c->at, 2, (NcValue[]){given(c, values), given(c, places)});
}

// ---- turning and repeating

static NcValue flip(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  if (!x || !nc_arg_axis(c, 1, x, -1, &axis)) return nc_v_poison();
  return given(c, nc_t_cut(c->e, c->at, x, axis, x->dim[axis].value - 1, x->dim[axis], -1));
}

// What leaves at one end comes in at the other; forward by `shift`.
static NcValue roll(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int64_t shift;
  int axis;
  if (!x || !nc_arg_whole(c, 1, 1, &shift) || !nc_arg_axis(c, 2, x, -1, &axis)) return nc_v_poison();
  int64_t n = x->dim[axis].value, by = (shift % n + n) % n;
  if (by == 0) return given(c, x);
  NcTensor *end = nc_t_cut(c->e, c->at, x, axis, n - by, nc_size(by), 1), *rest = nc_t_cut(c->e, c->at, x, axis, 0, nc_size(n - by), 1);
  if (!end || !rest) return nc_v_poison();
  NcNode *both = nc_concat(c->e->graph, nc_here(c->e, c->at), 2, (NcNode *[]){end->node, rest->node}, axis);
  return given(c, nc_t_as(c->e, c->at, both, x));
}

// The axis several times over, or each element several times: a new axis of that size before or behind it.
static NcValue repeated(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_arg_t(c, 0);
  NcSize times, dim[NC_MAX_RANK + 1], flat[NC_MAX_RANK];
  int64_t from[NC_MAX_RANK];
  int axis;
  if (!x || !nc_arg_int(c, 1, nc_size(1), &times) || !nc_arg_axis(c, 2, x, -1, &axis)) return nc_v_poison();
  if (times.value < 1) return nc_arg_bad(c, 1, "1 or more");
  if (x->rank == NC_MAX_RANK) return nc_arg_bad(c, 0, "a tensor with fewer axes");
  int fresh = strcmp(c->op, "whole") == 0 ? axis : axis + 1;
  for (int i = 0; i < x->rank; i++) {
    from[i] = i < fresh ? i : i + 1;
    dim[from[i]] = flat[i] = x->dim[i];
  }
  dim[fresh] = times;
  NcShape s;
  if (!nc_size_mul(&e->sizes, x->dim[axis], times, &flat[axis]) || !nc_t_shape(e, c->at, x->rank + 1, dim, &s))
    return nc_v_poison();
  NcNode *n = nc_broadcast(e->graph, nc_here(e, c->at), x->node, s, from);
  return given(c, nc_t_reshape(e, c->at, nc_t(e, c->at, n, x->rank + 1, dim), x->rank, flat));
}

// ---- tables known at compile time

static NcTensor *table(NcArgsOf *c, NcDtype t, int rank, const NcSize *dim, const double *v) {
  NcType type = {.dtype = t};
  if (!nc_t_shape(c->e, c->at, rank, dim, &type.shape)) return NULL;
  return nc_t(c->e, c->at, nc_table(c->e->graph, nc_here(c->e, c->at), type, v), rank, dim);
}

static bool two_sizes(NcArgsOf *c, NcSize *n, NcSize *out) {
  if (!nc_arg_int(c, 0, nc_size(1), n) || !nc_arg_int(c, 1, nc_size(1), out)) return false;
  enum { LARGEST = 1 << 22 };
  int bad = n->value < 1 ? 0 : out->value < 1 || (double)n->value * (double)out->value > LARGEST ? 1 : -1;
  if (bad >= 0) nc_arg_bad(c, bad, "a size");
  return bad < 0;
}

// Window i of `out` over n places: from floor(i n / out) to before ceil((i + 1) n / out).
typedef struct { int64_t from, to; } Span;
static Span window(int64_t i, int64_t n, int64_t out) { return (Span){i * n / out, ((i + 1) * n + out - 1) / out}; }

static NcValue window_places(NcArgsOf *c) {
  NcSize n, out;
  if (!two_sizes(c, &n, &out)) return nc_v_poison();
  int64_t most = 0;
  for (int64_t i = 0; i < out.value; i++) {
    Span s = window(i, n.value, out.value);
    if (s.to - s.from > most) most = s.to - s.from;
  }
  double *v = NC_NEW_N(c->e->arena, double, out.value * most);
  for (int64_t i = 0; i < out.value; i++) {
    Span s = window(i, n.value, out.value);
    for (int64_t k = 0; k < most; k++) v[i * most + k] = (double)(s.from + k < s.to ? s.from + k : s.to - 1);
  }
  return given(c, table(c, NC_I32, 2, (NcSize[]){out, nc_size(most)}, v));
}

static NcValue window_weights(NcArgsOf *c) {
  NcSize n, out;
  if (!two_sizes(c, &n, &out)) return nc_v_poison();
  double *v = NC_NEW_N(c->e->arena, double, n.value * out.value);
  for (int64_t i = 0; i < out.value; i++) {
    Span s = window(i, n.value, out.value);
    for (int64_t k = s.from; k < s.to; k++) v[k * out.value + i] = 1.0 / (double)(s.to - s.from);
  }
  return given(c, table(c, NC_F32, 2, (NcSize[]){n, out}, v));
}

// Place i of `out` lies at (i + 1/2) n / out - 1/2 of the n, but not before the first; with corners, at
// i (n - 1) / (out - 1). The two places around it share its weight.
static NcValue linear_weights(NcArgsOf *c) {
  NcSize n, out;
  bool corners;
  if (!two_sizes(c, &n, &out) || !nc_arg_bool(c, 2, false, &corners)) return nc_v_poison();
  double *v = NC_NEW_N(c->e->arena, double, n.value * out.value);
  for (int64_t i = 0; i < out.value; i++) {
    double at = ((double)i + 0.5) * (double)n.value / (double)out.value - 0.5;
    if (corners) at = out.value > 1 ? (double)i * (double)(n.value - 1) / (double)(out.value - 1) : 0;
    if (at < 0) at = 0;
    int64_t first = (int64_t)floor(at), next = first + 1 < n.value ? first + 1 : first;
    v[first * out.value + i] += 1 - (at - (double)first);
    v[next * out.value + i] += at - (double)first;
  }
  return given(c, table(c, NC_F32, 2, (NcSize[]){n, out}, v));
}

// Sliding windows along an axis: [… n …] to [… places, size …].
static NcValue windows(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_arg_t(c, 0);
  NcSize size, places, dim[NC_MAX_RANK + 1];
  int64_t stride;
  int axis;
  if (!x || !nc_arg_int(c, 1, nc_size(1), &size) || !nc_arg_whole(c, 2, 1, &stride) || !nc_arg_axis(c, 3, x, -1, &axis))
    return nc_v_poison();
  if (size.value < 1 || size.value > x->dim[axis].value)
    return nc_arg_bad(c, 1, nc_sprintf(e->arena, "from 1 to %s", nc_size_describe(e, x->dim[axis])));
  if (stride < 1) return nc_arg_bad(c, 2, "1 or more");
  if (x->rank == NC_MAX_RANK) return nc_arg_bad(c, 0, "a tensor with fewer axes");
  if (!nc_size_sub(&e->sizes, x->dim[axis], size, &places) ||
      !nc_size_div(&e->sizes, places, nc_size(stride), &places) ||
      !nc_size_add(&e->sizes, places, nc_size(1), &places))
    return nc_v_poison();
  NcTensor *at = nc_t_iota(e, c->at, NC_I32, 2, (NcSize[]){places, size}, 0);
  at = nc_arith(e, c->at, "mul", at, nc_t_const(e, c->at, NC_I32, (double)stride));
  at = nc_arith(e, c->at, "add", at, nc_t_iota(e, c->at, NC_I32, 2, (NcSize[]){places, size}, 1));
  if (!at) return nc_v_poison();
  for (int i = 0; i < x->rank; i++) dim[i < axis ? i : i + 1] = x->dim[i];
  dim[axis] = places;
  dim[axis + 1] = size;
  NcNode *n = nc_gather(e->graph, nc_here(e, c->at), x->node, at->node, axis);
  return given(c, nc_t(e, c->at, n, x->rank + 1, dim));
}

const NcBuiltin nc_builtins_pick[] = {
  {"sort", "x axis? descending?", "the elements of an axis (the last) in order; equal ones keep theirs, NaN is largest",
   sort, .op = "values"},
  {"argsort", "x axis? descending?", "the places, i32, that put an axis (the last) in order, as `sort` does", sort,
   .op = "places"},
  {"largest", "x k axis?", "(values, places) of the k largest of an axis (the last), the largest first", extremes,
   .op = "down"},
  {"smallest", "x k axis?", "(values, places) of the k smallest of an axis (the last), the smallest first", extremes,
   .op = "up"},
  {"gather", "x places axis?",
   "along an axis (the last), the elements at these places: each line has its own; out of range gives 0", gather},
  {"scatter_add", "x places size axis?",
   "zeros with `size` along an axis (the last), and x added at these places: what `gather` undoes", scatter_add},
  {"move_axis", "x from to", "the axis at another place: move_axis(x, -1, 1)", move_axis},
  {"flip", "x axis?", "an axis (the last) backwards", flip},
  {"roll", "x shift axis?", "an axis (the last) moved forward by `shift`; what leaves at the end comes in at the start",
   roll},
  {"tile", "x times axis?", "an axis (the last) several times over: a b a b", repeated, .op = "whole"},
  {"repeat_each", "x times axis?", "each element of an axis (the last) several times: a a b b", repeated, .op = "each"},
  {"windows", "x size stride? axis?", "sliding windows along an axis (the last): [… n …] to [… places, size …]",
   windows},
  {"window_places", "n out",
   "i32[out, reach]: the places of `out` windows that cover n evenly, the last one repeated where a window is shorter",
   window_places},
  {"window_weights", "n out", "f32[n, out]: what makes x @ weights the mean of each of those windows", window_weights},
  {"linear_weights", "n out corners?",
   "f32[n, out]: what makes x @ weights the linear interpolation of n places at `out` (first on first if `corners`)",
   linear_weights},
  {0},
};
