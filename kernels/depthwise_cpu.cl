// Depthwise convolution for CPU devices: every group has one channel of x, and OG channels of the result are made of it.
// There is nothing to multiply across channels, so a tile of products would be one row high; here lanes are neighbouring
// pixels, and each tap is read from the slab where it lies. Uses slab_cpu.cl (with IB 1), weights_cpu.cl, run_cpu.cl.
//
//      lines: one plane with its padding            out [rows][OW]
//     ┌──────────────────────┐   acc[r] += w[tap]·lines[y + r + ky][x + kx]
//     │   ▓▓▓▓▓▓▓▓  W lanes  │ ─────────────────▶  ROWS rows at a time: their sums do not wait for each other
//     │   ▓▓▓▓▓▓▓▓  ROWS rows│                     then stored in one run
//     └──────────────────────┘
//
// With stride 2 a line is two: its even columns, then its odd ones, so that each tap finds W of its pixels side by side. The
// padding is the same for all planes of an item: it is written once. The last vector of a line writes zeros beyond its end.
//
// The last vector of a row goes beyond its end, into what the next row will write: so x descends and rows ascend.
//
//   SW 1 or 2; sizes as in conv_cpu.cl      RB rows of the result, GB groups an item
//   PITCH                                   columns of one phase of a line, with room for whole vectors
//   TAKEN                                   columns of x that are read
//
// NAME: global (OD·ceil(OH/RB), ceil(G/GB), BATCH), local (1,1,1); arguments A, B or work, C, extra.
#define ROWS 4
#define LINE (SW * PITCH)
#define LINES (KD * SLAB_H * LINE)
#define PLACE(s) ((s) % SW * PITCH + (s) / SW)      // of column s of the padded plane
#define BEFORE_END(v, x) ((x) + W <= TAKEN ? v : select(v, (VEC)(0), (INTS)(TAKEN - (x)) <= LANES))

// One line from the row of x whose first element has index a.
INLINE void FN(_line)(SCRATCH float *to, IDX a, __global const A_TYPE *A EXTRA) {
  int x = 0;
#if XW == 1 && LO_W >= 0
#pragma nounroll
  for (; x < TAKEN && a + x + SW * W <= (IDX)BATCH * (G * ID * IH * IW); x += SW * W) {
    const VEC v = LOAD_A_V((a + x)), here = BEFORE_END(v, x);
#if SW == 1
    VSTORE(here, 0, to + LO_W + x);
#else
    const VEC n = LOAD_A_V((a + x + W)), next = BEFORE_END(n, x + W);
    VSTORE((VEC)(here.even, next.even), 0, to + PLACE(LO_W) + x / 2);
    VSTORE((VEC)(here.odd, next.odd), 0, to + PLACE(LO_W + 1) + x / 2);
#endif
  }
#endif
#pragma nounroll
  for (; x < TAKEN; x++) {
    const int s = x * XW + LO_W;
    if (s >= 0) to[PLACE(s)] = LOAD_A((a + x));
  }
}

// The lines of one plane, for output plane z and rows from y0 on; those outside of x stay as they are. a: index of its
// first element.
INLINE void FN(_lines)(SCRATCH float *lines, IDX a, int z, int y0, __global const A_TYPE *A EXTRA) {
#pragma nounroll
  for (int kz = 0; kz < KD; kz++) {
    const int zx = z * SD + kz * DD - LO_D;
    if (zx < 0 || zx % XD || zx / XD >= ID) continue;
#pragma nounroll
    for (int sy = 0; sy < SLAB_H; sy++) {
      const int yx = y0 * SH + sy - LO_H;
      if (yx < 0 || yx % XH || yx / XH >= IH) continue;
      FN(_line)(lines + (kz * SLAB_H + sy) * LINE, a + ((IDX)(zx / XD) * IH + yx / XH) * IW, A EXTRA_NAMES);
    }
  }
}

// ROWS rows of W pixels from (y, x) on; beyond the item's rows the last one again. w: index of the channel's first weight.
INLINE void FN(_rows)(SCRATCH float *out, SCRATCH const float *lines, int y, int x, int rows, IDX w,
                      __global const W_TYPE *weights EXTRA) {
  VEC acc[ROWS];
  int at[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    acc[r] = (VEC)(0);
    at[r] = min(y + r, rows - 1) * (SH * LINE) + x;
  }
#pragma nounroll
  for (int kz = 0; kz < KD; kz++)
#pragma nounroll
    for (int ky = 0; ky < KH; ky++)
#pragma nounroll
      for (int kx = 0; kx < KW; kx++) {
        SCRATCH const float *tap = lines + (kz * SLAB_H + ky * DH) * LINE + PLACE(kx * DW);
        const VEC by = (VEC)(weights[w + (kz * KH + ky) * KW + kx]);
#pragma unroll
        for (int r = 0; r < ROWS; r++) acc[r] = fma(by, VLOAD(0, tap + at[r]), acc[r]);
      }
#pragma unroll
  for (int r = 0; r < ROWS; r++) VSTORE(acc[r], 0, out + min(y + r, rows - 1) * OW + x);
}

#define ARGS __global const A_TYPE *restrict A, __global const W_TYPE *restrict weights, __global C_TYPE *C EXTRA
#define ARG_NAMES A, weights, C EXTRA_NAMES
BODY void FN(_item)(int block, int g0, int n, SCRATCH float *restrict lines, SCRATCH float *restrict out, ARGS) {
  const int blocks = (OH + RB - 1) / RB, z = block / blocks, y0 = block % blocks * RB, rows = min(RB, OH - y0);
#pragma nounroll
  for (int i = 0; i < LINES; i += W) VSTORE((VEC)(0), 0, lines + i);
#pragma nounroll
  for (int g = g0; g < min(g0 + GB, G); g++) {
    FN(_lines)(lines, ((IDX)n * G + g) * (ID * IH * IW), z, y0, A EXTRA_NAMES);
#pragma nounroll
    for (int c = g * OG; c < (g + 1) * OG; c++) {
#pragma nounroll
      for (int y = 0; y < rows; y += ROWS)
#pragma nounroll
        for (int x = (OW - 1) / W * W; x >= 0; x -= W) FN(_rows)(out, lines, y, x, rows, c * (IDX)STEPS, weights EXTRA_NAMES);
      const IDX first = ((IDX)n * (G * OG) + c) * (OD * OH * OW) + (z * OH + y0) * OW;
      FN(_store_run)(out, first, rows * OW, c, C EXTRA_NAMES);
    }
  }
}

#define ALL_LINES PADDED(LINES + 3 * W)
enum { FN(_scratch) = ALL_LINES + RB * OW + W };
INLINE void FN(_group)(GRID, SCRATCH float *lines, ARGS) {
  FN(_item)(x_, y_ * GB, z_, lines, lines + ALL_LINES, ARG_NAMES);
}
GROUP_KERNEL
#undef ALL_LINES
#undef ROWS
#undef LINE
#undef LINES
#undef PLACE
#undef BEFORE_END
#undef W_TYPE
