// Pieces of a page: text that does no harm, pictures as data, charts as inline SVG. Colours are names of the page's own style,
// which knows light and dark.
#ifndef NC_HTML_H
#define NC_HTML_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

void nc_html(NcBuf *b, const char *text);                       // escaped; what is no UTF-8 becomes U+FFFD
void nc_html_number(NcBuf *b, double v);                        // 0.1234, 1.2e-05; "–" where it is not finite

// An <img> with the picture inside; `style` is its class. Nothing where this was built without libpng: false then.
bool nc_html_png(NcBuf *b, NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, const char *style,
                 const char *text);
bool nc_png_data(NcBuf *b, NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel);   // the address alone

typedef struct { const char *name; int n; const double *x, *y; bool points; int colour; } NcSeries;   // colour: 0 …
typedef struct {
  const char *title, *x, *y;          // x, y: what the axes are; NULL: nothing is said
  int n;
  const NcSeries *series;
  bool diagonal;                      // a thin line where x is y
  bool square;                        // both axes have one scale
  bool unit;                          // and go from 0 to 1
} NcChart;
void nc_chart(NcBuf *b, const NcChart *c);

// Bars of equal width over [low, high].
void nc_bars(NcBuf *b, int n, const double *height, double low, double high, int colour);

void nc_markdown(NcBuf *b, const char *text);                   // of model cards: headings, tables, lists, code, paragraphs
#endif
