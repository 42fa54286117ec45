// Names in what elaboration did not come across: branches that were not taken, layers that nothing calls and that cannot be tried
// (unused.c). Only names are checked here, of arguments too; shapes are known where something is called.
#include "elab/elab.h"

typedef struct { NcElab *e; NcScope *scope; } Walk;

static void expr(Walk *w, const NcExpr *x);

static void know(Walk *w, const char *name) {
  if (name && !nc_lookup_local(w->scope, name)) nc_scope_bind(w->e, w->scope, name, NC_NOWHERE, nc_v_poison());
}

static void type(Walk *w, const NcTypeExpr *t) {   // its names are sizes, bound here if nowhere else
  for (int i = 0; t && i < t->field.n; i++) type(w, t->field.at[i].type);
  for (int i = 0; t && i < t->axis.n; i++) {
    const NcExpr *x = t->axis.at[i];
    if (x->kind == NC_X_NAME || x->kind == NC_X_SPREAD) know(w, x->name.s);
  }
  for (int i = 0; t && i < t->axis.n; i++)
    if (nc_sizes_bound(w->e, w->e->user, w->scope, t->axis.at[i])) expr(w, t->axis.at[i]);
}

static void stmt(Walk *w, const NcStmt *s) {
  type(w, s->type);
  expr(w, s->e);
  expr(w, s->text);
  for (int i = 0; i < s->list.n; i++) expr(w, s->list.at[i].e);
  for (int i = 0; i < s->names.n; i++) know(w, s->names.at[i].s);
  if (s->kind == NC_S_PARAM || s->kind == NC_S_STATE) know(w, s->name.s);
}

static void block(Walk *w, const NcBlock *b) {
  if (!b) return;
  NcScope *outer = w->scope;
  w->scope = nc_scope(w->e, outer);
  for (int i = 0; i < b->stmt.n; i++) stmt(w, b->stmt.at[i]);
  w->scope = outer;
}

// Names of arguments, where it is known what is called.
static void arguments(Walk *w, const NcExpr *x) {
  const NcName *f = x->a->kind == NC_X_NAME ? &x->a->name : NULL;
  const NcInfo *info = f && !nc_lookup_local(w->scope, f->s) ? nc_find_decl(w->e, w->e->user, f->s) : NULL;
  bool callable = info && (info->decl->kind == NC_D_FN || info->decl->kind == NC_D_LAYER || info->decl->kind == NC_D_MODEL);
  for (int i = 0; callable && i < x->list.n; i++)
    if (x->list.at[i].name.s) nc_argument_must_exist(w->e, info->decl, &x->list.at[i].name);
}

static void expr(Walk *w, const NcExpr *x) {
  if (!x || x->kind == NC_X_REARRANGE || x->kind == NC_X_EINSUM || x->kind == NC_X_BAD) return;
  if (x->kind == NC_X_NAME || x->kind == NC_X_SPREAD) {
    if (!nc_lookup_local(w->scope, x->name.s)) nc_name_must_exist(w->e, &x->name);
    return;
  }
  if (x->kind == NC_X_CALL) arguments(w, x);
  expr(w, x->a);
  expr(w, x->b);
  expr(w, x->c);
  if (x->kind == NC_X_GRAD && !nc_lookup_local(w->scope, x->name.s)) nc_name_must_exist(w->e, &x->name);
  NcScope *outer = w->scope;
  w->scope = nc_scope(w->e, outer);
  bool binds = x->kind == NC_X_REPEAT || x->kind == NC_X_SCAN || x->kind == NC_X_FOR;
  if (x->kind != NC_X_FOR && binds) know(w, x->name.s);
  for (int i = 0; i < x->list.n; i++) {
    expr(w, x->list.at[i].e);
    if (binds) know(w, x->list.at[i].name.s);
  }
  block(w, x->body);
  w->scope = outer;
  block(w, x->other);
}

void nc_check_names(NcElab *e) {
  for (int i = 0; i < e->user->file->decl.n && !e->dead; i++) {
    const NcDecl *d = e->user->file->decl.at[i];
    if (d->kind != NC_D_FN && d->kind != NC_D_LAYER && d->kind != NC_D_MODEL && d->kind != NC_D_TASK &&
        d->kind != NC_D_TEST)
      continue;
    Walk w = {e, nc_scope(e, NULL)};
    for (int k = 0; k < d->hyper.n; k++) {
      expr(&w, d->hyper.at[k].value);
      know(&w, d->hyper.at[k].name.s);
    }
    for (int k = 0; k < d->tensor.n; k++) {
      type(&w, d->tensor.at[k].type);
      know(&w, d->tensor.at[k].name.s);
    }
    block(&w, d->body);
    type(&w, d->result);
  }
}
