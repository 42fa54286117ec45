#include "io/npy.h"
#include <string.h>
#include "base/file.h"

// Layout:  93 'NUMPY' MAJOR MINOR | length of the text, 2 bytes (version 1) or 4, little-endian
//          | {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } blanks newline | elements
typedef struct { char kind; int bytes; NcDtype to; } Element;
static const Element elements[] = {
  {'f', 2, NC_F32}, {'f', 4, NC_F32}, {'f', 8, NC_F32}, {'b', 1, NC_BOOL}, {'u', 1, NC_U8},
  {'i', 1, NC_I32}, {'i', 2, NC_I32}, {'u', 2, NC_I32}, {'i', 4, NC_I32},
  {'u', 4, NC_I64}, {'i', 8, NC_I64}, {'u', 8, NC_I64},
};

typedef struct {
  NcDiag *d;
  const NcBytes *b;
  const char *p, *end;       // the header's text
  const Element *element;
  bool big, fortran, has_order, has_shape;
  NcShape shape;
} Header;

static void blanks(Header *h) {
  while (h->p < h->end && (*h->p == ' ' || *h->p == '\n' || *h->p == '\t')) h->p++;
}

static bool take(Header *h, char c) {
  blanks(h);
  if (h->p == h->end || *h->p != c) return false;
  h->p++;
  return true;
}

static bool word(Header *h, const char *w) {
  size_t n = strlen(w);
  blanks(h);
  if ((size_t)(h->end - h->p) < n || memcmp(h->p, w, n) != 0) return false;
  h->p += n;
  return true;
}

// A string in either quotes, cut to what `out` holds.
static bool quoted(Header *h, char *out, size_t cap) {
  char q = take(h, '\'') ? '\'' : take(h, '"') ? '"' : 0;
  size_t n = 0;
  if (!q) return false;
  while (h->p < h->end && *h->p != q) {
    if (n + 1 < cap) out[n++] = *h->p;
    h->p++;
  }
  out[n] = 0;
  return take(h, q);
}

static bool shape(Header *h) {
  if (!take(h, '(')) return false;
  while (!take(h, ')')) {
    int64_t v = 0;
    int digits = 0;
    blanks(h);
    for (; h->p < h->end && *h->p >= '0' && *h->p <= '9'; h->p++, digits++) {
      if (v > (INT64_MAX - 9) / 10) return false;
      v = v * 10 + (*h->p - '0');
    }
    if (!digits) return false;
    if (h->p < h->end && *h->p == 'L') h->p++;     // as Python 2 wrote it
    if (h->shape.rank == NC_MAX_RANK) {
      nc_malformed(h->d, h->b, "has more than %d axes, which are all that Nacre can use", NC_MAX_RANK);
      return false;
    }
    h->shape.dim[h->shape.rank++] = v;
    if (!take(h, ',')) {
      if (!take(h, ')')) return false;
      break;
    }
  }
  return h->has_shape = true;
}

static bool element(Header *h) {
  char s[24];
  bool structured = take(h, '[');
  if (structured || !quoted(h, s, sizeof s)) {
    if (structured) nc_malformed(h->d, h->b, "has records as elements; Nacre needs plain numbers");
    return false;
  }
  int bytes = 0, digits = 0;
  for (const char *p = s[0] && s[1] ? s + 2 : ""; *p >= '0' && *p <= '9' && digits < 4; p++, digits++)
    bytes = bytes * 10 + (*p - '0');
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
    if (digits && elements[i].kind == s[1] && elements[i].bytes == bytes && strchr("<>|=", s[0]))
      h->element = &elements[i];
  if (!h->element) {
    NcMessage *m = nc_malformed(h->d, h->b, "has elements of NumPy type '%s', which Nacre cannot read", s);
    nc_help(h->d, m, "save it as a number type: `numpy.save(path, array.astype('float32'))`");
    return false;
  }
  h->big = s[0] == '>';
  return true;
}

static bool dictionary(Header *h) {
  char key[24];
  if (!take(h, '{')) return false;
  while (!take(h, '}')) {
    if (!quoted(h, key, sizeof key) || !take(h, ':')) return false;
    if (!strcmp(key, "descr") && !h->element) {
      if (!element(h)) return false;
    } else if (!strcmp(key, "fortran_order") && !h->has_order) {
      h->fortran = word(h, "True");
      if (!h->fortran && !word(h, "False")) return false;
      h->has_order = true;
    } else if (!strcmp(key, "shape") && !h->has_shape) {
      if (!shape(h)) return false;
    } else {
      return false;
    }
    if (!take(h, ',')) {
      if (!take(h, '}')) return false;
      break;
    }
  }
  blanks(h);
  return h->element && h->has_order && h->has_shape && h->p == h->end;
}

// Where the header's text lies, or false.
static bool preamble(NcDiag *d, const NcBytes *b, size_t *text, size_t *length) {
  const unsigned char *p = b->data;
  if (b->n < 10 || memcmp(p, "\x93NUMPY", 6) != 0) {
    nc_malformed(d, b, "is no NPY file: it does not begin with the bytes 93 'NUMPY'");
    return false;
  }
  int version = p[6];
  if (version < 1 || version > 3) {
    nc_malformed(d, b, "is NPY of version %d.%d; versions 1, 2 and 3 can be read", p[6], p[7]);
    return false;
  }
  *text = version == 1 ? 10 : 12;
  if (b->n >= *text)
    *length = p[8] | (size_t)p[9] << 8 | (version == 1 ? 0 : (size_t)p[10] << 16 | (size_t)p[11] << 24);
  if (b->n < *text || *length > b->n - *text) {
    nc_malformed(d, b, b->head ? "has a header of more than %zu bytes" : "ends within its header: it has %zu bytes",
                 b->n);
    return false;
  }
  return true;
}

static double half(uint32_t v) {
  int e = (int)(v >> 10 & 31);
  double m = (double)(v & 1023), s = v >> 15 ? -1 : 1;
  if (e == 31) return m != 0 ? s * __builtin_nan("") : s * __builtin_inf();
  double x = e ? 1024 + m : m;
  for (int k = e ? e : 1; k < 25; k++) x /= 2;
  for (int k = 25; k < e; k++) x *= 2;
  return s * x;
}

// One element's bytes as an integer, whichever end comes first.
static inline uint64_t load(const unsigned char *p, int n, bool big) {
  uint64_t v = 0;
  for (int i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * (big ? n - 1 - i : i);
  return v;
}

// Index of the first element that has no place in i64, or -1.
static int64_t convert(const Header *h, const unsigned char *p, size_t n, void *out) {
  const Element *e = h->element;
  for (size_t i = 0; i < n; i++, p += e->bytes) {
    uint64_t v = load(p, e->bytes, h->big);
    uint32_t single = (uint32_t)v;
    double wide;
    if (e->to == NC_BOOL) {
      ((unsigned char *)out)[i] = v != 0;
    } else if (e->to == NC_U8) {
      ((unsigned char *)out)[i] = (unsigned char)v;
    } else if (e->to == NC_I32) {
      int shift = e->kind == 'u' ? 0 : 32 - 8 * e->bytes;       // extends the sign
      ((int32_t *)out)[i] = (int32_t)(single << shift) >> shift;
    } else if (e->to == NC_I64) {
      if (e->kind == 'u' && v > INT64_MAX) return (int64_t)i;
      ((int64_t *)out)[i] = (int64_t)v;
    } else if (e->bytes == 2) {
      ((float *)out)[i] = (float)half(single);
    } else if (e->bytes == 4) {
      memcpy((float *)out + i, &single, 4);
    } else {
      memcpy(&wide, &v, 8);
      ((float *)out)[i] = (float)wide;
    }
  }
  return -1;
}

static bool header(Header *h, size_t *begin, size_t *count) {
  NcDiag *d = h->d;
  const NcBytes *b = h->b;
  size_t text = 0, length = 0, bytes = 0;
  int errors = d->errors;
  if (!preamble(d, b, &text, &length)) return false;
  h->p = (const char *)b->data + text;
  h->end = h->p + length;
  if (!dictionary(h)) {
    if (d->errors == errors)
      nc_malformed(d, b, "has a damaged header: it is not understood from byte %zu on",
                   (size_t)(h->p - (const char *)b->data));
    return false;
  }
  if (h->fortran && h->shape.rank > 1) {
    NcMessage *m = nc_malformed(d, b, "is stored in Fortran order (columns first)");
    nc_help(d, m, "store it row by row: `numpy.save(path, numpy.ascontiguousarray(array))`");
    return false;
  }
  NcBuf s = NC_BUF(d->arena);
  nc_put_shape(&s, h->shape);
  *begin = text + length;
  if (!nc_size_of(h->shape, (size_t)h->element->bytes, count, &bytes)) {
    nc_malformed(d, b, "has a damaged header: no file can hold the shape %s", nc_buf_str(&s));
    return false;
  }
  size_t size = b->head ? b->size : b->n;
  if (size && bytes != size - *begin) {
    NcMessage *m = nc_malformed(d, b, "has %zu bytes of elements, but its header says %c%d%s, which is %zu bytes",
                                size - *begin, h->element->kind, h->element->bytes, nc_buf_str(&s), bytes);
    nc_help(d, m, "the file is not whole, or its header is damaged: make it again");
    return false;
  }
  return true;
}

bool nc_npy_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcArray *out) {
  Header h = {.d = d, .b = b};
  size_t begin = 0, count = 0;
  *out = (NcArray){0};
  if (!header(&h, &begin, &count)) return false;
  out->type = (NcType){h.element->to, h.shape};
  if (b->head) return true;
  out->data = nc_alloc_array(a, count, nc_dtype_bytes(h.element->to));
  int64_t bad = convert(&h, b->data + begin, count, out->data);
  if (bad >= 0) nc_malformed(d, b, "has an element above 2^63 - 1 (number %lld)", (long long)bad);
  return bad < 0;
}

bool nc_npy_read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out) {
  NcBytes b;
  return nc_bytes_read(a, d, at, path, 0, &b) && nc_npy_parse(a, d, &b, out);
}

bool nc_npy_header(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out) {
  NcBytes b;
  if (!nc_bytes_read(a, d, at, path, 1 << 16, &b)) return false;
  b.head = true;
  return nc_npy_parse(a, d, &b, out);
}

bool nc_npy_write(NcDiag *d, const char *path, NcType type, const void *data) {
  static const char *const names[] = {
    [NC_F32] = "<f4", [NC_F16] = "<f2", [NC_BF16] = "<f4", [NC_I32] = "<i4",
    [NC_I64] = "<i8", [NC_U8] = "|u1", [NC_BOOL] = "|b1",
  };
  NcBuf b = NC_BUF(d->arena);
  nc_putn(&b, "\x93NUMPY\x01\x00..", 10);
  nc_putf(&b, "{'descr': '%s', 'fortran_order': False, 'shape': (", names[type.dtype]);
  for (int i = 0; i < type.shape.rank; i++)
    nc_putf(&b, "%s%lld%s", i ? " " : "", (long long)type.shape.dim[i], i + 1 < type.shape.rank || !i ? "," : "");
  nc_put(&b, "), }");
  nc_put_repeat(&b, ' ', (int)(63 - b.n % 64));
  nc_putc(&b, '\n');
  b.at[8] = (char)((b.n - 10) & 255);
  b.at[9] = (char)((b.n - 10) >> 8);
  NcOut *o = nc_out_open(d, path);
  if (!o) return false;
  nc_out_write(o, b.at, b.n);
  if (type.dtype == NC_BF16) {
    const uint16_t *p = data;
    uint32_t wide[1024];
    for (int64_t i = 0, n = nc_count(type.shape), k; i < n; i += k) {
      for (k = 0; k < 1024 && i + k < n; k++) wide[k] = (uint32_t)p[i + k] << 16;
      nc_out_write(o, wide, (size_t)k * 4);
    }
  } else {
    nc_out_write(o, data, nc_type_bytes(type));
  }
  return nc_out_commit(o, d);
}
