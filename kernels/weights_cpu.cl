// Weights of a convolution in the order [O][I/G][KD][KH][KW], of W_TYPE: as they lie they have no prologue, and those that
// had one are floats by now.
//
//   PACK_W                 1: w does not lie in that order or has a prologue, so _pack_w first writes it to work:
//                          float[O·IG·KD·KH·KW]. 0: it is read in place
//   W_O W_I W_D W_H W_W    strides of w (PACK_W)
//
// NAME_pack_w (PACK_W): global (O), local (1); B, work, extra.
#if PACK_W
#define W_TYPE float
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void FN(_pack_w)(__global const B_TYPE *restrict B, __global float *restrict work EXTRA) {
  const int o = (int)get_group_id(0);
  int step = 0;
#pragma nounroll
  for (int i = 0; i < IG; i++)
#pragma nounroll
    for (int kz = 0; kz < KD; kz++)
#pragma nounroll
      for (int ky = 0; ky < KH; ky++)
#pragma nounroll
        for (int kx = 0; kx < KW; kx++, step++)
          work[(IDX)o * STEPS + step] = LOAD_B((o * (IDX)W_O + i * (IDX)W_I + kz * (IDX)W_D + ky * (IDX)W_H +
                                                kx * (IDX)W_W));
}
#else
#define W_TYPE B_TYPE
#endif
