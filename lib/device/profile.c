// How long each step took, from the driver's own times.
#include "device/exec_internal.h"
#include <string.h>
#include <time.h>

static double clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

NcProfile *nc_profile_new(NcArena *a, const NcPlan *p) {
  NcProfile *prof = NC_NEW(a, NcProfile);
  prof->n = p->step.n;
  prof->step = NC_NEW_N(a, NcStepTime, p->step.n + 1);
  return prof;
}

static bool finish(NcExec *x, NcDiag *d, cl_command_queue queue) {
  cl_int err = NC_CALL(x->cl, clFinish, (queue));
  if (err) nc_cl_error(d, "clFinish", err);
  return !err;
}

static bool timed_queue(NcExec *x, NcDiag *d) {
  if (x->timed) return true;
  cl_int err = 0;
  x->timed = NC_MAKE(x->cl, &err, clCreateCommandQueue, (x->dev->context, x->dev->id, CL_QUEUE_PROFILING_ENABLE, &err));
  if (!err) return true;
  x->timed = NULL;
  nc_cl_error(d, "clCreateCommandQueue", err);
  return false;
}

static double event_ns(NcExec *x, cl_event event) {
  cl_ulong from = 0, to = 0;
  if (x->cl->clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof from, &from, NULL)) return 0;
  if (x->cl->clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof to, &to, NULL)) return 0;
  return to > from ? (double)(to - from) : 0;
}

// CLBlast's event covers the last of its kernels only, so a product is timed from outside, between two waits.
static bool timed_gemm(NcLoaded *l, NcDiag *d, const NcSteps *at, double *ns) {
  NcExec *x = l->x;
  if (!finish(x, d, x->timed)) return false;
  double from = clock_ns(CLOCK_MONOTONIC);
  if (!nc_launch(l, d, x->timed, at, NULL) || !finish(x, d, x->timed)) return false;
  *ns = clock_ns(CLOCK_MONOTONIC) - from;
  return true;
}

bool nc_exec_run_timed(NcLoaded *l, NcDiag *d, NcProfile *scratch, double *seconds) {
  double ns = 0;
  memset(scratch->step, 0, (size_t)scratch->n * sizeof *scratch->step);
  bool good = nc_exec_run_profiled(l, d, scratch);
  for (int i = 0; good && i < scratch->n; i++) ns += scratch->step[i].ns;
  *seconds = ns * 1e-9;
  return good;
}

bool nc_exec_run_profiled(NcLoaded *l, NcDiag *d, NcProfile *prof) {
  NcExec *x = l->x;
  if (!nc_ready(l, d) || !timed_queue(x, d) || !nc_exec_finish(x, d)) return false;
  int64_t n = nc_plan_launches(l->plan), done = 0;
  cl_event *event = NC_NEW_N(d->arena, cl_event, n + 1);
  double *gemm = NC_NEW_N(d->arena, double, n + 1), from = clock_ns(CLOCK_MONOTONIC);
  int *step = NC_NEW_N(d->arena, int, n + 1);
  bool ok = true;
  for (NcSteps w = {.plan = l->plan}; ok && nc_steps_next(&w) && done < n; done++) {
    step[done] = w.step;
    double used = prof->apart ? clock_ns(CLOCK_PROCESS_CPUTIME_ID) : 0;
    ok = l->plan->step.at[w.step].kind == NC_STEP_GEMM ? timed_gemm(l, d, &w, &gemm[done])
                                                       : nc_launch(l, d, x->timed, &w, &event[done]);
    if (!prof->apart) continue;
    ok = ok && finish(x, d, x->timed);
    if (w.step < prof->n) prof->step[w.step].cpu_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
  }
  ok = finish(x, d, x->timed) && ok;
  double total = clock_ns(CLOCK_MONOTONIC) - from;
  for (int64_t i = 0; i < done; i++) {
    if (ok && step[i] < prof->n) {
      prof->step[step[i]].ns += event[i] ? event_ns(x, event[i]) : gemm[i];
      prof->step[step[i]].count++;
    }
    if (event[i]) x->cl->clReleaseEvent(event[i]);
  }
  if (ok) {
    prof->total_ns += total;
    prof->runs++;
  }
  return ok;
}
