// The prelude: of each declaration only the name and the place are noted at first, and what a file uses is parsed. Most files use
// a few of its hundred words.
#include "elab/elab.h"
#include "base/embed.h"
#include "front/parse.h"
#include <string.h>

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// A declaration begins at the start of a line, as `fn name`, and nothing else does but `nn 1`.
static bool declares(const char *line) { return letter(*line) && strncmp(line, "nn ", 3) != 0; }

static const char *declared(NcElab *e, const char *line) {
  const char *name = line + strcspn(line, " ") + 1, *end = name;
  while (letter(*end) || (*end >= '0' && *end <= '9')) end++;
  return nc_intern(&e->names, name, (size_t)(end - name));
}

static void load(NcElab *e, const NcEmbedded *f) {
  NcModule *m = NC_NEW(e->arena, NcModule);
  m->name = f->name;
  m->prelude = true;
  m->decl = m->import = NC_MAP(e->arena);
  m->file = NC_NEW(e->arena, NcFile);
  m->file->source = nc_diag_source(e->diag, f->name, f->text, f->size);
  *NC_PUSH(e->arena, e->modules) = m;
  const NcSource *s = nc_diag_file(e->diag, m->file->source);
  NcInfo *last = NULL;
  for (int i = 0; i < s->lines; i++) {
    if (!declares(s->text + s->line[i])) continue;
    if (last) last->text.end = s->line[i];
    last = NC_NEW(e->arena, NcInfo);
    *last = (NcInfo){.module = m, .text = {m->file->source, s->line[i], (uint32_t)s->size}};
    nc_map_set(&e->prelude->decl, declared(e, s->text + s->line[i]), last);
  }
}

void nc_load_prelude(NcElab *e) {
  e->prelude = NC_NEW(e->arena, NcModule);
  e->prelude->name = "prelude";
  e->prelude->prelude = true;
  e->prelude->decl = e->prelude->import = NC_MAP(e->arena);
  for (const NcEmbedded *f = nc_prelude_files; f->name; f++) load(e, f);
}

NcInfo *nc_prelude(NcElab *e, const char *name) {
  NcInfo *info = nc_map_get(&e->prelude->decl, name);
  if (!info || info->decl) return info;
  info->decl = nc_parse_decl(e->arena, e->diag, &e->names, info->text);
  info->set = NC_NEW_N(e->arena, const NcExpr *, info->decl->hyper.n + 1);
  return info;
}
