// What layers are made of and arithmetic is not: products, convolution, windows, look-up.
#include "elab/builtin.h"
#include <string.h>

static NcValue given(NcArgsOf *c, NcTensor *t) { return nc_v_tensor(c->at, t); }

static NcValue matmul(NcArgsOf *c) {
  NcTensor *a = nc_to_float(c->e, c->at, nc_arg_t(c, 0)), *b = nc_to_float(c->e, c->at, nc_arg_t(c, 1));
  return given(c, nc_t_matmul(c->e, c->at, a, b));
}

static NcValue orthogonalize(NcArgsOf *c) {
  NcTensor *x = nc_arg_t(c, 0);
  if (!x) return nc_v_poison();
  if (x->rank != 2) {
    nc_elab_error(c->e, NC_E0202, c->at, "an orthogonal matrix has two axes, but this is %s", nc_t_describe(c->e, x));
    return nc_v_poison();
  }
  return given(c, nc_t_as(c->e, c->at, nc_orthogonal(c->e->graph, nc_here(c->e, c->at), x->node), x));
}

// (x - mean) / sqrt(variance + eps), with both lying on `axis` of x.
static NcValue normalize(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_to_float(e, c->at, nc_arg_t(c, 0)), *m = nc_arg_t(c, 1), *v = nc_arg_t(c, 2);
  double eps;
  int axis;
  if (!x || !m || !v || !nc_arg_num(c, 3, 1e-5, &eps) || !nc_arg_axis(c, 4, x, 1, &axis)) return nc_v_poison();
  v = nc_arith(e, c->at, "add", v, nc_t_const(e, c->at, NC_F32, eps));
  v = v ? nc_t_op(e, c->at, "rsqrt", 1, &v) : NULL;
  NcTensor *both[2] = {m, v};
  for (int i = 0; i < 2; i++) {
    if (!both[i]) return nc_v_poison();
    if (both[i]->rank != 1) continue;
    both[i] = nc_t_copy(e, both[i]);
    both[i]->along = axis;
  }
  return given(c, nc_arith(e, c->at, "mul", nc_arith(e, c->at, "sub", x, both[0]), both[1]));
}

// ---- windows: what convolutions and pools share ----

typedef struct { int n; int64_t window[3], stride[3], dilation[3], lo[3], hi[3]; } Window;

static bool padding(NcArgsOf *c, int i, const NcTensor *x, Window *w) {
  const NcValue *v = &c->v[i];
  if (!c->has[i] || v->kind != NC_V_STR) {
    if (!nc_arg_each(c, i, w->n, 0, 0, w->lo)) return false;
    memcpy(w->hi, w->lo, sizeof w->hi);
    return true;
  }
  bool same = strcmp(v->s, "same") == 0;
  if (!same && strcmp(v->s, "valid") != 0) { nc_arg_bad(c, i, "an integer, \"same\" or \"valid\""); return false; }
  for (int k = 0; k < w->n; k++) {   // same: ceil(D / stride) places, the odd one of the padding at the end
    int64_t d = x->dim[2 + k].value, places = (d + w->stride[k] - 1) / w->stride[k];
    int64_t total = same ? (places - 1) * w->stride[k] + (w->window[k] - 1) * w->dilation[k] + 1 - d : 0;
    if (total < 0) total = 0;
    w->lo[k] = total / 2;
    w->hi[k] = total - total / 2;
  }
  return true;
}

// (D + lo + hi - ((K - 1) dilation + 1)) / stride + 1
static bool places(NcArgsOf *c, const NcTensor *x, const Window *w, NcSize *dim) {
  NcSizes *t = &c->e->sizes;
  for (int k = 0; k < w->n; k++) {
    int64_t reach = (w->window[k] - 1) * w->dilation[k] + 1;
    NcSize d = x->dim[2 + k];
    if (d.value + w->lo[k] + w->hi[k] < reach) {
      NcMessage *m = nc_elab_error(c->e, NC_E0208, c->at, "a window of %lld does not fit axis %d of %s",
                                   (long long)reach, 2 + k, nc_t_describe(c->e, x));
      nc_label_history(c->e, m, x);
      nc_help(c->e->diag, m, "pad it: `pad = \"same\"`");
      return false;
    }
    if (!nc_size_add(t, d, nc_size(w->lo[k] + w->hi[k] - reach), &d) || !nc_size_div(t, d, nc_size(w->stride[k]), &d) ||
        !nc_size_add(t, d, nc_size(1), &d))
      return false;
    dim[2 + k] = nc_size_eq(d, x->dim[2 + k]) ? x->dim[2 + k] : d;
  }
  return true;
}

static bool images(NcArgsOf *c, const NcTensor *x, Window *w) {
  w->n = x->rank - 2;
  if (w->n >= 1 && w->n <= 3) return true;
  NcMessage *m = nc_elab_error(c->e, NC_E0202, c->at, "`%s` needs [batch, channels, 1 to 3 more axes], but this is %s",
                               c->row->name, nc_t_describe(c->e, x));
  nc_label_history(c->e, m, x);
  if (x->rank == 3) nc_help(c->e->diag, m, "images with one channel need that axis: `x[:, new]`");
  return false;
}

static NcValue convolve(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_arg_t(c, 0), *w = nc_arg_t(c, 1);
  Window win = {0};
  int64_t groups;
  if (!x || !w || !images(c, x, &win)) return nc_v_poison();
  if (w->rank != x->rank) {
    nc_elab_error(e, NC_E0202, c->at, "`convolve` of %s with weights %s", nc_t_describe(e, x), nc_t_describe(e, w));
    return nc_v_poison();
  }
  for (int k = 0; k < win.n; k++) win.window[k] = w->dim[2 + k].value;
  if (!nc_arg_each(c, 2, win.n, 1, 1, win.stride) || !nc_arg_each(c, 4, win.n, 1, 1, win.dilation) ||
      !padding(c, 3, x, &win) || !nc_arg_whole(c, 5, 1, &groups))
    return nc_v_poison();
  NcSize need, rest;
  if (groups < 1 || !nc_size_mod(&e->sizes, w->dim[0], nc_size(groups), &rest) || !nc_size_is(rest, 0))
    return nc_arg_bad(c, 5, "a divisor of the channels");
  if (!nc_size_mul(&e->sizes, w->dim[1], nc_size(groups), &need) || !nc_size_eq(need, x->dim[1])) {
    NcMessage *m =
        nc_elab_error(e, NC_E0203, c->at, "%s has %s channels, but the weights %s need %s", nc_t_describe(e, x),
                      nc_size_describe(e, x->dim[1]), nc_t_describe(e, w), nc_size_describe(e, need));
    nc_label_history(e, m, x);
    return nc_v_poison();
  }
  NcSize dim[NC_MAX_RANK] = {x->dim[0], w->dim[0]};
  if (!places(c, x, &win, dim)) return nc_v_poison();
  NcConv conv = {.spatial = win.n, .groups = (int)groups, .dilate_x = {1, 1, 1}};
  memcpy(conv.stride, win.stride, sizeof win.stride);
  memcpy(conv.dilation, win.dilation, sizeof win.dilation);
  memcpy(conv.lo, win.lo, sizeof win.lo);
  memcpy(conv.hi, win.hi, sizeof win.hi);
  return given(c, nc_t(e, c->at, nc_conv(e->graph, nc_here(e, c->at), x->node, w->node, &conv), x->rank, dim));
}

// Weights [C, O / groups, K…] of a transposed convolution as those of the convolution that computes it: reversed in
// space, [O, C / groups, K…].
static NcTensor *turned(NcArgsOf *c, NcTensor *w, NcSize groups, NcSize out) {
  NcElab *e = c->e;
  NcSize each, dim[NC_MAX_RANK + 1] = {groups}, flat[NC_MAX_RANK] = {out};
  int64_t start[NC_MAX_RANK] = {0}, step[NC_MAX_RANK] = {1, 1}, perm[NC_MAX_RANK] = {0, 2, 1};
  if (w->rank == NC_MAX_RANK || !nc_size_div(&e->sizes, w->dim[0], groups, &each)) return NULL;
  for (int i = 2; i < w->rank; i++) {
    start[i] = w->dim[i].value - 1;
    step[i] = -1;
    dim[i + 1] = flat[i] = w->dim[i];
    perm[i + 1] = i + 1;
  }
  dim[1] = flat[1] = each;
  dim[2] = w->dim[1];
  w = nc_t(e, c->at, nc_slice(e->graph, nc_here(e, c->at), w->node, start, w->node->type.shape.dim, step), w->rank,
           w->dim);
  if (!w) return NULL;
  return nc_t_reshape(e, c->at, nc_t_permute(e, c->at, nc_t_reshape(e, c->at, w, w->rank + 1, dim), perm), w->rank,
                      flat);
}

// (D - 1) stride + (K - 1) dilation + 1 + more - 2 pad places: a convolution of x with stride - 1 zeros between its
// elements.
static NcValue convolve_transpose(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_arg_t(c, 0), *w = nc_arg_t(c, 1);
  Window win = {0};
  int64_t groups, more[3];
  if (!x || !w || !images(c, x, &win)) return nc_v_poison();
  if (w->rank != x->rank) {
    nc_elab_error(e, NC_E0202, c->at, "`convolve_transpose` of %s with weights %s", nc_t_describe(e, x),
                  nc_t_describe(e, w));
    return nc_v_poison();
  }
  if (!nc_arg_each(c, 2, win.n, 1, 1, win.stride) || !nc_arg_each(c, 3, win.n, 0, 0, win.lo) ||
      !nc_arg_each(c, 4, win.n, 1, 1, win.dilation) || !nc_arg_whole(c, 5, 1, &groups) ||
      !nc_arg_each(c, 6, win.n, 0, 0, more))
    return nc_v_poison();
  NcSize rest, out;
  if (groups < 1 || !nc_size_mod(&e->sizes, w->dim[0], nc_size(groups), &rest) || !nc_size_is(rest, 0))
    return nc_arg_bad(c, 5, "a divisor of the channels");
  if (!nc_size_eq(w->dim[0], x->dim[1]) || !nc_size_mul(&e->sizes, w->dim[1], nc_size(groups), &out)) {
    NcMessage *m =
        nc_elab_error(e, NC_E0203, c->at, "%s has %s channels, but the weights %s need %s", nc_t_describe(e, x),
                      nc_size_describe(e, x->dim[1]), nc_t_describe(e, w), nc_size_describe(e, w->dim[0]));
    nc_label_history(e, m, x);
    return nc_v_poison();
  }
  NcConv conv = {.spatial = win.n, .groups = (int)groups, .stride = {1, 1, 1}};
  NcSize dim[NC_MAX_RANK] = {x->dim[0], out};
  for (int k = 0; k < win.n; k++) {
    int64_t reach = (w->dim[2 + k].value - 1) * win.dilation[k];
    conv.dilation[k] = win.dilation[k];
    conv.dilate_x[k] = win.stride[k];
    conv.lo[k] = reach - win.lo[k];
    conv.hi[k] = reach - win.lo[k] + more[k];
    if (more[k] >= win.stride[k] && more[k] > 0) return nc_arg_bad(c, 6, "less than the stride");
    NcSize d;
    if (!nc_size_sub(&e->sizes, x->dim[2 + k], nc_size(1), &d) ||
        !nc_size_mul(&e->sizes, d, nc_size(win.stride[k]), &d) ||
        !nc_size_add(&e->sizes, d, nc_size(reach + 1 + more[k] - 2 * win.lo[k]), &dim[2 + k]))
      return nc_v_poison();
  }
  NcShape s;
  w = turned(c, w, nc_size(groups), out);
  if (!w || !nc_t_shape(e, c->at, x->rank, dim, &s)) return nc_v_poison();
  return given(c, nc_t(e, c->at, nc_conv(e->graph, nc_here(e, c->at), x->node, w->node, &conv), x->rank, dim));
}

static NcValue pool(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_to_float(e, c->at, nc_arg_t(c, 0));
  Window win = {0};
  if (!x || !images(c, x, &win)) return nc_v_poison();
  if (!nc_arg_each(c, 1, win.n, 1, 1, win.window) || !nc_arg_each(c, 2, win.n, 0, 0, win.stride)) return nc_v_poison();
  for (int k = 0; k < win.n; k++) {
    win.dilation[k] = 1;
    if (!win.stride[k]) win.stride[k] = win.window[k];
  }
  if (!padding(c, 3, x, &win)) return nc_v_poison();
  for (int k = 0; k < win.n; k++)
    if (win.lo[k] >= win.window[k]) return nc_arg_bad(c, 3, "less than the window");
  NcSize dim[NC_MAX_RANK] = {x->dim[0], x->dim[1]};
  if (!places(c, x, &win, dim)) return nc_v_poison();
  NcPool p = {.spatial = win.n};
  memcpy(p.window, win.window, sizeof p.window);
  memcpy(p.stride, win.stride, sizeof p.stride);
  memcpy(p.lo, win.lo, sizeof p.lo);
  memcpy(p.hi, win.hi, sizeof p.hi);
  return given(c, nc_t(e, c->at, nc_pool(e->graph, nc_here(e, c->at), c->op, x->node, &p), x->rank, dim));
}

const NcBuiltin nc_builtins_nn[] = {
  {"matmul", "a b", "the product of matrices; the same as a @ b", matmul},
  {"orthogonalize", "x", "the orthonormal matrix nearest to directions of x; for starting values only", orthogonalize},
  {"normalize", "x mean variance eps? axis?", "(x - mean) / sqrt(variance + eps), both lying on an axis (1) of x",
   normalize},
  {"convolve", "x w stride? pad? dilation? groups?",
   "the convolution of x [B, C, D…] with weights [O, C / groups, K…]", convolve},
  {"convolve_transpose", "x w stride? pad? dilation? groups? more?",
   "the transposed convolution of x [B, C, D…] with weights [C, O / groups, K…]; `more` places at the end",
   convolve_transpose},
  {"window_max", "x window stride? pad?", "the largest element of each window", pool, .op = "max"},
  {"window_mean", "x window stride? pad?", "the mean of each window, its padding left out", pool, .op = "avg"},
  {"window_sum", "x window stride? pad?", "the sum of each window", pool, .op = "sum"},
  {"decode", "model prompt n temperature? top_k? top_p? greedy? context?",
   "in a task: the prompt i32[B, P] and n more tokens, each drawn from what the model [B, T] -> [B, T, V] says of the "
   "tokens before it; scores are divided by the temperature (1), then only the top_k best and those of probability "
   "top_p together are drawn from; greedy, or temperature 0, takes the best. Keys and values are kept. The model sees up "
   "to `context` tokens (its own hyperparameter of that name); where these are full, the later half is gone on with",
   nc_decode},
  {0},
};
