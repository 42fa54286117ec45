// Checking a whole device: many small plans, each run and compared with what the reference gives, in child processes,
// so that a driver that crashes or hangs costs one case and not the program. For `nacre doctor`.
//
// OpenCL must not have been used in this process before (see nc_run_in_child).
#ifndef NC_DOCTOR_H
#define NC_DOCTOR_H
#include "device/check.h"

// One case. The plan is made in the child, for the device as it is found there.
typedef struct {
  const char *name;          // "softmax 33x7"
  const NcPlan *plan;
  const NcFeed *feed;
  int feeds;
  const char *output;        // what is compared: an output or a variable
  NcDtype dtype;
  const double *want;        // n elements, from the reference evaluator
  size_t n;
  double absolute, relative; // as for nc_compare
  bool guard;                // also prove that no kernel writes outside its buffers (E0505)
} NcCase;
// Fills in case i, in arena a. False after an error in d, or when the device cannot have it (`name` is set all the
// same).
typedef bool (*NcMakeCase)(void *user, NcArena *a, NcDiag *d, const NcTarget *t, int i, NcCase *out);

// NC_VERDICT(id, word for a person and for --json)
#define NC_VERDICTS(X) \
  X(RIGHT, "right") \
  X(WRONG, "wrong")          /* it ran and gave other values than the reference; see `compared` */ \
  X(FAILED, "failed")        /* an error, in `message` and `help` */ \
  X(CRASHED, "crashed") \
  X(LATE, "late")            /* it did not end within the time allowed */ \
  X(SKIPPED, "skipped")      /* the device cannot have it */
typedef enum {
#define X(id, word) NC_VERDICT_##id,
  NC_VERDICTS(X)
#undef X
  NC_VERDICT_COUNT
} NcVerdictKind;
const char *nc_verdict_word(NcVerdictKind k);

typedef struct {
  NcVerdictKind kind;
  const char *name;
  NcCompared compared;
  double ms;                 // the whole case: compiling, running, comparing
  const char *code, *message, *help;   // of the first error; "" when there was none
} NcVerdict;

// The devices here, listed in a child. NULL after E0501 or E0502.
NcDeviceInfo *nc_doctor_devices(NcArena *a, NcDiag *d, int *n);

// Runs `cases` cases on the device that o chooses and fills in `out`, one for each. `seconds` is allowed for each case
// (0: 60). False after an error in d when the device cannot even be opened; a verdict that is not RIGHT is no error.
bool nc_doctor_check(NcArena *a, NcDiag *d, const NcDeviceOptions *o, int cases, NcMakeCase make, void *user,
                     double seconds, NcVerdict *out);
#endif
