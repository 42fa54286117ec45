// The graph as text: one node per line, in id order (read.c reads it back).
//
//   graph NAME {
//     %ID = OP(%A, %B){key=value, list=[1,2], word="text"} : TYPE[SIZES] @FILE:BEGIN-END
//     output "NAME" = %ID
//     effect %ID
//   }
//
// An attribute that is a graph is written as one, with its own ids. The place after @ is left out where a node has none.
#include "graph/graph.h"
#include "ops/op.h"

static void put_graph(NcBuf *b, const NcGraph *g, int depth, bool places);

static void put_attr(NcBuf *b, const NcAttr *a, int depth, bool places) {
  nc_putf(b, "%s=", a->key);
  bool list = a->kind == NC_ATTR_INTS || a->kind == NC_ATTR_FLOATS;
  if (list) nc_putc(b, '[');
  for (int i = 0; list && i < a->n; i++) {
    if (i) nc_putc(b, ',');
    if (a->kind == NC_ATTR_INTS) nc_putf(b, "%lld", (long long)a->ints[i]);
    else nc_put_double(b, a->floats[i]);
  }
  if (list) nc_putc(b, ']');
  if (a->kind == NC_ATTR_INT) nc_putf(b, "%lld", (long long)a->i);
  if (a->kind == NC_ATTR_FLOAT) nc_put_double(b, a->f);
  if (a->kind == NC_ATTR_STR) nc_put_json(b, a->s);
  if (a->kind == NC_ATTR_GRAPH) put_graph(b, a->g, depth + 1, places);
}

static void put_node(NcBuf *b, const NcNode *n, int depth, bool places) {
  nc_putf(b, "%%%d = %s(", n->id, n->op->name);
  for (int i = 0; i < n->nin; i++) nc_putf(b, "%s%%%d", i ? ", " : "", n->in[i]->id);
  nc_putc(b, ')');
  for (int i = 0; i < n->nattr; i++) {
    nc_put(b, i ? ", " : "{");
    put_attr(b, &n->attr[i], depth, places);
  }
  if (n->nattr) nc_putc(b, '}');
  nc_put(b, " : ");
  nc_put_type(b, n->type);
  if (places && n->at.file) nc_putf(b, " @%u:%u-%u", n->at.file, n->at.begin, n->at.end);
}

void nc_node_print(const NcNode *n, NcBuf *b) { put_node(b, n, 0, true); }

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(const char *s) {
  if (!letter(*s)) return false;
  while (letter(*s) || digit(*s)) s++;
  return !*s;
}

static void line(NcBuf *b, int depth) {
  nc_putc(b, '\n');
  for (int i = 0; i < depth; i++) nc_put(b, "  ");
}

static void put_graph(NcBuf *b, const NcGraph *g, int depth, bool places) {
  nc_put(b, "graph ");
  if (!places) nc_put(b, "g");
  else if (is_word(g->name)) nc_put(b, g->name);
  else nc_put_json(b, g->name);
  nc_put(b, " {");
  for (int i = 0; i < g->node.n; i++) {
    line(b, depth + 1);
    put_node(b, g->node.at[i], depth, places);
  }
  for (int i = 0; i < g->output.n; i++) {
    line(b, depth + 1);
    nc_put(b, "output ");
    nc_put_json(b, g->output.at[i].name);
    nc_putf(b, " = %%%d", g->output.at[i].node->id);
  }
  for (int i = 0; i < g->effect.n; i++) {
    line(b, depth + 1);
    nc_putf(b, "effect %%%d", g->effect.at[i]->id);
  }
  line(b, depth);
  nc_putc(b, '}');
}

void nc_graph_print(const NcGraph *g, NcBuf *b) {
  put_graph(b, g, 0, true);
  nc_putc(b, '\n');
}

const char *nc_graph_identity(const NcGraph *g, NcArena *a) {
  NcBuf b = NC_BUF(a);
  put_graph(&b, g, 0, false);
  return nc_buf_str(&b);
}
