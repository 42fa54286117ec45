// Second pass of a template that was split: adds up slices of partial results in order, and stores.
//
//   work: float[SPLIT][COUNT]  ──▶  C[COUNT]
//
//   COLUMN(o): the `c` of STORE. COLUMN_RUN: 1 when over W elements from every multiple of W on it is as STORE_V wants.
//   RB elements to a work-item, GROUP work-items to a group: many and 1 on CPU devices, 1 and many on GPU devices.
//   NAME_reduce: global (ceil(COUNT / RB), rounded up to GROUP), local (GROUP); work, C, extra.
#undef ARGS
#undef ARG_NAMES
#define ARGS __global const float *restrict work, __global C_TYPE *C EXTRA
#define ARG_NAMES work, C EXTRA_NAMES
#if GROUP == 1
BODY
#else
INLINE
#endif
void FN(_reduce_item)(size_t item, ARGS) {
  IDX o = (IDX)item * RB;
  const IDX end = min(o + (IDX)RB, (IDX)COUNT);
#if STORES_VECTORS && COLUMN_RUN
#pragma nounroll
  for (; o + W <= end; o += W) {
    const int c = COLUMN(o);
    VEC v = VLOAD(0, work + o);
#pragma nounroll
    for (int s = 1; s < SPLIT; s++) v += VLOAD(0, work + s * (IDX)COUNT + o);
    STORE_V(o, c, v);
  }
#endif
#pragma nounroll
  for (; o < end; o++) {
    const int c = COLUMN(o);
    float v = work[o];
#pragma nounroll
    for (int s = 1; s < SPLIT; s++) v += work[s * (IDX)COUNT + o];
    STORE(o, c, v);
  }
}

#if GROUP == 1
ITEM_KERNEL(FN(_reduce), FN(_reduce_item))
#else
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void FN(_reduce)(ARGS) {
  FN(_reduce_item)(get_global_id(0), ARG_NAMES);
}
#endif
