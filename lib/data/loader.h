// Batches for training and evaluation, gathered ahead of the device by host threads.
//
// Training: the order of epoch e is a shuffle keyed by (seed, e), so any position can be sought without the ones before
// it; a last batch that would be short is dropped. Evaluation: the order of the indices; the last batch is filled up
// with copies of its last example and says how many are real. Both go on with the next epoch when one ends.
//
// Balanced: an epoch is as long as without, but each class has the same number of examples in it (one more or less): of a
// large class another choice in each epoch, of a small one each of them several times.
//
// Windows over time that begin `stride` positions apart: in each epoch of training all of them begin up to stride - 1
// positions later, by a number keyed by (seed, epoch). So the network meets windows at every offset, and each epoch
// still has every position once (but for the ends).
//
// One thread at a time may call next, seek and free. Worker threads block all signals, so that Ctrl-C meets the caller.
#ifndef NC_LOADER_H
#define NC_LOADER_H
#include "data/data.h"

typedef struct {
  const NcDataset *data;     // must outlive the loader
  const int64_t *index;      // [n] examples to draw from; copied. NULL: all
  int64_t n;
  const int *field;          // [fields] which fields are gathered, in the order of NcBatch.field. NULL: all
  int fields;
  int64_t batch;             // examples in a batch
  uint64_t seed;
  bool train;                // shuffled, short batch dropped; else in order, short batch padded
  const int32_t *label;      // of all examples of the data, each below `classes`: training draws from the classes alike. NULL: from all
  int64_t classes;
  int64_t stride, last;      // windows, as the part says; in training each epoch begins them at an offset of its own
  int threads;               // 0: one; -1: none, next() gathers by itself
  int keep;                  // batches that stay valid at once (0: 2)
  int ahead;                 // batches gathered beyond these (0: 2)
  NcRange at;                // for errors: where the batch size stands
} NcLoaderOptions;

typedef struct {
  int64_t epoch, number;     // both from 0
  int64_t count;             // real examples; less than the batch size only in evaluation
  const int64_t *index;      // [batch] which examples these are
  void *const *field;        // [fields] batch examples each, contiguous, aligned to 64
} NcBatch;

typedef struct NcLoader NcLoader;

// NULL after E0406 (no examples, or in training fewer than one batch) or E0606 (memory, threads).
NcLoader *nc_loader_new(NcDiag *d, const NcLoaderOptions *o);
int64_t nc_loader_batches(const NcLoader *l);        // in an epoch
void nc_loader_seek(NcLoader *l, int64_t epoch, int64_t batch);   // the next batch; earlier ones become invalid
// The next batch. It stays valid until the keep-th further call (keep = 2: until the next but one), seek or free.
void nc_loader_next(NcLoader *l, NcBatch *out);
void nc_loader_free(NcLoader *l);                    // NULL is allowed
#endif
