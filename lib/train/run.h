// The run directory: what a training leaves on the disk.
//
//   model.nn           the source, frozen       run.json         settings, seed, data, device, versions, times
//   metrics.jsonl      a line per epoch         README.md        the model card
//   data.json          fields, vocabulary       tokenizer.json   of bpe
//   last.safetensors   all variables and the position, to go on from; best.safetensors: parameters and states
#ifndef NC_RUN_H
#define NC_RUN_H
#include "train/model.h"

typedef struct {
  const char *dir;
  NcBuf log;                 // of metrics.jsonl, all of it: the file is replaced as a whole
  double started;            // seconds of the clock; earlier parts of a resumed run not counted
} NcRun;

// Makes the directory (runs/MODEL-DATE-N when out is NULL). E0602 when it cannot be written, or exists without `force`.
bool nc_run_create(NacreModel *m, const char *out, bool force, NcRun *r);
bool nc_run_resume(NacreModel *m, const char *dir, int64_t step, NcRun *r);
void nc_run_keep_import(NacreModel *m, const char *path, const char *text, size_t size);   // to be frozen with the source
bool nc_run_begin(NacreModel *m, NcRun *r, size_t device_bytes);                       // model.nn, run.json
bool nc_run_log(NacreModel *m, NcRun *r, const NacreProgress *p);                      // a line of metrics.jsonl
bool nc_run_end(NacreModel *m, NcRun *r, const char *state, const NacreProgress *last); // run.json again, README.md
const char *nc_run_path(NacreModel *m, const NcRun *r, const char *file);

// For opening: the settings a run was made with (what `given` sets comes on top), and its checkpoint file.
bool nc_run_options(NacreModel *m, const char *dir, const NacreOptions *given, NacreOptions *out);
bool nc_run_weights(NacreModel *m, const char *dir, const char *checkpoint);
double nc_now(void);         // seconds of a steady clock
#endif
