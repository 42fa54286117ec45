// Bodies of loops: each becomes regions with places in a plan of its own, by the passes that a whole graph goes through.
// The plan around it takes its steps and buffers over (gen/loop.c).
#include <string.h>
#include "gen/gen.h"
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

static NcGraph *as_program(NcState *s, const NcLoop *l, const NcGraph *body) {
  NcGraph *g = nc_graph_rewrite(body, s->arena, rewrite, NULL, NULL);
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

// `body`: that of the loop, or that of a slice.
static bool compile(NcState *s, NcLoopBody *b, const NcGraph *body, const NcTarget *t) {
  NcState inner = {.arena = s->arena, .diag = s->diag, .target = t, .options = s->options, .loop = &b->l};
  inner.graph = as_program(s, &b->l, body);
  static bool (*const passes[])(NcState *) = {nc_copies, nc_fuse, nc_recompute, nc_schedule, nc_loops, nc_memory};
  for (size_t i = 0; i < sizeof passes / sizeof *passes && inner.graph; i++)
    if (!passes[i](&inner)) return false;
  b->placement = inner.placement;
  if (!inner.graph) return false;
  return !s->options->verify || (nc_graph_verify(inner.graph, s->diag, "loops") &&
                                 nc_regions_verify(inner.regions, s->diag, "loops", true) &&
                                 nc_placement_verify(inner.placement, s->diag));
}

// ---- One launch for all turns

// What a launch costs beside its work, as arithmetic: 20 µs in which the other cores wait to be woken, at 50 GFLOP/s.
#define LAUNCH 1e6
// What reading weights costs a slice, as rows of arithmetic with them.
enum { WEIGHTS = 4 };

// The time of a turn on one core; slices that are more than the cores come one after the other.
static double time_of_slices(const NcTarget *t, int64_t parts, int64_t rows, double flops) {
  int64_t each = (parts + t->compute_units - 1) / t->compute_units;
  return (double)each * flops / (double)parts * (1 + (double)WEIGHTS * (double)(parts - 1) / (double)rows);
}

// As many as the first carry has rows at most.
static int64_t rows_of(const NcLoop *l) {
  NcShape s = l->ncarry ? nc_loop_type(l, 0).shape : NC_SCALAR;
  for (int i = 0; i < s.rank; i++)
    if (s.dim[i] != 1) return s.dim[i];
  return 1;
}

static int64_t best_parts(const NcTarget *t, int64_t rows, double flops) {
  int64_t best = 1;
  for (int64_t n = 2; n <= rows && n <= 4 * (int64_t)t->compute_units; n++)
    if (rows % n == 0 && time_of_slices(t, n, rows, flops) < time_of_slices(t, best, rows, flops)) best = n;
  return best;
}

// Whether a work-item for each slice does, and is quicker than launches that all cores share. Then the body is compiled so.
// Who wants no fusion wants to see each value of each turn: the hunt for a NaN.
static void by_slices(NcState *s, NcLoopBody *b) {
  NcTurnCost cost, slice;
  if (s->target->cls != NC_CLASS_CPU || s->options->no_fuse || s->loop || !nc_loop_in_one(b->placement, s->options, &cost)) return;
  NcPlacement *whole = b->placement;
  NcTarget *one = NC_NEW(s->arena, NcTarget);
  *one = *s->target;
  one->compute_units = 1;
  int64_t rows = rows_of(&b->l), parts = best_parts(s->target, rows, cost.flops);
  const NcGraph *body = b->l.body;
  if (parts > 1 && !(body = nc_loop_slice(s->arena, &b->l, parts))) body = b->l.body, parts = 1;
  double apart = cost.flops / s->target->compute_units + LAUNCH * cost.launches;
  bool quicker = time_of_slices(s->target, parts, rows, cost.flops) < apart;
  if (quicker && compile(s, b, body, one) && nc_loop_in_one(b->placement, s->options, &slice)) b->parts = parts, b->ahead = slice.ahead;
  else b->placement = whole;
}

static void room(NcState *s, NcLoopBody *b) {
  const NcPlan *p = b->placement->plan;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_ROOT_ARENA) b->arenas += nc_round_up(p->buf.at[i].bytes, s->target->align);
  b->arenas += b->ahead;
  b->work = b->arenas * (size_t)(b->parts ? b->parts : 1);
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
    if (!compile(s, b, b->l.body, s->target)) return false;
    by_slices(s, b);
    room(s, b);
  }
  return true;
}
