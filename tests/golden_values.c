// Numbers that need not be stored: values that follow from a name, here and in golden/network.py, and tensors folded.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "golden_network.h"

static uint32_t key_of(const char *name) {     // FNV-1a
  uint32_t h = 2166136261u;
  for (; *name; name++) h = (h ^ (uint8_t)*name) * 16777619u;
  return h;
}

// In the open interval (0, 1), exact in f32.
static double unit(uint32_t key, int64_t i) {
  uint32_t h = key + (uint32_t)i * 0x9e3779b9u;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  h ^= h >> 16;
  return ((double)(h >> 9) + 0.5) / (1 << 23);
}

static double *between(NcArena *a, const char *name, int64_t n, double lo, double hi) {
  double *v = NC_NEW_N(a, double, n + 1);
  uint32_t key = key_of(name);
  for (int64_t i = 0; i < n; i++) v[i] = (float)(lo + (hi - lo) * unit(key, i));
  return v;
}

static double *whole(NcArena *a, const char *name, int64_t n, double least, double most) {
  double *v = NC_NEW_N(a, double, n + 1);
  uint32_t key = key_of(name);
  for (int64_t i = 0; i < n; i++) v[i] = least + floor((most - least) * unit(key, i));
  return v;
}

GoldenTensor golden_formula(NcArena *a, const char *name, const char *text) {
  GoldenTensor t = {.name = name};
  const char *at = strchr(text, '[');
  ck_assert_msg(at && nc_dtype_find(nc_sprintf(a, "%.*s", (int)(at - text), text), &t.type.dtype), "%s: %s is no type", name, text);
  for (char *end; *at != ']'; at = end) {
    if (at[1] == ']') {
      at++;
      break;
    }
    t.type.shape.dim[t.type.shape.rank++] = strtoll(at + 1, &end, 10);
    ck_assert_msg(end > at + 1 && t.type.shape.rank < NC_MAX_RANK, "%s: %s is no type", name, text);
  }
  int64_t n = nc_count(t.type.shape);
  double lo = 0, hi;
  if (sscanf(at, "] between %lf %lf", &lo, &hi) == 2) t.value = between(a, name, n, lo, hi);
  else if (sscanf(at, "] below %lf from %lf", &hi, &lo) >= 1) t.value = whole(a, name, n, lo, hi);
  ck_assert_msg(t.value != NULL, "%s: %s says no values", name, text);
  return t;
}

static bool ends(const char *path, const char *name) {
  const char *dot = strrchr(path, '.');
  return strcmp(dot ? dot + 1 : path, name) == 0;
}

// So that numbers keep their size from layer to layer: weights by what flows into an element, what is added to after a
// norm, scales and variances about 1, so that few numbers lie near the kink of a relu.
double *golden_parameter(NcArena *a, const char *path, NcShape s) {
  int64_t n = nc_count(s);
  if (ends(path, "scale") || ends(path, "shift") || ends(path, "var")) return between(a, path, n, 0.5, 1.5);
  double most = s.rank < 2 ? 0.3 : sqrt(4.5 / (double)(n / s.dim[0]));
  return between(a, path, n, -most, most);
}

int64_t golden_fold(int64_t n, const double *v, double *out) {
  if (n <= GOLDEN_FOLD) {
    memcpy(out, v, (size_t)n * sizeof *out);
    return n;
  }
  memset(out, 0, GOLDEN_FOLD * sizeof *out);
  for (int64_t i = 0; i < n; i++) out[i % GOLDEN_FOLD] += v[i] * sin(1 + 1.3 * (double)i);
  return GOLDEN_FOLD;
}
