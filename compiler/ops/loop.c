// loop: a body run a known number of times. Its operands are the first carries, the scanned tensors (the turns lie
// along axis 0), and what the body reads unchanged. The body is a graph whose inputs are called by their role and
// number, and whose outputs likewise:
//
//   inputs   c0 …  carries          x0 …  elements of the scanned tensors: one index of axis 0
//            w0 …  what is closed over    t   the turn, an i32 scalar from 0
//   outputs  c0 …  the next carries, all of them        y0 …  what this turn emits
//
// Turn t reads and emits at place p = t, or trips - 1 - t where the loop runs in reverse. The results are taken by
// loop_out: the last carries, then the emits stacked along a new axis 0. The loop itself, of type f32[], is no value.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "eval/eval.h"
#include "ops/loop.h"
#include "ops/rows.h"

const char *nc_loop_name(NcArena *a, char role, int i) { return nc_sprintf(a, "%c%d", role, i); }

NcNode *nc_loop_input(const NcGraph *body, char role, int i) {
  char name[16];
  snprintf(name, sizeof name, role == 't' ? "t" : "%c%d", role, i);
  for (int k = 0; k < body->node.n; k++) {
    NcNode *n = body->node.at[k];
    if (n->op == &nc_row_input && strcmp(nc_attr_str(n, "name"), name) == 0) return n;
  }
  return NULL;
}

NcNode *nc_loop_output(const NcGraph *body, char role, int i) {
  char name[16];
  snprintf(name, sizeof name, "%c%d", role, i);
  return nc_graph_find_output(body, name);
}

bool nc_loop_of(const NcNode *n, NcLoop *out) {
  if (n->op != &nc_row_loop) return false;
  *out = (NcLoop){.ncarry = (int)nc_attr_int(n, "carries"), .nscanned = (int)nc_attr_int(n, "scanned"),
                  .trips = nc_attr_int(n, "trips"), .reverse = nc_attr_int(n, "reverse") != 0,
                  .body = nc_attr_graph(n, "body")};
  out->nclosed = n->nin - out->ncarry - out->nscanned;
  out->nemit = out->body->output.n - out->ncarry;
  return true;
}

static NcType element(NcType t) {
  NcType r = {t.dtype, {.rank = t.shape.rank - 1}};
  for (int i = 0; i < r.shape.rank; i++) r.shape.dim[i] = t.shape.dim[i + 1];
  return r;
}

static NcType stacked(NcType t, int64_t trips) {
  NcType r = {t.dtype, {.rank = t.shape.rank + 1, .dim = {trips}}};
  for (int i = 0; i < t.shape.rank; i++) r.shape.dim[i + 1] = t.shape.dim[i];
  return r;
}

NcType nc_loop_type(const NcLoop *l, int i) {
  if (i < l->ncarry) return nc_loop_output(l->body, 'c', i)->type;
  return stacked(nc_loop_output(l->body, 'y', i - l->ncarry)->type, l->trips);
}

// ---- rules

// What an input of the body is, from its name: false where it is none of those that the loop gives.
static bool given(NcDiag *d, const NcNode *n, const NcLoop *l, const char *name, NcType *out) {
  if (strcmp(name, "t") == 0) {
    *out = (NcType){NC_I32, NC_SCALAR};
    return true;
  }
  int at[3] = {0, l->ncarry, l->ncarry + l->nscanned}, count[3] = {l->ncarry, l->nscanned, l->nclosed};
  const char *role = strchr("cxw", *name);
  char *end;
  long i = role && *name ? strtol(name + 1, &end, 10) : -1;
  if (i < 0 || *end || !name[1] || i >= count[role - "cxw"] || name[1] == '+' || name[1] == ' ')
    return nc_refuse(d, NC_E0301, n, "the body reads \"%s\", which the loop does not give", name);
  *out = n->in[at[role - "cxw"] + i]->type;
  if (*role == 'x') *out = element(*out);
  return true;
}

static bool inputs(NcDiag *d, const NcNode *n, const NcLoop *l) {
  for (int i = 0; i < l->body->node.n; i++) {
    const NcNode *m = l->body->node.at[i];
    NcType want;
    if (m->op == &nc_row_var || m->op->kind == NC_EFFECT)
      return nc_refuse(d, NC_E0306, n, "a body has no variables and no effects of its own");
    if (m->op != &nc_row_input) continue;
    if (!given(d, n, l, nc_attr_str(m, "name"), &want)) return false;
    if (!nc_type_eq(want, m->type))
      return nc_refuse(d, NC_E0203, n, "the body's \"%s\" is %s, but the loop gives %s", nc_attr_str(m, "name"),
                       nc_type_str(d->arena, m->type), nc_type_str(d->arena, want));
  }
  return true;
}

static bool outputs(NcDiag *d, const NcNode *n, const NcLoop *l) {
  for (int i = 0; i < l->body->output.n; i++) {
    bool carry = i < l->ncarry;
    const NcNode *o = nc_loop_output(l->body, carry ? 'c' : 'y', carry ? i : i - l->ncarry);
    if (!o) return nc_refuse(d, NC_E0301, n, "the body has no output %c%d", carry ? 'c' : 'y', carry ? i : i - l->ncarry);
    if (carry && !nc_type_eq(o->type, n->in[i]->type))
      return nc_refuse(d, NC_E0203, n, "carry %d is %s, but the next one is %s", i, nc_show(d, n->in[i]), nc_show(d, o));
    if (!carry && o->type.shape.rank == NC_MAX_RANK)
      return nc_refuse(d, NC_E0202, n, "what is emitted has no room for one more axis");
  }
  return true;
}

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  int64_t carries = nc_attr_int(n, "carries"), scanned = nc_attr_int(n, "scanned"), trips = nc_attr_int(n, "trips");
  if (carries < 0 || scanned < 0 || carries > n->nin || scanned > n->nin - carries)
    return nc_refuse(d, NC_E0901, n, "has fewer operands than carries and scanned tensors");
  if (trips < 1) return nc_refuse(d, NC_E0208, n, "runs %lld times", (long long)trips);
  if (nc_attr_graph(n, "body")->output.n < carries) return nc_refuse(d, NC_E0301, n, "the body lacks a carry");
  NcLoop l;
  nc_loop_of(n, &l);
  for (int i = 0; i < l.nscanned; i++) {
    NcShape s = n->in[l.ncarry + i]->type.shape;
    if (s.rank == 0 || s.dim[0] != trips)
      return nc_refuse(d, NC_E0203, n, "%s is scanned in %lld turns", nc_show(d, n->in[l.ncarry + i]), (long long)trips);
  }
  *out = (NcType){NC_F32, NC_SCALAR};
  return inputs(d, n, &l) && outputs(d, n, &l);
}

static bool infer_out(NcDiag *d, const NcNode *n, NcType *out) {
  NcLoop l;
  int64_t i = nc_attr_int(n, "index");
  if (!nc_loop_of(n->in[0], &l)) return nc_refuse(d, NC_E0901, n, "takes a result of a loop, not of `%s`", n->in[0]->op->name);
  if (i < 0 || i >= l.body->output.n) return nc_refuse(d, NC_E0209, n, "the loop has no result %lld", (long long)i);
  *out = nc_loop_type(&l, (int)i);
  return true;
}

// ---- evaluation: the loop's array holds all results one after the other

static int64_t room_before(const NcLoop *l, int i) {
  int64_t sum = 0;
  for (int k = 0; k < i; k++) sum += nc_count(nc_loop_type(l, k).shape);
  return sum;
}

static int64_t room(const NcNode *n) {
  NcLoop l;
  nc_loop_of(n, &l);
  return room_before(&l, l.body->output.n);
}

typedef struct { const NcEval *e; NcLoop l; int nbind; NcBinding *bind; double turn; double **carry; } Turns;

static void bind(Turns *r, char role, int i, const double *v) {
  r->bind[r->nbind++] = (NcBinding){role == 't' ? "t" : nc_loop_name(r->e->scratch, role, i), v};
}

// One turn in an arena of its own; what it leaves is copied out.
static void turn(Turns *r, int64_t p) {
  const NcLoop *l = &r->l;
  NcArena *a = nc_arena_new();
  if (!a) longjmp(*nc_arena_oom(r->e->scratch), 1);
  if (NC_ON_OOM(a)) {
    nc_arena_free(a);
    longjmp(*nc_arena_oom(r->e->scratch), 1);
  }
  NcEvalOptions o = {.arena = a, .nbind = r->nbind, .bind = r->bind, .round = r->e->round, .seed = r->e->seed};
  double **value = NC_NEW_N(a, double *, l->body->node.n + 1);
  if (nc_eval(l->body, nc_diag_new(a), &o, value)) {
    for (int i = 0; i < l->nemit; i++) {
      const NcNode *y = nc_loop_output(l->body, 'y', i);
      int64_t n = nc_count(y->type.shape);
      memcpy(r->e->out + room_before(l, l->ncarry + i) + p * n, value[y->id], (size_t)n * sizeof(double));
    }
    for (int i = 0; i < l->ncarry; i++) {
      const NcNode *c = nc_loop_output(l->body, 'c', i);
      memcpy(r->carry[i], value[c->id], (size_t)nc_count(c->type.shape) * sizeof(double));
    }
  }
  nc_arena_free(a);
}

static void eval(const NcEval *e) {
  Turns r = {.e = e};
  nc_loop_of(e->node, &r.l);
  int n = e->node->nin, first = r.l.ncarry, closed = first + r.l.nscanned;
  r.bind = NC_NEW_N(e->scratch, NcBinding, n + 1);
  r.carry = NC_NEW_N(e->scratch, double *, first + 1);
  for (int i = 0; i < first; i++) {
    r.carry[i] = e->out + room_before(&r.l, i);
    memcpy(r.carry[i], e->in[i], (size_t)nc_count(e->node->in[i]->type.shape) * sizeof(double));
    bind(&r, 'c', i, r.carry[i]);
  }
  for (int i = 0; i < r.l.nscanned; i++) bind(&r, 'x', i, e->in[first + i]);
  for (int i = 0; i < r.l.nclosed; i++) bind(&r, 'w', i, e->in[closed + i]);
  bind(&r, 't', 0, &r.turn);
  for (int64_t t = 0; t < r.l.trips; t++) {
    int64_t p = r.l.reverse ? r.l.trips - 1 - t : t;
    r.turn = (double)t;
    for (int i = 0; i < r.l.nscanned; i++)
      r.bind[first + i].value = e->in[first + i] + p * (nc_count(e->node->in[first + i]->type.shape) / r.l.trips);
    turn(&r, p);
  }
}

static void eval_out(const NcEval *e) {
  NcLoop l;
  nc_loop_of(e->node->in[0], &l);
  memcpy(e->out, e->in[0] + room_before(&l, (int)nc_attr_int(e->node, "index")),
         (size_t)nc_count(e->node->type.shape) * sizeof(double));
}

// ---- making one

NcNode *nc_loop(NcGraph *g, NcRange at, const NcLoop *l, NcNode *const *in) {
  NcAttr attr[] = {NC_AINT("carries", l->ncarry), NC_AINT("scanned", l->nscanned), NC_AINT("trips", l->trips),
                   NC_AINT("reverse", l->reverse), NC_AGRAPH("body", l->body)};
  return nc_node(g, &nc_row_loop, at, l->ncarry + l->nscanned + l->nclosed, in, 5, attr);
}

NcNode *nc_loop_out(NcGraph *g, NcNode *loop, int index) {
  NcAttr attr[] = {NC_AINT("index", index)};
  return loop ? nc_node(g, &nc_row_loop_out, loop->at, 1, &loop, 1, attr) : NULL;
}

static const NcAttrSpec attrs[] = {{"carries", NC_ATTR_INT}, {"scanned", NC_ATTR_INT}, {"trips", NC_ATTR_INT},
                                   {"reverse", NC_ATTR_INT}, {"body", NC_ATTR_GRAPH}, {0}};
const NcOp nc_row_loop = {.name = "loop", .kind = NC_CONTROL, .arity = -1, .attrs = attrs, .pure = true,
                          .infer = infer, .eval = eval, .room = room,
                          .doc = "a body, a graph of its own, run `trips` times: carries, scanned tensors, what it closes over"};
static const NcAttrSpec out_attrs[] = {{"index", NC_ATTR_INT}, {0}};
const NcOp nc_row_loop_out = {.name = "loop_out", .kind = NC_CONTROL, .arity = 1, .attrs = out_attrs, .pure = true,
                              .infer = infer_out, .eval = eval_out,
                              .doc = "a result of a loop: its last carries, then what it emitted, stacked along axis 0"};
