// A graph over a sequence, as a graph for one position of it: what generating a text needs, one token after the other.
//
// Given g, which takes tokens [B, L] and gives y [B, L, …], where y at t depends on the tokens up to t alone, it is the
// graph that takes the token at position p, and p, and gives y at p. What attention reads across positions (keys and
// values) lies in caches: variables of kind "cache", [.., L, ..], of which the graph writes row p and reads all.
//
//   row(n, a)     the value of n at position p of its axis a: that axis becomes 1. Most operations take the rows of
//                 their operands; an index becomes p; what only weights and constants make is looked up at p.
//   whole(n)      the value of n at all positions. Where n depends on tokens, a cache: rows after p hold what an earlier
//                 run left there, and are not to be used. Called garbage here.
//
// That nothing uses garbage is proven on the way, operation by operation: a mask must put a constant in its place
// (which is found by computing the mask), or a zero must stand against it in a product. What cannot be proven is refused
// with the place in the source, so a network that looks ahead is never generated with wrongly.
#ifndef NC_ADVANCE_H
#define NC_ADVANCE_H
#include "ops/op.h"

typedef struct {
  NcGraph *graph;        // inputs `input`, i32[B, 1], and "position", i32[]; output "output" [B, …]; effects fill caches
  int caches;
  int64_t cached;        // numbers that these hold
} NcAdvance;

// `y` is a node of g; axis 1 of it and of the input measures the sequence. Caches are named PREFIX.0, ….
// False after E0213: something that cannot be taken apart, or that looks ahead.
bool nc_advance(NcArena *a, const NcGraph *g, const char *input, NcNode *y, const char *prefix, NcAdvance *out);
#endif
