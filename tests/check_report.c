// The page of a run: its tags are closed, it needs nothing from elsewhere, what comes from files does no harm in it, and it has
// the sections that the run calls for.
#include "suite.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "nacre.h"
#include "show/html.h"
#include "tempdir.h"
#include "train/output.h"

static NacreModel *m;

static void close_all(void) {
  nacre_close(m);
  m = NULL;
  temp_close();
}

static void keep(void *ctx, const char *text, size_t n) { nc_putn(ctx, text, n); }

// ---- a reader of tags: each one that opens is closed in its turn; attributes are quoted, and nothing is fetched

static bool is_void(const char *name, size_t n) {
  static const char *const names[] = {"meta", "link", "img", "br", "!doctype", "!--"};
  for (int i = 0; i < LENGTH(names); i++)
    if (strlen(names[i]) == n && strncmp(name, names[i], n) == 0) return true;
  return false;
}

static void check_page(const char *page) {
  struct { const char *name; size_t n; } open[64];
  int depth = 0;
  for (const char *s = page; *s;) {
    if (strncmp(s, "<!--", 4) == 0) { s = strstr(s, "-->"); ck_assert_ptr_nonnull(s); s += 3; continue; }
    if (*s != '<') { ck_assert_msg(*s != '>' || (depth && strncmp(open[depth - 1].name, "style", 5) == 0),
        "a bare > at: %.60s", s); s++; continue; }
    bool closes = s[1] == '/';
    const char *name = s + 1 + closes, *end = name;
    while (*end && !strchr(" \n/>", *end)) end++;
    size_t n = (size_t)(end - name);
    ck_assert_msg(n > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz!-0123456789") >= n, "no tag: %.60s", s);
    ck_assert_msg(n != 6 || strncmp(name, "script", 6) != 0, "a script");
    while (*end && *end != '>') {
      if (*end == '"') { end = strchr(end + 1, '"'); ck_assert_msg(end != NULL, "an open quote: %.80s", s); }
      end++;
    }
    ck_assert_msg(*end == '>', "an open tag: %.60s", s);
    bool alone = end[-1] == '/' || is_void(name, n);
    if (closes) {
      ck_assert_msg(depth > 0 && open[depth - 1].n == n && strncmp(open[depth - 1].name, name, n) == 0, "</%.*s> closes %.*s", (int)n, name,
                    depth ? (int)open[depth - 1].n : 0, depth ? open[depth - 1].name : "");
      depth--;
    } else if (!alone) {
      ck_assert_int_lt(depth, 64);
      open[depth].name = name;
      open[depth++].n = n;
    }
    s = end + 1;
  }
  ck_assert_msg(depth == 0, "<%.*s> is not closed", depth ? (int)open[depth - 1].n : 0, depth ? open[depth - 1].name : "");
  for (const char *s = page; (s = strstr(s, "http")); s += 4)      // names of SVG's own are no addresses
    ck_assert_msg(strncmp(s, "http://www.w3.org/", 18) == 0, "an address: %.60s", s);
}

static const char *report(const char *dir) {
  nacre_close(m);
  NacreStatus s = nacre_open_run(dir, NULL, &(NacreOptions){.device_class = "cpu"}, &m);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
  NcBuf b = NC_BUF(arena);
  s = nacre_report(m, keep, &b);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
  ck_assert_str_eq(nacre_message(m), "");
  check_page(nc_buf_str(&b));
  return nc_buf_str(&b);
}

static void train(const char *text, const char *dir) {
  nacre_close(m);
  NacreStatus s = nacre_open_text(temp_path("model.nn"), text, strlen(text), NULL, &m);
  if (s == NACRE_OK) s = nacre_train(m, &(NacreTrainOptions){.out = dir});
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
}

static void has(const char *page, const char *id) {
  ck_assert_msg(strstr(page, nc_sprintf(arena, "<section id=\"%s\">", id)) != NULL, "no section %s", id);
}
static void has_not(const char *page, const char *id) {
  ck_assert_msg(strstr(page, nc_sprintf(arena, "<section id=\"%s\">", id)) == NULL, "a section %s", id);
}

// A table of two columns and three classes, one of which would like to be a script.
START_TEST(a_classifier) {
  NcBuf csv = NC_BUF(arena);
  static const char *const kinds[] = {"plain", "</td><script>alert(1)</script>", "a & \"\"b\"\""};
  nc_put(&csv, "x,y,kind\n");
  for (int i = 0; i < 90; i++) nc_putf(&csv, "%d,%d,\"%s\"\n", i % 3 * 5 + i % 7, i % 11 - i % 3, kinds[i % 3]);
  temp_write("t.csv", csv.at, csv.n);
  const char *dir = nc_strdup(arena, temp_path("run"));
  train(nc_sprintf(arena, "nn 1\ndata d() {\n  source = csv(\"%s\", label = \"kind\")\n  split = (train = 0.6, "
      "valid = 0.2, test = 0.2)\n}\n"
                          "model m(x: f32[B, 2]) -> f32[B, 3] { x |> dense(4) |> tanh |> dense(3) }\n"
                          "train m on d {\n  loss = cross_entropy(m(x), label)\n  metrics = [accuracy(m(x), "
                              "label)]\n  optimizer = adam(0.05)\n"
                          "  batch = 18\n  epochs = 3\n}\n", temp_path("t.csv")), dir);
  const char *page = report(dir);
  static const char *const ids[] = {"curves", "plane", "classes", "network", "weights", "environment", "card", "source"};
  for (int i = 0; i < LENGTH(ids); i++) has(page, ids[i]);
  static const char *const not[] = {"values", "samples", "filters"};
  for (int i = 0; i < LENGTH(not); i++) has_not(page, not[i]);
  ck_assert_ptr_nonnull(strstr(page, "&lt;script&gt;"));
  ck_assert_ptr_nonnull(strstr(page, "Of 18 examples"));
  ck_assert_ptr_nonnull(strstr(page, "m.dense_2.weight"));
  ck_assert_ptr_nonnull(strstr(page, ">gradient<"));
  ck_assert_ptr_null(strstr(page, "Not shown"));
  remove(temp_path("t.csv"));                          // the page can still be made, without what needs them
  page = report(dir);
  ck_assert_ptr_nonnull(strstr(page, "The data cannot be looked at"));
  has(page, "curves");
  has(page, "weights");
  has_not(page, "classes");
}
END_TEST

// One number that says yes or no is a classifier too, by whichever way its loss comes to the number.
START_TEST(a_yes_or_no) {
  static const struct { const char *setting, *name[2], *yes, *model, *loss; } cases[] = {
    {"label", {"small", "big"}, "small", "reshape[B]", "mean(bce_logits(m(x), f32(label)))"},
    {"label", {"yes", "no"}, "yes", "reshape[B]", "mean(bce_logits(m(x), f32(label), positive = 2))"},
    {"label", {"yes", "no"}, "no", "reshape[B]", "mean(bce_logits(m(x), 1 - f32(label)))"},
    {"target", {"1", "0"}, "1", "sigmoid", "-mean(target[:, new] * log(m(x) + 1e-6) + (1 - target[:, new]) * log(1 - m(x) + 1e-6))"},
  };
  for (int c = 0; c < LENGTH(cases); c++) {
    NcBuf csv = NC_BUF(arena);
    nc_put(&csv, "a,b,kind\n");
    for (int i = 0; i < 120; i++) nc_putf(&csv, "%d,%d,%s\n", i % 7 - 3, i % 11 - 5, cases[c].name[2 * (i % 7) + i % 11 > 12]);
    temp_write("t.csv", csv.at, csv.n);
    const char *dir = nc_strdup(arena, temp_path(nc_sprintf(arena, "run%d", c)));
    train(nc_sprintf(arena, "nn 1\ndata d() {\n  source = csv(\"%s\", %s = \"kind\")\n  split = (train = 0.5, test = 0.5)\n}\n"
                            "model m(x: f32[B, 2]) -> f32[%s] { x |> dense(1) |> %s }\n"
                            "train m on d {\n  loss = %s\n  optimizer = adam(0.1)\n  batch = 20\n  epochs = 60\n}\n",
                     temp_path("t.csv"), cases[c].setting, c < 3 ? "B" : "B, 1", cases[c].model, cases[c].loss), dir);
    const char *page = report(dir);
    has(page, "classes");
    has_not(page, "values");
    ck_assert_ptr_nonnull(strstr(page, ">calibration</text>"));
    const char *got = strstr(page, "Of 60 examples it got <b>"), *sure = got ? strstr(got, "on average it was ") : NULL;
    ck_assert_ptr_nonnull(sure);
    ck_assert_msg(atof(got + strlen("Of 60 examples it got <b>")) > 90, "%d: %.40s", c, got);
    ck_assert_msg(atof(sure + strlen("on average it was ")) > 75, "%d: %.40s", c, sure);
    ck_assert_ptr_nonnull(strstr(page, "true \\ said"));
    ck_assert_ptr_nonnull(strstr(page, nc_sprintf(arena, "how probable <b>%s</b> is", cases[c].yes)));
  }
}
END_TEST

// With as many classes as a table may have, there is no room for a matrix of them.
START_TEST(very_many_classes) {
  NcBuf csv = NC_BUF(arena);
  nc_put(&csv, "x,y,kind\n");
  for (int i = 0; i < 40; i++) nc_putf(&csv, "%d,%d,%d\n", i % 7, i % 3, i * 1601);
  temp_write("t.csv", csv.at, csv.n);
  const char *dir = nc_strdup(arena, temp_path("run"));
  train(nc_sprintf(arena, "nn 1\ndata d() {\n  source = csv(\"%s\", label = \"kind\", "
      "classes = 65536)\n  split = (train = 0.5, test = 0.5)\n}\n"
                          "model m(x: f32[B, 2]) -> f32[B, 65536] { x |> dense(65536) }\n"
                          "train m on d {\n  loss = cross_entropy(m(x), label)\n  optimizer = sgd(0.1)\n  batch = 20\n  epochs = 1\n}\n",
                   temp_path("t.csv")), dir);
  const char *page = report(dir);
  has(page, "classes");
  ck_assert_ptr_nonnull(strstr(page, "Most often mistaken"));
  ck_assert_ptr_nonnull(strstr(page, "20 of 20 are wrong"));
  ck_assert_ptr_null(strstr(page, "<table class=\"confusion\""));
  ck_assert_ptr_null(strstr(page, "Not shown"));
}
END_TEST

// What the loss subtracts is shown in the units of the data, whatever the recipe does with the model's result.
START_TEST(a_regression) {
  NcBuf csv = NC_BUF(arena);
  nc_put(&csv, "a,b,c,y\n");
  for (int i = 0; i < 60; i++) nc_putf(&csv, "%d,%d,%d,%d\n", i % 5, i % 7, i % 4, 100 + 3 * (i % 5) - i % 7);
  temp_write("t.csv", csv.at, csv.n);
  const char *dir = nc_strdup(arena, temp_path("run"));
  train(nc_sprintf(arena, "nn 1\ndata d() {\n  source = csv(\"%s\", target = \"y\")\n  split = (train = 0.5, valid = 0.5)\n}\n"
                          "model m(x: f32[B, 3]) -> f32[B] { x |> dense(1) |> reshape[B] }\n"
                          "train m on d {\n  loss = mse(100 + 5 * m(x), target)\n  optimizer = adam(0.1)\n  batch = 30\n  epochs = 60\n}\n",
                   temp_path("t.csv")), dir);
  const char *page = report(dir);
  has(page, "values");
  has_not(page, "classes");
  has_not(page, "plane");
  const char *r2 = strstr(page, "R² <b>");
  ck_assert_ptr_nonnull(r2);
  ck_assert_msg(atof(r2 + strlen("R² <b>")) > 0.5, "%.20s", r2);       // of the model's own numbers it would be far below 0
}
END_TEST

START_TEST(what_is_no_run) {
  const char *text = "nn 1\nmodel m(x: f32[B, 2]) -> f32[B, 2] { x }\n";
  ck_assert_int_eq(nacre_open_text("t.nn", text, strlen(text), NULL, &m), NACRE_OK);
  NcBuf b = NC_BUF(arena);
  ck_assert_int_eq(nacre_report(m, keep, &b), NACRE_RUN);
  ck_assert_ptr_nonnull(strstr(nacre_message(m), "E0604"));
}
END_TEST

// ---- pieces

// Softmax of scores; what are probabilities already stays as it is, but one row that happens to look so makes none of scores.
START_TEST(probabilities_of_an_output) {
  static const float shares[] = {0.25f, 0.75f, 1, 0}, scores[] = {0.25f, 0.75f, 0, 1.0986123f};
  NacreOutput o = {.tensor = {.name = "y", .dtype = "f32", .rank = 2, .dim = {2, 2}}, .data = shares};
  const float *p = nc_output_probabilities(arena, &o);
  for (int i = 0; i < 4; i++) ck_assert_float_eq(p[i], shares[i]);
  o.data = scores;
  p = nc_output_probabilities(arena, &o);
  ck_assert_float_eq_tol(p[0], 0.3775407f, 1e-6f);
  ck_assert_float_eq_tol(p[1], 0.6224593f, 1e-6f);
  ck_assert_float_eq_tol(p[2], 0.25f, 1e-6f);
  ck_assert_float_eq_tol(p[3], 0.75f, 1e-6f);
}
END_TEST

START_TEST(text_is_escaped) {
  NcBuf b = NC_BUF(arena);
  nc_html(&b, "<a href='x'>&\"\xff\x01ä");
  ck_assert_str_eq(nc_buf_str(&b), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&#65533;&#65533;ä");
}
END_TEST

START_TEST(cards_become_html) {
  static const char *const cases[][2] = {
    {"---\nname: x\n---\n\n# T\n", "<h3>T</h3>\n"},
    {"a `b<c` d\ne\n", "<p>a <code>b&lt;c</code> d\ne\n</p>\n"},
    {"| a | b |\n|---|---|\n| 1 | `2` |\n",
        "<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td><code>2</code></td></tr>\n</table>\n"},
    {"- one\n- two\n", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"},
    {"    code <\n    more\n", "<pre>code &lt;\nmore\n</pre>\n"},
    {"`open", "<p><code>open</code>\n</p>\n"},
    {"<script>\n", "<p>&lt;script&gt;\n</p>\n"},
    {"|", "<table>\n</table>\n"},
    {"---\nno end", "<p>---\nno end\n</p>\n"},
  };
  for (int i = 0; i < LENGTH(cases); i++) {
    NcBuf b = NC_BUF(arena);
    nc_markdown(&b, cases[i][0]);
    ck_assert_str_eq(nc_buf_str(&b), cases[i][1]);
  }
}
END_TEST

START_TEST(charts_of_anything) {
  static const double x[] = {0, 1, 2, 3, 4}, plain[] = {1, 2, 3, 2, 1}, odd[] = {NAN, INFINITY, 2, -INFINITY, NAN},
      same[] = {5, 5, 5, 5, 5},
                      far[] = {-1e300, 1e300, 0, 1e-300, 1}, widest[] = {-1.7e308, 1.7e308, 0, 1, 2},
                          close[] = {1e17, 1e17 + 16, 1e17, 1e17, 1e17},
                      least[] = {0, 5e-324, 0, 0, 0}, *const all[] = {plain, odd, same, far, widest, close, least};
  for (int i = 0; i < LENGTH(all); i++)
    for (int n = 0; n <= 5; n++)
      for (int how = 0; how < 8; how++) {
        NcSeries s = {.name = "<n>", .n = n, .x = how & 1 ? all[i] : x, .y = all[i], .points = how & 2};
        NcBuf b = NC_BUF(arena);
        nc_chart(&b, &(NcChart){.title = "<t>", .x = "&", .y = "y", .n = 1, .series = &s, .diagonal = true, .square = how & 4});
        check_page(nc_buf_str(&b));
        ck_assert_ptr_null(strstr(b.at, "nan"));
        ck_assert_ptr_null(strstr(b.at, "inf"));
        ck_assert_uint_lt(b.n, 20000);
      }
  NcBuf b = NC_BUF(arena);
  nc_bars(&b, 3, (double[]){0, 0, 0}, 0, 0, 1);
  check_page(nc_buf_str(&b));
}
END_TEST

START_TEST(long_courses_are_thinned) {
  enum { N = 100000 };
  double *x = NC_NEW_N(arena, double, N);
  for (int i = 0; i < N; i++) x[i] = i;
  NcBuf b = NC_BUF(arena);
  nc_chart(&b, &(NcChart){.title = "t", .n = 1, .series = &(NcSeries){.n = N, .x = x, .y = x}});
  ck_assert_uint_lt(b.n, 60000);
  ck_assert_ptr_nonnull(strstr(b.at, "428.0 30.0"));             // the last point is there
}
END_TEST

int main(void) {
  Suite *s = suite_create("report");
  TCase *t = suite_case(s, "run", temp_open, close_all);
  tcase_add_test(t, a_classifier);
  tcase_add_test(t, a_yes_or_no);
  tcase_add_test(t, very_many_classes);
  tcase_add_test(t, a_regression);
  tcase_add_test(t, what_is_no_run);
  t = suite_case(s, "pieces", suite_open, suite_close);
  tcase_add_test(t, probabilities_of_an_output);
  tcase_add_test(t, text_is_escaped);
  tcase_add_test(t, cards_become_html);
  tcase_add_test(t, charts_of_anything);
  tcase_add_test(t, long_courses_are_thinned);
  return suite_run(s, CK_NOFORK);
}
