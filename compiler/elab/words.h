// What the language provides without a declaration: functions, values, settings of `train` and `data`. For `nacre
// explain`.
#ifndef NC_WORDS_H
#define NC_WORDS_H
#include "base/arena.h"
#include <stdbool.h>

typedef struct {
  const char *name;
  const char *use;     // "sum(x, axis = …, keep = …)"
  const char *doc;     // a sentence
} NcWord;

bool nc_word_at(NcArena *a, int i, NcWord *out);     // false past the end
#endif
