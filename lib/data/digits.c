// Generated handwriting: digits of 28 × 28 grey values, drawn with a pen.
//
// Each digit has several ways of being written: strokes through control points, on a sheet of 100 × 100, x to the
// right and y down. Every example moves the points a little, bends, slants, turns, sizes and places the digit, and
// chooses pen and pressure. No file is needed, and any number of examples can be had.
#include <stdlib.h>
#include <string.h>
#include "base/thread.h"
#include "data/rand.h"
#include "data/source.h"

enum { SIDE = 28, STYLES = 4, MOST_POINTS = 64, STEPS = 6 };

// "x,y x,y / x,y": a blank goes on smoothly, `/` makes a corner (the next stroke begins where this one ended),
// `|` lifts the pen. A stroke that ends where it began is a smooth loop.
static const char *const style[10][STYLES] = {
  {"50,5 29,18 21,50 29,82 50,95 71,82 79,50 71,18 50,5",
   "60,9 42,7 27,25 21,56 31,87 50,94 69,79 78,46 71,19 57,8 45,13",
   "50,12 27,23 18,50 27,77 50,88 73,77 82,50 73,23 50,12",
   "66,14 50,6 32,22 24,52 33,84 52,95 70,80 76,50 70,22 54,10"},
  {"51,5 50,50 49,95", "32,27 52,5 / 52,50 51,95", "36,22 53,6 / 52,50 51,93 | 31,93 72,93", "61,5 52,45 42,95"},
  {"22,28 32,10 52,5 72,16 74,36 56,62 22,93 / 50,92 82,93",
   "24,25 38,8 62,8 74,27 64,50 42,76 27,89 20,80 31,72 50,84 68,93 84,85",
   "25,22 46,6 69,14 72,36 54,62 26,90 / 52,86 82,90", "26,20 50,5 70,22 60,48 24,92 / 48,88 76,94"},
  {"24,16 46,5 68,14 69,33 46,46 / 70,54 78,74 60,93 36,94 20,82",
   "23,9 74,8 / 60,26 46,42 / 70,48 78,70 63,91 40,95 20,84",
   "25,14 50,4 70,20 62,40 44,47 63,51 78,69 66,90 42,96 22,86",
   "28,20 48,7 66,18 62,38 40,48 / 66,52 74,72 58,90 24,92"},
  {"32,6 26,30 21,55 / 50,55 82,54 | 66,8 64,50 61,96", "62,5 40,32 18,63 / 50,63 85,62 | 63,5 62,50 61,96",
   "28,8 23,36 32,53 50,54 67,48 | 71,8 67,50 58,96", "54,6 34,34 20,60 / 50,58 82,58 | 68,30 64,64 60,95"},
  {"75,7 54,7 32,8 / 29,26 26,45 / 50,38 73,49 79,71 62,92 38,95 20,84",
   "30,9 28,28 27,46 / 52,40 76,55 74,81 50,95 23,86 | 30,9 54,8 79,6",
   "77,9 46,8 31,20 31,39 52,47 73,58 75,79 53,95 24,88", "72,8 38,9 / 34,28 30,48 / 56,44 72,62 64,84 44,94 26,90"},
  {"68,6 42,25 24,55 26,82 48,95 70,86 74,66 57,53 37,59 25,76", "59,5 37,34 22,67 34,92 60,93 76,74 62,57 40,61 26,79",
   "72,13 54,5 34,21 22,53 27,84 48,95 71,84 74,63 54,53 31,64",
   "52,5 34,38 26,70 38,92 58,90 66,72 54,60 36,68 29,80"},
  {"20,9 48,9 79,9 / 57,45 42,95", "20,10 50,9 79,8 / 54,50 44,95 | 33,51 70,49",
   "20,23 22,8 / 50,11 79,8 / 59,40 47,94", "24,14 50,10 74,12 66,34 52,64 46,95"},
  {"72,18 50,5 29,18 34,37 52,48 71,61 76,81 50,96 24,81 29,61 50,48 67,36 72,18",
   "50,5 30,14 29,33 50,46 71,33 70,14 50,5 | 50,46 27,58 23,80 50,95 77,80 73,58 50,46",
   "74,13 51,5 31,16 35,37 59,54 75,74 60,94 35,92 25,74 42,54 67,35 73,14",
   "60,46 38,32 42,10 62,8 68,28 50,48 30,70 38,92 60,94 70,74 56,52 40,38"},
  {"72,25 52,6 31,14 24,36 40,52 62,45 73,26 / 71,60 64,95",
   "73,28 60,8 37,8 25,30 38,50 61,45 74,28 / 72,64 54,91 30,91", "70,20 49,6 29,22 33,46 56,48 71,27 68,58 51,95",
   "70,14 46,8 30,26 38,46 60,42 70,16 / 68,52 68,95"},
};

typedef struct { double x, y; } Point;
typedef struct { Point at[MOST_POINTS]; int n; bool lift[MOST_POINTS]; } Path;   // lift: a stroke begins here

// A style's text as points; a corner's point is there twice, as the end of one stroke and the start of the next.
static void parse(const char *s, Path *p) {
  *p = (Path){0};
  p->lift[0] = true;
  while (*s) {
    if (*s == '/' || *s == '|') {
      p->lift[p->n] = true;
      if (*s == '/') {
        p->at[p->n] = p->at[p->n - 1];
        p->n++;
      }
      s++;
    } else if (*s == ' ') {
      s++;
    } else {
      char *end;
      p->at[p->n].x = (double)strtol(s, &end, 10);
      p->at[p->n++].y = (double)strtol(end + 1, &end, 10);
      s = end;
    }
  }
}

typedef struct {
  float ink[SIDE * SIDE];      // coverage, 0 to 1
  double xx, xy, yx, yy, dx, dy;   // sheet to pixels
  double bend;                 // sideways by the square of the height
  double radius, press, phase; // of the pen; how it changes on its way
} Canvas;

static Point place(const Canvas *c, Point p) {
  double x = (p.x - 50) / 100, y = (p.y - 50) / 100;
  x += c->bend * (y * y - 0.08);
  return (Point){c->xx * x + c->xy * y + c->dx, c->yx * x + c->yy * y + c->dy};
}

// A piece of a line with round ends; its edge is one pixel wide.
static void line(Canvas *c, Point a, Point b, double radius) {
  double reach = radius + 0.5, ux = b.x - a.x, uy = b.y - a.y, length2 = ux * ux + uy * uy;
  int x0 = (int)floor(fmin(a.x, b.x) - reach), x1 = (int)ceil(fmax(a.x, b.x) + reach);
  int y0 = (int)floor(fmin(a.y, b.y) - reach), y1 = (int)ceil(fmax(a.y, b.y) + reach);
  for (int y = y0 < 0 ? 0 : y0; y <= y1 && y < SIDE; y++)
    for (int x = x0 < 0 ? 0 : x0; x <= x1 && x < SIDE; x++) {
      double vx = x - a.x, vy = y - a.y, t = length2 > 0 ? (vx * ux + vy * uy) / length2 : 0;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      vx -= t * ux;
      vy -= t * uy;
      double d2 = vx * vx + vy * vy;
      if (d2 >= reach * reach) continue;
      float cover = (float)fmin(1, reach - sqrt(d2));
      if (cover > c->ink[y * SIDE + x]) c->ink[y * SIDE + x] = cover;
    }
}

// Catmull and Rom's spline from b to c, between neighbours a and d.
static Point spline(Point a, Point b, Point c, Point d, double t) {
  double t2 = t * t, t3 = t2 * t;
  double wa = 0.5 * (-t3 + 2 * t2 - t), wb = 0.5 * (3 * t3 - 5 * t2 + 2), wc = 0.5 * (-3 * t3 + 4 * t2 + t),
         wd = 0.5 * (t3 - t2);
  return (Point){wa * a.x + wb * b.x + wc * c.x + wd * d.x, wa * a.y + wb * b.y + wc * c.y + wd * d.y};
}

static bool same(Point a, Point b) { return a.x == b.x && a.y == b.y; }
static Point mirror(Point at, Point p) { return (Point){2 * at.x - p.x, 2 * at.y - p.y}; }

static void stroke(Canvas *c, const Point *p, int n) {
  bool loop = n > 3 && same(p[0], p[n - 1]);
  for (int i = 0; i + 1 < n; i++) {
    Point before = i ? p[i - 1] : loop ? p[n - 2] : mirror(p[0], p[1]);
    Point after = i + 2 < n ? p[i + 2] : loop ? p[1] : mirror(p[n - 1], p[n - 2]);
    Point from = p[i];
    for (int k = 1; k <= STEPS; k++) {
      Point to = spline(before, p[i], p[i + 1], after, (double)k / STEPS);
      c->phase += c->press;
      line(c, from, to, c->radius * (1 + 0.18 * sin(c->phase)));
      from = to;
    }
  }
}

static void pose(Canvas *c, NcRand *r) {
  double turn = 0.11 * nc_rand_normal(r), slant = -0.12 + 0.17 * nc_rand_normal(r);
  double tall = nc_rand_between(r, 18.5, 23), wide = tall * nc_rand_between(r, 0.72, 1.12);
  double s = sin(turn), k = cos(turn);
  // First slant (x grows with y, which points down, so writing leans to the right for slant < 0), then turn.
  c->xx = wide * k;
  c->xy = wide * slant * k - tall * s;
  c->yx = wide * s;
  c->yy = wide * slant * s + tall * k;
  c->dx = (SIDE - 1) / 2.0 + nc_rand_between(r, -2, 2);
  c->dy = (SIDE - 1) / 2.0 + nc_rand_between(r, -1.8, 1.8);
  c->bend = 0.22 * nc_rand_normal(r);
  c->radius = nc_rand_between(r, 0.75, 1.75);
  c->press = nc_rand_between(r, 0.05, 0.3);
  c->phase = nc_rand_between(r, 0, 6.28);
}

// Grey values from coverage: the paper is speckled by the sum of four bytes, which is normal enough (deviation 147.8).
static void develop(const Canvas *c, NcRand *r, double noise, unsigned char *out) {
  float dark = (float)nc_rand_between(r, 200, 255), speckle = (float)(noise * 255 / 147.8);
  for (int i = 0; i < SIDE * SIDE; i++) {
    float v = c->ink[i] * dark;
    if (speckle > 0) {
      uint32_t w = nc_rand_u32(r);
      v += speckle * ((float)((w & 255) + (w >> 8 & 255) + (w >> 16 & 255) + (w >> 24)) - 510);
    }
    out[i] = v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)(v + 0.5f);
  }
}

static void draw(const Path *model, NcRand *r, double noise, unsigned char *out) {
  Canvas c = {0};
  Path p = *model;
  pose(&c, r);
  double unsteady = nc_rand_between(r, 0.8, 3.2);
  for (int i = 0, first = 0; i < p.n; i++) {
    if (p.lift[i]) first = i;
    if (i && p.lift[i] && same(model->at[i], model->at[i - 1])) {
      p.at[i] = p.at[i - 1];                      // a corner stays one point
    } else if (i > first && same(model->at[i], model->at[first])) {
      p.at[i] = p.at[first];                      // a loop stays closed
    } else {
      p.at[i].x += unsteady * nc_rand_normal(r);
      p.at[i].y += unsteady * nc_rand_normal(r);
      p.at[i] = place(&c, p.at[i]);
    }
  }
  for (int i = 0, n; i < p.n; i += n) {
    for (n = 1; i + n < p.n && !p.lift[i + n]; n++) {}
    stroke(&c, p.at + i, n);
  }
  develop(&c, r, noise, out);
}

static const NcSettingInfo settings[] = {
  NC_SET_N("2000"),
  {"noise", NC_SET_FLOAT, "0.02", "speckles on the paper, as a part of full ink", .least = 0, .most = 1},
  NC_SET_SEED,
};

static bool describe(const NcArgs *g, NcFields *out) {
  static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  *out = (NcFields){NC_NEW_N(g->a, NcField, 2), 2, nc_arg(g, "n")->i};
  out->at[0] = (NcField){.name = "image", .dtype = NC_U8, .shape = NC_SHAPE(SIDE, SIDE)};
  out->at[1] = (NcField){.name = "label", .dtype = NC_I32, .classes = 10, .class_name = names};
  return true;
}

typedef struct { const Path (*path)[STYLES]; uint64_t seed; double noise; NcDataset *set; } Sheet;

static void draw_some(void *user, int64_t from, int64_t to) {
  const Sheet *s = user;
  for (int64_t i = from; i < to; i++) {
    NcRand r = nc_rand(s->seed, NC_RAND_DIGITS, (uint64_t)i);
    int digit = (int)(i % 10);
    ((int32_t *)s->set->data[1])[i] = digit;
    draw(&s->path[digit][nc_rand_below(&r, STYLES)], &r, s->noise, (unsigned char *)s->set->data[0] + i * SIDE * SIDE);
  }
}

static NcDataset *digits_open(const NcArgs *g) {
  enum { WORTH = 256 };        // pictures, of some 0.04 ms each, for a thread
  NcFields f;
  describe(g, &f);
  Path (*path)[STYLES] = nc_alloc(g->a, sizeof(Path[10][STYLES]));
  for (int i = 0; i < 10; i++)
    for (int k = 0; k < STYLES; k++) parse(style[i][k], &path[i][k]);
  Sheet s = {(const Path (*)[STYLES])path, (uint64_t)nc_arg(g, "seed")->i, nc_arg(g, "noise")->f, nc_dataset_new(g, &f, f.examples)};
  nc_threads_divide(s.set->n, WORTH, draw_some, &s);
  return s.set;
}

const NcSourceKind nc_digits_kind = {
  {"digits", "generated: handwritten digits, 28 by 28 grey values, drawn by the seed",
   "image: u8[28, 28], ink is bright; label: i32, 0 to 9", "digits(n = 12000, seed = 1)",
   NC_SETTINGS(settings)},
  describe, digits_open,
};
