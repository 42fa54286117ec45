#include "gen/index.h"
#include <stdlib.h>
#include <string.h>

static NcIx *simplify(NcIxs *s, NcIx *a);

void nc_ixs_init(NcIxs *s, NcArena *a) { *s = (NcIxs){.arena = a, .known = NC_MAP(a), .atoms = NC_MAP(a)}; }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t gcd(int64_t a, int64_t b) {
  a = llabs(a);
  while (b) {
    int64_t t = a % b;
    a = b;
    b = t;
  }
  return a;
}

static bool lane_atom(const NcIxAtom *a) { return a->x ? a->x->lane : a->lanes != NULL; }

// Interns the sum of terms (any order, repeats and zeros allowed) and c.
static NcIx *make(NcIxs *s, int n, const NcIxTerm *term, int64_t c) {
  NcIxTerm *t = NC_NEW_N(s->arena, NcIxTerm, n ? n : 1);
  int used = 0;
  for (int i = 0; i < n; i++) {
    int j = 0;
    while (j < used && t[j].atom->id < term[i].atom->id) j++;
    if (j < used && t[j].atom == term[i].atom) {
      t[j].k += term[i].k;
      continue;
    }
    memmove(&t[j + 1], &t[j], (size_t)(used - j) * sizeof *t);
    t[j] = term[i];
    used++;
  }
  int kept = 0;
  for (int i = 0; i < used; i++)
    if (t[i].k) t[kept++] = t[i];
  NcBuf key = NC_BUF(s->arena);
  nc_putf(&key, "%lld", (long long)c);
  for (int i = 0; i < kept; i++) nc_putf(&key, ",%d*%lld", t[i].atom->id, (long long)t[i].k);
  NcIx *ix = nc_map_get(&s->known, nc_buf_str(&key));
  if (ix) return ix;
  ix = NC_NEW(s->arena, NcIx);
  *ix = (NcIx){.n = kept, .term = t, .c = c, .lo = c, .hi = c};
  for (int i = 0; i < kept; i++) {
    const NcIxAtom *a = t[i].atom;
    ix->lo += t[i].k * (t[i].k > 0 ? a->lo : a->hi);
    ix->hi += t[i].k * (t[i].k > 0 ? a->hi : a->lo);
    if (a->level > ix->level) ix->level = a->level;
    if (lane_atom(a)) ix->lane = true;
  }
  nc_map_set(&s->known, nc_buf_str(&key), ix);
  return ix;
}

static NcIx *of_atom(NcIxs *s, NcIxAtom *a) { return make(s, 1, &(NcIxTerm){a, 1}, 0); }

NcIx *nc_ix_const(NcIxs *s, int64_t c) { return make(s, 0, NULL, c); }

NcIx *nc_ix_var(NcIxs *s, const char *name, const char *lanes, bool step, int64_t lo, int64_t hi, int level) {
  if (lo == hi && !lanes) return nc_ix_const(s, lo);
  NcIxAtom *a = NC_NEW(s->arena, NcIxAtom);
  *a = (NcIxAtom){.kind = NC_IX_VAR, .id = s->natoms++, .name = name, .lanes = lanes, .step = step, .lo = lo, .hi = hi,
                  .level = level};
  return of_atom(s, a);
}

void nc_ix_call(NcIx *a, const char *name, const char *lanes) {
  a->name = name;
  a->lanes = lanes;
}

static NcIx *atom_of(NcIxs *s, NcIxKind kind, NcIx *x, int64_t m) {
  char *key = nc_sprintf(s->arena, "%d,%p,%lld", kind, (void *)x, (long long)m);
  NcIxAtom *a = nc_map_get(&s->atoms, key);
  if (!a) {
    int64_t lo = x->lo > 0 ? x->lo / m : 0, hi = x->hi > 0 ? x->hi / m : 0;
    a = NC_NEW(s->arena, NcIxAtom);
    *a = (NcIxAtom){.kind = kind, .id = s->natoms++, .x = x, .m = m, .lo = kind == NC_IX_DIV ? lo : 0,
                    .hi = kind == NC_IX_DIV ? hi : m - 1, .level = x->level};
    nc_map_set(&s->atoms, key, a);
  }
  return of_atom(s, a);
}

static NcIx *sum(NcIxs *s, NcIx *a, NcIx *b, int64_t k) {   // a + k b
  NcIxTerm *t = NC_NEW_N(s->arena, NcIxTerm, a->n + b->n + 1);
  for (int i = 0; i < a->n; i++) t[i] = a->term[i];
  for (int i = 0; i < b->n; i++) t[a->n + i] = (NcIxTerm){b->term[i].atom, b->term[i].k * k};
  return make(s, a->n + b->n, t, a->c + k * b->c);
}

NcIx *nc_ix_add(NcIxs *s, NcIx *a, NcIx *b) { return simplify(s, sum(s, a, b, 1)); }
NcIx *nc_ix_addc(NcIxs *s, NcIx *a, int64_t c) { return make(s, a->n, a->term, a->c + c); }
NcIx *nc_ix_scale(NcIxs *s, NcIx *a, int64_t k) { return sum(s, nc_ix_const(s, 0), a, k); }

static int64_t factor(const NcIx *a, const NcIxAtom *atom) {
  for (int i = 0; i < a->n; i++)
    if (a->term[i].atom == atom) return a->term[i].k;
  return 0;
}

static bool contains(const NcIx *a, const NcIx *part, int64_t k) {
  for (int i = 0; i < part->n; i++)
    if (factor(a, part->term[i].atom) != part->term[i].k * k) return false;
  return part->n > 0;
}

// k (x mod m) + k m (x / m) = k x, and k (x mod m) + k m ((x / m) mod p) = k (x mod m p).
static NcIx *simplify(NcIxs *s, NcIx *a) {
  for (int i = 0; i < a->n; i++) {
    NcIxAtom *at = a->term[i].atom;
    int64_t k = a->term[i].k;
    if (at->kind != NC_IX_MOD) continue;
    NcIx *q = nc_ix_div(s, at->x, at->m), *rest = sum(s, a, of_atom(s, at), -k);
    if (contains(a, q, k * at->m)) return simplify(s, sum(s, sum(s, rest, q, -k * at->m), at->x, k));
    for (int j = 0; j < a->n; j++) {
      NcIxAtom *o = a->term[j].atom;
      if (o->kind == NC_IX_MOD && o->x == q && a->term[j].k == k * at->m)
        return simplify(s, sum(s, sum(s, rest, of_atom(s, o), -k * at->m), nc_ix_mod(s, at->x, at->m * o->m), k));
    }
  }
  return a;
}

// Splits a into m q + r, r made of what m does not divide. False when r could be negative.
static bool take_multiples(NcIxs *s, NcIx *a, int64_t m, NcIx **q, NcIx **r) {
  NcIxTerm *tq = NC_NEW_N(s->arena, NcIxTerm, a->n + 1), *tr = NC_NEW_N(s->arena, NcIxTerm, a->n + 1);
  int nq = 0, nr = 0;
  for (int i = 0; i < a->n; i++) {
    int64_t k = a->term[i].k;
    if (k % m == 0) tq[nq++] = (NcIxTerm){a->term[i].atom, k / m};
    else tr[nr++] = a->term[i];
  }
  int64_t c = floor_div(a->c, m);
  *q = make(s, nq, tq, c);
  *r = make(s, nr, tr, a->c - c * m);
  return (*r)->lo >= 0;
}

// A divisor g of m, 1 < g < m, for which r = g h + l with 0 <= l < g: division by m may first drop l.
static int64_t coarse(NcIxs *s, NcIx *r, int64_t m, NcIx **h, NcIx **l) {
  int64_t best = 1;
  for (int i = 0; i < r->n; i++) {
    int64_t g = gcd(r->term[i].k, m);
    NcIx *q, *rest;
    if (g <= best || g == m || !take_multiples(s, r, g, &q, &rest) || rest->hi >= g || q->lo < 0) continue;
    best = g;
    *h = q;
    *l = rest;
  }
  return best;
}

static const NcIxAtom *lone(const NcIx *a) { return a->n == 1 && a->term[0].k == 1 && !a->c ? a->term[0].atom : NULL; }

NcIx *nc_ix_div(NcIxs *s, NcIx *a, int64_t m) {
  if (m == 1) return a;
  NcIx *q, *r, *h, *l;
  if (!take_multiples(s, a, m, &q, &r)) return atom_of(s, NC_IX_DIV, a, m);
  if (r->hi < m) return q;
  int64_t g = coarse(s, r, m, &h, &l);
  const NcIxAtom *at = lone(r);
  NcIx *d;
  if (g > 1) d = nc_ix_div(s, h, m / g);
  else if (at && at->kind == NC_IX_DIV) d = nc_ix_div(s, at->x, at->m * m);
  else if (at && at->kind == NC_IX_MOD && at->m % m == 0) d = nc_ix_mod(s, nc_ix_div(s, at->x, m), at->m / m);
  else d = atom_of(s, NC_IX_DIV, r, m);
  return nc_ix_add(s, q, d);
}

NcIx *nc_ix_mod(NcIxs *s, NcIx *a, int64_t m) {
  if (m == 1) return nc_ix_const(s, 0);
  NcIx *q, *r, *h, *l;
  if (!take_multiples(s, a, m, &q, &r)) return atom_of(s, NC_IX_MOD, a, m);
  if (r->hi < m) return r;
  int64_t g = coarse(s, r, m, &h, &l);
  const NcIxAtom *at = lone(r);
  if (g > 1) return nc_ix_add(s, nc_ix_scale(s, nc_ix_mod(s, h, m / g), g), l);
  if (at && at->kind == NC_IX_MOD && at->m % m == 0) return nc_ix_mod(s, at->x, m);
  return atom_of(s, NC_IX_MOD, r, m);
}

NcIx *nc_ix_linear(NcIxs *s, NcShape shape, NcIx *const *coord) {
  int64_t stride[NC_MAX_RANK];
  nc_strides(shape, stride);
  NcIx *at = nc_ix_const(s, 0);
  for (int i = 0; i < shape.rank; i++) at = sum(s, at, coord[i], stride[i]);
  return simplify(s, at);
}

void nc_ix_split(NcIxs *s, NcShape shape, NcIx *flat, NcIx **coord) {
  int64_t stride[NC_MAX_RANK], count = nc_count(shape);
  nc_strides(shape, stride);
  for (int i = 0; i < shape.rank; i++) {
    if (shape.dim[i] == 1) {
      coord[i] = nc_ix_const(s, 0);
      continue;
    }
    NcIx *q = nc_ix_div(s, flat, stride[i]);
    coord[i] = q->hi < shape.dim[i] || stride[i] * shape.dim[i] == count ? q : nc_ix_mod(s, q, shape.dim[i]);
  }
}

bool nc_ix_is_const(const NcIx *a, int64_t c) { return a->n == 0 && a->c == c; }

int64_t nc_ix_lane_factor(const NcIx *a) {
  int64_t k = 0;
  for (int i = 0; i < a->n; i++) {
    const NcIxAtom *t = a->term[i].atom;
    if (lane_atom(t) && !t->step) return INT64_MIN;
    if (lane_atom(t)) k += a->term[i].k;
  }
  return k;
}

bool nc_ix_unit(const NcIx *a) { return nc_ix_lane_factor(a) == 1; }

bool nc_ix_aligned(const NcIx *a, int64_t bound, int lanes) {
  if (!nc_ix_unit(a) || (bound - a->c) % lanes) return false;
  for (int i = 0; i < a->n; i++)
    if (!lane_atom(a->term[i].atom) && a->term[i].k % lanes) return false;
  return true;
}

static void put_atom(NcBuf *b, const NcIxAtom *a, bool vec) {
  if (a->kind == NC_IX_VAR) {
    nc_put(b, vec && a->lanes ? a->lanes : a->name);
    return;
  }
  bool plain = a->x->n == 1 && !a->x->c && a->x->term[0].k == 1;
  nc_putc(b, '(');
  if (!plain) nc_putc(b, '(');
  nc_ix_put(b, a->x, vec);
  if (!plain) nc_putc(b, ')');
  nc_putf(b, " %c %lld)", a->kind == NC_IX_DIV ? '/' : '%', (long long)a->m);
}

void nc_ix_put(NcBuf *b, const NcIx *a, bool vec) {
  if (a->name) {
    nc_put(b, vec && a->lane ? a->lanes : a->name);
    return;
  }
  bool first = true;
  for (int pass = 0; pass < 2; pass++)      // positive terms first: no leading minus where it can be helped
    for (int i = 0; i < a->n; i++) {
      int64_t k = a->term[i].k;
      if ((k > 0) != (pass == 0)) continue;
      nc_put(b, k < 0 ? (first ? "-" : " - ") : first ? "" : " + ");
      put_atom(b, a->term[i].atom, vec);
      if (k != 1 && k != -1) nc_putf(b, " * %lld", (long long)(k < 0 ? -k : k));
      first = false;
    }
  if (first) nc_putf(b, "%lld", (long long)a->c);
  else if (a->c) nc_putf(b, " %c %lld", a->c < 0 ? '-' : '+', (long long)llabs(a->c));
}

const char *nc_ix_text(NcIxs *s, const NcIx *a, bool vec) {
  NcBuf b = NC_BUF(s->arena);
  nc_ix_put(&b, a, vec);
  return nc_buf_str(&b);
}
