// Running sums and products: [outer][axis][inner], each line along the axis walked once, by one work-item or lane.
//
//   inner of 1:  a work-item (cpu: for several lines) walks its line element by element
//   else:        lanes (gpu: neighbouring items) hold neighbouring lines
#include "gen/fold.h"
#include "gen/kernel.h"

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Walks the lines at inner index `i` of outer index `o`.
static void walk(NcEmit *e, NcNode *n, NcIx *o, NcIx *i, int64_t length, int64_t inner) {
  bool reverse = nc_attr_int(n, "reverse");
  NcFold f = nc_fold_new(e, nc_fold_kind(nc_attr_str(n, "op")), n->type.dtype);
  f.vec = i->lane || o->lane;
  int around = e->depth;
  nc_emit_open(e, false);
  const char *name = nc_emit_name(e, "n");
  NcIx *at = nc_emit_var(e, name, length, false);
  if (reverse) at = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, at, -1), length - 1);
  NcIx *flat = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, nc_ix_add(&e->ix, nc_ix_scale(&e->ix, o, length), at), inner), i);
  NcVal x = nc_emit_flat(e, n->in[0], flat);
  nc_fold_declare(e, around, &f);
  nc_fold_update(e, e->depth, &f, nc_emit_wide(e, x, f.vec), NULL);
  NcIx *coord[NC_MAX_RANK];
  nc_ix_split(&e->ix, n->type.shape, flat, coord);
  nc_emit_bind(e, e->depth, n, coord, nc_fold_value(&f, n->type.dtype, e->depth));
  nc_gen_outputs(e, flat, nc_count(n->type.shape));
  nc_emit_close(e, nc_sprintf(e->arena, "for (%s %s = 0; %s < %lld; %s++)", e->idx, name, name, (long long)length, name));
}

bool nc_gen_scan(NcGen *g, const NcRegion *r) {
  NcNode *n = r->anchor;
  NcShape s = n->type.shape;
  const NcTarget *t = g->p->target;
  int64_t axis = nc_attr_int(n, "axis"), length = s.dim[axis], inner = 1, count = nc_count(s);
  for (int i = (int)axis + 1; i < s.rank; i++) inner *= s.dim[i];
  int64_t lines = count / length;
  bool cpu = t->cls == NC_CLASS_CPU;
  int lanes = cpu && inner >= t->vector ? t->vector : 1;
  int64_t groups = ceil_div(inner, lanes), items = lines / inner * groups;      // bundles of lines
  int64_t each = cpu ? ceil_div(1024, length * lanes) : 1, local = cpu ? 1 : t->max_group < 64 ? t->max_group : 64;
  NcEmit *e = nc_emit_new(g->p, r, g->arena);
  e->idx = nc_gen_index_type(g, r);
  nc_emit_line(e, 0, "const %s begin = item_ * %lld;", e->idx, (long long)each);
  nc_emit_open(e, true);
  nc_emit_line(e, 1, "const %s o = b / %lld, i = b %% %lld * %d;", e->idx, (long long)groups, (long long)groups, lanes);
  NcIx *o = nc_emit_var(e, "o", lines / inner, false);
  if (lanes > 1) {
    e->lanes = lanes;
    nc_emit_open(e, inner % lanes != 0);
    walk(e, n, o, nc_emit_var(e, "i", inner, true), length, inner);
    nc_emit_close(e, inner % lanes ? nc_sprintf(e->arena, "if (i + %d <= %lld)", lanes, (long long)inner) : "");
    e->lanes = 1;
  }
  if (lanes == 1 || inner % lanes) {
    nc_emit_open(e, true);
    walk(e, n, o, nc_emit_var(e, lanes == 1 ? "i" : "k", inner, false), length, inner);
    const char *rest = nc_sprintf(e->arena, "if (i + %d > %lld) for (%s k = i; k < %lld; k++)", lanes, (long long)inner, e->idx,
                                  (long long)inner);
    nc_emit_close(e, lanes == 1 ? "" : rest);
  }
  nc_emit_close(e, nc_sprintf(e->arena, "for (%s b = begin; b < min(begin + %lld, (%s)%lld); b++)", e->idx, (long long)each, e->idx,
                              (long long)items));
  nc_gen_kernel(g, e, "scan", (size_t)ceil_div(items, each), (size_t)local);
  return true;
}
