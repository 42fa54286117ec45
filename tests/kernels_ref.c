#include "kernels_ref.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NcTemplateText case_text(Variant v, int width) {
  static const char *const load_b_v[] = {[4] = "fabs(vload4(0, B + i))", [8] = "fabs(vload8(0, B + i))",
                                         [16] = "fabs(vload16(0, B + i))"};
  static const char *const store_v[] = {[4] = "vstore4(vload4(0, C + o) - 0.5f * v, 0, C + o);",
                                        [8] = "vstore8(vload8(0, C + o) - 0.5f * v, 0, C + o);",
                                        [16] = "vstore16(vload16(0, C + o) - 0.5f * v, 0, C + o);"};
  if (v == BYTES_BIAS_RELU)
    return (NcTemplateText){.extra = ", __global const float *bias",
                            .a = {.type = "uchar", .load = "convert_float(A[i]) * 0.125f"},
                            .store = "C[o] = fmax(v + bias[c], 0.0f);"};
  if (v == IN_PLACE)
    return (NcTemplateText){.b = {.load = "fabs(B[i])", .load_v = load_b_v[width]},
                            .store = "C[o] = C[o] - 0.5f * v;", .store_v = store_v[width]};
  return (NcTemplateText){0};
}

static unsigned next(unsigned *s) { return *s = *s * 1664525u + 1013904223u; }

// Small multiples of 1/8: sums are nearly exact, so an error of indexing is not mistaken for rounding.
static float *fill(size_t n, bool bytes, bool positive, unsigned *s) {
  float *x = malloc((n + 1) * sizeof *x);
  for (size_t i = 0; i < n; i++) {
    const int v = (int)(next(s) >> 16 & 31) - (bytes ? 0 : 16);
    x[i] = (float)(positive && v < 0 ? -v : v) / 8;
  }
  return x;
}

void case_fill(Case *c, size_t na, size_t nb, size_t nd, size_t nc, size_t columns, size_t inner, Variant v,
               unsigned seed) {
  unsigned s = seed * 7919u + 1;
  *c = (Case){.n = {na, nb, nd, nc}, .columns = columns, .inner = inner};
  c->x[0] = fill(na, v == BYTES_BIAS_RELU, false, &s);
  c->x[1] = fill(nb, false, v == IN_PLACE, &s);
  c->x[2] = fill(nd, false, false, &s);
  c->want = calloc(nc, sizeof *c->want);
}

void case_free(Case *c) {
  for (int i = 0; i < 3; i++) free(c->x[i]);
  free(c->want);
}

static double finish(Variant v, double sum, float before, float bias) {
  if (v == BYTES_BIAS_RELU) return fmax(sum + bias, 0);
  return v == IN_PLACE ? before - 0.5 * sum : sum;
}

static cl_mem upload(ClRun *r, const Case *c, int operand, Variant v) {
  const size_t n = c->n[operand];
  if (!n) return NULL;
  if (operand || v != BYTES_BIAS_RELU) return cl_run_buffer(r, n * sizeof(float), c->x[operand]);
  unsigned char *bytes = malloc(n);
  for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(c->x[0][i] * 8);
  cl_mem m = cl_run_buffer(r, n, bytes);
  free(bytes);
  return m;
}

static bool compare(const Case *c, Variant v, const float *before, const float *bias, const float *got, double terms) {
  int shown = 0;
  for (size_t o = 0; o < c->n[3]; o++) {
    const double want = finish(v, c->want[o], before[o], bias[o / c->inner % c->columns]);
    if (fabs(got[o] - want) <= 1e-6 * (16 + terms + fabs(want))) continue;
    if (shown++ < 5) fprintf(stderr, "  element %zu is %g, not %g\n", o, got[o], want);
  }
  if (shown) fprintf(stderr, "  %d of %zu elements differ\n", shown, c->n[3]);
  return shown == 0;
}

bool case_run(ClRun *r, cl_program program, const NcTemplateUse *use, const Case *c, Variant v, double terms) {
  const size_t bytes = c->n[3] * sizeof(float);
  unsigned s = 99;
  float *before = fill(c->n[3] + 64, false, false, &s), *bias = fill(c->columns, false, false, &s);
  float *got = malloc(bytes + 64 * sizeof *got);
  cl_mem role[4] = {upload(r, c, 0, v), upload(r, c, 1, v), upload(r, c, 2, v), 
                    cl_run_buffer(r, bytes + 64 * sizeof *got, before)};
  cl_mem extra = cl_run_buffer(r, c->columns * sizeof *bias, bias);
  ClBound b;
  bool ok = cl_run_bind(r, &b, program, use, role, v == BYTES_BIAS_RELU, &extra) && cl_run_enqueue(r, &b);
  if (ok) {
    cl_run_read(r, role[3], bytes + 64 * sizeof *got, got);
    ok = compare(c, v, before, bias, got, terms);
    if (memcmp(got + c->n[3], before + c->n[3], 64 * sizeof *got)) {
      fprintf(stderr, "  wrote past the end of the result\n");
      ok = false;
    }
  }
  cl_run_free(&b);
  for (int i = 0; i < 4; i++)
    if (role[i]) clReleaseMemObject(role[i]);
  clReleaseMemObject(extra);
  free(before);
  free(bias);
  free(got);
  return ok;
}

void ref_dot(const NcGemm *g, const Case *c) {
  size_t o = 0;
  for (int64_t z0 = 0; z0 < g->batch[0]; z0++)
    for (int64_t z1 = 0; z1 < g->batch[1]; z1++)
      for (int64_t m = 0; m < g->m; m++)
        for (int64_t n = 0; n < g->n; n++, o++) {
          const float *a = c->x[0] + z0 * g->a_batch[0] + z1 * g->a_batch[1] + m * g->a_m;
          const float *b = c->x[1] + z0 * g->b_batch[0] + z1 * g->b_batch[1] + n * g->b_n;
          for (int64_t k = 0; k < g->k; k++) c->want[o] += (double)a[k * g->a_k] * b[k * g->b_k];
        }
}

// Calls f for every (output element, input element, weight element) that meet in a convolution, in the order
// of outputs.
typedef void Meet(const Case *c, size_t y, size_t x, size_t w);

static bool source(const NcConvTemplate *p, int d, int64_t out, int64_t k, int64_t *in) {
  const int64_t at = out * p->stride[d] + k * p->dilation[d] - p->lo[d];
  *in = at / p->dilate_x[d];
  return at >= 0 && at % p->dilate_x[d] == 0 && *in < p->in[d];
}

static void each_tap(const NcConvTemplate *p, const Case *c, const int64_t y[3], size_t o, size_t plane, size_t w,
                     Meet *f) {
  int64_t k[3], x[3];
  for (k[0] = 0; k[0] < p->kernel[0]; k[0]++)
    for (k[1] = 0; k[1] < p->kernel[1]; k[1]++)
      for (k[2] = 0; k[2] < p->kernel[2]; k[2]++) {
        bool inside = true;
        for (int d = 0; d < 3; d++) inside &= source(p, d, y[d], k[d], &x[d]);
        if (!inside) continue;
        const size_t row = (plane * (size_t)p->in[0] + (size_t)x[0]) * (size_t)p->in[1] + (size_t)x[1];
        f(c, o, row * (size_t)p->in[2] + (size_t)x[2],
          (size_t)((int64_t)w + k[0] * p->w_k[0] + k[1] * p->w_k[1] + k[2] * p->w_k[2]));
      }
}

static void each_meeting(const NcConvTemplate *p, const Case *c, Meet *f) {
  const int64_t ig = p->in_channels / p->groups, og = p->out_channels / p->groups;
  size_t o = 0;
  int64_t y[3];
  for (int64_t b = 0; b < p->batch; b++)
    for (int64_t oc = 0; oc < p->out_channels; oc++)
      for (y[0] = 0; y[0] < p->out[0]; y[0]++)
        for (y[1] = 0; y[1] < p->out[1]; y[1]++)
          for (y[2] = 0; y[2] < p->out[2]; y[2]++, o++)
            for (int64_t i = 0; i < ig; i++)
              each_tap(p, c, y, o, (size_t)(b * p->in_channels + oc / og * ig + i), (size_t)(oc * p->w_o + i * p->w_i),
                       f);
}

static void meet_forward(const Case *c, size_t y, size_t x, size_t w) { c->want[y] += (double)c->x[0][x] * c->x[1][w]; }
static void meet_weight(const Case *c, size_t y, size_t x, size_t w) { c->want[w] += (double)c->x[0][x] * c->x[1][y]; }

void ref_conv(const NcConvTemplate *p, const Case *c) { each_meeting(p, c, meet_forward); }
void ref_conv_weight(const NcConvTemplate *p, const Case *c) { each_meeting(p, c, meet_weight); }

// ---- pools ----

typedef struct { int64_t from[3], to[3]; } Window;   // clipped to x

static Window window_of(const NcPoolTemplate *p, int64_t w) {
  Window r;
  for (int d = 2; d >= 0; d--) {
    const int64_t first = w % p->out[d] * p->stride[d] - p->lo[d], last = first + p->window[d];
    r.from[d] = first < 0 ? 0 : first;
    r.to[d] = last > p->in[d] ? p->in[d] : last;
    w /= p->out[d];
  }
  return r;
}

// Reduces one window of `plane`; *best is the place of the first maximum, *places how many places lie in it.
static double reduce(const NcPoolTemplate *p, const Window *w, const float *plane, size_t *best, int *places) {
  const bool top = !strcmp(p->kind, "max");
  double v = top ? -INFINITY : 0;
  *places = 0;
  for (int64_t i = w->from[0]; i < w->to[0]; i++)
    for (int64_t j = w->from[1]; j < w->to[1]; j++)
      for (int64_t k = w->from[2]; k < w->to[2]; k++, ++*places) {
        const size_t at = (size_t)((i * p->in[1] + j) * p->in[2] + k);
        if (top && plane[at] > v) *best = at;
        v = top ? fmax(v, plane[at]) : v + plane[at];
      }
  return v;
}

void ref_pool(const NcPoolTemplate *p, const Case *c) {
  const int64_t ni = p->in[0] * p->in[1] * p->in[2], no = p->out[0] * p->out[1] * p->out[2];
  for (int64_t o = 0; o < p->planes * no; o++) {
    size_t best;
    int places;
    const Window w = window_of(p, o % no);
    const double v = reduce(p, &w, c->x[0] + o / no * ni, &best, &places);
    c->want[o] = strcmp(p->kind, "avg") ? v : v / places;
  }
}

void ref_pool_grad(const NcPoolTemplate *p, const Case *c) {
  const int64_t ni = p->in[0] * p->in[1] * p->in[2], no = p->out[0] * p->out[1] * p->out[2];
  for (int64_t o = 0; o < p->planes * no; o++) {
    size_t best = 0;
    int places;
    const Window w = window_of(p, o % no);
    double *dx = c->want + o / no * ni;
    reduce(p, &w, c->x[0] + o / no * ni, &best, &places);
    if (!strcmp(p->kind, "max")) {
      dx[best] += c->x[2][o];
      continue;
    }
    for (int64_t i = w.from[0]; i < w.to[0]; i++)
      for (int64_t j = w.from[1]; j < w.to[1]; j++)
        for (int64_t k = w.from[2]; k < w.to[2]; k++)
          dx[(i * p->in[1] + j) * p->in[2] + k] += strcmp(p->kind, "avg") ? c->x[2][o] : c->x[2][o] / places;
  }
}
