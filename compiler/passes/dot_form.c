// A product as strides: axes that lie beside each other in memory become one.
#include "passes/rules.h"

typedef struct { int n; int64_t dim[NC_MAX_RANK], a[NC_MAX_RANK], b[NC_MAX_RANK]; } Axes;

// Adds an axis and merges it with the one before where both operands' strides allow it. Sizes of 1 do not count.
static void add(Axes *x, int64_t dim, int64_t a, int64_t b) {
  if (dim == 1) return;
  if (x->n && x->a[x->n - 1] == a * dim && x->b[x->n - 1] == b * dim) {
    x->dim[x->n - 1] *= dim;
    x->a[x->n - 1] = a;
    x->b[x->n - 1] = b;
    return;
  }
  x->dim[x->n] = dim;
  x->a[x->n] = a;
  x->b[x->n++] = b;
}

static bool among(const int64_t *axes, int n, int64_t axis) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) return true;
  return false;
}

static Axes free_axes(const NcNode *x, int batch, const int64_t *b, int con, const int64_t *c) {
  Axes f = {0};
  int64_t stride[NC_MAX_RANK];
  nc_strides(x->type.shape, stride);
  for (int i = 0; i < x->type.shape.rank; i++)
    if (!among(b, batch, i) && !among(c, con, i)) add(&f, x->type.shape.dim[i], stride[i], stride[i]);
  return f;
}

bool nc_dot_form(const NcNode *n, NcDotForm *out) {
  int nb, nc;
  const int64_t *ab = nc_attr_ints(n, "abatch", &nb), *bb = nc_attr_ints(n, "bbatch", NULL);
  const int64_t *ac = nc_attr_ints(n, "acon", &nc), *bc = nc_attr_ints(n, "bcon", NULL);
  const NcNode *a = n->in[0], *b = n->in[1];
  int64_t as[NC_MAX_RANK], bs[NC_MAX_RANK];
  nc_strides(a->type.shape, as);
  nc_strides(b->type.shape, bs);
  Axes batch = {0}, con = {0};
  for (int i = 0; i < nb; i++) add(&batch, a->type.shape.dim[ab[i]], as[ab[i]], bs[bb[i]]);
  for (int i = 0; i < nc; i++) add(&con, a->type.shape.dim[ac[i]], as[ac[i]], bs[bc[i]]);
  Axes m = free_axes(a, nb, ab, nc, ac), k = free_axes(b, nb, bb, nc, bc);
  if (batch.n > 2 || con.n > 1 || m.n > 1 || k.n > 1) return false;
  *out = (NcDotForm){.batch = {1, 1}, .m = 1, .n = 1, .k = 1};
  for (int i = 0; i < batch.n; i++) {
    int at = i + 2 - batch.n;   // a single level is the inner one
    out->batch[at] = batch.dim[i];
    out->a_batch[at] = batch.a[i];
    out->b_batch[at] = batch.b[i];
  }
  if (m.n) out->m = m.dim[0], out->a_m = m.a[0];
  if (k.n) out->n = k.dim[0], out->b_n = k.b[0];
  if (con.n) out->k = con.dim[0], out->a_k = con.a[0], out->b_k = con.b[0];
  return true;
}
