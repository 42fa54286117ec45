// Passes against the evaluator: random graphs and whole nets mean the same after every pass, whatever was fused,
// reordered and placed; and what was fused is counted.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "passes_run.h"

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

// ---- what becomes one kernel

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

// Reshapes between transpositions: each would double the text of an index.
START_TEST(indices_have_an_end) {
  NcGraph *g = nc_graph_new(arena, diag, "shuffles");
  NcNode *x = nc_input(g, NC_NOWHERE, "x", (NcType){NC_F32, NC_SHAPE(30, 49)});
  for (int i = 0; i < 24; i++) {
    x = nc_reshape(g, NC_NOWHERE, nc_transpose(g, NC_NOWHERE, x), i % 2 ? NC_SHAPE(30, 49) : NC_SHAPE(35, 42));
    if (_i && i % 4 == 3) x = nc_op1(g, NC_NOWHERE, "neg", x);
  }
  nc_graph_output(g, "y", nc_op1(g, NC_NOWHERE, "sin", x));
  NcEvalOptions o;
  random_bindings(arena, g, 1, &o);
  NcState s = compile(g, "memory", false, NULL);
  same_run(g, &s, &o, 0);
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  NcPlan *p = nc_compile(arena, diag, g, &t, &(NcCompileOptions){.name = "test", .verify = true});
  ck_assert_msg(p && strlen(p->program) < 1 << 20, "%s", p ? "the program is too long" : messages(diag));
}
END_TEST

// A row further down and a number above, so often that conditions would stand within each other without end.
START_TEST(movement_has_an_end) {
  enum { TIMES = 150 };
  NcGraph *g = nc_graph_new(arena, diag, "shifts");
  NcNode *x = nc_input(g, NC_NOWHERE, "x", (NcType){NC_F32, NC_SHAPE(200, 2)});
  for (int i = 0; i < TIMES; i++) {
    x = nc_pad(g, NC_NOWHERE, x, (int64_t[]){1, 0}, (int64_t[]){-1, 0}, i + 1);
    if (_i && i % 3 == 2) x = nc_op1(g, NC_NOWHERE, "neg", x);        // what is computed again adds its own
  }
  nc_graph_output(g, "y", nc_op1(g, NC_NOWHERE, "sin", x));
  NcEvalOptions o;
  random_bindings(arena, g, 1, &o);
  NcState s = compile(g, "memory", false, NULL);
  same_run(g, &s, &o, 0);
  ck_assert_int_le(s.regions->region.n, TIMES / 4);
  for (int cls = 0; cls < 2; cls++) {
    NcTarget t = nc_target_default(cls ? NC_CLASS_GPU : NC_CLASS_CPU);
    ck_assert_msg(nc_compile(arena, diag, g, &t, &(NcCompileOptions){.name = "test", .verify = true}), "%s", messages(diag));
  }
}
END_TEST

START_TEST(without_fusion) {
  NcState s = compile(make_mlp(4), "fuse", true, NULL);
  for (int i = 0; i < s.regions->region.n; i++)
    if (s.regions->region.at[i]->kind != NC_REGION_COPY) ck_assert_int_eq(s.regions->region.at[i]->core.n, 1);
}
END_TEST

// ---- the order

// A product of variables is small beside a layer's result; it waits all the same until somebody reads it.
START_TEST(what_is_needed_late_comes_late) {
  NcGraph *g = nc_graph_new(arena, diag, "late");
  NcNode *x = nc_input(g, NC_NOWHERE, "x", (NcType){NC_F32, NC_SHAPE(512, 16)});
  NcNode *w = nc_var(g, NC_NOWHERE, "w", "param", (NcType){NC_F32, NC_SHAPE(16, 16)}), *square = nc_matmul(g, NC_NOWHERE, w, w);
  for (int i = 0; i < 4; i++) x = nc_op1(g, NC_NOWHERE, "tanh", nc_matmul(g, NC_NOWHERE, x, w));
  nc_graph_output(g, "y", nc_matmul(g, NC_NOWHERE, x, square));
  NcRegions *r = compile(g, "schedule", false, NULL).regions;
  ck_assert_int_eq(r->region.n, 6);
  ck_assert_ptr_eq(r->region.at[4]->anchor->in[0], r->region.at[4]->anchor->in[1]);
  for (int i = 0; i < r->region.n; i++) ck_assert_int_eq(r->region.at[i]->order, i);
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
  TCase *c = suite_case(s, "random", NULL, NULL);
  tcase_add_loop_test(c, random_simplified, 0, 10);
  tcase_add_loop_test(c, random_placed, 0, 10);
  c = suite_case(s, "fusion", suite_open, suite_close);
  tcase_add_loop_test(c, launches, 0, LENGTH(nets));
  tcase_add_loop_test(c, steps, 0, 8);
  tcase_add_loop_test(c, attention_is_linear_in_memory, 0, 2);
  tcase_add_loop_test(c, nets_run, 0, LENGTH(nets));
  tcase_add_loop_test(c, movement_has_an_end, 0, 2);
  tcase_add_loop_test(c, indices_have_an_end, 0, 2);
  tcase_add_test(c, softmax_is_one_row);
  tcase_add_test(c, layer_norm_is_one_row);
  tcase_add_test(c, bias_and_activation_in_the_product);
  tcase_add_test(c, cross_entropy_is_one_row);
  tcase_add_test(c, without_fusion);
  c = suite_case(s, "order", suite_open, suite_close);
  tcase_add_test(c, what_is_needed_late_comes_late);
  c = suite_case(s, "pipeline", suite_open, suite_close);
  tcase_add_test(c, stops_after);
  return suite_run(s, CK_FORK_GETENV);
}
