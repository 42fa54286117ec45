#include "golden_device.h"

// Templates of the gpu class take PoCL a second or two each to compile. check_gen compares them with the reference; here
// plain loops stand for them.
static const char costly[] = "dot,conv,conv_weight,pool,pool_grad";

NcPlan *golden_plan(const GenDevice *d, NcArena *a, NcDiag *diag, const NcGraph *g, NcClass cls, bool apart) {
  NcTarget t = *nc_device_target(d->dev[cls]), like = nc_target_default(cls);
  t.cls = cls;
  t.vector = like.vector;
  if (t.max_group > like.max_group) t.max_group = like.max_group;
  NcCompileOptions o = {.name = "golden", .verify = true, .apart = apart, .no_fast = cls == NC_CLASS_GPU ? costly : NULL};
  return nc_compile(a, diag, g, &t, &o);
}
