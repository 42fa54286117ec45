#include "data/split.h"
#include <stdlib.h>
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
    if (!part[i].count && !(part[i].fraction > 0 && part[i].fraction <= 1)) {
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

static bool few_enough(NcDiag *d, int64_t n, NcRange at) {
  if (n <= UINT32_MAX) return true;
  nc_error(d, NC_E0404, at, "%lld examples are more than a data set can have (2^32 - 1)", (long long)n);
  return false;
}

// Cuts an order of n examples into the parts.
static bool cut(NcDiag *d, int64_t *order, int64_t n, const NcSplitPart *part, int parts, NcSplit *out) {
  int64_t begin = 0, counted = 0;
  double sum = 0;
  for (int i = 0; i < parts; i++) {
    sum += part[i].fraction;
    counted += part[i].count;
    int64_t end = counted + nc_cut(n, sum);
    if (end > n) {
      NcMessage *m = nc_error(d, NC_E0406, part[i].at, "`%s` ends at example %lld, but there are %lld", part[i].name,
                              (long long)end, (long long)n);
      nc_help(d, m, "take fewer: the parts do not overlap");
      return false;
    }
    out[i] = (NcSplit){.name = part[i].name, .index = order + begin, .n = end - begin};
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

static int64_t *shuffled(NcArena *a, int64_t n, uint64_t seed) {
  int64_t *order = NC_NEW_N(a, int64_t, n);
  for (int64_t i = 0; i < n; i++) order[i] = i;
  nc_shuffle(order, n, seed, UINT64_MAX);
  return order;
}

bool nc_split(NcArena *a, NcDiag *d, int64_t n, uint64_t seed, NcRange at, const NcSplitPart *part, int parts,
              NcSplit *out) {
  return parts_good(d, at, part, parts) && few_enough(d, n, at) && cut(d, shuffled(a, n, seed), n, part, parts, out);
}

typedef struct { double key; int64_t place, example; } Keyed;
static int by_key(const void *x, const void *y) {
  const Keyed *a = x, *b = y;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  return (a->place > b->place) - (a->place < b->place);
}

static double value_of(const NcDataset *set, int field, int64_t i) {
  const void *p = set->data[field];
  if (set->time && !strcmp(set->field[field].name, "time")) return set->time[i];
  switch (set->field[field].dtype) {
    case NC_F32: return (double)((const float *)p)[i];
    case NC_I32: return (double)((const int32_t *)p)[i];
    default: return (double)((const unsigned char *)p)[i];
  }
}

// Where each of an order's examples stands among those of its class, from 0 to 1: in the order of that, every stretch has its
// share of every class.
static void by_share(NcArena *a, const NcDataset *set, int field, const int64_t *order, Keyed *k) {
  const int32_t *label = set->data[field];
  int64_t classes = set->field[field].classes;
  int64_t *count = NC_NEW_N(a, int64_t, classes), *seen = NC_NEW_N(a, int64_t, classes);
  for (int64_t i = 0; i < set->n; i++) count[label[i]]++;
  for (int64_t i = 0; i < set->n; i++) {
    int32_t c = label[order[i]];
    k[i] = (Keyed){((double)seen[c]++ + 0.5) / (double)count[c], i, order[i]};
  }
}

bool nc_split_by(NcArena *a, NcDiag *d, const NcDataset *set, const char *by, uint64_t seed, NcRange at,
                 const NcSplitPart *part, int parts, NcSplit *out) {
  int64_t n = set->n;
  if (!parts_good(d, at, part, parts) || !few_enough(d, n, at)) return false;
  int field = nc_field_find(set, by);
  bool shares = field >= 0 && set->field[field].classes > 0;
  int64_t *order = shuffled(a, n, seed);
  Keyed *k = NC_NEW_N(a, Keyed, n);
  if (shares) by_share(a, set, field, order, k);
  for (int64_t i = 0; i < n && !shares; i++) k[i] = (Keyed){field < 0 ? 0 : value_of(set, field, i), i, i};
  qsort(k, (size_t)n, sizeof *k, by_key);
  for (int64_t i = 0; i < n; i++) order[i] = k[i].example;
  return cut(d, order, n, part, parts, out);
}

// Windows that begin in [begin, end) and end there too.
static void windows(NcArena *a, const NcWindows *w, int64_t begin, int64_t end, NcSplit *out) {
  out->n = nc_windows_in(w, end - begin);
  out->index = NC_NEW_N(a, int64_t, out->n);
  out->stride = w->stride;
  out->last = end - w->span;
  for (int64_t k = 0; k < out->n; k++) out->index[k] = begin + k * w->stride;
}

bool nc_split_windows(NcArena *a, NcDiag *d, const NcWindows *w, NcRange at, const NcSplitPart *part, int parts,
                      NcSplit *out) {
  if (!parts_good(d, at, part, parts)) return false;
  int64_t begin = 0;
  double sum = 0;
  for (int i = 0; i < parts; i++) {
    if (part[i].count) {
      nc_help(d, nc_error(d, NC_E0312, part[i].at, "`%s` counts examples, but windows over time overlap", part[i].name),
              "give its fraction of the time, as in `train = 0.9`");
      return false;
    }
    sum += part[i].fraction;
    int64_t end = nc_cut(w->positions, sum);
    out[i].name = part[i].name;
    windows(a, w, begin, end, &out[i]);
    if (!out[i].n) {
      NcMessage *m = nc_error(d, NC_E0406, part[i].at, "`%s` has %lld of the %lld positions, fewer than one window of %lld",
                              part[i].name, (long long)(end - begin), (long long)w->positions, (long long)w->span);
      nc_help(d, m, "give it a larger part, or take shorter windows");
      return false;
    }
    begin = end;
  }
  return true;
}

void nc_split_all(NcArena *a, const NcDataset *set, NcSplit *out) {
  *out = (NcSplit){.name = "all"};
  if (set->windows.span) {
    windows(a, &set->windows, 0, set->windows.positions, out);
    return;
  }
  out->n = set->n;
  out->index = NC_NEW_N(a, int64_t, set->n);
  for (int64_t i = 0; i < set->n; i++) out->index[i] = i;
}

void nc_fill_holes(NcArena *a, NcDataset *set, const NcSplit *train) {
  if (!set->hole) return;
  int64_t width = nc_count(set->field[0].shape), n = train ? train->n : set->n;
  float *x = set->data[0];
  double *sum = NC_NEW_N(a, double, width);
  int64_t *count = NC_NEW_N(a, int64_t, width);
  for (int64_t k = 0; k < n; k++)
    for (int64_t i = train ? train->index[k] : k, j = 0; j < width; j++)
      if (!set->hole[i * width + j]) sum[j] += (double)x[i * width + j], count[j]++;
  for (int64_t i = 0; i < set->n; i++)
    for (int64_t j = 0; j < width; j++)
      if (set->hole[i * width + j] && count[j]) x[i * width + j] = (float)(sum[j] / (double)count[j]);
}
