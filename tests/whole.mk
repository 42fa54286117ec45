# The tests of the whole: training on a device, and the command.
# Tests run beside each other must not share a PoCL cache.
AM_TESTS_ENVIRONMENT = POCL_CACHE_DIR=$(abs_builddir)/$$log.pocl; export POCL_CACHE_DIR;
check_PROGRAMS += tests/check_train
TESTS += tests/check_train tests/cli.sh tests/errors.sh tests/layers.sh
dist_check_SCRIPTS += tests/cli.sh tests/errors.sh tests/layers.sh
tests_check_train_SOURCES = tests/check_train.c
tests_check_train_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_check_train_LDADD = $(NC_ALL) $(CHECK_LIBS)
EXTRA_DIST += tests/golden/make_golden.py tests/golden/mlp.nn tests/golden/cnn.nn tests/golden/mlp.losses tests/golden/cnn.losses

clean-local:
	rm -rf $(builddir)/tests/*.pocl

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer, in a build of its own.
.PHONY: check-san
check-san:
	mkdir -p san && cd san && \
	  { test -f Makefile || $(abs_top_srcdir)/configure -q --enable-sanitize CFLAGS='-O1 -g'; } && \
	  $(MAKE) $(AM_MAKEFLAGS) check
distclean-local:
	rm -rf san
