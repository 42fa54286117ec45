// Maps of names: rules, numbers, pieces, and what cannot be read.
#include <math.h>
#include <string.h>
#include "io/names.h"
#include "suite.h"

static NcTensors file;
static void put(const char *name, NcType t, const void *data) {
  NcTensor *more = NC_NEW_N(arena, NcTensor, file.n + 1);
  if (file.n) memcpy(more, file.tensor, (size_t)file.n * sizeof *more);
  more[file.n++] = (NcTensor){name, t, data};
  file.tensor = more;
}
#define F32(...) ((NcType){NC_F32, NC_SHAPE(__VA_ARGS__)})

static NcNamedList apply(const char *text) {
  NcNamedList l = {0};
  NcNameMap *m = nc_names_parse(arena, diag, "test.map", text, strlen(text));
  ck_assert_msg(m && nc_names_apply(arena, diag, NC_NOWHERE, m, &file, &l), "%s", messages(diag));
  return l;
}

static void refuse(const char *text, const char *why) {
  NcNamedList l;
  diag = nc_diag_new(arena);
  NcNameMap *m = nc_names_parse(arena, diag, "test.map", text, strlen(text));
  ck_assert(!m || !nc_names_apply(arena, diag, NC_NOWHERE, m, &file, &l));
  ck_assert_msg(diag->messages.at[0]->code == NC_E0412 && strstr(messages(diag), why), "%s", messages(diag));
}

START_TEST(names_are_put_together) {
  file = (NcTensors){0};
  const char *there[] = {"layer1.0.conv1.weight", "layer4.12.conv1.weight", "bn1.num_batches_tracked", "fc.bias", "h.0.x",
                         "h.7.x", "other"};
  const char *here[] = {"stage0.block.conv.weight", "stage3.block_13.conv.weight", NULL, "head.b", "even.17.pair_3",
                        "even.24.pair_17", "other"};
  for (int i = 0; i < 7; i++) put(there[i], F32(1), NULL);
  NcNamedList l = apply("# a comment\n\nlayer{i}.{j}.conv1.weight -> stage{i-1}.block{j#}.conv.weight  # another\n"
                        "*.num_batches_tracked -> -\nfc.bias -> head.b\nfc.* -> tail.*\nh.{i}.x -> even.{i+17}.pair{2*i+2#}\n");
  ck_assert_int_eq(l.n, 6);
  for (int i = 0; i < 7; i++)
    if (here[i]) ck_assert_msg(nc_named_find(&l, here[i]) != NULL, "%s became %s", there[i], l.at[i - (i > 2)].name);
}
END_TEST

START_TEST(stars_match_as_little_as_goes) {
  file = (NcTensors){0};
  put("a.b.c.weight", F32(1), NULL);
  put("net.layer.2.w", F32(1), NULL);
  NcNamedList l = apply("a.*.weight -> *\n*.layer.{i}.* -> {i}/*/*\n");
  ck_assert(nc_named_find(&l, "b.c") && nc_named_find(&l, "2/net/w"));
}
END_TEST

START_TEST(pieces) {
  static const float m[] = {1, 2, 3, 4, 5, 6}, q[] = {1, 2}, k[] = {3, 4}, b[] = {10, 20};
  static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7bff}, brain[] = {0x3f80, 0xc000};
  file = (NcTensors){0};
  put("m", F32(2, 3), m);
  put("k.w", F32(1, 2), k);   // pieces come in any order
  put("q.w", F32(1, 2), q);
  put("b1", F32(2), q);
  put("b2", F32(2), k);
  put("b3", F32(2), b);
  put("half", (NcType){NC_F16, NC_SHAPE(4)}, half);
  put("brain", (NcType){NC_BF16, NC_SHAPE(2)}, brain);
  NcNamedList l = apply("m -> mt transpose share 2 of 3\nm -> left share 1 of 3 axis 1\nq.w -> qk part 1 of 2\n"
                        "k.w -> qk part 2 of 2\nq.w -> never\nb{i} -> b add\n");
  const NcNamed *t = nc_named_find(&l, "mt");
  const float *v = nc_named_data(arena, t);
  ck_assert(nc_type_eq(t->type, F32(1, 2)) && v[0] == 2 && v[1] == 5);
  t = nc_named_find(&l, "left");
  v = nc_named_data(arena, t);
  ck_assert(nc_type_eq(t->type, F32(2, 1)) && v[0] == 1 && v[1] == 4);
  t = nc_named_find(&l, "qk");
  v = nc_named_data(arena, t);
  ck_assert(nc_type_eq(t->type, F32(2, 2)) && v[0] == 1 && v[1] == 2 && v[2] == 3 && v[3] == 4);
  t = nc_named_find(&l, "b");
  v = nc_named_data(arena, t);
  ck_assert(nc_type_eq(t->type, F32(2)) && v[0] == 14 && v[1] == 26);
  t = nc_named_find(&l, "half");
  v = nc_named_data(arena, t);
  ck_assert(nc_type_eq(t->type, F32(4)) && v[0] == 1 && v[1] == -2 && v[2] == ldexpf(1, -24) && v[3] == 65504);
  v = nc_named_data(arena, nc_named_find(&l, "brain"));
  ck_assert(v[0] == 1 && v[1] == -2);
  ck_assert(!nc_named_find(&l, "never"));
}
END_TEST

START_TEST(joined_along_another_axis) {
  static const float x[] = {1, 2, 3, 4}, y[] = {5, 6};
  file = (NcTensors){0};
  put("x", F32(2, 2), x);
  put("y", F32(2, 1), y);
  NcNamedList l = apply("x -> z part 1 of 2 axis 1\ny -> z part 2 of 2 axis 1\n");
  const NcNamed *t = nc_named_find(&l, "z");
  ck_assert(nc_type_eq(t->type, F32(2, 3)));
  static const float want[] = {1, 2, 5, 3, 4, 6};
  ck_assert(memcmp(nc_named_data(arena, t), want, sizeof want) == 0);
}
END_TEST

START_TEST(refused) {
  file = (NcTensors){0};
  put("x", F32(2, 3), NULL);
  put("y", F32(2), NULL);
  refuse("x y\n", "a line is `name there -> name here`");
  refuse("x ->\n", "a name is missing here");
  refuse("{i}{j} -> x\n", "there must be text");
  refuse("a{i}.{i} -> x\n", "named twice");
  refuse("a{i} -> {j}\n", "no number on the left has this name");
  refuse("a{i+1} -> x\n", "just named");
  refuse("a{i} -> {i+}\n", "a number to add");
  refuse("a{i -> x\n", "not closed");
  refuse("a -> *\n", "more stars here");
  refuse("x -> y rotate\n", "expected `transpose`");
  refuse("x -> y part 4 of 3\n", "from 1 to 3");
  refuse("x -> y part 1 3\n", "expected `1 of 3`");
  refuse("x -> y part 1 of 3 add\n", "only one of");
  refuse("y -> z transpose\n", "two axes");
  refuse("x -> z share 1 of 2 axis 1\n", "no 2 equal shares");
  refuse("x -> z share 1 of 2 axis 3\n", "no such axis");
  refuse("x -> y\n", "both called `y`");
  refuse("x -> z part 1 of 2\n", "part 2 of `z` is in no tensor");
  refuse("x -> z part 1 of 2\ny -> z part 2 of 2\n", "f32[2,3] by the tensors before");
  refuse("x -> z part 1 of 2\ny -> z part 3 of 3\n", "both called `z`");
  refuse("x -> z add\ny -> z add\n", "f32[2,3] by the tensors before");
}
END_TEST

START_TEST(any_text_is_read_without_harm) {
  static const char letters[] = "{}i*+-#1 >.\npartof axis";
  uint32_t seed = 7;
  file = (NcTensors){0};
  put("i.1", F32(2, 3), NULL);
  put("1", F32(2), NULL);
  for (int n = 0; n < 3000; n++) {
    char text[48];
    for (int i = 0; i < 47; i++) {
      seed = seed * 1664525 + 1013904223;
      text[i] = letters[(seed >> 16) % (sizeof letters - 1)];
    }
    text[47] = 0;
    memcpy(text + seed % 30, " -> ", 4);
    NcDiag *quiet = nc_diag_new(arena);
    NcNamedList l;
    NcNameMap *m = nc_names_parse(arena, quiet, "noise", text, 47);
    ck_assert(m || quiet->errors);
    if (m) nc_names_apply(arena, quiet, NC_NOWHERE, m, &file, &l);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("names");
  TCase *t = suite_case(s, "names", suite_open, suite_close);
  tcase_add_test(t, names_are_put_together);
  tcase_add_test(t, stars_match_as_little_as_goes);
  tcase_add_test(t, pieces);
  tcase_add_test(t, joined_along_another_axis);
  tcase_add_test(t, refused);
  tcase_add_test(t, any_text_is_read_without_harm);
  return suite_run(s, CK_FORK_GETENV);
}
