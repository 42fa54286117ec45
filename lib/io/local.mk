lib_libdata_la_SOURCES += \
  lib/io/bytes.h lib/io/bytes.c \
  lib/io/idx.h lib/io/idx.c \
  lib/io/npy.h lib/io/npy.c \
  lib/io/npz.h lib/io/npz.c \
  lib/io/png.h lib/io/png.c \
  lib/io/image.h lib/io/image.c lib/io/fit.c \
  lib/io/events.h lib/io/events.c \
  lib/io/csv.h lib/io/csv.c \
  lib/io/date.h lib/io/date.c \
  lib/io/safetensors.h lib/io/safetensors.c \
  lib/io/names.h lib/io/names.c
