// Winograd's F(4×4, 3×3) for CPU devices: 36 products make 16 results of a 3×3 convolution of stride 1, where 144 do
// directly. This is what winograd_conv_cpu.cl and winograd_weight_cpu.cl share. Uses tile_cpu.cl.
//
//   y = Aᵀ [ (G g Gᵀ) · (Bᵀ d B) ] A        d: 6 × 6 of x, g: the kernel, y: 4 × 4 results; products element by element,
//   dg = Gᵀ [ (A dy Aᵀ) · (Bᵀ d B) ] G      summed over channels, and over tiles
//
// Each of the three matrices is applied along one axis after the other, for W lanes at once. The points are 0, ±√½, ±√2, ∞:
// with them rounding errors are three to five times those of direct sums; with the usual 0, ±1, ±2, ∞ twenty times.
//
//   BATCH IG OG IH IW OH OW LO_H LO_W XH XW     sizes as in conv_cpu.cl; no padding is negative

#define POINTS 36
#define TY ((OH + 3) / 4)
#define TX ((OW + 3) / 4)
#define TILES (BATCH * TY * TX)
#define TILES_V (TILES | 1)      // odd: 36 streams at a distance of whole pages would share a few sets of the cache
#define POINT_AT(cb, block, point, tile) ((((IDX)(cb) * POINTS + (point)) * TILES_V + (tile)) * (block))
#define A1 0.70710678118654752f
#define B1 1.41421356237309505f

// Bᵀ d
INLINE void FN(_data6)(const VEC d0, const VEC d1, const VEC d2, const VEC d3, const VEC d4, const VEC d5, VEC *v) {
  const VEC even_a = fma((VEC)(-2.0f), d2, d4), odd_a = fma((VEC)(A1), d3, -B1 * d1);
  const VEC even_b = fma((VEC)(-0.5f), d2, d4), odd_b = fma((VEC)(B1), d3, -A1 * d1);
  v[0] = fma((VEC)(-2.5f), d2, d0 + d4);
  v[1] = even_a + odd_a;
  v[2] = even_a - odd_a;
  v[3] = even_b + odd_b;
  v[4] = even_b - odd_b;
  v[5] = fma((VEC)(-2.5f), d3, d1 + d5);
}

// G g, and back: Gᵀ m
INLINE void FN(_kernel6)(const VEC g0, const VEC g1, const VEC g2, VEC *u) {
  const VEC even_a = fma((VEC)(0.5f), g2, g0) * (-2.0f / 3), odd_a = g1 * (-2.0f / 3 * A1);
  const VEC even_b = fma((VEC)(2.0f), g2, g0) * (1.0f / 6), odd_b = g1 * (B1 / 6);
  u[0] = g0;
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
  u[5] = g2;
}

INLINE void FN(_kernel3)(const VEC m0, const VEC m1, const VEC m2, const VEC m3, const VEC m4, const VEC m5, VEC *g) {
  const VEC even_a = (m1 + m2) * (-2.0f / 3), odd_a = (m1 - m2) * (-2.0f / 3 * A1);
  const VEC even_b = (m3 + m4) * (1.0f / 6), odd_b = (m3 - m4) * (B1 / 6);
  g[0] = m0 + even_a + even_b;
  g[1] = odd_a + odd_b;
  g[2] = fma((VEC)(0.5f), even_a, fma((VEC)(2.0f), even_b, m5));
}

// Aᵀ m, and back: A y
INLINE void FN(_result4)(const VEC m0, const VEC m1, const VEC m2, const VEC m3, const VEC m4, const VEC m5, VEC *y) {
  const VEC even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
  y[0] = m0 + even_a + even_b;
  y[1] = fma((VEC)(A1), odd_a, B1 * odd_b);
  y[2] = fma((VEC)(0.5f), even_a, 2.0f * even_b);
  y[3] = fma((VEC)(A1 / 2), odd_a, fma((VEC)(2 * B1), odd_b, m5));
}

INLINE void FN(_spread6)(const VEC y0, const VEC y1, const VEC y2, const VEC y3, VEC *z) {
  const VEC even_a = fma((VEC)(0.5f), y2, y0), odd_a = fma((VEC)(A1 / 2), y3, A1 * y1);
  const VEC even_b = fma((VEC)(2.0f), y2, y0), odd_b = fma((VEC)(2 * B1), y3, B1 * y1);
  z[0] = y0;
  z[1] = even_a + odd_a;
  z[2] = even_a - odd_a;
  z[3] = even_b + odd_b;
  z[4] = even_b - odd_b;
  z[5] = y3;
}

// One register tile over `steps` products, added to the sums so far. A_AT(r, k) is the template's.
#define PRODUCT \
  INLINE void FN(_product)(int steps, bool first, __global const float *v, SCRATCH const float *panel, SCRATCH float *sums) { \
    VEC acc[MR][NV]; \
    FN(_recall)(first, acc, sums); \
    TILE(steps, panel, acc) \
    FN(_keep)(acc, sums); \
  }
