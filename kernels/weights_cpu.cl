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
#define ARGS __global const B_TYPE *restrict B, __global float *restrict work EXTRA
#define ARG_NAMES B, work EXTRA_NAMES
BODY void FN(_pack_w_item)(size_t item, ARGS) {
  const int o = (int)item;
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
ITEM_KERNEL(FN(_pack_w), FN(_pack_w_item))
#undef ARGS
#undef ARG_NAMES
#else
#define W_TYPE B_TYPE
#endif
