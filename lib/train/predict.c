// Predictions: for arrays of a program, for files, for a part of the data.
#include <math.h>
#include <string.h>
#include <strings.h>
#include "io/idx.h"
#include "io/npy.h"
#include "ops/op.h"
#include "train/predict.h"

// The field of the source that an input is; its shape is of one example.
static const NcField *field_of(const NacreModel *m, const char *name) {
  const NcFields *f = m->program && m->program->recipe ? &m->program->recipe->fields : NULL;
  for (int i = 0; f && i < f->n; i++)
    if (strcmp(f->at[i].name, name) == 0) return &f->at[i];
  return NULL;
}

static bool predicts(NacreModel *m) {
  if (!m->program->predict) nc_engine_lacks(m);
  return m->program->predict;
}

static int inputs_of(NacreModel *m, NcArena *a, NacreTensor **out) {
  const NcGraph *g = m->program->predict;
  NacreTensor *t = NC_NEW_N(a, NacreTensor, g->node.n);
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
  if (!predicts(m)) return false;
  NacreTensor *t;
  *q->count = inputs_of(m, m->arena, &t);
  *q->in = t;
  return true;
}
NacreStatus nacre_inputs(NacreModel *m, int *count, const NacreTensor **in) { return nc_guard_given(m, count && in, inputs, &(Inputs){count, in}); }

static size_t example_bytes(const NacreTensor *t) {
  NcDtype d = NC_F32;
  nc_dtype_find(t->dtype, &d);
  size_t n = nc_dtype_bytes(d);
  for (int i = 0; i < t->rank; i++) n *= (size_t)t->dim[i];
  return n;
}

// ---- running

static size_t output_bytes(const NacreOutput *o) { return nc_type_bytes(nc_output_type(o)); }

// Room for all examples, once the first batch has told the outputs' types.
static bool make_room(NacreModel *m, NcPredict *q, const NacreOutput *part, int outs, int64_t batch) {
  q->outs = outs;
  q->out = NC_NEW_N(m->handed, NacreOutput, outs + 1);
  for (int i = 0; i < outs; i++) {
    const NacreTensor *t = &part[i].tensor;
    if (t->rank == 0 || t->dim[0] != batch) {
      nc_help(m->diag, nc_error(m->diag, NC_E0202, NC_NOWHERE, "the model's `%s` is %s: it has no value for each example", t->name,
                                nc_type_str(m->arena, nc_output_type(&part[i]))),
              "run it as a task: `task %s() { … }`", strcmp(t->name, "output") ? t->name : "look");
      return false;
    }
    q->out[i] = part[i];
    q->out[i].tensor.dim[0] = q->n;
    q->out[i].data = nc_alloc(m->handed, output_bytes(&q->out[i]) + 1);
  }
  return true;
}

// Examples [from, from + batch) of q through one plan, into out.
static bool run_batch(NacreModel *m, NcPredict *q, const NacreTensor *in, int ins, int64_t from, int64_t batch) {
  NcCompiled *c = nc_engine_get(m, "predict", batch);
  if (!c) return false;
  int32_t step = 0;
  uint64_t seed = nc_feed_seed(m, q->part, from);
  for (int i = 0; i < c->plan->buf.n; i++) {
    const NcPlanBuf *b = &c->plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT) continue;
    const void *p = strcmp(b->name, "step") == 0 ? (void *)&step : strcmp(b->name, "seed") == 0 ? (void *)&seed : NULL;
    for (int k = 0; k < ins; k++)
      if (strcmp(in[k].name, b->name) == 0) p = (const char *)q->data[k] + (size_t)from * example_bytes(&in[k]);
    if (!p) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "nothing feeds the input `%s`", b->name), false;
    if (!nc_exec_write(c->loaded, m->diag, i, p, b->bytes)) return false;
  }
  int outs;
  NacreOutput *part = nc_exec_run(c->loaded, m->diag) ? nc_outputs_read(m, m->handed, c->program->predict, c->plan, c->loaded, &outs) : NULL;
  if (!part || (!q->out && !make_room(m, q, part, outs, batch))) return false;
  for (int i = 0; i < outs; i++) {
    size_t bytes = output_bytes(&part[i]);
    memcpy((char *)q->out[i].data + bytes / (size_t)batch * (size_t)from, part[i].data, bytes);
  }
  return true;
}

bool nc_predict(NacreModel *m, void *arg) {
  NcPredict *q = arg;
  NacreTensor *in;
  if (!predicts(m)) return false;
  nc_arena_free(m->handed);
  m->handed = nc_arena_new();
  if (!m->handed || NC_ON_OOM(m->handed)) return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory for predictions"), false;
  int ins = inputs_of(m, m->handed, &in);
  q->one = NC_NEW(m->handed, NacreTensor);
  for (int i = 0; i < ins; i++)
    if (!q->data[i]) return nc_misused(m->diag, nc_sprintf(m->arena, "data[%d], the examples of `%s`", i, in[i].name));
  if (q->n <= 0) return nc_error(m->diag, NC_E0406, NC_NOWHERE, "there are no examples to predict for"), false;
  int64_t batch = nc_engine_batch(m, "predict", q->n), at = 0;
  for (; at + batch <= q->n; at += batch)
    if (!run_batch(m, q, in, ins, at, batch)) return false;
  return at == q->n || run_batch(m, q, in, ins, at, q->n - at);
}

NacreStatus nacre_predict_all(NacreModel *m, int64_t n, const void *const *data, int *outputs, const NacreOutput **out) {
  NcPredict q = {.n = n, .data = data, .part = ""};
  NacreStatus s = nc_guard_given(m, data && outputs && out, nc_predict, &q);
  if (!outputs || !out) return s;
  *outputs = q.outs;
  *out = q.out;
  return s;
}

bool nc_predict_arrays(NacreModel *m, int64_t n, const void *const *data, int *outputs, const NacreOutput **out) {
  NcPredict q = {.n = n, .data = data, .part = ""};
  bool good = nc_predict(m, &q);
  *outputs = q.outs;
  *out = q.out;
  return good;
}

typedef struct { NcPredict q; const NacreTensor **shape; const float **out; } One;

static bool predict_one(NacreModel *m, void *arg) {
  One *w = arg;
  if (!nc_predict(m, &w->q)) return false;
  NacreTensor *shape = w->q.one;
  *shape = w->q.out[0].tensor;
  if (w->q.outs != 1 || strcmp(shape->dtype, "f32") != 0) {
    nc_help(m->diag, nc_error(m->diag, NC_E0204, NC_NOWHERE, "the model gives %s, not one tensor of f32",
                              w->q.outs == 1 ? nc_type_str(m->arena, nc_output_type(w->q.out)) :
                              nc_sprintf(m->arena, "%d outputs", w->q.outs)),
            "ask for them with nacre_predict_all");
    return false;
  }
  shape->rank--;
  for (int i = 0; i < shape->rank; i++) shape->dim[i] = shape->dim[i + 1];
  *w->shape = shape;
  *w->out = w->q.out[0].data;
  return true;
}

NacreStatus nacre_predict(NacreModel *m, int64_t n, const void *const *data, const NacreTensor **shape, const float **out) {
  return nc_guard_given(m, data && shape && out, predict_one, &(One){{.n = n, .data = data, .part = ""}, shape, out});
}

// ---- files

static bool ends(const char *s, const char *tail) {
  size_t n = strlen(s), k = strlen(tail);
  return n >= k && strcasecmp(s + n - k, tail) == 0;
}

// The examples of a file for the model's one input.
static bool read_input(NacreModel *m, const char *path, const NacreTensor *in, const void **data, int64_t *n) {
  if (ends(path, ".csv")) {
    const NcField *f = field_of(m, in->name);
    if (!f || !f->column) {
      nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` is a table, but the model's input `%s` is not made of columns", path,
                                in->name), "give a .npy or an IDX file of such inputs, or images where it reads images");
      return false;
    }
    *data = nc_csv_features(m->arena, m->diag, m->program->recipe->source, path, f, n);
    return *data != NULL;
  }
  NcArray x;
  if (ends(path, ".npy")) {
    if (!nc_npy_read(m->arena, m->diag, NC_NOWHERE, path, &x)) return false;
  } else if (!nc_idx_read(m->arena, m->diag, NC_NOWHERE, path, &x)) {      // which may have any name
    NcMessage *e = m->diag->messages.at[m->diag->messages.n - 1];
    if (!e->help) nc_help(m->diag, e, "an input is a .csv or .npy file, an IDX file (plain or .gz), or images (.png, .jpg)");
    return false;
  }
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

bool nc_predict_form(NacreModel *m, const char *format) {
  if (strcmp(format, "csv") == 0 || strcmp(format, "json") == 0) return true;
  return nc_error(m->diag, NC_E0702, NC_NOWHERE, "the form is `csv` or `json`, not `%s`", format), false;
}

typedef struct {
  const char *path, *split, *format, *out;
  NacreWrite *write;
  void *ctx;
} File;

// *name is the part that was taken.
static bool gather_split(NacreModel *m, const char **name, const NacreTensor *in, int ins, const void **data, int64_t *n) {
  const NcSplit *s = nc_feed_split(m, *name);
  if (!s) return false;
  *name = s->name;
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

bool nc_predict_inputs(NacreModel *m, NcArena *a, int *n, NacreTensor **in) {
  if (!predicts(m)) return false;
  *n = inputs_of(m, a, in);
  return true;
}

static const NcField *label_field(const NacreModel *m) {
  const NcFields *f = m->program && m->program->recipe ? &m->program->recipe->fields : NULL;
  for (int i = 0; f && i < f->n; i++)
    if (f->at[i].classes) return &f->at[i];
  return NULL;
}

const char *nacre_class_name(NacreModel *m, int64_t i) {
  const NcField *f = m ? label_field(m) : NULL;
  return f && f->class_name && i >= 0 && i < f->classes ? f->class_name[i] : NULL;
}

// The numbers of one example: `i` of `o`, which has `per` for each.
static void put_numbers(NcBuf *b, const NacreOutput *o, int64_t i, int64_t per, bool json) {
  for (int64_t k = 0; k < per; k++) {
    nc_put(b, json && k == 0 ? "" : ",");
    nc_put_number(b, nc_output_at(o, i * per + k), 7, json);
  }
}

int64_t nc_predict_largest(const NacreOutput *o, int64_t i, int64_t per) {
  int64_t top = 0;
  for (int64_t k = 1; k < per; k++)
    if (nc_output_at(o, i * per + k) > nc_output_at(o, i * per + top)) top = k;
  return top;
}

static void put_class(NcBuf *b, NacreModel *m, bool json, int64_t top) {
  const char *name = nacre_class_name(m, top);
  if (json) nc_put(b, ",\"class\":");
  else nc_putc(b, ',');
  if (!name) nc_putf(b, "%lld", (long long)top);
  else if (json) nc_put_json(b, name);
  else nc_put_cell(b, name);
}

static int64_t per_example(const NacreOutput *o) { return nc_count(nc_output_type(o).shape) / o->tensor.dim[0]; }

const NcField *nc_predict_classes(const NacreModel *m, const NcPredict *q) {
  const NcField *label = label_field(m);
  return q->outs == 1 && q->out[0].tensor.rank == 2 && label && label->classes == q->out[0].tensor.dim[1] ? label : NULL;
}

// A line for each example, with the numbers of all outputs; of a classifier, the class before them.
static void put_lines(NcBuf *b, NacreModel *m, const NcPredict *q, bool json) {
  bool classes = nc_predict_classes(m, q) != NULL;
  if (!json) {
    nc_put(b, classes ? "example,class" : "example");
    for (int o = 0; o < q->outs; o++)
      for (int64_t k = 0, n = per_example(&q->out[o]); k < n; k++)
        nc_putf(b, q->outs > 1 && n == 1 ? ",%s" : ",%s%lld", q->out[o].tensor.name, (long long)k);
    nc_putc(b, '\n');
  }
  for (int64_t i = 0; i < q->n; i++) {
    nc_putf(b, json ? "{\"example\":%lld" : "%lld", (long long)i);
    if (classes) put_class(b, m, json, nc_predict_largest(q->out, i, per_example(q->out)));
    for (int o = 0; o < q->outs; o++) {
      if (json) nc_put(b, ",");
      if (json) nc_put_json(b, q->out[o].tensor.name);
      if (json) nc_put(b, ":[");
      put_numbers(b, &q->out[o], i, per_example(&q->out[o]), json);
      if (json) nc_putc(b, ']');
    }
    nc_put(b, json ? "}\n" : "\n");
  }
}

static bool predict_file(NacreModel *m, void *arg) {
  File *q = arg;
  NacreTensor *in;
  if (!predicts(m)) return false;
  int ins = inputs_of(m, m->arena, &in);
  const void **data = NC_NEW_N(m->arena, const void *, ins + 1);
  int64_t n = 0;
  if (q->out ? !nc_output_path_good(m, q->out) : !nc_predict_form(m, q->format)) return false;
  if (q->path && ins != 1)
    return nc_error(m->diag, NC_E0702, NC_NOWHERE, "the model has %d inputs: only a split of its own data can be predicted for", ins), false;
  if (q->path ? !read_input(m, q->path, in, &data[0], &n) : !gather_split(m, &q->split, in, ins, data, &n)) return false;
  NcPredict p = {.n = n, .data = data, .part = q->path ? "" : q->split};
  if (!nc_predict(m, &p)) return false;
  if (q->out) return nc_outputs_write(m, p.outs, p.out, &(NcOutputTo){"predict", q->out, false, q->write, q->ctx});
  NcBuf b = NC_BUF(m->arena);
  put_lines(&b, m, &p, strcmp(q->format, "json") == 0);
  q->write(q->ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_predict_file(NacreModel *m, const char *path, const char *split, const char *format, const char *out,
                               NacreWrite *write, void *ctx) {
  return nc_guard_given(m, out || (format && write), predict_file, &(File){path, split, format, out, write, ctx});
}
