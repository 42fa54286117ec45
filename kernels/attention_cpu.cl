// Attention and its gradients for CPU devices: no local memory, one work-item for a tile of TILE = NV·W rows of one head.
// The tile's rows lie in lanes and stay ("still"), the rows of the other side pass by ("passing"): their elements are
// read one at a time and broadcast, so that there are no sums across lanes.
//
//   kernel     still                passing            sums
//   VALUE      queries              keys, values       values, weighed; running maximum and sum for each lane
//   GRAD_Q     queries, dy          keys, values       keys, by ds
//   GRAD_KV    keys, values         queries, dy        queries by ds (dk), dy by p (dv), over the heads that share them
//
//   BATCH HEADS GROUPS T U E F      sizes as in compiler/ops/attention.c
//   KIND                            0 VALUE, 1 GRAD_Q, 2 GRAD_KV
//   CAUSAL BIAS                     0 or 1; with BIAS, NAME_bias(b, h, t, u EXTRA) is what is added to a score
//   SCALE                           a float
//   NV BLOCK                        vectors in a tile's row; passing rows at a time (a multiple of 4)
//   HAS_0 HAS_1                     which results are wanted: VALUE: value, stat; GRAD_KV: dk, dv
//
// Arguments: VALUE q, k, v, then value and stat; GRAD_Q q, k, v, dy, stat, delta, dq; GRAD_KV the same with dk and dv;
// absent results are left out; at the end EXTRA.

#define TILE (NV * W)
#define EXP NC_CAT(nc_exp_, VEC)

// Rows `from` … of x [rows][width] into lanes, times `scale`; beyond the last row the last again.
INLINE void FN(_lanes)(VEC *to, __global const float *x, int from, int rows, int width, float scale) {
  float *lane = (float *)to;
  for (int r = 0; r < TILE; r++) {
    __global const float *row = x + min(from + r, rows - 1) * width;
    for (int e = 0; e < width; e++) lane[e * TILE + r] = scale * row[e];
  }
}

INLINE void FN(_unlanes)(__global float *x, const VEC *from, int first, int rows, int width, float scale) {
  const float *lane = (const float *)from;
  for (int r = 0; r < min(TILE, rows - first); r++)
    for (int e = 0; e < width; e++) x[(first + r) * width + e] = scale * lane[e * TILE + r];
}

// a[k] += x times the k-th of four scalars.
INLINE void FN(_add)(VEC a[4][NV], const VEC *x, float y0, float y1, float y2, float y3) {
  const VEC y[4] = {(VEC)(y0), (VEC)(y1), (VEC)(y2), (VEC)(y3)};
  #pragma unroll
  for (int n = 0; n < NV; n++)
    #pragma unroll
    for (int k = 0; k < 4; k++) a[k][n] = fma(x[n], y[k], a[k][n]);
}

// to[j] = still · row j of y, for the rows from y on; four at a time, beyond `count` the last again.
INLINE void FN(_scores)(VEC *to, const VEC *still, __global const float *y, int count, int width) {
  for (int j = 0; j < count; j += 4) {
    __global const float *y0 = y + j * width, *y1 = y + min(j + 1, count - 1) * width;
    __global const float *y2 = y + min(j + 2, count - 1) * width, *y3 = y + min(j + 3, count - 1) * width;
    VEC a[4][NV];
    #pragma unroll
    for (int n = 0; n < NV; n++) a[0][n] = a[1][n] = a[2][n] = a[3][n] = (VEC)(0.0f);
    for (int e = 0; e < width; e++) {
      FN(_add)(a, still + e * NV, y0[e], y1[e], y2[e], y3[e]);
    }
    #pragma unroll
    for (int k = 0; k < 4; k++)
      #pragma unroll
      for (int n = 0; n < NV; n++) to[(j + k) * NV + n] = a[k][n];
  }
}

// sum += p[j] · row j of y, element by element.
INLINE void FN(_weigh)(VEC *sum, const VEC *p, __global const float *y, int count, int width) {
  int e = 0;
  for (; e + 4 <= width; e += 4) {
    VEC a[4][NV];
    #pragma unroll
    for (int k = 0; k < 4; k++)
      #pragma unroll
      for (int n = 0; n < NV; n++) a[k][n] = sum[(e + k) * NV + n];
    for (int j = 0; j < count; j++) {
      __global const float *row = y + j * width + e;
      FN(_add)(a, p + j * NV, row[0], row[1], row[2], row[3]);
    }
    #pragma unroll
    for (int k = 0; k < 4; k++)
      #pragma unroll
      for (int n = 0; n < NV; n++) sum[(e + k) * NV + n] = a[k][n];
  }
  for (; e < width; e++)
    for (int j = 0; j < count; j++)
      for (int n = 0; n < NV; n++) sum[e * NV + n] = fma(p[j * NV + n], (VEC)(y[j * width + e]), sum[e * NV + n]);
}

// Adds the bias, and takes out what causality hides: of the passing rows `from` … and the still ones `first` ….
INLINE void FN(_hide)(VEC *s, int b, int h, int first, int from, int count EXTRA) {
#if BIAS
  float *lane = (float *)s;
  for (int j = 0; j < count; j++)
    for (int r = 0; r < TILE; r++) {
      const int still = min(first + r, STILL - 1), pass = from + j;
      lane[j * TILE + r] += FN(_bias)(b, h, KIND == 2 ? pass : still, KIND == 2 ? still : pass EXTRA_NAMES);
    }
#endif
#if CAUSAL
  // Query t sees keys to t + U - T. Nothing to do where all are seen.
  const bool all = KIND == 2 ? first + TILE - 1 <= from + U - T : from + count - 1 <= first + U - T;
  if (all) return;
  for (int j = 0; j < count; j++)
    for (int n = 0; n < NV; n++) {
      const INTS r = first + n * W + LANES;
      const INTS hidden = KIND == 2 ? r > (INTS)(from + j + U - T) : r < (INTS)(from + j - (U - T));
      s[j * NV + n] = select(s[j * NV + n], (VEC)(-INFINITY), hidden);
    }
#endif
}

BODY void FN(_item)(int item, ARGS) {
  const int first = item % TILES * TILE;
#if KIND == 2
  const int group = item / TILES, b = group / GROUPS;
#else
  const int head = item / TILES, b = head / HEADS, h = head % HEADS;
  const int group = b * GROUPS + h / (HEADS / GROUPS);
#endif
  VEC s[BLOCK * NV];

#if KIND == 0
  // Everything so far is relative to the maxima so far; when one rises, the sums shrink.
  VEC q[E * NV], sum[F * NV], top[NV], total[NV];
  K += (size_t)group * U * E;
  V += (size_t)group * U * F;
  FN(_lanes)(q, Q + (size_t)head * T * E, first, T, E, SCALE);
  for (int i = 0; i < F * NV; i++) sum[i] = (VEC)(0.0f);
  for (int n = 0; n < NV; n++) top[n] = (VEC)(NONE), total[n] = (VEC)(0.0f);
  const int end = CAUSAL ? min(U, first + TILE + U - T) : U;
  for (int j = 0; j < end; j += BLOCK) {
    const int count = min(BLOCK, end - j);
    FN(_scores)(s, q, K + j * E, count, E);
    FN(_hide)(s, b, h, first, j, count EXTRA_NAMES);
    for (int n = 0; n < NV; n++) {
      VEC most = top[n], part = (VEC)(0.0f);
      for (int k = 0; k < count; k++) {
        const VEC x = s[k * NV + n];
        most = select(most, x, (x > most) | (x != x));
      }
      const VEC shrink = EXP(top[n] - most);
      for (int k = 0; k < count; k++) part += s[k * NV + n] = EXP(s[k * NV + n] - most);
      total[n] = fma(total[n], shrink, part);
      top[n] = most;
      if (j) for (int f = 0; f < F; f++) sum[f * NV + n] *= shrink;
    }
#if HAS_0
    FN(_weigh)(sum, s, V + j * F, count, F);
#endif
  }
  for (int n = 0; n < NV; n++) {
    const INTS none = total[n] == (VEC)(0.0f);
    const VEC factor = select(1.0f / total[n], (VEC)(0.0f), none);
    for (int f = 0; f < F; f++) sum[f * NV + n] *= factor;
    s[n] = select(top[n] + log(total[n]), (VEC)(0.0f), none);
  }
#if HAS_0
  FN(_unlanes)(R0 + (size_t)head * T * F, sum, first, T, F, 1.0f);
#endif
#if HAS_1
  FN(_unlanes)(R1 + (size_t)head * T, s, first, T, 1, 1.0f);
#endif

#elif KIND == 1
  VEC q[E * NV], dy[F * NV], sum[E * NV], ds[BLOCK * NV], stat[NV], delta[NV];
  K += (size_t)group * U * E;
  V += (size_t)group * U * F;
  FN(_lanes)(q, Q + (size_t)head * T * E, first, T, E, SCALE);
  FN(_lanes)(dy, DY + (size_t)head * T * F, first, T, F, 1.0f);
  FN(_lanes)(stat, STAT + (size_t)head * T, first, T, 1, 1.0f);
  FN(_lanes)(delta, DELTA + (size_t)head * T, first, T, 1, 1.0f);
  for (int i = 0; i < E * NV; i++) sum[i] = (VEC)(0.0f);
  const int end = CAUSAL ? min(U, first + TILE + U - T) : U;
  for (int j = 0; j < end; j += BLOCK) {
    const int count = min(BLOCK, end - j);
    FN(_scores)(s, q, K + j * E, count, E);
    FN(_hide)(s, b, h, first, j, count EXTRA_NAMES);
    FN(_scores)(ds, dy, V + j * F, count, F);
    for (int k = 0; k < count; k++)
      for (int n = 0; n < NV; n++) ds[k * NV + n] = EXP(s[k * NV + n] - stat[n]) * (ds[k * NV + n] - delta[n]);
    FN(_weigh)(sum, ds, K + j * E, count, E);
  }
  FN(_unlanes)(R0 + (size_t)head * T * E, sum, first, T, E, SCALE);

#else
  VEC k[E * NV], v[F * NV], dk[E * NV], dv[F * NV], ds[BLOCK * NV];
  FN(_lanes)(k, K + (size_t)group * U * E, first, U, E, SCALE);
  FN(_lanes)(v, V + (size_t)group * U * F, first, U, F, 1.0f);
  for (int i = 0; i < E * NV; i++) dk[i] = (VEC)(0.0f);
  for (int i = 0; i < F * NV; i++) dv[i] = (VEC)(0.0f);
  for (int z = 0; z < HEADS / GROUPS; z++) {
    const int h = group % GROUPS * (HEADS / GROUPS) + z;
    const size_t row = ((size_t)b * HEADS + h) * T;
    const int begin = CAUSAL ? max(0, first - (U - T)) : 0;
    for (int i = begin; i < T; i += BLOCK) {
      const int count = min(BLOCK, T - i);
      FN(_scores)(s, k, Q + (row + i) * E, count, E);
      FN(_hide)(s, b, h, first, i, count EXTRA_NAMES);
      FN(_scores)(ds, v, DY + (row + i) * F, count, F);
      for (int t = 0; t < count; t++)
        for (int n = 0; n < NV; n++) {
          s[t * NV + n] = EXP(s[t * NV + n] - STAT[row + i + t]);
          ds[t * NV + n] = s[t * NV + n] * (ds[t * NV + n] - DELTA[row + i + t]);
        }
      FN(_weigh)(dk, ds, Q + (row + i) * E, count, E);
      FN(_weigh)(dv, s, DY + (row + i) * F, count, F);
    }
  }
#if HAS_0
  FN(_unlanes)(R0 + (size_t)group * U * E, dk, first, U, E, SCALE);
#endif
#if HAS_1
  FN(_unlanes)(R1 + (size_t)group * U * F, dv, first, U, F, 1.0f);
#endif
#endif
}

ITEM_KERNEL(NAME, FN(_item))
#undef TILE
#undef EXP
