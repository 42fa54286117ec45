// Gradients: one walk from the loss back to what is differentiated, by every node's own rule.
#include "ops/rows.h"

typedef struct {
  NcGraph *g;
  NcArena *a;
  int count;            // nodes before the walk: ids 0 .. loss
  bool *needs;          // depends on a wrt through floats
  NcNode **adjoint;     // d loss / d node so far
} Walk;

static bool carries(const NcNode *n) { return nc_dtype_float(n->type.dtype); }

static void mark(Walk *w, int n, NcNode *const *wrt) {
  for (int i = 0; i < n; i++)
    if (wrt[i]->id < w->count && carries(wrt[i])) w->needs[wrt[i]->id] = true;
  for (int i = 0; i < w->count; i++) {
    const NcNode *m = w->g->node.at[i];
    for (int k = 0; k < m->nin && !w->needs[i]; k++) w->needs[i] = carries(m) && w->needs[m->in[k]->id];
  }
}

static bool accumulate(Walk *w, NcNode *n, NcNode *to, NcNode *dx) {
  NcNode **sum = &w->adjoint[to->id];
  *sum = *sum ? nc_op2(w->g, n->at, "add", *sum, dx) : dx;
  return *sum;
}

// Passes a node's adjoint on to those operands that lead to a wrt.
static bool pass_on(Walk *w, NcNode *n) {
  bool wanted = false;
  for (int k = 0; k < n->nin; k++) wanted = wanted || w->needs[n->in[k]->id];
  if (!wanted) return true;
  if (!n->op->vjp) {
    NcMessage *m = nc_error(w->g->diag, NC_E0210, n->at,
                            "`%s` has no gradient, but the loss depends on a parameter through it", n->op->name);
    nc_help(w->g->diag, m, "keep it out of the loss, or use an operation that has a gradient");
    return false;
  }
  NcNode **dx = NC_NEW_N(w->a, NcNode *, n->nin);
  if (!n->op->vjp(w->g, n, w->adjoint[n->id], dx)) return false;
  for (int k = 0; k < n->nin; k++)
    if (dx[k] && w->needs[n->in[k]->id] && !accumulate(w, n, n->in[k], dx[k])) return false;
  return true;
}

bool nc_grad(NcGraph *g, NcNode *loss, int n, NcNode *const *wrt, NcNode **out) {
  if (!loss) return false;
  for (int i = 0; i < n; i++)
    if (!wrt[i]) return false;
  if (loss->type.shape.rank || !carries(loss)) {
    nc_error(g->diag, NC_E0210, loss->at, "a loss must be a float scalar and is %s",
             nc_type_str(g->diag->arena, loss->type));
    return false;
  }
  int errors = g->diag->errors;
  Walk w = {g, g->arena, loss->id + 1};
  w.needs = NC_NEW_N(g->arena, bool, w.count);
  w.adjoint = NC_NEW_N(g->arena, NcNode *, w.count);
  mark(&w, n, wrt);
  w.adjoint[loss->id] = nc_const(g, loss->at, loss->type.dtype, 1);
  for (int i = loss->id; i >= 0; i--)
    if (w.adjoint[i] && w.needs[i] && !pass_on(&w, g->node.at[i])) return false;
  for (int i = 0; i < n; i++) {
    NcNode *adjoint = wrt[i]->id < w.count ? w.adjoint[wrt[i]->id] : NULL;
    out[i] = adjoint && carries(wrt[i]) ? adjoint : nc_like(g, wrt[i], 0);
  }
  return g->diag->errors == errors;   // a rule may have lost one of several operands
}
