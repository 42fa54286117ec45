// From a parsed file to graphs: elaboration. It checks names, kinds and shapes (sizes are symbols with a
// value, so that [B,H] + [B] is an error even when B equals H), inlines layers and the prelude, unrolls
// `repeat`, and builds one concrete graph per purpose.
#ifndef NC_PROGRAM_H
#define NC_PROGRAM_H
#include "data/spec.h"
#include "front/ast.h"
#include "graph/graph.h"

// weights imagenet = safetensors("resnet18.safetensors", names = "torchvision"), or run("runs/digits"), evaluated.
typedef struct {
  const char *name;        // as declared
  NcRange at, path_at, names_at;
  bool run;                // `path` is a run directory, of which `checkpoint` is taken (NULL: best, else last)
  const char *path, *names, *checkpoint;   // names: a map of names, or NULL
  const char *part;        // the sub-tree to take: "encoder"; NULL: found by the layer's own names
} NcWeightSpec;
typedef struct { const char *name; NcType type; } NcWeight;
typedef struct { bool absent; int n; const NcWeight *at; } NcWeightList;

// What the compiler cannot know by itself is asked from the caller: it reads no file that it was not handed.
typedef struct {
  void *ctx;
  // The fields that a data source will give (lib/data: nc_source_describe). False after an error.
  bool (*describe)(void *ctx, NcDiag *d, const NcSourceSpec *spec, NcFields *out);
  // The text of an imported file. NULL after an error (E0308).
  const char *(*import)(void *ctx, NcDiag *d, NcRange at, const char *path, const char *from, size_t *size);
  // The tensors that a file of weights holds, under the names that its map gives them. `absent` where there is no such
  // file (yet): then nothing is checked before it is read. False after an error.
  bool (*weights)(void *ctx, NcDiag *d, const NcWeightSpec *spec, NcWeightList *out);
} NcHooks;

// --set path=value; `shown` is what messages call it, where it was said otherwise.
typedef struct { const char *path, *value; NcRange at; const char *shown; } NcSet;

// One variable of the program; checkpoints hold its path.
typedef struct {
  const char *path;        // "mlp.dense.weight"
  const char *kind;        // param, state, opt; ema: an average of a parameter; sum: gradients, within an update
  int stage;               // opt: from 1, the only stage that has it; 0: all of them
  NcType type;
  NcRange at;              // where it is declared
  const NcWeightSpec *from;   // its starting value is in that file, as `tensor` (NULL where the file was absent)
  const char *tensor;
} NcVariable;

// A call of a layer, for `nacre summary`; children follow their parent, one deeper.
typedef struct {
  int depth;
  const char *name, *path; // layer's name; instance path
  NcType type;             // of the result (tuples: of the first); batch in axis 0 where `batched`
  int64_t params;          // parameters owned below and here, shared ones counted once
  int64_t macs;            // multiply-adds per example of its dots and convolutions, below and here
  NcRange at;
} NcLayerRow;

// A call of a layer or function while NcProgram.drawn was built, for pictures: which nodes came of it.
typedef struct {
  int up;                  // the call around it, which comes before it; -1: none
  const NcDecl *decl;
  const char *path;        // of a layer's instance; NULL of a function
  const char *family;      // of the prelude's words, the file that they stand in: "norm"; NULL of the user's own
  NcType type;             // of the result (tuples: of the first)
  NC_VEC(const NcNode *) node;   // made by it, but for those of calls inside; what nothing uses is among them
} NcCall;

// A stretch of the training with an optimizer of its own; a training without stages is one. Each update of it takes
// `parts` graphs in turn, on the same batch: NcProgram.update from `first` on.
typedef struct {
  const char *name;                 // NULL without stages
  int64_t epochs, steps;            // steps 0: by epochs
  int64_t patience;                 // validations in a row without a better one after which it ends; 0: it does not
  int first, parts;
} NcStage;

// A schedule that follows the validation. How often it has fallen is an input of the training graphs, by this name and its place.
#define NC_PLATEAU_INPUT "plateau "
enum { NC_MAX_PLATEAUS = 4 };
typedef struct {
  int64_t patience, cooldown;       // validations
  double threshold;                 // relative
  NcRange at;
} NcPlateau;

// The training recipe, evaluated.
typedef struct {
  const char *name;                 // of the train declaration's model
  const char *data;                 // of the data declaration
  int64_t batch, epochs, steps;     // steps 0: by epochs; of the first stage
  NC_VEC(NcStage) stage;            // at least one
  int64_t accumulate;               // batches to an update
  int64_t recompute;                // stretches of the forward part; 1: all that gradients read is kept
  int64_t every;                    // steps between checkpoints; 0: at the ends of epochs only
  double ema;                       // decay of averaged weights; 0: none
  uint64_t seed;
  NC_VEC(const char *) metrics;     // names of outputs of `eval` and `step`, in order: "accuracy"; always after "loss"; where there are
                                    // steps in turn, the loss of each by its name, and "loss" is their sum
  const char *keep;                 // the metric of the best checkpoint ("loss" by default; NULL: there is no best)
  bool keep_max;
  const char *loss;                 // the prelude's function that the loss is a call of, "cross_entropy"; NULL: something else
  NC_VEC(NcPlateau) plateau;        // they follow the metric that is kept
  NcSourceSpec *source;
  NC_VEC(NcSplitPart) split;        // train, valid, test
  const char *split_by;             // "order", or the field by which the data is split: NULL: by chance
  const char *balance;              // the field of labels whose classes training draws from alike; NULL: from all examples
  NcGraph *where;                   // of a batch of raw fields: which examples count, bool[B]; NULL: all
  NcFields fields;                  // raw fields of the source
} NcRecipe;

// A text to be gone on with while a task runs: `decode`. The task's graph takes the result as an input.
typedef struct {
  const char *name;        // of that input: "decode.0", i32[batch, given + more]
  NcGraph *prompt;         // output "prompt", i32[batch, given]; inputs: the task's, and the results of decodes before
  NcGraph *full;           // the model: input "tokens" i32[batch, window], output "output" f32[batch, window, vocabulary]
  // The model for one position: inputs "tokens" i32[batch, 1] and "position" i32[], output "output" f32[batch,
  // vocabulary]; effects fill the caches, variables of kind "cache".
  NcGraph *step;
  // Many positions in one go: inputs "tokens" i32[batch, window] and "count" i32[]; effects fill the caches as `count`
  // steps would. NULL where nothing is kept, or what recurrent layers keep.
  NcGraph *fill;
  int64_t batch, given, more, window, vocabulary;
  double temperature, top_p;   // temperature 0: the most probable token
  int64_t top_k;               // 0: all
  NcRange at;
} NcDecode;

// A task of the file: something to compute with trained weights. Its graph's inputs are the declared tensors by their
// names, its outputs "output" or the names of the tuple it gives.
typedef struct {
  const char *name;
  const NcDecl *decl;      // hyperparameters, tensors and result as declared
  NcGraph *graph;          // NULL where it needs values that only a run gives
  NC_VEC(NcDecode) decode; // in the order in which they are to be made
} NcTask;

// Builds one task for the inputs of a run; its hyperparameters come through NcProgramOptions.set, as `task.n`.
typedef struct { const char *name; NcType type; } NcTaskInput;
typedef struct { const char *name; int inputs; const NcTaskInput *input; } NcTaskCall;

// The tensors that a declaration takes, one by one: those of a tuple by its name and theirs, "pair.left", or their number, "pair.0".
typedef struct { int n; const NcFormal *at; } NcLeaves;
NcLeaves nc_leaves(NcArena *a, const NcDecl *d);

// What an update consists of. With `accumulate = k`, `gather` runs k - 1 times before `graph`, on small batches.
typedef struct {
  const char *name;        // of the stage or step; NULL without
  const char *purpose, *gather_purpose;   // "step", "gather"; "step.critic", "gather.critic"
  NcGraph *graph, *gather; // gather NULL without `accumulate`
} NcUpdate;

typedef struct {
  NcArena *arena;
  NcDiag *diag;
  NcFile *file;
  NcRecipe *recipe;        // NULL when the file has no train declaration
  // Graphs; inputs are raw data fields by name ("image"), `step` (i32 scalar, from 0) and `seed` (through random).
  // Training also has `iteration` (i32, in a stage), `micro` (i32, of `accumulate`) and `plateau 0`, … (i32), where they
  // are used.
  NC_VEC(NcUpdate) update; // of all stages, in order
  NcGraph *step;           // the first of them: outputs "loss" and metrics; effects update parameters, states, optimizer
  // inference: outputs "loss" and metrics, each over a full batch of `batch` examples. There is no padding: for the
  // remainder of a data set (and for any other batch) call nc_program again with that NcProgramOptions.batch. Paths
  // and names are the same.
  NcGraph *eval;
  // What is known of an evaluation only when all batches are done (NULL: nothing): outputs are metrics, inputs the means
  // over all examples of the outputs of `eval` that are called alike ("overall 0", …).
  NcGraph *finish;
  // inference: output "output" (or the model's named outputs), inputs: the fields the model's arguments need
  NcGraph *predict;
  NcGraph *init;           // pure: one output per variable, named by its path
  NC_VEC(NcVariable) variable;
  NC_VEC(NcLayerRow) row;  // of the inference compilation
  const NcGraph *drawn;    // that compilation, whose nodes `call` has: `predict`, or `eval` before it was parted
  NC_VEC(NcCall) call;
  NC_VEC(NcTask) task;
  int64_t batch;           // the value the symbol B had
} NcProgram;

typedef struct {
  const char *name;        // source's name as the user gave it
  const char *text;
  size_t size;
  int nset;
  const NcSet *set;
  NcHooks hooks;
  int64_t batch;           // 0: the recipe's, else 32 without one
  // Build this model (no train declaration needed); NULL: the train declaration's, else the last model.
  const char *model;
  const NcTaskCall *task;  // build this task for these inputs, and leave out the file's tests; NULL: check all tasks
} NcProgramOptions;

// Parses, checks and elaborates everything in the file. Returns NULL when there are errors in `d`.
NcProgram *nc_program(NcArena *a, NcDiag *d, const NcProgramOptions *o);

// The file's own tests: each yields graphs whose outputs must hold. See test.c.
typedef struct {
  const char *name;
  NcRange at;
  NcGraph *graph;                      // outputs "expect 0", … (bool): all elements must be true
  NC_VEC(NcRange) expect;              // place of each
  // Outputs "loss" and one gradient per differentiable input and variable, named after it.
  NC_VEC(NcGraph *) gradcheck;
  NcGraph *init;                       // starting values of the variables in them
} NcTest;
typedef struct { NC_VEC(NcTest) test; } NcTests;
bool nc_program_tests(NcArena *a, NcDiag *d, const NcProgramOptions *o, NcTests *out);
#endif
