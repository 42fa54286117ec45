// Shapes: what moves elements without changing them, and what makes tensors from nothing.
#include "elab/builtin.h"
#include <string.h>

static NcValue given(NcArgsOf *c, NcTensor *t) { return nc_v_tensor(c->at, t); }

static NcValue reshape(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  return given(c, x ? nc_t_reshape(c->e, c->at, x, c->bound->nshape, c->bound->shape) : NULL);
}

static NcValue broadcast(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  if (!x) return nc_v_poison();
  int n = c->bound->nshape;
  for (int i = 0; i < x->rank; i++) {
    int k = n - x->rank + i;
    if (k >= 0 && (nc_size_is(x->dim[i], 1) || nc_size_eq(x->dim[i], c->bound->shape[k]))) continue;
    nc_elab_error(c->e, NC_E0201, c->at, "%s cannot be broadcast to %s", nc_t_describe(c->e, x),
                  nc_dims_describe(c->e, x->node->type.dtype, n, c->bound->shape));
    return nc_v_poison();
  }
  return given(c, nc_t_expand(c->e, c->at, x, n, c->bound->shape));
}

static NcValue flatten(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int64_t from;
  if (!x || !nc_arg_whole(c, 1, 1, &from)) return nc_v_poison();
  NcSize dim[NC_MAX_RANK];
  if (from < 0 || from > x->rank) {
    nc_elab_error(c->e, NC_E0206, c->at, "`flatten` keeps %lld axes, but this is %s", (long long)from,
                  nc_t_describe(c->e, x));
    return nc_v_poison();
  }
  for (int i = 0; i < from; i++) dim[i] = x->dim[i];
  if (from == NC_MAX_RANK || !nc_t_fold(c->e, c->at, x->rank - (int)from, x->dim + from, &dim[from]))
    return given(c, x);
  return given(c, nc_t_reshape(c->e, c->at, x, (int)from + 1, dim));
}

static NcValue transpose(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  if (!x) return nc_v_poison();
  if (x->rank < 2) {
    nc_elab_error(c->e, NC_E0202, c->at, "`transpose` swaps the last two axes, but this is %s", nc_t_describe(c->e, x));
    return nc_v_poison();
  }
  int64_t perm[NC_MAX_RANK];
  for (int i = 0; i < x->rank; i++) perm[i] = i;
  perm[x->rank - 1] = x->rank - 2;
  perm[x->rank - 2] = x->rank - 1;
  return given(c, nc_t_permute(c->e, c->at, x, perm));
}

static NcValue permute(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int n;
  int64_t perm[NC_MAX_RANK];
  if (!x || !nc_arg_axes(c, 1, x, &n, perm)) return nc_v_poison();
  if (n != x->rank) return nc_arg_bad(c, 1, "a list of all axes, each once");
  return given(c, nc_t_permute(c->e, c->at, x, perm));
}

static NcValue squeeze(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis, n = 0;
  NcSize dim[NC_MAX_RANK];
  if (!x || !nc_arg_axis(c, 1, x, -1, &axis)) return nc_v_poison();
  for (int i = 0; i < x->rank; i++)
    if (i != axis) dim[n++] = x->dim[i];
  return given(c, nc_t_reshape(c->e, c->at, x, n, dim));
}

static NcValue along(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 1);
  int64_t axis;
  if (!x || !nc_arg_whole(c, 0, 0, &axis)) return nc_v_poison();
  if (x->rank != 1 || axis < 0 || axis >= NC_MAX_RANK) {
    nc_elab_error(c->e, NC_E0202, c->at, "`along` puts a tensor with one axis on an axis of another, but this is %s",
                  nc_t_describe(c->e, x));
    return nc_v_poison();
  }
  x = nc_t_copy(c->e, x);
  x->along = (int)axis;
  return given(c, x);
}

// ---- joining and parting ----

static int tensors(NcArgsOf *c, NcTensor **out, int most) {   // of a list, or of a list in a list
  const NcValue *v = &c->v[0];
  if (v->list.n == 1 && (v->list.item[0].kind == NC_V_LIST || v->list.item[0].kind == NC_V_TUPLE)) v = &v->list.item[0];
  if (v->list.n == 0 || v->list.n > most) { nc_arg_bad(c, 0, "some tensors"); return 0; }
  for (int i = 0; i < v->list.n; i++)
    if (!(out[i] = nc_to_tensor(c->e, v->list.item[i], c->at, NULL))) return 0;
  for (int i = 1; i < v->list.n; i++)
    if (out[i]->node->type.dtype != out[0]->node->type.dtype || out[i]->rank != out[0]->rank) {
      nc_elab_error(c->e, out[i]->rank != out[0]->rank ? NC_E0202 : NC_E0204, c->at, "`%s` of %s and %s", c->row->name,
                    nc_t_describe(c->e, out[0]), nc_t_describe(c->e, out[i]));
      return 0;
    }
  return v->list.n;
}

static NcTensor *joined(NcArgsOf *c, int n, NcTensor **x, int axis) {
  NcNode *in[256];
  NcSize dim[NC_MAX_RANK], sum = nc_size(0);
  for (int k = 0; k < n; k++) {
    for (int i = 0; i < x[0]->rank; i++)
      if (i != axis && !nc_size_eq(x[k]->dim[i], x[0]->dim[i])) {
        nc_elab_error(c->e, NC_E0203, c->at, "`%s` of %s and %s along axis %d: axis %d differs", c->row->name,
                      nc_t_describe(c->e, x[0]), nc_t_describe(c->e, x[k]), axis, i);
        return NULL;
      }
    in[k] = x[k]->node;
    if (!nc_size_add(&c->e->sizes, sum, x[k]->dim[axis], &sum)) return NULL;
  }
  memcpy(dim, x[0]->dim, sizeof dim);
  dim[axis] = sum;
  return nc_t(c->e, c->at, nc_concat(c->e->graph, nc_here(c->e, c->at), n, in, axis), x[0]->rank, dim);
}

static NcValue concat(NcArgsOf *c) {
  NcTensor *x[256];
  int axis, n = tensors(c, x, 256);
  if (!n || !nc_arg_axis(c, 1, x[0], -1, &axis)) return nc_v_poison();
  return given(c, n == 1 ? x[0] : joined(c, n, x, axis));
}

static NcValue stack(NcArgsOf *c) {
  NcTensor *x[256];
  int n = tensors(c, x, 256);
  int64_t axis;
  if (!n || !nc_arg_whole(c, 1, 0, &axis)) return nc_v_poison();
  if (axis < 0) axis += x[0]->rank + 1;
  if (axis < 0 || axis > x[0]->rank || x[0]->rank == NC_MAX_RANK) return nc_arg_bad(c, 1, "an axis of the result");
  for (int k = 0; k < n; k++) {
    NcSize dim[NC_MAX_RANK];
    for (int i = 0; i <= x[k]->rank; i++) dim[i] = i == axis ? nc_size(1) : x[k]->dim[i < axis ? i : i - 1];
    if (!(x[k] = nc_t_reshape(c->e, c->at, x[k], x[k]->rank + 1, dim))) return nc_v_poison();
  }
  return given(c, n == 1 ? x[0] : joined(c, n, x, (int)axis));
}

// split(x, 3): equal parts; split(x, (2, 5)): parts of these sizes.
static NcValue split(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  if (!x || !nc_arg_axis(c, 2, x, -1, &axis)) return nc_v_poison();
  const NcValue *v = &c->v[1];
  bool list = v->kind == NC_V_LIST || v->kind == NC_V_TUPLE;
  if (!list && (v->kind != NC_V_INT || v->size.value < 1 || v->size.value > 4096))
    return nc_arg_bad(c, 1, "a number of parts, or their sizes");
  int n = list ? v->list.n : (int)v->size.value;
  NcSize each = nc_size(0), rest = nc_size(0), from = nc_size(0);
  bool fits = list || (nc_size_mod(&c->e->sizes, x->dim[axis], v->size, &rest) && nc_size_is(rest, 0) &&
                       nc_size_div(&c->e->sizes, x->dim[axis], v->size, &each));
  NcValue *out = NC_NEW_N(c->e->arena, NcValue, n + 1);
  for (int i = 0; fits && i < n; i++) {
    if (list && v->list.item[i].kind != NC_V_INT) return nc_arg_bad(c, 1, "a number of parts, or their sizes");
    NcSize s = list ? v->list.item[i].size : each;
    int64_t start = from.value;
    fits = s.value > 0 && nc_size_add(&c->e->sizes, from, s, &from) && from.value <= x->dim[axis].value;
    if (fits) out[i] = given(c, nc_t_cut(c->e, c->at, x, axis, start, s, 1));
  }
  if (!fits || (list && !nc_size_eq(from, x->dim[axis]))) {
    NcMessage *m = nc_elab_error(c->e, NC_E0203, c->at, "axis %d of %s, %s, does not part %s", axis,
                                 nc_t_describe(c->e, x), nc_size_describe(c->e, x->dim[axis]),
                                 list ? "like this" : nc_sprintf(c->e->arena, "into %d equal ones", n));
    nc_note_origin(c->e, m, x->dim[axis]);
    return nc_v_poison();
  }
  return nc_v_items(c->e, NC_V_TUPLE, c->at, n, out);
}

static NcValue pad(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  NcSize lo, hi;
  double value;
  int axis;
  int64_t low[NC_MAX_RANK] = {0}, high[NC_MAX_RANK] = {0};
  if (!x || !nc_arg_int(c, 1, nc_size(0), &lo) || !nc_arg_int(c, 2, nc_size(0), &hi) ||
      !nc_arg_axis(c, 3, x, -1, &axis) || !nc_arg_num(c, 4, 0, &value))
    return nc_v_poison();
  low[axis] = lo.value;
  high[axis] = hi.value;
  NcSize dim[NC_MAX_RANK];
  memcpy(dim, x->dim, sizeof dim);
  NcShape s;
  if (!nc_size_add(&c->e->sizes, dim[axis], lo, &dim[axis]) || !nc_size_add(&c->e->sizes, dim[axis], hi, &dim[axis]) ||
      !nc_t_shape(c->e, c->at, x->rank, dim, &s))
    return nc_v_poison();
  return given(c,
               nc_t(c->e, c->at, nc_pad(c->e->graph, nc_here(c->e, c->at), x->node, low, high, value), x->rank, dim));
}

// ---- new tensors ----

static NcValue filled(NcArgsOf *c) {   // zeros[…] and ones[…]; zeros(x): of x's type, which makes them initialisers
  double v = strcmp(c->op, "ones") == 0;
  if (c->bound->nshape >= 0 && !c->has[0])
    return given(c, nc_t_fill(c->e, c->at, nc_t_const(c->e, c->at, NC_F32, v), c->bound->nshape, c->bound->shape));
  NcTensor *x = c->has[0] ? nc_arg_t(c, 0) : NULL;
  if (!c->has[0]) nc_elab_error(c->e, NC_E0304, c->at, "`%s` needs a shape: `%s[…]`", c->row->name, c->row->name);
  return x ? given(c, nc_t_fill(c->e, c->at, nc_t_const(c->e, c->at, x->node->type.dtype, v), x->rank, x->dim))
           : nc_v_poison();
}

static NcValue fill(NcArgsOf *c) {
  NcTensor *x = c->v[0].kind == NC_V_INT ? nc_t_const(c->e, c->at, NC_I32, (double)c->v[0].size.value) : nc_arg_t(c, 0);
  if (x && x->rank) return nc_arg_bad(c, 0, "a scalar");
  return given(c, nc_t_fill(c->e, c->at, x, c->bound->nshape, c->bound->shape));
}

static NcValue random(NcArgsOf *c) {
  return given(c, nc_t_random(c->e, c->at, c->op, c->bound->nshape, c->bound->shape));
}

static NcValue randint(NcArgsOf *c) {
  int64_t lo, hi;
  if (!nc_arg_whole(c, 0, 0, &lo) || !nc_arg_whole(c, 1, 0, &hi)) return nc_v_poison();
  if (hi <= lo || hi - lo > INT32_MAX) return nc_arg_bad(c, 1, "larger than the first, by no more than an i32 holds");
  NcElab *e = c->e;
  NcTensor *n = nc_t_random_below(e, c->at, hi - lo, c->bound->nshape, c->bound->shape);
  return given(c, lo ? nc_arith(e, c->at, "add", n, nc_t_const(e, c->at, NC_I32, (double)lo)) : n);
}

// 1 with probability p: where a uniform number is below it.
static NcValue bernoulli(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *p = nc_to_float(e, c->at, nc_arg_t(c, 0));
  if (!p) return nc_v_poison();
  NcTensor *u = nc_t_random(e, c->at, "uniform", c->bound->nshape, c->bound->shape);
  return given(c, nc_t_cast(e, c->at, nc_arith(e, c->at, "lt", u, p), NC_F32));
}

static NcValue range(NcArgsOf *c) {
  NcSize n;
  if (!nc_arg_int(c, 0, nc_size(1), &n)) return nc_v_poison();
  return given(c, nc_t_iota(c->e, c->at, NC_I32, 1, &n, 0));
}

static NcValue reversed(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  if (!x || !nc_arg_axis(c, 1, x, 0, &axis)) return nc_v_poison();
  int64_t start[NC_MAX_RANK] = {0}, step[NC_MAX_RANK];
  for (int i = 0; i < x->rank; i++) step[i] = 1;
  start[axis] = x->dim[axis].value - 1;
  step[axis] = -1;
  return given(c, nc_t_slice(c->e, c->at, x, start, x->dim, step));
}

static NcValue linspace(NcArgsOf *c) {   // a + i (b - a) / (n - 1)
  double a, b;
  NcSize n;
  if (!nc_arg_num(c, 0, 0, &a) || !nc_arg_num(c, 1, 0, &b) || !nc_arg_int(c, 2, nc_size(2), &n)) return nc_v_poison();
  NcElab *e = c->e;
  double step = n.value > 1 ? (b - a) / (double)(n.value - 1) : 0;
  NcTensor *i = nc_t_iota(e, c->at, NC_F32, 1, &n, 0);
  i = nc_arith(e, c->at, "mul", i, nc_t_const(e, c->at, NC_F32, step));
  return given(c, nc_arith(e, c->at, "add", i, nc_t_const(e, c->at, NC_F32, a)));
}

// tensor([[1, 2], [3, 4]]): what is written out.
typedef struct { NcShape shape; NC_VEC(double) at; bool real, truth, number; } Literal;

static bool read_literal(NcArgsOf *c, const NcValue *v, int depth, Literal *out) {
  double number;
  if (v->kind == NC_V_LIST || v->kind == NC_V_TUPLE) {
    if (depth == NC_MAX_RANK || v->list.n == 0) return false;
    if (depth == out->shape.rank) out->shape.dim[out->shape.rank++] = v->list.n;
    if (out->shape.dim[depth] != v->list.n) return false;
    for (int i = 0; i < v->list.n; i++)
      if (!read_literal(c, &v->list.item[i], depth + 1, out)) return false;
    return true;
  }
  if (depth != out->shape.rank || (v->kind != NC_V_BOOL && !nc_v_number(v, &number))) return false;
  if (v->kind == NC_V_BOOL) number = v->b;
  out->truth = out->truth || v->kind == NC_V_BOOL;
  out->number = out->number || v->kind != NC_V_BOOL;
  out->real = out->real || v->kind == NC_V_FLOAT;
  *NC_PUSH(c->e->arena, out->at) = number;
  return true;
}

static NcValue literal(NcArgsOf *c) {
  Literal x = {0};
  if (!read_literal(c, &c->v[0], 0, &x) || (x.truth && x.number))
    return nc_arg_bad(c, 0, "numbers, or lists of equal lengths of them");
  NcType t = {.dtype = x.truth ? NC_BOOL : x.real ? NC_F32 : NC_I32, .shape = x.shape};
  NcSize dim[NC_MAX_RANK];
  for (int i = 0; i < x.shape.rank; i++) dim[i] = nc_size(x.shape.dim[i]);
  return given(c, nc_t(c->e, c->at, nc_table(c->e->graph, nc_here(c->e, c->at), t, x.at.at), x.shape.rank, dim));
}

// Comparisons of a row's number, moved by an offset, with a column's.
static NcTensor *compared(NcArgsOf *c, const NcSize *dim, int64_t offset) {
  NcElab *e = c->e;
  NcTensor *row = nc_t_iota(e, c->at, NC_I32, 2, dim, 0);
  if (offset) row = nc_arith(e, c->at, "add", row, nc_t_const(e, c->at, NC_I32, (double)offset));
  return nc_arith(e, c->at, c->op, row, nc_t_iota(e, c->at, NC_I32, 2, dim, 1));
}

static NcValue triangle(NcArgsOf *c) {
  NcSize dim[2];
  int64_t offset;
  if (!nc_arg_int(c, 0, nc_size(1), &dim[0]) || !nc_arg_whole(c, 1, 0, &offset) || !nc_arg_int(c, 2, dim[0], &dim[1]))
    return nc_v_poison();
  if (offset < -INT32_MAX / 2 || offset > INT32_MAX / 2) return nc_arg_bad(c, 1, "about as small as the matrix");
  return given(c, compared(c, dim, offset));
}

static NcValue eye(NcArgsOf *c) {
  NcSize dim[2];
  NcTensor *x = c->has[0] && c->v[0].kind == NC_V_TENSOR ? c->v[0].t : NULL;
  if (x && x->rank == 2) memcpy(dim, x->dim, sizeof dim);
  else if (c->bound->nshape == 2) memcpy(dim, c->bound->shape, sizeof dim);
  else if (!c->has[0] || !nc_arg_int(c, 0, nc_size(1), &dim[0]))
    return c->has[0] ? nc_v_poison() : (nc_arg_bad(c, 0, "a size"), nc_v_poison());
  else dim[1] = dim[0];
  return given(c, nc_t_cast(c->e, c->at, compared(c, dim, 0), NC_F32));
}

static NcValue one_hot(NcArgsOf *c) {   // by comparison, so that no gather's gradient appears
  NcTensor *x = nc_arg_t(c, 0);
  NcSize n, dim[NC_MAX_RANK];
  if (!x || !nc_arg_int(c, 1, nc_size(1), &n)) return nc_v_poison();
  if (nc_dtype_float(x->node->type.dtype) || x->rank == NC_MAX_RANK) {
    nc_elab_error(c->e, NC_E0204, c->at, "`one_hot` needs whole numbers, not %s", nc_t_describe(c->e, x));
    return nc_v_poison();
  }
  for (int i = 0; i < x->rank; i++) dim[i] = x->dim[i];
  dim[x->rank] = nc_size(1);
  NcElab *e = c->e;
  NcTensor *label = nc_t_reshape(e, c->at, nc_t_cast(e, c->at, x, NC_I32), x->rank + 1, dim);
  return given(c, nc_t_cast(e, c->at, nc_arith(e, c->at, "eq", label, nc_t_iota(e, c->at, NC_I32, 1, &n, 0)), NC_F32));
}

// ---- questions about shapes, answered at compile time ----

static NcValue size(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  int axis;
  if (!x) return nc_v_poison();
  if (!c->has[1]) return nc_v_int(c->at, nc_t_total(c->e, x));
  return nc_arg_axis(c, 1, x, 0, &axis) ? nc_v_int(c->at, x->dim[axis]) : nc_v_poison();
}

static NcValue rank(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  return x ? nc_v_int(c->at, nc_size(x->rank)) : nc_v_poison();
}

static NcValue len(NcArgsOf *c) {
  if (c->v[0].kind != NC_V_LIST && c->v[0].kind != NC_V_TUPLE) return nc_arg_bad(c, 0, "a list or a tuple");
  return nc_v_int(c->at, nc_size(c->v[0].list.n));
}

// Fans as Keras counts them, for weights stored [out, in, window…].
static NcValue fan(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  if (!x) return nc_v_poison();
  int64_t window = 1;
  for (int i = 2; i < x->rank; i++) window *= x->dim[i].value;
  int axis = strcmp(c->op, "in") == 0 && x->rank > 1 ? 1 : 0;
  return nc_v_int(c->at, nc_size(x->rank ? x->dim[axis].value * window : 1));
}

static NcValue per_axis(NcArgsOf *c) {
  int64_t n, value[NC_MAX_RANK];
  if (!nc_arg_whole(c, 1, 1, &n)) return nc_v_poison();
  if (n < 0 || n > NC_MAX_RANK) return nc_arg_bad(c, 1, "a number of axes");
  if (!nc_arg_each(c, 0, (int)n, 1, 1, value)) return nc_v_poison();
  NcValue item[NC_MAX_RANK];
  for (int i = 0; i < n; i++) item[i] = nc_v_int(c->at, nc_size(value[i]));
  return nc_v_items(c->e, NC_V_LIST, c->at, (int)n, item);
}

static NcValue is_function(NcArgsOf *c) { return nc_v_bool(c->at, nc_v_callable(&c->v[0])); }
static NcValue is_number(NcArgsOf *c) { double d; return nc_v_bool(c->at, nc_v_number(&c->v[0], &d)); }
static NcValue is_list(NcArgsOf *c) {
  return nc_v_bool(c->at, c->v[0].kind == NC_V_LIST || c->v[0].kind == NC_V_TUPLE);
}
static NcValue is_integer(NcArgsOf *c) {
  return nc_v_bool(c->at, c->v[0].kind == NC_V_TENSOR ? !nc_dtype_float(c->v[0].t->node->type.dtype)
                                                      : c->v[0].kind == NC_V_INT);
}

const NcBuiltin nc_builtins_shape[] = {
  {"reshape", "x", "the same elements in order, in another shape: x |> reshape[B, 64, 7, 7]", reshape,
   .shape = NC_NEEDS_SHAPE},
  {"broadcast", "x", "x repeated to the shape: broadcast[B, T, D](x)", broadcast, .shape = NC_NEEDS_SHAPE},
  {"flatten", "x from?", "all axes from `from` (1) on as one", flatten},
  {"transpose", "x", "the last two axes swapped", transpose},
  {"permute", "x axes", "the axes in another order: permute(x, (0, 2, 1))", permute},
  {"squeeze", "x axis?", "without the axis (the last), whose size is 1", squeeze},
  {"along", "axis x", "x, with one axis, lying on this axis of whatever it meets in arithmetic", along},
  {"concat", "xs* axis?", "tensors one after the other along an axis (the last)", concat},
  {"stack", "xs* axis?", "tensors side by side along a new axis (the first)", stack},
  {"split", "x parts axis?", "equal parts along an axis (the last), or parts of the given sizes", split},
  {"pad", "x before after? axis? value?",
   "`before` and `after` elements of `value` (0) more along an axis (the last)", pad},
  {"zeros", "x?", "zeros[B, n], or as an initialiser", filled, .op = "zeros", .shape = NC_MAY_SHAPE},
  {"ones", "x?", "ones[B, n], or as an initialiser", filled, .op = "ones", .shape = NC_MAY_SHAPE},
  {"fill", "value", "the value everywhere: fill[n](3)", fill, .shape = NC_NEEDS_SHAPE},
  {"rand", "", "random numbers, uniform between 0 and 1: rand[B, n]", random, .op = "uniform", .shape = NC_NEEDS_SHAPE},
  {"randn", "", "random numbers, normal with mean 0 and variance 1: randn[B, n]", random, .op = "normal",
   .shape = NC_NEEDS_SHAPE},
  {"randint", "lo hi", "random whole numbers from lo to hi - 1: randint[B](0, 10)", randint, .shape = NC_NEEDS_SHAPE},
  {"bernoulli", "p", "1 with probability p, else 0: bernoulli[B, n](0.5); p may be a tensor", bernoulli,
   .shape = NC_NEEDS_SHAPE},
  {"range", "n", "0, 1, …, n - 1 as i32[n]", range},
  {"reversed", "x axis?", "x from its last element along an axis (the first) to its first: reversed(range(n))", reversed},
  {"linspace", "a b n", "n numbers from a to b, evenly spaced", linspace},
  {"tensor", "list", "a tensor written out: tensor([[1.0, 2.0], [3.0, 4.0]]); whole numbers make i32", literal},
  {"tril", "n offset? columns?",
   "bool[n, n]: true on and below the diagonal, or the one `offset` places to its right", triangle, .op = "ge"},
  {"triu", "n offset? columns?",
   "bool[n, n]: true on and above the diagonal, or the one `offset` places to its right", triangle, .op = "le"},
  {"eye", "n?", "ones on the diagonal, zeros elsewhere: eye(n), eye[n, m], or as an initialiser", eye,
   .op = "eq", .shape = NC_MAY_SHAPE},
  {"one_hot", "x n", "one more axis of n: 1 at the place that x names, 0 elsewhere", one_hot},
  {"size", "x axis?", "the size of an axis, or the number of elements", size},
  {"rank", "x", "the number of axes", rank},
  {"len", "list", "the number of items", len},
  {"fan_in", "w", "inputs of one unit with weights [out, in, window…]", fan, .op = "in"},
  {"fan_out", "w", "outputs that one input reaches with weights [out, in, window…]", fan, .op = "out"},
  {"per_axis", "x n", "a list of n integers: x itself, or x for each", per_axis},
  {"is_function", "x", "whether x can be called", is_function},
  {"is_number", "x", "whether x is a number known at compile time", is_number},
  {"is_list", "x", "whether x is a list or a tuple", is_list},
  {"is_integer", "x", "whether x is an integer, or a tensor of them", is_integer},
  {0},
};
