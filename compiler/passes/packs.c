// Packs: the leaves of an update's parts, laid out one after the other in the same way in every pack, so that one
// launch runs over all of them.
//
//   pack of w:   [w of part 0    ][pad][w of part 1][pad]...     a segment begins at a multiple of the alignment,
//   pack of dw:  [dw of part 0   ][pad][dw of part 1][pad]...    counted in elements, the same in all packs
//
// What the kernel computes in the pads is never read.
#include <math.h>
#include <string.h>
#include "passes/place.h"

bool nc_pack_shared(const NcRegion *g, int input) {
  for (int p = 1; p < g->parts; p++)
    if (g->part_input[p][input] != g->part_input[0][input]) return false;
  return true;
}

int64_t *nc_pack_starts(const NcRegion *g, NcArena *a, size_t align, int64_t *count) {
  size_t smallest = 8;
  for (int k = 0; k < g->input.n; k++)
    if (!nc_pack_shared(g, k) && nc_dtype_bytes(g->input.at[k]->type.dtype) < smallest)
      smallest = nc_dtype_bytes(g->input.at[k]->type.dtype);
  for (int k = 0; k < g->output.n; k++)
    if (nc_dtype_bytes(g->output.at[k]->type.dtype) < smallest) smallest = nc_dtype_bytes(g->output.at[k]->type.dtype);
  int64_t *start = NC_NEW_N(a, int64_t, g->parts), at = 0;
  for (int p = 0; p < g->parts; p++) {
    start[p] = at;
    size_t unit = align > smallest ? align / smallest : 1;
    at += (int64_t)nc_round_up((size_t)nc_count(g->part_output[p][0]->type.shape), unit);
  }
  *count = at;
  return start;
}

// ---- tables: a double as bytes of an element type

static uint16_t half_bits(double v) {
  uint16_t sign = signbit(v) ? 0x8000 : 0;
  v = fabs(v);
  if (isnan(v)) return 0x7e00;
  if (v >= 65520) return sign | 0x7c00;
  int e;
  double f = frexp(v, &e);                       // v = f 2^e, f in [0.5, 1)
  if (v == 0 || e < -13) return sign | (uint16_t)rint(ldexp(v, 24));    // below 2^-14: subnormal, units of 2^-24
  return sign | (uint16_t)(((e + 14) << 10) + (int)rint(ldexp(f, 11)) - 1024);   // rounding up may carry into e
}

static uint16_t bfloat_bits(double v) {
  float f = (float)v;
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  if (isnan(f)) return 0x7fc0;
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

void nc_pack_bytes(NcDtype t, double v, void *out) {
  union { float f; int32_t i; int64_t l; uint16_t h; uint8_t b; } x = {0};
  switch (t) {
  case NC_F32: x.f = (float)v; break;
  case NC_F16: x.h = half_bits(v); break;
  case NC_BF16: x.h = bfloat_bits(v); break;
  case NC_I32: x.i = (int32_t)v; break;
  case NC_I64: x.l = (int64_t)v; break;
  case NC_U8: x.b = (uint8_t)v; break;
  default: x.b = v != 0; break;
  }
  memcpy(out, &x, nc_dtype_bytes(t));
}
