// Gradients: one walk from the loss back to what is differentiated, by every node's own rule.
#include "ops/loop.h"
#include "ops/rows.h"

typedef struct {
  NcGraph *g;
  NcArena *a;
  int count;            // nodes before the walk: ids 0 .. loss
  bool *needs;          // depends on a wrt through floats
  NcNode **adjoint;     // d loss / d node so far
  NcNode ***results;    // of loops: those of their results
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

// What is wanted of a loop: its results hand their adjoints over, and it passes them on together.
static bool hand_over(Walk *w, NcNode *n) {
  NcNode *loop = n->in[0];
  NcLoop l;
  nc_loop_of(loop, &l);
  NcNode ***all = &w->results[loop->id];
  if (!*all) *all = NC_NEW_N(w->a, NcNode *, l.ncarry + l.nemit);
  (*all)[nc_attr_int(n, "index")] = w->adjoint[n->id];
  return true;
}

// Passes a node's adjoint on to those operands that lead to a wrt.
static bool pass_on(Walk *w, NcNode *n) {
  bool *wanted = NC_NEW_N(w->a, bool, n->nin + 1), any = false;
  for (int k = 0; k < n->nin; k++) any = (wanted[k] = w->needs[n->in[k]->id]) || any;
  if (!any) return true;
  if (n->op == &nc_row_loop_out) return hand_over(w, n);
  bool loop = n->op == &nc_row_loop;
  if (!n->op->vjp && !loop) {
    NcMessage *m = nc_error(w->g->diag, NC_E0210, n->at,
                            "`%s` has no gradient, but the loss depends on a parameter through it", n->op->name);
    nc_help(w->g->diag, m, "keep it out of the loss, or use an operation that has a gradient");
    return false;
  }
  NcNode **dx = NC_NEW_N(w->a, NcNode *, n->nin);
  if (loop ? !nc_loop_vjp(w->g, n, w->results[n->id], wanted, dx) : !n->op->vjp(w->g, n, w->adjoint[n->id], dx))
    return false;
  for (int k = 0; k < n->nin; k++)
    if (dx[k] && wanted[k] && !accumulate(w, n, n->in[k], dx[k])) return false;
  return true;
}

bool nc_vjp(NcGraph *g, int ny, NcNode *const *y, NcNode *const *dy, int n, NcNode *const *wrt, NcNode **out) {
  int errors = g->diag->errors, last = 0;
  for (int i = 0; i < ny; i++)
    if (y[i]->id > last) last = y[i]->id;
  Walk w = {g, g->arena, last + 1};
  w.needs = NC_NEW_N(g->arena, bool, w.count);
  w.adjoint = NC_NEW_N(g->arena, NcNode *, w.count);
  w.results = NC_NEW_N(g->arena, NcNode **, w.count);
  mark(&w, n, wrt);
  for (int i = 0; i < ny; i++)
    if (!accumulate(&w, y[i], y[i], dy[i])) return false;
  for (int i = last; i >= 0; i--)
    if ((w.adjoint[i] || w.results[i]) && w.needs[i] && !pass_on(&w, g->node.at[i])) return false;
  for (int i = 0; i < n; i++)
    out[i] = wrt[i]->id < w.count && carries(wrt[i]) ? w.adjoint[wrt[i]->id] : NULL;
  return g->diag->errors == errors;   // a rule may have lost one of several operands
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
  NcNode *one = nc_const(g, loss->at, loss->type.dtype, 1);
  if (!nc_vjp(g, 1, &loss, &one, n, wrt, out)) return false;
  for (int i = 0; i < n; i++)
    if (!out[i]) out[i] = nc_like(g, wrt[i], 0);
  return true;
}
