// PyTorch's numbers of an example network: examples/NAME.nn, small by its own settings, with what is random in it given,
// and tests/golden/networks/TABLE/NAME.safetensors, which network.py wrote and describes.
#ifndef GOLDEN_NETWORK_H
#define GOLDEN_NETWORK_H
#include "elab/program.h"
#include "golden_set.h"
#include "io/safetensors.h"

typedef struct {
  const char *purpose;               // "step", "gather", "step.critic"
  NcGraph *graph;
  bool ran;
} NetworkGraph;

typedef struct { int graph; int32_t step, iteration, micro; } NetworkTurn;

typedef struct {
  NcArena *arena;
  NcDiag *diag;
  const char *name;
  NcTensors file;
  NcProgram *program;
  NC_VEC(NetworkGraph) graph;        // what runs: first the prediction, where there is one, then all updates
  NC_VEC(NetworkTurn) turn;
  NC_VEC(GoldenTensor) leaf;         // first values of all variables and inputs, but those that a turn gives
  double worst;                      // of what was compared so far
} Network;

// By "TABLE/NAME". Fails the test when anything is wrong.
Network *network_load(NcArena *a, const char *name);
const GoldenTensor *network_leaf(const Network *n, const char *name);
// What an input holds in a turn. NULL: it has no value.
const GoldenTensor *network_input(Network *n, const NetworkTurn *t, const char *name);

// What runs the graphs. All numbers are asked for after `run`, of the graph that ran last.
typedef struct {
  void *ctx;
  const char *name;                  // "cpu class", for messages
  double part;                       // how far from PyTorch's numbers, relative to the largest of a tensor
  void (*run)(void *ctx, int graph, const NetworkTurn *t);
  const double *(*output)(void *ctx, const NcOutput *o);
  const double *(*variable)(void *ctx, const NcVariable *v);
} NetworkMachine;
// Gives how far off the worst number is.
double network_check(Network *n, const NetworkMachine *m);

// golden_values.c: a text such as "f32[4,3] between -1 1" or "i32[4] below 10" as a tensor; what `name` is decides its numbers.
GoldenTensor golden_formula(NcArena *a, const char *name, const char *text);
double *golden_parameter(NcArena *a, const char *path, NcShape s);    // starting values of a parameter or state
// A tensor of more than GOLDEN_FOLD elements as so many sums.
enum { GOLDEN_FOLD = 64 };
int64_t golden_fold(int64_t n, const double *v, double *out);         // gives how many numbers that are
#endif
