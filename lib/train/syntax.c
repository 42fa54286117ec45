// The language's words for editors, from the lexer's table, the element types and the prelude.
#include <string.h>
#include "base/embed.h"
#include "front/lex.h"
#include "front/parse.h"
#include "train/plain.h"

typedef NC_VEC(const char *) Names;
typedef struct { const char *editor; NcSink sink; } Syntax;

// Of the prelude what has a documenting comment: the rest is its own affair.
static Names prelude(NcArena *a, NcDiag *d) {
  Names n = {0};
  NcMap names = NC_MAP(a);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    for (int i = 0; i < f->decl.n; i++)
      if (f->decl.at[i]->doc && f->decl.at[i]->name.s) *NC_PUSH(a, n) = f->decl.at[i]->name.s;
  }
  return n;
}

static Names words(NcArena *a) {
  Names n = {0};
  for (int w = NC_W_NONE + 1; w < NC_W_COUNT; w++) *NC_PUSH(a, n) = nc_word((NcWord)w);
  return n;
}

static Names types(NcArena *a) {
  static const char *const kinds[] = {"int", "float", "bool", "str"};
  Names n = {0};
  for (int t = 0; t < NC_DTYPE_COUNT; t++) *NC_PUSH(a, n) = nc_dtype_name((NcDtype)t);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i], "bool") != 0) *NC_PUSH(a, n) = kinds[i];       // a bool is an element type too
  return n;
}

static void put_names(NcBuf *b, Names n, const char *between) {
  for (int i = 0; i < n.n; i++) nc_putf(b, "%s%s", i ? between : "", n.at[i]);
}

static void vim(NcBuf *b, Names word, Names type, Names known) {
  static const struct { const char *group, *link; } links[] = {
    {"Word", "Keyword"}, {"Type", "Type"}, {"Prelude", "Function"}, {"Operator", "Operator"}, {"Number", "Number"},
    {"String", "String"}, {"Comment", "Comment"}, {"Doc", "SpecialComment"}};
  nc_put(b, "\" Syntax of .nn files, printed by `nacre syntax vim`\n"
            "\" au BufRead,BufNewFile *.nn setfiletype nn\n"
            "if exists('b:current_syntax') | finish | endif\nsyntax keyword nnWord ");
  put_names(b, word, " ");
  nc_put(b, "\nsyntax keyword nnType ");
  put_names(b, type, " ");
  nc_put(b, "\nsyntax keyword nnPrelude ");
  put_names(b, known, " ");
  nc_put(b, "\nsyntax match nnOperator /|>\\|->\\|==\\|!=\\|<=\\|>=\\|\\.\\.\\.\\?\\|[-+*\\/@%^=<>]/\n"
            "syntax match nnNumber /\\<\\d\\+\\(\\.\\d\\+\\)\\?\\([eE][-+]\\?\\d\\+\\)\\?\\>/\n"
            "syntax region nnString start=/\"/ skip=/\\\\./ end=/\"/ oneline\n"
            "syntax match nnComment /#.*$/ contains=@Spell\nsyntax match nnDoc /##.*$/ contains=@Spell\n");
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    nc_putf(b, "highlight default link nn%s %s\n", links[i].group, links[i].link);
  nc_put(b, "setlocal commentstring=#\\ %s\nlet b:current_syntax = 'nn'\n");
}

static void rule(NcBuf *b, const char *name, const char *match, bool last) {
  nc_put(b, "    {\"name\": ");
  nc_put_json(b, name);
  nc_put(b, ", \"match\": ");
  nc_put_json(b, match);
  nc_put(b, last ? "}\n" : "},\n");
}

static const char *any_of(NcArena *a, Names n) {
  NcBuf b = NC_BUF(a);
  nc_put(&b, "\\b(");
  put_names(&b, n, "|");
  nc_put(&b, ")\\b");
  return nc_buf_str(&b);
}

static void textmate(NcArena *a, NcBuf *b, Names word, Names type, Names known) {
  nc_put(b, "{\n  \"name\": \"Nacre\",\n  \"scopeName\": \"source.nn\",\n  \"fileTypes\": [\"nn\"],\n  \"patterns\": [\n");
  rule(b, "comment.line.documentation.nn", "##.*$", false);
  rule(b, "comment.line.number-sign.nn", "#.*$", false);
  rule(b, "string.quoted.double.nn", "\"(\\\\.|[^\"\\\\])*\"", false);
  rule(b, "constant.numeric.nn", "\\b\\d+(\\.\\d+)?([eE][-+]?\\d+)?\\b", false);
  rule(b, "keyword.nn", any_of(a, word), false);
  rule(b, "storage.type.nn", any_of(a, type), false);
  rule(b, "support.function.nn", any_of(a, known), false);
  rule(b, "keyword.operator.nn", "\\|>|->|==|!=|<=|>=|\\.\\.\\.?|[-+*/@%^=<>]", true);
  nc_put(b, "  ]\n}\n");
}

static bool syntax(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  (void)o;
  Syntax *q = arg;
  NcBuf b = NC_BUF(a);
  if (strcmp(q->editor, "vim") == 0) vim(&b, words(a), types(a), prelude(a, d));
  else if (strcmp(q->editor, "textmate") == 0) textmate(a, &b, words(a), types(a), prelude(a, d));
  else return nc_error(d, NC_E0702, NC_NOWHERE, "the editor is `vim` or `textmate`, not `%s`", q->editor), false;
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_syntax(const char *editor, const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, editor && write, syntax, &(Syntax){editor, {write, ctx}}, error);
}
