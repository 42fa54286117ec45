// Without a model: formatting, explaining, devices, running a plan from its text.
#include <stdlib.h>
#include <string.h>
#include "base/embed.h"
#include "device/check.h"
#include "elab/words.h"
#include "front/parse.h"
#include "train/model.h"
#include "train/plain.h"

void nacre_free(char *text) { free(text); }

typedef bool Work(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg);

// What the call reported, as text that outlives the arena.
static char *told(NcArena *a, const NcDiag *d, const NacreOptions *o) {
  if (!d->messages.n) return NULL;
  NcBuf b = NC_BUF(a);
  if (o->json) nc_diag_json(d, &b);
  else nc_diag_render(d, &b, o->color);
  return strdup(nc_buf_str(&b));
}

static NacreStatus guarded(NcArena *a, const NacreOptions *o, Work *f, void *arg, char **error) {
  if (NC_ON_OOM(a)) {
    *error = strdup("error[E0606]: out of memory\n");
    return NACRE_RUN;
  }
  NcDiag *d = nc_diag_new(a);
  bool good = f(a, d, o, arg);
  *error = told(a, d, o);
  return good && !d->errors ? NACRE_OK : nc_diag_exit(d) ? (NacreStatus)nc_diag_exit(d) : NACRE_RUN;
}

NacreStatus nc_plain(const NacreOptions *o, Work *f, void *arg, char **error) {
  static const NacreOptions defaults;
  *error = NULL;
  NcArena *a = nc_arena_new();
  if (!a) return NACRE_RUN;
  NacreStatus s = guarded(a, o ? o : &defaults, f, arg, error);
  nc_arena_free(a);
  return s;
}

// ---- fmt

typedef struct {
  const char *name, *text;
  size_t size;
  bool check;
  NcSink sink;
} Format;

static bool format(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  (void)o;
  Format *q = arg;
  NcMap names = NC_MAP(a);
  NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, q->name, q->text, q->size));
  if (d->errors) return false;
  NcBuf b = NC_BUF(a);
  nc_print_file(&b, d, f);
  if (q->check) return b.n == q->size && memcmp(nc_buf_str(&b), q->text, q->size) == 0;
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_format(const char *name, const char *text, size_t size, bool check, const NacreOptions *o,
                         NacreWrite *write, void *ctx, char **error) {
  return nc_plain(o, format, &(Format){name, text, size, check, {write, ctx}}, error);
}

// ---- explain: the words of the prelude, sources, error codes

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

static bool explain_prelude(NcArena *a, NcDiag *d, Explain *q, NcBuf *b) {
  NcMap names = NC_MAP(a);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    for (int i = 0; i < f->decl.n; i++) {
      const NcDecl *x = f->decl.at[i];
      if (!x->name.s) continue;
      *NC_PUSH(a, q->known) = x->name.s;
      if (strcmp(x->name.s, q->name) != 0) continue;
      nc_print_signature(b, x);
      nc_put(b, "\n");
      if (x->doc) nc_putf(b, "\n%s\n", x->doc);
      nc_put(b, "\nIn Nacre's own language:\n\n");
      const NcSource *s = nc_diag_file(d, x->at.file);
      nc_putn(b, s->text + x->at.begin, x->at.end - x->at.begin);
      nc_put(b, "\n");
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

static bool explain(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Explain *q = arg;
  NcBuf b = NC_BUF(a);
  bool found = explain_code(&b, q->name);
  const NcSourceInfo *source = nc_source_find(q->name);
  if (source) { nc_source_explain(&b, source); found = true; }
  found = explain_prelude(a, d, q, &b) || found;
  found = explain_word(a, q, &b) || found;
  if (!found) {
    for (int i = 0; i < nc_source_count(); i++) *NC_PUSH(a, q->known) = nc_source_info(i)->name;
    const char *near = nc_nearest(q->name, q->known.at, q->known.n);
    NcMessage *e = nc_error(d, NC_E0704, NC_NOWHERE, "nothing is called `%s`", q->name);
    if (near) nc_help(d, e, "did you mean `%s`?", near);
    else nc_help(d, e, "layers, functions, optimizers, settings, data sources and error codes (E0203) can be explained");
    return false;
  }
  if (o->json) {
    NcBuf j = NC_BUF(a);
    nc_put(&j, "{\"name\":");
    nc_put_json(&j, q->name);
    nc_put(&j, ",\"text\":");
    nc_put_json(&j, nc_buf_str(&b));
    nc_put(&j, "}\n");
    b = j;
  }
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_explain(const char *name, const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain(o, explain, &(Explain){.name = name, .sink = {write, ctx}}, error);
}
