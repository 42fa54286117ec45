// A loop's body for a part of what it works on: every carry, what is emitted and what of the operands goes with them is cut
// along its first axis into equal slices, and one graph makes any of them. That is so where rows have nothing to do with
// each other, as the examples of a batch in a recurrent layer; then a work-item can take a slice through all turns
// without waiting for the others (gen/loop_parts.c).
//
// What is asked for decides: from the results downwards each node is wanted along one of its axes, or whole, and its
// operation says along which axis that takes each operand. A carry must be wanted along its first axis and no other.
#include <string.h>
#include "passes/passes.h"

enum { WHOLE = -1, REFUSED = -2 };

// The first axis that has more than one index: slices along it lie one after the other in memory.
static int lead(NcShape s) {
  for (int i = 0; i < s.rank; i++)
    if (s.dim[i] != 1) return i;
  return REFUSED;
}

static bool one_of(const int64_t *list, int n, int64_t v) {
  for (int i = 0; i < n; i++)
    if (list[i] == v) return true;
  return false;
}

// ---- Along which axis an operand is wanted

static int of_broadcast(const NcNode *n, int axis) {
  const int64_t *axes = nc_attr_ints(n, "axes", NULL);
  NcShape s = n->in[0]->type.shape;
  for (int i = 0; i < s.rank; i++)
    if (axes[i] == axis) return s.dim[i] == 1 ? WHOLE : i;
  return WHOLE;
}

// The axis before which there are as many places: both are then cut at the same elements.
static int of_reshape(const NcNode *n, int axis, int64_t parts) {
  NcShape from = n->in[0]->type.shape, to = n->type.shape;
  int64_t outer = 1, before = 1;
  for (int i = 0; i < axis; i++) outer *= to.dim[i];
  for (int i = 0; i < from.rank && before <= outer; before *= from.dim[i++])
    if (before == outer && from.dim[i] % parts == 0) return i;
  return REFUSED;
}

static int of_slice(const NcNode *n, int axis) {
  bool all = nc_attr_ints(n, "size", NULL)[axis] == n->in[0]->type.shape.dim[axis] &&
             nc_attr_ints(n, "start", NULL)[axis] == 0 && nc_attr_ints(n, "step", NULL)[axis] == 1;
  return all ? axis : REFUSED;
}

static int of_pad(const NcNode *n, int axis) {
  return nc_attr_ints(n, "lo", NULL)[axis] || nc_attr_ints(n, "hi", NULL)[axis] ? REFUSED : axis;
}

static int of_movement(const NcNode *n, int axis, int64_t parts) {
  const char *op = n->op->name;
  if (strcmp(op, "broadcast") == 0) return of_broadcast(n, axis);
  if (strcmp(op, "reshape") == 0) return of_reshape(n, axis, parts);
  if (strcmp(op, "permute") == 0) return (int)nc_attr_ints(n, "perm", NULL)[axis];
  if (strcmp(op, "slice") == 0) return of_slice(n, axis);
  if (strcmp(op, "pad") == 0) return of_pad(n, axis);
  if (strcmp(op, "concat") == 0) return nc_attr_int(n, "axis") == axis ? REFUSED : axis;
  return REFUSED;
}

// The axis-th of those that are not listed.
static int kept(const int64_t *list, int n, int axis) {
  for (int i = 0;; i++)
    if (!one_of(list, n, i) && axis-- == 0) return i;
}

static int of_reduce(const NcNode *n, int axis) {
  int count;
  const int64_t *axes = nc_attr_ints(n, "axes", &count);
  return kept(axes, count, axis);
}

// The result has the axes of the batch, the free ones of a, the free ones of b.
static int of_dot(const NcNode *n, int k, int axis) {
  int batch, con, free = 0;
  const int64_t *at = nc_attr_ints(n, k ? "bbatch" : "abatch", &batch), *acon = nc_attr_ints(n, "acon", &con);
  if (axis < batch) return (int)at[axis];
  free = n->in[0]->type.shape.rank - batch - con;
  axis -= batch;
  if ((axis < free) != (k == 0)) return WHOLE;
  int64_t used[2 * NC_MAX_RANK];
  memcpy(used, at, (size_t)batch * sizeof *used);
  memcpy(used + batch, k ? nc_attr_ints(n, "bcon", NULL) : acon, (size_t)con * sizeof *used);
  return kept(used, batch + con, k ? axis - free : axis);
}

static int wanted(const NcNode *n, int k, int axis, int64_t parts) {
  if (axis == WHOLE) return WHOLE;
  switch (n->op->kind) {
  case NC_POINTWISE: return axis;
  case NC_MOVEMENT: return of_movement(n, axis, parts);
  case NC_REDUCE: return of_reduce(n, axis);
  case NC_DOT: return of_dot(n, k, axis);
  default: return REFUSED;
  }
}

// ---- Asking

typedef struct {
  NcArena *arena;
  const NcLoop *l;
  int64_t parts;
  unsigned *want;          // by node id: bit i + 1 for axis i, bit 0 for the whole
  NcNode **made[NC_MAX_RANK + 1];   // by the same number and node id
} Cut;

static bool ask(Cut *c, const NcNode *n, int axis) {
  if (axis == REFUSED || (axis >= 0 && n->type.shape.dim[axis] % c->parts)) return false;
  c->want[n->id] |= 1u << (axis + 1);
  return true;
}

// What a leaf can be: a carry is one slice and nothing else, other operands either one slice or whole.
static bool leaf_allows(const NcNode *n, unsigned want) {
  int axis = lead(n->type.shape);
  unsigned first = axis == REFUSED ? 0 : 1u << (axis + 1);
  if (strcmp(n->op->name, "input") == 0) {
    char role = nc_attr_str(n, "name")[0];
    return role == 'c' ? want == first : want == first || want == 1;
  }
  if (strcmp(n->op->name, "iota") == 0) return !(want & 1u << (nc_attr_int(n, "axis") + 1));
  return strcmp(n->op->name, "const") == 0 && (want == 1 || nc_attr(n, "value"));
}

static bool operands_allow(Cut *c, const NcNode *n, int axis) {
  for (int k = 0; k < n->nin; k++)
    if (!ask(c, n->in[k], wanted(n, k, axis, c->parts))) return false;
  return true;
}

static bool ask_all(Cut *c) {
  const NcGraph *g = c->l->body;
  for (int i = 0; i < g->output.n; i++)
    if (!ask(c, g->output.at[i].node, lead(g->output.at[i].node->type.shape))) return false;
  for (int i = g->node.n - 1; i >= 0; i--) {
    const NcNode *n = g->node.at[i];
    if (!c->want[i]) continue;
    if (n->op->kind == NC_LEAF && !leaf_allows(n, c->want[i])) return false;
    if (n->op->kind == NC_CONTROL || n->op->kind == NC_EFFECT) return false;
    for (int axis = WHOLE; axis < n->type.shape.rank; axis++)
      if (c->want[i] & 1u << (axis + 1) && !operands_allow(c, n, axis)) return false;
  }
  return true;
}

// ---- Making

// The list of sizes with that of one axis made smaller.
static NcAttr smaller(Cut *c, NcAttr a, int axis) {
  int64_t *v = nc_alloc(c->arena, (size_t)a.n * sizeof *v);
  memcpy(v, a.ints, (size_t)a.n * sizeof *v);
  v[axis] /= c->parts;
  a.ints = v;
  return a;
}

static NcNode *make(Cut *c, NcGraph *to, const NcNode *n, int axis) {
  NC_VEC(NcNode *) in = {0};
  for (int k = 0; k < n->nin; k++)
    *NC_PUSH(c->arena, in) = c->made[wanted(n, k, axis, c->parts) + 1][n->in[k]->id];
  if (axis == WHOLE) return nc_copy_node(to, n, in.at);
  NC_VEC(NcAttr) attr = {0};
  for (int i = 0; i < n->nattr; i++) {
    NcAttr a = n->attr[i];
    bool sizes = n->op->kind == NC_MOVEMENT && (strcmp(a.key, "shape") == 0 || strcmp(a.key, "size") == 0);
    *NC_PUSH(c->arena, attr) = sizes ? smaller(c, a, axis) : a;
  }
  NcType t = n->type;
  t.shape.dim[axis] /= c->parts;
  if (n->op->kind == NC_LEAF) return nc_leaf(to, n->op, n->at, t, n->nin, in.at, attr.n, attr.at);
  return nc_node(to, n->op, n->at, n->nin, in.at, attr.n, attr.at);
}

static bool make_all(Cut *c, NcGraph *to) {
  const NcGraph *g = c->l->body;
  for (int i = 0; i <= NC_MAX_RANK; i++) c->made[i] = NC_NEW_N(c->arena, NcNode *, g->node.n + 1);
  for (int i = 0; i < g->node.n; i++)
    for (int axis = WHOLE; axis < g->node.at[i]->type.shape.rank; axis++)
      if (c->want[i] & 1u << (axis + 1) && !(c->made[axis + 1][i] = make(c, to, g->node.at[i], axis))) return false;
  for (int i = 0; i < g->output.n; i++) {
    NcNode *n = g->output.at[i].node;
    nc_graph_output(to, g->output.at[i].name, c->made[lead(n->type.shape) + 1][n->id]);
  }
  return true;
}

NcGraph *nc_loop_slice(NcArena *a, const NcLoop *l, int64_t parts) {
  Cut c = {.arena = a, .l = l, .parts = parts, .want = NC_NEW_N(a, unsigned, l->body->node.n + 1)};
  if (!ask_all(&c)) return NULL;
  NcGraph *to = nc_graph_new(a, nc_diag_new(a), l->body->name);      // no error of the user's
  if (!make_all(&c, to)) return NULL;
  to->diag = l->body->diag;
  return to;
}
