// What is trained: `only`, `frozen`, and the averages that `ema` keeps.
//
// A parameter is trained when a path of `only` names it or something around it (or there is no `only`), and no frozen
// layer holds it; a frozen layer, or a part of it, is trained all the same where a path of `only` names just that. What
// is frozen works as in inference: `training` is false there, so running statistics are used and stay, and dropout is
// absent.
#include "elab/recipe.h"
#include <string.h>

static bool below(const char *path, const char *top) {   // net.body.conv is below net.body, and a path below itself
  size_t n = strlen(top);
  return n == 0 || (strncmp(path, top, n) == 0 && (path[n] == '.' || !path[n]));
}

// ---- only

static bool path_text(NcElab *e, const NcExpr *x, NcBuf *out) {
  if (x->kind == NC_X_FIELD) {
    if (!path_text(e, x->a, out)) return false;
    nc_putc(out, '.');
  }
  if (x->kind == NC_X_FIELD || x->kind == NC_X_NAME) nc_put(out, x->name.s);
  return x->kind == NC_X_FIELD || x->kind == NC_X_NAME;
}

bool nc_only(NcElab *e, const NcTrainKeys *k, const NcExpr *x) {
  memset(&e->only, 0, sizeof e->only);
  e->only_given = x != NULL;
  if (!x) return true;
  bool ok = x->kind == NC_X_LIST && x->list.n > 0;
  for (int i = 0; ok && i < x->list.n; i++) {
    NcBuf b = NC_BUF(e->arena);
    const NcExpr *item = x->list.at[i].e;
    ok = !x->list.at[i].name.s && path_text(e, item, &b);
    const char *path = nc_buf_str(&b);
    *NC_PUSH(e->arena, e->only) = (NcOnly){path, nc_sprintf(e->arena, "%s.%s", k->decl->name.s, path), item->at};
  }
  if (!ok)
    nc_help(e->diag, nc_elab_error(e, NC_E0312, x->at, "`only` is a list of layers' paths"),
            "for example `only = [head, body.block_2]`");
  return ok;
}

// Whether a path of `only` is about `path`; `within`: and itself lies below that one.
static bool chosen(const NcElab *e, const char *path, const char *within) {
  for (int i = 0; i < e->only.n; i++) {
    const char *p[] = {e->only.at[i].path, e->only.at[i].deep};
    for (int k = 0; k < 2; k++)
      if (below(path, p[k]) && (!within || below(p[k], within))) return true;
  }
  return false;
}

static bool frozen_above(const NcElab *e, const NcInstance *i, const char *path) {
  for (; i; i = i->up)
    if (i->frozen && !chosen(e, path, i->path)) return true;
  return false;
}

bool nc_is_frozen(const NcElab *e, const NcInstance *i) { return frozen_above(e, i, i->path); }

bool nc_is_trained(const NcElab *e, const NcVar *v) {
  const char *path = v->pub.path;
  if (strcmp(v->pub.kind, "param") != 0 || v->graph != e->graph || !v->owner) return false;
  if (v->frozen && !chosen(e, path, path)) return false;
  return (!e->only_given || chosen(e, path, NULL)) && !frozen_above(e, v->owner, path);
}

// Every path that `only` could name, for the nearest one.
static void each_path(NcElab *e, const NcVar *v, const char *model, NcMap *seen) {
  const char *path = v->pub.path;
  size_t skip = strlen(model);
  if (skip && below(path, model)) path += skip + 1;
  for (size_t n = 0; path[n];) {
    n += strcspn(path + n + (n > 0), ".") + (n > 0);
    nc_map_set(seen, nc_strndup(e->arena, path, n), e);
  }
}

bool nc_only_found(NcElab *e) {
  bool good = true;
  for (int i = 0; i < e->only.n; i++) {
    const NcOnly *o = &e->only.at[i];
    bool found = false, used = false;
    size_t model = strlen(o->deep) - strlen(o->path) - 1;
    NcMap seen = NC_MAP(e->arena);
    for (int k = 0; k < e->var.n; k++) {
      const NcVar *v = e->var.at[k];
      if (strcmp(v->pub.kind, "param") != 0) continue;
      bool hit = below(v->pub.path, o->path) || below(v->pub.path, o->deep);
      used = used || hit;
      found = found || (hit && nc_is_trained(e, v));
      each_path(e, v, nc_strndup(e->arena, o->deep, model), &seen);
    }
    if (found) continue;
    good = false;
    NcMessage *m = nc_elab_error(e, NC_E0313, o->at, used ? "`%s` has nothing to be trained here"
                                                          : "`only` names `%s`, but no layer with parameters is called so", o->path);
    if (used) {
      nc_help(e->diag, m, "the loss does not use it, or what it holds is frozen: name the frozen layer itself");
      continue;
    }
    NC_VEC(const char *) names = {0};
    for (int k = 0; k < seen.cap; k++)
      if (seen.slot[k].key) *NC_PUSH(e->arena, names) = seen.slot[k].key;
    nc_suggest(e, m, o->path, names.at, names.n);
  }
  return good;
}

// ---- variables beside parameters

NcVar *nc_side_var(NcElab *e, const NcVar *of, const char *kind) {
  const char *path = nc_sprintf(e->arena, "%s.%s", kind, of->pub.path);
  NcVar *v = nc_map_get(&e->by_path, path);
  if (!v) {
    v = NC_NEW(e->arena, NcVar);
    *v = (NcVar){.pub = {.path = path, .kind = nc_name(e, kind), .type = of->pub.type, .at = of->pub.at}, .declared = of->declared};
    memcpy(v->dim, of->dim, sizeof v->dim);
    nc_map_set(&e->by_path, path, v);
    *NC_PUSH(e->arena, e->var) = v;
    NcNode *start = nc_graph_find_output(e->init, of->pub.path);   // an average starts where the weight does
    if (strcmp(kind, "ema") != 0 && start) start = nc_like(e->init, start, 0);
    if (start) nc_graph_output(e->init, path, start);
  }
  if (v->graph != e->graph) {
    v->graph = e->graph;
    v->now = nc_var(e->graph, v->pub.at, path, v->pub.kind, v->pub.type);
    v->next = NULL;
  }
  return v;
}

NcInstance *nc_averaged(NcElab *e, NcInstance *i) {
  NcInstance *twin = NC_NEW(e->arena, NcInstance);
  *twin = *i;
  twin->average_of = i->average_of ? i->average_of : i;
  return twin;
}
