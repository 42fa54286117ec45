// Statements and blocks.
#include "front/parser.h"
#include <string.h>

// `=`, where a newcomer may write `==` or `:`.
static void assign(NcParser *p, const char *after, const char *name) {
  if (p->panic || nc_p_accept(p, NC_T_ASSIGN)) return;
  NcTokenKind k = nc_p_tok(p)->kind;
  if (k == NC_T_EQ || k == NC_T_COLON) {
    NcMessage *m = nc_p_slip(p, NC_E0101, nc_p_here(p), "expected `=` after %s, found %s", after, nc_p_found(p));
    nc_p_help(p, m, k == NC_T_EQ ? "`==` compares; write `=`" : "write `=`");
    nc_p_next(p);
    return;
  }
  NcMessage *m = nc_p_slip(p, NC_E0102, nc_p_gap(p), "`=` is missing after %s, before %s", after, nc_p_found(p));
  nc_p_help(p, m, "write `%s= …`", name ? nc_sprintf(p->arena, "%s ", name) : "");
  if (!nc_p_starts_expr(p)) p->panic = true;
}

static NcExpr *value(NcParser *p) { return p->panic ? nc_p_new(p, NC_X_BAD, nc_p_gap(p)) : nc_p_expr(p); }

static void let(NcParser *p, NcStmt *s) {
  s->tuple = nc_p_is(p, NC_T_LPAREN);
  NcRange open = s->tuple ? nc_p_open(p) : NC_NOWHERE;
  do {
    NcName name = nc_p_name(p, "a name");
    if (name.s) *NC_PUSH(p->arena, s->names) = name;
  } while (s->tuple && nc_p_more(p, NC_T_RPAREN));
  if (s->tuple) nc_p_close(p, NC_T_RPAREN, open);
  if (!p->panic && !s->tuple && nc_p_is(p, NC_T_COMMA))
    nc_p_help(p, nc_p_error(p, NC_E0101, nc_p_here(p), "several names stand in parentheses"), "write `let (a, b) = …`");
  if (!p->panic && nc_p_is(p, NC_T_COLON) && nc_p_ahead(p, 1)->kind == NC_T_ID) {
    NcRange colon = nc_p_range(p, nc_p_next(p));
    NcMessage *m = nc_p_slip(p, NC_E0101, colon, "a `let` has no type; it follows from the value");
    nc_p_help(p, m, "write `let %s = …`", s->names.n ? s->names.at[0].s : "x");
    nc_p_type(p);
  }
  assign(p, "the name", s->names.n && !s->tuple ? s->names.at[0].s : NULL);
  s->e = value(p);
}

// param weight: f32[units, I] = init [frozen], and state
static void param(NcParser *p, NcStmt *s) {
  s->name = nc_p_name(p, "a name");
  NcMessage *m = p->panic ? NULL : nc_p_expect(p, NC_T_COLON, "after the name");
  nc_p_help(p, m, "give its type: `%s %s: f32[n] = zeros`", nc_stmt_word(s->kind), s->name.s);
  s->type = nc_p_type(p);
  assign(p, "the type", NULL);
  s->e = value(p);
  if (s->kind == NC_S_PARAM) s->frozen = nc_p_accept_word(p, NC_W_FROZEN);
}

static void update(NcParser *p, NcStmt *s) {
  s->name = nc_p_name(p, "the name of a state");
  assign(p, "the name", s->name.s);
  s->e = value(p);
}

static void assertion(NcParser *p, NcStmt *s) {
  s->e = value(p);
  NcMessage *m = p->panic ? NULL : nc_p_expect(p, NC_T_COMMA, "after the condition");
  nc_p_help(p, m, "say what is wrong when it does not hold: `assert n > 0, \"n is {n}\"`");
  s->text = p->panic ? nc_p_new(p, NC_X_BAD, nc_p_gap(p)) : nc_p_string(p, false);
}

static void expectation(NcParser *p, NcStmt *s) { s->e = value(p); }

static void next(NcParser *p, NcStmt *s) {
  do {
    NcArg a = {.e = value(p)};
    a.at = a.e->at;
    *NC_PUSH(p->arena, s->list) = a;
  } while (!p->panic && nc_p_accept(p, NC_T_COMMA));
  if (!p->panic && nc_p_accept_word(p, NC_W_EMIT)) s->e = value(p);
}

static void gradcheck(NcParser *p, NcStmt *s) {
  s->e = value(p);
  if (!p->panic && nc_p_expect_word(p, NC_W_ON, "gradcheck dense(3) on f32[2, 4]")) s->type = nc_p_type(p);
  if (!s->type) s->type = NC_NEW(p->arena, NcTypeExpr);
}

static void only_in_tests(NcParser *p, const NcStmt *s, NcBlockKind kind) {
  if (kind != NC_IN_TEST)
    nc_p_help(p, nc_p_slip(p, NC_E0306, s->at, "`%s` stands only in a test", nc_stmt_word(s->kind)),
              "write `test \"…\" { %s … }`", nc_stmt_word(s->kind));
}

// Words that start statements elsewhere.
static bool foreign(NcParser *p) {
  static const struct { const char *word, *help; } table[] = {
    {"return", "a block's value is its last expression: remove `return`"},
    {"var", "write `let`"}, {"val", "write `let`"},
    {"while", "loops are `repeat`, `scan` and `for`; each has a known end"},
    {"elif", "write `else if`"}, {"print", "`log = […]` in `train` shows values while it runs"},
    {"def", "functions are declared outside of blocks: `fn f(x: f32[B]) { … }`"},
  };
  const NcToken *t = nc_p_tok(p);
  NcTokenKind k = nc_p_ahead(p, 1)->kind;
  if (t->kind != NC_T_ID || (k != NC_T_ID && k != NC_T_INT && k != NC_T_FLOAT && k != NC_T_STR)) return false;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(t->name, table[i].word) == 0) {
      bool soft = i < 3;   // the rest of the statement can be read
      NcMessage *m = soft ? nc_p_slip(p, NC_E0101, nc_p_range(p, t), "there is no `%s`", t->name) :
                            nc_p_error(p, NC_E0101, nc_p_range(p, t), "there is no `%s`", t->name);
      nc_p_help(p, m, "%s", table[i].help);
      nc_p_next(p);
      return i == 1 || i == 2;
    }
  return false;
}

// name = value, in code: a forgotten `let`
static void forgotten_let(NcParser *p, NcStmt *s) {
  nc_p_help(p, nc_p_slip(p, NC_E0102, nc_p_here(p), "a name is given with `let`"), "write `let %s = …`",
            nc_p_tok(p)->name);
  s->kind = NC_S_LET;
  let(p, s);
}

// These words are names when what follows goes on with an expression: `state + 1`.
static bool reads_on(const NcToken *after) {
  switch (after->kind) {
  case NC_T_INT: case NC_T_FLOAT: case NC_T_STR: case NC_T_MINUS: case NC_T_LPAREN: case NC_T_LBRACK: return false;
  case NC_T_ID:
    return after->word == NC_W_AS || after->word == NC_W_AND || after->word == NC_W_OR || after->word == NC_W_FOR;
  default: return true;
  }
}

static void in_code(NcParser *p, NcStmt *s, NcBlockKind kind) {
  static const struct { NcWord word; NcStmtKind kind; void (*read)(NcParser *, NcStmt *); } table[] = {
    {NC_W_LET, NC_S_LET, let}, {NC_W_PARAM, NC_S_PARAM, param}, {NC_W_STATE, NC_S_STATE, param},
    {NC_W_UPDATE, NC_S_UPDATE, update}, {NC_W_ASSERT, NC_S_ASSERT, assertion}, {NC_W_NEXT, NC_S_NEXT, next},
    {NC_W_EXPECT, NC_S_EXPECT, expectation}, {NC_W_GRADCHECK, NC_S_GRADCHECK, gradcheck},
  };
  const NcToken *t = nc_p_tok(p);
  NcTokenKind k = nc_p_ahead(p, 1)->kind;
  bool name = reads_on(nc_p_ahead(p, 1));
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (t->word != table[i].word) continue;
    bool by_name = table[i].kind >= NC_S_PARAM && table[i].kind <= NC_S_UPDATE;
    if (t->word != NC_W_LET && (name || (by_name && k != NC_T_ID))) break;
    s->kind = table[i].kind;
    nc_p_next(p);
    if (s->kind == NC_S_EXPECT || s->kind == NC_S_GRADCHECK) only_in_tests(p, s, kind);
    table[i].read(p, s);
    return;
  }
  if (foreign(p)) {
    s->kind = NC_S_LET;
    let(p, s);
  } else if (!p->panic && nc_p_is(p, NC_T_ID) && nc_p_ahead(p, 1)->kind == NC_T_ASSIGN) {
    forgotten_let(p, s);
  } else {
    s->kind = NC_S_EXPR;
    s->e = value(p);
  }
}

static void in_keys(NcParser *p, NcStmt *s, NcBlockKind kind) {
  const NcToken *t = nc_p_tok(p);
  bool group = (t->word == NC_W_STAGE || t->word == NC_W_STEP) && nc_p_ahead(p, 1)->kind == NC_T_ID;
  if (t->word == NC_W_LET) {
    s->kind = NC_S_LET;
    nc_p_next(p);
    let(p, s);
  } else if (group) {
    s->kind = t->word == NC_W_STAGE ? NC_S_STAGE : NC_S_STEP;
    nc_p_next(p);
    if (kind != NC_IN_TRAIN)
      nc_p_help(p, nc_p_slip(p, NC_E0306, nc_p_range(p, t), "a `%s` stands only in `train`", t->name), "move it there");
    s->name = nc_p_name(p, "a name");
    s->body = nc_p_block(p, NC_IN_STAGE);
  } else {
    s->kind = NC_S_KEY;
    s->name = nc_p_name(p, "a setting, as in `batch = 32`");
    assign(p, "the setting", s->name.s);
    s->e = value(p);
  }
}

// After a statement: a newline, `;`, or the end of the block.
static void end_of_stmt(NcParser *p, const NcStmt *s) {
  static const char *const starts[] = {"let", "param", "state", "update", "assert", "next", "expect", "gradcheck", "if",
                                       "repeat", "scan"};
  NcTokenKind k = nc_p_tok(p)->kind;
  if (p->panic || k == NC_T_NL || k == NC_T_SEMI || k == NC_T_RBRACE || k == NC_T_EOF || nc_p_starts_decl(p)) return;
  const NcExpr *e = s->e;
  const char *near = s->kind == NC_S_EXPR && e && e->kind == NC_X_NAME && k == NC_T_ID ?
                     nc_nearest(e->name.s, starts, sizeof starts / sizeof *starts) : NULL;
  if (near) {
    nc_p_help(p, nc_p_error(p, NC_E0101, e->at, "there is no statement `%s`", e->name.s), "did you mean `%s`?", near);
    return;
  }
  NcMessage *m = nc_p_unexpected(p, "the end of the statement");
  if (k == NC_T_ASSIGN) nc_p_help(p, m, "`=` gives a name to a value (`let x = …`); `==` compares");
  else if (k == NC_T_RPAREN || k == NC_T_RBRACK) nc_p_help(p, m, "this closes nothing; remove it");
  else if (k == NC_T_COLON) nc_p_help(p, m, "blocks stand in braces: `{ … }`");
  else if (nc_p_starts_expr(p)) nc_p_help(p, m, "statements are separated by a new line or `;`");
}

static NcStmt *stmt(NcParser *p, NcBlockKind kind) {
  NcStmt *s = NC_NEW(p->arena, NcStmt);
  s->at = nc_p_here(p);
  if (kind == NC_IN_CODE || kind == NC_IN_TEST) in_code(p, s, kind);
  else in_keys(p, s, kind);
  s->at = nc_p_from(p, s->at);
  end_of_stmt(p, s);
  return s;
}

static void close_block(NcParser *p, NcRange open) {
  if (nc_p_accept(p, NC_T_RBRACE)) return;
  if (p->unclosed != p->at + 1) {
    NcMessage *m = nc_p_slip(p, NC_E0102, nc_p_gap(p), "`}` is missing, before %s", nc_p_found(p));
    if (m) nc_label(p->diag, m, open, "opened here");
    nc_p_help(p, m, "close the block with `}`");
  }
  p->unclosed = p->at + 1;
}

// Reports a declaration inside a block; the declaration is passed over with its block.
static bool nested_decl(NcParser *p) {
  const NcToken *t = nc_p_tok(p), *after = nc_p_ahead(p, 1), *then = nc_p_ahead(p, 2);
  if (t->word < NC_W_FN || t->word > NC_W_TASK || after->kind != NC_T_ID || then->kind != NC_T_LPAREN) return false;
  nc_p_help(p, nc_p_error(p, NC_E0101, nc_p_range(p, t), "a `%s` cannot stand inside a block", t->name),
            "move it to the top level of the file");
  return true;
}

NcBlock *nc_p_block(NcParser *p, NcBlockKind kind) {
  NcBlock *b = NC_NEW(p->arena, NcBlock);
  b->at = nc_p_here(p);
  NcRange open = b->at;
  if (!nc_p_enter(p)) {
  } else if (!nc_p_accept(p, NC_T_LBRACE)) {
    NcMessage *m = nc_p_unexpected(p, "`{`");
    nc_p_help(p, m, nc_p_is(p, NC_T_NL) ? "the `{` stands on the same line" : "a block stands in braces: `{ … }`");
  } else {
    for (;;) {
      while (nc_p_is(p, NC_T_NL) || nc_p_is(p, NC_T_SEMI)) nc_p_next(p);
      if (nc_p_is(p, NC_T_RBRACE) || nc_p_is(p, NC_T_EOF) || nc_p_starts_decl(p)) break;
      int at = p->at;
      if (!nested_decl(p)) {
        NcStmt *s = stmt(p, kind);
        if (p->panic) s->kind = NC_S_BAD;
        *NC_PUSH(p->arena, b->stmt) = s;
        int depth = nc_p_stmt_depth(s);
        if (depth > b->depth) b->depth = (unsigned short)depth;
      }
      if (p->panic) {
        if (p->at == at) p->at++;
        nc_p_sync(p);
      }
    }
    close_block(p, open);
  }
  b->at = nc_p_from(p, open);
  nc_p_leave(p);
  return b;
}
