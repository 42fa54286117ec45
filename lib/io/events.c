// A record is its length (u64), the masked CRC-32C of these eight bytes, the bytes, and the masked CRC-32C of them; all
// numbers little-endian. The bytes are a protobuf message, of which a run needs:
//
//     Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }
//     Summary { repeated Value value = 1 }     Value { string tag = 1; float simple_value = 2 }
#include "io/events.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/file.h"

enum { HEAD = 12, TAIL = 4, MOST = 1 << 20 };      // no record of a run is nearly as long
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

uint32_t nc_crc32c(const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  uint32_t crc = ~UINT32_C(0);
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
  }
  return ~crc;
}

static uint32_t masked(const void *bytes, size_t n) {
  uint32_t crc = nc_crc32c(bytes, n);
  return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

// ---- writing

static void put_fixed(NcBuf *b, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) nc_putc(b, (char)(v >> 8 * i));
}

static void put_varint(NcBuf *b, uint64_t v) {
  for (; v >= 128; v >>= 7) nc_putc(b, (char)(v | 128));
  nc_putc(b, (char)v);
}

static void put_key(NcBuf *b, unsigned field, unsigned kind) { put_varint(b, field << 3 | kind); }

static void put_bytes(NcBuf *b, unsigned field, const char *p, size_t n) {
  put_key(b, field, BYTES);
  put_varint(b, n);
  nc_putn(b, p, n);
}

static void put_time(NcBuf *b, double now) {
  uint64_t bits;
  memcpy(&bits, &now, sizeof bits);
  put_key(b, 1, FIXED64);
  put_fixed(b, bits, 8);
}

static void put_value(NcArena *a, NcBuf *summary, const NcEventValue *v) {
  NcBuf b = NC_BUF(a);
  float f = (float)v->value;
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  put_bytes(&b, 1, v->tag, strlen(v->tag));
  put_key(&b, 2, FIXED32);
  put_fixed(&b, bits, 4);
  put_bytes(summary, 1, b.at, b.n);
}

static NcBuf record(NcArena *a, const NcBuf *event) {
  NcBuf b = NC_BUF(a);
  put_fixed(&b, event->n, 8);
  put_fixed(&b, masked(b.at, 8), 4);
  nc_putn(&b, event->at, event->n);
  put_fixed(&b, masked(event->at, event->n), 4);
  return b;
}

static NcBuf first_record(NcArena *a, double now) {
  static const char version[] = "brain.Event:2";
  NcBuf event = NC_BUF(a);
  put_time(&event, now);
  put_bytes(&event, 3, version, sizeof version - 1);
  return record(a, &event);
}

static bool failed(NcDiag *d, const char *path, int fd) {
  nc_error(d, NC_E0602, NC_NOWHERE, "cannot write `%s`: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  return false;
}

bool nc_events_put(NcArena *a, NcDiag *d, const char *path, double now, int64_t step, int n, const NcEventValue *value) {
  NcBuf summary = NC_BUF(a), event = NC_BUF(a);
  for (int i = 0; i < n; i++) put_value(a, &summary, &value[i]);
  put_time(&event, now);
  put_key(&event, 2, VARINT);
  put_varint(&event, (uint64_t)step);
  put_bytes(&event, 5, nc_buf_str(&summary), summary.n);
  NcBuf b = record(a, &event);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) return failed(d, path, fd);
  for (size_t done = 0; done < b.n;) {
    ssize_t put = write(fd, b.at + done, b.n - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      int why = errno;
      if (ftruncate(fd, st.st_size) != 0) { /* the next nc_events_begin cuts it */ }
      errno = why;
      return failed(d, path, fd);
    }
    done += (size_t)put;
  }
  return close(fd) == 0 || failed(d, path, -1);
}

// ---- what an earlier run wrote

static uint64_t fixed(const unsigned char *p, int bytes) {
  uint64_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | p[i];
  return v;
}

// The bytes of the whole record at p, or 0.
static size_t whole(const unsigned char *p, size_t n) {
  if (n < HEAD + TAIL) return 0;
  uint64_t size = fixed(p, 8);
  if (size > MOST || size > n - HEAD - TAIL || fixed(p + 8, 4) != masked(p, 8)) return 0;
  return fixed(p + HEAD + size, 4) == masked(p + HEAD, size) ? HEAD + (size_t)size + TAIL : 0;
}

static bool get_varint(const unsigned char **p, const unsigned char *end, uint64_t *v) {
  *v = 0;
  for (int shift = 0; *p < end && shift < 64; shift += 7) {
    unsigned char c = *(*p)++;
    *v |= (uint64_t)(c & 127) << shift;
    if (c < 128) return true;
  }
  return false;
}

// The step of an event; 0 where it has none, as the first record. False: no message of this kind.
static bool step_of(const unsigned char *p, const unsigned char *end, int64_t *step) {
  uint64_t key, v;
  *step = 0;
  while (p < end) {
    if (!get_varint(&p, end, &key)) return false;
    size_t left = (size_t)(end - p);
    switch (key & 7) {
      case VARINT:
        if (!get_varint(&p, end, &v)) return false;
        if (key >> 3 == 2) *step = (int64_t)v;
        continue;
      case FIXED64: v = 8; break;
      case FIXED32: v = 4; break;
      case BYTES:
        if (!get_varint(&p, end, &v)) return false;
        left = (size_t)(end - p);
        break;
      default: return false;
    }
    if (v > left) return false;
    p += v;
  }
  return true;
}

// Where the records up to `step` end: they stand in order.
static size_t kept(const unsigned char *p, size_t n, int64_t step) {
  size_t at = 0;
  for (size_t size; (size = whole(p + at, n - at)) > 0; at += size) {
    int64_t its;
    if (!step_of(p + at + HEAD, p + at + size - TAIL, &its) || its > step) break;
  }
  return at;
}

bool nc_events_begin(NcArena *a, NcDiag *d, const char *path, double now, int64_t step) {
  size_t n = 0, keep = 0;
  if (access(path, F_OK) == 0) {
    const char *p = nc_read_file(a, d, NC_E0601, NC_NOWHERE, path, &n);
    if (!p) return false;
    keep = kept((const unsigned char *)p, n, step);
  }
  if (keep && keep < n) return truncate(path, (off_t)keep) == 0 || failed(d, path, -1);
  if (keep) return true;
  NcBuf b = first_record(a, now);
  return nc_write_file(d, path, b.at, b.n);
}
