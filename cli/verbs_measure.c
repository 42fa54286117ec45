// Verbs that measure: profile.
#include <sys/stat.h>
#include "verbs.h"

// A file, or the run directory of a training, with its weights.
static NacreStatus open_either(const CliArgs *a, NacreModel **m) {
  NacreOptions o = cli_options(a);
  struct stat st;
  bool run = stat(a->arg[0], &st) == 0 && S_ISDIR(st.st_mode);
  return run ? nacre_open_run(a->arg[0], NULL, &o, m) : nacre_open(a->arg[0], &o, m);
}

int cli_profile(const CliArgs *a) {
  enum { TOP = 20 };
  NacreModel *m;
  NacreProfileOptions p = {.purpose = a->value[O_PURPOSE], .steps = a->number[O_STEPS], .top = a->value[O_TOP] ? a->number[O_TOP] : TOP};
  NacreStatus s = open_either(a, &m);
  if (s == NACRE_OK) s = nacre_profile(m, &p, cli_stdout, NULL);
  return cli_done(m, s);
}
