// IDX, the format of the MNIST files: big-endian, two zero bytes, element type, rank, sizes, elements. Plain or gzip.
// u8 stays u8; i8, i16 and i32 become i32; f32 and f64 become f32.
#ifndef NC_IDX_H
#define NC_IDX_H
#include "io/bytes.h"

bool nc_idx_read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out);
bool nc_idx_header(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out);  // type only; reads a few bytes
// u8 elements stay where they are, in b.
bool nc_idx_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcArray *out);
#endif
