// What every operation refuses: the code, and words that name the operands.
#include <string.h>
#include "ops/op.h"
#include "suite.h"

static NcGraph *g;

static void setup(void) {
  suite_open();
  g = nc_graph_new(arena, diag, "test");
}

// One line each: inputs of these types are %0, %1 …; the node is written as in a graph's text.
static const struct { NcCode code; const char *types, *node, *words; } refusals[] = {
  // pointwise
  {NC_E0201, "f32[2,3] f32[3,2]", "add(%0, %1)", "f32[2,3] and f32[3,2]"},
  {NC_E0201, "f32[2] f32[]", "mul(%0, %1)", "f32[2] and f32[]"},
  {NC_E0204, "f32[2] i32[2]", "add(%0, %1)", "f32[2] and i32[2]"},
  {NC_E0204, "u8[2] u8[2]", "add(%0, %1)", "u8[2]: cast it first"},
  {NC_E0204, "bool[2] bool[2]", "mul(%0, %1)", "bool[2]"},
  {NC_E0204, "bool[2] bool[2]", "max(%0, %1)", "bool[2]"},
  {NC_E0204, "i32[2] i32[2]", "div(%0, %1)", "needs floats"},
  {NC_E0204, "f32[2] f32[2]", "floordiv(%0, %1)", "i32 or i64"},
  {NC_E0204, "i32[2]", "exp(%0)", "needs floats and got i32[2]"},
  {NC_E0204, "i32[2]", "isfinite(%0)", "needs floats"},
  {NC_E0204, "f32[2] f32[2]", "and(%0, %1)", "needs bool"},
  {NC_E0204, "i32[2] f32[2] f32[2]", "select(%0, %1, %2)", "the mask must be bool"},
  {NC_E0204, "bool[2] f32[2] i32[2]", "select(%0, %1, %2)", "f32[2] and i32[2]"},
  {NC_E0201, "bool[3] f32[2] f32[2]", "select(%0, %1, %2)", "bool[3] and f32[2]"},
  {NC_E0204, "f32[2]", "cast(%0){to=\"f33\"}", "\"f33\""},
  {NC_E0901, "f32[2]", "add(%0)", "2 operands"},
  // leaves
  {NC_E0206, "", "iota(){axis=1} : i32[3]", "i32[3]"},
  {NC_E0206, "", "iota(){axis=0} : i32[]", "i32[]"},
  {NC_E0204, "", "iota(){axis=0} : bool[3]", "bool"},
  {NC_E0202, "", "const(){value=1} : f32[3]", "scalar"},
  {NC_E0207, "", "const(){values=[1,2]} : f32[3]", "2 values for f32[3]"},
  {NC_E0209, "", "const(){value=256} : u8[]", "256 is no u8"},
  {NC_E0209, "", "const(){value=nan} : i32[]", "no i32"},
  {NC_E0205, "", "const(){value=1, values=[1]} : f32[]", "either"},
  {NC_E0205, "", "var(){name=\"w\", kind=\"thing\"} : f32[]", "\"thing\""},
  {NC_E0205, "", "input(){name=\"\"} : f32[]", "name"},
  {NC_E0208, "", "input(){name=\"x\"} : f32[100000000,100000000]", "too many"},
  {NC_E0204, "f32[]", "random(%0){dist=\"normal\", site=0} : f32[2]", "i32 scalar"},
  {NC_E0204, "i32[2]", "random(%0){dist=\"normal\", site=0} : f32[2]", "i32 scalar"},
  {NC_E0204, "i32[]", "random(%0){dist=\"normal\", site=0} : i32[2]", "floats"},
  {NC_E0205, "i32[]", "random(%0){dist=\"cauchy\", site=0} : f32[2]", "\"cauchy\""},
  {NC_E0209, "i32[]", "random(%0){dist=\"normal\", site=-1} : f32[2]", "negative"},
  // movement
  {NC_E0207, "f32[2,3]", "reshape(%0){shape=[4]}", "f32[2,3] has 6 elements"},
  {NC_E0207, "f32[2,3]", "reshape(%0){shape=[6,0]}", "do not fill"},
  {NC_E0207, "f32[2,3]", "reshape(%0){shape=[-2,-3]}", "do not fill"},
  {NC_E0202, "f32[1]", "reshape(%0){shape=[1,1,1,1,1,1,1,1,1]}", "axes"},
  {NC_E0202, "f32[2,3]", "permute(%0){perm=[0]}", "f32[2,3]"},
  {NC_E0206, "f32[2,3]", "permute(%0){perm=[0,2]}", "axis 2 does not exist in f32[2,3]"},
  {NC_E0206, "f32[2,3]", "permute(%0){perm=[0,0]}", "twice"},
  {NC_E0201, "f32[3]", "broadcast(%0){shape=[4,2], axes=[0]}", "f32[3] does not broadcast to f32[4,2]"},
  {NC_E0206, "f32[3]", "broadcast(%0){shape=[3], axes=[1]}", "axis 1"},
  {NC_E0206, "f32[2,3]", "broadcast(%0){shape=[3,2], axes=[1,0]}", "ascend"},
  {NC_E0202, "f32[2,3]", "broadcast(%0){shape=[2,3], axes=[1]}", "f32[2,3]"},
  {NC_E0209, "f32[5]", "slice(%0){start=[3], size=[2], step=[2]}", "3 to 5 of axis 0"},
  {NC_E0209, "f32[5]", "slice(%0){start=[1], size=[3], step=[-1]}", "1 to -1"},
  {NC_E0209, "f32[5]", "slice(%0){start=[0], size=[2], step=[0]}", "step"},
  {NC_E0208, "f32[5]", "slice(%0){start=[0], size=[0], step=[1]}", "nothing is left"},
  {NC_E0202, "f32[5]", "slice(%0){start=[0,0], size=[1], step=[1]}", "`start`"},
  {NC_E0208, "f32[3]", "pad(%0){lo=[-2], hi=[-1], value=0}", "nothing"},
  {NC_E0209, "i32[3]", "pad(%0){lo=[1], hi=[1], value=0.5}", "0.5 is no i32"},
  {NC_E0202, "f32[3]", "pad(%0){lo=[1,1], hi=[1], value=0}", "`lo`"},
  {NC_E0203, "f32[2,3] f32[2,2]", "concat(%0, %1){axis=0}", "f32[2,3] and f32[2,2]"},
  {NC_E0203, "f32[2,3] f32[2]", "concat(%0, %1){axis=0}", "f32[2]"},
  {NC_E0204, "f32[2] i32[2]", "concat(%0, %1){axis=0}", "i32[2]"},
  {NC_E0206, "f32[2] f32[2]", "concat(%0, %1){axis=1}", "axis 1"},
  {NC_E0304, "", "concat(){axis=0}", "at least one"},
  // reductions
  {NC_E0206, "f32[2]", "reduce(%0){op=\"sum\", axes=[1]}", "axis 1"},
  {NC_E0206, "f32[2]", "reduce(%0){op=\"sum\", axes=[]}", "needs an axis"},
  {NC_E0206, "f32[2,2]", "reduce(%0){op=\"sum\", axes=[1,0]}", "ascend"},
  {NC_E0206, "f32[2,2]", "reduce(%0){op=\"argmax\", axes=[0,1]}", "one axis"},
  {NC_E0205, "f32[2]", "reduce(%0){op=\"median\", axes=[0]}", "\"median\""},
  {NC_E0204, "f32[2]", "reduce(%0){op=\"any\", axes=[0]}", "f32[2]"},
  {NC_E0204, "bool[2]", "reduce(%0){op=\"sum\", axes=[0]}", "bool[2]"},
  {NC_E0204, "u8[2]", "reduce(%0){op=\"sum\", axes=[0]}", "u8[2]"},
  {NC_E0206, "f32[2]", "cumulative(%0){op=\"sum\", axis=1, reverse=0}", "axis 1"},
  {NC_E0205, "f32[2]", "cumulative(%0){op=\"max\", axis=0, reverse=0}", "\"max\""},
  {NC_E0209, "f32[2]", "cumulative(%0){op=\"sum\", axis=0, reverse=2}", "reverse"},
  // contractions
  {NC_E0203, "f32[2,3] f32[4,5]", "dot(%0, %1){abatch=[], bbatch=[], acon=[1], bcon=[0]}", "size 3 along axis 1"},
  {NC_E0203, "f32[2,3] f32[4,3]", "dot(%0, %1){abatch=[0], bbatch=[0], acon=[1], bcon=[1]}", "f32[4,3] has size 4"},
  {NC_E0204, "f32[2] i32[2]", "dot(%0, %1){abatch=[], bbatch=[], acon=[0], bcon=[0]}", "i32[2]"},
  {NC_E0204, "bool[2] bool[2]", "dot(%0, %1){abatch=[], bbatch=[], acon=[0], bcon=[0]}", "bool[2]"},
  {NC_E0206, "f32[2] f32[2]", "dot(%0, %1){abatch=[], bbatch=[], acon=[1], bcon=[0]}", "axis 1"},
  {NC_E0206, "f32[2] f32[2]", "dot(%0, %1){abatch=[], bbatch=[], acon=[0], bcon=[-1]}", "axis -1"},
  {NC_E0206, "f32[2] f32[2]", "dot(%0, %1){abatch=[0], bbatch=[0], acon=[0], bcon=[0]}", "both batch and contracted"},
  {NC_E0202, "f32[2] f32[2]", "dot(%0, %1){abatch=[0], bbatch=[], acon=[], bcon=[]}", "length"},
  {NC_E0202, "f32[1,1,1,1,1] f32[1,1,1,1]", "dot(%0, %1){abatch=[], bbatch=[], acon=[], bcon=[]}", "8 axes"},
#define CONV1(g, st, dil) "{groups=" #g ", stride=[" #st "], lo=[0], hi=[0], dilation=[" #dil "], dilate_x=[1]}"
  {NC_E0203, "f32[1,3,9] f32[4,2,3]", "conv(%0, %1)" CONV1(1, 1, 1), "take 2 channels"},
  {NC_E0203, "f32[1,3,9] f32[4,1,3]", "conv(%0, %1)" CONV1(2, 1, 1), "do not split into 2 groups"},
  {NC_E0203, "f32[1,4,9] f32[3,2,3]", "conv(%0, %1)" CONV1(2, 1, 1), "3 result channels"},
  {NC_E0203, "f32[1,3,4] f32[4,3,3]", "conv(%0, %1)" CONV1(1, 1, 2), "does not fit into f32[1,3,4]"},
  {NC_E0209, "f32[1,3,9] f32[4,3,3]", "conv(%0, %1)" CONV1(1, 0, 1), "`stride`"},
  {NC_E0203, "f32[1,3,9] f32[4,3,3]", "conv(%0, %1)" CONV1(0, 1, 1), "groups"},
  {NC_E0202, "f32[3,9] f32[4,9]", "conv(%0, %1)" CONV1(1, 1, 1), "got f32[3,9]"},
  {NC_E0202, "f32[1,3,9] f32[4,3,3,3]", "conv(%0, %1)" CONV1(1, 1, 1), "equally many axes"},
  {NC_E0202, "f32[1,3,9,9] f32[4,3,3,3]", "conv(%0, %1)" CONV1(1, 1, 1), "2 spatial axes"},
  {NC_E0204, "i32[1,3,9] i32[4,3,3]", "conv(%0, %1)" CONV1(1, 1, 1), "needs floats"},
#define WEIGHT1(k) "{groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1], kernel=[" #k "]}"
  {NC_E0203, "f32[1,3,9] f32[1,4,7]", "conv_weight(%0, %1)" WEIGHT1(2), "does not give f32[1,4,7]"},
  {NC_E0203, "f32[1,3,9] f32[1,4,7]", "conv_weight(%0, %1)" WEIGHT1(0), "kernel of 0"},
  {NC_E0203, "f32[1,3,9] f32[2,4,7]", "conv_weight(%0, %1)" WEIGHT1(3), "do not belong together"},
  // windows
#define POOL1(k, win, st, lo) "{op=\"" k "\", window=[" #win "], stride=[" #st "], lo=[" #lo "], hi=[0]}"
  {NC_E0203, "f32[2,4]", "pool(%0)" POOL1("max", 5, 1, 0), "window of 5"},
  {NC_E0205, "f32[2,4]", "pool(%0)" POOL1("min", 2, 1, 0), "\"min\""},
  {NC_E0209, "f32[2,4]", "pool(%0)" POOL1("max", 2, 0, 0), "positive"},
  {NC_E0209, "f32[2,4]", "pool(%0)" POOL1("max", 2, 1, -1), "negative"},
  {NC_E0209, "f32[2,4]", "pool(%0)" POOL1("avg", 2, 1, 2), "wholly in the padding"},
  {NC_E0204, "i32[2,4]", "pool(%0)" POOL1("sum", 2, 1, 0), "needs floats"},
  {NC_E0202, "f32[4]", "pool(%0){op=\"max\", window=[2,2], stride=[1,1], lo=[0,0], hi=[0,0]}", "f32[4]"},
  {NC_E0203, "f32[3]", "pool_grad(%0){op=\"sum\", size=[3], window=[2], stride=[1], lo=[0], hi=[0]}", "together"},
  {NC_E0304, "f32[3]", "pool_grad(%0){op=\"max\", size=[3], window=[2], stride=[1], lo=[0], hi=[0]}", "3 operands"},
  // indexing, effects
  {NC_E0204, "f32[3] f32[2]", "gather(%0, %1){axis=0}", "must be i32"},
  {NC_E0206, "f32[3] i32[2]", "gather(%0, %1){axis=1}", "axis 1"},
  {NC_E0203, "f32[2,3] i32[3,1]", "gather(%0, %1){axis=1, batch=1}", "share the first 1 axes"},
  {NC_E0203, "f32[2,3] i32[2,1]", "gather(%0, %1){axis=0, batch=1}", "share"},
  {NC_E0209, "f32[1,1,2,3]", "attention(%0, %0, %0){what=\"value\", causal=0, scale=inf}", "finite"},
  {NC_E0209, "f32[1,1,2,3]", "attention(%0, %0, %0){what=\"value\", causal=2, scale=1}", "causal"},
  {NC_E0202, "f32[2,3]", "attention(%0, %0, %0){what=\"value\", causal=0, scale=1}", "[batch, heads"},
  {NC_E0203, "f32[1,3,2,3] f32[1,2,2,3]", "attention(%0, %1, %1){what=\"value\", causal=0, scale=1}", "cannot share"},
  {NC_E0203, "f32[1,1,3,3] f32[1,1,2,3]", "attention(%0, %1, %1){what=\"value\", causal=1, scale=1}", "as many keys"},
  {NC_E0203, "f32[1,1,2,3] f32[1,1,2,4]", "attention(%0, %0, %0, %1){what=\"value\", causal=0, scale=1}", "does not fit"},
  {NC_E0204, "f32[1,1,2,2] i32[1,1,2,2]", "attention(%0, %0, %0, %1){what=\"value\", causal=0, scale=1}", "f32 or bool"},
  {NC_E0209, "f32[3]", "argsort(%0){axis=0, descending=0, count=4}", "the first 4 of 3"},
  {NC_E0209, "f32[3]", "argsort(%0){axis=0, descending=2, count=3}", "descending"},
  {NC_E0204, "f16[3]", "argsort(%0){axis=0, descending=0, count=3}", "cast it first"},
  {NC_E0206, "f32[3]", "argsort(%0){axis=1, descending=0, count=3}", "axis 1"},
  {NC_E0202, "f32[1,1,1,1,1] i32[1,1,1,1,1]", "gather(%0, %1){axis=1}", "8 axes"},
  {NC_E0203, "f32[3] i32[2]", "scatter_add(%0, %1){axis=0, size=4}", "f32[3] does not hold i32[2]"},
  {NC_E0208, "f32[2] i32[2]", "scatter_add(%0, %1){axis=0, size=0}", "positive"},
  {NC_E0204, "bool[2] i32[2]", "scatter_add(%0, %1){axis=0, size=2}", "bool[2]"},
  {NC_E0205, "f32[2] f32[2]", "assign(%0, %1)", "only a var"},
  {NC_E0202, "f32[2]", "orthogonal(%0)", "matrix"},
};

// The reader reports E0801 with the rule's words, and the rule's own code in a note.
START_TEST(refusal) {
  NcBuf t = NC_BUF(arena);
  nc_put(&t, "graph x {\n");
  int n = 0;
  for (const char *p = refusals[_i].types; *p;) {
    size_t len = strcspn(p, " ");
    nc_putf(&t, "%%%d = input(){name=\"in%d\"} : %.*s\n", n, n, (int)len, p);
    n++;
    p += len + (p[len] == ' ');
  }
  NcBuf whole = NC_BUF(arena);
  const char *node = refusals[_i].node;
  nc_putf(&whole, "%s%%%d = %s%s\n}", nc_buf_str(&t), n, node, strstr(node, " : ") ? "" : " : f32[]");
  ck_assert_ptr_null(nc_graph_read(arena, diag, "refused", nc_buf_str(&whole)));
  NcMessage *m = diag->messages.at[0];
  ck_assert_int_eq(diag->errors, 1);
  ck_assert_int_eq(m->code, NC_E0801);
  ck_assert_msg(strstr(m->text, refusals[_i].words), "%s: %s", node, m->text);
  ck_assert_msg(m->notes.n == 1 && strstr(m->notes.at[0], nc_code_name(refusals[_i].code)), "%s: %s is not %s", node,
                m->notes.n ? m->notes.at[0] : "nothing", nc_code_name(refusals[_i].code));
}
END_TEST

// ---- constructors' own refusals

START_TEST(matmul) {
  NcType m = {NC_F32, NC_SHAPE(2, 3)}, v = {NC_F32, NC_SHAPE(3)}, b = {NC_F32, NC_SHAPE(4, 2, 3)};
  NcNode *x = nc_input(g, NC_NOWHERE, "m", m), *y = nc_input(g, NC_NOWHERE, "v", v);
  NcNode *z = nc_input(g, NC_NOWHERE, "b", b);
  ck_assert_ptr_null(nc_matmul(g, NC_NOWHERE, x, y));
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0202);
  ck_assert_ptr_nonnull(strstr(diag->messages.at[0]->text, "f32[2,3] and f32[3]"));
  ck_assert_ptr_null(nc_matmul(g, NC_NOWHERE, x, z));
  ck_assert_ptr_null(nc_transpose(g, NC_NOWHERE, y));
  NcNode *batched = nc_matmul(g, NC_NOWHERE, z, nc_transpose(g, NC_NOWHERE, z));
  ck_assert(nc_shape_eq(batched->type.shape, NC_SHAPE(4, 2, 2)));
  ck_assert(nc_shape_eq(nc_matmul(g, NC_NOWHERE, z, nc_transpose(g, NC_NOWHERE, x))->type.shape, NC_SHAPE(4, 2, 2)));
  ck_assert(nc_shape_eq(nc_matmul(g, NC_NOWHERE, y, nc_transpose(g, NC_NOWHERE, x))->type.shape, NC_SHAPE(2)));
}
END_TEST

START_TEST(what_changes_nothing_is_no_node) {
  NcNode *x = nc_input(g, NC_NOWHERE, "x", (NcType){NC_F32, NC_SHAPE(2, 3)});
  const int64_t zero[2] = {0, 0}, one[2] = {1, 1}, ascending[2] = {0, 1};
  ck_assert_ptr_eq(nc_reshape(g, NC_NOWHERE, x, x->type.shape), x);
  ck_assert_ptr_eq(nc_permute(g, NC_NOWHERE, x, ascending), x);
  ck_assert_ptr_eq(nc_broadcast(g, NC_NOWHERE, x, x->type.shape, ascending), x);
  ck_assert_ptr_eq(nc_slice(g, NC_NOWHERE, x, zero, x->type.shape.dim, one), x);
  ck_assert_ptr_eq(nc_pad(g, NC_NOWHERE, x, zero, zero, 0), x);
  ck_assert_ptr_eq(nc_cast(g, NC_NOWHERE, x, NC_F32), x);
  ck_assert_ptr_eq(nc_concat(g, NC_NOWHERE, 1, &x, 0), x);
  ck_assert_ptr_eq(nc_reduce(g, NC_NOWHERE, "sum", x, 0, NULL), x);
  ck_assert_int_eq(g->node.n, 1);
}
END_TEST

int main(void) {
  Suite *s = suite_create("rules");
  TCase *t = suite_case(s, "rules", setup, suite_close);
  tcase_add_loop_test(t, refusal, 0, (int)(sizeof refusals / sizeof *refusals));
  tcase_add_test(t, matmul);
  tcase_add_test(t, what_changes_nothing_is_no_node);
  return suite_run(s, CK_FORK_GETENV);
}
