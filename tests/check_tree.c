// The syntax tree: what an expression is, what a declaration keeps, ranges, equality, and printing.
#include <stdlib.h>
#include <string.h>
#include "front/lex.h"
#include "golden.h"
#include "parsed.h"

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

int main(void) {
  Suite *s = suite_create("tree");
  TCase *c = suite_case(s, "tree", suite_open, suite_close);
  tcase_add_test(c, expressions_have_the_usual_precedence);
  tcase_add_test(c, values_of_set);
  tcase_add_test(c, declarations_keep_their_parts);
  tcase_add_test(c, ranges_name_the_text);
  tcase_add_test(c, newlines);
  return suite_run(s, CK_FORK_GETENV);
}
