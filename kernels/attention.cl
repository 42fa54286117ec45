// What the forms of attention for both classes share: their arguments, which depend on KIND, HAS_0 and HAS_1, and names.
#define STILL (KIND == 2 ? U : T)
#define TILES ((STILL + TILE - 1) / TILE)
#define NONE -3e38f

#if KIND == 0
#define BACKWARD
#define BACKWARD_NAMES
#else
#define BACKWARD \
  , __global const float *restrict DY, __global const float *restrict STAT, __global const float *restrict DELTA
#define BACKWARD_NAMES , DY, STAT, DELTA
#endif
#if HAS_0
#define RESULT_0 , __global float *restrict R0
#define RESULT_0_NAME , R0
#else
#define RESULT_0
#define RESULT_0_NAME
#endif
#if HAS_1
#define RESULT_1 , __global float *restrict R1
#define RESULT_1_NAME , R1
#else
#define RESULT_1
#define RESULT_1_NAME
#endif
#define ARGS \
  __global const float *restrict Q, __global const float *restrict K, __global const float *restrict V BACKWARD RESULT_0 \
  RESULT_1 EXTRA
#define ARG_NAMES Q, K, V BACKWARD_NAMES RESULT_0_NAME RESULT_1_NAME EXTRA_NAMES
