// Loading: a plan's program is built, kernel objects are made (one for each step that no bank runs, so that arguments are set once),
// memory is found, arguments are set. Everything that can fail fails here, not in the middle of a run.
#include "device/exec_internal.h"
#include "device/aides.h"
#include <string.h>

NcExec *nc_exec_new(NcArena *a, NcDiag *d, NcDevice *dev) {
  if (!nc_same_process(dev->all, d)) return NULL;
  NcExec *x = NC_NEW(a, NcExec);
  x->arena = a;
  x->dev = dev;
  x->cl = dev->cl;
  x->var_by_name = NC_MAP(a);
  cl_int err = 0;
  x->queue = NC_MAKE(x->cl, &err, clCreateCommandQueue, (dev->context, dev->id, 0, &err));
  if (!err) return x;
  nc_cl_error(d, "clCreateCommandQueue", err);
  return NULL;
}

void nc_exec_free(NcExec *x) {
  if (!x || !x->queue) return;
  x->cl->clFinish(x->queue);
  while (x->loaded) nc_exec_unload(x->loaded);
  for (int i = 0; i < NC_MARKS; i++)
    if (x->mark[i].event) x->cl->clReleaseEvent(x->mark[i].event);
  nc_drop_vars(x, 0, 0);
  for (int i = 0; i < x->pool.n; i++) nc_drop_memory(x, &x->pool.at[i]);
  nc_drop_memory(x, &x->workspace);
  if (x->timed) x->cl->clReleaseCommandQueue(x->timed);
  x->cl->clReleaseCommandQueue(x->queue);
  x->queue = x->timed = NULL;
}

void nc_exec_seams(NcExec *x, NcExecSeams seams) { x->seams = seams; }
int nc_exec_group_limit(const NcExec *x) { return x->group_limit < INT32_MAX ? (int)x->group_limit : INT32_MAX; }
size_t nc_exec_bytes(const NcExec *x) { return x->held; }

static bool in_arena(const NcPlan *p, int b) {
  return p->buf.at[b].kind == NC_BUF_TEMP || p->buf.at[b].kind == NC_BUF_ROOT_ARENA;
}

void nc_unbind(NcLoaded *l) {
  for (int i = 0; i < l->plan->buf.n; i++) {
    if (!in_arena(l->plan, i)) continue;
    if (l->owned[i] && l->mem[i]) l->x->cl->clReleaseMemObject(l->mem[i]);
    l->mem[i] = NULL;
  }
  nc_table_drop(l);
  l->bound = false;
}

// Temps become parts of the arenas, which must be there.
static bool bind_temps(NcLoaded *l, NcDiag *d) {
  const NcPlan *p = l->plan;
  int arena = 0;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_ROOT_ARENA) l->mem[i] = l->x->pool.at[arena++].mem;
  for (int i = 0; i < p->buf.n; i++) {
    const NcPlanBuf *b = &p->buf.at[i];
    if (b->kind != NC_BUF_TEMP) continue;
    l->mem[i] = nc_make_part(l->x, d, l->mem[b->parent], b->offset, b->bytes, b->name);
    l->owned[i] = true;
    if (!l->mem[i]) return false;
  }
  return true;
}

static cl_int set_arg(const NcLoaded *l, cl_kernel kernel, cl_uint i, const NcPlanArg *a) {
  NcCl *cl = l->x->cl;
  if (a->kind == NC_ARG_BUF) return NC_CALL(cl, clSetKernelArg, (kernel, i, sizeof(cl_mem), &l->mem[a->i]));
  if (a->kind == NC_ARG_LOCAL) return NC_CALL(cl, clSetKernelArg, (kernel, i, (size_t)a->i, NULL));
  cl_int v = a->kind == NC_ARG_TURN ? 0 : (cl_int)a->i;   // a turn is set when it comes
  cl_float f = (cl_float)a->f;
  return a->kind == NC_ARG_INT || a->kind == NC_ARG_TURN ? NC_CALL(cl, clSetKernelArg, (kernel, i, sizeof v, &v))
                               : NC_CALL(cl, clSetKernelArg, (kernel, i, sizeof f, &f));
}

static bool set_args(NcLoaded *l, NcDiag *d, int step) {
  const NcOp *op = &l->op[step];
  for (int i = 0; op->kernel && i < op->step->nargs; i++) {
    cl_int err = set_arg(l, op->kernel, (cl_uint)i, &op->step->args[i]);
    if (!err) continue;
    NcMessage *m = nc_cl_error(d, "clSetKernelArg", err);
    nc_note(d, m, "argument %d (from 0)", i);
    nc_step_notes(l, d, m, step);
    return false;
  }
  return true;
}

// Products that bring too small a workspace, or none, share the session's.
static bool size_workspace(NcLoaded *l, NcDiag *d) {
  const NcPlan *p = l->plan;
  size_t most = 0;
  for (int i = 0; i < p->step.n; i++) {
    const NcStep *s = &p->step.at[i];
    size_t bytes = 0;
    if (s->kind != NC_STEP_GEMM) continue;
    int code = nc_blast_workspace(nc_blast(l->x->dev), l->x->queue, s, &bytes);
    if (code) {
      nc_step_notes(
          l, d,
          nc_error(d, NC_E0502, NC_NOWHERE, "CLBlast gives no workspace size: %s (%d)", nc_blast_code(code), code), i);
      return false;
    }
    bool own = s->workspace >= 0 && p->buf.at[s->workspace].bytes >= bytes;
    if (!own && bytes > most) most = bytes;
  }
  return nc_workspace(l->x, d, most);
}

bool nc_bind(NcLoaded *l, NcDiag *d) {
  nc_unbind(l);
  if (!nc_pools(l->x, d, l->plan) || !size_workspace(l, d)) return false;
  bool ok = bind_temps(l, d);
  for (int i = 0; ok && i < l->plan->step.n; i++) ok = set_args(l, d, i);
  ok = ok && nc_table_make(l, d);
  if (!ok) nc_unbind(l);
  return l->bound = ok;
}

#define MIXED "the plan's steps and its program do not belong together: compile it again"

// The group that the step asks for must be one that this kernel can have here.
static bool check_group(NcLoaded *l, NcDiag *d, int step) {
  const NcStep *s = l->op[step].step;
  size_t most = 0, group = s->local[0] * s->local[1] * s->local[2];
  cl_int err = NC_CALL(l->x->cl, clGetKernelWorkGroupInfo,
                       (l->op[step].kernel, l->x->dev->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL));
  if (l->x->cl->small_group && most > l->x->cl->small_group) most = l->x->cl->small_group;
  cl_uint nargs = 0;
  if (!err)
    err = NC_CALL(l->x->cl, clGetKernelInfo, (l->op[step].kernel, CL_KERNEL_NUM_ARGS, sizeof nargs, &nargs, NULL));
  NcMessage *m = NULL;
  if (err) m = nc_cl_error(d, "clGetKernelWorkGroupInfo", err);
  else if (group > most) {
    m = nc_error(d, NC_E0504, NC_NOWHERE, "a work-group of %zu is more than this kernel can have here, %zu", group,
                 most);
    l->x->group_limit = most;
  }
  else if ((int)nargs != s->nargs)
    m = nc_error(d, NC_E0503, NC_NOWHERE, "kernel `%s` takes %u arguments and the plan gives %d", s->kernel, nargs,
                 s->nargs);
  if (!m) return true;
  nc_step_notes(l, d, m, step);
  if (m->code == NC_E0504) nc_help(d, m, "compile the plan for this device");
  if (m->code == NC_E0503) nc_help(d, m, MIXED);
  return false;
}

static bool make_kernel(NcLoaded *l, NcDiag *d, int step) {
  NcOp *op = &l->op[step];
  cl_int err = 0;
  if (op->entry.which >= 0) return true;
  op->kernel = NC_MAKE(l->x->cl, &err, clCreateKernel, (l->program[op->entry.part], op->entry.kernel, &err));
  if (!err) return check_group(l, d, step);
  op->kernel = NULL;
  NcMessage *m = err != CL_INVALID_KERNEL_NAME ? nc_cl_error(d, "clCreateKernel", err)
    : nc_error(d, NC_E0503, NC_NOWHERE, "the program has no kernel called `%s`", op->step->kernel);
  nc_step_notes(l, d, m, step);
  if (m->code == NC_E0503) nc_help(d, m, MIXED);
  return false;
}

// CLBlast computes places within a matrix as int.
static bool check_gemm(NcLoaded *l, NcDiag *d, int step) {
  const NcStep *s = &l->plan->step.at[step];
  int64_t rows_a = s->ta ? s->k : s->m, rows_b = s->tb ? s->n : s->k, limit = INT32_MAX;
  bool large = s->lda > limit / rows_a || s->ldb > limit / rows_b || s->ldc > limit / s->m ||
               s->stride_a > limit / s->batch || s->stride_b > limit / s->batch || s->stride_c > limit / s->batch;
  NcMessage *m = NULL;
  if (!nc_blast(l->x->dev)) {
    m = nc_error(d, NC_E0504, NC_NOWHERE, "the plan calls CLBlast, which is not on this machine");
    nc_help(d, m, "`apt install libclblast1`, or compile the plan here, where it will do without");
  } else if (large) {
    m = nc_error(d, NC_E0504, NC_NOWHERE, "a matrix has more elements than CLBlast can count");
    nc_help(d, m, "make the batch or the layer smaller");
  }
  if (m) nc_step_notes(l, d, m, step);
  return !m;
}

// Enough text to be worth an aide's while; a part that the driver has in its cache takes it 0.04 s. The number depends on
// the plan alone: what one machine compiled, alone or with aides, is found by the next start.
static int parts_of(const NcPlan *p) {
  enum { MOST = 4 };
  size_t parts = p->program ? strlen(p->program) / NC_PART_BYTES : 0;
  return parts < 1 ? 1 : parts > MOST ? MOST : (int)parts;
}

static bool make_bank(NcLoaded *l, NcDiag *d, int part) {
  cl_int err = 0;
  l->bank[part] = NC_MAKE(l->x->cl, &err, clCreateKernel, (l->program[part], NC_BANK_NAME, &err));
  if (err) nc_cl_error(d, "clCreateKernel", err);
  if (err) l->bank[part] = NULL;
  return !err;
}

static bool make_kernels(NcLoaded *l, NcDiag *d) {
  const NcPlan *p = l->plan;
  bool any = false;
  for (int i = 0; i < p->step.n; i++) {
    const NcStep *s = l->op[i].step = &p->step.at[i];
    any |= s->kind == NC_STEP_KERNEL;
    if (s->kind == NC_STEP_GEMM && !check_gemm(l, d, i)) return false;
  }
  if (!any) return true;
  bool banks = nc_device_banks(l->x->dev);
  NcParts *parts = nc_parts_cut(p->arena, p, banks ? parts_of(p) : 1, banks);
  l->program = NC_NEW_N(p->arena, cl_program, parts->parts);
  l->bank = NC_NEW_N(p->arena, cl_kernel, parts->parts);
  for (int i = 0; i < p->step.n; i++) l->op[i].entry = parts->entry[i];
  l->programs = parts->parts;
  if (!nc_parts_build(l->x->dev, l->x->queue, d, parts, p->options, l->program)) return false;
  for (int i = 0; i < parts->parts; i++)
    if (parts->bank[i] && !make_bank(l, d, i)) return false;
  for (int i = 0; i < p->step.n; i++)
    if (p->step.at[i].kind == NC_STEP_KERNEL && !make_kernel(l, d, i)) return false;
  return true;
}

static bool make_own(NcLoaded *l, NcDiag *d) {
  for (int i = 0; i < l->plan->buf.n; i++) {
    const NcPlanBuf *b = &l->plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT && b->kind != NC_BUF_CONST) continue;
    NcMemory m;
    if (!nc_make_memory(l->x, d, b->bytes, b->data, b->name, &m)) return false;
    l->mem[i] = m.mem;
    l->owned[i] = true;
  }
  return true;
}

NcLoaded *nc_exec_load(NcExec *x, NcDiag *d, const NcPlan *p) {
  if (!nc_same_process(x->dev->all, d) || !nc_plan_verify(p, d) || !nc_fits(x, d, p)) return NULL;
  NcLoaded *l = NC_NEW(p->arena, NcLoaded);
  l->x = x;
  x->group_limit = 0;
  l->plan = p;
  l->op = NC_NEW_N(p->arena, NcOp, p->step.n + 1);
  l->mem = NC_NEW_N(p->arena, cl_mem, p->buf.n + 1);
  l->owned = NC_NEW_N(p->arena, bool, p->buf.n + 1);
  l->next = x->loaded;
  x->loaded = l;
  int vars = x->var.n, roots = x->root.n;
  if (make_kernels(l, d) && make_own(l, d) && nc_bind_vars(l, d) && nc_bind(l, d)) return l;
  nc_exec_unload(l);
  nc_drop_vars(x, vars, roots);
  return NULL;
}

void nc_exec_unload(NcLoaded *l) {
  if (!l || !l->x) return;
  NcExec *x = l->x;
  x->cl->clFinish(x->queue);
  nc_unbind(l);
  for (int i = 0; i < l->plan->buf.n; i++)
    if (l->owned[i] && !in_arena(l->plan, i)) nc_drop_memory(x, &(NcMemory){l->mem[i], l->plan->buf.at[i].bytes});
  for (int i = 0; i < l->plan->step.n; i++)
    if (l->op[i].kernel) x->cl->clReleaseKernel(l->op[i].kernel);
  for (int i = 0; i < l->programs; i++)
    if (l->bank[i]) x->cl->clReleaseKernel(l->bank[i]);
  for (int i = 0; i < l->programs; i++)
    if (l->program[i]) x->cl->clReleaseProgram(l->program[i]);
  for (NcLoaded **at = &x->loaded; *at; at = &(*at)->next)
    if (*at == l) { *at = l->next; break; }
  l->x = NULL;
}
