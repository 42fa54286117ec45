// A model of two numbers is shown whole: what it says at each point of the plane, with the data over it.
#include <math.h>
#include <string.h>
#include "base/map.h"
#include "ops/op.h"
#include "show/report.h"

enum { SIDE = 160, POINTS = 1200 };

// Colours of classes, as the page's style has them for points: paler, for areas.
static const unsigned char palette[][3] = {{37, 99, 235}, {234, 88, 12}, {22, 163, 74}, {147, 51, 234}, {202, 138, 4},
                                           {8, 145, 178}, {219, 39, 119}, {101, 163, 13}, {79, 70, 229}, {120, 113, 108}};
enum { COLOURS = sizeof palette / sizeof *palette };

typedef struct { double low[2], high[2]; } Frame;

static Frame frame_of(const NcReport *r, int field) {
  const NcDataset *d = r->m->data;
  Frame f = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
  for (int64_t i = 0; i < d->n; i++)
    for (int k = 0; k < 2; k++) {
      double v = ((const float *)nc_field_at(d, field, i))[k];
      f.low[k] = fmin(f.low[k], v);
      f.high[k] = fmax(f.high[k], v);
    }
  for (int k = 0; k < 2; k++) {
    double room = f.high[k] > f.low[k] ? 0.06 * (f.high[k] - f.low[k]) : 1;
    f.low[k] -= room;
    f.high[k] += room;
  }
  return f;
}

// Classes by their colours, mixed by how probable they are.
static void shade_classes(const float *p, int64_t classes, unsigned char *pixel) {
  for (int64_t i = 0; i < SIDE * SIDE; i++)
    for (int c = 0; c < 3; c++) {
      double v = 0;
      for (int64_t k = 0; k < classes; k++) v += (double)p[i * classes + k] * (255 - 0.55 * (255 - palette[k % COLOURS][c]));
      pixel[3 * i + c] = v >= 0 && v <= 255 ? (unsigned char)v : 128;      // 128: it was not a number
    }
}

// One number from blue over white to orange; white is where it changes its sign, or of a share a half.
static void shade_number(const NacreOutput *o, bool share, unsigned char *pixel) {
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < SIDE * SIDE; i++) {
    low = fmin(low, nc_output_at(o, i));
    high = fmax(high, nc_output_at(o, i));
  }
  share = share && low >= 0 && high <= 1;
  double middle = share ? 0.5 : low < 0 && high > 0 ? 0 : (low + high) / 2, most = fmax(fmax(high - middle, middle - low), 1e-12);
  for (int64_t i = 0; i < SIDE * SIDE; i++)
    for (int c = 0; c < 3; c++) {
      double v = (nc_output_at(o, i) - middle) / most, value = 255 - 0.7 * fabs(v) * (255 - palette[v > 0 ? 1 : 0][c]);
      pixel[3 * i + c] = value >= 0 && value <= 255 ? (unsigned char)value : 128;
    }
}

static void points(NcReport *r, int field, const Frame *f) {
  const NcDataset *d = r->m->data;
  int label = -1;
  for (int i = 0; i < d->fields; i++)
    if (d->field[i].classes && d->field[i].shape.rank == 0 && d->field[i].dtype == NC_I32) label = i;
  uint64_t stride = (uint64_t)(d->n / POINTS + 1);
  for (int64_t i = 0; i < d->n; i++) {
    if (nc_hash64(0, &i, sizeof i) % stride) continue;     // classes may take turns, so every second one is no fair choice
    const float *v = nc_field_at(d, field, i);
    int64_t k = label < 0 ? 9 : *(const int32_t *)nc_field_at(d, label, i) % COLOURS;
    nc_putf(r->b, "<circle class=\"spot c%lld\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>", (long long)(k < 0 ? 9 : k),
            (v[0] - f->low[0]) / (f->high[0] - f->low[0]) * 480, 480 - (v[1] - f->low[1]) / (f->high[1] - f->low[1]) * 480);
  }
}

bool nc_report_plane(NcReport *r) {
  NacreModel *m = r->m;
  const NcGraph *g = m->program->predict;
  int field = -1, inputs = 0, outs;
  for (int i = 0; g && i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (strcmp(n->op->name, "input") != 0) continue;
    inputs++;
    bool two = n->type.dtype == NC_F32 && n->type.shape.rank == 2 && n->type.shape.dim[1] == 2;
    field = two && m->data ? nc_field_find(m->data, nc_attr_str(n, "name")) : -1;
  }
  if (inputs != 1 || field < 0 || g->output.n != 1) return true;
  int64_t per = nc_count(g->output.at[0].node->type.shape) / m->program->batch;
  if (per < 1 || per > COLOURS) return true;
  Frame f = frame_of(r, field);
  float *at = NC_NEW_N(m->arena, float, 2 * SIDE * SIDE);
  for (int i = 0; i < SIDE * SIDE; i++) {
    at[2 * i] = (float)(f.low[0] + (f.high[0] - f.low[0]) * (i % SIDE + 0.5) / SIDE);
    at[2 * i + 1] = (float)(f.high[1] - (f.high[1] - f.low[1]) * (i / SIDE + 0.5) / SIDE);
  }
  const NacreOutput *out;
  if (!nc_predict_arrays(m, SIDE * SIDE, (const void *const[]){at}, &outs, &out)) return false;
  unsigned char *pixel = nc_alloc(m->arena, 3 * SIDE * SIDE);
  if (per > 1) shade_classes(nc_output_probabilities(m->arena, out), per, pixel);
  else shade_number(out, nc_report_logit_target(r) != NULL, pixel);
  nc_put(r->b, "<svg class=\"plane\" viewBox=\"0 0 480 480\" role=\"img\"><image width=\"480\" height=\"480\" preserveAspectRatio=\"none\" href=\"");
  if (!nc_png_data(r->b, m->arena, SIDE, SIDE, 3, pixel)) nc_put(r->b, "data:,");
  nc_put(r->b, "\"/>\n");
  points(r, field, &f);
  const NcField *x = &m->data->field[field];
  nc_put(r->b, "</svg>\n<p>Across: ");
  nc_html(r->b, x->column ? x->column[0] : "the first number");
  nc_putf(r->b, ", %.3g to %.3g; up: ", f.low[0], f.high[0]);
  nc_html(r->b, x->column ? x->column[1] : "the second");
  nc_putf(r->b, ", %.3g to %.3g. The area shows what the model says, the dots are the data.</p>\n", f.low[1], f.high[1]);
  return true;
}
