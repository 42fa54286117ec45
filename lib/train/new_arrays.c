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

// The form of the examples. What is told of them must be known already.
static bool fill(NcNew *w, const NcFields *f, NcNewShape *s) {
  const NcShape *x = &f->at[0].shape;
  bool last = channels_last(x);
  int rows = last ? 0 : x->rank - 2;
  s->field = f->at[0].name;
  s->bytes = f->at[0].dtype == NC_U8;
  s->n = f->examples;
  s->last = last;
  if (x->rank < 1 || x->rank > 3) {
    nc_help(w->d, nc_error(w->d, NC_E0404, NC_NOWHERE, "`%s` has examples of type %s", w->path,
                           nc_type_str(w->a, (NcType){f->at[0].dtype, *x})),
            "`nacre new` knows vectors and images");
    return false;
  }
  s->width = x->dim[rows + 1];
  s->height = x->rank > 1 ? x->dim[rows] : 0;
  s->channels = x->rank == 3 ? x->dim[last ? 2 : 0] : 0;
  return nc_new_enough(w, s->n);
}

static void vectors(NcNew *w, const NcNewShape *s) {
  nc_put(&w->out, "# batch_norm learns the mean and the spread of each input, so nothing need be scaled by hand.\n");
  nc_new_begin(w, &s->target, "(hidden: int = 64)", nc_sprintf(w->a, "%lld", (long long)s->width));
  nc_putf(&w->out, "x |> batch_norm |> dense(hidden) |> relu |> dense(hidden) |> relu |> dense(%lld)",
          (long long)nc_new_values(&s->target));
  nc_new_end(w, &s->target);
}

static void head(NcNew *w, const NcNewShape *s) {
  const char *what = s->height ? "images" : "examples";
  const NcNewTarget *t = &s->target;
  if (t->classes) what = nc_sprintf(w->a, "%s of %lld classes", what, (long long)t->classes);
  else what = nc_sprintf(w->a, "%s, to tell %lld number%s of each", what, (long long)t->numbers, t->numbers > 1 ? "s" : "");
  nc_new_head(w, what, s->n);
}

// Behind the source: the field `x`, and all that follows.
static void rest(NcNew *w, const NcNewShape *s, NcDtype t) {
  const char *x = s->last ? nc_sprintf(w->a, "permute(%s, (0, 3, 1, 2))", s->field) : s->field;
  if (s->last) nc_put(&w->out, "# The channels come last in the data, and before rows and columns in the network.\n");
  if (s->bytes) nc_putf(&w->out, "x = %s / 255  # bytes to 0 … 1\n", x);
  else if (t != NC_F32) nc_putf(&w->out, "x = f32(%s)\n", x);
  else if (strcmp(x, "x") != 0) nc_putf(&w->out, "x = %s\n", x);
  if (s->target.line) nc_putf(&w->out, "%s\n", s->target.line);
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
  NcSetting y = {.name = "y", .kind = NC_SET_STR, .s = labels};
  NcSourceSpec spec = {.kind = kind, .setting = set, .settings = 2}, told = {.kind = kind, .setting = &y, .settings = 1};
  if (!nc_source_describe(w->a, w->d, &spec, &f) || !nc_new_target(w, &told, &s.target) || !fill(w, &f, &s)) return false;
  head(w, &s);
  nc_putf(&w->out, "data %s_data(examples: str = ", w->name);
  nc_print_text(&w->out, first);
  nc_put(&w->out, ", labels: str = ");
  nc_print_text(&w->out, labels);
  nc_putf(&w->out, ") {\nsource = %s(%s = examples, %s = labels)\n", kind, field, s.target.field);
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

// Of two arrays of one length, how likely the one has the examples and the other what is to be told of them: the names say most
// of it. Below 0: they cannot. Whole numbers, one for each example, need no name; others do, unless nothing else is there.
static int named(const char *array) {
  static const char *const words[] = {"label", "target", "class", "y", "output"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strncmp(array, words[i], strlen(words[i])) == 0) return 2;
  return 0;
}

static int64_t likely(const Archive *y, int e, int l) {
  const char *of = y->z.at[e].name, *as = y->z.at[l].name;
  const NcShape *x = &y->type[e].shape, *t = &y->type[l].shape;
  if (e == l || x->rank < 2 || x->rank > 4 || t->rank < 1 || t->rank > 2 || t->dim[0] != x->dim[0]) return -1;
  bool plain = whole(y->type[l].dtype) && t->rank == 1;
  int name = named(as) - named(of);
  if (!plain && (name < 0 || (!name && y->z.n > 2))) return -1;
  return 100 + name + plain + 4 * (strstr(of, "train") && strstr(as, "train")) - 4 * (strstr(of, "test") || strstr(as, "test"));
}

static bool choose(NcNew *w, Archive *y) {
  int64_t best = -1;
  NcBuf all = NC_BUF(w->a);
  for (int e = 0; e < y->z.n; e++) {
    nc_putf(&all, "%s`%s` %s", e ? ", " : "", y->z.at[e].name, nc_type_str(w->a, y->type[e]));
    for (int l = 0; l < y->z.n; l++) {
      if (likely(y, e, l) <= best) continue;
      best = likely(y, e, l);
      y->examples = e;
      y->labels = l;
    }
  }
  if (best >= 0) return true;
  NcMessage *m = nc_error(w->d, NC_E0404, NC_NOWHERE, "`%s` has no array of examples with one of labels beside it", w->path);
  nc_note(w->d, m, "its arrays are %s", all.n ? nc_buf_str(&all) : "none");
  nc_help(w->d, m, "save both in it: `numpy.savez(\"data.npz\", x = x, y = y)`, with one class or number in y for each row of x");
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
  NcSourceSpec told = {.kind = "npz", .setting = (NcSetting[]){set[0], {.name = "y", .kind = NC_SET_STR, .s = label}}, .settings = 2};
  if (!nc_source_describe(w->a, w->d, &spec, &f) || !nc_new_target(w, &told, &s.target) || !fill(w, &f, &s)) return false;
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
  nc_putf(&w->out, ", %s = ", s.target.field);
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
  if (!part_of(w, "all", w->d, &f)) return false;
  s.target = (NcNewTarget){.field = "label", .classes = f.at[1].classes};
  if (!fill(w, &f, &s)) return false;
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
