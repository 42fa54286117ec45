// Running: one walk over the steps on one in-order queue. Nothing here waits but what says so.
#include "device/exec_internal.h"
#include "device/aides.h"
#include <inttypes.h>

// Drivers keep every queued command in memory: a caller that never reads anything is made to wait now and then.
enum { QUEUE_LIMIT = 20000 };

void nc_step_notes(const NcLoaded *l, NcDiag *d, NcMessage *m, int step) {
  const NcStep *s = &l->plan->step.at[step];
  if (s->kind == NC_STEP_KERNEL)
    nc_note(d, m, "step %d: kernel `%s`, global size %zu %zu %zu, local size %zu %zu %zu", step, s->kernel,
            s->global[0], s->global[1], s->global[2], s->local[0], s->local[1], s->local[2]);
  else if (s->kind == NC_STEP_GEMM)
    nc_note(d, m, "step %d: matrix product, m %" PRId64 ", n %" PRId64 ", k %" PRId64 ", batch %" PRId64, step, s->m,
            s->n, s->k, s->batch);
  else
    nc_note(d, m, "step %d: %s of %zu bytes", step, s->kind == NC_STEP_FILL ? "fill" : "copy", s->fill_bytes);
  if (s->label && *s->label)
    nc_note(d, m, "it computes `%s`%s%s", s->label, s->at && *s->at ? " at " : "", s->at ? s->at : "");
  nc_note(d, m, "on %s (%s)", l->x->dev->info.name, l->x->dev->info.platform);
}

bool nc_step_failed(const NcLoaded *l, NcDiag *d, int step, const char *function, cl_int err) {
  nc_step_notes(l, d, nc_cl_error(d, function, err), step);
  return false;
}

static bool launch_gemm(NcLoaded *l, NcDiag *d, cl_command_queue queue, int step) {
  const NcStep *s = &l->plan->step.at[step];
  size_t need = 0;
  nc_blast_workspace(nc_blast(l->x->dev), queue, s, &need);
  bool own = s->workspace >= 0 && l->plan->buf.at[s->workspace].bytes >= need;
  cl_mem temp = !need ? NULL : own ? l->mem[s->workspace] : l->x->workspace.mem;
  int code = nc_blast_gemm(nc_blast(l->x->dev), queue, s, l->mem[s->a], l->mem[s->b], l->mem[s->c], temp);
  if (!code) return true;
  NcMessage *m = nc_error(d, NC_E0502, NC_NOWHERE, "CLBlast failed with %s (%d)", nc_blast_code(code), code);
  nc_step_notes(l, d, m, step);
  nc_help(d, m, "`nacre doctor` checks CLBlast on this device");
  return false;
}

// Arguments are taken when a kernel is queued: they may be set again at once.
static bool set_turn(NcLoaded *l, NcDiag *d, const NcSteps *at) {
  const NcStep *s = &l->plan->step.at[at->step];
  cl_int turn = at->turn;
  for (int i = 0; at->depth && i < s->nargs; i++) {
    if (s->args[i].kind != NC_ARG_TURN) continue;
    cl_int err = NC_CALL(l->x->cl, clSetKernelArg, (l->op[at->step].kernel, (cl_uint)i, sizeof turn, &turn));
    if (err) return nc_step_failed(l, d, at->step, "clSetKernelArg", err);
  }
  return true;
}

bool nc_launch(NcLoaded *l, NcDiag *d, cl_command_queue queue, const NcSteps *at, cl_event *event) {
  int step = at->step;
  const NcStep *s = &l->plan->step.at[step];
  NcCl *cl = l->x->cl;
  static const uint32_t zero;
  cl_int err = 0;
  switch (s->kind) {
    case NC_STEP_KERNEL:
      if (l->op[step].entry.which >= 0) return nc_launch_bank(l, d, queue, step, step + 1, at->turn, event);
      if (!set_turn(l, d, at)) return false;
      err = NC_CALL(cl, clEnqueueNDRangeKernel,
                    (queue, l->op[step].kernel, 3, NULL, s->global, s->local, 0, NULL, event));
      return !err || nc_step_failed(l, d, step, "clEnqueueNDRangeKernel", err);
    case NC_STEP_GEMM:
      return launch_gemm(l, d, queue, step);
    case NC_STEP_FILL:
      err = NC_CALL(cl, clEnqueueFillBuffer,
                    (queue, l->mem[s->c], &zero, s->fill_bytes % 4 ? 1 : 4, 0, s->fill_bytes, 0, NULL, event));
      return !err || nc_step_failed(l, d, step, "clEnqueueFillBuffer", err);
    case NC_STEP_COPY:
      err = NC_CALL(cl, clEnqueueCopyBuffer, (queue, l->mem[s->a], l->mem[s->c], 0, 0, s->fill_bytes, 0, NULL, event));
      return !err || nc_step_failed(l, d, step, "clEnqueueCopyBuffer", err);
    default: break;   // the walk leaves out where loops begin and end
  }
  return true;
}

bool nc_ready(NcLoaded *l, NcDiag *d) {
  NcExec *x = l->x;
  if (!nc_same_process(x->dev->all, d) || (!l->bound && !nc_bind(l, d))) return false;
  nc_aides_end(x->dev->aides);     // what runs is compiled
  if (x->queued > QUEUE_LIMIT && !nc_exec_finish(x, d)) return false;
  for (int i = 0; x->seams.poison && i < x->pool.n; i++)
    if (x->pool.at[i].mem && !nc_fill(x, d, x->pool.at[i].mem, 0xFF, x->pool.at[i].bytes)) return false;
  return true;
}

// After a failure the caller gives up and frees its memory, which an earlier write may still be reading.
static bool settle(NcExec *x, bool ok) {
  if (!ok) x->cl->clFinish(x->queue);
  return ok;
}

static bool flush(NcExec *x, NcDiag *d) {
  cl_int err = NC_CALL(x->cl, clFlush, (x->queue));
  if (err) nc_cl_error(d, "clFlush", err);
  return settle(x, !err);
}

static bool in_bank(const NcLoaded *l, int step) {
  return l->plan->step.at[step].kind == NC_STEP_KERNEL && l->op[step].entry.which >= 0;
}

// Queues the walk's present step, and with it those after it that the same bank runs.
static bool launch_many(NcLoaded *l, NcDiag *d, NcSteps *w) {
  const int first = w->step;
  if (!in_bank(l, first)) return nc_launch(l, d, l->x->queue, w, NULL);
  while (w->at < l->plan->step.n && in_bank(l, w->at) && l->op[w->at].entry.part == l->op[first].entry.part) w->step = w->at++;
  return nc_launch_bank(l, d, l->x->queue, first, w->step + 1, w->turn, NULL);
}

bool nc_exec_run(NcLoaded *l, NcDiag *d) {
  if (!nc_ready(l, d)) return settle(l->x, false);
  if (l->x->seams.guard) return settle(l->x, nc_run_guarded(l, d));
  for (NcSteps w = {.plan = l->plan}; nc_steps_next(&w);) {
    if (!launch_many(l, d, &w)) return settle(l->x, false);
    if (++l->x->queued > 2 * QUEUE_LIMIT && !nc_exec_finish(l->x, d)) return false;   // a long loop
  }
  return flush(l->x, d);
}

bool nc_exec_finish(NcExec *x, NcDiag *d) {
  cl_int err = NC_CALL(x->cl, clFinish, (x->queue));
  if (err) nc_cl_error(d, "clFinish", err);
  x->queued = 0;
  return !err;
}

// Whether the host may touch that many bytes of a buffer.
static bool may_touch(const NcLoaded *l, NcDiag *d, int buffer, size_t bytes) {
  const NcPlan *p = l->plan;
  if (buffer < 0 || buffer >= p->buf.n) {
    nc_error(d, NC_E0901, NC_NOWHERE, "the plan has no buffer %d", buffer);
    return false;
  }
  const NcPlanBuf *b = &p->buf.at[buffer];
  bool root = b->kind == NC_BUF_ROOT_ARENA || b->kind == NC_BUF_ROOT_VAR;
  if (!root && bytes <= b->bytes) return true;
  nc_error(d, NC_E0901, NC_NOWHERE, "%zu bytes are more than buffer %d \"%s\" offers, %zu", bytes, buffer, b->name,
           root ? 0 : b->bytes);
  return false;
}

static bool transferred(NcExec *x, NcDiag *d, const char *function, cl_int err, const char *name, size_t bytes) {
  if (err) nc_note(d, nc_cl_error(d, function, err), "\"%s\", %zu bytes, on %s", name, bytes, x->dev->info.name);
  return settle(x, !err);
}

static bool write_mem(NcExec *x, NcDiag *d, cl_mem mem, const char *name, const void *from, size_t bytes, bool wait) {
  if (!bytes) return true;
  cl_int err =
      NC_CALL(x->cl, clEnqueueWriteBuffer, (x->queue, mem, wait ? CL_TRUE : CL_FALSE, 0, bytes, from, 0, NULL, NULL));
  return transferred(x, d, "clEnqueueWriteBuffer", err, name, bytes);
}

static bool read_mem(NcExec *x, NcDiag *d, cl_mem mem, const char *name, void *to, size_t bytes, bool wait) {
  if (!bytes) return true;
  cl_int err =
      NC_CALL(x->cl, clEnqueueReadBuffer, (x->queue, mem, wait ? CL_TRUE : CL_FALSE, 0, bytes, to, 0, NULL, NULL));
  if (wait) x->queued = 0;
  return transferred(x, d, "clEnqueueReadBuffer", err, name, bytes);
}

bool nc_exec_write(NcLoaded *l, NcDiag *d, int buffer, const void *from, size_t bytes) {
  if (!may_touch(l, d, buffer, bytes) || (!l->bound && !nc_bind(l, d))) return false;
  return write_mem(l->x, d, l->mem[buffer], l->plan->buf.at[buffer].name, from, bytes, false);
}

bool nc_exec_read(NcLoaded *l, NcDiag *d, int buffer, void *to, size_t bytes, bool wait) {
  if (!may_touch(l, d, buffer, bytes) || (!l->bound && !nc_bind(l, d))) return false;
  return read_mem(l->x, d, l->mem[buffer], l->plan->buf.at[buffer].name, to, bytes, wait);
}

static bool var_bytes(NcExec *x, NcDiag *d, int var, size_t bytes) {
  if (var >= 0 && var < x->var.n && bytes <= x->var.at[var].info.bytes) return true;
  nc_error(d, NC_E0901, NC_NOWHERE, "variable %d does not exist or has fewer than %zu bytes", var, bytes);
  return false;
}

bool nc_exec_var_write(NcExec *x, NcDiag *d, int var, const void *from, size_t bytes) {
  return var_bytes(x, d, var, bytes) &&
         write_mem(x, d, x->var.at[var].mem, x->var.at[var].info.name, from, bytes, true);
}

bool nc_exec_var_read(NcExec *x, NcDiag *d, int var, void *to, size_t bytes) {
  return var_bytes(x, d, var, bytes) && read_mem(x, d, x->var.at[var].mem, x->var.at[var].info.name, to, bytes, true);
}

static bool wait_event(NcExec *x, NcDiag *d, NcMark *m) {
  cl_int err = m->event ? NC_CALL(x->cl, clWaitForEvents, (1, &m->event)) : 0;
  if (err) nc_cl_error(d, "clWaitForEvents", err);
  if (m->event) x->cl->clReleaseEvent(m->event);
  m->event = NULL;
  return !err;
}

uint64_t nc_exec_mark(NcExec *x, NcDiag *d) {
  NcMark *m = &x->mark[x->marks % NC_MARKS];
  if (!wait_event(x, d, m)) return 0;
  cl_int err = NC_CALL(x->cl, clEnqueueMarkerWithWaitList, (x->queue, 0, NULL, &m->event));
  if (err) {
    m->event = NULL;
    nc_cl_error(d, "clEnqueueMarkerWithWaitList", err);
    return 0;
  }
  m->number = ++x->marks;
  return flush(x, d) ? m->number : 0;
}

bool nc_exec_wait(NcExec *x, NcDiag *d, uint64_t mark) {
  for (int i = 0; i < NC_MARKS; i++)
    if (x->mark[i].event && x->mark[i].number == mark) return wait_event(x, d, &x->mark[i]);
  return true;      // reached already, or pushed out by later ones, which waited for it
}
