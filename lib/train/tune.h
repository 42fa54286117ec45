// The inside of `nacre tune`: tune.c searches, tune_run.c measures in a child process, tune_case.c knows what the sizes mean.
#ifndef NC_TUNE_H
#define NC_TUNE_H
#include "graph/graph.h"
#include "plan/tuned.h"

// tune_case.c: the product or convolution of these sizes alone: inputs "a" and "b", output "out". NULL: there is none.
NcGraph *nc_tune_graph(NcArena *a, NcDiag *d, const NcTuning *k);
double nc_tune_flops(const NcTuning *k);
int64_t nc_tune_terms(const NcTuning *k);               // that an element of the result is the sum of
const char *nc_tune_name(NcArena *a, const NcTuning *k);        // "product 128×10×784"
const char *nc_tune_choice_name(const NcTuning *k, int i);      // "mb"
// Element `at` of the result, by the definition, in double precision.
double nc_tune_element(const NcTuning *k, const float *a, const float *b, int64_t at);
// Choices beside this one: each number twice and half as large, or the other of two ways. How many.
int nc_tune_neighbours(const NcTuning *k, int64_t (*out)[NC_TUNED_CHOICES], int most);

// tune_run.c. Candidates lie in memory that the children share with their parent.
typedef enum { NC_TRY_WAITING, NC_TRY_MADE, NC_TRY_UNDER_WAY, NC_TRY_TIMED, NC_TRY_SAME, NC_TRY_FAILED, NC_TRY_WRONG, NC_TRY_CRASHED } NcTryState;
enum { NC_TRY_ROUNDS = 5 };
typedef struct {
  NcTryState state;
  bool usual;                                     // what is taken where nothing was measured; else `choice`
  int64_t choice[NC_TUNED_CHOICES];               // made fit by the template
  double seconds, round[NC_TRY_ROUNDS];           // the median, and what it is of; 0: left out of that round
} NcTry;
typedef struct { const char *choice, *cls; } NcTuneDevice;      // as NcDeviceOptions
// Measures n candidates, the first of which is the usual one. A driver that crashes or hangs costs the candidate that was
// under way. False after an error.
bool nc_tune_try(NcArena *a, NcDiag *d, const NcTuneDevice *device, const NcTuning *k, NcTry *shared, int n);
#endif
