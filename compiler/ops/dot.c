// dot: the general contraction. Batch axes go pairwise, contracted axes are multiplied pairwise and summed;
// the result's axes are: batch (in the given order), free axes of a, free axes of b (both ascending).
#include "ops/rows.h"

typedef struct {
  int batch, con, afree, bfree;
  const int64_t *abatch, *bbatch, *acon, *bcon;
  int64_t ause[NC_MAX_RANK * 2], buse[NC_MAX_RANK * 2];        // batch and contracted axes together
  int64_t afrees[NC_MAX_RANK], bfrees[NC_MAX_RANK];
} Axes;

static Axes axes_of(const NcNode *n) {
  Axes x;
  x.abatch = nc_attr_ints(n, "abatch", &x.batch);
  x.bbatch = nc_attr_ints(n, "bbatch", NULL);
  x.acon = nc_attr_ints(n, "acon", &x.con);
  x.bcon = nc_attr_ints(n, "bcon", NULL);
  for (int i = 0; i < x.batch; i++) x.ause[i] = x.abatch[i], x.buse[i] = x.bbatch[i];
  for (int i = 0; i < x.con; i++) x.ause[x.batch + i] = x.acon[i], x.buse[x.batch + i] = x.bcon[i];
  x.afree = nc_other_axes(n->in[0]->type.shape.rank, x.batch + x.con, x.ause, x.afrees);
  x.bfree = nc_other_axes(n->in[1]->type.shape.rank, x.batch + x.con, x.buse, x.bfrees);
  return x;
}

static bool lists_fit(NcDiag *d, const NcNode *n) {
  static const char *const pairs[2][2] = {{"abatch", "bbatch"}, {"acon", "bcon"}};
  NcShape a = n->in[0]->type.shape, b = n->in[1]->type.shape;
  for (int p = 0; p < 2; p++) {
    int na, nb;
    const int64_t *x = nc_attr_ints(n, pairs[p][0], &na), *y = nc_attr_ints(n, pairs[p][1], &nb);
    if (na != nb) return nc_refuse(d, NC_E0202, n, "%s and %s differ in length", pairs[p][0], pairs[p][1]);
    if (!nc_need_axes(d, n, pairs[p][0], a.rank)) return false;
    for (int i = 0; i < nb; i++) {
      if (y[i] < 0 || y[i] >= b.rank || nc_has_axis(y, i, y[i]))
        return nc_refuse(d, NC_E0206, n, "axis %lld does not exist in %s, or is named twice", (long long)y[i],
                         nc_show(d, n->in[1]));
      if (a.dim[x[i]] != b.dim[y[i]])
        return nc_refuse(d, NC_E0203, n, "%s has size %lld along axis %lld, but %s has size %lld along axis %lld",
                         nc_show(d, n->in[0]), (long long)a.dim[x[i]], (long long)x[i], nc_show(d, n->in[1]),
                         (long long)b.dim[y[i]], (long long)y[i]);
    }
  }
  return true;
}

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  NcType a = n->in[0]->type, b = n->in[1]->type;
  if (!nc_need_dtype(d, n, 0, 1) || !lists_fit(d, n)) return false;
  if (a.dtype == NC_BOOL || a.dtype == NC_U8)
    return nc_refuse(d, NC_E0204, n, "does not calculate with %s: cast it first", nc_show(d, n->in[0]));
  Axes x = axes_of(n);
  for (int i = 0; i < x.batch; i++)
    if (nc_has_axis(x.acon, x.con, x.abatch[i]) || nc_has_axis(x.bcon, x.con, x.bbatch[i]))
      return nc_refuse(d, NC_E0206, n, "an axis is both batch and contracted");
  int rank = 0;
  if (x.batch + x.afree + x.bfree > NC_MAX_RANK)
    return nc_refuse(d, NC_E0202, n, "%s and %s would give more than %d axes", nc_show(d, n->in[0]),
                     nc_show(d, n->in[1]), NC_MAX_RANK);
  for (int i = 0; i < x.batch; i++) out->shape.dim[rank++] = a.shape.dim[x.abatch[i]];
  for (int i = 0; i < x.afree; i++) out->shape.dim[rank++] = a.shape.dim[x.afrees[i]];
  for (int i = 0; i < x.bfree; i++) out->shape.dim[rank++] = b.shape.dim[x.bfrees[i]];
  out->shape.rank = rank;
  out->dtype = a.dtype;
  return true;
}

// d loss / d one operand: dy contracted with the other operand over that one's free axes. The product's axes are
// batch, own free axes, and the other's contracted axes in ascending order; they go back to where they belong.
static NcNode *toward(NcGraph *g, NcNode *n, NcNode *dy, bool to_b) {
  Axes x = axes_of(n);
  NcNode *other = n->in[to_b ? 0 : 1];
  const int64_t *own_batch = to_b ? x.bbatch : x.abatch, *own_con = to_b ? x.bcon : x.acon;
  const int64_t *own_free = to_b ? x.bfrees : x.afrees, *other_batch = to_b ? x.abatch : x.bbatch;
  const int64_t *other_con = to_b ? x.acon : x.bcon, *other_free = to_b ? x.afrees : x.bfrees;
  int nown = to_b ? x.bfree : x.afree, nother = to_b ? x.afree : x.bfree;
  int64_t dy_batch[NC_MAX_RANK], dy_con[NC_MAX_RANK], place[NC_MAX_RANK], perm[NC_MAX_RANK];
  for (int i = 0; i < x.batch; i++) dy_batch[i] = i;
  for (int i = 0; i < nother; i++) dy_con[i] = to_b ? x.batch + i : x.batch + x.afree + i;
  NcNode *p = nc_dot(g, n->at, dy, other, x.batch, dy_batch, other_batch, nother, dy_con, other_free);
  int at = 0;
  for (int i = 0; i < x.batch; i++) place[at++] = own_batch[i];
  for (int i = 0; i < nown; i++) place[at++] = own_free[i];
  for (int axis = 0; axis < other->type.shape.rank; axis++)
    for (int i = 0; i < x.con; i++)
      if (other_con[i] == axis) place[at++] = own_con[i];
  for (int i = 0; i < at; i++) perm[place[i]] = i;
  return nc_permute(g, n->at, p, perm);
}

static bool vjp(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  dx[0] = toward(g, n, dy, false);
  return (dx[1] = toward(g, n, dy, true));
}

static void eval(const NcEval *e) {
  Axes x = axes_of(e->node);
  NcShape a = e->node->in[0]->type.shape, b = e->node->in[1]->type.shape;
  int64_t nb, nk, ni, nj;
  int64_t *ab = nc_offsets(e->scratch, a, x.batch, x.abatch, &nb);
  int64_t *bb = nc_offsets(e->scratch, b, x.batch, x.bbatch, &nb);
  int64_t *ak = nc_offsets(e->scratch, a, x.con, x.acon, &nk);
  int64_t *bk = nc_offsets(e->scratch, b, x.con, x.bcon, &nk);
  int64_t *ai = nc_offsets(e->scratch, a, x.afree, x.afrees, &ni);
  int64_t *bj = nc_offsets(e->scratch, b, x.bfree, x.bfrees, &nj);
  double *out = e->out;
  for (int64_t p = 0; p < nb; p++)
    for (int64_t i = 0; i < ni; i++, out += nj) {
      for (int64_t j = 0; j < nj; j++) out[j] = 0;
      for (int64_t k = 0; k < nk; k++) {
        double v = e->in[0][ab[p] + ai[i] + ak[k]];
        const double *w = e->in[1] + bb[p] + bk[k];
        for (int64_t j = 0; j < nj; j++) out[j] += v * w[bj[j]];
      }
    }
}

static const NcAttrSpec attrs[] = {{"abatch", NC_ATTR_INTS}, {"bbatch", NC_ATTR_INTS}, {"acon", NC_ATTR_INTS},
                                   {"bcon", NC_ATTR_INTS}, {0}};
const NcOp nc_row_dot = {.name = "dot", .kind = NC_DOT, .arity = 2, .attrs = attrs, .pure = true, .infer = infer,
                         .vjp = vjp, .eval = eval,
                         .doc = "sum of products over the contracted axes; gives batch, free axes of a, of b"};
