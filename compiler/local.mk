# The compiler: one convenience library; every folder lists its files in its own fragment.
noinst_LTLIBRARIES += compiler/libcompiler.la
NC_LAYERS += compiler/libcompiler.la
AM_CPPFLAGS += -I$(top_srcdir)/compiler
compiler_libcompiler_la_SOURCES =

include compiler/front/local.mk
include compiler/graph/local.mk
include compiler/ops/local.mk
include compiler/eval/local.mk
include compiler/elab/local.mk
include compiler/prelude/local.mk
include compiler/gen/local.mk
include compiler/passes/local.mk
