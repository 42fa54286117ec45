#include "op_cases.h"
#include <math.h>
#include <string.h>

#define COUNT(...) (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#define T(t, ...) {NC_##t, {COUNT(__VA_ARGS__), {__VA_ARGS__}}}
#define SCALAR(t) {NC_##t, {0}}
#define IN(t, lo, hi) {t, lo, hi, NULL}
#define GIVEN(t, ...) {t, 0, 0, (const double[]){__VA_ARGS__}}
#define OF(n, ...) .nin = n, .in = {__VA_ARGS__}
#define WITH(n, ...) .nattr = n, .attr = {__VA_ARGS__}
#define EXPECT(...) .expect = (const double[]){__VA_ARGS__}, \
  .nexpect = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)
#define NO_GRAD .no_grad = true
#define AINT(k, v) {.key = k, .kind = NC_ATTR_INT, .i = v}
#define AINTS(k, ...) {.key = k, .kind = NC_ATTR_INTS, .ints = (const int64_t[]){__VA_ARGS__}, .n = COUNT(__VA_ARGS__)}
#define NO_INTS(k) {.key = k, .kind = NC_ATTR_INTS}
#define AFLOAT(k, v) {.key = k, .kind = NC_ATTR_FLOAT, .f = v}
#define AFLOATS(k, count, ...) {.key = k, .kind = NC_ATTR_FLOATS, .floats = (const double[]){__VA_ARGS__}, .n = count}
#define ASTR(k, v) {.key = k, .kind = NC_ATTR_STR, .s = v}

const OpCase op_cases[] = {
#include "op_cases.def"
#include "op_cases_large.def"
};
const int op_case_count = sizeof op_cases / sizeof *op_cases;

const char *case_name(NcArena *a, const OpCase *c) { return nc_sprintf(a, "%s, %s", c->op, c->what); }

double *case_values(NcArena *a, const OpCase *c, int k) {
  const CaseOperand *o = &c->in[k];
  int64_t count = nc_count(o->type.shape);
  double *v = NC_NEW_N(a, double, count);
  uint64_t state = nc_hash64((uint64_t)k, c->op, strlen(c->op)) ^ nc_hash64(0, c->what, strlen(c->what));
  for (int64_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double unit = (double)(state >> 40) * 0x1p-24;
    if (o->given) v[i] = o->given[i];
    else if (o->type.dtype == NC_BOOL) v[i] = unit < 0.5;
    else if (nc_dtype_float(o->type.dtype)) v[i] = (double)(float)(o->lo + unit * (o->hi - o->lo));
    else v[i] = floor(o->lo + unit * (o->hi - o->lo + 1));
  }
  return v;
}

NcNode *case_build(NcGraph *g, const OpCase *c, NcNode **in) {
  const NcOp *op = nc_op(c->op);
  bool assign = op->kind == NC_EFFECT;
  for (int k = 0; k < c->nin; k++) {
    const char *name = nc_sprintf(g->arena, "in%d", k);
    in[k] = assign && k == 0 ? nc_var(g, NC_NOWHERE, name, "param", c->in[k].type)
                             : nc_input(g, NC_NOWHERE, name, c->in[k].type);
  }
  NcNode *n = op->kind == NC_LEAF ? nc_leaf(g, op, NC_NOWHERE, c->leaf, c->nin, in, c->nattr, c->attr)
                                  : nc_node(g, op, NC_NOWHERE, c->nin, in, c->nattr, c->attr);
  if (assign) nc_graph_effect(g, n);
  return n;
}
