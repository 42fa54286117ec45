// random: counter-based numbers. The same (seed, step, site, element) gives the same number on every machine.
//
// Element i takes 32-bit word i mod 4 of Philox4x32-10 (base/philox.h) with
//   counter = (low half of b, high half of b, step, site)   key = (low half of seed, high half of seed)
// where b = i/4 + turn 2^40, i counts elements in row-major order, and `turn` tells the turns of a loop apart (0 outside
// of loops). From the words:
//   uniform   ((word >> 9) + 1/2) 2^-23: in the open interval (0, 1), exact in f32
//   normal    Box-Muller on word pairs: with u, v the uniforms of words (0, 1) or (2, 3) and r = sqrt(-2 ln u),
//             the even element is r cos(2 pi v), the odd one r sin(2 pi v)
// Whole numbers below n take two words each, element i words 2 (i mod 2) and the next of block i/2:
//   below     the upper 64 bits of n (word + 2^32 next): evenly spread to within n / 2^64
// kernels/random.cl does the same.
#include <math.h>
#include <string.h>
#include "base/philox.h"
#include "ops/rows.h"

static bool is_below(const NcNode *n) { return strcmp(nc_attr_str(n, "dist"), "below") == 0; }

static bool infer(NcDiag *d, const NcNode *n, NcType *out) {
  static const char *const dists[] = {"uniform", "normal", "below"};
  if (n->nin < 1 || n->nin > 2) return nc_refuse(d, NC_E0901, n, "takes the step and perhaps the turn of a loop");
  for (int k = 0; k < n->nin; k++)
    if (n->in[k]->type.dtype != NC_I32 || n->in[k]->type.shape.rank)
      return nc_refuse(d, NC_E0204, n, "the %s must be an i32 scalar and is %s", k ? "turn" : "step", nc_show(d, n->in[k]));
  if (!nc_need_word(d, n, "dist", dists, 3)) return false;
  if (is_below(n) ? out->dtype != NC_I32 : !nc_dtype_float(out->dtype))
    return nc_refuse(d, NC_E0204, n, "gives %s, not %s", is_below(n) ? "i32" : "floats", nc_dtype_name(out->dtype));
  if (is_below(n) != !!nc_attr(n, "below") || (is_below(n) && nc_attr_int(n, "below") < 1))
    return nc_refuse(d, NC_E0209, n, "`below` must be positive, and belongs to whole numbers");
  if (nc_attr_int(n, "site") < 0) return nc_refuse(d, NC_E0209, n, "the site must not be negative");
  return true;
}

static void below(const NcEval *e, uint32_t *counter, const uint32_t *key, uint64_t turn) {
  int64_t count = nc_count(e->node->type.shape);
  uint64_t n = (uint64_t)nc_attr_int(e->node, "below");
  for (int64_t i = 0; i < count; i++) {
    counter[0] = (uint32_t)(i / 2);
    counter[1] = (uint32_t)(((uint64_t)(i / 2) + turn) >> 32);
    NcPhilox w = nc_philox(counter, key);
    uint64_t low = w.v[i % 2 * 2], high = w.v[i % 2 * 2 + 1];
    e->out[i] = (double)((high * n + (low * n >> 32)) >> 32);
  }
}

static void eval(const NcEval *e) {
  bool normal = strcmp(nc_attr_str(e->node, "dist"), "normal") == 0;
  int64_t count = nc_count(e->node->type.shape);
  const uint32_t key[2] = {(uint32_t)e->seed, (uint32_t)(e->seed >> 32)};
  uint32_t counter[4] = {0, 0, (uint32_t)(int32_t)e->in[0][0], (uint32_t)nc_attr_int(e->node, "site")};
  uint64_t turn = e->node->nin > 1 ? (uint64_t)(uint32_t)(int32_t)e->in[1][0] << 40 : 0;
  if (is_below(e->node)) {
    below(e, counter, key, turn);
    return;
  }
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

static const NcAttrSpec attrs[] = {{"dist", NC_ATTR_STR}, {"site", NC_ATTR_INT}, {"below", NC_ATTR_INT, true}, {0}};
const NcOp nc_row_random = {.name = "random", .kind = NC_LEAF, .arity = -1, .attrs = attrs, .pure = true, .infer = infer,
                            .vjp = nc_vjp_none, .eval = eval,
                            .doc = "uniform in (0, 1), standard normal, or whole below a number, from (seed, step, site, "
                                   "element)"};
