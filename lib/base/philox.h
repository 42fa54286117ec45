// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3" (SC11). The device code in
// kernels/random.cl computes the same bits.
#ifndef NC_PHILOX_H
#define NC_PHILOX_H
#include <stdint.h>

typedef struct { uint32_t v[4]; } NcPhilox;

static inline NcPhilox nc_philox(const uint32_t counter[4], const uint32_t key[2]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return (NcPhilox){{c0, c1, c2, c3}};
}

// 23 bits to a float in the open interval (0, 1): never 0, so that log is finite, and never 1, so that floor(n u)
// is below n. (With 24 bits the half would be rounded away, up to 1.)
static inline float nc_unit(uint32_t bits) { return ((float)(bits >> 9) + 0.5f) * 0x1p-23f; }
#endif
