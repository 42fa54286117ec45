#include "golden_set.h"
#include <string.h>
#include "golden.h"
#include "io/safetensors.h"

static const char *messages(NcArena *a, const NcDiag *d) {
  NcBuf b = NC_BUF(a);
  nc_diag_render(d, &b, false);
  return nc_buf_str(&b);
}

static double *values(NcArena *a, const NcTensor *t) {
  int64_t n = nc_count(t->type.shape);
  double *v = NC_NEW_N(a, double, n + 1);
  ck_assert_msg(t->type.dtype == NC_F32 || t->type.dtype == NC_I32, "%s: neither f32 nor i32", t->name);
  for (int64_t i = 0; i < n; i++)
    v[i] = t->type.dtype == NC_F32 ? (double)((const float *)t->data)[i] : ((const int32_t *)t->data)[i];
  return v;
}

GoldenSet *golden_load(NcArena *a, const char *family, const char *only, bool device) {
  GoldenSet *s = NC_NEW(a, GoldenSet);
  NcTensors file;
  const char *base = in_source(a, nc_sprintf(a, "tests/golden/%s", family));
  *s = (GoldenSet){.arena = a, .diag = nc_diag_new(a), .name = nc_sprintf(a, "%s.nn", family), .device = device};
  s->text = golden_read(a, nc_sprintf(a, "%s.nn", base), NULL);
  ck_assert_msg(s->text != NULL, "%s.nn is missing", base);
  ck_assert_msg(nc_safetensors_read(a, s->diag, NC_NOWHERE, nc_sprintf(a, "%s.safetensors", base), &file), "%s",
                messages(a, s->diag));
  s->n = file.n;
  s->tensor = NC_NEW_N(a, GoldenTensor, file.n + 1);
  for (int i = 0; i < file.n; i++) {
    const NcTensor *t = &file.tensor[i];
    s->tensor[i] = (GoldenTensor){t->name, t->type, values(a, t)};
    const char *end = strrchr(t->name, '/');
    if (end && strcmp(end, "/loss") == 0 && t->type.shape.rank == 1 && t->type.shape.dim[0] > s->steps)
      s->steps = (int)t->type.shape.dim[0];
  }
  for (int i = 0; i < file.metas; i++) {
    if (strcmp(file.meta[i].value, "training") == 0) *NC_PUSH(a, s->training) = file.meta[i].key;
    if (strcmp(file.meta[i].value, "reference") == 0) *NC_PUSH(a, s->reference) = file.meta[i].key;
  }
  golden_build(s, only);
  ck_assert_msg(s->graph && !s->diag->errors, "%s: %s", family, messages(a, s->diag));
  return s;
}

const GoldenTensor *golden_find(const GoldenSet *s, const char *name) {
  for (int i = 0; i < s->n; i++)
    if (strcmp(s->tensor[i].name, name) == 0) return &s->tensor[i];
  for (int i = 0; i < s->extra.n; i++)
    if (strcmp(s->extra.at[i].name, name) == 0) return &s->extra.at[i];
  return NULL;
}

static bool among(const char *const *list, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(list[i], name) == 0) return true;
  return false;
}
bool golden_training(const GoldenSet *s, const char *name) { return among(s->training.at, s->training.n, name); }
bool golden_reference(const GoldenSet *s, const char *name) { return among(s->reference.at, s->reference.n, name); }
