// A test seam: the walk goes step by step and every byte of device memory that the step does not name as an argument
// must be as it was, also the bytes behind the end of each allocation. It finds writes out of bounds that spoil
// somebody else's buffer in an arena, which no sanitizer of the driver can tell from right ones.
#include "device/exec_internal.h"
#include <stdlib.h>
#include <string.h>

bool nc_each_buffer(const NcStep *s, NcVisit visit, void *user) {
  if (s->kind == NC_STEP_LOOP || s->kind == NC_STEP_END) return true;
  if (s->kind == NC_STEP_KERNEL) {
    for (int i = 0; i < s->nargs; i++)
      if (s->args[i].kind == NC_ARG_BUF && !visit(user, (int)s->args[i].i)) return false;
    return true;
  }
  if (s->kind == NC_STEP_GEMM && (!visit(user, s->a) || !visit(user, s->b))) return false;
  if (s->kind == NC_STEP_GEMM && s->workspace >= 0 && !visit(user, s->workspace)) return false;
  if (s->kind == NC_STEP_COPY && !visit(user, s->a)) return false;
  return visit(user, s->c);
}

// One allocation: its bytes before and after the step, and which of them the step may change.
typedef struct { cl_mem mem; const char *name; size_t bytes, used; unsigned char *was, *is, *may; } Shadow;
typedef struct { NcLoaded *l; NcDiag *d; NC_VEC(Shadow) shadow; } Guard;

static bool add(Guard *g, cl_mem mem, const char *name, size_t used) {
  NcExec *x = g->l->x;
  Shadow s = {.mem = mem, .name = name, .used = used};
  if (!mem) return true;
  cl_int err = NC_CALL(x->cl, clGetMemObjectInfo, (mem, CL_MEM_SIZE, sizeof s.bytes, &s.bytes, NULL));
  if (err) nc_cl_error(g->d, "clGetMemObjectInfo", err);
  if (err) return false;
  s.was = malloc(s.bytes);
  s.is = malloc(s.bytes);
  s.may = malloc(s.bytes);
  *NC_PUSH(g->d->arena, g->shadow) = s;
  if (s.was && s.is && s.may) return true;
  nc_error(g->d, NC_E0606, NC_NOWHERE, "no memory for a copy of \"%s\", %zu bytes", name, s.bytes);
  return false;
}

static bool add_all(Guard *g) {
  NcExec *x = g->l->x;
  const NcPlan *p = g->l->plan;
  bool ok = true;
  for (int i = 0; ok && i < x->pool.n; i++) ok = add(g, x->pool.at[i].mem, "the arena", x->pool.at[i].bytes);
  for (int i = 0; ok && i < x->root.n; i++)
    ok = add(g, x->root.at[i].memory.mem, x->root.at[i].name, x->root.at[i].memory.bytes);
  for (int i = 0; ok && i < x->var.n; i++)
    if (x->var.at[i].root < 0) ok = add(g, x->var.at[i].mem, x->var.at[i].info.name, x->var.at[i].info.bytes);
  for (int i = 0; ok && i < p->buf.n; i++)
    if (p->buf.at[i].kind == NC_BUF_INPUT || p->buf.at[i].kind == NC_BUF_CONST)
      ok = add(g, g->l->mem[i], p->buf.at[i].name, p->buf.at[i].bytes);
  return ok;
}

static bool snapshot(Guard *g, bool before) {
  NcExec *x = g->l->x;
  for (int i = 0; i < g->shadow.n; i++) {
    Shadow *s = &g->shadow.at[i];
    cl_int err = NC_CALL(x->cl, clEnqueueReadBuffer,
                         (x->queue, s->mem, CL_TRUE, 0, s->bytes, before ? s->was : s->is, 0, NULL, NULL));
    if (err) nc_cl_error(g->d, "clEnqueueReadBuffer", err);
    if (err) return false;
    memset(s->may, 0, s->bytes);
  }
  return true;
}

static bool allow(void *user, int buffer) {
  Guard *g = user;
  const NcPlanBuf *b = &g->l->plan->buf.at[buffer];
  cl_mem mem = g->l->mem[buffer];
  size_t offset = 0;
  if (b->kind == NC_BUF_TEMP) {
    mem = g->l->mem[b->parent];
    offset = b->offset;
  } else if (b->kind == NC_BUF_VAR) {
    const NcVar *v = &g->l->x->var.at[nc_exec_find_var(g->l->x, b->name)];
    if (v->root >= 0) mem = g->l->x->root.at[v->root].memory.mem;
    offset = v->offset;
  }
  for (int i = 0; i < g->shadow.n; i++)
    if (g->shadow.at[i].mem == mem) memset(g->shadow.at[i].may + offset, 1, b->bytes);
  return true;
}

static void report(Guard *g, int step, const Shadow *s, size_t at) {
  const NcPlan *p = g->l->plan;
  NcMessage *m = nc_error(g->d, NC_E0505, NC_NOWHERE, "a step wrote outside its buffers: byte %zu of \"%s\"%s", at,
                          s->name, at >= s->used ? ", behind its end" : "");
  nc_step_notes(g->l, g->d, m, step);
  for (int i = 0; i < p->buf.n; i++) {
    const NcPlanBuf *b = &p->buf.at[i];
    if (b->kind == NC_BUF_TEMP && g->l->mem[b->parent] == s->mem && at >= b->offset && at < b->offset + b->bytes)
      nc_note(g->d, m, "buffer %d \"%s\" lies there, from %zu to %zu", i, b->name, b->offset, b->offset + b->bytes);
  }
  nc_help(g->d, m, "the kernel lacks a bound, or the plan gives it too small a buffer");
}

static bool compare(Guard *g, int step) {
  for (int i = 0; i < g->shadow.n; i++) {
    Shadow *s = &g->shadow.at[i];
    for (size_t k = 0; k < s->bytes; k++)
      if (s->is[k] != s->was[k] && !s->may[k]) {
        report(g, step, s, k);
        return false;
      }
  }
  return true;
}

bool nc_run_guarded(NcLoaded *l, NcDiag *d) {
  Guard g = {.l = l, .d = d};
  bool ok = add_all(&g);
  for (NcSteps w = {.plan = l->plan}; ok && nc_steps_next(&w);) {
    ok = snapshot(&g, true) && nc_launch(l, d, l->x->queue, &w, NULL) && snapshot(&g, false);
    if (ok) nc_each_buffer(&l->plan->step.at[w.step], allow, &g);
    ok = ok && compare(&g, w.step);
  }
  for (int i = 0; i < g.shadow.n; i++) {
    free(g.shadow.at[i].was);
    free(g.shadow.at[i].is);
    free(g.shadow.at[i].may);
  }
  return ok;
}
