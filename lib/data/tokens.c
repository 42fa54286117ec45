#include "data/tokens.h"
#include <string.h>
#include "base/map.h"

enum { BYTES = 256, CODE_POINTS = 0x110000 };

struct NcTokens {
  NcArena *arena;
  enum { CHARS, WORDS, RAW, BPE } kind;
  int64_t vocabulary;
  const char *const *name;
  NcMap number;                // CHARS, WORDS: of each name, its token + 1
  const NcBpe *bpe;
};

int nc_code_point(const unsigned char *p, size_t left, uint32_t *code) {
  if (!left) return 0;
  int n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
  if (!n || (size_t)n > left) return 0;
  uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
  for (int i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (p[i] & 0x3f);
  }
  bool good = n < 3 || (n == 3 ? c >= 0x800 && (c < 0xd800 || c > 0xdfff) : c >= 0x10000 && c < CODE_POINTS);
  *code = c;
  return good ? n : 0;
}

NcTokens *nc_tokens_bytes(NcArena *a) {
  NcTokens *t = NC_NEW(a, NcTokens);
  const char **name = NC_NEW_N(a, const char *, BYTES);
  for (int i = 0; i < BYTES; i++)
    name[i] = i >= 32 && i < 127 ? nc_sprintf(a, "%c", i) : nc_sprintf(a, "\\x%02x", i);
  *t = (NcTokens){.arena = a, .kind = RAW, .vocabulary = BYTES, .name = name};
  return t;
}

NcTokens *nc_tokens_bpe(NcArena *a, NcDiag *d, NcRange at, const char *name, const char *json, size_t size) {
  NcBpe *b = nc_bpe_read(a, d, at, name, json, size);
  if (!b) return NULL;
  NcTokens *t = NC_NEW(a, NcTokens);
  *t = (NcTokens){.arena = a, .kind = BPE, .vocabulary = nc_bpe_vocabulary(b), .name = nc_bpe_names(b), .bpe = b};
  return t;
}

static NcTokens *named(NcArena *a, const NcField *f) {
  NcTokens *t = NC_NEW(a, NcTokens);
  *t = (NcTokens){.arena = a, .kind = *f->tokens == 'w' ? WORDS : CHARS, .vocabulary = f->classes, .name = f->class_name, .number = NC_MAP(a)};
  for (int64_t i = 0; i < f->classes; i++) nc_map_set(&t->number, f->class_name[i], (void *)(intptr_t)(i + 1));
  return t;
}

NcTokens *nc_tokens_of(NcArena *a, NcDiag *d, NcRange at, const NcField *f) {
  if (f->tokens && strcmp(f->tokens, "bytes") == 0) return nc_tokens_bytes(a);
  bool by_name = f->tokens && (strcmp(f->tokens, "chars") == 0 || strcmp(f->tokens, "words") == 0);
  if (by_name && f->class_name) return named(a, f);
  if (f->tokens && strcmp(f->tokens, "bpe") == 0 && f->tokenizer)
    return nc_tokens_bpe(a, d, at, "tokenizer.json", f->tokenizer, strlen(f->tokenizer));
  nc_error(d, NC_E0409, at, "`%s` is not made of text: its numbers have no characters", f->name);
  return NULL;
}

int64_t nc_tokens_vocabulary(const NcTokens *t) { return t->vocabulary; }
const char *const *nc_tokens_names(const NcTokens *t) { return t->name; }

// "é" as it stands, a line end by its name.
static const char *shown(NcArena *a, const char *s, int n) {
  if (n == 1 && (*s < 32 || *s == 127)) return nc_sprintf(a, "\\x%02x", (unsigned char)*s);
  return nc_strndup(a, s, (size_t)n);
}

static bool encode_chars(const NcTokens *t, NcDiag *d, NcRange at, const char *what, const char *text, size_t n,
                         NcTokenList *out) {
  for (size_t i = 0; i < n;) {
    uint32_t code;
    int length = nc_code_point((const unsigned char *)text + i, n - i, &code);
    if (!length) {
      nc_error(d, NC_E0409, at, "%s is no UTF-8 text: byte %zu is %02x", what, i, (unsigned char)text[i]);
      return false;
    }
    char key[5] = {0};
    memcpy(key, text + i, (size_t)length);
    intptr_t number = code ? (intptr_t)nc_map_get(&t->number, key) : 0;
    if (!number) {
      NcMessage *m = nc_error(d, NC_E0409, at, "%s has the character `%s` at byte %zu, which is not in the vocabulary",
                              what, shown(d->arena, key, length), i);
      NcBuf all = NC_BUF(d->arena);
      for (int64_t k = 0; k < t->vocabulary && k < 100; k++)
        nc_put(&all, shown(d->arena, t->name[k], (int)strlen(t->name[k])));
      nc_note(d, m, "the text that training saw has %lld different characters: %s%s", (long long)t->vocabulary,
              nc_buf_str(&all), t->vocabulary > 100 ? " …" : "");
      nc_help(d, m, "use characters that occur in the training text");
      return false;
    }
    *NC_PUSH(t->arena, *out) = (int32_t)(number - 1);
    i += (size_t)length;
  }
  return true;
}

// ---- words: letters, digits and inner apostrophes, in lower case; any other mark that is no space is a word by itself

static bool in_word(const char *s, size_t n, size_t i, int *length) {
  unsigned char c = (unsigned char)s[i];
  *length = 1;
  if (c >= 0x80) return *length = nc_code_point((const unsigned char *)s + i, n - i, &(uint32_t){0}), *length > 0;
  if (c == '\'') return i > 0 && i + 1 < n && ((s[i + 1] | 32) >= 'a' && (s[i + 1] | 32) <= 'z');
  return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
}

size_t nc_next_word(const char *s, size_t n, size_t *at, char *word, size_t room) {
  size_t k = 0;
  int length;
  while (*at < n && (s[*at] == ' ' || (s[*at] >= 9 && s[*at] <= 13))) ++*at;
  while (*at < n && in_word(s, n, *at, &length) && k + (size_t)length < room)
    for (int i = 0; i < length; i++, ++*at) word[k++] = (char)(s[*at] >= 'A' && s[*at] <= 'Z' ? s[*at] + 32 : s[*at]);
  if (!k && *at < n) word[k++] = s[(*at)++];
  word[k] = 0;
  return k;
}

static bool encode_words(const NcTokens *t, NcDiag *d, NcRange at, const char *what, const char *text, size_t n,
                         NcTokenList *out) {
  char word[NC_MOST_WORD];
  for (size_t i = 0; nc_next_word(text, n, &i, word, sizeof word);) {
    intptr_t number = (intptr_t)nc_map_get(&t->number, word);
    if (!number) {
      NcMessage *m = nc_error(d, NC_E0409, at, "%s has the word `%s`, which is not in the vocabulary", what, word);
      const char *near = t->vocabulary < 100000 ? nc_nearest(word, t->name, (int)t->vocabulary) : NULL;
      if (near) nc_help(d, m, "training saw `%s`", near);
      return false;
    }
    *NC_PUSH(t->arena, *out) = (int32_t)(number - 1);
  }
  return true;
}

bool nc_tokens_encode(const NcTokens *t, NcDiag *d, NcRange at, const char *what, const char *text, size_t n,
                      NcTokenList *out) {
  if (t->kind == CHARS) return encode_chars(t, d, at, what, text, n, out);
  if (t->kind == WORDS) return encode_words(t, d, at, what, text, n, out);
  if (t->kind == RAW) {
    for (size_t i = 0; i < n; i++) *NC_PUSH(t->arena, *out) = (unsigned char)text[i];
    return true;
  }
  if (nc_bpe_encode(t->bpe, t->arena, text, n, out)) return true;
  nc_error(d, NC_E0409, at, "%s has a byte that the tokenizer has no token for", what);
  return false;
}

void nc_tokens_decode(const NcTokens *t, const int32_t *token, int64_t n, bool begins, NcBuf *out) {
  for (int64_t i = 0; i < n; i++) {
    if (token[i] < 0 || token[i] >= t->vocabulary) continue;
    if (t->kind == RAW) nc_putc(out, (char)token[i]);
    else if (t->kind == CHARS) nc_put(out, t->name[token[i]]);
    else if (t->kind == WORDS) nc_putf(out, "%s ", t->name[token[i]]);
    else nc_bpe_decode(t->bpe, token[i], begins && i == 0, out);
  }
}
