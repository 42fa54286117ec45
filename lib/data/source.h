// Inside of lib/data: one row per kind of source, and a specification once it has been checked against its row.
//
// To add a kind: a file with its NcSourceKind (settings, documentation, open; describe where fields can be told without
// reading everything), its name below and in the list of source.c, a test in tests/check_data.c. The rest, from the
// checking of settings to `nacre explain`, reads the table.
#ifndef NC_DATA_SOURCE_H
#define NC_DATA_SOURCE_H
#include "data/data.h"

// Settings in the order of the table; the value of one that was not given is its default.
typedef struct {
  NcArena *a;
  NcDiag *d;
  const NcSourceSpec *spec;
  const NcSourceInfo *info;
  const NcSetting *value;    // [info->settings]
  const bool *given;         // [info->settings]
  const NcSetting **field;   // [fields] `field name = path`, where the kind has any_field
  int fields;
} NcArgs;

// By name; the name must stand in the table.
const NcSetting *nc_arg(const NcArgs *g, const char *name);
bool nc_arg_given(const NcArgs *g, const char *name);
const char *nc_arg_path(const NcArgs *g, const NcSetting *s);   // relative paths joined to the specification's folder

typedef struct {
  NcSourceInfo info;
  bool (*describe)(const NcArgs *g, NcFields *out);   // NULL: opens, and takes the fields of that
  NcDataset *(*open)(const NcArgs *g);                // NULL after errors
} NcSourceKind;

extern const NcSourceKind nc_idx_kind, nc_npy_kind, nc_csv_kind, nc_text_kind, nc_series_kind;
extern const NcSourceKind nc_spiral_kind, nc_circle_kind, nc_xor_kind, nc_gauss_kind, nc_moons_kind, nc_plane_kind;
extern const NcSourceKind nc_digits_kind, nc_images_kind, nc_npz_kind, nc_cifar_kind;

// Checks the whole specification and reports all that is wrong with it. NULL after errors.
const NcSourceKind *nc_source_bind(NcArena *a, NcDiag *d, const NcSourceSpec *spec, NcArgs *out);

// How a `csv` source's file is laid out.
bool nc_csv_layout(const NcArgs *g, char *delimiter, bool *header);

// A data set of these fields with memory for n examples of each.
NcDataset *nc_dataset_new(const NcArgs *g, const NcFields *f, int64_t n);

// The same for windows: `data` and `step` are for the caller to fill in.
NcDataset *nc_dataset_windows(const NcArgs *g, const NcFields *f);

// Settings that several kinds share.
#define NC_SET_SEED {"seed", NC_SET_INT, "0", "another seed, another sample", .least = 0, .most = 9e18}
#define NC_SET_N(fallback) {"n", NC_SET_INT, fallback, "how many examples", .least = 1, .most = 1e8}
#define NC_SETTINGS(list) .setting = (list), .settings = sizeof(list) / sizeof *(list)
#endif
