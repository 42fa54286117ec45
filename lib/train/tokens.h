// Between text and tokens, where the model's data has a vocabulary.
#ifndef NC_TOKENS_H
#define NC_TOKENS_H
#include "data/tokens.h"
#include "io/bytes.h"
#include "train/model.h"

// How the model's data makes tokens of text; NULL where it does not.
NcTokens *nc_tokens_of_model(NacreModel *m);

// A text's tokens, i32[1, n]. False after an error: no vocabulary (E0702), or a character that is not in it.
bool nc_tokens_of_text(NacreModel *m, const char *text, NcArray *out);

// The text of an i32 output [n] or [1, n]; one line for each row of [b, n]. NULL where the output is something else or the
// data has no vocabulary.
const char *nc_tokens_text(NacreModel *m, const NacreOutput *o);
#endif
