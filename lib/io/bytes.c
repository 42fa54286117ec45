#include "io/bytes.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "base/map.h"

bool nc_size_of(NcShape s, size_t element, size_t *count, size_t *bytes) {
  uint64_t n = 1, most = (uint64_t)1 << 48;
  bool none = false;
  for (int i = 0; i < s.rank; i++) {
    if (s.dim[i] < 0) return false;
    if (s.dim[i] == 0) none = true;
    else if (n > most / (uint64_t)s.dim[i]) return false;
    else n *= (uint64_t)s.dim[i];
  }
  if (element && n > most / element) return false;
  *count = none ? 0 : (size_t)n;
  *bytes = *count * element;
  return true;
}

NcMessage *nc_malformed(NcDiag *d, const NcBytes *b, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const char *text = nc_vsprintf(d->arena, fmt, ap);
  va_end(ap);
  return nc_error(d, NC_E0402, b->at, "`%s` %s", b->path, text);
}

// A file that is not there: the most likely cause is a misspelling or another working directory.
static void cannot_open(NcArena *a, NcDiag *d, NcRange at, const char *path, int err) {
  NcMessage *m = nc_error(d, NC_E0401, at, "cannot open `%s`: %s", path, strerror(err));
  if (err != ENOENT) return;
  enum { MOST = 5000 };
  const char *slash = strrchr(path, '/'), *word = slash ? slash + 1 : path;
  const char *folder = slash ? slash == path ? "/" : nc_strndup(a, path, (size_t)(slash - path)) : ".";
  DIR *dir = opendir(folder);
  if (!dir) {
    nc_help(d, m, "the folder `%s` does not exist either; paths start at the folder in which nacre runs", folder);
    return;
  }
  char best[256] = "";
  struct dirent *e;
  for (int n = 0; n < MOST && (e = readdir(dir)); n++) {
    const char *both[] = {best, e->d_name}, *near = nc_nearest(word, both + !*best, 1 + !!*best);
    if (near == e->d_name && near[0] != '.' && strlen(near) < sizeof best) strcpy(best, near);
  }
  closedir(dir);
  if (*best) nc_help(d, m, "did you mean `%.*s%s`?", (int)(word - path), path, best);
  else nc_help(d, m, "give the file's path as seen from the folder in which nacre runs");
}

static bool read_all(NcArena *a, NcDiag *d, NcBytes *b, size_t limit) {
  struct stat st = {0};
  int err = stat(b->path, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
  // Memory first, then the file: running out of memory leaves by a jump, and would leave it open.
  size_t cap = err ? 0 : st.st_size > 0 ? (size_t)st.st_size + 1 : 1 << 16, n = 0;
  if (limit && cap > limit) cap = limit;
  unsigned char *p = err ? NULL : nc_alloc(a, cap + 1);
  int fd = err ? -1 : open(b->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    cannot_open(a, d, b->at, b->path, err ? err : errno);
    return false;
  }
  for (;;) {
    if (n == cap && limit && n >= limit) break;
    if (n == cap) {              // longer than it said: a pipe, or a file that grows
      unsigned char *q = nc_alloc(a, cap * 2 + 1);
      memcpy(q, p, n);
      p = q;
      cap *= 2;
    }
    ssize_t got = read(fd, p + n, cap - n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) err = errno;
    if (got <= 0) break;
    n += (size_t)got;
  }
  close(fd);
  if (err) {
    nc_error(d, NC_E0401, b->at, "cannot read `%s`: %s", b->path, strerror(err));
    return false;
  }
  p[n] = 0;
  b->data = p;
  b->n = n;
  b->head = limit && n >= limit;
  b->size = S_ISREG(st.st_mode) ? (size_t)st.st_size : b->head ? 0 : n;
  return true;
}

// Inflates all gzip members into dst, at most cap bytes; *total is what they hold together. What lies beyond cap is
// only counted, unless `stop`. Returns NULL, or what is wrong.
static const char *unzip(const unsigned char *src, size_t n, bool stop, unsigned char *dst, size_t cap, size_t *total) {
  z_stream z = {0};
  unsigned char waste[4096];
  const char *wrong = NULL;
  size_t done = 0;             // bytes of src
  *total = 0;
  if (inflateInit2(&z, 15 + 16) != Z_OK) return "cannot be unpacked: out of memory";
  for (;;) {
    bool fits = *total < cap;
    size_t space = fits ? cap - *total : sizeof waste, feed = n - done;
    if (!fits && stop) break;
    if (space > 1u << 30) space = 1u << 30;
    if (feed > 1u << 30) feed = 1u << 30;
    z.next_in = (unsigned char *)(uintptr_t)(src + done);
    z.avail_in = (uInt)feed;
    z.next_out = fits ? dst + *total : waste;
    z.avail_out = (uInt)space;
    int status = inflate(&z, Z_NO_FLUSH);
    size_t ate = feed - z.avail_in, gave = space - z.avail_out;
    done += ate;
    *total += gave;
    if (status == Z_STREAM_END) {
      while (done < n && src[done] == 0) done++;   // padding, as some archivers leave it
      if (done == n) break;
      if (inflateReset(&z) != Z_OK) { wrong = "cannot be unpacked"; break; }
    } else if (status == Z_MEM_ERROR) {
      wrong = "cannot be unpacked: out of memory";
      break;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      wrong = "has damaged gzip data";
      break;
    } else if (ate == 0 && gave == 0) {
      wrong = "ends in the middle of its gzip data";
      break;
    }
  }
  inflateEnd(&z);
  return wrong;
}

static bool unpack(NcArena *a, NcDiag *d, NcBytes *b, size_t limit) {
  const unsigned char *src = b->data;
  size_t n = b->n, most = n * 1032 + 64, cap, total;   // deflate shrinks by 1032 at the most
  // A gzip file ends with its unpacked size; that of the last member only, so it is a guess.
  cap = n < 18 ? 0 : src[n - 4] | (size_t)src[n - 3] << 8 | (size_t)src[n - 2] << 16 | (size_t)src[n - 1] << 24;
  if (limit) cap = limit;
  if (cap > most) cap = most;
  unsigned char *dst = nc_alloc(a, cap + 1);
  const char *wrong = unzip(src, n, limit != 0, dst, cap, &total);
  if (limit && total > 0) wrong = NULL;        // the head may well end in the middle of its member
  if (!wrong && !limit && total > cap) {
    cap = total;
    dst = nc_alloc(a, cap + 1);
    wrong = unzip(src, n, false, dst, cap, &total);
  }
  if (wrong) {
    nc_help(d, nc_malformed(d, b, "%s", wrong), "fetch or copy the file again: it is %zu bytes long now", b->size);
    return false;
  }
  dst[total] = 0;
  b->data = dst;
  b->n = total;
  b->head = limit != 0;
  b->size = b->head ? 0 : total;
  return true;
}

bool nc_bytes_read(NcArena *a, NcDiag *d, NcRange at, const char *path, size_t limit, NcBytes *out) {
  *out = (NcBytes){.path = path, .at = at};
  if (limit && limit < 4096) limit = 4096;     // packed data begin with tables: less might unpack to nothing
  if (!read_all(a, d, out, limit)) return false;
  return out->n < 2 || out->data[0] != 0x1f || out->data[1] != 0x8b || unpack(a, d, out, limit);
}
