// Pictures of networks: the DOT of every example is well formed, each arrow goes from a box to a box, and what is folded is
// what is equal. Graphviz itself is not needed.
#include "suite.h"
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tempdir.h"
#include "nacre.h"
#include "show/picture.h"

static NacreModel *m;

static void close_model(void) {
  nacre_close(m);
  m = NULL;
}

static void close_all(void) {
  close_model();
  temp_close();
}

static void open_text(const char *text) {
  close_model();
  NacreStatus s = nacre_open_text("t.nn", text, strlen(text), NULL, &m);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
}

static NacrePicture draw(NacreDraw d) {
  NacrePicture p;
  NacreStatus s = nacre_draw(m, &d, &p);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
  return p;
}

// Texts in quotes and labels in <…> are closed, braces match; no box is told twice, and each end of an arrow is told.
typedef struct { int boxes, arrows; bool box[20000]; } Dot;

static const char *skip_label(const char *s) {
  int depth = 0;
  do {
    if (*s == '<') depth++;
    if (*s == '>') depth--;
    ck_assert_msg(*s != 0 && *s != '\n', "a label has no end");
    s++;
  } while (depth);
  return s;
}

static void read_dot(const char *text, Dot *d) {
  int depth = 0;
  memset(d, 0, sizeof *d);
  struct { long from, to; } arrow[20000];
  for (const char *s = text; *s;) {
    if (*s == '"') {
      for (s++; *s && *s != '"'; s++) ck_assert_msg(*s != '\n', "a quoted text has no end");
      ck_assert(*s);
      s++;
    } else if (*s == '<') s = skip_label(s);
    else if (*s == '{' || *s == '}') depth += *s++ == '{' ? 1 : -1;
    else if (*s == 'b' && s[1] >= '0' && s[1] <= '9' && (s == text || s[-1] == ' ')) {
      char *end;
      long from = strtol(s + 1, &end, 10);
      ck_assert(from >= 0 && from < 20000);
      if (strncmp(end, " -> b", 5) == 0) {
        long to = strtol(end + 5, &end, 10);
        ck_assert_int_eq(*end, ';');
        arrow[d->arrows].from = from;
        arrow[d->arrows++].to = to;
      } else {
        ck_assert_msg(!d->box[from], "box %ld is told twice", from);
        d->box[from] = true;
        d->boxes++;
      }
      s = end;
    } else s++;
    ck_assert(depth >= 0);
  }
  ck_assert_int_eq(depth, 0);
  for (int i = 0; i < d->arrows; i++) {
    ck_assert_int_ne(arrow[i].from, arrow[i].to);
    ck_assert_msg(d->box[arrow[i].from] && d->box[arrow[i].to], "an arrow from %ld to %ld has no end", arrow[i].from, arrow[i].to);
  }
}

// The same as JSON tells: as many, and the same ends.
static json_t *read_json(const NacrePicture *p) {
  json_error_t e;
  json_t *j = json_loads(nc_sprintf(arena, "{%s}", p->json), 0, &e);
  ck_assert_msg(j != NULL, "%s", e.text);
  ck_assert_int_eq(json_array_size(json_object_get(j, "boxes")), p->boxes);
  ck_assert_int_eq(json_array_size(json_object_get(j, "arrows")), p->arrows);
  return j;
}

static void check(const NacrePicture *p, const char *what) {
  static Dot d;
  read_dot(p->dot, &d);
  ck_assert_msg(d.boxes == p->boxes && d.arrows == p->arrows, "%s: %d boxes and %d arrows, not %d and %d", what, d.boxes, d.arrows,
                p->boxes, p->arrows);
  ck_assert_msg(p->boxes < 2 || p->arrows > 0, "%s: no arrow", what);
  json_decref(read_json(p));
}

START_TEST(every_example_is_drawn) {
  static const char *const folders[] = {"examples", "examples/zoo"};
  const char *root = getenv("srcdir");
  int drawn = 0;
  for (int f = 0; f < LENGTH(folders); f++) {
    glob_t g;
    ck_assert_int_eq(glob(nc_sprintf(arena, "%s/%s/*.nn", root ? root : ".", folders[f]), 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
      if (nacre_open(g.gl_pathv[i], NULL, &m) != NACRE_OK) ck_abort_msg("%s", nacre_message(m));
      for (int depth = 0; depth < 4; depth++) {
        NacrePicture p;
        if (nacre_draw(m, &(NacreDraw){.depth = depth}, &p) != NACRE_OK) continue;      // a file of tasks alone
        check(&p, g.gl_pathv[i]);
        drawn++;
      }
      close_model();
    }
    globfree(&g);
  }
  ck_assert_int_gt(drawn, 100);
}
END_TEST

static int times(const NacrePicture *p, const char *name) {
  json_t *j = read_json(p), *list = json_object_get(j, "boxes");
  int n = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *b = json_array_get(list, i);
    if (strcmp(json_string_value(json_object_get(b, "name")), name) == 0) n += (int)json_integer_value(json_object_get(b, "times"));
  }
  json_decref(j);
  return n;
}

static const char blocks[] =
  "nn 1\n"
  "layer block(D: int)(x: f32[B, D]) -> f32[B, D] { x + (x |> dense(D) |> relu |> dense(D)) }\n"
  "layer other(x: f32[B, D]) -> f32[B, D] { x |> dense(D) |> tanh }\n"
  "model m(x: f32[B, 8]) -> f32[B, 2] {\n"
  "  let y = repeat 5 with h = x { h |> block(8) }\n"
  "  y |> other |> block(8) |> dense(2)\n"
  "}\n";

// Five blocks in a row are one frame, and the one behind another layer is not among them.
START_TEST(equal_layers_in_a_row_are_one) {
  open_text(blocks);
  NacrePicture p = draw((NacreDraw){0});
  check(&p, "blocks");
  ck_assert_int_eq(times(&p, "relu"), 6);
  ck_assert_int_eq(times(&p, "dense"), 2 * 6 + 1 + 1);
  ck_assert_int_eq(p.boxes, 2 + 2 * 4 + 2 + 1);           // input, output; two blocks of four; dense, tanh; dense
  p = draw((NacreDraw){.depth = 1});
  check(&p, "blocks, closed");
  ck_assert_int_eq(times(&p, "block"), 6);
  ck_assert_int_eq(p.boxes, 2 + 2 + 1 + 1);
}
END_TEST

// Two branches with equal layers stand beside each other: they are no run.
START_TEST(branches_are_no_run) {
  open_text("nn 1\n"
            "layer leg()(x: f32[B, D]) -> f32[B, D] { x |> dense(D) |> tanh |> dense(D) }\n"
            "model m(x: f32[B, 8]) -> f32[B, 24] { concat(leg()(x), leg()(x), leg()(x), axis = 1) }\n");
  NacrePicture p = draw((NacreDraw){0});
  check(&p, "branches");
  ck_assert_int_eq(times(&p, "tanh"), 3);
  ck_assert_int_eq(p.boxes, 2 + 9 + 1);
  p = draw((NacreDraw){.depth = 1});
  ck_assert_int_eq(times(&p, "leg"), 3);
  ck_assert_int_eq(p.boxes, 2 + 3 + 1);
}
END_TEST

// A skip over all blocks reaches each of them, or none is folded.
START_TEST(what_reaches_into_a_run_is_kept) {
  open_text("nn 1\n"
            "layer block()(x: f32[B, D], y: f32[B, D]) -> f32[B, D] { (x |> dense(D) |> tanh |> dense(D)) * y }\n"
            "model all(x: f32[B, 8]) -> f32[B, 8] { let z = exp(x)\n  repeat 4 with h = x { block()(h, z) } }\n");
  NacrePicture p = draw((NacreDraw){0});
  check(&p, "all");
  ck_assert_int_eq(times(&p, "tanh"), 4);
  ck_assert_int_eq(p.boxes, 2 + 1 + 4);
  open_text("nn 1\n"
            "layer block()(x: f32[B, D]) -> f32[B, D] { x |> dense(D) |> tanh |> dense(D) }\n"
            "model first(x: f32[B, 8]) -> f32[B, 8] { let a = block()(x)\n  let b = block()(a)\n  let c = block()(b)\n  c + a }\n");
  p = draw((NacreDraw){.depth = 1});
  check(&p, "first");
  ck_assert_int_eq(p.boxes, 2 + 1 + 1 + 1);                // the first block stands for itself; two in a row; the sum
}
END_TEST

START_TEST(shapes_and_parameters_are_told) {
  open_text(blocks);
  NacrePicture p = draw((NacreDraw){.depth = 1});
  ck_assert_ptr_nonnull(strstr(p.dot, "[B, 8]"));
  ck_assert_ptr_nonnull(strstr(p.dot, "144 parameters"));  // 2 (8 · 8 + 8)
  ck_assert_ptr_nonnull(strstr(p.dot, "18 parameters"));   // 8 · 2 + 2
  ck_assert_ptr_nonnull(strstr(p.dot, "× 5"));
}
END_TEST

// Each launch of the plan is a box; what was fused into it is told.
START_TEST(launches_are_drawn) {
  open_text(blocks);
  NacrePicture p = draw((NacreDraw){.kernels = true});
  check(&p, "kernels");
  ck_assert_ptr_nonnull(strstr(p.dot, "launches"));
  ck_assert_ptr_nonnull(strstr(p.dot, "dot, add"));
  ck_assert_ptr_nonnull(strstr(p.dot, "t.nn:2:"));
  // One whose turns are too large for one launch.
  open_text("nn 1\nmodel m(x: f32[B, 30, 4]) -> f32[B, 600] { x |> lstm(600, last = true) }\n");
  p = draw((NacreDraw){.kernels = true});
  check(&p, "a loop");
  ck_assert_ptr_nonnull(strstr(p.dot, "loop of 30 turns"));
}
END_TEST

// The optimizer reads gradients that lie in packs, which no step names as a whole before it.
static int arrows_to(const json_t *arrows, json_int_t box) {
  int n = 0;
  for (size_t k = 0; k < json_array_size(arrows); k++) n += json_integer_value(json_object_get(json_array_get(arrows, k), "to")) == box;
  return n;
}

START_TEST(training_is_drawn_to_its_end) {
  open_text("nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] { x |> dense(4) |> tanh |> dense(2) }\n"
            "data d() { source = spiral(n = 64) }\n"
            "train m on d { loss = cross_entropy(m(x), label)\n  optimizer = adam(0.01)\n  batch = 16\n  epochs = 1\n}\n");
  NacrePicture p = draw((NacreDraw){.kernels = true, .purpose = "step"});
  check(&p, "step");
  json_t *j = read_json(&p), *boxes = json_object_get(j, "boxes"), *arrows = json_object_get(j, "arrows");
  int updates = 0;
  for (size_t i = 0; i < json_array_size(boxes); i++) {
    const json_t *b = json_array_get(boxes, i), *kernel = json_array_get(json_object_get(b, "text"), 0);
    if (!kernel || strncmp(json_string_value(kernel), "update", 6) != 0) continue;
    json_int_t box = json_integer_value(json_object_get(b, "box"));
    updates += arrows_to(arrows, box);
  }
  json_decref(j);
  ck_assert_int_ge(updates, 1);
}
END_TEST

// Names in a file are anything; in DOT they are text.
START_TEST(names_do_no_harm) {
  NcPicture *p = nc_picture_new(arena, "a \"b\" <c> \\");
  NcItem *f = nc_picture_item(p, p->root, "</b>&\"<i>", NULL, true);
  NcItem *a = nc_picture_item(p, f, "x->y;}{\"\xff\x01", "dense", false), *b = nc_picture_item(p, f, "b", "none such", false);
  nc_picture_line(p, a, "<&>");
  nc_picture_arrow(p, a, b);
  nc_picture_arrow(p, a, b);
  nc_picture_arrow(p, b, b);
  nc_picture_fold(p);
  NcBuf dot = NC_BUF(arena);
  nc_picture_dot(p, &dot);
  static Dot d;
  read_dot(nc_buf_str(&dot), &d);
  ck_assert_int_eq(d.boxes, 2);
  ck_assert_int_eq(d.arrows, 1);
  ck_assert_ptr_null(strstr(dot.at, "<i>"));
  ck_assert_ptr_nonnull(strstr(dot.at, "&lt;i&gt;"));
}
END_TEST

// Without Graphviz the text lies beside, and the message says what to install.
START_TEST(without_graphviz_the_text_is_written) {
  char *path = strdup(getenv("PATH") ? getenv("PATH") : ""), *file = nc_strdup(arena, temp_path("m.svg"));
  NacrePicture p;
  open_text(blocks);
  setenv("PATH", "/nowhere", 1);
  NacreStatus s = nacre_draw(m, &(NacreDraw){.path = file}, &p);
  setenv("PATH", path, 1);
  free(path);
  ck_assert_int_eq(s, NACRE_RUN);
  const char *said = nacre_message(m);
  ck_assert_msg(strstr(said, "E0602") && strstr(said, "the package `graphviz`"), "%s", said);
  ck_assert_int_eq(access(temp_path("m.dot"), R_OK), 0);
  ck_assert_int_ne(access(file, R_OK), 0);
  ck_assert_int_eq(nacre_draw(m, &(NacreDraw){.path = "m.gif"}, &p), NACRE_USAGE);
}
END_TEST

// Of long trainings layers are drawn, and their gradients; every launch only if it is asked for, and then with no arrows but
// from what it reads: memory that is used again makes none.
START_TEST(long_trainings_are_drawn_by_layers) {
  open_text("nn 1\nlayer block(x: f32[B, 4, H, W]) -> f32[B, 4, H, W] {\n"
            "  relu(x + (x |> conv(4, 3, pad = 1) |> batch_norm |> relu |> conv(4, 3, pad = 1) |> batch_norm))\n}\n"
            "model m(x: f32[B, 1, 8, 8]) -> f32[B, 10] {\n"
            "  x |> conv(4, 3, pad = 1) |> block |> block |> block |> block |> block |> block |> flatten |> dense(10)\n}\n"
            "data d { source = digits(n = 64)\n  x = image[:, new, 0..8, 0..8] / 255 }\n"
            "train m on d { loss = cross_entropy(m(x), label)\n  optimizer = adam(0.01)\n  batch = 16\n  epochs = 1\n}\n");
  NacrePicture p = draw((NacreDraw){.kernels = true, .purpose = "step"});
  check(&p, "by layers");
  ck_assert_int_gt(p.depth, 0);
  ck_assert_int_le(p.boxes, 80);
  p = draw((NacreDraw){.kernels = true, .purpose = "step", .depth = 1});
  check(&p, "by layers of the model");
  ck_assert_int_eq(p.depth, 1);
  ck_assert_ptr_nonnull(strstr(p.dot, "left out: arrows to updates"));
  json_t *j = read_json(&p), *boxes = json_object_get(j, "boxes"), *arrows = json_object_get(j, "arrows");
  int folded = 0, gradients = 0, updates = 0;
  for (size_t i = 0; i < json_array_size(boxes); i++) {
    const json_t *b = json_array_get(boxes, i);
    const char *name = json_string_value(json_object_get(b, "name")), *layer = json_string_value(json_object_get(b, "layer"));
    json_int_t box = json_integer_value(json_object_get(b, "box")), times = json_integer_value(json_object_get(b, "times"));
    bool gradient = layer && strcmp(layer, "gradient") == 0, update = strcmp(name, "update") == 0;
    folded += strcmp(name, "block") == 0 && !gradient && times > 3;
    gradients += gradient;
    updates += update;
    if (gradient || update) ck_assert_msg(arrows_to(arrows, box) > 0, "nothing leads to box %lld, %s", (long long)box, name);
    if (update) ck_assert_int_eq(arrows_to(arrows, box), 1);
  }
  ck_assert_int_eq(folded, 1);
  ck_assert_int_ge(gradients, 3);
  ck_assert_int_eq(updates, 1);
  json_decref(j);
  p = draw((NacreDraw){.kernels = true, .purpose = "step", .depth = 1000});
  check(&p, "every launch");
  ck_assert_int_eq(p.depth, 0);
  ck_assert_int_gt(p.boxes, 100);
  j = read_json(&p), boxes = json_object_get(j, "boxes"), arrows = json_object_get(j, "arrows");
  for (size_t i = 0; i < json_array_size(boxes); i++) {
    const json_t *b = json_array_get(boxes, i), *kernel = json_array_get(json_object_get(b, "text"), 0);
    if (!kernel || strncmp(json_string_value(kernel), "update", 6) == 0) continue;
    int n = arrows_to(arrows, json_integer_value(json_object_get(b, "box")));
    ck_assert_msg(n <= 5, "%s reads %d others", json_string_value(kernel), n);
  }
  json_decref(j);
}
END_TEST

// What comes of a program named `dot`, whichever it is: its picture, or why there is none.
START_TEST(what_dot_does) {
  static const struct { const char *script; int mode; const char *why; } cases[] = {
    {NULL, 0, "is not installed"},
    {"#!/bin/sh\nexec /bin/cat\n", 0600, "cannot be started: Permission denied"},
    {"#!/bin/sh\nexit 3\n", 0700, "failed"},
    {"#!/bin/sh\nexit 0\n", 0700, "made nothing that could be read"},
    {"#!/bin/sh\nexec /bin/cat\n", 0700, NULL},
  };
  const char *dot = nc_strdup(arena, temp_path("dot")), *path = getenv("PATH") ? nc_strdup(arena, getenv("PATH")) : NULL;
  ck_assert_int_eq(setenv("PATH", nc_strndup(arena, dot, strlen(dot) - strlen("/dot")), 1), 0);
  for (int i = 0; i < LENGTH(cases); i++) {
    NcDotTrouble t;
    size_t size = 0;
    if (cases[i].script) temp_write("dot", cases[i].script, strlen(cases[i].script));
    if (cases[i].script) ck_assert_int_eq(chmod(dot, (mode_t)cases[i].mode), 0);
    const char *made = nc_graphviz(arena, "digraph {}", 10, "svg", &size, &t);
    if (!cases[i].why) {
      ck_assert_ptr_null(t.why);
      ck_assert_str_eq(made, "digraph {}");
      ck_assert_uint_eq(size, 10);
      continue;
    }
    ck_assert_ptr_null(made);
    ck_assert_str_eq(t.why, cases[i].why);
    ck_assert(t.absent == (i == 0));
  }
  if (path) setenv("PATH", path, 1);
}
END_TEST

int main(void) {
  Suite *s = suite_create("picture");
  TCase *t = suite_case(s, "model", temp_open, close_all);
  tcase_add_test(t, every_example_is_drawn);
  tcase_add_test(t, equal_layers_in_a_row_are_one);
  tcase_add_test(t, branches_are_no_run);
  tcase_add_test(t, what_reaches_into_a_run_is_kept);
  tcase_add_test(t, shapes_and_parameters_are_told);
  tcase_add_test(t, names_do_no_harm);
  tcase_add_test(t, without_graphviz_the_text_is_written);
  tcase_add_test(t, what_dot_does);
  t = suite_case(s, "plan", temp_open, close_all);
  tcase_add_test(t, launches_are_drawn);
  tcase_add_test(t, training_is_drawn_to_its_end);
  tcase_add_test(t, long_trainings_are_drawn_by_layers);
  return suite_run(s, CK_FORK_GETENV);
}
