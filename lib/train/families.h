// One small graph per kernel family, for `nacre doctor`.
#ifndef NC_FAMILIES_H
#define NC_FAMILIES_H
#include "device/doctor.h"

int nc_families(void);
const char *nc_family_name(int i);
bool nc_family_case(void *user, NcArena *a, NcDiag *d, const NcTarget *t, int i, NcCase *out);   // an NcMakeCase
#endif
