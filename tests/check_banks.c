// Cutting a program into parts and kernels into banks (lib/device/banks.c). That banks compute what their kernels do, every
// suite that runs on PoCL shows.
#include "device/banks.h"
#include "suite.h"

static const char program[] =
  "float half_of(float x) { return x / 2; }\n" NC_PLAN_KERNELS "\n"
  "void add_item(size_t i, __global float *x, __global float *y) {}\n" NC_PLAN_MADE "add item\n"
  "enum { dot_scratch = 32 };\n"
  "void dot_group(int x_, int y_, int z_, __local float *s, __global float *x, __global float *y, __global float *z) {}\n"
  "void dot_reduce_item(size_t i, __global float *x) {}\n" NC_PLAN_MADE "dot group\n" NC_PLAN_MADE "dot_reduce item\n"
  "void turn_item(size_t i, __global float *x, int turn_) {}\n" NC_PLAN_MADE "turn item\n"
  "__kernel void apart(__global float *x) {}\n" NC_PLAN_MADE "apart kernel\n";

static NcPlan *plan_of(const char *text) {
  NcPlan *p = nc_plan_new(arena, NC_CLASS_CPU, 128);
  p->program = text;
  return p;
}

// args: a letter each, b buffer, i int, f float, t turn, l local.
static NcStep *step(NcPlan *p, const char *kernel, size_t items, size_t local, const char *args) {
  NcStep *s = NC_PUSH(p->arena, p->step);
  *s = (NcStep){.kind = NC_STEP_KERNEL, .kernel = kernel, .global = {items, 1, 1}, .local = {local, 1, 1}};
  s->nargs = (int)strlen(args);
  s->args = NC_NEW_N(p->arena, NcPlanArg, s->nargs + 1);
  for (int i = 0; i < s->nargs; i++)
    s->args[i].kind = args[i] == 'b' ? NC_ARG_BUF : args[i] == 'i' ? NC_ARG_INT : args[i] == 'f' ? NC_ARG_FLOAT
                      : args[i] == 't' ? NC_ARG_TURN : NC_ARG_LOCAL;
  return s;
}

static NcPlan *usual(void) {
  NcPlan *p = plan_of(program);
  step(p, "add", 10, 1, "bb");
  step(p, "dot", 10, 1, "bbb");
  step(p, "dot_reduce", 10, 1, "b");
  step(p, "turn", 10, 1, "bt");
  step(p, "apart", 128, 64, "b");
  return p;
}

static int occurs(const char *text, const char *what) {
  int n = 0;
  for (; (text = strstr(text, what)); text += strlen(what)) n++;
  return n;
}

START_TEST(program_stays_as_it_is) {
  NcPlan *p = usual();
  NcParts *x = nc_parts_cut(arena, p, 1, false);
  ck_assert_int_eq(x->parts, 1);
  ck_assert_ptr_eq(x->text[0], p->program);
  ck_assert_str_eq(x->entry[1].kernel, "dot");
  ck_assert_int_eq(x->entry[1].which, -1);
  ck_assert(!x->bank[0]);
}
END_TEST

START_TEST(functions_share_a_kernel) {
  NcPlan *p = usual();
  NcParts *x = nc_parts_cut(arena, p, 1, true);
  ck_assert_int_eq(x->parts, 1);
  ck_assert_int_eq(occurs(x->text[0], "__kernel"), 2);                 // the bank, and what is a kernel only
  ck_assert_ptr_nonnull(strstr(x->text[0], "float s1[dot_scratch];"));
  ck_assert_ptr_nonnull(strstr(x->text[0], "dot_group(x_, y_, z_, (__local float *)&scratch_, (__global void *)a_[0], (__global void *)a_[1], "
                                            "(__global void *)a_[2])"));
  ck_assert_ptr_nonnull(strstr(x->text[0], "turn_item(x_, (__global void *)a_[0], turn_)"));
  ck_assert(x->bank[0]);
  for (int i = 0; i < 4; i++) {
    ck_assert_str_eq(x->entry[i].kernel, NC_BANK_NAME);
    ck_assert_int_eq(x->entry[i].which, i);
  }
  ck_assert_str_eq(x->entry[4].kernel, "apart");
  ck_assert_int_eq(x->entry[4].which, -1);
}
END_TEST

START_TEST(parts_have_the_head_and_what_they_run) {
  NcPlan *p = usual();
  for (int parts = 2; parts < 8; parts++) {
    NcParts *x = nc_parts_cut(arena, p, parts, true);
    ck_assert_int_eq(x->parts, parts < 4 ? parts : 4);         // dot and its second pass stay together
    int made = 0;
    for (int i = 0; i < x->parts; i++) {
      ck_assert_int_eq(occurs(x->text[i], "float half_of"), 1);
      made += occurs(x->text[i], NC_PLAN_MADE);
    }
    ck_assert_int_eq(made, 5);
    for (int i = 0; i < p->step.n; i++) {
      ck_assert_ptr_nonnull(strstr(x->text[x->entry[i].part], p->step.at[i].kernel));
      ck_assert_ptr_nonnull(strstr(x->text[x->entry[i].part], x->entry[i].kernel));
    }
  }
}
END_TEST

START_TEST(what_cannot_be_cut_is_whole) {
  NcPlan *p = plan_of("__kernel void add(__global float *x) {}\n");
  step(p, "add", 10, 1, "b");
  ck_assert_ptr_eq(nc_parts_cut(arena, p, 4, true)->text[0], p->program);
  static const char *const args[] = {"bf", "bl", "b"};                 // no bank passes these on, or groups of more than one
  for (int i = 0; i < LENGTH(args); i++) {
    p = plan_of(program);
    step(p, "add", 8, i == 2 ? 2 : 1, args[i]);
    ck_assert_ptr_eq(nc_parts_cut(arena, p, 4, true)->text[0], p->program);
  }
  p = plan_of(program);                                                // more items than a bank counts
  step(p, "add", 1 << 20, 1, "bb")->global[1] = 1 << 11;
  ck_assert_ptr_eq(nc_parts_cut(arena, p, 4, true)->text[0], p->program);
  p = plan_of(program);
  step(p, "unknown", 8, 1, "b");
  ck_assert_ptr_eq(nc_parts_cut(arena, p, 4, true)->text[0], p->program);
}
END_TEST

int main(void) {
  Suite *s = suite_create("banks");
  TCase *t = suite_case(s, "banks", suite_open, suite_close);
  tcase_add_test(t, program_stays_as_it_is);
  tcase_add_test(t, functions_share_a_kernel);
  tcase_add_test(t, parts_have_the_head_and_what_they_run);
  tcase_add_test(t, what_cannot_be_cut_is_whole);
  return suite_run(s, CK_FORK_GETENV);
}
