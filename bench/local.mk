# make bench: the table bench/workloads beside the peers that PYTHON has. make bench WORKLOADS="gpt lstm" picks.
check_PROGRAMS += bench/step   # built with the tests, so that they follow what they measure
bench_step_SOURCES = bench/step.c
bench_step_LDADD = $(NC_ALL)
EXTRA_DIST += bench/run.sh bench/peer.py bench/workloads
EXTRA_DIST += bench/mlp.nn bench/cnn.nn bench/lstm.nn bench/encoder.nn bench/unet.nn

.PHONY: bench
bench: bench/step$(EXEEXT) bench/limits$(EXEEXT)
	WORKLOADS='$(WORKLOADS)' $(srcdir)/bench/run.sh ./bench/step$(EXEEXT) $(srcdir) bench/out
	./bench/limits$(EXEEXT) $(srcdir)/bench/limits.nn bench/out/results.json

# make bench-limits: kernels beside the machine's peak and its best copy.
check_PROGRAMS += bench/limits
bench_limits_SOURCES = bench/limits.c bench/results.h bench/results.c
bench_limits_LDADD = $(NC_ALL)
EXTRA_DIST += bench/limits.nn

# make bench-growth: what a step takes against batch, width, depth and length, beside what its arithmetic says; plots in bench/out.
check_PROGRAMS += bench/growth
bench_growth_SOURCES = bench/growth.c bench/results.h bench/results.c
bench_growth_LDADD = $(NC_ALL)
EXTRA_DIST += bench/growth.nn

.PHONY: bench-limits bench-growth
bench-limits: out = bench/out/results.json
bench-growth: out = bench/out
bench-limits bench-growth: bench-%: bench/%$(EXEEXT)
	@mkdir -p bench/out
	./$< $(srcdir)/bench/$*.nn $(out)

# make bench/kernels: times the templates of kernels/ one by one
check_PROGRAMS += bench/kernels
bench_kernels_SOURCES = bench/kernels.c tests/clrun.h tests/clrun.c
bench_kernels_LDADD = compiler/libcompiler.la kernels/libkernels.la lib/libplan.la lib/libbase.la $(OPENCL_LIBS)

# make bench/cold: what the driver's compiler takes for each kernel of a plan
check_PROGRAMS += bench/cold
bench_cold_SOURCES = bench/cold.c
bench_cold_LDADD = lib/libdevice.la kernels/libkernels.la lib/libplan.la lib/libbase.la
