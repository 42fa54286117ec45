#include "io/safetensors.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/map.h"

// Layout:  length of the header, 8 bytes, little-endian | JSON | the tensors' bytes
// JSON:    {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [3,4], "data_offsets": [0,48]}}
typedef struct { const char *name; size_t bytes; NcDtype to; } Element;
static const Element elements[] = {
  {"F32", 4, NC_F32}, {"F16", 2, NC_F16}, {"BF16", 2, NC_BF16}, {"I32", 4, NC_I32},
  {"I64", 8, NC_I64}, {"U8", 1, NC_U8}, {"BOOL", 1, NC_BOOL}, {"F64", 8, NC_F32},
};
enum { KINDS = sizeof elements / sizeof *elements, MOST_HEADER = 100 << 20 };

typedef struct {
  NcArena *a;
  NcDiag *d;
  const NcBytes *b;
  const unsigned char *data;   // the tensors' bytes; NULL when only the header was read
  size_t size;
} Reader;

typedef struct { size_t begin, end; const char *name; } Extent;

static bool bad(Reader *r, const char *name, const char *what) {
  nc_malformed(r->d, r->b, "has a damaged header: tensor `%.200s` %s", name, what);
  return false;
}

static bool shape(Reader *r, const char *name, json_t *list, NcShape *s) {
  if (!json_is_array(list)) return bad(r, name, "has no list `shape`");
  if (json_array_size(list) > NC_MAX_RANK) return bad(r, name, "has more than 8 axes");
  s->rank = (int)json_array_size(list);
  for (int i = 0; i < s->rank; i++) {
    json_t *v = json_array_get(list, (size_t)i);
    if (!json_is_integer(v) || json_integer_value(v) < 0) return bad(r, name, "has a size that is no number from 0 on");
    s->dim[i] = json_integer_value(v);
  }
  return true;
}

// Where the tensor's elements lie; copied where they would be misaligned, narrowed where they are f64.
static const void *place(Reader *r, const Element *e, size_t begin, size_t count) {
  if (!r->data) return NULL;
  const unsigned char *p = r->data + begin;
  if (e->bytes == nc_dtype_bytes(e->to)) return (uintptr_t)p % 8 ? nc_memdup(r->a, p, count * e->bytes) : p;
  float *out = NC_NEW_N(r->a, float, count);
  for (size_t i = 0; i < count; i++) {
    double v;
    memcpy(&v, p + i * 8, 8);
    out[i] = (float)v;
  }
  return out;
}

static bool tensor(Reader *r, const char *name, json_t *v, NcTensor *out, Extent *extent) {
  const char *type = json_string_value(json_object_get(v, "dtype"));
  json_t *offsets = json_object_get(v, "data_offsets");
  const Element *e = NULL;
  size_t count = 0, bytes = 0;
  NcShape s = {0};
  if (!type) return bad(r, name, "has no `dtype`");
  for (int i = 0; i < KINDS; i++)
    if (!strcmp(elements[i].name, type)) e = &elements[i];
  if (!e) return bad(r, name, nc_sprintf(r->a, "has elements of type `%.40s`, which Nacre does not know", type));
  if (!shape(r, name, json_object_get(v, "shape"), &s)) return false;
  json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
    return bad(r, name, "has no pair `data_offsets`");
  json_int_t begin = json_integer_value(from), end = json_integer_value(to);
  if (begin < 0 || end < begin || (uint64_t)end > r->size)
    return bad(r, name, nc_sprintf(r->a, "lies at bytes %lld to %lld, but there are only %zu", (long long)begin,
                                   (long long)end, r->size));
  if (!nc_size_of(s, e->bytes, &count, &bytes) || bytes != (uint64_t)(end - begin))
    return bad(r, name,
               nc_sprintf(r->a, "has %lld bytes, which its shape and type do not need", (long long)(end - begin)));
  out->name = nc_strdup(r->a, name);
  out->type = (NcType){e->to, s};
  out->data = place(r, e, (size_t)begin, count);
  *extent = (Extent){(size_t)begin, (size_t)end, out->name};
  return true;
}

static int by_begin(const void *x, const void *y) {
  const Extent *a = x, *b = y;
  if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
  return (a->end > b->end) - (a->end < b->end);
}

// Neither overlaps nor holes: every byte belongs to one tensor, as the format demands.
static bool tiled(Reader *r, Extent *e, int n) {
  size_t at = 0;
  if (n) qsort(e, (size_t)n, sizeof *e, by_begin);
  for (int i = 0; i < n; i++) {
    if (e[i].begin != at)
      return bad(r, e[i].name, e[i].begin < at ? "overlaps another one" : "has unused bytes before it");
    at = e[i].end;
  }
  if (at == r->size) return true;
  nc_malformed(r->d, r->b, "has %zu bytes that belong to no tensor at its end", r->size - at);
  return false;
}

static bool metadata(Reader *r, json_t *v, NcTensors *out) {
  const char *key;
  json_t *text;
  if (!json_is_object(v)) {
    nc_malformed(r->d, r->b, "has a damaged header: `__metadata__` is no object");
    return false;
  }
  out->meta = NC_NEW_N(r->a, NcMeta, json_object_size(v));
  json_object_foreach(v, key, text) {
    if (!json_is_string(text)) {
      nc_malformed(r->d, r->b, "has a damaged header: `%.200s` in `__metadata__` is no text", key);
      return false;
    }
    out->meta[out->metas++] = (NcMeta){nc_strdup(r->a, key), nc_strdup(r->a, json_string_value(text))};
  }
  return true;
}

static bool entries(Reader *r, json_t *root, NcTensors *out) {
  size_t n = json_object_size(root);
  Extent *extent = NC_NEW_N(r->a, Extent, n);
  out->tensor = NC_NEW_N(r->a, NcTensor, n);
  const char *key;
  json_t *v;
  json_object_foreach(root, key, v) {
    if (!strcmp(key, "__metadata__")) {
      if (!metadata(r, v, out)) return false;
    } else {
      if (!tensor(r, key, v, &out->tensor[out->n], &extent[out->n])) return false;
      out->n++;
    }
  }
  return tiled(r, extent, out->n);
}

bool nc_safetensors_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcTensors *out) {
  uint64_t length = 0;
  *out = (NcTensors){0};
  for (size_t i = 0; i < 8 && b->n >= 8; i++) length |= (uint64_t)b->data[i] << 8 * i;
  size_t all = b->head ? b->size : b->n;   // of the file
  if (b->n < 8 || length > b->n - 8 || length > MOST_HEADER || (length && b->data[8] != '{')) {
    NcMessage *m = nc_malformed(d, b, "is no safetensors file, or is not whole: it has %zu bytes", b->n);
    if (b->n >= 8)
      nc_note(d, m, "its first 8 bytes say that a JSON header of %llu bytes follows", (unsigned long long)length);
    return false;
  }
  json_error_t error;
  json_t *root = json_loadb((const char *)b->data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
  if (!json_is_object(root)) {
    nc_malformed(d, b, "has a damaged header: %s at byte %d", root ? "not an object" : error.text,
                 root ? 8 : 8 + error.position);
    json_decref(root);
    return false;
  }
  // Running out of memory leaves by a jump: on its way out it passes here, for the JSON is not in the arena.
  Reader r = {a, d, b, b->head ? NULL : b->data + 8 + length, all - 8 - (size_t)length};
  jmp_buf outer, *oom = nc_arena_oom(a);
  memcpy(&outer, oom, sizeof outer);
  if (setjmp(*oom)) {
    json_decref(root);
    memcpy(oom, &outer, sizeof outer);
    longjmp(*oom, 1);
  }
  bool good = entries(&r, root, out);
  memcpy(oom, &outer, sizeof outer);
  json_decref(root);
  return good;
}

bool nc_safetensors_read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcTensors *out) {
  NcBytes b;
  return nc_bytes_read(a, d, at, path, 0, &b) && nc_safetensors_parse(a, d, &b, out);
}

bool nc_safetensors_head(NcArena *a, NcDiag *d, NcRange at, const char *path, NcTensors *out) {
  enum { FIRST = 4096 };
  NcBytes b;
  if (!nc_bytes_read(a, d, at, path, FIRST, &b)) return false;
  uint64_t length = 0;
  for (size_t i = 0; i < 8 && b.n >= 8; i++) length |= (uint64_t)b.data[i] << 8 * i;
  bool more = b.head && b.n >= 8 && length <= MOST_HEADER && length + 8 > b.n;
  if (more && !nc_bytes_read(a, d, at, path, (size_t)length + 8, &b)) return false;
  if (b.head && !b.size) return nc_safetensors_read(a, d, at, path, out);   // packed: how long it is shows at its end
  return nc_safetensors_parse(a, d, &b, out);
}

const NcTensor *nc_tensor_find(const NcTensors *t, const char *name) {
  for (int i = 0; i < t->n; i++)
    if (!strcmp(t->tensor[i].name, name)) return &t->tensor[i];
  return NULL;
}

const char *nc_meta_find(const NcTensors *t, const char *key) {
  for (int i = 0; i < t->metas; i++)
    if (!strcmp(t->meta[i].key, key)) return t->meta[i].value;
  return NULL;
}

static const char *element_name(NcDtype t) {
  for (int i = 0; i < KINDS; i++)
    if (elements[i].to == t) return elements[i].name;
  return "?";
}

// Names must differ, or no reader would take the file.
static bool unique(NcArena *a, NcDiag *d, const char *path, const NcTensor *t, int n) {
  NcMap seen = NC_MAP(a);
  for (int i = 0; i < n; i++) {
    if (nc_map_has(&seen, t[i].name) || !strcmp(t[i].name, "__metadata__")) {
      nc_error(d, NC_E0602, NC_NOWHERE, "cannot write `%s`: two of its tensors are named `%s`", path, t[i].name);
      return false;
    }
    nc_map_set(&seen, t[i].name, &seen);
  }
  return true;
}

bool nc_safetensors_write(NcArena *scratch, NcDiag *d, const char *path, const NcTensor *tensor, int n,
                          const NcMeta *meta, int metas) {
  if (!unique(scratch, d, path, tensor, n)) return false;
  NcBuf b = NC_BUF(scratch);
  const char *comma = "";
  size_t at = 0;
  nc_putn(&b, "........{", 9);
  if (metas) {
    nc_put(&b, "\"__metadata__\":{");
    for (int i = 0; i < metas; i++, comma = ",") {
      nc_put(&b, comma);
      nc_put_json(&b, meta[i].key);
      nc_putc(&b, ':');
      nc_put_json(&b, meta[i].value);
    }
    nc_putc(&b, '}');
  }
  for (int i = 0; i < n; i++, comma = ",") {
    nc_put(&b, comma);
    nc_put_json(&b, tensor[i].name);
    nc_putf(&b, ":{\"dtype\":\"%s\",\"shape\":", element_name(tensor[i].type.dtype));
    nc_put_shape(&b, tensor[i].type.shape);
    nc_putf(&b, ",\"data_offsets\":[%zu,%zu]}", at, at + nc_type_bytes(tensor[i].type));
    at += nc_type_bytes(tensor[i].type);
  }
  nc_putc(&b, '}');
  nc_put_repeat(&b, ' ', (int)((8 - b.n % 8) % 8));
  for (int i = 0; i < 8; i++) b.at[i] = (char)(((uint64_t)b.n - 8) >> 8 * i);
  NcOut *o = nc_out_open(d, path);
  if (!o) return false;
  nc_out_write(o, b.at, b.n);
  for (int i = 0; i < n; i++) nc_out_write(o, tensor[i].data, nc_type_bytes(tensor[i].type));
  return nc_out_commit(o, d);
}
