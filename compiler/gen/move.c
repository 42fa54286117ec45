// Movement as index arithmetic: where an element of the result comes from.
#include <string.h>
#include "gen/emit.h"

// Elements that exist only where conditions hold (padding, the parts of a concatenation). Conditions that are alike for
// all lanes become an `if` around the computation; for others the index is clamped into its range and
// the lanes that were wrong are replaced.
typedef struct {
  NcBuf cond;            // of the `if`; empty when there is none
  NC_VEC(const char *) mask;
} Guard;

// Demands lo <= at < hi. Returns the index to use inside.
static NcIx *demand(NcEmit *e, Guard *g, NcIx *at, int64_t lo, int64_t hi) {
  bool below = at->lo < lo, above = at->hi >= hi;
  if (!below && !above) return at;
  if (!at->lane || ((!below || nc_ix_aligned(at, lo, e->lanes)) && (!above || nc_ix_aligned(at, hi, e->lanes)))) {
    const char *x = nc_ix_text(&e->ix, at, false);
    if (below) nc_putf(&g->cond, "%s%s >= %lld", g->cond.n ? " && " : "", x, (long long)lo);
    if (above) nc_putf(&g->cond, "%s%s < %lld", g->cond.n ? " && " : "", x, (long long)hi);
    return at;
  }
  int level = nc_emit_level(e, at->level);
  const char *x = nc_emit_name(e, "i"), *c = nc_emit_name(e, "i");
  nc_emit_line(e, level, "const %s%d %s = %s;", e->idx, e->lanes, x, nc_ix_text(&e->ix, at, true));
  nc_emit_line(e, level, "const %s%d %s = clamp(%s, (%s%d)(%lld), (%s%d)(%lld));", e->idx, e->lanes, c, x, e->idx, e->lanes,
               (long long)lo, e->idx, e->lanes, (long long)hi - 1);
  *NC_PUSH(e->arena, g->mask) = nc_sprintf(e->arena, "(%s == %s)", x, c);
  return nc_ix_var(&e->ix, c, c, false, lo, hi - 1, level);
}

// The part of a guarded value: x at coord, under the guard's condition.
typedef struct {
  Guard guard;
  NcNode *x;
  NcIx *coord[NC_MAX_RANK];
} Part;

// The first part whose guard holds, else `other`.
static NcVal choose(NcEmit *e, int level, int n, Part *part, NcVal other) {
  NcAside aside;
  nc_emit_aside(e, level, &aside);
  NcVal v = other;
  NC_VEC(const char *) head = {0};
  NC_VEC(NcScope *) body = {0};
  NC_VEC(NcVal) val = {0};
  bool vec = other.vec;
  for (int i = 0; i < n; i++) {
    nc_emit_open(e, part[i].guard.cond.n > 0);
    *NC_PUSH(e->arena, val) = nc_emit(e, part[i].x, part[i].coord);
    *NC_PUSH(e->arena, body) = e->scope[e->depth--];
    *NC_PUSH(e->arena, head) = nc_buf_str(&part[i].guard.cond);
    vec |= val.at[i].vec || part[i].guard.mask.n;
  }
  const char *name = nc_emit_name(e, "t");
  nc_emit_line(e, level, "%s %s = %s;", nc_emit_type(e, other.t, vec), name, nc_emit_wide(e, other, vec));
  for (int i = 0; i < n; i++) {
    e->scope[++e->depth] = body.at[i];
    const char *x = nc_emit_wide(e, val.at[i], vec);
    if (part[i].guard.mask.n) {
      NcBuf b = NC_BUF(e->arena);
      for (int k = 0; k < part[i].guard.mask.n; k++) nc_putf(&b, "%s%s", k ? " & " : "", part[i].guard.mask.at[k]);
      x = nc_sprintf(e->arena, "select(%s, %s, convert_%s%d(%s))", name, x, other.t == NC_I64 ? "long" : "int", e->lanes,
                     nc_buf_str(&b));
    }
    nc_emit_line(e, e->depth, "%s = %s;", name, x);
    nc_emit_close(e, *head.at[i] ? nc_sprintf(e->arena, "if (%s)", head.at[i]) : "");
  }
  v = (NcVal){name, other.t, vec, level};
  nc_emit_restore(e, &aside);
  return v;
}

static NcVal pad(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcNode *x = n->in[0];
  const int64_t *lo = nc_attr_ints(n, "lo", NULL);
  Part p = {.guard = {.cond = NC_BUF(e->arena)}, .x = x};
  int level = nc_emit_coord_level(e, coord, n->type.shape.rank);
  for (int i = 0; i < x->type.shape.rank; i++)
    p.coord[i] = demand(e, &p.guard, nc_ix_addc(&e->ix, coord[i], -lo[i]), 0, x->type.shape.dim[i]);
  NcVal other = {nc_emit_zero(e, n->type.dtype, nc_attr_float(n, "value")), n->type.dtype, false, 0};
  if (!p.guard.cond.n && !p.guard.mask.n) return nc_emit(e, x, p.coord);
  return choose(e, level, 1, &p, other);
}

static NcVal concat(NcEmit *e, NcNode *n, NcIx *const *coord) {
  int64_t axis = nc_attr_int(n, "axis"), at = 0;
  int rank = n->type.shape.rank, count = 0, level = nc_emit_coord_level(e, coord, rank);
  Part *part = NC_NEW_N(e->arena, Part, n->nin);
  for (int k = 0; k < n->nin; k++) {
    int64_t size = n->in[k]->type.shape.dim[axis];
    if (coord[axis]->hi >= at && coord[axis]->lo < at + size) {
      Part *p = &part[count++];
      *p = (Part){.guard = {.cond = NC_BUF(e->arena)}, .x = n->in[k]};
      memcpy(p->coord, coord, (size_t)rank * sizeof *coord);
      p->coord[axis] = demand(e, &p->guard, nc_ix_addc(&e->ix, coord[axis], -at), 0, size);
    }
    at += size;
  }
  if (count == 1) return nc_emit(e, part[0].x, part[0].coord);
  return choose(e, level, count, part, (NcVal){nc_emit_zero(e, n->type.dtype, 0), n->type.dtype, false, 0});
}

static NcVal reshape(NcEmit *e, NcNode *n, NcIx *const *coord) {
  return nc_emit_flat(e, n->in[0], nc_ix_linear(&e->ix, n->type.shape, coord));
}

static NcVal permute(NcEmit *e, NcNode *n, NcIx *const *coord) {
  const int64_t *perm = nc_attr_ints(n, "perm", NULL);
  NcIx *from[NC_MAX_RANK];
  for (int i = 0; i < n->type.shape.rank; i++) from[perm[i]] = coord[i];
  return nc_emit(e, n->in[0], from);
}

static NcVal broadcast(NcEmit *e, NcNode *n, NcIx *const *coord) {
  const int64_t *axes = nc_attr_ints(n, "axes", NULL);
  NcShape s = n->in[0]->type.shape;
  NcIx *from[NC_MAX_RANK];
  for (int i = 0; i < s.rank; i++) from[i] = s.dim[i] == 1 ? nc_ix_const(&e->ix, 0) : coord[axes[i]];
  return nc_emit(e, n->in[0], from);
}

static NcVal slice(NcEmit *e, NcNode *n, NcIx *const *coord) {
  const int64_t *start = nc_attr_ints(n, "start", NULL), *step = nc_attr_ints(n, "step", NULL);
  NcIx *from[NC_MAX_RANK];
  for (int i = 0; i < n->type.shape.rank; i++)
    from[i] = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, coord[i], step[i]), start[i]);
  return nc_emit(e, n->in[0], from);
}

static const struct { const char *op; NcVal (*emit)(NcEmit *, NcNode *, NcIx *const *); } moves[] = {
  {"reshape", reshape}, {"permute", permute}, {"broadcast", broadcast}, {"slice", slice}, {"pad", pad}, {"concat", concat}};

NcVal nc_emit_move(NcEmit *e, NcNode *n, NcIx *const *coord) {
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
    if (strcmp(n->op->name, moves[i].op) == 0) return moves[i].emit(e, n, coord);
  return nc_emit_inline(e, n, coord);      // reports that it is unknown
}
