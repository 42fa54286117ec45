// A graph from its text (text.c says how it is written; `#` begins a comment). The reader believes nothing: every node goes
// through its operation's rule, and its type must be the one that is written.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "graph/graph.h"
#include "ops/op.h"

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }

typedef struct {
  NcArena *a;
  NcDiag *d;             // of the caller
  NcDiag *aside;         // of the graph while it is read: rules report there; it is told again with the text's place
  const char *name, *text, *p;
  NcGraph *g;
  NC_VEC(NcNode *) node; // by the text's ids
  int depth;             // of graphs within graphs
  bool failed;
} Reader;

enum { MAX_DEPTH = 16 };

// Reports once, at [from, p). The text becomes a source only now, so that the places in it stay what they were.
__attribute__((format(printf, 3, 4))) static bool fail(Reader *r, const char *from, const char *fmt, ...) {
  if (r->failed) return false;
  r->failed = true;
  va_list ap;
  va_start(ap, fmt);
  const char *why = nc_vsprintf(r->a, fmt, ap);
  va_end(ap);
  uint32_t file = nc_diag_source(r->d, r->name, r->text, strlen(r->text));
  const char *to = r->p > from ? r->p : from + (*from != 0);
  NcRange at = {file, (uint32_t)(from - r->text), (uint32_t)(to - r->text)};
  NcMessage *m = nc_error(r->d, NC_E0801, at, "%s", why);
  if (r->aside->messages.n) {
    NcCode code = r->aside->messages.at[0]->code;
    nc_note(r->d, m, "%s: %s", nc_code_name(code), nc_code_title(code));
  }
  return false;
}

static void skip(Reader *r) {
  for (;; r->p++) {
    if (*r->p == '#')
      while (*r->p && *r->p != '\n') r->p++;
    if (*r->p != ' ' && *r->p != '\t' && *r->p != '\n' && *r->p != '\r') return;
  }
}

static bool accept(Reader *r, const char *what) {
  skip(r);
  size_t n = strlen(what);
  if (strncmp(r->p, what, n) != 0) return false;
  r->p += n;
  return true;
}

static bool expect(Reader *r, const char *what) {
  return accept(r, what) || fail(r, r->p, "`%s` is missing here", what);
}

static const char *word(Reader *r) {
  skip(r);
  const char *from = r->p;
  while (letter(*r->p) || (r->p > from && digit(*r->p))) r->p++;
  if (r->p == from) {
    fail(r, from, "a name is missing here");
    return NULL;
  }
  return nc_strndup(r->a, from, (size_t)(r->p - from));
}

static bool integer(Reader *r, int64_t lo, int64_t hi, int64_t *out) {
  skip(r);
  const char *from = r->p, *d = from + (*from == '-');
  if (!digit(*d)) return fail(r, from, "an integer is missing here");
  char *end;
  errno = 0;
  long long v = strtoll(from, &end, 10);
  r->p = end;
  if (errno || v < lo || v > hi) return fail(r, from, "this number is out of range");
  *out = v;
  return true;
}

static bool real(Reader *r, double *out) {
  skip(r);
  const char *from = r->p;
  char *end;
  double v = strtod(from, &end);
  if (end == from) return fail(r, from, "a number is missing here");
  r->p = end;
  *out = v;
  return true;
}

static void put_utf8(NcBuf *b, unsigned c) {
  if (c < 0x80) nc_putc(b, (char)c);
  else if (c < 0x800) nc_putf(b, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
  else nc_putf(b, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
}

static bool escape(Reader *r, NcBuf *b) {
  const char *from = r->p++;
  char c = *r->p++;
  if (c == 'n') nc_putc(b, '\n');
  else if (c == 't') nc_putc(b, '\t');
  else if (c == '"' || c == '\\') nc_putc(b, c);
  else if (c == 'u') {
    unsigned v = 0;
    for (int i = 0; i < 4; i++, r->p++) {
      char h = *r->p;
      int x = digit(h) ? h - '0' : h >= 'a' && h <= 'f' ? h - 'a' + 10 : -1;
      if (x < 0) return fail(r, from, "four hexadecimal digits belong here");
      v = v << 4 | (unsigned)x;
    }
    if (v == 0 || (v >= 0xd800 && v < 0xe000)) return fail(r, from, "a string cannot hold this character");
    put_utf8(b, v);
  } else {
    r->p--;
    return fail(r, from, "this escape is unknown");
  }
  return true;
}

static const char *string(Reader *r) {
  skip(r);
  const char *from = r->p;
  if (*r->p != '"') {
    fail(r, from, "a string is missing here");
    return NULL;
  }
  NcBuf b = NC_BUF(r->a);
  for (r->p++; *r->p != '"';) {
    if ((unsigned char)*r->p < 0x20) {
      fail(r, from, "this string does not end");
      return NULL;
    }
    int n = nc_utf8(r->p);
    if (!n) {
      fail(r, r->p, "this is not UTF-8");
      return NULL;
    }
    if (*r->p == '\\') {
      if (!escape(r, &b)) return NULL;
      continue;
    }
    nc_putn(&b, r->p, (size_t)n);
    r->p += n;
  }
  r->p++;
  return nc_buf_str(&b);
}

static NcNode *reference(Reader *r) {
  int64_t id;
  if (!expect(r, "%")) return NULL;
  const char *from = r->p - 1;
  if (!integer(r, 0, INT32_MAX, &id)) return NULL;
  if (id < r->node.n) return r->node.at[id];
  fail(r, from, "%%%lld is not defined above", (long long)id);
  return NULL;
}

static bool graph(Reader *r);

// A graph within: it has ids of its own.
static bool inner(Reader *r, NcAttr *a) {
  NcGraph *g = r->g;
  NcNode **at = r->node.at;
  int n = r->node.n, cap = r->node.cap;
  if (++r->depth > MAX_DEPTH) return fail(r, r->p, "graphs are nested too deeply");
  r->node.at = NULL;
  r->node.n = r->node.cap = 0;
  bool ok = graph(r);
  a->g = r->g;
  r->depth--;
  r->g = g;
  r->node.at = at;
  r->node.n = n;
  r->node.cap = cap;
  return ok;
}

static bool list_next(Reader *r, int n) { return n == 0 ? !accept(r, "]") : accept(r, ",") || (expect(r, "]"), false); }

static bool value(Reader *r, NcAttr *a) {
  NC_VEC(int64_t) ints = {0};
  NC_VEC(double) floats = {0};
  switch (a->kind) {
  case NC_ATTR_INT: return integer(r, INT64_MIN, INT64_MAX, &a->i);
  case NC_ATTR_FLOAT: return real(r, &a->f);
  case NC_ATTR_STR: return (a->s = string(r));
  case NC_ATTR_INTS:
    if (!expect(r, "[")) return false;
    while (!r->failed && list_next(r, ints.n))
      if (!integer(r, INT64_MIN, INT64_MAX, NC_PUSH(r->a, ints))) return false;
    a->ints = ints.at;
    a->n = ints.n;
    return !r->failed;
  case NC_ATTR_FLOATS:
    if (!expect(r, "[")) return false;
    while (!r->failed && list_next(r, floats.n))
      if (!real(r, NC_PUSH(r->a, floats))) return false;
    a->floats = floats.at;
    a->n = floats.n;
    return !r->failed;
  case NC_ATTR_GRAPH: return inner(r, a);
  }
  return false;
}

enum { MAX_ATTRS = 16 };

static bool attributes(Reader *r, const NcOp *op, NcAttr *attr, int *count) {
  *count = 0;
  if (!accept(r, "{")) return true;
  do {
    skip(r);
    const char *from = r->p, *key = word(r);
    if (!key) return false;
    const NcAttrSpec *s = op->attrs;
    while (s && s->key && strcmp(s->key, key) != 0) s++;
    if (!s || !s->key) return fail(r, from, "`%s` has no attribute `%s`", op->name, key);
    for (int i = 0; i < *count; i++)
      if (strcmp(attr[i].key, key) == 0) return fail(r, from, "attribute `%s` is given twice", key);
    NcAttr *a = &attr[(*count)++];
    *a = (NcAttr){.key = key, .kind = s->kind};
    if (!expect(r, "=") || !value(r, a)) return false;
  } while (accept(r, ","));
  return expect(r, "}");
}

static bool all_given(Reader *r, const char *from, const NcOp *op, const NcAttr *attr, int count) {
  for (const NcAttrSpec *s = op->attrs; s && s->key; s++) {
    bool found = s->optional;
    for (int i = 0; i < count; i++) found = found || strcmp(attr[i].key, s->key) == 0;
    if (!found) return fail(r, from, "`%s` needs its attribute `%s`", op->name, s->key);
  }
  return true;
}

static bool type(Reader *r, NcType *t) {
  skip(r);
  const char *from = r->p, *name = word(r);
  if (!name) return false;
  *t = (NcType){0};
  if (!nc_dtype_find(name, &t->dtype)) return fail(r, from, "`%s` is no element type", name);
  if (!expect(r, "[")) return false;
  while (!r->failed && list_next(r, t->shape.rank)) {
    if (t->shape.rank == NC_MAX_RANK) return fail(r, r->p, "more than %d axes", NC_MAX_RANK);
    if (!integer(r, 1, INT32_MAX, &t->shape.dim[t->shape.rank])) return false;
    t->shape.rank++;
  }
  return !r->failed;
}

static bool place(Reader *r, NcRange *at) {
  int64_t v[3];
  *at = NC_NOWHERE;
  if (!accept(r, "@")) return true;
  if (!integer(r, 1, UINT32_MAX, &v[0]) || !expect(r, ":") || !integer(r, 0, UINT32_MAX, &v[1])) return false;
  const char *from = r->p;
  if (!expect(r, "-") || !integer(r, 0, UINT32_MAX, &v[2])) return false;
  if (v[2] < v[1]) return fail(r, from, "a range ends before it begins");
  *at = (NcRange){(uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2]};
  return true;
}

static const NcOp *operation(Reader *r) {
  skip(r);
  const char *from = r->p, *name = word(r);
  const NcOp *op = name ? nc_op(name) : NULL;
  if (!op && name) fail(r, from, "there is no operation `%s`", name);
  return op;
}

// After the %: ID = OP(...){...} : TYPE @PLACE
static bool node(Reader *r) {
  const char *from = r->p - 1;
  int64_t id;
  NC_VEC(NcNode *) in = {0};
  NcAttr attr[MAX_ATTRS];
  int nattr;
  NcType t;
  NcRange at;
  if (!integer(r, 0, INT32_MAX, &id)) return false;
  if (id != r->node.n) return fail(r, from, "%%%d must come next", r->node.n);
  if (!expect(r, "=")) return false;
  const NcOp *op = operation(r);
  if (!op || !expect(r, "(")) return false;
  if (!accept(r, ")")) {
    do {
      NcNode *n = reference(r);
      if (!n) return false;
      *NC_PUSH(r->a, in) = n;
    } while (accept(r, ","));
    if (!expect(r, ")")) return false;
  }
  if (!attributes(r, op, attr, &nattr) || !all_given(r, from, op, attr, nattr)) return false;
  if (!expect(r, ":") || !type(r, &t) || !place(r, &at)) return false;
  NcNode *n = op->kind == NC_LEAF ? nc_leaf(r->g, op, at, t, in.n, in.at, nattr, attr)
                                  : nc_node(r->g, op, at, in.n, in.at, nattr, attr);
  if (!n) return fail(r, from, "%s", r->aside->messages.n ? r->aside->messages.at[0]->text : "this node is not valid");
  if (!nc_type_eq(n->type, t))
    return fail(r, from, "`%s` gives %s, not %s", op->name, nc_type_str(r->a, n->type), nc_type_str(r->a, t));
  *NC_PUSH(r->a, r->node) = n;
  return true;
}

static bool output(Reader *r) {
  skip(r);
  const char *from = r->p, *name = string(r);
  if (!name || !expect(r, "=")) return false;
  NcNode *n = reference(r);
  if (!n) return false;
  if (nc_graph_find_output(r->g, name)) return fail(r, from, "output \"%s\" is given twice", name);
  nc_graph_output(r->g, name, n);
  return true;
}

static bool effect(Reader *r) {
  skip(r);
  const char *from = r->p;
  NcNode *n = reference(r);
  if (!n) return false;
  if (n->op->kind != NC_EFFECT) return fail(r, from, "`%s` is no effect", n->op->name);
  nc_graph_effect(r->g, n);
  return true;
}

static bool graph(Reader *r) {
  if (!expect(r, "graph")) return false;
  skip(r);
  const char *name = *r->p == '"' ? string(r) : word(r);
  if (!name || !expect(r, "{")) return false;
  r->g = nc_graph_new(r->a, r->aside, name);
  while (!accept(r, "}")) {
    bool ok = accept(r, "%") ? node(r)
            : accept(r, "output") ? output(r)
            : accept(r, "effect") ? effect(r)
            : fail(r, r->p, *r->p ? "a node, an output or an effect belongs here" : "the graph does not end");
    if (!ok) return false;
  }
  return true;
}

static bool whole(Reader *r) {
  if (!graph(r)) return false;
  skip(r);
  return !*r->p || fail(r, r->p, "the text goes on after the graph");
}

NcGraph *nc_graph_read(NcArena *a, NcDiag *d, const char *name, const char *text) {
  Reader r = {.a = a, .d = d, .aside = nc_diag_new(a), .name = name, .text = text, .p = text};
  if (!whole(&r)) return NULL;
  r.g->diag = d;
  return r.g;
}
