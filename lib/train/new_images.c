// Models for images with labels, and for folders of them.
#include <string.h>
#include "data/data.h"
#include "io/image.h"
#include "train/new.h"

// Convolutions and pools until some seven by seven points are left, then two dense layers.
void nc_new_network(NcNew *w, const NcNewShape *s) {
  NcBuf *b = &w->out;
  int64_t side = s->height < s->width ? s->height : s->width, channels = side > 64 ? 16 : 32;
  nc_put(b, "# Filters of 3 by 3; each pool halves the height and the width.\n");
  const char *axes = nc_sprintf(w->a, "%lld, %lld", (long long)s->height, (long long)s->width);
  nc_new_begin(w, &s->target, "", s->channels ? nc_sprintf(w->a, "%lld, %s", (long long)s->channels, axes) : axes);
  nc_put(b, "x");
  if (!s->channels) nc_putf(b, " |> reshape[B, 1, %s]", axes);
  for (; side >= 4; side /= 2, channels = channels < 128 ? channels * 2 : 128) {
    nc_putf(b, "\n|> conv(%lld, 3, pad = \"same\") |> batch_norm |> relu |> max_pool(2)", (long long)channels);
    if (side < 16) break;
  }
  nc_putf(b, "\n|> flatten |> dropout(0.25) |> dense(64) |> relu |> dense(%lld)", (long long)nc_new_values(&s->target));
  nc_new_end(w, &s->target);
}

void nc_new_training(NcNew *w, const NcNewShape *s) {
  int64_t n = s->n * 8 / 10, batch = nc_new_batch(n, 64);
  nc_putf(&w->out, "train %s_net on %s_data {\n", w->name, w->name);
  nc_new_loss(w, &s->target);
  nc_putf(&w->out, "optimizer = adam(cosine(2e-3))\nbatch = %lld\nepochs = %lld\nseed = 1\n}\n", (long long)batch,
          (long long)nc_new_epochs(n, batch, 600));
}

void nc_new_split(NcNew *w) { nc_put(&w->out, "split = (train = 0.8, valid = 0.1, test = 0.1)\n}\n\n"); }

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
  NcNewShape s = {.field = "image", .bytes = true, .n = f.examples, .target = {.field = "label", .classes = f.at[1].classes},
                  .channels = z.grey ? 1 : 3, .height = native ? z.height : side, .width = native ? z.width : side};
  nc_new_head(w, nc_sprintf(w->a, "images of %lld classes", (long long)s.target.classes), s.n);
  nc_putf(&w->out, "data %s_data(path: str = ", w->name);
  nc_print_text(&w->out, w->path);
  nc_putf(&w->out, ") {\nsource = images(path, height = %lld, width = %lld, channels = %lld)%s\nx = image / 255  # bytes to 0 … 1\n",
          (long long)s.height, (long long)s.width, (long long)s.channels,
          native ? "" : "  # larger shows more, and takes longer");
  nc_new_split(w);
  nc_new_network(w, &s);
  nc_new_training(w, &s);
  return true;
}
