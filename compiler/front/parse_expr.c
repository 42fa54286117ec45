// Expressions: pipes, operators by precedence, postfixes, and the simple atoms. The atoms that carry blocks
// are in parse_flow.c.
#include "front/flow.h"

static NcExpr *postfix(NcParser *p);

// binary operators by token; words (`and`, `or`) by word
static bool operator(const NcToken *t, NcOperator *op) {
  static const struct { NcTokenKind kind; NcOperator op; } table[] = {
    {NC_T_EQ, NC_B_EQ}, {NC_T_NE, NC_B_NE}, {NC_T_LT, NC_B_LT}, {NC_T_LE, NC_B_LE}, {NC_T_GT, NC_B_GT},
    {NC_T_GE, NC_B_GE}, {NC_T_PLUS, NC_B_ADD}, {NC_T_MINUS, NC_B_SUB}, {NC_T_STAR, NC_B_MUL}, {NC_T_SLASH, NC_B_DIV},
    {NC_T_AT, NC_B_MATMUL}, {NC_T_PERCENT, NC_B_MOD},
  };
  if (t->word == NC_W_AND || t->word == NC_W_OR) return *op = t->word == NC_W_AND ? NC_B_AND : NC_B_OR, true;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (t->kind == table[i].kind) return *op = table[i].op, true;
  return false;
}

static NcExpr *unary_of(NcParser *p, NcOperator op, const NcToken *t, NcExpr *a) {
  NcExpr *e = nc_p_new(p, NC_X_UNARY, nc_p_range(p, t));
  e->op = op;
  e->op_at = e->at;
  e->a = a;
  return nc_p_done(p, e);
}

static NcExpr *binary_of(NcParser *p, NcOperator op, const NcToken *t, NcExpr *a, NcExpr *b) {
  NcExpr *e = nc_p_new(p, NC_X_BINARY, a->at);
  e->op = op;
  e->op_at = nc_p_range(p, t);
  e->a = a;
  e->b = b;
  return nc_p_done(p, e);
}

static NcExpr *binary(NcParser *p, int min);

// -x ^ 2 is -(x ^ 2); 2 ^ -x is allowed; a ^ b ^ c is a ^ (b ^ c).
static NcExpr *unary(NcParser *p) {
  NcExpr *e;
  const NcToken *t = nc_p_tok(p);
  if (!nc_p_enter(p)) {
    e = nc_p_new(p, NC_X_BAD, nc_p_range(p, t));
  } else if (t->kind == NC_T_MINUS) {
    nc_p_next(p);
    e = unary_of(p, NC_B_NEG, t, unary(p));
  } else if (t->word == NC_W_NOT) {
    nc_p_next(p);
    e = unary_of(p, NC_B_NOT, t, binary(p, nc_operator_prec(NC_B_EQ)));
  } else {
    e = postfix(p);
    t = nc_p_tok(p);
    if (!p->panic && nc_p_accept(p, NC_T_CARET)) e = binary_of(p, NC_B_POW, t, e, unary(p));
  }
  nc_p_leave(p);
  return e;
}

static NcExpr *binary(NcParser *p, int min) {
  NcExpr *e = unary(p);
  NcOperator op;
  bool compared = false;
  while (!p->panic && operator(nc_p_tok(p), &op) && nc_operator_prec(op) >= min) {
    const NcToken *t = nc_p_next(p);
    bool compares = nc_operator_prec(op) == nc_operator_prec(NC_B_EQ);
    if (compares && compared) {
      NcMessage *m = nc_p_slip(p, NC_E0101, nc_p_range(p, t), "comparisons cannot be chained");
      nc_p_help(p, m, "join them with `and`: `a < b and b < c`");
    }
    compared = compared || compares;
    e = binary_of(p, op, t, e, binary(p, nc_operator_prec(op) + 1));
  }
  return e;
}

NcExpr *nc_p_expr(NcParser *p) {
  NcRange at = nc_p_here(p);
  if (!nc_p_enter(p)) {
    nc_p_leave(p);
    return nc_p_new(p, NC_X_BAD, at);
  }
  NcExpr *e = binary(p, 1);
  while (!p->panic && nc_p_is(p, NC_T_PIPE)) {
    NcRange op = nc_p_range(p, nc_p_next(p));
    if (!nc_p_starts_expr(p)) {
      NcMessage *m = nc_p_unexpected(p, "a layer or function after `|>`");
      if (nc_p_is(p, NC_T_NL)) nc_p_help(p, m, "put the `|>` at the start of the next line");
      break;
    }
    NcExpr *pipe = nc_p_new(p, NC_X_PIPE, e->at);
    pipe->op_at = op;
    pipe->a = e;
    pipe->b = postfix(p);
    e = nc_p_done(p, pipe);
  }
  NcOperator op = NC_B_POW;   // the one that is no binary operator of the table
  if (!p->panic && e->kind == NC_X_PIPE && (operator(nc_p_tok(p), &op) || nc_p_is(p, NC_T_CARET)))
    nc_p_help(p, nc_p_error(p, NC_E0101, nc_p_here(p), "%s cannot follow a pipe", nc_p_found(p)),
              "put the pipe in parentheses: `(x |> f) %s …`", nc_operator_word(op));
  nc_p_leave(p);
  return e;
}

static bool name_before(NcParser *p, const NcToken *t, NcTokenKind after) {
  return t->kind == NC_T_ID && nc_p_ahead(p, 1)->kind == after;
}

void nc_p_args(NcParser *p, NcTokenKind close, NcArgs *out) {
  if (nc_p_is(p, close)) return;
  do {
    const NcToken *t = nc_p_tok(p);
    NcArg arg = {.at = nc_p_range(p, t)};
    bool colon = name_before(p, t, NC_T_COLON);
    if (colon || name_before(p, t, NC_T_ASSIGN)) {
      arg.name = nc_p_name(p, "the name of an argument");
      NcRange mark = nc_p_range(p, nc_p_next(p));
      NcMessage *m = colon ? nc_p_slip(p, NC_E0101, mark, "a named argument is written with `=`") : NULL;
      nc_p_help(p, m, "write `%s = …`", t->name);
    }
    arg.e = nc_p_expr(p);
    arg.at = nc_p_from(p, arg.at);
    *NC_PUSH(p->arena, *out) = arg;
  } while (nc_p_more(p, close));
}

// One item of an index: x[i], x[1..3], x[..3], x[:], x[new], zeros[S...]
static NcExpr *index_item(NcParser *p) {
  const NcToken *t = nc_p_tok(p);
  NcRange at = nc_p_range(p, t);
  if (t->word == NC_W_NEW) {
    nc_p_next(p);
    return nc_p_new(p, NC_X_NEW, at);
  }
  if (name_before(p, t, NC_T_SPREAD)) return nc_p_spread(p);
  NcExpr *from = NULL, *e;
  if (t->kind != NC_T_COLON && t->kind != NC_T_DOTS) from = nc_p_expr(p);
  bool colon = nc_p_is(p, NC_T_COLON);
  if (p->panic || (!colon && !nc_p_is(p, NC_T_DOTS))) return from;
  e = nc_p_new(p, NC_X_SLICE, at);
  NcRange mark = nc_p_range(p, nc_p_next(p));
  e->op_at = mark;
  e->a = from;
  if (nc_p_starts_expr(p)) e->b = nc_p_expr(p);
  if (colon && (e->a || e->b))
    nc_p_help(p, nc_p_slip(p, NC_E0101, mark, "a slice is written with `..`"),
              "`a[1..3]` has the elements 1 and 2; `a[:]` has all");
  return nc_p_done(p, e);
}

void nc_p_index(NcParser *p, NcArgs *out) {
  if (nc_p_is(p, NC_T_RBRACK)) return;
  do {
    NcExpr *e = index_item(p);
    *NC_PUSH(p->arena, *out) = (NcArg){.e = e, .at = e->at};
  } while (nc_p_more(p, NC_T_RBRACK));
}

NcExpr *nc_p_spread(NcParser *p) {
  const NcToken *t = nc_p_tok(p);
  NcExpr *e = nc_p_new(p, NC_X_SPREAD, nc_p_range(p, t));
  e->name = nc_p_name(p, "a name for the axes");
  nc_p_next(p);
  return nc_p_done(p, e);
}

static NcExpr *call(NcParser *p, NcExpr *callee) {
  bool index = nc_p_is(p, NC_T_LBRACK);
  NcExpr *e = nc_p_new(p, index ? NC_X_INDEX : NC_X_CALL, callee->at);
  e->a = callee;
  e->op_at = nc_p_open(p);
  if (index) nc_p_index(p, &e->list);
  else nc_p_args(p, NC_T_RPAREN, &e->list);
  nc_p_close(p, index ? NC_T_RBRACK : NC_T_RPAREN, e->op_at);
  return nc_p_done(p, e);
}

static NcExpr *as(NcParser *p, NcExpr *of) {
  NcExpr *e = nc_p_new(p, NC_X_AS, of->at);
  e->a = of;
  e->op_at = nc_p_range(p, nc_p_next(p));
  e->name = nc_p_name(p, "a name for the instance");
  if (nc_p_accept_word(p, NC_W_FROM)) e->source = nc_p_name(p, "the name of the weights");
  e->frozen = nc_p_accept_word(p, NC_W_FROZEN);
  return nc_p_done(p, e);
}

static NcExpr *field(NcParser *p, NcExpr *of) {
  NcExpr *e = nc_p_new(p, NC_X_FIELD, of->at);
  e->a = of;
  e->op_at = nc_p_range(p, nc_p_next(p));
  if (nc_p_is(p, NC_T_INT))
    nc_p_help(p, nc_p_unexpected(p, "a name after `.`"),
              "the parts of a tuple are taken by `let (a, b) = …`, or by their names");
  else e->name = nc_p_name(p, "a name after `.`");
  return nc_p_done(p, e);
}

// ( expr ) or ( expr, … ) or ( name = expr, … )
static NcExpr *parens(NcParser *p) {
  NcRange open = nc_p_open(p);
  NcExpr *tuple = nc_p_new(p, NC_X_TUPLE, open);
  nc_p_args(p, NC_T_RPAREN, &tuple->list);
  bool comma = p->at > 0 && p->tok.at[p->at - 1].kind == NC_T_COMMA;
  if (!p->panic && tuple->list.n == 0)
    nc_p_help(p, nc_p_error(p, NC_E0102, nc_p_gap(p), "nothing stands in these parentheses"),
              "put a value there, or remove them");
  nc_p_close(p, NC_T_RPAREN, open);
  if (tuple->list.n == 1 && !tuple->list.at[0].name.s && !comma) {
    tuple->list.at[0].e->parens = true;
    return tuple->list.at[0].e;
  }
  return nc_p_done(p, tuple);
}

static NcExpr *list(NcParser *p) {
  NcRange open = nc_p_open(p);
  NcExpr *e = nc_p_new(p, NC_X_LIST, open);
  nc_p_args(p, NC_T_RBRACK, &e->list);
  nc_p_close(p, NC_T_RBRACK, open);
  for (int i = 0; i < e->list.n; i++)
    if (e->list.at[i].name.s) {
      NcMessage *m = nc_p_slip(p, NC_E0101, e->list.at[i].name.at, "an item of a list has no name");
      nc_p_help(p, m, "items with names stand in parentheses: `(a = 1, b = 2)`");
    }
  return nc_p_done(p, e);
}

// gradient of a scalar: grad(loss, x)
static NcExpr *grad(NcParser *p) {
  NcExpr *e = nc_p_new(p, NC_X_GRAD, nc_p_range(p, nc_p_next(p)));
  e->op_at = nc_p_open(p);
  e->a = nc_p_expr(p);
  if (!p->panic) nc_p_help(p, nc_p_expect(p, NC_T_COMMA, "after the scalar"), "write `grad(loss, x)`");
  if (!p->panic) e->name = nc_p_name(p, "the name to differentiate by");
  nc_p_close(p, NC_T_RPAREN, e->op_at);
  return nc_p_done(p, e);
}

static NcExpr *word(NcParser *p, const NcToken *t) {
  NcTokenKind after = nc_p_ahead(p, 1)->kind;
  switch (t->word) {
  case NC_W_IF: return nc_p_if(p);
  case NC_W_REPEAT: return nc_p_repeat(p);
  case NC_W_SCAN: return nc_p_scan(p);
  case NC_W_FOR: return nc_p_for(p);
  case NC_W_TRUE: case NC_W_FALSE: {
    NcExpr *e = nc_p_new(p, NC_X_BOOL, nc_p_range(p, nc_p_next(p)));
    e->i = t->word == NC_W_TRUE;
    return e;
  }
  case NC_W_REARRANGE: if (after == NC_T_LBRACK) return nc_p_pattern(p, NC_X_REARRANGE); break;
  case NC_W_EINSUM: if (after == NC_T_LBRACK) return nc_p_pattern(p, NC_X_EINSUM); break;
  case NC_W_GRAD: if (after == NC_T_LPAREN) return grad(p); break;
  default: break;
  }
  if (nc_p_ahead(p, 1)->word == NC_W_FOR) return nc_p_for(p);
  NcExpr *e = nc_p_new(p, NC_X_NAME, nc_p_range(p, t));
  e->name = nc_p_name(p, "a value");
  return e;
}

static NcExpr *bad_atom(NcParser *p) {
  const NcToken *t = nc_p_tok(p);
  NcRange at = nc_p_range(p, t);
  NcMessage *m;
  if (t->word == NC_W_LET) {
    m = nc_p_error(p, NC_E0101, at, "`let` starts a statement; a value is needed here");
  } else if (t->word == NC_W_NEW) {
    m = nc_p_error(p, NC_E0101, at, "`new` makes an axis and stands only in an index");
    nc_p_help(p, m, "as in `a[:, new]`");
  } else {
    m = nc_p_unexpected(p, "a value");
    if (t->kind == NC_T_PIPE) nc_p_help(p, m, "a pipe begins with a value: `x |> …`");
    else if (t->kind == NC_T_PLUS) nc_p_help(p, m, "there is no unary `+`; remove it");
    else if (t->kind == NC_T_NL) nc_p_help(p, m, "a line ends a statement; in parentheses it may go on in the next");
    else if (t->kind == NC_T_LBRACE) nc_p_help(p, m, "a block belongs to `if`, `repeat`, `scan` or `for`");
  }
  return nc_p_new(p, NC_X_BAD, at);
}

static NcExpr *atom(NcParser *p) {
  const NcToken *t = nc_p_tok(p);
  NcExpr *e;
  switch (t->kind) {
  case NC_T_INT: case NC_T_FLOAT:
    nc_p_next(p);
    e = nc_p_new(p, t->kind == NC_T_INT ? NC_X_INT : NC_X_FLOAT, nc_p_range(p, t));
    e->i = t->i;
    e->f = t->f;
    e->text = nc_strndup(p->arena, p->text + t->begin, t->end - t->begin);
    return e;
  case NC_T_STR: return nc_p_string(p, false);
  case NC_T_LPAREN: return parens(p);
  case NC_T_LBRACK: return list(p);
  case NC_T_ID: if (nc_p_starts_expr(p) && t->word != NC_W_NEW) return word(p, t); break;
  default: break;
  }
  return bad_atom(p);
}

static NcExpr *postfix(NcParser *p) {
  NcExpr *e = atom(p);
  while (!p->panic) {
    if (nc_p_is(p, NC_T_LPAREN) || nc_p_is(p, NC_T_LBRACK)) e = call(p, e);
    else if (nc_p_is(p, NC_T_DOT)) e = field(p, e);
    else if (nc_p_word(p, NC_W_AS)) e = as(p, e);
    else break;
  }
  return e;
}
