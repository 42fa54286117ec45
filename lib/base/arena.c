#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block {
  struct Block *next;
  size_t used, size;   // of data
  _Alignas(16) char data[];
} Block;

struct NcArena {
  Block *head;
  long fail_after;
  jmp_buf oom;
};

enum { FIRST = 16 * 1024 };

NcArena *nc_arena_new(void) { return calloc(1, sizeof(NcArena)); }

void nc_arena_free(NcArena *a) {
  if (!a) return;
  for (Block *b = a->head, *next; b; b = next) {
    next = b->next;
    free(b);
  }
  free(a);
}

jmp_buf *nc_arena_oom(NcArena *a) { return &a->oom; }
void nc_arena_fail_after(NcArena *a, long n) { a->fail_after = n; }

void *nc_alloc(NcArena *a, size_t bytes) {
  if (a->fail_after > 0 && --a->fail_after == 0) longjmp(a->oom, 1);
  if (bytes > SIZE_MAX / 2) longjmp(a->oom, 1);
  bytes = (bytes + 15) & ~(size_t)15;
  Block *b = a->head;
  if (!b || b->size - b->used < bytes) {
    size_t size = b ? b->size * 2 : FIRST;
    if (size > (size_t)8 << 20) size = (size_t)8 << 20;
    if (size < bytes) size = bytes;
    Block *fresh = calloc(1, sizeof(Block) + size);
    if (!fresh) longjmp(a->oom, 1);
    fresh->size = size;
    fresh->next = a->head;
    a->head = b = fresh;
  }
  void *p = b->data + b->used;
  b->used += bytes;
  return p;
}

void *nc_alloc_array(NcArena *a, size_t n, size_t size) {
  if (size && n > SIZE_MAX / size) longjmp(a->oom, 1);
  return nc_alloc(a, n * size);
}

void *nc_memdup(NcArena *a, const void *p, size_t bytes) {
  void *q = nc_alloc(a, bytes);
  if (bytes) memcpy(q, p, bytes);
  return q;
}

char *nc_strndup(NcArena *a, const char *s, size_t n) {
  char *q = nc_alloc(a, n + 1);
  if (n) memcpy(q, s, n);
  return q;
}

char *nc_strdup(NcArena *a, const char *s) { return nc_strndup(a, s, strlen(s)); }

char *nc_vsprintf(NcArena *a, const char *fmt, va_list ap) {
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  char *s = nc_alloc(a, n < 0 ? 1 : (size_t)n + 1);
  if (n > 0) vsnprintf(s, (size_t)n + 1, fmt, again);
  va_end(again);
  return s;
}

const char *nc_bytes_str(NcArena *a, size_t bytes) {
  static const char *const unit[] = {"KiB", "MiB", "GiB"};
  double v = (double)bytes / 1024;
  if (bytes < 10240) return nc_sprintf(a, "%zu bytes", bytes);
  int u = 0;
  for (; u < 2 && v >= 10240; u++) v /= 1024;
  return nc_sprintf(a, "%.1f %s", v, unit[u]);
}

char *nc_sprintf(NcArena *a, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *s = nc_vsprintf(a, fmt, ap);
  va_end(ap);
  return s;
}

// Longer where it lies, if nothing was allocated after it and the block has room.
static bool extend(NcArena *a, const void *p, size_t old, size_t bytes) {
  Block *b = a->head;
  old = (old + 15) & ~(size_t)15;
  bytes = (bytes + 15) & ~(size_t)15;
  if (!b || (const char *)p + old != b->data + b->used || b->size - b->used < bytes - old) return false;
  b->used += bytes - old;
  return true;
}

void *nc_grow_(NcArena *a, const void *old, int n, int *cap, size_t size) {
  enum { SMALL = 64 };   // what is larger rarely comes in eights
  int was = *cap;
  *cap = was ? was * 2 : size < SMALL ? 8 : 2;
  if (was && (size_t)*cap <= SIZE_MAX / 2 / size && extend(a, old, (size_t)was * size, (size_t)*cap * size)) return (void *)old;
  void *p = nc_alloc_array(a, (size_t)*cap, size);
  if (n) memcpy(p, old, (size_t)n * size);
  return p;
}
