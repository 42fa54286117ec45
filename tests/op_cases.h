// One table of cases for every operation: what the evaluator is checked on by hand-computed values and by finite
// differences (check_ops.c), and what generated kernels are checked on against the evaluator.
#ifndef OP_CASES_H
#define OP_CASES_H
#include "eval/eval.h"
#include "ops/op.h"

enum { CASE_OPERANDS = 7 };   // at most

typedef struct {
  NcType type;
  double lo, hi;             // values are drawn evenly from [lo, hi]; integers are whole, bools 0 or 1
  const double *given;       // or these
} CaseOperand;

typedef struct {
  const char *op, *what;
  int nin;
  CaseOperand in[CASE_OPERANDS];
  int nattr;
  NcAttr attr[8];
  NcType leaf;               // the type, for leaves
  const double *expect;      // the result, worked out elsewhere; NULL where only properties are checked
  int nexpect;
  bool no_grad;              // no finite differences: not differentiable, or not smooth here
  unsigned skip;             // operands (bits) toward which there are none
} OpCase;

#define CASE_SEED 0x0123456789abcdefu   // of random

extern const OpCase op_cases[];
extern const int op_case_count;

const char *case_name(NcArena *a, const OpCase *c);                      // "conv, stride 2"
// The node over inputs "in0", "in1", … (assign: its var is named in0). NULL after an error.
NcNode *case_build(NcGraph *g, const OpCase *c, NcNode **in);
// The values of operand k: given, or drawn (always the same ones).
double *case_values(NcArena *a, const OpCase *c, int k);
#endif
