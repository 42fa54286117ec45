// A classifier on the part of its data that is looked at: which classes it mistakes for which, how far its certainty can be
// trusted, and where it is most wrong.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "show/report.h"

enum { BINS = 10, MOST = 20000, SHOWN = 24, CELLS = 40, PAIRS = 6 };

typedef struct {
  NcReport *r;
  int64_t n, classes;
  int field;                 // of the label
  bool binary;               // one number of the model says how probable one of two classes is: `yes`
  int yes;
  int32_t *label;            // [n]
  float *p;                  // [n][classes] probabilities
  int *said;                 // [n]
  int64_t *count;            // [true][said], of CELLS classes at most
} Seen;

static const NcGraph *predict_graph(NcReport *r, const NcProgram *p, void *ctx) {
  (void)r, (void)ctx;
  return p->predict;
}

// Where the model has one output of [B, C], and the data one label of C classes.
static int label_field(const NcReport *r, int64_t *classes) {
  const NcGraph *g = r->m->program->predict;
  const NcDataset *d = r->m->data;
  if (!g || !d || g->output.n != 1 || g->output.at[0].node->type.shape.rank != 2) return -1;
  *classes = g->output.at[0].node->type.shape.dim[1];
  for (int i = 0; i < d->fields; i++)
    if (d->field[i].classes == *classes && *classes > 1 && d->field[i].dtype == NC_I32 && d->field[i].shape.rank == 0) return i;
  return -1;
}

static int32_t label_at(const Seen *s, int64_t example) {
  const void *at = nc_field_at(s->r->m->data, s->field, example);
  return s->r->m->data->field[s->field].dtype == NC_F32 ? (int32_t)*(const float *)at : *(const int32_t *)at;
}

// The field whose two values a logit tells apart: labels, or numbers that are all 0 or 1.
static int yes_no_field(const NcReport *r) {
  const char *name = nc_report_logit_target(r);
  int at = name ? nc_field_find(r->m->data, name) : -1;
  const NcField *f = at < 0 ? NULL : &r->m->data->field[at];
  if (!f || nc_count(f->shape) != 1) return -1;
  if (f->dtype == NC_I32) return f->classes == 2 ? at : -1;
  for (int64_t i = 0; f->dtype == NC_F32 && i < r->part->n; i++) {
    float v = *(const float *)nc_field_at(r->m->data, at, r->part->index[i]);
    if (v != 0 && v != 1) return -1;
  }
  return f->dtype == NC_F32 ? at : -1;
}

// Which class a large number stands for is the recipe's affair, f32(label) or 1 - f32(label): the loss of such an example falls as
// its number rises.
static int yes_of(const Seen *s, const float *slope) {
  int64_t ones = 0;
  for (int64_t i = 0; i < s->n; i++) ones += slope[i] == 0 ? 0 : (slope[i] < 0) == (s->label[i] == 1) ? 1 : -1;
  return ones >= 0;
}

static float *of_logits(NcArena *a, int64_t n, const float *logit, int yes) {
  float *p = NC_NEW_N(a, float, 2 * n + 1);
  for (int64_t i = 0; i < n; i++) {
    p[2 * i + yes] = (float)(1 / (1 + exp(-(double)logit[i])));
    p[2 * i + !yes] = (float)(1 / (1 + exp((double)logit[i])));
  }
  return p;
}

static bool look(NcReport *r, Seen *s) {
  NcArrayOf *out;
  int n;
  NcArena *a = r->m->arena;
  NcShowRun q = {.make = s->binary ? nc_report_logit : predict_graph, .part = r->part, .most = nc_report_most(MOST, s->classes)};
  if (!nc_report_run(r, &q, &n, &out)) return false;
  s->n = out[0].n;
  s->said = NC_NEW_N(a, int, s->n + 1);
  s->label = NC_NEW_N(a, int32_t, s->n + 1);
  for (int64_t i = 0; i < s->n; i++) s->label[i] = label_at(s, r->part->index[i]);
  if (s->binary) s->yes = yes_of(s, out[1].v);
  s->p = s->binary ? of_logits(a, s->n, out[0].v, s->yes)
                   : nc_output_probabilities(a, &(NacreOutput){{.dtype = "f32", .rank = 2, .dim = {s->n, s->classes}}, out[0].v});
  for (int64_t i = 0; i < s->n; i++) {
    const float *p = s->p + i * s->classes;
    for (int64_t k = 1; k < s->classes; k++)
      if (p[k] > p[s->said[i]]) s->said[i] = (int)k;
  }
  return true;
}

static void put_class(Seen *s, int64_t k) {
  const NcField *f = &s->r->m->data->field[s->field];
  if (f->class_name && k >= 0 && k < f->classes) nc_html(s->r->b, f->class_name[k]);
  else nc_putf(s->r->b, "%lld", (long long)k);
}

static void yes(Seen *s) {
  nc_put(s->r->b, "<p>The model gives one number for each example, and a sigmoid makes of it how probable <b>");
  put_class(s, s->yes);
  nc_put(s->r->b, "</b> is.</p>\n");
}

// ---- confusion

static int64_t row_sum(const Seen *s, int64_t k) {
  int64_t n = 0;
  for (int64_t j = 0; j < s->classes; j++) n += s->count[k * s->classes + j];
  return n;
}
static int64_t column_sum(const Seen *s, int64_t k) {
  int64_t n = 0;
  for (int64_t j = 0; j < s->classes; j++) n += s->count[j * s->classes + k];
  return n;
}

static void matrix(Seen *s) {
  NcBuf *b = s->r->b;
  s->count = NC_NEW_N(s->r->m->arena, int64_t, s->classes * s->classes);
  for (int64_t i = 0; i < s->n; i++)
    if (s->label[i] >= 0 && s->label[i] < s->classes) s->count[s->label[i] * s->classes + s->said[i]]++;
  nc_put(b, "<div class=\"wide\"><table class=\"confusion\"><tr><th class=\"corner\">true \\ said</th>");
  for (int64_t k = 0; k < s->classes; k++) nc_put(b, "<th>"), put_class(s, k), nc_put(b, "</th>");
  nc_put(b, "<th>recall</th></tr>\n");
  for (int64_t k = 0; k < s->classes; k++) {
    int64_t row = row_sum(s, k);
    nc_put(b, "<tr><th>");
    put_class(s, k);
    nc_put(b, "</th>");
    for (int64_t j = 0; j < s->classes; j++) {
      int64_t v = s->count[k * s->classes + j];
      double share = row ? (double)v / (double)row : 0;
      if (v) nc_putf(b, "<td class=\"%s\" style=\"--a:%.0f%%\">%lld</td>", j == k ? "right" : "wrong", 12 + 78 * sqrt(share), (long long)v);
      else nc_put(b, "<td class=\"sum\">0</td>");
    }
    nc_putf(b, row ? "<td class=\"sum\">%.1f %%</td></tr>\n" : "<td class=\"sum\">–</td></tr>\n",
            row ? 100.0 * (double)s->count[k * s->classes + k] / (double)row : 0.0);
  }
  nc_put(b, "<tr><th>precision</th>");
  for (int64_t k = 0; k < s->classes; k++) {
    int64_t column = column_sum(s, k);
    if (column) nc_putf(b, "<td class=\"sum\">%.1f %%</td>", 100.0 * (double)s->count[k * s->classes + k] / (double)column);
    else nc_put(b, "<td class=\"sum\">–</td>");
  }
  nc_put(b, "<td></td></tr></table></div>\n");
}

typedef struct { int64_t n, of, as; } Pair;
static int by_classes(const void *a, const void *b) {
  const Pair *x = a, *y = b;
  return x->of != y->of ? (x->of > y->of) - (x->of < y->of) : (x->as > y->as) - (x->as < y->as);
}
static int by_number(const void *a, const void *b) {
  const Pair *x = a, *y = b;
  return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : by_classes(a, b);
}

// With many classes the matrix is too large to be read, and what is mistaken most often says more. Equal pairs stand side by
// side once they are sorted: no table of all pairs is needed.
static void pairs(Seen *s) {
  Pair *list = NC_NEW_N(s->r->m->arena, Pair, s->n + 1);
  int64_t wrong = 0, n = 0;
  for (int64_t i = 0; i < s->n; i++)
    if (s->label[i] != s->said[i] && s->label[i] >= 0 && s->label[i] < s->classes) list[wrong++] = (Pair){1, s->label[i], s->said[i]};
  if (!wrong) return;
  qsort(list, (size_t)wrong, sizeof *list, by_classes);
  for (int64_t i = 0; i < wrong; i++)
    if (n && by_classes(&list[n - 1], &list[i]) == 0) list[n - 1].n++;
    else list[n++] = list[i];
  qsort(list, (size_t)n, sizeof *list, by_number);
  NcBuf *b = s->r->b;
  nc_put(b, "<p>Most often mistaken: ");
  for (int i = 0; i < n && i < PAIRS; i++) {
    nc_put(b, i ? ", " : "");
    put_class(s, list[i].of);
    nc_put(b, " for ");
    put_class(s, list[i].as);
    nc_putf(b, " (%lld)", (long long)list[i].n);
  }
  nc_put(b, ".</p>\n");
}

// ---- calibration

static void calibration(Seen *s) {
  double sure[BINS] = {0}, right[BINS] = {0}, n[BINS] = {0}, x[BINS], y[BINS], all[BINS], error = 0, mean = 0;
  int64_t good = 0;
  for (int64_t i = 0; i < s->n; i++) {
    double p = s->p[i * s->classes + s->said[i]];
    int bin = p >= 1 ? BINS - 1 : p > 0 ? (int)(p * BINS) : 0;
    bool hit = s->label[i] == s->said[i];
    n[bin]++;
    sure[bin] += p;
    right[bin] += hit;
    mean += p;
    good += hit;
  }
  int used = 0;
  for (int i = 0; i < BINS; i++) {
    all[i] = n[i];
    if (n[i] == 0) continue;
    error += fabs(sure[i] - right[i]) / (double)s->n;
    x[used] = sure[i] / n[i];
    y[used++] = right[i] / n[i];
  }
  NcBuf *b = s->r->b;
  NcSeries series = {.n = used, .x = x, .y = y, .colour = 0};
  nc_put(b, "<div class=\"charts\"><div>\n");
  nc_chart(b, &(NcChart){.title = "calibration", .x = "how sure it was", .y = "how often it was right", .n = 1, .series = &series,
                         .diagonal = true, .square = true, .unit = true});
  nc_put(b, "</div><div class=\"beside\">");
  nc_putf(b, "<p>Of %lld examples it got <b>%.2f %%</b> right; on average it was %.2f %% sure.</p>\n", (long long)s->n,
          100.0 * (double)good / (double)s->n, 100 * mean / (double)s->n);
  nc_putf(b, "<p>Expected calibration error (ECE, %d bins): <b>%.4f</b>. On the dashed line certainty is what it says; below it the "
             "model is too sure of itself.</p>\n<p class=\"quiet\">how sure it was, of all examples</p>", BINS, error);
  nc_bars(b, BINS, all, 0, 1, 0);
  nc_put(b, "</div></div>\n");
}

// ---- mistakes

static void said(Seen *s, int64_t i) {
  NcBuf *b = s->r->b;
  nc_put(b, "<b>");
  put_class(s, s->said[i]);
  nc_putf(b, "</b> %.1f %%", 100.0 * (double)s->p[i * s->classes + s->said[i]]);
}

static void mistaken_images(Seen *s, const NcMiss *m, int n, int image) {
  NcBuf *b = s->r->b;
  nc_put(b, "<div class=\"figures\">\n");
  for (int k = 0; k < n && k < SHOWN; k++) {
    nc_put(b, "<figure>");
    nc_report_put_image(s->r, image, s->r->part->index[m[k].i]);
    nc_put(b, "<figcaption>");
    put_class(s, s->label[m[k].i]);
    nc_put(b, " → ");
    said(s, m[k].i);
    nc_put(b, "</figcaption></figure>\n");
  }
  nc_put(b, "</div>\n");
}

static void put_mistaken(NcReport *r, void *ctx, int64_t i) {
  Seen *s = ctx;
  nc_put(r->b, "<td>");
  put_class(s, s->label[i]);
  nc_put(r->b, "</td><td>");
  said(s, i);
  nc_putf(r->b, "</td><td>%.2f %%</td>", 100 * (double)s->p[i * s->classes + s->label[i]]);
}

static void mistakes(Seen *s) {
  NcMiss *list = NC_NEW_N(s->r->m->arena, NcMiss, s->n + 1);
  int n = 0, image = nc_report_image(s->r);
  for (int64_t i = 0; i < s->n; i++)
    if (s->label[i] != s->said[i] && s->label[i] >= 0 && s->label[i] < s->classes)
      list[n++] = (NcMiss){i, -(double)s->p[i * s->classes + s->label[i]]};       // the less probable the truth was said to be
  nc_report_worst_first(list, n);
  nc_putf(s->r->b, "<h3>Worst mistakes</h3>\n<p>%d of %lld are wrong%s</p>\n", n, (long long)s->n,
          n ? "; first those that were the least expected: true → said." : ".");
  if (n && image >= 0) mistaken_images(s, list, n, image);
  else if (n && nc_report_table(s->r) >= 0)
    nc_report_rows(s->r, &(NcReportRows){"<th>true</th><th>said</th><th>of the true one</th>", put_mistaken, s}, list, n);
}

bool nc_report_classes(NcReport *r) {
  Seen s = {.r = r};
  if (!r->part || r->part->n == 0) return true;
  s.field = label_field(r, &s.classes);
  s.binary = s.field < 0;
  if (s.binary) s.field = yes_no_field(r), s.classes = 2;
  if (s.field < 0) return true;
  if (!look(r, &s)) return false;
  if (s.binary) yes(&s);
  if (s.classes <= CELLS) matrix(&s);
  pairs(&s);
  calibration(&s);
  mistakes(&s);
  return true;
}
