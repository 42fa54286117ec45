// compiler/front: lexer, parser, printer.
//
// tests/front/NAME.nn is parsed; NAME.err beside it holds the messages that must come out, NAME.fmt the
// layout. A file without .err must be free of errors and survive printing and parsing again.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "front/lex.h"
#include "golden.h"
#include "parsed.h"

// ---- files

typedef NC_VEC(const char *) Paths;

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static Paths nn_files(NcArena *a, const char *folder) {
  Paths v = {0};
  const char *path = in_source(a, folder);
  DIR *d = opendir(path);
  for (struct dirent *e; d && (e = readdir(d));) {
    size_t n = strlen(e->d_name);
    if (n > 3 && strcmp(e->d_name + n - 3, ".nn") == 0) *NC_PUSH(a, v) = nc_sprintf(a, "%s/%s", path, e->d_name);
  }
  if (d) closedir(d);
  if (v.n) qsort(v.at, (size_t)v.n, sizeof *v.at, by_name);
  return v;
}

static const char *beside(NcArena *a, const char *path, const char *suffix) {
  return nc_sprintf(a, "%.*s%s", (int)strlen(path) - 3, path, suffix);
}

static void check_file(const char *path, bool golden) {
  NcArena *a = nc_arena_new();
  NcMap names = NC_MAP(a);
  size_t n;
  const char *text = golden_read(a, path, &n), *name = strrchr(path, '/') + 1;
  Parsed p = parse(a, &names, name, text, n);
  const char *err = beside(a, path, ".err"), *fmt = beside(a, path, ".fmt");
  if (golden && golden_read(a, err, NULL)) {
    golden_check(a, err, messages(p.d));
    ck_assert_msg(p.d->errors > 0, "%s has no errors", name);
  } else {
    ck_assert_msg(p.d->errors == 0, "%s", messages(p.d));
    ck_assert_int_gt(p.f->decl.n, 0);
    round_trip(a, &names, p, name);
  }
  if (golden && golden_read(a, fmt, NULL)) {
    NcBuf b = NC_BUF(a);
    nc_print_file(&b, p.d, p.f);
    golden_check(a, fmt, nc_buf_str(&b));
  }
  nc_arena_free(a);
}

START_TEST(golden_files) {
  Paths v = nn_files(arena, "tests/front");
  ck_assert_int_gt(v.n, 15);
  for (int i = 0; i < v.n; i++) check_file(v.at[i], true);
}
END_TEST

START_TEST(examples_and_prelude) {
  static const char *const folders[] = {"examples", "compiler/prelude"};
  for (size_t k = 0; k < 2; k++) {
    Paths v = nn_files(arena, folders[k]);
    for (int i = 0; i < v.n; i++) check_file(v.at[i], false);
  }
}
END_TEST

// ---- error pages

// The k-th (from 0) fenced block of a page.
static const char *fenced(NcArena *a, const char *page, int k) {
  const char *p = strstr(page, "```nn\n");
  while (p && k-- > 0) p = strstr(p + 1, "```nn\n");
  if (!p) return NULL;
  p += strlen("```nn\n");
  const char *end = strstr(p, "\n```");
  return end ? nc_strndup(a, p, (size_t)(end + 1 - p)) : NULL;
}

// Each syntax error has a page whose first file has this error, and whose second has none.
START_TEST(error_pages_show_their_error) {
  for (NcCode c = NC_E0101; c <= NC_E0106; c++) {
    const char *name = nc_code_name(c), *path = in_source(arena, nc_sprintf(arena, "docs/errors/%s.md", name));
    const char *page = golden_read(arena, path, NULL);
    ck_assert_msg(page != NULL, "%s is missing", path);
    const char *title = nc_sprintf(arena, "# %s: %s\n", name, nc_code_title(c));
    ck_assert_msg(strncmp(page, title, strlen(title)) == 0, "%s does not begin with `%s`", path, title);
    const char *wrong = fenced(arena, page, 0), *mended = fenced(arena, page, 1);
    ck_assert_msg(wrong && mended, "%s lacks a file", path);
    NcMap names = NC_MAP(arena);
    Parsed p = parse(arena, &names, "wrong.nn", wrong, strlen(wrong));
    ck_assert_msg(p.d->errors > 0, "%s: no error", path);
    for (int i = 0; i < p.d->messages.n; i++)
      ck_assert_msg(p.d->messages.at[i]->code == c, "%s: another error:\n%s", path, messages(p.d));
    p = parse(arena, &names, "mended.nn", mended, strlen(mended));
    ck_assert_msg(p.d->errors == 0, "%s:\n%s", path, messages(p.d));
    round_trip(arena, &names, p, path);
  }
}
END_TEST

START_TEST(files_that_differ_are_not_equal) {
  static const char *const t[] = {
    "const a = 1", "const b = 1", "const a = 2", "const a = 1.0", "const a = x", "const a = -x", "const a = x + y",
    "const a = x - y",
    "const a = f(x)", "const a = f[x]", "const a = f(n = x)", "const a = x as f", "const a = x as f frozen",
    "weights a = 1",
    "## doc\nconst a = 1", "fn f(x: f32[B]) { x }", "fn f()(x: f32[B]) { x }", "fn f(x: f32[C]) { x }",
    "fn f(x: i32[B]) { x }",
    "fn f(x: any[B]) { x }", "fn f(x: (f32[B], f32[B])) { x }", "fn f(x: (a: f32[B], f32[B])) { x }",
    "fn f(x: f32[B]) -> f32[B] { x }", "fn f(x: f32[B]) { let y = x; y }", "fn f(x: f32[B]) { let (y) = x; y }",
    "fn f(x: f32[B]) {}",
    "const a = if x { 1 } else { 2 }", "const a = if x { 2 } else { 1 }", "const a = \"s\"", "const a = \"{s}\"",
    "const a = x[1..2]",
    "const a = x[1..]", "const a = x[..1]", "import \"x\" as a", "import \"y\" as a", "data d { a = 1 }",
    "data d() { a = 1 }",
  };
  enum { N = sizeof t / sizeof *t };
  NcMap names = NC_MAP(arena);
  NcFile *f[N];
  for (int i = 0; i < N; i++) {
    const char *text = nc_sprintf(arena, "nn 1\n%s\n", t[i]);
    Parsed p = parse(arena, &names, "x.nn", text, strlen(text));
    ck_assert_msg(p.d->errors == 0, "%s", messages(p.d));
    round_trip(arena, &names, p, t[i]);
    f[i] = p.f;
  }
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) ck_assert_msg(nc_file_eq(f[i], f[k]) == (i == k), "%s and %s", t[i], t[k]);
}
END_TEST

// What the source said beyond its meaning: a tree as a program would make it.
static void forget_block(NcBlock *b);

static void forget(NcExpr *e) {
  if (!e) return;
  e->text = NULL;
  e->parens = false;
  forget(e->a);
  forget(e->b);
  forget(e->c);
  for (int i = 0; i < e->list.n; i++) forget(e->list.at[i].e);
  forget_block(e->body);
  forget_block(e->other);
}

static void forget_block(NcBlock *b) {
  for (int i = 0; b && i < b->stmt.n; i++) {
    NcStmt *s = b->stmt.at[i];
    forget(s->e);
    forget(s->text);
    for (int k = 0; k < s->list.n; k++) forget(s->list.at[k].e);
    forget_block(s->body);
  }
}

START_TEST(trees_without_a_source_print) {
  Paths v = nn_files(arena, "tests/front");
  for (int i = 0; i < v.n; i++) {
    NcArena *a = nc_arena_new();
    NcMap names = NC_MAP(a);
    size_t n;
    const char *text = golden_read(a, v.at[i], &n);
    Parsed p = parse(a, &names, v.at[i], text, n);
    for (int k = 0; p.d->errors == 0 && k < p.f->decl.n; k++) {
      NcDecl *d = p.f->decl.at[k];
      d->at = NC_NOWHERE;
      forget(d->e);
      forget_block(d->body);
      for (int j = 0; j < d->hyper.n; j++) forget(d->hyper.at[j].value);
    }
    if (p.d->errors == 0) {
      p.f->source = 0;
      p.f->comment.n = 0;
      round_trip(a, &names, p, v.at[i]);
    }
    nc_arena_free(a);
  }
}
END_TEST

// ---- damage

static uint64_t state;
static uint32_t below(uint32_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return n ? (uint32_t)((state >> 33) % n) : 0;
}

static size_t mutate(char *s, size_t n, size_t cap) {
  static const char *const bits[] = {"{", "}", "(", ")", "[", "]", "\n", "|>", "->", "..", "...", "=", ",", "\"", "#",
                                     "if ", "let ", "for ",
                                     "fn f(", "\\", "\xff", "1e9", ";", "else", " as ", "repeat i<3 with h=x",
                                     "9999999999999999999", "\0"};
  for (uint32_t k = 1 + below(4); k > 0 && n > 2; k--) {
    uint32_t at = below((uint32_t)n), len = 1 + below(12), kind = below(5);
    if (at + len > n) len = (uint32_t)n - at;
    if (kind == 0) {                                        // delete
      memmove(s + at, s + at + len, n - at - len);
      n -= len;
    } else if (kind == 1) {                                 // overwrite
      s[at] = (char)below(256);
    } else if (kind == 2 && at + 1 < n) {                   // swap
      char c = s[at];
      s[at] = s[at + 1];
      s[at + 1] = c;
    } else {                                                // insert a word, or a piece from elsewhere
      uint32_t from = below((uint32_t)n), b = below(sizeof bits / sizeof *bits);
      char piece[32];
      size_t m = kind == 3 ? strlen(bits[b]) : (n - from < 20 ? n - from : 20);
      if (kind == 3 && m == 0) m = 1;
      memcpy(piece, kind == 3 ? bits[b] : s + from, m);
      if (n + m > cap) continue;
      memmove(s + at + m, s + at, n - at);
      memcpy(s + at, piece, m);
      n += m;
    }
  }
  return n;
}

START_TEST(damaged_files_never_crash) {
  Paths v = nn_files(arena, "tests/front");
  const char *rounds = getenv("NACRE_FUZZ"), *seed = getenv("NACRE_FUZZ_SEED");   // for longer runs by hand
  int whole = 0;
  state = seed ? strtoull(seed, NULL, 10) : 20261121;
  for (int i = 0, n = rounds ? atoi(rounds) : 3000; i < n; i++) {
    NcArena *a = nc_arena_new();
    NcMap names = NC_MAP(a);
    size_t size;
    const char *text = golden_read(a, v.at[below((uint32_t)v.n)], &size);
    if (size > 8000) size = 8000;
    char *s = nc_alloc(a, size + 200);
    memcpy(s, text, size);
    size = mutate(s, size, size + 200);
    Parsed p = parse(a, &names, "damaged.nn", s, size);
    NcBuf json = NC_BUF(a);
    messages(p.d);
    nc_diag_json(p.d, &json);
    if (p.d->errors == 0) {
      round_trip(a, &names, p, s);
      whole++;
    }
    nc_arena_free(a);
  }
  ck_assert_int_gt(whole, 0);
}
END_TEST

// Whatever allocation fails, parsing ends at the jump, and nothing leaks.
START_TEST(memory_runs_out_anywhere) {
  size_t n;
  const char *text = golden_read(arena, in_source(arena, "tests/front/gpt.nn"), &n);
  volatile bool done = false;
  for (volatile long k = 1; !done; k += 7) {
    NcArena *a = nc_arena_new();
    if (!NC_ON_OOM(a)) {
      nc_arena_fail_after(a, k);
      NcMap names = NC_MAP(a);
      Parsed p = parse(a, &names, "x.nn", text, n);
      NcBuf b = NC_BUF(a);
      nc_print_file(&b, p.d, p.f);
      done = true;
    }
    nc_arena_free(a);
  }
}
END_TEST

int main(void) {
  Suite *s = suite_create("front");
  TCase *c = suite_case(s, "front", suite_open, suite_close);
  tcase_add_test(c, golden_files);
  tcase_add_test(c, examples_and_prelude);
  tcase_add_test(c, error_pages_show_their_error);
  tcase_add_test(c, files_that_differ_are_not_equal);
  tcase_add_test(c, trees_without_a_source_print);
  tcase_add_test(c, damaged_files_never_crash);
  tcase_add_test(c, memory_runs_out_anywhere);
  return suite_run(s, CK_FORK_GETENV);
}
