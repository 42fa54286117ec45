// Data sets: a source specification is described (which fields, of which types), then opened (all of it in memory).
#ifndef NC_DATA_H
#define NC_DATA_H
#include "data/spec.h"

typedef struct {
  int64_t n;                   // examples
  int fields;
  NcField *field;
  void **data;                 // [fields] contiguous: n examples each
  const char **origin;         // [fields] the file it came from, NULL when generated; for messages
  NcRange at;                  // of the source in the .nn file
  double *time;                // [n] of a source with a field `time`: as exact as it is written, for the order; else NULL
  bool *hole;                  // [n][columns of field 0] cells that the file leaves empty and a mean stands in; NULL: none
  // Windows overlap: of a field all positions are stored once, `step[field]` bytes each, and an example's number is the
  // position at which it begins.
  NcWindows windows;
  size_t *step;                // [fields], NULL where examples lie apart
} NcDataset;

// The fields of a source, reading as little as possible: generated sources read nothing, idx and npy the header (and
// labels, to know the classes), csv its file, or nothing where the file is absent and features and classes are stated.
// false after errors: E0301 unknown kind, E0310 … E0312 settings, E04xx files.
bool nc_source_describe(NcArena *a, NcDiag *d, const NcSourceSpec *spec, NcFields *out);

// Reads or generates all of it, in the arena. NULL after errors.
NcDataset *nc_source_open(NcArena *a, NcDiag *d, const NcSourceSpec *spec);

bool nc_image_named(const char *path);       // it ends as an image's name does: .png, .jpg, …
bool nc_cifar_named(const char *name);       // as a file of CIFAR's binary version is

// The paths of an `images` source's files, in the order of the examples. NULL after errors.
const char *const *nc_images_files(NcArena *a, NcDiag *d, const NcSourceSpec *spec);

int nc_field_find(const NcDataset *set, const char *name);             // -1 when there is none
size_t nc_field_bytes(const NcField *f);                               // of one example
static inline size_t nc_field_step(const NcDataset *set, int field) {  // bytes from one example to that of the next number
  return set->step ? set->step[field] : nc_field_bytes(&set->field[field]);
}
static inline const void *nc_field_at(const NcDataset *set, int field, int64_t example) {
  return (const char *)set->data[field] + (size_t)example * nc_field_step(set, field);
}
int64_t nc_field_values(const NcDataset *set, int field);              // how many are stored

// Before training: every float is finite (E0404), every label lies below its field's classes (E0403). Reports the
// first offender of each field and returns false.
bool nc_data_check(NcDiag *d, const NcDataset *set);
// The same for one label field against the classes that a model has, but for labels that do not count.
bool nc_data_check_labels(NcDiag *d, const NcDataset *set, int field, int64_t classes, int nignored, const double *ignored);

// Of all fields' names, types and bytes: equal data, equal hash. What stands in holes does not count: it hangs on the split.
uint64_t nc_data_hash(const NcDataset *set);

// Reads the feature columns of another CSV file as field `x` was made in training, by its column names. The file is
// laid out (delimiter, header) as `like` says, which is training's source. Returns rows × x.dim[0] floats, NULL after
// errors.
float *nc_csv_features(NcArena *a, NcDiag *d, const NcSourceSpec *like, const char *path, const NcField *x,
                       int64_t *rows);

// Another data set in the terms of training: the columns of `x` in its order, labels by the names of its classes.
// E0403 a class that training did not know, E0404 a text that it did not know, E0405 fields that differ, E0407 a column
// that is not there.
bool nc_data_align(NcArena *a, NcDiag *d, NcDataset *set, const NcFields *trained);
#endif
