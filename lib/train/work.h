// Steps that are run to be measured: batches of a model's data through its plans, each step waited for.
#ifndef NC_WORK_H
#define NC_WORK_H
#include "train/walk.h"

typedef struct {
  NacreModel *m;
  bool train;
  int64_t batch;             // examples of a step
  int64_t tokens;            // tokens of an example; 0: they are none
  int plans;
  NcCompiled **plan;         // what a step runs, each once
  NcWalk walk;               // training
  NcFed fed;                 // predicting
  float *result;             // what the host reads
  int32_t step;
} NcWork;

// purpose: "step", "predict", or NULL: the first of these that there is. E0702 where there is no such compilation.
bool nc_work_open(NacreModel *m, const char *purpose, NcWork *w);
bool nc_work_once(NcWork *w);          // a batch in, a result out
size_t nc_work_bytes(const NcWork *w); // planned, of the largest plan
int64_t nc_work_launches(const NcWork *w);

// What the machine can do, measured now: memory by a map over buffers that no cache holds, arithmetic by a large product.
typedef struct { double copy, product; int64_t n; size_t bytes; } NcLimits;   // bytes and operations per second; sizes
bool nc_limits_measure(NacreModel *m, NcLimits *out);   // takes the better of what stands in *out and what it finds
double nc_limit_seconds(const NcLimits *l, double flops, double bytes);   // the least time of that work

double nc_median(double *v, int n);    // sorts v; 0 of none
#endif
