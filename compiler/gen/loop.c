// A loop: the steps of its body between the marks of where it begins and ends. The body has a plan of its own, whose
// buffers are found again in the plan around it:
//
//   arenas          in the loop's workspace
//   c0 …, y0 …      the loop's results: the body writes to them; a carry's first value is copied there
//   x0 …, w0 …      the loop's operands
//   other inputs    inputs of the same name (the seed)
#include <string.h>
#include "gen/kernel.h"
#include "passes/place.h"

typedef struct { NcGen *g; const NcRegion *r; const NcLoopBody *b; NcPlan *in, *out; int *map; } Move;

static int push(Move *m, NcPlanBuf b) {
  *NC_PUSH(m->out->arena, m->out->buf) = b;
  return m->out->buf.n - 1;
}

static int in_workspace(Move *m, const char *name, NcType t, size_t offset, size_t bytes) {
  NcPlanBuf w = m->out->buf.at[m->g->p->workspace[m->r->id]];
  return push(m, (NcPlanBuf){.kind = NC_BUF_TEMP, .name = name, .type = t, .parent = w.parent,
                             .offset = w.offset + offset, .bytes = bytes});
}

static int place_of(const Move *m, const NcNode *n) { return m->g->p->place[n->id].buffer; }

static int result(Move *m, int i) {
  const NcNode *n = m->b->result[i];
  if (n) {
    for (int k = 0; k < m->r->output.n; k++)
      if (m->r->output.at[k] == n && m->r->assign.at[k]) return place_of(m, m->r->assign.at[k]);
    return place_of(m, n);
  }
  NcType t = nc_loop_type(&m->b->l, i);
  return in_workspace(m, "unread", t, m->b->unread[i], nc_type_bytes(t));
}

static int operand(const Move *m, int i) { return place_of(m, m->r->anchor->in[i]); }

static int number(const char *name) {
  int v = 0;
  for (const char *p = name + 1; *p; p++) v = v * 10 + (*p - '0');
  return v;
}

static int named(Move *m, const NcPlanBuf *b) {
  int found = nc_plan_find(m->out, NC_BUF_INPUT, b->name);
  return found >= 0 ? found : push(m, *b);
}

static int leaf(Move *m, const NcPlanBuf *b, int *carried) {
  const NcLoop *l = &m->b->l;
  if (strcmp(b->name, "seed") == 0) return named(m, b);
  int i = number(b->name);
  switch (b->name[0]) {
  case 'x': return operand(m, l->ncarry + i);
  case 'w': return operand(m, l->ncarry + l->nscanned + i);
  case 'y': return result(m, l->ncarry + i);
  case 'c': return carried[i] >= 0 ? carried[i] : (carried[i] = result(m, i));
  default: return 0;        // the turn: no argument names it
  }
}

static void buffers(Move *m, int *carried) {
  const NcPlan *p = m->in;
  size_t arena = 0;
  size_t *base = NC_NEW_N(m->g->arena, size_t, p->buf.n + 1);
  for (int i = 0; i < p->buf.n; i++) {
    NcPlanBuf b = p->buf.at[i];
    if (b.kind == NC_BUF_ROOT_ARENA) {
      base[i] = arena;
      arena += nc_round_up(b.bytes, m->out->align);
    } else if (b.kind == NC_BUF_TEMP) {
      m->map[i] = in_workspace(m, b.name, b.type, base[b.parent] + b.offset, b.bytes);
      m->out->buf.at[m->map[i]].at = b.at;
      m->out->buf.at[m->map[i]].range = b.range;
    } else {
      m->map[i] = b.kind == NC_BUF_CONST ? push(m, b) : leaf(m, &b, carried);
    }
  }
}

static NcStep *mark(Move *m, NcStepKind kind) {
  NcStep *s = nc_gen_step(m->g, m->r, kind);
  s->a = s->b = s->c = s->workspace = -1;
  s->label = "loop";
  return s;
}

static void steps(Move *m) {
  for (int i = 0; i < m->in->step.n; i++) {
    NcStep s = m->in->step.at[i];
    NcPlanArg *args = NC_NEW_N(m->out->arena, NcPlanArg, s.nargs + 1);
    for (int k = 0; k < s.nargs; k++) {
      args[k] = s.args[k];
      if (args[k].kind == NC_ARG_BUF) args[k].i = m->map[args[k].i];
    }
    s.args = args;
    bool moves = s.kind == NC_STEP_GEMM || s.kind == NC_STEP_COPY, writes = moves || s.kind == NC_STEP_FILL;
    if (moves) s.a = m->map[s.a];
    if (writes) s.c = m->map[s.c];
    if (s.kind == NC_STEP_GEMM) s.b = m->map[s.b];
    if (s.workspace >= 0 && s.kind == NC_STEP_GEMM) s.workspace = m->map[s.workspace];
    *NC_PUSH(m->out->arena, m->out->step) = s;
  }
}

bool nc_gen_loop(NcGen *g, const NcRegion *r) {
  const NcLoopBody *b = r->body;
  NcPlacement *outer = g->p;
  g->p = b->placement;
  bool ok = nc_gen_regions(g);
  g->p = outer;
  if (!ok) return false;
  Move m = {g, r, b, b->placement->plan, outer->plan, NULL};
  m.map = NC_NEW_N(g->arena, int, m.in->buf.n + 1);
  int *carried = NC_NEW_N(g->arena, int, b->l.ncarry + 1);
  for (int i = 0; i < b->l.ncarry; i++) carried[i] = -1;
  buffers(&m, carried);
  for (int i = 0; i < b->l.ncarry; i++) {
    NcStep *s = mark(&m, NC_STEP_COPY);
    s->label = "first carry";
    s->a = operand(&m, i);
    s->c = carried[i] >= 0 ? carried[i] : result(&m, i);
    s->fill_bytes = nc_type_bytes(r->anchor->in[i]->type);
    s->bytes = 2 * (double)s->fill_bytes;
  }
  mark(&m, NC_STEP_LOOP)->turns = b->l.trips;
  steps(&m);
  mark(&m, NC_STEP_END);
  return true;
}
