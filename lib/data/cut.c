#include "data/cut.h"
#include <string.h>
#include "base/buf.h"
#include "data/tokens.h"

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

// ---- reading

typedef struct { NcArena *a; NcDiag *d; NcRange at; const char *name, *field; NcCutter *c; int depth; } Reader;

static bool malformed(Reader *r, const char *what) {
  nc_error(r->d, NC_E0402, r->at, "`%s`: `%s` %s", r->name, r->field, what);
  return false;
}

static bool unsupported(Reader *r, const char *what) {
  NcMessage *m = nc_error(r->d, NC_E0410, r->at, "`%s`: `%s` %s, which is not supported", r->name, r->field, what);
  nc_help(r->d, m, "BPE as of GPT-2, Llama 2 and Llama 3 can be read; or take `tokens = chars` or `tokens = bytes`");
  return false;
}

static const char *text_of(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

static bool flag(const json_t *o, const char *key, bool otherwise) {
  const json_t *v = json_object_get(o, key);
  return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

static int choice(const char *text, const char *const *names, int n) {
  for (int i = 0; text && i < n; i++)
    if (strcmp(text, names[i]) == 0) return i;
  return -1;
}

static NcStage *add(Reader *r, int kind) {
  NcStage *s = NC_PUSH(r->a, r->c->stage);
  *s = (NcStage){.kind = kind};
  return s;
}

static bool regex(Reader *r, const char *text, const NcPattern **out) {
  const char *why = "";
  *out = nc_pattern_parse(r->a, text, &why);
  return *out ? true : unsupported(r, nc_sprintf(r->a, "cuts by a pattern that %s", why));
}

// {"Regex": …} or {"String": …}
static bool pattern(Reader *r, const json_t *o, const NcPattern **out) {
  const json_t *p = json_object_get(o, "pattern");
  const char *text = text_of(p, "String"), *re = text_of(p, "Regex");
  if (re) return regex(r, re, out);
  if (!text || !*text || !(*out = nc_pattern_literal(r->a, text))) return malformed(r, "has no `pattern`");
  return true;
}

static bool behaviour(Reader *r, const json_t *o, NcStage *s) {
  static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
  const char *text = text_of(o, "behavior");
  int i = choice(text ? text : "Isolated", names, 5);
  if (i < 0) return unsupported(r, nc_sprintf(r->a, "has the behavior `%s`", text));
  s->how = i;
  return true;
}

static bool prepend(Reader *r, const json_t *o) {
  const char *text = text_of(o, "prepend");
  if (!text) return malformed(r, "has no text to put before the text");
  add(r, NC_STAGE_PREPEND)->with = nc_strdup(r->a, text);
  r->c->drops_space = true;
  return true;
}

static bool replace(Reader *r, const json_t *o) {
  NcStage *s = add(r, NC_STAGE_REPLACE);
  const char *with = text_of(o, "content"), *what = text_of(json_object_get(o, "pattern"), "String");
  if (!with) return malformed(r, "replaces something by nothing");
  s->with = nc_strdup(r->a, with);
  if (what && strcmp(what, " ") == 0) r->c->space = s->with;
  return pattern(r, o, &s->pattern);
}

static bool composed(Reader *r, const json_t *o) {
  (void)o;
  add(r, NC_STAGE_NORMAL)->composed = true;
  return true;
}

static bool decomposed(Reader *r, const json_t *o) {
  (void)o;
  add(r, NC_STAGE_NORMAL);
  return true;
}

static bool split(Reader *r, const json_t *o) {
  NcStage *s = add(r, NC_STAGE_SPLIT);
  s->invert = flag(o, "invert", false);
  return behaviour(r, o, s) && pattern(r, o, &s->pattern);
}

static bool digits(Reader *r, const json_t *o) {
  NcStage *s = add(r, NC_STAGE_SPLIT);
  return regex(r, flag(o, "individual_digits", false) ? "\\p{N}" : "\\p{N}+", &s->pattern);
}

// Words and what stands between them, and no spaces. What a word is made of differs from the \w of patterns: with the two joiners,
// without ² ³ ¹ ¼ ½ ¾.
static bool words(Reader *r, const json_t *o) {
#define IN_WORDS "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189\u200c\u200d"
  (void)o;
  NcStage *s = add(r, NC_STAGE_SPLIT);
  s->how = NC_CUT_REMOVED;
  s->invert = true;
  return regex(r, "[" IN_WORDS "]+|[^\\s" IN_WORDS "]+", &s->pattern);
}

static bool at_spaces(Reader *r, const json_t *o) {
  (void)o;
  NcStage *s = add(r, NC_STAGE_SPLIT);
  s->how = NC_CUT_REMOVED;
  return regex(r, "\\s", &s->pattern);
}

static bool punctuation(Reader *r, const json_t *o) {
  NcStage *s = add(r, NC_STAGE_SPLIT);
  return behaviour(r, o, s) && regex(r, "[\\p{P}$+<=>^`|~]", &s->pattern);
}

static bool byte_level(Reader *r, const json_t *o) {
  NcStage *s = add(r, NC_STAGE_BYTES);
  s->space = flag(o, "add_prefix_space", false) ? NC_ALWAYS : NC_NEVER;
  r->c->bytes = true;
  return !flag(o, "use_regex", true) || regex(r, GPT2, &s->pattern);
}

static bool metaspace(Reader *r, const json_t *o) {
  static const char *const schemes[] = {"never", "first", "always"};
  NcStage *s = add(r, NC_STAGE_SPACES);
  const char *with = text_of(o, "replacement"), *scheme = text_of(o, "prepend_scheme");
  int when = scheme ? choice(scheme, schemes, 3) : flag(o, "add_prefix_space", true) ? NC_ALWAYS : NC_NEVER;
  if (when < 0) return unsupported(r, nc_sprintf(r->a, "has the prepend_scheme `%s`", scheme));
  r->c->space = s->with = nc_strdup(r->a, with ? with : "\xe2\x96\x81");
  s->space = when;
  s->how = NC_CUT_WITH_NEXT;
  r->c->drops_space = r->c->drops_space || when;
  if (!*s->with) return malformed(r, "has an empty `replacement`");
  if (flag(o, "split", true)) s->pattern = nc_pattern_literal(r->a, s->with);
  return true;
}

typedef struct { const char *type, *field; bool (*read)(Reader *r, const json_t *o); } Type;
static const Type types[] = {
  {"NFC", "normalizer", composed},
  {"NFD", "normalizer", decomposed},
  {"Prepend", "normalizer", prepend},
  {"Replace", "normalizer", replace},
  {"Split", "pre_tokenizer", split},
  {"Digits", "pre_tokenizer", digits},
  {"Punctuation", "pre_tokenizer", punctuation},
  {"Whitespace", "pre_tokenizer", words},
  {"WhitespaceSplit", "pre_tokenizer", at_spaces},
  {"ByteLevel", "pre_tokenizer", byte_level},
  {"Metaspace", "pre_tokenizer", metaspace},
};

static bool stages(Reader *r, const json_t *o) {
  enum { DEEPEST = 8 };
  const char *type = text_of(o, "type"), *list = strcmp(r->field, "normalizer") ? "pretokenizers" : "normalizers";
  if (!o || json_is_null(o)) return true;
  if (r->c->bytes) return unsupported(r, "goes on after `ByteLevel`");
  if (!type || r->depth > DEEPEST) return malformed(r, "has no type");
  if (strcmp(type, "Sequence") == 0) {
    const json_t *all = json_object_get(o, list), *one;
    size_t i;
    if (!json_is_array(all)) return malformed(r, nc_sprintf(r->a, "is a Sequence without `%s`", list));
    r->depth++;
    json_array_foreach(all, i, one) if (!stages(r, one)) return false;
    r->depth--;
    return true;
  }
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].type, type) == 0 && strcmp(types[i].field, r->field) == 0) return types[i].read(r, o);
  return unsupported(r, nc_sprintf(r->a, "is `%s`", type));
}

bool nc_cutter_read(NcArena *a, NcDiag *d, NcRange at, const char *name, const json_t *root, NcCutter *out) {
  Reader r = {a, d, at, name, "normalizer", out, 0};
  if (!stages(&r, json_object_get(root, r.field))) return false;
  r.field = "pre_tokenizer";
  r.depth = 0;
  return stages(&r, json_object_get(root, r.field));
}

// ---- cutting

static size_t after(NcPiece p, size_t at) {            // the next character
  uint32_t c;
  int n = nc_code_point((const unsigned char *)p.s + at, p.n - at, &c);
  return at + (size_t)(n ? n : 1);
}

typedef struct { NcArena *a; NcPieces *out; const NcStage *s; NcPiece open; bool is_open, separates; } Cut;

static void put_piece(Cut *c, NcPiece p) {
  if (p.n) *NC_PUSH(c->a, *c->out) = p;
}

static void flush(Cut *c) {
  if (c->is_open) put_piece(c, c->open);
  c->is_open = false;
}

// The next part of a piece, which matches or not, goes where the behaviour says.
static void part(Cut *c, NcPiece p, bool separates) {
  int how = c->s->how;
  if (!p.n || (how == NC_CUT_REMOVED && separates)) return;
  bool joins = c->is_open && ((how == NC_CUT_WITH_PREVIOUS && separates && !c->separates) ||
                              (how == NC_CUT_WITH_NEXT && c->separates && !separates) ||
                              (how == NC_CUT_CONTIGUOUS && c->separates == separates));
  if (joins) {
    c->open.n += p.n;
  } else {
    flush(c);
    c->open = p;
    c->is_open = true;
  }
  c->separates = separates;
}

static bool split_piece(Cut *c, NcPiece p) {
  size_t done = 0, at = 0;
  while (at < p.n) {
    size_t end = nc_pattern_match(c->s->pattern, p.s, p.n, at);
    if (end == NC_TOO_LONG) return false;
    if (end == NC_NO_MATCH || end == at) { at = after(p, at); continue; }
    part(c, (NcPiece){p.s + done, at - done, p.first && !done}, c->s->invert);
    part(c, (NcPiece){p.s + at, end - at, p.first && !at}, !c->s->invert);
    done = at = end;
  }
  part(c, (NcPiece){p.s + done, p.n - done, p.first && !done}, c->s->invert);
  flush(c);
  return true;
}

static NcPiece joined(NcArena *a, const char *before, NcPiece p) {
  size_t n = strlen(before);
  char *s = nc_alloc(a, n + p.n + 1);
  memcpy(s, before, n);
  memcpy(s + n, p.s, p.n);
  return (NcPiece){s, n + p.n, p.first};
}

static bool replaced(NcArena *a, const NcPattern *what, const char *with, NcPiece *p) {
  NcBuf b = NC_BUF(a);
  for (size_t at = 0; at < p->n;) {
    size_t end = nc_pattern_match(what, p->s, p->n, at);
    if (end == NC_TOO_LONG) return false;
    bool hit = end != NC_NO_MATCH && end > at;
    if (hit) nc_put(&b, with);
    else end = after(*p, at), nc_putn(&b, p->s + at, end - at);
    at = end;
  }
  p->n = b.n;
  p->s = nc_buf_str(&b);
  return true;
}

static bool begins(NcPiece p, const char *with) { return p.n >= strlen(with) && !memcmp(p.s, with, strlen(with)); }

static void normal(NcArena *a, bool composed, NcPiece *p) {
  NcBuf b = NC_BUF(a);
  nc_unicode_normal(p->s, p->n, composed, &b);
  p->n = b.n;
  p->s = nc_buf_str(&b);
}

static bool stage(NcArena *a, const NcStage *s, NcPiece p, NcPieces *out) {
  Cut c = {.a = a, .out = out, .s = s};
  if (s->kind == NC_STAGE_NORMAL) normal(a, s->composed, &p);
  if (s->kind == NC_STAGE_REPLACE && !replaced(a, s->pattern, s->with, &p)) return false;
  if (s->kind == NC_STAGE_SPACES && !replaced(a, nc_pattern_literal(a, " "), s->with, &p)) return false;
  bool spaces = s->kind == NC_STAGE_SPACES || s->kind == NC_STAGE_BYTES;
  const char *space = s->kind == NC_STAGE_BYTES ? " " : s->with;
  if (s->kind == NC_STAGE_PREPEND && p.n) p = joined(a, s->with, p);
  if (spaces && p.n && (s->space == NC_ALWAYS || (s->space == NC_FIRST && p.first)) && !begins(p, space))
    p = joined(a, space, p);
  if (s->pattern && s->kind != NC_STAGE_REPLACE) return split_piece(&c, p);
  put_piece(&c, p);
  return true;
}

bool nc_pieces_of(const NcCutter *c, NcArena *a, NcPiece text, NcPieces *out) {
  NcPieces now = {0};
  *NC_PUSH(a, now) = text;
  for (int k = 0; k < c->stage.n; k++) {
    NcPieces next = {0};
    for (int i = 0; i < now.n; i++)
      if (!stage(a, &c->stage.at[k], now.at[i], &next)) return false;
    now = next;
  }
  *out = now;
  return true;
}
