// The tiled GEMM of the GPU templates: two levels of tiles, local memory, barriers. The template before this text
// (gemm_gpu.cl, conv_gpu.cl, conv_weight_gpu.cl) says what the matrices are. Uses begin.cl.
//
//               BN                      a group makes BM × BN of a result plane in steps of BK:
//           ┌────────┐ BK                 all its work-items copy BK columns of A and BK rows of B to local memory
//           │   bs   │                    barrier; each adds to its TM × TN sums in registers; barrier
//      BK   └────────┘
//     ┌──┐  ┌────────┐ work-item (lx, ly) holds rows ly·TM … +TM and columns lx, lx + BN/TN, … : neighbours read
//  BM │as│  │ lx → ly│ neighbouring columns of bs, and store neighbouring results.
//     └──┘  └────────┘
//
//   ROWS COLS STEPS PLANES   sizes: rows and columns of a result plane, contraction, planes (batch or groups)
//   FN(_a)(z, row, step, ARGS), FN(_b)(z, step, col, ARGS)   one element, asked for only inside the sizes
//   A_ALONG_STEPS B_ALONG_STEPS   1: neighbours in memory are neighbouring steps, so neighbouring work-items load these
//   OUT(z, row, col), CHANNEL(z, row, col)   index in C, and the `c` of STORE
//   BM BN BK TM TN           powers of two; BM·BN/(TM·TN) work-items
//   SPLIT                    slices of the steps: slice s writes to work[s][COUNT], NAME_reduce adds them up
//                            (reduce.cl)
//   ARGS, ARG_NAMES          the parameters of all functions here: A, B and extra
//
// NAME: global (ceil(COLS/BN)·BN/TN, ceil(ROWS/BM)·BM/TM, PLANES·SPLIT), local (BN/TN, BM/TM, 1);
// arguments A, B, C or work, extra.

#define NX (BN / TN)
#define NY (BM / TM)
#define GROUP (NX * NY)
#define SLICE ((STEPS + SPLIT - 1) / SPLIT)
#define A_PITCH (BM + 1)
#define B_PITCH (BN + 1)

__kernel __attribute__((reqd_work_group_size(NX, NY, 1)))
#if SPLIT > 1
void NAME(__global const A_TYPE *restrict A, __global const B_TYPE *restrict B, __global float *restrict work EXTRA) {
#else
void NAME(__global const A_TYPE *restrict A, __global const B_TYPE *restrict B, __global C_TYPE *C EXTRA) {
#endif
  __local float as[BK * A_PITCH], bs[BK * B_PITCH];
  const int lx = (int)get_local_id(0), ly = (int)get_local_id(1), lid = ly * NX + lx;
  const int row0 = (int)get_group_id(1) * BM, col0 = (int)get_group_id(0) * BN;
  const int zs = (int)get_group_id(2), z = zs / SPLIT, s = zs % SPLIT;
  const IDX begin = (IDX)s * SLICE, end = min(begin + (IDX)SLICE, (IDX)STEPS);
  float acc[TM][TN];
#pragma unroll
  for (int i = 0; i < TM; i++)
#pragma unroll
    for (int j = 0; j < TN; j++) acc[i][j] = 0.0f;

  for (IDX k0 = begin; k0 < end; k0 += BK) {
#pragma unroll
    for (int i = 0; i < (BM * BK + GROUP - 1) / GROUP; i++) {
      const int t = lid + i * GROUP, m = A_ALONG_STEPS ? t / BK : t % BM, k = A_ALONG_STEPS ? t % BK : t / BM;
      if (BM * BK < GROUP && t >= BM * BK) break;
      as[k * A_PITCH + m] = row0 + m < ROWS && k0 + k < end ? FN(_a)(z, row0 + m, k0 + k, ARG_NAMES) : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < (BN * BK + GROUP - 1) / GROUP; i++) {
      const int t = lid + i * GROUP, n = B_ALONG_STEPS ? t / BK : t % BN, k = B_ALONG_STEPS ? t % BK : t / BN;
      if (BN * BK < GROUP && t >= BN * BK) break;
      bs[k * B_PITCH + n] = col0 + n < COLS && k0 + k < end ? FN(_b)(z, k0 + k, col0 + n, ARG_NAMES) : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = 0; k < BK; k++) {
      float a[TM], b[TN];
#pragma unroll
      for (int i = 0; i < TM; i++) a[i] = as[k * A_PITCH + ly * TM + i];
#pragma unroll
      for (int j = 0; j < TN; j++) b[j] = bs[k * B_PITCH + lx + j * NX];
#pragma unroll
      for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) acc[i][j] = fma(a[i], b[j], acc[i][j]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }

#pragma unroll
  for (int i = 0; i < TM; i++)
#pragma unroll
    for (int j = 0; j < TN; j++) {
      const int row = row0 + ly * TM + i, col = col0 + lx + j * NX;
      if (row >= ROWS || col >= COLS) continue;
      const IDX o = OUT(z, row, col);
      const float v = acc[i][j];
#if SPLIT > 1
      work[s * (IDX)COUNT + o] = v;
#else
      const int c = CHANNEL(z, row, col);
      STORE(o, c, v);
#endif
    }
}

#undef NX
#undef NY
#undef GROUP
#undef SLICE
#undef A_PITCH
#undef B_PITCH
#undef A_ALONG_STEPS
#undef B_ALONG_STEPS
#undef ROWS
#undef COLS
#undef PLANES
#undef OUT
#undef CHANNEL
