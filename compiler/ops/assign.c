// assign: the one effect. (var, value): after the run the var holds the value. Readers of the var in the same graph
// see what it held before. The node's own value is the new content.
#include <string.h>
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  if (n->in[0]->op != &nc_row_var) return nc_refuse(d, NC_E0205, n, "only a var can be assigned");
  if (!nc_type_eq(n->in[0]->type, n->in[1]->type))
    return nc_refuse(d, nc_shape_eq(n->in[0]->type.shape, n->in[1]->type.shape) ? NC_E0204 : NC_E0203, n,
                     "%s does not take %s", nc_show(d, n->in[0]), nc_show(d, n->in[1]));
  *out = n->in[0]->type;
  return true;
}

static void eval(const NcEval *e) {
  memcpy(e->out, e->in[1], (size_t)nc_count(e->node->type.shape) * sizeof(double));
}

const NcOp nc_row_assign = {.name = "assign", .kind = NC_EFFECT, .arity = 2, .infer = infer, .eval = eval,
                            .doc = "after the run the var holds the value"};
