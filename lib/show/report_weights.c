// Parameters: how their values and their gradients are spread, and what the first convolution looks for.
#include <math.h>
#include <string.h>
#include "io/safetensors.h"
#include "ops/op.h"
#include "show/report.h"

enum { BINS = 36, OPEN = 40 };

static bool load(NcReport *r, NcTensors *out) {
  return r->m->weights && nc_safetensors_read(r->m->arena, r->m->diag, NC_NOWHERE, r->m->weights, out);
}

static const float *values(const NcTensors *t, const NcVariable *v) {
  const NcTensor *x = nc_tensor_find(t, v->path);
  bool same = x && x->type.dtype == NC_F32 && nc_shape_eq(x->type.shape, v->type.shape);
  return same ? x->data : NULL;
}

typedef struct { double mean, deviation, norm, low, high, bin[BINS]; int64_t odd; } Spread;    // odd: not finite

static Spread spread(const float *v, int64_t n) {
  Spread s = {.low = INFINITY, .high = -INFINITY};
  double sum = 0, square = 0;
  int64_t good = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(v[i])) { s.odd++; continue; }
    good++;
    sum += v[i];
    square += (double)v[i] * v[i];
    s.low = fmin(s.low, v[i]);
    s.high = fmax(s.high, v[i]);
  }
  s.norm = sqrt(square);
  s.mean = good ? sum / (double)good : 0;
  s.deviation = good ? sqrt(fmax(square / (double)good - s.mean * s.mean, 0)) : 0;
  if (!good) s.low = s.high = 0;
  for (int64_t i = 0; i < n && s.high > s.low; i++) {
    int k = isfinite(v[i]) ? (int)((v[i] - s.low) / (s.high - s.low) * BINS) : -1;
    if (k >= 0) s.bin[k < BINS ? k : BINS - 1]++;
  }
  if (s.high <= s.low) s.bin[BINS / 2] = (double)good;
  return s;
}

// ---- gradients of the loss over one batch, as in evaluation

static const NcGraph *gradient_graph(NcReport *r, const NcProgram *p, void *ctx) {
  (void)ctx;
  NcGraph *g = p->eval ? nc_graph_rewrite(p->eval, r->m->arena, NULL, NULL, NULL) : NULL;
  NcNode *loss = g ? nc_graph_find_output(g, "loss") : NULL;
  NC_VEC(NcNode *) wrt = {0};
  for (int i = 0; g && i < g->node.n; i++) {
    NcNode *n = g->node.at[i];
    if (strcmp(n->op->name, "var") == 0 && strcmp(nc_attr_str(n, "kind"), "param") == 0) *NC_PUSH(r->m->arena, wrt) = n;
  }
  NcNode **grad = NC_NEW_N(r->m->arena, NcNode *, wrt.n + 1);
  if (!loss || !wrt.n || !nc_grad(g, loss, wrt.n, wrt.at, grad)) return NULL;
  g->output.n = g->effect.n = 0;
  for (int i = 0; i < wrt.n; i++)
    if (grad[i]) nc_graph_output(g, nc_attr_str(wrt.at[i], "name"), grad[i]);
  return nc_graph_prune(g);
}

static const NcArrayOf *gradient(const NcArrayOf *g, int n, const char *path) {
  for (int i = 0; i < n; i++)
    if (strcmp(g[i].name, path) == 0) return &g[i];
  return NULL;
}

static void put_spread(NcBuf *b, const Spread *s, int colour) {
  nc_put(b, "<td>");
  nc_bars(b, BINS, s->bin, s->low, s->high, colour);
  nc_put(b, "</td><td class=\"number\">");
  if (s->odd) nc_putf(b, "<b class=\"bad\">%lld not finite</b><br>", (long long)s->odd);
  nc_putf(b, "mean %.3g<br>deviation %.3g<br>norm %.3g</td>", s->mean, s->deviation, s->norm);
}

bool nc_report_weights(NcReport *r) {
  NcTensors t;
  NacreModel *m = r->m;
  NcArrayOf *g = NULL;
  int n = 0, messages = m->diag->messages.n, errors = m->diag->errors, shown = 0;
  if (!load(r, &t)) return !m->weights;
  bool slopes = r->part && r->part->n && nc_report_run(r, &(NcShowRun){.make = gradient_graph, .part = r->part, .once = true}, &n, &g);
  if (!slopes) nc_diag_forget(m->diag, messages, errors), n = 0;
  NcBuf *b = r->b;
  nc_putf(b, "<p>Of each parameter the spread of its values%s.</p>\n", n ? ", and of the loss's gradient over one batch, as in evaluation" : "");
  nc_put(b, "<div class=\"wide\"><table class=\"weights\"><tr><th>parameter</th><th colspan=\"2\">values</th>");
  nc_put(b, n ? "<th colspan=\"2\">gradient</th></tr>\n" : "</tr>\n");
  for (int i = 0; i < m->program->variable.n; i++) {
    const NcVariable *v = &m->program->variable.at[i];
    const float *x = strcmp(v->kind, "param") == 0 ? values(&t, v) : NULL;
    if (!x) continue;
    if (++shown == OPEN + 1) nc_put(b, "</table></div>\n<details><summary>the others</summary><div class=\"wide\"><table class=\"weights\">\n");
    nc_put(b, "<tr><td><code>");
    nc_html(b, v->path);
    nc_putf(b, "</code><br><span class=\"quiet\">%s</span></td>", nc_type_str(m->arena, v->type));
    Spread s = spread(x, nc_count(v->type.shape));
    put_spread(b, &s, 0);
    const NcArrayOf *d = gradient(g, n, v->path);
    if (d) s = spread(d->v, d->per), put_spread(b, &s, 1);
    else if (n) nc_put(b, "<td></td><td class=\"quiet\">the loss does not follow from it</td>");
    nc_put(b, "</tr>\n");
  }
  nc_put(b, shown > OPEN ? "</table></div></details>\n" : "</table></div>\n");
  return true;
}

// [out, in, h, w]: of 1 or 3 channels they are pictures; of others the first ones of each.
bool nc_report_filters(NcReport *r) {
  enum { MOST = 64 };
  NcTensors t;
  NacreModel *m = r->m;
  const NcVariable *v = NULL;
  for (int i = 0; i < m->program->variable.n && !v; i++) {
    const NcVariable *x = &m->program->variable.at[i];
    if (strcmp(x->kind, "param") == 0 && x->type.shape.rank == 4 && x->type.shape.dim[2] > 1 && x->type.shape.dim[3] > 1) v = x;
  }
  if (!v || !m->weights) return true;
  if (!load(r, &t)) return false;
  const float *x = values(&t, v);
  if (!x) return true;
  NcShape s = v->type.shape;
  int64_t count = s.dim[0] < MOST ? s.dim[0] : MOST, channels = s.dim[1] == 3 ? 3 : 1, area = s.dim[2] * s.dim[3];
  int64_t scale = s.dim[3] < 8 ? 24 / s.dim[3] : 1, height = s.dim[2] * scale, width = s.dim[3] * scale;
  float *shown = NC_NEW_N(m->arena, float, count * channels * height * width + 1);
  for (int64_t i = 0; i < count; i++) {      // each by its own largest value: what matters is its form
    const float *w = x + i * s.dim[1] * area;
    double most = 1e-12;
    for (int64_t k = 0; k < channels * area; k++) most = fmax(most, fabs(w[k]));
    for (int64_t k = 0; k < channels * height * width; k++) {
      int64_t c = k / (height * width), row = k / width % height / scale, column = k % width / scale;
      shown[i * channels * height * width + k] = (float)(0.5 + 0.5 * w[c * area + row * s.dim[3] + column] / most);
    }
  }
  NacreOutput o = {.tensor = {.name = v->path, .dtype = "f32", .rank = 4, .dim = {count, channels, height, width}}, .data = shown};
  nc_put(r->b, "<p><code>");
  nc_html(r->b, v->path);
  nc_putf(r->b, "</code>, %lld filters of %lld by %lld%s. Grey is zero.</p>\n", (long long)s.dim[0], (long long)s.dim[2], (long long)s.dim[3],
          s.dim[1] > 3 || s.dim[1] == 2 ? "; of each the first channel" : "");
  return nc_report_put_mosaic(r, &o, "mosaic filters", "filters") || true;
}
