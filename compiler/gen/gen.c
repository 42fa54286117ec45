// Regions in schedule order, each by the form that suits it.
#include "gen/gen.h"
#include <string.h>
#include "gen/helpers.h"
#include "gen/kernel.h"

static bool copy(NcGen *g, const NcRegion *r) {
  NcNode *to = r->assign.at[0] ? r->assign.at[0] : r->output.at[0];
  NcStep *s = nc_gen_step(g, r, NC_STEP_COPY);
  s->a = g->p->place[r->input.at[0]->id].buffer;
  s->c = g->p->place[to->id].buffer;
  s->fill_bytes = nc_type_bytes(to->type);
  s->bytes = 2 * (double)s->fill_bytes;
  return true;
}

static bool dot(NcGen *g, const NcRegion *r) { return nc_gen_blast(g, r) || nc_gen_template(g, r); }

typedef bool Form(NcGen *g, const NcRegion *r);

static bool generate(NcGen *g, const NcRegion *r) {
  static Form *const forms[NC_REGION_COUNT] = {
    [NC_REGION_ROW] = nc_gen_row, [NC_REGION_REDUCE] = nc_gen_reduce, [NC_REGION_COPY] = copy,
    [NC_REGION_DOT] = dot, [NC_REGION_CONV] = nc_gen_template, [NC_REGION_CONV_WEIGHT] = nc_gen_template,
    [NC_REGION_CUMULATIVE] = nc_gen_scan, [NC_REGION_SCATTER] = nc_gen_scatter, [NC_REGION_POOL] = nc_gen_pool,
    [NC_REGION_POOL_GRAD] = nc_gen_pool_grad};
  int errors = g->d->errors;
  if (r->kind == NC_REGION_LOOP) nc_gen_loop(g, r);      // these have no other form
  else if (r->kind == NC_REGION_SORT) nc_gen_sort(g, r);
  else if (r->kind == NC_REGION_ATTENTION) nc_gen_attention(g, r);
  else if (!forms[r->kind] || !nc_gen_allowed(g, nc_region_name(r->kind)) || !forms[r->kind](g, r)) nc_gen_map(g, r);
  return g->d->errors == errors;
}

bool nc_gen_regions(NcGen *g) {
  bool ok = true;
  for (int i = 0; i < g->p->regions->region.n; i++) ok &= generate(g, g->p->regions->region.at[i]);
  return ok;
}

NcGen nc_gen_begin(NcPlacement *p, NcDiag *d, const NcCompileOptions *o, NcArena *a) {
  return (NcGen){.p = p, .d = d, .o = o, .arena = a, .program = NC_BUF(a), .kernel = NC_MAP(a), .form = NC_MAP(a), .ahead = NC_MAP(a),
                 .prefix = "", .anchor = -1};
}

bool nc_generate(NcPlacement *p, NcDiag *d, const NcCompileOptions *o) {
  NcArena *a = p->plan->arena;
  NcGen g = nc_gen_begin(p, d, o, a);
  bool ok = nc_gen_regions(&g);
  p->plan->options = "-cl-mad-enable -cl-no-signed-zeros";
  NcBuf whole = NC_BUF(a);
  nc_gen_helpers(&whole, nc_buf_str(&g.program));
  nc_put(&whole, NC_PLAN_KERNELS "\n");
  nc_put(&whole, nc_buf_str(&g.program));
  p->plan->program = nc_buf_str(&whole);
  return ok;
}

size_t nc_region_workspace(NcArena *a, const NcRegion *r, const NcTarget *t) {
  switch (r->kind) {
  case NC_REGION_REDUCE: return nc_reduce_workspace(r, t);
  case NC_REGION_DOT: {
    size_t blast = nc_blast_room(r, t), own = nc_template_workspace(a, r, t);
    return blast > own ? blast : own;
  }
  case NC_REGION_CONV: case NC_REGION_CONV_WEIGHT: case NC_REGION_POOL: case NC_REGION_POOL_GRAD:
    return nc_template_workspace(a, r, t);
  case NC_REGION_SORT: return nc_sort_workspace(r, t);
  case NC_REGION_SCATTER: return nc_scatter_workspace(r);
  case NC_REGION_LOOP: return r->body->work;
  default: return 0;
  }
}
