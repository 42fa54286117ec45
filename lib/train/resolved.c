// resolved.nn of a run: the file with its settings applied and its imports inlined, so that it trains the same network by
// itself. It is made by editing the source, and it is written only when it is proven: elaborated without any setting, it must
// give the same graphs, the same recipe and the same starting values. Where names of an import meet others the import stays,
// beside the file; where nothing helps there is no resolved.nn.
#include "train/resolved.h"
#include <string.h>
#include "base/file.h"
#include "front/parse.h"
#include "graph/graph.h"

typedef struct { uint32_t begin, end; const char *text; } Edit;
typedef struct {
  NacreModel *m;
  NcArena *a;                // of its own: what is elaborated once more is large
  const NcFile *file;
  NC_VEC(Edit) edit;
} Resolve;

static void replace(Resolve *r, uint32_t begin, uint32_t end, const char *text) {
  for (int i = 0; i < r->edit.n; i++)
    if (r->edit.at[i].begin == begin && r->edit.at[i].end == end && begin < end) return (void)(r->edit.at[i].text = text);
  *NC_PUSH(r->a, r->edit) = (Edit){begin, end, text};
}

static const char *quoted(NcArena *a, const char *s) {
  NcBuf b = NC_BUF(a);
  nc_print_text(&b, s);
  return nc_buf_str(&b);
}

// ---- settings

// `name = …` in a block, put at its end where it is not there.
static void set_key(Resolve *r, const NcBlock *b, const char *name, const char *value) {
  for (int i = 0; i < b->stmt.n; i++) {
    const NcStmt *s = b->stmt.at[i];
    if (s->kind == NC_S_KEY && strcmp(s->name.s, name) == 0) {
      replace(r, s->e->at.begin, s->e->at.end, value);
      return;
    }
  }
  uint32_t end = b->at.end - 1;
  bool line = end > 0 && r->m->text[end - 1] == '\n';
  replace(r, end, end, nc_sprintf(r->a, "%s  %s = %s\n", line ? "" : "\n", name, value));
}

static const NcDecl *train_decl(const Resolve *r) {
  for (int i = 0; i < r->file->decl.n; i++) {
    const NcDecl *d = r->file->decl.at[i];
    if (d->kind == NC_D_TRAIN && (!r->m->o.model || strcmp(d->name.s, r->m->o.model) == 0)) return d;
  }
  return NULL;
}

// train.KEY or train.PART.KEY
static void set_train(Resolve *r, const char *path, const char *value) {
  const NcDecl *d = train_decl(r);
  const char *dot = strchr(path, '.');
  if (d && !dot) set_key(r, d->body, path, value);
  for (int i = 0; d && dot && i < d->body->stmt.n; i++) {
    const NcStmt *s = d->body->stmt.at[i];
    bool part = (s->kind == NC_S_STAGE || s->kind == NC_S_STEP) && strlen(s->name.s) == (size_t)(dot - path);
    if (part && strncmp(s->name.s, path, (size_t)(dot - path)) == 0) set_key(r, s->body, dot + 1, value);
  }
}

static void set_hyper(Resolve *r, const NcDecl *d, const char *name, const char *value) {
  for (int i = 0; i < d->hyper.n; i++) {
    const NcFormal *h = &d->hyper.at[i];
    if (strcmp(h->name.s, name) != 0) continue;
    bool text = (h->kind.s && strcmp(h->kind.s, "str") == 0) || (!h->kind.s && h->value && h->value->kind == NC_X_STR);
    if (text) value = quoted(r->a, value);
    if (h->value) replace(r, h->value->at.begin, h->value->at.end, value);
    else replace(r, h->at.end, h->at.end, nc_sprintf(r->a, " = %s", value));
    const NcDecl *t = train_decl(r);
    if (!t || strcmp(t->name.s, d->name.s) != 0) return;
    for (int k = 0, next = 0; k < t->list.n; k++) {      // what `train` gives is overridden too
      const NcArg *a = &t->list.at[k];
      bool it = a->name.s ? strcmp(a->name.s, name) == 0 : next++ == i;
      if (it) replace(r, a->e->at.begin, a->e->at.end, value);
    }
  }
}

static void set_decl(Resolve *r, const NcDecl *d, const char *value) {
  const NcExpr *e = d->e;
  if (!e) return;
  if (d->kind == NC_D_WEIGHTS) {      // its path
    if (e->kind == NC_X_CALL && e->list.n) replace(r, e->list.at[0].e->at.begin, e->list.at[0].e->at.end, quoted(r->a, value));
  } else replace(r, e->at.begin, e->at.end, e->kind == NC_X_STR ? quoted(r->a, value) : value);
}

static void apply(Resolve *r, const NcSet *s) {
  const char *dot = strchr(s->path, '.');
  if (strncmp(s->path, "train.", 6) == 0) {
    set_train(r, s->path + 6, s->value);
    return;
  }
  for (int i = 0; i < r->file->decl.n; i++) {
    const NcDecl *d = r->file->decl.at[i];
    if (!d->name.s) continue;
    size_t n = dot ? (size_t)(dot - s->path) : strlen(s->path);
    if (strlen(d->name.s) != n || strncmp(d->name.s, s->path, n) != 0) continue;
    if (!dot && (d->kind == NC_D_CONST || d->kind == NC_D_WEIGHTS)) set_decl(r, d, s->value);
    if (dot && (d->kind == NC_D_MODEL || d->kind == NC_D_DATA || d->kind == NC_D_TASK)) set_hyper(r, d, dot + 1, s->value);
  }
}

// Of a setting that something else decides: --batch, or a batch that was too large.
static bool overruled(const NacreModel *m, const char *path) {
  return (m->recomputes && strcmp(path, "train.recompute") == 0) || ((m->o.batch || m->parts) && strcmp(path, "train.batch") == 0) || (m->parts && strcmp(path, "train.accumulate") == 0);
}

static bool is_set(const Resolve *r, const NcBlock *b, const char *name) {
  const char *path = nc_sprintf(r->a, "train.%s", name);
  for (int i = 0; i < b->stmt.n; i++)
    if (b->stmt.at[i]->kind == NC_S_KEY && strcmp(b->stmt.at[i]->name.s, name) == 0) return true;
  for (int i = 0; i < r->m->o.sets; i++)
    if (strcmp(r->m->set[i].path, path) == 0) return true;
  return false;
}

// What the recipe takes by itself is written out.
static void write_defaults(Resolve *r) {
  const NcDecl *d = train_decl(r);
  const NcRecipe *c = r->m->program->recipe;
  if (!d || !c) return;
  const struct { const char *path; unsigned long long value; } all[] = {
    {"train.batch", (unsigned long long)r->m->program->batch}, {"train.seed", c->seed}, {"train.accumulate", (unsigned long long)c->accumulate},
    {"train.recompute", (unsigned long long)c->recompute}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *name = all[i].path + strlen("train.");
    bool usual = (strcmp(name, "batch") == 0 || strcmp(name, "seed") == 0) && !is_set(r, d->body, name);
    if (usual || overruled(r->m, all[i].path)) set_key(r, d->body, name, nc_sprintf(r->a, "%llu", all[i].value));
  }
}

// ---- imports

static bool word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// `zoo.block` becomes `block`, but for comments and texts.
static void drop_prefix(Resolve *r, const char *text, const char *alias) {
  size_t n = strlen(alias);
  for (const char *s = text; *s;) {
    if (*s == '#') s += strcspn(s, "\n");
    else if (*s == '"') {
      for (s++; *s && *s != '"'; s++) s += *s == '\\' && s[1];
      s += *s == '"';
    } else if (word(*s)) {
      const char *end = s;
      while (word(*end)) end++;
      bool it = (size_t)(end - s) == n && strncmp(s, alias, n) == 0 && *end == '.' && end[1] != '.' && (s == text || s[-1] != '.');
      if (it) replace(r, (uint32_t)(s - text), (uint32_t)(end + 1 - text), "");
      s = end;
    } else s++;
  }
}

static const NcImported *imported(const NacreModel *m, const char *path) {
  for (int i = 0; i < m->imported.n; i++)
    if (strcmp(m->imported.at[i].path, path) == 0) return &m->imported.at[i];
  return NULL;
}

// The declarations of an import as they are written, without its trainings and tests. False where it imports others.
static bool put_declarations(Resolve *r, const NcImported *f, NcBuf *out) {
  NcDiag *quiet = nc_diag_new(r->a);
  NcMap names = NC_MAP(r->a);
  const NcFile *file = nc_parse(r->a, quiet, &names, nc_diag_source(quiet, f->path, f->text, f->size));
  if (quiet->errors) return false;
  uint32_t from = file->header.end + (uint32_t)strcspn(f->text + file->header.end, "\n");     // behind its `nn 1`
  for (int i = 0; i < file->decl.n; i++) {
    const NcDecl *d = file->decl.at[i];
    if (d->kind == NC_D_IMPORT) return false;
    if (d->kind != NC_D_TRAIN && d->kind != NC_D_TEST) nc_putn(out, f->text + from, d->at.end - from);
    nc_putc(out, '\n');
    from = d->at.end;
  }
  return true;
}

static bool inline_imports(Resolve *r, NcBuf *tail) {
  for (int i = 0; i < r->file->decl.n; i++) {
    const NcDecl *d = r->file->decl.at[i];
    if (d->kind != NC_D_IMPORT) continue;
    const NcImported *f = d->path ? imported(r->m, d->path) : NULL;
    if (!f || !d->name.s) return false;
    nc_putf(tail, "\n# of %s\n", d->path);
    if (!put_declarations(r, f, tail)) return false;
    replace(r, d->at.begin, d->at.end, "");
    drop_prefix(r, r->m->text, d->name.s);
  }
  return true;
}

// ---- the text, and the proof

// Edits from the last to the first; of two at one place the earlier one comes first.
static const char *edited(Resolve *r, const char *tail, size_t *size) {
  NcBuf b = NC_BUF(r->a);
  uint32_t at = 0;
  for (int i = 1; i < r->edit.n; i++)
    for (int k = i; k > 0 && r->edit.at[k - 1].begin > r->edit.at[k].begin; k--) {
      Edit e = r->edit.at[k];
      r->edit.at[k] = r->edit.at[k - 1];
      r->edit.at[k - 1] = e;
    }
  for (int i = 0; i < r->edit.n; i++) {
    const Edit *e = &r->edit.at[i];
    if (e->begin < at || e->end > r->m->size) return NULL;      // one lies in another
    nc_putn(&b, r->m->text + at, e->begin - at);
    nc_put(&b, e->text);
    at = e->end;
  }
  nc_putn(&b, r->m->text + at, r->m->size - at);
  nc_putf(&b, "\n%s", tail);
  NcDiag *quiet = nc_diag_new(r->a);
  NcMap names = NC_MAP(r->a);
  const NcFile *f = nc_parse(r->a, quiet, &names, nc_diag_source(quiet, "resolved.nn", nc_buf_str(&b), b.n));
  if (quiet->errors) return NULL;
  NcBuf laid = NC_BUF(r->a), out = NC_BUF(r->a);
  nc_print_file(&laid, quiet, f);
  size_t head = strcspn(nc_buf_str(&laid), "\n");
  nc_putf(&out, "%.*s\n# model.nn as it was trained, by nacre %s: settings applied, imports inlined. It trains to the same bits by itself.%s",
          (int)head, laid.at, nacre_version(), laid.at + head);
  *size = out.n;
  return nc_buf_str(&out);
}

static bool same_graph(Resolve *r, const NcGraph *a, const NcGraph *b) {
  return a == b || (a && b && strcmp(nc_graph_identity(a, r->a), nc_graph_identity(b, r->a)) == 0);
}

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool same_setting(const NcSetting *a, const NcSetting *b) {
  bool same = a->kind == b->kind && same_text(a->name, b->name) && a->i == b->i && a->f == b->f && a->b == b->b && same_text(a->s, b->s) && a->n == b->n;
  for (int i = 0; same && i < a->n; i++) same = strcmp(a->strs[i], b->strs[i]) == 0;
  return same;
}

static bool same_source(const NcSourceSpec *a, const NcSourceSpec *b) {
  bool same = strcmp(a->kind, b->kind) == 0 && a->train[0] == b->train[0] && a->train[1] == b->train[1] && a->settings == b->settings;
  for (int i = 0; same && i < a->settings; i++) same = same_setting(&a->setting[i], &b->setting[i]);
  return same;
}

static bool same_recipe(Resolve *r, const NcRecipe *a, const NcRecipe *b) {
  bool same = strcmp(a->name, b->name) == 0 && a->epochs == b->epochs && a->steps == b->steps && a->accumulate == b->accumulate &&
              a->recompute == b->recompute &&
              a->every == b->every && a->ema == b->ema && a->seed == b->seed && same_text(a->keep, b->keep) && a->keep_max == b->keep_max &&
              a->stage.n == b->stage.n && a->metrics.n == b->metrics.n && a->plateau.n == b->plateau.n && a->split.n == b->split.n &&
              same_text(a->split_by, b->split_by) && same_text(a->balance, b->balance) && same_source(a->source, b->source) &&
              same_graph(r, a->where, b->where);
  for (int i = 0; same && i < a->stage.n; i++) {
    const NcStage *x = &a->stage.at[i], *y = &b->stage.at[i];
    same = same_text(x->name, y->name) && x->epochs == y->epochs && x->steps == y->steps && x->patience == y->patience && x->parts == y->parts;
  }
  for (int i = 0; same && i < a->split.n; i++) {
    const NcSplitPart *x = &a->split.at[i], *y = &b->split.at[i];
    same = strcmp(x->name, y->name) == 0 && x->fraction == y->fraction && x->count == y->count;
  }
  for (int i = 0; same && i < a->plateau.n; i++) {
    const NcPlateau *x = &a->plateau.at[i], *y = &b->plateau.at[i];
    same = x->patience == y->patience && x->cooldown == y->cooldown && x->threshold == y->threshold;
  }
  for (int i = 0; same && i < a->metrics.n; i++) same = strcmp(a->metrics.at[i], b->metrics.at[i]) == 0;
  return same;
}

static bool proven(Resolve *r, const char *text, size_t size) {
  const NacreModel *m = r->m;
  const char *slash = strrchr(m->name, '/');
  NcProgramOptions o = {
    .name = slash ? nc_sprintf(r->a, "%.*s/resolved.nn", (int)(slash - m->name), m->name) : "resolved.nn",
    .text = text, .size = size, .hooks = m->hooks, .model = m->o.model,
  };
  const NcProgram *a = m->program, *b = nc_program(r->a, nc_diag_new(r->a), &o);
  bool same = b && b->recipe && a->batch == b->batch && a->update.n == b->update.n && same_recipe(r, a->recipe, b->recipe) &&
              same_graph(r, a->eval, b->eval) && same_graph(r, a->finish, b->finish) && same_graph(r, a->predict, b->predict) &&
              same_graph(r, a->init, b->init);
  for (int i = 0; same && i < a->update.n; i++)
    same = same_graph(r, a->update.at[i].graph, b->update.at[i].graph) && same_graph(r, a->update.at[i].gather, b->update.at[i].gather);
  return same;
}

static const char *resolve(NacreModel *m, NcArena *a, bool inlined, size_t *size) {
  Resolve r = {.m = m, .a = a, .file = m->program->file};
  NcBuf tail = NC_BUF(a);
  if (inlined && !inline_imports(&r, &tail)) return NULL;
  for (int i = 0; i < m->o.sets; i++) {
    bool last = true;
    for (int k = i + 1; k < m->o.sets; k++) last = last && strcmp(m->set[i].path, m->set[k].path) != 0;
    if (last && !overruled(m, m->set[i].path)) apply(&r, &m->set[i]);
  }
  write_defaults(&r);
  const char *text = edited(&r, nc_buf_str(&tail), size);
  return text && proven(&r, text, *size) ? text : NULL;
}

bool nc_resolved_write(NacreModel *m, const char *path) {
  NcArena *a = nc_arena_new();
  bool good = true;
  if (!a || NC_ON_OOM(a)) {
    nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for `%s`", path);
    good = false;
  } else {
    size_t size = 0;
    const char *text = resolve(m, a, true, &size);
    if (!text && m->imported.n) text = resolve(m, a, false, &size);
    if (text) good = nc_write_file(m->diag, path, text, size);
  }
  nc_arena_free(a);
  return good;
}
