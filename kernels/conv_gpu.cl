// Convolution for GPU devices: what tile_gpu.cl is to multiply. Uses taps_gpu.cl. Sizes, strides of w and splicing as
// in conv_cpu.cl.
//
//   rows: output channels of a group     columns: output pixels of all images     steps: (i, kz, ky, kx)
//   A of the tile is w, B of the tile the pixels of x under the taps, computed as they are loaded (implicit GEMM).
#define ROWS OG
#define COLS (BATCH * PIXELS)
#define STEPS (IG * TAPS)
#define PLANES G
#define A_ALONG_STEPS (W_O != 1)
#define B_ALONG_STEPS 0
#define OUT(z, row, col) (((IDX)((col) / PIXELS) * (G * OG) + (z) * OG + (row)) * PIXELS + (col) % PIXELS)
#define CHANNEL(z, row, col) ((z) * OG + (row))

INLINE float FN(_a)(int z, int row, IDX step, ARGS) {
  const int k = (int)step;
  return LOAD_B(((z * OG + row) * (IDX)W_O + k / TAPS * (IDX)W_I + k / (KH * KW) % KD * (IDX)W_D +
                 k / KW % KH * (IDX)W_H + k % KW * (IDX)W_W));
}

INLINE float FN(_b)(int z, IDX step, int col, ARGS) {
  const int k = (int)step;
  return FN(_x)(col / PIXELS, z * IG + k / TAPS, k % TAPS, col % PIXELS, ARG_NAMES);
}
