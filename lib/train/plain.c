// Without a model: formatting, explaining, devices, running a plan from its text.
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/point.h"
#include "device/check.h"
#include "front/parse.h"
#include "train/model.h"
#include "train/plain.h"

void nacre_free(char *text) { free(text); }

typedef bool Work(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg);

// What the call reported, as text that outlives the arena.
static char *told(NcArena *a, const NcDiag *d, const NacreOptions *o) {
  if (!d->messages.n) return NULL;
  NcBuf b = NC_BUF(a);
  if (o->json) nc_diag_json(d, &b);
  else nc_diag_render(d, &b, o->color);
  return strdup(nc_buf_str(&b));
}

static NacreStatus guarded(NcArena *a, const NacreOptions *o, Work *f, void *arg, char **error) {
  if (NC_ON_OOM(a)) {
    *error = strdup("error[E0606]: out of memory\n");
    return NACRE_RUN;
  }
  NcDiag *d = nc_diag_new(a);
  bool good = f(a, d, o, arg);
  *error = told(a, d, o);
  return good && !d->errors ? NACRE_OK : nc_diag_exit(d) ? (NacreStatus)nc_diag_exit(d) : NACRE_RUN;
}

NacreStatus nc_plain(const NacreOptions *o, Work *f, void *arg, char **error) {
  static const NacreOptions defaults;
  char *unasked = NULL;
  if (!error) error = &unasked;
  *error = NULL;
  NcArena *a = nc_arena_new();
  if (!a) return NACRE_RUN;
  locale_t before = nc_point_begin();
  NacreStatus s = guarded(a, o ? o : &defaults, f, arg, error);
  nc_point_end(before);
  nc_arena_free(a);
  free(unasked);
  return s;
}

static bool misused(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  (void)a, (void)o;
  return nc_misused(d, arg);
}
NacreStatus nc_plain_misused(const NacreOptions *o, const char *given, const void *unused, char **error) {
  (void)unused;
  return nc_plain(o, misused, (void *)given, error);
}

typedef struct { const char *path; const void *bytes; size_t size; } File;

static bool write_file(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  (void)a, (void)o;
  const File *q = arg;
  return nc_write_file(d, q->path, q->bytes, q->size);
}

NacreStatus nacre_write_file(const char *path, const void *bytes, size_t size, const NacreOptions *o, char **error) {
  return nc_plain_given(o, path && (bytes || !size), write_file, &(File){path, bytes, size}, error);
}

// ---- fmt

typedef struct {
  const char *name, *text;
  size_t size;
  bool check;
  NcSink sink;
} Format;

static bool format(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  (void)o;
  Format *q = arg;
  NcMap names = NC_MAP(a);
  NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, q->name, q->text, q->size));
  if (d->errors) return false;
  NcBuf b = NC_BUF(a);
  nc_print_file(&b, d, f);
  if (q->check) return b.n == q->size && memcmp(nc_buf_str(&b), q->text, q->size) == 0;
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_format(const char *name, const char *text, size_t size, bool check, const NacreOptions *o,
                         NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, name && (text || !size) && (write || check), format, &(Format){name, text ? text : "", size, check, {write, ctx}}, error);
}

