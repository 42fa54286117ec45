// Attention and its gradients for GPUs: a work-group of 2·TILE items for a tile of TILE rows of one head. Those rows stay in
// local memory ("still"), tiles of the other side pass through it ("passing"), and so does the TILE×TILE matrix of scores.
// Item (r, side) makes every second score of row r, and keeps every second element of the row's sums in registers.
//
//   sizes, KIND, CAUSAL, BIAS, SCALE, HAS_0, HAS_1 and arguments as in attention_cpu.cl
//   TILE                            rows of a tile

#define MINE(width) (((width) + 1) / 2)
#define EACH(x, e, width) for (int x = 0, e = side; e < (width); x++, e += 2)

// Rows from … of x [rows][width], times `scale`, into a tile whose rows are width + 1 apart; zeros beyond the last.
INLINE void FN(_fill)(__local float *to, __global const float *x, int from, int rows, int width, float scale) {
  for (int i = get_local_id(0); i < TILE * width; i += 2 * TILE) {
    const int r = i / width, e = i % width;
    to[r * (width + 1) + e] = from + r < rows ? scale * x[(from + r) * width + e] : 0.0f;
  }
}

INLINE float FN(_dot)(__local const float *a, __local const float *b, int width) {
  float sum = 0.0f;
  for (int e = 0; e < width; e++) sum = fma(a[e], b[e], sum);
  return sum;
}

// A score as it counts: with the bias, and -inf for what is hidden or not there.
INLINE float FN(_seen)(float s, int b, int h, int t, int u EXTRA) {
  if (t >= T || u >= U || (CAUSAL && u > t + U - T)) return -INFINITY;
#if BIAS
  s += FN(_bias)(b, h, t, u EXTRA_NAMES);
#endif
  return s;
}

__kernel __attribute__((reqd_work_group_size(2 * TILE, 1, 1)))
void NAME(ARGS) {
  const int item = get_group_id(0), first = item % TILES * TILE;
  const int r = get_local_id(0) % TILE, side = get_local_id(0) / TILE;
#if KIND == 2
  const int group = item / TILES, b = group / GROUPS;
#else
  const int head = item / TILES, b = head / HEADS, h = head % HEADS;
  const int group = b * GROUPS + h / (HEADS / GROUPS);
  const int end = CAUSAL ? min(U, first + TILE + U - T) : U;
#endif
  __local float p[TILE * (TILE + 1)];
  __local float *mine = p + r * (TILE + 1);

#if KIND == 0
  __local float q[TILE * (E + 1)], y[TILE * ((E > F ? E : F) + 1)];
  float sum[MINE(F)], top = NONE, total = 0.0f;
  for (int x = 0; x < MINE(F); x++) sum[x] = 0.0f;
  FN(_fill)(q, Q + (size_t)head * T * E, first, T, E, SCALE);
  for (int j = 0; j < end; j += TILE) {
    barrier(CLK_LOCAL_MEM_FENCE);
    FN(_fill)(y, K + (size_t)group * U * E, j, U, E, 1.0f);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int c = side; c < TILE; c += 2)
      mine[c] = FN(_seen)(FN(_dot)(q + r * (E + 1), y + c * (E + 1), E), b, h, first + r, j + c EXTRA_NAMES);
    barrier(CLK_LOCAL_MEM_FENCE);
    float most = top;
    for (int c = 0; c < TILE; c++) most = mine[c] > most || mine[c] != mine[c] ? mine[c] : most;
    const float shrink = exp(top - most);
    top = most;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int c = side; c < TILE; c += 2) mine[c] = exp(mine[c] - most);
    FN(_fill)(y, V + (size_t)group * U * F, j, U, F, 1.0f);
    barrier(CLK_LOCAL_MEM_FENCE);
    total *= shrink;
    for (int c = 0; c < TILE; c++) total += mine[c];
    EACH(x, f, F) {
      float a = sum[x] * shrink;
      for (int c = 0; c < TILE; c++) a = fma(mine[c], y[c * (F + 1) + f], a);
      sum[x] = a;
    }
  }
  if (first + r >= T) return;
  const bool none = total == 0.0f;
#if HAS_0
  EACH(x, f, F) R0[((size_t)head * T + first + r) * F + f] = none ? 0.0f : sum[x] / total;
#endif
#if HAS_1
  if (side == 0) R1[(size_t)head * T + first + r] = none ? 0.0f : top + log(total);
#endif

#elif KIND == 1
  __local float q[TILE * (E + 1)], dy[TILE * (F + 1)], k[TILE * (E + 1)], v[TILE * (F + 1)];
  const size_t row = (size_t)head * T + min(first + r, T - 1);
  const float stat = STAT[row], delta = DELTA[row];
  float sum[MINE(E)];
  for (int x = 0; x < MINE(E); x++) sum[x] = 0.0f;
  FN(_fill)(q, Q + (size_t)head * T * E, first, T, E, SCALE);
  FN(_fill)(dy, DY + (size_t)head * T * F, first, T, F, 1.0f);
  for (int j = 0; j < end; j += TILE) {
    barrier(CLK_LOCAL_MEM_FENCE);
    FN(_fill)(k, K + (size_t)group * U * E, j, U, E, 1.0f);
    FN(_fill)(v, V + (size_t)group * U * F, j, U, F, 1.0f);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int c = side; c < TILE; c += 2) {
      const float s = FN(_seen)(FN(_dot)(q + r * (E + 1), k + c * (E + 1), E), b, h, first + r, j + c EXTRA_NAMES);
      mine[c] = exp(s - stat) * (FN(_dot)(dy + r * (F + 1), v + c * (F + 1), F) - delta);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    EACH(x, e, E)
      for (int c = 0; c < TILE; c++) sum[x] = fma(mine[c], k[c * (E + 1) + e], sum[x]);
  }
  if (first + r < T)
    EACH(x, e, E) R0[((size_t)head * T + first + r) * E + e] = SCALE * sum[x];

#else
  __local float k[TILE * (E + 1)], v[TILE * (F + 1)], q[TILE * (E + 1)], dy[TILE * (F + 1)], ds[TILE * (TILE + 1)];
  __local float *slope = ds + r * (TILE + 1);
  float dk[MINE(E)], dv[MINE(F)];
  for (int x = 0; x < MINE(E); x++) dk[x] = 0.0f;
  for (int x = 0; x < MINE(F); x++) dv[x] = 0.0f;
  FN(_fill)(k, K + (size_t)group * U * E, first, U, E, SCALE);
  FN(_fill)(v, V + (size_t)group * U * F, first, U, F, 1.0f);
  for (int z = 0; z < HEADS / GROUPS; z++) {
    const int h = group % GROUPS * (HEADS / GROUPS) + z;
    const size_t row = ((size_t)b * HEADS + h) * T;
    for (int i = CAUSAL ? max(0, first - (U - T)) : 0; i < T; i += TILE) {
      barrier(CLK_LOCAL_MEM_FENCE);
      FN(_fill)(q, Q + row * E, i, T, E, 1.0f);
      FN(_fill)(dy, DY + row * F, i, T, F, 1.0f);
      barrier(CLK_LOCAL_MEM_FENCE);
      for (int c = side; c < TILE; c += 2) {
        const size_t at = row + min(i + c, T - 1);
        const float s = FN(_seen)(FN(_dot)(k + r * (E + 1), q + c * (E + 1), E), b, h, i + c, first + r EXTRA_NAMES);
        mine[c] = exp(s - STAT[at]);
        slope[c] = mine[c] * (FN(_dot)(v + r * (F + 1), dy + c * (F + 1), F) - DELTA[at]);
      }
      barrier(CLK_LOCAL_MEM_FENCE);
      EACH(x, e, E)
        for (int c = 0; c < TILE; c++) dk[x] = fma(slope[c], q[c * (E + 1) + e], dk[x]);
      EACH(x, f, F)
        for (int c = 0; c < TILE; c++) dv[x] = fma(mine[c], dy[c * (F + 1) + f], dv[x]);
    }
  }
  if (first + r >= U) return;
#if HAS_0
  EACH(x, e, E) R0[((size_t)group * U + first + r) * E + e] = SCALE * dk[x];
#endif
#if HAS_1
  EACH(x, f, F) R1[((size_t)group * U + first + r) * F + f] = dv[x];
#endif
#endif
}
#undef MINE
#undef EACH
