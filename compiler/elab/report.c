// Errors and their places. What goes wrong inside the prelude is shown at the user's own line, with a note.
#include "elab/elab.h"
#include <string.h>

// The call through which the user's source entered the prelude.
static const NcFrame *entry(const NcElab *e) {
  const NcFrame *f = e->frame, *found = NULL;
  while (f && f->module && f->module->prelude) {
    found = f;
    f = f->up;
  }
  return found;
}

NcRange nc_here(const NcElab *e, NcRange at) {
  const NcFrame *f = entry(e);
  if (f && f->call.file) at = f->call;
  if (e->frame && e->frame->inst && e->frame->inst->layer) at.layer = e->frame->inst->layer;
  return at;
}

const char *nc_user_function(const NcElab *e) {
  const NcFrame *f = entry(e);
  return f && f->info ? f->info->decl->name.s : NULL;
}

static bool in_prelude(const NcElab *e, NcRange at) {
  for (int i = 0; i < e->modules.n; i++)
    if (e->modules.at[i]->prelude && e->modules.at[i]->file->source == at.file) return true;
  return false;
}

static NcMessage *silent(NcElab *e) {   // swallows what is added to a message that was given before
  return NC_NEW(e->arena, NcMessage);
}

NcMessage *nc_elab_error(NcElab *e, NcCode code, NcRange at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const char *text = nc_vsprintf(e->arena, fmt, ap);
  va_end(ap);
  NcRange here = in_prelude(e, at) ? nc_here(e, at) : at;
  for (int i = 0; i < e->diag->messages.n; i++) {
    const NcMessage *m = e->diag->messages.at[i];
    if (m->code == code && nc_same_place(m->at, here) && strcmp(m->text, text) == 0) return silent(e);
  }
  NcMessage *m = nc_error(e->diag, code, here, "%s", text);
  const NcFrame *f = entry(e);
  if (f && f->info && in_prelude(e, at)) {
    nc_note(e->diag, m, "inside `%s` of the prelude", e->frame->info ? e->frame->info->decl->name.s : "");
  } else {
    for (f = e->frame; f && (!f->info || nc_same_place(f->call, here)); f = f->up) {}
    if (f && f->call.file && f->up && f->up->info)
      nc_note(e->diag, m, "inside `%s`, called at %s", f->info->decl->name.s, nc_place(e->diag, e->arena, f->call));
  }
  return m;
}

void nc_elab_label(NcElab *e, NcMessage *m, NcRange at, const char *text) {
  if (at.file && !in_prelude(e, at)) nc_label(e->diag, m, at, "%s", text);
}

void nc_label_history(NcElab *e, NcMessage *m, const NcTensor *t) {
  for (int i = 0; t && i < 4; i++, t = t->before) nc_elab_label(e, m, t->at, nc_t_describe(e, t));
}

void nc_note_origin(NcElab *e, NcMessage *m, NcSize s) {
  NcBuf b = NC_BUF(e->arena);
  if (nc_put_factors(&b, &e->sizes, s)) nc_note(e->diag, m, "%s", nc_buf_str(&b));
}

void nc_suggest(NcElab *e, NcMessage *m, const char *word, const char *const *names, int n) {
  const char *near = nc_nearest(word, names, n);
  if (near) nc_help(e->diag, m, "did you mean `%s`?", near);
}
