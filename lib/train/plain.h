// Entries of nacre.h that need no model: an arena and diagnostics for the time of one call.
#ifndef NC_PLAIN_H
#define NC_PLAIN_H
#include "train/model.h"

typedef struct { NacreWrite *write; void *ctx; } NcSink;
NacreStatus nc_plain(const NacreOptions *o, bool (*f)(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg), void *arg, char **error);
#endif
