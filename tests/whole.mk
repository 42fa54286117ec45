# The tests of the whole: the command, and what the tree and the library promise.
TESTS += tests/cli.sh tests/new.sh tests/wrong.sh tests/examples.sh tests/errors.sh tests/layers.sh tests/public.sh
dist_check_SCRIPTS += tests/cli.sh tests/new.sh tests/wrong.sh tests/examples.sh tests/errors.sh tests/layers.sh tests/public.sh

# Each suite has a folder of its own, TEST.log.own: suites that run side by side share no cache of programs, and leave
# nothing behind elsewhere. Programs are built without the driver's optimizer, which takes several times as long as all
# else; check_gen, check_kernels and check_train have what they test with it. Time limits are for a machine that does
# nothing else: five times as much is allowed, twenty times under sanitizers. intercept_tls_get_addr: the sanitizers of
# GCC up to 13 and LLVM up to 16 expect a header of glibc 2.19 before a thread's block of variables where its address
# modulo 4096 happens to be 16. There is none since glibc 2.25, and the search for leaks then reads whatever lies there as
# an address and a length, and crashes ("Tracer caught signal 11"). The blocks are found without it.
AM_TESTS_ENVIRONMENT = own=$(abs_builddir)/$$log.own; rm -rf $$own/tmp; $(MKDIR_P) $$own/tmp; \
  POCL_CACHE_DIR=$$own/pocl; XDG_CACHE_HOME=$$own; TMPDIR=$$own/tmp; CC='$(CC)'; NACRE_DEBUG=unoptimized; \
  export POCL_CACHE_DIR XDG_CACHE_HOME TMPDIR CC NACRE_DEBUG; \
  CK_TIMEOUT_MULTIPLIER=$${CK_TIMEOUT_MULTIPLIER-5}; export CK_TIMEOUT_MULTIPLIER; \
  ASAN_OPTIONS=intercept_tls_get_addr=0; export ASAN_OPTIONS; \
  LSAN_OPTIONS=suppressions=$(abs_top_srcdir)/tests/lsan.supp:print_suppressions=0; export LSAN_OPTIONS; \
  UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
EXTRA_DIST += tests/lsan.supp tests/lib.sh tests/new/digits.npz tests/new/colour.npz tests/new/alone.npz tests/new/column.npz

clean-local:
	rm -rf $(builddir)/tests/*.own
distclean-local:
	rm -rf san fuzz

# The same tests under AddressSanitizer (with its search for leaks) and UndefinedBehaviorSanitizer, in a build of its own.
# On PoCL alone where it is installed: drivers that nobody asked for leak when they are merely looked at.
.PHONY: check-san
check-san:
	pocl=/etc/OpenCL/vendors/pocl.icd; \
	  if test -f $$pocl; then OCL_ICD_VENDORS=$${OCL_ICD_VENDORS-$$pocl}; export OCL_ICD_VENDORS; fi; \
	  CK_TIMEOUT_MULTIPLIER=$${CK_TIMEOUT_MULTIPLIER-20}; export CK_TIMEOUT_MULTIPLIER; \
	  mkdir -p san && cd san && \
	  { test -f Makefile || $(abs_top_srcdir)/configure -q --enable-sanitize CFLAGS='-O1 -g'; } && \
	  $(MAKE) $(AM_MAKEFLAGS) check

# Lexer, parser and printer, and every reader of foreign bytes, under libFuzzer: make fuzz FUZZ_SECONDS=600. What it finds
# is kept in ./fuzz.
FUZZ_FLAGS = -g -O1 -fsanitize=fuzzer,address,undefined $(DEFS) -I. $(AM_CPPFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS) $(JANSSON_CFLAGS)
FUZZ_READERS = plan graph safetensors idx npy npz csv names bpe image dates cifar
FUZZ_CC = clang
FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: nacre
	mkdir -p fuzz/corpus
	$(FUZZ_CC) $(FUZZ_FLAGS) -o fuzz/fuzz_front \
	  $(srcdir)/tests/fuzz/fuzz_front.c $(srcdir)/compiler/front/*.c $(srcdir)/lib/base/*.c -lm
	$(FUZZ_CC) $(FUZZ_FLAGS) -o fuzz/fuzz_readers $(srcdir)/tests/fuzz/fuzz_readers.c $(srcdir)/lib/base/*.c \
	  $(srcdir)/lib/plan/*.c $(srcdir)/lib/io/*.c $(srcdir)/lib/data/*.c $(srcdir)/compiler/graph/*.c \
	  $(srcdir)/compiler/ops/*.c $(srcdir)/compiler/eval/*.c $(PNG_LIBS) $(JPEG_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) -lpthread -lm
	cd fuzz && ./fuzz_front -max_len=4096 -max_total_time=$(FUZZ_SECONDS) corpus \
	  $(abs_top_srcdir)/tests/front $(abs_top_srcdir)/examples
	for r in $(FUZZ_READERS); do mkdir -p fuzz/$$r; done
	cp $(srcdir)/tests/fuzz/*.npz fuzz/npz
	cp $(srcdir)/tests/golden/tokenizers/[!e]*.json fuzz/bpe
	printf 'nn 1\ntask dots() -> f32[9, 7] { rand[9, 7] }\n' > fuzz/dots.nn && ./nacre run fuzz/dots.nn dots -o fuzz/image/dots.png
	printf '2000-01-01,1\n21.11.2026 14:30,2\n1999/2/28T23:59:60.5+01:30,3\n' > fuzz/dates/three
	head -c 3075 /dev/zero | tr '\000' '\005' > fuzz/cifar/one
	./nacre emit --plan --class cpu $(srcdir)/examples/xor.nn > fuzz/plan/xor
	./nacre emit --graph $(srcdir)/examples/xor.nn > fuzz/graph/xor
	for r in $(FUZZ_READERS); do \
	  (cd fuzz && FUZZ_READER=$$r ./fuzz_readers -max_len=12000 -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$r- $$r) || exit 1; \
	done

# What was installed is what a program needs: headers, library and nacre.pc agree, and the program trains.
installcheck-local:
	rm -rf installed && mkdir installed
	flags=`PKG_CONFIG_PATH=$(DESTDIR)$(pkgconfigdir) PKG_CONFIG_SYSROOT_DIR=$(DESTDIR) $(PKG_CONFIG) --cflags --libs nacre` && \
	  $(CC) $(CFLAGS) $(NC_SANITIZE) -o installed/program $(srcdir)/examples/train_and_predict.c $$flags
	POCL_CACHE_DIR=$(abs_builddir)/installed XDG_CACHE_HOME=$(abs_builddir)/installed LD_LIBRARY_PATH=$(DESTDIR)$(libdir) \
	  ./installed/program $(srcdir)/examples/spiral.nn installed/run
	LD_LIBRARY_PATH=$(DESTDIR)$(libdir) $(DESTDIR)$(bindir)/nacre --version
	test -s $(DESTDIR)$(mandir)/man1/nacre.1
	rm -rf installed

# The same training with several seeds.
TESTS += tests/seeds.sh
dist_check_SCRIPTS += tests/seeds.sh

# Killed, or out of disk, at random moments: NACRE_TEST_KILLS and NACRE_TEST_FULL say how many.
TESTS += tests/kill.sh
dist_check_SCRIPTS += tests/kill.sh
EXTRA_DIST += tests/full_disk.c

# Processes that others began, and caches that several share.
TESTS += tests/processes.sh
dist_check_SCRIPTS += tests/processes.sh

# README.md shows what is there.
TESTS += tests/readme.sh
dist_check_SCRIPTS += tests/readme.sh

# The second start compiles nothing.
TESTS += tests/start.sh
dist_check_SCRIPTS += tests/start.sh

# What is measured fits together.
TESTS += tests/measure.sh
dist_check_SCRIPTS += tests/measure.sh
TESTS += tests/tune.sh
dist_check_SCRIPTS += tests/tune.sh

# --json of every command against docs/json.md.
check_PROGRAMS += tests/json_lines
tests_json_lines_SOURCES = tests/json_lines.c
tests_json_lines_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_json_lines_LDADD = $(JANSSON_LIBS)
TESTS += tests/json.sh
dist_check_SCRIPTS += tests/json.sh

TESTS += tests/guards.sh
dist_check_SCRIPTS += tests/guards.sh

# Augmentations that go on with the same bits, and predictions for single images.
TESTS += tests/images.sh
dist_check_SCRIPTS += tests/images.sh

# What is printed into docs/, and the links between its pages.
TESTS += tests/pages.sh
dist_check_SCRIPTS += tests/pages.sh

# The guide's commands print what it shows.
TESTS += tests/guide.sh
dist_check_SCRIPTS += tests/guide.sh
EXTRA_DIST += tests/guide.awk tests/guide_same.awk
