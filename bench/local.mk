# make bench: the table bench/workloads beside the peers that PYTHON has. make bench WORKLOADS="gpt lstm" picks.
EXTRA_PROGRAMS = bench/step
bench_step_SOURCES = bench/step.c
bench_step_LDADD = $(NC_ALL)
CLEANFILES += bench/step
EXTRA_DIST += bench/run.sh bench/peer.py bench/workloads
EXTRA_DIST += bench/mlp.nn bench/cnn.nn bench/lstm.nn bench/encoder.nn bench/unet.nn

.PHONY: bench
bench: bench/step$(EXEEXT)
	WORKLOADS='$(WORKLOADS)' $(srcdir)/bench/run.sh ./bench/step$(EXEEXT) $(srcdir) bench/out

# make bench/kernels: times the templates of kernels/ one by one
EXTRA_PROGRAMS += bench/kernels
CLEANFILES += bench/kernels
bench_kernels_SOURCES = bench/kernels.c tests/clrun.h tests/clrun.c
bench_kernels_LDADD = compiler/libcompiler.la kernels/libkernels.la lib/libplan.la lib/libbase.la $(OPENCL_LIBS)

# make bench/cold: what the driver's compiler takes for each kernel of a plan
EXTRA_PROGRAMS += bench/cold
CLEANFILES += bench/cold
bench_cold_SOURCES = bench/cold.c
bench_cold_LDADD = lib/libdevice.la lib/libplan.la lib/libbase.la
