// if, repeat, scan, for, and the axis patterns of rearrange and einsum.
#include "front/flow.h"

// A block that belongs to an expression in brackets has lines of its own.
static NcBlock *body(NcParser *p) {
  int nest = p->nest;
  p->nest = 0;
  NcBlock *b = p->panic ? NC_NEW(p->arena, NcBlock) : nc_p_block(p, NC_IN_CODE);
  p->nest = nest;
  return b;
}

// `else if` becomes a block of one statement.
static NcBlock *else_if(NcParser *p) {
  NcBlock *b = NC_NEW(p->arena, NcBlock);
  NcStmt *s = NC_NEW(p->arena, NcStmt);
  s->kind = NC_S_EXPR;
  s->e = nc_p_if(p);
  s->at = b->at = s->e->at;
  b->depth = s->e->depth;
  *NC_PUSH(p->arena, b->stmt) = s;
  return b;
}

// The condition, where `=` for `==` is a likely slip.
static NcExpr *condition(NcParser *p) {
  NcExpr *e = nc_p_expr(p);
  if (p->panic || !nc_p_is(p, NC_T_ASSIGN)) return e;
  nc_p_help(p, nc_p_slip(p, NC_E0101, nc_p_here(p), "`=` gives a name to a value; it does not compare"), "write `==`");
  nc_p_next(p);
  NcExpr *both = nc_p_new(p, NC_X_BINARY, e->at);
  both->op = NC_B_EQ;
  both->op_at = e->at;
  both->a = e;
  both->b = nc_p_expr(p);
  return nc_p_done(p, both);
}

NcExpr *nc_p_if(NcParser *p) {
  NcExpr *e = nc_p_new(p, NC_X_IF, nc_p_range(p, nc_p_next(p)));
  bool deep = !nc_p_enter(p);
  if (!deep) e->a = condition(p);
  e->body = body(p);
  e->other = NC_NEW(p->arena, NcBlock);
  if (p->panic) {
  } else if (nc_p_accept_word(p, NC_W_ELSE)) {
    e->other = nc_p_word(p, NC_W_IF) ? else_if(p) : body(p);
  } else {
    NcMessage *m = nc_p_slip(p, NC_E0102, nc_p_gap(p), "this `if` has no `else`");
    if (m) nc_label(p->diag, m, (NcRange){e->at.file, e->at.begin, e->at.begin + 2},
                    "an `if` is a value in both cases");
    nc_p_help(p, m, "add `else { … }`");
  }
  if (!e->a) e->a = nc_p_new(p, NC_X_BAD, e->at);
  nc_p_leave(p);
  return nc_p_done(p, e);
}

// h = x, c = y
static void carries(NcParser *p, NcArgs *out, const char *example) {
  if (p->panic || !nc_p_expect_word(p, NC_W_WITH, example)) return;
  do {
    NcArg c = {.name = nc_p_name(p, "a name for what the loop carries")};
    c.at = c.name.at;
    NcMessage *m = p->panic ? NULL : nc_p_expect(p, NC_T_ASSIGN, "after what the loop carries");
    nc_p_help(p, m, "give its first value: `%s`", example);
    c.e = p->panic ? nc_p_new(p, NC_X_BAD, c.at) : nc_p_expr(p);
    c.at = nc_p_from(p, c.at);
    *NC_PUSH(p->arena, *out) = c;
  } while (!p->panic && nc_p_accept(p, NC_T_COMMA));
}

NcExpr *nc_p_repeat(NcParser *p) {
  static const char example[] = "repeat i < 4 with h = x { … }";
  NcExpr *e = nc_p_new(p, NC_X_REPEAT, nc_p_range(p, nc_p_next(p)));
  if (nc_p_is(p, NC_T_ID) && nc_p_ahead(p, 1)->kind == NC_T_LT) {
    e->name = nc_p_name(p, "a name for the turn");
    nc_p_next(p);
  }
  e->a = nc_p_expr(p);
  carries(p, &e->list, example);
  e->body = body(p);
  return nc_p_done(p, e);
}

NcExpr *nc_p_scan(NcParser *p) {
  static const char example[] = "scan xt in xs axis 1 with h = zeros[B, n] { … }";
  NcExpr *e = nc_p_new(p, NC_X_SCAN, nc_p_range(p, nc_p_next(p)));
  e->name = nc_p_name(p, "a name for the element");
  if (!p->panic) nc_p_expect_word(p, NC_W_IN, example);
  e->a = p->panic ? nc_p_new(p, NC_X_BAD, e->at) : nc_p_expr(p);
  if (!p->panic && nc_p_accept_word(p, NC_W_AXIS)) e->b = nc_p_expr(p);
  if (!p->panic && nc_p_accept_word(p, NC_W_REVERSE)) e->c = nc_p_expr(p);
  carries(p, &e->list, example);
  e->body = body(p);
  return nc_p_done(p, e);
}

NcExpr *nc_p_for(NcParser *p) {
  NcExpr *e = nc_p_new(p, NC_X_FOR, nc_p_here(p));
  if (!nc_p_word(p, NC_W_FOR)) e->name = nc_p_name(p, "a reducer");
  nc_p_next(p);
  do {
    NcArg b = {.name = nc_p_name(p, "a name for the index")};
    b.at = b.name.at;
    if (!p->panic) nc_p_help(p, nc_p_expect(p, NC_T_LT, "after the index"), "give its bound: `for i < n { … }`");
    b.e = p->panic ? nc_p_new(p, NC_X_BAD, b.at) : nc_p_expr(p);
    b.at = nc_p_from(p, b.at);
    *NC_PUSH(p->arena, e->list) = b;
  } while (!p->panic && nc_p_accept(p, NC_T_COMMA));
  e->body = body(p);
  return nc_p_done(p, e);
}

// Axes of one operand, or of a group in parentheses.
static NcExpr *axes(NcParser *p, bool group) {
  NcExpr *e = nc_p_new(p, NC_X_AXES, nc_p_here(p));
  while (!p->panic) {
    const NcToken *t = nc_p_tok(p);
    NcExpr *item = NULL;
    if (t->kind == NC_T_ID && nc_p_ahead(p, 1)->kind == NC_T_SPREAD) {
      item = nc_p_spread(p);
    } else if (t->kind == NC_T_ID) {
      item = nc_p_new(p, NC_X_NAME, nc_p_range(p, t));
      item->name = nc_p_name(p, "an axis");
    } else if (t->kind == NC_T_INT) {
      nc_p_next(p);
      item = nc_p_new(p, NC_X_INT, nc_p_range(p, t));
      item->i = t->i;
      item->text = nc_strndup(p->arena, p->text + t->begin, t->end - t->begin);
    } else if (t->kind == NC_T_LPAREN && !group) {
      NcRange open = nc_p_open(p);
      item = axes(p, true);
      nc_p_close(p, NC_T_RPAREN, open);
      item->at = nc_p_from(p, open);
    } else {
      break;
    }
    *NC_PUSH(p->arena, e->list) = (NcArg){.e = item, .at = item->at};
  }
  if (e->list.n == 0 && e->at.file) e->at.end = e->at.begin;
  return e->list.n ? nc_p_done(p, e) : e;
}

NcExpr *nc_p_pattern(NcParser *p, NcExprKind kind) {
  NcExpr *e = nc_p_new(p, kind, nc_p_range(p, nc_p_next(p)));
  e->op_at = nc_p_open(p);
  do {
    NcExpr *side = axes(p, false);
    *NC_PUSH(p->arena, e->list) = (NcArg){.e = side, .at = side->at};
  } while (!p->panic && nc_p_accept(p, NC_T_COMMA));
  if (kind == NC_X_REARRANGE && e->list.n > 1)
    nc_p_help(p, nc_p_error(p, NC_E0101, e->list.at[1].at, "`rearrange` has one operand"),
              "axes are separated by spaces: `rearrange[b c h w -> b (c h w)]`");
  if (!p->panic) nc_p_help(p, nc_p_expect(p, NC_T_ARROW, "in the pattern"),
                           kind == NC_X_EINSUM ? "write `einsum[i k, k j -> i j](a, b)`" :
                           "write `rearrange[b c h w -> b (c h w)]`");
  e->b = axes(p, false);
  nc_p_close(p, NC_T_RBRACK, e->op_at);
  return nc_p_done(p, e);
}
