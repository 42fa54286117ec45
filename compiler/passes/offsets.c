// Offsets: the largest blocks first, each at the place that leaves the least gap between what is live beside it.
#include <stdlib.h>
#include "passes/place.h"

size_t nc_round_up(size_t n, size_t align) { return (n + align - 1) / align * align; }

static bool together(const NcBlock *a, const NcBlock *b) { return a->first <= b->last && b->first <= a->last; }

static int by_offset(const void *x, const void *y) {
  const NcBlock *a = *(NcBlock *const *)x, *b = *(NcBlock *const *)y;
  return a->offset < b->offset ? -1 : a->offset > b->offset;
}

// The best place for b in the arena; `beside`: what is placed there and live at a common time, by offset.
static size_t fit(const NcBlock *b, int n, NcBlock **beside) {
  size_t best = 0, least = SIZE_MAX, end = 0;
  for (int i = 0; i < n; i++) {
    if (beside[i]->offset >= end + b->bytes && beside[i]->offset - end < least) {
      least = beside[i]->offset - end;
      best = end;
    }
    if (beside[i]->offset + beside[i]->bytes > end) end = beside[i]->offset + beside[i]->bytes;
  }
  return least == SIZE_MAX ? end : best;
}

static void place(NcMemory *m, NcBlock *b, int placed, NcBlock **order, NcBlock **beside) {
  size_t limit = m->state->target->max_alloc;
  for (b->arena = 0;; b->arena++) {
    if (b->arena == m->arena.n) *NC_PUSH(m->mem, m->arena) = 0;
    int n = 0;
    for (int i = 0; i < placed; i++)
      if (order[i]->arena == b->arena && together(order[i], b)) beside[n++] = order[i];
    qsort(beside, (size_t)n, sizeof *beside, by_offset);
    b->offset = fit(b, n, beside);
    if (b->offset + b->bytes <= limit) break;
  }
  if (b->offset + b->bytes > m->arena.at[b->arena]) m->arena.at[b->arena] = b->offset + b->bytes;
}

static int by_size(const void *x, const void *y) {
  const NcBlock *a = *(NcBlock *const *)x, *b = *(NcBlock *const *)y;
  if (a->bytes != b->bytes) return a->bytes > b->bytes ? -1 : 1;
  if (a->first != b->first) return a->first - b->first;
  return a < b ? -1 : a > b;
}

bool nc_memory_offsets(NcMemory *m) {
  NcBlock **order = NC_NEW_N(m->mem, NcBlock *, m->block.n + 1), **beside = NC_NEW_N(m->mem, NcBlock *, m->block.n + 1);
  for (int i = 0; i < m->block.n; i++) {
    order[i] = &m->block.at[i];
    if (order[i]->bytes > m->state->target->max_alloc) return false;
  }
  qsort(order, (size_t)m->block.n, sizeof *order, by_size);
  for (int i = 0; i < m->block.n; i++) place(m, order[i], i, order, beside);
  return true;
}
