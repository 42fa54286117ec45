// Vectors that lie anywhere. vload of some drivers is made of halves of halves, and their optimizers may leave it so: four loads where
// one would do.
#define NC_ANYWHERE(n) typedef float##n nc_anywhere##n __attribute__((aligned(4)));
NC_ANYWHERE(2)
NC_ANYWHERE(4)
NC_ANYWHERE(8)
NC_ANYWHERE(16)
#undef NC_ANYWHERE
#define nc_load(n, from) (*(__global const nc_anywhere##n *)(from))
#define nc_save(n, v, to) (*(__global nc_anywhere##n *)(to) = (v))
// Stores that go around the caches, where the compiler knows them.
#ifdef __has_builtin
#if __has_builtin(__builtin_nontemporal_store)
#define nc_stream(v, to) __builtin_nontemporal_store(v, to)
#endif
#endif
#ifndef nc_stream
#define nc_stream(v, to) (*(to) = (v))
#endif
// The line at that place is wanted soon. Where pointers are plain numbers: other devices have no need of it.
#if defined(__x86_64__) || defined(__aarch64__)
#define nc_ahead(at) __builtin_prefetch((__private const void *)(size_t)(at))
#else
#define nc_ahead(at)
#endif
