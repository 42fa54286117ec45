// Listing devices: their properties, which class of code suits them, which one is best, and what --device means.
#include "device/internal.h"
#include "base/buf.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define INSTALL "install a driver: `apt install ocl-icd-libopencl1 pocl-opencl-icd` runs on any CPU; " \
  "for a GPU its vendor's package (intel-opencl-icd, rocm-opencl-icd, nvidia-opencl-icd, mesa-opencl-icd)"

typedef struct { NcCl *cl; NcArena *arena; cl_device_id id; } Ask;

// A text property of a platform or a device without surrounding blanks; "" when it cannot be had.
static const char *trimmed(char *s) {
  while (isspace((unsigned char)*s)) s++;
  size_t n = strlen(s);
  while (n && isspace((unsigned char)s[n - 1])) n--;
  s[n] = 0;
  return s;
}

static const char *device_text(Ask *q, cl_device_info what) {
  size_t n = 0;
  if (NC_CALL(q->cl, clGetDeviceInfo, (q->id, what, 0, NULL, &n)) || !n) return "";
  char *s = nc_alloc(q->arena, n + 1);
  if (NC_CALL(q->cl, clGetDeviceInfo, (q->id, what, n, s, NULL))) return "";
  return trimmed(s);
}

static const char *platform_text(NcCl *cl, NcArena *a, cl_platform_id p, cl_platform_info what) {
  size_t n = 0;
  if (NC_CALL(cl, clGetPlatformInfo, (p, what, 0, NULL, &n)) || !n) return "";
  char *s = nc_alloc(a, n + 1);
  if (NC_CALL(cl, clGetPlatformInfo, (p, what, n, s, NULL))) return "";
  return trimmed(s);
}

// A number property; those that OpenCL gives in fewer than eight bytes are widened.
static uint64_t number(Ask *q, cl_device_info what) {
  union { uint64_t u64; uint32_t u32; } v = {0};
  size_t n = 0;
  if (NC_CALL(q->cl, clGetDeviceInfo, (q->id, what, sizeof v, &v, &n))) return 0;
  return n == 4 ? v.u32 : n == 8 ? v.u64 : 0;
}

static int at_most(uint64_t v, uint64_t limit) { return (int)(v < limit ? v : limit); }

static int float_width(uint64_t native) { return native >= 16 ? 16 : native >= 8 ? 8 : 4; }

static const char *kind_of(cl_device_type type) {
  return type & CL_DEVICE_TYPE_GPU ? "gpu" : type & CL_DEVICE_TYPE_CPU ? "cpu"
       : type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator" : "other";
}

// A device whose local memory is ordinary memory gains nothing from tiles in it: it wants the code of a CPU.
static NcClass class_of(cl_device_type type, cl_device_local_mem_type local) {
  if (type & CL_DEVICE_TYPE_GPU) return NC_CLASS_GPU;
  if (type & CL_DEVICE_TYPE_CPU) return NC_CLASS_CPU;
  return local == CL_LOCAL ? NC_CLASS_GPU : NC_CLASS_CPU;
}

static NcTarget target_of(Ask *q, cl_device_type type) {
  size_t align = (size_t)number(q, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8;   // it is given in bits
  NcTarget t = {
    .cls = class_of(type, (cl_device_local_mem_type)number(q, CL_DEVICE_LOCAL_MEM_TYPE)),
    .vector = float_width(number(q, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT)),
    .compute_units = at_most(number(q, CL_DEVICE_MAX_COMPUTE_UNITS), 1 << 20),
    .max_group = at_most(number(q, CL_DEVICE_MAX_WORK_GROUP_SIZE), 1 << 20),
    .local_bytes = (size_t)number(q, CL_DEVICE_LOCAL_MEM_SIZE),
    .cache = (size_t)number(q, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE),
    .align = align < 128 ? 128 : align,
    .max_alloc = (size_t)number(q, CL_DEVICE_MAX_MEM_ALLOC_SIZE),
    .memory = (size_t)number(q, CL_DEVICE_GLOBAL_MEM_SIZE),
  };
  if (!t.compute_units) t.compute_units = 1;
  if (!t.max_group) t.max_group = 1;
  return t;
}

static const char *why_not(Ask *q, const NcDeviceInfo *i) {
  int major = 0, minor = 0;
  const char *v = i->version;      // "OpenCL 3.0 and what the vendor adds"
  if (strncmp(v, "OpenCL ", 7) == 0) {
    char *end;
    major = (int)strtol(v + 7, &end, 10);
    if (*end == '.') minor = (int)strtol(end + 1, NULL, 10);
  }
  if (!number(q, CL_DEVICE_AVAILABLE)) return "the driver says that it is not available";
  if (!number(q, CL_DEVICE_COMPILER_AVAILABLE)) return "the driver has no compiler";
  if (major < 1 || (major == 1 && minor < 2)) return "it offers less than OpenCL 1.2";
  if (!number(q, CL_DEVICE_ENDIAN_LITTLE)) return "it is big-endian";
  if (!i->target.max_alloc || !i->target.memory) return "it reports no memory";
  return NULL;
}

// A GPU before an accelerator before a CPU, one with its own memory before one that shares the host's; then memory,
// then compute units, then the wider vectors. Each term is too small to outweigh the ones before it.
static double score_of(const NcDeviceInfo *i) {
  double kind = strcmp(i->kind, "gpu") == 0           ? 3
                : strcmp(i->kind, "accelerator") == 0 ? 2
                : strcmp(i->kind, "cpu") == 0         ? 1
                                                      : 0;
  if (kind == 3 && !i->shared_memory) kind = 4;
  double gib = (double)(i->target.memory >> 30);
  return kind * 1e6 + (gib > 9999 ? 9999 : gib) * 100 + at_most((uint64_t)i->target.compute_units, 999) * 0.1 +
         i->target.vector * 0.001;
}

static void add_device(NcDevices *all, cl_platform_id platform, cl_device_id id) {
  Ask q = {&all->cl, all->arena, id};
  NcDeviceEntry *e = NC_PUSH(all->arena, all->entry);
  *e = (NcDeviceEntry){.platform = platform, .id = id};
  NcDeviceInfo *i = &e->info;
  cl_device_type type = number(&q, CL_DEVICE_TYPE);
  i->number = all->entry.n - 1;
  i->name = device_text(&q, CL_DEVICE_NAME);
  i->vendor = device_text(&q, CL_DEVICE_VENDOR);
  i->driver = device_text(&q, CL_DRIVER_VERSION);
  i->version = device_text(&q, CL_DEVICE_VERSION);
  i->extensions = device_text(&q, CL_DEVICE_EXTENSIONS);
  i->platform = platform_text(&all->cl, all->arena, platform, CL_PLATFORM_NAME);
  i->kind = kind_of(type);
  i->target = target_of(&q, type);
  i->clock_mhz = at_most(number(&q, CL_DEVICE_MAX_CLOCK_FREQUENCY), 1 << 20);
  i->shared_memory = number(&q, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0;
  i->why_not = why_not(&q, i);
  i->usable = !i->why_not;
  i->score = score_of(i);
}

static void add_platform(NcDevices *all, cl_platform_id platform) {
  cl_uint n = 0;
  if (NC_CALL(&all->cl, clGetDeviceIDs, (platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n)) || !n) return;
  cl_device_id *id = NC_NEW_N(all->arena, cl_device_id, n);
  if (NC_CALL(&all->cl, clGetDeviceIDs, (platform, CL_DEVICE_TYPE_ALL, n, id, NULL))) return;
  for (cl_uint i = 0; i < n; i++) add_device(all, platform, id[i]);
}

NcDevices *nc_devices_open(NcArena *a, NcDiag *d) {
  if (!d) d = nc_diag_new(a);
  NcDevices *all = NC_NEW(a, NcDevices);
  all->arena = a;
  all->pid = (long)getpid();
  const char *missing;
  if (!nc_cl_load(&all->cl, &missing)) {
    NcMessage *m = missing ? nc_error(d, NC_E0501, NC_NOWHERE, "the OpenCL library lacks %s", missing)
                           : nc_error(d, NC_E0501, NC_NOWHERE, "there is no OpenCL library on this machine");
    nc_help(d, m, INSTALL);
    return NULL;
  }
  cl_uint n = 0;
  cl_platform_id *platform = NULL;
  if (NC_CALL(&all->cl, clGetPlatformIDs, (0, NULL, &n)) == CL_SUCCESS && n) {
    platform = NC_NEW_N(a, cl_platform_id, n);
    if (NC_CALL(&all->cl, clGetPlatformIDs, (n, platform, NULL))) n = 0;
  } else {
    n = 0;      // a loader that finds no driver says so with an error
  }
  for (cl_uint i = 0; i < n; i++) add_platform(all, platform[i]);
  if (all->entry.n) return all;
  NcMessage *m =
      n ? nc_error(d, NC_E0501, NC_NOWHERE, "the OpenCL drivers on this machine (%d) offer no device", (int)n)
        : nc_error(d, NC_E0501, NC_NOWHERE, "there is no OpenCL driver on this machine");
  for (cl_uint i = 0; i < n; i++) {
    const char *name = platform_text(&all->cl, a, platform[i], CL_PLATFORM_NAME);
    bool pocl = strcmp(name, "Portable Computing Language") == 0;
    nc_note(d, m, "%s has none%s", name, pocl ? ", which is so where it cannot write its cache: POCL_CACHE_DIR, or ~/.cache/pocl" : "");
  }
  nc_help(d, m, INSTALL);
  return NULL;
}

// The library stays loaded: drivers keep threads, and unloading code under them crashes.
void nc_devices_close(NcDevices *all) { (void)all; }

int nc_devices_count(const NcDevices *all) { return all->entry.n; }

const NcDeviceInfo *nc_devices_info(const NcDevices *all, int number_) {
  return number_ >= 0 && number_ < all->entry.n ? &all->entry.at[number_].info : NULL;
}

void nc_devices_fail_call(NcDevices *all, const char *function, int n) {
  all->cl.fail_function = function;
  all->cl.fail_n = n;
}

void nc_devices_small_groups(NcDevices *all, size_t most) { all->cl.small_group = most; }

bool nc_same_process(const NcDevices *all, NcDiag *d) {
  if (all->pid == (long)getpid()) return true;
  NcMessage *m =
      nc_error(d, NC_E0502, NC_NOWHERE, "OpenCL was opened by process %ld and cannot be used in its child %ld",
               all->pid, (long)getpid());
  nc_help(d, m, "open the devices after the fork, in the process that uses them");
  return false;
}

static bool contains(const char *text, const char *part) { return strcasestr(text, part) != NULL; }

static bool matches(const NcDeviceInfo *i, const char *choice) {
  if (!choice || !*choice) return true;
  if (!strcasecmp(choice, "cpu") || !strcasecmp(choice, "gpu")) return !strcasecmp(choice, i->kind);
  // PoCL's platform is called "Portable Computing Language"; its version names it.
  return contains(i->name, choice) || contains(i->platform, choice) || contains(i->vendor, choice) ||
         contains(i->version, choice);
}

static int best_match(const NcDevices *all, const char *choice) {
  int best = -1;
  for (int i = 0; i < all->entry.n; i++) {
    const NcDeviceInfo *info = &all->entry.at[i].info;
    if (info->usable && matches(info, choice) && (best < 0 || info->score > all->entry.at[best].info.score)) best = i;
  }
  return best;
}

int nc_devices_best(const NcDevices *all) { return best_match(all, NULL); }

static int refuse(const NcDevices *all, NcDiag *d, NcMessage *m) {
  for (int i = 0; i < all->entry.n; i++) {
    const NcDeviceInfo *info = &all->entry.at[i].info;
    nc_note(d, m, "%d: %s (%s, %s)%s%s", i, info->name, info->kind, info->platform,
            info->usable ? "" : ": not usable, ", info->usable ? "" : info->why_not);
  }
  nc_help(d, m, nc_devices_best(all) < 0 ? INSTALL : "--device takes a number, cpu, gpu, or part of a name");
  return -1;
}

int nc_devices_choose(const NcDevices *all, NcDiag *d, const char *choice) {
  char *end;
  long n = choice && *choice ? strtol(choice, &end, 10) : -1;
  if (choice && isdigit((unsigned char)*choice) && !*end) {
    const NcDeviceInfo *info = n < all->entry.n ? &all->entry.at[n].info : NULL;
    if (info && info->usable) return (int)n;
    return refuse(all, d, info ? nc_error(d, NC_E0501, NC_NOWHERE, "device %ld cannot be used: %s", n, info->why_not)
                               : nc_error(d, NC_E0501, NC_NOWHERE, "there is no device %ld", n));
  }
  int best = best_match(all, choice);
  if (best >= 0) return best;
  return refuse(all, d,
                choice && *choice ? nc_error(d, NC_E0501, NC_NOWHERE, "no usable OpenCL device matches `%s`", choice)
                                  : nc_error(d, NC_E0501, NC_NOWHERE, "no OpenCL device here is usable"));
}
