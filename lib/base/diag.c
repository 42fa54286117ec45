#include "base/diag.h"
#include <string.h>

static const struct { const char *name; int exit_status; const char *title; } codes[] = {
#define NC_ERR(code, exit_status, title) {#code, exit_status, title},
#include "base/errors.def"
#undef NC_ERR
};

const char *nc_code_name(NcCode c) { return codes[c].name; }
const char *nc_code_title(NcCode c) { return codes[c].title; }
int nc_code_exit(NcCode c) { return codes[c].exit_status; }

bool nc_code_find(const char *name, NcCode *out) {
  for (int i = 0; i < NC_ERROR_COUNT; i++)
    if (strcmp(codes[i].name, name) == 0) { *out = (NcCode)i; return true; }
  return false;
}

NcRange nc_join(NcRange a, NcRange b) {
  if (!a.file) return b;
  if (!b.file || a.file != b.file) return a;
  return (NcRange){a.file, a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end, a.layer ? a.layer : b.layer};
}

bool nc_same_place(NcRange a, NcRange b) { return a.file == b.file && a.begin == b.begin && a.end == b.end; }

NcDiag *nc_diag_new(NcArena *a) {
  NcDiag *d = NC_NEW(a, NcDiag);
  d->arena = a;
  d->limit = 20;
  return d;
}

uint32_t nc_diag_source(NcDiag *d, const char *name, const char *text, size_t size) {
  NcSource s = {.name = nc_strdup(d->arena, name), .size = size};
  s.text = nc_strndup(d->arena, text, size);
  const char *end = s.text + size, *nl = s.text;
  int lines = 1;
  for (; (nl = memchr(nl, '\n', (size_t)(end - nl))); nl++) lines++;
  s.line = NC_NEW_N(d->arena, uint32_t, lines);
  for (nl = s.text; (nl = memchr(nl, '\n', (size_t)(end - nl))); nl++) s.line[++s.lines] = (uint32_t)(nl - s.text) + 1;
  s.lines++;
  *NC_PUSH(d->arena, d->sources) = s;
  return (uint32_t)d->sources.n;
}

const NcSource *nc_diag_file(const NcDiag *d, uint32_t file) {
  return file && file <= (uint32_t)d->sources.n ? &d->sources.at[file - 1] : NULL;
}

uint32_t nc_diag_layer(NcDiag *d, const char *path) {
  if (!*path) return 0;
  *NC_PUSH(d->arena, d->layers) = path;
  return (uint32_t)d->layers.n;
}

const char *nc_layer(const NcDiag *d, NcRange at) {
  return at.layer && at.layer <= (uint32_t)d->layers.n ? d->layers.at[at.layer - 1] : "";
}

void nc_line_col(const NcSource *s, uint32_t offset, int *line, int *col) {
  int lo = 0, hi = s->lines - 1;
  if (offset > s->size) offset = (uint32_t)s->size;
  while (lo < hi) {
    int mid = (lo + hi + 1) / 2;
    if (s->line[mid] <= offset) lo = mid;
    else hi = mid - 1;
  }
  *line = lo + 1;
  *col = (int)(offset - s->line[lo]) + 1;
}

static NcMessage *add(NcDiag *d, NcSeverity severity, NcCode code, NcRange at, const char *fmt, va_list ap) {
  NcMessage *m = NC_NEW(d->arena, NcMessage);
  m->severity = severity;
  m->code = code;
  m->at = at;
  m->text = nc_vsprintf(d->arena, fmt, ap);
  if (severity == NC_ERROR) d->errors++;
  if (severity != NC_ERROR || d->errors <= d->limit) *NC_PUSH(d->arena, d->messages) = m;
  return m;
}

NcMessage *nc_error(NcDiag *d, NcCode code, NcRange at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  NcMessage *m = add(d, NC_ERROR, code, at, fmt, ap);
  va_end(ap);
  return m;
}

NcMessage *nc_warn(NcDiag *d, NcCode code, NcRange at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  NcMessage *m = add(d, NC_WARNING, code, at, fmt, ap);
  va_end(ap);
  return m;
}

void nc_label(NcDiag *d, NcMessage *m, NcRange at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const char *text = nc_vsprintf(d->arena, fmt, ap);
  va_end(ap);
  if (nc_same_place(at, m->at)) m->label = text;
  else *NC_PUSH(d->arena, m->labels) = (NcLabel){at, text};
}

void nc_note(NcDiag *d, NcMessage *m, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  *NC_PUSH(d->arena, m->notes) = nc_vsprintf(d->arena, fmt, ap);
  va_end(ap);
}

void nc_help(NcDiag *d, NcMessage *m, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  m->help = nc_vsprintf(d->arena, fmt, ap);
  va_end(ap);
}

void nc_diag_forget(NcDiag *d, int messages, int errors) {
  d->messages.n = messages;
  d->errors = errors;
}

int nc_diag_exit(const NcDiag *d) {
  for (int i = 0; i < d->messages.n; i++)
    if (d->messages.at[i]->severity == NC_ERROR) return nc_code_exit(d->messages.at[i]->code);
  return 0;
}

const char *nc_place(const NcDiag *d, NcArena *a, NcRange at) {
  const NcSource *s = nc_diag_file(d, at.file);
  if (!s) return "";
  int line, col;
  nc_line_col(s, at.begin, &line, &col);
  return nc_sprintf(a, "%s:%d:%d", s->name, line, col);
}
