// Values that outlive their variable get a place of their own: an output that is a variable, and a variable assigned to
// another. A slice of the whole of it is such a value; simplify would remove it, so this comes after.
#include <string.h>
#include "passes/passes.h"

static NcNode *whole(NcGraph *g, NcNode *n) {
  NcShape s = n->type.shape;
  int64_t zero[NC_MAX_RANK] = {0}, one[NC_MAX_RANK];
  for (int i = 0; i < s.rank; i++) one[i] = 1;
  const NcAttr attr[] = {NC_AINTS("start", zero, s.rank), NC_AINTS("size", s.dim, s.rank),
                         NC_AINTS("step", one, s.rank)};
  return nc_node(g, nc_op("slice"), n->at, 1, &n, 3, attr);
}

static bool in_variable(NcNode *n) { return strcmp(nc_base(n)->op->name, "var") == 0; }

// An output that shares its bytes with something of another shape is a value of its own too, unless it is a temp.
static bool needs_place(NcNode *n) {
  NcNode *b = nc_base(n);
  return in_variable(n) || (b != n && nc_is_leaf(b));
}

// Of several assigns to a variable the last one counts: until the end everyone reads the old value.
static void last_assigns(NcGraph *g) {
  int kept = 0;
  for (int i = 0; i < g->effect.n; i++) {
    bool again = false;
    for (int k = i + 1; k < g->effect.n; k++) again |= g->effect.at[k]->in[0] == g->effect.at[i]->in[0];
    if (!again) g->effect.at[kept++] = g->effect.at[i];
  }
  g->effect.n = kept;
}

bool nc_copies(NcState *s) {
  NcGraph *g = s->graph;
  last_assigns(g);
  for (int i = 0; i < g->output.n; i++)
    if (needs_place(g->output.at[i].node)) g->output.at[i].node = whole(g, g->output.at[i].node);
  for (int i = 0; i < g->effect.n; i++) {
    NcNode *old = g->effect.at[i];
    if (!in_variable(old->in[1])) continue;
    NcNode *in[2] = {old->in[0], whole(g, old->in[1])};
    NcNode *fresh = in[1] ? nc_node(g, old->op, old->at, 2, in, old->nattr, old->attr) : NULL;
    if (!fresh) return false;
    g->effect.at[i] = fresh;
  }
  return !s->diag->errors;
}
