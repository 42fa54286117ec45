#include "elab/size.h"
#include <string.h>

enum { MAX_DEGREE = 12 };

typedef struct { int64_t coef; int n; int atom[MAX_DEGREE]; } Term;   // atoms rise, repeated for powers
struct NcPoly { int n; Term term[]; };

NcSize nc_size(int64_t v) { return (NcSize){.value = v}; }

static NcPoly *poly_new(NcSizes *t, int terms) {
  return nc_alloc(t->arena, sizeof(NcPoly) + (size_t)terms * sizeof(Term));
}

static const NcPoly *single(NcSizes *t, int atom) {
  NcPoly *p = poly_new(t, 1);
  p->n = 1;
  p->term[0] = (Term){.coef = 1, .n = 1, .atom = {atom}};
  return p;
}

NcSize nc_size_symbol(NcSizes *t, const char *name, int64_t value) {
  int i = 0;
  while (i < t->atom.n && !(t->atom.at[i].name && strcmp(t->atom.at[i].name, name) == 0)) i++;
  if (i == t->atom.n) *NC_PUSH(t->arena, t->atom) = (NcAtom){.name = nc_strdup(t->arena, name), .value = value};
  return (NcSize){.value = t->atom.at[i].value, .poly = single(t, i)};
}

static int monomial_order(const Term *a, const Term *b) {   // constants last
  for (int i = 0; i < a->n && i < b->n; i++)
    if (a->atom[i] != b->atom[i]) return a->atom[i] < b->atom[i] ? -1 : 1;
  return a->n > b->n ? -1 : a->n < b->n;
}

// The terms of a size: those of its polynomial, or its one constant.
static int terms_of(NcSize s, Term *constant, const Term **out) {
  if (s.poly) { *out = s.poly->term; return s.poly->n; }
  *constant = (Term){.coef = s.value};
  *out = constant;
  return s.value != 0;
}

// Drops zero terms and computes the value from the atoms'. A polynomial without symbols is a constant.
static bool finish(const NcSizes *t, NcPoly *p, NcSize *out) {
  int kept = 0;
  int64_t sum = 0;
  for (int i = 0; i < p->n; i++) {
    int64_t m = p->term[i].coef;
    if (!m) continue;
    for (int k = 0; k < p->term[i].n; k++)
      if (__builtin_mul_overflow(m, t->atom.at[p->term[i].atom[k]].value, &m)) return false;
    if (__builtin_add_overflow(sum, m, &sum)) return false;
    p->term[kept++] = p->term[i];
  }
  p->n = kept;
  bool constant = kept == 0 || (kept == 1 && p->term[0].n == 0);
  *out = (NcSize){.value = sum, .poly = constant ? NULL : p};
  return true;
}

static bool combine(NcSizes *t, NcSize a, NcSize b, int64_t sign, NcSize *out) {   // a + sign * b
  Term ca, cb;
  const Term *x, *y;
  int nx = terms_of(a, &ca, &x), ny = terms_of(b, &cb, &y), i = 0, j = 0;
  NcPoly *p = poly_new(t, nx + ny);
  while (i < nx || j < ny) {
    int order = i == nx ? 1 : j == ny ? -1 : monomial_order(&x[i], &y[j]);
    Term z = order < 0 ? x[i] : y[j];
    if (order >= 0 && __builtin_mul_overflow(z.coef, sign, &z.coef)) return false;
    if (order == 0 && __builtin_add_overflow(x[i].coef, z.coef, &z.coef)) return false;
    if (order <= 0) i++;
    if (order >= 0) j++;
    p->term[p->n++] = z;
  }
  return finish(t, p, out);
}

bool nc_size_add(NcSizes *t, NcSize a, NcSize b, NcSize *out) { return combine(t, a, b, 1, out); }
bool nc_size_sub(NcSizes *t, NcSize a, NcSize b, NcSize *out) { return combine(t, a, b, -1, out); }

static bool term_mul(const Term *x, const Term *y, Term *z) {
  if (x->n + y->n > MAX_DEGREE || __builtin_mul_overflow(x->coef, y->coef, &z->coef)) return false;
  z->n = 0;
  for (int i = 0, j = 0; i < x->n || j < y->n;)
    z->atom[z->n++] = j == y->n || (i < x->n && x->atom[i] <= y->atom[j]) ? x->atom[i++] : y->atom[j++];
  return true;
}

bool nc_size_mul(NcSizes *t, NcSize a, NcSize b, NcSize *out) {
  Term ca, cb;
  const Term *x, *y;
  int nx = terms_of(a, &ca, &x), ny = terms_of(b, &cb, &y);
  NcSize sum = nc_size(0);
  for (int i = 0; i < nx; i++)
    for (int j = 0; j < ny; j++) {
      NcPoly *p = poly_new(t, 1);
      NcSize product;
      p->n = 1;
      if (!term_mul(&x[i], &y[j], &p->term[0]) || !finish(t, p, &product) || !combine(t, sum, product, 1, &sum))
        return false;
    }
  *out = sum;
  return true;
}

bool nc_size_eq(NcSize a, NcSize b) {
  Term ca, cb;
  const Term *x, *y;
  int nx = terms_of(a, &ca, &x), ny = terms_of(b, &cb, &y);
  if (nx != ny) return false;
  for (int i = 0; i < nx; i++)
    if (x[i].coef != y[i].coef || monomial_order(&x[i], &y[i]) != 0) return false;
  return true;
}

bool nc_size_is(NcSize a, int64_t v) { return !a.poly && a.value == v; }

static int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

static NcSize quotient(NcSizes *t, NcSize a, NcSize b) {   // the opaque atom floor(a / b)
  int i = 0;
  for (; i < t->atom.n; i++) {
    NcAtom *q = &t->atom.at[i];
    if (!q->name && nc_size_eq(q->top, a) && nc_size_eq(q->bottom, b)) break;
  }
  if (i == t->atom.n) *NC_PUSH(t->arena, t->atom) = (NcAtom){.value = floor_div(a.value, b.value), .top = a,
                                                             .bottom = b};
  return (NcSize){.value = t->atom.at[i].value, .poly = single(t, i)};
}

// x / y for one term each, when it divides exactly.
static bool term_div(const Term *x, const Term *y, Term *z) {
  if (x->coef % y->coef) return false;
  *z = (Term){.coef = x->coef / y->coef};
  int j = 0;
  for (int i = 0; i < x->n; i++) {
    if (j < y->n && y->atom[j] == x->atom[i]) j++;
    else z->atom[z->n++] = x->atom[i];
  }
  return j == y->n;
}

// With b one term, the terms of a that it divides leave the quotient whole: floor((b q + r) / b) = q + floor(r / b).
bool nc_size_div(NcSizes *t, NcSize a, NcSize b, NcSize *out) {
  if (b.value == 0 || (a.value == INT64_MIN && b.value == -1)) return false;
  if (!a.poly && !b.poly) { *out = nc_size(floor_div(a.value, b.value)); return true; }
  if (nc_size_eq(a, b)) { *out = nc_size(1); return true; }
  Term ca, cb;
  const Term *x, *y;
  int nx = terms_of(a, &ca, &x), ny = terms_of(b, &cb, &y);
  if (ny != 1 || y[0].coef == -1) { *out = quotient(t, a, b); return true; }
  NcPoly *q = poly_new(t, nx + 1), *r = poly_new(t, nx + 1);
  for (int i = 0; i < nx; i++) {
    Term z;
    if (term_div(&x[i], &y[0], &z)) q->term[q->n++] = z;
    else if (x[i].n == 0 && y[0].n == 0) {          // constants: what divides goes out, the rest is smaller than b
      int64_t whole = floor_div(x[i].coef, y[0].coef), rest = x[i].coef - whole * y[0].coef;
      if (whole) q->term[q->n++] = (Term){.coef = whole};
      if (rest) r->term[r->n++] = (Term){.coef = rest};
    } else r->term[r->n++] = x[i];
  }
  NcSize whole, rest;
  if (!finish(t, q, &whole) || !finish(t, r, &rest)) return false;
  if (nc_size_is(rest, 0) || (!rest.poly && !b.poly)) { *out = whole; return true; }   // 0 <= rest / b < 1
  return combine(t, whole, quotient(t, rest, b), 1, out);
}

bool nc_size_mod(NcSizes *t, NcSize a, NcSize b, NcSize *out) {
  NcSize q, p;
  return nc_size_div(t, a, b, &q) && nc_size_mul(t, q, b, &p) && nc_size_sub(t, a, p, out);
}

static void put_poly(NcBuf *b, const NcSizes *t, NcSize s, bool inner) {
  Term c;
  const Term *x;
  int n = terms_of(s, &c, &x);
  if (n == 0) nc_put(b, "0");
  if (inner && n > 1) nc_putc(b, '(');
  for (int i = 0; i < n; i++) {
    int64_t coef = x[i].coef;
    if (i) nc_put(b, coef < 0 ? " - " : " + ");
    else if (coef < 0) nc_putc(b, '-');
    uint64_t size = coef < 0 ? 0 - (uint64_t)coef : (uint64_t)coef;
    if (size != 1 || x[i].n == 0) nc_putf(b, "%llu%s", (unsigned long long)size, x[i].n ? " * " : "");
    for (int k = 0; k < x[i].n; k++) {
      const NcAtom *atom = &t->atom.at[x[i].atom[k]];
      if (k) nc_put(b, " * ");
      if (atom->name) nc_put(b, atom->name);
      else {
        put_poly(b, t, atom->top, true);
        nc_put(b, " / ");
        put_poly(b, t, atom->bottom, true);
      }
    }
  }
  if (inner && n > 1) nc_putc(b, ')');
}

void nc_put_size(NcBuf *b, const NcSizes *t, NcSize s) { put_poly(b, t, s, false); }

static void put_factor(NcBuf *b, const NcSizes *t, NcSize s) {
  nc_put_size(b, t, s);
  if (s.from && s.from->name) nc_putf(b, " %s", s.from->name);
}

bool nc_put_factors(NcBuf *b, const NcSizes *t, NcSize s) {
  if (!s.from || (s.from->nfactor < 2 && !s.from->name)) return false;
  nc_put_size(b, t, s);
  if (s.from->nfactor < 2) { nc_putf(b, " %s", s.from->name); return true; }
  nc_put(b, " = ");
  for (int i = 0; i < s.from->nfactor; i++) {
    if (i) nc_put(b, " × ");
    put_factor(b, t, s.from->factor[i]);
  }
  return true;
}
