// Whole training and inference graphs, made with the constructors: for tests and benches that want a real
// network before, or without, a .nn file.
#ifndef NC_TESTS_NETS_H
#define NC_TESTS_NETS_H
#include "graph/graph.h"
#include "ops/op.h"

// A net under construction: layers name their parameters, the optimizer finds them here.
typedef struct {
  NcGraph *g;
  bool training;
  NcNode *step;            // i32 scalar input "step"
  int64_t sites;           // of random numbers
  NC_VEC(NcNode *) param;
} Net;

Net net_begin(NcArena *a, NcDiag *d, const char *name, bool training);
NcNode *net_param(Net *n, const char *name, NcShape s);
NcNode *net_dense(Net *n, const char *name, NcNode *x, int64_t units);             // x [B, I] to [B, units]
NcNode *net_conv(Net *n, const char *name, NcNode *x, int64_t out, int64_t kernel, int64_t pad);   // x [B, C, H, W]
NcNode *net_relu(Net *n, NcNode *x);
NcNode *net_dropout(Net *n, NcNode *x, double rate);
NcNode *net_pool(Net *n, NcNode *x);                                               // max, 2 x 2
NcNode *net_layer_norm(Net *n, const char *name, NcNode *x);                       // over the last axis
NcNode *net_batch_norm(Net *n, const char *name, NcNode *x);                       // x [B, C, H, W]
NcNode *net_softmax(Net *n, NcNode *x);                                            // over the last axis
NcNode *net_along(Net *n, NcNode *v, NcNode *x, int64_t axis);                     // v [k] over x's axis of size k
// Outputs "loss" (mean cross-entropy) and "accuracy"; label u8 [B].
NcNode *net_classify(Net *n, NcNode *logits, NcNode *label);
void net_adam(Net *n, NcNode *loss, double rate);                                  // all parameters
void net_sgd(Net *n, NcNode *loss, double rate, double momentum);

NcGraph *net_mlp(NcArena *a, NcDiag *d, int64_t batch, bool training);   // 28x28 bytes, 128 relu dropout, 10
NcGraph *net_cnn(NcArena *a, NcDiag *d, int64_t batch, bool training);   // conv 32, pool, conv 64, pool, 128, 10
NcGraph *net_gpt_block(NcArena *a, NcDiag *d, int64_t batch, int64_t tokens, int64_t width, int64_t heads,
    bool training);
NcGraph *net_resnet_block(NcArena *a, NcDiag *d, int64_t batch, int64_t channels, int64_t size, bool training);
#endif
