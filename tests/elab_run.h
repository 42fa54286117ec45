// Running what elaboration made, by the reference evaluator.
#ifndef NC_TEST_ELAB_RUN_H
#define NC_TEST_ELAB_RUN_H
#include "elab/program.h"
#include "eval/eval.h"

// Values of named leaves.
typedef struct { NC_VEC(NcBinding) bind; } Binds;
void bind_value(NcArena *a, Binds *b, const char *name, const double *v);
double *value_named(const Binds *b, const char *name);          // NULL when absent
bool bind_outputs(NcArena *a, NcDiag *d, const NcGraph *init,
                  Binds *b);   // what an init graph gives, by its outputs' names

// The value of each output of g, in order; NULL after an error.
double **outputs_of(NcArena *a, NcDiag *d, const NcGraph *g, const Binds *b, uint64_t seed);
double *output_of(NcArena *a, NcDiag *d, const NcGraph *g, const Binds *b, const char *name);
// One step: evaluates effects and stores them in b. Gives the loss.
double run_step(NcArena *a, NcDiag *d, const NcGraph *step, Binds *b, int iteration);

// Fields without files: spiral and other kinds give x f32[2] and label i32; digits and idx images, csv four columns,
// pairs x f32[2] and y f32[1], text tok i32[17].
bool describe_some(void *ctx, NcDiag *d, const NcSourceSpec *s, NcFields *out);
#endif
