// A loop: the steps of its body between the marks of where it begins and ends, or all in one launch (loop_parts.c). The body
// has a plan of its own, whose buffers are found again in the plan around it:
//
//   arenas          in the loop's workspace
//   c0 …, y0 …      the loop's results: the body writes to them; a carry's first value is copied there
//   x0 …, w0 …      the loop's operands
//   other inputs    inputs of the same name (the seed)
#include <string.h>
#include "gen/loop.h"
#include "passes/place.h"

static int push(NcMove *m, NcPlanBuf b) {
  *NC_PUSH(m->out->arena, m->out->buf) = b;
  return m->out->buf.n - 1;
}

int nc_move_work(NcMove *m, const char *name, NcType t, size_t offset, size_t bytes) {
  NcPlanBuf w = m->out->buf.at[m->g->p->workspace[m->r->id]];
  return push(m, (NcPlanBuf){.kind = NC_BUF_TEMP, .name = name, .type = t, .parent = w.parent,
                             .offset = w.offset + offset, .bytes = bytes});
}

static int place_of(const NcMove *m, const NcNode *n) { return m->g->p->place[n->id].buffer; }

static int result(NcMove *m, int i) {
  const NcNode *n = m->b->result[i];
  if (n) {
    for (int k = 0; k < m->r->output.n; k++)
      if (m->r->output.at[k] == n && m->r->assign.at[k]) return place_of(m, m->r->assign.at[k]);
    return place_of(m, n);
  }
  NcType t = nc_loop_type(&m->b->l, i);
  return nc_move_work(m, "unread", t, m->b->unread[i], nc_type_bytes(t));
}

static int operand(const NcMove *m, int i) { return place_of(m, m->r->anchor->in[i]); }

static int number(const char *name) {
  int v = 0;
  for (const char *p = name + 1; *p; p++) v = v * 10 + (*p - '0');
  return v;
}

static int named(NcMove *m, const NcPlanBuf *b) {
  int found = nc_plan_find(m->out, NC_BUF_INPUT, b->name);
  return found >= 0 ? found : push(m, *b);
}

int nc_move_leaf(NcMove *m, const NcPlanBuf *b) {
  const NcLoop *l = &m->b->l;
  if (b->kind == NC_BUF_CONST) return push(m, *b);
  if (strcmp(b->name, "seed") == 0) return named(m, b);
  int i = number(b->name);
  switch (b->name[0]) {
  case 'x': return operand(m, l->ncarry + i);
  case 'w': return operand(m, l->ncarry + l->nscanned + i);
  case 'y': return result(m, l->ncarry + i);
  case 'c': return m->carried[i] >= 0 ? m->carried[i] : (m->carried[i] = result(m, i));
  default: return 0;        // the turn: no argument names it
  }
}

// The number outside of each buffer of the body.
static int *buffers(NcMove *m) {
  const NcPlan *p = m->in;
  size_t arena = 0;
  size_t *base = NC_NEW_N(m->g->arena, size_t, p->buf.n + 1);
  int *map = NC_NEW_N(m->g->arena, int, p->buf.n + 1);
  for (int i = 0; i < p->buf.n; i++) {
    NcPlanBuf b = p->buf.at[i];
    if (b.kind == NC_BUF_ROOT_ARENA) {
      base[i] = arena;
      arena += nc_round_up(b.bytes, m->out->align);
    } else if (b.kind == NC_BUF_TEMP) {
      map[i] = nc_move_work(m, b.name, b.type, base[b.parent] + b.offset, b.bytes);
      m->out->buf.at[map[i]].at = b.at;
      m->out->buf.at[map[i]].range = b.range;
    } else {
      map[i] = nc_move_leaf(m, &b);
    }
  }
  return map;
}

static NcStep *mark(NcMove *m, NcStepKind kind) {
  NcStep *s = nc_gen_step(m->g, m->r, kind);
  s->a = s->b = s->c = s->workspace = -1;
  s->label = "loop";
  return s;
}

static void steps(NcMove *m, const int *map) {
  for (int i = 0; i < m->in->step.n; i++) {
    NcStep s = m->in->step.at[i];
    NcPlanArg *args = NC_NEW_N(m->out->arena, NcPlanArg, s.nargs + 1);
    for (int k = 0; k < s.nargs; k++) {
      args[k] = s.args[k];
      if (args[k].kind == NC_ARG_BUF) args[k].i = map[args[k].i];
    }
    s.args = args;
    bool moves = s.kind == NC_STEP_GEMM || s.kind == NC_STEP_COPY, writes = moves || s.kind == NC_STEP_FILL;
    if (moves) s.a = map[s.a];
    if (writes) s.c = map[s.c];
    if (s.kind == NC_STEP_GEMM) s.b = map[s.b];
    if (s.workspace >= 0 && s.kind == NC_STEP_GEMM) s.workspace = map[s.workspace];
    *NC_PUSH(m->out->arena, m->out->step) = s;
  }
}

void nc_move_first(NcMove *m) {
  for (int i = 0; i < m->b->l.ncarry; i++) {
    NcStep *s = mark(m, NC_STEP_COPY);
    s->label = "first carry";
    s->a = operand(m, i);
    s->c = m->carried[i] >= 0 ? m->carried[i] : result(m, i);
    s->fill_bytes = nc_type_bytes(m->r->anchor->in[i]->type);
    s->bytes = 2 * (double)s->fill_bytes;
  }
}

NcMove nc_move_begin(NcGen *g, const NcRegion *r) {
  NcMove m = {g, r, r->body, r->body->placement->plan, g->p->plan, NC_NEW_N(g->arena, int, r->body->l.ncarry + 1)};
  for (int i = 0; i < m.b->l.ncarry; i++) m.carried[i] = -1;
  return m;
}

bool nc_gen_loop(NcGen *g, const NcRegion *r) {
  if (r->body->parts) return nc_gen_loop_parts(g, r);
  NcPlacement *outer = g->p;
  g->p = r->body->placement;
  bool ok = nc_gen_regions(g);
  g->p = outer;
  if (!ok) return false;
  NcMove m = nc_move_begin(g, r);
  int *map = buffers(&m);
  nc_move_first(&m);
  mark(&m, NC_STEP_LOOP)->turns = m.b->l.trips;
  steps(&m, map);
  mark(&m, NC_STEP_END);
  return true;
}
