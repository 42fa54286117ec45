// Large products of GPU code through CLBlast, when it is there: the product goes to its place or into the workspace, and what
// comes after it is a map.
#include "gen/kernel.h"
#include "passes/rules.h"
#include "plan/tuned.h"

// Of m n k: below, where nothing was measured, our own kernel with its epilogue inside saves more than it loses.
enum { LEAST_WORK = 1 << 27 };

static bool matrix(int64_t rows, int64_t cols, int64_t row_step, int64_t col_step, bool *turned, int64_t *ld) {
  bool straight = (col_step == 1 || cols == 1) && row_step >= cols;
  *turned = !straight;
  *ld = straight ? row_step : col_step;
  return straight || ((row_step == 1 || rows == 1) && col_step >= rows);
}

static bool describe(const NcNode *n, NcStep *s) {
  NcDotForm f;
  if (n->type.dtype != NC_F32 || n->in[0]->type.dtype != NC_F32 || !nc_dot_form(n, &f) || f.batch[0] != 1) return false;
  s->m = f.m, s->n = f.n, s->k = f.k, s->ldc = f.n;
  s->batch = f.batch[1];
  s->stride_a = f.a_batch[1], s->stride_b = f.b_batch[1], s->stride_c = f.m * f.n;
  return matrix(f.m, f.k, f.a_m, f.a_k, &s->ta, &s->lda) && matrix(f.k, f.n, f.b_k, f.b_n, &s->tb, &s->ldb);
}

// Where it was measured which is quicker, that decides.
static bool suits(const NcRegion *r, const NcTarget *t, NcStep *s) {
  if (t->cls != NC_CLASS_GPU || !t->clblast || !describe(r->anchor, s)) return false;
  int64_t size[] = {s->batch, s->m, s->n, s->k, s->ta, !s->tb}, use = (double)s->m * (double)s->n * (double)s->k >= LEAST_WORK;
  nc_tuned_choice(t, "clblast", 6, size, 1, &use);
  nc_tuned_took(t, "clblast", 6, size, 1, (int64_t[]){use != 0});
  return use != 0;
}

static bool alone(const NcRegion *r) { return r->node.n == 1 && r->output.n == 1 && r->output.at[0] == r->anchor; }

bool nc_gen_blast(NcGen *g, const NcRegion *r) {
  NcStep what = {0};
  if (r->assign.n && r->assign.at[0] && nc_turns_with(g->p->regions, r->assign.at[0])) return false;   // no place for it
  if (!nc_gen_allowed(g, "clblast") || !suits(r, g->p->target, &what)) return false;
  NcStep *s = nc_gen_step(g, r, NC_STEP_GEMM);
  what.kind = s->kind, what.label = s->label, what.at = s->at, what.layer = s->layer, what.workspace = -1;
  what.a = g->p->place[r->anchor->in[0]->id].buffer;
  what.b = g->p->place[r->anchor->in[1]->id].buffer;
  what.c = alone(r) ? g->p->place[(r->assign.at[0] ? r->assign.at[0] : r->anchor)->id].buffer : g->p->workspace[r->id];
  const double m = (double)what.m, n = (double)what.n, k = (double)what.k;
  what.flops = 2 * (double)what.batch * m * n * k;
  what.bytes = 4 * (double)what.batch * (m * k + k * n + m * n);
  *s = what;
  if (!alone(r)) nc_gen_after(g, r, what.c);
  return true;
}

size_t nc_blast_room(const NcRegion *r, const NcTarget *t) {
  NcStep s = {0};
  return !suits(r, t, &s) || alone(r) ? 0 : nc_type_bytes(r->anchor->type);
}
