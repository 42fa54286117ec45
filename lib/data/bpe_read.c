// Reading a tokenizer.json: the model's vocabulary and merges, added tokens, and how a text is cut (cut.c). Only what does
// the same to every text as Hugging Face's library does is accepted; `post_processor`, `truncation` and `padding` speak of
// batches and are not looked at.
#include <jansson.h>
#include <string.h>
#include "data/bpe.h"

enum { MOST_TOKENS = 1 << 24 };

// ---- the alphabet: bytes that print stand for themselves, the others for 256, 257, … in order

static void alphabet(uint32_t code[256]) {
  uint32_t next = 256;
  for (int b = 0; b < 256; b++)
    code[b] = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? (uint32_t)b : next++;
}

static void put_code(char *p, uint32_t c) {          // up to 2047
  if (c < 0x80) {
    *p = (char)c;
    return;
  }
  p[0] = (char)(0xc0 | c >> 6);
  p[1] = (char)(0x80 | (c & 0x3f));
}

// ---- what is supported

typedef struct { NcArena *a; NcDiag *d; NcRange at; const char *name; NcBpe *b; json_t *root, *model; } Reader;

static bool malformed(Reader *r, const char *what) {
  nc_error(r->d, NC_E0402, r->at, "`%s` %s", r->name, what);
  return false;
}

static bool unsupported(Reader *r, const char *what) {
  nc_help(r->d, nc_error(r->d, NC_E0410, r->at, "`%s` %s, which is not supported", r->name, what),
          "BPE as of GPT-2, Llama 2 and Llama 3 can be read; or take `tokens = chars` or `tokens = bytes`");
  return false;
}

static const char *text_of(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

// Whatever is not null, false, 0 or empty.
static bool has(const json_t *o, const char *key) {
  const json_t *v = json_object_get(o, key);
  bool none = !v || json_is_null(v) || json_is_false(v) || (json_is_string(v) && !*json_string_value(v)) ||
              (json_is_number(v) && json_number_value(v) == 0);
  return !none;
}

// How tokens become text follows from how text becomes tokens; a decoder that does something else is refused.
static bool known_decoder(Reader *r, const json_t *o) {
  static const char *const known[] = {"ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip", "Sequence"};
  if (!o || json_is_null(o)) return true;
  const char *type = text_of(o, "type");
  bool found = false;
  for (size_t i = 0; type && i < sizeof known / sizeof *known; i++) found = found || strcmp(type, known[i]) == 0;
  if (!found) return unsupported(r, nc_sprintf(r->a, "has the `decoder` `%s`", type ? type : "without a type"));
  const json_t *list = json_object_get(o, "decoders"), *one;
  size_t i;
  json_array_foreach(list, i, one) if (json_object_get(one, "decoders") || !known_decoder(r, one)) return false;
  return true;
}

static bool supported(Reader *r) {
  static const char *const not_ours[] = {"continuing_subword_prefix", "end_of_word_suffix", "dropout"};
  if (!json_is_object(r->model)) return malformed(r, "is no tokenizer: it has no `model`");
  const char *kind = text_of(r->model, "type");
  if (kind && strcmp(kind, "BPE")) return unsupported(r, nc_sprintf(r->a, "has the `model` of type `%s`", kind));
  if (!json_is_object(json_object_get(r->model, "vocab")) || !json_is_array(json_object_get(r->model, "merges")))
    return malformed(r, "is no BPE tokenizer: it has no `vocab` and `merges`");
  for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
    if (has(r->model, not_ours[i])) return unsupported(r, nc_sprintf(r->a, "has `%s` in its `model`", not_ours[i]));
  return known_decoder(r, json_object_get(r->root, "decoder")) &&
         nc_cutter_read(r->a, r->d, r->at, r->name, r->root, &r->b->cut);
}

// ---- the vocabulary

static bool name_token(Reader *r, const char *name, json_t *id, bool added) {
  json_int_t i = json_is_integer(id) ? json_integer_value(id) : -1;
  if (i < 0 || i >= r->b->vocabulary)
    return malformed(r, nc_sprintf(r->a, "has a token `%s` without a number that fits", name));
  if (r->b->name[i] && strcmp(r->b->name[i], name))
    return malformed(r, nc_sprintf(r->a, "gives the number %lld to two tokens, `%s` and `%s`", (long long)i,
                                   r->b->name[i], name));
  r->b->name[i] = nc_strdup(r->a, name);
  r->b->is_added[i] = added;
  nc_map_set(&r->b->number, r->b->name[i], (void *)(intptr_t)(i + 1));
  return true;
}

static bool added_token(Reader *r, const json_t *t) {
  const char *s = text_of(t, "content");
  json_t *id = json_object_get(t, "id"), *normal = json_object_get(t, "normalized");
  if (!s) return malformed(r, "has an added token without a text");
  if (!name_token(r, s, id, true)) return false;
  if (has(t, "single_word")) return unsupported(r, nc_sprintf(r->a, "has `single_word` in `added_tokens` (`%s`)", s));
  bool changes = r->b->cut.stage.n && r->b->cut.stage.at[0].kind <= NC_STAGE_REPLACE;   // normalizers come first
  bool after = normal ? json_is_true(normal) : !has(t, "special");
  if (after && changes && *s)
    return unsupported(r, nc_sprintf(r->a, "has `normalized` in `added_tokens` (`%s`) beside a `normalizer`", s));
  if (!*s) return true;
  r->b->begins[(unsigned char)*s] = true;
  *NC_PUSH(r->a, r->b->added) = (NcAdded){(int32_t)json_integer_value(id), nc_strdup(r->a, s), strlen(s), after,
                                          has(t, "lstrip"), has(t, "rstrip")};
  return true;
}

static bool added_tokens(Reader *r) {
  const json_t *list = json_object_get(r->root, "added_tokens"), *t;
  size_t i;
  json_array_foreach(list, i, t) if (!added_token(r, t)) return false;
  return true;
}

// The tokens of single bytes: in the alphabet, or <0x41>.
static void byte_tokens(NcBpe *b, NcArena *a) {
  uint32_t code[256];
  alphabet(code);
  for (int i = 0; i < 512; i++) b->value[i] = -1;
  for (int i = 0; i < 256; i++) {
    char key[3] = {0};
    put_code(key, code[i]);
    b->value[code[i]] = i;
    b->byte[i] = nc_bpe_number(b, b->cut.bytes ? key : nc_sprintf(a, "<0x%02X>", (unsigned)i));
  }
}

static bool vocabulary(Reader *r) {
  json_t *vocab = json_object_get(r->model, "vocab"), *id, *t;
  json_t *added = json_object_get(r->root, "added_tokens");
  const char *name, *unknown = text_of(r->model, "unk_token");
  json_int_t most = -1;
  size_t k;
  json_object_foreach(vocab, name, id) most = json_integer_value(id) > most ? json_integer_value(id) : most;
  json_array_foreach(added, k, t) {
    json_int_t v = json_integer_value(json_object_get(t, "id"));
    most = v > most ? v : most;
  }
  if (most < 0 || most >= MOST_TOKENS) return malformed(r, "has no tokens, or too many");
  NcBpe *b = r->b;
  b->vocabulary = most + 1;
  b->name = NC_NEW_N(r->a, const char *, most + 1);
  b->is_added = NC_NEW_N(r->a, bool, most + 1);
  b->number = NC_MAP(r->a);
  json_object_foreach(vocab, name, id) if (!name_token(r, name, id, false)) return false;
  if (!added_tokens(r)) return false;
  for (int64_t i = 0; i < b->vocabulary; i++)
    if (!b->name[i]) b->name[i] = nc_sprintf(r->a, "<unused %lld>", (long long)i);
  byte_tokens(b, r->a);
  b->whole_words = has(r->model, "ignore_merges");
  b->fuse_unknown = has(r->model, "fuse_unk");
  b->by_bytes = has(r->model, "byte_fallback");
  b->unknown = unknown ? nc_bpe_number(b, unknown) : -1;
  if (unknown && b->unknown < 0) return malformed(r, nc_sprintf(r->a, "has no token `%s`, its `unk_token`", unknown));
  return true;
}

// ---- merges

// "a b", or ["a", "b"].
static bool both_parts(Reader *r, const json_t *m, const char **left, const char **right) {
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
  const json_t *list = json_object_get(r->model, "merges"), *m;
  NcBpe *b = r->b;
  size_t n = json_array_size(list), cap = 16, i;
  if (n > MOST_TOKENS) return malformed(r, "has too many merges");
  while (cap < 2 * n + 2) cap *= 2;
  b->mask = cap - 1;
  b->merge = NC_NEW_N(r->a, NcMerge, cap);
  json_array_foreach(list, i, m) {
    const char *left, *right;
    if (!both_parts(r, m, &left, &right)) return malformed(r, nc_sprintf(r->a, "has no pair as merge %zu", i + 1));
    int32_t x = nc_bpe_number(b, left), y = nc_bpe_number(b, right);
    int32_t xy = nc_bpe_number(b, nc_sprintf(r->a, "%s%s", left, right));
    if (x < 0 || y < 0 || xy < 0)
      return malformed(r, nc_sprintf(r->a, "merges `%s` and `%s`, but the vocabulary lacks one of them or the result",
                                     left, right));
    uint64_t pair = nc_bpe_pair(x, y);
    *nc_bpe_merge(b, pair) = (NcMerge){pair, (int32_t)i, xy};
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
  Reader r = {a, d, at, name, NC_NEW(a, NcBpe), root, json_object_get(root, "model")};
  bool good = supported(&r) && vocabulary(&r) && merges(&r);
  json_decref(root);
  return good ? r.b : NULL;
}
