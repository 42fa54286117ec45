// The data and train declarations, evaluated.
#ifndef NC_RECIPE_H
#define NC_RECIPE_H
#include "elab/tensor.h"

typedef struct NcDataset {
  NcInfo *info;
  const NcFn *fn;              // its hyperparameters, bound
  NcSourceSpec *spec;
  NcFields fields;
  NC_VEC(NcSplitPart) split;
  const NcExpr *where;         // which examples count; NULL: all
  const char *split_by, *balance;   // as in NcRecipe
  bool failed;
} NcDataset;

// Opens the data once per program: evaluates its source and asks the caller for the fields. NULL after errors.
NcDataset *nc_dataset(NcElab *e, NcInfo *info, NcRange at);
// Binds hyperparameters, raw fields (inputs of the current graph) and derived ones in a scope.
bool nc_dataset_bind(NcElab *e, NcDataset *ds, NcScope *scope);
NcGraph *nc_dataset_where(NcElab *e, NcDataset *ds);             // NULL after errors
int64_t nc_dataset_train_examples(const NcDataset *ds);          // 0: not known before it is read

// A stage or a step of a train block, with what it takes over from the block. A plain block is its own one part.
typedef struct {
  const NcStmt *at;          // NULL: the block itself, and then no name
  const char *name;
  const NcExpr *loss, *only, *optimizer, *epochs, *steps, *patience;
  bool broken;               // an error in it is told already
} NcTrainPart;

// The settings of a train block, found once; expressions are evaluated when their graph is built.
typedef struct {
  const NcDecl *decl;
  const NcExpr *loss, *only, *optimizer, *epochs, *steps, *patience;
  const NcExpr *metrics, *log, *keep, *batch, *accumulate, *recompute, *ema, *checkpoint, *seed;
  bool stages, steps_in_turn;     // what the parts are; neither in a plain block
  NC_VEC(NcTrainPart) part;
} NcTrainKeys;
bool nc_train_keys(NcElab *e, const NcDecl *d, NcTrainKeys *out);
NcRecipe *nc_recipe(NcElab *e, const NcTrainKeys *k, NcDataset **data);

bool nc_recipe_keep(NcElab *e, const NcTrainKeys *k, NcRecipe *r);    // which checkpoint is best
bool nc_is_validated(NcElab *e, const NcRecipe *r, NcRange at, const char *what);   // E0312 where nothing is, for what follows it

// All graphs of the train block. False after errors.
bool nc_train_graphs(NcElab *e, NcProgram *p, const NcTrainKeys *k, NcDataset *ds, NcInstance *model);
// The model that `train` names; NULL after an error, or (*named false) where the name stands for the steps together.
NcInstance *nc_train_model(NcElab *e, const NcTrainKeys *k, bool *named);

// optimize.c: gradients of a part's loss, and what is done with them.
typedef struct {
  const NcTrainPart *part;
  bool gather;               // only adds them up
  int64_t accumulate;
  double ema;
} NcOptimize;
bool nc_optimize(NcElab *e, const NcOptimize *o, NcTensor *loss);

// trained.c: what `only` and `frozen` leave to be trained, and averages of weights.
bool nc_only(NcElab *e, const NcTrainKeys *k, const NcExpr *x);          // sets e->only, from a list of paths
bool nc_only_found(NcElab *e);                           // after the forward graph: E0313 for paths that name nothing
bool nc_is_trained(const NcElab *e, const NcVar *v);
NcVar *nc_side_var(NcElab *e, const NcVar *of, const char *kind);   // "sum" or "ema": of the same type, beside a parameter
// A model by itself: its tensors are inputs by their names, its value is "output", or outputs by their names.
NcGraph *nc_model_graph(NcElab *e, NcInfo *info, bool training);
void nc_output_value(NcElab *e, const char *name, NcValue v);     // a tensor, or the items of a tuple by their names
void nc_forget(NcElab *e, const char *name);      // starts anew, with no variables, instances or graph but this
bool nc_elab_tests(NcElab *e, NcTests *out);      // all test blocks of the file; false after errors
void nc_check_unused(NcElab *e, bool built);      // unused.c; built: what is trained, or predicts, could be
NcTensor *nc_counter(NcElab *e, const char *name);   // train.c: an input that counts
// task.c
void nc_tasks(NcElab *e, NcProgram *p);
bool nc_symbolic_arguments(NcElab *e, const NcInfo *info, const NcFn *fn, const NcTaskCall *call, NcActual *arg);
bool nc_is_overall(const char *output);           // an output of `eval` that is no metric but goes into `finish`
bool nc_part_overall(NcElab *e, NcGraph **eval, NcGraph **finish);     // false after E0306
#endif
