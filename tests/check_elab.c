// Elaboration: sizes, messages, paths, and the prelude's values and gradients by the reference evaluator.
//
// tests/elab/NAME.nn with NAME.err is a file whose whole messages are expected; with NAME.vars, its variables and
// layers; without either, its test blocks must hold, gradients compared with finite differences.
#include <dirent.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include "elab/size.h"
#include "elab_run.h"
#include "golden.h"
#include "ops/op.h"
#include "suite.h"

static NcProgram *program(NcDiag *d, const char *name, const char *text, int64_t batch) {
  NcProgramOptions o = {.name = name, .text = text, .size = strlen(text), .hooks = {.describe = describe_some},
                        .batch = batch};
  return nc_program(arena, d, &o);
}

static void verify(const NcGraph *g) {
  if (!g) return;
  NcDiag *d = nc_diag_new(arena);
  ck_assert_msg(nc_graph_verify(g, d, "elaboration"), "%s", messages(d));
}

// ---- sizes

static const char *shown(NcSizes *t, NcSize s) {
  NcBuf b = NC_BUF(arena);
  nc_put_size(&b, t, s);
  return nc_buf_str(&b);
}

START_TEST(sizes_have_a_normal_form) {
  NcSizes t = {.arena = arena};
  NcSize B = nc_size_symbol(&t, "B", 32), T = nc_size_symbol(&t, "T", 32), x, y, z;
  ck_assert(!nc_size_eq(B, T) && !nc_size_eq(B, nc_size(32)) && nc_size_eq(B, nc_size_symbol(&t, "B", 32)));
  // (B + T)^2 = B^2 + 2 B T + T^2
  ck_assert(nc_size_add(&t, B, T, &x) && nc_size_mul(&t, x, x, &x));
  ck_assert(nc_size_mul(&t, B, T, &y) && nc_size_mul(&t, y, nc_size(2), &y) && nc_size_mul(&t, B, B, &z) &&
            nc_size_add(&t, y, z, &y));
  ck_assert(nc_size_mul(&t, T, T, &z) && nc_size_add(&t, z, y, &y));
  ck_assert(nc_size_eq(x, y));
  ck_assert_int_eq(x.value, 4096);
  ck_assert_str_eq(shown(&t, x), "B * B + 2 * B * T + T * T");
  ck_assert(nc_size_sub(&t, x, y, &z) && nc_size_is(z, 0));
  // what divides leaves the quotient: (6 B + 7) / 3 = 2 B + 2
  ck_assert(nc_size_mul(&t, B, nc_size(6), &x) && nc_size_add(&t, x, nc_size(7), &x) &&
            nc_size_div(&t, x, nc_size(3), &y));
  ck_assert_str_eq(shown(&t, y), "2 * B + 2");
  ck_assert_int_eq(y.value, 66);
  // what does not is opaque, and the same one: (B - 1) / 2 + 1 = (B + 1) / 2
  ck_assert(nc_size_sub(&t, B, nc_size(1), &x) && nc_size_div(&t, x, nc_size(2), &x) &&
            nc_size_add(&t, x, nc_size(1), &x));
  ck_assert(nc_size_add(&t, B, nc_size(1), &y) && nc_size_div(&t, y, nc_size(2), &y));
  ck_assert_msg(nc_size_eq(x, y), "%s and %s", shown(&t, x), shown(&t, y));
  ck_assert_int_eq(x.value, 16);
  // by a symbol, and the remainder
  ck_assert(nc_size_mul(&t, B, T, &x) && nc_size_div(&t, x, T, &y) && nc_size_eq(y, B));
  ck_assert(nc_size_mod(&t, x, T, &y) && nc_size_is(y, 0));
}
END_TEST

START_TEST(sizes_refuse_what_does_not_fit) {
  NcSizes t = {.arena = arena};
  NcSize big = nc_size(INT64_MAX), B = nc_size_symbol(&t, "B", INT64_MAX), x;
  ck_assert(!nc_size_add(&t, big, nc_size(1), &x));
  ck_assert(!nc_size_mul(&t, B, B, &x));
  ck_assert(!nc_size_div(&t, big, nc_size(0), &x));
  ck_assert(!nc_size_div(&t, nc_size(INT64_MIN), nc_size(-1), &x));
  ck_assert(!nc_size_mod(&t, B, nc_size(0), &x));
  ck_assert(nc_size_div(&t, nc_size(-7), nc_size(2), &x) && x.value == -4);
}
END_TEST

// For all small numbers: the polynomial's value is the number's.
START_TEST(sizes_compute) {
  for (int b = 1; b < 9; b++)
    for (int c = -5; c < 6; c++)
      for (int k = 1; k < 5; k++) {
        NcSizes t = {.arena = arena};
        NcSize B = nc_size_symbol(&t, "B", b), x, q, r, back;
        ck_assert(nc_size_mul(&t, B, nc_size(3), &x) && nc_size_add(&t, x, nc_size(c), &x));
        ck_assert(nc_size_div(&t, x, nc_size(k), &q) && nc_size_mod(&t, x, nc_size(k), &r));
        int v = 3 * b + c, want = (int)floor((double)v / k);
        ck_assert_int_eq(q.value, want);
        ck_assert_int_eq(r.value, v - want * k);
        ck_assert(nc_size_mul(&t, q, nc_size(k), &back) && nc_size_add(&t, back, r, &back) && nc_size_eq(back, x));
      }
}
END_TEST

// ---- tasks

START_TEST(a_task_takes_the_shapes_of_its_inputs) {
  static const char text[] =
      "nn 1\n"
      "layer half(x: f32[B, D]) -> f32[B, D] { param s: f32[D] = fill[D](0.5)\n x * s }\n"
      "model net(w: int = 3)(x: f32[B, w]) -> f32[B, w] { x |> half as h }\n"
      "task twice(k: int)(z: f32[P, 3], i: i32[]) -> (a: f32[P, 3], b: f32[k], c: i32[]) {\n"
      "  (a = net.h(net(z)), b = ones[k] * P, c = i + net.w)\n"
      "}\n";
  NcSet set = {.path = "twice.k", .value = "2"};
  NcTaskInput in[2] = {{"z", {NC_F32, NC_SHAPE(5, 3)}}, {"i", {NC_I32, NC_SCALAR}}};
  NcTaskCall call = {"twice", 2, in};
  NcDiag *d = nc_diag_new(arena);
  NcProgram *checked = program(d, "t.nn", text, 0);
  ck_assert_msg(checked != NULL, "%s", messages(d));
  ck_assert(checked->task.n == 1 && checked->task.at[0].graph == NULL);   // k is not known
  NcProgramOptions o = {.name = "t.nn", .text = text, .size = strlen(text), .nset = 1, .set = &set, .task = &call};
  NcProgram *p = nc_program(arena, d, &o);
  ck_assert_msg(p && p->task.at[0].graph, "%s", messages(d));
  NcGraph *g = p->task.at[0].graph;
  verify(g);
  double z[15], half[3] = {0.5, 0.5, 0.5}, i = 4;
  for (int k = 0; k < 15; k++) z[k] = k;
  NcBinding bind[] = {{"z", z}, {"i", &i}, {"net.h.s", half}};
  double **v = NC_NEW_N(arena, double *, g->node.n);
  ck_assert(nc_eval(g, d, &(NcEvalOptions){.arena = arena, .nbind = 3, .bind = bind}, v));
  const NcNode *a = nc_graph_find_output(g, "a"), *b = nc_graph_find_output(g, "b"), *c = nc_graph_find_output(g, "c");
  for (int k = 0; k < 15; k++) ck_assert_double_eq(v[a->id][k], 0.25 * k);
  ck_assert(v[b->id][0] == 5 && v[b->id][1] == 5 && *v[c->id] == 7 && c->type.dtype == NC_I32);
  call.name = "twice";
  in[0].type.shape.dim[1] = 4;
  ck_assert(nc_program(arena, d, &o) == NULL);
  ck_assert_ptr_nonnull(strstr(messages(d), "`twice` needs 3 on axis 1"));
}
END_TEST

// ---- index notation

static int count(const NcGraph *g, const char *op) {
  int n = 0;
  for (int i = 0; i < g->node.n; i++) n += strcmp(g->node.at[i]->op->name, op) == 0;
  return n;
}

START_TEST(sums_of_products_are_contractions) {
  static const char *const bodies[] = {
      "for i < B, j < 7 { sum for k < 5 { a[i, k] * w[k, j] } }",
      "for i < B, j < 7 { -sum for k < 5 { w[k, j] * 2 * a[i, k] / (j + 1) } }",
      "for i < B, j < 7 { let s = sum for k < 5 { w[k, j] * a[i, k] } \n s + a[i, 0] }",
      "for i < B - 1, j < 7 { sum for k < 5 { w[k, j] * a[i + 1, k] * w[k, j] } }",
      "for i < B, j < 3 { sum for r < 3 { a[i, j + r] * w[r, 0] } }",
      "for i < B, n < B { sum for k < 5 { a[i, k] * a[n, k] } }",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    NcDiag *d = nc_diag_new(arena);
    NcProgram *p = program(d, "n.nn", nc_sprintf(arena, "nn 1\nmodel m(a: f32[B, 5]) {\n"
                           "param w: f32[5, 7] = normal(1.0)\n%s\n}\n", bodies[i]), 0);
    ck_assert_msg(p != NULL, "%s\n%s", bodies[i], messages(d));
    ck_assert_msg(count(p->predict, "dot") == 1 && count(p->predict, "reduce") == 0, "%s", bodies[i]);
  }
}
END_TEST

// ---- files of tests/elab

typedef struct { NC_VEC(const char *) at; } Names;

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static Names files(const char *suffix, bool without) {
  Names v = {0};
  DIR *dir = opendir(in_source(arena, "tests/elab"));
  ck_assert(dir != NULL);
  for (struct dirent *f; (f = readdir(dir));) {
    const char *dot = strrchr(f->d_name, '.');
    if (!dot || strcmp(dot, ".nn") != 0) continue;
    const char *base = nc_sprintf(arena, "tests/elab/%.*s", (int)(dot - f->d_name), f->d_name);
    bool err = strncmp(f->d_name, "err_", 4) == 0, vars = strncmp(f->d_name, "vars_", 5) == 0;
    const char *is = err ? ".err" : vars ? ".vars" : "";
    if (without ? !*is : strcmp(is, suffix) == 0) *NC_PUSH(arena, v.at) = base;
  }
  closedir(dir);
  ck_assert_int_gt(v.at.n, 0);
  qsort(v.at.at, (size_t)v.at.n, sizeof *v.at.at, by_name);
  return v;
}

static const char *text_of(const char *base) {
  const char *text = golden_read(arena, in_source(arena, nc_sprintf(arena, "%s.nn", base)), NULL);
  ck_assert(text != NULL);
  return text;
}

START_TEST(errors_read_as_expected) {
  Names v = files(".err", false);
  for (int i = 0; i < v.at.n; i++) {
    NcDiag *d = nc_diag_new(arena);
    NcProgram *p = program(d, strrchr(v.at.at[i], '/') + 1, text_of(v.at.at[i]), 0);
    ck_assert_msg(p == NULL, "%s has no error", v.at.at[i]);
    golden_check(arena, in_source(arena, nc_sprintf(arena, "%s.err", v.at.at[i])), messages(d));
  }
}
END_TEST

static const char *variables(const NcProgram *p) {
  NcBuf b = NC_BUF(arena);
  for (int i = 0; i < p->variable.n; i++) {
    nc_putf(&b, "%s %s ", p->variable.at[i].kind, p->variable.at[i].path);
    nc_put_type(&b, p->variable.at[i].type);
    nc_putc(&b, '\n');
  }
  for (int i = 0; i < p->row.n; i++) {
    const NcLayerRow *r = &p->row.at[i];
    nc_putf(&b, "%*s%s (%s) ", 2 * r->depth, "", r->path, r->name);
    nc_put_type(&b, r->type);
    nc_putf(&b, " params %lld macs %lld\n", (long long)r->params, (long long)r->macs);
  }
  for (int i = 0; p->predict && i < p->predict->node.n; i++)
    if (strcmp(p->predict->node.at[i]->op->name, "input") == 0)
      nc_putf(&b, "predict needs %s\n", nc_attr_str(p->predict->node.at[i], "name"));
  return nc_buf_str(&b);
}

START_TEST(variables_and_layers_as_expected) {
  Names v = files(".vars", false);
  for (int i = 0; i < v.at.n; i++) {
    NcDiag *d = nc_diag_new(arena);
    NcProgram *p = program(d, v.at.at[i], text_of(v.at.at[i]), 0);
    ck_assert_msg(p != NULL, "%s", messages(d));
    verify(p->step);
    verify(p->eval);
    verify(p->predict);
    verify(p->init);
    ck_assert_int_eq(p->init->output.n, p->variable.n);
    golden_check(arena, in_source(arena, nc_sprintf(arena, "%s.vars", v.at.at[i])), variables(p));
  }
}
END_TEST

// The time for so many must not grow as their cube.
START_TEST(layers_of_a_kind_are_numbered) {
  NcDiag *d = nc_diag_new(arena);
  NcProgram *p = program(d, "many.nn", "nn 1\nmodel m(x: f32[B, 1]) -> f32[B, 1] {\n"
                         "  let dense_7 = dense(1)\n  repeat 3000 with h = dense_7(x) { h |> dense(1) }\n}\n", 0);
  ck_assert_msg(p != NULL, "%s", messages(d));
  ck_assert_int_eq(p->variable.n, 2 * 3001);
  const int at[] = {0, 1, 6, 7, 3000};
  const char *const path[] = {"m.dense_7.weight", "m.dense.weight", "m.dense_6.weight", "m.dense_8.weight", "m.dense_3001.weight"};
  for (int i = 0; i < LENGTH(at); i++) ck_assert_str_eq(p->variable.at[2 * at[i]].path, path[i]);
}
END_TEST

// ---- test blocks

static void check_expectations(NcDiag *d, const NcTest *t, const Binds *vars) {
  double **out = outputs_of(arena, d, t->graph, vars, 1);
  ck_assert_msg(out != NULL, "%s: %s", t->name, messages(d));
  for (int i = 0; i < t->graph->output.n; i++) {
    int64_t n = nc_count(t->graph->output.at[i].node->type.shape);
    for (int64_t k = 0; k < n; k++)
      ck_assert_msg(out[i][k] == 1, "%s: %s does not hold at %lld", t->name, nc_place(d, arena, t->expect.at[i]),
                    (long long)k);
  }
}

// Values that stay clear of the corners of relu and its kin.
static double *some_values(NcType t, int salt) {
  int64_t n = nc_count(t.shape);
  double *v = NC_NEW_N(arena, double, n);
  for (int64_t i = 0; i < n; i++)
    v[i] = nc_dtype_float(t.dtype) ? 0.13 + 1.7 * sin(1.3 * (double)(i + 1) + salt) : (double)((i * 7 + salt) % 3);
  return v;
}

static double loss_at(NcDiag *d, const NcGraph *g, const Binds *b) {
  double *v = output_of(arena, d, g, b, "loss");
  ck_assert_msg(v != NULL, "%s", messages(d));
  return *v;
}

static void check_gradients(NcDiag *d, const NcTest *t, const NcGraph *g, Binds *b) {
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (strcmp(n->op->name, "input") == 0) bind_value(arena, b, nc_attr_str(n, "name"), some_values(n->type, i));
  }
  for (int i = 0; i < g->output.n; i++) {
    const char *name = g->output.at[i].name;
    if (strcmp(name, "loss") == 0) continue;
    double *x = value_named(b, name), *dx = output_of(arena, d, g, b, name);
    ck_assert_msg(x && dx, "%s: %s", t->name, name);
    int64_t n = nc_count(g->output.at[i].node->type.shape);
    for (int64_t k = 0; k < n && k < 40; k++) {
      const double h = 1e-5, was = x[k];
      x[k] = was + h;
      double up = loss_at(d, g, b);
      x[k] = was - h;
      double down = loss_at(d, g, b), want = (up - down) / (2 * h);
      x[k] = was;
      ck_assert_msg(fabs(dx[k] - want) <= 1e-6 * (1 + fabs(want)),
                    "%s: d loss / d %s[%lld] is %.9g, by differences %.9g", t->name, name, (long long)k, dx[k], want);
    }
  }
}

static int run_tests(const char *name, const char *text) {
  NcDiag *d = nc_diag_new(arena);
  NcTests tests;
  NcProgramOptions o = {.name = name, .text = text, .size = strlen(text), .hooks = {.describe = describe_some}};
  ck_assert_msg(nc_program_tests(arena, d, &o, &tests), "%s", messages(d));
  ck_assert_msg(program(d, name, text, 0), "%s", messages(d));     // what only a test calls is not tried with made-up sizes
  for (int i = 0; i < tests.test.n; i++) {
    const NcTest *t = &tests.test.at[i];
    Binds vars = {0};
    verify(t->graph);
    ck_assert_msg(bind_outputs(arena, d, t->init, &vars), "%s", messages(d));
    check_expectations(d, t, &vars);
    for (int k = 0; k < t->gradcheck.n; k++) {
      verify(t->gradcheck.at[k]);
      check_gradients(d, t, t->gradcheck.at[k], &vars);
    }
  }
  return tests.test.n;
}

START_TEST(test_blocks_hold) {
  Names v = files("", true);
  for (int i = 0; i < v.at.n; i++) ck_assert_int_gt(run_tests(v.at.at[i], text_of(v.at.at[i])), 0);
}
END_TEST

// ---- metrics of a whole evaluation

static const char scored[] =
    "nn 1\n"
    "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\n"
    "data d { source = spiral() }\n"
    "train net on d {\n"
    "  let z = net(x)\n"
    "  loss = cross_entropy(z, label)\n"
    "  metrics = [accuracy(z, label), f1(z, label), precision(z, label), recall(z[:, 0], f32(label)),\n"
    "             auc(z[:, 1], f32(label)), rmse(z, x), r2(z, x), perplexity(z, label)]\n"
    "  optimizer = sgd(0.1)\n"
    "  steps = 1\n"
    "}\n";

static double *field(const double *all, int64_t each, int64_t from, int64_t n) {
  return nc_memdup(arena, all + from * each, (size_t)(n * each) * sizeof *all);
}

// The metrics of `n` examples, in batches of `batch`.
static double *evaluated(const double *x, const double *label, int64_t n, int64_t batch) {
  NcDiag *d = nc_diag_new(arena);
  NcProgram *p = program(d, "scored.nn", scored, batch);
  ck_assert_msg(p && p->finish, "%s", messages(d));
  verify(p->eval);
  verify(p->finish);
  Binds vars = {0}, means = {0};
  ck_assert(bind_outputs(arena, d, p->init, &vars));
  double *score = NC_NEW_N(arena, double, p->recipe->metrics.n + 1);
  for (int64_t i = 0; i < n; i += batch) {
    bind_value(arena, &vars, "x", field(x, 2, i, batch));
    bind_value(arena, &vars, "label", field(label, 1, i, batch));
    double **out = outputs_of(arena, d, p->eval, &vars, 1);
    ck_assert_msg(out != NULL, "%s", messages(d));
    for (int k = 0; k < p->eval->output.n; k++) {
      const NcOutput *o = &p->eval->output.at[k];
      double *sum = value_named(&means, o->name);
      int64_t count = nc_count(o->node->type.shape);
      if (!sum) bind_value(arena, &means, o->name, sum = NC_NEW_N(arena, double, count + 1));
      for (int64_t j = 0; j < count; j++) sum[j] += out[k][j] * (double)batch / (double)n;
    }
  }
  for (int k = 0; k < p->recipe->metrics.n; k++) {
    const char *name = p->recipe->metrics.at[k];
    double *v = nc_graph_find_output(p->finish, name) ? output_of(arena, d, p->finish, &means, name)
                                                      : value_named(&means, name);
    ck_assert_msg(v != NULL, "%s: %s", name, messages(d));
    score[k] = *v;
  }
  return score;
}

START_TEST(metrics_are_those_of_all_examples) {
  enum { N = 24, METRICS = 8 };
  double x[N * 2], label[N];
  for (int i = 0; i < N * 2; i++) x[i] = sin(2.3 * i * i + 1);
  for (int i = 0; i < N; i++) label[i] = i % 7 % 3 == 1;      // not as many in each batch
  double *whole = evaluated(x, label, N, N);
  for (int64_t batch = 3; batch < N; batch *= 2) {
    double *parts = evaluated(x, label, N, batch);
    for (int k = 0; k < METRICS; k++)
      ck_assert_msg(fabs(parts[k] - whole[k]) < 1e-12, "metric %d in batches of %lld: %.9g, in one %.9g", k,
                    (long long)batch, parts[k], whole[k]);
  }
}
END_TEST

// ---- error pages

static const char *fenced(const char *page, int k) {
  const char *p = strstr(page, "```nn\n");
  while (p && k-- > 0) p = strstr(p + 1, "```nn\n");
  if (!p) return NULL;
  p += strlen("```nn\n");
  const char *end = strstr(p, "\n```");
  return end ? nc_strndup(arena, p, (size_t)(end + 1 - p)) : NULL;
}

START_TEST(error_pages_show_their_error) {
  for (NcCode c = NC_E0110; c <= NC_E0312; c++) {
    const char *name = nc_code_name(c), *path = in_source(arena, nc_sprintf(arena, "docs/errors/%s.md", name));
    const char *page = golden_read(arena, path, NULL);
    ck_assert_msg(page != NULL, "%s is missing", path);
    const char *title = nc_sprintf(arena, "# %s: %s\n", name, nc_code_title(c));
    ck_assert_msg(strncmp(page, title, strlen(title)) == 0, "%s does not begin with `%s`", path, title);
    const char *wrong = fenced(page, 0), *mended = fenced(page, 1);
    ck_assert_msg(wrong && mended, "%s lacks a file", path);
    NcDiag *d = nc_diag_new(arena);
    ck_assert_msg(program(d, "wrong.nn", wrong, 0) == NULL, "%s: no error", path);
    ck_assert_msg(d->messages.n > 0 && d->messages.at[0]->code == c, "%s: another error:\n%s", path, messages(d));
    d = nc_diag_new(arena);
    ck_assert_msg(program(d, "mended.nn", mended, 0) != NULL, "%s:\n%s", path, messages(d));
  }
}
END_TEST

START_TEST(the_reference_holds_whole_files) {
  const char *page = golden_read(arena, in_source(arena, "docs/language.md"), NULL), *text;
  ck_assert(page != NULL);
  int k = 0;
  for (; (text = fenced(page, k)); k++) {
    NcDiag *d = nc_diag_new(arena);
    ck_assert_msg(program(d, "language.md", text, 0) != NULL, "%s", messages(d));
  }
  ck_assert_int_gt(k, 0);
}
END_TEST

int main(void) {
  Suite *s = suite_create("elab");
  TCase *t = suite_case(s, "elab", suite_open, suite_close);
  tcase_add_test(t, sizes_have_a_normal_form);
  tcase_add_test(t, sizes_refuse_what_does_not_fit);
  tcase_add_test(t, sizes_compute);
  tcase_add_test(t, a_task_takes_the_shapes_of_its_inputs);
  tcase_add_test(t, sums_of_products_are_contractions);
  tcase_add_test(t, errors_read_as_expected);
  tcase_add_test(t, variables_and_layers_as_expected);
  tcase_add_test(t, layers_of_a_kind_are_numbered);
  tcase_add_test(t, test_blocks_hold);
  tcase_add_test(t, metrics_are_those_of_all_examples);
  tcase_add_test(t, error_pages_show_their_error);
  tcase_add_test(t, the_reference_holds_whole_files);
  return suite_run(s, CK_FORK_GETENV);
}
