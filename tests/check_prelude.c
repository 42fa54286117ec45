// What the prelude says of its words: each that is documented has a sentence, PyTorch's and Keras's names and defaults, and an
// example, which elaborates.
#include <stdlib.h>
#include <string.h>
#include "base/embed.h"
#include "elab_run.h"
#include "front/parse.h"
#include "suite.h"

typedef struct { NC_VEC(const NcDecl *) at; } Words;

static Words documented(void) {
  Words w = {0};
  NcMap names = NC_MAP(arena);
  NcDiag *d = nc_diag_new(arena);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(arena, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    ck_assert_msg(!d->errors, "%s", messages(d));
    ck_assert_msg(strncmp(p->text, "nn 1\n# ", 7) == 0, "%s does not begin with its topic", p->name);
    for (int i = 0; i < f->decl.n; i++)
      if (f->decl.at[i]->doc) *NC_PUSH(arena, w.at) = f->decl.at[i];
  }
  return w;
}

// The rest of the line that begins with `head`.
static const char *line(const NcDecl *d, const char *head) {
  const char *p = d->doc;
  for (; p; p = strchr(p, '\n')) {
    p += *p == '\n';
    if (strncmp(p, head, strlen(head)) == 0) return nc_strndup(arena, p + strlen(head), strcspn(p, "\n") - strlen(head));
  }
  return NULL;
}

START_TEST(words_are_documented) {
  Words w = documented();
  ck_assert_int_gt(w.at.n, 90);
  for (int i = 0; i < w.at.n; i++) {
    const NcDecl *d = w.at.at[i];
    ck_assert_msg(line(d, "PyTorch:") && strstr(d->doc, "Keras:"), "`%s` lacks PyTorch's and Keras's words", d->name.s);
    ck_assert_msg(line(d, "Example "), "`%s` has no example", d->name.s);
    ck_assert_msg(strstr(line(d, "Example "), d->name.s) != NULL || strcmp(d->name.s, "lstm_bias") == 0,
                  "the example of `%s` does not use it", d->name.s);
    ck_assert_msg(strncmp(d->doc, "PyTorch:", 8) != 0, "`%s` does not say what it computes", d->name.s);
  }
}
END_TEST

// Elaboration finds declarations by the lines that begin with a letter, and knows each name once.
START_TEST(lines_are_declarations) {
  NcMap names = NC_MAP(arena), seen = NC_MAP(arena);
  NcDiag *d = nc_diag_new(arena);
  for (const NcEmbedded *p = nc_prelude_files; p->name; p++) {
    const NcFile *f = nc_parse(arena, d, &names, nc_diag_source(d, p->name, p->text, p->size));
    int lines = 0;
    for (const char *s = p->text; s; s = strchr(s, '\n')) {
      s += *s == '\n';
      lines += (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_';
    }
    ck_assert_msg(lines == f->decl.n + 1, "%s: %d lines begin with a letter for %d declarations", p->name, lines, f->decl.n);
    for (int i = 0; i < f->decl.n; i++) {
      const char *name = f->decl.at[i]->name.s;
      ck_assert_msg(!nc_map_has(&seen, name), "%s is declared twice", name);
      nc_map_set(&seen, name, d);
    }
  }
}
END_TEST

static void elaborates(const char *text, const char *what) {
  NcDiag *d = nc_diag_new(arena);
  NcProgramOptions o = {.name = "example.nn", .text = text, .size = strlen(text), .hooks = {.describe = describe_some},
                        .batch = 4};
  ck_assert_msg(nc_program(arena, d, &o) != NULL, "%s: %s", what, messages(d));
}

// Example (x: f32[B, 8]): x |> dense(10)
START_TEST(examples_elaborate) {
  Words w = documented();
  NcBuf b = NC_BUF(arena);
  nc_put(&b, "nn 1\n");
  for (int i = 0; i < w.at.n; i++) {
    const char *e = line(w.at.at[i], "Example "), *end = e ? strstr(e, "): ") : NULL;
    if (!e || *e != '(') continue;
    ck_assert_msg(end != NULL, "the example of `%s`: %s", w.at.at[i]->name.s, e);
    nc_putf(&b, "model example_%s%.*s { %s }\n", w.at.at[i]->name.s, (int)(end + 1 - e), e, end + 3);
  }
  elaborates(nc_buf_str(&b), "examples");
}
END_TEST

// Example optimizer = adam(1e-3)
START_TEST(examples_of_settings_elaborate) {
  Words w = documented();
  int n = 0;
  for (int i = 0; i < w.at.n; i++) {
    const char *e = line(w.at.at[i], "Example ");
    if (!e || *e == '(') continue;
    elaborates(nc_sprintf(arena,
                          "nn 1\nmodel net(x: f32[B, 2]) -> f32[B, 2] { x |> dense(2) }\ndata d { source = spiral(); "
                              "split = (train = 0.9, valid = 0.1) }\n"
                          "train net on d {\n  loss = cross_entropy(net(x), label)\n  %s\n  steps = 900\n}\n", e),
               w.at.at[i]->name.s);
    n++;
  }
  ck_assert_int_gt(n, 10);
}
END_TEST

int main(void) {
  Suite *s = suite_create("prelude");
  TCase *t = suite_case(s, "prelude", suite_open, suite_close);
  tcase_add_test(t, words_are_documented);
  tcase_add_test(t, lines_are_declarations);
  tcase_add_test(t, examples_elaborate);
  tcase_add_test(t, examples_of_settings_elaborate);
  return suite_run(s, CK_FORK_GETENV);
}
