// Gradient of a convolution toward its weights, for CPU devices: C[O][I/G][kernel] = Σ over images and output pixels
// of dy [B][O][out] times x [B][I][in] where they meet. Uses tile_cpu.cl, slab_cpu.cl, reduce_cpu.cl.
//
// A GEMM over pixels: its rows j are the weights of one output channel, read as scalars straight from the slab of x
// (see slab_cpu.cl) at at[j], its columns are output channels, from dy turned into panels [pixel][NR]:
//
//      slab of x, at at[j] + pixel          panel of dy                sums in scratch: [OB/NR][JP][NR]
//      ┌───────────────┐                    pixel │ o … o+NR │         added to slice by slice, then written
//      │  j ▒▒▒▒▒▒     │   one scalar  ───▶       │          │  ───▶   to work[chunk][O][J], or stored when
//      └───────────────┘                          ↓          │         there is one chunk
//
// A slice is RB rows of one output plane of one image. The slices of the batch are cut into SPLIT chunks; a work-item
// sums one chunk for OB output and IB input channels. NAME_reduce adds the chunks up in order: every run gives the
// same sums.
//
//   sizes as in conv_cpu.cl; OB a multiple of NR; IB divides IG
//   rows: J = IB·KD·KH·KW, filled up to JP with the last one again, so that tiles are whole
//   A (x) B (dy) C  types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; o is linear in C, c the output channel
//
// NAME: global (SPLIT, G·ceil(OG/OB)·(IG/IB)), local (1,1,1); arguments A, B, C or work, extra.
// work: SPLIT·O·(I/G)·KD·KH·KW floats.

#define J (IB * TAPS)
#define JP ((J + MR - 1) / MR * MR)
#define YBLOCKS ((OH + RB - 1) / RB)
#define SLICES (BATCH * OD * YBLOCKS)
#define CHUNK ((SLICES + SPLIT - 1) / SPLIT)
#define A_AT(r, k) x[r][(k) * SW]
#if SPLIT > 1
#define OUT_TYPE float
#define PUT(o, c, v) C[o] = v
#else
#define OUT_TYPE C_TYPE
#define PUT(o, c, v) STORE(o, c, v)
#endif

// Where weight j's tap begins in the slab.
INLINE void FN(_taps)(SCRATCH int *at) {
  int j = 0;
#pragma nounroll
  for (int i = 0; i < IB; i++)
#pragma nounroll
    for (int kz = 0; kz < KD; kz++)
#pragma nounroll
      for (int ky = 0; ky < KH; ky++)
#pragma nounroll
        for (int kx = 0; kx < KW; kx++) at[j++] = i * SLAB_I + kz * SLAB_Z + ky * (DH * SLAB_W) + kx * DW;
#pragma nounroll
  for (; j < JP; j++) at[j] = at[J - 1];
}

// MR weights × NR channels over the lines of one slice.
INLINE void FN(_tile)(int lines, bool first, SCRATCH const float *slab, SCRATCH const int *at, SCRATCH const float *panel,
                      SCRATCH float *sums) {
  VEC acc[MR][NV];
  SCRATCH const float *x[MR];
#pragma unroll
  for (int r = 0; r < MR; r++) x[r] = slab + at[r];
  FN(_recall)(first, acc, sums);
#pragma nounroll
  for (int y = 0; y < lines; y++) {
    TILE(OW, panel, acc)
    panel += OW * NR;
#pragma unroll
    for (int r = 0; r < MR; r++) x[r] += SH * SLAB_W;
  }
  FN(_keep)(acc, sums);
}

BODY void FN(_item)(int chunk, int block, SCRATCH float *restrict slab, SCRATCH float *restrict panel,
                    SCRATCH float *restrict sums, SCRATCH int *restrict at, __global const A_TYPE *restrict A,
                    __global const B_TYPE *restrict B, __global OUT_TYPE *C EXTRA) {
  const int iblocks = IG / IB, oblocks = (OG + OB - 1) / OB;
  const int i0 = block % iblocks * IB, c0 = block / iblocks % oblocks * OB, g = block / iblocks / oblocks;
  const int c1 = min(c0 + OB, OG), s0 = chunk * CHUNK, s1 = min(s0 + CHUNK, SLICES);
  FN(_taps)(at);

#pragma nounroll
  for (int s = s0; s < s1; s++) {
    const int n = s / (OD * YBLOCKS), z = s / YBLOCKS % OD, y0 = s % YBLOCKS * RB, lines = min(RB, OH - y0);
    FN(_slab)(slab, ((IDX)n * (G * IG) + g * IG) * (ID * IH * IW), i0, IB, z, y0, A EXTRA_NAMES);
#pragma nounroll
    for (int c = c0; c < c1; c += NR) {
      const IDX b = (((IDX)n * (G * OG) + g * OG + c) * OD + z) * (OH * OW) + y0 * OW;
      SCRATCH float *sum = sums + (c - c0) * JP;
      FN(_pack_turned)(panel, b, (IDX)(OD * OH * OW), lines * OW, c1 - c, B EXTRA_NAMES);
#pragma nounroll
      for (int j = 0; j < JP; j += MR) FN(_tile)(lines, s == s0, slab, at + j, panel, sum + j * NR);
    }
  }

  const IDX o0 = (SPLIT > 1 ? (IDX)chunk * (G * OG) + g * OG : (IDX)g * OG) * STEPS + i0 * TAPS;
#pragma nounroll
  for (int c_in = c0; c_in < c1; c_in++) {
    SCRATCH const float *sum = sums + (c_in - c0) / NR * (NR * JP) + (c_in - c0) % NR;
#pragma nounroll
    for (int j = 0; j < J; j++) {
      const int c = g * OG + c_in;
      const IDX o = o0 + c_in * (IDX)STEPS + j;
      const float v = sum[j * NR];
      PUT(o, c, v);
    }
  }
}

#define SLAB PADDED(IB * SLAB_I + 3 * W)
#define PANEL PADDED(RB * OW * NR)
#define ARGS __global const A_TYPE *restrict A, __global const B_TYPE *restrict B, __global OUT_TYPE *C EXTRA
#define ARG_NAMES A, B, C EXTRA_NAMES
enum { FN(_scratch) = SLAB + PANEL + OB * JP + JP };
INLINE void FN(_group)(GRID, SCRATCH float *slab, ARGS) {
  SCRATCH float *panel = slab + SLAB, *sums = panel + PANEL;
  FN(_item)(x_, y_, slab, panel, sums, (SCRATCH int *)(sums + OB * JP), ARG_NAMES);
}
GROUP_KERNEL
#undef SLAB
#undef PANEL

#undef J
#undef JP
#undef YBLOCKS
#undef SLICES
#undef CHUNK
#undef A_AT
#undef OUT_TYPE
#undef PUT
