#include "base/type.h"
#include <string.h>

static const struct { const char *name, *store, *reg; size_t bytes; bool flt; } dtypes[] = {
#define X(id, name, bytes, store, reg, flt) {name, store, reg, bytes, flt},
  NC_DTYPES(X)
#undef X
};

const char *nc_dtype_name(NcDtype t) { return dtypes[t].name; }
size_t nc_dtype_bytes(NcDtype t) { return dtypes[t].bytes; }
bool nc_dtype_float(NcDtype t) { return dtypes[t].flt; }
const char *nc_dtype_store(NcDtype t) { return dtypes[t].store; }
const char *nc_dtype_reg(NcDtype t) { return dtypes[t].reg; }

bool nc_dtype_find(const char *name, NcDtype *out) {
  for (int i = 0; i < NC_DTYPE_COUNT; i++)
    if (strcmp(dtypes[i].name, name) == 0) { *out = (NcDtype)i; return true; }
  return false;
}

NcShape nc_shape(int rank, const int64_t *dim) {
  NcShape s = {.rank = rank};
  for (int i = 0; i < rank; i++) s.dim[i] = dim[i];
  return s;
}

int64_t nc_count(NcShape s) {
  int64_t n = 1;
  for (int i = 0; i < s.rank; i++) n *= s.dim[i];
  return n;
}

void nc_strides(NcShape s, int64_t *stride) {
  int64_t n = 1;
  for (int i = s.rank - 1; i >= 0; i--) {
    stride[i] = n;
    n *= s.dim[i];
  }
}

bool nc_shape_eq(NcShape a, NcShape b) {
  if (a.rank != b.rank) return false;
  for (int i = 0; i < a.rank; i++)
    if (a.dim[i] != b.dim[i]) return false;
  return true;
}

bool nc_type_eq(NcType a, NcType b) { return a.dtype == b.dtype && nc_shape_eq(a.shape, b.shape); }
size_t nc_type_bytes(NcType t) { return (size_t)nc_count(t.shape) * dtypes[t.dtype].bytes; }

void nc_put_shape(NcBuf *b, NcShape s) {
  nc_putc(b, '[');
  for (int i = 0; i < s.rank; i++) nc_putf(b, "%s%lld", i ? "," : "", (long long)s.dim[i]);
  nc_putc(b, ']');
}

void nc_put_type(NcBuf *b, NcType t) {
  nc_put(b, nc_dtype_name(t.dtype));
  nc_put_shape(b, t.shape);
}

const char *nc_type_str(NcArena *a, NcType t) {
  NcBuf b = NC_BUF(a);
  nc_put_type(&b, t);
  return nc_buf_str(&b);
}
