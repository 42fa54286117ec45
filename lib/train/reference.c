// The page of all words, as Markdown: the prelude from its doc comments, what is built in, the data sources. docs/prelude.md
// is this.
#include <ctype.h>
#include <string.h>
#include "base/embed.h"
#include "elab/words.h"
#include "front/parse.h"
#include "train/plain.h"

enum { LINE = 120 };

// ---- prose

// Markdown's own marks lose their meaning, but within backticks.
static const char *escaped(NcArena *a, const char *text, size_t n) {
  NcBuf b = NC_BUF(a);
  bool code = false;
  for (size_t i = 0; i < n; i++) {
    char c = text[i];
    if (c == '`') code = !code;
    bool inside = i > 0 && i + 1 < n && isalnum((unsigned char)text[i - 1]) && isalnum((unsigned char)text[i + 1]);
    bool link = c == ']' && i + 1 < n && text[i + 1] == '(';
    if (!code && (c == '*' || c == '<' || link || (c == '_' && !inside))) nc_putc(&b, '\\');
    nc_putc(&b, c == '\n' ? ' ' : c);
  }
  return nc_buf_str(&b);
}

// What makes of a line's beginning something other than prose: a list, a heading, a quotation.
static bool may_begin(const char *word) {
  return isalpha((unsigned char)*word) || (unsigned char)*word >= 0x80 || *word == '`' || *word == '(' || *word == '"' || *word == '[';
}

static size_t columns(const char *s, size_t n) {
  size_t c = 0;
  for (size_t i = 0; i < n; i++) c += ((unsigned char)s[i] & 0xc0) != 0x80;
  return c;
}

// In lines of LINE columns; `mark` opens the first one ("- "), and the others stand below it.
static void fill(NcBuf *b, const char *mark, const char *p) {
  size_t indent = strlen(mark), column = indent;
  nc_put(b, mark);
  for (bool first = true; *(p += strspn(p, " ")); first = false) {
    size_t n = strcspn(p, " "), wide = columns(p, n);
    bool fits = column + 1 + wide <= LINE || !may_begin(p);
    if (!first && !fits) {
      nc_putc(b, '\n');
      nc_put_repeat(b, ' ', (int)indent);
      column = indent;
    } else if (!first) {
      nc_putc(b, ' ');
      column++;
    }
    nc_putn(b, p, n);
    column += wide;
    p += n;
  }
  nc_putc(b, '\n');
}

static void paragraph(NcArena *a, NcBuf *b, const char *mark, const char *text, size_t size) {
  fill(b, mark, escaped(a, text, size));
}

static void code(NcBuf *b, const char *language, const char *text, size_t n) {
  nc_putf(b, "```%s\n%.*s\n```\n\n", language, (int)n, text);
}

// ---- the prelude

// A documenting comment: what it computes, then what PyTorch and Keras call it, then an example.
typedef struct { const char *text, *torch, *keras, *example, *end; } Doc;

static const char *line_with(const char *text, const char *head) {
  for (const char *p = text; (p = strstr(p, head)) != NULL; p++)
    if (p == text || p[-1] == '\n') return p;
  return NULL;
}

static Doc parts(const char *text) {
  Doc d = {.text = text, .end = text + strlen(text)};
  d.example = line_with(text, "Example ");
  if (!d.example) d.example = d.end;
  d.torch = line_with(text, "PyTorch:");
  if (!d.torch || d.torch > d.example) d.torch = d.example;
  d.keras = strstr(d.torch, "Keras:");
  if (!d.keras || d.keras > d.example) d.keras = d.example;
  return d;
}

static size_t trimmed(const char *from, const char *to) {
  while (to > from && isspace((unsigned char)to[-1])) to--;
  return (size_t)(to - from);
}

// "Example (x: f32[B, 8]): x |> dense(10)" or "Example optimizer = adam(1e-3)".
static void example(NcBuf *b, const Doc *d) {
  if (d->example == d->end) return;
  const char *e = d->example + strlen("Example "), *body = *e == '(' ? strstr(e, "): ") : NULL;
  const char *given = e + 1;
  if (body) e = body + strlen("): ");
  nc_putf(b, "Example: `%.*s`", (int)trimmed(e, d->end), e);
  if (body) nc_putf(b, " for `%.*s`", (int)(body - given), given);
  nc_put(b, "\n\n");
}

static void declaration(NcArena *a, NcBuf *b, const char *source, const NcDecl *x) {
  const char *head = source + x->at.begin;
  nc_putf(b, "### %s\n\n", x->name.s);
  code(b, "nn", head, trimmed(head, source + x->body->at.begin));
  Doc d = parts(x->doc);
  paragraph(a, b, "", d.text, trimmed(d.text, d.torch));
  nc_putc(b, '\n');
  if (d.torch < d.keras) paragraph(a, b, "- ", d.torch, trimmed(d.torch, d.keras));
  if (d.keras < d.example) paragraph(a, b, "- ", d.keras, trimmed(d.keras, d.example));
  nc_putc(b, '\n');
  example(b, &d);
}

// The comment at the head of a file: a topic, up to the first mark, and what is to be known of it.
static void topic(NcArena *a, NcBuf *b, const char *text) {
  NcBuf all = NC_BUF(a);
  for (const char *p = strstr(text, "\n# "); p && p[1] == '#' && p[2] == ' '; p = strchr(p + 1, '\n'))
    nc_putf(&all, "%.*s ", (int)strcspn(p + 3, "\n"), p + 3);
  const char *s = nc_buf_str(&all);
  size_t n = strcspn(s, ".:"), rest = n + strspn(s + n, ".: ");
  nc_putf(b, "## %.*s\n\n", (int)n, s);
  if (rest < all.n) {
    NcBuf more = NC_BUF(a);
    nc_putf(&more, "%c%.*s", toupper((unsigned char)s[rest]), (int)trimmed(s + rest + 1, s + all.n), s + rest + 1);
    paragraph(a, b, "", nc_buf_str(&more), more.n);
    nc_putc(b, '\n');
  }
}

static void prelude(NcArena *a, NcDiag *d, NcBuf *b, bool links) {
  NcMap names = NC_MAP(a);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    const char *head = strstr(p->text, "\n# ") + 3;
    NcBuf words = NC_BUF(a);
    nc_putf(&words, "%.*s:", (int)strcspn(head, ".:"), head);
    if (!links) topic(a, b, p->text);
    for (int i = 0; i < f->decl.n; i++) {
      const NcDecl *x = f->decl.at[i];
      if (!x->doc || !x->name.s) continue;
      nc_putf(&words, " [%s](#%s)", x->name.s, x->name.s);
      if (!links) declaration(a, b, p->text, x);
    }
    if (links) fill(b, "- ", nc_buf_str(&words));
  }
}

// ---- the page

static bool page(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  NcSink *sink = arg;
  NcBuf b = NC_BUF(a);
  nc_put(&b, "<!-- Printed by `nacre explain --markdown` from the comments of compiler/prelude/. -->\n"
             "# Every word: the prelude, what is built in, the data sources\n\n"
             "The prelude is written in the language itself, in `compiler/prelude/`; `nacre explain NAME` prints any of it with its\n"
             "source. A signature has hyperparameters in its first parentheses, with their defaults, and tensors in its last: `x |>\n"
             "dense(10)` gives `units`, and `x` flows in. The numerics are PyTorch's and the starting values Keras's; what each of them\n"
             "calls a word, and with which defaults, stands below it.\n\n");
  prelude(a, d, &b, true);
  nc_put(&b, "- [Built in](#built-in)\n- [Data sources](#data-sources)\n\n");
  prelude(a, d, &b, false);
  nc_put(&b, "## Built in\n\nFunctions, values and settings that are no part of the prelude.\n\n");
  NcWord w;
  for (int i = 0; nc_word_at(a, i, &w); i++) paragraph(a, &b, "- ", nc_sprintf(a, "`%s`: %s", w.use, w.doc), strlen(w.use) + strlen(w.doc) + 4);
  nc_put(&b, "\n## Data sources\n\n");
  for (int i = 0; i < nc_source_count(); i++) {
    NcBuf s = NC_BUF(a);
    nc_source_explain(&s, nc_source_info(i));
    nc_putf(&b, "### %s\n\n", nc_source_info(i)->name);
    code(&b, "", nc_buf_str(&s), trimmed(nc_buf_str(&s), nc_buf_str(&s) + s.n));
  }
  while (b.n > 1 && b.at[b.n - 2] == '\n') b.n--;
  if (o->json) {
    NcBuf j = NC_BUF(a);
    nc_put(&j, "{\"name\":null,\"text\":");
    nc_put_json(&j, nc_buf_str(&b));
    nc_put(&j, "}\n");
    b = j;
  }
  sink->write(sink->ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_reference(const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, write, page, &(NcSink){write, ctx}, error);
}
