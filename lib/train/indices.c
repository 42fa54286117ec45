// Tokens against the tables they are looked up in, and labels against the classes that the network tells apart. On a device an
// index beyond a table gives zeros, and a label beyond the classes a loss of zero, without a word; what comes straight from the
// data can be looked at before training.
#include <string.h>
#include "ops/op.h"
#include "train/model.h"

static bool is(const NcNode *n, const char *op) { return strcmp(n->op->name, op) == 0; }

// The input whose elements these are, moved and converted at most; NULL where they are computed.
static const NcNode *source_of(const NcNode *n) {
  while (n->nin == 1 && (n->op->kind == NC_MOVEMENT || is(n, "cast"))) {
    if (is(n, "pad") || !(n->in[0]->type.dtype == NC_I32 || n->in[0]->type.dtype == NC_U8)) return NULL;
    n = n->in[0];
  }
  return is(n, "input") ? n : NULL;
}

static int64_t value_at(const NcDataset *set, int field, int64_t i) {
  return set->field[field].dtype == NC_I32 ? ((const int32_t *)set->data[field])[i] : ((const uint8_t *)set->data[field])[i];
}

static bool fits(NacreModel *m, int field, const NcNode *gather) {
  const NcDataset *set = m->data;
  const NcField *f = &set->field[field];
  int64_t rows = gather->in[0]->type.shape.dim[nc_attr_int(gather, "axis")], n = nc_field_values(set, field);
  for (int64_t i = 0; i < n; i++) {
    int64_t v = value_at(set, field, i);
    if (v >= 0 && v < rows) continue;
    NcMessage *e = nc_error(m->diag, NC_E0403, gather->at,
                            "`%s` holds %lld, but the table it is looked up in has %lld rows, 0 to %lld", f->name,
                            (long long)v, (long long)rows, (long long)rows - 1);
    if (v < 0) nc_help(m->diag, e, "tokens start at 0");
    else if (f->classes > rows)
      nc_help(m->diag, e, "the data has %lld tokens: let the table be as large, `%s.vocabulary`", (long long)f->classes,
              m->program->recipe->data);
    else nc_help(m->diag, e, "let the table have more than %lld rows", (long long)v);
    return false;
  }
  return true;
}

// Integers of the data that are used here; -1 where it is something else.
static int field_of(NacreModel *m, const NcNode *n) {
  const NcNode *from = source_of(n);
  int field = from ? nc_field_find(m->data, nc_attr_str(from, "name")) : -1;
  NcDtype t = field >= 0 ? m->data->field[field].dtype : NC_F32;
  return t == NC_I32 || t == NC_U8 ? field : -1;
}

static const NcNode *spread(const NcNode *n) {   // what it is spread out from
  while (is(n, "broadcast") || is(n, "reshape")) n = n->in[0];
  return n;
}

// How many classes labels are compared with, one after another: 0 1 2 …; 0 where this is another comparison.
static int64_t compared(const NcNode *n) {
  n = spread(n);
  return is(n, "iota") ? n->type.shape.dim[nc_attr_int(n, "axis")] : 0;
}

// Labels that the loss leaves out, because it asks whether they are another value than this.
static int ignored(NacreModel *m, const NcGraph *g, int field, double *value, int most) {
  int found = 0;
  for (int i = 0; i < g->node.n && found < most; i++) {
    const NcNode *n = g->node.at[i];
    for (int k = 0; is(n, "ne") && k < 2; k++) {
      const NcNode *c = spread(n->in[1 - k]);
      if (is(c, "const") && nc_attr(c, "value") && field_of(m, n->in[k]) == field && found < most)
        value[found++] = nc_attr(c, "value")->f;
    }
  }
  return found;
}

static bool labels_fit(NacreModel *m, const NcGraph *g, const NcNode *eq) {
  for (int k = 0; k < 2; k++) {
    int64_t classes = compared(eq->in[1 - k]);
    int field = classes ? field_of(m, eq->in[k]) : -1;
    double out[8];
    if (field < 0 || !m->data->field[field].classes) continue;
    if (!nc_data_check_labels(m->diag, m->data, field, classes, ignored(m, g, field, out, 8), out)) return false;
  }
  return true;
}

void nc_field_uses(NacreModel *m, NcUse *use) {
  const NcRecipe *r = m->program->recipe;
  for (int i = 0; i < m->data->fields; i++) use[i] = NC_UNUSED;
  for (int u = 0; u < m->program->update.n; u++) {
    const NcGraph *g = m->program->update.at[u].graph;
    for (int i = 0; i < g->node.n; i++) {
      const NcNode *n = g->node.at[i];
      int field = is(n, "input") ? nc_field_find(m->data, nc_attr_str(n, "name")) : -1;
      if (field >= 0 && use[field] == NC_UNUSED) use[field] = NC_USED;
      for (int k = 0; r->loss && is(n, "eq") && k < 2; k++)
        if (compared(n->in[1 - k]) && (field = field_of(m, n->in[k])) >= 0) use[field] = NC_LEARNED;
    }
  }
  int target = nc_field_find(m->data, "target");
  if (r->loss && target >= 0 && use[target] == NC_USED) use[target] = NC_LEARNED;
}

bool nc_check_indices(NacreModel *m) {
  const NcGraph *g = m->program->step;
  bool good = true;
  for (int i = 0; g && i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    int field = is(n, "gather") ? field_of(m, n->in[1]) : -1;
    if (field >= 0) good = fits(m, field, n) && good;
    if (good && is(n, "eq")) good = labels_fit(m, g, n);
  }
  return good;
}
