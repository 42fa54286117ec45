#include "front/ast.h"
#include <string.h>

static const char *const exprs[] = {
#define X(id, word) word,
  NC_EXPRS(X)
#undef X
};
static const char *const stmts[] = {
#define X(id, word) word,
  NC_STMTS(X)
#undef X
};
static const char *const decls[] = {
#define X(id, word) word,
  NC_DECLS(X)
#undef X
};
static const struct { const char *word; int prec; } operators[] = {
#define X(id, word, prec) {word, prec},
  NC_OPERATORS(X)
#undef X
};

const char *nc_expr_word(NcExprKind k) { return exprs[k]; }
const char *nc_stmt_word(NcStmtKind k) { return stmts[k]; }
const char *nc_decl_word(NcDeclKind k) { return decls[k]; }
const char *nc_operator_word(NcOperator op) { return operators[op].word; }
int nc_operator_prec(NcOperator op) { return operators[op].prec; }

static bool block_eq(const NcBlock *a, const NcBlock *b);

static bool str_eq(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool args_eq(const NcArgs *a, const NcArgs *b) {
  if (a->n != b->n) return false;
  for (int i = 0; i < a->n; i++)
    if (a->at[i].name.s != b->at[i].name.s || !nc_expr_eq(a->at[i].e, b->at[i].e)) return false;
  return true;
}

bool nc_expr_eq(const NcExpr *a, const NcExpr *b) {
  if (!a || !b) return a == b;
  return a->kind == b->kind && a->op == b->op && a->name.s == b->name.s && a->source.s == b->source.s &&
         a->frozen == b->frozen && a->i == b->i && memcmp(&a->f, &b->f, sizeof a->f) == 0 && str_eq(a->s, b->s) &&
         nc_expr_eq(a->a, b->a) && nc_expr_eq(a->b, b->b) && nc_expr_eq(a->c, b->c) && args_eq(&a->list, &b->list) &&
         block_eq(a->body, b->body) && block_eq(a->other, b->other);
}

bool nc_type_expr_eq(const NcTypeExpr *a, const NcTypeExpr *b) {
  if (!a || !b) return a == b;
  if (a->tuple != b->tuple || a->dtype != b->dtype || a->any != b->any) return false;
  if (a->axis.n != b->axis.n || a->field.n != b->field.n) return false;
  for (int i = 0; i < a->axis.n; i++)
    if (!nc_expr_eq(a->axis.at[i], b->axis.at[i])) return false;
  for (int i = 0; i < a->field.n; i++)
    if (a->field.at[i].name.s != b->field.at[i].name.s || !nc_type_expr_eq(a->field.at[i].type, b->field.at[i].type))
      return false;
  return true;
}

static bool stmt_eq(const NcStmt *a, const NcStmt *b) {
  if (a->kind != b->kind || a->name.s != b->name.s || a->names.n != b->names.n || a->tuple != b->tuple ||
      a->frozen != b->frozen)
    return false;
  for (int i = 0; i < a->names.n; i++)
    if (a->names.at[i].s != b->names.at[i].s) return false;
  return nc_type_expr_eq(a->type, b->type) && nc_expr_eq(a->e, b->e) && nc_expr_eq(a->text, b->text) &&
         args_eq(&a->list, &b->list) && block_eq(a->body, b->body);
}

static bool block_eq(const NcBlock *a, const NcBlock *b) {
  if (!a || !b) return a == b;
  if (a->stmt.n != b->stmt.n) return false;
  for (int i = 0; i < a->stmt.n; i++)
    if (!stmt_eq(a->stmt.at[i], b->stmt.at[i])) return false;
  return true;
}

static bool formals_eq(const NcFormal *a, int na, const NcFormal *b, int nb) {
  if (na != nb) return false;
  for (int i = 0; i < na; i++)
    if (a[i].name.s != b[i].name.s || a[i].kind.s != b[i].kind.s || !nc_type_expr_eq(a[i].type, b[i].type) ||
        !nc_expr_eq(a[i].value, b[i].value))
      return false;
  return true;
}

static bool decl_eq(const NcDecl *a, const NcDecl *b) {
  return a->kind == b->kind && a->name.s == b->name.s && a->source.s == b->source.s && str_eq(a->doc, b->doc) &&
         str_eq(a->path, b->path) && a->has_hyper == b->has_hyper && a->has_list == b->has_list &&
         formals_eq(a->hyper.at, a->hyper.n, b->hyper.at, b->hyper.n) &&
         formals_eq(a->tensor.at, a->tensor.n, b->tensor.at, b->tensor.n) && nc_type_expr_eq(a->result, b->result) &&
         nc_expr_eq(a->e, b->e) && args_eq(&a->list, &b->list) && block_eq(a->body, b->body);
}

bool nc_file_eq(const NcFile *a, const NcFile *b) {
  if (a->version != b->version || a->decl.n != b->decl.n) return false;
  for (int i = 0; i < a->decl.n; i++)
    if (!decl_eq(a->decl.at[i], b->decl.at[i])) return false;
  return true;
}
