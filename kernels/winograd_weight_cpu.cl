// Gradient of a 3×3 convolution of stride 1 toward its weights by Winograd's way, for CPU devices. Uses winograd_cpu.cl,
// winograd_points_cpu.cl for x and dy, reduce.cl.
//
//      x: points [36][tile][IB]     dy: points [36][tile][OB]      sums [36][IB][OB],        C [O][I][3][3]
//     ┌──────────────────┐         ┌────────────────────┐         in scratch               ┌────┐
//     │ steps: tiles     │    ×    │ columns: outputs   │ ──────▶               ── Gᵀ m G ▶ │    │
//     └─ rows: channels ─┘         └────────────────────┘         lanes are outputs        └────┘
//
// An item adds IB channels × OB outputs over one of SPLIT chunks of the tiles, TB at a time, of which dy's points lie in
// scratch as panels. NAME_reduce adds the chunks up in order: every run gives the same sums.
//
//   IB OB       channels and outputs to an item, multiples of W and of NR
//   CHUNK TB    tiles to an item, and at once
//   A (x) B (dy) C  types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; o is linear in C, c the output channel
//
// NAME: global (SPLIT, ceil(OG/OB)·ceil(IG/IB)), local (1,1,1); arguments points of x, points of dy, C or work, extra.

#define PANELS (OB / NR)
#define SLOTS ((IB + MR - 1) / MR)
#define M_POINT (SLOTS * PANELS * MR * NR + NR)
#if SPLIT > 1
#define OUT_TYPE float
#else
#define OUT_TYPE C_TYPE
#endif
#define A_AT(r, k) v[(k) * IB + (r)]
PRODUCT

// The points p of tiles t … t+steps of dy as panels [PANELS][TB][NR].
INLINE void FN(_panels)(SCRATCH float *to, __global const float *from, int steps) {
#pragma nounroll
  for (int k = 0; k < steps; k++)
#pragma unroll
    for (int j = 0; j < OB; j += W) VAT(to + (j / NR * TB + k) * NR + j % NR) = VLOAD(0, from + k * OB + j);
}

// Where channel i of an item of `channels` stands in the sums: the last slot makes channels again.
INLINE int FN(_place)(int i, int channels) {
  const int slot = i / MR;
  return (slot * PANELS * MR + i - min(slot * MR, channels - MR)) * NR;
}

// The kernels of W outputs and all channels of the item, as [channel][3·3][W].
INLINE void FN(_kernels)(SCRATCH float *to, SCRATCH const float *sums, int channels) {
#pragma nounroll
  for (int i = 0; i < channels; i++) {
    SCRATCH const float *m = sums + FN(_place)(i, channels);
    VEC t[18], g[3];
#pragma nounroll
    for (int j = 0; j < 6; j++, m += M_POINT)
      FN(_kernel3)(VAT(m), VAT(m + 6 * M_POINT), VAT(m + 12 * M_POINT), VAT(m + 18 * M_POINT), VAT(m + 24 * M_POINT),
                   VAT(m + 30 * M_POINT), t + 3 * j);
#pragma nounroll
    for (int k = 0; k < 3; k++) {
      FN(_kernel3)(t[k], t[3 + k], t[6 + k], t[9 + k], t[12 + k], t[15 + k], g);
#pragma unroll
      for (int j = 0; j < 3; j++) VAT(to + (i * 9 + 3 * k + j) * W) = g[j];
    }
  }
}

// One output's kernels out of those of W, to C or to the chunk's sums. o0: index of its first weight.
INLINE void FN(_put)(SCRATCH const float *from, SCRATCH float *line, int count, IDX o0, int c, __global OUT_TYPE *C EXTRA) {
#pragma nounroll
  for (int k = 0; k < count; k++) line[k] = from[k * W];
#if SPLIT > 1
#pragma nounroll
  for (int k = 0; k < count; k++) C[o0 + k] = line[k];
#else
  FN(_store_run)(line, o0, count, c, C EXTRA_NAMES);
#endif
}

BODY void FN(_item)(int chunk, int block, SCRATCH float *restrict sums, SCRATCH float *restrict panels,
                    SCRATCH float *restrict kernels, SCRATCH float *restrict line, __global const float *restrict X,
                    __global const float *restrict Y, __global OUT_TYPE *C EXTRA) {
  const int iblocks = (IG + IB - 1) / IB, ib = block % iblocks, ob = block / iblocks, i0 = ib * IB, o0 = ob * OB;
  const int channels = min(IB, IG - i0), begin = chunk * CHUNK, end = min(begin + CHUNK, TILES);
#pragma nounroll
  for (int t = begin; t < end; t += TB) {
    const int steps = min(TB, end - t);
#pragma nounroll
    for (int p = 0; p < POINTS; p++) {
      FN(_panels)(panels, Y + POINT_AT(ob, OB, p, t), steps);
#pragma nounroll
      for (int i = 0, s = 0; i < channels; i += MR, s++)
#pragma nounroll
        for (int b = 0; b < PANELS; b++)
          FN(_product)(steps, t == begin, X + POINT_AT(ib, IB, p, t) + min(i, channels - MR), panels + b * (TB * NR),
                       sums + p * M_POINT + (s * PANELS + b) * (MR * NR));
    }
  }
#pragma nounroll
  for (int o = 0; o < min(OB, OG - o0); o += W) {
    FN(_kernels)(kernels, sums + o / NR * (MR * NR) + o % NR, channels);
#pragma nounroll
    for (int c = o0 + o; c < min(o0 + o + W, OG); c++) {
      const IDX at = ((SPLIT > 1 ? (IDX)chunk * OG : 0) + c) * ((IDX)IG * 9) + i0 * 9;
      FN(_put)(kernels + (c - o0 - o), line, channels * 9, at, c, C EXTRA_NAMES);
    }
  }
}

#define SUMS PADDED(POINTS * M_POINT)
#define PANELS_SIZE PADDED(PANELS * TB * NR)
#define KERNELS PADDED(IB * 9 * W)
#define ARGS __global const float *restrict X, __global const float *restrict Y, __global OUT_TYPE *C EXTRA
#define ARG_NAMES X, Y, C EXTRA_NAMES
enum { FN(_scratch) = SUMS + PANELS_SIZE + KERNELS + IB * 9 };
INLINE void FN(_group)(GRID, SCRATCH float *sums, ARGS) {
  SCRATCH float *panels = sums + SUMS, *kernels = panels + PANELS_SIZE;
  FN(_item)(x_, y_, sums, panels, kernels, kernels + KERNELS, ARG_NAMES);
}
GROUP_KERNEL
#undef SUMS
#undef PANELS_SIZE
#undef KERNELS

#undef PANELS
#undef SLOTS
#undef M_POINT
#undef OUT_TYPE
#undef A_AT
