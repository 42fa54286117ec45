// Code points: the classes that patterns of tokenizers name, and normal forms. Tables are written by unicode_def.py.
#ifndef NC_DATA_UNICODE_H
#define NC_DATA_UNICODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

// General categories, one bit each. What is not assigned (Cn) is a class too; beside its category a space has NC_SPACE.
#define NC_CATEGORIES(X) \
  X(Lu) X(Ll) X(Lt) X(Lm) X(Lo) X(Mn) X(Mc) X(Me) X(Nd) X(Nl) X(No) X(Pc) X(Pd) X(Ps) X(Pe) X(Pi) X(Pf) X(Po) \
  X(Sm) X(Sc) X(Sk) X(So) X(Zs) X(Zl) X(Zp) X(Cc) X(Cf) X(Cs) X(Co) X(Cn)
enum {
#define X(name) NC_PLACE_##name,
  NC_CATEGORIES(X)
#undef X
#define X(name) NC_##name = 1 << NC_PLACE_##name,
  NC_CATEGORIES(X)
#undef X
  NC_SPACE = 1 << 30,
  NC_LETTER = NC_Lu | NC_Ll | NC_Lt | NC_Lm | NC_Lo,
  NC_MARK = NC_Mn | NC_Mc | NC_Me,
  NC_NUMBER = NC_Nd | NC_Nl | NC_No,
  NC_PUNCTUATION = NC_Pc | NC_Pd | NC_Ps | NC_Pe | NC_Pi | NC_Pf | NC_Po,
};
#define NC_WORDLIKE (1u << 31)                         // parts of words by themselves: letters in circles and squares, ² ³ ¹ ¼ ½ ¾
#define NC_WORD ((unsigned)(NC_LETTER | NC_MARK | NC_Nd | NC_Nl | NC_Pc) | NC_WORDLIKE)     // \w as Oniguruma has it

unsigned nc_unicode_class(uint32_t code);
unsigned nc_unicode_named(const char *name, size_t n);           // "Lu", or "L" for all that begin so; 0: unknown

// Puts the text in normal form D, or (`composed`) C. Stray bytes stay what they are.
void nc_unicode_normal(const char *s, size_t n, bool composed, NcBuf *out);
#endif
