// The register tile that every CPU template multiplies with, and the packing of what it reads. Uses begin.cl.
// The template that follows this text defines:
//   NAME      prefix of all functions          W, MR, NV  vector width, rows, vectors: a tile is MR × NV·W
//   IDX       integer type of linear indices
//
//      panel (scratch of one core, aligned)          registers                     A, anywhere
//      k │ b0 … bW-1 │ bW … b2W-1 │   fma()    ┌ acc[0][0] acc[0][1] ┐    row r, step k: one scalar,
//        │    …      │      …     │  ───────▶  │    …         …      │ ◀── broadcast to all lanes
//      ↓ │           │            │            └ acc[MR-1][…]        ┘
//
// MR·NV accumulators, NV vectors of B and one broadcast must fit the registers: 6×2 of 16 on AVX2, 12×2 of 32
// on AVX-512.
#define NR (NV * W)
#define SCRATCH __local
#define VAT(p) (*(SCRATCH VEC *)(p))
// Panels are in scratch, unless they were packed ahead.
#ifndef AHEAD
#define AHEAD 0
#endif
#if AHEAD
#define PANEL_SPACE __global
#else
#define PANEL_SPACE SCRATCH
#endif

// r[i] lane j becomes r[j] lane i. First blocks of four lanes change places with rows four apart, then every 4 × 4
// block is turned within its 128-bit lane, by interleaving twice: three shuffles a vector on AVX2. Where the compiler has
// a word for one shuffle it has not to find it in a list of lanes, of which a transpose has hundreds.
#ifdef __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) shuffle2(a, b, (NC_CAT(uint, W))(__VA_ARGS__))
#endif
#if W == 4
#define GATHER(r, i, c) r[i]
#define INTERLEAVE_LO(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define INTERLEAVE_HI(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#elif W == 8
#define GATHER(r, i, c) \
  (c == 0 ? SHUFFLE(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) : SHUFFLE(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15))
#define INTERLEAVE_LO(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define INTERLEAVE_HI(a, b) SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#else
#define GATHER4(r, i, s) (VEC)(r[i].s, r[i + 4].s, r[i + 8].s, r[i + 12].s)
#define GATHER(r, i, c) \
  (c == 0 ? GATHER4(r, i, s0123) : c == 1 ? GATHER4(r, i, s4567) : c == 2 ? GATHER4(r, i, s89ab) : GATHER4(r, i, scdef))
#define INTERLEAVE_LO(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define INTERLEAVE_HI(a, b) SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#endif
INLINE void FN(_transpose)(VEC *r) {
  VEC t[W];
#pragma unroll
  for (int c = 0; c < W / 4; c++)
#pragma unroll
    for (int i = 0; i < 4; i++) t[4 * c + i] = GATHER(r, i, c);
#pragma unroll
  for (int c = 0; c < W; c += 4) {
    const VEC a = INTERLEAVE_LO(t[c], t[c + 2]), b = INTERLEAVE_HI(t[c], t[c + 2]);
    const VEC d = INTERLEAVE_LO(t[c + 1], t[c + 3]), e = INTERLEAVE_HI(t[c + 1], t[c + 3]);
    r[c] = INTERLEAVE_LO(a, d);
    r[c + 1] = INTERLEAVE_HI(a, d);
    r[c + 2] = INTERLEAVE_LO(b, e);
    r[c + 3] = INTERLEAVE_HI(b, e);
  }
}
#undef GATHER
#undef GATHER4
#undef SHUFFLE
#undef INTERLEAVE_LO
#undef INTERLEAVE_HI

// A panel of columns that lie along K: column j, step k is LOAD_B(b + k + j·stride). Columns from `cols` on are zero.
INLINE void FN(_pack_turned)(SCRATCH float *to, IDX b, IDX stride, int steps, int cols,
                             __global const B_TYPE *B EXTRA) {
  int k = 0;
  if (cols >= NR)
#pragma nounroll
    for (; k + W <= steps; k += W)
#pragma nounroll
      for (int j = 0; j < NR; j += W) {
        VEC t[W];
#pragma unroll
        for (int i = 0; i < W; i++) t[i] = LOAD_B_V((b + k + (j + i) * stride));
        FN(_transpose)(t);
#pragma unroll
        for (int i = 0; i < W; i++) VAT(to + (k + i) * NR + j) = t[i];
      }
#pragma nounroll
  for (; k < steps; k++)
#pragma nounroll
    for (int j = 0; j < NR; j++) to[k * NR + j] = j < cols ? LOAD_B((b + k + j * stride)) : 0.0f;
}

// Sums in scratch, as [MR][NR].
INLINE void FN(_recall)(bool zero, VEC acc[MR][NV], SCRATCH const float *from) {
#pragma unroll
  for (int r = 0; r < MR; r++)
#pragma unroll
    for (int j = 0; j < NV; j++) acc[r][j] = zero ? (VEC)(0) : VAT(from + (r * NV + j) * W);
}

INLINE void FN(_keep)(VEC acc[MR][NV], SCRATCH float *to) {
#pragma unroll
  for (int r = 0; r < MR; r++)
#pragma unroll
    for (int j = 0; j < NV; j++) VAT(to + (r * NV + j) * W) = acc[r][j];
}

// The inner loop, as a macro so that A_AT(r, k), the scalar of row r at step k, can be any expression.
#define TILE(steps, b, acc) \
  _Pragma("nounroll") for (int k_ = 0; k_ < (steps); k_++) { \
    VEC b_[NV]; \
    _Pragma("unroll") for (int j_ = 0; j_ < NV; j_++) b_[j_] = *(PANEL_SPACE const VEC *)((b) + k_ * NR + j_ * W); \
    _Pragma("unroll") for (int r_ = 0; r_ < MR; r_++) { \
      VEC a_ = (VEC)(A_AT(r_, k_)); \
      _Pragma("unroll") for (int j_ = 0; j_ < NV; j_++) acc[r_][j_] = fma(a_, b_[j_], acc[r_][j_]); \
    } \
  }
