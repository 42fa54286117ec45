# docs
EXTRA_DIST += docs/errors docs/architecture.md docs/results.md
EXTRA_DIST += docs/performance.md docs/performance-log.md
EXTRA_DIST += docs/language.md
EXTRA_DIST += docs/run-directory.md
EXTRA_DIST += docs/json.md
EXTRA_DIST += docs/prelude.md docs/guide

# The page of all words, and the index of errors, are printed; tests/pages.sh asks whether they are up to date.
.PHONY: pages
pages: nacre$(EXEEXT)
	./nacre$(EXEEXT) explain --markdown >$(srcdir)/docs/prelude.md
	$(SHELL) $(srcdir)/docs/errors/index.sh $(srcdir)/lib/base/errors.def >$(srcdir)/docs/errors/README.md

# The error pages are part of the library: `nacre explain E0203`.
NC_ERROR_PAGES = $(sort $(wildcard $(srcdir)/docs/errors/E*.md))
nodist_lib_libtrain_la_SOURCES += docs/error_pages.c
BUILT_SOURCES += docs/error_pages.c
CLEANFILES += docs/error_pages.c
docs/error_pages.c: $(NC_ERROR_PAGES) $(srcdir)/kernels/embed.sh
	$(AM_V_GEN)mkdir -p docs && $(SHELL) $(srcdir)/kernels/embed.sh nc_error_pages $(NC_ERROR_PAGES) >$@.tmp && mv $@.tmp $@
