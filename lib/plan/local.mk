# The plan: what the compiler writes and the device layer runs.
noinst_LTLIBRARIES += lib/libplan.la
NC_LAYERS += lib/libplan.la

lib_libplan_la_SOURCES = lib/plan/plan.h \
  lib/plan/names.h \
  lib/plan/plan.c \
  lib/plan/steps.c \
  lib/plan/print.c \
  lib/plan/read.c \
  lib/plan/tuned.h \
  lib/plan/tuned.c \
  lib/plan/verify.c
