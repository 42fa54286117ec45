#include "passes/passes.h"

bool nc_recompute(NcState *s) {
  (void)s;
  return true;
}
