// Weights from files: which tensors a layer takes, every misfit at once, values that arrive where they belong.
#include <string.h>
#include <sys/stat.h>
#include "eval/eval.h"
#include "io/safetensors.h"
#include "tempdir.h"
#include "train/model.h"

static NacreModel *m;

static void close_model(void) {
  nacre_close(m);
  m = NULL;
  temp_close();
}

// A file whose tensors hold their own number (from 1) everywhere: "name 2x3, other 4".
static const char *write_file(const char *file, const char *tensors) {
  NC_VEC(NcTensor) t = {0};
  for (char *s = nc_strdup(arena, tensors), *save, *one = strtok_r(s, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
    char name[64], dims[64];
    ck_assert_int_eq(sscanf(one, " %63s %63s", name, dims), 2);
    NcType type = {.dtype = NC_F32};
    for (char *p = dims; *p; p += *p == 'x') type.shape.dim[type.shape.rank++] = strtol(p, &p, 10);
    float *v = NC_NEW_N(arena, float, nc_count(type.shape));
    for (int64_t i = 0; i < nc_count(type.shape); i++) v[i] = (float)(t.n + 1);
    *NC_PUSH(arena, t) = (NcTensor){nc_strdup(arena, name), type, v};
  }
  const char *path = nc_strdup(arena, temp_path(file));
  NcDiag *d = nc_diag_new(arena);
  ck_assert(nc_safetensors_write(arena, d, path, t.at, t.n, NULL, 0));
  return path;
}

#define NET \
  "layer features(x: f32[B, 2]) -> f32[B, 4] { x |> dense(4) |> batch_norm |> tanh }\n" \
  "model net(x: f32[B, 2]) -> f32[B, 2] { x |> features as body from trained frozen |> dense(2) as head }\n" \
  "data points { source = spiral(n = 64); split = (train = 0.5, valid = 0.5) }\n" \
  "train net on points { loss = cross_entropy(net(x), label); optimizer = adam(0.01); batch = 16; epochs = 1 }\n"

static NacreStatus open_with(const char *weights, const char *rest) {
  nacre_close(m);
  const char *text = nc_sprintf(arena, "nn 1\nweights trained = %s\n%s", weights, rest);
  return nacre_open_text("net.nn", text, strlen(text), NULL, &m);
}

static const char *from(const char *path) { return nc_sprintf(arena, "safetensors(\"%s\")", path); }

static void fits(const char *weights, const char *rest, const char *var, const char *tensor) {
  NacreStatus s = open_with(weights, rest);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
  for (int i = 0; i < m->program->variable.n; i++) {
    const NcVariable *v = &m->program->variable.at[i];
    if (strcmp(v->path, var) != 0) continue;
    ck_assert_msg(v->tensor && strcmp(v->tensor, tensor) == 0, "%s starts from %s", var, v->tensor ? v->tensor : "nothing");
    return;
  }
  ck_abort_msg("there is no %s", var);
}

static void refuse(const char *weights, const char *rest, const char *code, const char *const *parts) {
  ck_assert_int_ne(open_with(weights, rest), NACRE_OK);
  const char *got = nacre_message(m);
  ck_assert_msg(strstr(got, code) != NULL, "%s", got);
  for (; *parts; parts++) ck_assert_msg(strstr(got, *parts) != NULL, "`%s` is not in: %s", *parts, got);
}
#define REFUSE(weights, rest, code, ...) refuse(weights, rest, code, (const char *const[]){__VA_ARGS__, NULL})

#define BODY(p) p "dense.weight 4x2," p "dense.b 4," p "batch_norm.scale 4," p "batch_norm.shift 4," p "batch_norm.mean 4," \
  p "batch_norm.var 4"

START_TEST(a_layer_finds_its_sub_tree) {
  fits(from(write_file("plain", BODY("") ",fc.weight 3x4")), NET, "net.body.dense.b", "dense.b");
  fits(from(write_file("deep", BODY("adam.m.net.x.") "," BODY("net.x.") ",net.head.weight 3x4")), NET, "net.body.dense.b",
       "net.x.dense.b");
  fits(from(write_file("named", BODY("net.enc.") "," BODY("longer.body."))), NET, "net.body.dense.b", "longer.body.dense.b");
  fits(from(write_file("layer", BODY("n.enc.") "," BODY("longer.features."))), NET, "net.body.dense.b",
       "longer.features.dense.b");
  const char *twins = write_file("twins", BODY("net.enc.") "," BODY("net.dec."));
  REFUSE(from(twins), NET, "E0411", "several parts that fit `net.body`", "`net.enc`", "`net.dec`", "part = ");
  fits(nc_sprintf(arena, "safetensors(\"%s\", part = \"net.dec\")", twins), NET, "net.body.dense.b", "net.dec.dense.b");
}
END_TEST

START_TEST(every_misfit_is_told) {
  const char *w = write_file("w", "net.body.dense.weight 2x4, net.body.dense.b 4, net.body.dense.c 4, net.body.batch_norm.scale 4,"
                                  "net.body.batch_norm.shift 5, net.head.weight 7, net.body.more.w 3");
  REFUSE(from(w), NET, "E0411", "net.nn:4:", "`net.body.dense.weight` is f32[2,4] there and f32[4,2] here",
         "`net.body.batch_norm.shift` is f32[5] there and f32[4] here", "missing: `net.body.batch_norm.mean`, f32[4] here",
         "missing: `net.body.batch_norm.var`, f32[4] here", "not in this layer: `net.body.dense.c`, f32[4] there");
  ck_assert(!strstr(nacre_message(m), "net.head") && !strstr(nacre_message(m), "more.w"));   // parts of their own
  REFUSE(nc_sprintf(arena, "safetensors(\"%s\", part = \"net\")", w), NET, "E0411", "missing: `net.dense.weight`");
}
END_TEST

START_TEST(declarations_are_checked) {
  const char *w = write_file("w", BODY(""));
  REFUSE("csv(\"x\")", NET, "E0312", "`safetensors` or `run`");
  REFUSE("safetensors()", NET, "E0304", "needs a path");
  REFUSE("safetensors(\"x\", name = \"y\")", NET, "E0303", "did you mean `names`?");
  REFUSE("run(\"x\", checkpoint = \"first\")", NET, "E0312", "\"best\" or \"last\"");
  REFUSE(nc_sprintf(arena, "safetensors(\"%s\", names = \"torchvison\")", w), NET, "E0312", "did you mean \"torchvision\"?");
  REFUSE(from(w), "weights other = run(\"x\")\nmodel net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) as d from trianed }\n", "E0301",
         "did you mean `trained`?");
  temp_write("bad.map", "dense.* = d.*\n", 14);
  REFUSE(nc_sprintf(arena, "safetensors(\"%s\", names = \"%s\")", w, temp_path("bad.map")), NET, "E0412", "bad.map:1:1");
  temp_write("torn", "nonsense", 8);
  REFUSE(from(temp_path("torn")), NET, "E0402", "torn");
  // what is not there yet is told when it is needed
  ck_assert_int_eq(open_with(from(temp_path("absent")), NET), NACRE_OK);
  NacreScores s;
  ck_assert_int_ne(nacre_eval(m, "valid", &s), NACRE_OK);
  ck_assert_msg(strstr(nacre_message(m), "E0401") && strstr(nacre_message(m), "absent"), "%s", nacre_message(m));
}
END_TEST

static double first_of(const NcTensors *t, const char *name) {
  const NcTensor *x = nc_tensor_find(t, name);
  ck_assert_msg(x != NULL, "%s is missing", name);
  return (double)((const float *)x->data)[0];
}

START_TEST(values_arrive_and_stay) {
  static const char map[] = "fc.weight -> dense.weight transpose\nfc.bias -> dense.b\nbn.weight -> batch_norm.scale\n"
                            "bn.bias -> batch_norm.shift\nbn.running_{n} -> -\nbn.running_mean -> batch_norm.mean\n"
                            "bn.running_var -> batch_norm.var\n";
  temp_write("my.map", map, sizeof map - 1);
  const char *w = write_file("w", "bn.running_mean 4, fc.weight 2x4, bn.running_var 4, fc.bias 4, bn.weight 4, bn.bias 4, top.w 9");
  ck_assert_int_eq(open_with(nc_sprintf(arena, "safetensors(\"%s\", names = \"%s\")", w, temp_path("my.map")), NET), NACRE_OK);
  ck_assert_msg(nacre_train(m, &(NacreTrainOptions){.out = nc_strdup(arena, temp_path("out"))}) == NACRE_OK, "%s", nacre_message(m));
  const char *last = nc_sprintf(arena, "%s/last.safetensors", temp_path("out"));
  NcTensors t;
  ck_assert(nc_safetensors_read(arena, nc_diag_new(arena), NC_NOWHERE, last, &t));
  static const struct { const char *name; double value; } want[] = {
    {"net.body.batch_norm.mean", 1}, {"net.body.dense.weight", 2}, {"net.body.batch_norm.var", 3}, {"net.body.dense.b", 4},
    {"net.body.batch_norm.scale", 5}, {"net.body.batch_norm.shift", 6},
  };
  for (int i = 0; i < 6; i++) ck_assert_double_eq(first_of(&t, want[i].name), want[i].value);
  double head = first_of(&t, "net.head.weight");

  // from the run: the whole model as a layer, its weights where the training left them
  const char *whole = nc_sprintf(arena, "%s\nmodel again(x: f32[B, 2]) -> f32[B, 2] { x |> net as copy from mine }\n"
                                    "weights mine = run(\"%s\", checkpoint = \"last\")\n", NET, temp_path("out"));
  NacreOptions o = {.model = "again"};
  const char *text = nc_sprintf(arena, "nn 1\nweights trained = %s\n%s", from(w), whole);
  nacre_close(m);
  NacreStatus s = nacre_open_text("again.nn", text, strlen(text), &o, &m);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
  ck_assert_msg(nacre_save(m, temp_path("copy")) == NACRE_OK, "%s", nacre_message(m));
  ck_assert(nc_safetensors_read(arena, nc_diag_new(arena), NC_NOWHERE, temp_path("copy"), &t));
  ck_assert_double_eq(first_of(&t, "again.copy.head.weight"), head);
  ck_assert_double_eq(first_of(&t, "again.copy.body.dense.b"), 4);
}
END_TEST

// Values of a model so large that threads share the work are those of the graph, evaluated at once.
START_TEST(starting_values_are_the_graphs) {
  static const char net[] =
    "nn 1\n"
    "model net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(1024) |> dense(1024, init = normal(0.1)) |> relu |> dense(2) }\n"
    "data points { source = spiral(n = 64); split = (train = 1.0) }\n"
    "train net on points { loss = cross_entropy(net(x), label); optimizer = adam(0.01); batch = 16; epochs = 1; seed = 5 }\n";
  ck_assert_msg(nacre_open_text("file.nn", net, strlen(net), NULL, &m) == NACRE_OK, "%s", nacre_message(m));
  ck_assert(nc_engine_get(m, "step", 0) != NULL);
  const NcGraph *g = m->program->init;
  double **value = NC_NEW_N(arena, double *, g->node.n + 1);
  ck_assert(nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .seed = 5, .round = true}, value));
  for (int k = 0; k < g->output.n; k++) {
    int i = nc_exec_find_var(m->exec, g->output.at[k].name);
    int64_t n = nc_count(g->output.at[k].node->type.shape);
    float *v = NC_NEW_N(arena, float, n);
    if (i < 0 || nc_exec_var(m->exec, i)->type.dtype != NC_F32) continue;
    ck_assert(nc_exec_var_read(m->exec, diag, i, v, (size_t)n * sizeof *v));
    for (int64_t e = 0; e < n; e++)
      ck_assert_msg((double)v[e] == value[g->output.at[k].node->id][e], "%s, %lld", g->output.at[k].name, (long long)e);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("weights");
  TCase *t = suite_case(s, "weights", temp_open, close_model);
  tcase_add_test(t, starting_values_are_the_graphs);
  tcase_add_test(t, a_layer_finds_its_sub_tree);
  tcase_add_test(t, every_misfit_is_told);
  tcase_add_test(t, declarations_are_checked);
  tcase_add_test(t, values_arrive_and_stay);
  return suite_run(s, CK_FORK_GETENV);
}
