// Between text and tokens, where the model's data has a vocabulary.
#ifndef NC_TOKENS_H
#define NC_TOKENS_H
#include "data/tokens.h"
#include "io/bytes.h"
#include "train/model.h"

// How the model's data makes tokens of text; NULL where it does not.
NcTokens *nc_tokens_of_model(NacreModel *m);

bool nc_tokens_given(const NacreModel *m);                       // whether it does

// The tokens of a text of n bytes, i32[1, n]; `what` names it in messages. False after an error: no vocabulary or no text
// (E0702), or a character that is not in it.
bool nc_tokens_of_text(NacreModel *m, const char *what, const char *text, size_t n, NcArray *out);

// The text of an i32 output [n] or [1, n]; one line for each row of [b, n]. NULL where the output is something else or the
// data has no vocabulary.
const char *nc_tokens_text(NacreModel *m, const NacreOutput *o);
#endif
