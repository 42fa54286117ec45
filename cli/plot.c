// Curves of dots: a character of Braille has two by four of them. What falls by more than a factor of ten is drawn by its logarithm.
#include "plot.h"
#include <math.h>
#include <stdlib.h>

enum { COLUMNS = 56, ROWS = 8, ACROSS = 2 * COLUMNS, DOWN = 4 * ROWS };

void cli_plot_add(CliCourse *c, double step, double loss, double smooth) {
  if (!isfinite(loss)) return;
  c->mean = smooth * c->mean + (1 - smooth) * loss;
  c->weight = smooth * c->weight + 1 - smooth;
  if (c->skipped++ < c->skip) return;
  c->skipped = 0;
  if (c->n == CLI_POINTS) {
    for (int i = 0; i < CLI_POINTS / 2; i++) c->at[i] = c->at[2 * i];
    c->n = CLI_POINTS / 2;
    c->skip = 2 * c->skip + 1;
  }
  c->at[c->n++] = (CliPoint){step, c->mean / c->weight};
}

typedef struct { double low, high, last; bool logarithm; } Scale;

static Scale scale_of(const CliPlot *p) {
  const CliCourse *all[] = {&p->train, &p->valid};
  Scale s = {INFINITY, -INFINITY, 1, false};
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < all[k]->n; i++) {
      s.low = fmin(s.low, all[k]->at[i].loss);
      s.high = fmax(s.high, all[k]->at[i].loss);
      s.last = fmax(s.last, all[k]->at[i].step);
    }
  s.logarithm = s.low > 0 && s.high / s.low > 10;
  return s;
}

static double height(const Scale *s, double loss) {
  if (s->high <= s->low) return 0.5;
  return s->logarithm ? log(loss / s->low) / log(s->high / s->low) : (loss - s->low) / (s->high - s->low);
}

typedef struct { unsigned char dots[ROWS][COLUMNS]; bool marked[ROWS][COLUMNS]; } Canvas;

static void dot(Canvas *c, int x, int y, bool mark) {
  static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};   // Unicode's order
  if (x < 0 || x >= ACROSS || y < 0 || y >= DOWN) return;
  c->dots[y / 4][x / 2] |= bit[y % 4][x % 2];
  c->marked[y / 4][x / 2] = c->marked[y / 4][x / 2] || mark;
}

static void place(const Scale *s, const CliPoint *at, int *x, int *y) {
  *x = (int)(at->step / s->last * (ACROSS - 1) + 0.5);
  *y = (int)((1 - height(s, at->loss)) * (DOWN - 1) + 0.5);
}

static void line(Canvas *c, const Scale *s, const CliCourse *course, bool mark) {
  int x, y, px = 0, py = 0;
  for (int i = 0; i < course->n; i++) {
    place(s, &course->at[i], &x, &y);
    int steps = i == 0 ? 0 : x - px > abs(y - py) ? x - px : abs(y - py);
    for (int k = 1; k < steps; k++) dot(c, px + (x - px) * k / steps, py + (y - py) * k / steps, mark);
    dot(c, x, y, mark);
    px = x, py = y;
  }
}

static void put_cell(FILE *to, unsigned char dots) {
  fprintf(to, "\xe2%c%c", 0xa0 | dots >> 6, 0x80 | (dots & 63));      // U+2800 and the dots, as UTF-8
}

void cli_plot_draw(CliPlot *p, FILE *to) {
  Canvas c = {0};
  if (p->train.n + p->valid.n < 2) return;
  Scale s = scale_of(p);
  line(&c, &s, &p->train, false);
  line(&c, &s, &p->valid, true);
  for (int r = 0; r < ROWS; r++) {
    if (r == 0) fprintf(to, "%9.4g ┤", s.high);
    else if (r == ROWS - 1) fprintf(to, "%9.4g ┤", s.low);
    else fputs("          │", to);
    for (int k = 0; k < COLUMNS; k++) {
      bool mark = p->color && c.marked[r][k];
      fputs(mark ? "\033[33m" : "", to);
      put_cell(to, c.dots[r][k]);
      fputs(mark ? "\033[0m" : "", to);
    }
    fputc('\n', to);
  }
  fputs("     loss └", to);
  for (int k = 0; k < COLUMNS; k++) fputs("─", to);
  fprintf(to, " %.0f\n", s.last);
  if (p->valid.n) fprintf(to, "          train%s valid%s%s\n", p->color ? " · \033[33m" : " and", p->color ? "\033[0m" : "", s.logarithm ? ", logarithmic" : "");
  else fprintf(to, "          train%s\n", s.logarithm ? ", logarithmic" : "");
  p->lines = ROWS + 2;
}

void cli_plot_erase(CliPlot *p, FILE *to) {
  for (; p->lines > 0; p->lines--) fputs("\033[A\033[K", to);
}
