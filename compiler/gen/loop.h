// Loops: what finds a body's buffers again in the plan around it (loop.c), for its two forms: steps between marks (loop.c), and
// one launch for all turns (loop_parts.c).
#ifndef NC_GEN_LOOP_H
#define NC_GEN_LOOP_H
#include "gen/kernel.h"

typedef struct {
  NcGen *g;
  const NcRegion *r;
  const NcLoopBody *b;
  NcPlan *in, *out;        // the body's, and the one around it
  int *carried;            // by carry: its buffer outside, once it was asked for; -1 before
} NcMove;

NcMove nc_move_begin(NcGen *g, const NcRegion *r);
int nc_move_leaf(NcMove *m, const NcPlanBuf *b);       // buffer outside of one that is neither an arena nor in one
int nc_move_work(NcMove *m, const char *name, NcType t, size_t offset, size_t bytes);   // a buffer in the loop's workspace
void nc_move_first(NcMove *m);                         // steps that copy the first carries to where they are changed

bool nc_gen_loop_parts(NcGen *g, const NcRegion *r);
#endif
