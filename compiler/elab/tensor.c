#include "elab/tensor.h"
#include <string.h>

static size_t bytes(int rank) { return sizeof(NcTensor) + (size_t)rank * sizeof(NcSize); }

NcTensor *nc_t_copy(NcElab *e, const NcTensor *t) { return nc_memdup(e->arena, t, bytes(t->rank)); }

NcTensor *nc_t(NcElab *e, NcRange at, NcNode *n, int rank, const NcSize *dim) {
  if (!n) return NULL;
  NcTensor *t = nc_alloc(e->arena, bytes(rank));
  t->node = n;
  t->graph = e->graph;
  t->rank = rank;
  t->along = -1;
  t->at = at;
  for (int i = 0; i < rank; i++) t->dim[i] = dim[i];
  return t;
}

NcTensor *nc_t_as(NcElab *e, NcRange at, NcNode *n, const NcTensor *like) {
  return nc_t(e, at, n, like->rank, like->dim);
}

bool nc_t_shape(NcElab *e, NcRange at, int rank, const NcSize *dim, NcShape *out) {
  enum { MOST = 1 << 30 };
  if (rank > NC_MAX_RANK) {
    nc_elab_error(e, NC_E0202, at, "a tensor has at most %d axes, this one would have %d", NC_MAX_RANK, rank);
    return false;
  }
  *out = (NcShape){.rank = rank};
  int64_t count = 1;
  for (int i = 0; i < rank; i++) {
    if (dim[i].value <= 0) {
      nc_elab_error(e, NC_E0208, at, "axis %d would have the size %s", i, nc_size_describe(e, dim[i]));
      return false;
    }
    out->dim[i] = dim[i].value;
    if (__builtin_mul_overflow(count, dim[i].value, &count) || count > (int64_t)MOST * 16) {
      nc_elab_error(e, NC_E0208, at, "a tensor with the sizes %s has too many elements",
                    nc_dims_describe(e, NC_F32, rank, dim));
      return false;
    }
  }
  return true;
}

bool nc_t_fold(NcElab *e, NcRange at, int n, const NcSize *dim, NcSize *out) {
  NcSize p = nc_size(1);
  for (int i = 0; i < n; i++)
    if (!nc_size_mul(&e->sizes, p, dim[i], &p)) {
      nc_elab_error(e, NC_E0208, at, "the product of these sizes is too large");
      return false;
    }
  if (n == 1) p = dim[0];
  if (n > 1) {
    NcOrigin *o = NC_NEW(e->arena, NcOrigin);
    *o = (NcOrigin){.at = at, .nfactor = n, .factor = nc_memdup(e->arena, dim, (size_t)n * sizeof *dim)};
    p.from = o;
  }
  *out = p;
  return true;
}

NcTensor *nc_t_op(NcElab *e, NcRange at, const char *op, int n, NcTensor *const *x) {
  NcNode *in[3];
  for (int i = 0; i < n; i++) {
    if (!x[i]) return NULL;
    in[i] = x[i]->node;
  }
  NcTensor *t = nc_t_as(e, at, nc_node(e->graph, nc_op(op), nc_here(e, at), n, in, 0, NULL), x[n - 1]);
  if (t && n == 1) t->along = x[0]->along;
  return t;
}

NcTensor *nc_t_const(NcElab *e, NcRange at, NcDtype t, double v) {
  return nc_t(e, at, nc_const(e->graph, nc_here(e, at), t, v), 0, NULL);
}

NcTensor *nc_t_cast(NcElab *e, NcRange at, NcTensor *x, NcDtype to) {
  if (!x || x->node->type.dtype == to) return x;
  NcTensor *t = nc_t_as(e, at, nc_cast(e->graph, nc_here(e, at), x->node, to), x);
  if (t) t->along = x->along;
  return t;
}

NcSize nc_t_total(NcElab *e, const NcTensor *x) {
  NcSize n = nc_size(1);
  for (int i = 0; i < x->rank; i++)
    if (!nc_size_mul(&e->sizes, n, x->dim[i], &n)) return nc_size(0);
  return n;
}

NcTensor *nc_t_reshape(NcElab *e, NcRange at, NcTensor *x, int rank, const NcSize *dim) {
  NcShape s;
  if (!x || !nc_t_shape(e, at, rank, dim, &s)) return NULL;
  NcSize want;
  if (!nc_t_fold(e, at, rank, dim, &want)) return NULL;
  if (!nc_size_eq(nc_t_total(e, x), want)) {
    NcMessage *m = nc_elab_error(e, NC_E0207, at, "%s has %s elements, but %s has %s", nc_t_describe(e, x),
                                 nc_size_describe(e, nc_t_total(e, x)),
                                 nc_dims_describe(e, x->node->type.dtype, rank, dim), nc_size_describe(e, want));
    nc_label_history(e, m, x);
    return NULL;
  }
  return nc_t(e, at, nc_reshape(e->graph, nc_here(e, at), x->node, s), rank, dim);
}

NcTensor *nc_t_permute(NcElab *e, NcRange at, NcTensor *x, const int64_t *perm) {
  if (!x) return NULL;
  NcSize dim[NC_MAX_RANK];
  bool same = true;
  for (int i = 0; i < x->rank; i++) {
    dim[i] = x->dim[perm[i]];
    same = same && perm[i] == i;
  }
  return same ? x : nc_t(e, at, nc_permute(e->graph, nc_here(e, at), x->node, perm), x->rank, dim);
}

NcTensor *nc_t_expand(NcElab *e, NcRange at, NcTensor *x, int rank, const NcSize *dim) {
  if (!x) return NULL;
  bool same = x->rank == rank;
  NcShape s;
  int64_t axes[NC_MAX_RANK];
  if (!nc_t_shape(e, at, rank, dim, &s)) return NULL;
  for (int i = 0; i < x->rank; i++) {
    axes[i] = rank - x->rank + i;
    same = same && x->dim[i].value == s.dim[axes[i]];
  }
  if (same) return nc_t(e, at, x->node, rank, dim);   // where B is 1, [1] becomes [B] without a node
  return nc_t(e, at, nc_broadcast(e->graph, nc_here(e, at), x->node, s, axes), rank, dim);
}

NcTensor *nc_t_reduce(NcElab *e, NcRange at, const char *op, NcTensor *x, int n, const int64_t *axis, bool keep) {
  if (!x) return NULL;
  if (n == 0) return x;
  NcSize left[NC_MAX_RANK], kept[NC_MAX_RANK];
  int rank = 0;
  for (int i = 0; i < x->rank; i++) {
    bool gone = false;
    for (int k = 0; k < n; k++) gone = gone || axis[k] == i;
    kept[i] = gone ? nc_size(1) : x->dim[i];
    if (!gone) left[rank++] = x->dim[i];
  }
  NcTensor *t = nc_t(e, at, nc_reduce(e->graph, nc_here(e, at), op, x->node, n, axis), rank, left);
  return keep ? nc_t_reshape(e, at, t, x->rank, kept) : t;
}

NcTensor *nc_t_slice(NcElab *e, NcRange at, NcTensor *x, const int64_t *start, const NcSize *size,
                     const int64_t *step) {
  if (!x) return NULL;
  int64_t count[NC_MAX_RANK];
  bool whole = true;
  for (int i = 0; i < x->rank; i++) {
    count[i] = size[i].value;
    whole = whole && start[i] == 0 && step[i] == 1 && count[i] == x->dim[i].value;
  }
  return nc_t(e, at, whole ? x->node : nc_slice(e->graph, nc_here(e, at), x->node, start, count, step), x->rank, size);
}

NcTensor *nc_t_cut(NcElab *e, NcRange at, NcTensor *x, int axis, int64_t from, NcSize n, int64_t by) {
  int64_t start[NC_MAX_RANK] = {0}, step[NC_MAX_RANK];
  NcSize size[NC_MAX_RANK];
  for (int i = 0; i < x->rank; i++) {
    step[i] = 1;
    size[i] = x->dim[i];
  }
  start[axis] = from;
  step[axis] = by;
  size[axis] = n;
  return nc_t_slice(e, at, x, start, size, step);
}

NcTensor *nc_t_iota(NcElab *e, NcRange at, NcDtype t, int rank, const NcSize *dim, int axis) {
  NcType type = {.dtype = t};
  if (!nc_t_shape(e, at, rank, dim, &type.shape)) return NULL;
  return nc_t(e, at, nc_iota(e->graph, nc_here(e, at), type, axis), rank, dim);
}

NcTensor *nc_t_fill(NcElab *e, NcRange at, NcTensor *scalar, int rank, const NcSize *dim) {
  return nc_t_expand(e, at, scalar, rank, dim);
}

static bool listed(const int64_t *axis, int n, int64_t i) {
  for (int k = 0; k < n; k++)
    if (axis[k] == i) return true;
  return false;
}

NcTensor *nc_t_dot(NcElab *e, NcRange at, NcTensor *a, NcTensor *b, int nbatch, const int64_t *abatch,
                   const int64_t *bbatch, int ncon, const int64_t *acon, const int64_t *bcon) {
  if (!a || !b) return NULL;
  NcSize dim[3 * NC_MAX_RANK];
  int rank = 0;
  for (int i = 0; i < nbatch; i++) dim[rank++] = a->dim[abatch[i]];
  for (int i = 0; i < a->rank; i++)
    if (!listed(abatch, nbatch, i) && !listed(acon, ncon, i)) dim[rank++] = a->dim[i];
  for (int i = 0; i < b->rank; i++)
    if (!listed(bbatch, nbatch, i) && !listed(bcon, ncon, i)) dim[rank++] = b->dim[i];
  NcShape s;
  if (!nc_t_shape(e, at, rank, dim, &s)) return NULL;
  NcNode *n = nc_dot(e->graph, nc_here(e, at), a->node, b->node, nbatch, abatch, bbatch, ncon, acon, bcon);
  return nc_t(e, at, n, rank, dim);
}

static NcTensor *mismatch(NcElab *e, NcRange at, NcTensor *a, NcTensor *b, int i, int k) {
  NcMessage *m = nc_elab_error(e, NC_E0203, at, "the last axis of %s has %s, but %s needs %s", nc_t_describe(e, a),
                               nc_size_describe(e, a->dim[i]), nc_t_describe(e, b), nc_size_describe(e, b->dim[k]));
  nc_note_origin(e, m, a->dim[i]);
  nc_note_origin(e, m, b->dim[k]);
  nc_label_history(e, m, a);
  nc_elab_label(e, m, b->at, nc_t_describe(e, b));
  return NULL;
}

// Batch axes of both are paired where both have them; a matrix on the right serves every leading axis on the left.
NcTensor *nc_t_matmul(NcElab *e, NcRange at, NcTensor *a, NcTensor *b) {
  if (!a || !b) return NULL;
  if (a->rank < 1 || b->rank < 1) {
    nc_elab_error(e, NC_E0202, at, "`@` needs tensors with axes, not %s and %s", nc_t_describe(e, a),
                  nc_t_describe(e, b));
    return NULL;
  }
  int64_t acon = a->rank - 1, bcon = b->rank > 1 ? b->rank - 2 : 0, batch[NC_MAX_RANK];
  if (!nc_size_eq(a->dim[acon], b->dim[bcon])) return mismatch(e, at, a, b, (int)acon, (int)bcon);
  int nbatch = b->rank > 2 ? b->rank - 2 : 0;
  if (nbatch && a->rank != b->rank) {
    nc_elab_error(e, NC_E0202, at, "`@` of %s and %s: both need the same number of axes, or the right one two",
                  nc_t_describe(e, a), nc_t_describe(e, b));
    return NULL;
  }
  for (int i = 0; i < nbatch; i++) {
    batch[i] = i;
    if (!nc_size_eq(a->dim[i], b->dim[i])) {
      nc_elab_error(e, NC_E0203, at, "`@` of %s and %s: axis %d differs: %s and %s", nc_t_describe(e, a),
                    nc_t_describe(e, b), i, nc_size_describe(e, a->dim[i]), nc_size_describe(e, b->dim[i]));
      return NULL;
    }
  }
  return nc_t_dot(e, at, a, b, nbatch, batch, batch, 1, &acon, &bcon);
}

// The step that random numbers depend on, and the site: this call of this layer, its next random tensor.
static NcNode *random_step(NcElab *e, NcRange at) {
  const NcTensor *now = e->moment ? e->moment : e->iteration;
  return e->iteration && now->graph == e->graph ? now->node : nc_const(e->graph, nc_here(e, at), NC_I32, 0);
}

static NcNode *random_turn(const NcElab *e) { return e->turn && e->turn->graph == e->graph ? e->turn->node : NULL; }

static int64_t random_site(NcElab *e) {
  int used = e->frame->randoms ? (*e->frame->randoms)++ : 0;
  return (int64_t)(nc_hash64(e->frame->site, &used, sizeof used) >> 33);   // a positive int, as a word of the counter
}

NcTensor *nc_t_random(NcElab *e, NcRange at, const char *dist, int rank, const NcSize *dim) {
  NcType t = {.dtype = NC_F32};
  if (!nc_t_shape(e, at, rank, dim, &t.shape)) return NULL;
  NcNode *step = random_step(e, at), *turn = random_turn(e);
  return nc_t(e, at, nc_random(e->graph, nc_here(e, at), dist, t, random_site(e), step, turn), rank, dim);
}

NcTensor *nc_t_random_below(NcElab *e, NcRange at, int64_t below, int rank, const NcSize *dim) {
  NcShape s;
  if (!nc_t_shape(e, at, rank, dim, &s)) return NULL;
  NcNode *step = random_step(e, at), *turn = random_turn(e);
  return nc_t(e, at, nc_random_below(e->graph, nc_here(e, at), below, s, random_site(e), step, turn), rank, dim);
}

bool nc_t_axis(NcElab *e, NcRange at, const NcTensor *x, int64_t axis, int *out) {
  if (axis >= -x->rank && axis < x->rank) { *out = (int)(axis < 0 ? axis + x->rank : axis); return true; }
  NcMessage *m = nc_elab_error(e, NC_E0206, at, "there is no axis %lld in %s", (long long)axis, nc_t_describe(e, x));
  if (x->rank) nc_help(e->diag, m, "its axes are 0 to %d; -1 is the last one", x->rank - 1);
  nc_label_history(e, m, x);
  return false;
}
