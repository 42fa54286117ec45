// Pooling over the last two axes, and its gradient, for CPU devices: a work-item makes PB whole planes, by vectors
// along rows, in scratch (local memory of a group of one). Sizes, kinds and splicing as in pool.cl, with D axes
// of size 1.
//
//   forward: the rows of a window are reduced to one line, padded with what changes nothing; the line is reduced
//   along x
//
//      x rows  ┌──────────┐  each place   line          W windows at a time    out [OH][OW]
//              ├──────────┤ ───────────▶  p p ──── p p ─────────────────────▶  then stored in one run
//              └──────────┘  over y                     over x
//
//   gradient: x and dx lie in scratch at a pitch of PITCH with their padding. W windows at a time, each tap in order
//   takes dy if it equals y and no earlier one did, and adds it to dx.
//
//   SW is 1 or 2: with 2 the taps of neighbouring windows are the even lanes of two vectors, those of the next tap
//   the odd.
//
// NAME: global (ceil(PLANES / PB)), local (1). Arguments as in pool.cl.
#define FLOATS(lanes) NC_CAT(convert_float, W)(lanes)
#define PITCH (LO_W + IW > (OW - 1) * SW + KW ? LO_W + IW : (OW - 1) * SW + KW)
#define LINES (LO_H + IH > (OH - 1) * SH + KH ? LO_H + IH : (OH - 1) * SH + KH)

// Lanes of taps at p, p + SW, p + 2·SW …
#if SW == 1
#define RUN(p) VLOAD(0, p)
#else
#define RUN(p) (VEC)(VLOAD(0, p).even, VLOAD(0, (p) + W).even)
#endif

// Places of x in windows x … x + W of an output row, and in window row y.
INLINE VEC FN(_columns)(int x) {
  const INTS from = (x + LANES) * SW - LO_W;
  return FLOATS(min(from + KW, (INTS)(IW)) - max(from, (INTS)(0)));
}
#define FIRST_ROW(y) max((y) * SH - LO_H, 0)
#define LAST_ROW(y) min((y) * SH - LO_H + KH, IH)

#if !GRAD
INLINE VEC FN(_join)(VEC v, VEC one) { return MAX ? select(v, one, (one > v) | (one != one)) : v + one; }

// Line of window row y: each place of x over the window's rows.
INLINE void FN(_line)(SCRATCH float *line, IDX a, int y, __global const A_TYPE *A EXTRA) {
#if IW >= W
#pragma nounroll
  for (int s = 0; s < IW; s += W) {
    const int at = min(s, IW - W);      // the last vector overlaps the one before
    VEC v = LOAD_A_V((a + FIRST_ROW(y) * IW + at));
#pragma nounroll
    for (int j = FIRST_ROW(y) + 1; j < LAST_ROW(y); j++) v = FN(_join)(v, LOAD_A_V((a + j * IW + at)));
    VSTORE(v, 0, line + LO_W + at);
  }
#else
#pragma nounroll
  for (int s = 0; s < IW; s++) {
    VEC v = (VEC)(LOAD_A((a + FIRST_ROW(y) * IW + s)));
#pragma nounroll
    for (int j = FIRST_ROW(y) + 1; j < LAST_ROW(y); j++) v = FN(_join)(v, (VEC)(LOAD_A((a + j * IW + s))));
    line[LO_W + s] = v.s0;
  }
#endif
}

BODY void FN(_item)(int first, SCRATCH float *restrict line, SCRATCH float *restrict out,
                    __global const A_TYPE *restrict A, __global C_TYPE *C EXTRA) {
  const int last = min(first + PB, PLANES);
#pragma nounroll
  for (int s = 0; s < PITCH + 3 * W; s++) line[s] = MAX ? -INFINITY : 0.0f;
#pragma nounroll
  for (int plane = first; plane < last; plane++) {
#pragma nounroll
    for (int y = 0; y < OH; y++) {
      FN(_line)(line, plane * (IDX)(IH * IW), y, A EXTRA_NAMES);
#pragma nounroll
      for (int x = 0; x < OW; x += W) {
        VEC v = RUN(line + x * SW);
#pragma nounroll
        for (int k = 1; k < KW; k++) v = FN(_join)(v, RUN(line + x * SW + k));
        if (AVG) v /= FN(_columns)(x) * (VEC)(LAST_ROW(y) - FIRST_ROW(y));
        VSTORE(v, 0, out + y * OW + x);      // beyond the row's end, where the next row will be
      }
    }
    FN(_store_run)(out, plane * (IDX)(OH * OW), OH * OW, 0, C EXTRA_NAMES);
  }
}

#define ARGS __global const A_TYPE *restrict A, __global C_TYPE *C EXTRA
#define ARG_NAMES A, C EXTRA_NAMES
#define LINE PADDED(PITCH + 3 * W)
enum { FN(_scratch) = LINE + OH * OW + W };
INLINE void FN(_group)(GRID, SCRATCH float *line, ARGS) {
  FN(_item)(x_ * PB, line, line + LINE, ARG_NAMES);
}
GROUP_KERNEL
#undef LINE

#else
// The taps of W windows, in order, of window row `row` of the slab: who takes how much of dy, added to dx.
typedef struct { VEC top, dy; INTS open; } FN(_windows);

INLINE VEC FN(_take)(FN(_windows) *w, VEC x) {
#if MAX
  const INTS hit = (x == w->top) & w->open;
  w->open &= ~hit;
  return select((VEC)(0), w->dy, hit);
#else
  return w->dy;
#endif
}

#if SW == 2
INLINE VEC FN(_spread_lo)(VEC even, VEC odd) {
  VEC v;
  v.even = even.lo;
  v.odd = odd.lo;
  return v;
}
INLINE VEC FN(_spread_hi)(VEC even, VEC odd) {
  VEC v;
  v.even = even.hi;
  v.odd = odd.hi;
  return v;
}
#endif

INLINE void FN(_row)(FN(_windows) *w, SCRATCH const float *x, SCRATCH float *dx) {
#if SW == 1
#pragma nounroll
  for (int k = 0; k < KW; k++) VSTORE(VLOAD(0, dx + k) + FN(_take)(w, VLOAD(0, x + k)), 0, dx + k);
#else
#pragma nounroll
  for (int k = 0; k < KW; k += 2) {
    const VEC x0 = VLOAD(0, x + k), x1 = VLOAD(0, x + k + W);
    const VEC even = FN(_take)(w, (VEC)(x0.even, x1.even));
    const VEC odd = k + 1 < KW ? FN(_take)(w, (VEC)(x0.odd, x1.odd)) : (VEC)(0);
    VSTORE(VLOAD(0, dx + k) + FN(_spread_lo)(even, odd), 0, dx + k);
    VSTORE(VLOAD(0, dx + k + W) + FN(_spread_hi)(even, odd), 0, dx + k + W);
  }
#endif
}

// A plane without padding is one run of elements, else every row is one.
#define RUNS (PITCH == IW ? 1 : IH)
#define RUN_LENGTH (PITCH == IW ? IH * IW : IW)
#define READ(LOAD, LOAD_V, to, from, count) \
  { \
    int p_ = 0; \
    _Pragma("nounroll") for (; p_ + W <= (count); p_ += W) VSTORE(LOAD_V((from + p_)), 0, (to) + p_); \
    _Pragma("nounroll") for (; p_ < (count); p_++) (to)[p_] = LOAD((from + p_)); \
  }

#if MAX
#define GIVEN __global const A_TYPE *restrict A, __global const B_TYPE *restrict B, __global const D_TYPE *restrict D
#define OPERANDS SCRATCH float *restrict x, SCRATCH float *restrict top, GIVEN
#else
#define GIVEN __global const D_TYPE *restrict D
#define OPERANDS GIVEN
#endif
BODY void FN(_item)(int first, SCRATCH float *dx, SCRATCH float *restrict dy, OPERANDS, __global C_TYPE *C EXTRA) {
  const int last = min(first + PB, PLANES);
#if !MAX
  SCRATCH float *x = dx;      // not looked at
#else
#pragma nounroll
  for (int s = 0; s < LINES * PITCH + 3 * W; s++) x[s] = NAN;    // equals no maximum
#endif
#pragma nounroll
  for (int plane = first; plane < last; plane++) {
    READ(LOAD_D, LOAD_D_V, dy, plane * (IDX)(OH * OW), OH * OW)
#if MAX
    READ(LOAD_B, LOAD_B_V, top, plane * (IDX)(OH * OW), OH * OW)
#pragma nounroll
    for (int y = 0; y < RUNS; y++)
      READ(LOAD_A, LOAD_A_V, x + (LO_H + y) * PITCH + LO_W, (plane * (IDX)IH + y) * IW, RUN_LENGTH)
#endif
#pragma nounroll
    for (int s = 0; s < LINES * PITCH + 3 * W; s += W) VSTORE((VEC)(0), 0, dx + min(s, LINES * PITCH + 2 * W));

#pragma nounroll
    for (int y = 0; y < OH; y++)
#pragma nounroll
      for (int wx = 0; wx < OW; wx += W) {
        const int p = y * OW + wx;
        FN(_windows) w;
        w.dy = VLOAD(0, dy + p);
        if (AVG) w.dy /= FN(_columns)(wx) * (VEC)(LAST_ROW(y) - FIRST_ROW(y));
        if (wx + W > OW) w.dy = select((VEC)(0), w.dy, (INTS)(OW - wx) > LANES);
        w.open = (INTS)(-1);
#if MAX
        w.top = VLOAD(0, top + p);
#endif
#pragma nounroll
        for (int k = 0; k < KH; k++)
          FN(_row)(&w, x + (y * SH + k) * PITCH + wx * SW, dx + (y * SH + k) * PITCH + wx * SW);
      }

#pragma nounroll
    for (int y = 0; y < RUNS; y++) {
      FN(_store_run)(dx + (LO_H + y) * PITCH + LO_W, (plane * (IDX)IH + y) * IW, RUN_LENGTH, 0, C EXTRA_NAMES);
    }
  }
}

#define ARGS GIVEN, __global C_TYPE *C EXTRA
#define PLANE PADDED(LINES * PITCH + 3 * W)
#define RESULT PADDED(OH * OW + W)
enum { FN(_scratch) = (PLANE + RESULT) * (MAX ? 2 : 1) };
#if MAX
#define ARG_NAMES A, B, D, C EXTRA_NAMES
INLINE void FN(_group)(GRID, SCRATCH float *dx, ARGS) {
  SCRATCH float *dy = dx + PLANE, *x = dy + RESULT;
  FN(_item)(x_ * PB, dx, dy, x, x + PLANE, ARG_NAMES);
}
#else
#define ARG_NAMES D, C EXTRA_NAMES
INLINE void FN(_group)(GRID, SCRATCH float *dx, ARGS) {
  FN(_item)(x_ * PB, dx, dx + PLANE, ARG_NAMES);
}
#endif
GROUP_KERNEL
#undef PLANE
#undef RESULT
#undef READ
#undef OPERANDS
#undef GIVEN
#undef RUNS
#undef RUN_LENGTH
#endif

#undef FLOATS
#undef PITCH
#undef LINES
#undef RUN
#undef FIRST_ROW
#undef LAST_ROW
