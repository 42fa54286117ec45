// Small random graphs, the same for the same seed: for comparing the compiler with the evaluator.
#ifndef NC_TESTS_RANDOM_GRAPH_H
#define NC_TESTS_RANDOM_GRAPH_H
#include "eval/eval.h"

NcGraph *random_graph(NcArena *a, NcDiag *d, uint32_t seed);
// A value for every input and var of g, the same for the same seed. Bindings that both graphs of a comparison can use.
void random_bindings(NcArena *a, const NcGraph *g, uint32_t seed, NcEvalOptions *o);
#endif
