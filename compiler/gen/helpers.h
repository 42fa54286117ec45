// The helper functions of kernels/*.cl that a program needs.
#ifndef NC_HELPERS_H
#define NC_HELPERS_H
#include "base/buf.h"

// Puts the helper files of which `program` calls something (by the stem of the name: nc_STEM_…).
void nc_gen_helpers(NcBuf *out, const char *program);
#endif
