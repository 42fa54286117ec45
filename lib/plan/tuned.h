// What a search on a device found (`nacre tune`): for products and convolutions of given sizes, the choices that were quickest.
// A template that has to choose asks here first; what it would have chosen by itself is the rule for all other sizes. As text:
//
//   nacre-tuned 1
//   for "pthread-haswell-AMD EPYC | … | class cpu"        (device, driver, class)
//   gemm_cpu 1 128 128 784 0 0 = 24 16 392 2              (kind, sizes, the choice)
#ifndef NC_TUNED_H
#define NC_TUNED_H
#include "plan/plan.h"

enum { NC_TUNED_SIZES = 28, NC_TUNED_CHOICES = 4 };

typedef struct {
  const char *kind;
  int sizes, choices;
  int64_t size[NC_TUNED_SIZES], choice[NC_TUNED_CHOICES];
} NcTuning;

struct NcTuned {
  NcArena *arena;
  const char *key;              // what the findings are for
  NC_VEC(NcTuning) known;
  bool ask;                     // a search wants to know what is asked for
  NC_VEC(NcTuning) asked;       // each once, with the choice that was taken
};

NcTuned *nc_tuned_new(NcArena *a, const char *key);
void nc_tuned_set(NcTuned *t, const NcTuning *k);                       // replaces what there is for these sizes
const NcTuning *nc_tuned_exact(const NcTuned *t, const NcTuning *k);    // for these very sizes; NULL

// For those that choose: fills in the choice for these sizes, or for the nearest that differ by no more than a factor of two;
// false where nothing is known. What comes of a nearer size need not fit: the caller looks.
bool nc_tuned_choice(const NcTarget *t, const char *kind, int sizes, const int64_t *size, int choices, int64_t *choice);
void nc_tuned_took(const NcTarget *t, const char *kind, int sizes, const int64_t *size, int choices, const int64_t *choice);

void nc_tuned_print(const NcTuned *t, NcBuf *out);
// NULL where the text is none of this version, or damaged.
NcTuned *nc_tuned_read(NcArena *a, const char *text, size_t size);
#endif
