// Verbs that draw: graph, report.
#include <stdlib.h>
#include <string.h>
#include "verbs.h"

static void print_picture(const CliArgs *a, const char *path, const NacrePicture *p) {
  if (!a->value[O_JSON] && !path) fputs(p->dot, stdout);
  if (!a->value[O_JSON] && path && !a->value[O_QUIET]) fprintf(stderr, "wrote %s: %d boxes\n", path, p->boxes);
  if (!a->value[O_JSON]) return;
  printf("{\"file\":");
  if (path) cli_json_text(stdout, path);
  else fputs("null", stdout);
  printf(",\"depth\":%d,%s", p->depth, p->json);
  if (!path) {
    printf(",\"text\":");
    cli_json_text(stdout, p->dot);
  }
  puts("}");
}

int cli_graph(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  NacrePicture p;
  NacreDraw d = {.kernels = a->value[O_KERNELS], .purpose = a->value[O_PURPOSE], .path = a->value[O_OUTPUT]};
  d.depth = a->number[O_DEPTH] > 1000 ? 1000 : (int)a->number[O_DEPTH];
  if (!d.kernels && d.purpose) return cli_usage("E0704", "--for says of which compilation the launches are drawn: add --kernels");
  if (!d.kernels && a->value[O_CLASS]) return cli_usage("E0704", "--class decides how launches are made: add --kernels");
  NacreStatus s = nacre_open(a->arg[0], &o, &m);
  if (s == NACRE_OK) s = nacre_draw(m, &d, &p);
  if (s == NACRE_OK) print_picture(a, d.path, &p);
  return cli_done(m, s);
}

// RUN/report.html, or what --output says.
static const char *report_path(const CliArgs *a, char *room, size_t size) {
  if (a->value[O_OUTPUT]) return a->value[O_OUTPUT];
  int n = snprintf(room, size, "%s/report.html", a->arg[0]);
  return n > 0 && (size_t)n < size ? room : NULL;
}

int cli_report(const CliArgs *a) {
  NacreOptions o = cli_options(a);
  NacreModel *m;
  CliText page = {0};
  char room[4096];
  const char *path = report_path(a, room, sizeof room);
  if (!path) return cli_usage("E0702", "the name of the run is too long");
  NacreStatus s = nacre_open_run(a->arg[0], a->value[O_CHECKPOINT], &o, &m);
  if (s == NACRE_OK) s = nacre_report(m, cli_keep, &page);
  if (s == NACRE_OK) s = (NacreStatus)cli_replace(a, path, &page);
  if (s == NACRE_OK && a->value[O_JSON]) {
    fputs("{\"run\":", stdout);
    cli_json_text(stdout, a->arg[0]);
    fputs(",\"file\":", stdout);
    cli_json_text(stdout, path);
    printf(",\"bytes\":%zu}\n", page.n);
  } else if (s == NACRE_OK && !a->value[O_QUIET]) fprintf(stderr, "wrote %s: %zu KiB, for any browser\n", path, page.n / 1024 + 1);
  free(page.at);
  return cli_done(m, s);
}
