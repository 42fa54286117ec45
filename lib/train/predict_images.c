// Predictions for files of images, one example each.
#include <string.h>
#include "data/data.h"
#include "data/pictures.h"
#include "train/predict.h"

typedef struct {
  int n;
  const char *const *path;
  const char *format, *out;
  NacreWrite *write;
  void *ctx;
} Images;

// As the data source brings its own images to size: by what `fit` says.
static bool form_of(NacreModel *m, int ins, const NacreTensor *in, NcPictureForm *out) {
  bool bytes = ins == 1 && strcmp(in->dtype, "u8") == 0;
  bool planes = bytes && in->rank == 3 && (in->dim[0] == 1 || in->dim[0] == 3), grey = bytes && in->rank == 2;
  if (!planes && !grey) {
    NcMessage *e = nc_error(m->diag, NC_E0702, NC_NOWHERE, "the model takes no images");
    if (ins == 1) nc_note(m->diag, e, "its input `%s` is %s with %d axes, and an image is u8[height, width] or u8[channels, height, width]",
                          in->name, in->dtype, in->rank);
    nc_help(m->diag, e, "give what it takes as a CSV or NPY file");
    return false;
  }
  *out = (NcPictureForm){planes ? (int)in->dim[0] : 1, (int)in->dim[in->rank - 2], (int)in->dim[in->rank - 1], NC_FIT_CROP, false};
  const NcSourceSpec *source = m->program->recipe ? m->program->recipe->source : NULL;
  for (int i = 0; source && i < source->settings; i++) {
    const NcSetting *s = &source->setting[i];
    if (s->name && !strcmp(s->name, "fit") && s->kind == NC_SET_STR && !strcmp(s->s, "stretch")) out->fit = NC_FIT_STRETCH;
  }
  return true;
}

static const char *name_of(NacreModel *m, const NcField *label, int64_t k) {
  return label->class_name ? label->class_name[k] : nc_sprintf(m->arena, "%lld", (long long)k);
}

static void put_line(NcBuf *b, NacreModel *m, const NcField *label, const char *path, int64_t top, const float *p, bool json) {
  if (!json) {
    nc_put_cell(b, path);
    nc_putc(b, ',');
    nc_put_cell(b, name_of(m, label, top));
    nc_putf(b, ",%.6g", (double)p[top]);
    for (int64_t k = 0; k < label->classes; k++) nc_putf(b, ",%.6g", (double)p[k]);
    nc_putc(b, '\n');
    return;
  }
  nc_put(b, "{\"file\":");
  nc_put_json(b, path);
  nc_put(b, ",\"class\":");
  nc_put_json(b, name_of(m, label, top));
  nc_put(b, ",\"probability\":");
  nc_put_number(b, (double)p[top], 9, true);
  nc_put(b, ",\"probabilities\":{");
  for (int64_t k = 0; k < label->classes; k++) {
    if (k) nc_putc(b, ',');
    nc_put_json(b, name_of(m, label, k));
    nc_putc(b, ':');
    nc_put_number(b, (double)p[k], 9, true);
  }
  nc_put(b, "}}\n");
}

static bool put_classes(NacreModel *m, const Images *q, const NcPredict *p) {
  const NcField *label = nc_predict_classes(m, p);
  if (!label) {
    nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "the model's output is not one score for each class of its data"),
            "write its outputs to a file: `-o out.npy`");
    return false;
  }
  bool json = strcmp(q->format, "json") == 0;
  NcBuf b = NC_BUF(m->arena);
  if (!json) {
    nc_put(&b, "file,class,probability");
    for (int64_t k = 0; k < label->classes; k++) {
      nc_putc(&b, ',');
      nc_put_cell(&b, name_of(m, label, k));
    }
    nc_putc(&b, '\n');
  }
  const float *share = nc_output_probabilities(m->arena, p->out);
  for (int64_t i = 0; i < q->n; i++)
    put_line(&b, m, label, q->path[i], nc_predict_largest(p->out, i, label->classes), share + i * label->classes, json);
  q->write(q->ctx, nc_buf_str(&b), b.n);
  return true;
}

static bool images(NacreModel *m, void *arg) {
  Images *q = arg;
  NacreTensor *in;
  NcPictureForm form;
  int ins;
  if (q->n < 1) return nc_error(m->diag, NC_E0406, NC_NOWHERE, "there are no examples to predict for"), false;
  if (!nc_predict_inputs(m, m->arena, &ins, &in) || !form_of(m, ins, in, &form)) return false;
  if (q->out ? !nc_output_path_good(m, q->out) : !nc_predict_form(m, q->format)) return false;
  size_t each = (size_t)form.channels * (size_t)form.height * (size_t)form.width;
  unsigned char *pixels = nc_alloc_array(m->arena, (size_t)q->n, each);
  if (!nc_pictures_read(m->arena, m->diag, NC_NOWHERE, q->path, q->n, &form, pixels)) return false;
  const void *data = pixels;
  NcPredict p = {.n = q->n, .data = &data, .part = ""};
  if (!nc_predict(m, &p)) return false;
  if (q->out) return nc_outputs_write(m, p.outs, p.out, &(NcOutputTo){"predict", q->out, false, q->write, q->ctx});
  return put_classes(m, q, &p);
}

NacreStatus nacre_predict_images(NacreModel *m, int n, const char *const *path, const char *format, const char *out,
                                 NacreWrite *write, void *ctx) {
  return nc_guard_given(m, path && (out || (format && write)), images, &(Images){n, path, format, out, write, ctx});
}

bool nacre_image_named(const char *path) { return path && nc_image_named(path); }
