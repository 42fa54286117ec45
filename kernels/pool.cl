// Pooling over the last three axes, and its gradient in gather form: a work-item makes one element. Any device.
//
//   C[plane][OD][OH][OW] = max, sum or average over windows of x [plane][ID][IH][IW]; window w along an axis covers
//   w·S − LO … w·S − LO + K; places outside x do not count
//
//   gradient: C = dx; an element sums dy of the windows that cover it: sum as it is, average divided by the window's
//   places inside x, max where the element is the first (in row-major order) that equals y
//
//   PLANES ID IH IW OD OH OW KD KH KW SD SH SW LO_D LO_H LO_W   sizes, as in conv_cpu.cl
//   MAX AVG                    one of them 1, or none: sum
//   GRAD                       1: the gradient
//   A (x) B (y) D (dy) C       types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; the column is 0
//
// NAME: global (elements of C, rounded up to the local size), local (GROUP). Arguments: A, C, extra;
// the gradient of max: A, B, D, C, extra; of others: D, C, extra.

// Where window `at` begins and ends along an axis.
#define FROM(at, s, lo) max((at) * (s) - (lo), 0)
#define TO(at, s, lo, k, size) min((at) * (s) - (lo) + (k), size)
#define EACH(i, at, s, lo, k, size) for (int i = FROM(at, s, lo); i < TO(at, s, lo, k, size); i++)

INLINE float FN(_places)(int z, int y, int x) {
  return (float)((TO(z, SD, LO_D, KD, ID) - FROM(z, SD, LO_D)) * (TO(y, SH, LO_H, KH, IH) - FROM(y, SH, LO_H)) *
                 (TO(x, SW, LO_W, KW, IW) - FROM(x, SW, LO_W)));
}

#if !GRAD
#define COUNT ((IDX)PLANES * (OD * OH * OW))
#define ARGUMENTS(R) __global const A_TYPE *R A, __global C_TYPE *C EXTRA

INLINE float FN(_value)(IDX plane, int z, int y, int x, __global const A_TYPE *A EXTRA) {
  float v = MAX ? -INFINITY : 0.0f;
  EACH(i, z, SD, LO_D, KD, ID)
    EACH(j, y, SH, LO_H, KH, IH)
      EACH(k, x, SW, LO_W, KW, IW) {
        const float one = LOAD_A((((plane * ID + i) * IH + j) * IW + k));
        v = MAX ? (one > v || one != one ? one : v) : v + one;
      }
  return AVG ? v / FN(_places)(z, y, x) : v;
}
#define VALUE FN(_value)(o / (OD * OH * OW), (int)(o / (OH * OW) % OD), (int)(o / OW % OH), (int)(o % OW), \
                         A EXTRA_NAMES)

#else
#define COUNT ((IDX)PLANES * (ID * IH * IW))
#if MAX
#define ARGUMENTS(R) __global const A_TYPE *R A, __global const B_TYPE *R B, __global const D_TYPE *R D, \
                     __global C_TYPE *C EXTRA
// True when no place of window (z, y, x) before place `self` of the plane holds its maximum `top`.
INLINE bool FN(_first)(IDX plane, int z, int y, int x, int self, float top, __global const A_TYPE *A EXTRA) {
  EACH(i, z, SD, LO_D, KD, ID)
    EACH(j, y, SH, LO_H, KH, IH)
      EACH(k, x, SW, LO_W, KW, IW) {
        const int place = (i * IH + j) * IW + k;
        if (place >= self) return true;
        if (LOAD_A((plane * (ID * IH * IW) + place)) == top) return false;
      }
  return true;
}
#else
#define ARGUMENTS(R) __global const D_TYPE *R D, __global C_TYPE *C EXTRA
#endif

// The windows that cover place `at` of an axis: first and one past the last.
#define SINCE(at, s, lo, k) max(((at) + (lo) - (k)) / (s) + ((at) + (lo) >= (k)), 0)
#define UNTIL(at, s, lo, out) min(((at) + (lo)) / (s) + 1, out)

INLINE float FN(_value)(IDX o, ARGUMENTS()) {
  const IDX plane = o / (ID * IH * IW);
  const int self = (int)(o % (ID * IH * IW)), i = self / (IH * IW), j = self / IW % IH, k = self % IW;
  float v = 0.0f;
#if MAX
  const float mine = LOAD_A(o);
#endif
  for (int z = SINCE(i, SD, LO_D, KD); z < UNTIL(i, SD, LO_D, OD); z++)
    for (int y = SINCE(j, SH, LO_H, KH); y < UNTIL(j, SH, LO_H, OH); y++)
      for (int x = SINCE(k, SW, LO_W, KW); x < UNTIL(k, SW, LO_W, OW); x++) {
        const IDX w = ((plane * OD + z) * OH + y) * OW + x;
#if MAX
        if (LOAD_B(w) == mine && FN(_first)(plane, z, y, x, self, mine, A EXTRA_NAMES)) v += LOAD_D(w);
#elif AVG
        v += LOAD_D(w) / FN(_places)(z, y, x);
#else
        v += LOAD_D(w);
#endif
      }
  return v;
}
#if MAX
#define VALUE FN(_value)(o, A, B, D, C EXTRA_NAMES)
#else
#define VALUE FN(_value)(o, D, C EXTRA_NAMES)
#endif
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void NAME(ARGUMENTS(restrict)) {
  const IDX o = (IDX)get_global_id(0);
  if (o >= COUNT) return;
  const int c = 0;
  const float v = VALUE;
  STORE(o, c, v);
}

#undef FROM
#undef TO
#undef EACH
#undef COUNT
#undef ARGUMENTS
#undef VALUE
#undef SINCE
#undef UNTIL
