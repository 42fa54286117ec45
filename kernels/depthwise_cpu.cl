// Depthwise convolution for CPU devices: every group has one channel of x, and OG channels of the result are made of it.
// There is nothing to multiply across channels, so a tile of products would be one row high; here lanes are neighbouring
// pixels, and each tap is read from the slab where it lies. Uses slab_cpu.cl (with IB 1), weights_cpu.cl, run_cpu.cl.
//
//      slab: one plane with its padding            out [rows][OW]
//     ┌──────────────────────┐   acc[r] += w[tap]·slab[y + r + ky][x + kx]
//     │   ▓▓▓▓▓▓▓▓  W lanes  │ ─────────────────▶  ROWS rows at a time: their sums do not wait for each other
//     │   ▓▓▓▓▓▓▓▓  ROWS rows│                     then stored in one run
//     └──────────────────────┘
//
// The last vector of a row goes beyond its end, into what the next row will write: so x descends and rows ascend.
//
//   SW 1 or 2; sizes as in conv_cpu.cl      RB rows of the result, GB groups an item
//
// NAME: global (OD·ceil(OH/RB), ceil(G/GB), BATCH), local (1,1,1); arguments A, B or work, C, extra.
#define ROWS 4
#if SW == 1
#define RUN(p) VLOAD(0, p)
#else
#define RUN(p) (VEC)(VLOAD(0, p).even, VLOAD(0, (p) + W).even)
#endif

// ROWS rows of W pixels from (y, x) on; beyond the item's rows the last one again. w: index of the channel's first weight.
INLINE void FN(_rows)(SCRATCH float *out, SCRATCH const float *slab, int y, int x, int rows, IDX w,
                      __global const W_TYPE *weights EXTRA) {
  VEC acc[ROWS];
  int at[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    acc[r] = (VEC)(0);
    at[r] = min(y + r, rows - 1) * (SH * SLAB_W) + x * SW;
  }
#pragma nounroll
  for (int kz = 0; kz < KD; kz++)
#pragma nounroll
    for (int ky = 0; ky < KH; ky++)
#pragma nounroll
      for (int kx = 0; kx < KW; kx++) {
        SCRATCH const float *tap = slab + kz * SLAB_Z + ky * (DH * SLAB_W) + kx * DW;
        const VEC by = (VEC)(weights[w + (kz * KH + ky) * KW + kx]);
#pragma unroll
        for (int r = 0; r < ROWS; r++) acc[r] = fma(by, RUN(tap + at[r]), acc[r]);
      }
#pragma unroll
  for (int r = 0; r < ROWS; r++) VSTORE(acc[r], 0, out + min(y + r, rows - 1) * OW + x);
}

#define ARGS __global const A_TYPE *restrict A, __global const W_TYPE *restrict weights, __global C_TYPE *C EXTRA
#define ARG_NAMES A, weights, C EXTRA_NAMES
BODY void FN(_item)(int block, int g0, int n, SCRATCH float *restrict slab, SCRATCH float *restrict out, ARGS) {
  const int blocks = (OH + RB - 1) / RB, z = block / blocks, y0 = block % blocks * RB, rows = min(RB, OH - y0);
#pragma nounroll
  for (int g = g0; g < min(g0 + GB, G); g++) {
    FN(_slab)(slab, ((IDX)n * G + g) * (ID * IH * IW), 0, 1, z, y0, A EXTRA_NAMES);
#pragma nounroll
    for (int c = g * OG; c < (g + 1) * OG; c++) {
#pragma nounroll
      for (int y = 0; y < rows; y += ROWS)
#pragma nounroll
        for (int x = (OW - 1) / W * W; x >= 0; x -= W) FN(_rows)(out, slab, y, x, rows, c * (IDX)STEPS, weights EXTRA_NAMES);
      const IDX first = ((IDX)n * (G * OG) + c) * (OD * OH * OW) + (z * OH + y0) * OW;
      FN(_store_run)(out, first, rows * OW, c, C EXTRA_NAMES);
    }
  }
}

#define SLAB PADDED(SLAB_I + 3 * W)
enum { FN(_scratch) = SLAB + RB * OW + W };
INLINE void FN(_group)(SCRATCH float *slab, ARGS) {
  FN(_item)((int)get_group_id(0), (int)get_group_id(1) * GB, (int)get_group_id(2), slab, slab + SLAB, ARG_NAMES);
}
GROUP_KERNEL
#undef SLAB
#undef ROWS
#undef RUN
#undef W_TYPE
