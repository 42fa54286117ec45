// The words of a plan's text that printing and reading share.
#ifndef NC_PLAN_NAMES_H
#define NC_PLAN_NAMES_H
#include "plan/plan.h"

// By NcBufKind, NcClass and NcStepKind.
extern const char *const nc_buf_words[], *const nc_class_words[], *const nc_step_words[];
enum { NC_BUF_KINDS = NC_BUF_TEMP + 1, NC_CLASSES = 2, NC_STEP_KINDS = NC_STEP_END + 1 };

// The fields of a GEMM step. A field that has its usual value is not printed.
typedef enum { NC_FIELD_BUFFER, NC_FIELD_SIZE, NC_FIELD_BOOL, NC_FIELD_DOUBLE } NcFieldKind;
typedef struct { const char *name; NcFieldKind kind; size_t offset; int64_t usual; } NcGemmField;
enum { NC_REQUIRED = -2 };   // no usual value: always printed, never missing
extern const NcGemmField nc_gemm_fields[];
extern const int nc_gemm_field_count;

bool nc_plan_check(const NcPlan *p, NcDiag *d, NcCode code, NcRange at);   // verify.c; errors under `code`
#endif
