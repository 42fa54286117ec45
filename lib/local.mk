# libnacre: the library, linked from one convenience library per layer.
lib_LTLIBRARIES += lib/libnacre.la
noinst_LTLIBRARIES += lib/libbase.la
include_HEADERS += lib/nacre.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = lib/nacre.pc

lib_libbase_la_SOURCES = lib/base/arena.h lib/base/arena.c lib/base/buf.h lib/base/buf.c \
  lib/base/map.h lib/base/map.c lib/base/diag.h lib/base/diag.c lib/base/render.c lib/base/errors.def \
  lib/base/type.h lib/base/type.c lib/base/sha256.h lib/base/sha256.c lib/base/file.h lib/base/file.c \
  lib/base/philox.h lib/base/embed.h lib/base/thread.h lib/base/thread.c lib/base/point.h

# Order: users before the used.
lib_libnacre_la_SOURCES =
lib_libnacre_la_LIBADD = $(NC_LAYERS) lib/libbase.la $(ZLIB_LIBS) $(JANSSON_LIBS) $(PNG_LIBS) $(JPEG_LIBS)
lib_libnacre_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -export-symbols-regex '^nacre_'
NC_LAYERS =
include lib/device/local.mk
include lib/plan/local.mk
include lib/data/local.mk
include lib/io/local.mk
include lib/train/local.mk

# All layers, users before the used: what a test or bench of the inside links with.
NC_ALL = lib/libtrain.la compiler/libcompiler.la lib/libdevice.la lib/libdata.la kernels/libkernels.la lib/libplan.la \
  lib/libbase.la $(ZLIB_LIBS) $(JANSSON_LIBS) $(PNG_LIBS) $(JPEG_LIBS)
