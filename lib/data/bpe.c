// Byte pairs (BPE), byte-level as of GPT-2, by a tokenizer.json of Hugging Face.
//
// A text is cut into words; a word's bytes are written in an alphabet of 256 printable characters, and then the pair of
// neighbours that the list of merges names first becomes one symbol, again and again. What is left are tokens.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "data/tokens.h"

enum { MOST_TOKENS = 1 << 24 };

typedef struct { uint64_t pair; int32_t rank, token; } Merge;      // pair: both tokens + 1; 0: free

struct NcBpe {
  int64_t vocabulary;
  const char **name;           // in the alphabet; added tokens as they are
  bool *added;
  NcMap number;                // of each name, its token + 1
  int32_t byte[256];           // the token of each byte, -1: none
  int value[512];              // of the alphabet's code points: the byte, -1: none
  Merge *merge;                // open addressing
  uint64_t mask;
  bool space_first;            // add_prefix_space
  NC_VEC(int32_t) special;     // the added tokens
};

// ---- the alphabet: bytes that print stand for themselves, the others for 256, 257, … in order
static void alphabet(uint32_t code[256]) {
  uint32_t next = 256;
  for (int b = 0; b < 256; b++)
    code[b] = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? (uint32_t)b : next++;
}

static int put_code(char *p, uint32_t c) {           // up to 2047
  if (c < 0x80) return *p = (char)c, 1;
  p[0] = (char)(0xc0 | c >> 6);
  p[1] = (char)(0x80 | (c & 0x3f));
  return 2;
}

// ---- reading

typedef struct { NcArena *a; NcDiag *d; NcRange at; const char *name; NcBpe *b; json_t *root; } Reader;

static bool malformed(Reader *r, const char *what) {
  nc_error(r->d, NC_E0402, r->at, "`%s` %s", r->name, what);
  return false;
}

static bool unsupported(Reader *r, const char *what) {
  nc_help(r->d, nc_error(r->d, NC_E0410, r->at, "`%s` %s", r->name, what),
          "byte-level BPE as of GPT-2 can be read; or take `tokens = chars` or `tokens = bytes`");
  return false;
}

static const char *text_of(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

// Whatever is not null and not empty.
static bool has(const json_t *o, const char *key) {
  const json_t *v = json_object_get(o, key);
  return v && !json_is_null(v) && !json_is_false(v) && !(json_is_string(v) && !*json_string_value(v));
}

// Only what does the same to every text as we do is accepted.
static bool supported(Reader *r) {
  json_t *model = json_object_get(r->root, "model"), *pre = json_object_get(r->root, "pre_tokenizer");
  const char *kind = text_of(model, "type"), *how = text_of(pre, "type"), *decoder =
    text_of(json_object_get(r->root, "decoder"), "type");
  if (!json_is_object(model)) return malformed(r, "is no tokenizer: it has no `model`");
  if (kind && strcmp(kind, "BPE"))
    return unsupported(r, nc_sprintf(r->a, "is a tokenizer of the kind %s, which is not supported", kind));
  if (!json_is_object(json_object_get(model, "vocab")) || !json_is_array(json_object_get(model, "merges")))
    return malformed(r, "is no BPE tokenizer: it has no `vocab` and `merges`");
  if (!how || strcmp(how, "ByteLevel"))
    return unsupported(r, nc_sprintf(r->a, "cuts its text by `%s`, which is not supported", how ? how : "nothing"));
  json_t *regex = json_object_get(pre, "use_regex");
  if (regex && !json_is_true(regex)) return unsupported(r, "cuts its text without GPT-2's pattern");
  if (decoder && strcmp(decoder, "ByteLevel"))
    return unsupported(r, nc_sprintf(r->a, "has the decoder `%s`, which is not supported", decoder));
  if (has(r->root, "normalizer")) return unsupported(r, "changes its text by a `normalizer`, which is not supported");
  static const char *const not_ours[] = {"continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"};
  for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
    if (has(model, not_ours[i]))
      return unsupported(r, nc_sprintf(r->a, "has `%s`, which is not supported", not_ours[i]));
  r->b->space_first = json_is_true(json_object_get(pre, "add_prefix_space"));
  return true;
}

static bool name_token(Reader *r, const char *name, json_t *id, bool added) {
  json_int_t i = json_is_integer(id) ? json_integer_value(id) : -1;
  if (i < 0 || i >= r->b->vocabulary) return malformed(r, nc_sprintf(r->a, "has a token `%s` without a number that fits", name));
  if (r->b->name[i] && strcmp(r->b->name[i], name))
    return malformed(r, nc_sprintf(r->a, "gives the number %lld to two tokens, `%s` and `%s`", (long long)i, r->b->name[i], name));
  r->b->name[i] = nc_strdup(r->a, name);
  r->b->added[i] = added;
  nc_map_set(&r->b->number, r->b->name[i], (void *)(intptr_t)(i + 1));
  if (added && *name) *NC_PUSH(r->a, r->b->special) = (int32_t)i;
  return true;
}

static bool vocabulary(Reader *r) {
  json_t *vocab = json_object_get(json_object_get(r->root, "model"), "vocab"), *id;
  json_t *added = json_object_get(r->root, "added_tokens");
  const char *name;
  json_int_t most = -1;
  json_object_foreach(vocab, name, id) most = json_integer_value(id) > most ? json_integer_value(id) : most;
  for (size_t i = 0; i < json_array_size(added); i++) {
    json_int_t v = json_integer_value(json_object_get(json_array_get(added, i), "id"));
    most = v > most ? v : most;
  }
  if (most < 0 || most >= MOST_TOKENS) return malformed(r, "has no tokens, or too many");
  NcBpe *b = r->b;
  b->vocabulary = most + 1;
  b->name = NC_NEW_N(r->a, const char *, most + 1);
  b->added = NC_NEW_N(r->a, bool, most + 1);
  b->number = NC_MAP(r->a);
  json_object_foreach(vocab, name, id) if (!name_token(r, name, id, false)) return false;
  for (size_t i = 0; i < json_array_size(added); i++) {
    json_t *t = json_array_get(added, i);
    const char *s = text_of(t, "content");
    if (!s || !name_token(r, s, json_object_get(t, "id"), true)) return s ? false : malformed(r, "has an added token without a text");
  }
  for (int64_t i = 0; i < b->vocabulary; i++)
    if (!b->name[i]) b->name[i] = nc_sprintf(r->a, "<unused %lld>", (long long)i);
  uint32_t code[256];
  alphabet(code);
  for (int i = 0; i < 512; i++) b->value[i] = -1;
  for (int i = 0; i < 256; i++) {
    char key[3] = {0};
    put_code(key, code[i]);
    b->value[code[i]] = i;
    b->byte[i] = (int32_t)(intptr_t)nc_map_get(&b->number, key) - 1;
  }
  return true;
}

static uint64_t pair_of(int32_t left, int32_t right) { return ((uint64_t)(uint32_t)left + 1) << 32 | (uint32_t)right; }

static Merge *merge_at(const NcBpe *b, uint64_t pair) {
  uint64_t i = (pair * 0x9E3779B97F4A7C15u) >> 20;
  while (b->merge[i & b->mask].pair && b->merge[i & b->mask].pair != pair) i++;
  return &b->merge[i & b->mask];
}

// "a b", or ["a", "b"].
static bool both_parts(Reader *r, json_t *m, const char **left, const char **right) {
  if (json_is_array(m) && json_array_size(m) == 2) {
    *left = json_string_value(json_array_get(m, 0));
    *right = json_string_value(json_array_get(m, 1));
  } else {
    const char *s = json_string_value(m), *space = s ? strchr(s, ' ') : NULL;
    *left = space ? nc_strndup(r->a, s, (size_t)(space - s)) : NULL;
    *right = space ? space + 1 : NULL;
  }
  return *left && *right;
}

static bool merges(Reader *r) {
  json_t *list = json_object_get(json_object_get(r->root, "model"), "merges"), *m;
  NcBpe *b = r->b;
  size_t n = json_array_size(list), cap = 16, i;
  if (n > MOST_TOKENS) return malformed(r, "has too many merges");
  while (cap < 2 * n + 2) cap *= 2;
  b->mask = cap - 1;
  b->merge = NC_NEW_N(r->a, Merge, cap);
  json_array_foreach(list, i, m) {
    const char *left, *right;
    if (!both_parts(r, m, &left, &right)) return malformed(r, nc_sprintf(r->a, "has no pair as merge %zu", i + 1));
    int32_t x = (int32_t)(intptr_t)nc_map_get(&b->number, left) - 1, y = (int32_t)(intptr_t)nc_map_get(&b->number, right) - 1;
    int32_t xy = (int32_t)(intptr_t)nc_map_get(&b->number, nc_sprintf(r->a, "%s%s", left, right)) - 1;
    if (x < 0 || y < 0 || xy < 0)
      return malformed(r, nc_sprintf(r->a, "merges `%s` and `%s`, but the vocabulary lacks one of them or the result", left, right));
    Merge *at = merge_at(b, pair_of(x, y));
    if (!at->pair) *at = (Merge){pair_of(x, y), (int32_t)i, xy};
  }
  return true;
}

NcBpe *nc_bpe_read(NcArena *a, NcDiag *d, NcRange at, const char *name, const char *json, size_t size) {
  json_error_t e;
  json_t *root = json_loadb(json, size, 0, &e);
  if (!root) {
    nc_error(d, NC_E0402, at, "`%s` is no JSON: line %d: %s", name, e.line, e.text);
    return NULL;
  }
  Reader r = {a, d, at, name, NC_NEW(a, NcBpe), root};
  bool good = supported(&r) && vocabulary(&r) && merges(&r);
  json_decref(root);
  return good ? r.b : NULL;
}

int64_t nc_bpe_vocabulary(const NcBpe *b) { return b->vocabulary; }
const char *const *nc_bpe_names(const NcBpe *b) { return b->name; }

// ---- words: 's 't 're 've 'm 'll 'd | ?letters | ?numbers | ?others | spaces, of which the last goes with a word

typedef enum { SPACE, LETTER, NUMBER, OTHER } Class;

// Blocks beyond ASCII that are no letters, roughly: what is not listed counts as a letter. It decides only where words
// are cut, never whether a text comes back as it was.
static const struct { uint32_t first, last; Class is; } blocks[] = {
  {0x80, 0x84, OTHER}, {0x85, 0x85, SPACE}, {0x86, 0x9f, OTHER}, {0xa0, 0xa0, SPACE}, {0xa1, 0xa9, OTHER},
  {0xab, 0xb1, OTHER}, {0xb2, 0xb3, NUMBER}, {0xb4, 0xb4, OTHER}, {0xb6, 0xb8, OTHER}, {0xb9, 0xb9, NUMBER},
  {0xbb, 0xbb, OTHER}, {0xbc, 0xbe, NUMBER}, {0xbf, 0xbf, OTHER}, {0xd7, 0xd7, OTHER}, {0xf7, 0xf7, OTHER},
  {0x300, 0x36f, OTHER}, {0x660, 0x669, NUMBER}, {0x966, 0x96f, NUMBER}, {0x2000, 0x200a, SPACE}, {0x200b, 0x2027, OTHER},
  {0x2028, 0x2029, SPACE}, {0x202a, 0x202e, OTHER}, {0x202f, 0x202f, SPACE}, {0x2030, 0x205e, OTHER}, {0x205f, 0x205f, SPACE},
  {0x2060, 0x206f, OTHER}, {0x2070, 0x2070, NUMBER}, {0x2074, 0x2079, NUMBER}, {0x207a, 0x207e, OTHER}, {0x2080, 0x2089, NUMBER},
  {0x208a, 0x208e, OTHER}, {0x20a0, 0x2101, OTHER}, {0x2150, 0x2189, NUMBER}, {0x2190, 0x245f, OTHER}, {0x2460, 0x249b, NUMBER},
  {0x249c, 0x24e9, OTHER}, {0x24ea, 0x24ff, NUMBER}, {0x2500, 0x2775, OTHER}, {0x2776, 0x2793, NUMBER}, {0x2794, 0x2bff, OTHER},
  {0x3000, 0x3000, SPACE}, {0x3001, 0x3004, OTHER}, {0x3007, 0x3007, NUMBER}, {0x3008, 0x3020, OTHER}, {0xe000, 0xf8ff, OTHER},
  {0xfe00, 0xfe6f, OTHER}, {0xff01, 0xff0f, OTHER}, {0xff10, 0xff19, NUMBER}, {0xff1a, 0xff20, OTHER}, {0xff3b, 0xff40, OTHER},
  {0xff5b, 0xff65, OTHER}, {0xfff0, 0xffff, OTHER}, {0x1f000, 0x1faff, OTHER}, {0xe0000, 0x10ffff, OTHER},
};

static Class class_of(const char *p, size_t left, int *n) {
  uint32_t c = 0;
  *n = nc_code_point((const unsigned char *)p, left, &c);
  if (!*n) return *n = 1, OTHER;
  if (c < 0x80) {
    if (c == ' ' || (c >= 9 && c <= 13)) return SPACE;
    if ((c | 32) >= 'a' && (c | 32) <= 'z') return LETTER;
    return c >= '0' && c <= '9' ? NUMBER : OTHER;
  }
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
    if (c >= blocks[i].first && c <= blocks[i].last) return blocks[i].is;
  return LETTER;
}

static size_t run_of(const char *p, size_t n, Class c) {
  size_t at = 0;
  for (int k; at < n && class_of(p + at, n - at, &k) == c;) at += (size_t)k;
  return at > n ? n : at;
}

static size_t word(const char *p, size_t n) {
  static const char *const tails[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
    if (n >= strlen(tails[i]) && !memcmp(p, tails[i], strlen(tails[i]))) return strlen(tails[i]);
  size_t space = *p == ' ' && n > 1;
  int k;
  Class c = class_of(p + space, n - space, &k);
  if (c != SPACE) return space + run_of(p + space, n - space, c);
  size_t all = run_of(p, n, SPACE), before = 0;
  if (all == n) return all;
  for (size_t at = 0; at < all; at += (size_t)k) {     // all but the last space, which begins the next word
    before = at;
    class_of(p + at, n - at, &k);
  }
  return before ? before : all;
}

// ---- merging: symbols in a linked list, pairs in a heap by rank and then by place

typedef struct { int32_t token, left, right; } Symbol;         // token -1: merged away
typedef struct { int32_t rank, at, right; uint64_t pair; } Pair;
typedef struct { NcArena *a; const NcBpe *b; Symbol *s; size_t room; NC_VEC(Pair) heap; } Word;   // memory serves all words

static bool before(const Pair *x, const Pair *y) { return x->rank != y->rank ? x->rank < y->rank : x->at < y->at; }

static void push(Word *w, int32_t at) {
  if (at < 0 || w->s[at].right < 0) return;
  uint64_t pair = pair_of(w->s[at].token, w->s[w->s[at].right].token);
  const Merge *m = merge_at(w->b, pair);
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

static bool encode_word(Word *w, const char *p, size_t n, NcTokenList *out) {
  if (w->room < n) {
    w->room = n < 64 ? 64 : 2 * n;
    w->s = NC_NEW_N(w->a, Symbol, w->room);
  }
  for (size_t i = 0; i < n; i++) {
    w->s[i] = (Symbol){w->b->byte[(unsigned char)p[i]], (int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : -1};
    if (w->s[i].token < 0) return false;
  }
  for (size_t i = 0; i + 1 < n; i++) push(w, (int32_t)i);
  while (w->heap.n) {
    Pair q = pop(w);
    Symbol *s = &w->s[q.at];
    if (s->token < 0 || s->right != q.right || pair_of(s->token, w->s[q.right].token) != q.pair) continue;
    s->token = merge_at(w->b, q.pair)->token;
    w->s[q.right].token = -1;
    s->right = w->s[q.right].right;
    if (s->right >= 0) w->s[s->right].left = q.at;
    push(w, s->left);
    push(w, q.at);
  }
  for (int32_t i = n ? 0 : -1; i >= 0; i = w->s[i].right) *NC_PUSH(w->a, *out) = w->s[i].token;
  return true;
}

// The first added token in the text, the longest where several begin; n where there is none.
static size_t next_special(const NcBpe *b, const char *p, size_t n, int32_t *token) {
  for (size_t at = 0; at < n && b->special.n; at++) {
    size_t longest = 0;
    for (int i = 0; i < b->special.n; i++) {
      size_t k = strlen(b->name[b->special.at[i]]);
      if (k <= longest || k > n - at || memcmp(p + at, b->name[b->special.at[i]], k)) continue;
      longest = k;
      *token = b->special.at[i];
    }
    if (longest) return at;
  }
  return n;
}

bool nc_bpe_encode(const NcBpe *b, NcArena *a, const char *text, size_t n, NcTokenList *out) {
  if (b->space_first && n && *text != ' ') {
    char *all = nc_alloc(a, n + 1);
    all[0] = ' ';
    memcpy(all + 1, text, n++);
    text = all;
  }
  Word w = {.a = a, .b = b};
  while (n) {
    int32_t token = 0;
    size_t k = next_special(b, text, n, &token), skip = k < n ? strlen(b->name[token]) : 0;
    for (size_t at = 0, m; at < k; at += m) {
      m = word(text + at, k - at);
      if (!encode_word(&w, text + at, m, out)) return false;
    }
    if (skip) *NC_PUSH(a, *out) = token;
    text += k + skip;
    n -= k + skip;
  }
  return true;
}

void nc_bpe_decode(const NcBpe *b, int32_t token, NcBuf *out) {
  const char *s = b->name[token];
  size_t n = strlen(s);
  if (b->added[token]) { nc_put(out, s); return; }
  while (n) {
    uint32_t c = 0;
    int k = nc_code_point((const unsigned char *)s, n, &c);
    if (k && c < 512 && b->value[c] >= 0) nc_putc(out, (char)b->value[c]);
    else nc_putn(out, s, (size_t)(k ? k : 1));
    s += k ? k : 1;
    n -= (size_t)(k ? k : 1);
  }
}
