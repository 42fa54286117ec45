// random: counter-based numbers. The same (seed, step, site, element) gives the same number on every machine.
//
// Element i takes 32-bit word i mod 4 of Philox4x32-10 (base/philox.h) with
//   counter = (low half of b, high half of b, step, site)   key = (low half of seed, high half of seed)
// where b = i/4 + turn 2^40, i counts elements in row-major order, and `turn` tells the turns of a loop apart (0 outside
// of loops). From the words:
//   uniform   ((word >> 9) + 1/2) 2^-23: in the open interval (0, 1), exact in f32
//   normal    Box-Muller on word pairs: with u, v the uniforms of words (0, 1) or (2, 3) and r = sqrt(-2 ln u),
//             the even element is r cos(2 pi v), the odd one r sin(2 pi v)
// kernels/random.cl does the same.
#include <math.h>
#include <string.h>
#include "base/philox.h"
#include "ops/rows.h"

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  static const char *const dists[] = {"uniform", "normal"};
  if (n->nin < 1 || n->nin > 2) return nc_refuse(d, NC_E0901, n, "takes the step and perhaps the turn of a loop");
  for (int k = 0; k < n->nin; k++)
    if (n->in[k]->type.dtype != NC_I32 || n->in[k]->type.shape.rank)
      return nc_refuse(d, NC_E0204, n, "the %s must be an i32 scalar and is %s", k ? "turn" : "step", nc_show(d, n->in[k]));
  if (!nc_dtype_float(out->dtype))
    return nc_refuse(d, NC_E0204, n, "gives floats, not %s", nc_dtype_name(out->dtype));
  if (nc_attr_int(n, "site") < 0) return nc_refuse(d, NC_E0209, n, "the site must not be negative");
  return nc_need_word(d, n, "dist", dists, 2);
}

static void eval(const NcEval *e) {
  bool normal = strcmp(nc_attr_str(e->node, "dist"), "normal") == 0;
  int64_t count = nc_count(e->node->type.shape);
  const uint32_t key[2] = {(uint32_t)e->seed, (uint32_t)(e->seed >> 32)};
  uint32_t counter[4] = {0, 0, (uint32_t)(int32_t)e->in[0][0], (uint32_t)nc_attr_int(e->node, "site")};
  uint64_t turn = e->node->nin > 1 ? (uint64_t)(uint32_t)(int32_t)e->in[1][0] << 40 : 0;
  for (int64_t block = 0; block * 4 < count; block++) {
    counter[0] = (uint32_t)block;
    counter[1] = (uint32_t)(((uint64_t)block + turn) >> 32);
    NcPhilox w = nc_philox(counter, key);
    double v[4];
    for (int k = 0; k < 4; k++) v[k] = nc_unit(w.v[k]);
    for (int k = 0; normal && k < 4; k += 2) {
      double r = sqrt(-2 * log(v[k])), angle = 2 * M_PI * v[k + 1];
      v[k] = r * cos(angle);
      v[k + 1] = r * sin(angle);
    }
    for (int64_t k = 0; k < 4 && block * 4 + k < count; k++) e->out[block * 4 + k] = v[k];
  }
}

static const NcAttrSpec attrs[] = {{"dist", NC_ATTR_STR}, {"site", NC_ATTR_INT}, {0}};
const NcOp nc_row_random = {.name = "random", .kind = NC_LEAF, .arity = -1, .attrs = attrs, .pure = true, .infer = infer,
                            .vjp = nc_vjp_none, .eval = eval,
                            .doc = "uniform in (0, 1) or standard normal, from (seed, step, site, element)"};
