// Stores that go around the caches, where the compiler knows them.
#ifdef __has_builtin
#if __has_builtin(__builtin_nontemporal_store)
#define nc_stream(v, to) __builtin_nontemporal_store(v, to)
#endif
#endif
#ifndef nc_stream
#define nc_stream(v, to) (*(to) = (v))
#endif
