// Loaded before the C library by kill.sh: after $NACRE_TEST_DISK calls that open, write, flush or rename a file below the
// folder $NACRE_TEST_FOLDER, the disk is full. A write that meets the end is cut in half first.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool full(const char *path, bool *first) {
  static long left = -1;
  const char *folder = getenv("NACRE_TEST_FOLDER"), *calls = getenv("NACRE_TEST_DISK");
  if (!folder || !calls || strncmp(path, folder, strlen(folder)) != 0) return false;
  if (left < 0) left = atol(calls);
  *first = left == 1;
  if (left > 0) left--;
  return left == 0;
}

static bool full_fd(int fd, bool *first) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return false;
  path[n] = 0;
  return full(path, first);
}

static bool full_path(const char *path, bool *first) {
  char whole[8192], cwd[4096];
  if (path[0] == '/') return full(path, first);
  snprintf(whole, sizeof whole, "%s/%s", getcwd(cwd, sizeof cwd) ? cwd : "", path);
  return full(whole, first);
}

#define REAL(name, result, ...) ((result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
#define FULL (errno = ENOSPC, -1)

ssize_t write(int fd, const void *p, size_t n) {
  bool first = false;
  if (!full_fd(fd, &first)) return REAL("write", ssize_t, int, const void *, size_t)(fd, p, n);
  return first && n > 1 ? REAL("write", ssize_t, int, const void *, size_t)(fd, p, n / 2) : FULL;
}

int fsync(int fd) {
  bool first;
  return full_fd(fd, &first) ? FULL : REAL("fsync", int, int)(fd);
}

int rename(const char *from, const char *to) {
  bool first;
  return full_path(to, &first) ? FULL : REAL("rename", int, const char *, const char *)(from, to);
}

static int opened(const char *name, const char *path, int flags, unsigned mode) {
  bool first;
  if (flags & O_CREAT && full_path(path, &first)) return FULL;
  return REAL(name, int, const char *, int, ...)(path, flags, mode);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list ap; \
    va_start(ap, flags); \
    unsigned mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0; \
    va_end(ap); \
    return opened(#name, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
