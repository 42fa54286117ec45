// Arena: memory that is freed all at once.
//
// Everything of one compilation lives in one arena; nothing in it is freed singly.
// nc_alloc never returns NULL: when memory runs out it jumps to the point set with
// NC_ON_OOM, which every entry of the public library sets before it does anything else.
#ifndef NC_ARENA_H
#define NC_ARENA_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

typedef struct NcArena NcArena;

NcArena *nc_arena_new(void);          // NULL when out of memory
void nc_arena_free(NcArena *a);       // NULL is allowed
jmp_buf *nc_arena_oom(NcArena *a);    // where nc_alloc jumps to

// True when reached by the jump: `if (NC_ON_OOM(a)) { nc_arena_free(a); return ...; }`
#define NC_ON_OOM(a) (setjmp(*nc_arena_oom(a)) != 0)

void *nc_alloc(NcArena *a, size_t bytes);   // zeroed, aligned to 16
void *nc_alloc_array(NcArena *a, size_t n, size_t size);   // the product is checked for overflow
#define NC_NEW(a, T) ((T *)nc_alloc((a), sizeof(T)))
#define NC_NEW_N(a, T, n) ((T *)nc_alloc_array((a), (size_t)(n), sizeof(T)))
void *nc_memdup(NcArena *a, const void *p, size_t bytes);
char *nc_strdup(NcArena *a, const char *s);
char *nc_strndup(NcArena *a, const char *s, size_t n);
char *nc_vsprintf(NcArena *a, const char *fmt, va_list ap);
__attribute__((format(printf, 2, 3))) char *nc_sprintf(NcArena *a, const char *fmt, ...);
const char *nc_bytes_str(NcArena *a, size_t bytes);   // for people: "640 bytes", "12.5 KiB", "310.2 MiB"

// Test seam: the n-th allocation from now on fails (0: none does).
void nc_arena_fail_after(NcArena *a, long n);

// Growable array in an arena: struct { T *at; int n, cap; } v;  *NC_PUSH(a, v) = x;
#define NC_VEC(T) struct { T *at; int n, cap; }
#define NC_PUSH(a, v) \
  ((v).n == (v).cap ? (void)((v).at = nc_grow_((a), (v).at, (v).n, &(v).cap, sizeof *(v).at)) : (void)0, \
   &(v).at[(v).n++])
void *nc_grow_(NcArena *a, const void *old, int n, int *cap, size_t size);

#endif
