# The command `nacre`: thin, over nacre.h.
bin_PROGRAMS += nacre
nacre_SOURCES = cli/main.c cli/options.h cli/options.c cli/progress.c cli/verbs.h \
  cli/verbs_model.c cli/verbs_run.c cli/verbs_plain.c
nacre_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/lib -I$(top_builddir)
nacre_LDADD = lib/libnacre.la

# The man page is printed from the same table as the help; a release carries it.
man1_MANS = nacre.1
CLEANFILES += nacre.1
nacre.1: nacre$(EXEEXT)
	$(AM_V_GEN)./nacre$(EXEEXT) --man > $@.tmp && mv $@.tmp $@
