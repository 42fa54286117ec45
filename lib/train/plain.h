// Entries of nacre.h that need no model: an arena and diagnostics for the time of one call.
#ifndef NC_PLAIN_H
#define NC_PLAIN_H
#include "train/model.h"

typedef struct { NacreWrite *write; void *ctx; } NcSink;
NacreStatus nc_plain(const NacreOptions *o, bool (*f)(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg), void *arg, char **error);
// As nc_guard_given: nc_plain_given(o, write, devices, &(NcSink){write, ctx}, error).
#define nc_plain_given(o, given, f, ...) ((given) ? nc_plain(o, f, __VA_ARGS__) : nc_plain_misused(o, #given, __VA_ARGS__))
NacreStatus nc_plain_misused(const NacreOptions *o, const char *given, const void *unused, char **error);
#endif
