#include "passes/flow.h"
#include <string.h>

static bool is_op(const NcNode *n, const char *name) { return strcmp(n->op->name, name) == 0; }

bool nc_is_literal(const NcNode *n) { return is_op(n, "const") && nc_attr(n, "value"); }

bool nc_is_leaf(const NcNode *n) {
  return n->op->kind == NC_LEAF && (is_op(n, "input") || is_op(n, "var") || (is_op(n, "const") && !nc_is_literal(n)));
}

bool nc_is_free(const NcNode *n) { return n->op->kind == NC_MOVEMENT || is_op(n, "iota") || nc_is_literal(n); }

NcNode *nc_base(NcNode *n) {
  while (is_op(n, "reshape")) n = n->in[0];
  return n;
}

bool nc_reads_whole(const NcNode *n, int operand) {
  switch (n->op->kind) {
  case NC_CUMULATIVE: case NC_SORT: case NC_DOT: case NC_CONV: case NC_POOL: return true;
  case NC_ATTENTION: return operand < (is_op(n, "attention") ? 3 : 6);     // not the bias
  case NC_CONTROL: return is_op(n, "loop");
  case NC_INDEX: return operand == 0 || is_op(n, "scatter_add");
  default: return false;
  }
}

static void require(NcFlow *f, NcNode *n) {
  n = nc_base(n);
  f->required[n->id] = true;
  if (nc_is_free(n)) f->core[n->id] = true;
}

static int more(int a, int b) { return a > b ? a : b; }

// Sizes of 1 in or out change no index.
static bool splits(const NcNode *reshape) {
  NcShape s[2] = {reshape->in[0]->type.shape, reshape->type.shape};
  int at[2] = {0, 0};
  for (;; at[0]++, at[1]++) {
    for (int k = 0; k < 2; k++)
      while (at[k] < s[k].rank && s[k].dim[at[k]] == 1) at[k]++;
    if (at[0] == s[0].rank || at[1] == s[1].rank) return at[0] != s[0].rank || at[1] != s[1].rank;
    if (s[0].dim[at[0]] != s[1].dim[at[1]]) return true;
  }
}

// The free nodes behind n, and n itself; where they become too many, it must lie in memory.
static void chain(NcFlow *f, NcNode *n) {
  enum { MOST = 64, MOST_GUARDS = 8, MOST_RESHAPES = 4 };
  NcChain *c = &f->chain[n->id];
  for (int k = 0; k < n->nin; k++) {
    const NcChain *in = &f->chain[n->in[k]->id];
    if (f->core[n->in[k]->id] || !nc_is_free(n->in[k])) continue;
    *c = (NcChain){more(c->all, in->all), more(c->guards, in->guards), more(c->reshapes, in->reshapes)};
  }
  if (!nc_is_free(n)) return;
  c->reshapes += is_op(n, "reshape") && c->all && splits(n);
  c->guards += is_op(n, "pad") || is_op(n, "concat");
  c->all++;
  if (c->all <= MOST && c->guards <= MOST_GUARDS && c->reshapes <= MOST_RESHAPES) return;
  require(f, n);
  *c = (NcChain){0};
}

static void mark(NcFlow *f) {
  NcGraph *g = f->graph;
  for (int i = 0; i < g->node.n; i++) {
    NcNode *n = g->node.at[i];
    f->core[i] |= !nc_is_free(n) && !nc_is_leaf(n) && n->op->kind != NC_EFFECT;
    chain(f, n);
    for (int k = 0; k < n->nin; k++)
      if (nc_reads_whole(n, k)) require(f, n->in[k]);
  }
  for (int i = 0; i < g->output.n; i++) require(f, g->output.at[i].node);
  for (int i = 0; i < g->effect.n; i++) require(f, g->effect.at[i]->in[1]);
}

// Sizes of 1 do not count: is the result's index, but for its last axes, the operand's? Then *len is the size of those.
static bool repeats_rows(const NcNode *b, int64_t *len) {
  NcShape in = b->in[0]->type.shape, out = b->type.shape;
  const int64_t *axes = nc_attr_ints(b, "axes", NULL);
  int o = 0;
  for (int i = 0; i < in.rank; i++) {
    if (in.dim[i] == 1) continue;
    while (o < out.rank && out.dim[o] == 1) o++;
    if (o != axes[i]) return false;
    o++;
  }
  *len = 1;
  for (; o < out.rank; o++) *len *= out.dim[o];
  return true;
}

static void add_read(NcFlow *f, NcNode *reader, NcRead r) {
  NcReads *reads = &f->reads[reader->id];
  for (int i = 0; i < reads->at.n; i++) {
    NcRead *o = &reads->at.at[i];
    if (o->from == r.from && o->path == r.path && o->len == r.len && o->buffer == r.buffer) return;
  }
  *NC_PUSH(f->arena, reads->at) = r;
  NcNodes *back = &f->readers[r.from->id];
  if (!back->at.n || back->at.at[back->at.n - 1] != reader) *NC_PUSH(f->arena, back->at) = reader;
}

// One walk from a reader back through free nodes. A node is visited once for each way of reaching it; there
// are few: moved is the same however it was moved.
typedef struct { NcNode *n; NcPathKind path; int64_t len; } Visit;
typedef struct { NcFlow *flow; NcNode *reader; NC_VEC(Visit) seen; } Walk;

static void walk(Walk *w, NcNode *n, NcPathKind path, int64_t len, bool buffer) {
  if (w->flow->core[n->id] || nc_is_leaf(n)) {
    add_read(w->flow, w->reader, (NcRead){n, path, path == NC_PATH_ROWS ? len : 1, buffer});
    return;
  }
  for (int i = 0; i < w->seen.n; i++)
    if (w->seen.at[i].n == n && w->seen.at[i].path == path && w->seen.at[i].len == len) return;
  *NC_PUSH(w->flow->arena, w->seen) = (Visit){n, path, len};
  int64_t rows = 1;
  if (is_op(n, "reshape")) {
    walk(w, n->in[0], path, len, buffer);
    return;
  }
  if (path != NC_PATH_MOVED && is_op(n, "broadcast") && repeats_rows(n, &rows)) {
    len *= rows;
    walk(w, n->in[0], len == 1 ? NC_PATH_DIRECT : NC_PATH_ROWS, len, buffer);
    return;
  }
  for (int k = 0; k < n->nin; k++) walk(w, n->in[k], NC_PATH_MOVED, 1, buffer);
}

// How a core node's own indices relate to those of an operand, before any free node: the same for most (a reduction
// counts in its operand's indices).
static NcPathKind start(const NcNode *n, int operand, int64_t *len) {
  *len = 1;
  if (nc_is_free(n)) return NC_PATH_MOVED;   // a movement that must be in memory
  if (n->op->kind == NC_ATTENTION) return NC_PATH_MOVED;
  bool index = is_op(n, "gather") && operand == 1;
  if (!index && !is_op(n, "random")) return NC_PATH_DIRECT;
  if (index && !nc_attr(n, "batch"))
    for (int64_t i = 0, axis = nc_attr_int(n, "axis"); i < axis; i++)
      if (n->in[0]->type.shape.dim[i] != 1) return NC_PATH_MOVED;
  *len = nc_count(n->type.shape) / nc_count(n->in[operand]->type.shape);
  return *len == 1 ? NC_PATH_DIRECT : NC_PATH_ROWS;
}

NcFlow *nc_flow_new(NcArena *a, NcGraph *g) {
  NcFlow *f = NC_NEW(a, NcFlow);
  int n = g->node.n;
  *f = (NcFlow){a, g, NC_NEW_N(a, bool, n + 1), NC_NEW_N(a, bool, n + 1), NC_NEW_N(a, NcChain, n + 1), NC_NEW_N(a, NcReads, n + 1),
                NC_NEW_N(a, NcNodes, n + 1)};
  mark(f);
  for (int i = 0; i < n; i++) {
    if (!f->core[i]) continue;
    Walk w = {.flow = f, .reader = g->node.at[i]};
    for (int k = 0; k < w.reader->nin; k++) {
      int64_t len;
      NcPathKind path = start(w.reader, k, &len);
      walk(&w, w.reader->in[k], path, len, nc_reads_whole(w.reader, k));
    }
  }
  return f;
}
