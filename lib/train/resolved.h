// resolved.nn: what was trained, as a file that needs no settings.
#ifndef NC_RESOLVED_H
#define NC_RESOLVED_H
#include "train/model.h"

// Writes it where it can be proven to train to the same bits; else there is none. False after E0602 or E0606.
bool nc_resolved_write(NacreModel *m, const char *path);
#endif
