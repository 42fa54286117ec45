# A suite is one file, tests/check_NAME.c, and one line here; the longest first, so that the others run beside it.
NC_SUITES = \
  tests/check_gen \
  tests/check_vision \
  tests/check_networks \
  tests/check_golden \
  tests/check_plan \
  tests/check_kernels \
  tests/check_device \
  tests/check_banks \
  tests/check_bank_runs \
  tests/check_aides \
  tests/check_exec \
  tests/check_exec_errors \
  tests/check_doctor \
  tests/check_graph \
  tests/check_math \
  tests/check_rules \
  tests/check_eval \
  tests/check_ops \
  tests/check_io \
  tests/check_csv \
  tests/check_safetensors \
  tests/check_events \
  tests/check_base \
  tests/check_diag \
  tests/check_passes \
  tests/check_simplify \
  tests/check_arena \
  tests/check_data \
  tests/check_images \
  tests/check_archives \
  tests/check_augment \
  tests/check_table \
  tests/check_loader \
  tests/check_text \
  tests/check_tokenizers \
  tests/check_front \
  tests/check_tree \
  tests/check_elab \
  tests/check_decode \
  tests/check_prelude \
  tests/check_recipe \
  tests/check_starts \
  tests/check_mutations \
  tests/check_names \
  tests/check_loop \
  tests/check_slices \
  tests/check_remake \
  tests/check_parts \
  tests/check_states \
  tests/check_train \
  tests/check_divide \
  tests/check_runs \
  tests/check_generate \
  tests/check_maps \
  tests/check_weights \
  tests/check_picture \
  tests/check_report \
  tests/check_tuned \
  tests/check_resolved \
  tests/check_public \
  tests/check_stages
check_PROGRAMS += $(NC_SUITES)
TESTS += $(NC_SUITES)

# What several suites share. A suite takes from it, and from the layers, only what it calls.
check_LTLIBRARIES = tests/libshared.la
tests_libshared_la_SOURCES = \
  tests/suite.h tests/device_run.h tests/passes_run.h tests/train_run.h tests/parsed.h tests/readers.h tests/tempdir.h tests/sources.h tests/golden.h \
  tests/elab_run.h tests/elab_run.c \
  tests/gen_run.h tests/gen_run.c \
  tests/golden_set.h tests/golden_set.c tests/golden_graph.c \
  tests/golden_network.h tests/golden_network.c tests/golden_values.c tests/golden_device.h tests/golden_device.c \
  tests/network_suite.h tests/network_suite.c \
  tests/interpret.h tests/interpret.c \
  tests/loops.h tests/loops.c \
  tests/nets.h tests/nets.c \
  tests/op_cases.h tests/op_cases.c tests/op_cases.def tests/op_cases_large.def \
  tests/random_graph.h tests/random_graph.c
LDADD = tests/libshared.la $(NC_ALL) $(CHECK_LIBS)

# These two speak to OpenCL themselves.
tests_check_kernels_SOURCES = tests/check_kernels.c tests/kernels_ref.h tests/kernels_ref.c tests/clrun.h tests/clrun.c
tests_check_kernels_LDADD = $(LDADD) $(OPENCL_LIBS)
tests_check_math_SOURCES = tests/check_math.c tests/clrun.h tests/clrun.c
tests_check_math_LDADD = $(LDADD) $(OPENCL_LIBS)

EXTRA_DIST += tests/front tests/elab tests/golden
EXTRA_DIST += tests/fuzz/fuzz_front.c tests/fuzz/fuzz_readers.c tests/fuzz/stored.npz tests/fuzz/deflated.npz

EXTRA_DIST += tests/devices.sh
.PHONY: check-devices
check-devices: nacre
	$(srcdir)/tests/devices.sh ./nacre
