// Where the schedules stand that follow the validation.
#ifndef NC_PLATEAU_H
#define NC_PLATEAU_H
#include "elab/program.h"

typedef struct {
  bool begun;                // there is a best value
  double best;
  int64_t bad, wait;         // validations without progress in a row; ones that still do not count
  int32_t falls;
} NcPlateauNow;

// A validation gave v for the metric that is kept, of which larger values are better or smaller ones.
void nc_plateau_step(const NcPlateau *p, NcPlateauNow *now, double v, bool larger);
#endif
