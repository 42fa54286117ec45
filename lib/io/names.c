#include "io/names.h"
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "base/map.h"

enum { MOST_NUMBERS = 8, MOST_STARS = 4 };

typedef struct { int factor, var, plus; bool ordinal; } Term;    // factor * number[var] + plus

// One piece of a pattern: literal text, or (text NULL) a number `{i}` or a star.
typedef struct { const char *text; size_t n; bool star; Term term; } Bit;
typedef NC_VEC(Bit) Bits;

typedef struct {
  NcRange at;
  Bits left, right;
  bool drop, transpose, add;
  int share, shares, part, parts, axis;
} Rule;

struct NcNameMap { NC_VEC(Rule) rule; };

typedef struct {
  NcArena *a;
  NcDiag *d;
  uint32_t file;
  const char *text;
  int vars;
  char var[MOST_NUMBERS][16];
  bool good;
} Reader;

static bool bad(Reader *r, const char *at, size_t n, const char *what) {
  NcRange where = {r->file, (uint32_t)(at - r->text), (uint32_t)(at - r->text + (n ? n : 1))};
  nc_error(r->d, NC_E0412, where, "%s", what);
  return r->good = false;
}

// ---- reading

static int find_var(const Reader *r, const char *s, size_t n) {
  for (int i = 0; i < r->vars; i++)
    if (strlen(r->var[i]) == n && memcmp(r->var[i], s, n) == 0) return i;
  return -1;
}

static const char *digits(const char *s, const char *end, int *out) {
  *out = 0;
  while (s < end && isdigit((unsigned char)*s) && *out < 100000) *out = *out * 10 + (*s++ - '0');
  return s;
}

// Between the braces: i, i+1, 2*i-1, each perhaps with a # behind.
static bool term(Reader *r, const char *s, const char *end, bool left, Term *out) {
  const char *begin = s;
  *out = (Term){.factor = 1};
  if (s < end && isdigit((unsigned char)*s)) {
    s = digits(s, end, &out->factor);
    if (s == end || *s++ != '*') return bad(r, begin, (size_t)(end - begin), "expected `{2*i}`");
  }
  const char *name = s;
  while (s < end && isalpha((unsigned char)*s)) s++;
  size_t n = (size_t)(s - name);
  if (!n || n > 15) return bad(r, begin, (size_t)(end - begin), "a number has a name of letters, as in `{i}`");
  if (left && s == end && s - begin == (long)n) {
    if (find_var(r, name, n) >= 0) return bad(r, name, n, "this number is named twice");
    if (r->vars == MOST_NUMBERS) return bad(r, name, n, "at most 8 numbers in a line");
    memcpy(r->var[r->vars], name, n);
    r->var[r->vars][n] = 0;
    out->var = r->vars++;
    return true;
  }
  if (left) return bad(r, begin, (size_t)(end - begin), "on the left a number is just named: `{i}`");
  out->var = find_var(r, name, n);
  if (out->var < 0) return bad(r, name, n, "no number on the left has this name");
  if (s < end && (*s == '+' || *s == '-')) {
    int sign = *s++ == '-' ? -1 : 1, v;
    const char *to = digits(s, end, &v);
    if (to == s) return bad(r, begin, (size_t)(end - begin), "expected a number to add: `{i+1}`");
    out->plus = sign * v;
    s = to;
  }
  if (s < end && *s == '#') out->ordinal = true, s++;
  return s == end || bad(r, begin, (size_t)(end - begin), "expected `{i}`, `{i+1}`, `{2*i}` or `{i#}`");
}

static bool pattern(Reader *r, const char *s, const char *end, bool left, int *stars, Bits *out) {
  const char *begin = s;
  if (s == end) return bad(r, s, 1, "a name is missing here");
  while (s < end) {
    Bit b = {0};
    const char *to = s;
    if (*s == '*') {
      b.star = true;
      to++;
      if (++*stars > MOST_STARS) return bad(r, s, 1, "at most 4 stars in a line");
    } else if (*s == '{') {
      to = memchr(s, '}', (size_t)(end - s));
      if (!to) return bad(r, s, (size_t)(end - s), "this `{` is not closed");
      if (!term(r, s + 1, to++, left, &b.term)) return false;
    } else {
      while (to < end && *to != '*' && *to != '{') to++;
      b.text = nc_strndup(r->a, s, (size_t)(to - s));
      b.n = (size_t)(to - s);
    }
    if (left && out->n && !b.text && !out->at[out->n - 1].text)
      return bad(r, begin, (size_t)(end - begin), "between two numbers or stars there must be text");
    *NC_PUSH(r->a, *out) = b;
    s = to;
  }
  return true;
}

typedef struct { const char *s, *end; } Word;
static Word next_word(const char **s, const char *end) {
  while (*s < end && isspace((unsigned char)**s)) ++*s;
  Word w = {*s, *s};
  while (*s < end && !isspace((unsigned char)**s)) ++*s;
  w.end = *s;
  return w;
}
static bool is(Word w, const char *text) {
  return (size_t)(w.end - w.s) == strlen(text) && memcmp(w.s, text, strlen(text)) == 0;
}

static bool number(Reader *r, Word w, int least, int most, int *out) {
  const char *to = digits(w.s, w.end, out);
  if (w.s == w.end || to != w.end || *out < least || *out > most)
    return bad(r, w.s, (size_t)(w.end - w.s), nc_sprintf(r->a, "expected a number from %d to %d", least, most));
  return true;
}

static bool suffixes(Reader *r, const char *s, const char *end, Rule *rule) {
  for (Word w = next_word(&s, end); w.s < w.end; w = next_word(&s, end)) {
    if (is(w, "transpose")) rule->transpose = true;
    else if (is(w, "add")) rule->add = true;
    else if (is(w, "part") || is(w, "share")) {
      bool part = *w.s == 'p';
      Word k = next_word(&s, end), of = next_word(&s, end), n = next_word(&s, end);
      int *which = part ? &rule->part : &rule->share, *count = part ? &rule->parts : &rule->shares;
      if (!is(of, "of")) return bad(r, w.s, (size_t)(w.end - w.s), "expected `1 of 3` behind this");
      if (!number(r, n, 1, 1000, count) || !number(r, k, 1, *count, which)) return false;
    } else if (is(w, "axis")) {
      if (!number(r, next_word(&s, end), 0, NC_MAX_RANK - 1, &rule->axis)) return false;
    } else
      return bad(r, w.s, (size_t)(w.end - w.s), "expected `transpose`, `part`, `share`, `axis` or `add`");
  }
  bool both = (rule->parts != 0) + (rule->shares != 0) + rule->add > 1;
  return !both || bad(r, s, 1, "only one of `part`, `share` and `add` can stand in a line");
}

static bool line(Reader *r, const char *s, const char *end, Rule *rule) {
  const char *begin = s;
  int stars = 0, puts = 0;
  r->vars = 0;
  Word left = next_word(&s, end), arrow = next_word(&s, end), right = next_word(&s, end);
  rule->at = (NcRange){r->file, (uint32_t)(begin - r->text), (uint32_t)(end - r->text)};
  if (!is(arrow, "->")) return bad(r, begin, (size_t)(end - begin), "a line is `name there -> name here`");
  if (!pattern(r, left.s, left.end, true, &stars, &rule->left)) return false;
  rule->drop = is(right, "-");
  if (!rule->drop && !pattern(r, right.s, right.end, false, &puts, &rule->right)) return false;
  if (puts > stars) return bad(r, right.s, (size_t)(right.end - right.s), "there are more stars here than on the left");
  return suffixes(r, s, end, rule);
}

NcNameMap *nc_names_parse(NcArena *a, NcDiag *d, const char *name, const char *text, size_t size) {
  uint32_t file = nc_diag_source(d, name, text, size);
  Reader r = {.a = a, .d = d, .file = file, .text = nc_diag_file(d, file)->text, .good = true};
  NcNameMap *m = NC_NEW(a, NcNameMap);
  for (const char *s = r.text, *all = s + size; s < all;) {
    const char *end = memchr(s, '\n', (size_t)(all - s)), *stop;
    if (!end) end = all;
    const char *hash = s;   // a comment begins at a # that follows a space: `{i#}` is none
    while (hash < end && !(*hash == '#' && (hash == s || isspace((unsigned char)hash[-1])))) hash++;
    for (stop = hash; stop > s && isspace((unsigned char)stop[-1]); stop--) {}
    Rule rule = {0};
    if (stop > s && line(&r, s, stop, &rule)) *NC_PUSH(a, m->rule) = rule;
    s = end + 1;
  }
  return r.good ? m : NULL;
}

// ---- matching

typedef struct { long number[MOST_NUMBERS]; const char *star[MOST_STARS]; size_t length[MOST_STARS]; } Match;

static bool match(const Bits *p, int i, int stars, const char *s, Match *m) {
  if (i == p->n) return *s == 0;
  const Bit *b = &p->at[i];
  if (b->text) return strncmp(s, b->text, b->n) == 0 && match(p, i + 1, stars, s + b->n, m);
  if (b->star) {
    m->star[stars] = s;
    for (m->length[stars] = 0;; m->length[stars]++) {
      size_t tried = m->length[stars];
      if (match(p, i + 1, stars + 1, s + tried, m)) return true;
      m->length[stars] = tried;
      if (!s[tried]) return false;
    }
  }
  size_t n = strspn(s, "0123456789");
  if (n == 0 || n > 6) return false;
  m->number[b->term.var] = 0;
  for (size_t k = 0; k < n; k++) m->number[b->term.var] = m->number[b->term.var] * 10 + (s[k] - '0');
  return match(p, i + 1, stars, s + n, m);
}

static const char *written(NcArena *a, const Bits *p, const Match *m) {
  NcBuf b = NC_BUF(a);
  for (int i = 0, stars = 0; i < p->n; i++) {
    const Bit *x = &p->at[i];
    long v = x->text || x->star ? 0 : x->term.factor * m->number[x->term.var] + x->term.plus;
    if (x->text) nc_putn(&b, x->text, x->n);
    else if (x->star) nc_putn(&b, m->star[stars], m->length[stars]), stars++;
    else if (!x->term.ordinal) nc_putf(&b, "%ld", v);
    else if (v > 0) nc_putf(&b, "_%ld", v + 1);
  }
  return nc_buf_str(&b);
}

// ---- applying

typedef struct {
  NcArena *a;
  NcDiag *d;
  NcRange at;
  NcMap by_name;             // of NcNamed in out
  NC_VEC(NcNamed) out;
} Apply;

static NcType piece_type(const NcPiece *p) {
  NcType t = p->from->type;
  int r = t.shape.rank;
  if (t.dtype == NC_F16 || t.dtype == NC_BF16) t.dtype = NC_F32;
  if (p->transpose && r >= 2) {
    int64_t x = t.shape.dim[r - 1];
    t.shape.dim[r - 1] = t.shape.dim[r - 2];
    t.shape.dim[r - 2] = x;
  }
  if (p->shares && p->axis < r) t.shape.dim[p->axis] /= p->shares;
  return t;
}

static bool does_not_fit(Apply *q, const Rule *rule, const NcTensor *t, const char *what) {
  NcMessage *m = nc_error(q->d, NC_E0412, rule->at, "`%s` is %s: %s", t->name, nc_type_str(q->a, t->type), what);
  if (q->at.file) nc_label(q->d, m, q->at, "needed here");
  return false;
}

static bool possible(Apply *q, const Rule *rule, const NcTensor *t) {
  int r = t->type.shape.rank;
  if (rule->transpose && r < 2) return does_not_fit(q, rule, t, "there are not two axes to change places");
  NcDtype e = t->type.dtype;
  if (rule->add && e != NC_F32 && e != NC_F16 && e != NC_BF16) return does_not_fit(q, rule, t, "only floats are added up");
  if ((rule->shares || rule->parts) && rule->axis >= r) return does_not_fit(q, rule, t, "it has no such axis");
  NcPiece whole = {t, rule->transpose, 0, 0, 0};
  if (rule->shares && piece_type(&whole).shape.dim[rule->axis] % rule->shares)
    return does_not_fit(q, rule, t, nc_sprintf(q->a, "its axis %d has no %d equal shares", rule->axis, rule->shares));
  return true;
}

static NcNamed *named(Apply *q, const char *name, const Rule *rule) {
  intptr_t have = (intptr_t)nc_map_get(&q->by_name, name);
  if (have) return &q->out.at[have - 1];
  NcNamed *t = NC_PUSH(q->a, q->out);
  *t = (NcNamed){.name = name, .piece = NC_NEW_N(q->a, NcPiece, rule && rule->parts ? rule->parts : 2)};
  nc_map_set(&q->by_name, name, (void *)(intptr_t)q->out.n);
  return t;
}

// A further piece of a tensor that is made of several: of one type with those before, but for the axis they are joined
// at.
static bool join(Apply *q, const Rule *rule, NcNamed *t, const NcPiece *p, int slot) {
  NcType have = t->type, got = piece_type(p);
  if (!rule->add) have.shape.dim[t->axis] = got.shape.dim[t->axis];
  if (!nc_type_eq(have, got))
    return does_not_fit(q, rule, p->from, nc_sprintf(q->a, "`%s` is %s by the tensors before", t->name,
                                                     nc_type_str(q->a, t->type)));
  if (rule->add && !(t->pieces & (t->pieces - 1))) {   // room doubles at 1, 2, 4, …
    NcPiece *more = NC_NEW_N(q->a, NcPiece, t->pieces * 2);
    memcpy(more, t->piece, (size_t)t->pieces * sizeof *more);
    t->piece = more;
  }
  t->piece[slot] = *p;
  t->pieces++;
  if (!rule->add) t->type.shape.dim[t->axis] += got.shape.dim[t->axis];
  return true;
}

static bool give(Apply *q, const Rule *rule, const NcTensor *from, const char *name) {
  if (rule && !possible(q, rule, from)) return false;
  NcNamed *t = named(q, name, rule);
  NcPiece p = {.from = from};
  if (rule) p = (NcPiece){from, rule->transpose, rule->share, rule->shares, rule->shares ? rule->axis : 0};
  if (!t->pieces) {
    t->type = piece_type(&p);
    t->add = rule && rule->add;
    t->parts = rule ? rule->parts : 0;
    t->axis = t->parts ? rule->axis : 0;
    t->piece[rule && rule->parts ? rule->part - 1 : 0] = p;
    t->pieces = 1;
    return true;
  }
  bool other_kind = !rule || t->add != rule->add || t->parts != rule->parts || (rule->parts && t->axis != rule->axis);
  if (other_kind || (rule->parts ? t->piece[rule->part - 1].from != NULL : !rule->add)) {
    int first = 0;
    while (!t->piece[first].from) first++;
    const char *other = t->piece[first].from->name;
    nc_error(q->d, NC_E0412, rule ? rule->at : q->at, "`%s` and `%s` are both called `%s` here", other, from->name, name);
    return false;
  }
  return join(q, rule, t, &p, rule->parts ? rule->part - 1 : t->pieces);
}

static bool one(Apply *q, const NcNameMap *map, const NcTensor *t) {
  bool shared = false;
  for (int i = 0; map && i < map->rule.n; i++) {
    const Rule *r = &map->rule.at[i];
    Match m = {0};
    if ((shared && !r->shares) || !match(&r->left, 0, 0, t->name, &m)) continue;
    if (r->drop) return true;
    if (!give(q, r, t, written(q->a, &r->right, &m))) return false;
    if (!r->shares) return true;
    shared = true;
  }
  return shared || give(q, NULL, t, t->name);
}

bool nc_names_apply(NcArena *a, NcDiag *d, NcRange at, const NcNameMap *map, const NcTensors *in, NcNamedList *out) {
  Apply q = {.a = a, .d = d, .at = at, .by_name = NC_MAP(a)};
  bool good = true;
  for (int i = 0; i < in->n; i++) good = one(&q, map, &in->tensor[i]) && good;
  for (int i = 0; good && i < q.out.n; i++)
    for (int k = 0; k < q.out.at[i].parts; k++)
      if (!q.out.at[i].piece[k].from) {
        nc_error(d, NC_E0412, at, "part %d of `%s` is in no tensor of the file", k + 1, q.out.at[i].name);
        good = false;
        break;
      }
  *out = (NcNamedList){q.out.n, q.out.at};
  return good;
}

const NcNamed *nc_named_find(const NcNamedList *l, const char *name) {
  for (int i = 0; i < l->n; i++)
    if (strcmp(l->at[i].name, name) == 0) return &l->at[i];
  return NULL;
}

// ---- contents

static int64_t product(NcShape s, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= s.dim[i];
  return n;
}

// The last two axes of every matrix swapped, by bytes.
static const char *transposed(NcArena *a, const char *p, NcType t) {
  size_t e = nc_dtype_bytes(t.dtype);
  int r = t.shape.rank;
  int64_t rows = t.shape.dim[r - 2], cols = t.shape.dim[r - 1], many = product(t.shape, 0, r - 2);
  char *out = nc_alloc_array(a, (size_t)(rows * cols * many), e);
  for (int64_t k = 0; k < many; k++)
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < cols; j++)
        memcpy(out + (size_t)((k * cols + j) * rows + i) * e, p + (size_t)((k * rows + i) * cols + j) * e, e);
  return out;
}

// Copies `count` places along an axis, from one place of a tensor to one of another; both have the same other axes.
static void copy_axis(char *to, NcType tt, int64_t at, const char *from, NcType ft, int64_t begin, int64_t count, int axis) {
  size_t e = nc_dtype_bytes(tt.dtype), inner = (size_t)product(tt.shape, axis + 1, tt.shape.rank) * e;
  int64_t outer = product(tt.shape, 0, axis);
  for (int64_t i = 0; i < outer; i++)
    memcpy(to + (size_t)(i * tt.shape.dim[axis] + at) * inner, from + (size_t)(i * ft.shape.dim[axis] + begin) * inner,
           (size_t)count * inner);
}

// Halves as floats.
static float widened(NcDtype t, uint16_t v) {
  float f;
  if (t == NC_BF16) {
    uint32_t bits = (uint32_t)v << 16;
    memcpy(&f, &bits, sizeof f);
    return f;
  }
  int exponent = v >> 10 & 31, fraction = v & 1023;
  if (exponent == 31) f = fraction ? NAN : INFINITY;
  else f = exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24);
  return v >> 15 ? -f : f;
}

static const char *elements(NcArena *a, const NcTensor *t) {
  if (t->type.dtype != NC_F16 && t->type.dtype != NC_BF16) return t->data;
  int64_t n = nc_count(t->type.shape);
  float *out = NC_NEW_N(a, float, n);
  for (int64_t i = 0; i < n; i++) out[i] = widened(t->type.dtype, ((const uint16_t *)t->data)[i]);
  return (const char *)out;
}

static const char *piece_data(NcArena *a, const NcPiece *p) {
  const char *data = elements(a, p->from);
  NcType t = piece_type(p), whole = t, file = p->from->type;
  file.dtype = t.dtype;
  if (p->transpose) data = transposed(a, data, file);
  if (!p->shares) return data;
  whole.shape.dim[p->axis] *= p->shares;
  char *out = nc_alloc(a, nc_type_bytes(t));
  int64_t n = t.shape.dim[p->axis];
  copy_axis(out, t, 0, data, whole, (p->share - 1) * n, n, p->axis);
  return out;
}

static void add_up(char *to, const char *from, size_t n) {
  for (size_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
}

const void *nc_named_data(NcArena *a, const NcNamed *t) {
  if (t->pieces == 1) return piece_data(a, &t->piece[0]);
  char *out = nc_alloc(a, nc_type_bytes(t->type));
  int64_t at = 0;
  for (int i = 0; i < t->pieces; i++) {   // as many as parts, where there are parts
    const char *data = piece_data(a, &t->piece[i]);
    NcType p = piece_type(&t->piece[i]);
    if (t->add && i) add_up(out, data, (size_t)nc_count(p.shape));
    else if (t->add) memcpy(out, data, nc_type_bytes(p));
    else {
      copy_axis(out, t->type, at, data, p, 0, p.shape.dim[t->axis], t->axis);
      at += p.shape.dim[t->axis];
    }
  }
  return out;
}
