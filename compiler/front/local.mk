# front: source text to syntax tree, and back
compiler_libcompiler_la_SOURCES += compiler/front/ast.h
compiler_libcompiler_la_SOURCES += compiler/front/ast.c
compiler_libcompiler_la_SOURCES += compiler/front/lex.h
compiler_libcompiler_la_SOURCES += compiler/front/lex.c
compiler_libcompiler_la_SOURCES += compiler/front/parse.h
compiler_libcompiler_la_SOURCES += compiler/front/parser.h
compiler_libcompiler_la_SOURCES += compiler/front/parse.c
compiler_libcompiler_la_SOURCES += compiler/front/parse_decl.c
compiler_libcompiler_la_SOURCES += compiler/front/parse_stmt.c
compiler_libcompiler_la_SOURCES += compiler/front/parse_type.c
compiler_libcompiler_la_SOURCES += compiler/front/parse_expr.c
compiler_libcompiler_la_SOURCES += compiler/front/parse_flow.c
compiler_libcompiler_la_SOURCES += compiler/front/flow.h
compiler_libcompiler_la_SOURCES += compiler/front/text.c
compiler_libcompiler_la_SOURCES += compiler/front/print.h
compiler_libcompiler_la_SOURCES += compiler/front/print.c
compiler_libcompiler_la_SOURCES += compiler/front/print_file.c
