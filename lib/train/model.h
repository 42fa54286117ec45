// The inside of a NacreModel, shared by the files of this folder.
//
//   open.c      source, settings, hooks, messages, closing     loop.c, stage.c, broken.c   training
//   engine.c, initial.c   device, plans by purpose, variables  score.c     evaluation
//   described.c what data sources say of themselves
//   feed.c      data set, splits, inputs of a plan             predict.c   predictions
//   task.c      running tasks                                 output.c    results as text and files
//   work.c, limits.c, profile.c, bench.c   measuring steps and the machine
//   checkpoint.c, run.c   what a run leaves on the disk        look.c, testing.c, plain.c, doctor.c   the rest
#ifndef NC_MODEL_H
#define NC_MODEL_H
#include "compile.h"
#include "data/data.h"
#include "data/guard.h"
#include "data/loader.h"
#include "data/split.h"
#include "device/exec.h"
#include "elab/program.h"
#include "nacre.h"

// One graph of the program, compiled and loaded for one batch size.
typedef struct NcCompiled {
  struct NcCompiled *next;
  const char *purpose;       // "step", "eval", "predict"
  int64_t batch;
  NcProgram *program;        // elaborated for that batch
  NcPlan *plan;
  NcLoaded *loaded;
  NcProfile *profile;        // not NULL: its runs are timed step by step, into this
} NcCompiled;

typedef struct { const char *purpose; int64_t batch; } NcRefused;

typedef struct NcDescribed NcDescribed;      // described.c

typedef struct { const char *path, *text; size_t size; } NcImported;

typedef enum { NC_PASSES_WORTH, NC_PASSES_ALWAYS, NC_PASSES_NEVER } NcPasses;

struct NacreModel {
  NcArena *arena;
  NcDiag *diag;
  NacreOptions o;            // strings copied into the arena
  NcSet *set;                // o.set, split at the first `=`
  const char *name;          // of the source, as the user gave it
  const char *text;
  size_t size;
  const char *run;           // run directory it was opened from, or that training wrote; NULL
  const char *weights;       // checkpoint to start from; NULL: initial values
  bool resuming;             // the checkpoint must hold the optimizer's variables too
  int stage;                 // and those of this stage, from 1; 0: it only begins
  NcHooks hooks;             // what the compiler may ask for
  NcDescribed *described;    // what data sources said of themselves
  struct NcTokens *tokens;   // text to tokens and back, once it was needed
  NC_VEC(NcImported) imported;   // what the file imports, for the run directory
  const char *data_dir;      // where relative data paths start; NULL: the working directory

  NcProgram *program;        // for the recipe's batch, or o.batch; of a training in parts, for a part
  int64_t parts;             // of the batch, each after the other; 0: it is not divided
  bool recomputes;           // what gradients read, because it did not fit
  NcDataset *data;           // NULL until it is needed
  NcSplit *split;
  int splits;

  NcDevices *devices;
  NcDevice *device;
  NcExec *exec;
  NcCompiled *compiled;
  NC_VEC(NcRefused) refused; // what was found too large for the device
  int filled;                // how many of the session's variables have their values
  int touched;               // how many have had some; the others' memory holds the zeros that it began with
  NcLoader *loader;          // of the loop that runs now, so that closing frees it
  NcPasses passes;           // test seam: when `decode` reads many tokens at once
  struct { int64_t passes, steps; } decoded;   // runs that the last one took: over a window, of one token
  NacreMetric *scores;       // what nacre_eval handed out
  NcArena *handed;           // what the last prediction handed out: a program may ask for millions
  int lock;                  // of the run directory while it is trained: file descriptor + 1
  bool opened, out_of_memory;
  char *message;             // malloc'ed; what nacre_message gave last
};

// Calls f with the way out of memory set; turns what it reported into a status. m may be NULL (NACRE_USAGE).
NacreStatus nc_guard(NacreModel *m, bool (*f)(NacreModel *m, void *arg), void *arg);
// The same where `given` holds, which names arguments that must not be NULL: nc_guard_given(m, data && out, predict, …).
#define nc_guard_given(m, given, f, ...) ((given) ? nc_guard(m, f, __VA_ARGS__) : nc_guard_misused(m, #given))
NacreStatus nc_guard_misused(NacreModel *m, const char *given);
bool nc_misused(NcDiag *d, const char *given);                            // E0704; false
// The same in a child process (NcChildWork): what it reported goes to d, and so to the parent.
bool nc_guard_child(NacreModel *m, NcDiag *d, bool (*f)(NacreModel *m, void *arg), void *arg);

// open.c: a run's source and settings, but none of its weights.
NacreStatus nc_open_again(const char *directory, const NacreOptions *o, NacreModel **out);

// engine.c
NcProgram *nc_engine_program(NacreModel *m, int64_t batch);               // elaborated again when the batch differs
NcProgram *nc_engine_task(NacreModel *m, const NcTaskCall *call, const NcSet *set, int sets);   // elaborated for a run of a task
NcProgram *nc_engine_divided(NacreModel *m, int64_t batch, const NcSet *set, int sets);   // with these settings in place of the model's
bool nc_engine_device(NacreModel *m);                                     // opens it once
bool nc_engine_target(NacreModel *m, NcTarget *out);                      // for compiling: the device's, or a default when only a class is asked for
NcCompiled *nc_engine_get(NacreModel *m, const char *purpose, int64_t batch);   // compiles and loads once; NULL after an error
// A batch for n examples: a large one that leaves no remainder, or the usual one where that does not fit the device.
int64_t nc_engine_batch(NacreModel *m, const char *purpose, int64_t n);
void nc_engine_lacks(NacreModel *m);                                      // E0310: there is no such graph here
bool nc_engine_reserve(NacreModel *m, const char *purpose);              // compiles: where its variables want to lie, before others do
const NcGraph *nc_engine_graph(const NcProgram *p, const char *purpose);  // NULL when unknown
// Before training plans are loaded. `other`: even where such plans are loaded, for they are another stage's.
void nc_engine_restart(NacreModel *m, bool other);
bool nc_engine_fill(NacreModel *m);                                       // gives values to variables that have none yet

// feed.c
bool nc_feed_data(NacreModel *m);                                         // opens, checks, splits; once
bool nc_feed_filter(NacreModel *m, NcDataset *set);                       // filter.c: keeps what `where` chooses
bool nc_check_indices(NacreModel *m);                                     // indices.c: tokens lie in their tables, labels among the classes; E0403
void nc_field_uses(NacreModel *m, NcUse *use);                            // what the training makes of each field
const NcSplit *nc_feed_split(NacreModel *m, const char *name);            // name NULL: the next; NULL after an error that names the parts
const char *nc_feed_unseen(const NcRecipe *r);                            // the part that tells most of new data: test, where there is none valid, else train
int64_t nc_feed_batch(int64_t n, int64_t batch);                          // a batch for evaluating n examples, without a remainder if possible
// What random numbers follow from in a batch of a part that is evaluated, by its first example: other ones for
// each part and each batch, the same each time.
uint64_t nc_feed_seed(const NacreModel *m, const char *part, int64_t first);

// Which of the plan's inputs take which data field, in loader order.
typedef struct { int n; int *field, *slot, *buffer; size_t *bytes; int step, iteration, micro, seed, plateau[NC_MAX_PLATEAUS]; } NcFeedMap;
// The scalars of one run, which must stay as they are until it is done, and which of the small batches it takes.
typedef struct { const int32_t *step, *iteration, *micro, *falls; const uint64_t *seed; int64_t part; } NcFeedNow;
bool nc_feed_map(NacreModel *m, const NcCompiled *c, NcFeedMap *out);
bool nc_feed_batch_write(NacreModel *m, const NcCompiled *c, const NcFeedMap *f, void *const *field, const NcFeedNow *now);

// score.c: means over the examples of a part; metric names as in program->recipe. scores[0] is the loss.
bool nc_score(NacreModel *m, const NcSplit *part, double *scores);
int nc_score_count(const NacreModel *m);                                  // metrics, loss included
const char *nc_score_name(const NacreModel *m, int i);

// look.c
const char *nc_thousands(NcArena *a, int64_t v);                          // 101770 → "101,770"
const NcGraph *nc_look_graph(NacreModel *m, const char *purpose);         // NULL after E0702
bool nc_look_target(NacreModel *m, NcTarget *t);                          // the device's where one was asked for, else a default one

// predict.c, task.c: nacre_predict_all and nacre_run_task within a call that is guarded already.
bool nc_predict_arrays(NacreModel *m, int64_t n, const void *const *data, int *outputs, const NacreOutput **out);
bool nc_task_run(NacreModel *m, const char *task, const NacreRun *o, int *n, const NacreOutput **out);
#endif
