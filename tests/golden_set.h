// PyTorch's numbers (tests/golden): a family of cases as one graph, and what its outputs must be.
#ifndef GOLDEN_SET_H
#define GOLDEN_SET_H
#include "graph/graph.h"

typedef struct { const char *name; NcType type; double *value; } GoldenTensor;

typedef struct {
  NcArena *arena;
  NcDiag *diag;
  const char *name, *text;           // of FAMILY.nn
  GoldenTensor *tensor;              // of FAMILY.safetensors: see golden.py for their names
  int n;
  NC_VEC(const char *) training;     // cases that are built as in training
  NC_VEC(const char *) reference;    // cases for the reference evaluator alone
  bool device;                       // those are left out
  int steps;                         // the most training steps that a case has
  NcGraph *graph;                    // all cases side by side; an output, input or var is called as its golden tensor
  NC_VEC(GoldenTensor) extra;        // values of what has none in the file: cotangents, states of optimizers
} GoldenSet;

// `only`: of that case alone; NULL: of all. Fails the test when anything is wrong.
GoldenSet *golden_load(NcArena *a, const char *family, const char *only, bool device);
bool golden_reference(const GoldenSet *s, const char *name);
bool golden_training(const GoldenSet *s, const char *name);
const GoldenTensor *golden_find(const GoldenSet *s, const char *name);      // NULL when there is none

void golden_build(GoldenSet *s, const char *only);      // golden_graph.c: makes `graph`
#endif
