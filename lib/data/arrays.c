// Sources of arrays whose first axis is the example: idx and npy, a file for each field, and npz, one file of them all.
#include <string.h>
#include "base/map.h"
#include "data/source.h"
#include "io/idx.h"
#include "io/npy.h"
#include "io/npz.h"

typedef bool Read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out);
typedef struct { Read *read, *header; } Format;            // NULL: arrays of one archive
static const Format idx = {nc_idx_read, nc_idx_header}, npy = {nc_npy_read, nc_npy_header}, npz = {NULL, NULL};

// Where the fields come from.
typedef struct {
  const NcArgs *g;
  const Format *format;
  NcNpz archive;
  const NcSetting **field;     // name: of the field; s: of the file, or of the array in the archive
  int fields;
} Arrays;

#define CLASSES \
  {"classes", NC_SET_INT, "", "how many classes `label` has; else the largest label and one", .least = 1, .most = 1e6}, \
  {"class_names", NC_SET_STRS, "", "the names of the classes of `label`, from class 0 on"}
static const NcSettingInfo archive_settings[] = {{"path", NC_SET_STR, NULL, "the file", .positional = true}, CLASSES};
static const NcSettingInfo settings[] = {CLASSES};

static const char *path_of(const Arrays *y, const NcSetting *s) {
  if (y->format->read) return nc_arg_path(y->g, s);
  return nc_sprintf(y->g->a, "%s:%s", nc_arg_path(y->g, nc_arg(y->g, "path")), s->s);
}

static bool find(const Arrays *y, const NcSetting *s, int *out) {
  const NcArgs *g = y->g;
  const char **name = NC_NEW_N(g->a, const char *, y->archive.n);
  NcBuf all = NC_BUF(g->a);
  for (int i = 0; i < y->archive.n; i++) {
    name[i] = y->archive.at[i].name;
    if (!strcmp(name[i], s->s)) return *out = i, true;
    if (i < 30) nc_putf(&all, "%s`%s`", i ? ", " : "", name[i]);
  }
  NcMessage *m = nc_error(g->d, NC_E0407, s->at, "`%s` has no array `%s`", nc_arg_path(g, nc_arg(g, "path")), s->s);
  nc_note(g->d, m, "its arrays are %s%s", nc_buf_str(&all), y->archive.n > 30 ? " and more" : "");
  const char *near = nc_nearest(s->s, name, y->archive.n);
  if (near) nc_help(g->d, m, "did you mean `%s`?", near);
  return false;
}

static bool read(const Arrays *y, const NcSetting *s, bool head, NcArray *out) {
  const NcArgs *g = y->g;
  int i;
  if (y->format->read) return (head ? y->format->header : y->format->read)(g->a, g->d, s->at, nc_arg_path(g, s), out);
  return find(y, s, &i) && nc_npz_array(g->a, g->d, &y->archive, i, head, out);
}

// The fields that are named; of an archive where none is, all its arrays by their own names.
static bool gather(const NcArgs *g, const Format *format, Arrays *out) {
  *out = (Arrays){.g = g, .format = format, .field = g->field, .fields = g->fields};
  if (format->read) return true;
  const NcSetting *path = nc_arg(g, "path");
  NcBytes *b = NC_NEW(g->a, NcBytes);
  if (!nc_bytes_read(g->a, g->d, path->at, nc_arg_path(g, path), 0, b) || !nc_npz_parse(g->a, g->d, b, &out->archive)) return false;
  if (g->fields) return true;
  out->fields = out->archive.n;
  out->field = NC_NEW_N(g->a, const NcSetting *, out->fields);
  for (int i = 0; i < out->fields; i++) {
    NcSetting *s = NC_NEW(g->a, NcSetting);
    *s = (NcSetting){.name = out->archive.at[i].name, .at = path->at, .kind = NC_SET_STR, .s = out->archive.at[i].name};
    out->field[i] = s;
  }
  return true;
}

// Whole numbers become i32, and truth values too where they are labels.
static bool to_i32(const NcArgs *g, const char *path, NcRange at, NcArray *x) {
  int64_t n = nc_count(x->type.shape);
  int32_t *out = NC_NEW_N(g->a, int32_t, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t v = x->type.dtype == NC_I64 ? ((int64_t *)x->data)[i] : ((unsigned char *)x->data)[i];
    if (v != (int32_t)v) {
      nc_error(g->d, NC_E0404, at, "`%s` holds %lld (element %lld), and fields of whole numbers are i32", path,
               (long long)v, (long long)i);
      return false;
    }
    out[i] = (int32_t)v;
  }
  x->data = out;
  x->type.dtype = NC_I32;
  return true;
}

// The largest label and one; 0 where a label is negative or there are none.
static int64_t count_classes(const int32_t *v, int64_t n) {
  int64_t most = -1;
  for (int64_t i = 0; i < n; i++) {
    if (v[i] < 0) return 0;
    if (v[i] > most) most = v[i];
  }
  return most + 1;
}

static void state_classes(const NcArgs *g, NcField *f) {
  const NcSetting *names = nc_arg(g, "class_names");
  if (nc_arg_given(g, "classes")) f->classes = nc_arg(g, "classes")->i;
  if (nc_arg_given(g, "class_names")) {
    f->classes = names->n;
    f->class_name = names->strs;
  }
}

// One file as a field. Its examples are NULL where `open` is false and the header says enough.
static bool load(const Arrays *y, const NcSetting *s, bool open, NcField *f, NcArray *x) {
  const NcArgs *g = y->g;
  const char *path = path_of(y, s);
  bool label = !strcmp(s->name, "label"),
       stated = label && (nc_arg_given(g, "classes") || nc_arg_given(g, "class_names"));
  if (!read(y, s, !open, x)) return false;
  NcShape *shape = &x->type.shape;
  if (shape->rank < 1) {
    nc_error(g->d, NC_E0402, s->at, "`%s` holds a single number, not one for each example", path);
    return false;
  }
  bool whole = x->type.dtype != NC_F32 && x->type.dtype != NC_F16;
  if (label && whole && shape->rank == 2 && shape->dim[1] == 1) shape->rank = 1;      // as Keras keeps them
  bool one = shape->rank == 1;
  if (!open && one && whole && !stated) {
    if (!read(y, s, false, x)) return false;
    shape->rank = 1;
  }
  if (x->data && (x->type.dtype == NC_I64 || (one && (x->type.dtype == NC_U8 || x->type.dtype == NC_BOOL))) &&
      !to_i32(g, path, s->at, x)) return false;
  if (x->type.dtype == NC_BOOL) x->type.dtype = NC_U8;     // stored alike
  if (x->type.dtype == NC_I64 || (one && whole)) x->type.dtype = NC_I32;
  *f = (NcField){.name = s->name, .dtype = x->type.dtype, .shape = nc_shape(shape->rank - 1, shape->dim + 1)};
  if (stated) state_classes(g, f);
  else if (one && whole && x->data) f->classes = count_classes(x->data, shape->dim[0]);
  return true;
}

static bool stated_well(const NcArgs *g) {
  const NcSetting *names = nc_arg(g, "class_names"), *classes = nc_arg(g, "classes");
  if (!nc_arg_given(g, "class_names") || !nc_arg_given(g, "classes") || names->n == classes->i) return true;
  nc_error(g->d, NC_E0312, names->at, "`class_names` has %d names, but `classes` says %lld", names->n,
           (long long)classes->i);
  return false;
}

// Every array; all must have the same number of examples. data is NULL to describe.
static bool load_all(const Arrays *y, NcFields *out, void **data, const char **origin) {
  const NcArgs *g = y->g;
  if (!stated_well(g)) return false;
  *out = (NcFields){NC_NEW_N(g->a, NcField, y->fields), y->fields, -1};
  for (int i = 0; i < y->fields; i++) {
    NcArray x;
    if (!load(y, y->field[i], data != NULL, &out->at[i], &x)) return false;
    int64_t n = x.type.shape.dim[0];
    if (i && n != out->examples) {
      NcMessage *m = nc_error(g->d, NC_E0405, y->field[i]->at, "`%s` has %lld examples, but `%s` has %lld",
                              y->field[i]->name, (long long)n, y->field[0]->name, (long long)out->examples);
      if (g->fields) nc_label(g->d, m, y->field[0]->at, "%lld examples", (long long)out->examples);
      nc_help(g->d, m, g->fields ? "both must be of the same data set: is one for training and the other for testing?"
                                 : "name the arrays that belong together: `npz(\"…\", x = \"%s\")`", y->field[0]->name);
      return false;
    }
    out->examples = n;
    if (!data) continue;
    data[i] = x.data;
    origin[i] = nc_arg_path(g, y->format->read ? y->field[i] : nc_arg(g, "path"));
  }
  if (out->examples > 0) return true;
  nc_error(g->d, NC_E0406, g->spec->at, "`%s` has no examples", path_of(y, y->field[0]));
  return false;
}

static NcDataset *open_all(const NcArgs *g, const Format *format) {
  NcFields f;
  Arrays y;
  NcDataset *set = NC_NEW(g->a, NcDataset);
  if (!gather(g, format, &y)) return NULL;
  set->data = NC_NEW_N(g->a, void *, y.fields);
  set->origin = NC_NEW_N(g->a, const char *, y.fields);
  if (!load_all(&y, &f, set->data, set->origin)) return NULL;
  set->n = f.examples;
  set->fields = f.n;
  set->field = f.at;
  set->at = g->spec->at;
  return set;
}

static bool describe_all(const NcArgs *g, const Format *format, NcFields *out) {
  Arrays y;
  return gather(g, format, &y) && load_all(&y, out, NULL, NULL);
}

static bool idx_describe(const NcArgs *g, NcFields *out) { return describe_all(g, &idx, out); }
static bool npy_describe(const NcArgs *g, NcFields *out) { return describe_all(g, &npy, out); }
static bool npz_describe(const NcArgs *g, NcFields *out) { return describe_all(g, &npz, out); }
static NcDataset *idx_open(const NcArgs *g) { return open_all(g, &idx); }
static NcDataset *npy_open(const NcArgs *g) { return open_all(g, &npy); }
static NcDataset *npz_open(const NcArgs *g) { return open_all(g, &npz); }

#define FIELDS \
  "one for each array, without its first axis: u8 stays u8, whole numbers become i32, others f32; a single whole " \
  "number for each example is a label, and of a field `label` [n, 1] is one, too"

const NcSourceKind nc_idx_kind = {
  {"idx", "IDX files as of MNIST, plain or gzip, one for each field", FIELDS,
   "idx(image = \"train-images-idx3-ubyte.gz\", label = \"train-labels-idx1-ubyte.gz\")", NC_SETTINGS(settings),
   .any_field = true},
  idx_describe, idx_open,
};

const NcSourceKind nc_npy_kind = {
  {"npy", "NPY files as NumPy saves them, one for each field", FIELDS, "npy(x = \"x.npy\", label = \"y.npy\")",
   NC_SETTINGS(settings), .any_field = true},
  npy_describe, npy_open,
};

const NcSourceKind nc_npz_kind = {
  {"npz", "an NPZ file as numpy.savez and savez_compressed write it; names choose its arrays, without any all are fields", FIELDS,
   "npz(\"digits.npz\", image = \"x_train\", label = \"y_train\")", NC_SETTINGS(archive_settings), .any_field = true, .own_fields = true},
  npz_describe, npz_open,
};
