// argsort: kernels/sort.cl. cpu: one kernel, a line to a work-item after the other. gpu: short runs by counting, then one
// launch for each doubling of the runs' width.
#include "gen/kernel.h"
#include "gen/templates.h"

enum { RUN = 16, FEW = 32 };      // RUN as in sort.cl

typedef struct { int64_t lines, length, inner, count; bool down, cpu, few; } Sort;

static Sort sizes(const NcRegion *r, const NcTarget *t) {
  const NcNode *n = r->anchor;
  NcShape s = n->in[0]->type.shape;
  int64_t axis = nc_attr_int(n, "axis");
  Sort z = {.length = s.dim[axis], .inner = 1, .count = nc_attr_int(n, "count"), .down = nc_attr_int(n, "descending"),
            .cpu = t->cls == NC_CLASS_CPU};
  for (int i = (int)axis + 1; i < s.rank; i++) z.inner *= s.dim[i];
  z.lines = nc_count(s) / z.length;
  z.few = z.cpu && z.count <= FEW && z.count < z.length;
  return z;
}

size_t nc_sort_workspace(const NcRegion *r, const NcTarget *t) {
  Sort z = sizes(r, t);
  return z.few ? 0 : 2 * sizeof(int32_t) * (size_t)(z.lines * z.length);
}

// Text and names of the kernels; equal texts are one set.
static const char *kernels(NcGen *g, const NcRegion *r, const Sort *z, int64_t per, int64_t group) {
  NcBuf text = NC_BUF(g->arena);
  NcDtype t = r->anchor->in[0]->type.dtype;
  const char *name = NULL;
  for (int turn = 0; turn < 2; turn++) {        // first under a name of no meaning, which is the key
    NcBuf *out = turn ? &g->program : &text;
    NcTemplateFrame f = nc_frame_begin(out, g->p->target, turn ? name : "nc_sort", &(NcTemplateText){0});
    nc_frame_define(&f, "KEY", "%s", t == NC_F32 ? "float" : t == NC_I64 ? "long" : "int");
    nc_frame_define(&f, "IDX", "%s", nc_gen_index_type(g, r));
    nc_frame_sizes(&f, (NcTemplateSize[]){{"LINES", z->lines}, {"LENGTH", z->length}, {"INNER", z->inner},
                                          {"COUNT", z->count}, {"DOWN", z->down}, {"CPU", z->cpu}, {"FEW", z->few},
                                          {"PER", per}, {"GROUP", group}, {NULL, 0}});
    nc_frame_file(&f, "begin.cl");
    nc_frame_file(&f, "sort.cl");
    nc_frame_file(&f, "end.cl");
    nc_frame_end(&f);
    if (turn) break;
    name = nc_map_get(&g->kernel, nc_buf_str(&text));
    if (name) return name;
    name = nc_gen_kernel_name(g, r, "sort");
    nc_map_set(&g->kernel, nc_buf_str(&text), (void *)name);
  }
  static const char *const parts[] = {"rank", "merge", "take"};
  if (z->cpu) nc_gen_made(g, name, NC_FORM_ITEM);
  for (int i = 0; i < 3 && !z->cpu; i++) nc_gen_made(g, nc_sprintf(g->arena, "%s_%s", name, parts[i]), NC_FORM_KERNEL);
  return name;
}

static void step(NcGen *g, const NcRegion *r, const char *kernel, int64_t items, int64_t group, int n,
                 const NcPlanArg *arg) {
  NcStep *s = nc_gen_step(g, r, NC_STEP_KERNEL);
  s->kernel = kernel;
  s->global[0] = (size_t)(nc_ceil_div(items, group) * group);
  s->local[0] = (size_t)group;
  s->global[1] = s->global[2] = s->local[1] = s->local[2] = 1;
  s->nargs = n;
  s->args = nc_memdup(g->p->plan->arena, arg, (size_t)n * sizeof *arg);
  for (int i = 0; i < n; i++)
    if (arg[i].kind == NC_ARG_BUF) s->bytes += (double)g->p->plan->buf.at[arg[i].i].bytes;
}

static NcPlanArg buffer(int b) { return (NcPlanArg){.kind = NC_ARG_BUF, .i = b}; }
static NcPlanArg number(int64_t i) { return (NcPlanArg){.kind = NC_ARG_INT, .i = i}; }

void nc_gen_sort(NcGen *g, const NcRegion *r) {
  const NcTarget *t = g->p->target;
  Sort z = sizes(r, t);
  int64_t per = nc_most(1, nc_least(4096 / z.length, nc_ceil_div(z.lines, 8 * nc_most(1, t->compute_units))));
  int64_t group = z.cpu ? 1 : nc_least(64, t->max_group), all = z.lines * z.length;
  const char *name = kernels(g, r, &z, per, group);
  NcNode *home = r->assign.at[0] ? r->assign.at[0] : r->anchor;
  NcPlanArg x = buffer(g->p->place[r->anchor->in[0]->id].buffer), out = buffer(g->p->place[home->id].buffer);
  NcPlanArg ws = z.few ? out : buffer(g->p->workspace[r->id]);
  if (z.cpu) {
    step(g, r, name, nc_ceil_div(z.lines, per), 1, 3, (NcPlanArg[]){x, ws, out});
    return;
  }
  int half = 0;
  step(g, r, nc_sprintf(g->arena, "%s_rank", name), all, group, 2, (NcPlanArg[]){x, ws});
  for (int64_t width = RUN; width < z.length; width *= 2, half = 1 - half)
    step(g, r, nc_sprintf(g->arena, "%s_merge", name), all, group, 4, (NcPlanArg[]){x, ws, number(width), number(half)});
  step(g, r, nc_sprintf(g->arena, "%s_take", name), z.lines * z.count, group, 3, (NcPlanArg[]){ws, out, number(half)});
}
