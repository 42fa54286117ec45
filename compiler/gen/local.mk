# gen: regions to OpenCL C and plan steps
compiler_libcompiler_la_SOURCES += compiler/gen/templates.h
compiler_libcompiler_la_SOURCES += compiler/gen/templates.c
compiler_libcompiler_la_SOURCES += compiler/gen/template_gemm.c
compiler_libcompiler_la_SOURCES += compiler/gen/template_conv.c
