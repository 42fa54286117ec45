# The command `nacre`: thin, over nacre.h.
bin_PROGRAMS += nacre
nacre_SOURCES = \
  cli/main.c \
  cli/options.h cli/options.c \
  cli/unknown.c \
  cli/progress.c \
  cli/plot.h cli/plot.c \
  cli/completion.c \
  cli/verbs.h \
  cli/verbs_model.c \
  cli/verbs_run.c \
  cli/verbs_plain.c \
  cli/verbs_new.c \
  cli/verbs_measure.c \
  cli/verbs_show.c
nacre_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/lib -I$(top_builddir)
nacre_LDADD = lib/libnacre.la

# The man page is printed from the same table as the help; a release carries it.
man1_MANS = nacre.1
CLEANFILES += nacre.1
nacre.1: nacre$(EXEEXT)
	$(AM_V_GEN)./nacre$(EXEEXT) --man > $@.tmp && mv $@.tmp $@

# So are the shells' completions, and the language's words for editors.
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
vimsyntaxdir = $(datadir)/vim/vimfiles/syntax
syntaxdir = $(pkgdatadir)/syntax
bashcompletion_DATA = share/bash/nacre
zshcompletion_DATA = share/zsh/_nacre
fishcompletion_DATA = share/fish/nacre.fish
vimsyntax_DATA = share/vim/nn.vim
syntax_DATA = share/textmate/nn.tmLanguage.json
NC_PRINTED = $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA) $(vimsyntax_DATA) $(syntax_DATA)
CLEANFILES += $(NC_PRINTED)
share/bash/nacre share/zsh/_nacre share/fish/nacre.fish: nacre$(EXEEXT)
	$(AM_V_GEN)mkdir -p $(@D) && ./nacre$(EXEEXT) completion $(notdir $(@D)) > $@.tmp && mv $@.tmp $@
share/vim/nn.vim share/textmate/nn.tmLanguage.json: nacre$(EXEEXT)
	$(AM_V_GEN)mkdir -p $(@D) && ./nacre$(EXEEXT) syntax $(notdir $(@D)) > $@.tmp && mv $@.tmp $@
