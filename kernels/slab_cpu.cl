// The slab: what a work-item of a convolution reads of x, copied into scratch with its padding, so that loops over
// the kernel's taps need no bounds. Sizes and macros: see conv_cpu.cl.
//
//   slab[i][kz][sy][sx] = x[n][i0 + i][z·SD + kz·DD − LO_D][y0·SH + sy − LO_H][sx − LO_W], counted in steps of a
//   dilated x (XD XH XW apart, zeros between), zero outside
//
// An output pixel (y, x) of the item meets tap (i, kz, ky, kx) at slab[i][kz][y·SH + ky·DH][x·SW + kx·DW].
#define TAPS (KD * KH * KW)
#define STEPS (IG * TAPS)
#define SLAB_H ((RB - 1) * SH + (KH - 1) * DH + 1)
#define SLAB_W ((OW - 1) * SW + (KW - 1) * DW + 1)
#define SLAB_Z (SLAB_H * SLAB_W)
#define SLAB_I (KD * SLAB_Z)

// One row of the slab: x(row, sx − LO_W) for sx in 0 … SLAB_W, zeros outside. a: index of the row's first element.
INLINE void FN(_slab_row)(SCRATCH float *to, IDX a, bool inside, __global const A_TYPE *A EXTRA) {
  const int first = LO_W > 0 ? LO_W : 0, end = min(SLAB_W, LO_W + (IW - 1) * XW + 1);
  int s = 0;
#if XW == 1
  if (inside) {
#pragma nounroll
    for (; s < min(first, SLAB_W); s++) to[s] = 0.0f;
#pragma nounroll
    for (; s + W <= end; s += W) VSTORE(LOAD_A_V((a + s - LO_W)), 0, to + s);
#pragma nounroll
    for (; s < end; s++) to[s] = LOAD_A((a + s - LO_W));
  }
#endif
#pragma nounroll
  for (; s < SLAB_W; s++) to[s] = 0.0f;
#if XW != 1
  if (inside)
#pragma nounroll
    for (s = LO_W >= 0 ? LO_W : (XW + LO_W % XW) % XW; s < end; s += XW) to[s] = LOAD_A((a + (s - LO_W) / XW));
#endif
}

// IB channels from i0 on, for output plane z and rows from y0 on. a: index of the image's first channel of the group.
INLINE void FN(_slab)(SCRATCH float *slab, IDX a, int i0, int channels, int z, int y0, __global const A_TYPE *A EXTRA) {
#pragma nounroll
  for (int i = 0; i < channels; i++)
#pragma nounroll
    for (int kz = 0; kz < KD; kz++) {
      const int zx = z * SD + kz * DD - LO_D;
      const bool z_in = zx >= 0 && zx % XD == 0 && zx / XD < ID;
#pragma nounroll
      for (int sy = 0; sy < SLAB_H; sy++) {
        const int yx = y0 * SH + sy - LO_H;
        const bool in = z_in && yx >= 0 && yx % XH == 0 && yx / XH < IH;
        const IDX row = a + ((IDX)((i0 + i) * ID + (in ? zx / XD : 0)) * IH + (in ? yx / XH : 0)) * IW;
        FN(_slab_row)(slab + i * SLAB_I + kz * SLAB_Z + sy * SLAB_W, row, in, A EXTRA_NAMES);
      }
    }
}
