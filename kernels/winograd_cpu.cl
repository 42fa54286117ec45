// 3×3 convolution of stride 1 for CPU devices by Winograd's F(4×4, 3×3): 36 products make 16 results of a tile, where 144
// do directly. Uses tile_cpu.cl, run_cpu.cl.
//
//      x, tiles of 6 × 6 that             V [channel block][36][tile][IB]           sums [36][tile][OB]      tiles of 4 × 4
//      overlap by two                                                                in scratch
//     ┌────┬──┐   Bᵀ d B, lanes    for each of    rows: tiles  ×  columns: outputs  ─────────▶  Aᵀ m A, lanes   ┌────┐
//     │    │  │  ──────────────▶   36 points      U [36][IB][OB] in scratch                  are outputs    ───▶│    │
//     ├────┼──┤   are channels                   = G g Gᵀ, lanes are outputs                                     └────┘
//
// NAME_in makes V in work. An item of NAME makes OB outputs × RT rows of tiles: for each block of IB channels it
// transforms its weights, which costs as much as products for three tiles and reads w once, and adds 36 products. What is
// finished is turned back to rows of pixels in scratch and stored in runs.
//
// The points are 0, ±√½, ±√2, ∞: with them rounding errors are three to five times those of direct sums, with the usual
// 0, ±1, ±2, ∞ twenty times.
//
//   BATCH IG OG IH IW OH OW LO_H LO_W XH XW     sizes as in conv_cpu.cl; no padding is negative
//   IB OB       channels to a block, a multiple of W; outputs to an item, of NR
//   RI RT       rows of tiles to an item: of NAME_in, within one image; of NAME, over the images
//   W_O W_I W_H W_W  PLAIN_W              strides of w; 1: they are those of [O][I][3][3] and w has no prologue
//   A (x) B (w) C: types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; o is linear in C, c the output channel
//
// NAME_in: global (BATCH·ceil(TY/RI), blocks of channels), local (1,1,1); arguments A, work, extra.
// NAME: global (ceil(BATCH·TY/RT), ceil(OG/OB)), local (1,1,1); arguments work, B, C, extra.
// work: blocks·36·TILES_V·IB floats.

#define POINTS 36
#define TY ((OH + 3) / 4)
#define TX ((OW + 3) / 4)
#define TILES (BATCH * TY * TX)
#define TILES_V (TILES | 1)                       // odd: 36 streams at a distance of whole pages would share a few cache sets
#define PITCH (TX * 4 + 2)
#define LANES_SIZE (((RI * 4 + 2) * PITCH + W * XW) * W)
#define V_AT(ib, point, tile) ((((IDX)(ib) * POINTS + (point)) * TILES_V + (tile)) * IB)
#define PANELS (OB / NR)
#define U_POINT (PANELS * IB * NR + NR)           // the same, for sets of the first-level cache
#define SLOTS ((RT * TX + MR - 1) / MR)
#define M_POINT (SLOTS * PANELS * MR * NR + NR)
#define IMAGE_ROWS (RT < TY ? RT : TY)
#define PLANE (IMAGE_ROWS * 4 * OW + W)
#define A1 0.70710678118654752f
#define B1 1.41421356237309505f

// ---- The three transforms, along one axis

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

INLINE void FN(_result4)(const VEC m0, const VEC m1, const VEC m2, const VEC m3, const VEC m4, const VEC m5, VEC *y) {
  const VEC even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
  y[0] = m0 + even_a + even_b;
  y[1] = fma((VEC)(A1), odd_a, B1 * odd_b);
  y[2] = fma((VEC)(0.5f), even_a, 2.0f * even_b);
  y[3] = fma((VEC)(A1 / 2), odd_a, fma((VEC)(2 * B1), odd_b, m5));
}

// ---- x to V

// A row of W channels into lanes, with its padding and zeros between elements of a dilated x. What it writes beyond its end
// is corrected by the next row.
// a: index of the row in the first of the channels.
INLINE void FN(_turn_row)(SCRATCH float *to, IDX a, int channels, bool inside, __global const A_TYPE *A EXTRA) {
  int x = 0;
#pragma nounroll
  for (; x < (inside && XW == 1 ? LO_W : PITCH); x++) VAT(to + x * W) = (VEC)(0);
  if (!inside) return;
#pragma nounroll
  for (x = 0; x < IW; x += W) {
    const int first = min(x, max(IW - W, 0));
    SCRATCH float *at = to + (first * XW + LO_W) * W;
    if (channels >= W && a + (W - 1) * (IDX)(IH * IW) + first + W <= (IDX)BATCH * IG * IH * IW) {
      VEC t[W];
#pragma unroll
      for (int i = 0; i < W; i++) t[i] = LOAD_A_V((a + i * (IDX)(IH * IW) + first));
      FN(_transpose)(t);
#pragma unroll
      for (int i = 0; i < W; i++) VAT(at + i * (XW * W)) = t[i];
    } else {
#pragma nounroll
      for (int j = 0; j < min(W, IW - first); j++)
#pragma nounroll
        for (int i = 0; i < W; i++) at[j * (XW * W) + i] = LOAD_A((a + min(i, channels - 1) * (IDX)(IH * IW) + first + j));
    }
  }
#pragma nounroll
  for (x = LO_W + (IW - 1) * XW + 1; x < PITCH; x++) VAT(to + x * W) = (VEC)(0);
}

INLINE void FN(_in_tile)(SCRATCH const float *d, __global float *to) {
  VEC t[POINTS];
#pragma nounroll
  for (int j = 0; j < 6; j++) {
    SCRATCH const float *at = d + j * W;
    FN(_data6)(VAT(at), VAT(at + PITCH * W), VAT(at + 2 * PITCH * W), VAT(at + 3 * PITCH * W), VAT(at + 4 * PITCH * W),
               VAT(at + 5 * PITCH * W), t + 6 * j);
  }
#pragma nounroll
  for (int i = 0; i < 6; i++) {
    VEC v[6];
    FN(_data6)(t[i], t[6 + i], t[12 + i], t[18 + i], t[24 + i], t[30 + i], v);
#pragma unroll
    for (int j = 0; j < 6; j++) VSTORE(v[j], 0, to + (6 * i + j) * ((IDX)TILES_V * IB));
  }
}

BODY void FN(_in_item)(int block, int ib, SCRATCH float *restrict lanes, __global const A_TYPE *restrict A,
                       __global float *restrict V EXTRA) {
  const int blocks = (TY + RI - 1) / RI, n = block / blocks, ty0 = block % blocks * RI, rows = min(RI, TY - ty0);
  const int i0 = ib * IB, i1 = min(i0 + IB, IG);
#pragma nounroll
  for (int i = i0; i < i1; i += W) {
#pragma nounroll
    for (int s = 0; s < rows * 4 + 2; s++) {
      const int y = ty0 * 4 + s - LO_H;
      const bool inside = y >= 0 && y % XH == 0 && y / XH < IH;
      FN(_turn_row)(lanes + s * (PITCH * W), (((IDX)n * IG + i) * IH + (inside ? y / XH : 0)) * IW, i1 - i, inside, A EXTRA_NAMES);
    }
#pragma nounroll
    for (int r = 0; r < rows; r++)
#pragma nounroll
      for (int x = 0; x < TX; x++)
        FN(_in_tile)(lanes + (r * PITCH + x) * (4 * W), V + V_AT(ib, 0, (n * TY + ty0 + r) * TX + x) + (i - i0));
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void FN(_in)(__global const A_TYPE *restrict A, __global float *restrict work EXTRA) {
  SCRATCH float lanes[LANES_SIZE] __attribute__((aligned(64)));
  FN(_in_item)((int)get_group_id(0), (int)get_group_id(1), lanes, A, work EXTRA_NAMES);
}

// ---- w to U

// Weights of up to W channels from i on and W outputs from o on, as [channel][3·3][lane: output].
INLINE void FN(_turn_weights)(SCRATCH float *to, int o, int i, int channels, __global const B_TYPE *B EXTRA) {
#if PLAIN_W
  if (channels >= W) {
#pragma nounroll
    for (int v = 0; v < 9; v++) {
      VEC t[W];
#pragma unroll
      for (int j = 0; j < W; j++) t[j] = LOAD_B_V(((min(o + j, OG - 1) * (IDX)IG + i) * 9 + v * W));
      FN(_transpose)(t);
#pragma unroll
      for (int j = 0; j < W; j++) VAT(to + (v * W + j) * W) = t[j];
    }
    return;
  }
#endif
#pragma nounroll
  for (int c = 0; c < min(channels, W); c++)
#pragma nounroll
    for (int j = 0; j < W; j++) {
      const IDX b = min(o + j, OG - 1) * (IDX)W_O + (i + c) * (IDX)W_I;
#pragma unroll
      for (int k = 0; k < 9; k++) to[(c * 9 + k) * W + j] = LOAD_B((b + k / 3 * (IDX)W_H + k % 3 * (IDX)W_W));
    }
}

INLINE void FN(_weights)(SCRATCH float *U, SCRATCH float *turned, int o0, int i0, int channels,
                         __global const B_TYPE *B EXTRA) {
#pragma nounroll
  for (int o = 0; o < OB; o += W)
#pragma nounroll
    for (int i = 0; i < channels; i += W) {
      FN(_turn_weights)(turned, o0 + o, i0 + i, channels - i, B EXTRA_NAMES);
#pragma nounroll
      for (int c = 0; c < min(W, channels - i); c++) {
        SCRATCH const float *g = turned + c * (9 * W);
        SCRATCH float *to = U + (o / NR * IB + i + c) * NR + o % NR;
        VEC t[18];
#pragma nounroll
        for (int k = 0; k < 3; k++) FN(_kernel6)(VAT(g + k * W), VAT(g + (3 + k) * W), VAT(g + (6 + k) * W), t + 6 * k);
#pragma nounroll
        for (int k = 0; k < 6; k++) {
          VEC u[6];
          FN(_kernel6)(t[k], t[6 + k], t[12 + k], u);
#pragma unroll
          for (int j = 0; j < 6; j++) VAT(to + (6 * k + j) * U_POINT) = u[j];
        }
      }
    }
}

// ---- Products

#define A_AT(r, k) v[(r) * IB + (k)]

INLINE void FN(_product)(int steps, bool first, __global const float *v, SCRATCH const float *panel, SCRATCH float *sums) {
  VEC acc[MR][NV];
  FN(_recall)(first, acc, sums);
  TILE(steps, panel, acc)
  FN(_keep)(acc, sums);
}

// The first tile of slot s of an item that begins at tile t0: the last slot of all makes tiles again.
#define SLOT_AT(t0, s) min((t0) + (s) * MR, TILES - MR)

// ---- Sums to results

#if W == 4
#define QUARTER(v, q) v
#elif W == 8
#define QUARTER(v, q) ((q) == 0 ? (v).lo : (v).hi)
#else
#define QUARTER(v, q) ((q) == 0 ? (v).lo.lo : (q) == 1 ? (v).lo.hi : (q) == 2 ? (v).hi.lo : (v).hi.hi)
#endif

// A tile of W outputs, each into its plane. Rows are written four wide: see the caller for what lies beyond their end.
INLINE void FN(_out_tile)(SCRATCH const float *sums, SCRATCH float *to) {
  VEC t[24], y[16];
#pragma nounroll
  for (int j = 0; j < 6; j++) {
    SCRATCH const float *m = sums + j * M_POINT;
    FN(_result4)(VAT(m), VAT(m + 6 * M_POINT), VAT(m + 12 * M_POINT), VAT(m + 18 * M_POINT), VAT(m + 24 * M_POINT),
                 VAT(m + 30 * M_POINT), t + 4 * j);
  }
#pragma nounroll
  for (int i = 0; i < 4; i++) FN(_result4)(t[i], t[4 + i], t[8 + i], t[12 + i], t[16 + i], t[20 + i], y + 4 * i);
#pragma nounroll
  for (int g = 0; g < 16 / W; g++) {
    FN(_transpose)(y + g * W);
    SCRATCH float *rows = to + g * (W / 4) * OW;
#pragma unroll
    for (int i = 0; i < W / 4; i++)
#pragma unroll
      for (int o = 0; o < W; o++) vstore4(QUARTER(y[g * W + o], i), 0, rows + o * PLANE + i * OW);
  }
}

// Rows of tiles of one image, from ty on, of W outputs: into planes, and from there to C. A tile's row that goes beyond the
// end of the plane's is corrected by who writes the next one: so tiles go from right to left, and rows downwards.
INLINE void FN(_out_rows)(int n, int ty, int rows, int t, int t0, int o, SCRATCH const float *sums, SCRATCH float *planes,
                          __global C_TYPE *C EXTRA) {
#pragma nounroll
  for (int r = 0; r < rows; r++)
#pragma nounroll
    for (int x = TX - 1; x >= 0; x--) {
      const int tile = t + r * TX + x, slot = (tile - t0) / MR;
      FN(_out_tile)(sums + (slot * PANELS * MR + tile - SLOT_AT(t0, slot)) * NR, planes + (r * OW + x) * 4);
    }
#pragma nounroll
  for (int c = o; c < min(o + W, OG); c++)
    FN(_store_run)(planes + (c - o) * PLANE, (((IDX)n * OG + c) * OH + ty * 4) * OW, (min((ty + rows) * 4, OH) - ty * 4) * OW, c,
                   C EXTRA_NAMES);
}

BODY void FN(_item)(int row0, int o0, SCRATCH float *restrict U, SCRATCH float *restrict sums, SCRATCH float *restrict planes,
                    __global const float *restrict V, __global const B_TYPE *restrict B, __global C_TYPE *C EXTRA) {
  const int rows = min(RT, BATCH * TY - row0), t0 = row0 * TX, slots = (rows * TX + MR - 1) / MR;
#pragma nounroll
  for (int i = 0; i < IG; i += IB) {
    const int channels = min(IB, IG - i);
    FN(_weights)(U, planes, o0, i, channels, B EXTRA_NAMES);
#pragma nounroll
    for (int p = 0; p < POINTS; p++)
#pragma nounroll
      for (int s = 0; s < slots; s++) {
        __global const float *v = V + V_AT(i / IB, p, SLOT_AT(t0, s));
#pragma nounroll
        for (int b = 0; b < PANELS; b++)
          FN(_product)(channels, i == 0, v, U + p * U_POINT + b * (IB * NR),
                       sums + p * M_POINT + (s * PANELS + b) * (MR * NR));
      }
  }
#pragma nounroll
  for (int o = 0; o < min(OB, OG - o0); o += W)
#pragma nounroll
    for (int r = 0; r < rows;) {
      const int n = (row0 + r) / TY, ty = (row0 + r) % TY, count = min(rows - r, TY - ty);
      FN(_out_rows)(n, ty, count, t0 + r * TX, t0, o0 + o, sums + o / NR * (MR * NR) + o % NR, planes, C EXTRA_NAMES);
      r += count;
    }
}

#define PLANES_SIZE (W * PLANE > 9 * W * W ? W * PLANE : 9 * W * W)   // W weights to be transformed lie here, too
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void NAME(__global const float *restrict work, __global const B_TYPE *restrict B, __global C_TYPE *C EXTRA) {
  SCRATCH float U[POINTS * U_POINT] __attribute__((aligned(64)));
  SCRATCH float sums[POINTS * M_POINT] __attribute__((aligned(64)));
  SCRATCH float planes[PLANES_SIZE] __attribute__((aligned(64)));
  FN(_item)((int)get_group_id(0) * RT, (int)get_group_id(1) * OB, U, sums, planes, work, B, C EXTRA_NAMES);
}

#undef POINTS
#undef TY
#undef TX
#undef TILES
#undef TILES_V
#undef PITCH
#undef LANES_SIZE
#undef V_AT
#undef PANELS
#undef U_POINT
#undef SLOTS
#undef M_POINT
#undef IMAGE_ROWS
#undef PLANE
#undef PLANES_SIZE
#undef A1
#undef B1
#undef A_AT
#undef SLOT_AT
#undef QUARTER
