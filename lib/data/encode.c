// Further CSV files, encoded as the one that training saw.
#include <string.h>
#include "data/data.h"
#include "io/csv.h"

// Which column of the file, and which of its texts, a feature's name means. -1 after E0407.
static int feature_source(NcDiag *d, NcArena *a, const NcCsv *t, const char *name, const char **category) {
  *category = NULL;
  int c = nc_csv_column(t, name);
  for (const char *eq = strchr(name, '='); c < 0 && eq; eq = strchr(eq + 1, '=')) {
    c = nc_csv_column(t, nc_strndup(a, name, (size_t)(eq - name)));
    *category = eq + 1;
  }
  if (c < 0) nc_error(d, NC_E0407, t->at, "`%s` has no column for the feature `%s`", t->path, name);
  return c;
}

// A text must be one that training saw: each column's categories stand side by side in x.
static bool seen_category(NcDiag *d, const NcCsv *t, const float *x, int64_t row, int c, const int *from, int width) {
  for (int j = 0; j < width; j++)
    if (from[j] == c && x[row * width + j] != 0) return true;
  nc_csv_error(d, NC_E0404, t, row, c, "`%s` is none of the texts that the network was trained with",
               nc_csv_cell(t, row, c));
  return false;
}

float *nc_csv_features(NcArena *a, NcDiag *d, NcRange at, const char *path, const NcField *x, int64_t *rows) {
  NcCsv t;
  if (!nc_csv_read(a, d, at, path, ',', true, &t)) return NULL;
  int width = (int)x->shape.dim[0];
  int *from = NC_NEW_N(a, int, width);
  const char **category = NC_NEW_N(a, const char *, width);
  for (int j = 0; j < width; j++)
    if ((from[j] = feature_source(d, a, &t, x->column[j], &category[j])) < 0) return NULL;
  float *out = nc_alloc_array(a, (size_t)t.rows, (size_t)width * sizeof(float));
  for (int64_t i = 0; i < t.rows; i++) {
    for (int j = 0; j < width; j++) {
      const char *s = nc_csv_cell(&t, i, from[j]);
      double v = 0;
      if (category[j]) v = !strcmp(s, category[j]);
      else if (!nc_csv_number(s, &v)) {
        nc_csv_error(d, NC_E0404, &t, i, from[j], *s ? "`%s` is not a number" : "the value is missing%s", s);
        return NULL;
      }
      out[i * width + j] = (float)v;
    }
    for (int j = 0; j < width; j++)
      if (category[j] && (!j || from[j] != from[j - 1]) && !seen_category(d, &t, out, i, from[j], from, width))
        return NULL;
  }
  *rows = t.rows;
  return out;
}
