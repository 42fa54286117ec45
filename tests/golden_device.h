// Plans of golden graphs, for either class of code whatever the device.
#ifndef GOLDEN_DEVICE_H
#define GOLDEN_DEVICE_H
#include "gen_run.h"

NcPlan *golden_plan(const GenDevice *d, NcArena *a, NcDiag *diag, const NcGraph *g, NcClass cls, bool apart);
#endif
