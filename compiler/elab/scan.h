// A scan while it is elaborated. Its block is evaluated once, on placeholders: inputs of the graph that stand for the
// carries, for what this turn gets of the scanned tensors, and for the turn. What depends on them, between the
// placeholders and what `next` and `emit` give, is the body; all else is the same in every turn and stands outside.
#ifndef NC_SCAN_H
#define NC_SCAN_H
#include "elab/tensor.h"

enum { NC_MAX_SCANNED = 16 };

// A state that is met in the block (scan_state.c).
typedef struct {
  NcVar *var;
  NcNode *before;            // var->next when the loop began
  NcTensor *first, *carry;   // its value then, and the placeholder
  bool changes;
  int number;                // then: among the carries
} NcScanState;

typedef struct NcScan NcScan;
struct NcScan {
  NcScan *up;
  const NcExpr *x;
  int number;                // in the program; tells its placeholders from others
  uint64_t site;             // of its random numbers
  NcSize turns;
  int axis;                  // of the scanned tensors, and of what is emitted
  bool reverse;
  NcValue from;              // what is scanned: a tensor, or a tuple of them
  int nscanned, ncarry;
  NcTensor *scanned[NC_MAX_SCANNED], *element[NC_MAX_SCANNED];   // tensors and their placeholders
  NcTensor **first, **carry;     // initial values and placeholders
  NcTensor *turn;                // i32, 0 and on
  bool has_next;
  NcTensor **next;
  NcValue emit;                  // a tensor or a tuple of them; poison where there is none
  int nemit;
  NcTensor *emitted[NC_MAX_SCANNED];
  NC_VEC(NcScanState) state;
};

NcTensor *nc_scan_placeholder(NcElab *e, const NcScan *s, NcRange at, const char *what, NcDtype t, int rank, const NcSize *dim);
bool nc_scan_states_carry(NcElab *e, NcScan *s);      // scan_state.c, after the block: those that change become carries
void nc_scan_states_leave(NcScan *s, NcTensor *const *last);   // after the loop; `last` NULL: after an error

bool nc_scan_loop(NcElab *e, NcScan *s, NcTensor **last, NcTensor **stacked);     // scan_loop.c: as the graph has it
#endif
