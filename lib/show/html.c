#include "show/html.h"
#include <math.h>
#include <string.h>
#include "io/png.h"

void nc_html(NcBuf *b, const char *s) {
  while (s && *s) {
    int n = nc_utf8(s);
    if (*s == '<') nc_put(b, "&lt;");
    else if (*s == '>') nc_put(b, "&gt;");
    else if (*s == '&') nc_put(b, "&amp;");
    else if (*s == '"') nc_put(b, "&quot;");
    else if (*s == '\'') nc_put(b, "&#39;");
    else if (n && ((unsigned char)*s >= ' ' || *s == '\n' || *s == '\t')) nc_putn(b, s, (size_t)n);
    else nc_put(b, "&#65533;");
    s += n ? n : 1;
  }
}

void nc_html_number(NcBuf *b, double v) {
  if (isfinite(v)) nc_putf(b, "%.4g", v);
  else nc_put(b, "–");
}

static void put_base64(NcBuf *b, const unsigned char *p, size_t n) {
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
    char four[4] = {digit[v >> 18], digit[v >> 12 & 63], i + 1 < n ? digit[v >> 6 & 63] : '=', i + 2 < n ? digit[v & 63] : '='};
    nc_putn(b, four, sizeof four);
  }
}

bool nc_png_data(NcBuf *b, NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel) {
  size_t size;
  const char *why;
  const unsigned char *png = nc_png_encode(a, width, height, channels, pixel, &size, &why);
  if (!png) return false;
  nc_put(b, "data:image/png;base64,");
  put_base64(b, png, size);
  return true;
}

bool nc_html_png(NcBuf *b, NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, const char *style,
                 const char *text) {
  NcBuf data = NC_BUF(a);
  if (!nc_png_data(&data, a, width, height, channels, pixel)) return false;
  nc_putf(b, "<img class=\"%s\" width=\"%lld\" height=\"%lld\" alt=\"", style, (long long)width, (long long)height);
  nc_html(b, text);
  nc_put(b, "\" src=\"");
  nc_put(b, nc_buf_str(&data));
  nc_put(b, "\">");
  return true;
}

// ---- a small part of Markdown

static void put_inline(NcBuf *b, const char *s, size_t n) {
  NcBuf text = NC_BUF(b->arena);
  nc_putn(&text, s, n);
  bool code = false;
  for (const char *p = nc_buf_str(&text); *p;) {
    size_t k = strcspn(p, "`");
    nc_html(b, nc_strndup(b->arena, p, k));
    p += k;
    if (*p != '`') break;
    nc_put(b, code ? "</code>" : "<code>");
    code = !code;
    p++;
  }
  if (code) nc_put(b, "</code>");
}

static void put_row(NcBuf *b, const char *s, size_t n, bool head) {
  nc_put(b, "<tr>");
  for (size_t i = 1; i < n;) {
    size_t k = i;
    while (k < n && s[k] != '|') k++;
    if (k == n && i == n) break;
    size_t from = i, to = k;
    while (from < to && s[from] == ' ') from++;
    while (to > from && s[to - 1] == ' ') to--;
    nc_put(b, head ? "<th>" : "<td>");
    put_inline(b, s + from, to - from);
    nc_put(b, head ? "</th>" : "</td>");
    i = k + 1;
  }
  nc_put(b, "</tr>\n");
}

typedef enum { TEXT, TABLE, CODE, LIST } Block;
static void end_block(NcBuf *b, Block *now) {
  static const char *const end[] = {"", "</table>\n", "</pre>\n", "</ul>\n"};
  nc_put(b, end[*now]);
  *now = TEXT;
}
static void begin_block(NcBuf *b, Block *now, Block wanted) {
  static const char *const begin[] = {"", "<table>\n", "<pre>", "<ul>\n"};
  if (*now == wanted) return;
  end_block(b, now);
  nc_put(b, begin[wanted]);
  *now = wanted;
}

void nc_markdown(NcBuf *b, const char *s) {
  Block now = TEXT;
  bool paragraph = false, head = false;
  if (strncmp(s, "---\n", 4) == 0 && strstr(s + 4, "\n---\n")) s = strstr(s + 4, "\n---\n") + 5;     // the head is for machines
  for (const char *next; *s; s = next) {
    size_t n = strcspn(s, "\n");
    next = s + n + (s[n] == '\n');
    size_t hashes = strspn(s, "#");
    bool table = n && s[0] == '|', code = n > 4 && strncmp(s, "    ", 4) == 0, list = n > 2 && strncmp(s, "- ", 2) == 0;
    bool text = n && !table && !code && !list && !(hashes && s[hashes] == ' ');
    if (paragraph && !text) nc_put(b, "</p>\n"), paragraph = false;
    if (table) {
      head = now != TABLE;
      begin_block(b, &now, TABLE);
      if (strspn(s, "|-: ") < n) put_row(b, s, n, head);
    } else if (code) {
      begin_block(b, &now, CODE);
      nc_html(b, nc_strndup(b->arena, s + 4, n - 4));
      nc_putc(b, '\n');
    } else if (list) {
      begin_block(b, &now, LIST);
      nc_put(b, "<li>");
      put_inline(b, s + 2, n - 2);
      nc_put(b, "</li>\n");
    } else {
      end_block(b, &now);
      if (text && !paragraph) nc_put(b, "<p>"), paragraph = true;
      if (!text && n) nc_putf(b, "<h%d>", hashes < 4 ? (int)hashes + 2 : 6);
      if (!text && n) put_inline(b, s + hashes + 1, n - hashes - 1);
      if (!text && n) nc_putf(b, "</h%d>\n", hashes < 4 ? (int)hashes + 2 : 6);
      if (text) put_inline(b, s, n), nc_putc(b, '\n');
    }
  }
  if (paragraph) nc_put(b, "</p>\n");
  end_block(b, &now);
}
