// What the sizes of a tuning mean: its operation as a graph, its work, and its results by the definition.
#include <string.h>
#include "ops/op.h"
#include "train/tune.h"

// Sizes of products: batch, m, n, k, whether A lies across (K by M), whether B lies along (K by N).
enum { Z, M, N, K, A_ACROSS, B_ALONG };
// Sizes of convolutions: four, then three axes each of x, the kernel, the result, stride, lo, dilation, dilate_x; whether
// weights are packed.
enum { BATCH, IN, OUT, GROUPS, X = 4, KERNEL = 7, Y = 10, STRIDE = 13, LO = 16, DILATION = 19, DILATE_X = 22, PACKED = 25 };

static const NcRange nowhere;
static bool begins(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }
static bool is_product(const NcTuning *k) { return begins(k->kind, "gemm") || begins(k->kind, "clblast"); }
// One of two ways, 0 and 1.
static bool is_way(const NcTuning *k) { return begins(k->kind, "clblast") || strcmp(k->kind, "conv_way") == 0 || strcmp(k->kind, "conv_weight_way") == 0; }
static bool is_weight(const NcTuning *k) { return begins(k->kind, "conv_weight"); }

static int64_t product(const int64_t *d) { return d[0] * d[1] * d[2]; }

static NcGraph *dot_graph(NcGraph *g, const int64_t *s) {
  static const int64_t first[] = {0};
  int b = s[Z] > 1;
  int64_t at[] = {s[Z], s[A_ACROSS] ? s[K] : s[M], s[A_ACROSS] ? s[M] : s[K]}, bt[] = {s[Z], s[B_ALONG] ? s[K] : s[N], s[B_ALONG] ? s[N] : s[K]};
  NcShape as = b ? NC_SHAPE(at[0], at[1], at[2]) : NC_SHAPE(at[1], at[2]), bs = b ? NC_SHAPE(bt[0], bt[1], bt[2]) : NC_SHAPE(bt[1], bt[2]);
  NcNode *x = nc_input(g, nowhere, "a", (NcType){NC_F32, as}), *y = nc_input(g, nowhere, "b", (NcType){NC_F32, bs});
  int64_t acon[] = {s[A_ACROSS] ? b : b + 1}, bcon[] = {s[B_ALONG] ? b : b + 1};
  NcNode *out = nc_dot(g, nowhere, x, y, b, first, first, 1, acon, bcon);
  if (out) nc_graph_output(g, "out", out);
  return out ? g : NULL;
}

static NcConv conv_of(const int64_t *s) {
  NcConv c = {.spatial = 3, .groups = (int)s[GROUPS]};
  for (int i = 0; i < 3; i++) {
    c.stride[i] = s[STRIDE + i], c.lo[i] = s[LO + i], c.dilation[i] = s[DILATION + i], c.dilate_x[i] = s[DILATE_X + i];
    c.hi[i] = (s[Y + i] - 1) * s[STRIDE + i] + (s[KERNEL + i] - 1) * s[DILATION + i] - (s[X + i] - 1) * s[DILATE_X + i] - s[LO + i];
  }
  return c;
}

static NcGraph *conv_graph(NcGraph *g, const NcTuning *k) {
  const int64_t *s = k->size, ig = s[GROUPS] > 0 ? s[IN] / s[GROUPS] : 0;
  const NcConv c = conv_of(s);
  NcNode *x = nc_input(g, nowhere, "a", (NcType){NC_F32, NC_SHAPE(s[BATCH], s[IN], s[X], s[X + 1], s[X + 2])}), *out;
  if (is_weight(k)) {
    NcShape dy = NC_SHAPE(s[BATCH], s[OUT], s[Y], s[Y + 1], s[Y + 2]);
    out = nc_conv_weight(g, nowhere, x, nc_input(g, nowhere, "b", (NcType){NC_F32, dy}), &c, &s[KERNEL]);
  } else {
    static const int64_t turned[] = {1, 0, 2, 3, 4};
    NcShape w = s[PACKED] ? NC_SHAPE(ig, s[OUT], s[KERNEL], s[KERNEL + 1], s[KERNEL + 2])
                          : NC_SHAPE(s[OUT], ig, s[KERNEL], s[KERNEL + 1], s[KERNEL + 2]);
    NcNode *b = nc_input(g, nowhere, "b", (NcType){NC_F32, w});
    out = nc_conv(g, nowhere, x, s[PACKED] ? nc_permute(g, nowhere, b, turned) : b, &c);
  }
  if (out) nc_graph_output(g, "out", out);
  return out ? g : NULL;
}

NcGraph *nc_tune_graph(NcArena *a, NcDiag *d, const NcTuning *k) {
  NcGraph *g = nc_graph_new(a, d, "tune");
  if (k->sizes != (is_product(k) ? B_ALONG + 1 : PACKED + 1)) return NULL;
  for (int i = 0; i < (is_product(k) ? A_ACROSS : LO); i++)
    if (k->size[i] < 1) return NULL;
  return is_product(k) ? dot_graph(g, k->size) : conv_graph(g, k);
}

int64_t nc_tune_terms(const NcTuning *k) {
  const int64_t *s = k->size;
  return is_product(k) ? s[K] : is_weight(k) ? s[BATCH] * product(&s[Y]) : s[IN] / s[GROUPS] * product(&s[KERNEL]);
}

double nc_tune_flops(const NcTuning *k) {
  const int64_t *s = k->size;
  if (is_product(k)) return 2.0 * (double)(s[Z] * s[M]) * (double)(s[N] * s[K]);
  return 2.0 * (double)(s[BATCH] * s[OUT]) * (double)product(&s[Y]) * (double)(s[IN] / s[GROUPS] * product(&s[KERNEL]));
}

const char *nc_tune_name(NcArena *a, const NcTuning *k) {
  const int64_t *s = k->size;
  const char *way = begins(k->kind, "clblast") ? ", by CLBlast or not" : is_way(k) ? ", Winograd's way or not" : "";
  if (is_product(k))
    return nc_sprintf(a, "product %lld×%lld×%lld%s%s%s%s", (long long)s[M], (long long)s[N], (long long)s[K],
                      s[Z] > 1 ? nc_sprintf(a, ", %lld of them", (long long)s[Z]) : "", s[A_ACROSS] ? ", A across" : "",
                      s[B_ALONG] ? "" : ", B across", way);
  return nc_sprintf(a, "%s %lld→%lld, %lld×%lld, kernel %lld×%lld, batch %lld%s", is_weight(k) ? "weights of" : "convolution",
                    (long long)s[IN], (long long)s[OUT], (long long)s[X + 1], (long long)s[X + 2], (long long)s[KERNEL + 1],
                    (long long)s[KERNEL + 2], (long long)s[BATCH], way);
}

const char *nc_tune_choice_name(const NcTuning *k, int i) {
  static const struct { const char *kind, *name[NC_TUNED_CHOICES]; } names[] = {
    {"gemm_cpu", {"mb", "nb", "kb", "split"}}, {"conv_cpu", {"ib", "ob", "rb"}}, {"conv_weight_cpu", {"ib", "ob", "rb", "split"}},
    {"conv_way", {"winograd"}}, {"conv_weight_way", {"winograd"}}, {"clblast", {"clblast"}},
  };
  static const char *const tile[] = {"bm", "bn", "split"};
  for (size_t n = 0; n < sizeof names / sizeof *names; n++)
    if (strcmp(names[n].kind, k->kind) == 0 && names[n].name[i]) return names[n].name[i];
  return i < 3 ? tile[i] : "";
}

static double dot_element(const int64_t *s, const float *a, const float *b, int64_t at) {
  int64_t z = at / (s[M] * s[N]), m = at / s[N] % s[M], n = at % s[N];
  double sum = 0;
  a += z * s[M] * s[K], b += z * s[K] * s[N];
  for (int64_t k = 0; k < s[K]; k++)
    sum += (double)a[s[A_ACROSS] ? k * s[M] + m : m * s[K] + k] * (double)b[s[B_ALONG] ? k * s[N] + n : n * s[K] + k];
  return sum;
}

// Where tap t meets x for place y of the result, in each axis; false where that is outside, or between its pixels.
static bool meets(const int64_t *s, const int64_t *y, const int64_t *t, int64_t *pixel) {
  *pixel = 0;
  for (int i = 0; i < 3; i++) {
    int64_t p = y[i] * s[STRIDE + i] + t[i] * s[DILATION + i] - s[LO + i], step = s[DILATE_X + i];
    if (p < 0 || p % step || p / step >= s[X + i]) return false;
    *pixel = *pixel * s[X + i] + p / step;
  }
  return true;
}

static void place(int64_t at, const int64_t *size, int64_t *out) {
  for (int i = 2; i >= 0; i--) out[i] = at % size[i], at /= size[i];
}

static double conv_element(const NcTuning *k, const float *a, const float *b, int64_t at) {
  const int64_t *s = k->size, pixels = product(&s[X]), taps = product(&s[KERNEL]), places = product(&s[Y]), ig = s[IN] / s[GROUPS];
  bool weight = is_weight(k);
  int64_t y[3], t[3], pixel;
  int64_t o = weight ? at / (ig * taps) : at / places % s[OUT], z = weight ? 0 : at / (places * s[OUT]), of = o / (s[OUT] / s[GROUPS]) * ig;
  double sum = 0;
  if (weight) place(at % taps, &s[KERNEL], t);
  else place(at % places, &s[Y], y);
  for (int64_t n = 0; weight && n < s[BATCH]; n++)
    for (int64_t p = 0; p < places; p++) {
      place(p, &s[Y], y);
      if (meets(s, y, t, &pixel))
        sum += (double)a[(n * s[IN] + of + at / taps % ig) * pixels + pixel] * (double)b[(n * s[OUT] + o) * places + p];
    }
  for (int64_t i = 0; !weight && i < ig; i++)
    for (int64_t p = 0; p < taps; p++) {
      place(p, &s[KERNEL], t);
      if (meets(s, y, t, &pixel))
        sum += (double)a[(z * s[IN] + of + i) * pixels + pixel] * (double)b[(s[PACKED] ? i * s[OUT] + o : o * ig + i) * taps + p];
    }
  return sum;
}

double nc_tune_element(const NcTuning *k, const float *a, const float *b, int64_t at) {
  return is_product(k) ? dot_element(k->size, a, b, at) : conv_element(k, a, b, at);
}

int nc_tune_neighbours(const NcTuning *k, int64_t (*out)[NC_TUNED_CHOICES], int most) {
  bool way = is_way(k);
  int n = 0;
  for (int i = 0; i < k->choices; i++)
    for (int up = way; up < 2 && n < most; up++) {
      memcpy(out[n], k->choice, sizeof k->choice);
      out[n][i] = way ? !k->choice[i] : up ? k->choice[i] * 2 : k->choice[i] / 2;
      n += out[n][i] != k->choice[i] && (way || out[n][i] > 0);
    }
  return n;
}
