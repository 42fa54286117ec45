// Devices: what OpenCL offers on this machine, which one to use, and opening it.
//
// OpenCL is reached through dlopen, so a machine without it still checks, formats and compiles models;
// asking for a device there is error E0501 with its mend. Nothing is global: handles live in NcDevices.
// Objects are allocated in the arena that is handed in and must be closed before it is freed:
//
//   NcDevices *all = nc_devices_open(arena, diag);
//   NcDevice *dev = nc_device_open(all, diag, &(NcDeviceOptions){.choice = "gpu"});
//   ... compile for *nc_device_target(dev), run it (device/exec.h) ...
//   nc_device_close(dev);
//   nc_devices_close(all);
//
// After fork() OpenCL cannot be used in the child. The process that called nc_devices_open is remembered and
// another one is refused with E0502.
#ifndef NC_DEVICE_H
#define NC_DEVICE_H
#include "base/diag.h"
#include "plan/plan.h"

typedef struct NcDevices NcDevices;
typedef struct NcDevice NcDevice;

typedef struct {
  int number;                // what --device takes; position in the list, from 0
  const char *name;          // as the driver gives it, without surrounding blanks
  const char *platform, *vendor, *driver, *version;
  const char *extensions;    // names with blanks between
  const char *kind;          // "cpu", "gpu", "accelerator" or "other"
  bool usable;
  const char *why_not;       // when not usable: one clause
  NcTarget target;           // from properties alone; opening the device fills in what only probes know
  int clock_mhz;
  bool shared_memory;        // with the host
  double score;              // the usable device of the highest score is the default
} NcDeviceInfo;

// Lists all devices of all platforms. NULL after E0501 when there is no OpenCL loader or no device at all.
// With d NULL nothing is reported.
NcDevices *nc_devices_open(NcArena *a, NcDiag *d);
void nc_devices_close(NcDevices *all);                        // NULL is allowed; close its devices first
int nc_devices_count(const NcDevices *all);
const NcDeviceInfo *nc_devices_info(const NcDevices *all, int number);
int nc_devices_best(const NcDevices *all);                    // number of the default; -1 when none is usable

// The number that `choice` means: a number, "cpu", "gpu", or part of a device's or platform's name in any case;
// NULL or "" is the best one. Of several that match, the best. -1 after E0501 that shows the list.
int nc_devices_choose(const NcDevices *all, NcDiag *d, const char *choice);

typedef struct {
  const char *choice;        // as for nc_devices_choose
  const char *cls;           // "cpu" or "gpu": the class of code to make; NULL: what its properties suggest
  bool no_probes;            // take the conservative answers; starts faster
  bool no_cache;             // neither read nor write files under the user's cache folder
  bool keep_programs;        // keep compiled programs there even when the driver has a cache of its own
} NcDeviceOptions;

// With o NULL all is as by default. NULL after E0501 or E0502.
NcDevice *nc_device_open(NcDevices *all, NcDiag *d, const NcDeviceOptions *o);
void nc_device_close(NcDevice *dev);                          // NULL is allowed
const NcDeviceInfo *nc_device_info(const NcDevice *dev);      // with what the probes found
const NcTarget *nc_device_target(const NcDevice *dev);
// A kernel turned out to have work-groups of at most `most` (nc_exec_group_limit): the target keeps within that from now
// on. False when it did so already.
bool nc_device_keep_groups(NcDevice *dev, int most);
// Plans may take no more memory than that.
void nc_device_keep_memory(NcDevice *dev, size_t most);

// What `nacre tune` found, in the cache folder. The key names device, driver and class of code; a search whose children alone
// may use the device asks by it.
const char *nc_device_tuned_key(const NcDevice *dev, NcArena *a);
const char *nc_tuned_path(NcArena *a, const char *key);                  // NULL: there is no cache folder
NcTuned *nc_tuned_recall(NcArena *a, const char *key);                   // NULL: nothing, or nothing to be believed
bool nc_tuned_keep(NcArena *a, NcDiag *d, const NcTuned *t, const char *path);   // beside and renamed; E0602
bool nc_tuned_copy(NcArena *a, NcDiag *d, const char *cache);   // all that was found, for processes whose XDG_CACHE_HOME is `cache`; E0602

// Test seams. The n-th call from now on (from 1) of the OpenCL function of that name fails with CL_OUT_OF_RESOURCES and
// is not made; NULL: none does.
void nc_devices_fail_call(NcDevices *all, const char *function, int n);
// Kernels say that their groups may be no larger than this; 0: what the driver says.
void nc_devices_small_groups(NcDevices *all, size_t most);
#endif
