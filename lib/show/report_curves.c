// Loss and metrics over the steps, from metrics.jsonl.
#include <math.h>
#include <string.h>
#include "base/file.h"
#include "show/report.h"

enum { PHASES = 2 };
static const char *const phases[PHASES] = {"train", "valid"};

typedef struct { NC_VEC(double) x, y; } Line;
typedef struct { const char *name; Line line[PHASES]; } Curve;
typedef struct { NC_VEC(Curve) curve; bool epochs; } Curves;

// What counts the course of a training is no metric.
static bool is_metric(const char *key, const json_t *v) {
  static const char *const not[] = {"epoch", "step", "seconds", "falls"};
  for (size_t i = 0; i < sizeof not / sizeof *not; i++)
    if (strcmp(key, not[i]) == 0) return false;
  return json_is_number(v) || json_is_null(v);
}

static Curve *curve_of(NcReport *r, Curves *c, const char *name) {
  for (int i = 0; i < c->curve.n; i++)
    if (strcmp(c->curve.at[i].name, name) == 0) return &c->curve.at[i];
  Curve *x = NC_PUSH(r->m->arena, c->curve);
  *x = (Curve){.name = nc_strdup(r->m->arena, name)};
  return x;
}

static void read_line(NcReport *r, Curves *c, json_t *line) {
  const char *phase = json_string_value(json_object_get(line, "phase")), *key;
  double step = json_number_value(json_object_get(line, "step"));
  json_t *v;
  for (int p = 0; phase && p < PHASES; p++) {
    if (strcmp(phase, phases[p]) != 0) continue;
    json_object_foreach(line, key, v) {
      if (!is_metric(key, v)) continue;
      Line *l = &curve_of(r, c, key)->line[p];
      *NC_PUSH(r->m->arena, l->x) = step;
      *NC_PUSH(r->m->arena, l->y) = json_is_number(v) ? json_number_value(v) : NAN;
    }
  }
}

bool nc_report_curves(NcReport *r) {
  NacreModel *m = r->m;
  const char *s = nc_read_file(m->arena, m->diag, NC_E0601, NC_NOWHERE, nc_sprintf(m->arena, "%s/metrics.jsonl", r->dir), NULL);
  if (!s) return false;
  Curves c = {0};
  for (const char *end; (end = strchr(s, '\n')); s = end + 1) {
    json_t *line = json_loadb(s, (size_t)(end - s), 0, NULL);
    read_line(r, &c, line);
    json_decref(line);
  }
  if (c.curve.n) nc_put(r->b, "<div class=\"charts\">\n");
  for (int i = 0; i < c.curve.n; i++) {
    const Curve *x = &c.curve.at[i];
    NcSeries series[PHASES];
    int n = 0;
    for (int p = 0; p < PHASES; p++)
      if (x->line[p].x.n)
        series[n++] = (NcSeries){.name = phases[p], .n = x->line[p].x.n, .x = x->line[p].x.at, .y = x->line[p].y.at, .colour = p};
    nc_chart(r->b, &(NcChart){.title = x->name, .x = "step", .n = n, .series = series});
  }
  if (c.curve.n) nc_put(r->b, "</div>\n");
  return true;
}
