// Text as numbers and back: characters, bytes, or byte pairs (BPE) as Hugging Face's tokenizer.json states them.
#ifndef NC_DATA_TOKENS_H
#define NC_DATA_TOKENS_H
#include "data/data.h"

typedef NC_VEC(int32_t) NcTokenList;
typedef struct NcTokens NcTokens;

// What a field of tokens says about itself is enough: no data file is needed. NULL after an error.
NcTokens *nc_tokens_of(NcArena *a, NcDiag *d, NcRange at, const NcField *f);
NcTokens *nc_tokens_bytes(NcArena *a);
// `name` is that of the file, for messages; the text is a tokenizer.json. E0402 where it is none, E0410 where it is of
// a kind that is not supported.
NcTokens *nc_tokens_bpe(NcArena *a, NcDiag *d, NcRange at, const char *name, const char *json, size_t size);

int64_t nc_tokens_vocabulary(const NcTokens *t);
const char *const *nc_tokens_names(const NcTokens *t);     // [vocabulary] as a person may see them
// E0409 where a part of the text is no token; `what` names the text in messages: "the prompt".
bool nc_tokens_encode(const NcTokens *t, NcDiag *d, NcRange at, const char *what, const char *text, size_t n,
                      NcTokenList *out);
// `begins`: the text begins with these tokens. Unknown ones give nothing.
void nc_tokens_decode(const NcTokens *t, const int32_t *token, int64_t n, bool begins, NcBuf *out);

// The next word of a text, lower case, from *at on; its length, 0 at the end.
enum { NC_MOST_WORD = 128 };
size_t nc_next_word(const char *s, size_t n, size_t *at, char *word, size_t room);

// The code point at p and the length of its UTF-8; 0 where there is none.
int nc_code_point(const unsigned char *p, size_t left, uint32_t *code);

// The inside, for bpe.c.
typedef struct NcBpe NcBpe;
NcBpe *nc_bpe_read(NcArena *a, NcDiag *d, NcRange at, const char *name, const char *json, size_t size);
int64_t nc_bpe_vocabulary(const NcBpe *b);
const char *const *nc_bpe_names(const NcBpe *b);
bool nc_bpe_encode(const NcBpe *b, NcArena *a, const char *text, size_t n, NcTokenList *out);
void nc_bpe_decode(const NcBpe *b, int32_t token, bool begins, NcBuf *out);

// A small text of generated sentences: for examples and tests that shall need no file.
const char *nc_sentences(NcArena *a, uint64_t seed, size_t *size);
#endif
