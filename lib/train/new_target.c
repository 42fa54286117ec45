// What is to be told of each example of a source of arrays, which says too little of it: one class, written as a number or as a
// row with a single 1; or numbers. And what of a model's text hangs on that.
#include <math.h>
#include "data/data.h"
#include "train/new.h"

enum { MOST_CLASSES = 1000, FEW = 20 };

typedef struct { int64_t n, per; const NcField *field; const void *data; } Values;

static double value(const Values *v, int64_t i) {
  switch (v->field->dtype) {
    case NC_F32: return (double)((const float *)v->data)[i];
    case NC_I32: return (double)((const int32_t *)v->data)[i];
    default: return (double)((const unsigned char *)v->data)[i];
  }
}

// How many classes whole numbers from 0 on are; 0: they are none, or so many different ones that they must be a quantity.
static int64_t classes_of(NcArena *a, const Values *v) {
  int64_t most = -1, different = 0;
  for (int64_t i = 0; i < v->n; i++) {
    double x = value(v, i);
    if (!(x >= 0 && x < MOST_CLASSES && x == floor(x))) return 0;
    most = (int64_t)x > most ? (int64_t)x : most;
  }
  bool *seen = NC_NEW_N(a, bool, most + 1);
  for (int64_t i = 0; i < v->n; i++) {
    bool *s = &seen[(int64_t)value(v, i)];
    different += !*s;
    *s = true;
  }
  bool quantity = different > FEW && different > v->n / 10;
  return different < 2 || quantity || (v->field->dtype == NC_F32 && different <= most) ? 0 : most + 1;
}

// Rows with one 1 among zeros.
static bool is_one_hot(const Values *v) {
  for (int64_t i = 0; i < v->n; i++) {
    double sum = 0;
    for (int64_t k = 0; k < v->per; k++) {
      double x = value(v, i * v->per + k);
      if (x != 0 && x != 1) return false;
      sum += x;
    }
    if (sum != 1) return false;
  }
  return v->per > 1;
}

typedef struct { double low, high; bool marks; } Range;      // marks: -1 and 1, or 0 and 1, alone

static bool measure(NcNew *w, const Values *v, NcNewTarget *t, Range *r) {
  int64_t n = v->n * v->per;
  double square = 0;
  *r = (Range){value(v, 0), value(v, 0), true};
  for (int64_t i = 0; i < n; i++) {
    double x = value(v, i);
    t->mean += x / (double)n;
    r->low = fmin(r->low, x);
    r->high = fmax(r->high, x);
  }
  for (int64_t i = 0; i < n; i++) {
    double x = value(v, i);
    square += (x - t->mean) * (x - t->mean) / (double)n;
    r->marks = r->marks && r->high == 1 && (r->low == 0 || r->low == -1) && (x == r->low || x == 1);
  }
  t->std = sqrt(square);
  if (isfinite(t->std) && r->low < r->high) return true;
  bool alike = isfinite(t->std);
  nc_help(w->d, nc_error(w->d, alike ? NC_E0413 : NC_E0404, NC_NOWHERE, "the targets of `%s` %s", w->path,
                         alike ? "are all alike" : "hold NaN or an infinite number"), "look at how the file was made");
  return false;
}

static bool is_class(NcNew *w, const Values *v, const Range *r, NcNewTarget *t) {
  bool real = v->field->dtype == NC_F32;
  t->field = "y";
  if (v->per == 1 && (t->classes = classes_of(w->a, v))) {
    if (real) t->line = t->axis ? "label = i32(y[:, 0])" : "label = i32(y)";
    else t->field = "label";
  } else if (v->per == 1 && r->marks) {
    t->line = t->axis ? "label = i32(y[:, 0] > 0)  # -1 is class 0" : "label = i32(y > 0)  # -1 is class 0";
    t->classes = 2;
  } else if (is_one_hot(v)) {
    t->line = real ? "label = argmax(y, axis = 1)  # where the 1 stands" : "label = argmax(f32(y), axis = 1)  # where the 1 stands";
    t->classes = v->per;
  }
  return t->classes > 0;
}

bool nc_new_target(NcNew *w, const NcSourceSpec *spec, NcNewTarget *out) {
  const NcDataset *set = nc_source_open(w->a, w->d, spec);
  if (!set) return false;
  const NcField *f = &set->field[0];
  Values v = {set->n, nc_count(f->shape), f, set->data[0]};
  Range r;
  if (f->shape.rank > 1) {
    nc_help(w->d, nc_error(w->d, NC_E0404, NC_NOWHERE, "the targets of `%s` are of type %s", w->path,
                           nc_type_str(w->a, (NcType){f->dtype, f->shape})),
            "`nacre new` knows one class for each example, or a row of numbers");
    return false;
  }
  *out = (NcNewTarget){.numbers = v.per, .axis = f->shape.rank == 1};
  if (!measure(w, &v, out, &r)) return false;
  if (is_class(w, &v, &r, out)) return true;
  out->field = f->dtype == NC_F32 ? "target" : "y";
  out->line = f->dtype == NC_F32 ? NULL : "target = f32(y)";
  if (!r.marks) return true;
  nc_help(w->d, nc_error(w->d, NC_E0404, NC_NOWHERE, "the targets of `%s` are several yes-or-no answers for each example", w->path),
          "`nacre new` knows one class, or numbers; write the model with `mean(bce_logits(net(x), f32(y)))` as its loss");
  return false;
}

// ---- what hangs on it

int64_t nc_new_values(const NcNewTarget *t) { return t->classes ? t->classes : t->numbers; }

void nc_new_begin(NcNew *w, const NcNewTarget *t, const char *hyper, const char *axes) {
  nc_putf(&w->out, "model %s_net%s(x: f32[B, %s]) -> f32[B", w->name, hyper, axes);
  if (t->classes || t->axis) nc_putf(&w->out, ", %lld", (long long)nc_new_values(t));
  nc_put(&w->out, t->classes ? "] {\n" : "] {\nlet y = ");
}

void nc_new_end(NcNew *w, const NcNewTarget *t) {
  if (!t->classes)
    nc_putf(&w->out, "\n%.6g + %.6g * y%s  # the mean and the spread of what is predicted", t->mean, t->std, t->axis ? "" : "[:, 0]");
  nc_put(&w->out, "\n}\n\n");
}

void nc_new_loss(NcNew *w, const NcNewTarget *t) {
  const char *m = w->name;
  if (t->classes)
    nc_putf(&w->out, "loss = cross_entropy(%s_net(x), label)\nmetrics = [accuracy(%s_net(x), label)]\n", m, m);
  else
    nc_putf(&w->out, "loss = mse(%s_net(x) / %.6g, target / %.6g)\n"
                     "metrics = (rmse = rmse(%s_net(x), target), r2 = r2(%s_net(x), target))"
                     "  # r2: 1 is perfect, 0 no better than the mean\n",
            m, t->std, t->std, m, m);
}
