#include "train/student.h"
#include <math.h>

static const double PI = 3.14159265358979323846;

// How much of Student's distribution lies between -t and t, for tan(angle) = t / sqrt(freedom): for whole degrees of freedom
// a finite sum of powers of the cosine.
static double inside(int freedom, double angle) {
  double c = cos(angle), s = sin(angle), term = 1, sum = 0;
  int odd = freedom % 2;
  if (freedom == 1) return 2 * angle / PI;
  if (odd) term = c;
  for (int i = odd ? 3 : 2; i <= freedom; i += 2) {
    sum += term;
    term *= c * c * (i - 1) / i;
  }
  return odd ? 2 / PI * (angle + s * sum) : s * sum;
}

double nc_student(int freedom) {
  double low = 0, high = PI / 2;
  if (freedom < 1) return NAN;
  for (int i = 0; i < 100; i++) {
    double middle = (low + high) / 2;
    if (inside(freedom, middle) < 0.95) low = middle;
    else high = middle;
  }
  return tan(low) * sqrt(freedom);
}

NcSpread nc_spread(const double *v, int n) {
  NcSpread s = {.mean = NAN, .deviation = NAN, .half = NAN, .least = NAN, .most = NAN};
  if (n < 1) return s;
  double sum = 0, squares = 0;
  s.least = s.most = v[0];
  for (int i = 0; i < n; i++) {
    sum += v[i];
    if (v[i] < s.least) s.least = v[i];
    if (v[i] > s.most) s.most = v[i];
  }
  s.mean = sum / n;
  for (int i = 0; i < n; i++) squares += (v[i] - s.mean) * (v[i] - s.mean);
  if (n > 1) {
    s.deviation = sqrt(squares / (n - 1));
    s.half = nc_student(n - 1) * s.deviation / sqrt(n);
  }
  return s;
}
