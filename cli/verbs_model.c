// Verbs that look at a file: check, summary, test, emit.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "verbs.h"

void cli_stdout(void *ctx, const char *text, size_t size) {
  (void)ctx;
  fwrite(text, 1, size, stdout);
}

bool cli_is_run(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

NacreStatus cli_open(const CliArgs *a, NacreModel **m) {
  NacreOptions o = cli_options(a);
  return cli_is_run(a->arg[0]) ? nacre_open_run(a->arg[0], a->value[O_CHECKPOINT], &o, m) : nacre_open(a->arg[0], &o, m);
}

int cli_done(NacreModel *m, NacreStatus s) {
  if (!m) return cli_usage("E0606", "out of memory"), NACRE_RUN;
  fflush(stdout);
  fputs(nacre_message(m), stderr);
  nacre_close(m);
  return (int)s;
}

// Opens the file, calls `look`, prints what there is to say.
static int with(const CliArgs *a, const char *file, NacreStatus (*look)(NacreModel *, NacreWrite *, void *)) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  NacreStatus s = nacre_open(file, &o, &m);
  if (s == NACRE_OK && look) s = look(m, cli_stdout, NULL);
  return cli_done(m, s);
}

int cli_check(const CliArgs *a) {
  int worst = 0;
  for (int i = 0; i < a->args; i++) {
    int s = with(a, a->arg[i], NULL);
    if (s > worst) worst = s;
    if (s == 0 && a->value[O_JSON]) {
      fputs("{\"file\":", stdout);
      cli_json_text(stdout, a->arg[i]);
      puts(",\"ok\":true}");
    } else if (s == 0 && !a->value[O_QUIET]) fprintf(stderr, "%s: no errors\n", a->arg[i]);
  }
  return worst;
}

int cli_summary(const CliArgs *a) { return with(a, a->arg[0], nacre_summary); }
int cli_test(const CliArgs *a) { return with(a, a->arg[0], nacre_test); }

static int run_plan(const CliArgs *a, const char *path) {
  size_t size;
  char *text = cli_read(path, &size), *error;
  if (!text) return NACRE_RUN;
  NacreOptions o = cli_options(a);
  CliText out = {0};
  NacreStatus s = nacre_run_plan(path, text, size, &o, cli_keep, &out, &error);
  free(text);
  s = (NacreStatus)cli_tell(a, "run", &out, (int)s);
  return cli_done_text(error, s);
}

int cli_emit(const CliArgs *a) {
  if (a->value[O_LIST_PASSES]) {
    CliText t = {0};
    nacre_passes(cli_keep, &t);
    return cli_tell(a, "passes", &t, 0);
  }
  if (a->value[O_RUN_PLAN]) return run_plan(a, a->value[O_RUN_PLAN]);
  if (a->args != 1) return cli_usage("E0704", "`nacre emit` needs a FILE");
  int chosen = (a->value[O_GRAPH] != NULL) + (a->value[O_PLAN] != NULL) + (a->value[O_OPENCL] != NULL);
  if (chosen > 1) return cli_usage("E0704", "choose one of --graph, --plan, --opencl");
  NacreEmit e = {
    .what = a->value[O_PLAN] ? "plan" : a->value[O_OPENCL] ? "opencl" : "graph",
    .purpose = a->value[O_PURPOSE], .after = a->value[O_AFTER], .timings = a->value[O_TIMINGS] != NULL,
  };
  NacreOptions o = cli_options(a);
  NacreModel *m;
  NacreStatus s = nacre_open(a->arg[0], &o, &m);
  CliText t = {0};
  if (s == NACRE_OK) s = nacre_emit(m, &e, cli_keep, &t);
  s = (NacreStatus)cli_tell(a, e.timings ? "timings" : e.what, &t, (int)s);
  return cli_done(m, s);
}
