// The data and train declarations, evaluated.
#ifndef NC_RECIPE_H
#define NC_RECIPE_H
#include "elab/tensor.h"

typedef struct NcDataset {
  const NcInfo *info;
  const NcFn *fn;              // its hyperparameters, bound
  NcSourceSpec *spec;
  NcFields fields;
  NC_VEC(NcSplitPart) split;
  bool failed;
} NcDataset;

// Opens the data once per program: evaluates its source and asks the caller for the fields. NULL after errors.
NcDataset *nc_dataset(NcElab *e, const NcInfo *info, NcRange at);
// Binds hyperparameters, raw fields (inputs of the current graph) and derived ones in a scope.
bool nc_dataset_bind(NcElab *e, NcDataset *ds, NcScope *scope);
int64_t nc_dataset_train_examples(const NcDataset *ds);          // 0: not known before it is read

// The keys of a train block, found once; expressions are evaluated when their graph is built.
typedef struct {
  const NcDecl *decl;
  const NcExpr *loss, *metrics, *log, *optimizer, *keep, *batch, *epochs, *steps, *seed;
} NcTrainKeys;
bool nc_train_keys(NcElab *e, const NcDecl *d, NcTrainKeys *out);
NcRecipe *nc_recipe(NcElab *e, const NcTrainKeys *k, NcDataset **data);

bool nc_recipe_keep(NcElab *e, const NcTrainKeys *k, NcRecipe *r);    // which checkpoint is best

// A graph of the train block. `optimize` adds gradients and updates; `watch` makes the first call of that model the
// only output.
NcGraph *nc_train_graph(NcElab *e, const char *name, const NcTrainKeys *k, NcDataset *ds, NcRecipe *r, bool training,
                        NcInstance *watch);
NcInstance *nc_train_model(NcElab *e, const NcTrainKeys *k);
bool nc_optimize(NcElab *e, const NcExpr *optimizer, NcTensor *loss);
// A model by itself: its tensors are inputs by their names, its value is "output", or outputs by their names.
NcGraph *nc_model_graph(NcElab *e, NcInfo *info, bool training);
void nc_output_value(NcElab *e, const char *name, NcValue v);     // a tensor, or the items of a tuple by their names
void nc_forget(NcElab *e, const char *name);      // starts anew, with no variables, instances or graph but this
bool nc_elab_tests(NcElab *e, NcTests *out);      // all test blocks of the file; false after errors
// task.c
void nc_tasks(NcElab *e, NcProgram *p);
bool nc_symbolic_arguments(NcElab *e, const NcInfo *info, const NcFn *fn, const NcTaskCall *call, NcActual *arg);
NcGraph *nc_pruned(NcElab *e, NcGraph *g);
#endif
