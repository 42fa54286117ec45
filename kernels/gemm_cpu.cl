// C[z][M][N] = A[z][M][K] × B[z][K][N] for CPU devices, any strides, batched. Uses tile_cpu.cl.
//
//          ┌── N ──────────────┐        a work-item makes MB × NB of C:
//          │      │  NB  │     │  B       for each block of KB steps of K
//          │      │▓▓▓▓▓▓│ KB  │            for each NR columns:
//     ┌──K─┼──────┼──────┼─────┤              pack B[KB][NR] into scratch, a panel that stays in the first-level cache
//     │    │      │      │     │              for each MR rows of A[MB][KB], which stays in the second:
//   M │▒▒▒▒│ MB   │ tile │     │  C             the register tile
//     │  A │      │      │     │          sums of unfinished blocks wait in scratch [MB/MR][NB/NR][MR][NR]
//     └────┴──────┴──────┴─────┘        With PACK_A rows are packed too, and for the sake of that rows are outside: first
//                                       all panels, then for each MR rows packed, for each panel, the tile.
//                                       Scratch is local memory of a group of one: private to a core, hot in
//                                       its cache, with nothing to synchronise.
//
//   M N K              sizes                     Z0 Z1               batch sizes, 1 for none
//   A_Z0 A_Z1 A_M A_K  strides of A, elements    B_Z0 B_Z1 B_K B_N   of B
//   MB NB KB           block sizes; MB a multiple of MR, which is at most M; NB of NR
//   PACK_A             1: rows of A go through scratch, because they are read across (A_K not 1) or through a
//                      prologue; A_MR, the row count of the packed form, is MR rounded up to a multiple of W
//   SPLIT              slices of K (1: none): slice s writes its sums to work[s][z][M][N], and _reduce adds
//                      them up in order and stores
//   AHEAD              1: NAME_at is given B as panels [N/NR][K][NR], which NAME_ahead makes: for who multiplies by the same B
//                      many times. Not with PACK_A
//   PANELS_A           1: A is panels [M/MR][K][MR] too, whose last begins at row M - MR. Large products are made so, of what two
//                      launches before have packed (panels_cpu.cl): every block reads it as it lies
//   A_TYPE B_TYPE C_TYPE, LOAD_A(i) LOAD_B(i) LOAD_B_V(i), STORE(o, c, v) STORE_V(o, c, v), EXTRA EXTRA_NAMES
//                      see compiler/gen/templates.h; o = (z·M + m)·N + n, c = n
//
// NAME: global (ceil(M/MB), ceil(N/NB), Z0·Z1·SPLIT), local (1,1,1); arguments A, B, C or work, extra.
// NAME_reduce (SPLIT > 1): see reduce_cpu.cl; work: SPLIT·Z0·Z1·M·N floats.

#define K_SLICE ((K + SPLIT - 1) / SPLIT)
#if PANELS_A
#define A_AT(r, k) at[(k) * MR + (r)]
#define A_BEGIN(m, row) ((m) * (IDX)K)
#define A_STEP MR
#else
#define A_BEGIN(m, row) ((row) * (IDX)A_M)
#define A_STEP A_K
#if !PACK_A
#define A_AT(r, k) at[(r) * (long)A_M + (k)]
#elif A_K == 1
#define A_AT(r, k) pa[(r) * KB + (k)]
#else
#define A_AT(r, k) pa[(k) * A_MR + (r)]
#endif
#endif
#if K_SLICE > KB
#define SUMS (MB * NB)
#else
#define SUMS (MR * NR)
#endif

#if !PANELS_A
// B[k0 … k0+steps)[n0 … n0+NR) into a panel, zeros beyond N. b: index of B[k0][n0].
INLINE void FN(_pack)(SCRATCH float *to, IDX b, int steps, int cols, __global const B_TYPE *B EXTRA) {
#if B_K != 1 || B_N == 1
  if (cols < NR) {
#pragma nounroll
    for (int k = 0; k < steps; k++)
#pragma nounroll
      for (int j = 0; j < NR; j++) to[k * NR + j] = j < cols ? LOAD_B((b + k * (IDX)B_K + j * (IDX)B_N)) : 0.0f;
    return;
  }
#endif
#if B_N == 1
#pragma nounroll
  for (int k = 0; k < steps; k++)
#pragma unroll
    for (int j = 0; j < NV; j++) VAT(to + k * NR + j * W) = LOAD_B_V((b + k * (IDX)B_K + j * W));
#elif B_K == 1
  FN(_pack_turned)(to, b, B_N, steps, cols, B EXTRA_NAMES);
#else
#pragma nounroll
  for (int k = 0; k < steps; k++)
#pragma nounroll
    for (int j = 0; j < NR; j++) to[k * NR + j] = LOAD_B((b + k * (IDX)B_K + j * (IDX)B_N));
#endif
}

#endif

#if PACK_A
// MR rows of A over `steps` steps: as they lie when they are contiguous, else turned to [k][A_MR].
// `spare`: at least A_MR rows are left, so that reading a whole vector stays inside A.
INLINE void FN(_pack_a)(SCRATCH float *pa, IDX a, bool spare, int steps, __global const A_TYPE *A EXTRA) {
#if A_K == 1
#pragma nounroll
  for (int r = 0; r < MR; r++) {
    int k = 0;
#pragma nounroll
    for (; k + W <= steps; k += W) VSTORE(LOAD_A_V((a + r * (IDX)A_M + k)), 0, pa + r * KB + k);
#pragma nounroll
    for (; k < steps; k++) pa[r * KB + k] = LOAD_A((a + r * (IDX)A_M + k));
  }
#else
#if A_M == 1
  if (spare) {
#pragma nounroll
    for (int k = 0; k < steps; k++)
#pragma unroll
      for (int r = 0; r < A_MR; r += W) VAT(pa + k * A_MR + r) = LOAD_A_V((a + k * (IDX)A_K + r));
    return;
  }
#endif
#pragma nounroll
  for (int k = 0; k < steps; k++)
#pragma nounroll
    for (int r = 0; r < MR; r++) pa[k * A_MR + r] = LOAD_A((a + k * (IDX)A_K + r * (IDX)A_M));
#endif
}
#endif

// Finished sums on their way out: to work when other slices of K must still be added, else to the caller's STORE. One loop
// for all tiles: what the caller does with a result stands once in the kernel, not in every register.
#if SPLIT > 1
#define OUT_TYPE float
#define BY_VECTOR 1
#define PUT(o, c, v) C[o] = v
#define PUT_V(o, c, v) VSTORE(v, 0, C + o)
#else
#define OUT_TYPE C_TYPE
#define BY_VECTOR STORES_VECTORS
#define PUT(o, c, v) STORE(o, c, v)
#define PUT_V(o, c, v) STORE_V(o, c, v)
#endif

// Rows from `row` on of a tile whose first element is C[o_row + n].
INLINE void FN(_store)(int row, SCRATCH const float *sums, IDX o_row, int n, __global OUT_TYPE *C EXTRA) {
  const int cols = min(NR, N - n);
#pragma nounroll
  for (int r = row; r < MR; r++) {
    const IDX o_r = o_row + r * (IDX)N;
    int j = 0;
#if BY_VECTOR
#pragma unroll
    for (int i = 0; i < NV; i++) {
      if (j + W > cols) break;
      const int c = n + j;
      const IDX o = o_r + c;
      const VEC v = VAT(sums + r * NR + j);
      PUT_V(o, c, v);
      j += W;
    }
#endif
#if !BY_VECTOR || N % W
#pragma nounroll
    for (; j < cols; j++) {
      const int c = n + j;
      const IDX o = o_r + c;
      const float v = sums[r * NR + j];
      PUT(o, c, v);
    }
#endif
  }
}

// One register tile over one block of K, added to the sums so far.
INLINE void FN(_tile)(int steps, bool first, __global const A_TYPE *at, SCRATCH const float *pa, PANEL_SPACE const float *b,
                      SCRATCH float *sums) {
  VEC acc[MR][NV];
  FN(_recall)(K_SLICE <= KB || first, acc, sums);
  TILE(steps, b, acc)
  FN(_keep)(acc, sums);
}

// The tile at row m (or the last that lies inside) and column n of the item's block, and its results once they are finished.
INLINE void FN(_tile_at)(int m, int m0, int n, int n0, int steps, bool first, bool last, IDX a, IDX o,
                         PANEL_SPACE const float *panel, SCRATCH const float *pa, SCRATCH float *sums,
                         __global const A_TYPE *A, __global OUT_TYPE *C EXTRA) {
  const int row = min(m, M - MR);     // the last tile makes rows again rather than being one of fewer rows
  SCRATCH float *sum = sums + (SUMS == MB * NB ? (m - m0) * NB + (n - n0) * MR : 0);
  FN(_tile)(steps, first, A + a + A_BEGIN(m, row), pa, panel, sum);
  if (last) FN(_store)(m - row, sum, o + row * (IDX)N, n, C EXTRA_NAMES);
}

BODY void FN(_item)(int m0, int n0, int zs, SCRATCH float *restrict panel, SCRATCH float *restrict sums,
                    SCRATCH float *restrict pa, __global const A_TYPE *restrict A, __global const B_TYPE *restrict B,
                    __global OUT_TYPE *C EXTRA) {
  const int m1 = min(m0 + MB, M), n1 = min(n0 + NB, N), z = zs / SPLIT, s = zs % SPLIT;
  const int k_begin = s * K_SLICE, k_end = min(k_begin + K_SLICE, K);
  const IDX a0 = (z / Z1) * (IDX)A_Z0 + (z % Z1) * (IDX)A_Z1, b0 = (z / Z1) * (IDX)B_Z0 + (z % Z1) * (IDX)B_Z1;
  const IDX o = ((IDX)s * (Z0 * Z1) + z) * ((IDX)M * N);

#pragma nounroll
  for (int k0 = k_begin; k0 < k_end; k0 += KB) {
    const int steps = min(KB, k_end - k0);
    const bool first = k0 == k_begin, last = k0 + KB >= k_end;
    const IDX a = a0 + k0 * (IDX)A_STEP, b = b0 + k0 * (IDX)B_K;
#pragma nounroll
    for (int n = n0; n < n1; n += NR) {
#if AHEAD
      __global const float *to = B + b0 + n * (IDX)K + k0 * NR;
#else
      SCRATCH float *to = panel + (PACK_A ? (n - n0) * KB : 0);
      FN(_pack)(to, b + n * (IDX)B_N, steps, N - n, B EXTRA_NAMES);
#endif
#if !PACK_A
#pragma nounroll
      for (int m = m0; m < m1; m += MR)
        FN(_tile_at)(m, m0, n, n0, steps, first, last, a, o, to, pa, sums, A, C EXTRA_NAMES);
#endif
    }
#if PACK_A
#pragma nounroll
    for (int m = m0; m < m1; m += MR) {
      const int row = min(m, M - MR);
      FN(_pack_a)(pa, a + row * (IDX)A_M, row + A_MR <= M, steps, A EXTRA_NAMES);
#pragma nounroll
      for (int n = n0; n < n1; n += NR)
        FN(_tile_at)(m, m0, n, n0, steps, first, last, a, o, panel + (n - n0) * KB, pa, sums, A, C EXTRA_NAMES);
    }
#endif
  }
}

#define PANEL (PANELS_A ? 0 : PADDED(KB * (PACK_A ? NB : NR)))
#define ARGS __global const A_TYPE *restrict A, __global const B_TYPE *restrict B, __global OUT_TYPE *C EXTRA
#define ARG_NAMES A, B, C EXTRA_NAMES
enum { FN(_scratch) = PANEL + PADDED(SUMS) + (PACK_A ? KB * A_MR : 0) };
INLINE void FN(_at)(int x, int y, int z, SCRATCH float *panel, ARGS) {
  SCRATCH float *sums = panel + PANEL, *pa = sums + PADDED(SUMS);
  FN(_item)(x * MB, y * NB, z, panel, sums, pa, ARG_NAMES);
}
INLINE void FN(_group)(GRID, SCRATCH float *panel, ARGS) {
  FN(_at)(x_, y_, z_, panel, ARG_NAMES);
}
GROUP_KERNEL

#if AHEAD && !PANELS_A
// `to`: K floats for each column, in whole panels.
BODY void FN(_ahead)(SCRATCH float *restrict panel, __global float *restrict to, ARGS) {
#pragma nounroll
  for (int n = 0; n < N; n += NR)
#pragma nounroll
    for (int k0 = 0; k0 < K; k0 += KB) {
      const int steps = min(KB, K - k0);
      FN(_pack)(panel, k0 * (IDX)B_K + n * (IDX)B_N, steps, N - n, B EXTRA_NAMES);
#pragma nounroll
      for (int i = 0; i < steps * NR; i += W) VSTORE(VAT(panel + i), 0, to + n * (IDX)K + k0 * NR + i);
    }
}
#endif

#undef PANEL
#undef K_SLICE
#undef A_AT
#undef A_BEGIN
#undef A_STEP
#undef SUMS
#undef OUT_TYPE
#undef BY_VECTOR
#undef PUT
#undef PUT_V
