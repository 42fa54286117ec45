// Verbs without a model: explain, fmt, runs, diff, devices, doctor.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "verbs.h"

int cli_done_text(char *error, NacreStatus s) {
  fflush(stdout);
  if (error) fputs(error, stderr);
  nacre_free(error);
  return (int)s;
}

char *cli_read(const char *path, size_t *size) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  if (!f) return cli_usage("E0601", "cannot read `%s`: %s\nhelp: give its path as seen from the folder in which nacre runs", path, strerror(errno)), NULL;
  size_t n = 0, cap = 1 << 16;
  char *p = malloc(cap);
  for (size_t got; p && (got = fread(p + n, 1, cap - n, f)) > 0;) {
    n += got;
    if (n < cap) continue;
    char *more = realloc(p, cap *= 2);
    if (!more) free(p);
    p = more;
  }
  if (!p) cli_usage("E0606", "out of memory");
  else if (ferror(f)) {
    cli_usage("E0601", "cannot read `%s`: %s", path, strerror(errno));
    free(p);
    p = NULL;
  }
  if (f != stdin) fclose(f);
  *size = n;
  return p;
}

int cli_explain(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  if (a->args && a->value[O_MARKDOWN])
    return cli_usage("E0704", "`--markdown` is the page of all words; `nacre explain %s` tells of one", a->arg[0]);
  NacreStatus s = a->value[O_MARKDOWN] ? nacre_reference(&o, cli_stdout, NULL, &error)
                                       : nacre_explain(a->args ? a->arg[0] : NULL, &o, cli_stdout, NULL, &error);
  return cli_done_text(error, s);
}

int cli_syntax(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  CliText t = {0};
  NacreStatus s = nacre_syntax(a->arg[0], &o, cli_keep, &t, &error);
  int status = cli_tell(a, NULL, &t, (int)s);
  return status == (int)s ? cli_done_text(error, s) : (nacre_free(error), status);
}

int cli_runs(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  NacreStatus s = nacre_runs(a->args ? a->arg[0] : NULL, &o, cli_stdout, NULL, &error);
  return cli_done_text(error, s);
}

int cli_diff(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  NacreStatus s = nacre_diff(a->arg[0], a->arg[1], &o, cli_stdout, NULL, &error);
  return cli_done_text(error, s);
}

int cli_devices(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  NacreStatus s = nacre_devices(&o, cli_stdout, NULL, &error);
  return cli_done_text(error, s);
}

int cli_doctor(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  NacreStatus s = nacre_doctor(&o, cli_stdout, NULL, &error);
  return cli_done_text(error, s);
}

int cli_replace(const CliArgs *a, const char *path, const CliText *t) {
  NacreOptions o = cli_options(a);
  char *error = NULL;
  if (t->full) return cli_usage("E0606", "out of memory"), NACRE_RUN;
  NacreStatus s = nacre_write_file(path, t->at, t->n, &o, &error);
  return cli_done_text(error, s);
}

static int format_one(const CliArgs *a, const char *path) {
  NacreOptions o = cli_options(a);
  size_t size;
  char *text = cli_read(path, &size), *error = NULL;
  if (!text) return NACRE_RUN;
  bool check = a->value[O_CHECK], standard_input = strcmp(path, "-") == 0;
  CliText t = {0};
  NacreStatus s = nacre_format(path, text, size, check, &o, cli_keep, &t, &error);
  bool json = a->value[O_JSON], would = check && s == NACRE_RUN && !error, differs = !t.at || t.n != size || memcmp(t.at, text, size) != 0;
  if (would && !json) fprintf(stderr, "%s: would change\n", path);
  if (json && !error && !(standard_input && !check)) {
    fputs("{\"file\":", stdout);
    cli_json_text(stdout, path);
    printf(",\"changed\":%s}\n", check ? would ? "true" : "false" : differs ? "true" : "false");
  }
  if (!check && s == NACRE_OK && t.full) { cli_usage("E0606", "out of memory"); s = NACRE_RUN; }
  else if (!check && s == NACRE_OK && standard_input) fwrite(t.at, 1, t.n, stdout);
  else if (!check && s == NACRE_OK && differs) s = (NacreStatus)cli_replace(a, path, &t);
  free(t.at);
  free(text);
  return cli_done_text(error, s);
}

int cli_fmt(const CliArgs *a) {
  int worst = 0;
  for (int i = 0; i < a->args; i++) {
    int s = format_one(a, a->arg[i]);
    if (s > worst) worst = s;
  }
  return worst;
}
