// bench/out/results.json: what the measurements of this folder leave, each under a key of its own.
#ifndef NC_BENCH_RESULTS_H
#define NC_BENCH_RESULTS_H
#include <jansson.h>
#include "base/file.h"

// Takes the value over. What the file says under other keys stays; one that is no JSON is replaced.
bool results_put(NcArena *a, NcDiag *d, const char *path, const char *key, json_t *value);
json_t *results_number(double v);      // to four digits
#endif
