// The schedule `plateau` follows the validation, which no graph sees: how often its rate has fallen comes from outside, as
// an input of the training graph ("plateau 0"), and the recipe says when it falls.
#include "elab/builtin.h"
#include "elab/recipe.h"
#include <string.h>

// Equal settings are one plateau, however many weights are updated by it.
static int find(NcElab *e, const NcPlateau *want) {
  NcRecipe *r = e->recipe;
  for (int i = 0; i < r->plateau.n; i++) {
    const NcPlateau *p = &r->plateau.at[i];
    if (p->patience == want->patience && p->cooldown == want->cooldown && p->threshold == want->threshold) return i;
  }
  if (r->plateau.n == NC_MAX_PLATEAUS) {
    nc_elab_error(e, NC_E0312, want->at, "a training has at most %d different plateaus", NC_MAX_PLATEAUS);
    return -1;
  }
  *NC_PUSH(e->arena, r->plateau) = *want;
  return r->plateau.n - 1;
}

bool nc_is_validated(NcElab *e, const NcRecipe *r, NcRange at, const char *what) {
  for (int i = 0; i < r->split.n; i++)
    if (strcmp(r->split.at[i].name, "valid") == 0) return true;
  nc_help(e->diag, nc_elab_error(e, NC_E0312, at, "`%s` follows the validation, but the data has no part `valid`", what),
          "name one in `data`: `split = (train = 0.9, valid = 0.1)`");
  return false;
}

static NcValue falls(NcArgsOf *c) {
  NcElab *e = c->e;
  NcPlateau p = {.at = nc_here(e, c->at)};
  if (!nc_arg_whole(c, 0, 10, &p.patience) || !nc_arg_num(c, 1, 1e-4, &p.threshold) || !nc_arg_whole(c, 2, 0, &p.cooldown))
    return nc_v_poison();
  if (p.patience < 0) return nc_arg_bad(c, 0, "0 or more");
  if (!(p.threshold >= 0 && p.threshold < 1)) return nc_arg_bad(c, 1, "0 or more and less than 1");
  if (p.cooldown < 0) return nc_arg_bad(c, 2, "0 or more");
  if (e->trial) return nc_v_tensor(c->at, nc_t_const(e, c->at, NC_I32, 0));
  if (!e->recipe || !e->iteration || e->iteration->graph != e->graph) {
    nc_help(e->diag, nc_elab_error(e, NC_E0306, c->at, "a plateau follows the validations of a training: there is none here"),
            "give it to an optimizer in `train`: `optimizer = sgd(plateau(0.1))`");
    return nc_v_poison();
  }
  int i = nc_is_validated(e, e->recipe, c->at, "plateau") ? find(e, &p) : -1;
  return i < 0 ? nc_v_poison() : nc_v_tensor(c->at, nc_counter(e, nc_sprintf(e->arena, NC_PLATEAU_INPUT "%d", i)));
}

const NcBuiltin nc_builtins_plateau[] = {
  {"plateau_falls", "patience threshold cooldown",
   "in schedules: how often more than `patience` validations in a row brought no progress, as i32", falls},
  {0},
};
