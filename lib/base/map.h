// String-keyed hash map and string interning, both in an arena.
#ifndef NC_MAP_H
#define NC_MAP_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"

typedef struct { const char *key; void *value; uint32_t hash; } NcSlot;
typedef struct {
  NcArena *arena;
  NcSlot *slot;       // open addressing; key NULL is free
  int n, cap;
} NcMap;

#define NC_MAP(a) ((NcMap){.arena = (a)})
void *nc_map_get(const NcMap *m, const char *key);               // NULL when absent
void nc_map_set(NcMap *m, const char *key, void *value);         // the key must outlive the map; replaces
bool nc_map_has(const NcMap *m, const char *key);
// Visit all (in no useful order): for (int i = 0; i < m.cap; i++) if (m.slot[i].key) ...

const char *nc_intern(NcMap *m, const char *s, size_t n);        // equal strings give equal pointers
NcSlot *nc_intern_slot(NcMap *m, const char *s, size_t n);       // with what is known of the string, until the next one

uint64_t nc_hash64(uint64_t seed, const void *p, size_t n);      // FNV-1a with a final mix

// The candidate nearest to `word` by edit distance (transpositions count one), or NULL when
// none is near enough to be a likely misspelling. For "did you mean".
const char *nc_nearest(const char *word, const char *const *candidates, int n);
#endif
