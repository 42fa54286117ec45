// Plain text as windows of tokens, for networks that learn to go on with it.
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "data/source.h"
#include "data/tokens.h"
#include "io/bytes.h"

enum { CODE_POINTS = 0x110000, MOST_BYTES = 1 << 30 };

static const NcSettingInfo settings[] = {
  {"path", NC_SET_STR, "\"\"", "the file; without one, some 16,000 characters of generated sentences",
   .positional = true},
  {"tokens", NC_SET_STR, "\"chars\"",
   "chars: a token for each different character (UTF-8) of the text, in order of their code points; bytes: the 256 "
   "bytes; words: the different words, in lower case, and marks; bpe(\"tokenizer.json\"): byte pairs as of GPT-2, Llama 2 or Llama 3, by a tokenizer file of Hugging Face"},
  {"window", NC_SET_INT, NULL, "how many tokens an example has: the context and one more, the token to predict",
   .least = 2, .most = 1e7},
  {"stride", NC_SET_INT, "",
   "how many tokens on the next example begins; else window - 1, so that every token is predicted once", .least = 1,
   .most = 1e9},
  {"seed", NC_SET_INT, "0", "of the generated sentences", .least = 0, .most = 9e18},
};

typedef struct {
  const char *tokens;          // chars words bytes bpe
  const char *tokenizer;       // text of the tokenizer's file
  int32_t *token;
  int64_t n;
  int64_t vocabulary;
  const char *const *name;     // [vocabulary] each token's text
} Text;

static void chars(const NcArgs *g, const NcBytes *b, Text *t) {
  int32_t *number = NC_NEW_N(g->a, int32_t, CODE_POINTS);      // of each code point: 1 where it occurs, then its token
  t->token = NC_NEW_N(g->a, int32_t, b->n);
  uint32_t code = 0;
  for (size_t i = 0; i < b->n;) {
    int n = nc_code_point(b->data + i, b->n - i, &code);
    t->token[t->n++] = (int32_t)code;
    number[code] = 1;
    i += (size_t)n;
  }
  for (int c = 0; c < CODE_POINTS; c++)
    if (number[c]) number[c] = (int32_t)t->vocabulary++;
  const char **name = NC_NEW_N(g->a, const char *, t->vocabulary);
  size_t at = 0;
  for (int64_t i = 0; i < t->n; i++) {
    int n = nc_code_point(b->data + at, b->n - at, &code);
    t->token[i] = number[code];
    if (!name[number[code]]) name[number[code]] = nc_strndup(g->a, (const char *)b->data + at, (size_t)n);
    at += (size_t)n;
  }
  t->name = name;
}

static int by_name(const void *x, const void *y) { return strcmp(*(const char *const *)x, *(const char *const *)y); }

static void words(const NcArgs *g, const NcBytes *b, Text *t) {
  NcMap seen = NC_MAP(g->a);
  NC_VEC(const char *) name = {0};
  NcTokenList list = {0};
  char word[NC_MOST_WORD];
  const char *s = (const char *)b->data;
  for (size_t i = 0; nc_next_word(s, b->n, &i, word, sizeof word);) {
    intptr_t k = (intptr_t)nc_map_get(&seen, word);
    if (!k) {
      *NC_PUSH(g->a, name) = nc_strdup(g->a, word);
      nc_map_set(&seen, name.at[name.n - 1], (void *)(k = name.n));
    }
    *NC_PUSH(g->a, list) = (int32_t)(k - 1);
  }
  const char **sorted = nc_memdup(g->a, name.at, (size_t)name.n * sizeof *name.at);
  int32_t *to = NC_NEW_N(g->a, int32_t, name.n + 1);
  if (name.n) qsort(sorted, (size_t)name.n, sizeof *sorted, by_name);
  for (int i = 0; i < name.n; i++) to[(intptr_t)nc_map_get(&seen, sorted[i]) - 1] = i;
  for (int i = 0; i < list.n; i++) list.at[i] = to[list.at[i]];
  t->token = list.at;
  t->n = list.n;
  t->vocabulary = name.n;
  t->name = sorted;
}

static bool utf8(const NcArgs *g, const NcBytes *b) {
  uint32_t code;
  for (size_t i = 0, n; i < b->n; i += n) {
    n = (size_t)nc_code_point(b->data + i, b->n - i, &code);
    if (n && code) continue;
    nc_help(g->d, nc_malformed(g->d, b, "is no UTF-8 text: byte %zu is %02x", i, b->data[i]),
            "save it as UTF-8, or take `tokens = bytes`");
    return false;
  }
  return true;
}

// bpe("tokenizer.json") arrives as "bpe:tokenizer.json".
static bool tokenized(const NcArgs *g, const NcBytes *b, Text *t) {
  const NcSetting *how = nc_arg(g, "tokens");
  NcTokens *k = NULL;
  if (!strcmp(how->s, "bytes")) {
    k = nc_tokens_bytes(g->a);
  } else {
    NcSetting file = {.s = how->s + strlen("bpe:")};
    NcBytes json;
    t->tokens = "bpe";
    if (!nc_bytes_read(g->a, g->d, how->at, nc_arg_path(g, &file), 0, &json)) return false;
    t->tokenizer = (const char *)json.data;
    k = nc_tokens_bpe(g->a, g->d, how->at, json.path, t->tokenizer, json.n);
  }
  NcTokenList list = {0};
  if (!k || !nc_tokens_encode(k, g->d, g->spec->at, nc_sprintf(g->a, "`%s`", b->path), (const char *)b->data, b->n, &list))
    return false;
  t->token = list.at;
  t->n = list.n;
  t->vocabulary = nc_tokens_vocabulary(k);
  t->name = nc_tokens_names(k);
  return true;
}

static bool known_tokens(const NcArgs *g) {
  const NcSetting *how = nc_arg(g, "tokens");
  if (!strcmp(how->s, "chars") || !strcmp(how->s, "words") || !strcmp(how->s, "bytes") || (!strncmp(how->s, "bpe:", 4) && how->s[4])) return true;
  nc_help(g->d, nc_error(g->d, NC_E0312, how->at, "`tokens` cannot be \"%s\"", how->s),
          "it is one of: chars, words, bytes, bpe(\"tokenizer.json\")");
  return false;
}

static bool read_text(const NcArgs *g, NcBytes *b) {
  const NcSetting *path = nc_arg(g, "path");
  if (path->s && *path->s) {
    if (!nc_bytes_read(g->a, g->d, path->at, nc_arg_path(g, path), 0, b)) return false;
    if (b->n > MOST_BYTES) nc_malformed(g->d, b, "has %zu bytes; the most are 2^30", b->n);
    return b->n <= MOST_BYTES;
  }
  *b = (NcBytes){.path = "the generated text", .at = g->spec->at};
  b->data = (const unsigned char *)nc_sentences(g->a, (uint64_t)nc_arg(g, "seed")->i, &b->n);
  return true;
}

static NcDataset *text_open(const NcArgs *g) {
  NcBytes b;
  Text t = {.tokens = nc_arg(g, "tokens")->s};
  int64_t window = nc_arg(g, "window")->i, stride = nc_arg_given(g, "stride") ? nc_arg(g, "stride")->i : window - 1;
  if (!known_tokens(g) || !read_text(g, &b)) return NULL;
  bool is_chars = !strcmp(t.tokens, "chars"), is_words = !strcmp(t.tokens, "words");
  if (is_chars || is_words ? !utf8(g, &b) : !tokenized(g, &b, &t)) return NULL;
  if (is_chars) chars(g, &b, &t);
  if (is_words) words(g, &b, &t);
  if (t.n < window) {
    NcMessage *m = nc_error(g->d, NC_E0406, g->spec->at, "`%s` %s %lld tokens, fewer than one window of %lld", b.path,
                            b.n ? "has" : "is empty:", (long long)t.n, (long long)window);
    if (t.n >= 2) nc_help(g->d, m, "`window = %lld` would work, or take a longer text", (long long)t.n);
    return NULL;
  }
  NcWindows w = {t.n, window, stride};
  NcFields f = {NC_NEW(g->a, NcField), 1, nc_windows_in(&w, t.n), w};
  f.at[0] = (NcField){.name = "tok", .dtype = NC_I32, .shape = NC_SHAPE(window), .classes = t.vocabulary,
                      .class_name = t.name, .tokens = t.tokens, .tokenizer = t.tokenizer};
  NcDataset *set = nc_dataset_windows(g, &f);
  set->origin[0] = b.path;
  set->data[0] = t.token;
  set->step[0] = sizeof(int32_t);
  return set;
}

const NcSourceKind nc_text_kind = {
  {"text",
   "plain text, cut into windows of tokens. In each epoch of training the windows begin at another offset; a `split` "
   "cuts the text itself, so that the last part is text that training never saw",
   "tok: i32[window]; its number of classes is the size of the vocabulary",
   "text(\"input.txt\", tokens = chars, window = 257)", NC_SETTINGS(settings)},
  NULL, text_open,
};
