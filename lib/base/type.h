// Element types and concrete shapes.
#ifndef NC_TYPE_H
#define NC_TYPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"

// NC_DTYPE(id, name in .nn and in dumps, bytes, OpenCL C storage type, OpenCL C register type, is float)
// In registers f16 and bf16 are float, u8 is int, and a bool is an int mask: 0 or -1 (all bits).
// In memory a bool is a uchar, 0 or 1.
#define NC_DTYPES(X) \
  X(F32, "f32", 4, "float", "float", 1) \
  X(F16, "f16", 2, "half", "float", 1) \
  X(BF16, "bf16", 2, "ushort", "float", 1) \
  X(I32, "i32", 4, "int", "int", 0) \
  X(I64, "i64", 8, "long", "long", 0) \
  X(U8, "u8", 1, "uchar", "int", 0) \
  X(BOOL, "bool", 1, "uchar", "int", 0)

typedef enum {
#define X(id, name, bytes, store, reg, flt) NC_##id,
  NC_DTYPES(X)
#undef X
  NC_DTYPE_COUNT
} NcDtype;

const char *nc_dtype_name(NcDtype t);
bool nc_dtype_find(const char *name, NcDtype *out);
size_t nc_dtype_bytes(NcDtype t);
bool nc_dtype_float(NcDtype t);
const char *nc_dtype_store(NcDtype t);
const char *nc_dtype_reg(NcDtype t);

enum { NC_MAX_RANK = 8 };
typedef struct { int rank; int64_t dim[NC_MAX_RANK]; } NcShape;   // rank 0 is a scalar; row-major
typedef struct { NcDtype dtype; NcShape shape; } NcType;

NcShape nc_shape(int rank, const int64_t *dim);
#define NC_SHAPE(...) nc_shape((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
#define NC_SCALAR ((NcShape){0, {0}})
int64_t nc_count(NcShape s);                    // elements; 1 for a scalar
void nc_strides(NcShape s, int64_t *stride);    // row-major, in elements
bool nc_shape_eq(NcShape a, NcShape b);
bool nc_type_eq(NcType a, NcType b);
size_t nc_type_bytes(NcType t);
void nc_put_shape(NcBuf *b, NcShape s);         // [128,784]
void nc_put_type(NcBuf *b, NcType t);           // f32[128,784]; f32[] is a scalar
const char *nc_type_str(NcArena *a, NcType t);
#endif
