#include "base/map.h"
#include <string.h>

uint64_t nc_hash64(uint64_t seed, const void *p, size_t n) {
  const unsigned char *s = p;
  uint64_t h = seed ^ 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++) h = (h ^ s[i]) * 0x100000001b3u;
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15u;
  return h ^ (h >> 29);
}

static uint32_t hash(const char *s, size_t n) { return (uint32_t)nc_hash64(0, s, n); }

// The slot that holds the key, or the free one where it belongs.
static NcSlot *find(const NcMap *m, const char *key, size_t n, uint32_t h) {
  for (int i = (int)(h & (uint32_t)(m->cap - 1));; i = (i + 1) & (m->cap - 1)) {
    NcSlot *s = &m->slot[i];
    if (!s->key || (s->hash == h && strlen(s->key) == n && memcmp(s->key, key, n) == 0)) return s;
  }
}

static void grow(NcMap *m) {
  NcMap big = {.arena = m->arena, .cap = m->cap ? m->cap * 2 : 16};
  big.slot = NC_NEW_N(m->arena, NcSlot, big.cap);
  for (int i = 0; i < m->cap; i++)
    if (m->slot[i].key) *find(&big, m->slot[i].key, strlen(m->slot[i].key), m->slot[i].hash) = m->slot[i];
  big.n = m->n;
  *m = big;
}

void *nc_map_get(const NcMap *m, const char *key) {
  if (!m->cap) return NULL;
  size_t n = strlen(key);
  return find(m, key, n, hash(key, n))->value;
}

bool nc_map_has(const NcMap *m, const char *key) {
  size_t n = strlen(key);
  return m->cap && find(m, key, n, hash(key, n))->key;
}

static NcSlot *put(NcMap *m, const char *key, size_t n) {
  if ((m->n + 1) * 4 > m->cap * 3) grow(m);
  uint32_t h = hash(key, n);
  NcSlot *s = find(m, key, n, h);
  if (!s->key) s->hash = h;
  return s;
}

void nc_map_set(NcMap *m, const char *key, void *value) {
  NcSlot *s = put(m, key, strlen(key));
  if (!s->key) { s->key = key; m->n++; }
  s->value = value;
}

NcSlot *nc_intern_slot(NcMap *m, const char *str, size_t n) {
  NcSlot *s = put(m, str, n);
  if (!s->key) { s->key = nc_strndup(m->arena, str, n); m->n++; }
  return s;
}

const char *nc_intern(NcMap *m, const char *str, size_t n) { return nc_intern_slot(m, str, n)->key; }

// Optimal string alignment distance, bounded: words over 40 characters are compared by their head.
static int distance(const char *a, const char *b) {
  enum { MAX = 40 };
  int n = (int)strnlen(a, MAX), m = (int)strnlen(b, MAX);
  int d[MAX + 1][MAX + 1];
  for (int i = 0; i <= n; i++) d[i][0] = i;
  for (int j = 0; j <= m; j++) d[0][j] = j;
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= m; j++) {
      int v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < v) v = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < v) v = d[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < v)
        v = d[i - 2][j - 2] + 1;
      d[i][j] = v;
    }
  return d[n][m];
}

const char *nc_nearest(const char *word, const char *const *candidates, int n) {
  const char *best = NULL;
  int limit = (int)strlen(word) / 5 + 1, at = limit + 1;   // of three letters no two are wrong
  for (int i = 0; i < n; i++) {
    int d = distance(word, candidates[i]);
    if (d < at && d < (int)strlen(candidates[i])) { at = d; best = candidates[i]; }
  }
  return best;
}
