// Pools and their gradients.
#include "gen/templates.h"
#include <limits.h>
#include <string.h>

static bool sizes_fit(const NcPoolTemplate *p) {
  if (p->planes < 1 || p->planes > INT_MAX / 64) return false;
  for (int i = 0; i < 3; i++) {
    const int64_t d[] = {p->in[i], p->out[i], p->window[i], p->stride[i]};
    for (int j = 0; j < 4; j++)
      if (d[j] < 1 || d[j] > INT_MAX / 64) return false;
    if (p->lo[i] < 0 || p->lo[i] >= p->window[i]) return false;
  }
  return (double)p->in[0] * (double)p->in[1] * (double)p->in[2] < INT_MAX / 2;
}

static int64_t volume(const int64_t *d) { return d[0] * d[1] * d[2]; }

static NcTemplateFrame begin(NcBuf *program, const NcTarget *t, const NcPoolTemplate *p, bool grad) {
  NcTemplateFrame f = nc_frame_begin(program, t, p->name, &p->text);
  const int64_t most = p->planes * nc_most(volume(p->in), volume(p->out));
  nc_frame_define(&f, "IDX", "%s", most < INT_MAX - 4096 ? "int" : "long");
  nc_frame_sizes(&f, (NcTemplateSize[]){
    {"PLANES", p->planes}, {"ID", p->in[0]}, {"IH", p->in[1]}, {"IW", p->in[2]},
    {"OD", p->out[0]}, {"OH", p->out[1]}, {"OW", p->out[2]},
    {"KD", p->window[0]}, {"KH", p->window[1]}, {"KW", p->window[2]},
    {"SD", p->stride[0]}, {"SH", p->stride[1]}, {"SW", p->stride[2]},
    {"LO_D", p->lo[0]}, {"LO_H", p->lo[1]}, {"LO_W", p->lo[2]},
    {"MAX", !strcmp(p->kind, "max")}, {"AVG", !strcmp(p->kind, "avg")}, {"GRAD", grad}, {NULL, 0}});
  return f;
}

static void use_pool(NcTemplateUse *use, const NcPoolTemplate *p, bool grad, size_t global, size_t local,
                     NcKernelForm form) {
  *use = (NcTemplateUse){0};
  NcTemplateLaunch *l;
  if (!grad) l = nc_use_launch(use, p->name, global, 1, 1, 2, (int[]){NC_TARG_A, NC_TARG_C});
  else if (strcmp(p->kind, "max")) l = nc_use_launch(use, p->name, global, 1, 1, 2, (int[]){NC_TARG_D, NC_TARG_C});
  else l = nc_use_launch(use, p->name, global, 1, 1, 4, (int[]){NC_TARG_A, NC_TARG_B, NC_TARG_D, NC_TARG_C});
  l->local[0] = local;
  l->form = form;
}

// Whole planes in scratch, by vectors: only two axes, windows at most two apart along rows, and planes that fit.
bool nc_pool_by_planes(const NcTarget *t, const NcPoolTemplate *p, bool grad) {
  const int64_t pitch = nc_most(p->lo[2] + p->in[2], (p->out[2] - 1) * p->stride[2] + p->window[2]);
  const int64_t lines = nc_most(p->lo[1] + p->in[1], (p->out[1] - 1) * p->stride[1] + p->window[1]);
  const int64_t small = p->out[1] * p->out[2], floats = grad ? 2 * (lines * pitch + small) : pitch + small;
  return t->cls == NC_CLASS_CPU && p->in[0] == 1 && p->out[0] == 1 && p->window[0] == 1 && p->stride[2] <= 2 &&
         p->out[2] >= 4 && (floats + 16 * t->vector) * (int64_t)sizeof(float) <= (int64_t)t->local_bytes;
}

static bool pool(NcBuf *program, const NcTarget *t, const NcPoolTemplate *p, bool grad, NcTemplateUse *use) {
  if (!sizes_fit(p)) return false;
  enum { ITEMS_PER_CORE = 16 };
  const bool planes = nc_pool_by_planes(t, p, grad);
  const int64_t group = planes ? 1 : nc_least(64, nc_most(1, t->max_group));
  const int64_t block = nc_ceil_div(p->planes, (int64_t)ITEMS_PER_CORE * t->compute_units);
  const int64_t items = planes ? nc_ceil_div(p->planes, block) : p->planes * volume(grad ? p->in : p->out);
  NcTemplateFrame f = begin(program, t, p, grad);
  nc_frame_sizes(&f, (NcTemplateSize[]){{planes ? "PB" : "GROUP", planes ? block : group}, {NULL, 0}});
  if (planes) nc_frame_define(&f, "SCRATCH", "__local");
  nc_frame_file(&f, "begin.cl");
  if (planes) nc_frame_file(&f, "run_cpu.cl");
  nc_frame_file(&f, planes ? "pool_cpu.cl" : "pool.cl");
  nc_frame_file(&f, "end.cl");
  nc_frame_end(&f);
  use_pool(use, p, grad, (size_t)(nc_ceil_div(items, group) * group), (size_t)group,
           planes ? NC_FORM_GROUP : NC_FORM_KERNEL);
  return true;
}

bool nc_template_pool(NcBuf *program, const NcTarget *t, const NcPoolTemplate *p, NcTemplateUse *use) {
  return pool(program, t, p, false, use);
}

bool nc_template_pool_grad(NcBuf *program, const NcTarget *t, const NcPoolTemplate *p, NcTemplateUse *use) {
  return pool(program, t, p, true, use);
}
