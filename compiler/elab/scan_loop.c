// From the block of a scan, evaluated on placeholders, to a loop of the graph: what lies between the placeholders and the
// results becomes the body, what it reads from outside is closed over. Few turns are put one after the other instead.
#include "elab/scan.h"
#include "ops/loop.h"
#include <string.h>

enum { FEW_TURNS = 4 };

typedef struct {
  NcElab *e;
  NcScan *s;
  NcLoop l;
  NcGraph *body;
  NcPart part;
  NcNode **map;                 // by node of the part's graph: in the body
  NC_VEC(NcNode *) operand;     // carries and scanned tensors
  NC_VEC(NcNode *) closed;
  NcRange at;
} Make;

// ---- elements

// range(n), reversed or not, needs no memory: first + step * place.
static bool counts(const NcTensor *t, double *first, double *step) {
  const NcNode *n = t->node;
  *first = 0;
  *step = 1;
  if (t->rank == 1 && strcmp(n->op->name, "slice") == 0) {
    *first = (double)nc_attr_ints(n, "start", NULL)[0];
    *step = (double)nc_attr_ints(n, "step", NULL)[0];
    n = n->in[0];
  }
  return t->rank == 1 && strcmp(n->op->name, "iota") == 0 && n->type.dtype == NC_I32 && n->type.shape.rank == 1;
}

static NcNode *turn(Make *m) { return nc_input(m->body, m->at, "t", (NcType){NC_I32, NC_SCALAR}); }

static NcNode *counted(Make *m, double first, double step) {
  NcNode *t = turn(m);
  if (m->l.reverse) {
    first += step * (double)(m->l.trips - 1);
    step = -step;
  }
  t = nc_op2(m->body, m->at, "mul", t, nc_const(m->body, m->at, NC_I32, step));
  return nc_op2(m->body, m->at, "add", t, nc_const(m->body, m->at, NC_I32, first));
}

// With the scanned axis in front.
static NcNode *turned(Make *m, const NcTensor *t) {
  int64_t perm[NC_MAX_RANK] = {m->s->axis};
  for (int i = 0, k = 1; i < t->rank; i++)
    if (i != m->s->axis) perm[k++] = i;
  return m->s->axis ? nc_permute(m->e->graph, m->at, t->node, perm) : t->node;
}

static NcNode *leaf(Make *m, char role, int i, NcType t) {
  return nc_input(m->body, m->at, nc_loop_name(m->e->arena, role, i), t);
}

static void placeholders(Make *m) {
  NcScan *s = m->s;
  m->map[s->turn->node->id] = turn(m);
  for (int i = 0; i < s->ncarry; i++) {
    *NC_PUSH(m->e->arena, m->operand) = s->first[i]->node;
    m->map[s->carry[i]->node->id] = leaf(m, 'c', m->l.ncarry++, s->carry[i]->node->type);
  }
  for (int i = 0; i < s->nscanned; i++) {
    double first, step;
    NcNode *element = s->element[i]->node;
    if (counts(s->scanned[i], &first, &step)) m->map[element->id] = counted(m, first, step);
    else {
      *NC_PUSH(m->e->arena, m->operand) = turned(m, s->scanned[i]);
      m->map[element->id] = leaf(m, 'x', m->l.nscanned++, element->type);
    }
  }
}

// ---- products of elements with what is the same in each turn: one large product before the loop

static int element_of(const Make *m, const NcNode *n) {
  for (int i = 0; i < m->s->nscanned; i++)
    if (m->s->element[i]->node == n) return i;
  return -1;
}

// The values of all turns along a new axis 0, of an element seen through index arithmetic; NULL where it is anything else.
static NcNode *stacked(Make *m, const NcNode *n) {
  NcGraph *g = m->e->graph;
  int i = element_of(m, n);
  if (i >= 0) return turned(m, m->s->scanned[i]);
  bool reshape = strcmp(n->op->name, "reshape") == 0;
  if ((!reshape && strcmp(n->op->name, "permute") != 0) || n->type.shape.rank == NC_MAX_RANK) return NULL;
  NcNode *x = stacked(m, n->in[0]);
  if (!x) return NULL;
  int64_t perm[NC_MAX_RANK] = {0};
  NcShape s = {.rank = n->type.shape.rank + 1, .dim = {m->l.trips}};
  for (int k = 0; k < n->type.shape.rank; k++) {
    s.dim[k + 1] = n->type.shape.dim[k];
    if (!reshape) perm[k + 1] = nc_attr_ints(n, "perm", NULL)[k] + 1;
  }
  return reshape ? nc_reshape(g, m->at, x, s) : nc_permute(g, m->at, x, perm);
}

static void hoist(Make *m, const NcNode *n, const bool *inside) {
  int nbatch, ncon;
  if (n->op->kind != NC_DOT || n->type.shape.rank == NC_MAX_RANK || inside[n->in[1]->id]) return;
  nc_attr_ints(n, "abatch", &nbatch);
  const int64_t *acon = nc_attr_ints(n, "acon", &ncon), *bcon = nc_attr_ints(n, "bcon", NULL);
  NcNode *a = nbatch ? NULL : stacked(m, n->in[0]);
  if (!a) return;
  int64_t con[NC_MAX_RANK];
  for (int k = 0; k < ncon; k++) con[k] = acon[k] + 1;
  NcNode *all = nc_dot(m->e->graph, n->at, a, n->in[1], 0, NULL, NULL, ncon, con, bcon);
  if (!all) return;
  *NC_PUSH(m->e->arena, m->operand) = all;
  m->map[n->id] = leaf(m, 'x', m->l.nscanned++, n->type);
}

static void products(Make *m) {
  bool *inside = NC_NEW_N(m->e->arena, bool, m->part.ids + 1);
  for (int i = 0; i < m->part.n; i++) inside[m->part.node[i]->id] = true;
  for (int i = 0; i < m->part.ids; i++) inside[i] |= m->map[i] != NULL;     // placeholders
  for (int i = 0; i < m->part.n; i++) hoist(m, m->part.node[i], inside);
}

// ---- what the body reads from outside

// What costs nothing there is written again inside: constants, and index arithmetic on whatever it be.
static bool index_arithmetic(const NcNode *n) {
  return strcmp(n->op->name, "broadcast") == 0 || strcmp(n->op->name, "reshape") == 0 ||
         strcmp(n->op->name, "permute") == 0;
}

static bool cheap(const NcNode *n) {
  if (n->op->kind == NC_LEAF) return strcmp(n->op->name, "const") == 0 || strcmp(n->op->name, "iota") == 0;
  bool small = n->op->kind == NC_POINTWISE && n->type.shape.rank == 0;
  for (int k = 0; (small || n->op->kind == NC_MOVEMENT) && k < n->nin; k++)
    if (!cheap(n->in[k])) return false;
  return small || n->op->kind == NC_MOVEMENT;
}

static NcNode *outside(Make *m, NcNode *n);

static NcNode *again(Make *m, NcNode *n) {
  NcNode **in = NC_NEW_N(m->e->arena, NcNode *, n->nin + 1);
  for (int k = 0; k < n->nin; k++)
    if (!(in[k] = outside(m, n->in[k]))) return NULL;
  return nc_copy_node(m->body, n, in);
}

static NcNode *outside(Make *m, NcNode *n) {
  NcNode **to = &m->map[n->id];
  if (*to) return *to;
  if (index_arithmetic(n) || cheap(n)) return *to = again(m, n);
  *to = leaf(m, 'w', m->l.nclosed++, n->type);
  *NC_PUSH(m->e->arena, m->closed) = n;
  return *to;
}

static bool block(Make *m) {
  NcScan *s = m->s;
  for (int i = 0; i < m->part.n; i++) {
    NcNode *n = m->part.node[i];
    if (!m->map[n->id] && !(m->map[n->id] = again(m, n))) return false;
  }
  for (int i = 0; i < s->ncarry; i++)
    nc_graph_output(m->body, nc_loop_name(m->e->arena, 'c', i), outside(m, s->next[i]->node));
  for (int i = 0; i < s->nemit; i++)
    nc_graph_output(m->body, nc_loop_name(m->e->arena, 'y', m->l.nemit++), outside(m, s->emitted[i]->node));
  return true;
}

static NcPart part_of(NcElab *e, const NcScan *s) {
  NC_VEC(NcNode *) from = {0};
  NC_VEC(NcNode *) root = {0};
  for (int i = 0; i < s->ncarry; i++) *NC_PUSH(e->arena, from) = s->carry[i]->node;
  for (int i = 0; i < s->nscanned; i++) *NC_PUSH(e->arena, from) = s->element[i]->node;
  *NC_PUSH(e->arena, from) = s->turn->node;
  for (int i = 0; i < s->ncarry; i++) *NC_PUSH(e->arena, root) = s->next[i]->node;
  for (int i = 0; i < s->nemit; i++) *NC_PUSH(e->arena, root) = s->emitted[i]->node;
  return nc_graph_between(e->graph, e->arena, from.n, from.at, root.n, root.at);
}

static NcTensor *stacked_as(NcElab *e, const NcScan *s, int i, NcNode *n) {
  NcSize dim[NC_MAX_RANK];
  const NcTensor *t = s->emitted[i];
  int64_t perm[NC_MAX_RANK];
  if (!n) return NULL;
  for (int k = 0, j = 0; k <= t->rank; k++) {
    dim[k] = k == s->axis ? s->turns : t->dim[j++];
    perm[k] = k == s->axis ? 0 : k < s->axis ? k + 1 : k;
  }
  if (s->axis) n = nc_permute(e->graph, nc_here(e, s->x->at), n, perm);
  return nc_t(e, s->x->at, n, t->rank + 1, dim);
}

bool nc_scan_loop(NcElab *e, NcScan *s, NcTensor **last, NcTensor **stacked) {
  Make m = {.e = e, .s = s, .part = part_of(e, s), .at = nc_here(e, s->x->at)};
  m.l = (NcLoop){.trips = s->turns.value, .reverse = s->reverse};
  m.body = nc_graph_new(e->arena, e->diag, "body");
  m.map = NC_NEW_N(e->arena, NcNode *, m.part.ids + 1);
  for (int i = 0; i < m.part.n; i++) e->scan_macs += nc_node_macs(m.part.node[i]);
  placeholders(&m);
  products(&m);
  if (!block(&m)) return false;
  m.l.body = nc_graph_rewrite(m.body, e->arena, NULL, NULL, NULL);
  if (!m.l.body) return false;
  for (int i = 0; i < m.closed.n; i++) *NC_PUSH(e->arena, m.operand) = m.closed.at[i];
  NcNode **out = NC_NEW_N(e->arena, NcNode *, s->ncarry + s->nemit + 1);
  if (m.l.trips <= FEW_TURNS && !e->whole_loops) {
    if (!nc_loop_unroll(e->graph, m.at, &m.l, m.operand.at, out)) return false;
  } else {
    NcNode *loop = nc_loop(e->graph, m.at, &m.l, m.operand.at);
    for (int i = 0; i < s->ncarry + s->nemit; i++)
      if (!(out[i] = nc_loop_out(e->graph, loop, i))) return false;
  }
  for (int i = 0; i < s->ncarry; i++) last[i] = nc_t_as(e, s->x->at, out[i], s->carry[i]);
  for (int i = 0; i < s->nemit; i++)
    if (!(stacked[i] = stacked_as(e, s, i, out[s->ncarry + i]))) return false;
  return true;
}
