// A loss that is not finite: the steps since the last checkpoint run again, the last two under the glass, until the first
// value that is not finite shows.
#include <string.h>
#include "train/walk.h"

// Where the same bits can be had again: the last checkpoint when it is from before the bad step, else the start.
static NcPosition before_broken(NcWalk *l) {
  NacreModel *m = l->m;
  NcPosition from = {0};
  const char *dir = l->run.dir ? l->run.dir : l->o->resume;   // broken in the very first step: there is no directory yet
  if (!dir) return from;
  const char *last = nc_sprintf(m->arena, "%s/last.safetensors", dir);
  NcDiag *quiet = nc_diag_new(m->arena), *loud = m->diag;
  m->diag = quiet;   // that there is no checkpoint yet is no news
  bool saved = nc_checkpoint_position(m, last, &from);
  if (saved) nc_walk_leap(l, &from);
  saved = saved && from.step <= l->at.step && from.step >= l->first_step;
  m->diag = loud;
  if (saved) m->weights = last;
  return saved ? from : (NcPosition){0};
}

// From there up to the step before, then the last steps under the glass, with the plans of `turn`.
static bool replay(NcWalk *l, NcPosition from, NcGlass *glass) {
  NacreModel *m = l->m;
  m->filled = 0;
  m->stage = from.step > l->first_step ? l->stage + 1 : 0;
  if (!nc_exec_finish(m->exec, m->diag) || !nc_engine_fill(m)) return false;
  nc_loader_seek(m->loader, from.epoch, from.batch);
  for (int64_t step = from.step; step <= l->at.step && !glass->bad->found; step++) {
    bool close = step + 1 >= l->at.step;   // what a step does to the parameters shows in the next one's loss
    NcBatch b;
    NcUnderWay *s = &l->slot[0];
    nc_loader_next(m->loader, &b);
    s->step = (int32_t)step;
    if (!nc_walk_step(l, &b, s, close ? glass : NULL) || !nc_exec_finish(m->exec, m->diag)) return false;
  }
  return true;
}

// The plan with every operation by itself, so that each value can be looked at; false when there is no room for it.
static bool unfused(NcWalk *l, const NcFed *fused, NcFed *out) {
  NacreModel *m = l->m;
  *out = *fused;
  if (!fused->c) return true;
  int messages = m->diag->messages.n, errors = m->diag->errors;
  NcCompiled *c = out->c = NC_NEW(m->arena, NcCompiled);
  *c = *fused->c;
  c->plan = nc_compile(m->arena, m->diag, nc_engine_graph(c->program, c->purpose), nc_device_target(m->device),
                       &(NcCompileOptions){.name = c->purpose, .no_fuse = true});
  c->loaded = c->plan ? nc_exec_load(m->exec, m->diag, c->plan) : NULL;
  bool good = c->loaded && nc_feed_map(m, c, &out->map);
  for (int i = 0; good && i < out->map.n; i++) {
    int k = 0;
    while (k < l->fields && l->field[k] != out->map.field[i]) k++;
    good = k < l->fields;
    out->map.slot[i] = k;
  }
  m->diag->messages.n = messages;
  m->diag->errors = errors;
  return good;
}

static const NcTurn *all_unfused(NcWalk *l) {
  NcTurn *t = NC_NEW_N(l->m->arena, NcTurn, l->turns);
  for (int i = 0; i < l->turns; i++)
    if (!unfused(l, &l->turn[i].gather, &t[i].gather) || !unfused(l, &l->turn[i].update, &t[i].update)) return NULL;
  return t;
}

// The plans that were trained with hunt second: they give the very same bits, but tell only of what leaves their kernels.
bool nc_walk_find_broken(NcWalk *l) {
  NacreModel *m = l->m;
  NcPosition from = before_broken(l);
  const NcTurn *way[] = {all_unfused(l), l->turn};
  NcBad found = {.inf_buffer = -1};
  NcFed seen = l->turn[l->turns - 1].update;
  for (int i = 0; i < 2 && !found.found; i++) {
    if (!way[i]) continue;
    seen = way[i][l->turns - 1].update;
    if (!replay(l, from, &(NcGlass){way[i], &found, &seen})) return false;
  }
  NcMessage *e = nc_exec_report_bad(seen.c->loaded, m->diag, &found);
  if (!e && l->spoiled) e = nc_error(m->diag, NC_E0603, NC_NOWHERE, "`%s` holds a value that is not finite", l->spoiled);
  if (!e) e = nc_error(m->diag, NC_E0603, NC_NOWHERE, "the loss is not finite");
  nc_note(m->diag, e, "at step %lld, epoch %lld", (long long)nc_walk_done(&l->at) + 1, (long long)l->at.epoch + 1);
  if (from.step) nc_note(m->diag, e, "`%s` is from before it, step %lld", m->weights, (long long)nc_walk_done(&from));
  if (!e->help) nc_help(m->diag, e, "a smaller learning rate is the usual mend");
  return false;
}
