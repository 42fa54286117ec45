// What the data sources say of themselves, remembered in the model and in run directories.
#ifndef NC_DESCRIBED_H
#define NC_DESCRIBED_H
#include "train/model.h"
#include "train/run.h"

// The fields of a source: as the run's training knew them, else as the source says now. A source is asked once.
bool nc_describe(NacreModel *m, NcDiag *d, const NcSourceSpec *spec, NcFields *out);
bool nc_described_by_run(const NacreModel *m, const NcSourceSpec *spec);
bool nc_described_save(NacreModel *m, const NcRun *r);        // data.json, and tokenizers beside it
void nc_described_load(NacreModel *m, const char *dir);       // a run without the file knows nothing: no error
#endif
