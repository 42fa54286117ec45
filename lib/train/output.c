// What a task or a prediction gave back, for people and programs: text, JSON lines, CSV, NPY, PNG.
#include "train/output.h"
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "io/npy.h"
#include "io/png.h"
#include "train/tokens.h"

NcType nc_output_type(const NacreOutput *o) {
  NcType t = {.shape = {.rank = o->tensor.rank}};
  nc_dtype_find(o->tensor.dtype, &t.dtype);
  for (int i = 0; i < o->tensor.rank; i++) t.shape.dim[i] = o->tensor.dim[i];
  return t;
}

double nc_output_at(const NacreOutput *o, int64_t i) {
  switch (nc_output_type(o).dtype) {
    case NC_F32: return (double)((const float *)o->data)[i];
    case NC_I32: return ((const int32_t *)o->data)[i];
    case NC_I64: return (double)((const int64_t *)o->data)[i];
    default: return ((const uint8_t *)o->data)[i];
  }
}

static bool adds_up(const float *p, int64_t n) {
  double sum = 0;
  bool positive = true;
  for (int64_t k = 0; k < n; k++) {
    sum += (double)p[k];
    positive = positive && p[k] >= 0;
  }
  return positive && fabs(sum - 1) < 1e-3;
}

static void softmax(float *p, int64_t n) {
  double most = -INFINITY, sum = 0;
  for (int64_t k = 0; k < n; k++) most = fmax(most, (double)p[k]);
  for (int64_t k = 0; k < n; k++) sum += exp((double)p[k] - most);
  for (int64_t k = 0; k < n; k++) p[k] = (float)(exp((double)p[k] - most) / sum);
}

float *nc_output_probabilities(NcArena *a, const NacreOutput *o) {
  int64_t n = o->tensor.rank ? o->tensor.dim[0] : 1, all = nc_count(nc_output_type(o).shape), classes = n ? all / n : 0;
  float *p = NC_NEW_N(a, float, all + 1);
  bool already = true;
  for (int64_t i = 0; i < all; i++) p[i] = (float)nc_output_at(o, i);
  for (int64_t i = 0; i < n && already; i++) already = adds_up(p + i * classes, classes);
  for (int64_t i = 0; i < n && !already; i++) softmax(p + i * classes, classes);
  return p;
}

NacreOutput *nc_outputs_read(NacreModel *m, NcArena *a, const NcGraph *g, const NcPlan *plan, NcLoaded *loaded, int *n) {
  NacreOutput *out = NC_NEW_N(a, NacreOutput, g->output.n + 1);
  *n = g->output.n;
  for (int i = 0; i < *n; i++) {
    int b = nc_plan_output(plan, g->output.at[i].name);
    NcType t = g->output.at[i].node->type;
    if (b < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the plan has no output `%s`", g->output.at[i].name), NULL;
    void *data = nc_alloc(a, nc_type_bytes(t) + 1);
    if (!nc_exec_read(loaded, m->diag, b, data, nc_type_bytes(t), true)) return NULL;
    out[i] = (NacreOutput){.tensor = {.name = g->output.at[i].name, .dtype = nc_dtype_name(t.dtype), .rank = t.shape.rank},
                           .data = data};
    memcpy(out[i].tensor.dim, t.shape.dim, sizeof t.shape.dim);
  }
  return out;
}

// ---- text

void nc_put_cell(NcBuf *b, const char *s) {
  if (!strpbrk(s, ",\"\r\n")) {
    nc_put(b, s);
    return;
  }
  nc_putc(b, '"');
  for (; *s; s++) {
    if (*s == '"') nc_putc(b, '"');
    nc_putc(b, *s);
  }
  nc_putc(b, '"');
}

void nc_put_number(NcBuf *b, double v, int digits, bool json) {
  if (json && !isfinite(v)) nc_put(b, "null");
  else nc_putf(b, "%.*g", digits, v);
}

static void put_value(NcBuf *b, const NacreOutput *o, NcDtype t, int64_t i, bool json) {
  double v = nc_output_at(o, i);
  if (t == NC_BOOL) nc_put(b, v != 0 ? "true" : "false");
  else if (t == NC_I64) nc_putf(b, "%lld", (long long)((const int64_t *)o->data)[i]);
  else if (!nc_dtype_float(t)) nc_putf(b, "%d", (int)v);
  else nc_put_number(b, v, 9, json);
}

static void put_nested(NcBuf *b, const NacreOutput *o, NcType t, int axis, int64_t *at) {
  if (axis == t.shape.rank) {
    put_value(b, o, t.dtype, (*at)++, true);
    return;
  }
  nc_putc(b, '[');
  for (int64_t i = 0; i < t.shape.dim[axis]; i++) {
    if (i) nc_putc(b, ',');
    put_nested(b, o, t, axis + 1, at);
  }
  nc_putc(b, ']');
}

static void put_json(NacreModel *m, NcBuf *b, const char *title, const NacreOutput *o) {
  NcType t = nc_output_type(o);
  int64_t at = 0;
  nc_put(b, "{\"task\":");
  nc_put_json(b, title);
  nc_put(b, ",\"output\":");
  nc_put_json(b, o->tensor.name);
  nc_putf(b, ",\"dtype\":\"%s\",\"shape\":[", o->tensor.dtype);
  for (int i = 0; i < t.shape.rank; i++) nc_putf(b, "%s%lld", i ? "," : "", (long long)t.shape.dim[i]);
  nc_put(b, "],\"value\":");
  put_nested(b, o, t, 0, &at);
  const char *text = nc_tokens_text(m, o);
  if (text) {
    nc_put(b, ",\"text\":");
    nc_put_json(b, text);
  }
  nc_put(b, "}\n");
}

// A row for each index of the first axis; a scalar is one row of one column.
static void put_csv(NcBuf *b, const NacreOutput *o, bool header) {
  NcType t = nc_output_type(o);
  int64_t n = nc_count(t.shape), rows = t.shape.rank ? t.shape.dim[0] : 1, columns = n / rows;
  for (int64_t k = 0; header && k < columns; k++)
    nc_putf(b, columns > 1 ? "%s%s%lld" : "%s%s", k ? "," : "", o->tensor.name, (long long)k);
  if (header) nc_putc(b, '\n');
  for (int64_t i = 0; i < n; i++) {
    put_value(b, o, t.dtype, i, false);
    nc_putc(b, (i + 1) % columns ? ',' : '\n');
  }
}

// ---- images

typedef struct { int64_t n, channels, height, width; } Images;

// f32[n, c, h, w] with 1, 3 or 4 channels, f32[n, h, w], or one image f32[h, w].
static bool images_of(const NacreOutput *o, Images *out) {
  const int64_t *d = o->tensor.dim;
  switch (o->tensor.rank) {
    case 2: *out = (Images){1, 1, d[0], d[1]}; return true;
    case 3: *out = (Images){d[0], 1, d[1], d[2]}; return true;
    case 4: *out = (Images){d[0], d[1], d[2], d[3]}; return d[1] == 1 || d[1] == 3 || d[1] == 4;
    default: return false;
  }
}

// What is black and what is white: 0 and 1 where all values lie there, else the smallest and largest; bytes as they are.
static void range_of(const NacreOutput *o, double *black, double *white) {
  NcType t = nc_output_type(o);
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0, n = nc_count(t.shape); i < n; i++) {
    double v = nc_output_at(o, i);
    if (!isfinite(v)) continue;
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  bool unit = !(low < 0 || high > 1);
  *black = t.dtype == NC_U8 || unit ? 0 : low;
  *white = t.dtype == NC_U8 ? 255 : unit ? 1 : high;
  if (*white <= *black) *white = *black + 1;
}

static unsigned char shade(double v, double black, double white) {
  double s = 255 * (v - black) / (white - black);
  return s > 0 ? s < 255 ? (unsigned char)(s + 0.5) : 255 : 0;   // not a number is black
}

// Images from left to right, as many in a row as rows or one more, two grey points between them.
bool nc_output_mosaic(NcArena *a, const NacreOutput *o, NcMosaic *out) {
  enum { GAP = 2, GREY = 96 };
  Images g;
  if (!images_of(o, &g)) return false;
  int64_t across = (int64_t)ceil(sqrt((double)g.n)), down = (g.n + across - 1) / across;
  int64_t width = across * (g.width + GAP) - GAP, height = down * (g.height + GAP) - GAP;
  unsigned char *pixel = nc_alloc_array(a, (size_t)height * (size_t)width, (size_t)g.channels);
  memset(pixel, GREY, (size_t)(height * width * g.channels));
  double black, white;
  range_of(o, &black, &white);
  for (int64_t i = 0; i < g.n; i++)
    for (int64_t c = 0; c < g.channels; c++)
      for (int64_t y = 0; y < g.height; y++)
        for (int64_t x = 0; x < g.width; x++) {
          int64_t row = i / across * (g.height + GAP) + y, column = i % across * (g.width + GAP) + x;
          pixel[(row * width + column) * g.channels + c] =
              shade(nc_output_at(o, ((i * g.channels + c) * g.height + y) * g.width + x), black, white);
        }
  *out = (NcMosaic){g.n, g.height, g.width, height, width, (int)g.channels, pixel, black, white};
  return true;
}

static bool put_images(NacreModel *m, const NacreOutput *o, const char *path, NcBuf *said) {
  NcMosaic g;
  if (!nc_output_mosaic(m->arena, o, &g)) {
    nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` is %s, which is no image", o->tensor.name,
                              nc_type_str(m->arena, nc_output_type(o))),
            "images are [n, c, h, w] with 1, 3 or 4 channels, [n, h, w] or [h, w]; write another shape as .npy");
    return false;
  }
  if (!nc_png_write(m->arena, m->diag, path, g.width, g.height, g.channels, g.pixel)) return false;
  nc_putf(said, "wrote %s: %lld image%s of %lld by %lld", path, (long long)g.n, g.n == 1 ? "" : "s", (long long)g.one_width,
          (long long)g.one_height);
  bool plain = (g.black == 0 && g.white == 1) || nc_output_type(o).dtype == NC_U8;
  if (!plain) nc_putf(said, ", %.4g is black and %.4g white", g.black, g.white);
  nc_putc(said, '\n');
  return true;
}

// ---- files

typedef enum { CSV, JSON, NPY, PNG, TXT, UNKNOWN } Format;
static const char *const endings[] = {".csv", ".json", ".npy", ".png", ".txt"};

static Format format_of(const char *path) {
  size_t n = strlen(path);
  for (int i = 0; i < UNKNOWN; i++) {
    size_t k = strlen(endings[i]);
    if (n > k && strcmp(path + n - k, endings[i]) == 0) return (Format)i;
  }
  return UNKNOWN;
}

bool nc_output_path_good(NacreModel *m, const char *path) {
  if (format_of(path) != UNKNOWN) return true;
  nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` does not say in which form to write", path),
          "let the name end in .csv, .json, .npy, .png or .txt");
  return false;
}

static bool put_file(NacreModel *m, const NacreOutput *o, const char *path, NcBuf *said) {
  NcBuf b = NC_BUF(m->arena);
  Format f = format_of(path);
  if (f == PNG) return put_images(m, o, path, said);
  const char *text = f == TXT ? nc_tokens_text(m, o) : NULL;
  if (text) nc_putf(&b, "%s\n", text);
  else if (f != NPY) put_csv(&b, o, f == CSV);
  bool good = f == NPY ? nc_npy_write(m->diag, path, nc_output_type(o), o->data)
                       : nc_write_file(m->diag, path, nc_buf_str(&b), b.n);
  if (good) nc_putf(said, "wrote %s: %s\n", path, nc_type_str(m->arena, nc_output_type(o)));
  return good;
}

// x.npy → x-NAME.npy
static const char *path_for(NacreModel *m, const char *path, const char *name) {
  const char *dot = strrchr(path, '.');
  return nc_sprintf(m->arena, "%.*s-%s%s", (int)(dot - path), path, name, dot);
}

static bool write_files(NacreModel *m, int n, const NacreOutput *o, const NcOutputTo *to, NcBuf *said) {
  bool good = nc_output_path_good(m, to->path);
  if (good && format_of(to->path) == JSON) {
    NcBuf b = NC_BUF(m->arena);
    for (int i = 0; i < n; i++) put_json(m, &b, to->title, &o[i]);
    good = nc_write_file(m->diag, to->path, nc_buf_str(&b), b.n);
    if (good) nc_putf(said, "wrote %s: %d line%s\n", to->path, n, n == 1 ? "" : "s");
    return good;
  }
  for (int i = 0; good && i < n; i++)
    good = put_file(m, &o[i], n == 1 ? to->path : path_for(m, to->path, o[i].tensor.name), said);
  return good;
}

// ---- without a path

// A name that no file has yet: TASK.png, TASK-2.png, …
static const char *fresh(NacreModel *m, const char *stem, const char *ending) {
  const char *path = nc_sprintf(m->arena, "%s%s", stem, ending);
  for (int i = 2; access(path, F_OK) == 0; i++) path = nc_sprintf(m->arena, "%s-%d%s", stem, i, ending);
  return path;
}

bool nc_output_is_images(const NacreOutput *o) {
  enum { LEAST = 8 };
  Images g;
  return o->tensor.rank >= 3 && images_of(o, &g) && g.height >= LEAST && g.width >= LEAST;
}

static bool put_plain(NacreModel *m, int n, const NacreOutput *o, const char *title, NcBuf *b) {
  enum { MOST = 1000 };   // numbers that a person would want to see pass by
  const char *text = nc_tokens_text(m, o);
  NcType t = nc_output_type(o);
  if (text && n > 1) nc_putf(b, "%s: %s\n", o->tensor.name, text);
  else if (text) nc_putf(b, "%s\n", text);
  else if (nc_count(t.shape) <= MOST && !nc_output_is_images(o)) {
    nc_putf(b, t.shape.rank ? "%s: %s\n" : "%s = ", o->tensor.name, nc_type_str(m->arena, t));
    put_csv(b, o, false);
  } else {
    const char *stem = n > 1 ? nc_sprintf(m->arena, "%s-%s", title, o->tensor.name) : title;
    return put_file(m, o, fresh(m, stem, nc_output_is_images(o) ? ".png" : ".npy"), b);
  }
  return true;
}

bool nc_outputs_write(NacreModel *m, int n, const NacreOutput *o, const NcOutputTo *to) {
  NcBuf b = NC_BUF(m->arena);
  bool good = true;
  if (to->path) good = write_files(m, n, o, to, &b);
  else
    for (int i = 0; good && i < n; i++) {
      if (to->json) put_json(m, &b, to->title, &o[i]);
      else good = put_plain(m, n, &o[i], to->title, &b);
    }
  if (b.n) to->write(to->ctx, nc_buf_str(&b), b.n);
  return good;
}
