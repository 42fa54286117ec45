// a[i + r, 2 * j, table[k]] inside of index notation: a tensor read at an index for each of its axes.
//
// Axes whose index is a sum of multiples of one index are slices; several such axes with the same index (a diagonal) are one
// slice of the flattened axes. Windows (two indices on one axis) and indices that tensors hold become gathers. Then the
// axes are laid out by their indices' places.
#include "elab/notation.h"
#include <math.h>

// An index as base + sum of factor[place] * index, where it is one, and its bounds where they are known.
typedef struct { bool linear, bounded; double base, factor[NC_MAX_RANK + 1], low, high; } Form;

typedef struct {
  const NcExpr *x;
  Form form;
  NcTensor *held;        // not linear: the index itself, i32
  unsigned uses;         // places, a bit each
  int part;              // axes that share an index
} Item;

typedef struct {
  NcElab *e;
  const NcNest *nest;
  const NcExpr *x;
  NcTensor *t;
  int n;                 // axes of t: item[axis[i]], or, when done, the index of place[i]
  int axis[NC_MAX_RANK], place[NC_MAX_RANK];
  Item item[NC_MAX_RANK];
} Read;

// ---- what an index is

static Form number(double v) { return (Form){.linear = true, .bounded = true, .base = v, .low = v, .high = v}; }
static Form unknown(void) { return (Form){0}; }

static Form added(Form a, Form b, double sign) {
  Form r = {.linear = a.linear && b.linear, .bounded = a.bounded && b.bounded, .base = a.base + sign * b.base};
  for (int p = 0; p <= NC_MAX_RANK; p++) r.factor[p] = a.factor[p] + sign * b.factor[p];
  r.low = a.low + (sign > 0 ? b.low : -b.high);
  r.high = a.high + (sign > 0 ? b.high : -b.low);
  return r;
}

static Form scaled(Form a, double by) {
  Form r = {.linear = a.linear, .bounded = a.bounded, .base = a.base * by};
  for (int p = 0; p <= NC_MAX_RANK; p++) r.factor[p] = a.factor[p] * by;
  r.low = by < 0 ? a.high * by : a.low * by;
  r.high = by < 0 ? a.low * by : a.high * by;
  return r;
}

static bool constant(const Form *f) { return f->linear && f->low == f->high && f->low == f->base; }

static Form divided(Form a, Form b) {
  if (!a.bounded || !constant(&b) || b.base <= 0) return unknown();
  return (Form){.bounded = true, .low = floor(a.low / b.base), .high = floor(a.high / b.base)};
}

static Form remainder_of(Form a, Form b) {
  if (!constant(&b) || b.base <= 0) return unknown();
  if (a.bounded && a.low >= 0 && a.high < b.base) return (Form){.bounded = true, .low = a.low, .high = a.high};
  return (Form){.bounded = true, .low = 0, .high = b.base - 1};
}

static Form form(const Read *r, const NcExpr *x) {
  if (!nc_mentions(r->e, x)) {
    NcValue v = nc_expr(r->e, x);
    return v.kind == NC_V_INT ? number((double)v.size.value) : unknown();
  }
  if (x->kind == NC_X_NAME) {
    const NcLocal *b = nc_lookup_local(r->e->frame->scope, x->name.s);
    for (int p = 1; p <= r->nest->n; p++) {
      if (b->each != r->nest->index[p]) continue;
      Form f = {.linear = true, .bounded = true, .high = (double)r->nest->index[p]->n.value - 1};
      f.factor[p] = 1;
      return f;
    }
    return unknown();
  }
  if (x->kind == NC_X_UNARY && x->op == NC_B_NEG) return scaled(form(r, x->a), -1);
  if (x->kind != NC_X_BINARY) return unknown();
  Form a = form(r, x->a), b = form(r, x->b);
  switch (x->op) {
    case NC_B_ADD: return added(a, b, 1);
    case NC_B_SUB: return added(a, b, -1);
    case NC_B_MUL: return constant(&a) ? scaled(b, a.base) : constant(&b) ? scaled(a, b.base) : unknown();
    case NC_B_DIV: return divided(a, b);
    case NC_B_MOD: return remainder_of(a, b);
    default: return unknown();
  }
}

// The index as an i32 tensor over the indices. A division rounds down, as that of sizes does.
static NcTensor *held(const Read *r, const NcExpr *x) {
  NcElab *e = r->e;
  if (x->kind != NC_X_BINARY || x->op != NC_B_DIV || !nc_mentions(e, x)) {
    if (x->kind != NC_X_BINARY || !nc_mentions(e, x)) return nc_each_tensor(e, r->nest, x);
    NcTensor *a = held(r, x->a), *b = held(r, x->b);
    if (!a || !b) return NULL;
    NcValue v = nc_binary(e, x->at, x->op, nc_v_tensor(x->a->at, a), nc_v_tensor(x->b->at, b));
    return v.kind == NC_V_TENSOR ? v.t : NULL;
  }
  NcTensor *a = held(r, x->a), *b = held(r, x->b);
  if (!a || !b) return NULL;
  // Half of one more: a device's quotient may be a little less than whole where it should be whole.
  a = nc_arith(e, x->at, "add", nc_t_cast(e, x->at, a, NC_F32), nc_t_const(e, x->at, NC_F32, 0.5));
  NcTensor *q = nc_arith(e, x->at, "div", a, nc_t_cast(e, x->at, b, NC_F32));
  q = q ? nc_t_op(e, x->at, "floor", 1, &q) : NULL;
  return nc_t_cast(e, x->at, q, NC_I32);
}

static bool out_of_range(const Read *r, int axis) {
  const Form *f = &r->item[axis].form;
  const char *reach = f->low == f->high ? nc_sprintf(r->e->arena, "is %.0f", f->low)
                                        : nc_sprintf(r->e->arena, "goes from %.0f to %.0f", f->low, f->high);
  NcMessage *m = nc_elab_error(r->e, NC_E0209, r->item[axis].x->at, "this index %s, but axis %d of %s has %s", reach, axis,
                               nc_t_describe(r->e, r->t), nc_size_describe(r->e, r->t->dim[axis]));
  for (int p = 1; p <= r->nest->n; p++)
    if (f->factor[p] != 0)
      nc_elab_label(r->e, m, r->nest->index[p]->at, nc_sprintf(r->e->arena, "`%s` goes to %lld", r->nest->index[p]->name,
                                                               (long long)r->nest->index[p]->n.value - 1));
  if (f->low < 0) nc_help(r->e->diag, m, "let the index begin later, or pad the tensor before: `pad(x, …)`");
  else nc_help(r->e->diag, m, "let the index end earlier, or pad the tensor before: `pad(x, …)`");
  return false;
}

static bool item(Read *r, int axis) {
  Item *it = &r->item[axis];
  const NcExpr *x = it->x;
  NcElab *e = r->e;
  if (x->kind == NC_X_SLICE || x->kind == NC_X_NEW) {
    nc_help(e->diag, nc_elab_error(e, NC_E0306, x->at, "inside of `for` every axis has one index"),
            "give this axis an index of its own, as in `sum for k < K { … }`");
    return false;
  }
  int errors = e->diag->errors;
  it->form = form(r, x);
  if (e->diag->errors > errors) return false;
  double n = (double)r->t->dim[axis].value;
  if (constant(&it->form) && it->form.base < 0) it->form = number(it->form.base + n);   // -1 is the last
  if (it->form.bounded && (it->form.low < 0 || it->form.high >= n)) return out_of_range(r, axis);
  for (int p = 1; it->form.linear && p <= r->nest->n; p++) {
    if (fabs(it->form.factor[p]) > n) it->form.factor[p] = 0;   // in range all the same: this index is always 0
    if (it->form.factor[p] != 0) it->uses |= 1u << p;
  }
  if (it->form.linear) return true;
  it->held = held(r, x);
  if (!it->held) return false;
  NcDtype t = it->held->node->type.dtype;
  if (t == NC_U8) it->held = nc_t_cast(e, x->at, it->held, NC_I32);
  else if (t != NC_I32) {
    nc_help(e->diag, nc_elab_error(e, NC_E0204, x->at, "an index must be i32, not %s", nc_dtype_name(t)), "convert it: `i32(…)`");
    return false;
  }
  for (int p = 1; p <= it->held->rank; p++)
    if (!nc_size_is(nc_each_dim(it->held, p), 1)) it->uses |= 1u << p;
  return true;
}

// Axes that share an index, also through others, are one part.
static void partition(Read *r) {
  for (int i = 0; i < r->n; i++) r->item[i].part = i;
  for (int pass = 0; pass < r->n; pass++)
    for (int i = 0; i < r->n; i++)
      for (int k = 0; k < r->n; k++)
        if ((r->item[i].uses & r->item[k].uses) && r->item[k].part > r->item[i].part) r->item[k].part = r->item[i].part;
}

static int lone_place(unsigned uses) {   // the only bit's number, or 0
  if (!uses || (uses & (uses - 1))) return 0;
  int p = 0;
  while (!(uses >> p & 1)) p++;
  return p;
}

static int members(const Read *r, int part, unsigned *uses, bool *linear) {
  int n = 0;
  *uses = 0;
  *linear = true;
  for (int i = 0; i < r->x->list.n; i++)
    if (r->item[i].part == part) {
      n++;
      *uses |= r->item[i].uses;
      *linear = *linear && r->item[i].form.linear;
    }
  return n;
}

// ---- reading

// Every axis that has an index for itself, or a number: all of them in one slice.
static bool slices(Read *r) {
  int64_t start[NC_MAX_RANK], step[NC_MAX_RANK];
  NcSize size[NC_MAX_RANK], dim[NC_MAX_RANK];
  int kept = 0;
  for (int i = 0; i < r->n; i++) {
    unsigned uses;
    bool linear, alone = members(r, r->item[i].part, &uses, &linear) == 1 && linear && !(uses & (uses - 1));
    int p = lone_place(uses);
    start[i] = alone ? (int64_t)r->item[i].form.base : 0;
    step[i] = alone && p ? (int64_t)r->item[i].form.factor[p] : 1;
    size[i] = !alone ? r->t->dim[i] : p ? r->nest->index[p]->n : nc_size(1);
    if (alone && !p) continue;
    r->axis[kept] = i;
    r->place[kept] = alone ? p : 0;
    dim[kept++] = size[i];
  }
  r->t = nc_t_slice(r->e, r->x->at, r->t, start, size, step);
  r->t = nc_t_reshape(r->e, r->x->at, r->t, kept, dim);
  r->n = kept;
  return r->t;
}

// Brings the axes of a part to the front as one axis. Their items in order; the rest moves up behind.
static int gather_axes(Read *r, int part, int *first, NcSize *size) {
  int64_t perm[NC_MAX_RANK];
  int axis[NC_MAX_RANK], place[NC_MAX_RANK], n = 0, rest = 1;
  NcSize dim[NC_MAX_RANK];
  for (int i = 0; i < r->n; i++)
    if (!r->place[i] && r->item[r->axis[i]].part == part) {
      first[n] = r->axis[i];
      size[n] = r->t->dim[i];
      perm[n++] = i;
    }
  int at = n;
  for (int i = 0; i < r->n; i++) {
    if (!r->place[i] && r->item[r->axis[i]].part == part) continue;
    perm[at++] = i;
    axis[rest] = r->axis[i];
    place[rest] = r->place[i];
    dim[rest++] = r->t->dim[i];
  }
  if (!nc_t_fold(r->e, r->x->at, n, size, &dim[0])) return 0;
  r->t = nc_t_reshape(r->e, r->x->at, nc_t_permute(r->e, r->x->at, r->t, perm), rest, dim);
  r->n = rest;
  for (int i = 1; i < rest; i++) {
    r->axis[i] = axis[i];
    r->place[i] = place[i];
  }
  return r->t ? n : 0;
}

// a[i, i]: every (n + 1)-th of the flattened axes.
static bool diagonal(Read *r, int p, double base, double step) {
  int64_t start[NC_MAX_RANK] = {(int64_t)base}, steps[NC_MAX_RANK];
  NcSize size[NC_MAX_RANK];
  for (int i = 0; i < r->n; i++) {
    steps[i] = i ? 1 : (int64_t)step;
    size[i] = i ? r->t->dim[i] : r->nest->index[p]->n;
  }
  r->t = nc_t_slice(r->e, r->x->at, r->t, start, size, steps);
  r->place[0] = p;
  return r->t;
}

// One index into the flattened axes, without its axes of size 1; their places.
static NcTensor *flat_index(const Read *r, int n, const int *item, const NcSize *size, int *place) {
  NcElab *e = r->e;
  NcTensor *index[NC_MAX_RANK], *flat = NULL;
  bool safe = true;
  for (int i = 0; i < n; i++) {
    const Item *it = &r->item[item[i]];
    safe = safe && it->form.bounded;
    index[i] = it->held ? it->held : held(r, it->x);
    if (!index[i]) return NULL;
  }
  if (!safe) flat = nc_gather_flat(e, r->x->at, n, index, size);
  for (int i = 0; safe && i < n; i++) {
    NcTensor *width = nc_t_const(e, r->x->at, NC_I32, (double)size[i].value);
    flat = flat ? nc_arith(e, r->x->at, "add", nc_arith(e, r->x->at, "mul", flat, width), index[i]) : index[i];
  }
  if (!flat) return NULL;
  NcSize dim[NC_MAX_RANK];
  int rank = 0;
  for (int p = flat->rank; p >= 1; p--) {
    if (nc_size_is(nc_each_dim(flat, p), 1)) continue;
    place[rank] = p;
    dim[rank++] = nc_each_dim(flat, p);
  }
  return nc_t_reshape(e, r->x->at, flat, rank, dim);
}

static bool gather(Read *r, int n, const int *item, const NcSize *size) {
  NcElab *e = r->e;
  int place[NC_MAX_RANK], axis[NC_MAX_RANK], rank = 0;
  NcSize dim[2 * NC_MAX_RANK];
  NcTensor *index = flat_index(r, n, item, size, place);
  if (!index) return false;
  NcShape s;
  for (int i = 0; i < index->rank; i++) dim[rank++] = index->dim[i];
  for (int i = 1; i < r->n; i++) dim[rank++] = r->t->dim[i];
  if (rank > NC_MAX_RANK || !nc_t_shape(e, r->x->at, rank, dim, &s)) {
    if (rank > NC_MAX_RANK) nc_elab_error(e, NC_E0202, r->x->at, "reading this way would need more than %d axes", NC_MAX_RANK);
    return false;
  }
  r->t = nc_t(e, r->x->at, nc_gather(e->graph, nc_here(e, r->x->at), r->t->node, index->node, 0), rank, dim);
  for (int i = 1; i < r->n; i++) {
    place[index->rank + i - 1] = r->place[i];
    axis[index->rank + i - 1] = r->axis[i];
  }
  for (int i = 0; i < rank; i++) {
    r->place[i] = place[i];
    r->axis[i] = i < index->rank ? -1 : axis[i];
  }
  r->n = rank;
  return r->t;
}

// A part that is no slice by itself.
static bool rest_of(Read *r, int part) {
  unsigned uses;
  bool linear;
  int item[NC_MAX_RANK];
  NcSize size[NC_MAX_RANK];
  members(r, part, &uses, &linear);
  int n = gather_axes(r, part, item, size), p = lone_place(uses);
  if (n == 0) return false;
  double base = 0, step = 0;
  for (int i = 0; i < n; i++) {
    base = base * (double)size[i].value + r->item[item[i]].form.base;
    step = step * (double)size[i].value + (p ? r->item[item[i]].form.factor[p] : 0);
  }
  r->place[0] = 0;
  r->axis[0] = item[0];
  return linear && p && step != 0 ? diagonal(r, p, base, step) : gather(r, n, item, size);
}

NcTensor *nc_each_read(NcElab *e, const NcNest *nest, const NcExpr *x) {
  if (nc_mentions(e, x->a)) {
    nc_elab_error(e, NC_E0306, x->a->at, "this is one number for each index, and has no axes to index");
    return NULL;
  }
  NcValue v = nc_expr(e, x->a);
  if (v.kind == NC_V_POISON) return NULL;
  if (v.kind != NC_V_TENSOR) {
    nc_elab_error(e, NC_E0205, x->a->at, "an index of `for` reads tensors, not %s", nc_v_describe(e, &v));
    return NULL;
  }
  Read r = {.e = e, .nest = nest, .x = x, .t = v.t, .n = v.t->rank};
  if (x->list.n != v.t->rank) {
    NcMessage *m = nc_elab_error(e, NC_E0202, x->at, "%s has %d ax%s, but %d ind%s given", nc_t_describe(e, v.t), v.t->rank,
                                 v.t->rank == 1 ? "is" : "es", x->list.n, x->list.n == 1 ? "ex is" : "ices are");
    nc_help(e->diag, m, "inside of `for` every value is one number: index each axis");
    return NULL;
  }
  for (int i = 0; i < r.n; i++) {
    r.item[i].x = x->list.at[i].e;
    if (!item(&r, i)) return NULL;
  }
  partition(&r);
  if (!slices(&r)) return NULL;
  for (int part = 0; part < x->list.n; part++)
    for (int i = 0; i < r.n; i++)
      if (!r.place[i] && r.axis[i] >= 0 && r.item[r.axis[i]].part == part) {
        if (!rest_of(&r, part)) return NULL;
        break;
      }
  return nc_each_lay(e, x->at, r.t, r.place);
}
