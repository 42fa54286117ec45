// Convolution for CPU devices: C[B][O][out] = x [B][I][in] ∗ w [O][I/G][kernel], three spatial axes. Uses tile_cpu.cl,
// slab_cpu.cl.
//
// An implicit GEMM whose columns are output pixels, so that w is read as it lies and results go out as they lie:
//
//      x, one image          slab: padded copy          panel: [step = i,kz,ky,kx][NR pixels]
//     ┌───────────┐         0 0 0 0 0 0 0 0            ┌───────────────┐
//     │ rows of   │  copy   0 ┌───────────┐ 0   pack   │ pixel p … p+NR│      w rows [O][step]
//     │ IB chan-  │ ──────▶ 0 │ IB chan-  │ 0 ───────▶ │ per step two  │ ◀──  MR × NR register tile
//     │ nels      │         0 └───────────┘ 0          │ runs, blended │
//     └───────────┘         0 0 0 0 0 0 0 0            └───────────────┘
//
// A work-item makes OB channels × RB rows of one output plane. Slab and panel lie in scratch (local memory of a group
// of one); so do, when IB < IG, the sums of unfinished blocks of channels [OB/MR][panels][MR][NR].
// A vector of pixels that crosses the end of an output row is blended from two loads; it must not touch three rows,
// so where OW < W, or the stride is above 2, pixels are fetched one by one (RUNS 0).
//
//   BATCH G IG OG          groups, channels of each         ID IH IW, OD OH OW, KD KH KW   sizes
//   SD SH SW, LO_D…, DD DH DW, XD XH XW                     stride, low padding, dilation of the kernel and of x
//   RB OB IB               blocks as above; OB a multiple of MR
//   FULL TAIL              the first FULL channels of a group go in tiles of MR, the others of TAIL
//   PACK_W                 1: w does not lie in order [O][I/G][KD][KH][KW] or has a prologue, so _pack first writes
//                          it to work in that order: float[O·IG·KD·KH·KW]
//   W_O W_I W_D W_H W_W    strides of w (PACK_W)
//   RUNS                   1: vectors of pixels are one or two runs
//   A (x) B (w) C: types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; o is linear in C, c the output channel
//
// NAME: global (OD·ceil(OH/RB), G·ceil(OG/OB), BATCH), local (1,1,1); arguments A, B or work, C, extra.
// NAME_pack (PACK_W): global (O), local (1); B, work, extra.

#define PANELS ((RB * OW + NR - 1) / NR)
#if IB < IG
#define SUMS (OB * PANELS * NR)
#define SUM(channel, p, rows) (sums + (channel) * (PANELS * NR) + (p) * (rows))
#else
#define SUMS (MR * NR)
#define SUM(channel, p, rows) sums
#endif

#if RUNS
#if SW == 1
#define RUN(p) VLOAD(0, p)
#else
#define RUN(p) (VEC)(VLOAD(0, p).even, VLOAD(0, (p) + W).even)
#endif
#define INTS NC_CAT(int, W)
#if W == 4
#define LANES ((int4)(0, 1, 2, 3))
#elif W == 8
#define LANES ((int8)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define LANES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif

// Pixels p … p+NR of the item into a panel. Lanes of vector j before `cut` are in one row, the others in the next.
INLINE void FN(_pack)(SCRATCH float *to, SCRATCH const float *slab, int channels, int p, int pixels) {
  int here[NV], next[NV];
  INTS cut[NV];
#pragma unroll
  for (int j = 0; j < NV; j++) {
    const int q = min(p + j * W, pixels - 1), y = q / OW, x = q % OW;
    here[j] = y * (SH * SLAB_W) + x * SW;
    next[j] = (y + 1) * OW < pixels ? (y + 1) * (SH * SLAB_W) - (OW - x) * SW : here[j];
    cut[j] = (INTS)(OW - x) > LANES;
  }
#pragma nounroll
  for (int i = 0; i < channels * KD; i++)
#pragma nounroll
    for (int ky = 0; ky < KH; ky++)
#pragma nounroll
      for (int kx = 0; kx < KW; kx++, to += NR) {
        SCRATCH const float *from = slab + i * SLAB_Z + ky * (DH * SLAB_W) + kx * DW;
#pragma unroll
        for (int j = 0; j < NV; j++) {
#if OW % W
          VAT(to + j * W) = select(RUN(from + next[j]), RUN(from + here[j]), cut[j]);
#else
          VAT(to + j * W) = RUN(from + here[j]);
#endif
        }
      }
}
#else
INLINE void FN(_pack)(SCRATCH float *to, SCRATCH const float *slab, int channels, int p, int pixels) {
  int at[NR];
#pragma nounroll
  for (int j = 0; j < NR; j++) {
    const int q = min(p + j, pixels - 1);
    at[j] = q / OW * (SH * SLAB_W) + q % OW * SW;
  }
#pragma nounroll
  for (int i = 0; i < channels * KD; i++)
#pragma nounroll
    for (int ky = 0; ky < KH; ky++)
#pragma nounroll
      for (int kx = 0; kx < KW; kx++, to += NR) {
        SCRATCH const float *from = slab + i * SLAB_Z + ky * (DH * SLAB_W) + kx * DW;
#pragma nounroll
        for (int j = 0; j < NR; j++) to[j] = from[at[j]];
      }
}
#endif

// Whole tiles go out as vectors. Those that the end of the item cuts off, and all when there is no STORE_V, by way of
// `spill`. o_row: index in C of the item's first pixel in the tile's first channel, which is `channel`.
INLINE void FN(_store)(const int rows, VEC acc[MR][NV], SCRATCH float *spill, IDX o_row, int channel, int p, int pixels,
                       __global C_TYPE *C EXTRA) {
#if STORES_VECTORS
  if (p + NR <= pixels) {
#pragma unroll
    for (int r = 0; r < rows; r++)
#pragma unroll
      for (int j = 0; j < NV; j++) {
        const int c = channel + r;
        const IDX o = o_row + r * (IDX)(OD * OH * OW) + p + j * W;
        const VEC v = acc[r][j];
        STORE_V(o, c, v);
      }
    return;
  }
#endif
  FN(_keep)(rows, acc, spill);
#pragma nounroll
  for (int r = 0; r < rows; r++)
#pragma nounroll
    for (int j = 0; j < min(NR, pixels - p); j++) {
      const int c = channel + r;
      const IDX o = o_row + r * (IDX)(OD * OH * OW) + p + j;
      const float v = spill[r * NR + j];
      STORE(o, c, v);
    }
}

#if PACK_W
#define W_TYPE float
#define A_AT(r, k) weights[w + (r) * STEPS + (k)]
#else
#define W_TYPE B_TYPE
#define A_AT(r, k) LOAD_B((w + (r) * STEPS + (k)))
#define weights B
#endif

INLINE void FN(_tile)(const int rows, int steps, bool first, bool last, IDX w, SCRATCH const float *panel,
                      SCRATCH float *sums, IDX o, int channel, int p, int pixels, __global const W_TYPE *weights,
                      __global C_TYPE *C EXTRA) {
  VEC acc[MR][NV];
#if IB < IG
  if (first) FN(_zero)(rows, acc);
  else FN(_restore)(rows, acc, sums);
  TILE(rows, steps, panel, acc)
  if (!last) {
    FN(_keep)(rows, acc, sums);
    return;
  }
#else
  FN(_zero)(rows, acc);
  TILE(rows, steps, panel, acc)
#endif
  FN(_store)(rows, acc, sums, o, channel, p, pixels, C EXTRA_NAMES);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void NAME(__global const A_TYPE *restrict A, __global const W_TYPE *restrict weights, __global C_TYPE *C EXTRA) {
  SCRATCH float slab[IB * SLAB_I + 3 * W] __attribute__((aligned(64)));
  SCRATCH float panel[IB * TAPS * NR] __attribute__((aligned(64)));
  SCRATCH float sums[SUMS] __attribute__((aligned(64)));
  const int blocks = (OH + RB - 1) / RB, z = (int)get_group_id(0) / blocks, y0 = (int)get_group_id(0) % blocks * RB;
  const int oblocks = (OG + OB - 1) / OB, g = (int)get_group_id(1) / oblocks, c0 = (int)get_group_id(1) % oblocks * OB;
  const int n = (int)get_group_id(2), pixels = min(RB, OH - y0) * OW, c1 = min(c0 + OB, OG);
  const IDX a = ((IDX)n * (G * IG) + g * IG) * (ID * IH * IW);
  const IDX o = ((IDX)n * (G * OG) + g * OG) * (OD * OH * OW) + (z * OH + y0) * OW;

#pragma nounroll
  for (int i0 = 0; i0 < IG; i0 += IB) {
    const int channels = min(IB, IG - i0), steps = channels * TAPS;
    const bool first = i0 == 0, last = i0 + IB >= IG;
    FN(_slab)(slab + W, a, i0, channels, z, y0, A EXTRA_NAMES);
#pragma nounroll
    for (int p = 0; p < pixels; p += NR) {
      FN(_pack)(panel, slab + W, channels, p, pixels);
      const IDX w = ((IDX)(g * OG)) * STEPS + i0 * TAPS;
      int c = c0;
#pragma nounroll
      for (; c < min(c1, FULL); c += MR)
        FN(_tile)(MR, steps, first, last, w + c * (IDX)STEPS, panel, SUM(c - c0, p, MR),
                  o + c * (IDX)(OD * OH * OW), g * OG + c, p, pixels, weights, C EXTRA_NAMES);
#if FULL < OG
#pragma nounroll
      for (; c < c1; c += TAIL)
        FN(_tile)(TAIL, steps, first, last, w + c * (IDX)STEPS, panel, SUM(c - c0, p, TAIL),
                  o + c * (IDX)(OD * OH * OW), g * OG + c, p, pixels, weights, C EXTRA_NAMES);
#endif
    }
  }
}

#if PACK_W
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void FN(_pack_w)(__global const B_TYPE *restrict B, __global float *restrict work EXTRA) {
  const int o = (int)get_group_id(0);
  int step = 0;
#pragma nounroll
  for (int i = 0; i < IG; i++)
#pragma nounroll
    for (int kz = 0; kz < KD; kz++)
#pragma nounroll
      for (int ky = 0; ky < KH; ky++)
#pragma nounroll
        for (int kx = 0; kx < KW; kx++, step++)
          work[(IDX)o * STEPS + step] = LOAD_B((o * (IDX)W_O + i * (IDX)W_I + kz * (IDX)W_D + ky * (IDX)W_H +
                                                kx * (IDX)W_W));
}
#else
#undef weights
#endif

#undef PANELS
#undef SUMS
#undef SUM
#undef RUN
#undef INTS
#undef LANES
#undef A_AT
#undef W_TYPE
