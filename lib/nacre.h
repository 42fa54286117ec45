// nacre.h: the public interface of libnacre.
//
// A model is opened from a `.nn` file (or from the run directory that a training left), and is then
// checked, summarised, trained, evaluated or asked for predictions:
//
//     NacreModel *m;
//     if (nacre_open("spiral.nn", NULL, &m) == NACRE_OK && nacre_train(m, &options) == NACRE_OK) ...
//     fputs(nacre_message(m), stderr);     // errors and warnings, as a person reads them
//     nacre_close(m);
//
// Ownership: a NacreModel owns all that it hands out; strings and arrays are valid until the next call with that model, or
// nacre_close. What is handed in (options, texts, data) is read during the call and need not outlive it.
// Threads: a model is used by one thread at a time; different models are independent. Callbacks come on the thread that
// called, and must not call back with the same model. Nothing here prints, exits, aborts, or installs a signal handler.
// Locale: numbers are written and read with a point, whatever setlocale() was told; while a call lasts, its thread's LC_NUMERIC
// is "C", in callbacks too.
// After fork() only the process that opened a model's device may go on with it.
// Errors: every call returns a status, and nacre_message (or *error) says more, with a code that `nacre explain` knows.
// Below, "Errors" names those that a function has beside these, which any may have: NACRE_RUN when memory ran out
// (E0606); NACRE_USAGE with a model that could not be opened, or where an argument is NULL that is not said to allow it
// (E0704), and nothing else happens; of calls that compute, NACRE_DEVICE (E0501 no device, E0502 a call of it failed, E0503 a
// kernel does not compile, E0504 it does not fit).
// After NACRE_USAGE, NACRE_DATA and NACRE_INTERRUPTED a model can be used on; after another error close it. An output
// argument holds nothing of use then.
#ifndef NACRE_H
#define NACRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

// What every call returns; also the exit statuses of the command `nacre`.
typedef enum {
  NACRE_OK = 0,
  NACRE_RUN = 1,             // the run failed: a file, memory, a value that is not finite, a failed test
  NACRE_USAGE = 2,           // an option or argument cannot be used
  NACRE_MODEL = 3,           // the model is wrong: syntax, names, shapes, settings
  NACRE_DATA = 4,            // the data is wrong: missing, malformed, out of range; a checkpoint that does not fit
  NACRE_DEVICE = 5,          // the device failed, or there is none
  NACRE_INTERRUPTED = 130    // `stop` asked for it; everything is saved
} NacreStatus;

const char *nacre_version(void);   // "0.1.0"; static

// Where text goes: called with successive pieces. Return nothing; keep what you need.
typedef void NacreWrite(void *ctx, const char *text, size_t size);

typedef struct {
  const char *const *set;    // "path=value" pairs as in --set
  int sets;
  const char *device;        // NULL: the best one; else its number, "cpu", "gpu", or part of its name
  const char *device_class;  // NULL: from the device's properties; "cpu" or "gpu" forces a code generator
  const char *model;         // which model of the file; NULL: that of its train declaration, else the last one
  int64_t batch;             // 0: the file's own
  bool json;                 // nacre_message and texts as JSON lines
  bool color;                // nacre_message with colours for a terminal
  bool verify;               // check the graph after every compiler pass
  int64_t memory;            // bytes that plans may take of the device's memory; 0: all of it
} NacreOptions;              // all zero is the default; NULL is allowed in its place

typedef struct NacreModel NacreModel;

// Opens and checks a file. No device is touched, and no OpenCL library is loaded. *out is set also
// when the file has errors, so that nacre_message can tell them; it is NULL only when memory ran out. The caller closes it.
// Errors: NACRE_RUN: the file cannot be read (E0601). NACRE_USAGE: an option cannot be used (E0702), `set` names nothing
// (E0703). NACRE_MODEL: what the file says is wrong (E01, E02, E03). NACRE_DATA: its data cannot be looked at (E04).
NacreStatus nacre_open(const char *file, const NacreOptions *o, NacreModel **out);
// The same from text that the program holds; `name` stands in messages.
NacreStatus nacre_open_text(const char *name, const char *text, size_t size, const NacreOptions *o, NacreModel **out);
// A run directory: its frozen source, its settings, and its checkpoint ("best" or "last"; NULL: best, else last).
// Errors: those of nacre_open; NACRE_RUN: it is no run directory, or has no such checkpoint (E0604).
NacreStatus nacre_open_run(const char *directory, const char *checkpoint, const NacreOptions *o, NacreModel **out);
const char *nacre_message(NacreModel *m);   // errors and warnings of the last call; "" when there is nothing to say
void nacre_close(NacreModel *m);            // NULL is allowed

// ---- training

typedef struct { const char *name; double value; } NacreMetric;

typedef struct {
  const char *phase;         // "warning" before the first step, "train" after a step, "valid" after a validation, "done" at
                             // the end; "overfit" in place of "done" where that was asked for
  const char *stage;         // of a recipe with stages; else NULL
  int64_t epoch, epochs;     // of the stage; epoch from 1; epochs 0 when the recipe counts steps
  int64_t step, steps;       // steps done, of all
  int metrics;
  const NacreMetric *metric; // "loss" first; train: means since the epoch began; valid: of the whole validation split
  double examples_per_second, seconds_left, seconds;
  size_t device_bytes;       // of the plan
  const char *directory;     // of the run
  bool best;                 // valid: this is the best so far
  bool early;                // valid: `patience` ends the stage here; done: it ended the training before its time
  bool fell;                 // valid: a rate that follows the validation (`plateau`) falls now
  int64_t falls;             // valid: how often such rates have fallen in this stage; -1: the recipe has none
  const char *text;          // of "warning": what there is to say, as nacre_message puts it
  double first;              // of "overfit": the loss of the first step
} NacreProgress;

typedef struct {
  const char *out;           // run directory; NULL: runs/MODEL-DATE-N
  bool force;                // `out` may exist: what an earlier run left there is replaced
  const char *resume;        // go on with this run directory, with the same bits; `out` is not used
  bool overfit;              // train on one batch until its loss is next to nothing, and write nothing; `max_steps` (1000) at most;
                             // not with `resume` (E0704)
  int64_t max_steps;         // stop (saved, as by `stop`) after so many steps in this call; 0: no limit
  void (*progress)(void *ctx, const NacreProgress *p);   // may be NULL
  // Asked after every step, so not before the first one is done and the run directory is about to be made: a program
  // that is to end before that may simply exit, for nothing was written yet. True: save and return NACRE_INTERRUPTED.
  bool (*stop)(void *ctx);   // may be NULL
  void *ctx;
} NacreTrainOptions;

// Trains by the file's recipe, writes the run directory, and leaves the model ready to evaluate and predict
// with the weights of the last step. Nothing is written when the model, data or device is wrong.
// Errors: NACRE_MODEL: there is no train declaration (E0310). NACRE_DATA: the data is wrong (E04), or the checkpoint to go on
// from does not fit (E0408). NACRE_RUN: the directory cannot be written, holds an earlier run, or is trained by another
// process (E0602), or the loss is not finite (E0603). NACRE_USAGE: the run is finished (E0702). NACRE_INTERRUPTED: `stop`
// asked for it, all is saved, and the model is ready as after the end.
NacreStatus nacre_train(NacreModel *m, const NacreTrainOptions *o);

// Trains with `seeds` seeds, the file's own and those that follow it, into DIR/seed-1, DIR/seed-2, …, scores each network on
// the part `test` of the data (where there is none `valid`, else `train`), and writes mean and 95 % confidence interval of
// each metric: as text, or as a JSON line. What is finished stays when a call ends early: with t->resume = DIR (`file` NULL,
// `seeds` 0 or a larger number) the rest is trained. *error as of the functions without a model, below.
NacreStatus nacre_train_seeds(const char *file, int seeds, const NacreOptions *o, const NacreTrainOptions *t, NacreWrite *write,
                              void *ctx, char **error);

// ---- using a trained model

// Loss and metrics on a part of the data ("train", "valid", "test"; "all": everything; NULL: "test", where there is none
// "valid", else "train"). NacreScores.split is the part that was taken.
// Errors: NACRE_MODEL: no train declaration (E0310). NACRE_USAGE: no such part (E0702). NACRE_DATA: the data is wrong (E04).
typedef struct { const char *split; int64_t examples; int metrics; const NacreMetric *metric; } NacreScores;
NacreStatus nacre_eval(NacreModel *m, const char *split, NacreScores *out);

// Predicts for `n` examples. Each input of the model's predict graph is named as the data field it comes from
// (nacre_inputs); `data[i]` points to n examples of input i, row-major, in that input's element type.
typedef struct {
  const char *name;
  const char *dtype;         // "f32", "u8", "i32", …
  int rank;
  int64_t dim[8];            // of one example
} NacreTensor;
// Errors of this and the two below: NACRE_MODEL: no model to predict with (E0310), more than one output or not f32 (E0204,
// nacre_predict), a result that is not one for each example (E0202). NACRE_DATA: n is not positive (E0406). A call compiles
// for the sizes of batch that its n needs; further calls with the same n only run.
NacreStatus nacre_inputs(NacreModel *m, int *count, const NacreTensor **in);
// Of a model with one output of f32. *out: n outputs, row-major, each of *shape.
NacreStatus nacre_predict(NacreModel *m, int64_t n, const void *const *data, const NacreTensor **shape, const float **out);
// Of any model: all its outputs by name, axis 0 the examples.
typedef struct {
  NacreTensor tensor;        // its whole shape
  const void *data;          // row-major; of bool a byte each, 0 or 1
} NacreOutput;
NacreStatus nacre_predict_all(NacreModel *m, int64_t n, const void *const *data, int *outputs, const NacreOutput **out);
// The name of a class of the label field, or NULL; never fails, and is valid until nacre_close.
const char *nacre_class_name(NacreModel *m, int64_t i);

// Whether a file's name is one of an image: .png, .jpg, and those of kinds that are known but not read (.gif, .tiff). Never fails.
bool nacre_image_named(const char *path);
// Predicts for single images (PNG, JPEG) by a classifier of images: they are decoded and brought to its size as its data source
// does with its own. A line for each, "csv" or "json": the file, its class, and the probabilities of all classes. Where `out`
// is not NULL the model's outputs are written there, of any model. Errors as of the next one.
NacreStatus nacre_predict_images(NacreModel *m, int n, const char *const *path, const char *format, const char *out,
                                 NacreWrite *write, void *ctx);

// Predicts for the examples of files (CSV, NPY, IDX), or where `path` is NULL of a split (NULL: as of nacre_eval), and writes
// them as "csv" or "json" lines; or, where `out` is not NULL, as nacre_write_outputs does. Errors: as of the predictions above;
// NACRE_USAGE: no such part, or files are not what this model can take (E0702); NACRE_DATA: a file is wrong (E04); NACRE_RUN:
// `out` cannot be written (E0602).
NacreStatus nacre_predict_file(NacreModel *m, const char *path, const char *split, const char *format, const char *out,
                               NacreWrite *write, void *ctx);

// Runs a `task` of the file once, with the weights that the model has. Errors: NACRE_USAGE: no such task or argument, or one
// that is missing or of no use (E0701, E0702, E0704). NACRE_MODEL: the task does not fit these inputs (E02, E03).
// NACRE_DATA: a file that was handed in is wrong (E04).
typedef struct { const char *name, *value; } NacreArgument;
typedef struct {
  int args;                  // hyperparameters ("n", "16"); tensors: a .npy or .csv file, numbers "1,2,3", or a text
  const NacreArgument *arg;
  bool has_seed;             // else the recipe's
  uint64_t seed;             // of its random numbers
  // A task whose result is a text of its own making (`decode`) tells it here, piece by piece; NULL: not asked for.
  void (*text)(void *ctx, const char *text, size_t size);
  void *ctx;
} NacreRun;                  // all zero is the default; NULL is allowed in its place
NacreStatus nacre_run_task(NacreModel *m, const char *task, const NacreRun *o, int *outputs, const NacreOutput **out);
// Writes outputs to `path` by its ending (.csv .json .npy .png .txt); several get files of their own, x-NAME.npy. NULL:
// as text to `write` (JSON lines with NacreOptions.json), and what is large or an image to a new file named after `title`.
// Errors: NACRE_USAGE: the ending is none of those, or the form cannot hold it (E0702). NACRE_RUN: it cannot be written (E0602).
NacreStatus nacre_write_outputs(NacreModel *m, const char *title, int outputs, const NacreOutput *out, const char *path,
                                NacreWrite *write, void *ctx);
NacreStatus nacre_output_path(NacreModel *m, const char *path);   // whether its ending is one of those

// Saves and loads all parameters and states, by name, as safetensors. Errors: NACRE_RUN: the file cannot be written (E0602).
// NACRE_DATA: it cannot be opened, or is malformed (E0401, E0402), or does not fit this model (E0408).
NacreStatus nacre_save(NacreModel *m, const char *path);
NacreStatus nacre_load(NacreModel *m, const char *path);

// ---- looking at a model. Errors: NACRE_USAGE: no such pass or purpose (E0702)

NacreStatus nacre_summary(NacreModel *m, NacreWrite *write, void *ctx);   // layers, shapes, parameters, multiply-adds, bytes
typedef struct {
  const char *what;          // "graph", "plan" or "opencl"; NULL: "plan"
  const char *purpose;       // "step" (training), "eval", "predict" or "init"
  const char *after;         // stop after this pass and print what it left; NULL: the end
  bool timings;              // a line per pass instead
} NacreEmit;
NacreStatus nacre_emit(NacreModel *m, const NacreEmit *e, NacreWrite *write, void *ctx);
void nacre_passes(NacreWrite *write, void *ctx);
// Where the time of a step goes: by line of the source, by layer and by kernel, the most expensive first, beside what this
// machine can do, which is measured in the same call. Needs the data. Errors: NACRE_DATA.
typedef struct {
  const char *purpose;       // "step" (training) or "predict"; NULL: the first of these that there is
  int64_t steps;             // measured; 0: 20
  int64_t top;               // rows of each table, the others as one row; 0: all
} NacreProfileOptions;
NacreStatus nacre_profile(NacreModel *m, const NacreProfileOptions *o, NacreWrite *write, void *ctx);
// The network as a picture, in DOT, which is the language of Graphviz: a box for each layer with its shape and parameters, equal
// layers in a row as one. Where `path` ends in .svg, .png or .dot it is written there, the first two by the program `dot`, if
// it is installed. Errors: NACRE_USAGE: no such compilation, another ending (E0702). NACRE_RUN: it cannot be written, or there is
// no `dot`: then the DOT text lies beside, under the name with .dot (E0602).
typedef struct {
  int depth;                 // how many layers deep; 0: as deep as it stays legible. Of launches: a layer so deep is one box,
                             // and with a depth that no layer has each launch is
  bool kernels;              // instead, the launches of a plan, and what was fused into each
  const char *purpose;       // of which compilation then; NULL: "predict"
  const char *path;          // NULL: it is not written
} NacreDraw;
typedef struct {
  int boxes, arrows, depth;  // of what is drawn
  const char *dot;           // the text
  const char *json;          // "boxes":[…],"arrows":[…]: docs/json.md, graph
} NacrePicture;
NacreStatus nacre_draw(NacreModel *m, const NacreDraw *d, NacrePicture *out);
// What a step takes, as statistics that have settled: median and 95 % interval of several runs, each a process of its own, with
// a first run whose caches are empty but for what nacre_tune found. A line, or with NacreOptions.json an object, for each batch size. The device must not
// have been opened in this process (E0502: OpenCL does not survive fork). Needs the data. Errors: NACRE_DATA, NACRE_RUN: no
// folder for the empty caches (E0602).
typedef struct {
  const char *purpose;       // as in NacreProfileOptions
  int runs;                  // 0: 3
  double seconds;            // of measuring, at most, for each batch size; 0: 10
  int batches;               // 0: the model's own
  const int64_t *batch;
} NacreBenchOptions;
NacreStatus nacre_bench(NacreModel *m, const NacreBenchOptions *o, NacreWrite *write, void *ctx);
// A trained model (nacre_open_run) as one page of HTML that needs no network: curves, confusion, calibration, mistakes, weights and
// gradients, the network (through Graphviz, if it is there), the environment and the model card. What cannot be had, because the
// data are gone or no device is there, is left out with a line that says why. Errors: NACRE_RUN: this is no run (E0604).
NacreStatus nacre_report(NacreModel *m, NacreWrite *write, void *ctx);
// Searches, for the products and convolutions of a model on its device, the block sizes and ways that are quickest, and keeps them
// in the user's cache folder, for that device and driver: plans that are made from then on follow them, for these sizes and
// for near ones. Candidates run in child processes, and their results are compared with the definition. Each that is done
// is kept at once and not searched again. A line, or an object, for each, and one at the end. The device must not have been
// opened in this process. Errors: NACRE_RUN: a file cannot be read or written (E0601, E0602). NACRE_USAGE: `import` is no
// such file, or of another device (E0702).
typedef struct {
  double seconds;            // after which no further one is begun; 0: 60
  const char *output;        // a copy of all that is known of this device; NULL: none
  const char *import;        // such a copy, whose findings are taken before anything is searched; NULL: none
} NacreTuneOptions;
NacreStatus nacre_tune(NacreModel *m, const NacreTuneOptions *o, NacreWrite *write, void *ctx);
// Runs the file's own tests on the reference evaluator and on the device. NACRE_RUN when one fails.
NacreStatus nacre_test(NacreModel *m, NacreWrite *write, void *ctx);

// ---- without a model; any thread may call these at any time. *error is set to a message that the caller frees with
// nacre_free (warnings too, with NACRE_OK), or to NULL. Errors: NACRE_USAGE: a name or option is unknown (E0702, E0704);
// NACRE_RUN: a file or folder cannot be read (E0601, E0604); NACRE_MODEL: the text is wrong (E01; nacre_format).

void nacre_free(char *text);
// One layout for `.nn` text. `check`: only says (NACRE_RUN) whether the text is laid out otherwise.
NacreStatus nacre_format(const char *name, const char *text, size_t size, bool check, const NacreOptions *o,
                         NacreWrite *write, void *ctx, char **error);
// Writes a file beside and renames it: a reader never sees half of it, and nobody what was cut short. A link leads to the file
// that it names; what is there and no file (/dev/stdout) is written into. Errors: NACRE_RUN: it cannot be written (E0602).
NacreStatus nacre_write_file(const char *path, const void *bytes, size_t size, const NacreOptions *o, char **error);
// A layer, function, source, setting or error code; NULL: all words by topic.
NacreStatus nacre_explain(const char *name, const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// All words of the language, each as nacre_explain tells it but for the source, as one page of Markdown.
NacreStatus nacre_reference(const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
NacreStatus nacre_devices(const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// The language's words for an editor: "vim" (a syntax file) or "textmate" (a grammar as JSON).
NacreStatus nacre_syntax(const char *editor, const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// The runs below a folder (NULL: "runs"), those of a training with several seeds too, the oldest first, as a table, or as JSON lines.
NacreStatus nacre_runs(const char *folder, const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// What differs between two run directories: settings, data, versions, lines of the source, results.
NacreStatus nacre_diff(const char *a, const char *b, const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// Looks at a CSV file, an IDX or NPY file with its labels beside it, an NPZ file, the folder of CIFAR, or a folder of images, and
// writes the text of a model that learns it. `target`: the column to predict, NULL where the names and values of a CSV file's columns shall decide.
NacreStatus nacre_new(const char *data, const char *target, const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// Every kernel family on every device against the reference. NACRE_DEVICE when a verdict is bad.
NacreStatus nacre_doctor(const NacreOptions *o, NacreWrite *write, void *ctx, char **error);
// Runs a plan from its text (inputs zero), prints its outputs.
NacreStatus nacre_run_plan(const char *name, const char *text, size_t size, const NacreOptions *o,
                           NacreWrite *write, void *ctx, char **error);

#ifdef __cplusplus
}
#endif
#endif
