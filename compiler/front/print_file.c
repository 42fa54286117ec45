// The layout of statements, blocks and declarations, and where comments go.
#include "front/print.h"
#include "front/parse.h"
#include <string.h>

enum { ROUNDS = 3 };

// Does an empty line stand before this place in the source?
static bool blank_before(const NcPrint *p, uint32_t at) {
  int lines = 0;
  if (!p->text || at == UINT32_MAX) return false;
  for (; at > 0 && strchr(" \t\r\n", p->text[at - 1]); at--) lines += p->text[at - 1] == '\n';
  return lines > 1;
}

static void line(NcPrint *p, bool blank) {
  if (p->out->n) nc_put(p->out, blank ? "\n\n" : "\n");
  nc_put_repeat(p->out, ' ', p->indent);
}

static NcBlank comments(NcPrint *p, uint32_t upto, NcBlank blank) {
  bool on_line = p->out->n > 0;   // a comment may still be put on this line
  for (; p->file && p->comment < p->file->comment.n; p->comment++) {
    const NcComment *c = &p->file->comment.at[p->comment];
    if (c->at.begin >= upto) break;
    if (c->at.begin < p->done) p->displaced = true;
    if (on_line && !c->own_line) {
      nc_put(p->out, "  ");
    } else {
      line(p, blank == NC_BLANK || (blank == NC_BLANK_AS_WRITTEN && blank_before(p, c->at.begin)));
      if (blank != NC_NO_BLANK) blank = NC_BLANK_AS_WRITTEN;
    }
    nc_putn(p->out, p->text + c->at.begin, c->at.end - c->at.begin);
    on_line = false;
  }
  return blank;
}

void nc_pr_newline(NcPrint *p, uint32_t upto, NcBlank blank) {
  blank = comments(p, upto, blank);
  line(p, blank == NC_BLANK || (blank == NC_BLANK_AS_WRITTEN && blank_before(p, upto)));
}

void nc_pr_dedent(NcPrint *p, uint32_t upto) {
  comments(p, upto, NC_BLANK_AS_WRITTEN);
  p->indent -= NC_INDENT;
  line(p, false);
}

static void names(NcPrint *p, const NcStmt *s) {
  if (s->tuple) nc_putc(p->out, '(');
  for (int i = 0; i < s->names.n; i++) nc_putf(p->out, "%s%s", i ? ", " : "", s->names.at[i].s);
  if (s->tuple) nc_putc(p->out, ')');
}

static void stmt(NcPrint *p, const NcStmt *s) {
  const char *word = nc_stmt_word(s->kind);
  if (s->kind != NC_S_EXPR && s->kind != NC_S_KEY) nc_putf(p->out, "%s ", word);
  switch (s->kind) {
  case NC_S_BAD: case NC_S_COUNT: break;
  case NC_S_EXPR: case NC_S_EXPECT: nc_pr_expr(p, s->e, 0, 0); break;
  case NC_S_LET:
    names(p, s);
    nc_put(p->out, " = ");
    nc_pr_expr(p, s->e, 0, 0);
    break;
  case NC_S_PARAM: case NC_S_STATE:
    nc_putf(p->out, "%s: ", s->name.s);
    nc_pr_type(p, s->type);
    nc_put(p->out, " = ");
    nc_pr_expr(p, s->e, 0, s->frozen ? 7 : 0);
    nc_put(p->out, s->frozen ? " frozen" : "");
    break;
  case NC_S_UPDATE: case NC_S_KEY:
    nc_putf(p->out, "%s = ", s->name.s);
    nc_pr_expr(p, s->e, 0, 0);
    break;
  case NC_S_ASSERT:
    nc_pr_expr(p, s->e, 0, 1);
    nc_put(p->out, ", ");
    nc_pr_expr(p, s->text, 0, 0);
    break;
  case NC_S_NEXT:
    for (int i = 0; i < s->list.n; i++) {
      nc_put(p->out, i ? ", " : "");
      nc_pr_expr(p, s->list.at[i].e, 0, 1);
    }
    if (s->e) {
      nc_put(p->out, " emit ");
      nc_pr_expr(p, s->e, 0, 0);
    }
    break;
  case NC_S_GRADCHECK:
    nc_pr_expr(p, s->e, 0, 4);
    nc_put(p->out, " on ");
    nc_pr_type(p, s->type);
    break;
  case NC_S_STAGE: case NC_S_STEP:
    nc_putf(p->out, "%s ", s->name.s);
    nc_pr_block(p, s->body, false, 0);
    break;
  }
}

static bool stmt_must_break(const NcPrint *p, const NcStmt *s) {
  if (nc_pr_comment_in(p, s->at) || (s->e && nc_pr_must_break(p, s->e)) ||
      (s->body && nc_pr_block_must_break(p, s->body))) return true;
  for (int i = 0; i < s->list.n; i++)
    if (nc_pr_must_break(p, s->list.at[i].e)) return true;
  return false;
}

bool nc_pr_block_must_break(const NcPrint *p, const NcBlock *b) {
  if (nc_pr_comment_in(p, b->at)) return true;
  uint32_t at = b->at.begin;
  for (int i = 0; i < b->stmt.n; i++) {
    if (nc_pr_newline_in(p, at, b->stmt.at[i]->at.begin) || stmt_must_break(p, b->stmt.at[i])) return true;
    at = b->stmt.at[i]->at.end;
  }
  return b->stmt.n ? nc_pr_newline_in(p, at, b->at.end) : false;
}

static void flat_block(NcPrint *p, const NcBlock *b) {
  bool flat = p->flat;
  p->flat = true;
  nc_put(p->out, b->stmt.n ? "{ " : "{");
  for (int i = 0; i < b->stmt.n; i++) {
    if (i) nc_put(p->out, "; ");
    stmt(p, b->stmt.at[i]);
  }
  nc_put(p->out, b->stmt.n ? " }" : "}");
  p->flat = flat;
}

static int measure(const NcPrint *p, const NcBlock *b, const NcStmt *s) {
  NcPrint f = {.out = p->scratch, .flat = true};
  p->scratch->n = 0;
  if (b) flat_block(&f, b);
  else stmt(&f, s);
  return nc_pr_column(&f);
}

// Statements that were written on one line, with `;` between them, stay there.
static bool joins(const NcPrint *p, const NcBlock *b, int i) {
  const NcStmt *s = b->stmt.at[i];
  if (i == 0 || !p->text || !s->at.file || nc_pr_newline_in(p, b->stmt.at[i - 1]->at.end, s->at.begin)) return false;
  return !stmt_must_break(p, s) && !stmt_must_break(p, b->stmt.at[i - 1]) &&
         nc_pr_column(p) + 2 + measure(p, NULL, s) <= NC_LINE;
}

void nc_pr_block(NcPrint *p, const NcBlock *b, bool broken, int tail) {
  bool written = b->at.file && p->text;
  bool several = b->stmt.n > 1 || (b->stmt.n == 1 && b->stmt.at[0]->kind != NC_S_EXPR);
  bool lines = written ? nc_pr_block_must_break(p, b) : several;
  bool empty = b->stmt.n == 0 && !nc_pr_comment_in(p, b->at);
  if (p->flat || empty || (!broken && !lines && nc_pr_column(p) + measure(p, b, NULL) + tail <= NC_LINE)) {
    flat_block(p, b);
    return;
  }
  int brackets = p->brackets;
  p->brackets = 0;
  nc_putc(p->out, '{');
  p->indent += NC_INDENT;
  if (p->done < b->at.begin) p->done = b->at.begin;
  for (int i = 0; i < b->stmt.n; i++) {
    const NcStmt *s = b->stmt.at[i];
    if (joins(p, b, i)) nc_put(p->out, "; ");
    else nc_pr_newline(p, s->at.begin, i ? NC_BLANK_AS_WRITTEN : NC_FIRST);
    stmt(p, s);
    if (p->done < s->at.end) p->done = s->at.end;
  }
  nc_pr_dedent(p, written ? b->at.end - 1 : 0);
  nc_putc(p->out, '}');
  p->brackets = brackets;
}

static void formal(NcPrint *p, const NcFormal *f) {
  nc_put(p->out, f->name.s);
  if (f->kind.s) nc_putf(p->out, ": %s", f->kind.s);
  if (f->type) {
    nc_put(p->out, ": ");
    nc_pr_type(p, f->type);
  }
  if (f->value) {
    nc_put(p->out, " = ");
    nc_pr_expr(p, f->value, 0, 1);
  }
}

static int formals_width(const NcPrint *p, const NcFormal *f, int n) {
  NcPrint flat = {.out = p->scratch, .flat = true};
  p->scratch->n = 0;
  for (int i = 0; i < n; i++) {
    nc_put(p->scratch, i ? ", " : "");
    formal(&flat, &f[i]);
  }
  return nc_pr_column(&flat);
}

// Broken, they go together on one line of their own if they fit, else each has a line.
static void formals(NcPrint *p, const NcFormal *f, int n, bool broken, uint32_t end) {
  bool together = broken && n && !nc_pr_comment_in(p, (NcRange){0, f[0].at.begin, end}) &&
                  p->indent + NC_INDENT + formals_width(p, f, n) <= NC_LINE;
  nc_putc(p->out, '(');
  p->brackets++;
  p->indent += NC_INDENT;
  for (int i = 0; i < n; i++) {
    if (broken && !(together && i)) nc_pr_newline(p, f[i].at.begin, NC_NO_BLANK);
    else if (i) nc_putc(p->out, ' ');
    formal(p, &f[i]);
    if (p->done < f[i].at.end) p->done = f[i].at.end;
    if (i + 1 < n) nc_putc(p->out, ',');
  }
  p->brackets--;
  if (broken && n) nc_pr_dedent(p, end);
  else p->indent -= NC_INDENT;
  nc_putc(p->out, ')');
}

static bool is_function(const NcDecl *d) { return d->kind >= NC_D_FN && d->kind <= NC_D_TASK; }

static void result(NcPrint *p, const NcDecl *d) {
  if (!d->result) return;
  nc_put(p->out, " -> ");
  nc_pr_type(p, d->result);
}

void nc_print_signature(NcBuf *out, const NcDecl *d) {
  NcPrint p = {.out = out, .flat = true};
  nc_putf(out, "%s %s", nc_decl_word(d->kind), d->name.s);
  if (d->has_hyper) formals(&p, d->hyper.at, d->hyper.n, false, 0);
  if (is_function(d)) formals(&p, d->tensor.at, d->tensor.n, false, 0);
  result(&p, d);
}

static int width_of_head(NcPrint *p, const NcDecl *d, bool hyper, bool rest) {
  NcPrint f = {.out = p->scratch, .flat = true};
  p->scratch->n = 0;
  if (hyper) nc_putf(p->scratch, "%s %s", nc_decl_word(d->kind), d->name.s);
  if (hyper && d->has_hyper) formals(&f, d->hyper.at, d->hyper.n, false, 0);
  if (rest && is_function(d)) formals(&f, d->tensor.at, d->tensor.n, false, 0);
  if (rest) result(&f, d);
  return nc_pr_column(&f) + (rest ? 2 : 1);   // and " {", or "("
}

// On one line if it fits; else the tensors are broken, unless the hyperparameters alone are too much.
static void head(NcPrint *p, const NcDecl *d) {
  uint32_t body = d->body->at.begin, tensors = d->tensor.n ? d->tensor.at[0].at.begin : body;
  bool hyper_comments = nc_pr_comment_in(p, (NcRange){0, d->at.begin, d->hyper.n ? tensors : 0});
  bool comments = nc_pr_comment_in(p, (NcRange){0, d->hyper.n ? tensors : d->at.begin, body});
  bool fits = width_of_head(p, d, true, true) <= NC_LINE;
  bool hyper = hyper_comments || (!fits && (d->tensor.n == 0 || width_of_head(p, d, true, false) > NC_LINE));
  bool tensor = comments || (hyper ? 1 + width_of_head(p, d, false, true) > NC_LINE : !fits);
  nc_putf(p->out, "%s %s", nc_decl_word(d->kind), d->name.s);
  if (d->has_hyper) formals(p, d->hyper.at, d->hyper.n, hyper, tensors);
  if (!is_function(d)) return;
  formals(p, d->tensor.at, d->tensor.n, tensor, d->result ? d->result->at.begin : body);
  result(p, d);
}

static void quoted(NcPrint *p, const char *s) {
  NcExpr e = {.kind = NC_X_STR, .s = s};
  nc_pr_expr(p, &e, 0, 0);
}

static void doc(NcPrint *p, const char *text) {
  for (const char *end; *text; text = *end ? end + 1 : end) {
    end = text + strcspn(text, "\n");
    nc_putf(p->out, "##%s%.*s\n", end > text ? " " : "", (int)(end - text), text);
  }
}

static void decl(NcPrint *p, const NcDecl *d) {
  const char *word = nc_decl_word(d->kind);
  if (d->doc && !d->at.file) doc(p, d->doc);
  switch (d->kind) {
  case NC_D_IMPORT:
    nc_putf(p->out, "%s ", word);
    quoted(p, d->path);
    nc_putf(p->out, " as %s", d->name.s);
    return;
  case NC_D_CONST: case NC_D_WEIGHTS:
    nc_putf(p->out, "%s %s = ", word, d->name.s);
    nc_pr_expr(p, d->e, 0, 0);
    return;
  case NC_D_TEST:
    nc_putf(p->out, "%s ", word);
    quoted(p, d->path);
    break;
  case NC_D_TRAIN:
    nc_putf(p->out, "%s %s", word, d->name.s);
    if (d->has_list) nc_pr_list(p, &d->list, '(', ')', d->source.at.begin, 6 + (int)strlen(d->source.s));
    nc_putf(p->out, " on %s", d->source.s);
    break;
  default: head(p, d);
  }
  nc_putc(p->out, ' ');
  nc_pr_block(p, d->body, false, 0);
}

static bool print(NcBuf *out, NcBuf *scratch, const NcDiag *d, const NcFile *f) {
  const NcSource *s = nc_diag_file(d, f->source);
  NcPrint p = {.out = out, .scratch = scratch, .text = s ? s->text : NULL, .file = s ? f : NULL};
  if (nc_pr_comment_in(&p, (NcRange){0, 0, f->header.begin})) nc_pr_newline(&p, f->header.begin, NC_BLANK_AS_WRITTEN);
  nc_putf(out, "nn %d", f->version);
  for (int i = 0; i < f->decl.n; i++) {
    const NcDecl *x = f->decl.at[i];
    bool apart = !x->at.file || (i == 0 && !nc_pr_comment_in(&p, (NcRange){0, 0, x->at.begin}));
    nc_pr_newline(&p, x->at.begin, apart ? NC_BLANK : NC_BLANK_AS_WRITTEN);
    decl(&p, x);
    p.done = x->at.end;
  }
  nc_pr_newline(&p, UINT32_MAX, NC_BLANK_AS_WRITTEN);
  return !p.displaced;
}

// A comment in the middle of an expression ends up behind it, which may let the expression be one line;
// then the text that came out is laid out again.
void nc_print_file(NcBuf *out, const NcDiag *d, const NcFile *f) {
  NcArena *a = out->arena;
  NcBuf text = NC_BUF(a), scratch = NC_BUF(a);
  NcMap names = NC_MAP(a);
  bool settled = print(&text, &scratch, d, f);
  for (int i = 1; i < ROUNDS && !settled; i++) {
    NcDiag *again = nc_diag_new(a);
    const NcFile *g = nc_parse(a, again, &names, nc_diag_source(again, "", nc_buf_str(&text), text.n));
    if (again->errors) break;
    text = NC_BUF(a);
    settled = print(&text, &scratch, again, g);
  }
  nc_putn(out, nc_buf_str(&text), text.n);
}
