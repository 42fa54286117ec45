#include "device/cl.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const char *const loaders[] = {
#ifdef __APPLE__
  "/System/Library/Frameworks/OpenCL.framework/OpenCL",
#endif
  "libOpenCL.so.1",
  "libOpenCL.so",
};

bool nc_cl_load(NcCl *cl, const char **missing) {
  *missing = NULL;
  const char *named = getenv("NACRE_OPENCL");
  if (named && *named) {
    cl->library = dlopen(named, RTLD_NOW | RTLD_LOCAL);
  } else {
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders && !cl->library; i++)
      cl->library = dlopen(loaders[i], RTLD_NOW | RTLD_LOCAL);
  }
  if (!cl->library) return false;
  // A data pointer becomes a function pointer through memory: C has no cast for it.
#define X(fn) \
  do { \
    void *symbol = dlsym(cl->library, #fn); \
    if (!symbol) { *missing = #fn; return false; } \
    memcpy(&cl->fn, &symbol, sizeof symbol); \
  } while (0);
  NC_CL_FUNCTIONS(X)
#undef X
  return true;
}

bool nc_cl_fails_(NcCl *cl, const char *function) {
  if (strcmp(cl->fail_function, function) || --cl->fail_n > 0) return false;
  cl->fail_function = NULL;
  return true;
}

#define SMALLER "make the batch smaller, or choose another device with --device (`nacre devices` lists them)"
#define DRIVER "`nacre doctor` tells whether this driver works at all; `--device` chooses another"
#define GONE "the driver has given the device up after an earlier failure; run again"
#define OURS "this is a fault of nacre: please report it with the output of `nacre emit --plan`"

static const struct { cl_int code; const char *name, *help; } codes[] = {
  {CL_SUCCESS, "CL_SUCCESS", NULL},
  {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND", DRIVER},
  {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE",
   "another program may hold it; close that one, or choose another"},
  {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE", DRIVER},
  {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE", SMALLER},
  {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES",
   "drivers say this of many things: too much memory, too large a work-group, a kernel that ran too long or faulted. "
   "Try a smaller batch; `nacre doctor` checks every kernel on this device"},
  {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", SMALLER},
  {CL_PROFILING_INFO_NOT_AVAILABLE, "CL_PROFILING_INFO_NOT_AVAILABLE", "profile on another device"},
  {CL_MEM_COPY_OVERLAP, "CL_MEM_COPY_OVERLAP", OURS},
  {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE", OURS},
  {CL_MAP_FAILURE, "CL_MAP_FAILURE", SMALLER},
  {CL_MISALIGNED_SUB_BUFFER_OFFSET, "CL_MISALIGNED_SUB_BUFFER_OFFSET", OURS},
  {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", DRIVER},
  {CL_INVALID_VALUE, "CL_INVALID_VALUE", OURS},
  {CL_INVALID_DEVICE_TYPE, "CL_INVALID_DEVICE_TYPE", OURS},
  {CL_INVALID_PLATFORM, "CL_INVALID_PLATFORM", DRIVER},
  {CL_INVALID_DEVICE, "CL_INVALID_DEVICE", DRIVER},
  {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT", GONE},
  {CL_INVALID_QUEUE_PROPERTIES, "CL_INVALID_QUEUE_PROPERTIES", DRIVER},
  {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE", GONE},
  {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT", OURS},
  {CL_INVALID_BINARY, "CL_INVALID_BINARY", OURS},
  {CL_INVALID_BUILD_OPTIONS, "CL_INVALID_BUILD_OPTIONS", DRIVER},
  {CL_INVALID_PROGRAM, "CL_INVALID_PROGRAM", OURS},
  {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE", DRIVER},
  {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME", OURS},
  {CL_INVALID_KERNEL_DEFINITION, "CL_INVALID_KERNEL_DEFINITION", OURS},
  {CL_INVALID_KERNEL, "CL_INVALID_KERNEL", OURS},
  {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX", OURS},
  {CL_INVALID_ARG_VALUE, "CL_INVALID_ARG_VALUE", OURS},
  {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE", OURS},
  {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS", OURS},
  {CL_INVALID_WORK_DIMENSION, "CL_INVALID_WORK_DIMENSION", OURS},
  {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE", OURS},
  {CL_INVALID_WORK_ITEM_SIZE, "CL_INVALID_WORK_ITEM_SIZE", OURS},
  {CL_INVALID_GLOBAL_OFFSET, "CL_INVALID_GLOBAL_OFFSET", OURS},
  {CL_INVALID_EVENT_WAIT_LIST, "CL_INVALID_EVENT_WAIT_LIST", OURS},
  {CL_INVALID_EVENT, "CL_INVALID_EVENT", OURS},
  {CL_INVALID_OPERATION, "CL_INVALID_OPERATION", OURS},
  {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE", SMALLER},
  {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE", OURS},
  {CL_INVALID_PROPERTY, "CL_INVALID_PROPERTY", DRIVER},
  {-9999, "the driver's own code for an illegal access", OURS},   // NVIDIA: a kernel read or wrote outside its buffers
};

static int find(cl_int code) {
  for (int i = 0; i < (int)(sizeof codes / sizeof *codes); i++)
    if (codes[i].code == code) return i;
  return -1;
}

const char *nc_cl_code(cl_int code) {
  int i = find(code);
  return i < 0 ? "error" : codes[i].name;
}

NcMessage *nc_cl_error(NcDiag *d, const char *function, cl_int code) {
  int i = find(code);
  NcMessage *m = nc_error(d, NC_E0502, NC_NOWHERE, "%s failed with %s (%d)", function, nc_cl_code(code), (int)code);
  nc_help(d, m, "%s", i < 0 || !codes[i].help ? DRIVER : codes[i].help);
  return m;
}
