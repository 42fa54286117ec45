// Byte pairs (BPE), by a tokenizer.json of Hugging Face.
//
// What is an added token is found first; the text between is cut into pieces (cut.c). A piece is a row of symbols: bytes in
// an alphabet of 256 printable characters (GPT-2, Llama 3), or characters (Llama 2). The pair of neighbours that the list of
// merges names first becomes one symbol, again and again. What is left are tokens.
#include "data/bpe.h"
#include <stdio.h>
#include <string.h>

uint64_t nc_bpe_pair(int32_t left, int32_t right) { return ((uint64_t)(uint32_t)left + 1) << 32 | (uint32_t)right; }

NcMerge *nc_bpe_merge(const NcBpe *b, uint64_t pair) {
  uint64_t i = (pair * 0x9E3779B97F4A7C15u) >> 20;
  while (b->merge[i & b->mask].pair && b->merge[i & b->mask].pair != pair) i++;
  return &b->merge[i & b->mask];
}

int32_t nc_bpe_number(const NcBpe *b, const char *name) { return (int32_t)(intptr_t)nc_map_get(&b->number, name) - 1; }

int64_t nc_bpe_vocabulary(const NcBpe *b) { return b->vocabulary; }
const char *const *nc_bpe_names(const NcBpe *b) { return b->name; }

// ---- merging: symbols in a linked list, pairs in a heap by rank and then by place

typedef struct { int32_t token, left, right; } Symbol;         // token -1: merged away
typedef struct { int32_t rank, at, right; uint64_t pair; } Pair;
typedef struct {             // memory serves all words
  NcArena *a;
  const NcBpe *b;
  Symbol *s;
  size_t n, room;
  NC_VEC(Pair) heap;
  NcTokenList *out;
} Word;

static bool before(const Pair *x, const Pair *y) { return x->rank != y->rank ? x->rank < y->rank : x->at < y->at; }

static void push(Word *w, int32_t at) {
  if (at < 0 || w->s[at].right < 0) return;
  uint64_t pair = nc_bpe_pair(w->s[at].token, w->s[w->s[at].right].token);
  const NcMerge *m = nc_bpe_merge(w->b, pair);
  if (!m->pair) return;
  *NC_PUSH(w->a, w->heap) = (Pair){m->rank, at, w->s[at].right, pair};
  for (int i = w->heap.n - 1; i > 0 && before(&w->heap.at[i], &w->heap.at[(i - 1) / 2]); i = (i - 1) / 2) {
    Pair p = w->heap.at[i];
    w->heap.at[i] = w->heap.at[(i - 1) / 2];
    w->heap.at[(i - 1) / 2] = p;
  }
}

static Pair pop(Word *w) {
  Pair top = w->heap.at[0], p = w->heap.at[--w->heap.n];
  int i = 0;
  for (int k = 1; k < w->heap.n; k = 2 * i + 1) {
    if (k + 1 < w->heap.n && before(&w->heap.at[k + 1], &w->heap.at[k])) k++;
    if (!before(&w->heap.at[k], &p)) break;
    w->heap.at[i] = w->heap.at[k];
    i = k;
  }
  w->heap.at[i] = p;
  return top;
}

static void merge_all(Word *w) {
  for (size_t i = 0; i + 1 < w->n; i++) push(w, (int32_t)i);
  while (w->heap.n) {
    Pair q = pop(w);
    Symbol *s = &w->s[q.at];
    if (s->token < 0 || s->right != q.right || nc_bpe_pair(s->token, w->s[q.right].token) != q.pair) continue;
    s->token = nc_bpe_merge(w->b, q.pair)->token;
    w->s[q.right].token = -1;
    s->right = w->s[q.right].right;
    if (s->right >= 0) w->s[s->right].left = q.at;
    push(w, s->left);
    push(w, q.at);
  }
}

// ---- a piece

static bool add_symbol(Word *w, int32_t token) {
  if (token < 0) return false;
  int32_t i = (int32_t)w->n++;
  w->s[i] = (Symbol){token, i - 1, -1};
  if (i) w->s[i - 1].right = i;
  return true;
}

// One character that is no byte of the alphabet: its token, its bytes' tokens, or the unknown one.
static bool add_character(Word *w, const char *p, size_t n) {
  const NcBpe *b = w->b;
  char key[5] = {0};
  memcpy(key, p, n);
  int32_t token = *key ? nc_bpe_number(b, key) : -1;
  if (token >= 0) return add_symbol(w, token);
  bool all = b->by_bytes;
  for (size_t i = 0; i < n; i++) all = all && b->byte[(unsigned char)p[i]] >= 0;
  for (size_t i = 0; all && i < n; i++) add_symbol(w, b->byte[(unsigned char)p[i]]);
  if (all) return true;
  if (b->fuse_unknown && w->n && b->unknown >= 0 && w->s[w->n - 1].token == b->unknown) return true;
  return add_symbol(w, b->unknown);
}

static bool add_all(Word *w, NcPiece p) {
  uint32_t c;
  if (w->room < p.n) {
    w->room = p.n < 64 ? 64 : 2 * p.n;
    w->s = NC_NEW_N(w->a, Symbol, w->room);
  }
  w->n = 0;
  for (size_t i = 0; i < p.n;) {
    int k = w->b->cut.bytes ? 1 : nc_code_point((const unsigned char *)p.s + i, p.n - i, &c);
    if (!k) k = 1;
    if (w->b->cut.bytes ? !add_symbol(w, w->b->byte[(unsigned char)p.s[i]]) : !add_character(w, p.s + i, (size_t)k))
      return false;
    i += (size_t)k;
  }
  return true;
}

// The number of a piece that is a token as a whole; -1: it is none.
static int32_t whole(const Word *w, NcPiece p) {
  NcBuf key = NC_BUF(w->a);
  if (memchr(p.s, 0, p.n) && !w->b->cut.bytes) return -1;
  if (!w->b->cut.bytes) nc_putn(&key, p.s, p.n);
  for (size_t i = 0; w->b->cut.bytes && i < p.n; i++) {
    int32_t token = w->b->byte[(unsigned char)p.s[i]];
    if (token < 0) return -1;
    nc_put(&key, w->b->name[token]);
  }
  return nc_bpe_number(w->b, nc_buf_str(&key));
}

static bool encode_piece(Word *w, NcPiece p) {
  int32_t token = w->b->whole_words ? whole(w, p) : -1;
  if (token >= 0) return *NC_PUSH(w->a, *w->out) = token, true;
  if (!add_all(w, p)) return false;
  merge_all(w);
  for (int32_t i = w->n ? 0 : -1; i >= 0; i = w->s[i].right) *NC_PUSH(w->a, *w->out) = w->s[i].token;
  return true;
}

// ---- a text

// The first added token in the text, the longest where several begin; NULL where there is none.
static const NcAdded *next_added(const NcBpe *b, NcPiece p, bool normal, size_t *at) {
  for (*at = 0; *at < p.n; ++*at) {
    const NcAdded *found = NULL;
    if (!b->begins[(unsigned char)p.s[*at]]) continue;
    for (int i = 0; i < b->added.n; i++) {
      const NcAdded *x = &b->added.at[i];
      if (x->normal == normal && (!found || x->n > found->n) && x->n <= p.n - *at && !memcmp(p.s + *at, x->text, x->n)) found = x;
    }
    if (found) return found;
  }
  return NULL;
}

static bool is_space(const char *p, size_t n, size_t *length) {
  uint32_t c;
  int k = nc_code_point((const unsigned char *)p, n, &c);
  *length = (size_t)k;
  return k && (nc_unicode_class(c) & NC_SPACE);
}

static size_t spaces_before(NcPiece p, size_t at) {    // where they begin
  for (size_t length; at > 0;) {
    size_t k = 1;
    while (k < 3 && k < at && ((unsigned char)p.s[at - k] & 0xc0) == 0x80) k++;
    if (!is_space(p.s + at - k, k, &length) || length != k) break;
    at -= k;
  }
  return at;
}

static size_t spaces_after(NcPiece p, size_t at) {     // where they end
  for (size_t length; at < p.n && is_space(p.s + at, p.n - at, &length);) at += length;
  return at;
}

static bool encode_cut(Word *w, NcPiece p) {
  NcPieces pieces = {0};
  if (!nc_pieces_of(&w->b->cut, w->a, p, &pieces)) return false;
  for (int i = 0; i < pieces.n; i++)
    if (!encode_piece(w, pieces.at[i])) return false;
  return true;
}

// Added tokens that a normalizer does not concern are found first, the others between them.
static bool encode_between(Word *w, NcPiece p, bool normal) {
  while (p.n) {
    size_t at;
    const NcAdded *x = next_added(w->b, p, normal, &at);
    size_t end = x ? at + x->n : p.n, until = x && x->left ? spaces_before(p, at) : at;
    NcPiece part = {p.s, until, p.first};
    if (!(normal ? encode_cut(w, part) : encode_between(w, part, true))) return false;
    if (x) *NC_PUSH(w->a, *w->out) = x->token;
    if (x && x->right) end = spaces_after(p, end);
    p = (NcPiece){p.s + end, p.n - end, false};
  }
  return true;
}

bool nc_bpe_encode(const NcBpe *b, NcArena *a, const char *text, size_t n, NcTokenList *out) {
  return encode_between(&(Word){.a = a, .b = b, .out = out}, (NcPiece){text, n, true}, false);
}

// ---- back

static void put_alphabet(const NcBpe *b, const char *s, NcBuf *out) {
  for (size_t n = strlen(s); n;) {
    uint32_t c = 0;
    int k = nc_code_point((const unsigned char *)s, n, &c);
    if (k && c < 512 && b->value[c] >= 0) nc_putc(out, (char)b->value[c]);
    else nc_putn(out, s, (size_t)(k ? k : 1));
    s += k ? k : 1;
    n -= (size_t)(k ? k : 1);
  }
}

static void put_spaced(const char *s, const char *space, NcBuf *out) {
  while (*s) {
    const char *at = space ? strstr(s, space) : NULL;
    nc_putn(out, s, at ? (size_t)(at - s) : strlen(s));
    if (at) nc_putc(out, ' ');
    s = at ? at + strlen(space) : s + strlen(s);
  }
}

void nc_bpe_decode(const NcBpe *b, int32_t token, bool begins, NcBuf *out) {
  const char *s = b->name[token];
  unsigned byte;
  char end;
  if (b->is_added[token]) nc_put(out, s);
  else if (b->by_bytes && strlen(s) == 6 && sscanf(s, "<0x%2X%c", &byte, &end) == 2 && end == '>') nc_putc(out, (char)byte);
  else {
    NcBuf text = NC_BUF(out->arena);
    if (b->cut.bytes) put_alphabet(b, s, &text);
    else put_spaced(s, b->cut.space, &text);
    size_t skip = begins && b->cut.drops_space && text.n && text.at[0] == ' ';
    if (text.n > skip) nc_putn(out, text.at + skip, text.n - skip);
  }
}
