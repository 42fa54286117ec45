// Maps of names: how the tensors of another library's file are called here. A map is text, one line per rule:
//
//   # what is left stands in the file, what is right is its name here
//   layer{i}.{j}.conv1.weight -> stage{i}.block{j#}.conv.weight
//   *.num_batches_tracked     -> -
//   h.{i}.mlp.c_fc.weight     -> block{i#}.up.weight transpose
//
// Left: `{i}` matches a number and `*` any text. Right: `{i}`, `{i+1}`, `{2*i-1}` put the number back, `{i#}` puts what
// numbers the layers of a parent: nothing for 0, `_2` for 1, `_3` for 2, …; a `*` puts what the same star matched; `-`
// leaves the tensor out. The first line that matches a tensor counts; a tensor that no line matches keeps its name.
// Behind the name may stand, in this order of effect:
//
//   transpose                 the last two axes change places
//   share 2 of 3 [axis 1]     the second of three equal shares along an axis (0): further `share` lines may match too
//   part 1 of 3 [axis 1]      the tensor here is three tensors one after the other along an axis (0)
//   add                       the tensor here is the sum of all that map to it
#ifndef NC_NAMES_H
#define NC_NAMES_H
#include "io/safetensors.h"

typedef struct NcNameMap NcNameMap;

// E0412 for every line that cannot be read; then NULL.
NcNameMap *nc_names_parse(NcArena *a, NcDiag *d, const char *name, const char *text, size_t size);

// A tensor under its name here, made of one or more of the file's.
typedef struct {
  const NcTensor *from;
  bool transpose;
  int share, shares, axis;   // shares 0: all of it
} NcPiece;
typedef struct {
  const char *name;
  NcType type;
  bool add;
  int axis, pieces, parts;   // several: `parts` one after the other along `axis` (0), or added up
  NcPiece *piece;
} NcNamed;
typedef struct { int n; NcNamed *at; } NcNamedList;

// E0412 where pieces do not go together, each with both shapes; then false. `map` NULL: names as they are.
bool nc_names_apply(NcArena *a, NcDiag *d, NcRange at, const NcNameMap *map, const NcTensors *in, NcNamedList *out);
const NcNamed *nc_named_find(const NcNamedList *l, const char *name);    // NULL when there is none

// Its elements, from a file that was read whole. Halves (f16, bf16) are f32 here, as the type says.
const void *nc_named_data(NcArena *a, const NcNamed *t);
#endif
