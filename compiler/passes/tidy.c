// Loops put in order. Of loops with the same operands whose carries go the same way, one is enough: it emits what any of
// them does (a gradient makes such loops: it wants the values of a loop that is there already). What nobody reads is not
// emitted. Bodies are simplified like any graph.
#include <string.h>
#include "passes/passes.h"

typedef struct {
  const NcNode *leader;      // the loop of the old graph that this one becomes part of
  int *index;                // by result: that of the leader; -1: unread
} Joined;

typedef struct {
  NcArena *a;
  const NcGraph *g;
  bool **read;               // by id of loops: which results are read
  Joined *of;                // by id of loops
  NcGraph **body;            // by id of leaders
  NcNode **made;             // by id of leaders: the new loop
} Tidy;

typedef struct { NcGraph *to; const NcGraph *from; } Same;
static NcNode *same_input(void *ctx, char role, int i) {
  Same *s = ctx;
  const NcNode *n = nc_loop_input(s->from, role, i);
  return nc_input(s->to, n->at, nc_attr_str(n, "name"), n->type);
}

static NcNode **join(Tidy *t, NcGraph *to, const NcGraph *body) {
  Same s = {to, body};
  NcNode **map = NC_NEW_N(t->a, NcNode *, body->node.n + 1);
  return nc_loop_place(to, body, same_input, &s, map) ? map : NULL;
}

static int emit(Tidy *t, NcGraph *body, int ncarry, NcNode *n) {
  for (int i = ncarry; i < body->output.n; i++)
    if (body->output.at[i].node == n) return i;
  nc_graph_output(body, nc_loop_name(t->a, 'y', body->output.n - ncarry), n);
  return body->output.n - 1;
}

// The loop's results among those of the body that leaders so far have; false when its carries go another way.
static bool take(Tidy *t, const NcNode *loop, const NcNode *leader) {
  NcLoop l;
  nc_loop_of(loop, &l);
  NcGraph *body = t->body[leader->id];
  NcNode **map = join(t, body, l.body);
  int *index = NC_NEW_N(t->a, int, l.ncarry + l.nemit + 1);
  for (int i = 0; map && i < l.ncarry; i++) {
    NcNode *next = map[nc_loop_output(l.body, 'c', i)->id];
    index[i] = i;
    if (loop == leader) nc_graph_output(body, nc_loop_name(t->a, 'c', i), next);
    else if (nc_loop_output(body, 'c', i) != next) return false;
  }
  for (int i = l.ncarry; map && i < l.ncarry + l.nemit; i++)
    index[i] = t->read[loop->id][i] ? emit(t, body, l.ncarry, map[nc_loop_output(l.body, 'y', i - l.ncarry)->id]) : -1;
  t->of[loop->id] = (Joined){leader, index};
  return map != NULL;
}

static bool alike(const NcNode *a, const NcNode *b) {
  if (a->nin != b->nin || nc_attr_int(a, "carries") != nc_attr_int(b, "carries") ||
      nc_attr_int(a, "scanned") != nc_attr_int(b, "scanned") || nc_attr_int(a, "trips") != nc_attr_int(b, "trips") ||
      nc_attr_int(a, "reverse") != nc_attr_int(b, "reverse"))
    return false;
  return a->nin == 0 || memcmp(a->in, b->in, (size_t)a->nin * sizeof *a->in) == 0;
}

static bool group(Tidy *t) {
  for (int i = 0; i < t->g->node.n; i++) {
    const NcNode *n = t->g->node.at[i];
    if (strcmp(n->op->name, "loop") != 0) continue;
    bool joined = false;
    for (int k = 0; k < i && !joined; k++)
      joined = t->body[k] && alike(t->g->node.at[k], n) && take(t, n, t->g->node.at[k]);
    if (joined) continue;
    t->body[i] = nc_graph_new(t->a, t->g->diag, "body");
    if (!take(t, n, n)) return false;
  }
  return true;
}

static NcNode *rewrite(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  Tidy *t = ctx;
  NcLoop l;
  if (strcmp(old->op->name, "loop_out") == 0) {
    const Joined *j = &t->of[old->in[0]->id];
    return nc_loop_out(to, t->made[j->leader->id], j->index[nc_attr_int(old, "index")]);
  }
  if (!nc_loop_of(old, &l)) return NULL;
  const NcNode *leader = t->of[old->id].leader;
  if (leader != old) return t->made[leader->id];
  NcGraph *body = nc_simplify_graph(t->a, t->body[old->id], NULL);
  if (body) body = nc_loops_tidy(t->a, body);
  if (!body) return NULL;
  l.body = body;
  return t->made[old->id] = nc_loop(to, old->at, &l, in);
}

NcGraph *nc_loops_tidy(NcArena *a, NcGraph *g) {
  if (!g) return NULL;
  int n = g->node.n;
  Tidy t = {a, g, NC_NEW_N(a, bool *, n + 1), NC_NEW_N(a, Joined, n + 1), NC_NEW_N(a, NcGraph *, n + 1),
            NC_NEW_N(a, NcNode *, n + 1)};
  bool any = false;
  for (int i = 0; i < n; i++) {
    NcLoop l;
    const NcNode *m = g->node.at[i];
    if (nc_loop_of(m, &l)) t.read[i] = NC_NEW_N(a, bool, l.ncarry + l.nemit + 1);
    else if (strcmp(m->op->name, "loop_out") == 0) t.read[m->in[0]->id][nc_attr_int(m, "index")] = any = true;
  }
  if (!any) return g;
  return group(&t) ? nc_graph_rewrite(g, a, rewrite, &t, NULL) : NULL;
}
