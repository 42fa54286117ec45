// The order in which a plan's steps run.
#include "plan/plan.h"

static bool loops_back(NcSteps *w) {
  const NcStep *begin = &w->plan->step.at[w->loop[w->depth - 1].begin];
  if (++w->loop[w->depth - 1].turn < begin->turns) return true;
  w->depth--;
  return false;
}

bool nc_steps_next(NcSteps *w) {
  for (; w->at < w->plan->step.n; w->at++) {
    NcStepKind kind = w->plan->step.at[w->at].kind;
    if (kind == NC_STEP_LOOP) {
      w->loop[w->depth].begin = w->at;
      w->loop[w->depth++].turn = 0;
    } else if (kind == NC_STEP_END) {
      if (loops_back(w)) w->at = w->loop[w->depth - 1].begin;
    } else {
      w->step = w->at++;
      w->turn = w->depth ? w->loop[w->depth - 1].turn : 0;
      return true;
    }
  }
  return false;
}

int64_t nc_plan_launches(const NcPlan *p) {
  int64_t sum = 0, times[NC_MAX_LOOPS + 1] = {1};
  int depth = 0;
  for (int i = 0; i < p->step.n; i++) {
    const NcStep *s = &p->step.at[i];
    if (s->kind == NC_STEP_LOOP && depth < NC_MAX_LOOPS) {
      times[depth + 1] = times[depth] * s->turns;
      depth++;
    } else if (s->kind == NC_STEP_END && depth) depth--;
    else if (s->kind != NC_STEP_LOOP) sum += times[depth];
  }
  return sum;
}
