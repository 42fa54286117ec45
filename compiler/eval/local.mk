compiler_libcompiler_la_SOURCES += \
  compiler/eval/eval.h \
  compiler/eval/eval.c
