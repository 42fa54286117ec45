// Opening a device: its context, and what is only known by trying.
#include "device/internal.h"
#include "device/blast.h"
#include "device/aides.h"
#include <string.h>

static bool class_named(NcDiag *d, const char *name, NcClass *out) {
  if (!name || !*name) return true;
  bool cpu = strcmp(name, "cpu") == 0;
  if (!cpu && strcmp(name, "gpu") != 0) {
    nc_help(d, nc_error(d, NC_E0702, NC_NOWHERE, "`%s` is no class of devices", name), "the classes are cpu and gpu");
    return false;
  }
  *out = cpu ? NC_CLASS_CPU : NC_CLASS_GPU;
  return true;
}

NcDevice *nc_device_open(NcDevices *all, NcDiag *d, const NcDeviceOptions *o) {
  static const NcDeviceOptions defaults;
  if (!o) o = &defaults;
  if (!nc_same_process(all, d)) return NULL;
  int number = nc_devices_choose(all, d, o->choice);
  if (number < 0) return NULL;
  const NcDeviceEntry *e = &all->entry.at[number];
  NcDevice *dev = NC_NEW(all->arena, NcDevice);
  *dev = (NcDevice){.all = all, .cl = &all->cl, .info = e->info, .platform = e->platform, .id = e->id};
  dev->no_cache = o->no_cache;
  dev->keep_programs = o->keep_programs;
  if (!class_named(d, o->cls, &dev->info.target.cls)) return NULL;
  cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)dev->platform, 0};
  cl_int err = 0;
  dev->context = NC_MAKE(dev->cl, &err, clCreateContext, (properties, 1, &dev->id, NULL, NULL, &err));
  if (err) {
    nc_note(d, nc_cl_error(d, "clCreateContext", err), "device %d: %s (%s)", number, dev->info.name,
            dev->info.platform);
    return NULL;
  }
  nc_probe(dev, !o->no_probes);
  nc_tuned_open(dev);
  return dev;
}

void nc_device_close(NcDevice *dev) {
  if (!dev) return;
  nc_aides_end(dev->aides);
  nc_blast_close(dev);
  if (dev->context) dev->cl->clReleaseContext(dev->context);
  dev->context = NULL;
}

const NcDeviceInfo *nc_device_info(const NcDevice *dev) { return &dev->info; }
const NcTarget *nc_device_target(const NcDevice *dev) { return &dev->info.target; }

void nc_device_keep_memory(NcDevice *dev, size_t most) {
  NcTarget *t = &dev->info.target;
  if (t->memory > most) t->memory = most;
  if (t->max_alloc > most) t->max_alloc = most;
}

bool nc_device_keep_groups(NcDevice *dev, int most) {
  if (most < 1 || most >= dev->info.target.max_group) return false;
  dev->info.target.max_group = most;
  return true;
}
