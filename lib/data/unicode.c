// Normal forms as Unicode Standard Annex 15 has them: what a code point is made of, in full; then marks in the order of their
// classes; then, for form C, what goes together again. A starter (class 0) and what follows it up to the next one are looked at together.
#include "data/unicode.h"
#include <stdlib.h>
#include <string.h>
#include "data/tokens.h"

// ---- classes

typedef struct { uint32_t first, last; unsigned is, odd; } Block;      // odd: of every second one
static const Block blocks[] = {
#define R(first, last, kind) {first, last, NC_##kind, NC_##kind},
#define A(first, last) {first, last, NC_Lu, NC_Ll},
#include "data/unicode.def"
#undef R
#undef A
};

static bool is_space(uint32_t c) {
  return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_wordlike(uint32_t c) {
  return c == 0xb2 || c == 0xb3 || c == 0xb9 || (c >= 0xbc && c <= 0xbe) || (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
         (c >= 0x1f170 && c <= 0x1f189);
}

static int by_place(const void *key, const void *block) {
  uint32_t c = *(const uint32_t *)key;
  const Block *b = block;
  return c < b->first ? -1 : c > b->last;
}

unsigned nc_unicode_class(uint32_t c) {
  if (c >= 'a' && c <= 'z') return NC_Ll;              // most of what is asked
  const Block *b = bsearch(&c, blocks, sizeof blocks / sizeof *blocks, sizeof *blocks, by_place);
  unsigned is = !b ? NC_Cn : (c - b->first) % 2 ? b->odd : b->is;
  return is | (is_space(c) ? NC_SPACE : 0) | (is_wordlike(c) ? NC_WORDLIKE : 0);
}

unsigned nc_unicode_named(const char *name, size_t n) {
  static const char *const names[] = {
#define X(name) #name,
    NC_CATEGORIES(X)
#undef X
  };
  unsigned found = 0;
  for (size_t i = 0; n && n <= 2 && i < sizeof names / sizeof *names; i++)
    if (strncmp(names[i], name, n) == 0) found |= 1u << i;
  return found;
}

// ---- what a code point is made of

typedef struct { uint32_t first, last; unsigned order; } Order;
static const Order orders[] = {
#define ORDER(first, last, order) {first, last, order},
#define PARTS(code, first, second)
#define WHOLE(number)
#include "data/normal.def"
#undef ORDER
#undef PARTS
};
typedef struct { uint32_t code, part[2]; } Parts;      // part[1] 0: there is one
static const Parts parts[] = {
#define ORDER(first, last, order)
#define PARTS(code, first, second) {code, {first, second}},
#include "data/normal.def"
#undef PARTS
#undef WHOLE
};
static const uint16_t wholes[] = {                     // rows of `parts` by their parts
#define PARTS(code, first, second)
#define WHOLE(number) number,
#include "data/normal.def"
#undef ORDER
#undef PARTS
#undef WHOLE
};

static int by_code(const void *key, const void *row) {
  uint32_t c = *(const uint32_t *)key, of = ((const Parts *)row)->code;
  return c < of ? -1 : c > of;
}

static int by_range(const void *key, const void *row) {
  uint32_t c = *(const uint32_t *)key;
  const Order *o = row;
  return c < o->first ? -1 : c > o->last;
}

static int by_parts(const void *key, const void *row) {
  const uint32_t *p = key, *q = parts[*(const uint16_t *)row].part;
  if (p[0] != q[0]) return p[0] < q[0] ? -1 : 1;
  return p[1] < q[1] ? -1 : p[1] > q[1];
}

static unsigned order_of(uint32_t c) {
  const Order *o = c < 0x300 ? NULL : bsearch(&c, orders, sizeof orders / sizeof *orders, sizeof *orders, by_range);
  return o ? o->order : 0;
}

// Korean syllables are put together by rule: of a leading consonant, a vowel, and perhaps a consonant behind.
enum { SYLLABLE = 0xac00, LEADING = 0x1100, VOWEL = 0x1161, BEHIND = 0x11a7, LEADINGS = 19, VOWELS = 21, BEHINDS = 28 };

// The code point that two make; 0: they stay two.
static uint32_t whole_of(uint32_t a, uint32_t b) {
  if (a - LEADING < LEADINGS && b - VOWEL < VOWELS) return SYLLABLE + ((a - LEADING) * VOWELS + (b - VOWEL)) * BEHINDS;
  bool open = a - SYLLABLE < LEADINGS * VOWELS * BEHINDS && (a - SYLLABLE) % BEHINDS == 0;
  if (open && b > BEHIND && b - BEHIND < BEHINDS) return a + (b - BEHIND);
  uint32_t key[2] = {a, b};
  const uint16_t *w = bsearch(key, wholes, sizeof wholes / sizeof *wholes, sizeof *wholes, by_parts);
  return w ? parts[*w].code : 0;
}

// ---- a text

typedef struct { uint32_t code; unsigned order; } Mark;
typedef struct { NcArena *a; NcBuf *out; bool composed; NC_VEC(Mark) run; } Normal;   // run: from a starter on

static void put_code(NcBuf *b, uint32_t c) {
  if (c < 0x80) { nc_putc(b, (char)c); return; }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const unsigned char head[] = {0, 0xc0, 0xe0, 0xf0};
  nc_putc(b, (char)(head[more] | c >> 6 * more));
  while (more--) nc_putc(b, (char)(0x80 | (c >> 6 * more & 0x3f)));
}

// Marks in the order of their classes, equal ones as they stand.
static void sort(Normal *t) {
  int place[257] = {0};
  Mark *by = NC_NEW_N(t->a, Mark, t->run.n);
  for (int i = 0; i < t->run.n; i++) place[t->run.at[i].order + 1]++;
  for (int i = 1; i < 257; i++) place[i] += place[i - 1];
  for (int i = 0; i < t->run.n; i++) by[place[t->run.at[i].order]++] = t->run.at[i];
  memcpy(t->run.at, by, (size_t)t->run.n * sizeof *by);
}

// Puts together what can be: marks with the starter, past others that do not stand in the way.
static void compose(Normal *t) {
  int kept = 1;
  for (int i = 1; i < t->run.n; i++) {
    Mark m = t->run.at[i];
    bool blocked = kept > 1 && t->run.at[kept - 1].order >= m.order;
    uint32_t c = blocked ? 0 : whole_of(t->run.at[0].code, m.code);
    if (c) t->run.at[0].code = c;
    else t->run.at[kept++] = m;
  }
  t->run.n = kept;
}

// The run is complete.
static void settle(Normal *t) {
  bool starts = t->run.n && !t->run.at[0].order;
  if (t->run.n > 1) sort(t);
  if (t->composed && starts) compose(t);
}

static void flush(Normal *t) {
  settle(t);
  for (int i = 0; i < t->run.n; i++) put_code(t->out, t->run.at[i].code);
  t->run.n = 0;
}

// A starter begins a run, but for one that goes together with the starter before it.
static void add(Normal *t, uint32_t c) {
  unsigned order = order_of(c);
  if (!order) settle(t);
  bool joins = !order && t->composed && t->run.n == 1 && !t->run.at[0].order;
  uint32_t whole = joins ? whole_of(t->run.at[0].code, c) : 0;
  if (whole) {
    t->run.at[0].code = whole;
    return;
  }
  if (!order) flush(t);
  *NC_PUSH(t->a, t->run) = (Mark){c, order};
}

static void add_parts(Normal *t, uint32_t c) {
  const Parts *p = c < 0xc0 ? NULL : bsearch(&c, parts, sizeof parts / sizeof *parts, sizeof *parts, by_code);
  uint32_t at = c - SYLLABLE;
  if (at < LEADINGS * VOWELS * BEHINDS) {
    add(t, LEADING + at / (VOWELS * BEHINDS));
    add(t, VOWEL + at / BEHINDS % VOWELS);
    if (at % BEHINDS) add(t, BEHIND + at % BEHINDS);
  } else if (!p) {
    add(t, c);
  } else {
    add_parts(t, p->part[0]);                          // at most four deep
    if (p->part[1]) add_parts(t, p->part[1]);
  }
}

void nc_unicode_normal(const char *s, size_t n, bool composed, NcBuf *out) {
  Normal t = {.a = out->arena, .out = out, .composed = composed};
  for (size_t i = 0; i < n;) {
    uint32_t c;
    int k = nc_code_point((const unsigned char *)s + i, n - i, &c);
    if (k) add_parts(&t, c);
    else flush(&t), nc_putc(out, s[i]);
    i += (size_t)(k ? k : 1);
  }
  flush(&t);
}
