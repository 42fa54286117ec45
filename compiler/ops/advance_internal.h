// The inside of the step from a sequence to one position: what advance.c and advance_rules.c share.
#ifndef NC_ADVANCE_INTERNAL_H
#define NC_ADVANCE_INTERNAL_H
#include "ops/advance.h"

// What a value holds at positions after p of one of its axes: what it should, a known constant (which is what it
// should hold, too), or garbage.
typedef enum { NC_SOUND, NC_KNOWN, NC_GARBAGE } NcAhead;

typedef struct {
  NcNode *node;          // in the graph that is built; NULL after an error
  int axis;              // of what is ahead; -1 where all is sound
  NcAhead ahead;
  double value;          // of KNOWN
} NcPiece;

#define NC_LOST (1u << 31)     // in `time`: a position was mixed with something else

typedef struct NcWalk {
  NcArena *arena;
  const NcGraph *from;
  NcGraph *to;
  const NcNode *input;
  int64_t length;
  const char *prefix;
  NcNode *position;      // i32[]
  bool *depends;         // [from] on the input
  bool *fixed;           // [from] made of constants alone
  unsigned *time;        // [from] axes along which it depends on a position of the input
  NcPiece *row, *whole;  // memo: [from × NC_MAX_RANK], [from]
  int depth;             // of rows that wait for those of their operands
  NcNode ***turn;        // [from] of loops: one turn's body, its nodes in `to`
  double **value;        // [from] of fixed nodes, where they were computed
  NC_VEC(NcKept) cache;
} NcWalk;

NcPiece nc_piece(NcNode *n);                                                  // sound everywhere
NcPiece nc_refused(NcWalk *w, const NcNode *n, const char *why);              // E0213
NcPiece nc_row(NcWalk *w, const NcNode *n, int axis);
NcPiece nc_whole(NcWalk *w, const NcNode *n);
NcPiece nc_turn_row(NcWalk *w, const NcNode *n, int axis);                    // of a loop_out (advance_loop.c)
unsigned nc_time_loop(const NcWalk *w, const NcNode *n);
NcNode *nc_keep(NcWalk *w, NcRange at, NcType t, NcKept what);                // the variable, named
bool nc_is_garbage(NcPiece x);
NcPiece nc_row_of(NcWalk *w, const NcNode *n, int axis);                      // by the operation's rule (advance_rules.c)
unsigned nc_time_of(const NcWalk *w, const NcNode *n);                        // by the operation's rule (advance_axes.c)
int nc_axis_reshaped(NcShape from, NcShape to, int axis);                     // one that stays whole, with as much before it; -1
// Where axis k of operand i of n lies in n's result; -1 nowhere. `found` false: it cannot be told.
int nc_axis_of_result(const NcNode *n, int i, int k, bool *found);
int nc_axis_of_operand(const NcNode *n, int i, int axis);                     // of operand i, that becomes this one; -1: none
NcNode *nc_at(NcWalk *w, const NcNode *n, NcNode *x, int axis, int64_t ahead);   // x at position p + ahead of an axis; zeros outside
NcNode *nc_upto(NcWalk *w, NcRange at, NcShape s, int axis, const char *op);  // bool s: its index along axis `op` p
// Whether a fixed node holds one value wherever the index of axis u is greater than that of axis t.
bool nc_fixed_ahead(NcWalk *w, const NcNode *n, int t, int u, double *value);
#endif
