// From planes to Winograd's points, for CPU devices: tiles of TAKES × TAKES places, four apart, become 36 numbers each, along
// lanes that are W channels. A kernel of its own, shared by all that take planes of these sizes so. Uses winograd_cpu.cl.
//
//      planes [BATCH][CHANNELS][HEIGHT][WIDTH]     lanes [row][PITCH][W], scratch    points [block][36][TILES_V][BLOCK]
//      ┌──────────┐  the same row of W planes   ┌───┬───┬───┬─                       ┌───────────────────────────┐
//      │ ▒▒▒▒▒▒▒▒ │ ──────── turned ─────────▶ │ x │x+1│ … │    ── transform ─────▶ │ channels of a tile's point │
//      └──────────┘                             └───┴───┴───┴─                       └───────────────────────────┘
//
//   TAKES                                           6: transformed by Bᵀ d B; 4: by A d Aᵀ
//   OPERAND O_TYPE O_LOAD(i) O_LOAD_V(i)            A or B, and how it is read
//   CHANNELS BLOCK HEIGHT WIDTH                     sizes; BLOCK is a multiple of W
//   FROM_H FROM_W APART_H APART_W                   padding, 0 to 2; 1, or how far elements are apart: zeros between
//   RI                                              rows of tiles to an item, within one image
//
// NAME: global (BATCH·ceil(TY/RI), blocks of channels), local (1,1,1); arguments operand, work.

#define PITCH (TX * 4 + TAKES - 4)
#define LANES_SIZE (((RI * 4 + TAKES - 4) * PITCH + W * APART_W) * W)
#define PLANE_SIZE ((IDX)(HEIGHT * WIDTH))

// A row of W channels into lanes, with its padding and the zeros between elements that are apart. What it writes beyond its
// end is corrected by the next row. a: index of the row in the first of the channels.
INLINE void FN(_row)(SCRATCH float *to, IDX a, int channels, bool inside, __global const O_TYPE *OPERAND) {
  int x = 0;
#pragma nounroll
  for (; x < (inside && APART_W == 1 ? FROM_W : PITCH); x++) VAT(to + x * W) = (VEC)(0);
  if (!inside) return;
#pragma nounroll
  for (x = 0; x < WIDTH; x += W) {
    const int first = min(x, max(WIDTH - W, 0));
    SCRATCH float *at = to + (first * APART_W + FROM_W) * W;
    if (channels >= W && a + (W - 1) * PLANE_SIZE + first + W <= BATCH * CHANNELS * PLANE_SIZE) {
      VEC t[W];
#pragma unroll
      for (int i = 0; i < W; i++) t[i] = O_LOAD_V((a + i * PLANE_SIZE + first));
      FN(_transpose)(t);
#pragma unroll
      for (int i = 0; i < W; i++) VAT(at + i * (APART_W * W)) = t[i];
    } else {
#pragma nounroll
      for (int j = 0; j < min(W, WIDTH - first); j++)
#pragma nounroll
        for (int i = 0; i < W; i++)
          at[j * (APART_W * W) + i] = O_LOAD((a + min(i, channels - 1) * PLANE_SIZE + first + j));
    }
  }
#pragma nounroll
  for (x = FROM_W + (WIDTH - 1) * APART_W + 1; x < PITCH; x++) VAT(to + x * W) = (VEC)(0);
}

#if TAKES == 6
#define TRANSFORM(d, v) FN(_data6)(d(0), d(1), d(2), d(3), d(4), d(5), v)
#else
#define TRANSFORM(d, v) FN(_spread6)(d(0), d(1), d(2), d(3), v)
#endif
#define DOWN(k) VAT(d + ((k) * PITCH + j) * W)
#define ACROSS(k) t[6 * (k) + i]

INLINE void FN(_tile)(SCRATCH const float *d, __global float *to) {
  VEC t[TAKES * 6];
#pragma nounroll
  for (int j = 0; j < TAKES; j++) TRANSFORM(DOWN, t + 6 * j);
#pragma nounroll
  for (int i = 0; i < 6; i++) {
    VEC v[6];
    TRANSFORM(ACROSS, v);
#pragma unroll
    for (int j = 0; j < 6; j++) VSTORE(v[j], 0, to + (6 * i + j) * ((IDX)TILES_V * BLOCK));
  }
}

BODY void FN(_item)(int block, int cb, SCRATCH float *restrict lanes, __global const O_TYPE *restrict OPERAND,
                    __global float *restrict work) {
  const int blocks = (TY + RI - 1) / RI, n = block / blocks, ty0 = block % blocks * RI, rows = min(RI, TY - ty0);
  const int c0 = cb * BLOCK, c1 = min(c0 + BLOCK, CHANNELS);
#pragma nounroll
  for (int c = c0; c < c1; c += W) {
#pragma nounroll
    for (int s = 0; s < rows * 4 + TAKES - 4; s++) {
      const int y = ty0 * 4 + s - FROM_H;
      const bool inside = y >= 0 && y % APART_H == 0 && y / APART_H < HEIGHT;
      const IDX a = ((IDX)n * CHANNELS + c) * PLANE_SIZE + (inside ? y / APART_H : 0) * WIDTH;
      FN(_row)(lanes + s * (PITCH * W), a, c1 - c, inside, OPERAND);
    }
#pragma nounroll
    for (int r = 0; r < rows; r++)
#pragma nounroll
      for (int x = 0; x < TX; x++)
        FN(_tile)(lanes + (r * PITCH + x) * (4 * W), work + POINT_AT(cb, BLOCK, 0, (n * TY + ty0 + r) * TX + x) + (c - c0));
  }
}

#define ARGS __global const O_TYPE *restrict OPERAND, __global float *restrict work
#define ARG_NAMES OPERAND, work
enum { FN(_scratch) = LANES_SIZE };
INLINE void FN(_group)(GRID, SCRATCH float *lanes, ARGS) { FN(_item)(x_, y_, lanes, ARG_NAMES); }
GROUP_KERNEL

#undef PITCH
#undef LANES_SIZE
#undef PLANE_SIZE
#undef TRANSFORM
#undef DOWN
#undef ACROSS
