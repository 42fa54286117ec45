// The emitter: OpenCL C for one element of a value at given index expressions (or for W neighbouring elements at
// once, one per lane). It recurses from a region's outputs to its inputs: pointwise rows by their
// template, movement as index arithmetic, inputs as loads, and every structural operation as plain loops, so that
// any graph can be computed anywhere, if slowly; the fast forms hand it values that they computed otherwise.
//
// Text goes to scopes: scope 0 is the kernel's body, and each loop or guard opens one more. A value is written to the
// outermost scope that its index expressions (and the guards around it) allow, and remembered there: it is
// computed once per scope, and what does not depend on a loop stands before it.
#ifndef NC_EMIT_H
#define NC_EMIT_H
#include "gen/gen.h"
#include "gen/index.h"

enum { NC_SCOPES = 64 };

// What was written for a value: an expression without side effects, usually a name.
typedef struct {
  const char *s;
  NcDtype t;
  bool vec;          // a vector with one value per lane
  int level;         // of the scope that defines it
} NcVal;

typedef struct {
  const NcNode *node;
  NcIx *coord[NC_MAX_RANK];
  NcVal val;
} NcMemo;

typedef struct {
  NcBuf text;
  NC_VEC(NcMemo) memo;
  bool guard;        // entered only when a condition holds: nothing reached inside may be computed outside
} NcScope;

// A kernel's pointer argument: a plan buffer, seen as elements of an OpenCL type.
typedef struct { int buffer; const char *type; bool read, written; } NcUse;

// What the trial of a loop order found, per innermost iteration of the lane loop.
typedef struct { int unit, same, gather, ops; } NcTally;

typedef struct {
  NcPlacement *p;
  const NcRegion *region;
  NcArena *arena;
  NcIxs ix;
  const char *idx;            // integer type of indices: int or long
  int lanes;                  // of values that differ from lane to lane; 1: none do
  int lane_level;             // scope of the lane loop
  bool aligned;               // lane loops start at multiples of `lanes`: maps and rows, where stores may go around the caches
  NcScope *scope[NC_SCOPES];
  int depth;                  // index of the innermost open scope
  int names;                  // for fresh ones
  const char *prefix;         // of fresh names
  int inlined;                // structural operations that were written as loops
  int anchor;                 // buffer in which the region's anchor was left before, as f32 if it is a float; -1: none
  NcIx *turn;                 // of the loop around, once something asked for it: the kernel then has the argument `turn_`
  NcIx *pack;                 // UPDATE: the index into the packs; shapes of single parts mean nothing there
  const NcIx *flat;           // vectors of f32 that are loaded there are noted in `direct`: numbers of arguments, each once
  NC_VEC(int) direct;
  const NcNode *unknown;      // an operation that has no form: the kernel must not be used
  NC_VEC(NcUse) use;          // buffers, in the order of the kernel's arguments
  NcTally tally;
} NcEmit;

NcEmit *nc_emit_new(NcPlacement *p, const NcRegion *r, NcArena *a);

// Scopes. `open` makes the next level; `close` ends it: writes `head`, its text in braces, to the scope around it.
int nc_emit_open(NcEmit *e, bool guard);
void nc_emit_close(NcEmit *e, const char *head);
__attribute__((format(printf, 3, 4))) void nc_emit_line(NcEmit *e, int level, const char *fmt, ...);
// Sets scopes deeper than `level` aside, so that a scope can be opened there; `restore` brings them back.
typedef struct { NcScope *scope[NC_SCOPES]; int depth; } NcAside;
void nc_emit_aside(NcEmit *e, int level, NcAside *a);
void nc_emit_restore(NcEmit *e, const NcAside *a);
// Outermost scope in which something that needs `level` may stand.
int nc_emit_level(const NcEmit *e, int level);
int nc_emit_coord_level(const NcEmit *e, NcIx *const *coord, int n);

const char *nc_emit_name(NcEmit *e, const char *stem);
// A loop variable 0 … n-1 of the scope just opened. By lanes: it goes in steps of e->lanes, and the line that makes its vector is written.
NcIx *nc_emit_var(NcEmit *e, const char *name, int64_t n, bool lanes);
NcVal nc_emit_temp(NcEmit *e, int level, NcDtype t, bool vec, const char *expr);

// The value of n at coord[0 … rank).
NcVal nc_emit(NcEmit *e, NcNode *n, NcIx *const *coord);
NcVal nc_emit_flat(NcEmit *e, NcNode *n, NcIx *flat);      // at a linear index
const NcVal *nc_emit_known(const NcEmit *e, int level, const NcNode *n, NcIx *const *coord);   // if it stands in that scope
void nc_emit_bind(NcEmit *e, int level, const NcNode *n, NcIx *const *coord, NcVal v);   // it is known: v
NcVal nc_emit_inline(NcEmit *e, NcNode *n, NcIx *const *coord);   // structural operations as loops: inline.c
NcVal nc_emit_move(NcEmit *e, NcNode *n, NcIx *const *coord);     // movement: move.c
NcVal nc_emit_random(NcEmit *e, NcNode *n, NcIx *const *coord);   // random.c

// The value as an expression: widened to a vector when `vec` and it is none.
const char *nc_emit_wide(NcEmit *e, NcVal v, bool vec);
const char *nc_emit_type(NcEmit *e, NcDtype t, bool vec);       // register type: float8
const char *nc_emit_zero(NcEmit *e, NcDtype t, double v);       // literal of the register type

NcVal nc_emit_load(NcEmit *e, int buffer, NcDtype t, NcIx *at);
void nc_emit_store(NcEmit *e, int level, int buffer, NcDtype t, NcIx *at, NcVal v);
int nc_emit_arg(NcEmit *e, int buffer, const char *type, bool written);   // the argument's number: p0, p1, …
// Where element `at` of a leaf lies in its buffer: of what moves with the turn, behind those of other turns.
NcIx *nc_emit_place(NcEmit *e, const NcNode *leaf, NcIx *at);
int nc_emit_buffer(const NcEmit *e, const NcNode *n);           // plan buffer of a materialised value
#endif
