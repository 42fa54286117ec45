// A regression: what was predicted against what is true, in the units of the data whatever the recipe does with what the model
// gives (report_graph.c).
#include <math.h>
#include "show/report.h"

enum { MOST = 4000 };

typedef struct { const NcArrayOf *said, *truth; const double *off; } Worst;

static void put_off(NcReport *r, void *ctx, int64_t i) {
  const Worst *w = ctx;
  nc_putf(r->b, "<td>%.5g</td><td>%.5g</td><td>%.3g</td>", (double)w->truth->v[i * w->said->per], (double)w->said->v[i * w->said->per], w->off[i]);
}

static void worst(NcReport *r, const NcArrayOf *said, const NcArrayOf *truth) {
  NcArena *a = r->m->arena;
  NcMiss *list = NC_NEW_N(a, NcMiss, said->n + 1);
  double *off = NC_NEW_N(a, double, said->n + 1);
  for (int64_t i = 0; i < said->n; i++) {
    for (int64_t k = i * said->per; k < (i + 1) * said->per; k++) off[i] = fmax(off[i], fabs((double)said->v[k] - (double)truth->v[k]));
    list[i] = (NcMiss){i, off[i]};
  }
  nc_report_worst_first(list, said->n);
  nc_put(r->b, "<h3>Worst mistakes</h3>\n");
  nc_report_rows(r, &(NcReportRows){"<th>true</th><th>predicted</th><th>off by</th>", put_off, &(Worst){said, truth, off}}, list, said->n);
}

bool nc_report_regression(NcReport *r) {
  const char *target;
  NcArrayOf *out;
  int n;
  NacreModel *m = r->m;
  if (!r->part || r->part->n == 0 || !(target = nc_report_pairs_target(r))) return true;
  if (nc_report_image(r) >= 0 && m->program->predict && nc_count(m->program->predict->output.at[0].node->type.shape) / m->program->batch > 64)
    return true;                                                   // pictures that are made again: the samples show them
  int field = nc_field_find(m->data, target);
  int64_t most = nc_report_most(MOST, field < 0 ? 1 : nc_count(m->data->field[field].shape));
  if (!nc_report_run(r, &(NcShowRun){.make = nc_report_pairs, .part = r->part, .most = most}, &n, &out)) return false;
  int64_t count = out[0].n * out[0].per;
  double *said = NC_NEW_N(m->arena, double, count + 1), *true_ = NC_NEW_N(m->arena, double, count + 1), *at = NC_NEW_N(m->arena, double, count + 1);
  double square = 0, mean = 0, spread = 0;
  for (int64_t i = 0; i < count; i++) {
    said[i] = out[0].v[i];
    true_[i] = out[1].v[i];
    at[i] = (double)i;
    square += (said[i] - true_[i]) * (said[i] - true_[i]) / (double)count;
    mean += true_[i] / (double)count;
  }
  for (int64_t i = 0; i < count; i++) spread += (true_[i] - mean) * (true_[i] - mean) / (double)count;
  NcSeries points = {.n = (int)count, .x = true_, .y = said, .points = true};
  NcSeries course[] = {{.name = "true", .n = (int)out[0].n, .x = at, .y = true_, .colour = 1},
                       {.name = "predicted", .n = (int)out[0].n, .x = at, .y = said, .colour = 0}};
  nc_put(r->b, "<div class=\"charts\">\n");
  nc_chart(r->b, &(NcChart){.title = target, .x = "true", .y = "predicted", .n = 1, .series = &points, .diagonal = true, .square = true});
  if (m->data->windows.span && out[0].per == 1)
    nc_chart(r->b, &(NcChart){.title = nc_sprintf(m->arena, "%s over time", target), .x = "window", .n = 2, .series = course});
  nc_put(r->b, "</div>\n");
  nc_putf(r->b, "<p>%lld examples; root of the mean square error <b>%.4g</b>", (long long)out[0].n, sqrt(square));
  if (spread > 0) nc_putf(r->b, ", R² <b>%.4f</b>", 1 - square / spread);
  nc_put(r->b, ".</p>\n");
  worst(r, &out[0], &out[1]);
  return true;
}
