// random as in ops/random.c: element i is word i mod 4 of Philox block i / 4. Lanes that follow each other from a
// multiple of four share their blocks; others each compute their own.
#include <string.h>
#include "gen/emit.h"

NcVal nc_emit_random(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcIx *at = nc_ix_linear(&e->ix, n->type.shape, coord), *step[1] = {0};
  NcVal s = nc_emit(e, n->in[0], step);
  e->unknown = n;
  (void)at;
  return s;
}
