// One batch, again and again: a network that cannot learn even that by heart has a mistake that no more data would mend, and
// this shows in seconds.
#include <math.h>
#include <string.h>
#include "train/walk.h"

enum { MOST_STEPS = 1000 };
#define NEXT_TO_NOTHING 0.02   // of the first loss

static bool one_step(NcWalk *l, const NcBatch *b, double *loss) {
  NcUnderWay *s = &l->slot[0];
  s->step = (int32_t)l->at.step;
  if (!nc_walk_step(l, b, s, NULL)) return false;
  s->mark = nc_exec_mark(l->m->exec, l->m->diag);
  if (!s->mark || !nc_exec_wait(l->m->exec, l->m->diag, s->mark)) return false;
  l->at.step++;
  for (int k = 0; k < l->metrics; k++) l->metric[k] = (NacreMetric){nc_score_name(l->m, k), nc_walk_reported(l, s, k)};
  *loss = l->metric[0].value;
  return true;
}

static bool failed(NcWalk *l, double first, double least, double last) {
  NcDiag *d = l->m->diag;
  long long steps = l->at.step;
  NcMessage *m = nc_error(d, NC_E0608, NC_NOWHERE, "the loss of one batch went from %.4g to %.4g in %lld steps, and should be below %.2g",
                          first, last, steps, NEXT_TO_NOTHING * first);
  if (!(last <= 1.5 * first))
    nc_help(d, m, "it grows: try a learning rate ten times smaller, or `clip = 1.0` in the optimizer");
  else if (first - least < 1e-3 * fabs(first))
    nc_help(d, m, "it does not move: is the rate too small, are the weights frozen or left out by `only`, or the inputs all alike?");
  else if (last > 2 * least)
    nc_help(d, m, "it was at %.4g and rose again: try a smaller learning rate", least);
  else if (least < 0.2 * first)
    nc_help(d, m, "it is on its way: give it more steps by --max-steps, or a larger learning rate; dropout and augmentations slow it down");
  else
    nc_help(d, m, "does each label belong to its input, is the network large enough, and the loss one that can reach 0? "
                  "Try without dropout and augmentations, and another learning rate");
  return false;
}

bool nc_walk_overfit(NcWalk *l, bool *asked) {
  NacreModel *m = l->m;
  const NcRecipe *r = l->recipe;
  if (r->stage.at[0].parts > 1) {
    nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "--overfit-one-batch: steps in turn pull their losses in different directions, "
                              "none of which falls to nothing"), "try the networks one by one, each in a `train` of its own");
    return false;
  }
  NcBatch b;
  nc_loader_next(m->loader, &b);
  double first = NAN, least = INFINITY, loss = NAN;
  int64_t most = l->o->max_steps ? l->o->max_steps : MOST_STEPS;
  l->began = nc_now();
  l->total = l->end_step = most;
  while (l->at.step < most) {
    if (!one_step(l, &b, &loss)) return false;
    if (l->at.step == 1) {
      first = loss;
      nc_guard_loss(l, loss);
    }
    if (!isfinite(loss)) break;
    least = loss < least ? loss : least;
    NacreProgress p = nc_walk_progress(l, loss <= NEXT_TO_NOTHING * first ? "overfit" : "train");
    p.first = first;
    p.epochs = 0;
    nc_walk_tell(l, &p);
    if (loss <= NEXT_TO_NOTHING * first) return true;
    if (l->o->stop && l->o->stop(l->o->ctx)) return *asked = true;
  }
  return failed(l, first, least, loss);
}
