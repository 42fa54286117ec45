// Whether a batch may be taken in parts, one after the other, with the same result: whether an output is a mean over examples
// none of which sees another, so that the mean over the parts of the mean of each is the mean of all, and gradients likewise.
//
// It is read off the same graph built twice, for the batch and for a part of it. Nodes are met in pairs; the axis along which
// their shapes differ is that of the examples, and a constant that differs says how a sum is divided by their number.
#ifndef NC_OPS_EXAMPLES_H
#define NC_OPS_EXAMPLES_H
#include "graph/graph.h"

typedef struct {
  const NcNode *at;        // where examples meet, or what is not known; NULL
  const char *why;         // a clause about it: "is computed over the whole batch"
  bool draws;              // random numbers are drawn for examples: other ones in parts than in one batch
} NcExamples;

// `whole` is for `parts` times the batch of `part`. Every variable of kind "state" must be assigned what no example decides.
// False: not proven, and *out says why.
bool nc_mean_of_examples(NcArena *a, const NcGraph *whole, const NcGraph *part, int64_t parts, const char *output, NcExamples *out);

// ---- For examples_rules.c

typedef enum {
  NC_ALIKE,                // the same for all examples
  NC_EACH,                 // one for each, along `axis`
  NC_SUMMED                // a sum over examples, times what they all share
} NcSharing;

typedef struct {
  NcSharing how;
  int axis;
  int64_t outer;           // of the axis: what has been merged into it and lies before the examples; times `parts` it divides the axis
  double scale;            // how much larger the value is in the part than it would be in the whole: 1, or by 1/n for 1/parts
} NcShare;

typedef struct {
  const NcNode *whole, *part;
  const NcShare *in;       // of the operands
  int axis;                // of the examples in the result, -1: none
  int64_t parts;
  NcExamples *out;
} NcMeeting;

// What the node is, from what its operands are. False, with `why`, where examples meet or it is not known.
bool nc_share(const NcMeeting *m, NcShare *out);
#endif
