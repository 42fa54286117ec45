// Images scaled to one size.
#include <math.h>
#include "io/image.h"

// Of each point of the output along one axis: which points of the input, and how much of each.
typedef struct { int *first, *n; float *weight; int most; } Taps;

static Taps taps(NcArena *a, double from, double length, int size, int out) {
  double scale = length / out, reach = scale > 1 ? scale : 1;
  Taps t = {NC_NEW_N(a, int, out), NC_NEW_N(a, int, out), NULL, (int)ceil(2 * reach) + 2};
  t.weight = nc_alloc_array(a, (size_t)out, (size_t)t.most * sizeof(float));
  for (int i = 0; i < out; i++) {
    double centre = from + (i + 0.5) * scale, sum = 0;
    int lo = (int)floor(centre - reach), hi = (int)ceil(centre + reach);
    lo = lo < 0 ? 0 : lo;
    hi = hi > size ? size : hi;
    float *w = t.weight + (size_t)i * (size_t)t.most;
    t.first[i] = lo;
    for (int k = lo; k < hi && t.n[i] < t.most; k++) {
      double v = 1 - fabs(k + 0.5 - centre) / reach;
      w[t.n[i]++] = v > 0 ? (float)v : 0;
      sum += v > 0 ? v : 0;
    }
    for (int k = 0; k < t.n[i]; k++) w[k] = (float)(w[k] / sum);
  }
  return t;
}

static unsigned char byte(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)(v + 0.5f); }

// One row of the input to `width` points of `channels` values.
static void across(const NcImage *m, int y, const Taps *t, int width, float *out) {
  const unsigned char *row = m->pixel + (size_t)y * (size_t)(m->width * m->channels);
  for (int x = 0; x < width; x++)
    for (int c = 0; c < m->channels; c++) {
      const float *w = t->weight + (size_t)x * (size_t)t->most;
      float sum = 0;
      for (int k = 0; k < t->n[x]; k++) sum += w[k] * row[(t->first[x] + k) * m->channels + c];
      out[x * m->channels + c] = sum;
    }
}

static void put(const float *v, int have, int want, size_t plane, unsigned char *out) {
  if (want == 1) *out = byte(have == 1 ? v[0] : 0.299f * v[0] + 0.587f * v[1] + 0.114f * v[2]);
  else
    for (int c = 0; c < want; c++) out[(size_t)c * plane] = byte(v[have == 1 ? 0 : c]);
}

void nc_image_fit(NcArena *a, const NcImage *m, NcFit fit, int channels, int height, int width, unsigned char *out) {
  double w = m->width, h = m->height, x0 = 0, y0 = 0;
  if (fit == NC_FIT_CROP) {
    double side = fmin(w / width, h / height);
    x0 = (w - side * width) / 2;
    y0 = (h - side * height) / 2;
    w = side * width;
    h = side * height;
  }
  Taps tx = taps(a, x0, w, m->width, width), ty = taps(a, y0, h, m->height, height);
  size_t line = (size_t)(width * m->channels), plane = (size_t)height * (size_t)width;
  float *rows = nc_alloc_array(a, (size_t)m->height, line * sizeof(float)), *sum = NC_NEW_N(a, float, line);
  int top = ty.first[0], bottom = ty.first[height - 1] + ty.n[height - 1];
  for (int y = top; y < bottom; y++) across(m, y, &tx, width, rows + (size_t)y * line);
  for (int y = 0; y < height; y++) {
    for (size_t i = 0; i < line; i++) sum[i] = 0;
    for (int k = 0; k < ty.n[y]; k++) {
      const float *row = rows + (size_t)(ty.first[y] + k) * line;
      float weight = ty.weight[(size_t)y * (size_t)ty.most + (size_t)k];
      for (size_t i = 0; i < line; i++) sum[i] += weight * row[i];
    }
    for (int x = 0; x < width; x++)
      put(sum + (size_t)x * (size_t)m->channels, m->channels, channels, plane, out + (size_t)y * (size_t)width + x);
  }
}
