# the standard library, in the language itself
PRELUDE = \
  compiler/prelude/activations.nn \
  compiler/prelude/attention.nn \
  compiler/prelude/augment.nn \
  compiler/prelude/blocks.nn \
  compiler/prelude/conv.nn \
  compiler/prelude/dense.nn \
  compiler/prelude/draws.nn \
  compiler/prelude/init.nn \
  compiler/prelude/losses.nn \
  compiler/prelude/metrics.nn \
  compiler/prelude/norm.nn \
  compiler/prelude/optimizers.nn \
  compiler/prelude/pool.nn \
  compiler/prelude/recurrent.nn \
  compiler/prelude/regularise.nn \
  compiler/prelude/resize.nn \
  compiler/prelude/schedules.nn
EXTRA_DIST += $(PRELUDE)
compiler/prelude/embedded.c: $(PRELUDE) kernels/embed.sh
	$(AM_V_GEN)$(MKDIR_P) compiler/prelude && cd $(srcdir) && sh kernels/embed.sh nc_prelude_files $(PRELUDE) >$(abs_builddir)/$@-t && mv $(abs_builddir)/$@-t $(abs_builddir)/$@
nodist_compiler_libcompiler_la_SOURCES = compiler/prelude/embedded.c
CLEANFILES += compiler/prelude/embedded.c
