// Checkpoints: safetensors files of a session's variables, named by their paths, with the position of the training
// in the metadata. Equal states give equal bytes: nothing in them depends on time or place.
#ifndef NC_CHECKPOINT_H
#define NC_CHECKPOINT_H
#include "train/model.h"
#include "train/plateau.h"

// Where a training stands, so that going on from here gives the same bits as not having stopped.
typedef struct {
  int64_t step;              // steps done
  int64_t epoch, batch;      // position in the data: epochs done, batches done in the one begun
  bool has_best;
  double best;               // best value so far of the metric that is kept
  int64_t counted;           // training means since the last report: sums over so many steps
  int sums;
  double sum[16];
  int plateaus;              // of the recipe
  NcPlateauNow plateau[NC_MAX_PLATEAUS];
  bool waits;                // the recipe has `patience`: its best value, and the validations in a row without a better one
  NcPlateauNow waiting;
  int64_t skipped;           // steps of stages that ended before their time; `step` counts them as done
} NcPosition;

// With `all` false only parameters and states, without what the optimizer keeps. Where `spoiled` is not NULL and a parameter
// holds what is not finite, *spoiled is its path, nothing is written, and false without a message.
bool nc_checkpoint_save(NacreModel *m, const char *path, const NcPosition *p, bool all, const char **spoiled);
// Gives the session's variables from..to-1 what the file has of them, and says which these are. Every miss is reported at once.
bool nc_checkpoint_fill(NacreModel *m, const char *path, int from, int to, bool *given);
bool nc_checkpoint_position(NacreModel *m, const char *path, NcPosition *out);
#endif
