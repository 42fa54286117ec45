// A loop over the sequence, one turn at a time: its carries are kept from position to position, and begin anew at the
// first. That is what a recurrent network is.
#include <string.h>
#include "ops/advance_internal.h"
#include "ops/loop.h"

typedef struct { NcNode **carry, **element, **closed, *position; } Given;

static NcNode *given(void *ctx, char role, int i) {
  const Given *g = ctx;
  return role == 'c' ? g->carry[i] : role == 'x' ? g->element[i] : role == 'w' ? g->closed[i] : g->position;
}

// Whether turns are positions: whatever depends on tokens is scanned, along its positions alone.
static bool over_positions(const NcWalk *w, const NcNode *loop, NcLoop *l) {
  nc_loop_of(loop, l);
  bool good = !l->reverse && l->trips == w->length;
  for (int i = 0; i < loop->nin; i++) {
    bool scanned = i >= l->ncarry && i < l->ncarry + l->nscanned;
    unsigned t = w->time[loop->in[i]->id];
    good = good && (!w->depends[loop->in[i]->id] || (scanned && t == 1));
  }
  return good;
}

unsigned nc_time_loop(const NcWalk *w, const NcNode *n) {
  NcLoop l;
  if (strcmp(n->op->name, "loop") == 0) return 0;      // no value: its results are told one by one
  return over_positions(w, n->in[0], &l) && nc_attr_int(n, "index") >= l.ncarry ? 1u << 0 : NC_LOST;
}

// The carry before this position: the loop's first value at the first one, else what the position before left.
static NcNode *carried(NcWalk *w, const NcNode *start, NcNode **var) {
  NcNode *first = nc_whole(w, start).node;
  NcNode *zero = nc_op2(w->to, start->at, "eq", w->position, nc_const(w->to, start->at, NC_I32, 0));
  *var = nc_keep(w, start->at, start->type, (NcKept){0});
  return nc_op3(w->to, start->at, "select", nc_broadcast(w->to, start->at, zero, start->type.shape, NULL), first, *var);
}

static NcNode *element(NcWalk *w, const NcNode *x) {
  NcPiece row = nc_row(w, x, 0);
  NcShape s = {.rank = x->type.shape.rank - 1};
  for (int i = 0; i < s.rank; i++) s.dim[i] = x->type.shape.dim[i + 1];
  if (row.node && nc_is_garbage(row)) row = nc_refused(w, x, "it holds values of later positions");
  return nc_reshape(w->to, x->at, row.node, s);
}

static NcNode **turn(NcWalk *w, const NcNode *loop, const NcLoop *l) {
  if (w->turn[loop->id]) return w->turn[loop->id];
  NcNode **map = NC_NEW_N(w->arena, NcNode *, l->body->node.n), **var = NC_NEW_N(w->arena, NcNode *, l->ncarry + 1);
  Given g = {NC_NEW_N(w->arena, NcNode *, l->ncarry + 1), NC_NEW_N(w->arena, NcNode *, l->nscanned + 1),
             NC_NEW_N(w->arena, NcNode *, l->nclosed + 1), w->position};
  for (int i = 0; i < loop->nin; i++) {
    int x = i - l->ncarry, c = x - l->nscanned;
    NcNode *n = i < l->ncarry ? carried(w, loop->in[i], &var[i]) : c < 0 ? element(w, loop->in[i]) : nc_whole(w, loop->in[i]).node;
    if (!n) return NULL;
    *(i < l->ncarry ? &g.carry[i] : c < 0 ? &g.element[x] : &g.closed[c]) = n;
  }
  if (!nc_loop_place(w->to, l->body, given, &g, map)) return NULL;
  for (int i = 0; i < l->ncarry; i++)
    nc_assign(w->to, loop->at, var[i], map[nc_loop_output(l->body, 'c', i)->id]);
  return w->turn[loop->id] = map;
}

NcPiece nc_turn_row(NcWalk *w, const NcNode *n, int axis) {
  NcLoop l;
  const NcNode *loop = n->in[0];
  int i = (int)nc_attr_int(n, "index");
  if (!w->depends[n->id]) return nc_piece(nc_at(w, n, nc_whole(w, n).node, axis, 0));
  if (!over_positions(w, loop, &l) || axis != 0)
    return nc_refused(w, n, "its loop does not go along the positions, from the first to the last");
  if (i < l.ncarry) return nc_refused(w, n, "it is known after the last position only");
  NcNode **map = turn(w, loop, &l);
  if (!map) return nc_piece(NULL);
  NcShape s = n->type.shape;
  s.dim[0] = 1;
  return nc_piece(nc_reshape(w->to, n->at, map[nc_loop_output(l.body, 'y', i - l.ncarry)->id], s));
}
