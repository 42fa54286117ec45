// What the files of lib/device share; nobody else includes it.
#ifndef NC_DEVICE_INTERNAL_H
#define NC_DEVICE_INTERNAL_H
#include "device/cl.h"
#include "device/device.h"

typedef struct {
  NcDeviceInfo info;
  cl_platform_id platform;
  cl_device_id id;
} NcDeviceEntry;

struct NcDevices {
  NcArena *arena;
  NcCl cl;
  long pid;                  // of the process that opened them
  NC_VEC(NcDeviceEntry) entry;
};

typedef struct NcBlast NcBlast;

struct NcDevice {
  NcDevices *all;
  NcCl *cl;                  // = &all->cl
  NcDeviceInfo info;
  cl_platform_id platform;
  cl_device_id id;
  cl_context context;
  NcBlast *blast;            // CLBlast once asked for: nc_blast(dev)
  bool blast_tried;
  bool no_cache, keep_programs;
  struct NcAides *aides; // aides.h; NULL: none yet, or none may be had
  int built, helped;         // parts of programs so far; of these, what aides compiled
};

// False after E0502 when this is not the process that opened the devices.
bool nc_same_process(const NcDevices *all, NcDiag *d);

// probes.c: fills in what properties do not tell (half_ok, subgroups, clblast), from the cache or by trying.
void nc_probe(NcDevice *dev, bool allowed);

// program.c: builds for one device; NULL after E0503 or E0502. The driver's own cache or ours may make it quick.
// PoCL takes long for every kernel: those that can be had as functions share one there.
bool nc_device_banks(const NcDevice *dev);
cl_program nc_program_build(NcDevice *dev, NcDiag *d, const char *source, const char *options);

// tuned.c: what `nacre tune` found for this device goes into its target.
void nc_tuned_open(NcDevice *dev);

// binary.c: compiled programs from earlier processes; NULL when there is none. Neither ever reports anything.
cl_program nc_binary_recall(NcDevice *dev, NcArena *a, const char *source, const char *options);
void nc_binary_keep(NcDevice *dev, NcArena *a, const char *source, const char *options, cl_program program);

// cache.c: the folder of things that can be made again; NULL when there is none.
const char *nc_cache_path(NcArena *a, const char *file);       // also makes the folder
#endif
