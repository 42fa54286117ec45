// Patterns of axes by name: einsum[b t e, e d -> b t d] and rearrange[b t (n e) -> b n t e].
#include "elab/tensor.h"

enum { MOST = 32 };
typedef struct { const char *name; NcRange at; NcSize size; } Axis;
typedef struct {
  int n;
  Axis a[MOST];
  int group[MOST];
  int ngroup;
} Axes;   // group[i]: the axis of the tensor that a[i] is part of

static int find(const Axes *x, const char *name) {
  for (int i = 0; name && i < x->n; i++)
    if (x->a[i].name == name) return i;
  return -1;
}

static bool add(NcElab *e, Axes *out, const NcExpr *x) {
  if (x->kind != NC_X_NAME && !(x->kind == NC_X_INT && x->i == 1)) {
    nc_elab_error(e, NC_E0306, x->at, "an axis here is a name, 1, or a group of names in parentheses");
    return false;
  }
  if (out->n == MOST) {
    nc_elab_error(e, NC_E0202, x->at, "too many axes");
    return false;
  }
  if (x->kind == NC_X_NAME && find(out, x->name.s) >= 0) {
    nc_elab_error(e, NC_E0302, x->at, "the axis `%s` stands twice", x->name.s);
    return false;
  }
  out->group[out->n] = out->ngroup;
  out->a[out->n++] = (Axis){.name = x->kind == NC_X_NAME ? x->name.s : NULL, .at = x->at, .size = nc_size(1)};
  return true;
}

static bool read_axes(NcElab *e, const NcExpr *axes, Axes *out) {
  out->n = out->ngroup = 0;
  for (int i = 0; i < axes->list.n; i++) {
    const NcExpr *x = axes->list.at[i].e;
    if (x->kind == NC_X_AXES) {
      for (int k = 0; k < x->list.n; k++)
        if (!add(e, out, x->list.at[k].e)) return false;
    } else if (!add(e, out, x)) return false;
    if (++out->ngroup > NC_MAX_RANK) {
      nc_elab_error(e, NC_E0202, axes->at, "a tensor has at most %d axes", NC_MAX_RANK);
      return false;
    }
  }
  return true;
}

static bool bad_rank(NcElab *e, NcRange at, const Axes *a, const NcTensor *t) {
  NcMessage *m =
      nc_elab_error(e, NC_E0202, at, "the pattern has %d axes, but this is %s", a->ngroup, nc_t_describe(e, t));
  nc_label_history(e, m, t);
  return false;
}

// ---- rearrange ----

// The sizes of the names on the left: from the tensor, and inside a group from names that are bound, one of them by
// division.
static bool solve(NcElab *e, const NcExpr *x, Axes *a, const NcTensor *t) {
  if (a->ngroup != t->rank) return bad_rank(e, x->at, a, t);
  for (int g = 0; g < a->ngroup; g++) {
    int unknown = -1, members = 0;
    NcSize known = nc_size(1);
    for (int i = 0; i < a->n; i++) members += a->group[i] == g;
    for (int i = 0; i < a->n; i++) {
      if (a->group[i] != g || !a->a[i].name) continue;
      NcLocal *b = members > 1 ? nc_lookup_local(e->frame->scope, a->a[i].name) : NULL;
      if (b && b->value.kind == NC_V_INT) {
        a->a[i].size = b->value.size;
        if (!nc_size_mul(&e->sizes, known, b->value.size, &known)) return false;
      } else if (unknown < 0) unknown = i;
      else {
        nc_help(e->diag,
                nc_elab_error(e, NC_E0208, a->a[i].at, "the sizes of both `%s` and `%s` are unknown",
                              a->a[unknown].name, a->a[i].name),
                "give one of them a value before: `let %s = …`", a->a[i].name);
        return false;
      }
    }
    NcSize whole = t->dim[g], q, r;
    bool divides = known.value != 0 && nc_size_mod(&e->sizes, whole, known, &r) && nc_size_is(r, 0);
    if (unknown < 0 ? !nc_size_eq(whole, known) : !divides) {
      NcMessage *m = nc_elab_error(e, NC_E0203, x->at, "axis %d of %s is not a multiple of %s", g, nc_t_describe(e, t),
                                   nc_size_describe(e, known));
      nc_note_origin(e, m, whole);
      nc_label_history(e, m, t);
      return false;
    }
    if (unknown < 0) continue;
    if (nc_size_is(known, 1)) a->a[unknown].size = whole;
    else if (nc_size_div(&e->sizes, whole, known, &q)) a->a[unknown].size = q;
  }
  return true;
}

NcValue nc_rearrange(NcElab *e, const NcExpr *x, NcRange at, NcValue v) {
  Axes left, right;
  NcTensor *t = nc_to_tensor(e, v, at, NULL);
  if (!t || !read_axes(e, x->list.at[0].e, &left) || !read_axes(e, x->b, &right) || !solve(e, x, &left, t))
    return nc_v_poison();
  NcSize parts[MOST], moved[MOST];
  int64_t perm[MOST];
  int from[MOST], n = 0, m = 0;
  for (int i = 0; i < left.n; i++) {
    from[i] = n;
    if (left.a[i].name) parts[n++] = left.a[i].size;
  }
  for (int i = 0; i < right.n; i++) {
    if (!right.a[i].name) continue;
    int k = find(&left, right.a[i].name);
    if (k < 0) {
      nc_elab_error(e, NC_E0301, right.a[i].at, "the axis `%s` does not stand on the left", right.a[i].name);
      return nc_v_poison();
    }
    right.a[i].size = left.a[k].size;
    perm[m++] = from[k];
  }
  if (m != n) {
    for (int i = 0; i < left.n; i++)
      if (left.a[i].name && find(&right, left.a[i].name) < 0)
        nc_help(e->diag,
                nc_elab_error(e, NC_E0301, left.a[i].at, "the axis `%s` does not stand on the right", left.a[i].name),
                "sum over it before: `sum(x, axis = …)`");
    return nc_v_poison();
  }
  for (int g = 0; g < right.ngroup; g++) {
    NcSize member[MOST];
    int k = 0;
    for (int i = 0; i < right.n; i++)
      if (right.group[i] == g) member[k++] = right.a[i].size;
    if (!nc_t_fold(e, at, k, member, &moved[g])) return nc_v_poison();
  }
  if (n > NC_MAX_RANK || right.ngroup > NC_MAX_RANK) {
    nc_elab_error(e, NC_E0202, at, "a tensor has at most %d axes", NC_MAX_RANK);
    return nc_v_poison();
  }
  t = nc_t_permute(e, at, nc_t_reshape(e, at, t, n, parts), perm);
  return nc_v_tensor(at, nc_t_reshape(e, at, t, right.ngroup, moved));
}

// ---- einsum ----

typedef struct { NcTensor *t; Axes axes; } Operand;

static bool operand(NcElab *e, const NcExpr *pattern, NcRange at, NcValue v, Operand *out, Axes *sizes) {
  out->t = nc_to_float(e, at, nc_to_tensor(e, v, at, NULL));
  if (!out->t || !read_axes(e, pattern, &out->axes)) return false;
  if (out->axes.n != out->axes.ngroup) {
    nc_elab_error(e, NC_E0306, pattern->at, "groups of axes belong to `rearrange`");
    return false;
  }
  if (out->axes.n != out->t->rank) return bad_rank(e, at, &out->axes, out->t);
  for (int i = 0; i < out->axes.n; i++) {
    const char *name = out->axes.a[i].name;
    int k = find(sizes, name);
    if (!name || (k < 0 && sizes->n == MOST)) {
      nc_elab_error(e, NC_E0306, out->axes.a[i].at, "every axis of `einsum` needs a name");
      return false;
    }
    if (k < 0) sizes->a[sizes->n++] = (Axis){.name = name, .at = pattern->at, .size = out->t->dim[i]};
    else if (!nc_size_eq(sizes->a[k].size, out->t->dim[i])) {
      NcMessage *m = nc_elab_error(e, NC_E0203, at, "the axis `%s` is %s in one operand and %s in another", name,
                                   nc_size_describe(e, sizes->a[k].size), nc_size_describe(e, out->t->dim[i]));
      nc_note_origin(e, m, sizes->a[k].size);
      nc_note_origin(e, m, out->t->dim[i]);
      return false;
    }
  }
  return true;
}

static void drop_axes(NcElab *e, NcRange at, Operand *x, const Axes *const *needed,
                      int n) {   // sums over what nothing else mentions
  int64_t axis[MOST];
  int gone = 0, kept = 0;
  Axes left = {0};
  for (int i = 0; i < x->axes.n; i++) {
    bool need = false;
    for (int k = 0; k < n; k++) need = need || find(needed[k], x->axes.a[i].name) >= 0;
    if (need) left.a[kept++] = x->axes.a[i];
    else axis[gone++] = i;
  }
  left.n = kept;
  if (gone) x->t = nc_t_reduce(e, at, "sum", x->t, gone, axis, false);
  x->axes = left;
}

static void contract(NcElab *e, NcRange at, Operand *a, const Operand *b, const Axes *const *needed, int n) {
  int64_t ab[MOST], bb[MOST], ac[MOST], bc[MOST];
  int nbatch = 0, ncon = 0;
  Axes out = {0};
  for (int i = 0; i < a->axes.n; i++) {
    int k = find(&b->axes, a->axes.a[i].name);
    bool need = false;
    for (int j = 0; j < n; j++) need = need || find(needed[j], a->axes.a[i].name) >= 0;
    if (k >= 0 && need) {
      ab[nbatch] = i;
      bb[nbatch++] = k;
      out.a[out.n++] = a->axes.a[i];
    } else if (k >= 0) {
      ac[ncon] = i;
      bc[ncon++] = k;
    }
  }
  for (int i = 0; i < a->axes.n; i++)
    if (find(&b->axes, a->axes.a[i].name) < 0) out.a[out.n++] = a->axes.a[i];
  for (int i = 0; i < b->axes.n; i++)
    if (find(&a->axes, b->axes.a[i].name) < 0 && out.n < MOST) out.a[out.n++] = b->axes.a[i];
  a->t = nc_t_dot(e, at, a->t, b->t, nbatch, ab, bb, ncon, ac, bc);
  a->axes = out;
}

NcValue nc_einsum(NcElab *e, const NcExpr *x, NcRange at, int n, const NcValue *arg) {
  Operand *op = NC_NEW_N(e->arena, Operand, n);
  Axes *sizes = NC_NEW(e->arena, Axes), *result = NC_NEW(e->arena, Axes);
  for (int i = 0; i < n; i++)
    if (!operand(e, x->list.at[i].e, at, arg[i], &op[i], sizes)) return nc_v_poison();
  if (!read_axes(e, x->b, result)) return nc_v_poison();
  for (int i = 0; i < result->n; i++)
    if (!result->a[i].name || find(sizes, result->a[i].name) < 0) {
      nc_elab_error(e, NC_E0301, result->a[i].at, "this axis of the result stands in no operand");
      return nc_v_poison();
    }
  const Axes *needed[MOST];
  for (int i = 0; i < n; i++) {
    int k = 0;
    needed[k++] = result;
    for (int j = 0; j < n; j++)
      if (j != i) needed[k++] = &op[j].axes;
    drop_axes(e, at, &op[i], needed, k);
  }
  for (int i = 1; i < n; i++) {
    int k = 0;
    needed[k++] = result;
    for (int j = i + 1; j < n; j++) needed[k++] = &op[j].axes;
    contract(e, at, &op[0], &op[i], needed, k);
  }
  if (!op[0].t) return nc_v_poison();
  int64_t perm[MOST];
  for (int i = 0; i < result->n; i++) perm[i] = find(&op[0].axes, result->a[i].name);
  return nc_v_tensor(at, nc_t_permute(e, at, op[0].t, perm));
}
