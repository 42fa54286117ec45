compiler_libcompiler_la_SOURCES += \
  compiler/ops/op.h \
  compiler/ops/op.c \
  compiler/ops/rows.h \
  compiler/ops/rules.c \
  compiler/ops/build.c \
  compiler/ops/strided.c \
  compiler/ops/pointwise.def \
  compiler/ops/pointwise.c \
  compiler/ops/grad_pointwise.c \
  compiler/ops/leaf.c \
  compiler/ops/random.c \
  compiler/ops/reshape.c \
  compiler/ops/permute.c \
  compiler/ops/broadcast.c \
  compiler/ops/slice.c \
  compiler/ops/pad.c \
  compiler/ops/concat.c \
  compiler/ops/reduce.c \
  compiler/ops/cumulative.c \
  compiler/ops/dot.c \
  compiler/ops/conv.c \
  compiler/ops/pool.c \
  compiler/ops/index.c \
  compiler/ops/argsort.c \
  compiler/ops/assign.c \
  compiler/ops/orthogonal.c \
  compiler/ops/grad.c
