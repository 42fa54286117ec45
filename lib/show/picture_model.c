// The layers of a program as a picture. Each node of its graph belongs to the innermost call that made it; a call is a frame
// down to the depth asked for, and a box there. Nodes that belong to open calls alone are boxes of their own, but for those that
// only move values.
#include <limits.h>
#include <string.h>
#include "ops/op.h"
#include "show/picture.h"

typedef struct {
  NcArena *a;
  const NcProgram *program;
  const NcGraph *g;
  NcPicture *p;
  int depth;                 // calls on this level are closed
  bool own;                  // and all but layers of the user's own
  int deepest;               // that a call was opened at
  int *owner;                // [node id] its call, -1: none
  bool *live, *flows;        // [node id] reached by outputs; follows from an input
  NcItem **shown;            // [node id] the box that its value comes from
  NcItem **item;             // [call] its frame or box
  int *level;                // [call] how many calls are around it
} Draw;

static int64_t params_of(const NcProgram *p, const char *path) {
  int64_t n = 0;
  size_t k = strlen(path);
  for (int i = 0; i < p->variable.n; i++) {
    const NcVariable *v = &p->variable.at[i];
    bool inside = strncmp(v->path, path, k) == 0 && v->path[k] == '.';
    if (inside && strcmp(v->kind, "param") == 0) n += nc_count(v->type.shape);
  }
  return n;
}

static bool opens(const Draw *d, int call) {
  const NcCall *c = &d->program->call.at[call];
  return d->level[call] < d->depth && (!d->own || (c->path && !c->family));
}

// block_2 → "block"; attn → "attn", which is a self_attention.
static void name_item(Draw *d, NcItem *i, const NcCall *c) {
  const char *layer = c->decl->name.s, *dot = c->path ? strrchr(c->path, '.') : NULL;
  const char *name = dot ? dot + 1 : c->path ? c->path : layer;
  size_t n = strlen(layer);
  bool numbered = strncmp(name, layer, n) == 0 && (!name[n] || (name[n] == '_' && strspn(name + n + 1, "0123456789") == strlen(name + n + 1)));
  i->name = numbered ? layer : name;
  i->kind = numbered ? NULL : layer;
  int64_t params = c->path ? params_of(d->program, c->path) : 0;
  if (!i->frame) nc_picture_line(d->p, i, nc_shape_text(d->a, c->type, d->program->batch));
  if (params) nc_picture_line(d->p, i, nc_sprintf(d->a, "%s parameters", nc_thousands(d->a, params)));
}

// The item of a call, made with those around it; of what lies in a closed call, that one's box.
static NcItem *item_of(Draw *d, int call) {
  if (call < 0) return d->p->root;
  if (d->item[call]) return d->item[call];
  const NcCall *c = &d->program->call.at[call];
  NcItem *up = item_of(d, c->up);
  if (!up->frame) return d->item[call] = up;
  bool open = opens(d, call);
  NcItem *i = nc_picture_item(d->p, up, "", c->family, open);
  if (open && d->level[call] + 1 > d->deepest) d->deepest = d->level[call] + 1;
  name_item(d, i, c);
  return d->item[call] = i;
}

// ---- bare operations

static const char *symbol(const NcNode *n) {
  static const struct { const char *op, *sign; } signs[] = {
    {"add", "+"}, {"sub", "−"}, {"mul", "×"}, {"div", "÷"}, {"dot", "product"}, {"gather", "look up"},
  };
  if (n->op->kind == NC_REDUCE || n->op->kind == NC_CUMULATIVE) return nc_attr_str(n, "op");
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (strcmp(signs[i].op, n->op->name) == 0) return signs[i].sign;
  return n->op->name;
}

// The parameter that an operand is, by itself or moved: "wte"; NULL where it is none.
static const char *parameter(const NcNode *n) {
  while (n->op->kind == NC_MOVEMENT && n->nin == 1) n = n->in[0];
  if (strcmp(n->op->name, "var") != 0) return NULL;
  const char *name = nc_attr_str(n, "name"), *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

// A number that an operand is everywhere: "255"; NULL where it is none.
static const char *constant(NcArena *a, const NcNode *n) {
  while ((n->op->kind == NC_MOVEMENT && n->nin == 1) || strcmp(n->op->name, "cast") == 0) n = n->in[0];
  return strcmp(n->op->name, "const") == 0 && nc_attr(n, "value") ? nc_sprintf(a, "%.4g", nc_attr_float(n, "value")) : NULL;
}

static bool only_moves(const NcNode *n) {
  return (n->op->kind == NC_MOVEMENT && strcmp(n->op->name, "concat") != 0) || strcmp(n->op->name, "cast") == 0 ||
         strcmp(n->op->name, "loop_out") == 0;
}

static NcItem *part_of(Draw *d, NcItem *frame, const NcNode *n) {
  NcBuf b = NC_BUF(d->a);
  nc_put(&b, symbol(n));
  for (int i = 0; i < n->nin; i++) {
    const char *what = d->flows[n->in[i]->id] ? NULL : parameter(n->in[i]);
    if (!what && n->nin == 2 && !d->flows[n->in[i]->id]) what = constant(d->a, n->in[i]);
    if (what) nc_putf(&b, " %s", what);
  }
  NcItem *i = nc_picture_item(d->p, frame, nc_buf_str(&b), "part", false);
  i->part = n->op->kind != NC_CONTROL;
  nc_picture_line(d->p, i, nc_shape_text(d->a, n->type, d->program->batch));
  return i;
}

// ---- the walk

static void add_node(Draw *d, const NcNode *n) {
  if (strcmp(n->op->name, "input") == 0) {
    const char *name = nc_attr_str(n, "name");
    NcItem *i = nc_picture_item(d->p, d->p->root, name, "input", false);
    i->round = true;
    nc_picture_line(d->p, i, nc_shape_text(d->a, n->type, d->program->batch));
    d->shown[n->id] = i;
    return;
  }
  NcItem *item = item_of(d, d->owner[n->id]);
  if (item->frame && only_moves(n)) {
    for (int i = 0; i < n->nin && !d->shown[n->id]; i++) d->shown[n->id] = d->shown[n->in[i]->id];
    return;
  }
  if (item->frame) item = part_of(d, item, n);
  d->shown[n->id] = item;
  for (int i = 0; i < n->nin; i++) nc_picture_arrow(d->p, d->shown[n->in[i]->id], item);
}

// A step or a random seed is an input of a graph, but not of a network.
static bool is_data(const NcNode *n) {
  return strcmp(n->op->name, "input") == 0 && strcmp(nc_attr_str(n, "name"), "step") != 0;
}

static void prepare(Draw *d) {
  int n = d->g->node.n, calls = d->program->call.n;
  d->owner = NC_NEW_N(d->a, int, n + 1);
  d->flows = NC_NEW_N(d->a, bool, n + 1);
  d->shown = NC_NEW_N(d->a, NcItem *, n + 1);
  d->item = NC_NEW_N(d->a, NcItem *, calls + 1);
  d->level = NC_NEW_N(d->a, int, calls + 1);
  d->live = nc_graph_reached(d->g, d->a);
  for (int i = 0; i < n; i++) {
    const NcNode *x = d->g->node.at[i];
    d->owner[i] = -1;
    d->flows[i] = is_data(x);
    for (int k = 0; k < x->nin; k++) d->flows[i] = d->flows[i] || d->flows[x->in[k]->id];
  }
  for (int c = 0; c < calls; c++) {
    const NcCall *call = &d->program->call.at[c];
    d->level[c] = call->up < 0 ? 0 : d->level[call->up] + 1;
    for (int k = 0; k < call->node.n; k++) {
      const NcNode *x = call->node.at[k];
      if (x->id < n && d->g->node.at[x->id] == x) d->owner[x->id] = c;
    }
  }
}

static NcPicture *draw(NcArena *a, const NcProgram *program, int depth, bool own, int *deepest) {
  Draw d = {.a = a, .program = program, .g = program->drawn, .depth = depth, .own = own};
  d.p = nc_picture_new(a, program->recipe ? program->recipe->name : "network");
  prepare(&d);
  for (int i = 0; i < d.g->node.n; i++)
    if (d.live[i] && d.flows[i]) add_node(&d, d.g->node.at[i]);
  for (int i = 0; i < d.g->output.n; i++) {
    const NcOutput *o = &d.g->output.at[i];
    if (!d.shown[o->node->id]) continue;
    NcItem *item = nc_picture_item(d.p, d.p->root, o->name, "input", false);
    item->round = true;
    nc_picture_line(d.p, item, nc_shape_text(a, o->node->type, program->batch));
    nc_picture_arrow(d.p, d.shown[o->node->id], item);
  }
  nc_picture_fold(d.p);
  d.p->depth = *deepest = d.deepest;
  return d.p;
}

NcPicture *nc_picture_model(NcArena *a, const NcProgram *program, int depth) {
  enum { LEGIBLE = 45 };
  int deepest = 0;
  NcPicture *p = draw(a, program, depth ? depth : INT_MAX, !depth, &deepest);
  for (int less = deepest - 1; !depth && p->boxes > LEGIBLE && less > 0; less--) p = draw(a, program, less, true, &deepest);
  return p;
}
