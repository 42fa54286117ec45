// NPY, NumPy's file of one array: header versions 1, 2 and 3, either byte order, C order only.
// f2 f4 f8 become f32; u1 stays u8; b1 becomes bool; i1 i2 u2 i4 become i32; u4 i8 u8 become i64.
#ifndef NC_NPY_H
#define NC_NPY_H
#include "io/bytes.h"

bool nc_npy_read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out);
bool nc_npy_header(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out);  // type only
bool nc_npy_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcArray *out);

// Writes version 1, little-endian. bf16 is written as f4, for NumPy has no such type. Equal arrays, equal bytes.
bool nc_npy_write(NcDiag *d, const char *path, NcType type, const void *data);
#endif
