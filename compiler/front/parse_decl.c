// Declarations and files.
#include "front/parser.h"
#include <string.h>

static const struct { const char *name, *other; } kind_words[] = {
  {"int", "integer"}, {"float", "real"}, {"bool", "boolean"}, {"str", "string"}, {"init", "initializer"},
  {"fn", "function"}, {"list", "tuple"},
};
enum { KINDS = sizeof kind_words / sizeof *kind_words };

static NcName kind(NcParser *p) {
  NcName name = nc_p_name(p, "a kind: int, float, bool, str, init, fn or list");
  const char *known[KINDS], *near = NULL;
  for (int i = 0; name.s && i < KINDS; i++) {
    known[i] = kind_words[i].name;
    if (strcmp(name.s, known[i]) == 0) return name;
    if (strcasecmp(name.s, kind_words[i].other) == 0) near = known[i];
  }
  NcDtype tensor;
  if (!name.s || (nc_dtype_find(name.s, &tensor) && nc_p_is(p, NC_T_LBRACK))) return name;   // told of at its brackets
  if (!near) near = nc_nearest(name.s, known, KINDS);
  NcMessage *m = nc_p_slip(p, NC_E0101, name.at, "`%s` is no kind of hyperparameter", name.s);
  if (near) nc_p_help(p, m, "did you mean `%s`?", near);
  else nc_p_help(p, m, "the kinds are int, float, bool, str, init, fn and list");
  return name;
}

// units: int = 128, or init = glorot_uniform; for tensors x: f32[B, 2]
static NcFormal formal(NcParser *p, bool hyper) {
  NcFormal f = {.at = nc_p_here(p)};
  f.name = nc_p_name(p, hyper ? "a hyperparameter" : "a parameter");
  if (p->panic) return f;
  bool no_colon = hyper && nc_p_is(p, NC_T_ID);
  if (no_colon)
    nc_p_help(p, nc_p_slip(p, NC_E0102, nc_p_gap(p), "`:` is missing after `%s`", f.name.s), "write `%s: %s`", f.name.s,
              nc_p_tok(p)->name);
  if (nc_p_accept(p, NC_T_COLON) || no_colon) {
    if (hyper) f.kind = kind(p);
    else f.type = nc_p_type(p);
  } else if (!hyper) {
    nc_p_help(p, nc_p_error(p, NC_E0102, nc_p_gap(p), "`%s` needs a type", f.name.s), "as in `%s: f32[B, 10]`",
              f.name.s);
  }
  if (!p->panic && hyper && nc_p_accept(p, NC_T_ASSIGN)) f.value = nc_p_expr(p);
  if (!p->panic && !hyper && nc_p_is(p, NC_T_ASSIGN))
    nc_p_help(p, nc_p_error(p, NC_E0101, nc_p_here(p), "a tensor has no default value"),
              "hyperparameters have; they have parentheses of their own: `f(n: int = 10)(x: f32[n])`");
  if (!p->panic && hyper && f.kind.s && nc_p_is(p, NC_T_LBRACK))
    nc_p_help(p, nc_p_error(p, NC_E0101, nc_p_here(p), "a hyperparameter is no tensor"),
              "tensors stand in the second parentheses; kinds are int, float, bool, str, init, fn and list");
  f.at = nc_p_from(p, f.at);
  return f;
}

// Are there two groups of parentheses? Then the first holds hyperparameters.
static bool two_groups(const NcParser *p) {
  int open = 0;
  for (int k = p->at; p->tok.at[k].kind != NC_T_EOF; k++) {
    NcTokenKind kind = p->tok.at[k].kind;
    if ((kind == NC_T_LBRACE && open == 0) || nc_p_starts_decl_at(p, k)) return false;
    if (kind == NC_T_LPAREN) open++;
    else if (kind == NC_T_RPAREN && --open == 0) return p->tok.at[k + 1].kind == NC_T_LPAREN;
  }
  return false;
}

static void formals(NcParser *p, NcDecl *d, bool hyper) {
  if (p->panic) return;
  if (!nc_p_is(p, NC_T_LPAREN)) {
    nc_p_help(p, nc_p_unexpected(p, "`(`"), "write the parameters: `%s %s(x: f32[B, 10]) { … }`", nc_decl_word(d->kind),
              d->name.s);
    return;
  }
  NcRange open = nc_p_open(p);
  if (!nc_p_is(p, NC_T_RPAREN)) {
    do {
      NcFormal f = formal(p, hyper);
      if (hyper) *NC_PUSH(p->arena, d->hyper) = f;
      else *NC_PUSH(p->arena, d->tensor) = f;
    } while (nc_p_more(p, NC_T_RPAREN));
  }
  nc_p_close(p, NC_T_RPAREN, open);
}

// Recovers inside the head of a declaration: its block is still worth reading.
static void to_block(NcParser *p) {
  if (!p->panic) return;
  int at = p->at;
  while (p->tok.at[at].kind != NC_T_EOF && p->tok.at[at].kind != NC_T_NL && p->tok.at[at].kind != NC_T_LBRACE) at++;
  if (p->tok.at[at].kind != NC_T_LBRACE) return;
  p->at = at;
  p->panic = false;
}

static void block(NcParser *p, NcDecl *d, NcBlockKind kind) {
  to_block(p);
  if (!p->panic && nc_p_is(p, NC_T_ASSIGN))
    nc_p_help(p, nc_p_unexpected(p, "`{`"), "the body stands in braces: `{ … }`");
  d->body = p->panic ? NC_NEW(p->arena, NcBlock) : nc_p_block(p, kind);
}

static void function(NcParser *p, NcDecl *d) {
  d->name = nc_p_name(p, nc_sprintf(p->arena, "a name for the %s", nc_decl_word(d->kind)));
  d->has_hyper = !p->panic && two_groups(p);
  if (d->has_hyper) formals(p, d, true);
  formals(p, d, false);
  if (!p->panic && nc_p_is(p, NC_T_COLON)) {
    nc_p_help(p, nc_p_slip(p, NC_E0101, nc_p_here(p), "the result's type comes after `->`"), "write `-> f32[B, 10]`");
    nc_p_next(p);
    d->result = nc_p_type(p);
  } else if (!p->panic && nc_p_accept(p, NC_T_ARROW)) {
    d->result = nc_p_type(p);
  }
  block(p, d, NC_IN_CODE);
}

static void data(NcParser *p, NcDecl *d) {
  d->name = nc_p_name(p, "a name for the data");
  d->has_hyper = !p->panic && nc_p_is(p, NC_T_LPAREN);
  if (d->has_hyper) formals(p, d, true);
  block(p, d, NC_IN_DATA);
}

static void train(NcParser *p, NcDecl *d) {
  d->name = nc_p_name(p, "the name of a model");
  d->has_list = !p->panic && nc_p_is(p, NC_T_LPAREN);
  if (d->has_list) {
    NcRange open = nc_p_open(p);
    nc_p_args(p, NC_T_RPAREN, &d->list);
    nc_p_close(p, NC_T_RPAREN, open);
  }
  if (!p->panic && nc_p_expect_word(p, NC_W_ON, "train mlp on digits { … }"))
    d->source = nc_p_name(p, "the name of the data");
  block(p, d, NC_IN_TRAIN);
}

static void constant(NcParser *p, NcDecl *d) {
  d->name = nc_p_name(p, "a name");
  NcMessage *m = p->panic ? NULL : nc_p_expect(p, NC_T_ASSIGN, "after the name");
  nc_p_help(p, m, "write `%s %s = …`", nc_decl_word(d->kind), d->name.s);
  d->e = p->panic ? nc_p_new(p, NC_X_BAD, d->name.at) : nc_p_expr(p);
}

static void path(NcParser *p, NcDecl *d, const char *example) {
  if (!nc_p_is(p, NC_T_STR)) nc_p_help(p, nc_p_unexpected(p, "a string"), "write it like this: `%s`", example);
  NcExpr *s = nc_p_string(p, true);
  d->path = s->s;
  d->path_at = s->at;
}

static void import(NcParser *p, NcDecl *d) {
  static const char example[] = "import \"net.nn\" as net";
  path(p, d, example);
  if (!p->panic && nc_p_expect_word(p, NC_W_AS, example)) d->name = nc_p_name(p, "a name for the import");
}

static void test(NcParser *p, NcDecl *d) {
  path(p, d, "test \"it doubles\" { expect double(2) == 4 }");
  block(p, d, NC_IN_TEST);
}

// The `##` lines that stand directly above, one below the other.
static void doc(NcParser *p, NcFile *f, NcDecl *d) {
  const NcSource *src = nc_diag_file(p->diag, p->lex.source);
  int line, col, end = p->comment, begin;
  nc_line_col(src, d->at.begin, &line, &col);
  while (end < f->comment.n && f->comment.at[end].at.begin < d->at.begin) end++;
  p->comment = end;
  for (begin = end; begin > 0; begin--, line--) {
    const NcComment *c = &f->comment.at[begin - 1];
    int at;
    nc_line_col(src, c->at.begin, &at, &col);
    if (!c->own_line || at != line - 1 || c->at.end - c->at.begin < 2 || p->text[c->at.begin + 1] != '#') break;
  }
  if (begin == end) return;
  NcBuf text = NC_BUF(p->arena);
  for (int i = begin; i < end; i++) {
    NcComment *c = &f->comment.at[i];
    uint32_t from = c->at.begin + 2;
    if (from < c->at.end && p->text[from] == ' ') from++;
    if (i > begin) nc_putc(&text, '\n');
    nc_putn(&text, p->text + from, c->at.end - from);
    c->doc = true;
  }
  d->doc = nc_strdup(p->arena, nc_buf_str(&text));
}

void nc_p_decl(NcParser *p, NcFile *f) {
  static void (*const read[])(NcParser *, NcDecl *) = {
    [NC_D_IMPORT] = import, [NC_D_CONST] = constant, [NC_D_FN] = function, [NC_D_LAYER] = function,
    [NC_D_MODEL] = function, [NC_D_TASK] = function, [NC_D_DATA] = data, [NC_D_TRAIN] = train,
    [NC_D_WEIGHTS] = constant, [NC_D_TEST] = test,
  };
  const NcToken *t = nc_p_next(p);
  NcDecl *d = NC_NEW(p->arena, NcDecl);
  d->kind = (NcDeclKind)(NC_D_IMPORT + (int)(t->word - NC_W_IMPORT));
  d->at = nc_p_range(p, t);
  doc(p, f, d);
  read[d->kind](p, d);
  d->at = nc_p_from(p, d->at);
  *NC_PUSH(p->arena, f->decl) = d;
  if (p->panic || nc_p_starts_decl(p) || nc_p_is(p, NC_T_NL) || nc_p_is(p, NC_T_SEMI) || nc_p_is(p, NC_T_EOF)) return;
  NcMessage *m = nc_p_unexpected(p, "the end of the declaration");
  if (nc_p_is(p, NC_T_RBRACE)) nc_p_help(p, m, "this `}` closes nothing; remove it");
  else nc_p_help(p, m, "a declaration starts on a line of its own");
}

static void not_a_decl(NcParser *p) {
  static const struct { const char *word, *ours; } table[] = {
    {"def", "fn"}, {"func", "fn"}, {"function", "fn"}, {"class", "layer"}, {"module", "layer"}, {"network", "model"},
    {"net", "model"}, {"dataset", "data"}, {"let", "const"}, {"var", "const"}, {"include", "import"}, {"use", "import"},
  };
  const NcToken *t = nc_p_tok(p);
  const char *near = NULL, *words[NC_D_COUNT];
  for (int i = 0; i < NC_D_COUNT; i++) words[i] = nc_decl_word((NcDeclKind)i);
  if (t->kind == NC_T_RBRACE) {
    nc_p_help(p, nc_p_error(p, NC_E0101, nc_p_range(p, t), "this `}` closes nothing"), "remove it");
    return;
  }
  NcMessage *m = nc_p_unexpected(p, "a declaration");
  for (size_t i = 0; t->kind == NC_T_ID && i < sizeof table / sizeof *table; i++)
    if (strcmp(t->name, table[i].word) == 0) near = table[i].ours;
  if (t->kind == NC_T_ID && !near) near = nc_nearest(t->name, words, NC_D_COUNT);
  if (near) nc_p_help(p, m, "did you mean `%s`?", near);
  else if (nc_p_ahead(p, 1)->kind == NC_T_ASSIGN && t->kind == NC_T_ID) nc_p_help(p, m, "write `const %s = …`", t->name);
  else nc_p_help(p, m, "a file consists of import, const, fn, layer, model, task, data, train, weights and test");
}

static void header(NcParser *p, NcFile *f) {
  static const char help[] = "begin the file with `nn 1`";
  const NcToken *t = nc_p_tok(p), *version = nc_p_ahead(p, 1);
  if (t->word != NC_W_NN) {
    NcRange first = {p->lex.source, t->begin, t->begin + (t->kind != NC_T_EOF)};
    nc_p_help(p, nc_p_slip(p, NC_E0104, first, "the version of the language is missing"), "%s", help);
    return;
  }
  f->header = nc_p_range(p, nc_p_next(p));
  if (version->kind != NC_T_INT) {
    nc_p_help(p, nc_p_slip(p, NC_E0104, nc_p_range(p, t), "the version of the language is missing after `nn`"), "%s",
              help);
    return;
  }
  nc_p_next(p);
  if (version->i != 1)
    nc_p_help(p, nc_p_slip(p, NC_E0104, nc_p_range(p, version), "this nacre knows version 1 of the language only"),
              "%s", help);
  else f->version = 1;
}

void nc_p_file(NcParser *p, NcFile *f) {
  while (nc_p_accept(p, NC_T_NL)) {}
  header(p, f);
  for (;;) {
    while (nc_p_is(p, NC_T_NL) || nc_p_is(p, NC_T_SEMI)) nc_p_next(p);
    const NcToken *t = nc_p_tok(p);
    if (t->kind == NC_T_EOF) return;
    int at = p->at;
    if (t->word >= NC_W_IMPORT && t->word <= NC_W_TEST) nc_p_decl(p, f);
    else not_a_decl(p);
    if (p->panic) {
      if (p->at == at) p->at++;
      nc_p_sync_decl(p);
    }
  }
}
