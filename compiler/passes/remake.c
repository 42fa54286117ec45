// Remake: where memory is short, a training step keeps what its gradients read of the forward part only at some borders. Between
// two borders, in a stretch, values are computed again when the gradients get there (activation checkpointing, as in Chen et al.,
// "Training deep nets with sublinear memory cost", 2016). The last stretch is kept: its gradients follow at once.
//
// The forward part is what the graph's outputs are computed from: loss and metrics. It is cut in the order of its nodes, where
// little is handed on. Equal nodes of a graph are one node, so what is computed again reads its stretch's beginnings through
// reshapes to the shape that they have, which cost nothing; simplify, which would drop them, has run.
#include <string.h>
#include "passes/passes.h"

typedef struct {
  NcArena *arena;
  NcGraph *g;
  NcFlow *flow;
  bool *forward;           // by node id: an output is computed from it
  int *stretch;            // by node id of the forward part
  bool *kept;              // by node id: stays in memory, whoever reads it
  bool *wanted;            // by node id: of the forward part, computed again
  NcNode **again;          // by node id: what takes its place for gradients, in the new graph
  NcNode **start;          // by node id of what is kept: the reshape of it, in the new graph
  NcNode **map;            // by node id: in the new graph
  bool *made;              // by stretch
  int stretches, makes;    // how many there are, and how many were made again
} Remake;

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

static int64_t bytes(const NcNode *n) { return (int64_t)nc_type_bytes(n->type); }

static bool computed(const Remake *x, const NcNode *n) { return x->forward[n->id] && n->op->kind != NC_LEAF; }

static bool for_gradients(const Remake *x, const NcNode *n) {
  const NcNodes *readers = &x->flow->readers[n->id];
  for (int i = 0; i < readers->at.n; i++)
    if (!x->forward[readers->at.at[i]->id]) return true;
  return false;
}

// The last node of the forward part that reads n, seen through movement; n itself where none does.
static int last_reader(const Remake *x, const NcNode *n) {
  const NcNodes *readers = &x->flow->readers[n->id];
  int last = n->id;
  for (int i = 0; i < readers->at.n; i++) {
    const int id = readers->at.at[i]->id;
    if (x->forward[id] && id > last) last = id;
  }
  return last;
}

static void find_forward(Remake *x) {
  const NcGraph *g = x->g;
  for (int i = 0; i < g->output.n; i++) x->forward[g->output.at[i].node->id] = true;
  for (int i = g->node.n - 1; i >= 0; i--)
    for (int k = 0; x->forward[i] && k < g->node.at[i]->nin; k++) x->forward[g->node.at[i]->in[k]->id] = true;
}

// Sums of bytes over the order of nodes. saved[i]: read by gradients, of the nodes before i. crossing[i]: handed on from these to
// the forward part's nodes from i on.
static void weigh(const Remake *x, int64_t *saved, int64_t *crossing) {
  for (int i = 0; i < x->g->node.n; i++) {
    const NcNode *n = x->g->node.at[i];
    const bool counts = computed(x, n) && x->flow->core[i];
    const bool read = counts && for_gradients(x, n);
    const int64_t weight = bytes(n) + !read;                // of equals rather what gradients read themselves
    saved[i + 1] = saved[i] + (read ? bytes(n) : 0);
    if (!counts) continue;
    crossing[i + 1] += weight;
    crossing[last_reader(x, n) + 1] -= weight;
  }
  for (int i = 0; i < x->g->node.n; i++) crossing[i + 1] += crossing[i];
}

// Borders share what is saved into equal parts, give or take half of one, and lie where least is handed on.
static void cut(Remake *x, const int64_t *saved, const int64_t *crossing) {
  const int n = x->g->node.n;
  const double part = (double)saved[n] / x->stretches;
  int at = 0;
  for (int s = 0; s < x->stretches; s++) {
    int border = n;
    for (int i = at + 1; s + 1 < x->stretches && i < n; i++) {
      if ((double)saved[i] < part * (s + 0.5)) continue;
      if ((double)saved[i] > part * (s + 1.5)) break;
      if (border == n || crossing[i] < crossing[border]) border = i;
    }
    if (border == n && s + 1 < x->stretches) continue;      // one large value: it is in the next stretch
    for (; at < border; at++) x->stretch[at] = s;
  }
  for (int i = 0; i < n; i++)                               // a loop is no value that could be handed on: its results are
    if (is(x->g->node.at[i], "loop_out")) x->stretch[i] = x->stretch[x->g->node.at[i]->in[0]->id];
}

// Handed on to a later stretch; or a sum over much, which is small beside what it is computed from.
static bool stays(const Remake *x, const NcNode *n) {
  enum { SMALL = 64 };
  if (!computed(x, n) || !x->flow->core[n->id]) return false;
  if (x->stretch[last_reader(x, n)] > x->stretch[n->id]) return true;
  return n->op->kind == NC_REDUCE && bytes(n) * SMALL <= bytes(n->in[0]);
}

static bool anew(const Remake *x, const NcNode *n) { return computed(x, n) && !x->kept[n->id]; }

// Gradients stand in the last stretch, behind the loss. Running statistics are made within theirs, of what is there then.
static bool reads_again(const Remake *x, const NcNode *reader, const NcNode *n) {
  return !x->forward[reader->id] && x->stretch[n->id] < x->stretch[reader->id];
}

// What gradients read of all stretches but the last, and behind it all that is not kept.
static void want(Remake *x) {
  for (int i = 0; i < x->g->node.n; i++) {
    const NcNode *n = x->g->node.at[i];
    for (int k = 0; k < n->nin; k++) x->wanted[n->in[k]->id] |= reads_again(x, n, n->in[k]) && anew(x, n->in[k]);
  }
  for (int i = x->g->node.n - 1; i >= 0; i--) {
    const NcNode *n = x->g->node.at[i];
    for (int k = 0; x->wanted[i] && k < n->nin; k++)
      x->wanted[n->in[k]->id] |= anew(x, n->in[k]) && x->stretch[n->in[k]->id] == x->stretch[i];
  }
}

// Where a stretch begins: the value of the forward part, behind a reshape. Variables and tables are read as they are.
static NcNode *beginning(Remake *x, NcGraph *to, const NcNode *old) {
  if (old->op->kind == NC_LEAF && !is(old, "input")) return x->map[old->id];
  if (x->start[old->id]) return x->start[old->id];
  const NcAttr shape = NC_AINTS("shape", old->type.shape.dim, old->type.shape.rank);
  return x->start[old->id] = nc_node(to, nc_op("reshape"), old->at, 1, &x->map[old->id], 1, &shape);
}

static bool make(Remake *x, NcGraph *to, int stretch) {
  x->made[stretch] = true;
  x->makes++;
  NC_VEC(NcNode *) in = {0};
  for (int i = 0; i < x->g->node.n; i++) {
    const NcNode *n = x->g->node.at[i];
    if (!x->wanted[i] || x->stretch[i] != stretch) continue;
    in.n = 0;
    for (int k = 0; k < n->nin; k++) {
      const int id = n->in[k]->id;
      const bool inside = x->wanted[id] && x->stretch[id] == stretch;
      *NC_PUSH(x->arena, in) = inside ? x->again[id] : beginning(x, to, n->in[k]);
    }
    NcNode *copy = x->again[i] = nc_copy_node(to, n, in.at);
    if (!copy) return false;
    if (copy != x->map[i]) copy->again = x->makes;      // what reads variables alone is the same node
  }
  return true;
}

static NcNode *rewrite(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  Remake *x = ctx;
  bool any = false;
  for (int k = 0; k < old->nin; k++) {
    const int id = old->in[k]->id;
    if (!x->wanted[id] || !reads_again(x, old, old->in[k])) continue;
    if (!x->made[x->stretch[id]] && !make(x, to, x->stretch[id])) return NULL;
    in[k] = x->again[id];
    any = true;
  }
  return any ? nc_copy_node(to, old, in) : NULL;
}

bool nc_remake(NcState *s) {
  NcGraph *g = s->graph;
  const int n = g->node.n + 1, stretches = s->stretches < n ? s->stretches : n;
  if (stretches < 2) return true;
  NcArena *a = s->arena;
  Remake x = {a, g, nc_flow_new(a, g), NC_NEW_N(a, bool, n), NC_NEW_N(a, int, n), NC_NEW_N(a, bool, n), NC_NEW_N(a, bool, n),
              NC_NEW_N(a, NcNode *, n), NC_NEW_N(a, NcNode *, n), NC_NEW_N(a, NcNode *, n), NC_NEW_N(a, bool, stretches), stretches};
  int64_t *saved = NC_NEW_N(a, int64_t, n), *crossing = NC_NEW_N(a, int64_t, n);
  find_forward(&x);
  weigh(&x, saved, crossing);
  cut(&x, saved, crossing);
  for (int i = 0; i < g->node.n; i++) x.kept[i] = stays(&x, g->node.at[i]);
  want(&x);
  s->graph = nc_graph_rewrite(g, a, rewrite, &x, x.map);
  return s->graph != NULL;
}
