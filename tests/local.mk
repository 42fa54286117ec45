# tests; the longest first, so that the others run beside it

check_PROGRAMS += tests/check_gen
TESTS += tests/check_gen
tests_check_gen_SOURCES = tests/check_gen.c tests/gen_run.h tests/gen_run.c tests/nets.h tests/nets.c tests/loops.h tests/loops.c \
  tests/op_cases.h tests/op_cases.c tests/op_cases.def
tests_check_gen_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_gen_LDADD = lib/libdevice.la compiler/libcompiler.la kernels/libkernels.la lib/libplan.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_golden
TESTS += tests/check_golden
tests_check_golden_SOURCES = tests/check_golden.c tests/golden_set.h tests/golden_set.c tests/golden_graph.c tests/golden.h \
  tests/gen_run.h tests/gen_run.c tests/elab_run.h tests/elab_run.c
tests_check_golden_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_golden_LDADD = lib/libdevice.la lib/libdata.la compiler/libcompiler.la kernels/libkernels.la lib/libplan.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_plan
TESTS += tests/check_plan
tests_check_plan_SOURCES = tests/check_plan.c
tests_check_plan_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_check_plan_LDADD = lib/libplan.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_kernels
TESTS += tests/check_kernels
tests_check_kernels_SOURCES = tests/check_kernels.c tests/kernels_ref.h tests/kernels_ref.c tests/clrun.h tests/clrun.c
tests_check_kernels_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_kernels_LDADD = compiler/libcompiler.la kernels/libkernels.la lib/libbase.la $(CHECK_LIBS) $(OPENCL_LIBS)

check_PROGRAMS += tests/check_device
TESTS += tests/check_device
tests_check_device_SOURCES = tests/check_device.c
tests_check_device_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_device_LDADD = lib/libdevice.la lib/libplan.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_graph
TESTS += tests/check_graph
tests_check_graph_SOURCES = tests/check_graph.c tests/op_cases.h tests/op_cases.c tests/op_cases.def
tests_check_graph_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_graph_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_math
TESTS += tests/check_math
tests_check_math_SOURCES = tests/check_math.c tests/op_cases.h tests/op_cases.c tests/op_cases.def tests/clrun.h tests/clrun.c
tests_check_math_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_math_LDADD = compiler/libcompiler.la kernels/libkernels.la lib/libbase.la $(CHECK_LIBS) $(OPENCL_LIBS)

check_PROGRAMS += tests/check_rules
TESTS += tests/check_rules
tests_check_rules_SOURCES = tests/check_rules.c
tests_check_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_rules_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_eval
TESTS += tests/check_eval
tests_check_eval_SOURCES = tests/check_eval.c
tests_check_eval_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_eval_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_ops
TESTS += tests/check_ops
tests_check_ops_SOURCES = tests/check_ops.c tests/op_cases.h tests/op_cases.c tests/op_cases.def
tests_check_ops_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_ops_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_io
TESTS += tests/check_io
tests_check_io_SOURCES = tests/check_io.c tests/tempdir.h
tests_check_io_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_check_io_LDADD = lib/libdata.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_base
TESTS += tests/check_base
tests_check_base_SOURCES = tests/check_base.c tests/tempdir.h
tests_check_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_base_LDADD = lib/libbase.la $(CHECK_LIBS) $(JANSSON_LIBS)

check_PROGRAMS += tests/check_passes
TESTS += tests/check_passes
tests_check_passes_SOURCES = tests/check_passes.c tests/nets.h tests/nets.c \
  tests/interpret.h tests/interpret.c tests/random_graph.h tests/random_graph.c
tests_check_passes_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_check_passes_LDADD = compiler/libcompiler.la kernels/libkernels.la lib/libplan.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_data
TESTS += tests/check_data
tests_check_data_SOURCES = tests/check_data.c tests/tempdir.h
tests_check_data_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_check_data_LDADD = lib/libdata.la lib/libbase.la $(CHECK_LIBS)
check_PROGRAMS += tests/check_text
TESTS += tests/check_text
tests_check_text_SOURCES = tests/check_text.c tests/tempdir.h
tests_check_text_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_check_text_LDADD = lib/libdata.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_front
TESTS += tests/check_front
tests_check_front_SOURCES = tests/check_front.c tests/golden.h
tests_check_front_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_front_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)
EXTRA_DIST += tests/front
EXTRA_DIST += tests/fuzz/fuzz_front.c tests/fuzz/fuzz_readers.c

check_PROGRAMS += tests/check_elab
TESTS += tests/check_elab
tests_check_elab_SOURCES = tests/check_elab.c tests/elab_run.h tests/elab_run.c tests/golden.h
tests_check_elab_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_elab_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)
EXTRA_DIST += tests/elab

check_PROGRAMS += tests/check_decode
TESTS += tests/check_decode
tests_check_decode_SOURCES = tests/check_decode.c tests/elab_run.h tests/elab_run.c
tests_check_decode_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_decode_LDADD = compiler/libcompiler.la kernels/libkernels.la lib/libplan.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_prelude
TESTS += tests/check_prelude
tests_check_prelude_SOURCES = tests/check_prelude.c tests/elab_run.h tests/elab_run.c
tests_check_prelude_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_prelude_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_recipe
TESTS += tests/check_recipe
tests_check_recipe_SOURCES = tests/check_recipe.c tests/elab_run.h tests/elab_run.c tests/golden.h
tests_check_recipe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_recipe_LDADD = compiler/libcompiler.la lib/libdata.la lib/libbase.la $(ZLIB_LIBS) $(JANSSON_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/check_mutations
TESTS += tests/check_mutations
tests_check_mutations_SOURCES = tests/check_mutations.c tests/elab_run.h tests/elab_run.c tests/golden.h
tests_check_mutations_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_mutations_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

EXTRA_DIST += tests/devices.sh
.PHONY: check-devices
check-devices: nacre
	$(srcdir)/tests/devices.sh ./nacre

check_PROGRAMS += tests/check_names
TESTS += tests/check_names
tests_check_names_SOURCES = tests/check_names.c
tests_check_names_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_names_LDADD = lib/libdata.la lib/libbase.la $(CHECK_LIBS)
check_PROGRAMS += tests/check_loop
TESTS += tests/check_loop
tests_check_loop_SOURCES = tests/check_loop.c tests/loops.h tests/loops.c
tests_check_loop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_loop_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/check_parts
TESTS += tests/check_parts
tests_check_parts_SOURCES = tests/check_parts.c tests/elab_run.h tests/elab_run.c
tests_check_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_parts_LDADD = compiler/libcompiler.la lib/libbase.la $(CHECK_LIBS)
