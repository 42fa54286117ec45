// Steps that are run to be measured: batches of a model's data through its plans, each step waited for.
#ifndef NC_WORK_H
#define NC_WORK_H
#include "train/walk.h"

typedef struct {
  NacreModel *m;
  bool train;
  int64_t batch;             // examples of a step
  int64_t tokens;            // that an example predicts; 0: it is no text
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
size_t nc_work_bytes(const NcWork *w); // planned, of all that a step runs
int64_t nc_work_launches(const NcWork *w);
double *nc_work_turns(const NcWork *w, const NcCompiled *c, NcArena *a);   // how often a step runs each step of a plan

// What the machine can do, measured now: memory by a map over buffers that no cache holds, arithmetic by a large product.
typedef struct { double copy, product; int64_t n; size_t bytes; } NcLimits;   // bytes and operations per second; sizes
bool nc_limits_measure(NacreModel *m, NcLimits *out);   // takes the better of what stands in *out and what it finds
double nc_limit_seconds(const NcLimits *l, double flops, double bytes);   // the least time of that work
double nc_work_least(const NcWork *w, const NcLimits *l);   // of a step, launch by launch

double nc_median(double *v, int n);    // sorts v; 0 of none
// Of sorted values: where the median of many more lies, with 95 %; by the order of the values, whatever their distribution.
void nc_median_within(const double *v, int n, double *low, double *high);
#endif
