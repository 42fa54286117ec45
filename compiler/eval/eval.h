// The reference evaluator: any graph, on the host, in double precision, slowly and obviously.
// It is the oracle for every kernel and the initialiser of every parameter.
#ifndef NC_EVAL_H
#define NC_EVAL_H
#include "graph/graph.h"

typedef struct { const char *name; const double *value; } NcBinding;   // of an input or var, by name

typedef struct {
  NcArena *arena;        // results go here
  int nbind;
  const NcBinding *bind;
  uint64_t seed;
  bool round;            // round every value to its element type after each node; integers and bools always are
  bool keep;             // keep every value; else only those of outputs and effects, and the rest is reused on the way
  // Is handed each output as soon as it is known, and its array is then reused too: value stays NULL. False ends all.
  bool (*take)(void *user, const NcOutput *output, const double *value);
  bool (*wants)(void *user, int output);   // by number; NULL: all. Of the others nothing is evaluated
  void *user;
} NcEvalOptions;

// Evaluates what outputs and effects reach. value has room for g->node.n; value[i] is the array of node id i
// (NULL where not reached or not kept). An assign's value is the new content of its var; the var itself keeps the
// old one.
// False after an error (an unbound input). Constant time-outs do not exist: cost is the graph's own arithmetic.
bool nc_eval(const NcGraph *g, NcDiag *d, const NcEvalOptions *o, double **value);
#endif
