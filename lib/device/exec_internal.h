// A session and its loaded plans, as the files that make up the executor see them:
//   memory.c   allocations, arenas shared by all plans
//   vars.c     variables: which plan's layout holds, and what later plans bind to
//   load.c     a plan becomes kernels with their arguments set
//   table.c    what the banks of its program must know of a plan's steps
//   run.c      the walk over the steps; reads, writes, marks
//   profile.c  the same walk with the time of each step
//   guard.c    the same walk with a proof that no step wrote outside its buffers
//   hunt.c     the same walk in search of the first NaN
#ifndef NC_EXEC_INTERNAL_H
#define NC_EXEC_INTERNAL_H
#include "base/map.h"
#include "device/banks.h"
#include "device/blast.h"
#include "device/exec.h"

typedef struct { cl_mem mem; size_t bytes; } NcMemory;                     // mem NULL: not made yet
typedef struct { const char *name; NcMemory memory; } NcVarRoot;
typedef struct { NcVarInfo info; cl_mem mem; int root; size_t offset; } NcVar;   // root -1: memory of its own
typedef struct { uint64_t number; cl_event event; } NcMark;

enum { NC_MARKS = 16, NC_GUARD_BYTES = 1024 };

struct NcExec {
  NcArena *arena;
  NcDevice *dev;
  NcCl *cl;
  cl_command_queue queue, timed;      // timed: made by the first profile
  NC_VEC(NcMemory) pool;              // arena number i of every plan lies in pool i
  NcMemory workspace;                 // of GEMMs that bring none of their own
  NC_VEC(NcVarRoot) root;
  NC_VEC(NcVar) var;
  NcMap var_by_name;                  // name → its number + 1, as a pointer
  NcLoaded *loaded;                   // a list
  NcExecSeams seams;
  NcMark mark[NC_MARKS];
  uint64_t marks;
  size_t held;                        // bytes of device memory
  long queued;                        // steps since the last wait
  size_t group_limit;                 // of the kernel that refused the last load, or 0
};

typedef struct { const NcStep *step; cl_kernel kernel; NcEntry entry; } NcOp;     // kernel: NULL where a bank runs it

struct NcLoaded {
  NcExec *x;
  const NcPlan *plan;
  cl_program *program;                // its parts
  cl_kernel *bank;                    // by part
  int programs;
  NcOp *op;                           // by step number
  cl_mem *mem;                        // by buffer number
  NcMemory table, marks;              // of the banks
  bool *owned;                        // by buffer number: mem is released with the plan
  bool bound;                         // temps lie in the present arenas and arguments are set
  NcLoaded *next;
};

// memory.c
bool nc_make_memory(NcExec *x, NcDiag *d, size_t bytes, const void *data, const char *what, NcMemory *out);
void nc_drop_memory(NcExec *x, NcMemory *m);
cl_mem nc_make_part(NcExec *x, NcDiag *d, cl_mem parent, size_t offset, size_t bytes, const char *what);
bool nc_fill(NcExec *x, NcDiag *d, cl_mem mem, uint8_t byte, size_t bytes);
bool nc_fits(NcExec *x, NcDiag *d, const NcPlan *p);                       // E0504 before anything is allocated
bool nc_pools(NcExec *x, NcDiag *d, const NcPlan *p);                      // at least as large as the plan's arenas
bool nc_workspace(NcExec *x, NcDiag *d, size_t bytes);

// vars.c
bool nc_bind_vars(NcLoaded *l, NcDiag *d);                                 // E0506; fills l->mem of roots and variables
void nc_drop_vars(NcExec *x, int vars, int roots);                         // all from these numbers on

// load.c
bool nc_bind(NcLoaded *l, NcDiag *d);
void nc_unbind(NcLoaded *l);

// table.c
bool nc_table_make(NcLoaded *l, NcDiag *d);
void nc_table_drop(NcLoaded *l);
bool nc_launch_bank(NcLoaded *l, NcDiag *d, cl_command_queue queue, int first, int end, int32_t turn, cl_event *event);

// run.c
bool nc_launch(NcLoaded *l, NcDiag *d, cl_command_queue queue, const NcSteps *at, cl_event *event);
bool nc_step_failed(const NcLoaded *l, NcDiag *d, int step, const char *function, cl_int err);   // false
void nc_step_notes(const NcLoaded *l, NcDiag *d, NcMessage *m, int step);  // which kernel, sizes, label and place
bool nc_ready(NcLoaded *l, NcDiag *d); // same process, bound, arenas poisoned if asked for

// guard.c
bool nc_run_guarded(NcLoaded *l, NcDiag *d);
// Calls visit for every buffer that the step names, until it says false.
typedef bool (*NcVisit)(void *user, int buffer);
bool nc_each_buffer(const NcStep *s, NcVisit visit, void *user);
#endif
