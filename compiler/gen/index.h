// Index expressions: sums of (factor × atom) plus a constant, where an atom is a loop variable, a quotient or a
// remainder. They are kept in a normal form and interned, so that equal expressions are one pointer. Reshapes,
// permutations and slices of a kernel's values become arithmetic on these, and most of it cancels: what is
// linearised after it was split is the variable again.
//
// Values that are divided are never negative when they are reached (guards see to that).
#ifndef NC_INDEX_H
#define NC_INDEX_H
#include "base/map.h"
#include "base/type.h"

typedef struct NcIx NcIx;
typedef struct NcIxAtom NcIxAtom;
typedef enum { NC_IX_VAR, NC_IX_DIV, NC_IX_MOD } NcIxKind;

struct NcIxAtom {
  NcIxKind kind;
  int id;
  const char *name;      // VAR: as written for one lane
  const char *lanes;     // VAR that differs from lane to lane: the name of its vector; else NULL
  bool step;             // VAR: lane j holds the first lane's value plus j
  NcIx *x;               // DIV, MOD: dividend and divisor
  int64_t m;
  int64_t lo, hi;        // range, inclusive
  int level;             // of the scope that defines it
};
typedef struct { NcIxAtom *atom; int64_t k; } NcIxTerm;
struct NcIx {
  int n;
  NcIxTerm *term;        // by atom id; no factor is 0
  int64_t c, lo, hi;
  int level;             // innermost scope that it needs
  const char *name, *lanes;   // when it has a name of its own
  bool lane;             // differs from lane to lane
};

typedef struct {
  NcArena *arena;
  NcMap known;           // canonical text → NcIx
  NcMap atoms;           // canonical text → NcIxAtom
  int natoms;
} NcIxs;

void nc_ixs_init(NcIxs *s, NcArena *a);
NcIx *nc_ix_const(NcIxs *s, int64_t c);
// A new variable, different from all others. lanes: name of its vector when it differs from lane to lane.
NcIx *nc_ix_var(NcIxs *s, const char *name, const char *lanes, bool step, int64_t lo, int64_t hi, int level);
void nc_ix_call(NcIx *a, const char *name, const char *lanes);   // is written by this name from now on
NcIx *nc_ix_add(NcIxs *s, NcIx *a, NcIx *b);
NcIx *nc_ix_addc(NcIxs *s, NcIx *a, int64_t c);
NcIx *nc_ix_scale(NcIxs *s, NcIx *a, int64_t k);
NcIx *nc_ix_div(NcIxs *s, NcIx *a, int64_t m);
NcIx *nc_ix_mod(NcIxs *s, NcIx *a, int64_t m);
NcIx *nc_ix_linear(NcIxs *s, NcShape shape, NcIx *const *coord);
void nc_ix_split(NcIxs *s, NcShape shape, NcIx *flat, NcIx **coord);      // the inverse of linear

bool nc_ix_is_const(const NcIx *a, int64_t c);
bool nc_ix_unit(const NcIx *a);                  // lane j is the first lane's value plus j
int64_t nc_ix_lane_factor(const NcIx *a);        // step from lane to lane; INT64_MIN when not constant
// All lanes compare alike with `bound`, if lane variables start at multiples of `lanes`.
bool nc_ix_aligned(const NcIx *a, int64_t bound, int lanes);
void nc_ix_put(NcBuf *b, const NcIx *a, bool vec);   // as OpenCL C, in parentheses where needed
const char *nc_ix_text(NcIxs *s, const NcIx *a, bool vec);
#endif
