// Rules of convolutions.
#include "passes/rules.h"

// Padding with zeros on the spatial axes alone, of an operand that is not spread.
static bool absorb(const NcNode *n, NcConv *c) {
  const NcNode *p = n->in[0];
  if (!nc_is_op(p, "pad") || nc_attr_float(p, "value") != 0 || !nc_conv_of(n, c)) return false;
  const int64_t *lo = nc_attr_ints(p, "lo", NULL), *hi = nc_attr_ints(p, "hi", NULL);
  if (lo[0] || hi[0] || lo[1] || hi[1]) return false;
  for (int i = 0; i < c->spatial; i++) {
    if (c->dilate_x[i] != 1) return false;
    if ((lo[i + 2] < 0 && c->lo[i] > 0) || (hi[i + 2] < 0 && c->hi[i] > 0)) return false;   // what is cropped stays away
    c->lo[i] += lo[i + 2];
    c->hi[i] += hi[i + 2];
  }
  return true;
}

NcNode *nc_rule_conv_pad(NcSimplify *s, NcNode *n) {
  NcConv c;
  return absorb(n, &c) ? nc_conv(s->g, n->at, n->in[0]->in[0], n->in[1], &c) : NULL;
}

NcNode *nc_rule_conv_weight_pad(NcSimplify *s, NcNode *n) {
  NcConv c;
  const int64_t *kernel = nc_attr_ints(n, "kernel", NULL);
  return absorb(n, &c) ? nc_conv_weight(s->g, n->at, n->in[0]->in[0], n->in[1], &c, kernel) : NULL;
}

// Windows that cover all of x, one for each image: 1×1 on one pixel, or a network's last one.
static bool covers(const NcNode *n, const NcConv *c) {
  const NcShape x = n->in[0]->type.shape, w = n->in[1]->type.shape;
  for (int i = 0; i < c->spatial; i++)
    if (n->type.shape.dim[i + 2] != 1 || w.dim[i + 2] != x.dim[i + 2] || c->lo[i] || c->hi[i] || (x.dim[i + 2] > 1 && c->dilate_x[i] > 1))
      return false;
  return c->groups == 1;
}

NcNode *nc_rule_conv_dense(NcSimplify *s, NcNode *n) {
  NcConv c;
  if (!nc_conv_of(n, &c) || !covers(n, &c)) return NULL;
  NcNode *in[2];
  for (int k = 0; k < 2; k++) {
    const int64_t lines = n->in[k]->type.shape.dim[0];
    in[k] = nc_reshape(s->g, n->at, n->in[k], NC_SHAPE(lines, nc_count(n->in[k]->type.shape) / lines));
  }
  NcNode *y = nc_dot(s->g, n->at, in[0], in[1], 0, NULL, NULL, 1, (int64_t[]){1}, (int64_t[]){1});
  return nc_reshape(s->g, n->at, y, n->type.shape);
}

// One number for each channel, spread over the pixels; NULL: it is something else.
static NcNode *by_channel(NcNode *n) {
  if (!nc_is_op(n, "broadcast") || n->in[0]->type.shape.rank != 1) return NULL;
  return nc_attr_ints(n, "axes", NULL)[0] == 1 ? n->in[0] : NULL;
}

// Of one image: what its channels are weighed by weighs the weights as well, where they are fewer than pixels.
NcNode *nc_rule_conv_scaled(NcSimplify *s, NcNode *n) {
  NcConv c;
  NcNode *x = n->in[0], *w = n->in[1];
  if (!nc_is_op(x, "mul") || !nc_single(s, x) || x->type.shape.dim[0] != 1 || !nc_conv_of(n, &c) || c.groups != 1 ||
      nc_count(w->type.shape) >= nc_count(x->type.shape))
    return NULL;
  for (int i = 0; i < 2; i++) {
    NcNode *scale = by_channel(x->in[i]);
    if (!scale || by_channel(x->in[1 - i])) continue;
    NcNode *spread = nc_broadcast(s->g, n->at, scale, w->type.shape, (int64_t[]){1});
    return nc_conv(s->g, n->at, x->in[1 - i], nc_op2(s->g, n->at, "mul", w, spread), &c);
  }
  return NULL;
}
