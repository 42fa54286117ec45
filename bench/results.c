#include "results.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool results_put(NcArena *a, NcDiag *d, const char *path, const char *key, json_t *value) {
  json_t *all = json_load_file(path, 0, NULL);
  if (!json_is_object(all)) {
    json_decref(all);
    all = json_object();
  }
  json_object_set_new(all, key, value);
  char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(6));
  json_decref(all);
  if (!text) return nc_error(d, NC_E0606, NC_NOWHERE, "out of memory for `%s`", path), false;
  bool good = nc_write_file(d, path, nc_sprintf(a, "%s\n", text), strlen(text) + 1);
  free(text);
  return good;
}

json_t *results_number(double v) {
  char text[32];
  snprintf(text, sizeof text, "%.4g", v);
  return isfinite(v) ? json_real(atof(text)) : json_null();
}
