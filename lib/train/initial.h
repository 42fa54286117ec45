// Starting values of variables.
#ifndef NC_INITIAL_H
#define NC_INITIAL_H
#include "train/model.h"

// Gives the session's variables from..to-1 their starting values, but for those that are given theirs already.
bool nc_initial_fill(NacreModel *m, int from, int to, bool *given);
#endif
