#include "nets.h"
#include <math.h>

#define AT NC_NOWHERE

Net net_begin(NcArena *a, NcDiag *d, const char *name, bool training) {
  Net n = {.g = nc_graph_new(a, d, name), .training = training};
  n.step = nc_input(n.g, AT, "step", (NcType){NC_I32, NC_SCALAR});
  return n;
}

NcNode *net_param(Net *n, const char *name, NcShape s) {
  NcNode *p = nc_var(n->g, AT, name, "param", (NcType){NC_F32, s});
  *NC_PUSH(n->g->arena, n->param) = p;
  return p;
}

static const char *sub(Net *n, const char *name, const char *what) { return nc_sprintf(n->g->arena, "%s.%s", name,
    what); }
static NcNode *op1(Net *n, const char *op, NcNode *a) { return nc_op1(n->g, AT, op, a); }
static NcNode *op2(Net *n, const char *op, NcNode *a, NcNode *b) { return nc_op2(n->g, AT, op, a, b); }
static NcNode *scaled(Net *n, NcNode *a, double f) { return op2(n, "mul", a, nc_like(n->g, a, f)); }

NcNode *net_along(Net *n, NcNode *v, NcNode *x, int64_t axis) {
  return nc_broadcast(n->g, AT, v, x->type.shape, &axis);
}

NcNode *net_dense(Net *n, const char *name, NcNode *x, int64_t units) {
  NcShape s = x->type.shape;
  NcNode *w = net_param(n, sub(n, name, "weight"), NC_SHAPE(units, s.dim[s.rank - 1]));
  NcNode *b = net_param(n, sub(n, name, "b"), NC_SHAPE(units));
  NcNode *y = nc_matmul(n->g, AT, x, nc_transpose(n->g, AT, w));
  return op2(n, "add", y, net_along(n, b, y, s.rank - 1));
}

NcNode *net_conv(Net *n, const char *name, NcNode *x, int64_t out, int64_t kernel, int64_t pad) {
  NcNode *w = net_param(n, sub(n, name, "weight"), NC_SHAPE(out, x->type.shape.dim[1], kernel, kernel));
  NcNode *b = net_param(n, sub(n, name, "b"), NC_SHAPE(out));
  NcConv c = {.spatial = 2, .groups = 1, .stride = {1, 1}, .lo = {pad, pad}, .hi = {pad, pad}, .dilation = {1, 1},
      .dilate_x = {1, 1}};
  NcNode *y = nc_conv(n->g, AT, x, w, &c);
  return op2(n, "add", y, net_along(n, b, y, 1));
}

NcNode *net_relu(Net *n, NcNode *x) { return op2(n, "max", x, nc_like(n->g, x, 0)); }

NcNode *net_dropout(Net *n, NcNode *x, double rate) {
  if (!n->training) return x;
  NcNode *u = nc_random(n->g, AT, "uniform", x->type, n->sites++, n->step, NULL);
  NcNode *kept = op2(n, "ge", u, nc_like(n->g, u, rate));
  return nc_op3(n->g, AT, "select", kept, scaled(n, x, 1 / (1 - rate)), nc_like(n->g, x, 0));
}

NcNode *net_pool(Net *n, NcNode *x) {
  NcPool p = {.spatial = 2, .window = {2, 2}, .stride = {2, 2}};
  return nc_pool(n->g, AT, "max", x, &p);
}

// The mean over the last axis, again over it.
static NcNode *last_mean(Net *n, NcNode *x, const char *op) {
  NcShape s = x->type.shape;
  int64_t last = s.rank - 1, axes[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  NcNode *m = nc_reduce(n->g, AT, op, x, 1, &last);
  if (op[0] == 's') m = scaled(n, m, 1.0 / (double)s.dim[last]);
  return nc_broadcast(n->g, AT, m, s, axes);
}

static NcNode *last_sum(Net *n, NcNode *x) {
  int64_t last = x->type.shape.rank - 1, axes[NC_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  return nc_broadcast(n->g, AT, nc_reduce(n->g, AT, "sum", x, 1, &last), x->type.shape, axes);
}

NcNode *net_layer_norm(Net *n, const char *name, NcNode *x) {
  int64_t last = x->type.shape.rank - 1;
  NcNode *scale = net_param(n, sub(n, name, "scale"), NC_SHAPE(x->type.shape.dim[last]));
  NcNode *shift = net_param(n, sub(n, name, "shift"), NC_SHAPE(x->type.shape.dim[last]));
  NcNode *c = op2(n, "sub", x, last_mean(n, x, "sum"));
  NcNode *v = last_mean(n, op2(n, "mul", c, c), "sum");
  NcNode *y = op2(n, "mul", c, op1(n, "rsqrt", op2(n, "add", v, nc_like(n->g, v, 1e-5))));
  return op2(n, "add", op2(n, "mul", y, net_along(n, scale, x, last)), net_along(n, shift, x, last));
}

static NcNode *channel_mean(Net *n, NcNode *x) {
  NcShape s = x->type.shape;
  NcNode *m = nc_reduce(n->g, AT, "sum", x, 3, (int64_t[]){0, 2, 3});
  return scaled(n, m, (double)s.dim[1] / (double)nc_count(s));
}

NcNode *net_batch_norm(Net *n, const char *name, NcNode *x) {
  NcShape c = NC_SHAPE(x->type.shape.dim[1]);
  NcNode *scale = net_param(n, sub(n, name, "scale"), c), *shift = net_param(n, sub(n, name, "shift"), c);
  NcNode *mean = nc_var(n->g, AT, sub(n, name, "mean"), "state", (NcType){NC_F32, c});
  NcNode *var = nc_var(n->g, AT, sub(n, name, "var"), "state", (NcType){NC_F32, c});
  NcNode *m = mean, *v = var;
  if (n->training) {
    m = channel_mean(n, x);
    NcNode *d = op2(n, "sub", x, net_along(n, m, x, 1));
    v = channel_mean(n, op2(n, "mul", d, d));
    nc_assign(n->g, AT, mean, op2(n, "add", scaled(n, mean, 0.9), scaled(n, m, 0.1)));
    nc_assign(n->g, AT, var, op2(n, "add", scaled(n, var, 0.9), scaled(n, v, 0.1)));
  }
  NcNode *r = op1(n, "rsqrt", op2(n, "add", v, nc_like(n->g, v, 1e-5)));
  NcNode *y = op2(n, "mul", op2(n, "sub", x, net_along(n, m, x, 1)), net_along(n, r, x, 1));
  return op2(n, "add", op2(n, "mul", y, net_along(n, scale, x, 1)), net_along(n, shift, x, 1));
}

NcNode *net_softmax(Net *n, NcNode *x) {
  NcNode *e = op1(n, "exp", op2(n, "sub", x, last_mean(n, x, "max")));
  return op2(n, "div", e, last_sum(n, e));
}

static NcNode *batch_mean(Net *n, NcNode *x) {
  NcNode *s = nc_reduce(n->g, AT, "sum", x, 1, (int64_t[]){0});
  return scaled(n, s, 1.0 / (double)x->type.shape.dim[0]);
}

NcNode *net_classify(Net *n, NcNode *logits, NcNode *label) {
  NcShape s = logits->type.shape;
  int64_t last = 1;
  NcNode *index = nc_cast(n->g, AT, label, NC_I32);
  NcNode *z = op2(n, "sub", logits, last_mean(n, logits, "max"));
  NcNode *logp = op2(n, "sub", z, op1(n, "log", last_sum(n, op1(n, "exp", z))));
  NcNode *hit = op2(n, "eq", nc_iota(n->g, AT, (NcType){NC_I32, s}, 1), nc_broadcast(n->g, AT, index, s,
      (int64_t[]){0}));
  NcNode *each = nc_reduce(n->g, AT, "sum", nc_op3(n->g, AT, "select", hit, logp, nc_like(n->g, logp, 0)), 1, &last);
  NcNode *loss = batch_mean(n, op1(n, "neg", each));
  nc_graph_output(n->g, "loss", loss);
  NcNode *right = op2(n, "eq", nc_reduce(n->g, AT, "argmax", logits, 1, &last), index);
  nc_graph_output(n->g, "accuracy", batch_mean(n, nc_cast(n->g, AT, right, NC_F32)));
  return loss;
}

static NcNode *state(Net *n, const NcNode *p, const char *what) {
  return nc_var(n->g, AT, nc_sprintf(n->g->arena, "%s.%s", nc_attr_str(p, "name"), what), "opt", p->type);
}

static NcNode *filled(Net *n, NcNode *scalar, NcNode *like) { return nc_broadcast(n->g, AT, scalar,
    like->type.shape, NULL); }

void net_adam(Net *n, NcNode *loss, double rate) {
  if (!n->training) return;
  const double b1 = 0.9, b2 = 0.999, eps = 1e-8;
  NcNode **grad = NC_NEW_N(n->g->arena, NcNode *, n->param.n);
  if (!nc_grad(n->g, loss, n->param.n, n->param.at, grad)) return;
  NcNode *one = nc_const(n->g, AT, NC_F32, 1), *t = op2(n, "add", nc_cast(n->g, AT, n->step, NC_F32), one);
  NcNode *c1 = op2(n, "sub", one, op2(n, "pow", nc_const(n->g, AT, NC_F32, b1), t));
  NcNode *c2 = op2(n, "sub", one, op2(n, "pow", nc_const(n->g, AT, NC_F32, b2), t));
  for (int i = 0; i < n->param.n; i++) {
    NcNode *p = n->param.at[i], *g = grad[i], *m = state(n, p, "m"), *v = state(n, p, "v");
    NcNode *m1 = op2(n, "add", scaled(n, m, b1), scaled(n, g, 1 - b1));
    NcNode *v1 = op2(n, "add", scaled(n, v, b2), scaled(n, op2(n, "mul", g, g), 1 - b2));
    NcNode *root = op1(n, "sqrt", op2(n, "div", v1, filled(n, c2, v1)));
    NcNode *d = op2(n, "div", op2(n, "div", m1, filled(n, c1, m1)), op2(n, "add", root, nc_like(n->g, v1, eps)));
    nc_assign(n->g, AT, m, m1);
    nc_assign(n->g, AT, v, v1);
    nc_assign(n->g, AT, p, op2(n, "sub", p, scaled(n, d, rate)));
  }
}

void net_sgd(Net *n, NcNode *loss, double rate, double momentum) {
  if (!n->training) return;
  NcNode **grad = NC_NEW_N(n->g->arena, NcNode *, n->param.n);
  if (!nc_grad(n->g, loss, n->param.n, n->param.at, grad)) return;
  for (int i = 0; i < n->param.n; i++) {
    NcNode *p = n->param.at[i], *v = state(n, p, "v");
    NcNode *v1 = op2(n, "add", scaled(n, v, momentum), grad[i]);
    nc_assign(n->g, AT, v, v1);
    nc_assign(n->g, AT, p, op2(n, "sub", p, scaled(n, v1, rate)));
  }
}

static NcNode *image(Net *n, NcShape s) {
  NcNode *x = nc_cast(n->g, AT, nc_input(n->g, AT, "image", (NcType){NC_U8, s}), NC_F32);
  return op2(n, "div", x, nc_like(n->g, x, 255));
}

static NcNode *label(Net *n, int64_t batch) { return nc_input(n->g, AT, "label", (NcType){NC_U8, NC_SHAPE(batch)}); }

NcGraph *net_mlp(NcArena *a, NcDiag *d, int64_t batch, bool training) {
  Net n = net_begin(a, d, "mlp", training);
  NcNode *x = nc_reshape(n.g, AT, image(&n, NC_SHAPE(batch, 28, 28)), NC_SHAPE(batch, 784));
  NcNode *h = net_dropout(&n, net_relu(&n, net_dense(&n, "dense1", x, 128)), 0.2);
  net_adam(&n, net_classify(&n, net_dense(&n, "dense2", h, 10), label(&n, batch)), 1e-3);
  return n.g;
}

NcGraph *net_cnn(NcArena *a, NcDiag *d, int64_t batch, bool training) {
  Net n = net_begin(a, d, "cnn", training);
  NcNode *x = image(&n, NC_SHAPE(batch, 1, 28, 28));
  x = net_pool(&n, net_relu(&n, net_conv(&n, "conv1", x, 32, 3, 1)));
  x = net_pool(&n, net_relu(&n, net_conv(&n, "conv2", x, 64, 3, 1)));
  x = nc_reshape(n.g, AT, x, NC_SHAPE(batch, 64 * 7 * 7));
  x = net_relu(&n, net_dense(&n, "dense1", x, 128));
  net_adam(&n, net_classify(&n, net_dense(&n, "dense2", x, 10), label(&n, batch)), 1e-3);
  return n.g;
}

// [B T D] to [B heads T D/heads]
static NcNode *split_heads(Net *n, NcNode *x, int64_t heads) {
  NcShape s = x->type.shape;
  NcNode *r = nc_reshape(n->g, AT, x, NC_SHAPE(s.dim[0], s.dim[1], heads, s.dim[2] / heads));
  return nc_permute(n->g, AT, r, (int64_t[]){0, 2, 1, 3});
}

static NcNode *attention(Net *n, NcNode *x, int64_t heads) {
  NcShape s = x->type.shape;
  int64_t T = s.dim[1], E = s.dim[2] / heads;
  NcNode *q = split_heads(n, net_dense(n, "q", x, s.dim[2]), heads);
  NcNode *k = split_heads(n, net_dense(n, "k", x, s.dim[2]), heads);
  NcNode *v = split_heads(n, net_dense(n, "v", x, s.dim[2]), heads);
  NcNode *w = nc_dot(n->g, AT, q, k, 2, (int64_t[]){0, 1}, (int64_t[]){0, 1}, 1, (int64_t[]){3}, (int64_t[]){3});
  w = scaled(n, w, 1 / sqrt((double)E));
  NcType at = {NC_I32, w->type.shape};
  NcNode *past = op2(n, "ge", nc_iota(n->g, AT, at, 2), nc_iota(n->g, AT, at, 3));
  w = net_softmax(n, nc_op3(n->g, AT, "select", past, w, nc_like(n->g, w, -INFINITY)));
  NcNode *y = nc_dot(n->g, AT, w, v, 2, (int64_t[]){0, 1}, (int64_t[]){0, 1}, 1, (int64_t[]){3}, (int64_t[]){2});
  y = nc_reshape(n->g, AT, nc_permute(n->g, AT, y, (int64_t[]){0, 2, 1, 3}), NC_SHAPE(s.dim[0], T, s.dim[2]));
  return net_dense(n, "out", y, s.dim[2]);
}

static NcNode *gelu(Net *n, NcNode *x) {
  NcNode *e = op1(n, "erf", scaled(n, x, sqrt(0.5)));
  return op2(n, "mul", scaled(n, x, 0.5), op2(n, "add", e, nc_like(n->g, e, 1)));
}

NcGraph *net_gpt_block(NcArena *a, NcDiag *d, int64_t batch, int64_t tokens, int64_t width, int64_t heads,
    bool training) {
  Net n = net_begin(a, d, "gpt", training);
  NcNode *x = nc_input(n.g, AT, "x", (NcType){NC_F32, NC_SHAPE(batch, tokens, width)});
  NcNode *h = op2(&n, "add", x, attention(&n, net_layer_norm(&n, "norm1", x), heads));
  NcNode *f = gelu(&n, net_dense(&n, "up", net_layer_norm(&n, "norm2", h), 4 * width));
  NcNode *y = op2(&n, "add", h, net_dense(&n, "down", f, width));
  NcNode *loss = nc_reduce(n.g, AT, "sum", op2(&n, "mul", y, y), 3, (int64_t[]){0, 1, 2});
  nc_graph_output(n.g, "loss", scaled(&n, loss, 1.0 / (double)nc_count(y->type.shape)));
  if (!training) nc_graph_output(n.g, "output", y);
  net_adam(&n, nc_graph_find_output(n.g, "loss"), 1e-3);
  return n.g;
}

NcGraph *net_resnet_block(NcArena *a, NcDiag *d, int64_t batch, int64_t channels, int64_t size, bool training) {
  Net n = net_begin(a, d, "resnet", training);
  NcNode *x = nc_input(n.g, AT, "x", (NcType){NC_F32, NC_SHAPE(batch, channels, size, size)});
  NcNode *y = net_relu(&n, net_batch_norm(&n, "norm1", net_conv(&n, "conv1", x, channels, 3, 1)));
  y = net_batch_norm(&n, "norm2", net_conv(&n, "conv2", y, channels, 3, 1));
  y = net_relu(&n, op2(&n, "add", y, x));
  NcNode *pooled = nc_reduce(n.g, AT, "sum", y, 2, (int64_t[]){2, 3});
  net_sgd(&n, net_classify(&n, net_dense(&n, "fc", pooled, 10), label(&n, batch)), 0.1, 0.9);
  return n.g;
}
