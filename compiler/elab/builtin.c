// Looking up and calling what the language provides by itself.
#include "elab/builtin.h"
#include <string.h>

const NcBuiltin *const nc_builtin_tables[] = {nc_builtins_shape, nc_builtins_math, nc_builtins_nn, nc_builtins_pick,
                                              nc_builtins_attention, nc_builtins_plateau, NULL};

static const NcBuiltin *row_at(int i) {
  for (int t = 0; nc_builtin_tables[t]; t++)
    for (const NcBuiltin *b = nc_builtin_tables[t]; b->name; b++)
      if (i-- == 0) return b;
  return NULL;
}

const char *nc_builtin_at(int i) {
  const NcBuiltin *b = row_at(i);
  return b ? b->name : NULL;
}

bool nc_pointwise_function(const NcOp *op) {
  static const char *const spelt_otherwise[] = {"cast", "not", "neg"};
  for (size_t i = 0; i < sizeof spelt_otherwise / sizeof *spelt_otherwise; i++)
    if (strcmp(op->name, spelt_otherwise[i]) == 0) return false;
  return op->kind == NC_POINTWISE && op->arity == 1;
}

// Pointwise operations of one operand are functions by their own names, where no table has one of that name.
void nc_builtins_open(NcElab *e) {
  e->builtin = NC_MAP(e->arena);
  const NcOp *op;
  for (int i = 0; (op = nc_op_at(i)); i++) {
    if (!nc_pointwise_function(op)) continue;
    NcBuiltin *row = NC_NEW(e->arena, NcBuiltin);
    *row = (NcBuiltin){.name = op->name, .params = "x", .doc = op->doc, .call = nc_pointwise, .op = op->name};
    nc_map_set(&e->builtin, op->name, row);
  }
  for (int t = 0; nc_builtin_tables[t]; t++)
    for (const NcBuiltin *b = nc_builtin_tables[t]; b->name; b++) nc_map_set(&e->builtin, b->name, (void *)b);
}

const NcBuiltin *nc_builtin(const NcElab *e, const char *name) { return nc_map_get(&e->builtin, name); }

const char *nc_builtin_name(const NcBuiltin *b) { return b->name; }
bool nc_builtin_shaped(const NcBuiltin *b) { return b->shape != NC_NO_SHAPE; }

// ---- matching ----

typedef struct { char name[32]; bool optional, rest; } Param;

static int read_params(const NcBuiltin *b, Param *out) {
  int n = 0;
  for (const char *p = b->params; *p && n < NC_MAX_ARGS;) {
    size_t k = strcspn(p, " ?*");
    out[n] = (Param){0};
    memcpy(out[n].name, p, k < 31 ? k : 31);
    p += k;
    out[n].optional = *p == '?';
    out[n].rest = *p == '*';
    p += strspn(p, "?* ");
    n++;
  }
  return n;
}

static bool unknown(NcArgsOf *c, const NcActual *a, const Param *p, int n) {
  const char *names[NC_MAX_ARGS];
  for (int i = 0; i < n; i++) names[i] = p[i].name;
  nc_suggest(c->e, nc_elab_error(c->e, NC_E0303, a->name_at, "`%s` has no argument `%s`", c->row->name, a->name),
             a->name, names, n);
  return false;
}

static bool match(NcArgsOf *c, int n, const NcActual *arg) {
  Param p[NC_MAX_ARGS];
  int np = read_params(c->row, p), next = 0, nrest = 0;
  NcValue *rest = NC_NEW_N(c->e->arena, NcValue, n + 1);
  for (int i = 0; i < n; i++) {
    int k = 0;
    if (arg[i].name) {
      while (k < np && strcmp(p[k].name, arg[i].name) != 0) k++;
      if (k == np) return unknown(c, &arg[i], p, np);
    } else if (next < np && p[next].rest) {
      rest[nrest++] = arg[i].v;
      c->has[next] = true;
      c->v[next] = (NcValue){.kind = NC_V_LIST, .at = c->at, .list = {.n = nrest, .item = rest}};
      continue;
    } else k = next++;
    if (k >= np || c->has[k]) {
      nc_elab_error(c->e, NC_E0305, c->at, k < np ? "`%s` is given `%s` twice" : "`%s` is given too many arguments",
                    c->row->name, k < np ? p[k].name : "");
      return false;
    }
    c->has[k] = true;
    c->v[k] = arg[i].v;
  }
  for (int k = 0; k < np; k++)
    if (!c->has[k] && !p[k].optional) {
      nc_help(c->e->diag, nc_elab_error(c->e, NC_E0304, c->at, "`%s` needs `%s`", c->row->name, p[k].name),
              "%s(%s): %s", c->row->name, c->row->params, c->row->doc);
      return false;
    }
  return true;
}

NcValue nc_call_builtin(NcElab *e, const NcBound *b, NcRange at, int n, const NcActual *arg) {
  NcArgsOf c = {.e = e, .at = at, .row = b->builtin, .bound = b, .op = b->builtin->op};
  if (b->nshape < 0 && b->builtin->shape == NC_NEEDS_SHAPE) {
    nc_elab_error(e, NC_E0304, at, "`%s` needs a shape: `%s[…]`", b->builtin->name, b->builtin->name);
    return nc_v_poison();
  }
  if (!match(&c, n, arg)) return nc_v_poison();
  const char *as = e->as;
  e->as = NULL;
  NcValue v = b->builtin->call(&c);
  e->as = as;
  if (v.kind == NC_V_TENSOR) v.at = at;
  return v;
}

// zeros[B, n] is a tensor at once; fill[n](v), which needs arguments, waits for them.
NcValue nc_shaped(NcElab *e, const NcBuiltin *b, NcRange at, int nshape, const NcSize *shape) {
  NcBound *bound = NC_NEW(e->arena, NcBound);
  *bound = (NcBound){.builtin = b, .nshape = nshape, .shape = nc_memdup(e->arena, shape,
                     (size_t)nshape * sizeof *shape)};
  Param p[NC_MAX_ARGS];
  int n = read_params(b, p);
  for (int i = 0; i < n; i++)
    if (!p[i].optional) return (NcValue){.kind = NC_V_BUILTIN, .at = at, .bound = bound};
  return nc_call_builtin(e, bound, at, 0, NULL);
}

// ---- arguments ----

NcValue nc_arg_bad(NcArgsOf *c, int i, const char *need) {
  Param p[NC_MAX_ARGS];
  read_params(c->row, p);
  if (c->v[i].kind != NC_V_POISON)
    nc_elab_error(c->e, c->v[i].kind == NC_V_TENSOR ? NC_E0212 : NC_E0205, c->at, "`%s` of `%s` must be %s, not %s",
                  p[i].name, c->row->name, need, nc_v_describe(c->e, &c->v[i]));
  return nc_v_poison();
}

NcTensor *nc_arg_t(NcArgsOf *c, int i) {
  double number;
  if (c->v[i].kind == NC_V_TENSOR) return c->v[i].t;
  if (nc_v_number(&c->v[i], &number)) return nc_t_const(c->e, c->at, NC_F32, number);
  if (c->v[i].kind == NC_V_BOOL) return nc_t_const(c->e, c->at, NC_BOOL, c->v[i].b);
  if (c->v[i].kind != NC_V_POISON) nc_arg_bad(c, i, "a tensor");
  return NULL;
}

bool nc_arg_int(NcArgsOf *c, int i, NcSize fallback, NcSize *out) {
  *out = fallback;
  if (!c->has[i]) return true;
  if (c->v[i].kind == NC_V_INT) { *out = c->v[i].size; return true; }
  nc_arg_bad(c, i, "an integer known at compile time");
  return false;
}

bool nc_arg_whole(NcArgsOf *c, int i, int64_t fallback, int64_t *out) {
  NcSize s;
  if (!nc_arg_int(c, i, nc_size(fallback), &s)) return false;
  *out = s.value;
  return true;
}

bool nc_arg_num(NcArgsOf *c, int i, double fallback, double *out) {
  *out = fallback;
  if (!c->has[i] || nc_v_number(&c->v[i], out)) return true;
  nc_arg_bad(c, i, "a number known at compile time");
  return false;
}

bool nc_arg_bool(NcArgsOf *c, int i, bool fallback, bool *out) {
  *out = fallback;
  if (!c->has[i]) return true;
  if (c->v[i].kind == NC_V_BOOL) { *out = c->v[i].b; return true; }
  nc_arg_bad(c, i, "true or false");
  return false;
}

bool nc_arg_axis(NcArgsOf *c, int i, const NcTensor *x, int fallback, int *out) {
  int64_t axis;
  return nc_arg_whole(c, i, fallback, &axis) && nc_t_axis(c->e, c->at, x, axis, out);
}

bool nc_arg_axes(NcArgsOf *c, int i, const NcTensor *x, int *n, int64_t *out) {
  const NcValue *v = &c->v[i];
  *n = 0;
  if (!c->has[i]) {
    for (*n = 0; *n < x->rank; ++*n) out[*n] = *n;
    return true;
  }
  bool list = v->kind == NC_V_LIST || v->kind == NC_V_TUPLE;
  int count = list ? v->list.n : 1;
  for (int k = 0; k < count; k++) {
    const NcValue *a = list ? &v->list.item[k] : v;
    int axis;
    if (a->kind != NC_V_INT) { nc_arg_bad(c, i, "an axis or several: 1, (1, 2)"); return false; }
    if (!nc_t_axis(c->e, c->at, x, a->size.value, &axis)) return false;
    for (int j = 0; j < *n; j++)
      if (out[j] == axis) {
        nc_elab_error(c->e, NC_E0206, c->at, "axis %d is given twice", axis);
        return false;
      }
    out[(*n)++] = axis;
  }
  return true;
}

bool nc_arg_each(NcArgsOf *c, int i, int n, int64_t fallback, int64_t least, int64_t *out) {
  const NcValue *v = &c->v[i];
  bool list = c->has[i] && (v->kind == NC_V_LIST || v->kind == NC_V_TUPLE);
  if (list && v->list.n != n) {
    nc_arg_bad(c, i, nc_sprintf(c->e->arena, "one integer, or %d of them", n));
    return false;
  }
  for (int k = 0; k < n; k++) {
    const NcValue *a = list ? &v->list.item[k] : v;
    if (c->has[i] && a->kind != NC_V_INT) { nc_arg_bad(c, i, "an integer or a list of them"); return false; }
    out[k] = c->has[i] ? a->size.value : fallback;
    if (out[k] < least || out[k] > INT32_MAX) {
      nc_arg_bad(c, i, nc_sprintf(c->e->arena, "%lld or more", (long long)least));
      return false;
    }
  }
  return true;
}
