// Inside elaboration: values, scopes, instances and the one walk that checks and builds at the same time.
//
//   size.c      sizes in normal form              value.c     values and how messages call them
//   report.c    errors, places, nearest names     tensor.c    graph nodes with symbolic axes
//   arith.c     operators and broadcasting        expr.c      expressions
//   index.c     [ ]                               pattern.c   einsum, rearrange
//   type.c      declared types against values     call.c      arguments, functions
//   instance.c  layers, paths, variables          stmt.c      blocks
//   calls.c     which call made which node
//   scan.c      loops at run time
//   keys.c      settings of train               trained.c   only, frozen, averages
//   module.c    files, names, constants, --set    prelude.c   its declarations, read when they are used
//   data.c, train.c, test.c, program.c
//   weights.c   values from files
//   task.c      tasks                           derive.c    grad(e, x)
//   notation*.c index notation                   unused.c    what nothing calls
//   builtin*.c  what the language provides by itself; plateau.c: the schedule that follows the validation
#ifndef NC_ELAB_H
#define NC_ELAB_H
#include "elab/program.h"
#include "elab/size.h"
#include "ops/op.h"

typedef struct NcElab NcElab;
typedef struct NcModule NcModule;
typedef struct NcInfo NcInfo;
typedef struct NcInstance NcInstance;
typedef struct NcBuiltin NcBuiltin;
typedef struct NcWeights NcWeights;
typedef struct NcValue NcValue;

// ---- values ----

typedef enum {
  NC_V_POISON,     // stands for an expression whose error is already reported; silences what follows
  NC_V_INT, NC_V_FLOAT, NC_V_BOOL, NC_V_STR,
  NC_V_TENSOR, NC_V_TUPLE, NC_V_LIST,
  NC_V_FN,         // fn, layer or model, with its hyperparameters when `bound`
  NC_V_INSTANCE,   // a layer with its own parameters
  NC_V_BUILTIN,    // provided by the compiler, perhaps with a shape: zeros[B, n]
  NC_V_PATTERN,    // einsum[…] or rearrange[…]
  NC_V_DATA, NC_V_MODULE
} NcValueKind;

typedef struct NcTensor NcTensor;
struct NcTensor {
  NcNode *node;
  const NcGraph *graph;    // the one that node is in
  int rank;
  int along;               // rank 1, from along(axis, x): lies on this axis of what it meets; -1 otherwise
  NcRange at;              // the expression that made it
  const NcTensor *before;  // what was piped into that
  NcSize dim[];            // [rank]
};

typedef struct {
  NcInfo *info;
  bool bound;
  const NcValue *hyper;    // [info->decl->hyper.n] when bound
  NcRange at;
} NcFn;

typedef struct {
  const NcBuiltin *builtin;
  int nshape;              // -1: no shape given
  const NcSize *shape;
} NcBound;

struct NcValue {
  NcValueKind kind;
  NcRange at;
  union {
    NcSize size;
    double f;
    bool b;
    const char *s;
    NcTensor *t;
    struct { int n; const NcValue *item; const char *const *name; } list;   // name: NULL, or [n] with NULLs
    const NcFn *fn;
    NcInstance *inst;
    const NcBound *bound;
    const NcExpr *pattern;
    NcInfo *info;            // DATA
    const NcModule *module;
  };
};

NcValue nc_v_poison(void);
NcValue nc_v_int(NcRange at, NcSize s);
NcValue nc_v_float(NcRange at, double f);
NcValue nc_v_bool(NcRange at, bool b);
NcValue nc_v_str(NcRange at, const char *s);
NcValue nc_v_tensor(NcRange at, NcTensor *t);                    // poison when t is NULL
NcValue nc_v_items(NcElab *e, NcValueKind k, NcRange at, int n, const NcValue *item);
bool nc_v_number(const NcValue *v, double *out);                 // int or float
bool nc_v_callable(const NcValue *v);
const char *nc_v_describe(NcElab *e, const NcValue *v);          // "f32[B, 10]", "the integer 3", "the layer `dense`"
const char *nc_t_describe(NcElab *e, const NcTensor *t);         // "f32[B, 10]"
const char *nc_dims_describe(NcElab *e, NcDtype t, int rank, const NcSize *dim);
const char *nc_size_describe(NcElab *e, NcSize s);   // "B * 2", with its value when it has symbols: "B * 2 = 64"

// ---- names ----

typedef struct NcVar NcVar;
typedef struct NcLocal {
  struct NcLocal *before;    // bound before it in the same scope
  const char *name;
  NcValue value;
  NcRange at;
  NcVar *var;
  const struct NcScan *scan; // of a param or state: the innermost one around its declaration
  const void *each;          // an index of a `for` (NcIndex), or what depends on one; NULL elsewhere
} NcLocal;
typedef struct NcScope { struct NcScope *up; NcLocal *last; } NcScope;

// What a call gave; one with equal arguments in the same circumstances gives the same.
typedef struct {
  const NcGraph *graph;
  const struct NcScan *scan;
  bool averaged, training;   // training: not within what is frozen
  int n;
  const NcValue *arg;
  NcValue result;
} NcMemo;

// A declaration where it stands.
struct NcInfo {
  const NcDecl *decl;        // NULL of the prelude, until it is used
  NcRange text;              // there: where it stands
  NcModule *module;
  const NcExpr **set;        // [hyper.n] or one for a const: values from --set, NULL where not given
  const NcGraph *graph;      // CONST: the graph that `value` was built in
  NcValue value;
  bool busy;                 // CONST: being evaluated
  bool called;               // FN, LAYER, MODEL: somewhere in the file
  NcWeights *weights;        // WEIGHTS: once it is used
  NC_VEC(NcMemo) memo;       // FN without tensors: calls with equal hyperparameters in one graph are one
};

struct NcModule {
  const char *name;          // as the user gave it
  NcFile *file;
  bool prelude, broken;      // broken: it has syntax errors
  NcMap decl;                // name → NcInfo
  NcMap import;              // name → NcModule
};

// ---- instances ----

struct NcVar {
  NcVariable pub;
  NcSize dim[NC_MAX_RANK];
  bool frozen, failed;       // failed: its initial value has an error
  const NcStmt *declared;
  NcInstance *owner;
  const NcGraph *graph;      // the last graph that used it, and there:
  NcNode *now, *next;        // its value, and the one that `update` gives it
  NcVar *average;            // of a parameter, where `ema` keeps one
  bool averaging;            // some part before this one trains it
};

typedef struct { const void *site; uint64_t turn; NcInstance *inst; } NcChild;
struct NcInstance {
  const NcFn *fn;            // NULL for the root
  const char *name, *path;   // path "" for the root
  uint32_t layer;            // NcRange.layer of what is made in it
  const char *suffix;        // optimizers: ".mlp.dense.weight", behind the variable's name
  NcInstance *up;
  bool frozen;               // itself, as `as name frozen` says
  NcInstance *average_of;    // what `net.ema` names: net with the averages of its weights
  const NcWeights *from;     // `from weights`: where its variables start
  NcRange from_at;
  NC_VEC(NcChild) child;
  NcMap last;                // by name: the number that the last child of that name has in its own (instance.c)
  NC_VEC(NcVar *) var;
  NC_VEC(NcMemo) memo;       // calls with equal arguments in one graph are one call
};

// ---- the walk ----

// A path in `only`: as it is written, and from the trained model on.
typedef struct { const char *path, *deep; NcRange at; } NcOnly;

typedef struct NcFrame NcFrame;
struct NcFrame {
  NcFrame *up;
  const NcModule *module;
  NcScope *scope;
  const NcInfo *info;        // what is being called; NULL at the top
  NcInstance *inst;          // owner of parameters; in a fn the caller's, and then `pure`
  bool pure;
  NcRange call;
  uint64_t turn;             // which turns of which repeats
  uint64_t site;             // random: base of this call's sites, and how many were used
  int *randoms;
  int depth;
};

// Numbers made up for a declaration that nothing calls: `size`, `size + step`, … for the sizes that its types name.
typedef struct {
  int64_t size, step, whole;   // whole: for an `int` without a default
  bool truth;
  int axes;                    // of `S...`
  bool refused;                // by an assertion
} NcTrial;

struct NcElab {
  NcArena *arena;
  NcDiag *diag;
  const NcProgramOptions *opt;
  NcMap names;               // interned
  NcMap builtin;             // name → NcBuiltin
  NcSizes sizes;
  NcModule *prelude, *user;
  NC_VEC(NcModule *) modules;
  NcGraph *graph, *init;     // being built
  bool training;
  bool evaluation;           // the graph of evaluation is built: `overall` parts it
  int64_t batch;             // the value of the symbol B
  NcTask *task;              // being built
  int64_t assumed;           // of other sizes that nothing tells yet; 0: 16
  NcTrial *trial;            // while what nothing calls is checked
  const char *guess;         // the first of those sizes in this call; NULL: all are known
  bool dead;                 // gave up: too deep or too much
  int depth;
  long work;
  NcFrame *frame;
  NcInstance *root;
  bool models;               // names of models mean their one instance: in train and test blocks
  const void *site;          // the call in the tree: what distinguishes a layer's instances
  const char *as;            // name for the next instance, from `as`
  bool as_frozen;
  bool as_layer;             // what is evaluated is to be called `as` something: a model is a layer there
  const NcWeights *as_from;
  NcRange as_from_at;
  NC_VEC(NcVar *) var;       // of the whole program, in order
  NcMap by_path, datasets;
  NC_VEC(NcLayerRow) row;
  bool rows;                 // collect them
  int row_depth;
  struct NcCalls *calls;     // with them: which call made which node
  NcTensor *iteration;       // in the step graph: updates done so far, in this stage
  NcTensor *moment;          // there: what makes random numbers differ from turn to turn; NULL: the same
  NcTensor *micro;           // there, with `accumulate`: which of the small batches this is
  NC_VEC(NcOnly) only;       // what the part trains
  bool only_given;
  double ema;                // decay of the averages of weights; 0 without
  bool whole_loops;          // scans stay loops, however few their turns: decode takes them apart
  bool averaged;             // parameters mean their averages, where there are some
  NcTensor *grad_norm;       // while the optimizer is applied
  struct NcScan *scan;       // the innermost one whose block is being evaluated
  NcTensor *turn;            // in it: which turn this is, counted over all scans around
  int64_t scan_macs;         // of blocks on placeholders, which are no part of what runs
  int scans;                 // of the whole program, to tell their placeholders apart
  int64_t total_steps;       // 0: not known
  NcRecipe *recipe;          // while its graphs are built
  NcInstance *watch;         // predict: the model whose first call is wanted
  NcValue watched;
  NC_VEC(const char *) set_known;   // paths that --set could name
  bool *set_used;
};

NcRange nc_here(const NcElab *e, NcRange at);     // the user's own source, even inside the prelude, and the layer that is called
const char *nc_user_function(const NcElab *e);    // the function of the prelude that the user called; NULL outside
__attribute__((format(printf, 4, 5)))
NcMessage *nc_elab_error(NcElab *e, NcCode code, NcRange at, const char *fmt, ...);
void nc_elab_label(NcElab *e, NcMessage *m, NcRange at, const char *text);   // unless it is out of the user's sight
void nc_label_history(NcElab *e, NcMessage *m, const NcTensor *t);           // the shapes along the pipe
void nc_note_origin(NcElab *e, NcMessage *m, NcSize s);                      // "4608 = 32 channels × 12 × 12"
void nc_suggest(NcElab *e, NcMessage *m, const char *word, const char *const *names, int n);

const char *nc_name(NcElab *e, const char *s);    // interned
NcScope *nc_scope(NcElab *e, NcScope *up);
bool nc_scope_bind(NcElab *e, NcScope *s, const char *name, NcRange at, NcValue v);   // E0302 in the same scope
NcLocal *nc_lookup_local(NcScope *s, const char *name);
NcInfo *nc_find_decl(NcElab *e, const NcModule *m, const char *name);     // the module's own, else the prelude's
NcValue nc_lookup(NcElab *e, const NcName *n);                                  // E0301
void nc_name_must_exist(NcElab *e, const NcName *n);                            // in the user's file; E0301
void nc_argument_must_exist(NcElab *e, const NcDecl *d, const NcName *n);        // call.c: E0303
void nc_check_names(NcElab *e);                                                 // names.c

// expr.c, stmt.c
NcValue nc_expr(NcElab *e, const NcExpr *x);
NcValue nc_block(NcElab *e, const NcBlock *b);    // in a scope of its own
NcValue nc_block_here(NcElab *e, const NcBlock *b);
bool nc_expr_int(NcElab *e, const NcExpr *x, NcSize *out);
bool nc_expr_text(NcElab *e, const NcExpr *x, const char **out);
bool nc_truth(NcElab *e, NcValue v, NcRange at, bool *out);
bool nc_let(NcElab *e, const NcStmt *s);          // binds in the frame's scope

// scan.c
NcValue nc_scan(NcElab *e, const NcExpr *x);
bool nc_scan_next(NcElab *e, const NcBlock *b, const NcStmt *s, bool last);    // the statement `next` of block b

// scan_state.c: states in the innermost scan
void nc_scan_state(NcElab *e, NcVar *v);                              // from here on v->next is its value in the present turn
NcTensor *nc_scan_state_read(NcElab *e, const NcLocal *l);            // as it was when the turn began

// arith.c
NcValue nc_unary(NcElab *e, NcRange at, NcOperator op, NcValue a);
NcValue nc_binary(NcElab *e, NcRange at, NcOperator op, NcValue a, NcValue b);
// Brings operands to one shape and, where `promote`, to one element type. NULL after an error.
bool nc_meet(NcElab *e, NcRange at, const char *op, NcTensor **x, int n);
NcTensor *nc_arith(NcElab *e, NcRange at, const char *op, NcTensor *a, NcTensor *b);
// A tensor from a number, a truth value or a tensor; `like` gives numbers their element type where it can.
NcTensor *nc_to_tensor(NcElab *e, NcValue v, NcRange at, const NcTensor *like);
NcTensor *nc_to_float(NcElab *e, NcRange at, NcTensor *t);

NcValue nc_for(NcElab *e, const NcExpr *x);        // notation.c: index notation
NcValue nc_derive(NcElab *e, const NcExpr *x);     // derive.c: grad(e, x)
// Whether `from` leads to `to`: at all, and through floats alone. `stop` is the first node that a float enters and none leaves.
typedef struct { const NcNode *stop; bool any, smooth; } NcPath;
NcPath nc_path(const NcElab *e, const NcNode *from, const NcNode *to);
void nc_label_stop(NcElab *e, NcMessage *m, const NcNode *stop);

const NcTensor *nc_first_tensor(const NcValue *v);   // instance.c: of a tuple; NULL where there is none

// index.c, pattern.c
NcValue nc_index(NcElab *e, const NcExpr *x, NcValue a);
// Indices into axes of these sizes as one index into their product; -1 where one is out of range.
NcTensor *nc_gather_flat(NcElab *e, NcRange at, int n, NcTensor *const *index, const NcSize *size);
NcValue nc_einsum(NcElab *e, const NcExpr *x, NcRange at, int n, const NcValue *arg);
NcValue nc_rearrange(NcElab *e, const NcExpr *x, NcRange at, NcValue a);

// type.c: a declared type against a value. Unbound names are bound as sizes in the frame's scope.
NcValue nc_check_type(NcElab *e, const NcTypeExpr *t, NcValue v, const char *what, const char *of);
bool nc_eval_type(NcElab *e, const NcTypeExpr *t, NcDtype *dtype, int *rank, NcSize *dim);   // all names bound
bool nc_axes(NcElab *e, int n, NcExpr *const *axis, NcRange at, int *rank, NcSize *dim);          // B, n * 2, S...
bool nc_sizes_bound(NcElab *e, const NcModule *m, NcScope *scope, const NcExpr *x);
NcValue nc_symbolic(NcElab *e, const NcTypeExpr *t, const char *input);                      // an input of that type

// calls.c, while rows are collected: what nc_inline begins and ends; -1: nothing is collected
int nc_call_begins(NcElab *e, const NcInstance *inst, const NcInfo *info);
void nc_call_ends(NcElab *e, int call, const NcValue *result);
void nc_calls_keep(NcElab *e);                     // before the graph is pruned
void nc_calls_give(NcElab *e, NcProgram *p);

// call.c
typedef struct { const char *name; NcRange name_at; NcValue v; } NcActual;
NcValue nc_call(NcElab *e, NcValue f, NcRange at, int n, const NcActual *arg);
NcValue nc_bind_hyper(NcElab *e, NcInfo *info, NcRange at, int n, const NcActual *arg);
NcValue nc_call1(NcElab *e, NcValue f, NcRange at, NcValue x);

// instance.c
NcInstance *nc_instance(NcElab *e, const NcFn *fn, const void *site, const char *name, NcRange at);
bool nc_is_frozen(const NcElab *e, const NcInstance *i);          // works as in inference: trained.c
NcInstance *nc_averaged(NcElab *e, NcInstance *i);               // i with the averages of its weights
NcInstance *nc_model_instance(NcElab *e, NcInfo *info, NcRange at);
NcValue nc_call_instance(NcElab *e, NcInstance *i, NcRange at, int n, const NcActual *arg);
bool nc_same_value(const NcValue *a, const NcValue *b);
NcMemo nc_memo(const NcElab *e, int n, const NcValue *arg, NcValue result);
bool nc_memo_holds(const NcElab *e, const NcMemo *m);              // it was made in the present graph, loop, …
NcValue nc_inline(NcElab *e, NcInstance *inst, const NcFn *fn, NcRange at, int n, const NcActual *arg);   // call.c

// task.c: makes the layers of a model that nothing has called yet
void nc_meet_model(NcElab *e, NcInstance *inst);

int64_t nc_node_macs(const NcNode *n);

// variable.c
bool nc_declare(NcElab *e, const NcStmt *s);      // param, state
bool nc_update(NcElab *e, const NcStmt *s);
bool nc_initial(NcElab *e, const char *path, NcDtype t, int rank, const NcSize *dim, const NcExpr *x, NcRange at);
void nc_assign_all(NcElab *e);                    // effects for all that was updated in the current graph

// builtin.c
void nc_builtins_open(NcElab *e);
const NcBuiltin *nc_builtin(const NcElab *e, const char *name);
NcValue nc_call_builtin(NcElab *e, const NcBound *b, NcRange at, int n, const NcActual *arg);
NcValue nc_shaped(NcElab *e, const NcBuiltin *b, NcRange at, int nshape, const NcSize *shape);   // zeros[…]
bool nc_builtin_shaped(const NcBuiltin *b);
const char *nc_builtin_at(int i);       // names, in order; NULL past the end
const char *nc_builtin_name(const NcBuiltin *b);

// prelude.c: its declarations are read when they are used.
void nc_load_prelude(NcElab *e);
NcInfo *nc_prelude(NcElab *e, const char *name);        // NULL when it has none of that name

// module.c
NcModule *nc_load(NcElab *e, const char *name, const char *text, size_t size);
void nc_load_imports(NcElab *e, NcModule *m, int depth);
NcValue nc_const_value(NcElab *e, NcInfo *i, NcRange at);
NcValue nc_module_member(NcElab *e, const NcModule *m, const NcName *n);
const NcExpr *nc_set_for(NcElab *e, const char *path, bool text);    // the expression of --set PATH=…, or NULL
const char *nc_train_set_help(NcElab *e, const NcSet *s);           // for a path that belongs elsewhere, or NULL
void nc_set_finish(NcElab *e);                                       // E0703 for what nothing used

// program.c: the prelude and the file, loaded; `top` is the outermost frame. NULL when the prelude itself is broken.
NcElab *nc_elab_open(NcArena *a, NcDiag *d, const NcProgramOptions *o, NcFrame *top);

// weights.c
const NcWeights *nc_weights(NcElab *e, const NcName *name);       // of a `weights` declaration; NULL after errors
void nc_weights_match(NcElab *e);                                 // every layer `from` a file; E0411 for what does not fit

// data.c
bool nc_data_member(NcElab *e, NcInfo *info, const char *name, NcRange at,
                    NcValue *out);   // points.n, shakespeare.vocabulary

#endif
