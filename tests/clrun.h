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

// The kernels of one template, their arguments set.
typedef struct {
  cl_kernel kernel[NC_LAUNCH_MAX];
  cl_mem work[NC_WORK_MAX];
  NcTemplateUse use;
} ClBound;

// False when there is no OpenCL device at all.
bool cl_run_open(ClRun *r);
void cl_run_close(ClRun *r);

// optimize: by the driver's compiler, which takes several times as long as building without.
cl_program cl_run_build(ClRun *r, const char *text, bool optimize);   // NULL after printing the log
// Makes the kernels and workspaces of `use` and sets the arguments: NC_TARG_A … NC_TARG_C from `role`, then `extra`.
// False, having said why, when something fails; to be freed in any case.
bool cl_run_bind(ClRun *r, ClBound *b, cl_program program, const NcTemplateUse *use, const cl_mem role[4], int nextra,
                 const cl_mem *extra);
bool cl_run_enqueue(ClRun *r, ClBound *b);             // all launches, without waiting
void cl_run_free(ClBound *b);

cl_mem cl_run_buffer(ClRun *r, size_t bytes, const void *data);   // data may be NULL
void cl_run_read(ClRun *r, cl_mem m, size_t bytes, void *out);
double cl_run_seconds(void);
#endif
