// Patterns: parsed into nodes that know what follows them, matched by backtracking. Only sets repeat, so how deep the
// matching nests depends on the pattern, never on the text.
#include "data/pattern.h"
#include <stdlib.h>
#include <string.h>
#include "data/tokens.h"

// ---- nodes

typedef struct { uint32_t first, last; unsigned classes; bool not; } Item;     // a range, or classes
typedef struct { NC_VEC(Item) item; bool not, any_case; } Set;

typedef struct Node Node;
struct Node {
  enum { ACCEPT, JOIN, FORK, LOOK, REPEAT } kind;
  Node *next;                            // what must follow; of FORK, nothing
  NC_VEC(Node *) way;                    // FORK: in order; LOOK: the one that is looked for
  bool negative;                         // LOOK
  Set set;                               // REPEAT: least to most characters of it
  size_t least, most;
  bool possessive;                       // gives nothing back
};

struct NcPattern { Node *root; };

// ---- reading

typedef struct { NcArena *a; const char *s, *why; bool any_case; int depth; } Reader;

static bool refuse(Reader *r, const char *why) {
  if (!r->why) r->why = why;
  return false;
}

static uint32_t next_code(Reader *r) {
  uint32_t c = 0;
  int n = nc_code_point((const unsigned char *)r->s, strlen(r->s), &c);
  if (!n) refuse(r, "is no UTF-8");
  r->s += n ? n : 0;
  return c;
}

// \p{Lu}, \p{L}, \p{^L}: the brace is next.
static bool property(Reader *r, Item *i) {
  size_t n = strcspn(r->s, "}"), from = r->s[0] == '{' && r->s[1] == '^' ? 2 : 1;
  if (*r->s == '{' && r->s[n] == '}' && n > from) i->classes = nc_unicode_named(r->s + from, n - from);
  if (!i->classes) return refuse(r, nc_sprintf(r->a, "has `\\p%.*s`", (int)n + 1, r->s));
  i->not = i->not != (from == 2);
  r->s += n + 1;
  return true;
}

// After a backslash; a class or one character.
static bool escaped(Reader *r, Item *i) {
  static const struct { char name; unsigned is; uint32_t code; } known[] = {
    {'s', NC_SPACE, 0}, {'S', NC_SPACE, 0}, {'w', NC_WORD, 0}, {'W', NC_WORD, 0}, {'d', NC_Nd, 0}, {'D', NC_Nd, 0}, {'r', 0, '\r'}, {'n', 0, '\n'}, {'t', 0, '\t'}, {'f', 0, '\f'}, {'v', 0, '\v'}};
  char c = *r->s;
  if (c == 'p' || c == 'P') return i->not = c == 'P', r->s++, property(r, i);
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    if (known[k].name != c) continue;
    *i = (Item){known[k].code, known[k].code, known[k].is, known[k].is && c < 'a'};
    return r->s++, true;
  }
  if (!c || (unsigned char)c >= 0x80 || (nc_unicode_class((unsigned char)c) & NC_LETTER) || (c >= '0' && c <= '9'))
    return refuse(r, nc_sprintf(r->a, "has `\\%c`", c ? c : ' '));
  i->first = i->last = (unsigned char)c;
  return r->s++, true;
}

static bool one_item(Reader *r, Item *i) {
  *i = (Item){0};
  if (*r->s == '\\') return r->s++, escaped(r, i);
  i->first = i->last = next_code(r);
  return !r->why;
}

static bool in_brackets(Reader *r, Set *set) {
  if (*r->s == '^') set->not = true, r->s++;
  do {
    Item i, last;
    if (!*r->s) return refuse(r, "has `[` without `]`");
    if (*r->s == '[' || strncmp(r->s, "&&", 2) == 0) return refuse(r, "has a class within a class");
    if (!one_item(r, &i)) return false;
    if (!i.classes && *r->s == '-' && r->s[1] != ']') {
      r->s++;
      if (!*r->s || !one_item(r, &last)) return refuse(r, "has `[` without `]`");
      if (last.classes || last.last < i.first) return refuse(r, "has a range that ends before it begins");
      i.last = last.last;
    }
    *NC_PUSH(r->a, set->item) = i;
  } while (*r->s != ']');
  return r->s++, true;
}

enum { MANY = 1 << 20 };

static bool times(Reader *r, Node *n) {
  n->least = n->most = 1;
  char c = *r->s;
  if (c == '{') {
    char *end;
    n->least = n->most = strtoul(r->s + 1, &end, 10);
    if (*end == ',') n->most = end[1] == '}' ? (end++, SIZE_MAX) : strtoul(end + 1, &end, 10);
    if (*end != '}' || n->least > MANY || n->most < n->least || (n->most > MANY && n->most != SIZE_MAX))
      return refuse(r, "has a number of times that cannot be read");
    r->s = end + 1;
    if (*r->s == '+') return refuse(r, "has `}+`");
  } else if (c == '?' || c == '*' || c == '+') {
    n->least = c == '+';
    n->most = c == '?' ? 1 : SIZE_MAX;
    r->s++;
    n->possessive = *r->s == '+';
    r->s += n->possessive;
  }
  if (*r->s == '?' || *r->s == '*' || *r->s == '+' || *r->s == '{') return refuse(r, nc_sprintf(r->a, "has `%.2s`", r->s - 1));
  return true;
}

static Node *node(Reader *r, int kind) {
  Node *n = NC_NEW(r->a, Node);
  n->kind = kind;
  return n;
}

static Node *alternatives(Reader *r, Node *end);

// After `(`: *out is the node whose `next` is what follows the group.
static Node *group(Reader *r, Node **out) {
  static const struct { const char *head; bool any_case, ahead, negative; } known[] = {
    {"?:", false, false, false}, {"?i:", true, false, false}, {"?=", false, true, false}, {"?!", false, true, true}};
  bool before = r->any_case, ahead = false, negative = false;
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    if (strncmp(r->s, known[k].head, strlen(known[k].head))) continue;
    r->s += strlen(known[k].head);
    r->any_case = before || known[k].any_case;
    ahead = known[k].ahead;
    negative = known[k].negative;
    break;
  }
  if (*r->s == '?') return refuse(r, nc_sprintf(r->a, "has `(%.2s`", r->s)), NULL;
  Node *first = ahead ? node(r, LOOK) : node(r, FORK), *end = node(r, ahead ? ACCEPT : JOIN), *inner = alternatives(r, end);
  r->any_case = before;
  if (!inner) return NULL;
  if (*r->s != ')') return refuse(r, "has `(` without `)`"), NULL;
  r->s++;
  *NC_PUSH(r->a, first->way) = inner;
  first->negative = negative;
  *out = ahead ? first : end;
  if (!ahead && *r->s == '?') r->s++, *NC_PUSH(r->a, first->way) = end;
  if (*r->s && strchr("?*+{", *r->s)) return refuse(r, "repeats a group"), NULL;
  return first;
}

static Node *one(Reader *r, Node **out) {
  if (*r->s == '(') return r->s++, group(r, out);
  if (*r->s && strchr("*+?{^$)", *r->s)) return refuse(r, nc_sprintf(r->a, "has `%c`", *r->s)), NULL;
  Node *n = *out = node(r, REPEAT);
  Item i;
  n->set.any_case = r->any_case;
  if (*r->s == '[') {
    r->s++;
    if (!in_brackets(r, &n->set)) return NULL;
  } else if (*r->s == '.') {
    r->s++;
    n->set.not = true;
    *NC_PUSH(r->a, n->set.item) = (Item){'\n', '\n', 0, false};
  } else if (one_item(r, &i)) {
    *NC_PUSH(r->a, n->set.item) = i;
  } else {
    return NULL;
  }
  return times(r, n) ? n : NULL;
}

// A node that leads through the sequence to `end`.
static Node *sequence(Reader *r, Node *end) {
  Node *first = NULL, **link = &first;
  while (*r->s && *r->s != '|' && *r->s != ')') {
    Node *out = NULL, *n = one(r, &out);
    if (!n) return NULL;
    *link = n;
    link = &out->next;
  }
  *link = end;
  return first;
}

static Node *alternatives(Reader *r, Node *end) {
  enum { DEEPEST = 32 };
  if (++r->depth > DEEPEST) return refuse(r, "has too many groups within groups"), NULL;
  Node *fork = node(r, FORK);
  do {
    r->s += fork->way.n > 0;
    Node *way = sequence(r, end);
    if (!way) return NULL;
    *NC_PUSH(r->a, fork->way) = way;
  } while (*r->s == '|');
  r->depth--;
  return fork;
}

NcPattern *nc_pattern_parse(NcArena *a, const char *text, const char **why) {
  enum { LONGEST = 4096 };
  Reader r = {.a = a, .s = text};
  NcPattern *p = NC_NEW(a, NcPattern);
  if (strlen(text) > LONGEST) return *why = "is too long", NULL;
  p->root = alternatives(&r, node(&r, ACCEPT));
  if (p->root && *r.s) refuse(&r, "has `)` without `(`");
  *why = r.why;
  return r.why ? NULL : p;
}

NcPattern *nc_pattern_literal(NcArena *a, const char *text) {
  Reader r = {.a = a, .s = text};
  NcPattern *p = NC_NEW(a, NcPattern);
  for (Node **link = &p->root;; link = &(*link)->next) {
    *link = node(&r, *r.s ? REPEAT : ACCEPT);
    if (!*r.s) return p;
    uint32_t c = next_code(&r);
    if (r.why) return NULL;
    (*link)->least = (*link)->most = 1;
    *NC_PUSH(a, (*link)->set.item) = (Item){c, c, 0, false};
  }
}

// ---- matching

typedef struct { const char *s; size_t n, steps; } Text;

static size_t code_at(const Text *t, size_t at, uint32_t *c) {
  int k = nc_code_point((const unsigned char *)t->s + at, t->n - at, c);
  return k ? (size_t)k : (*c = 0xfffd, 1);             // a stray byte is a character of its own
}

static size_t step_back(const Text *t, size_t from, size_t at) {
  uint32_t c;
  for (size_t k = 4; k > 1; k--)
    if (at >= from + k && (size_t)nc_code_point((const unsigned char *)t->s + at - k, t->n - at + k, &c) == k) return at - k;
  return at - 1;
}

static bool in_range(const Set *s, uint32_t c) {
  for (int i = 0; i < s->item.n; i++)
    if (!s->item.at[i].classes && c >= s->item.at[i].first && c <= s->item.at[i].last) return true;
  return false;
}

static bool in_class(const Set *s, uint32_t c) {
  unsigned is = 0;
  for (int i = 0; i < s->item.n; i++) {
    const Item *x = &s->item.at[i];
    if (x->classes && !is) is = nc_unicode_class(c);
    if (x->classes && ((is & x->classes) != 0) != x->not) return true;
  }
  return false;
}

static bool in_set(const Set *s, uint32_t c) {
  bool found = in_range(s, c) || in_class(s, c);
  if (s->any_case && !found) {                         // classes mean what they say
    uint32_t other = c == 0x17f ? 's' : c == 0x212a ? 'k' : c;   // the long s, the sign of the Kelvin
    bool letter = (other | 32) >= 'a' && (other | 32) <= 'z';
    found = letter && (in_range(s, other | 32) || in_range(s, other & ~32u));
  }
  return found != s->not;
}

static size_t match(Text *t, const Node *n, size_t at) {
  enum { MOST_STEPS = 1 << 20 };
  if (++t->steps > MOST_STEPS + 4 * t->n) return NC_TOO_LONG;
  for (;; n = n->next) {
    if (n->kind == ACCEPT) return at;
    if (n->kind == FORK || n->kind == LOOK) {
      size_t end = NC_NO_MATCH;
      for (int i = 0; i < n->way.n && end == NC_NO_MATCH; i++) end = match(t, n->way.at[i], at);
      if (n->kind == FORK || end == NC_TOO_LONG) return end;
      if ((end == NC_NO_MATCH) != n->negative) return NC_NO_MATCH;
    }
    if (n->kind != REPEAT) continue;
    size_t count = 0, from = at;
    for (uint32_t c; count < n->most && at < t->n; count++) {
      size_t k = code_at(t, at, &c);
      if (!in_set(&n->set, c)) break;
      at += k;
    }
    if (count < n->least) return NC_NO_MATCH;
    if (n->possessive || count == n->least) continue;
    for (;; at = step_back(t, from, at), count--) {
      size_t end = match(t, n->next, at);
      if (end != NC_NO_MATCH || count == n->least) return end;
    }
  }
}

size_t nc_pattern_match(const NcPattern *p, const char *s, size_t n, size_t at) {
  return match(&(Text){s, n, 0}, p->root, at);
}
