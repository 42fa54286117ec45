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

GoldenSet *golden_load(NcArena *a, const char *family, const GoldenChoice *c) {
  GoldenSet *s = NC_NEW(a, GoldenSet);
  NcTensors file;
  const char *base = in_source(a, nc_sprintf(a, "tests/golden/%s", family));
  *s = (GoldenSet){.arena = a, .diag = nc_diag_new(a), .name = nc_sprintf(a, "%s.nn", family)};
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
  s->marks = file.metas;
  s->marked = NC_NEW_N(a, const char *, file.metas + 1);
  s->mark = NC_NEW_N(a, const char *, file.metas + 1);
  for (int i = 0; i < file.metas; i++) {
    s->marked[i] = file.meta[i].key;
    s->mark[i] = file.meta[i].value;
  }
  golden_build(s, c);
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

bool golden_marked(const GoldenSet *s, const char *name, const char *mark) {
  for (int i = 0; i < s->marks; i++)
    if (strcmp(s->marked[i], name) == 0 && strstr(s->mark[i], mark)) return true;
  return false;
}
