#include "gen/templates.h"
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "base/embed.h"

void nc_frame_define(NcTemplateFrame *f, const char *macro, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  nc_putf(f->out, "#define %s ", macro);
  nc_vputf(f->out, fmt, ap);
  va_end(ap);
  nc_putc(f->out, '\n');
  nc_putf(&f->undef, "#undef %.*s\n", (int)strcspn(macro, "("), macro);
}

// A caller's text as the body of a macro: line ends become spaces, line comments would swallow the rest.
static const char *body(NcArena *a, const char *text) {
  char *s = nc_strdup(a, text);
  for (char *p = s; *p; p++)
    if (*p == '\n') *p = ' ';
  return s;
}

// The names in a list of declarations: ", __global const float *bias, int step" gives ", bias, step".
static const char *argument_names(NcArena *a, const char *extra) {
  NcBuf b = NC_BUF(a);
  for (const char *p = extra; *p;) {
    const char *end = p + 1 + strcspn(p + 1, ",");
    const char *last = end;
    while (last > p && !(isalnum((unsigned char)last[-1]) || last[-1] == '_')) last--;
    const char *first = last;
    while (first > p && (isalnum((unsigned char)first[-1]) || first[-1] == '_')) first--;
    nc_putf(&b, ", %.*s", (int)(last - first), first);
    p = end;
  }
  return nc_buf_str(&b);
}

// LOAD_x(i) and LOAD_x_V(i) of one operand.
static void define_load(NcTemplateFrame *f, int width, const char *letter, const NcSplice *s) {
  NcArena *a = f->out->arena;
  nc_frame_define(f, nc_sprintf(a, "%s_TYPE", letter), "%s", s->type ? s->type : "float");
  const char *one = nc_sprintf(a, "LOAD_%s(i)", letter), *vec = nc_sprintf(a, "LOAD_%s_V(i)", letter);
  if (s->load) nc_frame_define(f, one, "(%s)", body(a, s->load));
  else nc_frame_define(f, one, "%s[i]", letter);
  if (s->load_v) {
    nc_frame_define(f, vec, "(%s)", body(a, s->load_v));
  } else if (!s->load) {
    nc_frame_define(f, vec, "vload%d(0, %s + (i))", width, letter);
  } else {
    NcBuf list = NC_BUF(a);
    for (int i = 0; i < width; i++) nc_putf(&list, "%sLOAD_%s((i + %d))", i ? ", " : "", letter, i);
    nc_frame_define(f, vec, "((float%d)(%s))", width, nc_buf_str(&list));
  }
}

// STORE(o, c, v), and STORE_V(o, c, v) where STORES_VECTORS is 1; templates call them with plain variables.
static void define_store(NcTemplateFrame *f, int width, const NcTemplateText *t) {
  NcArena *a = f->out->arena;
  nc_frame_define(f, "C_TYPE", "%s", t->c_type ? t->c_type : "float");
  nc_frame_define(f, "STORE(o, c, v)", "{ %s }", t->store ? body(a, t->store) : "C[o] = v;");
  nc_frame_define(f, "STORES_VECTORS", "%d", t->store_v || !t->store);
  if (t->store_v) nc_frame_define(f, "STORE_V(o, c, v)", "{ %s }", body(a, t->store_v));
  else nc_frame_define(f, "STORE_V(o, c, v)", "vstore%d(v, 0, C + o)", width);
}

NcTemplateFrame nc_frame_begin(NcBuf *program, const NcTarget *t, const char *name, const NcTemplateText *text) {
  NcTemplateFrame f = {.out = program, .undef = NC_BUF(program->arena)};
  const char *extra = text->extra ? text->extra : "";
  nc_frame_define(&f, "NAME", "%s", name);
  nc_frame_define(&f, "W", "%d", t->vector);
  nc_frame_define(&f, "EXTRA", "%s", body(program->arena, extra));
  nc_frame_define(&f, "EXTRA_NAMES", "%s", argument_names(program->arena, extra));
  define_load(&f, t->vector, "A", &text->a);
  define_load(&f, t->vector, "B", &text->b);
  define_load(&f, t->vector, "D", &text->d);
  define_store(&f, t->vector, text);
  return f;
}

void nc_frame_file(NcTemplateFrame *f, const char *file) {
  for (const NcEmbedded *e = nc_kernel_files; e->name; e++)
    if (!strcmp(e->name, file)) nc_putn(f->out, e->text, e->size);
}

void nc_frame_end(NcTemplateFrame *f) { nc_put(f->out, nc_buf_str(&f->undef)); }

NcTemplateLaunch *nc_use_launch(NcTemplateUse *use, const char *kernel, size_t gx, size_t gy, size_t gz, int nargs,
                                const int *arg) {
  NcTemplateLaunch *l = &use->launch[use->nlaunch++];
  *l = (NcTemplateLaunch){.kernel = kernel, .global = {gx, gy, gz}, .local = {1, 1, 1}, .nargs = nargs};
  memcpy(l->arg, arg, (size_t)nargs * sizeof *arg);
  return l;
}

// Accumulators, vectors of B and one broadcast fill the registers: 16 of them with 4 or 8 lanes, 32 with 16. A kernel has
// one tile, and its last one makes rows again that another has made: a second tile for the rows left over would cost the
// driver's compiler more than all else in the kernel. So fewer rows are taken where that wastes less; what a tile costs
// besides its rows is about half a row, and fewer than four wait for each other's sums.
NcTile nc_register_tile(const NcTarget *t, int64_t rows) {
  const int64_t most = t->vector == 16 ? 12 : 6;
  NcTile best = {1, 2};
  double least = INFINITY;
  for (int64_t mr = nc_least(rows, most); mr >= 1; mr--) {
    double cost = (double)nc_ceil_div(rows, mr) * ((double)nc_most(mr, 4) + 0.5);
    if (cost >= least) continue;
    least = cost;
    best.mr = (int)mr;
  }
  return best;
}

void nc_frame_sizes(NcTemplateFrame *f, const NcTemplateSize *list) {
  for (; list->macro; list++)
    nc_frame_define(f, list->macro, list->value < 0 ? "(%lld)" : "%lld", (long long)list->value);
}

// Elements to a work-item, work-items to a group: long runs for a core of a CPU, neighbours side by side for a GPU.
static int64_t reduce_run(const NcTarget *t) { return t->cls == NC_CLASS_CPU ? 4096 : 1; }
static int64_t reduce_group(const NcTarget *t) { return t->cls == NC_CLASS_CPU ? 1 : nc_least(64, t->max_group); }

// After the main kernel in the text: RB may mean something else there.
void nc_frame_reduce(NcTemplateFrame *f, const NcTarget *t, int64_t count, const char *column, bool column_run) {
  nc_put(f->out, "#undef RB\n");
  nc_frame_sizes(f, (NcTemplateSize[]){{"RB", reduce_run(t)}, {"GROUP", reduce_group(t)}, {"COUNT", count},
                                       {"COLUMN_RUN", column_run}, {NULL, 0}});
  nc_frame_define(f, "COLUMN(o)", "%s", column);
  nc_frame_file(f, "reduce.cl");
}

void nc_use_reduce(NcTemplateUse *use, NcArena *a, const NcTarget *t, const char *name, int64_t count, int64_t split) {
  const int64_t group = reduce_group(t), groups = nc_ceil_div(nc_ceil_div(count, reduce_run(t)), group);
  NcTemplateLaunch *l = nc_use_launch(use, nc_sprintf(a, "%s_reduce", name), (size_t)(groups * group), 1, 1, 2,
                                      (int[]){NC_TARG_WORK + use->nwork, NC_TARG_C});
  l->local[0] = (size_t)group;
  if (group == 1) l->form = NC_FORM_ITEM;
  use->work[use->nwork++] = (size_t)(split * count) * sizeof(float);
}

int64_t nc_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t nc_least(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t nc_most(int64_t a, int64_t b) { return a > b ? a : b; }

int64_t nc_even_block(int64_t n, int64_t cap, int64_t unit) {
  const int64_t blocks = nc_ceil_div(n, nc_most(cap, unit));
  return nc_ceil_div(nc_ceil_div(n, blocks), unit) * unit;
}
