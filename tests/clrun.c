#include "clrun.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double cl_run_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// NACRE_TEST_PLATFORM picks the first platform whose name contains it.
static cl_device_id find_device(void) {
  cl_platform_id platform[16];
  cl_uint n = 0;
  const char *wanted = getenv("NACRE_TEST_PLATFORM");
  if (clGetPlatformIDs(16, platform, &n) != CL_SUCCESS) return NULL;
  for (cl_uint i = 0; i < n && i < 16; i++) {
    char name[256] = "";
    cl_device_id d;
    clGetPlatformInfo(platform[i], CL_PLATFORM_NAME, sizeof name - 1, name, NULL);
    if (wanted && !strstr(name, wanted)) continue;
    if (clGetDeviceIDs(platform[i], CL_DEVICE_TYPE_ALL, 1, &d, NULL) == CL_SUCCESS) return d;
  }
  return NULL;
}

bool cl_run_open(ClRun *r) {
  *r = (ClRun){0};
  r->device = find_device();
  if (!r->device) return false;
  cl_int err;
  cl_uint units = 1, vector = 4;
  cl_ulong local = 0;
  size_t group = 1;
  clGetDeviceInfo(r->device, CL_DEVICE_NAME, sizeof r->name - 1, r->name, NULL);
  clGetDeviceInfo(r->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
  clGetDeviceInfo(r->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof vector, &vector, NULL);
  clGetDeviceInfo(r->device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
  clGetDeviceInfo(r->device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group, NULL);
  r->context = clCreateContext(NULL, 1, &r->device, NULL, NULL, &err);
  r->queue = clCreateCommandQueue(r->context, r->device, 0, &err);
  r->target = (NcTarget){.cls = NC_CLASS_CPU, .vector = vector < 4 ? 4 : (int)vector, .compute_units = (int)units,
                         .max_group = (int)group, .local_bytes = (size_t)local, .align = 128};
  return true;
}

void cl_run_close(ClRun *r) {
  if (r->queue) clReleaseCommandQueue(r->queue);
  if (r->context) clReleaseContext(r->context);
}

cl_mem cl_run_buffer(ClRun *r, size_t bytes, const void *data) {
  cl_int err;
  cl_mem m = clCreateBuffer(r->context, CL_MEM_READ_WRITE, bytes, NULL, &err);
  if (m && data) clEnqueueWriteBuffer(r->queue, m, CL_TRUE, 0, bytes, data, 0, NULL, NULL);
  return m;
}

void cl_run_read(ClRun *r, cl_mem m, size_t bytes, void *out) {
  clEnqueueReadBuffer(r->queue, m, CL_TRUE, 0, bytes, out, 0, NULL, NULL);
}

static void print_log(ClRun *r, cl_program program) {
  static char log[20000];
  clGetProgramBuildInfo(program, r->device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
  fprintf(stderr, "%s\n", log);
}

cl_program cl_run_build(ClRun *r, const char *text, bool optimize) {
  cl_int err;
  cl_program p = clCreateProgramWithSource(r->context, 1, &text, NULL, &err);
  const char *options = optimize ? "-cl-mad-enable -cl-no-signed-zeros -w"
                                 : "-cl-mad-enable -cl-no-signed-zeros -w -cl-opt-disable";
  if (!p || clBuildProgram(p, 1, &r->device, options, NULL, NULL) == CL_SUCCESS) return p;
  print_log(r, p);
  clReleaseProgram(p);
  return NULL;
}

static bool bind_launch(ClBound *b, int i, cl_program program, const cl_mem role[4], int nextra, const cl_mem *extra) {
  const NcTemplateLaunch *l = &b->use.launch[i];
  cl_int err;
  b->kernel[i] = clCreateKernel(program, l->kernel, &err);
  if (!b->kernel[i]) {
    fprintf(stderr, "no kernel %s (%d)\n", l->kernel, err);
    return false;
  }
  for (int j = 0; j < l->nargs + (l->shared ? 0 : nextra); j++) {
    cl_mem m = j >= l->nargs               ? extra[j - l->nargs]
               : l->arg[j] >= NC_TARG_WORK ? b->work[l->arg[j] - NC_TARG_WORK]
                                           : role[l->arg[j]];
    err = clSetKernelArg(b->kernel[i], (cl_uint)j, sizeof m, &m);
    if (err != CL_SUCCESS) {
      fprintf(stderr, "argument %d of %s: %d\n", j, l->kernel, err);
      return false;
    }
  }
  return true;
}

bool cl_run_bind(ClRun *r, ClBound *b, cl_program program, const NcTemplateUse *use, const cl_mem role[4], int nextra,
                 const cl_mem *extra) {
  *b = (ClBound){.use = *use};
  for (int i = 0; i < use->nwork; i++) b->work[i] = cl_run_buffer(r, use->work[i], NULL);
  for (int i = 0; i < use->nlaunch; i++)
    if (!bind_launch(b, i, program, role, nextra, extra)) return false;
  return true;
}

bool cl_run_enqueue(ClRun *r, ClBound *b) {
  for (int i = 0; i < b->use.nlaunch; i++) {
    const NcTemplateLaunch *l = &b->use.launch[i];
    cl_int err = clEnqueueNDRangeKernel(r->queue, b->kernel[i], 3, NULL, l->global, l->local, 0, NULL, NULL);
    if (err != CL_SUCCESS) {
      fprintf(stderr, "enqueue of %s: %d\n", l->kernel, err);
      return false;
    }
  }
  return true;
}

void cl_run_free(ClBound *b) {
  for (int i = 0; i < b->use.nlaunch; i++)
    if (b->kernel[i]) clReleaseKernel(b->kernel[i]);
  for (int i = 0; i < b->use.nwork; i++)
    if (b->work[i]) clReleaseMemObject(b->work[i]);
}
