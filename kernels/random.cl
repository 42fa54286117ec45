// Counter-based random numbers, the same bits as ops/random.c: Philox4x32-10 of
//   counter = (low half of b, high half of b, step, site)   key = (low half of seed, high half of seed)
//   b = i/4 + turn 2^40   (turn: of a loop, 0 outside; callers add it to the block's number, or 2^42 turn to i)
// whose word i mod 4 belongs to element i.

static inline uint4 nc_random_words(ulong block, int step, uint site, ulong seed) {
  uint4 c = (uint4)((uint)block, (uint)(block >> 32), (uint)step, site);
  uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint hi0 = mul_hi(0xD2511F53u, c.x), lo0 = 0xD2511F53u * c.x;
    uint hi1 = mul_hi(0xCD9E8D57u, c.z), lo1 = 0xCD9E8D57u * c.z;
    c = (uint4)(hi1 ^ c.y ^ k0, lo1, hi0 ^ c.w ^ k1, lo0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

// Four numbers of a block. Uniform: 23 bits and a half, in the open interval (0, 1).
static inline float4 nc_random_uniform(uint4 words) { return (convert_float4(words >> 9) + 0.5f) * 0x1p-23f; }

// Standard normal, by Box and Muller on the pairs (0, 1) and (2, 3).
static inline float4 nc_random_normal(uint4 words) {
  float4 u = nc_random_uniform(words);
  float2 r = sqrt(-2.0f * log(u.even)), angle = 6.2831853071795864769f * u.odd;
  float2 even = r * cos(angle), odd = r * sin(angle);
  return (float4)(even.x, odd.x, even.y, odd.y);
}

// One element by its index, for where neighbours are not computed together.
static inline float nc_random_pick(float4 block, ulong i) {
  float2 half2 = i & 2 ? block.hi : block.lo;
  return i & 1 ? half2.y : half2.x;
}
static inline float nc_random_uniform_at(ulong i, int step, uint site, ulong seed) {
  return nc_random_pick(nc_random_uniform(nc_random_words(i >> 2, step, site, seed)), i);
}
static inline float nc_random_normal_at(ulong i, int step, uint site, ulong seed) {
  return nc_random_pick(nc_random_normal(nc_random_words(i >> 2, step, site, seed)), i);
}

// A whole number from 0 to n - 1: the upper 64 bits of n times two words.
static inline int nc_random_below_at(ulong i, int step, uint site, ulong seed, uint n) {
  uint4 w = nc_random_words(i >> 1, step, site, seed);
  uint2 pair = i & 1 ? w.hi : w.lo;
  return (int)(((ulong)pair.y * n + ((ulong)pair.x * n >> 32)) >> 32);
}
