# front: source text to syntax tree, and back
compiler_libcompiler_la_SOURCES += compiler/front/ast.h
compiler_libcompiler_la_SOURCES += compiler/front/ast.c
compiler_libcompiler_la_SOURCES += compiler/front/parse.h
