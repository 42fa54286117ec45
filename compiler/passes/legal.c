// What may be fused: the rules of region.h, and no cycles.
#include "passes/cluster.h"
#include <string.h>

// The two sides of a cluster with reductions: FULL, what is reduced, and RESULT, what comes out. Others have only the
// latter.
typedef enum { RESULT, FULL } Side;

// Regions that take further pointwise members after their anchor.
static bool takes_map(NcRegionKind k) {
  switch (k) {
  case NC_REGION_MAP: case NC_REGION_ROW: case NC_REGION_REDUCE: case NC_REGION_DOT: case NC_REGION_CONV:
  case NC_REGION_CONV_WEIGHT: case NC_REGION_POOL: case NC_REGION_POOL_GRAD: return true;
  default: return false;
  }
}

static bool same_reduction(const NcCluster *a, const NcCluster *b) {
  if (a->result != b->result || a->full != b->full) return false;
  if (a->kind == NC_REGION_ROW) return true;
  int na, nb;
  const int64_t *x = nc_attr_ints(a->anchor, "axes", &na), *y = nc_attr_ints(b->anchor, "axes", &nb);
  return nc_shape_eq(a->anchor->in[0]->type.shape, b->anchor->in[0]->type.shape) && na == nb &&
         memcmp(x, y, (size_t)na * sizeof *x) == 0;
}

// The same attention: its value and its stat, or its gradients toward k and v.
static bool same_attention(const NcNode *a, const NcNode *b) {
  if (a->op != b->op || a->nin != b->nin || a->attr[0].s == b->attr[0].s) return false;
  bool grad = strcmp(a->op->name, "attention_grad") == 0;
  if (grad && (*nc_attr_str(a, "toward") == 'q' || *nc_attr_str(b, "toward") == 'q')) return false;
  for (int i = 0; i < a->nin; i++)
    if (a->in[i] != b->in[i]) return false;
  return nc_attr_int(a, "causal") == nc_attr_int(b, "causal") && nc_attr_float(a, "scale") == nc_attr_float(b, "scale");
}

// The cluster that the two would be, without its nodes; false when no region can be both.
static bool united(const NcCluster *a, const NcCluster *b, NcCluster *out) {
  if (a->kind == NC_REGION_ATTENTION && b->kind == NC_REGION_ATTENTION) {
    *out = *a;
    return a->node.n == 1 && b->node.n == 1 && same_attention(a->anchor, b->anchor);
  }
  if (a->closed || b->closed || a->update != b->update || !takes_map(a->kind) || !takes_map(b->kind)) return false;
  if (a->kind == NC_REGION_MAP) {
    const NcCluster *swap = a;
    a = b;
    b = swap;
  }
  *out = *a;
  if (b->kind == NC_REGION_MAP) return b->full == a->full || b->full == a->result;
  return a->kind == b->kind && (a->kind == NC_REGION_ROW || a->kind == NC_REGION_REDUCE) && same_reduction(a, b);
}

static Side side(const NcCluster *u, const NcNode *n) {
  if (u->full == u->result || n->op->kind == NC_REDUCE) return RESULT;
  return nc_count(n->type.shape) == u->full ? FULL : RESULT;
}

static bool read_ok(const NcCluster *u, const NcNode *reader, const NcRead *r) {
  if (r->buffer) return false;
  Side at = reader->op->kind == NC_REDUCE ? FULL : side(u, reader), from = side(u, r->from);
  if (at == from) return r->path == NC_PATH_DIRECT;
  return at == FULL && u->kind == NC_REGION_ROW && r->path == NC_PATH_ROWS && r->len == u->full / u->result;
}

// All values that flow between a and b.
static bool reads_ok(const NcClusters *c, const NcCluster *u, const NcCluster *reader, const NcCluster *from) {
  for (int i = 0; i < reader->node.n; i++) {
    const NcReads *r = &c->flow->reads[reader->node.at[i]->id];
    for (int k = 0; k < r->at.n; k++)
      if (c->of[r->at.at[k].from->id] == from && !read_ok(u, reader->node.at[i], &r->at.at[k])) return false;
  }
  return true;
}

// What a REDUCE computes before its reduction stays in registers: nothing else may want it. A template's epilogue
// has no such side.
static bool prologue_private(const NcClusters *c, const NcCluster *u, const NcCluster *a, const NcCluster *b) {
  if (u->kind != NC_REGION_REDUCE) return true;
  const NcCluster *part[2] = {a, b};
  for (int p = 0; p < 2; p++)
    for (int i = 0; i < part[p]->node.n; i++) {
      const NcNode *n = part[p]->node.at[i];
      if (side(u, n) != FULL) continue;
      if (c->flow->required[n->id]) return false;
      const NcNodes *readers = &c->flow->readers[n->id];
      for (int k = 0; k < readers->at.n; k++) {
        const NcCluster *o = c->of[readers->at.at[k]->id];
        if (o != a && o != b) return false;
      }
    }
  return true;
}

// Can `to` be reached from `from` by going through other clusters?
static bool reaches(NcClusters *c, NcCluster *from, const NcCluster *to) {
  int n = 0;
  from->mark = c->reached = ++c->search;
  c->stack[n++] = from;
  while (n) {
    const NcCluster *at = c->stack[--n];
    for (int i = 0; i < at->node.n; i++) {
      const NcNodes *readers = &c->flow->readers[at->node.at[i]->id];
      for (int k = 0; k < readers->at.n; k++) {
        NcCluster *o = c->of[readers->at.at[k]->id];
        if (o == to && at != from) return true;
        if (o->rank >= to->rank || o->mark == c->reached) continue;
        o->mark = c->reached;
        c->stack[n++] = o;
      }
    }
  }
  return false;
}

static bool cyclic(NcClusters *c, NcCluster *a, NcCluster *b) { return a->rank < b->rank ? reaches(c, a, b) : reaches(c, b, a); }

// Between the two ranks: first what does not follow from the earlier one, then the two as one, then what does.
void nc_cluster_reorder(NcClusters *c, NcCluster *into, NcCluster *from) {
  int lo = into->rank < from->rank ? into->rank : from->rank, hi = into->rank + from->rank - lo, at = lo, after = 0;
  NcCluster **behind = c->order + c->count;   // its second half is scratch
  for (int i = lo; i <= hi; i++) {
    NcCluster *k = c->order[i];
    if (k == into || k == from) continue;
    if (k->node.n && k->mark == c->reached) behind[after++] = k;
    else c->order[at++] = k;
  }
  c->order[at++] = into;
  for (int i = 0; i < after; i++) c->order[at++] = behind[i];
  c->order[at] = from;
  for (int i = lo; i <= hi; i++) c->order[i]->rank = i;
}

// Kernels have a limited number of arguments, and so many values in flight leave no registers.
enum { MAX_NODES = 256, MAX_BUFFERS = 40 };

static int buffers(NcClusters *c, const NcCluster *a, const NcCluster *b) {
  const NcCluster *part[2] = {a, b};
  int n = 0;
  c->search++;
  for (int p = 0; p < 2; p++)
    for (int i = 0; i < part[p]->node.n; i++) {
      const NcReads *r = &c->flow->reads[part[p]->node.at[i]->id];
      n += nc_cluster_in_memory(c, part[p]->node.at[i]);
      for (int k = 0; k < r->at.n; k++) {
        int from = r->at.at[k].from->id;
        if (c->of[from] == a || c->of[from] == b || c->seen[from] == c->search) continue;
        c->seen[from] = c->search;
        n++;
      }
    }
  return n;
}

bool nc_cluster_in_memory(const NcClusters *c, const NcNode *n) {
  if (c->flow->required[n->id]) return true;
  const NcNodes *readers = &c->flow->readers[n->id];
  for (int k = 0; k < readers->at.n; k++)
    if (c->of[readers->at.at[k]->id] != c->of[n->id]) return true;
  return false;
}

// What is computed again must be so late: not with what it is computed from, nor beside what else reads that.
static bool late_enough(const NcClusters *c, const NcCluster *a, const NcCluster *b) {
  const NcCluster *part[2] = {a, b};
  bool same = a->again == b->again, flows = false;
  for (int p = 0; p < 2 && (a->again || b->again); p++)
    for (int i = 0; i < part[p]->node.n; i++) {
      const NcNode *n = part[p]->node.at[i];
      const NcReads *r = &c->flow->reads[n->id];
      for (int k = 0; k < r->at.n; k++) {
        if (c->of[r->at.at[k].from->id] != part[!p]) continue;
        flows = true;
        if (n->again && n->again != r->at.at[k].from->again) return false;
      }
    }
  return same || flows;
}

bool nc_cluster_legal(NcClusters *c, NcCluster *a, NcCluster *b) {
  NcCluster u;
  return late_enough(c, a, b) && united(a, b, &u) && reads_ok(c, &u, a, b) && reads_ok(c, &u, b, a) && prologue_private(c, &u, a, b) &&
         a->node.n + b->node.n <= MAX_NODES && !cyclic(c, a, b) && buffers(c, a, b) <= MAX_BUFFERS;
}
