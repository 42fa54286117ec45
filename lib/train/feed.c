// From data to the inputs of a plan.
#include <string.h>
#include "train/described.h"
#include "train/model.h"

static const NcRecipe *recipe(NacreModel *m) {
  if (!m->program->recipe)
    nc_help(m->diag, nc_error(m->diag, NC_E0310, NC_NOWHERE, "`%s` has no train declaration", m->name),
            "add `train MODEL on DATA { loss = … }`");
  return m->program->recipe;
}

static bool split(NacreModel *m, const NcDataset *data, NcRange at) {
  const NcRecipe *r = m->program->recipe;
  const NcSplitPart *part = r->split.at;
  int n = r->split.n;
  if (data->windows.span) return nc_split_windows(m->arena, m->diag, &data->windows, at, part, n, m->split);
  if (r->split_by) return nc_split_by(m->arena, m->diag, data, r->split_by, r->seed, at, part, n, m->split);
  return nc_split(m->arena, m->diag, data->n, r->seed, at, part, n, m->split);
}

bool nc_feed_data(NacreModel *m) {
  if (m->data) return true;
  const NcRecipe *r = recipe(m);
  if (!r) return false;
  NcSourceSpec spec = *r->source;
  spec.dir = m->data_dir;
  NcDataset *data = nc_source_open(m->arena, m->diag, &spec);
  if (!data || !nc_data_check(m->diag, data)) return false;
  if (nc_described_by_run(m, r->source) && !nc_data_align(m->arena, m->diag, data, &r->fields)) return false;
  if (!nc_feed_filter(m, data)) return false;
  m->split = NC_NEW_N(m->arena, NcSplit, r->split.n + 1);
  if (!split(m, data, spec.at)) return false;
  m->splits = r->split.n;
  m->data = data;
  for (int i = 0; i < m->splits; i++)
    if (strcmp(m->split[i].name, "train") == 0) nc_fill_holes(m->arena, data, &m->split[i]);
  return nc_check_indices(m);
}

const char *nc_feed_unseen(const NcRecipe *r) {
  static const char *const order[] = {"test", "valid"};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    for (int k = 0; k < r->split.n; k++)
      if (strcmp(r->split.at[k].name, order[i]) == 0) return order[i];
  return r->split.n ? "train" : "all";
}

const NcSplit *nc_feed_split(NacreModel *m, const char *name) {
  if (!nc_feed_data(m)) return NULL;
  if (!name) name = nc_feed_unseen(m->program->recipe);
  for (int i = 0; i < m->splits; i++)
    if (strcmp(m->split[i].name, name) == 0) return &m->split[i];
  if (strcmp(name, "all") == 0) {
    NcSplit *all = NC_NEW(m->arena, NcSplit);
    nc_split_all(m->arena, m->data, all);
    return all;
  }
  NcBuf b = NC_BUF(m->arena);
  for (int i = 0; i < m->splits; i++) nc_putf(&b, "`%s`, ", m->split[i].name);
  nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "the data has no part `%s`", name),
          m->splits ? "it has %sand `all`" : "it has no `split`: %sonly `all` can be asked for", nc_buf_str(&b));
  return NULL;
}

// The largest divisor of n up to four batches, if it is not much smaller than a batch: then one plan does all.
int64_t nc_feed_batch(int64_t n, int64_t batch) {
  int64_t most = batch * 4 < n ? batch * 4 : n;
  for (int64_t b = most; b > batch / 2 && b > 0; b--)
    if (n % b == 0) return b;
  return batch < n ? batch : n;
}

uint64_t nc_feed_seed(const NacreModel *m, const char *part, int64_t first) {
  uint64_t seed = m->program->recipe ? m->program->recipe->seed : 0;
  return nc_hash64(nc_hash64(seed, part, strlen(part)), &first, sizeof first);
}

bool nc_feed_map(NacreModel *m, const NcCompiled *c, NcFeedMap *out) {
  int max = c->plan->buf.n;
  *out = (NcFeedMap){.field = NC_NEW_N(m->arena, int, max), .buffer = NC_NEW_N(m->arena, int, max),
                     .bytes = NC_NEW_N(m->arena, size_t, max), .slot = NC_NEW_N(m->arena, int, max), .step = -1,
                     .iteration = -1, .micro = -1, .seed = -1};
  for (int i = 0; i < NC_MAX_PLATEAUS; i++) out->plateau[i] = -1;
  for (int i = 0; i < max; i++) {
    const NcPlanBuf *b = &c->plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT) continue;
    if (strcmp(b->name, "step") == 0) { out->step = i; continue; }
    if (strcmp(b->name, "iteration") == 0) { out->iteration = i; continue; }
    if (strcmp(b->name, "micro") == 0) { out->micro = i; continue; }
    if (strcmp(b->name, "seed") == 0) { out->seed = i; continue; }
    if (strncmp(b->name, NC_PLATEAU_INPUT, sizeof NC_PLATEAU_INPUT - 1) == 0) {
      out->plateau[b->name[sizeof NC_PLATEAU_INPUT - 1] - '0'] = i;
      continue;
    }
    int field = nc_field_find(m->data, b->name);
    if (field < 0) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "the data has no field `%s`", b->name), false;
    size_t have = nc_field_bytes(&m->data->field[field]) * (size_t)c->batch;
    if (have != b->bytes)
      return nc_error(m->diag, NC_E0405, NC_NOWHERE, "field `%s` has %zu bytes in a batch, but the plan expects %zu: the data "
                      "changed since it was described", b->name, have, b->bytes), false;
    out->field[out->n] = field;
    out->slot[out->n] = out->n;
    out->buffer[out->n] = i;
    out->bytes[out->n++] = b->bytes;
  }
  return true;
}

bool nc_feed_batch_write(NacreModel *m, const NcCompiled *c, const NcFeedMap *f, void *const *field, const NcFeedNow *now) {
  const struct { int buffer; const void *from; size_t bytes; } scalar[] = {
    {f->step, now->step, sizeof *now->step}, {f->iteration, now->iteration, sizeof *now->iteration},
    {f->micro, now->micro, sizeof *now->micro}, {f->seed, now->seed, sizeof *now->seed},
  };
  for (int i = 0; i < f->n; i++) {
    const char *from = (const char *)field[f->slot[i]] + (size_t)now->part * f->bytes[i];
    if (!nc_exec_write(c->loaded, m->diag, f->buffer[i], from, f->bytes[i])) return false;
  }
  for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++)
    if (scalar[i].buffer >= 0 && !nc_exec_write(c->loaded, m->diag, scalar[i].buffer, scalar[i].from, scalar[i].bytes)) return false;
  for (int i = 0; i < NC_MAX_PLATEAUS; i++)
    if (f->plateau[i] >= 0 && !nc_exec_write(c->loaded, m->diag, f->plateau[i], &now->falls[i], sizeof *now->falls)) return false;
  return true;
}
