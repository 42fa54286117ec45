// What loop_grad.c and loop_sum.c share: a loop's gradient while it is built.
#ifndef NC_LOOP_BACK_H
#define NC_LOOP_BACK_H
#include "ops/loop.h"
#include "ops/rows.h"

typedef struct { NC_VEC(NcNode *) of; NC_VEC(NcNode *) value; } NcOperands;   // of: nodes of `work`; value: of g

typedef struct {
  NcArena *a;
  NcGraph *g, *work, *back;          // where the loop stands; body and product; the backward body
  NcNode *loop, *ahead, *turned;     // in g: the loop, the one that keeps, the one that runs backward
  NcLoop l;
  NcRange at;
  NcNode *const *dout;               // toward the loop's results
  NcNode **next, **emit;             // in work: the body's results
  NcNode **dnext, **demit;           // in work: inputs, the gradients toward them
  NcNode **dcarry, **delement, **dclosed;   // in work: gradients toward the body's inputs
  bool *varies, *backward;           // by node of work: differs from turn to turn; depends on dnext or demit
  int *kept, *stack, *emitted, *summed;     // by node of work: its number among these, or -1
  NC_VEC(NcNode *) keep;             // nodes of work that `ahead` emits
  NC_VEC(NcNode *) emits;            // nodes of work that `turned` emits
  NC_VEC(NcNode *) sum;              // nodes of work that `turned` sums in a carry
  NcNode **map;                      // by node of work: in back
  int *carry_of;                     // by carry of the loop: that of `turned`
  int ncarry;
  NC_VEC(NcNode *) first;            // in g
  NcOperands scanned, closed;
} NcBack;

bool nc_back_keeps(const NcBack *b, const NcNode *n);        // is emitted by `ahead` where a turn needs it
void nc_back_need(NcBack *b, NcNode *n, bool *needed);
void nc_back_emit(NcBack *b, NcNode *n);                     // before `turned` is made
NcNode *nc_back_kept(NcBack *b, int i);                      // afterwards: stacked, in g
NcNode *nc_back_emitted(NcBack *b, const NcNode *n);

// loop_sum.c: the sum over all turns of a value of work, in g. Without `build` it only asks for what it will need.
NcNode *nc_back_sum(NcBack *b, NcNode *n, bool build);
#endif
