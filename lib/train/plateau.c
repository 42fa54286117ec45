// When a rate falls that follows the validation: as PyTorch's ReduceLROnPlateau with a relative threshold.
#include <math.h>
#include "train/plateau.h"

static bool progress(const NcPlateau *p, const NcPlateauNow *now, double v, bool larger) {
  if (!now->begun) return isfinite(v);
  return larger ? v > now->best * (1 + p->threshold) : v < now->best * (1 - p->threshold);
}

void nc_plateau_step(const NcPlateau *p, NcPlateauNow *now, double v, bool larger) {
  if (progress(p, now, v, larger)) {
    now->begun = true;
    now->best = v;
    now->bad = 0;
  } else now->bad++;
  if (now->wait > 0) {
    now->wait--;
    now->bad = 0;
  }
  if (now->bad <= p->patience) return;
  now->falls++;
  now->wait = p->cooldown;
  now->bad = 0;
}
