// Event files, which TensorBoard draws curves from: records that are appended, each with check sums of its own.
#ifndef NC_EVENTS_H
#define NC_EVENTS_H
#include "base/diag.h"

typedef struct { const char *tag; double value; } NcEventValue;      // "train/loss"

// Makes the file, or cuts one that is there behind its last whole record of a step up to `step`: what a crash tore, and
// what will be written again. E0602 when that cannot be done.
bool nc_events_begin(NcArena *a, NcDiag *d, const char *path, double now, int64_t step);
// Appends one record, whole or not at all. `now`: seconds since 1970.
bool nc_events_put(NcArena *a, NcDiag *d, const char *path, double now, int64_t step, int n, const NcEventValue *value);

uint32_t nc_crc32c(const void *bytes, size_t n);
#endif
