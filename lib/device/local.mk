# OpenCL: devices, and running plans on them. The only layer that knows OpenCL, which it opens at run time.
noinst_LTLIBRARIES += lib/libdevice.la
NC_LAYERS += lib/libdevice.la

lib_libdevice_la_SOURCES = lib/device/device.h lib/device/exec.h lib/device/check.h \
  lib/device/internal.h lib/device/exec_internal.h \
  lib/device/cl.h lib/device/cl.c \
  lib/device/devices.c \
  lib/device/open.c \
  lib/device/probes.c \
  lib/device/cache.c \
  lib/device/blast.h lib/device/blast.c \
  lib/device/program.c \
  lib/device/build.c \
  lib/device/aides.h lib/device/aides.c \
  lib/device/banks.h lib/device/banks.c \
  lib/device/binary.c \
  lib/device/tuned.c \
  lib/device/memory.c \
  lib/device/vars.c \
  lib/device/load.c \
  lib/device/table.c \
  lib/device/run.c \
  lib/device/profile.c \
  lib/device/guard.c \
  lib/device/hunt.c \
  lib/device/check.c \
  lib/device/child.c \
  lib/device/doctor.h lib/device/doctor.c
lib_libdevice_la_CPPFLAGS = $(AM_CPPFLAGS) -DNC_LIBEXECDIR='"$(pkglibexecdir)"'

# The process that compiles beside the one that trains.
pkglibexec_PROGRAMS += nacre-compile
nacre_compile_SOURCES = lib/device/aide.c
nacre_compile_LDADD = lib/libdevice.la kernels/libkernels.la lib/libplan.la lib/libbase.la
