// Sums over all turns, taken after the loop: linear operations are left out of the turns, and of a product the two
// factors are stacked, so that the sum of products is one product over one axis more.
#include <stdlib.h>
#include <string.h>
#include "ops/loop_back.h"

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

// ---- values that are the same in each turn, in g

static NcNode *outside(NcBack *b, NcNode *n) {
  if (n->op == &nc_row_input) return b->loop->in[b->l.ncarry + b->l.nscanned + atoi(nc_attr_str(n, "name") + 1)];
  NcNode **in = NC_NEW_N(b->a, NcNode *, n->nin + 1);
  for (int k = 0; k < n->nin; k++)
    if (!(in[k] = outside(b, n->in[k]))) return NULL;
  return nc_copy_node(b->g, n, in);
}

// ---- stacks

static NcShape with_turns(const NcBack *b, NcShape s) {
  NcShape r = {.rank = s.rank + 1, .dim = {b->l.trips}};
  for (int i = 0; i < s.rank; i++) r.dim[i + 1] = s.dim[i];
  return r;
}

static NcNode *stack(NcBack *b, NcNode *n, bool build);

static NcNode *stack_moved(NcBack *b, NcNode *n, bool build) {
  NcNode *x = stack(b, n->in[0], build);
  if (!x) return NULL;
  if (is(n, "reshape")) return nc_reshape(b->g, b->at, x, with_turns(b, n->type.shape));
  const int64_t *perm = nc_attr_ints(n, "perm", NULL);
  int64_t p[NC_MAX_RANK] = {0};
  for (int i = 0; i < n->type.shape.rank; i++) p[i + 1] = perm[i] + 1;
  return nc_permute(b->g, b->at, x, p);
}

// The values of all turns along a new axis 0.
static NcNode *stack(NcBack *b, NcNode *n, bool build) {
  if (is(n, "reshape") || is(n, "permute")) return stack_moved(b, n, build);
  if (!b->varies[n->id]) {
    int64_t axes[NC_MAX_RANK];
    for (int i = 0; i < n->type.shape.rank; i++) axes[i] = i + 1;
    return build ? nc_broadcast(b->g, b->at, outside(b, n), with_turns(b, n->type.shape), axes) : NULL;
  }
  const char *name = n->op == &nc_row_input ? nc_attr_str(n, "name") : "";
  if (*name == 'x') return build ? b->loop->in[b->l.ncarry + atoi(name + 1)] : NULL;
  if (name[0] == 'd' && name[1] == 'y') return build ? b->dout[b->l.ncarry + atoi(name + 2)] : NULL;
  if (nc_back_keeps(b, n)) {
    bool *needed = NC_NEW_N(b->a, bool, b->work->node.n + 1);
    if (!build) nc_back_need(b, n, needed);
    return build ? nc_back_kept(b, b->kept[n->id]) : NULL;
  }
  if (!build) nc_back_emit(b, n);
  return build ? nc_back_emitted(b, n) : NULL;
}

// ---- sums

enum { FEW = 1 << 16 };
static const int64_t MANY = 1 << 22;

static int64_t stacked_count(const NcBack *b, const NcNode *n) { return nc_count(n->type.shape) * b->l.trips; }

static NcNode *sum_stacked(NcBack *b, NcNode *x, int naxes, const int64_t *axes, bool build) {
  NcNode *s = stack(b, x, build);
  int64_t all[NC_MAX_RANK + 1] = {0};
  for (int i = 0; i < naxes; i++) all[i + 1] = axes[i] + 1;
  return s ? nc_reduce(b->g, b->at, "sum", s, naxes + 1, all) : NULL;
}

// A value without a better way: emitted and summed if small, else carried.
static NcNode *plain(NcBack *b, NcNode *n, bool build) {
  if (stacked_count(b, n) <= FEW && n->type.shape.rank < NC_MAX_RANK) return sum_stacked(b, n, 0, NULL, build);
  if (build) return nc_loop_out(b->g, b->turned, b->summed[n->id]);
  for (int i = 0; i < b->sum.n; i++)
    if (b->sum.at[i] == n) return NULL;
  *NC_PUSH(b->a, b->sum) = n;
  return NULL;
}

static NcNode *sum_dot(NcBack *b, NcNode *n, bool build) {
  int nbatch, ncon;
  const int64_t *ab = nc_attr_ints(n, "abatch", &nbatch), *bb = nc_attr_ints(n, "bbatch", NULL);
  const int64_t *ac = nc_attr_ints(n, "acon", &ncon), *bc = nc_attr_ints(n, "bcon", NULL);
  for (int side = 0; side < 2; side++) {
    if (b->varies[n->in[side]->id]) continue;
    NcNode *sum = nc_back_sum(b, n->in[1 - side], build), *in[2];   // the other factor is the same in each turn
    if (!build) return NULL;
    in[side] = outside(b, n->in[side]);
    in[1 - side] = sum;
    return nc_copy_node(b->g, n, in);
  }
  NcNode *x = stack(b, n->in[0], build), *y = stack(b, n->in[1], build);
  int64_t axes[4][NC_MAX_RANK + 1] = {{0}};
  for (int i = 0; i < nbatch; i++) {
    axes[0][i] = ab[i] + 1;
    axes[1][i] = bb[i] + 1;
  }
  for (int i = 0; i < ncon; i++) {
    axes[2][i + 1] = ac[i] + 1;
    axes[3][i + 1] = bc[i] + 1;
  }
  return build ? nc_dot(b->g, b->at, x, y, nbatch, axes[0], axes[1], ncon + 1, axes[2], axes[3]) : NULL;
}

// Turns and examples as one axis.
static NcNode *folded(NcBack *b, NcNode *n, bool build) {
  NcNode *x = stack(b, n, build);
  if (!x) return NULL;
  NcShape s = n->type.shape;
  s.dim[0] *= b->l.trips;
  return nc_reshape(b->g, b->at, x, s);
}

static NcNode *sum_each(NcBack *b, NcNode *n, bool build) {
  NcNode **in = NC_NEW_N(b->a, NcNode *, n->nin + 1);
  for (int k = 0; k < n->nin; k++) in[k] = nc_back_sum(b, n->in[k], build);
  return build ? nc_copy_node(b->g, n, in) : NULL;
}

static bool room_for_turns(const NcNode *n) {
  for (int k = 0; k < n->nin; k++)
    if (n->in[k]->type.shape.rank == NC_MAX_RANK) return false;
  return n->type.shape.rank < NC_MAX_RANK;
}

// Does a sum over the turns go through it, operand by operand?
static bool linear(const NcNode *n) {
  static const char *const ops[] = {"add", "sub", "neg", "reshape", "permute", "broadcast", "slice", "concat"};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (is(n, ops[i])) return true;
  return is(n, "pad") && nc_attr_float(n, "value") == 0;
}

static bool is_emitted(const NcBack *b, const NcNode *n) {
  for (int i = 0; i < b->emits.n; i++)
    if (b->emits.at[i] == n) return true;
  return false;
}

NcNode *nc_back_sum(NcBack *b, NcNode *n, bool build) {
  if (!b->varies[n->id]) {
    NcNode *one = build ? outside(b, n) : NULL;
    return one ? nc_op2(b->g, b->at, "mul", one, nc_like(b->g, one, (double)b->l.trips)) : NULL;
  }
  if (is_emitted(b, n)) return sum_stacked(b, n, 0, NULL, build);
  if (linear(n)) return sum_each(b, n, build);
  if (!room_for_turns(n)) return plain(b, n, build);
  if (n->op->kind == NC_DOT) return sum_dot(b, n, build);
  if (is(n, "conv_weight") && b->varies[n->in[0]->id] && b->varies[n->in[1]->id]) {
    NcNode *in[2] = {folded(b, n->in[0], build), folded(b, n->in[1], build)};
    return build ? nc_copy_node(b->g, n, in) : NULL;
  }
  if (is(n, "scatter_add") && nc_attr_int(n, "axis") == 0) {
    NcNode *dy = stack(b, n->in[0], build), *index = stack(b, n->in[1], build);
    return build ? nc_scatter_add(b->g, b->at, dy, index, n->type.shape, 0) : NULL;
  }
  if (n->op->kind == NC_REDUCE && strcmp(nc_attr_str(n, "op"), "sum") == 0 && stacked_count(b, n->in[0]) <= MANY) {
    int naxes;
    const int64_t *axes = nc_attr_ints(n, "axes", &naxes);
    return sum_stacked(b, n->in[0], naxes, axes, build);
  }
  return plain(b, n, build);
}
