// The plan as a structure: making one, and finding things in it.
#include "plan/plan.h"
#include <string.h>

// Typical figures, for compiling with no device at hand.
NcTarget nc_target_default(NcClass cls) {
  NcTarget t = {.cls = cls, .vector = 8, .compute_units = 2, .max_group = 1, .local_bytes = 32 << 10, .cache = 32 << 20,
                .align = 128, .max_alloc = (size_t)2 << 30, .memory = (size_t)8 << 30};
  if (cls == NC_CLASS_GPU) {
    t.vector = 4;
    t.compute_units = 32;
    t.max_group = 256;
  }
  return t;
}

NcPlan *nc_plan_new(NcArena *a, NcClass cls, size_t align) {
  NcPlan *p = NC_NEW(a, NcPlan);
  p->arena = a;
  p->cls = cls;
  p->align = align;
  p->options = "";
  p->program = "";
  return p;
}

int nc_plan_find(const NcPlan *p, NcBufKind kind, const char *name) {
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].kind == kind && strcmp(p->buf.at[i].name, name) == 0) return i;
  return -1;
}

int nc_plan_output(const NcPlan *p, const char *name) {
  for (int i = 0; i < p->output.n; i++)
    if (strcmp(p->output.at[i].name, name) == 0) return p->output.at[i].buffer;
  return -1;
}

// What has a parent lies in it and costs nothing more.
size_t nc_plan_bytes(const NcPlan *p) { return nc_plans_bytes(1, &p); }

// A variable that an earlier plan has, by itself or in a pack.
static bool has_variable(int n, const NcPlan *const *p, const char *name) {
  for (int k = 0; k < n; k++)
    if (nc_plan_find(p[k], NC_BUF_VAR, name) >= 0 || nc_plan_find(p[k], NC_BUF_ROOT_VAR, name) >= 0) return true;
  return false;
}

size_t nc_plans_bytes(int n, const NcPlan *const *p) {
  size_t sum = 0, arena = 0;
  for (int k = 0; k < n; k++) {
    size_t own = 0;
    for (int i = 0; i < p[k]->buf.n; i++) {
      const NcPlanBuf *b = &p[k]->buf.at[i];
      bool variable = b->kind == NC_BUF_VAR || b->kind == NC_BUF_ROOT_VAR;
      if (b->parent >= 0 || (variable && has_variable(k, p, b->name))) continue;
      *(b->kind == NC_BUF_ROOT_ARENA ? &own : &sum) += b->bytes;
    }
    arena = own > arena ? own : arena;
  }
  return sum + arena;
}
