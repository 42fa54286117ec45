#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *nc_read_file(NcArena *a, NcDiag *d, NcCode code, NcRange at, const char *path, size_t *size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st = {0};
  if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
    const bool folder = fd >= 0 && S_ISDIR(st.st_mode), absent = fd < 0 && errno == ENOENT && code == NC_E0601;
    NcMessage *m = nc_error(d, code, at, "cannot read `%s`: %s", path, folder ? "it is a folder" : strerror(errno));
    if (absent) nc_help(d, m, "give the file's path as seen from the folder in which nacre runs");
    if (folder) nc_help(d, m, "name a file in it");
    if (fd >= 0) close(fd);
    return NULL;
  }
  // Read to the end whatever stat says: pipes and /proc files report no size.
  size_t cap = st.st_size > 0 ? (size_t)st.st_size + 1 : 4096, n = 0;
  char *p = nc_alloc(a, cap + 1);
  for (;;) {
    if (n == cap) {
      char *q = nc_alloc(a, cap * 2 + 1);
      memcpy(q, p, n);
      p = q;
      cap *= 2;
    }
    ssize_t got = read(fd, p + n, cap - n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      nc_error(d, code, at, "cannot read `%s`: %s", path, strerror(errno));
      close(fd);
      return NULL;
    }
    if (got == 0) break;
    n += (size_t)got;
  }
  close(fd);
  p[n] = 0;
  if (size) *size = n;
  return p;
}

#define BESIDE ".tmp-"

struct NcOut {
  int fd, error;
  char *path, *beside;         // beside NULL: what is there is no file, and is written into
};

static void unwritable(NcDiag *d, const char *path, int error) {
  NcMessage *e = nc_error(d, NC_E0602, NC_NOWHERE, "cannot write `%s`: %s", path, strerror(error));
  if (error == ENOENT || error == ENOTDIR) nc_help(d, e, "make the folder first in which it is to be, or name another");
  else if (error == EACCES || error == EPERM || error == EROFS) nc_help(d, e, "name a place that you may write to");
  else if (error == ENOSPC || error == EDQUOT || error == EFBIG) nc_help(d, e, "make room there, or name another place");
}

static void out_free(NcOut *o) {
  if (o->fd >= 0) close(o->fd);
  free(o->path);
  free(o->beside);
  free(o);
}

// A link leads to the file that it names, which keeps who may read it.
static bool out_begin(NcOut *o, const char *path) {
  struct stat there;
  bool is_there = stat(path, &there) == 0, direct = is_there && !S_ISREG(there.st_mode);
  o->path = is_there && !direct ? realpath(path, NULL) : strdup(path);
  if (!o->path) return false;
  size_t n = strlen(o->path) + 32;
  if (!direct && !(o->beside = malloc(n))) return false;
  if (direct) o->fd = open(path, O_WRONLY | O_CLOEXEC);
  else {
    snprintf(o->beside, n, "%s.tmp-%ld", o->path, (long)getpid());
    o->fd = open(o->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (o->fd >= 0 && is_there && !direct) (void)!fchmod(o->fd, there.st_mode & 07777);      // a disk that has no such thing is no reason
  return o->fd >= 0;
}

NcOut *nc_out_open(NcDiag *d, const char *path) {
  NcOut *o = calloc(1, sizeof *o);
  if (o) o->fd = -1;
  errno = ENOMEM;
  if (o && out_begin(o, path)) return o;
  if (errno == ENOMEM) nc_error(d, NC_E0606, NC_NOWHERE, "out of memory while opening `%s`", path);
  else unwritable(d, path, errno);
  if (o) out_free(o);
  return NULL;
}

bool nc_out_write(NcOut *o, const void *bytes, size_t size) {
  const char *p = bytes;
  while (size && !o->error) {
    ssize_t put = write(o->fd, p, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) { o->error = errno; break; }
    p += put;
    size -= (size_t)put;
  }
  return !o->error;
}

void nc_out_abandon(NcOut *o) {
  if (o->beside) unlink(o->beside);
  out_free(o);
}

bool nc_out_commit(NcOut *o, NcDiag *d) {
  if (!o->error && fsync(o->fd) != 0 && errno != EINVAL && errno != EROFS) o->error = errno;
  if (!o->error && close(o->fd) != 0) o->error = errno;
  o->fd = -1;
  if (!o->error && o->beside && rename(o->beside, o->path) != 0) o->error = errno;
  bool good = !o->error;
  if (!good) {
    unwritable(d, o->path, o->error);
    if (o->beside) unlink(o->beside);
  }
  out_free(o);
  return good;
}

bool nc_write_file(NcDiag *d, const char *path, const void *bytes, size_t size) {
  NcOut *o = nc_out_open(d, path);
  if (!o) return false;
  nc_out_write(o, bytes, size);
  return nc_out_commit(o, d);
}

void nc_remove_torn(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  char *folder = slash ? strndup(path, (size_t)(name - path)) : NULL;
  DIR *d = opendir(!slash ? "." : folder ? folder : "");
  size_t n = strlen(name), beside = sizeof BESIDE - 1;
  for (struct dirent *e; d && (e = readdir(d));)
    if (strncmp(e->d_name, name, n) == 0 && strncmp(e->d_name + n, BESIDE, beside) == 0) unlinkat(dirfd(d), e->d_name, 0);
  if (d) closedir(d);
  free(folder);
}
