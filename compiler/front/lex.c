// Text to tokens. What a newcomer from another language writes (&&, **, '…', //) is read as what was meant,
// with an error that says how it is written here, so that one slip does not hide the next.
#include "front/lex.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const token_words[] = {
#define X(id, text) text,
  NC_TOKENS(X)
#undef X
};
typedef struct { const char *text; bool reserved; } Word;
static const Word words[] = {
#define X(id, text, reserved) {text, reserved},
  NC_WORDS(X)
#undef X
};

const char *nc_token_word(NcTokenKind k) { return token_words[k]; }
const char *nc_word(NcWord w) { return words[w].text; }
bool nc_word_reserved(NcWord w) { return words[w].reserved; }

// Longest first. `instead` is what to write for a spelling of another language.
static const struct { const char *text; NcTokenKind kind; NcWord word; const char *instead; } marks[] = {
  {"...", NC_T_SPREAD}, {"|>", NC_T_PIPE}, {"->", NC_T_ARROW}, {"==", NC_T_EQ}, {"!=", NC_T_NE}, {"<=", NC_T_LE},
  {">=", NC_T_GE}, {"..", NC_T_DOTS},
  {"&&", NC_T_ID, NC_W_AND, "and"}, {"||", NC_T_ID, NC_W_OR, "or"}, {"**", NC_T_CARET, NC_W_NONE, "^"},
  {"=>", NC_T_ARROW, NC_W_NONE, "->"}, {":=", NC_T_ASSIGN, NC_W_NONE, "="},
  {"(", NC_T_LPAREN}, {")", NC_T_RPAREN}, {"[", NC_T_LBRACK}, {"]", NC_T_RBRACK}, {"{", NC_T_LBRACE},
  {"}", NC_T_RBRACE}, {",", NC_T_COMMA}, {":", NC_T_COLON}, {"=", NC_T_ASSIGN}, {".", NC_T_DOT}, {"<", NC_T_LT},
  {">", NC_T_GT}, {"+", NC_T_PLUS}, {"-", NC_T_MINUS}, {"*", NC_T_STAR}, {"/", NC_T_SLASH}, {"@", NC_T_AT},
  {"%", NC_T_PERCENT}, {"^", NC_T_CARET}, {";", NC_T_SEMI},
  {"!", NC_T_ID, NC_W_NOT, "not"}, {"|", NC_T_PIPE, NC_W_NONE, "|>"}, {"&", NC_T_ID, NC_W_AND, "and"},
  {"×", NC_T_STAR, NC_W_NONE, "*"}, {"·", NC_T_STAR, NC_W_NONE, "*"}, {"÷", NC_T_SLASH, NC_W_NONE, "/"},
  {"−", NC_T_MINUS, NC_W_NONE, "-"}, {"–", NC_T_MINUS, NC_W_NONE, "-"}, {"→", NC_T_ARROW, NC_W_NONE, "->"},
  {"…", NC_T_SPREAD, NC_W_NONE, "..."}, {"≤", NC_T_LE, NC_W_NONE, "<="}, {"≥", NC_T_GE, NC_W_NONE, ">="},
  {"≠", NC_T_NE, NC_W_NONE, "!="},
};

typedef struct {
  const NcLexer *l;
  const char *text;
  uint32_t at, end, line;   // line: where this one begins
  NcTokens out;
  NcComments *comments;
} Lex;

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }
static char peek(const Lex *x, uint32_t k) { return x->at + k < x->end ? x->text[x->at + k] : 0; }
static NcRange range(const Lex *x, uint32_t begin) { return (NcRange){x->l->source, begin, x->at}; }

static NcToken *push(Lex *x, NcTokenKind kind, uint32_t begin) {
  NcToken *t = NC_PUSH(x->l->arena, x->out);
  *t = (NcToken){.kind = kind, .begin = begin, .end = x->at};
  return t;
}

// The map of names tells of each which word of the language it is; NULL: none.
static void set_word(const Lex *x, NcToken *t, const char *s, size_t n) {
  const NcSlot *known = nc_intern_slot(x->l->names, s, n);
  t->name = known->key;
  if (known->value) t->word = (NcWord)((const Word *)known->value - words);
}

static void know_words(NcMap *names) {
  if (nc_map_get(names, words[NC_W_NONE + 1].text)) return;
  for (int w = NC_W_NONE + 1; w < NC_W_COUNT; w++) nc_map_set(names, words[w].text, (void *)&words[w]);
}

static void comment(Lex *x) {
  uint32_t begin = x->at;
  bool own = true;
  for (uint32_t i = x->line; i < begin; i++) own = own && (x->text[i] == ' ' || x->text[i] == '\t');
  while (x->at < x->end && x->text[x->at] != '\n') x->at++;
  if (!x->comments) return;
  NcRange at = range(x, begin);
  while (at.end > at.begin && strchr(" \t\r", x->text[at.end - 1])) at.end--;
  *NC_PUSH(x->l->arena, *x->comments) = (NcComment){.at = at, .own_line = own};
}

// The closing quote must stand on the same line; what is between is looked at by the parser (text.c).
static void string(Lex *x, char quote) {
  uint32_t begin = x->at++;
  while (x->at < x->end && x->text[x->at] != quote && x->text[x->at] != '\n')
    x->at += x->text[x->at] == '\\' && x->at + 1 < x->end && x->text[x->at + 1] != '\n' ? 2 : 1;
  bool closed = x->at < x->end && x->text[x->at] == quote;
  if (closed) x->at++;
  if (!closed) {
    while (x->at > begin + 1 && strchr(" \t\r", x->text[x->at - 1])) x->at--;
    NcMessage *m = nc_error(x->l->diag, NC_E0103, range(x, begin), "this string does not end on its line");
    nc_help(x->l->diag, m, "close it with `%c`; for a line break inside write \\n", quote);
  } else if (quote == '\'') {
    NcMessage *m = nc_error(x->l->diag, NC_E0101, range(x, begin), "strings stand in double quotes");
    nc_help(x->l->diag, m, "write \"%.*s\"", (int)(x->at - begin - 2), x->text + begin + 1);
  }
  if (memchr(x->text + begin, 0, x->at - begin))
    nc_error(x->l->diag, NC_E0101, range(x, begin), "a byte 0x00 is not text");
  NcToken *t = push(x, NC_T_STR, begin);
  t->i = closed;
}

static double to_double(const Lex *x, uint32_t begin) {
  char *s = nc_strndup(x->l->arena, x->text + begin, x->at - begin), *dot = strchr(s, '.');
  if (dot) *dot = localeconv()->decimal_point[0];   // strtod reads what the host program's locale writes
  return strtod(s, NULL);
}

static void bad_number(Lex *x, NcToken *t, const char *why, const char *help) {
  NcRange at = range(x, t->begin);
  NcMessage *m = nc_error(x->l->diag, NC_E0105, at, "`%.*s` %s", (int)(at.end - at.begin), x->text + at.begin, why);
  if (help) nc_help(x->l->diag, m, "%s", help);
}

static bool integer(const Lex *x, uint32_t at, int base, int64_t *out) {
  char *s = nc_strndup(x->l->arena, x->text + at, x->at - at);
  errno = 0;
  *out = strtoll(s, NULL, base);
  return errno == 0;
}

static void number(Lex *x) {
  uint32_t begin = x->at;
  bool hex = peek(x, 0) == '0' && (peek(x, 1) == 'x' || peek(x, 1) == 'X'), real = false;
  if (hex) {
    x->at += 2;
    while (digit(peek(x, 0)) || (letter(peek(x, 0)) && strchr("abcdefABCDEF", peek(x, 0)))) x->at++;
  } else {
    while (digit(peek(x, 0))) x->at++;
    if (peek(x, 0) == '.' && digit(peek(x, 1))) {
      real = true;
      for (x->at++; digit(peek(x, 0));) x->at++;
    }
    char sign = peek(x, 1);
    if ((peek(x, 0) == 'e' || peek(x, 0) == 'E') &&
        (digit(sign) || ((sign == '+' || sign == '-') && digit(peek(x, 2))))) {
      real = true;
      for (x->at += 2; digit(peek(x, 0));) x->at++;
    }
  }
  NcToken *t = push(x, real ? NC_T_FLOAT : NC_T_INT, begin);
  bool junk = letter(peek(x, 0)) || (hex && x->at == begin + 2), underscore = peek(x, 0) == '_';
  while (letter(peek(x, 0)) || digit(peek(x, 0))) x->at++;
  t->end = x->at;
  if (junk) {
    bad_number(x, t, "is not a number", underscore ? "write the digits without `_`" :
               "a name begins with a letter; a product needs `*`");
  } else if (peek(x, 0) == '.' && peek(x, 1) != '.' && !letter(peek(x, 1))) {
    x->at++;
    t->end = x->at;
    bad_number(x, t, "needs a digit after the point", "write one, as in `1.0`");
  } else if (!real) {
    if (!integer(x, begin, hex ? 16 : 10, &t->i))
      bad_number(x, t, "is too large for a whole number",
                 "the largest is 9223372036854775807; `1e20` is a real number");
  } else {
    t->f = to_double(x, begin);
    bool zero = true;
    for (uint32_t i = begin; i < x->at && x->text[i] != 'e' && x->text[i] != 'E'; i++)
      zero = zero && !(x->text[i] >= '1' && x->text[i] <= '9');
    if (isinf(t->f)) bad_number(x, t, "is too large", "infinity is written `inf`");
    else if (t->f == 0 && !zero) bad_number(x, t, "is too small", "the smallest is about 4.9e-324");
  }
}

static bool mark(Lex *x) {
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    if (marks[i].text[0] != x->text[x->at]) continue;
    size_t n = strlen(marks[i].text);
    if (x->end - x->at < n || memcmp(x->text + x->at, marks[i].text, n) != 0) continue;
    uint32_t begin = x->at;
    x->at += (uint32_t)n;
    NcToken *t = push(x, marks[i].kind, begin);
    if (t->kind == NC_T_ID) set_word(x, t, words[marks[i].word].text, strlen(words[marks[i].word].text));
    if (marks[i].instead) {
      NcMessage *m = nc_error(x->l->diag, NC_E0101, range(x, begin), "`%s` is not written like this here",
                              marks[i].text);
      nc_help(x->l->diag, m, "write `%s`", marks[i].instead);
    }
    return true;
  }
  return false;
}

static void stray(Lex *x) {
  uint32_t begin = x->at, n = (uint32_t)nc_utf8(x->text + x->at);
  const char *c = x->text + begin;
  x->at += n ? n : 1;
  NcMessage *m;
  if (n < 2 && ((unsigned char)*c >= 0x80 || (unsigned char)*c < ' ' || *c == 0x7f)) {
    m = nc_error(x->l->diag, NC_E0101, range(x, begin), "a byte 0x%02x is not text", (unsigned char)*c);
    nc_help(x->l->diag, m, "save the file as UTF-8");
  } else {
    m = nc_error(x->l->diag, NC_E0101, range(x, begin), "`%.*s` has no meaning here", (int)n, c);
    bool quote = n == 3 && memcmp(c, "\xe2\x80", 2) == 0 && strchr("\x98\x99\x9c\x9d\x9e", c[2]);
    if (quote) nc_help(x->l->diag, m, "strings stand in straight double quotes: \"…\"");
    else if (*c == '?') nc_help(x->l->diag, m, "a choice is written `if c { a } else { b }`");
    else if (*c == '$' || *c == '`') nc_help(x->l->diag, m, "remove it");
    else nc_help(x->l->diag, m, "names are letters a to z, digits and `_`; anything may stand in strings and comments");
  }
  push(x, NC_T_BAD, begin);
  // The rest of a run of such bytes is the same mistake.
  while (x->at < x->end && (unsigned char)x->text[x->at] >= 0x80) x->at++;
}

// Does the token before end exactly here, so that a `.` asks for a part of it?
static bool follows_value(const Lex *x) {
  const NcToken *t = x->out.n ? &x->out.at[x->out.n - 1] : NULL;
  return t && t->end == x->at &&
         (t->kind == NC_T_ID || t->kind == NC_T_RPAREN || t->kind == NC_T_RBRACK || t->kind == NC_T_DOTS ||
                                  t->kind == NC_T_SPREAD);
}

static bool joins(const NcToken *t) { return t->kind == NC_T_PIPE || t->kind == NC_T_ARROW || t->word == NC_W_ELSE; }

static void token(Lex *x) {
  char c = x->text[x->at];
  uint32_t begin = x->at;
  if (letter(c)) {
    while (letter(peek(x, 0)) || digit(peek(x, 0))) x->at++;
    set_word(x, push(x, NC_T_ID, begin), x->text + begin, x->at - begin);
  } else if (digit(c)) {
    number(x);
  } else if (c == '"' || c == '\'') {
    string(x, c);
  } else if (c == '.' && digit(peek(x, 1)) && !follows_value(x)) {
    x->at++;
    number(x);
    NcToken *t = &x->out.at[x->out.n - 1];
    t->begin = begin;
    t->kind = NC_T_FLOAT;
    bad_number(x, t, "needs a digit before the point", "write 0 there, as in `0.5`");
  } else if (!mark(x)) {
    stray(x);
  }
  if (x->out.n >= 2 && x->out.at[x->out.n - 2].kind == NC_T_NL && joins(&x->out.at[x->out.n - 1])) {
    x->out.at[x->out.n - 2] = x->out.at[x->out.n - 1];
    x->out.n--;
  }
}

NcTokens nc_lex(const NcLexer *l, uint32_t begin, uint32_t end, NcComments *comments) {
  Lex x = {.l = l, .text = nc_diag_file(l->diag, l->source)->text, .at = begin, .end = end, .comments = comments};
  x.line = begin;
  know_words(l->names);
  if (begin == 0 && end >= 3 && memcmp(x.text, "\xef\xbb\xbf", 3) == 0) x.line = x.at = 3;   // a byte order mark
  while (x.at < x.end) {
    char c = x.text[x.at];
    if (c == '\n') {
      x.line = ++x.at;
      if (x.out.n && x.out.at[x.out.n - 1].kind != NC_T_NL) push(&x, NC_T_NL, x.at - 1);
    } else if (c == ' ' || c == '\t' || c == '\r') {
      x.at++;
    } else if (c == '#') {
      comment(&x);
    } else if (c == '/' && peek(&x, 1) == '/') {
      uint32_t at = x.at;
      comment(&x);
      NcMessage *m = nc_error(l->diag, NC_E0101, (NcRange){l->source, at, at + 2}, "`//` does not start a comment");
      nc_help(l->diag, m, "comments start with `#`; floor division of sizes is `/`");
    } else {
      token(&x);
    }
  }
  push(&x, NC_T_EOF, x.at);
  return x.out;
}
