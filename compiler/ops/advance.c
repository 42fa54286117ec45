#include "ops/advance_internal.h"
#include <math.h>
#include <string.h>
#include "eval/eval.h"

NcPiece nc_piece(NcNode *n) { return (NcPiece){.node = n, .axis = -1}; }

NcPiece nc_refused(NcWalk *w, const NcNode *n, const char *why) {
  NcDiag *d = w->to->diag;
  NcMessage *m = nc_error(d, NC_E0213, n->at, "this cannot be computed one position at a time: %s", why);
  nc_note(d, m, "`decode` makes a token from those before it, and keeps what was computed for them");
  return (NcPiece){.axis = -1};
}

// ---- caches

// All axes but `axis` by the operand's own numbers; that one holds `op` of its index and the position.
NcNode *nc_upto(NcWalk *w, NcRange at, NcShape s, int axis, const char *op) {
  NcNode *i = nc_iota(w->to, at, (NcType){NC_I32, s}, axis);
  return nc_op2(w->to, at, op, i, nc_broadcast(w->to, at, w->position, s, NULL));
}

NcNode *nc_keep(NcWalk *w, NcRange at, NcType t, NcKept what) {
  what.name = nc_sprintf(w->arena, "%s.%d %s", w->prefix, w->cache.n, nc_type_str(w->arena, t));
  *NC_PUSH(w->arena, w->cache) = what;
  return nc_var(w->to, at, what.name, "cache", t);
}

static NcPiece cache(NcWalk *w, const NcNode *n, int axis) {
  NcPiece now = nc_row(w, n, axis);
  if (!now.node) return now;
  if (now.axis >= 0 && now.ahead == NC_GARBAGE) return nc_refused(w, n, "it holds values of later positions");
  int64_t axes[NC_MAX_RANK];
  for (int i = 0; i < NC_MAX_RANK; i++) axes[i] = i;
  NcNode *old = nc_keep(w, n->at, n->type, (NcKept){.node = n, .axis = axis});
  NcNode *here = nc_upto(w, n->at, n->type.shape, axis, "eq");
  NcNode *all = nc_op3(w->to, n->at, "select", here, nc_broadcast(w->to, n->at, now.node, n->type.shape, axes), old);
  nc_assign(w->to, n->at, old, all);
  if (n->type.shape.dim[axis] == 1) return nc_piece(all);      // the first position alone: never ahead
  return (NcPiece){.node = all, .axis = axis, .ahead = NC_GARBAGE};
}

static NcNode *copy_fixed(NcWalk *w, const NcNode *n);

// What movement alone makes of another value is not kept again: heads that share keys share their cache.
static NcPiece moved(NcWalk *w, const NcNode *n, bool *done) {
  static const char *const kinds[] = {"permute", "broadcast", "reshape"};
  *done = false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) *done = *done || strcmp(n->op->name, kinds[i]) == 0;
  unsigned in = *done ? w->time[n->in[0]->id] : 0;
  *done = *done && in && !(in & (in - 1)) && w->time[n->id];
  if (!*done) return nc_piece(NULL);
  NcPiece x = nc_whole(w, n->in[0]);
  if (!x.node) return x;
  x.node = nc_copy_node(w->to, n, &x.node);
  x.axis = __builtin_ctz(w->time[n->id]);
  return x;
}

NcPiece nc_whole(NcWalk *w, const NcNode *n) {
  NcPiece *memo = &w->whole[n->id];
  if (memo->node) return *memo;
  if (!w->depends[n->id]) return *memo = nc_piece(copy_fixed(w, n));
  bool done;
  NcPiece p = moved(w, n, &done);
  if (done) return *memo = p;
  unsigned t = w->time[n->id];
  if (t & NC_LOST) return nc_refused(w, n, "its positions do not lie along one axis any more");
  if (!t) return nc_refused(w, n, "it takes in positions that are still to come");
  if (t & (t - 1)) return nc_refused(w, n, "it depends on two positions at once");
  return *memo = cache(w, n, __builtin_ctz(t));
}

// A node that no token reaches, as it is.
static NcNode *copy_fixed(NcWalk *w, const NcNode *n) {
  NcNode *in[64], **list = n->nin <= 64 ? in : NC_NEW_N(w->arena, NcNode *, n->nin);
  for (int i = 0; i < n->nin; i++) {
    list[i] = nc_whole(w, n->in[i]).node;
    if (!list[i]) return NULL;
  }
  return nc_copy_node(w->to, n, list);
}

// ---- rows

NcNode *nc_at(NcWalk *w, const NcNode *n, NcNode *x, int axis, int64_t ahead) {
  if (!x) return NULL;
  NcNode *p = w->position;
  if (ahead) p = nc_op2(w->to, n->at, "add", p, nc_const(w->to, n->at, NC_I32, (double)ahead));
  return nc_gather(w->to, n->at, x, nc_reshape(w->to, n->at, p, NC_SHAPE(1)), axis);
}

NcPiece nc_row(NcWalk *w, const NcNode *n, int axis) {
  enum { DEEPEST = 5000 };   // what a stack of 8 MB holds easily
  NcPiece *memo = &w->row[(size_t)n->id * NC_MAX_RANK + (size_t)axis];
  if (memo->node) return *memo;
  if (w->depth == DEEPEST) {
    nc_error(w->to->diag, NC_E0106, n->at, "too many operations follow one another here to be taken one position at a time");
    return nc_piece(NULL);
  }
  w->depth++;
  *memo = nc_row_of(w, n, axis);
  w->depth--;
  return *memo;
}

// ---- what is known before: which nodes a token reaches, along which axes, and which are made of constants

static void analyse(NcWalk *w) {
  const NcGraph *g = w->from;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    bool var = strcmp(n->op->name, "var") == 0 || strcmp(n->op->name, "input") == 0 || strcmp(n->op->name, "random") == 0;
    w->depends[i] = n == w->input;
    w->fixed[i] = !var && n->op->eval;
    for (int k = 0; k < n->nin; k++) {
      w->depends[i] = w->depends[i] || w->depends[n->in[k]->id];
      w->fixed[i] = w->fixed[i] && w->fixed[n->in[k]->id];
    }
    w->time[i] = n == w->input ? 1u << 1 : w->depends[i] ? nc_time_of(w, n) : 0;
  }
}

static const double *value_of(NcWalk *w, const NcNode *n) {
  if (w->value[n->id]) return w->value[n->id];
  NcGraph view = *w->from;                     // nothing but this node and what it is made of
  view.effect.n = 0;
  view.output.n = view.output.cap = 0;
  nc_graph_output(&view, "value", (NcNode *)n);
  double **value = NC_NEW_N(w->arena, double *, view.node.n + 1);
  if (nc_eval(&view, w->to->diag, &(NcEvalOptions){.arena = w->arena}, value)) w->value[n->id] = value[n->id];
  return w->value[n->id];
}

bool nc_fixed_ahead(NcWalk *w, const NcNode *n, int t, int u, double *out) {
  enum { MOST = 1 << 26 };
  const NcShape *s = &n->type.shape;
  if (strcmp(n->op->name, "broadcast") == 0) {  // masks are small before they meet batch and heads
    const int64_t *axes = nc_attr_ints(n, "axes", NULL);
    int in[2] = {-1, -1};
    for (int i = 0; i < n->in[0]->type.shape.rank; i++)
      for (int k = 0; k < 2; k++)
        if (axes[i] == (k ? u : t) && n->in[0]->type.shape.dim[i] != 1) in[k] = i;
    return in[0] >= 0 && in[1] >= 0 && nc_fixed_ahead(w, n->in[0], in[0], in[1], out);
  }
  if (!w->fixed[n->id] || t == u || nc_count(*s) > MOST) return false;
  const double *v = value_of(w, n);
  if (!v) return false;
  int64_t stride[NC_MAX_RANK], count = nc_count(*s);
  nc_strides(*s, stride);
  bool any = false;
  for (int64_t i = 0; i < count; i++) {
    if (i / stride[u] % s->dim[u] <= i / stride[t] % s->dim[t]) continue;
    double x = v[i] <= -1e9 ? -INFINITY : v[i];          // masks by a large negative number: exp makes 0 of both
    if (any && !(x == *out)) return false;
    *out = x;
    any = true;
  }
  return any;
}

bool nc_advance(NcArena *a, const NcGraph *g, const char *input, NcNode *y, const char *prefix, NcAdvance *out) {
  int n = g->node.n;
  NcWalk w = {.arena = a, .from = g, .to = nc_graph_new(a, g->diag, "advance"), .prefix = prefix,
              .depends = NC_NEW_N(a, bool, n), .fixed = NC_NEW_N(a, bool, n), .time = NC_NEW_N(a, unsigned, n),
              .row = NC_NEW_N(a, NcPiece, (size_t)n * NC_MAX_RANK), .whole = NC_NEW_N(a, NcPiece, n),
              .turn = NC_NEW_N(a, NcNode **, n), .value = NC_NEW_N(a, double *, n)};
  for (int i = 0; i < n && !w.input; i++)
    if (strcmp(g->node.at[i]->op->name, "input") == 0 && strcmp(nc_attr_str(g->node.at[i], "name"), input) == 0)
      w.input = g->node.at[i];
  *out = (NcAdvance){0};
  if (!w.input || w.input->type.shape.rank != 2 || y->type.shape.rank < 2) {
    nc_error(g->diag, NC_E0213, y->at, "this does not depend on a sequence");
    return false;
  }
  w.length = w.input->type.shape.dim[1];
  w.position = nc_input(w.to, y->at, "position", (NcType){.dtype = NC_I32});
  analyse(&w);
  NcPiece p = nc_row(&w, y, 1);
  if (p.node && p.axis >= 0 && p.ahead == NC_GARBAGE) p = nc_refused(&w, y, "it holds values of later positions");
  if (!p.node) return false;
  NcShape s = {.rank = y->type.shape.rank - 1, .dim = {y->type.shape.dim[0]}};
  for (int i = 1; i < s.rank; i++) s.dim[i] = y->type.shape.dim[i + 1];
  nc_graph_output(w.to, "output", nc_reshape(w.to, y->at, p.node, s));
  out->graph = w.to;
  for (int i = 0; i < w.cache.n; i++) *NC_PUSH(a, out->cache) = w.cache.at[i];
  return g->diag->errors == 0 || nc_graph_find_output(w.to, "output") != NULL;
}
