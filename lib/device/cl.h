// OpenCL's functions, found with dlopen; and what its error codes are called. Internal to lib/device.
#ifndef NC_CL_H
#define NC_CL_H
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif
#include "base/diag.h"

// Every OpenCL function that is used, all of OpenCL 1.2.
#define NC_CL_FUNCTIONS(X) \
  X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo) \
  X(clCreateContext) X(clReleaseContext) X(clCreateCommandQueue) X(clReleaseCommandQueue) \
  X(clCreateBuffer) X(clCreateSubBuffer) X(clReleaseMemObject) X(clGetMemObjectInfo) \
  X(clCreateProgramWithSource) X(clCreateProgramWithBinary) X(clBuildProgram) X(clGetProgramBuildInfo) \
  X(clGetProgramInfo) X(clReleaseProgram) X(clCreateKernel) X(clReleaseKernel) X(clSetKernelArg) \
  X(clGetKernelInfo) X(clGetKernelWorkGroupInfo) X(clEnqueueNDRangeKernel) X(clEnqueueReadBuffer) \
  X(clEnqueueWriteBuffer) X(clEnqueueCopyBuffer) X(clEnqueueFillBuffer) X(clEnqueueMarkerWithWaitList) \
  X(clWaitForEvents) X(clGetEventProfilingInfo) X(clReleaseEvent) X(clFlush) X(clFinish)

typedef struct {
  void *library;
#define X(fn) __typeof__(fn) *fn;
  NC_CL_FUNCTIONS(X)
#undef X
  // The test seam of nc_devices_fail_call.
  const char *fail_function;
  int fail_n;
  size_t small_group;        // of nc_devices_small_groups; 0: none
} NcCl;

// False when there is no loader (or it lacks a function, then *missing names it). $NACRE_OPENCL names another library.
bool nc_cl_load(NcCl *cl, const char **missing);

// True when this call is to fail: the seam. Costs one test of a pointer.
bool nc_cl_fails_(NcCl *cl, const char *function);
#define NC_CL_FAILS(cl, fn) ((cl)->fail_function && nc_cl_fails_((cl), #fn))

// NC_CALL(cl, clFinish, (queue)) gives the call's error code; NC_MAKE is for functions that return an object and take
// a pointer to the error code as their last argument, which must be spelled in `args`.
#define NC_CALL(cl, fn, args) (NC_CL_FAILS(cl, fn) ? CL_OUT_OF_RESOURCES : (cl)->fn args)
#define NC_MAKE(cl, err, fn, args) (NC_CL_FAILS(cl, fn) ? (*(err) = CL_OUT_OF_RESOURCES, NULL) : (cl)->fn args)

const char *nc_cl_code(cl_int code);                    // "CL_OUT_OF_RESOURCES", or "error"
// E0502 "clFinish failed with CL_OUT_OF_RESOURCES (-5)", with what is known to help; more notes may be added.
NcMessage *nc_cl_error(NcDiag *d, const char *function, cl_int code);
#endif
