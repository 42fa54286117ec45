// Updates: regions that compute the same expression for different variables become one region over packs of those
// variables and of what belongs to them. An optimizer is one launch, however many parameters there are.
//
// Two regions are the same when their signatures are: the expression written out with its leaves numbered as met. What
// depends on the place of an element (iota, random, a broadcast of more than one value) has no signature.
#include <string.h>
#include "passes/passes.h"

typedef struct {
  NcRegions *r;
  NcRegion *g;
  NcBuf text;
  bool fits;
  int *number;             // by node id: of members and inputs already met, from 1
  int met;
  NC_VEC(NcNode *) leaf;   // inputs in the order met
} Sign;

static Sign sign_new(NcRegions *r, NcRegion *g, int *number) {
  for (int i = 0; i < g->node.n; i++) number[g->node.at[i]->id] = 0;
  for (int i = 0; i < g->input.n; i++) number[g->input.at[i]->id] = 0;
  for (int i = 0; i < g->assign.n; i++) number[g->assign.at[i]->id] = 0;
  return (Sign){.r = r, .g = g, .text = NC_BUF(r->arena), .fits = true, .number = number};
}

static bool is_scalar(const NcNode *n) { return nc_count(n->type.shape) == 1; }

static void leaf(Sign *s, NcNode *n) {
  const NcAttr *kind = nc_attr(n, "kind");
  if (is_scalar(n) && !kind) nc_putf(&s->text, "s%d", n->id);              // shared by all parts
  else nc_putf(&s->text, "%s:%s", kind ? kind->s : "t", nc_dtype_name(n->type.dtype));
  *NC_PUSH(s->r->arena, s->leaf) = n;
}

static void sign(Sign *s, NcNode *n) {
  if (nc_is_literal(n)) {
    nc_put_double(&s->text, nc_attr_float(n, "value"));
    nc_put(&s->text, nc_dtype_name(n->type.dtype));
    return;
  }
  bool broadcast = strcmp(n->op->name, "broadcast") == 0, reshape = strcmp(n->op->name, "reshape") == 0;
  if (nc_has_member(s->g, n) && (reshape || (broadcast && is_scalar(n->in[0])))) {   // the same at every place
    sign(s, n->in[0]);
    return;
  }
  if (s->number[n->id]) {
    nc_putf(&s->text, "#%d", s->number[n->id]);
    return;
  }
  s->number[n->id] = ++s->met;
  if (!nc_has_member(s->g, n)) {
    leaf(s, n);
    return;
  }
  s->fits &= n->op->kind == NC_POINTWISE;
  nc_putf(&s->text, "(%s %s", n->op->name, nc_dtype_name(n->type.dtype));
  for (int k = 0; k < n->nin && s->fits; k++) {
    nc_putc(&s->text, ' ');
    sign(s, n->in[k]);
  }
  nc_putc(&s->text, ')');
}

// Brings outputs into an order that does not depend on ids: by the text of each alone.
static void sort_outputs(Sign *s) {
  NcRegion *g = s->g;
  const char **key = NC_NEW_N(s->r->arena, const char *, g->output.n);
  for (int i = 0; i < g->output.n; i++) {
    Sign one = sign_new(s->r, g, s->number);
    sign(&one, g->output.at[i]);
    key[i] = nc_sprintf(s->r->arena, "%s=%s", nc_attr_str(g->assign.at[i], "kind"), nc_buf_str(&one.text));
  }
  for (int i = 1; i < g->output.n; i++)
    for (int k = i; k > 0 && strcmp(key[k - 1], key[k]) > 0; k--) {
      const char *t = key[k];
      NcNode *o = g->output.at[k], *v = g->assign.at[k];
      key[k] = key[k - 1], g->output.at[k] = g->output.at[k - 1], g->assign.at[k] = g->assign.at[k - 1];
      key[k - 1] = t, g->output.at[k - 1] = o, g->assign.at[k - 1] = v;
    }
}

// Every result replaces a variable, and there is one element of it for each element of every leaf that is no scalar.
static bool updates_only(const NcRegion *g) {
  if (g->kind != NC_REGION_MAP || g->parts || !g->output.n) return false;
  int64_t count = nc_count(g->output.at[0]->type.shape);
  for (int i = 0; i < g->output.n; i++)
    if (!g->assign.at[i] || nc_count(g->output.at[i]->type.shape) != count) return false;
  for (int i = 0; i < g->input.n; i++)
    if (!is_scalar(g->input.at[i]) && nc_count(g->input.at[i]->type.shape) != count) return false;
  return true;
}

typedef struct {
  NcRegion *g;
  const char *text;        // NULL: not an update that could be merged
  NcNode **leaf;           // inputs in the order met
} Part;

static Part signature(NcRegions *r, NcRegion *g, int *number) {
  Part p = {g, NULL, NULL};
  if (!updates_only(g)) return p;
  Sign s = sign_new(r, g, number);
  sort_outputs(&s);
  s = sign_new(r, g, number);
  for (int i = 0; i < g->output.n; i++) {
    sign(&s, g->output.at[i]);
    NcNode *var = g->assign.at[i];
    // The variable itself tells whether what is written is what is read.
    nc_putf(&s.text, "->%s:%d ", nc_attr_str(var, "kind"), s.number[var->id]);
  }
  if (s.fits && s.leaf.n == g->input.n) {
    p.text = nc_buf_str(&s.text);
    p.leaf = s.leaf.at;
  }
  return p;
}

// Leaves that are to lie in a pack must not be wanted in another one, nor be a result that others rely on finding
// elsewhere.
typedef struct {
  NcRegions *r;
  bool *packed;            // by node id
  bool *output;            // by node id of bases
} Merge;

static bool may_pack(const Merge *m, const NcNode *n) {
  if (m->packed[n->id] || m->output[n->id]) return false;
  return strcmp(n->op->name, "var") == 0 || (m->r->producer[n->id] && !nc_is_leaf(n));
}

static bool assigned_in_place(const NcRegions *r, const NcNode *n) {
  const NcRegion *g = r->producer[n->id];
  for (int i = 0; g && i < g->output.n; i++)
    if (g->output.at[i] == n && g->assign.at[i]) return true;
  return false;
}

static bool part_fits(const Merge *m, const Part *p) {
  for (int i = 0; i < p->g->input.n; i++) {
    bool shared = is_scalar(p->leaf[i]) && !nc_attr(p->leaf[i], "kind");
    if (!shared && (!may_pack(m, p->leaf[i]) || assigned_in_place(m->r, p->leaf[i]))) return false;
  }
  for (int i = 0; i < p->g->output.n; i++)
    if (m->packed[p->g->assign.at[i]->id]) return false;
  return true;
}

// Two parts may want the same leaf, as where a sum passes equal gradients to the shifts of two norms: it can lie in one.
static void claim(Merge *m, const Part *p, bool taken) {
  for (int i = 0; i < p->g->input.n; i++)
    if (!is_scalar(p->leaf[i]) || nc_attr(p->leaf[i], "kind")) m->packed[p->leaf[i]->id] = taken;
  for (int i = 0; i < p->g->output.n; i++) m->packed[p->g->assign.at[i]->id] = taken;
}

static void take(Merge *m, NcRegion *into, int part, const Part *p) {
  int in = p->g->input.n, out = p->g->output.n;
  into->part_input[part] = nc_memdup(m->r->arena, p->leaf, (size_t)in * sizeof(NcNode *));
  into->part_output[part] = nc_memdup(m->r->arena, p->g->output.at, (size_t)out * sizeof(NcNode *));
  into->part_assign[part] = nc_memdup(m->r->arena, p->g->assign.at, (size_t)out * sizeof(NcNode *));
  for (int i = 0; i < out; i++) m->r->producer[p->g->output.at[i]->id] = into;
}

static void merge(Merge *m, int n, const Part *part) {
  NcRegion *g = part[0].g;
  g->kind = NC_REGION_UPDATE;
  g->part_input = NC_NEW_N(m->r->arena, NcNode **, n);
  g->part_output = NC_NEW_N(m->r->arena, NcNode **, n);
  g->part_assign = NC_NEW_N(m->r->arena, NcNode **, n);
  for (int p = 0; p < n; p++) {
    take(m, g, p, &part[p]);
    if (p) part[p].g->output.n = 0;   // dropped below
  }
  for (int i = 0; i < g->input.n; i++) g->input.at[i] = part[0].leaf[i];
  g->parts = n;
}

bool nc_merge_updates(NcState *s) {
  NcRegions *r = s->regions;
  if (s->options->no_fuse || s->options->apart) return true;
  Merge m = {r, NC_NEW_N(r->arena, bool, r->graph->node.n + 1), NC_NEW_N(r->arena, bool, r->graph->node.n + 1)};
  for (int i = 0; i < r->graph->output.n; i++) m.output[nc_base(r->graph->output.at[i].node)->id] = true;
  Part *part = NC_NEW_N(r->arena, Part, r->region.n + 1), *group = NC_NEW_N(r->arena, Part, r->region.n + 1);
  int *number = NC_NEW_N(r->arena, int, r->graph->node.n + 1);
  for (int i = 0; i < r->region.n; i++) part[i] = signature(r, r->region.at[i], number);
  for (int i = 0; i < r->region.n; i++) {
    int n = 0;
    for (int k = i; part[i].text && k < r->region.n; k++) {
      if (!part[k].text || strcmp(part[i].text, part[k].text) != 0 || !part_fits(&m, &part[k])) continue;
      claim(&m, &part[k], true);
      group[n++] = part[k];
      if (k != i) part[k].text = NULL;
    }
    if (n > 1) merge(&m, n, group);
    else if (n) claim(&m, &group[0], false);
  }
  int kept = 0;
  for (int i = 0; i < r->region.n; i++)
    if (r->region.at[i]->output.n) r->region.at[kept++] = r->region.at[i];
  r->region.n = kept;
  return true;
}
