// Plain text as windows of tokens, for networks that learn to go on with it.
#include <stdlib.h>
#include <string.h>
#include "data/source.h"
#include "io/bytes.h"

enum { BYTES = 256, CODE_POINTS = 0x110000 };

static const NcSettingInfo settings[] = {
  {"path", NC_SET_STR, NULL, "the file", .positional = true},
  {"tokens", NC_SET_STR, "\"chars\"",
   "\"chars\": a token for each different character (UTF-8) of the text, in order of their "
   "code points; \"bytes\": the 256 bytes",
   .choices = "chars bytes"},
  {"window", NC_SET_INT, NULL, "how many tokens an example has: the context and one more, the token to predict",
   .least = 2, .most = 1e7},
  {"stride", NC_SET_INT, "",
   "how many tokens on the next example begins; else window - 1, so that every token is predicted once", .least = 1,
   .most = 1e9},
};

// The code point at p and its length; 0 bytes where no UTF-8 is.
static int decode(const unsigned char *p, size_t left, uint32_t *code) {
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

typedef struct {
  int32_t *token;
  int64_t n;
  int64_t vocabulary;
  const char **name;           // [vocabulary] each token's text
} Text;

static void bytes(const NcArgs *g, const NcBytes *b, Text *t) {
  t->n = (int64_t)b->n;
  t->token = NC_NEW_N(g->a, int32_t, b->n);
  for (size_t i = 0; i < b->n; i++) t->token[i] = b->data[i];
  t->vocabulary = BYTES;
  t->name = NC_NEW_N(g->a, const char *, BYTES);
  for (int i = 0; i < BYTES; i++)
    t->name[i] = i >= 32 && i < 127 ? nc_sprintf(g->a, "%c", i) : nc_sprintf(g->a, "\\x%02x", i);
}

static bool chars(const NcArgs *g, const NcBytes *b, Text *t) {
  int32_t *number = NC_NEW_N(g->a, int32_t, CODE_POINTS);      // of each code point: 1 where it occurs, then its token
  t->token = NC_NEW_N(g->a, int32_t, b->n);
  uint32_t code = 0;
  for (size_t i = 0; i < b->n;) {
    int n = decode(b->data + i, b->n - i, &code);
    if (!n) {
      nc_help(g->d, nc_malformed(g->d, b, "is no UTF-8 text: byte %zu is %02x", i, b->data[i]),
              "save it as UTF-8, or take `tokens = \"bytes\"`");
      return false;
    }
    t->token[t->n++] = (int32_t)code;
    number[code] = 1;
    i += (size_t)n;
  }
  for (int c = 0; c < CODE_POINTS; c++)
    if (number[c]) number[c] = (int32_t)t->vocabulary++;
  t->name = NC_NEW_N(g->a, const char *, t->vocabulary);
  size_t at = 0;
  for (int64_t i = 0; i < t->n; i++) {
    int n = decode(b->data + at, b->n - at, &code);
    t->token[i] = number[code];
    if (!t->name[number[code]]) t->name[number[code]] = nc_strndup(g->a, (const char *)b->data + at, (size_t)n);
    at += (size_t)n;
  }
  return true;
}

static NcDataset *text_open(const NcArgs *g) {
  NcBytes b;
  Text t = {0};
  const NcSetting *path = nc_arg(g, "path");
  int64_t window = nc_arg(g, "window")->i, stride = nc_arg_given(g, "stride") ? nc_arg(g, "stride")->i : window - 1;
  if (!nc_bytes_read(g->a, g->d, path->at, nc_arg_path(g, path), 0, &b)) return NULL;
  if (nc_arg(g, "tokens")->s[0] == 'b') bytes(g, &b, &t);
  else if (!chars(g, &b, &t)) return NULL;
  if (t.n < window) {
    nc_error(g->d, NC_E0406, g->spec->at, "`%s` has %lld tokens, fewer than one window of %lld", b.path, (long long)t.n,
             (long long)window);
    return NULL;
  }
  NcFields f = {NC_NEW(g->a, NcField), 1, (t.n - window) / stride + 1};
  size_t count, size;
  f.at[0] =
    (NcField){.name = "tok", .dtype = NC_I32, .shape = NC_SHAPE(window), .classes = t.vocabulary, .class_name = t.name};
  if (!nc_size_of(NC_SHAPE(f.examples, window), 4, &count, &size) || size >> 36) {
    nc_error(g->d, NC_E0312, nc_arg(g, "stride")->at,
             "%lld windows of %lld tokens would take too much memory; a larger `stride` makes fewer",
             (long long)f.examples, (long long)window);
    return NULL;
  }
  NcDataset *set = nc_dataset_new(g, &f, f.examples);
  set->origin[0] = b.path;
  for (int64_t i = 0; i < f.examples; i++)
    memcpy((int32_t *)set->data[0] + i * window, t.token + i * stride, (size_t)window * sizeof(int32_t));
  return set;
}

const NcSourceKind nc_text_kind = {
  {"text", "plain text, cut into windows of tokens",
   "tok: i32[window]; its number of classes is the size of the vocabulary",
   "text(\"input.txt\", tokens = \"chars\", window = 257)", NC_SETTINGS(settings)},
  NULL, text_open,
};
