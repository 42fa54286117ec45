// What a tokenizer.json says of a text before its words become tokens: what is replaced (`normalizer`), where it is cut
// (`pre_tokenizer`). Each is a list of stages, and a stage does what Hugging Face's library does for its type.
#ifndef NC_DATA_CUT_H
#define NC_DATA_CUT_H
#include <jansson.h>
#include "base/diag.h"
#include "data/pattern.h"

typedef struct { const char *s; size_t n; bool first; } NcPiece;        // first: the text begins with it
typedef NC_VEC(NcPiece) NcPieces;

typedef struct {
  enum { NC_STAGE_NORMAL, NC_STAGE_PREPEND, NC_STAGE_REPLACE, NC_STAGE_SPLIT, NC_STAGE_BYTES, NC_STAGE_SPACES } kind;
  const NcPattern *pattern;      // SPLIT, REPLACE; BYTES: NULL where nothing is cut
  const char *with;              // PREPEND, REPLACE; SPACES: what stands for a space
  enum { NC_CUT_ISOLATED, NC_CUT_REMOVED, NC_CUT_WITH_PREVIOUS, NC_CUT_WITH_NEXT, NC_CUT_CONTIGUOUS } how;
  bool composed;                 // NORMAL: form C, not D
  bool invert;                   // SPLIT: what does not match is what separates
  enum { NC_NEVER, NC_FIRST, NC_ALWAYS } space;      // BYTES, SPACES: a space is put before what begins without
} NcStage;

typedef struct {
  NC_VEC(NcStage) stage;         // normalizer's, then pre_tokenizer's
  bool bytes;                    // words are bytes in the alphabet of 256 characters
  const char *space;             // what stands for a space in tokens, NULL: itself
  bool drops_space;              // a space was put before the text, and does not come back
} NcCutter;

// E0402, E0410 with the name of the field that is damaged or not supported. `name` is the file's.
bool nc_cutter_read(NcArena *a, NcDiag *d, NcRange at, const char *name, const json_t *root, NcCutter *out);
// The pieces of a text in order; false where a pattern takes too long.
bool nc_pieces_of(const NcCutter *c, NcArena *a, NcPiece text, NcPieces *out);
#endif
