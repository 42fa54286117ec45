// The body of a loop among the nodes of another graph: once, or turn after turn.
#include <stdlib.h>
#include "ops/loop.h"
#include "ops/rows.h"

bool nc_loop_place(NcGraph *g, const NcGraph *body, NcLoopFind *find, void *ctx, NcNode **map) {
  NC_VEC(NcNode *) in = {0};
  for (int i = 0; i < body->node.n; i++) {
    const NcNode *n = body->node.at[i];
    in.n = 0;
    for (int k = 0; k < n->nin; k++) *NC_PUSH(g->arena, in) = map[n->in[k]->id];
    const char *name = n->op == &nc_row_input ? nc_attr_str(n, "name") : NULL;
    map[i] = name ? find(ctx, *name, *name == 't' ? 0 : atoi(name + 1)) : nc_copy_node(g, n, in.at);
    if (!map[i]) return false;
  }
  return true;
}

typedef struct { NcGraph *g; NcRange at; const NcLoop *l; NcNode *const *in; NcNode **carry; int64_t turn, place; } Turn;

static NcNode *element(Turn *t, int i) {
  NcNode *x = t->in[t->l->ncarry + i];
  NcShape s = x->type.shape, r = {.rank = s.rank - 1};
  int64_t start[NC_MAX_RANK] = {t->place}, step[NC_MAX_RANK];
  for (int k = 0; k < s.rank; k++) step[k] = 1;
  for (int k = 0; k < r.rank; k++) r.dim[k] = s.dim[k + 1];
  s.dim[0] = 1;
  return nc_reshape(t->g, t->at, nc_slice(t->g, t->at, x, start, s.dim, step), r);
}

static NcNode *find(void *ctx, char role, int i) {
  Turn *t = ctx;
  switch (role) {
  case 'c': return t->carry[i];
  case 'x': return element(t, i);
  case 'w': return t->in[t->l->ncarry + t->l->nscanned + i];
  default: return nc_const(t->g, t->at, NC_I32, (double)t->turn);
  }
}

bool nc_loop_unroll(NcGraph *g, NcRange at, const NcLoop *l, NcNode *const *in, NcNode **out) {
  NcNode **carry = NC_NEW_N(g->arena, NcNode *, l->ncarry + 1), **map = NC_NEW_N(g->arena, NcNode *, l->body->node.n + 1);
  NcNode **emit = NC_NEW_N(g->arena, NcNode *, (l->nemit + 1) * l->trips);
  for (int i = 0; i < l->ncarry; i++) carry[i] = in[i];
  for (int64_t t = 0; t < l->trips; t++) {
    Turn turn = {g, at, l, in, carry, t, l->reverse ? l->trips - 1 - t : t};
    if (!nc_loop_place(g, l->body, find, &turn, map)) return false;
    for (int i = 0; i < l->nemit; i++) {
      NcNode *y = map[nc_loop_output(l->body, 'y', i)->id];
      NcShape s = {.rank = y->type.shape.rank + 1, .dim = {1}};
      for (int k = 0; k < y->type.shape.rank; k++) s.dim[k + 1] = y->type.shape.dim[k];
      emit[i * l->trips + turn.place] = nc_reshape(g, at, y, s);
    }
    NcNode **next = NC_NEW_N(g->arena, NcNode *, l->ncarry + 1);
    for (int i = 0; i < l->ncarry; i++) next[i] = map[nc_loop_output(l->body, 'c', i)->id];
    carry = next;
  }
  for (int i = 0; i < l->ncarry; i++) out[i] = carry[i];
  for (int i = 0; i < l->nemit; i++) {
    out[l->ncarry + i] = nc_concat(g, at, (int)l->trips, emit + i * l->trips, 0);
    if (!out[l->ncarry + i]) return false;
  }
  return true;
}
