// Values, and how messages call them.
#include "elab/elab.h"

NcValue nc_v_poison(void) { return (NcValue){.kind = NC_V_POISON}; }
NcValue nc_v_int(NcRange at, NcSize s) { return (NcValue){.kind = NC_V_INT, .at = at, .size = s}; }
NcValue nc_v_float(NcRange at, double f) { return (NcValue){.kind = NC_V_FLOAT, .at = at, .f = f}; }
NcValue nc_v_bool(NcRange at, bool b) { return (NcValue){.kind = NC_V_BOOL, .at = at, .b = b}; }
NcValue nc_v_str(NcRange at, const char *s) { return (NcValue){.kind = NC_V_STR, .at = at, .s = s}; }

NcValue nc_v_tensor(NcRange at, NcTensor *t) {
  if (!t) return nc_v_poison();
  return (NcValue){.kind = NC_V_TENSOR, .at = at, .t = t};
}

NcValue nc_v_items(NcElab *e, NcValueKind k, NcRange at, int n, const NcValue *item) {
  for (int i = 0; i < n; i++)
    if (item[i].kind == NC_V_POISON) return nc_v_poison();
  NcValue v = {.kind = k, .at = at};
  v.list.n = n;
  v.list.item = nc_memdup(e->arena, item, (size_t)n * sizeof *item);
  return v;
}

bool nc_v_number(const NcValue *v, double *out) {
  if (v->kind == NC_V_INT) *out = (double)v->size.value;
  else if (v->kind == NC_V_FLOAT) *out = v->f;
  else return false;
  return true;
}

bool nc_v_callable(const NcValue *v) {
  return v->kind == NC_V_FN || v->kind == NC_V_INSTANCE || v->kind == NC_V_BUILTIN || v->kind == NC_V_PATTERN;
}

const char *nc_size_describe(NcElab *e, NcSize s) {
  NcBuf b = NC_BUF(e->arena);
  nc_put_size(&b, &e->sizes, s);
  if (s.poly) nc_putf(&b, " = %lld", (long long)s.value);
  return nc_buf_str(&b);
}

const char *nc_dims_describe(NcElab *e, NcDtype t, int rank, const NcSize *dim) {
  NcBuf b = NC_BUF(e->arena);
  nc_put(&b, nc_dtype_name(t));
  nc_putc(&b, '[');
  for (int i = 0; i < rank; i++) {
    if (i) nc_put(&b, ", ");
    nc_put_size(&b, &e->sizes, dim[i]);
  }
  nc_putc(&b, ']');
  return nc_buf_str(&b);
}

const char *nc_t_describe(NcElab *e, const NcTensor *t) {
  return nc_dims_describe(e, t->node->type.dtype, t->rank, t->dim);
}

static const char *describe_items(NcElab *e, const NcValue *v) {
  NcBuf b = NC_BUF(e->arena);
  nc_put(&b, v->kind == NC_V_TUPLE ? "the tuple (" : "the list [");
  for (int i = 0; i < v->list.n && i < 4; i++) {
    if (i) nc_put(&b, ", ");
    if (v->list.name && v->list.name[i]) nc_putf(&b, "%s = ", v->list.name[i]);
    nc_put(&b, nc_v_describe(e, &v->list.item[i]));
  }
  if (v->list.n > 4) nc_put(&b, ", …");
  nc_putc(&b, v->kind == NC_V_TUPLE ? ')' : ']');
  return nc_buf_str(&b);
}

const char *nc_v_describe(NcElab *e, const NcValue *v) {
  NcBuf b = NC_BUF(e->arena);
  switch (v->kind) {
    case NC_V_POISON: return "an error";
    case NC_V_INT: return nc_sprintf(e->arena, "the integer %s", nc_size_describe(e, v->size));
    case NC_V_FLOAT:
      nc_put(&b, "the number ");
      nc_put_double(&b, v->f);
      return nc_buf_str(&b);
    case NC_V_BOOL: return v->b ? "true" : "false";
    case NC_V_STR: return nc_sprintf(e->arena, "the text \"%s\"", v->s);
    case NC_V_TENSOR: return nc_t_describe(e, v->t);
    case NC_V_TUPLE:
    case NC_V_LIST: return describe_items(e, v);
    case NC_V_FN: {
      const NcDecl *d = v->fn->info->decl;
      return nc_sprintf(e->arena, "the %s `%s`", d->kind == NC_D_FN ? "function" : nc_decl_word(d->kind), d->name.s);
    }
    case NC_V_INSTANCE: return nc_sprintf(e->arena, "the layer `%s`", v->inst->path);
    case NC_V_BUILTIN: return nc_sprintf(e->arena, "the function `%s`", nc_builtin_name(v->bound->builtin));
    case NC_V_PATTERN: return nc_sprintf(e->arena, "the operation `%s`", nc_expr_word(v->pattern->kind));
    case NC_V_DATA: return nc_sprintf(e->arena, "the data `%s`", v->info->decl->name.s);
    case NC_V_MODULE: return nc_sprintf(e->arena, "the file \"%s\"", v->module->name);
  }
  return "a value";
}
