# OpenCL C: shared helpers and the templates whose shape is not generated, as bytes in the library.
NC_KERNELS =
NC_KERNELS += kernels/math.cl
NC_KERNELS += kernels/random.cl
NC_KERNELS += kernels/begin.cl
NC_KERNELS += kernels/end.cl
NC_KERNELS += kernels/bank.cl
NC_KERNELS += kernels/tile_cpu.cl
NC_KERNELS += kernels/panels_cpu.cl
NC_KERNELS += kernels/gemm_cpu.cl
NC_KERNELS += kernels/store.cl
NC_KERNELS += kernels/memory.cl
NC_KERNELS += kernels/reduce.cl
NC_KERNELS += kernels/slab_cpu.cl
NC_KERNELS += kernels/run_cpu.cl
NC_KERNELS += kernels/weights_cpu.cl
NC_KERNELS += kernels/conv_cpu.cl
NC_KERNELS += kernels/depthwise_cpu.cl
NC_KERNELS += kernels/winograd_cpu.cl
NC_KERNELS += kernels/winograd_points_cpu.cl
NC_KERNELS += kernels/winograd_conv_cpu.cl
NC_KERNELS += kernels/winograd_weight_cpu.cl
NC_KERNELS += kernels/conv_weight_cpu.cl
NC_KERNELS += kernels/pool.cl
NC_KERNELS += kernels/pool_cpu.cl
NC_KERNELS += kernels/sort.cl
NC_KERNELS += kernels/attention.cl
NC_KERNELS += kernels/attention_cpu.cl
NC_KERNELS += kernels/attention_gpu.cl
NC_KERNELS += kernels/gemm_gpu.cl
NC_KERNELS += kernels/taps_gpu.cl
NC_KERNELS += kernels/conv_gpu.cl
NC_KERNELS += kernels/conv_weight_gpu.cl
NC_KERNELS += kernels/tile_gpu.cl

EXTRA_DIST += kernels/embed.sh $(NC_KERNELS)
BUILT_SOURCES += kernels/embedded.c
CLEANFILES += kernels/embedded.c
noinst_LTLIBRARIES += kernels/libkernels.la
NC_LAYERS += kernels/libkernels.la
nodist_kernels_libkernels_la_SOURCES = kernels/embedded.c
kernels_libkernels_la_SOURCES =

kernels/embedded.c: $(NC_KERNELS) kernels/embed.sh
	$(AM_V_GEN)$(MKDIR_P) kernels && \
	sh $(srcdir)/kernels/embed.sh nc_kernel_files $(NC_KERNELS:%=$(srcdir)/%) > $@.tmp && mv $@.tmp $@
