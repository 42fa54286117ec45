#include "io/date.h"
#include <math.h>
#include <string.h>

typedef struct { const char *p; bool bad; } Text;

static bool digit(char c) { return c >= '0' && c <= '9'; }

// A whole number of `least` to `most` digits.
static int number(Text *t, int least, int most) {
  int v = 0, n = 0;
  for (; n < most && digit(*t->p); n++) v = 10 * v + (*t->p++ - '0');
  if (n < least) t->bad = true;
  return v;
}

static bool take(Text *t, char c) {
  if (*t->p != c) return false;
  t->p++;
  return true;
}

static bool leap(int y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

static int month_days(int y, int m) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[m - 1] + (m == 2 && leap(y));
}

static int days_before_year(int y) {          // of all years from 1 on
  y--;
  return 365 * y + y / 4 - y / 100 + y / 400;
}

static bool day_number(int y, int m, int d, double *out) {
  if (y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > month_days(y, m)) return false;
  int n = days_before_year(y) - days_before_year(2000) + d - 1;
  for (int k = 1; k < m; k++) n += month_days(y, k);
  *out = n;
  return true;
}

static bool calendar(Text *t, double *days) {
  int day_first = digit(t->p[0]) && (t->p[1] == '.' || (digit(t->p[1]) && t->p[2] == '.')), y, m, d = 1;
  if (day_first) {
    d = number(t, 1, 2);
    if (!take(t, '.')) return false;
    m = number(t, 1, 2);
    if (!take(t, '.')) return false;
    y = number(t, 4, 4);
  } else {
    y = number(t, 4, 4);
    char between = *t->p;
    if ((between != '-' && between != '/') || !take(t, between)) return false;
    m = number(t, 1, 2);
    if (take(t, between)) d = number(t, 1, 2);
    else if (between == '/') return false;    // 2026/11 may be a fraction
  }
  return !t->bad && day_number(y, m, d, days);
}

static bool time_of_day(Text *t, double *out) {
  int h = number(t, 1, 2);
  if (!take(t, ':')) return false;
  int m = number(t, 2, 2);
  double s = take(t, ':') ? number(t, 2, 2) : 0;
  if (take(t, '.')) {
    if (!digit(*t->p)) return false;
    for (double unit = 0.1; digit(*t->p); unit /= 10) s += unit * (*t->p++ - '0');
  }
  double shift = 0;
  bool east = *t->p == '+';
  if (take(t, 'Z')) shift = 0;
  else if (take(t, '+') || take(t, '-')) {
    int hours = number(t, 2, 2);
    take(t, ':');
    int minutes = number(t, 2, 2);
    if (hours > 23 || minutes > 59) return false;
    shift = (east ? -1 : 1) * (hours * 60 + minutes);
  }
  if (t->bad || h > 23 || m > 59 || s >= 61) return false;
  *out = ((h * 60 + m + shift) * 60 + s) / 86400;
  return true;
}

bool nc_date(const char *text, double *days) {
  Text t = {text, false};
  double time = 0;
  if (!calendar(&t, days)) return false;
  if (take(&t, ' ') || take(&t, 'T')) {
    while (take(&t, ' ')) {}
    if (!time_of_day(&t, &time)) return false;
  }
  *days += time;
  return *t.p == 0;
}

static const struct { const char *name; double period; } parts[NC_DATE_PARTS] = {
  {"year", 0}, {"year sin", 365.2425}, {"year cos", 365.2425}, {"week sin", 7}, {"week cos", 7}, {"day sin", 1}, {"day cos", 1}};

const char *nc_date_part_name(int part) { return parts[part].name; }

double nc_date_part(double days, int part) {
  if (!part) return days / 365.2425;
  double angle = 6.283185307179586 * days / parts[part].period;
  return part % 2 ? sin(angle) : cos(angle);
}
