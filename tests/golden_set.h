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
  int marks;
  const char **marked, **mark;       // CASE: "training" (built as in training), "reference" (not for a device), or both
  int steps;                         // the most training steps that a case has
  NcGraph *graph;                    // all cases side by side; an output, input or var is called as its golden tensor
  NC_VEC(GoldenTensor) extra;        // values of what has none in the file: cotangents, states of optimizers
} GoldenSet;

typedef struct {
  const char *only;                  // one case; NULL: all
  bool device;                       // those that are run on a device
} GoldenChoice;

// Fails the test when anything is wrong.
GoldenSet *golden_load(NcArena *a, const char *family, const GoldenChoice *c);
bool golden_marked(const GoldenSet *s, const char *name, const char *mark);
const GoldenTensor *golden_find(const GoldenSet *s, const char *name);      // NULL when there is none

void golden_build(GoldenSet *s, const GoldenChoice *c);      // golden_graph.c: makes `graph`
#endif
