// Growable text in an arena; always NUL-terminated once something was put in.
#ifndef NC_BUF_H
#define NC_BUF_H
#include "base/arena.h"

typedef struct {
  NcArena *arena;
  char *at;       // NULL while empty
  size_t n, cap;
} NcBuf;

#define NC_BUF(a) ((NcBuf){.arena = (a)})
void nc_put(NcBuf *b, const char *s);
void nc_putn(NcBuf *b, const char *s, size_t n);
void nc_putc(NcBuf *b, char c);
void nc_put_repeat(NcBuf *b, char c, int n);
__attribute__((format(printf, 2, 3))) void nc_putf(NcBuf *b, const char *fmt, ...);
void nc_vputf(NcBuf *b, const char *fmt, va_list ap);
void nc_put_double(NcBuf *b, double v);     // shortest decimal that reads back to the same bits; nan, inf, -inf
void nc_put_json(NcBuf *b, const char *s);  // quoted and escaped; invalid UTF-8 becomes U+FFFD
int nc_utf8(const char *s);                 // bytes of the valid UTF-8 sequence at s, or 0
const char *nc_buf_str(NcBuf *b);           // "" while empty
#endif
