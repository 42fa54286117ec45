// Runs placed regions on the host: region after region in the order of the schedule, values in and out of the
// plan's own buffers, each region by the evaluators of its members. What the passes decide (what is fused, the order,
// who lies where, packs, in place) is thereby checked against the evaluation of the graph as it was before.
#ifndef NC_TESTS_INTERPRET_H
#define NC_TESTS_INTERPRET_H
#include "eval/eval.h"
#include "passes/passes.h"

typedef struct Interpret Interpret;
// inputs and vars bound; the rest poisoned
Interpret *interpret_new(NcArena *a, const NcPlacement *p, const NcEvalOptions *o);
void interpret_run(Interpret *it);
const double *interpret_buffer(Interpret *it, int buffer);                            // elements in the buffer's type
#endif
