noinst_LTLIBRARIES += lib/libdata.la
NC_LAYERS += lib/libdata.la
lib_libdata_la_LIBADD = $(ZLIB_LIBS) $(JANSSON_LIBS)
lib_libdata_la_SOURCES = \
  lib/data/spec.h \
  lib/data/data.h \
  lib/data/source.h lib/data/source.c \
  lib/data/rand.h \
  lib/data/arrays.c \
  lib/data/images.c \
  lib/data/pictures.h lib/data/pictures.c \
  lib/data/cifar.c \
  lib/data/table.c \
  lib/data/encode.c \
  lib/data/text.c \
  lib/data/tokens.h lib/data/tokens.c \
  lib/data/pattern.h lib/data/pattern.c \
  lib/data/unicode.h lib/data/unicode.c lib/data/unicode.def lib/data/normal.def \
  lib/data/cut.h lib/data/cut.c \
  lib/data/bpe.c lib/data/bpe_read.c lib/data/bpe.h \
  lib/data/sentences.c \
  lib/data/series.c \
  lib/data/points.c \
  lib/data/digits.c \
  lib/data/check.c \
  lib/data/guard.h lib/data/guard.c \
  lib/data/split.h lib/data/split.c \
  lib/data/loader.h lib/data/loader.c
EXTRA_DIST += lib/data/unicode_def.py
