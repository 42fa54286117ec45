compiler_libcompiler_la_SOURCES += \
  compiler/graph/graph.h \
  compiler/graph/graph.c \
  compiler/graph/text.c \
  compiler/graph/read.c \
  compiler/graph/users.c \
  compiler/graph/copy.c \
  compiler/graph/part.c \
  compiler/graph/verify.c
