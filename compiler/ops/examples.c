#include "ops/examples.h"
#include <string.h>
#include "ops/loop.h"
#include "ops/rows.h"

// Equal nodes are one node, and two sizes may be equal in one graph only: so a node can be met in several pairs.
typedef struct Pair {
  struct Pair *next;
  const NcNode *part;
  NcShare share;
} Pair;

typedef struct {
  NcArena *arena;
  const NcGraph *whole;
  Pair **pair;             // by id of `whole`: a list
  int64_t parts;
  NcExamples *out;
} Proof;

static bool refuse(const Proof *p, const NcNode *n, const char *why) {
  if (!p->out->at) *p->out = (NcExamples){n, why, p->out->draws};
  return false;
}

static Pair *pair_of(Proof *p, const NcNode *whole, const NcNode *part) {
  Pair *x = p->pair[whole->id];
  while (x && x->part != part) x = x->next;
  if (x) return x;
  x = NC_NEW(p->arena, Pair);
  *x = (Pair){.next = p->pair[whole->id], .part = part};
  return p->pair[whole->id] = x;
}

// Random numbers depend on the number of the step, which is put together otherwise where a step has parts.
static bool looked_into(const NcNode *n) { return n->op != &nc_row_random; }

// What the shapes already say, the value of a constant (examples_rules.c) and a loop's body (below) are looked at elsewhere.
static bool told_elsewhere(const NcNode *n, const NcAttr *a) {
  return a->kind == NC_ATTR_GRAPH || strcmp(a->key, "shape") == 0 || strcmp(a->key, "size") == 0 ||
         (n->op == &nc_row_const && (a->kind == NC_ATTR_FLOAT || a->kind == NC_ATTR_FLOATS));
}

static bool same_attrs(const NcNode *n, const NcNode *m) {
  if (n->nattr != m->nattr) return false;
  for (int i = 0; i < n->nattr; i++)
    if (!told_elsewhere(n, &n->attr[i]) && !nc_attr_equal(&n->attr[i], &m->attr[i])) return false;
  return true;
}

static bool pair_up(Proof *p, const NcNode *n, const NcNode *m) {
  if (n->op != m->op || n->nin != m->nin || n->type.dtype != m->type.dtype || n->type.shape.rank != m->type.shape.rank ||
      !same_attrs(n, m))
    return refuse(p, n, "is another operation in a part of the batch");
  for (int k = 0; k < n->nin && looked_into(n); k++) pair_of(p, n->in[k], m->in[k]);
  return true;
}

// The axis along which there are `parts` times as many; -1: none. False where shapes differ in another way.
static bool example_axis(const Proof *p, const NcNode *n, const NcNode *m, int *axis) {
  NcShape a = n->type.shape, b = m->type.shape;
  *axis = -1;
  for (int i = 0; i < a.rank; i++) {
    if (a.dim[i] == b.dim[i]) continue;
    if (*axis >= 0 || a.dim[i] != p->parts * b.dim[i]) return refuse(p, n, "compares examples with each other");
    *axis = i;
  }
  return true;
}

static bool prove(Proof *p);

static Proof begin(NcArena *a, const NcGraph *whole, int64_t parts, NcExamples *out) {
  return (Proof){a, whole, NC_NEW_N(a, Pair *, whole->node.n + 1), parts, out};
}

// A body sees examples side by side as the loop's operands hold them; what it sums up over them would be carried on.
static bool loop_is_apart(Proof *p, const NcNode *n, const NcNode *m, const NcShare *operand) {
  NcLoop a, b;
  if (!nc_loop_of(n, &a) || !nc_loop_of(m, &b) || a.trips != b.trips || a.reverse != b.reverse || a.body->output.n != b.body->output.n)
    return refuse(p, n, "goes over the examples");
  for (int i = 0; i < n->nin; i++)
    if (operand[i].how == NC_SUMMED || operand[i].scale != 1 || operand[i].outer != 1)
      return refuse(p, n, "is computed over the whole batch");
  const NcGraph *g = a.body;
  Proof in = begin(p->arena, g, p->parts, p->out);
  Pair **result = NC_NEW_N(p->arena, Pair *, g->output.n + 1);
  for (int i = 0; i < g->output.n; i++) {
    const NcNode *other = nc_graph_find_output(b.body, g->output.at[i].name);
    if (!other) return refuse(p, n, "is another operation in a part of the batch");
    result[i] = pair_of(&in, g->output.at[i].node, other);
  }
  if (!prove(&in)) return false;
  for (int i = 0; i < g->output.n; i++)
    if (result[i]->share.how == NC_SUMMED || result[i]->share.scale != 1 || result[i]->share.outer != 1)
      return refuse(p, n, "is computed over the whole batch");
  return true;
}

static bool of_loop(Proof *p, const NcNode *n, Pair *x, const NcShare *in, int axis) {
  x->share = (NcShare){NC_ALIKE, -1, 1, 1};
  if (n->op == &nc_row_loop) {
    for (int i = 0; i < n->nin; i++)
      if (in[i].how == NC_EACH) x->share.how = NC_EACH;
    return loop_is_apart(p, n, x->part, in);
  }
  if (axis >= 0) x->share = (NcShare){NC_EACH, axis, 1, 1};
  else if (in[0].how == NC_EACH) return refuse(p, n, "is computed over the whole batch");
  return true;
}

static bool visit(Proof *p, const NcNode *n, Pair *x) {
  NcShare *in = NC_NEW_N(p->arena, NcShare, n->nin + 1);
  int axis;
  if (!example_axis(p, n, x->part, &axis)) return false;
  for (int i = 0; i < n->nin && looked_into(n); i++) in[i] = pair_of(p, n->in[i], x->part->in[i])->share;
  if (n->op->kind == NC_CONTROL) return of_loop(p, n, x, in, axis);
  NcMeeting m = {n, x->part, in, axis, p->parts, p->out};
  if (!nc_share(&m, &x->share)) return refuse(p, n, p->out->why ? p->out->why : "is computed over the whole batch");
  return true;
}

// From the nodes that have a pair already down to the leaves, and up again.
static bool prove(Proof *p) {
  const NcGraph *g = p->whole;
  for (int i = g->node.n - 1; i >= 0; i--)
    for (const Pair *x = p->pair[i]; x; x = x->next)
      if (!pair_up(p, g->node.at[i], x->part)) return false;
  for (int i = 0; i < g->node.n; i++)
    for (Pair *x = p->pair[i]; x; x = x->next)
      if (!visit(p, g->node.at[i], x)) return false;
  return true;
}

static bool is_state(const NcNode *assign) { return strcmp(nc_attr_str(assign->in[0], "kind"), "state") == 0; }

// The values that both graphs assign to state variables.
static bool states_are_alike(Proof *p, const NcGraph *part) {
  const NcGraph *g = p->whole;
  for (int i = 0; i < g->effect.n; i++) {
    const NcNode *to = g->effect.at[i], *other = NULL;
    if (!is_state(to)) continue;
    for (int k = 0; k < part->effect.n; k++)
      if (strcmp(nc_attr_str(part->effect.at[k]->in[0], "name"), nc_attr_str(to->in[0], "name")) == 0) other = part->effect.at[k]->in[1];
    if (!other) return refuse(p, to->in[1], "is another operation in a part of the batch");
    Proof one = begin(p->arena, g, p->parts, p->out);
    const Pair *value = pair_of(&one, to->in[1], other);
    if (!prove(&one)) return false;
    if (value->share.how != NC_ALIKE || value->share.scale != 1) return refuse(p, to->in[1], "is computed over the whole batch");
  }
  return true;
}

bool nc_mean_of_examples(NcArena *a, const NcGraph *whole, const NcGraph *part, int64_t parts, const char *output, NcExamples *out) {
  *out = (NcExamples){0};
  Proof p = begin(a, whole, parts, out);
  const NcNode *loss = nc_graph_find_output(whole, output), *other = nc_graph_find_output(part, output);
  if (!loss || !other) return refuse(&p, loss, "is in one graph only");
  const Pair *end = pair_of(&p, loss, other);
  if (!prove(&p)) return false;
  if (end->share.how == NC_EACH || end->share.scale != (end->share.how == NC_SUMMED ? (double)parts : 1))
    return refuse(&p, loss, "is no mean over the examples");
  return states_are_alike(&p, part);
}
