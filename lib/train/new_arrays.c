// Models for arrays of examples with labels: IDX and NPY, a file of each, NPZ, one file of both, and CIFAR's binary files.
#include <string.h>
#include <unistd.h>
#include "data/data.h"
#include "io/npz.h"
#include "train/new.h"

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

// Images with channels behind rows and columns are told by how few these are.
static bool channels_last(const NcShape *x) { return x->rank == 3 && x->dim[0] > 4 && (x->dim[2] == 1 || x->dim[2] == 3); }

static bool fill(NcNew *w, const NcFields *f, NcNewShape *s) {
  const NcShape *x = &f->at[0].shape;
  bool last = channels_last(x), label = f->at[1].classes > 0 && f->at[1].shape.rank == 0;
  *s = (NcNewShape){.field = f->at[0].name, .bytes = f->at[0].dtype == NC_U8, .n = f->examples, .classes = f->at[1].classes, .last = last};
  if (label && x->rank >= 1 && x->rank <= 3) {
    int rows = last ? 0 : x->rank - 2;
    s->width = x->dim[rows + 1];
    s->height = x->rank > 1 ? x->dim[rows] : 0;
    s->channels = x->rank == 3 ? x->dim[last ? 2 : 0] : 0;
    return nc_new_enough(w, s->n);
  }
  nc_help(w->d, nc_error(w->d, NC_E0404, NC_NOWHERE, "`%s` has the type %s, its labels %s", w->path,
                         nc_type_str(w->a, (NcType){f->at[0].dtype, *x}), nc_type_str(w->a, (NcType){f->at[1].dtype, f->at[1].shape})),
          "`nacre new` knows vectors and images with one whole number from 0 on as the label of each");
  return false;
}

static void vectors(NcNew *w, const NcNewShape *s) {
  nc_putf(&w->out, "# batch_norm learns the mean and the spread of each input, so nothing need be scaled by hand.\n"
                   "model %s_net(hidden: int = 64)(x: f32[B, %lld]) -> f32[B, %lld] {\n"
                   "x |> batch_norm |> dense(hidden) |> relu |> dense(hidden) |> relu |> dense(%lld)\n}\n\n",
          w->name, (long long)s->width, (long long)s->classes, (long long)s->classes);
}

static void head(NcNew *w, const NcNewShape *s) {
  nc_new_head(w, nc_sprintf(w->a, "%s of %lld classes", s->height ? "images" : "examples", (long long)s->classes), s->n);
}

// Behind the source: the field `x`, and all that follows.
static void rest(NcNew *w, const NcNewShape *s, NcDtype t) {
  const char *x = s->last ? nc_sprintf(w->a, "permute(%s, (0, 3, 1, 2))", s->field) : s->field;
  if (s->last) nc_put(&w->out, "# The channels come last in the data, and before rows and columns in the network.\n");
  if (s->bytes) nc_putf(&w->out, "x = %s / 255  # bytes to 0 … 1\n", x);
  else if (t != NC_F32) nc_putf(&w->out, "x = f32(%s)\n", x);
  else if (strcmp(x, "x") != 0) nc_putf(&w->out, "x = %s\n", x);
  nc_new_split(w);
  if (s->height) nc_new_network(w, s);
  else vectors(w, s);
  nc_new_training(w, s);
}

bool nc_new_arrays(NcNew *w, bool idx) {
  const char *first = NULL, *labels = partner(w, &first);
  if (!labels) return false;
  NcFields f;
  NcNewShape s;
  const char *field = idx ? "image" : "x", *kind = idx ? "idx" : "npy";
  NcSetting set[] = {{.name = field, .kind = NC_SET_STR, .s = first}, {.name = "label", .kind = NC_SET_STR, .s = labels}};
  NcSourceSpec spec = {.kind = kind, .setting = set, .settings = 2};
  if (!nc_source_describe(w->a, w->d, &spec, &f) || !fill(w, &f, &s)) return false;
  head(w, &s);
  nc_putf(&w->out, "data %s_data(examples: str = ", w->name);
  nc_print_text(&w->out, first);
  nc_put(&w->out, ", labels: str = ");
  nc_print_text(&w->out, labels);
  nc_putf(&w->out, ") {\nsource = %s(%s = examples, label = labels)\n", kind, field);
  rest(w, &s, f.at[0].dtype);
  return true;
}

// ---- an archive ----

typedef struct { NcNpz z; NcType *type; int examples, labels; } Archive;

static bool read_archive(NcNew *w, Archive *y) {
  NcBytes *b = NC_NEW(w->a, NcBytes);
  if (!nc_bytes_read(w->a, w->d, NC_NOWHERE, w->path, 0, b) || !nc_npz_parse(w->a, w->d, b, &y->z)) return false;
  y->type = NC_NEW_N(w->a, NcType, y->z.n + 1);
  for (int i = 0; i < y->z.n; i++) {
    NcArray x;
    if (!nc_npz_array(w->a, w->d, &y->z, i, true, &x)) return false;
    y->type[i] = x.type;
  }
  return true;
}

static bool whole(NcDtype t) { return t == NC_U8 || t == NC_I32 || t == NC_I64 || t == NC_BOOL; }

// Of two arrays of one length, how likely the one has the examples and the other their labels: the names say most of it.
static int64_t likely(const Archive *y, int e, int l) {
  static const char *const words[] = {"label", "target", "class", "y"};
  const char *of = y->z.at[e].name, *as = y->z.at[l].name;
  int64_t score = 4 * (strstr(of, "train") && strstr(as, "train")) - 4 * (strstr(of, "test") || strstr(as, "test"));
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) score += strstr(as, words[i]) == as ? 2 : 0;
  return score;
}

static bool choose(NcNew *w, Archive *y) {
  int64_t best = INT64_MIN;
  NcBuf all = NC_BUF(w->a);
  for (int e = 0; e < y->z.n; e++) {
    const NcShape *x = &y->type[e].shape;
    nc_putf(&all, "%s`%s` %s", e ? ", " : "", y->z.at[e].name, nc_type_str(w->a, y->type[e]));
    for (int l = 0; l < y->z.n && x->rank >= 2 && x->rank <= 4; l++) {
      if (!whole(y->type[l].dtype) || y->type[l].shape.rank != 1 || y->type[l].shape.dim[0] != x->dim[0] || likely(y, e, l) <= best) continue;
      best = likely(y, e, l);
      y->examples = e;
      y->labels = l;
    }
  }
  if (best > INT64_MIN) return true;
  NcMessage *m = nc_error(w->d, NC_E0404, NC_NOWHERE, "`%s` has no array of examples with one of labels beside it", w->path);
  nc_note(w->d, m, "its arrays are %s", all.n ? nc_buf_str(&all) : "none");
  nc_help(w->d, m, "save both in it: `numpy.savez(\"data.npz\", x = x, y = y)`, with one whole number in y for each row of x");
  return false;
}

bool nc_new_npz(NcNew *w) {
  Archive y = {0};
  NcFields f;
  NcNewShape s;
  if (!read_archive(w, &y) || !choose(w, &y)) return false;
  const char *x = y.z.at[y.examples].name, *label = y.z.at[y.labels].name, *field = y.type[y.examples].shape.rank > 2 ? "image" : "x";
  NcSetting set[] = {{.kind = NC_SET_STR, .s = w->path}, {.name = field, .kind = NC_SET_STR, .s = x}, {.name = "label", .kind = NC_SET_STR, .s = label}};
  NcSourceSpec spec = {.kind = "npz", .setting = set, .settings = 3};
  if (!nc_source_describe(w->a, w->d, &spec, &f) || !fill(w, &f, &s)) return false;
  head(w, &s);
  nc_putf(&w->out, "data %s_data(path: str = ", w->name);
  nc_print_text(&w->out, w->path);
  nc_put(&w->out, ") {\n");
  for (int i = 0; i < y.z.n; i++)
    if (i != y.examples && i != y.labels) {
      nc_put(&w->out, "# left out: ");
      nc_new_remark(&w->out, y.z.at[i].name);
      nc_putf(&w->out, " %s\n", nc_type_str(w->a, y.type[i]));
    }
  nc_putf(&w->out, "source = npz(path, %s = ", field);
  nc_print_text(&w->out, x);
  nc_put(&w->out, ", label = ");
  nc_print_text(&w->out, label);
  nc_put(&w->out, ")\n");
  rest(w, &s, f.at[0].dtype);
  return true;
}

// ---- CIFAR ----

// How many examples a part has; 0: there is none.
static int64_t part_of(NcNew *w, const char *part, NcDiag *d, NcFields *f) {
  NcSetting set[] = {{.kind = NC_SET_STR, .s = w->path}, {.name = "part", .kind = NC_SET_STR, .s = part}};
  NcSourceSpec spec = {.kind = "cifar", .setting = set, .settings = 2};
  return nc_source_describe(w->a, d, &spec, f) ? f->examples : 0;
}

bool nc_new_cifar(NcNew *w) {
  NcFields f, ignored;
  NcNewShape s;
  if (!part_of(w, "all", w->d, &f) || !fill(w, &f, &s)) return false;
  int64_t test = part_of(w, "test", nc_diag_new(w->a), &ignored), train = s.n - test, valid = train / 10;
  head(w, &s);
  nc_putf(&w->out, "data %s_data(path: str = ", w->name);
  nc_print_text(&w->out, w->path);
  nc_put(&w->out, ") {\nsource = cifar(path)\nx = image / 255 |> random_flip  # bytes to 0 … 1; in training every second one as in a mirror\n");
  if (test && valid)
    nc_putf(&w->out, "split_by = order  # the last are the images that are meant for the test\n"
                     "split = (train = %lld, valid = %lld, test = %lld)\n}\n\n", (long long)(train - valid), (long long)valid, (long long)test);
  else nc_new_split(w);
  nc_new_network(w, &s);
  nc_new_training(w, &s);
  return true;
}
