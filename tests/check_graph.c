// The graph: consing, text and back, the verifier, users, rewriting.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "op_cases.h"
#include "suite.h"

static NcGraph *g;

static void setup(void) {
  suite_open();
  g = nc_graph_new(arena, diag, "test");
}

static const char *text_of(const NcGraph *graph) {
  NcBuf b = NC_BUF(arena);
  nc_graph_print(graph, &b);
  return nc_buf_str(&b);
}

#define HERE NC_NOWHERE
static NcNode *input(const char *name) { return nc_input(g, HERE, name, (NcType){NC_F32, NC_SHAPE(2, 3)}); }
static NcNode *add(NcNode *a, NcNode *b) { return nc_op2(g, HERE, "add", a, b); }

// ---- consing

START_TEST(equal_nodes_are_one) {
  NcNode *x = input("x"), *y = input("y");
  ck_assert_ptr_eq(input("x"), x);
  ck_assert_ptr_ne(x, y);
  ck_assert_ptr_eq(add(x, y), add(x, y));
  ck_assert_ptr_ne(add(x, y), add(y, x));
  ck_assert_ptr_eq(nc_const(g, HERE, NC_F32, 1), nc_const(g, HERE, NC_F32, 1));
  ck_assert_ptr_ne(nc_const(g, HERE, NC_F32, 1), nc_const(g, HERE, NC_I32, 1));
  ck_assert_ptr_ne(nc_const(g, HERE, NC_F32, 0.0), nc_const(g, HERE, NC_F32, -0.0));
  ck_assert_ptr_eq(nc_const(g, HERE, NC_F32, NAN), nc_const(g, HERE, NC_F32, -NAN));
  const int64_t dims[2][2] = {{1, 0}, {1, 0}};   // attributes compare by content, not by address
  ck_assert_ptr_eq(nc_permute(g, HERE, x, dims[0]), nc_permute(g, HERE, x, dims[1]));
}
END_TEST

START_TEST(effects_stay_apart) {
  NcNode *v = nc_var(g, HERE, "v", "param", (NcType){NC_F32, NC_SHAPE(2, 3)}), *x = input("x");
  NcNode *a = nc_assign(g, HERE, v, x), *b = nc_assign(g, HERE, v, x);
  ck_assert_ptr_ne(a, b);
  ck_assert_int_eq(g->effect.n, 2);
}
END_TEST

START_TEST(many_nodes) {   // through several growths of the table
  NcNode *x = input("x");
  for (int i = 0; i < 5000; i++) add(x, nc_like(g, x, i));
  int n = g->node.n;
  for (int i = 0; i < 5000; i++) add(x, nc_like(g, x, i));
  ck_assert_int_eq(g->node.n, n);
  for (int i = 0; i < n; i++) ck_assert_int_eq(g->node.at[i]->id, i);
}
END_TEST

START_TEST(errors_pass_through) {
  ck_assert_ptr_null(add(input("x"), nc_input(g, HERE, "z", (NcType){NC_F32, NC_SHAPE(3, 2)})));
  ck_assert_int_eq(diag->errors, 1);
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0201);
  ck_assert_ptr_nonnull(strstr(diag->messages.at[0]->text, "f32[2,3]"));
  ck_assert_ptr_nonnull(strstr(diag->messages.at[0]->text, "f32[3,2]"));
  ck_assert_ptr_null(nc_op1(g, HERE, "exp", add(NULL, input("x"))));
  ck_assert_int_eq(diag->errors, 1);   // reported once
  ck_assert_ptr_null(nc_op1(g, HERE, "no such", input("x")));
  ck_assert_int_eq(diag->errors, 2);
}
END_TEST

// ---- text

START_TEST(round_trip_of_every_case) {
  const OpCase *c = &op_cases[_i];
  NcNode *in[CASE_OPERANDS];
  NcNode *n = case_build(g, c, in);
  ck_assert_msg(n, "%s", messages(diag));
  nc_graph_output(g, "it \"is\"", n);
  const char *text = text_of(g);
  NcGraph *again = nc_graph_read(arena, diag, "text", text);
  ck_assert_msg(again, "%s\n%s", text, messages(diag));
  ck_assert_str_eq(text_of(again), text);
  ck_assert_msg(nc_graph_verify(again, diag, "reading"), "%s", messages(diag));
}
END_TEST

static const char *fenced(const char *page, const char *heading) {
  const char *p = strstr(page, heading), *end;
  p = p ? strstr(p, "```graph\n") : NULL;
  end = p ? strstr(p + 9, "```") : NULL;
  return end ? nc_strndup(arena, p + 9, (size_t)(end - p - 9)) : "";
}

// The page of E0801: its first graph is refused with this code, its second is read.
START_TEST(page_of_bad_graphs) {
  const char *root = getenv("srcdir");
  const char *path = nc_sprintf(arena, "%s/docs/errors/E0801.md", root && *root ? root : ".");
  const char *page = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, NULL);
  ck_assert_msg(page, "%s", messages(diag));
  ck_assert_msg(nc_graph_read(arena, diag, "mended", fenced(page, "## Mended")), "%s", messages(diag));
  ck_assert_ptr_null(nc_graph_read(arena, diag, "wrong", fenced(page, "## Wrong")));
  ck_assert_int_gt(diag->messages.n, 0);
  for (int i = 0; i < diag->messages.n; i++) ck_assert_int_eq(diag->messages.at[i]->code, NC_E0801);
}
END_TEST

static const char *const sample =
  "graph step {\n"
  "  %0 = input(){name=\"image\"} : u8[4,3,2]\n"
  "  %1 = var(){name=\"mlp.\\\"w\\\"\\n\\u00e9\", kind=\"param\"} : f32[6,5] @1:120-131\n"
  "  %2 = cast(%0){to=\"f32\"} : f32[4,3,2] @7:0-0\n"
  "  %3 = reshape(%2){shape=[4,6]} : f32[4,6]\n"
  "  %4 = dot(%3, %1){abatch=[], bbatch=[], acon=[1], bcon=[0]} : f32[4,5] @1:140-150\n"
  "  %5 = const(){value=-1.5e-07} : f32[]\n"
  "  %6 = broadcast(%5){shape=[6,5], axes=[]} : f32[6,5]\n"
  "  %7 = mul(%1, %6) : f32[6,5]\n"
  "  %8 = assign(%1, %7) : f32[6,5]\n"
  "  %9 = const(){values=[0.1,inf,-0]} : f32[3]\n"
  "  %10 = pad(%4){lo=[-1,0], hi=[0,2], value=-inf} : f32[3,7]\n"
  "  %11 = reduce(%10){op=\"max\", axes=[1]} : f32[3]\n"
  "  output \"loss\" = %11\n"
  "  output \"table\" = %9\n"
  "  effect %8\n"
  "}\n";

START_TEST(sample_reads_back) {
  NcGraph *r = nc_graph_read(arena, diag, "text", sample);
  ck_assert_msg(r, "%s", messages(diag));
  const char *printed = text_of(r);
  NcGraph *again = nc_graph_read(arena, diag, "text", printed);
  ck_assert_msg(again, "%s", messages(diag));
  ck_assert_str_eq(text_of(again), printed);
  ck_assert_int_eq(r->node.n, 12);
  ck_assert_str_eq(r->name, "step");
  ck_assert_int_eq(r->node.at[1]->at.begin, 120);
  ck_assert_str_eq(nc_attr_str(r->node.at[1], "name"), "mlp.\"w\"\n\xc3\xa9");
  ck_assert_ptr_eq(nc_graph_find_output(r, "loss"), r->node.at[11]);
  ck_assert(signbit(nc_attr_floats(r->node.at[9], "values", NULL)[2]));
  ck_assert_int_eq(r->effect.n, 1);
  ck_assert_int_eq(diag->sources.n, 0);   // a good text is not kept as a source
}
END_TEST

static const struct { const char *text, *why, *at; } malformed[] = {
  {"", "`graph`", ""},
  {"grap x {}", "`graph`", "grap"},
  {"graph {", "name", "{"},
  {"graph x {", "does not end", ""},
  {"graph x { } more", "goes on", "more"},
  {"graph x { %1 = iota(){axis=0} : i32[2] }", "%0 must come next", "%1"},
  {"graph x { %0 = iota(){axis=0} : i32[2] %0 = iota(){axis=0} : i32[3] }", "%1 must come next",
   "%0 = iota(){axis=0} : i32[3]"},
  {"graph x { %0 = nothing() : i32[2] }", "no operation `nothing`", "nothing"},
  {"graph x { %0 = exp(%0) : f32[2] }", "%0 is not defined", "%0) "},
  {"graph x { %0 = iota(){axis=0} : i32[2] %1 = neg(%3) : i32[2] }", "%3 is not defined", "%3"},
  {"graph x { %0 = iota(){axis=2} : i32[2] }", "axis 2 does not exist", "%0"},
  {"graph x { %0 = iota(){axi=0} : i32[2] }", "no attribute `axi`", "axi"},
  {"graph x { %0 = iota() : i32[2] }", "needs its attribute `axis`", "%0"},
  {"graph x { %0 = iota(){axis=0, axis=0} : i32[2] }", "given twice", "axis=0}"},
  {"graph x { %0 = iota(){axis=zero} : i32[2] }", "integer", "zero"},
  {"graph x { %0 = iota(){axis=99999999999999999999} : i32[2] }", "out of range", "999"},
  {"graph x { %0 = iota(){axis=4294967296} : i32[2] }", "out of range", "%0"},
  {"graph x { %0 = iota(){axis=0} : i31[2] }", "no element type", "i31"},
  {"graph x { %0 = iota(){axis=0} : i32[0] }", "out of range", "0] }"},
  {"graph x { %0 = iota(){axis=0} : i32[-2] }", "out of range", "-2"},
  {"graph x { %0 = iota(){axis=0} : i32[2,2,2,2,2,2,2,2,2] }", "axes", "2] }"},
  {"graph x { %0 = iota(){axis=0} : i32[2000000000,2000000000] }", "too many", "%0"},
  {"graph x { %0 = iota(){axis=0} : i32[2 }", "`]`", "}"},
  {"graph x { %0 = iota(){axis=0} : i32[2] @1 }", "`:`", "}"},
  {"graph x { %0 = iota(){axis=0} : i32[2] @1:9-3 }", "ends before", "-3"},
  {"graph x { %0 = iota(){axis=0} : i32[2] %1 = neg(%0) : i32[3] }", "gives i32[2], not i32[3]", "%1"},
  {"graph x { %0 = iota(){axis=0} : i32[2] %1 = exp(%0) : i32[2] }", "needs floats", "%1"},
  {"graph x { %0 = iota(){axis=0} : i32[2] %1 = add(%0) : i32[2] }", "2 operands", "%1"},
  {"graph x { %0 = iota(){axis=0} : i32[2] %1 = neg(%0 : i32[2] }", "`)`", ": i32[2] }"},
  {"graph x { %0 = input(){name=\"a} : i32[2] }", "does not end", "\"a"},
  {"graph x { %0 = input(){name=\"a\\x\"} : i32[2] }", "escape", "\\x"},
  {"graph x { %0 = input(){name=\"\\u12g4\"} : i32[2] }", "hexadecimal", "\\u12g4"},
  {"graph x { %0 = input(){name=\"\\u0000\"} : i32[2] }", "cannot hold", "\\u0000"},
  {"graph x { %0 = input(){name=\"\"} : i32[2] }", "needs a name", "%0"},
  {"graph x { %0 = const(){value=x} : f32[] }", "number", "x}"},
  {"graph x { %0 = const() : f32[] }", "either", "%0"},
  {"graph x { %0 = const(){value=1} : f32[2] }", "scalar only", "%0"},
  {"graph x { %0 = const(){value=1.5} : i32[] }", "no i32", "%0"},
  {"graph x { %0 = const(){values=[1,2]} : f32[3] }", "2 values", "%0"},
  {"graph x { %0 = const(){values=[1,,2]} : f32[3] }", "number", ",2]"},
  {"graph x { output \"y\" = %0 }", "not defined", "%0"},
  {"graph x { %0 = iota(){axis=0} : i32[2] output \"y\" = %0 output \"y\" = %0 }", "given twice", "\"y\" = %0 }"},
  {"graph x { %0 = iota(){axis=0} : i32[2] effect %0 }", "no effect", "%0 }"},
};

START_TEST(malformed_text) {
  const char *text = malformed[_i].text;
  ck_assert_ptr_null(nc_graph_read(arena, diag, "bad.graph", text));
  ck_assert_msg(diag->errors == 1, "%s: %d errors", text, diag->errors);
  NcMessage *m = diag->messages.at[0];
  ck_assert_int_eq(m->code, NC_E0801);
  ck_assert_msg(strstr(m->text, malformed[_i].why), "%s: %s", text, m->text);
  const char *at = text + m->at.begin;
  size_t n = strlen(malformed[_i].at);
  ck_assert_msg(n ? strncmp(at, malformed[_i].at, n) == 0 : *at == 0, "%s: points at `%s`", text, at);
  ck_assert_uint_le(m->at.end, strlen(text));
}
END_TEST

// Texts with bytes changed, dropped, doubled or taken from elsewhere: each is read or refused, none crashes, and what
// is read is valid and prints as it reads.

static uint32_t next(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

// One change of text, which has n bytes and room for more; returns how many it has then.
static size_t mutate(char *text, size_t n, uint32_t *state) {
  static const char spice[] = "%0123456789-,=()[]{}@:\"\\.uxen \n";
  uint32_t r = next(state);
  size_t at = (r >> 8) % n, from = next(state) % n, len = next(state) % 9;
  char any = (char)(next(state) >> 16 | 1), some = spice[(next(state) >> 16) % (sizeof spice - 1)];
  switch (r >> 29) {
  case 0: text[at] = any; break;
  case 1: memmove(text + at, text + at + 1, n - at), n--; break;
  case 2: memmove(text + at + 1, text + at, n - at + 1), n++; break;
  case 3: if (at + len < n && from + len < n) memmove(text + at, text + from, len); break;
  case 4: n = at + 1; break;
  case 5:   // another digit: still well formed, mostly
  case 6:
    while (at < n && !(text[at] >= '0' && text[at] <= '9')) at++;
    if (at < n) text[at] = (char)('0' + from % 10);
    break;
  default: text[at] = some;
  }
  text[n] = 0;
  return n ? n : 1;
}

static void read_mutant(const char *text) {
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  NcGraph *r = nc_graph_read(a, d, "mutant", text);
  ck_assert_msg(!r == (d->errors > 0), "%s", text);
  NcBuf b = NC_BUF(a), again = NC_BUF(a);
  if (r) {
    // Only what no single node can see may still be wrong: two of one name.
    bool valid = nc_graph_verify(r, d, "reading");
    ck_assert_msg(valid || strstr(d->messages.at[0]->text, "is also the name of"), "%s", text);
    nc_graph_print(r, &b);
    NcGraph *s = nc_graph_read(a, d, "again", nc_buf_str(&b));
    ck_assert_msg(s, "%s\n%s", text, nc_buf_str(&b));
    nc_graph_print(s, &again);
    ck_assert_str_eq(nc_buf_str(&again), nc_buf_str(&b));
  } else {
    ck_assert_int_eq(d->messages.at[0]->code, NC_E0801);
    nc_diag_render(d, &b, false);
  }
  nc_arena_free(a);
}

static void mutations_of(const char *text, int rounds, uint32_t seed) {
  size_t size = strlen(text);
  char *mutant = nc_alloc(arena, size + 16);
  for (int round = 0; round < rounds; round++) {
    size_t n = size;
    memcpy(mutant, text, size + 1);
    for (int k = 0; k <= round % 4; k++) n = mutate(mutant, n, &seed);
    read_mutant(mutant);
  }
}

START_TEST(mutations_of_the_sample) { mutations_of(sample, 1000, (uint32_t)_i); }
END_TEST

START_TEST(mutations_of_every_case) {
  NcNode *in[CASE_OPERANDS];
  nc_graph_output(g, "it", case_build(g, &op_cases[_i], in));
  mutations_of(text_of(g), 100, (uint32_t)_i);
}
END_TEST

// Whatever allocation fails, reading ends in the jump that the caller prepared.
START_TEST(memory_runs_out) {
  volatile int jumps = 0, done = 0;
  for (volatile long n = 1; !done; n++) {
    NcArena *a = nc_arena_new();
    if (NC_ON_OOM(a)) jumps++;
    else {
      NcDiag *d = nc_diag_new(a);
      nc_arena_fail_after(a, n);
      done = nc_graph_read(a, d, "text", sample) != NULL;
    }
    nc_arena_free(a);
  }
  ck_assert_int_gt(jumps, 50);
}
END_TEST

// ---- verifier: a graph with one fault planted in each way

typedef enum { ID, FORWARD, FOREIGN, ARITY, TYPE, DTYPE, ATTR, ATTR_KIND, OUTPUT, EFFECT, EMPTY, NAME, FAULTS } Fault;
static const char *const found_as[FAULTS] = {
  [ID] = "another id", [FORWARD] = "does not come before", [FOREIGN] = "not of this graph",
  [ARITY] = "operands instead of",
  [TYPE] = "its rule gives", [DTYPE] = "no valid type", [ATTR] = "axis 5 does not exist", [ATTR_KIND] = "missing",
  [OUTPUT] = "output", [EFFECT] = "registered as an effect", [EMPTY] = "its rule gives",
  [NAME] = "is also the name of",
};

START_TEST(verifier_finds_faults) {
  NcNode *x = input("x"), *y = add(x, x), *z = nc_op1(g, HERE, "exp", y);
  NcNode *s = nc_reduce(g, HERE, "sum", z, 1, (int64_t[]){1});
  nc_graph_output(g, "s", s);
  ck_assert_msg(nc_graph_verify(g, diag, "building"), "%s", messages(diag));
  static const int64_t five[] = {5};
  NcNode stranger = *x;
  switch ((Fault)_i) {
  case ID: z->id = 7; break;
  case FORWARD: y->in[1] = z; break;
  case FOREIGN: z->in[0] = &stranger; break;
  case ARITY: y->nin = 1; break;
  case TYPE: y->type.shape.dim[0] = 9; break;
  case DTYPE: z->type.dtype = NC_DTYPE_COUNT; break;
  case ATTR: s->attr[1].ints = five; break;
  case ATTR_KIND: s->attr[1].kind = NC_ATTR_INT; break;
  case OUTPUT: g->output.at[0].node = &stranger; break;
  case EFFECT: nc_graph_effect(g, z); break;
  case NAME: nc_input(g, HERE, "x", (NcType){NC_I32, NC_SCALAR}); break;
  default: s->type.shape.dim[0] = 0; break;
  }
  ck_assert(!nc_graph_verify(g, diag, "breaking"));
  ck_assert_int_eq(diag->messages.at[0]->code, NC_E0901);
  ck_assert_msg(strstr(diag->messages.at[0]->text, found_as[_i]), "%s", diag->messages.at[0]->text);
  ck_assert_ptr_nonnull(strstr(diag->messages.at[0]->text, "after breaking"));
}
END_TEST

// ---- users, rewriting

START_TEST(users) {
  NcNode *x = input("x"), *y = add(x, x), *z = nc_op2(g, HERE, "mul", x, y);
  NcUsers u = nc_graph_users(g, arena);
  ck_assert_int_eq(u.n[x->id], 2);
  ck_assert_ptr_eq(u.user[x->id][0], y);
  ck_assert_ptr_eq(u.user[x->id][1], z);
  ck_assert_int_eq(u.n[y->id], 1);
  ck_assert_int_eq(u.n[z->id], 0);
}
END_TEST

// Turns a + a into 2 a, and drops assigns.
static NcNode *doubling(void *ctx, NcGraph *to, const NcNode *old, NcNode **in) {
  (void)ctx;
  if (strcmp(old->op->name, "assign") == 0) return in[1];
  if (strcmp(old->op->name, "add") != 0 || in[0] != in[1]) return NULL;
  return nc_op2(to, old->at, "mul", in[0], nc_like(to, in[0], 2));
}

START_TEST(rewriting) {
  NcNode *x = input("x"), *dead = nc_op1(g, HERE, "exp", x), *y = add(x, x);
  NcNode *v = nc_var(g, HERE, "v", "state", x->type), *w = nc_assign(g, HERE, v, y);
  nc_graph_output(g, "y", y);
  NcNode *map[8];
  NcGraph *copy = nc_graph_rewrite(g, arena, NULL, NULL, map);
  ck_assert_ptr_nonnull(copy);
  ck_assert_int_eq(copy->node.n, g->node.n - 1);
  ck_assert_ptr_null(map[dead->id]);
  ck_assert_ptr_eq(nc_graph_find_output(copy, "y"), map[y->id]);
  ck_assert_int_eq(copy->effect.n, 1);
  ck_assert_ptr_eq(copy->effect.at[0], map[w->id]);
  ck_assert(nc_graph_verify(copy, diag, "copy"));
  NcGraph *twice = nc_graph_rewrite(g, arena, doubling, NULL, NULL);
  ck_assert(nc_graph_verify(twice, diag, "doubling"));
  ck_assert_str_eq(nc_graph_find_output(twice, "y")->op->name, "mul");
  ck_assert_int_eq(twice->effect.n, 0);
}
END_TEST

int main(void) {
  Suite *s = suite_create("graph");
  TCase *t = suite_case(s, "consing", setup, suite_close);
  tcase_add_test(t, equal_nodes_are_one);
  tcase_add_test(t, effects_stay_apart);
  tcase_add_test(t, many_nodes);
  tcase_add_test(t, errors_pass_through);
  t = suite_case(s, "text", setup, suite_close);
  tcase_add_loop_test(t, round_trip_of_every_case, 0, op_case_count);
  tcase_add_test(t, page_of_bad_graphs);
  tcase_add_test(t, sample_reads_back);
  tcase_add_loop_test(t, malformed_text, 0, (int)(sizeof malformed / sizeof *malformed));
  tcase_add_test(t, memory_runs_out);
  tcase_add_loop_test(t, mutations_of_the_sample, 0, 4);
  tcase_add_loop_test(t, mutations_of_every_case, 0, op_case_count);
  t = suite_case(s, "verify", setup, suite_close);
  tcase_add_loop_test(t, verifier_finds_faults, 0, FAULTS);
  t = suite_case(s, "rewrite", setup, suite_close);
  tcase_add_test(t, users);
  tcase_add_test(t, rewriting);
  return suite_run(s, CK_FORK_GETENV);
}
