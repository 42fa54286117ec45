// Charts as inline SVG: lines or points over axes with round numbers.
#include <math.h>
#include <string.h>
#include "show/html.h"

enum { WIDTH = 440, HEIGHT = 260, LEFT = 52, RIGHT = 12, TOP = 30, BOTTOM = 40 };

typedef struct { double low, high, step; } Axis;

// What has a place on an axis whose length is a number, too.
static bool shown(const NcSeries *s, int i) { return fabs(s->x[i]) <= 1e300 && fabs(s->y[i]) <= 1e300; }

// So close that steps between them would be lost in rounding.
static bool alike(double low, double high) { return high - low <= 1e-12 * fmax(fabs(low), fabs(high)) || high - low < 1e-290; }

// Round numbers around [low, high], about five steps of them.
static Axis axis_of(double low, double high) {
  if (!(low <= high)) low = 0, high = 1;
  if (alike(low, high)) {
    double room = fabs(low) > 1e-280 ? fabs(low) * 0.1 : 1;
    low -= room;
    high += room;
  }
  double rough = (high - low) / 5, power = pow(10, floor(log10(rough))), part = rough / power;
  double step = (part < 1.5 ? 1 : part < 3 ? 2 : part < 7 ? 5 : 10) * power;
  return (Axis){floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step};
}

static void range(const NcChart *c, bool y, double *low, double *high) {
  *low = INFINITY;
  *high = -INFINITY;
  for (int i = 0; i < c->n; i++)
    for (int k = 0; k < c->series[i].n; k++) {
      const NcSeries *s = &c->series[i];
      if (!shown(s, k)) continue;
      double v = y ? s->y[k] : s->x[k];
      *low = fmin(*low, v);
      *high = fmax(*high, v);
    }
}

typedef struct { NcBuf *b; Axis x, y; } Plot;

static double at_x(const Plot *p, double v) { return LEFT + (v - p->x.low) / (p->x.high - p->x.low) * (WIDTH - LEFT - RIGHT); }
static double at_y(const Plot *p, double v) { return HEIGHT - BOTTOM - (v - p->y.low) / (p->y.high - p->y.low) * (HEIGHT - TOP - BOTTOM); }

static const char *tick(NcArena *a, double v, double step) {
  if (fabs(v) < step * 1e-6) return "0";
  double size = fabs(v);
  if (size >= 1e10) return nc_sprintf(a, "%.3g", v);
  if (size >= 1e6) return nc_sprintf(a, "%.4gM", v / 1e6);
  if (size >= 1e4 && step >= 100) return nc_sprintf(a, "%.4gk", v / 1e3);
  return nc_sprintf(a, "%.5g", v);
}

static void axes(const Plot *p, const NcChart *c) {
  NcArena *a = p->b->arena;
  for (double v = p->y.low; v <= p->y.high + p->y.step / 2; v += p->y.step)
    nc_putf(p->b, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                  "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            LEFT, WIDTH - RIGHT, at_y(p, v), at_y(p, v), LEFT - 6, at_y(p, v) + 3.5, tick(a, v, p->y.step));
  for (double v = ceil(p->x.low / p->x.step - 1e-9) * p->x.step; v <= p->x.high + p->x.step * 1e-6; v += p->x.step)
    nc_putf(p->b, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
                  "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            at_x(p, v), at_x(p, v), TOP, HEIGHT - BOTTOM, at_x(p, v), HEIGHT - BOTTOM + 15, tick(a, v, p->x.step));
  if (c->x) {
    nc_putf(p->b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" class=\"axis\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6);
    nc_html(p->b, c->x);
    nc_put(p->b, "</text>");
  }
  if (c->y) {
    nc_putf(p->b, "<text transform=\"translate(11 %d) rotate(-90)\" text-anchor=\"middle\" class=\"axis\">", (TOP + HEIGHT - BOTTOM) / 2);
    nc_html(p->b, c->y);
    nc_put(p->b, "</text>");
  }
}

// A line breaks where a value cannot be shown. Long ones are thinned: a screen has no more points.
static void draw(const Plot *p, const NcSeries *s) {
  enum { MOST = 1500, DOTS = 60 };
  int stride = s->n / MOST + 1, finite = 0;
  for (int i = 0; i < s->n; i++) finite += shown(s, i);
  if (!s->points && finite > 1) {
    nc_putf(p->b, "<path class=\"line c%d\" d=\"", s->colour);
    bool pen = false;
    for (int i = 0; i < s->n; i += i + stride < s->n || i == s->n - 1 ? stride : s->n - 1 - i) {
      bool good = shown(s, i);
      if (good) nc_putf(p->b, "%c%.1f %.1f", pen ? 'L' : 'M', at_x(p, s->x[i]), at_y(p, s->y[i]));
      pen = good;
    }
    nc_put(p->b, "\"/>\n");
  }
  bool dots = s->points || finite <= DOTS;
  for (int i = 0; dots && i < s->n; i += stride)
    if (shown(s, i))
      nc_putf(p->b, "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>%.6g: %.6g</title></circle>\n", s->colour,
              at_x(p, s->x[i]), at_y(p, s->y[i]), s->points ? "2.2" : "2", s->x[i], s->y[i]);
}

static void legend(const Plot *p, const NcChart *c) {
  double x = WIDTH - RIGHT;
  for (int i = c->n - 1; i >= 0; i--) {
    if (!c->series[i].name) continue;
    x -= 7.0 * (double)strlen(c->series[i].name) + 22;
    nc_putf(p->b, "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"14\" r=\"4\"/><text x=\"%.1f\" y=\"18\">", c->series[i].colour, x, x + 8);
    nc_html(p->b, c->series[i].name);
    nc_put(p->b, "</text>");
  }
}

void nc_chart(NcBuf *b, const NcChart *c) {
  double low, high, left, right;
  range(c, true, &low, &high);
  range(c, false, &left, &right);
  if (c->square) {
    low = left = fmin(low, left);
    high = right = fmax(high, right);
  }
  if (c->unit) low = left = 0, high = right = 1;
  Plot p = {b, axis_of(left, right), axis_of(low, high)};
  if (!c->square && !alike(left, right)) p.x.low = left, p.x.high = right;      // a course needs no room at its sides
  nc_putf(b, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\"><text class=\"name\" x=\"%d\" y=\"18\">", WIDTH, HEIGHT, LEFT);
  nc_html(b, c->title);
  nc_put(b, "</text>\n");
  axes(&p, c);
  if (c->diagonal) {
    double from = fmax(p.x.low, p.y.low), to = fmin(p.x.high, p.y.high);
    nc_putf(b, "<line class=\"diagonal\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", at_x(&p, from), at_y(&p, from), at_x(&p, to),
            at_y(&p, to));
  }
  for (int i = 0; i < c->n; i++) draw(&p, &c->series[i]);
  legend(&p, c);
  nc_put(b, "</svg>\n");
}

void nc_bars(NcBuf *b, int n, const double *height, double low, double high, int colour) {
  enum { W = 180, H = 44 };
  double most = 0;
  for (int i = 0; i < n; i++) most = fmax(most, height[i]);
  nc_putf(b, "<svg class=\"bars\" viewBox=\"0 0 %d %d\" role=\"img\">", W, H + 12);
  for (int i = 0; i < n && most > 0; i++) {
    double h = height[i] / most * H;
    if (h > 0) nc_putf(b, "<rect class=\"c%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", colour, (double)W * i / n, H - h,
                       (double)W / n - 0.5, h);
  }
  nc_putf(b, "<line class=\"grid\" x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/><text x=\"0\" y=\"%d\">%.3g</text><text x=\"%d\" y=\"%d\" "
             "text-anchor=\"end\">%.3g</text></svg>", W, H, H, H + 11, low, W, H + 11, high);
}
