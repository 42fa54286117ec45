// Memory planning, in pieces: blocks of memory with lifetimes (lives.c), their offsets (offsets.c), the plan's buffers
// (memory.c).
#ifndef NC_PLACE_H
#define NC_PLACE_H
#include "passes/passes.h"

// A piece of an arena that one value after another may use.
typedef struct {
  size_t bytes;
  int first, last;         // positions in the schedule, both included
  int arena;               // number among the arenas
  size_t offset;
} NcBlock;

typedef struct {
  NcArena *mem;
  NcState *state;
  NcRegions *r;
  NcPlacement *p;
  NC_VEC(NcBlock) block;
  int *of;                 // by node id: block of a temp, -1: none
  size_t *within;          // by node id: offset in its block (packs)
  int *last_read;          // by node id: position of its last reader; the end of the schedule for outputs
  int *workspace;          // by region id: block or -1
  NC_VEC(size_t) arena;    // bytes of each
} NcMemory;

void nc_memory_lives(NcMemory *m);        // block, of, workspace; in-place reuse
// arena and offset of each block; E0504 when a block is larger than a buffer may be
bool nc_memory_offsets(NcMemory *m);
size_t nc_round_up(size_t n, size_t align);

// Packs of update regions (packs.c): where part p begins, in elements, and how many elements there are in all.
int64_t *nc_pack_starts(const NcRegion *g, NcArena *a, size_t align, int64_t *count);
bool nc_pack_shared(const NcRegion *g, int input);   // all parts read the same node there
void nc_pack_bytes(NcDtype t, double v, void *out);
#endif
