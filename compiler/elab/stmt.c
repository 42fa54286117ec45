// Statements of a block. Its value is that of its last expression.
#include "elab/elab.h"

// let e = dense(3): one instance, called e. What only names a kind of layer, `let e = dense`, stays what it is.
static NcValue settled(NcElab *e, NcValue v, const NcExpr *x, const NcName *name) {
  bool layer = v.kind == NC_V_FN && v.fn->bound && v.fn->info->decl->kind != NC_D_FN && x->kind != NC_X_NAME;
  if (!layer) return v;
  NcInstance *i = nc_instance(e, v.fn, name, name->s, x->at);
  return i ? (NcValue){.kind = NC_V_INSTANCE, .at = x->at, .inst = i} : nc_v_poison();
}

// The expression that gives the i-th of several values: x itself, where it does not write them out.
static const NcExpr *item_of(const NcExpr *x, int i) {
  bool written = (x->kind == NC_X_TUPLE || x->kind == NC_X_LIST) && i < x->list.n;
  return written ? x->list.at[i].e : x;
}

static bool bind_several(NcElab *e, const NcStmt *s, NcValue v) {
  bool list = v.kind == NC_V_TUPLE || v.kind == NC_V_LIST, ok = true;
  if (v.kind != NC_V_POISON && (!list || v.list.n != s->names.n)) {
    nc_elab_error(e, NC_E0205, s->e->at, "%d names stand on the left, but this is %s", s->names.n,
                  nc_v_describe(e, &v));
    v = nc_v_poison();
  }
  for (int i = 0; i < s->names.n; i++) {
    const NcName *name = &s->names.at[i];
    NcValue item = v.kind == NC_V_POISON ? v : settled(e, v.list.item[i], item_of(s->e, i), name);
    ok = nc_scope_bind(e, e->frame->scope, name->s, name->at, item) && item.kind != NC_V_POISON && ok;
  }
  return ok;
}

bool nc_let(NcElab *e, const NcStmt *s) {
  NcValue v = nc_expr(e, s->e);
  if (s->tuple) return bind_several(e, s, v);
  v = settled(e, v, s->e, &s->names.at[0]);
  if (v.kind == NC_V_TENSOR) v.at = s->e->at;
  return nc_scope_bind(e, e->frame->scope, s->names.at[0].s, s->names.at[0].at, v) && v.kind != NC_V_POISON;
}

static bool assertion(NcElab *e, const NcStmt *s) {
  bool holds;
  if (!nc_truth(e, nc_expr(e, s->e), s->e->at, &holds)) return false;
  if (holds) return true;
  if (e->trial) {   // a caller knows what it may give
    e->trial->refused = true;
    return false;
  }
  const char *text = "this does not hold";
  if (s->text && !nc_expr_text(e, s->text, &text)) return false;
  NcMessage *m = nc_elab_error(e, NC_E0211, s->e->at, "%s", text);
  if (e->guess)
    nc_note(e->diag, m, "nothing tells `%s` here: it is taken to be %lld", e->guess, e->assumed ? (long long)e->assumed : 16LL);
  return false;
}

NcValue nc_block_here(NcElab *e, const NcBlock *b) {
  NcValue last = nc_v_items(e, NC_V_TUPLE, b->at, 0, NULL);
  bool ok = true;
  for (int i = 0; i < b->stmt.n && !e->dead; i++) {
    const NcStmt *s = b->stmt.at[i];
    switch (s->kind) {
      case NC_S_EXPR:
        last = nc_expr(e, s->e);
        ok = ok && last.kind != NC_V_POISON;
        break;
      case NC_S_LET: ok = nc_let(e, s) && ok; break;
      case NC_S_PARAM:
      case NC_S_STATE:
        if (!nc_declare(e, s)) {
          ok = false;
          if (!nc_lookup_local(e->frame->scope, s->name.s))
            nc_scope_bind(e, e->frame->scope, s->name.s, s->name.at, nc_v_poison());
        }
        break;
      case NC_S_UPDATE: ok = nc_update(e, s) && ok; break;
      case NC_S_ASSERT:   // what relies on it would only repeat the error
        if (!assertion(e, s)) return nc_v_poison();
        break;
      case NC_S_BAD: ok = false; break;
      case NC_S_NEXT: ok = nc_scan_next(e, b, s, i == b->stmt.n - 1) && ok; break;
      default:
        nc_elab_error(e, NC_E0306, s->at, "`%s` is not allowed here", nc_stmt_word(s->kind));
        ok = false;
    }
  }
  return ok && !e->dead ? last : nc_v_poison();
}

NcValue nc_block(NcElab *e, const NcBlock *b) {
  if (!b) return nc_v_poison();
  NcScope *outer = e->frame->scope;
  e->frame->scope = nc_scope(e, outer);
  NcValue v = nc_block_here(e, b);
  e->frame->scope = outer;
  return v;
}
