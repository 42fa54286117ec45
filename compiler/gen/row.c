// Rows: reductions over the last axes and the pointwise work before, between and after them, in one kernel.
//
// Reductions that need no other reduction's result come first, then those that need these, and so on: each
// level is one pass over the row, and the full-size outputs are a last one. What a later pass
// needs again is computed again, but dear values (exp …) of short rows are kept in private memory. Where a pass has little to
// compute, it would wait for each sum before it adds to it: such passes keep several, of every second or fourth vector of the row.
// While later passes are over what lies in the first cache, they fetch the next row, which no processor does by itself: its
// own fetching ahead stops at the ends of pages, and a pass is as long as a page or so.
//
//   cpu, long rows:  a work-item per block of rows; W elements of a row at a time
//   cpu, short rows: a work-item per block of rows; W rows at a time, one lane each
//   gpu, long rows:  a work-group per row, partial results merged in local memory
//   gpu, short rows: a work-item per row
#include <string.h>
#include "gen/fold.h"
#include "gen/kernel.h"

typedef enum { ALONG, ACROSS, GROUP } Mode;   // lanes along the row; a lane (or an item) per row; a group per row

enum { CHAINS = 4 };         // at most so many sums, each of vectors

typedef struct {
  NcGen *g;
  const NcRegion *r;
  NcEmit *e;
  Mode mode;
  int lanes;                 // ALONG: of the main loop
  int64_t rows, length, local;
  int levels;
  int *level;                // by member: of a reduction its pass (from 1), else 0
  int chain;                 // which of the sums the loop's body adds to
  NcFold *fold[CHAINS], *rest;   // by member: of the current pass; of its scalar remainder
  unsigned *uses;            // by member: bit p: pass p computes it
  const char **kept[2];      // by member: array that holds its values of this row, NULL: none; of the main loop and of the remainder
  int met[32];               // by pass: how many of e->direct were met before it
  NcIx *row;
  int row_level;             // scope of a row's values
} Row;

// ---- Which reductions belong to which pass

static bool row_reduction(const Row *w, const NcNode *n) {
  return n->op->kind == NC_REDUCE && nc_count(n->type.shape) == w->rows && nc_count(n->in[0]->type.shape) == w->rows * w->length;
}

static int member(const NcRegion *r, const NcNode *n) {
  int lo = 0, hi = r->node.n;              // members are in id order
  while (lo < hi) {
    int mid = (lo + hi) / 2;
    if (r->node.at[mid]->id < n->id) lo = mid + 1;
    else hi = mid;
  }
  return lo < r->node.n && r->node.at[lo] == n ? lo : -1;
}

static void find_levels(Row *w) {
  int *deep = NC_NEW_N(w->g->arena, int, w->r->node.n);     // passes that must be over before the member is known
  for (int i = 0; i < w->r->node.n; i++) {
    const NcNode *n = w->r->node.at[i];
    for (int k = 0; k < n->nin; k++) {
      int m = member(w->r, n->in[k]);
      if (m >= 0 && deep[m] > deep[i]) deep[i] = deep[m];
    }
    if (row_reduction(w, n)) w->level[i] = ++deep[i];
    if (w->level[i] > w->levels) w->levels = w->level[i];
  }
}

// ---- Dear values that several passes need, kept

static void mark_uses(Row *w, const NcNode *n, int pass) {
  int m = member(w->r, n);
  if (m < 0 || row_reduction(w, n) || w->uses[m] >> pass & 1) return;
  w->uses[m] |= 1u << pass;
  for (int i = 0; i < n->nin; i++) mark_uses(w, n->in[i], pass);
}

static void find_uses(Row *w) {
  if (w->levels > 30) return;
  for (int i = 0; i < w->r->node.n; i++)
    if (w->level[i]) mark_uses(w, w->r->node.at[i]->in[0], w->level[i]);
  for (int i = 0; i < w->r->output.n; i++)
    if (nc_count(w->r->output.at[i]->type.shape) == w->rows * w->length) mark_uses(w, w->r->output.at[i], w->levels + 1);
}

enum { DEAR_FLOPS = 8, KEPT_LENGTH = 1024 };

static bool dear(const Row *w, int i) {
  const NcNode *n = w->r->node.at[i];
  if (w->mode == GROUP || w->length > KEPT_LENGTH || nc_count(n->type.shape) != w->rows * w->length) return false;
  return n->op->kind == NC_POINTWISE ? n->op->flops >= DEAR_FLOPS : strcmp(n->op->name, "random") == 0;
}

// The place of the current element in a kept array of this loop.
static const char *kept_place(Row *w, const char *name, NcIx *at, bool rest) {
  NcEmit *e = w->e;
  int64_t first = rest ? w->length / w->lanes * w->lanes : 0;
  const char *i = nc_ix_text(&e->ix, rest ? nc_ix_addc(&e->ix, at, -first) : at, false);
  return nc_sprintf(e->arena, w->mode == ALONG && e->lanes > 1 ? "%s[(%s) / %d]" : "%s[%s]", name, i, e->lanes);
}

static void recall(Row *w, int pass, NcIx *flat, NcIx *at, bool rest) {
  NcEmit *e = w->e;
  for (int i = 0; i < w->r->node.n; i++) {
    NcNode *n = w->r->node.at[i];
    if (!w->kept[rest][i] || !(w->uses[i] >> pass & 1)) continue;
    NcIx *coord[NC_MAX_RANK];
    nc_ix_split(&e->ix, n->type.shape, flat, coord);
    NcVal v = nc_emit_temp(e, e->depth, n->type.dtype, e->lanes > 1, kept_place(w, w->kept[rest][i], at, rest));
    nc_emit_bind(e, e->depth, n, coord, v);
  }
}

static void keep(Row *w, int pass, NcIx *flat, NcIx *at, bool rest) {
  NcEmit *e = w->e;
  for (int i = 0; i < w->r->node.n; i++) {
    NcNode *n = w->r->node.at[i];
    if (w->kept[rest][i] || !(w->uses[i] >> pass & 1) || !(w->uses[i] >> (pass + 1)) || !dear(w, i)) continue;
    NcIx *coord[NC_MAX_RANK];
    nc_ix_split(&e->ix, n->type.shape, flat, coord);
    const NcVal *v = nc_emit_known(e, e->depth, n, coord);
    if (!v || v->vec != (e->lanes > 1)) continue;
    const char *name = w->kept[rest][i] = nc_emit_name(e, "kept");
    int64_t whole = w->mode == ALONG && w->lanes > 1 ? w->length / w->lanes : w->length;
    nc_emit_line(e, w->row_level, "%s %s[%lld];", nc_emit_type(e, n->type.dtype, true), name,
                 (long long)(rest ? w->length % w->lanes : whole));
    nc_emit_line(e, e->depth, "%s = %s;", kept_place(w, name, at, rest), v->s);
  }
}

// ---- One pass over a row

typedef void Body(Row *w, int pass, NcIx *flat, NcIx *at, bool rest);

static bool has_outputs(const Row *w, int64_t count) {
  for (int i = 0; i < w->r->output.n; i++)
    if (nc_count(w->r->output.at[i]->type.shape) == count) return true;
  return false;
}

enum { AHEAD_LENGTH = 128, AHEAD_PASSES = 2, LINE = 16 };      // floats; passes that share the work; floats of a cache's line

// What a pass of the main loop fetches of the next row: of what pass `met` read first, the passes after it a part each.
static void ahead(Row *w, int pass, int step, NcIx *i) {
  NcEmit *e = w->e;
  int last = w->levels + has_outputs(w, w->rows * w->length);
  for (int met = 1; met < pass; met++) {
    int passes = last - met < AHEAD_PASSES ? last - met : AHEAD_PASSES, part = pass - met - 1;
    if (part >= passes) continue;
    NcIx *next = nc_ix_addc(&e->ix, nc_ix_scale(&e->ix, w->row, w->length), w->length + part * (w->length / passes));
    next = nc_ix_add(&e->ix, next, nc_ix_div(&e->ix, i, passes));
    for (int k = w->met[met]; k < w->met[met + 1]; k++)
      for (int at = 0; at < step / passes || !at; at += LINE)
        nc_emit_line(e, e->depth, "nc_ahead(p%d + %s);", e->direct.at[k], nc_ix_text(&e->ix, nc_ix_addc(&e->ix, next, at), false));
  }
}

// The loop's body stands there `chains` times, for vectors that follow each other.
static void loop(Row *w, int pass, Body *body, int lanes, int chains, const char *var, const char *head, bool rest) {
  NcEmit *e = w->e;
  int outside = e->lanes;
  if (w->mode == ALONG) e->lanes = lanes;
  nc_emit_open(e, false);
  NcIx *first = nc_emit_var(e, var, w->length - (chains - 1) * lanes, w->mode == ALONG);
  if (w->mode == ALONG && lanes > 1 && w->length >= AHEAD_LENGTH && w->levels <= 30) ahead(w, pass, lanes * chains, first);
  for (w->chain = 0; w->chain < chains; w->chain++) {
    NcIx *i = nc_ix_addc(&e->ix, first, w->chain * lanes);
    NcIx *flat = nc_ix_add(&e->ix, nc_ix_scale(&e->ix, w->row, w->length), i);
    e->flat = w->mode == ALONG && !rest ? flat : NULL;
    recall(w, pass, flat, i, rest);
    body(w, pass, flat, i, rest);
    keep(w, pass, flat, i, rest);
  }
  nc_emit_close(e, head);
  e->lanes = outside;
}

// How many sums a pass keeps: one where computing what is added takes longer than the addition.
static int chains_of(const Row *w, int pass) {
  int flops = 0, chains = CHAINS;
  if (w->mode != ALONG || w->lanes == 1 || pass > w->levels || w->levels > 30) return 1;
  for (int i = 0; i < w->r->node.n; i++) {
    const NcNode *n = w->r->node.at[i];
    if (!(w->uses[i] >> pass & 1) || nc_count(n->type.shape) != w->rows * w->length) continue;
    if (w->kept[0][i] || dear(w, i) || strcmp(n->op->name, "random") == 0) return 1;
    flops += n->op->flops;
  }
  while (chains > 1 && (w->length % (chains * w->lanes) || w->length < 2 * chains * w->lanes)) chains /= 2;
  return flops < DEAR_FLOPS ? chains : 1;
}

static void sweep(Row *w, int pass, Body *body) {
  NcArena *a = w->g->arena;
  const char *t = w->e->idx, *n = nc_sprintf(a, "%lld", (long long)w->length);
  if (w->mode == GROUP) {
    loop(w, pass, body, 1, 1, "i", nc_sprintf(a, "for (%s i = lid; i < %s; i += %lld)", t, n, (long long)w->local), false);
    return;
  }
  int chains = chains_of(w, pass), turn = chains * w->lanes;
  if (w->mode == ALONG && w->lanes > 1)
    loop(w, pass, body, w->lanes, chains, "i", nc_sprintf(a, "for (%s i = 0; i + %d <= %s; i += %d)", t, turn, n, turn), false);
  else
    loop(w, pass, body, 1, 1, "i", nc_sprintf(a, "for (%s i = 0; i < %s; i++)", t, n), false);
  if (w->mode == ALONG && w->length % w->lanes)
    loop(w, pass, body, 1, 1, "k", nc_sprintf(a, "for (%s k = %lld; k < %s; k++)", t, (long long)(w->length / w->lanes * w->lanes), n), true);
}

// Takes the elements at `flat` into the reductions of this pass. `at` is the place in the row.
static void take(Row *w, int pass, NcIx *flat, NcIx *at, bool rest) {
  NcEmit *e = w->e;
  for (int i = 0; i < w->r->node.n; i++) {
    if (w->level[i] != pass) continue;
    NcNode *n = w->r->node.at[i];
    NcFold *f = rest ? &w->rest[i] : &w->fold[w->chain][i];
    *f = nc_fold_new(e, nc_fold_kind(nc_attr_str(n, "op")), n->in[0]->type.dtype);
    NcVal x = nc_emit_flat(e, n->in[0], flat);
    f->vec = e->lanes > 1;                   // also where x is alike in all lanes: each lane counts
    nc_fold_declare(e, w->row_level, f);
    nc_fold_update(e, e->depth, f, nc_emit_wide(e, x, f->vec), f->at ? nc_fold_index(e, f, at) : NULL);
  }
}

static void give(Row *w, int pass, NcIx *flat, NcIx *at, bool rest) {
  (void)pass, (void)at, (void)rest;
  nc_gen_outputs(w->e, flat, w->rows * w->length);
}

// Ends a pass: each reduction's value of this row becomes known.
static void conclude(Row *w, int pass) {
  NcEmit *e = w->e;
  int chains = chains_of(w, pass);
  for (int i = 0; i < w->r->node.n; i++) {
    if (w->level[i] != pass) continue;
    NcNode *n = w->r->node.at[i];
    NcFold f = w->fold[0][i];
    if (w->mode == ALONG && w->lanes > 1) {
      e->lanes = w->lanes;
      for (int c = 1; c < chains; c++) nc_fold_merge(e, w->row_level, &f, &w->fold[c][i]);
      f = nc_fold_lanes(e, w->row_level, &f);
      e->lanes = 1;
      if (w->length % w->lanes) nc_fold_merge(e, w->row_level, &f, &w->rest[i]);
    }
    if (w->mode == GROUP) nc_fold_group(e, w->row_level, &f, w->local);
    NcIx *coord[NC_MAX_RANK];
    nc_ix_split(&e->ix, n->type.shape, w->row, coord);
    nc_emit_bind(e, w->row_level, n, coord, nc_fold_value(&f, n->type.dtype, w->row_level));
  }
}

static void one_row(Row *w) {
  NcEmit *e = w->e;
  for (int k = 0; k < 2; k++) w->kept[k] = NC_NEW_N(w->g->arena, const char *, w->r->node.n);
  for (int pass = 1; pass <= w->levels; pass++) {
    sweep(w, pass, take);
    if (pass < 31) w->met[pass + 1] = e->direct.n;
    conclude(w, pass);
  }
  NcOutVals v = nc_gen_values(e, w->row, w->rows);
  if (w->length > 1 && has_outputs(w, w->rows * w->length)) sweep(w, w->levels + 1, give);
  if (!has_outputs(w, w->rows)) return;
  if (w->mode != GROUP) {
    nc_gen_store(e, e->depth, w->row, v);
    return;
  }
  nc_emit_line(e, w->row_level, "barrier(CLK_GLOBAL_MEM_FENCE);");      // a store may be in place of what others read
  nc_emit_open(e, true);
  nc_gen_store(e, e->depth, w->row, v);
  nc_emit_close(e, "if (lid == 0)");
}

// ---- Kernels

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void begin_row(Row *w, bool lanes) {
  nc_emit_open(w->e, false);
  w->row = nc_emit_var(w->e, "r", w->rows, lanes);
  w->row_level = w->e->depth;
}

static void cpu(Row *w) {
  NcEmit *e = w->e;
  e->aligned = true;
  const NcTarget *t = w->g->p->target;
  int64_t count = w->rows * w->length, units = t->compute_units > 0 ? t->compute_units : 1;
  int width = w->mode == ACROSS ? t->vector : 1;
  int64_t flops = (int64_t)(nc_gen_flops(w->r) / (double)count), least = 8192 / (flops > 8 ? flops : 8);
  int64_t block = ceil_div(count, units * 8) > least ? ceil_div(count, units * 8) : least;
  int64_t rows = ceil_div(ceil_div(block, w->length), width) * width;
  nc_emit_line(e, 0, "const %s begin = item_ * %lld, end = min(begin + %lld, (%s)%lld);", e->idx, (long long)rows,
               (long long)rows, e->idx, (long long)w->rows);
  if (w->mode == ACROSS) {
    e->lanes = width;
    begin_row(w, true);
    one_row(w);
    nc_emit_close(e, nc_sprintf(e->arena, "for (%s r = begin; r + %d <= end; r += %d)", e->idx, width, width));
    e->lanes = 1;
  }
  if (w->mode == ALONG || w->rows % width) {
    begin_row(w, false);
    one_row(w);
    const char *from = width == 1 ? "begin" : nc_sprintf(e->arena, "begin + (end - begin) / %d * %d", width, width);
    nc_emit_close(e, nc_sprintf(e->arena, "for (%s r = %s; r < end; r++)", e->idx, from));
  }
  nc_gen_kernel(w->g, e, "row", (size_t)ceil_div(w->rows, rows), 1);
}

static void gpu(Row *w) {
  NcEmit *e = w->e;
  if (w->mode == GROUP) {
    nc_emit_line(e, 0, "const int lid = get_local_id(0);");
    nc_emit_line(e, 0, "const %s r = get_group_id(0);", e->idx);
    w->row = nc_emit_var(e, "r", w->rows, false);
    w->row_level = 0;
    one_row(w);
    nc_gen_kernel(w->g, e, "row", (size_t)(w->rows * w->local), (size_t)w->local);
    return;
  }
  nc_emit_line(e, 0, "const %s r = item_;", e->idx);
  nc_emit_open(e, true);
  w->row = nc_emit_var(e, "r", w->rows, false);
  w->row_level = e->depth;
  one_row(w);
  nc_emit_close(e, nc_sprintf(e->arena, "if (r < %lld)", (long long)w->rows));
  nc_gen_kernel(w->g, e, "row", (size_t)w->rows, (size_t)(w->g->p->target->max_group < 64 ? w->g->p->target->max_group : 64));
}

bool nc_gen_row(NcGen *g, const NcRegion *r) {
  const NcTarget *t = g->p->target;
  Row w = {.g = g, .r = r, .e = nc_emit_new(g->p, r, g->arena), .rows = r->space.dim[0], .length = r->space.dim[1], .lanes = 1};
  w.e->idx = nc_gen_index_type(g, r);
  w.level = NC_NEW_N(g->arena, int, r->node.n);
  for (int c = 0; c < CHAINS; c++) w.fold[c] = NC_NEW_N(g->arena, NcFold, r->node.n);
  w.rest = NC_NEW_N(g->arena, NcFold, r->node.n);
  w.uses = NC_NEW_N(g->arena, unsigned, r->node.n);
  find_levels(&w);
  find_uses(&w);
  if (t->cls == NC_CLASS_CPU) {
    w.mode = w.length < 3 * t->vector && w.rows >= t->vector ? ACROSS : ALONG;
    w.lanes = w.mode == ALONG && w.length >= t->vector ? t->vector : 1;
    cpu(&w);
    return true;
  }
  w.mode = w.length >= 32 ? GROUP : ACROSS;
  w.local = 32;
  while (w.local * 2 <= t->max_group && w.local < 256 && w.local * 4 <= w.length) w.local *= 2;
  while (w.local > t->max_group) w.local /= 2;
  gpu(&w);
  return true;
}
