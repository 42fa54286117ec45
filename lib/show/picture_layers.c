// Of a long plan, boxes for layers instead of launches: what a layer computes on the way forward is one, and what its gradient
// computes another. Each says which launches it stands for.
#include <string.h>
#include "show/picture.h"

typedef struct { const char *text; int n; } Computed;
typedef struct {
  const char *key;
  NcItem *item;
  bool bare, back;           // launches of no layer that is so deep; of a gradient or an update
  int launches;
  double flops, bytes, most; // most: flops of the launch that gives the colour
  NC_VEC(Computed) op;
} Group;

typedef struct {
  const NcPlan *plan;
  const NcPicture *from;
  NcPicture *to;
  int depth;
  NC_VEC(NcItem *) item;     // of `from`, in the order of the plan; its number is in `first`
  bool *ahead;               // [item] an output follows from it
  Group **of;                // [item]
  NcItem **copy;             // [item] of what is no launch
  NC_VEC(Group *) group;
  NcMap frame;
} Layers;

static int parts_of(const char *path) {
  int n = path && *path ? 1 : 0;
  for (; path && *path; path++) n += *path == '.';
  return n;
}

int nc_picture_layers_deep(const NcPlan *plan) {
  int most = 0;
  for (int i = 0; i < plan->step.n; i++) {
    int n = parts_of(plan->step.at[i].layer) - 1;      // the first one is the model itself
    most = n > most ? n : most;
  }
  return most;
}

static bool is_update(const NcItem *i) { return i->step && i->step->kernel && strncmp(i->step->kernel, "update", 6) == 0; }

static void collect(Layers *y, NcItem *i) {
  for (int k = 0; k < i->child.n; k++) {
    NcItem *c = i->child.at[k];
    c->first = y->item.n;
    *NC_PUSH(y->to->arena, y->item) = c;
    if (c->frame) collect(y, c);
  }
}

// In training what no output follows from is there for the gradients. An arrow's end never lies before its beginning.
static void look_ahead(Layers *y) {
  bool training = false;
  y->ahead = NC_NEW_N(y->to->arena, bool, y->item.n + 1);
  for (int i = 0; i < y->item.n; i++) {
    training = training || is_update(y->item.at[i]);
    y->ahead[i] = !y->item.at[i]->step;
  }
  for (int k = y->from->arrow.n - 1; k >= 0; k--) {
    const NcArrow *x = &y->from->arrow.at[k];
    if (y->ahead[x->to->first]) y->ahead[x->from->first] = true;
  }
  for (int i = 0; i < y->item.n && !training; i++) y->ahead[i] = true;
}

// "block_2" is called "block": so equal ones are.
static const char *plain(NcArena *a, const char *part, size_t n) {
  size_t digits = n;
  while (digits > 0 && part[digits - 1] >= '0' && part[digits - 1] <= '9') digits--;
  return nc_strndup(a, part, digits < n && digits > 1 && part[digits - 1] == '_' ? digits - 1 : n);
}

// The frame in which the first `parts` of a layer's path lie, in a loop's frame or the picture's.
static NcItem *frame_of(Layers *y, NcItem *up, const char *path, int parts, bool back) {
  NcArena *a = y->to->arena;
  const char *s = path;
  for (int k = 0; k < parts; k++) {
    size_t n = strcspn(s, ".");
    const char *key = nc_sprintf(a, "%p %d %.*s", (void *)up, back, (int)(s + n - path), path);
    NcItem *f = nc_map_get(&y->frame, key);
    if (!f) {
      f = nc_picture_item(y->to, up, plain(a, s, n), NULL, true);
      f->kind = back ? "gradient" : NULL;
      nc_map_set(&y->frame, key, f);
    }
    up = f;
    s += n + (s[n] == '.');
  }
  return up;
}

// Whether there are layers inside of this one.
static bool has_parts(const Layers *y, const char *layer) {
  size_t n = strlen(layer);
  for (int i = 0; i < y->plan->step.n; i++) {
    const char *other = y->plan->step.at[i].layer;
    if (other && strncmp(other, layer, n) == 0 && other[n] == '.') return true;
  }
  return false;
}

// Launches of a layer are together wherever they stand; bare ones only while nothing else comes between.
static Group *group_of(Layers *y, const NcItem *i, NcItem *up, bool back) {
  NcArena *a = y->to->arena;
  const char *layer = i->step->layer ? i->step->layer : "", *path = strchr(layer, '.');
  path = path ? path + 1 : "";
  int parts = parts_of(path), update = is_update(i);
  bool bare = !update && (!parts || (parts < y->depth && has_parts(y, layer)));
  int inside = bare ? parts : (parts < y->depth ? parts : y->depth) - 1;
  const char *last = path;
  size_t length = 0;
  for (int k = 0; k < y->depth && k < parts; k++) {
    last = path + length + (k > 0);
    length += strcspn(last, ".") + (k > 0);
  }
  const char *key = nc_sprintf(a, "%p %d %d %.*s", (void *)up, back, update, update ? 0 : (int)length, path);
  for (int k = y->group.n - 1; k >= 0; k--) {
    Group *g = y->group.at[k];
    if (strcmp(g->key, key) == 0) return g;
    if (bare && g->back == back) break;
  }
  Group *g = NC_NEW(a, Group);
  *g = (Group){.key = key, .bare = bare, .back = back, .most = -1};
  if (!update) up = frame_of(y, up, path, inside, back);
  g->item = nc_picture_item(y->to, up, update ? "update" : bare ? "" : plain(a, last, strcspn(last, ".")), NULL, false);
  g->item->kind = back && !bare && !update ? "gradient" : NULL;
  *NC_PUSH(a, y->group) = g;
  return g;
}

static void add(Layers *y, Group *g, const NcItem *i) {
  int k = 0;
  while (k < g->op.n && strcmp(g->op.at[k].text, i->name) != 0) k++;
  if (k == g->op.n) *NC_PUSH(y->to->arena, g->op) = (Computed){i->name, 0};
  g->op.at[k].n++;
  g->launches++;
  g->flops += i->step->flops;
  g->bytes += i->step->bytes > 0 ? i->step->bytes : (double)i->step->fill_bytes;
  if (i->step->flops > g->most) g->most = i->step->flops, g->item->family = i->family;
}

static void finish(NcArena *a, NcPicture *p, Group *g) {
  enum { ROWS = 8 };
  int named = 0;
  if (g->bare) g->item->name = g->launches == 1 ? g->op.at[0].text : "operations";
  for (int k = 0; k < g->op.n && k < ROWS && !(g->bare && g->launches == 1); k++, named++)
    nc_picture_line(p, g->item, g->op.at[k].n > 1 ? nc_sprintf(a, "%s × %d", g->op.at[k].text, g->op.at[k].n) : g->op.at[k].text);
  if (named && named < g->op.n) nc_picture_line(p, g->item, nc_sprintf(a, "and %d others", g->op.n - named));
  nc_picture_line(p, g->item, nc_sprintf(a, "%d launch%s, %s, %s", g->launches, g->launches == 1 ? "" : "es",
                                         nc_amount(a, g->flops, "flop", 1000), nc_amount(a, g->bytes, "B", 1024)));
}

// Inputs, outputs and frames of loops are copied; a launch goes to its group.
static void take(Layers *y, NcItem *i) {
  NcItem *up = i->up == y->from->root ? y->to->root : y->copy[i->up->first];
  if (i->step) {
    Group *g = y->of[i->first] = group_of(y, i, up, !y->ahead[i->first]);
    add(y, g, i);
    return;
  }
  NcItem *c = y->copy[i->first] = nc_picture_item(y->to, up, i->name, i->family, i->frame);
  c->round = i->round;
  for (int k = 0; k < i->line.n; k++) nc_picture_line(y->to, c, i->line.at[k]);
}

static void join(Layers *y, const NcArrow *x) {
  const Group *f = y->of[x->from->first], *t = y->of[x->to->first];
  int n = y->to->arrow.n;
  nc_picture_arrow(y->to, f ? f->item : y->copy[x->from->first], t ? t->item : y->copy[x->to->first]);
  if (y->to->arrow.n == n || !t || !t->back) return;
  // What is of no layer looks at all gradients, as an update does: the length of a gradient that is to be clipped.
  bool update = is_update(x->to) || (t->bare && t->item->up == y->to->root);
  if (update || !f || !f->back) y->to->arrow.at[n].kind = update ? NC_ARROW_UPDATE : NC_ARROW_KEPT;
}

NcPicture *nc_picture_layers(const NcPicture *launches, const NcPlan *plan, int depth) {
  NcArena *a = launches->arena;
  Layers y = {.plan = plan, .from = launches, .to = nc_picture_new(a, launches->title), .depth = depth, .frame = NC_MAP(a)};
  y.to->caption = launches->caption;
  y.to->depth = depth;
  collect(&y, launches->root);
  look_ahead(&y);
  y.of = NC_NEW_N(a, Group *, y.item.n + 1);
  y.copy = NC_NEW_N(a, NcItem *, y.item.n + 1);
  for (int i = 0; i < y.item.n; i++) take(&y, y.item.at[i]);
  for (int k = 0; k < y.group.n; k++) finish(a, y.to, y.group.at[k]);
  for (int k = 0; k < launches->arrow.n; k++) join(&y, &launches->arrow.at[k]);
  return y.to;
}
