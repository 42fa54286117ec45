// The inside of training, shared by loop.c (the walk), stage.c (plans and positions), guards.c and
// overfit.c (what is looked at before), and broken.c (what is not finite).
#ifndef NC_WALK_H
#define NC_WALK_H
#include "train/checkpoint.h"
#include "train/run.h"

enum { RING = 3, MAX_METRICS = 16 };

typedef struct { NcCompiled *c; NcFeedMap map; } NcFed;          // a plan and how the data reaches it
typedef struct { NcFed gather, update; } NcTurn;                 // gather.c NULL without `accumulate`

// A step that is under way: its scalars, which must not change before it is done, and room for what it reports.
typedef struct {
  int32_t step, iteration, falls[NC_MAX_PLATEAUS];
  float *value;              // [metrics][accumulate]
  uint64_t mark;             // 0: free
} NcUnderWay;

typedef struct {
  NacreModel *m;
  const NacreTrainOptions *o;
  const NcRecipe *recipe;
  NcRun run;
  NcPosition at;             // of what has been reported (all slots up to here are done)
  int64_t queued;            // steps queued so far
  int64_t total, per_epoch;
  const NcSplit *train, *valid;
  uint64_t seed;
  int32_t *micro;            // [accumulate] 0, 1, 2, …
  double began;              // clock at this call's first step
  int64_t began_step;        // taken before it
  bool broken;               // a value that is not finite was reported
  const char *spoiled;       // by then the loss still was, but not this parameter

  int stage;                 // the one that runs, and where it begins and ends
  int64_t first_step, end_step, first_epoch;
  int turns;
  NcTurn *turn;              // what one step of it runs, in order
  int fields, *field;        // data fields that its plans take, in the loader's order

  int metrics;
  NacreMetric metric[MAX_METRICS];
  struct { int turn, gather, update; } from[MAX_METRICS];        // which plan tells it; turn -1: a sum of the steps' losses
  NcUnderWay slot[RING];
} NcWalk;

// stage.c
bool nc_walk_prepare(NcWalk *l);                       // data, lengths, position of a run that goes on
bool nc_walk_stage(NcWalk *l, int stage);              // loads its plans; the loader stands where l->at is
void nc_walk_place(const NcWalk *l, int64_t step, int *stage, int64_t *epoch, int64_t *batch);
bool nc_walk_waited(const NcWalk *l);                  // `patience` is at its end: so is the stage, before its time
void nc_walk_leap(const NcWalk *l, NcPosition *at);    // from such an end to the next stage, if there is one
bool nc_walk_ended(const NcWalk *l);                   // no step is left of the whole training
static inline int64_t nc_walk_done(const NcPosition *at) { return at->step - at->skipped; }   // steps that were taken

// Runs a step on a batch: every turn, every small batch. With `glass`, step by step, looking for NaN in what `turn` runs.
typedef struct { const NcTurn *turn; NcBad *bad; NcFed *seen; } NcGlass;
bool nc_walk_step(NcWalk *l, const NcBatch *b, NcUnderWay *s, NcGlass *glass);

// divide.c: where the last message says that a plan does not fit the device, and a part of the batch would: the training takes
// it in parts from now on, and a warning in the place of what came after these messages says so. False: it does not, and why.
bool nc_walk_divide(NcWalk *l, int messages, int errors);

// What the caller is told: where the training stands.
NacreProgress nc_walk_progress(NcWalk *l, const char *phase);
void nc_walk_tell(NcWalk *l, const NacreProgress *p);
double nc_walk_reported(const NcWalk *l, const NcUnderWay *s, int metric);   // of a step that is done; 0: the loss

// guards.c: what is told before the first step, and of the loss that it reports. False after E0413.
bool nc_guard_data(NcWalk *l);
void nc_guard_loss(NcWalk *l, double loss);

// overfit.c: trains on the first batch alone. False where its loss does not fall to next to nothing (E0608). `asked`: it was asked to stop.
bool nc_walk_overfit(NcWalk *l, bool *asked);

// broken.c: reports the first value that was not finite. Always false.
bool nc_walk_find_broken(NcWalk *l);
#endif
