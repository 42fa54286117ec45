// Random numbers of one example: a stream of Philox blocks keyed by (seed, purpose, example), so that examples can be
// made in any order, by any number of threads, on any machine.
#ifndef NC_DATA_RAND_H
#define NC_DATA_RAND_H
#include <math.h>
#include "base/philox.h"

// Purposes. Their numbers stay, so that a seed keeps its data.
enum { NC_RAND_SHUFFLE = 1, NC_RAND_POINTS = 2, NC_RAND_DIGITS = 3, NC_RAND_WINDOWS = 4, NC_RAND_SENTENCES = 5,
       NC_RAND_SERIES = 6, NC_RAND_TOKENS = 7 };

typedef struct {
  uint32_t key[2], counter[4];
  NcPhilox block;
  int left;                  // words of the block not yet used
  double spare;
  int has_spare;
} NcRand;

static inline NcRand nc_rand(uint64_t seed, uint32_t purpose, uint64_t example) {
  return (NcRand){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                  .counter = {0, (uint32_t)example, (uint32_t)(example >> 32), purpose}};
}

static inline uint32_t nc_rand_u32(NcRand *r) {
  if (!r->left) {
    r->block = nc_philox(r->counter, r->key);
    r->counter[0]++;
    r->left = 4;
  }
  return r->block.v[4 - r->left--];
}

static inline double nc_rand_unit(NcRand *r) { return ((double)nc_rand_u32(r) + 0.5) * 0x1p-32; }   // in (0, 1)
static inline double nc_rand_between(NcRand *r, double least, double most) {
  return least + (most - least) * nc_rand_unit(r);
}

// A whole number below n, n < 2^32: the upper half of a 64 × 32 bit product, biased by less than 2^-32.
static inline uint32_t nc_rand_below(NcRand *r, uint32_t n) {
  uint64_t low = nc_rand_u32(r), high = nc_rand_u32(r);
  return (uint32_t)((high * n + ((low * n) >> 32)) >> 32);
}

// Standard normal (Box and Muller).
static inline double nc_rand_normal(NcRand *r) {
  if (r->has_spare) {
    r->has_spare = 0;
    return r->spare;
  }
  double radius = sqrt(-2 * log(nc_rand_unit(r))), angle = 6.283185307179586 * nc_rand_unit(r);
  r->spare = radius * sin(angle);
  r->has_spare = 1;
  return radius * cos(angle);
}
#endif
