// What is looked at before a training run begins.
#include <math.h>
#include <string.h>
#include "base/map.h"
#include "data/data.h"

static const char *origin(const NcDataset *set, int f, NcArena *a) {
  return set->origin[f] ? nc_sprintf(a, " (`%s`)", set->origin[f]) : "";
}

// Values of one example, or where windows overlap, of one position.
static int64_t values_each(const NcDataset *set, int field) {
  return (int64_t)(nc_field_step(set, field) / nc_dtype_bytes(set->field[field].dtype));
}

static bool among(int32_t v, int n, const double *x) {
  for (int i = 0; i < n; i++)
    if (x[i] == v) return true;
  return false;
}

bool nc_data_check_labels(NcDiag *d, const NcDataset *set, int field, int64_t classes, int nignored, const double *ignored) {
  const NcField *f = &set->field[field];
  if (f->dtype != NC_I32) return true;
  const int32_t *v = set->data[field];
  int64_t n = nc_field_values(set, field), each = values_each(set, field);
  for (int64_t i = 0; i < n; i++) {
    if ((v[i] >= 0 && v[i] < classes) || among(v[i], nignored, ignored)) continue;
    NcMessage *m = nc_error(d, NC_E0403, set->at, "`%s` of %s %lld is %d, but there are %lld classes, 0 to %lld%s",
                            f->name, set->step ? "position" : "example", (long long)(i / each), (int)v[i],
                            (long long)classes, (long long)classes - 1, origin(set, field, d->arena));
    if (v[i] == classes)
      nc_help(d, m, "labels start at 0; if these start at 1, subtract 1, or let there be %lld classes",
              (long long)classes + 1);
    else if (f->classes > classes) nc_help(d, m, "the data has %lld classes", (long long)f->classes);
    return false;
  }
  return true;
}

static bool all_finite(NcDiag *d, const NcDataset *set, int field) {
  const NcField *f = &set->field[field];
  const float *v = set->data[field];
  int64_t each = values_each(set, field), n = nc_field_values(set, field);
  for (int64_t i = 0; i < n; i++) {
    if (isfinite(v[i])) continue;
    const char *where = each == 1 && !f->column ? ""
                        : f->column ? nc_sprintf(d->arena, ", column `%s`,", f->column[i % each])
                                    : nc_sprintf(d->arena, ", element %lld,", (long long)(i % each));
    NcMessage *m =
      nc_error(d, NC_E0404, set->at, "`%s` of %s %lld%s is %s%s", f->name, set->step ? "position" : "example",
               (long long)(i / each), where, isnan(v[i]) ? "not a number (NaN)" : "infinite, or beyond what f32 holds", origin(set, field, d->arena));
    nc_help(d, m, "one such value makes every weight useless: mend or remove the example");
    return false;
  }
  return true;
}

bool nc_data_check(NcDiag *d, const NcDataset *set) {
  bool good = true;
  for (int i = 0; i < set->fields; i++) {
    const NcField *f = &set->field[i];
    if (f->dtype == NC_F32) good = all_finite(d, set, i) && good;
    if (f->classes > 0) good = nc_data_check_labels(d, set, i, f->classes, 0, NULL) && good;
  }
  return good;
}

static uint64_t hash_around_holes(uint64_t h, const NcDataset *set) {
  const float *x = set->data[0];
  for (int64_t i = 0, n = nc_field_values(set, 0); i < n; i++) {
    float v = set->hole[i] ? 0 : x[i];
    h = nc_hash64(h, &v, sizeof v);
  }
  return h;
}

uint64_t nc_data_hash(const NcDataset *set) {
  uint64_t h = nc_hash64((uint64_t)set->n, "nacre data 1", 12);
  for (int i = 0; i < set->fields; i++) {
    const NcField *f = &set->field[i];
    int64_t head[3 + NC_MAX_RANK] = {f->dtype, f->shape.rank, f->classes};
    memcpy(head + 3, f->shape.dim, (size_t)f->shape.rank * sizeof *head);
    h = nc_hash64(h, f->name, strlen(f->name) + 1);
    h = nc_hash64(h, head, sizeof head);
    if (i == 0 && set->hole) h = hash_around_holes(h, set);
    else h = nc_hash64(h, set->data[i], (size_t)nc_field_values(set, i) * nc_dtype_bytes(f->dtype));
  }
  return h;
}
