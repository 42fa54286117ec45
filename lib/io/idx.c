#include "io/idx.h"
#include <string.h>

// Layout:  00 00 TYPE RANK | RANK sizes, 4 bytes each | elements; all big-endian.
typedef struct { unsigned char code; NcDtype to; size_t bytes; const char *name; } Element;
static const Element elements[] = {
  {0x08, NC_U8, 1, "u8"}, {0x09, NC_I32, 1, "i8"}, {0x0b, NC_I32, 2, "i16"},
  {0x0c, NC_I32, 4, "i32"}, {0x0d, NC_F32, 4, "f32"}, {0x0e, NC_F32, 8, "f64"},
};

static uint64_t big(const unsigned char *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
  return v;
}

static void convert(const Element *e, const unsigned char *p, size_t n, void *out) {
  int32_t *i32 = out;
  float *f32 = out;
  for (size_t i = 0; i < n; i++, p += e->bytes) {
    uint64_t v = big(p, e->bytes);
    uint32_t single = (uint32_t)v;
    double wide;
    switch (e->code) {
      case 0x09: i32[i] = (int8_t)v; break;
      case 0x0b: i32[i] = (int16_t)v; break;
      case 0x0c: i32[i] = (int32_t)single; break;
      case 0x0d: memcpy(&f32[i], &single, 4); break;
      default: memcpy(&wide, &v, 8); f32[i] = (float)wide; break;
    }
  }
}

static const Element *header(NcDiag *d, const NcBytes *b, NcArray *out, size_t *begin, size_t *count) {
  *out = (NcArray){0};
  if (b->n < 4) {
    nc_malformed(d, b, "is no IDX file: it has %zu bytes, and the header alone needs 4", b->n);
    return NULL;
  }
  const unsigned char *p = b->data;
  const Element *e = NULL;
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
    if (elements[i].code == p[2]) e = &elements[i];
  if (p[0] || p[1] || !e) {
    NcMessage *m = nc_malformed(d, b, "is no IDX file: it begins with %02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
    nc_note(d, m, "an IDX file begins with 00 00, then 08, 09, 0b, 0c, 0d or 0e for its type, then its number of axes");
    return NULL;
  }
  int rank = p[3];
  if (rank < 1 || rank > NC_MAX_RANK) {
    nc_malformed(d, b, "has %d axes; 1 to %d are possible", rank, NC_MAX_RANK);
    return NULL;
  }
  *begin = 4 + 4 * (size_t)rank;
  if (b->n < *begin) {
    nc_malformed(d, b, "ends within its header: %zu bytes, and %d axes need %zu", b->n, rank, *begin);
    return NULL;
  }
  NcShape s = {.rank = rank};
  for (int i = 0; i < rank; i++) s.dim[i] = (int64_t)big(p + 4 + 4 * i, 4);
  out->type = (NcType){e->to, s};
  NcBuf text = NC_BUF(d->arena);
  nc_put_shape(&text, s);
  size_t bytes = 0, size = b->head ? b->size : b->n;     // 0: unknown, the head of a packed file
  if (!nc_size_of(s, e->bytes, count, &bytes)) {
    nc_malformed(d, b, "has a damaged header: it says %s%s, which no file can hold", e->name, nc_buf_str(&text));
    return NULL;
  }
  if (size && bytes != size - *begin) {
    NcMessage *m = nc_malformed(d, b, "has %zu bytes of elements, but its header says %s%s, which is %zu bytes",
                                size - *begin, e->name, nc_buf_str(&text), bytes);
    nc_help(d, m, "the file is not whole, or its header is damaged: fetch or make it again");
    return NULL;
  }
  return e;
}

bool nc_idx_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcArray *out) {
  size_t begin, count;
  const Element *e = header(d, b, out, &begin, &count);
  if (!e) return false;
  if (b->head) return true;
  if (e->to == NC_U8) {
    out->data = (void *)(uintptr_t)(b->data + begin);
  } else {
    out->data = nc_alloc_array(a, count, nc_dtype_bytes(e->to));
    convert(e, b->data + begin, count, out->data);
  }
  return true;
}

bool nc_idx_read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out) {
  NcBytes b;
  return nc_bytes_read(a, d, at, path, 0, &b) && nc_idx_parse(a, d, &b, out);
}

bool nc_idx_header(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out) {
  NcBytes b;
  if (!nc_bytes_read(a, d, at, path, 4096, &b)) return false;
  b.head = true;
  return nc_idx_parse(a, d, &b, out);
}
