// Parts of a data set for training, validation and test.
#ifndef NC_SPLIT_H
#define NC_SPLIT_H
#include "data/spec.h"

typedef struct {
  const char *name;
  int64_t *index;            // examples of this part, in shuffled order
  int64_t n;
} NcSplit;

// Shuffles 0 … n-1 by the seed (Fisher-Yates, Philox) and cuts: part k ends at round(n × (f0 + … + fk)). So the sizes
// add up: 0.8, 0.1, 0.1 of 10,000 are 8000, 1000, 1000. Fractions that add up to less than 1 leave examples unused.
// Errors: E0312 fractions not above 0 or adding up to more than 1, E0302 a name given twice, E0406 an empty part.
bool nc_split(NcArena *a, NcDiag *d, int64_t n, uint64_t seed, NcRange at, const NcSplitPart *part, int parts,
              NcSplit *out);

// order[0 … n-1] is shuffled by (seed, stream). The same call gives the same order on every machine.
void nc_shuffle(int64_t *order, int64_t n, uint64_t seed, uint64_t stream);
#endif
