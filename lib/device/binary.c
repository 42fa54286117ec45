// Compiled programs kept on disk, for drivers that keep none themselves.
//
// PoCL and NVIDIA have caches of their own; asking PoCL for a binary even makes it compile a second version. A file
// holds a head (what the binary depends on, its size and hash), then the binary. Whatever is odd about it, the source
// is compiled.
#include "device/internal.h"
#include "base/file.h"
#include "base/map.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, KEPT = 256 };     // files; the oldest goes when there are more

static bool driver_keeps(const NcDevice *dev) {
  return strstr(dev->info.platform, "Portable Computing Language") || strstr(dev->info.platform, "NVIDIA");
}

static bool wanted(const NcDevice *dev) { return !dev->no_cache && (dev->keep_programs || !driver_keeps(dev)); }

static const char *key_of(NcDevice *dev, NcArena *a, const char *source, const char *options) {
  return nc_sprintf(a, "nacre-program %d | %s | %s | %s | %s | %s | %016llx %zu", VERSION, dev->info.name,
                    dev->info.platform, dev->info.driver, dev->info.version, options,
                    (unsigned long long)nc_hash64(0, source, strlen(source)), strlen(source));
}

static const char *path_of(NcArena *a, const char *key) {
  return nc_cache_path(a, nc_sprintf(a, "program-%016llx", (unsigned long long)nc_hash64(1, key, strlen(key))));
}

static const char *head_of(NcArena *a, const char *key, const void *binary, size_t n) {
  return nc_sprintf(a, "%s\nbytes %zu hash %016llx\n", key, n, (unsigned long long)nc_hash64(2, binary, n));
}

cl_program nc_binary_recall(NcDevice *dev, NcArena *a, const char *source, const char *options) {
  const char *key = wanted(dev) ? key_of(dev, a, source, options) : NULL, *path = key ? path_of(a, key) : NULL;
  size_t size, skip = key ? strlen(key) : 0;
  const char *file =
      path && access(path, R_OK) == 0 ? nc_read_file(a, nc_diag_new(a), NC_E0601, NC_NOWHERE, path, &size) : NULL;
  if (!file || size <= skip || memcmp(file, key, skip) || file[skip] != '\n') return NULL;
  const char *end = memchr(file + skip + 1, '\n', size - skip - 1);
  if (!end) return NULL;
  const unsigned char *binary = (const unsigned char *)end + 1;
  size_t n = size - (size_t)(end + 1 - file);
  if (!n || strncmp(head_of(a, key, binary, n), file, (size_t)(end + 1 - file))) return NULL;
  cl_int status = 0, err = 0;
  cl_program program =
      NC_MAKE(dev->cl, &err, clCreateProgramWithBinary, (dev->context, 1, &dev->id, &n, &binary, &status, &err));
  if (err) return NULL;
  if (!status && !NC_CALL(dev->cl, clBuildProgram, (program, 1, &dev->id, options, NULL, NULL))) return program;
  dev->cl->clReleaseProgram(program);
  return NULL;
}

// Removes the oldest kept program when there are too many.
static void make_room(NcArena *a, const char *folder) {
  DIR *dir = opendir(folder);
  const char *oldest = NULL;
  time_t when = 0;
  int n = 0;
  for (struct dirent *e; dir && (e = readdir(dir));) {
    struct stat s;
    const char *path = nc_sprintf(a, "%s/%s", folder, e->d_name);
    if (strncmp(e->d_name, "program-", 8) || stat(path, &s)) continue;
    n++;
    if (oldest && s.st_mtime >= when) continue;
    oldest = path;
    when = s.st_mtime;
  }
  if (dir) closedir(dir);
  if (n >= KEPT) remove(oldest);
}

void nc_binary_keep(NcDevice *dev, NcArena *a, const char *source, const char *options, cl_program program) {
  const char *key = wanted(dev) ? key_of(dev, a, source, options) : NULL, *path = key ? path_of(a, key) : NULL;
  size_t n = 0;
  if (!path || NC_CALL(dev->cl, clGetProgramInfo, (program, CL_PROGRAM_BINARY_SIZES, sizeof n, &n, NULL)) || !n) return;
  unsigned char *binary = nc_alloc(a, n);
  if (NC_CALL(dev->cl, clGetProgramInfo, (program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL))) return;
  NcBuf file = NC_BUF(a);
  nc_put(&file, head_of(a, key, binary, n));
  nc_putn(&file, (const char *)binary, n);
  make_room(a, nc_strndup(a, path, (size_t)(strrchr(path, '/') - path)));
  nc_write_file(nc_diag_new(a), path, file.at, file.n);
}
