// nacre_draw: a picture of the layers or of the launches, as text, and as a file through Graphviz.
#include <string.h>
#include "base/file.h"
#include "show/picture.h"

typedef struct { const NacreDraw *draw; NacrePicture *out; } Ask;

static const char *ending(const char *path) {
  static const char *const known[] = {"svg", "png", "dot"};
  const char *dot = path ? strrchr(path, '.') : NULL;
  for (int i = 0; dot && i < 3; i++)
    if (strcmp(dot + 1, known[i]) == 0) return known[i];
  return NULL;
}

// x.svg → x.dot
static const char *beside(NcArena *a, const char *path) {
  return nc_sprintf(a, "%.*s.dot", (int)(strrchr(path, '.') - path), path);
}

static bool write_picture(NacreModel *m, const char *path, const NcBuf *dot) {
  const char *format = ending(path);
  if (strcmp(format, "dot") == 0) return nc_write_file(m->diag, path, dot->at, dot->n);
  size_t size;
  NcDotTrouble t;
  const char *picture = nc_graphviz(m->arena, dot->at, dot->n, format, &size, &t);
  if (picture) return nc_write_file(m->diag, path, picture, size);
  const char *text = beside(m->arena, path);
  if (!nc_write_file(m->diag, text, dot->at, dot->n)) return false;
  NcMessage *e = nc_error(m->diag, NC_E0602, NC_NOWHERE, "cannot draw `%s`: Graphviz's program `dot` %s", path, t.why);
  nc_note(m->diag, e, "`%s` has the picture as text", text);
  nc_help(m->diag, e, t.absent ? "install the package `graphviz`, then `dot -T%s %s -o %s`" : "see what it says: `dot -T%s %s -o %s`",
          format, text, path);
  return false;
}

static NcPicture *kernels(NacreModel *m, const char *purpose, int depth) {
  const NcGraph *g = nc_look_graph(m, purpose);
  NcTarget t;
  if (!g || !nc_look_target(m, &t)) return NULL;
  NcPlan *p = nc_compile(m->arena, m->diag, g, &t, &(NcCompileOptions){.name = purpose, .verify = m->o.verify});
  return p ? nc_picture_plan(m->arena, p, purpose, depth) : NULL;
}

static bool draw(NacreModel *m, void *arg) {
  const Ask *q = arg;
  if (q->draw->path && !ending(q->draw->path)) {
    nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` does not say in which form to draw", q->draw->path),
            "let the name end in .svg, .png or .dot");
    return false;
  }
  if (!q->draw->kernels && !m->program->drawn) return nc_engine_lacks(m), false;
  NcPicture *p = q->draw->kernels ? kernels(m, q->draw->purpose ? q->draw->purpose : "predict", q->draw->depth)
                                  : nc_picture_model(m->arena, m->program, q->draw->depth);
  if (!p) return false;
  NcBuf dot = NC_BUF(m->arena), json = NC_BUF(m->arena);
  nc_picture_dot(p, &dot);
  nc_picture_json(p, &json);
  *q->out = (NacrePicture){p->boxes, p->arrows, p->depth, nc_buf_str(&dot), nc_buf_str(&json)};
  return !q->draw->path || write_picture(m, q->draw->path, &dot);
}

NacreStatus nacre_draw(NacreModel *m, const NacreDraw *d, NacrePicture *out) { return nc_guard_given(m, d && out, draw, &(Ask){d, out}); }
