// 3×3 convolution of stride 1 by Winograd's way, for CPU devices. Uses winograd_cpu.cl, winograd_points_cpu.cl for x,
// run_cpu.cl.
//
//      x: points [36][tile][IB]          U [36][IB][OB], scratch          sums [36][tile][OB],         C: tiles of 4 × 4
//     ┌──────────────────┐              ┌────────────────────┐            in scratch                  ┌────┐
//     │ rows: tiles      │       ×      │ columns: outputs   │ ─────────▶                ── Aᵀ m A ─▶ │    │
//     └──────────────────┘              └────────────────────┘            lanes are outputs           └────┘
//
// An item makes OB outputs × RT rows of tiles: for each block of IB channels it transforms its weights, which takes as
// long as the products of three tiles, reads w once and needs nothing kept, and adds 36 products. What is finished is turned
// back to rows of pixels in scratch and stored in runs.
//
//   IB OB       channels to a block, a multiple of W; outputs to an item, of NR
//   RT          rows of tiles to an item, over all images
//   W_O W_I W_H W_W  PLAIN_W              strides of w; 1: they are those of [O][I][3][3] and w has no prologue
//   A (x) B (w) C: types, LOAD, STORE, EXTRA as in compiler/gen/templates.h; o is linear in C, c the output channel
//
// NAME: global (ceil(BATCH·TY/RT), ceil(OG/OB)), local (1,1,1); arguments points of x, B, C, extra.

#define PANELS (OB / NR)
#define U_POINT (PANELS * IB * NR + NR)           // not a whole page, as TILES_V
#define SLOTS ((RT * TX + MR - 1) / MR)
#define M_POINT (SLOTS * PANELS * MR * NR + NR)
#define IMAGE_ROWS (RT < TY ? RT : TY)
#define PLANE (IMAGE_ROWS * 4 * OW + W)

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

PRODUCT

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
        __global const float *v = V + POINT_AT(i / IB, IB, p, SLOT_AT(t0, s));
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
#define U_SIZE PADDED(POINTS * U_POINT)
#define SUMS PADDED(POINTS * M_POINT)
#define ARGS __global const float *restrict work, __global const B_TYPE *restrict B, __global C_TYPE *C EXTRA
#define ARG_NAMES work, B, C EXTRA_NAMES
enum { FN(_scratch) = U_SIZE + SUMS + PLANES_SIZE };
INLINE void FN(_group)(GRID, SCRATCH float *U, ARGS) {
  FN(_item)(x_ * RT, y_ * OB, U, U + U_SIZE, U + U_SIZE + SUMS, ARG_NAMES);
}
GROUP_KERNEL
#undef U_SIZE
#undef SUMS

#undef PANELS
#undef U_POINT
#undef SLOTS
#undef M_POINT
#undef IMAGE_ROWS
#undef PLANE
#undef PLANES_SIZE
#undef A_AT
#undef SLOT_AT
#undef QUARTER
