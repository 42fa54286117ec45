// [ ]: shapes of zeros[B, n], items of tuples, and of tensors: x[0], x[2..5], x[:, new], table[tokens].
#include "elab/tensor.h"

typedef struct {
  NcElab *e;
  const NcExpr *x;
  NcTensor *t;
  int axis;                                                  // next axis of t
  int64_t start[NC_MAX_RANK], step[NC_MAX_RANK];
  NcSize size[NC_MAX_RANK];
  int rank;                                                  // of the result, before a gather
  NcSize dim[NC_MAX_RANK];
  int indices;                                               // tensors among the items, and their axes in `dim`
  NcTensor *index[NC_MAX_RANK];
  int at[NC_MAX_RANK];
} Walk;

static bool out_of_range(const Walk *w, NcRange at, NcSize s) {
  NcMessage *m =
      nc_elab_error(w->e, NC_E0209, at, "%s lies outside axis %d of %s, which has %s", nc_size_describe(w->e, s),
                    w->axis, nc_t_describe(w->e, w->t), nc_size_describe(w->e, w->t->dim[w->axis]));
  nc_label_history(w->e, m, w->t);
  return false;
}

static bool from_end(const Walk *w, NcSize *s) {   // -1 is the last
  return s->value >= 0 || nc_size_add(&w->e->sizes, w->t->dim[w->axis], *s, s);
}

static bool push(Walk *w, NcRange at, NcSize s) {
  if (w->rank == NC_MAX_RANK) {
    nc_elab_error(w->e, NC_E0202, at, "a tensor has at most %d axes", NC_MAX_RANK);
    return false;
  }
  w->dim[w->rank++] = s;
  return true;
}

static bool slice(Walk *w, const NcExpr *x) {
  NcSize a = nc_size(0), b = w->t->dim[w->axis], n;
  if (x->a && (!nc_expr_int(w->e, x->a, &a) || !from_end(w, &a))) return false;
  if (x->b && (!nc_expr_int(w->e, x->b, &b) || !from_end(w, &b))) return false;
  int64_t have = w->t->dim[w->axis].value;
  if (a.value < 0 || a.value > have) return out_of_range(w, x->at, a);
  if (b.value < 0 || b.value > have) return out_of_range(w, x->at, b);
  if (!nc_size_sub(&w->e->sizes, b, a, &n) || n.value <= 0) {
    nc_elab_error(w->e, NC_E0208, x->at, "the slice %lld..%lld is empty", (long long)a.value, (long long)b.value);
    return false;
  }
  if (nc_size_eq(n, w->t->dim[w->axis])) n = w->t->dim[w->axis];   // keeps its origin
  w->start[w->axis] = a.value;
  w->size[w->axis] = n;
  w->axis++;
  return push(w, x->at, n);
}

static bool element(Walk *w, const NcExpr *x, NcSize i) {
  if (!from_end(w, &i)) return false;
  if (i.value < 0 || i.value >= w->t->dim[w->axis].value) return out_of_range(w, x->at, i);
  w->start[w->axis] = i.value;
  w->size[w->axis] = nc_size(1);
  w->axis++;
  return true;
}

static bool pick(Walk *w, const NcExpr *x, NcTensor *index) {
  NcDtype t = index->node->type.dtype;
  if (t == NC_U8) index = nc_t_cast(w->e, x->at, index, NC_I32);
  else if (t != NC_I32) {
    NcMessage *m = nc_elab_error(w->e, NC_E0204, x->at, "an index must be i32, not %s", nc_t_describe(w->e, index));
    if (t == NC_BOOL)
      nc_help(w->e->diag, m, "how many are true is only known at run time; keep all and choose: `where(mask, x, 0)`");
    else nc_help(w->e->diag, m, "convert it: `i32(…)`");
    return false;
  }
  w->index[w->indices] = index;
  w->at[w->indices++] = w->rank;
  return index && push(w, x->at, w->t->dim[w->axis++]);
}

static bool item(Walk *w, const NcExpr *x) {
  if (x->kind == NC_X_NEW) return push(w, x->at, nc_size(1));
  if (w->axis >= w->t->rank) {
    NcMessage *m =
        nc_elab_error(w->e, NC_E0202, x->at, "%s has no axis %d to index", nc_t_describe(w->e, w->t), w->axis);
    nc_label_history(w->e, m, w->t);
    return false;
  }
  if (x->kind == NC_X_SLICE) return slice(w, x);
  NcValue v = nc_expr(w->e, x);
  if (v.kind == NC_V_INT) return element(w, x, v.size);
  if (v.kind == NC_V_TENSOR) return pick(w, x, v.t);
  if (v.kind != NC_V_POISON)
    nc_elab_error(w->e, NC_E0205, x->at, "an index is an integer, a slice, `new` or an i32 tensor, not %s",
                  nc_v_describe(w->e, &v));
  return false;
}

static NcTensor *gather(const Walk *w, NcTensor *t, NcTensor *index, int at) {
  NcElab *e = w->e;
  NcSize dim[2 * NC_MAX_RANK];
  int rank = 0;
  for (int i = 0; i < at; i++) dim[rank++] = t->dim[i];
  for (int i = 0; i < index->rank; i++) dim[rank++] = index->dim[i];
  for (int i = at + 1; i < t->rank; i++) dim[rank++] = t->dim[i];
  NcShape s;
  if (!nc_t_shape(e, w->x->at, rank, dim, &s)) return NULL;
  return nc_t(e, w->x->at, nc_gather(e->graph, nc_here(e, w->x->at), t->node, index->node, at), rank, dim);
}

// x[i, j] with several tensors: their axes are laid side by side and become one, and the indices one index into that. An
// index that is out of range anywhere must not fall on another row: it becomes -1, which gives zeros.
NcTensor *nc_gather_flat(NcElab *e, NcRange at, int n, NcTensor *const *index, const NcSize *size) {
  NcTensor *x[NC_MAX_RANK], *flat = NULL, *valid = NULL, *zero = nc_t_const(e, at, NC_I32, 0);
  for (int i = 0; i < n; i++) x[i] = index[i];
  if (!nc_meet(e, at, "[ ]", x, n)) return NULL;
  for (int i = 0; i < n; i++) {
    NcTensor *width = nc_t_const(e, at, NC_I32, (double)size[i].value);
    NcTensor *in = nc_arith(e, at, "and", nc_arith(e, at, "ge", x[i], zero), nc_arith(e, at, "lt", x[i], width));
    valid = valid ? nc_arith(e, at, "and", valid, in) : in;
    flat = flat ? nc_arith(e, at, "add", nc_arith(e, at, "mul", flat, width), x[i]) : x[i];
  }
  NcTensor *pick[3] = {valid, flat, nc_t_fill(e, at, nc_t_const(e, at, NC_I32, -1), x[0]->rank, x[0]->dim)};
  return nc_t_op(e, at, "select", 3, pick);
}

static NcTensor *gather_several(const Walk *w, NcTensor *t) {
  NcElab *e = w->e;
  int64_t perm[NC_MAX_RANK];
  NcSize dim[NC_MAX_RANK], size[NC_MAX_RANK];
  int n = 0, first = w->at[0], rank = 0;
  for (int i = 0; i < first; i++) perm[n++] = i;
  for (int k = 0; k < w->indices; k++) {
    perm[n++] = w->at[k];
    size[k] = t->dim[w->at[k]];
  }
  for (int i = first, k = 0; i < t->rank; i++) {
    if (k < w->indices && w->at[k] == i) k++;
    else perm[n++] = i;
  }
  t = nc_t_permute(e, w->x->at, t, perm);
  if (!t) return NULL;
  for (int i = 0; i < first; i++) dim[rank++] = t->dim[i];
  if (!nc_t_fold(e, w->x->at, w->indices, size, &dim[rank++])) return NULL;
  for (int i = first + w->indices; i < t->rank; i++) dim[rank++] = t->dim[i];
  t = nc_t_reshape(e, w->x->at, t, rank, dim);
  NcTensor *index = nc_gather_flat(e, w->x->at, w->indices, w->index, size);
  return t && index ? gather(w, t, index, first) : NULL;
}

static NcValue of_tensor(NcElab *e, const NcExpr *x, NcTensor *t) {
  Walk w = {.e = e, .x = x, .t = t};
  for (int i = 0; i < t->rank; i++) {
    w.step[i] = 1;
    w.size[i] = t->dim[i];
  }
  for (int i = 0; i < x->list.n; i++)
    if (!item(&w, x->list.at[i].e)) return nc_v_poison();
  while (w.axis < t->rank)
    if (!push(&w, x->at, t->dim[w.axis++])) return nc_v_poison();
  NcTensor *r = nc_t_slice(e, x->at, t, w.start, w.size, w.step);
  if (r) r = nc_t_reshape(e, x->at, r, w.rank, w.dim);
  if (r && w.indices == 1) r = gather(&w, r, w.index[0], w.at[0]);
  else if (r && w.indices) r = gather_several(&w, r);
  return nc_v_tensor(x->at, r);
}

static NcValue of_list(NcElab *e, const NcExpr *x, NcValue a) {
  if (x->list.n != 1 || x->list.at[0].e->kind == NC_X_SLICE || x->list.at[0].e->kind == NC_X_NEW) {
    nc_elab_error(e, NC_E0306, x->at, "%s takes one integer as an index", nc_v_describe(e, &a));
    return nc_v_poison();
  }
  NcSize i;
  if (!nc_expr_int(e, x->list.at[0].e, &i)) return nc_v_poison();
  int64_t k = i.value < 0 ? i.value + a.list.n : i.value;
  if (k >= 0 && k < a.list.n) return a.list.item[k];
  nc_elab_error(e, NC_E0209, x->list.at[0].at, "there is no item %lld in %s", (long long)i.value, nc_v_describe(e, &a));
  return nc_v_poison();
}

NcValue nc_index(NcElab *e, const NcExpr *x, NcValue a) {
  if (a.kind == NC_V_POISON) return a;
  if (a.kind == NC_V_TENSOR) return of_tensor(e, x, a.t);
  if (a.kind == NC_V_TUPLE || a.kind == NC_V_LIST) return of_list(e, x, a);
  if (a.kind == NC_V_BUILTIN && nc_builtin_shaped(a.bound->builtin)) {
    NcExpr **axis = NC_NEW_N(e->arena, NcExpr *, x->list.n + 1);
    NcSize dim[NC_MAX_RANK];
    int rank;
    for (int i = 0; i < x->list.n; i++) axis[i] = x->list.at[i].e;
    if (!nc_axes(e, x->list.n, axis, x->at, &rank, dim)) return nc_v_poison();
    return nc_shaped(e, a.bound->builtin, x->at, rank, dim);
  }
  nc_elab_error(e, NC_E0205, x->at, "%s cannot be indexed", nc_v_describe(e, &a));
  return nc_v_poison();
}
