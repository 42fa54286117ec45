// What is looked at before a training begins, once the data is split: things that are no mistake of a single value, but with
// which the training would teach less than its score says, or nothing.
#ifndef NC_GUARD_H
#define NC_GUARD_H
#include "data/split.h"

// What the training makes of a field.
typedef enum { NC_UNUSED, NC_USED, NC_LEARNED } NcUse;     // learned: it is what the loss compares the network with

// Warnings, each with its mend: columns that never change (E0404), classes without examples or with none to learn from
// (E0406), classes of very different size (E0415), examples of the training part that stand in another one too (E0414).
// `balanced`: training draws from the classes alike, so their sizes need no word.
// False after E0413: what is learned, or all that it is to be learned from, is the same in every example.
bool nc_data_guard(NcDiag *d, const NcDataset *set, const NcSplit *part, int parts, const NcUse *use, bool balanced);
#endif
