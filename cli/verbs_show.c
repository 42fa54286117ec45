// Verbs that draw: graph.
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
  if (d.kernels && a->value[O_DEPTH]) return cli_usage("E0704", "--kernels draws launches, which have no layers inside: leave out --depth");
  if (!d.kernels && d.purpose) return cli_usage("E0704", "--for says of which compilation the launches are drawn: add --kernels");
  if (!d.kernels && a->value[O_CLASS]) return cli_usage("E0704", "--class decides how launches are made: add --kernels");
  NacreStatus s = nacre_open(a->arg[0], &o, &m);
  if (s == NACRE_OK) s = nacre_draw(m, &d, &p);
  if (s == NACRE_OK) print_picture(a, d.path, &p);
  return cli_done(m, s);
}
