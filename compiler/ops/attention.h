// What the files that know attention share.
#ifndef NC_OPS_ATTENTION_H
#define NC_OPS_ATTENTION_H
#include "ops/rows.h"

typedef struct {
  int64_t batch, heads, groups, queries, keys, width, values;   // B H G T U E F of attention.c
  bool causal;
  double scale;
  NcNode *bias;                                                 // NULL: none
} NcAttention;
bool nc_attention_of(const NcNode *n, NcAttention *out);        // false when n is neither of the two

bool nc_vjp_attention(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx);
bool nc_vjp_attention_grad(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx);
#endif
