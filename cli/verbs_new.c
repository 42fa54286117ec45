// nacre new: a model's text for the data given, written where nothing is lost.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "verbs.h"

// The name of the data without its folder and endings, and .nn: in the working directory. `.`, `..` and `/` name nothing.
static char *default_name(const char *data) {
  size_t n = strlen(data);
  while (n && data[n - 1] == '/') n--;
  size_t from = n;
  while (from && data[from - 1] != '/') from--;
  size_t dots = strspn(data + from, "."), length = dots + strcspn(data + from + dots, "./");
  if (length <= dots || dots > 1) data = "model", from = 0, length = strlen(data);
  char *name = malloc(length + sizeof ".nn");
  if (!name) return NULL;
  memcpy(name, data + from, length);
  strcpy(name + length, ".nn");
  return name;
}

static int told(const CliArgs *a, const char *file, const char *data) {
  if (!a->value[O_JSON]) {
    if (!a->value[O_QUIET]) fprintf(stderr, "wrote %s; next: nacre train %s\n", file, file);
    return 0;
  }
  fputs("{\"file\":", stdout);
  cli_json_text(stdout, file);
  fputs(",\"data\":", stdout);
  cli_json_text(stdout, data);
  puts("}");
  return 0;
}

// What was written must open: what it would say as it trains is told before the file is there.
static int opens(const CliArgs *a, const char *file, const CliText *t) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  NacreStatus s = nacre_open_text(file, t->at, t->n, &o, &m);
  if (!m) return cli_usage("E0606", "out of memory"), NACRE_RUN;
  if (s != NACRE_OK) fputs(nacre_message(m), stderr);
  nacre_close(m);
  return (int)s;
}

static int create(const CliArgs *a, const char *data, const char *file) {
  bool standard_output = strcmp(file, "-") == 0;
  if (!standard_output && !a->value[O_FORCE] && access(file, F_OK) == 0)
    return cli_usage("E0602", "`%s` is there already\nhelp: name another file, or replace it with --force", file), NACRE_RUN;
  NacreOptions o = cli_options(a);
  CliText t = {0};
  char *error = NULL;
  int status = (int)nacre_new(data, a->value[O_TARGET], &o, cli_keep, &t, &error);
  cli_done_text(error, (NacreStatus)status);
  if (status == 0 && t.full) status = NACRE_RUN, cli_usage("E0606", "out of memory");
  if (status == 0) status = opens(a, file, &t);
  if (status == 0 && standard_output) fwrite(t.at, 1, t.n, stdout);
  else if (status == 0 && (status = cli_replace(a, file, &t)) == 0) told(a, file, data);
  free(t.at);
  return status;
}

int cli_new(const CliArgs *a) {
  const char *data = a->value[O_DATA];
  if (!data) return cli_usage("E0704", "`nacre new` needs `--data PATH`: a CSV, IDX, NPY or NPZ file, the folder of CIFAR, or a folder of images");
  char *name = a->args ? NULL : default_name(data);
  if (!a->args && !name) return cli_usage("E0606", "out of memory"), NACRE_RUN;
  int status = create(a, data, a->args ? a->arg[0] : name);
  free(name);
  return status;
}
