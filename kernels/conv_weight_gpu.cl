// Gradient of a convolution toward its weights, for GPU devices: what tile_gpu.cl is to multiply. Uses taps_gpu.cl.
//
//   rows: output channels of a group     columns: weights (i, kz, ky, kx) of one     steps: output pixels of all images
//   A of the tile is dy, B of the tile the pixels of x under the taps. Few tiles and many steps: usually split.
#define ROWS OG
#define COLS (IG * TAPS)
#define STEPS (BATCH * PIXELS)
#define PLANES G
#define A_ALONG_STEPS 1
#define B_ALONG_STEPS 1
#define OUT(z, row, col) (((IDX)(z) * OG + (row)) * COLS + (col))
#define CHANNEL(z, row, col) ((z) * OG + (row))

INLINE float FN(_a)(int z, int row, IDX step, ARGS) {
  return LOAD_B(((step / PIXELS * (G * OG) + z * OG + row) * PIXELS + step % PIXELS));
}

INLINE float FN(_b)(int z, IDX step, int col, ARGS) {
  return FN(_x)((int)(step / PIXELS), z * IG + col / TAPS, col % TAPS, (int)(step % PIXELS), ARG_NAMES);
}
