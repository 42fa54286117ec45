// The inside of BPE, shared by its reader (bpe_read.c) and its encoder (bpe.c).
#ifndef NC_DATA_BPE_H
#define NC_DATA_BPE_H
#include "base/map.h"
#include "data/cut.h"
#include "data/tokens.h"

typedef struct { uint64_t pair; int32_t rank, token; } NcMerge;      // pair: both tokens + 1; 0: free

typedef struct { int32_t token; const char *text; size_t n; bool normal, left, right; } NcAdded;   // left, right: takes spaces

struct NcBpe {
  NcCutter cut;
  int64_t vocabulary;
  const char **name;           // as the file has them
  bool *is_added;
  NcMap number;                // of each name, its token + 1
  NC_VEC(NcAdded) added;       // tokens that are found in the text before it is cut
  bool begins[256];            // an added token begins with this byte
  int32_t byte[256];           // the token of each byte, -1: none
  int value[512];              // of the alphabet's code points: the byte, -1: none
  int32_t unknown;             // unk_token, -1: none
  bool whole_words;            // ignore_merges: a word of the vocabulary is a token
  bool fuse_unknown, by_bytes; // fuse_unk, byte_fallback
  NcMerge *merge;              // open addressing
  uint64_t mask;
};

// The key of a pair, and its place among the merges: free where there is no such merge.
uint64_t nc_bpe_pair(int32_t left, int32_t right);
NcMerge *nc_bpe_merge(const NcBpe *b, uint64_t pair);
int32_t nc_bpe_number(const NcBpe *b, const char *name);             // -1: none
#endif
