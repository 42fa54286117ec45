// Graph nodes: made once each (hash-consing), typed by their operation's rule.
#include "graph/graph.h"
#include <math.h>
#include <string.h>
#include "ops/op.h"

enum { MAX_INT = INT32_MAX };
static const int64_t max_count = (int64_t)1 << 40;

NcGraph *nc_graph_new(NcArena *a, NcDiag *d, const char *name) {
  NcGraph *g = NC_NEW(a, NcGraph);
  g->arena = a;
  g->diag = d;
  g->name = nc_strdup(a, name);
  g->strings = NC_MAP(a);
  g->table_size = 64;
  g->table = NC_NEW_N(a, NcNode *, g->table_size);
  return g;
}

// ---- attributes

// Most keys are one literal of the library, which the linker keeps once.
static bool is_key(const char *a, const char *b) { return a == b || (*a == *b && strcmp(a, b) == 0); }

const NcAttr *nc_attr(const NcNode *n, const char *key) {
  for (int i = 0; i < n->nattr; i++)
    if (is_key(n->attr[i].key, key)) return &n->attr[i];
  return NULL;
}

int64_t nc_attr_int(const NcNode *n, const char *key) { return nc_attr(n, key)->i; }
double nc_attr_float(const NcNode *n, const char *key) { return nc_attr(n, key)->f; }
const char *nc_attr_str(const NcNode *n, const char *key) { return nc_attr(n, key)->s; }

const NcGraph *nc_attr_graph(const NcNode *n, const char *key) { return nc_attr(n, key)->g; }

const int64_t *nc_attr_ints(const NcNode *n, const char *key, int *count) {
  const NcAttr *a = nc_attr(n, key);
  if (count) *count = a->n;
  return a->ints;
}

const double *nc_attr_floats(const NcNode *n, const char *key, int *count) {
  const NcAttr *a = nc_attr(n, key);
  if (count) *count = a->n;
  return a->floats;
}

static bool int_ok(NcGraph *g, const NcNode *n, const char *key, int64_t v) {
  if (v >= -(int64_t)MAX_INT && v <= MAX_INT) return true;
  nc_error(g->diag, NC_E0209, n->at, "`%s`: %s = %lld is out of range", n->op->name, key, (long long)v);
  return false;
}

// The attribute as the graph keeps it: strings interned, lists not yet copied, NaNs one.
static bool settle(NcGraph *g, const NcNode *n, NcAttr *a) {
  if (a->kind == NC_ATTR_STR) a->s = nc_intern(&g->strings, a->s, strlen(a->s));
  if (a->kind == NC_ATTR_GRAPH) {
    const char *text = a->s ? a->s : nc_graph_identity(a->g, g->arena);
    a->s = nc_intern(&g->strings, text, strlen(text));
  }
  if (a->kind == NC_ATTR_FLOAT && isnan(a->f)) a->f = NAN;
  if (a->kind == NC_ATTR_INT) return int_ok(g, n, a->key, a->i);
  if (a->kind == NC_ATTR_INTS)
    for (int i = 0; i < a->n; i++)
      if (!int_ok(g, n, a->key, a->ints[i])) return false;
  return true;
}

// Brings the given attributes into the row's order. An attribute that the row does not know, has another
// kind, or is missing is a mistake of the compiler (the text reader checks before it comes here).
static bool order_attrs(NcGraph *g, NcNode *n, int nattr, const NcAttr *attr, NcAttr *out) {
  int used = 0;
  for (const NcAttrSpec *s = n->op->attrs; s && s->key; s++) {
    const NcAttr *found = NULL;
    for (int i = 0; i < nattr; i++)
      if (attr[i].kind == s->kind && is_key(attr[i].key, s->key)) found = &attr[i];
    if (!found && s->optional) continue;
    if (!found) {
      nc_error(g->diag, NC_E0901, n->at, "`%s` lacks its attribute `%s`", n->op->name, s->key);
      return false;
    }
    out[used] = *found;
    out[used].key = s->key;
    if (!settle(g, n, &out[used])) return false;
    used++;
  }
  if (used != nattr) {
    nc_error(g->diag, NC_E0901, n->at, "`%s` has attributes that it does not know", n->op->name);
    return false;
  }
  n->nattr = used;
  n->attr = out;
  return true;
}

// ---- hash-consing

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h ^ (h >> 32);
}

static uint64_t float_bits(double f) {
  uint64_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

static uint64_t hash_attr(uint64_t h, const NcAttr *a) {
  switch (a->kind) {
  case NC_ATTR_INT: return mix(h, (uint64_t)a->i);
  case NC_ATTR_INTS:
    for (int i = 0; i < a->n; i++) h = mix(h, (uint64_t)a->ints[i]);
    return h;
  case NC_ATTR_FLOAT: return mix(h, float_bits(a->f));
  case NC_ATTR_FLOATS:
    for (int i = 0; i < a->n; i++) h = mix(h, float_bits(a->floats[i]));
    return h;
  case NC_ATTR_STR: case NC_ATTR_GRAPH: return mix(h, (uint64_t)(uintptr_t)a->s);   // interned
  }
  return h;
}

static uint64_t hash_node(const NcNode *n) {
  uint64_t h = mix((uint64_t)(uintptr_t)n->op, (uint64_t)n->type.dtype);
  for (int i = 0; i < n->type.shape.rank; i++) h = mix(h, (uint64_t)n->type.shape.dim[i]);
  for (int i = 0; i < n->nin; i++) h = mix(h, (uint64_t)n->in[i]->id);
  for (int i = 0; i < n->nattr; i++) h = hash_attr(h, &n->attr[i]);
  return h;
}

bool nc_attr_equal(const NcAttr *a, const NcAttr *b) {
  if (a->key != b->key || a->kind != b->kind || a->n != b->n) return false;
  switch (a->kind) {
  case NC_ATTR_INT: return a->i == b->i;
  case NC_ATTR_INTS: return !a->n || memcmp(a->ints, b->ints, (size_t)a->n * sizeof *a->ints) == 0;
  case NC_ATTR_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
  case NC_ATTR_FLOATS: return !a->n || memcmp(a->floats, b->floats, (size_t)a->n * sizeof *a->floats) == 0;
  case NC_ATTR_STR: case NC_ATTR_GRAPH: return a->s == b->s || (a->s && b->s && strcmp(a->s, b->s) == 0);
  }
  return false;
}

static bool same(const NcNode *a, const NcNode *b) {
  if (a->hash != b->hash || a->op != b->op || a->nin != b->nin || a->nattr != b->nattr) return false;
  if (!nc_type_eq(a->type, b->type)) return false;
  for (int i = 0; i < a->nin; i++)
    if (a->in[i] != b->in[i]) return false;
  for (int i = 0; i < a->nattr; i++)
    if (!nc_attr_equal(&a->attr[i], &b->attr[i])) return false;
  return true;
}

static void grow_table(NcGraph *g) {
  int size = g->table_size * 2;
  NcNode **table = NC_NEW_N(g->arena, NcNode *, size);
  for (int i = 0; i < g->table_size; i++)
    for (NcNode *n = g->table[i], *next; n; n = next) {
      next = n->same_hash;
      NcNode **slot = &table[n->hash & (uint64_t)(size - 1)];
      n->same_hash = *slot;
      *slot = n;
    }
  g->table = table;
  g->table_size = size;
}

static void enter(NcGraph *g, NcNode *n) {
  NcNode **slot = &g->table[n->hash & (uint64_t)(g->table_size - 1)];
  n->same_hash = *slot;
  *slot = n;
  g->table_used++;
}

NcGraph *nc_graph_prune(NcGraph *g) {
  const bool *live = nc_graph_reached(g, g->arena);
  int n = 0;
  memset(g->table, 0, (size_t)g->table_size * sizeof *g->table);
  g->table_used = 0;
  for (int i = 0; i < g->node.n; i++) {
    NcNode *node = g->node.at[i];
    if (!live[i]) continue;
    node->id = n;
    g->node.at[n++] = node;
    node->hash = hash_node(node);   // operands have new ids
    if (node->op->pure) enter(g, node);
  }
  g->node.n = n;
  return g;
}

// Moves a finished candidate into the graph.
static NcNode *keep(NcGraph *g, const NcNode *candidate) {
  NcNode *n = NC_NEW(g->arena, NcNode);
  *n = *candidate;
  n->in = nc_memdup(g->arena, candidate->in, (size_t)n->nin * sizeof *n->in);
  n->attr = nc_memdup(g->arena, candidate->attr, (size_t)n->nattr * sizeof *n->attr);
  for (int i = 0; i < n->nattr; i++) {
    NcAttr *a = &n->attr[i];
    if (a->kind == NC_ATTR_INTS) a->ints = nc_memdup(g->arena, a->ints, (size_t)a->n * sizeof *a->ints);
    if (a->kind == NC_ATTR_FLOATS) a->floats = nc_memdup(g->arena, a->floats, (size_t)a->n * sizeof *a->floats);
    if (a->kind == NC_ATTR_GRAPH && a->g->arena != g->arena) a->g = nc_graph_rewrite(a->g, g->arena, NULL, NULL, NULL);
  }
  n->id = g->node.n;
  *NC_PUSH(g->arena, g->node) = n;
  if (!n->op->pure) return n;
  if (g->table_used >= g->table_size) grow_table(g);
  enter(g, n);
  return n;
}

// ---- making nodes

// Sizes are positive and small enough that index arithmetic cannot overflow.
static bool sizes_ok(NcGraph *g, const NcNode *n) {
  int64_t count = 1;
  for (int i = 0; i < n->type.shape.rank; i++) {
    int64_t d = n->type.shape.dim[i];
    if (d < 1) {
      nc_error(g->diag, NC_E0208, n->at, "`%s` would have the shape %s, in which axis %d is empty", n->op->name,
               nc_type_str(g->diag->arena, n->type), i);
      return false;
    }
    if (d > MAX_INT || count > max_count / d) {
      nc_error(g->diag, NC_E0208, n->at, "`%s` would have too many elements", n->op->name);
      return false;
    }
    count *= d;
  }
  return true;
}

static NcNode *make(NcGraph *g, const NcOp *op, NcRange at, const NcType *type, int nin, NcNode *const *in, int nattr,
                    const NcAttr *attr) {
  NcNode n = {.op = op, .at = at, .nin = nin, .in = (NcNode **)in};
  for (int i = 0; i < nin; i++)
    if (!in[i]) return NULL;
  if (op->arity >= 0 && nin != op->arity) {
    nc_error(g->diag, NC_E0901, at, "`%s` takes %d operands and was given %d", op->name, op->arity, nin);
    return NULL;
  }
  NcAttr ordered[8];
  if (!order_attrs(g, &n, nattr, attr, ordered)) return NULL;
  if (type) {
    n.type = *type;
    if (!sizes_ok(g, &n)) return NULL;
  }
  if (!op->infer(g->diag, &n, &n.type) || !sizes_ok(g, &n)) return NULL;
  n.hash = hash_node(&n);
  if (op->pure)
    for (NcNode *m = g->table[n.hash & (uint64_t)(g->table_size - 1)]; m; m = m->same_hash)
      if (same(m, &n)) return m;
  return keep(g, &n);
}

NcNode *nc_node(NcGraph *g, const NcOp *op, NcRange at, int nin, NcNode *const *in, int nattr, const NcAttr *attr) {
  return make(g, op, at, NULL, nin, in, nattr, attr);
}

NcNode *nc_leaf(NcGraph *g, const NcOp *op, NcRange at, NcType type, int nin, NcNode *const *in, int nattr,
                const NcAttr *attr) {
  return make(g, op, at, &type, nin, in, nattr, attr);
}

NcNode *nc_copy_node(NcGraph *g, const NcNode *n, NcNode *const *in) {
  return make(g, n->op, n->at, n->op->kind == NC_LEAF ? &n->type : NULL, n->nin, in, n->nattr, n->attr);
}

void nc_graph_output(NcGraph *g, const char *name, NcNode *n) {
  if (!n) return;
  name = nc_intern(&g->strings, name, strlen(name));   // as those of all outputs are
  for (int i = 0; i < g->output.n; i++)
    if (g->output.at[i].name == name) {
      g->output.at[i].node = n;
      return;
    }
  *NC_PUSH(g->arena, g->output) = (NcOutput){name, n};
}

void nc_graph_effect(NcGraph *g, NcNode *assign) {
  if (!assign) return;
  for (int i = 0; i < g->effect.n; i++)
    if (g->effect.at[i] == assign) return;
  *NC_PUSH(g->arena, g->effect) = assign;
}

NcNode *nc_graph_find_output(const NcGraph *g, const char *name) {
  for (int i = 0; i < g->output.n; i++)
    if (strcmp(g->output.at[i].name, name) == 0) return g->output.at[i].node;
  return NULL;
}
