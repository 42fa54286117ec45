// Graphs that a report needs, run over a part of the data; and the data's images.
#include <math.h>
#include <string.h>
#include "show/report.h"

// What a step, a seed or a field is to be in a batch that begins at `from`.
static bool feed(NcReport *r, const NcCompiled *c, const NcFeedMap *map, const NcSplit *part, int64_t from, void **room) {
  const NcDataset *d = r->m->data;
  int32_t step = 0;
  uint64_t seed = nc_feed_seed(r->m, part->name, from);
  for (int i = 0; i < map->n; i++) {
    size_t bytes = nc_field_bytes(&d->field[map->field[i]]);
    for (int64_t k = 0; k < c->batch; k++)
      memcpy((char *)room[i] + (size_t)k * bytes, nc_field_at(d, map->field[i], part->index[from + k]), bytes);
  }
  return nc_feed_batch_write(r->m, c, map, room, &(NcFeedNow){.step = &step, .iteration = &step, .micro = &step, .seed = &seed}) &&
         nc_exec_finish(r->m->exec, r->m->diag);
}

static bool keep(NcArena *a, NcArrayOf **all, int *n, const NacreOutput *o, int count, int64_t batch, int64_t from, int64_t total, bool once) {
  if (!*all) {
    *all = NC_NEW_N(a, NcArrayOf, count + 1);
    *n = count;
    for (int i = 0; i < count; i++) {
      NcType t = nc_output_type(&o[i]);
      NcArrayOf *x = &(*all)[i];
      if (!once && (t.shape.rank == 0 || t.shape.dim[0] != batch)) return false;
      *x = (NcArrayOf){.name = o[i].tensor.name, .type = t, .n = once ? 1 : total, .per = once ? nc_count(t.shape) : nc_count(t.shape) / batch};
      x->v = nc_alloc_array(a, (size_t)(x->n * x->per) + 1, sizeof *x->v);
    }
  }
  for (int i = 0; i < count; i++) {
    NcArrayOf *x = &(*all)[i];
    int64_t values = once ? x->per : x->per * batch;
    for (int64_t k = 0; k < values; k++) x->v[(once ? 0 : from * x->per) + k] = (float)nc_output_at(&o[i], k);
  }
  return true;
}

// Examples [from, to) in batches of one size.
static bool run_batches(NcReport *r, const NcShowRun *q, int64_t from, int64_t to, int64_t batch, int64_t total, int *n, NcArrayOf **out) {
  NacreModel *m = r->m;
  NcCompiled c = {.purpose = "report", .batch = batch, .program = nc_engine_program(m, batch)};
  const NcGraph *g = c.program ? q->make(r, c.program, q->ctx) : NULL;
  if (!g || !nc_engine_device(m)) return false;
  c.plan = nc_compile(m->arena, m->diag, g, nc_device_target(m->device), &(NcCompileOptions){.name = "report", .apart = true});
  c.loaded = c.plan ? nc_exec_load(m->exec, m->diag, c.plan) : NULL;
  NcFeedMap map;
  if (!c.loaded || !nc_engine_fill(m) || !nc_feed_map(m, &c, &map)) return false;
  void **room = NC_NEW_N(m->arena, void *, map.n + 1);
  for (int i = 0; i < map.n; i++) room[i] = nc_alloc(m->arena, map.bytes[i]);
  bool good = true;
  for (int64_t at = from; good && at + batch <= to; at += batch) {
    int count;
    good = feed(r, &c, &map, q->part, at, room) && nc_exec_run(c.loaded, m->diag);
    NacreOutput *o = good ? nc_outputs_read(m, m->arena, g, c.plan, c.loaded, &count) : NULL;
    good = o && keep(m->arena, out, n, o, count, batch, at, total, q->once);
  }
  nc_exec_unload(c.loaded);
  return good;
}

bool nc_report_run(NcReport *r, const NcShowRun *q, int *n, NcArrayOf **out) {
  int64_t total = q->part->n < q->most ? q->part->n : q->most, batch = nc_feed_batch(total, r->m->program->batch);
  *out = NULL;
  *n = 0;
  if (q->once) {
    batch = r->m->program->batch < q->part->n ? r->m->program->batch : q->part->n;
    return run_batches(r, q, 0, batch, batch, batch, n, out);
  }
  int64_t whole = total / batch * batch;
  return run_batches(r, q, 0, whole, batch, total, n, out) && (whole == total || run_batches(r, q, whole, total, total - whole, total, n, out));
}

int64_t nc_report_most(int64_t most, int64_t per) {
  enum { ENOUGH = 1 << 24 };
  return per > ENOUGH / most ? ENOUGH / per + 1 : most;
}

// ---- images

int nc_report_image(const NcReport *r) {
  enum { LEAST = 8, MOST = 512 };
  const NcDataset *d = r->m->data;
  for (int i = 0; d && i < d->fields; i++) {
    const NcField *f = &d->field[i];
    NcShape s = f->shape;
    bool grey = s.rank == 2, colours = s.rank == 3 && (s.dim[0] == 1 || s.dim[0] == 3 || s.dim[0] == 4);
    int64_t h = grey ? s.dim[0] : colours ? s.dim[1] : 0, w = grey ? s.dim[1] : colours ? s.dim[2] : 0;
    if (f->dtype != NC_I32 && !f->column && h >= LEAST && w >= LEAST && h <= MOST && w <= MOST) return i;
  }
  return -1;
}

bool nc_report_put_mosaic(NcReport *r, const NacreOutput *o, const char *style, const char *text) {
  NcMosaic g;
  return nc_output_mosaic(r->m->arena, o, &g) &&
         nc_html_png(r->b, r->m->arena, g.width, g.height, g.channels, g.pixel, style, text);
}

bool nc_report_put_image(NcReport *r, int field, int64_t example) {
  const NcField *f = &r->m->data->field[field];
  NacreOutput o = {.tensor = {.name = f->name, .dtype = nc_dtype_name(f->dtype), .rank = f->shape.rank + 1, .dim = {1}}};
  for (int k = 0; k < f->shape.rank; k++) o.tensor.dim[k + 1] = f->shape.dim[k];
  o.data = nc_field_at(r->m->data, field, example);
  return nc_report_put_mosaic(r, &o, "pixels", nc_sprintf(r->m->arena, "example %lld", (long long)example));
}
