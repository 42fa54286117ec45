// The run directory: what a training leaves on the disk.
//
//   model.nn           the source, frozen       run.json         settings, seed, data, device, versions, times
//   metrics.jsonl      a line per epoch         README.md        the model card
//   resolved.nn        it with settings applied and imports inlined
//   data.json          fields, vocabulary       tokenizer.json   of bpe
//   events.out.tfevents.nacre   metrics.jsonl as TensorBoard reads it
//   last.safetensors   all variables and the position, to go on from; best.safetensors: parameters and states
#ifndef NC_RUN_H
#define NC_RUN_H
#include "train/model.h"

#define NC_RUN_EVENTS "events.out.tfevents.nacre"

typedef struct { const char *path, *sha256; int64_t bytes; } NcFileSum;

typedef struct {
  const char *dir;
  NcBuf log;                 // of metrics.jsonl, all of it: the file is replaced as a whole
  double started;            // seconds of the clock, of this call
  int64_t step;              // at which this call began
  const char *created;       // when the run began, as run.json has it: 2026-11-21T15:04:05Z
  double before;             // seconds of the calls before this one
  int resumed;               // how often the run was gone on with
  NcFileSum *file;           // of the data; NULL: not yet read
  int files;
} NcRun;

// Before anything is computed: E0602 where `out` holds an earlier run, without `force`.
bool nc_run_may_create(NacreModel *m, const char *out, bool force);
// Makes the directory (runs/MODEL-DATE-N when out is NULL). E0602 when it cannot be written, or exists without `force`.
bool nc_run_create(NacreModel *m, const char *out, bool force, NcRun *r);
bool nc_run_folder(NacreModel *m, const char *out, const char **dir);                  // makes it likewise, and locks it
bool nc_run_resume(NacreModel *m, const char *dir, int64_t step, NcRun *r);
void nc_run_keep_import(NacreModel *m, const char *path, const char *text, size_t size);   // to be frozen with the source
bool nc_run_begin(NacreModel *m, NcRun *r, size_t device_bytes);                       // model.nn, run.json
bool nc_run_log(NacreModel *m, NcRun *r, const NacreProgress *p);                      // a line of metrics.jsonl
bool nc_run_end(NacreModel *m, NcRun *r, const char *state, const NacreProgress *last); // run.json again, README.md
const char *nc_run_path(NacreModel *m, const NcRun *r, const char *file);

struct json_t *nc_run_read(NcArena *a, NcDiag *d, const char *dir);                   // run.json; E0604

// For opening: the settings a run was made with (what `given` sets comes on top), and its checkpoint file.
bool nc_run_options(NacreModel *m, const char *dir, const NacreOptions *given, NacreOptions *out);
bool nc_run_weights(NacreModel *m, const char *dir, const char *checkpoint);
bool nc_run_finished(NacreModel *m, const char *dir);                                  // as run.json says
int64_t nc_run_memory(NacreModel *m, const char *dir);   // the limit that it was trained under; 0: none
// What the last line of the log tells, where a run goes on with no step left. Every metric gets a value.
void nc_run_last(NacreModel *m, const NcRun *r, int metrics, NacreMetric *metric);
bool nc_run_lock(NacreModel *m, const char *dir);          // before anything of a run that goes on is read; E0602
void nc_run_unlock(NacreModel *m);

// record.c, card.c
bool nc_run_record(NacreModel *m, NcRun *r, const char *state, const NacreProgress *p, size_t device_bytes);   // run.json
void nc_run_remember(NacreModel *m, NcRun *r);             // of a run that goes on: when it began, how long it took so far
bool nc_run_card(NacreModel *m, const NcRun *r, const NacreProgress *p);                                       // README.md
const char *nc_run_time(NcArena *a, int64_t seconds);      // of UTC, as in run.json
double nc_now(void);         // seconds of a steady clock
#endif
