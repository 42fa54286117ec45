// Weights from files, for layers that start `from` them.
#ifndef NC_WEIGHTS_H
#define NC_WEIGHTS_H
#include "base/embed.h"
#include "train/model.h"

extern const NcEmbedded nc_name_maps[];   // share/names: maps of names that are part of the library

bool nc_weights_list(void *model, NcDiag *d, const NcWeightSpec *s, NcWeightList *out);   // the compiler's hook
// Gives the session's variables from..to-1 their values where a layer starts from a file.
bool nc_weights_fill(NacreModel *m, int from, int to, bool *given);
#endif
