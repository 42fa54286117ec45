// What the rules of simplify share. The list of rules is rules.def.
#ifndef NC_RULES_H
#define NC_RULES_H
#include "passes/passes.h"

typedef struct {
  NcArena *arena;
  NcGraph *g;              // the graph being made
  const NcUsers *users;    // of the graph that is rewritten
  int *uses;               // by new node id: how many nodes of the old graph read it
  int uses_cap;
  int *fired;              // by rule, all rounds together; NULL when nobody counts
} NcSimplify;

typedef NcNode *NcRule(NcSimplify *s, NcNode *n);
#define NC_RULE(name, op, doc) NcRule nc_rule_##name;
#include "passes/rules.def"
#undef NC_RULE

typedef struct { const char *name, *op, *doc; NcRule *rule; } NcRuleRow;
const NcRuleRow *nc_rule_at(int i);               // NULL past the end

bool nc_is_op(const NcNode *n, const char *op);
bool nc_constant(const NcNode *n, double *v);         // one value everywhere: a literal or a broadcast of one
NcNode *nc_filled(NcSimplify *s, const NcNode *like, double v);   // v in that node's type
bool nc_single(const NcSimplify *s, const NcNode *n);             // read once only

// How a product lies in memory, for templates that take one stride per index (dot_form.c): two levels of
// batch, rows m, columns n, and the contracted k. Strides are in elements of the operands' own shapes; the result is
// row-major.
typedef struct {
  int64_t batch[2], m, n, k;
  int64_t a_batch[2], a_m, a_k, b_batch[2], b_k, b_n;
} NcDotForm;
bool nc_dot_form(const NcNode *dot, NcDotForm *out);              // false when strides cannot say it
#endif
