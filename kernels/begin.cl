// What every template uses; end.cl takes it back. NAME (of the kernel) and W (vector width) are defined by the caller.
#define NC_CAT2(a, b) a##b
#define NC_CAT(a, b) NC_CAT2(a, b)
#define FN(x) NC_CAT(NAME, x)
#define VEC NC_CAT(float, W)
#define VLOAD NC_CAT(vload, W)
#define VSTORE NC_CAT(vstore, W)
#define INLINE static inline __attribute__((always_inline))
