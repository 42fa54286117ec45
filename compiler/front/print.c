// The layout of expressions and types.
#include "front/print.h"
#include "front/parse.h"
#include <string.h>

enum { POSTFIX = 10 };

static int level_of(const NcExpr *e) {
  if (e->kind == NC_X_PIPE) return 0;
  return e->kind == NC_X_BINARY || e->kind == NC_X_UNARY ? nc_operator_prec(e->op) : POSTFIX;
}

int nc_pr_column(const NcPrint *p) {
  int n = 0;
  for (size_t i = p->out->n; i > 0 && p->out->at[i - 1] != '\n'; i--)
    n += ((unsigned char)p->out->at[i - 1] & 0xc0) != 0x80;
  return n;
}

static NcPrint flat_into(NcBuf *b) { return (NcPrint){.out = b, .flat = true}; }

bool nc_pr_newline_in(const NcPrint *p, uint32_t begin, uint32_t end) {
  return p->text && begin < end && memchr(p->text + begin, '\n', end - begin);
}

bool nc_pr_comment_in(const NcPrint *p, NcRange at) {
  if (!p->file) return false;
  int lo = p->comment, hi = p->file->comment.n;
  while (lo < hi) {
    int mid = (lo + hi) / 2;
    if (p->file->comment.at[mid].at.begin < at.begin) lo = mid + 1;
    else hi = mid;
  }
  return lo < p->file->comment.n && p->file->comment.at[lo].at.begin < at.end;
}

static bool pipe_breaks(const NcPrint *p, const NcExpr *e) { return nc_pr_newline_in(p, e->a->at.end, e->op_at.begin); }

static bool breaks_below(const NcPrint *p, const NcExpr *e) {
  if (e->kind == NC_X_PIPE && pipe_breaks(p, e)) return true;
  for (int i = 0; i < e->list.n; i++)
    if (breaks_below(p, e->list.at[i].e)) return true;
  return (e->a && breaks_below(p, e->a)) || (e->b && breaks_below(p, e->b)) || (e->c && breaks_below(p, e->c)) ||
         (e->body && nc_pr_block_must_break(p, e->body)) || (e->other && nc_pr_block_must_break(p, e->other));
}

bool nc_pr_must_break(const NcPrint *p, const NcExpr *e) { return nc_pr_comment_in(p, e->at) || breaks_below(p, e); }

// Quoted again, for a string that was not written by anybody.
static void put_string(NcBuf *b, const char *s) {
  static const char from[] = "\n\t\r\"\\{}", to[] = "ntr\"\\{}";
  for (; *s; s++) {
    const char *f = strchr(from, *s);
    if (f) nc_putc(b, '\\');
    nc_putc(b, f ? to[f - from] : *s);
  }
}

static void text(NcPrint *p, const NcExpr *e) {
  if (e->text) {
    nc_put(p->out, e->text);
    return;
  }
  nc_putc(p->out, '"');
  if (e->kind == NC_X_STR) put_string(p->out, e->s);
  for (int i = 0; i < e->list.n; i++) {
    const NcExpr *piece = e->list.at[i].e;
    if (piece->kind == NC_X_STR) {
      put_string(p->out, piece->s);
      continue;
    }
    nc_putc(p->out, '{');
    nc_print_expr(p->out, piece);
    nc_putc(p->out, '}');
  }
  nc_putc(p->out, '"');
}

// 1.0 stays a real number.
static void real(NcPrint *p, const NcExpr *e) {
  size_t begin = p->out->n;
  if (e->text) nc_put(p->out, e->text);
  else nc_put_double(p->out, e->f);
  if (!strpbrk(p->out->at + begin, ".en")) nc_put(p->out, ".0");
}

static void arg(NcPrint *p, const NcArg *a, int tail) {
  if (a->name.s) nc_putf(p->out, "%s = ", a->name.s);
  nc_pr_expr(p, a->e, 0, tail);
}

static void flat_items(NcPrint *p, const NcArgs *list) {
  for (int i = 0; i < list->n; i++) {
    if (i) nc_put(p->out, ", ");
    arg(p, &list->at[i], 0);
  }
}

static int list_width(const NcPrint *p, const NcArgs *list) {
  p->scratch->n = 0;
  NcPrint f = flat_into(p->scratch);
  flat_items(&f, list);
  return nc_pr_column(&f);
}

static bool plain(const NcExpr *e) {
  if (e->kind == NC_X_UNARY) return plain(e->a);
  return e->kind <= NC_X_STR || e->kind == NC_X_NAME;
}

// A single item that brings its own lines needs none of its own.
static bool hugs(const NcPrint *p, const NcArgs *list, uint32_t end) {
  if (list->n != 1 || nc_pr_comment_in(p, (NcRange){0, p->done, list->at[0].at.begin})) return false;
  if (nc_pr_comment_in(p, (NcRange){0, list->at[0].at.end, end})) return false;
  NcExprKind k = list->at[0].e->kind;
  return k == NC_X_CALL || k == NC_X_LIST || k == NC_X_TUPLE || k == NC_X_IF || k == NC_X_REPEAT || k == NC_X_SCAN ||
         k == NC_X_FOR;
}

// Items go together on one line of their own if they fit, else each has a line; numbers and names go many to a line.
static void broken_items(NcPrint *p, const NcArgs *list, bool must, uint32_t end) {
  bool fill = true, together = !must && p->indent + NC_INDENT + list_width(p, list) <= NC_LINE;
  for (int i = 0; i < list->n; i++) fill = fill && plain(list->at[i].e) && !list->at[i].name.s;
  fill = fill || together;
  p->indent += NC_INDENT;
  for (int i = 0; i < list->n; i++) {
    const NcArg *a = &list->at[i];
    bool same = fill && i > 0 && !nc_pr_comment_in(p, (NcRange){0, p->done, a->at.begin}) &&
                nc_pr_column(p) + nc_pr_width(p, a->e) + 2 <= NC_LINE;
    if (same) nc_putc(p->out, ' ');
    else nc_pr_newline(p, a->at.begin, NC_NO_BLANK);
    arg(p, a, 1);
    if (i + 1 < list->n) nc_putc(p->out, ',');
    if (p->done < a->at.end) p->done = a->at.end;
  }
  nc_pr_dedent(p, end);
}

void nc_pr_list(NcPrint *p, const NcArgs *list, char open, char close, uint32_t end, int tail) {
  bool must = false;
  nc_putc(p->out, open);
  p->brackets++;
  for (int i = 0; !p->flat && i < list->n; i++) must = must || nc_pr_must_break(p, list->at[i].e);
  must = must || (!p->flat && end && nc_pr_comment_in(p, (NcRange){0, list->n ? list->at[0].at.begin : end, end}));
  bool fits = p->flat || (!must && nc_pr_column(p) + list_width(p, list) + 1 + tail <= NC_LINE);
  if (fits || list->n == 0) flat_items(p, list);
  else if (hugs(p, list, end)) arg(p, &list->at[0], 1 + tail);
  else broken_items(p, list, must, end);
  p->brackets--;
  nc_putc(p->out, close);
}

static void pipe(NcPrint *p, const NcExpr *e, int tail) {
  int n = 0;
  bool written = false;
  const NcExpr *first = e;
  for (; first->kind == NC_X_PIPE && (first == e || !first->parens); first = first->a, n++)
    written = written || pipe_breaks(p, first);
  const NcExpr **stage = NC_NEW_N(p->out->arena, const NcExpr *, n);
  for (int i = n; i > 0; e = e->a) stage[--i] = e;
  nc_pr_expr(p, first, 1, n == 0 ? tail : 0);
  p->indent += NC_INDENT;
  for (int i = 0; i < n; i++) {
    int rest = i + 1 == n ? tail : 0;
    bool fits = p->flat || nc_pr_column(p) + 4 + nc_pr_width(p, stage[i]->b) + rest <= NC_LINE;
    if (p->done < stage[i]->a->at.end) p->done = stage[i]->a->at.end;
    bool broken = !p->flat && (pipe_breaks(p, stage[i]) || !written || !fits);
    if (broken) nc_pr_newline(p, stage[i]->op_at.begin, NC_NO_BLANK);
    nc_put(p->out, broken ? "|> " : " |> ");
    nc_pr_expr(p, stage[i]->b, POSTFIX, rest);
  }
  p->indent -= NC_INDENT;
}

static void operator(NcPrint *p, const NcExpr *e, bool broken) {
  if (broken) {
    if (p->done < e->a->at.end) p->done = e->a->at.end;
    nc_pr_newline(p, e->op_at.begin, NC_NO_BLANK);
  } else {
    nc_putc(p->out, ' ');
  }
  nc_putf(p->out, "%s ", nc_operator_word(e->op));
}

// A chain of one precedence, a + b - c, breaks at each of its operators: only in brackets, where newlines do not count.
static void binary(NcPrint *p, const NcExpr *e, bool broken, int tail) {
  int level = nc_operator_prec(e->op);
  bool power = e->op == NC_B_POW, compares = level == nc_operator_prec(NC_B_EQ);
  const NcExpr *a = e->a;
  bool chain = a->kind == NC_X_BINARY && !a->parens && nc_operator_prec(a->op) == level && !power && !compares;
  if (chain) binary(p, a, broken, 0);
  else nc_pr_expr(p, a, power ? POSTFIX : level + compares, 0);
  operator(p, e, broken);
  nc_pr_expr(p, e->b, power ? nc_operator_prec(NC_B_NEG) : level + 1, tail);
}

static void slice(NcPrint *p, const NcExpr *e) {
  if (e->a) nc_pr_expr(p, e->a, 1, 0);
  nc_put(p->out, e->a || e->b ? ".." : ":");
  if (e->b) nc_pr_expr(p, e->b, 1, 0);
}

static void as(NcPrint *p, const NcExpr *e) {
  nc_pr_expr(p, e->a, POSTFIX, 0);
  nc_putf(p->out, " as %s", e->name.s);
  if (e->source.s) nc_putf(p->out, " from %s", e->source.s);
  if (e->frozen) nc_put(p->out, " frozen");
}

// When no block was written in lines, but the whole does not fit on one, all of them get lines.
static void if_else(NcPrint *p, const NcExpr *e, int tail) {
  bool broken = !breaks_below(p, e);
  for (;; e = e->other->stmt.at[0]->e) {
    nc_put(p->out, "if ");
    nc_pr_expr(p, e->a, 0, 2);
    nc_putc(p->out, ' ');
    nc_pr_block(p, e->body, broken, 7);
    nc_put(p->out, " else ");
    const NcBlock *o = e->other;
    bool chain = o->stmt.n == 1 && o->stmt.at[0]->kind == NC_S_EXPR && o->stmt.at[0]->e->kind == NC_X_IF &&
                 o->at.file && o->at.begin == o->stmt.at[0]->at.begin;
    if (!chain) break;
  }
  nc_pr_block(p, e->other, broken, tail);
}

static void carries(NcPrint *p, const NcExpr *e, const char *between) {
  for (int i = 0; i < e->list.n; i++) {
    nc_putf(p->out, "%s%s %s ", i ? ", " : "", e->list.at[i].name.s, between);
    nc_pr_expr(p, e->list.at[i].e, 0, 2);
  }
  nc_putc(p->out, ' ');
}

static void loop(NcPrint *p, const NcExpr *e, int tail) {
  if (e->kind == NC_X_REPEAT) {
    nc_put(p->out, "repeat ");
    if (e->name.s) nc_putf(p->out, "%s < ", e->name.s);
  } else if (e->kind == NC_X_SCAN) {
    nc_putf(p->out, "scan %s in ", e->name.s);
  } else {
    if (e->name.s) nc_putf(p->out, "%s ", e->name.s);
    nc_put(p->out, "for ");
  }
  if (e->a) nc_pr_expr(p, e->a, 0, 6);
  if (e->b) {
    nc_put(p->out, " axis ");
    nc_pr_expr(p, e->b, 0, 6);
  }
  if (e->c) {
    nc_put(p->out, " reverse ");
    nc_pr_expr(p, e->c, 0, 6);
  }
  if (e->a) nc_put(p->out, " with ");
  carries(p, e, e->a ? "=" : "<");
  nc_pr_block(p, e->body, true, tail);
}

static void axes(NcPrint *p, const NcExpr *e) {
  for (int i = 0; i < e->list.n; i++) {
    const NcExpr *item = e->list.at[i].e;
    bool group = item->kind == NC_X_AXES;
    nc_put(p->out, i ? " " : "");
    nc_put(p->out, group ? "(" : "");
    if (group) axes(p, item);
    else nc_pr_expr(p, item, 0, 0);
    nc_put(p->out, group ? ")" : "");
  }
}

static void pattern(NcPrint *p, const NcExpr *e) {
  nc_putf(p->out, "%s[", nc_expr_word(e->kind));
  for (int i = 0; i < e->list.n; i++) {
    nc_put(p->out, i ? ", " : "");
    axes(p, e->list.at[i].e);
  }
  nc_put(p->out, e->list.n && e->list.at[e->list.n - 1].e->list.n ? " ->" : "->");
  nc_put(p->out, e->b->list.n ? " " : "");
  axes(p, e->b);
  nc_putc(p->out, ']');
}

// Everything but the parentheses around it.
static void bare(NcPrint *p, const NcExpr *e, bool fits, int tail) {
  switch (e->kind) {
  case NC_X_BAD: case NC_X_COUNT: nc_put(p->out, "…"); break;
  case NC_X_INT: e->text ? nc_put(p->out, e->text) : nc_putf(p->out, "%lld", (long long)e->i); break;
  case NC_X_FLOAT: real(p, e); break;
  case NC_X_BOOL: nc_put(p->out, e->i ? "true" : "false"); break;
  case NC_X_STR: case NC_X_TEXT: text(p, e); break;
  case NC_X_NAME: nc_put(p->out, e->name.s); break;
  case NC_X_SPREAD: nc_putf(p->out, "%s...", e->name.s); break;
  case NC_X_NEW: nc_put(p->out, "new"); break;
  case NC_X_UNARY:
    nc_put(p->out, e->op == NC_B_NOT ? "not " : "-");
    nc_pr_expr(p, e->a, e->op == NC_B_NOT ? nc_operator_prec(NC_B_EQ) : nc_operator_prec(NC_B_NEG), tail);
    break;
  case NC_X_BINARY:
    p->indent += NC_INDENT;
    binary(p, e, !fits && p->brackets > 0, tail);
    p->indent -= NC_INDENT;
    break;
  case NC_X_PIPE: pipe(p, e, tail); break;
  case NC_X_CALL: case NC_X_INDEX:
    nc_pr_expr(p, e->a, POSTFIX, 0);
    nc_pr_list(p, &e->list, e->kind == NC_X_CALL ? '(' : '[', e->kind == NC_X_CALL ? ')' : ']', e->at.end, tail);
    break;
  case NC_X_FIELD:
    nc_pr_expr(p, e->a, POSTFIX, 0);
    nc_putf(p->out, ".%s", e->name.s);
    break;
  case NC_X_AS: as(p, e); break;
  case NC_X_SLICE: slice(p, e); break;
  case NC_X_TUPLE: {
    bool lone = e->list.n == 1 && !e->list.at[0].name.s;   // (a,)
    if (!lone) {
      nc_pr_list(p, &e->list, '(', ')', e->at.end, tail);
    } else {
      nc_putc(p->out, '(');
      arg(p, &e->list.at[0], tail + 2);
      nc_put(p->out, ",)");
    }
    break;
  }
  case NC_X_LIST: nc_pr_list(p, &e->list, '[', ']', e->at.end, tail); break;
  case NC_X_IF: if_else(p, e, tail); break;
  case NC_X_REPEAT: case NC_X_SCAN: case NC_X_FOR: loop(p, e, tail); break;
  case NC_X_REARRANGE: case NC_X_EINSUM: pattern(p, e); break;
  case NC_X_AXES: axes(p, e); break;
  case NC_X_GRAD:
    nc_put(p->out, "grad(");
    nc_pr_expr(p, e->a, 0, 4);
    nc_putf(p->out, ", %s)", e->name.s);
    break;
  }
}

void nc_pr_expr(NcPrint *p, const NcExpr *e, int level, int tail) {
  bool parens = e->parens || level_of(e) < level, flat = p->flat;
  bool fits = flat || (!nc_pr_must_break(p, e) && nc_pr_column(p) + 2 * parens + nc_pr_width(p, e) + tail <= NC_LINE);
  p->flat = fits;
  if (parens) {
    nc_putc(p->out, '(');
    p->brackets++;
  }
  bare(p, e, fits, tail + parens);
  if (parens) {
    nc_putc(p->out, ')');
    p->brackets--;
  }
  p->flat = flat;
}

int nc_pr_width(const NcPrint *p, const NcExpr *e) {
  p->scratch->n = 0;
  NcPrint f = flat_into(p->scratch);
  nc_pr_expr(&f, e, 0, 0);
  return nc_pr_column(&f);
}

static void type_field(NcPrint *p, const NcTypeField *f) {
  if (f->name.s) nc_putf(p->out, "%s: ", f->name.s);
  nc_pr_type(p, f->type);
}

void nc_pr_type(NcPrint *p, const NcTypeExpr *t) {
  bool flat = p->flat;
  p->flat = true;
  if (!t->tuple) nc_put(p->out, t->any ? "any" : nc_dtype_name(t->dtype));
  nc_putc(p->out, t->tuple ? '(' : '[');
  for (int i = 0; i < t->axis.n; i++) {
    if (i) nc_put(p->out, ", ");
    nc_pr_expr(p, t->axis.at[i], 0, 0);
  }
  for (int i = 0; i < t->field.n; i++) {
    if (i) nc_put(p->out, ", ");
    type_field(p, &t->field.at[i]);
  }
  nc_putc(p->out, t->tuple ? ')' : ']');
  p->flat = flat;
}

void nc_print_text(NcBuf *out, const char *s) { nc_print_expr(out, &(NcExpr){.kind = NC_X_STR, .s = s}); }

void nc_print_expr(NcBuf *out, const NcExpr *e) {
  NcPrint p = flat_into(out);
  nc_pr_expr(&p, e, 0, 0);
}

void nc_print_type(NcBuf *out, const NcTypeExpr *t) {
  NcPrint p = flat_into(out);
  nc_pr_type(&p, t);
}
