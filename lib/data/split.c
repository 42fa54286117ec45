#include "data/split.h"
#include <math.h>
#include <string.h>
#include "data/rand.h"

void nc_shuffle(int64_t *order, int64_t n, uint64_t seed, uint64_t stream) {
  NcRand r = nc_rand(seed, NC_RAND_SHUFFLE, stream);
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t j = nc_rand_below(&r, (uint32_t)i + 1), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
}

static bool parts_good(NcDiag *d, NcRange at, const NcSplitPart *part, int parts) {
  double sum = 0;
  for (int i = 0; i < parts; i++) {
    if (!(part[i].fraction > 0 && part[i].fraction <= 1)) {
      nc_error(d, NC_E0312, part[i].at, "`%s` is %g of the examples; a part lies above 0 and is at most 1",
               part[i].name, part[i].fraction);
      return false;
    }
    for (int j = 0; j < i; j++)
      if (!strcmp(part[i].name, part[j].name)) {
        nc_error(d, NC_E0302, part[i].at, "the split has two parts named `%s`", part[i].name);
        return false;
      }
    sum += part[i].fraction;
  }
  if (sum <= 1 + 1e-9) return true;
  nc_help(d, nc_error(d, NC_E0312, at, "the parts of the split add up to %.9g", sum),
          "make them add up to 1: they are fractions of all examples");
  return false;
}

bool nc_split(NcArena *a, NcDiag *d, int64_t n, uint64_t seed, NcRange at, const NcSplitPart *part, int parts,
              NcSplit *out) {
  if (!parts_good(d, at, part, parts)) return false;
  if (n > UINT32_MAX) {
    nc_error(d, NC_E0404, at, "%lld examples are more than a data set can have (2^32 - 1)", (long long)n);
    return false;
  }
  int64_t *order = NC_NEW_N(a, int64_t, n), begin = 0;
  for (int64_t i = 0; i < n; i++) order[i] = i;
  nc_shuffle(order, n, seed, UINT64_MAX);
  double sum = 0;
  for (int i = 0; i < parts; i++) {
    sum += part[i].fraction;
    // The small term: 0.1 + 0.2 is a little more than 0.3, and a half must not fall to either side by chance.
    int64_t end = (int64_t)floor((double)n * sum + 0.5 + 1e-6);
    if (end > n) end = n;
    out[i] = (NcSplit){part[i].name, order + begin, end - begin};
    if (end == begin) {
      NcMessage *m = nc_error(d, NC_E0406, part[i].at, "`%s` gets no example: %g of %lld", part[i].name,
                              part[i].fraction, (long long)n);
      nc_help(d, m, "give it a larger part, or leave it out");
      return false;
    }
    begin = end;
  }
  return true;
}
