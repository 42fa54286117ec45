// What every template uses; end.cl takes it back. NAME (of the kernel) and W (vector width) are defined by the caller.
#define NC_CAT2(a, b) a##b
#define NC_CAT(a, b) NC_CAT2(a, b)
#define FN(x) NC_CAT(NAME, x)
#define VEC NC_CAT(float, W)
#define VLOAD NC_CAT(vload, W)
#define VSTORE NC_CAT(vstore, W)
// Parameters of these are not `restrict`: it tells a compiler no more than those of the kernel do, and Oclgrind cannot run
// what clang makes of it when it inlines.
#define INLINE static inline __attribute__((always_inline))
// What a work-item does, apart from the kernel, which has the group's numbers and the scratch memory: PoCL copies kernels into
// three functions and makes machine code of each, but of what they call only once. Not static: PoCL 3.1 crashes on that.
#define BODY __attribute__((noinline))
