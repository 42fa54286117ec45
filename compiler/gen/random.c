// random as in ops/random.c: element i is word i mod 4 of Philox block i / 4 (kernels/random.cl). Lanes that follow each
// other from a multiple of four share their blocks; others each compute their own. The seed is the plan's input "seed",
// an i64 scalar.
#include <string.h>
#include "gen/emit.h"

static int seed_buffer(NcEmit *e) {
  NcPlan *p = e->p->plan;
  int b = nc_plan_find(p, NC_BUF_INPUT, "seed");
  if (b >= 0) return b;
  *NC_PUSH(p->arena, p->buf) = (NcPlanBuf){
    .kind = NC_BUF_INPUT, .name = "seed", .type = {NC_I64, NC_SCALAR}, .parent = -1, .bytes = sizeof(int64_t)};
  return p->buf.n - 1;
}

static NcVal seed_value(NcEmit *e) {
  static const NcNode seed = {.id = -1};       // stands for the seed among what is remembered
  for (int i = 0; i < e->scope[0]->memo.n; i++)
    if (e->scope[0]->memo.at[i].node == &seed) return e->scope[0]->memo.at[i].val;
  NcVal v = nc_emit_load(e, seed_buffer(e), NC_I64, nc_ix_const(&e->ix, 0));
  if (v.level == 0) nc_emit_bind(e, 0, &seed, NULL, v);
  return v;
}

// Which turn of a loop this is, where a block's number has it: " + (t << shift)", or "".
static const char *turn_of(NcEmit *e, NcNode *n, int *level, int shift) {
  if (n->nin < 2) return "";
  NcVal v = nc_emit(e, n->in[1], NULL);
  if (v.level > *level) *level = v.level;
  return nc_sprintf(e->arena, " + ((ulong)(uint)%s << %d)", v.s, shift);
}

NcVal nc_emit_random(NcEmit *e, NcNode *n, NcIx *const *coord) {
  NcIx *at = nc_ix_linear(&e->ix, n->type.shape, coord);
  NcVal step = nc_emit(e, n->in[0], NULL), seed = seed_value(e);
  const char *dist = nc_attr_str(n, "dist"), *first = nc_ix_text(&e->ix, at, false);
  const char *rest = nc_sprintf(e->arena, "%s, %lldu, as_ulong(%s)", step.s, (long long)nc_attr_int(n, "site"), seed.s);
  bool below = strcmp(dist, "below") == 0;
  if (below) rest = nc_sprintf(e->arena, "%s, %lldu", rest, (long long)nc_attr_int(n, "below"));
  int level = nc_emit_level(e, at->level);
  if (step.level > level) level = step.level;
  e->tally.ops += 30 * e->lanes;
  const char *turn = turn_of(e, n, &level, 40), *turn_at = turn_of(e, n, &level, below ? 41 : 42);
  if (!at->lane)
    return nc_emit_temp(e, level, n->type.dtype, false,
                        nc_sprintf(e->arena, "nc_random_%s_at(%s%s, %s)", dist, first, turn_at, rest));
  NcBuf b = NC_BUF(e->arena);
  nc_putf(&b, "(%s%d)(", below ? "int" : "float", e->lanes);
  if (!below && e->lanes % 4 == 0 && nc_ix_aligned(at, 0, 4)) {
    const char *block = nc_emit_name(e, "b");
    nc_emit_line(e, level, "const %s %s = (%s) / 4;", e->idx, block, first);
    for (int i = 0; i < e->lanes / 4; i++)
      nc_putf(&b, "%snc_random_%s(nc_random_words(%s + %d%s, %s))", i ? ", " : "", dist, block, i, turn, rest);
  } else {
    const char *v = nc_emit_name(e, "a");
    nc_emit_line(e, level, "const %s%d %s = %s;", e->idx, e->lanes, v, nc_ix_text(&e->ix, at, true));
    for (int i = 0; i < e->lanes; i++) nc_putf(&b, "%snc_random_%s_at(%s.s%x%s, %s)", i ? ", " : "", dist, v, i, turn_at, rest);
  }
  nc_putc(&b, ')');
  return nc_emit_temp(e, level, n->type.dtype, true, nc_buf_str(&b));
}
