// attend(q, k, v): shapes of any number of axes brought to the operation's four.
#include "elab/builtin.h"
#include <math.h>
#include <string.h>

// Wider rows than this do not fit local memory everywhere; they are composed of products and a softmax instead.
enum { WIDEST = 512 };

// [S..., H, T, E]; [S..., T, E] is one head.
typedef struct { NcTensor *t; int lead; NcSize heads, length, width; } Side;

static bool side_of(NcArgsOf *c, int i, Side *out) {
  NcTensor *x = nc_to_float(c->e, c->at, nc_arg_t(c, i));
  if (!x) return false;
  if (x->rank < 2) {
    nc_elab_error(c->e, NC_E0202, c->at, "`attend` needs [heads, length, width], but this is %s",
                  nc_t_describe(c->e, x));
    return false;
  }
  *out = (Side){.t = nc_t_cast(c->e, c->at, x, NC_F32), .lead = x->rank > 3 ? x->rank - 3 : 0,
                .heads = x->rank > 2 ? x->dim[x->rank - 3] : nc_size(1), .length = x->dim[x->rank - 2],
                .width = x->dim[x->rank - 1]};
  return out->t != NULL;
}

static bool fits(NcArgsOf *c, const Side *q, const Side *k, const Side *v) {
  NcElab *e = c->e;
  NcSize rest;
  const char *what = NULL;
  bool same = q->t->rank == k->t->rank && q->t->rank == v->t->rank;
  for (int i = 0; same && i < q->lead; i++)
    same = nc_size_eq(q->t->dim[i], k->t->dim[i]) && nc_size_eq(q->t->dim[i], v->t->dim[i]);
  if (!same) what = "the axes before the heads must be equal";
  else if (!nc_size_eq(q->width, k->width)) what = "queries and keys must have the same width";
  else if (!nc_size_eq(k->length, v->length)) what = "there must be as many values as keys";
  else if (!nc_size_eq(k->heads, v->heads)) what = "keys and values must have the same heads";
  else if (!nc_size_mod(&e->sizes, q->heads, k->heads, &rest) || !nc_size_is(rest, 0))
    what = "the heads of the keys must divide those of the queries";
  if (!what) return true;
  NcMessage *m = nc_elab_error(e, NC_E0203, c->at, "`attend` of queries %s, keys %s and values %s: %s",
                               nc_t_describe(e, q->t), nc_t_describe(e, k->t), nc_t_describe(e, v->t), what);
  nc_label_history(e, m, q->t);
  return false;
}

static NcTensor *four(NcArgsOf *c, const Side *x) {
  NcSize dim[4] = {nc_size(1), x->heads, x->length, x->width};
  if (x->lead && !nc_t_fold(c->e, c->at, x->lead, x->t->dim, &dim[0])) return NULL;
  return nc_t_reshape(c->e, c->at, x->t, 4, dim);
}

// The mask over [S..., H, T, U], by the rules of arithmetic, in four axes.
static bool mask_of(NcArgsOf *c, const Side *q, const Side *k, NcTensor **out) {
  NcElab *e = c->e;
  *out = NULL;
  if (!c->has[3] || (c->v[3].kind == NC_V_BOOL && c->v[3].b)) return true;
  NcTensor *m = nc_arg_t(c, 3);
  if (!m) return false;
  if (m->node->type.dtype != NC_BOOL && !(m = nc_to_float(e, c->at, m))) return false;
  if (m->node->type.dtype != NC_BOOL) m = nc_t_cast(e, c->at, m, NC_F32);
  NcSize dim[NC_MAX_RANK];
  int rank = q->t->rank;
  memcpy(dim, q->t->dim, sizeof *dim * (size_t)rank);
  dim[rank - 1] = k->length;
  bool ok = m && m->rank <= rank;
  for (int i = 0; ok && i < m->rank; i++)
    ok = nc_size_is(m->dim[i], 1) || nc_size_eq(m->dim[i], dim[rank - m->rank + i]);
  if (!ok) {
    if (m) nc_elab_error(e, NC_E0203, c->at, "the mask %s does not meet the scores %s", nc_t_describe(e, m),
                         nc_dims_describe(e, NC_F32, rank, dim));
    return false;
  }
  m = nc_t_expand(e, c->at, m, rank, dim);
  Side s = {.t = m, .lead = q->lead, .heads = q->heads, .length = q->length, .width = k->length};
  return m && (*out = four(c, &s));
}

static NcValue attention(NcArgsOf *c) {
  NcElab *e = c->e;
  Side q, k, v;
  NcTensor *mask;
  bool causal;
  double scale;
  if (!side_of(c, 0, &q) || !side_of(c, 1, &k) || !side_of(c, 2, &v) || !fits(c, &q, &k, &v) ||
      !mask_of(c, &q, &k, &mask) || !nc_arg_bool(c, 4, false, &causal) ||
      !nc_arg_num(c, 5, 1 / sqrt((double)q.width.value), &scale))
    return nc_v_poison();
  if (causal && k.length.value < q.length.value) {
    nc_elab_error(e, NC_E0203, c->at, "causal attention of %s queries needs as many keys, not %s",
                  nc_size_describe(e, q.length), nc_size_describe(e, k.length));
    return nc_v_poison();
  }
  if (q.width.value > WIDEST || v.width.value > WIDEST) {
    nc_help(e->diag, nc_elab_error(e, NC_E0208, c->at, "`attend` treats heads up to a width of %d, not %s", WIDEST,
                                   nc_size_describe(e, q.width.value > WIDEST ? q.width : v.width)),
            "take more heads, or write it out: `softmax(q @ transpose(k) * scale) @ v`");
    return nc_v_poison();
  }
  NcTensor *x[3] = {four(c, &q), four(c, &k), four(c, &v)};
  if (!x[0] || !x[1] || !x[2]) return nc_v_poison();
  NcNode *n = nc_attention(e->graph, nc_here(e, c->at), x[0]->node, x[1]->node, x[2]->node, mask ? mask->node : NULL,
                           causal, scale);
  NcSize dim[NC_MAX_RANK];
  memcpy(dim, x[0]->dim, sizeof *dim * 4);
  dim[3] = v.width;
  NcTensor *y = nc_t(e, c->at, n, 4, dim);
  memcpy(dim, q.t->dim, sizeof *dim * (size_t)q.t->rank);
  dim[q.t->rank - 1] = v.width;
  return nc_v_tensor(c->at, nc_t_reshape(e, c->at, y, q.t->rank, dim));
}

const NcBuiltin nc_builtins_attention[] = {
  {"attend", "q k v mask? causal? scale?",
   "softmax(q kᵀ scale + mask) v for q [… heads, T, E], k [… heads, U, E], v [… heads, U, F], never holding T × U "
   "numbers; fewer heads of k and v serve several of q each; mask: true where a query sees a key, or numbers to add; "
   "causal = true hides later keys; scale is 1/√E unless given; a query that sees nothing gives 0", attention},
  {0},
};
