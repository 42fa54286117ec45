// Sources whose files hold one array each, the first axis being the example: idx and npy.
#include <string.h>
#include "data/source.h"
#include "io/idx.h"
#include "io/npy.h"

typedef bool Read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcArray *out);
typedef struct { Read *read, *header; } Format;
static const Format idx = {nc_idx_read, nc_idx_header}, npy = {nc_npy_read, nc_npy_header};

static const NcSettingInfo settings[] = {
  {"classes", NC_SET_INT, "", "how many classes `label` has; else the largest label and one", .least = 1, .most = 1e6},
  {"class_names", NC_SET_STRS, "", "the names of the classes of `label`, from class 0 on"},
};

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
static bool load(const NcArgs *g, const Format *format, const NcSetting *s, bool open, NcField *f, NcArray *x) {
  const char *path = nc_arg_path(g, s);
  bool label = !strcmp(s->name, "label"),
       stated = label && (nc_arg_given(g, "classes") || nc_arg_given(g, "class_names"));
  if (!(open ? format->read : format->header)(g->a, g->d, s->at, path, x)) return false;
  NcShape *shape = &x->type.shape;
  if (shape->rank < 1) {
    nc_error(g->d, NC_E0402, s->at, "`%s` holds a single number, not one for each example", path);
    return false;
  }
  bool one = shape->rank == 1, whole = x->type.dtype != NC_F32 && x->type.dtype != NC_F16;
  if (!open && one && whole && !stated && !format->read(g->a, g->d, s->at, path, x)) return false;
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

// Every file; all must have the same number of examples. data is NULL to describe.
static bool load_all(const NcArgs *g, const Format *format, NcFields *out, void **data, const char **origin) {
  if (!stated_well(g)) return false;
  *out = (NcFields){NC_NEW_N(g->a, NcField, g->fields), g->fields, -1};
  for (int i = 0; i < g->fields; i++) {
    NcArray x;
    if (!load(g, format, g->field[i], data != NULL, &out->at[i], &x)) return false;
    int64_t n = x.type.shape.dim[0];
    if (i && n != out->examples) {
      NcMessage *m = nc_error(g->d, NC_E0405, g->field[i]->at, "`%s` has %lld examples, but `%s` has %lld",
                              g->field[i]->name, (long long)n, g->field[0]->name, (long long)out->examples);
      nc_label(g->d, m, g->field[0]->at, "%lld examples", (long long)out->examples);
      nc_help(g->d, m, "both files must be of the same data set: is one for training and the other for testing?");
      return false;
    }
    out->examples = n;
    if (!data) continue;
    data[i] = x.data;
    origin[i] = nc_arg_path(g, g->field[i]);
  }
  if (out->examples > 0) return true;
  nc_error(g->d, NC_E0406, g->spec->at, "`%s` has no examples", nc_arg_path(g, g->field[0]));
  return false;
}

static NcDataset *open_all(const NcArgs *g, const Format *format) {
  NcFields f;
  NcDataset *set = NC_NEW(g->a, NcDataset);
  set->data = NC_NEW_N(g->a, void *, g->fields);
  set->origin = NC_NEW_N(g->a, const char *, g->fields);
  if (!load_all(g, format, &f, set->data, set->origin)) return NULL;
  set->n = f.examples;
  set->fields = f.n;
  set->field = f.at;
  set->at = g->spec->at;
  return set;
}

static bool idx_describe(const NcArgs *g, NcFields *out) { return load_all(g, &idx, out, NULL, NULL); }
static bool npy_describe(const NcArgs *g, NcFields *out) { return load_all(g, &npy, out, NULL, NULL); }
static NcDataset *idx_open(const NcArgs *g) { return open_all(g, &idx); }
static NcDataset *npy_open(const NcArgs *g) { return open_all(g, &npy); }

#define FIELDS \
  "one for each file, without its first axis: u8 stays u8, whole numbers become i32, others f32; a single whole " \
  "number for each example is a label"

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
