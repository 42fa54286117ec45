#include "gen/fold.h"
#include <math.h>
#include <string.h>

// $a is the accumulator, $x what comes in. Maxima and minima pass NaN on, as the evaluator's do; the int form is for
// integers (NULL: the same). `init` is for floats, `low` says that integers start from their smallest value.
static const struct { const char *name, *step, *step_int; double init; int ends; } kinds[] = {
  [NC_FOLD_SUM] = {"sum", "$a + $x", NULL, 0, 0},
  [NC_FOLD_PROD] = {"prod", "$a * $x", NULL, 1, 0},
  [NC_FOLD_MAX] = {"max", "select($a, $x, ($a < $x) | ($x != $x))", "max($a, $x)", -INFINITY, -1},
  [NC_FOLD_MIN] = {"min", "select($a, $x, ($a > $x) | ($x != $x))", "min($a, $x)", INFINITY, 1},
  [NC_FOLD_ANY] = {"any", "$a | $x", NULL, 0, 0},
  [NC_FOLD_ALL] = {"all", "$a & $x", NULL, 1, 0},
  [NC_FOLD_ARGMAX] = {"argmax", ">", NULL, -INFINITY, -1},
  [NC_FOLD_ARGMIN] = {"argmin", "<", NULL, INFINITY, 1},
};

NcFoldKind nc_fold_kind(const char *op) {
  int k = 0;
  while (strcmp(kinds[k].name, op) != 0) k++;
  return (NcFoldKind)k;
}

bool nc_fold_arg(NcFoldKind k) { return k == NC_FOLD_ARGMAX || k == NC_FOLD_ARGMIN; }

NcFold nc_fold_new(NcEmit *e, NcFoldKind k, NcDtype t) {
  const char *acc = nc_emit_name(e, "r");
  return (NcFold){k, t, acc, nc_fold_arg(k) ? nc_sprintf(e->arena, "%s_at", acc) : NULL, false};
}

static const char *initial(NcEmit *e, const NcFold *f) {
  int ends = kinds[f->kind].ends;
  if (!ends || nc_dtype_float(f->t)) return nc_emit_zero(e, f->t, kinds[f->kind].init);
  if (f->t == NC_I64) return ends < 0 ? "LONG_MIN" : "LONG_MAX";
  return ends < 0 ? "INT_MIN" : "INT_MAX";
}

void nc_fold_declare(NcEmit *e, int level, const NcFold *f) {
  nc_emit_line(e, level, "%s %s = %s;", nc_emit_type(e, f->t, f->vec), f->acc, initial(e, f));
  if (f->at) nc_emit_line(e, level, "%s %s = 0;", nc_emit_type(e, NC_I32, f->vec), f->at);
}

static void step(NcEmit *e, int level, const NcFold *f, const char *x) {
  const char *t = !nc_dtype_float(f->t) && kinds[f->kind].step_int ? kinds[f->kind].step_int : kinds[f->kind].step;
  NcBuf b = NC_BUF(e->arena);
  for (; *t; t++) {
    if (*t != '$') nc_putc(&b, *t);
    else nc_put(&b, *++t == 'a' ? f->acc : x);
  }
  nc_emit_line(e, level, "%s = %s;", f->acc, nc_buf_str(&b));
}

// The better of two: by value (the first NaN beats any number), then the smaller index.
static void better(NcEmit *e, int level, const NcFold *f, const char *x, const char *index, bool tie) {
  const char *c = nc_emit_name(e, "c"), *cmp = kinds[f->kind].step;
  const char *i = nc_emit_type(e, NC_I32, f->vec), *k = nc_emit_type(e, f->t == NC_I64 ? NC_I64 : NC_I32, f->vec);
  const char *nan = !nc_dtype_float(f->t) ? "" : nc_sprintf(e->arena, " | ((%s != %s) & (%s == %s))", x, x, f->acc, f->acc);
  const char *nans = !nc_dtype_float(f->t) ? "" : nc_sprintf(e->arena, " | ((%s != %s) & (%s != %s))", x, x, f->acc, f->acc);
  nc_emit_line(e, level, "const %s %s = convert_%s((%s %s %s)%s);", i, c, i, x, cmp, f->acc, nan);
  if (tie) {
    const char *d = nc_emit_name(e, "c");
    nc_emit_line(e, level, "const %s %s = %s | (convert_%s((%s == %s)%s) & (%s < %s));", i, d, c, i, x, f->acc,
                 nans, index, f->at);
    c = d;
  }
  nc_emit_line(e, level, "%s = select(%s, %s, %s);", f->at, f->at, index, c);
  nc_emit_line(e, level, "%s = select(%s, %s, convert_%s(%s));", f->acc, f->acc, x, k, c);
}

void nc_fold_update(NcEmit *e, int level, const NcFold *f, const char *x, const char *index) {
  if (f->at) better(e, level, f, x, index, false);
  else step(e, level, f, x);
}

const char *nc_fold_index(NcEmit *e, const NcFold *f, const NcIx *at) {
  const char *one = nc_ix_text(&e->ix, at, f->vec && at->lane);
  if (!f->vec) return nc_sprintf(e->arena, "convert_int(%s)", one);
  return nc_sprintf(e->arena, "convert_int%d((%s%d)(%s))", e->lanes, e->idx, e->lanes, one);
}

void nc_fold_merge(NcEmit *e, int level, const NcFold *to, const NcFold *from) {
  if (to->at) better(e, level, to, from->acc, from->at, true);
  else step(e, level, to, from->acc);
}

NcFold nc_fold_lanes(NcEmit *e, int level, const NcFold *f) {
  if (!f->vec || e->lanes == 1) return *f;
  NcFold s = nc_fold_new(e, f->kind, f->t);
  if (!f->at) {            // by halves: fewer rounding steps, and each one SIMD
    const char *x = f->acc;
    for (int w = e->lanes / 2; w >= 1; w /= 2) {
      NcFold half = *f;
      half.acc = w > 1 ? nc_emit_name(e, "r") : s.acc;
      const char *reg = nc_dtype_reg(f->t);
      nc_emit_line(e, level, "%s %s = %s.lo;", w > 1 ? nc_sprintf(e->arena, "%s%d", reg, w) : reg, half.acc, x);
      step(e, level, &half, nc_sprintf(e->arena, "%s.hi", x));
      x = half.acc;
    }
    return s;
  }
  nc_emit_line(e, level, "%s %s = %s.s0;", nc_dtype_reg(f->t), s.acc, f->acc);
  if (s.at) nc_emit_line(e, level, "int %s = %s.s0;", s.at, f->at);
  for (int i = 1; i < e->lanes; i++) {
    NcFold lane = s;
    lane.acc = nc_sprintf(e->arena, "%s.s%x", f->acc, i);
    if (s.at) lane.at = nc_sprintf(e->arena, "%s.s%x", f->at, i);
    nc_fold_merge(e, level, &s, &lane);
  }
  return s;
}

void nc_fold_group(NcEmit *e, int l, const NcFold *f, int64_t local) {
  const char *s = nc_emit_name(e, "s"), *reg = nc_dtype_reg(f->t);
  NcFold to = *f, from = *f;
  nc_emit_line(e, l, "__local %s %s[%lld];", reg, s, (long long)local);
  nc_emit_line(e, l, "%s[lid] = %s;", s, f->acc);
  from.acc = nc_sprintf(e->arena, "%s[lid + h]", s);
  if (f->at) {
    nc_emit_line(e, l, "__local int %s_at[%lld];", s, (long long)local);
    nc_emit_line(e, l, "%s_at[lid] = %s;", s, f->at);
    from.at = nc_sprintf(e->arena, "%s_at[lid + h]", s);
  }
  nc_emit_line(e, l, "barrier(CLK_LOCAL_MEM_FENCE);");
  nc_emit_line(e, l, "for (int h = %lld; h > 0; h /= 2) {", (long long)local / 2);
  nc_emit_line(e, l, "  if (lid < h) {");
  nc_fold_merge(e, l, &to, &from);
  nc_emit_line(e, l, "  %s[lid] = %s;", s, f->acc);
  if (f->at) nc_emit_line(e, l, "  %s_at[lid] = %s;", s, f->at);
  nc_emit_line(e, l, "  }");
  nc_emit_line(e, l, "  barrier(CLK_LOCAL_MEM_FENCE);");
  nc_emit_line(e, l, "}");
  nc_emit_line(e, l, "%s = %s[0];", f->acc, s);
  if (f->at) nc_emit_line(e, l, "%s = %s_at[0];", f->at, s);
}

NcVal nc_fold_value(const NcFold *f, NcDtype result, int level) {
  return (NcVal){f->at ? f->at : f->acc, result, f->vec, level};
}
