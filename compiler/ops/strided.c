// Index arithmetic for evaluators, and rounding to element types.
#include <math.h>
#include <string.h>
#include "ops/rows.h"

static void fill(double *out, double v, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = v;
}

void nc_strided_copy(NcShape s, double *out, const int64_t *ostride, const double *in, const int64_t *istride) {
  int64_t index[NC_MAX_RANK] = {0};
  int last = s.rank - 1;
  int64_t n = s.rank ? s.dim[last] : 1, os = s.rank ? ostride[last] : 0, is = s.rank ? istride[last] : 0;
  for (;;) {
    if (os == 1 && is == 1) memcpy(out, in, (size_t)n * sizeof *out);
    else if (os == 1 && is == 0) fill(out, *in, n);
    else
      for (int64_t i = 0; i < n; i++) out[i * os] = in[i * is];
    int axis = last - 1;
    for (; axis >= 0; axis--) {
      out += ostride[axis];
      in += istride[axis];
      if (++index[axis] < s.dim[axis]) break;
      out -= ostride[axis] * s.dim[axis];
      in -= istride[axis] * s.dim[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

int64_t *nc_offsets(NcArena *a, NcShape x, int naxes, const int64_t *axes, int64_t *count) {
  int64_t stride[NC_MAX_RANK] = {0}, n = 1;
  nc_strides(x, stride);
  for (int i = 0; i < naxes; i++) n *= x.dim[axes[i]];
  int64_t *out = NC_NEW_N(a, int64_t, n), filled = 1;
  for (int i = naxes - 1; i >= 0; i--) {   // the last runs fastest; each further axis repeats what is there, shifted
    int64_t step = stride[axes[i]];
    for (int64_t v = 1; v < x.dim[axes[i]]; v++)
      for (int64_t k = 0; k < filled; k++) out[v * filled + k] = out[k] + v * step;
    filled *= x.dim[axes[i]];
  }
  *count = n;
  return out;
}

// To `digits` bits of mantissa with the smallest normal exponent `low` (2^low) and the largest finite value `top`.
static double round_float(double v, int digits, int low, double top) {
  if (v == 0 || !isfinite(v)) return v;
  int e;
  frexp(v, &e);                              // |v| in [2^(e-1), 2^e)
  if (e - 1 < low) e = low + 1;              // denormals share the smallest exponent
  double r = ldexp(rint(ldexp(v, digits - e)), e - digits);
  return fabs(r) > top ? copysign(INFINITY, v) : r;
}

static double wrap(double v, double bits) {   // to a signed integer of that many bits
  if (!isfinite(v)) return 0;
  double size = ldexp(1, (int)bits), r = fmod(trunc(v), size);
  if (r < -size / 2) r += size;
  if (r >= size / 2) r -= size;
  return r;
}

double nc_round_to(NcDtype t, double v) {
  switch (t) {
  case NC_F32: return (double)(float)v;
  case NC_F16: return round_float(v, 11, -14, 65504);
  case NC_BF16: return round_float((double)(float)v, 8, -126, 0x1.fep127);
  case NC_I32: return v >= -0x1p31 && v < 0x1p31 ? trunc(v) : wrap(v, 32);
  case NC_I64: return v >= -0x1p63 && v < 0x1p63 ? trunc(v) : wrap(v, 64);
  case NC_U8: {
    double r = wrap(v, 8);
    return r < 0 ? r + 256 : r;
  }
  case NC_BOOL: return v != 0;
  default: return v;
  }
}
