// `nacre explain`: the words of the prelude, what is built in, settings, data sources, error codes; without a name, all words
// by topic.
#include <string.h>
#include "base/embed.h"
#include "elab/words.h"
#include "front/parse.h"
#include "train/plain.h"

typedef struct { const char *name; NcSink sink; NC_VEC(const char *) known; } Explain;

static bool explain_code(NcBuf *b, const char *name) {
  NcCode c;
  if (!nc_code_find(name, &c)) return false;
  size_t n = strlen(name);
  for (const NcEmbedded *p = nc_error_pages; p->name; p++)
    if (strncmp(p->name, name, n) == 0 && strcmp(p->name + n, ".md") == 0) {
      nc_put(b, p->text);
      return true;
    }
  nc_putf(b, "# %s: %s\n\nExit status %d.\n", name, nc_code_title(c), nc_code_exit(c));
  return true;
}

static void explain_decl(NcDiag *d, const NcDecl *x, NcBuf *b) {
  nc_print_signature(b, x);
  nc_put(b, "\n");
  if (x->doc) nc_putf(b, "\n%s\n", x->doc);
  nc_put(b, "\nIn Nacre's own language:\n\n");
  const NcSource *s = nc_diag_file(d, x->at.file);
  nc_putn(b, s->text + x->at.begin, x->at.end - x->at.begin);
  nc_put(b, "\n");
}

static bool explain_prelude(NcArena *a, NcDiag *d, Explain *q, NcBuf *b) {
  NcMap names = NC_MAP(a);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    for (int i = 0; i < f->decl.n; i++) {
      const NcDecl *x = f->decl.at[i];
      if (!x->name.s) continue;
      if (x->doc) *NC_PUSH(a, q->known) = x->name.s;
      if (strcmp(x->name.s, q->name) != 0) continue;
      explain_decl(d, x, b);
      return true;
    }
  }
  return false;
}

static bool explain_word(NcArena *a, Explain *q, NcBuf *b) {
  NcWord w;
  bool found = false;
  for (int i = 0; nc_word_at(a, i, &w); i++) {
    *NC_PUSH(a, q->known) = w.name;
    if (strcmp(w.name, q->name) != 0) continue;
    nc_putf(b, "%s\n\n%s\n", w.use, w.doc);
    found = true;
  }
  return found;
}

static bool explain_name(NcArena *a, NcDiag *d, Explain *q, NcBuf *b) {
  bool found = explain_code(b, q->name);
  const NcSourceInfo *source = nc_source_find(q->name);
  if (source) { nc_source_explain(b, source); found = true; }
  found = explain_prelude(a, d, q, b) || found;
  found = explain_word(a, q, b) || found;
  if (found) return true;
  for (int i = 0; i < nc_source_count(); i++) *NC_PUSH(a, q->known) = nc_source_info(i)->name;
  const char *near = nc_nearest(q->name, q->known.at, q->known.n);
  NcMessage *e = nc_error(d, NC_E0704, NC_NOWHERE, "nothing is called `%s`", q->name);
  if (near) nc_help(d, e, "did you mean `%s`?", near);
  else nc_help(d, e, "`nacre explain` without a name lists all words; error codes (E0203) can be explained, too");
  return false;
}

// ---- all words by topic

enum { NAME_WIDTH = 28, LINE_WIDTH = 118 };

// The first sentence of a text, up to one of `ends`, on one line.
static const char *sentence(NcArena *a, const char *text, const char *ends) {
  NcBuf b = NC_BUF(a);
  for (const char *p = text; *p && b.n < LINE_WIDTH - NAME_WIDTH - 4; p++) {
    if (strchr(ends, *p) && (!p[1] || p[1] == ' ' || p[1] == '\n')) return nc_buf_str(&b);
    if (!p[1]) return text;
    nc_putc(&b, *p == '\n' ? ' ' : *p);
  }
  while (b.n && b.at[b.n - 1] != ' ') b.n--;
  nc_put(&b, "…");
  return nc_buf_str(&b);
}

static void row(NcBuf *b, const char *name, const char *what) { nc_putf(b, "  %-*s%s\n", NAME_WIDTH - 2, name, what); }

// What the comment at the head of a file of the prelude begins with.
static const char *topic(NcArena *a, const NcEmbedded *p) {
  const char *comment = strstr(p->text, "\n# ");
  return comment ? sentence(a, comment + 3, ".:") : p->name;
}

static void list_prelude(NcArena *a, NcDiag *d, NcBuf *b) {
  NcMap names = NC_MAP(a);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    nc_putf(b, "%s\n", topic(a, p));
    for (int i = 0; i < f->decl.n; i++)
      if (f->decl.at[i]->doc && f->decl.at[i]->name.s) row(b, f->decl.at[i]->name.s, sentence(a, f->decl.at[i]->doc, "."));
    nc_put(b, "\n");
  }
}

static bool list(NcArena *a, NcDiag *d, NcBuf *b) {
  NcWord w;
  list_prelude(a, d, b);
  nc_put(b, "Built in\n");
  for (int i = 0; nc_word_at(a, i, &w); i++) row(b, w.name, sentence(a, w.doc, "."));
  nc_put(b, "\nData sources\n");
  for (int i = 0; i < nc_source_count(); i++) row(b, nc_source_info(i)->name, sentence(a, nc_source_info(i)->doc, "."));
  nc_put(b, "\n`nacre explain NAME` tells more of each, and of error codes: `nacre explain E0203`.\n");
  return true;
}

static bool explain(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Explain *q = arg;
  NcBuf b = NC_BUF(a);
  if (!(q->name ? explain_name(a, d, q, &b) : list(a, d, &b))) return false;
  if (o->json) {
    NcBuf j = NC_BUF(a);
    nc_put(&j, "{\"name\":");
    if (q->name) nc_put_json(&j, q->name);
    else nc_put(&j, "null");
    nc_put(&j, ",\"text\":");
    nc_put_json(&j, nc_buf_str(&b));
    nc_put(&j, "}\n");
    b = j;
  }
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_explain(const char *name, const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, write, explain, &(Explain){.name = name, .sink = {write, ctx}}, error);
}
