// Weights from files: `weights imagenet = safetensors(…)`, and layers that start `from imagenet`.
//
// A layer takes a sub-tree of the file: tensors whose names are a prefix and then the layer's own. The prefix is the one
// under which most of its names are found; of equals the one that ends in the instance's name, then in the layer's, then
// the shortest. Every tensor that is missing or has another shape is told at once, and so is one that stands within one
// of the layer's own parts and has no place there. What stands beside them belongs to other parts of the file.
#include "elab/elab.h"
#include <string.h>

struct NcWeights {
  NcWeightSpec spec;
  NcWeightList list;
  NcMap by_name;             // of list
  bool failed;
};

// ---- declarations

typedef struct { const char *name; size_t at; size_t place; bool file, run; } Setting;
static const Setting settings[] = {
  {"path", offsetof(NcWeightSpec, path), offsetof(NcWeightSpec, path_at), true, true},
  {"names", offsetof(NcWeightSpec, names), offsetof(NcWeightSpec, names_at), true, true},
  {"part", offsetof(NcWeightSpec, part), 0, true, true},
  {"checkpoint", offsetof(NcWeightSpec, checkpoint), 0, false, true},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static bool setting(NcElab *e, NcWeights *w, const NcArg *a, int position) {
  const char *name = a->name.s ? a->name.s : position == 0 ? "path" : NULL, *known[SETTINGS];
  int n = 0;
  for (int i = 0; i < SETTINGS; i++) {
    const Setting *s = &settings[i];
    if (w->spec.run ? !s->run : !s->file) continue;
    known[n++] = s->name;
    if (!name || strcmp(s->name, name) != 0) continue;
    const char **slot = (const char **)((char *)&w->spec + s->at);
    if (*slot) return nc_elab_error(e, NC_E0302, a->at, "`%s` is set twice", name), false;
    if (s->place) *(NcRange *)((char *)&w->spec + s->place) = a->e->at;
    return nc_expr_text(e, a->e, slot);
  }
  const char *of = w->spec.run ? "run" : "safetensors";
  if (!name) return nc_elab_error(e, NC_E0305, a->at, "`%s` takes one path; the rest have names", of), false;
  nc_suggest(e, nc_elab_error(e, NC_E0303, a->name.at, "`%s` has no setting `%s`", of, name), name, known, n);
  return false;
}

static bool declared(NcElab *e, NcWeights *w, const NcInfo *info) {
  const NcExpr *x = info->decl->e;
  const char *kind = x && x->kind == NC_X_CALL && x->a->kind == NC_X_NAME ? x->a->name.s : "";
  w->spec.run = strcmp(kind, "run") == 0;
  if (!w->spec.run && strcmp(kind, "safetensors") != 0) {
    nc_help(e->diag, nc_elab_error(e, NC_E0312, x ? x->at : info->decl->at, "weights come from `safetensors` or `run`"),
            "for example `weights %s = safetensors(\"resnet18.safetensors\", names = \"torchvision\")`",
            info->decl->name.s);
    return false;
  }
  w->spec.name = info->decl->name.s;
  w->spec.at = x->at;
  bool ok = true;
  for (int i = 0; i < x->list.n; i++) ok = setting(e, w, &x->list.at[i], i) && ok;
  if (info->set[0] && nc_expr_text(e, info->set[0], &w->spec.path)) w->spec.path_at = info->set[0]->at;
  if (ok && !w->spec.path) ok = nc_elab_error(e, NC_E0304, x->at, "`%s` needs a path", kind) == NULL;
  const char *c = w->spec.checkpoint;
  if (ok && c && strcmp(c, "best") != 0 && strcmp(c, "last") != 0)
    ok = nc_elab_error(e, NC_E0312, x->at, "a checkpoint is \"best\" or \"last\", not \"%s\"", c) == NULL;
  return ok;
}

static bool open(NcElab *e, NcWeights *w, const NcInfo *info) {
  int used = 0;
  NcFrame f = {.up = e->frame, .module = info->module, .scope = nc_scope(e, NULL), .pure = true, .inst = e->root,
               .call = info->decl->at, .randoms = &used};
  e->frame = &f;
  bool ok = declared(e, w, info);
  e->frame = f.up;
  if (!ok) return false;
  if (!e->opt->hooks.weights) return w->list.absent = true;
  if (!e->opt->hooks.weights(e->opt->hooks.ctx, e->diag, &w->spec, &w->list)) return false;
  w->by_name = NC_MAP(e->arena);
  for (int i = 0; i < w->list.n; i++) nc_map_set(&w->by_name, w->list.at[i].name, (void *)&w->list.at[i]);
  return true;
}

const NcWeights *nc_weights(NcElab *e, const NcName *name) {
  const NcModule *m = e->frame->module;
  NcInfo *info = m ? nc_map_get(&m->decl, name->s) : NULL;
  if (!info || info->decl->kind != NC_D_WEIGHTS) {
    NC_VEC(const char *) names = {0};
    for (int i = 0; m && m->file && i < m->file->decl.n; i++)
      if (m->file->decl.at[i]->kind == NC_D_WEIGHTS && m->file->decl.at[i]->name.s)
        *NC_PUSH(e->arena, names) = m->file->decl.at[i]->name.s;
    NcMessage *msg = nc_elab_error(e, NC_E0301, name->at, "there is no `weights %s`", name->s);
    if (names.n) nc_suggest(e, msg, name->s, names.at, names.n);
    else nc_help(e->diag, msg, "declare it: `weights %s = safetensors(\"….safetensors\")`", name->s);
    return NULL;
  }
  if (!info->weights) {
    info->weights = NC_NEW(e->arena, NcWeights);
    info->weights->failed = !open(e, info->weights, info);
  }
  return info->weights->failed ? NULL : info->weights;
}

// ---- matching

typedef struct { NcVar *var; const char *name; } Wanted;    // name: from the layer on
typedef struct {
  NcElab *e;
  const NcInstance *inst;
  const NcWeights *from;
  NC_VEC(Wanted) want;
} Fit;

static void collect(Fit *f, const NcInstance *inst) {
  size_t skip = strlen(f->inst->path) + 1;
  for (int i = 0; i < inst->var.n; i++) *NC_PUSH(f->e->arena, f->want) = (Wanted){inst->var.at[i], inst->var.at[i]->pub.path + skip};
  for (int i = 0; i < inst->child.n; i++) collect(f, inst->child.at[i].inst);
}

static const NcWeight *tensor(const Fit *f, const char *prefix, const char *name) {
  return nc_map_get(&f->from->by_name, nc_sprintf(f->e->arena, "%s%s", prefix, name));
}

static bool ends_in(const char *prefix, const char *word) {   // "net.body." ends in "body"
  size_t n = strlen(prefix), k = strlen(word);
  return n > k && memcmp(prefix + n - 1 - k, word, k) == 0 && (n == k + 1 || prefix[n - 2 - k] == '.');
}

// How good a sub-tree is, in the order that counts.
typedef struct { int found, name, shortness; } Score;
static Score score(const Fit *f, const char *prefix) {
  Score s = {.shortness = -(int)strlen(prefix)};
  for (int i = 0; i < f->want.n; i++) s.found += tensor(f, prefix, f->want.at[i].name) != NULL;
  s.name = ends_in(prefix, f->inst->name) ? 2 : ends_in(prefix, f->inst->fn->info->decl->name.s);
  return s;
}
static int compare(Score a, Score b) {
  return a.found != b.found ? a.found - b.found : a.name != b.name ? a.name - b.name : a.shortness - b.shortness;
}

// The sub-tree to take. Prefixes are those with which one of the first few names is found.
static const char *subtree(const Fit *f) {
  if (f->from->spec.part) return *f->from->spec.part ? nc_sprintf(f->e->arena, "%s.", f->from->spec.part) : "";
  const char *best = "", *equal = NULL;
  Score most = score(f, best);
  for (int k = 0; k < f->want.n && k < 4; k++) {
    const char *name = f->want.at[k].name;
    size_t n = strlen(name);
    for (int i = 0; i < f->from->list.n; i++) {
      const char *t = f->from->list.at[i].name;
      size_t all = strlen(t);
      if (all <= n || t[all - n - 1] != '.' || strcmp(t + all - n, name) != 0) continue;
      const char *prefix = nc_strndup(f->e->arena, t, all - n);
      if (strcmp(prefix, best) == 0) continue;
      Score s = score(f, prefix);
      int order = compare(s, most);
      if (order > 0) best = prefix, most = s, equal = NULL;
      else if (order == 0) equal = prefix;
    }
  }
  if (!equal || most.found < f->want.n) return best;
  NcMessage *m = nc_elab_error(f->e, NC_E0411, f->inst->from_at, "`%s` has several parts that fit `%s`",
                               f->from->spec.name, f->inst->path);
  nc_note(f->e->diag, m, "`%.*s` and `%.*s` are two of them", (int)strlen(best) - 1, best, (int)strlen(equal) - 1, equal);
  nc_help(f->e->diag, m, "say which: `part = \"%.*s\"` in `weights %s`", (int)strlen(best) - 1, best, f->from->spec.name);
  return NULL;
}

static NcMessage *misfit(const Fit *f, NcMessage *m) {
  return m ? m : nc_elab_error(f->e, NC_E0411, f->inst->from_at, "the weights `%s` do not fit `%s`", f->from->spec.name,
                               f->inst->path);
}

// A name that stands within one of the layer's own parts: for `conv.bias`, whether anything wanted begins with `conv.`
static bool within(const Fit *f, const char *name) {
  size_t n = strcspn(name, ".");
  for (int i = 0; i < f->want.n; i++)
    if (strncmp(f->want.at[i].name, name, n) == 0 && (f->want.at[i].name[n] == '.' || !f->want.at[i].name[n])) return true;
  return false;
}

static bool wanted(const Fit *f, const char *name) {
  for (int i = 0; i < f->want.n; i++)
    if (strcmp(f->want.at[i].name, name) == 0) return true;
  return false;
}

static void fit(Fit *f) {
  NcArena *a = f->e->arena;
  const char *prefix = subtree(f);
  if (!prefix) return;
  size_t skip = strlen(prefix);
  NcMessage *m = NULL;
  for (int i = 0; i < f->want.n; i++) {
    NcVariable *v = &f->want.at[i].var->pub;
    const NcWeight *t = tensor(f, prefix, f->want.at[i].name);
    if (!t) {
      m = misfit(f, m);
      nc_note(f->e->diag, m, "missing: `%s%s`, %s here", prefix, f->want.at[i].name, nc_type_str(a, v->type));
    } else if (!nc_type_eq(t->type, v->type)) {
      m = misfit(f, m);
      nc_note(f->e->diag, m, "`%s` is %s there and %s here", t->name, nc_type_str(a, t->type), nc_type_str(a, v->type));
    } else {
      v->tensor = t->name;
    }
  }
  for (int i = 0; i < f->from->list.n; i++) {
    const NcWeight *t = &f->from->list.at[i];
    if (strncmp(t->name, prefix, skip) != 0 || !within(f, t->name + skip) || wanted(f, t->name + skip)) continue;
    m = misfit(f, m);
    nc_note(f->e->diag, m, "not in this layer: `%s`, %s there", t->name, nc_type_str(a, t->type));
  }
  if (!m) return;
  if (skip) nc_help(f->e->diag, m, "looked for under `%.*s`; `part = \"…\"` in `weights %s` names another place",
                    (int)skip - 1, prefix, f->from->spec.name);
  else if (!f->from->spec.names) nc_help(f->e->diag, m, "names of another library are translated by a map: `names = \"torchvision\"`");
}

static void match(NcElab *e, const NcInstance *inst) {
  if (inst->from) {
    Fit f = {.e = e, .inst = inst, .from = inst->from};
    collect(&f, inst);
    for (int i = 0; i < f.want.n; i++) f.want.at[i].var->pub.from = &inst->from->spec;
    if (!inst->from->list.absent && f.want.n) fit(&f);
    return;   // what layers in it would start from no longer counts
  }
  for (int i = 0; i < inst->child.n; i++) match(e, inst->child.at[i].inst);
}

void nc_weights_match(NcElab *e) { match(e, e->root); }
