// Regular expressions as tokenizers use them to cut a text: alternatives, groups (plain, without regard to case, looking
// ahead), classes with \p{…}, \w, \d and \s, and greedy or possessive repetition of one character. What else there is, is refused by name.
#ifndef NC_DATA_PATTERN_H
#define NC_DATA_PATTERN_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "data/unicode.h"

typedef struct NcPattern NcPattern;
// NULL where it cannot be read; *why then says what cannot.
NcPattern *nc_pattern_parse(NcArena *a, const char *text, const char **why);
NcPattern *nc_pattern_literal(NcArena *a, const char *text);     // matches just this

// Where the match that begins at `at` ends; NC_NO_MATCH where none begins there, NC_TOO_LONG where that takes too many steps.
#define NC_NO_MATCH SIZE_MAX
#define NC_TOO_LONG (SIZE_MAX - 1)
size_t nc_pattern_match(const NcPattern *p, const char *s, size_t n, size_t at);
#endif
