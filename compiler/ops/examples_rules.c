// What each operation makes of examples; see examples.h. What is not known here counts as mixing them.
#include <math.h>
#include <string.h>
#include "ops/examples.h"
#include "ops/rows.h"

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

static bool set(NcShare *out, NcSharing how, int axis, int64_t outer, double scale) {
  // Constants like 1/24 are rounded to the element type, so that the quotient of two is near a whole number, or its inverse.
  double whole = scale >= 1 ? rint(scale) : 1 / rint(1 / scale);
  *out = (NcShare){how, axis, outer, fabs(scale - whole) <= 1e-6 * scale ? whole : scale};
  return true;
}

static bool why(const NcMeeting *m, const char *text) {
  m->out->why = text;
  return false;
}

// The strongest of the operands: each before summed before alike. False where examples and their sum meet.
static bool strongest(const NcMeeting *m, NcShare *out) {
  *out = (NcShare){NC_ALIKE, -1, 1, 1};
  bool each = false, summed = false;
  for (int i = 0; i < m->whole->nin; i++) {
    const NcShare *s = &m->in[i];
    if (s->how == NC_ALIKE) continue;
    if (s->how == NC_EACH && each && (s->axis != out->axis || s->outer != out->outer)) return why(m, "compares examples with each other");
    each |= s->how == NC_EACH;
    summed |= s->how == NC_SUMMED;
    *out = *s;
  }
  return !(each && summed);
}

// ---- pointwise: linear in what differs between a part and the whole, or nothing differs

static bool plain(const NcMeeting *m) {
  for (int i = 0; i < m->whole->nin; i++)
    if (m->in[i].scale != 1) return false;
  return true;
}

static bool linear_sum(const NcMeeting *m, NcShare *out) {
  const NcShare *a = &m->in[0], *b = &m->in[1];
  if (a->how == NC_SUMMED && b->how == NC_SUMMED) return a->scale == b->scale && set(out, NC_SUMMED, -1, 1, a->scale);
  const NcShare *s = a->how == NC_SUMMED ? a : b, *other = s == a ? b : a;
  if (s->how == NC_SUMMED) return other->scale == 1 && s->scale == (double)m->parts && set(out, NC_SUMMED, -1, 1, s->scale);
  return a->scale == b->scale && set(out, out->how, m->axis, out->outer, a->scale);
}

static bool pointwise(const NcMeeting *m, NcShare *out) {
  const NcNode *n = m->whole;
  if (!strongest(m, out)) return false;
  if (out->how == NC_SUMMED && m->axis >= 0) return false;
  out->axis = m->axis;
  if (m->axis >= 0) out->how = NC_EACH;
  const bool summed = out->how == NC_SUMMED;
  if (is(n, "neg") || is(n, "stop_gradient") || (is(n, "cast") && nc_dtype_float(n->type.dtype) && nc_dtype_float(n->in[0]->type.dtype)))
    return set(out, out->how, m->axis, out->outer, m->in[0].scale);
  if (is(n, "add") || is(n, "sub")) return linear_sum(m, out);
  if (is(n, "mul") || is(n, "div")) {
    bool divides = is(n, "div");
    if (summed && (m->in[1].how == NC_SUMMED && (divides || m->in[0].how == NC_SUMMED))) return false;
    return set(out, out->how, m->axis, out->outer, divides ? m->in[0].scale / m->in[1].scale : m->in[0].scale * m->in[1].scale);
  }
  return !summed && plain(m) && set(out, out->how, m->axis, out->outer, 1);
}

// ---- movement

static int64_t before(NcShape s, int axis) {
  int64_t n = 1;
  for (int i = 0; i < axis; i++) n *= s.dim[i];
  return n;
}

static bool whole_axis(const NcMeeting *m) {
  const NcNode *n = m->whole;
  for (int i = 0; i < n->nin; i++)
    if (m->in[i].how == NC_EACH && (m->in[i].axis != m->axis || n->in[i]->type.shape.dim[m->axis] != n->type.shape.dim[m->axis]))
      return false;
  if (is(n, "concat")) return nc_attr_int(n, "axis") != m->axis;
  return !is(n, "slice") || nc_attr_ints(n, "step", NULL)[m->axis] == 1;
}

static bool movement(const NcMeeting *m, NcShare *out) {
  const NcNode *n = m->whole;
  if (!strongest(m, out)) return false;
  for (int i = 0; i < n->nin; i++)
    if (m->in[i].scale != m->in[0].scale) return false;
  const double scale = n->nin ? m->in[0].scale : 1;
  if (out->how == NC_SUMMED) return m->axis < 0 && !is(n, "concat") && !is(n, "pad") && set(out, NC_SUMMED, -1, 1, scale);
  // As many elements of what is alike as there are examples are not one for each: only copies of the same one are.
  if (out->how == NC_ALIKE) return (m->axis < 0 || is(n, "broadcast")) && set(out, m->axis < 0 ? NC_ALIKE : NC_EACH, m->axis, 1, scale);
  if (m->axis < 0) return false;
  if (is(n, "reshape")) {
    const int64_t lies = before(n->in[0]->type.shape, out->axis) * out->outer, first = before(n->type.shape, m->axis);
    if (lies % first || n->type.shape.dim[m->axis] % (lies / first * m->parts)) return false;
    return set(out, NC_EACH, m->axis, lies / first, scale);
  }
  if (is(n, "permute") || is(n, "broadcast")) return set(out, NC_EACH, m->axis, out->outer, scale);
  return whole_axis(m) && set(out, NC_EACH, m->axis, out->outer, scale) && (scale == 1 || is(n, "slice"));
}

// ---- what sums

static bool has(const int64_t *axes, int n, int axis) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) return true;
  return false;
}

static bool reduce(const NcMeeting *m, NcShare *out) {
  int count;
  const int64_t *axes = nc_attr_ints(m->whole, "axes", &count);
  const bool sum = strcmp(nc_attr_str(m->whole, "op"), "sum") == 0;
  const NcShare *x = m->in;
  if (!sum && (x->scale != 1 || x->how == NC_SUMMED)) return false;
  if (x->how != NC_EACH) return m->axis < 0 && set(out, x->how, -1, 1, x->scale);
  if (has(axes, count, x->axis)) return sum && m->axis < 0 && set(out, NC_SUMMED, -1, 1, x->scale);
  return m->axis >= 0 && set(out, NC_EACH, m->axis, x->outer, x->scale);
}

static bool dot(const NcMeeting *m, NcShare *out) {
  const NcNode *n = m->whole;
  const NcShare *a = &m->in[0], *b = &m->in[1];
  const double scale = a->scale * b->scale;
  int batch, con;
  const int64_t *ab = nc_attr_ints(n, "abatch", &batch), *bb = nc_attr_ints(n, "bbatch", NULL);
  const int64_t *ac = nc_attr_ints(n, "acon", &con), *bc = nc_attr_ints(n, "bcon", NULL);
  if (a->how == NC_EACH && b->how == NC_EACH) {
    if (a->outer != b->outer) return false;
    for (int i = 0; i < con; i++)
      if (ac[i] == a->axis && bc[i] == b->axis) return m->axis < 0 && set(out, NC_SUMMED, -1, 1, scale);
    for (int i = 0; i < batch; i++)
      if (ab[i] == a->axis && bb[i] == b->axis) return m->axis >= 0 && set(out, NC_EACH, m->axis, a->outer, scale);
    return why(m, "compares examples with each other");
  }
  if (a->how == NC_SUMMED || b->how == NC_SUMMED)
    return (a->how == NC_ALIKE || b->how == NC_ALIKE) && m->axis < 0 && set(out, NC_SUMMED, -1, 1, scale);
  if (a->how == NC_ALIKE && b->how == NC_ALIKE) return m->axis < 0 && set(out, NC_ALIKE, -1, 1, scale);
  return m->axis >= 0 && set(out, NC_EACH, m->axis, a->how == NC_EACH ? a->outer : b->outer, scale);
}

// ---- the others: one example after the other where that is known

static bool axis_beside(const NcMeeting *m, NcShare *out) {
  return plain(m) && m->in[0].how != NC_SUMMED && (m->in[0].how == NC_ALIKE || nc_attr_int(m->whole, "axis") != m->in[0].axis) &&
         set(out, m->in[0].how, m->axis, m->in[0].outer, 1);
}

// Examples in axis 0 of the first `examples` operands, or none; the rest the same for all, or likewise.
static bool along_first(const NcMeeting *m, NcShare *out, int examples) {
  if (!plain(m) || !strongest(m, out) || out->how == NC_SUMMED) return false;
  for (int i = 0; i < m->whole->nin && out->how == NC_EACH; i++) {
    const bool each = m->in[i].how == NC_EACH;
    if (each ? m->in[i].axis != 0 || m->in[i].outer != 1 : i < examples) return false;
  }
  return (out->how == NC_EACH) == (m->axis == 0) && set(out, out->how, m->axis, 1, 1);
}

static bool gather(const NcMeeting *m, NcShare *out) {
  const NcShare *x = &m->in[0], *index = &m->in[1];
  if (!is(m->whole, "gather") || !plain(m) || x->how == NC_SUMMED || index->how == NC_SUMMED) return false;
  const NcAttr *batch = nc_attr(m->whole, "batch");       // so many axes of both are gone through together
  if (x->how == NC_EACH && index->how == NC_EACH)
    return x->axis == index->axis && x->outer == index->outer && batch && x->axis < batch->i && set(out, NC_EACH, m->axis, x->outer, 1);
  if (x->how == NC_EACH) return index->how == NC_ALIKE && axis_beside(m, out);
  return set(out, index->how, m->axis, index->outer, 1);
}

static bool leaf(const NcMeeting *m, NcShare *out) {
  const NcNode *n = m->whole;
  set(out, m->axis < 0 ? NC_ALIKE : NC_EACH, m->axis, 1, 1);
  if (n->op == &nc_row_random) {
    m->out->draws = true;
    return true;
  }
  if (n->op == &nc_row_iota)
    return m->axis < 0 || nc_attr_int(n, "axis") != m->axis || why(m, "tells examples apart by their number");
  if (n->op != &nc_row_const) return n->op == &nc_row_input || m->axis < 0;
  const NcAttr *a = nc_attr(n, "value"), *b = nc_attr(m->part, "value");
  if (a && b && a->f != b->f) return a->f != 0 && b->f / a->f > 0 && set(out, out->how, m->axis, 1, b->f / a->f);
  int na, nb;
  if (a || b) return a && b;
  const double *x = nc_attr_floats(n, "values", &na), *y = nc_attr_floats(m->part, "values", &nb);
  return na == nb && memcmp(x, y, (size_t)na * sizeof *x) == 0;
}

bool nc_share(const NcMeeting *m, NcShare *out) {
  const NcNode *n = m->whole;
  m->out->why = NULL;
  switch (n->op->kind) {
  case NC_LEAF: return leaf(m, out);
  case NC_POINTWISE: return pointwise(m, out);
  case NC_MOVEMENT: return movement(m, out);
  case NC_REDUCE: return reduce(m, out);
  case NC_DOT: return dot(m, out);
  case NC_CUMULATIVE: case NC_SORT: return axis_beside(m, out);
  case NC_CONV: return is(n, "conv") && m->in[1].how == NC_ALIKE && along_first(m, out, 1);
  case NC_POOL: return n->nin == 1 && along_first(m, out, 1);
  case NC_ATTENTION: return is(n, "attention") && along_first(m, out, 3);
  case NC_INDEX: return gather(m, out);
  default: return false;
  }
}
