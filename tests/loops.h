// Loops over small inputs, each as a loop or unrolled: for the evaluator, the passes and the generators.
#ifndef LOOPS_H
#define LOOPS_H
#include "ops/loop.h"
#include "ops/op.h"

typedef struct {
  NcGraph *g;
  bool unrolled;
  const char *prefix;        // of inputs' names; NULL: none
  int ninput;
  NcNode *input[8];          // leaves to differentiate by: floats
  int nresult;
  NcNode *result[8];
} LoopCase;

extern const char *const loop_cases[];       // names, ended by NULL
void loop_build(LoopCase *c, int i);         // into c->g
double *loop_values(NcArena *a, const NcNode *input);   // of an input, drawn from its name
NcNode *loop_loss(LoopCase *c);              // a scalar of all float results
#endif
