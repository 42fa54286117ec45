// Plain references in double precision for the kernel templates, and one way to run a template against them.
#ifndef NC_TESTS_KERNELS_REF_H
#define NC_TESTS_KERNELS_REF_H
#include "clrun.h"

// What is spliced into a template in a test; the references follow it.
typedef enum {
  PLAIN,
  BYTES_BIAS_RELU,   // A is bytes scaled by 1/8 (prologue); the result gets bias[c] and relu
  IN_PLACE,          // B is read as |B|; C[o] -= v / 2: finds an element stored twice
  VARIANTS
} Variant;

// Operands and result of one run: contents of a, b, d before the prologue, of c before and wanted after.
typedef struct {
  size_t n[4];           // elements by role
  float *x[3];           // A, B, D as the host sees them after the prologue
  double *want;          // what the operation alone gives; `column` says which bias applies
  size_t columns, inner; // column of o is o / inner % columns
} Case;

NcTemplateText case_text(Variant v, int width);
void case_fill(Case *c, size_t na, size_t nb, size_t nd, size_t nc, size_t columns, size_t inner, Variant v,
               unsigned seed);
void case_free(Case *c);
// Runs the template's kernels on the case's operands and compares every element; says where it differs. `terms`:
// summands of each result.
bool case_run(ClRun *r, cl_program program, const NcTemplateUse *use, const Case *c, Variant v, double terms);

void ref_dot(const NcGemm *g, const Case *c);
void ref_conv(const NcConvTemplate *p, const Case *c);
void ref_conv_weight(const NcConvTemplate *p, const Case *c);
void ref_pool(const NcPoolTemplate *p, const Case *c);        // wants the plain pool of x[0]
void ref_pool_grad(const NcPoolTemplate *p, const Case *c);
#endif
