// `where` of a data block: which examples count. Its graph is evaluated batch by batch on the host, in double precision,
// and the data set keeps the chosen examples.
#include <string.h>
#include "eval/eval.h"
#include "ops/op.h"
#include "train/model.h"

static double element(NcDtype t, const void *data, int64_t i) {
  switch (t) {
    case NC_F32: return (double)((const float *)data)[i];
    case NC_I32: return (double)((const int32_t *)data)[i];
    case NC_I64: return (double)((const int64_t *)data)[i];
    default: return (double)((const uint8_t *)data)[i];
  }
}

// The values of a field for `batch` examples from `first` on; past the end the last example stands again.
static const double *values(NcArena *a, const NcDataset *set, int field, int64_t first, int64_t batch) {
  int64_t per = nc_count(set->field[field].shape);
  double *out = NC_NEW_N(a, double, per * batch);
  for (int64_t i = 0; i < batch; i++) {
    const void *x = nc_field_at(set, field, first + i < set->n ? first + i : set->n - 1);
    for (int64_t k = 0; k < per; k++) out[i * per + k] = element(set->field[field].dtype, x, k);
  }
  return out;
}

static bool evaluate(NacreModel *m, NcArena *a, const NcDataset *set, const NcGraph *g, int64_t first, int64_t batch, bool *keep) {
  NcBinding *bind = NC_NEW_N(a, NcBinding, g->node.n);
  int binds = 0;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *x = g->node.at[i];
    if (strcmp(x->op->name, "input") != 0) continue;
    const char *name = nc_attr_str(x, "name");
    int field = nc_field_find(set, name);
    if (field < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the data has no field `%s`", name), false;
    bind[binds++] = (NcBinding){name, values(a, set, field, first, batch)};
  }
  double **value = NC_NEW_N(a, double *, g->node.n + 1);
  if (!nc_eval(g, m->diag, &(NcEvalOptions){.arena = a, .nbind = binds, .bind = bind,
                                      .seed = nc_feed_seed(m, "where", first)}, value)) return false;
  const double *v = value[g->output.at[0].node->id];
  for (int64_t i = 0; i < batch && first + i < set->n; i++) keep[first + i] = v[i] != 0;
  return true;
}

static bool batch_guarded(NacreModel *m, const NcDataset *set, const NcGraph *g, int64_t first, int64_t batch, bool *keep) {
  NcArena *scratch = nc_arena_new();
  bool good = false;
  if (!scratch || NC_ON_OOM(scratch)) nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory while examples are chosen");
  else good = evaluate(m, scratch, set, g, first, batch, keep);
  nc_arena_free(scratch);
  return good;
}

static void compact(NcDataset *set, const bool *keep) {
  int64_t n = 0, width = set->hole ? nc_count(set->field[0].shape) : 0;
  for (int64_t i = 0; i < set->n; i++) {
    if (!keep[i]) continue;
    for (int f = 0; f < set->fields && n != i; f++) {
      size_t bytes = nc_field_bytes(&set->field[f]);
      memcpy((char *)set->data[f] + (size_t)n * bytes, (char *)set->data[f] + (size_t)i * bytes, bytes);
    }
    if (set->time) set->time[n] = set->time[i];
    if (set->hole) memmove(set->hole + n * width, set->hole + i * width, (size_t)width);
    n++;
  }
  set->n = n;
}

bool nc_feed_filter(NacreModel *m, NcDataset *set) {
  const NcGraph *g = m->program->recipe->where;
  if (!g) return true;
  int64_t batch = m->program->batch;
  bool *keep = NC_NEW_N(m->arena, bool, set->n);
  for (int64_t i = 0; i < set->n; i += batch)
    if (!batch_guarded(m, set, g, i, batch, keep)) return false;
  compact(set, keep);
  if (set->n) return true;
  nc_help(m->diag, nc_error(m->diag, NC_E0406, set->at, "no example is left by `where`"), "look at its condition, and at the data");
  return false;
}
