// The gradient of a loop is a loop that runs the other way, through the gradient of the body.
//
// It is built in three graphs. In `work` stand the body and, behind it, its vector-Jacobian product: from dc0 … (toward
// the next carries) and dy0 … (toward what is emitted) to gradients toward carries, elements and what is closed over.
// Of the body's own values, the product needs some. Those that are dear (products, reductions) and the carries are
// KEPT: the loop that runs forward emits them; the rest is computed anew from them. The loop that runs backward then has
// the gradients toward the carries as its carries, scans what was kept, and emits the gradients toward the elements.
//
// What is closed over (weights) gets a sum over all turns. Nothing of its size is carried where the sum can be taken at
// once afterwards: a sum of products is one product of what was stacked, and sums go through whatever is linear
// (loop_sum.c).
#include <string.h>
#include "ops/loop_back.h"

static NcNode *named(NcGraph *g, NcRange at, const char *role, int i, NcType t) {
  return nc_input(g, at, nc_sprintf(g->arena, "%s%d", role, i), t);
}

static NcNode *same_name(void *ctx, char role, int i) {
  NcBack *b = ctx;
  const NcNode *old = nc_loop_input(b->l.body, role, i);
  return nc_input(b->work, old->at, nc_attr_str(old, "name"), old->type);
}

// ---- the product, in `work`

typedef struct { NC_VEC(NcNode *) y; NC_VEC(NcNode *) dy; NC_VEC(NcNode *) wrt; NC_VEC(NcNode **) out; } Vjp;

static void want(NcBack *b, Vjp *v, NcNode *input, NcNode **out) {
  if (!input) return;
  *NC_PUSH(b->a, v->wrt) = input;
  *NC_PUSH(b->a, v->out) = out;
}

static bool is_float(const NcNode *n) { return nc_dtype_float(n->type.dtype); }

// Carries through which a gradient can come: those whose last value has one, and what leads to them or to what is emitted. Others,
// such as running statistics, would carry zeros backward.
static bool *counting(const NcBack *b, NcNode *const *dout) {
  const NcLoop *l = &b->l;
  bool *counts = NC_NEW_N(b->a, bool, l->ncarry + 1), *seen = NC_NEW_N(b->a, bool, l->body->node.n + 1);
  NcNode **first = NC_NEW_N(b->a, NcNode *, l->ncarry + 1);
  NC_VEC(NcNode *) todo = {0};
  for (int i = 0; i < l->ncarry; i++) {
    first[i] = nc_loop_input(l->body, 'c', i);
    if ((counts[i] = dout[i] != NULL)) *NC_PUSH(b->a, todo) = nc_loop_output(l->body, 'c', i);
  }
  for (int i = 0; i < l->nemit; i++)
    if (dout[l->ncarry + i]) *NC_PUSH(b->a, todo) = nc_loop_output(l->body, 'y', i);
  while (todo.n) {
    NcNode *n = todo.at[--todo.n];
    if (seen[n->id]) continue;
    seen[n->id] = true;
    for (int k = 0; k < n->nin; k++) *NC_PUSH(b->a, todo) = n->in[k];
    for (int i = 0; i < l->ncarry; i++)
      if (!counts[i] && n == first[i]) {
        counts[i] = true;
        *NC_PUSH(b->a, todo) = nc_loop_output(l->body, 'c', i);
      }
  }
  return counts;
}

static bool product(NcBack *b, NcNode *const *dout, const bool *wanted) {
  const NcLoop *l = &b->l;
  NcNode **map = NC_NEW_N(b->a, NcNode *, l->body->node.n + 1);
  if (!nc_loop_place(b->work, l->body, same_name, b, map)) return false;
  Vjp v = {0};
  const bool *counts = counting(b, dout);
  for (int i = 0; i < l->ncarry; i++) {
    NcNode *y = b->next[i] = map[nc_loop_output(l->body, 'c', i)->id];
    if (!is_float(y) || !counts[i]) continue;
    b->dnext[i] = named(b->work, b->at, "dc", i, y->type);
    *NC_PUSH(b->a, v.y) = y;
    *NC_PUSH(b->a, v.dy) = b->dnext[i];
    want(b, &v, nc_loop_input(b->work, 'c', i), &b->dcarry[i]);
  }
  for (int i = 0; i < l->nemit; i++) {
    NcNode *y = b->emit[i] = map[nc_loop_output(l->body, 'y', i)->id];
    if (!dout[l->ncarry + i] || !is_float(y)) continue;
    b->demit[i] = named(b->work, b->at, "dy", i, y->type);
    *NC_PUSH(b->a, v.y) = y;
    *NC_PUSH(b->a, v.dy) = b->demit[i];
  }
  for (int i = 0; i < l->nscanned; i++)
    if (wanted[l->ncarry + i]) want(b, &v, nc_loop_input(b->work, 'x', i), &b->delement[i]);
  for (int i = 0; i < l->nclosed; i++)
    if (wanted[l->ncarry + l->nscanned + i]) want(b, &v, nc_loop_input(b->work, 'w', i), &b->dclosed[i]);
  NcNode **out = NC_NEW_N(b->a, NcNode *, v.wrt.n + 1);
  if (!nc_vjp(b->work, v.y.n, v.y.at, v.dy.at, v.wrt.n, v.wrt.at, out)) return false;
  for (int i = 0; i < v.wrt.n; i++) *v.out.at[i] = out[i];
  return true;
}

// ---- which values depend on what

static void depend(NcBack *b) {
  int n = b->work->node.n;
  b->varies = NC_NEW_N(b->a, bool, n + 1);
  b->backward = NC_NEW_N(b->a, bool, n + 1);
  b->kept = NC_NEW_N(b->a, int, n + 1);
  b->stack = NC_NEW_N(b->a, int, n + 1);
  b->emitted = NC_NEW_N(b->a, int, n + 1);
  b->summed = NC_NEW_N(b->a, int, n + 1);
  for (int i = 0; i < n; i++) {
    const NcNode *m = b->work->node.at[i];
    b->kept[i] = b->stack[i] = b->emitted[i] = b->summed[i] = -1;
    if (m->op == &nc_row_input) {
      const char *name = nc_attr_str(m, "name");
      b->varies[i] = *name != 'w';
      b->backward[i] = *name == 'd';
    }
    for (int k = 0; k < m->nin; k++) {
      b->varies[i] |= b->varies[m->in[k]->id];
      b->backward[i] |= b->backward[m->in[k]->id];
    }
  }
}

bool nc_back_keeps(const NcBack *b, const NcNode *n) {
  if (b->backward[n->id] || !b->varies[n->id] || n->op == &nc_row_loop) return false;
  if (n->op == &nc_row_input) return nc_attr_str(n, "name")[0] == 'c';
  return n->op->kind != NC_POINTWISE && n->op->kind != NC_MOVEMENT && n->op->kind != NC_LEAF;
}

// Marks what must be computed in a turn for this value; what is kept ends the walk.
void nc_back_need(NcBack *b, NcNode *n, bool *needed) {
  NC_VEC(NcNode *) todo = {0};
  *NC_PUSH(b->a, todo) = n;
  while (todo.n) {
    NcNode *m = todo.at[--todo.n];
    if (needed[m->id]) continue;
    needed[m->id] = true;
    if (nc_back_keeps(b, m)) {
      if (b->kept[m->id] < 0) {
        b->kept[m->id] = b->keep.n;
        *NC_PUSH(b->a, b->keep) = m;
      }
      continue;
    }
    for (int k = 0; k < m->nin; k++) *NC_PUSH(b->a, todo) = m->in[k];
  }
}

// ---- the loop that runs forward, which emits what is kept

static bool forward(NcBack *b) {
  NcLoop l = b->l;
  NcGraph *work = b->work;
  NcArena *a = b->a;
  NcOutput *saved = work->output.at;
  int count = work->output.n;
  work->output.at = NULL;
  work->output.n = work->output.cap = 0;
  for (int i = 0; i < l.ncarry; i++) nc_graph_output(work, nc_loop_name(a, 'c', i), b->next[i]);
  for (int i = 0; i < l.nemit; i++) nc_graph_output(work, nc_loop_name(a, 'y', i), b->emit[i]);
  for (int i = 0; i < b->keep.n; i++) nc_graph_output(work, nc_loop_name(a, 'y', l.nemit + i), b->keep.at[i]);
  l.body = nc_graph_rewrite(work, a, NULL, NULL, NULL);
  work->output.at = saved;
  work->output.n = work->output.cap = count;
  if (!l.body) return false;
  l.nemit += b->keep.n;
  b->ahead = b->keep.n ? nc_loop(b->g, b->at, &l, b->loop->in) : b->loop;
  return b->ahead;
}

NcNode *nc_back_kept(NcBack *b, int i) { return nc_loop_out(b->g, b->ahead, b->l.ncarry + b->l.nemit + i); }

// ---- the loop that runs backward

static int operand(NcBack *b, NcOperands *list, NcNode *of, NcNode *value) {
  for (int i = 0; i < list->value.n; i++)
    if (list->of.at[i] == of) return i;
  *NC_PUSH(b->a, list->of) = of;
  *NC_PUSH(b->a, list->value) = value;
  return list->value.n - 1;
}

static int number(const NcNode *input, int skip) {
  int v = 0;
  for (const char *p = nc_attr_str(input, "name") + skip; *p; p++) v = v * 10 + (*p - '0');
  return v;
}

static NcNode *scan(NcBack *b, NcNode *n, NcNode *stacked) {
  return named(b->back, b->at, "x", operand(b, &b->scanned, n, stacked), n->type);
}

// What stands in the backward body for an input of `work`.
static NcNode *input(NcBack *b, NcNode *n) {
  const char *name = nc_attr_str(n, "name");
  const NcLoop *l = &b->l;
  if (*name == 't') {
    NcNode *last = nc_const(b->back, b->at, NC_I32, (double)(l->trips - 1));
    return nc_op2(b->back, b->at, "sub", last, nc_input(b->back, b->at, "t", (NcType){NC_I32, NC_SCALAR}));
  }
  if (*name == 'x') return scan(b, n, b->loop->in[l->ncarry + number(n, 1)]);
  if (*name == 'w') {
    NcNode *outer = b->loop->in[l->ncarry + l->nscanned + number(n, 1)];
    return named(b->back, b->at, "w", operand(b, &b->closed, n, outer), n->type);
  }
  int i = number(n, 2);
  if (name[1] == 'y') return scan(b, n, b->dout[l->ncarry + i]);
  return named(b->back, b->at, "c", b->carry_of[i], n->type);
}

static bool backward_body(NcBack *b, const bool *needed) {
  NC_VEC(NcNode *) in = {0};
  b->map = NC_NEW_N(b->a, NcNode *, b->work->node.n + 1);
  for (int i = 0; i < b->work->node.n; i++) {
    NcNode *n = b->work->node.at[i];
    if (!needed[i]) continue;
    in.n = 0;
    if (b->kept[i] >= 0) b->map[i] = scan(b, n, nc_back_kept(b, b->kept[i]));
    else if (n->op == &nc_row_input) b->map[i] = input(b, n);
    else {
      for (int k = 0; k < n->nin; k++) *NC_PUSH(b->a, in) = b->map[n->in[k]->id];
      b->map[i] = nc_copy_node(b->back, n, in.at);
    }
    if (!b->map[i]) return false;
  }
  return true;
}

static void carry(NcBack *b, NcNode *first, NcNode *next) {
  nc_graph_output(b->back, nc_loop_name(b->a, 'c', b->ncarry++), next);
  *NC_PUSH(b->a, b->first) = first;
}

static bool backward(NcBack *b) {
  const NcLoop *l = &b->l;
  bool *needed = NC_NEW_N(b->a, bool, b->work->node.n + 1);
  for (int i = 0; i < l->ncarry; i++)
    if (b->dcarry[i]) nc_back_need(b, b->dcarry[i], needed);
  for (int i = 0; i < b->emits.n; i++) nc_back_need(b, b->emits.at[i], needed);
  for (int i = 0; i < b->sum.n; i++) nc_back_need(b, b->sum.at[i], needed);
  if (!forward(b)) return false;
  int n = 0;
  for (int i = 0; i < l->ncarry; i++) b->carry_of[i] = b->dnext[i] ? n++ : -1;
  if (!backward_body(b, needed)) return false;
  for (int i = 0; i < l->ncarry; i++) {
    if (!b->dnext[i]) continue;
    NcNode *zero = nc_like(b->back, b->dnext[i], 0);
    carry(b, b->dout[i] ? b->dout[i] : nc_like(b->g, b->loop->in[i], 0), b->dcarry[i] ? b->map[b->dcarry[i]->id] : zero);
  }
  for (int i = 0; i < b->sum.n; i++) {
    NcNode *m = b->sum.at[i], *so_far = named(b->back, b->at, "c", b->ncarry, m->type);
    NcNode *zero = nc_broadcast(b->g, b->at, nc_const(b->g, b->at, m->type.dtype, 0), m->type.shape, NULL);
    b->summed[m->id] = b->ncarry;
    carry(b, zero, nc_op2(b->back, b->at, "add", so_far, b->map[m->id]));
  }
  for (int i = 0; i < b->emits.n; i++) {
    nc_graph_output(b->back, nc_loop_name(b->a, 'y', i), b->map[b->emits.at[i]->id]);
    b->emitted[b->emits.at[i]->id] = i;
  }
  NC_VEC(NcNode *) in = {0};
  for (int i = 0; i < b->first.n; i++) *NC_PUSH(b->a, in) = b->first.at[i];
  for (int i = 0; i < b->scanned.value.n; i++) *NC_PUSH(b->a, in) = b->scanned.value.at[i];
  for (int i = 0; i < b->closed.value.n; i++) *NC_PUSH(b->a, in) = b->closed.value.at[i];
  NcLoop back = {.ncarry = b->ncarry, .nscanned = b->scanned.value.n, .nclosed = b->closed.value.n, .trips = l->trips,
                 .reverse = !l->reverse, .body = nc_graph_rewrite(b->back, b->a, NULL, NULL, NULL)};
  b->turned = back.body ? nc_loop(b->g, b->at, &back, in.at) : NULL;
  return b->turned;
}

NcNode *nc_back_emitted(NcBack *b, const NcNode *n) { return nc_loop_out(b->g, b->turned, b->ncarry + b->emitted[n->id]); }

void nc_back_emit(NcBack *b, NcNode *n) {
  for (int i = 0; i < b->emits.n; i++)
    if (b->emits.at[i] == n) return;
  *NC_PUSH(b->a, b->emits) = n;
}

bool nc_loop_vjp(NcGraph *g, NcNode *loop, NcNode *const *dout, const bool *wanted, NcNode **din) {
  NcArena *a = g->arena;
  NcBack b = {.a = a, .g = g, .loop = loop, .at = loop->at, .dout = dout};
  nc_loop_of(loop, &b.l);
  const NcLoop *l = &b.l;
  b.work = nc_graph_new(a, g->diag, "work");
  b.back = nc_graph_new(a, g->diag, "back");
  NcNode ***lists[] = {&b.next, &b.dnext, &b.dcarry, &b.emit, &b.demit, &b.delement, &b.dclosed};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    *lists[i] = NC_NEW_N(a, NcNode *, l->ncarry + l->nscanned + l->nclosed + l->nemit + 1);
  b.carry_of = NC_NEW_N(a, int, l->ncarry + 1);
  if (!product(&b, dout, wanted)) return false;
  depend(&b);
  for (int i = 0; i < l->nscanned; i++)
    if (b.delement[i]) nc_back_emit(&b, b.delement[i]);
  for (int i = 0; i < l->nclosed; i++)
    if (b.dclosed[i]) nc_back_sum(&b, b.dclosed[i], false);
  if (!backward(&b)) return false;
  for (int i = 0; i < l->ncarry; i++)
    if (b.dnext[i] && wanted[i]) din[i] = nc_loop_out(g, b.turned, b.carry_of[i]);
  for (int i = 0; i < l->nscanned; i++)
    if (b.delement[i]) din[l->ncarry + i] = nc_back_emitted(&b, b.delement[i]);
  for (int i = 0; i < l->nclosed; i++) {
    if (!b.dclosed[i]) continue;
    NcNode *sum = din[l->ncarry + l->nscanned + i] = nc_back_sum(&b, b.dclosed[i], true);
    if (!sum) return false;
  }
  return true;
}
