// NPZ, NumPy's archive of arrays: a zip file of NPY files, stored or deflated. Of zip what numpy.savez and savez_compressed
// write, and what archivers make of such files: 64-bit sizes, data descriptors, comments. Refused: encryption, several
// disks, other ways of packing.
#ifndef NC_NPZ_H
#define NC_NPZ_H
#include "io/bytes.h"

typedef struct {
  const char *name;          // without ".npy"
  uint64_t header;           // where its own header begins
  uint64_t packed, size;     // bytes, as they lie there and unpacked
  uint32_t crc;
  bool deflated;
} NcNpzEntry;

typedef struct {
  const NcBytes *file;
  int n;
  NcNpzEntry *at;            // the files whose names end in .npy, in the archive's order
} NcNpz;

// The directory, from the whole file. false after E0402.
bool nc_npz_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcNpz *out);

// One array; with `head` its type only. false after E0402: it cannot be unpacked, its check sum differs, it is no NPY file.
bool nc_npz_array(NcArena *a, NcDiag *d, const NcNpz *z, int i, bool head, NcArray *out);
#endif
