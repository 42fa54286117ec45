// Strings: escapes, and holes as in "width {D}".
#include "front/parser.h"
#include "front/parse.h"
#include <string.h>

typedef struct {
  NcParser *p;
  NcToken t;
  uint32_t at, end;   // inside the quotes
  NcBuf piece;
} Text;

static void bad_escape(Text *x) {
  NcRange at = {x->p->lex.source, x->at, x->at + 2 > x->end ? x->end : x->at + 2};
  NcMessage *m = nc_p_slip(x->p, NC_E0101, at, "`%.*s` is not an escape", (int)(at.end - at.begin),
                           x->p->text + at.begin);
  nc_p_help(x->p, m, "the escapes are \\n \\t \\r \\\" \\\\ \\{ \\}");
}

static void escape(Text *x) {
  static const char from[] = "ntr\"\\{}'", to[] = "\n\t\r\"\\{}'";
  char c = x->at + 1 < x->end ? x->p->text[x->at + 1] : 0;
  const char *f = c ? strchr(from, c) : NULL;
  if (f) nc_putc(&x->piece, to[f - from]);
  else bad_escape(x);
  x->at += x->at + 1 < x->end ? 2 : 1;
}

static void put_piece(Text *x, NcExpr *e, uint32_t begin) {
  if (x->piece.n == 0) return;
  NcExpr *s = nc_p_new(x->p, NC_X_STR, (NcRange){x->p->lex.source, begin, x->at});
  s->s = nc_strdup(x->p->arena, nc_buf_str(&x->piece));
  *NC_PUSH(x->p->arena, e->list) = (NcArg){.e = s, .at = s->at};
  x->piece = NC_BUF(x->p->arena);
}

// The expression between braces, read by a parser of its own over the same source.
static NcExpr *hole(Text *x) {
  NcParser *p = x->p, in = *p;
  uint32_t begin = x->at, end = begin + 1;
  while (end < x->end && p->text[end] != '}' && p->text[end] != '{') end++;
  x->at = end < x->end && p->text[end] == '}' ? end + 1 : x->end;
  NcRange at = {p->lex.source, begin, x->at};
  if (end == x->end || p->text[end] == '{') {
    if (x->t.i)   // else the string's own error says enough
      nc_p_help(p, nc_p_slip(p, NC_E0103, (NcRange){at.file, begin, begin + 1}, "this `{` is not closed"),
                "close it with `}`; a brace itself is written `\\{`");
    return nc_p_new(p, NC_X_BAD, at);
  }
  in.tok = nc_lex(&p->lex, begin + 1, end, NULL);
  in.at = 0;
  in.nest = 1;
  NcExpr *e;
  if (in.tok.n == 1) {
    nc_p_help(p, nc_p_slip(p, NC_E0102, at, "nothing stands in these braces"),
              "put a name there; a brace itself is written `\\{`");
    e = nc_p_new(p, NC_X_BAD, at);
  } else {
    e = nc_p_expr(&in);
    if (!in.panic && !nc_p_is(&in, NC_T_EOF))
      nc_p_help(&in, nc_p_unexpected(&in, "`}`"), "a brace itself is written `\\{`");
  }
  return e;
}

NcExpr *nc_p_string(NcParser *p, bool plain) {
  NcToken t = *nc_p_tok(p);
  NcExpr *e = nc_p_new(p, NC_X_TEXT, nc_p_range(p, &t));
  if (t.kind != NC_T_STR) {
    nc_p_unexpected(p, "a string");
    e->kind = NC_X_STR;
    e->s = "";
    return e;
  }
  nc_p_next(p);
  Text x = {.p = p, .t = t, .at = t.begin + 1, .end = t.i ? t.end - 1 : t.end, .piece = NC_BUF(p->arena)};
  e->text = nc_strndup(p->arena, p->text + t.begin, t.end - t.begin);
  bool holes = false;
  for (uint32_t begin = x.at; x.at < x.end;) {
    char c = p->text[x.at];
    if (c == '{' && !plain) {
      put_piece(&x, e, begin);
      NcExpr *h = hole(&x);
      *NC_PUSH(p->arena, e->list) = (NcArg){.e = h, .at = h->at};
      holes = true;
      begin = x.at;
    } else if (c == '\\') {
      escape(&x);
    } else {
      nc_putc(&x.piece, c);
      x.at++;
    }
    if (x.at >= x.end && holes) put_piece(&x, e, begin);
  }
  if (holes) return nc_p_done(p, e);
  e->kind = NC_X_STR;
  e->s = nc_strdup(p->arena, nc_buf_str(&x.piece));
  return e;
}
