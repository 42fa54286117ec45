// C[z][M][N] = A[z][M][K] × B[z][K][N] for GPU devices: what tile_gpu.cl is to multiply. Sizes and strides as in
// gemm_cpu.cl.
#define ROWS M
#define COLS N
#define STEPS K
#define PLANES (Z0 * Z1)
#define A_ALONG_STEPS (A_K == 1)
#define B_ALONG_STEPS (B_K == 1)
#define OUT(z, row, col) (((IDX)(z) * M + (row)) * N + (col))
#define CHANNEL(z, row, col) (col)
#define ARGS __global const A_TYPE *A, __global const B_TYPE *B EXTRA
#define ARG_NAMES A, B EXTRA_NAMES

INLINE float FN(_a)(int z, int row, IDX step, ARGS) {
  return LOAD_A(((z / Z1) * (IDX)A_Z0 + (z % Z1) * (IDX)A_Z1 + row * (IDX)A_M + step * (IDX)A_K));
}

INLINE float FN(_b)(int z, IDX step, int col, ARGS) {
  return LOAD_B(((z / Z1) * (IDX)B_Z0 + (z % Z1) * (IDX)B_Z1 + step * (IDX)B_K + col * (IDX)B_N));
}
