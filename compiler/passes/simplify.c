// Simplify: rewrites the graph by rules until none applies; what is no longer reached is gone, what is equal is one.
#include "passes/passes.h"

bool nc_simplify(NcState *s) {
  s->graph = nc_graph_rewrite(s->graph, s->arena, NULL, NULL, NULL);
  return s->graph && !s->diag->errors;
}
