// compiler/front: lexer, parser, printer.
//
// tests/front/NAME.nn is parsed; NAME.err beside it holds the messages that must come out, NAME.fmt the
// layout. A file without .err must be free of errors and survive printing and parsing again.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "front/lex.h"
#include "front/parse.h"
#include "golden.h"
#include "suite.h"

typedef struct { NcDiag *d; NcFile *f; } Parsed;

static Parsed parse(NcArena *a, NcMap *names, const char *name, const char *text, size_t n) {
  Parsed p = {.d = nc_diag_new(a)};
  p.d->limit = 100;
  p.f = nc_parse(a, p.d, names, nc_diag_source(p.d, name, text, n));
  return p;
}

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

// Comments that are not the doc of a declaration.
static int remarks(const NcFile *f) {
  int n = 0;
  for (int i = 0; i < f->comment.n; i++) n += !f->comment.at[i].doc;
  return n;
}

// Printing loses nothing, and printing what was printed changes nothing.
static void round_trip(NcArena *a, NcMap *names, Parsed p, const char *name) {
  NcBuf once = NC_BUF(a), twice = NC_BUF(a);
  nc_print_file(&once, p.d, p.f);
  Parsed q = parse(a, names, name, nc_buf_str(&once), once.n);
  ck_assert_msg(q.d->errors == 0, "printed, %s has errors:\n%s\n%s", name, messages(q.d), nc_buf_str(&once));
  ck_assert_msg(nc_file_eq(p.f, q.f), "printed, %s is another program:\n%s", name, nc_buf_str(&once));
  ck_assert_msg(remarks(p.f) == remarks(q.f), "printed, %s has %d comments, not %d:\n%s", name, remarks(q.f), remarks(p.f),
                nc_buf_str(&once));
  nc_print_file(&twice, q.d, q.f);
  ck_assert_msg(strcmp(nc_buf_str(&once), nc_buf_str(&twice)) == 0, "printed twice, %s changes:\n%s\n----\n%s", name,
                nc_buf_str(&once), nc_buf_str(&twice));
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

// ---- the tree

// The tree as nested lists, by no code of the printer.
static void dump(NcBuf *b, const NcExpr *e) {
  if (!e) {
    nc_putc(b, '_');
    return;
  }
  nc_putf(b, "(%s", e->kind == NC_X_UNARY || e->kind == NC_X_BINARY ? nc_operator_word(e->op) : nc_expr_word(e->kind));
  if (e->kind == NC_X_INT || e->kind == NC_X_BOOL) nc_putf(b, " %lld", (long long)e->i);
  if (e->kind == NC_X_FLOAT) nc_putf(b, " %g", e->f);
  if (e->s) nc_putf(b, " '%s'", e->s);
  if (e->name.s) nc_putf(b, " %s", e->name.s);
  if (e->source.s) nc_putf(b, " from %s", e->source.s);
  if (e->frozen) nc_put(b, " frozen");
  const NcExpr *kid[] = {e->a, e->b, e->c};
  bool gap = e->kind == NC_X_SLICE;
  for (int i = 0; i < 3; i++) {
    if (!kid[i] && !(gap && i < 2)) continue;
    nc_putc(b, ' ');
    dump(b, kid[i]);
  }
  for (int i = 0; i < e->list.n; i++) {
    nc_putc(b, ' ');
    if (e->list.at[i].name.s) nc_putf(b, "%s:", e->list.at[i].name.s);
    dump(b, e->list.at[i].e);
  }
  const NcBlock *block[] = {e->body, e->other};
  for (int i = 0; i < 2; i++) {
    if (!block[i]) continue;
    nc_put(b, " {");
    for (int k = 0; k < block[i]->stmt.n; k++) dump(b, block[i]->stmt.at[k]->e);
    nc_putc(b, '}');
  }
  nc_putc(b, ')');
}

static NcExpr *expr(NcDiag *d, const char *text) {
  NcMap names = NC_MAP(arena);
  return nc_parse_expr(arena, d, &names, nc_diag_source(d, "--set", text, strlen(text)));
}

START_TEST(expressions_have_the_usual_precedence) {
  static const struct { const char *text, *tree; } t[] = {
    {"1 + 2 * 3", "(+ (integer 1) (* (integer 2) (integer 3)))"},
    {"a - b - c", "(- (- (name a) (name b)) (name c))"},
    {"a ^ b ^ c", "(^ (name a) (^ (name b) (name c)))"},
    {"-a ^ 2", "(- (^ (name a) (integer 2)))"},
    {"2 ^ -1", "(^ (integer 2) (- (integer 1)))"},
    {"-a * b", "(* (- (name a)) (name b))"},
    {"a @ b + c", "(+ (@ (name a) (name b)) (name c))"},
    {"a % b / c", "(/ (% (name a) (name b)) (name c))"},
    {"not a == b and c or d", "(or (and (not (== (name a) (name b))) (name c)) (name d))"},
    {"a < b + 1", "(< (name a) (+ (name b) (integer 1)))"},
    {"(a + b) * c", "(* (+ (name a) (name b)) (name c))"},
    {"x |> f |> g", "(pipe (pipe (name x) (name f)) (name g))"},
    {"x + y |> f(1)", "(pipe (+ (name x) (name y)) (call (name f) (integer 1)))"},
    {"x |> f as q |> g", "(pipe (pipe (name x) (instance q (name f))) (name g))"},
    {"z.f(a) as b from w frozen", "(instance b from w frozen (call (field f (name z)) (name a)))"},
    {"f(1)(x)[0].b", "(field b (index (call (call (name f) (integer 1)) (name x)) (integer 0)))"},
    {"f(a, n = 1,)", "(call (name f) (name a) n:(integer 1))"},
    {"a[0..T]", "(index (name a) (slice (integer 0) (name T)))"},
    {"a[:, 0..256, ..3, 4.., new, -1]",
     "(index (name a) (slice _ _) (slice (integer 0) (integer 256)) (slice _ (integer 3)) (slice (integer 4) _) "
     "(new axis) (- (integer 1)))"},
    {"zeros[S..., 3]", "(index (name zeros) (axes S) (integer 3))"},
    {"randn[]", "(index (name randn))"},
    {"randint[B](0, K)", "(call (index (name randint) (name B)) (integer 0) (name K))"},
    {"(1, 2)", "(tuple (integer 1) (integer 2))"},
    {"(a = 1)", "(tuple a:(integer 1))"},
    {"(1,)", "(tuple (integer 1))"},
    {"[]", "(list)"},
    {"[1, x]", "(list (integer 1) (name x))"},
    {"1.5e3 + 0x10", "(+ (number 1500) (integer 16))"},
    {"true", "(truth value 1)"},
    {"\"a\\n\\{b\\}\"", "(string 'a\n{b}')"},
    {"\"w {D + 1} h {H}\"", "(string (string 'w ') (+ (name D) (integer 1)) (string ' h ') (name H))"},
    {"\"\"", "(string '')"},
    {"if a { 1 } else if b { 2 } else { 3 }",
     "(if (name a) {(integer 1)} {(if (name b) {(integer 2)} {(integer 3)})})"},
    {"repeat i < 4 with h = x { h }", "(repeat i (integer 4) h:(name x) {(name h)})"},
    {"repeat L with h = x, c = y { h }", "(repeat (name L) h:(name x) c:(name y) {(name h)})"},
    {"scan t in xs axis 1 reverse r with h = z { h }", "(scan t (name xs) (integer 1) (name r) h:(name z) {(name h)})"},
    {"for i < M, j < N { sum for k < K { a } }", "(for i:(name M) j:(name N) {(for sum k:(name K) {(name a)})})"},
    {"rearrange[b t (n e) -> b n t e](x)",
     "(call (rearrange (axes (name b) (name n) (name t) (name e)) (axes (name b) (name t) (axes (name n) (name e)))) "
     "(name x))"},
    {"einsum[i k, k j -> i j]",
     "(einsum (axes (name i) (name j)) (axes (name i) (name k)) (axes (name k) (name j)))"},
    {"grad(sum(x), w)", "(grad w (call (name sum) (name x)))"},
    {"grad + axis * data", "(+ (name grad) (* (name axis) (name data)))"},   // words that are not reserved
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    NcDiag *d = nc_diag_new(arena);
    NcBuf b = NC_BUF(arena), text = NC_BUF(arena), again = NC_BUF(arena);
    NcExpr *e = expr(d, t[i].text);
    ck_assert_msg(e != NULL, "%s", messages(d));
    dump(&b, e);
    ck_assert_str_eq(nc_buf_str(&b), t[i].tree);
    nc_print_expr(&text, e);
    NcExpr *f = expr(d, nc_buf_str(&text));
    ck_assert_msg(f != NULL, "%s", messages(d));
    dump(&again, f);
    ck_assert_str_eq(nc_buf_str(&again), t[i].tree);
  }
}
END_TEST

START_TEST(values_of_set) {
  NcDiag *d = nc_diag_new(arena);
  ck_assert_int_eq(expr(d, " 256\n")->i, 256);
  ck_assert(expr(d, "-1e-3")->kind == NC_X_UNARY);
  ck_assert_str_eq(expr(d, "\"/data/mnist\"")->s, "/data/mnist");
  ck_assert_int_eq(d->errors, 0);
  static const char *const bad[] = {"", "1 2", "(", "let x = 1", "a =", "\"", "}", "1 +", "\"{\"", "\"{a\"", "\"{}\"",
                                    "if"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    d = nc_diag_new(arena);
    ck_assert_msg(!expr(d, bad[i]) && d->errors > 0, "`%s` was taken", bad[i]);
  }
}
END_TEST

START_TEST(declarations_keep_their_parts) {
  static const char text[] =
    "nn 1\n# no doc\n\n## One.\n##  Two.\n"
    "layer l(n: int = 3, init = zeros)(x: f32[B, S...], y: (a: i32[], u8[2])) -> (r: f32[B]) {\n"
    "  param w: f32[n] = init frozen\n  state s: bf16[] = 0\n  update s = s + 1\n"
    "  assert n > 0, \"n is {n}\"; let (a, b) = y\n  next x, y emit a\n}\n"
    "## not adjacent\n\ntrain l(n = 2) on d { let k = 1; stage one { only = [l] } }\nimport \"a.nn\" as z\n"
    "test \"t {x}\" { expect 1 == 1; gradcheck l(3) on f32[2, 4] }\n";
  NcMap names = NC_MAP(arena);
  Parsed p = parse(arena, &names, "x.nn", text, strlen(text));
  ck_assert_msg(p.d->errors == 0, "%s", messages(p.d));
  ck_assert_int_eq(p.f->version, 1);
  ck_assert_int_eq(p.f->decl.n, 4);
  NcDecl *l = p.f->decl.at[0], *t = p.f->decl.at[1], *i = p.f->decl.at[2], *x = p.f->decl.at[3];
  ck_assert_str_eq(l->doc, "One.\n Two.");
  ck_assert(l->kind == NC_D_LAYER && l->has_hyper && l->hyper.n == 2 && l->tensor.n == 2);
  ck_assert_str_eq(l->hyper.at[0].kind.s, "int");
  ck_assert_ptr_null(l->hyper.at[1].kind.s);
  ck_assert_ptr_eq(l->hyper.at[1].name.s, nc_intern(&names, "init", 4));
  ck_assert(l->tensor.at[0].type->axis.at[1]->kind == NC_X_SPREAD);
  ck_assert(l->tensor.at[1].type->tuple && l->tensor.at[1].type->field.n == 2);
  ck_assert_str_eq(l->result->field.at[0].name.s, "r");
  static const NcStmtKind kinds[] = {NC_S_PARAM, NC_S_STATE, NC_S_UPDATE, NC_S_ASSERT, NC_S_LET, NC_S_NEXT};
  ck_assert_int_eq(l->body->stmt.n, 6);
  for (int k = 0; k < 6; k++) ck_assert_int_eq(l->body->stmt.at[k]->kind, kinds[k]);
  ck_assert(l->body->stmt.at[0]->frozen && !l->body->stmt.at[1]->frozen);
  ck_assert(l->body->stmt.at[3]->text->kind == NC_X_TEXT);
  ck_assert(l->body->stmt.at[4]->tuple && l->body->stmt.at[4]->names.n == 2);
  ck_assert(l->body->stmt.at[5]->list.n == 2 && l->body->stmt.at[5]->e);
  ck_assert_ptr_null(t->doc);
  ck_assert(t->has_list && t->list.n == 1 && t->body->stmt.n == 2 && t->body->stmt.at[1]->kind == NC_S_STAGE);
  ck_assert_str_eq(t->source.s, "d");
  ck_assert_str_eq(i->path, "a.nn");
  ck_assert_str_eq(x->path, "t {x}");
  ck_assert(x->body->stmt.n == 2 && x->body->stmt.at[1]->type->axis.n == 2);
  NcBuf b = NC_BUF(arena);
  nc_print_signature(&b, l);
  ck_assert_str_eq(nc_buf_str(&b),
                   "layer l(n: int = 3, init = zeros)(x: f32[B, S...], y: (a: i32[], u8[2])) -> (r: f32[B])");
}
END_TEST

START_TEST(ranges_name_the_text) {
  static const char text[] = "nn 1\nconst k = (f(a)  |>  g.h) * 2\n";
  NcMap names = NC_MAP(arena);
  Parsed p = parse(arena, &names, "x.nn", text, strlen(text));
  const NcDecl *d = p.f->decl.at[0];
  const struct { NcRange at; const char *is; } t[] = {
    {d->at, "const k = (f(a)  |>  g.h) * 2"}, {d->name.at, "k"}, {d->e->a->at, "f(a)  |>  g.h"}, {d->e->a->op_at, "|>"},
    {d->e->a->a->at, "f(a)"}, {d->e->a->a->list.at[0].at, "a"}, {d->e->a->b->name.at, "h"}, {d->e->b->at,
                                                                                             "2"}, {d->e->op_at, "*"},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++)
    ck_assert_str_eq(nc_strndup(arena, text + t[i].at.begin, t[i].at.end - t[i].at.begin), t[i].is);
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

// Newlines end statements, but not in brackets or before |>, -> and else.
START_TEST(newlines) {
  static const char text[] = "nn 1\r\nfn f(x: f32[B],\r\n  y: f32[B])\n  -> f32[B] {\n"
                             "  let a = g(x,\n\n # c\n y)\n    |> h\n\n\n    |> k\n"
                             "  if true { a }\n\n  else { y }\n  a\n  (x)\n}\n";
  NcMap names = NC_MAP(arena);
  Parsed p = parse(arena, &names, "x.nn", text, strlen(text));
  ck_assert_msg(p.d->errors == 0, "%s", messages(p.d));
  ck_assert_int_eq(p.f->decl.at[0]->body->stmt.n, 4);
  round_trip(arena, &names, p, "newlines");
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
  TCase *t = suite_case(s, "front", suite_open, suite_close);
  tcase_add_test(t, golden_files);
  tcase_add_test(t, examples_and_prelude);
  tcase_add_test(t, error_pages_show_their_error);
  tcase_add_test(t, expressions_have_the_usual_precedence);
  tcase_add_test(t, values_of_set);
  tcase_add_test(t, declarations_keep_their_parts);
  tcase_add_test(t, ranges_name_the_text);
  tcase_add_test(t, files_that_differ_are_not_equal);
  tcase_add_test(t, trees_without_a_source_print);
  tcase_add_test(t, newlines);
  tcase_add_test(t, damaged_files_never_crash);
  tcase_add_test(t, memory_runs_out_anywhere);
  return suite_run(s, CK_FORK_GETENV);
}
