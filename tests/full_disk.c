// Loaded before the C library by kill.sh: of the calls that make, write, flush, rename or remove a file below the folder
// $NACRE_TEST_FOLDER the one with the number $NACRE_TEST_CALL meets what $NACRE_TEST_WHAT says. A write that meets it is cut
// in half first.
//
//     full    the disk is full, from that call on         kill    the process is killed
//
// How many calls there were is written to the file $NACRE_TEST_CALLS, if there is one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { WELL, LAST, FULL_DISK } Fate;      // LAST: the call that meets it

static long calls;

static bool below(const char *path) {
  const char *folder = getenv("NACRE_TEST_FOLDER");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static bool named(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  if (n >= 0) path[n] = 0;
  return n >= 0;
}

static Fate fate(const char *path) {
  const char *call = getenv("NACRE_TEST_CALL");
  if (!below(path)) return WELL;
  calls++;
  return !call || calls < atol(call) ? WELL : calls == atol(call) ? LAST : FULL_DISK;
}

static Fate fate_fd(int fd) {
  char path[4096];
  return named(fd, path, sizeof path) ? fate(path) : WELL;
}

static Fate fate_at(int dir, const char *path) {
  char folder[4096], whole[8192];
  if (path[0] == '/') return fate(path);
  if (dir == AT_FDCWD ? !getcwd(folder, sizeof folder) : !named(dir, folder, sizeof folder)) return WELL;
  snprintf(whole, sizeof whole, "%s/%s", folder, path);
  return fate(whole);
}

static bool kills(void) {
  const char *what = getenv("NACRE_TEST_WHAT");
  return what && strcmp(what, "kill") == 0;
}

// The end of a call that came to that.
static int met(void) {
  if (kills()) kill(getpid(), SIGKILL);
  errno = ENOSPC;
  return -1;
}

__attribute__((destructor)) static void tell(void) {
  const char *to = getenv("NACRE_TEST_CALLS");
  FILE *f = to ? fopen(to, "w") : NULL;
  if (f) fprintf(f, "%ld\n", calls), fclose(f);
}

#define REAL(name, result, ...) ((result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t write(int fd, const void *p, size_t n) {
  Fate f = fate_fd(fd);
  if (f == WELL) return REAL("write", ssize_t, int, const void *, size_t)(fd, p, n);
  ssize_t half = f == LAST && n > 1 ? REAL("write", ssize_t, int, const void *, size_t)(fd, p, n / 2) : -1;
  return half < 0 || kills() ? met() : half;
}

int fsync(int fd) { return fate_fd(fd) ? met() : REAL("fsync", int, int)(fd); }

int rename(const char *from, const char *to) {
  return fate_at(AT_FDCWD, to) ? met() : REAL("rename", int, const char *, const char *)(from, to);
}

// What is removed and cut off needs no room: only a kill meets these.
int unlink(const char *path) {
  return fate_at(AT_FDCWD, path) && kills() ? met() : REAL("unlink", int, const char *)(path);
}
int unlinkat(int dir, const char *path, int flags) {
  return fate_at(dir, path) && kills() ? met() : REAL("unlinkat", int, int, const char *, int)(dir, path, flags);
}
int truncate(const char *path, off_t size) {
  return fate_at(AT_FDCWD, path) && kills() ? met() : REAL("truncate", int, const char *, off_t)(path, size);
}

static int opened(const char *name, const char *path, int flags, unsigned mode) {
  return flags & O_CREAT && fate_at(AT_FDCWD, path) ? met() : REAL(name, int, const char *, int, ...)(path, flags, mode);
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
