// Convolution for CPU devices: C[B][O][out] = x [B][I][in] ∗ w [O][I/G][kernel], three spatial axes. Uses tile_cpu.cl,
// slab_cpu.cl, weights_cpu.cl.
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
//   RB OB IB               blocks as above; OB a multiple of MR, which is at most OG
//   PB                     panels made at once: with few steps, rows of weights are read, and results written, for all of them
//   NARROW                 1: the last panel of an item has at most W pixels, and is made by a tile of 2·MR rows × W
//   PACK_W, W_O W_I W_D W_H W_W   see weights_cpu.cl
//   RUNS                   1: vectors of pixels are one or two runs
//   POINTWISE              1: one tap, stride 1, no padding: the pixels of an item lie one after the other in x, and panels
//                          are made from there, without a slab
//   A (x) B (w) C: types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; o is linear in C, c the output channel
//
// NAME: global (OD·ceil(OH/RB), G·ceil(OG/OB), BATCH), local (1,1,1); arguments A, B or work, C, extra.

#define PANELS ((RB * OW + NR - 1) / NR)
#if IB < IG
#define SUMS (OB * PANELS * NR)
#define SUM(channel, p) (sums + (channel) * (PANELS * NR) + (p) * MR)
#define SECOND(channel, p) SUM(channel, p)
#else
#define SUMS ((1 + NARROW) * MR * NR)
#define SUM(channel, p) sums
#define SECOND(channel, p) (sums + MR * NR)
#endif

#if POINTWISE
// Pixels of which x has the first at index a into a panel, zeros beyond `count`.
INLINE void FN(_pack)(SCRATCH float *to, IDX a, int channels, int count, __global const A_TYPE *A EXTRA) {
  if (count >= NR) {
#pragma nounroll
    for (int i = 0; i < channels; i++)
#pragma unroll
      for (int j = 0; j < NV; j++) VAT(to + i * NR + j * W) = LOAD_A_V((a + i * (IDX)(ID * IH * IW) + j * W));
    return;
  }
#pragma nounroll
  for (int i = 0; i < channels; i++)
#pragma nounroll
    for (int j = 0; j < NR; j++) to[i * NR + j] = j < count ? LOAD_A((a + i * (IDX)(ID * IH * IW) + j)) : 0.0f;
}
#elif RUNS
#if SW == 1
#define RUN(p) VLOAD(0, p)
#else
#define RUN(p) (VEC)(VLOAD(0, p).even, VLOAD(0, (p) + W).even)
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

#define WHOLE_VECTORS (OW % W == 0 || (RB >= OH && OH * OW % W == 0))

// Finished sums on their way out, channels from `row` on of a tile: one loop for all tiles, so that what the caller does
// with a result stands once in the kernel. o_row: index in C of the item's first pixel in the tile's first channel, which
// is `channel`.
INLINE void FN(_store)(int row, SCRATCH const float *sums, IDX o_row, int channel, int p, int pixels,
                       __global C_TYPE *C EXTRA) {
  const int count = min(NR, pixels - p);
#pragma nounroll
  for (int r = row; r < MR; r++) {
    const int c = channel + r;
    const IDX o_r = o_row + r * (IDX)(OD * OH * OW) + p;
    int j = 0;
#if STORES_VECTORS
#pragma unroll
    for (int i = 0; i < NV; i++) {
      if (j + W > count) break;
      const IDX o = o_r + j;
      const VEC v = VAT(sums + r * NR + j);
      STORE_V(o, c, v);
      j += W;
    }
#endif
#if !STORES_VECTORS || !WHOLE_VECTORS
#pragma nounroll
    for (; j < count; j++) {
      const IDX o = o_r + j;
      const float v = sums[r * NR + j];
      STORE(o, c, v);
    }
#endif
  }
}

#define A_AT(r, k) w[(r) * STEPS + (k)]

// One register tile over one block of channels, added to the sums so far.
INLINE void FN(_tile)(int steps, bool first, __global const W_TYPE *w, SCRATCH const float *panel, SCRATCH float *sums) {
  VEC acc[MR][NV];
  FN(_recall)(IB >= IG || first, acc, sums);
  TILE(steps, panel, acc)
  FN(_keep)(acc, sums);
}

#if NARROW
// Two tiles of the last panel, whose rows begin at w and v, as one of W columns: half of what its other lanes would take.
INLINE void FN(_narrow)(int steps, bool first, __global const W_TYPE *w, __global const W_TYPE *v, SCRATCH const float *panel,
                        SCRATCH float *sums, SCRATCH float *more) {
  VEC a[MR], b[MR];
#pragma unroll
  for (int r = 0; r < MR; r++) {
    a[r] = IB >= IG || first ? (VEC)(0) : VAT(sums + r * NR);
    b[r] = IB >= IG || first ? (VEC)(0) : VAT(more + r * NR);
  }
#pragma nounroll
  for (int k = 0; k < steps; k++) {
    const VEC x = VAT(panel + k * NR);
#pragma unroll
    for (int r = 0; r < MR; r++) {
      a[r] = fma((VEC)(w[r * STEPS + k]), x, a[r]);
      b[r] = fma((VEC)(v[r * STEPS + k]), x, b[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < MR; r++) {
    VAT(sums + r * NR) = a[r];
    VAT(more + r * NR) = b[r];
  }
}
#endif

BODY void FN(_item)(int block, int oblock, int n, SCRATCH float *restrict slab, SCRATCH float *restrict panel,
                    SCRATCH float *restrict sums, __global const A_TYPE *restrict A,
                    __global const W_TYPE *restrict weights, __global C_TYPE *C EXTRA) {
  const int blocks = (OH + RB - 1) / RB, z = block / blocks, y0 = block % blocks * RB;
  const int oblocks = (OG + OB - 1) / OB, g = oblock / oblocks, c0 = oblock % oblocks * OB;
  const int pixels = min(RB, OH - y0) * OW, c1 = min(c0 + OB, OG);
  const IDX a = ((IDX)n * (G * IG) + g * IG) * (ID * IH * IW);
  const IDX o = ((IDX)n * (G * OG) + g * OG) * (OD * OH * OW) + (z * OH + y0) * OW;

#pragma nounroll
  for (int i0 = 0; i0 < IG; i0 += IB) {
    const int channels = min(IB, IG - i0), steps = channels * TAPS;
    const bool first = i0 == 0, last = i0 + IB >= IG;
#if !POINTWISE
    FN(_slab)(slab + W, a, i0, channels, z, y0, A EXTRA_NAMES);
#endif
#pragma nounroll
    for (int begin = 0; begin < pixels; begin += PB * NR) {
      const int end = min(begin + PB * NR, pixels);
#pragma nounroll
      for (int p = begin; p < end; p += NR) {
        SCRATCH float *to = panel + (p - begin) * (IB * TAPS);
#if POINTWISE
        FN(_pack)(to, a + i0 * (IDX)(ID * IH * IW) + (z * OH + y0) * OW + p, channels, pixels - p, A EXTRA_NAMES);
#else
        FN(_pack)(to, slab + W, channels, p, pixels);
#endif
      }
      const IDX w = ((IDX)(g * OG)) * STEPS + i0 * TAPS;
      const int wide = NARROW && end == pixels && pixels % NR && pixels % NR <= W ? pixels - pixels % NR : end;
#pragma nounroll
      for (int c = c0; c < c1; c += MR) {
        const int row = min(c, OG - MR);    // the last tile makes channels again rather than being one of fewer
#pragma nounroll
        for (int p = begin; p < wide; p += NR) {
          SCRATCH float *sum = SUM(c - c0, p);
          FN(_tile)(steps, first, weights + w + row * (IDX)STEPS, panel + (p - begin) * (IB * TAPS), sum);
          if (last)
            FN(_store)(c - row, sum, o + row * (IDX)(OD * OH * OW), g * OG + row, p, pixels, C EXTRA_NAMES);
        }
      }
#if NARROW
      if (wide < end)
#pragma nounroll
        for (int c = c0; c < c1; c += 2 * MR) {
          const int tiles = c + MR < c1 ? 2 : 1, row[2] = {min(c, OG - MR), min(tiles == 2 ? c + MR : c, OG - MR)};
          SCRATCH float *sum[2] = {SUM(c - c0, wide), tiles == 2 ? SECOND(c + MR - c0, wide) : SUM(c - c0, wide)};
          FN(_narrow)(steps, first, weights + w + row[0] * (IDX)STEPS, weights + w + row[1] * (IDX)STEPS,
                      panel + (wide - begin) * (IB * TAPS), sum[0], sum[1]);
#pragma nounroll
          for (int i = 0; i < tiles && last; i++)
            FN(_store)(c + i * MR - row[i], sum[i], o + row[i] * (IDX)(OD * OH * OW), g * OG + row[i], wide, pixels, C EXTRA_NAMES);
        }
#endif
    }
  }
}

#define SLAB PADDED(POINTWISE ? 0 : IB * SLAB_I + 3 * W)
#define PANEL PADDED(PB * IB * TAPS * NR)
#define ARGS __global const A_TYPE *restrict A, __global const W_TYPE *restrict weights, __global C_TYPE *C EXTRA
#define ARG_NAMES A, weights, C EXTRA_NAMES
enum { FN(_scratch) = SLAB + PANEL + SUMS };
INLINE void FN(_group)(GRID, SCRATCH float *slab, ARGS) {
  SCRATCH float *panel = slab + SLAB;
  FN(_item)(x_, y_, z_, slab, panel, panel + PANEL, ARG_NAMES);
}
GROUP_KERNEL
#undef SLAB
#undef PANEL

#undef PANELS
#undef SUMS
#undef SUM
#undef SECOND
#undef WHOLE_VECTORS
#undef RUN
#undef A_AT
#undef W_TYPE
