// Reading x under a tap of the kernel, for the convolutions on GPU devices. Sizes as in conv_cpu.cl.
#define TAPS (KD * KH * KW)
#define PIXELS (OD * OH * OW)
#define ARGS __global const A_TYPE *A, __global const B_TYPE *B EXTRA
#define ARG_NAMES A, B EXTRA_NAMES

// x under tap `k` (kz, ky, kx in order) of input channel `channel` of image n, seen from pixel p of the output.
INLINE float FN(_x)(int n, int channel, int k, int p, ARGS) {
  const int d = p / (OH * OW) * SD + k / (KH * KW) * DD - LO_D, h = p / OW % OH * SH + k / KW % KH * DH - LO_H;
  const int w = p % OW * SW + k % KW * DW - LO_W;
  if (d < 0 || h < 0 || w < 0 || d % XD || h % XH || w % XW) return 0.0f;
  if (d / XD >= ID || h / XH >= IH || w / XW >= IW) return 0.0f;
  return LOAD_A(((((IDX)n * (G * IG) + channel) * ID + d / XD) * IH + h / XH) * IW + w / XW);
}
