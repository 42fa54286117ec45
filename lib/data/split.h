// Parts of a data set for training, validation and test.
#ifndef NC_SPLIT_H
#define NC_SPLIT_H
#include "data/data.h"

typedef struct {
  const char *name;
  int64_t *index;            // examples of this part, in shuffled order; windows in the order of time
  int64_t n;
  int64_t stride, last;      // windows: between two of them, and where the last possible one begins; else 0
} NcSplit;

// Shuffles 0 … n-1 by the seed (Fisher-Yates, Philox) and cuts: part k ends at round(n × (f0 + … + fk)). So the sizes
// add up: 0.8, 0.1, 0.1 of 10,000 are 8000, 1000, 1000. Fractions that add up to less than 1 leave examples unused.
// A part that counts examples takes just those. Errors: E0312 fractions not above 0 or adding up to more than 1, E0302 a name given twice, E0406 an empty part.
bool nc_split(NcArena *a, NcDiag *d, int64_t n, uint64_t seed, NcRange at, const NcSplitPart *part, int parts,
              NcSplit *out);

// The same in another order. By a field of labels: shuffled, but each part has its share of every class, to an example. By
// another field: by its values, the smallest first, so that of times what is tested on comes later than what was learned
// from. By "order": as the source has them. Labels must have been checked.
bool nc_split_by(NcArena *a, NcDiag *d, const NcDataset *set, const char *by, uint64_t seed, NcRange at,
                 const NcSplitPart *part, int parts, NcSplit *out);

// The same for windows over time. The positions are cut, in their order, and each part's windows lie wholly in it: what is
// tested on was never seen, and comes later than what was.
bool nc_split_windows(NcArena *a, NcDiag *d, const NcWindows *w, NcRange at, const NcSplitPart *part, int parts,
                      NcSplit *out);
void nc_split_all(NcArena *a, const NcDataset *set, NcSplit *out);     // everything, in order: the part `all`

// Puts into the holes of field 0 the mean of their column: over the examples of `train` that have a value there, so that nothing
// of other parts is learnt from; over all of them where `train` is NULL, or has none.
void nc_fill_holes(NcArena *a, NcDataset *set, const NcSplit *train);

// order[0 … n-1] is shuffled by (seed, stream). The same call gives the same order on every machine.
void nc_shuffle(int64_t *order, int64_t n, uint64_t seed, uint64_t stream);
#endif
