// Each rule of the simplifier on a graph of its own: what it makes of it, and that the values stay.
#include <stdio.h>
#include <string.h>
#include "passes/rules.h"
#include "passes_run.h"

// x with a row of its sums for each axis, and two vectors of variables, spread.
#define FROZEN \
  "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n%2 = cumulative(%1){op=\"sum\", axis=0, reverse=0} : f32[3,4]\n" \
  "%3 = var(){name=\"m\", kind=\"state\"} : f32[4]\n%4 = broadcast(%3){shape=[3,4], axes=[1]} : f32[3,4]\n" \
  "%5 = var(){name=\"r\", kind=\"param\"} : f32[4]\n%6 = broadcast(%5){shape=[3,4], axes=[1]} : f32[3,4]\n"
#define SUMS "cumulative(broadcast(x))"

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
  {"", "%1 = const(){value=1.7014118346046923e+38} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = div(%0, %2) : f32[4]", "div(x, 1.7014118346046923e+38)"},             // 2^127: its reciprocal has lost bits
  {"div_const", "%1 = const(){value=1} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = div(%2, %0) : f32[4]", "reciprocal(x)"},
  {"pow_const", "%1 = const(){value=2} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = pow(%0, %2) : f32[4]", "mul(x, x)"},
  {"pow_const", "%1 = const(){value=0} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = pow(%0, %2) : f32[4]", "1"},
  {"pow_const", "%1 = const(){value=-0.5} : f32[]\n%2 = broadcast(%1){shape=[4], axes=[]} : f32[4]\n"
   "%3 = pow(%0, %2) : f32[4]", "rsqrt(x)"},
  {"mul_frozen", FROZEN "%7 = sub(%2, %4) : f32[3,4]\n%8 = mul(%7, %6) : f32[3,4]\n%9 = mul(%8, %4) : f32[3,4]",
   "add(mul(" SUMS ", broadcast(mul(r, m))), broadcast(mul(mul(neg(m), r), m)))"},
  {"add_frozen", FROZEN "%7 = mul(%2, %4) : f32[3,4]\n%8 = add(%6, %7) : f32[3,4]\n%9 = add(%8, %4) : f32[3,4]",
   "add(mul(" SUMS ", broadcast(m)), broadcast(add(r, m)))"},
  {"sub_frozen", FROZEN "%7 = mul(%2, %4) : f32[3,4]\n%8 = add(%6, %7) : f32[3,4]\n%9 = sub(%8, %4) : f32[3,4]",
   "add(mul(" SUMS ", broadcast(m)), broadcast(sub(r, m)))"},
  {"", FROZEN "%7 = sub(%2, %4) : f32[3,4]\n%8 = mul(%7, %6) : f32[3,4]\n%9 = mul(%8, %7) : f32[3,4]",
   "mul(mul(sub(" SUMS ", broadcast(m)), broadcast(r)), sub(" SUMS ", broadcast(m)))"},
  // A vector less x; a value on the way that is read twice; vectors along different axes.
  {"", FROZEN "%7 = sub(%4, %2) : f32[3,4]\n%8 = mul(%7, %6) : f32[3,4]\n%9 = mul(%8, %4) : f32[3,4]",
   "mul(mul(sub(broadcast(m), " SUMS "), broadcast(r)), broadcast(m))"},
  {"", FROZEN "%7 = sub(%2, %4) : f32[3,4]\n%8 = mul(%7, %6) : f32[3,4]\n%9 = add(%8, %4) : f32[3,4]\n%10 = exp(%8) : f32[3,4]\n"
   "%11 = mul(%9, %10) : f32[3,4]",
   "mul(add(mul(sub(" SUMS ", broadcast(m)), broadcast(r)), broadcast(m)), exp(mul(sub(" SUMS ", broadcast(m)), broadcast(r))))"},
  {"", "%1 = broadcast(%0){shape=[4,4], axes=[1]} : f32[4,4]\n%2 = cumulative(%1){op=\"sum\", axis=0, reverse=0} : f32[4,4]\n"
   "%3 = var(){name=\"m\", kind=\"state\"} : f32[4]\n%4 = broadcast(%3){shape=[4,4], axes=[1]} : f32[4,4]\n"
   "%5 = broadcast(%3){shape=[4,4], axes=[0]} : f32[4,4]\n%6 = sub(%2, %4) : f32[4,4]\n%7 = mul(%6, %5) : f32[4,4]\n"
   "%8 = add(%7, %4) : f32[4,4]", "add(mul(sub(" SUMS ", broadcast(m)), broadcast(m)), broadcast(m))"},
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
  {"", "%1 = cast(%0){to=\"i32\"} : i32[4]\n%2 = cast(%1){to=\"f32\"} : f32[4]\n%3 = cast(%2){to=\"i32\"} : i32[4]", "cast(cast(cast(x)))"},
  {"reshape_reshape", "%1 = reshape(%0){shape=[2,2]} : f32[2,2]\n%2 = reshape(%1){shape=[4,1]} : f32[4,1]\n"
   "%3 = reshape(%2){shape=[4]} : f32[4]", "x"},
  {"reshape_broadcast", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = reshape(%1){shape=[3,1,4]} : f32[3,1,4]", "broadcast(x)"},
  {"permute_permute", "%1 = broadcast(%0){shape=[3,4], axes=[1]} : f32[3,4]\n"
   "%2 = cumulative(%1){op=\"sum\", axis=0, reverse=0} : f32[3,4]\n%3 = permute(%2){perm=[1,0]} : f32[4,3]\n"
   "%4 = permute(%3){perm=[1,0]} : f32[3,4]", SUMS},
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
  {"", "%1 = pad(%0){lo=[-1], hi=[2], value=0} : f32[5]\n%2 = pad(%1){lo=[1], hi=[0], value=0} : f32[6]", "pad(pad(x))"},
  {"concat_concat", "%1 = neg(%0) : f32[4]\n%2 = concat(%0, %1){axis=0} : f32[8]\n"
   "%3 = concat(%2, %0){axis=0} : f32[12]", "concat(x, neg(x), x)"},
  {"concat_slices", "%1 = slice(%0){start=[0], size=[1], step=[1]} : f32[1]\n"
   "%2 = slice(%0){start=[1], size=[3], step=[1]} : f32[3]\n%3 = concat(%1, %2){axis=0} : f32[4]", "x"},
  {"", "%1 = broadcast(%0){shape=[2,4], axes=[1]} : f32[2,4]\n%2 = cumulative(%1){op=\"sum\", axis=0, reverse=0} : f32[2,4]\n"
   "%3 = slice(%2){start=[0,0], size=[1,2], step=[1,1]} : f32[1,2]\n%4 = slice(%2){start=[1,0], size=[1,2], step=[1,2]} : f32[1,2]\n"
   "%5 = concat(%3, %4){axis=0} : f32[2,2]", "concat(slice(" SUMS "), slice(" SUMS "))"},
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
  {"", "%1 = reshape(%0){shape=[2,1,2]} : f32[2,1,2]\n%2 = pad(%1){lo=[1,0,0], hi=[0,0,0], value=0} : f32[3,1,2]\n"
   "%3 = reshape(%0){shape=[4,1,1]} : f32[4,1,1]\n"
   "%4 = conv(%2, %3){groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1]} : f32[3,4,2]", "conv(pad(reshape(x)), reshape(x))"},
  {"", "%1 = reshape(%0){shape=[1,2,2]} : f32[1,2,2]\n%2 = pad(%1){lo=[0,1,0], hi=[0,1,0], value=0} : f32[1,4,2]\n"
   "%3 = reshape(%0){shape=[2,2,1]} : f32[2,2,1]\n"
   "%4 = conv(%2, %3){groups=2, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1]} : f32[1,2,2]", "conv(pad(reshape(x)), reshape(x))"},
  {"", "%1 = reshape(%0){shape=[1,1,4]} : f32[1,1,4]\n%2 = pad(%1){lo=[0,0,1], hi=[0,0,1], value=0} : f32[1,1,6]\n"
   "%3 = conv(%2, %1){groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[2]} : f32[1,1,8]", "conv(pad(reshape(x)), reshape(x))"},
  {"", "%1 = reshape(%0){shape=[1,1,4]} : f32[1,1,4]\n"                                 // what is cropped does not come back
   "%2 = pad(%1){lo=[0,0,-1], hi=[0,0,1], value=0} : f32[1,1,4]\n"
   "%3 = conv(%2, %1){groups=1, stride=[1], lo=[1], hi=[0], dilation=[1], dilate_x=[1]} : f32[1,1,2]",
   "conv(pad(reshape(x)), reshape(x))"},
  {"conv_dense", "%1 = reshape(%0){shape=[1,2,2]} : f32[1,2,2]\n%2 = exp(%1) : f32[1,2,2]\n"
   "%3 = conv(%2, %1){groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1]} : f32[1,1,1]",
   "reshape(dot(reshape(exp(reshape(x))), reshape(x)))"},
  {"", "%1 = reshape(%0){shape=[1,2,2]} : f32[1,2,2]\n%2 = exp(%1) : f32[1,2,2]\n"
   "%3 = conv(%2, %1){groups=1, stride=[1], lo=[1], hi=[-1], dilation=[1], dilate_x=[1]} : f32[1,1,1]",
   "conv(exp(reshape(x)), reshape(x))"},
  {"", "%1 = reshape(%0){shape=[1,4,1]} : f32[1,4,1]\n%2 = exp(%0) : f32[4]\n%3 = reshape(%2){shape=[2,2,1]} : f32[2,2,1]\n"
   "%4 = conv(%1, %3){groups=2, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1]} : f32[1,2,1]", "conv(reshape(x), reshape(exp(x)))"},
  {"conv_scaled", "%1 = iota(){axis=2} : f32[1,4,6]\n%2 = cumulative(%1){op=\"sum\", axis=2, reverse=0} : f32[1,4,6]\n"
   "%3 = broadcast(%0){shape=[1,4,6], axes=[1]} : f32[1,4,6]\n%4 = mul(%2, %3) : f32[1,4,6]\n"
   "%5 = reshape(%0){shape=[1,4,1]} : f32[1,4,1]\n"
   "%6 = conv(%4, %5){groups=1, stride=[1], lo=[0], hi=[0], dilation=[1], dilate_x=[1]} : f32[1,1,6]",
   "conv(cumulative(iota()), mul(reshape(x), reshape(x)))"},
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
  if (nc_is_op(n, "input") || nc_is_op(n, "var")) nc_put(b, nc_attr_str(n, "name"));
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
  ck_assert_int_eq(diag->errors, 0);
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

int main(void) {
  Suite *s = suite_create("simplify");
  TCase *c = suite_case(s, "rules", suite_open, suite_close);
  tcase_add_loop_test(c, each_rule, 0, LENGTH(rules));
  tcase_add_test(c, no_rule_untested);
  return suite_run(s, CK_FORK_GETENV);
}
