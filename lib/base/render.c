// How diagnostics look: as a person reads them, and as JSON lines.
//
//   error[E0203]: this tensor has 4608 features, but `linear(W)` needs 784
//    --> mnist.nn:9:19
//   8 |   x |> conv(32, 5) |> max_pool(2)
//     |        ----------- f32[B, 32, 24, 24]
//     |                       ----------- f32[B, 32, 12, 12]
//   9 |     |> flatten |> linear(W)
//     |        -------    ^^^^^^^^^
//     |        f32[B, 4608]    4608 = 32 channels × 12 × 12
//     = 784 comes from W: f32[10, 784] at line 4
//   help: let the layer size itself: `dense(10)`
//
// A line that holds the primary mark and others has all marks in one row and their texts below; other
// lines have a row for each mark. A range over several lines is marked on its first.
#include "base/diag.h"
#include <stdlib.h>
#include <string.h>

enum { TAB = 4, WIDE = 160, BEFORE = 60, GAP = 4 };   // columns; a line wider than WIDE is shown in part

typedef struct {
  NcRange at;
  uint32_t group;      // 0 for the file of the primary mark, else the file's number
  int line;            // from 1
  int from, to;        // columns as shown, from 0; to > from
  const char *text;    // or NULL
  bool primary;
} Mark;

typedef struct {
  NcBuf *out;
  const NcDiag *d;
  bool color;
  int gutter;          // width of the line numbers
} Paint;

static const char RED[] = "\033[1;31m", YELLOW[] = "\033[1;33m", BLUE[] = "\033[1;34m";
static const char GREEN[] = "\033[1;32m", BOLD[] = "\033[1m";

static void on(Paint *p, const char *color) { if (p->color) nc_put(p->out, color); }
static void off(Paint *p) { if (p->color) nc_put(p->out, "\033[0m"); }

static const char *severity(const NcMessage *m) {
  return m->severity == NC_ERROR ? "error" : m->severity == NC_WARNING ? "warning" : "note";
}

static const char *tint(const NcMessage *m) {
  return m->severity == NC_ERROR ? RED : m->severity == NC_WARNING ? YELLOW : BLUE;
}

// One character: its bytes, and what a terminal shows for it.
typedef struct { uint32_t bytes; int width; const char *show; } Glyph;

static int width_of(uint32_t c) {
  if ((c >= 0x300 && c < 0x370) || (c >= 0x200b && c < 0x2010) || (c >= 0xfe00 && c < 0xfe10)) return 0;   // combining
  bool wide = (c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xa4d0) || (c >= 0xac00 && c < 0xd7a4) ||
              (c >= 0xf900 && c < 0xfb00) || (c >= 0xff01 && c < 0xff61) || (c >= 0x1f300 && c < 0x1fb00) ||
              (c >= 0x20000 && c < 0x3fffe);
  return wide ? 2 : 1;
}

static Glyph glyph(const char *s) {
  unsigned char c = (unsigned char)*s;
  if (c == '\t') return (Glyph){1, TAB, "    "};
  if (c >= ' ' && c < 0x7f) return (Glyph){1, 1, NULL};
  uint32_t len = (uint32_t)nc_utf8(s), code = len == 4 ? c & 7u : len == 3 ? c & 15u : c & 31u;
  for (uint32_t i = 1; i < len; i++) code = code << 6 | ((unsigned char)s[i] & 63u);
  if (len < 2 || code < 0xa0) return (Glyph){1, 1, "\xef\xbf\xbd"};   // the replacement character
  return (Glyph){len, width_of(code), NULL};
}

static const char *line_text(const NcSource *s, int line, uint32_t *n) {
  uint32_t begin = s->line[line - 1], end = line < s->lines ? s->line[line] - 1 : (uint32_t)s->size;
  while (end > begin && s->text[end - 1] == '\r') end--;
  *n = end - begin;
  return s->text + begin;
}

// Column at which byte `at` of the line is shown.
static int column(const char *s, uint32_t n, uint32_t at) {
  int col = 0;
  for (uint32_t i = 0; i < n && i < at;) {
    Glyph g = glyph(s + i);
    col += g.width;
    i += g.bytes;
  }
  return col;
}

static void put_gutter(Paint *p, int line) {
  on(p, BLUE);
  if (line) nc_putf(p->out, "%*d |", p->gutter, line);
  else nc_putf(p->out, "%*s |", p->gutter, "");
  off(p);
}

// The part of the line from column `left` on.
static void put_source(Paint *p, const char *s, uint32_t n, int line, int left) {
  put_gutter(p, line);
  if (n) nc_putc(p->out, ' ');
  if (left) nc_put(p->out, "…");
  int col = 0;
  for (uint32_t i = 0; i < n && col < left + WIDE;) {
    Glyph g = glyph(s + i);
    if (col >= left + (left > 0)) g.show ? nc_put(p->out, g.show) : nc_putn(p->out, s + i, g.bytes);
    col += g.width;
    i += g.bytes;
    if (i < n && col >= left + WIDE) nc_put(p->out, "…");
  }
  nc_putc(p->out, '\n');
}

// Pads to a column; returns the column that was reached.
static int pad(Paint *p, int at, int to) {
  if (to > at) nc_put_repeat(p->out, ' ', to - at);
  return to > at ? to : at;
}

static int put_underline(Paint *p, const Mark *m, const char *color, int at) {
  at = pad(p, at, m->from);
  on(p, m->primary ? color : BLUE);
  nc_put_repeat(p->out, m->primary ? '^' : '-', m->to - at);
  off(p);
  return m->to;
}

static int text_width(const char *s) { return column(s, (uint32_t)strlen(s), (uint32_t)strlen(s)); }

static void put_text(Paint *p, const Mark *m, const char *color) {
  on(p, m->primary ? color : BLUE);
  nc_put(p->out, m->text);
  off(p);
}

// A row with one mark and its text after it.
static void put_alone(Paint *p, const Mark *m, const char *color) {
  put_gutter(p, 0);
  nc_putc(p->out, ' ');
  put_underline(p, m, color, 0);
  if (m->text) {
    nc_putc(p->out, ' ');
    put_text(p, m, color);
  }
  nc_putc(p->out, '\n');
}

// Texts below their marks, as many in a row as fit; one that would slip past its mark waits for the next row.
static void put_texts(Paint *p, const Mark *m, int n, const char *color) {
  bool *done = NC_NEW_N(p->out->arena, bool, n);
  for (int left = n; left > 0;) {
    int at = 0, before = left;
    for (int i = 0; i < n; i++) {
      int start = at ? at + GAP : 0;
      if (start > m[i].to) start = at + GAP / 2;
      if (start < m[i].from) start = m[i].from;
      if (done[i]) continue;
      if (m[i].text && at && start > m[i].to) continue;
      done[i] = true;
      left--;
      if (!m[i].text) continue;
      if (!at) {
        put_gutter(p, 0);
        nc_putc(p->out, ' ');
      }
      at = pad(p, at, start) + text_width(m[i].text);
      put_text(p, &m[i], color);
    }
    if (at) nc_putc(p->out, '\n');
    if (left == before) return;
  }
}

// All marks of one line, sorted by column.
static void put_marks(Paint *p, Mark *m, int n, const char *color) {
  Mark *row = NC_NEW_N(p->out->arena, Mark, n), *rest = NC_NEW_N(p->out->arena, Mark, n);
  int in_row = 0, alone = 0;
  const Mark *primary = NULL;
  for (int i = 0; i < n; i++) if (m[i].primary) primary = &m[i];
  for (int i = 0; i < n; i++) {
    bool covered = primary && &m[i] != primary && m[i].from < primary->to && primary->from < m[i].to;
    bool overlaps = in_row && m[i].from < row[in_row - 1].to;
    if (primary && !covered && (!overlaps || &m[i] == primary)) row[in_row++] = m[i];
    else rest[alone++] = m[i];
  }
  if (in_row == 1) {
    put_alone(p, &row[0], color);
  } else if (in_row > 1) {
    put_gutter(p, 0);
    nc_putc(p->out, ' ');
    for (int i = 0, at = 0; i < in_row; i++) at = put_underline(p, &row[i], color, at);
    nc_putc(p->out, '\n');
    put_texts(p, row, in_row, color);
  }
  for (int i = 0; i < alone; i++) put_alone(p, &rest[i], color);
}

// Columns of the marks, and how far a line that is too wide is scrolled.
static void place_marks(const NcSource *s, Mark *m, int n, const char *text, uint32_t bytes, int *left) {
  uint32_t begin = s->line[m[0].line - 1];
  int width = column(text, bytes, bytes), focus = -1;
  for (int i = 0; i < n; i++) {
    uint32_t end = m[i].at.end < begin + bytes ? m[i].at.end : begin + bytes;
    m[i].from = column(text, bytes, m[i].at.begin - begin);
    m[i].to = end > m[i].at.begin ? column(text, bytes, end - begin) : m[i].from + 1;
    if (m[i].to <= m[i].from) m[i].to = m[i].from + 1;
    if (m[i].primary || focus < 0) focus = m[i].from;
  }
  *left = width > WIDE && focus > WIDE - BEFORE ? focus - BEFORE : 0;
  for (int i = 0; i < n; i++) {
    m[i].from = m[i].from < *left ? 0 : m[i].from - *left > WIDE ? WIDE : m[i].from - *left;
    m[i].to = m[i].to - *left > WIDE + 1 ? WIDE + 1 : m[i].to - *left;
    if (m[i].to <= m[i].from) m[i].to = m[i].from + 1;
  }
}

static void put_line(Paint *p, const NcSource *s, Mark *m, int n, const char *color) {
  uint32_t bytes;
  int left = 0;
  const char *text = line_text(s, m[0].line, &bytes);
  place_marks(s, m, n, text, bytes, &left);
  put_source(p, text, bytes, m[0].line, left);
  put_marks(p, m, n, color);
}

// The lines between two that are shown: one is shown as well, more are left out.
static void put_between(Paint *p, const NcSource *s, int a, int b) {
  uint32_t n;
  if (b - a == 2) {
    const char *text = line_text(s, a + 1, &n);
    put_source(p, text, n, a + 1, 0);
  } else if (b - a > 2) {
    nc_put(p->out, "...\n");
  }
}

// One file's marks, sorted by line.
static void put_file(Paint *p, const NcMessage *m, Mark *mark, int n) {
  const NcSource *s = nc_diag_file(p->d, mark[0].at.file);
  bool home = mark[0].group == 0;
  on(p, BLUE);
  nc_putf(p->out, "%*s%s ", p->gutter, "", home ? "-->" : ":::");
  off(p);
  nc_putf(p->out, "%s\n", nc_place(p->d, p->out->arena, home ? m->at : mark[0].at));
  for (int i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && mark[end].line == mark[i].line; end++) {}
    if (i) put_between(p, s, mark[i - 1].line, mark[i].line);
    put_line(p, s, mark + i, end - i, tint(m));
  }
}

static int by_place(const void *pa, const void *pb) {
  const Mark *a = pa, *b = pb;
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->at.begin != b->at.begin) return a->at.begin < b->at.begin ? -1 : 1;
  return a->primary != b->primary ? (a->primary ? -1 : 1) : a->at.end < b->at.end ? -1 : a->at.end > b->at.end;
}

static bool add_mark(Paint *p, Mark *m, NcRange at, const char *text, bool primary, uint32_t home) {
  const NcSource *s = nc_diag_file(p->d, at.file);
  int col;
  if (!s) return false;
  if (at.begin > s->size) at.begin = (uint32_t)s->size;
  if (at.end < at.begin) at.end = at.begin;
  *m = (Mark){.at = at, .group = at.file == home ? 0 : at.file, .text = text && *text ? text : NULL,
              .primary = primary};
  nc_line_col(s, at.begin, &m->line, &col);
  int digits = 1;
  for (int k = m->line; k >= 10; k /= 10) digits++;
  if (digits > p->gutter) p->gutter = digits;
  return true;
}

static void put_message(Paint *p, const NcMessage *m) {
  on(p, tint(m));
  nc_putf(p->out, "%s[%s]", severity(m), nc_code_name(m->code));
  off(p);
  on(p, BOLD);
  nc_putf(p->out, ": %s", m->text);
  off(p);
  nc_putc(p->out, '\n');
  Mark *mark = NC_NEW_N(p->out->arena, Mark, m->labels.n + 1);
  int n = 0;
  p->gutter = 1;
  n += add_mark(p, &mark[n], m->at, m->label, true, m->at.file);
  for (int i = 0; i < m->labels.n; i++)
    n += add_mark(p, &mark[n], m->labels.at[i].at, m->labels.at[i].text, false, m->at.file);
  qsort(mark, (size_t)n, sizeof *mark, by_place);
  for (int i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && mark[end].group == mark[i].group; end++) {}
    put_file(p, m, mark + i, end - i);
  }
  for (int i = 0; i < m->notes.n; i++) {
    on(p, BLUE);
    nc_putf(p->out, "%*s =", p->gutter, "");
    off(p);
    nc_putf(p->out, " %s\n", m->notes.at[i]);
  }
  if (!m->help) return;
  on(p, GREEN);
  nc_put(p->out, "help:");
  off(p);
  nc_putf(p->out, " %s\n", m->help);
}

// What fails twice in the same way, tried for two purposes, is told once.
static bool told_before(const NcDiag *d, int i) {
  const NcMessage *m = d->messages.at[i];
  for (int k = 0; k < i; k++) {
    const NcMessage *o = d->messages.at[k];
    if (o->severity == m->severity && o->code == m->code && nc_same_place(o->at, m->at) && strcmp(o->text, m->text) == 0) return true;
  }
  return false;
}

void nc_diag_render(const NcDiag *d, NcBuf *out, bool color) {
  Paint p = {.out = out, .d = d, .color = color};
  int kept = 0, again = 0;
  for (int i = 0; i < d->messages.n; i++) {
    bool error = d->messages.at[i]->severity == NC_ERROR;
    if (told_before(d, i)) { again += error; continue; }
    if (i) nc_putc(out, '\n');
    put_message(&p, d->messages.at[i]);
    kept += error;
  }
  int errors = d->errors - again;
  if (errors > kept) nc_putf(out, "\n%d errors; the first %d are shown\n", errors, kept);
  else if (errors > 1) nc_putf(out, "\n%d errors\n", errors);
}

static void json_text(NcBuf *out, const char *key, const char *text) {
  nc_putf(out, ",\"%s\":", key);
  if (text) nc_put_json(out, text);
  else nc_put(out, "null");
}

static void json_place(const NcDiag *d, NcBuf *out, NcRange at) {
  const NcSource *s = nc_diag_file(d, at.file);
  int line, col, end_line, end_col;
  nc_put(out, "\"file\":");
  if (!s) {
    nc_put(out, "null");
    return;
  }
  nc_line_col(s, at.begin, &line, &col);
  nc_line_col(s, at.end, &end_line, &end_col);
  nc_put_json(out, s->name);
  nc_putf(out, ",\"line\":%d,\"column\":%d,\"end_line\":%d,\"end_column\":%d", line, col, end_line, end_col);
}

static void json_message(const NcDiag *d, NcBuf *out, const NcMessage *m) {
  nc_putf(out, "{\"severity\":\"%s\",\"code\":\"%s\"", severity(m), nc_code_name(m->code));
  json_text(out, "message", m->text);
  nc_putc(out, ',');
  json_place(d, out, m->at);
  json_text(out, "label", m->label);
  nc_put(out, ",\"labels\":[");
  for (int i = 0; i < m->labels.n; i++) {
    nc_put(out, i ? ",{" : "{");
    json_place(d, out, m->labels.at[i].at);
    json_text(out, "text", m->labels.at[i].text);
    nc_putc(out, '}');
  }
  nc_put(out, "],\"notes\":[");
  for (int i = 0; i < m->notes.n; i++) {
    if (i) nc_putc(out, ',');
    nc_put_json(out, m->notes.at[i]);
  }
  nc_putc(out, ']');
  json_text(out, "help", m->help);
  nc_put(out, "}\n");
}

void nc_diag_json(const NcDiag *d, NcBuf *out) {
  for (int i = 0; i < d->messages.n; i++)
    if (!told_before(d, i)) json_message(d, out, d->messages.at[i]);
}
