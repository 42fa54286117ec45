// The plan: its text is exact both ways, and nothing malformed gets through or crashes.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "plan/plan.h"
#include "suite.h"

static const char whole[] =
  "nacre-plan 1\n"
  "class gpu\n"
  "align 128\n"
  "options \"-cl-mad-enable -DX=\\\"a\\\"\"\n"
  "buffer 0 root arena \"arena\" bytes 1024\n"
  "buffer 1 root var \"params\" bytes 512\n"
  "buffer 2 input \"image\" u8[4,8]\n"
  "buffer 3 var \"w\" f32[8,4] in 1 offset 0 role \"param\"\n"
  "buffer 4 var \"b\" f32[4] in 1 offset 128 role \"param\"\n"
  "buffer 5 var \"alone\" i64[] role \"state\"\n"
  "buffer 6 const \"table\" f32[2] data 0000803f00000040\n"
  "buffer 7 temp \"x\" f32[4,8] in 0 offset 0\n"
  "buffer 8 temp \"y\" f32[4,4] in 0 offset 128 bytes 128\n"
  "step 0 kernel \"map_0\" global 64 1 1 local 32 1 1 args b2 b7 i-32 f0.1 finf l256 flops 32 bytes 160 label \"cast\" "
  "at \"model.nn:4:9\"\n"
  "step 1 gemm a b7 b b3 c b8 tb 1 m 4 n 8 k 4 lda 4 ldb 4 ldc 8 beta 0.5 label \"dot\"\n"
  "step 2 fill b7 bytes 128\n"
  "step 3 copy b7 b8 bytes 64\n"
  "step 4 loop turns 3 label \"loop\"\n"
  "step 5 kernel \"map_0\" global 1 1 1 local 1 1 1 args b7 t\n"
  "step 6 loop turns 5\n"
  "step 7 kernel \"map_0\" global 1 1 1 local 1 1 1 args t b7 label \"inner\"\n"
  "step 8 end\n"
  "step 9 end\n"
  "output \"loss\" b8\n"
  "output \"caf\xc3\xa9\" b3\n"
  "program 27\n"
  "kernel void map_0(void) { }";

static NcPlan *read_text(const char *text) { return nc_plan_read(arena, diag, "test.plan", text, strlen(text)); }

START_TEST(text_round_trip) {
  NcPlan *p = read_text(whole);
  ck_assert_msg(p != NULL, "%s", messages(diag));
  NcBuf b = NC_BUF(arena);
  nc_plan_print(p, &b, true);
  ck_assert_str_eq(nc_buf_str(&b), whole);
  ck_assert_int_eq(p->cls, NC_CLASS_GPU);
  ck_assert_int_eq(p->step.at[0].nargs, 6);
  ck_assert_int_eq(p->step.at[0].args[2].i, -32);
  ck_assert(isinf(p->step.at[0].args[4].f));
  ck_assert(((const float *)p->buf.at[6].data)[1] == 2.0f);
  ck_assert_str_eq(p->program, "kernel void map_0(void) { }");
}
END_TEST

// Loops are run through: which step, and in which turn.
START_TEST(steps_in_order) {
  NcPlan *p = read_text(whole);
  int before[] = {0, 1, 2, 3}, n = 0;
  for (NcSteps s = {.plan = p}; nc_steps_next(&s); n++) {
    int turn = (n - 4) / 6, within = (n - 4) % 6;
    if (n < 4) ck_assert(s.step == before[n] && s.turn == 0 && s.depth == 0);
    else if (within == 0) ck_assert(s.step == 5 && s.turn == turn && s.depth == 1);
    else ck_assert(s.step == 7 && s.turn == within - 1 && s.depth == 2);
  }
  ck_assert_int_eq(n, 4 + 3 * 6);
  ck_assert_int_eq(nc_plan_launches(p), n);
}
END_TEST

START_TEST(without_program) {
  NcPlan *p = read_text(whole);
  NcBuf b = NC_BUF(arena);
  nc_plan_print(p, &b, false);
  ck_assert_ptr_null(strstr(nc_buf_str(&b), "program"));
  NcPlan *again = read_text(nc_buf_str(&b));
  ck_assert_msg(again != NULL, "%s", messages(diag));
  ck_assert_str_eq(again->program, "");
}
END_TEST

START_TEST(finding) {
  NcPlan *p = read_text(whole);
  ck_assert_int_eq(nc_plan_find(p, NC_BUF_INPUT, "image"), 2);
  ck_assert_int_eq(nc_plan_find(p, NC_BUF_VAR, "b"), 4);
  ck_assert_int_eq(nc_plan_find(p, NC_BUF_INPUT, "b"), -1);
  ck_assert_int_eq(nc_plan_output(p, "loss"), 8);
  ck_assert_int_eq(nc_plan_output(p, "accuracy"), -1);
  ck_assert_uint_eq(nc_plan_bytes(p), 1024 + 512 + 32 + 8 + 8);
}
END_TEST

// Variables and the arena are there once for plans that are loaded together; inputs and tables each plan has for itself.
START_TEST(plans_share) {
  NcPlan *p = read_text(whole), *q = read_text(whole), *other = nc_plan_new(arena, NC_CLASS_CPU, 64);
  *NC_PUSH(arena, other->buf) = (NcPlanBuf){.kind = NC_BUF_ROOT_ARENA, .name = "arena", .parent = -1, .bytes = 5000};
  *NC_PUSH(arena, other->buf) = (NcPlanBuf){.kind = NC_BUF_VAR, .name = "b", .parent = -1, .bytes = 40};   // in p it lies in a pack
  *NC_PUSH(arena, other->buf) = (NcPlanBuf){.kind = NC_BUF_VAR, .name = "c", .parent = -1, .bytes = 24};
  const NcPlan *both[] = {p, q, other};
  const size_t once = 1024 + 512 + 8;         // arena, pack and `alone`
  ck_assert_uint_eq(nc_plans_bytes(2, both), 2 * nc_plan_bytes(p) - once);
  ck_assert_uint_eq(nc_plans_bytes(3, both), 2 * nc_plan_bytes(p) - once + 5000 - 1024 + 24);
}
END_TEST

// Awkward text in every string, awkward numbers in every argument.
START_TEST(strings_and_numbers) {
  NcPlan *p = nc_plan_new(arena, NC_CLASS_CPU, 64);
  *NC_PUSH(arena, p->buf) = (NcPlanBuf){.kind = NC_BUF_INPUT, .name = "tab\t \"quote\" \\ \x01 \x7f \xe2\x82\xac",
    .type = {NC_BF16, NC_SCALAR}, .parent = -1, .bytes = 2};
  NcPlanArg args[] = {{NC_ARG_FLOAT, 0, 0.1}, {NC_ARG_FLOAT, 0, -0.0}, {NC_ARG_FLOAT, 0, 5e-324}, {NC_ARG_FLOAT, 0,
      -INFINITY},
                  {NC_ARG_INT, INT32_MIN, 0}, {NC_ARG_LOCAL, 1, 0}, {NC_ARG_BUF, 0, 0}};
  NcStep s = {.kind = NC_STEP_KERNEL, .kernel = "k", .global = {1, 1, 1}, .local = {1, 1, 1}, .nargs = 7, .args = args,
              .label = "line\nbreak", .at = "", .flops = 1e20};
  *NC_PUSH(arena, p->step) = s;
  NcBuf one = NC_BUF(arena), two = NC_BUF(arena);
  nc_plan_print(p, &one, true);
  NcPlan *q = read_text(nc_buf_str(&one));
  ck_assert_msg(q != NULL, "%s", messages(diag));
  nc_plan_print(q, &two, true);
  ck_assert_str_eq(nc_buf_str(&one), nc_buf_str(&two));
  ck_assert_str_eq(q->buf.at[0].name, p->buf.at[0].name);
  ck_assert(signbit(q->step.at[0].args[1].f));
  ck_assert(q->step.at[0].args[2].f == 5e-324);
}
END_TEST

// Each row changes one thing of `whole`; the message must speak of it.
static const struct { const char *from, *to, *says; } wrong[] = {
  {"nacre-plan 1", "nacre-plan 2", "whole number from 1 to 1"},
  {"class gpu", "class tpu", "`cpu` or `gpu`"},
  {"align 128", "align 96", "power of two"},
  {"buffer 3 var", "buffer 4 var", "next buffer"},
  {"u8[4,8]", "u9[4,8]", "element type"},
  {"u8[4,8]", "u8[4,0]", "whole number from 1"},
  {"u8[4,8]", "u8[4,8", "`,`"},
  {"u8[4,8]", "u8[99999999999,99999999999]", "smaller tensor"},
  {"u8[4,8]", "u8[1,1,1,1,1,1,1,1,1]", "`]`"},
  {"i64[] role", "i64[] bytes 4 role", "smaller than its type"},
  {"offset 128 role", "offset 64 role", "not a multiple"},
  {"offset 128 role", "offset 384 role", NULL},
  {"offset 128 role", "offset 512 role", "does not fit"},
  {"f32[4] in 1 offset 128", "f32[4] in 1 offset 0", "overlap"},
  {"f32[4] in 1 offset 128", "f32[4] in 0 offset 128", "not a root"},
  {"temp \"x\" f32[4,8] in 0 offset 0", "temp \"x\" f32[4,8]", "outside an arena"},
  {"data 0000803f00000040", "data 0000803f0000004", "two digits each"},
  {"data 0000803f00000040", "", "constants, and they alone"},
  {"var \"b\"", "var \"w\"", "called \"w\""},
  {"args b2", "args b9", "buffer 9, which does not exist"},
  {"args b2", "args b-1", "whole number"},
  {"local 32 1 1", "local 48 1 1", "not a multiple"},
  {"local 32 1 1", "local 0 1 1", "not a multiple"},
  {"l256", "l0", "no bytes"},
  {"\"map_0\"", "\"map 0\"", "not the name"},
  {"lda 4 ", "", "`lda`"},
  {"lda 4", "lda 3", "do not fit together"},
  {"m 4 n 8", "m 64 n 8", "larger than its buffer"},
  {"fill b7 bytes 128", "fill b7 bytes 129", "past the end"},
  {"copy b7 b8 bytes 64", "copy b7 b9 bytes 64", "does not exist"},
  {"turns 3", "turns 0", "whole number from 1"},
  {"turns 3", "", "`turns`"},
  {"step 9 end\n", "", "does not end"},
  {"step 9 end\n", "step 9 end\nstep 10 end\n", "ends no loop"},
  {"args b2", "args t b2", "there is no loop"},
  {"output \"loss\" b8", "output \"loss\" b11", "no buffer"},
  {"\"caf\xc3\xa9\"", "\"loss\"", "two outputs"},
  {"program 27", "program 28", "28 bytes"},
  {"program 27", "programme 27", "`buffer`, `step`"},
  {"\"image\"", "\"ima\\qge\"", "escape"},
  {"\"image\"", "\"ima\\ud800\"", "a character"},
  {"\"image\"", "\"image", "quotation mark"},
  {"\"image\"", "\"im\xff\"", "UTF-8"},
};

START_TEST(malformed) {
  const char *at = strstr(whole, wrong[_i].from);
  ck_assert_ptr_nonnull(at);
  const char *text = nc_sprintf(arena, "%.*s%s%s", (int)(at - whole), whole, wrong[_i].to, at + strlen(wrong[_i].from));
  NcPlan *p = read_text(text);
  if (!wrong[_i].says) {
    ck_assert_msg(p != NULL, "%s", messages(diag));
    return;
  }
  ck_assert_ptr_null(p);
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0802);
  ck_assert_msg(strstr(messages(diag), wrong[_i].says) != NULL, "%s", messages(diag));
}
END_TEST

START_TEST(truncated) {
  for (size_t n = 0; n + 1 < sizeof whole; n++) {
    NcDiag *d = nc_diag_new(arena);
    // A copy of exactly n bytes, so that a sanitizer sees a read behind it.
    char *text = malloc(n + !n);
    memcpy(text, whole, n);
    NcPlan *p = nc_plan_read(arena, d, "t", text, n);
    free(text);
    ck_assert(p != NULL || d->errors > 0);
  }
}
END_TEST

// Random edits: whatever reads must print to a text that reads to the same.
START_TEST(mutated) {
  unsigned r = 12345u + (unsigned)_i;
  for (int round = 0; round < 400; round++) {
    NcArena *a = nc_arena_new();
    NcDiag *d = nc_diag_new(a);
    char *text = nc_strdup(a, whole);
    size_t n = sizeof whole - 1;
    for (int edits = 1 + round % 4; edits > 0; edits--) {
      r = r * 1664525u + 1013904223u;
      size_t at = (r >> 8) % n, to = (r >> 16) % n;
      static const char interesting[] = "09 -b\"\n\\[],x";
      if (r & 64) text[at] = interesting[(r >> 3) % (sizeof interesting - 1)];
      else if (r & 32) text[at] = (char)(r >> 24);
      else memmove(text + at, text + to, n - (at > to ? at : to));
    }
    NcPlan *p = nc_plan_read(a, d, "t", text, n);
    ck_assert(p || d->errors);
    if (p) {
      NcBuf one = NC_BUF(a), two = NC_BUF(a);
      nc_plan_print(p, &one, true);
      NcPlan *q = nc_plan_read(a, d, "t", nc_buf_str(&one), one.n);
      ck_assert(q != NULL);
      nc_plan_print(q, &two, true);
      ck_assert_str_eq(nc_buf_str(&one), nc_buf_str(&two));
    }
    nc_arena_free(a);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("plan");
  TCase *c = suite_case(s, "plan", suite_open, suite_close);
  tcase_add_test(c, steps_in_order);
  tcase_add_test(c, text_round_trip);
  tcase_add_test(c, without_program);
  tcase_add_test(c, finding);
  tcase_add_test(c, plans_share);
  tcase_add_test(c, strings_and_numbers);
  tcase_add_loop_test(c, malformed, 0, sizeof wrong / sizeof *wrong);
  tcase_add_test(c, truncated);
  tcase_add_loop_test(c, mutated, 0, 8);
  return suite_run(s, CK_FORK_GETENV);
}
