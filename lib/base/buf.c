#include "base/buf.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void room(NcBuf *b, size_t more) {
  if (b->n + more + 1 <= b->cap) return;
  size_t cap = b->cap ? b->cap * 2 : 128;
  while (cap < b->n + more + 1) cap *= 2;
  char *p = nc_alloc(b->arena, cap);
  if (b->n) memcpy(p, b->at, b->n);
  b->at = p;
  b->cap = cap;
}

void nc_putn(NcBuf *b, const char *s, size_t n) {
  room(b, n);
  if (n) memcpy(b->at + b->n, s, n);
  b->n += n;
  b->at[b->n] = 0;
}

void nc_put(NcBuf *b, const char *s) { nc_putn(b, s, strlen(s)); }
void nc_putc(NcBuf *b, char c) { nc_putn(b, &c, 1); }

void nc_put_repeat(NcBuf *b, char c, int n) {
  for (int i = 0; i < n; i++) nc_putc(b, c);
}

void nc_vputf(NcBuf *b, const char *fmt, va_list ap) {
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  if (n > 0) {
    room(b, (size_t)n);
    vsnprintf(b->at + b->n, (size_t)n + 1, fmt, again);
    b->n += (size_t)n;
  }
  va_end(again);
}

void nc_putf(NcBuf *b, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  nc_vputf(b, fmt, ap);
  va_end(ap);
}

void nc_put_double(NcBuf *b, double v) {
  if (isnan(v)) { nc_put(b, "nan"); return; }
  if (isinf(v)) { nc_put(b, v < 0 ? "-inf" : "inf"); return; }
  char s[40];
  if (v == floor(v) && fabs(v) < 1e15) {   // 160, not 1.6e+02
    snprintf(s, sizeof s, "%.0f", v);
    nc_put(b, s);
    return;
  }
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(s, sizeof s, "%.*g", digits, v);
    if (strtod(s, NULL) == v) break;
  }
  nc_put(b, s);
}

int nc_utf8(const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  if (s[0] < 0x80) return 1;
  int n = (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
  for (int i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  if (n == 2 && s[0] < 0xc2) return 0;
  if (n == 3 && s[0] == 0xe0 && s[1] < 0xa0) return 0;
  if (n == 3 && s[0] == 0xed && s[1] > 0x9f) return 0;
  if (n == 4 && (s[0] > 0xf4 || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))) return 0;
  return n;
}

void nc_put_json(NcBuf *b, const char *s) {
  nc_putc(b, '"');
  for (const unsigned char *p = (const unsigned char *)s; *p;) {
    int n = nc_utf8((const char *)p);
    if (n == 0) {
      nc_put(b, "\\ufffd");
      p++;
    } else if (n > 1) {
      nc_putn(b, (const char *)p, (size_t)n);
      p += n;
    } else {
      if (*p == '"' || *p == '\\') nc_putf(b, "\\%c", *p);
      else if (*p == '\n') nc_put(b, "\\n");
      else if (*p == '\t') nc_put(b, "\\t");
      else if (*p < 0x20 || *p == 0x7f) nc_putf(b, "\\u%04x", *p);
      else nc_putc(b, (char)*p);
      p++;
    }
  }
  nc_putc(b, '"');
}

const char *nc_buf_str(NcBuf *b) { return b->at ? b->at : ""; }
