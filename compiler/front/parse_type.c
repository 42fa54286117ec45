// Types: f32[B, T], f32[S..., I], (recon: f32[B], mu: f32[B]).
#include "front/parser.h"
#include <string.h>

// What other systems call the element types.
static const struct { const char *other, *ours; } dtype_aliases[] = {
  {"float", "f32"}, {"float32", "f32"}, {"double", "f32"}, {"float64", "f32"}, {"f64", "f32"}, {"tensor", "f32"},
  {"half", "f16"}, {"float16", "f16"}, {"bfloat16", "bf16"}, {"int", "i32"}, {"int32", "i32"}, {"int64", "i64"},
  {"long", "i64"}, {"uint8", "u8"}, {"byte", "u8"}, {"i8", "u8"}, {"boolean", "bool"},
};

static const char *likely_dtype(const char *name) {
  const char *known[NC_DTYPE_COUNT];
  for (int i = 0; i < NC_DTYPE_COUNT; i++) known[i] = nc_dtype_name((NcDtype)i);
  for (size_t i = 0; i < sizeof dtype_aliases / sizeof *dtype_aliases; i++)
    if (strcasecmp(name, dtype_aliases[i].other) == 0) return dtype_aliases[i].ours;
  const char *near = nc_nearest(name, known, NC_DTYPE_COUNT);
  return near ? near : "f32";
}

static NcDtype dtype(NcParser *p, bool *any) {
  NcDtype t = NC_F32;
  NcName name = nc_p_name(p, "a type, such as `f32[B, 10]`");
  *any = name.s && strcmp(name.s, "any") == 0;
  if (name.s && !*any && !nc_dtype_find(name.s, &t))
    nc_p_help(p, nc_p_slip(p, NC_E0101, name.at, "`%s` is not an element type", name.s),
              "write `%s`; there are f32 f16 bf16 i32 i64 u8 bool", likely_dtype(name.s));
  return t;
}

static void tuple(NcParser *p, NcTypeExpr *t) {
  NcRange open = nc_p_open(p);
  t->tuple = true;
  do {
    NcTypeField f = {0};
    if (nc_p_ahead(p, 1)->kind == NC_T_COLON) {
      f.name = nc_p_name(p, "a name for the part");
      nc_p_next(p);
    }
    f.type = nc_p_type(p);
    *NC_PUSH(p->arena, t->field) = f;
  } while (nc_p_more(p, NC_T_RPAREN));
  nc_p_close(p, NC_T_RPAREN, open);
}

static void check_axis(NcParser *p, const NcExpr *e) {
  if (e->kind != NC_X_SLICE && e->kind != NC_X_NEW) return;
  nc_p_help(p, nc_p_slip(p, NC_E0101, e->at, "an axis of a type is a size"),
            "write a number or a name, as in `f32[B, 10]`");
}

NcTypeExpr *nc_p_type(NcParser *p) {
  NcTypeExpr *t = NC_NEW(p->arena, NcTypeExpr);
  t->at = nc_p_here(p);
  if (!nc_p_enter(p)) {
    nc_p_leave(p);
    return t;
  }
  if (nc_p_is(p, NC_T_LPAREN)) {
    tuple(p, t);
  } else {
    t->dtype = dtype(p, &t->any);
    if (!p->panic && nc_p_is(p, NC_T_LBRACK)) {
      NcArgs axes = {0};
      NcRange open = nc_p_open(p);
      nc_p_index(p, &axes);
      nc_p_close(p, NC_T_RBRACK, open);
      for (int i = 0; i < axes.n; i++) {
        check_axis(p, axes.at[i].e);
        *NC_PUSH(p->arena, t->axis) = axes.at[i].e;
      }
    }
  }
  t->at = nc_p_from(p, t->at);
  nc_p_leave(p);
  return t;
}
