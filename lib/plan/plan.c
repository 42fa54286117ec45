// The plan as a structure: making one, and finding things in it.
#include "plan/plan.h"
#include <string.h>

// Typical figures, for compiling with no device at hand.
NcTarget nc_target_default(NcClass cls) {
  NcTarget t = {.cls = cls, .vector = 8, .compute_units = 2, .max_group = 1, .local_bytes = 32 << 10,
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
size_t nc_plan_bytes(const NcPlan *p) {
  size_t sum = 0;
  for (int i = 0; i < p->buf.n; i++)
    if (p->buf.at[i].parent < 0) sum += p->buf.at[i].bytes;
  return sum;
}
