// The parser's hands: looking at tokens, reading them, reporting and recovering.
#include "front/parser.h"
#include "front/parse.h"
#include <string.h>

enum { MAX_NEST = 500, LOOK_AHEAD = 200 };

static int past_newlines(const NcParser *p, int i) {
  while (p->nest > 0 && p->tok.at[i].kind == NC_T_NL) i++;
  return i;
}

const NcToken *nc_p_tok(const NcParser *p) { return &p->tok.at[past_newlines(p, p->at)]; }

const NcToken *nc_p_ahead(const NcParser *p, int k) {
  int i = past_newlines(p, p->at);
  for (; k > 0 && p->tok.at[i].kind != NC_T_EOF; k--) i = past_newlines(p, i + 1);
  return &p->tok.at[i];
}

bool nc_p_is(const NcParser *p, NcTokenKind k) { return nc_p_tok(p)->kind == k; }
bool nc_p_word(const NcParser *p, NcWord w) { return nc_p_tok(p)->word == w; }
NcRange nc_p_range(const NcParser *p, const NcToken *t) { return (NcRange){p->lex.source, t->begin, t->end}; }

NcRange nc_p_here(const NcParser *p) { return nc_p_range(p, nc_p_tok(p)); }

// The last token that was read, newlines aside; NULL at the start.
static const NcToken *last(const NcParser *p) {
  for (int i = p->at - 1; i >= 0; i--)
    if (p->tok.at[i].kind != NC_T_NL) return &p->tok.at[i];
  return NULL;
}

NcRange nc_p_from(const NcParser *p, NcRange begin) {
  const NcToken *t = last(p);
  return (NcRange){p->lex.source, begin.begin, t && t->end > begin.begin ? t->end : begin.end};
}

NcRange nc_p_gap(const NcParser *p) {
  const NcToken *t = last(p);
  uint32_t at = t ? t->end : nc_p_tok(p)->begin;
  return (NcRange){p->lex.source, at, at};
}

bool nc_p_starts_decl_at(const NcParser *p, int i) {
  const NcToken *t = &p->tok.at[i];
  if (t->word < NC_W_IMPORT || t->word > NC_W_TEST || (t->begin && p->text[t->begin - 1] != '\n')) return false;
  NcTokenKind k = t[1].kind;
  return k == NC_T_ID || k == NC_T_STR;
}

bool nc_p_starts_decl(const NcParser *p) { return nc_p_starts_decl_at(p, past_newlines(p, p->at)); }

bool nc_p_starts_expr(const NcParser *p) {
  const NcToken *t = nc_p_tok(p);
  switch (t->kind) {
  case NC_T_ID: return t->word != NC_W_ELSE && t->word != NC_W_AND && t->word != NC_W_OR && t->word != NC_W_LET;
  case NC_T_INT: case NC_T_FLOAT: case NC_T_STR: case NC_T_LPAREN: case NC_T_LBRACK: case NC_T_MINUS: return true;
  default: return false;
  }
}

const NcToken *nc_p_next(NcParser *p) {
  p->at = past_newlines(p, p->at);
  const NcToken *t = &p->tok.at[p->at];
  if (t->kind != NC_T_EOF) p->at++;
  return t;
}

bool nc_p_accept(NcParser *p, NcTokenKind k) {
  if (!nc_p_is(p, k)) return false;
  nc_p_next(p);
  return true;
}

bool nc_p_accept_word(NcParser *p, NcWord w) {
  if (!nc_p_word(p, w)) return false;
  nc_p_next(p);
  return true;
}

static NcMessage *report(NcParser *p, NcCode code, NcRange at, const char *fmt, va_list ap) {
  if (p->panic) return NULL;
  return nc_error(p->diag, code, at, "%s", nc_vsprintf(p->arena, fmt, ap));
}

NcMessage *nc_p_slip(NcParser *p, NcCode code, NcRange at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  NcMessage *m = report(p, code, at, fmt, ap);
  va_end(ap);
  return m;
}

NcMessage *nc_p_error(NcParser *p, NcCode code, NcRange at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  NcMessage *m = report(p, code, at, fmt, ap);
  va_end(ap);
  p->panic = true;
  return m;
}

void nc_p_help(NcParser *p, NcMessage *m, const char *fmt, ...) {
  if (!m) return;
  va_list ap;
  va_start(ap, fmt);
  m->help = nc_vsprintf(p->diag->arena, fmt, ap);
  va_end(ap);
}

const char *nc_p_found(const NcParser *p) {
  const NcToken *t = nc_p_tok(p);
  if (t->kind == NC_T_STR) return "a string";
  if (t->kind == NC_T_EOF || t->kind == NC_T_NL) return nc_token_word(t->kind);
  return nc_sprintf(p->arena, "`%.*s`", (int)(t->end - t->begin), p->text + t->begin);
}

NcMessage *nc_p_unexpected(NcParser *p, const char *wanted) {
  const NcToken *t = nc_p_tok(p);
  if (t->kind == NC_T_BAD) {   // the lexer has reported it
    p->panic = true;
    return NULL;
  }
  if (t->kind == NC_T_EOF || t->kind == NC_T_NL)
    return nc_p_error(p, NC_E0102, nc_p_gap(p), "expected %s, found %s", wanted, nc_p_found(p));
  return nc_p_error(p, NC_E0101, nc_p_range(p, t), "expected %s, found %s", wanted, nc_p_found(p));
}

NcMessage *nc_p_expect(NcParser *p, NcTokenKind k, const char *why) {
  if (nc_p_accept(p, k)) return NULL;
  if (nc_p_is(p, NC_T_BAD)) return nc_p_unexpected(p, "");
  return nc_p_error(p, NC_E0102, nc_p_gap(p), "%s is missing%s%s, before %s", nc_token_word(k), why ? " " : "",
                    why ? why : "", nc_p_found(p));
}

bool nc_p_expect_word(NcParser *p, NcWord w, const char *example) {
  if (nc_p_accept_word(p, w)) return true;
  nc_p_help(p, nc_p_unexpected(p, nc_sprintf(p->arena, "`%s`", nc_word(w))), "write it like this: `%s`", example);
  return false;
}

NcName nc_p_name(NcParser *p, const char *what) {
  const NcToken *t = nc_p_tok(p);
  if (t->kind != NC_T_ID) {
    nc_p_unexpected(p, what);
    return (NcName){NULL, nc_p_gap(p)};
  }
  if (nc_word_reserved(t->word)) {
    NcMessage *m = nc_p_error(p, NC_E0101, nc_p_range(p, t), "expected %s, found `%s`, which is a word of the language",
                              what, t->name);
    nc_p_help(p, m, "choose another name, for instance `%s_`", t->name);
    return (NcName){NULL, nc_p_range(p, t)};
  }
  nc_p_next(p);
  return (NcName){t->name, nc_p_range(p, t)};
}

NcRange nc_p_open(NcParser *p) {
  const NcToken *t = nc_p_next(p);
  p->nest++;
  return nc_p_range(p, t);
}

void nc_p_close(NcParser *p, NcTokenKind k, NcRange open) {
  if (!p->panic && !nc_p_accept(p, k)) {
    NcMessage *m = NULL;
    bool new_line = p->tok.at[p->at].kind == NC_T_NL || nc_p_is(p, NC_T_EOF) || nc_p_is(p, NC_T_RBRACE);
    const NcToken *t = last(p);
    bool swallowed = t && t->kind == NC_T_STR && !t->i;   // by a string that does not end
    if (nc_p_is(p, NC_T_BAD)) nc_p_unexpected(p, "");
    else if (!swallowed && p->unclosed != p->at + 1)
      m = nc_p_slip(p, NC_E0102, nc_p_gap(p), "%s is missing here%s%s", nc_token_word(k), new_line ? "" : ", before ",
                    new_line ? "" : nc_p_found(p));
    if (m) nc_label(p->diag, m, open, "opened here");
    nc_p_help(p, m, "close it with %s", nc_token_word(k));
    p->unclosed = p->at + 1;
    p->panic = p->panic || !new_line;   // at the end of a line the statement simply ends
  }
  p->nest--;
}

// Does `close` come before the block or the file ends? Tells a forgotten comma from a forgotten bracket.
static bool closes_later(const NcParser *p, NcTokenKind close) {
  int open = 0;
  for (int i = past_newlines(p, p->at), n = 0; n < LOOK_AHEAD; i++, n++) {
    NcTokenKind k = p->tok.at[i].kind;
    if (k == NC_T_EOF || nc_p_starts_decl_at(p, i)) return false;
    if (k == NC_T_LPAREN || k == NC_T_LBRACK || k == NC_T_LBRACE) open++;
    else if (k == NC_T_RPAREN || k == NC_T_RBRACK || k == NC_T_RBRACE) {
      if (open == 0) return k == close;
      open--;
    }
  }
  return false;
}

bool nc_p_more(NcParser *p, NcTokenKind close) {
  if (p->panic || nc_p_is(p, close) || nc_p_is(p, NC_T_EOF)) return false;
  if (nc_p_accept(p, NC_T_COMMA)) return !nc_p_is(p, close);   // one comma after the last item is allowed
  const NcToken *t = nc_p_tok(p);
  bool item = nc_p_starts_expr(p) && !(t->word >= NC_W_PARAM && t->word <= NC_W_GRADCHECK);
  if (!item || !closes_later(p, close)) return false;
  nc_p_help(p, nc_p_slip(p, NC_E0102, nc_p_gap(p), "`,` is missing here, before %s", nc_p_found(p)),
            "items are separated by commas");
  return true;
}

bool nc_p_enter(NcParser *p) {
  if (++p->depth <= MAX_NEST) return true;
  nc_p_help(p, nc_p_error(p, NC_E0106, nc_p_here(p), "this is nested too deeply"), "name the inner parts with `let`");
  return false;
}

void nc_p_leave(NcParser *p) { p->depth--; }

static bool starts_stmt(const NcToken *t) {
  return t->word == NC_W_LET || (t->word >= NC_W_PARAM && t->word <= NC_W_GRADCHECK);
}

void nc_p_sync(NcParser *p) {
  p->panic = false;
  for (int open = 0;; p->at++) {
    const NcToken *t = &p->tok.at[p->at];
    bool fresh = p->at > 0 && t[-1].kind == NC_T_NL;
    if (t->kind == NC_T_EOF || (fresh && nc_p_starts_decl_at(p, p->at))) return;
    bool ends = t->kind == NC_T_NL || t->kind == NC_T_SEMI || t->kind == NC_T_RBRACE || (fresh && starts_stmt(t));
    if (open == 0 && ends) return;
    if (t->kind == NC_T_LBRACE || t->kind == NC_T_LPAREN || t->kind == NC_T_LBRACK) open++;
    else if (open > 0 && (t->kind == NC_T_RBRACE || t->kind == NC_T_RPAREN || t->kind == NC_T_RBRACK)) open--;
  }
}

void nc_p_sync_decl(NcParser *p) {
  p->panic = false;
  p->nest = 0;
  for (const NcToken *t = &p->tok.at[p->at]; t->kind != NC_T_EOF; t = &p->tok.at[++p->at]) {
    bool line = p->at > 0 && t[-1].kind == NC_T_NL && p->text[t->begin - 1] == '\n';
    bool decl = t->word >= NC_W_IMPORT && t->word <= NC_W_TEST;
    bool looks_like_one = t->kind == NC_T_ID && t[1].kind == NC_T_ID && t[2].kind == NC_T_LPAREN;   // `function f(`
    if (line && (decl || looks_like_one)) return;
  }
}

NcExpr *nc_p_new(NcParser *p, NcExprKind kind, NcRange at) {
  NcExpr *e = NC_NEW(p->arena, NcExpr);
  e->kind = kind;
  e->at = at;
  e->depth = 1;
  return e;
}

static int deeper(int depth, const NcExpr *e) { return e && e->depth > depth ? e->depth : depth; }

static int list_depth(int depth, const NcArgs *list) {
  for (int i = 0; i < list->n; i++) depth = deeper(depth, list->at[i].e);
  return depth;
}

int nc_p_stmt_depth(const NcStmt *s) {
  int depth = list_depth(deeper(deeper(0, s->e), s->text), &s->list);
  return s->body && s->body->depth > depth ? s->body->depth : depth;
}

NcExpr *nc_p_done(NcParser *p, NcExpr *e) {
  e->at = nc_p_from(p, e->at);
  int depth = list_depth(deeper(deeper(deeper(0, e->a), e->b), e->c), &e->list);
  if (e->body && e->body->depth > depth) depth = e->body->depth;
  if (e->other && e->other->depth > depth) depth = e->other->depth;
  if (depth >= NC_MAX_DEPTH) {
    nc_p_help(p, nc_p_error(p, NC_E0106, e->at, "this expression is too long or nested too deeply"),
              "name parts of it with `let`");
    return nc_p_new(p, NC_X_BAD, e->at);
  }
  e->depth = (unsigned short)(depth + 1);
  return e;
}

void nc_p_start(NcParser *p, NcArena *a, NcDiag *d, NcMap *names, uint32_t source) {
  *p = (NcParser){.lex = {a, d, names, source}, .arena = a, .diag = d, .text = nc_diag_file(d, source)->text};
}

static bool size_fits(NcDiag *d, uint32_t source) {
  if (nc_diag_file(d, source)->size < (size_t)1 << 30) return true;
  nc_error(d, NC_E0101, (NcRange){source, 0, 0}, "this file is larger than 1 GB");
  return false;
}

// Errors of the lexer come before those of the parser; readers want them by line.
static void sort_messages(NcDiag *d, int from) {
  for (int i = from + 1; i < d->messages.n; i++)
    for (int k = i; k > from && d->messages.at[k]->at.begin < d->messages.at[k - 1]->at.begin; k--) {
      NcMessage *m = d->messages.at[k];
      d->messages.at[k] = d->messages.at[k - 1];
      d->messages.at[k - 1] = m;
    }
}

NcFile *nc_parse(NcArena *a, NcDiag *d, NcMap *names, uint32_t source) {
  NcParser p;
  nc_p_start(&p, a, d, names, source);
  NcFile *f = NC_NEW(a, NcFile);
  f->source = source;
  if (!size_fits(d, source)) return f;
  NcComments comments = {0};
  int before = d->messages.n;
  p.tok = nc_lex(&p.lex, 0, (uint32_t)nc_diag_file(d, source)->size, &comments);
  f->comment.at = comments.at;
  f->comment.n = comments.n;
  f->comment.cap = comments.cap;
  nc_p_file(&p, f);
  sort_messages(d, before);
  return f;
}

const NcDecl *nc_parse_decl(NcArena *a, NcDiag *d, NcMap *names, NcRange at) {
  NcParser p;
  nc_p_start(&p, a, d, names, at.file);
  NcFile f = {.source = at.file};
  p.tok = nc_lex(&p.lex, at.begin, at.end, NULL);
  nc_p_decl(&p, &f);
  return f.decl.at[0];
}

NcExpr *nc_parse_expr(NcArena *a, NcDiag *d, NcMap *names, uint32_t source) {
  NcParser p;
  nc_p_start(&p, a, d, names, source);
  if (!size_fits(d, source)) return NULL;
  int errors = d->errors;
  p.tok = nc_lex(&p.lex, 0, (uint32_t)nc_diag_file(d, source)->size, NULL);
  p.nest = 1;   // newlines do not count
  NcExpr *e = nc_p_expr(&p);
  if (!p.panic && !nc_p_is(&p, NC_T_EOF)) nc_p_unexpected(&p, "the end of the value");
  return d->errors == errors ? e : NULL;
}
