// Predictions: for arrays of a program, for files, for a part of the data.
#include <stdio.h>
#include <string.h>
#include "io/idx.h"
#include "io/npy.h"
#include "ops/op.h"
#include "train/model.h"

// The field of the source that an input is; its shape is of one example.
static const NcField *field_of(const NacreModel *m, const char *name) {
  const NcFields *f = m->program->recipe ? &m->program->recipe->fields : NULL;
  for (int i = 0; f && i < f->n; i++)
    if (strcmp(f->at[i].name, name) == 0) return &f->at[i];
  return NULL;
}

static int inputs_of(NacreModel *m, NacreTensor **out) {
  const NcGraph *g = m->program->predict;
  NacreTensor *t = NC_NEW_N(m->arena, NacreTensor, g->node.n);
  int n = 0;
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *x = g->node.at[i];
    if (strcmp(x->op->name, "input") != 0) continue;
    const char *name = nc_attr_str(x, "name");
    if (strcmp(name, "step") == 0) continue;
    t[n] = (NacreTensor){.name = name, .dtype = nc_dtype_name(x->type.dtype), .rank = x->type.shape.rank - 1};
    for (int k = 0; k < t[n].rank; k++) t[n].dim[k] = x->type.shape.dim[k + 1];
    n++;
  }
  *out = t;
  return n;
}

typedef struct { int *count; const NacreTensor **in; } Inputs;
static bool inputs(NacreModel *m, void *arg) {
  Inputs *q = arg;
  NacreTensor *t;
  *q->count = inputs_of(m, &t);
  *q->in = t;
  return true;
}
NacreStatus nacre_inputs(NacreModel *m, int *count, const NacreTensor **in) { return nc_guard(m, inputs, &(Inputs){count, in}); }

static size_t example_bytes(const NacreTensor *t) {
  NcDtype d = NC_F32;
  nc_dtype_find(t->dtype, &d);
  size_t n = nc_dtype_bytes(d);
  for (int i = 0; i < t->rank; i++) n *= (size_t)t->dim[i];
  return n;
}

// ---- running

typedef struct {
  int64_t n;
  const void *const *data;
  const NacreTensor **shape;
  const float **out;
} Predict;

// Examples [from, from + batch) of q through one plan, into out.
static bool run_batch(NacreModel *m, const Predict *q, const NacreTensor *in, int ins, int64_t from, int64_t batch,
                      NacreTensor *shape, float **out) {
  NcCompiled *c = nc_engine_get(m, "predict", batch);
  if (!c) return false;
  int32_t step = 0;
  uint32_t seed[2] = {0};
  for (int i = 0; i < c->plan->buf.n; i++) {
    const NcPlanBuf *b = &c->plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT) continue;
    const void *p = strcmp(b->name, "step") == 0 ? (void *)&step : strcmp(b->name, "seed") == 0 ? (void *)seed : NULL;
    for (int k = 0; k < ins; k++)
      if (strcmp(in[k].name, b->name) == 0) p = (const char *)q->data[k] + (size_t)from * example_bytes(&in[k]);
    if (!p) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "nothing feeds the input `%s`", b->name), false;
    if (!nc_exec_write(c->loaded, m->diag, i, p, b->bytes)) return false;
  }
  int o = nc_plan_output(c->plan, "output");
  if (o < 0) return nc_error(m->diag, NC_E0306, NC_NOWHERE, "the model has several outputs: predictions of it are not supported yet"), false;
  NcType t = c->plan->buf.at[o].type;
  if (t.dtype != NC_F32) return nc_error(m->diag, NC_E0204, NC_NOWHERE, "predictions must be f32, not %s", nc_type_str(m->arena, t)), false;
  size_t per = (size_t)nc_count(t.shape) / (size_t)batch;
  if (!*out) {
    *out = NC_NEW_N(m->arena, float, (size_t)q->n * per);
    *shape = (NacreTensor){.name = "output", .dtype = "f32", .rank = t.shape.rank - 1};
    for (int k = 0; k < shape->rank; k++) shape->dim[k] = t.shape.dim[k + 1];
  }
  return nc_exec_run(c->loaded, m->diag) &&
         nc_exec_read(c->loaded, m->diag, o, *out + (size_t)from * per, (size_t)nc_count(t.shape) * sizeof(float), true);
}

static bool predict(NacreModel *m, void *arg) {
  Predict *q = arg;
  NacreTensor *in, *shape = NC_NEW(m->arena, NacreTensor);
  int ins = inputs_of(m, &in);
  float *out = NULL;
  if (q->n <= 0) return nc_error(m->diag, NC_E0406, NC_NOWHERE, "there are no examples to predict for"), false;
  int64_t batch = nc_feed_batch(q->n, m->program->batch), at = 0;
  for (; at + batch <= q->n; at += batch)
    if (!run_batch(m, q, in, ins, at, batch, shape, &out)) return false;
  if (at < q->n && !run_batch(m, q, in, ins, at, q->n - at, shape, &out)) return false;
  *q->shape = shape;
  *q->out = out;
  return true;
}

NacreStatus nacre_predict(NacreModel *m, int64_t n, const void *const *data, const NacreTensor **shape, const float **out) {
  return nc_guard(m, predict, &(Predict){n, data, shape, out});
}

// ---- files

static bool ends(const char *s, const char *tail) {
  size_t n = strlen(s), k = strlen(tail);
  return n >= k && strcmp(s + n - k, tail) == 0;
}

// The examples of a file for the model's one input.
static bool read_input(NacreModel *m, const char *path, const NacreTensor *in, const void **data, int64_t *n) {
  if (ends(path, ".csv")) {
    const NcField *f = field_of(m, in->name);
    if (!f || !f->column)
      return nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` is a table, but the model's input `%s` is not made of columns", path, in->name), false;
    *data = nc_csv_features(m->arena, m->diag, m->program->recipe->source, path, f, n);
    return *data != NULL;
  }
  NcArray x;
  if (!(ends(path, ".npy") ? nc_npy_read(m->arena, m->diag, NC_NOWHERE, path, &x)
                           : nc_idx_read(m->arena, m->diag, NC_NOWHERE, path, &x)))
    return false;
  bool same = strcmp(nc_dtype_name(x.type.dtype), in->dtype) == 0 && x.type.shape.rank == in->rank + 1;
  for (int k = 0; same && k < in->rank; k++) same = x.type.shape.dim[k + 1] == in->dim[k];
  if (!same) {
    NcType want = {.shape = {.rank = in->rank}};
    nc_dtype_find(in->dtype, &want.dtype);
    for (int k = 0; k < in->rank; k++) want.shape.dim[k] = in->dim[k];
    return nc_error(m->diag, NC_E0405, NC_NOWHERE, "`%s` holds %s, but the model takes examples of %s", path,
                    nc_type_str(m->arena, x.type), nc_type_str(m->arena, want)), false;
  }
  *data = x.data;
  *n = x.type.shape.dim[0];
  return true;
}

typedef struct {
  const char *path, *split, *format;
  NacreWrite *write;
  void *ctx;
} File;

static bool gather_split(NacreModel *m, const char *name, const NacreTensor *in, int ins, const void **data, int64_t *n) {
  const NcSplit *s = nc_feed_split(m, name);
  if (!s) return false;
  for (int i = 0; i < ins; i++) {
    int f = nc_field_find(m->data, in[i].name);
    if (f < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the data has no field `%s`", in[i].name), false;
    size_t bytes = nc_field_bytes(&m->data->field[f]);
    char *p = nc_alloc_array(m->arena, (size_t)s->n, bytes);
    for (int64_t k = 0; k < s->n; k++) memcpy(p + (size_t)k * bytes, nc_field_at(m->data, f, s->index[k]), bytes);
    data[i] = p;
  }
  *n = s->n;
  return true;
}

static const NcField *label_field(const NacreModel *m) {
  const NcFields *f = m->program->recipe ? &m->program->recipe->fields : NULL;
  for (int i = 0; f && i < f->n; i++)
    if (f->at[i].classes) return &f->at[i];
  return NULL;
}

const char *nacre_class_name(NacreModel *m, int64_t i) {
  const NcField *f = label_field(m);
  return f && f->class_name && i >= 0 && i < f->classes ? f->class_name[i] : NULL;
}

static void put_row(NcBuf *b, NacreModel *m, bool json, int64_t i, const float *y, int64_t per, bool classes) {
  int64_t top = 0;
  for (int64_t k = 1; k < per; k++)
    if (y[k] > y[top]) top = k;
  const char *name = classes ? nacre_class_name(m, top) : NULL;
  if (json) nc_putf(b, "{\"example\":%lld", (long long)i);
  else nc_putf(b, "%lld", (long long)i);
  if (classes && json) {
    nc_put(b, ",\"class\":");
    if (name) nc_put_json(b, name);
    else nc_putf(b, "%lld", (long long)top);
  } else if (classes) {
    if (name) nc_putf(b, strpbrk(name, ",\"\n") ? ",\"%s\"" : ",%s", name);
    else nc_putf(b, ",%lld", (long long)top);
  }
  if (json) nc_put(b, ",\"output\":[");
  for (int64_t k = 0; k < per; k++) nc_putf(b, "%s%.7g", json && k == 0 ? "" : ",", (double)y[k]);
  nc_put(b, json ? "]}\n" : "\n");
}

static bool predict_file(NacreModel *m, void *arg) {
  File *q = arg;
  NacreTensor *in;
  int ins = inputs_of(m, &in);
  const void **data = NC_NEW_N(m->arena, const void *, ins + 1);
  int64_t n = 0;
  if (q->path && ins != 1)
    return nc_error(m->diag, NC_E0702, NC_NOWHERE, "the model has %d inputs: only a split of its own data can be predicted for", ins), false;
  if (q->path ? !read_input(m, q->path, in, &data[0], &n) : !gather_split(m, q->split, in, ins, data, &n)) return false;
  const NacreTensor *shape;
  const float *y;
  if (!predict(m, &(Predict){n, data, &shape, &y})) return false;
  int64_t per = 1;
  for (int k = 0; k < shape->rank; k++) per *= shape->dim[k];
  const NcField *label = label_field(m);
  bool classes = shape->rank == 1 && label && label->classes == per, json = strcmp(q->format, "json") == 0;
  NcBuf b = NC_BUF(m->arena);
  if (!json) {
    nc_put(&b, classes ? "example,class" : "example");
    for (int64_t k = 0; k < per; k++) nc_putf(&b, ",output%lld", (long long)k);
    nc_putc(&b, '\n');
  }
  for (int64_t i = 0; i < n; i++) put_row(&b, m, json, i, y + i * per, per, classes);
  q->write(q->ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_predict_file(NacreModel *m, const char *path, const char *split, const char *format,
                               NacreWrite *write, void *ctx) {
  return nc_guard(m, predict_file, &(File){path, split, format, write, ctx});
}
