#include "io/npz.h"
#include <string.h>
#include <zlib.h>
#include "base/map.h"
#include "io/npy.h"

// From the end: [end record of 64-bit sizes | its locator] | end record | comment. The end record says where the directory
// lies, which has a record for each file, which says where the file's own header and data are.
enum { END = 22, LOCATOR = 20, END64 = 56, RECORD = 46, LOCAL = 30, MOST_ARRAYS = 10000 };

static uint64_t load(const unsigned char *p, int n) {
  uint64_t v = 0;
  for (int i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * i;
  return v;
}

typedef struct { uint64_t begin, bytes, files; } Directory;

static bool inside(const NcBytes *b, uint64_t begin, uint64_t bytes) { return begin <= b->n && bytes <= b->n - begin; }

// The end record with the comment behind it.
static bool find_end(const NcBytes *b, uint64_t *at) {
  for (uint64_t i = b->n >= END ? b->n - END + 1 : 0, tried = 0; i-- && tried <= 65535; tried++)
    if (memcmp(b->data + i, "PK\5\6", 4) == 0 && load(b->data + i + 20, 2) <= b->n - i - END) {
      *at = i;
      return true;
    }
  return false;
}

static bool directory(NcDiag *d, const NcBytes *b, Directory *out) {
  uint64_t end;
  if (b->n < 4 || memcmp(b->data, "PK", 2) != 0) {
    nc_help(d, nc_malformed(d, b, "is no NPZ file: it does not begin as a zip archive does"), "`npy(…)` reads a file of one array");
    return false;
  }
  if (!find_end(b, &end)) {
    nc_help(d, nc_malformed(d, b, "has no directory at its end, as zip archives do"), "it was cut off: fetch or write it again");
    return false;
  }
  const unsigned char *p = b->data + end;
  *out = (Directory){.files = load(p + 10, 2), .bytes = load(p + 12, 4), .begin = load(p + 16, 4)};
  bool several = load(p + 4, 2) != 0 || load(p + 6, 2) != 0;
  if (end >= LOCATOR && memcmp(p - LOCATOR, "PK\6\7", 4) == 0) {
    uint64_t at = load(p - LOCATOR + 8, 8);
    if (!inside(b, at, END64) || memcmp(b->data + at, "PK\6\6", 4) != 0) {
      nc_malformed(d, b, "has a damaged directory: its 64-bit end record is not where it says");
      return false;
    }
    *out = (Directory){.files = load(b->data + at + 32, 8), .bytes = load(b->data + at + 40, 8), .begin = load(b->data + at + 48, 8)};
  } else if (several) {
    nc_malformed(d, b, "is one part of a zip archive in several");
    return false;
  }
  if (inside(b, out->begin, out->bytes) && out->files <= out->bytes / RECORD) return true;
  nc_malformed(d, b, "has a damaged directory: %llu bytes from byte %llu on for %llu files", (unsigned long long)out->bytes,
               (unsigned long long)out->begin, (unsigned long long)out->files);
  return false;
}

// What stands as all ones in the record stands in an extra field, in this order.
static bool wide_sizes(const unsigned char *p, size_t n, NcNpzEntry *e) {
  uint64_t *const value[] = {&e->size, &e->packed, &e->header};
  bool wanted = false;
  for (int k = 0; k < 3; k++) wanted = wanted || *value[k] == 0xffffffff;
  if (!wanted) return true;
  for (size_t at = 0; at + 4 <= n;) {
    size_t tag = load(p + at, 2), bytes = load(p + at + 2, 2);
    at += 4;
    if (bytes > n - at) return false;
    size_t used = 0;
    for (int k = 0; tag == 1 && k < 3; k++) {
      if (*value[k] != 0xffffffff) continue;
      if (used + 8 > bytes) return false;
      *value[k] = load(p + at + used, 8);
      used += 8;
    }
    if (tag == 1) return true;
    at += bytes;
  }
  return false;
}

// One record of the directory; how long it is, 0 after an error.
static uint64_t record(NcArena *a, NcDiag *d, const NcBytes *b, const unsigned char *p, uint64_t left, NcNpzEntry *e, const char **refused) {
  *refused = NULL;
  if (left < RECORD || memcmp(p, "PK\1\2", 4) != 0) {
    nc_malformed(d, b, "has a damaged directory: no file's record at byte %zu", (size_t)(p - b->data));
    return 0;
  }
  uint64_t name = load(p + 28, 2), extra = load(p + 30, 2), all = RECORD + name + extra + load(p + 32, 2);
  *e = (NcNpzEntry){.crc = (uint32_t)load(p + 16, 4), .packed = load(p + 20, 4), .size = load(p + 24, 4), .header = load(p + 42, 4)};
  if (all > left || memchr(p + RECORD, 0, name) || !wide_sizes(p + RECORD + name, extra, e)) {
    nc_malformed(d, b, "has a damaged directory at byte %zu", (size_t)(p - b->data));
    return 0;
  }
  e->name = nc_strndup(a, (const char *)p + RECORD, name);
  uint64_t method = load(p + 10, 2);
  e->deflated = method == 8;
  if (load(p + 8, 2) & 1) *refused = "is encrypted";
  else if (method != 0 && method != 8) *refused = "is packed in a way that is not read";
  return all;
}

bool nc_npz_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcNpz *out) {
  Directory dir;
  NC_VEC(NcNpzEntry) list = {0};
  NcMap seen = NC_MAP(a);
  *out = (NcNpz){.file = b};
  if (!directory(d, b, &dir)) return false;
  uint64_t at = dir.begin, end = dir.begin + dir.bytes;
  for (uint64_t i = 0; i < dir.files; i++) {
    NcNpzEntry e;
    const char *refused;
    uint64_t bytes = record(a, d, b, b->data + at, end - at, &e, &refused);
    if (!bytes) return false;
    at += bytes;
    size_t n = strlen(e.name);
    if (n < 5 || strcmp(e.name + n - 4, ".npy") != 0) continue;
    e.name = nc_strndup(a, e.name, n - 4);
    if (refused || nc_map_has(&seen, e.name) || list.n >= MOST_ARRAYS) {
      nc_malformed(d, b, "has the array `%s`, which %s", e.name, refused ? refused : list.n < MOST_ARRAYS ? "is there twice" : "is one too many");
      return false;
    }
    nc_map_set(&seen, e.name, out);
    *NC_PUSH(a, list) = e;
  }
  out->n = list.n;
  out->at = list.at;
  if (list.n) return true;
  nc_malformed(d, b, "has no array: no file in it ends in .npy");
  return false;
}

// Unpacks at most n bytes. Returns how many there were, or -1.
static int64_t inflate_to(const unsigned char *from, uint64_t packed, unsigned char *to, uint64_t n) {
  z_stream z = {0};
  uint64_t ate = 0, gave = 0;
  int status = Z_OK;
  if (inflateInit2(&z, -15) != Z_OK) return -1;
  while (status == Z_OK && gave < n) {
    uint64_t feed = packed - ate < 1u << 30 ? packed - ate : 1u << 30, space = n - gave < 1u << 30 ? n - gave : 1u << 30;
    z.next_in = (unsigned char *)(uintptr_t)(from + ate);
    z.avail_in = (uInt)feed;
    z.next_out = to + gave;
    z.avail_out = (uInt)space;
    status = inflate(&z, Z_NO_FLUSH);
    ate += feed - z.avail_in;
    gave += space - z.avail_out;
  }
  inflateEnd(&z);
  return status == Z_OK || status == Z_STREAM_END ? (int64_t)gave : -1;
}

bool nc_npz_array(NcArena *a, NcDiag *d, const NcNpz *z, int i, bool head, NcArray *out) {
  enum { HEAD = 1 << 16 };
  const NcNpzEntry *e = &z->at[i];
  const NcBytes *b = z->file;
  NcBytes one = {.path = nc_sprintf(a, "%s:%s.npy", b->path, e->name), .at = b->at};
  uint64_t begin = e->header + LOCAL;
  bool good = inside(b, e->header, LOCAL) && memcmp(b->data + e->header, "PK\3\4", 4) == 0;
  if (good) begin += load(b->data + e->header + 26, 2) + load(b->data + e->header + 28, 2);
  if (!good || !inside(b, begin, e->packed)) {
    nc_help(d, nc_malformed(d, &one, "is not where the archive's directory says"), "the file is damaged: fetch or write it again");
    return false;
  }
  const unsigned char *data = b->data + begin;
  if (e->deflated ? e->size / 1032 > e->packed + 64 : e->size != e->packed) {   // deflate shrinks by 1032 at the most
    nc_malformed(d, &one, "cannot have %llu bytes: %llu are in the archive", (unsigned long long)e->size, (unsigned long long)e->packed);
    return false;
  }
  one.n = one.size = e->size;
  if (head && e->size > HEAD) one.n = HEAD, one.head = true;
  if (e->deflated) {
    unsigned char *to = nc_alloc(a, one.n + 1);
    if (inflate_to(data, e->packed, to, one.n) != (int64_t)one.n) {
      nc_help(d, nc_malformed(d, &one, "cannot be unpacked"), "the file is damaged: fetch or write it again");
      return false;
    }
    data = to;
  }
  one.data = data;
  if (!one.head) {
    uLong sum = crc32_z(0, data, one.n);
    if (sum != e->crc) {
      nc_malformed(d, &one, "has the check sum %08lx, but the archive's directory says %08lx", sum, (unsigned long)e->crc);
      return false;
    }
  }
  one.head = one.head || head;
  return nc_npy_parse(a, d, &one, out);
}
