// What the run was made of: its network, its environment, its card, its source.
#include <math.h>
#include <string.h>
#include "base/file.h"
#include "show/picture.h"
#include "show/report.h"

// The layers as rows, where Graphviz is not there to draw them.
static void layer_table(NcReport *r) {
  const NcProgram *p = r->m->program;
  nc_put(r->b, "<div class=\"wide\"><table><tr><th>layer</th><th>result</th><th>parameters</th><th>multiply-adds</th></tr>\n");
  for (int i = 0; i < p->row.n; i++) {
    const NcLayerRow *w = &p->row.at[i];
    const char *dot = strrchr(w->path, '.');
    nc_putf(r->b, "<tr><td style=\"padding-left:%.1fem\">", 0.6 + 1.2 * w->depth);
    nc_html(r->b, dot ? dot + 1 : w->path);
    nc_put(r->b, "</td><td>");
    nc_html(r->b, nc_shape_text(r->m->arena, w->type, p->batch));
    nc_putf(r->b, "</td><td class=\"number\">%s</td><td class=\"number\">%s</td></tr>\n", nc_thousands(r->m->arena, w->params),
            nc_thousands(r->m->arena, w->macs));
  }
  nc_put(r->b, "</table></div>\n");
}

bool nc_report_network(NcReport *r) {
  NacreModel *m = r->m;
  if (!m->program->drawn) return true;
  NcPicture *p = nc_picture_model(m->arena, m->program, 0);
  NcBuf dot = NC_BUF(m->arena);
  nc_picture_dot(p, &dot);
  size_t size;
  NcDotTrouble why;
  const char *svg = nc_graphviz(m->arena, dot.at, dot.n, "svg", &size, &why), *root = svg ? strstr(svg, "<svg") : NULL;
  if (!root) {
    layer_table(r);
    return true;
  }
  nc_put(r->b, "<div class=\"network\">");
  nc_put(r->b, root);
  nc_put(r->b, "</div>\n");
  return true;
}

static void put_value(NcReport *r, const json_t *v) {
  if (json_is_string(v)) nc_html(r->b, json_string_value(v));
  else if (json_is_integer(v)) nc_put(r->b, nc_thousands(r->m->arena, json_integer_value(v)));
  else if (json_is_real(v)) nc_putf(r->b, "%.6g", json_real_value(v));
  else if (json_is_boolean(v)) nc_put(r->b, json_is_true(v) ? "yes" : "no");
  else nc_put(r->b, "–");
}

static void row(NcReport *r, const char *name, const json_t *v) {
  if (!v || json_is_object(v) || json_is_array(v)) return;
  nc_put(r->b, "<tr><th>");
  nc_html(r->b, name);
  nc_put(r->b, "</th><td>");
  put_value(r, v);
  nc_put(r->b, "</td></tr>\n");
}

bool nc_report_environment(NcReport *r) {
  static const char *const plain[][2] = {
    {"state", "state"}, {"begun", "created"}, {"ended", "ended"}, {"seconds", "seconds"}, {"steps", "steps"}, {"steps in all", "total_steps"},
    {"batch", "batch"}, {"seed", "seed"}, {"best by", "keep"}, {"parameters", "parameters"}, {"bytes on the device", "device_bytes"},
    {"gone on with, times", "resumed"}, {"nacre", "version"}, {"system", "system"}, {"directory", "directory"},
  };
  const json_t *device = json_object_get(r->run, "device"), *data = json_object_get(r->run, "data"), *files = json_object_get(data, "files"),
               *set = json_object_get(r->run, "set");
  nc_put(r->b, "<div class=\"wide\"><table class=\"facts\">\n");
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) row(r, plain[i][0], json_object_get(r->run, plain[i][1]));
  for (size_t i = 0; i < json_array_size(set); i++) row(r, "set", json_array_get(set, i));
  row(r, "device", json_object_get(device, "name"));
  row(r, "platform", json_object_get(device, "platform"));
  row(r, "driver", json_object_get(device, "driver"));
  row(r, "class of code", json_object_get(device, "class"));
  row(r, "data", json_object_get(data, "kind"));
  row(r, "examples", json_object_get(data, "examples"));
  row(r, "hash of the values", json_object_get(data, "hash"));
  for (size_t i = 0; i < json_array_size(files); i++) {
    const json_t *f = json_array_get(files, i);
    row(r, "file", json_object_get(f, "path"));
    row(r, "sha256", json_object_get(f, "sha256"));
  }
  nc_put(r->b, "</table></div>\n");
  return true;
}

static const char *file(NcReport *r, const char *name) {
  int messages = r->m->diag->messages.n, errors = r->m->diag->errors;
  const char *s = nc_read_file(r->m->arena, r->m->diag, NC_E0601, NC_NOWHERE, nc_sprintf(r->m->arena, "%s/%s", r->dir, name), NULL);
  if (!s) nc_diag_forget(r->m->diag, messages, errors);
  return s;
}

bool nc_report_card(NcReport *r) {
  const char *card = file(r, "README.md");       // a run that was killed has none
  if (card) nc_markdown(r->b, card);
  return true;
}

bool nc_report_source(NcReport *r) {
  const char *source = file(r, "model.nn");
  if (!source) return true;
  nc_put(r->b, "<details><summary><code>model.nn</code></summary><pre>");
  nc_html(r->b, source);
  nc_put(r->b, "</pre></details>\n");
  return true;
}
