// n results that lie in a row from index o0 on, all of column c, stored from scratch as vectors while whole ones are left.
INLINE void FN(_store_run)(SCRATCH const float *from, IDX o0, int n, int c, __global C_TYPE *C EXTRA) {
  int p = 0;
#if STORES_VECTORS
#pragma nounroll
  for (; p + W <= n; p += W) {
    const IDX o = o0 + p;
    const VEC v = VLOAD(0, from + p);
    STORE_V(o, c, v);
  }
#endif
#pragma nounroll
  for (; p < n; p++) {
    const IDX o = o0 + p;
    const float v = from[p];
    STORE(o, c, v);
  }
}
