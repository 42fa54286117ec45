// What the language provides by itself: one row per function, in the tables of builtin_*.c.
#ifndef NC_BUILTIN_H
#define NC_BUILTIN_H
#include "elab/tensor.h"

enum { NC_MAX_ARGS = 8 };

// A call, its arguments in the order of the row's parameters.
typedef struct {
  NcElab *e;
  NcRange at;
  const NcBuiltin *row;
  const NcBound *bound;           // the shape of zeros[B, n]
  bool has[NC_MAX_ARGS];
  NcValue v[NC_MAX_ARGS];
  const char *op;                 // the row's `op`
} NcArgsOf;

struct NcBuiltin {
  const char *name;
  const char *params;   // "x axis? keep?": `?` may be left out, `*` takes all that come without a name, as a list
  const char *doc;                // for `nacre explain`
  NcValue (*call)(NcArgsOf *c);
  const char *op;                 // what the functions of one kind differ in
  enum { NC_NO_SHAPE, NC_MAY_SHAPE, NC_NEEDS_SHAPE } shape;   // name[…]
};

NcValue nc_decode(NcArgsOf *c);                                      // decode.c

extern const NcBuiltin *const nc_builtin_tables[];                 // ended by NULL
extern const NcBuiltin nc_builtins_shape[], nc_builtins_math[],
    nc_builtins_nn[], nc_builtins_pick[], nc_builtins_attention[], nc_builtins_plateau[];   // each ended by a row without a name

bool nc_pointwise_function(const NcOp *op);                          // it can be called by its name
NcValue nc_pointwise(NcArgsOf *c);                                 // the operation `op` of one operand
NcValue nc_overall(NcArgsOf *c);                                   // overall.c

// Arguments as what is needed; an error is reported once and the result is NULL or false.
NcTensor *nc_arg_t(NcArgsOf *c, int i);                              // numbers become scalars
bool nc_arg_int(NcArgsOf *c, int i, NcSize fallback, NcSize *out);
bool nc_arg_whole(NcArgsOf *c, int i, int64_t fallback, int64_t *out);
bool nc_arg_num(NcArgsOf *c, int i, double fallback, double *out);
bool nc_arg_bool(NcArgsOf *c, int i, bool fallback, bool *out);
bool nc_arg_axis(NcArgsOf *c, int i, const NcTensor *x, int fallback, int *out);
bool nc_arg_axes(NcArgsOf *c, int i, const NcTensor *x, int *n, int64_t *out);   // absent: all axes
// One integer for all, or a list of `n`.
bool nc_arg_each(NcArgsOf *c, int i, int n, int64_t fallback, int64_t least, int64_t *out);
NcValue nc_arg_bad(NcArgsOf *c, int i, const char *need);            // E0205
#endif
