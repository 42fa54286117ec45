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
//
// nc_advance_fill reads many positions in one go: a cache is the value of one node of g at all positions, so g
// itself, computed up to those nodes, fills all of them. Row p of such a node is what the step at
// p writes, since the step is made from it, so p steps and a pass over p tokens leave the same rows; what the pass
// has behind them are values of tokens that do not exist, and zeros are written in their place.
#ifndef NC_ADVANCE_H
#define NC_ADVANCE_H
#include "ops/op.h"

// What a cache holds: the node's value at position p of `axis` as row p. NULL for a carry of a loop: what p leaves.
typedef struct { const char *name; const NcNode *node; int axis; } NcKept;

typedef struct {
  NcGraph *graph;        // inputs `input`, i32[B, 1], and "position", i32[]; output "output" [B, …]; effects fill caches
  NC_VEC(NcKept) cache;
} NcAdvance;

// `y` is a node of g; axis 1 of it and of the input measures the sequence. Caches are named PREFIX.0, ….
// False after E0213: something that cannot be taken apart, or that looks ahead.
bool nc_advance(NcArena *a, const NcGraph *g, const char *input, NcNode *y, const char *prefix, NcAdvance *out);

// The graph that leaves in the caches what steps at positions 0 to count - 1 leave there: inputs `input` as g has it, whatever
// stands behind the first `count`, and "count", i32[], 1 or more. NULL where nothing is kept, or carries are: a loop goes on turn by turn
// in a pass too, over all of the sequence, and gains nothing. g is as it was for nc_advance.
NcGraph *nc_advance_fill(NcArena *a, const NcGraph *g, const NcAdvance *step);
#endif
