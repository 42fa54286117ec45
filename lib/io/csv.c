#include "io/csv.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"

// The text is cut in place: a cell's end becomes a NUL, a quoted cell is written over itself without its quotes.
typedef struct {
  NcArena *a;
  NcDiag *d;
  const NcBytes *b;
  char *p, *end;
  char *line_begin;
  uint32_t line;
  char delimiter;
  NC_VEC(const char *) cell;   // of all rows, the header's first
  NC_VEC(const char *) start;
  NC_VEC(uint32_t) at_line;
  int columns;
} Reader;

enum { MOST = 1 << 30 };       // cells

static NcMessage *wrong(Reader *r, uint32_t line, const char *at, const char *line_begin, const char *text) {
  return nc_error(r->d, NC_E0402, r->b->at, "`%s` line %u, column %d: %s", r->b->path, line, (int)(at - line_begin) + 1,
                  text);
}

static void newline(Reader *r) {       // p stands on CR or LF
  if (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n') r->p++;
  r->p++;
  r->line++;
  r->line_begin = r->p;
}

// A cell that begins with a quote; p is left behind the closing one. NULL after an error.
static const char *quoted(Reader *r) {
  char *open = r->p, *begin = r->line_begin, *cell = ++r->p, *out = cell;
  uint32_t line = r->line;
  for (;; r->p++) {
    if (r->p == r->end) {
      nc_help(r->d, wrong(r, line, open, begin, "this quoted cell does not end"),
              "close it with `\"`; a quote inside of a quoted cell is written twice");
      return NULL;
    }
    if (*r->p == '"') {
      if (r->p + 1 == r->end || r->p[1] != '"') break;
      r->p++;
    } else if (*r->p == '\n' || (*r->p == '\r' && !(r->p + 1 < r->end && r->p[1] == '\n'))) {
      r->line++;
      r->line_begin = r->p + 1;
    }
    *out++ = *r->p;
  }
  r->p++;
  while (r->p < r->end && (*r->p == ' ' || *r->p == '\t') && *r->p != r->delimiter) r->p++;
  if (r->p < r->end && *r->p != r->delimiter && *r->p != '\n' && *r->p != '\r') {
    wrong(r, r->line, r->p, r->line_begin, "text stands behind a cell's closing quote");
    return NULL;
  }
  *out = 0;
  return cell;
}

static const char *bare(Reader *r, char **stop) {
  char *cell = r->p;
  while (r->p < r->end && *r->p != r->delimiter && *r->p != '\n' && *r->p != '\r') r->p++;
  char *last = r->p;
  while (last > cell && (last[-1] == ' ' || last[-1] == '\t')) last--;
  *stop = last;
  return cell;
}

// One row's cells. The NUL that ends a bare cell may overwrite its delimiter or line end, so this is seen first.
static bool row(Reader *r, int *cells) {
  *NC_PUSH(r->a, r->start) = r->p;
  *NC_PUSH(r->a, r->at_line) = r->line;
  for (*cells = 0;;) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t') && *r->p != r->delimiter) r->p++;
    char *stop = NULL;
    const char *cell = r->p < r->end && *r->p == '"' ? quoted(r) : bare(r, &stop);
    if (!cell) return false;
    if (r->cell.n == MOST) {
      nc_malformed(r->d, r->b, "has more than %d cells, which is more than Nacre reads", MOST);
      return false;
    }
    *NC_PUSH(r->a, r->cell) = cell;
    ++*cells;
    bool more = r->p < r->end && *r->p == r->delimiter;
    if (more) r->p++;
    else if (r->p < r->end) newline(r);
    if (stop) *stop = 0;
    if (!more) return true;
  }
}

static bool rows(Reader *r) {
  while (r->p < r->end) {
    if (*r->p == '\n' || *r->p == '\r') {
      newline(r);
      continue;
    }
    int cells = 0;
    uint32_t line = r->line;
    const char *begin = r->p;
    if (!row(r, &cells)) return false;
    if (r->start.n == 1) r->columns = cells;
    if (cells != r->columns) {
      const char *text =
        nc_sprintf(r->a, "this row has %d cell%s, the first one has %d", cells, cells == 1 ? "" : "s", r->columns);
      NcMessage *m = wrong(r, line, begin, begin, text);
      if (r->columns == 1)
        nc_help(r->d, m, "if the cells are not separated by `%c`, say so: `delimiter = \";\"`", r->delimiter);
      return false;
    }
  }
  return true;
}

static bool names(Reader *r, bool header, NcCsv *out) {
  const char **name = NC_NEW_N(r->a, const char *, r->columns);
  NcMap seen = NC_MAP(r->a);
  for (int i = 0; i < r->columns; i++) {
    bool given = header && r->cell.at[i][0];
    name[i] = given ? r->cell.at[i] : nc_sprintf(r->a, "column%d", i + 1);
    if (nc_map_has(&seen, name[i])) {
      NcMessage *m = nc_malformed(r->d, r->b, "line %u: two columns are named `%s`", r->at_line.at[0], name[i]);
      nc_help(r->d, m, "name each column once, or say `header = false` if the first row is data");
      return false;
    }
    nc_map_set(&seen, name[i], r);
  }
  out->name = name;
  return true;
}

bool nc_csv_parse(NcArena *a, NcDiag *d, const NcBytes *b, char delimiter, bool header, NcCsv *out) {
  *out = (NcCsv){.path = b->path, .at = b->at};
  const char *zero = b->n ? memchr(b->data, 0, b->n) : NULL;
  if (zero) {
    NcMessage *m = nc_malformed(d, b, "is not text: byte %zu is zero", (size_t)(zero - (const char *)b->data));
    if (b->n > 1 && (b->data[0] ^ b->data[1]) == 1) nc_help(d, m, "it looks like UTF-16; save it as UTF-8");
    return false;
  }
  char *text = nc_memdup(a, b->data, b->n + 1);
  Reader r = {.a = a, .d = d, .b = b, .p = text, .end = text + b->n, .line = 1, .delimiter = delimiter};
  if (b->n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) r.p += 3;
  r.line_begin = r.p;
  if (!rows(&r)) return false;
  if (r.start.n <= (header ? 1 : 0)) {
    nc_error(d, NC_E0406, b->at, "`%s` has no rows%s", b->path, r.start.n ? " below its header" : "");
    return false;
  }
  int skip = header ? 1 : 0;
  out->columns = r.columns;
  out->rows = r.start.n - skip;
  out->cell = r.cell.at + skip * r.columns;
  out->start = r.start.at + skip;
  out->line = r.at_line.at + skip;
  return names(&r, header, out);
}

bool nc_csv_read(NcArena *a, NcDiag *d, NcRange at, const char *path, char delimiter, bool header, NcCsv *out) {
  NcBytes b;
  return nc_bytes_read(a, d, at, path, 0, &b) && nc_csv_parse(a, d, &b, delimiter, header, out);
}

int nc_csv_column(const NcCsv *t, const char *name) {
  for (int i = 0; i < t->columns; i++)
    if (!strcmp(t->name[i], name)) return i;
  return -1;
}

static bool same(const char *a, const char *lower) {       // letters of any case
  for (; *a && *lower; a++, lower++)
    if ((*a >= 'A' && *a <= 'Z' ? *a + 32 : *a) != *lower) return false;
  return *a == *lower;
}

bool nc_csv_missing(const char *cell) {
  return !*cell || !strcmp(cell, "?") || !strcmp(cell, "NA") || !strcmp(cell, "N/A") || same(cell, "nan");
}

// Decimal digits up to 2^53 times a power of ten up to 10^22 are exact in double, and so is one rounding after them;
// what is longer goes to strtod, which must not see the process's locale.
bool nc_csv_number(const char *cell, double *out) {
  static const double ten[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *p = cell + (*cell == '-' || *cell == '+');
  if (same(p, "inf") || same(p, "infinity")) {
    *out = *cell == '-' ? -INFINITY : INFINITY;
    return true;
  }
  uint64_t m = 0;
  int digits = 0, after = 0, exponent = 0;
  bool exact = true;
  for (bool point = false; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
    if (*p == '.') { point = true; continue; }
    digits++;
    after += point;
    if (m > ((uint64_t)1 << 53) / 10 - 1) exact = false;
    else m = m * 10 + (uint64_t)(*p - '0');
  }
  if (!digits) return false;
  if (*p == 'e' || *p == 'E') {
    p++;
    bool minus = *p == '-';
    p += *p == '-' || *p == '+';
    if (*p < '0' || *p > '9') return false;
    for (; *p >= '0' && *p <= '9'; p++)
      if (exponent < 10000) exponent = exponent * 10 + (*p - '0');
    if (minus) exponent = -exponent;
  }
  if (*p) return false;
  int power = exponent - after;
  if (exact && power >= -22 && power <= 22) {
    double v = power < 0 ? (double)m / ten[-power] : (double)m * ten[power];
    *out = *cell == '-' ? -v : v;
    return true;
  }
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c) return false;
  *out = strtod_l(cell, NULL, c);
  freelocale(c);
  return true;
}

NcMessage *nc_csv_error(NcDiag *d, NcCode code, const NcCsv *t, int64_t row, int column, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const char *text = nc_vsprintf(d->arena, fmt, ap);
  va_end(ap);
  if (row < 0) return nc_error(d, code, t->at, "`%s` column `%s`: %s", t->path, t->name[column], text);
  const char *cell = nc_csv_cell(t, row, column);
  return nc_error(d, code, t->at, "`%s` line %u, column %d (`%s`): %s", t->path, t->line[row],
                  (int)(cell - t->start[row]) + 1, t->name[column], text);
}
