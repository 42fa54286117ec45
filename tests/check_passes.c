// Passes against the evaluator: random graphs and whole nets mean the same after every pass, whatever was fused,
// reordered and placed; and what was fused is counted.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gen/gen.h"
#include "interpret.h"
#include "nets.h"
#include "passes/rules.h"
#include "random_graph.h"
#include "suite.h"

static const char *graph_text(const NcGraph *g) {
  NcBuf b = NC_BUF(arena);
  nc_graph_print(g, &b);
  return nc_buf_str(&b);
}

// ---- comparing values

static bool near(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return a == b || fabs(a - b) <= 1e-4 * (1 + fabs(a) + fabs(b));
}

static void same_values(const char *what, int64_t n, const double *want, const double *got, const NcGraph *g,
    uint32_t seed) {
  for (int64_t i = 0; i < n; i++)
    ck_assert_msg(near(want[i], got[i]), "seed %u: %s[%lld] is %g instead of %g\n%s", seed, what, (long long)i,
                  got[i], want[i],
                  graph_text(g));
}

static double **evaluate(const NcGraph *g, const NcEvalOptions *o) {
  double **v = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert_msg(nc_eval(g, diag, o, v), "%s", messages(diag));
  return v;
}

// Every variable that is assigned, and every output.
static void same_graphs(const NcGraph *g, const NcGraph *h, const NcEvalOptions *o, uint32_t seed) {
  double **a = evaluate(g, o), **b = evaluate(h, o);
  ck_assert_int_eq(g->output.n, h->output.n);
  ck_assert_int_eq(g->effect.n, h->effect.n);
  for (int i = 0; i < g->output.n; i++) {
    ck_assert(nc_type_eq(g->output.at[i].node->type, h->output.at[i].node->type));
    same_values(g->output.at[i].name, nc_count(g->output.at[i].node->type.shape), a[g->output.at[i].node->id],
                b[h->output.at[i].node->id], g, seed);
  }
  for (int i = 0; i < g->effect.n; i++)
    same_values("variable", nc_count(g->effect.at[i]->type.shape), a[g->effect.at[i]->id], b[h->effect.at[i]->id],
        g, seed);
}

static NcState compile(NcGraph *g, const char *last, bool no_fuse, const NcTarget *t) {
  static NcTarget cpu;
  cpu = nc_target_default(NC_CLASS_CPU);
  NcCompileOptions *o = NC_NEW(arena, NcCompileOptions);
  *o = (NcCompileOptions){.name = "test", .verify = true, .no_fuse = no_fuse};
  NcState s = {.arena = arena, .diag = diag, .target = t ? t : &cpu, .options = o, .graph = g};
  ck_assert_msg(nc_run_passes(&s, last), "%s\n%s", messages(diag), graph_text(g));
  ck_assert_msg(!diag->errors, "%s\n%s", messages(diag), graph_text(g));
  return s;
}

static void same_results(const NcGraph *g, const NcState *s, double **want, Interpret *it, uint32_t seed) {
  const NcPlan *p = s->placement->plan;
  for (int i = 0; i < g->output.n; i++) {
    int b = nc_plan_output(p, g->output.at[i].name);
    ck_assert_msg(b >= 0 && nc_type_eq(p->buf.at[b].type, g->output.at[i].node->type), "%s", graph_text(g));
    same_values(g->output.at[i].name, nc_count(g->output.at[i].node->type.shape), want[g->output.at[i].node->id],
                interpret_buffer(it, b), g, seed);
  }
  for (int i = 0; i < g->effect.n; i++) {
    const char *name = nc_attr_str(g->effect.at[i]->in[0], "name");
    int b = nc_plan_find(p, NC_BUF_VAR, name);
    ck_assert_msg(b >= 0, "%s", name);
    same_values(name, nc_count(g->effect.at[i]->type.shape), want[g->effect.at[i]->id], interpret_buffer(it, b), g,
        seed);
  }
}

static void same_run(const NcGraph *g, const NcState *s, const NcEvalOptions *o, uint32_t seed) {
  Interpret *it = interpret_new(arena, s->placement, o);
  interpret_run(it);
  same_results(g, s, evaluate(g, o), it, seed);
}

// The bindings of the next step: variables have their new values.
static NcEvalOptions next(const NcGraph *g, const NcEvalOptions *o, double **value) {
  NcEvalOptions n = *o;
  NcBinding *bind = nc_memdup(arena, o->bind, (size_t)o->nbind * sizeof *bind);
  for (int i = 0; i < g->effect.n; i++)
    for (int k = 0; k < o->nbind; k++)
      if (strcmp(bind[k].name, nc_attr_str(g->effect.at[i]->in[0], "name")) == 0)
        bind[k].value = value[g->effect.at[i]->id];
  n.bind = bind;
  return n;
}

// Several steps: what one leaves in memory, the next one finds.
static void same_runs(const NcGraph *g, const NcState *s, const NcEvalOptions *o, int steps) {
  Interpret *it = interpret_new(arena, s->placement, o);
  NcEvalOptions here = *o;
  for (int i = 0; i < steps; i++) {
    double **want = evaluate(g, &here);
    interpret_run(it);
    same_results(g, s, want, it, (uint32_t)i);
    here = next(g, &here, want);
  }
}

enum { PER_TEST = 50 };

START_TEST(random_simplified) {
  for (int i = 0; i < PER_TEST; i++) {
    uint32_t seed = (uint32_t)(_i * PER_TEST + i);
    suite_open();
    NcGraph *g = random_graph(arena, diag, seed);
    ck_assert_msg(!diag->errors, "seed %u: %s", seed, messages(diag));
    NcEvalOptions o;
    random_bindings(arena, g, seed, &o);
    NcGraph *h = nc_simplify_graph(arena, g, NULL);
    ck_assert_msg(h && nc_graph_verify(h, diag, "simplify"), "seed %u: %s", seed, messages(diag));
    same_graphs(g, h, &o, seed);
    suite_close();
  }
}
END_TEST

START_TEST(random_placed) {
  for (int i = 0; i < PER_TEST; i++) {
    uint32_t seed = (uint32_t)(_i * PER_TEST + i);
    suite_open();
    NcGraph *g = random_graph(arena, diag, seed);
    NcEvalOptions o;
    random_bindings(arena, g, seed, &o);
    NcState fused = compile(g, "memory", false, NULL), apart = compile(g, "memory", true, NULL);
    same_run(g, &fused, &o, seed);
    same_run(g, &apart, &o, seed);
    ck_assert_int_le(fused.regions->region.n, apart.regions->region.n);
    suite_close();
  }
}
END_TEST

// ---- rules

// A graph of one output, what it becomes, and the rule that is to do it (others may help).
static const struct { const char *rule, *before, *after; } rules[] = {
  {"add_zero", "%1 = const(){value=0} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = add(%2, %0) : f32[4]", "x"},
  {"add_same", "%1 = add(%0, %0) : f32[4]", "mul(x, 2)"},
  {"reduce_factor", "%1 = broadcast(%0){shape=[4,3], axes=[0]} : f32[4,3]\n%2 = iota(){axis=1} : f32[4,3]\n"
   "%3 = mul(%2, %1) : f32[4,3]\n%4 = reduce(%3){op=\"sum\", axes=[1]} : f32[4]", "mul(reduce(iota()), x)"},
  {"add_neg", "%1 = neg(%0) : f32[4]\n%2 = tanh(%0) : f32[4]\n%3 = add(%1, %2) : f32[4]", "sub(tanh(x), x)"},
  {"sub_zero", "%1 = const(){value=0} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = sub(%2, %0) : f32[4]", "neg(x)"},
  {"sub_neg", "%1 = neg(%0) : f32[4]\n%2 = tanh(%0) : f32[4]\n%3 = sub(%2, %1) : f32[4]", "add(tanh(x), x)"},
  {"mul_const", "%1 = const(){value=1} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = mul(%2, %0) : f32[4]", "x"},
  {"mul_const", "%1 = const(){value=-1} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = mul(%0, %2) : f32[4]", "neg(x)"},
  {"", "%1 = const(){value=0} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = mul(%0, %2) : f32[4]", "mul(x, 0)"},
  {"div_const", "%1 = const(){value=8} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = div(%0, %2) : f32[4]", "mul(x, 0.125)"},
  {"", "%1 = const(){value=10} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = div(%0, %2) : f32[4]", "div(x, 10)"},
  {"div_const", "%1 = const(){value=1} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = div(%2, %0) : f32[4]", "reciprocal(x)"},
  {"pow_const", "%1 = const(){value=2} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = pow(%0, %2) : f32[4]", "mul(x, x)"},
  {"pow_const", "%1 = const(){value=0} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = pow(%0, %2) : f32[4]", "1"},
  {"pow_const", "%1 = const(){value=-0.5} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = pow(%0, %2) : f32[4]", "rsqrt(x)"},
  {"neg_neg", "%1 = neg(%0) : f32[4]\n%2 = neg(%1) : f32[4]", "x"},
  {"not_not", "%1 = gt(%0, %0) : bool[4]\n%2 = not(%1) : bool[4]\n%3 = not(%2) : bool[4]", "gt(x, x)"},
  {"reciprocal_root", "%1 = sqrt(%0) : f32[4]\n%2 = reciprocal(%1) : f32[4]", "rsqrt(x)"},
  {"max_same", "%1 = max(%0, %0) : f32[4]", "x"},
  {"min_same", "%1 = min(%0, %0) : f32[4]", "x"},
  {"and_const", "%1 = gt(%0, %0) : bool[4]\n%2 = const(){value=1} : bool[]\n"
   "%3 = broadcast(%2){shape=[4], axes=[]} : bool[4]\n%4 = and(%1, %3) : bool[4]", "gt(x, x)"},
  {"or_const", "%1 = gt(%0, %0) : bool[4]\n%2 = const(){value=1} : bool[]\n"
   "%3 = broadcast(%2){shape=[4], axes=[]} : bool[4]\n%4 = or(%1, %3) : bool[4]", "1"},
  {"select_const", "%1 = const(){value=1} : bool[]\n%2 = broadcast(%1){shape=[4], axes=[]} : bool[4]\n"
   "%3 = neg(%0) : f32[4]\n%4 = select(%2, %3, %0) : f32[4]", "neg(x)"},
  {"select_nested", "%1 = gt(%0, %0) : bool[4]\n%2 = neg(%0) : f32[4]\n%3 = tanh(%0) : f32[4]\n"
   "%4 = select(%1, %2, %3) : f32[4]\n%5 = select(%1, %4, %0) : f32[4]", "select(gt(x, x), neg(x), x)"},
  {"cast_cast", "%1 = gt(%0, %0) : bool[4]\n%2 = cast(%1){to=\"u8\"} : u8[4]\n"
   "%3 = cast(%2){to=\"f32\"} : f32[4]", "cast(gt(x, x))"},
  {"", "%1 = cast(%0){to=\"i32\"} : i32[4]\n%2 = cast(%1){to=\"f32\"} : f32[4]", "cast(cast(x))"},
  {"reshape_reshape", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = reshape(%1){shape=[4,1]} : f32[4,1]\n"
   "%3 = reshape(%2){shape=[4]} : f32[4]", "x"},
  {"reshape_broadcast", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = reshape(%1){shape=[3,1,4]} : f32[3,1,4]", "broadcast(x)"},
  {"permute_permute", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = cumulative(%1){op=\"sum\", axis=0, reverse=0} : f32[3,4]\n%3 = permute(%2){perm=[1,0]} : f32[4,3]\n"
   "%4 = permute(%3){perm=[1,0]} : f32[3,4]", "cumulative(broadcast(x))"},
  {"permute_unit", "%1 = reshape(%0){shape=[1,4]} : f32[1,4]\n%2 = permute(%1){perm=[1,0]} : f32[4,1]", "reshape(x)"},
  {"permute_broadcast", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = permute(%1){perm=[1,0]} : f32[4,3]", "broadcast(x)"},
  {"permute_iota", "%1 = iota(){axis=0} : f32[3,4]\n%2 = permute(%1){perm=[1,0]} : f32[4,3]", "iota()"},
  {"permute_dot", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = exp(%1) : f32[2,2]\n"
   "%3 = dot(%1, %2){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[2,2]\n"
   "%4 = permute(%3){perm=[1,0]} : f32[2,2]", "dot(exp(reshape(x)), reshape(x))"},
  {"broadcast_broadcast", "%1 = broadcast(%0){shape=[4,3], axes=[0]} : f32[4,3]\n"
   "%2 = broadcast(%1){shape=[2,4,3], axes=[1,2]} : f32[2,4,3]", "broadcast(x)"},
  {"broadcast_same", "%1 = broadcast(%0){shape=[1,4], axes=[1]} : f32[1,4]", "reshape(x)"},
  {"broadcast_unit", "%1 = reshape(%0){shape=[4,1]} : f32[4,1]\n"
   "%2 = broadcast(%1){shape=[4,3], axes=[0,1]} : f32[4,3]", "broadcast(x)"},
  {"broadcast_iota", "%1 = iota(){axis=0} : f32[3]\n%2 = broadcast(%1){shape=[2,3], axes=[1]} : f32[2,3]", "iota()"},
  {"slice_slice", "%1 = slice(%0){start=[1], size=[3], step=[1]} : f32[3]\n"
   "%2 = slice(%1){start=[2], size=[2], step=[-1]} : f32[2]", "slice(x)"},
  {"slice_broadcast", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = slice(%1){start=[1,0], size=[2,4], step=[1,1]} : f32[2,4]", "broadcast(x)"},
  {"slice_concat", "%1 = neg(%0) : f32[4]\n%2 = concat(%0, %1){axis=0} : f32[8]\n"
   "%3 = slice(%2){start=[4], size=[4], step=[1]} : f32[4]", "neg(x)"},
  {"pad_crop", "%1 = pad(%0){lo=[-1], hi=[0], value=0} : f32[3]", "slice(x)"},
  {"pad_pad", "%1 = pad(%0){lo=[1], hi=[0], value=0} : f32[5]\n"
   "%2 = pad(%1){lo=[2], hi=[3], value=0} : f32[10]", "pad(x)"},
  {"concat_concat", "%1 = neg(%0) : f32[4]\n%2 = concat(%0, %1){axis=0} : f32[8]\n"
   "%3 = concat(%2, %0){axis=0} : f32[12]", "concat(x, neg(x), x)"},
  {"concat_slices", "%1 = slice(%0){start=[0], size=[1], step=[1]} : f32[1]\n"
   "%2 = slice(%0){start=[1], size=[3], step=[1]} : f32[3]\n%3 = concat(%1, %2){axis=0} : f32[4]", "x"},
  {"add_pads", "%1 = pad(%0){lo=[0], hi=[4], value=0} : f32[8]\n%2 = neg(%0) : f32[4]\n"
   "%3 = pad(%2){lo=[4], hi=[0], value=0} : f32[8]\n%4 = add(%3, %1) : f32[8]", "concat(x, neg(x))"},
  {"reduce_unit", "%1 = reshape(%0){shape=[1,4]} : f32[1,4]\n%2 = exp(%1) : f32[1,4]\n"
   "%3 = reduce(%2){op=\"sum\", axes=[0]} : f32[4]", "reshape(exp(reshape(x)))"},
  {"reduce_reduce", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = exp(%1) : f32[2,2]\n"
   "%3 = reduce(%2){op=\"max\", axes=[0]} : f32[2]\n"
   "%4 = reduce(%3){op=\"max\", axes=[0]} : f32[]", "reduce(exp(reshape(x)))"},
  {"", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = exp(%1) : f32[2,2]\n"
   "%3 = reduce(%2){op=\"max\", axes=[1]} : f32[2]\n"
   "%4 = reduce(%3){op=\"max\", axes=[0]} : f32[]", "reduce(reduce(exp(reshape(x))))"},
  {"reduce_broadcast", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = reduce(%1){op=\"sum\", axes=[0]} : f32[4]", "mul(x, 3)"},
  {"reduce_permute", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = exp(%1) : f32[2,2]\n"
   "%3 = permute(%2){perm=[1,0]} : f32[2,2]\n"
   "%4 = reduce(%3){op=\"sum\", axes=[1]} : f32[2]", "reduce(exp(reshape(x)))"},
  {"reduce_reshape", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n"
   "%2 = reduce(%1){op=\"sum\", axes=[0,1]} : f32[]", "reduce(x)"},
  {"dot_permute", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = exp(%1) : f32[2,2]\n"
   "%3 = permute(%2){perm=[1,0]} : f32[2,2]\n"
   "%4 = dot(%1, %3){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[2,2]", "dot(reshape(x), exp(reshape(x)))"},
  {"dot_order", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = exp(%1) : f32[2,2]\n"
   "%3 = dot(%1, %2){abatch=[], bbatch=[], acon=[1,0], bcon=[1,0]} : f32[]", "dot(reshape(x), exp(reshape(x)))"},
  {"dot_outer", "%1 = reshape(%0){shape=[4,1]} : f32[4,1]\n%2 = exp(%0) : f32[4]\n"
   "%3 = reshape(%2){shape=[1,4]} : f32[1,4]\n"
   "%4 = dot(%1, %3){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[4,4]", "mul(broadcast(x), broadcast(exp(x)))"},
  {"dot_layout", "%1 = broadcast(%0){shape=[4,3,2], axes=[0]} : f32[4,3,2]\n%2 = exp(%0) : f32[4]\n"
   "%3 = iota(){axis=0} : f32[3,5]\n"
   "%4 = dot(%1, %3){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[4,2,5]", "dot(broadcast(x), iota())"},
  {"conv_pad", "%1 = reshape(%0){shape=[1,1,4]} : f32[1,1,4]\n"
   "%2 = pad(%1){lo=[0,0,1], hi=[0,0,1], value=0} : f32[1,1,6]\n"
   "%3 = conv(%2, %1){groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1]} : f32[1,1,3]",
   "conv(reshape(x), reshape(x))"},
  {"conv_weight_pad", "%1 = reshape(%0){shape=[1,1,4]} : f32[1,1,4]\n"
   "%2 = pad(%1){lo=[0,0,1], hi=[0,0,1], value=0} : f32[1,1,6]\n"
   "%3 = conv_weight(%2, %1){groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1], kernel=[3]} : f32[1,1,3]",
   "conv_weight(reshape(x), reshape(x))"},
  {"hoist", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n%2 = exp(%1) : f32[3,4]", "broadcast(exp(x))"},
  {"fold_fill", "%1 = const(){value=2} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = mul(%2, %2) : f32[4]\n%4 = add(%3, %0) : f32[4]", "add(4, x)"},
  {"fold_table", "%1 = const(){values=[1,2,3,4]} : f32[4]\n%2 = mul(%1, %1) : f32[4]\n"
   "%3 = add(%2, %0) : f32[4]", "add([1,4,9,16], x)"},
};

// The expression of a node, movement attributes left out.
static void expression(NcBuf *b, const NcNode *n) {
  double v;
  if (nc_is_op(n, "input")) nc_put(b, nc_attr_str(n, "name"));
  else if (nc_constant(n, &v)) nc_put_double(b, v);
  else if (nc_is_op(n, "const")) {
    int count;
    const double *at = nc_attr_floats(n, "values", &count);
    for (int i = 0; i < count; i++) nc_putf(b, "%s%g", i ? "," : "[", at[i]);
    nc_putc(b, ']');
  } else {
    nc_putf(b, "%s(", n->op->name);
    for (int i = 0; i < n->nin; i++) {
      if (i) nc_put(b, ", ");
      expression(b, n->in[i]);
    }
    nc_putc(b, ')');
  }
}

static NcGraph *one_output(const char *body) {
  int last = 0;
  for (const char *p = body; (p = strchr(p, '%')); p++)
    if (p == body || p[-1] == '\n') last = atoi(p + 1);
  const char *text = nc_sprintf(arena,
      "graph g {\n%%0 = input(){name=\"x\"} : f32[4]\n%s\noutput \"y\" = %%%d\n}\n", body, last);
  NcGraph *g = nc_graph_read(arena, diag, "test", text);
  ck_assert_msg(g != NULL, "%s", messages(diag));
  return g;
}

static int rule_number(const char *name) {
  for (int i = 0; nc_rule_at(i); i++)
    if (strcmp(nc_rule_at(i)->name, name) == 0) return i;
  return -1;
}

START_TEST(each_rule) {
  int fired[200];
  NcGraph *g = one_output(rules[_i].before), *h = nc_simplify_graph(arena, g, fired);
  ck_assert_msg(h && nc_graph_verify(h, diag, "simplify"), "%s", messages(diag));
  NcBuf b = NC_BUF(arena);
  expression(&b, h->output.at[0].node);
  ck_assert_str_eq(nc_buf_str(&b), rules[_i].after);
  if (*rules[_i].rule) ck_assert_int_ge(fired[rule_number(rules[_i].rule)], 1);
  NcEvalOptions o;
  random_bindings(arena, g, (uint32_t)_i, &o);
  same_graphs(g, h, &o, 0);
}
END_TEST

START_TEST(no_rule_untested) {
  for (int i = 0; nc_rule_at(i); i++) {
    bool tested = false;
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) tested |= strcmp(rules[k].rule, nc_rule_at(i)->name) == 0;
    ck_assert_msg(tested, "the rule %s has no test", nc_rule_at(i)->name);
  }
}
END_TEST

// ---- what becomes one kernel

static int count_kind(const NcRegions *r, NcRegionKind k) {
  int n = 0;
  for (int i = 0; i < r->region.n; i++) n += r->region.at[i]->kind == k;
  return n;
}

static NcGraph *make_mlp(int64_t batch) { return net_mlp(arena, diag, batch, true); }
static NcGraph *make_mlp_eval(int64_t batch) { return net_mlp(arena, diag, batch, false); }
static NcGraph *make_cnn(int64_t batch) { return net_cnn(arena, diag, batch, true); }
static NcGraph *make_cnn_eval(int64_t batch) { return net_cnn(arena, diag, batch, false); }
static NcGraph *make_gpt(int64_t batch) { return net_gpt_block(arena, diag, batch, 4, 8, 2, true); }
static NcGraph *make_resnet(int64_t batch) { return net_resnet_block(arena, diag, batch, 3, 4, true); }

// Launches of a training or inference step, and of those: products, rows, updates. -1: not looked at.
static const struct { const char *name; NcGraph *(*make)(int64_t); int launches, dots, rows, updates; } nets[] = {
  {"mlp", make_mlp, 11, 5, 2, 1}, {"mlp inference", make_mlp_eval, 5, 2, 2, 0},
  {"cnn", make_cnn, 24, 6, 2, 1}, {"cnn inference", make_cnn_eval, 9, 2, 2, 0},
  {"gpt", make_gpt, 46, -1, -1, 1}, {"resnet", make_resnet, 36, -1, -1, 2},
};

START_TEST(launches) {
  NcRegions *r = compile(nets[_i].make(32), "schedule", false, NULL).regions;
  ck_assert_int_le(r->region.n, nets[_i].launches);
  if (nets[_i].dots >= 0) ck_assert_int_eq(count_kind(r, NC_REGION_DOT), nets[_i].dots);
  if (nets[_i].rows >= 0) ck_assert_int_eq(count_kind(r, NC_REGION_ROW), nets[_i].rows);
  ck_assert_int_eq(count_kind(r, NC_REGION_UPDATE), nets[_i].updates);
}
END_TEST

// The whole step, helpers of templates and second passes of reductions included.
START_TEST(steps) {
  static const int most[2][4] = {{11, 5, 26, 9}, {12, 6, 29, 10}};
  const NcClass cls = _i % 2 ? NC_CLASS_GPU : NC_CLASS_CPU;
  NcTarget t = nc_target_default(cls);
  NcCompileOptions o = {.name = "test", .verify = true};
  NcPlan *p = nc_compile(arena, diag, nets[_i / 2].make(128), &t, &o);
  ck_assert_msg(p != NULL, "%s", messages(diag));
  ck_assert_int_le(p->step.n, most[_i % 2][_i / 2]);
}
END_TEST

// Attention and its gradients hold no matrix of T by T: bytes grow as T does.
static size_t attention_bytes(int64_t length, NcClass cls, int *kernels) {
  NcGraph *g = nc_graph_new(arena, diag, "attention");
  NcType t = {NC_F32, NC_SHAPE(2, 3, length, 16)}, few = {NC_F32, NC_SHAPE(2, 1, length, 16)};
  NcNode *x[3], *dx[3];
  for (int i = 0; i < 3; i++) x[i] = nc_input(g, NC_NOWHERE, nc_sprintf(arena, "x%d", i), i ? few : t);
  NcNode *y = nc_attention(g, NC_NOWHERE, x[0], x[1], x[2], NULL, true, 0.25);
  NcNode *loss = nc_reduce(g, NC_NOWHERE, "sum", nc_op2(g, NC_NOWHERE, "mul", y, y), 4, (int64_t[]){0, 1, 2, 3});
  ck_assert(nc_grad(g, loss, 3, x, dx));
  for (int i = 0; i < 3; i++) nc_graph_output(g, nc_sprintf(arena, "d%d", i), dx[i]);
  NcTarget target = nc_target_default(cls);
  NcPlan *p = nc_compile(arena, diag, g, &target, &(NcCompileOptions){.name = "test", .verify = true});
  ck_assert_msg(p != NULL, "%s", messages(diag));
  *kernels = 0;
  for (int i = 0; i < p->step.n; i++) *kernels += strncmp(p->step.at[i].kernel, "attention", 9) == 0;
  return nc_plan_bytes(p);
}

START_TEST(attention_is_linear_in_memory) {
  int kernels;
  const NcClass cls = _i ? NC_CLASS_GPU : NC_CLASS_CPU;
  size_t one = attention_bytes(512, cls, &kernels), two = attention_bytes(1024, cls, &kernels);
  size_t four = attention_bytes(2048, cls, &kernels);
  ck_assert_int_eq(kernels, 3);                         // value and stat, dq, dk and dv
  ck_assert_uint_le(four - two, 2 * (two - one) + 4096);
  ck_assert_uint_lt(four, 2048 * 2048 * sizeof(float));
}
END_TEST

START_TEST(nets_run) {
  NcGraph *g = nets[_i].make(2);
  ck_assert_msg(!diag->errors, "%s", messages(diag));
  NcEvalOptions o;
  random_bindings(arena, g, 5, &o);
  NcState s = compile(g, "memory", false, NULL);
  same_runs(g, &s, &o, 3);
}
END_TEST

static NcRegions *one_region(Net *n, NcNode *y, NcRegionKind kind) {
  nc_graph_output(n->g, "y", y);
  NcRegions *r = compile(n->g, "schedule", false, NULL).regions;
  ck_assert_int_eq(r->region.n, 1);
  ck_assert_int_eq(r->region.at[0]->kind, kind);
  return r;
}

static NcNode *input(Net *n, const char *name, NcShape s) { return nc_input(n->g, NC_NOWHERE, name,
    (NcType){NC_F32, s}); }

START_TEST(softmax_is_one_row) {
  Net n = net_begin(arena, diag, "softmax", false);
  NcRegions *r = one_region(&n, net_softmax(&n, input(&n, "x", NC_SHAPE(8, 5, 33))), NC_REGION_ROW);
  ck_assert_int_eq(r->region.at[0]->space.dim[0], 40);
  ck_assert_int_eq(r->region.at[0]->space.dim[1], 33);
}
END_TEST

START_TEST(layer_norm_is_one_row) {
  Net n = net_begin(arena, diag, "norm", false);
  one_region(&n, net_layer_norm(&n, "norm", input(&n, "x", NC_SHAPE(8, 5, 33))), NC_REGION_ROW);
}
END_TEST

START_TEST(bias_and_activation_in_the_product) {
  Net n = net_begin(arena, diag, "dense", false);
  NcRegions *r = one_region(&n, net_relu(&n, net_dense(&n, "dense", input(&n, "x", NC_SHAPE(16, 8)), 4)),
      NC_REGION_DOT);
  ck_assert_int_eq(r->region.at[0]->output.n, 1);
}
END_TEST

START_TEST(cross_entropy_is_one_row) {
  Net n = net_begin(arena, diag, "loss", true);
  NcNode *logits = input(&n, "x", NC_SHAPE(16, 10)), *label = nc_input(n.g, NC_NOWHERE, "label", (NcType){NC_U8,
      NC_SHAPE(16)});
  NcNode *loss = net_classify(&n, logits, label), *grad;
  ck_assert(nc_grad(n.g, loss, 1, &logits, &grad));
  nc_graph_output(n.g, "grad", grad);
  NcRegions *r = compile(n.g, "schedule", false, NULL).regions;   // rows, and the means over the batch
  ck_assert_int_eq(r->region.n, 2);
  ck_assert_int_eq(count_kind(r, NC_REGION_ROW), 2);
}
END_TEST

START_TEST(without_fusion) {
  NcState s = compile(make_mlp(4), "fuse", true, NULL);
  for (int i = 0; i < s.regions->region.n; i++)
    if (s.regions->region.at[i]->kind != NC_REGION_COPY) ck_assert_int_eq(s.regions->region.at[i]->core.n, 1);
}
END_TEST

// ---- memory

// The largest sum of bytes that is live at one place of the schedule: no plan needs less.
static size_t most_live(const NcState *s) {
  const NcRegions *r = s->regions;
  int n = r->region.n;
  int *first = NC_NEW_N(arena, int, r->graph->node.n + 1), *last = NC_NEW_N(arena, int, r->graph->node.n + 1);
  size_t most = 0;
  for (int i = 0; i < r->graph->node.n; i++) first[i] = last[i] = -1;
  for (int i = 0; i < n; i++) {
    const NcRegion *g = r->region.at[i];
    for (int p = 0; p < (g->parts ? g->parts : 1); p++)
      for (int k = 0; k < g->input.n; k++) last[(g->parts ? g->part_input[p][k] : g->input.at[k])->id] = i;
    for (int k = 0; k < g->output.n; k++)
      if (!g->assign.at[k] && g->kind != NC_REGION_COPY) first[g->output.at[k]->id] = i;
  }
  for (int i = 0; i < n; i++) {   // a pack is there from its first value on
    const NcRegion *g = r->region.at[i];
    for (int k = 0; g->parts && k < g->input.n; k++) {
      int begin = n;
      for (int p = 0; p < g->parts; p++)
        if (first[g->part_input[p][k]->id] < begin) begin = first[g->part_input[p][k]->id];
      for (int p = 0; p < g->parts && begin >= 0; p++) first[g->part_input[p][k]->id] = begin;
    }
  }
  for (int i = 0; i < r->graph->output.n; i++) last[nc_base(r->graph->output.at[i].node)->id] = n;
  for (int i = 0; i < n; i++) {
    size_t live = 0;
    for (int k = 0; k < r->graph->node.n; k++)
      if (first[k] >= 0 && first[k] <= i && last[k] > i) live += nc_type_bytes(r->graph->node.at[k]->type);
    if (live > most) most = live;
  }
  return most;
}

// Places that are easy to get wrong: each graph by hand, its values against the evaluator's.
static const char *const corners[] = {
  "%0 = const(){value=3} : f32[]\noutput \"y\" = %0",
  "%0 = iota(){axis=1} : i32[2,3]\noutput \"y\" = %0",
  "%0 = const(){values=[1,2,3]} : f32[3]\noutput \"y\" = %0",
  "%0 = input(){name=\"x\"} : f32[4]\noutput \"y\" = %0\noutput \"z\" = %0",
  "%0 = input(){name=\"x\"} : f32[4]\n%1 = reshape(%0){shape=[2,2]} : f32[2,2]\noutput \"y\" = %1",
  "%0 = input(){name=\"x\"} : f32[4]\n%1 = neg(%0) : f32[4]\n%2 = reshape(%1){shape=[2,2]} : f32[2,2]\n"
  "output \"y\" = %1\noutput \"z\" = %2",
  // a variable as it was, beside its new value
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = neg(%0) : f32[4]\n%2 = assign(%0, %1) : f32[4]\n"
  "output \"y\" = %0\neffect %2",
  // two variables change places
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = var(){name=\"w\", kind=\"state\"} : f32[4]\n"
  "%2 = assign(%0, %1) : f32[4]\n%3 = assign(%1, %0) : f32[4]\neffect %2\neffect %3",
  // one value for two variables, and an output of another shape
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = var(){name=\"w\", kind=\"state\"} : f32[2,2]\n"
  "%2 = neg(%0) : f32[4]\n"
  "%3 = reshape(%2){shape=[2,2]} : f32[2,2]\n%4 = assign(%0, %2) : f32[4]\n%5 = assign(%1, %3) : f32[2,2]\n"
  "output \"y\" = %3\neffect %4\neffect %5",
  // turned around in its own place: every element is read before it is written
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[4]\n%1 = slice(%0){start=[3], size=[4], step=[-1]} : f32[4]\n"
  "%2 = neg(%1) : f32[4]\n"
  "%3 = assign(%0, %2) : f32[4]\neffect %3",
  // a variable that a product reads and a product replaces
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[2,2]\n"
  "%1 = dot(%0, %0){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[2,2]\n"
  "%2 = assign(%0, %1) : f32[2,2]\neffect %2",
  // a constant for a variable
  "%0 = var(){name=\"v\", kind=\"state\"} : f32[3]\n%1 = const(){values=[1,2,3]} : f32[3]\n"
  "%2 = assign(%0, %1) : f32[3]\neffect %2",
};

START_TEST(corner) {
  NcGraph *g = nc_graph_read(arena, diag, "test", nc_sprintf(arena, "graph g {\n%s\n}\n", corners[_i]));
  ck_assert_msg(g != NULL, "%s", messages(diag));
  NcEvalOptions o;
  random_bindings(arena, g, (uint32_t)_i, &o);
  for (int apart = 0; apart < 2; apart++) {
    NcState s = compile(g, "memory", apart, NULL);
    same_runs(g, &s, &o, 2);
  }
}
END_TEST

START_TEST(arena_is_tight) {
  NcState s = compile(nets[_i].make(32), "memory", false, NULL);
  size_t arena_bytes = 0, least = most_live(&s);
  for (int i = 0; i < s.placement->plan->buf.n; i++)
    if (s.placement->plan->buf.at[i].kind == NC_BUF_ROOT_ARENA) arena_bytes += s.placement->plan->buf.at[i].bytes;
  ck_assert_uint_ge(arena_bytes, least);
  // Alignment and what does not fit together may cost something.
  ck_assert_msg(arena_bytes <= least + least / 4 + 16384, "%zu bytes, %zu live", arena_bytes, least);
}
END_TEST

START_TEST(several_arenas) {
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  NcGraph *g = net_mlp(arena, diag, 32, true);
  NcState whole = compile(g, "memory", false, &t);
  t.max_alloc = 500 << 10;   // the largest value, a weight's gradient in its pack, just fits
  NcState s = compile(g, "memory", false, &t);
  int arenas = 0;
  for (int i = 0; i < s.placement->plan->buf.n; i++) arenas += s.placement->plan->buf.at[i].kind == NC_BUF_ROOT_ARENA;
  ck_assert_int_ge(arenas, 2);
  NcEvalOptions o;
  random_bindings(arena, g, 5, &o);
  same_run(g, &s, &o, 0);
  ck_assert_uint_ge(nc_plan_bytes(s.placement->plan), nc_plan_bytes(whole.placement->plan));
}
END_TEST

START_TEST(too_large) {
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  if (_i) t.memory = 1 << 20;
  else t.max_alloc = 100 << 10;
  NcCompileOptions o = {.name = "test"};
  ck_assert_ptr_null(nc_compile(arena, diag, net_mlp(arena, diag, 32, true), &t, &o));
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0504);
  ck_assert_ptr_nonnull(strstr(messages(diag), "dense1.weight"));
  ck_assert_ptr_nonnull(strstr(messages(diag), "smaller batch"));
}
END_TEST

// The optimizer in place and over packs: one launch, and every segment where a kernel that runs over all of them looks.
START_TEST(update_packs) {
  NcState s = compile(net_mlp(arena, diag, 8, true), "memory", false, NULL);
  const NcPlan *p = s.placement->plan;
  for (int i = 0; i < s.regions->region.n; i++) {
    const NcRegion *g = s.regions->region.at[i];
    if (g->kind != NC_REGION_UPDATE) continue;
    ck_assert_int_eq(g->parts, 4);
    ck_assert_int_eq(g->output.n, 3);
    ck_assert_int_eq(g->pack_count % 32, 0);
    for (int k = 0; k < g->output.n; k++) {
      ck_assert_int_eq(p->buf.at[g->pack_assign[k]].kind, NC_BUF_ROOT_VAR);
      ck_assert_uint_eq(p->buf.at[g->pack_assign[k]].bytes, (size_t)g->pack_count * 4);
    }
    return;
  }
  ck_abort_msg("no update region");
}
END_TEST

// Two variables with equal gradients: one value cannot lie at two places of a pack.
START_TEST(update_of_equal_gradients) {
  NcGraph *g = nc_graph_new(arena, diag, "step");
  NcType t = {NC_F32, NC_SHAPE(5, 5)};
  NcNode *x = nc_input(g, NC_NOWHERE, "x", t);
  for (int i = 0; i < 4; i++) {
    NcNode *w = nc_var(g, NC_NOWHERE, nc_sprintf(arena, "w%d", i), "param", t);
    NcNode *d = i < 2 ? nc_matmul(g, NC_NOWHERE, x, x) : nc_matmul(g, NC_NOWHERE, x, nc_input(g, NC_NOWHERE, i < 3 ? "y" : "z", t));
    nc_assign(g, NC_NOWHERE, w, nc_op2(g, NC_NOWHERE, "sub", w, d));
  }
  NcState s = compile(g, "memory", false, NULL);
  ck_assert_int_eq(count_kind(s.regions, NC_REGION_UPDATE), 1);   // that they do not overlap is verified on the way
}
END_TEST

// ---- the pipeline

START_TEST(stops_after) {
  NcGraph *g = net_mlp(arena, diag, 4, true);
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  for (int i = 0; nc_pass_info(i); i++) {
    NcBuf out = NC_BUF(arena), times = NC_BUF(arena);
    NcCompileOptions o = {.name = "test", .stop_after = nc_pass_info(i)->name, .dump = &out, .timings = &times,
        .verify = true};
    ck_assert_ptr_null(nc_compile(arena, diag, g, &t, &o));
    ck_assert_msg(!diag->errors, "%s", messages(diag));
    ck_assert_uint_gt(out.n, 0);
    ck_assert_ptr_nonnull(strstr(nc_buf_str(&times), nc_pass_info(i)->name));
  }
  NcCompileOptions o = {.name = "test", .stop_after = "fuze"};
  ck_assert_ptr_null(nc_compile(arena, diag, g, &t, &o));
  ck_assert_ptr_nonnull(strstr(messages(diag), "did you mean `fuse`"));
}
END_TEST

int main(void) {
  Suite *s = suite_create("passes");
  const int nets_count = sizeof nets / sizeof *nets;
  TCase *c = suite_case(s, "random", NULL, NULL);
  tcase_add_loop_test(c, random_simplified, 0, 10);
  tcase_add_loop_test(c, random_placed, 0, 10);
  c = suite_case(s, "rules", suite_open, suite_close);
  tcase_add_loop_test(c, each_rule, 0, sizeof rules / sizeof *rules);
  tcase_add_test(c, no_rule_untested);
  c = suite_case(s, "fusion", suite_open, suite_close);
  tcase_add_loop_test(c, launches, 0, nets_count);
  tcase_add_loop_test(c, steps, 0, 8);
  tcase_add_loop_test(c, nets_run, 0, nets_count);
  tcase_add_loop_test(c, attention_is_linear_in_memory, 0, 2);
  tcase_add_test(c, softmax_is_one_row);
  tcase_add_test(c, layer_norm_is_one_row);
  tcase_add_test(c, bias_and_activation_in_the_product);
  tcase_add_test(c, cross_entropy_is_one_row);
  tcase_add_test(c, without_fusion);
  c = suite_case(s, "memory", suite_open, suite_close);
  tcase_add_loop_test(c, corner, 0, sizeof corners / sizeof *corners);
  tcase_add_loop_test(c, arena_is_tight, 0, nets_count);
  tcase_add_test(c, several_arenas);
  tcase_add_loop_test(c, too_large, 0, 2);
  tcase_add_test(c, update_packs);
  tcase_add_test(c, update_of_equal_gradients);
  c = suite_case(s, "pipeline", suite_open, suite_close);
  tcase_add_test(c, stops_after);
  return suite_run(s, CK_FORK_GETENV);
}

