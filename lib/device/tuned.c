// What `nacre tune` found for a device: a file in the cache folder, for each device, driver and class of code.
#include "base/file.h"
#include "base/map.h"
#include "device/internal.h"
#include "plan/tuned.h"
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *nc_device_tuned_key(const NcDevice *dev, NcArena *a) {
  return nc_sprintf(a, "%s | %s | %s | %s | class %s", dev->info.name, dev->info.platform, dev->info.driver, dev->info.version,
                    dev->info.target.cls == NC_CLASS_GPU ? "gpu" : "cpu");
}

const char *nc_tuned_path(NcArena *a, const char *key) {
  return nc_cache_path(a, nc_sprintf(a, "tuned-%016llx", (unsigned long long)nc_hash64(0, key, strlen(key))));
}

NcTuned *nc_tuned_recall(NcArena *a, const char *key) {
  const char *path = nc_tuned_path(a, key);
  size_t size;
  const char *text = path && access(path, R_OK) == 0 ? nc_read_file(a, nc_diag_new(a), NC_E0601, NC_NOWHERE, path, &size) : NULL;
  NcTuned *t = text ? nc_tuned_read(a, text, size) : NULL;
  return t && strcmp(t->key, key) == 0 ? t : NULL;
}

bool nc_tuned_keep(NcArena *a, NcDiag *d, const NcTuned *t, const char *path) {
  NcBuf b = NC_BUF(a);
  nc_tuned_print(t, &b);
  return nc_write_file(d, path, b.at, b.n);
}

bool nc_tuned_copy(NcArena *a, NcDiag *d, const char *cache) {
  const char *from = nc_cache_path(a, ""), *to = nc_sprintf(a, "%s/nacre", cache);
  DIR *dir = from ? opendir(from) : NULL;
  bool good = true;
  for (struct dirent *e; good && dir && (e = readdir(dir));) {
    size_t size;
    const char *text;
    if (strncmp(e->d_name, "tuned-", 6) != 0) continue;
    if (!(text = nc_read_file(a, nc_diag_new(a), NC_E0601, NC_NOWHERE, nc_sprintf(a, "%s%s", from, e->d_name), &size))) continue;
    mkdir(to, 0700);           // where it is there, or cannot be made, writing tells
    good = nc_write_file(d, nc_sprintf(a, "%s/%s", to, e->d_name), text, size);
  }
  if (dir) closedir(dir);
  return good;
}

void nc_tuned_open(NcDevice *dev) {
  NcArena *a = dev->all->arena;
  if (!dev->no_cache) dev->info.target.tuned = nc_tuned_recall(a, nc_device_tuned_key(dev, a));
}
