// One operand of a large product as panels, made once and then read by every item: X[z][k][i] as [z][panel][k][WIDTH], so
// that what a tile reads is one run, on few pages and in all sets of a cache. Uses tile_cpu.cl. The template that includes
// this text defines, for each operand anew:
//
//   X X_TYPE LOAD_X LOAD_X_V       the argument's name, and what reads it
//   COUNT WIDTH                    places i, and those of a panel
//   X_Z0 X_Z1 X_K X_N              strides of the batch, of steps, of places
//   WHOLE                          1: the last panel begins earlier, so that all of its places are there; 0: zeros beyond COUNT
//   RUN STEPS                      panels and steps to an item
//
// KERNEL: global (ceil(K / STEPS)·ceil(panels / RUN)·Z0·Z1), local (1); arguments X, work.
#define ACROSS ((COUNT + WIDTH - 1) / WIDTH)
#define CHUNKS ((K + STEPS - 1) / STEPS)
#define RUNS ((ACROSS + RUN - 1) / RUN)
#define FEW (X_N == 1 ? 8 : STEPS)
#define ARGS __global const X_TYPE *restrict X, __global float *restrict work
#define ARG_NAMES X, work

// Steps k … k1 of the panel `to`, whose first place is `first`; x: its index at step 0. A vector that is wider than a panel
// writes over the next step's places, which come later: steps from `end` on must not do so.
INLINE void NC_CAT(KERNEL, _panel)(__global float *to, IDX x, int first, int k, int k1, int end, __global const X_TYPE *X) {
  const int here = min(WIDTH, COUNT - first), stop = min(k1, end);
#if X_N == 1
  if (first + (WIDTH + W - 1) / W * W <= COUNT)
#pragma nounroll
    for (; k < stop; k++)
#pragma unroll
      for (int j = 0; j < WIDTH; j += W) VSTORE(LOAD_X_V((x + k * (IDX)X_K + j)), 0, to + k * WIDTH + j);
#elif X_K == 1
  if (here == WIDTH)
#pragma nounroll
    for (; k + W <= stop; k += W)
#pragma nounroll
      for (int j = 0; j < WIDTH; j += W) {
        VEC t[W];
#pragma unroll
        for (int i = 0; i < W; i++) t[i] = LOAD_X_V((x + k + min(j + i, WIDTH - 1) * (IDX)X_N));
        FN(_transpose)(t);
#pragma unroll
        for (int i = 0; i < W; i++) VSTORE(t[i], 0, to + (k + i) * WIDTH + j);
      }
#endif
#pragma nounroll
  for (; k < k1; k++)
#pragma nounroll
    for (int j = 0; j < WIDTH; j++) to[k * WIDTH + j] = j < here ? LOAD_X((x + k * (IDX)X_K + j * (IDX)X_N)) : 0.0f;
}

// Few steps of all panels, then the next: rows that lie across share sets of the first cache.
BODY void NC_CAT(KERNEL, _item)(size_t item, ARGS) {
  const int chunk = (int)(item % CHUNKS), run = (int)(item / CHUNKS % RUNS), z = (int)(item / CHUNKS / RUNS);
  const int k0 = chunk * STEPS, k1 = min(k0 + STEPS, K), p0 = run * RUN, p1 = min(p0 + RUN, ACROSS);
  const int end = WIDTH % W ? k1 - 1 : k1;
  const IDX x0 = (z / Z1) * (IDX)X_Z0 + (z % Z1) * (IDX)X_Z1;
#pragma nounroll
  for (int k = k0; k < k1; k += FEW)
#pragma nounroll
    for (int p = p0; p < p1; p++) {
      const int first = WHOLE ? min(p * WIDTH, COUNT - WIDTH) : p * WIDTH;
      __global float *to = work + (z * (IDX)ACROSS + p) * ((IDX)K * WIDTH);
      NC_CAT(KERNEL, _panel)(to, x0 + first * (IDX)X_N, first, k, min(k + FEW, k1), end, X);
    }
}
ITEM_KERNEL(KERNEL, NC_CAT(KERNEL, _item))

#undef ACROSS
#undef CHUNKS
#undef RUNS
#undef FEW
#undef ARGS
#undef ARG_NAMES
#undef KERNEL
#undef X
#undef X_TYPE
#undef LOAD_X
#undef LOAD_X_V
#undef COUNT
#undef WIDTH
#undef X_Z0
#undef X_Z1
#undef X_K
#undef X_N
#undef WHOLE
#undef RUN
#undef STEPS
