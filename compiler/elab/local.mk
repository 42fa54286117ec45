# elaboration: syntax tree to graphs
compiler_libcompiler_la_SOURCES += compiler/elab/program.h
compiler_libcompiler_la_SOURCES += compiler/elab/size.h
compiler_libcompiler_la_SOURCES += compiler/elab/size.c
compiler_libcompiler_la_SOURCES += compiler/elab/elab.h
