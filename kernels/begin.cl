// What every template uses; end.cl takes it back. NAME (of the kernel) and W (vector width) are defined by the caller.
#define NC_CAT2(a, b) a##b
#define NC_CAT(a, b) NC_CAT2(a, b)
#define FN(x) NC_CAT(NAME, x)
#define VEC NC_CAT(float, W)
#define VLOAD NC_CAT(vload, W)
#define VSTORE NC_CAT(vstore, W)
#define INTS NC_CAT(int, W)
#if W == 4
#define LANES ((int4)(0, 1, 2, 3))
#elif W == 8
#define LANES ((int8)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define LANES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif
#define INLINE static inline __attribute__((always_inline))
// What a work-item does, apart from the kernel, which has the group's numbers and the scratch memory: PoCL copies kernels into
// three functions and makes machine code of each, but of what they call only once. Not static: PoCL 3.1 crashes on that.
#define BODY __attribute__((noinline))
// Floats of scratch in whole lines of a cache.
#define PADDED(floats) (((floats) + 15) / 16 * 16)
// Kernels of groups of one, around what ARGS and ARG_NAMES say. Those with scratch memory have a function NAME_group, which
// is told the group's numbers, and an enum NAME_scratch, in floats; the others one with the item's number. With NC_BANKS
// they are left out: many then share one kernel, which calls these functions (lib/device/banks.c).
#define GRID int x_, int y_, int z_
#ifdef NC_BANKS
#define GROUP_KERNEL
#define ITEM_KERNEL(name, item)
#else
#define GROUP_KERNEL \
  __kernel __attribute__((reqd_work_group_size(1, 1, 1))) void NAME(ARGS) { \
    __local float scratch_[FN(_scratch)] __attribute__((aligned(64))); \
    FN(_group)((int)get_group_id(0), (int)get_group_id(1), (int)get_group_id(2), scratch_, ARG_NAMES); \
  }
#define ITEM_KERNEL(name, item) \
  __kernel __attribute__((reqd_work_group_size(1, 1, 1))) void name(ARGS) { item(get_global_id(0), ARG_NAMES); }
#endif
