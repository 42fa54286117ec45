// Models for images: folders of files, and arrays (IDX, NPY), which may also be plain vectors.
#include <string.h>
#include <unistd.h>
#include "data/data.h"
#include "io/image.h"
#include "train/new.h"

typedef struct {
  const char *field;         // of the source: image or x
  bool bytes, label;         // u8; labels, else numbers
  int64_t n, classes, channels, height, width;   // channels 0: the field is [height, width]
} Shape;

// Convolutions and pools until some seven by seven points are left, then two dense layers.
static void network(NcNew *w, const Shape *s) {
  NcBuf *b = &w->out;
  int64_t side = s->height < s->width ? s->height : s->width, channels = side > 64 ? 16 : 32;
  nc_putf(b, "# Filters of 3 by 3; each pool halves the height and the width.\nmodel %s_net(x: f32[B, ", w->name);
  if (s->channels) nc_putf(b, "%lld, ", (long long)s->channels);
  nc_putf(b, "%lld, %lld]) -> f32[B, %lld] {\nx", (long long)s->height, (long long)s->width, (long long)s->classes);
  if (!s->channels) nc_putf(b, " |> reshape[B, 1, %lld, %lld]", (long long)s->height, (long long)s->width);
  for (; side >= 4; side /= 2, channels = channels < 128 ? channels * 2 : 128) {
    nc_putf(b, "\n|> conv(%lld, 3, pad = \"same\") |> batch_norm |> relu |> max_pool(2)", (long long)channels);
    if (side < 16) break;
  }
  nc_putf(b, "\n|> flatten |> dropout(0.25) |> dense(64) |> relu |> dense(%lld)\n}\n\n", (long long)s->classes);
}

static void training(NcNew *w, const Shape *s) {
  int64_t n = s->n * 8 / 10, batch = nc_new_batch(n, 64);
  nc_putf(&w->out, "train %s_net on %s_data {\nloss = cross_entropy(%s_net(x), label)\nmetrics = [accuracy(%s_net(x), label)]\n"
                   "optimizer = adam(cosine(2e-3))\nbatch = %lld\nepochs = %lld\nseed = 1\n}\n",
          w->name, w->name, w->name, w->name, (long long)batch, (long long)nc_new_epochs(n, batch, 600));
}

static void split(NcNew *w) { nc_put(&w->out, "split = (train = 0.8, valid = 0.1, test = 0.1)\n}\n\n"); }

// ---- a folder ----

// What some of the images, spread over the folder, have in common.
typedef struct { int64_t height, width, least; bool same, grey; } Sizes;

static bool is_grey(const NcImage *m) {
  for (int64_t i = 0; m->channels == 3 && i < (int64_t)m->width * m->height; i++)
    if (m->pixel[3 * i] != m->pixel[3 * i + 1] || m->pixel[3 * i] != m->pixel[3 * i + 2]) return false;
  return true;
}

static bool sample(NcNew *w, int64_t files, const char *const *path, Sizes *out) {
  enum { LOOK_AT = 24 };
  *out = (Sizes){.same = true, .grey = true, .least = INT32_MAX};
  for (int64_t k = 0, n = files < LOOK_AT ? files : LOOK_AT; k < n; k++) {
    NcImage m;
    NcBytes b;
    if (!nc_bytes_read(w->a, w->d, NC_NOWHERE, path[k * files / n], 0, &b) || !nc_image_parse(w->a, w->d, &b, &m)) return false;
    if (k == 0) out->height = m.height, out->width = m.width;
    out->same = out->same && m.height == out->height && m.width == out->width;
    out->grey = out->grey && is_grey(&m);
    if (m.height < out->least) out->least = m.height;
    if (m.width < out->least) out->least = m.width;
  }
  return true;
}

bool nc_new_images(NcNew *w) {
  enum { LARGEST = 64 };
  NcFields f;
  NcSetting path = {.kind = NC_SET_STR, .s = w->path}, one = {.name = "height", .kind = NC_SET_INT, .i = 1};
  NcSourceSpec spec = {.kind = "images", .setting = (NcSetting[]){path, one}, .settings = 2};
  if (!nc_source_describe(w->a, w->d, &spec, &f)) return false;
  if (f.n < 2) {
    nc_help(w->d, nc_error(w->d, NC_E0405, NC_NOWHERE, "the images in `%s` have no classes to learn", w->path),
            "put them into folders, one for each class");
    return false;
  }
  const char *const *files = nc_images_files(w->a, w->d, &spec);
  Sizes z;
  if (!files || !nc_new_enough(w, f.examples) || !sample(w, f.examples, files, &z)) return false;
  int64_t side = z.least < LARGEST ? z.least : LARGEST;
  bool native = z.same && z.height <= 2 * LARGEST && z.width <= 2 * LARGEST;
  Shape s = {"image", true, true, f.examples, f.at[1].classes, z.grey ? 1 : 3, native ? z.height : side, native ? z.width : side};
  nc_new_head(w, nc_sprintf(w->a, "images of %lld classes", (long long)s.classes), s.n);
  nc_putf(&w->out, "data %s_data(path: str = ", w->name);
  nc_print_text(&w->out, w->path);
  nc_putf(&w->out, ") {\nsource = images(path, height = %lld, width = %lld, channels = %lld)%s\nx = image / 255  # bytes to 0 … 1\n",
          (long long)s.height, (long long)s.width, (long long)s.channels,
          native ? "" : "  # larger shows more, and takes longer");
  split(w);
  network(w, &s);
  training(w, &s);
  return true;
}

// ---- arrays ----

// Beside a file of examples, that of their labels. NULL after an error.
static const char *partner(NcNew *w, const char **first) {
  static const char *const pair[][2] = {{"images", "labels"}, {"image", "label"}, {"x", "y"}, {"X", "y"}, {"data", "labels"},
                                        {"features", "labels"}, {"inputs", "targets"}};
  const char *slash = strrchr(w->path, '/'), *base = slash ? slash + 1 : w->path;
  for (size_t i = 0; i < 2 * sizeof pair / sizeof *pair; i++) {
    const char *from = pair[i / 2][i % 2], *to = pair[i / 2][1 - i % 2], *at = strstr(base, from);
    if (!at) continue;
    char *other = nc_sprintf(w->a, "%.*s%s%s", (int)(at - w->path), w->path, to, at + strlen(from)), *rank;
    if ((rank = strstr(other, i % 2 ? "idx1" : "idx3"))) rank[3] = i % 2 ? '3' : '1';
    if (access(other, F_OK) != 0) continue;
    *first = i % 2 ? other : w->path;
    return i % 2 ? w->path : other;
  }
  nc_help(w->d, nc_error(w->d, NC_E0401, NC_NOWHERE, "beside `%s` there is no file of labels", w->path),
          "name the two alike: train-images-idx3-ubyte and train-labels-idx1-ubyte, x.npy and y.npy");
  return NULL;
}

static bool fill(NcNew *w, const NcFields *f, Shape *s) {
  const NcShape *x = &f->at[0].shape;
  *s = (Shape){f->at[0].name, f->at[0].dtype == NC_U8, f->at[1].classes > 0, f->examples, f->at[1].classes, 0, 1, 1};
  if (f->at[1].shape.rank == 0 && s->label && x->rank >= 1 && x->rank <= 3) {
    s->width = x->dim[x->rank - 1];
    s->height = x->rank > 1 ? x->dim[x->rank - 2] : 0;
    s->channels = x->rank == 3 ? x->dim[0] : 0;
    return nc_new_enough(w, s->n);
  }
  nc_help(w->d, nc_error(w->d, NC_E0404, NC_NOWHERE, "`%s` has the type %s, its labels %s", w->path,
                         nc_type_str(w->a, (NcType){f->at[0].dtype, *x}), nc_type_str(w->a, (NcType){f->at[1].dtype, f->at[1].shape})),
          "`nacre new` knows vectors and images with one whole number from 0 on as the label of each");
  return false;
}

static void vectors(NcNew *w, const Shape *s) {
  nc_putf(&w->out, "# batch_norm learns the mean and the spread of each input, so nothing need be scaled by hand.\n"
                   "model %s_net(hidden: int = 64)(x: f32[B, %lld]) -> f32[B, %lld] {\n"
                   "x |> batch_norm |> dense(hidden) |> relu |> dense(hidden) |> relu |> dense(%lld)\n}\n\n",
          w->name, (long long)s->width, (long long)s->classes, (long long)s->classes);
}

bool nc_new_arrays(NcNew *w, bool idx) {
  const char *first = NULL, *labels = partner(w, &first);
  if (!labels) return false;
  NcFields f;
  Shape s;
  const char *field = idx ? "image" : "x", *kind = idx ? "idx" : "npy";
  NcSetting set[] = {{.name = field, .kind = NC_SET_STR, .s = first}, {.name = "label", .kind = NC_SET_STR, .s = labels}};
  NcSourceSpec spec = {.kind = kind, .setting = set, .settings = 2};
  if (!nc_source_describe(w->a, w->d, &spec, &f) || !fill(w, &f, &s)) return false;
  nc_new_head(w, nc_sprintf(w->a, "%s of %lld classes", s.height ? "images" : "examples", (long long)s.classes), s.n);
  nc_putf(&w->out, "data %s_data(examples: str = ", w->name);
  nc_print_text(&w->out, first);
  nc_put(&w->out, ", labels: str = ");
  nc_print_text(&w->out, labels);
  nc_putf(&w->out, ") {\nsource = %s(%s = examples, label = labels)\n", kind, field);
  if (s.bytes) nc_putf(&w->out, "x = %s / 255  # bytes to 0 … 1\n", field);
  else if (f.at[0].dtype != NC_F32) nc_putf(&w->out, "x = f32(%s)\n", field);
  else if (idx) nc_putf(&w->out, "x = %s\n", field);
  split(w);
  if (s.height) network(w, &s);
  else vectors(w, &s);
  training(w, &s);
  return true;
}
