// Verbs that measure: profile, bench, tune.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include "verbs.h"

int cli_profile(const CliArgs *a) {
  enum { TOP = 20 };
  NacreModel *m;
  NacreProfileOptions p = {.purpose = a->value[O_PURPOSE], .steps = a->number[O_STEPS], .top = a->value[O_TOP] ? a->number[O_TOP] : TOP};
  NacreStatus s = cli_open(a, &m);
  if (s == NACRE_OK) s = nacre_profile(m, &p, cli_stdout, NULL);
  return cli_done(m, s);
}

// 1,2,4 as numbers; how many, 0 after an error.
static int batches(const char *list, int64_t *to, int most) {
  int n = 0;
  for (const char *s = list; n < most; s++) {
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || end == s || v < 1 || v > INT_MAX || (*end && *end != ',')) break;
    to[n++] = v;
    if (!*end) return n;
    s = end;
  }
  cli_usage("E0702", "`--batches` needs up to %d sizes with commas between, as in `--batches 1,2,4`, not `%s`", most, list);
  return 0;
}

int cli_bench(const CliArgs *a) {
  enum { MOST = 64, MOST_RUNS = 1000 };
  int64_t batch[MOST];
  NacreModel *m;
  NacreBenchOptions b = {.purpose = a->value[O_PURPOSE], .seconds = (double)a->number[O_SECONDS], .batch = batch};
  if (a->value[O_RUNS] && (a->number[O_RUNS] < 1 || a->number[O_RUNS] > MOST_RUNS))
    return cli_usage("E0702", "`--runs` is a number of processes from 1 to %d, not `%s`", MOST_RUNS, a->value[O_RUNS]);
  b.runs = (int)a->number[O_RUNS];
  if (a->value[O_BATCHES] && a->value[O_BATCH]) return cli_usage("E0704", "give --batch or --batches, not both");
  if (a->value[O_BATCHES] && !(b.batches = batches(a->value[O_BATCHES], batch, MOST))) return NACRE_USAGE;
  NacreStatus s = cli_open(a, &m);
  if (s == NACRE_OK) s = nacre_bench(m, &b, cli_stdout, NULL);
  return cli_done(m, s);
}

int cli_tune(const CliArgs *a) {
  NacreModel *m;
  NacreTuneOptions t = {.seconds = (double)a->number[O_SECONDS], .output = a->value[O_OUTPUT], .import = a->value[O_IMPORT]};
  NacreStatus s = cli_open(a, &m);
  if (s == NACRE_OK) s = nacre_tune(m, &t, cli_stdout, NULL);
  return cli_done(m, s);
}
