// The folder for things that can be made again: $XDG_CACHE_HOME/nacre, or ~/.cache/nacre.
#include "device/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool folder(const char *path) { return mkdir(path, 0700) == 0 || errno == EEXIST; }

const char *nc_cache_path(NcArena *a, const char *file) {
  const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  // The standard wants an absolute path, and has relative ones ignored.
  if (!base || base[0] != '/') base = home && home[0] == '/' ? nc_sprintf(a, "%s/.cache", home) : NULL;
  if (!base) return NULL;
  const char *ours = nc_sprintf(a, "%s/nacre", base);
  return folder(base) && folder(ours) ? nc_sprintf(a, "%s/%s", ours, file) : NULL;
}
