// The graph's own rules, checked: after every pass in tests, and with --verify.
#include <string.h>
#include "graph/graph.h"
#include "ops/op.h"

typedef struct { const NcGraph *g; NcDiag *d; const char *after; bool ok; } Check;

__attribute__((format(printf, 3, 4))) static void fault(Check *c, const NcNode *n, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const char *text = nc_vsprintf(c->d->arena, fmt, ap);
  va_end(ap);
  NcMessage *m = nc_error(c->d, NC_E0901, n ? n->at : NC_NOWHERE, "after %s, graph %s%s: %s", c->after, c->g->name,
                          n ? nc_sprintf(c->d->arena, ", node %%%d (%s)", n->id, n->op->name) : "", text);
  nc_help(c->d, m, "this is a fault of the compiler; please report it with the model");
  c->ok = false;
}

static bool belongs(const Check *c, const NcNode *n) {
  return n && n->id >= 0 && n->id < c->g->node.n && c->g->node.at[n->id] == n;
}

static bool check_operands(Check *c, const NcNode *n) {
  if (n->op->arity >= 0 && n->op->arity != n->nin) {
    fault(c, n, "%d operands instead of %d", n->nin, n->op->arity);
    return false;
  }
  for (int k = 0; k < n->nin; k++) {
    if (!belongs(c, n->in[k])) {
      fault(c, n, "operand %d is not of this graph", k);
      return false;
    }
    if (n->in[k]->id >= n->id) {
      fault(c, n, "operand %d is %%%d, which does not come before", k, n->in[k]->id);
      return false;
    }
  }
  return true;
}

static bool check_attrs(Check *c, const NcNode *n) {
  int i = 0;
  for (const NcAttrSpec *s = n->op->attrs; s && s->key; s++) {
    bool here = i < n->nattr && strcmp(n->attr[i].key, s->key) == 0 && n->attr[i].kind == s->kind;
    if (here) i++;
    else if (!s->optional) {
      fault(c, n, "attribute `%s` is missing or out of order", s->key);
      return false;
    }
  }
  if (i != n->nattr) fault(c, n, "an attribute that its row does not know");
  return i == n->nattr;
}

// What the rules themselves rely on.
static bool is_type(const NcType *t) {
  return t->shape.rank >= 0 && t->shape.rank <= NC_MAX_RANK && t->dtype < NC_DTYPE_COUNT;
}

static void check_type(Check *c, const NcNode *n) {
  NcDiag *aside = nc_diag_new(c->d->arena);
  NcType t = n->type;
  if (!n->op->infer(aside, n, &t))
    fault(c, n, "%s", aside->messages.n ? aside->messages.at[0]->text : "its rule refuses it");
  else if (!nc_type_eq(t, n->type))
    fault(c, n, "its type is %s, but its rule gives %s", nc_type_str(c->d->arena, n->type),
          nc_type_str(c->d->arena, t));
  for (int i = 0; i < t.shape.rank; i++)
    if (n->type.shape.dim[i] < 1) fault(c, n, "axis %d is empty", i);
}

// Inputs and vars are bound by name: one name is one node.
static void check_names(Check *c) {
  NcMap seen = NC_MAP(c->d->arena);
  for (int i = 0; i < c->g->node.n; i++) {
    const NcNode *n = c->g->node.at[i];
    if (n->op->kind != NC_LEAF || n->op->eval) continue;
    const NcAttr *name = nc_attr(n, "name");
    if (!name || name->kind != NC_ATTR_STR) continue;   // told already
    const NcNode *other = nc_map_get(&seen, name->s);
    if (other) fault(c, n, "\"%s\" is also the name of %%%d", name->s, other->id);
    nc_map_set(&seen, name->s, (void *)n);
  }
}

bool nc_graph_verify(const NcGraph *g, NcDiag *d, const char *after) {
  Check c = {g, d, after, true};
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (!n || n->id != i) {
      fault(&c, NULL, "the node at place %d has another id", i);
      return false;
    }
    if (!is_type(&n->type)) {
      fault(&c, n, "no valid type");
      return false;
    }
  }
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    for (int k = 0; k < n->nattr; k++)
      if (n->attr[k].kind == NC_ATTR_GRAPH) c.ok &= nc_graph_verify(n->attr[k].g, d, after);
    if (check_operands(&c, n) && check_attrs(&c, n)) check_type(&c, n);
  }
  check_names(&c);
  for (int i = 0; i < g->output.n; i++)
    if (!belongs(&c, g->output.at[i].node)) fault(&c, NULL, "output \"%s\" is not of this graph", g->output.at[i].name);
  for (int i = 0; i < g->effect.n; i++) {
    if (!belongs(&c, g->effect.at[i])) fault(&c, NULL, "effect %d is not of this graph", i);
    else if (g->effect.at[i]->op->kind != NC_EFFECT) fault(&c, g->effect.at[i], "it is registered as an effect");
  }
  return c.ok;
}
