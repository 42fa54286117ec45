// Running plans. An NcExec holds, for one device: the variables, which live across plans and are found by name; the
// arenas, which all its plans share; one in-order queue. A plan is loaded once: its program is built, kernel objects
// are made, arguments are set. A run is then one walk over a flat array, and only reads and nc_exec_finish wait.
//
//   NcExec *x = nc_exec_new(arena, diag, dev);
//   NcLoaded *step = nc_exec_load(x, diag, plan);   // the training plan first: its packs decide where variables lie
//   nc_exec_write(step, diag, nc_plan_find(plan, NC_BUF_INPUT, "image"), pixels, bytes);
//   nc_exec_run(step, diag);
//   nc_exec_read(step, diag, nc_plan_output(plan, "loss"), &loss, sizeof loss, true);
//   nc_exec_free(x);                                      // unloads what is still loaded
//
// Everything is called from one thread. Functions that return bool return false after E0502 (a call failed), E0503 (the
// program does not compile), E0504 (it does not fit the device) or E0506 (it does not fit the variables that are
// there).
#ifndef NC_EXEC_H
#define NC_EXEC_H
#include "device/device.h"

typedef struct NcExec NcExec;
typedef struct NcLoaded NcLoaded;

NcExec *nc_exec_new(NcArena *a, NcDiag *d, NcDevice *dev);
void nc_exec_free(NcExec *x);                                  // NULL is allowed

// The plan must outlive the loaded one, which lives in the plan's arena. The plan is verified first.
// Loading may move the arenas: outputs of earlier runs are to be read before. Variables that it brings begin as zeros.
NcLoaded *nc_exec_load(NcExec *x, NcDiag *d, const NcPlan *p); // NULL after an error; the session stays usable
// Where several plans of a session change variables: before one of them is loaded, each says which variables it wants
// side by side. What is there already stays where it is.
bool nc_exec_reserve(NcExec *x, NcDiag *d, const NcPlan *p);
void nc_exec_unload(NcLoaded *l);                              // NULL is allowed

// After a load that failed because a kernel cannot have groups as large as the plan's: how large they may be. Else 0.
int nc_exec_group_limit(const NcExec *x);

bool nc_exec_run(NcLoaded *l, NcDiag *d);                      // queues every step and returns
bool nc_exec_finish(NcExec *x, NcDiag *d);                     // waits for all that is queued

// By buffer number of the plan; roots are not allowed. `bytes` is at most the buffer's size; both start at its first
// byte. A write returns at once: the memory must stay as it is until a later finish, blocking read, or nc_exec_wait.
bool nc_exec_write(NcLoaded *l, NcDiag *d, int buffer, const void *from, size_t bytes);
bool nc_exec_read(NcLoaded *l, NcDiag *d, int buffer, void *to, size_t bytes, bool wait);

// A mark in the queue: nc_exec_wait returns when all that was queued before the mark is done. A few may be open
// at a time; older ones are waited for when there are more than 16. Marks count from 1; 0 after an error.
uint64_t nc_exec_mark(NcExec *x, NcDiag *d);
bool nc_exec_wait(NcExec *x, NcDiag *d, uint64_t mark);

// The variables, in the order in which plans brought them. Reading and writing wait.
typedef struct { const char *name, *role; NcType type; size_t bytes; } NcVarInfo;
int nc_exec_vars(const NcExec *x);
const NcVarInfo *nc_exec_var(const NcExec *x, int i);
int nc_exec_find_var(const NcExec *x, const char *name);       // -1 when absent
bool nc_exec_var_write(NcExec *x, NcDiag *d, int var, const void *from, size_t bytes);
bool nc_exec_var_read(NcExec *x, NcDiag *d, int var, void *to, size_t bytes);

// Profiling: runs once on a queue of its own that keeps times, waits, and adds each step's time.
// `apart`: waits after every step, and adds the processor time that this process spent on it: on a CPU that others use too,
// that is what a step costs. Queueing and waking up are in it, some 10 µs.
typedef struct { double ns, cpu_ns; long count; } NcStepTime;
// step[i] is plan->step.at[i]; the total is wall time.
typedef struct { int n; NcStepTime *step; double total_ns; long runs; bool apart; } NcProfile;
NcProfile *nc_profile_new(NcArena *a, const NcPlan *p);
bool nc_exec_run_profiled(NcLoaded *l, NcDiag *d, NcProfile *prof);
bool nc_exec_run_timed(NcLoaded *l, NcDiag *d, NcProfile *scratch, double *seconds);   // one run: the sum of its steps' times

// Hunting a NaN: runs once, step by step, looking at the float buffers of each step after it. Slow. The arenas start as
// zeros. False after an error of the device; otherwise bad->found tells whether a NaN was seen. Infinities are
// legitimate in masks, so only NaN ends the hunt; the first infinity is told beside it, or alone when no NaN came.
// In a fused plan a value that only lives inside a kernel is not looked at: a plan with no_fuse tells more.
typedef struct {
  bool found;
  int32_t turn;              // of the loop around that step; -1: there is none
  int step;                  // -1: it was in an input or a variable before the first step
  int buffer;
  size_t index;              // element in that buffer
  int inf_step, inf_buffer;  // where the first infinity appeared, -2 and -1 when none did before
} NcBad;
bool nc_exec_find_nan(NcLoaded *l, NcDiag *d, NcBad *bad);
NcMessage *nc_exec_report_bad(NcLoaded *l, NcDiag *d, const NcBad *bad);   // as E0603, with label and source place

// Test seams. poison: arenas are filled with NaN before every run. guard: each run goes step by step and
// proves that no step changed a byte outside the buffers named in its arguments (E0505 names it); slow. Set guard
// before loading.
typedef struct { bool poison, guard; } NcExecSeams;
void nc_exec_seams(NcExec *x, NcExecSeams seams);

size_t nc_exec_bytes(const NcExec *x);                         // device memory that this session holds now
#endif
