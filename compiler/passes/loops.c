// Bodies of loops: each becomes regions with places in a plan of its own, by the passes that a whole graph goes through.
// The plan around it takes its steps and buffers over (gen/loop.c).
#include <string.h>
#include "passes/place.h"

typedef struct { NcState *s; const NcLoop *l; NcGraph *to; } Body;

// The same values at a place of their own: pointwise, so that whoever reads them too can make it on the way.
static NcNode *again(NcGraph *g, NcNode *n) {
  const NcAttr to = NC_ASTR("to", nc_dtype_name(n->type.dtype));
  return nc_node(g, nc_op("cast"), n->at, 1, &n, 1, &to);
}

static bool is_input(const NcNode *n, char role) {
  return strcmp(n->op->name, "input") == 0 && nc_attr_str(n, "name")[0] == role;
}

// Carries are variables. What moves with the turn gets a place of its own where it must be read as a whole.
static NcNode *rewrite(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  (void)ctx;
  if (is_input(old, 'c')) return nc_var(to, old->at, nc_attr_str(old, "name"), "state", old->type);
  for (int k = 0; k < old->nin; k++) {
    NcNode *base = nc_base(in[k]);
    if (nc_reads_whole(old, k) && (is_input(base, 'x') || is_input(base, 't')))
      in[k] = nc_reshape(to, old->at, again(to, base), in[k]->type.shape);
  }
  return NULL;
}

// Can the region of this node store what it computes at any place? Others write to a buffer as a whole.
static bool stores_anywhere(const NcNode *n) {
  switch (n->op->kind) {
  case NC_POINTWISE: case NC_MOVEMENT: case NC_REDUCE: case NC_DOT: case NC_CONV: return true;
  default: return strcmp(n->op->name, "random") == 0 || strcmp(n->op->name, "gather") == 0;
  }
}

static NcGraph *as_program(NcState *s, const NcLoop *l) {
  NcGraph *g = nc_graph_rewrite(l->body, s->arena, rewrite, NULL, NULL);
  if (!g) return NULL;
  for (int i = 0; i < l->ncarry; i++) {
    NcNode *next = nc_loop_output(g, 'c', i);
    NcNode *var = nc_var(g, next->at, nc_loop_name(s->arena, 'c', i), "state", next->type);
    if (next == var) continue;
    if (nc_is_leaf(nc_base(next)) || strcmp(nc_base(next)->op->name, "iota") == 0) next = again(g, next);
    nc_assign(g, next->at, var, next);
  }
  for (int i = 0; i < l->nemit; i++) {
    NcNode *y = nc_loop_output(g, 'y', i);
    if (!stores_anywhere(nc_base(y))) y = again(g, y);
    nc_assign(g, y->at, nc_var(g, y->at, nc_loop_name(s->arena, 'y', i), "state", y->type), y);
  }
  g->output.n = 0;
  return g;
}

static bool compile(NcState *s, NcLoopBody *b) {
  NcState inner = {.arena = s->arena, .diag = s->diag, .target = s->target, .options = s->options, .loop = &b->l};
  inner.graph = as_program(s, &b->l);
  static bool (*const passes[])(NcState *) = {nc_copies, nc_fuse, nc_recompute, nc_schedule, nc_loops, nc_memory};
  for (size_t i = 0; i < sizeof passes / sizeof *passes && inner.graph; i++)
    if (!passes[i](&inner)) return false;
  b->placement = inner.placement;
  if (!inner.graph) return false;
  return !s->options->verify || (nc_graph_verify(inner.graph, s->diag, "loops") &&
                                 nc_regions_verify(inner.regions, s->diag, "loops", true) &&
                                 nc_placement_verify(inner.placement, s->diag));
}

static void room(NcState *s, NcLoopBody *b) {
  const NcPlan *p = b->placement->plan;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_ROOT_ARENA) b->arenas += nc_round_up(p->buf.at[i].bytes, s->target->align);
  b->work = b->arenas;
  int results = b->l.ncarry + b->l.nemit;
  b->unread = NC_NEW_N(s->arena, size_t, results + 1);
  for (int i = 0; i < results; i++) {
    if (b->result[i]) continue;
    b->unread[i] = b->work;
    b->work += nc_round_up(nc_type_bytes(nc_loop_type(&b->l, i)), s->target->align);
  }
}

bool nc_loops(NcState *s) {
  for (int i = 0; i < s->regions->region.n; i++) {
    NcRegion *g = s->regions->region.at[i];
    if (g->kind != NC_REGION_LOOP) continue;
    NcLoopBody *b = g->body = NC_NEW(s->arena, NcLoopBody);
    nc_loop_of(g->anchor, &b->l);
    b->result = NC_NEW_N(s->arena, NcNode *, b->l.ncarry + b->l.nemit + 1);
    for (int k = 0; k < g->output.n; k++) b->result[nc_attr_int(g->output.at[k], "index")] = g->output.at[k];
    if (!compile(s, b)) return false;
    room(s, b);
  }
  return true;
}
