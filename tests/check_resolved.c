// resolved.nn: whatever settings and imports a file was trained with, it says the same by itself, or is not there. Every case
// is proven by the library too, before it writes; here its text is opened anew.
#include "suite.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "graph/graph.h"
#include "tempdir.h"
#include "train/resolved.h"

static NacreModel *m;

static void close_all(void) {
  nacre_close(m);
  m = NULL;
  temp_close();
}

static NacreModel *open_model(const char *path, const NacreOptions *o) {
  NacreModel *x;
  NacreStatus s = nacre_open(path, o, &x);
  ck_assert_msg(s == NACRE_OK, "%s: %s", path, nacre_message(x));
  return x;
}

// What the model in `m` is resolved to; NULL where that is not written.
static const char *resolved(void) {
  const char *path = temp_path("resolved.nn");
  unlink(path);
  ck_assert(nc_resolved_write(m, path));
  if (access(path, R_OK) != 0) return NULL;
  return nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, NULL);
}

static void same_graph(const NcGraph *a, const NcGraph *b) {
  ck_assert_str_eq(nc_graph_identity(a, arena), nc_graph_identity(b, arena));
}

static void opens_the_same(void) {
  NacreModel *x = open_model(temp_path("resolved.nn"), NULL);
  same_graph(m->program->step, x->program->step);
  same_graph(m->program->init, x->program->init);
  ck_assert_int_eq(m->program->batch, x->program->batch);
  ck_assert_uint_eq(m->program->recipe->seed, x->program->recipe->seed);
  ck_assert_int_eq(m->program->recipe->epochs, x->program->recipe->epochs);
  nacre_close(x);
}

static const char file[] =
  "nn 1\n"
  "const width = 4\n"
  "model net(hidden: int = 3, classes: int, name: str = \"a\")(x: f32[B, 2]) -> f32[B, classes] {\n"
  "  assert hidden > 0, \"{name} needs some\"\n"
  "  x |> dense(hidden * width) |> tanh |> dense(classes)\n"
  "}\n"
  "data points(n: int = 64) {\n  source = spiral(n = n)\n  split = (train = 0.5, test = 0.5)\n}\n"
  "train net(classes = 2) on points {\n"
  "  loss = cross_entropy(net(x), label)\n  optimizer = adam(0.01)\n  epochs = 2\n}\n";

START_TEST(settings_are_applied) {
  static const struct { const char *set[3]; int sets; int64_t batch; const char *say[3]; } cases[] = {
    {{0}, 0, 0, {"batch = 32", "seed = 1", "hidden: int = 3"}},
    {{"net.hidden=7"}, 1, 0, {"hidden: int = 7"}},
    {{"net.hidden=7", "net.hidden=8"}, 2, 0, {"hidden: int = 8"}},
    {{"net.classes=3", "width=9"}, 2, 0, {"train net(classes = 3)", "classes: int = 3", "const width = 9"}},
    {{"train.epochs=5", "train.seed=11", "train.batch=8"}, 3, 0, {"epochs = 5", "seed = 11", "batch = 8"}},
    {{"train.seed=1", "train.seed=2"}, 2, 0, {"seed = 2"}},
    {{"points.n=128", "train.optimizer=sgd(0.1, momentum = 0.9)"}, 2, 0, {"n: int = 128", "optimizer = sgd(0.1, momentum = 0.9)"}},
    {{"net.name=a \"b\" {c} \\"}, 1, 0, {"name: str = \"a \\\"b\\\" \\{c\\} \\\\\""}},
    {{"train.batch=4"}, 1, 16, {"batch = 16"}},
  };
  for (int i = 0; i < LENGTH(cases); i++) {
    nacre_close(m);
    m = open_model(temp_write("model.nn", file, strlen(file)),
        &(NacreOptions){.set = cases[i].set, .sets = cases[i].sets, .batch = cases[i].batch});
    const char *text = resolved();
    ck_assert_msg(text != NULL, "case %d is not resolved", i);
    for (int k = 0; k < 3 && cases[i].say[k]; k++) ck_assert_msg(strstr(text, cases[i].say[k]),
        "case %d lacks `%s` in:\n%s", i, cases[i].say[k], text);
    opens_the_same();
  }
}
END_TEST

START_TEST(stages_are_set) {
  static const char text[] =
    "nn 1\nmodel net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\ndata points() { source = spiral(n = 64) }\n"
    "train net on points {\n  loss = cross_entropy(net(x), label)\n  batch = 16\n"
    "  stage warm { optimizer = sgd(0.1)\n epochs = 1 }\n  stage long {\n optimizer = adam(0.01)\n epochs = 2 }\n}\n";
  m = open_model(temp_write("model.nn", text, strlen(text)),
                 &(NacreOptions){.set = (const char *[]){"train.warm.epochs=3", "train.long.optimizer=sgd(0.2)"}, .sets = 2});
  const char *r = resolved();
  ck_assert_ptr_nonnull(r);
  ck_assert_ptr_nonnull(strstr(r, "epochs = 3"));
  ck_assert_ptr_nonnull(strstr(r, "optimizer = sgd(0.2)"));
  ck_assert_ptr_null(strstr(r, "adam"));
  opens_the_same();
}
END_TEST

// `uses` declares what stands before the model; its layer is called through the import.
static const char *with_import(const char *import, const char *uses) {
  temp_write("zoo.nn", import, strlen(import));
  const char *text = nc_sprintf(arena,
    "nn 1\nimport \"zoo.nn\" as zoo  # zoo.block is there\n%s"
    "model net(x: f32[B, 2]) -> f32[B, 2] { x |> zoo.block(4) |> zoo.block(4) |> dense(2) }\n"
    "data points() { source = spiral(n = 64) }\n"
    "train net on points {\n  loss = cross_entropy(net(x), label)\n  optimizer = adam(0.01)\n  epochs = 1\n}\n", uses);
  nacre_close(m);
  m = open_model(temp_write("model.nn", text, strlen(text)), NULL);
  return resolved();
}

static const char block[] = "nn 1\n# blocks\nconst more = 2\nlayer block(n: int)(x: f32[B, I]) -> f32[B, "
    "n] { x |> dense(n * more) |> relu |> dense(n) }\n"
                            "test \"t\" { expect 1 == 1 }\n";

START_TEST(imports_are_inlined) {
  const char *text = with_import(block, "");
  ck_assert_ptr_nonnull(text);
  ck_assert_ptr_null(strstr(text, "import "));
  ck_assert_ptr_null(strstr(text, "test "));
  ck_assert_ptr_nonnull(strstr(text, "layer block(n: int)"));
  ck_assert_ptr_nonnull(strstr(text, "x |> block(4) |> block(4)"));
  unlink(temp_path("zoo.nn"));
  opens_the_same();
}
END_TEST

// Equal names, an import of an import, and a word of the prelude that one of the two files means otherwise.
START_TEST(imports_stay_where_names_meet) {
  const char *text = with_import(block, "const more = 5\n");
  ck_assert_ptr_nonnull(text);
  ck_assert_ptr_nonnull(strstr(text, "import \"zoo.nn\" as zoo"));
  ck_assert_ptr_nonnull(strstr(text, "zoo.block(4)"));
  opens_the_same();
  temp_write("deep.nn", block, strlen(block));
  ck_assert_int_eq(chdir(temp_dir), 0);                  // from where an import's own imports are looked for
  text = with_import("nn 1\nimport \"deep.nn\" as deep\nlayer block(n: int)(x: f32[B, I]) -> f32[B, n] { x |> deep.block(n) }\n", "");
  ck_assert_ptr_nonnull(text);
  ck_assert_ptr_nonnull(strstr(text, "import \"zoo.nn\" as zoo"));
  opens_the_same();
  text = with_import(block, "fn relu(x: f32[S...]) -> f32[S...] { x * 3 }\n");
  ck_assert_ptr_nonnull(text);
  ck_assert_ptr_nonnull(strstr(text, "import \"zoo.nn\" as zoo"));
  opens_the_same();
}
END_TEST

START_TEST(examples_are_resolved) {
  const char *root = getenv("srcdir");
  glob_t g;
  int written = 0;
  ck_assert_int_eq(glob(nc_sprintf(arena, "%s/examples/*.nn", root ? root : "."), 0, NULL, &g), 0);
  for (size_t i = 0; i < g.gl_pathc; i++) {
    nacre_close(m);
    NacreStatus s = nacre_open(g.gl_pathv[i], NULL, &m);
    if (s != NACRE_OK) continue;                           // their data are not here
    if (!m->program->recipe) continue;
    ck_assert_msg(resolved() != NULL, "%s is not resolved", g.gl_pathv[i]);
    written++;
  }
  globfree(&g);
  ck_assert_int_gt(written, 15);
}
END_TEST

int main(void) {
  Suite *s = suite_create("resolved");
  TCase *t = suite_case(s, "file", temp_open, close_all);
  tcase_add_test(t, settings_are_applied);
  tcase_add_test(t, stages_are_set);
  tcase_add_test(t, imports_are_inlined);
  tcase_add_test(t, imports_stay_where_names_meet);
  tcase_add_test(t, examples_are_resolved);
  return suite_run(s, CK_FORK_GETENV);
}
