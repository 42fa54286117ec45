// Runs a graph on an OpenCL device and compares all it gives with the reference evaluator.
#ifndef GEN_RUN_H
#define GEN_RUN_H
#include "compile.h"
#include "device/exec.h"
#include "eval/eval.h"
#include "ops/op.h"

typedef struct {
  NcArena *arena;            // of the device; each comparison has its own
  NcDiag *diag;
  NcDevices *all;
  NcDevice *dev[2];          // by class of code
} GenDevice;
bool gen_open(GenDevice *d);        // false where there is no OpenCL
void gen_close(GenDevice *d);
void gen_need(GenDevice *d, const char *else_said);   // the same; without OpenCL the process says so and ends: skipped (77)

typedef struct {
  NcClass cls;
  bool no_fuse;
  const char *no_fast;
  double loose;              // factor on the tolerance; 0: 1
  bool optimize;             // by the driver's compiler, which is most of a comparison's time
  int steps;                 // of the plan that is wanted (0: any)
  bool print;                // the plan, on stderr
} GenOptions;

// Values of inputs and vars are drawn evenly from [-1, 1] (integers 0 … 3, bools) unless `bind` gives them. Fails with a message in
// `why` (in a); NULL: all outputs and assigned vars agree.
const char *gen_compare(GenDevice *d, NcArena *a, const NcGraph *g, int nbind, const NcBinding *bind, const GenOptions *o);

// Elements between their storage and doubles.
void gen_pack(void *to, NcDtype t, int64_t n, const double *from);
void gen_unpack(double *to, NcDtype t, int64_t n, const void *from);
#endif
