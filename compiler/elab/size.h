// Sizes: what an axis measures. A size has the value that it has in this compilation and, where it depends on a symbol
// (the batch size B above all), a polynomial over symbols in normal form. Two sizes are equal only when they are
// provably so, whatever the symbols are: [B,H] and [H,B] differ even where B and H are both 32.
//
// Normal form: terms sorted by their monomials, none with coefficient 0. Floor division leaves what does not divide
// as an opaque atom, so (H - 1) / 2 + 1 equals (H + 1) / 2 only when their quotients have one normal form.
#ifndef NC_SIZE_H
#define NC_SIZE_H
#include "base/diag.h"

typedef struct NcPoly NcPoly;
typedef struct NcOrigin NcOrigin;

typedef struct {
  int64_t value;           // in this compilation
  const NcPoly *poly;      // NULL: the constant `value`
  const NcOrigin *from;    // where the number came from; NULL when it says nothing new
} NcSize;

// Where a size came from: "32 channels", or a product of sizes that an operation merged.
struct NcOrigin {
  const char *name;        // of the hyperparameter or axis, or NULL
  NcRange at;
  int nfactor;
  const NcSize *factor;
};

typedef struct {
  const char *name;        // of a symbol; NULL for a quotient
  int64_t value;
  NcSize top, bottom;      // of a quotient
} NcAtom;

typedef struct {
  NcArena *arena;
  NC_VEC(NcAtom) atom;
} NcSizes;

NcSize nc_size(int64_t v);
NcSize nc_size_symbol(NcSizes *t, const char *name, int64_t value);   // the same name gives the same symbol

// False where the result does not fit 64 bits or a divisor is 0. Division rounds down.
bool nc_size_add(NcSizes *t, NcSize a, NcSize b, NcSize *out);
bool nc_size_sub(NcSizes *t, NcSize a, NcSize b, NcSize *out);
bool nc_size_mul(NcSizes *t, NcSize a, NcSize b, NcSize *out);
bool nc_size_div(NcSizes *t, NcSize a, NcSize b, NcSize *out);
bool nc_size_mod(NcSizes *t, NcSize a, NcSize b, NcSize *out);

bool nc_size_eq(NcSize a, NcSize b);          // provably equal
bool nc_size_is(NcSize a, int64_t v);         // the constant v
void nc_put_size(NcBuf *b, const NcSizes *t, NcSize s);            // B * T + 1
bool nc_put_factors(NcBuf *b, const NcSizes *t, NcSize s);   // "4608 = 32 channels × 12 × 12"; false when it has none
#endif
