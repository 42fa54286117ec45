// Scopes, names, loads and stores of the emitter, and its dispatch over kinds of nodes.
#include "gen/emit.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

NcEmit *nc_emit_new(NcPlacement *p, const NcRegion *r, NcArena *a) {
  NcEmit *e = NC_NEW(a, NcEmit);
  *e = (NcEmit){.p = p, .region = r, .arena = a, .idx = "int", .prefix = "", .lanes = 1, .depth = -1, .anchor = -1};
  nc_ixs_init(&e->ix, a);
  nc_emit_open(e, false);
  return e;
}

// ---- Scopes

int nc_emit_open(NcEmit *e, bool guard) {
  NcScope *s = NC_NEW(e->arena, NcScope);
  *s = (NcScope){.text = NC_BUF(e->arena), .guard = guard};
  e->scope[++e->depth] = s;
  return e->depth;
}

void nc_emit_close(NcEmit *e, const char *head) {
  NcScope *s = e->scope[e->depth--];
  nc_emit_line(e, e->depth, "%s {", head);
  nc_put(&e->scope[e->depth]->text, nc_buf_str(&s->text));
  nc_emit_line(e, e->depth, "}");
}

void nc_emit_line(NcEmit *e, int level, const char *fmt, ...) {
  NcBuf *b = &e->scope[level]->text;
  nc_put_repeat(b, ' ', 2 * (level + 1));
  va_list ap;
  va_start(ap, fmt);
  nc_vputf(b, fmt, ap);
  va_end(ap);
  nc_putc(b, '\n');
}

void nc_emit_aside(NcEmit *e, int level, NcAside *a) {
  a->depth = e->depth;
  memcpy(a->scope, e->scope, sizeof a->scope);
  e->depth = level;
}

void nc_emit_restore(NcEmit *e, const NcAside *a) {
  e->depth = a->depth;
  memcpy(e->scope, a->scope, sizeof e->scope);
}

int nc_emit_level(const NcEmit *e, int level) {
  for (int i = e->depth; i > level; i--)
    if (e->scope[i]->guard) return i;
  return level;
}

int nc_emit_coord_level(const NcEmit *e, NcIx *const *coord, int n) {
  int level = 0;
  for (int i = 0; i < n; i++)
    if (coord[i]->level > level) level = coord[i]->level;
  return nc_emit_level(e, level);
}

// ---- Names, literals, types

const char *nc_emit_name(NcEmit *e, const char *stem) { return nc_sprintf(e->arena, "%s%s%d", e->prefix, stem, e->names++); }

NcIx *nc_emit_var(NcEmit *e, const char *name, int64_t n, bool lanes) {
  if (!lanes || e->lanes == 1) return nc_ix_var(&e->ix, name, NULL, true, 0, n - 1, e->depth);
  const char *all = nc_sprintf(e->arena, "%sv", name);
  NcBuf b = NC_BUF(e->arena);
  for (int i = 0; i < e->lanes; i++) nc_putf(&b, "%s%d", i ? ", " : "", i);
  nc_emit_line(e, e->depth, "const %s%d %s = %s + (%s%d)(%s);", e->idx, e->lanes, all, name, e->idx, e->lanes,
               nc_buf_str(&b));
  e->lane_level = e->depth;
  return nc_ix_var(&e->ix, name, all, true, 0, n - 1, e->depth);
}

const char *nc_emit_type(NcEmit *e, NcDtype t, bool vec) {
  const char *reg = nc_dtype_reg(t);
  return vec && e->lanes > 1 ? nc_sprintf(e->arena, "%s%d", reg, e->lanes) : reg;
}

const char *nc_emit_zero(NcEmit *e, NcDtype t, double v) {
  if (t == NC_BOOL) return v != 0 ? "(-1)" : "0";
  if (!nc_dtype_float(t)) {
    if (v == (double)INT32_MIN) return "(-2147483647 - 1)";
    return nc_sprintf(e->arena, v < 0 ? "(%.0f%s)" : "%.0f%s", v, t == NC_I64 ? "L" : "");
  }
  float f = (float)v;
  if (isnan(f)) return "NAN";
  if (isinf(f)) return f > 0 ? "INFINITY" : "(-INFINITY)";
  return nc_sprintf(e->arena, signbit(f) ? "(%af)" : "%af", (double)f);   // hexadecimal: exact
}

const char *nc_emit_wide(NcEmit *e, NcVal v, bool vec) {
  return vec && !v.vec && e->lanes > 1 ? nc_sprintf(e->arena, "((%s)(%s))", nc_emit_type(e, v.t, true), v.s) : v.s;
}

NcVal nc_emit_temp(NcEmit *e, int level, NcDtype t, bool vec, const char *expr) {
  const char *name = nc_emit_name(e, "t");
  nc_emit_line(e, level, "const %s %s = %s;", nc_emit_type(e, t, vec), name, expr);
  return (NcVal){name, t, vec, level};
}

// ---- Buffers

int nc_emit_arg(NcEmit *e, int buffer, const char *type, bool written) {
  int i = 0;
  while (i < e->use.n && (e->use.at[i].buffer != buffer || strcmp(e->use.at[i].type, type) != 0)) i++;
  if (i == e->use.n) *NC_PUSH(e->arena, e->use) = (NcUse){.buffer = buffer, .type = type};
  if (written) e->use.at[i].written = true;
  else e->use.at[i].read = true;
  return i;
}

static int index_of(NcNode *const *at, int n, const NcNode *x) {
  for (int i = 0; i < n; i++)
    if (at[i] == x) return i;
  return -1;
}

int nc_emit_buffer(const NcEmit *e, const NcNode *n) { return e->p->place[n->id].buffer; }

static NcIx *turn(NcEmit *e) {
  if (!e->turn) e->turn = nc_ix_var(&e->ix, nc_sprintf(e->arena, "((%s)turn_)", e->idx), NULL, true, 0,
                                    e->p->regions->loop->trips - 1, 0);
  return e->turn;
}

NcIx *nc_emit_place(NcEmit *e, const NcNode *leaf, NcIx *at) {
  const NcLoop *l = e->p->regions->loop;
  if (!nc_turns_with(e->p->regions, leaf)) return at;
  NcIx *t = turn(e);
  if (l->reverse) t = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, t, -1), l->trips - 1);
  return nc_ix_add(&e->ix, nc_ix_scale(&e->ix, t, nc_turn_stride(e->p->regions, leaf)), at);
}

// Reads lanes that do not follow each other one by one.
static const char *gather(NcEmit *e, const char *one, NcIx *at) {
  const char *v = nc_emit_name(e, "a");
  nc_emit_line(e, nc_emit_level(e, at->level), "const %s%d %s = %s;", e->idx, e->lanes, v, nc_ix_text(&e->ix, at, true));
  NcBuf b = NC_BUF(e->arena);
  for (int i = 0; i < e->lanes; i++) {
    nc_put(&b, i ? ", " : "");
    nc_putf(&b, one, nc_sprintf(e->arena, "%s.s%x", v, i));
  }
  return nc_buf_str(&b);
}

// Every second element: the even ones of one vector and the odd ones of the vector that ends with the last element.
static const char *every_second(NcEmit *e, NcDtype t, int p, const char *first) {
  const char *v = t == NC_F16 ? "vload_half" : "vload";
  return nc_sprintf(e->arena, "(%s%d)(%s%d(0, p%d + %s).even, %s%d(0, p%d + %s + %d).odd)", t == NC_F16 ? "float" : nc_dtype_store(t),
                    e->lanes, v, e->lanes, p, first, v, e->lanes, p, first, e->lanes - 1);
}

static void note(NcEmit *e, int argument) {
  for (int i = 0; i < e->direct.n; i++)
    if (e->direct.at[i] == argument) return;
  *NC_PUSH(e->arena, e->direct) = argument;
}

NcVal nc_emit_load(NcEmit *e, int buffer, NcDtype t, NcIx *at) {
  int p = nc_emit_arg(e, buffer, nc_dtype_store(t), false), level = nc_emit_level(e, at->level), w = e->lanes;
  bool cpu = e->p->target->cls == NC_CLASS_CPU, vec = at->lane, unit = vec && nc_ix_unit(at), second = vec && w > 2 && nc_ix_lane_factor(at) == 2;
  if (level == e->lane_level && e->lanes > 1) (*(unit || second ? &e->tally.unit : vec ? &e->tally.gather : &e->tally.same))++;
  else if (level == e->depth) e->tally.same++;
  if (at == e->flat && unit && t == NC_F32) note(e, p);
  const char *one = nc_sprintf(e->arena, t == NC_F16 ? "vload_half(%%s, p%d)" : "p%d[%%s]", p), *raw;
  const char *first = nc_ix_text(&e->ix, at, false);
  char suffix[12] = "";
  if (vec) snprintf(suffix, sizeof suffix, "%d", w);
  if (!vec) raw = nc_sprintf(e->arena, one, first);
  else if (second) raw = every_second(e, t, p, first);
  else if (!unit) raw = nc_sprintf(e->arena, "(%s%d)(%s)", t == NC_F16 ? "float" : nc_dtype_store(t), w, gather(e, one, at));
  else if (t == NC_F32 && cpu) raw = nc_sprintf(e->arena, "nc_load(%d, p%d + %s)", w, p, first);
  else raw = nc_sprintf(e->arena, t == NC_F16 ? "vload_half%d(0, p%d + %s)" : "vload%d(0, p%d + %s)", w, p, first);
  switch (t) {
  case NC_BF16: raw = nc_sprintf(e->arena, "as_float%s(convert_uint%s(%s) << 16)", suffix, suffix, raw); break;
  case NC_U8: raw = nc_sprintf(e->arena, "convert_int%s(%s)", suffix, raw); break;
  case NC_BOOL: raw = nc_sprintf(e->arena, "-convert_int%s(%s)", suffix, raw); break;
  default: break;
  }
  return nc_emit_temp(e, level, t, vec, raw);
}

// What no cache holds until it is read goes around the caches: else each of its lines would be read before it is overwritten.
// The vector must lie at a multiple of its size, which an epilogue's need not. What the kernel has read lies in the caches.
// In a loop's body a buffer may be seen from the first row of a slice on, which lies anywhere.
static bool streams(const NcEmit *e, int buffer, NcDtype t, const NcIx *at, int w) {
  const NcTarget *target = e->p->target;
  bool good = e->aligned && target->cls == NC_CLASS_CPU && target->cache && e->p->plan->buf.at[buffer].bytes > target->cache && t == NC_F32 &&
              at->c % w == 0 && !e->p->regions->loop;
  for (int i = 0; good && i < e->use.n; i++) good = e->use.at[i].buffer != buffer || !e->use.at[i].read;
  for (int i = 0; good && i < at->n; i++) {
    const NcIxAtom *a = at->term[i].atom;
    good = at->term[i].k % w == 0 || (a->kind == NC_IX_VAR && a->lanes && at->term[i].k == 1);
  }
  return good;
}

void nc_emit_store(NcEmit *e, int level, int buffer, NcDtype t, NcIx *at, NcVal v) {
  int p = nc_emit_arg(e, buffer, nc_dtype_store(t), true), w = at->lane ? e->lanes : 1;
  const char *x = nc_emit_wide(e, v, w > 1), *first = nc_ix_text(&e->ix, at, false);
  char suffix[12] = "";
  if (w > 1) snprintf(suffix, sizeof suffix, "%d", w);
  switch (t) {
  case NC_BF16: x = nc_sprintf(e->arena, "nc_bf16_float%s(%s)", suffix, x); break;
  case NC_U8: x = nc_sprintf(e->arena, "convert_uchar%s(%s)", suffix, x); break;
  case NC_BOOL: x = nc_sprintf(e->arena, "convert_uchar%s(%s & 1)", suffix, x); break;
  default: break;
  }
  if (w == 1) {
    if (t == NC_F16) nc_emit_line(e, level, "vstore_half_rte(%s, %s, p%d);", x, first, p);
    else nc_emit_line(e, level, "p%d[%s] = %s;", p, first, x);
  } else if (nc_ix_unit(at) && streams(e, buffer, t, at, w)) {
    nc_emit_line(e, level, "nc_stream(%s, (__global float%d *)(p%d + %s));", x, w, p, first);
  } else if (nc_ix_unit(at) && t == NC_F32 && e->p->target->cls == NC_CLASS_CPU) {
    nc_emit_line(e, level, "nc_save(%d, %s, p%d + %s);", w, x, p, first);
  } else if (nc_ix_unit(at)) {
    nc_emit_line(e, level, t == NC_F16 ? "vstore_half%d_rte(%s, 0, p%d + %s);" : "vstore%d(%s, 0, p%d + %s);", w, x, p, first);
  } else {
    const char *a = nc_emit_name(e, "a"), *n = nc_emit_name(e, "s");
    e->tally.gather++;
    nc_emit_line(e, level, "const %s%d %s = %s;", e->idx, w, a, nc_ix_text(&e->ix, at, true));
    nc_emit_line(e, level, "const %s%d %s = %s;", t == NC_F16 ? "float" : nc_dtype_store(t), w, n, x);
    for (int i = 0; i < w; i++)
      if (t == NC_F16) nc_emit_line(e, level, "vstore_half_rte(%s.s%x, %s.s%x, p%d);", n, i, a, i, p);
      else nc_emit_line(e, level, "p%d[%s.s%x] = %s.s%x;", p, a, i, n, i);
  }
}

// ---- Values

const NcVal *nc_emit_known(const NcEmit *e, int level, const NcNode *n, NcIx *const *coord) {
  const NcScope *s = e->scope[level];
  const size_t size = (size_t)n->type.shape.rank * sizeof *coord;   // 0: coord may be NULL
  for (int i = s->memo.n - 1; i >= 0; i--)
    if (s->memo.at[i].node == n && (!size || memcmp(s->memo.at[i].coord, coord, size) == 0)) return &s->memo.at[i].val;
  return NULL;
}

void nc_emit_bind(NcEmit *e, int level, const NcNode *n, NcIx *const *coord, NcVal v) {
  NcMemo *m = NC_PUSH(e->arena, e->scope[level]->memo);
  *m = (NcMemo){.node = n, .val = v};
  if (n->type.shape.rank) memcpy(m->coord, coord, (size_t)n->type.shape.rank * sizeof *coord);
}

static NcVal literal(NcEmit *e, NcDtype t, double v) { return (NcVal){nc_emit_zero(e, t, v), t, false, 0}; }

static NcVal pointwise(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcVal v[3] = {0};
  const char *arg[3];
  bool vec = false;
  int level = 0;
  for (int i = 0; i < n->nin; i++) {
    v[i] = nc_emit(e, n->in[i], coord);
    vec |= v[i].vec;
    if (v[i].level > level) level = v[i].level;
  }
  for (int i = 0; i < n->nin; i++) arg[i] = nc_emit_wide(e, v[i], vec);
  level = nc_emit_level(e, level);
  if (level == e->depth) e->tally.ops += n->op->flops;
  NcBuf b = NC_BUF(e->arena);
  nc_opencl(&b, n, arg, vec ? e->lanes : 1);
  return nc_emit_temp(e, level, n->type.dtype, vec, nc_buf_str(&b));
}

static NcVal iota(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcIx *at = coord[nc_attr_int(n, "axis")];
  const char *x = nc_ix_text(&e->ix, at, at->lane);
  if (!at->n) return literal(e, n->type.dtype, (double)at->c);
  const char *t = nc_emit_type(e, n->type.dtype, at->lane);
  const char *cut = n->type.dtype == NC_U8 ? " & 255" : "";
  return nc_emit_temp(e, nc_emit_level(e, at->level), n->type.dtype, at->lane, nc_sprintf(e->arena, "convert_%s(%s)%s", t, x, cut));
}

// All parts of an update read the same value there.
static bool shared_by_parts(const NcRegion *r, int input) {
  for (int p = 1; p < r->parts; p++)
    if (r->part_input[p][input] != r->part_input[0][input]) return false;
  return r->parts > 1 || (nc_count(r->input.at[input]->type.shape) == 1 && r->pack_count > 1);
}

static NcVal load_value(NcEmit *e, NcNode *n, NcIx *const *coord) {
  const NcRegion *r = e->region;
  NcIx *at = nc_emit_place(e, n, nc_ix_linear(&e->ix, n->type.shape, coord));
  int pack = r->kind == NC_REGION_UPDATE ? index_of(r->input.at, r->input.n, nc_alias(e->p->regions, n)) : -1;
  if (pack < 0) return nc_emit_load(e, nc_emit_buffer(e, n), n->type.dtype, at);
  return nc_emit_load(e, r->pack_input[pack], n->type.dtype, shared_by_parts(r, pack) ? at : e->pack);
}

static NcVal leaf(NcEmit *e, NcNode *n, NcIx *const *coord) {
  if (strcmp(n->op->name, "iota") == 0) return iota(e, n, coord);
  if (strcmp(n->op->name, "random") == 0) return nc_emit_random(e, n, coord);
  if (strcmp(n->op->name, "const") == 0) {
    const NcAttr *one = nc_attr(n, "value");
    if (one) return literal(e, n->type.dtype, one->f);
  }
  if (nc_is_turn(e->p->regions, n)) {
    turn(e);
    return (NcVal){"turn_", NC_I32, false, 0};
  }
  return load_value(e, n, coord);
}

NcVal nc_emit(NcEmit *e, NcNode *n, NcIx *const *coord) {
  for (int d = e->depth; d >= 0; d--) {
    const NcVal *known = nc_emit_known(e, d, n, coord);
    if (known) return *known;
  }
  NcVal v;
  if (e->anchor >= 0 && n == e->region->anchor)
    v = nc_emit_load(e, e->anchor, nc_dtype_float(n->type.dtype) ? NC_F32 : n->type.dtype, nc_ix_linear(&e->ix, n->type.shape, coord));
  else if ((n->op->kind != NC_LEAF || strcmp(n->op->name, "random") == 0) && !nc_has_member(e->region, n))
    v = load_value(e, n, coord);
  else
    switch (n->op->kind) {
    case NC_LEAF: v = leaf(e, n, coord); break;
    case NC_POINTWISE: v = pointwise(e, n, coord); break;
    case NC_MOVEMENT: v = nc_emit_move(e, n, coord); break;
    default: v = nc_emit_inline(e, n, coord);
    }
  nc_emit_bind(e, v.level, n, coord, v);
  return v;
}

NcVal nc_emit_flat(NcEmit *e, NcNode *n, NcIx *flat) {
  NcIx *coord[NC_MAX_RANK];
  nc_ix_split(&e->ix, n->type.shape, flat, coord);
  e->pack = flat;
  return nc_emit(e, n, coord);
}
