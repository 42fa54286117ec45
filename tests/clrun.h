// A small OpenCL runner for tests and benchmarks of single templates: the first CPU device (or first device) found.
#ifndef NC_TESTS_CLRUN_H
#define NC_TESTS_CLRUN_H
#include <CL/cl.h>
#include "gen/templates.h"

typedef struct {
  cl_device_id device;
  cl_context context;
  cl_command_queue queue;
  NcTarget target;       // of class cpu; tests set cls to try the other one
  char name[256];
} ClRun;

typedef struct {
  cl_program program;
  cl_kernel kernel[NC_LAUNCH_MAX];
  cl_mem work[NC_WORK_MAX];
  NcTemplateUse use;
} ClProgram;

// False when there is no OpenCL device at all, or NULL queue after a failure that `error` tells.
bool cl_run_open(ClRun *r);
void cl_run_close(ClRun *r);

// Builds the text and sets the arguments: role NC_TARG_A … NC_TARG_C from `role` (by NcTemplateArg), then `extra`.
// On failure prints the log and returns false.
bool cl_run_build(ClRun *r, ClProgram *p, const char *text, const NcTemplateUse *use, const cl_mem role[4], int nextra,
                  const cl_mem *extra);
bool cl_run_enqueue(ClRun *r, ClProgram *p);       // all launches, without waiting
void cl_run_free(ClProgram *p);

cl_mem cl_run_buffer(ClRun *r, size_t bytes, const void *data);   // data may be NULL
void cl_run_read(ClRun *r, cl_mem m, size_t bytes, void *out);
double cl_run_seconds(void);
#endif
